//! Broadcast days as stretches of UTC: 06:00 to 06:00 on the channel's wall clock (seed 004, Time Model).
//!
//! Where the clocks go forward, a time that does not exist is the instant of the change; where they go
//! back, a time that exists twice is the first. Both keep every later time where the wall clock has it,
//! and one day ends where the next begins on every date.

use super::PlanError;
use crate::dsl::{BROADCAST_DAY_HOUR, WallTime};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use retrovue_timebase::UtcMs;

/// Years planned for. Outside them the zone data says nothing useful and date arithmetic may overflow.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=9000;

/// First and last instant of `date`'s broadcast day, the last exclusive.
pub(crate) fn bounds(zone: &TimeZone, date: Date) -> Result<(UtcMs, UtcMs), PlanError> {
    Ok((instant(zone, date, WallTime::DAY_START)?, instant(zone, date, WallTime::DAY_END)?))
}

/// The instant at which a wall clock in `zone` shows `time` on the broadcast day of `date`.
pub(crate) fn instant(zone: &TimeZone, date: Date, time: WallTime) -> Result<UtcMs, PlanError> {
    let out = || PlanError::OutOfCalendar { date: date.to_string() };
    if !YEARS.contains(&date.year()) {
        return Err(out());
    }
    let begin = date.at(0, 0, 0, 0);
    let since_midnight = SignedDuration::from_secs(BROADCAST_DAY_HOUR * 3600 + time.seconds());
    let wall: DateTime = begin.checked_add(since_midnight).map_err(|_| out())?;
    let found = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall),
        AmbiguousOffset::Fold { before, .. } => offset_first(before, wall),
        AmbiguousOffset::Gap { before, .. } => {
            let late = before.to_timestamp(wall).map_err(|_| out())?;
            let after = late.checked_add(SignedDuration::from_nanos(1)).map_err(|_| out())?;
            Ok(zone.preceding(after).next().map_or(late, |change| change.timestamp()))
        }
    };
    found.map(|t| UtcMs(t.as_millisecond())).map_err(|_| out())
}

fn offset_first(before: jiff::tz::Offset, wall: DateTime) -> Result<Timestamp, jiff::Error> {
    before.to_timestamp(wall)
}

/// The broadcast day an instant belongs to.
pub(crate) fn day_of(zone: &TimeZone, at: UtcMs) -> Result<Date, PlanError> {
    let out = || PlanError::OutOfCalendar { date: format!("{at} since 1970") };
    let timestamp = Timestamp::from_millisecond(at.0).map_err(|_| out())?;
    let local = zone.to_datetime(timestamp).date();
    if !YEARS.contains(&local.year()) {
        return Err(out());
    }
    for step in [0, -1, 1] {
        let date = local.checked_add(step.days()).map_err(|_| out())?;
        let (start, end) = bounds(zone, date)?;
        if start <= at && at < end {
            return Ok(date);
        }
    }
    Err(out())
}

/// The date `days` later.
pub(crate) fn later(date: Date, days: i32) -> Result<Date, PlanError> {
    date.checked_add(days.days()).map_err(|_| PlanError::OutOfCalendar { date: date.to_string() })
}

/// The instant as the channel's clock shows it, with its offset: `1989-10-12T20:00:00-04:00`.
pub(crate) fn local_text(zone: &TimeZone, at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(t) => t.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn hours(zone: &TimeZone, day: Date) -> i64 {
        let (start, end) = bounds(zone, day).unwrap();
        end.since(start).0 / 3_600_000
    }

    #[test]
    fn days_are_a_day_long_but_for_the_changes() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (day, expect) in [
            (date(2026, 3, 6), 24),
            (date(2026, 3, 7), 23),
            (date(2026, 3, 8), 24),
            (date(2026, 10, 31), 25),
            (date(2026, 11, 1), 24),
        ] {
            assert_eq!(hours(&zone, day), expect, "{day}");
        }
    }

    #[test]
    fn times_in_the_spring_gap_are_the_change_and_in_the_autumn_fold_the_first() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at = |day, text| local_text(&zone, instant(&zone, day, WallTime::read(text).unwrap()).unwrap());
        assert_eq!(at(date(2026, 3, 7), "01:30"), "2026-03-08T01:30:00-05:00");
        assert_eq!(at(date(2026, 3, 7), "02:00"), "2026-03-08T03:00:00-04:00");
        assert_eq!(at(date(2026, 3, 7), "02:30"), "2026-03-08T03:00:00-04:00");
        assert_eq!(at(date(2026, 3, 7), "03:00"), "2026-03-08T03:00:00-04:00");
        assert_eq!(at(date(2026, 10, 31), "01:30"), "2026-11-01T01:30:00-04:00");
        assert_eq!(at(date(2026, 10, 31), "02:00"), "2026-11-01T02:00:00-05:00");
    }

    #[test]
    fn every_instant_has_one_day_even_where_a_date_was_left_out() {
        for name in ["Pacific/Apia", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"] {
            let zone = TimeZone::get(name).unwrap();
            let first = date(2011, 12, 27);
            let mut expect = bounds(&zone, first).unwrap().0;
            for step in 0..8 {
                let day = later(first, step).unwrap();
                let (start, end) = bounds(&zone, day).unwrap();
                assert_eq!(start, expect, "{name} {day}");
                expect = end;
                for at in [start.0, (start.0 + end.0) / 2, end.0 - 1] {
                    if start < end {
                        assert_eq!(day_of(&zone, UtcMs(at)).unwrap(), day, "{name}");
                    }
                }
            }
        }
    }
}
