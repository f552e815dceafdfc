//! Event information sections of the actual transport stream (EN 300 468 §5.2.4): present and following,
//! and the schedule in segments of three hours (ETSI TR 101 211 §4.1.4).
//!
//! A segment has eight section numbers, of which it uses as many as it needs; one without events has one
//! section without events. An event stands in the segment in which it begins.

use super::event::{Event, EventTable};
use super::event_descriptor;
use super::section::{CRC_SIZE, Head, LONGEST_EIT_SECTION, Writer, seal, write_long, write_unsealed};
use super::section_store::SectionStore;
use super::time::{clock_bytes, midnight, utc_bytes};

/// `table_id` of present and following.
pub(crate) const NEAR: u8 = 0x4E;

/// `table_id` of the first four days of the schedule.
pub(crate) const SCHEDULE: u8 = 0x50;

/// Segments of a day.
pub(crate) const SEGMENTS_PER_DAY: usize = 8;

/// Segments of a `table_id`.
const SEGMENTS_PER_TABLE: usize = 32;

const SECTIONS_PER_SEGMENT: usize = 8;

const SEGMENT_SECONDS: i64 = 3 * 3600;

/// Bytes of a section without events.
pub(crate) const EMPTY_SECTION: usize = 14 + CRC_SIZE;

const LAST_SECTION_NUMBER_AT: usize = 7;
const SEGMENT_LAST_SECTION_NUMBER_AT: usize = 12;

/// What every section repeats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) service_id: u16,
    pub(crate) transport_stream_id: u16,
    pub(crate) original_network_id: u16,
    /// Whose ratings are told.
    pub(crate) country: [u8; 3],
}

/// What a schedule became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Written {
    /// Sections of the first day, which stand first.
    pub(crate) first_day: usize,
    /// Events for which there was no room.
    pub(crate) dropped: usize,
    /// Events outside the days told.
    pub(crate) outside: usize,
}

/// Writes the two sections of present and following.
pub(crate) fn write_near(store: &mut SectionStore, service: Service, table: &EventTable, version: u8) {
    store.clear();
    for (number, event) in (0..).zip(table.near()) {
        let head = service.head(NEAR, version, number, 1);
        store.push(LONGEST_EIT_SECTION, |out| {
            write_long(out, head, |writer| {
                service.write(writer, 1, NEAR);
                if let Some(event) = event {
                    write_event(writer, event, service.country);
                }
            })
        });
    }
}

/// Most sections that a schedule of `days` in `bytes` can have.
pub(crate) fn most_sections(days: u8, bytes: usize) -> usize {
    (usize::from(days) * SEGMENTS_PER_DAY * SECTIONS_PER_SEGMENT).min(bytes / EMPTY_SECTION)
}

