//! PES packet headers (ISO/IEC 13818-1 §2.4.3.6). The 33-bit wrap of PTS and DTS happens here and
//! nowhere earlier.

use retrovue_timebase::Ticks90k;

/// Size of every header of teletext (EN 300 472 §4.2): with one byte behind it, as long as a data unit, so
/// that four of them fill a packet.
pub(crate) const TELETEXT_HEADER: usize = 45;

/// Longest header written.
const MAX_HEADER: usize = TELETEXT_HEADER;

/// A header and how many of its bytes count.
pub(crate) struct PesHeader {
    bytes: [u8; MAX_HEADER],
    len: usize,
}

impl PesHeader {
    /// Header of an aligned access unit of `payload` bytes. A length beyond 16 bits is written as 0,
    /// which only video may be; units of anything else are shorter.
    #[inline]
    pub(crate) fn new(stream_id: u8, pts: Ticks90k, dts: Ticks90k, payload: usize) -> PesHeader {
        let stamps = if pts == dts { 5 } else { 10 };
        let length = u16::try_from(3 + stamps + payload).unwrap_or(0).to_be_bytes();
        let mut bytes = [0; MAX_HEADER];
        let flags = if pts == dts { 0x80 } else { 0xC0 };
        // 0x84: marker bits '10' and data_alignment_indicator.
        bytes[..9].copy_from_slice(&[0, 0, 1, stream_id, length[0], length[1], 0x84, flags, stamps as u8]);
        bytes[9..14].copy_from_slice(&stamp(if pts == dts { 0b0010 } else { 0b0011 }, pts));
        if pts != dts {
            bytes[14..19].copy_from_slice(&stamp(0b0001, dts));
        }
        PesHeader { bytes, len: 9 + stamps }
    }

    /// The header of teletext: as [`PesHeader::new`], stuffed to its fixed size.
    pub(crate) fn teletext(stream_id: u8, pts: Ticks90k, dts: Ticks90k, payload: usize) -> PesHeader {
        let mut header = PesHeader::new(stream_id, pts, dts, payload);
        let stuffing = TELETEXT_HEADER - header.len;
        header.bytes[header.len..].fill(0xFF);
        header.bytes[8] += stuffing as u8;
        let length = u16::try_from(TELETEXT_HEADER - 6 + payload).unwrap_or(0);
        header.bytes[4..6].copy_from_slice(&length.to_be_bytes());
        header.len = TELETEXT_HEADER;
        header
    }

    /// Bytes of a header with these stamps.
    #[inline]
    pub(crate) fn size(pts: Ticks90k, dts: Ticks90k) -> usize {
        if pts == dts { 14 } else { 19 }
    }

    /// Writes it to the front of `out`, which has room for it, and returns its size.
    #[inline]
    pub(crate) fn write(&self, out: &mut [u8]) -> usize {
        // What is behind it is written later.
        match out.first_chunk_mut() {
            Some(front) => *front = self.bytes,
            None => out[..self.len].copy_from_slice(self.bytes()),
        }
        self.len
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Five bytes of a time stamp: four prefix bits, then 3, 15 and 15 bits each with a marker one behind.
fn stamp(prefix: u8, instant: Ticks90k) -> [u8; 5] {
    let value = instant.0.rem_euclid(1 << 33) as u64;
    [
        prefix << 4 | ((value >> 29) as u8 & 0x0E) | 1,
        (value >> 22) as u8,
        (value >> 14) as u8 | 1,
        (value >> 7) as u8,
        (value << 1) as u8 | 1,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_wrap_at_the_write_and_keep_their_markers() {
        let table: [(i64, [u8; 5]); 5] = [
            (0, [0x21, 0, 1, 0, 1]),
            (1, [0x21, 0, 1, 0, 3]),
            ((1 << 33) - 1, [0x2F, 0xFF, 0xFF, 0xFF, 0xFF]),
            (1 << 33, [0x21, 0, 1, 0, 1]),
            (-1, [0x2F, 0xFF, 0xFF, 0xFF, 0xFF]),
        ];
        for (instant, bytes) in table {
            assert_eq!(stamp(0b0010, Ticks90k(instant)), bytes, "{instant}");
        }
    }

    #[test]
    fn dts_is_written_only_where_it_differs() {
        let same = PesHeader::new(0xC0, Ticks90k(9), Ticks90k(9), 100);
        assert_eq!(same.bytes()[..9], [0, 0, 1, 0xC0, 0, 108, 0x84, 0x80, 5]);
        assert_eq!(same.bytes().len(), 14);
        let both = PesHeader::new(0xE0, Ticks90k(9), Ticks90k(3), 70_000);
        assert_eq!(both.bytes()[..9], [0, 0, 1, 0xE0, 0, 0, 0x84, 0xC0, 10]);
        assert_eq!(both.bytes().len(), 19);
    }

    #[test]
    fn teletext_has_a_header_of_its_own_size() {
        let header = PesHeader::teletext(0xBD, Ticks90k(9), Ticks90k(9), 139);
        assert_eq!(header.bytes()[..9], [0, 0, 1, 0xBD, 0, 178, 0x84, 0x80, 0x24]);
        assert_eq!(header.bytes().len(), 45);
        assert!(header.bytes()[14..].iter().all(|&byte| byte == 0xFF));
    }
}
