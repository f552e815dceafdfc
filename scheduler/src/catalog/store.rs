//! The SQLite file: opening it, what the scan writes, what everyone reads.

use super::asset::{AssetRecord, AssetType, ChannelRecord, Chapter, Health, ProbeFacts};
use super::error::CatalogError;
use super::resolver::{AssetMetadata, Programme, Snapshot};
use super::schema;
use crate::yaml::nearest;
use retrovue_timebase::Millis;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the database in the data folder.
pub const DATABASE_FILE: &str = "catalog.sqlite";

/// How long a writer waits for another before it says so.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The station's catalog.
#[derive(Debug)]
pub struct Catalog {
    db: Connection,
    path: PathBuf,
}

/// A media file the scan has seen, with what is to be recorded of it.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) path: String,
    pub(crate) collection: String,
    pub(crate) asset_slug: String,
    pub(crate) asset_type: AssetType,
    pub(crate) title: String,
    pub(crate) season: Option<u32>,
    pub(crate) episode: Option<u32>,
    pub(crate) year: Option<u32>,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) outcome: Result<ProbeFacts, String>,
}

/// What the catalog remembers of a file, to tell whether it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) health: Health,
    pub(crate) collection: String,
    pub(crate) asset_type: AssetType,
    pub(crate) reason: Option<String>,
}

impl Catalog {
    /// Opens the catalog of a data folder, making folder and file where they are missing.
    ///
    /// # Errors
    /// A folder that cannot be written, a file that is locked, newer, or no catalog.
    pub fn open(data_dir: &Path) -> Result<Catalog, CatalogError> {
        std::fs::create_dir_all(data_dir)
            .map_err(|source| CatalogError::DataDir { path: data_dir.to_owned(), source })?;
        Catalog::open_file(&data_dir.join(DATABASE_FILE))
    }

    /// Opens or makes a catalog file.
    ///
    /// # Errors
    /// A file that cannot be written, is locked, newer, or no catalog.
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
        db.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
        Ok(Catalog { db, path: path.to_owned() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All assets, in order of id.
    ///
    /// # Errors
    /// A failing database.
    pub fn assets(&self) -> Result<Vec<AssetRecord>, CatalogError> {
        self.read(|db| {
            let mut chapters = all_chapters(db)?;
            let mut statement = db.prepare(&format!("{SELECT_ASSET} ORDER BY asset_id"))?;
            let rows = statement.query_map([], |row| {
                let (pk, mut record) = asset_of(row)?;
                if let Some(facts) = &mut record.facts {
                    facts.chapters = chapters.remove(&pk).unwrap_or_default();
                }
                Ok(record)
            })?;
            rows.collect()
        })
    }

    /// Paths of all assets that can air.
    ///
    /// # Errors
    /// A failing database.
    pub fn asset_paths(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|db| {
            db.prepare("SELECT path FROM assets WHERE health = ?1 ORDER BY path")?
                .query_map([Health::Ok.word()], |row| row.get::<_, String>(0).map(PathBuf::from))?
                .collect()
        })
    }

    /// One asset by id or path.
    ///
    /// # Errors
    /// No such asset, with near ids; a failing database.
    pub fn asset(&self, id_or_path: &str) -> Result<AssetRecord, CatalogError> {
        let found =
            self.assets()?.into_iter().find(|a| a.id == id_or_path || a.path == Path::new(id_or_path));
        if let Some(asset) = found {
            return Ok(asset);
        }
        let ids: Vec<String> = self.assets()?.into_iter().map(|a| a.id).collect();
        let near = nearest(id_or_path, ids.iter().map(String::as_str));
        Err(CatalogError::NoSuchAsset {
            id: id_or_path.to_owned(),
            near: near.into_iter().map(str::to_owned).collect(),
        })
    }

    /// What planning needs, as it is now: assets that can air, collections, programmes.
    ///
    /// # Errors
    /// A failing database.
    pub fn snapshot(&self) -> Result<Snapshot, CatalogError> {
        let assets = self.assets()?.into_iter().filter(|a| a.health == Health::Ok).filter_map(|a| {
            let facts = a.facts?;
            Some(AssetMetadata {
                id: a.id,
                title: a.title,
                asset_type: a.asset_type,
                collection: a.collection,
                series: None,
                season: a.season,
                episode: a.episode,
                year: a.year,
                rating: None,
                genres: Vec::new(),
                tags: Vec::new(),
                duration: facts.duration_ms?,
                chapter_markers: markers(&facts.chapters),
                uri: a.path.to_str()?.to_owned(),
            })
        });
        let (collections, programmes) = self.read(|db| {
            let collections = db
                .prepare("SELECT collection_id FROM collections")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            let programmes = db
                .prepare("SELECT programme_id, title, collection_id FROM programmes")?
                .query_map([], |row| {
                    Ok(Programme { id: row.get(0)?, title: row.get(1)?, collection: row.get(2)? })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            Ok((collections, programmes))
        })?;
        Ok(Snapshot::new(assets, collections, programmes))
    }

    /// All collections: id, title, and how many assets stand directly in each.
    ///
    /// # Errors
    /// A failing database.
    pub fn collections(&self) -> Result<Vec<(String, String, u32)>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT c.collection_id, c.title, count(a.asset_pk) FROM collections c
                 LEFT JOIN assets a ON a.collection_id = c.collection_id AND a.health = 'ok'
                 GROUP BY c.collection_id ORDER BY c.collection_id",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
        })
    }

