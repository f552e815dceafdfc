//! Which packet leaves next, and when.

use super::Muxer;
use crate::config::MuxConfig;
use crate::lane::{Limits, Next};
use crate::pacing;
use crate::splice::CueLane;

/// What leaves next.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// The table that is due.
    Table,
    /// A packet that only carries a PCR.
    Pcr,
    /// The next packet of a cue.
    Cue,
    /// The next packet of a lane, ready from `from` on.
    Unit {
        lane: usize,
        from: i64,
        deadline: i64,
    },
    Null,
}

pub(super) enum Decision {
    /// `step` leaves at `at`; the same again within the limits.
    Send {
        step: Step,
        at: i64,
        limits: Limits,
    },
    /// PAT and PMT are wanted before the random access point that would leave at `at`.
    Announce {
        at: i64,
    },
    Blocked {
        lane: usize,
    },
    Done,
}

impl<S> Muxer<S> {
    /// Chooses what leaves next.
    pub(super) fn decide(&mut self) -> Decision {
        let Some(start) = self.start else { return self.decide_start() };
        let (due, announcing) = (self.due, !self.tables.is_announced());
        let begun = self.last_pcr.is_some();
        let (mut unknown_from, mut unknown_lane) = (i64::MAX, usize::MAX);
        let (mut alive, mut some_wait) = (false, false);
        self.choice.clear();
        self.choice.consider(due.from, due.deadline);
        let from = self.pcr_due(start);
        self.choice.consider(from, from.saturating_add(pacing::PCR_GRACE));
        for place in 0..self.order.len() {
            let index = self.order[place];
            let (mut may, mut should) = (i64::MAX, i64::MAX);
            match self.lanes[index].next() {
                Next::Never => {}
                Next::Unknown { not_before } => {
                    alive = true;
                    if not_before < unknown_from || unknown_lane == usize::MAX {
                        (unknown_from, unknown_lane) = (not_before, index);
                    }
                }
                Next::Packet { from, deadline, begins_point } => {
                    (alive, some_wait) = (true, true);
                    // Nothing comes before the tables, nor before the first PCR.
                    if begun || (index == self.pcr_lane && self.tables.has_begun()) {
                        may = if begins_point && announcing { from.max(due.from) } else { from };
                        should = deadline;
                    }
                }
            }
            self.choice.consider(may, should);
        }
        if !alive {
            return Decision::Done;
        }
        if let Some((from, deadline)) = self.cues.as_ref().and_then(CueLane::next).filter(|_| begun) {
            let next = self.choice.earliest.min(unknown_from);
            self.choice.consider(self.gap_for_cue(from, deadline, next), deadline);
        }
        let at = if self.wire.constant { self.wire.next } else { self.wire.next.max(self.choice.earliest) };
        let mut certain = i64::MAX;
        if let Some((instant, lane)) = self.certain() {
            // What is far behind its stamps may fill its queue, and goes on.
            let is_behind = instant <= at && self.lanes[lane].is_behind(at);
            if instant <= at && !is_behind {
                return Decision::Blocked { lane };
            }
            certain = if is_behind { i64::MAX } else { instant };
        }
        // Where no unit waits, the next push or the end decides whether anything follows at all.
        if unknown_lane != usize::MAX && (unknown_from <= at || !some_wait) {
            return Decision::Blocked { lane: unknown_lane };
        }
        let (place, limits) = self.choice.choose(at, self.wire.constant, self.clock_place);
        let step = self.step(place);
        if let Step::Unit { lane, .. } = step
            && self.must_announce(lane, at)
        {
            return Decision::Announce { at };
        }
        let until = limits
            .until
            .min(unknown_from)
            .min(certain)
            .min(self.due_until.max(at + 1))
            .min(self.next_events());
        Decision::Send { step, at, limits: Limits { until, ..limits } }
    }

