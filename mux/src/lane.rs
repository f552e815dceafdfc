//! One elementary stream inside the muxer: its units, its continuity, its buffers, and the instant from
//! which its next packet may leave. Lanes know nothing of each other.

use crate::access_unit::{CpbArrival, PushError, StreamIndex, UnitHeader};
use crate::decoder_buffer::DecoderBuffer;
use crate::pacing::{self, StreamPace};
use crate::packet::{BODY_SIZE, Counter};
use crate::pes::PesHeader;
use crate::pid::Pid;
use crate::stream_config::StreamConfig;
use crate::stream_kind::StreamKind;
use crate::unit_beginning;
use crate::unit_queue::{Unit, UnitQueue};
use crate::wire::{self, Spacing, Wire};
use retrovue_timebase::Ticks90k;

/// Longest pause of a stream, and longest distance of two streams' beginnings, in 90 kHz ticks. It
/// bounds the PCR and PSI packets that fill a pause.
const LONGEST_GAP: i64 = 10 * 90_000;

/// Largest magnitude of a time stamp: its 27 MHz instant and every sum below stay within `i64`.
const LARGEST_STAMP: u64 = 1 << 53;

/// How much media beyond the difference of leads a lane holds: what a caller may push before it polls.
const QUEUED_MS: u64 = 1_000;

/// How late a unit is that is far behind: half of what a lane holds.
const FAR_BEHIND: i64 = QUEUED_MS as i64 * pacing::MS / 2;

/// Bytes a PCR takes of a packet.
const CLOCK_SIZE: usize = 8;

pub(crate) struct Lane {
    pub(crate) pid: Pid,
    pub(crate) counter: Counter,
    pub(crate) kind: StreamKind,
    stream_id: u8,
    pace: StreamPace,
    /// Ticks from packet to packet within the front unit.
    pub(crate) interval: i64,
    /// Earliest departure of the next packet as far as transport and decoder buffers go.
    pub(crate) ready: i64,
    /// Of what keeps a schedule: when its next packet would leave if nothing else did.
    scheduled: i64,
    /// When the next packet may leave as far as the transport buffer goes.
    drained: i64,
    /// Bytes of the front unit still to leave; 0 before its first packet.
    pub(crate) left: usize,
    /// When the next packet of the begun unit should leave, so that the others behind it are in time too.
    deadline: i64,
    pub(crate) queue: UnitQueue,
    buffer: DecoderBuffer,
    /// The next packet leaves after a wait for the decoder's buffer.
    resumes: bool,
    last_dts: Option<i64>,
    /// A unit was taken.
    begun: bool,
    /// The PCR goes with it.
    pub(crate) carries_clock: bool,
    /// Its place among the streams in the order of precedence.
    pub(crate) place: usize,
    pub(crate) ended: bool,
    /// Most bytes a unit may have.
    largest: usize,
}

/// What a lane can say about its next packet.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    /// It may leave from this instant on and should by the deadline.
    Packet { from: i64, deadline: i64, begins_point: bool },
    /// Not known yet, but certainly not before this instant.
    Unknown { not_before: i64 },
    /// There will be none.
    Never,
}

/// How far a run of packets may go.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Before this instant, from which on something else may leave.
    pub(crate) until: i64,
    /// While its deadline is before this one, the earliest of what may leave already.
    pub(crate) rival: i64,
}

impl Limits {
    /// Whether a packet with `deadline` may leave at `at`.
    #[inline]
    pub(crate) fn allow(self, at: i64, deadline: i64) -> bool {
        at < self.until && deadline.max(at) < self.rival.max(at)
    }

    /// How many of `most` packets of a `spacing` may leave, the first at `at` due by `deadline` and each of the others
    /// `later` ticks later.
    #[inline]
    pub(crate) fn count(self, spacing: Spacing, most: usize, at: i64, deadline: i64, later: i64) -> usize {
        let count = spacing.before(at, self.until, most);
        if self.rival == i64::MAX {
            return count;
        }
        let in_turn = wire::within(deadline, later, self.rival, most);
        count.min(spacing.before(at, self.rival, most)).min(in_turn)
    }
}

