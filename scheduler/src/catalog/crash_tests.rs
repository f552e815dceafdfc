//! A process that writes the catalog is killed at any point, many times over: what it said was committed is there, what
//! it was at is there wholly or not at all, and the file is sound.
//!
//! The child is this test program once more, at [`child`]; it tells of each write when that has returned.

use super::store_tests::{RELEASED, facts, filled, sighting};
use super::*;
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use rusqlite::OptionalExtension;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set for the child: the data folder it writes.
const FOLDER: &str = "RETROVUE_CRASH_TEST_FOLDER";

/// How often the child is killed.
const ROUNDS: u64 = 60;

/// What one turn of the child writes, each in a transaction of its own. The order is what the check relies on.
const WRITES: [fn(&mut Catalog, i64); 10] = [
    |catalog, n| drop(catalog.register_channel(&format!("c{n}"), 1, "One").unwrap()),
    |catalog, n| {
        catalog.register_folder(&format!("/crash/{n}"), None, None).unwrap();
    },
    |catalog, n| {
        let found = FoundCollection {
            id: format!("col.crash_{n}"),
            title: "Crash".into(),
            programme: format!("p.crash_{n}"),
            programme_title: "Crash".into(),
        };
        catalog.record_collections([&found]).unwrap();
    },
    |catalog, n| {
        let batch: Vec<Sighting> = (0..20).map(|i| seen(n, i)).collect();
        catalog.record_sightings(1, &batch).unwrap();
    },
    |catalog, n| {
        let levels = Measured::Loudness(None);
        catalog
            .record_measurement(
                &asset_id(n, 0),
                &levels,
                &[(Millis(200_000), Millis(500)), (Millis(400_000), Millis(300))],
            )
            .unwrap();
        catalog.accept_breaks(&asset_id(n, 0), &BTreeSet::from([Millis(400_000)])).unwrap();
    },
    |catalog, n| {
        let known = catalog.remembered().unwrap();
        let moves: Vec<Move> = (0..20)
            .map(|i| Move {
                asset_pk: known[&seen(n, i).path].asset_pk,
                to: seen(n, (i + 1) % 20).path,
                size: 10,
                mtime_ns: 6,
            })
            .collect();
        catalog.record_moves(&moves).unwrap();
    },
    |catalog, n| catalog.mark_missing(&[seen(n, 7).path, seen(n, 8).path]).unwrap(),
    |catalog, n| {
        let wanted = CollectionMatch { title: Some(n.to_string()), ..CollectionMatch::default() };
        catalog.define_collection(&format!("col.match_{n}"), "Match", &wanted).unwrap();
    },
    |catalog, n| {
        catalog.record_revision(1, "2026-01-01", UtcMs(n), &n.to_string(), "{}").unwrap();
        catalog.record_playlog(1, &[block(n)]).unwrap();
    },
    |catalog, n| {
        let open = open_run(n);
        catalog.record_history(&[HistoryEntry::Began(1, open.clone())], UtcMs(n * 1000)).unwrap();
        let run = open.ended(Some(25), UtcMs(0), AsRunOutcome::Completed, None);
        catalog.record_history(&[HistoryEntry::Ended(1, run)], UtcMs(n * 1000)).unwrap();
    },
];

fn asset_id(turn: i64, i: i64) -> String {
    format!("asset.crash.{turn}_{i}")
}

fn seen(turn: i64, i: i64) -> Sighting {
    sighting(&format!("/m/crash/{turn}/{i:02}.mkv"), &asset_id(turn, i), Outcome::Probed(facts()))
}

fn open_run(turn: i64) -> OpenRun {
    OpenRun {
        block_id: turn.to_string(),
        block_ms: UtcMs(turn * 1000),
        end_ms: UtcMs(turn * 1000 + 1000),
        joined_ms: UtcMs(turn * 1000),
        epoch_ms: UtcMs(turn * 1000),
        rate: FrameRate::new(25, 1).unwrap(),
        first: FrameIndex(0),
    }
}

fn block(turn: i64) -> PlaylogBlock {
    let segment = |i| PlaylogSegment {
        kind: Some("act".into()),
        asset_id: Some(asset_id(turn, i)),
        offset_ms: Millis(0),
        duration_ms: Millis(500),
    };
    PlaylogBlock {
        block_id: turn.to_string(),
        title: "Crash".into(),
        start_ms: UtcMs(turn * 1000),
        end_ms: UtcMs(turn * 1000 + 1000),
        segments: vec![segment(0), segment(1)],
    }
}

