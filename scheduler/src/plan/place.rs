//! Tier 1: programmes placed on one broadcast day, on grid lines, in UTC (seed 004, Program Schedule).
//!
//! Rules for dates have their time first, those for one day of the week next, then kinds of days, `daily`
//! last; what is less specific goes round what is more. What is nobody's is left open, for filler.

use super::PlanError;
use super::broadcast_day::later;
use super::day_clock::DayFrame;
use super::line_up::{Cursors, LineUp};
use super::pool::{Occasion, Refusal};
use jiff::civil::Date;
use retrovue_timebase::{Millis, UtcMs};

/// Days after which runs begin anew from the first episode: a hundred years, in whole weeks. It bounds the days
/// that must be counted to know how far a run has come.
const RUN_DAYS: i32 = 5218 * 7;

/// Room for the programmes of a usual day: on the way from the anchor thousands of days are placed.
const PLACEMENTS: usize = 48;

/// A programme at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) start: UtcMs,
    /// Whole grid steps.
    pub(crate) length: Millis,
    /// Index into the line-up's slots.
    pub(crate) slot: usize,
    /// Index into the slot's pool.
    pub(crate) asset: usize,
}

impl Placement {
    pub(crate) fn end(&self) -> UtcMs {
        self.start.plus(self.length)
    }
}

/// A programme that had no room on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded {
    pub(crate) slot: usize,
    pub(crate) start: UtcMs,
}

/// A programme whose asset had to come again before its cooldown was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hurried {
    pub(crate) slot: usize,
    pub(crate) asset: usize,
    pub(crate) days: i32,
}

/// One day, placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlacedDay {
    pub(crate) date: Date,
    pub(crate) start: UtcMs,
    pub(crate) end: UtcMs,
    /// In order, without overlap.
    pub(crate) placements: Vec<Placement>,
    pub(crate) crowded: Vec<Crowded>,
    pub(crate) hurried: Vec<Hurried>,
}

/// Somebody who wants to know how each choice of a day was made.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) decisions: Vec<Decision>,
}

/// One choice.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) start: UtcMs,
    pub(crate) room: i64,
    pub(crate) block: usize,
    pub(crate) slot: usize,
    /// Airings, or cards drawn, before it.
    pub(crate) count: u64,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What was next and could not air, by index into the pool.
    pub(crate) refused: Vec<(usize, Refusal)>,
}

/// What came of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It airs.
    Airs { asset: usize, end: UtcMs, early: Option<i32> },
    /// It would have aired, but a more specific rule has the time.
    GivesWay { asset: usize, end: UtcMs },
    /// Nothing of the pool fits.
    NothingFits,
}

impl LineUp {
    /// The date the runs on air on `date` began.
    pub(crate) fn run_start(&self, date: Date) -> Result<Date, PlanError> {
        let out = |_| PlanError::OutOfCalendar { date: date.to_string() };
        let days = self.anchor.until(date).map_err(out)?.get_days();
        match days.div_euclid(RUN_DAYS) {
            0 => Ok(self.anchor),
            // The first run may begin before the years that can be planned.
            runs => later(self.anchor, runs * RUN_DAYS).map(|start| start.max(Date::constant(1900, 1, 1))),
        }
    }

    /// Places one day; `cursors` stand where the day begins and are left where it ends.
    pub(crate) fn place_day(
        &self,
        frame: &DayFrame<'_>,
        cursors: &mut Cursors,
        mut witness: Option<&mut Witness>,
    ) -> Result<PlacedDay, PlanError> {
        let mut day =
            PlacedDay { date: frame.date, start: frame.start, end: frame.end, ..PlacedDay::default() };
        day.placements.reserve(PLACEMENTS);
        let mut lanes: Vec<Lane<'_>> = Vec::new();
        for blocks in self.layers(frame.date).filter(|blocks| !blocks.is_empty()) {
            lanes.extend(Lane::new(self, frame, blocks)?);
        }
        let mut placing = Placing { line_up: self, frame, cursors, lanes, day };
        // What comes first is decided first, so that a run shared by several rules airs in its order; at one
        // instant the most specific rule is first.
        while let Some(lane) = (0..placing.lanes.len())
            .filter(|lane| placing.lanes[*lane].at < i64::MAX)
            .min_by_key(|lane| (placing.lanes[*lane].at, *lane))
        {
            placing.step(lane, witness.as_deref_mut())?;
        }
        Ok(placing.day)
    }
}

/// The blocks of one layer of rules, one after the other. Lanes of more specific layers come first.
struct Lane<'a> {
    blocks: &'a [usize],
    /// The block in hand, by position in `blocks`.
    index: usize,
    /// When it wants to do something next; never again where it is the greatest instant.
    at: i64,
    /// Where the block in hand must end.
    window_end: i64,
    /// Until when this lane has the time.
    held: i64,
    turn: usize,
    /// Slots in a row that had nothing that fits.
    misses: usize,
}

