//! Stamps of a stream in its own time base, compared with asset time exactly and without overflow.
//!
//! Integers only. A hostile container may carry any 64-bit stamp and any 31-bit time base: every product
//! below fits an `i128` even then.

use crate::libav::Frame;
use ffmpeg_sys_next as ff;
use retrovue_timebase::{FrameRate, Millis};

/// Seconds per tick of a stream as a positive ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBase {
    num: i64,
    den: i64,
}

/// Containers round stamps to a millisecond: a frame stamped up to this late is on time.
pub(crate) const STAMP_TOLERANCE: Millis = Millis(1);

impl TimeBase {
    pub(crate) fn new(ratio: ff::AVRational) -> TimeBase {
        if ratio.num > 0 && ratio.den > 0 {
            TimeBase { num: i64::from(ratio.num), den: i64::from(ratio.den) }
        } else {
            TimeBase { num: 1, den: 90_000 }
        }
    }

    /// Whether the instant `ticks` after asset time 0 is at or before `in_point + j / rate` plus the
    /// [tolerance](STAMP_TOLERANCE).
    pub(crate) fn reached(self, ticks: i64, in_point: Millis, j: i64, rate: FrameRate) -> bool {
        let (num, den) = (i128::from(rate.num()), i128::from(rate.den()));
        let stamp = i128::from(ticks) * i128::from(self.num) * 1000 * num;
        let allowed = i128::from(in_point.0) + i128::from(STAMP_TOLERANCE.0);
        stamp <= (allowed * num + i128::from(j) * den * 1000) * i128::from(self.den)
    }

    /// Ticks in `span`, rounded down.
    pub(crate) fn ticks_floor(self, span: Millis) -> i64 {
        clamp((i128::from(span.0) * i128::from(self.den)).div_euclid(1000 * i128::from(self.num)))
    }

    /// Milliseconds in `ticks`, rounded down.
    pub(crate) fn millis_floor(self, ticks: i64) -> Millis {
        let product = i128::from(ticks) * i128::from(self.num) * 1000;
        Millis(clamp(product.div_euclid(i128::from(self.den))))
    }

    /// Ticks in `count` samples at `rate` a second, to the nearest.
    #[cfg(feature = "fdk-aac")]
    pub(crate) fn sample_ticks(self, count: i64, rate: i32) -> i64 {
        let unit = i128::from(self.num) * i128::from(rate.max(1));
        clamp((i128::from(count) * i128::from(self.den) * 2 + unit).div_euclid(unit * 2))
    }

    /// The instant in units of 2^-16 samples of 48 kHz, rounded down.
    pub(crate) fn fine_samples(self, ticks: i64) -> i128 {
        let product = i128::from(ticks) * i128::from(self.num) * FINE_PER_SECOND;
        product.div_euclid(i128::from(self.den))
    }

    /// Ticks in one frame of `rate` (`num / den` frames a second), rounded down, at least 1.
    pub(crate) fn frame_ticks(self, num: i32, den: i32) -> Option<i64> {
        if num <= 0 || den <= 0 {
            return None;
        }
        let ticks = i128::from(self.den) * i128::from(den) / (i128::from(self.num) * i128::from(num));
        Some(clamp(ticks.max(1)))
    }
}

const FINE_PER_SECOND: i128 = 48_000 << 16;

/// Millisecond span in units of 2^-16 samples of 48 kHz; exact.
pub(crate) fn fine_samples_of(span: Millis) -> i128 {
    i128::from(span.0) * (FINE_PER_SECOND / 1000)
}

/// Nearest whole sample.
pub(crate) fn sample_nearest(fine: i128) -> i64 {
    clamp((fine + (1 << 15)) >> 16)
}

fn clamp(n: i128) -> i64 {
    n.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// A decoded frame with its place in its stream.
pub(crate) struct Stamped {
    pub(crate) frame: Frame,
    /// Presentation stamp in the stream's time base.
    pub(crate) at: i64,
    /// Ticks it stays on screen.
    pub(crate) lasts: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(num: i32, den: i32) -> TimeBase {
        TimeBase::new(ff::AVRational { num, den })
    }

    #[test]
    fn a_stamp_up_to_a_millisecond_late_is_reached() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let ms = base(1, 1000);
        // Frame 1 stands at 33.367 ms: stamps 33 and 34 are on time, 35 is not.
        for (stamp, reached) in [(0, true), (33, true), (34, true), (35, false)] {
            assert_eq!(ms.reached(stamp, Millis(0), 1, rate), reached, "{stamp}");
        }
        assert!(ms.reached(1034, Millis(1000), 1, rate));
        assert!(!ms.reached(1035, Millis(1000), 1, rate));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let rate = FrameRate::new(1_000_000, 999_999).unwrap();
        for base in [base(i32::MAX, 1), base(1, i32::MAX), base(i32::MAX, i32::MAX)] {
            for ticks in [i64::MIN, -1, 0, 1, i64::MAX] {
                let _ = base.reached(ticks, Millis(i64::MAX / 4), i64::MAX / 4, rate);
                let _ = (base.ticks_floor(Millis(ticks)), base.millis_floor(ticks), base.fine_samples(ticks));
            }
        }
    }

    #[test]
    fn samples_are_found_in_any_base() {
        for (num, den, ticks, sample) in
            [(1, 48_000, 7, 7), (1, 44_100, 441, 480), (1, 1000, 3, 144), (1, 90_000, 90_000, 48_000)]
        {
            assert_eq!(sample_nearest(base(num, den).fine_samples(ticks)), sample);
        }
        assert_eq!(sample_nearest(fine_samples_of(Millis(-5))), -240);
    }

    #[test]
    fn a_nonsense_base_is_replaced() {
        assert_eq!(base(0, 0), base(1, 90_000));
        assert_eq!(base(-1, 5), base(1, 90_000));
    }
}
