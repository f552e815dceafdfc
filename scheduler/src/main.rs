//! `retrovue`: the scheduler process, the operator's command line and the HTTP station in one program.

use std::process::ExitCode;

fn main() -> ExitCode {
    retrovue_scheduler::cli::run(std::env::args_os())
}
