//! Revisions of the days ahead, made once and again only when the schedule differs.

use super::*;
use crate::air::changeover::Changeover;
use crate::catalog::{PlaylogBlock, StubAssetResolver};
use crate::config::default_format;
use crate::dsl::parse_channel;
use crate::plan::{ChannelInfo, Programming, ProgrammingParts};
use crate::yaml::Document;
use std::path::Path;
use std::time::Instant;

const ASSETS: &str = r#"{"assets":[
  {"id":"asset.show.1","title":"One","type":"episode","collection":"col.show","season":1,"episode":1,"duration_sec":1320,"uri":"/one.mp4"},
  {"id":"asset.show.2","title":"Two","type":"episode","collection":"col.show","season":1,"episode":2,"duration_sec":1320,"uri":"/two.mp4"},
  {"id":"asset.show.3","title":"Three","type":"episode","collection":"col.show","season":1,"episode":3,"duration_sec":1320,"uri":"/three.mp4"}],
 "programs":[]}"#;

/// 2026-01-01T12:00:00Z.
const NOON: UtcMs = UtcMs(1_767_268_800_000);

/// So many channels, all alike, that show three episodes round the clock.
pub(in crate::air) fn station(channels: i32, catalog: &mut Catalog, mode: &str) -> Arc<dyn Schedule> {
    Arc::new(programming(channels, catalog, mode))
}

fn programming(channels: i32, catalog: &mut Catalog, mode: &str) -> Programming {
    let resolver = StubAssetResolver::parse(Path::new("assets.json"), ASSETS).unwrap();
    let channels = (1..=channels).map(|number| {
        let slug = format!("c{number}");
        let text = format!(
            "channel: {slug}\ntimezone: UTC\nschedule:\n  daily: {{start: '06:00', until: '06:00', \
             episode_selector: {{collection: col.show, mode: {mode}}}}}\n"
        );
        let (spec, _) = parse_channel(Document::parse(Path::new("c.yaml"), &text).unwrap()).unwrap();
        let channel_id = catalog.register_channel(&slug, number.unsigned_abs(), &slug).unwrap().channel_id;
        (ChannelInfo { id: slug.clone(), channel_id, number: number.unsigned_abs(), name: slug }, spec)
    });
    let parts = ProgrammingParts {
        format: default_format(),
        channels: channels.collect(),
        resolver: &resolver,
        filler: None,
        black_uri: "/black.mp4".into(),
        seed: 42,
    };
    Programming::new(parts).unwrap().0
}

/// Steps until nothing is due; returns how many there were.
fn keep(keeper: &mut Keeper, now: UtcMs, catalog: &mut Catalog) -> usize {
    let mut steps = 0;
    while keeper.is_due(now) {
        keeper.step(now, catalog).unwrap();
        steps += 1;
        assert!(steps < 10_000, "it never ends");
    }
    steps
}

fn days(catalog: &Catalog, channel: i32) -> Vec<usize> {
    let days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"];
    days.map(|day| catalog.revisions(channel, day).unwrap().len()).to_vec()
}

#[test]
fn four_days_of_every_channel_are_revisions_once_and_again_where_they_differ() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let schedule = station(20, &mut catalog, "sequential");
    let mut keeper = Keeper::new(Arc::clone(&schedule));
    assert!(keep(&mut keeper, NOON, &mut catalog) > 2, "in steps");
    assert_eq!(days(&catalog, 20), [1, 1, 1, 1, 0]);
    // An hour later nothing is new; after midnight today is still the first of the year, and at six a day is added.
    for (hours, expect) in [(1, [1, 1, 1, 1, 0]), (13, [1, 1, 1, 1, 0]), (18, [1, 1, 1, 1, 1])] {
        keep(&mut keeper, NOON.plus(Millis(hours * 3_600_000)), &mut catalog);
        assert_eq!(days(&catalog, 20), expect, "{hours} h");
    }
    // The station is started again: the same schedule is no revision, another is.
    keep(&mut Keeper::new(schedule), NOON, &mut catalog);
    assert_eq!(days(&catalog, 1), [1, 1, 1, 1, 1]);
    let other = station(20, &mut catalog, "random");
    keep(&mut Keeper::new(other), NOON, &mut catalog);
    let differing = days(&catalog, 1);
    assert!(differing[..4].contains(&2) && differing[4] == 1, "{differing:?}");
}

#[test]
fn programming_that_follows_is_recorded_while_the_station_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let schedule = Arc::new(Changeover::new(&programming(3, &mut catalog, "sequential")));
    let mut keeper = Keeper::new(Arc::clone(&schedule) as Arc<dyn Schedule>);
    keep(&mut keeper, NOON, &mut catalog);
    assert!(!keeper.is_due(NOON));
    schedule.take(&programming(3, &mut catalog, "random"), NOON);
    assert!(keeper.is_due(NOON), "within the hour");
    keep(&mut keeper, NOON, &mut catalog);
    assert!(days(&catalog, 3)[1..4].contains(&2), "{:?}", days(&catalog, 3));
}

#[test]
fn blocks_that_were_never_sent_leave_the_playout_log_after_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let schedule = station(1, &mut catalog, "sequential");
    let block = |number: i64| PlaylogBlock {
        block_id: format!("b{number}"),
        title: "Show".into(),
        start_ms: UtcMs(NOON.0 - number * 86_400_000),
        end_ms: UtcMs(NOON.0 - number * 86_400_000 + 1000),
        segments: vec![],
    };
    catalog.record_playlog(1, &[40, 35, 31, 30, 29, 1].map(block)).unwrap();
    let sent = block(35);
    let open = crate::catalog::OpenRun {
        block_id: sent.block_id.clone(),
        block_ms: sent.start_ms,
        end_ms: sent.end_ms,
        joined_ms: sent.start_ms,
        epoch_ms: sent.start_ms,
        rate: retrovue_timebase::FrameRate::new(25, 1).unwrap(),
        first: retrovue_timebase::FrameIndex(0),
    };
    let run = open.ended(Some(3), NOON, crate::catalog::AsRunOutcome::Cut, None);
    catalog.record_as_run(1, &run).unwrap();
    keep(&mut Keeper::new(schedule), NOON, &mut catalog);
    let left: Vec<_> = catalog.playlog(1, UtcMs(0), NOON).unwrap().into_iter().map(|b| b.block_id).collect();
    assert_eq!(left, ["b35", "b30", "b29", "b1"]);
    assert_eq!(catalog.as_run(1, UtcMs(0), NOON).unwrap().len(), 1);
}

#[test]
#[ignore = "a measurement: cargo test --release -p retrovue-scheduler thousand -- --ignored --nocapture"]
fn a_thousand_channels() {
    let dir = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let schedule = station(1000, &mut catalog, "sequential");
    for what in ["first start", "second start, nothing new"] {
        let mut keeper = Keeper::new(Arc::clone(&schedule));
        let began = Instant::now();
        let steps = keep(&mut keeper, NOON, &mut catalog);
        let round = began.elapsed();
        let began = Instant::now();
        keep(&mut keeper, NOON.plus(EVERY), &mut catalog);
        println!("{what}: {steps} steps in {round:?}; the hour after: {:?}", began.elapsed());
    }
    assert_eq!(days(&catalog, 1000), [1, 1, 1, 1, 0]);
}
