//! One fault in a clean stream breaks exactly the rule it is against. Every rule has its fault here.

use crate::writer::*;
use crate::{breaks, check, check_with};
use retrovue_analyser::{Options, Report, Rule};
use std::ops::Range;

/// A report on two seconds whose items were changed.
fn items(change: impl FnOnce(&mut Vec<Item>)) -> Report {
    changed(&Plan::fast(2 * SECOND), change)
}

fn changed(plan: &Plan, change: impl FnOnce(&mut Vec<Item>)) -> Report {
    let mut items = plan.items();
    change(&mut items);
    check(&plan.pack(items))
}

/// A report on two seconds whose packets were changed.
fn packets(change: impl FnOnce(&mut Vec<Packet>)) -> Report {
    let mut packets = Plan::fast(2 * SECOND).packets();
    change(&mut packets);
    check(&packets)
}

fn pid(packet: &Packet) -> u16 {
    u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2])
}

/// Index of the `n`th packet of a PID that `wanted` takes.
fn nth(packets: &[Packet], of: u16, n: usize, wanted: impl Fn(&Packet) -> bool) -> usize {
    let mut found = (0..packets.len()).filter(|&at| pid(&packets[at]) == of && wanted(&packets[at]));
    found.nth(n).expect("so many packets")
}

fn starts(packet: &Packet) -> bool {
    packet[1] & 0x40 != 0
}

/// The items of a unit.
fn unit(items: &mut [Item], of: u16, n: usize) -> impl Iterator<Item = &mut Item> {
    items.iter_mut().filter(move |item| item.pid == of && item.unit == n && !item.payload.is_empty())
}

fn without(items: &mut Vec<Item>, of: u16, time: Range<i64>) {
    items.retain(|item| item.pid != of || !time.contains(&item.at));
}

/// The PES packet of a sound frame with other bytes.
fn sound_frame(items: &mut Vec<Item>, n: usize, pes: &[u8]) {
    let at = unit(items, AUDIO, n).next().expect("a frame").at;
    items.retain(|item| item.pid != AUDIO || item.unit != n);
    items.extend(crate::writer::packets(at, AUDIO, n, pes, false));
}

fn sound_pes(n: usize, bytes: usize) -> Vec<u8> {
    pes(0xC0, true, BASE + n as i64 * FRAME, None, &sound(bytes))
}

#[test]
fn every_rule_has_its_fault() {
    let tests = include_str!("controls.rs");
    for rule in Rule::ALL {
        assert!(tests.contains(&format!("Rule::{rule:?}")), "{rule:?} is broken by no test");
    }
}

#[test]
fn sync_loss() {
    let report = packets(|packets| {
        let at = nth(packets, 0x1FFF, 5000, |_| true);
        packets[at][0] = 0;
        let next = (at + 1..).find(|&n| pid(&packets[n]) == 0x1FFF).expect("a null packet");
        packets.swap(at + 1, next);
        packets[at + 1][0] = 0;
    });
    breaks(&report, &[Rule::SyncLoss]);
    assert_eq!(report.skipped_bytes, 2 * 188);
}

#[test]
fn sync_byte() {
    let report =
        packets(|packets| packets.iter_mut().filter(|p| pid(p) == 0x1FFF).nth(5000).expect("one")[0] = 0x46);
    breaks(&report, &[Rule::SyncByte]);
}

#[test]
fn tables_stay_away() {
    for (table, rule) in [(0, Rule::Pat), (PMT, Rule::Pmt), (PMT_2, Rule::Pmt)] {
        breaks(&items(|items| without(items, table, SECOND..SECOND + 510 * MS)), &[rule]);
        breaks(&items(|items| without(items, table, SECOND + 50 * MS..SECOND + 450 * MS)), &[]);
        // At the stream's end too.
        breaks(&items(|items| without(items, table, SECOND + 300 * MS..2 * SECOND)), &[rule]);
    }
    breaks(&items(|items| without(items, PMT_2, 0..2 * SECOND)), &[Rule::Pmt, Rule::Unreferenced]);
}

