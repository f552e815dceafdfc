//! Whatever the bytes are and however they are cut: no panic, and the same report.

use crate::writer::{Plan, SECOND, Video};
use proptest::prelude::*;
use retrovue_analyser::{Analyser, Dump, Lines, Options, Report};
use std::sync::LazyLock;

const ALL: Options = Options { dvb: true, plot: true };

/// A clean stream of a second.
static CLEAN: LazyLock<Vec<u8>> = LazyLock::new(|| Plan::fast(SECOND).packets().as_flattened().to_vec());

/// The same with pictures of HEVC.
static CLEAN_HEVC: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let plan = Plan::fast(SECOND);
    let video = Video { hevc: true, ..plan.video.clone() };
    Plan { video, ..plan }.packets().as_flattened().to_vec()
});

fn check(bytes: &[u8], cuts: &[usize]) -> Report {
    let mut analyser = Analyser::new(ALL);
    for piece in pieces(bytes, cuts) {
        analyser.push(piece);
    }
    let report = analyser.finish();
    // Told in every form.
    let _ = (report.to_string(), report.svg(), serde_json::to_string(&report).expect("JSON"));
    report
}

/// Cut again and again by these lengths.
fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut out = Vec::new();
    let mut cuts = cuts.iter().cycle();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at((*cuts.next().expect("a cut")).clamp(1, bytes.len()));
        out.push(piece);
        bytes = rest;
    }
    out
}

fn dump(bytes: &[u8], lines: Lines, cuts: &[usize]) -> String {
    let mut dump = Dump::new(lines);
    pieces(bytes, cuts).into_iter().for_each(|piece| dump.push(piece));
    dump.finish();
    dump.take()
}

/// What happens to a stream on its way.
#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Flip(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Insert(usize, Vec<u8>),
    /// Packets change places.
    Swap(usize, usize),
    /// A byte among a packet's first 24, in packets that hold something.
    Header(usize, usize, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..188 * 7500usize;
    let packet = 0..7500usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, value)| Damage::Set(at, value)),
        (at.clone(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (at.clone(), 1..2000usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        (at.clone(), 1..2000usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (at, prop::collection::vec(any::<u8>(), 1..600)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (packet.clone(), packet.clone()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (packet, 1..24usize, any::<u8>()).prop_map(|(n, at, value)| Damage::Header(n, at, value)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let length = bytes.len().max(1);
    match damage {
        Damage::Set(at, value) => bytes[at % length] = *value,
        Damage::Flip(at, bit) => bytes[at % length] ^= 1 << bit,
        Damage::Remove(at, count) => {
            let at = at % length;
            bytes.drain(at..(at + count).min(length));
        }
        Damage::Repeat(at, count) => {
            let at = at % length;
            let again = bytes[at..(at + count).min(length)].to_vec();
            bytes.splice(at..at, again);
        }
        Damage::Insert(at, more) => {
            let at = at % length;
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Swap(a, b) => {
            let packets = length / 188;
            let (a, b) = (a % packets, b % packets);
            for n in 0..188 {
                bytes.swap(a * 188 + n, b * 188 + n);
            }
        }
        Damage::Header(n, at, value) => {
            let held: Vec<usize> =
                (0..length / 188).filter(|&n| bytes[n * 188 + 1..n * 188 + 3] != [0x1F, 0xFF]).collect();
            bytes[held[n % held.len()] * 188 + at] = *value;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn damaged_streams(
        damages in prop::collection::vec(damage(), 1..40),
        cuts in prop::collection::vec(1..5000usize, 1..20),
        hevc: bool,
    ) {
        let mut bytes = if hevc { CLEAN_HEVC.clone() } else { CLEAN.clone() };
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        let whole = check(&bytes, &[usize::MAX]);
        prop_assert_eq!(check(&bytes, &cuts), whole);
        prop_assert_eq!(dump(&bytes, Lines::Pes, &cuts), dump(&bytes, Lines::Pes, &[usize::MAX]));
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..4000), cut in 1..300usize) {
        prop_assert_eq!(check(&bytes, &[cut]), check(&bytes, &[usize::MAX]));
    }

    /// Packets in sync whose fields are anything, on few PIDs.
    #[test]
    fn random_packets(
        packets in prop::collection::vec((0..24usize, any::<u8>(), prop::collection::vec(any::<u8>(), 40)), 5..300),
        cut in 1..3000usize,
    ) {
        const PIDS: [u16; 12] = [0, 1, 0x10, 0x11, 0x12, 0x14, 0x100, 0x101, 0x102, 0x200, 0x201, 0x1000];
        let mut bytes = CLEAN[..188 * 1500].to_vec();
        for (pid, flags, head) in &packets {
            let pid = PIDS[pid % PIDS.len()];
            let mut packet = [head[3]; 188];
            packet[..40].copy_from_slice(head);
            packet[0] = 0x47;
            packet[1] = flags & 0x40 | (pid >> 8) as u8;
            packet[2] = pid as u8;
            packet[3] &= 0x3F;
            if flags & 1 == 0 && packet[3] & 0x20 != 0 {
                packet[4] %= 184;
            }
            if flags & 2 == 0 && flags & 0x40 != 0 && packet[3] & 0x20 == 0 {
                packet[4..8].copy_from_slice(&[0, 0, 1, 0xE0]);
            }
            bytes.extend(packet);
        }
        bytes.extend_from_slice(&CLEAN[188 * 1500..188 * 3000]);
        prop_assert_eq!(check(&bytes, &[cut]), check(&bytes, &[usize::MAX]));
        prop_assert_eq!(dump(&bytes, Lines::Packets, &[cut]), dump(&bytes, Lines::Packets, &[usize::MAX]));
    }
}

#[test]
fn other_packet_sizes() {
    let clean = Plan::fast(SECOND).packets();
    let bare = check(&CLEAN, &[4000]);
    let with = |before: usize, behind: usize| -> Vec<u8> {
        clean.iter().flat_map(|packet| [&vec![0; before][..], packet, &vec![9; behind]].concat()).collect()
    };
    let parity = check(&with(0, 16), &[4001]);
    assert_eq!((parity.packets, parity.is_clean(), parity.pids == bare.pids), (bare.packets, true, true));
    // M2TS is read, but its buffers are not judged.
    let m2ts = check(&with(4, 0), &[4001]);
    assert_eq!((m2ts.packets, m2ts.is_clean(), m2ts.skipped_bytes), (bare.packets, true, 0));
    let graded = m2ts.pids.iter().filter_map(|pid| pid.stream.as_ref()).filter(|s| s.not_graded.is_none());
    assert_eq!(graded.count(), 0);
}
