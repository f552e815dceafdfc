//! `retrovue doctor`: what is wrong with this installation, and what to do.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::doctor::{Check, Installation, Level, examine};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct Told {
    ok: bool,
    checks: Vec<Check>,
}

pub(super) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let station = args.whereabouts.read_station();
    let checks = examine(&Installation { station, air_program: None, now: Timestamp::now() });
    let told = Told { ok: checks.iter().all(|check| check.level != Level::Fail), checks };
    if args.json {
        put_json(&told)?;
    } else {
        put_lines(told.checks.iter().flat_map(lines))?;
    }
    if told.ok { Ok(Exit::Done) } else { Err(Failure::said(Exit::Failed)) }
}

fn lines(check: &Check) -> Vec<String> {
    let mut lines = vec![format!("{:<4}  {:<15}  {}", check.level.word(), check.check, check.said)];
    lines.extend(check.fix.iter().map(|fix| format!("{:<23}to do: {fix}", "")));
    lines
}
