//! Blocks as planned and runs as sent, and what is found between them.

use super::*;
use crate::catalog::{OpenRun, PlaylogSegment};
use retrovue_timebase::FrameRate;

/// Blocks of ten seconds: an act of six and a spot of four.
fn planned(number: i64) -> PlaylogBlock {
    let segment = |kind: &str, asset: Option<&str>, ms| PlaylogSegment {
        kind: Some(kind.into()),
        asset_id: asset.map(str::to_owned),
        offset_ms: Millis(0),
        duration_ms: Millis(ms),
    };
    PlaylogBlock {
        block_id: format!("b{number}"),
        title: format!("Show {number}"),
        start_ms: UtcMs(number * 10_000),
        end_ms: UtcMs(number * 10_000 + 10_000),
        segments: vec![segment("act", Some("show"), 6_000), segment("spot", Some("soap"), 4_000)],
    }
}

/// A run of block `number`, 25 frames a second, joined at an instant, with so many frames.
fn run(number: i64, joined: i64, count: i64, outcome: AsRunOutcome, detail: Option<&str>) -> AsRun {
    let rate = FrameRate::new(25, 1).unwrap();
    let epoch = UtcMs(number * 10_000);
    let open = OpenRun {
        block_id: format!("b{number}"),
        block_ms: epoch,
        end_ms: UtcMs(number * 10_000 + 10_000),
        joined_ms: UtcMs(joined),
        epoch_ms: epoch,
        rate,
        first: rate.frame_at_or_after(epoch, UtcMs(joined)),
    };
    open.ended(Some(count), UtcMs(0), outcome, detail.map(str::to_owned))
}

/// Kind, block, from, until, what is missing.
type Found = (FindingKind, String, i64, i64, i64);

/// The findings as kind, block, from and until, with frames or segments that are missing.
fn found(sent: &[AsRun]) -> Vec<Found> {
    let blocks: Vec<PlaylogBlock> = (0..6).map(planned).collect();
    let found = reconcile(&blocks, sent, UtcMs(0), UtcMs(60_000));
    let missing = |f: &Finding| match f.kind {
        FindingKind::NotSent => f.missed.iter().map(|m| m.missed_ms.0).sum(),
        _ => f.missing_frames.unwrap_or(0),
    };
    let rows = found.findings.iter();
    rows.map(|f| (f.kind, f.block_id.clone(), f.from_utc_ms.0, f.until_utc_ms.0, missing(f))).collect()
}

use AsRunOutcome::{Completed, Cut, Failed};
use FindingKind as K;

#[test]
fn what_was_not_as_planned_is_found_and_nothing_else() {
    let b = |number: i64| format!("b{number}");
    let whole = |number: i64| run(number, number * 10_000, 250, Completed, None);
    let table: [(&str, Vec<AsRun>, Vec<Found>); 9] = [
        ("nobody watched", vec![], vec![]),
        ("all as planned", vec![whole(0), whole(1), whole(2)], vec![]),
        (
            "a viewer came late and left early",
            vec![run(0, 3_010, 174, Completed, None), run(1, 10_000, 9, Cut, None)],
            vec![],
        ),
        ("others came a while after", vec![run(0, 0, 9, Cut, None), whole(2)], vec![]),
        (
            "an asset failed and another session took over within the block",
            vec![run(0, 0, 100, Failed, Some("DECODE_ERROR: x")), run(0, 5_000, 125, Completed, None)],
            vec![(K::Failed, b(0), 0, 4_000, 0), (K::NotSent, b(0), 4_000, 5_000, 1_000)],
        ),
        (
            "a gap over a fence is of both blocks",
            vec![run(0, 0, 225, Failed, None), run(1, 11_000, 225, Completed, None)],
            vec![
                (K::Failed, b(0), 0, 9_000, 0),
                (K::NotSent, b(0), 9_000, 10_000, 1_000),
                (K::NotSent, b(1), 10_000, 11_000, 1_000),
            ],
        ),
        (
            "the station died, and was back soon; a failure nobody waited for",
            vec![run(0, 0, 50, Cut, Some("the station ended")), run(0, 8_000, 50, Failed, None)],
            vec![(K::NotSent, b(0), 2_000, 8_000, 6_000), (K::Failed, b(0), 8_000, 10_000, 0)],
        ),
        (
            "frames lack at the end of a block",
            vec![run(0, 0, 248, Completed, None), whole(1)],
            vec![(K::Short, b(0), 0, 9_920, 2), (K::NotSent, b(0), 9_920, 10_000, 80)],
        ),
        (
            "sent and not planned",
            vec![run(9, 90_000, 5, Completed, None)],
            vec![(K::Unplanned, b(9), 90_000, 90_200, 0)],
        ),
    ];
    for (what, sent, expect) in table {
        assert_eq!(found(&sent), expect, "{what}");
    }
}

#[test]
fn what_was_missed_is_told_by_segment_and_totals_are_of_the_stretch() {
    let sent = [
        run(0, 0, 125, Failed, Some("x")),
        run(0, 8_000, 50, Completed, None),
        run(1, 10_000, 25, Cut, None),
    ];
    let blocks = [planned(0), planned(1)];
    let found = reconcile(&blocks, &sent, UtcMs(1_000), UtcMs(15_000));
    assert_eq!(
        (found.planned_ms, found.sent_ms, found.not_sent_ms),
        (Millis(14_000), Millis(7_000), Millis(3_000))
    );
    assert_eq!((found.completed, found.cut, found.failed), (1, 1, 1));
    let missed: Vec<_> =
        found.findings[1].missed.iter().map(|m| (m.segment, m.asset_id.as_deref(), m.missed_ms.0)).collect();
    assert_eq!(missed, [(0, Some("show"), 1_000), (1, Some("soap"), 2_000)]);
    assert_eq!(found.findings[0].detail.as_deref(), Some("x"));
}

#[test]
fn a_gap_that_nobody_can_have_waited_for_is_none() {
    let blocks: Vec<PlaylogBlock> = (0..12).map(planned).collect();
    for (joined, gaps) in [(62_000, 1), (62_040, 0)] {
        let number = joined / 10_000;
        let sent = [run(0, 0, 50, Failed, None), run(number, joined, 10, Cut, None)];
        let found = reconcile(&blocks, &sent, UtcMs(0), UtcMs(120_000));
        let not_sent = found.findings.iter().filter(|f| f.kind == K::NotSent).count();
        assert_eq!(not_sent > 0, gaps > 0, "{joined}");
        assert_eq!(found.not_sent_ms, Millis(60_000 * gaps), "{joined}");
    }
}
