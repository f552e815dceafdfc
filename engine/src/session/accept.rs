//! Acceptance of a block (CONTRACT-BLOCK-001): every precondition judged before anything changes.

use super::queue::BlockQueue;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{Millis, UtcMs};
use std::path::PathBuf;

/// Most segments in one block: a day cut into single frames at 1 s each is far below it, and it
/// bounds the work of one acceptance.
pub(super) const MAX_SEGMENTS: usize = 100_000;

/// Longest block. A broadcast day of 25 hours fits, an instant mistaken for a span does not.
pub(super) const MAX_BLOCK: Millis = Millis(48 * 3_600_000);

/// Why a block was refused.
pub type Rejection = Failure;

/// What acceptance must know about assets; the answers come from the disk.
pub trait AssetFacts {
    /// Path of the asset and its duration, `None` where the container does not tell.
    ///
    /// # Errors
    /// ASSET_MISSING or ASSET_ERROR with the asset's name.
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection>;
}

/// STALE_BLOCK_FROM_CORE with its staleness (seed 003 §3.2).
pub(super) fn stale(start: UtcMs, end: UtcMs, receipt: UtcMs) -> Rejection {
    let staleness = receipt.since(end);
    Rejection::new(
        FailureCode::StaleBlockFromCore,
        format!(
            "the block from {start} to {end} had ended when it was received at {receipt}: staleness_ms={}; \
             send the block that is on the air now",
            staleness.0
        ),
    )
}

/// Judges a block; on success gives the path of each segment's asset.
pub(super) fn judge(
    plan: &BlockPlan,
    receipt: UtcMs,
    queue: &BlockQueue,
    assets: &mut dyn AssetFacts,
) -> Result<Vec<PathBuf>, Rejection> {
    judge_timing(plan, receipt)?;
    judge_place(plan, queue)?;
    judge_segments(plan)?;
    judge_assets(plan, assets)
}

fn judge_timing(plan: &BlockPlan, receipt: UtcMs) -> Result<(), Rejection> {
    let (id, start, end) = (&plan.block_id, plan.start_utc_ms, plan.end_utc_ms);
    if id.is_empty() {
        return Err(Rejection::new(
            FailureCode::ProtocolError,
            "block_id is empty; give the block a name".into(),
        ));
    }
    // Instants outside the common era would overflow the 27 MHz timeline.
    let sane = 0..=253_402_300_799_999i64;
    if !sane.contains(&start.0) || !sane.contains(&end.0) || end <= start {
        return Err(Rejection::new(
            FailureCode::InvalidBlockTiming,
            format!(
                "block {id}: end_utc_ms {} must be after start_utc_ms {}, both since 1970",
                end.0, start.0
            ),
        ));
    }
    if end.since(start) > MAX_BLOCK {
        return Err(Rejection::new(
            FailureCode::InvalidBlockTiming,
            format!(
                "block {id} lasts {}, more than {MAX_BLOCK}; cut it into shorter blocks",
                end.since(start)
            ),
        ));
    }
    // INV-BLOCKPLAN-FRESHNESS
    if end <= receipt {
        return Err(stale(start, end, receipt));
    }
    Ok(())
}

fn judge_place(plan: &BlockPlan, queue: &BlockQueue) -> Result<(), Rejection> {
    let id = &plan.block_id;
    // CONTRACT-LOOK-001 R3
    if queue.is_full() {
        return Err(Rejection::new(
            FailureCode::QueueFull,
            format!("block {id}: two blocks are queued already; feed it after the next block starts"),
        ));
    }
    if queue.iter().any(|b| b.block_id == *id) {
        return Err(Rejection::new(FailureCode::DuplicateBlock, format!("block {id} is queued already")));
    }
    // CONTRACT-LOOK-002
    if let Some(expected) = queue.tail_end()
        && plan.start_utc_ms != expected
    {
        return Err(Rejection::new(
            FailureCode::BlockNotContiguous,
            format!(
                "block {id} must start where the block before it ends: expected {}, got {}",
                expected.0, plan.start_utc_ms.0
            ),
        ));
    }
    Ok(())
}

fn judge_segments(plan: &BlockPlan) -> Result<(), Rejection> {
    let id = &plan.block_id;
    if plan.segments.len() > MAX_SEGMENTS {
        return Err(Rejection::new(
            FailureCode::InvalidSegmentIndex,
            format!("block {id} has {} segments, more than {MAX_SEGMENTS}", plan.segments.len()),
        ));
    }
    // FROZEN: segment index contiguity (seed 003 §8.1.2)
    for (expected, segment) in plan.segments.iter().enumerate() {
        if i64::from(segment.segment_index) != expected as i64 {
            return Err(Rejection::new(
                FailureCode::InvalidSegmentIndex,
                format!(
                    "block {id}: segment indices must run 0, 1, 2, …: gap at index {expected}, got {}",
                    segment.segment_index
                ),
            ));
        }
    }
    let mut sum: i64 = 0;
    for segment in &plan.segments {
        let (index, duration) = (segment.segment_index, segment.segment_duration_ms.0);
        if duration <= 0 {
            return Err(Rejection::new(
                FailureCode::InvalidDuration,
                format!("block {id}, segment {index}: segment_duration_ms is {duration}, must be above 0"),
            ));
        }
        sum = sum.saturating_add(duration);
    }
    // FROZEN: INV-BLOCKPLAN-DURATION-SUM
    let expected = plan.end_utc_ms.since(plan.start_utc_ms).0;
    if sum != expected {
        return Err(Rejection::new(
            FailureCode::SegmentDurationMismatch,
            format!(
                "block {id}: segment durations must sum to the block's: expected={expected}, actual={sum}"
            ),
        ));
    }
    Ok(())
}

fn judge_assets(plan: &BlockPlan, assets: &mut dyn AssetFacts) -> Result<Vec<PathBuf>, Rejection> {
    plan.segments
        .iter()
        .map(|segment| {
            let (uri, offset) = (&segment.asset_uri, segment.asset_start_offset_ms);
            let (path, duration) = assets.facts(uri)?;
            if offset.0 < 0 || duration.is_some_and(|d| offset >= d) {
                let length = duration.map_or_else(|| "of unknown length".to_owned(), |d| format!("{d} long"));
                return Err(Rejection::new(
                    FailureCode::InvalidOffset,
                    format!(
                        "block {}: asset_start_offset_ms {} lies outside {uri}, which is {length}",
                        plan.block_id, offset.0
                    ),
                ));
            }
            Ok(path)
        })
        .collect()
}
