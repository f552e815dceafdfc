//! Sections out of packets (ISO/IEC 13818-1 §2.4.4) and their CRC (annex A).

/// Longest section, header and CRC with it (`private_section_length` of 4093).
const LONGEST: usize = 4096;

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut value = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 0x8000_0000 != 0 { value << 1 ^ 0x04C1_1DB7 } else { value << 1 };
            bit += 1;
        }
        table[n] = value;
        n += 1;
    }
    table
};

/// The CRC-32 of annex A; zero over a whole section that is intact.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| crc << 8 ^ CRC_TABLE[usize::from((crc >> 24) as u8 ^ byte)])
}

/// A complete section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a>(pub(crate) &'a [u8]);

impl<'a> Section<'a> {
    pub(crate) fn table_id(self) -> u8 {
        self.0[0]
    }

    /// `section_syntax_indicator`: the long header and a CRC.
    pub(crate) fn is_long(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    /// Whether a CRC stands at its end: in all long ones, and in the TOT and the splice information section.
    pub(crate) fn has_crc(self) -> bool {
        self.is_long() || matches!(self.table_id(), 0x73 | 0xFC)
    }

    pub(crate) fn extension(self) -> u16 {
        if self.is_long() && self.0.len() >= 8 { u16::from(self.0[3]) << 8 | u16::from(self.0[4]) } else { 0 }
    }

    pub(crate) fn version(self) -> u8 {
        self.0.get(5).map_or(0, |b| b >> 1 & 31)
    }

    pub(crate) fn is_current(self) -> bool {
        self.0.get(5).is_some_and(|b| b & 1 != 0)
    }

    pub(crate) fn number(self) -> u8 {
        if self.is_long() { self.0.get(6).copied().unwrap_or(0) } else { 0 }
    }

    /// What stands between the long header and the CRC.
    pub(crate) fn body(self) -> &'a [u8] {
        self.0.get(8..self.0.len().saturating_sub(4)).unwrap_or(&[])
    }
}

/// What came of a payload.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A section's first byte is in this packet.
    Begins,
    /// A section is complete.
    Complete(Section<'a>),
    /// `pointer_field` or `section_length` points outside.
    Malformed,
}

/// Puts the sections of one PID together.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    buffer: Vec<u8>,
    open: bool,
}

impl Assembler {
    /// Forgets the section begun: bytes of it were lost.
    pub(crate) fn lose(&mut self) {
        self.open = false;
        self.buffer.clear();
    }

    /// Takes the payload of a packet.
    pub(crate) fn push(&mut self, start: bool, payload: &[u8], mut heard: impl FnMut(Event<'_>)) {
        if !start {
            if self.open {
                self.extend(payload, &mut heard);
            }
            return;
        }
        let Some((&pointer, rest)) = payload.split_first() else { return };
        let Some((tail, sections)) = rest.split_at_checked(usize::from(pointer)) else {
            self.lose();
            return heard(Event::Malformed);
        };
        if self.open {
            self.extend(tail, &mut heard);
            if self.open {
                heard(Event::Malformed);
            }
        }
        self.lose();
        let mut rest = sections;
        while rest.first().is_some_and(|&id| id != 0xFF) {
            heard(Event::Begins);
            self.open = true;
            let used = self.extend(rest, &mut heard);
            rest = &rest[used..];
            if self.open {
                break;
            }
        }
    }

    /// Adds bytes to the section begun. Returns how many it took.
    fn extend(&mut self, bytes: &[u8], heard: &mut impl FnMut(Event<'_>)) -> usize {
        let held = self.buffer.len();
        let head = 3usize.saturating_sub(held).min(bytes.len());
        self.buffer.extend_from_slice(&bytes[..head]);
        if self.buffer.len() < 3 {
            return head;
        }
        let length = 3 + (usize::from(self.buffer[1] & 0x0F) << 8 | usize::from(self.buffer[2]));
        let long = self.buffer[1] & 0x80 != 0;
        if length > LONGEST || long && length < 12 {
            self.lose();
            heard(Event::Malformed);
            return bytes.len();
        }
        let body = (length - self.buffer.len()).min(bytes.len() - head);
        self.buffer.extend_from_slice(&bytes[head..head + body]);
        if self.buffer.len() == length {
            heard(Event::Complete(Section(&self.buffer)));
            self.lose();
        }
        head + body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc() {
        assert_eq!(crc32(b"123456789"), 0x0376_E6E7);
    }

    #[test]
    fn sections_across_packets() {
        let section = |id: u8, length: u16| {
            let mut bytes = vec![id, 0x30 | (length >> 8) as u8, length as u8];
            bytes.resize(3 + usize::from(length), id);
            bytes
        };
        let mut assembler = Assembler::default();
        let mut got = Vec::new();
        let mut push = |start, payload: &[u8]| {
            assembler.push(start, payload, |event| match event {
                Event::Begins => got.push((0, 0)),
                Event::Complete(section) => got.push((section.table_id(), section.0.len())),
                Event::Malformed => got.push((0xFF, 0)),
            });
        };
        let (a, b, c) = (section(0x40, 300), section(0x42, 20), section(0x70, 5));
        let first: Vec<u8> = [&[0][..], &a[..183]].concat();
        push(true, &first);
        let second: Vec<u8> = [&[120][..], &a[183..], &b, &c, &[0xFF; 8]].concat();
        push(true, &second);
        push(false, &[0xFF; 184]);
        push(true, &[200, 1, 2]);
        assert_eq!(got, [(0, 0), (0x40, 303), (0, 0), (0x42, 23), (0, 0), (0x70, 8), (0xFF, 0)]);
    }
}
