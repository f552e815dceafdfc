//! Descriptors of a program and its streams, as a PMT carries them: those of ISO/IEC 13818-1 §2.6, of
//! EN 300 468 §6.2 and annexes D and H, of SCTE 35 §8, and of AV1 in MPEG-2 TS.
//!
//! What a stream holds is known by who encodes it: profiles, levels and rates are given, never guessed.

use super::section::Writer;
use crate::pid::StreamType;

/// One descriptor of a program or a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descriptor {
    /// registration_descriptor (§2.6.8): who defined what follows. See [`Registration`].
    Registration([u8; 4]),
    /// ISO_639_language_descriptor (§2.6.18).
    Language {
        /// ISO 639-2 code.
        language: [u8; 3],
        /// 0 undefined, 1 clean effects, 2 hearing impaired, 3 visual impaired commentary.
        audio_type: u8,
    },
    /// maximum_bitrate_descriptor (§2.6.26).
    MaximumBitrate {
        /// Rate with packet headers in bit/s; written in units of 50 byte/s, rounded up.
        bps: u64,
    },
    /// AVC_video_descriptor (§2.6.64), without still pictures, 24-hour pictures and frame packing.
    AvcVideo {
        /// `profile_idc` of the sequence parameter set.
        profile_idc: u8,
        /// The byte behind it: `constraint_set0_flag` is its highest bit.
        constraint_flags: u8,
        /// `level_idc`.
        level_idc: u8,
    },
    /// HEVC_video_descriptor (§2.6.95).
    HevcVideo(HevcVideo),
    /// AV1_video_descriptor; [`Registration::AV1`] stands before it.
    Av1Video(Av1Video),
    /// AAC_descriptor (EN 300 468 annex H).
    Aac {
        /// `profile_and_level`, as in MPEG-4: 0x51 AAC level 2, 0x58 HE AAC level 2.
        profile_and_level: u8,
        /// `AAC_type`, as the component type of stream content 6: 0x03 stereo.
        aac_type: Option<u8>,
    },
    /// AC-3_descriptor (EN 300 468 annex D) with the component type when it is known.
    Ac3 {
        /// `component_type`.
        component_type: Option<u8>,
    },
    /// enhanced_AC-3_descriptor (EN 300 468 annex D) with the component type when it is known.
    EnhancedAc3 {
        /// `component_type`.
        component_type: Option<u8>,
    },
    /// stream_identifier_descriptor (EN 300 468 §6.2.39).
    StreamIdentifier {
        /// `component_tag`, that of the component descriptor which describes the stream.
        component_tag: u8,
    },
    /// teletext_descriptor (EN 300 468 §6.2.43) of one page.
    Teletext {
        /// ISO 639-2 code.
        language: [u8; 3],
        /// 1 initial page, 2 subtitles, 3 additional information, 4 schedule, 5 for hearing impaired.
        teletext_type: u8,
        /// 1 to 8.
        magazine: u8,
        /// Page within the magazine as two digits: 0x88 for page 88.
        page: u8,
    },
    /// subtitling_descriptor (EN 300 468 §6.2.41) of one language.
    Subtitling {
        /// ISO 639-2 code.
        language: [u8; 3],
        /// Component type of stream content 3: 0x10 for any aspect ratio.
        subtitling_type: u8,
        /// `composition_page_id`.
        composition_page: u16,
        /// `ancillary_page_id`.
        ancillary_page: u16,
    },
    /// private_data_specifier_descriptor (EN 300 468 §6.2.31).
    PrivateDataSpecifier(u32),
    /// metadata_pointer_descriptor (§2.6.58) to ID3 in `program`, as HLS timed metadata asks; it stands
    /// in the program's loop.
    Id3Pointer {
        /// Program that carries the stream.
        program: u16,
    },
    /// metadata_descriptor (§2.6.60) of an ID3 stream of [`StreamType::METADATA`].
    Id3,
    /// cue_identifier_descriptor (SCTE 35 §8.2) of a stream of [`StreamType::SCTE_35`].
    CueIdentifier {
        /// 0 insert, null and schedule commands; 1 all; 2 segmentation; 3 tiered splicing; 4 tiered segmentation.
        cue_stream_type: u8,
    },
    /// Any other, as it is.
    Other {
        /// Its tag.
        tag: u8,
        /// Its bytes, at most 255.
        payload: Vec<u8>,
    },
}

/// `format_identifier`s of registration descriptors in use here.
pub struct Registration;

impl Registration {
    /// SCTE 35: the program carries cues.
    pub const CUES: [u8; 4] = *b"CUEI";
    /// AV1 in MPEG-2 TS.
    pub const AV1: [u8; 4] = *b"AV01";
    /// ID3 metadata.
    pub const ID3: [u8; 4] = *b"ID3 ";
    /// AC-3 by ATSC A/52 annex A.
    pub const AC3: [u8; 4] = *b"AC-3";
    /// Enhanced AC-3 by ATSC A/52 annex G.
    pub const ENHANCED_AC3: [u8; 4] = *b"EAC3";
}

