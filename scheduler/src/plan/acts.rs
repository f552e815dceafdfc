//! Tier 2: a programme as acts with empty breaks between them (seed 004, Playout Log Expansion).

use crate::catalog::AssetMetadata;
use crate::dsl::ChannelTemplate;
use retrovue_timebase::Millis;
use serde::Serialize;

/// Without chapter markers, one break for every begun stretch of this length: 22 minutes have three, as
/// the sitcoms of the time did.
const EVEN_ACT: Millis = Millis(8 * 60_000);

/// A marker that would make an act shorter than this is passed over: files often have a chapter in their
/// first or last moments.
const SHORTEST_ACT: Millis = Millis(5000);

/// A part of the playout log before traffic has filled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LogEntry {
    /// A stretch of the programme.
    Act {
        /// From 1.
        act: usize,
        /// Where it begins in the asset.
        asset_start_ms: Millis,
        /// How long it is.
        duration_ms: Millis,
    },
    /// Time for traffic to fill.
    AdBlock {
        /// From 1.
        ad_block: usize,
        /// How long it is.
        duration_ms: Millis,
    },
}

impl LogEntry {
    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Millis {
        match self {
            LogEntry::Act { duration_ms, .. } | LogEntry::AdBlock { duration_ms, .. } => *duration_ms,
        }
    }
}

/// Divides a programme into acts and breaks that together last exactly `slot`, which is no shorter than
/// the programme. Break time is split equally in milliseconds, what is left over to the last.
#[must_use]
pub(crate) fn expand(asset: &AssetMetadata, slot: Millis, template: ChannelTemplate) -> Vec<LogEntry> {
    let runtime = asset.duration;
    let spare = slot - runtime;
    let markers = match template {
        // The film is not touched: what is left of its slot comes after it.
        ChannelTemplate::PremiumMovie => Vec::new(),
        ChannelTemplate::NetworkTelevision if spare <= Millis(0) => Vec::new(),
        ChannelTemplate::NetworkTelevision => breaks(asset),
    };
    let act = |number: usize, from: Millis, to: Millis| LogEntry::Act {
        act: number,
        asset_start_ms: from,
        duration_ms: to - from,
    };
    if markers.is_empty() {
        let mut log = vec![act(1, Millis(0), runtime)];
        if spare > Millis(0) {
            log.push(LogEntry::AdBlock { ad_block: 1, duration_ms: spare });
        }
        return log;
    }
    let count = markers.len() as i64;
    let share = Millis(spare.0 / count);
    let mut log = Vec::with_capacity(markers.len() * 2 + 1);
    let mut from = Millis(0);
    for (index, marker) in markers.iter().enumerate() {
        log.push(act(index + 1, from, *marker));
        let last = index + 1 == markers.len();
        let duration_ms = if last { Millis(spare.0 - share.0 * (count - 1)) } else { share };
        // A share of nothing is no break; the last still gets what there is.
        if duration_ms > Millis(0) {
            log.push(LogEntry::AdBlock { ad_block: index + 1, duration_ms });
        }
        from = *marker;
    }
    log.push(act(markers.len() + 1, from, runtime));
    log
}

