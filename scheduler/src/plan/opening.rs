//! From a station's configuration and catalog to its [`Programming`].

use super::black::{black_path, write_black};
use super::catalog_book::CatalogBook;
use super::programming::{ChannelInfo, DEFAULT_SEED, Programming, ProgrammingParts};
use super::resolve::{by_path, near_names, resolve};
use crate::catalog::{AssetResolver, Catalog, CatalogError, ChannelRecord, Snapshot};
use crate::config::{FillerRef, StationConfig};
use crate::dsl::{ChannelSpec, codes, examine_channel};
use crate::yaml::{Diagnostic, Document, Report};
use std::collections::{BTreeMap, BTreeSet};
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

/// A channel file as it was read.
#[derive(Debug, Clone)]
pub struct ChannelFile {
    /// The file.
    pub path: PathBuf,
    /// What it says, as far as that could be read; for finding more errors and for nothing else where the findings
    /// have some.
    pub spec: Option<ChannelSpec>,
    /// What is wrong with it, by itself and beside the files before it.
    pub findings: Report,
}

/// A channel that cannot air.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// Its file.
    pub path: PathBuf,
    /// Its name, where the file says.
    pub channel: Option<String>,
    /// Why: one error at least.
    pub findings: Report,
}

/// A station's programming without the channels that cannot air.
#[derive(Debug)]
pub struct Opened {
    /// Those that can.
    pub programming: Programming,
    /// What is worth knowing of them.
    pub warnings: Report,
    /// The others, in the order of the configuration.
    pub left_out: Vec<LeftOut>,
    /// What is wrong with the station's own filler, where that is not among the warnings.
    pub filler: Option<Diagnostic>,
}

impl Programming {
    /// Reads the station's channel files, gives new channels their identity, and resolves everything
    /// against the catalog as it is now. The report holds warnings.
    ///
    /// # Errors
    /// Everything wrong in all channel files at once; a failing catalog or data folder.
    pub fn open(config: &StationConfig, catalog: &mut Catalog) -> Result<(Programming, Report), OpenError> {
        let opened = Programming::examine(config, catalog)?;
        if let Some(filler) = opened.filler {
            return Err(Report::from(Box::new(filler)).into());
        }
        if !opened.left_out.is_empty() {
            let mut report = opened.warnings;
            opened.left_out.into_iter().for_each(|left| report.append(left.findings));
            report.sort();
            return Err(report.into());
        }
        let programming = opened.programming.registered(config, catalog, None)?;
        Ok((programming, opened.warnings))
    }

    /// The same with the channels that can air; those that cannot are left out, and what is wrong with the
    /// station's filler is a warning.
    ///
    /// # Errors
    /// A failing catalog or data folder.
    pub fn open_sound(config: &StationConfig, catalog: &mut Catalog) -> Result<Opened, OpenError> {
        Programming::open_after(config, catalog, None)
    }

    /// The same after `earlier`, which may still be asked: the rotation of spots goes on in its book.
    ///
    /// # Errors
    /// A failing catalog or data folder.
    pub fn open_after(
        config: &StationConfig,
        catalog: &mut Catalog,
        earlier: Option<&Programming>,
    ) -> Result<Opened, OpenError> {
        let mut opened = Programming::examine(config, catalog)?;
        opened.warnings.extend(opened.filler.take().map(Diagnostic::warning));
        opened.programming = opened.programming.registered(config, catalog, earlier)?;
        Ok(opened)
    }

