//! Integer time for the whole station: frame indices, frame rates, 90 kHz and 27 MHz ticks, sample
//! indices, and the named, rounding-explicit conversions between them.
//!
//! Nothing here uses a float or reads a clock, and nothing is accumulated: every instant is computed
//! from an index. All values are *unwrapped*; the 33-bit and 42-bit wraps happen at the write, in the
//! muxer.
//!
//! The **timeline** every stamp of a channel lies on starts at the Unix epoch: frame `k` of a session
//! whose epoch is `epoch` stands at `epoch + k * den / num` seconds of UTC. Two sessions of one
//! channel therefore share a timeline, and a restarted session goes on where the lost one would be.
//!
//! ```
//! use retrovue_timebase::{FrameIndex, FrameRate, UtcMs};
//! let rate = FrameRate::new(30, 1).unwrap();
//! let epoch = UtcMs(1_000_000);
//! // A join 1017 ms into the block starts at the first frame not before it.
//! assert_eq!(rate.frame_at_or_after(epoch, UtcMs(1_001_017)), FrameIndex(31));
//! ```

mod rate;
mod units;

pub use rate::{FrameRate, FrameRateError};
pub use units::{FrameIndex, Millis, SampleIndex, Ticks27M, Ticks90k, UtcMs};

/// Audio sample rate of the house format, in samples per second.
pub const SAMPLE_RATE: i64 = 48_000;

/// Samples in one AAC-LC access unit (ISO/IEC 14496-3 §4.5.1.1).
pub const AAC_FRAME_SAMPLES: i64 = 1024;
