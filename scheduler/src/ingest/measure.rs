//! Measuring: every asset decoded once by a child, for its loudness and for the places where it is black and silent.
//!
//! Core decides which of these places are offered as breaks; it never uses one that nobody accepted.

use super::prober::{Prober, ProberCommand};
use super::probing::{in_order, workers};
use super::scan::{BadFile, IngestError, Progress};
use crate::catalog::{Catalog, Loudness, Measured};
use retrovue_timebase::Millis;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// No act is shorter than this, and no break is offered nearer to an end of the file: what is black there is the
/// beginning or the end.
const SHORTEST_ACT: Millis = Millis(120_000);

/// Most breaks offered of one file; more than any film was ever cut into.
const MOST_BREAKS: usize = 40;

/// What the prober's deep mode tells of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct DeepFacts {
    loudness: Option<Loudness>,
    /// Where it is black and silent, in order.
    #[serde(default)]
    black_silent: Vec<Interval>,
    /// Length as decoded.
    duration_ms: Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Interval {
    start_ms: Millis,
    end_ms: Millis,
}

/// What measuring did; part of the form of `ingest --deep --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MeasureReport {
    /// Assets measured.
    pub measured: usize,
    /// Breaks that are suggested in them.
    pub suggested_breaks: usize,
    /// Assets that could not be measured; they can air all the same.
    pub failed: Vec<BadFile>,
}

/// Measures every asset that can air and has not been measured, at or below `below` where that is not empty; each is
/// recorded as it is done.
///
/// # Errors
/// A failing catalog, no working prober.
pub fn measure(
    catalog: &mut Catalog,
    command: &ProberCommand,
    below: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<MeasureReport, IngestError> {
    let command = command.deep();
    let mut tasks = catalog.unmeasured()?;
    let real: Vec<PathBuf> =
        below.iter().map(|p| std::fs::canonicalize(p).unwrap_or_else(|_| p.clone())).collect();
    tasks.retain(|(_, path)| real.is_empty() || real.iter().any(|folder| path.starts_with(folder)));
    progress.begin(tasks.len() as u64);
    let mut report = MeasureReport::default();
    in_order(
        &tasks,
        workers(),
        || Prober::new(command.clone()),
        |prober, (_, path): &(String, PathBuf)| {
            prober.ask::<DeepFacts>(Path::new(path)).map_err(IngestError::from)
        },
        |(id, path), told| {
            progress.next(path);
            match told {
                Ok(facts) => {
                    let breaks = suggest(&facts.black_silent, facts.duration_ms);
                    report.measured += 1;
                    report.suggested_breaks += breaks.len();
                    catalog.record_measurement(id, &Measured::Loudness(facts.loudness), &breaks)?;
                }
                Err(failure) => {
                    let reason = format!("{}: {}", failure.code, failure.detail);
                    catalog.record_measurement(id, &Measured::Failed(reason.clone()), &[])?;
                    report.failed.push(BadFile { path: path.clone(), reason });
                }
            }
            Ok(())
        },
    )?;
    progress.end();
    Ok(report)
}

/// Which places to offer, `(middle, length)` in order: the longest first, as long as each leaves acts of a length.
fn suggest(places: &[Interval], duration: Millis) -> Vec<(Millis, Millis)> {
    let mut places: Vec<(Millis, Millis)> = places
        .iter()
        .filter(|p| p.end_ms > p.start_ms && p.start_ms.0 >= 0)
        .map(|p| {
            let length = p.end_ms.0 - p.start_ms.0;
            (Millis(p.start_ms.0 + length / 2), Millis(length))
        })
        .filter(|(at, _)| at.0 >= SHORTEST_ACT.0 && at.0 <= duration.0.saturating_sub(SHORTEST_ACT.0))
        .collect();
    places.sort_by_key(|(at, length)| (std::cmp::Reverse(*length), *at));
    let mut chosen: Vec<(Millis, Millis)> = Vec::new();
    for place in places {
        if chosen.len() < MOST_BREAKS && chosen.iter().all(|c| (c.0.0 - place.0.0).abs() >= SHORTEST_ACT.0) {
            chosen.push(place);
        }
    }
    chosen.sort();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_leave_acts_and_the_longest_black_wins() {
        let seconds = |places: &[(i64, i64)]| -> Vec<Interval> {
            places
                .iter()
                .map(|(s, e)| Interval { start_ms: Millis(s * 1000), end_ms: Millis(e * 1000) })
                .collect()
        };
        let length = Millis(1_320_000);
        // Titles at the start and the end are black too, and 400 has a longer neighbour.
        let found =
            suggest(&seconds(&[(0, 3), (30, 31), (400, 401), (450, 454), (800, 802), (1310, 1320)]), length);
        assert_eq!(found, [(Millis(452_000), Millis(4000)), (Millis(801_000), Millis(2000))]);
        assert_eq!(suggest(&seconds(&[(100, 102)]), Millis(200_000)), []);
        assert_eq!(suggest(&[Interval { start_ms: Millis(500_000), end_ms: Millis(400_000) }], length), []);
        let many: Vec<(i64, i64)> = (0..500).map(|n| (n * 130, n * 130 + 1)).collect();
        assert_eq!(suggest(&seconds(&many), Millis(65_000_000)).len(), MOST_BREAKS);
    }
}
