//! Programming as a whole: days that meet, blocks that meet, sums, guide and blocks alike, across both
//! changes of the clocks.

use super::pool::tests::asset;
use super::{ChannelInfo, DEFAULT_SEED, GuideCategory, Programming, ProgrammingParts, SingleChannel, Source};
use crate::catalog::{
    AssetMetadata, AssetResolver, AssetType, LONGEST_ASSET, Programme, Snapshot, StubAssetResolver,
};
use crate::config::default_format;
use crate::dsl::{ChannelSpec, parse_channel};
use crate::yaml::{Document, Report};
use jiff::civil::date;
use proptest::prelude::*;
use retrovue_proto::plan::{BlockPlan, CueCommand, CuePlace, HouseFormat};
use retrovue_timebase::{Millis, UtcMs};
use std::collections::BTreeSet;
use std::path::Path;

/// The first example of seed 004, whole.
const SEED_SITCOMS: &str = r#"
channel: retro_prime
broadcast_day: 1989-10-12
timezone: America/New_York
notes:
  vibe: "Water-cooler Thursday"

templates:
  weeknight_sitcom_block:
    start: "20:00"
    slots:
      - title: "Cosby Show"
        program: p.coz_s3
        episode_selector:
          collection: col.cozby_show_s3
          mode: sequential
      - title: "Cheers"
        program: p.cheers_s6
        episode_selector:
          collection: col.cheers_s6
          mode: random
      - title: "Taxi"
        program: p.taxi_s2
        episode_selector:
          collection: col.taxi_s2
          mode: random

schedule:
  weeknights:
    use: weeknight_sitcom_block
"#;

const SEED_ASSETS: &str = r#"{"assets":[
  {"id":"asset.episodes.coz_s3e01","title":"Bring 'Em Back Alive","type":"episode","collection":"col.cozby_show_s3","season":3,"episode":1,"duration_sec":1320,"chapter_markers_sec":[300,700,1100],"uri":"coz1.mp4"},
  {"id":"asset.episodes.coz_s3e02","title":"Food for Thought","type":"episode","collection":"col.cozby_show_s3","season":3,"episode":2,"duration_sec":1321.5,"uri":"coz2.mp4"},
  {"id":"asset.episodes.cheers_s6e01","title":"Home","type":"episode","collection":"col.cheers_s6","season":6,"episode":1,"duration_sec":1380,"uri":"cheers1.mp4"},
  {"id":"asset.episodes.cheers_s6e02","title":"Away","type":"episode","collection":"col.cheers_s6","season":6,"episode":2,"duration_sec":1380,"uri":"cheers2.mp4"},
  {"id":"asset.episodes.taxi_s2e01","title":"Louie","type":"episode","collection":"col.taxi_s2","season":2,"episode":1,"duration_sec":1380,"uri":"taxi1.mp4"},
  {"id":"asset.filler","title":"Filler","type":"filler","collection":"col.filler","duration_sec":60,"uri":"filler.mp4"}],
 "programs":[{"id":"p.coz_s3","title":"The Cosby Show","collection":"col.cozby_show_s3"},
  {"id":"p.cheers_s6","title":"Cheers","collection":"col.cheers_s6"},
  {"id":"p.taxi_s2","title":"Taxi","collection":"col.taxi_s2"}]}"#;

fn parse(text: &str) -> ChannelSpec {
    parse_channel(Document::parse(Path::new("programming/x.yaml"), text).unwrap()).unwrap().0
}

fn info(id: &str) -> ChannelInfo {
    ChannelInfo { id: id.into(), channel_id: 3, number: 1, name: "The Channel".into() }
}

