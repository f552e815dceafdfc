//! Determinism (seed 003 §7.5.9) and blindness to metadata: the same plan gives the same bytes, whatever
//! else runs and whatever Core notes beside a segment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::Clip;
use retrovue_tests::levels::content_times;
use retrovue_tests::plan::{Rendered, START, plan, render, sized};
use retrovue_tests::viewing::{Seen, pictures};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SIZE: (usize, usize) = (320, 180);

fn make(dir: &Path, name: &'static str, rate: i64, seconds: i64) -> PathBuf {
    let codecs = "-c:v libx264 -preset ultrafast -crf 20 -g 60 -c:a aac -b:a 96k";
    Clip { name, size: SIZE, rate: (rate, 1), frames: seconds * rate, codecs }.make(dir)
}

/// Renders `plan` twice at the same time, so that the threads of the two meet differently.
fn twice(dir: &Path, plan: &Value, join: i64) -> [Rendered; 2] {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| render(dir, "two.ts", plan, Some(join)));
        [render(dir, "one.ts", plan, Some(join)), other.join().unwrap()]
    })
}

fn same_bytes(a: &Path, b: &Path) -> bool {
    std::fs::read(a).unwrap() == std::fs::read(b).unwrap()
}

/// TEST-DET-001 (CONTRACT-BLOCK-002): the same plan, join and assets twice: the same Content Times, the
/// same frame counts, the same transitions, and the same bytes.
#[test]
fn test_det_001_same_inputs_give_the_same_content_times() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (make(dir.path(), "a.mp4", 30, 4), make(dir.path(), "b.mkv", 25, 4));
    let blocks: &[&[_]] =
        &[&[(a.as_path(), 0, 2017), (b.as_path(), 500, 1983)], &[(a.as_path(), 1000, 1500)]];
    let plan = sized(plan((30_000, 1001), blocks), SIZE);
    let join = START + 1234;
    let [one, two] = twice(dir.path(), &plan, join);
    assert_eq!((one.exit, two.exit), (0, 0), "{} {}", one.errors, two.errors);
    let times = content_times(&one.path);
    let first = one.report["first_frame"].as_i64().unwrap();
    assert_eq!(first, 37, "1234 ms at 30000/1001");
    assert_eq!(times, (first..165).map(|k| k * 3003).collect::<Vec<_>>());
    assert_eq!(content_times(&two.path), times);
    assert_eq!(one.report, two.report, "frame counts and events");
    assert_eq!(pictures(&one.path, 1000), pictures(&two.path, 1000), "transitions");
    assert!(same_bytes(&one.path, &two.path), "the same inputs gave different bytes");
}

/// TEST-DET-002 (CONTRACT-SEG-003): the same underrun twice: as many pad frames, and the transition at
/// the same Content Time.
#[test]
fn test_det_002_underrun_padding_is_deterministic() {
    let dir = tempfile::tempdir().unwrap();
    let (short, next) = (make(dir.path(), "short.mkv", 25, 2), make(dir.path(), "next.mp4", 30, 2));
    let plan = sized(plan((30, 1), &[&[(&short, 0, 3550), (&next, 0, 1450)]]), SIZE);
    let runs = twice(dir.path(), &plan, START).map(|rendered| {
        assert_eq!(rendered.exit, 0, "{}", rendered.errors);
        let seen = pictures(&rendered.path, 1000);
        let from = seen.iter().position(|s| *s == Seen::Black).unwrap();
        let pad = seen[from..].iter().take_while(|s| **s == Seen::Black).count();
        let transition = content_times(&rendered.path)[from + pad];
        (from, pad, transition, rendered)
    });
    // 50 frames at 25 a second are 60 at 30; 3550 ms are reached by frame 107.
    for (from, pad, transition, _) in &runs {
        assert_eq!((*from, *pad, *transition), (60, 47, 107 * 3000));
    }
    assert!(same_bytes(&runs[0].3.path, &runs[1].3.path), "the same underrun gave different bytes");
}

/// INV-BLOCKPLAN-METADATA-IGNORED and INV-BLOCKPLAN-TYPE-BLIND: advert, promo, content or nothing at all,
/// the bytes, the report and the events are the same; an underrun and an overrun among them.
#[test]
fn metadata_and_content_types_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (make(dir.path(), "short.mp4", 30, 1), make(dir.path(), "long.mp4", 30, 4));
    let bare = sized(
        plan((30, 1), &[&[(&long, 0, 1500), (&short, 0, 1500)], &[(&short, 500, 500), (&long, 0, 500)]]),
        SIZE,
    );
    let plain = render(dir.path(), "plain.ts", &bare, None);
    assert_eq!(plain.exit, 0, "{}", plain.errors);
    let notes = [
        json!({"content_type": "ad", "advertiser_id": "acme-corp", "skippable": true}),
        json!({"content_type": "promo", "priority": -7, "segment_duration_ms": 1, "asset_uri": "other.mp4"}),
        json!({"content_type": "content", "speed": 1.05, "on_error": "skip", "filler": ["slate.mp4"]}),
        json!({"content_type": "", "": null, "epg_title": "…"}),
    ];
    for (n, note) in notes.iter().enumerate() {
        let mut plan = bare.clone();
        plan["metadata"] = note.clone();
        for (b, block) in plan["blocks"].as_array_mut().unwrap().iter_mut().enumerate() {
            block["metadata"] = note.clone();
            for (s, segment) in block["segments"].as_array_mut().unwrap().iter_mut().enumerate() {
                // Each segment says something else than its neighbour.
                segment["metadata"] = notes[(n + b + s) % notes.len()].clone();
                segment["content_type"] = note["content_type"].clone();
            }
        }
        let noted = render(dir.path(), "noted.ts", &plan, None);
        assert_eq!(noted.exit, 0, "{}", noted.errors);
        assert_eq!(noted.report, plain.report, "{note}");
        assert!(same_bytes(&plain.path, &noted.path), "{note} changed the bytes");
    }
}
