//! The tables, as a list of migrations; `user_version` counts those applied.

use super::CatalogError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Each entry takes the database from version `index` to `index + 1`. Never edit one that has been
/// released: append.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_assets.sql"),
    include_str!("migrations/0002_metadata_and_history.sql"),
    include_str!("migrations/0003_as_run.sql"),
    include_str!("migrations/0004_rotation_openings.sql"),
    include_str!("migrations/0005_plots.sql"),
    include_str!("migrations/0006_artwork.sql"),
];

/// The version this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the database to [`VERSION`].
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), CatalogError> {
    let fail = |e| CatalogError::of(path, e);
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fail)?;
    if found > VERSION {
        return Err(CatalogError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    if found == VERSION {
        return judge_tables(db, found, path);
    }
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    // Another process may have migrated while this one waited for the lock.
    let found: i64 = work.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fail)?;
    judge_tables(&work, found, path)?;
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        work.execute_batch(migration).map_err(fail)?;
    }
    work.pragma_update(None, "user_version", VERSION).map_err(fail)?;
    work.commit().map_err(fail)
}

/// Tells a stranger's database by its tables: other programs number their files too, and some with a mark that is
/// negative.
fn judge_tables(db: &Connection, version: i64, path: &Path) -> Result<(), CatalogError> {
    let count = "SELECT count(*), count(*) FILTER (WHERE type = 'table' AND name IN ('sources', 'assets', 'channels'))
        FROM sqlite_schema";
    let (all, ours): (i64, i64) = db
        .query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|e| CatalogError::of(path, e))?;
    let sound = if version > 0 { ours == 3 } else { all == 0 };
    if sound {
        return Ok(());
    }
    Err(CatalogError::NotADatabase {
        path: path.to_owned(),
        detail: "it is an SQLite database of something else".into(),
    })
}