    /// The same without writing anything: channels that the catalog does not know have the identity 0.
    ///
    /// # Errors
    /// A failing catalog.
    pub fn examine(config: &StationConfig, catalog: &Catalog) -> Result<Opened, OpenError> {
        let snapshot = catalog.snapshot()?;
        let known: BTreeMap<String, ChannelRecord> =
            catalog.channels()?.into_iter().map(|c| (c.id.clone(), c)).collect();
        let files = channel_files(config);
        // Only a file that does not even tell its channel can take the numbers of others with it.
        let all_told = files.iter().all(|file| file.spec.is_some());
        let kept = if all_told { BTreeMap::new() } else { numbers_of(&known) };
        let numbers = numbers(&files, &kept);
        let mut left_out: BTreeMap<usize, LeftOut> = BTreeMap::new();
        let mut warnings = Report::default();
        let (mut places, mut channels) = (Vec::new(), Vec::new());
        for (place, (file, number)) in files.into_iter().zip(numbers).enumerate() {
            let ChannelFile { path, spec, mut findings } = file;
            match spec {
                Some(spec) if !findings.has_errors() => {
                    warnings.append(findings);
                    let channel_id = known.get(&spec.id).map_or(0, |c| c.channel_id);
                    let info =
                        ChannelInfo { id: spec.id.clone(), channel_id, number, name: spec.name.clone() };
                    places.push((place, path));
                    channels.push((info, spec));
                }
                spec => {
                    // Names that lead nowhere, in whatever could be read: everything is said at once.
                    if let Some(Err(more)) = spec
                        .as_ref()
                        .map(|spec| resolve(spec, &snapshot, config.filler.as_ref(), DEFAULT_SEED))
                    {
                        findings.append(more);
                        findings.sort();
                    }
                    left_out.insert(place, LeftOut { path, channel: spec.map(|s| s.id), findings });
                }
            }
        }
        let names: Vec<String> = channels.iter().map(|(info, _)| info.id.clone()).collect();
        let (programming, more, refused) = Programming::judged(ProgrammingParts {
            format: config.format.clone(),
            channels,
            resolver: &snapshot,
            filler: config.filler.clone(),
            black_uri: black_path(&config.data_dir).to_string_lossy().into_owned(),
            seed: DEFAULT_SEED,
        });
        warnings.append(more);
        for (index, findings) in refused {
            let (place, path) = places[index].clone();
            left_out.insert(place, LeftOut { path, channel: Some(names[index].clone()), findings });
        }
        let filler = judge_filler(config, &snapshot);
        Ok(Opened { programming, warnings, left_out: left_out.into_values().collect(), filler })
    }

    /// The same with the black asset written and every channel's identity given out: after they were judged, for a
    /// channel that never was on the air needs none.
    fn registered(
        self,
        config: &StationConfig,
        catalog: &mut Catalog,
        earlier: Option<&Programming>,
    ) -> Result<Programming, OpenError> {
        write_black(&config.data_dir)
            .map_err(|source| OpenError::Black { path: config.data_dir.clone(), source })?;
        let mut identities = Vec::with_capacity(self.channels().len());
        for info in self.channels() {
            identities.push(catalog.register_channel(&info.id, info.number, &info.name)?.channel_id);
        }
        let programming = self.with_identities(&identities);
        if !programming.has_traffic() {
            return Ok(programming);
        }
        if let Some(earlier) = earlier.filter(|earlier| earlier.has_traffic()) {
            return Ok(programming.with_book_of(earlier));
        }
        let book = CatalogBook::open(catalog.path())?;
        Ok(programming.with_book(Arc::new(book)))
    }
}

/// The station's filler must lead somewhere, whichever channels use it.
fn judge_filler(config: &StationConfig, snapshot: &Snapshot) -> Option<Diagnostic> {
    let (message, help) = match config.filler.as_ref()? {
        FillerRef::Collection(name) if snapshot.collection(name).is_none() => {
            let help = near_names(name, snapshot.collection_ids());
            (format!("filler: there is no collection \"{name}\" in the catalog"), help)
        }
        FillerRef::Path(path) if by_path(snapshot, path).is_none() => {
            let help =
                "ingest the media; `retrovue asset list --bad` says what is wrong with a file".to_owned();
            (format!("filler: {} is not among the assets that can air", path.display()), help)
        }
        _ => return None,
    };
    Some(Diagnostic::of_file(&config.path, message).help(help))
}

