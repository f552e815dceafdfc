//! Damaged files end or fail with a clear error: no panic, no endless loop, no garbage lengths.

use crate::clips::{clip, generated, number, open, shape, wav};
use proptest::prelude::*;
use retrovue_codec::{AssetReader, MediaError, Picture, PictureStatus, probe};
use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn film(name: &str, more: &[&str]) -> PathBuf {
    let sound = wav(48_000, 2, 6.0);
    let arguments = [&["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"][..], more].concat();
    clip(name, 150, "25", &["-i", sound.to_str().unwrap()], &arguments)
}

/// Plays to the end; how many frames were shown and samples heard.
fn play(reader: &mut AssetReader, in_point: i64) -> Result<(i64, usize), MediaError> {
    reader.start_at(Millis(in_point))?;
    let mut picture = Picture::empty();
    let mut pcm = vec![0; 2 * 1_920];
    let (mut shown, mut heard) = (0, 0);
    for j in 0..2_000 {
        let picture = reader.picture(j, &mut picture)?;
        let pairs = reader.audio(&mut pcm)?;
        heard += pairs;
        if picture == PictureStatus::End && pairs == 0 {
            return Ok((shown, heard));
        }
        shown += i64::from(picture != PictureStatus::End);
    }
    panic!("an end without end");
}

#[test]
fn a_truncated_file_ends_at_its_last_decodable_frame() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [
        ("cut.mkv", &["-c:a", "aac"][..]),
        ("cut.ts", &["-c:a", "aac"]),
        ("cut.mp4", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("cut.avi", &["-c:a", "pcm_s16le"]),
    ] {
        let whole = std::fs::read(film(name, more)).unwrap();
        for percent in [30, 50, 75, 97] {
            let path = folder.path().join(format!("{percent}-{name}"));
            std::fs::write(&path, &whole[..whole.len() * percent / 100]).unwrap();
            let (shown, heard) = play(&mut open(&path, 25, 1), 0).unwrap();
            let about = 150 * percent as i64 / 100;
            assert!((about - 40..=about + 40).contains(&shown), "{name} at {percent} %: {shown} frames");
            assert!(
                heard.abs_diff(shown as usize * 1_920) < 48_000 * 3 / 2,
                "{name} at {percent} %: {heard}"
            );
            // Past what is left: the end, not an error.
            let (shown, heard) = play(&mut open(&path, 25, 1), 5_990).unwrap();
            assert!(shown <= 1 && heard <= 1_920, "{name} at {percent} %: {shown} {heard}");
        }
    }
}

#[test]
fn an_index_cut_off_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(film("index.mp4", &["-c:a", "aac"])).unwrap();
    let path = folder.path().join("no-index.mp4");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = AssetReader::open(&path, &shape(25, 1)).err().unwrap();
    assert!(matches!(error, MediaError::NotMedia { .. }), "{error}");
}

#[test]
fn a_file_of_which_nothing_can_be_decoded_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(film("mush.mp4", &["-an", "-movflags", "+faststart"])).unwrap();
    let content = bytes.windows(4).position(|w| w == b"mdat").unwrap() + 4;
    // Every access unit overwritten: lengths no unit can have.
    bytes[content..].fill(0xff);
    let path = folder.path().join("mush.mp4");
    std::fs::write(&path, &bytes).unwrap();
    assert!(probe(&path).is_ok(), "its header is sound");
    let error = play(&mut open(&path, 25, 1), 0).unwrap_err();
    assert!(matches!(error, MediaError::Decode { .. }), "{error}");
    let error = play(&mut open(&path, 25, 1), 2_000).unwrap_err();
    assert!(matches!(error, MediaError::Decode { .. }), "{error}");
}

#[test]
fn damage_in_the_middle_is_survived_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(film("scratch.ts", &["-c:a", "aac"])).unwrap();
    let middle = bytes.len() / 2;
    for (i, byte) in bytes[middle..middle + 4_000].iter_mut().enumerate() {
        *byte = (i * 31 % 251) as u8;
    }
    let path = folder.path().join("scratch.ts");
    std::fs::write(&path, &bytes).unwrap();
    let mut reader = open(&path, 25, 1);
    let mut picture = Picture::empty();
    reader.start_at(Millis(0)).unwrap();
    for j in 0..150 {
        assert_ne!(reader.picture(j, &mut picture).unwrap(), PictureStatus::End, "frame {j}");
        if !(50..115).contains(&j) {
            assert_eq!(number(&picture) as i64, j);
        }
    }
}

