//! One scan: list a source, skip what has not changed, find what was moved, probe the rest, record in batches.

use super::artwork::Pictures;
use super::content_mark::content_mark;
use super::folder::FolderImporter;
use super::importer::{Importer, ListedFile};
use super::jellyfin::JellyfinImporter;
use super::look::look;
use super::moves::{Arrival, match_moves};
use super::plex::PlexImporter;
use super::prober::{Prober, ProberCommand, ProberError};
use super::probing::{in_order, workers};
use crate::catalog::{
    AssetType, Catalog, CatalogError, Health, ImporterKind, Move, Outcome, Remembered, SourceRecord,
};
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
    /// Known files that changed, or of which something else is told now, and can air.
    pub updated: usize,
    /// Known files that are in another place now.
    pub moved: usize,
    /// Known files that had not changed.
    pub unchanged: usize,
    /// Files recorded as gone.
    pub missing: usize,
    /// Files that another source has already.
    pub elsewhere: usize,
    /// Files that cannot air, each time they are seen.
    pub bad: Vec<BadFile>,
    /// Folders and files that could not be looked at.
    pub warnings: Vec<BadFile>,
}

impl IngestReport {
    /// Adds what another scan did.
    pub fn add(&mut self, mut other: IngestReport) {
        self.scanned += other.scanned;
        self.added += other.added;
        self.updated += other.updated;
        self.moved += other.moved;
        self.unchanged += other.unchanged;
        self.missing += other.missing;
        self.elsewhere += other.elsewhere;
        self.bad.append(&mut other.bad);
        self.warnings.append(&mut other.warnings);
    }
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
    /// The server cannot be asked, or does not answer as it should.
    #[error("cannot list {root}: {reason}")]
    Server {
        /// Its address.
        root: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The system does not tell of changes.
    #[error(
        "cannot watch {path}: {reason}; where the system's limit is reached, raise fs.inotify.max_user_watches, or scan \
         with a timer instead"
    )]
    Unwatchable {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
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
    /// So many more files are to be looked into.
    fn begin(&mut self, files: u64);
    /// This one is done.
    fn next(&mut self, path: &Path);
    /// All done.
    fn end(&mut self);
}

/// Progress that nobody looks at.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl Progress for Unseen {
    fn begin(&mut self, _files: u64) {}
    fn next(&mut self, _path: &Path) {}
    fn end(&mut self) {}
}

/// A scan with its catalog and prober.
#[derive(Debug)]
pub struct Ingest<'a> {
    catalog: &'a mut Catalog,
    command: ProberCommand,
    workers: usize,
    unsettled: BTreeSet<PathBuf>,
}

/// What a scan covers, to tell which remembered files should have been listed.
enum Scope<'s> {
    /// All at or below a folder.
    Below(&'s Path),
    /// All of a source.
    Source(i64),
}

/// A listed file that is not as it is remembered, or not remembered.
pub(super) struct Task {
    pub(super) file: ListedFile,
    /// Whether it is remembered at all.
    pub(super) known: bool,
    /// Whether its content is what was probed before.
    pub(super) as_before: bool,
}

impl<'a> Ingest<'a> {
    /// A scan into `catalog` with `command` as the prober.
    #[must_use]
    pub fn new(catalog: &'a mut Catalog, command: ProberCommand) -> Ingest<'a> {
        Ingest { catalog, command, workers: workers(), unsettled: BTreeSet::new() }
    }

    /// Leaves these files as they are recorded, or unrecorded: somebody is writing them.
    #[must_use]
    pub fn leaving_out(mut self, unsettled: BTreeSet<PathBuf>) -> Ingest<'a> {
        self.unsettled = unsettled;
        self
    }