#[test]
fn no_pat() {
    let report = items(|items| without(items, 0, 0..2 * SECOND));
    assert!(report.broken().any(|rule| rule.rule == Rule::Pat), "{report}");
    assert_eq!(check(&[null(); 100]).broken().map(|rule| rule.rule).collect::<Vec<_>>(), [Rule::Pat]);
}

#[test]
fn continuity() {
    for (of, n) in [(AUDIO, 10), (VIDEO, 40), (VIDEO, 41), (VIDEO, 42), (0, 3), (0x12, 2)] {
        let report = packets(|packets| {
            let at = nth(packets, of, n, |p| p[3] & 0x10 != 0);
            packets[at] = null();
        });
        breaks(&report, &[Rule::Continuity]);
        assert_eq!(report.rule(Rule::Continuity).count, 1);
    }
    let report = packets(|packets| {
        let at = nth(packets, VIDEO, 41, |p| p[3] & 0x10 != 0);
        let before = nth(packets, VIDEO, 40, |p| p[3] & 0x10 != 0);
        assert_eq!(packets[at][3] & 15, (packets[before][3] + 1) & 15);
        // A packet without payload must not count.
        let free = (at + 1..).find(|&n| pid(&packets[n]) == 0x1FFF).expect("a null packet");
        let counter = (packets[at][3] + 5) & 15;
        packets[free] = [0xFF; 188];
        packets[free][..6].copy_from_slice(&[0x47, 1, 0, 0x20 | counter, 183, 0]);
    });
    breaks(&report, &[Rule::Continuity]);
}

#[test]
fn sent_twice() {
    for (times, broken) in [(1, &[][..]), (2, &[Rule::Continuity])] {
        let report = packets(|packets| {
            let at = nth(packets, AUDIO, 10, |_| true);
            let copy = packets[at];
            for _ in 0..times {
                let free = (at + 1..).find(|&n| pid(&packets[n]) == 0x1FFF).expect("a null packet");
                packets[free] = copy;
            }
        });
        breaks(&report, broken);
        let audio = report.pids.iter().find(|p| p.pid == AUDIO).expect("sound");
        assert_eq!(audio.repeated, 1);
        assert_eq!(audio.stream.as_ref().expect("sound").late, 0);
    }
}

#[test]
fn pid_missing() {
    let announce = |items: &mut Vec<Item>| {
        for item in items.iter_mut().filter(|item| item.pid == PMT_2) {
            *item = section(item.at, PMT_2, &pmt(2, PCR_2, &[(0x0F, AUDIO_2), (0x0F, 0x2AA)]));
        }
    };
    breaks(&items(announce), &[Rule::PidMissing]);
    let report = changed(&Plan::slow(10 * SECOND), |items| without(items, AUDIO_2, 2 * SECOND..8 * SECOND));
    breaks(&report, &[Rule::PidMissing, Rule::Pts]);
}

#[test]
fn transport_error() {
    for of in [0x1FFF, AUDIO, VIDEO, 0x11] {
        let report = packets(|packets| {
            let at = nth(packets, of, 1, |_| true);
            packets[at][1] |= 0x80;
        });
        breaks(&report, &[Rule::TransportError]);
    }
}

#[test]
fn crc() {
    for of in [0, PMT, PMT_2, 0x10, 0x11, 0x12, SPLICE] {
        let report = packets(|packets| {
            let at = nth(packets, of, 0, |_| true);
            packets[at][10] ^= 4;
        });
        breaks(&report, &[Rule::Crc]);
    }
}

#[test]
fn pcr_interval() {
    let stretch = |flagged: bool| {
        items(|items| {
            for item in items.iter_mut().filter(|item| item.pid == PCR_2 && item.at > SECOND) {
                if item.at < SECOND + 100 * MS {
                    item.pcr = None;
                } else if item.at < SECOND + 140 * MS {
                    item.discontinuity = flagged;
                }
            }
        })
    };
    breaks(&stretch(false), &[Rule::PcrRepetition, Rule::PcrDiscontinuity]);
    breaks(&stretch(true), &[Rule::PcrRepetition]);
}

