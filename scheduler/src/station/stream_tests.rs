//! Ring, tables and viewers together, over packets made here by hand (so that a fault of the muxer's and
//! one of the reader's cannot cancel out).

use super::ring::{Intake, PACKET_BYTES, Ring, StreamError};
use super::viewer::{Turn, Viewer};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::time::Instant;

const PMT_PID: u16 = 0x30;
const VIDEO_PID: u16 = 0x31;
const AUDIO_PID: u16 = 0x32;

/// Writes packets with right counters.
#[derive(Default)]
struct Sender {
    counters: BTreeMap<u16, u8>,
    bytes: Vec<u8>,
}

impl Sender {
    fn packet(&mut self, pid: u16, start: bool, random_access: bool, payload: &[u8]) {
        let counter = self.counters.entry(pid).and_modify(|c| *c = (*c + 1) & 15).or_insert(0);
        let mut packet = [0xFFu8; PACKET_BYTES];
        packet[0] = 0x47;
        packet[1] = (pid >> 8) as u8 | if start { 0x40 } else { 0 };
        packet[2] = pid as u8;
        packet[3] = 0x10 | *counter;
        let mut at = 4;
        if random_access {
            packet[3] |= 0x20;
            packet[4] = 1;
            packet[5] = 0x40;
            at = 6;
        }
        packet[at..at + payload.len()].copy_from_slice(payload);
        // Each packet is told from all others by its last bytes.
        let number = (self.bytes.len() / PACKET_BYTES) as u32;
        packet[184..].copy_from_slice(&number.to_be_bytes());
        self.bytes.extend_from_slice(&packet);
    }

    fn section(&mut self, pid: u16, table: u8, body: &[u8]) {
        let length = body.len() + 5 + 4;
        let mut section = vec![0, table, 0xB0 | (length >> 8) as u8, length as u8, 0, 1, 0xC1, 0, 0];
        section.extend_from_slice(body);
        section.extend_from_slice(&[1, 2, 3, 4]);
        for (index, piece) in section.chunks(184).enumerate() {
            self.packet(pid, index == 0, false, piece);
        }
    }

    fn tables(&mut self, with_sdt: bool) {
        self.section(0, 0, &[0, 0, 0xE0, 0x10, 0, 1, 0xE0, PMT_PID as u8]);
        let mut map = vec![0xE0, VIDEO_PID as u8, 0xF0, 0];
        map.extend_from_slice(&[0x0F, 0xE0, AUDIO_PID as u8, 0xF0, 6, 0x0A, 4, b'e', b'n', b'g', 0]);
        map.extend_from_slice(&[0x1B, 0xE0, VIDEO_PID as u8, 0xF0, 0]);
        self.section(PMT_PID, 2, &map);
        if with_sdt {
            // Longer than a packet.
            self.section(0x11, 0x42, &[7; 300]);
        }
    }

    /// Tables, an IDR of `pictures` packets, sound with random access flags of its own.
    fn gop(&mut self, pictures: usize) {
        self.tables(true);
        self.packet(VIDEO_PID, true, true, b"idr");
        for n in 0..pictures {
            self.packet(AUDIO_PID, true, true, &[n as u8; 20]);
            self.packet(VIDEO_PID, true, false, &[n as u8; 100]);
        }
    }
}

/// Gives `bytes` in reads of at most the sizes asked for in turn.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let size = (*self.sizes.next().unwrap()).min(buffer.len()).min(self.bytes.len());
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        Ok(size)
    }
}

/// A socket that takes `room` bytes, then is full.
#[derive(Default)]
struct Socket {
    taken: Vec<u8>,
    room: usize,
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= count;
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.write(&all)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fill(ring: &mut Ring, bytes: &[u8], sizes: &[usize]) -> Result<(), StreamError> {
    let mut source = Pieces { bytes, sizes: sizes.iter().cycle() };
    while ring.fill_from(&mut source)? != Intake::Nothing {}
    Ok(())
}

fn pid(packet: &[u8]) -> u16 {
    u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2])
}

