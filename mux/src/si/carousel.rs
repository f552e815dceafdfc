//! The carousel: every section of the program, when its packets are due, and their bytes.
//!
//! It decides what is due among tables alone; when a packet departs is the muxer's decision. It reads no
//! clock: UTC is told once and counted on by departures.

use super::config::{ServiceDescription, SiConfig, SiError, TableVersions, validate_local_times};
use super::eit::{self, Service};
use super::event::EventTable;
use super::nit::write_nit;
use super::pid_lane::PidLane;
use super::psi::{Program, write_pat, write_pmt};
use super::repetition::{BETWEEN_SECTIONS_VARIABLE, REST_WITHIN, Repetition};
use super::sdt::write_sdt;
use super::section::{LONGEST_EIT_SECTION, LONGEST_SECTION};
use super::section_store::SectionStore;
use super::system_buffer::SystemBuffer;
use super::time::{LocalTimeOffset, MOST_OFFSETS, write_tdt, write_tot};
use crate::config::Resume;
use crate::packet::{Counter, PACKET_SIZE};
use crate::pid::Pid;
use retrovue_timebase::{Ticks27M, UtcMs};

/// Sends the tables of a program again and again.
///
/// **The calling contract: ask [`Carousel::next`], let one packet of that table depart no earlier than
/// [`Due::from`] and, if it can be, no later than [`Due::deadline`], tell so by [`Carousel::write`], and ask
/// again. Departures rise. Instants are unwrapped 27 MHz ticks on the muxer's timeline.**
///
/// The first packets are PAT and PMT; the other tables follow from the first departure on. Packets of all
/// tables together never overflow TBsys, sections of one PID are 26 ms apart, and PAT and PMT find
/// the buffer at most one packet full. Nothing takes memory after [`Carousel::new`].
#[derive(Debug)]
pub struct Carousel {
    config: SiConfig,
    lanes: [PidLane; LANES],
    cycles: [Cycle; TABLES],
    stores: Stores,
    local_times: Vec<LocalTimeOffset>,
    /// UTC of an instant of the timeline.
    utc: Option<(Ticks27M, UtcMs)>,
    announcing: Announcing,
    /// When the point is that PAT and PMT are wanted for.
    point: i64,
    /// PAT, PMT and SDT have not all been sent yet.
    first_round: bool,
    buffer: SystemBuffer,
    /// The last departure.
    last: Option<i64>,
    /// Least time between sections of one table other than PAT and PMT, where it is more than that between
    /// sections of one PID.
    apart: i64,
}

/// A table of a carousel, as [`Carousel::next`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableHandle(usize);

/// A packet that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub table: TableHandle,
    /// Its PID.
    pub pid: Pid,
    /// Earliest departure.
    pub from: i64,
    /// When it should have departed; not before `from`. There is as much time again until a limit of the
    /// standards is broken.
    pub deadline: i64,
}

/// What became of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replaced {
    /// Events of the schedule for which there was no room: the last ones of a segment with more than
    /// eight sections, and from the end of the schedule otherwise.
    pub dropped: usize,
    /// Events of the schedule outside the days that are told.
    pub outside: usize,
}

const PAT: usize = 0;
const PMT: usize = 1;
const SDT: usize = 2;
const EIT_NEAR: usize = 3;
const TDT: usize = 4;
const TOT: usize = 5;
const NIT: usize = 6;
const EIT_FIRST_DAY: usize = 7;
const EIT_LATER: usize = 8;
const TABLES: usize = 9;

/// Lane and repetition of each table.
const PLAN: [(usize, Repetition); TABLES] = [
    (0, Repetition::PSI),
    (1, Repetition::PSI),
    (2, Repetition::SDT),
    (3, Repetition::EIT_NEAR),
    (4, Repetition::TIME),
    (4, Repetition::TIME),
    (5, Repetition::NIT),
    (3, Repetition::EIT_FIRST_DAY),
    (3, Repetition::EIT_LATER),
];

const LANES: usize = 6;

/// Where a table is in its repetition.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    /// From when on the next section is wanted.
    planned: i64,
    /// Sections before it.
    cursor: usize,
    /// Earliest begin of another section of the same table.
    free_from: i64,
    /// A section of it is under way.
    under_way: bool,
}

/// PAT and, behind each PAT, the PMT: a random access point stands between no two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announcing {
    No,
    /// PAT is wanted, then PMT.
    Pat,
    /// PAT went out, PMT is wanted.
    Pmt,
    /// That PMT is under way.
    PmtUnderWay,
}

