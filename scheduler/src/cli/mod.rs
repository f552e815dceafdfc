//! The operator's command line: arguments in, text or JSON out, documented exit codes.
//!
//! Every command is a thin shell: the work is in the rooms it calls. Results go to standard output, errors
//! and progress to standard error; errors are printed in one place, [`run`].

mod asrun;
mod assets;
mod catalog;
mod channels;
mod collections;
mod completions;
mod csv;
mod demo;
mod doctor;
mod examples;
mod exit;
mod guide;
mod ingest;
mod output;
mod planned;
mod playlog;
mod preview;
mod programming;
mod progress;
mod revisions;
mod schedule;
mod serve;
mod sources;
mod stretch;
#[cfg(test)]
mod tree_tests;
mod ts;
mod ts_source;
mod whereabouts;

pub use exit::{Exit, Failure};
pub use serve::{ServeOptions, serve_station};
pub use whereabouts::Whereabouts;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// What stands below the help of the program itself; `docs/command-line.md` has the same codes.
fn after_help() -> String {
    let codes: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("  {}  {}\n", *exit as u8, exit.meaning())).collect();
    format!(
        "Exit codes:\n{}\nRETROVUE_LOG sets what is logged: error, warn, info, debug, or module=level.",
        codes.concat()
    )
}

/// A linear TV station from a media library and a YAML grid.
#[derive(Debug, Parser)]
#[command(name = "retrovue", version, about, after_help = after_help(), propagate_version = true)]
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
    /// Look at the channels, and check them
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
    /// Look into the channels' schedules: what is planned, what was recorded, what would change, and why
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// Look for what is wrong with this installation; exit code 1 when something does not work
    Doctor(doctor::DoctorArgs),
    /// Print what makes a shell complete this program's commands
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Manual(completions::ManualArgs),
}

/// The command line as a value, examples and all.
fn command() -> clap::Command {
    examples::teach(Cli::command())
}

/// Runs a command line and says how the process is to end.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let matches = command().try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
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
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Manual(args) => completions::manual(&args),
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