/// Series of short and long programmes, films and two fillers.
fn snapshot() -> Snapshot {
    let mut assets: Vec<AssetMetadata> = Vec::new();
    for (collection, lengths) in [
        ("col.short", &[41, 55, 60, 119][..]),
        ("col.sitcom", &[1320, 1400, 1795]),
        ("col.drama", &[2640, 3600, 3601]),
        ("col.films", &[5400, 7000, 9000]),
    ] {
        for (i, seconds) in lengths.iter().enumerate() {
            let id = format!("asset.{}.{i}", &collection[4..]);
            let mut one = asset(&id, collection, *seconds);
            one.season = Some(1);
            one.episode = u32::try_from(i + 1).ok();
            one.duration = Millis(seconds * 1000 + i as i64 * 7);
            if collection == "col.films" {
                one.asset_type = AssetType::Movie;
            }
            assets.push(one);
        }
    }
    for seconds in [15, 40] {
        let mut filler = asset(&format!("asset.filler.{seconds}"), "col.filler", seconds);
        filler.asset_type = AssetType::Filler;
        assets.push(filler);
    }
    let programmes = ["short", "sitcom", "drama", "films"].map(|name| Programme {
        id: format!("p.{name}"),
        title: name.into(),
        collection: format!("col.{name}"),
    });
    Snapshot::new(assets, [], programmes)
}

fn build(texts: &[&str]) -> Result<(Programming, Report), Report> {
    let channels = texts.iter().map(|t| parse(t)).map(|spec| (info(&spec.id), spec)).collect();
    Programming::new(ProgrammingParts {
        format: default_format(),
        channels,
        resolver: &snapshot(),
        filler: None,
        black_uri: "/black.mp4".into(),
        seed: DEFAULT_SEED,
    })
}

/// All day long in a fast grid, with an evening of its own on Saturdays.
const FAST: &str = "channel: fast\ntimezone: America/New_York\ngrid: 60s\nschedule:\n  daily:\n    start: '06:00'\n    until: '06:00'\n    slots:\n      - {program: p.short}\n      - {program: p.films, episode_selector: {mode: random}}\n  saturday:\n    - {start: '20:01', program: p.drama}\n";

/// Evenings only, several layers, a film that may be too long for its place.
const LAYERED: &str = "channel: layered\ntimezone: America/New_York\nschedule:\n  daily:\n    - {start: '08:00', until: '20:00', program: p.sitcom}\n    - {start: '22:00', program: p.drama}\n  weekends:\n    - {start: '09:30', program: p.films}\n    - {start: '01:30', until: '04:00', program: p.sitcom, episode_selector: {mode: random}}\n  sunday:\n    - start: '21:30'\n      movie_selector: {collections: [col.films], max_duration_sec: 8000}\n";

const PREMIUM: &str = "channel: premium\ntimezone: Europe/London\ntemplate: premium_movie\nschedule:\n  daily: {start: '06:00', until: '06:00', movie_selector: {collections: [col.films]}}\n";

const EMPTY: &str = "channel: empty\ntimezone: Asia/Kathmandu\nschedule:\n  daily: []\n";

fn all() -> Programming {
    build(&[FAST, LAYERED, PREMIUM, EMPTY]).unwrap().0
}

/// Lengths come from files, and a damaged one may claim any.
#[test]
fn an_asset_of_impossible_length_is_none() {
    let long = |id: &str, duration| AssetMetadata { duration, ..asset(id, "col.x", 1) };
    let spec = parse(
        "channel: x\nschedule: {daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.x}}}\n",
    );
    for duration in [Millis(i64::MAX), Millis(i64::MAX - 10_000_000), Millis(LONGEST_ASSET.0 + 1)] {
        let assets = [long("real", Millis(1_320_000)), long("claimed", duration)];
        let resolver = Snapshot::new(assets, ["col.x".to_owned()], []);
        let (programming, _) = Programming::new(ProgrammingParts {
            format: default_format(),
            channels: vec![(info("x"), spec.clone())],
            resolver: &resolver,
            filler: None,
            black_uri: "/black.mp4".into(),
            seed: DEFAULT_SEED,
        })
        .unwrap();
        let block = programming.block_at("x", UtcMs(1_000_000_000_000), &BTreeSet::new()).unwrap();
        assert_eq!(block.segments[0].asset_uri, "/m/real.mp4", "{duration}");
        assert!(resolver.lookup("claimed").is_none(), "{duration}");
    }
    let kept = Snapshot::new([long("longest", LONGEST_ASSET)], ["col.x".to_owned()], []);
    assert_eq!(kept.collection("col.x").map(<[_]>::len), Some(1));
}