/// Two recordings in one file: the clock goes back in the middle, and both tracks play on.
#[test]
fn a_clock_that_starts_anew_does_not_stop_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.ts");
    let once = std::fs::read(film("once.ts", &["-c:a", "ac3"])).unwrap();
    std::fs::write(&path, [once.clone(), once].concat()).unwrap();
    let (shown, heard) = play(&mut open(&path, 25, 1), 0).unwrap();
    assert!((290..=310).contains(&shown), "{shown} frames");
    assert!(heard.abs_diff(12 * 48_000) < 48_000, "{heard} samples");
}

/// All the video of a file before all its audio, more of it than may wait in memory.
#[test]
fn a_badly_interleaved_file_plays() {
    let sound = wav(48_000, 2, 6.0);
    let video = generated(
        "fat.mkv",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=1280x720:r=25:d=4,noise=alls=60:allf=t",
            "-c:v",
            "mjpeg",
            "-q:v",
            "1",
        ],
    );
    let path = generated(
        "apart.avi",
        &[
            "-i",
            video.to_str().unwrap(),
            "-itsoffset",
            "0",
            "-i",
            sound.to_str().unwrap(),
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c",
            "copy",
            "-max_interleave_delta",
            "0",
        ],
    );
    let mut reader = open(&path, 25, 1);
    reader.start_at(Millis(0)).unwrap();
    // Audio first, all of it: the video has to wait or be fetched again.
    let mut pcm = vec![0; 48_000 * 2 * 6];
    assert_eq!(reader.audio(&mut pcm).unwrap(), 288_000);
    let sent = crate::clips::sound(48_000, 6.0);
    let left: Vec<i16> = pcm.chunks_exact(2).map(|p| p[0]).collect();
    assert!(left == sent, "not one sample lost where the second reader took over");
    let mut picture = Picture::empty();
    for j in 0..100 {
        assert_ne!(reader.picture(j, &mut picture).unwrap(), PictureStatus::End, "frame {j}");
    }
    assert_eq!(reader.picture(100, &mut picture).unwrap(), PictureStatus::End);

    // Video first: the audio waits.
    let mut reader = open(&path, 25, 1);
    reader.start_at(Millis(1_000)).unwrap();
    for j in 0..75 {
        assert_ne!(reader.picture(j, &mut picture).unwrap(), PictureStatus::End, "frame {j}");
    }
    let pairs = reader.audio(&mut pcm).unwrap();
    assert_eq!(pairs, 240_000);
    assert!(pcm.chunks_exact(2).take(pairs).map(|p| p[0]).eq(sent[48_000..].iter().copied()));
}

/// Opens and plays whatever `bytes` are; any answer will do, in time.
fn survive(bytes: &[u8], path: &Path) {
    std::fs::write(path, bytes).unwrap();
    let began = Instant::now();
    let _ = probe(path);
    if let Ok(mut reader) = AssetReader::open(path, &shape(25, 1)) {
        let mut picture = Picture::empty();
        let mut pcm = [0; 4_000];
        for in_point in [700, 0] {
            if reader.start_at(Millis(in_point)).is_err() {
                break;
            }
            for j in 0..60 {
                let (picture, audio) = (reader.picture(j, &mut picture), reader.audio(&mut pcm));
                if picture.is_err() || audio.is_err() {
                    break;
                }
            }
        }
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{path:?} took {:?}", began.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_are_survived(
        which in 0usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
        head in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let path = [
            film("mutate.mp4", &["-c:a", "aac", "-movflags", "+faststart"]),
            film("mutate.mkv", &["-c:a", "libopus"]),
            film("mutate.ts", &["-c:a", "ac3"]),
            film("mutate.avi", &["-c:a", "libmp3lame"]),
            clip("mutate-av1.mkv", 50, "25", &[], &["-c:v", "libsvtav1", "-preset", "12"]),
        ][which].clone();
        let mut bytes = std::fs::read(&path).unwrap();
        // Half of the cases hit the headers, where it hurts most.
        let reach = if head { bytes.len().min(3_000) } else { bytes.len() };
        for (at, value) in changes {
            let at = at.index(reach);
            bytes[at] = value;
        }
        if !head {
            let end = cut.index(bytes.len()).max(200);
            bytes.truncate(end);
        }
        let folder = tempfile::tempdir().unwrap();
        survive(&bytes, &folder.path().join(path.file_name().unwrap()));
    }

    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 1..4_000), kind in 0usize..4) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = bytes;
        // Past the first check of each format.
        let magic: [&[u8]; 4] = [b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI LIST", b"\x47\x40\0\x10\0"];
        let n = magic[kind].len().min(bytes.len());
        bytes[..n].copy_from_slice(&magic[kind][..n]);
        survive(&bytes, &folder.path().join("random.bin"));
    }
}