    /// Probes one file after the other: there is somebody else who needs the machine.
    #[must_use]
    pub fn one_by_one(mut self) -> Ingest<'a> {
        self.workers = 1;
        self
    }

    /// Scans one folder or file after the other. What was recorded stays recorded when a later one fails.
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
            self.scan_folder(source, progress, &mut report)?;
        }
        progress.end();
        Ok(report)
    }

    fn scan_folder(
        &mut self,
        source: &IngestSource,
        progress: &mut dyn Progress,
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        let unreadable = |reason: String| IngestError::Unreadable { path: source.path.clone(), reason };
        let top = std::fs::canonicalize(&source.path)
            .map_err(|e| unreadable(format!("{e}; check the path, or whether the drive is mounted")))?;
        if top.to_str().is_none() {
            return Err(unreadable("the path is not UTF-8; rename the folder".into()));
        }
        if top.is_dir() {
            std::fs::read_dir(&top)
                .map_err(|e| unreadable(format!("{e}; make the folder readable for this user")))?;
        }
        let (source_id, mut importer) = self.folder_importer(source, &top)?;
        self.scan(source_id, &mut importer, &Scope::Below(&top), progress, report)
    }

    /// Scans a source of the catalog, whatever lists its files.
    ///
    /// # Errors
    /// As [`run`](Ingest::run); a server that cannot be asked.
    pub fn run_source(
        &mut self,
        source: &SourceRecord,
        progress: &mut dyn Progress,
    ) -> Result<IngestReport, IngestError> {
        let mut importer: Box<dyn Importer> = match source.importer {
            ImporterKind::Files => {
                let folder = IngestSource {
                    path: PathBuf::from(&source.root),
                    name: source.name.clone(),
                    asset_type: source.asset_type,
                };
                return self.run(&[folder], progress);
            }
            ImporterKind::Jellyfin => Box::new(JellyfinImporter::new(source)?),
            ImporterKind::Plex => Box::new(PlexImporter::new(source)?),
        };
        let mut report = IngestReport::default();
        self.scan(source.id, importer.as_mut(), &Scope::Source(source.id), progress, &mut report)?;
        progress.end();
        Ok(report)
    }

    fn scan(
        &mut self,
        source_id: i64,
        importer: &mut dyn Importer,
        scope: &Scope<'_>,
        progress: &mut dyn Progress,
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        let mut listing = importer.list()?;
        report.scanned += listing.files.len();
        report.bad.append(&mut listing.refused);
        let mut remembered = self.catalog.remembered()?;
        let others = self.sources_of_other_kinds(source_id)?;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut tasks = Vec::new();
        let mut unmarked = Vec::new();
        for file in std::mem::take(&mut listing.files) {
            seen.insert(file.path.clone());
            if self.unsettled.contains(Path::new(&file.path)) {
                continue;
            }
            let known = remembered.get(&file.path);
            if known.is_some_and(|k| others.contains(&k.source_id) && k.health != Health::Missing) {
                report.elsewhere += 1;
                continue;
            }
            let same = known.filter(|k| (k.size, k.mtime_ns) == (file.size, file.mtime_ns));
            match same {
                Some(k) if k.health != Health::Missing && is_told_the_same(k, &file, &listing.pictures) => {
                    report.unchanged += 1;
                    if k.content_mark.is_none() {
                        unmarked.push(file.path.clone());
                    }
                    if let Some(reason) = &k.reason {
                        report.bad.push(BadFile { path: file.path.into(), reason: reason.clone() });
                    }
                }
                same => {
                    let as_before = same.is_some_and(|k| k.has_facts);
                    tasks.push(Task { known: known.is_some(), as_before, file });
                }
            }
        }
        self.catalog.record_collections(&listing.collections)?;
        self.find_moves(&mut remembered, &seen, &mut tasks, report)?;
        self.look_into(source_id, tasks, &listing.pictures, progress, report)?;
        self.mark_contents(&unmarked, progress)?;

        // What lies below a folder that could not be read may still be there.
        let hidden =
            |path: &str| listing.unreadable.iter().any(|folder| Path::new(path).starts_with(&folder.path));
        let covered = |known: &Remembered| match scope {
            Scope::Below(top) => Path::new(&known.path).starts_with(top),
            Scope::Source(id) => known.source_id == *id,
        };
        let gone: Vec<String> = remembered
            .into_values()
            .filter(|k| {
                covered(k) && k.health != Health::Missing && !seen.contains(&k.path) && !hidden(&k.path)
            })
            .map(|k| k.path)
            .collect();
        self.catalog.mark_missing(&gone)?;
        report.missing += gone.len();
        report.warnings.append(&mut listing.unreadable);
        report.warnings.append(&mut listing.not_here);
        Ok(())
    }

    /// Finds those of the new and changed files that are known files in another place, or touched and the same; they
    /// keep their identity and are not probed. `remembered` is left without those that moved away.
    fn find_moves(
        &mut self,
        remembered: &mut BTreeMap<String, Remembered>,
        seen: &BTreeSet<String>,
        tasks: &mut [Task],
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        let arriving: BTreeSet<u64> = tasks.iter().filter(|t| !t.as_before).map(|t| t.file.size).collect();
        let changed: BTreeSet<&str> =
            tasks.iter().filter(|t| t.known && !t.as_before).map(|t| t.file.path.as_str()).collect();
        let roots = self.catalog.folder_roots()?;
        // On a drive that is not mounted files are not gone, and what looks like them elsewhere is a copy.
        let is_mounted = |k: &Remembered| {
            roots.iter().find(|(id, ..)| *id == k.source_id).is_none_or(|(_, root, _)| root.exists())
        };
        let is_gone =
            |k: &Remembered| !seen.contains(&k.path) && !Path::new(&k.path).exists() && is_mounted(k);
        let displaced: Vec<&Remembered> = remembered
            .values()
            .filter(|k| k.content_mark.is_some() && arriving.contains(&k.size))
            .filter(|k| changed.contains(k.path.as_str()) || is_gone(k))
            .collect();
        let sizes: BTreeSet<u64> = displaced.iter().map(|k| k.size).collect();
        // A file that cannot be read now is told by the prober.
        let marks: Vec<(usize, String)> = tasks
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.as_before && sizes.contains(&t.file.size))
            .filter_map(|(at, t)| Some((at, content_mark(Path::new(&t.file.path)).ok()?)))
            .collect();
        let arrivals: Vec<Arrival<'_>> =
            marks.iter().map(|(at, mark)| Arrival { path: &tasks[*at].file.path, mark }).collect();
        let matched: Vec<Option<Remembered>> =
            match_moves(displaced, &arrivals).into_iter().map(Option::<&Remembered>::cloned).collect();
        let mut moves = Vec::new();
        let mut left = BTreeSet::new();
        for ((at, _), known) in marks.iter().zip(matched) {
            let Some(known) = known else { continue };
            let task = &mut tasks[*at];
            task.known = true;
            task.as_before = known.has_facts;
            if known.path != task.file.path {
                moves.push(Move {
                    asset_pk: known.asset_pk,
                    to: task.file.path.clone(),
                    size: task.file.size,
                    mtime_ns: task.file.mtime_ns,
                });
                left.insert(known.path);
            }
        }
        self.catalog.record_moves(&moves)?;
        report.moved += moves.len();
        let arrived: BTreeSet<&str> = moves.iter().map(|m| m.to.as_str()).collect();
        for task in tasks.iter_mut() {
            // Its place is taken by another file, whose own was taken over.
            if left.contains(&task.file.path) && !arrived.contains(task.file.path.as_str()) {
                task.known = false;
            }
        }
        remembered.retain(|path, _| !left.contains(path));
        Ok(())
    }

    fn look_into(
        &mut self,
        source_id: i64,
        tasks: Vec<Task>,
        pictures: &Pictures,
        progress: &mut dyn Progress,
        report: &mut IngestReport,
    ) -> Result<(), IngestError> {
        progress.begin(tasks.len() as u64);
        let mut batch = Vec::with_capacity(BATCH);
        let command = &self.command;
        let catalog = &mut *self.catalog;
        let outcome = in_order(
            &tasks,
            self.workers,
            || Prober::new(command.clone()),
            |prober, task| look(prober, task, pictures).map_err(IngestError::from),
            |task, looked| {
                let path = PathBuf::from(&task.file.path);
                progress.next(&path);
                let (sighting, warnings) = looked;
                report.warnings.extend(warnings);
                let Some(sighting) = sighting else {
                    let reason = "it is being written; it is taken when that is over".to_owned();
                    report.warnings.push(BadFile { path, reason });
                    return Ok(());
                };
                match &sighting.outcome {
                    Outcome::Unplayable(reason) => report.bad.push(BadFile { path, reason: reason.clone() }),
                    _ if task.known => report.updated += 1,
                    _ => report.added += 1,
                }
                batch.push(sighting);
                if batch.len() == BATCH {
                    catalog.record_sightings(source_id, &batch)?;
                    batch.clear();
                }
                Ok(())
            },
        );
        // Also what came before an error.
        self.catalog.record_sightings(source_id, &batch)?;
        outcome
    }

    /// Files that an earlier version recorded have no mark of their content yet.
    fn mark_contents(&mut self, paths: &[String], progress: &mut dyn Progress) -> Result<(), IngestError> {
        progress.begin(paths.len() as u64);
        for batch in paths.chunks(BATCH) {
            let mut marks = Vec::with_capacity(batch.len());
            for path in batch {
                progress.next(Path::new(path));
                if let Ok(mark) = content_mark(Path::new(path)) {
                    marks.push((path.clone(), mark));
                }
            }
            self.catalog.record_content_marks(&marks)?;
        }
        Ok(())
    }

    fn sources_of_other_kinds(&self, source_id: i64) -> Result<BTreeSet<i64>, IngestError> {
        let sources = self.catalog.sources()?;
        let own = sources.iter().find(|s| s.id == source_id).map(|s| s.importer == ImporterKind::Files);
        let others = sources.iter().filter(|s| Some(s.importer == ImporterKind::Files) != own);
        Ok(others.map(|s| s.id).collect())
    }

    /// A folder inside a known source is scanned as part of it, so that its collections keep their names
    /// and its files their type.
    fn folder_importer(
        &mut self,
        source: &IngestSource,
        top: &Path,
    ) -> Result<(i64, FolderImporter), IngestError> {
        let top = top.to_owned();
        let known = self.catalog.folder_roots()?.into_iter();
        let above = known.filter(|(_, root, _)| top.starts_with(root) && *root != top);
        if let Some((id, root, fixed)) = above.min_by_key(|(_, root, _)| root.as_os_str().len()) {
            return Ok((id, FolderImporter { root, top, asset_type: source.asset_type.or(fixed) }));
        }
        let root = match top.parent() {
            Some(parent) if top.is_file() => parent.to_owned(),
            _ => top.clone(),
        };
        let text = root.to_string_lossy();
        let source_id = self.catalog.register_folder(&text, source.name.as_deref(), source.asset_type)?;
        Ok((source_id, FolderImporter { root, top, asset_type: source.asset_type }))
    }
}

