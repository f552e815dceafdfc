//! What the carousel is made from, and why that is refused. Capacities are fixed here: nothing that is
//! replaced later takes memory.

use super::dvb_text::Coding;
use super::eit::{EMPTY_SECTION, SEGMENTS_PER_DAY, most_sections};
use super::psi::{Program, write_pmt};
use super::repetition::Repetition;
use super::section::{LONGEST_EIT_SECTION, LONGEST_SECTION};
use super::time::{LARGEST_OFFSET_MINUTES, LocalTimeOffset, MOST_OFFSETS};
use crate::packet::{BODY_SIZE, PACKET_SIZE};
use crate::pid::Pid;

/// Configuration of the tables of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiConfig {
    /// Identifies this multiplex.
    pub transport_stream_id: u16,
    /// Identifies the network it comes from; 0xFF01 to 0xFFFF are free for private use.
    pub original_network_id: u16,
    /// Program number, which is DVB's service id; not 0.
    pub program_number: u16,
    /// PID of the program map.
    pub pmt_pid: Pid,
    /// What the program map tells.
    pub program: Program,
    /// What the SDT tells; no SDT without.
    pub service: Option<ServiceDescription>,
    /// What the NIT tells; no NIT without.
    pub network: Option<Network>,
    /// Room for events; no EIT without.
    pub events: Option<EventCapacity>,
    /// Whether TDT is sent, once UTC is known.
    pub time: bool,
    /// Local times, at most 19; with one or more TOT is sent beside TDT, which it needs.
    pub local_times: Vec<LocalTimeOffset>,
    /// First versions of the tables.
    pub versions: TableVersions,
}

/// A service, as viewers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDescription {
    /// `service_type` (EN 300 468 table 89): 0x01 television, 0x02 radio, 0x19 HD television.
    pub service_type: u8,
    /// Who provides it, at most 64 bytes as DVB text.
    pub provider_name: String,
    /// Its name, at most 64 bytes as DVB text.
    pub service_name: String,
}

/// The network, as the NIT tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// `network_id`; 0xFF01 to 0xFFFF are free for private use.
    pub network_id: u16,
    /// Its name, at most 64 bytes as DVB text.
    pub name: String,
}

/// Room for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCapacity {
    /// Days of schedule, today included, at most [`EventCapacity::MOST_DAYS`]; present and following
    /// alone with 0.
    pub schedule_days: u8,
    /// Most events of the schedule.
    pub most_events: usize,
    /// Bytes of the schedule's sections, at most [`EventCapacity::MOST_BYTES`].
    pub schedule_bytes: usize,
    /// ISO 3166 code of three letters, upper case, of the country whose age ratings are told.
    pub country: [u8; 3],
}

/// `version_number`s, 0 to 31. A session that follows another takes them from
/// [`super::Carousel::versions`], so that receivers see what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableVersions {
    /// Program association.
    pub pat: u8,
    /// Program map.
    pub pmt: u8,
    /// Service description.
    pub sdt: u8,
    /// Network information.
    pub nit: u8,
    /// Present and following.
    pub eit_near: u8,
    /// The schedule, four days each.
    pub eit_schedule: [u8; 8],
}

