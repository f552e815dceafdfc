//! The muxer: decides which packet leaves next and when, and writes it. It reads no clock, does no
//! I/O, draws no random number, uses no float and allocates only when it is made.
//!
//! A stream's packet may leave from its lead before the DTS on, as far as its transport buffer has drained
//! and its decoder buffer has room, and should by its DTS; a table or a PCR from when it is due. At a
//! constant rate each slot goes to what may leave and has the earliest deadline, or to a null packet. At a
//! variable rate there is room for all streams at their own pace: each packet leaves when it may.
//!
//! Every instant is a function of the access units' stamps and lengths and of what was sent before, so the
//! packets and their departures do not depend on how the units were spread over pushes or how the
//! output was polled.

use crate::access_unit::{PushError, StreamIndex, UnitHeader};
use crate::config::{ConfigError, MuxConfig, MuxRate, Resume};
use crate::lane::{Lane, Limits, Next};
use crate::pacing::{self, StreamPace};
use crate::packet::{self, Adaptation, BODY_SIZE, PACKET_SIZE};
use crate::pid::Pid;
use crate::run::{MuxEvent, Poll, Run};
use crate::si::{
    Carousel, Descriptor, Due, EventTable, LocalTimeOffset, Program, Replaced, ServiceDescription, SiError,
    TableVersions,
};
use crate::source::{Bodies, Queues, UnitBytes};
use crate::splice::{CueError, CueLane, SpliceInfo};
use crate::wire::{Pace, Wire};
use retrovue_timebase::{Ticks27M, Ticks90k, UtcMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// Event tables that may wait for their instants.
const MOST_COMING: usize = 8;

/// Turns access units into transport packets, each with its instant of departure.
///
/// **The calling contract: push until every stream has been offered what there is (or is
/// [`PushError::Full`]), then poll until [`Poll::NeedInput`]; repeat. Call [`Muxer::finish`] after the
/// last push and poll until [`Poll::Finished`]. Units of one stream come in decoding order; the streams
/// may be pushed in any order between two polls.**
///
/// A packet is given out only when no later push could put another before it, so each open stream
/// must be pushed ahead of the output: [`Poll::NeedInput`] names the one that is waited for. Departures
/// lie on the timeline of the DTS and rise strictly. A PCR equals its packet's departure, which is that
/// of the byte the PCR refers to (ISO/IEC 13818-1 §2.4.3.5).
///
/// The bytes of the units come from `S`: with [`Queues`] the muxer keeps them itself
/// ([`Muxer::push`]); other sources are told of with [`Muxer::announce`].
pub struct Muxer<S = Queues> {
    source: S,
    lanes: Vec<Lane>,
    /// Indices of `lanes`, sound first: among deadlines that have passed the shorter lead goes.
    order: Vec<usize>,
    pcr_lane: usize,
    lead: i64,
    tables: Carousel,
    cues: Option<CueLane>,
    /// The table that leaves next, until another may that is more urgent.
    due: Due,
    due_until: i64,
    /// When PAT and PMT were last asked for.
    announced: i64,
    /// Events and the instants from which on they are told, in order.
    coming: VecDeque<(i64, Arc<EventTable>)>,
    program: Program,
    wire: Wire,
    /// Departure of the first packet, once there is one.
    start: Option<i64>,
    last_pcr: Option<i64>,
    event: Option<MuxEvent>,
}

/// What leaves next.
#[derive(Clone, Copy)]
enum Step {
    /// The table that is due.
    Table,
    /// A packet that only carries a PCR.
    Pcr,
    /// The next packet of a cue.
    Cue,
    /// The next packet of a lane, ready from `from` on.
    Unit {
        lane: usize,
        from: i64,
        deadline: i64,
    },
    Null,
}

enum Decision {
    /// `step` leaves at `at`; the same again until `until` and while it is more urgent than `rival`.
    Send {
        step: Step,
        at: i64,
        until: i64,
        /// Earliest deadline of what else may leave.
        rival: i64,
    },
    /// PAT and PMT are wanted before the random access point that would leave at `at`.
    Announce {
        at: i64,
    },
    Blocked {
        lane: usize,
    },
    Done,
}

impl Muxer<Queues> {
    /// A muxer for `config` that keeps the access units' bytes itself, with all its memory.
    ///
    /// # Errors
    /// Refuses a configuration that could not be kept to, naming the value.
    pub fn new(config: MuxConfig) -> Result<Muxer, ConfigError> {
        let lead = config.lead()?.0;
        let sizes = config
            .streams
            .iter()
            .map(|stream| Lane::queue_bytes(stream, StreamPace::new(&config, stream), lead));
        let queues = Queues::new(sizes);
        Muxer::with_source(config, queues)
    }
}

impl<S> Muxer<S> {
    /// A muxer for `config` that copies the access units' bytes from `source`, with all its memory.
    ///
    /// # Errors
    /// Refuses a configuration that could not be kept to, naming the value.
    pub fn with_source(config: MuxConfig, source: S) -> Result<Muxer<S>, ConfigError> {
        let lead = config.lead()?.0;
        let (mut videos, mut others) = (0, 0);
        let mut lanes = Vec::with_capacity(config.streams.len());
        for stream in &config.streams {
            let index_of_class = if stream.kind.is_video() { &mut videos } else { &mut others };
            let pace = StreamPace::new(&config, stream);
            let counter = Resume::counter(config.resume.as_ref(), stream.pid);
            // Teletext has no adaptation fields beside payload (EN 300 472 §4.1): its counter alone goes on.
            let counter = if stream.kind.is_teletext() { counter.unmarked() } else { counter };
            lanes.push(Lane::new(stream, *index_of_class, pace, lead, counter));
            *index_of_class += 1;
        }
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        order.sort_by_key(|&index| (lanes[index].kind.is_video(), index));
        let pcr_lane = config.pcr_stream();
        lanes[pcr_lane].carries_clock = true;
        let tables = config.tables();
        let program = tables.program.clone();
        let mut tables = Carousel::new(tables, config.resume.as_ref())?;
        if matches!(config.rate, MuxRate::Variable { .. }) {
            tables = tables.at_variable_rate();
        }
        Ok(Muxer {
            source,
            due: tables.next(),
            due_until: i64::MAX,
            cues: config.cues.map(|cues| CueLane::new(cues, config.resume.as_ref())),
            tables,
            announced: i64::MIN / 2,
            coming: VecDeque::with_capacity(MOST_COMING),
            program,
            wire: match config.rate {
                MuxRate::Variable { .. } => Wire::variable(config.peak_bps()),
                MuxRate::Constant { bps } => Wire::constant(bps),
            },
            lanes,
            order,
            pcr_lane,
            lead,
            start: None,
            last_pcr: None,
            event: None,
        })
    }

    /// Where the bytes are.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Where the bytes are, to put in those of units to be announced.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Takes note of an access unit whose bytes are in the source, behind those announced before.
    ///
    /// # Errors
    /// [`PushError::Full`] asks to poll first; the others say what is wrong with the unit. The muxer is
    /// unchanged after any of them.
    pub fn announce(&mut self, unit: UnitHeader) -> Result<(), PushError> {
        let delimiter = self.judge(&unit)?;
        let lane = &mut self.lanes[unit.stream.0];
        lane.push(&unit, delimiter).map_err(|_| self.full(unit.stream, unit.dts))
    }

    /// What is wrong with a unit, or the delimiter it lacks.
    pub(crate) fn judge(&self, unit: &UnitHeader) -> Result<&'static [u8], PushError> {
        let latest = self.lanes.iter().filter_map(Lane::last_dts).max();
        match self.lanes.get(unit.stream.0) {
            Some(lane) => lane.judge(unit, latest),
            None => Err(PushError::UnknownStream { stream: unit.stream, streams: self.lanes.len() }),
        }
    }

    pub(crate) fn has_stream(&self, stream: StreamIndex) -> bool {
        stream.0 < self.lanes.len()
    }

    /// No room for a unit: whether polling makes some, or nothing will because another stream has stopped.
    pub(crate) fn full(&self, stream: StreamIndex, dts: Ticks90k) -> PushError {
        match self.decide() {
            Decision::Blocked { lane } if lane != stream.0 => {
                PushError::Stalled { stream, dts, waiting_for: StreamIndex(lane) }
            }
            _ => PushError::Full { stream },
        }
    }

    /// Declares that no unit of `stream` comes with a DTS before `dts`, so that the others need not wait for
    /// it: what a stream of subtitles says while nobody speaks. `dts` rises like that of units, and leaps no
    /// further than ten seconds.
    ///
    /// # Errors
    /// As a push of a unit with that DTS.
    pub fn skip_to(&mut self, stream: StreamIndex, dts: Ticks90k) -> Result<(), PushError> {
        let (latest, streams) = (self.lanes.iter().filter_map(Lane::last_dts).max(), self.lanes.len());
        match self.lanes.get_mut(stream.0) {
            Some(lane) => lane.skip_to(stream, dts, latest),
            None => Err(PushError::UnknownStream { stream, streams }),
        }
    }

    /// Announces a splice. Its section leaves [`crate::CueConfig::ahead`] of the instant it names, but not before
    /// the last DTS that was pushed to every stream: which packets it stands between depends on what was
    /// pushed before, not on what was polled. Returns from when on it may leave. Repeating it is the
    /// caller's.
    ///
    /// # Errors
    /// [`CueError::Full`] asks to poll first; the others say what is wrong with the cue.
    pub fn cue(&mut self, info: &SpliceInfo) -> Result<Ticks27M, CueError> {
        let certain = self.certain();
        let cues = self.cues.as_mut().ok_or(CueError::NotConfigured)?;
        let (certain, _) = certain.ok_or(CueError::Ended)?;
        cues.push(info, certain)
    }

    /// Declares that `stream` gets no more access units, so that the others need not wait for it.
    pub fn end_stream(&mut self, stream: StreamIndex) {
        if let Some(lane) = self.lanes.get_mut(stream.0) {
            lane.ended = true;
        }
    }

    /// Ends every stream: what is queued may leave without waiting for more.
    pub fn finish(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.ended = true);
    }

    /// Longest time by which a packet leaves before its access unit's DTS; see [`MuxConfig::lead`].
    #[must_use]
    pub fn lead(&self) -> Ticks27M {
        Ticks27M(self.lead)
    }

    /// Last continuity counter of each PID that has sent a payload, in this session or the one
    /// resumed: what [`crate::Resume::counters`] of the next session takes.
    pub fn counters(&self) -> impl Iterator<Item = (Pid, u8)> + '_ {
        let lanes = self.lanes.iter().filter_map(|lane| lane.counter.last().map(|last| (lane.pid, last)));
        let cues = self.cues.iter().filter_map(|cues| cues.counter.last().map(|last| (cues.pid(), last)));
        self.tables.counters().chain(lanes).chain(cues)
    }

    /// The versions of the tables now: what [`crate::Information::versions`] of the next session takes.
    #[must_use]
    pub fn versions(&self) -> TableVersions {
        self.tables.versions()
    }

    /// Replaces all events that the EIT tells, from the next packets on.
    pub fn replace_events(&mut self, events: &EventTable) -> Replaced {
        self.change_tables(|tables| tables.replace_events(events))
    }

    /// Has all events that the EIT tells replaced by `events` once packets leave at `from` or later. Tables
    /// for an earlier instant must have been given before; they are told in order, whatever their instants.
    /// The caller keeps a reference until then: the muxer frees no memory.
    ///
    /// # Errors
    /// Gives the events back when eight tables wait already.
    pub fn announce_events(
        &mut self,
        from: Ticks27M,
        events: Arc<EventTable>,
    ) -> Result<(), Arc<EventTable>> {
        if self.coming.len() == MOST_COMING {
            return Err(events);
        }
        self.coming.push_back((from.0, events));
        Ok(())
    }

    /// Tells what `instant` of the timeline is in UTC; TDT and TOT, where configured, are sent from then on.
    pub fn set_utc(&mut self, instant: Ticks27M, utc: UtcMs) {
        self.change_tables(|tables| tables.set_utc(instant, utc));
    }

    /// Replaces the names that the SDT tells.
    ///
    /// # Errors
    /// [`SiError::NameTooLong`]; nothing is changed then.
    pub fn replace_service(&mut self, service: &ServiceDescription) -> Result<(), SiError> {
        self.change_tables(|tables| tables.replace_service(service))
    }

    /// Replaces the local times that the TOT tells.
    ///
    /// # Errors
    /// What [`MuxConfig`] refuses; nothing is changed then.
    pub fn replace_local_times(&mut self, local_times: &[LocalTimeOffset]) -> Result<(), SiError> {
        self.change_tables(|tables| tables.replace_local_times(local_times))
    }

    /// Replaces the descriptors of a stream in the program map, whose version is the next one then.
    /// A stream that does not exist has none.
    ///
    /// # Errors
    /// [`SiError::ProgramMapTooLong`]; nothing is changed then.
    pub fn replace_descriptors(
        &mut self,
        stream: StreamIndex,
        descriptors: Vec<Descriptor>,
    ) -> Result<(), SiError> {
        let Some(described) = self.program.streams.get_mut(stream.0) else { return Ok(()) };
        let before = std::mem::replace(&mut described.descriptors, descriptors);
        let replaced = self.tables.replace_program(&self.program);
        if replaced.is_err() {
            self.program.streams[stream.0].descriptors = before;
        }
        self.look_at_tables();
        replaced
    }

    /// From when on other events are told.
    fn next_events(&self) -> i64 {
        self.coming.front().map_or(i64::MAX, |&(from, _)| from)
    }

    fn events_are_due(&self, at: i64) -> bool {
        self.next_events() <= at
    }

    #[cold]
    fn tell_next_events(&mut self) {
        if let Some((_, events)) = self.coming.pop_front() {
            self.replace_events(&events);
        }
    }

    /// Changes what the tables tell, and asks anew which leaves next.
    fn change_tables<R>(&mut self, change: impl FnOnce(&mut Carousel) -> R) -> R {
        let changed = change(&mut self.tables);
        self.look_at_tables();
        changed
    }

    /// Asks anew which table leaves next.
    fn look_at_tables(&mut self) {
        (self.due, self.due_until) = self.tables.next_until(self.wire.next);
    }

    /// From when on a packet of the PCR's PID carries a PCR.
    fn pcr_from(&self) -> i64 {
        self.last_pcr.map_or(i64::MIN, |last| last + pacing::PCR_SOFT)
    }

    /// Chooses what leaves next.
    fn decide(&self) -> Decision {
        let Some(start) = self.start else { return self.decide_start() };
        let (due, announcing) = (self.due, !self.tables.is_announced());
        let begun = self.last_pcr.is_some();
        let cue_place = 2 + self.order.len();
        let mut choice = Choice::new(cue_place + usize::from(self.cues.is_some()));
        let (mut unknown_from, mut unknown_lane) = (i64::MAX, usize::MAX);
        let (mut alive, mut some_wait) = (false, false);
        for (place, &index) in self.order.iter().enumerate() {
            match self.lanes[index].next() {
                Next::Never => {}
                Next::Unknown { not_before } => {
                    alive = true;
                    if not_before < unknown_from || unknown_lane == usize::MAX {
                        (unknown_from, unknown_lane) = (not_before, index);
                    }
                }
                Next::Packet { from, deadline, begins_point } => {
                    (alive, some_wait) = (true, true);
                    // Nothing comes before the tables, nor before the first PCR.
                    if begun || (index == self.pcr_lane && self.tables.has_begun()) {
                        let from = if begins_point && announcing { from.max(due.from) } else { from };
                        choice.consider(2 + place, from, deadline);
                    }
                }
            }
        }
        if !alive {
            return Decision::Done;
        }
        choice.consider(0, due.from, due.deadline);
        if let Some(from) = self.pcr_due(start) {
            choice.consider(1, from, from + pacing::PCR_GRACE);
        }
        if let Some((from, deadline)) = self.cues.as_ref().and_then(CueLane::next).filter(|_| begun) {
            choice.consider(cue_place, from, deadline);
        }
        let at = if self.wire.constant { self.wire.next } else { self.wire.next.max(choice.earliest()) };
        let mut certain = i64::MAX;
        if let Some((instant, lane)) = self.certain() {
            // What is far behind its stamps may fill its queue, and goes on.
            let is_behind = instant <= at && self.lanes[lane].is_behind(at);
            if instant <= at && !is_behind {
                return Decision::Blocked { lane };
            }
            certain = if is_behind { i64::MAX } else { instant };
        }
        // Where no unit waits, the next push or the end decides whether anything follows at all.
        if unknown_lane != usize::MAX && (unknown_from <= at || !some_wait) {
            return Decision::Blocked { lane: unknown_lane };
        }
        let (place, until, rival) = if self.wire.constant { choice.for_slot(at) } else { choice.at_once(at) };
        let step = match place {
            None => Step::Null,
            Some(0) => Step::Table,
            Some(1) => Step::Pcr,
            Some(place) if place == cue_place => Step::Cue,
            Some(place) => {
                let lane = self.order[place - 2];
                if self.must_announce(lane, at) {
                    return Decision::Announce { at };
                }
                Step::Unit { lane, from: choice.from[place], deadline: choice.deadline[place] }
            }
        };
        let until =
            until.min(unknown_from).min(certain).min(self.due_until.max(at + 1)).min(self.next_events());
        Decision::Send { step, at, until, rival }
    }

    /// Where there are cues: an instant that no packet has reached, whatever was polled, with the stream that
    /// it goes by. It is the last DTS pushed of the stream that is least far. (Packets of a stream that exceeds
    /// its rate by so much that it is half a second behind may have.)
    fn certain(&self) -> Option<(i64, usize)> {
        self.cues.as_ref()?;
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.ended);
        open.map(|(index, lane)| (lane.last_dts().map_or(i64::MIN, |dts| dts * 300), index)).min()
    }

    /// From when on a packet leaves that only carries a PCR.
    #[inline]
    fn pcr_due(&self, start: i64) -> Option<i64> {
        match self.last_pcr {
            Some(last) => Some(last + pacing::PCR_HARD),
            None => {
                // The stream that carries it begins later than another, or not at all.
                let is_there =
                    matches!(self.lanes[self.pcr_lane].next(), Next::Packet { from, .. } if from <= start);
                (!is_there && self.tables.has_begun()).then_some(start)
            }
        }
    }

    /// A random access point would leave at `at` and PAT and PMT have not just been; where points are so
    /// dense that the tables would take the pictures' rate, not before each of them.
    fn must_announce(&self, lane: usize, at: i64) -> bool {
        self.announced + pacing::ANNOUNCE_DISTANCE <= at
            && matches!(self.lanes[lane].next(), Next::Packet { begins_point: true, .. })
            && self.tables.announcement_from() <= at
    }

    /// It all begins with the first packet of any stream.
    fn decide_start(&self) -> Decision {
        let (mut start, mut unknown): (Option<i64>, Option<(i64, usize)>) = (None, None);
        for (index, lane) in self.lanes.iter().enumerate() {
            match lane.next() {
                Next::Unknown { not_before } => {
                    unknown = unknown.filter(|&(first, _)| first <= not_before).or(Some((not_before, index)));
                }
                Next::Packet { from, .. } => start = Some(start.map_or(from, |start| start.min(from))),
                Next::Never => {}
            }
        }
        match (start, unknown) {
            (Some(at), Some((first, lane))) if first <= at => Decision::Blocked { lane },
            (Some(at), _) => Decision::Send { step: Step::Table, at, until: i64::MIN, rival: i64::MIN },
            (None, Some((_, lane))) => Decision::Blocked { lane },
            (None, None) => Decision::Done,
        }
    }
}

