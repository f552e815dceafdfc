//! `retrovue channel`: the station's channels, what each is, and whether it can air.

use super::exit::print_findings;
use super::output::{put_json, put_lines};
use super::planned::{Planned, findings_of};
use super::{Exit, Failure, Whereabouts};
use crate::config::{FillerRef, StationConfig};
use crate::dsl::ChannelSpec;
use crate::plan::{ChannelFile, DEFAULT_SEED, LeftOut, SingleChannel, channel_files};
use crate::yaml::{Diagnostic, Report};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

/// Commands under `channel`.
#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// List the station's channels; without a station file, all the catalog has ever known
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Show what a channel is and what is on it
    Show {
        /// The channel's name or number
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Say everything that is wrong with the station's channels; exit code 1 when something is
    Check(CheckArgs),
}

/// Arguments of `channel check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The channels' names; all when none is named
    channels: Vec<String>,
    /// Take warnings for errors: time that nothing covers, programs without room
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// A channel as `channel list` and `channel show` tell it. What the catalog alone does not know is absent.
#[derive(Debug, Serialize)]
struct ChannelShown {
    id: String,
    channel_id: i32,
    number: u32,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid_ms: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filler: Vec<String>,
}

#[derive(Serialize)]
struct LeftOutShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    file: PathBuf,
    findings: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct ChannelList {
    channels: Vec<ChannelShown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOutShown>,
}

#[derive(Serialize)]
struct ChannelDetails {
    #[serde(flatten)]
    channel: ChannelShown,
    guide_id: String,
    path: String,
    days: Vec<DaysShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<String>,
}

/// A rule of the schedule, as far as one line tells it.
#[derive(Serialize)]
struct DaysShown {
    days: String,
    blocks: Vec<String>,
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    channels: Vec<CheckedChannel>,
}

#[derive(Serialize)]
struct CheckedChannel {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    file: PathBuf,
    ok: bool,
    findings: Vec<serde_json::Value>,
}

pub(super) fn run(command: ChannelCommand) -> Result<Exit, Failure> {
    match command {
        ChannelCommand::List { json, whereabouts } => list(json, &whereabouts),
        ChannelCommand::Show { channel, json, whereabouts } => show(&channel, json, &whereabouts),
        ChannelCommand::Check(args) => check(&args),
    }
}

fn list(json: bool, whereabouts: &Whereabouts) -> Result<Exit, Failure> {
    let list = if whereabouts.station_if_any()?.is_some() {
        let planned = Planned::open(whereabouts)?;
        let files = channel_files(&planned.config);
        let channels = planned.programming.channels();
        let channels = channels.iter().map(|c| described(c, spec_of(&files, &c.id), &planned.config));
        ChannelList { channels: channels.collect(), left_out: left_out(&planned.left_out) }
    } else {
        let bare = |c: crate::catalog::ChannelRecord| ChannelShown {
            id: c.id,
            channel_id: c.channel_id,
            number: c.number,
            name: c.name,
            file: None,
            timezone: None,
            template: None,
            grid_ms: None,
            filler: Vec::new(),
        };
        let known = whereabouts.catalog()?.channels()?;
        ChannelList { channels: known.into_iter().map(bare).collect(), left_out: Vec::new() }
    };
    if json {
        return put_json(&list);
    }
    put_lines(list.channels.iter().map(line).chain(list.left_out.iter().map(left_out_line)))
}

fn show(which: &str, json: bool, whereabouts: &Whereabouts) -> Result<Exit, Failure> {
    let planned = Planned::open(whereabouts)?;
    let channel = planned.channel(which)?;
    let files = channel_files(&planned.config);
    let spec = spec_of(&files, &channel.id);
    let now = retrovue_timebase::UtcMs(Timestamp::now().as_millisecond());
    let on = planned.programming.guide(&channel.id, now, now.plus(retrovue_timebase::Millis(1)))?;
    let details = ChannelDetails {
        channel: described(channel, spec, &planned.config),
        guide_id: channel.guide_id(),
        path: format!("/channel/{}.ts", channel.id),
        days: spec.map(days).unwrap_or_default(),
        now: on.first().map(|event| event.title.clone()),
    };
    if json {
        return put_json(&details);
    }
    let shown = &details.channel;
    let mut lines = vec![
        format!("name      {}", shown.name),
        format!("number    {}", shown.number),
        format!("id        {}, {} in guides", shown.id, details.guide_id),
        format!("address   {}", details.path),
    ];
    lines.extend(shown.file.iter().map(|file| format!("file      {}", file.display())));
    lines.extend(shown.timezone.iter().map(|zone| format!("zone      {zone}")));
    lines.extend(shown.template.iter().map(|template| format!("template  {template}")));
    lines.extend(shown.grid_ms.iter().map(|ms| format!("grid      {} s", ms / 1000)));
    lines.push(format!("filler    {}", filler_words(&shown.filler)));
    for rule in &details.days {
        lines.push(format!("schedule  {}: {}", rule.days, rule.blocks.join(", ")));
    }
    lines.extend(details.now.iter().map(|title| format!("now       {title}")));
    put_lines(lines)
}

fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let config = args.whereabouts.station()?;
    let snapshot = args.whereabouts.catalog()?.snapshot()?;
    let files = channel_files(&config);
    let named = |file: &ChannelFile, name: &String| {
        file.spec.as_ref().is_some_and(|s| s.id == *name) || file.path.ends_with(name)
    };
    if let Some(unknown) = args.channels.iter().find(|name| !files.iter().any(|f| named(f, name))) {
        let known: Vec<&str> = files.iter().filter_map(|f| f.spec.as_ref()).map(|s| s.id.as_str()).collect();
        let message =
            format!("there is no channel \"{unknown}\" in this station; it has {}", known.join(", "));
        return Err(Failure::new(Exit::Failed, message));
    }
    let (mut all, mut channels) = (Report::default(), Vec::new());
    for file in files {
        if !args.channels.is_empty() && !args.channels.iter().any(|name| named(&file, name)) {
            continue;
        }
        let mut report = judge(&file, &config, &snapshot)?;
        if args.strict {
            report.make_strict();
        }
        channels.push(CheckedChannel {
            channel: file.spec.map(|s| s.id),
            file: file.path,
            ok: !report.has_errors(),
            findings: report.findings().iter().map(Diagnostic::to_json).collect(),
        });
        all.append(report);
    }
    let checked = Checked { ok: channels.iter().all(|c| c.ok), channels };
    if args.json {
        put_json(&checked)?;
    } else {
        print_findings(&all);
        put_lines(checked.channels.iter().map(|c| {
            let said = if c.ok { "can air" } else { "cannot air" };
            let name = c.channel.as_deref().unwrap_or("?");
            format!("{name:<20}  {said}, {} findings  {}", c.findings.len(), c.file.display())
        }))?;
    }
    if checked.ok { Ok(Exit::Done) } else { Err(Failure::said(Exit::Failed)) }
}

/// Everything that is wrong with a channel: its text, its names, and what a week of it shows.
fn judge(
    file: &ChannelFile,
    config: &StationConfig,
    snapshot: &crate::catalog::Snapshot,
) -> Result<Report, Failure> {
    let mut report = file.findings.clone();
    if let Some(spec) = &file.spec {
        match SingleChannel::resolve(spec, snapshot, config.filler.as_ref(), DEFAULT_SEED) {
            Err(findings) => report.append(findings),
            // Days laid out from a schedule with holes in it would have findings of their own.
            Ok(_) if report.has_errors() => {}
            Ok((channel, warnings)) => {
                report.append(warnings);
                let today = Timestamp::now().to_zoned(spec.zone.clone()).date();
                report.append(channel.judge_week(today)?);
            }
        }
    }
    report.sort();
    Ok(report)
}

fn spec_of<'a>(files: &'a [ChannelFile], id: &str) -> Option<&'a ChannelSpec> {
    files.iter().filter_map(|file| file.spec.as_ref()).find(|spec| spec.id == id)
}

fn described(
    channel: &crate::plan::ChannelInfo,
    spec: Option<&ChannelSpec>,
    config: &StationConfig,
) -> ChannelShown {
    let own = |spec: &ChannelSpec| spec.filler.iter().map(|(f, _)| filler_word(f)).collect::<Vec<_>>();
    let mut filler = spec.map(own).unwrap_or_default();
    if filler.is_empty() {
        filler.extend(config.filler.iter().map(filler_word));
    }
    ChannelShown {
        id: channel.id.clone(),
        channel_id: channel.channel_id,
        number: channel.number,
        name: channel.name.clone(),
        file: spec.map(|s| s.sources.channel_file().path.clone()),
        timezone: spec.map(|s| s.zone_name.clone()),
        template: spec.map(|s| s.template.word()),
        grid_ms: spec.map(|s| s.grid.0),
        filler,
    }
}

fn days(spec: &ChannelSpec) -> Vec<DaysShown> {
    let block = |block: &crate::dsl::Block| match block.until {
        Some(until) => format!("{} to {until}", block.start),
        None => block.start.to_string(),
    };
    let rule = |rule: &crate::dsl::DayRule| DaysShown {
        days: rule.days.to_string(),
        blocks: rule.blocks.iter().map(block).collect(),
    };
    spec.schedule.iter().map(rule).collect()
}

fn filler_word(filler: &FillerRef) -> String {
    match filler {
        FillerRef::Collection(name) => name.clone(),
        FillerRef::Path(path) => path.display().to_string(),
    }
}

fn filler_words(filler: &[String]) -> String {
    if filler.is_empty() { "all assets of that type".to_owned() } else { filler.join(", ") }
}

fn left_out(left_out: &[LeftOut]) -> Vec<LeftOutShown> {
    left_out
        .iter()
        .map(|left| LeftOutShown {
            channel: left.channel.clone(),
            file: left.path.clone(),
            findings: findings_of(std::slice::from_ref(left))
                .findings()
                .iter()
                .map(Diagnostic::to_json)
                .collect(),
        })
        .collect()
}

fn line(channel: &ChannelShown) -> String {
    let mut line = format!("{:>5}  {:<20}  {}", channel.number, channel.id, channel.name);
    if let (Some(zone), Some(template)) = (&channel.timezone, channel.template) {
        line.push_str(&format!("  ({zone}, {template}, filler {})", filler_words(&channel.filler)));
    }
    line
}

fn left_out_line(left: &LeftOutShown) -> String {
    format!(
        "    -  {:<20}  left out with {} findings, see `retrovue channel check`  {}",
        left.channel.as_deref().unwrap_or("?"),
        left.findings.len(),
        left.file.display()
    )
}
