//! One elementary stream through the T-STD: packets into TB, out of it into the decoder's buffers, access
//! units out of these at their decoding times.
//!
//! What leaves when must be known before time may pass it: packets wait until the next unit's end and
//! decoding time have been read. At the end, units that the stream's end cuts off are not judged.

use crate::arrival::{Arrival, MS, SECOND, SUB};
use crate::buffer_model::{BufferModel, Main};
use crate::decoder_buffer::DecoderBuffer;
use crate::report::{BufferLevels, Level};
use crate::rule::{Findings, Place, Rule};
use crate::trace::StreamTrace;
use crate::transport_buffer::{self, BIT, TransportBuffer, bytes};
use std::collections::VecDeque;

/// Packets that may wait for the end of a unit: 5.8 MB, more than a coded picture of level 5.1 has.
const MOST_WAITING: usize = 1 << 15;
/// Units that may wait to leave: a minute of sound or of pictures.
const MOST_UNITS: usize = 1 << 12;
/// Values of PTS and DTS.
const STAMPS: i64 = 1 << 33;
/// A stamp's ticks in those of the system clock.
const PER_STAMP: i64 = 300;
/// Longest between two stamps of a stream (TR 101 290 2.5).
const STAMP_GAP: i64 = 700 * MS;

/// An access unit. Positions are payload bytes since the stream began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) end: u64,
    /// The packet it begins in.
    pub(crate) packet: u64,
    /// `decoding_time_stamp` that it is reckoned from.
    pub(crate) stamp: i64,
    /// Time since that stamp, in parts of ticks.
    pub(crate) after: i64,
    /// Nothing of it was lost.
    pub(crate) whole: bool,
}

/// What of a packet goes where.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cargo {
    /// PES header bytes.
    pub(crate) headers: u8,
    /// Payload bytes of the elementary stream.
    pub(crate) payload: u8,
    /// A unit begins in it.
    pub(crate) begins: bool,
    /// A PES header with a stamp ends in it.
    pub(crate) stamped: bool,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    from: i64,
    to: i64,
    cargo: Cargo,
    place: Place,
}

/// The buffers of one elementary stream.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) model: Option<BufferModel>,
    started: bool,
    tb: TransportBuffer,
    tb_over: u64,
    buffer: DecoderBuffer,
    main_over: u64,
    mb_over: u64,
    input: u64,
    waiting: VecDeque<Segment>,
    units: VecDeque<Unit>,
    /// Arrival of the packets that units begin in.
    begins: VecDeque<(u64, i64)>,
    last_stamp: Option<i64>,
    pub(crate) last_seen: Option<i64>,
    /// Longest time in the buffers that is allowed.
    longest_delay: i64,
    /// Units did not come to an end while packets waited.
    pub(crate) gave_up: bool,
    longest_unit_delay: i64,
    least_margin: Option<i64>,
    removed: u64,
    pub(crate) trace: Option<Box<StreamTrace>>,
}

/// What the parser knows about the unit that comes next, when none is complete.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ahead {
    /// None has begun.
    Nothing,
    /// One has begun and is decoded at this stamp.
    Stamped(i64),
    /// One has begun, and its stamp is not known yet.
    Unknown,
}

impl Decoder {
    pub(crate) fn new(is_video: bool) -> Decoder {
        Decoder { longest_delay: if is_video { 10 * SECOND } else { SECOND }, ..Decoder::default() }
    }

    /// MPEG-2 pictures have a second.
    pub(crate) fn set_longest_delay(&mut self, delay: i64) {
        self.longest_delay = delay;
    }

    /// A unit is known.
    pub(crate) fn unit(&mut self, unit: Unit) {
        if self.units.len() >= MOST_UNITS {
            self.units.pop_front();
            self.gave_up = true;
        }
        self.units.push_back(unit);
    }

    /// The latest unit was damaged: it ends at `end`.
    pub(crate) fn damage(&mut self, end: u64) {
        for unit in self.units.iter_mut().rev().take_while(|unit| unit.end > end) {
            unit.end = end;
            unit.whole = false;
        }
    }

    /// Units that end after `position` never came whole.
    pub(crate) fn cut(&mut self, position: u64) {
        self.units.retain(|unit| unit.end <= position);
    }

