//! Instants as MJD and BCD (EN 300 468 annex C), the time and date section and the time offset section
//! (§5.2.5, §5.2.6).
//!
//! The tables' content is the UTC at the packet's departure; who knows UTC is the caller.

use super::section::{CRC_SIZE, Writer, seal};

/// Most entries of a local_time_offset_descriptor: 13 bytes each in 255.
pub(crate) const MOST_OFFSETS: usize = 19;

/// Largest offset that hours and minutes in BCD are used for, in minutes (§6.2.20: 12 hours, and
/// places beyond the date line have up to 14).
pub(crate) const LARGEST_OFFSET_MINUTES: i32 = 15 * 60;

/// MJD of 1970-01-01.
const MJD_OF_EPOCH: i64 = 40_587;

const DAY_SECONDS: i64 = 86_400;

/// How far a country's clocks are from UTC, and when that changes (local_time_offset_descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTimeOffset {
    /// ISO 3166 code of three letters, upper case.
    pub country: [u8; 3],
    /// Zone within the country, 0 when it has only one; at most 60.
    pub region: u8,
    /// Offset now in minutes, east positive.
    pub offset_minutes: i32,
    /// When the next offset begins, in UTC seconds since 1970.
    pub change: i64,
    /// Offset from then on in minutes.
    pub next_offset_minutes: i32,
}

/// An instant as the lowest 16 bits of its MJD and six digits. From 2038-04-23 on the day has more bits
/// than the field, whose lowest a receiver completes.
pub(crate) fn utc_bytes(utc_s: i64) -> [u8; 5] {
    let [high, low] = ((utc_s.div_euclid(DAY_SECONDS) + MJD_OF_EPOCH) as u16).to_be_bytes();
    let [hours, minutes, seconds] = clock_bytes(utc_s.rem_euclid(DAY_SECONDS) as u32);
    [high, low, hours, minutes, seconds]
}

/// Hours, minutes and seconds in BCD; 99:59:59 for anything longer.
pub(crate) fn clock_bytes(seconds: u32) -> [u8; 3] {
    let seconds = seconds.min(100 * 3600 - 1);
    [bcd(seconds / 3600), bcd(seconds / 60 % 60), bcd(seconds % 60)]
}

/// Midnight, in UTC, of the day of `utc_s`.
pub(crate) fn midnight(utc_s: i64) -> i64 {
    utc_s - utc_s.rem_euclid(DAY_SECONDS)
}

fn bcd(value: u32) -> u8 {
    (value / 10 * 16 + value % 10) as u8
}

/// Writes the time and date section and returns its size. It has no CRC.
pub(crate) fn write_tdt(out: &mut [u8], utc_s: i64) -> usize {
    let mut writer = Writer::new(out);
    writer.put(&[0x70, 0x70, 5]);
    writer.put(&utc_bytes(utc_s));
    writer.len()
}

/// Writes the time offset section and returns its size; nothing when it does not fit.
pub(crate) fn write_tot(out: &mut [u8], utc_s: i64, offsets: &[LocalTimeOffset]) -> Option<usize> {
    let room = out.len().checked_sub(CRC_SIZE)?;
    let mut writer = Writer::new(&mut out[..room]);
    writer.put(&[0x73, 0x70, 0]);
    writer.put(&utc_bytes(utc_s));
    writer.with_length_u12(0xF, |writer| {
        if !offsets.is_empty() {
            writer.descriptor(0x58, |writer| offsets.iter().for_each(|offset| offset.write(writer)));
        }
    });
    if writer.overflowed() {
        return None;
    }
    let size = writer.len() + CRC_SIZE;
    seal(&mut out[..size]);
    Some(size)
}

impl LocalTimeOffset {
    fn write(&self, writer: &mut Writer<'_>) {
        // Both offsets share one sign: that of the one that is not zero, and of the present one when a
        // zone crosses the meridian, which none does.
        let sign = if self.offset_minutes == 0 { self.next_offset_minutes } else { self.offset_minutes };
        writer.put(&self.country);
        writer.put_u8(self.region << 2 | 0x02 | u8::from(sign < 0));
        writer.put(&offset_bytes(self.offset_minutes));
        writer.put(&utc_bytes(self.change));
        writer.put(&offset_bytes(self.next_offset_minutes));
    }
}

