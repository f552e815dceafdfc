//! From bytes in any pieces to packets: finds sync for packets of 188, 192 (M2TS) and 204 bytes, loses it
//! and finds it again (TR 101 290 §5.2.1, 1.1 and 1.2).
//!
//! Sync is five packets in a row with their sync byte; it is lost at two in a row without. What comes out
//! does not depend on how the bytes were cut.

use crate::packet::PACKET;
use serde::Serialize;

const SYNC_BYTE: u8 = 0x47;
/// Packets in a row that make sync (TR 101 290: five).
const TO_LOCK: usize = 5;
/// Bytes that the search looks at: every beginning within the longest packet, five packets each.
const WINDOW: usize = 204 * (TO_LOCK + 1);

/// How packets follow each other in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketSize {
    /// Bare packets.
    Bytes188,
    /// Each with a time stamp of four bytes before it (M2TS).
    Bytes192,
    /// Each with 16 bytes of Reed-Solomon parity behind it.
    Bytes204,
}

impl PacketSize {
    const ALL: [PacketSize; 3] = [PacketSize::Bytes188, PacketSize::Bytes192, PacketSize::Bytes204];

    /// Bytes from one packet to the next.
    #[must_use]
    pub fn stride(self) -> usize {
        match self {
            PacketSize::Bytes188 => 188,
            PacketSize::Bytes192 => 192,
            PacketSize::Bytes204 => 204,
        }
    }

    fn lead(self) -> usize {
        if self == PacketSize::Bytes192 { 4 } else { 0 }
    }
}

/// Who takes the packets.
pub(crate) trait Sink {
    /// Sync was found; the next packet is at `offset`.
    fn locked(&mut self, size: PacketSize, offset: u64);
    /// A packet. `sync` tells whether its sync byte is right.
    fn packet(&mut self, bytes: &[u8; PACKET], offset: u64, sync: bool);
    /// Sync was lost at `offset`.
    fn lost(&mut self, offset: u64);
}

/// Cuts a stream into packets.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    carry: Vec<u8>,
    /// Offset of the first byte not yet used.
    offset: u64,
    size: Option<PacketSize>,
    skipped: u64,
}

impl Framer {
    /// Takes more bytes.
    pub(crate) fn push(&mut self, mut data: &[u8], sink: &mut impl Sink) {
        while !self.carry.is_empty() && !data.is_empty() {
            let held = self.carry.len();
            let more = data.len().min(2 * WINDOW);
            self.carry.extend_from_slice(&data[..more]);
            let carry = std::mem::take(&mut self.carry);
            let used = self.run(&carry, false, sink);
            self.carry = carry;
            if used >= held {
                data = &data[used - held..];
                self.carry.clear();
            } else {
                self.carry.drain(..used);
                data = &data[more..];
            }
        }
        if !data.is_empty() {
            let used = self.run(data, false, sink);
            self.carry.extend_from_slice(&data[used..]);
        }
    }

    /// Uses what is left. Returns the bytes that belonged to no packet.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) -> u64 {
        let carry = std::mem::take(&mut self.carry);
        let used = self.run(&carry, true, sink);
        self.skipped += (carry.len() - used) as u64;
        self.skipped
    }

    fn run(&mut self, data: &[u8], last: bool, sink: &mut impl Sink) -> usize {
        let mut at = 0;
        loop {
            let before = at;
            match self.size {
                Some(size) => at = self.packets(data, at, size, last, sink),
                None => match search(&data[at..], last) {
                    Search::Found(size, skip) => {
                        self.size = Some(size);
                        self.skipped += skip as u64;
                        self.offset += skip as u64;
                        at += skip;
                        sink.locked(size, self.offset);
                        continue;
                    }
                    Search::Nothing(skip) => {
                        self.skipped += skip as u64;
                        self.offset += skip as u64;
                        at += skip;
                    }
                },
            }
            if at == before {
                return at;
            }
        }
    }

    /// Packets while there is sync. Ends where bytes are missing or sync is.
    fn packets(
        &mut self,
        data: &[u8],
        mut at: usize,
        size: PacketSize,
        last: bool,
        sink: &mut impl Sink,
    ) -> usize {
        let (stride, lead) = (size.stride(), size.lead());
        while let Some(bytes) = data[at..].get(lead..lead + PACKET) {
            let whole = data.len() - at >= stride;
            if !whole && !last {
                break;
            }
            let sync = bytes[0] == SYNC_BYTE;
            if !sync {
                match data.get(at + stride + lead) {
                    Some(&next) if next != SYNC_BYTE => {
                        self.size = None;
                        sink.lost(self.offset);
                        // The byte that is no sync byte can begin no packet.
                        let skip = 1 + lead;
                        self.skipped += skip as u64;
                        self.offset += skip as u64;
                        return at + skip;
                    }
                    None if !last => break,
                    _ => {}
                }
            }
            let bytes: &[u8; PACKET] = bytes.try_into().expect("188 bytes");
            sink.packet(bytes, self.offset, sync);
            let used = stride.min(data.len() - at);
            self.offset += used as u64;
            at += used;
        }
        at
    }
}

