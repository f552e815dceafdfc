//! A reader that shares no code with the muxer: it takes the packets apart byte by byte, checks what
//! every stream must keep to, and simulates the buffers of the T-STD (ISO/IEC 13818-1 §2.4.2) in
//! integers.

use crate::drive::Output;
use std::collections::BTreeMap;

pub(crate) const MS: i64 = 27_000;

/// One packet taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: i64,
    pub(crate) pid: u16,
    pub(crate) start: bool,
    pub(crate) counter: u8,
    pub(crate) has_payload: bool,
    pub(crate) discontinuity: bool,
    pub(crate) random_access: bool,
    pub(crate) priority: bool,
    pub(crate) pcr: Option<i64>,
    pub(crate) payload: Vec<u8>,
}

/// One PES packet put together again.
#[derive(Debug, Clone)]
pub(crate) struct Pes {
    pub(crate) pid: u16,
    pub(crate) stream_id: u8,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) random_access: bool,
    pub(crate) data: Vec<u8>,
    pub(crate) header: usize,
    /// Departure of its last packet.
    pub(crate) complete: i64,
}

/// Takes every packet but the null ones apart, checking sync and reserved bits.
pub(crate) fn packets(output: &Output) -> Vec<Seen> {
    assert_eq!(output.bytes.len(), output.departures.len() * 188);
    output
        .bytes
        .chunks_exact(188)
        .zip(&output.departures)
        .map(|(p, &at)| {
            assert_eq!(p[0], 0x47, "sync");
            assert_eq!(p[1] & 0xA0, 0, "error and priority bits");
            assert_eq!(p[3] & 0xC0, 0, "scrambling");
            let control = (p[3] >> 4) & 3;
            assert_ne!(control, 0, "reserved adaptation_field_control");
            let mut seen = Seen {
                at,
                pid: u16::from(p[1] & 0x1F) << 8 | u16::from(p[2]),
                start: p[1] & 0x40 != 0,
                counter: p[3] & 15,
                has_payload: control & 1 != 0,
                discontinuity: false,
                random_access: false,
                priority: false,
                pcr: None,
                payload: Vec::new(),
            };
            let mut body = 4;
            if control & 2 != 0 {
                let length = usize::from(p[4]);
                body = 5 + length;
                assert!(if seen.has_payload { body < 188 } else { body == 188 });
                if length > 0 {
                    seen.discontinuity = p[5] & 0x80 != 0;
                    seen.random_access = p[5] & 0x40 != 0;
                    seen.priority = p[5] & 0x20 != 0;
                    assert_eq!(p[5] & 0x0F, 0, "fields never written");
                    assert!(!seen.priority || seen.random_access, "priority only of key frames");
                    let mut stuffing = 6;
                    if p[5] & 0x10 != 0 {
                        assert_eq!(p[10] & 0x7E, 0x7E, "reserved bits of the PCR");
                        let base = p[6..10].iter().fold(0i64, |n, &b| n << 8 | i64::from(b)) << 1;
                        let base = base | i64::from(p[10] >> 7);
                        let extension = i64::from(p[10] & 1) << 8 | i64::from(p[11]);
                        assert!(extension < 300);
                        seen.pcr = Some(base * 300 + extension);
                        stuffing = 12;
                    }
                    assert!(p[stuffing..body].iter().all(|&b| b == 0xFF), "stuffing");
                }
            }
            if seen.has_payload {
                seen.payload = p[body..].to_vec();
            }
            seen
        })
        .filter(|seen| seen.pid != 0x1FFF)
        .collect()
}

/// Reassembles the PES packets of every elementary PID in order of their beginning.
pub(crate) fn pes_packets(seen: &[Seen]) -> Vec<Pes> {
    let mut done: Vec<(Pes, Vec<u8>)> = Vec::new();
    let mut open: BTreeMap<u16, usize> = BTreeMap::new();
    for packet in seen.iter().filter(|packet| packet.has_payload && is_elementary(packet.pid)) {
        if packet.start {
            let pes = Pes {
                pid: packet.pid,
                stream_id: 0,
                pts: 0,
                dts: 0,
                random_access: packet.random_access,
                data: Vec::new(),
                header: 0,
                complete: 0,
            };
            open.insert(packet.pid, done.len());
            done.push((pes, Vec::new()));
        }
        let (pes, bytes) = &mut done[open[&packet.pid]];
        bytes.extend_from_slice(&packet.payload);
        pes.complete = packet.at;
    }
    done.into_iter().map(|(pes, bytes)| parse_pes(pes, &bytes)).collect()
}

