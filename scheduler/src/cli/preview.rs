//! `retrovue schedule preview`: what is planned, as it compiles now.

use super::output::{put_json, put_lines};
use super::planned::Planned;
use super::{Exit, Failure, Whereabouts};
use crate::plan::GuideEvent;
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;

/// Most days that one preview shows.
pub(super) const MOST_DAYS: u8 = 31;

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// The channel's name or number
    channel: String,
    /// How many broadcast days, 06:00 to 06:00
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_DAYS)))]
    days: u8,
    /// The first of them [default: the one it is now]
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct Preview<'a> {
    channel: &'a str,
    timezone: &'a str,
    days: Vec<Day>,
}

#[derive(Serialize)]
struct Day {
    broadcast_day: String,
    programmes: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    start_at: String,
    end_at: String,
    #[serde(flatten)]
    event: GuideEvent,
}

pub(super) fn run(args: &PreviewArgs) -> Result<Exit, Failure> {
    let planned = Planned::open(&args.whereabouts)?;
    let id = &planned.channel(&args.channel)?.id;
    let programming = &planned.programming;
    let zone = programming.zone(id)?;
    let first = match args.from {
        Some(day) => day,
        None => programming.day_of(id, Timestamp::now())?,
    };
    let mut days = Vec::with_capacity(usize::from(args.days));
    for step in 0..args.days {
        let day = first.checked_add(i64::from(step).days()).map_err(|e| Failure::new(Exit::Failed, e))?;
        let (from, to) = programming.day_bounds(id, day)?;
        let events = programming.guide(id, from, to)?;
        let line = |event: GuideEvent| Line {
            start_at: local(zone, event.start),
            end_at: local(zone, event.end),
            event,
        };
        days.push(Day { broadcast_day: day.to_string(), programmes: events.into_iter().map(line).collect() });
    }
    let timezone = zone.iana_name().unwrap_or("UTC");
    if args.json {
        return put_json(&Preview { channel: id, timezone, days });
    }
    put_lines(days.iter().flat_map(|day| {
        let head = format!("{id}  {}  {timezone}", day.broadcast_day);
        std::iter::once(head).chain(day.programmes.iter().map(shown))
    }))
}

fn shown(line: &Line) -> String {
    let number = match (line.event.season, line.event.episode) {
        (Some(s), Some(e)) => format!(" S{s:02}E{e:02}"),
        _ => String::new(),
    };
    let subtitle = line.event.subtitle.as_deref().map(|s| format!(" – {s}")).unwrap_or_default();
    format!(
        "  {}  {}  {:>8}  {}{number}{subtitle}",
        wall(&line.start_at),
        wall(&line.end_at),
        span(line.event.end.since(line.event.start)),
        line.event.title
    )
}

/// The time of day of a local instant, to the minute where nothing is behind that.
pub(super) fn wall(local: &str) -> &str {
    let time = local.get(11..19).unwrap_or(local);
    time.strip_suffix(":00").unwrap_or(time)
}

fn span(Millis(ms): Millis) -> String {
    format!("{}:{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60)
}

/// An instant on the channel's clock, with its offset.
pub(super) fn local(zone: &TimeZone, at: UtcMs) -> String {
    Timestamp::from_millisecond(at.0)
        .map(|t| t.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_long_as_they_must_be() {
        assert_eq!(wall("2026-11-21T20:00:00-05:00"), "20:00");
        assert_eq!(wall("2026-11-21T20:00:10-05:00"), "20:00:10");
        assert_eq!(span(Millis(5_405_000)), "1:30:05");
    }
}
