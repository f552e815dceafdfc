//! Segments against their contracts (seed 003 §7.5.2 to §7.5.5): real media through `retrovue-air
//! render`, judged by what a player decodes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::Clip;
use retrovue_tests::levels::{BLACK, content_times, loudness, picture_levels};
use retrovue_tests::plan::{Cut, Rendered, plan, render, sized};
use retrovue_tests::stream::{check_continuous, packets};
use retrovue_tests::viewing::{Seen, beeps, pictures};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SIZE: (usize, usize) = (320, 180);

/// Frames a second of every plan here, and ticks of one frame.
const FPS: i64 = 30;
const FRAME: i64 = 3000;

fn make(dir: &Path, name: &'static str, rate: i64, seconds: i64) -> PathBuf {
    let codecs = "-c:v libx264 -preset ultrafast -crf 20 -g 60 -c:a aac -b:a 96k";
    Clip { name, size: SIZE, rate: (rate, 1), frames: seconds * rate, codecs }.make(dir)
}

fn small(blocks: &[&[Cut<'_>]]) -> Value {
    sized(plan((FPS, 1), blocks), SIZE)
}

fn rendered(dir: &Path, plan: &Value) -> Rendered {
    let rendered = render(dir, "out.ts", plan, None);
    assert_eq!(rendered.exit, 0, "{}", rendered.errors);
    rendered
}

fn events(rendered: &Rendered) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let events = rendered.report["events"].as_array().unwrap();
    events.iter().map(|e| (word(&e["event"]), word(&e["block_id"]))).collect()
}

/// Number of the clip frame shown in each output frame, -1 for black.
fn numbers(path: &Path) -> Vec<i64> {
    let number = |seen| if let Seen::Frame { number, .. } = seen { number } else { -1 };
    pictures(path, 1000).into_iter().map(number).collect()
}

#[track_caller]
fn assert_shows(path: &Path, expected: impl Fn(i64) -> i64, frames: i64) {
    let shown = numbers(path);
    assert_eq!(shown.len() as i64, frames);
    for (k, number) in (0..).zip(shown) {
        assert_eq!(number, expected(k), "output frame {k}");
    }
}

/// TEST-CT-002 (CONTRACT-BLOCK-002): a block of three segments and 60 s, Content Time sampled every
/// 100 ms; it rises strictly, repeats nothing and is 60 s at the fence.
///
/// INV-P8-TIMELINE-MONOTONIC and INV-FRAME-001: each frame's Content Time is its index times the frame's
/// length, across every boundary and in the next block too.
#[test]
fn test_ct_002_content_time_advances_monotonically() {
    let dir = tempfile::tempdir().unwrap();
    let (long, short) = (make(dir.path(), "long.mp4", 30, 31), make(dir.path(), "short.mkv", 25, 15));
    let rendered = rendered(
        dir.path(),
        &small(&[&[(&short, 0, 10_000), (&short, 2000, 20_000), (&long, 0, 30_000)], &[(&long, 0, 1000)]]),
    );
    let times = content_times(&rendered.path);
    let block: Vec<i64> = times.iter().copied().filter(|&ct| ct < 60_000 * 90).collect();
    // The frame on the air at each multiple of 100 ms is the last one that began by then.
    let samples: Vec<i64> = (0..600)
        .map(|n| block.iter().copied().filter(|&ct| ct <= n * 9000).max().expect("a frame is on the air"))
        .collect();
    assert_eq!(samples[0], 0);
    for pair in samples.windows(2) {
        assert!(pair[1] > pair[0], "Content Time {} then {}", pair[0], pair[1]);
    }
    assert_eq!(block.last().unwrap() + FRAME, 60_000 * 90, "Content Time at the fence");
    for (k, ct) in (0..).zip(&times) {
        assert_eq!(*ct, k * FRAME, "frame {k}");
    }
    assert_eq!(times.len(), 61 * 30);
    assert_eq!(rendered.report["blocks"][0], json!({"block_id": "B0", "frames": 1800}));
}

/// TEST-TRANS-001 (CONTRACT-SEG-002): nothing of a.mp4 from Content Time 10 s on, nothing of b.mkv
/// before it, and the boundary is exact: frame 300. b.mkv has another frame rate, so that its frames
/// cannot be taken for those of a.mp4.
#[test]
fn test_trans_001_transition_at_the_exact_boundary() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (make(dir.path(), "a.mp4", 30, 12), make(dir.path(), "b.mkv", 25, 12));
    let rendered = rendered(dir.path(), &small(&[&[(&a, 0, 10_000), (&b, 1000, 10_000)]]));
    assert_shows(&rendered.path, |k| if k < 300 { k } else { 25 + (k - 300) * 25 / 30 }, 600);
    assert_eq!(content_times(&rendered.path)[300], 10_000 * 90);
    // Sound changes over at the same instant: b.mkv, one second in, beeps with its first frame.
    let seams = beeps(&rendered.path);
    assert!(seams.iter().any(|beep| (beep - 480_000).abs() <= 48), "{seams:?}");
}

