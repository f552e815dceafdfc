//! Looking at transport packets somebody else wrote: the few fields that a fan-out or a reader needs
//! (ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5). It reads one packet at a time, keeps no state and copies
//! nothing; judging a whole stream is not done here.
//!
//! ```
//! use retrovue_mux::ts::Packet;
//! let mut bytes = [0xFF; 188];
//! bytes[..4].copy_from_slice(&[0x47, 0x41, 0x00, 0x17]);
//! let packet = Packet::parse(&bytes)?;
//! assert_eq!(packet.pid().value(), 0x100);
//! assert!(packet.payload_unit_start_indicator());
//! assert_eq!(packet.continuity_counter(), 7);
//! # Ok::<(), retrovue_mux::ts::PacketError>(())
//! ```

use crate::packet::PACKET_SIZE;
use crate::pid::Pid;
use retrovue_timebase::Ticks27M;

/// A view on the 188 bytes of one packet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    bytes: &'a [u8; PACKET_SIZE],
}

/// Why bytes are no transport packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Not 188 bytes.
    #[error("a transport packet is 188 bytes, not {bytes}")]
    Size {
        /// Bytes given.
        bytes: usize,
    },
    /// No sync byte in front.
    #[error("sync byte is {found:#04x}, not 0x47")]
    Sync {
        /// The byte found.
        found: u8,
    },
    /// The adaptation field claims more bytes than the packet has for it.
    #[error("adaptation_field_length {length} on PID {pid} is over {largest}")]
    AdaptationFieldLength {
        /// PID of the packet.
        pid: Pid,
        /// The claimed length.
        length: u8,
        /// The largest there is room for.
        largest: u8,
    },
}

impl<'a> Packet<'a> {
    /// A view on `bytes`.
    ///
    /// # Errors
    /// When the size, the sync byte or the adaptation field's length is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        let bytes: &[u8; PACKET_SIZE] =
            bytes.try_into().map_err(|_| PacketError::Size { bytes: bytes.len() })?;
        if bytes[0] != 0x47 {
            return Err(PacketError::Sync { found: bytes[0] });
        }
        let packet = Packet { bytes };
        let largest = if packet.has_payload() { 182 } else { 183 };
        if packet.has_adaptation_field() && bytes[4] > largest {
            return Err(PacketError::AdaptationFieldLength { pid: packet.pid(), length: bytes[4], largest });
        }
        Ok(packet)
    }

    /// `transport_error_indicator`.
    #[must_use]
    pub fn transport_error_indicator(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// `payload_unit_start_indicator`: a PES packet or a section begins in this packet.
    #[must_use]
    pub fn payload_unit_start_indicator(&self) -> bool {
        self.bytes[1] & 0x40 != 0
    }

    /// The packet identifier.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::new(u16::from_be_bytes([self.bytes[1], self.bytes[2]]))
    }

    /// `continuity_counter`, 0 to 15. It counts packets with payload.
    #[must_use]
    pub fn continuity_counter(&self) -> u8 {
        self.bytes[3] & 0x0F
    }

    /// Whether bytes of a PES packet or section follow.
    #[must_use]
    pub fn has_payload(&self) -> bool {
        self.bytes[3] & 0x10 != 0
    }

    fn has_adaptation_field(&self) -> bool {
        self.bytes[3] & 0x20 != 0
    }

    /// The adaptation field, when there is one and it is not empty.
    #[must_use]
    pub fn adaptation_field(&self) -> Option<AdaptationField<'a>> {
        let length = usize::from(self.bytes[4]);
        if !self.has_adaptation_field() || length == 0 {
            return None;
        }
        Some(AdaptationField { bytes: &self.bytes[5..5 + length] })
    }

    /// `random_access_indicator`: a decoder can start at this packet.
    #[must_use]
    pub fn random_access_indicator(&self) -> bool {
        self.adaptation_field().is_some_and(|field| field.random_access_indicator())
    }

    /// `discontinuity_indicator`: counters, and on the PCR's PID the time base, may leap here.
    #[must_use]
    pub fn discontinuity_indicator(&self) -> bool {
        self.adaptation_field().is_some_and(|field| field.discontinuity_indicator())
    }

    /// The payload; empty when there is none.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        if !self.has_payload() {
            return &[];
        }
        let start = if self.has_adaptation_field() { 5 + usize::from(self.bytes[4]) } else { 4 };
        &self.bytes[start..]
    }
}