impl<S: UnitBytes> Muxer<S> {
    /// Writes the next packets to the front of `out`, as many as leave evenly spaced and fit.
    pub fn poll(&mut self, out: &mut [u8]) -> Poll {
        if let Some(event) = self.event.take() {
            return Poll::Event(event);
        }
        if self.due_until <= self.wire.next {
            self.look_at_tables();
        }
        let (step, at, until, rival) = loop {
            match self.decide() {
                Decision::Send { at, .. } | Decision::Announce { at } if self.events_are_due(at) => {
                    self.tell_next_events();
                }
                Decision::Send { step, at, until, rival } => break (step, at, until, rival),
                Decision::Announce { at } => {
                    self.announced = at;
                    self.change_tables(|tables| tables.announce(at));
                }
                Decision::Blocked { lane } => return Poll::NeedInput { stream: StreamIndex(lane) },
                Decision::Done => return Poll::Finished,
            }
        };
        let (packets, _) = out.as_chunks_mut::<PACKET_SIZE>();
        let Some(first) = packets.first_mut() else { return Poll::OutputTooSmall };
        if self.start.is_none() {
            self.start = Some(at);
            self.announced = at;
            self.wire.next = at;
        }
        match step {
            Step::Table => {
                self.tables.write(self.due.table, first, at);
                self.wire.leave(at);
                self.look_at_tables();
                return Poll::Packets(Run::single(at));
            }
            Step::Pcr => self.write_pcr_packet(first, at),
            Step::Cue => {
                if let Some(cues) = &mut self.cues {
                    cues.write(first, at);
                }
            }
            Step::Null => return Poll::Packets(self.write_nulls(packets, until)),
            Step::Unit { lane, from, deadline } => {
                let until = if lane == self.pcr_lane { until.min(self.pcr_from()) } else { until };
                if at < until && self.lanes[lane].plain_packets(self.wire.constant) > 0 {
                    let limits = Limits { until, rival };
                    return Poll::Packets(self.write_bodies(packets, lane, (from, deadline, at), limits));
                }
                self.write_unit_packet(first, lane, from, at);
            }
        }
        self.wire.leave(at);
        Poll::Packets(Run::single(at))
    }