impl<'a> Lane<'a> {
    fn new(
        line_up: &LineUp,
        frame: &DayFrame<'_>,
        blocks: &'a [usize],
    ) -> Result<Option<Lane<'a>>, PlanError> {
        let (at, window_end, held) = (i64::MAX, 0, i64::MIN);
        let mut lane = Lane { blocks, index: 0, at, window_end, held, turn: 0, misses: 0 };
        lane.open(line_up, frame, 0)?;
        Ok((lane.at < i64::MAX).then_some(lane))
    }

    /// Takes the block at a position in hand.
    fn open(&mut self, line_up: &LineUp, frame: &DayFrame<'_>, index: usize) -> Result<(), PlanError> {
        (self.index, self.turn, self.misses) = (index, 0, 0);
        let Some(block) = self.blocks.get(index).map(|number| &line_up.blocks[*number]) else {
            self.at = i64::MAX;
            return Ok(());
        };
        self.at = frame.instant(block.start)?;
        let next = match self.blocks.get(index + 1) {
            Some(next) => frame.instant(line_up.blocks[*next].start)?,
            None => frame.end.0,
        };
        self.window_end = match block.until {
            Some(until) => frame.instant(until)?.min(next),
            None => next,
        };
        Ok(())
    }
}

/// A day that is being placed.
struct Placing<'a, 'z> {
    line_up: &'a LineUp,
    frame: &'a DayFrame<'z>,
    cursors: &'a mut Cursors,
    lanes: Vec<Lane<'a>>,
    day: PlacedDay,
}

impl Placing<'_, '_> {
    /// One step of a lane: a programme, a slot passed over, or time passed over. Each moves the lane on, and steps
    /// that do not move its instant are bounded by the block's slots.
    fn step(&mut self, lane: usize, witness: Option<&mut Witness>) -> Result<(), PlanError> {
        let (line_up, day) = (self.line_up, self.frame.number);
        let (specific, rest) = self.lanes.split_at_mut(lane);
        let Some(own) = rest.first_mut() else { return Ok(()) };
        let number = own.blocks[own.index];
        let block = &line_up.blocks[number];
        let (cycling, count) = (block.until.is_some(), block.slots.len());
        if own.at >= own.window_end || (!cycling && own.turn >= count) {
            return self.close(lane);
        }
        if cycling {
            own.held = own.window_end;
            if let Some(end) = specific.iter().map(|other| other.held).max().filter(|end| *end > own.at) {
                own.at = end;
                return Ok(());
            }
        }
        let line = self.frame.on_grid(own.at, line_up.grid_ms);
        if line > own.at {
            own.at = line;
            return Ok(());
        }
        let slot = block.slots.start + own.turn % count;
        let pool = &line_up.pools[line_up.slots[slot].pool];
        let cursor = &mut self.cursors.pools[line_up.slots[slot].pool];
        let specific_at = specific.iter().map(|other| other.at).min().unwrap_or(i64::MAX);
        let limit = if cycling { own.window_end.min(specific_at) } else { own.window_end };
        let on = Occasion { day, room: limit - own.at };
        let (before, start) = (cursor.count, UtcMs(own.at));
        let mut refused = Vec::new();
        let asked = witness.is_some().then_some(&mut refused);
        let outcome = match pool.choose(cursor, &self.cursors.airings, on, asked) {
            None => Outcome::NothingFits,
            Some(choice) => {
                let (asset, length) = (choice.asset, pool.lengths[choice.asset]);
                let end = UtcMs(own.at + length);
                // A programme of a general rule gives way to what a specific rule has or wants, and waits for its
                // next turn.
                let taken = specific_at < end.0 || specific.iter().any(|other| other.held > own.at);
                if cycling || !taken {
                    pool.take(cursor, &mut self.cursors.airings, asset, day);
                    self.day.hurried.extend(choice.early.map(|days| Hurried { slot, asset, days }));
                    self.day.placements.push(Placement { start, length: Millis(length), slot, asset });
                    own.held = own.held.max(end.0);
                    Outcome::Airs { asset, end, early: choice.early }
                } else {
                    Outcome::GivesWay { asset, end }
                }
            }
        };
        match outcome {
            Outcome::Airs { end, .. } | Outcome::GivesWay { end, .. } => {
                (own.at, own.turn, own.misses) = (end.0, own.turn + 1, 0);
            }
            Outcome::NothingFits if cycling => {
                (own.turn, own.misses) = (own.turn + 1, own.misses + 1);
                if own.misses == count {
                    (own.at, own.misses) = (limit, 0);
                }
            }
            Outcome::NothingFits => {}
        }
        if let Some(witness) = witness {
            let room = on.room;
            let decision = Decision { start, room, block: number, slot, count: before, outcome, refused };
            witness.decisions.push(decision);
        }
        if outcome == Outcome::NothingFits && !cycling { self.close(lane) } else { Ok(()) }
    }

    /// Ends the block in hand, says what of it had no room, and takes up the next.
    fn close(&mut self, lane: usize) -> Result<(), PlanError> {
        let own = &mut self.lanes[lane];
        let block = &self.line_up.blocks[own.blocks[own.index]];
        if block.until.is_none() {
            let start = UtcMs(own.at);
            let left = own.turn..block.slots.len();
            self.day.crowded.extend(left.map(|turn| Crowded { slot: block.slots.start + turn, start }));
        }
        let next = own.index + 1;
        own.open(self.line_up, self.frame, next)
    }
}
