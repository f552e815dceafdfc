//! `retrovue asrun` and `playlog` as an operator meets them: lines, CSV, JSON, exit codes.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

use retrovue_scheduler::catalog::{
    AsRunOutcome, Catalog, HistoryEntry, OpenRun, PlaylogBlock, PlaylogSegment,
};
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// 2026-12-24T20:00 in New York.
const EIGHT: i64 = 1_798_160_400_000;

const STATION: &str = "station: Test\nmedia: [media]\nchannels: [one.yaml]\ndata_dir: data\n";
const CHANNEL: &str = "channel: one\ntimezone: America/New_York\nschedule: {daily: []}\n";

/// Half an hour with an act and a spot, then a session that failed in the next one and another in its place.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("media")).unwrap();
    std::fs::write(dir.path().join("station.yaml"), STATION).unwrap();
    std::fs::write(dir.path().join("one.yaml"), CHANNEL).unwrap();
    let mut catalog = Catalog::open(&dir.path().join("data")).unwrap();
    let channel = catalog.register_channel("one", 1, "One").unwrap().channel_id;
    let segment = |kind: &str, asset: Option<&str>, offset, ms| PlaylogSegment {
        kind: Some(kind.into()),
        asset_id: asset.map(str::to_owned),
        offset_ms: Millis(offset),
        duration_ms: Millis(ms),
    };
    let block = |number: i64, title: &str| PlaylogBlock {
        block_id: format!("one/{number}"),
        title: title.into(),
        start_ms: UtcMs(EIGHT + number * 1_800_000),
        end_ms: UtcMs(EIGHT + (number + 1) * 1_800_000),
        segments: vec![
            segment("act", Some("asset.show.1"), 0, 1_320_000),
            segment("commercial", Some("asset.soap"), 0, 480_000),
        ],
    };
    let open = |number: i64, joined: i64| {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let epoch = UtcMs(EIGHT + number * 1_800_000);
        OpenRun {
            block_id: format!("one/{number}"),
            block_ms: epoch,
            end_ms: epoch.plus(Millis(1_800_000)),
            joined_ms: UtcMs(EIGHT + joined),
            epoch_ms: epoch,
            rate,
            first: rate.frame_at_or_after(epoch, UtcMs(EIGHT + joined)).max(FrameIndex(0)),
        }
    };
    let whole = open(0, 0);
    let entries = [
        HistoryEntry::Fed(channel, block(0, "Soap, \"live\"")),
        HistoryEntry::Fed(channel, block(1, "News")),
        HistoryEntry::Ended(
            channel,
            whole.ended(Some(whole.longest()), UtcMs(0), AsRunOutcome::Completed, None),
        ),
        HistoryEntry::Ended(
            channel,
            open(1, 1_800_000).ended(
                Some(300),
                UtcMs(0),
                AsRunOutcome::Failed,
                Some("DECODE_ERROR: bad".into()),
            ),
        ),
        HistoryEntry::Ended(
            channel,
            open(1, 1_815_000).ended(None, UtcMs(EIGHT + 1_900_000), AsRunOutcome::Cut, None),
        ),
    ];
    catalog.record_history(&entries, UtcMs(EIGHT)).unwrap();
    dir
}

