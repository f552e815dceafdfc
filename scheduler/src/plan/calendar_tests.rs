//! The calendar against expectations written by hand: days about both changes of the clocks in four zones, dated
//! rules, and a year of one channel whose sequential run must neither skip nor repeat.

use super::line_up::LineUp;
use super::place::PlacedDay;
use super::pool::tests::asset;
use super::progress::Progress;
use super::resolve::resolve;
use crate::catalog::{AssetMetadata, Snapshot};
use crate::dsl::{ChannelSpec, parse_channel};
use crate::yaml::Document;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use retrovue_timebase::Millis;
use std::path::Path;

fn parse(text: &str) -> ChannelSpec {
    parse_channel(Document::parse(Path::new("x.yaml"), text).unwrap()).unwrap().0
}

/// Assets of a collection, so many seconds each, in order.
fn collection(name: &str, seconds: &[i64]) -> Vec<AssetMetadata> {
    let named = |(i, seconds): (usize, &i64)| {
        let mut one = asset(&format!("{name}.{i:03}"), name, *seconds);
        (one.season, one.episode) = (Some(1), u32::try_from(i + 1).ok());
        one
    };
    seconds.iter().enumerate().map(named).collect()
}

fn line_up(text: &str, assets: Vec<AssetMetadata>) -> LineUp {
    resolve(&parse(text), &Snapshot::new(assets, [], []), None, 42).unwrap_or_else(|e| panic!("{e}")).0
}

fn place(line_up: &LineUp, date: Date) -> PlacedDay {
    Progress::default().place(line_up, date).unwrap()
}

/// The day as `HH:MM offset` and UTC hours from its start, for what airs.
fn shown(line_up: &LineUp, day: &PlacedDay) -> Vec<String> {
    let start = |p: &super::place::Placement| {
        let zoned = jiff::Timestamp::from_millisecond(p.start.0).unwrap().to_zoned(line_up.zone.clone());
        let length = p.length.0 / 60_000;
        format!("{} {} {length}", zoned.strftime("%H:%M%:z"), line_up.asset(p.slot, p.asset).id)
    };
    day.placements.iter().map(start).collect()
}

/// A night block over the hour of the change and a fixed start after it, on a grid of `grid`.
fn night(zone: &str, grid: &str, minutes: i64) -> LineUp {
    let text = format!(
        "channel: a\ntimezone: {zone}\nbroadcast_day: 2026-01-05\ngrid: {grid}\nschedule:\n  daily:\n    - {{start: '25:00', until: '28:00', episode_selector: {{collection: n}}}}\n    - {{start: '28:00', episode_selector: {{collection: f}}}}\n"
    );
    let mut assets = collection("n", &[minutes * 60]);
    assets.extend(collection("f", &[minutes * 60]));
    line_up(&text, assets)
}

#[track_caller]
fn expect(line_up: &LineUp, date: Date, hours_by_two: i64, expected: &[&str]) {
    let day = place(line_up, date);
    assert_eq!(day.end.since(day.start), Millis(hours_by_two * 1_800_000), "{date}");
    assert_eq!(shown(line_up, &day), expected, "{date}");
}

/// Spring: 01:00 to 04:00 has two hours. Autumn: four.
#[test]
fn new_york_keeps_its_wall_clock() {
    let channel = night("America/New_York", "60m", 60);
    let plain =
        ["01:00-05:00 n.000 60", "02:00-05:00 n.000 60", "03:00-05:00 n.000 60", "04:00-05:00 f.000 60"];
    expect(&channel, date(2026, 3, 6), 48, &plain);
    expect(
        &channel,
        date(2026, 3, 7),
        46,
        &["01:00-05:00 n.000 60", "03:00-04:00 n.000 60", "04:00-04:00 f.000 60"],
    );
    expect(
        &channel,
        date(2026, 10, 31),
        50,
        &[
            "01:00-04:00 n.000 60",
            "01:00-05:00 n.000 60",
            "02:00-05:00 n.000 60",
            "03:00-05:00 n.000 60",
            "04:00-05:00 f.000 60",
        ],
    );
    expect(&channel, date(2026, 11, 1), 48, &plain);
}

