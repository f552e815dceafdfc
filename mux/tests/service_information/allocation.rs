//! After it is made, the carousel takes no memory.

use crate::departures::SLOT;
use crate::station::{DAY, config, event, guide, program};
use retrovue_mux::si::{Carousel, EventTable, ServiceDescription};
use retrovue_timebase::{Ticks27M, UtcMs};

#[test]
fn nothing_is_allocated_by_sending_and_replacing() {
    let mut carousel = Carousel::new(config(8), None).unwrap();
    let crowded = (0..5_000).map(|n| event(n, DAY + i64::from(n) * 100, 100)).collect();
    let tables = [guide(DAY, 8), EventTable::new(DAY, None, None, crowded), guide(DAY + 86_400, 8)];
    let programs = [program(3), program(0)];
    let local_times = config(0).local_times;
    let service = ServiceDescription {
        service_type: 1,
        provider_name: "R".to_owned(),
        service_name: "\u{41a}\u{438}\u{43d}\u{43e}".to_owned(),
    };
    let (mut packets, mut dropped) = (0, 0);
    let counted = allocation_counter::measure(|| {
        carousel.set_utc(Ticks27M(0), UtcMs(DAY * 1000));
        for slot in 0..20_000 {
            if slot % 1_000 == 0 {
                let turn = (slot / 1_000) as usize;
                dropped += carousel.replace_events(&tables[turn % 3]).dropped;
                carousel.replace_program(&programs[turn % 2]).expect("it fits");
                carousel.replace_service(&service).expect("it fits");
                carousel.replace_local_times(&local_times).expect("they fit");
                carousel.announce(i64::MIN);
            }
            let (at, due) = (slot * SLOT, carousel.next());
            if due.from <= at {
                let mut packet = [0; 188];
                carousel.write(due.table, &mut packet, at);
                packets += 1;
            }
        }
        packets += carousel.counters().count();
    });
    assert!(packets > 1_000 && dropped > 100, "{packets} packets, {dropped} dropped");
    assert_eq!(counted.count_total, 0, "{counted:?}");
    let control = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 10])));
    assert_eq!(control.count_total, 1, "the counter counts");
}
