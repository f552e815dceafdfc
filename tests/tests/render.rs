//! `retrovue-air render` on real media, judged by what a player decodes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::{Clip, plain};
use retrovue_tests::plan::{START, plan, render};
use retrovue_tests::programs::binary;
use retrovue_tests::stream::{check_continuous, packets};
use retrovue_tests::viewing::{Seen, beeps, pictures};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn clip(
    name: &'static str,
    size: (usize, usize),
    rate: (i64, i64),
    seconds: i64,
    codecs: &'static str,
) -> Clip {
    Clip { name, size, rate, frames: seconds * rate.0 / rate.1, codecs }
}

fn number(seen: Seen) -> i64 {
    match seen {
        Seen::Frame { number, .. } => number,
        Seen::Black => -1,
    }
}

/// Five segments of different codecs, sizes, rates and containers in two blocks: short ones padded
/// with black, long ones cut, every frame the one the mapping by index names, and the same bytes
/// twice.
#[test]
fn five_kinds_of_media_make_one_continuous_stream() {
    let dir = tempfile::tempdir().unwrap();
    let make = |c: Clip| c.make(dir.path());
    let h264 = make(clip("a.mp4", (640, 360), (30, 1), 4, "-c:v libx264 -preset ultrafast -c:a aac"));
    let mpeg2 =
        make(clip("b.ts", (720, 404), (25, 1), 3, "-c:v mpeg2video -b:v 4M -bf 2 -c:a mp2 -b:a 192k"));
    let vp9 = make(clip(
        "c.webm",
        (480, 270),
        (24_000, 1001),
        4,
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus",
    ));
    let mpeg4 = make(clip("d.avi", (640, 360), (50, 1), 3, "-c:v mpeg4 -b:v 3M -c:a pcm_s16le"));
    let hevc = make(clip(
        "e.mkv",
        (1280, 720),
        (30, 1),
        3,
        "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a ac3",
    ));
    let plan = plan(
        (30, 1),
        &[
            &[(&h264, 1000, 2000), (&mpeg2, 0, 4000), (&vp9, 500, 2000)],
            &[(&mpeg4, 0, 2000), (&hevc, 0, 3000)],
        ],
    );
    let first = render(dir.path(), "one.ts", &plan, None);
    assert_eq!(first.exit, 0, "{}", first.errors);
    assert_eq!(
        first.report["blocks"],
        json!([{"block_id": "B0", "frames": 240}, {"block_id": "B1", "frames": 150}])
    );
    assert_eq!(check_continuous(&first.path, 3000), 390);

    let seen = pictures(&first.path, 1000);
    assert_eq!(seen.len(), 390);
    for (k, &picture) in seen.iter().enumerate() {
        let k = k as i64;
        let expected = match k {
            0..60 => 30 + k,
            60..150 => (k - 60) * 25 / 30,
            150..180 => -1,
            // Frame n of 24000/1001 shows from n * 1001/24 ms on.
            180..240 => (501 * 30 + (k - 180) * 1000) * 24 / (1001 * 30),
            240..300 => (k - 240) * 50 / 30,
            _ => k - 300,
        };
        assert_eq!(number(picture), expected, "output frame {k}");
    }

    let second = render(dir.path(), "two.ts", &plan, None);
    assert_eq!(second.exit, 0);
    assert!(
        std::fs::read(&first.path).unwrap() == std::fs::read(&second.path).unwrap(),
        "the same plan gave different bytes"
    );
}

/// CONTRACT-JOIN-002: a join at `t` begins with frame `ceil((t - epoch) * num / (den * 1000))`.
#[test]
fn a_join_at_an_odd_millisecond_shows_the_frame_the_formula_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain("join.mp4", 8).make(dir.path());
    for rate in [(30, 1), (30_000, 1001)] {
        let plan = plan(rate, &[&[(&path, 0, 3000), (&path, 1000, 2000)], &[(&path, 0, 1000)]]);
        for t in [0, 1, 1017, 2999, 3001, 3337, 4999] {
            let rendered = render(dir.path(), "join.ts", &plan, Some(START + t));
            assert_eq!(rendered.exit, 0, "{}", rendered.errors);
            let frame = |ms: i64| (ms * rate.0 + rate.1 * 1000 - 1) / (rate.1 * 1000);
            let first = frame(t);
            assert_eq!(rendered.report["first_frame"], json!(first));
            // The clip has 30 frames a second and is mapped by index into the output's.
            let into = |start_ms: i64| ((first - frame(start_ms)) * rate.1 * 1000 / rate.0 + 1) * 30 / 1000;
            let expected = match first {
                _ if first < frame(3000) => into(0),
                _ if first < frame(5000) => 30 + into(3000),
                _ => into(5000),
            };
            let seen = pictures(&rendered.path, 1000);
            assert_eq!(number(seen[0]), expected, "join at {t} ms, {rate:?}");
            assert_eq!(seen.len() as i64, frame(6000) - first);
            let pts = packets(&rendered.path, "v:0").iter().map(|p| p.pts).min().unwrap();
            let instant = START * 90 + first * 90_000 * rate.1 / rate.0;
            assert_eq!(pts, instant & ((1 << 33) - 1), "PTS is a function of the frame index");
        }
    }
}

