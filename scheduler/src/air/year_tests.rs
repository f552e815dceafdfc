//! A year of one channel with everything that goes wrong in one, and a month of twenty: guide, playout log and as-run
//! log agree to the frame, and the rules of traffic hold over what was given to AIR.

use super::year_simulation::{Account, MARK_MS, Told, World, frame};
use crate::catalog::{AsRunOutcome, Catalog, DATABASE_FILE, PlaylogBlock, SentSegment};
use crate::config::default_format;
use crate::dsl::parse_channel;
use crate::plan::shuffle::SplitMix;
use crate::plan::traffic_tests::{channel, ms, programming, usual};
use crate::plan::{CatalogBook, ChannelInfo, GuideEvent, Programming, ProgrammingParts};
use crate::yaml::Document;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{Millis, UtcMs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const COOLDOWN: i64 = 30 * 60_000;
const TRAFFIC: &str = "{commercials: {collection: col.ads, cooldown: 30m, max_per_hour: 2, max_per_day: 24}, \
    promos: col.promos, bumpers: col.bumpers, idents: col.idents}";
/// What a reckoned end may be off by: news is late by so much at most, and a frame.
const LATE_FRAMES: i64 = 3;

/// What the log was found to hold.
#[derive(Debug, Default)]
struct Seen {
    runs: u32,
    whole: u32,
    failed: u32,
    cut: u32,
    mended: u32,
    episodes: u32,
}

/// Compares everything recorded from one instant to another with the guide, with what AIR was given and with what it
/// says it sent.
fn judge(world: &World<'_>, from: UtcMs, until: UtcMs) -> Seen {
    let mut seen = Seen::default();
    let mut episode = None;
    let mut recorded = BTreeSet::new();
    let mut spots = Spots::default();
    let mut at = from;
    while at < until {
        let end = at.plus(Millis(7 * DAY)).min(until);
        let guide = world.station.guide(&world.slug, at, end).unwrap();
        for pair in guide.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
        for event in guide.iter().filter(|event| event.start >= at && event.episode.is_some()) {
            let expect = episode.map_or(event.episode, |last: u32| Some(last % 40 + 1));
            assert_eq!(event.episode, expect, "at {}", event.start);
            episode = event.episode;
            seen.episodes += 1;
        }
        let blocks = world.catalog.playlog(world.channel_id, at, end).unwrap();
        for block in blocks.iter().filter(|block| block.start_ms >= at) {
            let event = event_of(&guide, block.start_ms);
            planned_as_told(world, block, event);
            seen.mended += u32::from(spots.take(world, block));
        }
        for (run, segments) in world.catalog.as_run_with_segments(world.channel_id, at, end).unwrap() {
            if run.from_ms < at {
                continue;
            }
            let key = (run.block_ms, run.joined_ms);
            let plan = world.fed.get(&key).unwrap_or_else(|| panic!("{run:?} was never fed"));
            let account = world.sent.get(&key).unwrap_or_else(|| panic!("{run:?} was never sent"));
            let sent = run.frames.unwrap();
            let event = event_of(&guide, run.from_ms);
            assert!(event.start <= plan.start_utc_ms && plan.end_utc_ms <= event.end, "{run:?} in {event:?}");
            assert_eq!((run.block_id.as_str(), sent.epoch_ms), (plan.block_id.as_str(), account.epoch));
            let (first, fence) =
                (frame(account.epoch, plan.start_utc_ms), frame(account.epoch, plan.end_utc_ms));
            assert!(
                sent.first.0 >= first && sent.end().0 <= fence,
                "{run:?} over its fences {first}, {fence}"
            );
            agrees(account, sent.first.0, sent.count, sent.reckoned);
            if run.outcome == AsRunOutcome::Completed {
                assert_eq!(sent.end().0, fence, "{run:?}");
                if account.first == first {
                    assert_eq!(sent.count, fence - first, "from fence to fence: {run:?}");
                    seen.whole += 1;
                }
            }
            tiles(plan, account.epoch, (sent.first.0, sent.count), &segments);
            seen.runs += 1;
            seen.failed += u32::from(run.outcome == AsRunOutcome::Failed);
            seen.cut += u32::from(run.outcome == AsRunOutcome::Cut);
            recorded.insert(key);
        }
        at = end;
    }
    let unrecorded: Vec<_> = world.sent.iter().filter(|(key, _)| !recorded.contains(*key)).collect();
    assert!(unrecorded.is_empty(), "{unrecorded:?}");
    spots.judge(world);
    assert_eq!(world.catalog.check().unwrap(), Vec::<String>::new());
    seen
}

fn event_of(guide: &[GuideEvent], at: UtcMs) -> &GuideEvent {
    guide
        .iter()
        .find(|event| event.start <= at && at < event.end)
        .unwrap_or_else(|| panic!("nothing at {at}"))
}

/// The log has what AIR was given last, under the guide's title.
fn planned_as_told(world: &World<'_>, block: &PlaylogBlock, event: &GuideEvent) {
    assert_eq!(block.title, event.title, "at {}", block.start_ms);
    assert!(event.start <= block.start_ms && block.end_ms <= event.end);
    let joins = world.fed.range((block.start_ms, UtcMs(i64::MIN))..=(block.start_ms, UtcMs(i64::MAX)));
    let (_, plan) = joins.last().unwrap_or_else(|| panic!("{} was never fed", block.block_id));
    let told: Vec<_> = block.segments.iter().map(|s| (s.offset_ms, s.duration_ms)).collect();
    let given: Vec<_> =
        plan.segments.iter().map(|s| (s.asset_start_offset_ms, s.segment_duration_ms)).collect();
    assert_eq!(told, given, "{}", block.block_id);
    let episode = block.segments.iter().find(|s| s.kind.as_deref() == Some("act"));
    if let (Some(number), Some(act)) = (event.episode, episode) {
        assert_eq!(act.asset_id.as_deref(), Some(format!("asset.diner.{number:02}").as_str()));
    }
}

fn agrees(account: &Account, first: i64, count: i64, reckoned: bool) {
    assert_eq!(reckoned, account.told != Told::Frames, "{account:?}");
    let (end, truth) = (first + count, account.first + account.count);
    match account.told {
        Told::Frames => assert!(end == truth && first == account.first, "{first}+{count}: {account:?}"),
        Told::Nothing => {
            assert!((truth..=truth + LATE_FRAMES).contains(&end), "{first}+{count}: {account:?}")
        }
        Told::Crash => {
            let in_doubt = frame(UtcMs(0), UtcMs(MARK_MS)) + 1;
            assert!((truth - in_doubt..=truth).contains(&end), "{first}+{count}: {account:?}");
        }
    }
}

/// Segments have the frames between the boundaries of the plan, as far as they were sent, and lack none.
fn tiles(plan: &BlockPlan, epoch: UtcMs, (first, count): (i64, i64), segments: &[SentSegment]) {
    let mut start = plan.start_utc_ms;
    let mut expect = Vec::new();
    for (position, segment) in plan.segments.iter().enumerate() {
        let end = start.plus(segment.segment_duration_ms);
        let (from, to) = (frame(epoch, start).max(first), frame(epoch, end).min(first + count));
        if from < to {
            let asset = segment.metadata.get("asset_id").and_then(|id| id.as_str()).map(str::to_owned);
            expect.push((position, asset, from, to - from));
        }
        start = end;
    }
    let found: Vec<_> =
        segments.iter().map(|s| (s.position, s.asset_id.clone(), s.first.0, s.count)).collect();
    assert_eq!(found, expect, "{}", plan.block_id);
}

/// Starts of adverts by asset, with whether each is a make-good.
#[derive(Default)]
struct Spots {
    starts: BTreeMap<String, Vec<(i64, bool)>>,
}

impl Spots {
    /// True where the block was mended.
    fn take(&mut self, world: &World<'_>, block: &PlaylogBlock) -> bool {
        let plain = starts_of(&world.planned[&block.start_ms]);
        let mut at = block.start_ms;
        let mut mended = false;
        for segment in &block.segments {
            if let Some(asset) = segment.asset_id.as_deref().filter(|id| id.starts_with("asset.ads")) {
                let anew = !plain.contains(&(asset.to_owned(), at.0));
                self.starts.entry(asset.to_owned()).or_default().push((at.0, anew));
                mended |= anew;
            }
            at = at.plus(segment.duration_ms);
        }
        mended
    }

    /// No two within the cooldown, nor a make-good within it of an airing that was planned and not watched.
    fn judge(&self, world: &World<'_>) {
        for (asset, starts) in &self.starts {
            for pair in starts.windows(2) {
                let since = pair[1].0 - pair[0].0;
                assert!(since >= COOLDOWN, "{asset} {since} ms after {pair:?}");
            }
            for (made_good, _) in starts.iter().filter(|(_, anew)| *anew) {
                let near = UtcMs(made_good - 6 * HOUR)..UtcMs(made_good + COOLDOWN);
                for (id, other) in world.planned.range(near).flat_map(|(_, block)| starts_of(block)) {
                    let apart = (other - made_good).abs();
                    assert!(
                        id != *asset || apart >= COOLDOWN,
                        "{asset} at {other} and made good at {made_good}"
                    );
                }
            }
        }
    }
}

/// Starts of a block's adverts.
fn starts_of(block: &BlockPlan) -> BTreeSet<(String, i64)> {
    let mut at = block.start_utc_ms;
    let mut starts = BTreeSet::new();
    for segment in &block.segments {
        let id = segment.metadata.get("asset_id").and_then(|id| id.as_str()).unwrap_or_default();
        if id.starts_with("asset.ads") {
            starts.insert((id.to_owned(), at.0));
        }
        at = at.plus(segment.segment_duration_ms);
    }
    starts
}

/// Visits of a day: short and long, some from a fence on.
fn visits(world: &mut World<'_>, day: UtcMs, dice: &mut SplitMix) {
    let mut ms = |bound: i64| i64::try_from(dice.below(usize::try_from(bound).unwrap())).unwrap();
    for _ in 0..1 + ms(3) {
        let mut from = ms(DAY);
        if ms(3) == 0 {
            from -= from % (HOUR / 2);
        }
        let length = match ms(12) {
            0 => 1 + ms(5_000),
            1..=4 => ms(HOUR / 2),
            5..=10 => ms(3 * HOUR),
            _ => 6 * HOUR + ms(10 * HOUR),
        };
        world.watch(day.plus(Millis(from)), Millis(1 + length));
    }
}

#[test]
fn a_year_in_which_guide_and_log_agree_to_the_frame() {
    let assets = usual();
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let channel_id = catalog.register_channel("one", 1, "One").unwrap().channel_id;
    let text = channel(TRAFFIC);
    let begin = || {
        let book = CatalogBook::open(&dir.path().join(DATABASE_FILE)).unwrap();
        programming(&text, &assets, channel_id).with_book(Arc::new(book))
    };
    let (from, mut dice) = (ms("2026-01-01T11:00:00Z"), SplitMix(8));
    let mut world = World::new(("one", channel_id), (catalog, &begin), (from, 3, true));
    let until = from.plus(Millis(366 * DAY));
    let mut day = from;
    while day < until {
        visits(&mut world, day, &mut dice);
        // Every third day or so; people watch at some of these instants.
        if dice.below(3) == 0 {
            let at = day.plus(Millis(i64::try_from(dice.below(DAY as usize)).unwrap()));
            world.restart(at, dice.below(2) == 0);
        }
        day = day.plus(Millis(DAY));
        world.run(day);
    }
    world.run(until.plus(Millis(2 * DAY)));
    let seen = judge(&world, from, until.plus(Millis(2 * DAY)));
    let figures = &world.figures;
    let told = format!("{seen:?} {figures:?}");
    assert!(seen.runs > 3_000 && seen.whole > 1_500 && seen.failed > 150 && seen.cut > 500, "{told}");
    assert!(seen.mended > 30 && seen.episodes > 14_000 && figures.sessions > 800, "{told}");
    assert!(figures.deaths > 50 && figures.bad_assets > 60 && figures.refused > 20, "{told}");
    assert!(figures.crashes > 30 && figures.retirements > 30, "{told}");
}

#[test]
fn a_month_of_twenty_channels_in_which_nothing_is_lost() {
    const CHANNELS: u32 = 20;
    let assets = usual();
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let channels = (1..=CHANNELS).map(|number| {
        let slug = format!("c{number}");
        let text = channel(TRAFFIC).replace("channel: one", &format!("channel: {slug}"));
        let spec = parse_channel(Document::parse(Path::new("c.yaml"), &text).unwrap()).unwrap().0;
        let channel_id = catalog.register_channel(&slug, number, &slug).unwrap().channel_id;
        (ChannelInfo { id: slug.clone(), channel_id, number, name: slug }, spec)
    });
    let parts = ProgrammingParts {
        format: default_format(),
        channels: channels.collect(),
        resolver: &assets,
        filler: None,
        black_uri: "/black.mp4".into(),
        seed: 42,
    };
    let book = CatalogBook::open(&dir.path().join(DATABASE_FILE)).unwrap();
    let station: Programming = Programming::new(parts).unwrap().0.with_book(Arc::new(book));
    let begin = || station.clone();
    let from = ms("2026-03-01T11:00:00Z");
    let until = from.plus(Millis(30 * DAY));
    for info in station.channels() {
        let own = Catalog::open(dir.path()).unwrap();
        let seed = u64::from(info.number);
        let mut world = World::new((&info.id, info.channel_id), (own, &begin), (from, seed, false));
        let mut dice = SplitMix(seed);
        let mut day = from;
        while day < until {
            visits(&mut world, day, &mut dice);
            day = day.plus(Millis(DAY));
            world.run(day);
        }
        world.run(until.plus(Millis(2 * DAY)));
        let seen = judge(&world, from, until.plus(Millis(2 * DAY)));
        assert!(seen.failed == 0 && seen.mended == 0, "{}: {seen:?}", info.id);
        assert!(seen.whole > 50 && seen.runs == seen.cut + seen.whole + late(&world), "{seen:?}");
    }
}

/// Blocks that were joined after their start and sent to their end.
fn late(world: &World<'_>) -> u32 {
    let whole = |(key, account): &(&(UtcMs, UtcMs), &Account)| account.first == frame(account.epoch, key.0);
    let told = world.sent.iter().filter(|(_, account)| account.told == Told::Frames);
    u32::try_from(told.filter(|entry| !whole(entry)).count()).unwrap()
}
