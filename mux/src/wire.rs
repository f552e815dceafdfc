//! When packets can leave: at the slots of a constant rate, or whenever the one before has gone.
//!
//! Slot `n` of a constant rate of `R` bit/s lies at `start + floor(188 · 8 · 27e6 · n / R)` on the
//! 27 MHz clock (ISO/IEC 13818-1 §2.4.2.2); the remainder is carried, so nothing drifts.

use crate::packet::PACKET_SIZE;

/// Bits of a packet times the clock: over a rate in bit/s, ticks from packet to packet, and the other way round.
pub(crate) const PACKET_TICKS: u64 = PACKET_SIZE as u64 * 8 * 27_000_000;

#[derive(Debug, Clone)]
pub(crate) struct Wire {
    /// Earliest departure of the next packet; at a constant rate, its departure.
    pub(crate) next: i64,
    pub(crate) constant: bool,
    pace: Pace,
    carried: u64,
}

/// Ticks from packet to packet: `step + rest / bps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    step: i64,
    rest: u64,
    bps: u64,
}

impl Pace {
    /// Departure `index` packets after `first`, `carried` being what the first was rounded down by.
    pub(crate) fn after(self, first: i64, carried: u64, index: usize) -> i64 {
        let rest = (u128::from(carried) + u128::from(self.rest) * index as u128) / u128::from(self.bps);
        first + self.step * index as i64 + rest as i64
    }
}

/// Which instants the packets of a run have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// The slots of a constant rate; `carried` is what the first was rounded down by.
    Slots { pace: Pace, carried: u64 },
    /// One `interval` after the other from `ready` on, but no closer than `step`: what had to wait catches up.
    Own { ready: i64, interval: i64, step: i64 },
}

impl Spacing {
    /// Departure `index` packets after `first`.
    #[inline]
    pub(crate) fn departure(self, first: i64, index: usize) -> i64 {
        match self {
            Spacing::Slots { pace, carried } => pace.after(first, carried, index),
            Spacing::Own { ready, interval, step } => {
                (ready + interval * index as i64).max(first + step * index as i64)
            }
        }
    }

    /// When the packet `index` after the first may leave, other streams and the wire aside.
    #[inline]
    pub(crate) fn is_ready(self, index: usize) -> i64 {
        match self {
            Spacing::Slots { .. } => i64::MIN,
            Spacing::Own { ready, interval, .. } => ready + interval * index as i64,
        }
    }

    /// How many of `most` packets leave before `until`, which the first, at `first`, does.
    #[inline(always)]
    pub(crate) fn before(self, first: i64, until: i64, most: usize) -> usize {
        match self {
            // The instants are taken a tick a packet too late: a run that ends early is only cut in two.
            Spacing::Slots { pace, .. } => within(first, pace.step + 1, until, most),
            // Mostly all of them do, or one.
            Spacing::Own { .. } if self.departure(first, most - 1) < until => most,
            Spacing::Own { .. } if self.departure(first, 1) >= until => 1,
            Spacing::Own { ready, interval, step } => {
                within(first, step, until, within(ready, interval, until, most))
            }
        }
    }
}

/// How many of `most` instants, `step` ticks apart, are before `until`; the first always counts.
#[inline]
pub(crate) fn within(first: i64, step: i64, until: i64, most: usize) -> usize {
    let behind = most as i64 - 1;
    let count = if first + step * behind < until { behind } else { (until - 1 - first) / step.max(1) };
    count.clamp(0, behind) as usize + 1
}

impl Wire {
    pub(crate) fn constant(bps: u64) -> Wire {
        let pace = Pace { step: (PACKET_TICKS / bps) as i64, rest: PACKET_TICKS % bps, bps };
        Wire { next: i64::MIN / 2, constant: true, pace, carried: 0 }
    }

    /// Packets are no closer together than at `bps`.
    pub(crate) fn variable(bps: u64) -> Wire {
        let pace = Pace { step: PACKET_TICKS.div_ceil(bps) as i64, rest: 0, bps: 1 };
        Wire { next: i64::MIN / 2, constant: false, pace, carried: 0 }
    }

    /// Ticks from one packet to the next, at least.
    pub(crate) fn step(&self) -> i64 {
        self.pace.step
    }

    /// The slots from the next one on.
    pub(crate) fn slots(&self) -> Spacing {
        Spacing::Slots { pace: self.pace, carried: self.carried }
    }

    /// `count` packets leave, the last at `last`; at a constant rate in slots that follow each other.
    pub(crate) fn leave_all(&mut self, last: i64, count: usize) {
        if self.constant {
            self.carried = (self.carried + self.pace.rest * (count as u64 - 1)) % self.pace.bps;
        }
        self.leave(last);
    }

    /// A packet leaves at `at`, which is the next slot where the rate is constant.
    #[inline]
    pub(crate) fn leave(&mut self, at: i64) {
        self.next = at + self.pace.step;
        if !self.constant {
            return;
        }
        self.carried += self.pace.rest;
        if self.carried >= self.pace.bps {
            self.carried -= self.pace.bps;
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_lie_where_the_rational_rate_puts_them() {
        for bps in [300_000, 4_527_361, 5_000_000, 8_765_433, 27_000_000, 9_999_999_999] {
            let mut wire = Wire::constant(bps);
            wire.next = -77;
            for n in 0..5_000u64 {
                let exact = -77 + (u128::from(PACKET_TICKS) * u128::from(n) / u128::from(bps)) as i64;
                assert_eq!(wire.next, exact, "slot {n} at {bps}");
                let run = wire.slots().departure(wire.next, 7);
                assert_eq!(
                    run,
                    -77 + (u128::from(PACKET_TICKS) * u128::from(n + 7) / u128::from(bps)) as i64
                );
                wire.leave(wire.next);
            }
        }
    }

    #[test]
    fn a_variable_rate_is_never_exceeded() {
        let mut wire = Wire::variable(7_000_001);
        wire.leave(0);
        assert_eq!(wire.next, 5802);
    }
}
