//! The checker against streams made here, broken here, and made by FFmpeg.

mod clean;
mod controls;
mod figures;
mod hevc;
mod noise;
mod real;
mod writer;

use retrovue_analyser::{Analyser, Options, Report, Rule};

/// The report on packets.
pub(crate) fn check(packets: &[writer::Packet]) -> Report {
    check_with(packets.as_flattened(), Options::default())
}

pub(crate) fn check_with(bytes: &[u8], options: Options) -> Report {
    let mut analyser = Analyser::new(options);
    analyser.push(bytes);
    analyser.finish()
}

/// Exactly these rules are broken.
#[track_caller]
pub(crate) fn breaks(report: &Report, expected: &[Rule]) {
    let broken: Vec<Rule> = report.broken().map(|rule| rule.rule).collect();
    assert_eq!(broken, expected, "{report}");
}
