//! One elementary stream of a program: how each kind is configured, and what is refused by its name.

use crate::config::ConfigError;
use crate::pacing;
use crate::pid::{Pid, StreamType};
use crate::si::{Ac3Signalling, Av1Video, Descriptor, ProgramStream, Registration};
use crate::stream_kind::{AudioCoding, DataFormat, StreamKind, VideoCoding};
use crate::target_decoder;

/// One elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// PID of its packets.
    pub pid: Pid,
    /// Code point in the program map table: that of the kind, [`StreamKind::stream_type`].
    pub stream_type: StreamType,
    /// What it holds and how fast.
    pub kind: StreamKind,
    /// ISO 639-2 code, lower case.
    pub language: Option<[u8; 3]>,
    /// Most access units in a second, 1 to 240: what headers and stuffing take follows from it. Of sound, how
    /// many there are, rounded up.
    pub units_per_second: u32,
    /// What else the program map tells of it: language, maximum bit rate and what announces the kind come
    /// of themselves.
    pub descriptors: Vec<Descriptor>,
}

impl StreamConfig {
    /// Most access units a stream may have in a second.
    pub const MAX_UNITS_PER_SECOND: u32 = 240;

    /// Largest rate of pictures in bit/s.
    const LARGEST_VIDEO_BPS: u64 = 240_000_000;

    const fn new(pid: Pid, kind: StreamKind, units_per_second: u32) -> StreamConfig {
        let stream_type = kind.stream_type();
        StreamConfig { pid, stream_type, kind, language: None, units_per_second, descriptors: Vec::new() }
    }

    /// Pictures on the usual video PID, up to 60 a second; figures as [`StreamKind::Video`] defines them.
    #[must_use]
    pub const fn video(coding: VideoCoding, max_bitrate_bps: u64, cpb_bits: u64) -> StreamConfig {
        StreamConfig::new(Pid::DEFAULT_VIDEO, StreamKind::Video { coding, max_bitrate_bps, cpb_bits }, 60)
    }

    /// H.264, as [`StreamConfig::video`].
    #[must_use]
    pub const fn h264(max_bitrate_bps: u64, cpb_bits: u64) -> StreamConfig {
        StreamConfig::video(VideoCoding::H264, max_bitrate_bps, cpb_bits)
    }

    /// HEVC, as [`StreamConfig::video`]. An HEVC_video_descriptor is the caller's to add.
    #[must_use]
    pub const fn hevc(max_bitrate_bps: u64, cpb_bits: u64) -> StreamConfig {
        StreamConfig::video(VideoCoding::Hevc, max_bitrate_bps, cpb_bits)
    }

    /// AV1, as [`StreamConfig::video`].
    #[must_use]
    pub const fn av1(max_bitrate_bps: u64, cpb_bits: u64, video: Av1Video) -> StreamConfig {
        StreamConfig::video(VideoCoding::Av1(video), max_bitrate_bps, cpb_bits)
    }

    /// MPEG-2 video, as [`StreamConfig::video`].
    #[must_use]
    pub const fn mpeg2_video(max_bitrate_bps: u64, vbv_bits: u64) -> StreamConfig {
        StreamConfig::video(VideoCoding::Mpeg2, max_bitrate_bps, vbv_bits)
    }

    /// Sound at 48 kHz on the usual audio PID.
    #[must_use]
    pub const fn audio(coding: AudioCoding, bitrate_bps: u64) -> StreamConfig {
        let units_per_second = match coding {
            AudioCoding::AacAdts => 47,
            AudioCoding::Ac3(_) | AudioCoding::EnhancedAc3(_) => 32,
            AudioCoding::MpegLayer2 => 42,
        };
        StreamConfig::new(Pid::DEFAULT_AUDIO, StreamKind::Audio { coding, bitrate_bps }, units_per_second)
    }

    /// Stereo AAC in ADTS, as [`StreamConfig::audio`].
    #[must_use]
    pub const fn aac_adts(bitrate_bps: u64) -> StreamConfig {
        StreamConfig::audio(AudioCoding::AacAdts, bitrate_bps)
    }

