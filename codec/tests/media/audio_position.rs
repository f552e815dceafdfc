//! Sample `n` that comes out is sample `n` that went in, whatever codec lay between.

use crate::clips::{clip, generated, lag, number, open, sound, wav};
use retrovue_codec::{AssetReader, OutputShape, Picture, PictureStatus};
use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};

/// Sample pairs from an in-point on: the left channel, checked to be like the right one.
fn left_from(reader: &mut AssetReader, in_point: i64, pairs: usize) -> Vec<i16> {
    reader.start_at(Millis(in_point)).unwrap();
    let mut pcm = vec![0; pairs * 2];
    // In the odd portions an output frame takes.
    let mut filled = 0;
    for portion in [1, 1601, 1602, 960, 7].iter().cycle() {
        let end = (filled + portion * 2).min(pcm.len());
        let got = reader.audio(&mut pcm[filled..end]).unwrap() * 2;
        filled += got;
        if got < *portion * 2 || filled == pcm.len() {
            break;
        }
    }
    pcm.truncate(filled);
    let (mut left, mut apart) = (Vec::new(), 0i64);
    for pair in pcm.chunks_exact(2) {
        left.push(pair[0]);
        apart += i64::from(pair[0].abs_diff(pair[1]));
    }
    assert!(apart <= 300 * left.len() as i64, "left and right differ by {apart} in {}", left.len());
    left
}

fn check(path: &Path, in_points: &[i64], tolerance: i64) {
    let sent = sound(48_000, 6.0);
    for &in_point in in_points {
        let heard = left_from(&mut open(path, 25, 1), in_point, 14_400);
        assert_eq!(heard.len(), 14_400, "{path:?} from {in_point}");
        let from = in_point as usize * 48;
        let found = lag(&heard, &sent[from..from + 6_000], 1_500);
        assert!(found.abs() <= tolerance, "{path:?} from {in_point} ms: {found} samples late");
        // As loud as it was, from its first millisecond on.
        let power = |s: &[i16]| s.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
        let ratio = power(&heard[..4_800]) / power(&sent[from..from + 4_800]);
        assert!((0.8..1.2).contains(&ratio), "{path:?} from {in_point} ms: power times {ratio}");
    }
}

const IN_POINTS: [i64; 6] = [0, 7, 501, 1000, 2503, 4321];

fn film(name: &str, rate: u32, arguments: &[&str]) -> PathBuf {
    let sound = wav(rate, 2, 6.0);
    let video = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30"];
    clip(name, 150, "25", &["-i", sound.to_str().unwrap()], &[&video, arguments].concat())
}

#[test]
fn every_codec_at_48_khz() {
    for (name, codec) in [
        ("aac.mp4", &["-c:a", "aac", "-b:a", "192k"][..]),
        ("aac.mkv", &["-c:a", "aac", "-b:a", "192k"]),
        ("aac.ts", &["-c:a", "aac", "-b:a", "192k"]),
        ("pcm.mov", &["-c:a", "pcm_s16le"]),
        ("pcm24.mkv", &["-c:a", "pcm_s24le"]),
        ("flac.mkv", &["-c:a", "flac"]),
        ("mp3.mp4", &["-c:a", "libmp3lame", "-b:a", "192k"]),
        ("mp3.mkv", &["-c:a", "libmp3lame", "-b:a", "192k"]),
        ("pcm.avi", &["-c:a", "pcm_s16le"]),
        ("mp2.ts", &["-c:a", "mp2", "-b:a", "256k"]),
        ("ac3.ts", &["-c:a", "ac3", "-b:a", "256k"]),
        ("ac3.mkv", &["-c:a", "ac3", "-b:a", "256k"]),
        ("eac3.mp4", &["-c:a", "eac3", "-b:a", "256k"]),
        ("opus.mp4", &["-c:a", "libopus", "-b:a", "160k"]),
        ("vorbis.mkv", &["-c:a", "libvorbis", "-q:a", "6"]),
    ] {
        // Within a millisecond, which is what Matroska's stamps can tell.
        check(&film(name, 48_000, codec), &IN_POINTS, 48);
    }
}

/// AVI has no place for an encoder's delay, and ffmpeg's DTS encoder does not tell its own: both are heard,
/// as every other player lets them be heard.
#[test]
fn a_delay_the_file_does_not_tell_is_heard() {
    let sent = sound(48_000, 6.0);
    for (name, codec, delays) in [
        ("mp3.avi", &["-c:a", "libmp3lame", "-b:a", "192k"][..], 1_057..=1_153),
        ("dts.mkv", &["-c:a", "dca", "-strict", "-2", "-b:a", "768k"], 464..=560),
        // ffmpeg 5.1 shifts the video by the encoder's delay; newer ones do not.
        ("opus.mkv", &["-c:a", "libopus", "-b:a", "160k"], -384..=48),
    ] {
        let path = film(name, 48_000, codec);
        for in_point in [501, 2503] {
            let heard = left_from(&mut open(&path, 25, 1), in_point, 14_400);
            let found = lag(&heard, &sent[in_point as usize * 48..][..12_000], 1_500);
            assert!(delays.contains(&found), "{name} from {in_point}: {found}");
        }
    }
}

