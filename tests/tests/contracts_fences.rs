//! Many fences in a row, judged by two readers that share no code with ours: ffprobe and mpeg2ts-reader.
//!
//! Opening, seeking and encoding cost a few milliseconds a block, so real codecs cross 2,000 fences at each
//! of five frame rates here; the session alone crosses 20,000 at each in
//! `engine/tests/session_contracts.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use mpeg2ts_reader::packet::Packet;
use mpeg2ts_reader::pes::{PesContents, PesHeader, PtsDts};
use retrovue_tests::clip::Clip;
use retrovue_tests::levels::content_times;
use retrovue_tests::plan::{Cut, START, plan, render, sized};
use retrovue_tests::viewing::{Seen, pictures};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The five rates that are no whole number of milliseconds a frame, or the commonest that are.
const RATES: [(i64, i64); 5] = [(24_000, 1001), (25, 1), (30_000, 1001), (50, 1), (60_000, 1001)];

fn make(dir: &Path, name: &'static str, size: (usize, usize), seconds: i64) -> PathBuf {
    let codecs = "-c:v libx264 -preset ultrafast -crf 20 -g 15 -c:a aac -b:a 64k";
    Clip { name, size, rate: (25, 1), frames: seconds * 25, codecs }.make(dir)
}

/// First frame at or after `ms` from the epoch.
fn frame_at(ms: i64, (num, den): (i64, i64)) -> i64 {
    (ms * num + den * 1000 - 1) / (den * 1000)
}

/// Presentation times by PID, from the epoch, as mpeg2ts-reader finds them; every PID's continuity counter
/// must count.
fn read_by_others(path: &Path) -> BTreeMap<u16, Vec<i64>> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes.len() % Packet::SIZE, 0, "whole packets");
    let mut counters: BTreeMap<u16, u8> = BTreeMap::new();
    let mut times: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    for (n, bytes) in bytes.chunks_exact(Packet::SIZE).enumerate() {
        let packet = Packet::try_new(bytes).expect("a sync byte");
        let pid = u16::from(packet.pid());
        assert!(!packet.transport_error_indicator(), "packet {n}");
        let Some(payload) = packet.payload() else { continue };
        let counter = packet.continuity_counter().count();
        if let Some(before) = counters.insert(pid, counter) {
            assert_eq!(counter, (before + 1) % 16, "continuity of PID {pid} at packet {n}");
        }
        if packet.payload_unit_start_indicator()
            && payload.starts_with(&[0, 0, 1])
            && let Some(header) = PesHeader::from_bytes(payload)
        {
            let PesContents::Parsed(Some(contents)) = header.contents() else {
                panic!("packet {n}: no contents")
            };
            let pts = match contents.pts_dts().expect("stamps") {
                PtsDts::PtsOnly(Ok(pts)) | PtsDts::Both { pts: Ok(pts), .. } => pts.value() as i64,
                other => panic!("packet {n}: {other:?}"),
            };
            times.entry(pid).or_default().push((pts - START * 90).rem_euclid(1 << 33));
        }
    }
    times
}