#[derive(Debug)]
struct Stores {
    pat: SectionStore,
    pmt: SectionStore,
    sdt: SectionStore,
    nit: SectionStore,
    eit_near: SectionStore,
    eit_schedule: SectionStore,
    /// Sections of the schedule's first day.
    first_day: usize,
    /// What replaces one of the single sections is made here.
    spare: SectionStore,
    spare_near: SectionStore,
    spare_schedule: SectionStore,
}

impl Carousel {
    /// A carousel of the tables `config` asks for, with all its memory; counters go on as `resume` says.
    ///
    /// # Errors
    /// Names what could not be sent.
    pub fn new(config: SiConfig, resume: Option<&Resume>) -> Result<Carousel, SiError> {
        config.validate()?;
        let counter = |pid: Pid| {
            let counters = resume.iter().flat_map(|resume| &resume.counters);
            let known = counters.filter(|(known, _)| *known == pid).map(|&(_, last)| last).next();
            Counter::new(known, resume.is_some_and(|resume| resume.discontinuity))
        };
        let lane = |pid, longest| PidLane::new(pid, counter(pid), longest);
        let mut local_times = Vec::with_capacity(MOST_OFFSETS);
        local_times.extend_from_slice(&config.local_times);
        let mut carousel = Carousel {
            lanes: [
                lane(Pid::PAT, LONGEST_SECTION),
                lane(config.pmt_pid, LONGEST_SECTION),
                lane(Pid::SDT, LONGEST_SECTION),
                lane(Pid::EIT, LONGEST_EIT_SECTION),
                lane(Pid::TDT, LONGEST_SECTION),
                lane(Pid::NIT, LONGEST_SECTION),
            ],
            cycles: [Cycle { planned: i64::MIN, cursor: 0, free_from: i64::MIN, under_way: false }; TABLES],
            stores: Stores::new(&config)?,
            config,
            local_times,
            utc: None,
            announcing: Announcing::Pat,
            point: i64::MIN,
            first_round: true,
            buffer: SystemBuffer::EMPTY,
            last: None,
            apart: 0,
        };
        carousel.replace_events(&EventTable::default());
        Ok(carousel)
    }

    /// The same for a variable rate, where arrival is less certain: sections of a table are further apart.
    pub(crate) fn at_variable_rate(self) -> Carousel {
        Carousel { apart: BETWEEN_SECTIONS_VARIABLE, ..self }
    }

    /// The packet that is due next, at the last departure or later. It stays the same until something is
    /// written, replaced or asked for.
    #[must_use]
    pub fn next(&self) -> Due {
        self.next_at(self.last.unwrap_or(i64::MIN))
    }

    /// The packet that is due next at `now`: of those that may leave by then the one with the earliest
    /// deadline, or else the one that may leave first.
    #[must_use]
    pub fn next_at(&self, now: i64) -> Due {
        self.next_until(now).0
    }

    /// The same, and until when it holds: a more urgent packet may leave from then on.
    #[must_use]
    pub fn next_until(&self, now: i64) -> (Due, i64) {
        let order = |due: &Due| (due.from.max(now), due.deadline);
        let dues: [Option<Due>; TABLES] = std::array::from_fn(|table| self.due(table));
        let dues = || dues.iter().flatten();
        // PAT is always among them.
        let pat = Due { table: TableHandle(PAT), pid: Pid::PAT, from: now, deadline: now };
        let next = dues().copied().min_by_key(order).unwrap_or(pat);
        let urgent = dues().filter(|due| due.from > now.max(next.from) && due.deadline < next.deadline);
        (next, urgent.map(|due| due.from).min().unwrap_or(i64::MAX))
    }

    /// When the last packet left.
    pub(crate) fn last_left(&self) -> Option<i64> {
        self.last
    }

