//! The output: muxes access units and lets each packet go at its instant.
//!
//! The muxer says *when* on the timeline a packet departs; this thread waits for that instant on the
//! monotonic clock, or for one a little before. It wakes once for all packets of the next few
//! milliseconds. At the start of a session packets are overdue, so they leave as fast as they are made:
//! that is the burst a viewer's first picture comes from.

use super::Output;
use super::bell::Bell;
use super::cue_ring::CueReceiver;
use super::event_ring::EventReceiver;
use super::shared_session::{Anchor, SharedSession};
use super::unit_ring::{Entry, UNITS_AHEAD, UnitReceiver, UnitStore, VIDEO};
use crate::clock::MonoNs;
use crate::format::SessionFormat;
use crate::metrics::LATE_NS;
use crate::session::Timeline;
use retrovue_mux::si::Descriptor;
use retrovue_mux::{
    ConfigError, CueError, MuxEvent, Muxer, PACKET_SIZE, Pid, Poll, PushError, Resume, ts::Packet,
};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::{FrameIndex, Ticks27M, Ticks90k, UtcMs};
use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

/// Packets due within this span leave in one write: 100 wake-ups a second at most, and a viewer's
/// buffer is fifty times as long.
const BATCH_NS: i64 = 10_000_000;

/// Packets leave this long before their instant, except a session's first: a thread that is woken late, on
/// a busy machine, is then in time all the same.
const AHEAD_NS: i64 = 10_000_000;

/// The sound of every session: AAC of level 2 with two channels (EN 300 468 annex H, ISO/IEC 14496-3).
const STEREO_AAC: Descriptor = Descriptor::Aac { profile_and_level: 0x51, aac_type: Some(0x03) };

/// Bytes of one write: a batch at 40 Mb/s.
const WRITE_BYTES: usize = PACKET_SIZE * 128;

/// Furthest the output may be behind its clock. It catches up after a stall that is shorter; a machine that
/// falls this far behind does not (CONTRACT-BLOCK-002 E3).
const DRIFT_TOLERANCE_NS: i64 = 3_000_000_000;

/// Cues are handed to the muxer when units so long before their splices are, in 90 kHz ticks: a second more than
/// SCTE 35 §9.2 wants sections to be ahead of them, so that units pushed together do not make one late.
const CUES_AHEAD: Ticks90k = Ticks90k(5 * 90_000);

/// Longest wait for an access unit before the stop flag is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The transport stream that a session continues.
#[derive(Debug, Clone, Default)]
pub struct Continuation {
    /// Viewers hold bytes of an earlier session: first packets carry discontinuity_indicator.
    pub discontinuity: bool,
    /// Last continuity counter of each PID.
    pub counters: Vec<(u16, u8)>,
}

/// Everything the air thread owns.
pub(super) struct Air<W> {
    units: UnitReceiver,
    muxer: Muxer<UnitStore>,
    events: EventReceiver,
    cues: CueReceiver,
    /// PTS of the first frame: what was to be spliced before is past.
    first_pts: Ticks90k,
    sink: W,
    anchor: Anchor,
    /// What a departure lies before the instant its frame is due, so that the first packet of frame
    /// `k` leaves at the instant of frame `k` at the earliest: the multiplexer's lead and the pictures
    /// decoding runs ahead.
    lead: Ticks27M,
    /// How far the frames are out once each pushed picture has left, oldest first.
    leaving: VecDeque<FrameIndex>,
    /// The same for the picture that is leaving now.
    current: Option<FrameIndex>,
    /// The same for the last picture that is in the batch whole.
    left: Option<FrameIndex>,
    /// Packets due together.
    batch: Vec<u8>,
    /// Instants of the frames that begin in `batch`.
    frames_in_batch: Vec<MonoNs>,
    /// The instant of the first frame: nothing leaves before it (CONTRACT-JOIN-001 C1).
    begin: MonoNs,
    /// When the next frame should begin to leave.
    next_frame_due: MonoNs,
    /// The output has kept time once: from then on lateness counts.
    caught_up: bool,
    /// A packet is due and nothing has been encoded.
    starved: bool,
}