#[test]
fn viewer_starts_with_tables_then_the_newest_idr() {
    let mut sender = Sender::default();
    sender.gop(5);
    sender.gop(3);
    let mut ring = Ring::new(1 << 20);
    fill(&mut ring, &sender.bytes, &[1000]).unwrap();
    let mut viewer = Viewer::new(Instant::now());
    let mut socket = Socket { room: usize::MAX, ..Socket::default() };
    assert_eq!(viewer.turn(&mut socket, &ring, Instant::now()), Turn::Drained);
    let pids: Vec<u16> = socket.taken.chunks(PACKET_BYTES).map(pid).collect();
    assert_eq!(pids[..6], [0, PMT_PID, 0x11, 0x11, VIDEO_PID, AUDIO_PID]);
    // The tables stand right before that IDR in the stream, so this is the stream from there on.
    let tail = &sender.bytes[sender.bytes.len() - socket.taken.len()..];
    assert_eq!(socket.taken, tail);
}

#[test]
fn sound_with_random_access_flags_is_no_place_to_start() {
    let mut sender = Sender::default();
    sender.tables(false);
    sender.packet(AUDIO_PID, true, true, b"sound");
    let mut ring = Ring::new(1 << 20);
    fill(&mut ring, &sender.bytes, &[188]).unwrap();
    assert!(ring.join_point().is_none());
}

#[test]
fn no_tables_no_start() {
    let mut sender = Sender::default();
    sender.packet(VIDEO_PID, true, true, b"idr");
    let mut ring = Ring::new(1 << 20);
    fill(&mut ring, &sender.bytes, &[188]).unwrap();
    assert!(ring.join_point().is_none());
    let mut viewer = Viewer::new(Instant::now());
    let mut socket = Socket { room: usize::MAX, ..Socket::default() };
    assert_eq!(viewer.turn(&mut socket, &ring, Instant::now()), Turn::Drained);
    assert!(socket.taken.is_empty());
}

#[test]
fn unfinished_packet_of_a_dead_session_is_discarded_and_viewers_go_on() {
    let mut first = Sender::default();
    first.gop(2);
    let mut ring = Ring::new(1 << 20);
    let mut viewer = Viewer::new(Instant::now());
    let mut socket = Socket { room: usize::MAX, ..Socket::default() };
    let cut = first.bytes.len() - 100;
    fill(&mut ring, &first.bytes[..cut], &[777]).unwrap();
    viewer.turn(&mut socket, &ring, Instant::now());
    ring.end_of_session();
    assert!(ring.join_point().is_none(), "nobody starts in what a dead session left");
    let mut second = Sender::default();
    second.gop(1);
    fill(&mut ring, &second.bytes, &[777]).unwrap();
    viewer.turn(&mut socket, &ring, Instant::now());
    let whole = &first.bytes[..first.bytes.len() - PACKET_BYTES];
    assert_eq!(socket.taken, [whole, &second.bytes].concat());
}

#[test]
fn counters_are_those_of_whole_packets_with_payload() {
    let mut sender = Sender::default();
    sender.gop(20);
    let mut ring = Ring::new(1 << 20);
    sender.bytes.extend_from_slice(&[0x47, 0x1F, 0xFF, 0x13]); // Half a null packet.
    fill(&mut ring, &sender.bytes, &[100]).unwrap();
    let counters: BTreeMap<u16, u8> = ring.counters().into_iter().map(|c| (c.pid, c.last)).collect();
    assert_eq!(counters, sender.counters);
}

#[test]
fn lost_sync_is_an_error_with_its_place() {
    let mut sender = Sender::default();
    sender.gop(1);
    let sound = sender.bytes.len();
    sender.bytes.extend_from_slice(&[0; 400]);
    let mut ring = Ring::new(1 << 20);
    let error = fill(&mut ring, &sender.bytes, &[64]).unwrap_err();
    assert!(matches!(error, StreamError::NoPacket { position, .. } if position == sound as u64), "{error}");
}

