//! Frame rates as exact ratios, and where frame `k` stands in each unit.

use crate::{FrameIndex, Millis, SAMPLE_RATE, SampleIndex, Ticks27M, Ticks90k, UtcMs};
use std::fmt;

/// Output frames per second as the ratio `num / den`, both positive and in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: i64,
    den: i64,
}

/// A ratio that is no frame rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRateError {
    /// The offending numerator.
    pub num: i64,
    /// The offending denominator.
    pub den: i64,
}

impl fmt::Display for FrameRateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} is no frame rate: both terms must be 1 to 1000000 and the rate 1 to 240 a second",
            self.num, self.den
        )
    }
}

impl std::error::Error for FrameRateError {}

/// Largest accepted term: keeps every product below within `i128` and every result within `i64` for
/// any instant of this millennium.
const MAX_TERM: i64 = 1_000_000;

impl FrameRate {
    /// The rate `num / den`, reduced.
    ///
    /// # Errors
    /// Refuses terms outside `1..=1000000` and rates outside 1 to 240 frames a second.
    pub const fn new(num: i64, den: i64) -> Result<FrameRate, FrameRateError> {
        if num < 1 || den < 1 || num > MAX_TERM || den > MAX_TERM || num < den || num > 240 * den {
            return Err(FrameRateError { num, den });
        }
        let divisor = gcd(num, den);
        Ok(FrameRate { num: num / divisor, den: den / divisor })
    }

    /// Numerator in lowest terms.
    #[must_use]
    pub const fn num(self) -> i64 {
        self.num
    }

    /// Denominator in lowest terms.
    #[must_use]
    pub const fn den(self) -> i64 {
        self.den
    }

    /// First frame at or after `instant` in a session that began at `epoch`:
    /// `ceil((instant - epoch) * num / (den * 1000))`. Joins and block fences are found with it.
    #[must_use]
    pub const fn frame_at_or_after(self, epoch: UtcMs, instant: UtcMs) -> FrameIndex {
        self.frames_ceil(instant.since(epoch))
    }

    /// Frames that begin within `span`, counting one at 0: `ceil(span * num / (den * 1000))`.
    #[must_use]
    pub const fn frames_ceil(self, span: Millis) -> FrameIndex {
        FrameIndex(div_ceil(span.0 as i128 * self.num as i128, self.den as i128 * 1000))
    }

    /// Instant of `frame` relative to its epoch, rounded down to 1/90000 s.
    #[must_use]
    pub const fn ticks_90k_floor(self, frame: FrameIndex) -> Ticks90k {
        Ticks90k(div_floor(frame.0 as i128 * self.den as i128 * 90_000, self.num as i128))
    }

    /// Instant of `frame` relative to its epoch, rounded down to 1/27000000 s.
    #[must_use]
    pub const fn ticks_27m_floor(self, frame: FrameIndex) -> Ticks27M {
        Ticks27M(div_floor(frame.0 as i128 * self.den as i128 * 27_000_000, self.num as i128))
    }

    /// Instant of `frame` relative to its epoch, rounded down to 1 ns.
    #[must_use]
    pub const fn nanos_floor(self, frame: FrameIndex) -> i64 {
        div_floor(frame.0 as i128 * self.den as i128 * 1_000_000_000, self.num as i128)
    }

    /// First audio sample of `frame`: `round(frame * den * 48000 / num)`, halves upward.
    #[must_use]
    pub const fn first_sample(self, frame: FrameIndex) -> SampleIndex {
        let doubled = frame.0 as i128 * self.den as i128 * SAMPLE_RATE as i128 * 2;
        SampleIndex(div_floor(doubled + self.num as i128, self.num as i128 * 2))
    }

    /// Most samples any single frame of this rate holds.
    #[must_use]
    pub const fn max_samples_per_frame(self) -> i64 {
        div_ceil(self.den as i128 * SAMPLE_RATE as i128, self.num as i128) + 1
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

const fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

const fn div_floor(a: i128, b: i128) -> i64 {
    a.div_euclid(b) as i64
}

const fn div_ceil(a: i128, b: i128) -> i64 {
    (-(-a).div_euclid(b)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATES: [(i64, i64); 8] =
        [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)];

    #[test]
    fn join_frame_is_the_first_not_before_the_instant() {
        let rate = FrameRate::new(30, 1).unwrap();
        for (ms, frame) in [(0, 0), (1, 1), (33, 1), (34, 2), (66, 2), (67, 3), (1000, 30), (1017, 31)] {
            assert_eq!(rate.frames_ceil(Millis(ms)), FrameIndex(frame), "{ms} ms");
        }
    }

    #[test]
    fn ntsc_frames_step_3003_ticks() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        for k in 0..10_000 {
            assert_eq!(rate.ticks_90k_floor(FrameIndex(k)), Ticks90k(k * 3003));
        }
    }

    #[test]
    fn nonsense_rates_are_refused() {
        for (num, den) in [(0, 1), (30, 0), (-30, 1), (1, 2), (241, 1), (2_000_000, 1)] {
            assert!(FrameRate::new(num, den).is_err(), "{num}/{den}");
        }
    }

    proptest! {
        /// The frame found is at or after the instant, the one before it is not.
        #[test]
        fn frames_ceil_is_tight(ms in 0i64..4_000_000_000, which in 0usize..RATES.len()) {
            let (num, den) = RATES[which];
            let rate = FrameRate::new(num, den).unwrap();
            let k = rate.frames_ceil(Millis(ms)).0;
            let (num, den) = (rate.num() as i128, rate.den() as i128);
            prop_assert!(k as i128 * den * 1000 >= ms as i128 * num);
            prop_assert!((k as i128 - 1) * den * 1000 < ms as i128 * num);
        }

        /// Cutting audio at every frame loses and repeats no sample, over years.
        #[test]
        fn samples_of_consecutive_frames_meet(k in 0i64..10_000_000_000, which in 0usize..RATES.len()) {
            let (num, den) = RATES[which];
            let rate = FrameRate::new(num, den).unwrap();
            let n = rate.first_sample(FrameIndex(k + 1)).samples_since(rate.first_sample(FrameIndex(k)));
            prop_assert!(n >= 1 && n <= rate.max_samples_per_frame());
        }

        /// PTS of a frame and of its first sample differ by less than a sample and a tick.
        #[test]
        fn audio_and_video_share_the_timeline(k in 0i64..10_000_000_000, which in 0usize..RATES.len()) {
            let (num, den) = RATES[which];
            let rate = FrameRate::new(num, den).unwrap();
            let video = rate.ticks_90k_floor(FrameIndex(k)).0;
            let audio = rate.first_sample(FrameIndex(k)).ticks_90k_floor().0;
            prop_assert!((video - audio).abs() <= 2);
        }
    }
}
