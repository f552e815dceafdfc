//! Which packet leaves next, and when.

use super::Muxer;
use crate::config::MuxConfig;
use crate::lane::{Limits, Next};
use crate::pacing;
use crate::splice::CueLane;

pub(super) enum Decision {
    /// What has this place in the choice leaves at `at`; the same again within the limits.
    Send {
        place: usize,
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
    #[inline(always)]
    pub(super) fn decide(&mut self) -> Decision {
        if self.start.is_none() {
            return self.decide_start();
        }
        if self.is_unsettled {
            self.look_around();
        }
        if self.choice.is_over() {
            return Decision::Done;
        }
        if self.cues.is_some() {
            self.consider_cue();
        }
        let first = self.first();
        let at =
            if self.wire.constant { self.wire.next } else { self.wire.next.max(self.choice.earliest(first)) };
        let mut certain = i64::MAX;
        if let Some((instant, lane)) = self.certain() {
            // What is far behind its stamps may fill its queue, and goes on.
            let is_behind = instant <= at && self.lanes[lane].is_behind(at);
            if instant <= at && !is_behind {
                return Decision::Blocked { lane };
            }
            certain = if is_behind { i64::MAX } else { instant };
        }
        if let Some(place) = self.choice.waits_for(at) {
            return Decision::Blocked { lane: self.order[place - Choice::LANES] };
        }
        let (place, limits) = if self.wire.constant {
            self.choice.choose_slot(at, self.clock_place)
        } else {
            self.choice.choose_first(at, first, self.clock_place)
        };
        if self.choice.is(place, Choice::POINT) && self.must_announce(at) {
            return Decision::Announce { at };
        }
        let until = limits.until.min(certain).min(self.due_until.max(at + 1)).min(self.events_from);
        Decision::Send { place, at, limits: Limits { until, ..limits } }
    }

    /// What leaves next waits for this stream.
    #[cold]
    pub(super) fn blocked_by(&mut self) -> Option<usize> {
        match self.decide() {
            Decision::Blocked { lane } => Some(lane),
            _ => None,
        }
    }

    /// Notes when the next packet of a stream may leave, after something became of it.
    #[inline]
    pub(super) fn note(&mut self, index: usize) {
        self.waits_for = None;
        let lane = &self.lanes[index];
        self.choice.note(Choice::LANES + lane.place, lane.next());
    }

    /// Notes everything anew, as long as nothing but tables and the first PCR may leave, or PAT and PMT stand before a
    /// random access point.
    #[cold]
    fn look_around(&mut self) {
        self.choice = self.choice_anew();
        let begun = self.last_pcr.is_some();
        self.is_unsettled = !begun || !self.tables.is_announced();
        let (due, may_begin) = (self.due.from, self.tables.has_begun());
        for place in 0..self.order.len() {
            // Nothing comes before the tables, nor before the first PCR.
            if begun || (self.order[place] == self.pcr_lane && may_begin) {
                if !self.tables.is_announced() {
                    self.choice.hold_point(Choice::LANES + place, due);
                }
            } else {
                self.choice.hold(Choice::LANES + place);
            }
        }
    }

    /// What could leave by what is known now.
    fn choice_anew(&self) -> Choice {
        let mut choice = Choice::new(self.order.len(), self.cues.is_some());
        choice.set(Choice::TABLE, self.due.from, self.due.deadline);
        let pcr = self.pcr_due();
        choice.set(Choice::PCR, pcr, pcr.saturating_add(pacing::PCR_GRACE));
        for (place, &index) in self.order.iter().enumerate() {
            choice.note(Choice::LANES + place, self.lanes[index].next());
        }
        choice
    }

    /// Where there are cues: an instant that no packet has reached, whatever was polled, with the stream that
    /// it goes by. It is the last DTS pushed of the stream that is least far. (Packets of a stream that exceeds
    /// its rate by so much that it is half a second behind may have.)
    pub(super) fn certain(&self) -> Option<(i64, usize)> {
        self.cues.as_ref()?;
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.ended);
        open.map(|(index, lane)| (lane.last_dts().map_or(i64::MIN, |dts| dts * 300), index)).min()
    }

    /// What may leave first.
    #[inline]
    fn first(&self) -> First {
        debug_assert!(self.is_unsettled || self.cues.is_some() || self.choice == self.choice_anew());
        self.choice.first()
    }

