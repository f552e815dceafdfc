//! `retrovue ingest`.

use super::exit::print_findings;
use super::output::{put_json, put_lines};
use super::progress::Bar;
use super::serve::say_absent;
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetType, Catalog};
use crate::ingest::{
    Ingest, IngestReport, IngestSource, MeasureReport, ProberCommand, WatchTimes, mark_absent, measure,
    scan_servers, watch,
};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

pub(super) const INGEST_HELP: &str = "Files that have not changed since the last scan are passed over by size and time; files that were moved or
renamed are known by their content. Names (S01E02, folders) and sidecars (.nfo, as Kodi and Jellyfin write them)
tell titles, series, years, ratings and genres. A file that cannot air is recorded with the reason, and the
scan goes on; so does one that is cut short, where it stopped.

Examples:
  retrovue ingest /srv/media
  retrovue ingest --deep            also measure loudness, and look for breaks to accept
  retrovue ingest --watch           stay, and take what is copied in";

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub(super) struct IngestArgs {
    /// Folders or files; the station's media when none is named
    paths: Vec<PathBuf>,
    /// What all the files are for, whatever their folders are called: episode, movie, filler, commercial,
    /// promo or bumper
    #[arg(long = "type", value_name = "TYPE")]
    asset_type: Option<AssetType>,
    /// Then decode every asset that was not measured yet, for its loudness and for breaks to suggest
    #[arg(long)]
    deep: bool,
    /// Stay, and scan whenever something in the folders has changed and come to rest
    #[arg(long)]
    watch: bool,
    /// Print the report as JSON; with --watch, one on a line whenever something was found
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

pub(super) fn run(args: IngestArgs) -> Result<Exit, Failure> {
    let whole_station = args.paths.is_empty();
    let sources = if whole_station {
        let Some(config) = args.whereabouts.station_if_any()? else {
            let message = "nothing to scan: name folders or files, or a station file with --config";
            return Err(Failure::new(Exit::Usage, message));
        };
        print_findings(&config.warnings);
        config.sources()
    } else {
        let source = |path| IngestSource { path, name: None, asset_type: args.asset_type };
        args.paths.into_iter().map(source).collect()
    };
    let mut catalog = Catalog::open(&args.whereabouts.data_dir()?)?;
    let command = ProberCommand::standard();
    let below: Vec<PathBuf> = sources.iter().map(|s| s.path.clone()).collect();
    if whole_station {
        say_absent(&mark_absent(&mut catalog)?);
    }
    if !args.watch {
        let mut scan = Ingest::new(&mut catalog, command.clone()).run(&sources, &mut Bar::new())?;
        if whole_station {
            scan.add(scan_servers(&mut catalog, &command, &mut Bar::new())?);
        }
        let deep = args.deep.then(|| measure(&mut catalog, &command, &below, &mut Bar::new())).transpose()?;
        let report = Report { scan, deep };
        return if args.json { put_json(&report) } else { put_lines(lines(&report)) };
    }
    let mut first = true;
    let times = WatchTimes::default();
    let mut servers_asked: Option<Instant> = None;
    watch(&mut catalog, &command, &sources, times, &mut Bar::new(), |catalog, mut scan| {
        // Servers tell of no change: they are asked as often as everything is scanned.
        if whole_station && servers_asked.is_none_or(|at| at.elapsed() >= times.rescan) {
            servers_asked = Some(Instant::now());
            scan.add(scan_servers(catalog, &command, &mut Bar::new())?);
        }
        let deep = args.deep.then(|| measure(catalog, &command, &below, &mut Bar::new())).transpose()?;
        let found = scan.added + scan.updated + scan.moved + scan.missing > 0
            || deep.as_ref().is_some_and(|d| d.measured + d.failed.len() > 0);
        let report = Report { scan, deep };
        let said = match (found || std::mem::take(&mut first), args.json) {
            (false, _) => Ok(Exit::Done),
            (true, true) => put_lines([serde_json::to_string(&report).unwrap_or_default()]),
            (true, false) => put_lines(lines(&report)),
        };
        Ok(said.is_ok())
    })?;
    Ok(Exit::Done)
}

/// What a scan did, and what measuring did where that was asked for.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    scan: IngestReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    deep: Option<MeasureReport>,
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = summary(&report.scan);
    if let Some(deep) = &report.deep {
        lines.extend(deep.failed.iter().map(|f| format!("not measured {}: {}", f.path.display(), f.reason)));
        lines.push(format!(
            "{} measured, {} breaks suggested in them; `retrovue asset breaks ID` shows and accepts them",
            deep.measured, deep.suggested_breaks
        ));
    }
    lines
}

/// A report for people: what is wrong first, the sums last.
pub(super) fn summary(report: &IngestReport) -> Vec<String> {
    let mut lines = Vec::new();
    for warning in &report.warnings {
        lines.push(format!("passed over  {}: {}", warning.path.display(), warning.reason));
    }
    for bad in &report.bad {
        lines.push(format!("cannot air   {}: {}", bad.path.display(), bad.reason));
    }
    lines.push(format!(
        "{} files: {} new, {} changed, {} moved, {} as before, {} gone, {} that cannot air",
        report.scanned,
        report.added,
        report.updated,
        report.moved,
        report.unchanged,
        report.missing,
        report.bad.len()
    ));
    if report.elsewhere > 0 {
        lines.push(format!("{} files are another source's already and were left to it", report.elsewhere));
    }
    lines
}
