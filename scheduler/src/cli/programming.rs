//! `retrovue programming validate`, `compile`, `expand` and `schema`.

use super::exit::print_findings;
use super::output::{put, put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetResolver, StubAssetResolver};
use crate::config::{FillerRef, default_format};
use crate::dsl::{ChannelSpec, TrafficSpec, channel_schema, examine_channel, parse_channel};
use crate::plan::{
    COMPILER_VERSION, ChannelInfo, CompiledDay, DEFAULT_SEED, LogBlock, LogEntry, ProgramSchedule,
    SingleChannel, Source, black_path, note, write_black,
};
use crate::yaml::{Document, Report};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use retrovue_proto::plan::{BlockPlan, CueCommand, CuePlace, HouseFormat, Segment};
use retrovue_timebase::Millis;
use serde::Serialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most days that one command compiles: more than the horizon of a station.
const MOST_DAYS: u8 = 31;

/// Longest channel file read from standard input.
const MOST_INPUT: u64 = 4 * 1024 * 1024;

/// Commands under `programming`.
#[derive(Debug, Subcommand)]
pub(super) enum ProgrammingCommand {
    /// Say everything that is wrong with a channel file
    Validate(ValidateArgs),
    /// Print a day as program-schedule.v2: programmes on the grid, without breaks
    Compile(FileArgs),
    /// Print a day as a playout log: acts and ad blocks, and the block plans with the ads filled
    Expand(FileArgs),
    /// Print the JSON Schema of the language, for editors
    Schema,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The path that the text of standard input has, for its includes and findings
    #[arg(long, value_name = "FILE")]
    stdin_path: Option<PathBuf>,
}

/// Arguments of all of them.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The channel file; - for standard input
    file: PathBuf,
    /// The broadcast day, 06:00 to 06:00 [default: the file's broadcast_day, else today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// How many broadcast days, from that one on; with --json, more than one is a list
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_DAYS)))]
    days: u8,
    /// Use the assets of this JSON file instead of the station's catalog
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Seed of all random selections [default: the file's, else 42]
    #[arg(long)]
    seed: Option<u64>,
    /// Take warnings for errors: time that nothing covers, programs without room
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

type Lookup = (Box<dyn AssetResolver>, Option<FillerRef>, Option<TrafficSpec>);

#[derive(Serialize)]
struct Validation<'a> {
    file: &'a Path,
    ok: bool,
    /// Whether names were looked up; not where there is no catalog.
    references_checked: bool,
    findings: Vec<serde_json::Value>,
}

/// The whole of `expand --json`. `retrovue-air render --plan` reads it as it is.
#[derive(Serialize)]
struct PlayoutLog {
    version: &'static str,
    channel_id: String,
    broadcast_day: String,
    timezone: String,
    format: HouseFormat,
    /// Acts and empty ad blocks.
    log: Vec<LogBlock>,
    /// The same with the ad blocks filled.
    blocks: Vec<BlockPlan>,
}

pub(super) fn run(command: ProgrammingCommand) -> Result<Exit, Failure> {
    match command {
        ProgrammingCommand::Validate(args) => validate(&args),
        ProgrammingCommand::Compile(args) => compile(&args),
        ProgrammingCommand::Expand(args) => expand(&args),
        ProgrammingCommand::Schema => put_json(&channel_schema()),
    }
}

fn validate(args: &ValidateArgs) -> Result<Exit, Failure> {
    let path = args.stdin_path.as_deref().unwrap_or(&args.file.file);
    let (mut report, checked) = args.file.judge(path)?;
    if args.file.strict {
        report.make_strict();
    }
    let ok = !report.has_errors();
    if args.file.json {
        let findings = report.findings().iter().map(crate::yaml::Diagnostic::to_json).collect();
        put_json(&Validation { file: path, ok, references_checked: checked, findings })?;
    } else {
        print_findings(&report);
        if !checked && ok {
            eprintln!("note: there is no catalog, so names were not looked up; give one with --catalog");
        }
        if ok {
            put(&format!("{}: nothing wrong\n", path.display()))?;
        }
    }
    if ok { Ok(Exit::Done) } else { Err(Failure::said(Exit::Failed)) }
}