/// Central Europe changes at 02:00 and 03:00 local time, at 01:00 UTC.
#[test]
fn berlin_keeps_its_wall_clock() {
    let channel = night("Europe/Berlin", "60m", 60);
    expect(
        &channel,
        date(2026, 3, 28),
        46,
        &["01:00+01:00 n.000 60", "03:00+02:00 n.000 60", "04:00+02:00 f.000 60"],
    );
    expect(
        &channel,
        date(2026, 10, 24),
        50,
        &[
            "01:00+02:00 n.000 60",
            "02:00+02:00 n.000 60",
            "02:00+01:00 n.000 60",
            "03:00+01:00 n.000 60",
            "04:00+01:00 f.000 60",
        ],
    );
}

/// Lord Howe moves by half an hour: on a grid of hours programmes wait for the next whole hour of the wall clock.
#[test]
fn lord_howe_moves_by_half_an_hour() {
    let half = night("Australia/Lord_Howe", "30m", 30);
    // 2026-10-04 02:00 becomes 02:30.
    expect(
        &half,
        date(2026, 10, 3),
        47,
        &[
            "01:00+10:30 n.000 30",
            "01:30+10:30 n.000 30",
            "02:30+11:00 n.000 30",
            "03:00+11:00 n.000 30",
            "03:30+11:00 n.000 30",
            "04:00+11:00 f.000 30",
        ],
    );
    // 2026-04-05 02:00 becomes 01:30.
    expect(
        &half,
        date(2026, 4, 4),
        49,
        &[
            "01:00+11:00 n.000 30",
            "01:30+11:00 n.000 30",
            "01:30+10:30 n.000 30",
            "02:00+10:30 n.000 30",
            "02:30+10:30 n.000 30",
            "03:00+10:30 n.000 30",
            "03:30+10:30 n.000 30",
            "04:00+10:30 f.000 30",
        ],
    );
    let hour = night("Australia/Lord_Howe", "60m", 60);
    expect(
        &hour,
        date(2026, 10, 3),
        47,
        &["01:00+10:30 n.000 60", "03:00+11:00 n.000 60", "04:00+11:00 f.000 60"],
    );
    expect(
        &hour,
        date(2026, 4, 4),
        49,
        &["01:00+11:00 n.000 60", "02:00+10:30 n.000 60", "03:00+10:30 n.000 60", "04:00+10:30 f.000 60"],
    );
}

/// Kathmandu is five hours and three quarters ahead of UTC, all year.
#[test]
fn kathmandu_never_changes() {
    let channel = night("Asia/Kathmandu", "60m", 60);
    for day in [date(2026, 3, 7), date(2026, 3, 28), date(2026, 10, 24), date(2026, 10, 31)] {
        expect(
            &channel,
            day,
            48,
            &["01:00+05:45 n.000 60", "02:00+05:45 n.000 60", "03:00+05:45 n.000 60", "04:00+05:45 f.000 60"],
        );
        let start = place(&channel, day).start;
        let utc = jiff::Timestamp::from_millisecond(start.0).unwrap();
        assert_eq!(utc.to_string(), format!("{day}T00:15:00Z"));
    }
}

/// What the changes took from a run, or gave it, moves it by exactly that.
#[test]
fn a_sequential_run_goes_on_over_both_changes() {
    let text = "channel: a\ntimezone: Europe/Berlin\nbroadcast_day: 2026-03-27\nschedule:\n  daily: {start: '25:00', until: '28:00', episode_selector: {collection: n}}\n";
    let channel = line_up(text, collection("n", &[1800; 1000]));
    let first = |date| place(&channel, date).placements[0].asset;
    assert_eq!([27, 28, 29].map(|day| first(date(2026, 3, day))), [0, 6, 10]);
    // To 24 October are 211 days with six each, less the two of the spring.
    assert_eq!(first(date(2026, 10, 24)), (211 * 6 - 2) % 1000);
    assert_eq!(first(date(2026, 10, 25)), (211 * 6 - 2 + 8) % 1000);
}

