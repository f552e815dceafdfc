//! The session against its contracts, without media: acceptance, boundaries, joins, the queue.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use proptest::prelude::*;
use retrovue_engine::clock::{Clock, MonoNs};
use retrovue_engine::pipeline::SharedSession;
use retrovue_engine::session::{
    Anchor, AssetFacts, MOST_WAIT, ProducerStep, Rejection, Session, SessionEvent, TaskLookup,
};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Assets by name and length; anything else is missing.
struct Shelf(BTreeMap<&'static str, i64>);

impl AssetFacts for Shelf {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        self.0
            .get(asset_uri)
            .map(|&ms| (PathBuf::from(asset_uri), Some(Millis(ms))))
            .ok_or_else(|| Failure::new(FailureCode::AssetMissing, format!("{asset_uri} is not there")))
    }
}

fn shelf() -> Shelf {
    Shelf(BTreeMap::from([("valid.mp4", 120_000), ("a.mp4", 3_600_000), ("b.mp4", 3_600_000)]))
}

fn block(id: &str, start: i64, end: i64, segments: &[(i32, &str, i64, i64)]) -> BlockPlan {
    BlockPlan {
        block_id: id.to_owned(),
        channel_id: 1,
        start_utc_ms: UtcMs(start),
        end_utc_ms: UtcMs(end),
        events: vec![],
        cues: vec![],
        segments: segments
            .iter()
            .map(|&(index, uri, offset, duration)| Segment {
                segment_index: index,
                asset_uri: uri.to_owned(),
                asset_start_offset_ms: Millis(offset),
                segment_duration_ms: Millis(duration),
                frame_count: None,
                metadata: Default::default(),
            })
            .collect(),
    }
}

fn session() -> Session {
    Session::new(FrameRate::new(30, 1).unwrap())
}

fn accept(session: &mut Session, plan: &BlockPlan, receipt: i64) -> Result<(), (FailureCode, String)> {
    session.accept(plan, UtcMs(receipt), &mut shelf()).map_err(|f| (f.code, f.detail))
}

fn check_rejected(plan: &BlockPlan, receipt: i64, code: FailureCode, says: &str) {
    let mut session = session();
    let (found, detail) = accept(&mut session, plan, receipt).unwrap_err();
    assert_eq!(found, code, "{detail}");
    assert!(detail.contains(says), "{detail:?} should say {says:?}");
    assert_eq!(session.epoch(), None, "a rejected block leaves no trace");
    assert!(session.has_room());
}

fn minute(id: &str, n: i64) -> BlockPlan {
    block(id, 1_000_000 + n * 60_000, 1_060_000 + n * 60_000, &[(0, "a.mp4", 0, 60_000)])
}

fn frames_of(session: &mut Session) -> Vec<(i64, i64)> {
    let mut stretches = Vec::new();
    for ordinal in 0.. {
        match session.task(ordinal) {
            TaskLookup::Task(task) => stretches.push((task.first_frame.0, task.end_frame.0)),
            _ => break,
        }
    }
    stretches
}

/// TEST-BLOCK-ACCEPT-001 (CONTRACT-BLOCK-001 G1, G3)
#[test]
fn test_block_accept_001_valid_single_segment_block_accepted() {
    let mut session = session();
    let plan = block("B001", 1_000_000, 1_060_000, &[(0, "valid.mp4", 0, 60_000)]);
    accept(&mut session, &plan, 999_000).unwrap();
    assert_eq!(session.epoch(), Some(UtcMs(1_000_000)));
    assert!(session.has_room(), "slot 0 is taken, slot 1 is free");
}

/// TEST-BLOCK-ACCEPT-002 (CONTRACT-BLOCK-001 E1, INV-BLOCKPLAN-FRESHNESS)
#[test]
fn test_block_accept_002_stale_block_rejected() {
    let plan = block("B002", 1_000_000, 1_060_000, &[(0, "valid.mp4", 0, 60_000)]);
    check_rejected(&plan, 1_060_001, FailureCode::StaleBlockFromCore, "staleness_ms=1;");
    check_rejected(&plan, 1_060_000, FailureCode::StaleBlockFromCore, "staleness_ms=0;");
}