/// A time base five seconds ahead, from 1.1 s on.
fn splice(items: &mut [Item], flagged: bool) {
    let (from, away) = (SECOND + 100 * MS, 5 * SECOND);
    let mut first = flagged;
    for item in items.iter_mut().filter(|item| item.at >= from && item.pid == VIDEO) {
        if let Some(pcr) = &mut item.pcr {
            *pcr += away;
            item.discontinuity = std::mem::take(&mut first);
        }
    }
    let (video, audio) = (Plan::fast(1).video, Plan::fast(1).audio);
    for n in 0.. {
        let dts = BASE + n as i64 * PICTURE;
        let new = pes(0xE0, false, dts + PICTURE + away, Some(dts + away), &picture(n, &video));
        match unit(items, VIDEO, n).next() {
            Some(item) if item.at >= from => item.payload = new[..item.payload.len()].to_vec(),
            Some(_) => {}
            None => break,
        }
    }
    for n in 0.. {
        let new = pes(0xC0, true, BASE + n as i64 * FRAME + away, None, &sound(audio.bytes));
        match unit(items, AUDIO, n).next() {
            Some(item) if item.at >= from => item.payload = new,
            Some(_) => {}
            None => break,
        }
    }
}

#[test]
fn another_time_base() {
    let mut plan = Plan::fast(2 * SECOND);
    // The last of the old base's sound leaves before the new one begins.
    plan.audio.early = 20 * MS;
    breaks(&changed(&plan, |items| splice(items, true)), &[]);
    let report = changed(&plan, |items| splice(items, false));
    breaks(&report, &[Rule::PcrDiscontinuity]);
    assert_eq!(report.clocks[0].discontinuities, 1);
}

#[test]
fn pcr_accuracy() {
    for (ticks, broken) in [
        (1080, &[Rule::PcrAccuracy][..]),
        (-1080, &[Rule::PcrAccuracy]),
        (14, &[Rule::PcrAccuracy]),
        (13, &[]),
    ] {
        let report = items(|items| {
            let mut pcrs = items.iter_mut().filter(|item| item.pid == VIDEO && item.pcr.is_some());
            pcrs.nth(30).expect("so many").pcr = Some(ticks);
        });
        breaks(&report, broken);
    }
}

#[test]
fn stamps_stay_away() {
    breaks(&items(|items| without(items, AUDIO, SECOND..SECOND + 710 * MS)), &[Rule::Pts]);
    breaks(&items(|items| without(items, AUDIO, SECOND..SECOND + 650 * MS)), &[]);
}

#[test]
fn scrambled_without_cat() {
    let report = packets(|packets| {
        for packet in packets.iter_mut().filter(|packet| pid(packet) == SPLICE) {
            packet[3] |= 0x80;
        }
    });
    breaks(&report, &[Rule::Cat]);
}

#[test]
fn service_information() {
    let plan = Plan::slow(40 * SECOND);
    for (table, rule, longest) in
        [(0x10, Rule::Nit, 10), (0x11, Rule::Sdt, 2), (0x12, Rule::Eit, 2), (0x14, Rule::Tdt, 30)]
    {
        let (from, more) = (2 * SECOND, (longest + 1) * SECOND);
        let report = changed(&plan, |items| without(items, table, from..from + more + 9 * SECOND));
        // A TDT every nine seconds cannot stay away for 30 and come again in 40.
        breaks(&report, &[rule]);
        let none = changed(&plan, |items| without(items, table, 0..40 * SECOND));
        breaks(&none, &[]);
        let mut items = plan.items();
        without(&mut items, table, 0..40 * SECOND);
        let strict = check_with(plan.pack(items).as_flattened(), Options { dvb: true, ..Options::default() });
        breaks(&strict, &[rule]);
    }
    // Half of the EIT present/following is not enough.
    let report = changed(&plan, |items| {
        items.retain(|item| item.pid != 0x12 || item.payload[7] == 0 || item.at < 4 * SECOND)
    });
    breaks(&report, &[Rule::Eit]);
}

