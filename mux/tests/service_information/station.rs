//! A station with every table, and events for it.

use retrovue_mux::si::{
    Descriptor, Event, EventCapacity, EventTable, LocalTimeOffset, Network, Program, ProgramStream,
    RunningStatus, ServiceDescription, SiConfig, TableVersions,
};
use retrovue_mux::{Pid, StreamType};

/// 2026-03-01 00:00 UTC.
pub(crate) const DAY: i64 = 1_772_323_200;

pub(crate) fn program(descriptors: usize) -> Program {
    let many = |count| (0..count).map(|n| Descriptor::Other { tag: 0xF0, payload: vec![n as u8; 100] });
    let stream = |stream_type, pid, descriptors| ProgramStream { stream_type, pid, descriptors };
    let avc = Descriptor::AvcVideo { profile_idc: 100, constraint_flags: 0, level_idc: 40 };
    let language = Descriptor::Language { language: *b"deu", audio_type: 0 };
    Program {
        pcr_pid: Pid::DEFAULT_VIDEO,
        descriptors: many(descriptors).collect(),
        streams: vec![
            stream(StreamType::H264, Pid::DEFAULT_VIDEO, vec![avc]),
            stream(StreamType::AAC_ADTS, Pid::DEFAULT_AUDIO, vec![language]),
        ],
    }
}

pub(crate) fn config(days: u8) -> SiConfig {
    SiConfig {
        transport_stream_id: 0x0102,
        original_network_id: 0xFF01,
        program_number: 0x0304,
        pmt_pid: Pid::DEFAULT_PMT,
        program: program(0),
        service: Some(ServiceDescription {
            service_type: 1,
            provider_name: "RetroVue".to_owned(),
            service_name: "Caf\u{e9} \u{41a}\u{438}\u{43d}\u{43e}".to_owned(),
        }),
        network: Some(Network { network_id: 0xFF02, name: "Retro".to_owned() }),
        events: Some(EventCapacity::new(days, *b"DEU")),
        time: true,
        local_times: vec![LocalTimeOffset {
            country: *b"DEU",
            region: 0,
            offset_minutes: 60,
            change: DAY + 28 * 86_400 + 3600,
            next_offset_minutes: 120,
        }],
        versions: TableVersions { pmt: 31, ..TableVersions::default() },
    }
}

pub(crate) fn event(id: u16, start: i64, duration_s: u32) -> Event {
    Event {
        id,
        start,
        duration_s,
        title: format!("Programme {id}"),
        short_text: "A caf\u{e9} by night".to_owned(),
        long_text: "Something more is said of it. ".repeat(usize::from(id % 3) * 6),
        language: *b"eng",
        genre: Some(0x10),
        rating_age: Some(12),
        running: RunningStatus::Undefined,
    }
}

/// An event every half hour of `days` from the day of `now` on.
pub(crate) fn guide(now: i64, days: u16) -> EventTable {
    let day = now - now.rem_euclid(86_400);
    let schedule: Vec<Event> = (0..days * 48).map(|n| event(n, day + i64::from(n) * 1800, 1800)).collect();
    let present = ((now - day) / 1800) as usize;
    let near = |n: usize| schedule.get(n).cloned();
    EventTable::new(now, near(present), near(present + 1), schedule.clone())
}
