//! `retrovue-air probe --deep`: the loudness of media files (EBU R 128), and where they are black and silent.
//!
//! Sound is decoded from end to end, which is cheap. Pictures are decoded only where it is silent, and small. What the
//! places mean is not judged here: Core offers some of them as breaks.

use crate::probe::{answer_lines, code, write_line};
use ebur128::{EbuR128, Mode};
use retrovue_codec::{AssetReader, MediaError, OutputShape, Picture, PictureStatus};
use retrovue_timebase::{FrameRate, Millis};
use serde::Serialize;
use std::io::{BufRead, Write};
use std::path::Path;

/// Sample pairs a second, as the reader gives them.
const SAMPLE_RATE: i64 = 48_000;

/// Sample pairs of one window that is silent or not: 10 ms.
const WINDOW: usize = 480;

/// Windows read at a time: a second.
const WINDOWS_A_READ: usize = 100;

/// Loudest sample of a silent window: -50 dBFS, above the hiss of tape.
const SILENT_PEAK: u16 = 104;

/// Shortest silence that is looked at.
const LEAST_SILENCE: Millis = Millis(200);

/// Shortest place that is told: three pictures.
const LEAST_BLACK: Millis = Millis(120);

/// Most silences that are looked at, the longest first: a film with pauses in every sentence ends all the same.
const MOST_LOOKS: usize = 400;

/// Brightest luma of a dark pixel: a tenth of the range above black (Y 16 to 235).
const BLACK_LUMA: u8 = 38;

/// Of a hundred pixels of a black picture so many may be brighter: a logo, a glitch of tape.
const BRIGHT_PERCENT: usize = 2;

/// A sign of life for every so much of the file.
const SIGN: Millis = Millis(10_000);

#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    #[serde(rename = "progress_ms")]
    Progress(Millis),
    Ok(Measured),
    Error {
        code: &'static str,
        detail: String,
    },
}

/// What decoding a file told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Length as decoded, or as the container has it where that is longer.
    pub duration_ms: Millis,
    /// Absent where there is no sound, or none above the gate.
    pub loudness: Option<Loudness>,
    /// Where it is both black and silent, in order.
    pub black_silent: Vec<Interval>,
}

/// Loudness in hundredths of LUFS, LU and dBTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Loudness {
    /// Integrated loudness.
    pub integrated: i64,
    /// Loudness range.
    pub loudness_range: i64,
    /// True peak, of the louder channel.
    pub true_peak: i64,
}

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Interval {
    /// First instant, from the start of the file.
    pub start_ms: Millis,
    /// First instant after it.
    pub end_ms: Millis,
}

/// Answers until `input` ends.
///
/// # Errors
/// Reading or writing the pipes.
pub fn run(input: impl BufRead, output: impl Write) -> std::io::Result<()> {
    answer_lines(input, output, |path, output| {
        // Core that has gone is noticed when the answer is written.
        let mut sign = |at| drop(write_line(output, &Answer { path, outcome: Outcome::Progress(at) }));
        let outcome = match measure(Path::new(path), &mut sign) {
            Ok(measured) => Outcome::Ok(measured),
            Err(error) => Outcome::Error { code: code(&error), detail: error.to_string() },
        };
        write_line(output, &Answer { path, outcome })
    })
}

/// Measures one file; `sign` is told how far it is, in a time that only grows: first the sound's, then on with the
/// pictures'.
///
/// # Errors
/// As [`AssetReader`]'s: the file is not there, is none, or is damaged.
pub fn measure(path: &Path, sign: &mut dyn FnMut(Millis)) -> Result<Measured, MediaError> {
    let rate = FrameRate::new(25, 1).map_err(|e| MediaError::Config { what: e.to_string() })?;
    let shape = OutputShape { width: 64, height: 36, rate, audio_language: None };
    let mut reader = AssetReader::open(path, &shape)?;
    reader.start_at(Millis(0))?;
    let told = reader.info().duration.unwrap_or(Millis(0));
    let has_video = reader.info().video.is_some();
    let mut sound = Sound::new();
    sound.read(&mut reader, sign)?;
    let duration = told.max(sound.position());
    let silences = sound.silences(duration);
    let mut black_silent = Vec::new();
    if has_video {
        let mut picture = Picture::empty();
        for silence in silences {
            sign(Millis(duration.0 + silence.start_ms.0));
            black_within(&mut reader, silence, duration, &mut picture, &mut black_silent, sign)?;
        }
    }
    Ok(Measured { duration_ms: duration, loudness: sound.loudness(), black_silent })
}

/// The sound of a file, measured as it is read.
struct Sound {
    meter: Option<EbuR128>,
    pairs: i64,
    silent_from: Option<Millis>,
    silences: Vec<Interval>,
}