/// TEST-BLOCK-ACCEPT-003 (CONTRACT-BLOCK-001 E2, INV-BLOCKPLAN-DURATION-SUM)
#[test]
fn test_block_accept_003_duration_mismatch_rejected() {
    let plan = block("B003", 1_000_000, 1_060_000, &[(0, "a.mp4", 0, 30_000), (1, "b.mp4", 0, 20_000)]);
    check_rejected(&plan, 0, FailureCode::SegmentDurationMismatch, "expected=60000, actual=50000");
}

/// TEST-BLOCK-ACCEPT-004 (CONTRACT-BLOCK-001 E3)
#[test]
fn test_block_accept_004_non_contiguous_segment_indices_rejected() {
    let plan = block("B004", 1_000_000, 1_060_000, &[(0, "a.mp4", 0, 30_000), (2, "b.mp4", 0, 30_000)]);
    check_rejected(&plan, 0, FailureCode::InvalidSegmentIndex, "gap at index 1");
    let plan = block("B004", 1_000_000, 1_060_000, &[(1, "a.mp4", 0, 60_000)]);
    check_rejected(&plan, 0, FailureCode::InvalidSegmentIndex, "gap at index 0");
}

/// TEST-BLOCK-ACCEPT-005 (CONTRACT-BLOCK-001 E4)
#[test]
fn test_block_accept_005_missing_asset_rejected() {
    let plan = block("B005", 1_000_000, 1_060_000, &[(0, "nonexistent.mp4", 0, 60_000)]);
    check_rejected(&plan, 0, FailureCode::AssetMissing, "nonexistent.mp4");
}

/// TEST-BLOCK-ACCEPT-006 (CONTRACT-BLOCK-001 E6, CONTRACT-LOOK-001 R3)
#[test]
fn test_block_accept_006_queue_full_rejected() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    let (code, _) = accept(&mut session, &minute("C", 2), 0).unwrap_err();
    assert_eq!(code, FailureCode::QueueFull);
    session.start(UtcMs(1_000_000)).unwrap();
    assert_eq!(frames_of(&mut session), [(0, 1800), (1800, 3600)], "the queued blocks are unchanged");
}

/// CONTRACT-BLOCK-001 E5, E7 and the fields of I5 and I6.
#[test]
fn broken_fields_are_rejected_by_name() {
    let whole = |start, end, offset, duration| block("B", start, end, &[(0, "valid.mp4", offset, duration)]);
    check_rejected(&whole(2000, 2000, 0, 1), 0, FailureCode::InvalidBlockTiming, "after start_utc_ms");
    check_rejected(&whole(2000, 1000, 0, 1), 0, FailureCode::InvalidBlockTiming, "after start_utc_ms");
    check_rejected(&whole(i64::MIN, i64::MAX, 0, 1), 0, FailureCode::InvalidBlockTiming, "since 1970");
    check_rejected(&whole(0, 60_000, 120_000, 60_000), -1, FailureCode::InvalidOffset, "120000 ms long");
    check_rejected(&whole(0, 60_000, -1, 60_000), -1, FailureCode::InvalidOffset, "-1");
    check_rejected(&whole(0, 60_000, 0, 0), -1, FailureCode::InvalidDuration, "is 0");
    check_rejected(&block("B", 0, 60_000, &[]), -1, FailureCode::SegmentDurationMismatch, "actual=0");
    check_rejected(&block("", 0, 60_000, &[]), -1, FailureCode::ProtocolError, "block_id");
    let huge = [(0, "a.mp4", 0, i64::MAX), (1, "a.mp4", 0, i64::MAX)];
    check_rejected(&block("B", 0, 60_000, &huge), -1, FailureCode::SegmentDurationMismatch, "expected=60000");
}

/// TEST-CT-001 (CONTRACT-SEG-001)
#[test]
fn test_ct_001_boundaries_of_a_multi_segment_block() {
    let segments = [(0, "a.mp4", 0, 10_000), (1, "b.mp4", 0, 20_000), (2, "a.mp4", 0, 30_000)];
    let plan = block("B", 1_000_000, 1_060_000, &segments);
    let paths = vec![PathBuf::from("a"), PathBuf::from("b"), PathBuf::from("a")];
    let rate = FrameRate::new(30, 1).unwrap();
    let fenced = retrovue_engine::session::FencedBlock::new(&plan, paths, UtcMs(1_000_000), rate);
    let ct: Vec<_> = fenced.segments.iter().map(|s| (s.start_ct.0, s.end_ct.0)).collect();
    assert_eq!(ct, [(0, 10_000), (10_000, 30_000), (30_000, 60_000)]);
    let frames: Vec<_> = fenced.segments.iter().map(|s| (s.start_frame.0, s.end_frame.0)).collect();
    assert_eq!(frames, [(0, 300), (300, 900), (900, 1800)]);
}

