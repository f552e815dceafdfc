//! What was sent of a block by a session, and of its segments. How it is kept is [`super::as_run_rows`]'s.
//!
//! Frames are the truth of it; instants are computed from them, rounded down to the millisecond. What became of a
//! block is told by [`crate::air::as_run`]; nothing here decides it.

use super::history::{PlaylogBlock, PlaylogSegment};
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use serde::Serialize;

/// Two sessions of a channel may both send the frames about the seam between them. More than this is no seam but a
/// clock that was set back.
const LONGEST_SEAM: Millis = Millis(10_000);

/// How the sending of a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AsRunOutcome {
    /// It was sent to its end.
    Completed,
    /// The last viewer left, the session was ended in good order, or the station died.
    Cut,
    /// The session failed.
    Failed,
}

/// The frames of a session that were sent of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentFrames {
    /// Instant of the session's frame 0.
    pub epoch_ms: UtcMs,
    /// The session's frames a second.
    pub rate: FrameRate,
    /// The first that was sent.
    pub first: FrameIndex,
    /// How many were sent, 0 or more.
    pub count: i64,
    /// True where AIR did not tell the count: it is the frames whose time had come when the end was heard.
    pub reckoned: bool,
}

/// What was sent of a block by one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsRun {
    /// The block.
    pub block_id: String,
    /// The block's first instant as planned.
    pub block_ms: UtcMs,
    /// When the session joined, which tells the sessions of a block apart.
    pub joined_ms: UtcMs,
    /// First instant sent: later than the block's where a viewer joined in its middle.
    pub from_ms: UtcMs,
    /// First instant not sent.
    pub until_ms: UtcMs,
    /// How it ended.
    pub outcome: AsRunOutcome,
    /// Why, where it failed or there is more to say.
    pub detail: Option<String>,
    /// Its frames; absent in what earlier versions recorded.
    pub frames: Option<SentFrames>,
}

/// What was sent of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentSegment {
    /// Its place in the block, from 0.
    pub position: usize,
    /// What it is: `act`, `filler`, `black`, or what traffic calls it.
    pub kind: Option<String>,
    /// The asset; absent for black.
    pub asset_id: Option<String>,
    /// Where in the asset the first frame sent is, rounded down.
    pub offset_ms: Millis,
    /// The session's first frame of it that was sent.
    pub first: FrameIndex,
    /// How many were sent, at least 1.
    pub count: i64,
}

/// A block that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// The block.
    pub block_id: String,
    /// The block's first instant as planned.
    pub block_ms: UtcMs,
    /// Its end as planned, exclusive.
    pub end_ms: UtcMs,
    /// When the session joined.
    pub joined_ms: UtcMs,
    /// Instant of the session's frame 0.
    pub epoch_ms: UtcMs,
    /// The session's frames a second.
    pub rate: FrameRate,
    /// The session's first frame of the block.
    pub first: FrameIndex,
}

/// An entry for the history of a channel, by its lasting identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryEntry {
    /// AIR was given a block.
    Fed(i32, PlaylogBlock),
    /// A block began.
    Began(i32, OpenRun),
    /// A block that may have begun ended.
    Ended(i32, AsRun),
}

impl AsRunOutcome {
    /// Its word in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AsRunOutcome::Completed => "completed",
            AsRunOutcome::Cut => "cut",
            AsRunOutcome::Failed => "failed",
        }
    }

    pub(super) fn from_word(word: &str) -> AsRunOutcome {
        match word {
            "completed" => AsRunOutcome::Completed,
            "cut" => AsRunOutcome::Cut,
            _ => AsRunOutcome::Failed,
        }
    }
}

impl SentFrames {
    /// One past the last frame.
    #[must_use]
    pub fn end(&self) -> FrameIndex {
        self.first.offset(self.count)
    }

    /// Instant of a frame of the session, rounded down.
    #[must_use]
    pub fn instant(&self, frame: FrameIndex) -> UtcMs {
        self.epoch_ms.plus(Millis(self.rate.nanos_floor(frame).div_euclid(1_000_000)))
    }
}

impl OpenRun {
    /// Frames from the first to the block's end.
    #[must_use]
    pub fn longest(&self) -> i64 {
        self.rate.frame_at_or_after(self.epoch_ms, self.end_ms).frames_since(self.first).max(0)
    }

    /// Frames whose time has come by `now`.
    #[must_use]
    pub fn reckoned(&self, now: UtcMs) -> i64 {
        let frame = self.rate.frame_at_or_after(self.epoch_ms, now);
        frame.frames_since(self.first).clamp(0, self.longest())
    }

    /// The end of it: `told` frames by AIR's account, else those whose time has come by `now`.
    #[must_use]
    pub fn ended(
        &self,
        told: Option<i64>,
        now: UtcMs,
        outcome: AsRunOutcome,
        detail: Option<String>,
    ) -> AsRun {
        let count = told.map_or_else(|| self.reckoned(now), |frames| frames.clamp(0, self.longest()));
        let frames = SentFrames {
            epoch_ms: self.epoch_ms,
            rate: self.rate,
            first: self.first,
            count,
            reckoned: told.is_none(),
        };
        AsRun {
            block_id: self.block_id.clone(),
            block_ms: self.block_ms,
            joined_ms: self.joined_ms,
            from_ms: frames.instant(frames.first),
            until_ms: frames.instant(frames.end()),
            outcome,
            detail,
            frames: Some(frames),
        }
    }
}

impl AsRun {
    /// The same without the frames that lie wholly before `sent_until`: what two sessions sent aired once. Their frames
    /// stand on different grids, so the last of one may reach into the first of the other, which is not lost by that.
    #[must_use]
    pub fn after(mut self, sent_until: UtcMs) -> AsRun {
        let overlap = sent_until.since(self.from_ms);
        let Some(frames) = &mut self.frames else { return self };
        if overlap > Millis(0) && overlap <= LONGEST_SEAM {
            let end = frames.end();
            let next = frames.rate.frame_at_or_after(frames.epoch_ms, sent_until);
            let reached_into = frames.instant(next) > sent_until;
            frames.first = if reached_into { next.offset(-1).max(frames.first) } else { next };
            frames.count = end.frames_since(frames.first).max(0);
            self.from_ms = frames.instant(frames.first);
            self.until_ms = frames.instant(frames.end());
        }
        self
    }

    /// What was sent of each segment of the block as planned; boundaries are those of seed 003 §5: the first frame at
    /// or after the instant.
    #[must_use]
    pub fn segments(&self, planned: &[PlaylogSegment]) -> Vec<SentSegment> {
        let Some(sent) = self.frames else { return Vec::new() };
        let mut start = self.block_ms;
        let mut segments = Vec::new();
        for (position, segment) in planned.iter().enumerate() {
            let end = start.plus(segment.duration_ms);
            let bound = |at| sent.rate.frame_at_or_after(sent.epoch_ms, at);
            let (begin, fence) = (bound(start), bound(end));
            let first = begin.max(sent.first);
            let count = fence.min(sent.end()).frames_since(first);
            if count > 0 {
                let into = sent.instant(first).since(sent.instant(begin));
                segments.push(SentSegment {
                    position,
                    kind: segment.kind.clone(),
                    asset_id: segment.asset_id.clone(),
                    offset_ms: segment.offset_ms + into,
                    first,
                    count,
                });
            }
            start = end;
        }
        segments
    }
}
