//! What is looked at in each packet, and what is kept of each PID. Timing waits in the clocks' queues
//! ([`crate::timing`]), tables are in [`crate::tables`].

use crate::access_unit::AccessUnits;
use crate::clock::{Cargo, Clock, Kind, QUEUE, Step, Waiting};
use crate::decoder_buffer::DecoderBuffer;
use crate::framing::{PacketSize, Sink};
use crate::instant::{STAMP_MODULUS, wrapped};
use crate::packet::{NULL_PID, PACKET, Packet};
use crate::pes::{Fault, PesReader};
use crate::rule::{Findings, Place, Rule};
use crate::section::Assembler;
use crate::stream_type::Coding;
use crate::system_buffer::SystemBuffer;
use crate::tables::{Repetition, Tables};

/// Clocks followed at most; streams of further programs are not graded.
pub(crate) const CLOCKS: usize = 64;
/// No slot, no clock, no program.
pub(crate) const NONE: u16 = u16::MAX;

/// Longest distance of stamps (TR 101 290 2.5) in 90 kHz.
const LONGEST_STAMP_GAP: i64 = 63_000;
/// PCR limits (TR 101 290 2.3) in 27 MHz.
const LONGEST_PCR_GAP: i64 = 2_700_000;

/// What a PID carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Unknown,
    /// PAT, CAT, or one of the SI tables.
    Table,
    /// Program map of the program with that index.
    ProgramMap(u16),
    Stream,
    Null,
}

/// What is kept of a PID.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) pid: u16,
    pub(crate) role: Role,
    pub(crate) packets: u64,
    pub(crate) scrambled: u64,
    pub(crate) continuity_errors: u64,
    pub(crate) repeated: u64,
    pub(crate) last_packet: u64,
    last: [u8; PACKET],
    /// The last packet may be compared with.
    known: bool,
    was_repeated: bool,
    /// Index of the clock by which its packets are timed.
    pub(crate) clock: u16,
    pub(crate) is_pcr: bool,
    pub(crate) referenced: bool,
    /// When it was first seen unreferenced, on the main clock.
    pub(crate) unreferenced_since: Option<i64>,
    pub(crate) sections: Option<Box<Assembler>>,
    pub(crate) repetition: Option<Box<Repetition>>,
    pub(crate) stream: Option<Box<Stream>>,
}

/// An elementary stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) program: u16,
    pub(crate) stream_type: u8,
    pub(crate) coding: Coding,
    pes: PesReader,
    pub(crate) pes_packets: u64,
    pub(crate) units: AccessUnits,
    pub(crate) buffer: DecoderBuffer,
    last_dts: Option<i64>,
    pub(crate) first_dts: Option<i64>,
    pub(crate) random_access: u64,
    pub(crate) longest_stamp_gap: i64,
    /// When it was last seen, on its clock.
    pub(crate) seen: Option<i64>,
    pub(crate) reported_missing: bool,
}

/// Everything known of a stream so far.
#[derive(Debug)]
pub(crate) struct Inspector {
    pub(crate) plot: bool,
    pub(crate) findings: Findings,
    pub(crate) size: Option<PacketSize>,
    pub(crate) packets: u64,
    offset: u64,
    /// Packet and offset from which offsets of later ones are reckoned.
    base: (u64, u64),
    slot_of: Vec<u16>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) clocks: Vec<Clock>,
    /// Index of the clock of everything that belongs to no program.
    pub(crate) main: u16,
    /// What waits for the main clock to be found.
    pub(crate) before_main: Vec<Waiting>,
    /// The null packets' slot.
    pub(crate) null: u16,
    pub(crate) tables: Tables,
    pub(crate) systems: Vec<SystemBuffer>,
    pub(crate) scrambled: u64,
}

impl Inspector {
    pub(crate) fn new(plot: bool) -> Inspector {
        let mut inspector = Inspector {
            plot,
            findings: Findings::new(),
            size: None,
            packets: 0,
            offset: 0,
            base: (0, 0),
            slot_of: vec![NONE; 8192],
            slots: Vec::new(),
            clocks: Vec::new(),
            main: NONE,
            before_main: Vec::new(),
            null: 0,
            tables: Tables::default(),
            systems: Vec::new(),
            scrambled: 0,
        };
        for pid in [0, 1, 0x10, 0x11, 0x12, 0x14] {
            let slot = inspector.slot(pid);
            inspector.slots[usize::from(slot)].role = Role::Table;
            inspector.slots[usize::from(slot)].sections = Some(Box::default());
            inspector.slots[usize::from(slot)].repetition = Some(Box::default());
        }
        let null = inspector.slot(NULL_PID);
        inspector.slots[usize::from(null)].role = Role::Null;
        inspector.null = null;
        inspector
    }