    /// Takes the next cue into the choice.
    fn consider_cue(&mut self) {
        let place = Choice::LANES + self.order.len();
        self.choice.set(place, i64::MAX, i64::MAX);
        debug_assert!(self.is_unsettled || self.choice == self.choice_anew());
        let next = self.cues.as_ref().and_then(CueLane::next).filter(|_| self.last_pcr.is_some());
        if let Some((from, deadline)) = next {
            let others = self.choice.earliest(self.choice.first());
            self.choice.set(place, self.gap_for_cue(from, deadline, others), deadline);
        }
    }

    /// When a cue that may leave from `from` on does, where the first of all others may at `next`. At a variable rate
    /// that is not within a packet's time of it, so that a cue moves no other packet, as long as such a gap comes in time.
    fn gap_for_cue(&self, from: i64, deadline: i64, next: i64) -> i64 {
        let (earliest, next) = (self.wire.next.max(from), self.wire.next.max(next));
        let is_free = next >= earliest + self.wire.step();
        if self.wire.constant || is_free || next + self.wire.step() > deadline { from } else { next + 1 }
    }

    /// From when on a packet leaves that only carries a PCR.
    #[inline]
    fn pcr_due(&self) -> i64 {
        match (self.last_pcr, self.start) {
            (Some(last), _) => last + pacing::PCR_HARD,
            (None, Some(start)) => {
                // The stream that carries it begins later than another, or not at all.
                let is_there =
                    matches!(self.lanes[self.pcr_lane].next(), Next::Packet { from, .. } if from <= start);
                if !is_there && self.tables.has_begun() { start } else { i64::MAX }
            }
            (None, None) => i64::MAX,
        }
    }

    /// Takes note of a PCR that leaves at `at`.
    #[inline]
    pub(super) fn sent_pcr(&mut self, at: i64) {
        self.last_pcr = Some(at);
        let due = at + pacing::PCR_HARD;
        self.choice.set(Choice::PCR, due, due + pacing::PCR_GRACE);
    }

    /// Before a random access point that would leave at `at` PAT and PMT have not just been; where points are so
    /// dense that the tables would take the pictures' rate, not before each of them.
    fn must_announce(&self, at: i64) -> bool {
        self.announced + pacing::ANNOUNCE_DISTANCE <= at && self.tables.announcement_from() <= at
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
            (Some(at), _) => Decision::Send {
                place: Choice::TABLE,
                at,
                limits: Limits { until: i64::MIN, rival: i64::MIN },
            },
            (None, Some((_, lane))) => Decision::Blocked { lane },
            (None, None) => Decision::Done,
        }
    }
}

/// What may leave before all others.
#[derive(Clone, Copy)]
struct First {
    place: usize,
    from: i64,
    /// When the first of the others may.
    next: i64,
}

/// What could leave, in the order of precedence: a table, a PCR, the streams in their order, a cue. What cannot is there
/// with the last of all instants. It is kept from one decision to the next: whoever sends, takes or changes something
/// notes when the next of it may leave.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    from: [i64; Choice::MOST],
    deadline: [i64; Choice::MOST],
    count: usize,
    /// What is next of each stream: `WAITS`, `UNKNOWN` and `POINT` for the first in the order, a bit further for each that
    /// follows.
    streams: u32,
}

const _: () = assert!(3 * MuxConfig::MAX_STREAMS <= u32::BITS as usize, "three bits for each stream");

impl Choice {
    pub(super) const TABLE: usize = 0;
    pub(super) const PCR: usize = 1;
    /// The place of the first stream.
    pub(super) const LANES: usize = 2;
    const MOST: usize = MuxConfig::MAX_STREAMS + 3;
    pub(super) const NOTHING: usize = usize::MAX;
    /// There is a unit.
    const WAITS: u32 = 1;
    /// Its next unit is not known yet; `from` is what it is certainly not before.
    const UNKNOWN: u32 = 1 << MuxConfig::MAX_STREAMS;
    /// Its next packet begins a random access point.
    const POINT: u32 = 1 << (2 * MuxConfig::MAX_STREAMS);

    pub(super) fn new(streams: usize, cues: bool) -> Choice {
        let none = [i64::MAX; Choice::MOST];
        let count = Choice::LANES + streams + usize::from(cues);
        Choice { from: none, deadline: none, count, streams: 0 }
    }

    /// From when on what stands at `place` may leave, and its deadline.
    #[inline]
    pub(super) fn get(&self, place: usize) -> (i64, i64) {
        (self.from[place], self.deadline[place])
    }

