//! What is pushed into the muxer, and why a push is refused.

use retrovue_timebase::{Ticks27M, Ticks90k};
use std::fmt;

/// Position of a stream in [`crate::MuxConfig::streams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamIndex(pub usize);

impl fmt::Display for StreamIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One access unit of an elementary stream: a coded picture, a frame of sound, the data field of a PES packet.
#[derive(Debug, Clone, Copy)]
pub struct AccessUnit<'a> {
    /// The stream it belongs to.
    pub stream: StreamIndex,
    /// Presentation time, unwrapped, not before `dts`.
    pub pts: Ticks90k,
    /// Decoding time, unwrapped, after the stream's last.
    pub dts: Ticks90k,
    /// A decoder can start here (an IDR or IRAP picture with its parameter sets). Ignored where there are no
    /// pictures.
    pub random_access: bool,
    /// When it enters the buffer of the encoder's hypothetical decoder. Ignored where there are no pictures.
    pub arrival: Option<CpbArrival>,
    /// The bytes.
    pub data: &'a [u8],
}

/// When a picture enters the buffer of its encoder's hypothetical reference decoder (HRD; ISO/IEC 14496-10 §C.1.1,
/// ISO/IEC 23008-2 §C.2.3), in 27 MHz ticks on the timeline of the DTS, at which it is removed. The encoder tells it.
///
/// A picture leaves no sooner than its HRD has it arrive, less what the stream is ahead of the HRD so that others have
/// their turns: where the HRD starts with a buffer that is not full, or pauses, so does the stream. Where it is not
/// known, `None`, the decoder's buffer is filled as soon as there is room in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpbArrival {
    /// Arrival of the first bit.
    pub initial: Ticks27M,
    /// Arrival of the last bit: not before `initial`, not after the DTS.
    pub complete: Ticks27M,
}

/// An access unit whose bytes are elsewhere: in the [`crate::UnitBytes`] of the muxer, behind those of
/// the units announced before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitHeader {
    /// The stream it belongs to.
    pub stream: StreamIndex,
    /// Presentation time, unwrapped, not before `dts`.
    pub pts: Ticks90k,
    /// Decoding time, unwrapped, after the stream's last.
    pub dts: Ticks90k,
    /// As in [`AccessUnit::random_access`].
    pub random_access: bool,
    /// As in [`AccessUnit::arrival`].
    pub arrival: Option<CpbArrival>,
    /// Bytes of the unit.
    pub len: usize,
    /// Its first bytes, zeros behind the end of a shorter one.
    pub head: [u8; UnitHeader::HEAD],
}

impl UnitHeader {
    /// Bytes of a unit that are looked at.
    pub const HEAD: usize = 16;

    /// The header of a unit of these bytes, whose arrival is not known.
    #[must_use]
    pub fn of(
        stream: StreamIndex,
        pts: Ticks90k,
        dts: Ticks90k,
        random_access: bool,
        data: &[u8],
    ) -> UnitHeader {
        let head = data.first_chunk().copied().unwrap_or_else(|| {
            let mut head = [0; UnitHeader::HEAD];
            head[..data.len()].copy_from_slice(data);
            head
        });
        UnitHeader { stream, pts, dts, random_access, arrival: None, len: data.len(), head }
    }

    /// The same unit with its arrival.
    #[must_use]
    pub const fn arriving(mut self, arrival: Option<CpbArrival>) -> UnitHeader {
        self.arrival = arrival;
        self
    }

    /// The bytes of it that are known.
    pub(crate) fn beginning(&self) -> &[u8] {
        &self.head[..self.len.min(UnitHeader::HEAD)]
    }
}

/// Why an access unit was not taken. The muxer is as it was before the push.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// No room now. Poll until [`crate::Poll::NeedInput`], then push the same unit again.
    #[error("stream {stream} has no room for another access unit: poll first")]
    Full {
        /// The full stream.
        stream: StreamIndex,
    },
    /// No room, and polling makes none: another stream has stopped without having been ended.
    #[error(
        "stream {stream} cannot go on at DTS {dts}: stream {waiting_for} has stopped; push to it or end it"
    )]
    Stalled {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
        /// The stream the output waits for.
        waiting_for: StreamIndex,
    },
    /// No such stream.
    #[error("stream {stream} does not exist: the program has {streams}")]
    UnknownStream {
        /// The index used.
        stream: StreamIndex,
        /// Streams there are.
        streams: usize,
    },
    /// The stream was ended.
    #[error("stream {stream} was ended before DTS {dts}")]
    Ended {
        /// The ended stream.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
    },
    /// The decoding time does not rise.
    #[error("DTS {dts} of stream {stream} does not follow {previous}: decoding times must rise")]
    DtsNotIncreasing {
        /// The stream pushed to.
        stream: StreamIndex,
        /// The offending time.
        dts: Ticks90k,
        /// DTS of the unit before.
        previous: Ticks90k,
    },
    /// The decoding time leaps further than a stream may pause.
    #[error("DTS {dts} of stream {stream} leaps from {previous}: start a new session for another time base")]
    DtsGap {
        /// The stream pushed to.
        stream: StreamIndex,
        /// The offending time.
        dts: Ticks90k,
        /// DTS of the unit before, or the latest of another stream when this one has none yet.
        previous: Ticks90k,
    },
    /// A picture shown before it is decoded, or absurdly long after.
    #[error("PTS {pts} of stream {stream} is not within ten seconds after its DTS {dts}")]
    PtsOutOfRange {
        /// The stream pushed to.
        stream: StreamIndex,
        /// The offending time.
        pts: Ticks90k,
        /// DTS of the unit.
        dts: Ticks90k,
    },
    /// An arrival that no buffer has: the picture is not whole at its DTS, ends before it begins, or comes absurdly
    /// early.
    #[error(
        "arrival from {initial} to {complete} of stream {stream} is not within ten seconds before DTS {dts}"
    )]
    ArrivalOutOfRange {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the unit.
        dts: Ticks90k,
        /// Arrival of its first bit.
        initial: Ticks27M,
        /// Arrival of its last bit.
        complete: Ticks27M,
    },
    /// A time beyond what the arithmetic holds.
    #[error("DTS {dts} of stream {stream} is beyond 2^53 ticks")]
    DtsOutOfRange {
        /// The stream pushed to.
        stream: StreamIndex,
        /// The offending time.
        dts: Ticks90k,
    },
    /// A video stream must begin where a decoder can start.
    #[error("stream {stream} begins at DTS {dts} without a random access point")]
    NoRandomAccess {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
    },
    /// More bytes than the stream can ever take.
    #[error("access unit of {bytes} bytes at DTS {dts} of stream {stream} is over {largest} bytes")]
    TooLarge {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
        /// Its size.
        bytes: usize,
        /// The largest taken.
        largest: usize,
    },
    /// No start code at the beginning.
    #[error("access unit at DTS {dts} of stream {stream} is no Annex B byte stream: no start code in front")]
    NotAnnexB {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
    },
    /// Not exactly one ADTS frame.
    #[error("access unit of {bytes} bytes at DTS {dts} of stream {stream} is not one whole ADTS frame")]
    NotAdts {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
        /// Its size.
        bytes: usize,
    },
    /// Bytes that are not what the stream was configured for.
    #[error("access unit of {bytes} bytes at DTS {dts} of stream {stream} is not {expected}")]
    OtherForm {
        /// The stream pushed to.
        stream: StreamIndex,
        /// DTS of the refused unit.
        dts: Ticks90k,
        /// Its size.
        bytes: usize,
        /// What a unit of this stream is.
        expected: &'static str,
    },
}
