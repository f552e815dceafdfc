//! Writing the history of what airs into the catalog, whatever the disk does.
//!
//! Entries wait in memory until a transaction has taken them. A database that is locked, full, read-only or gone is
//! tried again; meanwhile entries are kept up to [`MOST_WAITING`], and what comes then is lost and counted. An entry
//! that the catalog refuses for itself (of a channel it does not know) is lost alone. Nothing here waits between two
//! tries or reads a clock: that is [`super::recorder`]'s.

use crate::catalog::{Catalog, CatalogError, HistoryEntry};
use retrovue_timebase::UtcMs;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Entries kept in memory while the database cannot be written: three for each block, so a day and a half of 64
/// channels with blocks of half an hour, in some 30 MB.
const MOST_WAITING: usize = 16_384;
/// Entries of one transaction: it holds the write lock, which the command line may be waiting for.
const BATCH: usize = 256;
/// How long a write waits for another process to be done.
const PATIENCE: Duration = Duration::from_secs(2);

/// What has become of entries so far.
#[derive(Debug, Default)]
pub(crate) struct RecorderFigures {
    /// Recorded.
    pub(crate) recorded: AtomicU64,
    /// Waiting in memory.
    pub(crate) waiting: AtomicU64,
    /// Lost, for want of room or refused.
    pub(crate) lost: AtomicU64,
    /// The database could not be written when last tried.
    pub(crate) failing: AtomicBool,
}

/// Entries on their way into one catalog.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    catalog: Option<Catalog>,
    waiting: VecDeque<HistoryEntry>,
    /// What a station that died left on the air has been closed.
    tidied: bool,
    patience: Duration,
    figures: Arc<RecorderFigures>,
}

impl Journal {
    pub(crate) fn new(path: PathBuf, figures: Arc<RecorderFigures>) -> Journal {
        Journal { path, catalog: None, waiting: VecDeque::new(), tidied: false, patience: PATIENCE, figures }
    }

    /// Takes an entry; loses it when too many wait.
    pub(crate) fn push(&mut self, entry: HistoryEntry) {
        if self.waiting.len() >= MOST_WAITING {
            self.figures.lost.fetch_add(1, Relaxed);
            return;
        }
        self.waiting.push_back(entry);
        self.figures.waiting.store(self.waiting.len() as u64, Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes all that waits. False when the database cannot be written now; then everything unwritten still waits.
    pub(crate) fn write(&mut self, now: UtcMs) -> bool {
        self.with_catalog(|_, _| Ok(())) && self.write_waiting(now)
    }

    fn write_waiting(&mut self, now: UtcMs) -> bool {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH);
            let batch: Vec<HistoryEntry> = self.waiting.drain(..count).collect();
            let mut left = 0;
            let written = self.with_catalog(|catalog, figures| match catalog.record_history(&batch, now) {
                Err(error) if error.is_of_a_row() => {
                    for entry in &batch {
                        match catalog.record_history(std::slice::from_ref(entry), now) {
                            Err(error) if error.is_of_a_row() => {
                                tracing::error!(%error, ?entry, "an entry of the as-run log is refused");
                                figures.lost.fetch_add(1, Relaxed);
                            }
                            Err(error) => return Err(error),
                            Ok(()) => {
                                figures.recorded.fetch_add(1, Relaxed);
                            }
                        }
                        left += 1;
                    }
                    Ok(())
                }
                Err(error) => Err(error),
                Ok(()) => {
                    figures.recorded.fetch_add(count as u64, Relaxed);
                    left = count;
                    Ok(())
                }
            });
            for entry in batch.into_iter().skip(left).rev() {
                self.waiting.push_front(entry);
            }
            self.figures.waiting.store(self.waiting.len() as u64, Relaxed);
            if !written {
                return false;
            }
        }
        true
    }

    /// Does something with the catalog, opened if need be and with what a dead station left on the air closed. False
    /// when that fails, which is logged once until it succeeds.
    pub(crate) fn with_catalog(
        &mut self,
        work: impl FnOnce(&mut Catalog, &RecorderFigures) -> Result<(), CatalogError>,
    ) -> bool {
        let outcome = self.opened().and_then(|()| match &mut self.catalog {
            Some(catalog) => work(catalog, &self.figures),
            None => Ok(()),
        });
        match outcome {
            Ok(()) => {
                if self.figures.failing.swap(false, Relaxed) {
                    tracing::info!("the as-run log is being recorded again");
                }
                true
            }
            Err(error) => {
                // The next try opens it anew: the file may have been put back in the meantime.
                self.catalog = None;
                if !self.figures.failing.swap(true, Relaxed) {
                    tracing::error!(
                        "cannot record what airs: {error}; it is kept in memory and tried again, up to {MOST_WAITING} entries"
                    );
                }
                false
            }
        }
    }

    fn opened(&mut self) -> Result<(), CatalogError> {
        if self.catalog.is_none() {
            let catalog = Catalog::open_file(&self.path)?;
            catalog.set_patience(self.patience)?;
            self.catalog = Some(catalog);
        }
        if let Some(catalog) = self.catalog.as_mut().filter(|_| !self.tidied) {
            let left = catalog.close_left_on_air()?;
            self.tidied = true;
            if left > 0 {
                tracing::warn!(blocks = left, "the last run of the station ended in the middle of blocks");
            }
        }
        Ok(())
    }

    /// The connection, for tests that limit it.
    #[cfg(test)]
    pub(super) fn catalog(&mut self) -> &mut Catalog {
        self.opened().expect("the catalog opens");
        self.catalog.as_mut().expect("it is open")
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
