//! Stamps of frames and samples: each a function of its index alone, never of the stamp before
//! (INV-FRAME-002). The encoder stamps by it and cues are set by it, so a splice and its frame cannot differ.

use retrovue_timebase::{FrameIndex, FrameRate, SampleIndex, Ticks90k, UtcMs};

/// The timeline of a session, in ticks since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    epoch: Ticks90k,
    rate: FrameRate,
}

impl Timeline {
    /// The timeline of a session that began at `epoch`.
    #[must_use]
    pub fn new(epoch: UtcMs, rate: FrameRate) -> Timeline {
        Timeline { epoch: epoch.ticks_90k(), rate }
    }

    /// PTS of a frame, rounded down.
    #[must_use]
    pub fn frame(self, frame: FrameIndex) -> Ticks90k {
        self.epoch + self.rate.ticks_90k_floor(frame)
    }

    /// PTS of a sample, rounded down.
    #[must_use]
    pub fn sample(self, sample: SampleIndex) -> Ticks90k {
        self.epoch + sample.ticks_90k_floor()
    }
}