/// TEST-JOIN-001 (CONTRACT-JOIN-001 C1)
#[test]
fn test_join_001_early_join_begins_at_the_block_start() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 999_000).unwrap();
    assert_eq!(session.start(UtcMs(999_000)).unwrap(), FrameIndex(0));
    assert_eq!(session.epoch(), Some(UtcMs(1_000_000)));
}

/// The instant of a join comes from the socket and may be any number.
#[test]
fn a_join_absurdly_early_is_refused_and_the_earliest_keeps_its_clock() {
    let earliest = 1_000_000 - MOST_WAIT.0;
    for (join, refused) in [(i64::MIN, true), (-i64::MAX / 2, true), (earliest - 1, true), (earliest, false)]
    {
        let mut session = session();
        accept(&mut session, &minute("A", 0), join).unwrap();
        let started = session.start(UtcMs(join)).map_err(|failure| failure.code);
        if refused {
            assert_eq!(started, Err(FailureCode::InvalidBlockTiming), "{join}");
            assert_eq!(session.task(0), TaskLookup::NotYet { fence: FrameIndex(1800) }, "nothing plays");
            continue;
        }
        assert_eq!(started, Ok(FrameIndex(0)), "{join}");
        let (epoch, rate) = (session.epoch().unwrap(), FrameRate::new(30, 1).unwrap());
        let anchor = Anchor { mono: MonoNs(7), utc: UtcMs(join), epoch, rate };
        assert_eq!(anchor.due(FrameIndex(30)), MonoNs(7 + (MOST_WAIT.0 + 1000) * 1_000_000));
    }
}

/// TEST-JOIN-002 (CONTRACT-JOIN-002)
#[test]
fn test_join_002_mid_block_join_computes_the_offset() {
    let mut session = session();
    let plan = block("B", 1_000_000, 1_060_000, &[(0, "a.mp4", 0, 30_000), (1, "b.mp4", 0, 30_000)]);
    accept(&mut session, &plan, 1_045_000).unwrap();
    assert_eq!(session.start(UtcMs(1_045_000)).unwrap(), FrameIndex(1350));
    assert_eq!(session.epoch(), Some(UtcMs(1_000_000)), "the epoch is the block's start, not the join");
    let TaskLookup::Task(task) = session.task(0) else { panic!("no task") };
    assert_eq!(task.path, PathBuf::from("b.mp4"));
    assert_eq!(task.first_frame.frames_since(task.segment_start), 450, "15 s into the segment");
}

/// TEST-JOIN-003 (CONTRACT-JOIN-001 C3)
#[test]
fn test_join_003_stale_block_rejected() {
    let plan = block("B", 940_000, 1_000_000, &[(0, "a.mp4", 0, 60_000)]);
    check_rejected(&plan, 1_000_001, FailureCode::StaleBlockFromCore, "staleness_ms=1;");
}

/// TEST-LOOK-003 (CONTRACT-LOOK-002 E1)
#[test]
fn test_look_003_block_contiguity_enforced() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    for (start, end) in [(1_060_001, 1_120_001), (1_059_999, 1_119_999)] {
        let plan = block("B", start, end, &[(0, "a.mp4", 0, 60_000)]);
        let (code, detail) = accept(&mut session, &plan, 0).unwrap_err();
        assert_eq!(code, FailureCode::BlockNotContiguous);
        assert!(detail.contains(&format!("expected 1060000, got {start}")), "{detail}");
    }
}

#[test]
fn duplicate_block_rejected() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    assert_eq!(accept(&mut session, &minute("A", 1), 0).unwrap_err().0, FailureCode::DuplicateBlock);
}