    /// What has a place may leave from `from` on and should by `deadline`.
    #[inline]
    pub(super) fn set(&mut self, place: usize, from: i64, deadline: i64) {
        self.from[place] = from;
        self.deadline[place] = deadline;
    }

    /// The stream at `place` has this next.
    #[inline]
    fn note(&mut self, place: usize, next: Next) {
        let (from, deadline, is) = match next {
            Next::Packet { from, deadline, begins_point: true } => {
                (from, deadline, Choice::WAITS | Choice::POINT)
            }
            Next::Packet { from, deadline, .. } => (from, deadline, Choice::WAITS),
            Next::Unknown { not_before } => (not_before, i64::MAX, Choice::UNKNOWN),
            Next::Never => (i64::MAX, i64::MAX, 0),
        };
        self.set(place, from, deadline);
        let any = Choice::WAITS | Choice::UNKNOWN | Choice::POINT;
        let stream = place - Choice::LANES;
        self.streams = self.streams & !(any << stream) | is << stream;
    }

    /// Whether what stands at `place` is `what`.
    #[inline]
    fn is(&self, place: usize, what: u32) -> bool {
        place
            .checked_sub(Choice::LANES)
            .is_some_and(|stream| stream < MuxConfig::MAX_STREAMS && self.streams & what << stream != 0)
    }

    /// Whether any stream is `what`.
    #[inline]
    fn any(&self, what: u32) -> bool {
        self.streams & (what * (Choice::UNKNOWN - 1)) != 0
    }

    /// A stream with a unit does not begin now.
    fn hold(&mut self, place: usize) {
        if self.is(place, Choice::WAITS) {
            self.set(place, i64::MAX, i64::MAX);
        }
    }

    /// A random access point waits for what leaves from `from` on.
    fn hold_point(&mut self, place: usize, from: i64) {
        if self.is(place, Choice::POINT) {
            self.from[place] = self.from[place].max(from);
        }
    }

    /// No stream has a unit, nor gets one.
    fn is_over(&self) -> bool {
        self.streams == 0
    }

    /// What may leave first, PCRs aside.
    #[inline]
    fn first(&self) -> First {
        let table = self.from[Choice::TABLE];
        let mut first = First { place: Choice::TABLE, from: table, next: i64::MAX };
        for place in Choice::LANES..self.count.min(Choice::MOST) {
            let from = self.from[place];
            first.next = first.next.min(from.max(first.from));
            first.place = if from < first.from { place } else { first.place };
            first.from = first.from.min(from);
        }
        first
    }

    /// When the first of all may leave, given the `first` of those that are no PCRs.
    #[inline]
    fn earliest(&self, first: First) -> i64 {
        first.from.min(self.from[Choice::PCR])
    }

    /// The stream without which nothing can leave at `at`. Where no unit waits, the next push or the end decides whether
    /// anything follows at all.
    #[inline]
    fn waits_for(&self, at: i64) -> Option<usize> {
        if !self.any(Choice::UNKNOWN) {
            return None;
        }
        let unknown = (Choice::LANES..self.count).filter(|&place| self.is(place, Choice::UNKNOWN));
        let first = unknown.min_by_key(|&place| self.from[place])?;
        (self.from[first] <= at || !self.any(Choice::WAITS)).then_some(first)
    }

    /// What leaves at `at` when the rate is variable, and for how long the same may go on: the first in the order of
    /// precedence of all that may, and another that waits follows at once, for the gap before the next packet of the same
    /// stream is its own. A stream's own packets carry the PCR before one without them is due: for that of `clock`, the
    /// place of the one that does, it is no limit.
    #[inline]
    fn choose_first(&self, at: i64, first: First, clock: usize) -> (usize, Limits) {
        let pcr = self.from[Choice::PCR];
        if first.next <= at || pcr <= at {
            return self.choose_of_many(at);
        }
        let until = if first.place == clock { first.next } else { first.next.min(pcr) };
        (first.place, Limits { until, rival: i64::MAX })
    }

    /// The same where more than one may leave, or a PCR.
    #[inline(never)]
    fn choose_of_many(&self, at: i64) -> (usize, Limits) {
        let places = || self.from[..self.count].iter();
        let place = places().position(|&from| from <= at).unwrap_or(Choice::NOTHING);
        let waits = places().filter(|&&from| from <= at).count() > 1;
        let later = places().copied().filter(|&from| from > at).min().unwrap_or(i64::MAX);
        (place, Limits { until: if waits { at + 1 } else { later }, rival: i64::MAX })
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
