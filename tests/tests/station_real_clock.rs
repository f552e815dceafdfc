//! The station on the real clock, with real processes: tuning in, sharing, leaving, and a playout
//! process that is killed under two viewers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::programs::{Signal, binary, signal};
use retrovue_tests::station::Station;
use retrovue_tests::stream::check_continuous;
use retrovue_tests::viewer::{get, page};
use retrovue_tests::viewing::{Seen, timed_pictures};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// One station at a time: what a real clock shows of one must not depend on the others.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static MACHINE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A station of one channel that shows a numbered clip on a grid of 20 seconds; the clip is 18 seconds
/// long, so every block ends in black.
fn station(dir: &Path) -> Station {
    let show = dir.join("media/show");
    std::fs::create_dir_all(&show).unwrap();
    let _ = plain("S01E01.mp4", 18).make(&show);
    write_config(dir, "col.show", "media: [media]");
    Station::start(dir)
}

fn write_config(dir: &Path, collection: &str, media: &str) {
    let config = format!(
        "station: Test\n{media}\nchannels: [one.yaml]\ndata_dir: data\nlinger_seconds: 1\n\
         format: {{width: 640, height: 360, fps: 30, video_bitrate_kbps: 1000, gop_frames: 30}}\n"
    );
    std::fs::write(dir.join("station.yaml"), config).unwrap();
    let channel = format!(
        "channel: one\ngrid: 20s\ntemplate: premium_movie\nschedule:\n  \
         daily: {{start: '06:00', until: '06:00', \
         episode_selector: {{collection: {collection}, mode: sequential}}}}\n"
    );
    std::fs::write(dir.join("one.yaml"), channel).unwrap();
}

fn save(dir: &Path, name: &str, mut bytes: Vec<u8>) -> PathBuf {
    bytes.truncate(bytes.len() / 188 * 188);
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Drops the last picture's unfinished access units, which a player would wait for.
fn whole_units(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 188 * 188);
    for pid in [0x100u16, 0x101] {
        let starts = |p: &[u8]| p[1] & 0x40 != 0 && (u16::from(p[1] & 0x1f) << 8 | u16::from(p[2])) == pid;
        let last = bytes.chunks_exact(188).rposition(starts).unwrap();
        let mut kept = Vec::with_capacity(bytes.len());
        for (index, packet) in bytes.chunks_exact(188).enumerate() {
            let of_pid = (u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2])) == pid;
            if index < last || !of_pid {
                kept.extend_from_slice(packet);
            }
        }
        bytes = kept;
    }
    bytes
}

/// The frame number that the programme shows at `pts`, if content is on the air then.
fn on_the_air(pts: i64, block_start_ms: i64) -> i64 {
    // Signed, around the wrap: a viewer may have come before that block.
    let ticks = (pts - block_start_ms * 90 + (1 << 32)).rem_euclid(1 << 33) - (1 << 32);
    ticks.rem_euclid(20 * 90_000) / 3000
}

/// How many of the pictures are not what the schedule says; the first `skip` are not looked at.
fn misplaced(pictures: &[(i64, Seen)], block_start_ms: i64) -> usize {
    pictures
        .iter()
        .filter(|(pts, seen)| {
            let due = on_the_air(*pts, block_start_ms);
            match seen {
                Seen::Frame { number, .. } => *number != due,
                Seen::Black => due < 18 * 30,
            }
        })
        .count()
}

#[test]
fn viewers_share_one_session_that_shows_what_the_schedule_says_and_ends_after_them() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let station = station(dir.path());
    let (head, mut first) = get(&station.address, "/channel/one.ts");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: video/mp2t"), "{head}");
    let channel = station.channel();
    let block_start = channel["now"]["start_utc_ms"].as_i64().unwrap();
    let (_, mut second) = get(&station.address, "/channel/one.ts");
    let late = std::thread::spawn(move || second.watch(Duration::from_secs(6)));
    // Long enough for one block fence and, with the black at each block's end, two seams.
    let bytes = first.watch(Duration::from_secs(23));
    let pid = station.channel()["air_pid"].clone();
    assert_eq!(station.channel()["viewers"], 1);
    let counts = page(&station.address, "/metrics/one");
    let count = |name: &str| -> f64 {
        let line =
            counts.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {counts}"));
        line.trim().parse().unwrap()
    };
    assert!(count("air_frames_emitted_total ") > 20.0 * 30.0, "{counts}");
    assert!(count("air_lateness_seconds_count ") > 20.0 * 30.0, "{counts}");
    assert!(count("air_pad_frames_total ") > 0.0, "{counts}");
    assert!(count("air_ring_high_water{ring=\"frames_a\"} ") >= 2.0, "{counts}");

    let path = save(dir.path(), "first.ts", whole_units(bytes));
    let frames = check_continuous(&path, 3000);
    assert!(frames > 20 * 30, "{frames} frames");
    let pictures = timed_pictures(&path);
    assert_eq!(misplaced(&pictures, block_start), 0, "{pictures:?}");
    assert!(pictures.iter().any(|(_, seen)| *seen == Seen::Black));

    let late = save(dir.path(), "second.ts", whole_units(late.join().unwrap()));
    check_continuous(&late, 3000);
    assert_eq!(misplaced(&timed_pictures(&late), block_start), 0);

    drop(first);
    station.wait_for("idle", Duration::from_secs(5), |c| c["on_air"] == false);
    let session = PathBuf::from(format!("/proc/{pid}"));
    let ended = (0..40).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !session.exists()
    });
    assert!(ended, "the session's process has ended");
}

