//! The output: what `air` does with the real multiplexer, onto a socket whose reader may be slow, stop
//! or go away.

use crate::encoder::Unit;
use crate::ledger::Ledger;
use crate::producer::Step;
use crate::scenario::{Fault, MS, Scenario, pictures_per_second};
use crate::wire::Wire;
use retrovue_engine::pipeline::SharedSession;
use retrovue_engine::session::Anchor;
use retrovue_mux::{
    AccessUnit, MuxConfig, MuxEvent, MuxRate, Muxer, PACKET_SIZE, Pid, Poll, PushError, Resume, StreamConfig,
    StreamIndex, ts::Packet,
};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::{FrameIndex, Ticks27M};
use std::collections::{BTreeMap, VecDeque};

/// Packets due within this span leave in one write.
const BATCH_NS: i64 = 10 * MS;

/// Packets of one write.
const WRITE_PACKETS: usize = 128;

/// A session is late at first, by what opening the first asset and filling the encoder take.
const SETTLING_NS: i64 = 2000 * MS;

/// How long the socket may be full.
const OUTPUT_STALL: i64 = 2000 * MS;

/// A socket and its reader.
#[derive(Debug)]
struct Socket {
    capacity: usize,
    level: usize,
    /// Stretches in which nobody reads.
    unread: Vec<(i64, i64)>,
    closed: i64,
}

impl Socket {
    /// When a write of `len` bytes begun at `now` returns, and what.
    fn write(&mut self, now: i64, len: usize) -> (i64, Result<(), FailureCode>) {
        if now >= self.closed {
            return (now, Err(FailureCode::OutputClosed));
        }
        let mut until = now;
        // One stretch may begin where another ends.
        while let Some(&(_, end)) = self.unread.iter().find(|(from, end)| (*from..*end).contains(&until)) {
            until = end;
        }
        if until == now {
            self.level = 0;
            return (now, Ok(()));
        }
        if self.level + len <= self.capacity {
            self.level += len;
            return (now, Ok(()));
        }
        self.level = 0;
        let stalled = now + OUTPUT_STALL;
        match () {
            () if self.closed <= until.min(stalled) => (self.closed, Err(FailureCode::OutputClosed)),
            () if stalled <= until => (stalled, Err(FailureCode::OutputStalled)),
            () => (until, Ok(())),
        }
    }
}

pub(crate) struct Output {
    muxer: Muxer,
    lead: Ticks27M,
    anchor: Anchor,
    socket: Socket,
    pub(crate) wire: Wire,
    settled: i64,
    held: Option<Unit>,
    input_ended: bool,
    packet: Option<([u8; PACKET_SIZE], Ticks27M)>,
    /// Packets due together, with their departures.
    batch: Vec<([u8; PACKET_SIZE], Ticks27M)>,
    writing: Option<(i64, Result<(), FailureCode>)>,
    leaving: VecDeque<FrameIndex>,
    current: Option<FrameIndex>,
    pub(crate) late_units: u64,
    /// Most by which a packet left after its instant, in nanoseconds, once the session had settled.
    pub(crate) latest: i64,
}

