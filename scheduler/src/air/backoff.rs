//! How long a channel waits before the next attempt: at once, then ever longer, up to a bound.
//!
//! Pure; counts attempts, reads no clock.

use std::time::Duration;

/// Waits before the first, second, third and every later restart. The first costs nothing, so that a
/// lone failure is mended within the 500 ms of the architecture; the last bounds the load of a channel
/// that cannot run at all.
const WAITS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(5)];

/// The ladder of waits of one channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackOff {
    failures: usize,
}

impl BackOff {
    /// Wait before the coming attempt; each call is one failure.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = WAITS[self.failures.min(WAITS.len() - 1)];
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Failures since the last [`BackOff::reset`].
    pub(crate) fn failures(&self) -> usize {
        self.failures
    }

    /// The channel has run well: the next failure is a first one again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_start_over() {
        let mut ladder = BackOff::default();
        let waits: Vec<u64> =
            (0..6).map(|_| u64::try_from(ladder.next_wait().as_millis()).unwrap_or(u64::MAX)).collect();
        assert_eq!(waits, [0, 250, 1000, 5000, 5000, 5000]);
        assert_eq!(ladder.failures(), 6);
        ladder.reset();
        assert_eq!(ladder.next_wait(), Duration::ZERO);
    }
}
