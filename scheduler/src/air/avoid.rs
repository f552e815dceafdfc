//! Assets a channel keeps off the air for a while, because a session failed on them.
//!
//! AIR speaks of blocks only (seed 003 §5.9). Core knows which asset its own plan had on the air at an
//! instant, and an AIR rejection names the asset in its detail: from these two the culprit is found. An
//! asset is avoided to the end of the block it failed in, no longer: tomorrow's file may be whole.
//! Pure; what replaces the asset is the planner's matter.

use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// Most assets remembered at once: far beyond the segments of any block; when more fail, those whose
/// time is up soonest are forgotten.
const MAX_AVOIDED: usize = 256;

/// Assets by URI, each with the instant until which it stays off the air.
#[derive(Debug, Clone, Default)]
pub(crate) struct Avoided {
    until: BTreeMap<String, UtcMs>,
}

impl Avoided {
    /// Keeps `uri` off the air before `until`. True when that is news.
    pub(crate) fn add(&mut self, uri: &str, until: UtcMs) -> bool {
        if self.until.get(uri).is_some_and(|known| *known >= until) {
            return false;
        }
        if self.until.len() >= MAX_AVOIDED && !self.until.contains_key(uri) {
            let soonest = self.until.iter().min_by_key(|(_, instant)| **instant).map(|(uri, _)| uri.clone());
            if let Some(soonest) = soonest {
                self.until.remove(&soonest);
            }
        }
        self.until.insert(uri.to_owned(), until);
        true
    }

    /// The assets to replace in a block that holds `instant`.
    pub(crate) fn at(&self, instant: UtcMs) -> BTreeSet<String> {
        self.until.iter().filter(|(_, until)| **until > instant).map(|(uri, _)| uri.clone()).collect()
    }

    /// Forgets what has lapsed by `now`.
    pub(crate) fn prune(&mut self, now: UtcMs) {
        self.until.retain(|_, until| *until > now);
    }
}

/// The segment `block` has on the air at `instant`, by its own durations.
pub(crate) fn segment_at(block: &BlockPlan, instant: UtcMs) -> Option<&Segment> {
    if instant < block.start_utc_ms || instant >= block.end_utc_ms {
        return None;
    }
    let mut start = block.start_utc_ms;
    for segment in &block.segments {
        let end = start.plus(segment.segment_duration_ms);
        if instant < end {
            return Some(segment);
        }
        start = end;
    }
    None
}

/// The assets of `block` that `detail` names. A URI inside a longer one that is named too
/// (`/a/b.mp4` in `/a/b.mp4.bak`) does not count.
pub(crate) fn named_in<'a>(block: &'a BlockPlan, detail: &str) -> Vec<&'a str> {
    let mut named: Vec<&str> = Vec::new();
    for segment in &block.segments {
        let uri = segment.asset_uri.as_str();
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        if !path.is_empty() && detail.contains(path) && !named.contains(&uri) {
            named.push(uri);
        }
    }
    let longest: Vec<&str> = named
        .iter()
        .copied()
        .filter(|uri| !named.iter().any(|other| other.len() > uri.len() && other.contains(uri)))
        .collect();
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrovue_proto::plan::Notes;
    use retrovue_timebase::Millis;

    fn block(uris: &[(&str, i64)]) -> BlockPlan {
        let mut end = UtcMs(1_000);
        let mut segments = Vec::new();
        for (index, (uri, ms)) in uris.iter().enumerate() {
            end = end.plus(Millis(*ms));
            segments.push(Segment {
                segment_index: i32::try_from(index).unwrap_or(i32::MAX),
                asset_uri: (*uri).to_owned(),
                asset_start_offset_ms: Millis(0),
                segment_duration_ms: Millis(*ms),
                frame_count: None,
                metadata: Notes::default(),
            });
        }
        BlockPlan {
            block_id: "b".to_owned(),
            channel_id: 1,
            start_utc_ms: UtcMs(1_000),
            end_utc_ms: end,
            events: vec![],
            cues: vec![],
            segments,
        }
    }

    #[test]
    fn segment_on_the_air_by_instant() {
        let block = block(&[("a", 100), ("b", 50), ("c", 1)]);
        for (instant, uri) in [
            (999, None),
            (1000, Some("a")),
            (1099, Some("a")),
            (1100, Some("b")),
            (1149, Some("b")),
            (1150, Some("c")),
            (1151, None),
        ] {
            assert_eq!(segment_at(&block, UtcMs(instant)).map(|s| s.asset_uri.as_str()), uri, "{instant}");
        }
    }

    #[test]
    fn detail_names_assets() {
        let block = block(&[("/m/a.mp4", 1), ("/m/a.mp4.old", 1), ("file:///m/c d.mkv", 1)]);
        for (detail, named) in [
            ("cannot open /m/a.mp4: no such file", vec!["/m/a.mp4"]),
            ("cannot open /m/a.mp4.old", vec!["/m/a.mp4.old"]),
            ("segment 2 (/m/c d.mkv) ends early", vec!["file:///m/c d.mkv"]),
            ("out of memory", vec![]),
        ] {
            assert_eq!(named_in(&block, detail), named, "{detail}");
        }
    }

    #[test]
    fn avoided_until_the_block_ends_and_no_longer() {
        let mut avoided = Avoided::default();
        assert!(avoided.add("a", UtcMs(10)));
        assert!(!avoided.add("a", UtcMs(10)));
        assert!(avoided.at(UtcMs(9)).contains("a"));
        assert!(avoided.at(UtcMs(10)).is_empty());
        avoided.prune(UtcMs(10));
        assert!(avoided.at(UtcMs(0)).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let mut avoided = Avoided::default();
        for n in 0..10_000i64 {
            avoided.add(&format!("asset {n}"), UtcMs(n));
        }
        assert_eq!(avoided.until.len(), MAX_AVOIDED);
        assert!(avoided.at(UtcMs(0)).contains("asset 9999"));
    }
}