impl Output {
    pub(crate) fn new(
        scenario: &Scenario,
        anchor: Anchor,
        first: i64,
        before: BTreeMap<Pid, u8>,
        start: i64,
    ) -> Output {
        let video = StreamConfig::h264(scenario.video_bps, scenario.video_bps / 2)
            .with_units_per_second(pictures_per_second(scenario.rate));
        let mut config = MuxConfig::new("Simulation", vec![video, StreamConfig::aac_adts(32_000)]);
        if scenario.constant_rate {
            config.rate = MuxRate::Constant { bps: config.smallest_constant_bps() };
        }
        let counters: Vec<(Pid, u8)> = before.iter().map(|(&pid, &last)| (pid, last)).collect();
        config.resume = (!counters.is_empty()).then_some(Resume { discontinuity: true, counters });
        let reorder = i64::from(scenario.b_pictures > 0);
        let lead = config.lead().unwrap_or_else(|error| panic!("{error}"));
        let muxer = Muxer::new(config).unwrap_or_else(|error| panic!("{error}"));
        let (mut unread, mut closed) = (Vec::new(), i64::MAX);
        for fault in &scenario.faults {
            match *fault {
                Fault::OutputFull { from, until } => unread.push((start + from, start + until)),
                Fault::OutputClosed { at } => closed = closed.min(start + at),
                _ => {}
            }
        }
        let timeline = (scenario.rate, anchor.epoch, first);
        Output {
            muxer,
            lead: lead + scenario.rate.ticks_27m_floor(FrameIndex(reorder)),
            anchor,
            socket: Socket { capacity: scenario.socket_bytes, level: 0, unread, closed },
            wire: Wire::new(timeline, scenario.audio_delay, reorder, before),
            settled: start.max(anchor.due(FrameIndex(first)).0) + SETTLING_NS,
            held: None,
            input_ended: false,
            packet: None,
            batch: Vec::new(),
            writing: None,
            leaving: VecDeque::new(),
            current: None,
            late_units: 0,
            latest: 0,
        }
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    pub(crate) fn step(
        &mut self,
        shared: &SharedSession,
        ring: &mut VecDeque<Unit>,
        ledger: &Ledger,
        now: i64,
    ) -> Step {
        if shared.has_ended() {
            return Step::Blocked;
        }
        if let Some((until, result)) = self.writing.take() {
            if now < until {
                self.writing = Some((until, result));
                return Step::Until(until);
            }
            if let Err(code) = result {
                shared.set_failure(Failure::new(code, "writing the transport stream".to_owned()));
                shared.stop_now();
                shared.output_ended();
                return Step::Moved;
            }
        }
        if shared.is_stopped() {
            shared.output_ended();
            return Step::Moved;
        }
        if let Some((packet, departure)) = self.packet {
            let due = self.due(departure);
            if due > now + BATCH_NS {
                if !self.batch.is_empty() {
                    self.write(ledger, now);
                    return Step::Moved;
                }
                return Step::Until(due);
            }
            self.note_departure(&packet, shared);
            self.batch.push((packet, departure));
            self.packet = None;
            if self.batch.len() == WRITE_PACKETS {
                self.write(ledger, now);
                return Step::Moved;
            }
        }
        self.push(ring);
        let mut packet = [0; PACKET_SIZE];
        match self.muxer.poll(&mut packet) {
            Poll::Packets(run) => self.packet = Some((packet, run.first())),
            Poll::NeedInput { .. } => {
                assert!(self.held.is_none(), "the multiplexer wants what it has no room for");
                if self.batch.is_empty() {
                    return Step::Blocked;
                }
                self.write(ledger, now);
            }
            Poll::Finished if !self.batch.is_empty() => self.write(ledger, now),
            Poll::Finished => {
                if let Some(end) = self.current.take() {
                    shared.frames_emitted(end);
                }
                assert!(self.leaving.is_empty(), "pictures that never left");
                shared.output_ended();
            }
            Poll::Event(MuxEvent::AccessUnitLate { .. }) => self.late_units += 1,
            Poll::Event(_) => {}
            Poll::OutputTooSmall => panic!("the buffer holds a packet"),
        }
        Step::Moved
    }

    fn push(&mut self, ring: &mut VecDeque<Unit>) {
        while !self.input_ended {
            let Some(unit) = self.held.take().or_else(|| ring.pop_front()) else { return };
            let (stream, pts, dts, random_access, arrival, data) = match &unit {
                Unit::Video { pts, dts, idr, arrival, data, .. } => (0, *pts, *dts, *idr, *arrival, data),
                Unit::Audio { pts, data } => (1, *pts, *pts, false, None, data),
                Unit::End => {
                    self.muxer.finish();
                    self.input_ended = true;
                    return;
                }
            };
            let stream = StreamIndex(stream);
            match self.muxer.push(AccessUnit { stream, pts, dts, random_access, arrival, data }) {
                Ok(()) => {
                    if let Unit::Video { emitted_end, .. } = unit {
                        self.leaving.push_back(emitted_end);
                    }
                }
                Err(PushError::Full { .. }) => {
                    self.held = Some(unit);
                    return;
                }
                Err(error) => panic!("multiplexing: {error}"),
            }
        }
    }

    fn write(&mut self, ledger: &Ledger, now: i64) {
        for (packet, departure) in &self.batch {
            assert!(now + BATCH_NS >= self.due(*departure), "a packet leaves before its instant");
            self.wire.read(packet, departure.0, Some(ledger));
            if now >= self.settled {
                self.latest = self.latest.max(now - self.due(*departure));
            }
        }
        self.writing = Some(self.socket.write(now, self.batch.len() * PACKET_SIZE));
        self.batch.clear();
    }

    /// Nanoseconds at which a departure is due.
    fn due(&self, departure: Ticks27M) -> i64 {
        let since_join = departure + self.lead - self.anchor.utc.ticks_90k().to_27m();
        self.anchor.mono.0 + since_join.nanos_floor()
    }

    fn note_departure(&mut self, packet: &[u8; PACKET_SIZE], shared: &SharedSession) {
        let Ok(packet) = Packet::parse(packet) else { panic!("a packet of the multiplexer") };
        if packet.pid() == Pid::DEFAULT_VIDEO && packet.payload_unit_start_indicator() {
            if let Some(end) = self.current {
                shared.frames_emitted(end);
            }
            self.current = self.leaving.pop_front();
        }
    }
}