/// TEST-TRANS-002 (CONTRACT-SEG-002): each frame's stamp is the one before plus the frame's length, none
/// twice, none missing, at rates whose frames are and are not whole ticks.
#[test]
fn test_trans_002_output_is_continuous_across_the_transition() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (make(dir.path(), "a.mp4", 30, 3), make(dir.path(), "b.mkv", 25, 3));
    let rendered = rendered(dir.path(), &small(&[&[(&a, 0, 2017), (&b, 0, 1983)]]));
    assert_eq!(check_continuous(&rendered.path, FRAME), 120);

    for (num, den) in [(24_000, 1001), (30_000, 1001), (60_000, 1001), (25, 1)] {
        let plan = sized(plan((num, den), &[&[(&a, 0, 2017), (&b, 0, 1983)]]), SIZE);
        let rendered = render(dir.path(), "fraction.ts", &plan, None);
        assert_eq!(rendered.exit, 0, "{}", rendered.errors);
        let times = content_times(&rendered.path);
        let frames = (4000 * num + den * 1000 - 1) / (den * 1000);
        let expected: Vec<i64> = (0..frames).map(|k| k * 90_000 * den / num).collect();
        assert_eq!(times, expected, "{num}/{den}");
        let audio = packets(&rendered.path, "a:0");
        assert!(audio.windows(2).all(|pair| pair[1].pts - pair[0].pts == 1920), "sound at {num}/{den}");
    }
}

/// TEST-UNDER-001 (CONTRACT-SEG-003): an asset of 8 s in a segment of 10 s is padded with exactly 2 s of
/// black and silence, then the next segment begins at its own boundary (INV-BLOCKPLAN-SEGMENT-PAD-TO-CT).
#[test]
fn test_under_001_underrun_is_padded_to_the_boundary() {
    let dir = tempfile::tempdir().unwrap();
    let (short, next) = (make(dir.path(), "short.mp4", 30, 8), make(dir.path(), "next.mp4", 30, 4));
    let rendered = rendered(dir.path(), &small(&[&[(&short, 0, 10_000), (&next, 1000, 2000)]]));
    let expected = |k: i64| match k {
        0..240 => k,
        240..300 => -1,
        _ => k - 300 + 30,
    };
    assert_shows(&rendered.path, expected, 360);
    // No gap, and Content Time goes on at its rate through the pad.
    assert_eq!(check_continuous(&rendered.path, FRAME), 360);
    assert_eq!(content_times(&rendered.path), (0..360).map(|k| k * FRAME).collect::<Vec<_>>());
    // The pad is the black and the silence of the contract.
    let levels = picture_levels(&rendered.path, SIZE);
    for (k, found) in levels.iter().enumerate().skip(240).take(60) {
        assert_eq!(*found, BLACK, "output frame {k}");
    }
    // One AAC frame of ringing is left of what was before; the next segment's beep is not ours.
    let pad = &loudness(&rendered.path)[8000 + 2 * 22..10_000 - 2 * 22];
    assert_eq!(pad.iter().copied().max(), Some(0), "silence");
    let onsets: Vec<i64> = beeps(&rendered.path).iter().map(|beep| (beep + 240) / 48_000).collect();
    assert_eq!(onsets, [0, 1, 2, 3, 4, 5, 6, 7, 10, 11], "seconds with a beep");
}

