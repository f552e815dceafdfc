//! One scan: walk the folders, skip what has not changed, probe the rest, record in batches.

use super::names::{is_season_folder, read_file_name, slug, title_from_name, type_from_folders};
use super::prober::{Prober, ProberCommand, ProberError};
use super::walk::{FoundFile, walk};
use crate::catalog::{AssetType, Catalog, CatalogError, Health, LONGEST_ASSET, ProbeFacts, Sighting};
use retrovue_timebase::Millis;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files recorded in one transaction: few enough that little work is lost when a scan is cut short.
const BATCH: usize = 64;

/// A folder or file to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSource {
    /// Where.
    pub path: PathBuf,
    /// What people call it.
    pub name: Option<String>,
    /// What all its files are for, whatever the folders are called.
    pub asset_type: Option<AssetType>,
}

/// What a scan did; the form of `ingest --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IngestReport {
    /// Media files seen.
    pub scanned: usize,
    /// New files that can air.
    pub added: usize,
    /// Known files that were looked at again and can air.
    pub updated: usize,
    /// Known files that had not changed.
    pub unchanged: usize,
    /// Files recorded as gone.
    pub missing: usize,
    /// Files that cannot air, each time they are seen.
    pub bad: Vec<BadFile>,
    /// Folders and files that could not be looked at.
    pub warnings: Vec<BadFile>,
}

/// A path and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadFile {
    /// The path.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A scan that had to stop.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The catalog cannot be read or written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There is no working prober.
    #[error(transparent)]
    Prober(#[from] ProberError),
    /// The path cannot be scanned at all.
    #[error("cannot scan {path}: {reason}")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Told how a scan gets on.
pub trait Progress {
    /// So many files are to be probed.
    fn begin(&mut self, files: u64);
    /// This one is next.
    fn next(&mut self, path: &Path);
    /// All done.
    fn end(&mut self);
}

/// A scan with its catalog and prober.
#[derive(Debug)]
pub struct Ingest<'a> {
    catalog: &'a mut Catalog,
    prober: Prober,
}

/// The root a file's collection is named from.
struct Root {
    path: PathBuf,
    asset_type: Option<AssetType>,
    source_id: i64,
}