fn parse_pes(mut pes: Pes, b: &[u8]) -> Pes {
    assert_eq!(b[..3], [0, 0, 1]);
    pes.stream_id = b[3];
    let length = usize::from(b[4]) << 8 | usize::from(b[5]);
    if length == 0 {
        assert!(
            b.len() - 6 > 0xFFFF && (b[3] & 0xF0 == 0xE0 || b[3] == 0xBD),
            "only long video goes without a length"
        );
    } else {
        assert_eq!(length, b.len() - 6);
    }
    assert_eq!(b[6], 0x84, "marker and data_alignment_indicator");
    pes.header = 9 + usize::from(b[8]);
    pes.pts = stamp(&b[9..14], if b[7] == 0x80 { 2 } else { 3 });
    pes.dts = match b[7] {
        0x80 => pes.pts,
        0xC0 => stamp(&b[14..19], 1),
        flags => panic!("flags {flags:#x}"),
    };
    assert!(b[7] == 0x80 || pes.pts != pes.dts, "DTS written where it equals PTS");
    let stamps = if b[7] == 0x80 { 14 } else { 19 };
    assert!(b[stamps..pes.header].iter().all(|&b| b == 0xFF), "stuffing of the header");
    assert!(pes.header == stamps || pes.header == 45, "only teletext stuffs its header");
    pes.data = b[pes.header..].to_vec();
    pes
}

fn stamp(b: &[u8], prefix: u8) -> i64 {
    assert_eq!((b[0] >> 4, b[0] & 1, b[2] & 1, b[4] & 1), (prefix, 1, 1, 1), "markers of {b:?}");
    i64::from(b[0] >> 1 & 7) << 30
        | i64::from(b[1]) << 22
        | i64::from(b[2] >> 1) << 15
        | i64::from(b[3]) << 7
        | i64::from(b[4] >> 1)
}

/// Where cues are in every test.
pub(crate) const CUES: u16 = 0x1F0;

pub(crate) fn is_elementary(pid: u16) -> bool {
    (0x100..0x110).contains(&pid)
}

/// Figures of a checked stream.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) longest_pcr_gap: i64,
    pub(crate) longest_pat_gap: i64,
    pub(crate) fullest_tb: BTreeMap<u16, i64>,
    pub(crate) fullest_audio_b: i64,
    /// Least time from a unit's last packet to its DTS.
    pub(crate) least_margin: i64,
}

/// What the decoder of a PID has, as the standards tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder {
    /// Drain rate of its transport buffer in bit/s.
    pub(crate) rx: i64,
    /// Bytes behind it.
    pub(crate) buffer: i64,
    /// Longest stay of a byte, in ticks.
    pub(crate) stay: i64,
    /// Least time before its DTS by which a unit is complete at a variable rate, in ticks.
    pub(crate) early: i64,
}

impl Decoder {
    /// Stereo AAC.
    pub(crate) const AAC: Decoder = Decoder { rx: 2_000_000, buffer: 3584, stay: 1_000 * MS, early: 30 * MS };

    pub(crate) fn pictures(rx: i64, buffer: i64) -> Decoder {
        Decoder { rx, buffer, stay: 10_000 * MS, early: 30 * MS }
    }
}

pub(crate) type Decoders = BTreeMap<u16, Decoder>;

/// Pictures on the first PID, AAC on all others.
fn usual(video_rx: i64, video_buffer: i64) -> Decoders {
    let mut decoders: Decoders = (0x101..0x110).map(|pid| (pid, Decoder::AAC)).collect();
    decoders.insert(0x100, Decoder::pictures(video_rx, video_buffer));
    decoders
}

/// Checks everything a stream of one session at a variable rate must keep to. `video_rx` and
/// `video_buffer` are the drain rate of the video's TB in bit/s and the bytes of its MB and EB together.
pub(crate) fn check(output: &Output, video_rx: i64, video_buffer: i64) -> Figures {
    check_decoders(output, &usual(video_rx, video_buffer))
}

/// The same with any decoders.
pub(crate) fn check_decoders(output: &Output, decoders: &Decoders) -> Figures {
    check_both(output, decoders, |decoder| decoder.early)
}

/// The same at a constant rate of `bps`: every packet has its slot, and a unit has passed its transport
/// buffer by its DTS.
pub(crate) fn check_constant(output: &Output, bps: u64, video_rx: i64, video_buffer: i64) -> Figures {
    check_constant_decoders(output, bps, &usual(video_rx, video_buffer))
}

