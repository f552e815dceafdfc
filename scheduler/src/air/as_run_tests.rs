//! Sessions of all kinds, told event by event, and what the log then says of them.

use super::*;
use crate::catalog::{Catalog, SentFrames, SentSegment};
use proptest::prelude::*;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::Segment;
use std::collections::BTreeMap;

/// A quarter second past an hour, so that no block begins on a whole second.
const T0: i64 = 1_790_000_000_250;
const BLOCK_MS: i64 = 20_000;
/// Acts and breaks of a block, not on frames of any rate.
const PARTS: [i64; 4] = [7_001, 3_333, 6_667, 2_999];

fn plan(number: i64, variant: &str) -> BlockPlan {
    let segments = (0..).zip(PARTS).map(|(index, ms)| {
        let kind = if index % 2 == 0 { "act" } else { "filler" };
        let asset = if index % 2 == 0 { format!("show{variant}") } else { format!("spot{index}") };
        let metadata = [("kind", kind), ("asset_id", &asset)];
        Segment {
            segment_index: index,
            asset_uri: format!("/{asset}"),
            asset_start_offset_ms: Millis(if index == 2 { PARTS[0] } else { 0 }),
            segment_duration_ms: Millis(ms),
            frame_count: None,
            metadata: metadata.map(|(key, value)| (key.into(), value.into())).into(),
        }
    });
    BlockPlan {
        block_id: format!("b{number}"),
        channel_id: 1,
        start_utc_ms: UtcMs(T0 + number * BLOCK_MS),
        end_utc_ms: UtcMs(T0 + (number + 1) * BLOCK_MS),
        segments: segments.collect(),
        events: vec![],
        cues: vec![],
    }
}

fn session(rate: (i64, i64), join: i64) -> SessionRun {
    let rate = FrameRate::new(rate.0, rate.1).unwrap();
    let number = join.div_euclid(BLOCK_MS);
    let mut run = SessionRun::new(1, rate, plan(number, "").start_utc_ms, UtcMs(T0 + join));
    for number in [number, number + 1] {
        run.fed(&plan(number, ""), "Show".into());
    }
    run
}

fn started(number: i64) -> News {
    News::BlockStarted { block_id: format!("b{number}") }
}

fn completed(number: i64, frames: i64) -> News {
    News::BlockCompleted { block_id: format!("b{number}"), frames }
}

fn failed(number: i64, frames: i64) -> News {
    let failure = Failure::new(FailureCode::DecodeError, "bad".to_owned());
    News::BlockFailed { block_id: format!("b{number}"), frames, failure }
}

fn cut(number: i64, frames: i64) -> News {
    News::BlockCut { block_id: format!("b{number}"), frames }
}

fn lost() -> News {
    News::LinkClosed("its process ended".to_owned())
}

/// What is told at instants after T0, and the rows of the log: block, from, until, frames, reckoned, outcome.
fn told(run: &mut SessionRun, news: &[(i64, News)]) -> Vec<(String, i64, i64, i64, bool, AsRunOutcome)> {
    let entries = news.iter().flat_map(|(at, news)| run.heard(news, UtcMs(T0 + at))).collect::<Vec<_>>();
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            HistoryEntry::Ended(1, run) => {
                let frames = run.frames.unwrap();
                let (from, until) = (run.from_ms.0 - T0, run.until_ms.0 - T0);
                Some((run.block_id, from, until, frames.count, frames.reckoned, run.outcome))
            }
            _ => None,
        })
        .collect()
}

use AsRunOutcome::{Completed, Cut, Failed};

