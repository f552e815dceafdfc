//! Splits Rust source into code on one side and comments and literals on the other, and finds what is
//! only compiled for tests. Knows just enough of the language for that; it is no parser.

use std::ops::Range;

/// `source` with every comment and every content of a string or character literal blanked out.
/// Lines and byte offsets stay as they are.
pub(crate) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'r' | b'b' | b'c' if !follows_word(bytes, at) => match raw_string_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            b'\'' => match character_end(bytes, at) {
                Some(end) => end,
                // A lifetime.
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        let end = end.min(bytes.len());
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Whole characters are blanked byte by byte, so what is left is UTF-8.
    String::from_utf8_lossy(&code).into_owned()
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut at) = (0_usize, at);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// End of a string whose content begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// End of a raw string or byte-string literal that begins at `at`; `None` where none does.
fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut open = at + usize::from(bytes[at] != b'r');
    if bytes.get(open) != Some(&b'r') {
        return None;
    }
    open += 1;
    let hashes = bytes[open..].iter().take_while(|&&b| b == b'#').count();
    open += hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let length = bytes[open + 1..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(bytes.len(), |n| open + 1 + n + close.len()))
}

/// End of a character literal that begins at `at`; `None` for a lifetime.
fn character_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'\\' => {
            let close = bytes.get(at + 3..)?.iter().take(12).position(|&b| b == b'\'')?;
            Some(at + 3 + close + 1)
        }
        first => {
            let width = match first {
                0..0x80 => 1,
                0x80..0xE0 => 2,
                0xE0..0xF0 => 3,
                _ => 4,
            };
            (bytes.get(at + 1 + width) == Some(&b'\'')).then_some(at + 2 + width)
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && is_word(bytes[at - 1])
}

/// Byte offsets where `word` stands in `text` and is no part of a longer word. `word` may be a path
/// such as `std::net`.
pub(crate) fn word_offsets(text: &str, word: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !follows_word(bytes, at) && !bytes.get(at + word.len()).copied().is_some_and(is_word))
        .collect()
}

/// The line, from 1, of a byte offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

/// What a file marks as compiled for tests only.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestParts {
    /// Byte ranges of `#[cfg(test)]` modules written out in this file.
    pub(crate) ranges: Vec<Range<usize>>,
    /// Paths, from the root and without `.rs`, of modules this file declares for tests only.
    pub(crate) modules: Vec<String>,
}

/// Finds the parts of the file at `path` that are compiled for tests only.
pub(crate) fn test_parts(path: &str, source: &str) -> TestParts {
    let code = code_only(source);
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let inner =
        if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
    let mut parts = TestParts::default();
    for (at, mark) in code.match_indices("#[cfg(test)]") {
        let mut rest = at + mark.len();
        let mut named = None;
        // Further attributes, `#[path = "…"]` among them, may stand between.
        while let Some(skip) = code[rest..].find(|c: char| !c.is_whitespace()) {
            rest += skip;
            if !code[rest..].starts_with("#[") {
                break;
            }
            let end = code[rest..].find(']').map_or(code.len(), |n| rest + n + 1);
            if code[rest..end].starts_with("#[path") {
                named =
                    source[rest..end].split('"').nth(1).map(|name| name.trim_end_matches(".rs").to_owned());
            }
            rest = end;
        }
        let Some(declaration) = code[rest..].strip_prefix("mod ") else { continue };
        let name: String = declaration.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let after = rest + "mod ".len() + name.len();
        match code[after..].trim_start().chars().next() {
            Some(';') => parts.modules.push(match named {
                Some(file) => format!("{folder}/{file}"),
                None => format!("{inner}/{name}"),
            }),
            Some('{') => parts.ranges.push(at..block_end(&code, after)),
            _ => {}
        }
    }
    parts
}

/// End of the braced block that opens at or after `at` in code without comments and literals.
pub(super) fn block_end(code: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return offset + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"x\\\"y\") z", "f(      ) z"),
            ("r#\"a\"b\"# c", "         c"),
            ("br\"a\" c", "      c"),
            ("for x", "for x"),
            ("'a' 'b", "    'b"),
            ("'\\'' x '\\u{1F600}' y", "     x             y"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("'é' x", "     x"),
            ("\"unclosed", "         "),
        ] {
            assert_eq!(code_only(source), code, "{source}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(word_offsets("unsafe_code unsafe(unsafe)", "unsafe"), [12, 19]);
        assert_eq!(word_offsets("use std::net::X; mystd::net std::nets", "std::net"), [4]);
    }

    #[test]
    fn test_modules_are_found() {
        let source = "mod a;\n#[cfg(test)]\nmod tests {\n  fn f() { \"}\" }\n}\nfn g() {}\n\
            #[cfg(test)]\nmod b;\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod c;\n#[cfg(test)]\nuse z;";
        let parts = test_parts("mux/src/pes.rs", source);
        assert_eq!(parts.modules, ["mux/src/pes/b", "mux/src/x_tests"]);
        assert_eq!(parts.ranges.len(), 1);
        let range = parts.ranges[0].clone();
        assert!(source[range.clone()].ends_with("}\n}") && !source[range].contains("fn g"));
        assert_eq!(test_parts("mux/src/lib.rs", "#[cfg(test)] mod b;").modules, ["mux/src/b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_split_and_keeps_its_lines(source in "[ a-z\"'/*\\\\#r\n{}é\\[\\]()]{0,60}") {
            let code = code_only(&source);
            prop_assert_eq!(code.len(), source.len());
            prop_assert_eq!(code.matches('\n').count(), source.matches('\n').count());
            let _ = test_parts("a/b.rs", &format!("#[cfg(test)] {source}"));
        }
    }
}
