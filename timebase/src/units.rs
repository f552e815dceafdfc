//! One type per unit. There is no `From` between them: conversions are methods that name their
//! rounding.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $suffix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{}", $suffix), self.0)
            }
        }
    };
}

unit!(
    /// Index of an output frame, counted from its session's epoch.
    FrameIndex, ""
);
unit!(
    /// Index of a 48 kHz sample pair, counted from its session's epoch.
    SampleIndex, ""
);
unit!(
    /// Unwrapped instant or span in units of 1/90000 s (ISO/IEC 13818-1 §2.4.2.1).
    Ticks90k, ""
);
unit!(
    /// Unwrapped instant or span in units of 1/27000000 s, the system clock (ISO/IEC 13818-1 §2.4.2.1).
    Ticks27M, ""
);
unit!(
    /// Instant in milliseconds since the Unix epoch, UTC.
    UtcMs, " ms"
);
unit!(
    /// Span in milliseconds.
    Millis, " ms"
);

macro_rules! span_arithmetic {
    ($($name:ident),*) => {$(
        impl Add for $name {
            type Output = $name;
            fn add(self, rhs: $name) -> $name { $name(self.0 + rhs.0) }
        }
        impl Sub for $name {
            type Output = $name;
            fn sub(self, rhs: $name) -> $name { $name(self.0 - rhs.0) }
        }
    )*};
}
span_arithmetic!(Ticks90k, Ticks27M, Millis);

impl FrameIndex {
    /// The frame `count` frames later (earlier when negative).
    #[must_use]
    pub const fn offset(self, count: i64) -> FrameIndex {
        FrameIndex(self.0 + count)
    }

    /// Frames from `earlier` up to this one.
    #[must_use]
    pub const fn frames_since(self, earlier: FrameIndex) -> i64 {
        self.0 - earlier.0
    }
}

impl SampleIndex {
    /// The sample `count` samples later (earlier when negative).
    #[must_use]
    pub const fn offset(self, count: i64) -> SampleIndex {
        SampleIndex(self.0 + count)
    }

    /// Samples from `earlier` up to this one.
    #[must_use]
    pub const fn samples_since(self, earlier: SampleIndex) -> i64 {
        self.0 - earlier.0
    }

    /// Instant of this sample relative to its epoch, rounded down: `floor(n * 15 / 8)`.
    #[must_use]
    pub const fn ticks_90k_floor(self) -> Ticks90k {
        Ticks90k((self.0 * 15).div_euclid(8))
    }
}

impl Ticks90k {
    /// The same instant on the system clock; exact.
    #[must_use]
    pub const fn to_27m(self) -> Ticks27M {
        Ticks27M(self.0 * 300)
    }
}

impl Ticks27M {
    /// The same instant on the 90 kHz clock, rounded down.
    #[must_use]
    pub const fn to_90k_floor(self) -> Ticks90k {
        Ticks90k(self.0.div_euclid(300))
    }

    /// Nanoseconds in this span, rounded down: `floor(n * 1000 / 27)`.
    #[must_use]
    pub const fn nanos_floor(self) -> i64 {
        (self.0 as i128 * 1000).div_euclid(27) as i64
    }

    /// Ticks in a span of nanoseconds, rounded down.
    #[must_use]
    pub const fn from_nanos_floor(nanos: i64) -> Ticks27M {
        Ticks27M((nanos as i128 * 27).div_euclid(1000) as i64)
    }
}

impl UtcMs {
    /// The instant `span` later.
    #[must_use]
    pub const fn plus(self, span: Millis) -> UtcMs {
        UtcMs(self.0 + span.0)
    }

    /// Span from `earlier` up to this instant.
    #[must_use]
    pub const fn since(self, earlier: UtcMs) -> Millis {
        Millis(self.0 - earlier.0)
    }

    /// This instant on the 90 kHz timeline; exact.
    #[must_use]
    pub const fn ticks_90k(self) -> Ticks90k {
        Ticks90k(self.0 * 90)
    }
}
