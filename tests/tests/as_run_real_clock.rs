//! What airs is recorded: a station on the real clock is watched and its as-run log compared with its plan, frame by
//! frame; and a session and a station that are killed lose nothing that was told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::programs::{Signal, binary, signal};
use retrovue_tests::station::Station;
use retrovue_tests::viewer::{get, page};
use retrovue_tests::viewing::timed_pictures;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One station at a time.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static MACHINE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A clip of eight seconds on a grid of ten: every block is an act of 240 frames and 60 of black.
fn configure(dir: &Path) {
    let show = dir.join("media/show");
    std::fs::create_dir_all(&show).unwrap();
    let _ = plain("S01E01.mp4", 8).make(&show);
    let config = "station: Test\nmedia: [media]\nchannels: [one.yaml]\ndata_dir: data\nlinger_seconds: 1\n\
         format: {width: 320, height: 180, fps: 30, video_bitrate_kbps: 500, gop_frames: 30}\n";
    std::fs::write(dir.join("station.yaml"), config).unwrap();
    let channel = "channel: one\ngrid: 10s\ntimezone: America/New_York\ntemplate: premium_movie\nschedule:\n  \
         daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.show, mode: sequential}}\n";
    std::fs::write(dir.join("one.yaml"), channel).unwrap();
}

