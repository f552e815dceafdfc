//! Writing one transport packet: header, adaptation field, PCR, stuffing (ISO/IEC 13818-1 §2.4.3).
//!
//! Only the layout is known here: which packet goes out, and when, is decided elsewhere. The wraps of
//! the 42-bit PCR happen here and nowhere earlier.

use crate::pid::Pid;

/// Bytes of a transport packet.
pub const PACKET_SIZE: usize = 188;

/// Bytes of a packet behind its four header bytes.
pub(crate) const BODY_SIZE: usize = PACKET_SIZE - 4;

/// A null packet (§2.4.3.3): its counter means nothing, its payload nothing either.
pub(crate) const NULL: [u8; PACKET_SIZE] = {
    let mut packet = [0xFF; PACKET_SIZE];
    packet[0] = 0x47;
    packet[1] = 0x1F;
    packet[3] = 0x10;
    packet
};

/// Modulus of the PCR: 2^33 periods of its base, 300 ticks each (§2.4.3.5).
pub const PCR_MODULUS: i64 = (1 << 33) * 300;

/// Continuity of one PID.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter {
    /// Counter of the last packet with payload; meaningless until `known`.
    last: u8,
    /// Whether such a packet went out, here or in the session resumed.
    known: bool,
    /// The next packet must carry `discontinuity_indicator`.
    discontinuity: bool,
}

impl Counter {
    pub(crate) fn new(resumed: Option<u8>, discontinuity: bool) -> Counter {
        Counter { last: resumed.unwrap_or(15), known: resumed.is_some(), discontinuity }
    }

    /// The same counter, which marks no discontinuity.
    pub(crate) fn unmarked(self) -> Counter {
        Counter { discontinuity: false, ..self }
    }

    /// Steps to the counter of the next packet with payload.
    pub(crate) fn advance(&mut self) -> u8 {
        self.last = (self.last + 1) & 0x0F;
        self.known = true;
        self.last
    }

    /// Steps over the counters of `packets` packets with payload.
    pub(crate) fn skip(&mut self, packets: usize) {
        self.last = (self.last + (packets & 0x0F) as u8) & 0x0F;
    }

    /// Whether this packet is the first of its PID after a discontinuity; true once.
    pub(crate) fn take_discontinuity(&mut self) -> bool {
        std::mem::take(&mut self.discontinuity)
    }

    /// The counter of a packet without payload: that of the last one with (§2.4.3.3).
    pub(crate) fn repeated(&self) -> u8 {
        self.last
    }

    /// The last counter sent, if any was.
    pub(crate) fn last(&self) -> Option<u8> {
        self.known.then_some(self.last)
    }
}

/// What an adaptation field says beside stuffing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Adaptation {
    pub(crate) discontinuity: bool,
    pub(crate) random_access: bool,
    /// Whether `elementary_stream_priority_indicator` is set.
    pub(crate) priority: bool,
    /// Unwrapped 27 MHz instant.
    pub(crate) pcr: Option<i64>,
}

impl Adaptation {
    /// Bytes of the field with its length byte; 0 when it says nothing.
    pub(crate) fn size(self) -> usize {
        match (self.pcr, self.discontinuity || self.random_access || self.priority) {
            (Some(_), _) => 8,
            (None, true) => 2,
            (None, false) => 0,
        }
    }
}

/// The four header bytes.
#[inline]
pub(crate) fn header(pid: Pid, unit_start: bool, control: u8, counter: u8) -> [u8; 4] {
    let header = 0x47 << 24 | u32::from(unit_start) << 22 | u32::from(pid.value()) << 8;
    (header | u32::from(control) << 4 | u32::from(counter)).to_be_bytes()
}

fn write_header(packet: &mut [u8; PACKET_SIZE], pid: Pid, unit_start: bool, control: u8, counter: u8) {
    packet[..4].copy_from_slice(&header(pid, unit_start, control, counter));
}

