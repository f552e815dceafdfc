//! The muxer: decides which packet leaves next and when, and writes it. It reads no clock, does no
//! I/O, draws no random number, uses no float and allocates only when it is made.
//!
//! Every instant is a function of the access units' DTS and of what was sent before, so the packets
//! and their departures do not depend on how the units were spread over pushes or how the output was
//! polled. Multiplexing at a constant rate is not done yet.

use crate::access_unit::{AccessUnit, PushError, StreamIndex};
use crate::config::{ConfigError, MuxConfig};
use crate::lane::{Lane, Next, PointAhead};
use crate::pacing;
use crate::packet::{self, Adaptation, BODY_SIZE, Counter, PACKET_SIZE};
use crate::pid::Pid;
use crate::section::{self, Section};
use retrovue_timebase::{Ticks27M, Ticks90k};

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
pub struct Muxer {
    lanes: Vec<Lane>,
    /// Indices of `lanes`, sound first: at the same instant the one with the shorter lead goes.
    order: Vec<usize>,
    pcr_lane: usize,
    lead: i64,
    pat: Table,
    pmt: Table,
    sdt: Table,
    /// Ticks a packet takes at the peak rate.
    wire_spacing: i64,
    /// Earliest departure of the next packet as far as the peak rate goes.
    wire_free: i64,
    last_pcr: Option<i64>,
    /// A PAT went out and its PMT must follow.
    pmt_due: bool,
    /// The last PAT went out for a random access point.
    announced_last: bool,
    /// PAT and PMT went out for the front unit of this lane, which must follow.
    announced: Option<usize>,
    event: Option<MuxEvent>,
}

/// What [`Muxer::poll`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Poll {
    /// Packets were written to the front of the buffer.
    Packets(Run),
    /// Something went wrong with what was pushed; output goes on.
    Event(MuxEvent),
    /// Nothing can leave before this stream is pushed to, or ended.
    NeedInput {
        /// The stream that is waited for.
        stream: StreamIndex,
    },
    /// The buffer has no room for a packet of [`PACKET_SIZE`] bytes.
    OutputTooSmall,
    /// Every stream has ended and everything has left.
    Finished,
}

/// A run of packets and their departures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    packets: usize,
    first: i64,
    spacing: i64,
}

impl Run {
    /// Number of packets, at least 1.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Bytes written: [`PACKET_SIZE`] for each packet.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.packets * PACKET_SIZE
    }

    /// Departure of packet `index`, counted from 0 within the run.
    #[must_use]
    pub fn departure(&self, index: usize) -> Ticks27M {
        Ticks27M(self.first + index as i64 * self.spacing)
    }

    /// Departure of the first packet.
    #[must_use]
    pub fn first(&self) -> Ticks27M {
        self.departure(0)
    }

    /// Departure of the last packet.
    #[must_use]
    pub fn last(&self) -> Ticks27M {
        self.departure(self.packets - 1)
    }
}

/// Something a caller should count and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MuxEvent {
    /// The last packet of an access unit left so late that a receiver may not have it at its DTS: the
    /// stream exceeds the rate or the decoder buffer it was configured with.
    AccessUnitLate {
        /// Its stream.
        stream: StreamIndex,
        /// Its decoding time.
        dts: Ticks90k,
        /// Departure of its last packet.
        complete: Ticks27M,
    },
}

/// A section that repeats.
struct Table {
    pid: Pid,
    section: Section,
    counter: Counter,
    last: Option<i64>,
}

/// What leaves next.
#[derive(Clone, Copy)]
enum Step {
    /// PAT, for the front unit of a lane or because it is time.
    Pat {
        announced: Option<usize>,
    },
    Pmt,
    Sdt,
    /// A packet that only carries a PCR.
    Pcr,
    /// The next packet of a lane, ready from `from` on; nothing else is due before `until`.
    Unit {
        lane: usize,
        from: i64,
        until: i64,
    },
}

enum Decision {
    Send { step: Step, at: i64 },
    Blocked { lane: usize },
    Done,
}

