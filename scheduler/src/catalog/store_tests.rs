//! The catalog as a file: what is written is read back, and files that are none, or not whole, are told.

use super::*;
use retrovue_timebase::{FrameRate, Millis, UtcMs};
use rusqlite::{Connection, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

pub(super) fn sighting(path: &str, slug: &str, outcome: Outcome) -> Sighting {
    Sighting {
        path: path.into(),
        collection: "col.show.season_1".into(),
        asset_slug: slug.into(),
        asset_type: AssetType::Episode,
        description: Description {
            title: "One".into(),
            season: Some(1),
            episode: Some(1),
            genres: vec!["Comedy".into()],
            ..Description::default()
        },
        description_mark: 3,
        size: 10,
        mtime_ns: 5,
        content_mark: Some(slug.into()),
        artwork: Some(FoundPicture { path: "/m/Show/poster.jpg".into(), mark: 77 }),
        artwork_named: Some("/m/Show/pie.jpg".into()),
        outcome,
    }
}

pub(super) fn facts() -> ProbeFacts {
    ProbeFacts {
        container: "mp4".into(),
        duration_ms: Some(Millis(1_320_000)),
        video: Some(serde_json::json!({"codec": "h264", "width": 640})),
        audio: vec![serde_json::json!({"codec": "aac"})],
        chapters: [(0, 400_000), (400_000, 900_000), (900_000, 1_320_000)]
            .map(|(s, e)| Chapter { start_ms: Millis(s), end_ms: Millis(e), title: None })
            .to_vec(),
    }
}

pub(super) fn filled(dir: &Path) -> Catalog {
    let mut catalog = Catalog::open(dir).unwrap();
    let source = catalog.register_folder("/m", None, None).unwrap();
    let rows = ["col.show", "col.show.season_1"].map(|id| FoundCollection {
        id: id.to_owned(),
        title: "Show".to_owned(),
        programme: id.replace("col.", "p."),
        programme_title: "Show".to_owned(),
    });
    catalog.record_collections(&rows).unwrap();
    let batch = [
        sighting("/m/Show/Season 1/a.mkv", "asset.show.a", Outcome::Probed(facts())),
        sighting("/m/Show/Season 1/a.mp4", "asset.show.a", Outcome::Unplayable("DAMAGED: no moov".into())),
    ];
    catalog.record_sightings(source, &batch).unwrap();
    catalog
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = filled(dir.path());
    let good = catalog.asset("asset.show.a").unwrap();
    assert_eq!(good.facts, Some(facts()));
    assert_eq!(good.facts.unwrap().video_codec(), Some("h264"));
    let bad = catalog.asset("/m/Show/Season 1/a.mp4").unwrap();
    assert_eq!((bad.id.as_str(), bad.health), ("asset.show.a_2", Health::Bad));
    assert_eq!(bad.reason.as_deref(), Some("DAMAGED: no moov"));
    let error = catalog.asset("asset.show.b").unwrap_err().to_string();
    assert!(error.contains("did you mean asset.show.a"), "{error}");
}

#[test]
fn the_snapshot_holds_what_can_air_and_collections_hold_those_below() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = filled(dir.path()).snapshot().unwrap();
    for id in ["col.show", "col.show.season_1"] {
        assert_eq!(snapshot.collection(id).unwrap().len(), 1, "{id}");
    }
    let asset = snapshot.lookup("asset.show.a").unwrap();
    assert_eq!(asset.chapter_markers, Some(vec![Millis(400_000), Millis(900_000)]));
    assert!(snapshot.program("p.show").is_some());
}

#[test]
fn channel_identities_last_and_are_never_reused() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let a = catalog.register_channel("a", 1, "A").unwrap().channel_id;
    let b = catalog.register_channel("b", 2, "B").unwrap().channel_id;
    assert_eq!(catalog.register_channel("a", 9, "A renamed").unwrap().channel_id, a);
    catalog.db.execute("DELETE FROM channels WHERE slug = 'b'", []).unwrap();
    drop(catalog);
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let c = catalog.register_channel("c", 3, "C").unwrap().channel_id;
    assert!(c != a && c != b);
    assert_eq!(catalog.channels().unwrap().len(), 2);
}

