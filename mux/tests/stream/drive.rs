//! Pushes units and collects packets, in several ways that must not make a difference.

use crate::elementary::{Noise, Unit, events};
use retrovue_mux::{MuxConfig, MuxEvent, Muxer, PACKET_SIZE, Poll, PushError};
use retrovue_timebase::{Ticks27M, UtcMs};
use std::sync::Arc;

/// What came out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    /// One 27 MHz instant per packet.
    pub(crate) departures: Vec<i64>,
    pub(crate) events: Vec<MuxEvent>,
}

/// Muxes everything, polling with a buffer of seven packets whenever a push found no room.
pub(crate) fn mux(config: MuxConfig, units: &[Unit]) -> Output {
    mux_with(&mut muxer(config, units), units)
}

/// A muxer that tells events and the time where it is configured to, and other events from half way on.
fn muxer(config: MuxConfig, units: &[Unit]) -> Muxer {
    let days = config.information.events.map(|events| events.schedule_days);
    let mut muxer = Muxer::new(config).expect("a valid configuration");
    if let Some(days) = days {
        muxer.replace_events(&events(days));
        muxer.set_utc(Ticks27M(0), UtcMs(0));
        let half_way = units.get(units.len() / 2).map_or(0, |unit| unit.dts * 300);
        let later = Arc::new(events(days.saturating_sub(1)));
        assert!(muxer.announce_events(Ticks27M(half_way), later).is_ok());
    }
    muxer
}

pub(crate) fn mux_with(muxer: &mut Muxer, units: &[Unit]) -> Output {
    let mut output = Output::default();
    for unit in units {
        push(muxer, unit, &mut output);
    }
    muxer.finish();
    drain(muxer, &mut [0; PACKET_SIZE * 7], &mut output);
    output
}

/// Muxes everything, choosing by `noise` when to poll, how far, and with how large a buffer.
pub(crate) fn mux_erratically(config: MuxConfig, units: &[Unit], seed: u64) -> Output {
    let mut noise = Noise(seed);
    let mut muxer = muxer(config, units);
    let mut output = Output::default();
    let mut buffer = vec![0u8; PACKET_SIZE * 40];
    for unit in units {
        push(&mut muxer, unit, &mut output);
        if noise.below(3) == 0 {
            for _ in 0..noise.below(60) {
                let size = PACKET_SIZE + noise.below((PACKET_SIZE * 39) as u64) as usize;
                if !step(&mut muxer, &mut buffer[..size], &mut output) {
                    break;
                }
            }
        }
    }
    muxer.finish();
    let size = PACKET_SIZE + noise.below((PACKET_SIZE * 39) as u64) as usize;
    drain(&mut muxer, &mut buffer[..size], &mut output);
    output
}

fn push(muxer: &mut Muxer, unit: &Unit, output: &mut Output) {
    loop {
        match muxer.push(unit.borrow()) {
            Ok(()) => return,
            Err(PushError::Full { .. }) => drain(muxer, &mut [0; PACKET_SIZE * 7], output),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Polls until nothing comes.
pub(crate) fn drain(muxer: &mut Muxer, buffer: &mut [u8], output: &mut Output) {
    while step(muxer, buffer, output) {}
}

fn step(muxer: &mut Muxer, buffer: &mut [u8], output: &mut Output) -> bool {
    match muxer.poll(buffer) {
        Poll::Packets(run) => {
            output.bytes.extend_from_slice(&buffer[..run.bytes()]);
            output.departures.extend((0..run.packets()).map(|index| run.departure(index).0));
            true
        }
        Poll::Event(event) => {
            output.events.push(event);
            true
        }
        Poll::NeedInput { .. } | Poll::Finished => false,
        Poll::OutputTooSmall => panic!("buffer of {} bytes", buffer.len()),
    }
}
