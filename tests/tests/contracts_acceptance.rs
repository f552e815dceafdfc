//! CONTRACT-BLOCK-001 and CONTRACT-LOOK-002 over the wire: every precondition, and what the refusal says
//! (seed 003 §7.5.1), from a real `retrovue-air serve`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_proto::message::{BlockPlan, Failure};
use retrovue_tests::air::{Air, Session, blocks};
use retrovue_tests::clip::plain;
use retrovue_tests::plan::{START, plan, sized};
use serde_json::{Value, json};
use std::path::Path;

/// What is wrong with a block, and what AIR must say: a code, and words of the detail.
type Case<'a> = (&'a str, &'a dyn Fn(&mut Value), &'a str, &'a [&'a str]);

/// A block of 60 s whose two segments are asked of `asset`.
fn block_at(asset: &Path, start: i64) -> Value {
    let mut plan = sized(plan((30, 1), &[&[(asset, 0, 30_000), (asset, 500, 30_000)]]), (320, 180));
    plan["blocks"][0]["start_utc_ms"] = json!(start);
    plan["blocks"][0]["end_utc_ms"] = json!(start + 60_000);
    plan
}

#[track_caller]
fn assert_refused(what: &str, answer: Result<(), Failure>, code: &str, says: &[&str]) {
    let failure = answer.expect_err(what);
    assert_eq!(failure.code, code, "{what}: {}", failure.detail);
    for words in says {
        assert!(failure.detail.contains(words), "{what}: {:?} should say {words:?}", failure.detail);
    }
}

fn wire(plan: &Value) -> BlockPlan {
    blocks(plan).remove(0)
}

fn running(air: &Air, clip: &Path) -> Session {
    let mut session = air.connect();
    session.start(&block_at(clip, START), START).unwrap();
    session
}

/// CONTRACT-BLOCK-001 P1 to P6, E1 to E5 and E7, and its inputs I1, I3 and I6: each broken block is
/// refused when it opens a session and when it is fed to a running one, with the code and the values that
/// broke it; nothing of it is queued, so that a good block finds its slot free.
#[test]
fn every_broken_precondition_is_refused_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("valid.mp4", 2).make(dir.path());
    let folder = dir.path().join("folder.mp4");
    std::fs::create_dir(&folder).unwrap();
    let text = dir.path().join("text.mp4");
    std::fs::write(&text, "no media").unwrap();
    let missing = dir.path().join("nonexistent.mp4");
    fn segment(block: &mut Value, n: usize) -> &mut Value {
        &mut block["segments"][n]
    }
    let set =
        |field: &'static str, value: Value| move |block: &mut Value| segment(block, 1)[field] = value.clone();
    let ends_before = |block: &mut Value| {
        let start = block["start_utc_ms"].as_i64().unwrap();
        block["end_utc_ms"] = json!(start - 1);
    };
    let ends_at_once = |block: &mut Value| block["end_utc_ms"] = block["start_utc_ms"].clone();
    let starts_at_one = |block: &mut Value| {
        segment(block, 0)["segment_index"] = json!(1);
        segment(block, 1)["segment_index"] = json!(2);
    };
    let nameless = |block: &mut Value| block["block_id"] = json!("");
    let empty = |block: &mut Value| block["segments"] = json!([]);
    let before_1970 = |block: &mut Value| block["start_utc_ms"] = json!(-1);
    let cases: &[Case<'_>] = &[
        ("P1 E7 ends before it starts", &ends_before, "INVALID_BLOCK_TIMING", &["end_utc_ms"]),
        ("P1 E7 ends as it starts", &ends_at_once, "INVALID_BLOCK_TIMING", &["after start_utc_ms"]),
        ("I3 before 1970", &before_1970, "INVALID_BLOCK_TIMING", &["-1"]),
        (
            "P3 E3 a gap",
            &set("segment_index", json!(2)),
            "INVALID_SEGMENT_INDEX",
            &["gap at index 1", "got 2"],
        ),
        ("P3 E3 twice", &set("segment_index", json!(0)), "INVALID_SEGMENT_INDEX", &["gap at index 1"]),
        ("P3 E3 not from 0", &starts_at_one, "INVALID_SEGMENT_INDEX", &["gap at index 0"]),
        (
            "P4 E2 too short",
            &set("segment_duration_ms", json!(20_000)),
            "SEGMENT_DURATION_MISMATCH",
            &["expected=60000", "actual=50000"],
        ),
        (
            "P4 E2 a millisecond too long",
            &set("segment_duration_ms", json!(30_001)),
            "SEGMENT_DURATION_MISMATCH",
            &["expected=60000", "actual=60001"],
        ),
        ("P4 E2 no segments", &empty, "SEGMENT_DURATION_MISMATCH", &["actual=0"]),
        ("I6 no time", &set("segment_duration_ms", json!(0)), "INVALID_DURATION", &["is 0"]),
        ("P5 E4 missing", &set("asset_uri", json!(missing)), "ASSET_MISSING", &["nonexistent.mp4"]),
        ("P5 E4 a folder", &set("asset_uri", json!(folder)), "ASSET_MISSING", &["folder.mp4"]),
        ("I6 no asset", &set("asset_uri", json!("")), "PROTOCOL_ERROR", &["segments[1].asset_uri"]),
        ("P5 no media", &set("asset_uri", json!(text)), "ASSET_ERROR", &["text.mp4"]),
        (
            "P6 E5 at its end",
            &set("asset_start_offset_ms", json!(2000)),
            "INVALID_OFFSET",
            &["2000", "valid.mp4"],
        ),
        ("P6 E5 beyond", &set("asset_start_offset_ms", json!(60_000)), "INVALID_OFFSET", &["60000"]),
        ("I6 before it", &set("asset_start_offset_ms", json!(-1)), "INVALID_OFFSET", &["-1"]),
        ("I1 no name", &nameless, "PROTOCOL_ERROR", &["block_id"]),
    ];
    let air = Air::start(dir.path());
    let (mut opening, mut session) = (air.connect(), running(&air, &clip));
    for (what, break_it, code, says) in cases {
        let mut first = block_at(&clip, START);
        break_it(&mut first["blocks"][0]);
        assert_refused(what, opening.start(&first, START), code, says);
        let mut next = block_at(&clip, START + 60_000);
        next["blocks"][0]["block_id"] = json!("next");
        break_it(&mut next["blocks"][0]);
        assert_refused(what, session.feed(wire(&next)), code, says);
    }
    assert_eq!(session.events().iter().filter(|e| e.failure.is_some()).count(), 0, "refusals fail nothing");
    let mut good = block_at(&clip, START + 60_000);
    good["blocks"][0]["block_id"] = json!("good");
    assert_eq!(session.feed(wire(&good)), Ok(()), "nothing was queued");
    assert_eq!(opening.start(&block_at(&clip, START), START), Ok(()), "nothing was queued");
}

