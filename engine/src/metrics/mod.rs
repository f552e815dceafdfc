//! What the threads of a session count about themselves.
//!
//! Written with relaxed atomics by the threads, read by whoever asks (seed 003 §8.2.3: pulled, never
//! pushed). Totals of a session only, nothing per segment (§5.9). No decision is taken on any of them.

mod exposition;
mod histogram;

pub use histogram::Histogram;

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// A frame whose first packet left this long after its instant is late: a viewer's buffer is many times
/// as long, but a machine that does it often carries too much.
pub const LATE_NS: i64 = 20_000_000;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The fullest a ring has been.
#[derive(Debug, Default)]
pub struct HighWater(AtomicU64);

impl HighWater {
    /// The ring holds `n` now.
    pub fn see(&self, n: usize) {
        self.0.fetch_max(n as u64, Ordering::Relaxed);
    }

    /// The most it has held.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One session's counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Microseconds from the join until the output first caught up with its clock: the start-up, which
    /// the two histograms and the counters of lateness leave out.
    pub start_up_micros: HighWater,
    /// How far before its instant each picture had been encoded.
    pub encode_margin: Histogram,
    /// How far after its instant each frame's first packet was written; 0 when in time.
    pub lateness: Histogram,
    /// Frames more than [`LATE_NS`] late.
    pub late_frames: Counter,
    /// Times a packet was due and no access unit had been encoded.
    pub underruns: Counter,
    /// Access units that the multiplexer could not send before their decoding time.
    pub late_units: Counter,
    /// Cues for splicing handed to the multiplexer.
    pub cues: Counter,
    /// Cues that came too late for their splices and were left out.
    pub late_cues: Counter,
    /// Frames decoded ahead, of each lane.
    pub frames_ahead: [HighWater; 2],
    /// Access units encoded ahead.
    pub units_ahead: HighWater,
    /// Bytes of those.
    pub unit_bytes_ahead: HighWater,
    /// Segments produced whole.
    pub segments: Counter,
    /// Frames produced with picture or sound of an asset.
    pub content_frames: Counter,
    /// Frames produced black and silent up to a boundary (INV-BLOCKPLAN-SEGMENT-PAD-TO-CT).
    pub pad_frames: Counter,
    /// Frames that Core planned and the assets did not have
    /// (INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001; segments without a planned count add none).
    pub deficit_frames: Counter,
}

/// The counts that do not depend on a clock: the same for every run of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Produced {
    /// Segments produced whole.
    pub segments: u64,
    /// Frames with picture or sound of an asset.
    pub content_frames: u64,
    /// Frames black and silent up to a boundary.
    pub pad_frames: u64,
    /// Frames planned and not there.
    pub deficit_frames: u64,
}

impl Metrics {
    /// The counts that do not depend on a clock.
    #[must_use]
    pub fn produced(&self) -> Produced {
        Produced {
            segments: self.segments.get(),
            content_frames: self.content_frames.get(),
            pad_frames: self.pad_frames.get(),
            deficit_frames: self.deficit_frames.get(),
        }
    }

    /// A segment of `frames` frames was produced, `delivered` of them with content, where Core had
    /// planned `planned`; -1 is no plan. What was planned past the boundary is cut, not missing
    /// (P8-PLAN-002).
    pub fn segment_produced(&self, frames: u64, delivered: u64, planned: i64) {
        self.segments.add(1);
        self.content_frames.add(delivered);
        self.pad_frames.add(frames.saturating_sub(delivered));
        let planned = u64::try_from(planned).unwrap_or(0).min(frames);
        self.deficit_frames.add(planned.saturating_sub(delivered));
    }
}