fn compile(args: &FileArgs) -> Result<Exit, Failure> {
    let (_, days) = args.compile(false)?;
    let source = args.source();
    let schedules: Vec<ProgramSchedule> =
        days.iter().map(|day| day.program_schedule(source.clone())).collect();
    match (args.json, schedules.as_slice()) {
        (true, [one]) => put_json(one),
        (true, several) => put_json(&several),
        (false, [one]) => put_lines(one.lines()),
        (false, several) => put_lines(several.iter().flat_map(|schedule| {
            let heading = format!("{}  {}", schedule.broadcast_day, schedule.timezone);
            std::iter::once(heading).chain(schedule.lines())
        })),
    }
}

fn expand(args: &FileArgs) -> Result<Exit, Failure> {
    let station = args.whereabouts.station_if_any()?;
    let format = station.map_or_else(default_format, |config| config.format);
    let (spec, days) = args.compile(format.cues)?;
    let info = ChannelInfo {
        id: spec.id.clone(),
        channel_id: i32::try_from(spec.number.unwrap_or(1)).unwrap_or(1),
        number: spec.number.unwrap_or(1),
        name: spec.name.clone(),
    };
    let data_dir = args.whereabouts.data_dir()?;
    let black = black_path(&data_dir).to_string_lossy().into_owned();
    let blocks: Vec<BlockPlan> = days.iter().flat_map(|day| day.blocks(&info, &black)).collect();
    if blocks.iter().flat_map(|b| &b.segments).any(|s| s.asset_uri == black) {
        write_black(&data_dir).map_err(|e| {
            let message = format!("cannot write {black}: {e}; choose another folder with --data-dir");
            Failure::new(Exit::NotWritable, message)
        })?;
    }
    let log: Vec<LogBlock> = days.iter().flat_map(CompiledDay::log).collect();
    if !args.json {
        let filled = days.iter().any(CompiledDay::has_traffic);
        return put_lines(
            log.iter().zip(&blocks).flat_map(|(block, plan)| block_lines(block, plan, filled, &spec)),
        );
    }
    put_json(&PlayoutLog {
        version: "playout-log.v1",
        channel_id: spec.id.clone(),
        broadcast_day: args.day_of(&spec).to_string(),
        timezone: spec.zone_name.clone(),
        format,
        log,
        blocks,
    })
}

/// A block of the log with the cues of its breaks and, on channels with traffic, what is in them.
fn block_lines(block: &LogBlock, plan: &BlockPlan, filled: bool, spec: &ChannelSpec) -> Vec<String> {
    let at = Timestamp::from_millisecond(block.start_utc_ms.0)
        .map(|t| t.to_zoned(spec.zone.clone()).strftime("%H:%M:%S").to_string())
        .unwrap_or_default();
    let mut lines = vec![format!("{at}  {}", block.title.as_deref().unwrap_or("(filler)"))];
    let mut segments = if filled { plan.segments.as_slice() } else { &[] };
    let mut at = Millis(0);
    for entry in &block.entries {
        lines.extend(cue_lines(plan, at, true));
        at = at + entry.duration();
        lines.push(match entry {
            LogEntry::Act { act, asset_start_ms, duration_ms } => {
                format!("          act {act}       {duration_ms} from {asset_start_ms}")
            }
            LogEntry::AdBlock { ad_block, duration_ms } => {
                format!("          ad block {ad_block}  {duration_ms}")
            }
        });
        let mut left = entry.duration();
        while let Some((segment, rest)) = segments.split_first().filter(|_| left > Millis(0)) {
            left = left - segment.segment_duration_ms;
            segments = rest;
            if matches!(entry, LogEntry::AdBlock { .. }) {
                lines.push(segment_line(segment));
            }
        }
        lines.extend(cue_lines(plan, at, false));
    }
    lines
}

/// The cues of one kind at an instant of the block: out of the programme, or back to it.
fn cue_lines(plan: &BlockPlan, at: Millis, out: bool) -> impl Iterator<Item = String> {
    plan.cues.iter().filter(move |cue| cue.at == CuePlace::AtMs(at)).filter_map(move |cue| {
        match &cue.command {
            CueCommand::SpliceInsert(insert) if insert.out_of_network == out => {
                let kind = if out { "cue out" } else { "cue in" };
                Some(format!("          {kind:<10}  {at} in, event {}", insert.event_id))
            }
            _ => None,
        }
    })
}

fn segment_line(segment: &Segment) -> String {
    let word = |key: &str| note(segment, key).unwrap_or_default();
    let line =
        format!("            {:<10}  {}  {}", word("kind"), segment.segment_duration_ms, word("asset_id"));
    line.trim_end().to_owned()
}