/// Why a configuration or a change was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiError {
    /// Program number 0 means the network information table.
    #[error("program_number must not be 0: choose 1 to 65535")]
    ProgramNumber,
    /// A PID is reserved or null.
    #[error("PID {pid} cannot be assigned: choose 0x0020 to 0x1ffe")]
    PidReserved {
        /// The offending PID.
        pid: Pid,
    },
    /// Two users of one PID.
    #[error("PID {pid} is used twice: every stream and the PMT need their own")]
    PidTwice {
        /// The offending PID.
        pid: Pid,
    },
    /// Too many streams or descriptors.
    #[error("the program map is longer than {largest} bytes or a descriptor than 255: leave descriptors out")]
    ProgramMapTooLong {
        /// Longest section.
        largest: usize,
    },
    /// A name too long for its field.
    #[error("name {name:?} takes {bytes} bytes as DVB text: at most {largest}")]
    NameTooLong {
        /// The offending name.
        name: String,
        /// Bytes it takes.
        bytes: usize,
        /// Most accepted.
        largest: usize,
    },
    /// A country that is no code of three letters.
    #[error("country {country:?} is no ISO 3166 code: three letters A to Z")]
    Country {
        /// The offending code.
        country: [u8; 3],
    },
    /// More days than are told.
    #[error("a schedule of {days} days is too long: at most {largest}")]
    ScheduleDays {
        /// Days configured.
        days: u8,
        /// Most accepted.
        largest: u8,
    },
    /// Too little for the empty schedule, or more than can be repeated in time.
    #[error("{bytes} bytes of schedule are outside {smallest} to {largest}")]
    ScheduleBytes {
        /// Bytes configured.
        bytes: usize,
        /// Fewest accepted, for the days configured.
        smallest: usize,
        /// Most accepted.
        largest: usize,
    },
    /// More local times than a descriptor holds, or local times without TDT.
    #[error("{count} local times: at most {largest}, and only where the time is sent")]
    LocalTimes {
        /// Entries given.
        count: usize,
        /// Most accepted.
        largest: usize,
    },
    /// An offset that no place has.
    #[error("offset of {minutes} minutes is outside -{largest} to {largest}")]
    Offset {
        /// The offending offset.
        minutes: i32,
        /// Largest accepted.
        largest: i32,
    },
    /// A zone that does not fit its six bits.
    #[error("region {region} is over 60")]
    Region {
        /// The offending zone.
        region: u8,
    },
    /// The version does not fit its five bits.
    #[error("version {version} of a table is over 31")]
    Version {
        /// The offending version.
        version: u8,
    },
    /// Nothing was configured for what is to be replaced.
    #[error("there is no {table}: configure it when the carousel is made")]
    NotConfigured {
        /// Name of the table.
        table: &'static str,
    },
}

impl EventCapacity {
    /// Most days of schedule: each segment takes a place in the cycle, with events or without.
    pub const MOST_DAYS: u8 = 32;

    /// Most bytes of schedule. With these in the first day, sections 26 ms apart and packets at 0.5 Mb/s,
    /// every section still comes in its time.
    pub const MOST_BYTES: usize = 128 * 1024;

    /// Room for `days` with 60 events of 300 bytes each, as far as there can be, and ratings of `country`.
    #[must_use]
    pub const fn new(days: u8, country: [u8; 3]) -> EventCapacity {
        let most_events = days as usize * 60;
        let bytes = days as usize * SEGMENTS_PER_DAY * EMPTY_SECTION + most_events * 300;
        let schedule_bytes =
            if bytes < EventCapacity::MOST_BYTES { bytes } else { EventCapacity::MOST_BYTES };
        EventCapacity { schedule_days: days, most_events, schedule_bytes, country }
    }

    fn validate(self) -> Result<(), SiError> {
        let (days, largest) = (self.schedule_days, EventCapacity::MOST_DAYS);
        if days > largest {
            return Err(SiError::ScheduleDays { days, largest });
        }
        let (bytes, largest) = (self.schedule_bytes, EventCapacity::MOST_BYTES);
        let smallest = usize::from(days) * SEGMENTS_PER_DAY * EMPTY_SECTION;
        if bytes < smallest || bytes > largest {
            return Err(SiError::ScheduleBytes { bytes, smallest, largest });
        }
        validate_country(self.country)
    }
}

impl ServiceDescription {
    /// Most bytes of a name as DVB text.
    pub const MOST_NAME_BYTES: usize = 64;

    pub(crate) fn validate(&self) -> Result<(), SiError> {
        validate_name(&self.provider_name)?;
        validate_name(&self.service_name)
    }
}

impl Program {
    /// Refuses PIDs that cannot be. Whether the section fits, its writing tells.
    pub(crate) fn validate(&self, pmt_pid: Pid) -> Result<(), SiError> {
        for (position, stream) in self.streams.iter().enumerate() {
            let pid = stream.pid;
            if !pid.is_assignable() {
                return Err(SiError::PidReserved { pid });
            }
            if pid == pmt_pid || self.streams[..position].iter().any(|other| other.pid == pid) {
                return Err(SiError::PidTwice { pid });
            }
        }
        let pcr = self.pcr_pid;
        if pcr != Pid::NULL && (!pcr.is_assignable() || pcr == pmt_pid) {
            return Err(SiError::PidReserved { pid: pcr });
        }
        Ok(())
    }
}