/// Hours and minutes in BCD, without the sign.
fn offset_bytes(minutes: i32) -> [u8; 2] {
    let minutes = minutes.unsigned_abs();
    [bcd(minutes / 60 % 100), bcd(minutes % 60)]
}

#[cfg(test)]
mod tests {
    use super::super::crc::crc32_mpeg2;
    use super::*;

    #[test]
    fn instants_are_coded_as_worked_out_by_hand() {
        let table: [(i64, [u8; 5]); 8] = [
            // The standard's own example, 93/10/13 12:45:00.
            (750_516_300, [0xC0, 0x79, 0x12, 0x45, 0x00]),
            // 1970-01-01 00:00:00, MJD 40587.
            (0, [0x9E, 0x8B, 0, 0, 0]),
            // The second before.
            (-1, [0x9E, 0x8A, 0x23, 0x59, 0x59]),
            // 2000-02-29 23:59:59, MJD 51544 + 31 + 28.
            (951_868_799, [0xC9, 0x93, 0x23, 0x59, 0x59]),
            // 2000-03-01 00:00:00.
            (951_868_800, [0xC9, 0x94, 0, 0, 0]),
            // 2038-01-19 03:14:08, MJD 65442.
            (2_147_483_648, [0xFF, 0xA2, 0x03, 0x14, 0x08]),
            // 2038-04-23 00:00:00, MJD 65536: the 17th bit is gone.
            (2_155_593_600, [0, 0, 0, 0, 0]),
            // 2079-06-06 12:00:00, MJD 80555 less 65536.
            (3_453_278_400, [0x3A, 0xAB, 0x12, 0, 0]),
        ];
        for (utc_s, bytes) in table {
            assert_eq!(utc_bytes(utc_s), bytes, "{utc_s}");
        }
        assert_eq!(midnight(951_868_799), 951_782_400);
        assert_eq!(midnight(-1), -86_400);
    }

    #[test]
    fn lengths_are_digits_and_never_more_than_the_field_holds() {
        for (seconds, bytes) in [
            (0, [0, 0, 0]),
            (6_330, [0x01, 0x45, 0x30]),
            (359_999, [0x99, 0x59, 0x59]),
            (u32::MAX, [0x99, 0x59, 0x59]),
        ] {
            assert_eq!(clock_bytes(seconds), bytes, "{seconds}");
        }
    }

    #[test]
    fn time_sections_have_their_bytes() {
        let mut out = [0; 64];
        assert_eq!(write_tdt(&mut out, 750_516_300), 8);
        assert_eq!(out[..8], [0x70, 0x70, 0x05, 0xC0, 0x79, 0x12, 0x45, 0x00]);
        let offsets = [
            LocalTimeOffset {
                country: *b"DEU",
                region: 0,
                offset_minutes: 60,
                change: 951_868_800,
                next_offset_minutes: 120,
            },
            LocalTimeOffset {
                country: *b"CAN",
                region: 6,
                offset_minutes: -210,
                change: 0,
                next_offset_minutes: -150,
            },
        ];
        let size = write_tot(&mut out, 750_516_300, &offsets).expect("room");
        let mut expected = vec![0x73, 0x70, 0x27, 0xC0, 0x79, 0x12, 0x45, 0x00, 0xF0, 0x1C, 0x58, 0x1A];
        expected.extend(b"DEU\x02\x01\x00\xC9\x94\x00\x00\x00\x02\x00");
        expected.extend(b"CAN\x1B\x03\x30\x9E\x8B\x00\x00\x00\x02\x30");
        assert_eq!(out[..size - 4], expected);
        assert_eq!(crc32_mpeg2(&out[..size]), 0);
        assert_eq!(write_tot(&mut out[..20], 0, &offsets), None);
        let size = write_tot(&mut out, 0, &[]).expect("room");
        assert_eq!((size, &out[8..10]), (14, &[0xF0, 0][..]));
    }
}