/// TEST-LOOK-004 (CONTRACT-LOOK-003): a terminated session stays so.
#[test]
fn test_look_004_late_block_after_fence_rejected() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.on_emitted(FrameIndex(1800));
    session.fail(Failure::new(FailureCode::LookaheadExhausted, String::new()));
    assert_eq!(accept(&mut session, &minute("B", 1), 0).unwrap_err().0, FailureCode::SessionTerminated);
    let events: Vec<_> = session.take_events().collect();
    assert_eq!(
        events,
        [
            SessionEvent::BlockStarted { block_id: "A".into() },
            SessionEvent::BlockCompleted { block_id: "A".into(), frames: 1800 },
        ]
    );
}

/// CONTRACT-LOOK-001 G3, also where the pending block comes after everything before it was produced.
#[test]
fn a_slot_opens_when_the_executing_block_is_produced() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.task_produced(0);
    accept(&mut session, &minute("B", 1), 0).unwrap();
    assert!(session.has_room(), "A was produced, B executes");
    accept(&mut session, &minute("C", 2), 0).unwrap();
    assert!(!session.has_room());
    session.task_produced(1);
    assert!(session.has_room());
}

/// CONTRACT-LOOK-001 G1: a short task of the pending block is ready while the executing block still plays.
#[test]
fn tasks_produced_out_of_order_open_no_slot() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.task_produced(1);
    assert!(!session.has_room(), "A is still being produced");
    assert!(matches!(session.task(0), TaskLookup::Task(_)));
    session.task_produced(0);
    assert!(session.has_room());
}

/// CONTRACT-LOOK-001: a block of which the join leaves no frame holds no slot.
#[test]
fn a_join_behind_the_last_frame_of_a_block_frees_its_slot() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    assert_eq!(session.start(UtcMs(1_059_999)).unwrap(), FrameIndex(1800));
    assert!(session.has_room());
    accept(&mut session, &minute("C", 2), 0).unwrap();
}

/// CONTRACT-LOOK-003: at the fence nothing more is taken, but what was accepted plays, also where the other
/// producer is late with it.
#[test]
fn an_exhausted_session_plays_what_it_accepted() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    let shared = SharedSession::new(session, Clock::stepping());
    let (epoch, rate) = (UtcMs(1_000_000), FrameRate::new(30, 1).unwrap());
    shared.set_anchor(Anchor { mono: MonoNs(0), utc: epoch, epoch, rate });
    let fence = Some(MonoNs(120_000_000_000));
    let exhausted = shared.next_step(2, true, fence);
    assert_eq!(exhausted, ProducerStep::Exhausted { fence: FrameIndex(3600) });
    assert_eq!(shared.failure().map(|f| f.code.clone()), Some(FailureCode::LookaheadExhausted));
    assert!(matches!(shared.next_step(1, false, fence), ProducerStep::Task(_)));
    assert_eq!(shared.next_step(2, true, fence), ProducerStep::Finished);
    let late = accept(&mut shared.lock(), &minute("C", 2), 0);
    assert_eq!(late.unwrap_err().0, FailureCode::SessionTerminated);
}

/// CONTRACT-SEG-005 G3: what was started ends in one event, whatever ended the session first.
#[test]
fn a_block_whose_frames_never_left_fails_also_when_the_lookahead_was_exhausted() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.on_emitted(FrameIndex(1799));
    let failure = Failure::new(FailureCode::LookaheadExhausted, String::new());
    session.fail(failure.clone());
    let events: Vec<_> = session.take_events().collect();
    assert_eq!(events[1..], [SessionEvent::BlockFailed { block_id: "A".into(), frames: 1799, failure }]);
}

