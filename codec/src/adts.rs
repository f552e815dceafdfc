//! The header before each AAC access unit in transport streams (ISO/IEC 14496-3 §1.A.2.2).
//!
//! The FDK library could read it, but waits at the start until its buffer is as full as the header says,
//! and searches for a start after damage. Demuxed packets are whole access units: the header is read here
//! and the library gets the unit.

/// What an ADTS header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adts {
    /// The AudioSpecificConfig that says the same (ISO/IEC 14496-3 §1.6.2.1).
    pub(crate) config: [u8; 2],
    /// Bytes of the header, with its checksum.
    pub(crate) header: usize,
    /// Bytes of header and access unit.
    pub(crate) total: usize,
}

/// Why a packet is no plain ADTS access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdtsError {
    /// It does not begin with a header, or ends before it should.
    Damaged,
    /// Several raw data blocks, or channels described inside the unit.
    Unusual,
}

impl Adts {
    /// Reads the header at the start of `data`.
    pub(crate) fn read(data: &[u8]) -> Result<Adts, AdtsError> {
        let &[sync, a, b, c, d, e, f, ..] = data else { return Err(AdtsError::Damaged) };
        // syncword and layer.
        if sync != 0xff || a & 0xf6 != 0xf0 {
            return Err(AdtsError::Damaged);
        }
        let header = if a & 1 == 1 { 7 } else { 9 };
        let total = usize::from(c & 3) << 11 | usize::from(d) << 3 | usize::from(e) >> 5;
        if total <= header || total > data.len() {
            return Err(AdtsError::Damaged);
        }
        let object_type = (b >> 6) + 1;
        let frequency = b >> 2 & 15;
        let channels = (b & 1) << 2 | c >> 6;
        if f & 3 != 0 || channels == 0 || frequency > 12 {
            return Err(AdtsError::Unusual);
        }
        let config = [object_type << 3 | frequency >> 1, frequency << 7 | channels << 3];
        Ok(Adts { config, header, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_becomes_its_config() {
        // AAC-LC, 48 kHz, stereo, 9 bytes in all.
        let unit = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 0x21, 0x10];
        assert_eq!(Adts::read(&unit), Ok(Adts { config: [0x11, 0x90], header: 7, total: 9 }));
        assert_eq!(Adts::read(&unit[..8]), Err(AdtsError::Damaged), "cut short");
        assert_eq!(Adts::read(&unit[1..]), Err(AdtsError::Damaged), "no header");
        let mut two = unit;
        two[6] |= 1;
        assert_eq!(Adts::read(&two), Err(AdtsError::Unusual));
        let mut inside = unit;
        inside[3] &= 0x3f;
        assert_eq!(Adts::read(&inside), Err(AdtsError::Unusual));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut data in prop::collection::vec(any::<u8>(), 0..40)) {
            if data.len() > 1 && data[0] & 1 == 1 {
                (data[0], data[1]) = (0xff, data[1] & 1 | 0xf0);
            }
            if let Ok(adts) = Adts::read(&data) {
                prop_assert!(adts.header < adts.total && adts.total <= data.len());
            }
        }
    }
}
