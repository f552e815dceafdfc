//! Levels of a decoded stream as they are, without reading frame numbers: what black and silence are
//! judged by, and Content Time as a viewer counts it.

use crate::plan::START;
use crate::programs::run;
use crate::stream::packets;
use std::path::Path;
use std::process::Command;

/// Lowest and highest value of each plane of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Luma.
    pub y: (u8, u8),
    /// Blue difference.
    pub cb: (u8, u8),
    /// Red difference.
    pub cr: (u8, u8),
}

/// The black of seed 003 §7.2.3.
pub const BLACK: Levels = Levels { y: (16, 16), cb: (128, 128), cr: (128, 128) };

/// Levels of every picture of `path` in order, whose pictures are `width` by `height`, unscaled.
#[must_use]
pub fn picture_levels(path: &Path, (width, height): (usize, usize)) -> Vec<Levels> {
    let output = run(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(path).args([
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        "yuv420p",
        "-f",
        "rawvideo",
        "-",
    ]));
    let range =
        |plane: &[u8]| (plane.iter().copied().min().unwrap_or(0), plane.iter().copied().max().unwrap_or(255));
    let (luma, chroma) = (width * height, width * height / 4);
    output
        .stdout
        .chunks_exact(luma + 2 * chroma)
        .map(|picture| Levels {
            y: range(&picture[..luma]),
            cb: range(&picture[luma..luma + chroma]),
            cr: range(&picture[luma + chroma..]),
        })
        .collect()
}

/// Loudest sample of each millisecond of the sound of `path`, from the first decoded sample on.
#[must_use]
pub fn loudness(path: &Path) -> Vec<u16> {
    let output = run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]));
    output
        .stdout
        .chunks(2 * 48)
        .map(|ms| {
            ms.chunks_exact(2).map(|s| i16::from_le_bytes([s[0], s[1]]).unsigned_abs()).max().unwrap_or(0)
        })
        .collect()
}

/// Content Time of every picture of a rendering of blocks from [`START`], in 90 kHz ticks from the
/// epoch, in the order they are shown.
#[must_use]
pub fn content_times(path: &Path) -> Vec<i64> {
    let mut times: Vec<i64> =
        packets(path, "v:0").iter().map(|p| (p.pts - START * 90).rem_euclid(1 << 33)).collect();
    times.sort_unstable();
    times
}