/// TEST-BLOCK-ACCEPT-001 (CONTRACT-BLOCK-001): accepted with the reply to its own request, and queued: the
/// same block again is a duplicate, and its successor is accepted as contiguous.
#[test]
fn test_block_accept_001_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("valid.mp4", 2).make(dir.path());
    let air = Air::start(dir.path());
    let mut session = running(&air, &clip);
    let again = wire(&block_at(&clip, START + 60_000));
    assert_refused("again", session.feed(again.clone()), "DUPLICATE_BLOCK", &["B0"]);
    assert_eq!(session.feed(BlockPlan { block_id: "B1".into(), ..again }), Ok(()));
}

/// TEST-BLOCK-ACCEPT-002 and TEST-JOIN-003 (CONTRACT-BLOCK-001, CONTRACT-JOIN-001): a block that ended a
/// millisecond before the join is refused with that staleness; at its end it is stale too, a millisecond
/// earlier it is not. A block fed late to a running session is judged by that session's clock.
#[test]
fn test_block_accept_002_stale_block_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("valid.mp4", 2).make(dir.path());
    let air = Air::start(dir.path());
    let mut session = air.connect();
    let block = block_at(&clip, START);
    for (late, says) in [(1, "staleness_ms=1;"), (0, "staleness_ms=0;"), (3_600_000, "staleness_ms=3600000;")]
    {
        let answer = session.start(&block, START + 60_000 + late);
        assert_refused("stale", answer, "STALE_BLOCK_FROM_CORE", &[says]);
    }
    assert_eq!(session.events(), [], "no execution was attempted");
    assert_eq!(session.start(&block, START + 60_000 - 1000), Ok(()), "the last second is not stale");
    let past = wire(&block_at(&clip, START - 60_000));
    assert_refused("past", session.feed(past), "STALE_BLOCK_FROM_CORE", &["staleness_ms=5"]);
}

/// TEST-BLOCK-ACCEPT-006 (CONTRACT-BLOCK-001 E6, CONTRACT-LOOK-001): a third block is refused each time it
/// comes, whatever else could be said of it: the two that are queued stay where they are.
#[test]
fn test_block_accept_006_queue_full_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("valid.mp4", 2).make(dir.path());
    let air = Air::start(dir.path());
    let mut session = running(&air, &clip);
    let named =
        |n: i64| BlockPlan { block_id: format!("B{n}"), ..wire(&block_at(&clip, START + 60_000 * n)) };
    assert_eq!(session.feed(named(1)), Ok(()));
    for _ in 0..3 {
        assert_refused("full", session.feed(named(2)), "QUEUE_FULL", &["B2"]);
    }
    // Full comes before everything else that could be said of a third block.
    assert_refused("full", session.feed(named(4)), "QUEUE_FULL", &["B4"]);
}

/// TEST-LOOK-003 (CONTRACT-LOOK-002): a gap and an overlap of one millisecond are refused with both values.
#[test]
fn test_look_003_contiguity_over_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("valid.mp4", 2).make(dir.path());
    let air = Air::start(dir.path());
    let mut session = running(&air, &clip);
    let end = START + 60_000;
    for start in [end + 1, end - 1] {
        let mut block = wire(&block_at(&clip, start));
        block.block_id = "B1".into();
        let says = format!("expected {end}, got {start}");
        assert_refused("not contiguous", session.feed(block), "BLOCK_NOT_CONTIGUOUS", &[&says]);
    }
    let mut block = wire(&block_at(&clip, end));
    block.block_id = "B1".into();
    assert_eq!(session.feed(block), Ok(()));
}
