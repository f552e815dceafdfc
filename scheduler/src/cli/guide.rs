//! `retrovue guide`.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::Catalog;
use crate::plan::{GuideEvent, Programming};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

/// Arguments of `guide`.
#[derive(Debug, Args)]
pub(super) struct GuideArgs {
    /// The channel's name
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
    let config = args.whereabouts.station()?;
    let mut catalog = Catalog::open(&config.data_dir)?;
    let (programming, _) = Programming::open(&config, &mut catalog)?;
    let zone = programming.zone(&args.channel).map_err(|e| {
        let known: Vec<&str> = programming.channels().iter().map(|c| c.id.as_str()).collect();
        Failure::new(Exit::Failed, format!("{e}; it has {}", known.join(", ")))
    })?;
    let day = match args.day {
        Some(day) => day,
        None => programming.day_of(&args.channel, Timestamp::now())?,
    };
    let (from, to) = programming.day_bounds(&args.channel, day)?;
    let events = programming.guide(&args.channel, from, to)?;
    let local = |at: retrovue_timebase::UtcMs| {
        Timestamp::from_millisecond(at.0)
            .map(|t| t.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
            .unwrap_or_default()
    };
    let lines: Vec<GuideLine> = events
        .into_iter()
        .map(|event| GuideLine { start_at: local(event.start), end_at: local(event.end), event })
        .collect();
    if args.json {
        return put_json(&Guide {
            channel: &args.channel,
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
