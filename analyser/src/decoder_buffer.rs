//! The buffers of one elementary stream in the T-STD (ISO/IEC 13818-1 §2.4.2.3): TB, then MB and EB for
//! video, moved by the leak method, or B for sound. An access unit leaves whole at its DTS.
//!
//! Driven by events: a packet's bytes, and the DTS of the units before. Between two events each level
//! changes evenly, so only the ends are computed.

use crate::buffer_model::BufferModel;
use crate::clock::Cargo;
use crate::instant::{BYTE, PER_SECOND, microseconds, whole_bytes};
use crate::rule::{Findings, Place, Rule};
use crate::trace::Trace;
use crate::transport_buffer::{BIT, Passage, TB_SIZE, TransportBuffer};
use std::collections::VecDeque;

/// Units that may wait to be decoded. Ten seconds at 120 pictures a second are 1200.
const UNITS: usize = 2048;
/// Bytes that may wait: more than any level's buffers hold, and few enough for the arithmetic.
const MOST: i64 = 64_000_000;
/// Bytes of PES headers that may wait: more than any MB holds of them.
const MOST_HEADERS: i64 = 1_000_000;

/// Where an access unit begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitStart {
    /// Its first byte, counted in bytes of the elementary stream.
    pub(crate) at: u64,
    /// Its DTS; None where neither a stamp nor the frame rate tells it.
    pub(crate) dts: Option<Stamp>,
    /// Buffers that hold from here on.
    pub(crate) model: Option<BufferModel>,
}

/// A DTS: a stamp in 90 kHz, 33 bits, and what to add in the instants' parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) base: i64,
    pub(crate) plus: i64,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    start: u64,
    end: Option<u64>,
    dts: i64,
    /// What was in EB at its DTS, of it and of those behind it.
    at_dts: Option<i64>,
    /// Bytes of it were lost: it is not judged.
    damaged: bool,
}

/// One packet of the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) cargo: Cargo,
    /// A packet sent twice is in TB, but is not delivered.
    pub(crate) repeated: bool,
}

/// The buffers of one elementary stream.
#[derive(Debug, Default)]
pub(crate) struct DecoderBuffer {
    model: Option<BufferModel>,
    active: bool,
    /// Why nothing is judged any more.
    pub(crate) refused: Option<&'static str>,
    pub(crate) tb: TransportBuffer,
    now: i64,
    mb: i64,
    /// Payload in EB or B.
    eb: i64,
    /// PES headers in MB or B: the byte that follows, and their length.
    headers: VecDeque<(u64, i64)>,
    header_level: i64,
    /// Of the header on its way, what has not come yet.
    header_to_come: i64,
    /// Bytes of the elementary stream so far: of all packets, and those that came into the buffers.
    position: u64,
    delivered: u64,
    units: VecDeque<Unit>,
    mb_empty_at: i64,
    pub(crate) mb_peak: i64,
    pub(crate) eb_peak: i64,
    pub(crate) mb_over: u64,
    pub(crate) eb_over: u64,
    /// Units decoded, and those among them that were not complete.
    pub(crate) decoded: u64,
    pub(crate) late: u64,
    /// Longest stay of a byte.
    pub(crate) longest_delay: i64,
    broken: Broken,
    /// Courses of TB, and of MB with EB.
    pub(crate) traces: Option<Box<(Trace, Trace)>>,
}

/// What the packet under way has broken.
#[derive(Debug, Default, Clone, Copy)]
struct Broken {
    /// The most that was in MB, and in EB or B, if that was too much.
    mb: Option<i64>,
    eb: Option<i64>,
    stale: bool,
}

impl DecoderBuffer {
    /// Empty buffers; `plot` keeps their courses.
    pub(crate) fn new(plot: bool) -> DecoderBuffer {
        DecoderBuffer { traces: plot.then(Default::default), ..DecoderBuffer::default() }
    }

    /// The buffers last in force.
    pub(crate) fn model(&self) -> Option<BufferModel> {
        self.model
    }