#[test]
fn files_that_are_no_usable_catalog_are_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let junk = dir.path().join("junk.sqlite");
    std::fs::write(&junk, vec![b'x'; 5000]).unwrap();
    assert!(matches!(Catalog::open_file(&junk), Err(CatalogError::NotADatabase { .. })));
    assert_eq!(std::fs::read(&junk).unwrap(), vec![b'x'; 5000]);

    let newer = dir.path().join("newer.sqlite");
    drop(Catalog::open_file(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Catalog::open_file(&newer).unwrap_err().to_string();
    assert!(error.contains("newer version (catalog 99"), "{error}");

    let other = dir.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE bookmarks (x)").unwrap();
    // Other programs number their files too, from 1 or with a mark that is negative.
    for version in [0, -1, 1] {
        Connection::open(&other).unwrap().pragma_update(None, "user_version", version).unwrap();
        let before = std::fs::read(&other).unwrap();
        let error = Catalog::open_file(&other).expect_err("a stranger's file").to_string();
        assert!(error.contains("something else"), "{version}: {error}");
        assert!(std::fs::read(&other).unwrap() == before, "{version}: it was written to");
    }

    let file = dir.path().join("plain");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(Catalog::open(&file), Err(CatalogError::DataDir { .. })));
}

#[test]
fn a_locked_catalog_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Catalog::open(dir.path()).unwrap();
    let mut second = Catalog::open(dir.path()).unwrap();
    second.db.busy_timeout(Duration::from_millis(20)).unwrap();
    let work = first.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    assert!(matches!(second.register_channel("a", 1, "A"), Err(CatalogError::Locked { .. })));
    drop(work);
    second.register_channel("a", 1, "A").unwrap();
}

#[test]
fn what_a_scan_tells_again_replaces_what_it_told_before_and_measurements_go_with_the_content() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    let levels = Loudness { integrated: -2300, loudness_range: 510, true_peak: -120 };
    let places = [(Millis(300), Millis(20)), (Millis(700), Millis(40))];
    catalog.record_measurement("asset.show.a", &Measured::Loudness(Some(levels)), &places).unwrap();
    catalog.accept_breaks("asset.show.a", &BTreeSet::from([Millis(700)])).unwrap();
    let wrong = catalog.accept_breaks("asset.show.a", &BTreeSet::from([Millis(701)])).unwrap_err();
    assert!(wrong.to_string().contains("nothing is suggested at"), "{wrong}");
    let accepted =
        |c: &Catalog| c.asset("asset.show.a").unwrap().suggested_breaks.iter().filter(|b| b.accepted).count();
    assert_eq!(accepted(&catalog), 1);
    catalog.record_measurement("asset.show.a", &Measured::Loudness(Some(levels)), &places[1..]).unwrap();
    assert_eq!(accepted(&catalog), 1, "measured again, it stays accepted");

    let mut seen = sighting("/m/Show/Season 1/a.mkv", "asset.show.a", Outcome::AsBefore);
    seen.description =
        Description { title: "Uno".into(), rating: Some("PG".into()), ..Description::default() };
    catalog.record_sightings(1, &[seen.clone()]).unwrap();
    let asset = catalog.asset("asset.show.a").unwrap();
    assert_eq!((asset.title.as_str(), asset.rating.as_deref(), asset.genres.len()), ("Uno", Some("PG"), 0));
    assert_eq!((asset.facts, asset.measured), (Some(facts()), Some(Measured::Loudness(Some(levels)))));
    assert_eq!(catalog.snapshot().unwrap().lookup("asset.show.a").unwrap().rating.as_deref(), Some("PG"));

    seen.outcome = Outcome::Probed(facts());
    seen.content_mark = Some("other".into());
    catalog.record_sightings(1, &[seen]).unwrap();
    let asset = catalog.asset("asset.show.a").unwrap();
    assert_eq!((asset.measured, asset.suggested_breaks.len()), (None, 0));
}

#[test]
fn assets_that_change_places_keep_their_identities() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    let (a, b) = ("/m/Show/Season 1/a.mkv", "/m/Show/Season 1/a.mp4");
    let known = catalog.remembered().unwrap();
    let swap = [(a, b), (b, a)].map(|(from, to)| Move {
        asset_pk: known[from].asset_pk,
        to: to.to_owned(),
        size: 11,
        mtime_ns: 6,
    });
    catalog.record_moves(&swap).unwrap();
    assert_eq!(catalog.asset("asset.show.a").unwrap().path, Path::new(b));
    assert_eq!(catalog.asset("asset.show.a_2").unwrap().path, Path::new(a));
    assert_eq!(catalog.check().unwrap(), Vec::<String>::new());
}

