//! Clips whose every frame carries its number and whose every sample is known.

use retrovue_codec::{AssetReader, OutputShape, Picture};
use retrovue_timebase::FrameRate;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Size of the numbered pictures: 8 by 2 squares of 40 by 90 pixels.
pub(crate) const WIDTH: usize = 320;
pub(crate) const HEIGHT: usize = 180;

/// House format of most tests.
pub(crate) fn shape(num: i64, den: i64) -> OutputShape {
    OutputShape {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        rate: FrameRate::new(num, den).unwrap(),
        audio_language: None,
    }
}

pub(crate) fn open(path: &Path, num: i64, den: i64) -> AssetReader {
    AssetReader::open(path, &shape(num, den)).unwrap()
}

/// Frame `n` as planar 4:2:0: its number in 16 black and white squares, the lowest bit first.
pub(crate) fn numbered(n: usize) -> Vec<u8> {
    let mut frame = vec![128; WIDTH * HEIGHT * 3 / 2];
    for (i, y) in frame[..WIDTH * HEIGHT].iter_mut().enumerate() {
        let (column, row) = (i % WIDTH, i / WIDTH);
        let bit = column / 40 + 8 * (row / 90);
        *y = if n >> bit & 1 == 1 { 235 } else { 16 };
    }
    frame
}

/// The number in a picture, read from the rectangle its squares fill.
pub(crate) fn number_in(picture: &Picture, (x, y, w, h): (usize, usize, usize, usize)) -> usize {
    let (luma, stride) = picture.plane(0);
    (0..16)
        .filter(|bit| {
            let (column, row) = (bit % 8, bit / 8);
            let at = (y + (2 * row + 1) * h / 4) * stride + x + (2 * column + 1) * w / 16;
            luma[at] > 125
        })
        .map(|bit| 1 << bit)
        .sum()
}

pub(crate) fn number(picture: &Picture) -> usize {
    number_in(picture, (0, 0, picture.width() as usize, picture.height() as usize))
}

/// The known sound: in each tenth of a second a sweep of its own.
pub(crate) fn sound(rate: u32, seconds: f64) -> Vec<i16> {
    let total = (f64::from(rate) * seconds) as usize;
    let segment = rate as usize / 10;
    (0..total)
        .map(|i| {
            let (which, t) = (i / segment, (i % segment) as f64 / f64::from(rate));
            let start = 300.0 + f64::from((which as u32).wrapping_mul(2_654_435_761) >> 20);
            let phase = std::f64::consts::TAU * (start * t + 0.5 * 15_000.0 * t * t);
            (phase.sin() * 9_000.0) as i16
        })
        .collect()
}

/// A WAV file of the known sound in every channel.
pub(crate) fn wav(rate: u32, channels: usize, seconds: f64) -> PathBuf {
    let name = format!("sound-{rate}-{channels}-{}.wav", (seconds * 1000.0) as u64);
    made(&name, |path| {
        let samples = sound(rate, seconds);
        let bytes = samples.len() * channels * 2;
        let mut file = Vec::with_capacity(bytes + 44);
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&(36 + bytes as u32).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
        file.extend_from_slice(&(channels as u16).to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * channels as u32 * 2).to_le_bytes());
        file.extend_from_slice(&(channels as u16 * 2).to_le_bytes());
        file.extend_from_slice(&16u16.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&(bytes as u32).to_le_bytes());
        for sample in samples {
            for _ in 0..channels {
                file.extend_from_slice(&sample.to_le_bytes());
            }
        }
        std::fs::write(path, file).unwrap();
    })
}

