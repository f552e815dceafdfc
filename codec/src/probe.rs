//! What a media file is: container, length, tracks, chapters.
//!
//! Decodes nothing more than libav needs to name the streams. Whether the content is sound is not judged
//! here.

use crate::MediaError;
use crate::demux::{Demuxer, Effort, Stream, tag};
use crate::libav::{codec_name, enum_value};
use crate::stamp::TimeBase;
use ffmpeg_sys_next as ff;
use retrovue_timebase::Millis;
use serde::Serialize;
use std::path::Path;

/// Description of a media file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaInfo {
    /// libav's name of the container format, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Length, rounded down to a millisecond; absent where the file does not tell.
    pub duration: Option<Millis>,
    /// The first video track; cover art is none.
    pub video: Option<VideoInfo>,
    /// The audio tracks in file order.
    pub audio: Vec<AudioInfo>,
    /// Chapter marks in file order.
    pub chapters: Vec<Chapter>,
}

/// A video track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VideoInfo {
    /// libav's codec name, such as `h264`.
    pub codec: String,
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Width to height of one pixel; 1:1 where the file does not tell.
    pub sample_aspect: (u32, u32),
    /// Average frames a second as a ratio, where known.
    pub frame_rate: Option<(u32, u32)>,
    /// Whether the track is marked as interlaced.
    pub interlaced: bool,
    /// Clockwise turn in degrees to apply for display: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Bits of one sample, where known.
    pub bits_per_sample: Option<u32>,
}

/// An audio track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudioInfo {
    /// libav's codec name, such as `aac`.
    pub codec: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Language tag as the file has it.
    pub language: Option<String>,
}

/// A chapter mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// First instant, rounded down.
    pub start: Millis,
    /// First instant after it, rounded down.
    pub end: Millis,
    /// Its title, where it has one.
    pub title: Option<String>,
}

/// Describes a media file from its headers and as little content as that takes.
///
/// # Errors
/// [`MediaError::NotFound`], [`MediaError::Unreadable`], [`MediaError::NotMedia`],
/// [`MediaError::NoStreams`].
pub fn probe(path: &Path) -> Result<MediaInfo, MediaError> {
    let demuxer = Demuxer::open(path, Effort::Describe)?;
    let info = describe(&demuxer);
    if info.video.is_none() && info.audio.is_empty() {
        return Err(MediaError::NoStreams { path: path.to_path_buf() });
    }
    Ok(info)
}

/// Length of a media file, reading the container header alone where that tells it, rounded down to a
/// millisecond; `None` where the file does not tell.
///
/// # Errors
/// As [`probe`].
pub fn probe_duration(path: &Path) -> Result<Option<Millis>, MediaError> {
    let has_tracks = |d: &Demuxer| d.streams().any(|s| s.is_video() || s.is_audio());
    let demuxer = Demuxer::open(path, Effort::Header)?;
    if let Some(duration) = duration(&demuxer).filter(|_| has_tracks(&demuxer)) {
        return Ok(Some(duration));
    }
    drop(demuxer);
    let demuxer = Demuxer::open(path, Effort::Play)?;
    if !has_tracks(&demuxer) {
        return Err(MediaError::NoStreams { path: path.to_path_buf() });
    }
    Ok(duration(&demuxer))
}

/// What an open container tells about itself.
pub(crate) fn describe(demuxer: &Demuxer) -> MediaInfo {
    MediaInfo {
        container: demuxer.container().to_owned(),
        duration: duration(demuxer),
        video: demuxer.streams().find(|s| s.is_video()).map(describe_video),
        audio: demuxer.streams().filter(|s| s.is_audio()).map(describe_audio).collect(),
        chapters: chapters(demuxer),
    }
}

fn describe_video(stream: Stream<'_>) -> VideoInfo {
    let p = stream.parameters();
    let positive = |n: i32| u32::try_from(n).ok().filter(|&n| n > 0);
    let ratio = |r: ff::AVRational| Some((positive(r.num)?, positive(r.den)?));
    let field_order = enum_value(&raw const p.field_order);
    // Progressive, or not told.
    let progressive = [0, 1].contains(&field_order);
    VideoInfo {
        codec: codec_name(stream.codec_id()),
        width: positive(p.width).unwrap_or(0),
        height: positive(p.height).unwrap_or(0),
        sample_aspect: container_aspect(stream).unwrap_or((1, 1)),
        frame_rate: ratio(stream.fields().avg_frame_rate).or_else(|| ratio(stream.fields().r_frame_rate)),
        interlaced: !progressive,
        rotation: stream.quarter_turns() * 90,
        bits_per_sample: bits_per_sample(p.format).or_else(|| positive(p.bits_per_raw_sample)),
    }
}

fn describe_audio(stream: Stream<'_>) -> AudioInfo {
    let p = stream.parameters();
    AudioInfo {
        codec: codec_name(stream.codec_id()),
        sample_rate: u32::try_from(p.sample_rate).unwrap_or(0),
        channels: u32::try_from(p.ch_layout.nb_channels).unwrap_or(0),
        language: stream.tag(c"language").filter(|l| !l.is_empty() && l != "und"),
    }
}

/// Width to height of one pixel as the container, else the codec header has it.
pub(crate) fn container_aspect(stream: Stream<'_>) -> Option<(u32, u32)> {
    [stream.fields().sample_aspect_ratio, stream.parameters().sample_aspect_ratio]
        .into_iter()
        .find(|r| r.num > 0 && r.den > 0)
        .map(|r| (r.num as u32, r.den as u32))
}

fn bits_per_sample(format: i32) -> Option<u32> {
    // The descriptor list is walked rather than indexed, so that no integer becomes an enum unchecked.
    let mut descriptor = std::ptr::null();
    loop {
        // SAFETY: null starts the walk, any descriptor continues it, null ends it.
        descriptor = unsafe { ff::av_pix_fmt_desc_next(descriptor) };
        // SAFETY: null, or a static descriptor.
        let fields = unsafe { descriptor.as_ref() }?;
        // SAFETY: the descriptor came from the library.
        if unsafe { ff::av_pix_fmt_desc_get_id(descriptor) } as i32 == format {
            return u32::try_from(fields.comp[0].depth).ok();
        }
    }
}

fn duration(demuxer: &Demuxer) -> Option<Millis> {
    let context = demuxer.fields();
    let method = enum_value(&raw const context.duration_estimation_method);
    let guessed = method == ff::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE as i32;
    let has_video = demuxer.streams().any(|s| s.is_video());
    // A length guessed from the bit rate is close enough for plain audio files, and wrong for video.
    if context.duration > 0 && !(guessed && has_video) {
        let microseconds = TimeBase::new(ff::AVRational { num: 1, den: ff::AV_TIME_BASE });
        return Some(microseconds.millis_floor(context.duration));
    }
    demuxer
        .streams()
        .filter(|s| (s.is_video() || s.is_audio()) && s.fields().duration > 0 && !guessed)
        .map(|s| s.time_base().millis_floor(s.fields().duration))
        .max()
}

fn chapters(demuxer: &Demuxer) -> Vec<Chapter> {
    let context = demuxer.fields();
    (0..context.nb_chapters as usize)
        .map(|i| {
            // SAFETY: libav keeps `nb_chapters` valid chapter pointers while the context lives.
            let chapter = unsafe { &**context.chapters.add(i) };
            let base = TimeBase::new(chapter.time_base);
            Chapter {
                start: base.millis_floor(chapter.start),
                end: base.millis_floor(chapter.end),
                title: tag(chapter.metadata, c"title"),
            }
        })
        .collect()
}