impl Sound {
    fn new() -> Sound {
        // The histogram keeps the meter's memory bounded, however long the file.
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let meter = EbuR128::new(2, SAMPLE_RATE as u32, mode).ok();
        Sound { meter, pairs: 0, silent_from: None, silences: Vec::new() }
    }

    fn position(&self) -> Millis {
        Millis(self.pairs * 1000 / SAMPLE_RATE)
    }

    fn read(&mut self, reader: &mut AssetReader, sign: &mut dyn FnMut(Millis)) -> Result<(), MediaError> {
        let mut samples = vec![0; WINDOW * 2 * WINDOWS_A_READ];
        let mut next_sign = SIGN;
        loop {
            let pairs = reader.audio(&mut samples)?;
            if pairs == 0 {
                return Ok(());
            }
            for window in samples[..pairs * 2].chunks(WINDOW * 2) {
                self.take(window);
            }
            if self.position() >= next_sign {
                sign(self.position());
                next_sign = Millis(self.position().0 + SIGN.0);
            }
        }
    }

    fn take(&mut self, window: &[i16]) {
        let silent = window.iter().all(|s| s.unsigned_abs() <= SILENT_PEAK);
        let at = self.position();
        match (silent, self.silent_from) {
            (true, None) => self.silent_from = Some(at),
            (false, Some(from)) => {
                self.silences.push(Interval { start_ms: from, end_ms: at });
                self.silent_from = None;
            }
            _ => {}
        }
        // A meter that has failed measures nothing more.
        if self.meter.as_mut().is_some_and(|meter| meter.add_frames_i16(window).is_err()) {
            self.meter = None;
        }
        self.pairs += (window.len() / 2) as i64;
    }

    /// The silences worth looking at, in order. What is longer than the sound is silent to its end.
    fn silences(&self, duration: Millis) -> Vec<Interval> {
        let mut all = self.silences.clone();
        let last = self.silent_from.unwrap_or(self.position());
        if last < duration {
            all.push(Interval { start_ms: last, end_ms: duration });
        }
        all.retain(|s| s.end_ms.0 - s.start_ms.0 >= LEAST_SILENCE.0);
        all.sort_by_key(|s| std::cmp::Reverse(s.end_ms.0 - s.start_ms.0));
        all.truncate(MOST_LOOKS);
        all.sort();
        all
    }

    fn loudness(&self) -> Option<Loudness> {
        let meter = self.meter.as_ref()?;
        let hundredths =
            |level: f64| Some((level * 100.0).round()).filter(|n| n.is_finite()).map(|n| n as i64);
        let peak = (0..2).filter_map(|channel| meter.true_peak(channel).ok()).fold(0.0, f64::max);
        Some(Loudness {
            integrated: hundredths(meter.loudness_global().ok()?)?,
            loudness_range: hundredths(meter.loudness_range().ok()?)?,
            true_peak: hundredths(20.0 * peak.log10())?,
        })
    }
}

/// Adds the black stretches of a silence.
fn black_within(
    reader: &mut AssetReader,
    silence: Interval,
    duration: Millis,
    picture: &mut Picture,
    found: &mut Vec<Interval>,
    sign: &mut dyn FnMut(Millis),
) -> Result<(), MediaError> {
    reader.start_at(silence.start_ms)?;
    let mut black_from = None;
    let mut is_black = false;
    let mut at = silence.start_ms;
    let mut next_sign = Millis(at.0 + SIGN.0);
    let mut end = |from: &mut Option<Millis>, at: Millis| {
        if let Some(start_ms) = from.take().filter(|from: &Millis| at.0 - from.0 >= LEAST_BLACK.0) {
            found.push(Interval { start_ms, end_ms: at });
        }
    };
    for j in 0.. {
        at = Millis(silence.start_ms.0 + j * 40);
        if at >= silence.end_ms {
            at = silence.end_ms;
            break;
        }
        match reader.picture(j, picture)? {
            PictureStatus::New => is_black = black(picture),
            PictureStatus::Same => {}
            PictureStatus::End => break,
        }
        match (is_black, black_from) {
            (true, None) => black_from = Some(at),
            (false, Some(_)) => end(&mut black_from, at),
            _ => {}
        }
        if at >= next_sign {
            sign(Millis(duration.0 + at.0));
            next_sign = Millis(at.0 + SIGN.0);
        }
    }
    end(&mut black_from, at);
    Ok(())
}

