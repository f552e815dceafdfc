//! `retrovue asrun list`, `export` and `reconcile`: what was sent, and how it differs from what was planned.

use super::csv::Csv;
use super::output::{put, put_json, put_lines};
use super::stretch::{Stretch, StretchArgs};
use super::{Exit, Failure};
use crate::air::reconcile::{Finding, FindingKind, Reconciliation, reconcile};
use crate::catalog::{AsRun, AsRunOutcome, PlaylogBlock, SentFrames, SentSegment};
use clap::{Args, Subcommand, ValueEnum};
use retrovue_timebase::{FrameIndex, Millis, UtcMs};
use serde::Serialize;

pub(super) const ASRUN_HELP: &str =
    "reconcile ends with 1 when something was not as planned. Columns and fields: docs/as-run.md";

/// Commands under `asrun`.
#[derive(Debug, Subcommand)]
pub(super) enum AsRunCommand {
    /// List what was sent on a channel, a line for each block and session
    List(ListArgs),
    /// Print what was sent as CSV or JSON
    Export(ExportArgs),
    /// Say what failed, what was sent short, and what was watched and not sent
    Reconcile(ListArgs),
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// Comma-separated values, RFC 4180
    Csv,
    /// JSON
    Json,
}

impl Format {
    /// What `--json` says comes first.
    fn or_json(self, json: bool) -> Format {
        if json { Format::Json } else { self }
    }
}

/// Arguments of `list` and `reconcile`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    stretch: StretchArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Print JSON
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    stretch: StretchArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Print JSON
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// A line for each segment, advert or act; JSON has them in any case
    #[arg(long)]
    segments: bool,
}

#[derive(Serialize)]
struct Export {
    version: &'static str,
    channel: String,
    channel_id: i32,
    timezone: String,
    from_utc_ms: UtcMs,
    until_utc_ms: UtcMs,
    as_run: Vec<Row>,
}

/// A block of a session. Frames are counted from the block's first as planned.
#[derive(Serialize)]
struct Row {
    block_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    block_utc_ms: UtcMs,
    joined_utc_ms: UtcMs,
    outcome: AsRunOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    from_at: String,
    from_utc_ms: UtcMs,
    until_at: String,
    until_utc_ms: UtcMs,
    #[serde(flatten)]
    frames: Option<Frames>,
    segments: Vec<SegmentRow>,
}

#[derive(Serialize)]
struct Frames {
    frame_rate: String,
    first_frame: i64,
    /// Absent where none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_frame: Option<i64>,
    frames: i64,
    frames_reckoned: bool,
    session_epoch_utc_ms: UtcMs,
    session_frame: FrameIndex,
}

#[derive(Serialize)]
struct SegmentRow {
    segment: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<String>,
    asset_from_ms: Millis,
    first_frame: i64,
    last_frame: i64,
    frames: i64,
    from_at: String,
    from_utc_ms: UtcMs,
    until_at: String,
    until_utc_ms: UtcMs,
}

const BLOCK_COLUMNS: [&str; 16] = [
    "channel",
    "block_id",
    "title",
    "outcome",
    "from_at",
    "from_utc_ms",
    "until_at",
    "until_utc_ms",
    "first_frame",
    "last_frame",
    "frames",
    "frame_rate",
    "frames_reckoned",
    "block_utc_ms",
    "joined_utc_ms",
    "detail",
];

const SEGMENT_COLUMNS: [&str; 17] = [
    "channel",
    "block_id",
    "title",
    "outcome",
    "segment",
    "kind",
    "asset_id",
    "asset_from_ms",
    "from_at",
    "from_utc_ms",
    "until_at",
    "until_utc_ms",
    "first_frame",
    "last_frame",
    "frames",
    "frame_rate",
    "frames_reckoned",
];

const FINDING_COLUMNS: [&str; 11] = [
    "channel",
    "kind",
    "block_id",
    "title",
    "from_at",
    "from_utc_ms",
    "until_at",
    "until_utc_ms",
    "missing_frames",
    "missed",
    "detail",
];

pub(super) fn run(command: AsRunCommand) -> Result<Exit, Failure> {
    match command {
        AsRunCommand::List(args) => print(&args.stretch.open()?, args.format.or_json(args.json), false),
        AsRunCommand::Export(args) => {
            print(&args.stretch.open()?, args.format.or_json(args.json), args.segments)
        }
        AsRunCommand::Reconcile(args) => compare(&args.stretch.open()?, args.format.or_json(args.json)),
    }
}

