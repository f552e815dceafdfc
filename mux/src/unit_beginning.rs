//! The little that is checked of the elementary streams themselves: what an access unit begins with, and
//! its length where the beginning tells it. Nothing is parsed beyond that.

use crate::access_unit::{PushError, UnitHeader};
use crate::packet::BODY_SIZE;
use crate::pes::TELETEXT_HEADER;
use crate::stream_kind::{AudioCoding, DataFormat, StreamKind, VideoCoding};

/// An H.264 access unit delimiter that allows any slice type (H.264 §7.3.2.4): §2.14.1 of ISO/IEC 13818-1
/// wants one first in every access unit.
pub(crate) const H264_DELIMITER: [u8; 6] = [0, 0, 0, 1, 0x09, 0xF0];

/// The same of HEVC (H.265 §7.3.2.5), which §2.17.1 wants.
pub(crate) const HEVC_DELIMITER: [u8; 7] = [0, 0, 0, 1, 0x46, 0x01, 0x50];

/// Judges the beginning of a unit of `kind`. Returns the delimiter that it lacks, empty where it lacks none.
#[inline]
pub(crate) fn judge(kind: StreamKind, unit: &UnitHeader) -> Result<&'static [u8], PushError> {
    let (beginning, len) = (unit.beginning(), unit.len);
    let UnitHeader { stream, dts, .. } = *unit;
    let plain = |is_good: bool, expected: &'static str| {
        if is_good { Ok(&[][..]) } else { Err(PushError::OtherForm { stream, dts, bytes: len, expected }) }
    };
    match kind {
        StreamKind::Video { coding, .. } => match coding {
            VideoCoding::H264 => {
                missing_h264_delimiter(beginning).ok_or(PushError::NotAnnexB { stream, dts })
            }
            VideoCoding::Hevc => {
                let delimiter =
                    missing_hevc_delimiter(beginning).ok_or(PushError::NotAnnexB { stream, dts })?;
                if unit.random_access && begins_no_hevc_point(beginning) {
                    return plain(false, "an HEVC IRAP picture: mark as random access only those");
                }
                Ok(delimiter)
            }
            VideoCoding::Av1(_) => plain(
                is_av1_unit(beginning, unit.random_access),
                "AV1 with start codes (ts_open_bitstream_unit), a sequence header first where it is a random access point: put 00 00 01 before each OBU",
            ),
            VideoCoding::Mpeg2 => plain(
                is_mpeg2_picture(beginning, unit.random_access),
                "an MPEG-2 picture with its start code, behind a sequence header where it is a random access point",
            ),
        },
        StreamKind::Audio { coding, .. } => match coding {
            AudioCoding::AacAdts if is_adts_frame(beginning, len) => Ok(&[]),
            AudioCoding::AacAdts => Err(PushError::NotAdts { stream, dts, bytes: len }),
            AudioCoding::Ac3(_) => {
                plain(is_ac3_frame(beginning, len), "one whole AC-3 frame (0x0B77, bsid up to 10)")
            }
            AudioCoding::EnhancedAc3(_) => {
                plain(is_enhanced_ac3(beginning, len), "whole enhanced AC-3 frames (0x0B77, bsid 16)")
            }
            AudioCoding::MpegLayer2 => plain(
                is_layer_2_frame(beginning, len),
                "one whole MPEG-1 layer II frame (0xFFF, ID 1, layer II)",
            ),
        },
        StreamKind::Data { format, .. } => match format {
            DataFormat::Teletext => plain(
                is_teletext(beginning, len),
                "a PES data field of EBU teletext: data_identifier 0x10 to 0x1f and 3, 7, 11 or more data units of 46 bytes, filled up with stuffing units",
            ),
            DataFormat::DvbSubtitles => plain(
                matches!(beginning, [0x20, 0x00, 0x0F | 0xFF, ..]),
                "a PES data field of DVB subtitles: data_identifier 0x20, subtitle_stream_id 0, segments",
            ),
            DataFormat::Id3 => plain(beginning.starts_with(b"ID3"), "an ID3 tag of version 2"),
        },
    }
}