#[test]
fn collections_by_match_hold_what_matches() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    let comedy = CollectionMatch { genre: vec!["comedy".into()], ..CollectionMatch::default() };
    catalog.define_collection("col.funny", "Funny", &comedy).unwrap();
    let late = CollectionMatch { from_year: Some(1980), ..comedy.clone() };
    catalog.define_collection("col.late", "Late", &late).unwrap();
    let snapshot = catalog.snapshot().unwrap();
    let ids = |c: &str| snapshot.collection(c).unwrap().iter().map(|a| a.id.clone()).collect::<Vec<_>>();
    assert_eq!((ids("col.funny"), ids("col.late")), (vec!["asset.show.a".to_owned()], vec![]));
    assert_eq!(snapshot.program("p.funny").unwrap().collection, "col.funny");
    for (id, wanted, why) in [
        ("col.show", &comedy, "is a folder's collection"),
        ("funny", &comedy, "cannot be a collection's id"),
        ("col.a b", &comedy, "cannot be a collection's id"),
        ("col.all", &CollectionMatch::default(), "asks for nothing"),
    ] {
        let error = catalog.define_collection(id, "X", wanted).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(catalog.remove_collection("col.show").is_err());
    catalog.remove_collection("col.late").unwrap();
    assert!(matches!(catalog.collection_record("col.late"), Err(CatalogError::NoSuch { .. })));
}

#[test]
fn a_source_goes_with_its_assets_and_empty_collections() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    catalog.register_folder("/n", Some("Other"), Some(AssetType::Movie)).unwrap();
    let id = catalog.source("/m/").unwrap().id;
    assert_eq!((catalog.source("Other").unwrap().assets, catalog.remove_source(id).unwrap()), (0, 2));
    assert_eq!((catalog.assets().unwrap().len(), catalog.collections().unwrap().len()), (0, 0));
    let error = catalog.source("/m").unwrap_err().to_string();
    assert!(error.contains("no source \"/m\"") && error.contains("did you mean /n"), "{error}");
}

#[test]
fn as_run_makes_plays_of_what_was_sent_of_each_asset() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let channel = catalog.register_channel("one", 1, "One").unwrap().channel_id;
    let segment = |asset: Option<&str>, offset, duration| PlaylogSegment {
        kind: Some("act".into()),
        asset_id: asset.map(str::to_owned),
        offset_ms: Millis(offset),
        duration_ms: Millis(duration),
    };
    let block = |start: i64, id: &str| PlaylogBlock {
        block_id: id.into(),
        title: "Show".into(),
        start_ms: UtcMs(start),
        end_ms: UtcMs(start + 1000),
        segments: vec![
            segment(Some("show"), 0, 300),
            segment(Some("soap"), 0, 100),
            segment(Some("show"), 300, 400),
            segment(None, 0, 200),
        ],
    };
    catalog.record_playlog(channel, &[block(10_000, "a"), block(11_000, "b")]).unwrap();
    // Planned anew, and half a block later: both go.
    catalog.record_playlog(channel, &[block(10_500, "c")]).unwrap();
    assert_eq!(catalog.playlog(channel, UtcMs(0), UtcMs(99_000)).unwrap(), [block(10_500, "c")]);
    // A session each, 20 frames a second.
    let rate = FrameRate::new(20, 1).unwrap();
    let run = |from: i64, until: i64, outcome| {
        let open = OpenRun {
            block_id: "c".into(),
            block_ms: UtcMs(10_500),
            end_ms: UtcMs(11_500),
            joined_ms: UtcMs(from),
            epoch_ms: UtcMs(10_500),
            rate,
            first: rate.frame_at_or_after(UtcMs(10_500), UtcMs(from)),
        };
        open.ended(Some((until - from) / 50), UtcMs(0), outcome, None)
    };
    let first = run(10_700, 10_850, AsRunOutcome::Failed);
    let second = run(10_950, 11_500, AsRunOutcome::Completed);
    assert_eq!((second.from_ms, second.until_ms), (UtcMs(10_950), UtcMs(11_500)));
    for run in [&first, &second, &first] {
        catalog.record_as_run(channel, run).unwrap();
    }
    assert_eq!(catalog.as_run(channel, UtcMs(0), UtcMs(99_000)).unwrap(), [first, second]);
    let play = |from, aired| Play { channel_id: channel, from_ms: UtcMs(from), aired_ms: Millis(aired) };
    assert_eq!(catalog.plays("show", 9).unwrap(), [play(10_950, 350), play(10_700, 100)]);
    assert_eq!(catalog.plays("soap", 9).unwrap(), [play(10_800, 50)]);
    for change in ["DELETE FROM as_run", "UPDATE as_run SET outcome = 'completed'"] {
        let refused = catalog.db.execute(change, []).unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{change}: {refused}");
    }
    let last = catalog.last_plays(channel, UtcMs(10_900)).unwrap();
    assert_eq!(last["show"], UtcMs(10_700));
    assert!(matches!(
        catalog.record_as_run(99, &run(0, 1, AsRunOutcome::Cut)),
        Err(CatalogError::Database { .. })
    ));
}

