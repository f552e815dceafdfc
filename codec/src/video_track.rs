//! The video of an asset: which source frame is on screen at an output frame, as a house picture.
//!
//! Frames are decoded one ahead, because only the next one's stamp tells how long the present one stays.
//! Nothing here seeks or reads a file.

use crate::MediaError;
use crate::convert::{HouseConverter, SourceShape};
use crate::deinterlace::Deinterlacer;
use crate::demux::Stream;
use crate::libav::{Frame, Packet};
use crate::libav_decoder::{Received, Sent};
use crate::packet_feed::{PacketFeed, Track};
use crate::picture::Picture;
use crate::probe::container_aspect;
use crate::stamp::{Stamped, TimeBase};
use crate::video_decoder::VideoDecoder;
use ffmpeg_sys_next as ff;
use retrovue_timebase::{FrameRate, Millis};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// What [`AssetReader::picture`](crate::AssetReader::picture) found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureStatus {
    /// Another source frame than at the call before.
    New,
    /// The same source frame as at the call before; the planes are shared, nothing was converted.
    Same,
    /// Past the end of the last frame, or there is no video track. The picture was not touched.
    End,
}

/// The decoding side of a video track.
pub(crate) struct VideoTrack {
    path: PathBuf,
    base: TimeBase,
    shape: SourceShape,
    decoder: VideoDecoder,
    deinterlacer: Option<Deinterlacer>,
    deinterlacing_refused: bool,
    converter: HouseConverter,
    /// A packet the decoder had no room for.
    pending: Option<Packet>,
    /// Stamps and durations of packets whose frames are still to come.
    durations: VecDeque<(i64, i64)>,
    nominal: i64,
    decoder_ended: bool,
    /// The last decoded frame's place, before `shift`.
    last: Option<(i64, i64)>,
    /// Added to stamps after a break in them.
    shift: i64,
    /// Whether stamps of this container may jump forward for no reason.
    breaks: bool,
    skip_until: i64,
    damaged: u32,
    silent: u32,
    current: Option<Stamped>,
    next: Option<Stamped>,
    drained: bool,
    /// `current` in the house format, once it was asked for.
    house: Picture,
    shown: bool,
}

/// Damaged packets in a row after which a track counts as undecodable.
const MAX_DAMAGED: u32 = 250;

/// Packets in a row without a picture after which a track counts as undecodable.
const MAX_SILENT: u32 = 5_000;

/// Packets whose duration is remembered: the deepest reordering there is, twice over.
const MAX_DURATIONS: usize = 64;

/// A stamp this far back means a new count, not reordering.
const BREAK_BACK: Millis = Millis(1_000);
/// Frames a second that no film has.
const MAX_RATE: i64 = 240;

/// A stamp this far ahead means a new count, in containers whose clock may be interrupted.
const BREAK_AHEAD: Millis = Millis(10_000);

impl VideoTrack {
    pub(crate) fn open(
        stream: Stream<'_>,
        (width, height): (u32, u32),
        threads: u32,
        breaks: bool,
        path: &Path,
    ) -> Result<VideoTrack, MediaError> {
        let base = stream.time_base();
        let rates = [stream.fields().avg_frame_rate, stream.fields().r_frame_rate];
        // A container whose clock ticks in milliseconds may tell a thousand frames a second.
        let plausible = rates.iter().filter(|r| i64::from(r.num) <= MAX_RATE * i64::from(r.den));
        let nominal = plausible.clone().find_map(|r| base.frame_ticks(r.num, r.den));
        let aspect = container_aspect(stream);
        Ok(VideoTrack {
            path: path.to_path_buf(),
            base,
            shape: SourceShape { pixel: aspect, quarter_turns: stream.quarter_turns() },
            decoder: VideoDecoder::open(stream, threads, path)?,
            deinterlacer: None,
            deinterlacing_refused: false,
            converter: HouseConverter::new(width, height)?,
            pending: None,
            durations: VecDeque::with_capacity(MAX_DURATIONS),
            nominal: nominal.unwrap_or_else(|| base.ticks_floor(Millis(40)).max(1)),
            decoder_ended: false,
            last: None,
            shift: 0,
            breaks,
            skip_until: i64::MIN,
            damaged: 0,
            silent: 0,
            current: None,
            next: None,
            drained: false,
            house: Picture::empty(),
            shown: false,
        })
    }

