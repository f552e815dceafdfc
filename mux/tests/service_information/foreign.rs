//! Other people's readers on our tables: mpeg2ts-reader for PAT and PMT, ffprobe for the service.

use crate::departures::departures;
use crate::reader::{MS, sections};
use crate::station::{DAY, config, guide};
use mpeg2ts_reader::descriptor::CoreDescriptors;
use mpeg2ts_reader::psi::pat::{PatSection, ProgramDescriptor};
use mpeg2ts_reader::psi::pmt::PmtSection;
use retrovue_mux::si::Carousel;
use std::process::Command;

fn carousel() -> Carousel {
    let mut carousel = Carousel::new(config(8), None).unwrap();
    carousel.set_utc(retrovue_timebase::Ticks27M(0), retrovue_timebase::UtcMs(DAY * 1000));
    carousel.replace_events(&guide(DAY, 8));
    carousel
}

#[test]
fn mpeg2ts_reader_reads_the_program() {
    let sections = sections(&departures(&mut carousel(), 0, 100 * MS));
    let of = |table_id| {
        let section = sections.iter().find(|section| section.table_id() == table_id).expect("sent");
        // Theirs begin behind the long header and end before the CRC.
        section.bytes[8..section.bytes.len() - 4].to_vec()
    };
    let programs: Vec<ProgramDescriptor> = PatSection::new(&of(0x00)).programs().collect();
    let [ProgramDescriptor::Network { pid: network }, ProgramDescriptor::Program { program_number, pid }] =
        programs[..]
    else {
        panic!("{programs:?}");
    };
    assert_eq!((u16::from(network), program_number, u16::from(pid)), (0x10, 0x0304, 0x1000));
    let bytes = of(0x02);
    let pmt = PmtSection::from_bytes(&bytes).expect("a PMT");
    assert_eq!(u16::from(pmt.pcr_pid()), 0x100);
    let streams: Vec<_> = pmt.streams().collect();
    assert_eq!((streams.len(), u8::from(streams[0].stream_type())), (2, 0x1B));
    let Some(Ok(CoreDescriptors::AvcVideo(avc))) = streams[0].descriptors::<CoreDescriptors<'_>>().next()
    else {
        panic!("no AVC_video_descriptor");
    };
    assert_eq!((avc.profile_idc(), avc.level_idc()), (100, 40));
    let Some(Ok(CoreDescriptors::ISO639Language(language))) =
        streams[1].descriptors::<CoreDescriptors<'_>>().next()
    else {
        panic!("no ISO_639_language_descriptor");
    };
    let languages: Vec<String> =
        language.languages().map(|language| language.unwrap().code().to_string()).collect();
    assert_eq!(languages, ["deu"]);
}

#[test]
fn ffprobe_reads_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.ts");
    let packets: Vec<u8> =
        departures(&mut carousel(), 0, 12_000 * MS).iter().flat_map(|departed| departed.packet).collect();
    std::fs::write(&file, packets).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-f", "mpegts", "-of", "json", "-show_programs"])
        .arg(&file)
        .output()
        .expect("ffprobe is installed");
    let words = String::from_utf8_lossy(&output.stdout);
    for expected in [
        "\"program_id\": 772",
        "\"pmt_pid\": 4096",
        "\"pcr_pid\": 256",
        "\"service_name\": \"Caf\u{e9} \u{41a}\u{438}\u{43d}\u{43e}\"",
        "\"service_provider\": \"RetroVue\"",
    ] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
}
