//! Program association and program map sections (ISO/IEC 13818-1 §2.4.4.3, §2.4.4.8) of one program.

use super::descriptor::Descriptor;
use super::section::{Head, LONGEST_SECTION, write_long};
use crate::pid::{Pid, StreamType};

/// What the program map tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// PID that carries the PCR; [`Pid::NULL`] when none does.
    pub pcr_pid: Pid,
    /// Descriptors of the program.
    pub descriptors: Vec<Descriptor>,
    /// Its streams.
    pub streams: Vec<ProgramStream>,
}

/// One stream of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramStream {
    /// Code point of what it holds.
    pub stream_type: StreamType,
    /// PID of its packets.
    pub pid: Pid,
    /// Its descriptors.
    pub descriptors: Vec<Descriptor>,
}

/// Writes the PAT, with the NIT's PID as program 0 when there is one, and returns its size.
pub(crate) fn write_pat(
    out: &mut [u8],
    transport_stream_id: u16,
    version: u8,
    has_nit: bool,
    (program_number, pmt_pid): (u16, Pid),
) -> Option<usize> {
    let head = Head {
        table_id: 0x00,
        private_bit: false,
        table_id_extension: transport_stream_id,
        version,
        number: 0,
        last_number: 0,
    };
    write_long(out, head, |writer| {
        if has_nit {
            writer.put_u16(0);
            writer.put_u16(0xE000 | Pid::NIT.value());
        }
        writer.put_u16(program_number);
        writer.put_u16(0xE000 | pmt_pid.value());
    })
}

/// Writes the PMT and returns its size; nothing when it is longer than a section may be.
pub(crate) fn write_pmt(
    out: &mut [u8],
    program_number: u16,
    version: u8,
    program: &Program,
) -> Option<usize> {
    let head = Head {
        table_id: 0x02,
        private_bit: false,
        table_id_extension: program_number,
        version,
        number: 0,
        last_number: 0,
    };
    let longest = LONGEST_SECTION.min(out.len());
    write_long(&mut out[..longest], head, |writer| {
        writer.put_u16(0xE000 | program.pcr_pid.value());
        writer.with_length_u12(0xF, |writer| {
            program.descriptors.iter().for_each(|descriptor| descriptor.write(writer));
        });
        for stream in &program.streams {
            writer.put_u8(stream.stream_type.0);
            writer.put_u16(0xE000 | stream.pid.value());
            writer.with_length_u12(0xF, |writer| {
                stream.descriptors.iter().for_each(|descriptor| descriptor.write(writer));
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::crc::crc32_mpeg2;
    use super::super::descriptor::Registration;
    use super::*;
    use proptest::prelude::*;

    fn others() -> impl Strategy<Value = Vec<Descriptor>> {
        let payload = prop::collection::vec(any::<u8>(), 0..300);
        let other = (any::<u8>(), payload).prop_map(|(tag, payload)| Descriptor::Other { tag, payload });
        prop::collection::vec(other, 0..4)
    }

    proptest! {
        #[test]
        fn a_map_fits_or_is_refused(descriptors in others(), streams in prop::collection::vec(others(), 0..8)) {
            let lengths = descriptors.iter().chain(streams.iter().flatten()).map(|other| match other {
                Descriptor::Other { payload, .. } => payload.len(),
                _ => 0,
            });
            let (sum, longest) = lengths.fold((0, 0), |(sum, longest), len| (sum + len + 2, longest.max(len)));
            let expected = 12 + sum + 5 * streams.len() + 4;
            let stream = |descriptors| ProgramStream { stream_type: StreamType::H264, pid: Pid::new(0x100), descriptors };
            let program =
                Program { pcr_pid: Pid::NULL, descriptors, streams: streams.into_iter().map(stream).collect() };
            let mut out = [0; 4096];
            let size = write_pmt(&mut out, 1, 0, &program);
            prop_assert_eq!(size, (expected <= 1024 && longest <= 255).then_some(expected));
            if let Some(size) = size {
                prop_assert_eq!(crc32_mpeg2(&out[..size]), 0);
            }
        }
    }

    #[test]
    fn association_bytes() {
        let mut out = [0; 64];
        let program = (0x0102, Pid::new(0x1000));
        let size = write_pat(&mut out, 0x0304, 1, true, program).expect("room");
        let expected = [0, 0xB0, 17, 3, 4, 0xC3, 0, 0, 0, 0, 0xE0, 0x10, 1, 2, 0xF0, 0];
        assert_eq!((&out[..size - 4], crc32_mpeg2(&out[..size])), (&expected[..], 0));
        let size = write_pat(&mut out, 0x0304, 1, false, program).expect("room");
        assert_eq!(out[..size - 4], [0, 0xB0, 13, 3, 4, 0xC3, 0, 0, 1, 2, 0xF0, 0]);
    }

    #[test]
    fn program_map_bytes() {
        let program = Program {
            pcr_pid: Pid::new(0x100),
            descriptors: vec![Descriptor::Registration(Registration::CUES)],
            streams: vec![
                ProgramStream {
                    stream_type: StreamType::H264,
                    pid: Pid::new(0x100),
                    descriptors: vec![Descriptor::AvcVideo {
                        profile_idc: 77,
                        constraint_flags: 0,
                        level_idc: 31,
                    }],
                },
                ProgramStream { stream_type: StreamType::SCTE_35, pid: Pid::new(0x1F0), descriptors: vec![] },
            ],
        };
        let mut out = [0; 1024];
        let size = write_pmt(&mut out, 1, 31, &program).expect("room");
        let mut expected = vec![0x02, 0xB0, 35, 0, 1, 0xFF, 0, 0, 0xE1, 0, 0xF0, 6];
        expected.extend(b"\x05\x04CUEI");
        expected.extend([0x1B, 0xE1, 0, 0xF0, 6, 0x28, 4, 77, 0, 31, 0x3F]);
        expected.extend([0x86, 0xE1, 0xF0, 0xF0, 0]);
        assert_eq!((&out[..size - 4], crc32_mpeg2(&out[..size])), (&expected[..], 0));
        let other = || Descriptor::Other { tag: 0xF0, payload: vec![0; 250] };
        let long = Program { descriptors: vec![other(), other(), other(), other()], ..program };
        assert_eq!(write_pmt(&mut [0; 4096], 1, 0, &long), None);
    }
}
