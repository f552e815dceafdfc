//! How fast packets leave and how long before their DTS: the figures of the T-STD
//! (ISO/IEC 13818-1 §2.4.2, §2.14.3.1) turned into intervals and leads in 27 MHz ticks.
//!
//! A stream's packets leave no faster than its transport buffer TB drains, from a lead before the DTS
//! of their access unit on. An encoder that keeps to its HRD (a buffer of `cpb` bits filled at `rate`)
//! then always has an access unit complete in time: the hypothetical decoder fills at a lower rate, from a
//! later instant on, and [`crate::decoder_buffer`] lets no more in than the HRD allows.
//!
//! At a variable rate a receiver of a file takes the rate between two PCRs for constant, so pictures
//! seem to arrive at the rate of the whole multiplex: video leaves its drain rate's share to the others
//! then, and everything is complete one PCR interval early. At a constant rate
//! arrival is what the position in the stream says, and none of that is needed.

use crate::config::{MuxConfig, MuxRate, StreamConfig, StreamKind};
use crate::packet::{BODY_SIZE, PACKET_SIZE};

/// 27 MHz ticks in a millisecond.
pub(crate) const MS: i64 = 27_000;

/// Drain rate of the system transport buffer TBsys (§2.4.2.3).
pub(crate) const SYSTEM_RX_BPS: u64 = 1_000_000;

/// Drain rate of the transport buffer of ADTS audio of up to two channels (§2.4.2.3).
const AUDIO_RX_BPS: u64 = 2_000_000;

/// Size of buffer B of ADTS audio of up to two channels (§2.4.2.6).
const AUDIO_B_SIZE: usize = 3584;

/// Size of a transport buffer.
const TB_SIZE: u64 = 512;

/// Largest peak rate: a packet still lasts over two ticks.
pub(crate) const LARGEST_PEAK_BPS: u64 = 10_000_000_000;

/// Longest a PCR waits for a packet of its PID to ride in, since the one before; then it gets a
/// packet of its own. §2.7.2 asks for 100 ms, older analysers flag 40 ms.
pub(crate) const PCR_HARD: i64 = 30 * MS;

/// From here on after a PCR, the next packet of its PID carries another.
pub(crate) const PCR_SOFT: i64 = 20 * MS;

/// A PCR that leaves so long after it is due would be noticed: what stands before it at most.
pub(crate) const PCR_GRACE: i64 = 5 * MS;

/// Least distance of two sections of a PID: 25 ms (EN 300 468 §5.1.4.1) and one for rounding.
pub(crate) const SECTION_DISTANCE: i64 = 26 * MS;

/// Least distance of two PATs that are sent for a random access point.
pub(crate) const ANNOUNCE_DISTANCE: i64 = 250 * MS;

/// At a variable rate an access unit is complete this long before its DTS, so that it still is for a
/// receiver that interpolates arrival between PCRs.
const COMPLETE_BEFORE_DTS: i64 = PCR_HARD + MS;

/// Time audio packets have from the first of an access unit to its completion: nine packets (the
/// longest AAC frame of two channels) at [`AUDIO_RX_BPS`] and their waits.
const AUDIO_SENDING: i64 = 14 * MS;

/// Time the packets of an audio access unit are spread over, the last one's own wait aside: pictures whose
/// transport buffer drains hardly faster than they need do not lose it to a burst of sound.
const AUDIO_SPREAD: i64 = AUDIO_SENDING - 2 * MS;

/// What video needs beside its decoder buffer's delay and the waits for others.
const VIDEO_SPARE: i64 = 3 * MS;

/// Longest decoder buffer delay of video. §2.14.3.1 allows ten seconds; a viewer would wait for them.
pub(crate) const LONGEST_CPB_SECONDS: u64 = 5;

/// Longest beginning of a PES packet: header and delimiter.
const UNIT_PREFIX: u64 = 25;

/// Packets a second that carry a PCR, and the bytes it takes there.
const PCR_BPS: u64 = 50 * 8 * 8 * 2;

/// A PCR that finds no packet of its PID now and then.
const LONE_PCR_BPS: u64 = 4_000;

