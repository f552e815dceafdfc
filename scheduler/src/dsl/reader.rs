//! From the trees of a channel's files to a [`ChannelSpec`]: the door, and what all readers share.

use super::codes;
use super::include::{ReadDocument, Sources};
use super::spec::ChannelSpec;
use crate::yaml::{Diagnostic, Document, Fields, Node, Place, Report, Shape};
use std::path::Path;
use std::sync::Arc;

/// Reads and parses a channel file and what it includes.
///
/// # Errors
/// Everything wrong with it at once. On success the report holds warnings at most.
pub fn read_channel(path: &Path) -> Result<(ChannelSpec, Report), Report> {
    let document = Document::read(path)?;
    parse_channel(document)
}

/// Parses a channel document; what it includes is read from the disk.
///
/// # Errors
/// Everything wrong with it at once. On success the report holds warnings at most.
pub fn parse_channel(document: Document) -> Result<(ChannelSpec, Report), Report> {
    match examine_channel(document) {
        (Some(spec), report) if !report.has_errors() => Ok((spec, report)),
        (_, report) => Err(report),
    }
}

/// Parses what can be parsed. With errors in the report, the channel is good for finding more of them
/// (names that lead nowhere) and for nothing else.
#[must_use]
pub fn examine_channel(document: Document) -> (Option<ChannelSpec>, Report) {
    examine_channel_with(document, &mut Document::read_as)
}

/// The same, with `read` for the files it includes.
#[must_use]
pub fn examine_channel_with(document: Document, read: ReadDocument<'_>) -> (Option<ChannelSpec>, Report) {
    let (sources, mut report) = Sources::load(document, read);
    let sources = Arc::new(sources);
    let spec = Reader { sources: &sources, report: &mut report }.channel(&sources);
    report.sort();
    (spec, report)
}

/// What reads the trees. Its methods stand with the part of the language they read.
pub(super) struct Reader<'a, 'r> {
    pub(super) sources: &'a Sources,
    pub(super) report: &'r mut Report,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn fields(&mut self, node: &'a Node, shape: &'static Shape) -> Option<Fields<'a>> {
        Fields::shaped(self.sources.document(node.place), node, shape, self.report)
    }

    pub(super) fn error(&mut self, node: &Node, code: &'static str, message: impl Into<String>, help: &str) {
        self.error_at(node.place, code, message, help);
    }

    pub(super) fn error_at(
        &mut self,
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        help: &str,
    ) {
        let finding: Diagnostic = self.sources.at(place, message).code(code);
        self.report.push(if help.is_empty() { finding } else { finding.help(help) });
    }

    /// Says that a key stands where it has no meaning.
    pub(super) fn misplaced(&mut self, node: &Node, message: String, help: &str) {
        self.error(node, codes::CONFLICT, message, help);
    }
}
