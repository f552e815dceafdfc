//! Writing one section into a buffer of fixed size (ISO/IEC 13818-1 §2.4.4, EN 300 468 §5.1), and
//! cutting a section into the payloads of packets.
//!
//! A write beyond the buffer is remembered, not done: who writes checks [`Writer::overflowed`] once,
//! or goes back to a mark. What stands in a section is the tables' business.

use super::crc::crc32_mpeg2;
use super::dvb_text;
use crate::packet::{Adaptation, BODY_SIZE, Counter, PACKET_SIZE, write_with_payload};
use crate::pid::Pid;

/// Longest section of PAT, PMT, SDT, NIT, TDT and TOT in bytes (EN 300 468 §5.1.1).
pub(crate) const LONGEST_SECTION: usize = 1024;

/// Longest section of an EIT in bytes.
pub(crate) const LONGEST_EIT_SECTION: usize = 4096;

/// Bytes of a section's CRC.
pub(crate) const CRC_SIZE: usize = 4;

/// Position of `version_number` in a long section.
const VERSION_AT: usize = 5;

/// Writes bytes to the front of a buffer.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    overflowed: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Writer<'a> {
        Writer { out, len: 0, overflowed: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether something did not fit since the buffer was new or [`Writer::back_to`] was called.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Forgets what was written behind `mark`, an earlier [`Writer::len`].
    pub(crate) fn back_to(&mut self, mark: usize) {
        self.len = mark.min(self.len);
        self.overflowed = false;
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.len..self.len + bytes.len()) {
            Some(room) if !self.overflowed => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.overflowed = true,
        }
    }

    pub(crate) fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(crate) fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn put_u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    /// Writes `text` behind its length, cut to `most` bytes, at most 255.
    pub(crate) fn put_text(&mut self, text: &str, most: usize) {
        let mut field = [0; 255];
        let len = dvb_text::encode_into(text, &mut field[..most.min(255)]);
        self.put_u8(len as u8);
        self.put(&field[..len]);
    }

    /// Writes the byte at `at` anew, which was written before.
    pub(crate) fn patch_u8(&mut self, at: usize, value: u8) {
        if at < self.len {
            self.out[at] = value;
        }
    }

    /// What was written so far.
    pub(crate) fn written(&self) -> &[u8] {
        &self.out[..self.len]
    }

    /// Writes what `body` writes, behind its length in one byte. Over 255 bytes count as an overflow.
    pub(crate) fn with_length_u8(&mut self, body: impl FnOnce(&mut Writer<'a>)) {
        let at = self.len;
        self.put_u8(0);
        body(self);
        if self.overflowed {
            return;
        }
        match u8::try_from(self.len - at - 1) {
            Ok(length) => self.out[at] = length,
            Err(_) => self.overflowed = true,
        }
    }

    /// Writes what `body` writes, behind its length in 12 bits under `upper` in the four above them.
    pub(crate) fn with_length_u12(&mut self, upper: u8, body: impl FnOnce(&mut Writer<'a>)) {
        let at = self.len;
        self.put_u16(u16::from(upper) << 12);
        body(self);
        if self.overflowed {
            return;
        }
        let length = self.len - at - 2;
        if length > 0x0FFF {
            self.overflowed = true;
            return;
        }
        self.out[at] |= (length >> 8) as u8;
        self.out[at + 1] = length as u8;
    }

    /// Writes a descriptor: `tag`, the length, and what `body` writes.
    pub(crate) fn descriptor(&mut self, tag: u8, body: impl FnOnce(&mut Writer<'a>)) {
        self.put_u8(tag);
        self.with_length_u8(body);
    }
}

/// The head of a long section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) table_id: u8,
    /// The bit behind `section_syntax_indicator`: '0' in PAT and PMT, reserved and one in DVB's tables.
    pub(crate) private_bit: bool,
    pub(crate) table_id_extension: u16,
    pub(crate) version: u8,
    pub(crate) number: u8,
    pub(crate) last_number: u8,
}

/// Writes a long section of at most `out.len()` bytes with its CRC. Returns its size, or nothing when it
/// does not fit.
pub(crate) fn write_long(out: &mut [u8], head: Head, body: impl FnOnce(&mut Writer<'_>)) -> Option<usize> {
    let size = write_unsealed(out, head, body)?;
    seal(&mut out[..size]);
    Some(size)
}

/// As [`write_long`], but length and CRC are left to a later [`seal`].
pub(crate) fn write_unsealed(
    out: &mut [u8],
    head: Head,
    body: impl FnOnce(&mut Writer<'_>),
) -> Option<usize> {
    let room = out.len().checked_sub(CRC_SIZE)?;
    let mut writer = Writer::new(&mut out[..room]);
    writer.put_u8(head.table_id);
    writer.put_u16(if head.private_bit { 0xF000 } else { 0xB000 });
    writer.put_u16(head.table_id_extension);
    writer.put(&[0xC1 | (head.version & 0x1F) << 1, head.number, head.last_number]);
    body(&mut writer);
    (!writer.overflowed()).then(|| writer.len() + CRC_SIZE)
}

/// Writes length and CRC of `section`, whose last four bytes are kept for the CRC.
pub(crate) fn seal(section: &mut [u8]) {
    // section_length counts from behind itself to the end of the CRC.
    let length = section.len() - 3;
    section[1] = section[1] & 0xF0 | (length >> 8) as u8;
    section[2] = length as u8;
    let (body, crc) = section.split_at_mut(section.len() - CRC_SIZE);
    crc.copy_from_slice(&crc32_mpeg2(body).to_be_bytes());
}

/// `version_number` of a long section.
pub(crate) fn version(section: &[u8]) -> u8 {
    section[VERSION_AT] >> 1 & 0x1F
}

/// Gives a long section another version and the CRC that goes with it.
pub(crate) fn set_version(section: &mut [u8], version: u8) {
    section[VERSION_AT] = section[VERSION_AT] & 0xC1 | (version & 0x1F) << 1;
    seal(section);
}

/// The version after `version`.
pub(crate) fn next_version(version: u8) -> u8 {
    (version + 1) & 0x1F
}

/// Writes the packet that carries `section` from `from` on, and returns where the next goes on. The first
/// begins with a pointer field of zero; stuffing bytes follow the section's end, so that no section
/// begins in the packet in which another ends (§2.4.4.1).
pub(crate) fn write_packet(
    packet: &mut [u8; PACKET_SIZE],
    pid: Pid,
    counter: &mut Counter,
    section: &[u8],
    from: usize,
) -> usize {
    let adaptation = Adaptation { discontinuity: counter.take_discontinuity(), ..Adaptation::default() };
    let room = BODY_SIZE - adaptation.size();
    let mut body = write_with_payload(packet, pid, from == 0, counter.advance(), adaptation, room);
    if from == 0 {
        body[0] = 0;
        body = &mut body[1..];
    }
    let taken = body.len().min(section.len() - from);
    body[..taken].copy_from_slice(&section[from..from + taken]);
    body[taken..].fill(0xFF);
    from + taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head {
        table_id: 0x42,
        private_bit: true,
        table_id_extension: 0x1234,
        version: 31,
        number: 1,
        last_number: 2,
    };

    #[test]
    fn a_long_section_has_its_length_and_its_crc() {
        let mut out = [0; 32];
        let size = write_long(&mut out, HEAD, |writer| writer.put(&[0xAA, 0xBB])).expect("room");
        assert_eq!(out[..10], [0x42, 0xF0, 0x0B, 0x12, 0x34, 0xFF, 1, 2, 0xAA, 0xBB]);
        assert_eq!((size, crc32_mpeg2(&out[..size])), (14, 0));
        set_version(&mut out[..size], next_version(31));
        assert_eq!((out[5], version(&out), crc32_mpeg2(&out[..size])), (0xC1, 0, 0));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut out = [0; 32];
        assert_eq!(write_long(&mut out, HEAD, |writer| writer.put(&[0; 20])), Some(32));
        assert_eq!(write_long(&mut out, HEAD, |writer| writer.put(&[0; 21])), None);
        let mut writer = Writer::new(&mut out);
        writer.put(&[1, 2]);
        let mark = writer.len();
        writer.put(&[0; 31]);
        writer.put(&[3]);
        assert!(writer.overflowed());
        writer.back_to(mark);
        assert_eq!((writer.len(), writer.overflowed()), (2, false));
        let mut out = [0; 400];
        let mut writer = Writer::new(&mut out);
        writer.descriptor(0x05, |writer| writer.put(&[0; 256]));
        assert!(writer.overflowed());
    }

    #[test]
    fn a_section_is_cut_into_packets() {
        for (size, packets) in [(1, 1), (183, 1), (184, 2), (367, 2), (368, 3), (4096, 23)] {
            let section: Vec<u8> = (0..size).map(|byte| byte as u8 | 1).collect();
            let (mut counter, mut from, mut back, mut count) = (Counter::new(Some(14), false), 0, vec![], 0);
            while from < size {
                let mut packet = [0; PACKET_SIZE];
                let next = write_packet(&mut packet, Pid::SDT, &mut counter, &section, from);
                let start: &[u8] = if from == 0 { &[0x47, 0x40, 0x11] } else { &[0x47, 0, 0x11] };
                assert_eq!(packet[..3], *start);
                assert_eq!(packet[3], 0x10 | (15 + count) & 15);
                let begin = if from == 0 { 5 } else { 4 };
                back.extend_from_slice(&packet[begin..begin + next - from]);
                assert!(packet[begin + next - from..].iter().all(|&byte| byte == 0xFF));
                (from, count) = (next, count + 1);
            }
            assert_eq!((count, back), (packets, section));
        }
    }

    #[test]
    fn the_indicator_takes_two_bytes_of_the_first_packet() {
        let (section, mut counter) = ([7; 184], Counter::new(None, true));
        let mut packet = [0; PACKET_SIZE];
        assert_eq!(write_packet(&mut packet, Pid::SDT, &mut counter, &section, 0), 181);
        assert_eq!(packet[3..8], [0x30, 1, 0x80, 0, 7]);
        assert_eq!(write_packet(&mut packet, Pid::SDT, &mut counter, &section, 181), 184);
        assert_eq!(packet[3..8], [0x11, 7, 7, 7, 0xFF]);
    }
}