fn black(picture: &Picture) -> bool {
    let (luma, stride) = picture.plane(0);
    let width = picture.width() as usize;
    let rows = luma.chunks(stride.max(1)).map(|row| &row[..width.min(row.len())]);
    let bright: usize = rows.map(|row| row.iter().filter(|y| **y > BLACK_LUMA).count()).sum();
    !picture.is_empty() && bright * 100 <= width * picture.height() as usize * BRIGHT_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::Command;

    /// Eight seconds of moving pictures with a tone of -20 dBFS: black from 2 to 3 and from 5 to 6, silent from 2.3
    /// to 4 and from 5 to 5.5.
    fn clip(dir: &Path, name: &str, codecs: &[&str]) -> PathBuf {
        let path = dir.join(name);
        let black = "testsrc2=s=320x240:r=25:d=8,drawbox=t=fill:color=black:enable='between(t,2,2.999)+between(t,5,5.999)'";
        let tone = "aevalsrc='0.1*sin(2*PI*997*t)*(1-between(t,2.3,4)-between(t,5,5.5))|0.1*sin(2*PI*997*t)*(1-between(t,2.3,4)-between(t,5,5.5))':s=48000:d=8";
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", black, "-f", "lavfi", "-i", tone])
            .args(codecs)
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        path
    }

    /// Integrated loudness and true peak in hundredths, by somebody else's meter.
    fn as_ffmpeg_measures(path: &Path) -> (i64, i64) {
        let arguments = ["-nostats", "-hide_banner", "-af", "ebur128=peak=true", "-f", "null", "-"];
        let output = Command::new("ffmpeg").arg("-i").arg(path).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let summary = &text[text.rfind("Summary:").unwrap()..];
        let level = |name: &str| -> i64 {
            let word = summary.split_once(name).unwrap().1.split_whitespace().next().unwrap();
            (word.parse::<f64>().unwrap() * 100.0).round() as i64
        };
        (level("I:"), level("Peak:"))
    }

    #[test]
    fn black_and_silence_together_are_found_and_loudness_is_that_of_ebu_r128() {
        let dir = tempfile::tempdir().unwrap();
        for (name, codecs) in [
            ("a.mkv", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le"][..]),
            ("a.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]),
            ("a.avi", &["-c:v", "mpeg4", "-q:v", "3", "-c:a", "mp3"]),
        ] {
            let path = clip(dir.path(), name, codecs);
            let mut signs = Vec::new();
            let measured = measure(&path, &mut |at| signs.push(at)).unwrap();
            let near = |a: Millis, b: i64| (a.0 - b).abs() <= 80;
            let [first, second] = measured.black_silent[..] else {
                panic!("{name}: {:?}", measured.black_silent)
            };
            assert!(near(first.start_ms, 2300) && near(first.end_ms, 3000), "{name}: {first:?}");
            assert!(near(second.start_ms, 5000) && near(second.end_ms, 5500), "{name}: {second:?}");
            let loudness = measured.loudness.unwrap();
            let (integrated, peak) = as_ffmpeg_measures(&path);
            assert!((loudness.integrated - integrated).abs() <= 20, "{name}: {loudness:?}, {integrated}");
            assert!((loudness.true_peak - peak).abs() <= 30, "{name}: {loudness:?}, {peak}");
            assert!(signs.is_sorted() && !signs.is_empty());
        }
    }

    #[test]
    fn a_file_without_sound_is_silent_and_one_without_pictures_has_no_black() {
        let dir = tempfile::tempdir().unwrap();
        let mute = clip(dir.path(), "mute.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-an"]);
        let measured = measure(&mute, &mut |_| {}).unwrap();
        assert_eq!((measured.loudness, measured.black_silent.len()), (None, 2));
        let blind = clip(dir.path(), "blind.wav", &["-vn"]);
        let measured = measure(&blind, &mut |_| {}).unwrap();
        assert!(measured.loudness.is_some() && measured.black_silent.is_empty());
    }

    #[test]
    fn each_path_has_its_answer_and_signs_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let good = clip(dir.path(), "a.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]);
        let input = format!("{}\n/no/such/file.mp4\n", good.display());
        let mut output = Vec::new();
        run(input.as_bytes(), &mut output).unwrap();
        let lines: Vec<serde_json::Value> =
            output.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let [signs @ .., ok, error] = &lines[..] else { panic!("{lines:?}") };
        assert!(!signs.is_empty() && signs.iter().all(|s| s["progress_ms"].is_i64()), "{signs:?}");
        assert_eq!(ok["ok"]["black_silent"].as_array().map(Vec::len), Some(2), "{ok}");
        assert_eq!(
            (&error["path"], &error["error"]["code"]),
            (&"/no/such/file.mp4".into(), &"NOT_FOUND".into())
        );
    }
}
