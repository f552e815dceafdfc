//! Where the bytes of access units wait until their packets leave.
//!
//! The muxer decides with lengths and stamps alone. The bytes stay with their owner, a ring that an
//! encoder fills or the [`Queues`] here, and are copied once: into their packets.

use crate::access_unit::{AccessUnit, PushError, StreamIndex, UnitHeader};
use crate::muxer::Muxer;
use crate::packet::{BODY_SIZE, PACKET_SIZE};

/// Bytes of elementary streams, each first in, first out: what [`crate::Muxer`] copies packets from.
pub trait UnitBytes {
    /// Moves the next [`Bodies::remaining`] bytes of `stream` into `bodies`, by one or more
    /// [`Bodies::put`]. The muxer asks for no more than the units it was told of hold.
    fn take(&mut self, stream: StreamIndex, bodies: &mut Bodies<'_>);
}

/// The places for payload in one or more packets of one stream.
pub struct Bodies<'a> {
    packets: &'a mut [[u8; PACKET_SIZE]],
    /// Offset in the first packet where payload goes on; the others begin behind their header.
    at: usize,
    /// The next header to write, its first byte the highest.
    header: u32,
}

const HEADER_SIZE: usize = PACKET_SIZE - BODY_SIZE;

impl<'a> Bodies<'a> {
    /// The rest of `packet` from `at` on.
    pub(crate) fn one(packet: &'a mut [u8; PACKET_SIZE], at: usize) -> Bodies<'a> {
        Bodies { packets: std::slice::from_mut(packet), at, header: 0 }
    }

    /// Everything in `packets` behind their headers, which are written too: the first as given, the others
    /// with the counters that follow.
    pub(crate) fn whole(packets: &'a mut [[u8; PACKET_SIZE]], header: [u8; HEADER_SIZE]) -> Bodies<'a> {
        Bodies { packets, at: 0, header: u32::from_be_bytes(header) }
    }

    /// Bytes still to put.
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        match self.packets.len() {
            0 => 0,
            packets => packets * BODY_SIZE - self.at.saturating_sub(HEADER_SIZE),
        }
    }

    /// Puts the next bytes; those beyond [`Bodies::remaining`] are left out. Returns how many were put.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        // Mostly they fill all packets, and there is one with a beginning or some without.
        match &mut self.packets {
            [packet] if self.at > 0 && bytes.len() >= PACKET_SIZE - self.at => {
                let room = &mut packet[self.at..];
                let (now, _) = bytes.split_at(room.len());
                copy_nearly_all(room, now);
                self.packets = &mut [];
                now.len()
            }
            packets if self.at == 0 && bytes.len() >= packets.len() * BODY_SIZE => {
                let (now, _) = bytes.split_at(packets.len() * BODY_SIZE);
                self.header = fill(packets, now.as_chunks().0, self.header);
                self.packets = &mut [];
                now.len()
            }
            _ => self.put_in_parts(bytes),
        }
    }

    #[inline(never)]
    fn put_in_parts(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        if self.at > 0 {
            rest = self.put_in_first(rest);
        }
        if self.at == 0 {
            let packets = std::mem::take(&mut self.packets);
            let (whole, _) = rest.as_chunks();
            let count = whole.len().min(packets.len());
            let (filled, open) = packets.split_at_mut(count);
            self.header = fill(filled, &whole[..count], self.header);
            self.packets = open;
            rest = self.put_in_first(&rest[count * BODY_SIZE..]);
        }
        bytes.len() - rest.len()
    }

    /// Goes on in the first packet, to its end at most.
    fn put_in_first<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(packet) = self.packets.first_mut().filter(|_| !bytes.is_empty()) else { return bytes };
        if self.at == 0 {
            packet[..HEADER_SIZE].copy_from_slice(&self.header.to_be_bytes());
            self.header = following(self.header);
            self.at = HEADER_SIZE;
        }
        let room = &mut packet[self.at..];
        let (now, later) = bytes.split_at(bytes.len().min(room.len()));
        room[..now.len()].copy_from_slice(now);
        self.at += now.len();
        if self.at == PACKET_SIZE {
            self.packets = &mut std::mem::take(&mut self.packets)[1..];
            self.at = 0;
        }
        later
    }
}

