//! Traffic as a whole: what a day's and a year's breaks hold, against rules worked out apart from the code that fills.

use super::pool::tests::asset;
use super::shuffle::SplitMix;
use super::{
    CatalogBook, ChannelInfo, DEFAULT_SEED, MemoryBook, Programming, ProgrammingParts, RotationBook,
};
use crate::air::as_run::SessionRun;
use crate::air::channel::News;
use crate::catalog::{AssetMetadata, AssetType, Catalog, DATABASE_FILE, Snapshot};
use crate::config::default_format;
use crate::dsl::parse_channel;
use crate::yaml::Document;
use proptest::prelude::*;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameRate, Millis, UtcMs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const DAY: i64 = 86_400_000;

/// A series of 22 minutes with three chapter marks, films, a clock for filler, and spots of the lengths given, in
/// milliseconds, by collection.
fn catalog(spots: &[(&str, AssetType, &[i64])]) -> Snapshot {
    let mut assets: Vec<AssetMetadata> = Vec::new();
    for episode in 1..=40u32 {
        let mut one = asset(&format!("asset.diner.{episode:02}"), "col.diner", 22 * 60);
        (one.season, one.episode) = (Some(1), Some(episode));
        one.chapter_markers = Some([300, 700, 1100].map(|s| Millis(s * 1000)).to_vec());
        assets.push(one);
    }
    for film in 0..5 {
        let mut one = asset(&format!("asset.film.{film}"), "col.films", 5000 + film * 613);
        one.asset_type = AssetType::Movie;
        assets.push(one);
    }
    let mut clock = asset("asset.clock", "col.clock", 20);
    clock.asset_type = AssetType::Filler;
    assets.push(clock);
    for (name, kind, lengths) in spots {
        for (i, length) in lengths.iter().enumerate() {
            let mut one = asset(&format!("asset.{name}.{i:02}"), &format!("col.{name}"), 1);
            (one.asset_type, one.duration) = (*kind, Millis(*length));
            assets.push(one);
        }
    }
    Snapshot::new(assets, [], [])
}

/// Usual spots: sixty adverts, some trailers, bumpers and idents.
pub(crate) fn usual() -> Snapshot {
    let adverts: Vec<i64> =
        (0..60).map(|i| [15_000, 30_000, 20_000, 12_480, 60_000, 30_030, 10_010, 27_600][i % 8]).collect();
    catalog(&[
        ("ads", AssetType::Commercial, &adverts),
        ("promos", AssetType::Promo, &[20_000, 25_000, 30_000, 20_000, 15_000, 30_000]),
        ("bumpers", AssetType::Bumper, &[5000, 4000, 5000]),
        ("idents", AssetType::Bumper, &[3000, 2960]),
    ])
}

pub(crate) fn channel(traffic: &str) -> String {
    format!(
        "channel: one\ntimezone: America/New_York\nbroadcast_day: 2026-01-01\ntraffic: {traffic}\nschedule:\n  daily:\n    \
         - {{start: '06:00', until: '02:00', episode_selector: {{collection: col.diner}}}}\n    \
         - {{start: '02:00', movie_selector: {{collections: [col.films]}}}}\n"
    )
}

pub(crate) fn programming(text: &str, resolver: &Snapshot, channel_id: i32) -> Programming {
    let spec = parse_channel(Document::parse(Path::new("one.yaml"), text).unwrap()).unwrap().0;
    let info = ChannelInfo { id: "one".into(), channel_id, number: 1, name: "One".into() };
    let built = Programming::new(ProgrammingParts {
        format: default_format(),
        channels: vec![(info, spec)],
        resolver,
        filler: None,
        black_uri: "/black.mp4".into(),
        seed: DEFAULT_SEED,
    });
    built.unwrap_or_else(|report| panic!("{report}")).0
}