/// Writes the schedule of `days`, at least 1, from the day of the table on, with at most `most_events`.
/// What finds no room is left out from the end, and of a segment from the end of the segment.
pub(crate) fn write_schedule(
    store: &mut SectionStore,
    service: Service,
    table: &EventTable,
    (days, most_events): (u8, usize),
    version: impl Fn(u8) -> u8,
) -> Written {
    store.clear();
    let segments = usize::from(days) * SEGMENTS_PER_DAY;
    let last_table = SCHEDULE + ((segments - 1) / SEGMENTS_PER_TABLE) as u8;
    let day = midnight(table.now());
    let begin = table.schedule().partition_point(|event| event.start < day);
    let behind = day + segments as i64 * SEGMENT_SECONDS;
    let end = table.schedule().partition_point(|event| event.start < behind);
    let mut rest = &table.schedule()[begin..end];
    let mut written = Written { outside: table.schedule().len() - rest.len(), ..Written::default() };
    written.dropped = rest.len().saturating_sub(most_events);
    rest = &rest[..rest.len() - written.dropped];
    let mut table_begins = 0;
    for segment in 0..segments {
        let table_id = SCHEDULE + (segment / SEGMENTS_PER_TABLE) as u8;
        let within = rest.partition_point(|event| event.start < day + (segment as i64 + 1) * SEGMENT_SECONDS);
        let (mut events, behind) = rest.split_at(within);
        rest = behind;
        let first_number = segment % SEGMENTS_PER_TABLE * SECTIONS_PER_SEGMENT;
        let first = store.len();
        let reserved = (segments - segment - 1) * EMPTY_SECTION;
        let mut full = false;
        for number in 0..SECTIONS_PER_SEGMENT {
            let longest = store.room().saturating_sub(reserved).min(LONGEST_EIT_SECTION);
            let head = service.head(table_id, version(table_id), (first_number + number) as u8, 0);
            let before = events.len();
            let pushed = store.push(longest, |out| {
                write_unsealed(out, head, |writer| {
                    service.write(writer, 0, last_table);
                    while let [event, behind @ ..] = events {
                        let mark = writer.len();
                        write_event(writer, event, service.country);
                        if writer.overflowed() {
                            writer.back_to(mark);
                            break;
                        }
                        events = behind;
                    }
                })
            });
            full = !events.is_empty() && (!pushed || events.len() == before);
            if pushed && full && number > 0 {
                store.pop();
            }
            if events.is_empty() || full {
                break;
            }
        }
        written.dropped += events.len();
        if full {
            // Nothing more fits: what comes later is not told either, so that no hole is between.
            written.dropped += rest.len();
            rest = &[];
        }
        let last_number = first_number + (store.len() - first).saturating_sub(1);
        for index in first..store.len() {
            store.section_mut(index)[SEGMENT_LAST_SECTION_NUMBER_AT] = last_number as u8;
        }
        if segment + 1 == SEGMENTS_PER_DAY {
            written.first_day = store.len();
        }
        if (segment + 1) % SEGMENTS_PER_TABLE == 0 || segment + 1 == segments {
            for index in table_begins..store.len() {
                let section = store.section_mut(index);
                section[LAST_SECTION_NUMBER_AT] = last_number as u8;
                seal(section);
            }
            table_begins = store.len();
        }
    }
    written
}

impl Service {
    fn head(self, table_id: u8, version: u8, number: u8, last_number: u8) -> Head {
        Head {
            table_id,
            private_bit: true,
            table_id_extension: self.service_id,
            version,
            number,
            last_number,
        }
    }

    fn write(self, writer: &mut Writer<'_>, segment_last_section_number: u8, last_table_id: u8) {
        writer.put_u16(self.transport_stream_id);
        writer.put_u16(self.original_network_id);
        writer.put(&[segment_last_section_number, last_table_id]);
    }
}

/// One event with its descriptors.
fn write_event(writer: &mut Writer<'_>, event: &Event, country: [u8; 3]) {
    writer.put_u16(event.id);
    writer.put(&utc_bytes(event.start));
    writer.put(&clock_bytes(event.duration_s));
    writer.with_length_u12((event.running as u8) << 1, |writer| {
        event_descriptor::event(writer, event, country);
    });
}

#[cfg(test)]
mod tests {
    use super::super::crc::crc32_mpeg2;
    use super::super::event::RunningStatus;
    use super::*;

    const SERVICE: Service = Service {
        service_id: 0x0102,
        transport_stream_id: 0x0304,
        original_network_id: 0xFF01,
        country: *b"DEU",
    };

    /// 1993-10-13.
    const DAY: i64 = 750_470_400;

    fn event(id: u16, start: i64, words: usize) -> Event {
        Event {
            id,
            start,
            duration_s: 6330,
            title: "News".to_owned(),
            short_text: "x".repeat(words),
            long_text: String::new(),
            language: *b"eng",
            genre: None,
            rating_age: None,
            running: RunningStatus::Running,
        }
    }