/// Fields of an HEVC_video_descriptor, from the general profile, tier and level of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HevcVideo {
    /// `general_profile_space`, 0 to 3.
    pub profile_space: u8,
    /// High tier.
    pub high_tier: bool,
    /// `general_profile_idc`, 0 to 31.
    pub profile_idc: u8,
    /// `general_profile_compatibility_flag`s, that of profile 0 in the highest bit.
    pub profile_compatibility: u32,
    /// The 48 bits behind them: progressive source, interlaced source, non-packed, frame only in the
    /// highest four, the copied 44 bits below.
    pub constraint_flags: u64,
    /// `general_level_idc`: 30 times the level.
    pub level_idc: u8,
    /// `HDR_WCG_idc`: 0 neither, 1 wide gamut, 2 both, 3 not told.
    pub hdr_wcg_idc: u8,
}

/// Fields of an AV1_video_descriptor, from the sequence header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Av1Video {
    /// `seq_profile`, 0 to 2.
    pub seq_profile: u8,
    /// `seq_level_idx[0]`, 0 to 31.
    pub seq_level_idx: u8,
    /// `seq_tier[0]` is the high tier.
    pub high_tier: bool,
    /// `high_bitdepth`.
    pub high_bitdepth: bool,
    /// `twelve_bit`.
    pub twelve_bit: bool,
    /// `mono_chrome`.
    pub monochrome: bool,
    /// `subsampling_x`.
    pub subsampling_x: bool,
    /// `subsampling_y`.
    pub subsampling_y: bool,
    /// `chroma_sample_position`, 0 to 3.
    pub chroma_sample_position: u8,
    /// `HDR_WCG_idc`: 0 neither, 1 wide gamut, 2 both, 3 not told.
    pub hdr_wcg_idc: u8,
    /// `initial_presentation_delay_minus_one`, 0 to 15, when it is known.
    pub initial_presentation_delay_minus_one: Option<u8>,
}

/// How AC-3 and enhanced AC-3 are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ac3Signalling {
    /// Private data and DVB's descriptors (ETSI TS 101 154).
    Dvb,
    /// ATSC's stream types and registration descriptors (A/53 part 3).
    Atsc,
}

impl Ac3Signalling {
    /// Stream type and first descriptor of an AC-3 stream.
    #[must_use]
    pub const fn ac3(self) -> (StreamType, Descriptor) {
        match self {
            Ac3Signalling::Dvb => (StreamType::PRIVATE_PES, Descriptor::Ac3 { component_type: None }),
            Ac3Signalling::Atsc => (StreamType::ATSC_AC3, Descriptor::Registration(Registration::AC3)),
        }
    }

    /// Stream type and first descriptor of an enhanced AC-3 stream.
    #[must_use]
    pub const fn enhanced_ac3(self) -> (StreamType, Descriptor) {
        match self {
            Ac3Signalling::Dvb => (StreamType::PRIVATE_PES, Descriptor::EnhancedAc3 { component_type: None }),
            Ac3Signalling::Atsc => {
                (StreamType::ATSC_ENHANCED_AC3, Descriptor::Registration(Registration::ENHANCED_AC3))
            }
        }
    }
}

/// Largest value of `maximum_bitrate`.
const LARGEST_MAXIMUM_BITRATE: u64 = (1 << 22) - 1;

