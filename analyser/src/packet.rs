//! One transport packet's header and adaptation field (ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5), read without
//! judging.

/// Bytes of a transport packet.
pub(crate) const PACKET: usize = 188;
/// The null packets' PID.
pub(crate) const NULL_PID: u16 = 0x1FFF;

/// A packet's fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) bytes: &'a [u8; PACKET],
    pub(crate) pid: u16,
    pub(crate) error: bool,
    pub(crate) start: bool,
    pub(crate) scrambled: bool,
    pub(crate) counter: u8,
    /// Where the payload begins; 188 without one.
    pub(crate) payload_at: usize,
    pub(crate) has_payload: bool,
    pub(crate) discontinuity: bool,
    pub(crate) random_access: bool,
    /// `program_clock_reference` in 27 MHz.
    pub(crate) pcr: Option<i64>,
    /// The adaptation field does not fit, or its control bits are the reserved ones.
    pub(crate) malformed: bool,
}

impl<'a> Packet<'a> {
    /// Reads a packet; its sync byte is the framer's matter.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8; PACKET]) -> Packet<'a> {
        let b = bytes;
        let control = b[3] >> 4 & 3;
        let mut packet = Packet {
            bytes,
            pid: u16::from(b[1] & 0x1F) << 8 | u16::from(b[2]),
            error: b[1] & 0x80 != 0,
            start: b[1] & 0x40 != 0,
            scrambled: b[3] & 0xC0 != 0,
            counter: b[3] & 0x0F,
            payload_at: 4,
            has_payload: control & 1 != 0,
            discontinuity: false,
            random_access: false,
            pcr: None,
            malformed: control == 0,
        };
        if control & 2 != 0 {
            packet.read_adaptation();
        }
        if !packet.has_payload {
            packet.payload_at = PACKET;
        }
        packet
    }

    fn read_adaptation(&mut self) {
        let b = self.bytes;
        let length = usize::from(b[4]);
        self.payload_at = 5 + length;
        let longest = if self.has_payload { 182 } else { 183 };
        if length > longest {
            self.malformed = true;
            self.has_payload = false;
            return;
        }
        if length == 0 {
            return;
        }
        self.discontinuity = b[5] & 0x80 != 0;
        self.random_access = b[5] & 0x40 != 0;
        if b[5] & 0x10 != 0 {
            if length < 7 {
                self.malformed = true;
                return;
            }
            let base = i64::from(u32::from_be_bytes([b[6], b[7], b[8], b[9]])) << 1 | i64::from(b[10] >> 7);
            let extension = i64::from(b[10] & 1) << 8 | i64::from(b[11]);
            self.malformed |= extension >= 300;
            self.pcr = Some(base * 300 + extension);
        }
    }

    /// The payload's bytes.
    #[inline]
    pub(crate) fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload_at..]
    }

    /// Whether `other` is this packet again: equal but for the PCR (ISO/IEC 13818-1 §2.4.3.3).
    pub(crate) fn repeats(&self, other: &[u8; PACKET]) -> bool {
        let b = self.bytes;
        if self.pcr.is_some() {
            b[1..6] == other[1..6] && b[12..] == other[12..]
        } else {
            b[1..] == other[1..]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(head: &[u8]) -> [u8; PACKET] {
        let mut bytes = [0xFF; PACKET];
        bytes[..head.len()].copy_from_slice(head);
        bytes
    }

    #[test]
    fn fields() {
        let bytes = packet(&[0x47, 0x41, 0x00, 0x37, 7, 0x50, 0, 0, 0, 1, 0xFE, 5]);
        let read = Packet::read(&bytes);
        assert_eq!((read.pid, read.start, read.counter, read.payload_at), (0x100, true, 7, 12));
        assert_eq!((read.pcr, read.random_access, read.malformed), (Some(3 * 300 + 5), true, false));
    }

    #[test]
    fn malformed() {
        for head in [
            &[0x47, 0, 0, 0x00][..],
            &[0x47, 0, 0, 0x30, 183],
            &[0x47, 0, 0, 0x20, 184],
            &[0x47, 0, 0, 0x30, 6, 0x10],
        ] {
            assert!(Packet::read(&packet(head)).malformed, "{head:?}");
        }
        for head in [&[0x47, 0, 0, 0x10][..], &[0x47, 0, 0, 0x30, 182, 0], &[0x47, 0, 0, 0x20, 183, 0]] {
            assert!(!Packet::read(&packet(head)).malformed, "{head:?}");
        }
    }
}