/// Reads all channel files of a station, and judges each beside those before it.
#[must_use]
pub fn channel_files(config: &StationConfig) -> Vec<ChannelFile> {
    let mut files: Vec<ChannelFile> = Vec::with_capacity(config.channels.len());
    for path in &config.channels {
        let (mut spec, mut findings) = match Document::read(path) {
            Ok(document) => examine_channel(document),
            Err(finding) => (None, Report::from(finding)),
        };
        if let Some(spec) = &mut spec {
            spec.traffic = spec.traffic.take().or_else(|| config.traffic.clone());
            findings.extend(conflict(spec, &files));
            findings.extend(absent_logo(spec));
        }
        files.push(ChannelFile { path: path.clone(), spec, findings });
    }
    files
}

/// A logo is served when it is asked for, so one that is not there keeps nothing from the air.
fn absent_logo(spec: &ChannelSpec) -> Option<Diagnostic> {
    let (path, place) = spec.logo.as_ref().filter(|(path, _)| !path.is_file())?;
    let finding = spec.sources.at(*place, format!("the logo {} is not there", path.display()));
    let help = "put the picture there, or take the line out; the path is relative to this file";
    Some(finding.help(help).code(codes::UNRESOLVED).warning())
}

/// What a channel cannot have because one before it has it.
fn conflict(spec: &ChannelSpec, before: &[ChannelFile]) -> Option<Diagnostic> {
    let mut others = before.iter().filter_map(|file| file.spec.as_ref());
    let place = spec.sources.channel_file().root.place;
    if let Some(other) = others.clone().find(|s| s.id == spec.id) {
        let file = other.sources.channel_file().path.display();
        let message = format!("the channel \"{}\" is in {file} already", spec.id);
        return Some(spec.sources.at(place, message).help("give one of them another name"));
    }
    let other = others.find(|s| s.number.is_some() && s.number == spec.number)?;
    let message = format!("channel \"{}\" has the same number", other.id);
    let help = "give one of them another number, or leave it out";
    Some(spec.sources.at(place, message).help(help))
}

fn numbers_of(known: &BTreeMap<String, ChannelRecord>) -> BTreeMap<String, u32> {
    known.iter().map(|(id, channel)| (id.clone(), channel.number)).collect()
}