    /// Empties the buffers, until the next access unit.
    pub(crate) fn reset(&mut self) {
        self.active = false;
        self.tb.reset();
        self.headers.clear();
        self.units.clear();
        (self.mb, self.eb, self.header_level) = (0, 0, 0);
    }

    /// Bytes of the elementary stream came whose arrival nothing told.
    pub(crate) fn skip(&mut self, bytes: u8) {
        self.position += u64::from(bytes);
        self.reset();
    }

    /// Bytes were lost: the unit under way is not judged.
    pub(crate) fn lose(&mut self) {
        if let Some(unit) = self.units.back_mut().filter(|unit| unit.end.is_none()) {
            unit.damaged = true;
        }
    }

    /// Judges nothing any more.
    pub(crate) fn refuse(&mut self, why: &'static str) {
        self.refused.get_or_insert(why);
        self.reset();
    }

    /// The next packet holds the beginning of an access unit, decoded at `dts` on the clock of arrivals.
    pub(crate) fn begin(
        &mut self,
        start: UnitStart,
        dts: Option<i64>,
        arrival: &Arrival,
        findings: &mut Findings,
        place: Place,
    ) {
        if let Some(model) = start.model {
            self.model = Some(model);
        }
        let (Some(model), None) = (self.model, self.refused) else { return };
        let Some(dts) = dts else {
            return self.refuse("access units without a time stamp, and no frame rate to reckon it by");
        };
        if let Some(last) = self.units.back_mut() {
            last.end = Some(start.at.max(last.start));
        }
        let mut at = start.at;
        if !self.active {
            self.active = true;
            at = at.max(self.position);
            self.delivered = at;
            self.now = arrival.first;
            self.mb_empty_at = arrival.first;
        }
        if self.units.len() >= UNITS || self.eb > MOST * BYTE {
            return self.refuse("more waits to be decoded than any decoder holds");
        }
        let delay = dts.saturating_sub(arrival.first);
        self.longest_delay = self.longest_delay.max(delay);
        if delay > model.delay * PER_SECOND {
            let (value, limit) = (microseconds(delay), model.delay * 1_000_000);
            findings.measure(Rule::DataDelay, place, "from arrival to DTS", value, limit, "us");
        }
        self.units.push_back(Unit { start: at, end: None, dts, at_dts: None, damaged: false });
        self.settle(findings, place);
    }

    /// A packet. Its access units have been told before.
    #[inline]
    pub(crate) fn packet(&mut self, arrival: Arrival, findings: &mut Findings, place: Place) {
        let before = self.position;
        let mut first = 188 - i64::from(arrival.cargo.data.min(188));
        if !arrival.repeated {
            self.position += (188 - first) as u64;
        }
        let Some(model) = self.model.filter(|_| self.active) else { return };
        let passage = self.tb.enter(model.rx, arrival.first, arrival.last);
        if passage.overflow {
            findings.measure(Rule::TbOverflow, place, "TB", whole_bytes(passage.peak), TB_SIZE, "bytes");
        }
        if passage.stale {
            findings.note(Rule::EmptyBuffer, place, "TB not empty for a second");
        }
        if let Some(traces) = &mut self.traces {
            traces.0.add(arrival.last, passage.level / BYTE);
        }
        if arrival.repeated {
            return;
        }
        let mut header = i64::from(arrival.cargo.header);
        // Before the first access unit nothing is delivered.
        if self.delivered > before {
            first += (self.delivered - before).min((188 - first) as u64) as i64;
            header = 0;
        }
        if first < 188 || header > 0 {
            self.deliver(&model, &passage, (before, header, first), findings, place);
        }
    }

