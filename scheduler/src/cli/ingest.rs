//! `retrovue ingest`.

use super::output::{put_json, put_lines};
use super::progress::Bar;
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetType, Catalog};
use crate::ingest::{Ingest, IngestReport, IngestSource, ProberCommand};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub(super) struct IngestArgs {
    /// Folders or files; the station's media when none is named
    paths: Vec<PathBuf>,
    /// What all the files are for, whatever their folders are called: episode, movie, filler, commercial,
    /// promo or bumper
    #[arg(long = "type", value_name = "TYPE")]
    asset_type: Option<AssetType>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

pub(super) fn run(args: IngestArgs) -> Result<Exit, Failure> {
    let sources = if args.paths.is_empty() {
        let Some(config) = args.whereabouts.station_if_any()? else {
            let message = "nothing to scan: name folders or files, or a station file with --config";
            return Err(Failure::new(Exit::Usage, message));
        };
        config.sources()
    } else {
        let source = |path| IngestSource { path, name: None, asset_type: args.asset_type };
        args.paths.into_iter().map(source).collect()
    };
    let mut catalog = Catalog::open(&args.whereabouts.data_dir()?)?;
    let report = Ingest::new(&mut catalog, ProberCommand::standard()).run(&sources, &mut Bar::new())?;
    if args.json { put_json(&report) } else { put_lines(summary(&report)) }
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
        "{} files: {} new, {} changed, {} as before, {} gone, {} that cannot air",
        report.scanned,
        report.added,
        report.updated,
        report.unchanged,
        report.missing,
        report.bad.len()
    ));
    lines
}
