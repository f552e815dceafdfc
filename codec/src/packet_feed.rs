//! Packets of the chosen video and audio track, each in its own bounded queue.
//!
//! Video must never starve audio or the other way round: whoever asks, the file is read on and the other
//! track's packets wait. Where a file is interleaved so badly that the wait would outgrow its bound, the
//! file is opened a second time and audio is read from there. Nothing is decoded here.

use crate::MediaError;
use crate::demux::{Demuxer, Effort, Read};
use crate::libav::Packet;
use crate::stamp::TimeBase;
use retrovue_timebase::Millis;
use std::collections::VecDeque;

/// The two kinds of track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Video,
    Audio,
}

/// One file's packets by track.
pub(crate) struct PacketFeed {
    main: Demuxer,
    /// A second reader of the file, for audio alone.
    side: Option<Demuxer>,
    video_index: Option<usize>,
    audio_index: Option<usize>,
    video: Queue,
    audio: Queue,
    main_ended: bool,
    side_ended: bool,
    /// Stamp from which audio packets are still to be handed out.
    audio_from: Option<i64>,
}

/// Bytes a queue may hold: several seconds of the fattest video, far more of any audio.
const MAX_QUEUED_BYTES: usize = 32 << 20;

/// Packets a queue may hold, whatever their size: each costs some 200 bytes besides its data.
const MAX_QUEUED_PACKETS: usize = 1 << 14;

/// How far before an in-point to start, tried in turn: some formats seek past what can be decoded, and
/// audio wants a running start. After these the file is read from its beginning.
const RUN_UPS: [Millis; 4] = [Millis(0), Millis(1_000), Millis(4_000), Millis(20_000)];

/// The attempt that reads the file from its beginning.
pub(crate) const FROM_BEGINNING: usize = RUN_UPS.len();

/// Audio decoded before an in-point, so that overlapping transforms, bit reservoirs and Opus (80 ms by
/// RFC 7845 §4.6) have settled.
pub(crate) const AUDIO_RUN_UP: Millis = Millis(100);

impl PacketFeed {
    pub(crate) fn new(
        mut demuxer: Demuxer,
        video_index: Option<usize>,
        audio_index: Option<usize>,
    ) -> PacketFeed {
        demuxer.select(&[video_index, audio_index]);
        PacketFeed {
            main: demuxer,
            side: None,
            video_index,
            audio_index,
            video: Queue::default(),
            audio: Queue::default(),
            main_ended: false,
            side_ended: false,
            audio_from: None,
        }
    }

    pub(crate) fn demuxer(&self) -> &Demuxer {
        &self.main
    }

    /// The next packet of a track in decoding order; `None` at its end.
    pub(crate) fn next(&mut self, track: Track) -> Result<Option<Packet>, MediaError> {
        loop {
            let packet = match track {
                Track::Video => self.video.pop(),
                Track::Audio => self.audio.pop(),
            };
            if let Some(packet) = packet {
                if track == Track::Audio {
                    self.audio_from =
                        packet.dts().or(packet.pts()).map(|at| at.saturating_add(1)).or(self.audio_from);
                }
                return Ok(Some(packet));
            }
            if track == Track::Audio && self.side.is_some() {
                if !self.read_side()? {
                    return Ok(None);
                }
            } else if !self.read_main()? {
                return Ok(None);
            }
        }
    }

    /// Reads one packet of the main reader into its queue; false at the end.
    fn read_main(&mut self) -> Result<bool, MediaError> {
        if self.main_ended {
            return Ok(false);
        }
        match self.main.read()? {
            Read::End => {
                self.main_ended = true;
                return Ok(false);
            }
            Read::Packet(packet) => {
                let index = usize::try_from(packet.fields().stream_index).ok();
                if index == self.video_index {
                    self.video.push(packet);
                } else if index == self.audio_index && self.side.is_none() {
                    self.audio.push(packet);
                }
            }
        }
        if (self.video.is_full() || self.audio.is_full()) && self.audio_index.is_some() && self.side.is_none()
        {
            self.split()?;
        }
        Ok(true)
    }

    /// Moves audio to a reader of its own, at the place where it is.
    fn split(&mut self) -> Result<(), MediaError> {
        let Some(audio_index) = self.audio_index else { return Ok(()) };
        tracing::debug!(path = %self.main.path().display(), "badly interleaved: reading audio separately");
        if let Some(first) = self.audio.first().and_then(|p| p.dts().or(p.pts())) {
            self.audio_from = Some(first);
        }
        let mut side = Demuxer::open(self.main.path(), Effort::Play)?;
        side.select(&[self.audio_index]);
        if let Some(at) = self.audio_from
            && side.seek(audio_index, at).is_err()
        {
            // From the beginning, then: the packets already played are skipped as they come.
            side = Demuxer::open(self.main.path(), Effort::Play)?;
            side.select(&[self.audio_index]);
        }
        self.main.select(&[self.video_index]);
        self.audio.clear();
        self.side = Some(side);
        self.side_ended = false;
        Ok(())
    }