    /// Takes a packet at its time of arrival.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        arrival: Arrival,
        cargo: Cargo,
        place: Place,
        ahead: Ahead,
        findings: &mut Findings,
    ) {
        self.last_seen = Some(arrival.first);
        if cargo.stamped {
            self.stamped(arrival.first, place, findings);
        }
        let size = usize::from(cargo.headers) + usize::from(cargo.payload);
        let Some(model) = self.model else {
            self.input += u64::from(cargo.payload);
            return;
        };
        if !self.started {
            self.started = true;
            self.buffer.reset(self.input);
        }
        self.input += u64::from(cargo.payload);
        let filled = self.tb.fill(arrival, size, model.rx);
        if filled.over {
            self.tb_over += 1;
            let limit = transport_buffer::SIZE;
            findings.measure(Rule::TbOverflow, place, "transport buffer", filled.fullest, limit, "bytes");
        }
        if filled.never_empty {
            findings.note(Rule::EmptyBuffer, place, "transport buffer not empty for a second");
        }
        if let Some(trace) = &mut self.trace {
            trace.tb.add(arrival.last, filled.fullest);
        }
        if size == 0 {
            return;
        }
        if cargo.begins {
            self.begins.push_back((place.packet, arrival.first));
            if self.begins.len() > MOST_UNITS {
                self.begins.pop_front();
            }
        }
        self.waiting.push_back(Segment { from: filled.from, to: filled.to, cargo, place });
        if self.waiting.len() > MOST_WAITING {
            self.gave_up = true;
            self.run(None, findings);
        } else {
            self.run(Some(ahead), findings);
        }
    }

    fn stamped(&mut self, at: i64, place: Place, findings: &mut Findings) {
        if let Some(last) = self.last_stamp
            && at - last > STAMP_GAP
        {
            findings.measure(Rule::Pts, place, "time between stamps", (at - last) / MS, 700, "ms");
        }
        self.last_stamp = Some(at);
    }

    /// Lets waiting packets through; all of them without a word on what is ahead.
    fn run(&mut self, ahead: Option<Ahead>, findings: &mut Findings) {
        let Some(model) = self.model else { return };
        while let Some(&segment) = self.waiting.front() {
            if self.units.is_empty() {
                let stays = match ahead {
                    Some(Ahead::Stamped(stamp)) => near(stamp, segment.to) <= segment.to,
                    Some(Ahead::Unknown) => true,
                    Some(Ahead::Nothing) | None => false,
                };
                if stays {
                    return;
                }
            }
            self.pass(segment, model, findings);
            self.waiting.pop_front();
            // What this packet let leave may have been the last that is known.
        }
    }

    /// One packet's bytes into the buffers, and what leaves meanwhile out of them.
    #[inline]
    fn pass(&mut self, segment: Segment, model: BufferModel, findings: &mut Findings) {
        let Segment { from, to, cargo, place } = segment;
        let (headers, payload) = (u32::from(cargo.headers), u32::from(cargo.payload));
        let size = headers + payload;
        let (mut headers_in, mut payload_in) = (0, 0);
        while let Some(&unit) = self.units.front() {
            let decoded = near(unit.stamp, to).saturating_add(unit.after);
            if decoded > to {
                break;
            }
            self.buffer.advance(from.min(decoded), 0, 0, model.main);
            if decoded > from {
                let came = (i64::from(size) * (decoded - from) / (to - from).max(1)) as u32;
                let headers_now = came.min(headers);
                let payload_now = came - headers_now;
                let (h, p) = (headers_now.max(headers_in), payload_now.max(payload_in));
                self.buffer.advance(decoded, h - headers_in, p - payload_in, model.main);
                (headers_in, payload_in) = (h, p);
            }
            self.remove(unit, decoded, model, place, findings);
            self.units.pop_front();
        }
        self.buffer.advance(from, 0, 0, model.main);
        self.buffer.advance(to, headers - headers_in, payload - payload_in, model.main);
        self.judge(to, model, place, findings);
    }

    fn judge(&mut self, to: i64, model: BufferModel, place: Place, findings: &mut Findings) {
        match model.main {
            Main::B { size } => {
                let level = self.buffer.in_b();
                if level > size {
                    self.main_over += 1;
                    findings.measure(Rule::BOverflow, place, "buffer B", level, size, "bytes");
                }
                if let Some(trace) = &mut self.trace {
                    trace.main.add(to, level);
                }
            }
            Main::Leak { mb, rbx, .. } => {
                let level = self.buffer.in_mb();
                if level - 2 * i128::from(rbx) > i128::from(mb) * i128::from(BIT) {
                    self.mb_over += 1;
                    findings.measure(Rule::MbOverflow, place, "buffer MB", bytes(level), mb / 8, "bytes");
                }
                let empty = *self.buffer.empty.get_or_insert(to);
                if to - empty > SECOND {
                    findings.note(Rule::EmptyBuffer, place, "multiplexing buffer not empty for a second");
                    self.buffer.empty = Some(to);
                }
                if let Some(trace) = &mut self.trace {
                    trace.main.add(to, bytes(level + self.buffer.in_eb()));
                }
            }
        }
    }

    fn remove(
        &mut self,
        unit: Unit,
        decoded: i64,
        model: BufferModel,
        place: Place,
        findings: &mut Findings,
    ) {
        if let Some(trace) = &mut self.trace {
            let level = match model.main {
                Main::B { .. } => self.buffer.in_b(),
                Main::Leak { .. } => bytes(self.buffer.in_mb() + self.buffer.in_eb()),
            };
            trace.main.add(decoded, level);
        }
        let missing = self.buffer.remove(unit.end, model.main);
        while self.begins.front().is_some_and(|(packet, _)| *packet < unit.packet) {
            self.begins.pop_front();
        }
        if !unit.whole {
            return;
        }
        self.removed += 1;
        if missing > 0 {
            findings.measure(
                Rule::Underflow,
                place,
                "bytes of an access unit that come after its decoding time",
                missing,
                0,
                "bytes",
            );
        }
        if let Some(&(packet, came)) = self.begins.front()
            && packet == unit.packet
        {
            let delay = decoded.saturating_sub(came);
            self.longest_unit_delay = self.longest_unit_delay.max(delay);
            self.least_margin = Some(self.least_margin.map_or(delay, |least| least.min(delay)));
            if delay > self.longest_delay {
                let limit = self.longest_delay / MS;
                findings.measure(Rule::DataDelay, place, "time in the buffers", delay / MS, limit, "ms");
            }
        }
    }

    /// Another timeline begins: the buffers are taken as empty.
    pub(crate) fn reset(&mut self, findings: &mut Findings) {
        self.run(None, findings);
        self.waiting.clear();
        self.units.clear();
        self.begins.clear();
        self.last_stamp = None;
        self.last_seen = None;
        self.tb.reset();
        self.buffer.reset(self.input);
    }

    /// The stream has ended.
    pub(crate) fn finish(&mut self, findings: &mut Findings) {
        self.run(None, findings);
    }

    /// Peaks and limits.
    pub(crate) fn levels(&self) -> Option<BufferLevels> {
        let model = self.model?;
        if !self.started {
            return None;
        }
        let level = |peak: i64, limit: i64, over: u64| Some(Level { peak, limit, packets_over: over });
        let (peak, peak_mb) = (self.buffer.peak, self.buffer.peak_mb);
        let (mb, eb, b) = match model.main {
            Main::B { size } => (None, None, level(peak, size, self.main_over)),
            Main::Leak { mb, eb, .. } => {
                (level(peak_mb, mb / 8, self.mb_over), level(peak, eb / 8, self.main_over), None)
            }
        };
        let tb = Level { peak: self.tb.peak, limit: transport_buffer::SIZE, packets_over: self.tb_over };
        Some(BufferLevels {
            rx: model.rx,
            tb,
            mb,
            eb,
            b,
            units: self.removed,
            longest_delay_ms: self.longest_unit_delay / MS,
            least_delay_ms: self.least_margin.map(|least| least / MS),
        })
    }
}

/// The instant nearest to `at` whose 33-bit stamp is `stamp`, in parts of ticks.
pub(crate) fn near(stamp: i64, at: i64) -> i64 {
    let now = at.div_euclid(SUB * PER_STAMP);
    let ahead = (stamp - now).rem_euclid(STAMPS);
    let ahead = if ahead < STAMPS / 2 { ahead } else { ahead - STAMPS };
    (now + ahead).saturating_mul(PER_STAMP * SUB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_near_a_wrap() {
        let second = 90_000;
        let at = STAMPS * PER_STAMP * SUB;
        assert_eq!(near(second, at), at + SECOND);
        assert_eq!(near(STAMPS - second, at), at - SECOND);
        assert_eq!(near(second, at - SECOND), at + SECOND);
    }
}
