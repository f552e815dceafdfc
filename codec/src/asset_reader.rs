//! An asset opened for playing: pictures and samples on demand from an in-point on.
//!
//! Pull-based: it works only inside the calls, and starts no thread but a decoder's own. It knows neither
//! output frames beyond their number nor what the asset is played for.

use crate::MediaError;
use crate::audio_track::AudioTrack;
use crate::demux::{Demuxer, Effort};
use crate::language::same_language;
use crate::packet_feed::{FROM_BEGINNING, PacketFeed};
use crate::picture::Picture;
use crate::probe::{MediaInfo, describe};
use crate::stamp::{STAMP_TOLERANCE, TimeBase, fine_samples_of};
use crate::video_track::{PictureStatus, VideoTrack, clock_may_break};
use retrovue_timebase::{FrameRate, Millis};
use std::path::{Path, PathBuf};

/// The house format an asset is brought to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputShape {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Output frames a second.
    pub rate: FrameRate,
    /// Language of the audio track to play where there are several (ISO 639); else the first is played.
    pub audio_language: Option<String>,
}

/// How an asset is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderOptions {
    /// Threads of the video decoder, 1 to 16. Each costs memory, and with libav a frame of delay.
    pub decoder_threads: u32,
}

impl Default for ReaderOptions {
    fn default() -> ReaderOptions {
        ReaderOptions { decoder_threads: 1 }
    }
}

/// An asset opened for playing.
///
/// **Contract: call [`start_at`](AssetReader::start_at), then [`picture`](AssetReader::picture) with
/// non-decreasing `j` and [`audio`](AssetReader::audio) in any proportion, each until its end. After an
/// error only `start_at` or dropping make sense.**
pub struct AssetReader {
    path: PathBuf,
    info: MediaInfo,
    rate: FrameRate,
    feed: PacketFeed,
    video: Option<VideoTrack>,
    audio: Option<AudioTrack>,
    /// The instant of asset time 0 on the stream clock.
    zero: Option<(i64, TimeBase)>,
    in_point: Millis,
    /// Sound begins this many samples after the in-point.
    first_sample: i64,
    /// Asset time of the first picture that will be asked for.
    entry: Millis,
    /// Nothing but the first frame was taken since the file was opened.
    fresh: bool,
    started: bool,
}

/// An in-point this near the beginning is reached by decoding, not by seeking.
const DECODE_RATHER: Millis = Millis(500);

impl AssetReader {
    /// Opens an asset with [`ReaderOptions::default`].
    ///
    /// # Errors
    /// [`MediaError::NotFound`], [`MediaError::Unreadable`], [`MediaError::NotMedia`],
    /// [`MediaError::NoStreams`], [`MediaError::UnsupportedCodec`]; [`MediaError::Config`] for an
    /// impossible shape.
    pub fn open(path: &Path, shape: &OutputShape) -> Result<AssetReader, MediaError> {
        AssetReader::open_with(path, shape, ReaderOptions::default())
    }

    /// Opens an asset.
    ///
    /// # Errors
    /// As [`AssetReader::open`].
    pub fn open_with(
        path: &Path,
        shape: &OutputShape,
        options: ReaderOptions,
    ) -> Result<AssetReader, MediaError> {
        let demuxer = Demuxer::open(path, Effort::Play)?;
        let info = describe(&demuxer);
        let video_index = demuxer.streams().position(|s| s.is_video());
        let audio_index = choose_audio(&demuxer, shape.audio_language.as_deref());
        if video_index.is_none() && audio_index.is_none() {
            return Err(MediaError::NoStreams { path: path.to_path_buf() });
        }
        // SAFETY: an open context has an input format.
        let breaks = clock_may_break(unsafe { (*demuxer.fields().iformat).flags });
        let size = (shape.width, shape.height);
        let video = video_index
            .map(|i| VideoTrack::open(demuxer.stream(i), size, options.decoder_threads, breaks, path))
            .transpose()?;
        let audio = audio_index.map(|i| AudioTrack::open(demuxer.stream(i), i, breaks, path)).transpose()?;
        Ok(AssetReader {
            path: path.to_path_buf(),
            info,
            rate: shape.rate,
            feed: PacketFeed::new(demuxer, video_index, audio_index),
            video,
            audio,
            zero: None,
            in_point: Millis(0),
            first_sample: 0,
            entry: Millis(0),
            fresh: true,
            started: false,
        })
    }

    /// What the container tells about the asset. Where its header alone was enough for playing, frame rate
    /// and interlacing may be missing; [`probe`](crate::probe) reads on for them.
    #[must_use]
    pub fn info(&self) -> &MediaInfo {
        &self.info
    }

    /// Goes to `in_point` of asset time, for both tracks. Asset time 0 is the stamp of the first decodable
    /// video frame, or of the first audio sample where there is no video. An in-point past the end is no
    /// error: everything then reports its end.
    ///
    /// # Errors
    /// [`MediaError::Config`] for a negative in-point, [`MediaError::Seek`], [`MediaError::Read`],
    /// [`MediaError::Decode`] when nothing can be decoded.
    pub fn start_at(&mut self, in_point: Millis) -> Result<(), MediaError> {
        self.join_at(in_point, 0, 0)
    }