/// What follows the start code at the beginning of a byte stream.
fn behind_start_code(data: &[u8]) -> Option<&[u8]> {
    match data {
        [0, 0, 1, rest @ ..] | [0, 0, 0, 1, rest @ ..] if !rest.is_empty() => Some(rest),
        _ => None,
    }
}

/// The delimiter to put in front of an H.264 access unit, empty where it has one; `None` when the
/// bytes are no byte stream.
fn missing_h264_delimiter(data: &[u8]) -> Option<&'static [u8]> {
    Some(if behind_start_code(data)?[0] & 0x1F == 9 { &[] } else { &H264_DELIMITER })
}

/// `nal_unit_type` of HEVC.
fn hevc_type(header: u8) -> u8 {
    header >> 1 & 0x3F
}

const HEVC_AUD: u8 = 35;

/// The same for HEVC.
fn missing_hevc_delimiter(data: &[u8]) -> Option<&'static [u8]> {
    Some(if hevc_type(behind_start_code(data)?[0]) == HEVC_AUD { &[] } else { &HEVC_DELIMITER })
}

/// Whether the first unit of the network layer, a delimiter aside, belongs to a picture that is no IRAP
/// picture (H.265 table 7-1: types 16 to 23 are). One that begins with its parameter sets is not looked into.
fn begins_no_hevc_point(data: &[u8]) -> bool {
    let first = behind_start_code(data).unwrap_or_default();
    let first = match first {
        // A delimiter is three bytes long.
        [header, _, _, rest @ ..] if hevc_type(*header) == HEVC_AUD => {
            behind_start_code(rest).unwrap_or_default()
        }
        _ => first,
    };
    first.first().is_some_and(|&header| hevc_type(header) < 16)
}

/// Whether a unit begins with an OBU behind a start code: one that may be first, and a sequence header, a
/// temporal delimiter or metadata where decoding can start.
fn is_av1_unit(data: &[u8], random_access: bool) -> bool {
    let [0, 0, 1, header, ..] = data else { return false };
    // The forbidden and the reserved bit are zeros. Of tile lists (8) none is allowed.
    let is_first = matches!(header >> 3 & 0x0F, 1..=3 | 5..=7 | 15);
    let is_before_key_frame = matches!(header >> 3 & 0x0F, 1 | 2 | 5 | 15);
    header & 0x81 == 0 && is_first && (is_before_key_frame || !random_access)
}

/// Whether a unit begins with the start code of a sequence header, a group of pictures or a picture.
fn is_mpeg2_picture(data: &[u8], random_access: bool) -> bool {
    match behind_start_code(data) {
        Some([0xB3, ..]) => true,
        Some([0xB8 | 0x00, ..]) => !random_access,
        _ => false,
    }
}

/// Whether a unit of `len` bytes that begins like this is exactly one ADTS frame.
fn is_adts_frame(beginning: &[u8], len: usize) -> bool {
    match beginning {
        [0xFF, second, _, fourth, fifth, sixth, _, ..] if second & 0xF6 == 0xF0 => {
            let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(*sixth) >> 5;
            length == len
        }
        _ => false,
    }
}

