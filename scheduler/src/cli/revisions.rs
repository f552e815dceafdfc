//! `retrovue schedule list`, `show` and `rebuild`: schedules as they were recorded, and beside them what compiles now.

use super::output::{put_json, put_lines};
use super::planned::Planned;
use super::preview::{MOST_DAYS, local, wall};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::ScheduleRevision;
use crate::plan::{Change, ChannelInfo, ProgramSchedule, RecordedSchedule, ScheduledProgramme, changes};
use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use retrovue_timebase::UtcMs;
use serde::Serialize;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The channel's name or number; all when none is named
    channel: Option<String>,
    /// Only this broadcast day
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The channel's name or number
    channel: String,
    /// The broadcast day, 06:00 to 06:00 [default: the one it is now]
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// This revision of it [default: the latest]
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// Arguments of `rebuild`.
#[derive(Debug, Args)]
pub(super) struct RebuildArgs {
    /// The channel's name or number
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    channel: Option<String>,
    /// Every channel of the station
    #[arg(long)]
    all: bool,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// How many broadcast days, from the one it is now
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_DAYS)))]
    days: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct ChannelRevisions<'a> {
    channel: &'a str,
    revisions: Vec<RevisionShown>,
}

#[derive(Serialize)]
struct RevisionShown {
    #[serde(flatten)]
    revision: ScheduleRevision,
    made_at: String,
    /// Whether no later one replaces it.
    latest: bool,
}

#[derive(Serialize)]
struct DayShown {
    channel: String,
    broadcast_day: String,
    timezone: String,
    /// Absent where the day was never recorded: then it is what compiles now.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<ScheduleRevision>,
    programmes: Vec<ScheduledProgramme>,
}

#[derive(Serialize)]
struct Rebuilt {
    dry_run: bool,
    days: Vec<RebuiltDay>,
}

#[derive(Serialize)]
struct RebuiltDay {
    channel: String,
    broadcast_day: String,
    /// The revision compared with; absent where the day was never recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    /// The revision recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<i64>,
    hash: String,
    changed: bool,
    programmes: usize,
    changes: Vec<Change>,
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let planned = Planned::open(&args.whereabouts)?;
    let channels = match &args.channel {
        Some(which) => vec![planned.channel(which)?.clone()],
        None => planned.programming.channels().to_vec(),
    };
    let mut all = Vec::new();
    for channel in &channels {
        let zone = planned.programming.zone(&channel.id)?;
        let mut revisions = planned.catalog.all_revisions(channel.channel_id)?;
        revisions.retain(|r| args.day.is_none_or(|day| r.broadcast_day == day.to_string()));
        let last: Vec<bool> = revisions
            .iter()
            .enumerate()
            .map(|(place, r)| {
                revisions.get(place + 1).is_none_or(|next| next.broadcast_day != r.broadcast_day)
            })
            .collect();
        let shown = |(revision, latest): (ScheduleRevision, bool)| RevisionShown {
            made_at: local(zone, revision.made_ms),
            latest,
            revision,
        };
        let revisions = revisions.into_iter().zip(last).map(shown).collect();
        all.push(ChannelRevisions { channel: &channel.id, revisions });
    }
    if args.json {
        return put_json(&serde_json::json!({ "channels": all }));
    }
    if all.iter().all(|channel| channel.revisions.is_empty()) {
        let message = "nothing is recorded yet: a running station records its schedules, and so does \
                       `retrovue schedule rebuild`";
        return put_lines([message.to_owned()]);
    }
    put_lines(all.iter().flat_map(|channel| {
        channel.revisions.iter().map(|shown| {
            let hash = shown.revision.hash.get(..19).unwrap_or(&shown.revision.hash);
            let latest = if shown.latest { "  latest" } else { "" };
            format!(
                "{:<20}  {}  revision {:>5}  made {}  {hash}{latest}",
                channel.channel, shown.revision.broadcast_day, shown.revision.revision_id, shown.made_at
            )
        })
    }))
}

pub(super) fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let planned = Planned::open(&args.whereabouts)?;
    let channel = planned.channel(&args.channel)?;
    let zone = planned.programming.zone(&channel.id)?;
    let day = match args.day {
        Some(day) => day,
        None => planned.programming.day_of(&channel.id, Timestamp::now())?,
    };
    let recorded = planned.catalog.recorded_schedule(channel.channel_id, &day.to_string(), args.revision)?;
    let (revision, programmes) = match (recorded, args.revision) {
        (Some((revision, text)), _) => {
            let programmes = read_recorded(&revision, &text)?;
            (Some(revision), programmes)
        }
        (None, Some(revision)) => {
            let message = format!(
                "there is no revision {revision} of {day} on {}; `retrovue schedule list {0}` shows them",
                channel.id
            );
            return Err(Failure::new(Exit::Failed, message));
        }
        (None, None) => (None, programmes_of(&planned.programming.program_schedule(&channel.id, day)?)),
    };
    let shown = DayShown {
        channel: channel.id.clone(),
        broadcast_day: day.to_string(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        revision,
        programmes,
    };
    if args.json {
        return put_json(&shown);
    }
    let source = match &shown.revision {
        Some(r) => format!("revision {}, made {}", r.revision_id, local(zone, r.made_ms)),
        None => "not recorded yet; as it compiles now".to_owned(),
    };
    let head = format!("{}  {}  {}  {source}", shown.channel, shown.broadcast_day, shown.timezone);
    put_lines(std::iter::once(head).chain(shown.programmes.iter().map(|p| format!("  {}", line(p)))))
}