    /// Gives a channel its lasting identity, or finds the one it has; number and name are brought up to date.
    ///
    /// # Errors
    /// A failing database.
    pub fn register_channel(
        &mut self,
        slug: &str,
        number: u32,
        name: &str,
    ) -> Result<ChannelRecord, CatalogError> {
        self.write(|work| {
            // An upsert would burn an identity at every start: AUTOINCREMENT counts failed inserts.
            let known: Option<i32> = work
                .query_row("SELECT channel_id FROM channels WHERE slug = ?1", [slug], |row| row.get(0))
                .optional()?;
            let channel_id = match known {
                Some(id) => {
                    work.execute(
                        "UPDATE channels SET number = ?2, name = ?3 WHERE channel_id = ?1",
                        params![id, number, name],
                    )?;
                    id
                }
                None => work.query_row(
                    "INSERT INTO channels (slug, number, name) VALUES (?1, ?2, ?3) RETURNING channel_id",
                    params![slug, number, name],
                    |row| row.get(0),
                )?,
            };
            Ok(ChannelRecord { id: slug.to_owned(), channel_id, number, name: name.to_owned() })
        })
    }

    /// All channels that ever had an identity here, by number.
    ///
    /// # Errors
    /// A failing database.
    pub fn channels(&self) -> Result<Vec<ChannelRecord>, CatalogError> {
        self.read(|db| {
            db.prepare("SELECT slug, channel_id, number, name FROM channels ORDER BY number, slug")?
                .query_map([], |row| {
                    Ok(ChannelRecord {
                        id: row.get(0)?,
                        channel_id: row.get(1)?,
                        number: row.get(2)?,
                        name: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    /// Roots of all sources.
    pub(crate) fn source_roots(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|db| {
            db.prepare("SELECT root FROM sources ORDER BY root")?
                .query_map([], |row| row.get::<_, String>(0).map(PathBuf::from))?
                .collect()
        })
    }

    /// Makes a source or brings it up to date.
    pub(crate) fn register_source(
        &mut self,
        root: &str,
        name: Option<&str>,
        asset_type: Option<AssetType>,
    ) -> Result<i64, CatalogError> {
        self.write(|work| {
            work.query_row(
                "INSERT INTO sources (root, name, asset_type) VALUES (?1, ?2, ?3)
                 ON CONFLICT (root) DO UPDATE SET name = ?2, asset_type = ?3
                 RETURNING source_id",
                params![root, name, asset_type.map(AssetType::word)],
                |row| row.get(0),
            )
        })
    }

    /// A source that is known: its identity and what all its files are for, if that is fixed.
    pub(crate) fn source(&self, root: &str) -> Result<Option<(i64, Option<AssetType>)>, CatalogError> {
        self.read(|db| {
            db.query_row("SELECT source_id, asset_type FROM sources WHERE root = ?1", [root], |row| {
                let word: Option<String> = row.get(1)?;
                Ok((row.get(0)?, word.and_then(|w| w.parse().ok())))
            })
            .optional()
        })
    }

    /// Everything remembered at or below a path.
    pub(crate) fn remembered_below(&self, path: &str) -> Result<BTreeMap<String, Remembered>, CatalogError> {
        self.read(|db| {
            let below = format!("{}/", path.trim_end_matches('/'));
            db.prepare(
                "SELECT path, size, mtime_ns, health, collection_id, asset_type, reason FROM assets
                 WHERE path = ?1 OR substr(path, 1, length(?2)) = ?2",
            )?
            .query_map([path, &below], |row| {
                let health: String = row.get(3)?;
                Ok((
                    row.get(0)?,
                    Remembered {
                        size: row.get::<_, i64>(1)?.unsigned_abs(),
                        mtime_ns: row.get(2)?,
                        health: Health::from_word(&health),
                        collection: row.get(4)?,
                        asset_type: type_of(row, 5)?,
                        reason: row.get(6)?,
                    },
                ))
            })?
            .collect()
        })
    }

    /// Makes or renames collections and the programme over each: `(collection id, title, programme id,
    /// programme title)`.
    pub(crate) fn record_collections(
        &mut self,
        collections: &[(String, String, String, String)],
    ) -> Result<(), CatalogError> {
        self.write(|work| {
            for (id, title, programme, programme_title) in collections {
                work.execute(
                    "INSERT INTO collections (collection_id, title) VALUES (?1, ?2)
                     ON CONFLICT (collection_id) DO NOTHING",
                    [id, title],
                )?;
                work.execute(
                    "INSERT INTO programmes (programme_id, title, collection_id) VALUES (?1, ?2, ?3)
                     ON CONFLICT (programme_id) DO NOTHING",
                    [programme, programme_title, id],
                )?;
            }
            Ok(())
        })
    }

    /// Records a batch of files; each is new or changed.
    pub(crate) fn record_sightings(
        &mut self,
        source_id: i64,
        batch: &[Sighting],
    ) -> Result<(), CatalogError> {
        self.write(|work| batch.iter().try_for_each(|sighting| record(work, source_id, sighting)))
    }

    /// Marks files as gone.
    pub(crate) fn mark_missing(&mut self, paths: &[String]) -> Result<(), CatalogError> {
        self.write(|work| {
            for path in paths {
                work.execute(
                    "UPDATE assets SET health = 'missing', reason = 'the file is gone' WHERE path = ?1",
                    [path],
                )?;
            }
            Ok(())
        })
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, CatalogError> {
        ask(&self.db).map_err(|e| CatalogError::of(&self.path, e))
    }

    fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        let run = || -> rusqlite::Result<T> {
            let work = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = change(&work)?;
            work.commit()?;
            Ok(value)
        };
        run().map_err(|e| CatalogError::of(&self.path, e))
    }
}

const SELECT_ASSET: &str = "SELECT asset_pk, asset_id, title, asset_type, collection_id, season, episode, year, \
     path, size, mtime_ns, health, reason, container, duration_ms, video_json, audio_json FROM assets";

fn asset_of(row: &Row<'_>) -> rusqlite::Result<(i64, AssetRecord)> {
    let health: String = row.get(11)?;
    let container: Option<String> = row.get(13)?;
    let json = |index| -> rusqlite::Result<Option<serde_json::Value>> {
        let text: Option<String> = row.get(index)?;
        Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
    };
    let facts = match container {
        None => None,
        Some(container) => Some(ProbeFacts {
            container,
            duration_ms: row.get::<_, Option<i64>>(14)?.map(Millis),
            video: json(15)?,
            audio: match json(16)? {
                Some(serde_json::Value::Array(tracks)) => tracks,
                _ => Vec::new(),
            },
            chapters: Vec::new(),
        }),
    };
    let record = AssetRecord {
        id: row.get(1)?,
        title: row.get(2)?,
        asset_type: type_of(row, 3)?,
        collection: row.get(4)?,
        season: row.get(5)?,
        episode: row.get(6)?,
        year: row.get(7)?,
        path: PathBuf::from(row.get::<_, String>(8)?),
        size: row.get::<_, i64>(9)?.unsigned_abs(),
        mtime_ns: row.get(10)?,
        health: Health::from_word(&health),
        reason: row.get(12)?,
        facts,
    };
    Ok((row.get(0)?, record))
}

fn type_of(row: &Row<'_>, column: usize) -> rusqlite::Result<AssetType> {
    let word: String = row.get(column)?;
    word.parse().map_err(|e: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into())
    })
}

fn all_chapters(db: &Connection) -> rusqlite::Result<BTreeMap<i64, Vec<Chapter>>> {
    let mut all: BTreeMap<i64, Vec<Chapter>> = BTreeMap::new();
    let mut statement =
        db.prepare("SELECT asset_pk, start_ms, end_ms, title FROM chapters ORDER BY asset_pk, position")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let chapter =
            Chapter { start_ms: Millis(row.get(1)?), end_ms: Millis(row.get(2)?), title: row.get(3)? };
        all.entry(row.get(0)?).or_default().push(chapter);
    }
    Ok(all)
}

/// The starts of chapters after the first are where acts end; a single chapter marks nothing.
fn markers(chapters: &[Chapter]) -> Option<Vec<Millis>> {
    let list: Vec<Millis> = chapters.iter().map(|c| c.start_ms).filter(|s| *s > Millis(0)).collect();
    (!list.is_empty()).then_some(list)
}

fn record(work: &Transaction<'_>, source_id: i64, seen: &Sighting) -> rusqlite::Result<()> {
    let (health, reason, facts) = match &seen.outcome {
        Ok(facts) => (Health::Ok, None, Some(facts)),
        Err(reason) => (Health::Bad, Some(reason.as_str()), None),
    };
    let known: Option<i64> = work
        .query_row("SELECT asset_pk FROM assets WHERE path = ?1", [&seen.path], |row| row.get(0))
        .optional()?;
    let pk = match known {
        Some(pk) => pk,
        None => {
            let asset_id = free_id(work, &seen.asset_slug)?;
            work.query_row(
                "INSERT INTO assets (asset_id, source_id, collection_id, path, size, mtime_ns, asset_type, title, health)
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 'episode', '', 'bad') RETURNING asset_pk",
                params![asset_id, source_id, seen.collection, seen.path],
                |row| row.get(0),
            )?
        }
    };
    let json = |value: &serde_json::Value| value.to_string();
    work.execute(
        "UPDATE assets SET source_id = ?2, collection_id = ?3, size = ?4, mtime_ns = ?5, asset_type = ?6, title = ?7,
            season = ?8, episode = ?9, year = ?10, health = ?11, reason = ?12, container = ?13, duration_ms = ?14,
            video_json = ?15, audio_json = ?16
         WHERE asset_pk = ?1",
        params![
            pk,
            source_id,
            seen.collection,
            i64::try_from(seen.size).unwrap_or(i64::MAX),
            seen.mtime_ns,
            seen.asset_type.word(),
            seen.title,
            seen.season,
            seen.episode,
            seen.year,
            health.word(),
            reason,
            facts.map(|f| f.container.as_str()),
            facts.and_then(|f| f.duration_ms).map(|d| d.0),
            facts.and_then(|f| f.video.as_ref()).map(json),
            facts.map(|f| serde_json::Value::Array(f.audio.clone())).as_ref().map(json),
        ],
    )?;
    work.execute("DELETE FROM chapters WHERE asset_pk = ?1", [pk])?;
    for (position, chapter) in facts.iter().flat_map(|f| f.chapters.iter()).enumerate() {
        work.execute(
            "INSERT INTO chapters (asset_pk, position, start_ms, end_ms, title) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                pk,
                i64::try_from(position).unwrap_or(i64::MAX),
                chapter.start_ms.0,
                chapter.end_ms.0,
                chapter.title
            ],
        )?;
    }
    Ok(())
}

/// The id itself where it is free, else with the lowest free number behind it.
fn free_id(work: &Transaction<'_>, wanted: &str) -> rusqlite::Result<String> {
    let mut id = wanted.to_owned();
    let mut number = 2;
    while work.query_row("SELECT 1 FROM assets WHERE asset_id = ?1", [&id], |_| Ok(())).optional()?.is_some()
    {
        id = format!("{wanted}_{number}");
        number += 1;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AssetResolver;

    fn sighting(path: &str, slug: &str, outcome: Result<ProbeFacts, String>) -> Sighting {
        Sighting {
            path: path.into(),
            collection: "col.show.season_1".into(),
            asset_slug: slug.into(),
            asset_type: AssetType::Episode,
            title: "One".into(),
            season: Some(1),
            episode: Some(1),
            year: None,
            size: 10,
            mtime_ns: 5,
            outcome,
        }
    }

    fn facts() -> ProbeFacts {
        ProbeFacts {
            container: "mp4".into(),
            duration_ms: Some(Millis(1_320_000)),
            video: Some(serde_json::json!({"codec": "h264", "width": 640})),
            audio: vec![serde_json::json!({"codec": "aac"})],
            chapters: [(0, 400_000), (400_000, 900_000), (900_000, 1_320_000)]
                .map(|(s, e)| Chapter { start_ms: Millis(s), end_ms: Millis(e), title: None })
                .to_vec(),
        }
    }

    fn filled(dir: &Path) -> Catalog {
        let mut catalog = Catalog::open(dir).unwrap();
        let source = catalog.register_source("/m", None, None).unwrap();
        let rows = ["col.show", "col.show.season_1"]
            .map(|id| (id.to_owned(), "Show".to_owned(), id.replace("col.", "p."), "Show".to_owned()));
        catalog.record_collections(&rows).unwrap();
        let batch = [
            sighting("/m/Show/Season 1/a.mkv", "asset.show.a", Ok(facts())),
            sighting("/m/Show/Season 1/a.mp4", "asset.show.a", Err("DAMAGED: no moov".into())),
        ];
        catalog.record_sightings(source, &batch).unwrap();
        catalog
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = filled(dir.path());
        let good = catalog.asset("asset.show.a").unwrap();
        assert_eq!(good.facts, Some(facts()));
        assert_eq!(good.facts.unwrap().video_codec(), Some("h264"));
        let bad = catalog.asset("/m/Show/Season 1/a.mp4").unwrap();
        assert_eq!((bad.id.as_str(), bad.health), ("asset.show.a_2", Health::Bad));
        assert_eq!(bad.reason.as_deref(), Some("DAMAGED: no moov"));
        let error = catalog.asset("asset.show.b").unwrap_err().to_string();
        assert!(error.contains("did you mean asset.show.a"), "{error}");
    }

    #[test]
    fn the_snapshot_holds_what_can_air_and_collections_hold_those_below() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = filled(dir.path()).snapshot().unwrap();
        for id in ["col.show", "col.show.season_1"] {
            assert_eq!(snapshot.collection(id).unwrap().len(), 1, "{id}");
        }
        let asset = snapshot.lookup("asset.show.a").unwrap();
        assert_eq!(asset.chapter_markers, Some(vec![Millis(400_000), Millis(900_000)]));
        assert!(snapshot.program("p.show").is_some());
    }

    #[test]
    fn channel_identities_last_and_are_never_reused() {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let a = catalog.register_channel("a", 1, "A").unwrap().channel_id;
        let b = catalog.register_channel("b", 2, "B").unwrap().channel_id;
        assert_eq!(catalog.register_channel("a", 9, "A renamed").unwrap().channel_id, a);
        catalog.db.execute("DELETE FROM channels WHERE slug = 'b'", []).unwrap();
        drop(catalog);
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let c = catalog.register_channel("c", 3, "C").unwrap().channel_id;
        assert!(c != a && c != b);
        assert_eq!(catalog.channels().unwrap().len(), 2);
    }

    #[test]
    fn files_that_are_no_usable_catalog_are_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let junk = dir.path().join("junk.sqlite");
        std::fs::write(&junk, vec![b'x'; 5000]).unwrap();
        assert!(matches!(Catalog::open_file(&junk), Err(CatalogError::NotADatabase { .. })));
        assert_eq!(std::fs::read(&junk).unwrap(), vec![b'x'; 5000]);

        let newer = dir.path().join("newer.sqlite");
        drop(Catalog::open_file(&newer).unwrap());
        Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = Catalog::open_file(&newer).unwrap_err().to_string();
        assert!(error.contains("newer version (catalog 99"), "{error}");

        let other = dir.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE bookmarks (x)").unwrap();
        // Other programs number their files too, from 1 or with a mark that is negative.
        for version in [0, -1, 1] {
            Connection::open(&other).unwrap().pragma_update(None, "user_version", version).unwrap();
            let before = std::fs::read(&other).unwrap();
            let error = Catalog::open_file(&other).expect_err("a stranger's file").to_string();
            assert!(error.contains("something else"), "{version}: {error}");
            assert!(std::fs::read(&other).unwrap() == before, "{version}: it was written to");
        }

        let file = dir.path().join("plain");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(Catalog::open(&file), Err(CatalogError::DataDir { .. })));
    }

    #[test]
    fn a_locked_catalog_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Catalog::open(dir.path()).unwrap();
        let mut second = Catalog::open(dir.path()).unwrap();
        second.db.busy_timeout(Duration::from_millis(20)).unwrap();
        let work = first.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        assert!(matches!(second.register_channel("a", 1, "A"), Err(CatalogError::Locked { .. })));
        drop(work);
        second.register_channel("a", 1, "A").unwrap();
    }
}