impl<W: Write> Air<W> {
    /// Prepares the output.
    ///
    /// # Errors
    /// INVALID_FORMAT where the muxer refuses the streams.
    pub(super) fn new(
        format: &SessionFormat,
        anchor: Anchor,
        first: FrameIndex,
        output: Output<W>,
        (units, store): (UnitReceiver, UnitStore),
        (events, cues): (EventReceiver, CueReceiver),
        (reorder_frames, pictures): (i64, Option<Descriptor>),
    ) -> Result<Air<W>, Failure> {
        let refused = |e: ConfigError| Failure::new(FailureCode::InvalidFormat, e.to_string());
        let mut config = format.multiplex(&output.service.name);
        let tells_time = output.service.information.time;
        config.provider_name = output.service.provider;
        config.information = output.service.information;
        config.resume = output.continuation.into_resume();
        // Pictures first, then sound, as the format has them.
        for (stream, descriptor) in config.streams.iter_mut().zip([pictures, Some(STEREO_AAC)]) {
            stream.descriptors.extend(descriptor);
        }
        let reorder = format.shape.rate.ticks_27m_floor(FrameIndex(reorder_frames));
        let lead = config.lead().map_err(refused)? + reorder;
        let mut muxer = Muxer::with_source(config, store).map_err(refused)?;
        if tells_time {
            // The timeline counts from 1970.
            muxer.set_utc(Ticks27M(0), UtcMs(0));
        }
        Ok(Air {
            units,
            muxer,
            events,
            cues,
            first_pts: Timeline::new(anchor.epoch, anchor.rate).frame(first),
            sink: output.sink,
            anchor,
            lead,
            leaving: VecDeque::with_capacity(UNITS_AHEAD * 2),
            current: None,
            left: None,
            batch: Vec::with_capacity(WRITE_BYTES),
            frames_in_batch: Vec::with_capacity(WRITE_BYTES / PACKET_SIZE),
            begin: anchor.due(first),
            next_frame_due: anchor.due(first),
            caught_up: false,
            starved: false,
        })
    }

    /// Runs until everything has left, the session is stopped or the sink fails.
    pub(super) fn run(mut self, session: &SharedSession, bell: &Bell) {
        bell.answer();
        let played = self.play_out(session, bell);
        let failed = played.is_err();
        if let Err(failure) = played {
            session.set_failure(failure);
        }
        session.output_ended();
        // Last: a session that is stopped without having ended has no failure to report.
        if failed {
            session.stop_now();
        }
    }

    fn play_out(&mut self, session: &SharedSession, bell: &Bell) -> Result<(), Failure> {
        let mut packet = [0; PACKET_SIZE];
        let mut held: Option<Entry> = None;
        let mut input_ended = false;
        loop {
            if session.is_stopped() {
                return Ok(());
            }
            // Everything that has been encoded goes into the muxer as long as it takes it.
            while !input_ended {
                let Some(entry) = held.take().or_else(|| self.units.try_receive()) else {
                    break;
                };
                match self.push(entry, session)? {
                    Pushed::Taken => {}
                    Pushed::Ended => input_ended = true,
                    Pushed::Full => {
                        held = Some(entry);
                        break;
                    }
                }
            }
            match self.muxer.poll(&mut packet) {
                Poll::Packets(run) => {
                    let due = self.due(run.first());
                    let now = session.clock.now();
                    if due.0 > now.0 + AHEAD_NS + BATCH_NS || now < self.begin {
                        self.write(session)?;
                        session.clock.wait_until(due.plus_nanos(-AHEAD_NS).max(self.begin));
                    }
                    self.starved = false;
                    self.note_departure(&packet, due);
                    self.batch.extend_from_slice(&packet);
                    if self.batch.len() + PACKET_SIZE > WRITE_BYTES {
                        self.write(session)?;
                    }
                }
                Poll::NeedInput { .. } => {
                    self.write(session)?;
                    self.note_wait(session)?;
                    if held.is_none() && !input_ended {
                        bell.wait(LOOK_AGAIN);
                    }
                }
                Poll::Finished => {
                    self.write(session)?;
                    if let Some(end) = self.current.take() {
                        session.frames_emitted(end);
                    }
                    return self.sink.flush().map_err(|e| closed(&e));
                }
                Poll::Event(MuxEvent::AccessUnitLate { .. }) => session.metrics.late_units.add(1),
                Poll::Event(_) => {}
                Poll::OutputTooSmall => return Err(internal("the muxer asked for more than a packet")),
            }
        }
    }

    fn push(&mut self, entry: Entry, session: &SharedSession) -> Result<Pushed, Failure> {
        // The events of a block are here before its first unit, and told from its start on.
        while let Some((start, events)) = self.events.try_receive() {
            if self.muxer.announce_events(start.ticks_90k().to_27m(), events).is_err() {
                return Err(internal("more events wait than blocks can"));
            }
        }
        let Entry::Unit { header, emitted_end } = entry else {
            self.muxer.finish();
            return Ok(Pushed::Ended);
        };
        self.cue(header.dts, session);
        match self.muxer.announce(header) {
            Ok(()) => {
                if header.stream == VIDEO {
                    self.leaving.push_back(emitted_end);
                }
                Ok(Pushed::Taken)
            }
            Err(PushError::Full { .. }) => Ok(Pushed::Full),
            Err(error) => Err(internal(&error.to_string())),
        }
    }