impl Lane {
    /// A lane that also holds what piles up while streams with a longer lead catch up.
    pub(crate) fn new(
        config: &StreamConfig,
        index_of_class: u8,
        pace: StreamPace,
        longest_lead: i64,
        counter: Counter,
    ) -> Lane {
        let units = |ticks: i64| (ticks / pacing::MS) as usize * config.units_per_second as usize / 1000 + 2;
        let queued = QUEUED_MS as i64 * pacing::MS;
        // Pictures may arrive as late as their DTS in their encoder's HRD, and wait all that time.
        let waiting = units(longest_lead + queued);
        Lane {
            pid: config.pid,
            counter,
            kind: config.kind,
            stream_id: config.kind.stream_id(index_of_class),
            pace,
            interval: pace.interval,
            ready: i64::MIN / 2,
            scheduled: i64::MIN / 2,
            drained: i64::MIN / 2,
            left: 0,
            deadline: 0,
            queue: UnitQueue::new(waiting.max(2 * units(longest_lead - pace.lead + queued))),
            buffer: DecoderBuffer::new(pace.buffer, units(pace.lead)),
            resumes: false,
            last_dts: None,
            begun: false,
            carries_clock: false,
            place: 0,
            ended: false,
            largest: match config.kind {
                StreamKind::Data { longest_bytes, .. } => longest_bytes,
                _ => Lane::queue_bytes(config, pace, longest_lead),
            },
        }
    }

    /// Bytes that a caller may have pushed and not polled.
    pub(crate) fn queue_bytes(config: &StreamConfig, pace: StreamPace, longest_lead: i64) -> usize {
        let queued_ms = ((longest_lead - pace.lead) / pacing::MS) as u64 + QUEUED_MS;
        // A quarter as much again for units above the average; the constant for what exceeds small rates and
        // buffers (a first picture without rate control).
        let (bits, spare) = match config.kind {
            StreamKind::Video { max_bitrate_bps, cpb_bits, .. } => {
                (max_bitrate_bps * queued_ms / 1000 + cpb_bits, 1 << 20)
            }
            StreamKind::Audio { bitrate_bps, .. } => (bitrate_bps * queued_ms / 1000, 1 << 16),
            StreamKind::Data { bitrate_bps, longest_bytes, .. } => {
                (bitrate_bps * queued_ms / 1000 + 8 * longest_bytes as u64, 1 << 12)
            }
        };
        (bits / 8 * 5 / 4) as usize + spare
    }

    /// DTS of the last unit taken.
    pub(crate) fn last_dts(&self) -> Option<i64> {
        self.last_dts
    }

    /// When the next packet may leave, other streams and the wire aside.
    #[inline]
    pub(crate) fn next(&self) -> Next {
        match self.queue.front() {
            Some(unit) => {
                if self.left > 0 {
                    let deadline = self.deadline.min(self.ready.saturating_add(self.pace.within));
                    return Next::Packet { from: self.ready, deadline, begins_point: false };
                }
                let from = self.ready.max(unit.from);
                let deadline = unit.deadline.min(from.saturating_add(self.pace.within));
                Next::Packet { from, deadline, begins_point: unit.random_access }
            }
            None if self.ended => Next::Never,
            None => {
                let not_before = self.last_dts.map_or(i64::MIN, |dts| (dts + 1) * 300 - self.pace.lead);
                Next::Unknown { not_before: not_before.max(self.ready) }
            }
        }
    }

    /// Ticks by which each packet's deadline is later than the one's before.
    #[inline]
    pub(crate) fn deadline_step(&self) -> i64 {
        self.pace.interval
    }

    /// Begins the front unit. Sound is spread, so pictures on either side of it are never many packets in a
    /// row: a receiver that takes the rate between two PCRs for constant would see those arrive faster
    /// than they left.
    #[inline]
    pub(crate) fn begin(&mut self) {
        let Some(unit) = self.queue.front() else { return };
        let len = unit.len;
        self.deadline = unit.deadline;
        self.scheduled = self.ready.max(unit.from);
        self.left = len;
        if self.pace.spread > 0 {
            let clock = if self.carries_clock { CLOCK_SIZE } else { 0 };
            let packets = ((len + clock) / BODY_SIZE + 1) as i64;
            self.interval = self.pace.interval.max(self.pace.spread / packets);
        }
    }

    /// When the packets of the begun unit leave, the first, ready from `from` on, at `at`, if nothing else does
    /// and packets are `step` apart at least.
    #[inline]
    pub(crate) fn spacing(&self, from: i64, at: i64, step: i64) -> Spacing {
        // What waited longer is followed as if it had waited as long as the transport buffer allows.
        let ready = from.max(at - self.pace.catch_up - self.interval);
        Spacing::Own { ready, interval: self.interval, step }
    }

