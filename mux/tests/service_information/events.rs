//! Random events with random texts: nothing panics, nothing exceeds its size, and what is read back is
//! what was told.

use crate::departures::departures;
use crate::reader::{MS, ReadEvent, Section, events, sections};
use crate::station::{DAY, config};
use proptest::prelude::*;
use retrovue_mux::si::{Carousel, Event, EventCapacity, EventTable, RunningStatus};
use std::collections::BTreeMap;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "[ -~\u{a0}-\u{17f}]{0,300}",
        "[\u{400}-\u{45f} ]{0,400}",
        any::<String>(),
        "[\u{4e00}-\u{4fff}\u{300}]{0,1500}",
    ]
}

prop_compose! {
    fn event()(
        id in any::<u16>(),
        start in -200_000i64..400_000,
        duration_s in prop_oneof![0u32..20_000, any::<u32>()],
        title in text(),
        short_text in text(),
        long_text in text(),
        genre in any::<Option<u8>>(),
        rating_age in any::<Option<u8>>(),
    ) -> Event {
        let running = RunningStatus::NotRunning;
        let language = *b"eng";
        let start = DAY + start;
        Event { id, start, duration_s, title, short_text, long_text, language, genre, rating_age, running }
    }
}

/// The last of each section by table and number.
fn latest(sections: Vec<Section>) -> BTreeMap<(u8, u8), Section> {
    sections
        .into_iter()
        .filter(|section| section.pid == 0x12)
        .map(|section| ((section.table_id(), section.number()), section))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_events_are_told_or_counted(
        near in prop::array::uniform2(proptest::option::of(event())),
        schedule in prop::collection::vec(event(), 0..60),
        days in 1u8..6,
        most_events in 0usize..60,
        extra in 0usize..40_000,
    ) {
        let mut config = config(days);
        let fewest = usize::from(days) * 8 * 18;
        config.events = Some(EventCapacity {
            schedule_days: days,
            most_events,
            schedule_bytes: fewest + extra,
            country: *b"DEU",
        });
        let mut carousel = Carousel::new(config, None).unwrap();
        let [present, following] = near.clone();
        let replaced = carousel.replace_events(&EventTable::new(DAY, present, following, schedule.clone()));
        let read = latest(sections(&departures(&mut carousel, 0, 32_000 * MS)));
        let (mut told, mut bytes) = (vec![], 0);
        for ((table_id, number), section) in &read {
            prop_assert!(section.bytes.len() <= 4096);
            let events = events(section);
            check(&events);
            if *table_id == 0x4E {
                let expected: Vec<u16> = near[usize::from(*number)].iter().map(|event| event.id).collect();
                prop_assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), expected);
                continue;
            }
            bytes += section.bytes.len();
            let segment = i64::from(table_id - 0x50) * 32 + i64::from(number / 8);
            let begin = DAY + segment * 10_800;
            prop_assert!(events.iter().all(|event| (begin..begin + 10_800).contains(&event.start)));
            // Every section number from the segment's first to its last is there, and no other.
            let last = section.bytes[12];
            prop_assert_eq!(last / 8, number / 8);
            prop_assert!(*number <= last && read.contains_key(&(*table_id, last)));
            prop_assert!(last % 8 == 7 || !read.contains_key(&(*table_id, last + 1)));
            prop_assert!(read.contains_key(&(*table_id, section.bytes[7])));
            prop_assert_eq!(section.bytes[13], 0x50 + (days - 1) / 4);
            told.extend(events.iter().map(|event| (event.start, event.id)));
        }
        prop_assert!(bytes <= fewest + extra);
        let mut expected: Vec<(i64, u16)> = schedule.iter().map(|event| (event.start, event.id)).collect();
        expected.sort_unstable();
        let end = DAY + i64::from(days) * 86_400;
        let within: Vec<_> =
            expected.iter().copied().filter(|(start, _)| (DAY..end).contains(start)).collect();
        prop_assert_eq!(replaced.outside, schedule.len() - within.len());
        prop_assert_eq!(replaced.dropped, within.len() - told.len());
        prop_assert_eq!(&told[..], &within[..told.len()], "in order, and from the begin");
    }
}

/// The shape of an event's descriptors.
fn check(events: &[ReadEvent]) {
    for event in events {
        let tags: Vec<u8> = event.descriptors.iter().map(|(tag, _)| *tag).collect();
        assert!(tags.is_sorted(), "{tags:?}");
        let (_, short) = &event.descriptors[0];
        let title = usize::from(short[3]);
        assert!(title <= 100);
        assert_eq!(short.len(), 5 + title + usize::from(short[4 + title]));
        let texts = [&short[4..4 + title], &short[5 + title..]];
        // Emphasis is never switched on or off.
        for text in texts.into_iter().filter(|text| text.first() != Some(&0x15)) {
            assert!(!text.contains(&0x86) && !text.contains(&0x87), "{text:x?}");
        }
        for (_, extended) in event.descriptors.iter().filter(|(tag, _)| *tag == 0x4E) {
            assert_eq!(extended.len(), 6 + usize::from(extended[5]));
        }
    }
}
