//! What can go wrong with the catalog's file, in words an operator can act on.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// A catalog operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The folder cannot be made.
    #[error("cannot create the data folder {path}: {source}; choose another with --data-dir")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or its folder cannot be written.
    #[error(
        "cannot write {path}: the file or its folder is read-only; change its permissions or choose another with --data-dir"
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error("cannot open {path}: {detail}; check its permissions, or choose another folder with --data-dir")]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// The file is something else.
    #[error(
        "{path} is not a RetroVue catalog: {detail}; move it away, or choose another folder with --data-dir"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// It was a catalog, and is no longer whole.
    #[error(
        "{path} is damaged: {detail}; put a backup in its place, or move it and the files beside it ({path}-wal, \
         {path}-shm) away and scan the media again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// There is no room for it to grow.
    #[error(
        "cannot write {path}: the disk is full; make room, and say the same again: what was recorded so far is kept"
    )]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The system failed to read or write it.
    #[error("cannot read or write {path}: {detail}; see whether its disk is sound and has room")]
    Disk {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// The backup cannot be written.
    #[error("cannot write the backup {path}: {reason}")]
    Backup {
        /// Where it was to go.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// A later version of the program wrote it.
    #[error(
        "{path} was written by a newer version (catalog {found}, this program knows {known}); update the program"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// Another process holds it.
    #[error("{path} is in use by another process; stop it, or wait until it is done")]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// No such asset.
    #[error("no asset \"{id}\" in the catalog{}", suggestion(.near))]
    NoSuchAsset {
        /// The id asked for.
        id: String,
        /// Near ids.
        near: Vec<String>,
    },
    /// No such collection, source or channel.
    #[error("no {kind} \"{id}\" in the catalog{}", suggestion_of(.kind, .near))]
    NoSuch {
        /// What was looked for: `collection`, `source`, `channel`.
        kind: &'static str,
        /// The id asked for.
        id: String,
        /// Near ids.
        near: Vec<String>,
    },
    /// What was asked for contradicts what is there.
    #[error("{what}")]
    Refused {
        /// What is wrong, and what to do.
        what: String,
    },
    /// Anything else SQLite reports.
    #[error("the catalog {path} failed: {source}")]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

fn suggestion(near: &[String]) -> String {
    suggestion_of("asset", near)
}

fn suggestion_of(kind: &str, near: &[String]) -> String {
    if near.is_empty() {
        format!("; `retrovue {kind} list` shows them all")
    } else {
        format!("; did you mean {}?", near.join(" or "))
    }
}

impl CatalogError {
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> CatalogError {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => CatalogError::NotADatabase { path, detail: source.to_string() },
            Some(ErrorCode::DatabaseCorrupt) => CatalogError::Damaged { path, detail: source.to_string() },
            Some(ErrorCode::DiskFull) => CatalogError::Full { path },
            Some(ErrorCode::SystemIoFailure) => CatalogError::Disk { path, detail: source.to_string() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => CatalogError::Locked { path },
            Some(ErrorCode::ReadOnly) => CatalogError::ReadOnly { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                CatalogError::CannotOpen { path, detail: source.to_string() }
            }
            _ => CatalogError::Database { path, source },
        }
    }

    /// Whether what was to be written is at fault, a row of a channel that is not there, and not the file.
    pub(crate) fn is_of_a_row(&self) -> bool {
        let CatalogError::Database { source, .. } = self else { return false };
        source.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
    }

    /// Whether the folder cannot be written, which has an exit code of its own.
    #[must_use]
    pub fn is_not_writable(&self) -> bool {
        matches!(
            self,
            CatalogError::DataDir { .. }
                | CatalogError::ReadOnly { .. }
                | CatalogError::CannotOpen { .. }
                | CatalogError::Full { .. }
                | CatalogError::Disk { .. }
                | CatalogError::Backup { .. }
        )
    }
}
