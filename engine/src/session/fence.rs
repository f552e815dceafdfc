//! Fences and segment boundaries as frame indices, computed once at acceptance
//! (CONTRACT-SEG-001, CONTRACT-BLOCK-003) and never recomputed.
//!
//! A boundary at Content Time `c` of a block that starts at `s` is the first frame at or after the
//! instant `s + c`. Both ends of every stretch use the same ceiling on absolute instants, so
//! stretches meet without gap or overlap at every frame rate.

use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use std::path::PathBuf;

/// An accepted block with its boundaries in frames (INV-FRAME-001: execution goes by frame index).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FencedBlock {
    /// Core's name for it.
    pub block_id: String,
    /// Start fence.
    pub start_utc: UtcMs,
    /// End fence, exclusive.
    pub end_utc: UtcMs,
    /// First frame.
    pub start_frame: FrameIndex,
    /// One past the last frame.
    pub end_frame: FrameIndex,
    /// In execution order; each begins where the one before ends.
    pub segments: Vec<FencedSegment>,
}

/// A segment with its boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FencedSegment {
    /// Asset on disk.
    pub path: PathBuf,
    /// Block-relative Content Time at which it begins.
    pub start_ct: Millis,
    /// Block-relative Content Time at which it ends, exclusive.
    pub end_ct: Millis,
    /// First frame.
    pub start_frame: FrameIndex,
    /// One past the last frame.
    pub end_frame: FrameIndex,
    /// Asset time at the first frame.
    pub in_point: Millis,
    /// Planned frames, -1 where Core gave none.
    pub planned_frame_count: i64,
}

impl FencedBlock {
    /// Boundaries of a block whose durations have been judged, in a session that began at `epoch`.
    /// `paths` holds one path per segment.
    #[must_use]
    pub fn new(plan: &BlockPlan, paths: Vec<PathBuf>, epoch: UtcMs, rate: FrameRate) -> FencedBlock {
        let frame_at = |ct: Millis| rate.frame_at_or_after(epoch, plan.start_utc_ms.plus(ct));
        let mut start_ct = Millis(0);
        let segments = plan
            .segments
            .iter()
            .zip(paths)
            .map(|(segment, path)| {
                let end_ct = start_ct + segment.segment_duration_ms;
                let fenced = FencedSegment {
                    path,
                    start_ct,
                    end_ct,
                    start_frame: frame_at(start_ct),
                    end_frame: frame_at(end_ct),
                    in_point: segment.asset_start_offset_ms,
                    planned_frame_count: segment.frame_count.unwrap_or(-1),
                };
                start_ct = end_ct;
                fenced
            })
            .collect();
        FencedBlock {
            block_id: plan.block_id.clone(),
            start_utc: plan.start_utc_ms,
            end_utc: plan.end_utc_ms,
            start_frame: frame_at(Millis(0)),
            end_frame: frame_at(plan.end_utc_ms.since(plan.start_utc_ms)),
            segments,
        }
    }
}