impl LocalTimeOffset {
    fn validate(&self) -> Result<(), SiError> {
        validate_country(self.country)?;
        if self.region > 60 {
            return Err(SiError::Region { region: self.region });
        }
        for minutes in [self.offset_minutes, self.next_offset_minutes] {
            if minutes.unsigned_abs() > LARGEST_OFFSET_MINUTES.unsigned_abs() {
                return Err(SiError::Offset { minutes, largest: LARGEST_OFFSET_MINUTES });
            }
        }
        Ok(())
    }
}

impl SiConfig {
    /// PAT, PMT and SDT of a television service called `service_name`, with this station's usual
    /// identifiers, and nothing optional.
    #[must_use]
    pub fn new(service_name: &str, program: Program) -> SiConfig {
        SiConfig {
            transport_stream_id: 1,
            original_network_id: 0xFF01,
            program_number: 1,
            pmt_pid: Pid::DEFAULT_PMT,
            program,
            service: Some(ServiceDescription {
                service_type: 0x01,
                provider_name: "RetroVue".to_owned(),
                service_name: service_name.to_owned(),
            }),
            network: None,
            events: None,
            time: false,
            local_times: vec![],
            versions: TableVersions::default(),
        }
    }

    /// Refuses whatever the carousel could not send.
    pub(crate) fn validate(&self) -> Result<(), SiError> {
        if self.program_number == 0 {
            return Err(SiError::ProgramNumber);
        }
        if !self.pmt_pid.is_assignable() {
            return Err(SiError::PidReserved { pid: self.pmt_pid });
        }
        self.program.validate(self.pmt_pid)?;
        self.service.iter().try_for_each(ServiceDescription::validate)?;
        self.network.iter().try_for_each(|network| validate_name(&network.name))?;
        self.events.map_or(Ok(()), EventCapacity::validate)?;
        validate_local_times(&self.local_times, self.time)?;
        let versions = self.versions;
        let single = [versions.pat, versions.pmt, versions.sdt, versions.nit, versions.eit_near];
        match single.into_iter().chain(versions.eit_schedule).find(|&version| version > 31) {
            Some(version) => Err(SiError::Version { version }),
            None => Ok(()),
        }
    }

    /// Rate that all tables need at most, in bit/s, with PAT and PMT sent `announcements` times a second
    /// beside their repetition.
    pub(crate) fn packets_bps(&self, announcements: u64) -> u64 {
        let packet = PACKET_SIZE as u64 * 8;
        let every = |packets: u64, repetition: Repetition| {
            (packets * packet * 27_000_000).div_ceil(repetition.target as u64)
        };
        let of_section = |bytes: usize| (bytes + 1).div_ceil(BODY_SIZE) as u64;
        let map = write_pmt(&mut [0; LONGEST_SECTION], self.program_number, 0, &self.program);
        let association_and_map = 1 + of_section(map.unwrap_or(LONGEST_SECTION));
        let single = |is_sent: bool, repetition| if is_sent { every(1, repetition) } else { 0 };
        let events = self.events.map_or(0, |events| {
            let (days, bytes) = (events.schedule_days, events.schedule_bytes);
            // Every section ends in a packet of its own.
            let schedule = of_section(bytes) + most_sections(days, bytes) as u64;
            let near = 2 * of_section(LONGEST_EIT_SECTION);
            every(near, Repetition::EIT_NEAR)
                + if days > 0 { every(schedule, Repetition::EIT_FIRST_DAY) } else { 0 }
        });
        every(association_and_map, Repetition::PSI)
            + association_and_map * announcements * packet
            + single(self.service.is_some(), Repetition::SDT)
            + single(self.network.is_some(), Repetition::NIT)
            + single(self.time, Repetition::TIME)
            + single(!self.local_times.is_empty(), Repetition::TIME)
            + events
    }

    /// What the NIT lists the service as.
    pub(crate) fn service_type(&self) -> u8 {
        self.service.as_ref().map_or(0x01, |service| service.service_type)
    }
}

/// Refuses local times that TOT could not tell.
pub(crate) fn validate_local_times(local_times: &[LocalTimeOffset], time: bool) -> Result<(), SiError> {
    let (count, largest) = (local_times.len(), if time { MOST_OFFSETS } else { 0 });
    if count > largest {
        return Err(SiError::LocalTimes { count, largest: MOST_OFFSETS });
    }
    local_times.iter().try_for_each(LocalTimeOffset::validate)
}

