//! One item made into a file: its pictures and its sound through the encoders, under a temporary name
//! until it is whole.

use crate::frame::Frame;
use crate::reel::{Projector, Reel};
use crate::repertoire::Item;
use retrovue_codec::{Chapter, MediaError, Mp4Config, Mp4Writer, Picture, VideoEncoderConfig};
use retrovue_timebase::{FrameIndex, Millis, SampleIndex};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why an item could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The encoders or the container refused.
    #[error("{path}: {source}")]
    Media {
        /// The file being made.
        path: PathBuf,
        /// What happened.
        source: MediaError,
    },
    /// The file system refused.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

/// The decoder's buffer in kbit: room for a key frame of a few hundred kbit without starving what follows.
const BUFFER_KBITS: u32 = 1800;

/// Audio rate in kb/s.
const AUDIO_KBPS: u32 = 64;

/// Most frames between key frames, in seconds: chapter marks stand on multiples of it.
const KEY_FRAME_SECONDS: i64 = 2;

/// Ending of a file that is not whole yet.
pub(crate) const PARTIAL: &str = "part";

/// Makes the file at `path`, which appears only when it is whole; its folder exists. `step` is told of
/// every frame.
///
/// # Errors
/// [`ProduceError`]; the temporary file is taken away.
pub fn produce(item: &Item, path: &Path, mut step: impl FnMut()) -> Result<(), ProduceError> {
    let partial = partial_path(path);
    let made = encode(item, &partial, &mut step)
        .map_err(|source| ProduceError::Media { path: path.to_path_buf(), source })
        .and_then(|()| {
            let failed = |doing, source| ProduceError::File { doing, path: path.to_path_buf(), source };
            // What has its final name is whole, also after a power cut.
            File::open(&partial).and_then(|file| file.sync_all()).map_err(|e| failed("flush", e))?;
            fs::rename(&partial, path).map_err(|e| failed("rename", e))
        });
    if made.is_err() {
        // The file may not exist; what failed before is what is told.
        let _ = fs::remove_file(&partial);
    }
    made
}

/// The temporary name of a file. It begins with a dot, so that a scan of the folder does not see it.
pub(crate) fn partial_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{PARTIAL}"))
}

fn encode(item: &Item, path: &Path, step: &mut impl FnMut()) -> Result<(), MediaError> {
    let reel = item.reel();
    let tune = item.tune();
    let chapters = chapters(&reel);
    let effort = item.effort();
    let rate = reel.rate;
    let mut writer = Mp4Writer::create(
        path,
        &Mp4Config {
            video: VideoEncoderConfig {
                width: reel.width,
                height: reel.height,
                rate,
                bitrate_kbps: effort.video_kbps,
                peak_kbps: effort.video_kbps,
                vbv_buffer_kbits: BUFFER_KBITS,
                declared_buffer_kbits: BUFFER_KBITS,
                gop_frames: (KEY_FRAME_SECONDS * rate.num() / rate.den()) as u32,
                preset: effort.preset,
                threads: 1,
            },
            audio_bitrate_kbps: AUDIO_KBPS,
            language: Some("eng"),
            chapters: &chapters,
        },
    )?;
    let frames = reel.frames();
    let total = rate.first_sample(FrameIndex(frames)).0;
    let mut projector = Projector::new(&reel);
    let mut picture = Picture::black(reel.width, reel.height)?;
    let mut pcm = Vec::new();
    for k in 0..frames {
        let Some((frame, level)) = projector.picture(k) else { break };
        copy(frame, level, &mut picture)?;
        let (from, to): (SampleIndex, SampleIndex) =
            (rate.first_sample(FrameIndex(k)), rate.first_sample(FrameIndex(k + 1)));
        pcm.resize(2 * to.samples_since(from) as usize, 0);
        tune.play(from.0, total, &mut pcm);
        writer.write(&picture, &pcm)?;
        step();
    }
    writer.finish()
}

fn chapters(reel: &Reel) -> Vec<Chapter> {
    let instant = |frame: i64| Millis(frame * 1000 * reel.rate.den() / reel.rate.num());
    let starts = reel.chapters();
    let ends = starts.iter().skip(1).map(|&(start, _)| start).chain([reel.frames()]);
    starts
        .iter()
        .zip(ends)
        .map(|((start, title), end)| Chapter {
            start: instant(*start),
            end: instant(end),
            title: Some(title.clone()),
        })
        .collect()
}

/// Copies a frame into the encoder's picture, `level` / 255 as bright.
fn copy(frame: &Frame, level: u8, picture: &mut Picture) -> Result<(), MediaError> {
    for (index, plane) in frame.planes.iter().enumerate() {
        let (black, width) = if index == 0 { (16, frame.width) } else { (128, frame.width / 2) };
        let dimmed: [u8; 256] = std::array::from_fn(|value| {
            (black + (value as i32 - black) * i32::from(level) / 255).clamp(0, 255) as u8
        });
        let (to, stride) = picture.plane_mut(index)?;
        for (to, from) in to.chunks_mut(stride).zip(plane.chunks_exact(width)) {
            if level == 255 {
                to[..width].copy_from_slice(from);
            } else {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = dimmed[usize::from(from)];
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_is_hidden_beside_its_place() {
        assert_eq!(
            partial_path(Path::new("/m/adverts/Zap! Cola.mp4")),
            Path::new("/m/adverts/.Zap! Cola.mp4.part")
        );
    }

    #[test]
    fn dimming_keeps_black_black_and_ends_in_it() {
        let mut frame = Frame::black(16, 16);
        frame.planes[0].fill(235);
        frame.planes[1].fill(60);
        let mut picture = Picture::black(16, 16).unwrap();
        for (level, luma, cb) in [(255, 235, 60), (0, 16, 128), (128, 125, 94)] {
            copy(&frame, level, &mut picture).unwrap();
            assert_eq!(picture.plane(0).0[..16], [luma; 16], "level {level}");
            assert_eq!(picture.plane(1).0[0], cb, "level {level}");
        }
    }
}