/// Sound and picture stay together across every seam, whatever the codecs.
#[test]
fn flash_and_beep_stay_within_20_ms_across_seams() {
    let dir = tempfile::tempdir().unwrap();
    let aac = plain("aac.mp4", 6).make(dir.path());
    let ac3 =
        clip("ac3.mkv", (640, 360), (25, 1), 6, "-c:v libx264 -preset ultrafast -c:a ac3").make(dir.path());
    let opus = clip(
        "opus.webm",
        (640, 360),
        (30, 1),
        6,
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
    )
    .make(dir.path());
    let mp3 = clip("mp3.mp4", (640, 360), (30, 1), 6, "-c:v mpeg4 -b:v 2M -c:a libmp3lame").make(dir.path());
    let plan = plan(
        (30, 1),
        &[
            &[(&aac, 0, 2500), (&ac3, 1000, 2500), (&opus, 0, 3000)],
            &[(&mp3, 2000, 2500), (&aac, 3000, 2500)],
        ],
    );
    let rendered = render(dir.path(), "sync.ts", &plan, None);
    assert_eq!(rendered.exit, 0, "{}", rendered.errors);
    check_continuous(&rendered.path, 3000);
    let lit: Vec<bool> = pictures(&rendered.path, 1000)
        .iter()
        .map(|seen| matches!(seen, Seen::Frame { flash: true, .. }))
        .collect();
    // A flash may last two frames where 25 become 30; it begins with the first.
    let flashes: Vec<i64> =
        (0..lit.len()).filter(|&k| lit[k] && (k == 0 || !lit[k - 1])).map(|k| k as i64 * 1600).collect();
    let beeps = beeps(&rendered.path);
    assert!(flashes.len() >= 13, "{flashes:?}");
    for flash in flashes {
        let nearest = beeps.iter().map(|b| (b - flash).abs()).min().unwrap();
        assert!(nearest <= 960, "flash at sample {flash} has no beep within 20 ms: {beeps:?}");
    }
}

/// Pictures of another shape keep it: bars beside 4:3, above and below 2.35:1.
#[test]
fn shape_is_kept_with_bars() {
    let dir = tempfile::tempdir().unwrap();
    let narrow = clip("narrow.mp4", (480, 360), (30, 1), 1, "-c:v libx264 -preset ultrafast -c:a aac")
        .make(dir.path());
    let rendered = render(dir.path(), "narrow.ts", &plan((30, 1), &[&[(&narrow, 0, 1000)]]), None);
    assert_eq!(rendered.exit, 0, "{}", rendered.errors);
    for (n, seen) in pictures(&rendered.path, 750).into_iter().enumerate() {
        assert_eq!(number(seen), n as i64);
    }
}

fn rejected(dir: &Path, plan: &Value, exit: i32, code: &str, says: &str) {
    let rendered = render(dir, "rejected.ts", plan, None);
    assert_eq!(rendered.exit, exit, "{rendered:?}");
    assert_eq!(rendered.report["code"], json!(code), "{rendered:?}");
    let detail = rendered.report["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{detail:?} should say {says:?}");
    assert!(!rendered.errors.contains("panicked"), "{}", rendered.errors);
}

