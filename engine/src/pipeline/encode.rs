//! The encoder: frame `k` from the lane that is on the air, H.264 and AAC access units out.
//!
//! It decides nothing. Which lane is on the air follows from the segment ends in the lanes
//! themselves, and every stamp is a function of a frame or sample index.

use super::bell::Bell;
use super::frame_lane::{Delivery, Frame, LaneReceiver};
use super::shared_session::{Anchor, SharedSession};
use super::unit_ring::{AUDIO, Entry, SendError, UnitSender, VIDEO};
use crate::format::SessionFormat;
use crate::session::Timeline;
use retrovue_codec::{AudioEncoder, EncodedPicture, MediaError, VideoEncoder};
use retrovue_mux::si::Descriptor;
use retrovue_mux::{CpbArrival, UnitHeader};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::{AAC_FRAME_SAMPLES, FrameIndex, SampleIndex, Ticks27M};

/// Largest AAC access unit: 6144 bits a channel (ISO/IEC 14496-3 §4.5.3.3), and its ADTS header.
const MAX_AUDIO_UNIT: usize = 2 * 6144 / 8 + 9;

/// NAL unit type of a sequence parameter set (H.264 table 7-1).
const SPS: u8 = 7;

/// Everything the encode thread owns.
pub(super) struct Encode {
    format: SessionFormat,
    video: Option<VideoEncoder>,
    /// The last picture: what [`send_video`] told of it.
    last: Option<(FrameIndex, Ticks27M)>,
    audio: AudioEncoder,
    units: UnitSender,
    /// Samples of frames taken, not yet a whole audio unit.
    pcm: Vec<i16>,
    /// Scratch for one audio unit.
    audio_unit: Vec<u8>,
    /// First sample of the next audio unit, as the decoder will output it: encoder delay is taken
    /// off here.
    next_audio: SampleIndex,
    timeline: Timeline,
    anchor: Anchor,
}

enum EncodeError {
    Send(SendError),
    Codec(MediaError),
}

impl From<SendError> for EncodeError {
    fn from(error: SendError) -> EncodeError {
        EncodeError::Send(error)
    }
}

impl From<MediaError> for EncodeError {
    fn from(error: MediaError) -> EncodeError {
        EncodeError::Codec(error)
    }
}

impl Encode {
    /// Opens the encoders for a session whose first frame is `first`.
    ///
    /// # Errors
    /// What the codecs refuse.
    pub(super) fn open(
        format: &SessionFormat,
        units: UnitSender,
        anchor: Anchor,
        first: FrameIndex,
    ) -> Result<Encode, MediaError> {
        let rate = format.shape.rate;
        let video = VideoEncoder::open(&format.video())?;
        let audio = AudioEncoder::open(format.audio_kbps)?;
        let next_audio = rate.first_sample(first).offset(-audio.delay_samples());
        let unit_values = AAC_FRAME_SAMPLES as usize * 2;
        Ok(Encode {
            video: Some(video),
            last: None,
            audio,
            units,
            pcm: Vec::with_capacity(unit_values + rate.max_samples_per_frame() as usize * 2),
            audio_unit: Vec::with_capacity(MAX_AUDIO_UNIT),
            next_audio,
            timeline: Timeline::new(anchor.epoch, rate),
            anchor,
            format: format.clone(),
        })
    }

    /// Pictures by which decoding runs ahead of presentation.
    #[must_use]
    pub(super) fn reorder_frames(&self) -> i64 {
        self.video.as_ref().map_or(0, VideoEncoder::reorder_frames)
    }

    /// What a program map says of the pictures: profile, constraints and level, the three bytes behind the
    /// header of the sequence parameter set (H.264 §7.3.2.1.1).
    ///
    /// # Errors
    /// What the encoder refuses.
    pub(super) fn picture_descriptor(&mut self) -> Result<Option<Descriptor>, MediaError> {
        let Some(video) = &mut self.video else { return Ok(None) };
        let sets = video.parameter_sets()?;
        let set = sets.windows(7).find(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 0x1F == SPS);
        Ok(set.map(|bytes| Descriptor::AvcVideo {
            profile_idc: bytes[4],
            constraint_flags: bytes[5],
            level_idc: bytes[6],
        }))
    }

    /// Encodes until the session ends.
    pub(super) fn run(mut self, session: &SharedSession, bell: &Bell, mut lanes: [LaneReceiver; 2]) {
        bell.answer();
        let mut live = 0;
        let ended: Result<(), EncodeError> = loop {
            let delivery = match lanes[live].receive() {
                Ok(delivery) => delivery,
                Err(stopped) => break Err(SendError::from(stopped).into()),
            };
            let step = match delivery {
                Delivery::Frame(frame) => {
                    let step = self.frame(&frame, session);
                    session.frames_taken(frame.index.offset(1));
                    lanes[live].give_back(frame);
                    step
                }
                // CONTRACT-SEG-002: the next segment's first frame is in the other lane already.
                Delivery::SegmentEnd => {
                    live = 1 - live;
                    Ok(())
                }
                Delivery::Drain => self.drain_video(session),
                Delivery::Failed(failure) => {
                    session.set_failure(*failure);
                    break self.finish(session);
                }
                Delivery::Finished => break self.finish(session),
            };
            if step.is_err() {
                break step;
            }
        };
        if let Err(EncodeError::Codec(error)) = &ended {
            session.set_failure(Failure::new(FailureCode::EncoderError, error.to_string()));
        }
        if let Err(EncodeError::Send(SendError::TooLarge { len, capacity })) = &ended {
            session.set_failure(Failure::new(
                FailureCode::EncoderError,
                format!("an access unit of {len} bytes exceeds the unit ring of {capacity}; lower the rate"),
            ));
        }
        let _ = self.units.send(Entry::End, &[]);
    }