#[test]
fn a_schedule_is_a_revision_when_it_differs_from_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let channel = catalog.register_channel("one", 1, "One").unwrap().channel_id;
    for hash in ["x", "x", "y", "x"] {
        catalog.record_revision(channel, "2026-01-01", UtcMs(5), hash, "{}").unwrap();
    }
    let hashes: Vec<_> =
        catalog.revisions(channel, "2026-01-01").unwrap().into_iter().map(|r| r.hash).collect();
    assert_eq!(hashes, ["x", "y", "x"]);
}

#[test]
fn catalogs_of_every_released_version_are_brought_up_to_date_and_lose_nothing() {
    let fresh = tempfile::tempdir().unwrap();
    let tables = |db: &Connection| -> Vec<(String, String)> {
        let mut rows =
            db.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let expect = tables(&Catalog::open(fresh.path()).unwrap().db);
    for (version, bytes) in RELEASED {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DATABASE_FILE), bytes).unwrap();
        let count = |db: &Connection, table: &str| -> i64 {
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let old = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
        let found: i64 = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(found, *version);
        let before = OLD_TABLES.map(|table| count(&old, table));
        drop(old);
        for _ in 0..2 {
            let catalog = Catalog::open(dir.path()).unwrap();
            assert_eq!(tables(&catalog.db), expect, "version {version}");
            assert_eq!(OLD_TABLES.map(|table| count(&catalog.db, table)), before, "version {version}");
            assert_eq!(catalog.check().unwrap(), Vec::<String>::new());
            let coffee = catalog.asset("asset.cosmic_diner.season_1.s01e01_coffee").unwrap();
            assert_eq!((coffee.season, coffee.facts.unwrap().chapters.len()), (Some(1), 2));
            assert_eq!(catalog.asset("asset.movies.notes").unwrap().health, Health::Bad);
            assert_eq!(catalog.channel("one").unwrap().channel_id, 1);
            let snapshot = catalog.snapshot().unwrap();
            assert_eq!(snapshot.collection("col.cosmic_diner").unwrap().len(), 2);
            if *version >= 2 {
                let coffee = catalog.asset("asset.cosmic_diner.season_1.s01e01_coffee").unwrap();
                assert_eq!((coffee.rating.as_deref(), coffee.genres.len()), (Some("TV-PG"), 1));
                assert!(matches!(coffee.measured, Some(Measured::Loudness(Some(_)))));
                let pie = snapshot.lookup("asset.cosmic_diner.season_1.s01e02_pie").unwrap();
                assert_eq!(pie.chapter_markers, Some(vec![Millis(2000)]));
                assert_eq!(snapshot.collection("col.comedy").unwrap().len(), 2);
                let day = (UtcMs(1_767_250_000_000), UtcMs(1_767_260_000_000));
                assert_eq!(catalog.playlog(1, day.0, day.1).unwrap()[0].segments.len(), 2);
                let runs = catalog.as_run_with_segments(1, day.0, day.1).unwrap();
                let [(run, segments)] = &runs[..] else { panic!("{runs:?}") };
                assert_eq!((run.joined_ms, run.frames, segments.len()), (run.from_ms, None, 0));
                assert_eq!(catalog.plays(&coffee.id, 9).unwrap().len(), 1);
                assert_eq!(catalog.revisions(1, "2026-01-01").unwrap().len(), 1);
            }
            let pictures: Vec<Option<Artwork>> =
                ["cosmic_diner.season_1.s01e02_pie", "movies.night_train_1979"]
                    .map(|id| snapshot.lookup(&format!("asset.{id}")).unwrap().artwork)
                    .to_vec();
            if *version >= 6 {
                let addresses: Vec<String> = pictures.iter().map(|p| p.unwrap().to_string()).collect();
                assert_eq!(addresses, ["/art/123456789abcdef0.jpg", "/art/ffffffffffffffb3.png"]);
                let poster = catalog.artwork(0x1234_5678_9ABC_DEF0).unwrap().unwrap();
                assert_eq!(poster, ArtworkPlace::File("/srv/library/Cosmic Diner/poster.jpg".into()));
            } else {
                assert_eq!(pictures, [None, None], "version {version}");
            }
            if *version >= 5 {
                let coffee = catalog.asset("asset.cosmic_diner.season_1.s01e01_coffee").unwrap();
                assert!(coffee.plot.unwrap().contains("waitresses"));
                let day = (UtcMs(1_767_330_000_000), UtcMs(1_767_340_000_000));
                let kinds: Vec<_> = catalog.playlog(1, day.0, day.1).unwrap().remove(2).segments;
                let kinds: Vec<_> = kinds.iter().map(|s| s.kind.as_deref().unwrap()).collect();
                assert_eq!(kinds, ["act", "commercial", "black"]);
                let runs = catalog.as_run_with_segments(1, day.0, day.1).unwrap();
                let told: Vec<_> = runs
                    .iter()
                    .map(|(run, s)| (run.outcome.word(), run.frames.unwrap().count, s.len()))
                    .collect();
                assert_eq!(told, [("completed", 300, 3), ("failed", 150, 2)]);
                assert_eq!(count(&catalog.db, "as_run_open"), 1);
                assert!(catalog.latest_opening(1, "2026-01-01", "2026-01-09").unwrap().is_some());
            }
        }
    }
}

