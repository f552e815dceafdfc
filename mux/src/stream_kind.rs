//! What a stream holds, and what follows from that alone: code points, names, and the descriptors that
//! announce it. The figures of its buffers are in [`crate::target_decoder`].

use crate::pid::StreamType;
use crate::si::{Ac3Signalling, Av1Video, Descriptor, Registration};

/// What a stream holds, with the figures its buffers are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Pictures.
    Video {
        /// How they are coded.
        coding: VideoCoding,
        /// Peak rate the encoder keeps to (its VBV or HRD rate), in bit/s: 100,000 to 240,000,000.
        max_bitrate_bps: u64,
        /// Size of the encoder's VBV or HRD buffer in bits, at most five seconds at that rate. It
        /// decides how long before its DTS an access unit leaves.
        cpb_bits: u64,
    },
    /// Sound.
    Audio {
        /// How it is coded.
        coding: AudioCoding,
        /// Nominal rate in bit/s; see [`AudioCoding::bitrates`].
        bitrate_bps: u64,
    },
    /// Anything else in PES packets, each with a PTS.
    Data {
        /// What it is.
        format: DataFormat,
        /// Rate in bit/s that its units keep to in the long run.
        bitrate_bps: u64,
        /// Most bytes of a unit. They take at most 0.9 seconds at the rate.
        longest_bytes: usize,
    },
}

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCoding {
    /// H.264 (ISO/IEC 14496-10) as an Annex B byte stream.
    H264,
    /// HEVC (ISO/IEC 23008-2) as an Annex B byte stream.
    Hevc,
    /// AV1 with start codes, as "Carriage of AV1 in MPEG-2 TS" has it.
    Av1(Av1Video),
    /// MPEG-2 video (ISO/IEC 13818-2).
    Mpeg2,
}

/// How sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioCoding {
    /// AAC in ADTS (ISO/IEC 13818-7), at most two channels.
    AacAdts,
    /// AC-3 (ETSI TS 102 366, A/52), announced as told.
    Ac3(Ac3Signalling),
    /// Enhanced AC-3 (ETSI TS 102 366 annex E, A/52 annex E), announced as told.
    EnhancedAc3(Ac3Signalling),
    /// MPEG-1 audio layer II (ISO/IEC 11172-3).
    MpegLayer2,
}

/// What is in PES packets that are neither picture nor sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// EBU teletext (EN 300 472).
    Teletext,
    /// DVB subtitles (EN 300 743).
    DvbSubtitles,
    /// ID3 tags as HLS timed metadata.
    Id3,
}

impl AudioCoding {
    /// Smallest and largest rate in bit/s.
    #[must_use]
    pub const fn bitrates(self) -> (u64, u64) {
        match self {
            AudioCoding::AacAdts => (8_000, 512_000),
            AudioCoding::Ac3(_) => (32_000, 640_000),
            AudioCoding::EnhancedAc3(_) => (32_000, 1_024_000),
            AudioCoding::MpegLayer2 => (32_000, 384_000),
        }
    }
}

impl StreamKind {
    /// Code point in the program map table.
    #[must_use]
    pub const fn stream_type(&self) -> StreamType {
        match self {
            StreamKind::Video { coding, .. } => match coding {
                VideoCoding::H264 => StreamType::H264,
                VideoCoding::Hevc => StreamType::HEVC,
                VideoCoding::Av1(_) => StreamType::PRIVATE_PES,
                VideoCoding::Mpeg2 => StreamType::MPEG2_VIDEO,
            },
            StreamKind::Audio { coding, .. } => match coding {
                AudioCoding::AacAdts => StreamType::AAC_ADTS,
                AudioCoding::Ac3(Ac3Signalling::Atsc) => StreamType::ATSC_AC3,
                AudioCoding::EnhancedAc3(Ac3Signalling::Atsc) => StreamType::ATSC_ENHANCED_AC3,
                AudioCoding::Ac3(_) | AudioCoding::EnhancedAc3(_) => StreamType::PRIVATE_PES,
                AudioCoding::MpegLayer2 => StreamType::MPEG1_AUDIO,
            },
            StreamKind::Data { format: DataFormat::Id3, .. } => StreamType::METADATA,
            StreamKind::Data { .. } => StreamType::PRIVATE_PES,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            StreamKind::Video { coding, .. } => match coding {
                VideoCoding::H264 => "H.264",
                VideoCoding::Hevc => "HEVC",
                VideoCoding::Av1(_) => "AV1",
                VideoCoding::Mpeg2 => "MPEG-2 video",
            },
            StreamKind::Audio { coding, .. } => match coding {
                AudioCoding::AacAdts => "AAC in ADTS",
                AudioCoding::Ac3(_) => "AC-3",
                AudioCoding::EnhancedAc3(_) => "enhanced AC-3",
                AudioCoding::MpegLayer2 => "MPEG-1 layer II",
            },
            StreamKind::Data { format, .. } => match format {
                DataFormat::Teletext => "teletext",
                DataFormat::DvbSubtitles => "DVB subtitles",
                DataFormat::Id3 => "ID3",
            },
        }
    }

    pub(crate) const fn is_video(&self) -> bool {
        matches!(self, StreamKind::Video { .. })
    }

    pub(crate) const fn is_audio(&self) -> bool {
        matches!(self, StreamKind::Audio { .. })
    }

    pub(crate) const fn is_teletext(&self) -> bool {
        matches!(self, StreamKind::Data { format: DataFormat::Teletext, .. })
    }

    pub(crate) const fn is_av1(&self) -> bool {
        matches!(self, StreamKind::Video { coding: VideoCoding::Av1(_), .. })
    }

    /// Whether the transport buffer drains hardly faster than packets come.
    pub(crate) const fn drains_slowly(&self) -> bool {
        matches!(self, StreamKind::Video { coding: VideoCoding::Av1(_) | VideoCoding::Hevc, .. })
    }

    pub(crate) const fn is_id3(&self) -> bool {
        matches!(self, StreamKind::Data { format: DataFormat::Id3, .. })
    }

    /// `stream_id` of its PES packets (table 2-22), `index` being how many of its class stand before it.
    pub(crate) const fn stream_id(&self, index: u8) -> u8 {
        match self {
            StreamKind::Video { coding: VideoCoding::Av1(_), .. } | StreamKind::Data { .. } => {
                PRIVATE_STREAM_1
            }
            StreamKind::Audio { coding: AudioCoding::Ac3(_) | AudioCoding::EnhancedAc3(_), .. } => {
                PRIVATE_STREAM_1
            }
            StreamKind::Video { .. } => FIRST_VIDEO + index,
            StreamKind::Audio { .. } => FIRST_AUDIO + index,
        }
    }

    /// What announces it, in front of whatever else the program map tells of the stream.
    pub(crate) fn announcing(&self) -> Vec<Descriptor> {
        match self {
            StreamKind::Video { coding: VideoCoding::Av1(video), .. } => {
                vec![Descriptor::Registration(Registration::AV1), Descriptor::Av1Video(*video)]
            }
            StreamKind::Audio { coding: AudioCoding::Ac3(signalling), .. } => vec![signalling.ac3().1],
            StreamKind::Audio { coding: AudioCoding::EnhancedAc3(signalling), .. } => {
                vec![signalling.enhanced_ac3().1]
            }
            _ => vec![],
        }
    }
}

const PRIVATE_STREAM_1: u8 = 0xBD;
const FIRST_VIDEO: u8 = 0xE0;
const FIRST_AUDIO: u8 = 0xC0;
