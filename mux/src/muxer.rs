//! The muxer: decides which packet leaves next and when, and writes it. It reads no clock, does no
//! I/O, draws no random number, uses no float and allocates only when it is made.
//!
//! A stream's packet may leave from its lead before the DTS on, or from its picture's arrival in the encoder's HRD
//! where that is later, as far as its transport buffer has drained and its decoder buffer has room, and should by its
//! DTS; a table or a PCR from when it is due. At a constant rate each slot goes to what may leave and has the earliest
//! deadline, or to a null packet. At a variable rate there is room for all streams at their own pace: each packet leaves
//! when it may.
//!
//! Every instant is a function of the access units' stamps and lengths and of what was sent before, so the
//! packets and their departures do not depend on how the units were spread over pushes or how the
//! output was polled.

mod decision;
mod sending;

use crate::access_unit::{PushError, StreamIndex, UnitHeader};
use crate::config::{ConfigError, MuxConfig, MuxRate, Resume};
use crate::lane::Lane;
use crate::pacing::StreamPace;
use crate::pid::Pid;
use crate::run::MuxEvent;
use crate::si::{
    Carousel, Descriptor, Due, EventTable, LocalTimeOffset, Program, Replaced, ServiceDescription, SiError,
    TableVersions,
};
use crate::source::Queues;
use crate::splice::{CueError, CueLane, SpliceInfo};
use crate::wire::Wire;
use decision::Choice;
use retrovue_timebase::{Ticks27M, Ticks90k, UtcMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// Event tables that may wait for their instants.
const MOST_COMING: usize = 8;

/// Turns access units into transport packets, each with its instant of departure.
///
/// **The calling contract: push until every stream has been offered what there is (or is
/// [`PushError::Full`]), then poll until [`crate::Poll::NeedInput`]; repeat. Call [`Muxer::finish`] after the
/// last push and poll until [`crate::Poll::Finished`]. Units of one stream come in decoding order; the streams
/// may be pushed in any order between two polls.**
///
/// A packet is given out only when no later push could put another before it, so each open stream
/// must be pushed ahead of the output: [`crate::Poll::NeedInput`] names the one that is waited for. Departures
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
    /// Its place in the choice.
    clock_place: usize,
    /// From when on other events are told.
    events_from: i64,
    /// What may leave next does not go by the choice alone.
    is_unsettled: bool,
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
    choice: Choice,
    /// Departure of the first packet, once there is one.
    start: Option<i64>,
    last_pcr: Option<i64>,
    event: Option<MuxEvent>,
    /// The stream that the last poll waited for, until something changes.
    waits_for: Option<StreamIndex>,
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
        for (place, &index) in order.iter().enumerate() {
            lanes[index].place = place;
        }
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
            choice: Choice::new(order.len(), config.cues.is_some()),
            clock_place: Choice::LANES + lanes[pcr_lane].place,
            events_from: i64::MAX,
            is_unsettled: true,
            lanes,
            order,
            pcr_lane,
            lead,
            start: None,
            last_pcr: None,
            event: None,
            waits_for: None,
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
        if lane.queue.is_full() {
            return Err(self.full(unit.stream, unit.dts));
        }
        let follows = lane.queue.front().is_some();
        lane.push(&unit, delimiter);
        // Behind others it changes nothing yet, but how far cues may go.
        if !follows || self.cues.is_some() {
            self.note(unit.stream.0);
        }
        Ok(())
    }

    /// What is wrong with a unit, or the delimiter it lacks.
    pub(crate) fn judge(&self, unit: &UnitHeader) -> Result<&'static [u8], PushError> {
        match self.lanes.get(unit.stream.0) {
            Some(lane) => lane.judge(unit, || self.latest_dts()),
            None => Err(PushError::UnknownStream { stream: unit.stream, streams: self.lanes.len() }),
        }
    }

    /// The latest DTS that was pushed to any stream.
    fn latest_dts(&self) -> Option<i64> {
        self.lanes.iter().filter_map(Lane::last_dts).max()
    }

    pub(crate) fn has_stream(&self, stream: StreamIndex) -> bool {
        stream.0 < self.lanes.len()
    }

    /// No room for a unit: whether polling makes some, or nothing will because another stream has stopped.
    pub(crate) fn full(&mut self, stream: StreamIndex, dts: Ticks90k) -> PushError {
        match self.blocked_by() {
            Some(lane) if lane != stream.0 => {
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
        let (latest, streams) = (self.latest_dts(), self.lanes.len());
        match self.lanes.get_mut(stream.0) {
            Some(lane) => lane.skip_to(stream, dts, || latest)?,
            None => return Err(PushError::UnknownStream { stream, streams }),
        }
        self.note(stream.0);
        Ok(())
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
        self.waits_for = None;
        cues.push(info, certain)
    }

    /// Declares that `stream` gets no more access units, so that the others need not wait for it.
    pub fn end_stream(&mut self, stream: StreamIndex) {
        if let Some(lane) = self.lanes.get_mut(stream.0) {
            lane.ended = true;
            self.note(stream.0);
        }
    }

    /// Ends every stream: what is queued may leave without waiting for more.
    pub fn finish(&mut self) {
        (0..self.lanes.len()).for_each(|index| self.end_stream(StreamIndex(index)));
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
        self.waits_for = None;
        self.events_from = self.next_events();
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

    #[cold]
    fn tell_next_events(&mut self) {
        if let Some((_, events)) = self.coming.pop_front() {
            self.replace_events(&events);
        }
        self.events_from = self.next_events();
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
        self.choice.set(Choice::TABLE, self.due.from, self.due.deadline);
        self.waits_for = None;
    }
}