/// Whether names, sidecars and pictures say what they said.
fn is_told_the_same(known: &Remembered, file: &ListedFile, pictures: &Pictures) -> bool {
    let picture = pictures.choose(known.artwork_named.as_deref(), file.artwork.as_ref());
    known.description_mark == file.description_mark && known.artwork_mark == picture.map(|p| p.mark)
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
        assert_eq!(catalog.sources().unwrap().len(), 1);
    }

    #[test]
    fn moved_renamed_and_touched_files_keep_identity_and_are_not_probed() {
        let dir = library(&["Show/S01E01.mp4", "Show/S01E02.mp4", "Show/S01E03.mp4", "Show/old.mp4"]);
        let media = dir.path().join("media");
        for (name, length) in [("S01E01", 100), ("S01E02", 200), ("S01E03", 300), ("old", 400)] {
            std::fs::write(media.join(format!("Show/{name}.mp4")), vec![b'x'; length]).unwrap();
        }
        let mut catalog = Catalog::open(dir.path()).unwrap();
        scan(&mut catalog, &media);
        let before = catalog.assets().unwrap();
        // Every episode moves up by one, another file takes the first's place, one goes to a new folder.
        let rename = |from: &str, to: &str| std::fs::rename(media.join(from), media.join(to)).unwrap();
        for n in [3, 2, 1] {
            rename(&format!("Show/S01E0{n}.mp4"), &format!("Show/S01E0{}.mp4", n + 1));
        }
        std::fs::write(media.join("Show/S01E01.mp4"), "content of a pilot").unwrap();
        std::fs::create_dir(media.join("Other")).unwrap();
        rename("Show/old.mp4", "Other/new.mp4");
        let (report, probed) = scan(&mut catalog, &media);
        assert_eq!((report.moved, report.added, report.missing, probed), (4, 1, 0, 5), "{report:?}");
        let id_at = |path: &str| catalog.asset(media.join(path).to_str().unwrap()).unwrap();
        for n in [1, 2, 3] {
            let asset = id_at(&format!("Show/S01E0{}.mp4", n + 1));
            assert_eq!((asset.id, asset.episode), (format!("asset.show.s01e0{n}"), Some(n + 1)));
        }
        assert_eq!(
            (id_at("Other/new.mp4").id.as_str(), id_at("Other/new.mp4").collection.as_str()),
            ("asset.show.old", "col.other")
        );
        assert_eq!(id_at("Show/S01E01.mp4").id, "asset.show.s01e01_2");
        assert_eq!(catalog.assets().unwrap().len(), before.len() + 1);
        assert_eq!(catalog.check().unwrap(), Vec::<String>::new());
        // A copy is another asset.
        std::fs::copy(media.join("Other/new.mp4"), media.join("Other/copy.mp4")).unwrap();
        let (report, _) = scan(&mut catalog, &media);
        assert_eq!((report.moved, report.added, report.unchanged), (0, 1, 5));
    }

    #[test]
    fn a_drive_that_is_away_is_not_searched_for_elsewhere_and_comes_back_unprobed() {
        let dir = library(&["disk/a.mp4", "other/b.mp4"]);
        let media = dir.path().join("media");
        std::fs::write(media.join("disk/a.mp4"), "content of a").unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        scan(&mut catalog, &media.join("disk"));
        scan(&mut catalog, &media.join("other"));
        std::fs::copy(media.join("disk/a.mp4"), media.join("other/a.mp4")).unwrap();
        std::fs::rename(media.join("disk"), dir.path().join("away")).unwrap();
        let (report, _) = scan(&mut catalog, &media.join("other"));
        assert_eq!((report.added, report.moved), (1, 0));
        // The mount point is there, and empty.
        std::fs::create_dir(media.join("disk")).unwrap();
        let (report, _) = scan(&mut catalog, &media.join("disk"));
        assert_eq!(report.missing, 1);
        std::fs::remove_dir(media.join("disk")).unwrap();
        std::fs::rename(dir.path().join("away"), media.join("disk")).unwrap();
        let no_prober = ProberCommand::new("/no/such/prober".into(), ["probe"]);
        let source = IngestSource { path: media.join("disk"), name: None, asset_type: None };
        let report = Ingest::new(&mut catalog, no_prober).run(&[source], &mut Count(0)).unwrap();
        assert_eq!((report.updated, report.missing), (1, 0));
        assert_eq!(catalog.asset("asset.disk.a").unwrap().health, Health::Ok);
    }

    #[test]
    fn sidecars_tell_more_than_names_and_are_read_again_when_they_change() {
        let dir = library(&["Show/Season 1/S01E02 - x.mp4", "Pictures/alien.mp4", "Pictures/junk.mp4"]);
        let media = dir.path().join("media");
        let write = |name: &str, text: &str| std::fs::write(media.join(name), text).unwrap();
        write(
            "Show/tvshow.nfo",
            "<tvshow><title>The Show</title><genre>Western</genre><mpaa>TV-PG</mpaa></tvshow>",
        );
        write(
            "Show/Season 1/S01E02 - x.nfo",
            "<episodedetails><title>Pie</title><year>1989</year></episodedetails>",
        );
        write(
            "Pictures/alien.nfo",
            "<movie><title>Alien</title><year>1979</year><genre>Horror</genre><plot>A call.</plot></movie>",
        );
        write("Pictures/junk.nfo", "see the web page");
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let (report, _) = scan(&mut catalog, &media);
        assert_eq!((report.added, report.warnings.len()), (3, 1), "{report:?}");
        assert!(report.warnings[0].path.ends_with("junk.nfo"));
        let pie = catalog.asset("asset.show.season_1.s01e02_x").unwrap();
        assert_eq!(
            (pie.title.as_str(), pie.series.as_deref(), pie.season),
            ("Pie", Some("The Show"), Some(1))
        );
        assert_eq!(
            (pie.year, pie.rating.as_deref(), pie.genres.as_slice()),
            (Some(1989), Some("TV-PG"), &["Western".to_owned()][..])
        );
        let alien = catalog.asset("asset.pictures.alien").unwrap();
        assert_eq!((alien.asset_type, alien.year, alien.genres.len()), (AssetType::Movie, Some(1979), 1));
        assert_eq!((alien.plot.as_deref(), pie.plot), (Some("A call."), None));
        let (report, _) = scan(&mut catalog, &media);
        assert_eq!((report.unchanged, report.updated, report.warnings.len()), (3, 0, 0));

        write("Show/tvshow.nfo", "<tvshow><title>The Show</title><genre>Comedy</genre></tvshow>");
        let no_prober = ProberCommand::new("/no/such/prober".into(), ["probe"]);
        // A part of the source finds the series' sidecar above it.
        let part = IngestSource { path: media.join("Show/Season 1"), name: None, asset_type: None };
        let report = Ingest::new(&mut catalog, no_prober).run(&[part], &mut Count(0)).unwrap();
        assert_eq!((report.updated, report.unchanged), (1, 0));
        assert_eq!(catalog.asset("asset.show.season_1.s01e02_x").unwrap().genres, ["Comedy"]);
    }

    #[test]
    fn files_that_are_being_written_are_left_for_later() {
        let dir = library(&["Show/a.mp4", "Show/growing.mp4"]);
        let media = dir.path().join("media");
        let grows = r#"while IFS= read -r p; do case "$p" in *growing*) echo more >> "$p";; esac
            printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000}}\n' "$p"; done"#;
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let source = IngestSource { path: media.clone(), name: None, asset_type: None };
        let command = ProberCommand::new("/bin/bash".into(), ["-c", grows]);
        let report =
            Ingest::new(&mut catalog, command).run(std::slice::from_ref(&source), &mut Count(0)).unwrap();
        assert_eq!((report.added, report.warnings.len(), report.bad.len()), (1, 1, 0), "{report:?}");
        assert_eq!(catalog.assets().unwrap().len(), 1);
        let (report, _) = scan(&mut catalog, &media);
        assert_eq!((report.added, report.unchanged), (1, 1));
        // One that is known and being written anew stays as it is recorded.
        std::fs::write(media.join("Show/a.mp4"), "a longer one").unwrap();
        let before = catalog.assets().unwrap();
        let unsettled = BTreeSet::from([std::fs::canonicalize(media.join("Show/a.mp4")).unwrap()]);
        let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
        let report =
            Ingest::new(&mut catalog, command).leaving_out(unsettled).run(&[source], &mut Count(0)).unwrap();
        assert_eq!((report.updated, report.missing), (0, 0));
        assert_eq!(catalog.assets().unwrap(), before);
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
