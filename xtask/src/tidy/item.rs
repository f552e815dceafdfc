//! Which item of a source file a place belongs to: the function around it, or the item or field that a
//! comment stands before. Knows just enough of Rust and of protobuf for that; it is no parser.

use super::rust_text::{block_end, code_only, word_offsets};
use std::ops::Range;

/// A file's items.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    source: &'a str,
    code: String,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    kind: &'static str,
    name: String,
    start: usize,
    /// From the brace that opens it; empty where there is none.
    body: Range<usize>,
}

/// What a place belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The file as a whole.
    Module,
    /// The item or field of this name.
    Item(String),
    /// The test of this name.
    Test(String),
}

const KINDS: [&str; 10] =
    ["fn", "struct", "enum", "trait", "impl", "mod", "const", "static", "type", "message"];

impl<'a> Items<'a> {
    pub(crate) fn of(path: &str, source: &'a str) -> Items<'a> {
        let code = code_only(source);
        let mut items = Vec::new();
        for kind in KINDS.into_iter().filter(|kind| *kind != "message" || path.ends_with(".proto")) {
            for start in word_offsets(&code, kind) {
                items.extend(item(&code, kind, start));
            }
        }
        items.sort_by_key(|item| item.start);
        Items { source, code, items }
    }

    /// Owner of the place at `offset`.
    pub(crate) fn owner(&self, offset: usize) -> Owner {
        let line = self.source[..offset].rfind('\n').map_or(0, |n| n + 1);
        if self.source[line..].trim_start().starts_with("//!") {
            return Owner::Module;
        }
        let around = self.items.iter().filter(|item| item.body.contains(&offset)).max_by_key(|i| i.start);
        match around {
            Some(item) if item.kind == "fn" => self.function(item),
            Some(item) if ["struct", "enum", "message"].contains(&item.kind) => {
                Owner::Item(format!("{}::{}", item.name, self.field(offset)))
            }
            _ => match self.items.iter().find(|item| item.start >= offset) {
                Some(item) if item.kind == "fn" => self.function(item),
                Some(item) => Owner::Item(self.within(item)),
                None => Owner::Module,
            },
        }
    }

    /// Every test: its name and the comment before it.
    pub(crate) fn tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter(|item| item.kind == "fn" && self.is_test(item)).map(|item| {
            let lines = self.source[..item.start].rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]);
            let comment = |at: &usize| {
                let line = self.source[*at..].trim_start();
                line.starts_with("///") || line.starts_with('#')
            };
            let own = self.source[..item.start].rfind('\n').map_or(0, |n| n + 1);
            let start = lines.skip(1).take_while(comment).last().unwrap_or(own);
            (item.name.as_str(), &self.source[start..own])
        })
    }

    fn function(&self, item: &Item) -> Owner {
        if self.is_test(item) { Owner::Test(item.name.clone()) } else { Owner::Item(self.within(item)) }
    }

    /// Name of `item`, after that of the type it is implemented for.
    fn within(&self, item: &Item) -> String {
        let home = self.items.iter().rfind(|i| i.kind == "impl" && i.body.contains(&item.start));
        home.map_or_else(|| item.name.clone(), |home| format!("{}::{}", home.name, item.name))
    }

    /// True where one of the attributes before `item` is `#[test]`.
    fn is_test(&self, item: &Item) -> bool {
        let own = self.code[..item.start].rfind('\n').map_or(0, |n| n + 1);
        self.code[..own]
            .lines()
            .rev()
            .map(str::trim)
            .take_while(|line| line.is_empty() || line.starts_with('#'))
            .any(|line| line == "#[test]")
    }

    /// The field, value or variant that begins after `offset`.
    fn field(&self, offset: usize) -> &str {
        let mut rest = self.code[offset..].trim_start();
        while rest.starts_with("#[") {
            rest = rest.find(']').map_or("", |end| &rest[end + 1..]).trim_start();
        }
        let end = rest.find(['=', ':', ',', '(', '{', '}', ';']).unwrap_or(rest.len());
        // `map<key, value> name = 6` and `pub(super) name: Type`: the name is what stands before the last.
        let end = if rest[..end].contains("map<") { rest.find('=').unwrap_or(end) } else { end };
        let end = match rest[..end].trim_end().ends_with("pub") {
            true => rest.find(':').unwrap_or(end),
            false => end,
        };
        rest[..end].split_whitespace().last().unwrap_or("")
    }
}

