//! What a session sent, made of what AIR tells of its blocks: begun, completed, failed or cut with so many frames,
//! the session's end, the connection's end.
//!
//! Pure: time comes in as an argument, entries for the log go out. Frames come from AIR's events alone. A process
//! that died tells none: then they are reckoned, those whose time had come when the end was heard, and marked so. Everything else is the arithmetic of seed 003 §5: frame 0 stands at the first
//! block's start, a join and every fence is the first frame at or after its instant.
//!
//! **Contract: tell it in order what happened to one session; a block that began ends once, with one outcome,
//! whatever follows.**

use super::channel::News;
use crate::catalog::{AsRun, AsRunOutcome, HistoryEntry, OpenRun, PlaylogBlock, PlaylogSegment};
use crate::plan::note;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use std::collections::VecDeque;

/// Blocks fed and not begun that are remembered: AIR holds two, and one may be on its way.
const MAX_FED: usize = 4;

/// One session's blocks.
#[derive(Debug)]
pub struct SessionRun {
    channel_id: i32,
    rate: FrameRate,
    epoch: UtcMs,
    joined: UtcMs,
    /// The first frame of the session.
    first: FrameIndex,
    fed: VecDeque<OpenRun>,
    open: Option<OpenRun>,
    stop_asked: bool,
}

impl SessionRun {
    /// A session that joins at `join` a block that begins at `epoch`.
    #[must_use]
    pub fn new(channel_id: i32, rate: FrameRate, epoch: UtcMs, join: UtcMs) -> SessionRun {
        let first = rate.frame_at_or_after(epoch, join).max(FrameIndex(0));
        SessionRun {
            channel_id,
            rate,
            epoch,
            joined: join,
            first,
            fed: VecDeque::new(),
            open: None,
            stop_asked: false,
        }
    }

    /// AIR is given a block; a guide calls it `title`. One that was refused and planned anew is given once more.
    pub fn fed(&mut self, block: &BlockPlan, title: String) -> HistoryEntry {
        self.fed.retain(|known| known.end_ms <= block.start_utc_ms);
        if self.fed.len() == MAX_FED {
            self.fed.pop_front();
        }
        self.fed.push_back(OpenRun {
            block_id: block.block_id.clone(),
            block_ms: block.start_utc_ms,
            end_ms: block.end_utc_ms,
            joined_ms: self.joined,
            epoch_ms: self.epoch,
            rate: self.rate,
            first: self.rate.frame_at_or_after(self.epoch, block.start_utc_ms).max(self.first),
        });
        HistoryEntry::Fed(self.channel_id, playlog_block(block, title))
    }

    /// AIR is asked to stop: an end from now on is in good order.
    pub fn stop_asked(&mut self) {
        self.stop_asked = true;
    }

    /// Takes in what AIR told at `now`.
    pub fn heard(&mut self, news: &News, now: UtcMs) -> Vec<HistoryEntry> {
        match news {
            News::BlockStarted { block_id } => self.began(block_id, now),
            News::BlockCompleted { block_id, frames } => {
                self.ended(block_id, *frames, AsRunOutcome::Completed, None, now)
            }
            News::BlockFailed { block_id, frames, failure } => {
                let detail = Some(failure.to_string());
                self.ended(block_id, *frames, AsRunOutcome::Failed, detail, now)
            }
            News::BlockCut { block_id, frames } => {
                self.ended(block_id, *frames, AsRunOutcome::Cut, None, now)
            }
            News::Ended(None) => self.cease(AsRunOutcome::Cut, None, now),
            News::Ended(Some(failure)) => self.cease(AsRunOutcome::Failed, Some(failure.to_string()), now),
            News::LinkClosed(reason) => self.cease(self.bad_end(), Some(reason.clone()), now),
            News::OpenFailed(_)
            | News::StartAnswered(_)
            | News::FeedAnswered(_)
            | News::Progress(_)
            | News::OutputClosed(_) => Vec::new(),
        }
    }

    /// Core gives the session up at `now`, whatever it says from now on.
    pub fn given_up(&mut self, now: UtcMs) -> Vec<HistoryEntry> {
        let detail = if self.stop_asked { "it did not end when asked" } else { "the station gave it up" };
        self.cease(self.bad_end(), Some(detail.to_owned()), now)
    }

    fn bad_end(&self) -> AsRunOutcome {
        if self.stop_asked { AsRunOutcome::Cut } else { AsRunOutcome::Failed }
    }

    fn began(&mut self, block_id: &str, now: UtcMs) -> Vec<HistoryEntry> {
        let Some(block) = self.take(block_id) else { return Vec::new() };
        let mut entries = self.overtaken(now);
        entries.push(HistoryEntry::Began(self.channel_id, block.clone()));
        self.open = Some(block);
        entries
    }

    fn ended(
        &mut self,
        block_id: &str,
        frames: i64,
        outcome: AsRunOutcome,
        detail: Option<String>,
        now: UtcMs,
    ) -> Vec<HistoryEntry> {
        let mut entries = Vec::new();
        let block = match self.open.take_if(|open| open.block_id == block_id) {
            Some(block) => block,
            // It failed before its first frame, or the word of its beginning was lost.
            None => {
                let Some(block) = self.take(block_id) else { return entries };
                entries = self.overtaken(now);
                block
            }
        };
        entries.push(self.entry(block.ended(Some(frames), now, outcome, detail)));
        entries
    }

    /// The block that was fed under an id; those before it are over.
    fn take(&mut self, block_id: &str) -> Option<OpenRun> {
        let place = self.fed.iter().position(|block| block.block_id == block_id)?;
        self.fed.drain(..=place).next_back()
    }

    /// A block whose end was not told, when the next one makes itself heard: AIR plays to the fence.
    fn overtaken(&mut self, now: UtcMs) -> Vec<HistoryEntry> {
        let detail = "the next block began and its end had not been told";
        self.close(AsRunOutcome::Cut, Some(detail.to_owned()), now)
    }

    fn cease(&mut self, outcome: AsRunOutcome, detail: Option<String>, now: UtcMs) -> Vec<HistoryEntry> {
        self.fed.clear();
        self.close(outcome, detail, now)
    }

    fn close(&mut self, outcome: AsRunOutcome, detail: Option<String>, now: UtcMs) -> Vec<HistoryEntry> {
        let open = self.open.take();
        open.map(|open| self.entry(open.ended(None, now, outcome, detail))).into_iter().collect()
    }

    fn entry(&self, run: AsRun) -> HistoryEntry {
        HistoryEntry::Ended(self.channel_id, run)
    }
}

/// A block plan as the playout log has it.
fn playlog_block(block: &BlockPlan, title: String) -> PlaylogBlock {
    PlaylogBlock {
        block_id: block.block_id.clone(),
        title,
        start_ms: block.start_utc_ms,
        end_ms: block.end_utc_ms,
        segments: block
            .segments
            .iter()
            .map(|segment| PlaylogSegment {
                kind: note(segment, "kind").map(str::to_owned),
                asset_id: note(segment, "asset_id").map(str::to_owned),
                offset_ms: segment.asset_start_offset_ms,
                duration_ms: Millis(segment.segment_duration_ms.0.max(0)),
            })
            .collect(),
    }
}

#[cfg(test)]
#[path = "as_run_tests.rs"]
mod tests;
