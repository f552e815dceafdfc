//! The system target decoder (T-STD) of each kind of stream: how fast its transport buffer drains and what
//! its decoder holds (ISO/IEC 13818-1 §2.4.2, §2.14, §2.17; A/52 annex A; ETSI TS 101 154; EN 300 472 §5;
//! EN 300 743 §5; Carriage of AV1 in MPEG-2 TS §3.7).

use crate::packet::BODY_SIZE;
use crate::si::Ac3Signalling;
use crate::stream_config::StreamConfig;
use crate::stream_kind::{AudioCoding, DataFormat, StreamKind, VideoCoding};

/// Drain rate of the transport buffer of MPEG audio of up to two channels (§2.4.2.3) and of AC-3.
const AUDIO_RX_BPS: u64 = 2_000_000;

/// Drain rate of teletext (EN 300 472 §5): that of the lines it is put back into.
const TELETEXT_RX_BPS: u64 = 6_750_000;

/// Drain rate of DVB subtitles without a display definition (EN 300 743 §5).
const SUBTITLES_RX_BPS: u64 = 192_000;

/// Drain rate of ID3, as its metadata_STD_descriptor tells.
const ID3_RX_BPS: u64 = 1_000_000;

/// Longest stay of teletext in the decoder's buffers in milliseconds (EN 300 472 §5).
pub(crate) const TELETEXT_DELAY_MS: i64 = 40;

/// Drain rate of the transport buffer in bit/s.
pub(crate) fn drain_bps(kind: StreamKind) -> u64 {
    match kind {
        // Of HEVC by CpbBrNalFactor over CpbBrVclFactor (§2.17.2).
        StreamKind::Video { coding: VideoCoding::Av1(_) | VideoCoding::Hevc, max_bitrate_bps, .. } => {
            hrd_bitrate(max_bitrate_bps) * 11 / 10
        }
        StreamKind::Video { max_bitrate_bps, .. } => hrd_bitrate(max_bitrate_bps) * 6 / 5,
        StreamKind::Audio { .. } => AUDIO_RX_BPS,
        StreamKind::Data { format, .. } => match format {
            DataFormat::Teletext => TELETEXT_RX_BPS,
            DataFormat::DvbSubtitles => SUBTITLES_RX_BPS,
            DataFormat::Id3 => ID3_RX_BPS,
        },
    }
}

/// Bytes of buffer B of sound and data, of EB of pictures.
pub(crate) fn buffer_bytes(kind: StreamKind) -> usize {
    match kind {
        StreamKind::Video { cpb_bits, .. } => (hrd_cpb_bits(cpb_bits) / 8) as usize,
        StreamKind::Audio { coding, .. } => match coding {
            AudioCoding::AacAdts | AudioCoding::MpegLayer2 => 3_584,
            AudioCoding::Ac3(Ac3Signalling::Atsc) => 2_592,
            AudioCoding::EnhancedAc3(Ac3Signalling::Atsc) => 12_896,
            AudioCoding::Ac3(_) | AudioCoding::EnhancedAc3(_) => 5_696,
        },
        StreamKind::Data { format, longest_bytes, .. } => match format {
            DataFormat::Teletext => 1_504,
            DataFormat::DvbSubtitles => 24_576,
            // Two units in whole kilobytes, as the descriptor tells them.
            DataFormat::Id3 => (2 * longest_bytes).div_ceil(1_024) * 1_024,
        },
    }
}

/// The rate as a sequence parameter set can say it: in steps of 64 bit/s (H.264 §E.2.2).
fn hrd_bitrate(bps: u64) -> u64 {
    bps & !63
}

/// The buffer size as a sequence parameter set can say it: in steps of 16 bits (H.264 §E.2.2).
fn hrd_cpb_bits(bits: u64) -> u64 {
    bits & !15
}

/// Most bytes of a unit with its PES header, of sound and teletext.
pub(crate) fn longest_unit(stream: &StreamConfig) -> usize {
    match stream.kind {
        StreamKind::Video { .. } => 0,
        StreamKind::Data { longest_bytes, format, .. } => longest_bytes + pes_header(format),
        StreamKind::Audio { coding: AudioCoding::AacAdts, .. } => 8 * BODY_SIZE,
        StreamKind::Audio { .. } => mean_unit(stream),
    }
}

/// Bytes of a unit of sound at its rate with its PES header. Sound has as many units a second as is told, or
/// up to one less where that is no whole number.
fn mean_unit(stream: &StreamConfig) -> usize {
    let StreamKind::Audio { bitrate_bps, .. } = stream.kind else { return 0 };
    let units = u64::from(stream.units_per_second).max(2) - 1;
    bitrate_bps.div_ceil(8 * units) as usize + 14
}

/// Units of sound or teletext that the decoder's buffer holds, at least one. A unit enters when the one so
/// many places before it has left.
pub(crate) fn units_held(stream: &StreamConfig) -> usize {
    let unit = match stream.kind {
        StreamKind::Audio { coding: AudioCoding::AacAdts, .. } => mean_unit(stream) * 4 / 3,
        _ => longest_unit(stream),
    };
    (buffer_bytes(stream.kind) / unit.max(1)).max(1)
}

/// Bytes of the PES header of data.
pub(crate) const fn pes_header(format: DataFormat) -> usize {
    match format {
        DataFormat::Teletext => crate::pes::TELETEXT_HEADER,
        _ => 14,
    }
}
