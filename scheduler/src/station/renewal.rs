//! Keeps a running station's library and programming current.
//!
//! A thread of its own that sleeps until the system tells of a change, or a quarter of an hour is over: then it scans what
//! is to be scanned, asks the servers, reads station and channel files, and brings new programming to the
//! [`Changeover`] where any of that differs from before. What airs when is decided there; nothing here reaches a session.
//!
//! **Invariant: whatever is wrong with a file, a folder, a server or the catalog, every channel keeps the last sound
//! version it had, and what is wrong is logged once.**

use crate::air::asset_folders::{AssetFolders, asset_folders};
use crate::air::changeover::{Changeover, Taken};
use crate::air::schedule::Schedule;
use crate::catalog::{Catalog, CatalogError};
use crate::config::StationConfig;
use crate::ingest::{
    FolderWatch, Ingest, IngestReport, IngestSource, ProberCommand, Rested, Unseen, WatchStop, mark_absent,
    scan_servers,
};
use crate::plan::{Opened, Programming, black_path};
use retrovue_timebase::UtcMs;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

/// What renewing works with.
#[derive(Debug)]
pub(crate) struct RenewalParts {
    /// The station as it was started.
    pub(crate) config: StationConfig,
    /// A connection of its own.
    pub(crate) catalog: Catalog,
    /// What probes new files.
    pub(crate) prober: ProberCommand,
    /// A watch that was begun before the first scan.
    pub(crate) watch: FolderWatch,
    /// What sessions may read.
    pub(crate) asset_folders: AssetFolders,
    /// The wall clock.
    pub(crate) clock: fn() -> UtcMs,
}

/// The running thread. It ends when this is dropped, after the scan it is in.
#[derive(Debug)]
pub(crate) struct Renewal(WatchStop);

