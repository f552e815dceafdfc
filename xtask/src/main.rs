//! The repository's own chores, run as `cargo xtask …`. Needs git and cargo, no system library.
//!
//! It checks and rewrites files of the repository; it never builds a release or touches the network.

mod bless;
mod repository;
mod tidy;

use anyhow::bail;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  tidy           check the rules of the repository; exit 1 and one line per finding where one is broken
  matrix         rewrite docs/contracts/matrix.md from what code and tests quote
  bless [CASE]   rewrite the golden files of CASE (a folder of golden/), or of all; refused where CI=true
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["tidy"] => tidy::run(),
        ["matrix"] => tidy::rewrite_matrix(),
        ["bless"] => bless::run(None),
        ["bless", case] => bless::run(Some(case)),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => wrong_usage(other),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wrong_usage(arguments: &[&str]) -> anyhow::Result<()> {
    bail!("no such command: {}\n\n{HELP}", arguments.join(" "))
}
