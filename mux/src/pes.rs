//! PES packet headers (ISO/IEC 13818-1 §2.4.3.6). The 33-bit wrap of PTS and DTS happens here and
//! nowhere earlier.

use retrovue_timebase::Ticks90k;

/// Size of every header of teletext (EN 300 472 §4.2): with one byte behind it, as long as a data unit, so
/// that four of them fill a packet.
pub(crate) const TELETEXT_HEADER: usize = 45;

/// The header of an aligned access unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PesHeader {
    stream_id: u8,
    pts: Ticks90k,
    dts: Ticks90k,
    size: usize,
}

impl PesHeader {
    /// A header no longer than it must be.
    #[inline]
    pub(crate) fn new(stream_id: u8, pts: Ticks90k, dts: Ticks90k) -> PesHeader {
        PesHeader { stream_id, pts, dts, size: if pts == dts { 14 } else { 19 } }
    }

    /// The same, stuffed to the size of those of teletext.
    pub(crate) fn of_teletext(self) -> PesHeader {
        PesHeader { size: TELETEXT_HEADER, ..self }
    }

    /// Its bytes.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Writes it before `payload` bytes. A length beyond 16 bits is written as 0, which only video may be; units of
    /// anything else are shorter.
    #[inline]
    pub(crate) fn write(&self, out: &mut [u8], payload: usize) {
        let PesHeader { stream_id, pts, dts, size } = *self;
        let length = u16::try_from(size - 6 + payload).unwrap_or(0).to_be_bytes();
        let (flags, prefix) = if pts == dts { (0x80, 0b0010) } else { (0xC0, 0b0011) };
        // 0x84: marker bits '10' and data_alignment_indicator.
        let fixed = [0, 0, 1, stream_id, length[0], length[1], 0x84, flags, (size - 9) as u8];
        out[..9].copy_from_slice(&fixed);
        out[9..14].copy_from_slice(&stamp(prefix, pts));
        let mut written = 14;
        if pts != dts {
            out[14..19].copy_from_slice(&stamp(0b0001, dts));
            written = 19;
        }
        if written < size {
            out[written..size].fill(0xFF);
        }
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
        let same = written(PesHeader::new(0xC0, Ticks90k(9), Ticks90k(9)), 100);
        assert_eq!(same[..9], [0, 0, 1, 0xC0, 0, 108, 0x84, 0x80, 5]);
        assert_eq!(same.len(), 14);
        let both = written(PesHeader::new(0xE0, Ticks90k(9), Ticks90k(3)), 70_000);
        assert_eq!(both[..9], [0, 0, 1, 0xE0, 0, 0, 0x84, 0xC0, 10]);
        assert_eq!(both.len(), 19);
    }

    #[test]
    fn teletext_has_a_header_of_its_own_size() {
        let header = written(PesHeader::new(0xBD, Ticks90k(9), Ticks90k(9)).of_teletext(), 139);
        assert_eq!(header[..9], [0, 0, 1, 0xBD, 0, 178, 0x84, 0x80, 0x24]);
        assert_eq!(header.len(), 45);
        assert!(header[14..].iter().all(|&byte| byte == 0xFF));
    }

    fn written(header: PesHeader, payload: usize) -> Vec<u8> {
        let mut out = vec![0xEE; header.size()];
        header.write(&mut out, payload);
        out
    }
}
