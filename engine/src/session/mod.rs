//! The session: given the accepted blocks and a frame index, which asset position is on the air.
//!
//! Pure. It reads no clock, opens no file and knows no thread: the receipt instant and the facts
//! about assets are arguments. It holds the two-slot queue (seed 003 §4), the fences and segment
//! boundaries as frame indices, and accounts for what was emitted so that block events come out of
//! one place. It knows no content type, title or schedule (INV-BLOCKPLAN-TYPE-BLIND).
//!
//! **Contract: accept blocks, `start` once, then `task(n)` in order for the producers and
//! `on_emitted` in frame order from the output; every call may queue events, taken by
//! `take_events`.**

mod accept;
mod anchor;
mod cues;
mod fence;
mod join;
mod lookahead;
mod queue;
mod timeline;

pub use accept::{AssetFacts, Rejection};
pub use anchor::Anchor;
pub use fence::{FencedBlock, FencedSegment};
pub use join::{JoinClass, classify};
pub use lookahead::ProducerStep;
pub use queue::BlockQueue;
pub use timeline::Timeline;

use retrovue_mux::splice::SpliceInfo;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use std::collections::VecDeque;
use std::path::PathBuf;

/// What a producer plays: one segment, cut to the frames that go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTask {
    /// Asset on disk.
    pub path: PathBuf,
    /// First output frame of this task; later than the segment's first at a mid-block join.
    pub first_frame: FrameIndex,
    /// One past the last output frame.
    pub end_frame: FrameIndex,
    /// The segment's own first frame: position 0 of `in_point`.
    pub segment_start: FrameIndex,
    /// Asset time shown at `segment_start`.
    pub in_point: Millis,
    /// Planning authority from Core in frames, -1 where absent
    /// (INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001).
    pub planned_frame_count: i64,
    /// True when the task begins a block: an IDR picture stands there.
    pub starts_block: bool,
}

impl SegmentTask {
    /// What is left of the planned frame count after a join inside the segment; -1 where absent.
    #[must_use]
    pub fn planned_frames_left(&self) -> i64 {
        match self.planned_frame_count {
            planned if planned < 0 => -1,
            planned => (planned - self.first_frame.frames_since(self.segment_start)).max(0),
        }
    }
}

/// Longest wait for the first block's start: a year. A start further off is an instant mistaken, such as
/// seconds for milliseconds, and the session's nanoseconds would not reach it.
pub const MOST_WAIT: Millis = Millis(366 * 86_400_000);

/// Judges an early join.
fn judge_wait(join: UtcMs, start: UtcMs) -> Result<(), Rejection> {
    // The join may be any number, so the difference may be none.
    if start.0.checked_sub(join.0).is_some_and(|wait| wait <= MOST_WAIT.0) {
        return Ok(());
    }
    Err(Rejection::new(
        FailureCode::InvalidBlockTiming,
        format!(
            "the first block starts at {start}, more than {MOST_WAIT} after the join at {join}; \
             both are milliseconds since 1970"
        ),
    ))
}

/// Answer to "what does the n-th task play".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskLookup {
    /// This.
    Task(SegmentTask),
    /// The block that holds it has not been fed; the queue runs dry at this fence.
    NotYet {
        /// First frame without a block.
        fence: FrameIndex,
    },
    /// Nothing more will ever come.
    Ended,
}

/// A block-level fact for Core. Segments never appear here (seed 003 §5.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The block's first frame left.
    BlockStarted {
        /// Which block.
        block_id: String,
    },
    /// The block's last frame left.
    BlockCompleted {
        /// Which block.
        block_id: String,
        /// Frames of it that left.
        frames: i64,
    },
    /// The session ended inside the block.
    BlockFailed {
        /// Which block.
        block_id: String,
        /// Frames of it that left.
        frames: i64,
        /// Why.
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Blocks may be accepted, nothing plays.
    Initializing,
    Executing,
    /// Every accepted block plays out, then the session ends.
    Closing,
    Terminated,
}

/// One playout session; see the module's contract.
#[derive(Debug)]
pub struct Session {
    rate: FrameRate,
    state: State,
    /// INV-P8-005: set once, by the first accepted block, to its start. There is no setter.
    epoch: Option<UtcMs>,
    queue: BlockQueue,
    first_frame: FrameIndex,
    /// One past the last frame whose segment a producer has finished.
    produced_end: FrameIndex,
    tasks: VecDeque<ScheduledTask>,
    /// Ordinal of `tasks[0]`.
    tasks_base: u64,
    /// Blocks not yet completed on the air, oldest first; at most the queue's two and those whose
    /// frames are still in the pipeline.
    on_air: VecDeque<OnAir>,
    events: VecDeque<SessionEvent>,
    /// Blocks may have cues.
    takes_cues: bool,
    /// Of accepted blocks, not yet taken.
    cues: Vec<SpliceInfo>,
}

#[derive(Debug)]
struct ScheduledTask {
    task: SegmentTask,
    produced: bool,
}