    /// The slot of a PID, made when it is new.
    pub(crate) fn slot(&mut self, pid: u16) -> u16 {
        let index = usize::from(pid & 0x1FFF);
        if self.slot_of[index] == NONE {
            self.slot_of[index] = self.slots.len() as u16;
            self.slots.push(Slot {
                pid,
                role: Role::Unknown,
                packets: 0,
                scrambled: 0,
                continuity_errors: 0,
                repeated: 0,
                last_packet: 0,
                last: [0; PACKET],
                known: false,
                was_repeated: false,
                clock: NONE,
                is_pcr: false,
                referenced: pid < 0x20 || pid == 0x1FFB || pid == NULL_PID,
                unreferenced_since: None,
                sections: None,
                repetition: None,
                stream: None,
            });
        }
        self.slot_of[index]
    }

    /// The clock of a PCR PID, made when it is new; [`NONE`] when there are too many.
    pub(crate) fn clock(&mut self, pid: u16) -> u16 {
        if let Some(known) = self.clocks.iter().position(|clock| clock.pid == pid) {
            return known as u16;
        }
        if self.clocks.len() >= CLOCKS || pid == NULL_PID {
            return NONE;
        }
        self.clocks.push(Clock::new(pid, self.plot));
        (self.clocks.len() - 1) as u16
    }

    /// Where a packet is.
    pub(crate) fn place(&self, packet: u64, pid: u16) -> Place {
        let stride = self.size.map_or(188, PacketSize::stride) as u64;
        let offset = self.base.1 + packet.saturating_sub(self.base.0) * stride;
        Place { packet, offset, pid: Some(pid) }
    }

    fn here(&self, pid: u16) -> Place {
        Place { packet: self.packets, offset: self.offset, pid: Some(pid) }
    }

    /// Puts a packet or section where its arrival time will be known.
    #[inline]
    pub(crate) fn wait(&mut self, clock: u16, slot: u16, kind: Kind) {
        let waiting = Waiting { packet: self.packets, slot, kind };
        let index = if clock == NONE { self.main } else { clock };
        match self.clocks.get_mut(usize::from(index)) {
            Some(clock) => {
                clock.queue.push(waiting);
                if clock.queue.len() >= QUEUE {
                    self.give_up_waiting(index);
                }
            }
            None if self.before_main.len() < QUEUE => self.before_main.push(waiting),
            None => {}
        }
    }

    /// A clock whose PCRs stay away: too many packets wait for it.
    fn give_up_waiting(&mut self, index: u16) {
        let (pid, ran) = {
            let clock = &self.clocks[usize::from(index)];
            (clock.pid, clock.time().is_some())
        };
        if ran {
            let place = self.here(pid);
            self.findings.note(Rule::PcrRepetition, place, "packets without end between two PCRs");
        }
        self.time_queue(index);
        self.judge_accuracy(index);
        self.clocks[usize::from(index)].lose();
        self.reset_buffers(index);
    }

