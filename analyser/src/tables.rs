//! Tables as they come: PAT and PMT are followed, CRC and repetition of all are judged (TR 101 290 1.3, 1.5,
//! 2.2, 2.6, 3.1, 3.2, 3.5, 3.6, 3.8).

use crate::clock::Kind;
use crate::inspector::{Inspector, NONE, Role, Stream};
use crate::instant::microseconds;
use crate::packet::{NULL_PID, Packet};
use crate::psi::{associations, ca_pids, program_map};
use crate::rule::{Findings, Place, Rule};
use crate::section::{Event, Section, crc32};

/// Programs followed at most: as many as clocks.
const PROGRAMS: usize = 64;
/// Sections of one PID whose repetition is remembered.
const REMEMBERED: usize = 256;
/// Least distance of SI sections of one table and extension, in microseconds (EN 300 468 §5.1.4).
const LEAST_GAP: i64 = 25_000;

/// A program of the PAT.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) number: u16,
    pub(crate) map_pid: u16,
    pub(crate) pcr_pid: u16,
    pub(crate) clock: u16,
    pub(crate) version: Option<u8>,
    /// Slots of its streams.
    pub(crate) streams: Vec<u16>,
    others: Vec<u16>,
    /// The PAT names it still.
    pub(crate) current: bool,
}

/// What the tables have said.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) programs: Vec<Program>,
    pat_version: Option<u8>,
    network: u16,
    pub(crate) transport_stream_id: Option<u16>,
    pub(crate) versions_changed: u64,
    /// Programs beyond those followed.
    pub(crate) unfollowed: u64,
}

impl Tables {
    pub(crate) fn is_mapped(&self, program: u16) -> bool {
        self.programs.get(usize::from(program)).is_some_and(|program| program.current)
    }
}

impl Inspector {
    pub(crate) fn table_packet(&mut self, index: u16, packet: &Packet<'_>, repeated: bool, place: Place) {
        let slot = &mut self.slots[usize::from(index)];
        let role = slot.role;
        let payload = if packet.has_payload && !packet.scrambled { packet.payload() } else { &[] };
        let bytes = if repeated { 0 } else { payload.len() as u8 };
        match role {
            Role::ProgramMap(program) => {
                let clock = self.tables.programs.get(usize::from(program)).map_or(NONE, |p| p.clock);
                self.wait(clock, index, Kind::System { program, payload: bytes });
            }
            Role::Table if place.pid.is_some_and(|pid| pid < 2) => {
                for program in 0..self.tables.programs.len() {
                    let clock = self.tables.programs[program].clock;
                    self.wait(clock, index, Kind::System { program: program as u16, payload: bytes });
                }
            }
            _ => {}
        }
        if repeated || payload.is_empty() {
            return;
        }
        let Some(mut sections) = self.slots[usize::from(index)].sections.take() else { return };
        sections.push(packet.start, payload, |event| self.section_event(index, event, place));
        self.slots[usize::from(index)].sections = Some(sections);
    }

    fn section_event(&mut self, index: u16, event: Event<'_>, place: Place) {
        let clock = self.slots[usize::from(index)].clock;
        let section = match event {
            Event::Begins => return self.wait(clock, index, Kind::SectionBegins),
            Event::Malformed => return self.findings.note(Rule::SectionSyntax, place, "lengths do not fit"),
            Event::Complete(section) => section,
        };
        if section.has_crc() && crc32(section.0) != 0 {
            let table = i64::from(section.table_id());
            return self.findings.measure(Rule::Crc, place, "CRC of a section, table_id", table, 0, "");
        }
        let (table, number, extension) = (section.table_id(), section.number(), section.extension());
        self.wait(clock, index, Kind::Section { table, number, extension });
        match self.slots[usize::from(index)].role {
            Role::Table if place.pid == Some(0) => {
                if table == 0 && section.is_long() {
                    self.pat(section);
                } else {
                    self.findings.measure(Rule::Pat, place, "table_id on PID 0", i64::from(table), 0, "");
                }
            }
            Role::Table if place.pid == Some(1) && table == 1 => {
                for pid in ca_pids(section.body()).collect::<Vec<_>>() {
                    self.refer(pid);
                }
            }
            Role::ProgramMap(_) if table == 2 => self.pmt(section, place),
            _ => {}
        }
    }

    fn refer(&mut self, pid: u16) {
        let slot = self.slot(pid);
        self.slots[usize::from(slot)].referenced = true;
        self.slots[usize::from(slot)].unreferenced_since = None;
    }

