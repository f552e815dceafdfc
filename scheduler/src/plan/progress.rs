//! How far a channel's runs have come on a date, counted from the anchor. What was counted is remembered, a bounded
//! number of dates; losing it costs time, never an answer.

use super::PlanError;
use super::broadcast_day::later;
use super::day_clock::DayClock;
use super::line_up::{Cursors, LineUp};
use super::place::{PlacedDay, Witness};
use jiff::civil::Date;
use std::collections::{BTreeMap, VecDeque};

/// Dates remembered of those that were asked for.
const RECENT: usize = 8;

/// On a long way one date of this many days is remembered, so that the way is gone once.
const STRIDE: i32 = 512;

/// Strides remembered: those of a whole run.
const STRIDES: usize = 72;

/// Progress of one channel.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    recent: VecDeque<(Date, Cursors)>,
    strides: BTreeMap<Date, Cursors>,
}

impl Progress {
    /// Places the day of a date.
    pub(crate) fn place(&mut self, line_up: &LineUp, date: Date) -> Result<PlacedDay, PlanError> {
        let mut cursors = self.reach(line_up, date)?;
        let frame = DayClock::new(&line_up.zone).day(date)?;
        let placed = line_up.place_day(&frame, &mut cursors, None)?;
        let tomorrow = later(date, 1)?;
        if line_up.run_start(tomorrow)? == line_up.run_start(date)? {
            self.remember(tomorrow, &cursors);
        }
        Ok(placed)
    }

    /// The same, with the choices.
    pub(crate) fn witness(
        &mut self,
        line_up: &LineUp,
        date: Date,
    ) -> Result<(PlacedDay, Witness), PlanError> {
        let mut cursors = self.reach(line_up, date)?;
        let frame = DayClock::new(&line_up.zone).day(date)?;
        let mut witness = Witness::default();
        let placed = line_up.place_day(&frame, &mut cursors, Some(&mut witness))?;
        Ok((placed, witness))
    }

    /// Cursors as they stand where the day of a date begins.
    fn reach(&mut self, line_up: &LineUp, date: Date) -> Result<Cursors, PlanError> {
        let run = line_up.run_start(date)?;
        let known = |found: Option<(&Date, &Cursors)>| found.map(|(at, cursors)| (*at, cursors.clone()));
        let stride = known(self.strides.range(run..=date).next_back());
        let recent = self.recent.iter().filter(|(at, _)| (run..=date).contains(at)).max_by_key(|(at, _)| *at);
        let recent = known(recent.map(|(at, cursors)| (at, cursors)));
        let nearest = [stride, recent].into_iter().flatten().max_by_key(|(at, _)| *at);
        let (mut at, mut cursors) = nearest.unwrap_or_else(|| (run, line_up.fresh_cursors()));
        let mut clock = DayClock::new(&line_up.zone);
        let mut gone = 0;
        while at < date {
            line_up.place_day(&clock.day(at)?, &mut cursors, None)?;
            at = later(at, 1)?;
            gone += 1;
            if gone % STRIDE == 0 {
                self.strides.insert(at, cursors.slim());
                if self.strides.len() > STRIDES {
                    self.strides.pop_first();
                }
            }
        }
        self.remember(date, &cursors);
        Ok(cursors)
    }

    fn remember(&mut self, date: Date, cursors: &Cursors) {
        self.recent.retain(|(known, _)| *known != date);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((date, cursors.slim()));
    }
}