    fn inspect(&mut self, packet: &Packet<'_>) {
        let pid = packet.pid;
        if packet.error {
            // Nothing else in it can be trusted, not even its PID.
            self.findings.note(Rule::TransportError, self.here(pid), "");
            let index = self.slot_of[usize::from(pid)];
            if index != NONE {
                self.slots[usize::from(index)].known = false;
                self.lose(index);
            }
            return;
        }
        let index = self.slot_of[usize::from(pid)];
        let index = if index == NONE { self.slot(pid) } else { index };
        let place = self.here(pid);
        let slot = &mut self.slots[usize::from(index)];
        slot.packets += 1;
        slot.last_packet = self.packets;
        if slot.role == Role::Null {
            return;
        }
        if packet.malformed {
            self.findings.note(Rule::PacketSyntax, place, "adaptation field");
        }
        let repeated = self.continuity(index, packet, place);
        if packet.scrambled {
            let slot = &mut self.slots[usize::from(index)];
            slot.scrambled += 1;
            self.scrambled += 1;
            if slot.role == Role::Table && pid == 0 {
                self.findings.note(Rule::Pat, place, "scrambled");
            } else if matches!(slot.role, Role::ProgramMap(_)) {
                self.findings.note(Rule::Pmt, place, "scrambled");
            }
        }
        if let Some(pcr) = packet.pcr
            && !repeated
        {
            self.pcr(index, pcr, packet.discontinuity, place);
        } else if packet.discontinuity && self.slots[usize::from(index)].is_pcr {
            let clock = self.slots[usize::from(index)].clock;
            if let Some(clock) = self.clocks.get_mut(usize::from(clock)).filter(|clock| clock.pid == pid) {
                clock.flag();
            }
        }
        match self.slots[usize::from(index)].role {
            Role::Stream => {
                self.stream_packet(index, packet, repeated, place);
                if self.slots[usize::from(index)].sections.is_some() {
                    self.table_packet(index, packet, repeated, place);
                }
            }
            Role::Table | Role::ProgramMap(_) => self.table_packet(index, packet, repeated, place),
            Role::Unknown if !self.slots[usize::from(index)].referenced => self.unreferenced(index, place),
            _ => {}
        }
    }

    /// Judges the counter (ISO/IEC 13818-1 §2.4.3.3). Returns whether this is the packet before it again.
    fn continuity(&mut self, index: u16, packet: &Packet<'_>, place: Place) -> bool {
        let slot = &mut self.slots[usize::from(index)];
        let before = slot.last[3] & 0x0F;
        let mut repeated = false;
        if slot.known && !packet.discontinuity {
            let had_payload = slot.last[3] & 0x10 != 0;
            let expected = if packet.has_payload { (before + 1) & 15 } else { before };
            if packet.counter != expected {
                let again = packet.has_payload && packet.counter == before && had_payload;
                repeated = again && packet.repeats(&slot.last);
                if repeated && !slot.was_repeated {
                    slot.repeated += 1;
                } else {
                    slot.continuity_errors += 1;
                    let (counter, expected) = (i64::from(packet.counter), i64::from(expected));
                    let what = if again { "sent more than twice, or changed" } else { "counter" };
                    self.findings.measure(Rule::Continuity, place, what, counter, expected, "");
                    if !repeated {
                        self.lose(index);
                    }
                }
            }
        } else if packet.discontinuity && slot.known && packet.counter != (before + 1) & 15 {
            self.lose(index);
        }
        let slot = &mut self.slots[usize::from(index)];
        slot.was_repeated = repeated;
        slot.known = true;
        slot.last = *packet.bytes;
        repeated
    }

    /// Bytes of a PID were lost.
    fn lose(&mut self, index: u16) {
        let slot = &mut self.slots[usize::from(index)];
        if let Some(sections) = &mut slot.sections {
            sections.lose();
        }
        let clock = slot.clock;
        if let Some(stream) = &mut slot.stream {
            stream.pes.lose();
            stream.units.lose();
            self.wait(clock, index, Kind::Loss);
        }
    }

