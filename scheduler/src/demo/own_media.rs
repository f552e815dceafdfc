//! A station over a folder of the user's own: everything in order, everything shuffled, and the long
//! pieces without interruption, on grids that fit the lengths found.

use super::{ChannelFile, DemoError, is_programme, local_zone, not_writable, quoted, write_station};
use crate::catalog::{AssetRecord, AssetType, Catalog, Health};
use crate::ingest::{Ingest, IngestSource, ProberCommand, Progress};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Most collections one channel goes through: each is a slot of its rotation.
const MAX_SLOTS: usize = 200;

/// From this length on a piece is a film, in milliseconds: forty minutes.
const FILM_MS: i64 = 40 * 60_000;

/// Scans `media` and writes a station over it below `dir`; returns the station file.
///
/// # Errors
/// `media` cannot be read or holds nothing that can air; `dir` cannot be written; the scan fails.
pub fn own_media_station(
    dir: &Path,
    media: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, DemoError> {
    let unreadable = |source| DemoError::NoMedia { path: media.to_owned(), source };
    let media = fs::canonicalize(media).map_err(unreadable)?;
    fs::read_dir(&media).map_err(unreadable)?;
    fs::create_dir_all(dir).map_err(|source| not_writable(dir, source))?;
    let mut catalog = Catalog::open(&dir.join("data"))?;
    let source = IngestSource { path: media.clone(), name: None, asset_type: None };
    let report = Ingest::new(&mut catalog, ProberCommand::standard()).run(&[source], progress)?;
    let assets: Vec<AssetRecord> = catalog
        .assets()?
        .into_iter()
        .filter(|a| a.health == Health::Ok && a.path.starts_with(&media))
        .collect();
    drop(catalog);
    let library = Library::new(&assets);
    if library.collections.is_empty() {
        let (files, bad) = (report.scanned, report.bad.len());
        return Err(DemoError::NothingToAir { path: media, files, bad });
    }
    let mut station = format!(
        "# The station of `retrovue demo --media`. Written anew at every demo; copy it to make it yours.\n\
         station: RetroVue\nmedia: [{}]\ndata_dir: data\nchannels:\n",
        quoted(&media.to_string_lossy())
    );
    let channels = library.channels(&local_zone());
    for channel in &channels {
        let _ = writeln!(station, "  - channels/{}.yaml", channel.id);
    }
    write_station(dir, &station, &channels)
}

/// What was found, as far as it shapes the channels.
struct Library {
    /// Collections with programmes, each with its programmes' lengths in milliseconds.
    collections: BTreeMap<String, Vec<i64>>,
    /// Collections whose assets go between programmes.
    filler: BTreeSet<String>,
}

impl Library {
    fn new(assets: &[AssetRecord]) -> Library {
        let mut collections: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut filler = BTreeSet::new();
        for asset in assets {
            let Some(length) = asset.facts.as_ref().and_then(|f| f.duration_ms) else { continue };
            if is_programme(asset) {
                collections.entry(asset.collection.clone()).or_default().push(length.0);
            } else if asset.asset_type != AssetType::Promo {
                filler.insert(asset.collection.clone());
            }
        }
        Library { collections, filler }
    }

    fn channels(&self, zone: &str) -> Vec<ChannelFile> {
        let mut lengths: Vec<i64> = self.collections.values().flatten().copied().collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        let films = lengths.iter().any(|&l| l >= FILM_MS);
        // With something to fill breaks the grid is television's; without, a fine one keeps the black
        // after a programme short.
        let fine = if median >= 10 * 60_000 { "60s" } else { "10s" };
        let (template, grid) = match (self.filler.is_empty(), median >= 15 * 60_000) {
            (false, true) => ("network_television", "30m"),
            (false, false) => ("network_television", "60s"),
            (true, _) => ("premium_movie", fine),
        };
        let head = |id: &str, name: &str, number: u32, template: &str, grid: &str| {
            let mut text = format!(
                "channel: {id}\nname: {name}\nnumber: {number}\ntimezone: {}\ntemplate: {template}\ngrid: {grid}\n",
                quoted(zone)
            );
            if !self.filler.is_empty() {
                let names: Vec<&str> = self.filler.iter().map(String::as_str).take(MAX_SLOTS).collect();
                let _ = writeln!(text, "filler: [{}]", names.join(", "));
            }
            text.push_str(
                "schedule:\n  daily:\n    - start: \"06:00\"\n      until: \"06:00\"\n      slots:\n",
            );
            text
        };
        let rotation = |mode: &str| {
            self.collections.keys().take(MAX_SLOTS).fold(String::new(), |mut text, collection| {
                let _ =
                    writeln!(text, "        - episode_selector: {{collection: {collection}, mode: {mode}}}");
                text
            })
        };
        let file = |id: &str, text: String| ChannelFile { id: id.to_owned(), text };
        let last = if films {
            let names: Vec<&str> = self
                .collections
                .iter()
                .filter(|(_, lengths)| lengths.iter().any(|&l| l >= FILM_MS))
                .map(|(name, _)| name.as_str())
                .take(MAX_SLOTS)
                .collect();
            let mut text = head("cinema", "Cinema", 3, "premium_movie", "60s");
            let _ = writeln!(
                text,
                "        - movie_selector: {{collections: [{}], min_duration_sec: {}}}",
                names.join(", "),
                FILM_MS / 1000
            );
            file("cinema", text)
        } else {
            let text = head("nonstop", "Non-stop", 3, "premium_movie", fine) + &rotation("random");
            file("nonstop", text)
        };
        vec![
            file("order", head("order", "In Order", 1, template, grid) + &rotation("sequential")),
            file("shuffle", head("shuffle", "Shuffle", 2, template, grid) + &rotation("random")),
            last,
        ]
    }
}