/// The same with any decoders.
pub(crate) fn check_constant_decoders(output: &Output, bps: u64, decoders: &Decoders) -> Figures {
    for (n, at) in output.departures.iter().enumerate() {
        let slot = 188 * 8 * 27_000_000 * n as i128 / i128::from(bps);
        assert_eq!(i128::from(*at), i128::from(output.departures[0]) + slot, "packet {n}");
    }
    for packet in output.bytes.chunks_exact(188).filter(|p| p[1] == 0x1F && p[2] == 0xFF) {
        assert_eq!(packet[3] & 0xF0, 0x10, "a null packet has payload and nothing else");
    }
    check_both(output, decoders, |decoder| 512 * 8 * 27_000_000 / decoder.rx)
}

fn check_both(output: &Output, decoders: &Decoders, margin: impl Fn(&Decoder) -> i64) -> Figures {
    let seen = packets(output);
    let pes = pes_packets(&seen);
    let mut figures = Figures::default();
    check_order_and_counters(&seen);
    check_beginning(&seen);
    check_pcr(&seen, &mut figures);
    check_tables(&seen, &mut figures);
    check_random_access(&seen);
    for pid in seen.iter().map(|packet| packet.pid).collect::<std::collections::BTreeSet<_>>() {
        let rx = decoders.get(&pid).map_or(1_000_000, |decoder| decoder.rx);
        assert!(!is_elementary(pid) || decoders.contains_key(&pid), "PID {pid:#x} has a decoder");
        let arrivals = || seen.iter().filter(|p| p.pid == pid).map(|p| p.at);
        let filled = longest_filled(arrivals(), rx);
        assert!(filled <= 1000 * MS, "TB of PID {pid:#x} is not empty for {filled} ticks");
        let fullest = transport_buffer(arrivals(), rx);
        assert!(fullest <= 512 * 8, "TB of PID {pid:#x} holds {} bytes", fullest / 8);
        figures.fullest_tb.insert(pid, fullest / 8);
    }
    let system = seen.iter().filter(|p| !is_elementary(p.pid) && p.pid != CUES).map(|p| p.at);
    assert!(transport_buffer(system, 1_000_000) <= 512 * 8, "TBsys");
    let margins = check_units(&seen, &pes, |packet, _| packet.at, decoders, &mut figures.fullest_audio_b);
    for (pid, least) in &margins {
        let needed = margin(&decoders[pid]);
        assert!(*least >= needed, "unit of PID {pid:#x} complete {least} ticks before its DTS, not {needed}");
    }
    figures.least_margin = margins.values().copied().min().unwrap_or(i64::MAX);
    figures
}

/// The buffers again, with arrival interpolated between PCRs.
pub(crate) fn check_interpolated(output: &Output, video_rx: i64, video_buffer: i64) -> Figures {
    let seen = packets(output);
    let pes = pes_packets(&seen);
    let times = interpolate(&seen);
    let mut figures = Figures::default();
    let decoders = usual(video_rx, video_buffer);
    for pid in seen.iter().map(|packet| packet.pid).collect::<std::collections::BTreeSet<_>>() {
        let rx = decoders.get(&pid).map_or(1_000_000, |decoder| decoder.rx);
        let of_pid = seen.iter().zip(&times).filter(|(p, _)| p.pid == pid).map(|(_, &at)| at);
        figures.fullest_tb.insert(pid, transport_buffer(of_pid, rx) / 8);
    }
    let arrival = |_: &Seen, index: usize| times[index];
    let margins = check_units(&seen, &pes, arrival, &decoders, &mut figures.fullest_audio_b);
    figures.least_margin = margins.values().copied().min().unwrap_or(i64::MAX);
    figures
}

fn interpolate(seen: &[Seen]) -> Vec<i64> {
    let clocks: Vec<usize> = (0..seen.len()).filter(|&index| seen[index].pcr.is_some()).collect();
    let mut times: Vec<i64> = seen.iter().map(|packet| packet.at).collect();
    for pair in clocks.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let span = seen[to].at - seen[from].at;
        for (share, time) in times[from..to].iter_mut().enumerate() {
            *time = seen[from].at + span * share as i64 / (to - from) as i64;
        }
    }
    times
}

fn check_order_and_counters(seen: &[Seen]) {
    for pair in seen.windows(2) {
        assert!(pair[0].at < pair[1].at, "departures rise: {} then {}", pair[0].at, pair[1].at);
    }
    let mut last: BTreeMap<u16, u8> = BTreeMap::new();
    for packet in seen {
        if let Some(&counter) = last.get(&packet.pid) {
            let expected = if packet.has_payload { (counter + 1) & 15 } else { counter };
            assert_eq!(packet.counter, expected, "counter of PID {:#x} at {}", packet.pid, packet.at);
        }
        last.insert(packet.pid, packet.counter);
    }
}