    /// When the next packet of `table` may and should leave; nothing when none is wanted.
    fn due(&self, table: usize) -> Option<Due> {
        let (lane, repetition) = PLAN[table];
        let (lane, cycle) = (&self.lanes[lane], &self.cycles[table]);
        if !cycle.under_way && self.sections(table) == 0 {
            return None;
        }
        let is_psi = table == PAT || table == PMT;
        // Whoever tunes in wants the name: the first SDT is as urgent as PAT and PMT.
        let is_urgent = is_psi || (table == SDT && self.first_round);
        let gate = if is_urgent { self.buffer.fits_from() } else { self.buffer.empty_from() };
        let deadline = cycle.planned.saturating_add(repetition.slack);
        let (from, deadline) = if lane.is_under_way() {
            // The rest of a section takes the next free places, so that its end is near its begin.
            if !cycle.under_way {
                return None;
            }
            let within = if is_psi && self.announcing != Announcing::No { 0 } else { REST_WITHIN };
            (gate, gate.max(self.last.unwrap_or(gate)) + within)
        } else {
            let started = self.last.is_some() || is_psi;
            if !started {
                return None;
            }
            let of_table = if is_psi { i64::MIN } else { cycle.free_from };
            let free = lane.free_from().max(of_table).max(gate);
            match (table, self.announcing) {
                (PMT, Announcing::Pat) => return None,
                (PAT, Announcing::Pat) => (free.max(self.point), free.max(self.point)),
                (PMT, Announcing::Pmt) => (free, free),
                (SDT, Announcing::No) if self.first_round => (free, free),
                _ => (cycle.planned.max(free), deadline),
            }
        };
        let deadline = deadline.max(from);
        Some(Due { table: TableHandle(table), pid: lane.pid, from, deadline })
    }

    /// Sections that `table` has now.
    fn sections(&self, table: usize) -> usize {
        let stores = &self.stores;
        match table {
            PAT => stores.pat.len(),
            PMT => stores.pmt.len(),
            SDT => stores.sdt.len(),
            NIT => stores.nit.len(),
            EIT_NEAR => stores.eit_near.len(),
            EIT_FIRST_DAY => stores.first_day,
            EIT_LATER => stores.eit_schedule.len() - stores.first_day,
            TDT => usize::from(self.config.time && self.utc.is_some()),
            TOT => usize::from(!self.local_times.is_empty() && self.utc.is_some()),
            _ => 0,
        }
    }

    /// Writes the next packet of the table that [`Carousel::next`] named, which departs at `at`.
    pub fn write(&mut self, table: TableHandle, packet: &mut [u8; PACKET_SIZE], at: i64) {
        debug_assert!(self.last.is_none_or(|last| last <= at), "departures rise");
        let table = table.0;
        let lane = PLAN[table].0;
        if self.last.is_none() {
            self.cycles.iter_mut().for_each(|cycle| cycle.planned = cycle.planned.max(at));
        }
        if !self.lanes[lane].is_under_way() {
            self.begin(table, at);
        }
        self.lanes[lane].write(packet, at);
        self.buffer.add(at);
        self.last = Some(at);
        if self.lanes[lane].is_under_way() {
            return;
        }
        for (other, cycle) in self.cycles.iter_mut().enumerate().filter(|(other, _)| PLAN[*other].0 == lane) {
            cycle.under_way = false;
            // The first days of the schedule are one table.
            if (other >= EIT_FIRST_DAY) == (table >= EIT_FIRST_DAY) {
                cycle.free_from = at + self.apart;
            }
        }
        if table == PMT && self.announcing == Announcing::PmtUnderWay {
            self.announcing = Announcing::No;
        }
        if self.announcing == Announcing::No && (table == SDT || self.sections(SDT) == 0) {
            self.first_round = false;
        }
    }

    /// Takes the next section of `table` to its lane.
    fn begin(&mut self, table: usize, at: i64) {
        let sections = self.sections(table).max(1);
        let utc_s = self.utc_seconds(at);
        let (lane, repetition) = PLAN[table];
        let (cycle, stores) = (&mut self.cycles[table], &self.stores);
        let cursor = cycle.cursor % sections;
        let stored = |store: &SectionStore, index: usize, out: &mut [u8]| {
            let section = store.section(index);
            out[..section.len()].copy_from_slice(section);
            section.len()
        };
        self.lanes[lane].begin(|out| match table {
            PAT => stored(&stores.pat, 0, out),
            PMT => stored(&stores.pmt, 0, out),
            SDT => stored(&stores.sdt, 0, out),
            NIT => stored(&stores.nit, 0, out),
            EIT_NEAR => stored(&stores.eit_near, cursor, out),
            EIT_FIRST_DAY => stored(&stores.eit_schedule, cursor, out),
            EIT_LATER => stored(&stores.eit_schedule, stores.first_day + cursor, out),
            TDT => write_tdt(out, utc_s),
            _ => write_tot(out, utc_s, &self.local_times).unwrap_or_default(),
        });
        cycle.under_way = true;
        cycle.cursor = (cursor + 1) % sections;
        let step = repetition.target / sections as i64;
        cycle.planned = if sections == 1 {
            at + step
        } else {
            // What is late must not make the whole cycle longer; what was held up must not come in a burst.
            (cycle.planned + step).max(at - repetition.slack)
        };
        match (table, self.announcing) {
            (PAT, _) => self.announcing = Announcing::Pmt,
            (PMT, Announcing::Pmt) => self.announcing = Announcing::PmtUnderWay,
            _ => {}
        }
    }

