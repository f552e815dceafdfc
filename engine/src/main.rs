//! `retrovue-air`: one playout session per process.

use anyhow::Context;
use clap::{Parser, Subcommand};
use retrovue_engine::render::Outcome;
use retrovue_engine::scheduling::{CpuList, Scheduling};
use retrovue_proto::plan::Plan;
use retrovue_timebase::UtcMs;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The playout engine of RetroVue: executes block plans as continuous MPEG-TS.
#[derive(Parser)]
#[command(name = "retrovue-air", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Listen for Core on a Unix socket; one forked process and one session per connection.
    Serve {
        /// Path of the socket to listen on.
        #[arg(long)]
        control: PathBuf,
        /// SCHED_FIFO priority (1-99) of the thread that paces the output; needs permission.
        #[arg(long, env = "RETROVUE_AIR_REALTIME", value_parser = clap::value_parser!(u8).range(1..=99))]
        realtime_priority: Option<u8>,
        /// Processors for the sessions, such as 0,2-3.
        #[arg(long, env = "RETROVUE_AIR_CPUS")]
        cpus: Option<CpuList>,
    },
    /// Render a plan on a virtual clock, as fast as it goes.
    ///
    /// Exit codes: 0 completed, 1 cannot read the plan or write the file, 2 wrong arguments,
    /// 3 plan rejected, 4 session terminated.
    Render {
        /// The plan, as JSON; relative assets lie beside it.
        #[arg(long)]
        plan: PathBuf,
        /// Instant of the join in milliseconds since 1970, UTC; the first block's start when absent.
        #[arg(long)]
        join_utc_ms: Option<i64>,
        /// File to write, `-` for standard output.
        #[arg(long)]
        out: PathBuf,
        /// Print block events and frame counts as JSON (on standard error with `--out -`).
        #[arg(long)]
        json: bool,
    },
    /// Tell what media files hold: one path a line on standard input, one JSON line each out.
    Probe {
        /// Decode all of each file: its loudness, and where it is black and silent. Lines with `progress_ms` come
        /// before the answer.
        #[arg(long)]
        deep: bool,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("RETROVUE_LOG").unwrap_or_else(|_| "info".into()),
        )
        .with_target(false)
        // Standard error is a pipe to Core, which may be gone: a lost line is no reason to end.
        .log_internal_errors(false)
        .init();
    spare_memory();
    let run = match Arguments::parse().verb {
        Verb::Serve { control, realtime_priority, cpus } => {
            let scheduling = Scheduling { realtime_priority, cpus };
            retrovue_engine::serve::run(&control, &scheduling).map_err(anyhow::Error::from)
        }
        Verb::Render { plan, join_utc_ms, out, json } => render(&plan, join_utc_ms, &out, json),
        Verb::Probe { deep } => {
            retrovue_codec::init();
            let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
            let run = if deep {
                retrovue_engine::measure::run(input, output)
            } else {
                retrovue_engine::probe::run(input, output)
            };
            run.map(|()| ExitCode::SUCCESS).context("reading paths from standard input")
        }
    };
    run.unwrap_or_else(|error| {
        eprintln!("retrovue-air: {error:#}");
        ExitCode::FAILURE
    })
}

/// A picture is a little over a megabyte and the video encoder asks for huge pages, which round each
/// one up to two; a station of many channels would rather have the memory.
fn spare_memory() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!("huge pages stay on: {error}");
    }
}

fn render(plan_path: &Path, join_utc_ms: Option<i64>, out: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(plan_path)
        .with_context(|| format!("cannot read the plan {}", plan_path.display()))?;
    let plan: Plan =
        serde_json::from_str(&text).with_context(|| format!("{} is no plan", plan_path.display()))?;
    let base = plan_path.parent().map(Path::to_path_buf).unwrap_or_default();
    retrovue_codec::init();
    let to_stdout = out == Path::new("-");
    let report = retrovue_engine::render::render(&plan, base, join_utc_ms.map(UtcMs), || {
        let sink: Box<dyn Write + Send> =
            if to_stdout { Box::new(std::io::stdout()) } else { Box::new(std::fs::File::create(out)?) };
        Ok(BufWriter::with_capacity(1 << 18, sink))
    })
    .with_context(|| format!("cannot write {}", out.display()))?;
    if json {
        let text = serde_json::to_string_pretty(&report)?;
        if to_stdout {
            eprintln!("{text}");
        } else {
            println!("{text}");
        }
    } else if report.outcome != Outcome::Completed {
        let (code, detail) = (report.code.as_deref().unwrap_or("-"), report.detail.as_deref().unwrap_or("-"));
        eprintln!("retrovue-air: {code}: {detail}");
    } else {
        eprintln!("{} frames in {} blocks, {} bytes", report.frames, report.blocks.len(), report.bytes);
    }
    Ok(ExitCode::from(match report.outcome {
        Outcome::Completed => 0,
        Outcome::Rejected => 3,
        Outcome::Terminated => 4,
    }))
}