/// Position of the first packet behind PAT, PMT and SDT.
fn behind_tables(seen: &[Seen]) -> usize {
    seen.iter().position(|packet| ![0, 0x1000, 0x11].contains(&packet.pid)).unwrap_or(seen.len())
}

fn check_beginning(seen: &[Seen]) {
    let first = behind_tables(seen);
    let mut tables: Vec<u16> = seen[..first].iter().map(|p| p.pid).collect();
    tables.dedup();
    assert_eq!(tables, [0, 0x1000, 0x11]);
    assert!(seen[first].pcr.is_some(), "a PCR follows the tables");
}

fn check_pcr(seen: &[Seen], figures: &mut Figures) {
    let pid = seen[behind_tables(seen)].pid;
    let mut last: Option<i64> = None;
    for packet in seen {
        let Some(pcr) = packet.pcr else { continue };
        assert_eq!(packet.pid, pid, "PCR on one PID");
        assert_eq!(pcr, packet.at.rem_euclid((1 << 33) * 300), "PCR is the departure");
        if let Some(last) = last {
            figures.longest_pcr_gap = figures.longest_pcr_gap.max(packet.at - last);
        }
        last = Some(packet.at);
    }
    assert!(figures.longest_pcr_gap <= 38 * MS, "PCR gap of {} ticks", figures.longest_pcr_gap);
    let tail = seen[seen.len() - 1].at - last.expect("a PCR");
    assert!(tail <= 38 * MS, "{tail} ticks without a PCR at the end");
}

/// Sections of a PID, each with the departures of its first and last packet. None begins in the packet in
/// which another ends; the stream's end may cut the last one off.
pub(crate) fn sections(seen: &[Seen], pid: u16) -> Vec<(i64, i64, Vec<u8>)> {
    let mut sections: Vec<(i64, i64, Vec<u8>)> = Vec::new();
    let size = |bytes: &[u8]| 3 + (usize::from(bytes[1] & 15) << 8 | usize::from(bytes[2]));
    for packet in seen.iter().filter(|packet| packet.pid == pid) {
        if packet.start {
            assert_eq!(packet.payload[0], 0, "pointer field");
            assert!(
                sections.last().is_none_or(|(_, _, bytes)| bytes.len() == size(bytes)),
                "a whole section"
            );
            sections.push((packet.at, packet.at, packet.payload[1..].to_vec()));
        } else {
            let (_, end, bytes) = sections.last_mut().expect("a begun section");
            *end = packet.at;
            bytes.extend_from_slice(&packet.payload);
        }
        let (_, _, bytes) = sections.last_mut().expect("a section");
        let size = size(bytes);
        if bytes.len() >= size {
            assert!(bytes[size..].iter().all(|&b| b == 0xFF), "stuffing behind the section");
            bytes.truncate(size);
        }
    }
    // What the stream's end cuts off.
    sections.pop_if(|(_, _, bytes)| bytes.len() < size(bytes));
    sections
}

fn check_tables(seen: &[Seen], figures: &mut Figures) {
    let end = seen[seen.len() - 1].at;
    // Sections of events are looked at by `service_information`.
    for pid in [0, 0x1000, 0x11] {
        let sections = sections(seen, pid);
        let most = if pid == 0x11 { 2_000 * MS } else { 100 * MS };
        for pair in sections.windows(2) {
            let ((begin, ended, bytes), (next, _, others)) = (&pair[0], &pair[1]);
            assert!(next - ended >= 25 * MS, "sections of PID {pid:#x} {} ticks apart", next - ended);
            assert!(next - begin <= most, "{} ticks without PID {pid:#x}", next - begin);
            assert_eq!(bytes, others, "unchanged");
            if pid == 0 {
                figures.longest_pat_gap = figures.longest_pat_gap.max(next - begin);
            }
        }
        let (last, _, _) = sections.last().expect("a section");
        assert!(end - last <= most, "PID {pid:#x} at the end");
    }
}

