//! Databases that cannot be written, real ones: what is told meanwhile is kept, within a bound.

use super::*;
use crate::catalog::PlaylogBlock;
use crate::catalog::{AsRunOutcome, OpenRun};
use retrovue_timebase::{FrameIndex, FrameRate};
use rusqlite::{Connection, TransactionBehavior};

fn journal(dir: &std::path::Path) -> Journal {
    let mut catalog = Catalog::open(dir).unwrap();
    catalog.register_channel("one", 1, "One").unwrap();
    let mut journal = Journal::new(catalog.path().to_owned(), Arc::default());
    journal.patience = Duration::ZERO;
    journal
}

fn open(number: i64) -> OpenRun {
    OpenRun {
        block_id: format!("b{number}"),
        block_ms: UtcMs(number * 1000),
        end_ms: UtcMs(number * 1000 + 1000),
        joined_ms: UtcMs(number * 1000),
        epoch_ms: UtcMs(number * 1000),
        rate: FrameRate::new(25, 1).unwrap(),
        first: FrameIndex(0),
    }
}

fn ended(channel: i32, number: i64) -> HistoryEntry {
    let run = open(number).ended(Some(25), UtcMs(0), AsRunOutcome::Completed, None);
    HistoryEntry::Ended(channel, run)
}

/// Recorded, waiting, lost, failing.
fn figures(journal: &Journal) -> (u64, u64, u64, bool) {
    let f = &journal.figures;
    (f.recorded.load(Relaxed), f.waiting.load(Relaxed), f.lost.load(Relaxed), f.failing.load(Relaxed))
}

fn blocks(dir: &std::path::Path) -> Vec<String> {
    let runs = Catalog::open(dir).unwrap().as_run(1, UtcMs(0), UtcMs(i64::MAX)).unwrap();
    runs.into_iter().map(|run| run.block_id).collect()
}

#[test]
fn a_locked_database_is_waited_for_and_nothing_is_lost_or_out_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    journal.push(ended(1, 1));
    assert!(journal.write(UtcMs(0)));
    let mut other = Connection::open(dir.path().join("catalog.sqlite")).unwrap();
    let work = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    journal.push(ended(1, 2));
    for _ in 0..3 {
        assert!(!journal.write(UtcMs(0)));
    }
    journal.push(ended(1, 3));
    assert_eq!(figures(&journal), (1, 2, 0, true));
    drop(work);
    assert!(journal.write(UtcMs(0)));
    assert_eq!(figures(&journal), (3, 0, 0, false));
    assert_eq!(blocks(dir.path()), ["b1", "b2", "b3"]);
}

#[test]
fn a_full_disk_and_a_read_only_file_are_waited_out() {
    for limit in ["PRAGMA max_page_count = 1", "PRAGMA query_only = ON"] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = journal(dir.path());
        journal.catalog().set_limit(limit);
        // Long enough that the file must grow.
        let mut run = open(1).ended(None, UtcMs(1500), AsRunOutcome::Failed, Some("x".repeat(100_000)));
        run.block_id = "b1".to_owned();
        journal.push(HistoryEntry::Ended(1, run));
        assert!(!journal.write(UtcMs(0)), "{limit}");
        assert_eq!(figures(&journal), (0, 1, 0, true), "{limit}");
        // The limit was the connection's: opened anew, there is room.
        assert!(journal.write(UtcMs(0)), "{limit}");
        assert_eq!(figures(&journal), (1, 0, 0, false), "{limit}");
        assert_eq!(blocks(dir.path()), ["b1"]);
    }
}

#[test]
fn a_catalog_that_is_not_there_is_waited_for_within_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    let mut journal = Journal::new(folder.join("catalog.sqlite"), Arc::default());
    for number in 0..MOST_WAITING as i64 + 5 {
        journal.push(ended(1, number));
        if number % 5_000 == 0 {
            assert!(!journal.write(UtcMs(0)));
        }
    }
    assert_eq!(figures(&journal), (0, MOST_WAITING as u64, 5, true));
    Catalog::open(&folder).unwrap().register_channel("one", 1, "One").unwrap();
    assert!(journal.write(UtcMs(0)));
    assert_eq!(figures(&journal), (MOST_WAITING as u64, 0, 5, false));
    let kept = blocks(&folder);
    assert_eq!((kept.len(), kept.last().unwrap().as_str()), (MOST_WAITING, "b16383"));
}

#[test]
fn an_entry_of_a_channel_that_is_not_there_costs_itself_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let block = PlaylogBlock {
        block_id: "x".into(),
        title: "X".into(),
        start_ms: UtcMs(0),
        end_ms: UtcMs(1),
        segments: vec![],
    };
    journal.push(ended(1, 1));
    journal.push(HistoryEntry::Fed(77, block));
    journal.push(HistoryEntry::Began(77, open(3)));
    journal.push(ended(1, 2));
    assert!(journal.write(UtcMs(0)));
    assert_eq!(figures(&journal), (2, 0, 2, false));
    assert_eq!(blocks(dir.path()), ["b1", "b2"]);
}

#[test]
fn what_a_dead_station_left_is_closed_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = journal(dir.path());
    first.push(HistoryEntry::Began(1, open(1)));
    assert!(first.write(UtcMs(1000)));
    assert!(first.with_catalog(|catalog, _| catalog.note_on_air(UtcMs(1400))));
    drop(first);
    for _ in 0..2 {
        let mut next = journal(dir.path());
        next.push(ended(1, 5));
        assert!(next.write(UtcMs(0)));
        let runs = Catalog::open(dir.path()).unwrap().as_run(1, UtcMs(0), UtcMs(9999)).unwrap();
        let told: Vec<_> = runs.iter().map(|r| (r.from_ms.0, r.until_ms.0, r.outcome)).collect();
        assert_eq!(told, [(1000, 1400, AsRunOutcome::Cut), (5000, 6000, AsRunOutcome::Completed)]);
        assert!(runs[0].frames.unwrap().reckoned);
    }
}
