//! `retrovue completions` and `retrovue manual`: what shells and `man` are told of the command line.

use super::output::put;
use super::{Exit, Failure, command};
use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Arguments of `manual`.
#[derive(Debug, Args)]
pub(super) struct ManualArgs {
    /// The folder to write them into, such as ~/.local/share/man/man1
    folder: PathBuf,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "retrovue", &mut script);
    put(&String::from_utf8_lossy(&script))
}

pub(super) fn manual(args: &ManualArgs) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(command(), &args.folder));
    written.map(|()| Exit::Done).map_err(|error| {
        let message = format!("cannot write the manual into {}: {error}", args.folder.display());
        Failure::new(Exit::NotWritable, message)
    })
}
