//! A house format judged and turned into what codecs and muxer need.

use retrovue_codec::{OutputShape, VideoEncoderConfig};
use retrovue_mux::{CueConfig, MuxConfig, MuxRate, Pid, StreamKind};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::HouseFormat;
use retrovue_timebase::FrameRate;
use std::ops::RangeInclusive;

/// Preset when the format names none: the fastest whose picture still holds at house rates.
const DEFAULT_PRESET: &str = "veryfast";

/// Encoder threads when the format names none. One thread costs the least CPU per channel and adds
/// no frame of delay; the count is fixed because it changes the bytes.
const DEFAULT_THREADS: u32 = 1;

/// A format that the engine can produce.
#[derive(Debug, Clone)]
pub struct SessionFormat {
    /// Picture and sound of every frame.
    pub shape: OutputShape,
    /// Video rate in kb/s.
    pub video_kbps: u32,
    gop_frames: u32,
    preset: String,
    threads: u32,
    /// Audio rate in kb/s.
    pub audio_kbps: u32,
    /// Rate of the whole transport stream in kb/s; variable when absent.
    mux_kbps: Option<u32>,
    /// The stream has a PID of cues.
    pub cues: bool,
}

impl SessionFormat {
    /// Judges `format`.
    ///
    /// # Errors
    /// INVALID_FORMAT naming the field, its value and its range.
    pub fn new(format: &HouseFormat) -> Result<SessionFormat, Failure> {
        let refuse = |detail: String| Err(Failure::new(FailureCode::InvalidFormat, detail));
        let ranges: [(&str, u32, RangeInclusive<u32>); 6] = [
            ("width", format.width, 64..=4096),
            ("height", format.height, 64..=2304),
            ("video_bitrate_kbps", format.video_bitrate_kbps, 100..=100_000),
            ("audio_bitrate_kbps", format.audio_bitrate_kbps, 32..=512),
            ("gop_frames", format.gop_frames, 1..=600),
            ("encoder_threads", format.encoder_threads, 0..=16),
        ];
        for (field, value, range) in ranges {
            if !range.contains(&value) {
                return refuse(format!(
                    "format.{field} is {value}, must be {} to {}",
                    range.start(),
                    range.end()
                ));
            }
        }
        for (field, value) in [("width", format.width), ("height", format.height)] {
            if !value.is_multiple_of(2) {
                return refuse(format!("format.{field} is {value}, must be even for 4:2:0 pictures"));
            }
        }
        let rate = match FrameRate::new(i64::from(format.fps_num), i64::from(format.fps_den)) {
            Ok(rate) => rate,
            Err(error) => return refuse(format!("format.fps_num/fps_den: {error}")),
        };
        let preset = if format.preset.is_empty() { DEFAULT_PRESET } else { &format.preset };
        let threads = if format.encoder_threads == 0 { DEFAULT_THREADS } else { format.encoder_threads };
        let language = (!format.audio_language.is_empty()).then(|| format.audio_language.clone());
        let format = SessionFormat {
            shape: OutputShape { width: format.width, height: format.height, rate, audio_language: language },
            video_kbps: format.video_bitrate_kbps,
            gop_frames: format.gop_frames,
            preset: preset.to_owned(),
            threads,
            audio_kbps: format.audio_bitrate_kbps,
            mux_kbps: format.mux_rate_kbps,
            cues: format.cues,
        };
        match format.multiplex("").lead() {
            Ok(_) => Ok(format),
            Err(error) => match format.mux_kbps {
                Some(kbps) => refuse(format!("format.mux_rate_kbps is {kbps}: {error}")),
                None => refuse(format!("format: {error}")),
            },
        }
    }

    /// Peak rate of the pictures in kb/s: the house's, and never so low that headers and stuffing of so many
    /// pictures a second could not pass a receiver's transport buffer.
    #[must_use]
    pub fn peak_kbps(&self) -> u32 {
        match self.multiplex("").streams.first().map(|stream| stream.kind) {
            Some(StreamKind::Video { max_bitrate_bps, .. }) => {
                u32::try_from(max_bitrate_bps / 1000).unwrap_or(u32::MAX)
            }
            _ => self.video_kbps,
        }
    }

    fn pictures_per_second(&self) -> u32 {
        let rate = self.shape.rate;
        u32::try_from((rate.num() + rate.den() - 1) / rate.den()).unwrap_or(u32::MAX)
    }

    /// For the multiplexer: pictures first, then sound.
    #[must_use]
    pub fn multiplex(&self, service_name: &str) -> MuxConfig {
        let bits = |thousands: u32| u64::from(thousands) * 1000;
        let rate = match self.mux_kbps {
            Some(kbps) => MuxRate::Constant { bps: bits(kbps) },
            None => MuxRate::Variable { peak_bps: None },
        };
        let (video, audio) = (bits(self.video_kbps), bits(self.audio_kbps));
        let config = MuxConfig::house(service_name, video, self.pictures_per_second(), audio, rate);
        MuxConfig { cues: self.cues.then_some(CueConfig::new(Pid::DEFAULT_CUES)), ..config }
    }

    /// Coded picture buffer in units of 1000 bits: half a second, as the multiplexer has it.
    #[must_use]
    pub fn cpb_kbits(&self) -> u32 {
        self.peak_kbps() / 2
    }

    /// The size of it that decoders are told: with room for what the multiplexer sends ahead of the encoder's
    /// hypothetical decoder, so that nothing waits in front of a full buffer.
    fn declared_cpb_kbits(&self) -> u32 {
        let config = self.multiplex("");
        let bits = config.streams.first().map_or(0, |stream| config.decoder_buffer_bits(stream));
        u32::try_from(bits.div_ceil(1000)).unwrap_or(u32::MAX).max(self.cpb_kbits())
    }

    /// For the video encoder.
    #[must_use]
    pub fn video(&self) -> VideoEncoderConfig<'_> {
        VideoEncoderConfig {
            width: self.shape.width,
            height: self.shape.height,
            rate: self.shape.rate,
            bitrate_kbps: self.video_kbps,
            peak_kbps: self.peak_kbps(),
            vbv_buffer_kbits: self.cpb_kbits(),
            declared_buffer_kbits: self.declared_cpb_kbits(),
            gop_frames: self.gop_frames,
            preset: &self.preset,
            threads: self.threads,
        }
    }
}