/// How one stream leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamPace {
    /// An access unit may start to leave this long before its DTS.
    pub(crate) lead: i64,
    /// Least ticks from packet to packet.
    pub(crate) interval: i64,
    /// Time the packets of an access unit are spread over where it is short enough.
    pub(crate) spread: i64,
    /// How much earlier than one that waited another packet may have left.
    pub(crate) catch_up: i64,
    /// How long before its DTS a unit's last packet must have left to be in time.
    pub(crate) complete: i64,
    /// Bytes of the decoder's buffer.
    pub(crate) buffer: usize,
}

impl StreamPace {
    pub(crate) fn new(config: &MuxConfig, stream: &StreamConfig) -> StreamPace {
        let drain_bps = drain_bps(stream.kind);
        let drained = packet_spacing(drain_bps) * TB_SIZE as i64 / PACKET_SIZE as i64;
        let hrd_delay = match stream.kind {
            StreamKind::Video { max_bitrate_bps, cpb_bits } => {
                (u128::from(cpb_bits) * 27_000_000).div_ceil(u128::from(max_bitrate_bps)) as i64
            }
            StreamKind::Audio { .. } => 0,
        };
        match config.rate {
            MuxRate::Variable { .. } => {
                let (sending, spread) = match stream.kind {
                    StreamKind::Video { .. } => (hrd_delay + SECTION_DISTANCE + VIDEO_SPARE, 0),
                    StreamKind::Audio { .. } => (AUDIO_SENDING, AUDIO_SPREAD),
                };
                let interval = packet_spacing(variable_pace_bps(config, stream));
                let lead = COMPLETE_BEFORE_DTS + sending;
                let buffer = buffer_bytes(stream, lead - hrd_delay);
                StreamPace { lead, interval, spread, catch_up: 0, complete: PCR_HARD, buffer }
            }
            MuxRate::Constant { bps } => {
                let waits = waiting_packets(config) * (packet_spacing(bps) + 1);
                let (own, spread) = match stream.kind {
                    StreamKind::Video { .. } => (hrd_delay + VIDEO_SPARE, 0),
                    StreamKind::Audio { .. } => (AUDIO_SENDING, AUDIO_SPREAD),
                };
                let (lead, interval) = (own + waits + drained, packet_spacing(drain_bps));
                let buffer = buffer_bytes(stream, lead - hrd_delay);
                // Two packets may lie in TB when a third comes, less what drains meanwhile: 500 bytes.
                let catch_up = interval * 124 / PACKET_SIZE as i64;
                StreamPace { lead, interval, spread, catch_up, complete: drained, buffer }
            }
        }
    }
}

/// Bytes of the decoder's buffer that may be filled. Video is ahead of its HRD by `ahead` ticks, so that
/// much of its rate waits in MB in front of EB.
fn buffer_bytes(stream: &StreamConfig, ahead: i64) -> usize {
    match stream.kind {
        StreamKind::Video { max_bitrate_bps, cpb_bits } => {
            let waiting = u128::from(max_bitrate_bps) * ahead as u128 / 27_000_000 / 8;
            (hrd_cpb_bits(cpb_bits) / 8) as usize + waiting as usize
        }
        StreamKind::Audio { .. } => AUDIO_B_SIZE,
    }
}

/// Packets that others may put in front of a stream's beyond their share of the rate: every sound
/// stream one of the longest access units, the tables one round.
fn waiting_packets(config: &MuxConfig) -> i64 {
    let sounds = config.streams.iter().filter(|s| matches!(s.kind, StreamKind::Audio { .. })).count();
    8 + 9 * sounds as i64
}

