//! Tier 1: programmes placed on one broadcast day, on grid lines, in UTC (seed 004, Program Schedule).
//!
//! Rules for dates have their time first, those for one day of the week next, then kinds of days, `daily`
//! last; what is less specific goes round what is more. What is nobody's is left open, for filler.

use super::PlanError;
use super::broadcast_day::later;
use super::day_clock::DayFrame;
use super::line_up::{Cursors, LineUp, ResolvedBlock};
use super::pool::{Occasion, Refusal};
use jiff::civil::Date;
use retrovue_timebase::{Millis, UtcMs};
use std::ops::Range;

/// Days after which runs begin anew from the first episode: a hundred years, in whole weeks. It bounds the days
/// that must be counted to know how far a run has come.
const RUN_DAYS: i32 = 5218 * 7;

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

/// Stretches that are taken, in order, without overlap.
#[derive(Debug, Default)]
struct Taken(Vec<Range<i64>>);

impl Taken {
    fn end_of_stretch_at(&self, at: i64) -> Option<i64> {
        let index = self.0.partition_point(|r| r.end <= at);
        self.0.get(index).filter(|r| r.start <= at).map(|r| r.end)
    }

    fn next_start_from(&self, at: i64) -> Option<i64> {
        let index = self.0.partition_point(|r| r.start < at);
        self.0.get(index).map(|r| r.start)
    }

    fn touches(&self, range: &Range<i64>) -> bool {
        let index = self.0.partition_point(|r| r.end <= range.start);
        self.0.get(index).is_some_and(|r| r.start < range.end)
    }

    fn add(&mut self, more: &[Range<i64>]) {
        self.0.extend(more.iter().filter(|r| r.start < r.end).cloned());
        self.0.sort_unstable_by_key(|r| r.start);
        self.0.dedup_by(|next, kept| {
            let meets = next.start <= kept.end;
            if meets {
                kept.end = kept.end.max(next.end);
            }
            meets
        });
    }
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
        let mut placing = Placing {
            line_up: self,
            frame,
            cursors,
            taken: Taken::default(),
            day: PlacedDay {
                date: frame.date,
                start: frame.start,
                end: frame.end,
                placements: Vec::new(),
                crowded: Vec::new(),
                hurried: Vec::new(),
            },
        };
        let mut held: Vec<Range<i64>> = Vec::new();
        for layer in self.layers(frame.date).filter(|layer| !layer.is_empty()) {
            held.clear();
            for (index, number) in layer.iter().enumerate() {
                let block = &self.blocks[*number];
                let from = frame.instant(block.start)?;
                let next = match layer.get(index + 1) {
                    Some(next) => frame.instant(self.blocks[*next].start)?,
                    None => frame.end.0,
                };
                let to = match block.until {
                    Some(until) => frame.instant(until)?.min(next),
                    None => next,
                };
                let first = placing.day.placements.len();
                placing.block(*number, block, from..to, witness.as_deref_mut());
                if block.until.is_some() {
                    held.push(from..to);
                } else {
                    held.extend(placing.day.placements[first..].iter().map(|p| p.start.0..p.end().0));
                }
            }
            placing.taken.add(&held);
        }
        placing.day.placements.sort_unstable_by_key(|p| p.start);
        Ok(placing.day)
    }
}

/// A day that is being placed.
struct Placing<'a, 'z> {
    line_up: &'a LineUp,
    frame: &'a DayFrame<'z>,
    cursors: &'a mut Cursors,
    taken: Taken,
    day: PlacedDay,
}

impl Placing<'_, '_> {
    fn block(
        &mut self,
        number: usize,
        block: &ResolvedBlock,
        window: Range<i64>,
        mut witness: Option<&mut Witness>,
    ) {
        let (line_up, day) = (self.line_up, self.frame.number);
        let cycling = block.until.is_some();
        let count = block.slots.len();
        let mut at = window.start;
        let (mut turn, mut misses) = (0, 0);
        // Every round either moves `at` on or counts a miss, and misses are bounded by `count`.
        while at < window.end && (cycling || turn < count) {
            if cycling && let Some(end) = self.taken.end_of_stretch_at(at) {
                at = end;
                continue;
            }
            let line = self.frame.on_grid(at, line_up.grid_ms);
            if line > at {
                at = line;
                continue;
            }
            let slot = block.slots.start + turn % count;
            let pool = &line_up.pools[line_up.slots[slot].pool];
            let cursor = &mut self.cursors.pools[line_up.slots[slot].pool];
            let limit = match self.taken.next_start_from(at) {
                Some(next) if cycling => next.min(window.end),
                _ => window.end,
            };
            let before = cursor.count;
            let on = Occasion { day, room: limit - at };
            let mut refused = Vec::new();
            let asked = witness.is_some().then_some(&mut refused);
            let choice = pool.choose(cursor, &self.cursors.airings, on, asked);
            let mut note = |outcome| {
                if let Some(witness) = witness.as_deref_mut() {
                    let refused = std::mem::take(&mut refused);
                    let (start, room) = (UtcMs(at), on.room);
                    witness.decisions.push(Decision {
                        start,
                        room,
                        block: number,
                        slot,
                        count: before,
                        outcome,
                        refused,
                    });
                }
            };
            let Some(choice) = choice else {
                note(Outcome::NothingFits);
                if !cycling {
                    break;
                }
                turn += 1;
                misses += 1;
                if misses == count {
                    (at, misses) = (limit, 0);
                }
                continue;
            };
            let (asset, length) = (choice.asset, pool.lengths[choice.asset]);
            let end = UtcMs(at + length);
            // A programme of a general rule gives way to what a specific rule has placed, and waits for
            // its next turn.
            if cycling || !self.taken.touches(&(at..end.0)) {
                note(Outcome::Airs { asset, end, early: choice.early });
                pool.take(cursor, &mut self.cursors.airings, asset, day);
                self.day.hurried.extend(choice.early.map(|days| Hurried { slot, asset, days }));
                let start = UtcMs(at);
                self.day.placements.push(Placement { start, length: Millis(length), slot, asset });
            } else {
                note(Outcome::GivesWay { asset, end });
            }
            at = end.0;
            (turn, misses) = (turn + 1, 0);
        }
        if !cycling {
            let start = UtcMs(at);
            self.day
                .crowded
                .extend((turn..count).map(|turn| Crowded { slot: block.slots.start + turn, start }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_stretches_merge_and_answer() {
        let mut taken = Taken::default();
        taken.add(&[50..60, 10..20, 20..30, 5..5]);
        taken.add(&[55..70, 90..90]);
        assert_eq!(taken.0, [10..30, 50..70]);
        assert_eq!((taken.end_of_stretch_at(10), taken.end_of_stretch_at(30)), (Some(30), None));
        assert_eq!(
            (taken.next_start_from(31), taken.next_start_from(50), taken.next_start_from(51)),
            (Some(50), Some(50), None)
        );
        assert!(taken.touches(&(29..31)) && !taken.touches(&(30..50)) && taken.touches(&(0..100)));
    }
}
