//! Writing the packets that were decided on.

use super::Muxer;
use super::decision::{Decision, Step};
use crate::access_unit::StreamIndex;
use crate::lane::{Limits, Next};
use crate::pacing;
use crate::packet::{self, Adaptation, BODY_SIZE, PACKET_SIZE};
use crate::run::{MuxEvent, Poll, Run};
use crate::source::{Bodies, UnitBytes};
use crate::wire::Spacing;
use retrovue_timebase::{Ticks27M, Ticks90k};

impl<S: UnitBytes> Muxer<S> {
    /// Writes the next packets to the front of `out`, as many as leave by one rule of distances and fit.
    pub fn poll(&mut self, out: &mut [u8]) -> Poll {
        if let Some(event) = self.event.take() {
            return Poll::Event(event);
        }
        if self.due_until <= self.wire.next {
            self.look_at_tables();
        }
        let (step, at, limits) = loop {
            match self.decide() {
                Decision::Send { at, .. } | Decision::Announce { at } if self.events_are_due(at) => {
                    self.tell_next_events();
                }
                Decision::Send { step, at, limits } => break (step, at, limits),
                Decision::Announce { at } => {
                    self.announced = at;
                    self.is_unsettled = true;
                    self.change_tables(|tables| tables.announce(at));
                }
                Decision::Blocked { lane } => return Poll::NeedInput { stream: StreamIndex(lane) },
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
        match step {
            Step::Table => {
                self.tables.write(self.due.table, first, at);
                self.wire.leave(at);
                self.look_at_tables();
                return Poll::Packets(Run::single(at));
            }
            Step::Pcr => self.write_pcr_packet(first, at),
            Step::Cue => {
                if let Some(cues) = &mut self.cues {
                    cues.write(first, at);
                }
            }
            Step::Null => return Poll::Packets(self.write_nulls(packets, limits.until)),
            Step::Unit { lane, from, deadline } => {
                let next = Ready { from, deadline, at };
                return Poll::Packets(self.write_unit_packets(packets, lane, next, limits));
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

    /// The next packets of a stream: as many as leave before anything else may, belong to the same access
    /// unit and keep one spacing.
    fn write_unit_packets(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        index: usize,
        first: Ready,
        limits: Limits,
    ) -> Run {
        // With the first PCR others may begin.
        let most = if self.last_pcr.is_some() { packets.len() } else { 1 };
        let lane = &mut self.lanes[index];
        let starts = lane.left == 0;
        if starts {
            lane.begin();
        }
        let spacing = self.spacing(index, first);
        let mut clock_from = self.clock_from(index);
        let mut next = first;
        let mut written = 0;
        loop {
            let starts = starts && written == 0;
            let plain = match starts || clock_from <= next.at {
                true => 0,
                false => self.lanes[index].plain_packets(self.wire.constant).min(most - written),
            };
            written += if plain == 0 {
                let has_pcr = self.write_unit_packet(&mut packets[written], index, next, starts, clock_from);
                if has_pcr {
                    clock_from = self.clock_from(index);
                }
                1
            } else {
                let limits = Limits { until: limits.until.min(clock_from), ..limits };
                self.write_bodies(&mut packets[written..written + plain], index, next, limits)
            };
            let lane = &self.lanes[index];
            let at = if self.wire.constant { self.wire.next } else { spacing.departure(first.at, written) };
            if written == most || lane.left == 0 || at >= limits.until {
                break;
            }
            let Next::Packet { from, deadline, .. } = lane.next() else { break };
            let goes_on = if self.wire.constant { from <= at } else { spacing.is_ready(written) == from };
            let clock =
                index == self.pcr_lane && self.last_pcr.is_some_and(|last| last + pacing::PCR_HARD <= at);
            if !goes_on || clock || !limits.allow(at, deadline) {
                break;
            }
            next = Ready { from, deadline, at };
        }
        self.note(index);
        Run { packets: written, first: first.at, spacing }
    }

    /// The instants of a lane's packets, if nothing else leaves.
    fn spacing(&self, index: usize, next: Ready) -> Spacing {
        if self.wire.constant {
            self.wire.slots()
        } else {
            self.lanes[index].spacing(next.from, next.at, self.wire.step())
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

    /// Packets from the middle of an access unit: four bytes of header, the rest payload.
    fn write_bodies(
        &mut self,
        packets: &mut [[u8; PACKET_SIZE]],
        index: usize,
        next: Ready,
        limits: Limits,
    ) -> usize {
        let Ready { from, deadline, at } = next;
        let spacing = self.spacing(index, next);
        let lane = &mut self.lanes[index];
        let most = packets.len();
        let count = if !self.wire.constant || self.wire.step() >= lane.interval {
            limits.count(spacing, most, at, deadline, lane.deadline_step())
        } else {
            lane.slots_with_room(most, from, deadline, &self.wire, limits)
        };
        let last = spacing.departure(at, count - 1);
        self.wire.leave_all(last, count);
        let header = packet::header(lane.pid, false, 0b01, lane.counter.advance());
        lane.sent_run(count, from, at, last);
        self.source.take(StreamIndex(index), &mut Bodies::whole(&mut packets[..count], header));
        count
    }

    /// Any packet of an access unit: its first with the flags, its last with stuffing, one with a PCR from `clock_from`
    /// on. Whether it has one.
    fn write_unit_packet(
        &mut self,
        packet: &mut [u8; PACKET_SIZE],
        index: usize,
        next: Ready,
        start: bool,
        clock_from: i64,
    ) -> bool {
        let Ready { from, at, .. } = next;
        let lane = &mut self.lanes[index];
        let Some(unit) = lane.queue.front() else { return false };
        let (random_access, prefix, prefix_len) =
            if start { (unit.random_access, unit.prefix, unit.prefix_len) } else { (false, unit.prefix, 0) };
        // At a variable rate the rate changes with the first and the last packet of a unit and where it waits
        // for the decoder: with a PCR on both sides, a receiver that takes the rate between two PCRs for
        // constant is hardly ever wrong.
        let marks_rate = !self.wire.constant && (start || lane.left <= BODY_SIZE || lane.pauses(BODY_SIZE));
        let has_pcr = index == self.pcr_lane && (random_access || marks_rate || at >= clock_from);
        let adaptation = Adaptation {
            discontinuity: lane.counter.take_discontinuity(),
            random_access,
            priority: random_access && lane.kind.is_av1(),
            pcr: has_pcr.then_some(at),
        };
        let payload = lane.left.min(BODY_SIZE - adaptation.size());
        let counter = lane.counter.advance();
        let body = packet::write_with_payload(packet, lane.pid, start, counter, adaptation, payload);
        body[..prefix_len].copy_from_slice(&prefix[..prefix_len]);
        lane.sent(from, at);
        self.wire.leave(at);
        lane.deliver(payload);
        let late = if lane.left == 0 { lane.complete(at) } else { None };
        let behind = PACKET_SIZE - payload + prefix_len;
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
