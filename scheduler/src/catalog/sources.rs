//! Sources: where a scan looks for files, folders and servers alike.

use super::asset::AssetType;
use super::error::CatalogError;
use super::store::Catalog;
use crate::yaml::nearest;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What lists the files of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImporterKind {
    /// A folder is walked.
    Files,
    /// A Jellyfin server is asked.
    Jellyfin,
    /// A Plex Media Server is asked.
    Plex,
}

impl ImporterKind {
    /// The word used in the database, on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ImporterKind::Files => "files",
            ImporterKind::Jellyfin => "jellyfin",
            ImporterKind::Plex => "plex",
        }
    }
}

impl fmt::Display for ImporterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ImporterKind {
    type Err = String;

    fn from_str(text: &str) -> Result<ImporterKind, String> {
        [ImporterKind::Files, ImporterKind::Jellyfin, ImporterKind::Plex]
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| format!("\"{text}\" is no importer; known: files, jellyfin, plex"))
    }
}

/// A folder as a server names it, and as this machine does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMap {
    /// Beginning of a path on the server.
    pub server: String,
    /// What stands in its place here.
    pub here: String,
}

/// A source, as `source list --json` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRecord {
    /// Its number.
    pub id: i64,
    /// The folder, or the server's address.
    pub root: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What lists its files.
    pub importer: ImporterKind,
    /// What all its files are for, if that is fixed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub asset_type: Option<AssetType>,
    /// Where the server's key is read from: `env:NAME` or `file:PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Folders that the server names otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_map: Vec<PathMap>,
    /// Assets that came from it.
    pub assets: u32,
}

impl Catalog {
    /// All sources, in order of root.
    ///
    /// # Errors
    /// A failing database.
    pub fn sources(&self) -> Result<Vec<SourceRecord>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT source_id, root, name, importer, asset_type, credential, path_map_json,
                    (SELECT count(*) FROM assets a WHERE a.source_id = s.source_id)
                 FROM sources s ORDER BY root",
            )?
            .query_map([], |row| {
                let importer: String = row.get(3)?;
                let asset_type: Option<String> = row.get(4)?;
                let path_map: String = row.get(6)?;
                Ok(SourceRecord {
                    id: row.get(0)?,
                    root: row.get(1)?,
                    name: row.get(2)?,
                    importer: importer.parse().unwrap_or(ImporterKind::Files),
                    asset_type: asset_type.and_then(|word| word.parse().ok()),
                    credential: row.get(5)?,
                    path_map: serde_json::from_str(&path_map).unwrap_or_default(),
                    assets: row.get(7)?,
                })
            })?
            .collect()
        })
    }

    /// A source by its number, root or name.
    ///
    /// # Errors
    /// No such source, with near names; a failing database.
    pub fn source(&self, which: &str) -> Result<SourceRecord, CatalogError> {
        let all = self.sources()?;
        let trimmed = which.trim_end_matches('/');
        let is_it = |s: &&SourceRecord| {
            s.id.to_string() == which
                || s.root.trim_end_matches('/') == trimmed
                || s.name.as_deref() == Some(which)
        };
        if let Some(found) = all.iter().find(is_it) {
            return Ok(found.clone());
        }
        let known = all.iter().flat_map(|s| s.name.as_deref().into_iter().chain([s.root.as_str()]));
        let near = nearest(which, known).into_iter().map(str::to_owned).collect();
        Err(CatalogError::NoSuch { kind: "source", id: which.to_owned(), near })
    }

    /// Roots of all sources that are folders, with what all their files are for, if that is fixed.
    pub(crate) fn folder_roots(&self) -> Result<Vec<(i64, PathBuf, Option<AssetType>)>, CatalogError> {
        let all = self.sources()?.into_iter().filter(|s| s.importer == ImporterKind::Files);
        Ok(all.map(|s| (s.id, PathBuf::from(s.root), s.asset_type)).collect())
    }

    /// Makes a folder a source, or brings it up to date.
    pub(crate) fn register_folder(
        &mut self,
        root: &str,
        name: Option<&str>,
        asset_type: Option<AssetType>,
    ) -> Result<i64, CatalogError> {
        self.write(|work| {
            work.query_row(
                "INSERT INTO sources (root, name, asset_type) VALUES (?1, ?2, ?3)
                 ON CONFLICT (root) DO UPDATE SET name = coalesce(?2, name), asset_type = ?3
                 RETURNING source_id",
                params![root, name, asset_type.map(AssetType::word)],
                |row| row.get(0),
            )
        })
    }

    /// Makes a source as described, or brings the one of that root up to date; its number and assets are not
    /// looked at.
    ///
    /// # Errors
    /// A failing database.
    pub fn put_source(&mut self, source: &SourceRecord) -> Result<i64, CatalogError> {
        let path_map = serde_json::to_string(&source.path_map).unwrap_or_else(|_| "[]".into());
        self.write(|work| {
            work.query_row(
                "INSERT INTO sources (root, name, asset_type, importer, credential, path_map_json)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (root) DO UPDATE SET name = ?2, asset_type = ?3, importer = ?4, credential = ?5,
                    path_map_json = ?6
                 RETURNING source_id",
                params![
                    source.root,
                    source.name,
                    source.asset_type.map(AssetType::word),
                    source.importer.word(),
                    source.credential,
                    path_map
                ],
                |row| row.get(0),
            )
        })
    }

    /// Forgets a source and the assets that came from it; says how many those were. History stays, and so do
    /// collections that something else is in.
    ///
    /// # Errors
    /// A failing database.
    pub fn remove_source(&mut self, id: i64) -> Result<usize, CatalogError> {
        self.write(|work| {
            let gone = work.execute("DELETE FROM assets WHERE source_id = ?1", [id])?;
            work.execute("DELETE FROM sources WHERE source_id = ?1", [id])?;
            let empty = "SELECT collection_id FROM collections c WHERE match_json IS NULL AND NOT EXISTS (
                SELECT 1 FROM assets a WHERE a.collection_id = c.collection_id
                    OR substr(a.collection_id, 1, length(c.collection_id) + 1) = c.collection_id || '.')";
            work.execute(&format!("DELETE FROM programmes WHERE collection_id IN ({empty})"), [])?;
            work.execute(&format!("DELETE FROM collections WHERE collection_id IN ({empty})"), [])?;
            Ok(gone)
        })
    }
}
