//! A programme muxed at a variable and at a constant rate, and the plain copy it is compared with: four
//! bytes of header and 184 of payload per packet.

use retrovue_codec::TsWriter;
use retrovue_mux::{
    AccessUnit, Bodies, MuxConfig, MuxRate, Muxer, PACKET_SIZE, Poll, PushError, StreamConfig, StreamIndex,
    UnitBytes, UnitHeader,
};
use retrovue_timebase::Ticks90k;
use std::collections::VecDeque;
use std::path::Path;

/// The constant rate in bit/s, 8 % over the streams.
const CONSTANT_BPS: u32 = 8_850_000;

/// Length of the programme in 90 kHz ticks.
const DURATION: i64 = 900_000;

/// Ten seconds of 30 pictures a second at 8 Mb/s beside 192 kb/s of sound.
pub struct Programme {
    config: MuxConfig,
    units: Vec<(StreamIndex, i64, Vec<u8>)>,
}

impl Programme {
    /// The programme; its bytes are a fixed pattern.
    #[must_use]
    pub fn new() -> Programme {
        let config = MuxConfig::new(
            "Bench",
            vec![StreamConfig::h264(8_000_000, 4_000_000), StreamConfig::aac_adts(192_000)],
        );
        let mut units = Vec::new();
        for k in 0..300i64 {
            let mut picture = vec![0x5A; if k % 30 == 0 { 120_000 } else { 29_000 }];
            picture[..6].copy_from_slice(&[0, 0, 0, 1, 9, 0xF0]);
            units.push((StreamIndex(0), k * 3000, picture));
        }
        for n in 0..468i64 {
            let mut frame = vec![0xA5; 512];
            frame[..7].copy_from_slice(&[0xFF, 0xF1, 0x4C, 0x80, 0x40, 0x1F, 0xFC]);
            units.push((StreamIndex(1), n * 1920, frame));
        }
        units.sort_by_key(|&(stream, dts, _)| (dts, stream));
        Programme { config, units }
    }

    /// Its configuration at a constant rate.
    fn constant(&self) -> MuxConfig {
        MuxConfig { rate: MuxRate::Constant { bps: u64::from(CONSTANT_BPS) }, ..self.config.clone() }
    }