#[test]
fn si_too_often() {
    for (gap, broken) in [(20, &[Rule::SiRepetition][..]), (26, &[])] {
        let report = items(|items| {
            let again = items.iter().find(|item| item.pid == 0x11).expect("an SDT").clone();
            items.push(Item { at: again.at + gap * MS, ..again });
        });
        breaks(&report, broken);
    }
}

#[test]
fn unreferenced() {
    for (for_ms, broken) in [(600, &[Rule::Unreferenced][..]), (400, &[])] {
        let report = items(|items| {
            items.extend((0..for_ms / 50).map(|n| Item::new(SECOND + n * 50 * MS, 0x1AA, &[0; 184])));
        });
        breaks(&report, broken);
    }
}

#[test]
fn audio_burst() {
    // 11.28 Mb/s into 2 Mb/s: three packets hold 464 bytes, four 619.
    for (bytes, peak, broken) in [(500, 465, &[][..]), (700, 619, &[Rule::TbOverflow])] {
        let report = items(|items| sound_frame(items, 20, &sound_pes(20, bytes)));
        breaks(&report, broken);
        let audio =
            report.pids.iter().find(|p| p.pid == AUDIO).and_then(|p| p.stream.as_ref()).expect("sound");
        assert_eq!(audio.tb.expect("a buffer").peak, peak);
    }
}

/// Gives pictures `bytes` each and sends their packets at a rate in bit/s of whole packets.
fn paced(plan: &Plan, rate: i64) -> Report {
    let apart = 188 * 8 * SECOND / rate;
    changed(plan, |items| {
        let mut next = 0;
        for item in items.iter_mut().filter(|item| item.pid == VIDEO && !item.payload.is_empty()) {
            item.at = item.at.max(next);
            next = item.at + apart;
        }
    })
}

#[test]
fn multiplexing_buffer() {
    // Level 1.3 leaks 921.6 kb/s out of 1333 bytes that fill at up to 1105.9 kb/s.
    let mut plan = Plan::fast(SECOND);
    plan.video = Video { hevc: false, level: 13, hrd: None, bytes: 5200, early: 400 * MS };
    breaks(&paced(&plan, 900_000), &[]);
    breaks(&paced(&plan, 1_090_000), &[Rule::MbOverflow]);
}

#[test]
fn transport_buffer_never_empty() {
    // An HRD of 409.6 kb/s makes Rx 491.52 kb/s; the packets of 61,440 bytes a second fill it.
    let mut plan = Plan::fast(2 * SECOND);
    plan.video = Video { hevc: false, level: 31, hrd: Some((400, 15_625)), bytes: 2700, early: 400 * MS };
    breaks(&paced(&plan, 490_000), &[]);
    breaks(&paced(&plan, 491_520 * 1_002 / 1_000), &[Rule::EmptyBuffer]);
    // A hundredth over Rx gains 614 bytes a second.
    breaks(&paced(&plan, 491_520 * 101 / 100), &[Rule::TbOverflow, Rule::EmptyBuffer]);
}

#[test]
fn sound_too_early() {
    let mut plan = Plan::fast(2 * SECOND);
    plan.audio = Audio { bytes: 330, early: 220 * MS };
    breaks(&check(&plan.packets()), &[Rule::BOverflow]);
    plan.audio.early = 180 * MS;
    breaks(&check(&plan.packets()), &[]);
}

#[test]
fn system_burst() {
    // 11.28 Mb/s into 1 Mb/s: three packets hold 514 bytes.
    let report = items(|items| {
        let map = items.iter().find(|item| item.pid == PMT && item.at > SECOND).expect("a PMT").clone();
        items.extend([map.clone(), map]);
    });
    breaks(&report, &[Rule::SystemOverflow]);
}

#[test]
fn late() {
    let report = items(|items| unit(items, VIDEO, 10).for_each(|item| item.at += 35 * MS));
    breaks(&report, &[Rule::Underflow]);
    let report = items(|items| unit(items, VIDEO, 10).for_each(|item| item.at += 28 * MS));
    breaks(&report, &[]);
    let report = items(|items| unit(items, AUDIO, 10).for_each(|item| item.at += 21 * MS));
    breaks(&report, &[Rule::Underflow]);
    assert_eq!(report.rule(Rule::Underflow).count, 1);
}

