//! `retrovue serve`: scan, plan, then run the station.

use super::exit::print_findings;
use super::ingest::summary;
use super::planned::findings_of;
use super::progress::Bar;
use super::{Exit, Failure, Whereabouts};
use crate::air::asset_folders::{AssetFolders, asset_folders};
use crate::air::changeover::Changeover;
use crate::catalog::Catalog;
use crate::config::StationConfig;
use crate::ingest::{
    AbsentFolder, FolderWatch, Ingest, ProberCommand, WatchTimes, mark_absent, scan_servers,
};
use crate::plan::{Programming, black_path};
use crate::station::renewal::{Renewal, RenewalParts, watch_station};
use crate::station::{self, DataLock, StationError, StationOptions};
use crate::yaml::{Level, Report};
use clap::Args;
use jiff::Timestamp;
use retrovue_timebase::UtcMs;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The port to listen on, 0 for any free one [default: the station file's, else 8409]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The address to listen on [default: all]
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Do not scan the media, now or later, and take up no change
    #[arg(long)]
    no_scan: bool,
    /// Refuse to start when a channel has errors, or something the station file names is not there
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// How a station is served, besides what its file says.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// Address to listen on; all when absent.
    pub address: Option<IpAddr>,
    /// Whether the media are scanned first, and what changes is taken up while the station runs.
    pub scan: bool,
    /// The `retrovue-air` program; beside this one or on the PATH when absent.
    pub air_program: Option<PathBuf>,
    /// Whether a channel with errors keeps the others from the air.
    pub strict: bool,
}

pub(super) fn run(args: ServeArgs) -> Result<Exit, Failure> {
    let mut config = args.whereabouts.station()?;
    if let Some(port) = args.port {
        config.port = port;
    }
    let options =
        ServeOptions { address: args.address, scan: !args.no_scan, air_program: None, strict: args.strict };
    serve_station(&config, &options)
}

/// Scans the station's media, plans, and serves every channel until interrupted; meanwhile it takes up what changes.
///
/// # Errors
/// Anything that keeps the station from running, with its exit code.
pub fn serve_station(config: &StationConfig, options: &ServeOptions) -> Result<Exit, Failure> {
    check_port(options.address, config.port)?;
    let mut found = config.warnings.clone();
    if options.strict {
        found.make_strict();
    }
    if found.has_errors() {
        return Err(Failure::findings(Exit::Unreadable, found));
    }
    print_findings(&found);
    let mut catalog = Catalog::open(&config.data_dir)?;
    let _lock = DataLock::take(&config.data_dir)?;
    let mut prober = ProberCommand::standard();
    if let Some(program) = &options.air_program {
        prober.program.clone_from(program);
    }
    let mut watch = None;
    if options.scan {
        // Begun before the scan: what changes meanwhile is found by the next.
        watch = watching(config);
        let mut report = Ingest::new(&mut catalog, prober.clone()).run(&config.sources(), &mut Bar::new())?;
        report.add(scan_servers(&mut catalog, &prober, &mut Bar::new())?);
        summary(&report).iter().for_each(|line| eprintln!("{line}"));
    }
    say_absent(&mark_absent(&mut catalog)?);
    let (programming, warnings) = open(config, &mut catalog, options.strict)?;
    let black = black_path(&config.data_dir);
    let named = config.sources().into_iter().map(|source| source.path).chain([black]);
    let asset_folders = AssetFolders::new(asset_folders(named, catalog.asset_paths()?));
    let recorded_in = catalog.path().to_owned();
    print_findings(&warnings);
    if programming.channels().is_empty() {
        let message = format!("{} has no channels; list their files under channels:", config.path.display());
        return Err(Failure::new(Exit::Unreadable, message));
    }
    // Laying out a channel's first day counts its runs from their beginning; no viewer should wait for it.
    let now = UtcMs(Timestamp::now().as_millisecond());
    for channel in programming.channels() {
        programming.block_at(&channel.id, now, &BTreeSet::new())?;
    }
    let schedule = Arc::new(Changeover::new(&programming));
    // Its last holder, so that what waits to be kept of it is kept when the station ends.
    drop(programming);
    let renewal = watch.map(|mut watch| {
        let failed = watch_station(&mut watch, config, &schedule.files());
        failed.iter().for_each(|error| tracing::warn!("{error}; it is looked at every quarter of an hour"));
        let (config, asset_folders) = (config.clone(), asset_folders.clone());
        let clock = station::wall_clock;
        let parts = RenewalParts { config, catalog, prober, watch, asset_folders, clock };
        Renewal::start(parts, &schedule)
    });
    let _renewal = renewal
        .transpose()
        .map_err(|source| StationError::Start { part: "thread that takes up changes", source })?;
    let station = StationOptions {
        name: config.name.clone(),
        address: options.address,
        port: config.port,
        linger: Duration::from_millis(config.linger.0.unsigned_abs()),
        air_program: options.air_program.clone(),
        asset_folders,
        guide: config.guide,
        catalog: Some(recorded_in),
    };
    station::run(station, schedule).map_err(Failure::from)?;
    Ok(Exit::Done)
}

/// The programming, and what is to be said of it. A channel with errors is left out, unless `strict`: then it keeps the
/// station from the air.
fn open(
    config: &StationConfig,
    catalog: &mut Catalog,
    strict: bool,
) -> Result<(Programming, Report), Failure> {
    if strict {
        return Ok(Programming::open(config, catalog)?);
    }
    let opened = Programming::open_sound(config, catalog)?;
    let mut report = opened.warnings;
    report.append(findings_of(&opened.left_out));
    if opened.programming.channels().is_empty() && !opened.left_out.is_empty() {
        return Err(Failure::findings(Exit::Unreadable, report));
    }
    for left in &opened.left_out {
        let errors = left.findings.findings().iter().filter(|f| f.level() == Level::Error).count();
        let channel = left.channel.as_deref().unwrap_or("?");
        tracing::error!(channel, file = %left.path.display(), errors, "the channel is left out; see `retrovue channel check`");
    }
    Ok((opened.programming, report))
}

/// A watch of the media from now on. The station runs without.
fn watching(config: &StationConfig) -> Option<FolderWatch> {
    let mut watch = FolderWatch::new(WatchTimes::default())
        .inspect_err(|error| tracing::warn!("{error}; what changes is taken up at the next start"))
        .ok()?;
    // What cannot be watched is said when everything is.
    watch_station(&mut watch, config, &BTreeSet::new());
    Some(watch)
}

/// Tells of folders that are not there.
pub(super) fn say_absent(absent: &[AbsentFolder]) {
    for folder in absent.iter().filter(|folder| folder.assets > 0) {
        eprintln!(
            "{} is not there: its {} assets are missing until a scan finds them again",
            folder.root.display(),
            folder.assets
        );
    }
}

/// A taken port is said before a long scan, not after it.
fn check_port(address: Option<IpAddr>, port: u16) -> Result<(), Failure> {
    let ip = address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    match TcpListener::bind((ip, port)) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(Failure::from(StationError::PortInUse { port }))
        }
        // Whatever else is wrong, the station itself will say better.
        _ => Ok(()),
    }
}

impl From<StationError> for Failure {
    fn from(error: StationError) -> Failure {
        let exit =
            if matches!(error, StationError::PortInUse { .. }) { Exit::PortInUse } else { Exit::Failed };
        Failure::new(exit, error)
    }
}
