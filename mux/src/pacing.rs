//! How fast packets leave and how long before their DTS: the figures of the T-STD
//! (ISO/IEC 13818-1 §2.4.2, §2.14.3.1) turned into intervals and leads in 27 MHz ticks.
//!
//! A stream's packets leave no faster than its transport buffer TB drains, from a lead before the DTS
//! of their access unit on. An encoder that keeps to its HRD (a buffer of `cpb` bits filled at `rate`)
//! then always has an access unit complete in time: the hypothetical decoder fills at a lower rate, from a
//! later instant on, and [`crate::decoder_buffer`] lets no more in than the HRD allows. Where the encoder tells
//! when its HRD has a picture arrive, the picture waits until so long before that as the stream is ahead.
//!
//! At a variable rate a receiver of a file takes the rate between two PCRs for constant, so pictures
//! seem to arrive at the rate of the whole multiplex: video leaves its drain rate's share to the others
//! then, and everything is complete one PCR interval early. At a constant rate
//! arrival is what the position in the stream says, and none of that is needed.

use crate::config::{MuxConfig, MuxRate};
use crate::packet::{BODY_SIZE, PACKET_SIZE};
use crate::splice::CUE_INTERVAL;
use crate::stream_config::StreamConfig;
use crate::stream_kind::{AudioCoding, StreamKind, VideoCoding};
use crate::target_decoder::{self, TELETEXT_DELAY_MS, drain_bps};
use crate::wire::PACKET_TICKS;

/// 27 MHz ticks in a millisecond.
pub(crate) const MS: i64 = 27_000;

/// Drain rate of the system transport buffer TBsys (§2.4.2.3).
pub(crate) const SYSTEM_RX_BPS: u64 = 1_000_000;

/// Size of a transport buffer.
const TB_SIZE: u64 = 512;

/// Largest peak rate: a packet still lasts over two ticks.
pub(crate) const LARGEST_PEAK_BPS: u64 = 10_000_000_000;

/// Longest a PCR waits for a packet of its PID to ride in, since the one before; then it gets a
/// packet of its own. §2.7.2 asks for 100 ms, older analysers flag 40 ms.
pub(crate) const PCR_HARD: i64 = 30 * MS;

/// From here on after a PCR, the next packet of its PID carries another.
pub(crate) const PCR_SOFT: i64 = 20 * MS;

/// Least distance of two PCRs beside a table.
pub(crate) const PCR_NEAR: i64 = 2 * MS;

/// A PCR that leaves so long after it is due would be noticed: what stands before it at most.
pub(crate) const PCR_GRACE: i64 = 5 * MS;

/// Least distance of two sections of a PID: 25 ms (EN 300 468 §5.1.4.1) and one for rounding.
pub(crate) const SECTION_DISTANCE: i64 = 26 * MS;

/// Least distance of two PATs that are sent for a random access point.
pub(crate) const ANNOUNCE_DISTANCE: i64 = 250 * MS;

/// Time packets of sound have from the first of an access unit to its completion, at least: nine packets
/// (the longest AAC frame of two channels) at the drain rate, 2 Mb/s, and their waits.
const AUDIO_SENDING: i64 = 14 * MS;

/// Of that time, what is for waits where the packets take longer.
const AUDIO_WAITS: i64 = 7 * MS;

/// By how much less the packets of an access unit of sound are spread, for the last one's own wait: pictures
/// whose transport buffer drains hardly faster than they need do not lose it to a burst of sound.
const LAST_WAIT: i64 = 2 * MS;

/// Longest time a unit of paced data takes at its rate: all of it is within a second of its PTS then
/// (§2.4.2.3).
pub(crate) const LONGEST_DATA_MS: u64 = 900;

/// What video needs beside its decoder buffer's delay and the waits for others.
const VIDEO_SPARE: i64 = 3 * MS;

/// Longest decoder buffer delay of video. §2.14.3.1 allows ten seconds; a viewer would wait for them.
pub(crate) const LONGEST_CPB_SECONDS: u64 = 5;