    fn deliver(
        &mut self,
        model: &BufferModel,
        passage: &Passage,
        (position, header, first): (u64, i64, i64),
        findings: &mut Findings,
        place: Place,
    ) {
        self.broken = Broken::default();
        let end = passage.left(188);
        let level = (188 - first) * BYTE;
        let undisturbed = match model.mb {
            Some((_, leak)) => self.mb == 0 && leak >= model.rx && self.eb + level <= model.eb * BYTE,
            None => true,
        };
        if undisturbed && end >= self.now && self.next_removal().is_none_or(|dts| dts > end) {
            self.eb += level;
            self.delivered += (188 - first) as u64;
            self.now = end;
            if model.mb.is_some() {
                self.mb_empty_at = end;
                self.mb_peak = self.mb_peak.max(header * BYTE);
                self.headers.clear();
                self.header_level = 0;
            } else {
                self.take_header(position, header);
            }
            self.note_levels(model);
            self.settle(findings, place);
        } else {
            let from = passage.left((first - header).max(1));
            self.feed(model, from, 0, findings, place);
            let to = passage.left(first.max(1));
            if header > 0 {
                self.take_header(position, header);
                self.feed_header(model, (from, to), header * BYTE, findings, place);
            } else {
                self.feed(model, to, 0, findings, place);
            }
            let turn = passage.queued().clamp(first, 188);
            if turn > first && turn < 188 {
                self.feed(model, passage.left(turn), turn - first, findings, place);
                self.feed(model, end, 188 - turn, findings, place);
            } else {
                self.feed(model, end, 188 - first, findings, place);
            }
        }
        self.tell(model, findings, place);
        if let Some(traces) = &mut self.traces {
            traces.1.add(self.now, (self.mb + self.eb + self.header_level) / BYTE);
        }
    }

    fn take_header(&mut self, position: u64, header: i64) {
        if header > 0 {
            self.headers.push_back((position, header));
            self.header_level += header * BYTE;
        }
    }

    /// A header comes in evenly, units being decoded on the way.
    fn feed_header(
        &mut self,
        model: &BufferModel,
        (from, to): (i64, i64),
        header: i64,
        findings: &mut Findings,
        place: Place,
    ) {
        self.header_to_come = header;
        while let Some(dts) = self.next_removal().filter(|&dts| dts <= to) {
            let left = i128::from(header) * i128::from(to - dts.max(from)) / i128::from((to - from).max(1));
            self.header_to_come = left as i64;
            self.feed(model, dts.max(from), 0, findings, place);
        }
        self.header_to_come = 0;
        self.feed(model, to, 0, findings, place);
    }

    fn tell(&mut self, model: &BufferModel, findings: &mut Findings, place: Place) {
        let Broken { mb, eb, stale } = self.broken;
        if let Some(level) = mb {
            self.mb_over += 1;
            let size = model.mb.map_or(0, |m| m.0);
            findings.measure(Rule::MbOverflow, place, "MB", whole_bytes(level), size, "bytes");
        }
        if let Some(level) = eb {
            self.eb_over += 1;
            findings.measure(Rule::BOverflow, place, "B", whole_bytes(level), model.eb, "bytes");
        }
        if stale {
            findings.note(Rule::EmptyBuffer, place, "MB not empty for a second");
        }
    }

    /// Decodes the units that are complete, past the last packet.
    pub(crate) fn drain(&mut self, findings: &mut Findings, place: Place) {
        let Some(model) = self.model.filter(|_| self.active) else { return };
        while let Some(unit) = self.units.front().copied().filter(|unit| unit.end.is_some()) {
            let held = self.units.len();
            self.feed(&model, unit.dts.max(self.now), 0, findings, place);
            if self.units.len() == held {
                break;
            }
        }
    }

    fn next_removal(&self) -> Option<i64> {
        self.units.front().filter(|unit| unit.at_dts.is_none()).map(|unit| unit.dts)
    }

