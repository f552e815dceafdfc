//! Packet identifiers and stream types: open code points with names for the ones in use here
//! (ISO/IEC 13818-1 §2.4.3.3 table 2-3 and §2.4.4.9 table 2-34).
//!
//! A value without a name is carried, never refused: judging code points is the caller's business.

use std::fmt;

/// A 13-bit packet identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u16);

impl Pid {
    /// Program association table.
    pub const PAT: Pid = Pid(0x0000);
    /// Network information table (ETSI EN 300 468 §5.1.3 table 1).
    pub const NIT: Pid = Pid(0x0010);
    /// Service description table.
    pub const SDT: Pid = Pid(0x0011);
    /// Event information tables.
    pub const EIT: Pid = Pid(0x0012);
    /// Time and date, time offset.
    pub const TDT: Pid = Pid(0x0014);
    /// Null packets.
    pub const NULL: Pid = Pid(0x1FFF);
    /// Where this station's program map table goes unless told otherwise.
    pub const DEFAULT_PMT: Pid = Pid(0x1000);
    /// Where the picture goes unless told otherwise.
    pub const DEFAULT_VIDEO: Pid = Pid(0x0100);
    /// Where the first sound track goes unless told otherwise.
    pub const DEFAULT_AUDIO: Pid = Pid(0x0101);

    /// The identifier `value`; only its low 13 bits count.
    #[must_use]
    pub const fn new(value: u16) -> Pid {
        Pid(value & 0x1FFF)
    }

    /// The 13-bit value.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether a program may use it: neither reserved by ISO/IEC 13818-1 nor by ETSI EN 300 468, nor null.
    #[must_use]
    pub const fn is_assignable(self) -> bool {
        self.0 >= 0x0020 && self.0 < 0x1FFF
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({self})")
    }
}

/// The `stream_type` of a program map table entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamType(pub u8);

impl StreamType {
    /// Private data in PES packets: what it is, a descriptor tells.
    pub const PRIVATE_PES: StreamType = StreamType(0x06);
    /// AAC in ADTS (ISO/IEC 13818-7).
    pub const AAC_ADTS: StreamType = StreamType(0x0F);
    /// Metadata in PES packets, such as ID3.
    pub const METADATA: StreamType = StreamType(0x15);
    /// H.264 (ISO/IEC 14496-10) in an Annex B byte stream.
    pub const H264: StreamType = StreamType(0x1B);
    /// HEVC (ISO/IEC 23008-2) in an Annex B byte stream.
    pub const HEVC: StreamType = StreamType(0x24);
    /// AC-3 as ATSC announces it (A/53 part 3).
    pub const ATSC_AC3: StreamType = StreamType(0x81);
    /// Cues for splicing (SCTE 35), in sections.
    pub const SCTE_35: StreamType = StreamType(0x86);
    /// Enhanced AC-3 as ATSC announces it.
    pub const ATSC_ENHANCED_AC3: StreamType = StreamType(0x87);
}