fn validate_country(country: [u8; 3]) -> Result<(), SiError> {
    if country.iter().all(u8::is_ascii_uppercase) { Ok(()) } else { Err(SiError::Country { country }) }
}

fn validate_name(name: &str) -> Result<(), SiError> {
    let bytes = Coding::shortest(name).size(name).unwrap_or_default();
    let largest = ServiceDescription::MOST_NAME_BYTES;
    if bytes > largest {
        return Err(SiError::NameTooLong { name: name.to_owned(), bytes, largest });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::descriptor::Descriptor;
    use super::super::psi::ProgramStream;
    use super::*;
    use crate::pid::StreamType;

    /// One picture and one sound, a name, and nothing optional.
    pub(crate) fn config() -> SiConfig {
        let stream = |stream_type, pid| ProgramStream { stream_type, pid, descriptors: vec![] };
        let streams = vec![
            stream(StreamType::H264, Pid::DEFAULT_VIDEO),
            stream(StreamType::AAC_ADTS, Pid::DEFAULT_AUDIO),
        ];
        let program = Program { pcr_pid: Pid::DEFAULT_VIDEO, descriptors: vec![], streams };
        SiConfig::new("Retro One", program)
    }

    pub(crate) fn berlin() -> LocalTimeOffset {
        LocalTimeOffset {
            country: *b"DEU",
            region: 0,
            offset_minutes: 60,
            change: 1_774_746_000,
            next_offset_minutes: 120,
        }
    }

    #[test]
    fn each_fault_is_refused_by_its_name() {
        type Fault = (fn(&mut SiConfig), &'static str);
        let faults: [Fault; 17] = [
            (|c| c.program_number = 0, "program_number must not be 0"),
            (|c| c.pmt_pid = Pid::EIT, "PID 0x0012 cannot be assigned"),
            (|c| c.program.streams[0].pid = Pid::NULL, "PID 0x1fff cannot be assigned"),
            (|c| c.program.streams[0].pid = Pid::DEFAULT_AUDIO, "PID 0x0101 is used twice"),
            (|c| c.program.streams[1].pid = Pid::DEFAULT_PMT, "PID 0x1000 is used twice"),
            (|c| c.program.pcr_pid = Pid::PAT, "PID 0x0000 cannot be assigned"),
            (
                |c| c.program.descriptors = vec![Descriptor::Other { tag: 0xF0, payload: vec![0; 256] }],
                "longer than 1024 bytes or a descriptor than 255",
            ),
            (|c| c.service.as_mut().unwrap().service_name = "x".repeat(65), "takes 65 bytes"),
            (|c| c.network = Some(Network { network_id: 1, name: "\u{65e5}".repeat(22) }), "takes 67 bytes"),
            (|c| c.events = Some(EventCapacity::new(33, *b"DEU")), "33 days is too long: at most 32"),
            (
                |c| {
                    c.events = Some(EventCapacity { schedule_bytes: 143, ..EventCapacity::new(1, *b"DEU") });
                },
                "143 bytes of schedule are outside 144 to 131072",
            ),
            (|c| c.events = Some(EventCapacity::new(1, *b"de ")), "[100, 101, 32] is no ISO 3166 code"),
            (|c| c.local_times = vec![berlin()], "1 local times"),
            (|c| (c.time, c.local_times) = (true, vec![berlin(); 20]), "20 local times: at most 19"),
            (
                |c| {
                    let offset = LocalTimeOffset { offset_minutes: -901, ..berlin() };
                    (c.time, c.local_times) = (true, vec![offset]);
                },
                "offset of -901 minutes",
            ),
            (
                |c| (c.time, c.local_times) = (true, vec![LocalTimeOffset { region: 61, ..berlin() }]),
                "region 61",
            ),
            (|c| c.versions.eit_schedule[7] = 32, "version 32 of a table"),
        ];
        for (spoil, message) in faults {
            let mut config = config();
            spoil(&mut config);
            let error = super::super::Carousel::new(config, None).expect_err(message).to_string();
            assert!(error.contains(message), "{error:?} lacks {message:?}");
        }
        assert_eq!(config().validate(), Ok(()));
    }
}