/// The adaptation field of a packet, behind its length byte; never empty.
#[derive(Debug, Clone, Copy)]
pub struct AdaptationField<'a> {
    bytes: &'a [u8],
}

impl AdaptationField<'_> {
    /// `discontinuity_indicator`.
    #[must_use]
    pub fn discontinuity_indicator(&self) -> bool {
        self.bytes[0] & 0x80 != 0
    }

    /// `random_access_indicator`.
    #[must_use]
    pub fn random_access_indicator(&self) -> bool {
        self.bytes[0] & 0x40 != 0
    }

    /// The PCR as it is written: modulo [`crate::PCR_MODULUS`]. `None` when absent or cut off.
    #[must_use]
    pub fn pcr(&self) -> Option<Ticks27M> {
        let [flags, a, b, c, d, e, f, ..] = self.bytes else { return None };
        if flags & 0x10 == 0 {
            return None;
        }
        let base = i64::from(u32::from_be_bytes([*a, *b, *c, *d])) << 1 | i64::from(e >> 7);
        let extension = i64::from(e & 1) << 8 | i64::from(*f);
        Some(Ticks27M(base * 300 + extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{self, Adaptation};
    use proptest::prelude::*;

    #[test]
    fn faults_are_named() {
        let mut bytes = [0xFFu8; PACKET_SIZE];
        assert_eq!(Packet::parse(&bytes[..187]).err(), Some(PacketError::Size { bytes: 187 }));
        assert_eq!(Packet::parse(&bytes).err(), Some(PacketError::Sync { found: 0xFF }));
        bytes[0] = 0x47;
        let fault = PacketError::AdaptationFieldLength { pid: Pid::NULL, length: 255, largest: 182 };
        assert_eq!(Packet::parse(&bytes).err(), Some(fault));
    }

    proptest! {
        /// What the writer wrote is what is read.
        #[test]
        fn reads_back_what_was_written(
            pid in 0u16..0x2000, start: bool, counter in 0u8..16,
            discontinuity: bool, random_access: bool, pcr in proptest::option::of(any::<i64>()), size in 1usize..=184,
        ) {
            let adaptation = Adaptation { discontinuity, random_access, pcr, ..Adaptation::default() };
            let size = size.min(184 - adaptation.size());
            let mut bytes = [0u8; PACKET_SIZE];
            packet::write_with_payload(&mut bytes, Pid::new(pid), start, counter, adaptation, size).fill(3);
            let packet = Packet::parse(&bytes).unwrap();
            prop_assert_eq!(packet.pid(), Pid::new(pid));
            prop_assert_eq!(packet.payload_unit_start_indicator(), start);
            prop_assert_eq!(packet.continuity_counter(), counter);
            prop_assert_eq!(packet.discontinuity_indicator(), discontinuity);
            prop_assert_eq!(packet.random_access_indicator(), random_access);
            prop_assert_eq!(
                packet.adaptation_field().and_then(|field| field.pcr()),
                pcr.map(|pcr| Ticks27M(pcr.rem_euclid(crate::PCR_MODULUS)))
            );
            prop_assert_eq!(packet.payload(), &vec![3u8; size][..]);
        }

        /// Any bytes are either refused or readable to the last accessor.
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 180..196), sync: bool) {
            if sync {
                bytes.resize(PACKET_SIZE, 0);
                bytes[0] = 0x47;
            }
            if let Ok(packet) = Packet::parse(&bytes) {
                let field = packet.adaptation_field().and_then(|field| field.pcr());
                prop_assert!(field.is_none_or(|pcr| pcr.0 >= 0));
                prop_assert!(packet.payload().len() <= 184);
                let _ = (packet.random_access_indicator(), packet.transport_error_indicator());
            }
        }
    }
}