/// Longest beginning of a PES packet: header and delimiter.
const UNIT_PREFIX: u64 = 25;

/// The same of HEVC, whose delimiter is longer.
const HEVC_UNIT_PREFIX: u64 = 26;

/// Packets of tables, and one under way, that may stand before a stream's.
const TABLE_PACKETS: i64 = 8;

/// The same of every video but the first.
const FURTHER_VIDEO_PACKETS: i64 = 4;

/// Packets a second that carry a PCR, and the bytes it takes there.
const PCR_BPS: u64 = 50 * 8 * 8 * 2;

/// A PCR that finds no packet of its PID now and then.
const LONE_PCR_BPS: u64 = 4_000;

/// Hardly a PCR that goes with sound finds a packet.
const SOUND_PCR_BPS: u64 = 36 * 8 * PACKET_SIZE as u64;

/// Smallest constant rate: a packet lasts 2.5 ms, and PCRs are in time.
const SMALLEST_CONSTANT_BPS: u64 = 600_000;

/// How one stream leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamPace {
    /// An access unit may start to leave this long before its DTS.
    pub(crate) lead: i64,
    /// How much of the lead pictures are ahead of their HRD.
    pub(crate) ahead: i64,
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
    /// How long after it may a packet should leave, however much time its unit has: what leaves at its own
    /// rate cannot make up for time that others took. No bound for anything else. At a constant rate that
    /// is data, AV1 and HEVC, whose transport buffer drains hardly faster, pictures beside several sounds of long frames,
    /// and every one of several videos: what two missed while a third went ahead they could not both make up for.
    pub(crate) within: i64,
    /// Least ticks from packet to packet as far as the transport buffer goes.
    pub(crate) drain: i64,
    /// Whether packets leave by a schedule, and catch up with it as fast as the transport buffer drains.
    pub(crate) keeps_schedule: bool,
}

impl StreamPace {
    pub(crate) fn new(config: &MuxConfig, stream: &StreamConfig) -> StreamPace {
        let drain = packet_spacing(drain_bps(stream.kind));
        let drained = drain * TB_SIZE as i64 / PACKET_SIZE as i64;
        match config.rate {
            MuxRate::Variable { .. } => {
                let interval = packet_spacing(if stream.kind.is_video() {
                    variable_pace_bps(config, stream)
                } else if is_paced(stream) {
                    packets_bps(stream)
                } else {
                    drain_bps(stream.kind)
                });
                let (sending, spread) = match stream.kind {
                    StreamKind::Video { .. } => (hrd_delay(stream) + SECTION_DISTANCE + VIDEO_SPARE, 0),
                    _ => sending(stream, interval),
                };
                let early = early(stream);
                let lead = early + MS + sending;
                let ahead = lead - hrd_delay(stream);
                let buffer = buffer_and_ahead(stream, ahead);
                StreamPace {
                    lead,
                    ahead,
                    interval,
                    spread,
                    catch_up: 0,
                    complete: early,
                    buffer,
                    within: i64::MAX,
                    drain,
                    keeps_schedule: false,
                }
            }
            MuxRate::Constant { bps } => {
                let is_paced =
                    is_paced(stream) || (stream.kind.is_video() && has_no_time_to_lose(config, stream));
                let interval =
                    packet_spacing(if is_paced { packets_bps(stream) } else { emptying_bps(stream) });
                let waits = waiting_packets(config) * (packet_spacing(bps) + 1);
                let (own, spread) = match stream.kind {
                    StreamKind::Video { .. } => (hrd_delay(stream) + VIDEO_SPARE, 0),
                    _ => {
                        let (own, spread) = sending(stream, interval);
                        if is_long_sound(stream) || (stream.kind.is_audio() && sounds(config) > 1) {
                            // In a burst they would take slots that pictures cannot make up for.
                            (own.max(period(stream)), spread.max(period(stream) * 7 / 8))
                        } else {
                            (own, spread)
                        }
                    }
                };
                let mut lead = own + waits + drained;
                if stream.kind.is_teletext() {
                    lead = lead.min(TELETEXT_DELAY_MS * MS);
                }
                let ahead = lead - hrd_delay(stream);
                let buffer = buffer_and_ahead(stream, ahead);
                // Two packets may lie in TB when a third comes, less what drains meanwhile: 500 bytes.
                let catch_up = drain * 124 / PACKET_SIZE as i64;
                let keeps_schedule = is_paced || stream.kind.is_audio();
                let within = if is_paced { waits } else { i64::MAX };
                StreamPace {
                    lead,
                    ahead,
                    interval,
                    spread,
                    catch_up,
                    complete: drained,
                    buffer,
                    within,
                    drain,
                    keeps_schedule,
                }
            }
        }
    }
}