    /// Goes on to `to` while `bytes` come in evenly, decoding on the way.
    fn feed(&mut self, model: &BufferModel, to: i64, mut bytes: i64, findings: &mut Findings, place: Place) {
        while let Some(dts) = self.next_removal().filter(|&dts| dts <= to) {
            let dts = dts.max(self.now);
            let part = if to > self.now {
                (i128::from(bytes) * i128::from(dts - self.now) / i128::from(to - self.now)) as i64
            } else {
                bytes
            };
            self.step(model, dts, part);
            bytes -= part;
            let eb = self.eb;
            if let Some(unit) = self.units.front_mut() {
                unit.at_dts = Some(eb);
            }
            self.settle(findings, place);
        }
        self.step(model, to, bytes);
        self.settle(findings, place);
    }

    /// Goes on to `to`: no unit leaves on the way.
    fn step(&mut self, model: &BufferModel, to: i64, bytes: i64) {
        let time = (to - self.now).max(0);
        self.now = self.now.max(to);
        self.delivered += bytes as u64;
        match model.mb {
            None => self.eb += bytes * BYTE,
            Some((_, leak)) => {
                let held = self.mb + bytes * BYTE;
                let left = held.saturating_sub(leak.saturating_mul(time)).max(0);
                let moved = (held - left).min((model.eb * BYTE - self.eb).max(0));
                self.mb = held - moved;
                self.eb += moved;
                if self.mb == 0 {
                    self.mb_empty_at = self.now;
                } else if self.now - self.mb_empty_at > PER_SECOND {
                    self.mb_empty_at = self.now;
                    self.broken.stale = true;
                }
                // A PES header goes with the byte that follows it.
                while let Some(&(at, length)) = self.headers.front() {
                    let behind = self.delivered.saturating_sub(at).min(1 << 26) as i64 * BYTE;
                    if behind <= self.mb {
                        break;
                    }
                    self.header_level -= length * BYTE;
                    self.headers.pop_front();
                }
            }
        }
        self.note_levels(model);
    }

    fn note_levels(&mut self, model: &BufferModel) {
        match model.mb {
            Some((size, _)) => {
                let level = self.mb + self.header_level - self.header_to_come;
                self.mb_peak = self.mb_peak.max(level);
                if level > size * BYTE + BIT {
                    self.broken.mb = self.broken.mb.max(Some(level));
                }
                self.eb_peak = self.eb_peak.max(self.eb);
            }
            None => {
                let level = self.eb + self.header_level - self.header_to_come;
                self.eb_peak = self.eb_peak.max(level);
                if level > model.eb * BYTE + BIT {
                    self.broken.eb = self.broken.eb.max(Some(level));
                }
            }
        }
        if self.mb.max(self.eb) > MOST * BYTE || self.header_level > MOST_HEADERS * BYTE {
            self.refuse("more waits to be decoded than any decoder holds");
        }
    }

    /// Takes out units whose DTS has come and that are complete.
    fn settle(&mut self, findings: &mut Findings, place: Place) {
        while let Some(unit) = self.units.front().copied() {
            let (Some(end), Some(at_dts)) = (unit.end, unit.at_dts) else { return };
            let size = end.saturating_sub(unit.start).min(2 * MOST as u64) as i64 * BYTE;
            let in_time = at_dts >= size;
            if !in_time && self.eb < size {
                return;
            }
            self.units.pop_front();
            self.eb -= size.min(self.eb);
            self.decoded += 1;
            let sound = self.model.is_some_and(|model| model.mb.is_none());
            while let Some((_, length)) = self.headers.front().copied().filter(|h| sound && h.0 < end) {
                self.header_level -= length * BYTE;
                self.headers.pop_front();
            }
            if let Some(traces) = &mut self.traces {
                traces.1.add(self.now, (self.mb + self.eb + self.header_level) / BYTE);
            }
            if in_time {
                continue;
            }
            if !unit.damaged {
                self.late += 1;
                let late = microseconds(self.now - unit.dts);
                findings.measure(Rule::Underflow, place, "complete that long after its DTS", late, 0, "us");
            }
            // What follows in the stream cannot have been complete earlier.
            let now = self.now;
            if let Some(next) = self.units.front_mut().filter(|next| next.dts < now) {
                next.at_dts = Some(-1);
                next.damaged |= unit.damaged;
            }
        }
    }
}
