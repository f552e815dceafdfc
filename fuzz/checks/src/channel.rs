//! The text of a channel file, to a programming that is asked what airs.

use crate::Verdict;
use retrovue_proto::plan::BlockPlan;
use retrovue_scheduler::catalog::StubAssetResolver;
use retrovue_scheduler::config::default_format;
use retrovue_scheduler::dsl::{ChannelSpec, examine_channel_with};
use retrovue_scheduler::plan::{ChannelInfo, Programming, ProgrammingParts};
use retrovue_scheduler::yaml::{Diagnostic, Document, Report};
use retrovue_timebase::UtcMs;
use std::path::Path;
use std::sync::LazyLock;

/// A catalog with something of each kind.
const ASSETS: &str = include_str!("assets.json");

/// When the broadcast day has no date: in the summer of a year of plain sequence.
const SUMMER: i64 = 1_720_000_000_000;

static RESOLVER: LazyLock<StubAssetResolver> =
    LazyLock::new(|| StubAssetResolver::parse(Path::new("assets.json"), ASSETS).expect("a catalog"));

/// A text is a channel that has a block for every instant asked, each within its bounds and the next where it ends,
/// or every finding in it can be shown.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(data) else { return Verdict::Refused };
    let parsed = Document::parse(Path::new("channel.yaml"), text).map_err(Report::from).and_then(examined);
    let planned = parsed.and_then(|(spec, warnings)| {
        shown(&warnings, text);
        programming(spec)
    });
    match planned {
        Ok((programming, warnings)) => {
            shown(&warnings, text);
            airs(&programming);
            Verdict::Taken
        }
        Err(report) => {
            assert!(report.has_errors(), "a refusal says why");
            shown(&report, text);
            Verdict::Refused
        }
    }
}

/// A channel that stands alone: there are no files to include.
fn examined(document: Document) -> Result<(ChannelSpec, Report), Report> {
    let mut nowhere = |path: &Path, _| Err(Box::new(Diagnostic::of_file(path, "there are no other files")));
    match examine_channel_with(document, &mut nowhere) {
        (Some(spec), report) if !report.has_errors() => Ok((spec, report)),
        (_, report) => Err(report),
    }
}

/// That every finding can be shown, and lies in the text.
pub(crate) fn shown(report: &Report, text: &str) {
    for finding in report.findings() {
        let place = finding.place();
        assert!(place.start <= place.end && place.end <= text.len(), "{place:?} in {} bytes", text.len());
        assert!(!finding.render(false).is_empty() && finding.to_json().is_object());
    }
    let _ = report.render(false);
}

fn programming(spec: ChannelSpec) -> Result<(Programming, Report), Report> {
    let info = ChannelInfo { id: spec.id.clone(), channel_id: 1, number: 1, name: spec.name.clone() };
    Programming::new(ProgrammingParts {
        format: default_format(),
        channels: vec![(info, spec)],
        resolver: &*RESOLVER,
        filler: None,
        black_uri: "/data/black.mp4".to_owned(),
        seed: 42,
    })
}

/// Blocks about the beginning of a broadcast day, which is where they are cut.
fn airs(programming: &Programming) {
    let id = programming.channels().first().map(|info| info.id.clone()).unwrap_or_default();
    let mut at = UtcMs(SUMMER);
    for _ in 0..4 {
        let block = programming.block_at(&id, at, &Default::default()).expect("a day of the calendar");
        within(&block, at);
        at = block.end_utc_ms;
    }
    let events = programming.guide(&id, UtcMs(SUMMER), UtcMs(SUMMER + 86_400_000)).expect("one day");
    assert!(events.windows(2).all(|pair| pair[0].end == pair[1].start), "the guide has no gaps");
}

fn within(block: &BlockPlan, at: UtcMs) {
    assert!(block.start_utc_ms <= at && at < block.end_utc_ms, "{at} in {block:?}");
    let sum: i64 = block.segments.iter().map(|segment| segment.segment_duration_ms.0).sum();
    assert_eq!(sum, block.end_utc_ms.since(block.start_utc_ms).0, "{block:?}");
    assert!(block.segments.iter().all(|segment| segment.segment_duration_ms.0 > 0), "{block:?}");
    assert!(block.segments.iter().zip(0..).all(|(segment, index)| segment.segment_index == index));
}
