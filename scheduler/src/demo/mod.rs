//! The station of `retrovue demo`: writes a station file and three channels with different grids, over
//! sample media that `retrovue-testcard` makes or over a folder of the user's own.
//!
//! It only writes files that `retrovue serve` reads like any others, so that they are a beginning for a
//! station of one's own. It never touches the user's media.

mod own_media;
mod sample;

use crate::catalog::{AssetRecord, CatalogError};
use crate::ingest::IngestError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use own_media::own_media_station;
pub use sample::{TESTCARD_PROGRAM, make_sample_media, sample_station};

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The data folder cannot be written.
    #[error("{}: cannot be written ({source}); choose another folder with --data-dir", path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The user's folder cannot be read.
    #[error("{}: cannot be read ({source}); check the path", path.display())]
    NoMedia {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing in the user's folder can air.
    #[error("{}: no file in it can air: {files} media files were found, {bad} of them unusable; name a folder that holds films or episodes (make demo MEDIA=DIR)", path.display())]
    NothingToAir {
        /// The folder.
        path: PathBuf,
        /// Media files seen.
        files: usize,
        /// Those that cannot air.
        bad: usize,
    },
    /// The program that draws the sample media failed.
    #[error("{program}: {reason}; build it with `make build`, or air your own files with --media DIR")]
    Testcard {
        /// The program.
        program: String,
        /// What happened.
        reason: String,
    },
    /// The user's folder cannot be scanned.
    #[error(transparent)]
    Scan(#[from] IngestError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A channel file to be written.
struct ChannelFile {
    /// Its name without extension, and the channel's id.
    id: String,
    /// The YAML.
    text: String,
}

/// Writes `station.yaml` and its channels below `dir` and returns the station file's path. Files of an
/// earlier demo are replaced.
fn write_station(dir: &Path, station: &str, channels: &[ChannelFile]) -> Result<PathBuf, DemoError> {
    let folder = dir.join("channels");
    // A channel of an earlier demo must not stay on the dial.
    if folder.is_dir() {
        fs::remove_dir_all(&folder).map_err(|source| not_writable(&folder, source))?;
    }
    fs::create_dir_all(&folder).map_err(|source| not_writable(&folder, source))?;
    for channel in channels {
        let path = folder.join(format!("{}.yaml", channel.id));
        fs::write(&path, &channel.text).map_err(|source| not_writable(&path, source))?;
    }
    let path = dir.join("station.yaml");
    fs::write(&path, station).map_err(|source| not_writable(&path, source))?;
    Ok(path)
}

fn not_writable(path: &Path, source: io::Error) -> DemoError {
    DemoError::NotWritable { path: path.to_owned(), source }
}

/// The zone this machine lives in, so that the guide shows the clock on the wall.
fn local_zone() -> String {
    jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

/// YAML double-quoted scalar; JSON strings are a subset of them.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether an asset can be a programme of its own.
fn is_programme(asset: &AssetRecord) -> bool {
    use crate::catalog::AssetType;
    matches!(asset.asset_type, AssetType::Episode | AssetType::Movie)
}
