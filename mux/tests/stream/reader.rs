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
                    assert_eq!(p[5] & 0x2F, 0, "fields never written");
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
        assert!(b.len() - 6 > 0xFFFF && b[3] & 0xF0 == 0xE0, "only long video goes without a length");
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

/// Checks everything a stream of one session at a variable rate must keep to. `video_rx` and
/// `video_buffer` are the drain rate of the video's TB in bit/s and the bytes of its MB and EB together.
pub(crate) fn check(output: &Output, video_rx: i64, video_buffer: i64) -> Figures {
    let figures = check_both(output, video_rx, video_buffer);
    assert!(figures.least_margin >= 30 * MS, "unit complete {} ticks before its DTS", figures.least_margin);
    figures
}

/// The same at a constant rate of `bps`: every packet has its slot, and a unit has passed its transport
/// buffer by its DTS.
pub(crate) fn check_constant(output: &Output, bps: u64, video_rx: i64, video_buffer: i64) -> Figures {
    for (n, at) in output.departures.iter().enumerate() {
        let slot = 188 * 8 * 27_000_000 * n as i128 / i128::from(bps);
        assert_eq!(i128::from(*at), i128::from(output.departures[0]) + slot, "packet {n}");
    }
    for packet in output.bytes.chunks_exact(188).filter(|p| p[1] == 0x1F && p[2] == 0xFF) {
        assert_eq!(packet[3] & 0xF0, 0x10, "a null packet has payload and nothing else");
    }
    let figures = check_both(output, video_rx, video_buffer);
    let slowest = video_rx.min(2_000_000);
    let drained = 512 * 8 * 27_000_000 / if slowest == 0 { 1 } else { slowest };
    assert!(figures.least_margin >= drained, "unit complete {} ticks before its DTS", figures.least_margin);
    figures
}

fn check_both(output: &Output, video_rx: i64, video_buffer: i64) -> Figures {
    let seen = packets(output);
    let pes = pes_packets(&seen);
    let mut figures = Figures::default();
    check_order_and_counters(&seen);
    check_beginning(&seen);
    check_pcr(&seen, &mut figures);
    check_tables(&seen, &mut figures);
    check_random_access(&seen);
    for pid in seen.iter().map(|packet| packet.pid).collect::<std::collections::BTreeSet<_>>() {
        let rx = if pid == 0x100 {
            video_rx
        } else if is_elementary(pid) {
            2_000_000
        } else {
            1_000_000
        };
        let fullest = transport_buffer(seen.iter().filter(|p| p.pid == pid).map(|p| p.at), rx);
        assert!(fullest <= 512 * 8, "TB of PID {pid:#x} holds {} bytes", fullest / 8);
        figures.fullest_tb.insert(pid, fullest / 8);
    }
    let system = seen.iter().filter(|p| !is_elementary(p.pid)).map(|p| p.at);
    assert!(transport_buffer(system, 1_000_000) <= 512 * 8, "TBsys");
    let arrival = |packet: &Seen, _: usize| packet.at;
    figures.least_margin = check_units(&seen, &pes, arrival, video_buffer, &mut figures.fullest_audio_b);
    figures
}