/// CONTRACT-SEG-002 F4, CONTRACT-LOOK-001: a producer that finishes short segments before the other one
/// has finished what is on the air neither takes the other's segments away nor opens a slot early.
#[test]
fn segments_produced_out_of_order_are_not_skipped() {
    let mut session = session();
    let shorts: Vec<_> = (0..6).map(|i| (i, "a.mp4", 0, 100)).collect();
    accept(&mut session, &block("A", 1_000_000, 1_000_600, &shorts), 0).unwrap();
    accept(&mut session, &block("B", 1_000_600, 1_001_200, &shorts), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    let first_frame = |session: &Session, ordinal| match session.task(ordinal) {
        TaskLookup::Task(task) => Some(task.first_frame.0),
        _ => None,
    };
    for ordinal in [1, 3, 5] {
        session.task_produced(ordinal);
        assert_eq!(first_frame(&session, 2), Some(6), "after {ordinal}");
        assert!(!session.has_room(), "block A is not produced");
    }
    for ordinal in [0, 2, 4] {
        assert_eq!(first_frame(&session, ordinal), Some(3 * ordinal as i64));
        session.task_produced(ordinal);
    }
    assert!(session.has_room(), "block A is produced");
    assert_eq!(first_frame(&session, 6), Some(18));
}

const RATES: [(i64, i64); 6] = [(24_000, 1001), (25, 1), (30, 1), (30_000, 1001), (50, 1), (60_000, 1001)];

proptest! {
    /// Whatever the durations, rate and join: tasks meet without gap or overlap from the join frame
    /// to the last fence, and the frames reported per block add up to them.
    #[test]
    fn tasks_tile_the_session(
        durations in prop::collection::vec(prop::collection::vec(1i64..5000, 1..6), 1..8),
        which in 0..RATES.len(),
        start in 0i64..4_000_000_000_000,
        join_share in 0i64..1000,
    ) {
        let rate = FrameRate::new(RATES[which].0, RATES[which].1).unwrap();
        let mut session = Session::new(rate);
        let first_length: i64 = durations[0].iter().sum();
        let join = UtcMs(start + first_length * join_share / 1000);
        let (mut at, mut ordinal, mut expected, mut begun) = (start, 0, None, false);
        for (n, parts) in durations.iter().enumerate() {
            let length: i64 = parts.iter().sum();
            let segments: Vec<_> =
                parts.iter().enumerate().map(|(i, &d)| (i as i32, "a.mp4", 0, d)).collect();
            let plan = block(&n.to_string(), at, at + length, &segments);
            session.accept(&plan, join, &mut shelf()).unwrap();
            if !begun {
                expected = Some(session.start(join).unwrap());
                begun = true;
            }
            while let TaskLookup::Task(task) = session.task(ordinal) {
                prop_assert_eq!(Some(task.first_frame), expected);
                prop_assert!(task.first_frame < task.end_frame);
                prop_assert!(task.segment_start <= task.first_frame);
                expected = Some(task.end_frame);
                session.task_produced(ordinal);
                ordinal += 1;
            }
            at += length;
        }
        let first = rate.frame_at_or_after(UtcMs(start), join);
        let fence = rate.frame_at_or_after(UtcMs(start), UtcMs(at));
        session.on_emitted(fence);
        let frames: i64 = session
            .take_events()
            .map(|e| if let SessionEvent::BlockCompleted { frames, .. } = e { frames } else { 0 })
            .sum();
        prop_assert_eq!(frames, fence.frames_since(first));
    }
}

/// INV-FRAME-001, INV-FRAME-002 and INV-FRAME-003 (seed 003 §1.6 names them as frame-indexed execution):
/// every fence and boundary is an index computed from the epoch in integers, the same however the session
/// got there; nothing is accumulated, and no call takes an instant once it runs. 20,000 blocks of odd
/// lengths at each rate: block `n`'s fence is the ceiling of its own instant, and tasks meet at it.
///
/// CONTRACT-BLOCK-003 G4: no frame between two blocks, none in both. CONTRACT-LOOK-001 G1: never more than
/// two blocks.
#[test]
fn twenty_thousand_fences_at_each_rate() {
    const EPOCH: i64 = 1_700_000_000_000;
    for (num, den) in RATES {
        let rate = FrameRate::new(num, den).unwrap();
        let mut session = Session::new(rate);
        let (mut at, mut ordinal, mut end) = (0, 0, 0);
        for n in 0..20_000_i64 {
            let parts = [1 + n * 7919 % 977, 1 + n * 104_729 % 3001];
            let length: i64 = parts.iter().sum();
            let plan = block(
                &n.to_string(),
                EPOCH + at,
                EPOCH + at + length,
                &[(0, "a.mp4", 0, parts[0]), (1, "b.mp4", 0, parts[1])],
            );
            accept(&mut session, &plan, EPOCH).unwrap();
            if n == 0 {
                session.start(UtcMs(EPOCH)).unwrap();
            }
            at += length;
            while let TaskLookup::Task(task) = session.task(ordinal) {
                assert_eq!(task.first_frame.0, end, "{num}/{den}: block {n}");
                end = task.end_frame.0;
                session.task_produced(ordinal);
                ordinal += 1;
            }
            let fence = i128::from(at) * i128::from(num);
            let per_ms = i128::from(den) * 1000;
            assert_eq!(i128::from(end), (fence + per_ms - 1) / per_ms, "{num}/{den}: fence {n}");
        }
        session.on_emitted(FrameIndex(end));
        let frames: i64 = session
            .take_events()
            .map(|event| if let SessionEvent::BlockCompleted { frames, .. } = event { frames } else { 0 })
            .sum();
        assert_eq!(frames, end, "{num}/{den}: every frame is some block's");
    }
}

/// INV-P8-005: the epoch is the first accepted block's start; neither a join, a later block, a refused one,
/// what is emitted nor the end of the session moves it.
#[test]
fn the_epoch_is_set_once() {
    let mut session = session();
    let stale = block("S", 900_000, 960_000, &[(0, "a.mp4", 0, 60_000)]);
    accept(&mut session, &stale, 999_000).unwrap_err();
    assert_eq!(session.epoch(), None, "a refused block sets no epoch");
    let epoch = Some(UtcMs(1_000_000));
    accept(&mut session, &minute("A", 0), 1_010_000).unwrap();
    assert_eq!(session.epoch(), epoch);
    session.start(UtcMs(1_010_000)).unwrap();
    assert_eq!(session.epoch(), epoch, "not the join");
    accept(&mut session, &minute("B", 1), 1_010_000).unwrap();
    session.task_produced(0);
    session.on_emitted(FrameIndex(2000));
    accept(&mut session, &minute("C", 2), 1_070_000).unwrap();
    accept(&mut session, &minute("Z", 9), 1_070_000).unwrap_err();
    assert_eq!(session.epoch(), epoch, "not a later block");
    session.terminate();
    assert_eq!(session.epoch(), epoch);
}

/// INV-P8-TIMELINE-MONOTONIC: what has been emitted never becomes less; a smaller number changes nothing.
#[test]
fn emitted_frames_only_grow() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.on_emitted(FrameIndex(900));
    session.on_emitted(FrameIndex(10));
    session.on_emitted(FrameIndex(-5));
    session.fail(Failure::new(FailureCode::AssetError, String::new()));
    let Some(SessionEvent::BlockFailed { frames, .. }) = session.take_events().nth(1) else {
        panic!("no end")
    };
    assert_eq!(frames, 900);
}