/// Drain rate of the stream's transport buffer in bit/s.
pub(crate) fn drain_bps(kind: StreamKind) -> u64 {
    match kind {
        StreamKind::Video { max_bitrate_bps, .. } => hrd_bitrate(max_bitrate_bps) * 6 / 5,
        StreamKind::Audio { .. } => AUDIO_RX_BPS,
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

/// Rate at which the stream's packets need to leave in the long run, in bit/s: its own bytes, a
/// header and a last packet of almost only stuffing for every access unit, and for pictures the PCR.
pub(crate) fn packets_bps(stream: &StreamConfig) -> u64 {
    let bps = match stream.kind {
        StreamKind::Video { max_bitrate_bps, .. } => max_bitrate_bps + PCR_BPS,
        StreamKind::Audio { bitrate_bps } => bitrate_bps,
    };
    let stuffing = BODY_SIZE as u64 - 1;
    let payload = bps + u64::from(stream.units_per_second) * (UNIT_PREFIX + stuffing) * 8;
    (payload * PACKET_SIZE as u64).div_ceil(BODY_SIZE as u64)
}

/// Smallest rate of the stream at which its packets pass its transport buffer, in bit/s.
pub(crate) fn smallest_stream_bps(stream: &StreamConfig) -> u64 {
    if matches!(stream.kind, StreamKind::Audio { .. }) {
        return 0;
    }
    let passes = |bps: u64| {
        let kind = StreamKind::Video { max_bitrate_bps: bps, cpb_bits: 0 };
        packets_bps(&StreamConfig { kind, ..stream.clone() }) <= drain_bps(kind)
    };
    // Beyond 9,600 bit/s for each unit a second it always does.
    let (mut low, mut high) = (0, 10_000 * u64::from(stream.units_per_second) + 50_000);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if passes(middle) { high = middle } else { low = middle }
    }
    high
}

/// Smallest constant rate that surely carries everything, in bit/s.
pub(crate) fn smallest_constant_bps(config: &MuxConfig) -> u64 {
    config.streams.iter().map(packets_bps).sum::<u64>() + tables_bps(config)
}

/// Rate that tables and lone PCRs take, in bit/s.
fn tables_bps(config: &MuxConfig) -> u64 {
    let announcements = (1000 * MS / ANNOUNCE_DISTANCE) as u64;
    config.tables().packets_bps(announcements) + LONE_PCR_BPS
}

/// Smallest peak of a variable rate, in bit/s: every stream at its own peak.
pub(crate) fn smallest_peak_bps(config: &MuxConfig) -> u64 {
    config.streams.iter().map(|stream| drain_bps(stream.kind)).sum::<u64>() + SYSTEM_RX_BPS
}

/// Rate a stream's packets leave at within an access unit at a variable rate: video leaves the others
/// their share of its drain rate, down to what it needs itself.
fn variable_pace_bps(config: &MuxConfig, stream: &StreamConfig) -> u64 {
    let drain = drain_bps(stream.kind);
    if matches!(stream.kind, StreamKind::Audio { .. }) {
        return drain;
    }
    let sounds = config.streams.iter().filter(|s| matches!(s.kind, StreamKind::Audio { .. }));
    let others = sounds.map(packets_bps).sum::<u64>() + 2 * tables_bps(config);
    drain.saturating_sub(others).max(packets_bps(stream)).min(drain)
}

/// Ticks from one packet to the next at `bps`, rounded up so that the rate is never exceeded.
pub(crate) fn packet_spacing(bps: u64) -> i64 {
    (PACKET_SIZE as u64 * 8 * 27_000_000).div_ceil(bps) as i64
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
        let streams = vec![StreamConfig::h264(4_000_000, 2_000_000), StreamConfig::aac_adts(192_000)];
        let mut config = MuxConfig::new("One", streams);
        let lead = |config: &MuxConfig, index: usize| StreamPace::new(config, &config.streams[index]).lead;
        assert_eq!((lead(&config, 0), lead(&config, 1)), (560 * MS, 45 * MS));
        config.rate = MuxRate::Constant { bps: 5_000_000 };
        let (picture, sound) = (lead(&config, 0), lead(&config, 1));
        assert!(picture > 500 * MS && picture < 515 * MS, "{picture}");
        assert!(sound > 14 * MS && sound < 25 * MS, "{sound}");
    }

    /// The smallest rate is at most 8 % over what picture and sound take.
    #[test]
    fn smallest_constant_rate_is_near_the_streams_own() {
        let video = StreamConfig::h264(4_000_000, 4_000_000).with_units_per_second(30);
        let streams = vec![video, StreamConfig::aac_adts(192_000)];
        let smallest = smallest_constant_bps(&MuxConfig::new("One", streams));
        assert!(smallest <= 4_192_000 * 108 / 100, "{smallest}");
    }
}