/// Writes packets of a header and a body each and returns the header that follows: with registers of 32 bytes where
/// the processor has them, for most of a muxer's time goes here.
#[inline]
fn fill(packets: &mut [[u8; PACKET_SIZE]], bodies: &[[u8; BODY_SIZE]], header: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        use fearless_simd::Simd;
        return avx2.vectorize(
            #[inline(always)]
            move || copy(packets, bodies, header),
        );
    }
    copy(packets, bodies, header)
}

#[inline(always)]
fn copy(packets: &mut [[u8; PACKET_SIZE]], bodies: &[[u8; BODY_SIZE]], mut header: u32) -> u32 {
    for (packet, body) in packets.iter_mut().zip(bodies) {
        // In pieces of known size, each short enough for the compiler to copy without a call.
        let (head, rest) = packet.split_at_mut(HEADER_SIZE);
        let (first, second) = rest.split_at_mut(BODY_SIZE / 2);
        head.copy_from_slice(&header.to_be_bytes());
        first.copy_from_slice(&body[..BODY_SIZE / 2]);
        second.copy_from_slice(&body[BODY_SIZE / 2..]);
        header = following(header);
    }
    header
}

/// Copies what is nearly a packet long in pieces of known size, which overlap.
#[inline]
fn copy_nearly_all(to: &mut [u8], from: &[u8]) {
    let len = to.len();
    if len == from.len() && (128..=192).contains(&len) {
        to[..128].copy_from_slice(&from[..128]);
        to[len - 64..].copy_from_slice(&from[len - 64..]);
    } else {
        to.copy_from_slice(from);
    }
}

/// The header of a packet with the next counter.
#[inline]
fn following(header: u32) -> u32 {
    header & !0x0F | (header + 1) & 0x0F
}

/// A byte ring for each stream, for callers that hold access units as slices. All memory is taken at
/// the start.
#[derive(Debug, Default)]
pub struct Queues {
    rings: Vec<ByteRing>,
}

impl Queues {
    /// Rings of these sizes, in bytes.
    #[must_use]
    pub fn new(sizes: impl IntoIterator<Item = usize>) -> Queues {
        Queues { rings: sizes.into_iter().map(ByteRing::new).collect() }
    }
}

impl UnitBytes for Queues {
    fn take(&mut self, stream: StreamIndex, bodies: &mut Bodies<'_>) {
        if let Some(ring) = self.rings.get_mut(stream.0) {
            ring.take(bodies);
        }
    }
}