/// Renders blocks whose lengths are `lengths` in milliseconds and checks each fence: as many frames between
/// two fences as the rule says, in the report and in the stream, every stamp the one its index gives, and
/// no break in the sound. Gives the stream.
fn assert_fences(dir: &Path, plan: &Value, rate: (i64, i64), lengths: &[i64]) -> PathBuf {
    let rendered = render(dir, "fences.ts", plan, None);
    assert_eq!(rendered.exit, 0, "{rate:?}: {} {}", rendered.report["detail"], rendered.errors);
    let mut fences = vec![0];
    let mut at = 0;
    for length in lengths {
        at += length;
        fences.push(frame_at(at, rate));
    }
    let expected: Vec<i64> = fences.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let reported =
        rendered.report["blocks"].as_array().unwrap().iter().map(|b| b["frames"].as_i64().unwrap());
    assert_eq!(reported.collect::<Vec<_>>(), expected, "{rate:?}: frames per block");

    let frames = *fences.last().unwrap();
    let stamps: Vec<i64> = (0..frames).map(|k| k * 90_000 * rate.1 / rate.0).collect();
    assert_eq!(content_times(&rendered.path), stamps, "{rate:?}: as ffprobe reads it");
    let mut theirs: Vec<Vec<i64>> = read_by_others(&rendered.path).into_values().collect();
    assert_eq!(theirs.len(), 2, "a picture and a sound stream");
    theirs.sort_by_key(|times| {
        *times != stamps && {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            sorted != stamps
        }
    });
    let mut video = theirs.remove(0);
    video.sort_unstable();
    assert_eq!(video, stamps, "{rate:?}: as mpeg2ts-reader reads it");
    let audio = theirs.remove(0);
    assert!(audio.len() as i64 >= at * 48 / 1024, "{rate:?}: {} units of sound", audio.len());
    for pair in audio.windows(2) {
        assert_eq!((pair[1] - pair[0]).rem_euclid(1 << 33), 1920, "{rate:?}: sound at {}", pair[0]);
    }
    rendered.path
}

/// CONTRACT-BLOCK-003 and CONTRACT-SEG-002: thirty blocks of odd lengths, of one to three segments with
/// underruns and overruns among them, at 30000/1001: every frame is where its index says, at no fence is
/// one missing or too many, and every block shows its own in-point first.
#[test]
fn thirty_blocks_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let size = (320, 180);
    let (short, long) = (make(dir.path(), "short.mkv", size, 1), make(dir.path(), "long.mp4", size, 12));
    let rate = (30_000, 1001);
    let cuts: Vec<Vec<Cut<'_>>> = (0..30)
        .map(|n| {
            let long_cut: Cut<'_> = (&long, 40 * n, 701 + 13 * n);
            match n % 3 {
                0 => vec![long_cut],
                1 => vec![long_cut, (short.as_path(), 0, 1333)],
                _ => vec![long_cut, (short.as_path(), 480, 417), (long.as_path(), 0, 251)],
            }
        })
        .collect();
    let lengths: Vec<i64> = cuts.iter().map(|cuts| cuts.iter().map(|cut| cut.2).sum()).collect();
    let blocks: Vec<&[Cut<'_>]> = cuts.iter().map(Vec::as_slice).collect();
    let path = assert_fences(dir.path(), &sized(plan(rate, &blocks), size), rate, &lengths);
    let seen = pictures(&path, 1000);
    let mut at = 0;
    for (n, length) in (0..).zip(lengths) {
        let first = seen[usize::try_from(frame_at(at, rate)).unwrap()];
        assert!(
            matches!(first, Seen::Frame { number, .. } if number == n),
            "block {n} begins with {first:?}"
        );
        at += length;
    }
}

/// CONTRACT-BLOCK-003: 2,000 blocks of two to nine frames at each of five rates, ten thousand fences in all.
/// Segments this short fit into a producer's lane whole: it finishes them before the one on the air ends.
#[test]
fn two_thousand_fences_at_each_of_five_rates() {
    let dir = tempfile::tempdir().unwrap();
    let size = (64, 64);
    let clip = make(dir.path(), "clip.mp4", size, 2);
    for rate in RATES {
        let lengths: Vec<i64> = (0..2000).map(|n| 83 + n * 37 % 59).collect();
        let cuts: Vec<[Cut<'_>; 1]> =
            (0..).zip(&lengths).map(|(n, length)| [(clip.as_path(), n % 40 * 40, *length)]).collect();
        let blocks: Vec<&[Cut<'_>]> = cuts.iter().map(<[_; 1]>::as_slice).collect();
        assert_fences(dir.path(), &sized(plan(rate, &blocks), size), rate, &lengths);
    }
}
