//! What a viewer sees and hears of a stream: frame numbers, flashes and beeps read back from decoded
//! output.

use crate::programs::run;
use std::path::Path;
use std::process::Command;

/// Width and height at which pictures are read back; small, since the squares are large.
const WIDTH: usize = 320;
const HEIGHT: usize = 180;

/// One decoded picture, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A clip's frame with this number; `flash` in the first of each second.
    Frame {
        /// Number read from the squares.
        number: i64,
        /// The bottom half is white.
        flash: bool,
    },
    /// All black.
    Black,
}

/// Decodes every picture of `path` in order and reads it. `active` is the part of the width that
/// holds the picture, in per mille (1000 without pillar-box), centred.
#[must_use]
pub fn pictures(path: &Path, active: usize) -> Vec<Seen> {
    let output = run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:v", "-fps_mode", "passthrough", "-s", &format!("{WIDTH}x{HEIGHT}")])
        .args(["-pix_fmt", "gray", "-f", "rawvideo", "-"]));
    output.stdout.chunks_exact(WIDTH * HEIGHT).map(|picture| read(picture, active)).collect()
}

fn read(picture: &[u8], active: usize) -> Seen {
    let level = |x: usize, y: usize| {
        // A 5 × 5 mean at the square's centre: blind to ringing at its edges.
        let sum: usize = (y - 2..=y + 2)
            .flat_map(|y| (x - 2..=x + 2).map(move |x| usize::from(picture[y * WIDTH + x])))
            .sum();
        sum / 25
    };
    let span = WIDTH * active / 1000;
    let left = (WIDTH - span) / 2;
    let flash_level = level(WIDTH / 2, HEIGHT * 3 / 4);
    if flash_level < 25 {
        return Seen::Black;
    }
    let number = (0..16).fold(0, |n, bit| {
        let x = left + (bit * 2 + 1) * span / 32;
        n << 1 | i64::from(level(x, HEIGHT / 4) > 120)
    });
    Seen::Frame { number, flash: flash_level > 150 }
}

/// Samples at which beeps begin in the decoded sound of `path`, counted at 48 kHz from the PTS of the
/// first picture.
#[must_use]
pub fn beeps(path: &Path) -> Vec<i64> {
    let output = run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]));
    let samples: Vec<i16> = output.stdout.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let mut onsets = Vec::new();
    let mut quiet = 4800;
    for (i, sample) in samples.iter().enumerate() {
        if sample.unsigned_abs() > 4000 {
            if quiet >= 4800 {
                onsets.push(i as i64);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    let shift = (first_micros(path, "a:0") - first_micros(path, "v:0")) * 48 / 1000;
    onsets.iter().map(|onset| onset + shift).collect()
}

/// Presentation time of the first decoded frame of a stream in microseconds.
fn first_micros(path: &Path, stream: &str) -> i64 {
    let output = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-read_intervals", "%+#40"])
        .args(["-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(path));
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next().unwrap_or_default().trim_end_matches(',');
    let (seconds, micros) = first.split_once('.').unwrap_or_else(|| panic!("{stream}: no time in {text:?}"));
    let seconds: i64 = seconds.parse().expect("ffprobe prints seconds");
    seconds * 1_000_000 + micros.parse::<i64>().expect("and six digits")
}

/// Every decoded picture of `path` with its presentation time in 90 kHz ticks, in order.
#[must_use]
pub fn timed_pictures(path: &Path) -> Vec<(i64, Seen)> {
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "quiet", "-select_streams", "v:0", "-show_entries", "frame=pts", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe is installed");
    let stamps: Vec<i64> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse().ok())
        .collect();
    let pictures = pictures(path, 1000);
    assert_eq!(stamps.len(), pictures.len(), "ffprobe and ffmpeg see the same pictures");
    stamps.into_iter().zip(pictures).collect()
}