    /// As [`start_at`](AssetReader::start_at), but begins in the middle: the first picture asked for will
    /// be `first_picture`, and audio begins `first_sample` samples of 48 kHz after the in-point. Seeks
    /// there directly. Pictures are the same as if everything before had been read, and so are samples but
    /// for the noise some codecs fill bands with.
    ///
    /// # Errors
    /// As [`start_at`](AssetReader::start_at).
    pub fn join_at(
        &mut self,
        in_point: Millis,
        first_picture: i64,
        first_sample: i64,
    ) -> Result<(), MediaError> {
        if in_point.0 < 0 {
            return Err(MediaError::Config {
                what: format!("an in-point of {in_point} lies before the asset"),
            });
        }
        let (zero, base) = self.find_zero()?;
        self.in_point = in_point;
        self.first_sample = first_sample;
        let joined = i128::from(first_picture.max(0)) * i128::from(self.rate.den()) * 1000;
        let joined = i64::try_from(joined / i128::from(self.rate.num())).unwrap_or(i64::MAX);
        self.entry = Millis(in_point.0.saturating_add(joined));
        self.started = true;
        let near = self.entry <= DECODE_RATHER;
        if !(near && self.fresh) {
            self.go_to(zero, base, if near { FROM_BEGINNING } else { 0 })?;
        }
        if let Some(video) = &mut self.video {
            video.present_anew();
        }
        Ok(())
    }

    /// The picture on screen at asset time `in_point + j * den / num` seconds, converted to the house
    /// shape. Source frame `n` is on screen at `t` when its stamp is at or before `t + 1 ms` (containers
    /// round stamps to 1 ms) and no later frame's is; before the first frame, the first. `j` must not
    /// decrease between calls.
    ///
    /// # Errors
    /// [`MediaError::Read`]; [`MediaError::Decode`] for a long run of damage; isolated damage is concealed.
    pub fn picture(&mut self, j: i64, out: &mut Picture) -> Result<PictureStatus, MediaError> {
        let zero = self.playing()?;
        match &mut self.video {
            Some(video) => video.picture(&mut self.feed, zero.0, self.in_point, (j, self.rate), out),
            None => Ok(PictureStatus::End),
        }
    }

    /// Fills `out` with interleaved stereo at 48 kHz, contiguous from the in-point. Returns sample pairs
    /// written: fewer than asked only at the end of the track, 0 from then on, 0 at once without one.
    ///
    /// # Errors
    /// As [`AssetReader::picture`].
    pub fn audio(&mut self, out: &mut [i16]) -> Result<usize, MediaError> {
        let (ticks, base) = self.playing()?;
        let zero =
            base.fine_samples(ticks) + fine_samples_of(self.in_point) + (i128::from(self.first_sample) << 16);
        match &mut self.audio {
            Some(audio) => audio.read(&mut self.feed, zero, out),
            None => Ok(0),
        }
    }

    /// Asset time 0, after a start at 0 where there was none yet.
    fn playing(&mut self) -> Result<(i64, TimeBase), MediaError> {
        if !self.started {
            self.start_at(Millis(0))?;
        }
        self.fresh = false;
        self.find_zero()
    }

    fn find_zero(&mut self) -> Result<(i64, TimeBase), MediaError> {
        if let Some(zero) = self.zero {
            return Ok(zero);
        }
        let (first, base, what) = match (&mut self.video, &mut self.audio) {
            (Some(video), _) => (video.prime(&mut self.feed)?, video.base(), "picture"),
            (None, Some(audio)) => (audio.prime(&mut self.feed)?, audio.base(), "audio sample"),
            (None, None) => return Err(MediaError::NoStreams { path: self.path.clone() }),
        };
        let Some(first) = first else {
            return Err(MediaError::decode(&self.path, format!("it holds not one decodable {what}")));
        };
        Ok(*self.zero.insert((first, base)))
    }

    /// Seeks to the in-point, further back each time when decoding finds that it begins too late.
    fn go_to(&mut self, zero: i64, base: TimeBase, first_attempt: usize) -> Result<(), MediaError> {
        self.fresh = false;
        let span = Millis(self.entry.0.saturating_add(STAMP_TOLERANCE.0));
        let target = zero.saturating_add(base.ticks_floor(span));
        let mut attempt = first_attempt;
        while let Some(used) = self.feed.seek(target, attempt)? {
            if let Some(audio) = &mut self.audio {
                audio.restart();
            }
            let begins = match (&mut self.video, &mut self.audio) {
                (Some(video), _) => {
                    let on_screen = self.feed.last_video_stamp_until(target);
                    video.restart(on_screen);
                    video.prime(&mut self.feed)?
                }
                (None, Some(audio)) => audio.prime(&mut self.feed)?,
                (None, None) => None,
            };
            if used == FROM_BEGINNING || begins.is_some_and(|at| at <= target) {
                self.fresh = used == FROM_BEGINNING;
                return Ok(());
            }
            attempt = used + 1;
        }
        Err(MediaError::Seek {
            path: self.path.clone(),
            at: self.entry,
            reason: "no decodable place before it was found".into(),
        })
    }
}

fn choose_audio(demuxer: &Demuxer, language: Option<&str>) -> Option<usize> {
    let spoken = language.and_then(|wanted| {
        demuxer
            .streams()
            .position(|s| s.is_audio() && s.tag(c"language").is_some_and(|tag| same_language(&tag, wanted)))
    });
    spoken.or_else(|| demuxer.streams().position(|s| s.is_audio()))
}
