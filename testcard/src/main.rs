//! `retrovue-testcard`: makes the sample station's media in a folder.
//!
//! A bar on a terminal, one line in a pipe. Exit codes: 0 made or already there, 1 failed, 2 usage.

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use retrovue_testcard::{Length, Observer, Order, fill};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Draws and encodes the sample station's media: a test card, three series, two films, advertisements,
/// bumpers and idents.
///
/// What is there already is kept; an interrupted run goes on where it stopped.
#[derive(Parser)]
#[command(version, about, after_help = "Exit codes: 0 made or already there, 1 failed, 2 usage.")]
struct Arguments {
    /// The media folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Every item at a tenth of its length
    #[arg(long)]
    quick: bool,
    /// Files made at a time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    threads: Option<u8>,
}

/// Shows progress on a terminal.
struct Bar(ProgressBar);

impl Observer for Bar {
    fn waiting(&self) {
        eprintln!("another run works in the same folder; waiting for it");
    }

    fn begin(&self, _files: usize, frames: u64) {
        self.0.set_length(frames);
        let style = "{msg:32!} {wide_bar:.yellow/blue} {percent:>3} %  {eta:>3}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            self.0.set_style(style);
        }
        self.0.set_message("Drawing the sample media");
    }

    fn frame(&self) {
        self.0.inc(1);
    }

    fn file(&self, path: &str) {
        self.0.set_message(path.rsplit('/').next().unwrap_or(path).to_owned());
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("retrovue-testcard: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let order = Order {
        folder: arguments.out.clone(),
        length: if arguments.quick { Length::Quick } else { Length::Full },
        threads: arguments.threads.map_or(processors, usize::from),
    };
    let bar = Bar(ProgressBar::hidden());
    if std::io::stderr().is_terminal() {
        // Ten times a second is as often as a reader can follow.
        bar.0.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    }
    let start = Instant::now();
    // The error says its cause itself: chained, it would say it twice.
    let report = fill(&order, &bar).map_err(|error| {
        anyhow::anyhow!("the sample media in {} could not be made: {error}", order.folder.display())
    })?;
    bar.0.finish_and_clear();
    let megabytes = report.bytes.div_ceil(1_000_000);
    let folder = order.folder.display();
    if report.made == 0 {
        println!("{} files ({megabytes} MB) in {folder} were there already", report.kept);
    } else {
        println!(
            "{} files made, {} kept ({megabytes} MB) in {folder}, {} s",
            report.made,
            report.kept,
            start.elapsed().as_secs()
        );
    }
    Ok(())
}
