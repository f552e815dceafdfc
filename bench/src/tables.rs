//! The carousel by itself: every table of DVB with a week of events, each packet as soon as it may leave.

use retrovue_mux::si::{
    Carousel, Event, EventCapacity, EventTable, LocalTimeOffset, Network, Program, RunningStatus, SiConfig,
};
use retrovue_mux::{PACKET_SIZE, Pid};
use retrovue_timebase::{Ticks27M, UtcMs};

/// 27 MHz.
const SECOND: i64 = 27_000_000;

/// Days of schedule, an event every half hour.
const DAYS: u8 = 7;

/// A carousel at 1970-01-01.
///
/// # Panics
/// When it refuses its configuration.
#[must_use]
pub fn carousel() -> Carousel {
    let program = Program { pcr_pid: Pid::NULL, descriptors: vec![], streams: vec![] };
    let mut config = SiConfig::new("Bench", program);
    config.network = Some(Network { network_id: 0xFF01, name: "Bench".to_owned() });
    config.events = Some(EventCapacity::new(DAYS, *b"DEU"));
    config.time = true;
    config.local_times = vec![LocalTimeOffset {
        country: *b"DEU",
        region: 0,
        offset_minutes: 60,
        change: 0,
        next_offset_minutes: 120,
    }];
    let mut carousel = Carousel::new(config, None).unwrap_or_else(|error| panic!("{error}"));
    let event = |n: u16| Event {
        id: n,
        start: i64::from(n) * 1_800,
        duration_s: 1_800,
        title: format!("Programme {n}"),
        short_text: "A night out".to_owned(),
        long_text: "More is said of it. ".repeat(usize::from(n % 4) * 5),
        language: *b"eng",
        genre: Some(0x10),
        rating_age: Some(12),
        running: RunningStatus::Undefined,
    };
    let schedule: Vec<Event> = (0..u16::from(DAYS) * 48).map(event).collect();
    let near = |n: usize| schedule.get(n).cloned();
    let _ = carousel.replace_events(&EventTable::new(0, near(0), near(1), schedule.clone()));
    carousel.set_utc(Ticks27M(0), UtcMs(0));
    carousel
}

/// Sends the packets of the `round`th minute, in order from 0, and returns their number.
#[must_use]
pub fn send(carousel: &mut Carousel, round: i64) -> usize {
    let (mut packet, mut packets, mut at) = ([0; PACKET_SIZE], 0, round * 60 * SECOND);
    let end = at + 60 * SECOND;
    loop {
        let (due, _) = carousel.next_until(at);
        at = at.max(due.from);
        if at >= end {
            return packets;
        }
        carousel.write(due.table, &mut packet, at);
        std::hint::black_box(&mut packet);
        packets += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_sent() {
        let mut carousel = carousel();
        let packets: Vec<usize> = (0..3).map(|round| send(&mut carousel, round)).collect();
        // PAT and PMT each 65 ms alone are 1,800.
        assert!(packets.iter().all(|count| (2_000..4_000).contains(count)), "{packets:?}");
        assert_eq!(carousel.counters().count(), 6);
    }
}
