//! How often tables repeat: what is aimed at, and what TR 101 290 and TR 101 211 §4.4 ask for.

use crate::pacing::{MS, SECTION_DISTANCE};

/// Least time from the last packet of a section to the first of the next on its PID.
pub(crate) const BETWEEN_SECTIONS: i64 = SECTION_DISTANCE;

/// How long after its place is free the next packet of a section under way should have left.
pub(crate) const REST_WITHIN: i64 = 3 * MS;

/// Time from one sending of each section of a table to the next, in 27 MHz ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repetition {
    /// From then on it is offered.
    pub(crate) target: i64,
    /// It must never take longer.
    pub(crate) limit: i64,
}

impl Repetition {
    pub(crate) const PSI: Repetition = Repetition { target: 65 * MS, limit: 100 * MS };
    pub(crate) const SDT: Repetition = Repetition { target: 1_000 * MS, limit: 2_000 * MS };
    pub(crate) const NIT: Repetition = Repetition { target: 5_000 * MS, limit: 10_000 * MS };
    pub(crate) const EIT_NEAR: Repetition = Repetition { target: 1_000 * MS, limit: 2_000 * MS };
    pub(crate) const TIME: Repetition = Repetition { target: 10_000 * MS, limit: 30_000 * MS };
    /// The schedule of the first day, and of the later ones: below their limits by what a section may be
    /// late, for these are only as long as what is asked for.
    pub(crate) const EIT_FIRST_DAY: Repetition = Repetition { target: 8_500 * MS, limit: 10_000 * MS };
    pub(crate) const EIT_LATER: Repetition = Repetition { target: 27_000 * MS, limit: 30_000 * MS };

    /// How long after it is offered a section must be on its way: half of what is left to the limit.
    pub(crate) const fn slack(self) -> i64 {
        (self.limit - self.target) / 2
    }
}
