//! A catalog from a JSON file, for compiling schedules where there is no station: `--catalog assets.json`.

use super::asset::{AssetType, LONGEST_ASSET};
use super::resolver::{AssetMetadata, AssetResolver, Programme, Snapshot};
use retrovue_timebase::Millis;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The stand-in resolver of seed 004's tests.
#[derive(Debug, Clone, Default)]
pub struct StubAssetResolver {
    snapshot: Snapshot,
}

/// An `assets.json` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StubError {
    /// It cannot be read.
    #[error("cannot read the catalog {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path} is not a catalog: {source}; expected {{\"assets\":[…],\"programs\":[…]}}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Field, line and column.
        source: serde_json::Error,
    },
    /// A length that is none.
    #[error("{path}: asset \"{asset}\": {field} is {value}, must be seconds from 0 up to 10 days")]
    BadSeconds {
        /// The file.
        path: PathBuf,
        /// The asset.
        asset: String,
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
    },
    /// Two assets of one id.
    #[error("{path}: the asset id \"{asset}\" occurs twice; ids must be unique")]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The id.
        asset: String,
    },
}

#[derive(Deserialize)]
struct File {
    assets: Vec<FileAsset>,
    #[serde(default)]
    programs: Vec<FileProgram>,
}

#[derive(Deserialize)]
struct FileAsset {
    id: String,
    title: String,
    #[serde(rename = "type")]
    asset_type: AssetType,
    collection: String,
    series: Option<String>,
    season: Option<u32>,
    episode: Option<u32>,
    year: Option<u32>,
    rating: Option<String>,
    #[serde(default)]
    genres: Vec<String>,
    plot: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    duration_sec: serde_json::Number,
    chapter_markers_sec: Option<Vec<serde_json::Number>>,
    uri: String,
}

#[derive(Deserialize)]
struct FileProgram {
    id: String,
    title: String,
    collection: String,
}

impl StubAssetResolver {
    /// Reads an `assets.json`.
    ///
    /// # Errors
    /// A file that cannot be read or is not of that form.
    pub fn read(path: &Path) -> Result<StubAssetResolver, StubError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StubError::Unreadable { path: path.to_owned(), source })?;
        StubAssetResolver::parse(path, &text)
    }

    /// Parses the text of an `assets.json` that came from `path`.
    ///
    /// # Errors
    /// Text that is not of that form.
    pub fn parse(path: &Path, text: &str) -> Result<StubAssetResolver, StubError> {
        let file: File = serde_json::from_str(text)
            .map_err(|source| StubError::Malformed { path: path.to_owned(), source })?;
        let mut assets = Vec::with_capacity(file.assets.len());
        let mut seen = std::collections::BTreeSet::new();
        for asset in file.assets {
            if !seen.insert(asset.id.clone()) {
                return Err(StubError::Duplicate { path: path.to_owned(), asset: asset.id });
            }
            let bad = |field, value: &serde_json::Number| StubError::BadSeconds {
                path: path.to_owned(),
                asset: asset.id.clone(),
                field,
                value: value.to_string(),
            };
            let duration =
                millis(&asset.duration_sec).ok_or_else(|| bad("duration_sec", &asset.duration_sec))?;
            let chapter_markers = match &asset.chapter_markers_sec {
                None => None,
                Some(list) => Some(
                    list.iter()
                        .map(|n| millis(n).ok_or_else(|| bad("chapter_markers_sec", n)))
                        .collect::<Result<Vec<_>, _>>()?,
                ),
            };
            assets.push(AssetMetadata {
                id: asset.id,
                title: asset.title,
                asset_type: asset.asset_type,
                collection: asset.collection,
                series: asset.series,
                season: asset.season,
                episode: asset.episode,
                year: asset.year,
                rating: asset.rating,
                genres: asset.genres,
                plot: asset.plot,
                artwork: None,
                tags: asset.tags,
                duration,
                chapter_markers,
                uri: asset.uri,
            });
        }
        let programmes: Vec<Programme> = file
            .programs
            .into_iter()
            .map(|p| Programme { id: p.id, title: p.title, collection: p.collection })
            .collect();
        let collections: Vec<String> = programmes.iter().map(|p| p.collection.clone()).collect();
        Ok(StubAssetResolver { snapshot: Snapshot::new(assets, collections, programmes) })
    }
}

/// Decimal seconds to milliseconds, rounded to the nearest, read from the digits so that no float
/// touches time.
fn millis(seconds: &serde_json::Number) -> Option<Millis> {
    let text = seconds.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|w| *w <= LONGEST_ASSET.0 / 1000)?;
    let digits: Vec<i64> =
        fraction.bytes().map(|b| i64::from(b - b'0')).chain([0, 0, 0, 0]).take(4).collect();
    let tenths = digits.iter().fold(0, |sum, d| sum * 10 + d);
    Some(Millis(whole * 1000 + (tenths + 5) / 10)).filter(|length| *length <= LONGEST_ASSET)
}

impl AssetResolver for StubAssetResolver {
    fn lookup(&self, asset_id: &str) -> Option<&Arc<AssetMetadata>> {
        self.snapshot.lookup(asset_id)
    }

    fn by_uri(&self, uri: &str) -> Option<&Arc<AssetMetadata>> {
        self.snapshot.by_uri(uri)
    }

    fn collection(&self, collection_id: &str) -> Option<&[Arc<AssetMetadata>]> {
        self.snapshot.collection(collection_id)
    }

    fn program(&self, program_id: &str) -> Option<&Programme> {
        self.snapshot.program(program_id)
    }

    fn of_type(&self, asset_type: AssetType) -> &[Arc<AssetMetadata>] {
        self.snapshot.of_type(asset_type)
    }

    fn everything(&self) -> &[Arc<AssetMetadata>] {
        self.snapshot.everything()
    }

    fn collection_ids(&self) -> Vec<&str> {
        self.snapshot.collection_ids()
    }

    fn program_ids(&self) -> Vec<&str> {
        self.snapshot.program_ids()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_become_milliseconds_by_their_digits() {
        for (text, ms) in [
            ("1320", 1_320_000),
            ("1320.0", 1_320_000),
            ("0.0004", 0),
            ("0.0005", 1),
            ("29.97", 29_970),
            ("2.9999", 3000),
        ] {
            let number: serde_json::Number = serde_json::from_str(text).unwrap();
            assert_eq!(millis(&number), Some(Millis(ms)), "{text}");
        }
        for text in ["-1", "1e9", "99999999", "864000.5"] {
            let number: serde_json::Number = serde_json::from_str(text).unwrap();
            assert_eq!(millis(&number), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_catalog_names_field_and_place() {
        let error =
            StubAssetResolver::parse(Path::new("a.json"), "{\"assets\":[{\"id\":\"x\"}]}").unwrap_err();
        assert!(error.to_string().contains("title"), "{error}");
        let twice = r#"{"assets":[
            {"id":"x","title":"X","type":"movie","collection":"col.m","duration_sec":5,"uri":"x"},
            {"id":"x","title":"Y","type":"movie","collection":"col.m","duration_sec":5,"uri":"y"}]}"#;
        let error = StubAssetResolver::parse(Path::new("a.json"), twice).unwrap_err();
        assert!(error.to_string().contains("\"x\" occurs twice"), "{error}");
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text in "\\PC{0,300}") {
            let _ = StubAssetResolver::parse(Path::new("a.json"), &text);
        }
    }
}