    /// AC-3, as [`StreamConfig::audio`].
    #[must_use]
    pub const fn ac3(signalling: Ac3Signalling, bitrate_bps: u64) -> StreamConfig {
        StreamConfig::audio(AudioCoding::Ac3(signalling), bitrate_bps)
    }

    /// Enhanced AC-3, as [`StreamConfig::audio`].
    #[must_use]
    pub const fn enhanced_ac3(signalling: Ac3Signalling, bitrate_bps: u64) -> StreamConfig {
        StreamConfig::audio(AudioCoding::EnhancedAc3(signalling), bitrate_bps)
    }

    /// MPEG-1 layer II, as [`StreamConfig::audio`].
    #[must_use]
    pub const fn mpeg_layer_2(bitrate_bps: u64) -> StreamConfig {
        StreamConfig::audio(AudioCoding::MpegLayer2, bitrate_bps)
    }

    /// EBU teletext on `pid`, 25 units a second of at most `lines` lines, 1 to 31, with one page told of:
    /// [`Descriptor::Teletext`].
    #[must_use]
    pub fn teletext(pid: Pid, lines: usize, page: Descriptor) -> StreamConfig {
        let longest_bytes = 1 + 46 * (lines / 4 * 4 + 3);
        let bitrate_bps = longest_bytes as u64 * 8 * 25;
        let kind = StreamKind::Data { format: DataFormat::Teletext, bitrate_bps, longest_bytes };
        StreamConfig::new(pid, kind, 25).with_descriptor(page)
    }

    /// DVB subtitles on `pid`, up to ten units a second: [`Descriptor::Subtitling`].
    #[must_use]
    pub fn dvb_subtitles(
        pid: Pid,
        bitrate_bps: u64,
        longest_bytes: usize,
        subtitling: Descriptor,
    ) -> StreamConfig {
        let kind = StreamKind::Data { format: DataFormat::DvbSubtitles, bitrate_bps, longest_bytes };
        StreamConfig::new(pid, kind, 10).with_descriptor(subtitling)
    }

    /// ID3 tags on `pid`, up to ten a second.
    #[must_use]
    pub const fn id3(pid: Pid, bitrate_bps: u64, longest_bytes: usize) -> StreamConfig {
        let kind = StreamKind::Data { format: DataFormat::Id3, bitrate_bps, longest_bytes };
        StreamConfig::new(pid, kind, 10)
    }

    /// The same stream on another PID.
    #[must_use]
    pub fn on_pid(mut self, pid: Pid) -> StreamConfig {
        self.pid = pid;
        self
    }

    /// The same stream, marked with its ISO 639-2 language.
    #[must_use]
    pub fn with_language(mut self, language: [u8; 3]) -> StreamConfig {
        self.language = Some(language);
        self
    }

