//! Cues from the plan onto the air: where they stand, when they leave, and that nothing else moves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::plan::{Rendered, START, plan, render, sized};
use retrovue_tests::programs::{binary, run};
use retrovue_tests::stream::packets;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// PTS wrap at this.
const MODULUS: i64 = 1 << 33;

/// 27 MHz ticks of a second.
const SECOND: i64 = 27_000_000;

/// Two blocks of seven seconds at 30000/1001.
fn blocks(clip: &Path) -> Value {
    let mut plan = sized(
        plan(
            (30_000, 1001),
            &[&[(clip, 0, 4000), (clip, 1000, 3000)], &[(clip, 0, 5000), (clip, 2000, 2000)]],
        ),
        (320, 180),
    );
    plan["format"]["cues"] = json!(true);
    plan
}

fn out(at: Value, event_id: u32) -> Value {
    let mut cue = json!({"splice_insert": {"event_id": event_id, "out_of_network": true,
                                           "break_duration_ms": 2000, "auto_return": true}});
    cue.as_object_mut().unwrap().extend(at.as_object().unwrap().clone());
    cue
}

/// A break in the first block, one at the second's start and one from a segment's start to the block's end.
fn cued(clip: &Path) -> Value {
    let mut plan = blocks(clip);
    let back = |at: Value, event_id: u32| {
        let mut cue = out(at, event_id);
        cue["splice_insert"] = json!({"event_id": event_id, "out_of_network": false});
        cue
    };
    plan["blocks"][0]["cues"] = json!([out(json!({"frame": 131}), 1), back(json!({"frame": 191}), 1)]);
    plan["blocks"][1]["cues"] = json!([
        {"frame": 0, "time_signal": {"segmentations": [{"event_id": 9, "type_id": 0x34, "duration_ms": 4000,
                                                        "upid_type": 3, "upid": "41424344"}]}},
        out(json!({"at_ms": 5000}), 2),
        back(json!({"at_ms": 7000}), 2),
    ]);
    plan
}

/// PTS of a frame counted from the epoch.
fn pts(frame: i64) -> i64 {
    (START * 90 + frame * 90_000 * 1001 / 30_000) % MODULUS
}

/// First frame at or after an instant of the plan.
fn frame_at(ms: i64) -> i64 {
    (ms * 30_000 + 1_000_999) / 1_001_000
}

fn dump(path: &Path) -> Vec<String> {
    let told = run(Command::new(binary("retrovue")).args(["ts", "dump", "--pes"]).arg(path));
    String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A cue's line, and the PCR before it.
fn cues(lines: &[String]) -> Vec<(String, i64)> {
    let mut pcr = 0;
    let mut cues = Vec::new();
    for line in lines {
        if let Some((_, value)) = line.split_once(" pcr=") {
            pcr = value.split(' ').next().unwrap().parse().unwrap();
        } else if line.starts_with("01f0 section table=fc") {
            cues.push((line.clone(), pcr));
        }
    }
    cues
}

fn field(line: &str, name: &str) -> i64 {
    let (_, value) = line.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{line} lacks {name}"));
    value.split(' ').next().unwrap().parse().unwrap()
}

/// PES packets and PCRs of pictures and sound.
fn of_streams(line: &&String) -> bool {
    line.starts_with("0100 ") || line.starts_with("0101 ")
}

fn rendered(dir: &Path, name: &str, plan: &Value, join: Option<i64>) -> Rendered {
    let rendered = render(dir, name, plan, join);
    assert_eq!(rendered.exit, 0, "{} {}", rendered.errors, rendered.report);
    let check = Command::new(binary("retrovue")).args(["ts", "check"]).arg(&rendered.path).output().unwrap();
    assert!(check.status.success(), "{name}: {}", String::from_utf8_lossy(&check.stdout));
    rendered
}

/// What must be where, whatever the rate.
fn check_cues(path: &Path) {
    let lines = dump(path);
    let second = frame_at(7000);
    let expected = [
        ("splice_insert event=1 out", pts(131), "duration=180000 auto_return"),
        ("splice_insert event=1 in", pts(191), "avail=0/0"),
        (
            "time_signal",
            pts(second),
            "segmentation event=9 type=34 duration=360000 upid=03:41424344 segment=0/0",
        ),
        ("splice_insert event=2 out", pts(frame_at(12_000)), "duration=180000 auto_return"),
        ("splice_insert event=2 in", pts(frame_at(14_000)), "avail=0/0"),
    ];
    let cues = cues(&lines);
    assert_eq!(cues.len(), expected.len(), "{cues:#?}");
    let pictures: Vec<i64> = packets(path, "v:0").iter().map(|packet| packet.pts).collect();
    let end = pts(frame_at(14_000));
    for ((line, pcr), (command, at, rest)) in cues.iter().zip(expected) {
        assert!(
            line.contains(&format!(" {command} pts={at} ")) && line.contains(rest),
            "{line}: {command} {at}"
        );
        assert!(pictures.contains(&at) || at == end, "no picture has PTS {at}");
        let ahead = (at * 300 - pcr).rem_euclid(MODULUS * 300);
        // The PCR before it is at most 0.1 s older than the packet, which may leave 10 ms after it should.
        let from = 4 * SECOND - SECOND / 100;
        assert!((from..4 * SECOND + SECOND / 10).contains(&ahead), "{line}: {ahead} ticks ahead");
    }
    // ffprobe takes stream type 0x86 for cues only where the program has the registration CUEI.
    let probed = run(Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name,id", "-of", "csv=p=0"])
        .arg(path));
    let probed = String::from_utf8(probed.stdout).unwrap();
    assert!(probed.contains("scte_35,0x1f0"), "{probed}");
    let report = run(Command::new(binary("retrovue")).args(["ts", "check", "--json"]).arg(path));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let pid = report["pids"].as_array().unwrap().iter().find(|pid| pid["pid"] == json!(0x1F0)).unwrap();
    assert_eq!(pid["stream_type"], json!(0x86));
}

/// Stamps, payloads and PCRs are those of the same blocks without cues; each splice is at its frame, and its section
/// leaves four seconds before it.
#[test]
fn cues_stand_at_their_frames_and_move_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 8).make(dir.path());
    let with = rendered(dir.path(), "with.ts", &cued(&clip), None);
    let without = rendered(dir.path(), "without.ts", &blocks(&clip), None);
    check_cues(&with.path);
    let (with_lines, without_lines) = (dump(&with.path), dump(&without.path));
    assert_eq!(cues(&without_lines), []);
    assert!(with_lines.iter().filter(of_streams).count() > 1000);
    let (with_lines, without_lines): (Vec<_>, Vec<_>) =
        (with_lines.iter().filter(of_streams).collect(), without_lines.iter().filter(of_streams).collect());
    let moved = with_lines.iter().zip(&without_lines).find(|(with, without)| with != without);
    assert_eq!((moved, with_lines.len()), (None, without_lines.len()));
    assert_eq!(with.report["blocks"], without.report["blocks"]);
    // The same bytes again, whenever the blocks are fed.
    let again = rendered(dir.path(), "again.ts", &cued(&clip), None);
    assert!(std::fs::read(&with.path).unwrap() == std::fs::read(&again.path).unwrap());
}

