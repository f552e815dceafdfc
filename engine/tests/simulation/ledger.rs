//! What must be so, worked out from the plan alone: which blocks may be accepted and why not, what
//! frame `k` shows, and which events Core may see. Shares no arithmetic with the session.

use crate::scenario::Asset;
use retrovue_engine::session::SessionEvent;
use retrovue_proto::code::FailureCode;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameRate, UtcMs};
use std::collections::{BTreeMap, BTreeSet};

/// What one output frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Position, in output frames, behind `in_ms` of the asset with this number.
    Asset {
        asset: u32,
        in_ms: i64,
        position: i64,
    },
    Black,
}

/// Number of an asset by its name.
pub(crate) fn number(uri: &str) -> u32 {
    uri.bytes().filter(u8::is_ascii_digit).fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Started,
    Completed,
    Failed,
}

#[derive(Debug)]
struct Entry {
    plan: BlockPlan,
    start: i64,
    end: i64,
    told: Told,
}

/// The accepted blocks, and what was heard of them.
#[derive(Debug)]
pub(crate) struct Ledger {
    rate: FrameRate,
    assets: BTreeMap<String, Asset>,
    epoch: Option<UtcMs>,
    pub(crate) first: i64,
    entries: Vec<Entry>,
    /// Tasks that producers have finished, by ordinal, with their ends.
    produced: BTreeMap<u64, i64>,
    frames_told: i64,
}

impl Ledger {
    pub(crate) fn new(rate: FrameRate, assets: BTreeMap<String, Asset>) -> Ledger {
        Ledger {
            rate,
            assets,
            epoch: None,
            first: 0,
            entries: Vec::new(),
            produced: BTreeMap::new(),
            frames_told: 0,
        }
    }

    /// `ceil((t - epoch) * num / (den * 1000))`
    fn frame_at(&self, instant: UtcMs) -> i64 {
        let span = i128::from(instant.0 - self.epoch.map_or(instant.0, |e| e.0));
        let (num, den) = (i128::from(self.rate.num()), i128::from(self.rate.den()) * 1000);
        let mut frame = span * num / den;
        while frame * den < span * num {
            frame += 1;
        }
        while (frame - 1) * den >= span * num {
            frame -= 1;
        }
        frame as i64
    }

    /// The session starts with a join at `join`.
    pub(crate) fn start(&mut self, join: UtcMs) -> i64 {
        self.first = self.frame_at(join).max(0);
        self.first
    }

    pub(crate) fn epoch(&self) -> Option<UtcMs> {
        self.epoch
    }

    /// One past the last frame of every block accepted.
    pub(crate) fn fence(&self) -> i64 {
        self.entries.last().map_or(self.first, |e| e.end)
    }

    pub(crate) fn task_produced(&mut self, ordinal: u64, end: i64) {
        assert!(self.produced.insert(ordinal, end).is_none(), "task {ordinal} produced twice");
    }

    /// Blocks that hold a frame no producer has finished.
    pub(crate) fn unproduced(&self) -> usize {
        let mut end = self.first;
        for (n, (&ordinal, &task_end)) in self.produced.iter().enumerate() {
            if ordinal != n as u64 {
                break;
            }
            end = task_end;
        }
        self.entries.iter().filter(|e| e.end > end).count()
    }

    /// Every contract that `plan` breaks at `receipt` (CONTRACT-BLOCK-001, CONTRACT-LOOK-001,
    /// CONTRACT-LOOK-002); `gone` are assets that are not there any more.
    pub(crate) fn broken(
        &self,
        plan: &BlockPlan,
        receipt: UtcMs,
        gone: &BTreeSet<String>,
    ) -> Vec<FailureCode> {
        let mut broken = Vec::new();
        let mut note = |is_broken: bool, code: FailureCode| {
            if is_broken {
                broken.push(code);
            }
        };
        note(plan.block_id.is_empty(), FailureCode::ProtocolError);
        note(plan.end_utc_ms <= plan.start_utc_ms, FailureCode::InvalidBlockTiming);
        note(plan.end_utc_ms <= receipt, FailureCode::StaleBlockFromCore);
        note(self.unproduced() >= 2, FailureCode::QueueFull);
        if let Some(last) = self.entries.last() {
            note(plan.start_utc_ms != last.plan.end_utc_ms, FailureCode::BlockNotContiguous);
            let queued = self.entries.iter().rev().take(2).any(|e| e.plan.block_id == plan.block_id);
            note(queued, FailureCode::DuplicateBlock);
        }
        let indices = plan.segments.iter().enumerate().any(|(n, s)| s.segment_index != n as i32);
        note(indices, FailureCode::InvalidSegmentIndex);
        note(plan.segments.iter().any(|s| s.segment_duration_ms.0 <= 0), FailureCode::InvalidDuration);
        let sum: i64 = plan.segments.iter().map(|s| s.segment_duration_ms.0).sum();
        note(sum != plan.end_utc_ms.0 - plan.start_utc_ms.0, FailureCode::SegmentDurationMismatch);
        for segment in &plan.segments {
            let asset = self.assets.get(&segment.asset_uri).filter(|_| !gone.contains(&segment.asset_uri));
            note(asset.is_none(), FailureCode::AssetMissing);
            let told = asset.and_then(|a| a.told);
            note(told.is_some_and(|t| segment.asset_start_offset_ms >= t), FailureCode::InvalidOffset);
        }
        broken
    }