    /// UTC at `at`, in whole seconds that are past.
    fn utc_seconds(&self, at: i64) -> i64 {
        let Some((instant, utc)) = self.utc else { return 0 };
        utc.0.saturating_add(at.saturating_sub(instant.0).div_euclid(27_000)).div_euclid(1000)
    }

    /// Asks for PAT and then PMT in front of a random access point that would leave at `point`, no earlier
    /// and as soon as sections of their PIDs may follow the last ones. Until [`Carousel::is_announced`] the
    /// point should wait. Tables that are still to go out for an earlier point serve both.
    pub fn announce(&mut self, point: i64) {
        if self.announcing == Announcing::No {
            (self.announcing, self.point) = (Announcing::Pat, point);
        }
    }

    /// Whether PAT and PMT went out since they were last asked for.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.announcing == Announcing::No
    }

    /// Whether PAT, PMT and, where there is one, SDT have each been sent.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.first_round
    }

    /// Earliest departure of PAT and PMT, if they were asked for now: what tells a muxer whether tables that
    /// have just been would bar those of a random access point.
    #[must_use]
    pub fn announcement_from(&self) -> i64 {
        let free = |table: usize| self.lanes[PLAN[table].0].free_from();
        free(PAT).max(free(PMT)).max(self.buffer.fits_from())
    }

    /// Tells UTC at an instant of the timeline; TDT and TOT are sent from then on.
    pub fn set_utc(&mut self, instant: Ticks27M, utc: UtcMs) {
        self.utc = Some((instant, utc));
    }

    /// Replaces the program map. Its version is the next one when its bytes change.
    ///
    /// # Errors
    /// [`SiError::ProgramMapTooLong`], or a PID that cannot be; the map stays as it was.
    pub fn replace_program(&mut self, program: &Program) -> Result<(), SiError> {
        program.validate(self.config.pmt_pid)?;
        let version = self.stores.pmt.version(0x02).unwrap_or_default();
        let spare = &mut self.stores.spare;
        spare.clear();
        let number = self.config.program_number;
        if !spare.push(LONGEST_SECTION, |out| write_pmt(out, number, version, program)) {
            return Err(SiError::ProgramMapTooLong { largest: LONGEST_SECTION });
        }
        spare.step_versions(&self.stores.pmt);
        std::mem::swap(spare, &mut self.stores.pmt);
        self.want(PMT);
        Ok(())
    }

    /// Replaces what the SDT tells. Its version is the next one when its bytes change.
    ///
    /// # Errors
    /// [`SiError::NotConfigured`] without an SDT, [`SiError::NameTooLong`].
    pub fn replace_service(&mut self, service: &ServiceDescription) -> Result<(), SiError> {
        service.validate()?;
        let stores = &mut self.stores;
        let Some(version) = stores.sdt.version(0x42) else {
            return Err(SiError::NotConfigured { table: "SDT" });
        };
        stores.spare.clear();
        let config = &self.config;
        stores.spare.push(LONGEST_SECTION, |out| write_sdt(out, config, service, version));
        stores.spare.step_versions(&stores.sdt);
        std::mem::swap(&mut stores.spare, &mut stores.sdt);
        self.want(SDT);
        Ok(())
    }

    /// Replaces the local times of the TOT; without any it is not sent.
    ///
    /// # Errors
    /// [`SiError::LocalTimes`] and whatever a configuration is refused for.
    pub fn replace_local_times(&mut self, local_times: &[LocalTimeOffset]) -> Result<(), SiError> {
        validate_local_times(local_times, self.config.time)?;
        self.local_times.clear();
        self.local_times.extend_from_slice(local_times);
        Ok(())
    }

    /// Replaces all events. The version of a table is the next one when its bytes change.
    pub fn replace_events(&mut self, table: &EventTable) -> Replaced {
        let Some(capacity) = self.config.events else {
            return Replaced { dropped: table.schedule().len(), outside: 0 };
        };
        let service = Service {
            service_id: self.config.program_number,
            transport_stream_id: self.config.transport_stream_id,
            original_network_id: self.config.original_network_id,
            country: capacity.country,
        };
        let (stores, versions) = (&mut self.stores, self.config.versions);
        let version = stores.eit_near.version(eit::NEAR).unwrap_or(versions.eit_near);
        eit::write_near(&mut stores.spare_near, service, table, version);
        stores.spare_near.step_versions(&stores.eit_near);
        let changed = (0..2).any(|n| stores.spare_near.section(n) != stores.eit_near.section(n));
        std::mem::swap(&mut stores.spare_near, &mut stores.eit_near);
        if changed {
            self.cycles[EIT_NEAR].cursor = 0;
            self.want(EIT_NEAR);
        }
        if capacity.schedule_days == 0 {
            return Replaced { dropped: table.schedule().len(), outside: 0 };
        }
        let stores = &mut self.stores;
        let earlier = &stores.eit_schedule;
        let version = |table_id: u8| {
            let first = versions.eit_schedule[usize::from(table_id - eit::SCHEDULE)];
            earlier.version(table_id).unwrap_or(first)
        };
        let size = (capacity.schedule_days, capacity.most_events);
        let written = eit::write_schedule(&mut stores.spare_schedule, service, table, size, version);
        stores.spare_schedule.step_versions(&stores.eit_schedule);
        std::mem::swap(&mut stores.spare_schedule, &mut stores.eit_schedule);
        stores.first_day = written.first_day;
        Replaced { dropped: written.dropped, outside: written.outside }
    }

    /// Makes a table due at the last departure, if it was not before.
    fn want(&mut self, table: usize) {
        if let Some(last) = self.last {
            self.cycles[table].planned = self.cycles[table].planned.min(last);
        }
    }

    /// Last continuity counter of each PID that has sent a packet, here or in the session resumed: what
    /// [`Resume::counters`] of the next session takes.
    pub fn counters(&self) -> impl Iterator<Item = (Pid, u8)> + '_ {
        self.lanes.iter().filter_map(|lane| lane.counter.last().map(|last| (lane.pid, last)))
    }

    /// The versions of the tables now: what [`SiConfig::versions`] of the next session takes, stepped where
    /// that one tells something else.
    #[must_use]
    pub fn versions(&self) -> TableVersions {
        let (stores, first) = (&self.stores, self.config.versions);
        let mut eit_schedule = first.eit_schedule;
        for (table_id, version) in (eit::SCHEDULE..).zip(&mut eit_schedule) {
            *version = stores.eit_schedule.version(table_id).unwrap_or(*version);
        }
        TableVersions {
            pat: first.pat,
            pmt: stores.pmt.version(0x02).unwrap_or(first.pmt),
            sdt: stores.sdt.version(0x42).unwrap_or(first.sdt),
            nit: first.nit,
            eit_near: stores.eit_near.version(eit::NEAR).unwrap_or(first.eit_near),
            eit_schedule,
        }
    }
}