/// Time the packets of an access unit of sound or data have from the first to the last, and the time they
/// are spread over. Sound and teletext leave about as fast as their transport buffer drains, other data at
/// their own rate.
fn sending(stream: &StreamConfig, interval: i64) -> (i64, i64) {
    let packets = longest_packets(stream);
    if is_paced(stream) {
        return (packets * interval + VIDEO_SPARE, 0);
    }
    let sending = AUDIO_SENDING.max(packets * interval + AUDIO_WAITS);
    (sending, if stream.kind.is_audio() { sending - LAST_WAIT } else { 0 })
}

/// Whether units of sound are so long that they had better leave over all the time there is for each.
fn is_long_sound(stream: &StreamConfig) -> bool {
    matches!(stream.kind, StreamKind::Audio { coding, .. } if coding != AudioCoding::AacAdts)
}

/// Packets of the longest unit of sound or data.
fn longest_packets(stream: &StreamConfig) -> i64 {
    (target_decoder::longest_unit(stream) / BODY_SIZE) as i64 + 1
}

/// Whether a stream leaves at its own rate: data whose units are long for it.
fn is_paced(stream: &StreamConfig) -> bool {
    matches!(stream.kind, StreamKind::Data { .. }) && !stream.kind.is_teletext()
}

/// How long before its DTS an access unit is complete at a variable rate. Where the decoder has no room for a
/// unit before the last one left, that is half of the time between them; so it is of teletext, whose stay is
/// short.
fn early(stream: &StreamConfig) -> i64 {
    let has_units = !stream.kind.is_video() && !is_paced(stream);
    if stream.kind.is_teletext() || (has_units && target_decoder::units_held(stream) == 1) {
        (period(stream) / 2).min(PCR_HARD)
    } else {
        PCR_HARD
    }
}

/// Time from unit to unit of sound and teletext.
fn period(stream: &StreamConfig) -> i64 {
    1_000 * MS / i64::from(stream.units_per_second)
}

/// Time in which the HRD's buffer of pictures fills.
fn hrd_delay(stream: &StreamConfig) -> i64 {
    match stream.kind {
        StreamKind::Video { max_bitrate_bps, cpb_bits, .. } => {
            (u128::from(cpb_bits) * 27_000_000).div_ceil(u128::from(max_bitrate_bps)) as i64
        }
        _ => 0,
    }
}

/// Bytes of the decoder's buffer that may be filled. Video is ahead of its HRD by `ahead` ticks, so that
/// much of its rate waits in MB in front of EB.
fn buffer_and_ahead(stream: &StreamConfig, ahead: i64) -> usize {
    let buffer = target_decoder::buffer_bytes(stream.kind);
    match stream.kind {
        StreamKind::Video { max_bitrate_bps, .. } => {
            buffer + (u128::from(max_bitrate_bps) * ahead as u128 / 27_000_000 / 8) as usize
        }
        _ => buffer,
    }
}