    /// Accounts for a packet sent at `at` that could have left from `from` on. One that waited may be
    /// followed early, as far as the transport buffer of 512 bytes allows.
    #[inline]
    pub(crate) fn sent(&mut self, from: i64, at: i64) {
        self.ready = if self.pace.keeps_schedule {
            self.scheduled += self.interval;
            self.drained = (self.drained + self.pace.drain).max(at - self.pace.catch_up);
            self.scheduled.max(self.drained)
        } else {
            self.drained = (from + self.interval).max(at - self.pace.catch_up);
            self.drained
        };
        self.deadline += self.pace.interval;
    }

    /// Accounts for a packet without payload sent at `at`. It takes room in the transport buffer alone: at a constant
    /// rate a wait for the decoder's buffer is no longer for it.
    pub(crate) fn sent_alone(&mut self, at: i64, constant: bool) {
        let step = if self.pace.keeps_schedule { self.pace.drain } else { self.pace.interval };
        let free = if constant { self.drained } else { self.ready };
        self.drained = free.max(at) + step;
        self.ready = self.ready.max(self.drained);
    }

    /// Whether a packet of `payload` bytes stands before or behind a wait for the decoder's buffer.
    #[inline]
    pub(crate) fn pauses(&self, payload: usize) -> bool {
        self.resumes || !self.buffer.has_room(payload + BODY_SIZE)
    }

    /// How many packets follow from the middle of the begun unit, all payload, without a wait for the
    /// decoder's buffer; at a variable rate those on both sides of a wait do not count.
    #[inline]
    pub(crate) fn plain_packets(&self, constant: bool) -> usize {
        // What keeps a schedule leaves in no even row.
        if self.left <= BODY_SIZE || self.pace.keeps_schedule {
            return 0;
        }
        let bodies = (self.left - 1) / BODY_SIZE;
        let room = self.buffer.room() / BODY_SIZE;
        if constant {
            bodies.min(room.max(1))
        } else if self.resumes {
            0
        } else {
            bodies.min(room.saturating_sub(1))
        }
    }

    /// How many of `most` packets may leave in a row where slots are closer than the transport buffer
    /// drains.
    pub(crate) fn slots_with_room(
        &self,
        most: usize,
        mut from: i64,
        mut deadline: i64,
        wire: &Wire,
        limits: Limits,
    ) -> usize {
        let mut wire = wire.clone();
        let mut count = 0;
        while count < most {
            from = (from + self.interval).max(wire.next - self.pace.catch_up);
            deadline += self.pace.interval;
            wire.leave(wire.next);
            count += 1;
            if wire.next < from || !limits.allow(wire.next, deadline) {
                break;
            }
        }
        count
    }

    /// Accounts for `packets` of [`Lane::plain_packets`], the first of which could have left from `from` on;
    /// `first` and `last` are when the ends left.
    pub(crate) fn sent_run(&mut self, packets: usize, from: i64, first: i64, last: i64) {
        let (all, behind) = (packets as i64, packets as i64 - 1);
        self.counter.skip(packets - 1);
        // What `sent` comes to, one packet after the other.
        let early = (first + behind * self.interval).max(last) - self.pace.catch_up;
        self.drained = (from + all * self.interval).max(early);
        self.ready = self.drained;
        self.deadline += all * self.pace.interval;
        self.deliver(packets * BODY_SIZE);
    }

    /// Accounts for `payload` bytes of the front unit that leave in a packet.
    #[inline]
    pub(crate) fn deliver(&mut self, payload: usize) {
        self.left -= payload;
        self.buffer.enter(payload);
        self.resumes = false;
        let next = if self.left > 0 { self.left.min(BODY_SIZE) } else { BODY_SIZE };
        if !self.buffer.has_room(next) {
            self.wait_for_room(next);
        }
    }

    /// The front unit has left whole with the packet sent at `at`. Returns its DTS when that was too late.
    #[inline]
    pub(crate) fn complete(&mut self, at: i64) -> Option<i64> {
        let dts = self.queue.front()?.dts;
        self.queue.pop();
        self.buffer.complete(dts * 300);
        (at > dts * 300 - self.pace.complete).then_some(dts)
    }

    #[cold]
    fn wait_for_room(&mut self, bytes: usize) {
        if let Some(from) = self.buffer.room_from(bytes) {
            self.resumes = from > self.ready;
            self.ready = self.ready.max(from);
            // What is ahead of its decoder has nothing to catch up with.
            self.scheduled = self.scheduled.max(from);
        }
    }

    /// Whether a unit waits that should have been decoded long before `at`.
    pub(crate) fn is_behind(&self, at: i64) -> bool {
        self.queue.front().is_some_and(|unit| unit.dts * 300 + FAR_BEHIND < at)
    }