/// Each random access point carries a PCR and follows a PAT and its PMT, which is under 26 ms old; where
/// points are dense, one in 250 ms does.
fn check_random_access(seen: &[Seen]) {
    let (mut pat, mut pmt) = (i64::MIN / 2, i64::MIN / 2);
    // The tables of the beginning do for points as near.
    let mut announced = seen[0].at;
    let clock = seen[behind_tables(seen)].pid;
    for packet in seen {
        match packet.pid {
            0 => pat = packet.at,
            0x1000 => pmt = packet.at,
            _ => {}
        }
        if packet.random_access {
            assert!(packet.start && (packet.pcr.is_some() || packet.pid != clock), "RAI comes with a PCR");
            if pat < pmt && packet.at - pmt < 26 * MS {
                announced = packet.at;
            }
            let age = packet.at - announced;
            assert!(age < 276 * MS, "PAT and PMT before RAI at {} are {age} ticks old", packet.at);
        }
    }
}

/// Most bits in a buffer that takes whole packets and drains at `rx` bit/s, times nothing: exact in
/// bits times 27 MHz ticks, reported in bits rounded up.
fn transport_buffer(arrivals: impl Iterator<Item = i64>, rx: i64) -> i64 {
    let (mut level, mut fullest, mut last) = (0i128, 0i128, i64::MIN);
    for at in arrivals {
        if last != i64::MIN {
            level = (level - i128::from(at - last) * i128::from(rx)).max(0);
        }
        level += 188 * 8 * 27_000_000;
        fullest = fullest.max(level);
        last = at;
    }
    ((fullest + 26_999_999) / 27_000_000) as i64
}

/// Longest time in ticks for which the same buffer is not empty, which §2.4.2.7 bounds by a second.
fn longest_filled(arrivals: impl Iterator<Item = i64>, rx: i64) -> i64 {
    let (mut empty, mut begun, mut longest) = (i128::MIN, 0, 0);
    let bits = 188 * 8 * 27_000_000;
    for at in arrivals.map(i128::from) {
        // Instants times the rate: exact.
        if at * i128::from(rx) >= empty {
            (begun, empty) = (at, at * i128::from(rx));
        }
        empty += bits;
        longest = longest.max(empty / i128::from(rx) - begun);
    }
    longest as i64
}

/// Follows every unit from its packets to its DTS: the decoder's buffers never hold more than they may.
/// Returns the least time between complete arrival and DTS for each PID.
fn check_units(
    seen: &[Seen],
    pes: &[Pes],
    arrival: impl Fn(&Seen, usize) -> i64,
    decoders: &Decoders,
    fullest_audio_b: &mut i64,
) -> BTreeMap<u16, i64> {
    let mut margins = BTreeMap::new();
    let pids: std::collections::BTreeSet<u16> = pes.iter().map(|pes| pes.pid).collect();
    for pid in pids {
        // (instant, bytes in or out); what leaves at an instant leaves first, header bytes with their unit.
        let mut changes: Vec<(i64, i64)> = Vec::new();
        let mut unit = pes.iter().filter(|pes| pes.pid == pid);
        let mut current: Option<(&Pes, usize)> = None;
        let (mut least, mut begun) = (i64::MAX, 0);
        for (index, packet) in seen.iter().enumerate().filter(|(_, p)| p.pid == pid && p.has_payload) {
            if packet.start {
                current = unit.next().map(|pes| (pes, 0));
                begun = arrival(packet, index);
            }
            let (pes, got) = current.as_mut().expect("a PES packet");
            let at = arrival(packet, index);
            changes.push((at, packet.payload.len() as i64));
            *got += packet.payload.len();
            if *got == pes.header + pes.data.len() {
                let dts = unwrap(pes.dts, at) * 300;
                least = least.min(dts - at);
                let stay = dts - begun;
                assert!(stay <= decoders[&pid].stay, "unit of PID {pid:#x} is {stay} ticks in the buffers");
                changes.push((dts, -(*got as i64)));
            }
        }
        changes.sort_unstable();
        let (mut level, mut fullest) = (0, 0);
        for (_, bytes) in changes {
            level += bytes;
            fullest = fullest.max(level);
        }
        let size = decoders[&pid].buffer;
        if pid != 0x100 {
            *fullest_audio_b = (*fullest_audio_b).max(fullest);
        }
        assert!(fullest <= size, "decoder buffer of PID {pid:#x} holds {fullest} of {size} bytes");
        margins.insert(pid, least);
    }
    margins
}

/// The instant nearest to `near` (27 MHz) whose 33-bit stamp is `stamp`, in 90 kHz.
pub(crate) fn unwrap(stamp: i64, near: i64) -> i64 {
    let near = near / 300;
    let difference = (stamp - near).rem_euclid(1 << 33);
    near + if difference < 1 << 32 { difference } else { difference - (1 << 33) }
}