#[test]
fn stalled_means_bytes_wait_and_time_passes() {
    let mut sender = Sender::default();
    sender.gop(3);
    let mut ring = Ring::new(1 << 20);
    let start = Instant::now();
    let mut viewer = Viewer::new(start);
    let late = start + super::viewer::STALL_LIMIT;
    assert!(!viewer.has_stalled(&ring, late), "nothing waits");
    fill(&mut ring, &sender.bytes, &[188]).unwrap();
    let mut socket = Socket { room: 1000, ..Socket::default() };
    assert_eq!(viewer.turn(&mut socket, &ring, start), Turn::Full);
    assert!(viewer.has_stalled(&ring, late));
    socket.room = usize::MAX;
    assert_eq!(viewer.turn(&mut socket, &ring, late), Turn::Drained);
    assert!(!viewer.has_stalled(&ring, late));
}

proptest! {
    /// However the stream is cut on its way in and however little a socket takes, what leaves is whole
    /// packets, in order, and after each leap come the tables and an IDR.
    #[test]
    fn any_viewer_gets_whole_packets(
        sizes in proptest::collection::vec(1usize..2000, 1..5),
        rooms in proptest::collection::vec(0usize..6000, 1..60),
        pictures in 1usize..12,
        capacity in 20usize..200,
    ) {
        let mut sender = Sender::default();
        let mut ring = Ring::new(capacity * PACKET_BYTES);
        let mut viewer = Viewer::new(Instant::now());
        let mut socket = Socket::default();
        let mut fed = 0;
        for room in rooms {
            sender.gop(pictures);
            fill(&mut ring, &sender.bytes[fed..], &sizes).unwrap();
            fed = sender.bytes.len();
            socket.room = room;
            let turn = viewer.turn(&mut socket, &ring, Instant::now());
            prop_assert!(turn == Turn::Full || turn == Turn::Drained);
        }
        socket.room = usize::MAX;
        viewer.turn(&mut socket, &ring, Instant::now());
        prop_assert_eq!(socket.taken.len() % PACKET_BYTES, 0);
        let number = |packet: &[u8]| u32::from_be_bytes(*packet.last_chunk().unwrap());
        let mut last = None;
        for packet in socket.taken.chunks(PACKET_BYTES) {
            let n = number(packet) as usize;
            prop_assert_eq!(packet, &sender.bytes[n * PACKET_BYTES..][..PACKET_BYTES], "packet {} is damaged", n);
            // This sender puts the tables right before each IDR, so what follows a leap to the PAT in
            // the order of the stream is tables and an IDR.
            prop_assert!(last == Some(n.wrapping_sub(1)) || pid(packet) == 0, "{:?}, then {}", last, n);
            prop_assert!(last.is_none_or(|last| last < n), "back from {:?} to {}", last, n);
            last = Some(n);
        }
    }

    /// Noise and damaged streams end in an error or in packets, never in a panic or past the capacity.
    #[test]
    fn noise_is_survived(
        noise in proptest::collection::vec(any::<u8>(), 0..4000),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        size in 1usize..900,
    ) {
        let mut ring = Ring::new(30 * PACKET_BYTES);
        let _ = fill(&mut ring, &noise, &[size]);
        let mut sender = Sender::default();
        (0..4).for_each(|_| sender.gop(6));
        for (place, flip) in flips {
            let place = place.index(sender.bytes.len());
            sender.bytes[place] ^= flip;
        }
        // With sync bytes mended, so that the tables are reached.
        for packet in sender.bytes.chunks_mut(PACKET_BYTES) {
            packet[0] = 0x47;
        }
        let mut ring = Ring::new(30 * PACKET_BYTES);
        let _ = fill(&mut ring, &sender.bytes, &[size]);
        prop_assert!(ring.end() - ring.tail() <= 30 * PACKET_BYTES as u64);
        let mut viewer = Viewer::new(Instant::now());
        let mut socket = Socket { room: usize::MAX, ..Socket::default() };
        viewer.turn(&mut socket, &ring, Instant::now());
        prop_assert_eq!(socket.taken.len() % PACKET_BYTES, 0);
    }
}
