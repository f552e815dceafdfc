//! Watching folders: a scan whenever something in them has changed and come to rest.
//!
//! What has come to rest is decided by [`Settling`], which is pure; [`FolderWatch`] waits, and [`watch`] scans. A scan of
//! everything now and then finds what the system did not tell: changes on other machines' drives, and events that were
//! lost.

use super::prober::ProberCommand;
use super::scan::{Ingest, IngestError, IngestReport, IngestSource, Progress};
use super::walk::changed_ns;
use crate::catalog::Catalog;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How watching goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchTimes {
    /// A file that did not change for so long is taken: longer than the pauses of a copy over a network.
    pub quiet: Duration,
    /// Everything is scanned that often, whatever was told.
    pub rescan: Duration,
}

impl Default for WatchTimes {
    fn default() -> WatchTimes {
        WatchTimes { quiet: Duration::from_secs(5), rescan: Duration::from_secs(15 * 60) }
    }
}

/// Most events that wait to be looked at; where there are more, everything is scanned.
const MOST_EVENTS: usize = 4096;

/// Most paths that are followed one by one; where there are more, the rest waits for the next scan.
const MOST_PATHS: usize = 10_000;

/// Size and time of last change of a file; absent where there is none.
type Stamp = Option<(u64, i64)>;

/// Tells when what changed has come to rest. Instants are milliseconds of a clock that does not go back.
///
/// **Contract: [`touched`](Settling::touched) for every event, then [`settled`](Settling::settled) at the latest when
/// [`due_ms`](Settling::due_ms) says.**
#[derive(Debug)]
struct Settling {
    quiet_ms: u64,
    paths: BTreeMap<PathBuf, (u64, Stamp)>,
}

impl Settling {
    fn new(quiet_ms: u64) -> Settling {
        Settling { quiet_ms, paths: BTreeMap::new() }
    }

    /// Something happened to a path.
    fn touched(&mut self, path: PathBuf, stamp: Stamp, now_ms: u64) {
        if self.paths.len() < MOST_PATHS || self.paths.contains_key(&path) {
            self.paths.insert(path, (now_ms, stamp));
        }
    }

    /// When something may have come to rest.
    fn due_ms(&self) -> Option<u64> {
        self.paths.values().map(|(since, _)| since + self.quiet_ms).min()
    }

    /// What has come to rest.
    fn settled(&mut self, now_ms: u64, stamp_of: impl Fn(&Path) -> Stamp) -> Vec<PathBuf> {
        let mut rested = Vec::new();
        let quiet_ms = self.quiet_ms;
        self.paths.retain(|path, (since, stamp)| {
            if *since + quiet_ms > now_ms {
                return true;
            }
            // On some drives a file grows without a word.
            let now = stamp_of(path);
            if now != *stamp {
                (*since, *stamp) = (now_ms, now);
                return true;
            }
            rested.push(path.clone());
            false
        });
        rested
    }

    /// What has not, which a scan is to leave out.
    fn unsettled(&self) -> BTreeSet<PathBuf> {
        self.paths.keys().cloned().collect()
    }
}

fn stamp_of(path: &Path) -> Stamp {
    std::fs::metadata(path).ok().map(|m| (m.len(), changed_ns(&m)))
}

/// What there is to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rested {
    /// What has changed and come to rest.
    pub paths: Vec<PathBuf>,
    /// What is changing still.
    pub unsettled: BTreeSet<PathBuf>,
    /// Whether everything is to be looked at: it is time to, or events were lost.
    pub everything: bool,
}

/// Folders that are watched.
#[derive(Debug)]
pub struct FolderWatch {
    watcher: RecommendedWatcher,
    told: Receiver<Told>,
    stop: Sender<Told>,
    stopped: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
    settling: Settling,
    began: Instant,
    rescan_ms: u64,
    next_round_ms: u64,
}

#[derive(Debug)]
enum Told {
    Event(notify::Event),
    Stop,
}

