//! The clock of a program: when each packet arrives, by its PCRs (ISO/IEC 13818-1 §2.4.2.2).
//!
//! Between two PCRs bytes arrive evenly. What comes after a PCR waits in a bounded queue for the next one;
//! before the first and after the last the nearest interval's rate holds.

use crate::instant::{PCR_MODULUS, PER_TICK, wrapped};
use crate::pcr_accuracy::{self, Fit, Judgement, Point, WINDOW};
use crate::trace::Trace;

/// Packets that may wait for a PCR: 100 ms at 490 Mb/s.
pub(crate) const QUEUE: usize = 32_768;
/// Longest step that is still a late PCR rather than another time base, in 27 MHz.
const LONGEST_STEP: i64 = 27_000_000;
/// No arrival is reckoned further than this from a PCR: an hour.
const FARTHEST: i64 = 3600 * 27_000_000 * PER_TICK;

/// What of a packet goes to a decoder, at the packet's end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cargo {
    /// Bytes of PES headers.
    pub(crate) header: u8,
    /// Bytes of the elementary stream behind them.
    pub(crate) data: u8,
    /// Access units that begin in it.
    pub(crate) units: u8,
    /// The PES packet that ends here, or the one before, does not hold what it says.
    pub(crate) broken: bool,
}

/// What waits for its arrival time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) packet: u64,
    pub(crate) slot: u16,
    pub(crate) kind: Kind,
}

/// What a waiting packet is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A packet of an elementary stream; sent twice, it is not delivered.
    Stream { cargo: Cargo, repeated: bool },
    /// Bytes of an elementary stream were lost.
    Loss,
    /// A packet of a program's system information: program, bytes of payload.
    System { program: u16, payload: u8 },
    /// A section begins.
    SectionBegins,
    /// A section is complete.
    Section { table: u8, number: u8, extension: u16 },
}

/// An interval between two PCRs, for its packets' arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval {
    /// The packet and time of its first PCR, and the PCR itself in 27 MHz.
    packet: u64,
    time: i64,
    pub(crate) pcr: i64,
    ticks: i64,
    packets: i64,
}

impl Interval {
    /// Arrival of the first and last byte of a packet. A PCR tells the arrival of its packet's byte 10.
    #[inline]
    pub(crate) fn arrival(&self, packet: u64) -> (i64, i64) {
        let bytes = packet.wrapping_sub(self.packet) as i64 * 188 - 10;
        (self.at(bytes), self.at(bytes + 187))
    }

    #[inline]
    fn at(&self, bytes: i64) -> i64 {
        let (scaled, below) = (self.ticks * PER_TICK, self.packets * 188);
        let product = match bytes.checked_mul(scaled) {
            Some(product) => product.div_euclid(below),
            None => (i128::from(bytes) * i128::from(scaled)).div_euclid(i128::from(below)) as i64,
        };
        self.time.saturating_add(product.clamp(-FARTHEST, FARTHEST))
    }

    /// The transport rate in bit/s, rounded down.
    pub(crate) fn rate(&self) -> i64 {
        (i128::from(self.packets) * 188 * 8 * 27_000_000 / i128::from(self.ticks.max(1))) as i64
    }

    /// The time of a stamp of 33 bits, nearest to the interval.
    pub(crate) fn time_of(&self, stamp: i64) -> i64 {
        self.time + wrapped(stamp * 300 - self.pcr, PCR_MODULUS) * PER_TICK
    }
}

/// What a PCR did to its clock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The first one.
    First,
    /// An interval of that many 27 MHz ticks.
    Interval(i64),
    /// Another time base begins, as flagged.
    Flagged,
    /// The value stepped by that many ticks without a flag.
    Jump(i64),
}

/// A program's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) pid: u16,
    /// The last PCR: packet, value, time.
    last: Option<(u64, i64, i64)>,
    interval: Option<Interval>,
    pub(crate) queue: Vec<Waiting>,
    flagged: bool,
    points: Vec<Point>,
    /// Null packets before the window of points.
    nulls_before: u64,
    /// The latest time told.
    reached: i64,
    pub(crate) pcrs: u64,
    pub(crate) longest: i64,
    pub(crate) discontinuities: u64,
    /// Greatest distance from the line in picoseconds, of all windows with a constant rate.
    pub(crate) accuracy: Option<i64>,
    pub(crate) variable: bool,
    /// Packets and ticks of all intervals.
    pub(crate) total: (u64, i64),
    /// Packets that waited in vain.
    pub(crate) unclocked: u64,
    pub(crate) traces: Option<Box<(Trace, Trace)>>,
}