impl FileArgs {
    fn compile(&self, cues: bool) -> Result<(ChannelSpec, Vec<CompiledDay>), Failure> {
        let document = match self.document(&self.file)? {
            Ok(document) => document,
            Err(report) => return Err(Failure::findings(Exit::Failed, report)),
        };
        let (mut spec, mut report) =
            parse_channel(document).map_err(|report| Failure::findings(Exit::Failed, report))?;
        spec.seed = self.seed.or(spec.seed);
        let Some((resolver, filler, traffic)) = self.resolver()? else {
            let message = "there is no catalog to take assets from; give one with --catalog assets.json, or run \
                           `retrovue ingest PATH` and name its folder with --data-dir";
            return Err(Failure::new(Exit::Unreadable, message));
        };
        spec.traffic = spec.traffic.or(traffic);
        let (channel, warnings) = SingleChannel::resolve(&spec, &*resolver, filler.as_ref(), DEFAULT_SEED)
            .map_err(|report| Failure::findings(Exit::Failed, report))?;
        let channel = channel.with_cues(cues);
        report.append(warnings);
        let mut date = self.day_of(&spec);
        let mut days = Vec::with_capacity(usize::from(self.days));
        for _ in 0..self.days {
            let day = channel.day(date)?;
            report.append(day.warnings.clone());
            days.push(day);
            date = date.checked_add(1.days()).map_err(|e| Failure::new(Exit::Failed, e))?;
        }
        if self.strict {
            report.make_strict();
            if report.has_errors() {
                return Err(Failure::findings(Exit::Failed, report));
            }
        }
        print_findings(&report);
        Ok((spec, days))
    }

    /// Everything wrong with the file, and whether names were looked up.
    fn judge(&self, path: &Path) -> Result<(Report, bool), Failure> {
        let lookup = self.resolver()?;
        let document = match self.document(path)? {
            Ok(document) => document,
            Err(report) => return Ok((report, false)),
        };
        let (spec, mut report) = examine_channel(document);
        let (Some(mut spec), Some((resolver, filler, traffic))) = (spec, lookup) else {
            return Ok((report, false));
        };
        spec.seed = self.seed.or(spec.seed);
        spec.traffic = spec.traffic.or(traffic);
        match SingleChannel::resolve(&spec, &*resolver, filler.as_ref(), DEFAULT_SEED) {
            Err(findings) => report.append(findings),
            // Days laid out from a schedule with holes in it would have findings of their own.
            Ok(_) if report.has_errors() => {}
            Ok((channel, warnings)) => {
                report.append(warnings);
                report.append(channel.judge_week(self.day_of(&spec))?);
            }
        }
        report.sort();
        Ok((report, true))
    }

    /// The document, or what is wrong with it; a file that cannot be read at all is another failure than one
    /// with errors in it.
    fn document(&self, path: &Path) -> Result<Result<Document, Report>, Failure> {
        if self.file == Path::new("-") {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
            read.map_err(|e| Failure::new(Exit::Unreadable, format!("cannot read standard input: {e}")))?;
            return Ok(Document::parse(path, &text).map_err(Report::from));
        }
        match Document::read(path) {
            Ok(document) => Ok(Ok(document)),
            Err(finding) if std::fs::read(path).is_ok() => Ok(Err(Report::from(finding))),
            Err(finding) => Err(Failure::findings(Exit::Unreadable, Report::from(finding))),
        }
    }

    fn day_of(&self, spec: &ChannelSpec) -> Date {
        let today = || Timestamp::now().to_zoned(spec.zone.clone()).date();
        self.day.or(spec.broadcast_day).unwrap_or_else(today)
    }

    /// Where names are looked up, and the station's filler and traffic.
    fn resolver(&self) -> Result<Option<Lookup>, Failure> {
        if let Some(path) = &self.catalog {
            return Ok(Some((Box::new(StubAssetResolver::read(path)?), None, None)));
        }
        let Some(catalog) = self.whereabouts.catalog_if_any()? else { return Ok(None) };
        let config = self.whereabouts.station_if_any()?;
        let (filler, traffic) = config.map_or((None, None), |config| (config.filler, config.traffic));
        Ok(Some((Box::new(catalog.snapshot()?), filler, traffic)))
    }

    fn source(&self) -> Source {
        Source {
            dsl_path: self.file.to_string_lossy().into_owned(),
            git_commit: git_commit(&self.file),
            compiler_version: COMPILER_VERSION,
        }
    }
}

/// The commit the file's folder stands at, where it is in a repository and there is a git.
fn git_commit(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["rev-parse", "--short", "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