impl Muxer {
    /// A muxer for `config`, with all its memory.
    ///
    /// # Errors
    /// Refuses a configuration that could not be kept to, naming the value.
    pub fn new(config: MuxConfig) -> Result<Muxer, ConfigError> {
        let lead = config.lead()?.0;
        let counter = |pid: Pid| {
            let resume = config.resume.as_ref();
            let known = resume.and_then(|resume| resume.counters.iter().find(|(known, _)| *known == pid));
            Counter::new(known.map(|&(_, last)| last), resume.is_some_and(|resume| resume.discontinuity))
        };
        let (mut videos, mut sounds) = (0, 0);
        let mut lanes = Vec::with_capacity(config.streams.len());
        for stream in &config.streams {
            let is_video = matches!(stream.kind, crate::StreamKind::Video { .. });
            let index_of_kind = if is_video { &mut videos } else { &mut sounds };
            let others =
                config.streams.iter().filter(|other| other.pid != stream.pid).map(|other| other.kind);
            let pace_bps = pacing::stream_pace_bps(stream.kind, others);
            lanes.push(Lane::new(stream, *index_of_kind, pace_bps, lead, counter(stream.pid)));
            *index_of_kind += 1;
        }
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        order.sort_by_key(|&index| (lanes[index].is_video, index));
        let pcr_lane = config.pcr_stream();
        let table = |pid, section| Table { pid, section, counter: counter(pid), last: None };
        Ok(Muxer {
            pat: table(Pid::PAT, section::pat(&config)),
            pmt: table(config.pmt_pid, section::pmt(&config, lanes[pcr_lane].pid)),
            sdt: table(Pid::SDT, section::sdt(&config)),
            wire_spacing: pacing::packet_spacing(config.peak_bps()),
            wire_free: i64::MIN,
            lanes,
            order,
            pcr_lane,
            lead,
            last_pcr: None,
            pmt_due: false,
            announced_last: false,
            announced: None,
            event: None,
        })
    }

    /// Queues an access unit.
    ///
    /// # Errors
    /// [`PushError::Full`] asks to poll first; the others say what is wrong with the unit. The muxer is
    /// unchanged after any of them.
    pub fn push(&mut self, unit: AccessUnit<'_>) -> Result<(), PushError> {
        let stream = unit.stream;
        let latest = self.lanes.iter().filter_map(Lane::last_dts).max();
        let streams = self.lanes.len();
        let Some(lane) = self.lanes.get_mut(stream.0) else {
            return Err(PushError::UnknownStream { stream, streams });
        };
        match lane.push(&unit, latest) {
            Err(PushError::Full { stream }) => match self.decide() {
                Decision::Blocked { lane } if lane != stream.0 => {
                    Err(PushError::Stalled { stream, dts: unit.dts, waiting_for: StreamIndex(lane) })
                }
                _ => Err(PushError::Full { stream }),
            },
            result => result,
        }
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
        let tables = [&self.pat, &self.pmt, &self.sdt].map(|table| (table.pid, table.counter));
        let lanes = self.lanes.iter().map(|lane| (lane.pid, lane.counter));
        tables.into_iter().chain(lanes).filter_map(|(pid, counter)| counter.last().map(|last| (pid, last)))
    }

    /// Writes the next packets to the front of `out`, as many as leave evenly spaced and fit.
    pub fn poll(&mut self, out: &mut [u8]) -> Poll {
        if let Some(event) = self.event.take() {
            return Poll::Event(event);
        }
        let (step, at) = match self.decide() {
            Decision::Send { step, at } => (step, at),
            Decision::Blocked { lane } => return Poll::NeedInput { stream: StreamIndex(lane) },
            Decision::Done => return Poll::Finished,
        };
        let (packets, _) = out.as_chunks_mut::<PACKET_SIZE>();
        let Some(first) = packets.first_mut() else { return Poll::OutputTooSmall };
        let mut run = Run { packets: 1, first: at, spacing: 0 };
        match step {
            Step::Pat { announced } => {
                self.pat.write(first, at);
                self.pmt_due = true;
                self.announced_last = announced.is_some();
                self.announced = announced;
            }
            Step::Pmt => {
                self.pmt.write(first, at);
                self.pmt_due = false;
            }
            Step::Sdt => self.sdt.write(first, at),
            Step::Pcr => self.write_pcr_packet(first, at),
            Step::Unit { lane, from, until } => {
                self.announced = None;
                let until = if lane == self.pcr_lane { until.min(self.pcr_from()) } else { until };
                run.spacing = self.lanes[lane].spacing;
                if self.lanes[lane].left > BODY_SIZE && at < until {
                    run.packets = self.write_bodies(packets, lane, from, at, until);
                } else {
                    self.write_unit_packet(first, lane, from, at);
                }
            }
        }
        self.wire_free = run.last().0 + self.wire_spacing;
        Poll::Packets(run)
    }