#[test]
fn each_kind_of_end_is_told_once_to_the_frame() {
    let whole = 20 * 25;
    type Rows<'a> = &'a [(&'a str, i64, i64, i64, bool, AsRunOutcome)];
    type Case<'a> = (&'a str, i64, &'a [(i64, News)], Rows<'a>);
    let table: [Case<'_>; 13] = [
        (
            "a whole block and the first frame of the next",
            0,
            &[
                (20, started(0)),
                (20_000, completed(0, whole)),
                (20_020, started(1)),
                (20_040, News::Ended(None)),
            ],
            &[("b0", 0, 20_000, whole, false, Completed), ("b1", 20_000, 20_040, 1, true, Cut)],
        ),
        (
            "a join in the middle begins with the next frame",
            5_001,
            &[(5_050, started(0)), (20_000, completed(0, 374)), (20_001, failed(1, 0)), (20_001, lost())],
            &[("b0", 5_040, 20_000, 374, false, Completed), ("b1", 20_000, 20_000, 0, false, Failed)],
        ),
        (
            "a block that fails has the frames that AIR told, whatever the clock says",
            0,
            &[(20, started(0)), (9_999, failed(0, 25)), (9_999, News::Ended(None)), (10_100, lost())],
            &[("b0", 0, 1_000, 25, false, Failed)],
        ),
        (
            "a block that is cut has the frames that AIR told, whatever the clock says",
            0,
            &[(20, started(0)), (9_999, cut(0, 25)), (9_999, News::Ended(None)), (10_100, lost())],
            &[("b0", 0, 1_000, 25, false, Cut)],
        ),
        (
            "the next block was cut, and the word of its beginning was lost",
            0,
            &[
                (20, started(0)),
                (20_000, completed(0, whole)),
                (20_040, cut(1, 1)),
                (20_040, News::Ended(None)),
            ],
            &[("b0", 0, 20_000, whole, false, Completed), ("b1", 20_000, 20_040, 1, false, Cut)],
        ),
        (
            "an AIR that does not tell what it cut",
            0,
            &[(20, started(0)), (4_001, News::Ended(None))],
            &[("b0", 0, 4_040, 101, true, Cut)],
        ),
        (
            "a process that dies tells nothing: the clock does",
            0,
            &[(20, started(0)), (4_001, lost())],
            &[("b0", 0, 4_040, 101, true, Failed)],
        ),
        (
            "a session that ends with a failure and no word of the block",
            0,
            &[
                (20, started(0)),
                (80, News::Ended(Some(Failure::new(FailureCode::InternalError, "x".into())))),
            ],
            &[("b0", 0, 80, 2, true, Failed)],
        ),
        (
            "nothing began, nothing aired",
            0,
            &[(20, News::Ended(None)), (21, lost()), (30, started(0)), (40, completed(0, 7))],
            &[],
        ),
        (
            "told twice is told once",
            0,
            &[(20, started(0)), (21, started(0)), (20_000, completed(0, whole)), (20_001, completed(0, 1))],
            &[("b0", 0, 20_000, whole, false, Completed)],
        ),
        (
            "an end whose beginning was not told, and a beginning after one whose end was not",
            0,
            &[(20_000, completed(0, whole)), (20_020, started(1)), (20_500, started(7))],
            &[("b0", 0, 20_000, whole, false, Completed)],
        ),
        (
            "the end of the block before was lost: it was sent to its fence",
            0,
            &[(20, started(0)), (20_020, started(1)), (21_000, lost())],
            &[("b0", 0, 20_000, whole, true, Cut), ("b1", 20_000, 21_000, 25, true, Failed)],
        ),
        (
            "more frames than a block has, or fewer than none",
            0,
            &[(20, started(0)), (20_000, completed(0, 9_999)), (20_001, completed(1, -4))],
            &[("b0", 0, 20_000, whole, false, Completed), ("b1", 20_000, 20_000, 0, false, Completed)],
        ),
    ];
    for (what, join, news, expect) in table {
        let rows = told(&mut session((25, 1), join), news);
        let rows: Vec<_> =
            rows.iter().map(|row| (row.0.as_str(), row.1, row.2, row.3, row.4, row.5)).collect();
        assert_eq!(rows, expect, "{what}");
    }
}

#[test]
fn who_ended_it_decides_between_cut_and_failed() {
    for (asked, given_up, outcome) in
        [(false, false, Failed), (true, false, Cut), (false, true, Failed), (true, true, Cut)]
    {
        let mut run = session((25, 1), 0);
        run.heard(&started(0), UtcMs(T0));
        if asked {
            run.stop_asked();
        }
        let at = UtcMs(T0 + 400);
        let entries = if given_up { run.given_up(at) } else { run.heard(&lost(), at) };
        let [HistoryEntry::Ended(1, ended)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((ended.outcome, ended.frames.unwrap().count), (outcome, 10));
        assert!(ended.detail.is_some());
        assert_eq!(run.given_up(at), [], "it has ended");
    }
}

#[test]
fn segments_have_the_frames_between_their_boundaries() {
    let mut run = session((30_000, 1001), 7_500);
    run.heard(&started(0), UtcMs(T0 + 7_600));
    let first = (7_500 * 30_000 + 1_001_000 - 1) / 1_001_000;
    let entries = run.heard(&failed(0, 250), UtcMs(T0 + 30_000));
    let [HistoryEntry::Ended(1, ended)] = &entries[..] else { panic!("{entries:?}") };
    let HistoryEntry::Fed(1, block) = run.fed(&plan(0, ""), "Show".into()) else { panic!() };
    assert_eq!(block.segments[1].kind.as_deref(), Some("filler"));
    let sent = ended.segments(&block.segments);
    let bound = |ms: i64| (ms * 30_000 + 1_001_000 - 1) / 1_001_000;
    let (a, b) = (bound(PARTS[0] + PARTS[1]), bound(PARTS[0] + PARTS[1] + PARTS[2]));
    assert_eq!(
        sent.iter().map(|s| (s.position, s.first.0, s.count)).collect::<Vec<_>>(),
        [(1, first, a - first), (2, a, (first + 250).min(b) - a)]
    );
    // It is joined half a second into the filler, and the act goes on where the first one ended.
    assert_eq!(sent[0].offset_ms.0, (first * 1_001_000 / 30_000) - (bound(PARTS[0]) * 1_001_000 / 30_000));
    assert_eq!(sent[1].offset_ms.0, PARTS[0]);
}

#[test]
fn frames_that_two_sessions_sent_aired_once() {
    let ended = |join: i64, frames: i64| {
        let mut run = session((25, 1), join);
        run.heard(&started(0), UtcMs(T0 + join));
        let entries = run.heard(&failed(0, frames), UtcMs(T0 + join));
        let [HistoryEntry::Ended(1, ended)] = &entries[..] else { panic!("{entries:?}") };
        ended.clone()
    };
    let first = ended(0, 50);
    for (join, frames, from, count) in
        [(2_000, 10, 2_000, 10), (1_960, 10, 2_000, 9), (1_801, 10, 2_000, 6), (1_000, 10, 2_000, 0)]
    {
        let second = ended(join, frames).after(first.until_ms);
        assert_eq!((second.from_ms.0 - T0, second.frames.unwrap().count), (from, count), "{join}");
        assert!(second.until_ms >= second.from_ms);
    }
    // The clock was set back by a day: that is no seam, and both are told.
    let set_back = ended(0, 50).after(first.until_ms.plus(Millis(86_400_000)));
    assert_eq!(set_back, first);
}

/// At 29.97 the last frame of a block reaches over its fence: a session that begins at the fence loses none by that.
#[test]
fn a_session_from_a_fence_on_has_all_its_frames() {
    let rate = FrameRate::new(30_000, 1001).unwrap();
    let last = |join: i64| {
        let mut run = session((30_000, 1001), join);
        let number = join / BLOCK_MS;
        let entries = run.heard(&completed(number, i64::MAX), UtcMs(T0));
        let [HistoryEntry::Ended(1, ended)] = &entries[..] else { panic!("{entries:?}") };
        ended.clone()
    };
    let before = last(0);
    assert!(before.until_ms.0 > T0 + BLOCK_MS, "it reaches over");
    for join in [BLOCK_MS, BLOCK_MS + 1] {
        let whole = last(join);
        assert_eq!(whole.clone().after(before.until_ms), whole, "{join}");
        let first = rate.frame_at_or_after(UtcMs(T0 + BLOCK_MS), UtcMs(T0 + join));
        assert_eq!(whole.frames.unwrap().first, first);
    }
    // A session of the same block has its frames on the same grid: all of them were sent.
    let same = last(BLOCK_MS - 5_000).after(before.until_ms);
    assert_eq!(same.frames.unwrap().count, 0);
}

/// How a random session comes to its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Asked,
    ProcessDies,
    BlockFails,
    GivenUp,
    StationDies { seen_before: i64 },
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Asked),
        Just(End::ProcessDies),
        Just(End::BlockFails),
        Just(End::GivenUp),
        (0i64..10_000).prop_map(|seen_before| End::StationDies { seen_before }),
    ]
}