/// A small catalog that each released version wrote, with its version.
pub(super) const RELEASED: &[(i64, &[u8])] = &[
    (1, include_bytes!("released/version_1.sqlite")),
    (2, include_bytes!("released/version_2.sqlite")),
    (5, include_bytes!("released/version_5.sqlite")),
    (6, include_bytes!("released/version_6.sqlite")),
];

const OLD_TABLES: [&str; 6] = ["sources", "collections", "programmes", "assets", "chapters", "channels"];

#[test]
fn damage_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(DATABASE_FILE);
    drop(filled(dir.path()));
    let whole = std::fs::read(&path).unwrap();
    // Half of it, and a page that was overwritten.
    let page_of_noise = |bytes: &mut Vec<u8>| {
        let from = bytes.len() / 2 / 4096 * 4096;
        bytes[from..from + 8192].fill(0xA5);
    };
    for damage in [|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2), page_of_noise] {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let told = match Catalog::open(dir.path()) {
            Err(error) => error.to_string(),
            Ok(catalog) => match catalog.check() {
                Err(error) => error.to_string(),
                Ok(findings) => {
                    assert!(!findings.is_empty(), "a damaged catalog passed its check");
                    continue;
                }
            },
        };
        assert!(
            told.contains(DATABASE_FILE) && told.contains("damaged") && told.contains("backup"),
            "{told}"
        );
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_recorded_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    let pages: i64 = catalog.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    catalog.db.query_row(&format!("PRAGMA max_page_count = {}", pages + 2), [], |_| Ok(())).unwrap();
    let before = catalog.assets().unwrap();
    let many: Vec<Sighting> = (0..500)
        .map(|n| sighting(&format!("/m/Show/{n}.mkv"), &format!("asset.show.{n}"), Outcome::Probed(facts())))
        .collect();
    let error = catalog.record_sightings(1, &many).unwrap_err();
    assert!(matches!(error, CatalogError::Full { .. }) && error.is_not_writable(), "{error}");
    assert!(error.to_string().contains("disk is full; make room"), "{error}");
    assert_eq!(catalog.assets().unwrap(), before, "nothing of what failed");
    catalog.db.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    catalog.record_sightings(1, &many).unwrap();
    assert_eq!(catalog.assets().unwrap().len(), before.len() + 500);
}

#[test]
fn a_backup_is_whole_and_takes_nobodys_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = filled(dir.path());
    let to = dir.path().join("copy.sqlite");
    let bytes = catalog.backup(&to, false).unwrap();
    assert_eq!(bytes, std::fs::metadata(&to).unwrap().len());
    catalog.register_channel("later", 9, "Later").unwrap();
    let error = catalog.backup(&to, false).unwrap_err().to_string();
    assert!(error.contains("exists already") && error.contains("copy.sqlite"), "{error}");
    assert_eq!(Catalog::open_file(&to).unwrap().channels().unwrap(), []);
    catalog.backup(&to, true).unwrap();
    let copy = Catalog::open_file(&to).unwrap();
    assert_eq!(copy.assets().unwrap(), catalog.assets().unwrap());
    assert_eq!(copy.channels().unwrap(), catalog.channels().unwrap());
    for (place, why) in
        [(dir.path().join("no/where"), "its folder"), (catalog.path().to_owned(), "catalog itself")]
    {
        let error = catalog.backup(&place, true).unwrap_err();
        assert!(matches!(error, CatalogError::Backup { .. }) && error.to_string().contains(why), "{error}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".part")), "{left:?}");
}
