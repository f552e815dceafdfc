//! After it is made, the muxer takes no memory.

use crate::elementary::Programme;
use retrovue_mux::{Muxer, PACKET_SIZE, Poll};

#[test]
fn no_allocation_per_packet_or_unit() {
    let programme = Programme { pictures: 300, sound_tracks: 2, ..Programme::default() };
    let units = programme.units();
    let mut muxer = Muxer::new(programme.config()).unwrap();
    let mut buffer = vec![0u8; PACKET_SIZE * 32];
    let mut packets = 0;
    let counted = allocation_counter::measure(|| {
        for unit in &units {
            muxer.push(unit.borrow()).expect("room");
            while let Poll::Packets(run) = muxer.poll(&mut buffer) {
                packets += run.packets();
            }
        }
        muxer.finish();
        while let Poll::Packets(run) = muxer.poll(&mut buffer) {
            packets += run.packets();
        }
    });
    assert!(packets > 5_000, "{packets} packets");
    assert_eq!(counted.count_total, 0, "{counted:?}");
    let control = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 10])));
    assert_eq!(control.count_total, 1, "the counter counts");
}
