//! The rotation's book in the catalog. Reading is one row by its key; writing is done by a thread of its own, for
//! whoever plans must not wait for a disk.

use super::rotation::{Airing, Opening, RotationBook};
use crate::catalog::{Catalog, CatalogError};
use jiff::civil::Date;
use retrovue_timebase::UtcMs;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

/// Openings that wait to be written: every channel of a large station at once. More are left out: they are worked out
/// again from an earlier one, to the same.
const WAITING: usize = 1024;

/// The openings of one catalog.
#[derive(Debug)]
pub struct CatalogBook {
    catalog: Mutex<Catalog>,
    kept: Option<SyncSender<Kept>>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Kept {
    channel_id: i32,
    date: Date,
    opening: Opening,
}

impl CatalogBook {
    /// A book over a catalog's file.
    ///
    /// # Errors
    /// A catalog that cannot be opened.
    pub fn open(path: &Path) -> Result<CatalogBook, CatalogError> {
        let catalog = Mutex::new(Catalog::open_file(path)?);
        let own = Catalog::open_file(path)?;
        let (kept, receiver) = sync_channel(WAITING);
        let writer =
            std::thread::Builder::new().name("rotation".to_owned()).spawn(move || write(own, &receiver));
        // Without the thread nothing is kept, of which `keep` warns.
        Ok(CatalogBook { catalog, kept: Some(kept), writer: writer.ok() })
    }
}

impl RotationBook for CatalogBook {
    fn latest(&self, channel_id: i32, from: Date, to: Date) -> Option<(Date, Opening)> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let found = catalog.latest_opening(channel_id, &from.to_string(), &to.to_string());
        drop(catalog);
        let (day, text) = found.unwrap_or_else(|error| {
            tracing::warn!(channel_id, %error, "the rotation's opening cannot be read; spots begin anew");
            None
        })?;
        Some((day.parse().ok()?, serde_json::from_str(&text).ok()?))
    }

    fn history(&self, channel_id: i32, before: UtcMs) -> Opening {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let last = catalog.last_plays(channel_id, before).unwrap_or_else(|error| {
            tracing::warn!(channel_id, %error, "the history of plays cannot be read; spots begin anew");
            Default::default()
        });
        Opening { plays: last.into_iter().map(|(asset, at)| (asset, vec![at.0])).collect() }
    }

    fn aired(&self, channel_id: i32, from: UtcMs, until: UtcMs) -> BTreeMap<String, Vec<Airing>> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = catalog.sent_in_breaks(channel_id, from, until).unwrap_or_else(|error| {
            tracing::warn!(channel_id, %error, "what was sent cannot be read; spots may air again too soon");
            Vec::new()
        });
        let mut aired: BTreeMap<String, Vec<Airing>> = BTreeMap::new();
        for (asset, earliest, latest) in sent {
            aired.entry(asset).or_default().push(Airing { earliest, latest });
        }
        aired
    }

    fn keep(&self, channel_id: i32, date: Date, opening: &Opening) {
        let Some(kept) = &self.kept else { return };
        match kept.try_send(Kept { channel_id, date, opening: opening.clone() }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::debug!(channel_id, %date, "an opening is not kept"),
            Err(TrySendError::Disconnected(_)) => tracing::warn!(channel_id, %date, "openings are not kept"),
        }
    }
}

impl Drop for CatalogBook {
    /// What waits is written before the program ends.
    fn drop(&mut self) {
        drop(self.kept.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(mut catalog: Catalog, receiver: &Receiver<Kept>) {
    for Kept { channel_id, date, opening } in receiver {
        let Ok(text) = serde_json::to_string(&opening) else { continue };
        if let Err(error) = catalog.keep_opening(channel_id, &date.to_string(), &text) {
            tracing::warn!(channel_id, %date, %error, "the rotation's opening cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{AsRunOutcome, DATABASE_FILE, OpenRun, PlaylogBlock, PlaylogSegment};
    use jiff::civil::date;
    use retrovue_timebase::{FrameIndex, FrameRate, Millis};

    #[test]
    fn what_was_kept_is_read_by_the_next_program_and_history_is_that_of_plays() {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let channel = catalog.register_channel("one", 1, "One").unwrap().channel_id;
        let opening = |at| Opening { plays: BTreeMap::from([("asset.a".to_owned(), vec![at])]) };
        let path = dir.path().join(DATABASE_FILE);
        let book = CatalogBook::open(&path).unwrap();
        book.keep(channel, date(2026, 3, 1), &opening(1));
        book.keep(channel, date(2026, 3, 1), &opening(2));
        book.keep(channel, date(2026, 3, 4), &opening(4));
        drop(book);
        let book = CatalogBook::open(&path).unwrap();
        let latest = |from: i8, to: i8| book.latest(channel, date(2026, 3, from), date(2026, 3, to));
        assert_eq!(latest(1, 3), Some((date(2026, 3, 1), opening(1))));
        assert_eq!(latest(1, 9), Some((date(2026, 3, 4), opening(4))));
        assert_eq!(latest(5, 9), None);

        assert_eq!(book.history(channel, UtcMs(2_000_000)), Opening::default());
        let block = PlaylogBlock {
            block_id: "b".into(),
            title: "B".into(),
            start_ms: UtcMs(1_000_000),
            end_ms: UtcMs(1_030_000),
            segments: vec![PlaylogSegment {
                kind: None,
                asset_id: Some("asset.a".into()),
                offset_ms: Millis(0),
                duration_ms: Millis(30_000),
            }],
        };
        let run = OpenRun {
            block_id: "b".into(),
            block_ms: UtcMs(1_000_000),
            end_ms: UtcMs(1_030_000),
            joined_ms: UtcMs(1_000_000),
            epoch_ms: UtcMs(1_000_000),
            rate: FrameRate::new(25, 1).unwrap(),
            first: FrameIndex(0),
        };
        let run = run.ended(Some(750), UtcMs(1_030_000), AsRunOutcome::Completed, None);
        catalog.record_playlog(channel, &[block]).unwrap();
        catalog.record_as_run(channel, &run).unwrap();
        assert_eq!(book.history(channel, UtcMs(2_000_000)), opening(1_000_000));
        assert_eq!(book.history(channel, UtcMs(1_000_000)), Opening::default(), "of what was before");
    }
}