/// Where the acts end: at the chapter markers, else evenly.
fn breaks(asset: &AssetMetadata) -> Vec<Millis> {
    let runtime = asset.duration;
    let mut markers: Vec<Millis> = asset.chapter_markers.clone().unwrap_or_default();
    markers.sort();
    let mut kept: Vec<Millis> = Vec::with_capacity(markers.len());
    for marker in markers {
        let before = kept.last().copied().unwrap_or(Millis(0));
        if marker - before >= SHORTEST_ACT && runtime - marker >= SHORTEST_ACT {
            kept.push(marker);
        }
    }
    if !kept.is_empty() {
        return kept;
    }
    let count = (runtime.0 + EVEN_ACT.0 - 1) / EVEN_ACT.0;
    let even: Vec<Millis> = (1..=count).map(|i| Millis(runtime.0 * i / (count + 1))).collect();
    if even.first().is_some_and(|first| *first >= SHORTEST_ACT) { even } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::pool::tests::asset;
    use proptest::prelude::*;

    fn shape(log: &[LogEntry]) -> Vec<(char, i64)> {
        log.iter()
            .map(|e| match e {
                LogEntry::Act { duration_ms, .. } => ('a', duration_ms.0),
                LogEntry::AdBlock { duration_ms, .. } => ('b', duration_ms.0),
            })
            .collect()
    }

    /// Seed 004, Traffic Manager: 30-minute slot, 22:00 episode, 3 chapter breaks, 2:40 each.
    #[test]
    fn the_example_of_the_seed() {
        let mut episode = asset("e", "col.x", 22 * 60);
        episode.chapter_markers = Some([300, 700, 1100].map(|s| Millis(s * 1000)).to_vec());
        let log = expand(&episode, Millis(1_800_000), ChannelTemplate::NetworkTelevision);
        let ads = 160_000;
        assert_eq!(
            shape(&log),
            [
                ('a', 300_000),
                ('b', ads),
                ('a', 400_000),
                ('b', ads),
                ('a', 400_000),
                ('b', ads),
                ('a', 220_000)
            ]
        );
    }

    #[test]
    fn without_markers_the_episode_is_divided_evenly() {
        let log =
            expand(&asset("e", "col.x", 22 * 60), Millis(1_800_000), ChannelTemplate::NetworkTelevision);
        assert_eq!(shape(&log)[0], ('a', 330_000));
        assert_eq!(log.len(), 7);
    }

    #[test]
    fn what_cannot_be_split_is_left_whole() {
        let network = ChannelTemplate::NetworkTelevision;
        let film = asset("f", "col.x", 100);
        let premium = expand(&film, Millis(120_000), ChannelTemplate::PremiumMovie);
        assert_eq!(shape(&premium), [('a', 100_000), ('b', 20_000)]);
        assert_eq!(shape(&expand(&film, Millis(100_000), network)), [('a', 100_000)]);
        assert_eq!(
            shape(&expand(&asset("s", "col.x", 4), Millis(10_000), network)),
            [('a', 4000), ('b', 6000)]
        );
    }

    #[test]
    fn the_last_break_has_the_remainder_and_stray_markers_are_passed_over() {
        let mut episode = asset("e", "col.x", 50);
        episode.chapter_markers = Some([83, 49_900, 10_000, 20_000, 20_100, 30_000].map(Millis).to_vec());
        let log = expand(&episode, Millis(60_001), ChannelTemplate::NetworkTelevision);
        assert_eq!(
            shape(&log),
            [
                ('a', 10_000),
                ('b', 3333),
                ('a', 10_000),
                ('b', 3333),
                ('a', 10_000),
                ('b', 3335),
                ('a', 20_000)
            ]
        );
    }

    proptest! {
        /// Acts cover the asset once, in order; everything sums to the slot; breaks differ by the
        /// remainder only.
        #[test]
        fn sums_are_exact(
            seconds in 1i64..20_000, millis in 0i64..1000, spare in 0i64..4_000_000,
            markers in proptest::option::of(proptest::collection::vec(-5i64..25_000_000, 0..20)),
            premium in any::<bool>(),
        ) {
            let mut programme = asset("e", "col.x", seconds);
            programme.duration = Millis(seconds * 1000 + millis);
            programme.chapter_markers = markers.map(|m| m.into_iter().map(Millis).collect());
            let template =
                if premium { ChannelTemplate::PremiumMovie } else { ChannelTemplate::NetworkTelevision };
            let slot = programme.duration + Millis(spare);
            let log = expand(&programme, slot, template);
            prop_assert_eq!(log.iter().map(|e| e.duration().0).sum::<i64>(), slot.0);
            prop_assert!(log.iter().all(|e| e.duration() > Millis(0)));
            let mut at = Millis(0);
            let mut breaks = Vec::new();
            for entry in &log {
                match entry {
                    LogEntry::Act { asset_start_ms, duration_ms, .. } => {
                        prop_assert_eq!(*asset_start_ms, at);
                        at = at + *duration_ms;
                    }
                    LogEntry::AdBlock { duration_ms, .. } => breaks.push(duration_ms.0),
                }
            }
            prop_assert_eq!(at, programme.duration);
            if let Some((last, others)) = breaks.split_last() {
                prop_assert!(others.iter().all(|b| *b == others[0]));
                if let Some(first) = others.first() {
                    prop_assert!(last - first >= 0 && last - first <= others.len() as i64);
                }
            }
        }
    }
}
