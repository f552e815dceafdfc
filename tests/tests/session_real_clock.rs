//! Single sessions of a real `retrovue-air serve` on the real clock: the older requests, and a session
//! that is held up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_proto::message::{HouseFormat, LoadPreview, SwitchToLive};
use retrovue_tests::air::Air;
use retrovue_tests::clip::plain;
use retrovue_tests::plan::{START, plan};
use retrovue_tests::programs::{Signal, signal};
use retrovue_tests::stream::check_continuous;
use retrovue_tests::viewing::{Seen, pictures};
use std::path::Path;
use std::time::Duration;

fn preview(path: &Path, offset: i64, duration: i64, frames: Option<i64>) -> LoadPreview {
    LoadPreview {
        asset_uri: path.to_string_lossy().into_owned(),
        asset_start_offset_ms: offset,
        duration_ms: duration,
        frame_count: frames,
    }
}

fn switch(at: i64) -> SwitchToLive {
    let format = HouseFormat {
        width: 640,
        height: 360,
        fps_num: 30,
        fps_den: 1,
        video_bitrate_kbps: 1500,
        audio_bitrate_kbps: 128,
        gop_frames: 30,
        ..Default::default()
    };
    SwitchToLive { channel_id: 1, start_utc_ms: at, format: Some(format), join_utc_ms: START, service: None }
}

/// P8-PLAN-001, P8-PLAN-002 (INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001): the planned count is captured by
/// LoadPreview and compared with what was delivered; a deficit is filled with black up to the boundary,
/// longer content is cut there.
#[test]
fn previews_switched_to_play_as_blocks_of_the_same_executor() {
    let dir = tempfile::tempdir().unwrap();
    let (long, short) = (plain("long.mp4", 4).make(dir.path()), plain("short.mp4", 1).make(dir.path()));
    let air = Air::start(dir.path());
    let mut session = air.connect();
    let refused = session.switch_to_live(switch(START)).unwrap_err();
    assert_eq!(refused.code, "PROTOCOL_ERROR");
    assert!(refused.detail.contains("LoadPreview"), "{refused:?}");
    let missing = session.load_preview(preview(&dir.path().join("gone.mp4"), 0, 1000, None)).unwrap_err();
    assert_eq!(missing.code, "ASSET_MISSING");
    assert!(missing.detail.contains("gone.mp4"), "{missing:?}");

    // Longer than its boundary and than its plan; then 30 frames where 45 were planned of 60.
    session.load_preview(preview(&long, 1000, 2000, Some(60))).unwrap();
    session.switch_to_live(switch(START)).unwrap();
    session.load_preview(preview(&short, 0, 2000, Some(45))).unwrap();
    let gap = session.switch_to_live(switch(START + 2001)).unwrap_err();
    assert_eq!(gap.code, "BLOCK_NOT_CONTIGUOUS", "the contracts of blocks hold for switches");
    session.switch_to_live(switch(START + 2000)).unwrap();

    let ended = session.await_end();
    assert_eq!(ended.reason.unwrap().code, "LOOKAHEAD_EXHAUSTED");
    let (first, second) = (format!("switch-{START}"), format!("switch-{}", START + 2000));
    assert_eq!(
        session.event_lines(),
        [
            format!("started {first}"),
            format!("completed {first} 60"),
            format!("started {second}"),
            format!("completed {second} 60")
        ]
    );
    assert_eq!(session.count("air_frames_emitted_total"), 120.0);
    assert_eq!(session.count("air_content_frames_total"), 90.0);
    assert_eq!(session.count("air_pad_frames_total"), 30.0);
    assert_eq!(session.count("air_deficit_frames_total"), 15.0);

    let path = dir.path().join("viewed.ts");
    std::fs::write(&path, session.viewed().bytes).unwrap();
    assert_eq!(check_continuous(&path, 3000), 120);
    for (k, seen) in pictures(&path, 1000).into_iter().enumerate() {
        let expected = match k {
            0..60 => Some(30 + k as i64),
            60..90 => Some(k as i64 - 60),
            _ => None,
        };
        let shown = match seen {
            Seen::Frame { number, .. } => Some(number),
            Seen::Black => None,
        };
        assert_eq!(shown, expected, "frame {k}");
    }
}

/// CONTRACT-BLOCK-002 E3: a session that is held up for a moment makes it good, with every frame in its
/// place; one that falls further behind than is tolerated ends, and is not moved to meet the clock.
#[test]
fn a_session_held_up_too_long_ends_with_drift_exceeded() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain("drift.mp4", 20).make(dir.path());
    let block = [(path.as_path(), 0, 20_000)];
    let plan = plan((30, 1), &[&block, &block]);
    let air = Air::start(dir.path());
    let mut session = air.connect();
    session.start(&plan, START).unwrap();
    let hold = |pid: u64, span: Duration| {
        signal(pid, Signal::STOP);
        std::thread::sleep(span);
        signal(pid, Signal::CONT);
    };
    std::thread::sleep(Duration::from_secs(2));
    hold(session.pid, Duration::from_millis(1200));
    std::thread::sleep(Duration::from_secs(1));
    assert!(session.count("air_late_frames_total") > 0.0);
    assert!(session.count("air_lateness_seconds{quantile=\"1\"}") > 1.0);
    hold(session.pid, Duration::from_millis(4500));
    let why = session.await_end().reason.unwrap();
    assert_eq!(why.code, "DRIFT_EXCEEDED", "{why:?}");
    assert!(why.detail.contains("behind its clock"), "{why:?}");
    let lines = session.event_lines();
    assert_eq!(lines[0], "started B0");
    assert!(lines[1].starts_with("failed B0 ") && lines[1].ends_with(" DRIFT_EXCEEDED"), "{lines:?}");
    let viewed = dir.path().join("viewed.ts");
    std::fs::write(&viewed, session.viewed().bytes).unwrap();
    // No frame was left out to catch up with the clock.
    let shown = pictures(&viewed, 1000).into_iter().map(|seen| match seen {
        Seen::Frame { number, .. } => number,
        Seen::Black => -1,
    });
    for (k, number) in shown.enumerate() {
        assert_eq!(number, k as i64);
    }
}