/// How many writes of a turn are there, and that none is there by half.
fn writes_of(catalog: &Catalog, turn: i64) -> usize {
    let count = |sql: &str| -> i64 { catalog.db.query_row(sql, [], |row| row.get(0)).unwrap() };
    let of = |sql: &str| count(&sql.replace("{n}", &turn.to_string()));
    let whole = |found: i64, all: i64| {
        assert!(found == 0 || found == all, "turn {turn}: {found} of {all}");
        found == all
    };
    let assets = "SELECT count(*) FROM assets WHERE asset_id LIKE 'asset.crash.{n}\\_%' ESCAPE '\\'";
    let there = [
        whole(of("SELECT count(*) FROM channels WHERE slug = 'c{n}'"), 1),
        whole(of("SELECT count(*) FROM sources WHERE root = '/crash/{n}'"), 1),
        whole(
            of("SELECT (SELECT count(*) FROM collections WHERE collection_id = 'col.crash_{n}')
                + (SELECT count(*) FROM programmes WHERE programme_id = 'p.crash_{n}')"),
            2,
        ),
        whole(of(assets), 20),
        // Two transactions: the second is the write.
        whole(
            of("SELECT count(*) FROM suggested_breaks JOIN assets USING (asset_pk)
                WHERE asset_id = 'asset.crash.{n}_0' AND accepted = 1"),
            1,
        ),
        whole(of(&format!("{assets} AND mtime_ns = 6")), 20),
        whole(of(&format!("{assets} AND health = 'missing'")), 2),
        whole(
            of("SELECT (SELECT count(*) FROM collections WHERE collection_id = 'col.match_{n}')
                + (SELECT count(*) FROM programmes WHERE programme_id = 'p.match_{n}')"),
            2,
        ),
        whole(
            of("SELECT (SELECT count(*) FROM playlog_blocks WHERE block_id = '{n}')
                + (SELECT count(*) FROM playlog_segments WHERE block_ms = {n} * 1000)"),
            3,
        ),
        whole(
            of("SELECT (SELECT count(*) FROM as_run WHERE block_id = '{n}' AND outcome = 'completed')
                + (SELECT count(*) FROM as_run_segments JOIN as_run USING (as_run_id) WHERE block_id = '{n}')
                + (SELECT count(*) FROM play_history WHERE asset_id LIKE 'asset.crash.{n}\\_%' ESCAPE '\\')"),
            5,
        ),
    ];
    let done = there.iter().take_while(|t| **t).count();
    assert!(
        there[done..].iter().all(|t| !t),
        "turn {turn}: a write is there and one before it is not: {there:?}"
    );
    done
}

/// What the killed child had begun to send is cut at the next start, and not again at the one after.
fn closed_once(catalog: &mut Catalog) {
    let open: Option<String> = catalog
        .read(|db| db.query_row("SELECT block_id FROM as_run_open", [], |row| row.get(0)).optional())
        .unwrap();
    assert_eq!(catalog.close_left_on_air().unwrap(), usize::from(open.is_some()));
    assert_eq!(catalog.close_left_on_air().unwrap(), 0);
    let Some(id) = open else { return };
    let runs = catalog.as_run(1, UtcMs(0), UtcMs(i64::MAX)).unwrap();
    let [run] = runs.iter().filter(|run| run.block_id == id).collect::<Vec<_>>()[..] else {
        panic!("block {id} has not ended once: {runs:?}")
    };
    assert_eq!(run.outcome, AsRunOutcome::Cut);
    assert!(run.detail.as_ref().unwrap().contains("station ended"), "{run:?}");
    // It was seen when it began, and never after.
    assert_eq!(run.frames.map(|f| (f.count, f.reckoned)), Some((0, true)));
}

#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut catalog = Catalog::open(Path::new(&folder)).unwrap();
    let first: i64 = catalog
        .db
        .query_row("SELECT coalesce(max(CAST(substr(slug, 2) AS INTEGER)), 0) + 1 FROM channels", [], |row| {
            row.get(0)
        })
        .unwrap();
    let mut out = std::io::stdout();
    for turn in first..first + 10_000 {
        for (number, write) in (1..).zip(WRITES) {
            write(&mut catalog, turn);
            // One write of few bytes into a pipe: whole or not at all.
            out.write_all(format!("\ncommitted {turn} {number}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        }
    }
}

/// Starts the child in a folder, kills it after so many lines and a moment, and returns the last write it told of.
fn killed_child(folder: &Path, lines: u64, moment: u64) -> Option<(i64, usize)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "catalog::crash_tests::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let committed = |line: String| -> Option<(i64, usize)> {
        let (turn, number) = line.strip_prefix("committed ")?.split_once(' ')?;
        Some((turn.parse().ok()?, number.parse().ok()?))
    };
    let mut last = None;
    for _ in 0..lines {
        let Some(line) = told.by_ref().find_map(committed) else { panic!("the child ended by itself") };
        last = Some(line);
    }
    (0..moment).for_each(|i| {
        std::hint::black_box(i);
    });
    child.kill().unwrap();
    child.wait().unwrap();
    told.filter_map(committed).last().or(last)
}

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn a_kill_at_any_point_loses_nothing_committed_and_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let mut seed = 1;
    let mut last_turn = 0;
    for round in 0..ROUNDS {
        let (lines, moment) = (random(&mut seed) % 25, random(&mut seed) % 2_000_000);
        let told = killed_child(dir.path(), lines, moment);
        let mut catalog = Catalog::open(dir.path()).unwrap();
        assert_eq!(catalog.check().unwrap(), Vec::<String>::new(), "round {round}");
        closed_once(&mut catalog);
        if let Some((turn, number)) = told {
            let found = writes_of(&catalog, turn);
            assert!(
                found >= number,
                "round {round}: {number} writes of turn {turn} were committed, {found} are there"
            );
            assert!(turn > last_turn, "round {round}");
            // Whatever was begun after that may be there, up to where it was told of no longer.
            writes_of(&catalog, turn + 1);
            (last_turn + 1..turn).for_each(|past| {
                let stopped = writes_of(&catalog, past);
                assert!(stopped == WRITES.len() || past <= last_turn + 1, "turn {past}: {stopped}");
            });
            last_turn = turn;
        }
    }
    assert!(last_turn > 20, "it got no further than turn {last_turn}");
}

#[test]
fn a_kill_while_a_catalog_is_brought_up_to_date_leaves_the_old_or_the_new() {
    let mut seed = 2;
    for (version, bytes) in RELEASED {
        for _ in 0..12 {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(DATABASE_FILE), bytes).unwrap();
            killed_child(dir.path(), 0, random(&mut seed) % 8_000_000);
            let catalog = Catalog::open(dir.path()).unwrap();
            assert_eq!(catalog.check().unwrap(), Vec::<String>::new(), "version {version}");
            assert!(catalog.assets().unwrap().len() >= 5, "version {version}");
        }
    }
}