/// The channels' numbers: their own, else the one that is kept for them, else the lowest that is free, in order. A file
/// that does not tell its channel has 0.
fn numbers(files: &[ChannelFile], kept: &BTreeMap<String, u32>) -> Vec<u32> {
    let specs = || files.iter().filter_map(|file| file.spec.as_ref());
    let own: BTreeSet<u32> = specs().filter_map(|spec| spec.number).collect();
    let mut used: BTreeSet<u32> = own.iter().chain(kept.values()).copied().collect();
    let mut next = 1;
    files
        .iter()
        .map(|file| {
            let Some(spec) = &file.spec else { return 0 };
            let kept = kept.get(&spec.id).copied().filter(|number| !own.contains(number));
            spec.number.or(kept).unwrap_or_else(|| {
                while used.contains(&next) {
                    next += 1;
                }
                used.insert(next);
                next
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{Ingest, ProberCommand, Unseen};
    use crate::plan::GuideCategory;
    use retrovue_timebase::UtcMs;

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
    fn a_logo_that_is_not_there_is_told_and_keeps_nothing_from_the_air() {
        let file = format!("channel: a\nlogo: a.png\n{EMPTY}");
        let (dir, config) = station(&[("a.chan.yaml", &file)]);
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let (programming, report) = Programming::open(&config, &mut catalog).unwrap();
        let [finding] = report.findings() else { panic!("{report}") };
        assert!(finding.message().contains("a.png is not there"), "{report}");
        std::fs::write(dir.path().join("a.png"), "x").unwrap();
        let report = Programming::open(&config, &mut catalog).unwrap().1;
        assert!(report.findings().is_empty(), "{report}");
        let logo = config.channels[0].with_file_name("a.png");
        assert_eq!((programming.logo("a"), programming.logo("b")), (Some(logo.as_path()), None));
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

    #[test]
    fn channels_that_cannot_air_are_left_out_and_the_others_keep_their_numbers() {
        let bad = "channel: b\nschedule: {daily: {start: '06:00', program: p.nix}}\n";
        let good = |id: &str| format!("channel: {id}\n{EMPTY}");
        let texts = [("a", good("a")), ("b", good("b")), ("c", good("c"))];
        let names = ["a.chan.yaml", "b.chan.yaml", "c.chan.yaml"];
        let files: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().map(|(_, t)| t.as_str())).collect();
        let (dir, config) = station(&files);
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let all = Programming::open(&config, &mut catalog).unwrap().0;
        // A name that leads nowhere, and a text that does not even tell its channel.
        for text in [bad, "{"] {
            std::fs::write(dir.path().join("b.chan.yaml"), text).unwrap();
            let opened = Programming::open_sound(&config, &mut catalog).unwrap();
            let channels: Vec<ChannelInfo> = all.channels().iter().filter(|c| c.id != "b").cloned().collect();
            assert_eq!(opened.programming.channels(), channels, "{text}");
            let [left] = opened.left_out.as_slice() else { panic!("{text}") };
            assert!(left.path.ends_with("b.chan.yaml") && left.findings.has_errors());
            assert!(Programming::open(&config, &mut catalog).is_err());
        }
        // The first of two files has a name.
        std::fs::write(dir.path().join("b.chan.yaml"), good("a")).unwrap();
        let opened = Programming::open_sound(&config, &mut catalog).unwrap();
        let left: Vec<_> = opened.left_out.iter().map(|l| l.path.file_name().unwrap()).collect();
        assert_eq!((opened.programming.channels().len(), left), (2, vec!["b.chan.yaml".as_ref()]));
    }

    #[test]
    fn the_rotation_goes_on_where_other_programming_follows() {
        let text = "channel: a\ntimezone: UTC\ntraffic: {commercials: col.adverts}\nschedule: {daily: {start: '06:00', until: '06:00', program: p.show}}\n";
        let (dir, config) = station(&[("a.chan.yaml", text)]);
        let media = dir.path().join("media");
        let file = |name: &str| {
            std::fs::create_dir_all(media.join(name).parent().unwrap()).unwrap();
            std::fs::write(media.join(name), name).unwrap();
        };
        (0..9).for_each(|n| file(&format!("adverts/{n}.mp4")));
        (0..3).for_each(|n| file(&format!("Show/S01E0{n}.mp4")));
        let peer = r#"while IFS= read -r p; do case "$p" in *adverts*) l=20000;; *) l=1320000;; esac
            printf '{"path":"%s","ok":{"container":"mp4","duration_ms":%s}}\n' "$p" "$l"; done"#;
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let scan = |catalog: &mut Catalog| {
            let command = ProberCommand::new("/bin/bash".into(), ["-c", peer]);
            Ingest::new(catalog, command).run(&config.sources(), &mut Unseen).unwrap()
        };
        scan(&mut catalog);
        let old = Programming::open_sound(&config, &mut catalog).unwrap().programming;
        // The days were begun by the old: their openings are kept, whatever was added since.
        let starts: Vec<UtcMs> = (0..4).map(|n| UtcMs(1_767_268_800_000 + n * 86_400_000)).collect();
        let aired = |p: &Programming| -> Vec<_> {
            starts.iter().map(|at| p.block_at("a", *at, &BTreeSet::new()).unwrap()).collect()
        };
        let before = aired(&old);
        assert!(before.iter().all(|block| block.segments.len() > 5), "{before:#?}");
        file("Other/S01E01.mp4");
        assert_eq!(scan(&mut catalog).added, 1);
        let new = Programming::open_after(&config, &mut catalog, Some(&old)).unwrap().programming;
        assert!(Arc::ptr_eq(&new.book(), &old.book()), "one writer keeps both's openings");
        drop(old);
        assert_eq!(aired(&new), before);
    }

    #[test]
    fn examining_writes_nothing() {
        let (_dir, config) = station(&[("a.chan.yaml", &format!("channel: a\n{EMPTY}"))]);
        let catalog = Catalog::open(&config.data_dir).unwrap();
        let opened = Programming::examine(&config, &catalog).unwrap();
        assert_eq!(opened.programming.channels()[0].channel_id, 0);
        assert!(catalog.channels().unwrap().is_empty() && !black_path(&config.data_dir).exists());
    }
}