impl Descriptor {
    /// Writes tag, length and payload. A payload over 255 bytes is an overflow of `writer`.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.descriptor(self.tag(), |writer| self.write_payload(writer));
    }

    /// `descriptor_tag`.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Descriptor::Registration(_) => 0x05,
            Descriptor::Language { .. } => 0x0A,
            Descriptor::MaximumBitrate { .. } => 0x0E,
            Descriptor::Id3Pointer { .. } => 0x25,
            Descriptor::Id3 => 0x26,
            Descriptor::AvcVideo { .. } => 0x28,
            Descriptor::HevcVideo(_) => 0x38,
            Descriptor::StreamIdentifier { .. } => 0x52,
            Descriptor::Teletext { .. } => 0x56,
            Descriptor::Subtitling { .. } => 0x59,
            Descriptor::PrivateDataSpecifier(_) => 0x5F,
            Descriptor::Ac3 { .. } => 0x6A,
            Descriptor::EnhancedAc3 { .. } => 0x7A,
            Descriptor::Aac { .. } => 0x7C,
            Descriptor::Av1Video(_) => 0x80,
            Descriptor::CueIdentifier { .. } => 0x8A,
            Descriptor::Other { tag, .. } => *tag,
        }
    }

    fn write_payload(&self, writer: &mut Writer<'_>) {
        match self {
            Descriptor::Registration(identifier) => writer.put(identifier),
            Descriptor::Language { language, audio_type } => {
                writer.put(language);
                writer.put_u8(*audio_type);
            }
            Descriptor::MaximumBitrate { bps } => {
                let units = bps.div_ceil(400).min(LARGEST_MAXIMUM_BITRATE);
                let [.., a, b, c] = units.to_be_bytes();
                writer.put(&[0xC0 | a, b, c]);
            }
            Descriptor::AvcVideo { profile_idc, constraint_flags, level_idc } => {
                // No stills, no 24-hour pictures, no frame packing SEI; reserved ones.
                writer.put(&[*profile_idc, *constraint_flags, *level_idc, 0x3F]);
            }
            Descriptor::HevcVideo(video) => video.write(writer),
            Descriptor::Av1Video(video) => video.write(writer),
            Descriptor::Aac { profile_and_level, aac_type } => {
                writer.put_u8(*profile_and_level);
                if let Some(aac_type) = aac_type {
                    writer.put(&[0x80, *aac_type]);
                }
            }
            Descriptor::Ac3 { component_type } | Descriptor::EnhancedAc3 { component_type } => {
                match component_type {
                    Some(component_type) => writer.put(&[0x80, *component_type]),
                    None => writer.put_u8(0),
                }
            }
            Descriptor::StreamIdentifier { component_tag } => writer.put_u8(*component_tag),
            Descriptor::Teletext { language, teletext_type, magazine, page } => {
                writer.put(language);
                // Magazine 8 is coded as 0.
                writer.put(&[teletext_type << 3 | magazine & 7, *page]);
            }
            Descriptor::Subtitling { language, subtitling_type, composition_page, ancillary_page } => {
                writer.put(language);
                writer.put_u8(*subtitling_type);
                writer.put_u16(*composition_page);
                writer.put_u16(*ancillary_page);
            }
            Descriptor::PrivateDataSpecifier(specifier) => writer.put_u32(*specifier),
            Descriptor::Id3Pointer { program } => {
                write_id3_formats(writer);
                // Service 0, no locator record, carried in this transport stream; reserved ones.
                writer.put(&[0x00, 0x1F]);
                writer.put_u16(*program);
            }
            Descriptor::Id3 => {
                write_id3_formats(writer);
                // Service 0, no decoder configuration, no DSM-CC; reserved ones.
                writer.put(&[0x00, 0x0F]);
            }
            Descriptor::CueIdentifier { cue_stream_type } => writer.put_u8(*cue_stream_type),
            Descriptor::Other { payload, .. } => writer.put(payload),
        }
    }
}

/// Application format and format of metadata, both told by the identifier "ID3 ".
fn write_id3_formats(writer: &mut Writer<'_>) {
    writer.put(&[0xFF, 0xFF]);
    writer.put(&Registration::ID3);
    writer.put_u8(0xFF);
    writer.put(&Registration::ID3);
}

impl HevcVideo {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.put_u8(self.profile_space << 6 | u8::from(self.high_tier) << 5 | self.profile_idc & 0x1F);
        writer.put_u32(self.profile_compatibility);
        let [_, _, constraints @ ..] = self.constraint_flags.to_be_bytes();
        writer.put(&constraints);
        // No temporal subset, stills or 24-hour pictures; no HRD parameters of sub-pictures; reserved ones.
        writer.put(&[self.level_idc, 0x1C | self.hdr_wcg_idc & 3]);
    }
}