/// Every broken plan or asset ends in the contract's code, with exit code 3, before a byte is
/// written.
#[test]
fn bad_plans_and_assets_are_rejected_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let good = plain("good.mp4", 2).make(dir.path());
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let one = |path: &Path, offset, duration| plan((30, 1), &[&[(path, offset, duration)]]);
    let missing = dir.path().join("missing.mp4");
    rejected(dir.path(), &one(&missing, 0, 1000), 3, "ASSET_MISSING", "missing.mp4");
    rejected(dir.path(), &one(&file("empty.mp4", b""), 0, 1000), 3, "ASSET_ERROR", "empty.mp4");
    rejected(dir.path(), &one(&file("text.mp4", b"no media at all"), 0, 1000), 3, "ASSET_ERROR", "text.mp4");
    rejected(dir.path(), &one(dir.path(), 0, 1000), 3, "ASSET_MISSING", "");
    rejected(dir.path(), &one(&good, 5000, 1000), 3, "INVALID_OFFSET", "good.mp4");
    let whole = std::fs::read(&good).unwrap();
    let headless = file("headless.mp4", &whole[..whole.len() / 2]);
    rejected(dir.path(), &one(&headless, 0, 1000), 3, "ASSET_ERROR", "headless.mp4");

    let mut broken = one(&good, 0, 1000);
    broken["blocks"][0]["segments"][0]["segment_duration_ms"] = json!(900);
    rejected(dir.path(), &broken, 3, "SEGMENT_DURATION_MISMATCH", "expected=1000, actual=900");
    let mut broken = one(&good, 0, 1000);
    broken["blocks"][0]["segments"][0]["segment_index"] = json!(1);
    rejected(dir.path(), &broken, 3, "INVALID_SEGMENT_INDEX", "gap at index 0");
    let mut broken = plan((30, 1), &[&[(&good, 0, 1000)], &[(&good, 0, 1000)]]);
    broken["blocks"][1]["start_utc_ms"] = json!(START + 1001);
    broken["blocks"][1]["end_utc_ms"] = json!(START + 2001);
    rejected(dir.path(), &broken, 3, "BLOCK_NOT_CONTIGUOUS", &format!("expected {}", START + 1000));
    let mut broken = one(&good, 0, 1000);
    broken["format"]["width"] = json!(641);
    rejected(dir.path(), &broken, 3, "INVALID_FORMAT", "width");
    let stale = render(dir.path(), "stale.ts", &one(&good, 0, 1000), Some(START + 1001));
    assert_eq!((stale.exit, &stale.report["code"]), (3, &json!("STALE_BLOCK_FROM_CORE")));
    assert!(!stale.path.exists(), "a rejected plan writes nothing");

    let mut nameless = one(&good, 0, 1000);
    nameless["blocks"][0].as_object_mut().unwrap().remove("end_utc_ms");
    let unread = render(dir.path(), "nameless.ts", &nameless, None);
    assert_eq!(unread.exit, 1);
    assert!(unread.errors.contains("end_utc_ms"), "{}", unread.errors);
    std::fs::create_dir(dir.path().join("folder.ts")).unwrap();
    let nowhere = render(dir.path(), "folder.ts", &one(&good, 0, 1000), None);
    assert_eq!(nowhere.exit, 1);
    assert!(nowhere.errors.contains("folder.ts"), "{}", nowhere.errors);
}

/// A file cut off in the middle plays to its last picture, then black to the boundary.
#[test]
fn a_truncated_file_is_padded_to_its_boundary() {
    let dir = tempfile::tempdir().unwrap();
    let whole = clip("whole.mkv", (640, 360), (30, 1), 6, "-c:v libx264 -preset ultrafast -g 30 -c:a aac")
        .make(dir.path());
    let bytes = std::fs::read(&whole).unwrap();
    let cut = dir.path().join("cut.mkv");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let rendered = render(dir.path(), "cut.ts", &plan((30, 1), &[&[(&cut, 0, 6000)]]), None);
    assert_eq!(rendered.exit, 0, "{}", rendered.errors);
    let seen = pictures(&rendered.path, 1000);
    assert_eq!(seen.len(), 180);
    let content = seen.iter().take_while(|s| **s != Seen::Black).count();
    assert!((40..140).contains(&content), "{content} frames of content");
    for (n, picture) in seen[..content].iter().enumerate() {
        assert_eq!(number(*picture), n as i64);
    }
    assert!(seen[content..].iter().all(|s| *s == Seen::Black));
}

/// Present events as the stream tells them: title, and the PCR before it, each time the title changes.
fn titles_told(path: &Path) -> Vec<(String, i64)> {
    let bytes = std::fs::read(path).unwrap();
    let (mut clock, mut told) = (0, Vec::<(String, i64)>::new());
    for packet in bytes.chunks_exact(188) {
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        if packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x10 != 0 {
            clock = packet[6..10].iter().fold(0, |base, &byte| base << 8 | i64::from(byte)) << 1
                | i64::from(packet[10] >> 7);
        }
        // A section of one packet: table 0x4E, section 0, one event with a short_event_descriptor.
        let section = &packet[5..];
        if pid == 0x12 && packet[1] & 0x40 != 0 && section[0] == 0x4E && section[6] == 0 {
            assert_eq!((section[26], packet[3] & 0x30), (0x4D, 0x10));
            let length = usize::from(section[31]);
            let title = String::from_utf8_lossy(&section[32..32 + length]).into_owned();
            if told.last().is_none_or(|(last, _)| *last != title) {
                told.push((title, clock));
            }
        }
    }
    told
}