impl Renewal {
    /// Starts the thread. It holds the schedule only while it changes it.
    ///
    /// # Errors
    /// No thread can be had.
    pub(crate) fn start(parts: RenewalParts, schedule: &Arc<Changeover>) -> io::Result<Renewal> {
        let stop = parts.watch.stopper();
        let mut keeper = Keeper::new(parts, schedule);
        let run = move || {
            while let Some(rested) = keeper.parts.watch.wait() {
                if !keeper.round(&rested) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("renewal".to_owned()).spawn(run)?;
        Ok(Renewal(stop))
    }
}

impl Drop for Renewal {
    /// It is not waited for: a scan may take minutes, and one that is cut short goes on at the next start.
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Watches what a station's programming is made of: its media, its own file, its channels' and what those include.
/// What cannot be watched is looked at with everything else, every quarter of an hour.
pub(crate) fn watch_station(
    watch: &mut FolderWatch,
    config: &StationConfig,
    files: &BTreeSet<PathBuf>,
) -> Vec<String> {
    let media: Vec<PathBuf> = config.sources().iter().map(|source| real(&source.path)).collect();
    let texts = files.iter().chain(&config.channels).chain([&config.path]);
    let folders: BTreeSet<PathBuf> = texts.filter_map(|path| path.parent()).map(real).collect();
    let beside = folders.into_iter().filter(|folder| !media.iter().any(|root| folder.starts_with(root)));
    let paths = media.iter().map(|root| (root.clone(), true)).chain(beside.map(|folder| (folder, false)));
    let added: Vec<_> = paths.map(|(path, below)| watch.add(&path, below)).collect();
    added.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect()
}

struct Keeper {
    parts: RenewalParts,
    schedule: Weak<Changeover>,
    /// The text files and the catalog as they were when the programming was made; not known of the first, which was made
    /// elsewhere.
    mark: Option<u64>,
    /// A channel could not follow yet.
    put_off: bool,
    said: BTreeMap<String, String>,
}

impl Keeper {
    fn new(parts: RenewalParts, schedule: &Arc<Changeover>) -> Keeper {
        Keeper {
            parts,
            schedule: Arc::downgrade(schedule),
            mark: None,
            put_off: false,
            said: BTreeMap::new(),
        }
    }

    /// Looks at what changed; false when the station has gone.
    fn round(&mut self, rested: &Rested) -> bool {
        let Some(schedule) = self.schedule.upgrade() else { return false };
        let files = schedule.files();
        drop(schedule);
        let known = self.parts.config.sources();
        let roots: Vec<PathBuf> = known.iter().map(|source| real(&source.path)).collect();
        // The station's own database is written all the time.
        let data_dir = real(&self.parts.config.data_dir);
        let is_media = |path: &&PathBuf| !path.starts_with(&data_dir) && is_below(path, &roots);
        let is_text = |path: &PathBuf| {
            let named = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            named || files.contains(path) || self.parts.config.channels.contains(path)
        };
        let media: Vec<PathBuf> = rested.paths.iter().filter(is_media).cloned().collect();
        if !rested.everything && media.is_empty() && !rested.paths.iter().any(is_text) {
            return true;
        }
        let channels = self.parts.config.channels.clone();
        self.parts.config = self.read_station();
        let sources = self.parts.config.sources();
        let all = rested.everything || known != sources;
        if all || channels != self.parts.config.channels {
            let failed = watch_station(&mut self.parts.watch, &self.parts.config, &files);
            self.say("watching", (!failed.is_empty()).then(|| failed.join("; ")));
        }
        let touched = |source: &IngestSource| media.iter().any(|path| is_below(path, &[real(&source.path)]));
        let sources: Vec<_> = sources.into_iter().filter(|source| all || touched(source)).collect();
        self.scan(&sources, rested);
        let Some(schedule) = self.schedule.upgrade() else { return false };
        let outcome = self.renew(&schedule);
        self.say("new programming", outcome.err().map(|error| error.to_string()));
        true
    }

    /// The station file as it is now, with what a running station cannot change.
    fn read_station(&mut self) -> StationConfig {
        let old = self.parts.config.clone();
        match StationConfig::read(&old.path) {
            Err(report) => {
                let text = format!("the station goes on with what its file said before; {report}");
                self.say("the station file", Some(text));
                old
            }
            Ok(new) => {
                self.say("the station file", None);
                let same = (&new.name, &new.format, &new.guide, new.linger)
                    == (&old.name, &old.format, &old.guide, old.linger);
                let note = "station, format, cues, guide and linger_seconds are taken up at the next start";
                self.say("the station's own settings", (!same).then(|| note.to_owned()));
                StationConfig {
                    name: old.name,
                    port: old.port,
                    data_dir: old.data_dir,
                    format: old.format,
                    guide: old.guide,
                    linger: old.linger,
                    ..new
                }
            }
        }
    }

    fn scan(&mut self, sources: &[IngestSource], rested: &Rested) {
        let mut report = IngestReport::default();
        for source in sources {
            let left_out = rested.unsettled.clone();
            let scan = Ingest::new(&mut self.parts.catalog, self.parts.prober.clone()).leaving_out(left_out);
            let outcome = scan.one_by_one().run(std::slice::from_ref(source), &mut Unseen);
            let error = outcome.map(|more| report.add(more)).err().map(|error| error.to_string());
            self.say(&format!("scanning {}", source.path.display()), error);
        }
        if rested.everything {
            let outcome = scan_servers(&mut self.parts.catalog, &self.parts.prober, &mut Unseen);
            let error = outcome.map(|more| report.add(more)).err().map(|error| error.to_string());
            self.say("the servers", error);
        }
        for warning in &report.warnings {
            // Once: a folder that cannot be read would have everything scanned for ever.
            if self.say(&subject(&warning.path), Some(format!("passed over: {}", warning.reason))) {
                self.parts.watch.look_again(&warning.path);
            }
        }
        let (added, changed, moved, gone) = (report.added, report.updated, report.moved, report.missing);
        if added + changed + moved + gone > 0 {
            tracing::info!(added, changed, moved, gone, "the media have changed");
        }
        let absent = mark_absent(&mut self.parts.catalog);
        for folder in absent.iter().flatten().filter(|folder| folder.assets > 0) {
            let (root, assets) = (folder.root.display(), folder.assets);
            tracing::warn!(%root, assets, "a media folder is not there; its assets are missing");
        }
        self.say("the catalog", absent.err().map(|error| error.to_string()));
    }

    /// Makes new programming where something differs from what the present one was made of.
    fn renew(&mut self, schedule: &Changeover) -> Result<(), crate::plan::OpenError> {
        let mark = self.mark(&self.parts.config, schedule)?;
        if self.mark == Some(mark) && !self.put_off {
            return Ok(());
        }
        let earlier = schedule.newest();
        let opened = Programming::open_after(&self.parts.config, &mut self.parts.catalog, Some(&earlier))?;
        let black = black_path(&self.parts.config.data_dir);
        let named = self.parts.config.sources().into_iter().map(|source| source.path).chain([black]);
        self.parts.asset_folders.replace(asset_folders(named, self.parts.catalog.asset_paths()?));
        let taken = schedule.take(&opened.programming, (self.parts.clock)());
        self.mark = Some(mark);
        self.put_off = taken.contains(&Taken::PutOff);
        self.tell(schedule, &opened, &taken);
        Ok(())
    }

    fn tell(&mut self, schedule: &Changeover, opened: &Opened, taken: &[Taken]) {
        self.say("what is worth knowing", Some(opened.warnings.to_string()).filter(|text| !text.is_empty()));
        let broken: BTreeSet<String> = opened.left_out.iter().map(|left| subject(&left.path)).collect();
        for path in &self.parts.config.channels.clone() {
            if !broken.contains(&subject(path)) {
                self.say(&subject(path), None);
            }
        }
        for left in &opened.left_out {
            let on_dial = schedule.channels().iter().any(|info| {
                left.channel.as_ref() == Some(&info.id) || schedule.files_of(&info.id).contains(&left.path)
            });
            let state = if on_dial { "goes on as it was" } else { "stays left out" };
            self.say(&subject(&left.path), Some(format!("the channel {state}; {}", left.findings)));
        }
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for (info, taken) in schedule.channels().iter().zip(taken) {
            match taken {
                Taken::From(from) => tracing::info!(channel = info.id, %from, "new programming"),
                Taken::PutOff => {
                    tracing::warn!(
                        channel = info.id,
                        "the new programming cannot follow yet; it is tried again"
                    );
                }
                Taken::Kept => {
                    let files: BTreeSet<_> = schedule.files_of(&info.id);
                    if !files.iter().any(|path| broken.contains(&subject(path))) {
                        went.push(info.id.clone());
                    }
                }
            }
        }
        let dial: BTreeSet<&str> = schedule.channels().iter().map(|info| info.id.as_str()).collect();
        came.extend(
            opened.programming.channels().iter().map(|c| &c.id).filter(|id| !dial.contains(id.as_str())),
        );
        let text = format!(
            "channels come and go when the station is started again; new: {came:?}, without a file: {went:?}"
        );
        self.say("the dial", (!came.is_empty() || !went.is_empty()).then_some(text));
    }

    /// Logs what is wrong with something, unless it was said, and whether it did; `None` when nothing is.
    fn say(&mut self, subject: &str, wrong: Option<String>) -> bool {
        let Some(text) = wrong else {
            self.said.remove(subject);
            return false;
        };
        if self.said.get(subject) == Some(&text) {
            return false;
        }
        tracing::warn!("{subject}: {text}");
        if self.said.len() == MOST_SAID {
            self.said.clear();
        }
        self.said.insert(subject.to_owned(), text);
        true
    }

    /// Names, sizes and times of the text files, and everything in the catalog that planning reads.
    fn mark(&self, config: &StationConfig, schedule: &Changeover) -> Result<u64, CatalogError> {
        let mut hasher = DefaultHasher::new();
        let files = schedule.files();
        for path in files.iter().chain(&config.channels).chain([&config.path]) {
            let found = std::fs::metadata(path).ok();
            (path, found.map(|m| (m.ino(), m.len(), m.mtime(), m.mtime_nsec()))).hash(&mut hasher);
        }
        self.parts.catalog.snapshot()?.hash(&mut hasher);
        Ok(hasher.finish())
    }
}

fn is_below(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

fn subject(path: &Path) -> String {
    path.display().to_string()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Most things remembered as said; where there are more they may be said again.
const MOST_SAID: usize = 4096;