    pub(crate) fn base(&self) -> TimeBase {
        self.base
    }

    /// Forgets everything decoded, for going on elsewhere. Pictures stamped before `skip_until` that no
    /// other refers to need not be decoded.
    pub(crate) fn restart(&mut self, skip_until: Option<i64>) {
        self.decoder.flush();
        self.deinterlacer = None;
        self.pending = None;
        self.durations.clear();
        (self.decoder_ended, self.drained, self.shown) = (false, false, false);
        (self.last, self.shift) = (None, 0);
        (self.damaged, self.silent) = (0, 0);
        (self.current, self.next) = (None, None);
        self.skip_until = skip_until.unwrap_or(i64::MIN);
    }

    /// The next picture starts anew: whatever comes first is [`PictureStatus::New`].
    pub(crate) fn present_anew(&mut self) {
        self.shown = false;
    }

    /// Decodes the first frame from here and keeps it; its stamp, or `None` when there is none.
    pub(crate) fn prime(&mut self, feed: &mut PacketFeed) -> Result<Option<i64>, MediaError> {
        if self.next.is_none() {
            self.fetch(feed)?;
        }
        Ok(self.next.as_ref().map(|n| n.at))
    }

    /// The picture on screen at `in_point + j / rate` of asset time, whose 0 is stamp `zero`.
    pub(crate) fn picture(
        &mut self,
        feed: &mut PacketFeed,
        zero: i64,
        in_point: Millis,
        (j, rate): (i64, FrameRate),
        out: &mut Picture,
    ) -> Result<PictureStatus, MediaError> {
        let base = self.base;
        let reached = |at: i64| base.reached(at.saturating_sub(zero), in_point, j, rate);
        loop {
            if self.next.is_none() && !self.drained {
                self.fetch(feed)?;
            }
            match self.next.take() {
                Some(next) if self.current.is_none() || reached(next.at) => {
                    self.current = Some(next);
                    self.shown = false;
                }
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        let Some(current) = &self.current else { return Ok(PictureStatus::End) };
        if self.next.is_none() && reached(current.at.saturating_add(current.lasts)) {
            return Ok(PictureStatus::End);
        }
        let status = if self.shown { PictureStatus::Same } else { PictureStatus::New };
        if !self.shown {
            self.converter.convert(&current.frame, self.shape, &mut self.house)?;
            self.shown = true;
        }
        out.share(&self.house);
        Ok(status)
    }

    fn fetch(&mut self, feed: &mut PacketFeed) -> Result<(), MediaError> {
        self.next = self.decode(feed)?;
        self.drained = self.next.is_none();
        Ok(())
    }

    /// The next frame in presentation order; `None` at the end of the track.
    fn decode(&mut self, feed: &mut PacketFeed) -> Result<Option<Stamped>, MediaError> {
        loop {
            if let Some(deinterlacer) = &mut self.deinterlacer
                && let Some(frame) = deinterlacer.pull()?
            {
                return Ok(Some(frame));
            }
            if self.decoder_ended {
                return Ok(None);
            }
            let mut frame = Frame::new()?;
            match self.decoder.receive(&mut frame) {
                Received::Frame => {
                    (self.damaged, self.silent) = (0, 0);
                    let stamped = self.stamp(frame);
                    if let Some(ready) = self.deinterlace(stamped)? {
                        return Ok(Some(ready));
                    }
                }
                Received::Hungry => self.feed_decoder(feed)?,
                Received::Damaged(reason) => self.count_damage(&reason)?,
                Received::End => {
                    self.decoder_ended = true;
                    if let Some(deinterlacer) = &mut self.deinterlacer {
                        deinterlacer.push(None)?;
                    }
                }
            }
        }
    }

    fn feed_decoder(&mut self, feed: &mut PacketFeed) -> Result<(), MediaError> {
        let packet = match self.pending.take() {
            Some(packet) => Some(packet),
            None => {
                let packet = feed.next(Track::Video)?;
                if let Some(packet) = &packet {
                    self.note_duration(packet);
                    self.decoder.skip_unreferenced(packet.pts().is_some_and(|pts| pts < self.skip_until));
                    self.silent += u32::from(!packet.is_discard());
                }
                packet
            }
        };
        if self.silent > MAX_SILENT {
            return Err(MediaError::decode(&self.path, format!("no picture in {MAX_SILENT} video packets")));
        }
        match self.decoder.send(packet.as_ref()) {
            Sent::Accepted => {}
            Sent::Full => self.pending = packet,
            Sent::Damaged(reason) => self.count_damage(&reason)?,
        }
        Ok(())
    }

    fn note_duration(&mut self, packet: &Packet) {
        if self.durations.len() == MAX_DURATIONS {
            self.durations.pop_front();
        }
        if let Some(at) = packet.pts().or(packet.dts()) {
            self.durations.push_back((at, packet.fields().duration));
        }
    }

    fn count_damage(&mut self, reason: &str) -> Result<(), MediaError> {
        self.damaged += 1;
        tracing::debug!(path = %self.path.display(), reason, "damaged video packet");
        if self.damaged > MAX_DAMAGED {
            let reason = format!("{MAX_DAMAGED} video packets in a row are damaged; the last: {reason}");
            return Err(MediaError::decode(&self.path, reason));
        }
        Ok(())
    }

    /// Gives a frame its place: repairs missing stamps, and breaks in them.
    fn stamp(&mut self, frame: Frame) -> Stamped {
        let raw = frame.video_stamp();
        let told = raw.and_then(|raw| self.durations.iter().rfind(|(at, _)| *at == raw)).map_or(0, |d| d.1);
        let expected = self.last.map(|(at, lasts)| at.saturating_add(lasts));
        let mut at = raw.map_or(expected.unwrap_or(0), |raw| raw.saturating_add(self.shift));
        if let (Some((last, _)), Some(expected)) = (self.last, expected) {
            let back = at < last.saturating_sub(self.base.ticks_floor(BREAK_BACK));
            let ahead = self.breaks && at > expected.saturating_add(self.base.ticks_floor(BREAK_AHEAD));
            if back || ahead {
                self.shift = self.shift.saturating_add(expected.saturating_sub(at));
                at = expected;
            }
            // Order is kept whatever the stamps say.
            at = at.max(last.saturating_add(1));
        }
        let since = self.last.map(|(last, _)| at.saturating_sub(last)).filter(|&d| d > 0);
        // Some containers tell a tick for every frame; a last frame shown so briefly would be lost.
        let told = if since.is_some_and(|since| told < since / 4) { 0 } else { told };
        let lasts = if told > 0 { told } else { since.unwrap_or(self.nominal).min(self.nominal.max(1) * 4) };
        self.last = Some((at, lasts));
        Stamped { frame, at, lasts }
    }

    /// Passes a progressive frame through; an interlaced one goes into the deinterlacer, from where it
    /// comes out later.
    fn deinterlace(&mut self, stamped: Stamped) -> Result<Option<Stamped>, MediaError> {
        let usable = self.deinterlacer.as_ref().is_some_and(|d| d.takes(&stamped.frame));
        if !usable {
            // A change of size or format mid-stream: the one or two frames still inside are given up.
            self.deinterlacer = None;
            if !stamped.frame.interlaced() || self.deinterlacing_refused {
                return Ok(Some(stamped));
            }
            match Deinterlacer::like(&stamped.frame) {
                Ok(deinterlacer) => self.deinterlacer = Some(deinterlacer),
                Err(error) => {
                    tracing::debug!(path = %self.path.display(), %error, "shown without deinterlacing");
                    self.deinterlacing_refused = true;
                    return Ok(Some(stamped));
                }
            }
        }
        match &mut self.deinterlacer {
            Some(deinterlacer) => deinterlacer.push(Some(stamped)).map(|()| None),
            None => Ok(Some(stamped)),
        }
    }
}

/// Whether a container's clock may be interrupted mid-file (`AVFMT_TS_DISCONT`).
pub(crate) fn clock_may_break(flags: i32) -> bool {
    flags & ff::AVFMT_TS_DISCONT != 0
}
