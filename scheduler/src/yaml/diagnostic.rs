//! What is wrong in a file, where, and what to do: one line for machines, a caret for people.

use super::{Document, Node, Place};
use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nothing is wrong.
    Note,
    /// The file works as it is; a person may want to look.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    level: Level,
    path: PathBuf,
    text: Arc<str>,
    place: Place,
    message: String,
    help: Option<String>,
    code: &'static str,
}

/// Code of a finding whose writer gave it none: the value is not what it should be.
pub(crate) const INVALID: &str = "invalid-value";

/// The form of a finding in `--json`.
#[derive(Serialize)]
struct DiagnosticJson<'a> {
    file: String,
    line: usize,
    column: usize,
    end: End,
    severity: Level,
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
struct End {
    line: usize,
    column: usize,
}

impl Diagnostic {
    /// An error at a place of a text.
    #[must_use]
    pub fn error(path: &Path, text: &str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            level: Level::Error,
            path: path.to_owned(),
            text: Arc::from(text),
            place,
            message: message.into(),
            help: None,
            code: INVALID,
        }
    }

    /// An error about a file as a whole.
    #[must_use]
    pub fn of_file(path: &Path, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(path, "", Place::default(), message)
    }

    /// An error at a node of a document.
    #[must_use]
    pub fn at(document: &Document, node: &Node, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at_place(document, node.place, message)
    }

    /// An error at a place of a document.
    #[must_use]
    pub fn at_place(document: &Document, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            level: Level::Error,
            path: document.path.clone(),
            text: Arc::clone(&document.text),
            place,
            message: message.into(),
            help: None,
            code: INVALID,
        }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The same with a code that programs can tell it by.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Diagnostic {
        self.code = code;
        self
    }

    /// The same as a note.
    #[must_use]
    pub fn note(mut self) -> Diagnostic {
        self.level = Level::Note;
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Diagnostic {
        self.level = Level::Warning;
        self
    }

    /// How grave it is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The code that programs tell it by.
    #[must_use]
    pub fn code_word(&self) -> &'static str {
        self.code
    }

    /// The file it is in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is; line 0 for the file as a whole.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The finding with its line of text and a caret, in colour when `styled`.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let level = match self.level {
            Level::Error => annotate_snippets::Level::ERROR,
            Level::Warning => annotate_snippets::Level::WARNING,
            Level::Note => annotate_snippets::Level::NOTE,
        };
        let path = self.path.to_string_lossy();
        let mut group = Group::with_title(level.primary_title(self.message.as_str()).id(self.code));
        if self.place.line == 0 {
            group = group.element(annotate_snippets::Origin::path(path));
        } else {
            let end = first_line_end(&self.text, self.place);
            group = group.element(
                Snippet::source(&*self.text)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(self.place.start..end)),
            );
        }
        if let Some(help) = &self.help {
            group = group.element(annotate_snippets::Level::HELP.message(help.as_str()));
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// The finding as a JSON value with `file`, `line`, `column`, `end` (`line` and `column`, exclusive),
    /// `severity`, `code`, `message` and `remedy`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let end = first_line_end(&self.text, self.place);
        // A finding ends on the line it begins on, so its width is all that is to be counted.
        let width = self.text.get(self.place.start..end).map_or(0, |shown| shown.chars().count());
        serde_json::to_value(DiagnosticJson {
            file: self.path.to_string_lossy().into_owned(),
            line: self.place.line,
            column: self.place.column,
            end: End { line: self.place.line, column: self.place.column + width },
            severity: self.level,
            code: self.code,
            message: &self.message,
            remedy: self.help.as_deref(),
        })
        .unwrap_or_default()
    }
}

/// Annotations stay on the line they begin on: a finding about a mapping points at its first key, not at
/// forty lines.
fn first_line_end(text: &str, place: Place) -> usize {
    let line_end = text[place.start..].find('\n').map_or(text.len(), |i| place.start + i);
    place.end.min(line_end).max(place.start)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.place.line > 0 {
            write!(f, ":{}:{}", self.place.line, self.place.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// All findings about one or more files, in the order found; as an error, at least one is grave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Diagnostic>,
}

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.findings.push(diagnostic);
    }

    /// Adds some findings, or none.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Diagnostic>) {
        self.findings.extend(findings);
    }

    /// Takes over the findings of another report.
    pub fn append(&mut self, mut other: Report) {
        self.findings.append(&mut other.findings);
    }

    /// All findings.
    #[must_use]
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Whether a finding forbids going on.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|d| d.level == Level::Error)
    }

    /// Makes every warning an error.
    pub fn make_strict(&mut self) {
        for finding in self.findings.iter_mut().filter(|d| d.level == Level::Warning) {
            finding.level = Level::Error;
        }
    }

    /// Puts findings in the order of the text and drops repeats.
    pub fn sort(&mut self) {
        self.findings
            .sort_by(|a, b| (&a.path, a.place.start, &a.message).cmp(&(&b.path, b.place.start, &b.message)));
        self.findings.dedup();
    }

    /// All findings with their carets.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let parts: Vec<String> = self.findings.iter().map(|d| d.render(styled)).collect();
        parts.join("\n\n")
    }
}

impl From<Box<Diagnostic>> for Report {
    fn from(diagnostic: Box<Diagnostic>) -> Report {
        Report { findings: vec![*diagnostic] }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The known names nearest to `wrong`, best first: for "did you mean".
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    /// More suggestions than this confuse.
    const MOST: usize = 3;
    let folded = wrong.to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| {
            let candidate = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&folded, &candidate);
            let contained = folded.len() >= 3 && (candidate.contains(&folded) || folded.contains(&candidate));
            (if contained { distance.min(2) } else { distance }, name)
        })
        .filter(|(distance, name)| *distance <= 2.max(name.chars().count() / 3))
        .collect();
    scored.sort();
    scored.truncate(MOST);
    scored.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_finding_has_file_line_column_caret_and_help() {
        let text = "channel: a\nschedle:\n  daily: []\n";
        let doc = Document::parse(Path::new("prog/a.yaml"), text).unwrap();
        let place = Place { line: 2, column: 1, start: 11, end: 18, file: 0 };
        let shown = Diagnostic::at_place(&doc, place, "unknown key \"schedle\"")
            .help("write \"schedule\"")
            .render(false);
        assert!(shown.contains("prog/a.yaml:2:1"), "{shown}");
        assert!(shown.contains("^^^^^^^"), "{shown}");
        assert!(shown.contains("help: write \"schedule\""), "{shown}");
    }

    #[test]
    fn a_finding_tells_programs_where_it_ends() {
        let text = "channel: \"é📺\"\n";
        let doc = Document::parse(Path::new("a.yaml"), text).unwrap();
        let place = Place { line: 1, column: 10, start: 9, end: 17, file: 0 };
        let json = Diagnostic::at_place(&doc, place, "x").code("bad").help("y").warning().to_json();
        let expect = serde_json::json!({"file": "a.yaml", "line": 1, "column": 10, "end": {"line": 1, "column": 14},
            "severity": "warning", "code": "bad", "message": "x", "remedy": "y"});
        assert_eq!(json, expect);
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["schedule", "templates", "timezone", "col.cheers_s6", "col.taxi_s2"];
        for (wrong, expect) in [
            ("schedle", vec!["schedule"]),
            ("timezon", vec!["timezone"]),
            ("col.chers_s6", vec!["col.cheers_s6"]),
            ("cheers", vec!["col.cheers_s6"]),
            ("zzzzzzzz", vec![]),
        ] {
            assert_eq!(nearest(wrong, known), expect, "{wrong}");
        }
    }
}
