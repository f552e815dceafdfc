//! The operator's command line: arguments in, text or JSON out, documented exit codes.
//!
//! Every command is a thin shell: the work is in the rooms it calls. Results go to standard output, errors
//! and progress to standard error; errors are printed in one place, [`run`].

mod asrun;
mod assets;
mod catalog;
mod channels;
mod collections;
mod csv;
mod demo;
mod exit;
mod guide;
mod ingest;
mod output;
mod playlog;
mod programming;
mod progress;
mod schedule;
mod serve;
mod sources;
mod stretch;
mod ts;
mod ts_source;
mod whereabouts;

pub use exit::{Exit, Failure};
pub use serve::{ServeOptions, serve_station};
pub use whereabouts::Whereabouts;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  it failed, or the check found errors
  2  the command line is wrong
  3  the station's files or the catalog cannot be read or are wrong
  4  the port is in use
  5  the data folder cannot be written

RETROVUE_LOG sets what is logged: error, warn, info, debug, or module=level.";

/// A linear TV station from a media library and a YAML grid.
#[derive(Debug, Parser)]
#[command(name = "retrovue", version, about, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a station at once, over sample media or a folder of your own
    Demo(demo::DemoArgs),
    /// Scan the media, then serve every channel until interrupted
    Serve(serve::ServeArgs),
    /// Scan folders or files into the catalog; the station's media when none is named
    #[command(after_help = ingest::INGEST_HELP)]
    Ingest(ingest::IngestArgs),
    /// Say where media come from: folders, Jellyfin and Plex libraries
    #[command(subcommand, visible_alias = "sources")]
    Source(sources::SourceCommand),
    /// Look at collections, and define some by what is to be in them
    #[command(subcommand, visible_alias = "collections")]
    Collection(collections::CollectionCommand),
    /// Look at the catalog's assets, and accept breaks
    #[command(subcommand, visible_alias = "assets")]
    Asset(assets::AssetCommand),
    /// Check the catalog, back it up
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Look at the channels
    #[command(subcommand)]
    Channel(channels::ChannelCommand),
    /// Check a channel file, compile a day's schedule, expand it to a playout log; the language's schema
    #[command(subcommand)]
    Programming(programming::ProgrammingCommand),
    /// Print what airs on a channel
    Guide(guide::GuideArgs),
    /// Check a transport stream, or print it
    #[command(subcommand)]
    Ts(ts::TsCommand),
    /// Look at what was sent, and compare it with what was planned
    #[command(subcommand, visible_alias = "as-run", after_help = asrun::ASRUN_HELP)]
    Asrun(asrun::AsRunCommand),
    /// Look at what AIR was given to send
    #[command(subcommand, after_help = playlog::PLAYLOG_HELP)]
    Playlog(playlog::PlaylogCommand),
    /// Look into a channel's schedule
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
}

/// Runs a command line and says how the process is to end.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results; clap knows which stream is whose.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let serving = matches!(cli.command, Command::Serve(_) | Command::Demo(_));
    start_log(if serving { "info" } else { "warn" });
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Ingest(args) => ingest::run(args),
        Command::Source(command) => sources::run(command),
        Command::Collection(command) => collections::run(command),
        Command::Asset(command) => assets::run(command),
        Command::Catalog(command) => catalog::run(command),
        Command::Channel(command) => channels::run(command),
        Command::Programming(command) => programming::run(command),
        Command::Guide(args) => guide::run(args),
        Command::Ts(command) => ts::run(command),
        Command::Asrun(command) => asrun::run(command),
        Command::Playlog(command) => playlog::run(command),
        Command::Schedule(command) => schedule::run(command),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit().into()
        }
    }
}

fn start_log(default: &str) {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("RETROVUE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // A second start, in tests, keeps the first log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
