//! The recorder: the thread between what airs and the disk.
//!
//! The director hands entries over a bounded queue and never waits: when it is full, for the disk hangs in the middle
//! of a write, the entry is lost and counted. The thread has its own connection to the catalog. Beside the log it
//! keeps the marks of what is on the air, the revisions of the schedule and the log's age ([`super::keeper`]).

use super::journal::Journal;
pub(crate) use super::journal::RecorderFigures;
use super::keeper::Keeper;
use super::schedule::Schedule;
use crate::catalog::HistoryEntry;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use retrovue_timebase::UtcMs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Entries on their way to the thread: an opening and some for each of 64 sessions, many times over. The thread takes
/// them into its own memory between two writes.
const QUEUE: usize = 2_048;
/// Wait after the first failure; doubled after each, up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// What is on the air is marked this often: so much of a block is in doubt when a station dies.
const MARK_EVERY: Duration = Duration::from_secs(10);

/// The director's end: takes entries, whether or not anybody records them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    line: Option<(Sender<HistoryEntry>, Arc<RecorderFigures>)>,
}

impl Recording {
    /// Hands an entry over without waiting.
    pub(crate) fn tell(&self, entry: HistoryEntry) {
        let Some((sender, figures)) = &self.line else { return };
        let Err(error) = sender.try_send(entry) else { return };
        if figures.lost.fetch_add(1, Relaxed) == 0 {
            let why = match error {
                TrySendError::Full(_) => "does not keep up",
                TrySendError::Disconnected(_) => "has ended",
            };
            tracing::error!("the as-run recorder {why}: an entry is lost");
        }
    }

    /// False where nobody records.
    pub(crate) fn is_on(&self) -> bool {
        self.line.is_some()
    }

    /// What became of the entries; nothing where nobody records.
    pub(crate) fn figures(&self) -> Option<Arc<RecorderFigures>> {
        self.line.as_ref().map(|(_, figures)| Arc::clone(figures))
    }
}

/// The running thread. It ends when every [`Recording`] of it is gone.
#[derive(Debug)]
pub(crate) struct Recorder {
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Starts the thread on the catalog file at `path`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(
        path: PathBuf,
        schedule: Arc<dyn Schedule>,
        clock: fn() -> UtcMs,
    ) -> io::Result<(Recorder, Recording)> {
        let figures = Arc::new(RecorderFigures::default());
        let (sender, entries) = crossbeam_channel::bounded(QUEUE);
        let journal = Journal::new(path, Arc::clone(&figures));
        let keeper = Keeper::new(schedule);
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(&entries, journal, keeper, clock))?;
        Ok((Recorder { thread }, Recording { line: Some((sender, figures)) }))
    }

    /// Waits until everything handed over is written, or cannot be.
    pub(crate) fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("the recorder had panicked");
        }
    }
}

fn record(entries: &Receiver<HistoryEntry>, mut journal: Journal, mut keeper: Keeper, clock: fn() -> UtcMs) {
    let mut retry = FIRST_RETRY;
    let mut again_at = Instant::now();
    let mut mark_at = Instant::now();
    loop {
        let now = Instant::now();
        let well = if now >= again_at {
            let mut well = journal.write(clock());
            if well && now >= mark_at {
                mark_at = now + MARK_EVERY;
                well = journal.with_catalog(|catalog, _| catalog.note_on_air(clock()));
            }
            if well && keeper.is_due(clock()) {
                well = journal.with_catalog(|catalog, _| keeper.step(clock(), catalog));
            }
            again_at = if well { now } else { now + retry };
            retry = if well { FIRST_RETRY } else { (retry * 2).min(LONGEST_RETRY) };
            well
        } else {
            false
        };
        let next = if !well {
            again_at
        } else if keeper.is_due(clock()) {
            now
        } else {
            mark_at
        };
        let first = entries.recv_timeout(next.saturating_duration_since(Instant::now()));
        match first {
            Ok(entry) => journal.push(entry),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        entries.try_iter().take(QUEUE).for_each(|entry| journal.push(entry));
    }
    if !journal.write(clock()) && !journal.is_empty() {
        tracing::error!("the station ends and cannot write the end of its as-run log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::keeper::tests::station;
    use crate::catalog::{Catalog, PlaylogBlock};
    use retrovue_timebase::Millis;

    fn fed(number: i64) -> HistoryEntry {
        let start_ms = UtcMs(number * 1000);
        let block = PlaylogBlock {
            block_id: format!("b{number}"),
            title: "Show".into(),
            start_ms,
            end_ms: start_ms.plus(Millis(1000)),
            segments: vec![],
        };
        HistoryEntry::Fed(1, block)
    }

    #[test]
    fn a_full_queue_costs_the_entry_and_no_time() {
        let (sender, reader) = crossbeam_channel::bounded(1);
        let figures = Arc::new(RecorderFigures::default());
        let recording = Recording { line: Some((sender, Arc::clone(&figures))) };
        (0..3).for_each(|number| recording.tell(fed(number)));
        assert_eq!((reader.try_iter().count(), figures.lost.load(Relaxed)), (1, 2));
        drop(reader);
        recording.tell(fed(4));
        assert_eq!(figures.lost.load(Relaxed), 3);
        let nobody = Recording::default();
        nobody.tell(fed(5));
        assert!(!nobody.is_on() && nobody.figures().is_none());
    }

    #[test]
    fn everything_handed_over_is_written_when_the_station_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let schedule = station(1, &mut catalog, "sequential");
        let clock = || UtcMs(0);
        let (recorder, recording) = Recorder::start(catalog.path().to_owned(), schedule, clock).unwrap();
        (0..500).for_each(|number| recording.tell(fed(number)));
        let figures = recording.figures().unwrap();
        drop(recording);
        recorder.join();
        assert_eq!(catalog.playlog(1, UtcMs(0), UtcMs(i64::MAX)).unwrap().len(), 500);
        assert_eq!((figures.recorded.load(Relaxed), figures.waiting.load(Relaxed)), (500, 0));
    }
}
