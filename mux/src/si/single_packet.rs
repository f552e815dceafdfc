//! Program-specific and service information as single-packet sections: PAT and PMT
//! (ISO/IEC 13818-1 §2.4.4) and SDT (ETSI EN 300 468 §5.2.3).
//!
//! Each section fits one packet; the configuration's bounds see to that, so nothing here splits or
//! fails. When a section is sent is decided elsewhere.

use crate::config::{MuxConfig, StreamKind};
use crate::pid::Pid;
use crate::si::dvb_text;

pub(crate) use super::crc::crc32_mpeg2;

/// A section with its pointer field in front, at most [`Section::CAPACITY`] bytes.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    bytes: [u8; Section::CAPACITY],
    len: usize,
}

impl Section {
    /// A packet's payload beside the two bytes of an adaptation field that carries only flags.
    pub(crate) const CAPACITY: usize = 182;

    /// Starts a long-form section: the fixed eight bytes after a pointer field of zero.
    fn begin(table_id: u8, reserved: u8, id_extension: u16, version: u8) -> Section {
        let mut section = Section { bytes: [0; Section::CAPACITY], len: 0 };
        let version = 0xC1 | ((version & 0x1F) << 1);
        section.put(&[0, table_id, reserved, 0]);
        section.put(&id_extension.to_be_bytes());
        section.put(&[version, 0, 0]);
        section
    }

    fn put(&mut self, bytes: &[u8]) {
        debug_assert!(self.len + bytes.len() <= Section::CAPACITY, "bounded by the configuration");
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    /// Writes a 12-bit length over two bytes at `at`, keeping their upper four bits.
    fn set_length(&mut self, at: usize, length: usize) {
        self.bytes[at] = (self.bytes[at] & 0xF0) | (length >> 8) as u8;
        self.bytes[at + 1] = length as u8;
    }

    fn finish(mut self) -> Section {
        // section_length counts from behind itself (four bytes in, with the pointer field) to the CRC's end.
        self.set_length(2, self.len - 4 + 4);
        let crc = crc32_mpeg2(&self.bytes[1..self.len]);
        self.put(&crc.to_be_bytes());
        self
    }

    /// Pointer field and section.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Program association section (§2.4.4.3) for the one program.
pub(crate) fn pat(config: &MuxConfig) -> Section {
    let mut section = Section::begin(0x00, 0xB0, config.transport_stream_id, config.psi_version);
    section.put_u16(config.program_number);
    section.put_u16(0xE000 | config.pmt_pid.value());
    section.finish()
}

/// Program map section (§2.4.4.8) with an ISO 639 language descriptor per stream that names one.
pub(crate) fn pmt(config: &MuxConfig, pcr_pid: Pid) -> Section {
    let mut section = Section::begin(0x02, 0xB0, config.program_number, config.psi_version);
    section.put_u16(0xE000 | pcr_pid.value());
    section.put_u16(0xF000);
    for stream in &config.streams {
        section.put(&[stream.stream_type.0]);
        section.put_u16(0xE000 | stream.pid.value());
        match stream.language {
            Some(language) => {
                section.put_u16(0xF000 | 6);
                // ISO_639_language_descriptor (§2.6.18), audio_type undefined.
                section.put(&[0x0A, 4, language[0], language[1], language[2], 0]);
            }
            None => section.put_u16(0xF000),
        }
    }
    section.finish()
}

/// Service description section, actual transport stream, with a service descriptor (EN 300 468 §6.2.33).
pub(crate) fn sdt(config: &MuxConfig) -> Section {
    let has_video = config.streams.iter().any(|stream| matches!(stream.kind, StreamKind::Video { .. }));
    let service_type = if has_video { 0x01 } else { 0x02 };
    let mut section = Section::begin(0x42, 0xF0, config.transport_stream_id, config.psi_version);
    section.put_u16(config.original_network_id);
    section.put(&[0xFF]);
    section.put_u16(config.program_number);
    // No EIT; running_status 4 (running), not scrambled.
    section.put(&[0xFC, 0x80, 0]);
    let loop_at = section.len - 2;
    section.put(&[0x48, 0, service_type]);
    let descriptor_at = section.len - 3;
    for name in [&config.provider_name, &config.service_name] {
        let length_at = section.len;
        section.put(&[0]);
        section.put(&dvb_text::encode(name));
        section.bytes[length_at] = (section.len - length_at - 1) as u8;
    }
    section.bytes[descriptor_at + 1] = (section.len - descriptor_at - 2) as u8;
    section.set_length(loop_at, section.len - descriptor_at);
    section.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StreamConfig;

    fn config() -> MuxConfig {
        MuxConfig::new(
            "Retro One",
            vec![
                StreamConfig::h264(4_000_000, 2_000_000),
                StreamConfig::aac_adts(192_000).with_language(*b"eng"),
            ],
        )
    }

    #[test]
    fn a_section_with_its_crc_leaves_no_remainder() {
        let config = config();
        for section in [pat(&config), pmt(&config, Pid::DEFAULT_VIDEO), sdt(&config)] {
            assert_eq!(crc32_mpeg2(&section.payload()[1..]), 0);
            let length = usize::from(section.payload()[2] & 0x0F) << 8 | usize::from(section.payload()[3]);
            assert_eq!(length + 4, section.payload().len());
        }
    }

    #[test]
    fn program_map_bytes() {
        let expected: [u8; 29] = [
            0x00, 0x02, 0xB0, 0x1D, 0x00, 0x01, 0xC1, 0x00, 0x00, 0xE1, 0x00, 0xF0, 0x00, // fixed part
            0x1B, 0xE1, 0x00, 0xF0, 0x00, // video
            0x0F, 0xE1, 0x01, 0xF0, 0x06, 0x0A, 0x04, b'e', b'n', b'g', 0x00, // audio
        ];
        let section = pmt(&config(), Pid::DEFAULT_VIDEO);
        assert_eq!(section.payload()[..29], expected);
        assert_eq!(section.payload().len(), 33);
    }

    #[test]
    fn service_description_bytes() {
        let mut expected = vec![0x00, 0x42, 0xF0, 0x27, 0x00, 0x01, 0xC1, 0x00, 0x00, 0xFF, 0x01, 0xFF];
        expected.extend([0x00, 0x01, 0xFC, 0x80, 0x16, 0x48, 0x14, 0x01, 0x08]);
        expected.extend(b"RetroVue");
        expected.push(9);
        expected.extend(b"Retro One");
        let section = sdt(&config());
        assert_eq!(section.payload()[..expected.len()], expected);
        assert_eq!(section.payload().len(), expected.len() + 4);
    }
}