#[derive(Debug)]
struct OnAir {
    block_id: String,
    start: FrameIndex,
    end: FrameIndex,
    frames: i64,
    started: bool,
}

impl Session {
    /// An empty session for output at `rate`.
    #[must_use]
    pub fn new(rate: FrameRate) -> Session {
        Session {
            rate,
            state: State::Initializing,
            epoch: None,
            queue: BlockQueue::new(),
            first_frame: FrameIndex(0),
            produced_end: FrameIndex(0),
            tasks: VecDeque::new(),
            tasks_base: 0,
            on_air: VecDeque::new(),
            events: VecDeque::new(),
            takes_cues: false,
            cues: Vec::new(),
        }
    }

    /// The same, where `takes_cues` with cues in its blocks.
    #[must_use]
    pub fn with_cues(self, takes_cues: bool) -> Session {
        Session { takes_cues, ..self }
    }

    /// Judges `plan` at `receipt` (CONTRACT-BLOCK-001) and queues it.
    ///
    /// # Errors
    /// The contract's failure code with the values that broke it; the queue is unchanged.
    pub fn accept(
        &mut self,
        plan: &BlockPlan,
        receipt: UtcMs,
        assets: &mut dyn AssetFacts,
    ) -> Result<(), Rejection> {
        if matches!(self.state, State::Terminated | State::Closing) {
            return Err(Rejection::new(
                FailureCode::SessionTerminated,
                format!("block {} came after the session ended; start a new session", plan.block_id),
            ));
        }
        let paths = accept::judge(plan, receipt, &self.queue, assets)?;
        let epoch = self.epoch.unwrap_or(plan.start_utc_ms);
        let fenced = FencedBlock::new(plan, paths, epoch, self.rate);
        let cues = cues::judge(plan, &fenced, (epoch, self.rate), self.takes_cues)?;
        self.epoch.get_or_insert(epoch);
        self.cues.extend(cues);
        if self.state == State::Executing {
            self.schedule(&fenced);
        }
        self.queue.push(fenced);
        self.promote_when_produced();
        Ok(())
    }

    /// Begins execution for a join at `join`, and returns the first frame that goes out: the first
    /// at or after the join, or 0 for an early one (CONTRACT-JOIN-002; the epoch stays the block's
    /// start).
    ///
    /// # Errors
    /// NO_SESSION when no block was accepted, STALE_BLOCK_FROM_CORE when the join lies past it,
    /// INVALID_BLOCK_TIMING when it lies more than [`MOST_WAIT`] before it.
    pub fn start(&mut self, join: UtcMs) -> Result<FrameIndex, Rejection> {
        let (Some(epoch), Some(first)) = (self.epoch, self.queue.executing()) else {
            return Err(Rejection::new(FailureCode::NoSession, "no block was accepted".to_owned()));
        };
        let frame = match classify(join, first.start_utc, first.end_utc) {
            JoinClass::Early => {
                judge_wait(join, first.start_utc)?;
                FrameIndex(0)
            }
            JoinClass::MidBlock => self.rate.frame_at_or_after(epoch, join),
            JoinClass::Stale => return Err(accept::stale(first.start_utc, first.end_utc, join)),
        };
        self.first_frame = frame;
        self.produced_end = frame;
        self.state = State::Executing;
        let blocks: Vec<FencedBlock> = self.queue.iter().cloned().collect();
        for block in &blocks {
            self.schedule(block);
        }
        // A join behind the first block's last frame leaves nothing of it to produce.
        self.promote_when_produced();
        Ok(frame)
    }

    /// The frame of the join, once started.
    #[must_use]
    pub fn first_frame(&self) -> FrameIndex {
        self.first_frame
    }

    /// Instant of frame 0.
    #[must_use]
    pub fn epoch(&self) -> Option<UtcMs> {
        self.epoch
    }

    /// The `ordinal`-th task, counted from 0 at the join.
    #[must_use]
    pub fn task(&self, ordinal: u64) -> TaskLookup {
        if self.state == State::Terminated {
            return TaskLookup::Ended;
        }
        // A producer asks only for what it has not produced, which is never behind the base.
        if let Some(task) = self.index_of(ordinal).and_then(|i| self.tasks.get(i)) {
            return TaskLookup::Task(task.task.clone());
        }
        if self.state == State::Closing {
            return TaskLookup::Ended;
        }
        TaskLookup::NotYet { fence: self.last_fence() }
    }

    /// True when `ordinal` is the very next task after all known ones: its producer is the one that
    /// stands at the fence.
    #[must_use]
    pub fn is_next_unknown(&self, ordinal: u64) -> bool {
        ordinal == self.tasks_base + self.tasks.len() as u64
    }

