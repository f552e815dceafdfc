//! The network information section of the actual network (EN 300 468 §5.2.1): its name, and this
//! transport stream with its service.
//!
//! There is no delivery system descriptor in the loop of transport streams: the stream has no modulation, it
//! arrives over IP, and a receiver that looks for a frequency finds none.

use super::config::{Network, SiConfig};
use super::event_descriptor;
use super::section::{Head, write_long};

/// Writes the section and returns its size.
pub(crate) fn write_nit(
    out: &mut [u8],
    config: &SiConfig,
    network: &Network,
    service_type: u8,
    version: u8,
) -> Option<usize> {
    let head = Head {
        table_id: 0x40,
        private_bit: true,
        table_id_extension: network.network_id,
        version,
        number: 0,
        last_number: 0,
    };
    write_long(out, head, |writer| {
        writer.with_length_u12(0xF, |writer| event_descriptor::network_name(writer, &network.name));
        writer.with_length_u12(0xF, |writer| {
            writer.put_u16(config.transport_stream_id);
            writer.put_u16(config.original_network_id);
            writer.with_length_u12(0xF, |writer| {
                event_descriptor::service_list(writer, config.program_number, service_type);
            });
        });
    })
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::config;
    use super::super::crc::crc32_mpeg2;
    use super::*;

    #[test]
    fn network_information_bytes() {
        let network = Network { network_id: 0xFF02, name: "Net".to_owned() };
        let mut out = [0; 1024];
        let size = write_nit(&mut out, &config(), &network, 1, 0).expect("room");
        let mut expected = vec![0x40, 0xF0, 0x1D, 0xFF, 0x02, 0xC1, 0, 0, 0xF0, 5, 0x40, 3];
        expected.extend(b"Net");
        expected.extend([0xF0, 0x0B, 0, 1, 0xFF, 0x01, 0xF0, 5, 0x41, 3, 0, 1, 1]);
        assert_eq!((&out[..size - 4], crc32_mpeg2(&out[..size])), (&expected[..], 0));
    }
}