impl Stores {
    /// The stores with every table but the EIT.
    fn new(config: &SiConfig) -> Result<Stores, SiError> {
        let single = || SectionStore::new(LONGEST_SECTION, 1);
        let (near, days, bytes) = match config.events {
            Some(events) => (2 * LONGEST_EIT_SECTION, events.schedule_days, events.schedule_bytes),
            None => (0, 0, 0),
        };
        let near = || SectionStore::new(near, 2);
        let schedule = || SectionStore::new(bytes, eit::most_sections(days, bytes));
        let (mut pat, mut pmt, mut sdt, mut nit) = (single(), single(), single(), single());
        let versions = config.versions;
        let program = (config.program_number, config.pmt_pid);
        pat.push(LONGEST_SECTION, |out| {
            write_pat(out, config.transport_stream_id, versions.pat, config.network.is_some(), program)
        });
        let pushed = pmt.push(LONGEST_SECTION, |out| {
            write_pmt(out, config.program_number, versions.pmt, &config.program)
        });
        if !pushed {
            return Err(SiError::ProgramMapTooLong { largest: LONGEST_SECTION });
        }
        if let Some(service) = &config.service {
            sdt.push(LONGEST_SECTION, |out| write_sdt(out, config, service, versions.sdt));
        }
        if let Some(network) = &config.network {
            let service_type = config.service_type();
            nit.push(LONGEST_SECTION, |out| write_nit(out, config, network, service_type, versions.nit));
        }
        Ok(Stores {
            pat,
            pmt,
            sdt,
            nit,
            eit_near: near(),
            eit_schedule: schedule(),
            first_day: 0,
            spare: single(),
            spare_near: near(),
            spare_schedule: schedule(),
        })
    }
}