/// Ends a [`FolderWatch`] from another thread.
#[derive(Debug, Clone)]
pub struct WatchStop(Sender<Told>, Arc<AtomicBool>);

impl WatchStop {
    /// Whoever waits is told so before anything else.
    pub fn stop(&self) {
        self.1.store(true, Ordering::Relaxed);
        // One that is full of events is awake already.
        let _ = self.0.try_send(Told::Stop);
    }
}

impl FolderWatch {
    /// A watch of nothing yet.
    ///
    /// # Errors
    /// The system tells of no changes.
    pub fn new(times: WatchTimes) -> Result<FolderWatch, IngestError> {
        let (stop, told) = bounded::<Told>(MOST_EVENTS);
        let lost = Arc::new(AtomicBool::new(false));
        let (send, losing) = (stop.clone(), Arc::clone(&lost));
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let missed = match event {
                Ok(event) if event.need_rescan() => true,
                // Looking at a file, as the prober does, is no change.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                Ok(event) => send.try_send(Told::Event(event)).is_err(),
                Err(_) => true,
            };
            if missed {
                losing.store(true, Ordering::Relaxed);
            }
        })
        .map_err(|e| unwatchable(Path::new("folders"), &e))?;
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Ok(FolderWatch {
            watcher,
            told,
            stop,
            stopped: Arc::default(),
            lost,
            settling: Settling::new(ms(times.quiet)),
            began: Instant::now(),
            rescan_ms: ms(times.rescan),
            next_round_ms: ms(times.rescan),
        })
    }

    /// Watches a folder, or a file, from now on: the system's own path, for that is how it tells of it. One that is
    /// watched already is looked through for what was mounted in it.
    ///
    /// # Errors
    /// It is not there, or the system's limit is reached.
    pub fn add(&mut self, path: &Path, with_folders_below: bool) -> Result<(), IngestError> {
        let mode = if with_folders_below { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        self.watcher.watch(path, mode).map_err(|e| unwatchable(path, &e))
    }

    /// Something with which [`wait`](FolderWatch::wait) is ended.
    #[must_use]
    pub fn stopper(&self) -> WatchStop {
        WatchStop(self.stop.clone(), Arc::clone(&self.stopped))
    }

    /// A file that was found growing is looked at again; no event may come for it.
    pub fn look_again(&mut self, path: &Path) {
        self.settling.touched(path.to_owned(), stamp_of(path), self.now_ms());
    }

    /// Waits until there is something to look at; nothing when it was stopped.
    pub fn wait(&mut self) -> Option<Rested> {
        loop {
            let due = self.settling.due_ms().unwrap_or(u64::MAX).min(self.next_round_ms);
            let told = self.told.recv_timeout(Duration::from_millis(due.saturating_sub(self.now_ms())));
            if self.stopped.load(Ordering::Relaxed) {
                return None;
            }
            match told {
                Ok(Told::Event(event)) => {
                    for path in event.paths {
                        let stamp = stamp_of(&path);
                        self.settling.touched(path, stamp, self.now_ms());
                    }
                }
                Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.now_ms();
            let paths = self.settling.settled(now, stamp_of);
            let everything = now >= self.next_round_ms || self.lost.swap(false, Ordering::Relaxed);
            if everything {
                self.next_round_ms = now.saturating_add(self.rescan_ms);
            }
            if everything || !paths.is_empty() {
                return Some(Rested { paths, unsettled: self.settling.unsettled(), everything });
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn unwatchable(path: &Path, error: &notify::Error) -> IngestError {
    IngestError::Unwatchable { path: path.to_owned(), reason: error.to_string() }
}

/// Scans the folders, and again whenever something in them has changed and come to rest. `told` gets every report, and
/// says whether to go on; so it does when nothing was found.
///
/// # Errors
/// The folders cannot be watched; what [`Ingest::run`] cannot do.
pub fn watch(
    catalog: &mut Catalog,
    command: &ProberCommand,
    sources: &[IngestSource],
    times: WatchTimes,
    progress: &mut dyn Progress,
    mut told: impl FnMut(&mut Catalog, IngestReport) -> Result<bool, IngestError>,
) -> Result<(), IngestError> {
    let mut watch = FolderWatch::new(times)?;
    // The system tells paths as they were named to it, and a scan knows them as they really are.
    let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let sources: Vec<IngestSource> =
        sources.iter().map(|s| IngestSource { path: real(&s.path), ..s.clone() }).collect();
    for source in &sources {
        watch.add(&source.path, true)?;
    }
    let (mut leave_out, mut before) = (BTreeSet::new(), Vec::new());
    loop {
        let report = Ingest::new(catalog, command.clone()).leaving_out(leave_out).run(&sources, progress)?;
        // Not for ever: one that cannot be read waits for the next scan of everything.
        for warning in report.warnings.iter().filter(|warning| !before.contains(*warning)) {
            watch.look_again(&warning.path);
        }
        before.clone_from(&report.warnings);
        if !told(catalog, report)? {
            return Ok(());
        }
        let Some(rested) = watch.wait() else { return Ok(()) };
        leave_out = rested.unsettled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Unseen;
    use std::io::Write;

    #[test]
    fn a_file_is_taken_when_it_has_not_changed_for_a_while() {
        let mut settling = Settling::new(5000);
        let (a, b) = (PathBuf::from("/a"), PathBuf::from("/b"));
        assert_eq!((settling.due_ms(), settling.settled(9000, |_| None)), (None, vec![]));
        settling.touched(a.clone(), Some((1, 1)), 0);
        settling.touched(b.clone(), Some((1, 1)), 3000);
        assert_eq!(settling.due_ms(), Some(5000));
        // It grew without an event.
        assert!(settling.settled(5000, |_| Some((2, 2))).is_empty());
        assert_eq!(settling.due_ms(), Some(8000));
        settling.touched(b.clone(), Some((5, 5)), 7000);
        assert_eq!(settling.due_ms(), Some(10_000));
        assert_eq!(settling.settled(10_000, |_| Some((2, 2))), [a]);
        assert_eq!(settling.unsettled(), BTreeSet::from([b.clone()]));
        // One that went has come to rest too.
        assert!(settling.settled(12_000, |_| None).is_empty());
        assert_eq!((settling.settled(17_000, |_| None), settling.unsettled().len()), (vec![b], 0));
    }

    #[test]
    fn what_is_copied_in_is_taken_once_and_whole_and_what_is_renamed_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let media = dir.path().join("media");
        std::fs::create_dir(&media).unwrap();
        let peer = r#"while IFS= read -r p; do
            printf '{"path":"%s","ok":{"container":"%s","duration_ms":1000}}\n' "$p" "$(stat -c %s "$p")"; done"#;
        let command = ProberCommand::new("/bin/bash".into(), ["-c", peer]);
        let source = IngestSource { path: media.clone(), name: None, asset_type: None };
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let times = WatchTimes { quiet: Duration::from_millis(150), rescan: Duration::from_secs(600) };
        let mut reports = 0;
        let mut renamed = false;
        watch(&mut catalog, &command, &[source], times, &mut Unseen, |catalog, report| {
            reports += 1;
            assert!(reports < 50, "it is never there: {report:?}");
            if reports == 1 {
                let mut file = std::fs::File::create(media.join("a.mp4")).unwrap();
                for _ in 0..64 {
                    file.write_all(&[7; 1000]).unwrap();
                }
            } else if report.added > 0 {
                let asset = catalog.asset("asset.media.a").unwrap();
                assert_eq!(asset.facts.unwrap().container, "64000", "it was taken before it was whole");
                std::fs::create_dir(media.join("Show")).unwrap();
                std::fs::rename(media.join("a.mp4"), media.join("Show/b.mp4")).unwrap();
                renamed = true;
            } else if renamed && report.moved > 0 {
                return Ok(false);
            }
            Ok(true)
        })
        .unwrap();
        assert!(catalog.asset("asset.media.a").unwrap().path.ends_with("Show/b.mp4"));
    }
}
