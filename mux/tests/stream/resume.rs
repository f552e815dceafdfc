//! One channel over several sessions.

use crate::drive::mux_with;
use crate::elementary::Programme;
use crate::reader;
use retrovue_mux::{Muxer, Resume};
use std::collections::BTreeMap;

fn two_sessions(discontinuity: bool) -> (Vec<reader::Seen>, Vec<reader::Seen>) {
    let first = Programme::default();
    let mut muxer = Muxer::new(first.config()).unwrap();
    let before = mux_with(&mut muxer, &first.units());
    let second = Programme { start: 10 * 90_000, seed: 2, ..Programme::default() };
    let mut config = second.config();
    config.resume = Some(Resume { discontinuity, counters: muxer.counters().collect() });
    let after = mux_with(&mut Muxer::new(config).unwrap(), &second.units());
    reader::check(&after, 4_800_000, 400_000);
    (reader::packets(&before), reader::packets(&after))
}

#[test]
fn counters_go_on() {
    for discontinuity in [false, true] {
        let (before, after) = two_sessions(discontinuity);
        let mut last: BTreeMap<u16, u8> = before.iter().map(|packet| (packet.pid, packet.counter)).collect();
        for packet in after.iter().filter(|packet| packet.has_payload) {
            if let Some(counter) = last.remove(&packet.pid) {
                assert_eq!(packet.counter, (counter + 1) & 15, "PID {:#x}", packet.pid);
            }
        }
        assert!(last.is_empty(), "every PID came again");
    }
}

#[test]
fn the_first_packet_of_each_pid_carries_the_indicator_when_asked() {
    let (before, after) = two_sessions(true);
    assert!(before.iter().all(|packet| !packet.discontinuity));
    let mut seen = std::collections::BTreeSet::new();
    for packet in &after {
        assert_eq!(packet.discontinuity, seen.insert(packet.pid), "PID {:#x} at {}", packet.pid, packet.at);
        if packet.discontinuity && packet.pid == 0x100 {
            assert!(packet.pcr.is_some() && packet.random_access, "with the first PCR");
        }
    }
    let (_, after) = two_sessions(false);
    assert!(after.iter().all(|packet| !packet.discontinuity));
}
