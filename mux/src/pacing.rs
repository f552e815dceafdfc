//! How fast packets leave and how long before their DTS: the figures of the T-STD
//! (ISO/IEC 13818-1 §2.4.2, §2.14.3.1) turned into spacings and leads in 27 MHz ticks.
//!
//! Video leaves at up to 1.2 times its peak rate, which is the rate its transport buffer TB drains at,
//! from `cpb / rate` and a margin before its DTS on. An encoder that keeps to its VBV therefore always has
//! an access unit complete in time (the hypothetical decoder fills at a lower rate from a later
//! instant on), and never more than 1.2 times its buffer in MB and EB. Audio leaves spread out, at the
//! drain rate of its TB at most, so late that three access units at most wait in its buffer B.

use crate::config::StreamKind;
use crate::packet::PACKET_SIZE;

/// 27 MHz ticks in a millisecond.
pub(crate) const MS: i64 = 27_000;

/// Drain rate of the system transport buffer TBsys (§2.4.2.3).
pub(crate) const SYSTEM_RX_BPS: u64 = 1_000_000;

/// Drain rate of the transport buffer of ADTS audio of up to two channels (§2.4.2.3).
const AUDIO_RX_BPS: u64 = 2_000_000;

/// Largest peak rate: a packet still lasts over two ticks.
pub(crate) const LARGEST_PEAK_BPS: u64 = 10_000_000_000;

/// Longest a PCR waits for a packet of its PID to ride in, since the one before; then it gets a
/// packet of its own. §2.7.2 asks for 100 ms, older analysers flag 40 ms.
pub(crate) const PCR_HARD: i64 = 30 * MS;

/// From here on after a PCR, the next packet of its PID carries another.
pub(crate) const PCR_SOFT: i64 = 20 * MS;

/// PAT and PMT repeat after this. TR 101 290 1.3 and 1.5 ask for 500 ms, DVB for 100 ms.
pub(crate) const PSI_INTERVAL: i64 = 65 * MS;

/// They may wait until here for a random access point, before which they must come anyway.
pub(crate) const PSI_HARD: i64 = PSI_INTERVAL + SECTION_DISTANCE + 4 * MS;

/// Least distance of two sections of a PID: 25 ms (EN 300 468 §5.1.4.1) and one for rounding.
pub(crate) const SECTION_DISTANCE: i64 = 26 * MS;

/// The SDT repeats after this; EN 300 468 §5.1.4.1 asks for two seconds.
pub(crate) const SDT_INTERVAL: i64 = 500 * MS;

/// An access unit is complete this long before its DTS, so that it still is for a receiver that
/// interpolates arrival between PCRs.
pub(crate) const COMPLETE_BEFORE_DTS: i64 = PCR_HARD + MS;

/// Time audio packets have from the first of an access unit to [`COMPLETE_BEFORE_DTS`]: nine packets
/// (the longest AAC frame of two channels) at [`AUDIO_RX_BPS`] and their waits.
const AUDIO_SENDING: i64 = 14 * MS;

/// Time the packets of an audio access unit are spread over, the last one's own wait aside.
pub(crate) const AUDIO_SPREAD: i64 = AUDIO_SENDING - 2 * MS;

/// What video needs beside its decoder buffer's delay: [`COMPLETE_BEFORE_DTS`], a wait for
/// [`SECTION_DISTANCE`] before a random access point that came unforeseen, and packets of others in between.
const VIDEO_MARGIN: i64 = COMPLETE_BEFORE_DTS + SECTION_DISTANCE + 3 * MS;

/// Bounds of video's pacing.
pub(crate) struct VideoPacing;

impl VideoPacing {
    /// Longest decoder buffer delay. §2.14.3.1 allows ten seconds; a viewer would wait for them.
    pub(crate) const LONGEST_CPB_SECONDS: u64 = 5;
}

/// Highest rate a stream's packets leave at, in bit/s: the drain rate of its transport buffer.
pub(crate) fn stream_peak_bps(kind: StreamKind) -> u64 {
    match kind {
        StreamKind::Video { max_bitrate_bps, .. } => max_bitrate_bps * 6 / 5,
        StreamKind::Audio { .. } => AUDIO_RX_BPS,
    }
}

/// Rate a stream's packets leave at within an access unit, in bit/s, beside streams of `others`.
///
/// A receiver of a file takes the rate between two PCRs for constant, so that pictures seem to arrive
/// at the rate of the whole multiplex. Video therefore leaves its drain rate's share to the others,
/// down to what its peak rate and packet overhead need.
pub(crate) fn stream_pace_bps(kind: StreamKind, others: impl Iterator<Item = StreamKind>) -> u64 {
    let peak = stream_peak_bps(kind);
    let StreamKind::Video { max_bitrate_bps, .. } = kind else { return peak };
    let sound = |kind| match kind {
        StreamKind::Audio { bitrate_bps } => bitrate_bps * 9 / 8 + AUDIO_OVERHEAD_BPS,
        StreamKind::Video { .. } => 0,
    };
    let others: u64 = others.map(sound).sum::<u64>() + TABLES_BPS;
    // 188/184 for packet headers, rounded up.
    let needed = max_bitrate_bps * 103 / 100 + VIDEO_OVERHEAD_BPS;
    peak.saturating_sub(others).max(needed).min(peak)
}

/// Sixty pictures a second with PES header, two PCRs and a last packet of stuffing each.
const VIDEO_OVERHEAD_BPS: u64 = 106_000;

/// Fifty access units a second with packet and PES headers and half a packet of stuffing each.
const AUDIO_OVERHEAD_BPS: u64 = 50_000;

/// PAT and PMT every 65 ms, SDT every 500 ms, and as much again because they come in clumps.
const TABLES_BPS: u64 = 100_000;

/// How long before its DTS an access unit may start to leave.
pub(crate) fn stream_lead(kind: StreamKind) -> i64 {
    match kind {
        StreamKind::Video { max_bitrate_bps, cpb_bits } => {
            let cpb = (u128::from(cpb_bits) * 27_000_000).div_ceil(u128::from(max_bitrate_bps));
            cpb as i64 + VIDEO_MARGIN
        }
        StreamKind::Audio { .. } => COMPLETE_BEFORE_DTS + AUDIO_SENDING,
    }
}

/// Ticks from one packet to the next at `bps`, rounded up so that the rate is never exceeded.
pub(crate) fn packet_spacing(bps: u64) -> i64 {
    (PACKET_SIZE as u64 * 8 * 27_000_000).div_ceil(bps) as i64
}

/// Ticks from one packet to the next at the drain rate of TBsys.
pub(crate) fn system_spacing() -> i64 {
    packet_spacing(SYSTEM_RX_BPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_never_exceeds_its_rate() {
        for (bps, ticks) in [(1_000_000, 40_608), (2_000_000, 20_304), (4_800_000, 8_460), (7, 5_801_142_858)]
        {
            assert_eq!(packet_spacing(bps), ticks);
        }
    }

    #[test]
    fn leads_cover_the_decoder_buffer() {
        let video = StreamKind::Video { max_bitrate_bps: 4_000_000, cpb_bits: 2_000_000 };
        assert_eq!(stream_lead(video), 560 * MS);
        assert_eq!(stream_lead(StreamKind::Audio { bitrate_bps: 192_000 }), 45 * MS);
    }
}
