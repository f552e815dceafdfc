//! How often tables repeat: what is aimed at, and what TR 101 290 and TR 101 211 §4.4 ask for.

use crate::pacing::{MS, PCR_GRACE, PCR_HARD, SECTION_DISTANCE};

/// Least time from the last packet of a section to the first of the next on its PID.
pub(crate) const BETWEEN_SECTIONS: i64 = SECTION_DISTANCE;

/// Least time from the last packet of a section to the first of the next of its table at a variable rate (EN 300 468
/// §5.1.4 asks for 25 ms). There the PCRs alone tell when bytes arrive, evenly between two of them: a section
/// followed by a pause arrives as late as the next PCR, and one behind a pause as early as the PCR before it.
pub(crate) const BETWEEN_SECTIONS_VARIABLE: i64 = BETWEEN_SECTIONS + 2 * (PCR_HARD + PCR_GRACE);

/// How long after its place is free the next packet of a section under way should have left.
pub(crate) const REST_WITHIN: i64 = 3 * MS;

/// Time from one sending of each section of a table to the next, in 27 MHz ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repetition {
    /// From then on it is offered.
    pub(crate) target: i64,
    /// How long after that it must be on its way: at most half of what is left to the limit.
    pub(crate) slack: i64,
}

impl Repetition {
    /// PAT and PMT, limit 100 ms. A PMT may have to wait for the PAT of a random access point, and that PAT
    /// for its distance to the last.
    pub(crate) const PSI: Repetition = Repetition { target: 65 * MS, slack: 4 * MS };
    /// Limit 2 s.
    pub(crate) const SDT: Repetition = Repetition { target: 1_000 * MS, slack: 500 * MS };
    /// Limit 10 s.
    pub(crate) const NIT: Repetition = Repetition { target: 5_000 * MS, slack: 2_500 * MS };
    /// Present and following, limit 2 s.
    pub(crate) const EIT_NEAR: Repetition = Repetition { target: 1_000 * MS, slack: 500 * MS };
    /// TDT and TOT, limit 30 s.
    pub(crate) const TIME: Repetition = Repetition { target: 10_000 * MS, slack: 10_000 * MS };
    /// The schedule of the first day, limit 10 s.
    pub(crate) const EIT_FIRST_DAY: Repetition = Repetition { target: 8_500 * MS, slack: 750 * MS };
    /// The schedule of the later days, limit 30 s.
    pub(crate) const EIT_LATER: Repetition = Repetition { target: 27_000 * MS, slack: 1_500 * MS };
}