    fn pat(&mut self, section: Section<'_>) {
        if !section.is_current() {
            return;
        }
        if self.tables.pat_version.is_some_and(|version| version != section.version()) {
            self.tables.versions_changed += 1;
            for program in 0..self.tables.programs.len() {
                self.tables.programs[program].current = false;
            }
        }
        let changed = self.tables.pat_version != Some(section.version());
        self.tables.pat_version = Some(section.version());
        self.tables.transport_stream_id = Some(section.extension());
        for association in associations(section) {
            if association.program == 0 {
                self.tables.network = association.pid;
                self.refer(association.pid);
                continue;
            }
            self.associate(association.program, association.pid);
        }
        if changed {
            for program in (0..self.tables.programs.len())
                .filter(|&p| !self.tables.programs[p].current)
                .collect::<Vec<_>>()
            {
                self.unmap(program);
            }
        }
    }

    fn associate(&mut self, number: u16, map_pid: u16) {
        if map_pid < 0x10 || map_pid == NULL_PID {
            return;
        }
        let known = self.tables.programs.iter().position(|program| program.number == number);
        let index = match known {
            Some(index) if self.tables.programs[index].map_pid == map_pid => {
                self.tables.programs[index].current = true;
                return;
            }
            Some(index) => {
                self.unmap(index);
                index
            }
            None if self.tables.programs.len() >= PROGRAMS => {
                self.tables.unfollowed += 1;
                return self.refer(map_pid);
            }
            None => {
                self.systems.push(Default::default());
                self.tables.programs.len()
            }
        };
        let program = Program {
            number,
            map_pid,
            pcr_pid: NULL_PID,
            clock: NONE,
            version: None,
            streams: Vec::new(),
            others: Vec::new(),
            current: true,
        };
        if index == self.tables.programs.len() {
            self.tables.programs.push(program);
        } else {
            self.tables.programs[index] = program;
        }
        let slot = self.slot(map_pid);
        let slot = &mut self.slots[usize::from(slot)];
        slot.referenced = true;
        if slot.role == Role::Unknown {
            slot.role = Role::ProgramMap(index as u16);
            slot.sections = Some(Box::default());
            slot.repetition = Some(Box::default());
        }
    }

    /// A program's streams belong to nothing any more.
    fn unmap(&mut self, program: usize) {
        let streams = std::mem::take(&mut self.tables.programs[program].streams);
        let others = std::mem::take(&mut self.tables.programs[program].others);
        for slot in streams.into_iter().chain(others) {
            let wanted =
                self.tables.programs.iter().any(|p| p.streams.contains(&slot) || p.others.contains(&slot));
            if !wanted {
                self.slots[usize::from(slot)].referenced = false;
                if self.slots[usize::from(slot)].role == Role::Stream {
                    self.slots[usize::from(slot)].role = Role::Unknown;
                }
            }
        }
        self.tables.programs[program].version = None;
    }

    fn pmt(&mut self, section: Section<'_>, place: Place) {
        let number = section.extension();
        let pid = place.pid;
        let Some(index) =
            self.tables.programs.iter().position(|program| {
                program.number == number && Some(program.map_pid) == pid && program.current
            })
        else {
            return;
        };
        let version = self.tables.programs[index].version;
        if !section.is_current() || version == Some(section.version()) {
            return;
        }
        let Some(map) = program_map(section) else {
            return self.findings.note(Rule::SectionSyntax, place, "lengths in the PMT do not fit");
        };
        self.tables.versions_changed += u64::from(version.is_some());
        self.unmap(index);
        let clock = self.clock(map.pcr_pid);
        let program = &mut self.tables.programs[index];
        program.version = Some(section.version());
        program.pcr_pid = map.pcr_pid;
        program.clock = clock;
        if let Some(slot) = pid.map(|pid| self.slot(pid)) {
            self.slots[usize::from(slot)].clock = clock;
        }
        for pid in map.ca_pids.iter().copied().chain([map.pcr_pid]) {
            let slot = self.slot(pid);
            self.slots[usize::from(slot)].referenced = true;
            self.tables.programs[index].others.push(slot);
        }
        for mapped in map.streams {
            if mapped.pid < 0x10 || mapped.pid == NULL_PID {
                continue;
            }
            let slot_index = self.slot(mapped.pid);
            let plot = self.plot;
            let slot = &mut self.slots[usize::from(slot_index)];
            slot.referenced = true;
            if !matches!(slot.role, Role::Unknown | Role::Stream) {
                continue;
            }
            slot.role = Role::Stream;
            slot.unreferenced_since = None;
            if mapped.coding.is_sections() {
                slot.sections.get_or_insert_default();
            } else {
                slot.sections = None;
            }
            let same = slot.stream.as_ref().is_some_and(|s| s.coding == mapped.coding) && slot.clock == clock;
            if !same {
                if slot.stream.is_some() {
                    // What waits is the old stream's.
                    let before = slot.clock;
                    if usize::from(before) < self.clocks.len() {
                        self.time_queue(before);
                    }
                }
                let slot = &mut self.slots[usize::from(slot_index)];
                let program = index as u16;
                slot.stream = Some(Box::new(Stream::new(program, mapped.stream_type, mapped.coding, plot)));
                slot.clock = clock;
            }
            self.tables.programs[index].streams.push(slot_index);
        }
    }
}