/// A clip of `frames` numbered pictures at `rate` (as ffmpeg takes it) made with `arguments`; `extra`
/// inputs come after the pictures. The file's extension is that of `name`.
pub(crate) fn clip(name: &str, frames: usize, rate: &str, inputs: &[&str], arguments: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (frames, rate, inputs, arguments).hash(&mut hasher);
    let (stem, extension) = name.rsplit_once('.').unwrap();
    made(&format!("{stem}-{:016x}.{extension}", hasher.finish()), |path| {
        let size = format!("{WIDTH}x{HEIGHT}");
        let mut child = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-r", rate])
            .args(["-i", "-"])
            .args(inputs)
            .args(arguments)
            .arg(path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("ffmpeg runs");
        let mut pipe = child.stdin.take().unwrap();
        for n in 0..frames {
            pipe.write_all(&numbered(n)).unwrap();
        }
        drop(pipe);
        assert!(child.wait().unwrap().success(), "ffmpeg makes {name}");
    })
}

/// A clip made by ffmpeg from `arguments` alone.
pub(crate) fn generated(name: &str, arguments: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    let (stem, extension) = name.rsplit_once('.').unwrap();
    made(&format!("{stem}-{:016x}.{extension}", hasher.finish()), |path| {
        let status =
            Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(path).status().unwrap();
        assert!(status.success(), "ffmpeg makes {name}");
    })
}

/// A file under the target directory, made once.
fn made(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clips");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    if !path.exists() {
        // Tests run side by side: each makes its own, the last one stays.
        let unique = format!("{:?}", std::thread::current().id()).replace(|c: char| !c.is_ascii_digit(), "");
        let temporary = folder.join(format!("making-{}-{unique}-{name}", std::process::id()));
        make(&temporary);
        std::fs::rename(&temporary, &path).unwrap();
    }
    path
}

/// Stamps of the video packets in presentation order and the time base, as ffprobe reads them.
pub(crate) fn stamps(path: &Path) -> (Vec<i64>, i64, i64) {
    let ask = |what: &str| {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0", "-show_entries", what])
            .arg(path)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let base = ask("stream=time_base");
    let (num, den) = base.lines().next().unwrap().trim().trim_end_matches(',').split_once('/').unwrap();
    let mut stamps: Vec<i64> =
        ask("packet=pts").lines().filter_map(|l| l.trim().trim_end_matches(',').parse().ok()).collect();
    stamps.sort_unstable();
    (stamps, num.parse().unwrap(), den.parse().unwrap())
}

/// The lag in samples at which `heard` fits `sent` best: positive when it comes too late.
pub(crate) fn lag(heard: &[i16], sent: &[i16], reach: i64) -> i64 {
    let score = |lag: i64| -> f64 {
        sent.iter()
            .enumerate()
            .filter_map(|(i, &s)| {
                let at = usize::try_from(i as i64 + lag).ok()?;
                heard.get(at).map(|&h| f64::from(h) * f64::from(s))
            })
            .sum()
    };
    (-reach..=reach).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap()
}

/// A copy of the MP4 at `source` whose first track is to be shown turned: the matrix in its track header
/// (ISO/IEC 14496-12 §8.3.2) as recorders of upright films write it. Counter-clockwise for 90.
pub(crate) fn turned(source: &Path, degrees: u32) -> PathBuf {
    const ONE: i32 = 1 << 16;
    let [a, b, c, d] = match degrees {
        0 => [ONE, 0, 0, ONE],
        90 => [0, -ONE, ONE, 0],
        180 => [-ONE, 0, 0, -ONE],
        270 => [0, ONE, -ONE, 0],
        _ => panic!("{degrees} is no quarter turn"),
    };
    let mut bytes = std::fs::read(source).unwrap();
    let header = bytes.windows(4).position(|w| w == b"tkhd").unwrap() + 4;
    // Version 0: forty bytes of times, ids and volume come before the matrix, which has (a, b, u),
    // (c, d, v) and the place of the origin.
    let matrix = header + 40;
    for (entry, value) in [(0, a), (1, b), (3, c), (4, d)] {
        bytes[matrix + entry * 4..][..4].copy_from_slice(&value.to_be_bytes());
    }
    let name = format!("{}-turned-{degrees}.mp4", source.file_stem().unwrap().to_string_lossy());
    let path = source.with_file_name(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