    /// From when on a packet of the PCR's PID carries a PCR.
    fn pcr_from(&self) -> i64 {
        self.last_pcr.map_or(i64::MIN, |last| last + pacing::PCR_SOFT)
    }

    /// Chooses what leaves next: the earliest, and of several the first tried below.
    fn decide(&self) -> Decision {
        if self.pmt_due {
            return Decision::Send { step: Step::Pmt, at: self.wire_free };
        }
        if let Some(lane) = self.announced {
            return self.decide_announced(lane);
        }
        let begun = self.last_pcr.is_some();
        let mut choice = Choice { wire_free: self.wire_free, best: None, from: i64::MAX, rest: i64::MAX };
        let mut unknown: Option<(i64, usize)> = None;
        if begun {
            choice.consider(self.sdt_from(), Step::Sdt);
        }
        let pcr_lane_gone = matches!(self.lanes[self.pcr_lane].next(), Next::Never);
        let mut alive = false;
        for &index in &self.order {
            let lane = &self.lanes[index];
            match lane.next() {
                Next::Never => {}
                Next::Unknown { not_before } => {
                    alive = true;
                    if unknown.is_none_or(|(earliest, _)| not_before < earliest) {
                        unknown = Some((not_before, index));
                    }
                }
                Next::Packet { .. } if !begun && index != self.pcr_lane && !pcr_lane_gone => alive = true,
                Next::Packet { from, unit } => {
                    alive = true;
                    let step = Step::Unit { lane: index, from, until: i64::MAX };
                    let first_of_point = unit.random_access && lane.left == 0;
                    match self.pat.last {
                        None => choice.consider(from, Step::Pat { announced: Some(index) }),
                        Some(last) if first_of_point => {
                            let pat_from = last + pacing::SECTION_DISTANCE;
                            if self.announced_last && from.max(self.wire_free) < pat_from {
                                // Points closer together than sections may be: waiting would pile up.
                                choice.consider(from, step);
                            } else {
                                choice.consider(from.max(pat_from), Step::Pat { announced: Some(index) });
                            }
                        }
                        Some(_) => choice.consider(from, step),
                    }
                }
            }
        }
        if let Some(last) = self.last_pcr {
            choice.consider(last + pacing::PCR_HARD, Step::Pcr);
        }
        if !alive {
            return Decision::Done;
        }
        if begun && let Some(blocked) = self.consider_tables(&mut choice) {
            return blocked;
        }
        match (choice.best, unknown) {
            (Some((at, step)), None) => Decision::Send { step: step.limited(choice.rest), at },
            (Some((at, step)), Some((not_before, _))) if at < not_before => {
                Decision::Send { step: step.limited(choice.rest.min(not_before)), at }
            }
            (_, Some((_, lane))) => Decision::Blocked { lane },
            (None, None) => Decision::Done,
        }
    }