/// Rates of AC-3 in kbit/s by half of `frmsizecod` (A/52 table 5.18).
const AC3_KBPS: [usize; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

/// Whether a unit of `len` bytes that begins like this is exactly one AC-3 frame.
fn is_ac3_frame(beginning: &[u8], len: usize) -> bool {
    let [0x0B, 0x77, _, _, sizes, bsid, ..] = beginning else { return false };
    let code = usize::from(sizes & 0x3F);
    let Some(kbps) = AC3_KBPS.get(code / 2) else { return false };
    // A frame is 1536 samples.
    let size = match sizes >> 6 {
        0 => 4 * kbps,
        1 => (kbps * 1_000 * 1_536 / (44_100 * 16) + code % 2) * 2,
        2 => 6 * kbps,
        _ => return false,
    };
    bsid >> 3 <= 10 && size == len
}

/// Whether a unit of `len` bytes begins with an enhanced AC-3 frame that it holds whole. Frames of dependent
/// substreams may follow.
fn is_enhanced_ac3(beginning: &[u8], len: usize) -> bool {
    let [0x0B, 0x77, high, low, _, bsid, ..] = beginning else { return false };
    let size = ((usize::from(high & 7) << 8 | usize::from(*low)) + 1) * 2;
    bsid >> 3 == 16 && size <= len
}

/// Rates of MPEG-1 layer II in kbit/s by `bitrate_index` (ISO/IEC 11172-3 §2.4.2.3).
const LAYER_2_KBPS: [usize; 16] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0];

/// Whether a unit of `len` bytes that begins like this is exactly one frame of MPEG-1 layer II.
fn is_layer_2_frame(beginning: &[u8], len: usize) -> bool {
    let [0xFF, 0xFC | 0xFD, sizes, ..] = beginning else { return false };
    let kbps = LAYER_2_KBPS[usize::from(sizes >> 4)];
    let Some(hertz) = [44_100, 48_000, 32_000].get(usize::from(sizes >> 2 & 3)) else { return false };
    kbps > 0 && 144_000 * kbps / hertz + usize::from(sizes >> 1 & 1) == len
}

