//! What is pushed into the muxer, why a push is refused, and the little that is checked of the
//! elementary stream itself: an H.264 access unit is a byte stream (ITU-T H.264 annex B) that begins
//! with a delimiter, an AAC access unit is one ADTS frame (ISO/IEC 13818-7 §6.2). Nothing is parsed
//! beyond that.

use retrovue_timebase::Ticks90k;
use std::fmt;

/// Position of a stream in [`crate::MuxConfig::streams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamIndex(pub usize);

impl fmt::Display for StreamIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One access unit of an elementary stream: a coded picture, or an ADTS frame.
#[derive(Debug, Clone, Copy)]
pub struct AccessUnit<'a> {
    /// The stream it belongs to.
    pub stream: StreamIndex,
    /// Presentation time, unwrapped, not before `dts`.
    pub pts: Ticks90k,
    /// Decoding time, unwrapped, after the stream's last.
    pub dts: Ticks90k,
    /// A decoder can start here (an IDR picture with its parameter sets). Ignored for audio.
    pub random_access: bool,
    /// The bytes.
    pub data: &'a [u8],
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
    /// Bytes of the unit.
    pub len: usize,
    /// Its first bytes, zeros behind the end of a shorter one.
    pub head: [u8; UnitHeader::HEAD],
}

impl UnitHeader {
    /// Bytes of a unit that are looked at.
    pub const HEAD: usize = 8;

    /// The header of a unit of these bytes.
    #[must_use]
    pub fn of(
        stream: StreamIndex,
        pts: Ticks90k,
        dts: Ticks90k,
        random_access: bool,
        data: &[u8],
    ) -> UnitHeader {
        let mut head = [0; UnitHeader::HEAD];
        let seen = data.len().min(head.len());
        head[..seen].copy_from_slice(&data[..seen]);
        UnitHeader { stream, pts, dts, random_access, len: data.len(), head }
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
}

/// An access unit delimiter that allows any slice type (H.264 §7.3.2.4): §2.14.1 of ISO/IEC 13818-1
/// wants one first in every access unit.
pub(crate) const DELIMITER: [u8; 6] = [0, 0, 0, 1, 0x09, 0xF0];

/// The delimiter to put in front of an H.264 access unit, empty where it has one; `None` when the
/// bytes are no byte stream.
pub(crate) fn missing_delimiter(data: &[u8]) -> Option<&'static [u8]> {
    let nal = match data {
        [0, 0, 1, rest @ ..] | [0, 0, 0, 1, rest @ ..] => rest.first()?,
        _ => return None,
    };
    Some(if nal & 0x1F == 9 { &[] } else { &DELIMITER })
}

/// Whether a unit of `len` bytes that begins like this is exactly one ADTS frame.
pub(crate) fn is_adts_frame(beginning: &[u8], len: usize) -> bool {
    match beginning {
        [0xFF, second, _, fourth, fifth, sixth, _, ..] if second & 0xF6 == 0xF0 => {
            let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(*sixth) >> 5;
            length == len
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delimiter_is_put_in_front_only_where_missing() {
        let table: [(&[u8], Option<&[u8]>); 7] = [
            (&[0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65], Some(&[])),
            (&[0, 0, 1, 9, 0x10], Some(&[])),
            (&[0, 0, 0, 1, 0x67, 1], Some(&DELIMITER)),
            (&[0, 0, 1, 0x41], Some(&DELIMITER)),
            (&[0, 0, 1], None),
            (&[0, 0, 0, 5, 0x65], None),
            (&[], None),
        ];
        for (data, expected) in table {
            assert_eq!(missing_delimiter(data), expected, "{data:?}");
        }
    }

    #[test]
    fn adts_length_must_match() {
        let mut frame = vec![0xFF, 0xF1, 0x4C, 0x80, 0, 0, 0xFC, 1, 2, 3];
        frame[4] = (frame.len() >> 3) as u8;
        frame[5] = (frame.len() << 5) as u8 | 0x1F;
        assert!(is_adts_frame(&frame[..8], frame.len()));
        assert!(!is_adts_frame(&frame[..8], 9));
        frame[0] = 0xFE;
        assert!(!is_adts_frame(&frame, frame.len()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(data in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = missing_delimiter(&data);
            prop_assert!(!is_adts_frame(&data, data.len()) || data[0] == 0xFF);
        }
    }
}
