//! The buffers' peaks against a model that goes byte by byte, in exact integers, and against figures by hand.

use crate::check;
use crate::writer::*;
use proptest::prelude::*;
use retrovue_analyser::StreamReport;

/// How an elementary stream is simulated.
#[derive(Debug, Clone, Copy)]
struct Model {
    rx: i128,
    /// The leak out of MB; sound has none.
    rbx: Option<i128>,
    header: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Peaks {
    tb: i128,
    mb: i128,
    eb: i128,
}

/// Every byte of a PID on its own: arrival, exit from TB, exit from MB. Units leave whole at their DTS.
fn slow(plan: &Plan, packets: &[Packet], pid: u16, model: Model, dts: impl Fn(usize) -> i64) -> Peaks {
    let rbx = model.rbx.unwrap_or(1);
    // Instants are counted in parts of a tick by which all of them are whole.
    let scale = 188 * model.rx * rbx;
    let (through_tb, through_mb) = (8 * 27_000_000 * 188 * rbx, 8 * 27_000_000 * 188 * model.rx);
    let (mut tb_free, mut mb_free) = (0, 0);
    let mut peaks = Peaks::default();
    // What is in a buffer: (in, out) of each byte.
    let (mut mb, mut eb) = (Vec::new(), Vec::new());
    let (mut unit, mut behind) = (None::<usize>, 0);
    for (n, packet) in packets.iter().enumerate() {
        if u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]) != pid {
            continue;
        }
        let first = match packet[3] >> 4 & 3 {
            1 => 4,
            2 => 188,
            _ => 5 + usize::from(packet[4]),
        };
        if packet[1] & 0x40 != 0 {
            unit = Some(unit.map_or(0, |unit| unit + 1));
            behind = 0;
        }
        for byte in 0..188 {
            // Nothing is simulated before the first unit.
            let Some(unit) = unit else { continue };
            let at = (n as i128 * 188 + byte) * i128::from(plan.slot) * model.rx * rbx;
            tb_free = tb_free.max(at) + through_tb;
            peaks.tb = peaks.tb.max((tb_free - at + through_tb - 1) / through_tb);
            if (byte as usize) < first {
                continue;
            }
            let header = behind < model.header;
            behind += 1;
            let out = i128::from(dts(unit)) * scale;
            match model.rbx {
                // Headers go no further than MB.
                Some(_) if header => {}
                Some(_) => {
                    mb_free = mb_free.max(tb_free) + through_mb;
                    mb.push((tb_free, mb_free));
                    eb.push((mb_free, out));
                }
                None => eb.push((tb_free, out)),
            }
        }
    }
    peaks.mb = most(&mb);
    peaks.eb = most(&eb);
    peaks
}

fn most(stays: &[(i128, i128)]) -> i128 {
    let mut events: Vec<(i128, i128)> = stays.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    // What leaves at an instant leaves before what comes.
    events.sort_unstable();
    let (mut level, mut peak) = (0, 0);
    for (_, change) in events {
        level += change;
        peak = peak.max(level);
    }
    peak
}

fn stream(plan: &Plan, packets: &[Packet], pid: u16) -> StreamReport {
    let report = check(packets);
    let found = report.pids.iter().find(|p| p.pid == pid).and_then(|p| p.stream.clone());
    let found = found.unwrap_or_else(|| panic!("{plan:?}\n{report}"));
    assert_eq!((found.not_graded, found.late), (None, 0), "{report}");
    found
}

fn near(what: &str, found: i64, expected: i128, by: i128) {
    assert!((i128::from(found) - expected).abs() <= by, "{what}: {found}, byte by byte {expected}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sound(bytes in 30..900usize, early in 60..300i64, slot in prop::sample::select(vec![2_500, 3_600, 7_001, 20_000])) {
        let plan = Plan { slot, audio: Audio { bytes, early: early * MS }, ..Plan::fast(2 * SECOND) };
        let packets = plan.packets();
        let found = stream(&plan, &packets, AUDIO);
        let model = Model { rx: 2_000_000, rbx: None, header: 14 };
        let expected = slow(&plan, &packets, AUDIO, model, |n| BASE + n as i64 * FRAME);
        near("TB", found.tb.expect("TB").peak, expected.tb, 1);
        near("B", found.eb.expect("B").peak, expected.eb, 1);
    }

    #[test]
    fn pictures(
        bytes in 200..5200usize,
        early in 200..450i64,
        level in prop::sample::select(vec![13u32, 31]),
        rate in prop::sample::select(vec![None, Some(700u32), Some(2000)]),
        slot in prop::sample::select(vec![2_500, 3_600, 7_001]),
    ) {
        // An HRD in the low level would leave MB so small that EB fills; that is another test.
        let hrd = rate.filter(|_| level == 31).map(|rate| (rate, 15_625));
        let bytes = if level == 13 { bytes.min(3500) } else { bytes.min(rate.unwrap_or(2000) as usize * 4) };
        let plan = Plan { slot, video: Video { hevc: false, level, hrd, bytes, early: early * MS }, ..Plan::fast(2 * SECOND) };
        let packets = plan.packets();
        let found = stream(&plan, &packets, VIDEO);
        let (rx, rbx) = match (level, hrd) {
            (13, _) => (1_105_920, 921_600),
            (_, Some((rate, _))) => (i128::from(rate) * 1024 * 12 / 10, 16_800_000),
            _ => (20_160_000, 16_800_000),
        };
        prop_assert_eq!(i128::from(found.rx.expect("Rx")), rx);
        let expected = slow(&plan, &packets, VIDEO, Model { rx, rbx: Some(rbx), header: 19 }, |n| BASE + n as i64 * PICTURE);
        near("TB", found.tb.expect("TB").peak, expected.tb, 1);
        // A byte on its way is half in MB, half in EB; whole headers wait in MB with the byte behind them.
        near("MB", found.mb.expect("MB").peak, expected.mb, 20);
        near("EB", found.eb.expect("EB").peak, expected.eb, 2);
    }
}

/// 2,000 byte pictures sent whole at 11.28 Mb/s in a burst, 100 ms before they are decoded: three wait in EB.
#[test]
fn by_hand() {
    let plan = Plan {
        video: Video { hevc: false, level: 31, hrd: None, bytes: 2000, early: 100 * MS },
        ..Plan::fast(2 * SECOND)
    };
    let video = stream(&plan, &plan.packets(), VIDEO);
    // The mux rate is under Rx and Rbx: no byte waits for another; a PES header waits for the byte behind it.
    assert_eq!(video.tb.expect("TB").peak, 1);
    assert_eq!(video.mb.expect("MB").peak, 19);
    assert_eq!(video.eb.expect("EB").peak, 6000);
    assert_eq!(video.eb.expect("EB").limit, 2_100_000);
    assert_eq!((video.rx, video.longest_delay_us / 1000), (Some(20_160_000), 100));
    // Sound of 100 bytes, 50 ms early: three frames wait with their PES headers of 14.
    let plan = Plan { audio: Audio { bytes: 100, early: 50 * MS }, ..Plan::fast(2 * SECOND) };
    let sound = stream(&plan, &plan.packets(), AUDIO);
    assert_eq!(sound.eb.expect("B").peak, 3 * 114);
    assert_eq!(sound.eb.expect("B").limit, 3584);
    // One packet at 11.28 Mb/s into 2 Mb/s: 188 bytes less what leaves meanwhile.
    assert_eq!(sound.tb.expect("TB").peak, (188 * 100 - 187 * 10_000 / 564 + 99) / 100);
}
