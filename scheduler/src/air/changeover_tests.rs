//! Whatever follows whatever, and whenever: blocks meet, none that was given out changes, the guide tells what airs.

use super::*;
use crate::catalog::StubAssetResolver;
use crate::config::default_format;
use crate::dsl::parse_channel;
use crate::plan::ProgrammingParts;
use crate::yaml::Document;
use std::path::Path;

const ASSETS: &str = r#"{"assets":[
  {"id":"asset.show.1","title":"One","type":"episode","collection":"col.show","season":1,"episode":1,"duration_sec":1320,"uri":"/one.mp4"},
  {"id":"asset.show.2","title":"Two","type":"episode","collection":"col.show","season":1,"episode":2,"duration_sec":1320,"uri":"/two.mp4"},
  {"id":"asset.film","title":"Film","type":"movie","collection":"col.films","duration_sec":6000,"uri":"/film.mp4"},
  {"id":"asset.filler","title":"Filler","type":"filler","collection":"col.filler","duration_sec":60,"uri":"/filler.mp4"}],
 "programs":[]}"#;

/// 2026-01-01T12:00:00Z.
const NOON: UtcMs = UtcMs(1_767_268_800_000);
const MINUTE: i64 = 60_000;

const SHOW: &str = "timezone: UTC\nschedule: {daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.show}}}";

/// Schedules that could follow each other: on other grids, in another zone, with nothing in them.
const PLANS: [&str; 5] = [
    SHOW,
    "timezone: UTC\ntemplate: premium_movie\ngrid: 15m\nschedule: {daily: {start: '06:00', until: '06:00', movie_selector: {collections: [col.films]}}}",
    "timezone: Asia/Kolkata\nschedule: {daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.show}}}",
    "timezone: UTC\nschedule: {daily: []}",
    "timezone: UTC\ngrid: 10m\nfiller: [col.filler]\nschedule: {daily: {start: '09:10', until: '23:50', episode_selector: {collection: col.show}}}",
];