    /// Hands on the cues whose splices are near when units reach `dts`. By what is pushed and not by the clock,
    /// so that the stream is the same each time.
    fn cue(&mut self, dts: Ticks90k, session: &SharedSession) {
        while let Some(cue) = self.cues.next_before(dts + CUES_AHEAD) {
            if cue.at().is_none_or(|at| at >= self.first_pts) {
                match self.muxer.cue(cue) {
                    Ok(_) => session.metrics.cues.add(1),
                    // There is room once those before it have left.
                    Err(CueError::Full { .. }) => return,
                    Err(_) => session.metrics.late_cues.add(1),
                }
            }
            self.cues.taken();
        }
    }

    /// Monotonic instant of a departure.
    fn due(&self, departure: Ticks27M) -> MonoNs {
        let since_join = departure + self.lead - self.anchor.utc.ticks_90k().to_27m();
        self.anchor.mono.plus_nanos(since_join.nanos_floor())
    }

    /// A picture has left when the next one begins and is written.
    fn note_departure(&mut self, packet: &[u8; PACKET_SIZE], due: MonoNs) {
        let Ok(packet) = Packet::parse(packet) else { return };
        if packet.pid() == Pid::DEFAULT_VIDEO && packet.payload_unit_start_indicator() {
            self.left = self.current.or(self.left);
            self.current = self.leaving.pop_front();
            if let Some(end) = self.current {
                self.next_frame_due = self.anchor.due(end);
            }
            self.frames_in_batch.push(due);
        }
    }

    /// Nothing can be sent until more has been encoded.
    fn note_wait(&mut self, session: &SharedSession) -> Result<(), Failure> {
        let late = session.clock.now().0 - self.next_frame_due.0;
        if late > 0 && self.caught_up && !self.starved {
            self.starved = true;
            session.metrics.underruns.add(1);
        }
        in_tolerance(late)
    }

    /// The frames of the batch have begun to leave.
    fn note_lateness(&mut self, session: &SharedSession) -> Result<(), Failure> {
        let now = session.clock.now();
        let mut latest = 0;
        for due in self.frames_in_batch.drain(..) {
            let late = now.0 - due.0;
            latest = latest.max(late);
            if !self.caught_up && late <= 0 {
                self.caught_up = true;
                let start_up = (now.0 - self.anchor.mono.0) / 1000;
                session.metrics.start_up_micros.see(usize::try_from(start_up).unwrap_or(0));
            }
            if self.caught_up {
                session.metrics.lateness.record_nanos(late);
                session.metrics.late_frames.add(u64::from(late > LATE_NS));
            }
        }
        in_tolerance(latest)
    }

    fn write(&mut self, session: &SharedSession) -> Result<(), Failure> {
        if self.batch.is_empty() || session.is_stopped() {
            return Ok(());
        }
        let written = self.sink.write_all(&self.batch);
        self.batch.clear();
        written.map_err(|e| closed(&e))?;
        if let Some(end) = self.left.take() {
            session.frames_emitted(end);
        }
        self.note_lateness(session)
    }
}

/// CONTRACT-BLOCK-002 E3. The session's frames are never moved to meet the clock again: it ends, and
/// Core begins one that is in time.
fn in_tolerance(late_ns: i64) -> Result<(), Failure> {
    if late_ns <= DRIFT_TOLERANCE_NS {
        return Ok(());
    }
    let (late, tolerance) = (late_ns / 1_000_000, DRIFT_TOLERANCE_NS / 1_000_000);
    Err(Failure::new(
        FailureCode::DriftExceeded,
        format!(
            "the output is {late} ms behind its clock, {tolerance} are tolerated; the machine or its media \
             cannot keep up with so many channels at this format"
        ),
    ))
}

enum Pushed {
    Taken,
    Full,
    Ended,
}

fn closed(error: &std::io::Error) -> Failure {
    let code = match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => FailureCode::OutputStalled,
        _ => FailureCode::OutputClosed,
    };
    Failure::new(code, format!("writing the transport stream: {error}"))
}

fn internal(what: &str) -> Failure {
    Failure::new(FailureCode::InternalError, format!("multiplexing: {what}"))
}

impl Continuation {
    fn into_resume(self) -> Option<Resume> {
        if !self.discontinuity && self.counters.is_empty() {
            return None;
        }
        let counters = self.counters.into_iter().map(|(pid, counter)| (Pid::new(pid), counter)).collect();
        Some(Resume { discontinuity: self.discontinuity, counters })
    }
}