pub(crate) fn ms(text: &str) -> UtcMs {
    UtcMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn ask(programming: &Programming, at: UtcMs) -> BlockPlan {
    programming.block_at("one", at, &BTreeSet::new()).unwrap()
}

/// Blocks from an instant on, for so long.
fn blocks(programming: &Programming, from: UtcMs, length: i64) -> Vec<BlockPlan> {
    let mut blocks = vec![ask(programming, from)];
    while blocks.last().is_some_and(|b| b.end_utc_ms < from.plus(Millis(length))) {
        let at = blocks.last().unwrap().end_utc_ms;
        blocks.push(ask(programming, at));
    }
    blocks
}

/// Breaks of blocks, each with the ids, kinds and lengths of what is in it.
fn breaks(blocks: &[BlockPlan]) -> Vec<Vec<(String, String, i64)>> {
    let mut breaks = Vec::new();
    for block in blocks {
        if block.segments.iter().all(|s| s.metadata["kind"] != "act") {
            continue;
        }
        for stretch in block.segments.split(|s| s.metadata["kind"] == "act").filter(|s| !s.is_empty()) {
            let text = |value: Option<&serde_json::Value>| {
                value.and_then(|v| v.as_str()).unwrap_or_default().to_owned()
            };
            breaks.push(
                stretch
                    .iter()
                    .map(|s| {
                        (
                            text(s.metadata.get("asset_id")),
                            text(s.metadata.get("kind")),
                            s.segment_duration_ms.0,
                        )
                    })
                    .collect(),
            );
        }
    }
    breaks
}

/// The rules as a person would check them: sums, nothing beyond its end, cooldown and caps of every spot.
#[derive(Default)]
struct Judge {
    starts: BTreeMap<String, Vec<i64>>,
}

struct Rules {
    cooldown: i64,
    per_hour: usize,
    per_day: usize,
}

impl Judge {
    fn block(&mut self, block: &BlockPlan, catalog: &Snapshot, prefix: &str, rules: &Rules) {
        let mut at = block.start_utc_ms;
        for segment in &block.segments {
            assert!(segment.segment_duration_ms > Millis(0));
            let id = segment.metadata.get("asset_id").and_then(|id| id.as_str()).unwrap_or_default();
            let end = segment.asset_start_offset_ms + segment.segment_duration_ms;
            match catalog.assets().find(|asset| asset.id == id) {
                Some(asset) => assert!(end <= asset.duration, "{id} beyond its end in {}", block.block_id),
                None => assert_eq!(segment.asset_uri, "/black.mp4"),
            }
            if id.starts_with(prefix) {
                let starts = self.starts.entry(id.to_owned()).or_default();
                if let Some(before) = starts.last() {
                    let since = at.0 - before;
                    assert!(since >= rules.cooldown, "{id} after {since} ms in {}", block.block_id);
                }
                starts.push(at.0);
                let hour = starts.iter().filter(|start| **start > at.0 - 3_600_000).count();
                assert!(hour <= rules.per_hour, "{id} {hour} times within the hour of {at}");
            }
            at = at.plus(segment.segment_duration_ms);
        }
        assert_eq!(at, block.end_utc_ms, "{}", block.block_id);
    }

    /// Caps by the day: of the broadcast days that begin at 06:00 in New York.
    fn days(&self, rules: &Rules) {
        for (id, starts) in &self.starts {
            let mut days: BTreeMap<i64, usize> = BTreeMap::new();
            let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
            for start in starts {
                let offset = zone.to_offset(jiff::Timestamp::from_millisecond(*start).unwrap()).seconds();
                *days
                    .entry((start + i64::from(offset) * 1000 - 6 * 3_600_000).div_euclid(DAY))
                    .or_default() += 1;
            }
            assert!(days.values().all(|n| *n <= rules.per_day), "{id}: {days:?}");
        }
    }
}

const FREE: Rules = Rules { cooldown: 0, per_hour: usize::MAX, per_day: usize::MAX };

/// Seed 004's example: three breaks of 2:40, from a bumper to a bumper, to the millisecond.
#[test]
fn the_breaks_of_a_sitcom_are_filled_as_their_form_says() {
    let catalog = usual();
    let text = "{commercials: {collection: col.ads, cooldown: 30m}, promos: col.promos, bumpers: col.bumpers, idents: col.idents}";
    let programming = programming(&channel(text), &catalog, 1);
    let block = ask(&programming, ms("2026-03-02T15:00:00Z"));
    Judge::default().block(&block, &catalog, "asset.ads", &FREE);
    let breaks = breaks(&[block]);
    assert_eq!(breaks.len(), 3);
    for one in &breaks {
        assert_eq!(one.iter().map(|(_, _, length)| length).sum::<i64>(), 160_000);
        let mut kinds: Vec<&str> = one.iter().map(|(_, kind, _)| kind.as_str()).collect();
        kinds.dedup();
        kinds.retain(|kind| *kind != "black");
        assert_eq!(kinds, ["bumper", "commercial", "promo", "ident", "bumper"], "{one:?}");
        let black: i64 = one.iter().filter(|(_, kind, _)| kind == "black").map(|(_, _, length)| length).sum();
        assert!(black < 3000, "sixty adverts fill all but a moment of it: {one:?}");
    }
}

#[test]
fn a_break_takes_the_form_that_it_is_given() {
    let catalog = usual();
    let all = "commercials: col.ads, promos: col.promos, bumpers: col.bumpers, idents: col.idents";
    for (traffic, expect) in [
        ("{commercials: col.ads}".to_owned(), &["commercial"][..]),
        ("{promos: col.promos}".to_owned(), &["promo"]),
        (
            format!("{{{all}, break: [ident, promos, commercials, ident]}}"),
            &["ident", "promo", "commercial", "ident"],
        ),
        (format!("{{{all}, break: [commercial, promo]}}"), &["commercial", "promo"]),
        ("none".to_owned(), &["filler"]),
    ] {
        let programming = programming(&channel(&traffic), &catalog, 1);
        let mut seen = BTreeSet::new();
        for one in breaks(&blocks(&programming, ms("2026-03-02T15:00:00Z"), DAY / 4)) {
            let mut kinds: Vec<&str> = one.iter().map(|(_, kind, _)| kind.as_str()).collect();
            kinds.retain(|kind| *kind != "black" && (*kind != "filler" || traffic == "none"));
            kinds.dedup();
            // Spots of several parts that fill take turns, so one of the parts may have none.
            let mut parts = expect.iter();
            assert!(kinds.iter().all(|kind| parts.any(|part| part == kind)), "{traffic}: {one:?}");
            assert!(expect.len() == 4 || kinds == expect, "{traffic}: {one:?}");
            seen.extend(kinds.into_iter().map(str::to_owned));
        }
        assert!(expect.iter().all(|part| seen.contains(*part)), "{traffic}: {seen:?}");
    }
}

/// Only what is forbidden by a cooldown stays away; without one a pool that is too small comes again, by turns.
#[test]
fn a_small_pool_repeats_unless_its_cooldown_forbids_it() {
    let catalog = catalog(&[("ads", AssetType::Commercial, &[30_000, 30_000, 30_000])]);
    let from = ms("2026-03-02T15:00:00Z");
    let free = programming(&channel("{commercials: col.ads}"), &catalog, 1);
    for one in breaks(&blocks(&free, from, DAY / 8)).iter().filter(|one| one.len() > 2) {
        let ids: Vec<&str> = one.iter().filter(|p| p.1 == "commercial").map(|p| p.0.as_str()).collect();
        assert_eq!(ids.len() as i64, one.iter().map(|p| p.2).sum::<i64>() / 30_000, "{one:?}");
        assert!(ids.windows(3).all(|w| w[0] != w[1] && w[1] != w[2] && w[0] != w[2]), "{ids:?}");
    }
    let rules = Rules { cooldown: 3_600_000, ..FREE };
    let cooled = programming(&channel("{commercials: {collection: col.ads, cooldown: 1h}}"), &catalog, 1);
    let mut judge = Judge::default();
    let day = blocks(&cooled, from, DAY);
    day.iter().for_each(|block| judge.block(block, &catalog, "asset.ads", &rules));
    assert!(judge.starts.values().all(|starts| starts.len() >= 20), "about one an hour: {:?}", judge.starts);
    assert!(breaks(&day).iter().flatten().any(|p| p.1 == "filler"), "filler takes what is left");
}

#[test]
fn nothing_comes_twice_in_a_break_or_in_neighbouring_ones_while_there_is_enough() {
    let catalog = usual();
    let programming = programming(&channel("{commercials: col.ads}"), &catalog, 1);
    let day = breaks(&blocks(&programming, ms("2026-03-02T12:00:00Z"), DAY * 3 / 4));
    let spots: Vec<BTreeSet<&str>> = day
        .iter()
        .map(|one| {
            let ids: Vec<&str> = one.iter().filter(|p| p.1 == "commercial").map(|p| p.0.as_str()).collect();
            let set: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(set.len(), ids.len(), "{ids:?}");
            set
        })
        .collect();
    assert!(spots.windows(2).all(|pair| pair[0].is_disjoint(&pair[1])));
    // All of them have their turn, the least about as often as the most.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    spots.iter().flatten().for_each(|id| *counts.entry(id).or_default() += 1);
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert!(counts.len() == 60 && least * 2 + 2 >= *most, "{counts:?}");
}

#[test]
fn what_weighs_more_airs_more_often() {
    let catalog = catalog(&[("ads", AssetType::Commercial, &[20_000; 40])]);
    let text = "{commercials: {collection: col.ads, weights: {asset.ads.07: 3, asset.ads.09: 0}}}";
    let programming = programming(&channel(text), &catalog, 1);
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for (id, ..) in breaks(&blocks(&programming, ms("2026-03-02T12:00:00Z"), 4 * DAY)).into_iter().flatten() {
        *counts.entry(id).or_default() += 1;
    }
    let (heavy, usual) = (counts["asset.ads.07"], counts["asset.ads.08"]);
    assert!(!counts.contains_key("asset.ads.09"), "{counts:?}");
    assert!((usual * 5 / 2..=usual * 7 / 2).contains(&heavy), "{heavy} and {usual}");
}

#[test]
fn a_short_break_is_not_bumpers_alone() {
    // 29:40 of a half hour leave 6.666 s to a break: one bumper has less than half of it.
    let mut assets: Vec<AssetMetadata> = usual().assets().map(|asset| (**asset).clone()).collect();
    assets.iter_mut().filter(|a| a.collection == "col.diner").for_each(|a| a.duration = Millis(1_780_000));
    let mut short = asset("asset.ads.short", "col.ads", 3);
    short.asset_type = AssetType::Commercial;
    assets.push(short);
    let catalog = Snapshot::new(assets, [], []);
    let text = "{commercials: {collection: col.ads}, idents: col.idents, break: [ident, commercials, ident]}";
    let programming = programming(&channel(text), &catalog, 1);
    for one in breaks(&blocks(&programming, ms("2026-03-02T15:00:00Z"), DAY / 8)) {
        let kinds: Vec<&str> = one.iter().map(|p| p.1.as_str()).collect();
        assert_eq!(kinds, ["ident", "commercial", "black"], "{one:?}");
    }
}

/// A failed advert's time is filled with others, and nothing else changes anywhere.
#[test]
fn a_make_good_keeps_the_rules_and_leaves_other_breaks_as_they_are() {
    let catalog = usual();
    let rules = Rules { cooldown: 45 * 60_000, per_hour: 1, per_day: 9 };
    let text = "{commercials: {collection: col.ads, cooldown: 45m, max_per_hour: 1, max_per_day: 9}, bumpers: col.bumpers}";
    let programming = programming(&channel(text), &catalog, 1);
    let day = blocks(&programming, ms("2026-03-02T11:00:00Z"), DAY - 3_600_000);
    let mut mended_any = 0;
    for (at, block) in day.iter().enumerate().skip(4).step_by(3) {
        let Some(failed) = block.segments.iter().find(|s| s.metadata["kind"] == "commercial") else {
            continue;
        };
        let avoid = BTreeSet::from([failed.asset_uri.clone()]);
        let mended = programming.block_at("one", block.start_utc_ms, &avoid).unwrap();
        assert!(mended.segments.iter().all(|s| s.asset_uri != failed.asset_uri));
        assert_eq!(programming.block_at("one", block.start_utc_ms, &avoid).unwrap(), mended);
        // Acts stay where they were to the millisecond, and so does every other spot.
        let placed = |block: &BlockPlan| -> BTreeSet<(i64, String)> {
            let mut at = block.start_utc_ms;
            block
                .segments
                .iter()
                .map(|s| {
                    let start = at;
                    at = at.plus(s.segment_duration_ms);
                    (start.0, s.asset_uri.clone())
                })
                .collect()
        };
        let (before, after) = (placed(block), placed(&mended));
        assert!(before.difference(&after).all(|(_, uri)| avoid.contains(uri) || uri.contains("black")));
        mended_any += usize::from(mended.segments.len() > block.segments.len() - 1);
        let mut judge = Judge::default();
        for (index, other) in day.iter().enumerate() {
            judge.block(if index == at { &mended } else { other }, &catalog, "asset.ads", &rules);
        }
        judge.days(&rules);
    }
    assert!(mended_any > 3, "other adverts are found");
    let nothing: BTreeSet<String> = catalog.assets().map(|asset| asset.uri.clone()).collect();
    let black = programming.block_at("one", day[9].start_utc_ms, &nothing).unwrap();
    Judge::default().block(&black, &catalog, "asset.ads", &FREE);
    assert!(black.segments.iter().all(|s| s.asset_uri == "/black.mp4"));
}

#[test]
fn filler_is_none_of_what_traffic_airs_and_takes_open_time() {
    let catalog = usual();
    let text = channel("{commercials: {collection: col.ads, cooldown: 2h}}")
        .replace("traffic:", "filler: [col.ads, col.clock]\ntraffic:")
        .replace("until: '02:00'", "until: '20:00'");
    let programming = programming(&text, &catalog, 1);
    let rules = Rules { cooldown: 2 * 3_600_000, ..FREE };
    let mut judge = Judge::default();
    let day = blocks(&programming, ms("2026-03-02T12:00:00Z"), DAY);
    day.iter().for_each(|block| judge.block(block, &catalog, "asset.ads", &rules));
    let open = day.iter().filter(|b| b.segments.iter().all(|s| s.metadata["kind"] != "act"));
    assert!(open.flat_map(|b| &b.segments).all(|s| s.metadata["kind"] != "commercial"));
}

/// Days asked for in any order are the same days: what leads to them is worked out and kept.
#[test]
fn the_order_of_questions_does_not_matter() {
    let catalog = usual();
    let text =
        channel("{commercials: {collection: col.ads, cooldown: 40m, max_per_day: 12}, promos: col.promos}");
    let book: Arc<dyn RotationBook> = Arc::new(MemoryBook::default());
    let first = ms("2026-03-02T12:00:00Z");
    let forward = programming(&text, &catalog, 1).with_book(Arc::clone(&book));
    let instants: Vec<UtcMs> = (0..60).map(|i| first.plus(Millis(i * DAY / 10 + i * 977_000))).collect();
    let expect: Vec<BlockPlan> = instants.iter().map(|at| ask(&forward, *at)).collect();
    for order in 0..4u64 {
        // A new program with a book of the first opening only, asked in another order.
        let fresh = MemoryBook::default();
        let (date, opening) = {
            let day = forward.day_of("one", jiff::Timestamp::from_millisecond(first.0).unwrap()).unwrap();
            book.latest(1, day, day).unwrap()
        };
        fresh.keep(1, date, &opening);
        let again = programming(&text, &catalog, 1).with_book(Arc::new(fresh));
        let mut shuffled: Vec<usize> = (0..instants.len()).collect();
        SplitMix(order).shuffle(&mut shuffled);
        for index in shuffled {
            assert_eq!(ask(&again, instants[index]), expect[index], "order {order}");
        }
    }
    // To explain a day far away keeps nothing that would stand in its way later.
    let explained = programming(&text, &catalog, 1);
    let why = explained.explain("one", ms("2026-04-20T15:05:10Z")).unwrap();
    let spot = why.spot.expect("five minutes in there is a break");
    assert!(
        spot.kind == "commercial"
            && spot.of == 60
            && why.sentences.iter().any(|s| s.contains(&spot.asset_id))
    );
    let before = blocks(&explained, ms("2026-04-19T12:00:00Z"), DAY);
    let after = blocks(&explained, before.last().unwrap().end_utc_ms, DAY / 2);
    let mut judge = Judge::default();
    let rules = Rules { cooldown: 40 * 60_000, per_hour: usize::MAX, per_day: 12 };
    before.iter().chain(&after).for_each(|block| judge.block(block, &catalog, "asset.ads", &rules));
}

/// A year of one channel with the program begun anew at instants of chance, over a real catalog: no episode is skipped
/// or repeated, no advert comes within its cooldown or over its caps, and the guide has the blocks' boundaries.
#[test]
fn a_year_with_restarts_keeps_every_rule() {
    let assets = usual();
    let dir = tempfile::tempdir().unwrap();
    let channel_id = {
        let mut catalog = Catalog::open(dir.path()).unwrap();
        catalog.register_channel("one", 1, "One").unwrap().channel_id
    };
    let text = channel(
        "{commercials: {collection: col.ads, cooldown: 90m, max_per_hour: 1, max_per_day: 14}, promos: {collection: col.promos, cooldown: 20m}, bumpers: col.bumpers, idents: col.idents}",
    );
    let rules = Rules { cooldown: 90 * 60_000, per_hour: 1, per_day: 14 };
    let start = || {
        let book = CatalogBook::open(&dir.path().join(DATABASE_FILE)).unwrap();
        programming(&text, &assets, channel_id).with_book(Arc::new(book))
    };
    let mut station = start();
    let mut random = SplitMix(4);
    let from = ms("2026-01-01T11:00:00Z");
    let end = from.plus(Millis(366 * DAY));
    let (mut at, mut judge, mut episode, mut restarts) = (from, Judge::default(), 0u32, 0);
    let mut boundary = from;
    let mut events: BTreeMap<UtcMs, UtcMs> = BTreeMap::new();
    let mut before: Option<BlockPlan> = None;
    let mut ahead: BTreeMap<UtcMs, BlockPlan> = BTreeMap::new();
    while at < end {
        // About one in 400 blocks: some every week, some days in a row.
        if random.below(400) == 0 {
            drop(station);
            station = start();
            restarts += 1;
            if let Some(before) = &before {
                assert_eq!(ask(&station, before.start_utc_ms), *before, "the same after a restart");
            }
            // Somebody asked for a day to come, of another program that ended again.
            if random.below(3) == 0 {
                let block = ask(&start(), at.plus(Millis((1 + random.below(5) as i64) * DAY)));
                ahead.insert(block.start_utc_ms, block);
            }
        }
        if at >= boundary {
            let until = at.plus(Millis(7 * DAY));
            events = station.guide("one", at, until).unwrap().iter().map(|e| (e.start, e.end)).collect();
            boundary = *events.values().max().unwrap();
        }
        let block = ask(&station, at);
        assert_eq!(block.start_utc_ms, at);
        if let Some(told) = ahead.remove(&at) {
            assert_eq!(told, block, "as it was told before");
        }
        judge.block(&block, &assets, "asset.ads", &rules);
        let act = block.segments.iter().find(|s| s.metadata["kind"] == "act");
        match act.and_then(|s| s.metadata["asset_id"].as_str()) {
            Some(id) if id.starts_with("asset.diner") => {
                assert_eq!(id, format!("asset.diner.{:02}", episode % 40 + 1), "at {at}");
                episode += 1;
                assert_eq!(events.get(&at), Some(&block.end_utc_ms));
            }
            Some(_) => assert_eq!(events.get(&at), Some(&block.end_utc_ms)),
            None => {
                let (start, end) = events.range(..=at).next_back().unwrap();
                assert!(*start <= at && block.end_utc_ms <= *end);
            }
        }
        at = block.end_utc_ms;
        before = Some(block);
    }
    judge.days(&rules);
    assert!(ahead.keys().all(|start| *start >= end), "each was asked for again");
    assert!(restarts > 20 && episode > 14_000, "{restarts} restarts, {episode} episodes");
    drop(station);
    assert_eq!(Catalog::open(dir.path()).unwrap().check().unwrap(), Vec::<String>::new());
}

/// A catalog that changes in the middle of a day plans the rest of it anew: what had aired keeps its cooldown, and
/// where nothing has changed the log of what aired changes nothing.
#[test]
fn what_aired_before_a_change_rests_after_it() {
    let before = usual();
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let channel_id = catalog.register_channel("one", 1, "One").unwrap().channel_id;
    let text = channel("{commercials: {collection: col.ads, cooldown: 60m}}");
    let book: Arc<dyn RotationBook> = Arc::new(CatalogBook::open(&dir.path().join(DATABASE_FILE)).unwrap());
    let start = |assets: &Snapshot| programming(&text, assets, channel_id).with_book(Arc::clone(&book));
    let (six, noon) = (ms("2026-03-02T11:00:00Z"), ms("2026-03-02T17:00:00Z"));
    let aired = blocks(&start(&before), six, noon.since(six).0);
    let rest = blocks(&start(&before), noon, DAY / 4);
    let rate = FrameRate::new(30_000, 1001).unwrap();
    // Watched from the third block on, the first of it from the middle of a break.
    let join = aired[3].start_utc_ms.plus(Millis(311_000));
    let mut run = SessionRun::new(channel_id, rate, aired[3].start_utc_ms, join);
    let mut entries = Vec::new();
    for block in &aired[3..] {
        entries.push(run.fed(block, "Diner".into()));
        entries.extend(run.heard(&News::BlockStarted { block_id: block.block_id.clone() }, join));
        let told = News::BlockCompleted { block_id: block.block_id.clone(), frames: i64::MAX };
        entries.extend(run.heard(&told, block.end_utc_ms));
    }
    catalog.record_history(&entries, noon).unwrap();
    assert_eq!(blocks(&start(&before), noon, DAY / 4), rest, "nothing has changed");

    let mut assets: Vec<AssetMetadata> = before.assets().map(|asset| (**asset).clone()).collect();
    assets.retain(|asset| !["asset.ads.05", "asset.ads.33"].contains(&asset.id.as_str()));
    let after = Snapshot::new(assets, [], []);
    let starts = |programming: &Programming| {
        let mut judge = Judge::default();
        aired[3..].iter().for_each(|block| judge.block(block, &before, "asset.ads", &FREE));
        let rest = blocks(programming, noon, DAY / 4);
        rest.iter().for_each(|block| judge.block(block, &after, "asset.ads", &FREE));
        judge.starts
    };
    let too_soon = |starts: &BTreeMap<String, Vec<i64>>| {
        starts.values().flat_map(|s| s.windows(2)).filter(|w| w[1] - w[0] < 3_600_000 - 34).count()
    };
    assert_eq!(too_soon(&starts(&start(&after))), 0);
    let forgetful = programming(&text, &after, channel_id);
    let day = forgetful.day_of("one", jiff::Timestamp::from_millisecond(noon.0).unwrap()).unwrap();
    let only_openings = MemoryBook::default();
    only_openings.keep(
        channel_id,
        day,
        &book.latest(channel_id, day, day).map(|kept| kept.1).unwrap_or_default(),
    );
    let forgetful = forgetful.with_book(Arc::new(only_openings));
    assert!(too_soon(&starts(&forgetful)) > 0, "the change matters");
}

/// Any pools and rules, with their traffic as text.
fn any_traffic() -> impl Strategy<Value = (String, Snapshot, i64, Option<usize>, Option<usize>)> {
    let lengths = |least: i64, most: i64| proptest::collection::vec(least..most, 1..25);
    let form = proptest::sample::select(vec![
        "",
        ", break: [bumper, commercials]",
        ", break: [commercials, bumper, commercials]",
        ", break: [bumper, commercial, commercial, bumper]",
    ]);
    let cooldown = proptest::sample::select(vec![0i64, 1, 10, 45, 600, 3000]);
    let caps = (proptest::option::of(1usize..4), proptest::option::of(1usize..9));
    (lengths(900, 70_000), lengths(200, 9000), form, cooldown, caps).prop_map(|(ads, bumpers, form, minutes, caps)| {
        let catalog =
            catalog(&[("ads", AssetType::Commercial, &ads), ("bumpers", AssetType::Bumper, &bumpers)]);
        let cap = |key: &str, cap: Option<usize>| cap.map(|n| format!(", {key}: {n}")).unwrap_or_default();
        let rules = cap("max_per_hour", caps.0) + &cap("max_per_day", caps.1);
        let text =
            format!("{{commercials: {{collection: col.ads, cooldown: {minutes}m{rules}}}, bumpers: col.bumpers{form}}}");
        (text, catalog, minutes * 60_000, caps.0, caps.1)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the pools and rules: sums are exact, nothing airs beyond its end, cooldowns and caps hold over breaks,
    /// blocks and days, and the same seed gives the same breaks.
    #[test]
    fn every_rule_holds_over_days((text, assets, cooldown, per_hour, per_day) in any_traffic(), day in 0i64..360) {
        let rules = Rules {
            cooldown,
            per_hour: per_hour.unwrap_or(usize::MAX),
            per_day: per_day.unwrap_or(usize::MAX),
        };
        let station = programming(&channel(&text), &assets, 1);
        let from = ms("2026-01-01T11:00:00Z").plus(Millis(day * DAY));
        let mut judge = Judge::default();
        let first = blocks(&station, from, 3 * DAY);
        for block in &first {
            judge.block(block, &assets, "asset.ads", &rules);
        }
        judge.days(&rules);
        let same = programming(&channel(&text), &assets, 1);
        prop_assert_eq!(&first, &blocks(&same, from, 3 * DAY));
    }
}
