//! `PLAN.json` through acceptance, as `retrovue-air render` takes it.
//!
//! Assets are imagined: their names tell whether they exist and how long they are. The channel's number is how
//! many milliseconds after its first block's start the session joins.

use crate::Verdict;
use retrovue_engine::clock::MonoNs;
use retrovue_engine::format::SessionFormat;
use retrovue_engine::session::{
    Anchor, AssetFacts, FencedBlock, MOST_WAIT, Rejection, SegmentTask, Session, TaskLookup,
};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::{BlockPlan, Plan};
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use std::path::PathBuf;

/// Ten years on the monotonic clock, in nanoseconds.
const UPTIME: MonoNs = MonoNs(315_360_000_000_000_000);

/// Names with `!` do not exist, those with `?` do not tell their length, and the others are a minute long for
/// each byte of the name.
struct Imagined;

impl AssetFacts for Imagined {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        if asset_uri.contains('!') {
            return Err(Failure::new(FailureCode::AssetMissing, format!("{asset_uri} is not there")));
        }
        let length = (!asset_uri.contains('?')).then(|| Millis(60_000 * asset_uri.len() as i64));
        Ok((PathBuf::from(asset_uri), length))
    }
}

/// Whatever numbers a plan holds, judging and joining it overflows nowhere. An accepted block's segments are numbered without
/// gaps, last as long as the block, and lie frame by frame after one another and after the block before.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let Ok(plan) = serde_json::from_slice::<Plan>(data) else { return Verdict::Refused };
    written_and_read(&plan);
    let Ok(format) = SessionFormat::new(&plan.format) else { return Verdict::Refused };
    let rate = format.shape.rate;
    let Some(first) = plan.blocks.first() else { return Verdict::Refused };
    let epoch = first.start_utc_ms;
    let join = UtcMs(epoch.0.saturating_add(first.channel_id.into()));
    joined_from_afar(first, rate);
    let mut session = Session::new(rate).with_cues(format.cues);
    let mut tasks = Tasks::default();
    let mut fence = FrameIndex(0);
    for (n, block) in plan.blocks.iter().enumerate() {
        if session.accept(block, join, &mut Imagined).is_err() {
            return if n == 0 { Verdict::Refused } else { Verdict::Taken };
        }
        judged(block);
        assert!(session.take_cues().is_sorted_by_key(|cue| cue.at()), "{block:?}");
        let paths = block.segments.iter().map(|segment| PathBuf::from(&segment.asset_uri)).collect();
        fence = fenced(&FencedBlock::new(block, paths, epoch, rate), fence);
        if n == 0 {
            let at = session.start(join).expect("a block that is fresh at the join can be joined");
            assert!(at >= FrameIndex(0) && at <= fence, "{at:?} in 0..={fence:?}");
            due_after_join(join, epoch, rate, at, fence);
            tasks.end = at;
        }
        tasks.take_from(&mut session);
        assert_eq!(tasks.end.max(fence), tasks.end, "every frame before the fence has its task");
        assert_eq!(session.task(tasks.ordinal), TaskLookup::NotYet { fence });
    }
    session.on_emitted(fence);
    assert!(session.take_events().count() <= 2 * plan.blocks.len());
    Verdict::Taken
}

fn written_and_read(plan: &Plan) {
    let text = serde_json::to_string(plan).expect("a plan can be written");
    let back: Plan = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(back.format, plan.format);
    assert_eq!(back.blocks.len(), plan.blocks.len());
    for (a, b) in back.blocks.iter().zip(&plan.blocks) {
        assert_eq!((&a.block_id, a.start_utc_ms, a.end_utc_ms), (&b.block_id, b.start_utc_ms, b.end_utc_ms));
        assert_eq!(a.segments.len(), b.segments.len());
    }
}

/// Joins at the ends of all instants: the last comes after every block, the first too long before. A join exactly as
/// long before as may be begins with the block.
fn joined_from_afar(block: &BlockPlan, rate: FrameRate) {
    let begin = |join: UtcMs| {
        let mut session = Session::new(rate);
        session.accept(block, join, &mut Imagined).map(|()| session.start(join))
    };
    assert!(begin(UtcMs(i64::MAX)).is_err(), "a block after the end of time");
    let Ok(started) = begin(UtcMs(i64::MIN)) else { return };
    assert!(started.is_err(), "a session that waits for millions of years");
    let earliest = UtcMs(block.start_utc_ms.0 - MOST_WAIT.0);
    assert_eq!(begin(earliest), Ok(Ok(FrameIndex(0))));
    due_after_join(earliest, block.start_utc_ms, rate, FrameIndex(0), FrameIndex(0));
}

/// That the monotonic clock reaches the first frame and the fence: the first frame leaves at the block's start, or
/// less than a frame after a join behind it.
fn due_after_join(join: UtcMs, epoch: UtcMs, rate: FrameRate, first: FrameIndex, fence: FrameIndex) {
    let anchor = Anchor { mono: UPTIME, utc: join, epoch, rate };
    let due = anchor.due(first);
    if join <= epoch {
        assert_eq!(due, UPTIME.plus_nanos(epoch.since(join).0 * 1_000_000), "the block's start");
    } else {
        let longest = rate.nanos_floor(FrameIndex(1)) + 1;
        assert!(due >= UPTIME && due <= UPTIME.plus_nanos(longest), "{due:?} at a join at {UPTIME:?}");
    }
    assert!(anchor.due(fence) >= due && anchor.utc_at(UPTIME) == join);
}

/// What acceptance promises of a block.
fn judged(block: &BlockPlan) {
    let mut sum = 0i128;
    for (expected, segment) in block.segments.iter().enumerate() {
        assert_eq!(i64::from(segment.segment_index), expected as i64);
        assert!(segment.segment_duration_ms.0 > 0 && segment.asset_start_offset_ms.0 >= 0);
        sum += i128::from(segment.segment_duration_ms.0);
    }
    assert_eq!(sum, i128::from(block.end_utc_ms.0) - i128::from(block.start_utc_ms.0));
}

/// What fences promise of a block that begins at `begin`; returns its end.
fn fenced(block: &FencedBlock, begin: FrameIndex) -> FrameIndex {
    assert_eq!(block.start_frame, begin, "blocks meet");
    let mut at = block.start_frame;
    for segment in &block.segments {
        assert_eq!(segment.start_frame, at, "segments meet");
        assert!(segment.end_frame >= at);
        at = segment.end_frame;
    }
    assert_eq!(block.end_frame, at, "the last segment ends with its block");
    at
}

/// The tasks so far, which must follow each other frame by frame.
struct Tasks {
    ordinal: u64,
    end: FrameIndex,
}

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks { ordinal: 0, end: FrameIndex(0) }
    }
}

impl Tasks {
    fn take_from(&mut self, session: &mut Session) {
        while let TaskLookup::Task(task) = session.task(self.ordinal) {
            self.follow(&task);
            session.task_produced(self.ordinal);
            self.ordinal += 1;
        }
    }

    fn follow(&mut self, task: &SegmentTask) {
        assert_eq!(task.first_frame, self.end, "tasks meet");
        assert!(task.segment_start <= task.first_frame && task.first_frame < task.end_frame);
        assert!(task.planned_frames_left() >= -1);
        self.end = task.end_frame;
    }
}