fn programming(channels: &[(&str, &str)]) -> Programming {
    let resolver = StubAssetResolver::parse(Path::new("assets.json"), ASSETS).unwrap();
    let channels = channels.iter().zip(1..).map(|((id, text), number)| {
        let text = format!("channel: {id}\n{text}\n");
        let (spec, _) = parse_channel(Document::parse(Path::new("c.yaml"), &text).unwrap()).unwrap();
        (ChannelInfo { id: (*id).to_owned(), channel_id: number, number: 1, name: (*id).to_owned() }, spec)
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

fn block(schedule: &impl Schedule, at: UtcMs) -> BlockPlan {
    schedule.block_at("one", at, &BTreeSet::new()).unwrap()
}

/// The block on the air and the next, as a session holds them.
fn tune_in(schedule: &impl Schedule, at: UtcMs) -> [BlockPlan; 2] {
    let first = block(schedule, at);
    let second = block(schedule, first.end_utc_ms);
    [first, second]
}

/// The guide has no hole and no overlap, and an event begins wherever the old gives way to the new.
fn guide_is_whole(schedule: &Changeover, from: UtcMs, cut: UtcMs) {
    let to = from.plus(Millis(24 * 60 * MINUTE));
    let events = schedule.guide("one", from, to).unwrap();
    assert!(events[0].start <= from && events.last().unwrap().end >= to);
    assert!(events.windows(2).all(|pair| pair[0].end == pair[1].start), "{events:#?}");
    assert!(events.iter().all(|event| event.start < event.end), "{events:#?}");
    assert!(!(from..to).contains(&cut) || events.iter().any(|event| event.start <= cut && cut < event.end));
    assert!(events.iter().all(|event| event.end <= cut || event.start >= cut), "{cut}: {events:#?}");
}

#[test]
fn a_block_that_was_given_out_stays_and_what_follows_meets_it() {
    let plans = PLANS.map(|text| programming(&[("one", text)]));
    for (index, old) in plans.iter().enumerate() {
        for new in plans.iter().skip(index + 1).chain(&plans[..index]) {
            for minutes in (0..24 * 60).step_by(97) {
                let now = NOON.plus(Millis(minutes * MINUTE + 1));
                let schedule = Changeover::new(old);
                let held = tune_in(&schedule, now);
                let taken = schedule.take(new, now);
                let Taken::From(cut) = taken[0] else { panic!("{taken:?}") };
                assert!(cut >= held[1].end_utc_ms);
                assert_eq!(tune_in(&schedule, now), held, "a session that begins again has the same blocks");
                let mut at = held[1].end_utc_ms;
                for _ in 0..60 {
                    let next = block(&schedule, at);
                    assert_eq!(next.start_utc_ms, at, "blocks meet");
                    assert_eq!(next, block(if at < cut { old } else { new }, at));
                    at = next.end_utc_ms;
                }
                assert!(at > cut, "it follows within the day");
                guide_is_whole(&schedule, now, cut);
            }
        }
    }
}

#[test]
fn what_nobody_watches_changes_at_once() {
    let [old, new] = [PLANS[0], PLANS[1]].map(|text| programming(&[("one", text)]));
    let schedule = Changeover::new(&old);
    tune_in(&schedule, NOON);
    let later = NOON.plus(Millis(180 * MINUTE));
    assert_eq!(schedule.take(&new, later), [Taken::From(later)]);
    assert_eq!(tune_in(&schedule, later), tune_in(&new, later));
    let to = later.plus(Millis(60 * MINUTE));
    assert_eq!(schedule.guide("one", later, to).unwrap(), new.guide("one", later, to).unwrap());
}

#[test]
fn of_two_changes_in_one_block_the_last_one_follows() {
    let [old, second, third] = [PLANS[0], PLANS[1], PLANS[4]].map(|text| programming(&[("one", text)]));
    let schedule = Changeover::new(&old);
    let held = tune_in(&schedule, NOON);
    schedule.take(&second, NOON);
    let taken = schedule.take(&third, NOON.plus(Millis(1)));
    let Taken::From(cut) = taken[0] else { panic!("{taken:?}") };
    assert_eq!(tune_in(&schedule, NOON), held);
    let mut at = held[1].end_utc_ms;
    for _ in 0..20 {
        let next = block(&schedule, at);
        assert_eq!(next, block(if at < cut { &old } else { &third }, at));
        at = next.end_utc_ms;
    }
    // Once blocks of the new one are held they are what stays.
    let held = tune_in(&schedule, cut);
    schedule.take(&second, cut);
    assert_eq!(tune_in(&schedule, cut), held);
}

#[test]
fn what_was_given_out_of_several_stays_as_it_was() {
    let [old, second, third] = [PLANS[0], PLANS[4], PLANS[3]].map(|text| programming(&[("one", text)]));
    let schedule = Changeover::new(&old);
    let first = tune_in(&schedule, NOON);
    let taken = schedule.take(&second, NOON);
    let Taken::From(cut) = taken[0] else { panic!("{taken:?}") };
    // The session goes on until it holds one block of each.
    let mut held = first;
    while held[1].start_utc_ms < cut {
        let next = block(&schedule, held[1].end_utc_ms);
        held = [held[1].clone(), next];
    }
    let now = held[0].start_utc_ms.plus(Millis(1));
    let taken = schedule.take(&third, now);
    assert_eq!(tune_in(&schedule, now), held);
    assert_eq!((&held[0], &held[1]), (&block(&old, now), &block(&second, held[0].end_utc_ms)));
    let Taken::From(cut) = taken[0] else { panic!("{taken:?}") };
    assert_eq!(block(&schedule, cut), block(&third, cut));
    let events = schedule.guide("one", now, now.plus(Millis(6 * 60 * MINUTE))).unwrap();
    assert!(events.windows(2).all(|pair| pair[0].end == pair[1].start), "{events:#?}");
}

#[test]
fn where_nothing_meets_it_waits_until_nobody_watches() {
    // A quarter of an hour apart, all day long.
    let [old, new] =
        ["UTC", "Asia/Kathmandu"].map(|zone| programming(&[("one", SHOW.replace("UTC", zone).as_str())]));
    let schedule = Changeover::new(&old);
    let held = tune_in(&schedule, NOON);
    assert_eq!(schedule.take(&new, NOON), [Taken::PutOff]);
    assert_eq!(tune_in(&schedule, NOON), held);
    assert_eq!(block(&schedule, held[1].end_utc_ms), block(&old, held[1].end_utc_ms));
    let later = NOON.plus(Millis(600 * MINUTE));
    assert_eq!(schedule.take(&new, later), [Taken::From(later)]);
    assert_eq!(block(&schedule, later), block(&new, later));
}

#[test]
fn a_channel_that_is_not_in_the_new_programming_keeps_its_own() {
    let old = programming(&[("one", PLANS[0]), ("two", PLANS[0])]);
    let schedule = Changeover::new(&old);
    let new = programming(&[("two", PLANS[1]), ("three", PLANS[0])]);
    assert_eq!(schedule.take(&new, NOON), [Taken::Kept, Taken::From(NOON)]);
    assert_eq!(block(&schedule, NOON), block(&old, NOON));
    let nothing = BTreeSet::new();
    let two = |schedule: &dyn Schedule| schedule.block_at("two", NOON, &nothing).unwrap();
    assert_ne!(two(&schedule), two(&old));
    assert_eq!(schedule.channels(), old.channels());
    assert!(schedule.block_at("three", NOON, &nothing).is_err());
}