    fn read_side(&mut self) -> Result<bool, MediaError> {
        let Some(side) = self.side.as_mut().filter(|_| !self.side_ended) else { return Ok(false) };
        match side.read()? {
            Read::End => {
                self.side_ended = true;
                Ok(false)
            }
            Read::Packet(packet) => {
                let played = match (packet.dts().or(packet.pts()), self.audio_from) {
                    (Some(at), Some(from)) => at < from,
                    _ => false,
                };
                if !played && usize::try_from(packet.fields().stream_index).ok() == self.audio_index {
                    self.audio.push(packet);
                }
                Ok(true)
            }
        }
    }

    /// Starts again at the beginning of the file.
    pub(crate) fn rewind(&mut self) -> Result<(), MediaError> {
        let demuxer = Demuxer::open(self.main.path(), Effort::Play)?;
        *self = PacketFeed::new(demuxer, self.video_index, self.audio_index);
        Ok(())
    }

    /// Goes to a place from which asset content at `target` (a stamp of the video stream, or of the audio
    /// stream when there is no video) can be decoded. `attempt` counts from 0 and starts further back each
    /// time, the last from the beginning of the file; the attempt that went somewhere is returned, or
    /// `None` when there are no more. Video packets nothing on screen at `target` depends on are dropped.
    pub(crate) fn seek(&mut self, target: i64, attempt: usize) -> Result<Option<usize>, MediaError> {
        for (attempt, &run_up) in RUN_UPS.iter().enumerate().skip(attempt) {
            if self.try_seek(target, run_up)? {
                return Ok(Some(attempt));
            }
        }
        if attempt > FROM_BEGINNING {
            return Ok(None);
        }
        self.rewind()?;
        Ok(Some(FROM_BEGINNING))
    }

    fn try_seek(&mut self, target: i64, run_up: Millis) -> Result<bool, MediaError> {
        let Some(index) = self.video_index.or(self.audio_index) else { return Ok(false) };
        let base = self.main.stream(index).time_base();
        let run_up = if self.video_index.is_none() { run_up.0 + AUDIO_RUN_UP.0 } else { run_up.0 };
        if self.side.take().is_some() {
            self.main.select(&[self.video_index, self.audio_index]);
        }
        self.video.clear();
        self.audio.clear();
        (self.main_ended, self.side_ended) = (false, false);
        self.audio_from = self.audio_index.map(|audio| {
            let start = Millis(base.millis_floor(target).0.saturating_sub(AUDIO_RUN_UP.0));
            self.main.stream(audio).time_base().ticks_floor(start)
        });
        // Some formats cannot seek near their end, others not at all.
        let sought = self.main.seek(index, target.saturating_sub(base.ticks_floor(Millis(run_up)))).is_ok();
        Ok(sought && (self.video_index.is_none() || self.settle(target, base)?))
    }

    /// Reads until all packets shown up to `target` are queued and drops those before the last key
    /// picture. False when the key picture or the audio begins too late.
    fn settle(&mut self, target: i64, base: TimeBase) -> Result<bool, MediaError> {
        let mut after = 0;
        while after <= REORDER_SLACK && !self.video.is_full() && self.read_main()? {
            if let Some(last) = self.video.last() {
                match (last.dts(), last.pts()) {
                    (Some(dts), _) if dts > target => break,
                    (None, Some(pts)) if pts > target => after += 1,
                    _ => {}
                }
            }
        }
        if !self.video.drop_before_key(target) {
            return Ok(false);
        }
        let (Some(audio), Some(first)) = (self.audio_index, self.audio.first()) else { return Ok(true) };
        let audio_base = self.main.stream(audio).time_base();
        let Some(at) = first.pts().or(first.dts()) else { return Ok(true) };
        // A track that begins there has nothing before it.
        let start = self.main.stream(audio).fields().start_time;
        if start != ffmpeg_sys_next::AV_NOPTS_VALUE && at <= start {
            return Ok(true);
        }
        let wanted = base.millis_floor(target).0.saturating_sub(AUDIO_RUN_UP.0);
        Ok(audio_base.millis_floor(at).0 <= wanted)
    }

    /// Stamp of the picture on screen at `target`, as far as the queued packets tell.
    pub(crate) fn last_video_stamp_until(&self, target: i64) -> Option<i64> {
        self.video.packets.iter().filter_map(Packet::pts).filter(|&pts| pts <= target).max()
    }
}

/// Packets without decode stamps read past the target before no earlier picture is expected.
const REORDER_SLACK: usize = 16;

#[derive(Default)]
struct Queue {
    packets: VecDeque<Packet>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, packet: Packet) {
        self.bytes += packet.data().len();
        self.packets.push_back(packet);
    }

    fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.data().len();
        Some(packet)
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    fn first(&self) -> Option<&Packet> {
        self.packets.front()
    }

    fn last(&self) -> Option<&Packet> {
        self.packets.back()
    }

    fn is_full(&self) -> bool {
        self.bytes > MAX_QUEUED_BYTES || self.packets.len() > MAX_QUEUED_PACKETS
    }

    /// Drops what precedes the last key picture at or before `target`; false when there is none.
    fn drop_before_key(&mut self, target: i64) -> bool {
        let key = self
            .packets
            .iter()
            .rposition(|p| p.is_key() && p.pts().or(p.dts()).is_some_and(|at| at <= target));
        for _ in 0..key.unwrap_or(0) {
            self.pop();
        }
        key.is_some()
    }
}