impl Av1Video {
    fn write(&self, writer: &mut Writer<'_>) {
        let delay = self.initial_presentation_delay_minus_one.map_or(0, |delay| 0x10 | delay & 0x0F);
        writer.put(&[
            0x81, // marker and version 1
            self.seq_profile << 5 | self.seq_level_idx & 0x1F,
            u8::from(self.high_tier) << 7
                | u8::from(self.high_bitdepth) << 6
                | u8::from(self.twelve_bit) << 5
                | u8::from(self.monochrome) << 4
                | u8::from(self.subsampling_x) << 3
                | u8::from(self.subsampling_y) << 2
                | self.chroma_sample_position & 3,
            self.hdr_wcg_idc << 6 | delay,
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(descriptor: &Descriptor) -> Vec<u8> {
        let mut out = [0; 300];
        let mut writer = Writer::new(&mut out);
        descriptor.write(&mut writer);
        assert!(!writer.overflowed());
        let len = writer.len();
        out[..len].to_vec()
    }

    #[test]
    fn each_descriptor_has_its_bytes() {
        let hevc = HevcVideo {
            profile_space: 0,
            high_tier: false,
            profile_idc: 2,
            profile_compatibility: 0x2000_0000,
            constraint_flags: 0x9000_0000_0000,
            level_idc: 123,
            hdr_wcg_idc: 2,
        };
        let av1 = Av1Video {
            seq_profile: 0,
            seq_level_idx: 8,
            high_tier: false,
            high_bitdepth: true,
            twelve_bit: false,
            monochrome: false,
            subsampling_x: true,
            subsampling_y: true,
            chroma_sample_position: 1,
            hdr_wcg_idc: 3,
            initial_presentation_delay_minus_one: None,
        };
        let table: [(Descriptor, &[u8]); 22] = [
            (Descriptor::Registration(Registration::CUES), b"\x05\x04CUEI"),
            (Descriptor::Registration(Registration::AV1), b"\x05\x04AV01"),
            (Descriptor::Registration(Registration::ID3), b"\x05\x04ID3 "),
            (Descriptor::Language { language: *b"eng", audio_type: 3 }, b"\x0A\x04eng\x03"),
            (Descriptor::MaximumBitrate { bps: 6_000_001 }, &[0x0E, 3, 0xC0, 0x3A, 0x99]),
            (Descriptor::MaximumBitrate { bps: u64::MAX }, &[0x0E, 3, 0xFF, 0xFF, 0xFF]),
            (
                Descriptor::AvcVideo { profile_idc: 100, constraint_flags: 0x0C, level_idc: 40 },
                &[0x28, 4, 0x64, 0x0C, 0x28, 0x3F],
            ),
            (Descriptor::HevcVideo(hevc), &[0x38, 13, 0x02, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x7B, 0x1E]),
            (Descriptor::Av1Video(av1), &[0x80, 4, 0x81, 0x08, 0x4D, 0xC0]),
            (
                Descriptor::Av1Video(Av1Video {
                    seq_profile: 2,
                    seq_level_idx: 31,
                    high_tier: true,
                    initial_presentation_delay_minus_one: Some(9),
                    hdr_wcg_idc: 0,
                    ..av1
                }),
                &[0x80, 4, 0x81, 0x5F, 0xCD, 0x19],
            ),
            (Descriptor::Aac { profile_and_level: 0x51, aac_type: None }, &[0x7C, 1, 0x51]),
            (Descriptor::Aac { profile_and_level: 0x58, aac_type: Some(3) }, &[0x7C, 3, 0x58, 0x80, 3]),
            (Descriptor::Ac3 { component_type: None }, &[0x6A, 1, 0]),
            (Descriptor::Ac3 { component_type: Some(0x42) }, &[0x6A, 2, 0x80, 0x42]),
            (Descriptor::EnhancedAc3 { component_type: Some(0xC4) }, &[0x7A, 2, 0x80, 0xC4]),
            (
                Descriptor::Teletext { language: *b"deu", teletext_type: 2, magazine: 8, page: 0x88 },
                b"\x56\x05deu\x10\x88",
            ),
            (
                Descriptor::Subtitling {
                    language: *b"fra",
                    subtitling_type: 0x10,
                    composition_page: 1,
                    ancillary_page: 0x0102,
                },
                b"\x59\x08fra\x10\x00\x01\x01\x02",
            ),
            (Descriptor::PrivateDataSpecifier(0x28), &[0x5F, 4, 0, 0, 0, 0x28]),
            (Descriptor::Id3Pointer { program: 0x0102 }, b"\x25\x0F\xFF\xFFID3 \xFFID3 \x00\x1F\x01\x02"),
            (Descriptor::Id3, b"\x26\x0D\xFF\xFFID3 \xFFID3 \x00\x0F"),
            (Descriptor::CueIdentifier { cue_stream_type: 1 }, &[0x8A, 1, 1]),
            (Descriptor::StreamIdentifier { component_tag: 7 }, &[0x52, 1, 7]),
        ];
        for (descriptor, expected) in table {
            assert_eq!(bytes(&descriptor), expected, "{descriptor:?}");
        }
    }

    #[test]
    fn ac3_is_announced_as_chosen() {
        let (stream_type, descriptor) = Ac3Signalling::Dvb.ac3();
        assert_eq!((stream_type.0, bytes(&descriptor)), (0x06, vec![0x6A, 1, 0]));
        let (stream_type, descriptor) = Ac3Signalling::Dvb.enhanced_ac3();
        assert_eq!((stream_type.0, bytes(&descriptor)), (0x06, vec![0x7A, 1, 0]));
        let (stream_type, descriptor) = Ac3Signalling::Atsc.ac3();
        assert_eq!((stream_type.0, bytes(&descriptor)), (0x81, b"\x05\x04AC-3".to_vec()));
        let (stream_type, descriptor) = Ac3Signalling::Atsc.enhanced_ac3();
        assert_eq!((stream_type.0, bytes(&descriptor)), (0x87, b"\x05\x04EAC3".to_vec()));
    }
}