/// When sections of one PID came.
#[derive(Debug, Default)]
pub(crate) struct Repetition {
    begun: Option<i64>,
    /// The table that the PID is for, by what tells its sections apart: when it came last.
    wanted: Latest<(u16, u8)>,
    /// Table and extension: when the last section of them ended.
    ends: Latest<(u8, u16)>,
    pub(crate) longest: i64,
    pub(crate) sections: u64,
}

/// When each of a bounded number of things was last.
#[derive(Debug, Default)]
struct Latest<K>(Vec<(K, i64)>);

impl<K: PartialEq> Latest<K> {
    /// Remembers `at` for `key`; returns what was remembered before.
    fn replace(&mut self, key: K, at: i64) -> Option<i64> {
        if let Some((_, last)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            return Some(std::mem::replace(last, at));
        }
        if self.0.len() < REMEMBERED {
            self.0.push((key, at));
        }
        None
    }
}

/// What a PID's table is, its rule, and its longest distance in microseconds.
fn wanted(role: Role, pid: u16, table: u8) -> Option<(Rule, &'static str, i64)> {
    match (role, pid, table) {
        (Role::ProgramMap(_), _, 2) => Some((Rule::Pmt, "since the last PMT", 500_000)),
        (Role::Table, 0, 0) => Some((Rule::Pat, "since the last PAT", 500_000)),
        (Role::Table, 0x10, 0x40) => Some((Rule::Nit, "since the last NIT", 10_000_000)),
        (Role::Table, 0x11, 0x42) => Some((Rule::Sdt, "since the last SDT", 2_000_000)),
        (Role::Table, 0x12, 0x4E) => Some((Rule::Eit, "since the last EIT of this section", 2_000_000)),
        (Role::Table, 0x14, 0x70) => Some((Rule::Tdt, "since the last TDT", 30_000_000)),
        _ => None,
    }
}

impl Repetition {
    /// Whether the table came at all.
    pub(crate) fn any(&self) -> bool {
        self.sections > 0
    }

    pub(crate) fn begins(&mut self, at: i64) {
        self.begun = Some(at);
    }

    /// A section is complete: table, number and extension.
    pub(crate) fn complete(
        &mut self,
        role: Role,
        pid: u16,
        (table, number, extension): (u8, u8, u16),
        at: i64,
        findings: &mut Findings,
        place: Place,
    ) {
        if pid >= 0x10 && role == Role::Table {
            let begun = self.begun.take().unwrap_or(at);
            if let Some(end) = self.ends.replace((table, extension), at) {
                let gap = microseconds(begun - end);
                if gap < LEAST_GAP {
                    findings.measure(
                        Rule::SiRepetition,
                        place,
                        "since the last section",
                        gap,
                        LEAST_GAP,
                        "us",
                    );
                }
            }
        }
        let Some((rule, what, limit)) = wanted(role, pid, table) else { return };
        self.sections += 1;
        // Of the present and following events each section counts; of other tables any.
        let part = if rule == Rule::Eit { (extension, number) } else { (0, 0) };
        if let Some(last) = self.wanted.replace(part, at) {
            let gap = microseconds(at - last);
            self.longest = self.longest.max(gap);
            if gap > limit {
                findings.measure(rule, place, what, gap, limit, "us");
            }
        }
    }

    /// The stream lasted until `end`: what was missing there?
    pub(crate) fn end(&mut self, role: Role, pid: u16, end: i64, findings: &mut Findings, place: Place) {
        let table = match (role, pid) {
            (Role::ProgramMap(_), _) => 2,
            (_, 0) => 0,
            (_, 0x10) => 0x40,
            (_, 0x11) => 0x42,
            (_, 0x12) => 0x4E,
            _ => 0x70,
        };
        let Some((rule, what, limit)) = wanted(role, pid, table) else { return };
        for &(_, last) in &self.wanted.0 {
            let gap = microseconds(end - last);
            if gap > limit {
                findings.measure(rule, place, what, gap, limit, "us");
            }
        }
    }
}
