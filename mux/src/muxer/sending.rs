//! Writing the packets that were decided on.

use super::Muxer;
use super::decision::{Choice, Decision};
use crate::access_unit::StreamIndex;
use crate::lane::{Limits, Next};
use crate::pacing;
use crate::packet::{self, Adaptation, BODY_SIZE, PACKET_SIZE};
use crate::run::{MuxEvent, Poll, Run};
use crate::source::{Bodies, UnitBytes};
use retrovue_timebase::{Ticks27M, Ticks90k};

impl<S: UnitBytes> Muxer<S> {
    /// Writes the next packets to the front of `out`, as many as leave by one rule of distances and fit.
    pub fn poll(&mut self, out: &mut [u8]) -> Poll {
        if let Some(event) = self.event.take() {
            return Poll::Event(event);
        }
        if let Some(stream) = self.waits_for {
            debug_assert_eq!(self.blocked_by(), Some(stream.0));
            return Poll::NeedInput { stream };
        }
        if self.due_until <= self.wire.next {
            self.look_at_tables();
        }
        let (place, at, limits) = loop {
            match self.decide() {
                Decision::Send { place, at, limits } if at < self.events_from => break (place, at, limits),
                Decision::Announce { at } if at < self.events_from => {
                    self.announced = at;
                    self.is_unsettled = true;
                    self.change_tables(|tables| tables.announce(at));
                }
                Decision::Send { .. } | Decision::Announce { .. } => self.tell_next_events(),
                Decision::Blocked { lane } => {
                    self.waits_for = Some(StreamIndex(lane));
                    return Poll::NeedInput { stream: StreamIndex(lane) };
                }
                Decision::Done => return Poll::Finished,
            }
        };
        let (packets, _) = out.as_chunks_mut::<PACKET_SIZE>();
        let Some(first) = packets.first_mut() else { return Poll::OutputTooSmall };
        if self.start.is_none() {
            self.start = Some(at);
            self.announced = at;
            self.wire.next = at;
        }
        if let Some(&lane) = self.order.get(place.wrapping_sub(Choice::LANES)) {
            let (from, deadline) = self.choice.get(place);
            let next = Ready { from, deadline, at };
            return Poll::Packets(if self.wire.constant {
                self.write_in_slots(packets, lane, next, limits)
            } else {
                self.write_at_own_pace(packets, lane, next, limits.until)
            });
        }
        match place {
            Choice::NOTHING => return Poll::Packets(self.write_nulls(packets, limits.until)),
            Choice::TABLE => {
                self.tables.write(self.due.table, first, at);
                self.wire.leave(at);
                self.look_at_tables();
                return Poll::Packets(Run::single(at));
            }
            Choice::PCR => self.write_pcr_packet(first, at),
            _ => {
                if let Some(cues) = &mut self.cues {
                    cues.write(first, at);
                }
            }
        }
        self.wire.leave(at);
        Poll::Packets(Run::single(at))
    }

