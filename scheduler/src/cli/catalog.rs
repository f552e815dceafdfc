//! `retrovue catalog`: the file itself.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::DATABASE_FILE;
use clap::Subcommand;
use std::path::PathBuf;

const BACKUP_HELP: &str = "The copy is whole and of one instant, also while the station runs; it is checked before it gets its name.
To go back to it, stop the station, remove catalog.sqlite, catalog.sqlite-wal and catalog.sqlite-shm from the
data folder (`retrovue catalog path` prints where), and copy the backup there as catalog.sqlite.";

/// Commands under `catalog`.
#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Look through the whole catalog for damage; exit code 1 when something is found
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Write a copy of the catalog, also while the station runs
    #[command(after_help = BACKUP_HELP)]
    Backup {
        /// The file to write
        file: PathBuf,
        /// Write over a file of that name
        #[arg(long)]
        force: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Print where the catalog is, whether or not it is there
    Path {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
}

pub(super) fn run(command: CatalogCommand) -> Result<Exit, Failure> {
    match command {
        CatalogCommand::Check { json, whereabouts } => {
            let catalog = whereabouts.catalog()?;
            let findings = catalog.check()?;
            if json {
                put_json(&serde_json::json!({ "path": catalog.path(), "findings": findings }))?;
            } else if findings.is_empty() {
                put_lines([format!("{} is sound", catalog.path().display())])?;
            } else {
                put_lines(findings.iter().cloned())?;
                eprintln!(
                    "{} is not sound; put a backup in its place, or move it away and scan the media again",
                    catalog.path().display()
                );
            }
            if findings.is_empty() { Ok(Exit::Done) } else { Err(Failure::said(Exit::Failed)) }
        }
        CatalogCommand::Backup { file, force, json, whereabouts } => {
            let catalog = whereabouts.catalog()?;
            let bytes = catalog.backup(&file, force)?;
            if json {
                return put_json(&serde_json::json!({ "backup": file, "bytes": bytes }));
            }
            put_lines([format!("{}: {bytes} bytes, sound", file.display())])
        }
        CatalogCommand::Path { json, whereabouts } => {
            let path = whereabouts.data_dir()?.join(DATABASE_FILE);
            let path = std::path::absolute(&path).unwrap_or(path);
            if json {
                return put_json(&serde_json::json!({ "path": path, "exists": path.is_file() }));
            }
            put_lines([path.display().to_string()])
        }
    }
}
