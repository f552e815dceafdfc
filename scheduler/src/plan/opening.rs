//! From a station's configuration and catalog to its [`Programming`].

use super::black::write_black;
use super::catalog_book::CatalogBook;
use super::programming::{ChannelInfo, DEFAULT_SEED, Programming, ProgrammingParts};
use super::resolve::{by_path, near_names, resolve};
use crate::catalog::{AssetResolver, Catalog, CatalogError, Snapshot};
use crate::config::{FillerRef, StationConfig};
use crate::dsl::{ChannelSpec, examine_channel};
use crate::yaml::{Diagnostic, Document, Report};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Programming that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Channel files with errors in them.
    #[error("{0}")]
    Findings(Report),
    /// The catalog fails.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The built-in black asset cannot be written.
    #[error("cannot write into the data folder {path}: {source}; choose another with --data-dir")]
    Black {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<Report> for OpenError {
    fn from(report: Report) -> OpenError {
        OpenError::Findings(report)
    }
}

impl Programming {
    /// Reads the station's channel files, gives new channels their identity, and resolves everything
    /// against the catalog as it is now. The report holds warnings.
    ///
    /// # Errors
    /// Everything wrong in all channel files at once; a failing catalog or data folder.
    pub fn open(config: &StationConfig, catalog: &mut Catalog) -> Result<(Programming, Report), OpenError> {
        let snapshot = catalog.snapshot()?;
        judge_filler(config, &snapshot)?;
        let (specs, mut report) = read_channels(config, &snapshot)?;
        let numbers = numbers(&specs);
        let black = write_black(&config.data_dir)
            .map_err(|source| OpenError::Black { path: config.data_dir.clone(), source })?;
        // Judged before any identity is given out: a channel that never was on the air needs none.
        let provisional = |spec: &ChannelSpec, number: u32| ChannelInfo {
            id: spec.id.clone(),
            channel_id: 0,
            number,
            name: spec.name.clone(),
        };
        let channels: Vec<(ChannelInfo, ChannelSpec)> =
            specs.into_iter().zip(numbers).map(|(spec, number)| (provisional(&spec, number), spec)).collect();
        let parts = |channels| ProgrammingParts {
            format: config.format.clone(),
            channels,
            resolver: &snapshot,
            filler: config.filler.clone(),
            black_uri: black.to_string_lossy().into_owned(),
            seed: DEFAULT_SEED,
        };
        let (programming, warnings) = Programming::new(parts(channels))?;
        report.append(warnings);
        let mut identities = Vec::with_capacity(programming.channels().len());
        for info in programming.channels() {
            identities.push(catalog.register_channel(&info.id, info.number, &info.name)?.channel_id);
        }
        let programming = programming.with_identities(&identities);
        if !programming.has_traffic() {
            return Ok((programming, report));
        }
        let book = CatalogBook::open(catalog.path())?;
        Ok((programming.with_book(Arc::new(book)), report))
    }
}

/// The station's filler must lead somewhere, whichever channels use it.
fn judge_filler(config: &StationConfig, snapshot: &Snapshot) -> Result<(), Report> {
    let (message, help) = match &config.filler {
        Some(FillerRef::Collection(name)) if snapshot.collection(name).is_none() => {
            let help = near_names(name, snapshot.collection_ids());
            (format!("filler: there is no collection \"{name}\" in the catalog"), help)
        }
        Some(FillerRef::Path(path)) if by_path(snapshot, path).is_none() => {
            let help =
                "ingest the media; `retrovue asset list --bad` says what is wrong with a file".to_owned();
            (format!("filler: {} is not among the assets that can air", path.display()), help)
        }
        _ => return Ok(()),
    };
    Err(Report::from(Box::new(Diagnostic::of_file(&config.path, message).help(help))))
}

fn read_channels(config: &StationConfig, snapshot: &Snapshot) -> Result<(Vec<ChannelSpec>, Report), Report> {
    let mut report = Report::default();
    let mut specs: Vec<ChannelSpec> = Vec::with_capacity(config.channels.len());
    for path in &config.channels {
        let (spec, findings) = match Document::read(path) {
            Ok(document) => examine_channel(document),
            Err(finding) => (None, Report::from(finding)),
        };
        report.append(findings);
        let Some(mut spec) = spec else { continue };
        spec.traffic = spec.traffic.or_else(|| config.traffic.clone());
        if let Some(other) = specs.iter().find(|s| s.id == spec.id) {
            let message = format!(
                "the channel \"{}\" is in {} already",
                spec.id,
                other.sources.channel_file().path.display()
            );
            let help = "give one of them another name";
            report.push(spec.sources.at(spec.sources.channel_file().root.place, message).help(help));
        } else if let Some(other) = specs.iter().find(|s| s.number.is_some() && s.number == spec.number) {
            let message = format!("channel \"{}\" has the same number", other.id);
            let help = "give one of them another number, or leave it out";
            report.push(spec.sources.at(spec.sources.channel_file().root.place, message).help(help));
        }
        specs.push(spec);
    }
    if !report.has_errors() {
        return Ok((specs, report));
    }
    // Names that lead nowhere, in whatever could be read: everything is said at once.
    for spec in &specs {
        if let Err(more) = resolve(spec, snapshot, config.filler.as_ref(), DEFAULT_SEED) {
            report.append(more);
        }
    }
    report.sort();
    Err(report)
}

/// The channels' numbers: their own, else the lowest that is free, in order.
fn numbers(specs: &[ChannelSpec]) -> Vec<u32> {
    let mut used: BTreeMap<u32, ()> = specs.iter().filter_map(|s| s.number).map(|n| (n, ())).collect();
    let mut next = 1;
    specs
        .iter()
        .map(|spec| {
            spec.number.unwrap_or_else(|| {
                while used.contains_key(&next) {
                    next += 1;
                }
                used.insert(next, ());
                next
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::GuideCategory;
    use retrovue_timebase::UtcMs;
    use std::collections::BTreeSet;

    fn station(files: &[(&str, &str)]) -> (tempfile::TempDir, StationConfig) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("media")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let text = "media: [media]\nchannels: ['*.chan.yaml']\n";
        std::fs::write(dir.path().join("station.yaml"), text).unwrap();
        let config = StationConfig::read(&dir.path().join("station.yaml")).unwrap();
        (dir, config)
    }

    const EMPTY: &str = "schedule: {daily: []}\n";

    #[test]
    fn a_station_without_any_media_carries_black_under_lasting_identities() {
        let files = [
            ("a.chan.yaml", format!("channel: a\n{EMPTY}")),
            ("b.chan.yaml", format!("channel: b\nnumber: 1\n{EMPTY}")),
        ];
        let (_dir, config) = station(&files.each_ref().map(|(n, t)| (*n, t.as_str())));
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let (programming, report) = Programming::open(&config, &mut catalog).unwrap();
        assert!(report.findings().is_empty(), "{report}");
        let ids: Vec<(String, u32)> =
            programming.channels().iter().map(|c| (c.id.clone(), c.number)).collect();
        assert_eq!(ids, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        let block = programming.block_at("b", UtcMs(1_000_000_000_000), &BTreeSet::new()).unwrap();
        assert_eq!(
            block.channel_id,
            catalog.channels().unwrap().iter().find(|c| c.id == "b").unwrap().channel_id
        );
        assert!(std::fs::metadata(&block.segments[0].asset_uri).unwrap().len() > 1000);
        let guide = programming.guide("b", UtcMs(0), UtcMs(1)).unwrap();
        assert_eq!(guide[0].category, GuideCategory::Interstitial);
        let again = Programming::open(&config, &mut catalog).unwrap().0;
        assert_eq!(again.channels(), programming.channels());
    }

    #[test]
    fn faults_of_all_files_are_said_together_and_give_out_no_identity() {
        let (_dir, config) = station(&[
            ("a.chan.yaml", "channel: a\nschedule: {daily: {start: '06:00', program: p.nix}}\n"),
            ("b.chan.yaml", "channel: b\nschedule: {daily: {start: '06:00', program: p.nix}}\n"),
        ]);
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let OpenError::Findings(report) = Programming::open(&config, &mut catalog).unwrap_err() else {
            panic!()
        };
        assert_eq!(report.findings().len(), 2, "{report}");
        assert!(catalog.channels().unwrap().is_empty());
        let (_dir, config) = station(&[
            ("a.chan.yaml", "channel: a\nnumber: 3\nschedule: {daily: []}\n"),
            ("b.chan.yaml", "channel: a\nschedule: {daily: []}\n"),
            ("c.chan.yaml", "channel: c\nnumber: 3\nschedule: {daily: []}\n"),
        ]);
        let OpenError::Findings(report) = Programming::open(&config, &mut catalog).unwrap_err() else {
            panic!()
        };
        assert_eq!(report.findings().len(), 2, "{report}");
    }

    #[test]
    fn the_traffic_of_the_station_is_that_of_channels_which_have_none() {
        let files = [
            ("a.chan.yaml", "channel: a\ntraffic: none\nschedule: {daily: []}\n"),
            ("b.chan.yaml", "channel: b\nschedule: {daily: []}\n"),
            ("c.chan.yaml", "channel: c\nschedule: {daily: []}\n"),
            ("d.chan.yaml", "channel: d\ntraffic: {commercials: col.own}\nschedule: {daily: []}\n"),
        ];
        let (dir, _) = station(&files);
        let path = dir.path().join("station.yaml");
        let text = "media: [media]\nchannels: ['*.chan.yaml']\ntraffic: {commercials: {collection: col.adverts, cooldown: 30m}}\n";
        std::fs::write(&path, text).unwrap();
        let config = StationConfig::read(&path).unwrap();
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let OpenError::Findings(report) = Programming::open(&config, &mut catalog).unwrap_err() else {
            panic!()
        };
        let found: Vec<(String, usize, usize)> = report
            .findings()
            .iter()
            .map(|d| {
                let name = d.path().file_name().unwrap().to_string_lossy().into_owned();
                (name, d.place().line, d.place().column)
            })
            .collect();
        assert_eq!(
            found,
            [("d.chan.yaml".to_owned(), 2, 24), ("station.yaml".to_owned(), 3, 37)],
            "{report}"
        );
        std::fs::write(&path, text.replace("30m", "never")).unwrap();
        let report = StationConfig::read(&path).unwrap_err();
        assert!(report.to_string().contains("no cooldown"), "{report}");
    }

    #[test]
    fn a_station_filler_that_is_not_there_is_said() {
        let (_dir, mut config) = station(&[("a.chan.yaml", "channel: a\nschedule: {daily: []}\n")]);
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        for filler in [FillerRef::Collection("col.nix".into()), FillerRef::Path("/nix.mp4".into())] {
            config.filler = Some(filler);
            let error = Programming::open(&config, &mut catalog).unwrap_err().to_string();
            assert!(error.contains("filler: ") && error.contains("nix"), "{error}");
        }
    }
}
