//! What only shows on the real clock and over the real socket: fences in wall time, what AIR says and when
//! it is silent (seed 003 §7.5.4, §7.5.6 to §7.5.9). Instants are compared one way only: never too early.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_proto::message::{Failure, SessionEnded, air_message::Message, block_event::Kind};
use retrovue_tests::air::{Air, Session, Viewed, blocks};
use retrovue_tests::bad_sector::{BadSector, middle};
use retrovue_tests::clip::{Clip, plain};
use retrovue_tests::levels::content_times;
use retrovue_tests::plan::{START, plan, render, sized};
use retrovue_tests::stream::check_continuous;
use retrovue_tests::viewing::{Seen, pictures};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Frames a second of every plan here, and ticks of one frame.
const FPS: (i64, i64) = (30, 1);
const FRAME: i64 = 3000;

fn code(ended: &SessionEnded) -> &str {
    ended.reason.as_ref().map_or("", |reason| &reason.code)
}

/// Writes what the viewer got where ffmpeg can read it.
fn stored(dir: &Path, viewed: &Viewed) -> PathBuf {
    let path = dir.join("viewed.ts");
    std::fs::write(&path, &viewed.bytes).unwrap();
    path
}

#[track_caller]
fn assert_shows(path: &Path, expected: impl Fn(i64) -> i64, frames: i64) {
    let seen = pictures(path, 1000);
    assert_eq!(seen.len() as i64, frames);
    for (k, seen) in (0..).zip(seen) {
        let number = if let Seen::Frame { number, .. } = seen { number } else { -1 };
        assert_eq!(number, expected(k), "output frame {k}");
    }
}

/// A block as Core would feed it late, in the plan's format, right after its last one.
fn late_block(plan: &Value) -> retrovue_proto::message::BlockPlan {
    let mut block = blocks(plan).remove(0);
    let length = block.end_utc_ms - block.start_utc_ms;
    block.block_id = "late".into();
    block.start_utc_ms = plan["blocks"].as_array().unwrap().last().unwrap()["end_utc_ms"].as_i64().unwrap();
    block.end_utc_ms = block.start_utc_ms + length;
    block
}