#[test]
fn dated_rules_come_before_all_others_and_one_date_before_several() {
    let text = "channel: a\nbroadcast_day: 2026-12-21\ngrid: 1h\nschedule:\n  daily: {start: '18:00', until: '24:00', episode_selector: {collection: d}}\n  friday: {start: '20:00', episode_selector: {collection: w}}\n  2026-12-24..2026-12-26: {start: '20:00', until: '22:00', episode_selector: {collection: r}}\n  2026-12-25: {start: '21:00', episode_selector: {collection: x}}\n";
    let assets = ["d", "w", "r", "x"].map(|name| collection(name, &[3600])).concat();
    let channel = line_up(text, assets);
    let evening = |day| {
        let placed = place(&channel, date(2026, 12, day));
        placed
            .placements
            .iter()
            .map(|p| channel.asset(p.slot, p.asset).collection.clone())
            .collect::<String>()
    };
    // The 25th is a Friday, and so is 1 January.
    assert_eq!([23, 24, 25, 26, 27].map(evening), ["dddddd", "ddrrdd", "ddrxdd", "ddrrdd", "dddddd"]);
    let friday = place(&channel, date(2027, 1, 1));
    assert_eq!(channel.asset(friday.placements[2].slot, 0).collection, "w");
}

/// Every day is asked of a plan that was just made, as after a restart, and of one that has been up all along.
#[test]
fn for_a_year_a_sequential_run_neither_skips_nor_repeats() {
    let text = "channel: a\ntimezone: America/New_York\nbroadcast_day: 2025-07-01\nschedule:\n  daily: {start: '06:00', until: '20:00', episode_selector: {collection: m}}\n  weeknights: {start: '19:00', episode_selector: {collection: m}}\n  saturday: {start: '22:30', episode_selector: {collection: m}}\n  2025-12-24..2025-12-26: {start: '12:00', until: '18:00', episode_selector: {collection: x}}\n";
    // Lengths of one, two and three half hours, so that days have different numbers of airings.
    let lengths: Vec<i64> = (0..97).map(|i| [1320, 2640, 3700, 1320][i % 4]).collect();
    let make = || line_up(text, [collection("m", &lengths), collection("x", &[3600])].concat());
    let (up, mut progress) = (make(), Progress::default());
    let mut next = 0;
    for step in 0..365 {
        let day = date(2025, 7, 1).checked_add(step.days()).unwrap();
        let placed = progress.place(&up, day).unwrap();
        if step % 7 == 3 {
            assert_eq!(place(&make(), day), placed, "{day}");
        }
        for p in placed.placements.iter().filter(|p| up.asset(p.slot, p.asset).collection == "m") {
            assert_eq!(p.asset, next, "{day}");
            next = (next + 1) % lengths.len();
        }
    }
    // A year later, asked at once and asked backwards.
    let late = date(2027, 3, 1);
    let there = place(&make(), late);
    assert_eq!(progress.place(&up, late).unwrap(), there);
    assert_eq!(progress.place(&up, date(2025, 7, 9)).unwrap(), place(&make(), date(2025, 7, 9)));
}

#[test]
fn a_film_keeps_its_cooldown_whichever_slot_airs_it() {
    let text = "channel: a\nbroadcast_day: 2026-01-01\ntemplate: premium_movie\nschedule:\n  daily: {start: '20:00', movie_selector: {collections: [m], min_cooldown_days: 21}}\n  weekends: {start: '15:00', movie_selector: {collections: [m, x], min_cooldown_days: 14}}\n";
    let channel = line_up(text, [collection("m", &[5400; 40]), collection("x", &[5400; 2])].concat());
    let mut progress = Progress::default();
    let mut aired: std::collections::BTreeMap<String, i32> = Default::default();
    for step in 0..500 {
        let placed = progress.place(&channel, date(2026, 1, 1).checked_add(step.days()).unwrap()).unwrap();
        assert!(placed.hurried.is_empty(), "{placed:?}");
        for p in &placed.placements {
            let least = if channel.asset(p.slot, 0).collection == "m"
                && channel.pools[channel.slots[p.slot].pool].assets.len() == 40
            {
                21
            } else {
                14
            };
            if let Some(before) = aired.insert(channel.asset(p.slot, p.asset).id.clone(), step) {
                assert!(
                    step - before >= least,
                    "{} after {}",
                    channel.asset(p.slot, p.asset).id,
                    step - before
                );
            }
        }
    }
    assert_eq!(aired.len(), 42, "all of them air");
}