    #[test]
    fn present_and_following_bytes() {
        let mut store = SectionStore::new(4096, 2);
        let present = event(0x0A0B, DAY + 45_900, 0);
        write_near(&mut store, SERVICE, &EventTable::new(DAY, Some(present), None, vec![]), 2);
        let mut expected = vec![0x4E, 0xF0, 0x26, 1, 2, 0xC5, 0, 1, 3, 4, 0xFF, 1, 1, 0x4E];
        expected.extend([0x0A, 0x0B, 0xC0, 0x79, 0x12, 0x45, 0, 0x01, 0x45, 0x30, 0x80, 0x0B]);
        expected.extend(b"\x4D\x09eng\x04News\x00");
        let section = store.section(0);
        assert_eq!((&section[..section.len() - 4], crc32_mpeg2(section)), (&expected[..], 0));
        let empty = [0x4E, 0xF0, 0x0F, 1, 2, 0xC5, 1, 1, 3, 4, 0xFF, 1, 1, 0x4E];
        assert_eq!((&store.section(1)[..14], store.section(1).len()), (&empty[..], EMPTY_SECTION));
    }

    /// What the head of each section says: table, number, last, last of its segment, last table.
    fn heads(store: &SectionStore) -> Vec<[u8; 5]> {
        let heads = (0..store.len()).map(|index| {
            let section = store.section(index);
            assert_eq!(crc32_mpeg2(section), 0, "section {index}");
            [section[0], section[6], section[7], section[12], section[13]]
        });
        heads.collect()
    }

    #[test]
    fn a_schedule_is_numbered_by_segments_and_tables() {
        let mut store = SectionStore::new(64 * 1024, 1000);
        // Twenty long events in the second segment need two sections, one is in the fifth day.
        let mut events: Vec<Event> =
            (0..20).map(|n| event(n, DAY + SEGMENT_SECONDS + i64::from(n), 240)).collect();
        events.push(event(99, DAY + 4 * 86_400 + 7 * SEGMENT_SECONDS, 10));
        let table = EventTable::new(DAY + 40_000, None, None, events);
        let written = write_schedule(&mut store, SERVICE, &table, (5, 100), |_| 7);
        assert_eq!(written, Written { first_day: 9, dropped: 0, outside: 0 });
        let mut expected = vec![[0x50, 0, 248, 0, 0x51], [0x50, 8, 248, 9, 0x51], [0x50, 9, 248, 9, 0x51]];
        expected.extend((2..32).map(|segment| [0x50, segment * 8, 248, segment * 8, 0x51]));
        expected.extend((0..8).map(|segment| [0x51, segment * 8, 56, segment * 8, 0x51]));
        assert_eq!(heads(&store), expected);
        assert_eq!(store.section(store.len() - 1)[14..16], [0, 99]);
    }

    #[test]
    fn what_finds_no_room_is_left_out_from_the_end() {
        let events: Vec<Event> = (0..48).map(|n| event(n, DAY + i64::from(n) * 1800, 100)).collect();
        let table = EventTable::new(DAY, None, None, events.clone());
        // Fixed parts, and ten events of 123 bytes.
        let mut store = SectionStore::new(8 * EMPTY_SECTION + 10 * 123 + 122, 64);
        let written = write_schedule(&mut store, SERVICE, &table, (1, 100), |_| 0);
        assert_eq!(written, Written { first_day: 8, dropped: 38, outside: 0 });
        assert_eq!(heads(&store).len(), 8);
        let written = write_schedule(&mut store, SERVICE, &table, (1, 9), |_| 0);
        assert_eq!(written.dropped, 39);
        // A day later the events are past.
        let table = EventTable::new(DAY + 86_400, None, None, events);
        let written = write_schedule(&mut store, SERVICE, &table, (1, 100), |_| 0);
        assert_eq!(written, Written { first_day: 8, dropped: 0, outside: 48 });
    }

    #[test]
    fn a_crowded_segment_loses_its_own_end() {
        let events = (0..300).map(|n| event(n, DAY + i64::from(n), 240)).chain([event(999, DAY + 80_000, 0)]);
        let table = EventTable::new(DAY, None, None, events.collect());
        let mut store = SectionStore::new(64 * 1024, 64);
        let written = write_schedule(&mut store, SERVICE, &table, (1, 400), |_| 0);
        // Fifteen events of 263 bytes in each of eight sections.
        assert_eq!(written, Written { first_day: 15, dropped: 180, outside: 0 });
        assert_eq!(heads(&store)[7], [0x50, 7, 56, 7, 0x50]);
        assert_eq!(store.section(14)[14..16], 999u16.to_be_bytes());
    }
}
