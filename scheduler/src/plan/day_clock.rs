//! Broadcast days one after the other, without asking the zone for each: between two changes of the clocks a wall
//! time is an addition. A run is counted over years of days, and looking up each of them in the zone would
//! be most of that.

use super::PlanError;
use super::broadcast_day::{bounds, instant};
use crate::dsl::{BROADCAST_DAY_HOUR, WallTime};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use retrovue_timebase::UtcMs;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Farther than this from a change of the clocks a wall time is what the offset says: no zone is farther than 26
/// hours from UTC, nor changes by more.
const CLEAR: i64 = 26 * HOUR;

/// The clock of one channel's zone.
#[derive(Debug, Clone)]
pub(crate) struct DayClock<'z> {
    zone: &'z TimeZone,
    /// The stretch between two changes that was looked up last, in UTC, and its offset in milliseconds.
    from: i64,
    to: i64,
    offset: i64,
}

/// One broadcast day.
#[derive(Debug, Clone)]
pub(crate) struct DayFrame<'z> {
    zone: &'z TimeZone,
    pub(crate) date: Date,
    /// In days since 1970.
    pub(crate) number: i32,
    pub(crate) start: UtcMs,
    pub(crate) end: UtcMs,
    /// Whether the clocks stand still for the whole of it.
    even: bool,
}

impl<'z> DayClock<'z> {
    pub(crate) fn new(zone: &'z TimeZone) -> DayClock<'z> {
        DayClock { zone, from: 0, to: 0, offset: 0 }
    }

    /// The broadcast day of a date.
    pub(crate) fn day(&mut self, day: Date) -> Result<DayFrame<'z>, PlanError> {
        let number = day_number(day);
        let start = i64::from(number) * DAY + BROADCAST_DAY_HOUR * HOUR - self.offset;
        let clear = start.saturating_sub(CLEAR) >= self.from && start.saturating_add(DAY + CLEAR) <= self.to;
        if clear && bounds_known(day) {
            let (start, end) = (UtcMs(start), UtcMs(start + DAY));
            return Ok(DayFrame { zone: self.zone, date: day, number, start, end, even: true });
        }
        let (start, end) = bounds(self.zone, day)?;
        self.look_up(start);
        let even = self.from <= start.0 && end.0 <= self.to && end.since(start).0 == DAY;
        Ok(DayFrame { zone: self.zone, date: day, number, start, end, even })
    }

    fn look_up(&mut self, at: UtcMs) {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return };
        let after = at.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        let change = |found: Option<Timestamp>, else_: i64| found.map_or(else_, |t| t.as_millisecond());
        self.from = change(self.zone.preceding(after).next().map(|t| t.timestamp()), i64::MIN);
        self.to = change(self.zone.following(at).next().map(|t| t.timestamp()), i64::MAX);
        self.offset = i64::from(self.zone.to_offset(at).seconds()) * 1000;
    }
}

impl DayFrame<'_> {
    /// The instant at which the wall clock shows `time` on this day.
    pub(crate) fn instant(&self, time: WallTime) -> Result<i64, PlanError> {
        if self.even {
            return Ok(self.start.0 + time.seconds() * 1000);
        }
        Ok(instant(self.zone, self.date, time)?.0)
    }

    /// The first instant from `at` on that is a line of the grid on the wall clock. Differs from `at` only after a
    /// change of the clocks by less than the grid, as on Lord Howe.
    pub(crate) fn on_grid(&self, at: i64, grid_ms: i64) -> i64 {
        if self.even {
            return at;
        }
        let off = |at: i64| {
            let offset =
                Timestamp::from_millisecond(at).map_or(0, |t| i64::from(self.zone.to_offset(t).seconds()));
            (at + offset * 1000).rem_euclid(grid_ms)
        };
        match off(at) {
            0 => at,
            // Once more where the step itself goes over the change.
            over => match off(at + grid_ms - over) {
                0 => at + grid_ms - over,
                again => at + 2 * grid_ms - over - again,
            },
        }
    }
}

fn bounds_known(day: Date) -> bool {
    (1900..=8999).contains(&day.year())
}

/// A date in days since 1970.
pub(crate) fn day_number(day: Date) -> i32 {
    (day - date(1970, 1, 1)).get_days()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::broadcast_day::later;
    use proptest::prelude::*;

    const ZONES: [&str; 8] = [
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Pacific/Apia",
        "Antarctica/Troll",
        "UTC",
    ];

    proptest! {
        #[test]
        fn days_are_those_of_the_zone(which in 0usize..8, from in -20_000i32..40_000, steps in proptest::collection::vec(1i32..40, 1..40)) {
            let zone = TimeZone::get(ZONES[which]).unwrap();
            let mut clock = DayClock::new(&zone);
            let mut day = later(date(1970, 1, 1), from).unwrap();
            for step in steps {
                day = later(day, step).unwrap();
                let frame = clock.day(day).unwrap();
                prop_assert_eq!((frame.start, frame.end), bounds(&zone, day).unwrap(), "{} {}", ZONES[which], day);
                for hours in [0i64, 13, 19, 20, 21, 22] {
                    let time = WallTime::read(&format!("{:02}:30", (hours + 6) % 24)).unwrap();
                    prop_assert_eq!(frame.instant(time).unwrap(), instant(&zone, day, time).unwrap().0);
                }
            }
        }
    }
}
