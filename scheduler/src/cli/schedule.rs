//! `retrovue schedule`: what is planned and was, and why.

use super::output::{put_json, put_lines};
use super::planned::Planned;
use super::preview::{self, PreviewArgs};
use super::revisions::{self, ListArgs, RebuildArgs, ShowArgs};
use super::{Exit, Failure, Whereabouts};
use crate::plan::Explanation;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use retrovue_timebase::UtcMs;

/// Commands under `schedule`.
#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// List the schedules that were recorded: by channel and broadcast day, each with its revisions
    List(ListArgs),
    /// Print a broadcast day's schedule as it was recorded last
    Show(ShowArgs),
    /// Print what is planned, as it compiles now
    Preview(PreviewArgs),
    /// Compile the coming days anew, say what changes, and record them
    Rebuild(RebuildArgs),
    /// Say why a channel airs what it airs
    Explain(ExplainArgs),
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The channel's name or number
    channel: String,
    /// When: 2026-12-24T20:15 on the channel's clock, or 2026-12-24T20:15:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

pub(super) fn run(command: ScheduleCommand) -> Result<Exit, Failure> {
    match command {
        ScheduleCommand::List(args) => revisions::list(&args),
        ScheduleCommand::Show(args) => revisions::show(&args),
        ScheduleCommand::Preview(args) => preview::run(&args),
        ScheduleCommand::Rebuild(args) => revisions::rebuild(&args),
        ScheduleCommand::Explain(args) => explain(&args),
    }
}

fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    let planned = Planned::open(&args.whereabouts)?;
    let channel = &planned.channel(&args.channel)?.id;
    let zone = planned.programming.zone(channel)?;
    let at = match &args.at {
        None => Timestamp::now(),
        Some(text) => read_instant(text, zone).ok_or_else(|| {
            let message =
                format!("\"{text}\" is no instant; write 2026-12-24T20:15, or 2026-12-24T20:15:00Z");
            Failure::new(Exit::Usage, message)
        })?,
    };
    let explanation = planned.programming.explain(channel, UtcMs(at.as_millisecond()))?;
    if args.json { put_json(&explanation) } else { put_lines(lines(&explanation)) }
}

/// With an offset as it says, without one on the channel's clock.
pub(super) fn read_instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let wall: DateTime = text.parse().ok()?;
    zone.to_ambiguous_timestamp(wall).compatible().ok()
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let title = explanation.title.as_deref().unwrap_or("filler");
    let id = explanation.asset_id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let mut lines = vec![
        format!("{}  {}", explanation.channel, explanation.at),
        format!("{title}{id}, from {} to {}", explanation.start_at, explanation.end_at),
    ];
    lines.extend(explanation.sentences.iter().map(|sentence| format!("  {sentence}")));
    if let Some(pool) = &explanation.pool {
        lines.extend(pool.turned_away.iter().map(|away| {
            format!("  Not in the pool, {} of {}: {}.", away.count, away.assets.join(", "), away.why)
        }));
    }
    lines.extend(explanation.passed_over.iter().map(|line| format!("  Passed over: {line}.")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc_where_they_say_so_and_else_on_the_channels_clock() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (text, expect) in [
            ("2026-12-24T20:15", Some("2026-12-25T01:15:00Z")),
            ("2026-12-24 20:15:30", Some("2026-12-25T01:15:30Z")),
            ("2026-12-24T20:15:00Z", Some("2026-12-24T20:15:00Z")),
            ("2026-12-24T20:15:00+01:00", Some("2026-12-24T19:15:00Z")),
            ("yesterday", None),
        ] {
            assert_eq!(read_instant(text, &zone).map(|t| t.to_string()).as_deref(), expect, "{text}");
        }
    }
}
