//! Clips whose every frame tells its number and whose every second flashes and beeps.
//!
//! Layout of the picture, in sixteenths of its width: the top half holds 16 squares, the frame
//! number's bits from the highest, white for 1; the bottom half is white in the first frame of each
//! second and dark grey otherwise.

use crate::programs::run;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Level of a 1 and of a flash.
const WHITE: u8 = 235;
/// Level of a 0.
const BLACK: u8 = 16;
/// Level of the bottom half between flashes.
const GREY: u8 = 60;

/// A clip to make.
#[derive(Debug, Clone)]
pub struct Clip {
    /// File name; its extension chooses the container.
    pub name: &'static str,
    /// Picture size.
    pub size: (usize, usize),
    /// Frame rate.
    pub rate: (i64, i64),
    /// Length in frames.
    pub frames: i64,
    /// Encoder arguments of ffmpeg for picture and sound, separated by blanks.
    pub codecs: &'static str,
}

impl Clip {
    /// Makes the clip in `dir` and returns its path.
    ///
    /// # Panics
    /// When ffmpeg fails.
    #[must_use]
    pub fn make(&self, dir: &Path) -> PathBuf {
        let path = dir.join(self.name);
        let (width, height) = self.size;
        let (num, den) = self.rate;
        let wav = dir.join(format!("{}.wav", self.name));
        std::fs::write(&wav, self.sound()).expect("the clip folder can be written");
        let mut ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-color_range", "tv"])
            .args(["-s", &format!("{width}x{height}"), "-r", &format!("{num}/{den}"), "-i", "-", "-i"])
            .arg(&wav)
            .args(["-pix_fmt", "yuv420p"])
            .args(self.codecs.split_whitespace())
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("ffmpeg is installed");
        let mut pipe = ffmpeg.stdin.take().expect("standard input is piped");
        let mut picture = vec![GREY; width * height];
        for n in 0..self.frames {
            self.draw(n, &mut picture);
            pipe.write_all(&picture).expect("ffmpeg takes the picture");
        }
        drop(pipe);
        assert!(ffmpeg.wait().expect("ffmpeg ends").success(), "ffmpeg failed on {}", self.name);
        std::fs::remove_file(wav).expect("the sound file is ours");
        path
    }

    fn starts_second(&self, n: i64) -> bool {
        let (num, den) = self.rate;
        n == 0 || (n * den) / num > ((n - 1) * den) / num
    }

    fn draw(&self, n: i64, picture: &mut [u8]) {
        let (width, height) = self.size;
        let bottom = if self.starts_second(n) { WHITE } else { GREY };
        for (y, row) in picture.chunks_exact_mut(width).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = if y * 2 >= height {
                    bottom
                } else if n >> (15 - x * 16 / width) & 1 == 1 {
                    WHITE
                } else {
                    BLACK
                };
            }
        }
    }

    /// A WAV file: 50 ms of 1 kHz from the start of each flash frame, else silence.
    fn sound(&self) -> Vec<u8> {
        let (num, den) = self.rate;
        let total = self.frames * den * 48_000 / num;
        let mut samples = vec![0i16; total as usize];
        for n in (0..self.frames).filter(|&n| self.starts_second(n)) {
            let start = (n * den * 48_000 / num) as usize;
            for (i, sample) in samples.iter_mut().skip(start).take(2400).enumerate() {
                // A square wave: its onset is the loudest sample of all.
                *sample = if (i / 24) % 2 == 0 { 12_000 } else { -12_000 };
            }
        }
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let mut wav = Vec::with_capacity(bytes.len() + 44);
        wav.extend_from_slice(b"RIFF");
        wav.extend_from_slice(&(bytes.len() as u32 + 36).to_le_bytes());
        wav.extend_from_slice(b"WAVEfmt ");
        wav.extend_from_slice(&16u32.to_le_bytes());
        for value in [1u16, 1] {
            wav.extend_from_slice(&value.to_le_bytes());
        }
        for value in [48_000u32, 96_000] {
            wav.extend_from_slice(&value.to_le_bytes());
        }
        for value in [2u16, 16] {
            wav.extend_from_slice(&value.to_le_bytes());
        }
        wav.extend_from_slice(b"data");
        wav.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        wav.extend_from_slice(&bytes);
        wav
    }
}

/// A short H.264 and AAC clip in MP4 at 30 frames a second, `seconds` long.
#[must_use]
pub fn plain(name: &'static str, seconds: i64) -> Clip {
    Clip {
        name,
        size: (640, 360),
        rate: (30, 1),
        frames: seconds * 30,
        codecs: "-c:v libx264 -preset ultrafast -crf 20 -g 60 -c:a aac -b:a 128k",
    }
}

/// Asks ffprobe for one value of a file, for tests of the clips themselves.
#[must_use]
pub fn probe(path: &Path, entries: &str) -> String {
    let output = run(Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", entries, "-of", "csv=p=0"])
        .arg(path));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
