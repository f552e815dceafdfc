//! The `guide` of a station file: how much of the guide the transport stream itself tells.

use crate::yaml::{Diagnostic, Document, Fields, Node, Report};

/// What the event tables of every channel tell beside present and following.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuideOnAir {
    /// Days of schedule, today included.
    pub days: u8,
    /// ISO 3166 code of the station's country: whose age ratings and local time are told.
    pub country: Option<[u8; 3]>,
}

/// Most days: identifiers of events begin again after a week and a half.
const MOST_DAYS: u64 = 7;

pub(super) fn read_guide(document: &Document, node: &Node, report: &mut Report) -> GuideOnAir {
    let mut guide = GuideOnAir::default();
    let Some(mut fields) = Fields::of(document, node, "the guide on the air", report) else { return guide };
    if let Some((days, _)) = fields.number("days", 0, MOST_DAYS, report) {
        guide.days = u8::try_from(days).unwrap_or_default();
    }
    if let Some((text, node)) = fields.text("country", report) {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => guide.country = Some(code),
            _ => report.push(
                Diagnostic::at(document, node, format!("\"{text}\" is no country code"))
                    .help("three letters of ISO 3166: USA, DEU, FRA"),
            ),
        }
    }
    fields.finish(report);
    guide
}
