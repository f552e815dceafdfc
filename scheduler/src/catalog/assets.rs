//! Assets for readers: the list, one of them, and the snapshot that planning works on.

use super::artwork::{Artwork, PictureType};
use super::asset::{AssetRecord, Chapter, Health, SuggestedBreak};
use super::asset_rows;
use super::error::CatalogError;
use super::resolver::{AssetMetadata, Programme, Snapshot};
use super::store::Catalog;
use crate::yaml::nearest;
use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};

impl Catalog {
    /// All assets, in order of id.
    ///
    /// # Errors
    /// A failing database.
    pub fn assets(&self) -> Result<Vec<AssetRecord>, CatalogError> {
        self.read(asset_rows::all)
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
        self.keyed_asset(id_or_path).map(|(_, asset)| asset)
    }

    /// One asset by id or path, with its key.
    pub(super) fn keyed_asset(&self, id_or_path: &str) -> Result<(i64, AssetRecord), CatalogError> {
        if let Some(found) = self.read(|db| asset_rows::one(db, id_or_path))? {
            return Ok(found);
        }
        let ids: Vec<String> = self.read(|db| {
            db.prepare("SELECT asset_id FROM assets ORDER BY asset_id")?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        let near = nearest(id_or_path, ids.iter().map(String::as_str));
        let near = near.into_iter().map(str::to_owned).collect();
        Err(CatalogError::NoSuchAsset { id: id_or_path.to_owned(), near })
    }

    /// What planning needs, as it is now: assets that can air, collections, programmes.
    ///
    /// # Errors
    /// A failing database.
    pub fn snapshot(&self) -> Result<Snapshot, CatalogError> {
        let assets: Vec<AssetRecord> =
            self.assets()?.into_iter().filter(|a| a.health == Health::Ok).collect();
        let matches = self.collection_matches()?;
        let members: Vec<(String, Vec<String>)> = matches
            .into_iter()
            .map(|(id, wanted)| {
                let ids = assets.iter().filter(|a| wanted.holds(a)).map(|a| a.id.clone()).collect();
                (id, ids)
            })
            .collect();
        let assets = assets.into_iter().filter_map(|a| {
            let facts = a.facts?;
            Some(AssetMetadata {
                id: a.id,
                title: a.title,
                asset_type: a.asset_type,
                collection: a.collection,
                series: a.series,
                season: a.season,
                episode: a.episode,
                year: a.year,
                rating: a.rating,
                genres: a.genres,
                plot: a.plot,
                artwork: artwork(a.artwork.as_deref(), a.artwork_mark),
                tags: Vec::new(),
                duration: facts.duration_ms?,
                chapter_markers: markers(&facts.chapters, &a.suggested_breaks),
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
        let mut snapshot = Snapshot::new(assets, collections, programmes);
        for (collection, ids) in members {
            snapshot.include(&collection, &ids);
        }
        Ok(snapshot)
    }
}

/// A picture as guides name it.
fn artwork(place: Option<&str>, mark: Option<i64>) -> Option<Artwork> {
    Some(Artwork { mark: mark?, picture: PictureType::of(Path::new(place?)) })
}

/// The starts of chapters after the first are where acts end; a single chapter marks nothing. A file without
/// such marks has those of its suggested breaks that were accepted.
fn markers(chapters: &[Chapter], breaks: &[SuggestedBreak]) -> Option<Vec<Millis>> {
    let mut list: Vec<Millis> = chapters.iter().map(|c| c.start_ms).filter(|s| *s > Millis(0)).collect();
    if list.is_empty() {
        list.extend(breaks.iter().filter(|b| b.accepted).map(|b| b.at_ms));
    }
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_used_and_suggestions_only_when_accepted() {
        let chapter = |start, end| Chapter { start_ms: Millis(start), end_ms: Millis(end), title: None };
        let at = |at, accepted| SuggestedBreak { at_ms: Millis(at), length_ms: Millis(500), accepted };
        let breaks = [at(300, false), at(700, true)];
        type Row<'a> = (&'a [Chapter], &'a [SuggestedBreak], Option<Vec<Millis>>);
        let table: [Row<'_>; 5] = [
            (&[], &[], None),
            (&[chapter(0, 900)], &breaks[..1], None),
            (&[chapter(0, 900)], &breaks, Some(vec![Millis(700)])),
            (&[chapter(0, 400), chapter(400, 900)], &breaks, Some(vec![Millis(400)])),
            (&[], &breaks, Some(vec![Millis(700)])),
        ];
        for (chapters, breaks, expect) in table {
            assert_eq!(markers(chapters, breaks), expect, "{chapters:?} {breaks:?}");
        }
    }
}
