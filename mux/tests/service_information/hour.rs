//! An hour of departures: every rule of repetition, spacing and buffers, and that the reader which says
//! so finds each fault.

use crate::departures::{Manner, Slots, departures};
use crate::reader::{Departed, Fault, MS, Reader, utc};
use crate::station::{DAY, config, guide, program};
use retrovue_mux::si::{Carousel, SiConfig};
use retrovue_timebase::{Ticks27M, UtcMs};

const HOUR: i64 = 3_600_000 * MS;

/// Two minutes before midnight.
const BEGIN: i64 = DAY + 86_400 - 120;

/// A carousel at `BEGIN` on tick `start`, with its guide.
fn carousel(config: SiConfig, start: i64) -> Carousel {
    let days = config.events.unwrap().schedule_days;
    let mut carousel = Carousel::new(config, None).unwrap();
    carousel.set_utc(Ticks27M(start), UtcMs(BEGIN * 1000));
    let replaced = carousel.replace_events(&guide(BEGIN, u16::from(days)));
    assert_eq!((replaced.dropped, replaced.outside), (0, 0));
    carousel
}

/// An hour with announcements after each of `points` milliseconds in turn, and the guide anew every ten
/// minutes and at midnight.
fn hour(manner: Manner, days: u8, start: i64, points: &[i64]) -> Reader {
    let mut config = config(days);
    config.program = program(8);
    let mut carousel = carousel(config, start);
    let (mut reader, mut packets, mut asked) = (Reader::default(), 0, None);
    let mut points = points.iter().cycle();
    let (mut next_point, mut next_guide) = (start, start + 120_000 * MS);
    let each = |carousel: &mut Carousel, at: i64| {
        if at >= next_guide {
            carousel.replace_events(&guide(BEGIN + (at - start) / (1000 * MS), u16::from(days)));
            next_guide += 600_000 * MS;
        }
        if carousel.is_announced() {
            asked = None;
        }
        if at >= next_point {
            if asked.is_none() {
                asked = Some(at);
            }
            carousel.announce(i64::MIN);
            next_point += points.next().unwrap() * MS;
        }
        // One section of each is barred for 26 ms at most, and a PMT of five packets takes 6 ms.
        assert!(
            carousel.is_announced() || asked.is_none_or(|asked| at - asked <= 50 * MS),
            "announced in time"
        );
    };
    Slots::new(start, manner).run(&mut carousel, start + HOUR, each, |departed| {
        packets += 1;
        if let Some(section) = reader.read(&departed)
            && matches!(section.table_id(), 0x70 | 0x73)
        {
            assert_eq!(utc(&section.bytes[3..8]), BEGIN + (section.begin - start) / (1000 * MS));
        }
    });
    reader.finish(start + HOUR);
    assert!(packets > 300_000, "{packets} packets");
    // PAT, PMT, SDT, NIT, TDT, TOT, present and following, and a section at least for three hours.
    assert!(reader.kinds() >= 8 + usize::from(days) * 8, "{} kinds of sections", reader.kinds());
    reader
}

#[test]
fn every_rule_holds_for_an_hour_when_slots_are_free() {
    assert_eq!(hour(Manner::Eager, 8, 0, &[480]).faults, []);
}

#[test]
fn every_rule_holds_for_an_hour_when_slots_are_rare() {
    assert_eq!(hour(Manner::Random(1), 3, -7, &[480, 33, 1_001, 70, 92, 15, 15, 15, 15, 15, 260]).faults, []);
}

#[test]
fn every_rule_holds_for_an_hour_when_all_is_sent_at_its_deadline() {
    assert_eq!(hour(Manner::Lazy, 8, 1 << 41, &[2_000, 91, 97, 103]).faults, []);
}

#[test]
fn the_fullest_schedule_still_repeats_in_time() {
    for (days, per_day, manner) in
        [(1, 500, Manner::Lazy), (1, 500, Manner::Random(3)), (32, 40, Manner::Lazy), (32, 40, Manner::Eager)]
    {
        let mut config = config(days);
        let events = config.events.as_mut().unwrap();
        (events.most_events, events.schedule_bytes) = (10_000, 128 * 1024);
        let mut carousel = Carousel::new(config, None).unwrap();
        let schedule = (0..u16::from(days) * per_day).map(|n| {
            let mut event = crate::station::event(n, DAY + i64::from(n) * 86_400 / i64::from(per_day), 60);
            event.long_text = "x".repeat(if days == 1 { 1_900 } else { 100 });
            event
        });
        let long = |id| {
            let mut event = crate::station::event(id, DAY, 60);
            event.long_text = "x".repeat(1_980);
            Some(event)
        };
        let table = retrovue_mux::si::EventTable::new(DAY, long(60_000), long(60_001), schedule.collect());
        let dropped = carousel.replace_events(&table).dropped;
        assert!(dropped > 0, "it is full");
        let mut reader = Reader::default();
        let mut bytes = 0;
        let run = 120_000 * MS;
        Slots::new(0, manner).run(
            &mut carousel,
            run,
            |_, _| {},
            |departed| {
                reader.read(&departed);
                bytes += 188;
            },
        );
        reader.finish(run);
        assert_eq!(reader.faults, [], "{days} days, {manner:?}");
        assert!(bytes > 120 * 10_000);
    }
}

#[test]
fn the_reader_finds_each_fault() {
    let good = || departures(&mut carousel(config(2), 0), 0, 12_000 * MS);
    let faults = |spoil: fn(&mut Vec<Departed>)| {
        let mut departed = good();
        spoil(&mut departed);
        let mut reader = Reader::default();
        departed.iter().for_each(|departed| {
            reader.read(departed);
        });
        reader.finish(12_000 * MS);
        reader.faults
    };
    assert_eq!(faults(|_| {}), []);
    let found = |faults: &[Fault], is: fn(&Fault) -> bool| assert!(faults.iter().any(is), "{faults:?}");
    let lose = |d: &mut Vec<Departed>| {
        d.remove(500);
    };
    found(&faults(lose), |fault| matches!(fault, Fault::Continuity { .. }));
    found(&faults(|d| d[500].packet[20] ^= 1), |fault| matches!(fault, Fault::Crc { .. }));
    found(&faults(|d| d.retain(|d| d.packet[2] != 0x11 || d.at < 9_000 * MS)), |fault| {
        matches!(fault, Fault::TooRare { table_id: 0x42, .. })
    });
    found(&faults(|d| d.iter_mut().for_each(|d| d.at = d.at * 2 / 5)), |fault| {
        matches!(fault, Fault::TooClose { .. })
    });
    found(&faults(|d| d.iter_mut().for_each(|d| d.at -= d.at % (10 * MS))), |fault| {
        matches!(fault, Fault::BufferOver { .. })
    });
}