    /// PAT and PMT by their interval, unless a random access point is so near that they would not be
    /// allowed again in front of it: then they wait for it.
    fn consider_tables(&self, choice: &mut Choice) -> Option<Decision> {
        let last = self.pat.last?;
        let (due, step) = (last + pacing::PSI_INTERVAL, Step::Pat { announced: None });
        let at = due.max(self.wire_free);
        if choice.best.is_some_and(|(best, _)| best < at) {
            choice.consider(due, step);
            return None;
        }
        let mut near = false;
        for (index, lane) in self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_video) {
            match lane.point_ahead(at) {
                PointAhead::Near => near = true,
                PointAhead::Clear => {}
                PointAhead::Unknown => return Some(Decision::Blocked { lane: index }),
            }
        }
        if near {
            choice.consider(last + pacing::PSI_HARD, step);
            // Looked at anew for every packet: no run may pass over the moment the point is gone.
            choice.rest = i64::MIN;
        } else {
            choice.best = Some((at, step));
        }
        None
    }

    /// After PAT and PMT for the front unit of `lane`: that unit, at the very beginning behind the SDT
    /// and, when the PCR's own stream has none, behind a first PCR.
    fn decide_announced(&self, lane: usize) -> Decision {
        if self.sdt.last.is_none() {
            return Decision::Send { step: Step::Sdt, at: self.sdt_from().max(self.wire_free) };
        }
        if self.last_pcr.is_none() && lane != self.pcr_lane {
            return Decision::Send { step: Step::Pcr, at: self.wire_free };
        }
        match self.lanes[lane].next() {
            Next::Packet { from, .. } => Decision::Send {
                step: Step::Unit { lane, from, until: i64::MIN },
                at: from.max(self.wire_free),
            },
            Next::Unknown { .. } | Next::Never => Decision::Blocked { lane },
        }
    }

    /// The SDT keeps a distance from PAT and PMT as if it shared their buffer.
    fn sdt_from(&self) -> i64 {
        let after_psi = self.pmt.last.map_or(i64::MIN, |last| last + pacing::system_spacing());
        let due = self.sdt.last.map_or(i64::MIN, |last| last + pacing::SDT_INTERVAL);
        due.max(after_psi)
    }

    fn write_pcr_packet(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        let lane = &mut self.lanes[self.pcr_lane];
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            random_access: false,
            pcr: Some(at),
        };
        packet::write_adaptation_only(packet, lane.pid, lane.counter.repeated(), adaptation);
        lane.sent(lane.ready.max(at), at);
        self.last_pcr = Some(at);
    }

    /// Packets from the middle of an access unit: four bytes of header, the rest payload.
    fn write_bodies(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        lane: usize,
        from: i64,
        at: i64,
        until: i64,
    ) -> usize {
        let lane = &mut self.lanes[lane];
        let (mut from, mut at, mut written) = (from, at, 0);
        for packet in packets {
            packet::write_header(packet, lane.pid, false, 0b01, lane.counter.advance());
            lane.read(&mut packet[4..]);
            lane.sent(from, at);
            written += 1;
            if lane.left <= BODY_SIZE || lane.ready != at + lane.spacing || lane.ready >= until {
                break;
            }
            (from, at) = (lane.ready, lane.ready);
        }
        written
    }

    /// Any packet of an access unit: its first with the flags, its last with stuffing, one with a PCR.
    fn write_unit_packet(&mut self, packet: &mut [u8; PACKET_SIZE], index: usize, from: i64, at: i64) {
        let pcr_from = self.pcr_from();
        let lane = &mut self.lanes[index];
        let Some(unit) = lane.queue.front() else { return };
        let start = lane.left == 0;
        if start {
            lane.begin(unit.len);
        }
        let random_access = start && unit.random_access;
        // First and last packet of a unit are where the rate changes: with a PCR on both, a receiver
        // that takes the rate between two PCRs for constant is hardly ever wrong.
        let has_pcr = index == self.pcr_lane && (start || lane.left <= BODY_SIZE || at >= pcr_from);
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            random_access,
            pcr: has_pcr.then_some(at),
        };
        let payload = lane.left.min(BODY_SIZE - adaptation.size());
        let counter = lane.counter.advance();
        let body = packet::write_with_payload(packet, lane.pid, start, counter, adaptation, payload);
        let complete = lane.read(body);
        lane.sent(from, at);
        if complete && at > unit.dts * 300 - pacing::PCR_HARD {
            self.event = Some(MuxEvent::AccessUnitLate {
                stream: StreamIndex(index),
                dts: Ticks90k(unit.dts),
                complete: Ticks27M(at),
            });
        }
        if has_pcr {
            self.last_pcr = Some(at);
        }
    }
}

/// The best of what could leave next.
struct Choice {
    wire_free: i64,
    best: Option<(i64, Step)>,
    /// From when on the best could leave, the wire aside.
    from: i64,
    /// From when on anything else could.
    rest: i64,
}

impl Choice {
    /// Takes `step`, which could leave from `from` on, when it leaves before all others.
    fn consider(&mut self, from: i64, step: Step) {
        let at = from.max(self.wire_free);
        if self.best.is_none_or(|(earliest, _)| at < earliest) {
            self.rest = self.rest.min(self.from);
            (self.best, self.from) = (Some((at, step)), from);
        } else {
            self.rest = self.rest.min(from);
        }
    }
}

impl Step {
    /// The same step, knowing when the next best is due.
    fn limited(self, due: i64) -> Step {
        match self {
            Step::Unit { lane, from, .. } => Step::Unit { lane, from, until: due },
            step => step,
        }
    }
}

impl Table {
    fn write(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        let adaptation =
            Adaptation { discontinuity: self.counter.take_discontinuity(), ..Adaptation::default() };
        // A section is followed by stuffing bytes behind it, not by an adaptation field in front (§2.4.4).
        let payload = BODY_SIZE - adaptation.size();
        let counter = self.counter.advance();
        let body = packet::write_with_payload(packet, self.pid, true, counter, adaptation, payload);
        let (section, stuffing) = body.split_at_mut(self.section.payload().len());
        section.copy_from_slice(self.section.payload());
        stuffing.fill(0xFF);
        self.last = Some(at);
    }
}