fn item(code: &str, kind: &'static str, start: usize) -> Option<Item> {
    let after = start + kind.len();
    let open = opening(code, after);
    let head = &code[after..open.unwrap_or(code.len())];
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let name = match kind {
        // `impl<T> Trait for Type`: the type is what counts.
        "impl" => word(match head.split_once(" for ") {
            Some((_, of)) => of,
            None if head.starts_with('<') => head.split_once('>').map_or("", |(_, of)| of),
            None => head,
        }),
        _ => word(head),
    };
    // `const fn` is a function, `fn(…)` a type, `impl Trait` in a signature has no body of its own.
    let in_signature = kind == "impl"
        && !code[..start].trim_end().ends_with(['}', ';', ']', '{'])
        && !code[..start].trim().is_empty();
    if name.is_empty() || name == "fn" || in_signature {
        return None;
    }
    let body = match open {
        Some(open) if code.as_bytes().get(open) == Some(&b'{') => open..block_end(code, open),
        _ => start..start,
    };
    Some(Item { kind, name, start, body })
}

/// The brace or semicolon that ends the head of an item.
fn opening(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' | b';' if depth <= 0 => return Some(offset),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! Module: M0
use std::fs;
/// Constant: M1
pub(crate) const LIMIT: [u8; 2] = [1, 2];
/// Type: M2
struct Frame {
    /// Field: M3
    #[serde(default, rename = \"i\")]
    pub(super) index: u32,
}
enum Kind {
    /// Variant: M4
    First(u8),
}
impl<T> Frame {
    /// Method: M5
    const fn run(f: fn(&u8), g: impl Fn() -> u8) -> [u8; 3] {
        // Inside: M6
        { }
    }
    // Before: M7
    #[inline]
    fn next() {}
}
mod tests {
    /// Test: M8
    /// more
    #[test]
    #[should_panic]
    fn it_works() {
        let x = \"fn not_this\"; // M9
    }
}
";

    #[track_caller]
    fn owner(path: &str, source: &str, mark: &str, expected: &str) {
        let found = match Items::of(path, source).owner(source.find(mark).unwrap()) {
            Owner::Module => "module".to_owned(),
            Owner::Item(name) => name,
            Owner::Test(name) => format!("test {name}"),
        };
        assert_eq!(found, expected, "{mark}");
    }

    #[test]
    fn places_belong_to_items() {
        for (mark, expected) in [
            ("M0", "module"),
            ("M1", "LIMIT"),
            ("M2", "Frame"),
            ("M3", "Frame::index"),
            ("M4", "Kind::First"),
            ("M5", "Frame::run"),
            ("M6", "Frame::run"),
            ("M7", "Frame::next"),
            ("M8", "test it_works"),
            ("M9", "test it_works"),
        ] {
            owner("a/src/x.rs", SOURCE, mark, expected);
        }
    }

    #[test]
    fn fields_of_messages() {
        let source = "message Segment {\n  // Notes: M1\n  map<string, string> metadata = 6;\n  \
                      // Count: M2\n  optional int64 count = 5;\n}\n";
        owner("a/x.proto", source, "M1", "Segment::metadata");
        owner("a/x.proto", source, "M2", "Segment::count");
    }

    #[test]
    fn tests_have_their_comments() {
        let items = Items::of("a/src/x.rs", SOURCE);
        let found: Vec<_> = items.tests().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "it_works");
        assert!(found[0].1.contains("M8") && found[0].1.contains("more") && !found[0].1.contains("mod"));
    }
}