    /// The same stream with a further descriptor in the program map.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: Descriptor) -> StreamConfig {
        self.descriptors.push(descriptor);
        self
    }

    /// The same stream with at most so many access units a second.
    #[must_use]
    pub fn with_units_per_second(mut self, units_per_second: u32) -> StreamConfig {
        self.units_per_second = units_per_second;
        self
    }

    /// What the program map tells of the stream.
    pub(crate) fn program_stream(&self) -> ProgramStream {
        let mut descriptors = self.kind.announcing();
        if self.kind.is_id3() {
            descriptors.push(Descriptor::Id3);
            descriptors.push(Descriptor::MetadataStd {
                input_bps: target_decoder::drain_bps(self.kind),
                buffer_bytes: target_decoder::buffer_bytes(self.kind),
            });
        }
        descriptors.extend(self.descriptors.iter().cloned());
        descriptors.extend(self.language.map(|language| Descriptor::Language { language, audio_type: 0 }));
        descriptors.push(Descriptor::MaximumBitrate { bps: pacing::packets_bps(self) });
        ProgramStream { stream_type: self.stream_type, pid: self.pid, descriptors }
    }

    /// Smallest rate in bit/s at which so many access units a second pass the stream's transport buffer.
    #[must_use]
    pub fn smallest_bitrate_bps(&self) -> u64 {
        pacing::smallest_stream_bps(self)
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let (pid, units_per_second) = (self.pid, self.units_per_second);
        if !(1..=StreamConfig::MAX_UNITS_PER_SECOND).contains(&units_per_second) {
            return Err(ConfigError::UnitsPerSecond { pid, units_per_second });
        }
        if self.stream_type != self.kind.stream_type() {
            let (stream_type, kind) = (self.stream_type, self.kind.name());
            return Err(ConfigError::StreamType {
                pid,
                stream_type: stream_type.0,
                name: stream_type.name(),
                kind,
            });
        }
        let (bps, smallest, largest) = match self.kind {
            StreamKind::Video { max_bitrate_bps, .. } => {
                (max_bitrate_bps, 100_000, StreamConfig::LARGEST_VIDEO_BPS)
            }
            StreamKind::Audio { bitrate_bps, coding } => {
                let (smallest, largest) = coding.bitrates();
                (bitrate_bps, smallest, largest)
            }
            StreamKind::Data { bitrate_bps, .. } => (bitrate_bps, 1_000, pacing::largest_data_bps(self)),
        };
        if bps < smallest || bps > largest {
            return Err(ConfigError::Bitrate { pid, bps, smallest, largest });
        }
        match self.kind {
            StreamKind::Video { max_bitrate_bps, cpb_bits, .. } => {
                let largest = max_bitrate_bps * pacing::LONGEST_CPB_SECONDS;
                if cpb_bits == 0 || cpb_bits > largest {
                    return Err(ConfigError::CpbSize { pid, cpb_bits, largest });
                }
            }
            StreamKind::Audio { .. } => {}
            StreamKind::Data { format, bitrate_bps, longest_bytes } => {
                self.validate_data(format, bitrate_bps, longest_bytes)?;
            }
        }
        let smallest = self.smallest_bitrate_bps();
        if bps < smallest {
            return Err(ConfigError::StreamRateTooLow { pid, bps, units_per_second, smallest });
        }
        match self.language {
            Some(language) if !language.iter().all(u8::is_ascii_lowercase) => {
                Err(ConfigError::Language { pid, language })
            }
            _ => Ok(()),
        }
    }

    fn validate_data(&self, format: DataFormat, bitrate_bps: u64, bytes: usize) -> Result<(), ConfigError> {
        let pid = self.pid;
        // Private data says by descriptors alone what it is.
        let (announced, descriptor) = match format {
            DataFormat::Teletext => (Some(0x56), "teletext_descriptor"),
            DataFormat::DvbSubtitles => (Some(0x59), "subtitling_descriptor"),
            DataFormat::Id3 => (None, ""),
        };
        if announced.is_some_and(|tag| self.descriptors.iter().all(|descriptor| descriptor.tag() != tag)) {
            return Err(ConfigError::NotAnnounced { pid, descriptor });
        }
        let in_time = (bitrate_bps * pacing::LONGEST_DATA_MS / 8_000) as usize;
        let largest = match format {
            DataFormat::Teletext => 1_427,
            DataFormat::DvbSubtitles => in_time.min(24_000),
            DataFormat::Id3 => in_time.min(60_000),
        };
        if bytes == 0 || bytes > largest {
            return Err(ConfigError::LongestUnit { pid, bytes, largest });
        }
        Ok(())
    }

    /// What the program's loop tells because of this stream.
    pub(crate) fn program_descriptors(&self, program: u16) -> Vec<Descriptor> {
        if self.kind.is_id3() { vec![Descriptor::Id3Pointer { program }] } else { vec![] }
    }
}

/// What the program's loop tells where there are cues.
pub(crate) const CUES_DESCRIPTOR: Descriptor = Descriptor::Registration(Registration::CUES);
