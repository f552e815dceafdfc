//! Filler: what fills time that is nobody's (seed 004, Traffic Manager v1), and what traffic leaves of a break.
//!
//! Whole fillers while they fit, then black. Where not even one fits, one is cut at the break's end or, if it is too
//! short to be repeated, shown once. Nothing is shown beyond its own end: the built-in black, a second long, is the
//! one asset that AIR pads.

use super::shuffle::SplitMix;
use crate::catalog::AssetMetadata;
use retrovue_proto::plan::{Notes, Segment};
use retrovue_timebase::Millis;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Shortest filler that is repeated. A shorter one, a still or a sting, would make a segment of every few
/// frames; it is shown once, and black follows.
const SHORTEST_TURN: Millis = Millis(1000);

/// Shortest part of a filler that is shown where a whole one has no room: less would be a flash before a spot.
const SHORTEST_CUT: Millis = Millis(5000);

/// Fills the breaks of one block: the fillers in an order fixed by a seed, going on from break to break, so
/// that none comes again in a block before all that fit have been.
#[derive(Debug, Clone)]
pub(crate) struct Reel<'a> {
    /// Shuffled as far as it has been looked at; most blocks look at a few of many fillers.
    order: Vec<&'a Arc<AssetMetadata>>,
    shuffled: usize,
    random: SplitMix,
    next: usize,
    /// The shortest that may be repeated.
    shortest: Millis,
    black_uri: &'a str,
}

impl<'a> Reel<'a> {
    /// A reel without the assets in `avoid`. Its seed is asked for where there is something to shuffle.
    pub(crate) fn new(
        filler: &'a [Arc<AssetMetadata>],
        black_uri: &'a str,
        avoid: &BTreeSet<String>,
        seed: impl FnOnce() -> u64,
    ) -> Reel<'a> {
        let order: Vec<&Arc<AssetMetadata>> =
            filler.iter().filter(|a| avoid.is_empty() || !avoid.contains(&a.uri)).collect();
        let repeated = order.iter().map(|a| a.duration).filter(|length| *length >= SHORTEST_TURN);
        let shortest = repeated.min().unwrap_or(Millis(i64::MAX));
        let random = SplitMix(if order.is_empty() { 0 } else { seed() });
        Reel { order, shuffled: 0, random, next: 0, shortest, black_uri }
    }

    /// The filler at a place of the shuffled order.
    fn at(&mut self, index: usize) -> Option<&'a Arc<AssetMetadata>> {
        while self.shuffled <= index && self.shuffled < self.order.len() {
            let from = self.shuffled + self.random.below(self.order.len() - self.shuffled);
            self.order.swap(self.shuffled, from);
            self.shuffled += 1;
        }
        self.order.get(index).copied()
    }

    /// Appends segments that last exactly `time`.
    pub(crate) fn fill(&mut self, time: Millis, segments: &mut Vec<Segment>) {
        let count = self.order.len();
        let mut left = time;
        let mut filled = false;
        while left >= self.shortest {
            let fits = |asset: &Arc<AssetMetadata>| (SHORTEST_TURN..=left).contains(&asset.duration);
            let mut found = None;
            for index in (self.next..count).chain(0..self.next) {
                if let Some(asset) = self.at(index).filter(|asset| fits(asset)) {
                    found = Some((index, asset));
                    break;
                }
            }
            let Some((index, asset)) = found else { break };
            push(segments, &asset.uri, Millis(0), asset.duration, "filler", Some(&asset.id));
            left = left - asset.duration;
            self.next = (index + 1) % count;
            filled = true;
        }
        if left <= Millis(0) {
            return;
        }
        if let (false, Some(asset)) = (filled, self.at(self.next)) {
            let shown = left.min(asset.duration);
            push(segments, &asset.uri, Millis(0), shown, "filler", Some(&asset.id));
            self.next = (self.next + 1) % count;
            left = left - shown;
        }
        if left > Millis(0) {
            push(segments, self.black_uri, Millis(0), left, "black", None);
        }
    }

    /// The same for what spots have left of a break: a moment is black, and no flash of a filler.
    pub(crate) fn fill_rest(&mut self, time: Millis, segments: &mut Vec<Segment>) {
        if time < self.shortest.min(SHORTEST_CUT) {
            push(segments, self.black_uri, Millis(0), time, "black", None);
        } else {
            self.fill(time, segments);
        }
    }
}

/// Appends one segment, numbered on from the last.
pub(crate) fn push(
    segments: &mut Vec<Segment>,
    uri: &str,
    offset: Millis,
    duration: Millis,
    kind: &str,
    asset_id: Option<&str>,
) {
    let kind = (Cow::Borrowed("kind"), Value::from(kind));
    let metadata = match asset_id {
        Some(id) => Notes::from([(Cow::Borrowed("asset_id"), Value::from(id)), kind]),
        None => Notes::from([kind]),
    };
    segments.push(Segment {
        segment_index: i32::try_from(segments.len()).unwrap_or(i32::MAX),
        asset_uri: uri.to_owned(),
        asset_start_offset_ms: offset,
        segment_duration_ms: duration,
        frame_count: None,
        metadata,
    });
}

