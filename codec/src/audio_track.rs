//! The audio of an asset: contiguous 48 kHz stereo from the in-point on, placed by its stamps.
//!
//! Holes become silence, overlaps are cut, and between such breaks samples are counted, not re-stamped:
//! a container's rounding never moves audio. Nothing here seeks or reads a file.

use crate::MediaError;
use crate::audio_decoder::AudioDecoder;
use crate::demux::Stream;
use crate::libav::Frame;
use crate::libav_decoder::{Received, Sent};
use crate::packet_feed::{PacketFeed, Track};
use crate::resample::{AudioFormat, Resampler};
use crate::stamp::{TimeBase, sample_nearest};
use std::path::{Path, PathBuf};

/// The decoding side of an audio track.
pub(crate) struct AudioTrack {
    path: PathBuf,
    index: usize,
    base: TimeBase,
    decoder: AudioDecoder,
    resampler: Option<Resampler>,
    /// Interleaved stereo not handed out yet, from `taken` on.
    ready: Vec<i16>,
    taken: usize,
    /// Silent sample pairs to hand out after `ready`.
    silence: i64,
    /// A decoded frame that follows the silence.
    held: Option<Frame>,
    /// Sample pair, counted from the in-point, that the next converted one will be; before the first
    /// frame, none.
    position: Option<i64>,
    /// Where counting began: the sample pair, and source samples since.
    anchor: (i64, i64),
    /// Added to the place stamps tell, after a break in them.
    shift: i64,
    breaks: bool,
    damaged: u32,
    ended: bool,
}

/// Stamps may stray this far from the count, in sample pairs, before it counts as a hole or an overlap:
/// 20 ms.
const STRAY: i64 = 960;

/// Stamps that go back this far begin a new count, as those of the video do: 1 s in sample pairs.
const BREAK_BACK: i64 = 48_000;
/// Stamps this far ahead begin a new count in containers whose clock may be interrupted: 10 s.
const BREAK_AHEAD: i64 = 480_000;

/// Damaged packets in a row after which a track counts as undecodable: over 20 s of AAC.
const MAX_DAMAGED: u32 = 1_000;

impl AudioTrack {
    pub(crate) fn open(
        stream: Stream<'_>,
        index: usize,
        breaks: bool,
        path: &Path,
    ) -> Result<AudioTrack, MediaError> {
        Ok(AudioTrack {
            path: path.to_path_buf(),
            index,
            base: stream.time_base(),
            decoder: AudioDecoder::open(stream, path)?,
            resampler: None,
            ready: Vec::new(),
            taken: 0,
            silence: 0,
            held: None,
            position: None,
            anchor: (0, 0),
            shift: 0,
            breaks,
            damaged: 0,
            ended: false,
        })
    }

    pub(crate) fn base(&self) -> TimeBase {
        self.base
    }

    /// Forgets everything decoded, for going on elsewhere.
    pub(crate) fn restart(&mut self) {
        self.decoder.flush();
        self.resampler = None;
        self.ready.clear();
        (self.taken, self.silence, self.shift, self.damaged) = (0, 0, 0, 0);
        (self.held, self.position) = (None, None);
        self.ended = false;
    }

    /// Decodes the first frame from here and keeps it; its stamp, or `None` when there is none.
    pub(crate) fn prime(&mut self, feed: &mut PacketFeed) -> Result<Option<i64>, MediaError> {
        while self.held.is_none() && !self.ended {
            self.held = self.decode(feed)?;
        }
        Ok(self.held.as_ref().map(|f| f.audio_stamp().unwrap_or(0)))
    }