fn print(stretch: &Stretch, format: Format, by_segment: bool) -> Result<Exit, Failure> {
    let rows = rows(stretch)?;
    match format {
        Format::Json => put_json(&Export {
            version: "as-run.v1",
            channel: stretch.channel.id.clone(),
            channel_id: stretch.channel.channel_id,
            timezone: stretch.zone_name(),
            from_utc_ms: stretch.from,
            until_utc_ms: stretch.until,
            as_run: rows,
        }),
        Format::Csv if by_segment => put(segment_table(stretch, &rows).text()),
        Format::Csv => put(block_table(stretch, &rows).text()),
        Format::Text => put_lines(rows.iter().flat_map(|row| {
            let segments = row.segments.iter().filter(|_| by_segment).map(|s| segment_line(stretch, s));
            std::iter::once(line(stretch, row)).chain(segments).collect::<Vec<_>>()
        })),
    }
}

fn rows(stretch: &Stretch) -> Result<Vec<Row>, Failure> {
    let Stretch { catalog, channel, from, until, .. } = stretch;
    let planned = catalog.playlog(channel.channel_id, *from, *until)?;
    let runs = catalog.as_run_with_segments(channel.channel_id, *from, *until)?;
    Ok(runs.into_iter().map(|(run, segments)| row(stretch, run, segments, &planned)).collect())
}

fn row(stretch: &Stretch, run: AsRun, segments: Vec<SentSegment>, planned: &[PlaylogBlock]) -> Row {
    let title = planned.iter().find(|b| b.block_id == run.block_id).map(|b| b.title.clone());
    // The session's number of the block's first frame.
    let base = |sent: &SentFrames| sent.rate.frame_at_or_after(sent.epoch_ms, run.block_ms).0;
    let frames = run.frames.map(|sent| Frames {
        frame_rate: sent.rate.to_string(),
        first_frame: sent.first.0 - base(&sent),
        last_frame: (sent.count > 0).then(|| sent.end().0 - 1 - base(&sent)),
        frames: sent.count,
        frames_reckoned: sent.reckoned,
        session_epoch_utc_ms: sent.epoch_ms,
        session_frame: sent.first,
    });
    let segment = |sent: &SentFrames, segment: SentSegment| {
        let (from, until) = (sent.instant(segment.first), sent.instant(segment.first.offset(segment.count)));
        SegmentRow {
            segment: segment.position,
            kind: segment.kind,
            asset_id: segment.asset_id,
            asset_from_ms: segment.offset_ms,
            first_frame: segment.first.0 - base(sent),
            last_frame: segment.first.0 + segment.count - 1 - base(sent),
            frames: segment.count,
            from_at: stretch.local(from),
            from_utc_ms: from,
            until_at: stretch.local(until),
            until_utc_ms: until,
        }
    };
    let segments = match run.frames {
        Some(sent) => segments.into_iter().map(|s| segment(&sent, s)).collect(),
        None => Vec::new(),
    };
    Row {
        block_id: run.block_id,
        title,
        block_utc_ms: run.block_ms,
        joined_utc_ms: run.joined_ms,
        outcome: run.outcome,
        detail: run.detail,
        from_at: stretch.local(run.from_ms),
        from_utc_ms: run.from_ms,
        until_at: stretch.local(run.until_ms),
        until_utc_ms: run.until_ms,
        frames,
        segments,
    }
}