/// What a stop tells: the block whose first frame left and whose last did not.
#[test]
fn the_block_on_the_air_is_the_one_that_began_and_has_not_ended() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    // A join ten seconds in.
    session.start(UtcMs(1_010_000)).unwrap();
    let steps = [
        (300, None),
        (301, Some(("A", 1))),
        (1_799, Some(("A", 1_499))),
        (1_800, None),
        (1_802, Some(("B", 2))),
    ];
    for (end, on_air) in steps {
        session.on_emitted(FrameIndex(end));
        assert_eq!(session.on_air(), on_air, "{end}");
    }
    session.fail(Failure::new(FailureCode::AssetError, String::new()));
    assert_eq!(session.on_air(), None);
}

/// CONTRACT-BLOCK-002 Q2, CONTRACT-SEG-005 G4: a failure empties both slots, tells of the block on the air
/// alone, and leaves nothing to play.
#[test]
fn a_failure_clears_both_slots() {
    let mut session = session();
    accept(&mut session, &minute("A", 0), 0).unwrap();
    accept(&mut session, &minute("B", 1), 0).unwrap();
    session.start(UtcMs(1_000_000)).unwrap();
    session.on_emitted(FrameIndex(100));
    session.fail(Failure::new(FailureCode::AssetError, String::new()));
    assert!(session.is_terminated());
    assert_eq!(session.task(0), TaskLookup::Ended);
    assert_eq!(session.task(1), TaskLookup::Ended);
    let blocks: Vec<_> = session
        .take_events()
        .map(|event| match event {
            SessionEvent::BlockStarted { block_id } => format!("started {block_id}"),
            SessionEvent::BlockCompleted { block_id, .. } => format!("completed {block_id}"),
            SessionEvent::BlockFailed { block_id, frames, .. } => format!("failed {block_id} {frames}"),
        })
        .collect();
    assert_eq!(blocks, ["started A", "failed A 100"]);
}