    fn write_pcr_packet(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        let lane = &mut self.lanes[self.pcr_lane];
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            pcr: Some(at),
            ..Adaptation::default()
        };
        packet::write_adaptation_only(packet, lane.pid, lane.counter.repeated(), adaptation);
        lane.sent_alone(at);
        self.last_pcr = Some(at);
    }

    /// Null packets up to the first slot at which something else may leave.
    fn write_nulls(&mut self, packets: &mut [[u8; PACKET_SIZE]], until: i64) -> Run {
        let (first, carried, pace) = (self.wire.next, self.wire.carried(), self.wire.pace());
        let mut written = 0;
        for packet in packets {
            *packet = packet::NULL;
            written += 1;
            self.wire.leave(self.wire.next);
            if self.wire.next >= until {
                break;
            }
        }
        Run { packets: written, first, pace, carried, lag: 0 }
    }

    /// Packets from the middle of an access unit: four bytes of header, the rest payload.
    fn write_bodies(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        index: usize,
        (from, deadline, at): (i64, i64, i64),
        limits: Limits,
    ) -> Run {
        let lane = &mut self.lanes[index];
        let most = lane.plain_packets(self.wire.constant).clamp(1, packets.len());
        let (first, carried) = (at, self.wire.carried());
        let pace = if self.wire.constant { self.wire.pace() } else { Pace::even(lane.interval) };
        // At a variable rate what waited for others is followed as if it had not.
        let lag = if self.wire.constant { 0 } else { at - from.min(at) };
        let count = if lag > 0 && from + lane.interval < at + self.wire.pace().step() {
            1
        } else if pace.step() >= lane.interval {
            limits.even(most, pace.step(), at, deadline, lane.deadline_step())
        } else {
            lane.slots_with_room(most, from, deadline, &self.wire, limits)
        };
        let mut header = packet::header(lane.pid, false, 0b01, lane.counter.advance());
        for packet in &mut packets[..count] {
            packet[..4].copy_from_slice(&header);
            header[3] = 0x10 | ((header[3] + 1) & 0x0F);
        }
        let lag = if count > 1 { lag } else { 0 };
        let last = self.wire.leave_evenly(at - lag, pace, count);
        lane.sent_run(count, from, at - lag, last);
        self.source.take(StreamIndex(index), &mut Bodies::whole(&mut packets[..count]));
        Run { packets: count, first, pace, carried, lag }
    }

    /// Any packet of an access unit: its first with the flags, its last with stuffing, one with a PCR.
    fn write_unit_packet(&mut self, packet: &mut [u8; PACKET_SIZE], index: usize, from: i64, at: i64) {
        let pcr_from = self.pcr_from();
        let lane = &mut self.lanes[index];
        let Some(unit) = lane.queue.front() else { return };
        let start = lane.left == 0;
        let (random_access, prefix, prefix_len) = if start {
            let (random_access, prefix, prefix_len, len) =
                (unit.random_access, unit.prefix, unit.prefix_len, unit.len);
            lane.begin(len);
            (random_access, prefix, prefix_len)
        } else {
            (false, unit.prefix, 0)
        };
        // At a variable rate the rate changes with the first and the last packet of a unit and where it waits
        // for the decoder: with a PCR on both sides, a receiver that takes the rate between two PCRs for
        // constant is hardly ever wrong.
        let marks_rate = !self.wire.constant && (start || lane.left <= BODY_SIZE || lane.pauses(BODY_SIZE));
        let has_pcr = index == self.pcr_lane && (random_access || marks_rate || at >= pcr_from);
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            random_access,
            priority: random_access && lane.kind.is_av1(),
            pcr: has_pcr.then_some(at),
        };
        let payload = lane.left.min(BODY_SIZE - adaptation.size());
        let counter = lane.counter.advance();
        let body = packet::write_with_payload(packet, lane.pid, start, counter, adaptation, payload);
        body[..prefix_len].copy_from_slice(&prefix[..prefix_len]);
        lane.sent(from, at);
        lane.deliver(payload);
        let late = if lane.left == 0 { lane.complete(at) } else { None };
        let behind = PACKET_SIZE - payload + prefix_len;
        if behind < PACKET_SIZE {
            self.source.take(StreamIndex(index), &mut Bodies::one(packet, behind));
        }
        if let Some(dts) = late {
            self.event = Some(MuxEvent::AccessUnitLate {
                stream: StreamIndex(index),
                dts: Ticks90k(dts),
                complete: Ticks27M(at),
            });
        }
        if has_pcr {
            self.last_pcr = Some(at);
        }
    }
}