/// Whether a unit of `len` bytes is a PES data field of teletext that fills its packets.
fn is_teletext(beginning: &[u8], len: usize) -> bool {
    matches!(beginning, [0x10..=0x1F, 0x02 | 0x03 | 0xFF, 0x2C, ..])
        && (TELETEXT_HEADER + len).is_multiple_of(BODY_SIZE)
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
            (&[0, 0, 0, 1, 0x67, 1], Some(&H264_DELIMITER)),
            (&[0, 0, 1, 0x41], Some(&H264_DELIMITER)),
            (&[0, 0, 1], None),
            (&[0, 0, 0, 5, 0x65], None),
            (&[], None),
        ];
        for (data, expected) in table {
            assert_eq!(missing_h264_delimiter(data), expected, "{data:?}");
        }
        let table: [(&[u8], Option<&[u8]>); 4] = [
            (&[0, 0, 0, 1, 0x46, 1, 0x50], Some(&[])),
            (&[0, 0, 1, 0x40, 1], Some(&HEVC_DELIMITER)),
            (&[0, 0, 1, 0x09, 1], Some(&HEVC_DELIMITER)),
            (&[1, 0, 0, 1, 0x46], None),
        ];
        for (data, expected) in table {
            assert_eq!(missing_hevc_delimiter(data), expected, "{data:?}");
        }
    }

    #[test]
    fn hevc_points_are_irap_pictures() {
        let delimiter = [0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 1];
        // Slices TRAIL_R 1, RASL_R 9, BLA 16, IDR 19, CRA 21; VPS 32, SEI 39.
        for (nal, is_none) in
            [(1, true), (9, true), (16, false), (19, false), (21, false), (32, false), (39, false)]
        {
            let slice = [0, 0, 0, 1, nal << 1, 1];
            assert_eq!(begins_no_hevc_point(&slice), is_none, "{nal}");
            let delimited: Vec<u8> = delimiter.into_iter().chain([nal << 1, 1]).collect();
            assert_eq!(begins_no_hevc_point(&delimited), is_none, "{nal} behind a delimiter");
        }
    }

    #[test]
    fn av1_comes_in_start_codes() {
        // OBU headers with a size field: temporal delimiter, sequence header, frame.
        for (data, plain, point) in [
            (&[0, 0, 1, 0x12, 0][..], true, true),
            (&[0, 0, 1, 0x0A, 11], true, true),
            (&[0, 0, 1, 0x32, 11], true, false),
            (&[0, 0, 1, 0x42, 11], false, false),
            (&[0, 0, 1, 0x8A, 11], false, false),
            (&[0x12, 0, 0x0A, 11], false, false),
            (&[0, 0, 0, 1, 0x12], false, false),
            (&[0, 0, 1], false, false),
        ] {
            assert_eq!((is_av1_unit(data, false), is_av1_unit(data, true)), (plain, point), "{data:?}");
        }
    }

    #[test]
    fn mpeg2_points_have_a_sequence_header() {
        for (code, plain, point) in
            [(0xB3, true, true), (0xB8, true, false), (0, true, false), (1, false, false)]
        {
            let data = [0, 0, 1, code, 0x12];
            assert_eq!((is_mpeg2_picture(&data, false), is_mpeg2_picture(&data, true)), (plain, point));
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

    /// Sizes from A/52 table 5.18 and ISO/IEC 11172-3: 448 kbit/s at 48 kHz is 1792 bytes, and so on.
    #[test]
    fn lengths_of_sound_frames_are_those_of_the_tables() {
        let ac3 = |sizes: u8, bsid: u8, len| is_ac3_frame(&[0x0B, 0x77, 1, 2, sizes, bsid << 3], len);
        assert!(ac3(30, 8, 1_792) && ac3(0x40, 8, 138) && ac3(0x41, 8, 140) && ac3(0x80 | 36, 6, 3_840));
        assert!(!ac3(30, 8, 1_791) && !ac3(30, 16, 1_792) && !ac3(38, 8, 2_560) && !ac3(0xC0, 8, 128));
        assert!(!is_ac3_frame(&[0x77, 0x0B, 1, 2, 30, 64], 1_792));
        let enhanced = |bsid: u8, len| is_enhanced_ac3(&[0x0B, 0x77, 0x02, 0xFF, 0, bsid << 3], len);
        assert!(enhanced(16, 1_536) && enhanced(16, 3_072));
        assert!(!enhanced(16, 1_535) && !enhanced(8, 1_536));
        let layer_2 = |second, sizes: u8, len| is_layer_2_frame(&[0xFF, second, sizes, 0], len);
        assert!(layer_2(0xFD, 0xA4, 576) && layer_2(0xFC, 0xA2, 627) && layer_2(0xFD, 0xA8, 864));
        assert!(!layer_2(0xFB, 0xA4, 576) && !layer_2(0xF5, 0xA4, 576) && !layer_2(0xFD, 0xAC, 576));
        assert!(!layer_2(0xFD, 0x04, 0) && !layer_2(0xFD, 0xA4, 577));
    }

    #[test]
    fn teletext_fills_its_packets() {
        for (units, is_good) in [(3, true), (4, false), (7, true), (8, false), (31, true)] {
            assert_eq!(is_teletext(&[0x10, 0x02, 0x2C], 1 + 46 * units), is_good, "{units} data units");
        }
        assert!(!is_teletext(&[0x20, 0x02, 0x2C], 139) && !is_teletext(&[0x10, 0x02, 0x2B], 139));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(data in proptest::collection::vec(any::<u8>(), 0..40), random_access: bool) {
            let _ = (missing_h264_delimiter(&data), missing_hevc_delimiter(&data), begins_no_hevc_point(&data));
            let _ = (is_av1_unit(&data, random_access), is_mpeg2_picture(&data, random_access));
            let _ = (is_enhanced_ac3(&data, data.len()), is_teletext(&data, data.len()));
            prop_assert!(!is_adts_frame(&data, data.len()) || data[0] == 0xFF);
            prop_assert!(!is_ac3_frame(&data, data.len()) || data[0] == 0x0B);
            prop_assert!(!is_layer_2_frame(&data, data.len()) || data[0] == 0xFF);
        }
    }
}