pub(super) fn rebuild(args: &RebuildArgs) -> Result<Exit, Failure> {
    let mut planned = Planned::open(&args.whereabouts)?;
    let channels = match &args.channel {
        Some(which) => vec![planned.channel(which)?.clone()],
        None => planned.programming.channels().to_vec(),
    };
    let now = Timestamp::now();
    let mut days = Vec::new();
    for channel in &channels {
        let first = planned.programming.day_of(&channel.id, now)?;
        for step in 0..args.days {
            let day = first.checked_add(i64::from(step).days()).map_err(|e| Failure::new(Exit::Failed, e))?;
            days.push(rebuild_day(&mut planned, channel, day, now, args.dry_run)?);
        }
    }
    let rebuilt = Rebuilt { dry_run: args.dry_run, days };
    if args.json { put_json(&rebuilt) } else { put_lines(told(&rebuilt)) }
}

fn rebuild_day(
    planned: &mut Planned,
    channel: &ChannelInfo,
    day: Date,
    now: Timestamp,
    dry_run: bool,
) -> Result<RebuiltDay, Failure> {
    let schedule = planned.programming.program_schedule(&channel.id, day)?;
    let programmes = programmes_of(&schedule);
    let broadcast_day = day.to_string();
    let before = planned.catalog.recorded_schedule(channel.channel_id, &broadcast_day, None)?;
    let was = match &before {
        Some((revision, text)) => read_recorded(revision, text)?,
        None => Vec::new(),
    };
    // The hash also tells what no programme shows: another seed or order of selection.
    let changed = before.as_ref().is_none_or(|(revision, _)| revision.hash != schedule.hash);
    let mut recorded = None;
    if !dry_run && changed {
        let text = serde_json::to_string(&schedule)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let made = UtcMs(now.as_millisecond());
        recorded = Some(planned.catalog.record_revision(
            channel.channel_id,
            &broadcast_day,
            made,
            &schedule.hash,
            &text,
        )?);
    }
    Ok(RebuiltDay {
        channel: channel.id.clone(),
        broadcast_day,
        before: before.map(|(revision, _)| revision.revision_id),
        recorded,
        hash: schedule.hash,
        changed,
        programmes: programmes.len(),
        changes: changes(&was, &programmes),
    })
}

fn programmes_of(schedule: &ProgramSchedule) -> Vec<ScheduledProgramme> {
    schedule.program_blocks.iter().map(ScheduledProgramme::from).collect()
}

fn read_recorded(revision: &ScheduleRevision, text: &str) -> Result<Vec<ScheduledProgramme>, Failure> {
    let read: Result<RecordedSchedule, _> = serde_json::from_str(text);
    read.map(|schedule| schedule.program_blocks).map_err(|error| {
        let message = format!(
            "revision {} of {} is no program schedule: {error}; see `retrovue catalog check`",
            revision.revision_id, revision.broadcast_day
        );
        Failure::new(Exit::Unreadable, message)
    })
}

fn line(programme: &ScheduledProgramme) -> String {
    let seconds = programme.slot_duration_sec.as_i64().unwrap_or_default();
    let length = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{:<8}  {length:>8}  {}  ({})", wall(&programme.start_at), programme.title, programme.asset_id)
}

fn told(rebuilt: &Rebuilt) -> Vec<String> {
    let mut lines = Vec::new();
    for day in &rebuilt.days {
        let what = match (day.changed, day.before, day.recorded) {
            (false, Some(before), _) => format!("as recorded in revision {before}"),
            (_, None, None) => format!("not recorded yet, {} programmes", day.programmes),
            (_, None, Some(new)) => format!("recorded as revision {new}, {} programmes", day.programmes),
            (_, Some(before), None) => {
                format!("{} changes since revision {before}", day.changes.len())
            }
            (_, Some(before), Some(new)) => {
                format!("{} changes since revision {before}, recorded as revision {new}", day.changes.len())
            }
        };
        lines.push(format!("{}  {}  {what}", day.channel, day.broadcast_day));
        if day.before.is_some() {
            lines.extend(day.changes.iter().map(|change| match change {
                Change::Added { programme } => format!("  added    {}", line(programme)),
                Change::Removed { programme } => format!("  removed  {}", line(programme)),
                Change::Moved { from, programme } => {
                    format!("  moved    {}  from {}", line(programme), wall(from))
                }
                Change::Changed { was, programme } => {
                    format!("  changed  {}  was {}", line(programme), line(was))
                }
            }));
        }
    }
    if rebuilt.dry_run {
        lines.push("nothing was recorded: --dry-run".to_owned());
    }
    lines
}