    /// Where there are cues: an instant that no packet has reached, whatever was polled, with the stream that
    /// it goes by. It is the last DTS pushed of the stream that is least far. (Packets of a stream that exceeds
    /// its rate by so much that it is half a second behind may have.)
    pub(super) fn certain(&self) -> Option<(i64, usize)> {
        self.cues.as_ref()?;
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.ended);
        open.map(|(index, lane)| (lane.last_dts().map_or(i64::MIN, |dts| dts * 300), index)).min()
    }

    /// When a cue that may leave from `from` on does, where the first of all others may at `next`. At a variable rate
    /// that is not within a packet's time of it, so that a cue moves no other packet, as long as such a gap comes in time.
    fn gap_for_cue(&self, from: i64, deadline: i64, next: i64) -> i64 {
        let (earliest, next) = (self.wire.next.max(from), self.wire.next.max(next));
        let is_free = next >= earliest + self.wire.step();
        if self.wire.constant || is_free || next + self.wire.step() > deadline { from } else { next + 1 }
    }

    /// What a place of the choice stands for.
    #[inline]
    fn step(&self, place: usize) -> Step {
        match place {
            Choice::TABLE => Step::Table,
            Choice::PCR => Step::Pcr,
            Choice::NOTHING => Step::Null,
            place => match self.order.get(place - Choice::LANES) {
                Some(&lane) => {
                    Step::Unit { lane, from: self.choice.from[place], deadline: self.choice.deadline[place] }
                }
                None => Step::Cue,
            },
        }
    }

    /// From when on a packet leaves that only carries a PCR.
    #[inline]
    fn pcr_due(&self, start: i64) -> i64 {
        match self.last_pcr {
            Some(last) => last + pacing::PCR_HARD,
            None => {
                // The stream that carries it begins later than another, or not at all.
                let is_there =
                    matches!(self.lanes[self.pcr_lane].next(), Next::Packet { from, .. } if from <= start);
                if !is_there && self.tables.has_begun() { start } else { i64::MAX }
            }
        }
    }

    /// A random access point would leave at `at` and PAT and PMT have not just been; where points are so
    /// dense that the tables would take the pictures' rate, not before each of them.
    fn must_announce(&self, lane: usize, at: i64) -> bool {
        self.announced + pacing::ANNOUNCE_DISTANCE <= at
            && matches!(self.lanes[lane].next(), Next::Packet { begins_point: true, .. })
            && self.tables.announcement_from() <= at
    }

    /// It all begins with the first packet of any stream.
    fn decide_start(&self) -> Decision {
        let (mut start, mut unknown): (Option<i64>, Option<(i64, usize)>) = (None, None);
        for (index, lane) in self.lanes.iter().enumerate() {
            match lane.next() {
                Next::Unknown { not_before } => {
                    unknown = unknown.filter(|&(first, _)| first <= not_before).or(Some((not_before, index)));
                }
                Next::Packet { from, .. } => start = Some(start.map_or(from, |start| start.min(from))),
                Next::Never => {}
            }
        }
        match (start, unknown) {
            (Some(at), Some((first, lane))) if first <= at => Decision::Blocked { lane },
            (Some(at), _) => {
                Decision::Send { step: Step::Table, at, limits: Limits { until: i64::MIN, rival: i64::MIN } }
            }
            (None, Some((_, lane))) => Decision::Blocked { lane },
            (None, None) => Decision::Done,
        }
    }
}

/// What could leave, in the order of precedence: a table, a PCR, the streams in their order, a cue. What cannot is there
/// with the last of all instants.
pub(super) struct Choice {
    from: [i64; Choice::MOST],
    deadline: [i64; Choice::MOST],
    count: usize,
    /// When the first of them may.
    earliest: i64,
}

impl Choice {
    const TABLE: usize = 0;
    const PCR: usize = 1;
    /// The place of the first stream.
    pub(super) const LANES: usize = 2;
    const MOST: usize = MuxConfig::MAX_STREAMS + 3;
    const NOTHING: usize = usize::MAX;

    pub(super) fn new() -> Choice {
        let none = [i64::MAX; Choice::MOST];
        Choice { from: none, deadline: none, count: 0, earliest: i64::MAX }
    }

    #[inline]
    fn clear(&mut self) {
        (self.count, self.earliest) = (0, i64::MAX);
    }

    /// What is next in the order may leave from `from` on and should by `deadline`.
    #[inline]
    fn consider(&mut self, from: i64, deadline: i64) {
        self.from[self.count] = from;
        self.deadline[self.count] = deadline;
        self.count += 1;
        self.earliest = self.earliest.min(from);
    }

    /// What leaves at `at`, and for how long the same may go on. A stream's own packets carry the PCR before one without
    /// them is due: for that of `clock`, the place of the one that does, it is no limit.
    #[inline]
    fn choose(&self, at: i64, constant: bool, clock: usize) -> (usize, Limits) {
        if constant { self.choose_slot(at, clock) } else { self.choose_first(at, clock) }
    }

    /// When the rate is variable, the first of all that may, and another that waits follows at once, for the gap before
    /// the next packet of the same stream is its own.
    #[inline]
    fn choose_first(&self, at: i64, clock: usize) -> (usize, Limits) {
        let (mut first, mut until) = (Choice::NOTHING, i64::MAX);
        for (place, &from) in self.from[..self.count].iter().enumerate() {
            if from > at {
                // Of a PCR that is not due yet the clock's own packets know.
                if place != Choice::PCR {
                    until = until.min(from);
                }
            } else if first == Choice::NOTHING {
                first = place;
            } else {
                until = until.min(at + 1);
            }
        }
        if first != clock && self.from[Choice::PCR] > at {
            until = until.min(self.from[Choice::PCR]);
        }
        (first, Limits { until, rival: i64::MAX })
    }

    /// In a slot of a constant rate, of all that may the one with the earliest deadline, and of those whose deadline has
    /// passed the first.
    #[inline]
    fn choose_slot(&self, at: i64, clock: usize) -> (usize, Limits) {
        let (from, deadline) = (&self.from[..self.count], &self.deadline[..self.count]);
        let may = (0..from.len()).filter(|&place| from[place] <= at);
        let mut best = may.min_by_key(|&place| deadline[place].max(at)).unwrap_or(Choice::NOTHING);
        // In a slot the clock's own packet carries the PCR too when it was kept back until one without payload is due:
        // that would take as much of the stream's time, and none of its bytes.
        if best == Choice::PCR && from.get(clock).is_some_and(|&from| from <= at) {
            best = clock;
        }
        let mut limits = Limits { until: i64::MAX, rival: i64::MAX };
        for (place, &from) in from.iter().enumerate() {
            if place == best || (best == clock && place == Choice::PCR) {
                continue;
            }
            if from > at {
                limits.until = limits.until.min(from);
            } else {
                limits.rival = limits.rival.min(deadline[place].max(at));
            }
        }
        (best, limits)
    }
}
