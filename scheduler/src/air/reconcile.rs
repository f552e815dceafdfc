//! What was planned against what was sent: what failed, what was sent short, what somebody watched for and was not
//! sent.
//!
//! Pure. A channel without viewers sends nothing and misses nothing. That somebody watched a gap follows from the log
//! alone: the session before it did not end in good order, and another began so soon after that the same viewers
//! were waiting for it.

use crate::catalog::{AsRun, AsRunOutcome, PlaylogBlock, SentFrames};
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;

/// A session that is lost is replaced within seconds: ten until a hang is noticed, five of back-off, ten to open the
/// assets, and the restart of a station. What begins later has other viewers.
pub const LONGEST_RECOVERY: Millis = Millis(60_000);

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A block failed while it was sent.
    Failed,
    /// A block is told as completed and has fewer frames than from its first one to its fence.
    Short,
    /// Planned, watched and not sent.
    NotSent,
    /// Sent, and not in the playout log.
    Unplanned,
}

/// Something that was not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The block.
    pub block_id: String,
    /// What a guide calls it; absent where it was not planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// First instant of what was sent, or of what was not.
    pub from_utc_ms: UtcMs,
    /// First instant after it.
    pub until_utc_ms: UtcMs,
    /// Frames that a short block lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_frames: Option<i64>,
    /// Why, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What was planned for the time that was not sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
}

/// A segment, as far as it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// Its place in the block, from 0.
    pub segment: usize,
    /// `act`, `filler`, `black`, or what traffic calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The asset; absent for black.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// How much of it.
    pub missed_ms: Millis,
}

/// A stretch of a channel, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Time of the stretch that the playout log covers.
    pub planned_ms: Millis,
    /// Time of the stretch that was sent.
    pub sent_ms: Millis,
    /// Time that was planned, watched and not sent.
    pub not_sent_ms: Millis,
    /// Blocks sent to their ends.
    pub completed: usize,
    /// Blocks cut.
    pub cut: usize,
    /// Blocks that failed.
    pub failed: usize,
    /// What was not as planned, by time.
    pub findings: Vec<Finding>,
}

/// Compares the playout log of a channel with its as-run log, both of `[from, until)` and in order.
#[must_use]
pub fn reconcile(planned: &[PlaylogBlock], sent: &[AsRun], from: UtcMs, until: UtcMs) -> Reconciliation {
    let within = |a: UtcMs, b: UtcMs| Millis(b.min(until).since(a.max(from)).0.max(0));
    let of = |outcome| sent.iter().filter(|run| run.outcome == outcome).count();
    let mut findings: Vec<Finding> = sent.iter().flat_map(|run| judge(run, planned)).collect();
    for pair in sent.windows(2) {
        if let Some((gap_from, gap_until)) = watched_gap(&pair[0], &pair[1]) {
            let (gap_from, gap_until) = (gap_from.max(from), gap_until.min(until));
            let touched = planned.iter().filter(|b| b.start_ms < gap_until && b.end_ms > gap_from);
            findings.extend(touched.map(|block| not_sent(block, gap_from, gap_until)));
        }
    }
    findings.sort_by_key(|finding| (finding.from_utc_ms, finding.kind));
    let not_sent = findings.iter().filter(|f| f.kind == FindingKind::NotSent);
    Reconciliation {
        planned_ms: sum(planned.iter().map(|block| within(block.start_ms, block.end_ms))),
        sent_ms: sum(sent.iter().map(|run| within(run.from_ms, run.until_ms))),
        not_sent_ms: sum(not_sent.map(|f| f.until_utc_ms.since(f.from_utc_ms))),
        completed: of(AsRunOutcome::Completed),
        cut: of(AsRunOutcome::Cut),
        failed: of(AsRunOutcome::Failed),
        findings,
    }
}

fn sum(spans: impl Iterator<Item = Millis>) -> Millis {
    spans.fold(Millis(0), |all, span| all + span)
}

/// What is to be said of one run by itself.
fn judge(run: &AsRun, planned: &[PlaylogBlock]) -> Vec<Finding> {
    let block = planned.iter().find(|b| b.block_id == run.block_id && b.start_ms == run.block_ms);
    let finding = |kind, missing_frames| Finding {
        kind,
        block_id: run.block_id.clone(),
        title: block.map(|b| b.title.clone()),
        from_utc_ms: run.from_ms,
        until_utc_ms: run.until_ms,
        missing_frames,
        detail: run.detail.clone(),
        missed: Vec::new(),
    };
    let mut findings = Vec::new();
    if run.outcome == AsRunOutcome::Failed {
        findings.push(finding(FindingKind::Failed, None));
    }
    match (block, run.frames) {
        (None, _) => findings.push(finding(FindingKind::Unplanned, None)),
        (Some(block), Some(frames)) if run.outcome == AsRunOutcome::Completed => {
            let missing = fence(block, &frames) - frames.end().0;
            if missing > 0 {
                findings.push(finding(FindingKind::Short, Some(missing)));
            }
        }
        _ => {}
    }
    findings
}

/// One past the last frame of a block in the session of `frames`.
fn fence(block: &PlaylogBlock, frames: &SentFrames) -> i64 {
    frames.rate.frame_at_or_after(frames.epoch_ms, block.end_ms).0
}

/// The time between two runs, where somebody was watching.
fn watched_gap(before: &AsRun, after: &AsRun) -> Option<(UtcMs, UtcMs)> {
    let gap = after.from_ms.since(before.until_ms);
    let in_good_order = before.outcome == AsRunOutcome::Cut && before.detail.is_none();
    // Frames of two sessions stand on different grids: less than one is none.
    let frame = before.frames.or(after.frames).map_or(1, |f| 1000 * f.rate.den() / f.rate.num() + 1);
    (!in_good_order && gap.0 > frame && gap <= LONGEST_RECOVERY).then_some((before.until_ms, after.from_ms))
}

fn not_sent(block: &PlaylogBlock, gap_from: UtcMs, gap_until: UtcMs) -> Finding {
    let (from, until) = (gap_from.max(block.start_ms), gap_until.min(block.end_ms));
    let mut start = block.start_ms;
    let mut missed = Vec::new();
    for (index, segment) in block.segments.iter().enumerate() {
        let end = start.plus(segment.duration_ms);
        let missed_ms = end.min(until).since(start.max(from));
        if missed_ms > Millis(0) {
            missed.push(Missed {
                segment: index,
                kind: segment.kind.clone(),
                asset_id: segment.asset_id.clone(),
                missed_ms,
            });
        }
        start = end;
    }
    Finding {
        kind: FindingKind::NotSent,
        block_id: block.block_id.clone(),
        title: Some(block.title.clone()),
        from_utc_ms: from,
        until_utc_ms: until,
        missing_frames: None,
        detail: None,
        missed,
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
