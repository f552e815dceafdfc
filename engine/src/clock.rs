//! The monotonic clock the pacer follows, and the virtual one that stands in for it.
//!
//! Only the pacer and the fence deadline read it. It decides when a packet leaves, never what it
//! holds: the wall clock is not read at all, so a step of it (NTP, DST, suspend) changes nothing.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Nanoseconds since the clock's own origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonoNs(pub i64);

impl MonoNs {
    /// The instant `nanos` later.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> MonoNs {
        MonoNs(self.0 + nanos)
    }

    /// Time from now until `later`; zero when that has passed.
    #[must_use]
    pub fn until(self, later: MonoNs) -> Duration {
        Duration::from_nanos(u64::try_from(later.0 - self.0).unwrap_or(0))
    }
}

/// A clock that either passes by itself or jumps to whatever instant is waited for.
#[derive(Debug)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`.
    Real {
        /// Instant 0 of this clock.
        origin: Instant,
    },
    /// Waiting takes no time.
    Virtual {
        /// Nanoseconds since the origin; moves forward only.
        now: AtomicI64,
    },
}

impl Clock {
    /// The machine's monotonic clock, from 0.
    #[must_use]
    pub fn real() -> Clock {
        Clock::Real { origin: Instant::now() }
    }

    /// A clock at 0 that moves only when waited on.
    #[must_use]
    pub fn stepping() -> Clock {
        Clock::Virtual { now: AtomicI64::new(0) }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> MonoNs {
        match self {
            Clock::Real { origin } => MonoNs(i64::try_from(origin.elapsed().as_nanos()).unwrap_or(i64::MAX)),
            Clock::Virtual { now } => MonoNs(now.load(Ordering::Acquire)),
        }
    }

    /// Returns at `instant`, or at once when it has passed.
    pub fn wait_until(&self, instant: MonoNs) {
        match self {
            Clock::Real { .. } => std::thread::sleep(self.now().until(instant)),
            Clock::Virtual { now } => {
                now.fetch_max(instant.0, Ordering::AcqRel);
            }
        }
    }

    /// True when waiting takes no time, so deadlines of real time do not exist.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual { .. })
    }
}
