//! `retrovue demo`: a station at once, over sample media or the user's own.

use super::progress::Bar;
use super::serve::{ServeOptions, serve_station};
use super::{Exit, Failure};
use crate::config::StationConfig;
use crate::demo::{DemoError, make_sample_media, own_media_station, sample_station};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Air the films and episodes of this folder instead of sample media; nothing in it is changed
    #[arg(long, value_name = "DIR")]
    media: Option<PathBuf>,
    /// A station file to serve instead of the demo's own
    #[arg(long, value_name = "FILE", conflicts_with = "media")]
    config: Option<PathBuf>,
    /// The port to listen on, 0 for any free one [default: 8409]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Where the demo keeps its files
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data_dir: PathBuf,
}

pub(super) fn run(args: DemoArgs) -> Result<Exit, Failure> {
    let station = match (&args.config, &args.media) {
        (Some(config), _) => config.clone(),
        (None, Some(media)) => own_media_station(&args.data_dir.join("own"), media, &mut Bar::new())?,
        (None, None) => {
            let dir = args.data_dir.join("sample");
            let station = sample_station(&dir)?;
            make_sample_media(&dir.join("media"))?;
            station
        }
    };
    let mut config =
        StationConfig::read(&station).map_err(|report| Failure::findings(Exit::Unreadable, report))?;
    if let Some(port) = args.port {
        config.port = port;
    }
    serve_station(&config, &ServeOptions { scan: true, ..ServeOptions::default() })
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Failure {
        match error {
            DemoError::Catalog(error) => Failure::from(error),
            DemoError::Scan(error) => Failure::from(error),
            DemoError::NotWritable { .. } => Failure::new(Exit::NotWritable, error),
            DemoError::NoMedia { .. } | DemoError::NothingToAir { .. } => {
                Failure::new(Exit::Unreadable, error)
            }
            DemoError::Testcard { .. } => Failure::new(Exit::Failed, error),
        }
    }
}
