//! Tier 1: programmes placed on one broadcast day, on grid lines, in UTC (seed 004, Program Schedule).
//!
//! Rules for one day of the week have their time first, those for kinds of days next, `daily` last; what
//! is less specific goes round what is more. What is nobody's is left open, for filler.

use super::PlanError;
use super::broadcast_day::{bounds, instant, later};
use super::line_up::{LineUp, ResolvedBlock};
use super::pool::Cursor;
use jiff::civil::Date;
use retrovue_timebase::{Millis, UtcMs};
use std::ops::Range;

/// Days after which runs begin anew from the first episode. It bounds the days that must be counted to
/// know how far a run has come; whole weeks keep every weekday where it was.
const RUN_DAYS: i32 = 728;

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

/// One day, placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedDay {
    pub(crate) date: Date,
    pub(crate) start: UtcMs,
    pub(crate) end: UtcMs,
    /// In order, without overlap.
    pub(crate) placements: Vec<Placement>,
    pub(crate) crowded: Vec<Crowded>,
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

    fn add(&mut self, mut more: Vec<Range<i64>>) {
        self.0.append(&mut more);
        self.0.retain(|r| r.start < r.end);
        self.0.sort_by_key(|r| r.start);
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
    /// Cursors of runs that begin.
    pub(crate) fn fresh_cursors(&self) -> Vec<Cursor> {
        vec![Cursor::default(); self.pools.len()]
    }

    /// The date the runs on air on `date` began.
    pub(crate) fn run_start(&self, date: Date) -> Result<Date, PlanError> {
        let out = |_| PlanError::OutOfCalendar { date: date.to_string() };
        let days = self.anchor.until(date).map_err(out)?.get_days();
        later(self.anchor, days.div_euclid(RUN_DAYS) * RUN_DAYS)
    }

    /// Places one day; `cursors` stand where the day begins and are left where it ends.
    pub(crate) fn place_day(&self, date: Date, cursors: &mut [Cursor]) -> Result<PlacedDay, PlanError> {
        let (start, end) = bounds(&self.zone, date)?;
        let mut day = PlacedDay { date, start, end, placements: Vec::new(), crowded: Vec::new() };
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let mut taken = Taken::default();
        for layer in &self.week[weekday] {
            let mut more = Vec::new();
            for (index, block) in layer.iter().enumerate() {
                let from = instant(&self.zone, date, block.start)?.0;
                let next = match layer.get(index + 1) {
                    Some(next) => instant(&self.zone, date, next.start)?.0,
                    None => end.0,
                };
                let to = match block.until {
                    Some(until) => instant(&self.zone, date, until)?.0.min(next),
                    None => next,
                };
                let first = day.placements.len();
                self.place_block(block, from..to, &taken, cursors, &mut day);
                if block.until.is_some() {
                    more.push(from..to);
                } else {
                    more.extend(day.placements[first..].iter().map(|p| p.start.0..p.end().0));
                }
            }
            taken.add(more);
        }
        day.placements.sort_by_key(|p| p.start);
        Ok(day)
    }

    fn place_block(
        &self,
        block: &ResolvedBlock,
        window: Range<i64>,
        taken: &Taken,
        cursors: &mut [Cursor],
        day: &mut PlacedDay,
    ) {
        let cycling = block.until.is_some();
        let count = block.slots.len();
        let mut at = window.start;
        let (mut turn, mut misses) = (0, 0);
        // Every round either moves `at` by a grid step or counts a miss, and misses are bounded by `count`.
        while at < window.end && (cycling || turn < count) {
            if cycling && let Some(end) = taken.end_of_stretch_at(at) {
                at = end;
                continue;
            }
            let slot = block.slots.start + turn % count;
            let pool = &self.pools[self.slots[slot].pool];
            let cursor = &mut cursors[self.slots[slot].pool];
            let limit = match taken.next_start_from(at) {
                Some(next) if cycling => next.min(window.end),
                _ => window.end,
            };
            let next = pool.peek(cursor);
            let fits = at + pool.lengths[next] <= limit;
            let asset = if fits { Some(next) } else { pool.fitting(cursor, limit - at, at) };
            let Some(asset) = asset else {
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
            let length = pool.lengths[asset];
            // A programme of a general rule gives way to what a specific rule has placed, and waits for
            // its next turn.
            if cycling || !taken.touches(&(at..at + length)) {
                if fits {
                    pool.take(cursor, asset);
                }
                day.placements.push(Placement { start: UtcMs(at), length: Millis(length), slot, asset });
            }
            at += length;
            (turn, misses) = (turn + 1, 0);
        }
        if !cycling {
            day.crowded
                .extend((turn..count).map(|t| Crowded { slot: block.slots.start + t, start: UtcMs(at) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_stretches_merge_and_answer() {
        let mut taken = Taken::default();
        taken.add(vec![50..60, 10..20, 20..30, 5..5]);
        taken.add(vec![55..70, 90..90]);
        assert_eq!(taken.0, [10..30, 50..70]);
        assert_eq!((taken.end_of_stretch_at(10), taken.end_of_stretch_at(30)), (Some(30), None));
        assert_eq!(
            (taken.next_start_from(31), taken.next_start_from(50), taken.next_start_from(51)),
            (Some(50), Some(50), None)
        );
        assert!(taken.touches(&(29..31)) && !taken.touches(&(30..50)) && taken.touches(&(0..100)));
    }
}