/// Frames before `ms` after the epoch, found by trying.
fn frames_before(ms: i64, (num, den): (i64, i64)) -> i64 {
    let near = (ms * num / (1000 * den) - 2).max(0);
    (near..).find(|k| k * den * 1000 >= ms * num).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Joins anywhere, deaths, blocks planned anew: in the catalog every block that began has one end, spans of the
    /// channel do not overlap, segments tile the spans, plays are the segments' sums.
    #[test]
    fn every_block_that_began_ends_once_and_nothing_overlaps(
        rate in prop_oneof![Just((25, 1)), Just((30_000, 1001)), Just((24_000, 1001)), Just((60, 1))],
        sessions in proptest::collection::vec((-300i64..9_000, 1i64..55_000, ends(), any::<bool>()), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let id = catalog.register_channel("one", 1, "One").unwrap().channel_id;
        prop_assert_eq!(id, 1);
        let frame_rate = FrameRate::new(rate.0, rate.1).unwrap();
        let mut began = 0;
        let mut whole: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        let mut now = 1_000;
        for (gap, length, end, anew) in sessions {
            let join = now + gap;
            let last = join + length;
            now = last.max(now);
            let mut number = join.div_euclid(BLOCK_MS);
            let epoch = number * BLOCK_MS;
            let mut run = SessionRun::new(1, frame_rate, UtcMs(T0 + epoch), UtcMs(T0 + join));
            let variant = if anew { "-anew" } else { "" };
            let mut entries: Vec<HistoryEntry> =
                (0..2).map(|next| run.fed(&plan(number + next, variant), "Show".into())).collect();
            let mut from = frames_before(join - epoch, rate);
            // The session sends what is due before `last`.
            let until = frames_before(last - epoch, rate);
            while from < until {
                let fence = frames_before((number + 1) * BLOCK_MS - epoch, rate);
                if from < fence {
                    entries.extend(run.heard(&started(number), UtcMs(T0 + join)));
                    began += 1;
                    if fence > until {
                        break;
                    }
                    entries.extend(run.heard(&completed(number, fence - from), UtcMs(T0 + last)));
                    whole.insert((number, join), fence - from);
                    from = fence;
                }
                number += 1;
                entries.push(run.fed(&plan(number + 1, variant), "Show".into()));
            }
            let at = UtcMs(T0 + last);
            match end {
                End::Asked => {
                    run.stop_asked();
                    // It has no block on the air where it ends at a fence.
                    if from < until {
                        entries.extend(run.heard(&cut(number, until - from), at));
                    }
                    entries.extend(run.heard(&News::Ended(None), at));
                }
                End::ProcessDies => entries.extend(run.heard(&lost(), at)),
                End::BlockFails => {
                    entries.extend(run.heard(&failed(number, until - from), at));
                    entries.extend(run.heard(&News::Ended(None), at));
                }
                End::GivenUp => entries.extend(run.given_up(at)),
                End::StationDies { .. } => {}
            }
            catalog.record_history(&entries, UtcMs(T0 + join)).unwrap();
            if let End::StationDies { seen_before } = end {
                catalog.note_on_air(UtcMs(T0 + (last - seen_before).max(join))).unwrap();
                drop(run);
                catalog = Catalog::open(dir.path()).unwrap();
                catalog.close_left_on_air().unwrap();
            } else {
                prop_assert_eq!(catalog.close_left_on_air().unwrap(), 0, "nothing is left open");
            }
        }
        let runs = catalog.as_run_with_segments(1, UtcMs(0), UtcMs(i64::MAX)).unwrap();
        // A block may fail before its first frame: it has an end without a beginning.
        let empty = |run: &AsRun| run.outcome == Failed && run.frames.unwrap().count == 0;
        prop_assert!(runs.len() >= began && runs.iter().filter(|(run, _)| !empty(run)).count() <= began);
        let mut keys: Vec<_> = runs.iter().map(|(run, _)| (run.block_ms, run.joined_ms)).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), runs.len());
        let mut plays: BTreeMap<String, i64> = BTreeMap::new();
        let mut sent_until = UtcMs(0);
        for (run, segments) in &runs {
            let frames: SentFrames = run.frames.unwrap();
            let second = frames.instant(frames.first.offset(1));
            prop_assert!(
                run.from_ms >= sent_until || second > sent_until,
                "a whole frame of {:?} is before {}", run, sent_until
            );
            prop_assert!(run.from_ms >= run.block_ms && run.until_ms >= run.from_ms);
            sent_until = sent_until.max(run.until_ms);
            let mut at = frames.first;
            for SentSegment { first, count, asset_id, .. } in segments {
                prop_assert_eq!(*first, at);
                at = first.offset(*count);
                let aired = frames.instant(at).since(frames.instant(*first)).0;
                *plays.entry(asset_id.clone().unwrap()).or_default() += aired;
            }
            prop_assert_eq!(at, frames.end(), "segments of {:?}", run);
            if run.outcome == Completed {
                let number = (run.block_ms.0 - T0) / BLOCK_MS;
                let all = whole[&(number, run.joined_ms.0 - T0)];
                // What the session before had sent already is not counted again.
                let seam = frames_before(300, rate) + 1;
                prop_assert!(frames.count <= all && all - frames.count <= seam.max(0), "{} of {}", frames.count, all);
                prop_assert!(!frames.reckoned);
            }
        }
        for (asset, aired) in plays {
            let recorded: i64 = catalog.plays(&asset, 10_000).unwrap().iter().map(|play| play.aired_ms.0).sum();
            prop_assert_eq!(recorded, aired, "{}", asset);
        }
    }
}