impl Muxer<Queues> {
    /// Queues an access unit with its bytes.
    ///
    /// # Errors
    /// [`PushError::Full`] asks to poll first; the others say what is wrong with the unit. The muxer is
    /// unchanged after any of them.
    pub fn push(&mut self, unit: AccessUnit<'_>) -> Result<(), PushError> {
        let AccessUnit { stream, pts, dts, random_access, arrival, data } = unit;
        let (room, largest) =
            self.source().rings.get(stream.0).map_or((0, 0), |ring| (ring.room(), ring.bytes.len()));
        if self.has_stream(stream) && data.len() > largest {
            return Err(PushError::TooLarge { stream, dts, bytes: data.len(), largest });
        }
        let header = UnitHeader::of(stream, pts, dts, random_access, data).arriving(arrival);
        if data.len() > room {
            // A unit at fault is refused for its fault, however full the queue is.
            return Err(self.judge(&header).err().unwrap_or_else(|| self.full(stream, dts)));
        }
        self.announce(header)?;
        if let Some(ring) = self.source_mut().rings.get_mut(stream.0) {
            ring.put(data);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct ByteRing {
    bytes: Box<[u8]>,
    read: usize,
    used: usize,
}

impl ByteRing {
    fn new(size: usize) -> ByteRing {
        ByteRing { bytes: vec![0; size].into_boxed_slice(), read: 0, used: 0 }
    }

    fn room(&self) -> usize {
        self.bytes.len() - self.used
    }

    /// Appends `data`, for which there must be room.
    fn put(&mut self, data: &[u8]) {
        debug_assert!(data.len() <= self.room());
        let start = self.wrap(self.read + self.used);
        let (front, back) = data.split_at(data.len().min(self.bytes.len() - start));
        self.bytes[start..start + front.len()].copy_from_slice(front);
        self.bytes[..back.len()].copy_from_slice(back);
        self.used += data.len();
    }

    fn take(&mut self, bodies: &mut Bodies<'_>) {
        let wanted = bodies.remaining();
        debug_assert!(wanted <= self.used);
        let front = bodies.put(&self.bytes[self.read..self.bytes.len().min(self.read + wanted)]);
        bodies.put(&self.bytes[..wanted - front]);
        self.read = self.wrap(self.read + wanted);
        self.used -= wanted;
        if self.used == 0 {
            self.read = 0;
        }
    }

    fn wrap(&self, position: usize) -> usize {
        if position >= self.bytes.len() { position - self.bytes.len() } else { position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_registers_copy_the_same() {
        let bodies: Vec<[u8; BODY_SIZE]> =
            (0..40u8).map(|n| std::array::from_fn(|i| n.wrapping_mul(31) ^ i as u8)).collect();
        for count in [0, 1, 2, 17, 40] {
            let [mut one, mut other] = [(); 2].map(|()| vec![[0xEE; PACKET_SIZE]; count]);
            let header = 0x4701_001E;
            let next = fill(&mut one, &bodies[..count], header);
            assert_eq!((next, &one), (copy(&mut other, &bodies[..count], header), &other));
            assert!(other.iter().zip(&bodies).all(|(packet, body)| packet[HEADER_SIZE..] == body[..]));
        }
    }

    #[test]
    fn every_length_is_copied_whole() {
        let from: Vec<u8> = (0..=255).collect();
        for len in 0..=from.len() {
            let mut to = vec![0xEE; len];
            copy_nearly_all(&mut to, &from[..len]);
            assert_eq!(to, from[..len]);
        }
    }

    /// Every beginning in the first packet, cut anywhere, fills the same places.
    #[test]
    fn bytes_go_on_where_the_last_ended() {
        let data: Vec<u8> = (0..600).map(|k| k as u8).collect();
        for at in [0, 5, 100, 187] {
            for cut in [0, 1, 83, 84, 184, 185, 400] {
                let mut packets = [[0xFF; PACKET_SIZE]; 3];
                let mut bodies = Bodies { packets: &mut packets, at, header: 0x4701_001F };
                let size = bodies.remaining();
                assert_eq!(size, 3 * 184 - at.saturating_sub(4));
                let cut = cut.min(size);
                assert_eq!(bodies.put(&data[..cut]), cut);
                assert_eq!(bodies.remaining(), size - cut);
                assert_eq!(bodies.put(&data[cut..]), size - cut);
                assert_eq!((bodies.remaining(), bodies.put(&data)), (0, 0));
                let mut put = packets[0][at.max(4)..].to_vec();
                put.extend(&packets[1][4..]);
                put.extend(&packets[2][4..]);
                assert_eq!(put, data[..size]);
                let headed = if at == 0 { 0 } else { 1 };
                for (packet, counter) in packets[headed..].iter().zip([0x1F, 0x10, 0x11]) {
                    assert_eq!(packet[..4], [0x47, 1, 0, counter]);
                }
                assert!(packets[..headed].iter().all(|packet| packet[..4] == [0xFF; 4]));
            }
        }
    }

    #[test]
    fn bytes_come_back_in_order_across_the_rings_end() {
        let mut ring = ByteRing::new(1000);
        let mut value = 0u8;
        let mut next = 0u8;
        for _ in 0..50 {
            let data: Vec<u8> = std::iter::repeat_with(|| {
                value = value.wrapping_add(1);
                value
            })
            .take(184 * 2)
            .collect();
            ring.put(&data);
            let mut packets = [[0; PACKET_SIZE]; 2];
            ring.take(&mut Bodies::whole(&mut packets, [0x47, 1, 0, 0x10]));
            for byte in packets.iter().flat_map(|packet| &packet[4..]) {
                next = next.wrapping_add(1);
                assert_eq!(*byte, next);
            }
            ring.put(&[0; 7]);
            ring.take(&mut Bodies::one(&mut packets[0], PACKET_SIZE - 7));
        }
    }
}