    /// `plan` was accepted.
    pub(crate) fn accepted(&mut self, plan: &BlockPlan) {
        self.epoch.get_or_insert(plan.start_utc_ms);
        let (start, end) = (self.frame_at(plan.start_utc_ms), self.frame_at(plan.end_utc_ms));
        self.entries.push(Entry { plan: plan.clone(), start, end, told: Told::Nothing });
    }

    /// What frame `frame` must show (CONTRACT-SEG-001 to CONTRACT-SEG-004): found from its instant.
    pub(crate) fn content(&self, frame: i64) -> Content {
        let entry = self.entries.iter().find(|e| (e.start..e.end).contains(&frame));
        let Some(entry) = entry else { panic!("frame {frame} belongs to no block") };
        let mut at = entry.plan.start_utc_ms;
        for segment in &entry.plan.segments {
            let begin = self.frame_at(at);
            at = at.plus(segment.segment_duration_ms);
            if frame >= self.frame_at(at) {
                continue;
            }
            let position = frame - begin;
            let in_ms = segment.asset_start_offset_ms.0;
            let left = self.assets[&segment.asset_uri].real.0 - in_ms;
            // INV-BLOCKPLAN-SEGMENT-PAD-TO-CT: what the asset lacks, and only that, is black.
            let (num, den) = (i128::from(self.rate.num()), i128::from(self.rate.den()) * 1000);
            if i128::from(position) * den < i128::from(left) * num {
                return Content::Asset { asset: number(&segment.asset_uri), in_ms, position };
            }
            return Content::Black;
        }
        panic!("frame {frame} belongs to no segment of {}", entry.plan.block_id);
    }

    /// Where an IDR must stand: the first frame of a block.
    pub(crate) fn begins_block(&self, frame: i64) -> bool {
        self.entries.iter().any(|e| e.start.max(self.first) == frame && e.end > frame)
    }

    /// An event reached Core when every frame before `emitted` had left: started, then completed with
    /// the exact count or failed, in block order, never both.
    pub(crate) fn event(&mut self, event: &SessionEvent, emitted: i64) {
        let first = self.first;
        let id = match event {
            SessionEvent::BlockStarted { block_id }
            | SessionEvent::BlockCompleted { block_id, .. }
            | SessionEvent::BlockFailed { block_id, .. } => block_id,
        };
        let Some(n) = self.entries.iter().position(|e| e.plan.block_id == *id) else {
            panic!("{event:?} of a block that was not accepted")
        };
        for earlier in self.entries[..n].iter().filter(|e| e.end > e.start.max(first)) {
            assert_eq!(earlier.told, Told::Completed, "{event:?} before {} completed", earlier.plan.block_id);
        }
        for later in &self.entries[n + 1..] {
            assert_eq!(later.told, Told::Nothing, "{event:?} after news of {}", later.plan.block_id);
        }
        let entry = &mut self.entries[n];
        let from = entry.start.max(first);
        match event {
            SessionEvent::BlockStarted { .. } => {
                assert_eq!(entry.told, Told::Nothing, "{event:?} twice, or after its end");
                assert!(emitted > from, "{event:?} though only {emitted} frames have left");
                entry.told = Told::Started;
            }
            SessionEvent::BlockCompleted { frames, .. } => {
                assert_eq!(entry.told, Told::Started, "{event:?} of a block that is not on the air");
                assert_eq!(*frames, entry.end - from, "{event:?}");
                assert!(emitted >= entry.end, "{event:?} though only {emitted} frames have left");
                entry.told = Told::Completed;
                self.frames_told += frames;
            }
            SessionEvent::BlockFailed { frames, .. } => {
                assert!(matches!(entry.told, Told::Nothing | Told::Started), "{event:?} after its end");
                let expected = (emitted.min(entry.end) - from).max(0);
                assert_eq!(*frames, expected, "{event:?} with frames before {emitted} out");
                assert!(emitted < entry.end, "{event:?} though all of it has left");
                entry.told = Told::Failed;
                self.frames_told += frames;
            }
        }
    }

    /// The session has ended by itself. Every frame that left was told of in a terminal event, and where
    /// frames of accepted blocks did not leave, exactly one block failed.
    pub(crate) fn ended(&self, emitted: i64) {
        let told = |what| self.entries.iter().filter(|e| e.told == what).count();
        assert_eq!(told(Told::Started), 0, "a block was started and never ended");
        assert_eq!(self.frames_told, (emitted - self.first).max(0), "frames in terminal events");
        let left = emitted < self.fence();
        assert_eq!(told(Told::Failed), usize::from(left), "blocks that failed");
    }
}