#[test]
fn exact_codecs_are_exact() {
    check(&film("pcm.mov", 48_000, &["-c:a", "pcm_s16le"]), &IN_POINTS, 0);
    check(&film("aac.mp4", 48_000, &["-c:a", "aac", "-b:a", "192k"]), &IN_POINTS, 1);
    let sent = sound(48_000, 6.0);
    let heard = left_from(&mut open(&film("pcm.mov", 48_000, &["-c:a", "pcm_s16le"]), 25, 1), 1001, 9_600);
    assert_eq!(heard, sent[1001 * 48..1001 * 48 + 9_600]);
}

#[test]
fn other_rates_are_resampled_in_place() {
    let sent = sound(44_100, 6.0);
    // Half a millisecond is what Matroska's stamps may be off.
    for (name, codec, tolerance) in
        [("pcm44.mov", "pcm_s16le", 1), ("aac44.mp4", "aac", 2), ("flac44.mkv", "flac", 23)]
    {
        let path = film(name, 44_100, &["-c:a", codec]);
        for in_point in [0, 1000, 2500] {
            let heard = left_from(&mut open(&path, 25, 1), in_point, 14_400);
            // Each sent sample stands at 480/441 of its number: compare at the sent rate.
            let slowed: Vec<i16> = (0..13_000).map(|i| heard[i * 160 / 147]).collect();
            let from = in_point as usize * 441 / 10;
            let found = lag(&slowed, &sent[from..from + 11_000], 1_000);
            assert!(found.abs() <= tolerance, "{name} from {in_point}: {found}");
        }
    }
}

#[test]
fn mono_goes_to_both_sides_at_full_level() {
    let sound = wav(48_000, 1, 6.0);
    let path = generated("mono.m4a", &["-i", sound.to_str().unwrap(), "-c:a", "aac", "-b:a", "128k"]);
    check(&path, &IN_POINTS, 1);
}

#[test]
fn audio_files_without_video() {
    let sound = wav(48_000, 2, 6.0);
    let input = ["-i", sound.to_str().unwrap()];
    for (name, codec) in [
        ("only.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"][..]),
        ("only.flac", &["-c:a", "flac"]),
        ("only.wav", &["-c:a", "pcm_s16le"]),
        ("only.ogg", &["-c:a", "libvorbis", "-q:a", "6"]),
        ("only.opus", &["-c:a", "libopus", "-b:a", "160k"]),
        ("only.m4a", &["-c:a", "aac", "-b:a", "192k"]),
    ] {
        let path = generated(name, &[&input[..], codec].concat());
        check(&path, &IN_POINTS, 48);
        let mut reader = open(&path, 25, 1);
        reader.start_at(Millis(0)).unwrap();
        assert_eq!(reader.picture(0, &mut Picture::empty()).unwrap(), PictureStatus::End);
        assert!(reader.info().video.is_none());
    }
}

#[test]
fn the_length_is_that_of_the_track() {
    for name in ["aac.mp4", "pcm.mov"] {
        let codec =
            if name == "aac.mp4" { &["-c:a", "aac", "-b:a", "192k"][..] } else { &["-c:a", "pcm_s16le"] };
        let heard = left_from(&mut open(&film(name, 48_000, codec), 25, 1), 0, 400_000);
        assert!(heard.len().abs_diff(288_000) <= 1_024, "{name}: {}", heard.len());
        let rest = left_from(&mut open(&film(name, 48_000, codec), 25, 1), 5_000, 400_000);
        assert_eq!(rest.len() + 240_000, heard.len(), "{name}");
    }
}

#[test]
fn a_late_track_and_a_hole_become_silence() {
    let sound_path = wav(48_000, 2, 6.0);
    let path = clip(
        "late.mkv",
        150,
        "25",
        &["-itsoffset", "1.5", "-i", sound_path.to_str().unwrap()],
        &["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-c:a", "flac"],
    );
    let sent = sound(48_000, 6.0);
    let heard = left_from(&mut open(&path, 25, 1), 1_000, 48_000);
    assert!(heard[..23_900].iter().all(|&s| s == 0));
    assert_eq!(lag(&heard[24_000..], &sent[..12_000], 500).abs(), 0);

    // A tenth of the packets taken out: what follows stays where it belongs.
    let holed = generated(
        "holed.mkv",
        &[
            "-i",
            film("pcm.mov", 48_000, &["-c:a", "pcm_s16le"]).to_str().unwrap(),
            "-c:v",
            "copy",
            "-af",
            "aselect='not(between(t,2,2.5))'",
            "-c:a",
            "pcm_s16le",
        ],
    );
    let heard = left_from(&mut open(&holed, 25, 1), 1_500, 72_000);
    let from = 1_500 * 48;
    assert_eq!(lag(&heard, &sent[from..from + 20_000], 500).abs(), 0);
    assert!(heard[26_000..46_000].iter().all(|&s| s == 0), "the hole is silent");
    assert!(lag(&heard[57_000..], &sent[from + 57_000..from + 67_000], 500).abs() <= 48);
}