    /// Fills `out` with interleaved stereo from where the last call ended; `zero` is the in-point's
    /// instant on the stream's clock in units of 2^-16 samples. Returns sample pairs written: fewer than
    /// there is room for only at the end.
    pub(crate) fn read(
        &mut self,
        feed: &mut PacketFeed,
        zero: i128,
        out: &mut [i16],
    ) -> Result<usize, MediaError> {
        let wanted = out.len() / 2 * 2;
        let mut written = 0;
        while written < wanted {
            let room = &mut out[written..wanted];
            if self.taken < self.ready.len() {
                let count = room.len().min(self.ready.len() - self.taken);
                room[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
                self.taken += count;
                written += count;
            } else if self.silence > 0 {
                let pairs = (room.len() / 2).min(usize::try_from(self.silence).unwrap_or(usize::MAX));
                room[..pairs * 2].fill(0);
                self.silence -= pairs as i64;
                written += pairs * 2;
            } else {
                self.ready.clear();
                self.taken = 0;
                let held = self.held.take();
                let frame = if held.is_none() && !self.ended { self.decode(feed)? } else { held };
                match frame {
                    Some(frame) => self.place(frame, zero)?,
                    None if self.ended && self.resampler.is_none() => break,
                    None if self.ended => self.drain()?,
                    None => {}
                }
            }
        }
        Ok(written / 2)
    }

    /// One step of decoding: a frame, or nothing yet.
    fn decode(&mut self, feed: &mut PacketFeed) -> Result<Option<Frame>, MediaError> {
        let mut frame = Frame::new()?;
        match self.decoder.receive(&mut frame)? {
            Received::Frame => {
                self.damaged = 0;
                return Ok(Some(frame));
            }
            Received::Hungry => {
                let packet = feed.next(Track::Audio)?;
                let stream = feed.demuxer().stream(self.index);
                // Output was taken first, so a decoder always has room.
                if let Sent::Damaged(reason) = self.decoder.send(packet.as_ref(), stream, &self.path)? {
                    self.count_damage(&reason)?;
                }
            }
            Received::Damaged(reason) => self.count_damage(&reason)?,
            Received::End => self.ended = true,
        }
        Ok(None)
    }

    fn count_damage(&mut self, reason: &str) -> Result<(), MediaError> {
        self.damaged += 1;
        tracing::debug!(path = %self.path.display(), reason, "damaged audio packet");
        if self.damaged > MAX_DAMAGED {
            let reason = format!("{MAX_DAMAGED} audio packets in a row are damaged; the last: {reason}");
            return Err(MediaError::decode(&self.path, reason));
        }
        Ok(())
    }

    /// Puts a frame where its stamp says, or where the last one ended when that is near.
    fn place(&mut self, frame: Frame, zero: i128) -> Result<(), MediaError> {
        let format = AudioFormat::of(&frame);
        let stamped = frame
            .audio_stamp()
            .map(|at| sample_nearest(self.base.fine_samples(at) - zero).saturating_add(self.shift));
        let Some(position) = self.position else {
            return self.begin(frame, format, stamped.unwrap_or(0), 0);
        };
        if self.resampler.as_ref().is_some_and(|r| r.format() != format) {
            // What is left of the old format comes first.
            self.held = Some(frame);
            return self.drain();
        }
        let expected = match &self.resampler {
            Some(_) => self.anchor.0 + scaled(self.anchor.1, format.rate),
            None => position,
        };
        let mut stray = stamped.map_or(0, |at| at.saturating_sub(expected));
        if stray < -BREAK_BACK || (self.breaks && stray > BREAK_AHEAD) {
            self.shift = self.shift.saturating_sub(stray);
            stray = 0;
        }
        if self.resampler.is_none() || stray > STRAY {
            if self.resampler.is_some() {
                self.held = Some(frame);
                return self.drain();
            }
            // After a drain: go on where it ended, or after a hole.
            let at = if stray > STRAY { position.saturating_add(stray) } else { position };
            return self.begin(frame, format, at, position);
        }
        let skip = if stray < -STRAY { unscaled(-stray, format.rate) } else { 0 };
        self.convert(&frame, skip)
    }

    /// Begins a new count at sample pair `at`, silence reaching from `from` up to there.
    fn begin(&mut self, frame: Frame, format: AudioFormat, at: i64, from: i64) -> Result<(), MediaError> {
        let gap = at.max(0).saturating_sub(from.max(0));
        if gap > 0 && self.silence == 0 {
            self.silence = gap;
            self.held = Some(frame);
            self.position = Some(at);
            self.resampler = Some(Resampler::new(format)?);
            self.anchor = (at, 0);
            return Ok(());
        }
        self.position = Some(at);
        self.resampler = Some(Resampler::new(format)?);
        self.anchor = (at, 0);
        self.convert(&frame, 0)
    }

    fn convert(&mut self, frame: &Frame, skip: usize) -> Result<(), MediaError> {
        let count = (frame.fields().nb_samples.max(0) as usize).saturating_sub(skip);
        self.anchor.1 += count as i64;
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        resampler.convert(Some((frame, skip)), &mut self.ready)?;
        self.drop_early();
        Ok(())
    }

    /// Takes out what the resampler still holds, and the resampler.
    fn drain(&mut self) -> Result<(), MediaError> {
        if let Some(mut resampler) = self.resampler.take() {
            resampler.convert(None, &mut self.ready)?;
            self.drop_early();
        }
        Ok(())
    }

    /// Drops what came before the in-point. `ready` holds new samples only: it was empty before.
    fn drop_early(&mut self) {
        let pairs = (self.ready.len() / 2) as i64;
        let position = self.position.unwrap_or(0);
        let early = position.saturating_neg().clamp(0, pairs);
        self.taken = early as usize * 2;
        self.position = Some(position.saturating_add(pairs));
    }
}

/// Sample pairs of the house rate in `samples` at `rate`, to the nearest.
fn scaled(samples: i64, rate: i32) -> i64 {
    let rate = i128::from(rate.max(1));
    let doubled = i128::from(samples) * 96_000 + rate;
    i64::try_from(doubled.div_euclid(rate * 2)).unwrap_or(i64::MAX)
}

/// Samples at `rate` in `pairs` of the house rate, rounded down.
fn unscaled(pairs: i64, rate: i32) -> usize {
    usize::try_from(i128::from(pairs) * i128::from(rate) / 48_000).unwrap_or(usize::MAX)
}
