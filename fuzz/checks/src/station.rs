//! The text of a station file, to the configuration or to findings.

use crate::Verdict;
use crate::channel::shown;
use retrovue_engine::format::SessionFormat;
use retrovue_scheduler::config::StationConfig;
use retrovue_scheduler::yaml::Document;
use std::path::Path;

/// Texts with more wildcards are passed over: a pattern like `/*/*/*` walks the disk, as it was asked to.
const WILDCARDS: usize = 2;

/// A text is a configuration within its limits, in a format that AIR takes, or every finding in it can be shown.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(data) else { return Verdict::Refused };
    if text.contains("**") || text.matches(['*', '?']).count() > WILDCARDS {
        return Verdict::Refused;
    }
    let document = match Document::parse(Path::new("station.yaml"), text) {
        Ok(document) => document,
        Err(finding) => {
            shown(&(finding.into()), text);
            return Verdict::Refused;
        }
    };
    match StationConfig::from_document(&document) {
        Ok(config) => {
            assert!((0..=86_400_000).contains(&config.linger.0));
            let refused = SessionFormat::new(&config.format).err();
            assert!(refused.is_none(), "AIR refuses what Core took: {refused:?}");
            assert!(config.channels.iter().all(|path| path.is_file()));
            assert!(config.sources().len() >= config.media.len());
            Verdict::Taken
        }
        Err(report) => {
            assert!(report.has_errors(), "a refusal says why");
            shown(&report, text);
            Verdict::Refused
        }
    }
}
