//! What happens when tables are replaced: versions, sections that are under way, announcements, resuming.

use crate::departures::departures;
use crate::reader::{MS, Section, sections};
use crate::station::{DAY, config, event, guide, program};
use retrovue_mux::si::{Carousel, Descriptor, EventTable, ServiceDescription};
use retrovue_mux::{Pid, Resume};

/// Versions by table, of the sections in `ticks` after `from`.
fn versions(carousel: &mut Carousel, from: i64) -> Vec<(u8, u8)> {
    let mut all: Vec<(u8, u8)> = sections(&departures(carousel, from, 40_000 * MS))
        .iter()
        .filter(|section| section.pid != 0x14)
        .map(|section| (section.table_id(), section.version()))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn versions_step_where_bytes_change_and_nowhere_else() {
    let mut carousel = Carousel::new(config(8), None).unwrap();
    carousel.replace_events(&guide(DAY, 8));
    let first = [(0x00, 0), (0x02, 31), (0x40, 0), (0x42, 0), (0x4E, 1), (0x50, 1), (0x51, 1)];
    assert_eq!(versions(&mut carousel, 0), first);
    carousel.replace_events(&guide(DAY, 8));
    carousel.replace_program(&program(0)).unwrap();
    assert_eq!(versions(&mut carousel, 100_000 * MS), first, "the same again");

    let mut schedule: Vec<_> = (0..8 * 48).map(|n| event(n, DAY + i64::from(n) * 1800, 1800)).collect();
    schedule[300].title.push('!');
    let near = |n: usize| Some(schedule[n].clone());
    carousel.replace_events(&EventTable::new(DAY, near(0), near(1), schedule.clone()));
    carousel.replace_program(&program(1)).unwrap();
    let second = [(0x00, 0), (0x02, 0), (0x40, 0), (0x42, 0), (0x4E, 1), (0x50, 1), (0x51, 2)];
    assert_eq!(versions(&mut carousel, 200_000 * MS), second, "the map and the seventh day");

    let service = ServiceDescription {
        service_type: 1,
        provider_name: "RetroVue".to_owned(),
        service_name: "Two".to_owned(),
    };
    carousel.replace_service(&service).unwrap();
    let third = [(0x00, 0), (0x02, 0), (0x40, 0), (0x42, 1), (0x4E, 1), (0x50, 1), (0x51, 2)];
    assert_eq!(versions(&mut carousel, 300_000 * MS), third);
    let told = carousel.versions();
    assert_eq!((told.pmt, told.sdt, told.eit_near, &told.eit_schedule[..2]), (0, 1, 1, &[1, 2][..]));
}

#[test]
fn a_refused_program_leaves_the_map_as_it_was() {
    let mut carousel = Carousel::new(config(1), None).unwrap();
    let mut long = program(0);
    long.descriptors = vec![Descriptor::Other { tag: 0xF0, payload: vec![0; 255] }; 4];
    carousel.replace_program(&long).unwrap_err();
    let mut twice = program(0);
    twice.streams[1].pid = twice.streams[0].pid;
    carousel.replace_program(&twice).unwrap_err();
    assert!(versions(&mut carousel, 0).contains(&(0x02, 31)));
}

#[test]
fn a_section_under_way_is_finished_as_it_began() {
    let long = |id| {
        let mut event = event(id, DAY, 60);
        event.long_text = format!("{id} ").repeat(600);
        EventTable::new(DAY, Some(event), None, vec![])
    };
    let mut carousel = Carousel::new(config(0), None).unwrap();
    carousel.replace_events(&long(1_000));
    // Up to the middle of the first section of present and following, which takes ten packets.
    let (mut all, mut at) = (vec![], 0);
    while all.iter().filter(|d: &&crate::reader::Departed| d.packet[2] == 0x12).count() < 5 {
        all.extend(departures(&mut carousel, at, crate::departures::SLOT));
        at += crate::departures::SLOT;
    }
    carousel.replace_events(&long(2_000));
    carousel.replace_events(&long(3_000));
    all.extend(departures(&mut carousel, at, 3_000 * MS));
    let ids: Vec<u16> = sections(&all)
        .iter()
        .filter(|section| section.table_id() == 0x4E && section.number() == 0)
        .map(|section| crate::reader::events(section)[0].id)
        .collect();
    assert_eq!(ids[..2], [1_000, 3_000]);
    assert!(ids[2..].iter().all(|&id| id == 3_000));
}

fn begins(sections: &[Section], table_id: u8) -> Vec<i64> {
    sections.iter().filter(|section| section.table_id() == table_id).map(|section| section.begin).collect()
}

#[test]
fn pat_and_then_pmt_come_when_they_are_asked_for() {
    let mut carousel = Carousel::new(config(8), None).unwrap();
    carousel.replace_events(&guide(DAY, 8));
    let mut all = departures(&mut carousel, 0, 1_000 * MS);
    assert!(carousel.is_announced());
    // The cycle stands at its begin: the next would come 65 ms after the last.
    let last = *begins(&sections(&all), 0x00).last().unwrap();
    let asked = last + 30 * MS;
    all.extend(departures(&mut carousel, 1_000 * MS, asked - 1_000 * MS));
    carousel.announce(i64::MIN);
    assert!(!carousel.is_announced());
    assert!(carousel.announcement_from() <= asked, "{} {asked}", carousel.announcement_from());
    all.extend(departures(&mut carousel, asked, 20 * MS));
    assert!(carousel.is_announced());
    let read = sections(&all);
    let (pat, pmt) = (*begins(&read, 0x00).last().unwrap(), *begins(&read, 0x02).last().unwrap());
    assert!(asked <= pat && pat < pmt && pmt < asked + 5 * MS, "{asked} {pat} {pmt}");
}

#[test]
fn tables_asked_for_too_soon_wait_for_their_distance() {
    let mut carousel = Carousel::new(config(0), None).unwrap();
    let mut all = departures(&mut carousel, 0, 3 * MS);
    assert!(carousel.is_announced());
    carousel.announce(i64::MIN);
    all.extend(departures(&mut carousel, 3 * MS, 40 * MS));
    assert!(carousel.is_announced());
    let read = sections(&all);
    let (pat, pmt) = (begins(&read, 0x00), begins(&read, 0x02));
    assert_eq!((pat.len(), pmt.len()), (2, 2));
    assert!((26 * MS..28 * MS).contains(&(pat[1] - pat[0])), "{pat:?}");
    assert!(pmt[1] > pat[1] && pmt[1] - pmt[0] >= 26 * MS, "{pmt:?}");
}

#[test]
fn counters_go_on_and_the_first_packets_are_marked() {
    let mut carousel = Carousel::new(config(1), None).unwrap();
    carousel.replace_events(&guide(DAY, 1));
    let first = departures(&mut carousel, 0, 5_000 * MS);
    let mut counters: Vec<(Pid, u8)> = carousel.counters().collect();
    counters.sort_unstable();
    let pids: Vec<u16> = counters.iter().map(|(pid, _)| pid.value()).collect();
    assert_eq!(pids, [0x00, 0x10, 0x11, 0x12, 0x1000], "no time without UTC");
    let resume = Resume { discontinuity: true, counters };
    let mut carousel = Carousel::new(config(1), Some(&resume)).unwrap();
    carousel.replace_events(&guide(DAY, 1));
    let second = departures(&mut carousel, 5_030 * MS, 5_000 * MS);
    let mut marked: Vec<u8> =
        second.iter().filter(|d| d.packet[3] & 0x20 != 0).map(|d| d.packet[2]).collect();
    assert!(second.iter().all(|d| d.packet[3] & 0x20 == 0 || d.packet[4..6] == [1, 0x80]));
    marked.sort_unstable();
    assert_eq!(marked, [0x00, 0x00, 0x10, 0x11, 0x12], "PAT and PMT end alike");
    // The reader finds no step in the counters.
    sections(&[first, second].concat());
}

#[test]
fn only_what_is_configured_is_sent() {
    let mut bare = config(0);
    (bare.service, bare.network, bare.events, bare.time) = (None, None, None, false);
    bare.local_times.clear();
    let mut carousel = Carousel::new(bare, None).unwrap();
    carousel.set_utc(retrovue_timebase::Ticks27M(0), retrovue_timebase::UtcMs(0));
    assert_eq!(carousel.replace_events(&guide(DAY, 1)).dropped, 48);
    assert_eq!(versions(&mut carousel, 0), [(0x00, 0), (0x02, 31)]);
}

#[test]
fn instants_beyond_all_calendars_are_told_without_a_panic() {
    for now in [i64::MIN, -1, i64::MAX] {
        let mut carousel = Carousel::new(config(1), None).unwrap();
        carousel.set_utc(retrovue_timebase::Ticks27M(i64::MIN), retrovue_timebase::UtcMs(now));
        let events = vec![event(1, now, u32::MAX), event(2, i64::MIN, 0), event(3, i64::MAX, 0)];
        let near = events.first().cloned();
        let replaced = carousel.replace_events(&EventTable::new(now, near.clone(), near, events));
        assert!(replaced.outside >= 2, "{replaced:?}");
        assert!(!sections(&departures(&mut carousel, 0, 1_000 * MS)).is_empty());
    }
}
