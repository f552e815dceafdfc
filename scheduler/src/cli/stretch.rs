//! A stretch of a channel's history: which channel, from when to when, in which zone its clock is read.

use super::schedule::read_instant;
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{Catalog, ChannelRecord};
use crate::dsl::{BROADCAST_DAY_HOUR, examine_channel};
use crate::yaml::Document;
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use retrovue_timebase::UtcMs;

/// The options that say which stretch.
#[derive(Debug, Args)]
pub(super) struct StretchArgs {
    /// The channel's name
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// From when: 2026-12-24T20:15 on the channel's clock, or 2026-12-24T20:15:00Z
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// Until when, exclusive [default: the end of the broadcast day it is now]
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// The broadcast day, 06:00 to 06:00 [default: the one it is now]
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "to"])]
    day: Option<Date>,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// A stretch of one channel.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) catalog: Catalog,
    pub(super) channel: ChannelRecord,
    pub(super) zone: TimeZone,
    pub(super) from: UtcMs,
    pub(super) until: UtcMs,
}

impl StretchArgs {
    /// Opens the catalog and finds the channel; its zone is the one in its file, UTC where there is none.
    pub(super) fn open(&self) -> Result<Stretch, Failure> {
        let catalog = self.whereabouts.catalog()?;
        let channel = catalog.channel(&self.channel)?;
        let zone = self.zone()?;
        let today = broadcast_day(&zone, Timestamp::now());
        let (from, until) = match self.day {
            Some(day) => bounds(&zone, day)?,
            None => {
                let (begin, end) = bounds(&zone, today)?;
                let at = |text: &Option<String>| text.as_ref().map(|text| instant(text, &zone)).transpose();
                let until = at(&self.to)?.unwrap_or(end);
                let from = match at(&self.from)? {
                    Some(from) => from,
                    None if until > begin => begin,
                    // An end before today: the whole of the day it is in.
                    None => {
                        let last = Timestamp::from_millisecond(until.0 - 1).unwrap_or(Timestamp::MIN);
                        bounds(&zone, broadcast_day(&zone, last))?.0
                    }
                };
                (from, until)
            }
        };
        if from >= until {
            return Err(Failure::new(Exit::Usage, "--from is not before --to"));
        }
        Ok(Stretch { catalog, channel, zone, from, until })
    }

    fn zone(&self) -> Result<TimeZone, Failure> {
        let Some(config) = self.whereabouts.station_if_any()? else { return Ok(TimeZone::UTC) };
        let found = config.channels.iter().find_map(|path| {
            let (spec, _) = examine_channel(Document::read(path).ok()?);
            spec.filter(|spec| spec.id == self.channel)
        });
        Ok(found.map_or(TimeZone::UTC, |spec| spec.zone))
    }
}

impl Stretch {
    /// The instant on the channel's clock, with its offset: `2026-12-24T20:15:00.033-05:00`.
    pub(super) fn local(&self, at: UtcMs) -> String {
        match Timestamp::from_millisecond(at.0) {
            Ok(t) => t.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            Err(_) => at.to_string(),
        }
    }

    /// Date and time on the channel's clock, for people.
    pub(super) fn clock(&self, at: UtcMs) -> String {
        self.local(at).get(..23).unwrap_or_default().replace('T', " ")
    }

    /// Name of the zone.
    pub(super) fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// An instant as the options have it.
    pub(super) fn instant(&self, text: &str) -> Result<UtcMs, Failure> {
        instant(text, &self.zone)
    }
}

fn instant(text: &str, zone: &TimeZone) -> Result<UtcMs, Failure> {
    let at = read_instant(text, zone).ok_or_else(|| {
        let message = format!("\"{text}\" is no instant; write 2026-12-24T20:15, or 2026-12-24T20:15:00Z");
        Failure::new(Exit::Usage, message)
    })?;
    Ok(UtcMs(at.as_millisecond()))
}

/// The day whose programme is on at an instant.
fn broadcast_day(zone: &TimeZone, at: Timestamp) -> Date {
    let local = zone.to_datetime(at);
    let begun = i64::from(local.hour()) >= BROADCAST_DAY_HOUR;
    if begun { local.date() } else { local.date().saturating_sub(1.days()) }
}

fn bounds(zone: &TimeZone, day: Date) -> Result<(UtcMs, UtcMs), Failure> {
    let begin = |day: Date| {
        let hour = i8::try_from(BROADCAST_DAY_HOUR).unwrap_or_default();
        let found = zone.to_ambiguous_timestamp(day.at(hour, 0, 0, 0)).compatible();
        let out = || Failure::new(Exit::Usage, format!("{day} lies outside the calendar"));
        found.map(|t| UtcMs(t.as_millisecond())).map_err(|_| out())
    };
    Ok((begin(day)?, begin(day.saturating_add(1.days()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_broadcast_day_is_from_six_to_six_also_when_the_clocks_change() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (at, day, hours) in [
            ("2026-07-05T09:59:59Z", date(2026, 7, 4), 24),
            ("2026-07-05T10:00:00Z", date(2026, 7, 5), 24),
            ("2026-03-08T08:00:00Z", date(2026, 3, 7), 23),
            ("2026-11-01T08:00:00Z", date(2026, 10, 31), 25),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(broadcast_day(&zone, at), day, "{at}");
            let (from, until) = bounds(&zone, day).unwrap();
            assert!(from.0 <= at.as_millisecond() && at.as_millisecond() < until.0, "{at}");
            assert_eq!(until.since(from).0, hours * 3_600_000, "{day}");
        }
    }
}