    fn frame(&mut self, frame: &Frame, session: &SharedSession) -> Result<(), EncodeError> {
        self.pcm.extend_from_slice(&frame.pcm);
        let unit_values = AAC_FRAME_SAMPLES as usize * 2;
        while self.pcm.len() >= unit_values {
            let coded = self.audio.encode(&self.pcm[..unit_values], &mut self.audio_unit)?;
            self.pcm.copy_within(unit_values.., 0);
            self.pcm.truncate(self.pcm.len() - unit_values);
            if coded {
                self.send_audio()?;
            }
        }
        if self.video.is_none() {
            self.video = Some(self.open_behind(frame.index)?);
        }
        if let Some(video) = &mut self.video {
            let reorder = video.reorder_frames();
            if let Some(picture) = video.encode(&frame.picture, frame.index, frame.force_idr)? {
                note_margin(session, self.anchor, picture.dts.offset(reorder));
                self.last = Some(send_video(&mut self.units, self.timeline, &picture, reorder)?);
            }
        }
        Ok(())
    }

    fn send_audio(&mut self) -> Result<(), EncodeError> {
        let pts = self.timeline.sample(self.next_audio);
        self.next_audio = self.next_audio.offset(AAC_FRAME_SAMPLES);
        let header = UnitHeader::of(AUDIO, pts, pts, false, &self.audio_unit);
        let entry = Entry::Unit { header, emitted_end: FrameIndex(i64::MIN) };
        Ok(self.units.send(entry, &self.audio_unit)?)
    }

    /// Lets out every picture the encoder holds back. The next frame opens a new encoder, which
    /// begins with an IDR and whose decoding times go on where these end.
    fn drain_video(&mut self, session: &SharedSession) -> Result<(), EncodeError> {
        if let Some(mut video) = self.video.take() {
            let reorder = video.reorder_frames();
            while let Some(picture) = video.flush()? {
                note_margin(session, self.anchor, picture.dts.offset(reorder));
                self.last = Some(send_video(&mut self.units, self.timeline, &picture, reorder)?);
            }
        }
        Ok(())
    }

    /// An encoder that begins with `frame` and keeps to what the one before left in a receiver's buffer: the pictures of
    /// both arrive one behind the other.
    fn open_behind(&self, frame: FrameIndex) -> Result<VideoEncoder, MediaError> {
        let config = self.format.video();
        let Some((last, arrived)) = self.last else { return VideoEncoder::open(&config) };
        let rate = self.format.shape.rate;
        VideoEncoder::open_behind(
            &config,
            rate.ticks_27m_floor(FrameIndex(frame.frames_since(last))) + arrived,
        )
    }

    fn finish(&mut self, session: &SharedSession) -> Result<(), EncodeError> {
        self.drain_video(session)?;
        if !self.pcm.is_empty() {
            self.pcm.resize(AAC_FRAME_SAMPLES as usize * 2, 0);
            if self.audio.encode(&self.pcm, &mut self.audio_unit)? {
                self.send_audio()?;
            }
            self.pcm.clear();
        }
        while self.audio.flush(&mut self.audio_unit)? {
            self.send_audio()?;
        }
        Ok(())
    }
}

/// A picture is encoded that leaves at the instant of frame `slot`.
fn note_margin(session: &SharedSession, anchor: Anchor, slot: FrameIndex) {
    if !session.clock.is_virtual() {
        session.metrics.encode_margin.record_nanos(anchor.due(slot).0 - session.clock.now().0);
    }
}

/// Hands a picture over. Returns the frame at whose instant it leaves, and how long before its removal it has arrived.
fn send_video(
    units: &mut UnitSender,
    timeline: Timeline,
    picture: &EncodedPicture<'_>,
    reorder_frames: i64,
) -> Result<(FrameIndex, Ticks27M), EncodeError> {
    let (pts, dts) = (timeline.frame(picture.pts), timeline.frame(picture.dts));
    let arrival = picture.arrival.map(|arrival| CpbArrival {
        initial: dts.to_27m() - arrival.initial_before,
        complete: dts.to_27m() - arrival.final_before,
    });
    let header = UnitHeader::of(VIDEO, pts, dts, picture.idr, picture.data).arriving(arrival);
    // Pictures leave in decoding order, one per frame; at a fence, where an IDR stands, as many have left as
    // there are frames before it.
    let slot = picture.dts.offset(reorder_frames);
    units.send(Entry::Unit { header, emitted_end: slot.offset(1) }, picture.data)?;
    Ok((slot, picture.arrival.map_or(Ticks27M(0), |arrival| arrival.final_before)))
}