/// Packets that others may put in front of a stream's beyond their share of the rate: all sound and teletext
/// one of their longest access units, teletext once more for it is always due so soon, other data, cues and
/// further videos a few packets, the tables one round; and a little for slots that go by while one buffer is full.
fn waiting_packets(config: &MuxConfig) -> i64 {
    let of_stream = |stream: &StreamConfig| match stream.kind {
        StreamKind::Video { .. } => 0,
        _ if stream.kind.is_teletext() => 2 * longest_packets(stream),
        _ if is_paced(stream) => 2,
        _ => longest_packets(stream) + 2,
    };
    let cues = i64::from(config.cues.is_some());
    let further = (videos(config) - 1).max(0) * FURTHER_VIDEO_PACKETS;
    TABLE_PACKETS + cues + further + config.streams.iter().map(of_stream).sum::<i64>()
}

/// Whether pictures had better leave at their own rate, because they hardly make up for what others take.
fn has_no_time_to_lose(config: &MuxConfig, pictures: &StreamConfig) -> bool {
    let long_sounds = config.streams.iter().filter(|stream| is_long_sound(stream)).count();
    pictures.kind.drains_slowly() || videos(config) > 1 || long_sounds > 1
}

fn sounds(config: &MuxConfig) -> usize {
    config.streams.iter().filter(|stream| stream.kind.is_audio()).count()
}

fn videos(config: &MuxConfig) -> i64 {
    config.streams.iter().filter(|stream| stream.kind.is_video()).count() as i64
}

/// Rate at which the stream's packets need to leave in the long run, in bit/s: its own bytes, a
/// header and a last packet of almost only stuffing for every access unit, and for pictures the PCR.
pub(crate) fn packets_bps(stream: &StreamConfig) -> u64 {
    let bps = match stream.kind {
        StreamKind::Video { max_bitrate_bps, .. } => max_bitrate_bps + PCR_BPS,
        StreamKind::Audio { bitrate_bps, .. } | StreamKind::Data { bitrate_bps, .. } => bitrate_bps,
    };
    let payload = bps + around_units_bps(stream);
    (payload * PACKET_SIZE as u64).div_ceil(BODY_SIZE as u64)
}

/// Rate that headers and stuffing of the units take, in bit/s.
fn around_units_bps(stream: &StreamConfig) -> u64 {
    let prefix = match stream.kind {
        StreamKind::Video { coding: VideoCoding::Hevc, .. } => HEVC_UNIT_PREFIX,
        StreamKind::Data { format, .. } => target_decoder::pes_header(format) as u64,
        _ => UNIT_PREFIX,
    };
    let stuffing = if stream.kind.is_teletext() { 0 } else { BODY_SIZE as u64 - 1 };
    u64::from(stream.units_per_second) * (prefix + stuffing) * 8
}

/// Largest rate of data at which its packets pass its transport buffer, in bit/s.
pub(crate) fn largest_data_bps(stream: &StreamConfig) -> u64 {
    let payload = drain_bps(stream.kind) * BODY_SIZE as u64 / PACKET_SIZE as u64;
    payload.saturating_sub(around_units_bps(stream))
}

/// Smallest rate of the stream at which its packets pass its transport buffer, in bit/s.
pub(crate) fn smallest_stream_bps(stream: &StreamConfig) -> u64 {
    let StreamKind::Video { coding, .. } = stream.kind else { return 0 };
    let passes = |bps: u64| {
        let kind = StreamKind::Video { coding, max_bitrate_bps: bps, cpb_bits: 0 };
        packets_bps(&StreamConfig { kind, ..stream.clone() }) <= drain_bps(kind)
    };
    // Beyond 22,500 bit/s for each unit a second it always does.
    let (mut low, mut high) = (0, 25_000 * u64::from(stream.units_per_second) + 200_000);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if passes(middle) { high = middle } else { low = middle }
    }
    high
}

/// Rate at which packets follow one another for long without keeping the stream's transport buffer from
/// being empty once a second (§2.4.2.7): what was in it when they began drains by a thirty-second of its
/// rate, as far as the stream does not need that itself.
fn emptying_bps(stream: &StreamConfig) -> u64 {
    let drain = drain_bps(stream.kind);
    (drain * 32 / 33).max(packets_bps(stream)).min(drain)
}