#[test]
fn at_a_constant_rate_cues_take_the_place_of_null_packets() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 8).make(dir.path());
    let mut plan = cued(&clip);
    plan["format"]["mux_rate_kbps"] = json!(1200);
    let with = rendered(dir.path(), "with.ts", &plan, None);
    check_cues(&with.path);
    for block in plan["blocks"].as_array_mut().unwrap() {
        block["cues"] = json!([]);
    }
    let without = rendered(dir.path(), "without.ts", &plan, None);
    assert_eq!(with.report["bytes"], without.report["bytes"]);
    // A PES packet may end a slot later than without; what is in it is the same.
    let units = |path: &Path| {
        let of =
            |stream| packets(path, stream).iter().map(|packet| (packet.pts, packet.dts)).collect::<Vec<_>>();
        (of("v:0"), of("a:0"))
    };
    assert_eq!(units(&with.path), units(&without.path));
}

/// A viewer who comes in the middle of a block hears only of what is ahead of him.
#[test]
fn a_join_in_mid_block_leaves_out_what_is_past() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 8).make(dir.path());
    // Between out and back of the first break: frame 150 is the first.
    let joined = rendered(dir.path(), "join.ts", &cued(&clip), Some(START + 5000));
    assert_eq!(joined.report["first_frame"], json!(150));
    let told: Vec<i64> = cues(&dump(&joined.path)).iter().map(|(line, _)| field(line, "pts")).collect();
    let second = frame_at(7000);
    assert_eq!(told, [pts(191), pts(second), pts(frame_at(12_000)), pts(frame_at(14_000))]);
    // A join at the splice itself still hears of it.
    let joined = rendered(dir.path(), "at.ts", &cued(&clip), Some(START + 131 * 1001 / 30));
    assert_eq!(joined.report["first_frame"], json!(131));
    assert_eq!(field(&cues(&dump(&joined.path))[0].0, "pts"), pts(131));
}

#[test]
fn cues_that_are_none_are_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let clip = plain("clip.mp4", 8).make(dir.path());
    let (mut outside, mut unannounced) = (blocks(&clip), cued(&clip));
    outside["blocks"][1]["cues"] = json!([out(json!({"frame": 211}), 1)]);
    unannounced["format"]["cues"] = json!(false);
    for (plan, detail) in [
        (outside, "block B1, cue 0: frame 211 is outside the block's 0 to 210"),
        (unannounced, "block B0, cue 0: the session has no PID of cues"),
    ] {
        let refused = render(dir.path(), "refused.ts", &plan, None);
        assert_eq!(
            (refused.report["outcome"].as_str(), refused.report["code"].as_str()),
            (Some("rejected"), Some("PROTOCOL_ERROR"))
        );
        assert!(refused.report["detail"].as_str().unwrap().contains(detail), "{}", refused.report);
        assert!(!refused.path.exists());
    }
}
