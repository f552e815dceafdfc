//! Where the station is: its configuration and its data folder, by option or by default.

use super::{Exit, Failure};
use crate::catalog::{Catalog, DATABASE_FILE};
use crate::config::StationConfig;
use crate::yaml::Report;
use clap::Args;
use std::path::{Path, PathBuf};

/// The station file looked for where none is named.
const DEFAULT_CONFIG: &str = "station.yaml";

/// The data folder where neither option nor station file names one.
const DEFAULT_DATA_DIR: &str = "data";

/// The options that say where the station is.
#[derive(Debug, Clone, Default, Args)]
pub struct Whereabouts {
    /// The station file [default: station.yaml in this folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where catalog and generated files live [default: the station file's data_dir, else ./data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl Whereabouts {
    /// The station file, which must be there.
    ///
    /// # Errors
    /// A file that is missing or wrong.
    pub fn station(&self) -> Result<StationConfig, Failure> {
        let path = self.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_CONFIG));
        self.read(&path)
    }

    /// The station file, if one is named or in its usual place.
    pub(super) fn station_if_any(&self) -> Result<Option<StationConfig>, Failure> {
        match &self.config {
            Some(path) => self.read(path).map(Some),
            None if Path::new(DEFAULT_CONFIG).is_file() => self.read(Path::new(DEFAULT_CONFIG)).map(Some),
            None => Ok(None),
        }
    }

    fn read(&self, path: &Path) -> Result<StationConfig, Failure> {
        self.read_as_it_is(path).map_err(|report| Failure::findings(Exit::Unreadable, report))
    }

    /// The station file, or everything that is wrong with it.
    pub(super) fn read_station(&self) -> Result<StationConfig, Report> {
        self.read_as_it_is(self.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG)))
    }

    fn read_as_it_is(&self, path: &Path) -> Result<StationConfig, Report> {
        let mut config = StationConfig::read(path)?;
        if let Some(dir) = &self.data_dir {
            config.data_dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        }
        Ok(config)
    }

    /// The data folder.
    pub(super) fn data_dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.data_dir {
            return Ok(dir.clone());
        }
        Ok(self.station_if_any()?.map_or_else(|| PathBuf::from(DEFAULT_DATA_DIR), |config| config.data_dir))
    }

    /// The catalog, which must be there: looking must not make an empty one.
    pub(super) fn catalog(&self) -> Result<Catalog, Failure> {
        let dir = self.data_dir()?;
        if !dir.join(DATABASE_FILE).is_file() {
            let message = format!(
                "there is no catalog in {}; run `retrovue ingest PATH` first, or name its folder with --data-dir",
                dir.display()
            );
            return Err(Failure::new(Exit::Unreadable, message));
        }
        Ok(Catalog::open(&dir)?)
    }

    /// The catalog if there is one.
    pub(super) fn catalog_if_any(&self) -> Result<Option<Catalog>, Failure> {
        let dir = self.data_dir()?;
        if dir.join(DATABASE_FILE).is_file() { Ok(Some(Catalog::open(&dir)?)) } else { Ok(None) }
    }
}
