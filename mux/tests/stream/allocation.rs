//! After it is made, the muxer takes no memory: none for a packet or an access unit, for tables, events or cues.

use crate::cues::{long, out, with_cues};
use crate::elementary::{Programme, Unit, events};
use retrovue_mux::splice::SpliceTime;
use retrovue_mux::{MuxConfig, MuxRate, Muxer, PACKET_SIZE, Poll, PushError};
use retrovue_timebase::{Ticks27M, Ticks90k, UtcMs};
use std::sync::Arc;

/// Pushes units, polling whenever there is no room and behind each unit; returns the packets.
fn mux(muxer: &mut Muxer, units: &[Unit], buffer: &mut [u8]) -> usize {
    let mut packets = 0;
    let mut drain = |muxer: &mut Muxer| {
        while let Poll::Packets(run) = muxer.poll(buffer) {
            packets += run.packets();
        }
    };
    for unit in units {
        while let Err(error) = muxer.push(unit.borrow()) {
            assert!(matches!(error, PushError::Full { .. }), "{error}");
            drain(muxer);
        }
        drain(muxer);
    }
    packets
}

#[test]
fn no_allocation_per_packet_or_unit() {
    let programme = Programme { pictures: 300, sound_tracks: 2, days: Some(3), ..Programme::default() };
    let units = programme.units();
    for constant in [false, true] {
        let mut config: MuxConfig = with_cues(programme.config(), Some(1));
        if constant {
            config.rate = MuxRate::Constant { bps: config.smallest_constant_bps() };
        }
        let mut muxer = Muxer::new(config).unwrap();
        let mut buffer = vec![0u8; PACKET_SIZE * 32];
        let tables: Vec<Arc<_>> = (0..4).map(|days| Arc::new(events(days))).collect();
        let cues = [out(1, SpliceTime::At(Ticks90k(540_000))), long(700_000)];
        let mut packets = 0;
        let counted = allocation_counter::measure(|| {
            muxer.set_utc(Ticks27M(0), UtcMs(0));
            for (n, part) in units.chunks(units.len() / 4).enumerate() {
                let from = Ticks90k(part[0].dts).to_27m();
                // Kept by `tables`: what the muxer lets go of is not freed.
                assert!(muxer.announce_events(from, Arc::clone(&tables[n % 4])).is_ok());
                if let Some(cue) = cues.get(n) {
                    muxer.cue(cue).expect("a good cue");
                }
                packets += mux(&mut muxer, part, &mut buffer);
            }
            muxer.finish();
            while let Poll::Packets(run) = muxer.poll(&mut buffer) {
                packets += run.packets();
            }
        });
        assert!(packets > 5_000, "{packets} packets");
        assert_eq!(counted.count_total, 0, "constant {constant}: {counted:?}");
    }
    let control = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 10])));
    assert_eq!(control.count_total, 1, "the counter counts");
}