    /// Judges a decoding time. `latest` tells the latest DTS of any stream.
    fn judge_dts(
        &self,
        stream: StreamIndex,
        dts: Ticks90k,
        latest: impl FnOnce() -> Option<i64>,
    ) -> Result<(), PushError> {
        if self.ended {
            return Err(PushError::Ended { stream, dts });
        }
        if dts.0.unsigned_abs() > LARGEST_STAMP {
            return Err(PushError::DtsOutOfRange { stream, dts });
        }
        if let Some(previous) = self.last_dts.filter(|&previous| dts.0 <= previous) {
            return Err(PushError::DtsNotIncreasing { stream, dts, previous: Ticks90k(previous) });
        }
        if let Some(previous) =
            self.last_dts.or_else(latest).filter(|&last| (dts.0 - last).abs() > LONGEST_GAP)
        {
            return Err(PushError::DtsGap { stream, dts, previous: Ticks90k(previous) });
        }
        Ok(())
    }

    /// Judges a unit. `latest` tells the latest DTS of any stream. Returns the delimiter it lacks.
    #[inline]
    pub(crate) fn judge(
        &self,
        unit: &UnitHeader,
        latest: impl FnOnce() -> Option<i64>,
    ) -> Result<&'static [u8], PushError> {
        let UnitHeader { stream, pts, dts, len, .. } = *unit;
        self.judge_dts(stream, dts, latest)?;
        if pts < dts || pts.0 > dts.0 + LONGEST_GAP {
            return Err(PushError::PtsOutOfRange { stream, pts, dts });
        }
        if let Some(CpbArrival { initial, complete }) = unit.arrival.filter(|_| self.kind.is_video())
            && !(dts.0 * 300 - LONGEST_GAP * 300 <= initial.0
                && initial <= complete
                && complete.0 <= dts.0 * 300)
        {
            return Err(PushError::ArrivalOutOfRange { stream, dts, initial, complete });
        }
        if self.kind.is_video() && !self.begun && !unit.random_access {
            return Err(PushError::NoRandomAccess { stream, dts });
        }
        let delimiter = unit_beginning::judge(self.kind, unit)?;
        if len > self.largest {
            return Err(PushError::TooLarge { stream, dts, bytes: len, largest: self.largest });
        }
        Ok(delimiter)
    }

    /// No unit comes with a DTS before `dts`.
    pub(crate) fn skip_to(
        &mut self,
        stream: StreamIndex,
        dts: Ticks90k,
        latest: impl FnOnce() -> Option<i64>,
    ) -> Result<(), PushError> {
        self.judge_dts(stream, dts, latest)?;
        self.last_dts = Some(dts.0 - 1);
        Ok(())
    }

    /// When a unit may begin to leave: its lead before its DTS, or later where the encoder's HRD has it arrive later.
    fn earliest(&self, unit: &UnitHeader) -> i64 {
        let earliest = unit.dts.0 * 300 - self.pace.lead;
        match unit.arrival {
            Some(arrival) if self.kind.is_video() => earliest.max(arrival.initial.0 - self.pace.ahead),
            _ => earliest,
        }
    }

    /// Takes a unit that was judged. There must be room in the queue.
    #[inline]
    pub(crate) fn push(&mut self, unit: &UnitHeader, delimiter: &'static [u8]) {
        let len = self.pes_header(unit.pts, unit.dts).size() + delimiter.len() + unit.len;
        self.queue.push(Unit {
            len,
            deadline: unit.dts.0 * 300 - self.pace.complete - (len / BODY_SIZE) as i64 * self.pace.interval,
            dts: unit.dts.0,
            pts: unit.pts,
            from: self.earliest(unit),
            random_access: self.kind.is_video() && unit.random_access,
            delimiter,
        });
        (self.last_dts, self.begun) = (Some(unit.dts.0), true);
    }

    #[inline]
    fn pes_header(&self, pts: Ticks90k, dts: Ticks90k) -> PesHeader {
        let header = PesHeader::new(self.stream_id, pts, dts);
        if self.kind.is_teletext() { header.of_teletext() } else { header }
    }

    /// Writes what stands before the bytes of the front unit: the PES header, and the delimiter where it lacks one. How
    /// many bytes that is.
    #[inline]
    pub(crate) fn write_beginning(&self, body: &mut [u8]) -> usize {
        let Some(unit) = self.queue.front() else { return 0 };
        let header = self.pes_header(unit.pts, Ticks90k(unit.dts));
        header.write(body, unit.len - header.size());
        let bytes = header.size() + unit.delimiter.len();
        if !unit.delimiter.is_empty() {
            body[header.size()..bytes].copy_from_slice(unit.delimiter);
        }
        bytes
    }
}
