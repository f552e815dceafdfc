//! What a scan asks of the catalog and writes to it.

use super::artwork::FoundPicture;
use super::asset::{AssetType, Description, Health, ProbeFacts};
use super::asset_rows::{record, type_of};
use super::error::CatalogError;
use super::store::Catalog;
use rusqlite::{Row, params};
use std::collections::BTreeMap;

/// A media file that is new, changed or moved, with what is to be recorded of it.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) path: String,
    pub(crate) collection: String,
    pub(crate) asset_slug: String,
    pub(crate) asset_type: AssetType,
    pub(crate) description: Description,
    /// Changes with what is told of the file elsewhere than in it.
    pub(crate) description_mark: i64,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    /// Tells the content; absent where it could not be read.
    pub(crate) content_mark: Option<String>,
    /// Its picture.
    pub(crate) artwork: Option<FoundPicture>,
    /// The picture that its sidecar names, there or not.
    pub(crate) artwork_named: Option<String>,
    pub(crate) outcome: Outcome,
}

/// What is known of a file's content now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The probe has read it.
    Probed(ProbeFacts),
    /// It cannot air, and why.
    Unplayable(String),
    /// It is what it was when it was probed.
    AsBefore,
}

/// What the catalog remembers of a file, to tell whether it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) asset_pk: i64,
    pub(crate) source_id: i64,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) health: Health,
    pub(crate) collection: String,
    pub(crate) asset_type: AssetType,
    pub(crate) reason: Option<String>,
    /// Whether the probe could read it.
    pub(crate) has_facts: bool,
    pub(crate) content_mark: Option<String>,
    pub(crate) description_mark: i64,
    pub(crate) artwork_mark: Option<i64>,
    pub(crate) artwork_named: Option<String>,
}

/// A collection found by a scan, and the programme over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundCollection {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) programme: String,
    pub(crate) programme_title: String,
}

/// A file that is elsewhere now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) asset_pk: i64,
    pub(crate) to: String,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
}

const SELECT_REMEMBERED: &str = "SELECT asset_pk, source_id, path, size, mtime_ns, health, collection_id, asset_type, \
    reason, container IS NOT NULL, content_mark, description_mark, artwork_mark, \
    artwork_named FROM assets";

fn remembered(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    let health: String = row.get(5)?;
    Ok(Remembered {
        asset_pk: row.get(0)?,
        source_id: row.get(1)?,
        path: row.get(2)?,
        size: row.get::<_, i64>(3)?.unsigned_abs(),
        mtime_ns: row.get(4)?,
        health: Health::from_word(&health),
        collection: row.get(6)?,
        asset_type: type_of(row, 7)?,
        reason: row.get(8)?,
        has_facts: row.get(9)?,
        content_mark: row.get(10)?,
        description_mark: row.get(11)?,
        artwork_mark: row.get(12)?,
        artwork_named: row.get(13)?,
    })
}

impl Catalog {
    /// Everything remembered, by path.
    pub(crate) fn remembered(&self) -> Result<BTreeMap<String, Remembered>, CatalogError> {
        self.read(|db| {
            db.prepare(SELECT_REMEMBERED)?
                .query_map([], |row| remembered(row).map(|r| (r.path.clone(), r)))?
                .collect()
        })
    }

    /// Makes collections and the programme over each, where they are not there yet.
    pub(crate) fn record_collections<'a>(
        &mut self,
        collections: impl IntoIterator<Item = &'a FoundCollection>,
    ) -> Result<(), CatalogError> {
        self.write(|work| {
            let mut add = work.prepare_cached(
                "INSERT INTO collections (collection_id, title) VALUES (?1, ?2) ON CONFLICT (collection_id) DO NOTHING",
            )?;
            let mut over = work.prepare_cached(
                "INSERT INTO programmes (programme_id, title, collection_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (programme_id) DO NOTHING",
            )?;
            for found in collections {
                add.execute([&found.id, &found.title])?;
                over.execute([&found.programme, &found.programme_title, &found.id])?;
            }
            Ok(())
        })
    }

    /// Records a batch of files; each is new, changed or moved.
    pub(crate) fn record_sightings(
        &mut self,
        source_id: i64,
        batch: &[Sighting],
    ) -> Result<(), CatalogError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.write(|work| batch.iter().try_for_each(|sighting| record(work, source_id, sighting)))
    }

    /// Gives assets the paths that their files have now. All at once, for files change places with each other.
    pub(crate) fn record_moves(&mut self, moves: &[Move]) -> Result<(), CatalogError> {
        if moves.is_empty() {
            return Ok(());
        }
        self.write(|work| {
            for moved in moves {
                // No file's path begins thus, so none is in the way.
                work.execute(
                    "UPDATE assets SET path = 'moving:' || asset_pk WHERE asset_pk = ?1",
                    [moved.asset_pk],
                )?;
            }
            for moved in moves {
                work.execute(
                    "UPDATE assets SET path = ?2, size = ?3, mtime_ns = ?4,
                        health = CASE WHEN container IS NULL THEN 'missing' ELSE 'ok' END,
                        reason = CASE WHEN container IS NULL THEN reason END
                     WHERE asset_pk = ?1",
                    params![
                        moved.asset_pk,
                        moved.to,
                        i64::try_from(moved.size).unwrap_or(i64::MAX),
                        moved.mtime_ns
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// Records what tells the contents of files that are otherwise as before: `(path, mark)`.
    pub(crate) fn record_content_marks(&mut self, marks: &[(String, String)]) -> Result<(), CatalogError> {
        if marks.is_empty() {
            return Ok(());
        }
        self.write(|work| {
            let mut update = work.prepare_cached("UPDATE assets SET content_mark = ?2 WHERE path = ?1")?;
            marks.iter().try_for_each(|(path, mark)| update.execute([path, mark]).map(drop))
        })
    }

    /// Marks files as gone.
    pub(crate) fn mark_missing(&mut self, paths: &[String]) -> Result<(), CatalogError> {
        if paths.is_empty() {
            return Ok(());
        }
        self.write(|work| {
            let mut update = work.prepare_cached(
                "UPDATE assets SET health = 'missing', reason = 'the file is gone' WHERE path = ?1",
            )?;
            paths.iter().try_for_each(|path| update.execute([path]).map(drop))
        })
    }
}