/// One in-point for both tracks: the sample heard with a picture is the one filmed with it.
#[test]
fn sound_and_picture_start_together() {
    let sent = sound(48_000, 6.0);
    for (name, codec, tolerance) in [
        ("aac.mp4", &["-c:a", "aac", "-b:a", "192k"][..], 1),
        ("aac.ts", &["-c:a", "aac", "-b:a", "192k"], 48),
        ("ac3.ts", &["-c:a", "ac3", "-b:a", "256k"], 48),
    ] {
        let mut reader = open(&film(name, 48_000, codec), 25, 1);
        for in_point in [3_000, 0, 1_237, 2_399] {
            let heard = left_from(&mut reader, in_point, 14_400);
            let mut picture = Picture::empty();
            reader.picture(0, &mut picture).unwrap();
            assert_eq!(number(&picture) as i64, (in_point + 1) / 40, "{name}");
            let from = in_point as usize * 48;
            let found = lag(&heard, &sent[from..from + 12_000], 1_000);
            assert!(found.abs() <= tolerance, "{name} from {in_point}: {found}");
        }
    }
}

#[test]
fn surround_is_mixed_down_without_clipping() {
    let sound = wav(48_000, 6, 2.0);
    for (name, codec) in [
        ("six.mkv", &["-c:a", "flac"][..]),
        ("six.mp4", &["-c:a", "aac", "-b:a", "384k"]),
        ("six.ts", &["-c:a", "ac3"]),
    ] {
        let path =
            generated(name, &[&["-i", sound.to_str().unwrap(), "-channel_layout", "5.1"], codec].concat());
        let heard = left_from(&mut open(&path, 25, 1), 0, 48_000);
        // The same in every channel: front, centre and surround add up to the level of one.
        let peak = heard.iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!((7_500..=12_000).contains(&peak), "{name}: peak {peak}");
    }
}

#[test]
fn the_configured_language_is_played() {
    let sound = wav(48_000, 2, 6.0);
    let path = clip(
        "languages.mkv",
        150,
        "25",
        &["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=6", "-i", sound.to_str().unwrap()],
        &[
            &["-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:v", "libx264", "-c:a", "flac"][..],
            &["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng"],
        ]
        .concat(),
    );
    for (language, loud) in [(None, false), (Some("de"), false), (Some("en"), true), (Some("fr"), false)] {
        let shape = OutputShape { audio_language: language.map(str::to_owned), ..crate::clips::shape(25, 1) };
        let mut reader = AssetReader::open(&path, &shape).unwrap();
        let heard = left_from(&mut reader, 0, 4_800);
        assert_eq!(heard.iter().any(|&s| s != 0), loud, "{language:?}");
    }
}

/// Asking for one track only must neither starve nor swell the other.
#[test]
fn either_track_may_be_asked_for_alone() {
    let path = film("aac.mp4", 48_000, &["-c:a", "aac", "-b:a", "192k"]);
    let mut reader = open(&path, 25, 1);
    assert_eq!(left_from(&mut reader, 0, 288_000).len(), 288_000);
    let mut picture = Picture::empty();
    for j in 0..150 {
        assert_ne!(reader.picture(j, &mut picture).unwrap(), PictureStatus::End);
        assert_eq!(number(&picture), j as usize);
    }
    assert_eq!(reader.picture(150, &mut picture).unwrap(), PictureStatus::End);
}

/// Joining in the middle shows and sounds exactly as if everything before had been played.
#[test]
fn a_join_is_the_same_as_having_played_up_to_it() {
    for (name, codec) in
        [("pcm.mov", &["-c:a", "pcm_s16le"][..]), ("aac.mp4", &["-c:a", "aac", "-b:a", "192k"])]
    {
        let path = film(name, 48_000, codec);
        for (in_point, first) in [(0, 3), (700, 0), (700, 41), (1_237, 90)] {
            let sample = first * 1_920;
            let mut whole = open(&path, 25, 1);
            whole.start_at(Millis(in_point)).unwrap();
            let mut played = vec![0; (sample as usize + 9_600) * 2];
            whole.audio(&mut played).unwrap();
            let mut joined = open(&path, 25, 1);
            joined.join_at(Millis(in_point), first, sample).unwrap();
            let mut heard = vec![0; 9_600 * 2];
            assert_eq!(joined.audio(&mut heard).unwrap(), 9_600);
            let rest = &played[sample as usize * 2..];
            let apart = heard.iter().zip(rest).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // AAC fills bands with noise that depends on what was decoded before.
            let allowed = if name == "pcm.mov" { 0 } else { 300 };
            assert!(apart <= allowed, "{name} from {in_point}, joined at {first}: {apart} apart");
            let (mut a, mut b) = (Picture::empty(), Picture::empty());
            for j in first..first + 5 {
                whole.picture(j, &mut a).unwrap();
                joined.picture(j, &mut b).unwrap();
                assert_eq!(number(&a), number(&b), "{name} from {in_point}, frame {j}");
                assert_eq!(number(&b) as i64, (in_point + 1) / 40 + j, "{name}");
            }
        }
    }
}