/// The buffers again, with arrival interpolated between PCRs.
pub(crate) fn check_interpolated(output: &Output, video_rx: i64, video_buffer: i64) -> Figures {
    let seen = packets(output);
    let pes = pes_packets(&seen);
    let times = interpolate(&seen);
    let mut figures = Figures::default();
    for pid in seen.iter().map(|packet| packet.pid).collect::<std::collections::BTreeSet<_>>() {
        let rx = if pid == 0x100 {
            video_rx
        } else if is_elementary(pid) {
            2_000_000
        } else {
            1_000_000
        };
        let of_pid = seen.iter().zip(&times).filter(|(p, _)| p.pid == pid).map(|(_, &at)| at);
        figures.fullest_tb.insert(pid, transport_buffer(of_pid, rx) / 8);
    }
    let arrival = |_: &Seen, index: usize| times[index];
    figures.least_margin = check_units(&seen, &pes, arrival, video_buffer, &mut figures.fullest_audio_b);
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

fn check_beginning(seen: &[Seen]) {
    assert_eq!(seen[..3].iter().map(|p| p.pid).collect::<Vec<_>>(), [0, 0x1000, 0x11]);
    let first = &seen[3];
    assert!(first.start && first.pcr.is_some(), "a unit with a PCR follows the tables");
}

fn check_pcr(seen: &[Seen], figures: &mut Figures) {
    let pid = seen[3].pid;
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

fn check_tables(seen: &[Seen], figures: &mut Figures) {
    let mut last: BTreeMap<u16, (i64, Vec<u8>)> = BTreeMap::new();
    // Sections of other PIDs are longer than packets; `service_information` reads those.
    for packet in seen.iter().filter(|packet| [0, 0x1000, 0x11].contains(&packet.pid)) {
        assert!(packet.start && packet.payload[0] == 0, "a whole section per packet");
        let length = usize::from(packet.payload[2] & 15) << 8 | usize::from(packet.payload[3]);
        assert!(packet.payload[4 + length..].iter().all(|&b| b == 0xFF), "stuffing behind the section");
        let section = packet.payload[1..4 + length].to_vec();
        if let Some((at, bytes)) = last.get(&packet.pid) {
            let gap = packet.at - at;
            assert!(gap >= 25 * MS, "sections of PID {:#x} {gap} ticks apart", packet.pid);
            let most = if packet.pid == 0x11 { 2_000 * MS } else { 100 * MS };
            assert!(gap <= most, "{gap} ticks without PID {:#x}", packet.pid);
            assert_eq!(*bytes, section, "unchanged");
            if packet.pid == 0 {
                figures.longest_pat_gap = figures.longest_pat_gap.max(gap);
            }
        }
        last.insert(packet.pid, (packet.at, section));
    }
    for pid in [0, 0x1000] {
        assert!(seen[seen.len() - 1].at - last[&pid].0 <= 100 * MS, "PID {pid:#x} at the end");
    }
}

/// Each random access point carries a PCR and follows a PAT and its PMT, which is under 26 ms old; where
/// points are dense, one in 250 ms does.
fn check_random_access(seen: &[Seen]) {
    let (mut pat, mut pmt, mut announced) = (i64::MIN / 2, i64::MIN / 2, i64::MIN / 2);
    for packet in seen {
        match packet.pid {
            0 => pat = packet.at,
            0x1000 => pmt = packet.at,
            _ => {}
        }
        if packet.random_access {
            assert!(packet.pcr.is_some() && packet.start, "RAI comes with a PCR");
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

/// Follows every unit from its packets to its DTS: the decoder's buffers never hold more than they may.
/// Returns the least time between complete arrival and DTS.
fn check_units(
    seen: &[Seen],
    pes: &[Pes],
    arrival: impl Fn(&Seen, usize) -> i64,
    video_buffer: i64,
    fullest_audio_b: &mut i64,
) -> i64 {
    let mut least = i64::MAX;
    let pids: std::collections::BTreeSet<u16> = pes.iter().map(|pes| pes.pid).collect();
    for pid in pids {
        // (instant, bytes in or out); what leaves at an instant leaves first, header bytes with their unit.
        let mut changes: Vec<(i64, i64)> = Vec::new();
        let mut unit = pes.iter().filter(|pes| pes.pid == pid);
        let mut current: Option<(&Pes, usize)> = None;
        for (index, packet) in seen.iter().enumerate().filter(|(_, p)| p.pid == pid && p.has_payload) {
            if packet.start {
                current = unit.next().map(|pes| (pes, 0));
            }
            let (pes, got) = current.as_mut().expect("a PES packet");
            let at = arrival(packet, index);
            changes.push((at, packet.payload.len() as i64));
            *got += packet.payload.len();
            if *got == pes.header + pes.data.len() {
                let dts = unwrap(pes.dts, at) * 300;
                least = least.min(dts - at);
                changes.push((dts, -(*got as i64)));
            }
        }
        changes.sort_unstable();
        let (mut level, mut fullest) = (0, 0);
        for (_, bytes) in changes {
            level += bytes;
            fullest = fullest.max(level);
        }
        let size = if pid == 0x100 { video_buffer } else { 3584 };
        if pid != 0x100 {
            *fullest_audio_b = (*fullest_audio_b).max(fullest);
        }
        assert!(fullest <= size, "decoder buffer of PID {pid:#x} holds {fullest} of {size} bytes");
    }
    least
}

/// The instant nearest to `near` (27 MHz) whose 33-bit stamp is `stamp`, in 90 kHz.
pub(crate) fn unwrap(stamp: i64, near: i64) -> i64 {
    let near = near / 300;
    let difference = (stamp - near).rem_euclid(1 << 33);
    near + if difference < 1 << 32 { difference } else { difference - (1 << 33) }
}
