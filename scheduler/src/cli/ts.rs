//! `retrovue ts`: a transport stream judged, or written down for `diff`.

use super::output::{put, put_json};
use super::ts_source::{Source, open};
use super::{Exit, Failure};
use clap::{Args, Subcommand};
use retrovue_analyser::{Analyser, Dump, Lines, Options, Report};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes read at once.
const PIECE: usize = 1 << 18;

const CHECK_EXIT_CODES: &str = "Exit codes:
  0  every rule that there is something to judge by is kept
  1  a rule is broken
  2  the stream cannot be read, or is none";

/// Commands of `ts`.
#[derive(Debug, Subcommand)]
pub(super) enum TsCommand {
    /// Judge a stream by TR 101 290 and the T-STD
    #[command(after_help = CHECK_EXIT_CODES)]
    Check(CheckArgs),
    /// Print a stream, a line per packet
    Dump(DumpArgs),
}

/// Arguments of `ts check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// A file, - for standard input, or an http:// address
    #[arg(value_name = "FILE|-|URL")]
    stream: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the buffers and PCRs over time
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Demand the tables of DVB: NIT, SDT, EIT, TDT
    #[arg(long)]
    dvb: bool,
    /// Stop reading after that many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

/// Arguments of `ts dump`.
#[derive(Debug, Args)]
pub(super) struct DumpArgs {
    /// A file, - for standard input, or an http:// address
    #[arg(value_name = "FILE|-|URL")]
    stream: String,
    /// A line per PES packet, section and PCR
    #[arg(long)]
    pes: bool,
}

pub(super) fn run(command: TsCommand) -> Result<Exit, Failure> {
    match command {
        TsCommand::Check(args) => check(&args),
        TsCommand::Dump(args) => dump(&args),
    }
}

fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut analyser = Analyser::new(Options { dvb: args.dvb, plot: args.plot.is_some() });
    // The report so far is worth having: a signal ends the stream, not the program.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    let until = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let ended = || stop.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until);
    each_piece(&args.stream, open(&args.stream)?, ended, |bytes| {
        analyser.push(bytes);
        Ok(())
    })?;
    let report = analyser.finish();
    if !report.is_readable() {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{} is no transport stream: {} bytes, no sync byte every 188, 192 or 204",
                args.stream, report.bytes
            ),
        ));
    }
    if let Some(path) = &args.plot {
        draw(&report, path)?;
    }
    if args.json {
        put_json(&report)?
    } else {
        put(&report.to_string())?
    };
    Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
}

fn draw(report: &Report, path: &Path) -> Result<(), Failure> {
    let svg = report.svg().unwrap_or_default();
    std::fs::write(path, svg)
        .map_err(|error| Failure::new(Exit::NotWritable, format!("cannot write {}: {error}", path.display())))
}

fn dump(args: &DumpArgs) -> Result<Exit, Failure> {
    let mut dump = Dump::new(if args.pes { Lines::Pes } else { Lines::Packets });
    let mut out = std::io::stdout().lock();
    let mut gone = false;
    let mut write = |text: String| match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write the result: {error}"))),
        Ok(()) => Ok(false),
    };
    each_piece(
        &args.stream,
        open(&args.stream)?,
        || false,
        |bytes| {
            dump.push(bytes);
            gone |= write(dump.take())?;
            Ok(())
        },
    )?;
    dump.finish();
    if !gone {
        write(dump.take())?;
    }
    Ok(Exit::Done)
}

/// Reads a source to its end, or until it is to end.
fn each_piece(
    name: &str,
    mut source: Source,
    ended: impl Fn() -> bool,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE];
    while !ended() {
        match source.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => take(&piece[..length])?,
            // A live stream's read comes back now and then, to see whether it is to end.
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(Failure::new(Exit::Usage, format!("cannot read {name}: {error}"))),
        }
    }
    Ok(())
}