    /// A muxer for [`Programme::mux`] that copies from the programme's own bytes.
    ///
    /// # Panics
    /// When the muxer refuses its configuration.
    #[must_use]
    pub fn muxer(&self, constant: bool) -> Muxer<Held<'_>> {
        let config = if constant { self.constant() } else { self.config.clone() };
        let waiting = |_| Waiting { rest: &[], later: VecDeque::with_capacity(256) };
        let held = Held { streams: self.config.streams.iter().map(waiting).collect() };
        Muxer::with_source(config, held).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A muxer for [`Programme::mux_queued`] that keeps the bytes in its own queues.
    ///
    /// # Panics
    /// When the muxer refuses its configuration.
    #[must_use]
    pub fn queued_muxer(&self) -> Muxer {
        Muxer::new(self.config.clone()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Muxes the `round`th repetition of it, in order from 0, through `buffer`, at least a packet long,
    /// and returns the number of packets. What the last units would have to wait for comes out in the
    /// next round.
    ///
    /// # Panics
    /// When the muxer refuses what it must take.
    #[must_use]
    pub fn mux<'a>(&'a self, muxer: &mut Muxer<Held<'a>>, round: i64, buffer: &mut [u8]) -> usize {
        let mut packets = 0;
        for (stream, dts, data) in &self.units {
            let random_access = stream.0 == 0 && dts % 90_000 == 0;
            let at = Ticks90k(dts + round * DURATION);
            muxer.source_mut().streams[stream.0].push(data);
            taken(muxer.announce(UnitHeader::of(*stream, at, at, random_access, data)));
            packets += poll(muxer, buffer);
        }
        packets
    }

    /// The same through a muxer's own queues, which copies everything twice.
    ///
    /// # Panics
    /// When the muxer refuses what it must take.
    #[must_use]
    pub fn mux_queued(&self, muxer: &mut Muxer, round: i64, buffer: &mut [u8]) -> usize {
        let mut packets = 0;
        for (stream, dts, data) in &self.units {
            let random_access = stream.0 == 0 && dts % 90_000 == 0;
            let at = Ticks90k(dts + round * DURATION);
            taken(muxer.push(AccessUnit {
                stream: *stream,
                pts: at,
                dts: at,
                random_access,
                arrival: None,
                data,
            }));
            packets += poll(muxer, buffer);
        }
        packets
    }

    /// Writes the `round`th repetition of it with libavformat.
    ///
    /// # Panics
    /// When libavformat refuses it.
    pub fn write(&self, writer: &mut TsWriter, round: i64) {
        for (stream, dts, data) in &self.units {
            let (number, key) = match stream.0 {
                0 => (TsWriter::VIDEO, dts % 90_000 == 0),
                _ => (TsWriter::AUDIO, true),
            };
            let at = dts + round * DURATION;
            if let Err(error) = writer.write(number, (at, at), key, data) {
                panic!("{error}");
            }
        }
    }

    /// A writer of libavformat for [`Programme::write`], whose bytes nobody takes.
    ///
    /// # Panics
    /// When libavformat refuses it.
    #[must_use]
    pub fn writer(&self, constant: bool) -> TsWriter {
        let rate = constant.then_some(CONSTANT_BPS);
        TsWriter::create(Path::new("/dev/null"), rate).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Copies all of it into packets of one header, without deciding anything.
    #[must_use]
    pub fn copy(&self, buffer: &mut [u8]) -> usize {
        let (packets, _) = buffer.as_chunks_mut::<PACKET_SIZE>();
        let (mut count, mut slot) = (0, 0);
        for (_, _, data) in &self.units {
            let (bodies, rest) = data.as_chunks::<184>();
            for body in bodies {
                packets[slot][..4].copy_from_slice(&[0x47, 1, 0, 0x10 | (count & 15) as u8]);
                packets[slot][4..].copy_from_slice(body);
                (count, slot) = (count + 1, if slot + 1 == packets.len() { 0 } else { slot + 1 });
            }
            if !rest.is_empty() {
                packets[slot][4..4 + rest.len()].copy_from_slice(rest);
                (count, slot) = (count + 1, if slot + 1 == packets.len() { 0 } else { slot + 1 });
            }
            std::hint::black_box(&mut *packets);
        }
        count
    }
}

impl Default for Programme {
    fn default() -> Programme {
        Programme::new()
    }
}

fn taken(result: Result<(), PushError>) {
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Units that stay where they are until they are copied into packets.
#[derive(Debug)]
pub struct Held<'a> {
    streams: Vec<Waiting<'a>>,
}

/// The units of a stream.
#[derive(Debug)]
struct Waiting<'a> {
    /// What is left of the first one.
    rest: &'a [u8],
    later: VecDeque<&'a [u8]>,
}

impl<'a> Waiting<'a> {
    fn push(&mut self, unit: &'a [u8]) {
        if self.rest.is_empty() {
            self.rest = unit;
        } else {
            self.later.push_back(unit);
        }
    }
}

impl UnitBytes for Held<'_> {
    fn take(&mut self, stream: StreamIndex, bodies: &mut Bodies<'_>) {
        let Waiting { rest, later } = &mut self.streams[stream.0];
        while !rest.is_empty() {
            *rest = &rest[bodies.put(rest)..];
            if rest.is_empty() {
                *rest = later.pop_front().unwrap_or_default();
            }
            if bodies.remaining() == 0 {
                return;
            }
        }
    }
}

fn poll<S: UnitBytes>(muxer: &mut Muxer<S>, buffer: &mut [u8]) -> usize {
    let mut packets = 0;
    loop {
        match muxer.poll(buffer) {
            Poll::Packets(run) => packets += run.packets(),
            Poll::Event(event) => panic!("{event:?}"),
            _ => return packets,
        }
        std::hint::black_box(&mut *buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_run_and_count_packets() {
        let programme = Programme::new();
        let mut buffer = vec![0; PACKET_SIZE * 64];
        let copied = programme.copy(&mut buffer);
        for constant in [false, true] {
            let mut muxer = programme.muxer(constant);
            let muxed = (0..2).map(|round| programme.mux(&mut muxer, round, &mut buffer)).last().unwrap_or(0);
            assert!(copied > 50_000 && muxed > copied && muxed < copied * 11 / 10, "{copied} and {muxed}");
        }
        let mut muxer = programme.queued_muxer();
        let queued = (0..2).map(|round| programme.mux_queued(&mut muxer, round, &mut buffer)).last();
        let mut muxer = programme.muxer(false);
        let held = (0..2).map(|round| programme.mux(&mut muxer, round, &mut buffer)).last();
        assert_eq!(queued, held);
    }
}