/// A channel of any shape: some blocks in some layers, of selectors of all modes.
fn any_channel() -> impl Strategy<Value = (String, Vec<i64>)> {
    let zone = proptest::sample::select(vec![
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "UTC",
    ]);
    let grid = proptest::sample::select(vec!["10s", "60s", "5m", "15m", "30m", "1h"]);
    let days = proptest::sample::select(vec![
        "daily",
        "weekdays",
        "weekends",
        "saturday",
        "sunday",
        "2026-03-06..2026-03-09",
        "2026-03-28",
        "2026-10-31..2026-11-01",
    ]);
    let mode = proptest::sample::select(vec![
        "mode: sequential",
        "mode: random",
        "mode: random, min_cooldown_days: 5",
        "mode: weighted, weights: {m: 2, m.000: 5}",
    ]);
    let block = (days, 0i64..24, 1i64..24, any::<bool>(), mode, 1usize..3);
    let lengths = proptest::collection::vec(20i64..12_000, 1..9);
    (zone, grid, proptest::collection::vec(block, 0..5), lengths).prop_map(|(zone, grid, blocks, lengths)| {
        let mut text =
            format!("channel: a\ntimezone: {zone}\nbroadcast_day: 2026-03-01\ngrid: {grid}\nschedule:\n");
        let mut seen = Vec::new();
        for (days, start, length, repeats, mode, slots) in blocks {
            if seen.contains(&days) {
                continue;
            }
            seen.push(days);
            let end = (start + length).min(24);
            let until = if repeats { format!("until: '{:02}:00', ", end + 6) } else { String::new() };
            let slot = format!("{{episode_selector: {{collection: m, {mode}}}}}");
            let slots = vec![slot; slots].join(", ");
            text.push_str(&format!("  {days}: {{start: '{:02}:00', {until}slots: [{slots}]}}\n", start + 6));
        }
        if seen.is_empty() {
            text.push_str("  daily: []\n");
        }
        (text, lengths)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// For any schedule and any days: what airs is in the day, in order, apart, on the grid of the wall clock, and
    /// every slot holds its asset.
    #[test]
    fn every_day_is_well_formed((text, lengths) in any_channel(), from in 0i32..300) {
        let spec = parse(&text);
        let snapshot = Snapshot::new(collection("m", &lengths), ["m".to_owned()], []);
        let Ok((channel, _)) = resolve(&spec, &snapshot, None, 42) else { return Ok(()) };
        let mut progress = Progress::default();
        for step in 0..4 {
            let day = date(2026, 3, 1).checked_add((from + step).days()).unwrap();
            let placed = progress.place(&channel, day).unwrap();
            let mut at = placed.start;
            for p in &placed.placements {
                let asset = channel.asset(p.slot, p.asset);
                prop_assert!(p.start >= at && p.end() <= placed.end, "{:?} on {}\n{}", p, day, text);
                prop_assert!(p.length.0 % channel.grid_ms == 0 && p.length.0 - asset.duration.0 < channel.grid_ms);
                prop_assert!(asset.duration <= p.length);
                let wall = jiff::Timestamp::from_millisecond(p.start.0).unwrap();
                let offset = i64::from(channel.zone.to_offset(wall).seconds()) * 1000;
                prop_assert_eq!((p.start.0 + offset) % channel.grid_ms, 0, "{:?} on {}\n{}", p, day, text);
                at = p.end();
            }
        }
    }
}
