//! When packets can leave: at the slots of a constant rate, or whenever the one before has gone.
//!
//! Slot `n` of a constant rate of `R` bit/s lies at `start + floor(188 · 8 · 27e6 · n / R)` on the
//! 27 MHz clock (ISO/IEC 13818-1 §2.4.2.2); the remainder is carried, so nothing drifts.

use crate::packet::PACKET_SIZE;

/// Bits of a packet times the clock.
const PACKET_TICKS: u64 = PACKET_SIZE as u64 * 8 * 27_000_000;

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
    /// Every `step` ticks.
    pub(crate) fn even(step: i64) -> Pace {
        Pace { step, rest: 0, bps: 1 }
    }

    pub(crate) fn step(self) -> i64 {
        self.step
    }

    /// Departure `index` packets after `first`, `carried` being what the first was rounded down by.
    pub(crate) fn after(self, first: i64, carried: u64, index: usize) -> i64 {
        let rest = (u128::from(carried) + u128::from(self.rest) * index as u128) / u128::from(self.bps);
        first + self.step * index as i64 + rest as i64
    }
}

impl Wire {
    pub(crate) fn constant(bps: u64) -> Wire {
        let pace = Pace { step: (PACKET_TICKS / bps) as i64, rest: PACKET_TICKS % bps, bps };
        Wire { next: i64::MIN / 2, constant: true, pace, carried: 0 }
    }

    /// Packets are no closer together than at `bps`.
    pub(crate) fn variable(bps: u64) -> Wire {
        let pace = Pace::even(PACKET_TICKS.div_ceil(bps) as i64);
        Wire { next: i64::MIN / 2, constant: false, pace, carried: 0 }
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// What the next slot's instant is rounded down by, in parts of the rate.
    pub(crate) fn carried(&self) -> u64 {
        self.carried
    }

    /// `count` packets leave at `pace`, the first at `at`. Returns when the last does.
    pub(crate) fn leave_evenly(&mut self, at: i64, pace: Pace, count: usize) -> i64 {
        let before = count - 1;
        let last = at + pace.step * before as i64;
        if !self.constant {
            self.next = last + self.pace.step;
            return last;
        }
        let rest = self.carried + pace.rest * before as u64;
        let last = last + (rest / pace.bps) as i64;
        self.carried = rest % pace.bps;
        self.leave(last);
        last
    }

    /// A packet leaves at `at`, which is the next slot where the rate is constant.
    #[inline]
    pub(crate) fn leave(&mut self, at: i64) {
        self.next = at + self.pace.step;
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
                let run = wire.pace().after(wire.next, wire.carried(), 7);
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