impl Clock {
    pub(crate) fn new(pid: u16, plot: bool) -> Clock {
        Clock {
            pid,
            last: None,
            interval: None,
            queue: Vec::new(),
            flagged: false,
            points: Vec::new(),
            nulls_before: 0,
            reached: 0,
            pcrs: 0,
            longest: 0,
            discontinuities: 0,
            accuracy: None,
            variable: false,
            total: (0, 0),
            unclocked: 0,
            traces: plot.then(Default::default),
        }
    }

    /// Time of the last PCR.
    pub(crate) fn time(&self) -> Option<i64> {
        self.last.map(|last| last.2)
    }

    /// The interval by which the queue is to be timed.
    pub(crate) fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// The PCR PID says that another time base begins.
    pub(crate) fn flag(&mut self) {
        self.flagged = true;
    }

    /// Packets were lost: the interval under way cannot be measured.
    pub(crate) fn lose(&mut self) {
        self.last = None;
        self.interval = None;
        self.unclocked += self.queue.len() as u64;
        self.queue.clear();
    }

    /// What a PCR in that packet means. Nothing changes yet.
    pub(crate) fn step(&self, pcr: i64) -> Step {
        let Some((_, before, _)) = self.last else { return Step::First };
        if self.flagged {
            return Step::Flagged;
        }
        match wrapped(pcr - before, PCR_MODULUS) {
            ticks @ 1..=LONGEST_STEP => Step::Interval(ticks),
            ticks => Step::Jump(ticks),
        }
    }

    /// Takes a PCR that ends an interval. The queue is then to be timed by [`Clock::interval`].
    pub(crate) fn close(&mut self, packet: u64, pcr: i64, ticks: i64) {
        let Some((before, value, time)) = self.last else { return };
        let packets = packet.saturating_sub(before).clamp(1, 1 << 32);
        self.interval = Some(Interval { packet: before, time, pcr: value, ticks, packets: packets as i64 });
        self.total.0 += packets;
        self.total.1 += ticks;
        self.longest = self.longest.max(ticks);
        let time = time + ticks * PER_TICK;
        if let Some(traces) = &mut self.traces {
            traces.0.add(time, ticks);
        }
        self.last = Some((packet, pcr, time));
        self.point(packet, time);
    }

    /// Takes a PCR that begins a time base. Whatever waited has been timed. Returns 27 MHz ticks since the last
    /// PCR, by the rate before.
    pub(crate) fn begin(&mut self, packet: u64, pcr: i64) -> i64 {
        let time = match (self.last, self.interval) {
            (Some(_), Some(interval)) => interval.at(packet.wrapping_sub(interval.packet) as i64 * 188),
            (Some((_, _, time)), None) => time,
            _ => self.reached,
        };
        self.discontinuities += u64::from(self.last.is_some());
        self.flagged = false;
        self.interval = None;
        let before = self.last.replace((packet, pcr, time)).map_or(time, |last| last.2);
        self.point(packet, time);
        time.saturating_sub(before) / PER_TICK
    }

    fn point(&mut self, packet: u64, time: i64) {
        self.pcrs += 1;
        self.points.push(Point { packet, ticks: time / PER_TICK });
        self.reached = time;
    }

    /// Whether the window of points is full.
    pub(crate) fn window_is_full(&self) -> bool {
        self.points.len() >= WINDOW
    }

    /// Judges the window and begins another; `nulls` are the null packets so far. Returns packets that were off by
    /// how many picoseconds.
    pub(crate) fn judge(&mut self, nulls: u64) -> Vec<(u64, i64)> {
        let filled = nulls > std::mem::replace(&mut self.nulls_before, nulls);
        let judgement = pcr_accuracy::judge(&self.points, filled);
        let mut out = Vec::new();
        match judgement {
            Judgement::Constant(Fit { peak_ps, out: offenders, residuals }) => {
                self.accuracy = Some(self.accuracy.unwrap_or(0).max(peak_ps));
                out = offenders.into_iter().map(|(n, ps)| (self.points[n].packet, ps)).collect();
                if let Some(traces) = &mut self.traces {
                    for (point, &ps) in self.points.iter().zip(&residuals) {
                        traces.1.add(point.ticks * PER_TICK, ps);
                    }
                }
            }
            Judgement::Variable => self.variable = true,
            Judgement::Few => {}
        }
        self.points.clear();
        out
    }
}
