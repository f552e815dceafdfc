//! The tree of a YAML document: mappings in order, sequences, scalars as the text that was written.
//!
//! Scalars are kept as text, so that `20:00`, `0700` or `29.97` mean what their key says they mean and
//! never what a YAML version makes of them.

use super::Diagnostic;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest document read: a schedule of a thousand entries is 100 kB.
const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// A YAML file that was read: its path, its text and its tree.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where the text came from.
    pub path: PathBuf,
    /// The whole text.
    pub text: Arc<str>,
    /// The top of the tree.
    pub root: Node,
}

/// Where in a document something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Which of the files read together, from 0; see [`Document::parse_as`].
    pub file: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar, as written, without its quotes.
    Scalar(String),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order written.
    Mapping(Vec<(Node, Node)>),
}

impl Document {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// One diagnostic: the file cannot be read, is too long, is not UTF-8 or is not YAML.
    pub fn read(path: &Path) -> Result<Document, Box<Diagnostic>> {
        Document::read_as(path, 0)
    }

    /// The same for a file that is read together with others, as the one numbered `file`.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn read_as(path: &Path, file: usize) -> Result<Document, Box<Diagnostic>> {
        let refuse = |message: String, help: &str| {
            Box::new(Diagnostic::of_file(path, message).help(help).code("unreadable"))
        };
        let length = std::fs::metadata(path)
            .map_err(|e| {
                refuse(format!("cannot read {}: {e}", path.display()), "check the path and its permissions")
            })?
            .len();
        if length > MAX_DOCUMENT_BYTES {
            return Err(refuse(
                format!("{} is {length} bytes long, more than {MAX_DOCUMENT_BYTES}", path.display()),
                "is this the right file? split it if it is",
            ));
        }
        let bytes = std::fs::read(path).map_err(|e| {
            refuse(format!("cannot read {}: {e}", path.display()), "check the path and its permissions")
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            refuse(
                format!(
                    "{} is not UTF-8 text: byte {} is invalid",
                    path.display(),
                    e.utf8_error().valid_up_to()
                ),
                "save it as UTF-8",
            )
        })?;
        Document::parse_as(path, &text, file)
    }

    /// Parses text that came from `path`.
    ///
    /// # Errors
    /// One diagnostic with the place where the text stops being YAML.
    pub fn parse(path: &Path, text: &str) -> Result<Document, Box<Diagnostic>> {
        Document::parse_as(path, text, 0)
    }

    /// The same for text that is read together with others: all its places bear the number `file`.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_as(path: &Path, text: &str, file: usize) -> Result<Document, Box<Diagnostic>> {
        let options = serde_saphyr::options! { with_snippet: false };
        let root = serde_saphyr::from_str_with_options::<Raw>(text, options).map_err(|error| {
            let place = error.location().map_or_else(Place::default, |l| Place::of(&l, text, file));
            let message = first_line(&error.without_snippet().to_string());
            let message = format!("this is not valid YAML: {message}");
            let help = "look for a bracket or quote left open, or lines that are indented unevenly";
            Box::new(Diagnostic::error(path, text, place, message).help(help).code("not-yaml"))
        })?;
        Ok(Document { path: path.to_owned(), text: Arc::from(text), root: root.place_in(text, file) })
    }
}

/// Errors carry their place apart, so a trailing "at line …" is dropped with everything after line one.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let cut = line.find(" at line ").unwrap_or(line.len());
    let text = &line[..cut];
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.trim().to_owned()
}

impl Place {
    fn of(location: &Location, text: &str, file: usize) -> Place {
        let line = usize::try_from(location.line()).unwrap_or(1).max(1);
        let column = usize::try_from(location.column()).unwrap_or(1).max(1);
        // Byte offsets are absent for errors found at the end of input; the line and column then tell.
        let start = location
            .span()
            .byte_offset()
            .and_then(|b| usize::try_from(b).ok())
            .unwrap_or_else(|| byte_at(text, line, column))
            .min(text.len());
        let length = location.span().byte_len().and_then(|b| usize::try_from(b).ok()).unwrap_or(0);
        let start = floor_char(text, start);
        let end = floor_char(text, start.saturating_add(length).min(text.len())).max(start);
        Place { line, column, start, end, file }
    }
}

fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number + 1 == line {
            return start + content.char_indices().nth(column - 1).map_or(content.len(), |(i, _)| i);
        }
        start += content.len();
    }
    text.len()
}

fn floor_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Node {
    /// The scalar's text.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, in words for a diagnostic.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// The tree as serde hands it over, before spans are turned into places.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Text(String),
    /// A number or truth value: its text is in the source, at its span.
    Plain(String),
    Sequence(Vec<Raw>),
    Mapping(Vec<(Raw, Raw)>),
}

impl Raw {
    fn place_in(self, text: &str, file: usize) -> Node {
        let place = Place::of(&self.0.referenced, text, file);
        let defined = Place::of(&self.0.defined, text, file);
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Text(t) => Value::Scalar(t),
            RawValue::Plain(fallback) => {
                let written = text[defined.start..defined.end].trim();
                Value::Scalar(if written.is_empty() { fallback } else { written.to_owned() })
            }
            RawValue::Sequence(items) => {
                Value::Sequence(items.into_iter().map(|i| i.place_in(text, file)).collect())
            }
            RawValue::Mapping(pairs) => Value::Mapping(
                pairs.into_iter().map(|(k, v)| (k.place_in(text, file), v.place_in(text, file))).collect(),
            ),
        };
        Node { place, value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        Spanned::<RawValue>::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, v: bool) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_i128<E>(self, v: i128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_u128<E>(self, v: u128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(RawValue::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(RawValue::Mapping(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Mapping(pairs) = &node.value else { panic!("not a mapping") };
        &pairs.iter().find(|(k, _)| k.scalar() == Some(key)).unwrap().1
    }

    #[test]
    fn scalars_keep_their_text_and_place() {
        let text =
            "a: 20:00\nb: \"21:30\"\nc: 29.97\nd: 0700\ne: yes\nf:\n  - x\n  - {g: 1989-10-12}\nh: ~\n";
        let doc = Document::parse(Path::new("x.yaml"), text).unwrap();
        for (key, value) in [("a", "20:00"), ("b", "21:30"), ("c", "29.97"), ("d", "0700"), ("e", "yes")] {
            assert_eq!(get(&doc.root, key).scalar(), Some(value), "{key}");
        }
        let Value::Sequence(items) = &get(&doc.root, "f").value else { panic!() };
        assert_eq!(items[0].scalar(), Some("x"));
        let date = get(&items[1], "g");
        assert_eq!((date.scalar(), date.place.line, date.place.column), (Some("1989-10-12"), 8, 9));
        assert_eq!(&text[date.place.start..date.place.end], "1989-10-12");
        assert_eq!(get(&doc.root, "h").value, Value::Null);
    }

    #[test]
    fn aliases_point_at_their_use() {
        let text = "base: &b 30\nother: *b\n";
        let doc = Document::parse(Path::new("x.yaml"), text).unwrap();
        let other = get(&doc.root, "other");
        assert_eq!((other.scalar(), other.place.line), (Some("30"), 2));
    }

    #[test]
    fn broken_yaml_names_its_line() {
        for (text, line) in [("a: 1\nb: [1, 2\n", 3), ("a: 1\na: 2\n", 2), ("a: \"x\nb: 1\n", 3)] {
            let error = Document::parse(Path::new("x.yaml"), text).unwrap_err();
            assert!(error.place().line.abs_diff(line) <= 1, "{text:?}: {error:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(text in "\\PC{0,200}") {
            let _ = Document::parse(Path::new("x.yaml"), &text);
        }

        #[test]
        fn mutated_documents_never_panic(at in 0usize..200, with in any::<char>()) {
            let text = "channel: a\nschedule:\n  daily:\n    - start: \"06:00\"\n      slots: [{program: p.x, title: é}]\n      until: &x 07:00\n";
            let at = floor_char(text, at.min(text.len()));
            let mut mutated = text.to_owned();
            mutated.insert(at, with);
            let _ = Document::parse(Path::new("x.yaml"), &mutated);
        }
    }
}
