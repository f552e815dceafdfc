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
        self.choice.consider(Step::Table, due.from, due.deadline);
        if let Some(from) = self.pcr_due(start) {
            self.choice.consider(Step::Pcr, from, from + pacing::PCR_GRACE);
        }
        for &index in &self.order {
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
                        let from = if begins_point && announcing { from.max(due.from) } else { from };
                        self.choice.consider(Step::Unit { lane: index, from, deadline }, from, deadline);
                    }
                }
            }
        }
        if !alive {
            return Decision::Done;
        }
        if let Some((from, deadline)) = self.cues.as_ref().and_then(CueLane::next).filter(|_| begun) {
            self.choice.consider(Step::Cue, from, deadline);
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
        let (step, limits) = self.choice.choose(at, self.wire.constant, self.pcr_lane);
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

    /// From when on a packet leaves that only carries a PCR.
    #[inline]
    fn pcr_due(&self, start: i64) -> Option<i64> {
        match self.last_pcr {
            Some(last) => Some(last + pacing::PCR_HARD),
            None => {
                // The stream that carries it begins later than another, or not at all.
                let is_there =
                    matches!(self.lanes[self.pcr_lane].next(), Next::Packet { from, .. } if from <= start);
                (!is_there && self.tables.has_begun()).then_some(start)
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

/// What could leave, in the order of precedence.
pub(super) struct Choice {
    candidates: [Candidate; Choice::MOST],
    count: usize,
    /// When the first of them may.
    earliest: i64,
}

#[derive(Clone, Copy)]
struct Candidate {
    step: Step,
    from: i64,
    deadline: i64,
}

impl Choice {
    /// A table, a PCR, the streams and a cue.
    const MOST: usize = MuxConfig::MAX_STREAMS + 3;

    pub(super) fn new() -> Choice {
        let none = Candidate { step: Step::Null, from: i64::MAX, deadline: i64::MAX };
        Choice { candidates: [none; Choice::MOST], count: 0, earliest: i64::MAX }
    }

    #[inline]
    fn clear(&mut self) {
        (self.count, self.earliest) = (0, i64::MAX);
    }

    /// `step` may leave from `from` on and should by `deadline`.
    #[inline]
    fn consider(&mut self, step: Step, from: i64, deadline: i64) {
        self.candidates[self.count] = Candidate { step, from, deadline };
        self.count += 1;
        self.earliest = self.earliest.min(from);
    }

    /// What leaves at `at`, and for how long the same may go on.
    ///
    /// In a slot of a constant rate that is, of all that may, the one with the earliest deadline, and of those
    /// whose deadline has passed the first. When the rate is variable it is the first of all that may, and
    /// another that waits follows at once, for the gap before the next packet of the same stream is its own.
    #[inline]
    fn choose(&self, at: i64, constant: bool, clock_lane: usize) -> (Step, Limits) {
        let candidates = &self.candidates[..self.count];
        let may = |candidate: &&Candidate| candidate.from <= at;
        let best = if constant {
            candidates.iter().enumerate().filter(|(_, c)| may(c)).min_by_key(|(_, c)| c.deadline.max(at))
        } else {
            candidates.iter().enumerate().find(|(_, c)| may(c))
        };
        // A stream's own packets carry the PCR before one without them is due. In a slot so does one that was kept back
        // until then: a packet that only carries a PCR takes as much of the stream's time, and none of its bytes.
        let of_clock = |step: Step| matches!(step, Step::Unit { lane, .. } if lane == clock_lane);
        let carrier = || candidates.iter().enumerate().find(|(_, c)| may(c) && of_clock(c.step));
        let best = match best {
            Some((_, lone)) if constant && matches!(lone.step, Step::Pcr) => carrier().or(best),
            _ => best,
        };
        let (place, step) = best.map_or((usize::MAX, Step::Null), |(place, best)| (place, best.step));
        let carries_clock = of_clock(step);
        let mut limits = Limits { until: i64::MAX, rival: i64::MAX };
        for (other, candidate) in candidates.iter().enumerate() {
            if other == place || (carries_clock && matches!(candidate.step, Step::Pcr)) {
                continue;
            }
            if candidate.from > at {
                limits.until = limits.until.min(candidate.from);
            } else if constant {
                limits.rival = limits.rival.min(candidate.deadline.max(at));
            } else {
                limits.until = limits.until.min(at + 1);
            }
        }
        (step, limits)
    }
}