/// What a command prints, and its exit code.
fn said(dir: &Path, arguments: &[&str]) -> (Value, i32) {
    let output = Command::new(binary("retrovue"))
        .args(arguments)
        .arg("--config")
        .arg(dir.join("station.yaml"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", String::from_utf8_lossy(&output.stderr)));
    (json, output.status.code().unwrap())
}

/// The log from an instant on: the broadcast day may turn while a test runs.
fn as_run(dir: &Path, from_ms: i64) -> Vec<Value> {
    let from = instant(from_ms);
    let to = instant(from_ms + 3_600_000);
    let (export, code) =
        said(dir, &["asrun", "export", "--channel", "one", "--from", &from, "--to", &to, "--format", "json"]);
    assert_eq!((code, &export["version"]), (0, &Value::from("as-run.v1")), "{export}");
    export["as_run"].as_array().unwrap().clone()
}

/// An instant as the command line reads it.
fn instant(ms: i64) -> String {
    let output = Command::new("date")
        .args(["-u", "-d", &format!("@{}", ms / 1000), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("{key} in {value}"))
}

/// Entries of the log that the running station has written.
fn recorded(station: &Station) -> u64 {
    let json: Value = serde_json::from_str(&page(&station.address, "/api/channels")).unwrap();
    assert_eq!((&json["as_run"]["lost"], &json["as_run"]["failing"]), (&0.into(), &false.into()));
    json["as_run"]["recorded"].as_u64().unwrap()
}

fn utc_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < until, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_log_of_what_aired_is_the_plan_to_the_frame() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let station = Station::start(dir.path());
    let (_, mut viewer) = get(&station.address, "/channel/one.ts");
    // Two fences and therefore a whole block, whenever it begins.
    let bytes = viewer.watch(Duration::from_secs(21));
    let began = number(&station.channel()["now"], "start_utc_ms") - 60_000;
    drop(viewer);
    drop(station);

    let rows = as_run(dir.path(), began);
    assert!(rows.len() >= 3, "{rows:?}");
    let (last, completed) = rows.split_last().unwrap();
    assert_eq!((&last["outcome"], &last["frames_reckoned"]), (&"cut".into(), &false.into()), "{last}");
    for (index, row) in completed.iter().enumerate() {
        let block = number(row, "block_utc_ms");
        assert_eq!((&row["outcome"], &row["frames_reckoned"]), (&"completed".into(), &false.into()), "{row}");
        assert_eq!((block % 10_000, number(row, "until_utc_ms")), (0, block + 10_000), "{row}");
        // The first frame at or after the join; the whole block after that.
        let into = (number(row, "joined_utc_ms") - block).max(0);
        let first = (into * 30 + 999) / 1000;
        assert!(index == 0 || into == 0, "{row}");
        assert_eq!((number(row, "first_frame"), number(row, "last_frame")), (first, 299), "{row}");
        assert_eq!(number(row, "frames"), 300 - first);
        assert_eq!(number(row, "from_utc_ms"), block + first * 1000 / 30);
        let sent: Vec<(&str, i64, i64)> = row["segments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (s["kind"].as_str().unwrap(), number(s, "first_frame"), number(s, "last_frame")))
            .collect();
        let planned = [("act", 0, 239), ("black", 240, 299)];
        let expect: Vec<_> =
            planned.iter().filter(|p| p.2 >= first).map(|p| (p.0, p.1.max(first), p.2)).collect();
        assert_eq!(sent, expect, "{row}");
        assert!(row["from_at"].as_str().unwrap().contains("-0"), "the channel's offset: {row}");
    }
    for pair in rows.windows(2) {
        assert_eq!(pair[0]["until_utc_ms"], pair[1]["from_utc_ms"]);
    }
    // The first picture that the viewer got is the first frame of the log.
    let path = dir.path().join("seen.ts");
    std::fs::write(&path, &bytes[..bytes.len() / 188 * 188]).unwrap();
    let first = &rows[0];
    let stamp = number(first, "session_epoch_utc_ms") * 90 + number(first, "session_frame") * 3000;
    assert_eq!(timed_pictures(&path)[0].0, stamp.rem_euclid(1 << 33));

    let (from, to) = (instant(began), instant(began + 3_600_000));
    let (found, code) =
        said(dir.path(), &["asrun", "reconcile", "--channel", "one", "--from", &from, "--to", &to, "--json"]);
    assert_eq!((code, found["findings"].as_array().unwrap().len()), (0, 0), "{found}");
}

#[test]
fn what_was_told_before_a_kill_is_kept_and_what_was_on_the_air_is_closed_once() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let station = Station::start(dir.path());
    let (_, mut viewer) = get(&station.address, "/channel/one.ts");
    let _ = viewer.watch(Duration::from_secs(1));
    let began = number(&station.channel()["now"], "start_utc_ms") - 60_000;
    // Two blocks fed and one begun.
    wait_until("the beginning in the log", || recorded(&station) >= 3);
    let pid = station.channel()["air_pid"].as_u64().unwrap();
    signal(pid, Signal::KILL);
    wait_until("the session in its place", || {
        let channel = station.channel();
        channel["air_pid"].as_u64().is_some_and(|new| new != pid) && recorded(&station) >= 7
    });
    // With a block on the air that neither begins nor ends.
    wait_until("the middle of a block", || {
        let (on_air, now) = (&station.channel()["now"], utc_ms());
        number(on_air, "start_utc_ms") + 2_000 < now && now < number(on_air, "end_utc_ms") - 3_000
    });
    let told = as_run(dir.path(), began);
    let lost: Vec<&Value> = told.iter().filter(|row| row["outcome"] == "failed").collect();
    assert_eq!(lost.len(), 1, "{told:?}");
    assert_eq!(lost[0]["frames_reckoned"], true);
    station.kill();
    // A block may have ended in between.
    let rows = as_run(dir.path(), began);
    assert_eq!(rows[..told.len()], told[..], "nothing that was told is lost");

    let mut closed = Vec::new();
    for start in 0..2 {
        let station = Station::start(dir.path());
        wait_until("the block to be closed", || as_run(dir.path(), began).len() > rows.len());
        drop(station);
        let now = as_run(dir.path(), began);
        assert_eq!(now[..rows.len()], rows[..], "start {start}");
        let [cut] = &now[rows.len()..] else { panic!("start {start}: {now:?}") };
        assert_eq!((&cut["outcome"], &cut["frames_reckoned"]), (&"cut".into(), &true.into()));
        assert!(cut["detail"].as_str().unwrap().contains("station ended"), "{cut}");
        closed.push(now);
    }
    assert_eq!(closed[0], closed[1]);
}