    fn write_pcr_packet(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        let lane = &mut self.lanes[self.pcr_lane];
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            pcr: Some(at),
            ..Adaptation::default()
        };
        packet::write_adaptation_only(packet, lane.pid, lane.counter.repeated(), adaptation);
        lane.sent_alone(at, self.wire.constant);
        self.note(self.pcr_lane);
        self.sent_pcr(at);
    }

    /// Null packets up to the first slot at which something else may leave.
    fn write_nulls(&mut self, packets: &mut [[u8; PACKET_SIZE]], until: i64) -> Run {
        let (first, spacing) = (self.wire.next, self.wire.slots());
        let mut written = 0;
        for packet in packets {
            *packet = packet::NULL;
            written += 1;
            self.wire.leave(self.wire.next);
            if self.wire.next >= until {
                break;
            }
        }
        Run { packets: written, first, spacing }
    }

    /// The next packets of a stream at a variable rate: as many as leave before `until`, belong to the same access unit
    /// and keep one spacing.
    fn write_at_own_pace(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        index: usize,
        next: Ready,
        until: i64,
    ) -> Run {
        let lane = &mut self.lanes[index];
        let begins = lane.left == 0;
        if begins {
            lane.begin();
        }
        let spacing = lane.spacing(next.from, next.at, self.wire.step());
        // With the first PCR others may begin.
        let most = if self.last_pcr.is_some() { packets.len() } else { 1 };
        let most = spacing.before(next.at, until, most);
        let mut clock_from = self.clock_from(index);
        let (mut at, mut written) = (next.at, 0);
        let mut last;
        loop {
            let lane = &mut self.lanes[index];
            let from = spacing.is_ready(written);
            let starts = begins && written == 0;
            let plain = if starts || clock_from <= at { 0 } else { lane.plain_packets(false) };
            if plain == 0 {
                let ready = Ready { from, at, ..next };
                if self.write_unit_packet(&mut packets[written], index, ready, starts, clock_from) {
                    clock_from = self.clock_from(index);
                }
                written += 1;
                last = at;
            } else {
                let mut count = plain.min(most - written);
                last = spacing.departure(next.at, written + count - 1);
                if clock_from <= last {
                    count = lane.spacing(from, at, self.wire.step()).before(at, clock_from, count);
                    last = spacing.departure(next.at, written + count - 1);
                }
                self.write_bodies(
                    &mut packets[written..written + count],
                    index,
                    Ready { from, at, ..next },
                    last,
                );
                written += count;
            }
            let lane = &self.lanes[index];
            if written == most || lane.left == 0 || lane.ready != spacing.is_ready(written) {
                break;
            }
            at = spacing.departure(next.at, written);
            if clock_from <= at && self.clock_is_late(at) {
                break;
            }
        }
        self.wire.leave(last);
        self.note(index);
        Run { packets: written, first: next.at, spacing }
    }

    /// The next packets of a stream at a constant rate: as many as leave in slots that follow each other within the limits
    /// and belong to the same access unit.
    fn write_in_slots(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        index: usize,
        first: Ready,
        limits: Limits,
    ) -> Run {
        let lane = &mut self.lanes[index];
        let begins = lane.left == 0;
        if begins {
            lane.begin();
        }
        // With the first PCR others may begin.
        let most = if self.last_pcr.is_some() { packets.len() } else { 1 };
        let slots = self.wire.slots();
        let mut clock_from = self.clock_from(index);
        let (mut next, mut written) = (first, 0);
        loop {
            let starts = begins && written == 0;
            let plain = match starts || clock_from <= next.at {
                true => 0,
                false => self.lanes[index].plain_packets(true).min(most - written),
            };
            if plain == 0 {
                if self.write_unit_packet(&mut packets[written], index, next, starts, clock_from) {
                    clock_from = self.clock_from(index);
                }
                self.wire.leave(next.at);
                written += 1;
            } else {
                let limits = Limits { until: limits.until.min(clock_from), ..limits };
                let count = self.slots_of(index, next, plain, limits);
                let last = self.wire.slots().departure(next.at, count - 1);
                self.wire.leave_all(last, count);
                self.write_bodies(&mut packets[written..written + count], index, next, last);
                written += count;
            }
            let (lane, at) = (&self.lanes[index], self.wire.next);
            if written == most || lane.left == 0 || at >= limits.until {
                break;
            }
            let Next::Packet { from, deadline, .. } = lane.next() else { break };
            let is_late = clock_from <= at && self.clock_is_late(at);
            if from > at || is_late || !limits.allow(at, deadline) {
                break;
            }
            next = Ready { from, deadline, at };
        }
        self.note(index);
        Run { packets: written, first: first.at, spacing: slots }
    }

    /// In how many of `most` slots that follow each other packets of a stream leave.
    fn slots_of(&self, index: usize, next: Ready, most: usize, limits: Limits) -> usize {
        let lane = &self.lanes[index];
        if self.wire.step() >= lane.interval {
            limits.count(self.wire.slots(), most, next.at, next.deadline, lane.deadline_step())
        } else {
            lane.slots_with_room(most, next.from, next.deadline, &self.wire, limits)
        }
    }

    /// From when on a packet of a stream carries the PCR; never where another stream does. At a variable rate the packets
    /// on both sides of a table do: tables leave one behind the other, and a receiver would see the pictures around them
    /// too close to each other.
    #[inline]
    fn clock_from(&self, index: usize) -> i64 {
        if index != self.pcr_lane {
            return i64::MAX;
        }
        let Some(last) = self.last_pcr else { return i64::MIN };
        let soft = last + pacing::PCR_SOFT;
        if self.wire.constant {
            return soft;
        }
        let table = if self.tables.last_left() > Some(last) {
            last
        } else {
            self.due.from - self.lanes[index].interval
        };
        soft.min(table.max(last + pacing::PCR_NEAR))
    }

    /// Whether a PCR that leaves at `at` does not wait for a packet of its stream any more.
    #[inline]
    fn clock_is_late(&self, at: i64) -> bool {
        self.last_pcr.is_some_and(|last| last + pacing::PCR_HARD <= at)
    }

    /// Packets from the middle of an access unit, the last of which leaves at `last`: four bytes of header, the rest payload.
    fn write_bodies(&mut self, packets: &mut [[u8; PACKET_SIZE]], index: usize, first: Ready, last: i64) {
        let lane = &mut self.lanes[index];
        let header = packet::header(lane.pid, false, 0b01, lane.counter.advance());
        lane.sent_run(packets.len(), first.from, first.at, last);
        self.source.take(StreamIndex(index), &mut Bodies::whole(packets, header));
    }

    /// Any packet of an access unit: its first with the flags, its last with stuffing, one with a PCR from `clock_from`
    /// on. Whether it has one.
    fn write_unit_packet(
        &mut self,
        packet: &mut [u8; PACKET_SIZE],
        index: usize,
        next: Ready,
        starts: bool,
        clock_from: i64,
    ) -> bool {
        let Ready { from, at, .. } = next;
        let lane = &mut self.lanes[index];
        let random_access = starts && lane.queue.front().is_some_and(|unit| unit.random_access);
        // At a variable rate the rate changes with the first and the last packet of a unit and where it waits
        // for the decoder: with a PCR on both sides, a receiver that takes the rate between two PCRs for
        // constant is hardly ever wrong.
        let marks_rate = !self.wire.constant && (starts || lane.left <= BODY_SIZE || lane.pauses(BODY_SIZE));
        let has_pcr = index == self.pcr_lane && (random_access || marks_rate || at >= clock_from);
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            random_access,
            priority: random_access && lane.kind.is_av1(),
            pcr: has_pcr.then_some(at),
        };
        let payload = lane.left.min(BODY_SIZE - adaptation.size());
        let counter = lane.counter.advance();
        let body = packet::write_with_payload(packet, lane.pid, starts, counter, adaptation, payload);
        let mut behind = PACKET_SIZE - payload;
        if starts {
            behind += lane.write_beginning(body);
        }
        lane.sent(from, at);
        lane.deliver(payload);
        let late = if lane.left == 0 { lane.complete(at) } else { None };
        if behind < PACKET_SIZE {
            self.source.take(StreamIndex(index), &mut Bodies::one(packet, behind));
        }
        if let Some(dts) = late {
            self.event = Some(MuxEvent::AccessUnitLate {
                stream: StreamIndex(index),
                dts: Ticks90k(dts),
                complete: Ticks27M(at),
            });
        }
        if has_pcr {
            self.sent_pcr(at);
        }
        has_pcr
    }
}

/// What is known of a stream's next packet.
#[derive(Clone, Copy)]
struct Ready {
    /// It may leave from this instant on.
    from: i64,
    /// And should by this one.
    deadline: i64,
    /// It does now.
    at: i64,
}