fn or_empty(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn block_table(stretch: &Stretch, rows: &[Row]) -> Csv {
    let mut table = Csv::new(&BLOCK_COLUMNS);
    for row in rows {
        let frames = row.frames.as_ref();
        table.line([
            stretch.channel.id.clone(),
            row.block_id.clone(),
            or_empty(row.title.as_ref()),
            row.outcome.word().to_owned(),
            row.from_at.clone(),
            row.from_utc_ms.0.to_string(),
            row.until_at.clone(),
            row.until_utc_ms.0.to_string(),
            or_empty(frames.map(|f| f.first_frame)),
            or_empty(frames.and_then(|f| f.last_frame)),
            or_empty(frames.map(|f| f.frames)),
            or_empty(frames.map(|f| &f.frame_rate)),
            or_empty(frames.map(|f| f.frames_reckoned)),
            row.block_utc_ms.0.to_string(),
            row.joined_utc_ms.0.to_string(),
            or_empty(row.detail.as_ref()),
        ]);
    }
    table
}

fn segment_table(stretch: &Stretch, rows: &[Row]) -> Csv {
    let mut table = Csv::new(&SEGMENT_COLUMNS);
    for (row, segment) in rows.iter().flat_map(|row| row.segments.iter().map(move |s| (row, s))) {
        table.line([
            stretch.channel.id.clone(),
            row.block_id.clone(),
            or_empty(row.title.as_ref()),
            row.outcome.word().to_owned(),
            segment.segment.to_string(),
            or_empty(segment.kind.as_ref()),
            or_empty(segment.asset_id.as_ref()),
            segment.asset_from_ms.0.to_string(),
            segment.from_at.clone(),
            segment.from_utc_ms.0.to_string(),
            segment.until_at.clone(),
            segment.until_utc_ms.0.to_string(),
            segment.first_frame.to_string(),
            segment.last_frame.to_string(),
            segment.frames.to_string(),
            or_empty(row.frames.as_ref().map(|f| &f.frame_rate)),
            or_empty(row.frames.as_ref().map(|f| f.frames_reckoned)),
        ]);
    }
    table
}

fn line(stretch: &Stretch, row: &Row) -> String {
    let frames = row.frames.as_ref().map_or_else(String::new, |f| {
        format!("{}{} frames", if f.frames_reckoned { "about " } else { "" }, f.frames)
    });
    let title = row.title.as_deref().unwrap_or(&row.block_id);
    let detail = row.detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default();
    let (from, until) = (stretch.clock(row.from_utc_ms), stretch.clock(row.until_utc_ms));
    let until = until.get(11..).unwrap_or_default();
    format!("{from}  {until}  {:<9}  {frames:>18}  {title}{detail}", row.outcome.word())
}

fn segment_line(stretch: &Stretch, row: &SegmentRow) -> String {
    let kind = row.kind.as_deref().unwrap_or("segment");
    let from = stretch.clock(row.from_utc_ms);
    let from = from.get(11..).unwrap_or_default();
    let asset = row.asset_id.as_deref().unwrap_or_default();
    format!("           {from}  {kind:<8}  {:>6} to {:<6}  {asset}", row.first_frame, row.last_frame)
}

fn compare(stretch: &Stretch, format: Format) -> Result<Exit, Failure> {
    let Stretch { catalog, channel, from, until, .. } = stretch;
    let planned = catalog.playlog(channel.channel_id, *from, *until)?;
    let sent = catalog.as_run(channel.channel_id, *from, *until)?;
    let found = reconcile(&planned, &sent, *from, *until);
    match format {
        Format::Json => put_json(&Comparison {
            version: "reconciliation.v1",
            channel: &channel.id,
            timezone: stretch.zone_name(),
            from_utc_ms: *from,
            until_utc_ms: *until,
            found: &found,
        })?,
        Format::Csv => put(finding_table(stretch, &found).text())?,
        Format::Text => {
            let totals = format!(
                "{} completed, {} cut, {} failed; {} sent of {} in the playout log, {} watched and not sent",
                found.completed,
                found.cut,
                found.failed,
                time(found.sent_ms),
                time(found.planned_ms),
                time(found.not_sent_ms)
            );
            let findings = found.findings.iter().map(|finding| finding_line(stretch, finding));
            put_lines(findings.chain([totals]))?
        }
    };
    if found.findings.is_empty() { Ok(Exit::Done) } else { Err(Failure::said(Exit::Failed)) }
}

#[derive(Serialize)]
struct Comparison<'a> {
    version: &'static str,
    channel: &'a str,
    timezone: String,
    from_utc_ms: UtcMs,
    until_utc_ms: UtcMs,
    #[serde(flatten)]
    found: &'a Reconciliation,
}

fn finding_table(stretch: &Stretch, found: &Reconciliation) -> Csv {
    let mut table = Csv::new(&FINDING_COLUMNS);
    for finding in &found.findings {
        table.line([
            stretch.channel.id.clone(),
            word(finding.kind).to_owned(),
            finding.block_id.clone(),
            or_empty(finding.title.as_ref()),
            stretch.local(finding.from_utc_ms),
            finding.from_utc_ms.0.to_string(),
            stretch.local(finding.until_utc_ms),
            finding.until_utc_ms.0.to_string(),
            or_empty(finding.missing_frames),
            missed(finding),
            or_empty(finding.detail.as_ref()),
        ]);
    }
    table
}

fn word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Failed => "failed",
        FindingKind::Short => "short",
        FindingKind::NotSent => "not_sent",
        FindingKind::Unplanned => "unplanned",
    }
}

fn missed(finding: &Finding) -> String {
    let each = finding.missed.iter().map(|missed| {
        let kind = missed.kind.as_deref().unwrap_or("segment");
        let asset = missed.asset_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        format!("{kind}{asset} {} ms", missed.missed_ms.0)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn finding_line(stretch: &Stretch, finding: &Finding) -> String {
    let title = finding.title.as_deref().unwrap_or(&finding.block_id);
    let (from, until) = (stretch.clock(finding.from_utc_ms), stretch.clock(finding.until_utc_ms));
    let until = until.get(11..).unwrap_or_default();
    let missing = finding.missing_frames.map(|n| format!(", {n} frames short")).unwrap_or_default();
    let missed = if finding.missed.is_empty() { String::new() } else { format!(": {}", missed(finding)) };
    let detail = finding.detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default();
    format!("{from}  {until}  {:<9}  {title}{missing}{missed}{detail}", word(finding.kind))
}

/// Hours, minutes and seconds, rounded down.
fn time(span: Millis) -> String {
    let seconds = span.0 / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