    /// A producer has finished `ordinal`. When with it the executing block's last task is finished and
    /// all before it, the pending block is promoted (CONTRACT-LOOK-001 G3) and a slot opens. Producers
    /// finish out of order: a task as short as a lane is ready while the one before it still plays.
    pub fn task_produced(&mut self, ordinal: u64) {
        if let Some(task) = self.index_of(ordinal).and_then(|i| self.tasks.get_mut(i)) {
            task.produced = true;
        }
        while self.tasks.front().is_some_and(|task| task.produced)
            && let Some(done) = self.tasks.pop_front()
        {
            self.tasks_base += 1;
            self.produced_end = self.produced_end.max(done.task.end_frame);
        }
        self.promote_when_produced();
    }

    /// Place of `ordinal` in `tasks`.
    fn index_of(&self, ordinal: u64) -> Option<usize> {
        ordinal.checked_sub(self.tasks_base).and_then(|index| usize::try_from(index).ok())
    }

    fn promote_when_produced(&mut self) {
        while self.queue.pending().is_some()
            && self.queue.executing().is_some_and(|b| b.end_frame <= self.produced_end)
        {
            self.queue.promote();
        }
    }

    /// True when a block would find room in the queue.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.queue.is_full() && matches!(self.state, State::Initializing | State::Executing)
    }

    /// Blocks in the two slots.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.iter().count()
    }

    /// No more blocks are taken: the session ends at the last accepted fence. Rendering ends so without
    /// failure, on the air it is LOOKAHEAD_EXHAUSTED.
    pub fn close(&mut self) {
        if self.state == State::Executing {
            self.state = State::Closing;
        }
    }

    /// Ends the session at once, clearing all slots (CONTRACT-BLOCK-002 Q2).
    pub fn terminate(&mut self) {
        self.state = State::Terminated;
        self.queue.clear();
        self.tasks.clear();
    }

    /// True once nothing more will be produced.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Every frame before `end` has left. LAW-CT-SINGLE-WRITER: the output is the only caller, and
    /// INV-P8-TIMELINE-MONOTONIC holds because a smaller `end` changes nothing.
    pub fn on_emitted(&mut self, end: FrameIndex) {
        while let Some(block) = self.on_air.front_mut() {
            let from = block.start.max(self.first_frame);
            if end <= from {
                break;
            }
            block.frames = block.frames.max(end.min(block.end).frames_since(from));
            if !block.started {
                block.started = true;
                self.events.push_back(SessionEvent::BlockStarted { block_id: block.block_id.clone() });
            }
            if end < block.end {
                break;
            }
            let (block_id, frames) = (std::mem::take(&mut block.block_id), block.frames);
            self.events.push_back(SessionEvent::BlockCompleted { block_id, frames });
            self.on_air.pop_front();
        }
    }

    /// What [`on_emitted`](Session::on_emitted) must reach to make the next event.
    #[must_use]
    pub fn next_event_at(&self) -> Option<FrameIndex> {
        let block = self.on_air.front()?;
        Some(if block.started { block.end } else { block.start.max(self.first_frame).offset(1) })
    }

    /// The block on the air and its frames that left.
    #[must_use]
    pub fn on_air(&self) -> Option<(&str, i64)> {
        let block = self.on_air.front().filter(|block| block.started)?;
        Some((&block.block_id, block.frames))
    }

    /// The session failed: reports the block on the air as failed, at block level only
    /// (CONTRACT-SEG-005 G3), and terminates. At a fence, where the last block has completed, no block
    /// failed and only the session's end is reported.
    pub fn fail(&mut self, failure: Failure) {
        if let Some(OnAir { block_id, frames, .. }) = self.on_air.pop_front() {
            self.events.push_back(SessionEvent::BlockFailed { block_id, frames, failure });
        }
        self.on_air.clear();
        self.terminate();
    }

    /// Takes the events queued since the last call, oldest first.
    pub fn take_events(&mut self) -> impl Iterator<Item = SessionEvent> + '_ {
        self.events.drain(..)
    }

    /// Takes the cues of the blocks accepted since the last call, in the order of their splices. Those before
    /// the join are among them.
    pub fn take_cues(&mut self) -> Vec<SpliceInfo> {
        std::mem::take(&mut self.cues)
    }

    fn last_fence(&self) -> FrameIndex {
        self.queue.tail().map_or(self.first_frame, |b| b.end_frame)
    }

    /// Queues the tasks of a block; segments that hold no frame, or end before the join, have none.
    fn schedule(&mut self, block: &FencedBlock) {
        let block_first = block.start_frame.max(self.first_frame);
        for segment in &block.segments {
            let first_frame = segment.start_frame.max(self.first_frame);
            if first_frame >= segment.end_frame {
                continue;
            }
            let task = SegmentTask {
                path: segment.path.clone(),
                first_frame,
                end_frame: segment.end_frame,
                segment_start: segment.start_frame,
                in_point: segment.in_point,
                planned_frame_count: segment.planned_frame_count,
                starts_block: first_frame == block_first,
            };
            self.tasks.push_back(ScheduledTask { task, produced: false });
        }
        if block_first < block.end_frame {
            self.on_air.push_back(OnAir {
                block_id: block.block_id.clone(),
                start: block.start_frame,
                end: block.end_frame,
                frames: 0,
                started: false,
            });
        }
    }
}