/// Writes header and adaptation field so that exactly `payload` bytes remain, stuffing the field as
/// needed, and returns that remainder. `payload` is 1 to 184 less [`Adaptation::size`].
pub(crate) fn write_with_payload(
    packet: &mut [u8; PACKET_SIZE],
    pid: Pid,
    unit_start: bool,
    counter: u8,
    adaptation: Adaptation,
    payload: usize,
) -> &mut [u8] {
    debug_assert!(payload >= 1 && payload + adaptation.size() <= BODY_SIZE);
    let field = BODY_SIZE - payload;
    write_header(packet, pid, unit_start, if field > 0 { 0b11 } else { 0b01 }, counter);
    write_adaptation(&mut packet[4..4 + field], adaptation);
    &mut packet[4 + field..]
}

/// Writes a packet without payload; the counter of the last packet with payload is repeated (§2.4.3.3).
pub(crate) fn write_adaptation_only(
    packet: &mut [u8; PACKET_SIZE],
    pid: Pid,
    counter: u8,
    adaptation: Adaptation,
) {
    write_header(packet, pid, false, 0b10, counter);
    write_adaptation(&mut packet[4..], adaptation);
}

/// Fills `field` with a length byte, flags, PCR and stuffing, as many of them as it has room for.
fn write_adaptation(field: &mut [u8], adaptation: Adaptation) {
    let Some(length) = field.len().checked_sub(1) else { return };
    let flags = u64::from(adaptation.discontinuity) << 7
        | u64::from(adaptation.random_access) << 6
        | u64::from(adaptation.priority) << 5
        | u64::from(adaptation.pcr.is_some()) << 4;
    let pcr = adaptation.pcr.map_or(0xFFFF_FFFF_FFFF, pcr_bits);
    let front = ((length as u64) << 56 | flags << 48 | pcr).to_be_bytes();
    match field.split_first_chunk_mut() {
        Some((bytes, stuffing)) => {
            *bytes = front;
            stuffing.fill(0xFF);
        }
        // Stuffing is at its end.
        None => field.copy_from_slice(&front[..field.len()]),
    }
}

/// The 48 bits of a PCR (§2.4.3.5): 33 of base, six reserved ones, nine of extension.
#[inline]
fn pcr_bits(instant: i64) -> u64 {
    let wrapped = instant.rem_euclid(PCR_MODULUS) as u64;
    let (base, extension) = (wrapped / 300, wrapped % 300);
    base << 15 | 0x3F << 9 | extension
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcr_wraps_at_the_write_and_keeps_its_reserved_ones() {
        let table: [(i64, [u8; 6]); 5] = [
            (0, [0, 0, 0, 0, 0x7E, 0]),
            (299, [0, 0, 0, 0, 0x7F, 0x2B]),
            (300, [0, 0, 0, 0, 0xFE, 0]),
            (PCR_MODULUS, [0, 0, 0, 0, 0x7E, 0]),
            (-1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x2B]),
        ];
        for (instant, bytes) in table {
            assert_eq!(pcr_bits(instant).to_be_bytes()[2..], bytes, "{instant}");
        }
    }

    #[test]
    fn every_payload_size_is_stuffed_to_the_packet() {
        for adaptation in [
            Adaptation::default(),
            Adaptation { random_access: true, ..Adaptation::default() },
            Adaptation { pcr: Some(1), ..Adaptation::default() },
        ] {
            for payload in 1..=BODY_SIZE - adaptation.size() {
                let mut packet = [0u8; PACKET_SIZE];
                write_with_payload(&mut packet, Pid::new(0x100), true, 5, adaptation, payload).fill(0xAA);
                let field = BODY_SIZE - payload;
                assert_eq!(packet[3], if field == 0 { 0x15 } else { 0x35 });
                if field > 0 {
                    assert_eq!(usize::from(packet[4]), field - 1);
                }
                if field > adaptation.size().max(2) {
                    assert_eq!(packet[3 + field], 0xFF, "stuffing before {payload} bytes of payload");
                }
                assert!(packet[4 + field..].iter().all(|&byte| byte == 0xAA));
            }
        }
    }
}