/// TEST-LOOK-001 (CONTRACT-BLOCK-003, CONTRACT-LOOK-001): at the fence block A completes, block B begins
/// without a gap, and slot 1 is empty: a third block, refused before, is taken.
#[test]
fn test_look_001_fence_with_a_pending_block() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 4).make(dir.path());
    let all = plan(FPS, &[&[(&clip, 0, 2000)], &[(&clip, 1000, 2000)], &[(&clip, 0, 1000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    let begun = Instant::now();
    session.start(&all, START).unwrap();
    let third = blocks(&all).remove(2);
    assert_eq!(session.feed(third.clone()).unwrap_err().code, "QUEUE_FULL");
    session.await_events(Kind::Completed, 1);
    assert!(begun.elapsed() >= Duration::from_millis(1900), "block A completed before its fence");
    session.await_events(Kind::Started, 2);
    assert_eq!(session.feed(third), Ok(()), "slot 1 is empty once B executes");
    assert_eq!(code(&session.await_end()), "LOOKAHEAD_EXHAUSTED");
    assert_eq!(
        session.event_lines(),
        ["started B0", "completed B0 60", "started B1", "completed B1 60", "started B2", "completed B2 30"]
    );
    let path = stored(dir.path(), &session.viewed());
    assert_eq!(check_continuous(&path, FRAME), 150);
    let expected = |k| match k {
        0..60 => k,
        60..120 => k - 60 + 30,
        _ => k - 120,
    };
    assert_shows(&path, expected, 150);
}

/// TEST-LOOK-002 (CONTRACT-BLOCK-003, CONTRACT-LOOK-003): with an empty slot 1 the session ends at the
/// fence, not before it, with LOOKAHEAD_EXHAUSTED, and nothing goes out after it: the last picture is the
/// fence's, and no filler or black follows.
#[test]
fn test_look_002_fence_with_an_empty_slot_ends_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 4).make(dir.path());
    let plan = plan(FPS, &[&[(&clip, 0, 2000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    let begun = Instant::now();
    session.start(&plan, START).unwrap();
    let ended = session.await_end();
    assert!(begun.elapsed() >= Duration::from_secs(2), "the session ended before the fence");
    assert_eq!(code(&ended), "LOOKAHEAD_EXHAUSTED");
    // The block completed; nothing failed in it.
    assert_eq!(session.event_lines(), ["started B0", "completed B0 60"]);
    assert!(matches!(session.heard.last().unwrap().message, Message::SessionEnded(_)), "the last word");
    let path = stored(dir.path(), &session.viewed());
    assert_shows(&path, |k| k, 60);
    assert_eq!(content_times(&path).last(), Some(&(59 * FRAME)));
}

/// CONTRACT-LOOK-003, the other side of it: a block that comes before the fence is in time, also when the
/// encoder has let out what it held back because the fence is near; the stream goes on without a gap.
#[test]
fn a_block_fed_shortly_before_the_fence_is_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 3).make(dir.path());
    let all = plan(FPS, &[&[(&clip, 0, 1500)], &[(&clip, 0, 800)], &[(&clip, 1000, 1000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    // The third is fed when the first completes: 800 ms before it would be too late.
    assert_eq!(code(&session.play(&all, START)), "LOOKAHEAD_EXHAUSTED");
    assert_eq!(session.event_lines().last().unwrap(), "completed B2 30");
    let path = stored(dir.path(), &session.viewed());
    assert_eq!(check_continuous(&path, FRAME), 99);
    let expected = |k| match k {
        0..45 => k,
        45..69 => k - 45,
        _ => k - 69 + 30,
    };
    assert_shows(&path, expected, 99);
}

/// What a stop cuts is told to the frame: the pictures that the viewer has whole. The next one has begun at most.
#[test]
fn a_stop_tells_how_many_frames_of_the_block_left() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 4).make(dir.path());
    let plan = plan(FPS, &[&[(&clip, 0, 1000)], &[(&clip, 0, 3000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    session.start(&plan, START).unwrap();
    session.await_events(Kind::Started, 2);
    session.stop().unwrap();
    let ended = session.await_end();
    assert_eq!((code(&ended), ended.block_id.as_deref()), ("", Some("B1")));
    assert_eq!(session.event_lines(), ["started B0", "completed B0 30", "started B1"]);
    let begun = session.viewed().bytes.as_chunks::<188>().0.iter().filter(|p| begins_picture(p)).count();
    assert_eq!(30 + ended.frames_emitted.unwrap() + 1, begun as i64);
}

/// payload_unit_start_indicator on the pictures' PID.
fn begins_picture(packet: &[u8; 188]) -> bool {
    packet[1] & 0x5F == 0x41 && packet[2] == 0
}

/// TEST-LOOK-004 (CONTRACT-LOOK-003): a block that comes after the fence of a dry queue is refused with
/// SESSION_TERMINATED and brings nothing back.
#[test]
fn test_look_004_late_block_does_not_revive_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 3).make(dir.path());
    let plan = plan(FPS, &[&[(&clip, 0, 1000)], &[(&clip, 1000, 1000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    session.start(&plan, START).unwrap();
    assert_eq!(code(&session.await_end()), "LOOKAHEAD_EXHAUSTED");
    let heard = session.heard.len();
    for _ in 0..2 {
        assert_eq!(session.feed(late_block(&plan)).unwrap_err().code, "SESSION_TERMINATED");
    }
    // The process answers until Core leaves; that is all it does.
    session.stop().unwrap();
    let said: Vec<_> = session.heard[heard..].iter().map(|heard| &heard.message).collect();
    let replies = said.iter().filter(|m| matches!(m, Message::Reply(_))).count();
    let ends = said.iter().filter(|m| matches!(m, Message::SessionEnded(_))).count();
    assert_eq!((replies, ends, said.len()), (3, 1, 4), "{said:?}");
    assert_shows(&stored(dir.path(), &session.viewed()), |k| k, 60);
}

/// TEST-DET-003 (CONTRACT-SEG-002): the same plan on the virtual clock and on the real one: transitions at
/// the same Content Times, and the same bytes, byte for byte; Core's feeding of the third block included.
/// INV-FRAME-003: no clock has a part in what is shown.
#[test]
fn test_det_003_transitions_do_not_depend_on_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 4).make(dir.path());
    let other = Clip {
        name: "other.mkv",
        size: (640, 360),
        rate: (25, 1),
        frames: 50,
        codecs: "-c:v libx264 -preset ultrafast -c:a ac3",
    }
    .make(dir.path());
    let plan = plan(
        (30_000, 1001),
        &[&[(&clip, 0, 1217), (&other, 0, 1283)], &[(&other, 500, 2000)], &[(&clip, 2000, 1000)]],
    );
    let join = START + 333;
    let rendered = render(dir.path(), "virtual.ts", &plan, Some(join));
    assert_eq!(rendered.exit, 0, "{}", rendered.errors);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    assert_eq!(code(&session.play(&plan, join)), "LOOKAHEAD_EXHAUSTED");
    let lines = session.event_lines();
    let frames = |n: usize| rendered.report["blocks"][n]["frames"].as_i64().unwrap();
    for n in 0..3 {
        assert_eq!(lines[2 * n + 1], format!("completed B{n} {}", frames(n)));
    }
    let viewed = session.viewed();
    let path = stored(dir.path(), &viewed);
    assert_eq!(content_times(&path), content_times(&rendered.path));
    assert_eq!(pictures(&path, 1000), pictures(&rendered.path, 1000));
    assert!(std::fs::read(&rendered.path).unwrap() == viewed.bytes, "the clock changed the bytes");
}

/// Everything said after the replies to the opening requests, in short.
fn said(session: &Session) -> Vec<String> {
    let mut events = session.event_lines().into_iter();
    let messages = session.heard.iter().skip_while(|h| matches!(h.message, Message::Reply(_)));
    messages
        .map(|heard| match &heard.message {
            Message::BlockEvent(_) => events.next().unwrap(),
            Message::SessionEnded(ended) => format!("ended {}", code(ended)),
            Message::Reply(reply) => format!("reply {}", reply.request_id),
        })
        .collect()
}

/// TEST-UNDER-003 (CONTRACT-SEG-003, CONTRACT-BLOCK-002): two underruns and three transitions within a
/// block; from the block's start to its completion AIR says nothing at all, and all it ever says is of
/// blocks.
#[test]
fn test_under_003_underrun_does_not_notify_core() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (plain("short.mp4", 1).make(dir.path()), plain("long.mp4", 4).make(dir.path()));
    let plan = plan(FPS, &[&[(&short, 500, 1000), (&long, 0, 500), (&short, 0, 1500)], &[(&long, 0, 500)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    assert_eq!(code(&session.play(&plan, START)), "LOOKAHEAD_EXHAUSTED");
    assert_eq!(
        said(&session),
        ["started B0", "completed B0 90", "started B1", "completed B1 15", "ended LOOKAHEAD_EXHAUSTED"]
    );
    // The underruns did happen.
    let expected = |k| match k {
        0..15 => 15 + k,
        15..30 => -1,
        30..45 => k - 30,
        45..75 => k - 45,
        75..90 => -1,
        _ => k - 90,
    };
    assert_shows(&stored(dir.path(), &session.viewed()), expected, 105);
}

/// Nothing in a failure that reached Core tells which segment it was, by its asset neither.
#[track_caller]
fn assert_names_no_segment(failure: &Failure, asset: &Path) {
    let words = format!("{} {}", failure.code, failure.detail).to_lowercase();
    let name = asset.file_name().unwrap().to_str().unwrap();
    for word in [name, "segment", "index", "position", "seg["] {
        assert!(!words.contains(word), "{word} in {words:?}");
    }
    assert!(!words.contains(|c: char| c.is_ascii_digit()), "a number in {words:?}");
}

/// TEST-FAIL-002 (CONTRACT-SEG-005): segment 2 becomes unreadable while it plays; Core hears of the block,
/// ASSET_ERROR, and of the session's end; no segment index in either, and nothing about segments 0 and 1
/// before. The queue is cleared: what is fed afterwards is refused.
#[test]
fn test_fail_002_failure_reports_no_segment_index() {
    let dir = tempfile::tempdir().unwrap();
    let good = plain("good.mp4", 2).make(dir.path());
    let codecs = "-c:v libx264 -preset ultrafast -g 25 -b:v 4M -maxrate 4M -bufsize 1M \
        -x264-params nal-hrd=cbr:filler=1 -c:a aac";
    let bad = Clip { name: "bad.mkv", size: (640, 360), rate: (25, 1), frames: 100, codecs }.make(dir.path());
    let disk = BadSector::of(dir.path(), &bad, middle(&bad));
    let plan = plan(
        FPS,
        &[&[(&good, 0, 500), (&good, 500, 500), (&bad, 0, 4000), (&good, 0, 1000)], &[(&good, 0, 1000)]],
    );
    let air = Air::start_program(dir.path(), &disk.program);
    let mut session = air.connect();
    session.start(&plan, START).unwrap();
    let ended = session.await_end();
    assert_eq!(code(&ended), "ASSET_ERROR");
    let events = session.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!((events[0].kind(), events[1].kind()), (Kind::Started, Kind::Failed));
    let failure = events[1].failure.clone().unwrap();
    assert_eq!((failure.code.as_str(), events[1].block_id.as_str()), ("ASSET_ERROR", "B0"));
    assert_names_no_segment(&failure, &bad);
    assert_names_no_segment(ended.reason.as_ref().unwrap(), &bad);
    assert_eq!(session.feed(late_block(&plan)).unwrap_err().code, "SESSION_TERMINATED");

    // What had been decoded went out, and nothing in the place of what had not.
    let frames = events[1].frames_emitted;
    assert!((60..120).contains(&frames), "{frames} frames, the fault lies at half of the third segment");
    let expected = |k| if k < 30 { k } else { (k - 30) * 25 / 30 };
    assert_shows(&stored(dir.path(), &session.viewed()), expected, frames);
    assert!(disk.failed_reads() > 0);
}

/// CONTRACT-SEG-005 and INV-BLOCKPLAN-NO-SEGMENT-RECOVERY: an asset that was there when its block was
/// accepted and is gone when its segment comes ends the session at that boundary.
#[test]
fn an_asset_that_vanishes_after_acceptance_ends_the_session_at_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (stays, goes) = (plain("stays.mp4", 9).make(dir.path()), plain("goes.mp4", 2).make(dir.path()));
    let plan = plan(FPS, &[&[(&stays, 0, 8500), (&goes, 0, 1000), (&stays, 0, 1000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    session.start(&plan, START).unwrap();
    std::fs::remove_file(&goes).unwrap();
    let ended = session.await_end();
    assert_eq!(code(&ended), "ASSET_ERROR");
    assert_names_no_segment(ended.reason.as_ref().unwrap(), &goes);
    assert_eq!(session.event_lines(), ["started B0", "failed B0 255 ASSET_ERROR"]);
    assert_shows(&stored(dir.path(), &session.viewed()), |k| k, 255);
}

/// TEST-JOIN-001 (CONTRACT-JOIN-001): a join one second early sends nothing before the block's start, and
/// begins there with Content Time 0 and the asset's first frame.
#[test]
fn test_join_001_early_join_sends_nothing_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 2).make(dir.path());
    let plan = plan(FPS, &[&[(&clip, 0, 1000)]]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    let asked = Instant::now();
    session.start(&plan, START - 1000).unwrap();
    assert_eq!(code(&session.await_end()), "LOOKAHEAD_EXHAUSTED");
    let viewed = session.viewed();
    let waited = viewed.arrivals[0].0 - asked;
    // Packets of one batch leave together, up to 10 ms before the last of them is due.
    assert!(waited >= Duration::from_millis(990), "output after {waited:?}");
    let path = stored(dir.path(), &viewed);
    assert_eq!(content_times(&path)[0], 0);
    assert_shows(&path, |k| k, 30);
}

/// TEST-JOIN-002 (CONTRACT-JOIN-002): a join in the middle of the second segment over the socket begins at
/// its Content Time, in that segment, that far into its asset. INV-P8-005: the epoch is the block's start
/// and stays it in the next block: stamps count from there.
#[test]
fn test_join_002_mid_block_join_over_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (plain("a.mp4", 2).make(dir.path()), plain("b.mp4", 3).make(dir.path()));
    let plan = sized(plan(FPS, &[&[(&a, 0, 1500), (&b, 0, 1500)], &[(&a, 0, 500)]]), (320, 180));
    let air = Air::start(dir.path());
    let mut session = air.connect();
    assert_eq!(code(&session.play(&plan, START + 2000)), "LOOKAHEAD_EXHAUSTED");
    assert_eq!(session.event_lines()[1], "completed B0 30");
    let path = stored(dir.path(), &session.viewed());
    assert_eq!(content_times(&path), (60..105).map(|k| k * FRAME).collect::<Vec<_>>());
    assert_shows(&path, |k| if k < 30 { 15 + k } else { k - 30 }, 45);
    assert_eq!(plan["blocks"][0]["start_utc_ms"], json!(START));
}