fn run(dir: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_retrovue"))
        .args(arguments.split_whitespace())
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Standard output of a command that ends with `code`.
fn said(dir: &Path, arguments: &str, code: i32) -> String {
    let output = run(dir, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(dir: &Path, arguments: &str, code: i32) -> Value {
    serde_json::from_str(&said(dir, arguments, code)).unwrap()
}

#[test]
fn lists_have_a_line_for_each_block_and_session_on_the_channels_clock() {
    let dir = folder();
    let list = said(dir.path(), "asrun list --channel one --day 2026-12-24", 0);
    // The first block's last frame reaches over the fence, and takes none of the next session's.
    let expect = "\
2026-12-24 20:00:00.000  20:30:00.031  completed        53947 frames  Soap, \"live\"
2026-12-24 20:30:00.000  20:30:10.010  failed             300 frames  News: DECODE_ERROR: bad
2026-12-24 20:30:15.015  20:31:40.033  cut         about 2548 frames  News
";
    assert_eq!(list, expect);
    assert_eq!(said(dir.path(), "asrun list --channel one --day 2026-12-25", 0), "");
    // The day is from six to six: two in the morning is the evening's.
    let narrow =
        said(dir.path(), "as-run list --channel one --from 2026-12-24T20:30 --to 2026-12-24T20:30:12", 0);
    assert_eq!(narrow.lines().count(), 1, "{narrow}");
}

#[test]
fn exports_are_rfc_4180_and_json_to_the_frame() {
    let dir = folder();
    let csv = said(dir.path(), "asrun export --channel one --day 2026-12-24", 0);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "channel,block_id,title,outcome,from_at,from_utc_ms,until_at,until_utc_ms,first_frame,last_frame,frames,\
         frame_rate,frames_reckoned,block_utc_ms,joined_utc_ms,detail"
    );
    assert_eq!(
        lines[1],
        format!(
            "one,one/0,\"Soap, \"\"live\"\"\",completed,2026-12-24T20:00:00.000-05:00,{EIGHT},\
             2026-12-24T20:30:00.031-05:00,{},0,53946,53947,30000/1001,false,{EIGHT},{EIGHT},",
            EIGHT + 1_800_031
        )
    );
    assert_eq!((lines.len(), lines[4]), (5, ""));
    let spots = said(dir.path(), "asrun export --channel one --day 2026-12-24 --segments", 0);
    assert_eq!(spots.matches("\r\n").count(), 5);
    assert!(spots.contains(",1,commercial,asset.soap,0,2026-12-24T20:22:00.018-05:00,"), "{spots}");

    let export = json(dir.path(), "asrun export --channel one --day 2026-12-24 --format json", 0);
    assert_eq!((&export["version"], &export["timezone"]), (&"as-run.v1".into(), &"America/New_York".into()));
    let rows = export["as_run"].as_array().unwrap();
    // Thirty minutes from the block's start, and 15 s into it.
    let frames = |row: &Value| ["first_frame", "last_frame", "frames"].map(|key| row[key].as_i64().unwrap());
    assert_eq!(frames(&rows[0]), [0, 53_946, 53_947]);
    assert_eq!(frames(&rows[0]["segments"][1]), [39_561, 53_946, 14_386]);
    assert_eq!(frames(&rows[2]), [450, 2_997, 2_548]);
    assert_eq!(rows[2]["segments"][0]["asset_from_ms"], 15_015);
    assert_eq!((&rows[2]["frames_reckoned"], &rows[1]["frames_reckoned"]), (&true.into(), &false.into()));
}

#[test]
fn reconcile_ends_with_1_when_something_was_not_as_planned() {
    let dir = folder();
    let found = json(dir.path(), "asrun reconcile --channel one --day 2026-12-24 --json", 1);
    let kinds: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["failed", "not_sent"]);
    let missed = &found["findings"][1]["missed"][0];
    assert_eq!(
        (missed["asset_id"].as_str(), missed["missed_ms"].as_i64()),
        (Some("asset.show.1"), Some(5_005))
    );
    let text = said(dir.path(), "asrun reconcile --channel one --day 2026-12-24", 1);
    assert!(text.contains("1 completed, 1 cut, 1 failed; 0:31:35 sent of 1:00:00"), "{text}");
    let fine = "asrun reconcile --channel one --from 2026-12-24T20:00 --to 2026-12-24T20:30:00";
    assert!(said(dir.path(), fine, 0).starts_with("1 completed, 0 cut, 0 failed"));
    let csv = said(dir.path(), "asrun reconcile --channel one --day 2026-12-24 --format csv", 1);
    assert!(csv.contains("\r\none,not_sent,one/1,News,"), "{csv}");
}

#[test]
fn the_playlog_shows_what_was_given_to_air() {
    let dir = folder();
    let list = said(dir.path(), "playlog list --channel one --day 2026-12-24", 0);
    assert_eq!(list.lines().count(), 2);
    let show = said(dir.path(), "playlog show --channel one --at 2026-12-24T20:29", 0);
    assert_eq!(show.lines().count(), 3);
    assert!(show.contains("20:22:00.000  commercial   480000 ms from 0 ms  asset.soap"), "{show}");
    let log = json(dir.path(), "playlog show --channel one --day 2026-12-24 --json", 0);
    assert_eq!(log["blocks"][1]["segments"][1]["start_at"], "2026-12-24T20:52:00.000-05:00");
    assert_eq!(log["blocks"][1]["segments"][0]["duration_ms"], 1_320_000);
}

#[test]
fn what_is_not_there_is_told_with_its_exit_code() {
    let dir = folder();
    for (arguments, code, says) in [
        ("asrun list --channel won", 1, "did you mean one"),
        ("asrun list --channel one --from yesterday", 2, "is no instant"),
        ("asrun list --channel one --from 2026-12-24T20:00 --to 2026-12-24T19:00", 2, "not before"),
        ("asrun list --channel one --day 2026-12-24 --from 2026-12-24T20:00", 2, "cannot be used"),
        ("asrun list", 2, "--channel"),
        ("playlog show --channel one --at 2026-12-24T09:00", 1, "no block at"),
        ("asrun list --channel one --data-dir nowhere", 3, "no catalog"),
    ] {
        let output = run(dir.path(), arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {errors}");
        assert!(errors.contains(says), "{arguments}: {errors}");
    }
    let help = said(dir.path(), "asrun --help", 0);
    assert!(help.contains("Examples:") && help.contains("docs/as-run.md"), "{help}");
}
