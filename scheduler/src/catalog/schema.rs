//! The tables, as a list of migrations; `user_version` counts those applied.

use super::CatalogError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Each entry takes the database from version `index` to `index + 1`. Never edit one that has been
/// released: append.
const MIGRATIONS: &[&str] = &["
CREATE TABLE sources (
    source_id   INTEGER PRIMARY KEY,
    root        TEXT NOT NULL UNIQUE,
    name        TEXT,
    asset_type  TEXT
) STRICT;

CREATE TABLE collections (
    collection_id TEXT PRIMARY KEY,
    title         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE programmes (
    programme_id  TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    collection_id TEXT NOT NULL REFERENCES collections(collection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    asset_pk      INTEGER PRIMARY KEY,
    asset_id      TEXT NOT NULL UNIQUE,
    source_id     INTEGER NOT NULL REFERENCES sources(source_id),
    collection_id TEXT NOT NULL REFERENCES collections(collection_id),
    path          TEXT NOT NULL UNIQUE,
    size          INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    asset_type    TEXT NOT NULL,
    title         TEXT NOT NULL,
    season        INTEGER,
    episode       INTEGER,
    year          INTEGER,
    health        TEXT NOT NULL CHECK (health IN ('ok', 'bad', 'missing')),
    reason        TEXT,
    container     TEXT,
    duration_ms   INTEGER,
    video_json    TEXT,
    audio_json    TEXT
) STRICT;
CREATE INDEX assets_by_collection ON assets(collection_id);

CREATE TABLE chapters (
    asset_pk INTEGER NOT NULL REFERENCES assets(asset_pk) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,
    title    TEXT,
    PRIMARY KEY (asset_pk, position)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an identity that was given out once is never given to another channel.
CREATE TABLE channels (
    channel_id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT NOT NULL UNIQUE,
    number     INTEGER NOT NULL,
    name       TEXT NOT NULL
) STRICT;
"];

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