    fn pcr(&mut self, index: u16, pcr: i64, discontinuity: bool, place: Place) {
        let pid = place.pid.unwrap_or(NULL_PID);
        let clock = self.clock(pid);
        self.slots[usize::from(index)].is_pcr = true;
        if clock == NONE {
            return;
        }
        if self.slots[usize::from(index)].clock == NONE {
            self.slots[usize::from(index)].clock = clock;
        }
        if self.main == NONE {
            self.main = clock;
            let mut waiting = std::mem::take(&mut self.before_main);
            let queue = &mut self.clocks[usize::from(clock)].queue;
            waiting.append(queue);
            waiting.sort_by_key(|waiting| waiting.packet);
            waiting.truncate(QUEUE);
            *queue = waiting;
        }
        let state = &mut self.clocks[usize::from(clock)];
        if discontinuity {
            state.flag();
        }
        match state.step(pcr) {
            Step::Interval(ticks) => {
                state.close(self.packets, pcr, ticks);
                if ticks > LONGEST_PCR_GAP {
                    pcr_gap(&mut self.findings, Rule::PcrRepetition, place, "since the last PCR", ticks);
                    pcr_gap(&mut self.findings, Rule::PcrDiscontinuity, place, "step of the PCR", ticks);
                }
                self.time_queue(clock);
                if self.clocks[usize::from(clock)].window_is_full() {
                    self.judge_accuracy(clock);
                }
                self.look_for_missing(clock, place);
            }
            Step::First => {
                state.begin(self.packets, pcr);
            }
            step => {
                if let Step::Jump(ticks) = step {
                    pcr_gap(&mut self.findings, Rule::PcrDiscontinuity, place, "step of the PCR", ticks);
                }
                self.time_queue(clock);
                self.judge_accuracy(clock);
                let ticks = self.clocks[usize::from(clock)].begin(self.packets, pcr);
                if ticks > LONGEST_PCR_GAP {
                    pcr_gap(&mut self.findings, Rule::PcrRepetition, place, "since the last PCR", ticks);
                }
                self.reset_buffers(clock);
            }
        }
    }

    /// Forgets stamps and buffers of a clock's streams: another time base begins.
    pub(crate) fn reset_buffers(&mut self, clock: u16) {
        for slot in self.slots.iter_mut().filter(|slot| slot.clock == clock) {
            if let Some(stream) = &mut slot.stream {
                stream.buffer.reset();
                stream.last_dts = None;
                stream.seen = None;
            }
        }
        for (system, program) in self.systems.iter_mut().zip(&self.tables.programs) {
            if program.clock == clock {
                system.reset();
            }
        }
    }

    fn stream_packet(&mut self, index: u16, packet: &Packet<'_>, repeated: bool, place: Place) {
        let Inspector { slots, findings, clocks, .. } = self;
        let slot = &mut slots[usize::from(index)];
        let clock = slot.clock;
        let is_pcr = clocks.get(usize::from(clock)).is_some_and(|clock| clock.pid == slot.pid);
        let Some(stream) = &mut slot.stream else { return };
        stream.seen = clocks.get(usize::from(clock)).and_then(Clock::time);
        if packet.random_access && !repeated {
            stream.random_access += 1;
            if is_pcr && packet.pcr.is_none() {
                findings.note(Rule::RandomAccessPcr, place, "random_access_indicator without PCR");
            }
        }
        let mut cargo = Cargo::default();
        if repeated || !packet.has_payload {
        } else if packet.scrambled {
            stream.units.unknown = Some("scrambled");
        } else if stream.coding.is_sections() || stream.coding == Coding::Other {
        } else {
            cargo = stream.take(packet, findings, place);
        }
        if clock == NONE {
            stream.units.unknown.get_or_insert("its program has no clock, or one too many");
        }
        if let Some(why) = stream.units.unknown {
            stream.buffer.refuse(why);
            stream.units.starts.clear();
        } else if self.size != Some(PacketSize::Bytes192) {
            self.wait(clock, index, Kind::Stream { cargo, repeated });
        } else {
            stream.units.unknown =
                Some("M2TS: packets arrive by their own time stamps, which are not simulated");
        }
    }

    fn unreferenced(&mut self, index: u16, place: Place) {
        let Some(now) = self.clocks.get(usize::from(self.main)).and_then(Clock::time) else { return };
        let slot = &mut self.slots[usize::from(index)];
        let since = *slot.unreferenced_since.get_or_insert(now);
        let passed = crate::instant::microseconds(now - since);
        if passed > 500_000 {
            slot.unreferenced_since = Some(i64::MAX / 2);
            self.findings.measure(Rule::Unreferenced, place, "for", passed, 500_000, "us");
        }
    }
}

impl Stream {
    pub(crate) fn new(program: u16, stream_type: u8, coding: Coding, plot: bool) -> Stream {
        Stream {
            program,
            stream_type,
            coding,
            pes: PesReader::default(),
            pes_packets: 0,
            units: AccessUnits::new(coding),
            buffer: DecoderBuffer::new(plot),
            last_dts: None,
            first_dts: None,
            random_access: 0,
            longest_stamp_gap: 0,
            seen: None,
            reported_missing: false,
        }
    }

