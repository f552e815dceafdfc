//! The service description section of the actual transport stream (EN 300 468 §5.2.3), one service.

use super::config::{ServiceDescription, SiConfig};
use super::event_descriptor;
use super::section::{Head, write_long};

/// `running_status`: running.
const RUNNING: u8 = 4;

/// Writes the section and returns its size. The service runs and is not scrambled.
pub(crate) fn write_sdt(
    out: &mut [u8],
    config: &SiConfig,
    service: &ServiceDescription,
    version: u8,
) -> Option<usize> {
    let head = Head {
        table_id: 0x42,
        private_bit: true,
        table_id_extension: config.transport_stream_id,
        version,
        number: 0,
        last_number: 0,
    };
    let has_near = config.events.is_some();
    let has_schedule = config.events.is_some_and(|events| events.schedule_days > 0);
    write_long(out, head, |writer| {
        writer.put_u16(config.original_network_id);
        writer.put_u8(0xFF);
        writer.put_u16(config.program_number);
        writer.put_u8(0xFC | u8::from(has_schedule) << 1 | u8::from(has_near));
        writer.with_length_u12(RUNNING << 1, |writer| {
            event_descriptor::service(
                writer,
                service.service_type,
                &service.provider_name,
                &service.service_name,
            );
        });
    })
}

#[cfg(test)]
mod tests {
    use super::super::config::{EventCapacity, tests::config};
    use super::super::crc::crc32_mpeg2;
    use super::*;

    #[test]
    fn service_description_bytes() {
        let mut config = config();
        let mut out = [0; 1024];
        for (events, flags) in [
            (None, 0xFC),
            (Some(EventCapacity::new(0, *b"DEU")), 0xFD),
            (Some(EventCapacity::new(8, *b"DEU")), 0xFF),
        ] {
            config.events = events;
            let service = config.service.clone().expect("configured");
            let size = write_sdt(&mut out, &config, &service, 3).expect("room");
            let mut expected = vec![0x42, 0xF0, 0x27, 0x00, 0x01, 0xC7, 0x00, 0x00, 0xFF, 0x01, 0xFF];
            expected.extend([0x00, 0x01, flags, 0x80, 0x16, 0x48, 0x14, 0x01, 0x08]);
            expected.extend(b"RetroVue\x09Retro One");
            assert_eq!((&out[..size - 4], crc32_mpeg2(&out[..size])), (&expected[..], 0));
        }
    }
}
