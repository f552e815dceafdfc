//! What waited for a PCR gets its arrival time: buffers, repetition of tables, missing PIDs.

use crate::clock::{Clock, Interval, Kind, Waiting};
use crate::decoder_buffer::Arrival;
use crate::inspector::{Inspector, NONE, Role};
use crate::instant::microseconds;
use crate::rule::{Place, Rule};
use crate::system_buffer::r_sys;

/// How long a referenced PID of sound or video may stay away, in microseconds (TR 101 290 1.6 leaves it to the user).
const MISSING: i64 = 5_000_000;

impl Inspector {
    /// Times what waits for a clock, by the interval that has just ended.
    pub(crate) fn time_queue(&mut self, index: u16) {
        let clock = &mut self.clocks[usize::from(index)];
        let mut queue = std::mem::take(&mut clock.queue);
        match clock.interval() {
            Some(interval) => {
                let r_sys = r_sys(interval.rate());
                for waiting in &queue {
                    self.time(waiting, &interval, r_sys);
                }
            }
            None => {
                self.clocks[usize::from(index)].queue = queue;
                return self.forget_queue(index);
            }
        }
        queue.clear();
        self.clocks[usize::from(index)].queue = queue;
    }

    /// What waits for a clock is not timed.
    pub(crate) fn forget_queue(&mut self, index: u16) {
        let clock = &mut self.clocks[usize::from(index)];
        let mut queue = std::mem::take(&mut clock.queue);
        clock.unclocked += queue.len() as u64;
        for waiting in &queue {
            self.forget(waiting);
        }
        queue.clear();
        self.clocks[usize::from(index)].queue = queue;
    }

    fn time(&mut self, waiting: &Waiting, interval: &Interval, r_sys: i64) {
        let (first, last) = interval.arrival(waiting.packet);
        let place = self.place(waiting.packet, self.slots[usize::from(waiting.slot)].pid);
        let slot = &mut self.slots[usize::from(waiting.slot)];
        match waiting.kind {
            Kind::Stream { cargo, repeated } => {
                let Some(stream) = &mut slot.stream else { return };
                let arrival = Arrival { first, last, cargo, repeated };
                for _ in 0..cargo.units {
                    let Some(start) = stream.units.starts.pop_front() else { break };
                    let dts = start.dts.map(|dts| interval.time_of(dts.base).saturating_add(dts.plus));
                    stream.buffer.begin(start, dts, &arrival, &mut self.findings, place);
                }
                stream.buffer.packet(arrival, &mut self.findings, place);
                if cargo.broken {
                    stream.buffer.lose();
                }
            }
            Kind::Loss => {
                if let Some(stream) = &mut slot.stream {
                    stream.buffer.lose();
                }
            }
            Kind::System { program, payload } => {
                if let Some(system) = self.systems.get_mut(usize::from(program)) {
                    system.packet(first, last, i64::from(payload), r_sys, &mut self.findings, place);
                }
            }
            Kind::SectionBegins => {
                if let Some(repetition) = &mut slot.repetition {
                    repetition.begins(first);
                }
            }
            Kind::Section { table, number, extension } => {
                if let Some(repetition) = &mut slot.repetition {
                    let key = (table, number, extension);
                    repetition.complete(slot.role, slot.pid, key, last, &mut self.findings, place);
                }
            }
        }
    }

    /// Something that waited in vain.
    fn forget(&mut self, waiting: &Waiting) {
        if let (Kind::Stream { cargo, .. }, Some(stream)) =
            (waiting.kind, &mut self.slots[usize::from(waiting.slot)].stream)
        {
            let units = usize::from(cargo.units).min(stream.units.starts.len());
            stream.units.starts.drain(..units);
            stream.buffer.skip(cargo.data);
        }
    }

    /// Judges a clock's PCRs so far.
    pub(crate) fn judge_accuracy(&mut self, index: u16) {
        let nulls = self.slots[usize::from(self.null)].packets;
        let clock = &mut self.clocks[usize::from(index)];
        let pid = clock.pid;
        for (packet, ps) in clock.judge(nulls) {
            let place = self.place(packet, pid);
            self.findings.measure(Rule::PcrAccuracy, place, "from the line", ps / 1000, 500, "ns");
        }
    }

    /// Looks for sound and video of a clock that stay away.
    pub(crate) fn look_for_missing(&mut self, index: u16, place: Place) {
        let Some(now) = self.clocks[usize::from(index)].time() else { return };
        for program in self.tables.programs.iter().filter(|program| program.clock == index) {
            for &slot in &program.streams {
                let slot = &mut self.slots[usize::from(slot)];
                let pid = slot.pid;
                let Some(stream) = &mut slot.stream else { continue };
                if !stream.coding.is_audio() && !stream.coding.is_video() {
                    continue;
                }
                let away = microseconds(now - *stream.seen.get_or_insert(now));
                if away <= MISSING {
                    stream.reported_missing = false;
                } else if !stream.reported_missing {
                    stream.reported_missing = true;
                    let place = Place { pid: Some(pid), ..place };
                    self.findings.measure(Rule::PidMissing, place, "absent for", away, MISSING, "us");
                }
            }
        }
    }

    /// Ends the stream: what waits is timed by the last interval, and buffers go on past the last packet.
    pub(crate) fn end(&mut self) {
        let last = self.packets.saturating_sub(1);
        for index in 0..self.clocks.len() as u16 {
            self.time_queue(index);
            self.judge_accuracy(index);
        }
        for index in 0..self.slots.len() {
            let place = self.place(self.slots[index].last_packet, self.slots[index].pid);
            let slot = &mut self.slots[index];
            if let Some(stream) = &mut slot.stream {
                stream.buffer.drain(&mut self.findings, place);
                let clock = self.clocks.get(usize::from(slot.clock));
                let ran = clock.map_or(0, |clock| clock.total.1 / 27);
                let wanted = stream.coding.is_audio() || stream.coding.is_video();
                if wanted && slot.packets == 0 && ran > 1_000_000 && !stream.reported_missing {
                    self.findings.measure(Rule::PidMissing, place, "absent for", ran, MISSING, "us");
                }
            }
        }
        let clock = |index: u16| {
            let index = if index == NONE { self.main } else { index };
            self.clocks.get(usize::from(index)).and_then(Clock::interval)
        };
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let Some(interval) = clock(slot.clock) else { continue };
            let end = interval.arrival(last).1;
            let place = self.place(last, slot.pid);
            let slot = &mut self.slots[index];
            if let Some(repetition) = &mut slot.repetition {
                repetition.end(slot.role, slot.pid, end, &mut self.findings, place);
            }
        }
        if self.packets > 0 {
            for index in 0..self.slots.len() {
                let slot = &self.slots[index];
                let seen = slot.repetition.as_ref().is_some_and(|repetition| repetition.any());
                let place = self.place(last, slot.pid);
                match slot.role {
                    Role::Table if slot.pid == 0 && !seen => self.findings.note(Rule::Pat, place, "none"),
                    Role::ProgramMap(program) if !seen && self.tables.is_mapped(program) => {
                        self.findings.note(Rule::Pmt, place, "none");
                    }
                    _ => {}
                }
            }
        }
    }
}
