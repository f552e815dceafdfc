//! The SQLite file: opening it, and the two ways everything else comes to it.
//!
//! It is written ahead (WAL) and synced at every commit: what was committed outlives a crash of the program and a
//! loss of power. What is read and written stands in the modules beside this one, by subject.

use super::error::CatalogError;
use super::schema;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the database in the data folder.
pub const DATABASE_FILE: &str = "catalog.sqlite";

/// How long a writer waits for another before it says so.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The station's catalog.
#[derive(Debug)]
pub struct Catalog {
    pub(super) db: Connection,
    path: PathBuf,
}

impl Catalog {
    /// Opens the catalog of a data folder, making folder and file where they are missing.
    ///
    /// # Errors
    /// A folder that cannot be written, a file that is locked, damaged, newer, or no catalog.
    pub fn open(data_dir: &Path) -> Result<Catalog, CatalogError> {
        std::fs::create_dir_all(data_dir)
            .map_err(|source| CatalogError::DataDir { path: data_dir.to_owned(), source })?;
        Catalog::open_file(&data_dir.join(DATABASE_FILE))
    }

    /// Opens or makes a catalog file, and brings one of an earlier version up to date.
    ///
    /// # Errors
    /// A file that cannot be written, is locked, damaged, newer, or no catalog.
    pub fn open_file(path: &Path) -> Result<Catalog, CatalogError> {
        let fail = |e| CatalogError::of(path, e);
        let mut db = Connection::open(path).map_err(fail)?;
        db.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
        db.pragma_update(None, "foreign_keys", true).map_err(fail)?;
        if db.is_readonly("main").map_err(fail)? {
            return Err(CatalogError::ReadOnly { path: path.to_owned() });
        }
        schema::migrate(&mut db, path)?;
        // After the migration, so that a stranger's database is left as it was.
        db.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
        db.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
        Ok(Catalog { db, path: path.to_owned() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets how long a write waits for another process to be done with the file; five seconds unless set.
    pub(crate) fn set_patience(&self, patience: Duration) -> Result<(), CatalogError> {
        self.db.busy_timeout(patience).map_err(|e| CatalogError::of(&self.path, e))
    }

    /// Limits this connection as a full disk or a read-only file would.
    #[cfg(test)]
    pub(crate) fn set_limit(&self, pragma: &str) {
        let set =
            self.db.prepare(pragma).and_then(|mut p| p.query([]).and_then(|mut rows| rows.next().map(drop)));
        set.expect("the limit is set");
    }

    pub(super) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        ask(&self.db).map_err(|e| CatalogError::of(&self.path, e))
    }

    /// Everything that `change` does, or nothing of it.
    pub(super) fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        let run = || -> rusqlite::Result<T> {
            let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&work)?;
            work.commit()?;
            Ok(value)
        };
        run().map_err(|e| CatalogError::of(&self.path, e))
    }
}