enum Search {
    /// Sync, after that many bytes.
    Found(PacketSize, usize),
    /// That many bytes hold the beginning of none.
    Nothing(usize),
}

fn search(data: &[u8], last: bool) -> Search {
    let short = data.len() < WINDOW;
    if short && !last {
        return Search::Nothing(0);
    }
    let mut best = (0, Search::Nothing(if short { 0 } else { 204 }));
    for size in PacketSize::ALL {
        for begin in 0..data.len().min(204) {
            let syncs = syncs(data, size, begin);
            if syncs == TO_LOCK {
                return Search::Found(size, begin);
            }
            // Of a stream shorter than five packets what fits best; one byte alone is no sync inside a file.
            if short && syncs > best.0 && (syncs > 1 || begin == 0) {
                best = (syncs, Search::Found(size, begin));
            }
        }
    }
    best.1
}

/// Packets with their sync byte, from `begin` to the end or five; 0 when one is without.
fn syncs(data: &[u8], size: PacketSize, begin: usize) -> usize {
    let packets = data.get(begin + size.lead()..).unwrap_or(&[]).chunks(size.stride());
    let mut whole = packets.take(TO_LOCK).filter(|packet| packet.len() >= PACKET);
    whole.try_fold(0, |count, packet| (packet[0] == SYNC_BYTE).then_some(count + 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Heard(Vec<(char, u64)>, Option<PacketSize>);

    impl Sink for Heard {
        fn locked(&mut self, size: PacketSize, offset: u64) {
            self.1 = Some(size);
            self.0.push(('L', offset));
        }
        fn packet(&mut self, bytes: &[u8; PACKET], offset: u64, sync: bool) {
            assert_eq!(bytes[0] == 0x47, sync);
            self.0.push((if sync { 'p' } else { 'b' }, offset));
        }
        fn lost(&mut self, offset: u64) {
            self.0.push(('X', offset));
        }
    }

    fn stream(size: PacketSize, packets: usize) -> Vec<u8> {
        let mut packet = vec![0u8; size.stride()];
        packet[size.lead()] = 0x47;
        packet.repeat(packets)
    }

    fn hear(data: &[u8], cut: usize) -> (Heard, u64) {
        let (mut framer, mut heard) = (Framer::default(), Heard::default());
        data.chunks(cut).for_each(|piece| framer.push(piece, &mut heard));
        let skipped = framer.finish(&mut heard);
        (heard, skipped)
    }

    #[test]
    fn sizes() {
        for size in PacketSize::ALL {
            for packets in [1, 2, 5, 40] {
                for lead in [0, 3, 100] {
                    let mut data = vec![1; lead];
                    data.extend(stream(size, packets));
                    let (heard, skipped) = hear(&data, 1000);
                    if packets >= 2 {
                        assert_eq!(heard.1, Some(size));
                    }
                    let expected = if packets == 1 && lead > 0 { 0 } else { packets };
                    assert_eq!(heard.0.iter().filter(|h| h.0 == 'p').count(), expected, "{size:?} {lead}");
                    assert!(skipped >= lead as u64);
                }
            }
        }
    }

    #[test]
    fn one_bad_byte_and_a_loss() {
        let mut data = stream(PacketSize::Bytes188, 40);
        data[188 * 10] = 0;
        data.drain(188 * 20 + 50..188 * 20 + 60);
        let (heard, _) = hear(&data, 4096);
        let kinds: String = heard.0.iter().map(|h| h.0).collect();
        assert_eq!(
            kinds,
            format!("L{}b{}X L{}", "p".repeat(10), "p".repeat(10), "p".repeat(18)).replace(' ', "")
        );
        for cut in [1, 7, 187, 188, 189, 5000] {
            assert_eq!(hear(&data, cut).0, heard, "pieces of {cut}");
        }
    }

    #[test]
    fn nothing() {
        assert_eq!(hear(&[], 1).1, 0);
        assert_eq!(hear(&vec![0; 5000], 100), (Heard::default(), 5000));
    }
}
