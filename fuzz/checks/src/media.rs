//! Media files: describing, opening and decoding what may be damaged anywhere.

use crate::{Verdict, scratch};
use retrovue_codec::{
    AssetReader, OutputShape, Picture, PictureStatus, ReaderOptions, probe, probe_duration,
};
use retrovue_timebase::{FrameRate, Millis};
use std::path::Path;

/// Pictures asked of a file; the work is bounded by this and by the reader's own limits, never by a clock.
const PICTURES: i64 = 30;
/// Size asked for, apart from that of the seeds, so that there is scaling.
const SIZE: (u32, u32) = (64, 64);
/// Sample pairs of a frame at 25 frames a second.
const PAIRS: usize = 1920;

/// A file is described and decoded, or refused with a reason: no picture of another shape than asked, no more
/// sound than asked, and no end that is not an end.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let folder = scratch::folder();
    let path = folder.path().join("asset");
    std::fs::write(&path, data).expect("the scratch folder can be written");
    let described = probe(&path);
    let length = probe_duration(&path);
    if let (Ok(info), Ok(Some(length))) = (&described, &length) {
        assert!(length.0 >= 0 && (info.video.is_some() || !info.audio.is_empty()));
    }
    let from_start = play(&path, Millis(0), 0);
    let joined = play(&path, Millis(40), 1);
    if described.is_ok() && (from_start || joined) { Verdict::Taken } else { Verdict::Refused }
}

/// Plays from an in-point on; true when there was a picture or a sample.
fn play(path: &Path, in_point: Millis, first: i64) -> bool {
    let rate = FrameRate::new(25, 1).expect("a rate");
    let shape = OutputShape { width: SIZE.0, height: SIZE.1, rate, audio_language: Some("eng".to_owned()) };
    let Ok(mut reader) = AssetReader::open_with(path, &shape, ReaderOptions::default()) else { return false };
    if reader.join_at(in_point, first, first * PAIRS as i64).is_err() {
        return false;
    }
    let mut picture = Picture::empty();
    let mut sound = [0i16; 2 * PAIRS];
    let (mut any, mut pictures, mut silent) = (false, true, false);
    for j in first..PICTURES {
        match reader.picture(j, &mut picture) {
            Ok(PictureStatus::End) => pictures = false,
            Ok(PictureStatus::New | PictureStatus::Same) => {
                assert!(pictures, "no picture comes after the last");
                assert_eq!((picture.width(), picture.height()), SIZE);
                let (luma, stride) = picture.plane(0);
                assert!(luma.len() >= stride * (SIZE.1 as usize - 1) + SIZE.0 as usize);
                any = true;
            }
            Err(_) => return any,
        }
        match reader.audio(&mut sound) {
            Ok(pairs) => {
                assert!(pairs <= PAIRS && !(silent && pairs > 0), "{pairs} pairs after the last");
                silent |= pairs < PAIRS;
                any |= pairs > 0;
            }
            Err(_) => return any,
        }
        if !pictures && silent {
            break;
        }
    }
    any
}