    /// Takes a payload. Returns its bytes of PES headers and of the elementary stream, and the access units that
    /// begin in it.
    fn take(&mut self, packet: &Packet<'_>, findings: &mut Findings, place: Place) -> Cargo {
        let payload = packet.payload();
        let pes = self.pes.push(packet.start, payload);
        if matches!(pes.fault, Some(Fault::Header | Fault::Short(_))) {
            self.units.lose();
        }
        match pes.fault {
            Some(Fault::Header) => findings.note(Rule::PesSyntax, place, "PES header"),
            Some(Fault::Short(bytes)) => {
                findings.measure(
                    Rule::PesLength,
                    place,
                    "bytes missing at the end of the packet before",
                    bytes,
                    0,
                    "",
                );
            }
            Some(Fault::Long) => findings.note(Rule::PesLength, place, "bytes beyond PES_packet_length"),
            None => {}
        }
        if let Some(head) = pes.head {
            self.pes_packets += 1;
            if head.length == 0 && self.coding.is_audio() {
                findings.note(Rule::PesUnbounded, place, "PES_packet_length 0");
            }
            let dts = head.dts.or(head.pts);
            self.judge_stamps(head.pts, dts, findings, place);
            self.units.stamp(dts);
        }
        let begun = self.units.push(&payload[pes.header..pes.header + pes.data]);
        if pes.fault == Some(Fault::Long) {
            self.units.lose();
        }
        for _ in 0..begun.undelimited {
            findings.note(Rule::Delimiter, place, "access unit without a delimiter");
        }
        Cargo {
            header: pes.header as u8,
            data: pes.data as u8,
            units: begun.units,
            broken: pes.fault.is_some(),
        }
    }

    fn judge_stamps(&mut self, pts: Option<i64>, dts: Option<i64>, findings: &mut Findings, place: Place) {
        let (Some(pts), Some(dts)) = (pts, dts) else { return };
        let reorder = wrapped(pts - dts, STAMP_MODULUS);
        if reorder < 0 {
            findings.measure(Rule::PtsBeforeDts, place, "PTS - DTS", reorder, 0, "90 kHz");
        }
        self.first_dts.get_or_insert(dts);
        if let Some(last) = self.last_dts.replace(dts)
            && (self.coding.is_video() || self.coding.is_audio())
        {
            let gap = wrapped(dts - last, STAMP_MODULUS);
            if gap <= 0 {
                findings.measure(Rule::DtsOrder, place, "since the last DTS", gap, 1, "90 kHz");
            } else {
                self.longest_stamp_gap = self.longest_stamp_gap.max(gap);
            }
            if gap > LONGEST_STAMP_GAP {
                findings.measure(Rule::Pts, place, "since the last DTS", gap, LONGEST_STAMP_GAP, "90 kHz");
            }
        }
    }
}

impl Sink for Inspector {
    fn locked(&mut self, size: PacketSize, offset: u64) {
        if self.size.is_some() {
            // Bytes are missing: no interval across them can be measured.
            for clock in 0..self.clocks.len() as u16 {
                self.judge_accuracy(clock);
                self.forget_queue(clock);
                self.clocks[usize::from(clock)].lose();
                self.reset_buffers(clock);
            }
            self.before_main.clear();
            for slot in 0..self.slots.len() as u16 {
                self.lose(slot);
            }
        }
        self.size = Some(size);
        self.base = (self.packets, offset);
    }

    fn packet(&mut self, bytes: &[u8; PACKET], offset: u64, sync: bool) {
        self.offset = offset;
        let packet = Packet::read(bytes);
        if !sync {
            let place = self.here(packet.pid);
            self.findings.measure(Rule::SyncByte, place, "sync byte", i64::from(bytes[0]), 0x47, "");
        }
        self.inspect(&packet);
        self.packets += 1;
    }

    fn lost(&mut self, offset: u64) {
        self.offset = offset;
        let place = Place { packet: self.packets, offset, pid: None };
        self.findings.note(Rule::SyncLoss, place, "two packets in a row without sync byte");
    }
}

/// Counts a distance of two PCRs that breaks `rule`.
fn pcr_gap(findings: &mut Findings, rule: Rule, place: Place, what: &'static str, ticks: i64) {
    findings.measure(rule, place, what, ticks / 27, LONGEST_PCR_GAP / 27, "us");
}