/// Smallest constant rate that surely carries everything, in bit/s.
pub(crate) fn smallest_constant_bps(config: &MuxConfig) -> u64 {
    let streams = config.streams.iter().map(packets_bps).sum::<u64>();
    let smallest = streams + cues_bps(config) + tables_bps(config);
    smallest.max(smallest_for_windows(config)).max(SMALLEST_CONSTANT_BPS)
}

/// Sound and teletext whose decoder holds few units have little time for each: in the time of any of them,
/// one unit of each that has no more must pass, and the tables.
fn smallest_for_windows(config: &MuxConfig) -> u64 {
    let window = |stream: &StreamConfig| {
        let drain = packet_spacing(drain_bps(stream.kind));
        let drained = drain * TB_SIZE as i64 / PACKET_SIZE as i64;
        let held = target_decoder::units_held(stream) as i64 * period(stream);
        let held = if stream.kind.is_teletext() { held.min(TELETEXT_DELAY_MS * MS) } else { held };
        (held - drained - longest_packets(stream) * drain).max(MS)
    };
    let bursts = || config.streams.iter().filter(|stream| !stream.kind.is_video() && !is_paced(stream));
    let rates = bursts().map(|stream| {
        let own = window(stream);
        let within = bursts().filter(|other| window(other) <= own);
        let packets = TABLE_PACKETS + within.map(longest_packets).sum::<i64>();
        (packets as u64 * PACKET_TICKS).div_ceil(own as u64)
    });
    rates.max().unwrap_or(0)
}

/// Rate that cues take at most, in bit/s.
fn cues_bps(config: &MuxConfig) -> u64 {
    let a_second = 1_000 * MS / CUE_INTERVAL + 1;
    config.cues.iter().map(|_| a_second as u64 * PACKET_SIZE as u64 * 8).sum()
}

/// Rate that tables and lone PCRs take, in bit/s.
fn tables_bps(config: &MuxConfig) -> u64 {
    let announcements = (1000 * MS / ANNOUNCE_DISTANCE) as u64;
    let has_pictures = config.streams.iter().any(|stream| stream.kind.is_video());
    config.tables().packets_bps(announcements) + if has_pictures { LONE_PCR_BPS } else { SOUND_PCR_BPS }
}

/// Smallest peak of a variable rate, in bit/s: every stream at its own peak.
pub(crate) fn smallest_peak_bps(config: &MuxConfig) -> u64 {
    let streams = config.streams.iter().map(|stream| drain_bps(stream.kind)).sum::<u64>();
    streams + cues_bps(config) + SYSTEM_RX_BPS
}

/// The peak of a variable rate where none is given, in bit/s: the smallest, and with cues one at which a packet more
/// passes between two of pictures.
pub(crate) fn usual_peak_bps(config: &MuxConfig) -> u64 {
    let smallest = smallest_peak_bps(config);
    if config.cues.is_none() {
        return smallest;
    }
    let videos = config.streams.iter().filter(|stream| stream.kind.is_video());
    let with_gap = videos.map(|stream| {
        let gap = packet_spacing(variable_pace_bps(config, stream)) / 2;
        PACKET_TICKS.div_ceil(gap.max(1) as u64)
    });
    with_gap.fold(smallest, u64::max)
}

/// Rate a stream's packets leave at within an access unit at a variable rate: video leaves the others
/// their share of its drain rate, down to what it needs itself.
fn variable_pace_bps(config: &MuxConfig, stream: &StreamConfig) -> u64 {
    let drain = drain_bps(stream.kind);
    let others = config.streams.iter().filter(|other| !other.kind.is_video());
    let others = others.map(packets_bps).sum::<u64>() + cues_bps(config) + 2 * tables_bps(config);
    drain.saturating_sub(others).max(packets_bps(stream)).min(drain)
}

/// Ticks from one packet to the next at `bps`, rounded up so that the rate is never exceeded.
pub(crate) fn packet_spacing(bps: u64) -> i64 {
    PACKET_TICKS.div_ceil(bps) as i64
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