#[test]
fn too_long_in_the_buffers() {
    let mut plan = Plan::fast(3 * SECOND);
    plan.audio = Audio { bytes: 40, early: 1010 * MS };
    let shift = |plan: &Plan| changed(plan, |items| items.retain(|item| item.at >= 0));
    breaks(&shift(&plan), &[Rule::DataDelay]);
    plan.audio.early = 990 * MS;
    breaks(&shift(&plan), &[]);
}

#[test]
fn stamps_in_wrong_order() {
    let mut plan = Plan::fast(2 * SECOND);
    plan.audio.early = 50 * MS;
    let report = changed(&plan, |items| {
        let old = sound_pes(20, 100);
        sound_frame(items, 21, &old);
    });
    breaks(&report, &[Rule::DtsOrder]);
    let report = items(|items| {
        let (dts, video) = (BASE + 7 * PICTURE, Plan::fast(1).video);
        let new = pes(0xE0, false, dts - 300, Some(dts), &picture(7, &video));
        unit(items, VIDEO, 7).next().expect("a picture").payload.copy_from_slice(&new[..176]);
    });
    breaks(&report, &[Rule::PtsBeforeDts]);
}

#[test]
fn no_delimiter() {
    let report = items(|items| {
        let first = unit(items, VIDEO, 7).next().expect("a picture");
        // The delimiter becomes supplemental information, which may begin a picture too.
        assert_eq!(first.payload[19..24], [0, 0, 0, 1, 9]);
        first.payload[23] = 6;
    });
    breaks(&report, &[Rule::Delimiter]);
}

#[test]
fn random_access_without_pcr() {
    let report = items(|items| {
        let first = unit(items, VIDEO, 25).next().expect("a picture");
        assert!(first.random_access);
        first.pcr = None;
    });
    breaks(&report, &[Rule::RandomAccessPcr]);
}

#[test]
fn pes_lengths() {
    let with_length = |change: i16| {
        items(|items| {
            let payload = &mut unit(items, AUDIO, 20).next().expect("a frame").payload;
            let length = i16::from_be_bytes([payload[4], payload[5]]);
            let length = if change == i16::MIN { 0 } else { length + change };
            payload[4..6].copy_from_slice(&length.to_be_bytes());
        })
    };
    breaks(&with_length(1), &[Rule::PesLength]);
    breaks(&with_length(-1), &[Rule::PesLength]);
    breaks(&with_length(i16::MIN), &[Rule::PesUnbounded]);
}

#[test]
fn pes_header() {
    for (at, value) in [(2, 0), (6, 0x04), (7, 0x40), (9, 0x20)] {
        let report = items(|items| unit(items, AUDIO, 20).next().expect("a frame").payload[at] = value);
        breaks(&report, &[Rule::PesSyntax]);
    }
}

#[test]
fn adaptation_field() {
    let report = packets(|packets| {
        let at = nth(packets, PCR_2, 20, |_| true);
        packets[at][4] = 184;
    });
    breaks(&report, &[Rule::PacketSyntax]);
    let report = packets(|packets| {
        let at = nth(packets, PCR_2, 20, |_| true);
        assert!(!starts(&packets[at]));
        packets[at][3] &= 0x0F;
    });
    breaks(&report, &[Rule::PacketSyntax]);
}

#[test]
fn section_lengths() {
    let report =
        items(|items| items.iter_mut().find(|item| item.pid == 0x11).expect("an SDT").payload[0] = 190);
    breaks(&report, &[Rule::SectionSyntax]);
    let report = items(|items| {
        let item = items.iter_mut().find(|item| item.pid == PMT && item.at > SECOND).expect("a PMT");
        let mut map = pmt(1, VIDEO, &[(0x1B, VIDEO)]);
        map.truncate(map.len() - 4);
        // Another version, so that it is read, whose last descriptors are longer than it.
        map[5] = 0xC3;
        let last = map.len() - 1;
        map[last] = 9;
        *item = section(item.at, PMT, &with_crc(map));
    });
    breaks(&report, &[Rule::SectionSyntax]);
}
