//! A channel file with the files it includes. Each is read once, however many ways lead to it.

use super::codes;
use super::grammar::{CHANNEL, SHARED};
use crate::yaml::{Diagnostic, Document, Node, Place, Report, Shape, Value};
use std::path::{Component, Path, PathBuf};

/// Most files of one channel.
const MOST_FILES: usize = 64;

/// How a file is read: its path, and the number its places bear.
pub type ReadDocument<'r> = &'r mut dyn FnMut(&Path, usize) -> Result<Document, Box<Diagnostic>>;

/// A channel file and those it includes, in the order of reading: the channel file first, and every file before
/// those it includes.
#[derive(Debug, Clone)]
pub struct Sources {
    documents: Vec<Document>,
    /// The file that each was included by.
    includers: Vec<usize>,
}

impl Sources {
    /// The channel file by itself.
    #[must_use]
    pub(super) fn new(document: Document) -> Sources {
        Sources { documents: vec![document], includers: vec![0] }
    }

    /// Reads what the channel file includes, and what that includes.
    pub(super) fn load(document: Document, read: ReadDocument<'_>) -> (Sources, Report) {
        let mut loading = Loading { sources: Sources::new(document), report: Report::default(), read };
        loading.follow(0);
        (loading.sources, loading.report)
    }

    /// The channel file.
    #[must_use]
    pub fn channel_file(&self) -> &Document {
        &self.documents[0]
    }

    /// All files.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The file a place is in.
    #[must_use]
    pub fn document(&self, place: Place) -> &Document {
        self.documents.get(place.file).unwrap_or(&self.documents[0])
    }

    /// An error at a place of whichever file.
    #[must_use]
    pub fn at(&self, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at_place(self.document(place), place, message)
    }

    /// Whether one file includes the other, by way of others or itself.
    pub(super) fn includes(&self, outer: usize, mut inner: usize) -> bool {
        while inner != 0 && inner != outer {
            inner = self.includers[inner];
        }
        inner == outer
    }
}

struct Loading<'r> {
    sources: Sources,
    report: Report,
    read: ReadDocument<'r>,
}

impl Loading<'_> {
    fn follow(&mut self, file: usize) {
        let document = self.sources.documents[file].clone();
        let folder = document.path.parent().unwrap_or(Path::new(""));
        for node in include_nodes(&document) {
            let Some(name) = node.scalar().filter(|name| !name.is_empty()) else {
                let message = format!("include must name files, not {}", node.kind());
                self.refuse(node, codes::WRONG_KIND, message, "include: shared/evenings.yaml");
                continue;
            };
            let path = plain(&folder.join(name));
            let known = self.sources.documents.iter().position(|d| plain(&d.path) == path);
            match known {
                Some(outer) if self.sources.includes(outer, file) => self.cycle(node, outer, file),
                Some(_) => {}
                None => self.read(node, &path, file),
            }
        }
    }

    fn read(&mut self, node: &Node, path: &Path, includer: usize) {
        let number = self.sources.documents.len();
        if number == MOST_FILES {
            let message = format!("more than {MOST_FILES} files for one channel");
            self.refuse(node, codes::INCLUDE, message, "put what belongs together into one file");
            return;
        }
        match (self.read)(path, number) {
            Ok(document) => {
                self.sources.documents.push(document);
                self.sources.includers.push(includer);
                self.follow(number);
            }
            // What is wrong in the file is said there; that it cannot be read, where it is asked for.
            Err(finding) if finding.place().line > 0 => self.report.push(*finding),
            Err(finding) => {
                let help = format!(
                    "paths are relative to the folder of {}",
                    self.sources.documents[includer].path.display()
                );
                self.refuse(node, codes::INCLUDE, finding.message().to_owned(), &help);
            }
        }
    }

    fn cycle(&mut self, node: &Node, outer: usize, file: usize) {
        let name = |n: usize| self.sources.documents[n].path.display().to_string();
        let mut chain = vec![name(outer)];
        let mut at = file;
        while at != outer {
            chain.insert(0, name(at));
            at = self.sources.includers[at];
        }
        chain.insert(0, name(outer));
        let message = format!("this file includes itself: {}", chain.join(" → "));
        self.refuse(node, codes::INCLUDE_CYCLE, message, "take one of the includes out");
    }

    fn refuse(&mut self, node: &Node, code: &'static str, message: String, help: &str) {
        self.report.push(self.sources.at(node.place, message).help(help).code(code));
    }
}

fn include_nodes(document: &Document) -> Vec<&Node> {
    debug_assert!([&CHANNEL, &SHARED].into_iter().all(|shape: &Shape| shape.key("include").is_some()));
    let Value::Mapping(pairs) = &document.root.value else { return Vec::new() };
    match pairs.iter().find(|(key, _)| key.scalar() == Some("include")).map(|(_, value)| value) {
        None | Some(Node { value: Value::Null, .. }) => Vec::new(),
        Some(Node { value: Value::Sequence(items), .. }) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

/// The path without `.` and `..`, so that a file is known again by another way to it.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_again() {
        for (path, expect) in [("a/./b/../c.yaml", "a/c.yaml"), ("../x/../y", "../y"), ("/a/../b", "/b")] {
            assert_eq!(plain(Path::new(path)), Path::new(expect));
        }
    }
}
