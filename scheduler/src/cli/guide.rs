//! `retrovue guide`.

use super::output::{put_json, put_lines};
use super::planned::Planned;
use super::preview::local;
use super::{Exit, Failure, Whereabouts};
use crate::plan::GuideEvent;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

/// Arguments of `guide`.
#[derive(Debug, Args)]
pub(super) struct GuideArgs {
    /// The channel's name or number
    channel: String,
    /// The broadcast day, 06:00 to 06:00 [default: the one it is now]
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct Guide<'a> {
    channel: &'a str,
    broadcast_day: String,
    timezone: String,
    events: Vec<GuideLine>,
}

#[derive(Serialize)]
struct GuideLine {
    start_at: String,
    end_at: String,
    #[serde(flatten)]
    event: GuideEvent,
}

pub(super) fn run(args: GuideArgs) -> Result<Exit, Failure> {
    let planned = Planned::open(&args.whereabouts)?;
    let channel = &planned.channel(&args.channel)?.id;
    let programming = &planned.programming;
    let zone = programming.zone(channel)?;
    let day = match args.day {
        Some(day) => day,
        None => programming.day_of(channel, Timestamp::now())?,
    };
    let (from, to) = programming.day_bounds(channel, day)?;
    let events = programming.guide(channel, from, to)?;
    let lines: Vec<GuideLine> = events
        .into_iter()
        .map(|event| GuideLine { start_at: local(zone, event.start), end_at: local(zone, event.end), event })
        .collect();
    if args.json {
        return put_json(&Guide {
            channel,
            broadcast_day: day.to_string(),
            timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
            events: lines,
        });
    }
    put_lines(lines.iter().map(|line| {
        let number = match (line.event.season, line.event.episode) {
            (Some(s), Some(e)) => format!(" S{s:02}E{e:02}"),
            _ => String::new(),
        };
        let subtitle = line.event.subtitle.as_deref().map(|s| format!(" – {s}")).unwrap_or_default();
        format!("{}  {}{number}{subtitle}", line.start_at.get(11..19).unwrap_or_default(), line.event.title)
    }))
}