/// The event tables follow the blocks at both kinds of rate, and no picture or sound is another for them.
#[test]
fn events_are_told_from_the_start_of_their_block() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("a.mp4", 4).make(dir.path());
    let silent = plan((30, 1), &[&[(&clip, 0, 3000)], &[(&clip, 0, 3000)]]);
    let event = |id: i64, title: &str| json!({"event_id": id, "start_utc_ms": START + 3000 * id, "duration_ms": 3000, "title": title});
    for rate in [Value::Null, json!(2200)] {
        let mut plain = silent.clone();
        plain["format"]["mux_rate_kbps"] = rate.clone();
        let mut wordy = plain.clone();
        wordy["blocks"][0]["events"] = json!([event(0, "Alpha"), event(1, "Beta")]);
        wordy["blocks"][1]["events"] = json!([event(1, "Beta"), event(2, "Gamma")]);
        let (plain, wordy) =
            (render(dir.path(), "plain.ts", &plain, None), render(dir.path(), "wordy.ts", &wordy, None));
        assert_eq!((plain.exit, wordy.exit), (0, 0), "{}{}", plain.errors, wordy.errors);
        let told = titles_told(&wordy.path);
        let titles: Vec<&str> = told.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["Alpha", "Beta"]);
        let fence = ((START + 3000) * 90).rem_euclid(1 << 33);
        let behind = told[1].1 - fence;
        // The PCR is that of a packet before, 38 ms at most.
        assert!((-38 * 90..=10 * 90).contains(&behind), "Beta is told {behind} ticks after its block began");
        assert_eq!(titles_told(&plain.path), []);
        for stream in ["v:0", "a:0"] {
            let stamps = |path| packets(path, stream).into_iter().map(|p| (p.pts, p.dts)).collect::<Vec<_>>();
            assert_eq!(stamps(&plain.path), stamps(&wordy.path), "{stream}");
        }
    }
}

fn breaks_no_rule(path: &Path, what: &str) {
    let check = Command::new(binary("retrovue")).args(["ts", "check"]).arg(path).output().unwrap();
    let report = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success() && report.contains("no rule broken"), "{what}: {report}");
}

/// Pictures that take the peak rate all the time, so that the decoder's buffer is always as full as it may be.
#[test]
fn the_checker_breaks_no_rule_where_the_buffer_stays_full() {
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("zoom.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "mandelbrot=s=320x180:r=30:end_scale=0.3"])
        .args(["-f", "lavfi", "-i", "sine=440", "-t", "10"])
        .args("-c:v libx264 -preset ultrafast -crf 15 -pix_fmt yuv420p -c:a aac".split(' '))
        .arg(&clip)
        .status();
    assert!(made.unwrap().success());
    let mut plan = plan((30, 1), &[&[(&clip, 0, 10_000)]]);
    plan["format"]["gop_frames"] = json!(250);
    for (video, rate) in [(250, Value::Null), (800, Value::Null), (800, json!(3000))] {
        plan["format"]["video_bitrate_kbps"] = json!(video);
        plan["format"]["mux_rate_kbps"] = rate.clone();
        let rendered = render(dir.path(), "zoom.ts", &plan, None);
        assert_eq!(rendered.exit, 0, "{}", rendered.errors);
        breaks_no_rule(&rendered.path, &format!("{video} kb/s in {rate}"));
    }
}

/// Whole streams at both kinds of rate, across a fence and a seam, with events: the checker finds no fault.
#[test]
fn the_checker_breaks_no_rule_over_either_rate() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("a.mp4", 6).make(dir.path());
    let mut plan = plan((30_000, 1001), &[&[(&clip, 0, 3000), (&clip, 1000, 4000)], &[(&clip, 0, 5000)]]);
    plan["blocks"][0]["events"] =
        json!([{"event_id": 1, "start_utc_ms": START, "duration_ms": 7000, "title": "Alpha"}]);
    for rate in [Value::Null, json!(2200), json!(6000)] {
        plan["format"]["mux_rate_kbps"] = rate.clone();
        let rendered = render(dir.path(), "checked.ts", &plan, None);
        assert_eq!(rendered.exit, 0, "{}", rendered.errors);
        breaks_no_rule(&rendered.path, &rate.to_string());
    }
}