/// What could leave, by place: a table, a PCR, the streams in their order, and a cue.
struct Choice {
    from: [i64; Choice::MOST],
    deadline: [i64; Choice::MOST],
    count: usize,
}

impl Choice {
    const MOST: usize = MuxConfig::MAX_STREAMS + 3;

    #[inline]
    fn new(count: usize) -> Choice {
        Choice { from: [i64::MAX; Choice::MOST], deadline: [i64::MAX; Choice::MOST], count }
    }

    /// What is at `place` may leave from `from` on and should by `deadline`.
    #[inline]
    fn consider(&mut self, place: usize, from: i64, deadline: i64) {
        self.from[place] = from;
        self.deadline[place] = deadline;
    }

    #[inline]
    fn earliest(&self) -> i64 {
        self.from[..self.count].iter().copied().fold(i64::MAX, i64::min)
    }

    /// What leaves in the slot at `at`: of all that may, the one with the earliest deadline, and of those
    /// whose deadline has passed the first. With it, the instant from which on something else may leave
    /// too, and the earliest deadline of what may already.
    #[inline]
    fn for_slot(&self, at: i64) -> (Option<usize>, i64, i64) {
        let (mut best, mut urgency, mut until, mut rival) = (None, i64::MAX, i64::MAX, i64::MAX);
        for place in 0..self.count {
            let (from, deadline) = (self.from[place], self.deadline[place].max(at));
            if from > at {
                until = until.min(from);
            } else if deadline < urgency {
                rival = urgency;
                (best, urgency) = (Some(place), deadline);
            } else {
                rival = rival.min(deadline);
            }
        }
        (best, until, rival)
    }

    /// What leaves at `at` when the rate is variable: of all that may, the first. With it, the instant
    /// from which on another may be chosen: at once where another waits, for the gap before the next
    /// packet of the same stream is its own.
    #[inline]
    fn at_once(&self, at: i64) -> (Option<usize>, i64, i64) {
        let (mut best, mut until) = (None, i64::MAX);
        for (place, &from) in self.from[..self.count].iter().enumerate() {
            match best {
                None if from <= at => best = Some(place),
                _ => until = until.min(from.max(at + 1)),
            }
        }
        (best, until, i64::MAX)
    }
}