impl<'a> Ingest<'a> {
    /// A scan into `catalog` with `command` as the prober.
    #[must_use]
    pub fn new(catalog: &'a mut Catalog, command: ProberCommand) -> Ingest<'a> {
        Ingest { catalog, prober: Prober::new(command) }
    }

    /// Scans one source after the other. What was recorded stays recorded when a later one fails.
    ///
    /// # Errors
    /// A source that is not there, a failing catalog, no working prober. Bad files and unreadable
    /// folders are no errors: they are in the report.
    pub fn run(
        &mut self,
        sources: &[IngestSource],
        progress: &mut dyn Progress,
    ) -> Result<IngestReport, IngestError> {
        let mut report = IngestReport::default();
        for source in sources {
            self.scan(source, progress, &mut report)?;
        }
        progress.end();
        Ok(report)
    }

    fn scan(
        &mut self,
        source: &IngestSource,
        progress: &mut dyn Progress,
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        let unreadable = |reason: String| IngestError::Unreadable { path: source.path.clone(), reason };
        let top = std::fs::canonicalize(&source.path)
            .map_err(|e| unreadable(format!("{e}; check the path, or whether the drive is mounted")))?;
        let Some(top_text) = top.to_str() else {
            return Err(unreadable("the path is not UTF-8; rename the folder".into()));
        };
        if top.is_dir() {
            std::fs::read_dir(&top)
                .map_err(|e| unreadable(format!("{e}; make the folder readable for this user")))?;
        }
        let root = self.root_of(source, &top)?;
        let found = walk(&top);
        report.scanned += found.files.len();

        let remembered = self.catalog.remembered_below(top_text)?;
        let mut seen = BTreeSet::new();
        let mut collections: BTreeMap<String, (String, String, String, String)> = BTreeMap::new();
        let mut to_probe = Vec::new();
        for file in found.files {
            let Some(path) = file.path.to_str().filter(|p| !p.contains(['\n', '\r'])).map(str::to_owned)
            else {
                let reason = "its name holds a line break or is not UTF-8; rename it".to_owned();
                report.bad.push(BadFile { path: file.path, reason });
                continue;
            };
            let sighting = root.describe(&file, &path, &mut collections);
            let known = remembered.get(&path);
            let unchanged = known.filter(|k| {
                (k.size, k.mtime_ns) == (file.size, file.mtime_ns)
                    && k.health != Health::Missing
                    && (&k.collection, k.asset_type) == (&sighting.collection, sighting.asset_type)
            });
            seen.insert(path);
            match unchanged {
                None => to_probe.push((sighting, known.is_some())),
                Some(known) => {
                    report.unchanged += 1;
                    if let Some(reason) = &known.reason {
                        report.bad.push(BadFile { path: file.path, reason: reason.clone() });
                    }
                }
            }
        }
        self.catalog.record_collections(&collections.into_values().collect::<Vec<_>>())?;
        self.probe_and_record(root.source_id, to_probe, progress, report)?;

        // What lies below a folder that could not be read may still be there.
        let hidden =
            |path: &str| found.unreadable.iter().any(|(folder, _)| Path::new(path).starts_with(folder));
        let gone: Vec<String> = remembered
            .into_iter()
            .filter(|(path, known)| known.health != Health::Missing && !seen.contains(path) && !hidden(path))
            .map(|(path, _)| path)
            .collect();
        self.catalog.mark_missing(&gone)?;
        report.missing += gone.len();
        report.warnings.extend(found.unreadable.into_iter().map(|(path, reason)| BadFile { path, reason }));
        Ok(())
    }

    fn probe_and_record(
        &mut self,
        source_id: i64,
        to_probe: Vec<(Sighting, bool)>,
        progress: &mut dyn Progress,
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        progress.begin(to_probe.len() as u64);
        let mut batch = Vec::with_capacity(BATCH);
        for (mut sighting, known) in to_probe {
            let path = PathBuf::from(&sighting.path);
            progress.next(&path);
            sighting.outcome = if sighting.size == 0 {
                Err("the file is empty; copy it again".to_owned())
            } else {
                match self.prober.probe(&path)? {
                    Ok(facts) => playable(facts),
                    Err(failure) => Err(format!("{}: {}", failure.code, failure.detail)),
                }
            };
            match &sighting.outcome {
                Err(reason) => report.bad.push(BadFile { path, reason: reason.clone() }),
                Ok(_) if known => report.updated += 1,
                Ok(_) => report.added += 1,
            }
            batch.push(sighting);
            if batch.len() == BATCH {
                self.catalog.record_sightings(source_id, &batch)?;
                batch.clear();
            }
        }
        self.catalog.record_sightings(source_id, &batch)?;
        Ok(())
    }

    /// A folder inside a known source is scanned as part of it, so that its collections keep their names
    /// and its files their type.
    fn root_of(&mut self, source: &IngestSource, top: &Path) -> Result<Root, IngestError> {
        let known = self.catalog.source_roots()?;
        let above = known.into_iter().filter(|root| top.starts_with(root) && root != top);
        if let Some(path) = above.min_by_key(|root| root.as_os_str().len())
            && let Some((source_id, fixed)) = self.catalog.source(&path.to_string_lossy())?
        {
            return Ok(Root { path, asset_type: source.asset_type.or(fixed), source_id });
        }
        let path = match top.parent() {
            Some(parent) if top.is_file() => parent.to_owned(),
            _ => top.to_owned(),
        };
        let text = path.to_string_lossy();
        let source_id = self.catalog.register_source(&text, source.name.as_deref(), source.asset_type)?;
        Ok(Root { path, asset_type: source.asset_type, source_id })
    }
}

fn playable(facts: ProbeFacts) -> Result<ProbeFacts, String> {
    match facts.duration_ms {
        Some(d) if d > LONGEST_ASSET => {
            Err(format!("its length is {d}, longer than {LONGEST_ASSET}; the file is damaged, remux it"))
        }
        Some(d) if d > Millis(0) => Ok(facts),
        Some(d) => Err(format!("its length is {d}; the file is damaged or holds no time")),
        None => Err("its length is unknown, so it cannot be scheduled; remux it".to_owned()),
    }
}

impl Root {
    /// What path and name say of a file; `collections` gains those the file stands in.
    fn describe(
        &self,
        file: &FoundFile,
        path: &str,
        collections: &mut BTreeMap<String, (String, String, String, String)>,
    ) -> Sighting {
        let root_name =
            self.path.file_name().map_or_else(|| "media".into(), |n| n.to_string_lossy().into_owned());
        let below = file.path.strip_prefix(&self.path).unwrap_or(&file.path);
        let folders: Vec<String> = below
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let named: &[String] = if folders.is_empty() { std::slice::from_ref(&root_name) } else { &folders };
        let mut dotted = String::new();
        let mut series = title_from_name(&named[0]);
        for folder in named {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(&slug(folder));
            let title = title_from_name(folder);
            if !is_season_folder(folder) {
                series.clone_from(&title);
            }
            let id = format!("col.{dotted}");
            collections
                .entry(id.clone())
                .or_insert_with(|| (id, title, format!("p.{dotted}"), series.clone()));
        }
        let all_folders = std::iter::once(root_name.as_str()).chain(folders.iter().map(String::as_str));
        let asset_type =
            self.asset_type.unwrap_or_else(|| type_from_folders(all_folders.collect::<Vec<_>>().into_iter()));
        let stem = file.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let name = read_file_name(&stem);
        Sighting {
            path: path.to_owned(),
            collection: format!("col.{dotted}"),
            asset_slug: format!("asset.{dotted}.{}", slug(&stem)),
            asset_type,
            title: name.title,
            season: name.season,
            episode: name.episode,
            year: name.year,
            size: file.size,
            mtime_ns: file.mtime_ns,
            outcome: Err("not probed".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AssetResolver;

    const PEER: &str = r#"
while IFS= read -r p; do
  case "$p" in
    *crash*) kill -SEGV $$ ;;
    *endless*) printf '{"path":"%s","ok":{"container":"mp4","duration_ms":9223372036854775807,"video":null,"audio":[],"chapters":[]}}\n' "$p" ;;
    *notes*) printf '{"path":"%s","error":{"code":"NOT_MEDIA","detail":"no known format"}}\n' "$p" ;;
    *) printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000,"video":null,"audio":[],"chapters":[]}}\n' "$p" ;;
  esac