#[test]
fn a_killed_session_comes_back_on_the_same_connections_at_the_right_place() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let station = station(dir.path());
    let viewers: Vec<_> = (0..2)
        .map(|_| {
            let (_, mut viewer) = get(&station.address, "/channel/one.ts");
            std::thread::spawn(move || viewer.watch(Duration::from_secs(10)))
        })
        .collect();
    station.wait_for("two viewers on the air", Duration::from_secs(5), |c| {
        c["viewers"] == 2 && c["on_air"] == true && c["bytes_out"].as_u64() > Some(200_000)
    });
    let channel = station.channel();
    let (pid, block_start) = (&channel["air_pid"], channel["now"]["start_utc_ms"].as_i64().unwrap());
    signal(pid.as_u64().unwrap(), Signal::KILL);
    station.wait_for("a new session", Duration::from_secs(5), |c| {
        c["on_air"] == true && c["air_pid"] != *pid && c["air_pid"].is_u64()
    });
    for (n, viewer) in viewers.into_iter().enumerate() {
        let path = save(dir.path(), &format!("viewer{n}.ts"), whole_units(viewer.join().unwrap()));
        let pictures = timed_pictures(&path);
        // Signed, around the wrap: what the lost session had sent ahead of a missing picture overlaps.
        let step = |from: i64, to: i64| (to - from + (1 << 32)).rem_euclid(1 << 33) - (1 << 32);
        let off: i64 = pictures.windows(2).map(|w| (step(w[0].0, w[1].0) - 3000).abs()).sum();
        assert!(off < 90_000, "viewer {n}: decodable again within a second, not {off} ticks");
        // The picture that was cut off in the middle may be concealed; everything else is in place.
        let wrong = misplaced(&pictures, block_start);
        assert!(wrong <= 30, "viewer {n}: {wrong} of {} pictures are misplaced", pictures.len());
        let tail = &pictures[pictures.len() - 90..];
        assert_eq!(misplaced(tail, block_start), 0, "{tail:?}");
    }
}

#[test]
fn pages_tell_what_is_on() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let station = station(dir.path());
    let list = page(&station.address, "/channels.m3u");
    assert!(list.starts_with("#EXTM3U"), "{list}");
    assert!(list.contains(&format!("http://{}/channel/one.ts", station.address)), "{list}");
    let guide = page(&station.address, "/guide.xml");
    assert!(guide.contains("<programme") && guide.contains("retrovue.1"), "{guide}");
    let home = page(&station.address, "/");
    assert!(home.contains("one") && home.contains("/channel/one.ts"), "{home}");
    for path in ["/channel/none.ts", "/channel/../etc/passwd", "/nothing"] {
        let (head, _) = get(&station.address, path);
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
}

fn refused(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(binary("retrovue"))
        .args(["serve", "--config"])
        .arg(dir.join("station.yaml"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.code().unwrap_or(-1), errors)
}

/// Bad files, folders and grids: said in one place, and the station goes on with what is good.
#[test]
fn bad_input_is_told_and_survived() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let running = station(dir.path());
    let port = running.address.rsplit(':').next().unwrap();
    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(other.path().join("media/show")).unwrap();
    std::fs::copy(dir.path().join("media/show/S01E01.mp4"), other.path().join("media/show/a.mp4")).unwrap();
    std::fs::write(other.path().join("media/show/empty.mp4"), b"").unwrap();
    std::fs::write(other.path().join("media/show/text.mkv"), b"not a film").unwrap();
    let whole = std::fs::read(dir.path().join("media/show/S01E01.mp4")).unwrap();
    std::fs::write(other.path().join("media/show/half.mp4"), &whole[..whole.len() / 2]).unwrap();

    write_config(other.path(), "col.show", "media: [media]");
    let (code, errors) = refused(other.path(), &["--port", port]);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains(port) && errors.contains("in use"), "{errors}");

    write_config(other.path(), "col.show", "media: [media, nowhere]");
    let (code, errors) = refused(other.path(), &["--port", "0", "--strict"]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("station.yaml:2:16") && errors.contains("nowhere"), "{errors}");

    write_config(other.path(), "col.shew", "media: [media]");
    let (code, errors) = refused(other.path(), &["--port", "0"]);
    assert_ne!(code, 0);
    assert!(errors.contains("one.yaml:5") && errors.contains("col.show"), "{errors}");

    write_config(other.path(), "col.show", "media: [media]\nchanels: [one.yaml]");
    let (code, errors) = refused(other.path(), &["--port", "0"]);
    assert_ne!(code, 0);
    assert!(errors.contains("chanels") && errors.contains("channels"), "{errors}");

    write_config(other.path(), "col.show", "media: [media]");
    let file = other.path().join("in-the-way");
    std::fs::write(&file, b"").unwrap();
    let (code, errors) = refused(other.path(), &["--port", "0", "--data-dir", &file.to_string_lossy()]);
    assert_ne!(code, 0);
    assert!(errors.contains("in-the-way"), "{errors}");

    // With three bad files beside it the good one airs.
    let station = Station::start(other.path());
    let (_, mut viewer) = get(&station.address, "/channel/one.ts");
    let bytes = viewer.watch(Duration::from_secs(3));
    assert!(bytes.len() > 188 * 100, "{} bytes", bytes.len());
    let assets = Command::new(binary("retrovue"))
        .args(["asset", "list", "--json", "--config"])
        .arg(other.path().join("station.yaml"))
        .output()
        .unwrap();
    let assets: Value = serde_json::from_slice(&assets.stdout).unwrap();
    let text = assets.to_string();
    for name in ["empty.mp4", "text.mkv", "half.mp4"] {
        assert!(text.contains(name), "{name} is recorded: {text}");
    }
}
