//! Collections: those a scan finds as folders, and those that are defined by what their assets are.

use super::asset::{AssetRecord, AssetType};
use super::error::CatalogError;
use super::store::Catalog;
use crate::yaml::nearest;
use retrovue_timebase::Millis;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// What an asset must be to stand in a collection. Every field that is set must hold; of a list, one entry.
/// Words are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollectionMatch {
    /// It is of one of these types.
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    pub asset_type: Vec<AssetType>,
    /// It has one of these genres.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genre: Vec<String>,
    /// It has one of these ratings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rating: Vec<String>,
    /// It is of one of these series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<String>,
    /// It stands in one of these collections or below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collection: Vec<String>,
    /// Its title has this in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// First year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_year: Option<u32>,
    /// Last year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_year: Option<u32>,
    /// Shortest length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_ms: Option<Millis>,
    /// Greatest length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_ms: Option<Millis>,
}

/// A collection, as `collection list --json` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionRecord {
    /// Lasting identity, `col.…`.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Assets that can air, those of collections below it among them.
    pub assets: usize,
    /// What its assets must be, where it is defined by that.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub wanted: Option<CollectionMatch>,
}

impl CollectionMatch {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == CollectionMatch::default()
    }

    /// Whether an asset stands in the collection.
    #[must_use]
    pub fn holds(&self, asset: &AssetRecord) -> bool {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let one_of = |wanted: &[String], has: Option<&str>| {
            wanted.is_empty() || has.is_some_and(|has| wanted.iter().any(|w| same(w, has)))
        };
        let below = |above: &String| {
            asset.collection.strip_prefix(above.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        let length = asset.facts.as_ref().and_then(|f| f.duration_ms);
        (self.asset_type.is_empty() || self.asset_type.contains(&asset.asset_type))
            && (self.genre.is_empty() || asset.genres.iter().any(|g| one_of(&self.genre, Some(g))))
            && one_of(&self.rating, asset.rating.as_deref())
            && one_of(&self.series, asset.series.as_deref())
            && (self.collection.is_empty() || self.collection.iter().any(below))
            && self.title.as_ref().is_none_or(|t| asset.title.to_lowercase().contains(&t.to_lowercase()))
            && self.from_year.is_none_or(|from| asset.year.is_some_and(|year| year >= from))
            && self.to_year.is_none_or(|to| asset.year.is_some_and(|year| year <= to))
            && self.least_ms.is_none_or(|least| length.is_some_and(|length| length >= least))
            && self.most_ms.is_none_or(|most| length.is_some_and(|length| length <= most))
    }
}

impl Catalog {
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

    /// All collections with everything in them counted, in order of id.
    ///
    /// # Errors
    /// A failing database.
    pub fn collection_records(&self) -> Result<Vec<CollectionRecord>, CatalogError> {
        use super::AssetResolver;
        let snapshot = self.snapshot()?;
        let mut matches: std::collections::BTreeMap<_, _> = self.collection_matches()?.into_iter().collect();
        let records = self.collections()?.into_iter().map(|(id, title, _)| CollectionRecord {
            assets: snapshot.collection(&id).map_or(0, <[_]>::len),
            wanted: matches.remove(&id),
            id,
            title,
        });
        Ok(records.collect())
    }

    /// One collection.
    ///
    /// # Errors
    /// No such collection, with near ids; a failing database.
    pub fn collection_record(&self, id: &str) -> Result<CollectionRecord, CatalogError> {
        let all = self.collection_records()?;
        if let Some(found) = all.iter().find(|c| c.id == id) {
            return Ok(found.clone());
        }
        let near = nearest(id, all.iter().map(|c| c.id.as_str()));
        let near = near.into_iter().map(str::to_owned).collect();
        Err(CatalogError::NoSuch { kind: "collection", id: id.to_owned(), near })
    }

    /// Defines a collection by what its assets are, and the programme over it (`p.…`), or defines one anew.
    ///
    /// # Errors
    /// An id that is none or is a folder's; a match that asks for nothing; a failing database.
    pub fn define_collection(
        &mut self,
        id: &str,
        title: &str,
        wanted: &CollectionMatch,
    ) -> Result<(), CatalogError> {
        let refused = |what: String| Err(CatalogError::Refused { what });
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        let name = id.strip_prefix("col.").filter(|rest| rest.split('.').all(plain));
        let Some(name) = name else {
            return refused(format!(
                "\"{id}\" cannot be a collection's id; it is col. and a name of letters, digits and _, such as \
                 col.westerns"
            ));
        };
        if wanted.is_empty() {
            return refused(format!(
                "the match of {id} asks for nothing; say at least one thing, such as --genre"
            ));
        }
        let json = serde_json::to_string(wanted).map_err(|e| CatalogError::Refused {
            what: format!("the match of {id} cannot be stored: {e}"),
        })?;
        let is_folder = self.write(|work| {
            let known: Option<Option<String>> = work
                .query_row("SELECT match_json FROM collections WHERE collection_id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            if known == Some(None) {
                return Ok(true);
            }
            work.execute(
                "INSERT INTO collections (collection_id, title, match_json) VALUES (?1, ?2, ?3)
                 ON CONFLICT (collection_id) DO UPDATE SET title = ?2, match_json = ?3",
                params![id, title, json],
            )?;
            work.execute(
                "INSERT INTO programmes (programme_id, title, collection_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (programme_id) DO UPDATE SET title = ?2, collection_id = ?3",
                params![format!("p.{name}"), title, id],
            )?;
            Ok(false)
        })?;
        if is_folder {
            return refused(format!("{id} is a folder's collection; choose another id"));
        }
        Ok(())
    }

    /// Takes back the definition of a collection, with the programme over it.
    ///
    /// # Errors
    /// No such collection, or it is a folder's; a failing database.
    pub fn remove_collection(&mut self, id: &str) -> Result<(), CatalogError> {
        if self.collection_record(id)?.wanted.is_none() {
            let what = format!("{id} is a folder's collection; it goes when its folder does");
            return Err(CatalogError::Refused { what });
        }
        self.write(|work| {
            // A folder of that name may have been scanned since: what is in it stays.
            let used = "SELECT 1 FROM assets WHERE collection_id = ?1";
            if work.prepare(used)?.exists([id])? {
                work.execute("UPDATE collections SET match_json = NULL WHERE collection_id = ?1", [id])?;
                return Ok(());
            }
            work.execute("DELETE FROM programmes WHERE collection_id = ?1", [id])?;
            work.execute("DELETE FROM collections WHERE collection_id = ?1", [id])?;
            Ok(())
        })
    }

    pub(super) fn collection_matches(&self) -> Result<Vec<(String, CollectionMatch)>, CatalogError> {
        let rows: Vec<(String, String)> = self.read(|db| {
            db.prepare("SELECT collection_id, match_json FROM collections WHERE match_json IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        // One that a later program wrote holds nothing rather than everything.
        Ok(rows.into_iter().filter_map(|(id, json)| Some((id, serde_json::from_str(&json).ok()?))).collect())
    }
}
