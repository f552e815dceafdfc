//! Which coding a program map's entry announces: `stream_type` (ISO/IEC 13818-1 table 2-34), for private
//! data the descriptors (EN 300 468, SMPTE 381M).

use serde::Serialize;

/// A coding as far as checks differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// ISO/IEC 11172-2 and 13818-2 video.
    Mpeg2Video,
    /// ISO/IEC 14496-10 video.
    Avc,
    /// ISO/IEC 23008-2 video.
    Hevc,
    /// ISO/IEC 11172-3 and 13818-3 sound.
    MpegAudio,
    /// AAC with ADTS headers.
    Adts,
    /// AC-3 as DVB carries it.
    Ac3Dvb,
    /// AC-3 as ATSC carries it.
    Ac3Atsc,
    /// E-AC-3 as DVB carries it.
    Eac3Dvb,
    /// E-AC-3 as ATSC carries it.
    Eac3Atsc,
    /// AAC in LATM.
    Latm,
    /// Splice information sections (SCTE 35).
    Scte35,
    /// Teletext (EN 300 472).
    Teletext,
    /// DVB subtitles (EN 300 743).
    Subtitles,
    /// Private sections, or DSM-CC.
    Sections,
    /// Anything else.
    Other,
}

impl Coding {
    /// The coding of an entry.
    pub(crate) fn of<'a>(
        stream_type: u8,
        descriptors: impl Iterator<Item = (u8, &'a [u8])> + Clone,
    ) -> Coding {
        let has = |tag: u8| descriptors.clone().any(|(t, _)| t == tag);
        let registered = |id: &[u8; 4]| descriptors.clone().any(|(t, c)| t == 5 && c.starts_with(id));
        match stream_type {
            0x01 | 0x02 => Coding::Mpeg2Video,
            0x03 | 0x04 => Coding::MpegAudio,
            0x0F => Coding::Adts,
            0x11 => Coding::Latm,
            0x1B => Coding::Avc,
            0x24 => Coding::Hevc,
            0x81 => Coding::Ac3Atsc,
            0x87 => Coding::Eac3Atsc,
            0x86 => Coding::Scte35,
            0x05 | 0x0A..=0x0D => Coding::Sections,
            0x06 if has(0x6A) || registered(b"AC-3") => Coding::Ac3Dvb,
            0x06 if has(0x7A) || registered(b"EAC3") => Coding::Eac3Dvb,
            0x06 if has(0x56) => Coding::Teletext,
            0x06 if has(0x59) => Coding::Subtitles,
            0x06 if registered(b"HEVC") => Coding::Hevc,
            _ => Coding::Other,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Coding::Mpeg2Video => "MPEG-2 video",
            Coding::Avc => "AVC",
            Coding::Hevc => "HEVC",
            Coding::MpegAudio => "MPEG audio",
            Coding::Adts => "AAC (ADTS)",
            Coding::Ac3Dvb => "AC-3 (DVB)",
            Coding::Ac3Atsc => "AC-3 (ATSC)",
            Coding::Eac3Dvb => "E-AC-3 (DVB)",
            Coding::Eac3Atsc => "E-AC-3 (ATSC)",
            Coding::Latm => "AAC (LATM)",
            Coding::Scte35 => "SCTE 35",
            Coding::Teletext => "teletext",
            Coding::Subtitles => "DVB subtitles",
            Coding::Sections => "sections",
            Coding::Other => "private",
        }
    }

    /// Whether it is video.
    #[must_use]
    pub fn is_video(self) -> bool {
        matches!(self, Coding::Mpeg2Video | Coding::Avc | Coding::Hevc)
    }

    /// Whether it is sound.
    #[must_use]
    pub fn is_audio(self) -> bool {
        matches!(
            self,
            Coding::MpegAudio
                | Coding::Adts
                | Coding::Ac3Dvb
                | Coding::Ac3Atsc
                | Coding::Eac3Dvb
                | Coding::Eac3Atsc
                | Coding::Latm
        )
    }

    /// Whether it comes in sections rather than in PES packets.
    #[must_use]
    pub fn is_sections(self) -> bool {
        matches!(self, Coding::Scte35 | Coding::Sections)
    }
}
