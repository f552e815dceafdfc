//! Where a session's frames stand on the monotonic clock: the only tie between the two, made once.
//!
//! Wall time enters here as Core's instant of the join and never again, so a step of any wall clock
//! (NTP, daylight saving, suspend) cannot reach a session.

use crate::clock::MonoNs;
use retrovue_timebase::{FrameIndex, FrameRate, UtcMs};

/// Where the session's frames stand on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Monotonic instant of the join.
    pub mono: MonoNs,
    /// Core's instant of the join.
    pub utc: UtcMs,
    /// Instant of frame 0.
    pub epoch: UtcMs,
    /// Output frames per second.
    pub rate: FrameRate,
}

impl Anchor {
    /// Monotonic instant at which `frame` is due.
    #[must_use]
    pub fn due(&self, frame: FrameIndex) -> MonoNs {
        let since_join_ms = self.epoch.since(self.utc).0;
        self.mono.plus_nanos(since_join_ms * 1_000_000 + self.rate.nanos_floor(frame))
    }

    /// Instant that Core's time has reached at `now`, rounded down: the join and what the monotonic
    /// clock has run since.
    #[must_use]
    pub fn utc_at(&self, now: MonoNs) -> UtcMs {
        UtcMs(self.utc.0 + (now.0 - self.mono.0).div_euclid(1_000_000))
    }
}