fn ms(text: &str) -> UtcMs {
    UtcMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// Days about the changes of the clocks in New York and London, and about a run's new beginning.
const WATCHED: [&str; 6] = [
    "2026-03-07T00:00:00Z",
    "2026-10-31T00:00:00Z",
    "2026-03-28T00:00:00Z",
    "2026-10-24T12:00:00Z",
    "2025-12-28T00:00:00Z",
    "1999-12-31T00:00:00Z",
];

thread_local! { static CATALOG: Snapshot = snapshot(); }

fn judge(block: &BlockPlan) {
    let length = block.end_utc_ms.since(block.start_utc_ms);
    assert!(length > Millis(0));
    let sum: i64 = block.segments.iter().map(|s| s.segment_duration_ms.0).sum();
    assert_eq!(sum, length.0, "{}", block.block_id);
    for (index, segment) in block.segments.iter().enumerate() {
        assert_eq!(segment.segment_index as usize, index);
        assert!(segment.segment_duration_ms > Millis(0) && segment.asset_start_offset_ms >= Millis(0));
        // Nothing is shown past its asset's end.
        let known = CATALOG.with(|catalog| catalog.by_uri(&segment.asset_uri).map(|asset| asset.duration));
        if let Some(duration) = known {
            let end = segment.asset_start_offset_ms + segment.segment_duration_ms;
            assert!(end <= duration, "{segment:?} of {duration}");
        }
    }
}

#[test]
fn the_first_example_of_seed_004_compiles_as_it_shows() {
    let resolver = StubAssetResolver::parse(Path::new("assets.json"), SEED_ASSETS).unwrap();
    let (channel, warnings) = SingleChannel::resolve(&parse(SEED_SITCOMS), &resolver, None, 42).unwrap();
    assert!(warnings.findings().is_empty(), "{warnings}");
    let day = channel.day(channel.anchor()).unwrap();
    let source = Source { dsl_path: "x.yaml".into(), git_commit: None, compiler_version: "2.0.0" };
    let json = serde_json::to_value(day.program_schedule(source.clone())).unwrap();
    assert_eq!(json["version"], "program-schedule.v2");
    assert_eq!(json["broadcast_day"], "1989-10-12");
    assert_eq!(
        json["program_blocks"][0],
        serde_json::json!({
            "title": "The Cosby Show",
            "asset_id": "asset.episodes.coz_s3e01",
            "start_at": "1989-10-12T20:00:00-04:00",
            "slot_duration_sec": 1800,
            "episode_duration_sec": 1320,
            "collection": "col.cozby_show_s3",
            "selector": {"mode": "sequential", "seed": 42}
        })
    );
    assert_eq!(json["program_blocks"][2]["start_at"], "1989-10-12T21:00:00-04:00");
    let hash = json["hash"].as_str().unwrap().to_owned();
    assert_eq!(hash.len(), "sha256:".len() + 64);

    // The next weeknight is a Friday, then comes Monday: the run goes on where it was.
    for (day, asset_id) in
        [(date(1989, 10, 13), "asset.episodes.coz_s3e02"), (date(1989, 10, 16), "asset.episodes.coz_s3e01")]
    {
        let schedule = channel.day(day).unwrap().program_schedule(source.clone());
        assert_eq!(schedule.program_blocks[0].asset_id, asset_id, "{day}");
        assert_ne!(schedule.hash, hash);
    }
    assert!(
        channel.day(date(1989, 10, 14)).unwrap().program_schedule(source.clone()).program_blocks.is_empty()
    );

    // The same again, elsewhere: the same hash.
    let elsewhere = Source { dsl_path: "/other/x.yaml".into(), ..source };
    assert_eq!(channel.day(channel.anchor()).unwrap().program_schedule(elsewhere).hash, hash);

    // Three breaks of 2:40, each two whole fillers and black.
    let blocks = day.blocks(&info("retro_prime"), "/black.mp4");
    let cosby = blocks.iter().find(|b| b.segments.iter().any(|s| s.asset_uri == "coz1.mp4")).unwrap();
    judge(cosby);
    let shape: Vec<(&str, i64)> =
        cosby.segments.iter().map(|s| (s.asset_uri.as_str(), s.segment_duration_ms.0)).collect();
    let ads = [("filler.mp4", 60_000), ("filler.mp4", 60_000), ("/black.mp4", 40_000)];
    let acts = [300_000, 400_000, 400_000, 220_000].map(|d| ("coz1.mp4", d));
    assert_eq!(shape, [&acts[..1], &ads, &acts[1..2], &ads, &acts[2..3], &ads, &acts[3..]].concat());
}

/// Seed 004's second example, over a catalog that satisfies it.
#[test]
fn the_second_example_of_seed_004_compiles() {
    let text = r#"
channel: retro_movies
broadcast_day: 1989-10-14
timezone: America/New_York
template: premium_movie

schedule:
  saturday:
    - start: "20:00"
      movie_selector:
        collections:
          - col.movies.blockbusters_70s_90s
          - col.movies.family_adventure
        rating:
          include: [PG, PG-13]
        min_cooldown_days: 21
        max_duration_sec: 7200
    - start: "22:30"
      movie_selector:
        collections:
          - col.movies.late_night_thrillers
        rating:
          include: [R]
        min_cooldown_days: 45
        max_duration_sec: 9000
"#;
    let mut assets = Vec::new();
    for (collection, rating, seconds) in [
        ("col.movies.blockbusters_70s_90s", "PG", 6600),
        ("col.movies.blockbusters_70s_90s", "R", 6600),
        ("col.movies.blockbusters_70s_90s", "PG-13", 7201),
        ("col.movies.family_adventure", "PG-13", 5400),
        ("col.movies.late_night_thrillers", "R", 9000),
        ("col.movies.late_night_thrillers", "PG", 5000),
    ] {
        for copy in 0..9 {
            let mut film = asset(&format!("{collection}.{rating}.{copy}"), collection, seconds);
            (film.asset_type, film.rating) = (AssetType::Movie, Some(rating.to_owned()));
            assets.push(film);
        }
    }
    let resolver = Snapshot::new(assets, [], []);
    let (channel, warnings) = SingleChannel::resolve(&parse(text), &resolver, None, 42).unwrap();
    assert!(warnings.findings().is_empty(), "{warnings}");
    let mut aired = std::collections::BTreeMap::new();
    for week in 0..60 {
        let date = date(1989, 10, 14).checked_add(jiff::ToSpan::weeks(week)).unwrap();
        let day = channel.day(date).unwrap();
        let blocks = day.program_schedule(Source::default()).program_blocks;
        assert_eq!(blocks.len(), 2);
        assert!(blocks[0].start_at.contains("T20:00:00-0") && blocks[1].start_at.contains("T22:30:00-0"));
        assert!(matches!(blocks[0].episode_duration_sec.as_i64(), Some(6600 | 5400)), "{:?}", blocks[0]);
        assert_eq!(blocks[1].slot_duration_sec.as_i64(), Some(9000));
        assert!(blocks[1].asset_id.contains(".R."));
        for (block, cooldown) in blocks.iter().zip([21, 45]) {
            if let Some(before) = aired.insert(block.asset_id.clone(), week) {
                assert!((week - before) * 7 >= cooldown, "{} after {} weeks", block.asset_id, week - before);
            }
        }
    }
}

#[test]
fn blocks_meet_over_days_and_changes_of_the_clocks() {
    let programming = all();
    let none = BTreeSet::new();
    for channel in programming.channels() {
        for from in WATCHED {
            let mut at = ms(from);
            let end = at.plus(Millis(3 * 86_400_000));
            let mut ids = BTreeSet::new();
            let mut block = programming.block_at(&channel.id, at, &none).unwrap();
            assert!(block.start_utc_ms <= at && at < block.end_utc_ms);
            while block.end_utc_ms < end {
                judge(&block);
                assert!(ids.insert(block.block_id.clone()), "{} twice", block.block_id);
                at = block.end_utc_ms;
                let next = programming.block_at(&channel.id, at, &none).unwrap();
                assert_eq!(next.start_utc_ms, at, "{} {}", channel.id, block.block_id);
                block = next;
            }
        }
    }
}

#[test]
fn the_guide_is_what_airs() {
    let programming = all();
    let none = BTreeSet::new();
    for channel in programming.channels() {
        for from in WATCHED {
            let (from, to) = (ms(from), ms(from).plus(Millis(2 * 86_400_000)));
            let events = programming.guide(&channel.id, from, to).unwrap();
            assert!(events.first().is_some_and(|e| e.start <= from && from < e.end));
            assert!(events.last().is_some_and(|e| e.start < to && to <= e.end));
            for pair in events.windows(2) {
                assert_eq!(pair[0].end, pair[1].start, "{}", channel.id);
            }
            for event in &events {
                let block = programming.block_at(&channel.id, event.start, &none).unwrap();
                assert_eq!(block.start_utc_ms, event.start);
                let filler = event.category == GuideCategory::Interstitial;
                assert_eq!(filler, block.segments.iter().all(|s| s.metadata["kind"] != "act"));
                if filler {
                    assert_eq!(event.title, "The Channel");
                    assert!(block.end_utc_ms.since(block.start_utc_ms) <= Millis(1_800_000));
                } else {
                    assert_eq!(block.end_utc_ms, event.end);
                }
            }
            // Whatever window asks for them, events are the same.
            let later = programming.guide(&channel.id, from.plus(Millis(3_600_000)), to).unwrap();
            assert!(events.ends_with(&later));
        }
    }
}

#[test]
fn the_day_of_the_spring_change_keeps_to_the_wall_clock() {
    let programming = all();
    // 2026-03-08 02:00 becomes 03:00 in New York; the Saturday block runs 01:30 to 04:00 by the wall.
    let events =
        programming.guide("layered", ms("2026-03-08T06:30:00Z"), ms("2026-03-08T08:00:00Z")).unwrap();
    let spans: Vec<(UtcMs, UtcMs)> = events.iter().map(|e| (e.start, e.end)).collect();
    let line = |text| ms(text);
    assert_eq!(
        spans,
        [
            (line("2026-03-08T06:30:00Z"), line("2026-03-08T07:00:00Z")),
            (line("2026-03-08T07:00:00Z"), line("2026-03-08T07:30:00Z")),
            (line("2026-03-08T07:30:00Z"), line("2026-03-08T08:00:00Z")),
        ]
    );
    let after = programming.guide("layered", ms("2026-03-08T08:00:00Z"), ms("2026-03-08T08:00:01Z")).unwrap();
    assert_eq!(after[0].category, GuideCategory::Interstitial);
}

#[test]
fn what_is_specific_has_its_time_and_the_general_goes_round_it() {
    let programming = all();
    // Saturday 2026-06-06 in New York, 09:30 local is 13:30 UTC.
    let events =
        programming.guide("layered", ms("2026-06-06T12:00:00Z"), ms("2026-06-06T18:00:00Z")).unwrap();
    let titles: Vec<&str> = events.iter().map(|e| e.title.as_str()).collect();
    let film = titles.iter().position(|t| *t == "films").unwrap();
    assert_eq!(events[film].start, ms("2026-06-06T13:30:00Z"));
    assert!(
        titles[..film].iter().all(|t| *t == "sitcom") && titles[film + 1..].iter().all(|t| *t == "sitcom")
    );
    let fast = programming.guide("fast", ms("2026-06-06T23:59:00Z"), ms("2026-06-07T00:03:00Z")).unwrap();
    assert!(fast.iter().any(|e| e.title == "drama" && e.start == ms("2026-06-07T00:01:00Z")), "{fast:?}");
}

#[test]
fn films_are_not_broken_and_what_is_left_comes_after() {
    let programming = all();
    let block = programming.block_at("premium", ms("2026-06-06T12:00:00Z"), &BTreeSet::new()).unwrap();
    let kinds: Vec<&str> = block.segments.iter().filter_map(|s| s.metadata["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "act").count(), 1);
    assert_eq!(kinds[0], "act");
    assert_eq!(block.end_utc_ms.since(block.start_utc_ms).0 % 900_000, 0);
}

#[test]
fn an_avoided_asset_gives_way_to_filler_for_all_its_time() {
    let programming = all();
    let at = ms("2026-06-06T12:00:00Z");
    let plain = programming.block_at("layered", at, &BTreeSet::new()).unwrap();
    let film = plain.segments[0].asset_uri.clone();
    let mut avoid = BTreeSet::from([film.clone()]);
    let block = programming.block_at("layered", at, &avoid).unwrap();
    judge(&block);
    assert_eq!((block.start_utc_ms, block.end_utc_ms), (plain.start_utc_ms, plain.end_utc_ms));
    assert!(block.segments.iter().all(|s| s.asset_uri != film));
    assert!(block.segments.iter().any(|s| s.asset_uri.contains("filler")));
    avoid.extend(block.segments.iter().map(|s| s.asset_uri.clone()));
    avoid.extend(["/m/asset.filler.15.mp4".to_owned(), "/m/asset.filler.40.mp4".to_owned()]);
    let block = programming.block_at("layered", at, &avoid).unwrap();
    judge(&block);
    assert!(block.segments.iter().all(|s| s.asset_uri == "/black.mp4"));
}

#[test]
fn answers_do_not_depend_on_what_was_asked_before() {
    let none = BTreeSet::new();
    let instants: Vec<UtcMs> =
        (0..40).map(|i| ms("2026-02-20T03:17:00Z").plus(Millis(i * 40_000_000))).collect();
    let forward = all();
    let backward = all();
    let ask = |p: &Programming, at: &UtcMs| p.block_at("fast", *at, &none).unwrap();
    let first: Vec<BlockPlan> = instants.iter().map(|at| ask(&forward, at)).collect();
    let mut second: Vec<BlockPlan> = instants.iter().rev().map(|at| ask(&backward, at)).collect();
    second.reverse();
    assert_eq!(first, second);
}

#[test]
fn references_to_nothing_and_what_cannot_fit_are_all_said_with_near_names() {
    let text = "channel: wrong\nfiller: col.filer\nschedule:\n  daily:\n    - {start: '06:00', program: p.sitcm}\n    - {start: '07:00', episode_selector: {collection: col.dramas}}\n    - {start: '08:00', program: p.films}\n    - {start: '08:30', program: p.sitcom}\n    - {start: '08:30', program: p.sitcom}\n    - {start: '12:00', until: '14:00', program: p.sitcom}\n    - {start: '13:00', program: p.sitcom}\n    - {start: '20:00', movie_selector: {collections: [col.films], max_duration_sec: 60}}\n";
    let report = build(&[text]).unwrap_err();
    let found: Vec<(usize, String)> =
        report.findings().iter().map(|d| (d.place().line, d.to_string())).collect();
    for (line, part) in [
        (2, "did you mean col.filler"),
        (5, "did you mean p.sitcom?"),
        (6, "did you mean col.drama?"),
        (7, "takes 1:30:00 of the grid and there is room for 0:30:00 until 08:30"),
        (8, "another block starts at 08:30"),
        (10, "over the one that starts at 13:00"),
        (12, "\"duration ..1m\" turns 3 away"),
    ] {
        assert!(found.iter().any(|(l, text)| *l == line && text.contains(part)), "{line} {part}: {report}");
    }
}

#[test]
fn instants_outside_the_calendar_and_unknown_channels_are_refused() {
    let programming = all();
    let none = BTreeSet::new();
    for at in [i64::MIN, i64::MAX, 253_402_300_799_999, -70_000_000_000_000] {
        assert!(programming.block_at("fast", UtcMs(at), &none).is_err(), "{at}");
    }
    assert!(programming.block_at("nix", UtcMs(0), &none).is_err());
    assert!(programming.guide("fast", UtcMs(0), UtcMs(40 * 86_400_000)).is_err());
}

#[test]
fn an_explanation_says_rule_slot_pool_position_and_what_was_refused() {
    let programming = all();
    // Sunday 2026-06-07, 21:30 in New York: a film of at most 8000 seconds.
    let why = programming.explain("layered", ms("2026-06-08T02:00:00Z")).unwrap();
    let (rule, slot, pool) = (why.rule.unwrap(), why.slot.unwrap(), why.pool.unwrap());
    assert_eq!((why.airs, rule.days.as_str(), rule.precedence), ("programme", "sunday", 2));
    assert_eq!((rule.block_start.as_str(), rule.block_at.as_str()), ("21:30", "programming/x.yaml:11:14"));
    assert_eq!((slot.number, slot.of, slot.selector), (1, 1, "movie_selector"));
    assert_eq!((pool.from.as_str(), pool.size, pool.mode), ("col.films [duration ..8000s]", 2, "random"));
    assert_eq!(pool.turned_away[0].assets, ["asset.films.2"]);
    assert_eq!(why.start_at, "2026-06-07T21:30:00-04:00");
    // What airs is what is explained, and the general rule that wanted 22:00 is told of.
    let block = programming.block_at("layered", ms("2026-06-08T02:00:00Z"), &BTreeSet::new()).unwrap();
    assert_eq!(block.segments[0].metadata["asset_id"], why.asset_id.unwrap().as_str());
    assert!(why.passed_over.iter().any(|line| line.starts_with("daily from 22:00")), "{:?}", why.passed_over);
    let filler = programming.explain("empty", ms("2026-06-08T02:00:00Z")).unwrap();
    assert_eq!((filler.airs, filler.rule, filler.sentences.len()), ("filler", None, 1));
    // Whatever is asked about, the explanation is of what airs.
    for channel in programming.channels() {
        for step in 0..200 {
            let at = ms("2026-03-07T00:00:00Z").plus(Millis(step * 1_900_000));
            let why = programming.explain(&channel.id, at).unwrap();
            let event = &programming.guide(&channel.id, at, at.plus(Millis(1))).unwrap()[0];
            assert_eq!(
                why.title.as_deref().unwrap_or("The Channel"),
                event.title,
                "{} {}",
                channel.id,
                why.at
            );
            assert_eq!(why.airs == "filler", event.category == GuideCategory::Interstitial);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn there_is_a_block_at_any_instant_and_another_meets_it(
        at in 0i64..4_102_444_800_000, which in 0usize..4,
    ) {
        thread_local! { static STATION: Programming = all(); }
        STATION.with(|programming| {
            let channel = programming.channels()[which].id.clone();
            let none = BTreeSet::new();
            let block = programming.block_at(&channel, UtcMs(at), &none).unwrap();
            judge(&block);
            assert!(block.start_utc_ms <= UtcMs(at) && UtcMs(at) < block.end_utc_ms);
            let next = programming.block_at(&channel, block.end_utc_ms, &none).unwrap();
            assert_eq!(next.start_utc_ms, block.end_utc_ms);
            let same = programming.block_at(&channel, UtcMs(block.end_utc_ms.0 - 1), &none).unwrap();
            assert_eq!(same, block);
        });
    }
}

/// Cues stand where acts and breaks meet, only where the format has cues, and only in programmes.
#[test]
fn breaks_are_cued_where_the_format_has_cues() {
    let build = |cues: bool| {
        let channels = [FAST, LAYERED].iter().map(|t| parse(t)).map(|spec| (info(&spec.id), spec)).collect();
        let parts = ProgrammingParts {
            format: HouseFormat { cues, ..default_format() },
            channels,
            resolver: &snapshot(),
            filler: None,
            black_uri: "/black.mp4".into(),
            seed: DEFAULT_SEED,
        };
        Programming::new(parts).unwrap().0
    };
    let (with, without) = (build(true), build(false));
    let mut cued = 0;
    for channel in ["fast", "layered"] {
        let mut at = ms("2026-03-07T18:00:00Z");
        while at < ms("2026-03-08T18:00:00Z") {
            let block = with.block_at(channel, at, &BTreeSet::new()).unwrap();
            let plain = without.block_at(channel, at, &BTreeSet::new()).unwrap();
            assert_eq!(plain, BlockPlan { cues: vec![], ..block.clone() });
            // Where the kind of the segments changes, from the segments alone.
            let (mut edges, mut begin, mut was_act) = (Vec::new(), 0, true);
            for segment in &block.segments {
                let is_act = segment.metadata["kind"] == "act";
                if is_act != was_act {
                    edges.push((begin, !is_act));
                }
                (begin, was_act) = (begin + segment.segment_duration_ms.0, is_act);
            }
            if !was_act {
                edges.push((begin, false));
            }
            if block.segments.iter().all(|segment| segment.metadata["kind"] != "act") {
                edges.clear();
            }
            let told: Vec<(i64, bool)> = block
                .cues
                .iter()
                .map(|cue| match (cue.at, &cue.command) {
                    (CuePlace::AtMs(at), CueCommand::SpliceInsert(insert)) => (at.0, insert.out_of_network),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(told, edges, "{}", block.block_id);
            cued += told.len();
            at = block.end_utc_ms;
        }
    }
    assert!(cued > 300, "{cued} cues");
}