/// TEST-UNDER-002 (CONTRACT-SEG-003): the last segment of a 60 s block has 15 s for its 20 s; 5 s of pad
/// follow up to the fence, the block completes there, and the next block begins there.
#[test]
fn test_under_002_last_segment_is_padded_to_the_fence() {
    let dir = tempfile::tempdir().unwrap();
    let (first, last) = (make(dir.path(), "first.mp4", 30, 40), make(dir.path(), "last.mp4", 30, 15));
    let rendered =
        rendered(dir.path(), &small(&[&[(&first, 0, 40_000), (&last, 0, 20_000)], &[(&first, 2000, 2000)]]));
    let expected = |k: i64| match k {
        0..1200 => k,
        1200..1650 => k - 1200,
        1650..1800 => -1,
        _ => k - 1800 + 60,
    };
    assert_shows(&rendered.path, expected, 1860);
    assert_eq!(rendered.report["outcome"], json!("completed"));
    assert_eq!(
        rendered.report["blocks"],
        json!([{"block_id": "B0", "frames": 1800}, {"block_id": "B1", "frames": 60}])
    );
    let order = [("started", "B0"), ("completed", "B0"), ("started", "B1"), ("completed", "B1")];
    assert_eq!(events(&rendered), order.map(|(e, b)| (e.to_owned(), b.to_owned())));
    assert_eq!(content_times(&rendered.path)[1800], 60_000 * 90, "the next block begins at the fence");
}

/// TEST-OVER-001 (CONTRACT-SEG-004): an asset of 15 s in a segment of 10 s is cut at 10 s; its other 5 s
/// are never shown, also not later (INV-BLOCKPLAN-SEGMENT-TRUNCATE).
#[test]
fn test_over_001_overrun_is_cut_at_the_boundary() {
    let dir = tempfile::tempdir().unwrap();
    let (long, next) = (make(dir.path(), "long.mp4", 30, 15), make(dir.path(), "next.mp4", 30, 5));
    let rendered = rendered(dir.path(), &small(&[&[(&long, 0, 10_000), (&next, 0, 5000)]]));
    assert_shows(&rendered.path, |k| if k < 300 { k } else { k - 300 }, 450);
    assert!(numbers(&rendered.path).iter().all(|&number| number < 300), "frames past the boundary");
    assert_eq!(content_times(&rendered.path)[300], 10_000 * 90);
    assert_eq!(check_continuous(&rendered.path, FRAME), 450);
}

/// TEST-OVER-002 (CONTRACT-SEG-004): an overrun of the last segment does not move the fence.
#[test]
fn test_over_002_overrun_does_not_extend_the_block() {
    let dir = tempfile::tempdir().unwrap();
    let long = make(dir.path(), "long.mp4", 30, 12);
    let blocks: &[&[Cut<'_>]] = &[&[(&long, 0, 2000), (&long, 1000, 3000)], &[(&long, 4000, 1000)]];
    let both = rendered(dir.path(), &small(blocks));
    let expected = |k: i64| match k {
        0..60 => k,
        60..150 => k - 60 + 30,
        _ => k - 150 + 120,
    };
    assert_shows(&both.path, expected, 180);
    let fenced = json!([{"block_id": "B0", "frames": 150}, {"block_id": "B1", "frames": 30}]);
    assert_eq!(both.report["blocks"], fenced);
    // Alone, with nothing behind it to hold it back, the block ends there too.
    let alone = rendered(dir.path(), &small(&blocks[..1]));
    assert_shows(&alone.path, expected, 150);
    assert_eq!(content_times(&alone.path).last(), Some(&(149 * FRAME)));
}

/// INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001 (LAW-AUTHORITY-HIERARCHY): whatever Core planned, absent,
/// right, short or long, the segment's end governs: content that is short is padded, content that is long
/// is cut, and the bytes are the same.
#[test]
fn the_segments_end_governs_whatever_frame_count_was_planned() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (make(dir.path(), "short.mp4", 30, 1), make(dir.path(), "long.mp4", 30, 4));
    let bare = small(&[&[(&short, 0, 2000), (&long, 0, 2000)]]);
    let expected = |k: i64| match k {
        0..30 => k,
        30..60 => -1,
        _ => k - 60,
    };
    let mut outputs = Vec::new();
    for planned in [None, Some(60), Some(1), Some(10_000), Some(0), Some(-1)] {
        let mut plan = bare.clone();
        for segment in plan["blocks"][0]["segments"].as_array_mut().unwrap() {
            if let Some(planned) = planned {
                segment["frame_count"] = json!(planned);
            }
        }
        let rendered = rendered(dir.path(), &plan);
        assert_eq!(rendered.report["blocks"], json!([{"block_id": "B0", "frames": 120}]), "{planned:?}");
        outputs.push(std::fs::read(&rendered.path).unwrap());
        if outputs.len() == 1 {
            assert_shows(&rendered.path, expected, 120);
        }
    }
    assert!(outputs.iter().all(|bytes| *bytes == outputs[0]), "the planned count changed the bytes");
}