/// What [`push`] noted of a segment: its `kind`, or its `asset_id` where it has one.
pub(crate) fn note<'s>(segment: &'s Segment, key: &str) -> Option<&'s str> {
    segment.metadata.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::pool::tests::asset;
    use proptest::prelude::*;

    fn fillers(seconds: &[i64]) -> Vec<Arc<AssetMetadata>> {
        seconds.iter().enumerate().map(|(i, s)| Arc::new(asset(&format!("f{i}"), "col.filler", *s))).collect()
    }

    fn fill(seconds: &[i64], time: i64) -> Vec<(String, i64)> {
        let list = fillers(seconds);
        let mut segments = Vec::new();
        Reel::new(&list, "black.mp4", &BTreeSet::new(), || 1).fill(Millis(time), &mut segments);
        segments.into_iter().map(|s| (s.asset_uri, s.segment_duration_ms.0)).collect()
    }

    #[test]
    fn one_filler_loops_and_black_takes_the_remainder() {
        let f = "/m/f0.mp4".to_owned();
        let black = "black.mp4".to_owned();
        let looped = [(f.clone(), 60_000), (f.clone(), 60_000), (black.clone(), 40_000)];
        assert_eq!(fill(&[60], 160_000), looped);
        assert_eq!(fill(&[60], 120_000), [(f.clone(), 60_000), (f.clone(), 60_000)]);
        assert_eq!(fill(&[60], 40_000), [(f, 40_000)]);
        assert_eq!(fill(&[], 40_000), [(black, 40_000)]);
        assert_eq!(fill(&[60], 0), []);
    }

    #[test]
    fn shorter_fillers_are_found_for_what_is_left() {
        let uris: Vec<i64> = fill(&[60, 15], 90_000).into_iter().map(|(_, d)| d).collect();
        assert_eq!(uris.iter().sum::<i64>(), 90_000);
        assert!(uris.iter().all(|d| *d == 60_000 || *d == 15_000), "{uris:?}");
    }

    /// A still of one frame as the only filler would be sent a thousand times a minute.
    #[test]
    fn fillers_too_short_to_follow_each_other_are_shown_once() {
        for millis in [1, 40, SHORTEST_TURN.0 - 1] {
            let mut short = asset("f", "col.filler", 1);
            short.duration = Millis(millis);
            let mut segments = Vec::new();
            Reel::new(&[Arc::new(short)], "black.mp4", &BTreeSet::new(), || 1)
                .fill(Millis(1_800_000), &mut segments);
            let lengths: Vec<i64> = segments.iter().map(|s| s.segment_duration_ms.0).collect();
            assert_eq!(lengths, [millis, 1_800_000 - millis]);
        }
        assert_eq!(fill(&[SHORTEST_TURN.0 / 1000], 10_000).len(), 10);
    }

    #[test]
    fn an_avoided_filler_is_not_used() {
        let list = fillers(&[10, 10]);
        let avoid = BTreeSet::from([list[0].uri.clone()]);
        let mut segments = Vec::new();
        Reel::new(&list, "black.mp4", &avoid, || 1).fill(Millis(30_000), &mut segments);
        assert!(segments.iter().all(|s| s.asset_uri == list[1].uri));
    }

    proptest! {
        /// None comes again before all that fit have been, and the same seed gives the same order.
        #[test]
        fn fillers_take_turns(count in 1usize..30, seed in any::<u64>(), rounds in 1usize..4) {
            let list = fillers(&vec![10; count]);
            let fill = || {
                let mut segments = Vec::new();
                Reel::new(&list, "black.mp4", &BTreeSet::new(), || seed)
                    .fill(Millis((count * rounds * 10_000) as i64), &mut segments);
                segments.into_iter().map(|s| s.asset_uri).collect::<Vec<_>>()
            };
            let shown = fill();
            for round in shown.chunks(count) {
                prop_assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), count);
            }
            prop_assert_eq!(shown.len(), count * rounds);
            prop_assert_eq!(fill(), shown);
        }

        /// To the millisecond, and with nothing beyond its own end.
        #[test]
        fn time_is_filled_exactly(seconds in proptest::collection::vec(1i64..90, 0..6), time in 0i64..900_000, seed in any::<u64>()) {
            let list = fillers(&seconds);
            let mut segments = Vec::new();
            let mut reel = Reel::new(&list, "black.mp4", &BTreeSet::new(), || seed);
            reel.fill(Millis(time), &mut segments);
            prop_assert_eq!(segments.iter().map(|s| s.segment_duration_ms.0).sum::<i64>(), time);
            prop_assert!(segments.iter().all(|s| s.segment_duration_ms > Millis(0)));
            for segment in &segments {
                let asset = list.iter().find(|asset| asset.uri == segment.asset_uri);
                prop_assert!(asset.is_none_or(|asset| segment.segment_duration_ms <= asset.duration));
            }
            prop_assert!(segments.iter().enumerate().all(|(i, s)| s.segment_index as usize == i));
        }
    }
}