done"#;

    struct Count(u64);
    impl Progress for Count {
        fn begin(&mut self, _files: u64) {}
        fn next(&mut self, _path: &Path) {
            self.0 += 1;
        }
        fn end(&mut self) {}
    }

    fn scan(catalog: &mut Catalog, path: &Path) -> (IngestReport, u64) {
        let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
        let mut progress = Count(0);
        let source = IngestSource { path: path.to_owned(), name: None, asset_type: None };
        let report = Ingest::new(catalog, command).run(&[source], &mut progress).unwrap();
        (report, progress.0)
    }

    fn library(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join("media").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, if file.contains("empty") { "" } else { "x" }).unwrap();
        }
        dir
    }

    #[test]
    fn a_scan_is_idempotent_and_survives_bad_files() {
        let dir = library(&[
            "Cosmic Diner/Season 1/S01E02 - Pie.mp4",
            "Cosmic Diner/Season 1/S01E01 - Coffee.mp4",
            "Adverts/soap.mp4",
            "Movies/Alien (1979).mkv",
            "Movies/crash.mkv",
            "Movies/empty.mkv",
            "Movies/endless.mkv",
            "Movies/notes.mkv",
            "loose.mp4",
        ]);
        let media = dir.path().join("media");
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let (first, probed) = scan(&mut catalog, &media);
        assert_eq!((first.scanned, first.added, first.bad.len(), probed), (9, 5, 4, 9));
        for part in ["PROBER_CRASHED", "empty", "longer than", "NOT_MEDIA"] {
            assert!(first.bad.iter().any(|b| b.reason.contains(part)), "{part}: {:?}", first.bad);
        }
        let snapshot = catalog.snapshot().unwrap();
        let titles: Vec<_> =
            snapshot.collection("col.cosmic_diner").unwrap().iter().map(|a| a.title.clone()).collect();
        assert_eq!(titles, ["Coffee", "Pie"]);
        assert_eq!(snapshot.program("p.cosmic_diner.season_1").unwrap().title, "Cosmic Diner");
        assert_eq!(snapshot.collection("col.media").unwrap().len(), 1);
        let alien = snapshot.lookup("asset.movies.alien_1979").unwrap();
        assert_eq!(
            (alien.asset_type, alien.year, alien.title.as_str()),
            (AssetType::Movie, Some(1979), "Alien")
        );
        assert_eq!(snapshot.of_type(AssetType::Commercial).len(), 1);

        let before = catalog.assets().unwrap();
        let (second, probed) = scan(&mut catalog, &media);
        assert_eq!((second.unchanged, second.added, second.updated, probed), (9, 0, 0, 0));
        assert_eq!(second.bad.len(), 4);
        assert_eq!(catalog.assets().unwrap(), before);
        assert_eq!(catalog.snapshot().unwrap(), snapshot);
    }

    #[test]
    fn changed_files_are_probed_again_and_gone_ones_marked_until_they_return() {
        let dir = library(&["Show/a.mp4", "Show/b.mp4"]);
        let media = dir.path().join("media");
        let mut catalog = Catalog::open(dir.path()).unwrap();
        scan(&mut catalog, &media);
        std::fs::write(media.join("Show/a.mp4"), "longer").unwrap();
        std::fs::rename(media.join("Show/b.mp4"), dir.path().join("b.mp4")).unwrap();
        let (report, probed) = scan(&mut catalog, &media);
        assert_eq!((report.updated, report.missing, probed), (1, 1, 1));
        assert_eq!(catalog.asset("asset.show.b").unwrap().health, Health::Missing);
        assert!(catalog.snapshot().unwrap().lookup("asset.show.b").is_none());
        std::fs::rename(dir.path().join("b.mp4"), media.join("Show/b.mp4")).unwrap();
        let (report, _) = scan(&mut catalog, &media);
        assert_eq!((report.updated, report.missing), (1, 0));
        assert!(catalog.snapshot().unwrap().lookup("asset.show.b").is_some());
    }

    #[test]
    fn a_folder_of_a_known_source_keeps_its_names() {
        let dir = library(&["Show/Season 1/a.mp4", "Other/b.mp4"]);
        let media = dir.path().join("media");
        let mut catalog = Catalog::open(dir.path()).unwrap();
        scan(&mut catalog, &media);
        let (report, probed) = scan(&mut catalog, &media.join("Show"));
        assert_eq!((report.unchanged, report.missing, probed), (1, 0, 0));
        assert_eq!(catalog.source_roots().unwrap().len(), 1);
    }

    #[test]
    fn a_source_that_is_not_there_is_an_error_and_marks_nothing_missing() {
        let dir = library(&["Show/a.mp4"]);
        let media = dir.path().join("media");
        let mut catalog = Catalog::open(dir.path()).unwrap();
        scan(&mut catalog, &media);
        std::fs::rename(&media, dir.path().join("unmounted")).unwrap();
        let source = IngestSource { path: media, name: None, asset_type: None };
        let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
        let result = Ingest::new(&mut catalog, command).run(&[source], &mut Count(0));
        assert!(matches!(result, Err(IngestError::Unreadable { .. })));
        assert_eq!(catalog.asset("asset.show.a").unwrap().health, Health::Ok);
    }
}
