//! Text of service information (EN 300 468 annex A): the shortest of the default table (ISO/IEC 6937),
//! the parts of ISO/IEC 8859 and UTF-8 that holds a text, with the bytes that select it in front.
//!
//! Nothing is transliterated. A line feed becomes the line break 0x8A; other control characters, and
//! the private ones by which DVB codes controls (U+E080 to U+E09F: emphasis on, off, …), are left out,
//! so that 0x86 and 0x87 never appear. A text longer than its field is cut between two characters, never
//! between a letter and its combining marks, and [`ELLIPSIS`] ends it where the field has room for
//! [`ELLIPSIS_FROM`] bytes or more.

use super::iso_6937;
use super::iso_8859::{PARTS, Part};

/// Ends a text that was cut. Full stops, for only some of the tables have the one sign.
pub(crate) const ELLIPSIS: &[u8] = b"...";

/// Fields shorter than this in bytes are cut without an ellipsis: it would take too much of them.
pub(crate) const ELLIPSIS_FROM: usize = 16;

/// Longest selector of a table, in bytes.
const LONGEST_SELECTOR: usize = 3;

/// A way to code a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coding {
    /// ISO/IEC 6937 without a selector.
    Default,
    /// A part of ISO/IEC 8859.
    Latin(Part),
    /// Every character there is.
    Utf8,
}

/// A part of a text that was coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes written, the selector included.
    pub(crate) written: usize,
    /// Bytes of the text that they hold, or that were left out.
    pub(crate) taken: usize,
}

impl Coding {
    /// The coding that holds all of `text` in the fewest bytes; of several one with a selector, for some
    /// readers take the default table for another.
    pub(crate) fn shortest(text: &str) -> Coding {
        if text.is_ascii() {
            return Coding::Default;
        }
        let latin = PARTS.into_iter().map(Coding::Latin);
        let all = latin.chain([Coding::Default, Coding::Utf8]);
        let sized = all.filter_map(|coding| coding.size(text).map(|size| (size, coding)));
        sized.min_by_key(|&(size, _)| size).map_or(Coding::Utf8, |(_, coding)| coding)
    }

    /// Bytes that `text` takes with its selector; nothing when the coding lacks a character of it.
    pub(crate) fn size(self, text: &str) -> Option<usize> {
        let (selector, _) = self.selector();
        let body = kept(text).try_fold(0, |sum, (_, character)| Some(sum + self.bytes(character)?.0))?;
        Some(if body == 0 { 0 } else { selector + body })
    }

    /// Writes as many whole characters of `text` as fit into `out`, behind the selector.
    pub(crate) fn write(self, text: &str, out: &mut [u8]) -> Piece {
        let (selector, selector_bytes) = self.selector();
        let Some(head) = out.get_mut(..selector) else { return Piece { written: 0, taken: 0 } };
        head.copy_from_slice(&selector_bytes[..selector]);
        let (mut at, mut end) = (selector, Piece { written: 0, taken: 0 });
        for (offset, character) in kept(text) {
            if !is_combining(character) {
                end = Piece { written: at, taken: offset };
            }
            let Some((len, bytes)) = self.bytes(character) else { return end.or_nothing(selector) };
            let Some(room) = out.get_mut(at..at + len) else { return end.or_nothing(selector) };
            room.copy_from_slice(&bytes[..len]);
            at += len;
        }
        Piece { written: at, taken: text.len() }.or_nothing(selector)
    }

    fn selector(self) -> (usize, [u8; LONGEST_SELECTOR]) {
        match self {
            Coding::Default => (0, [0; LONGEST_SELECTOR]),
            Coding::Latin(part) => part.selector(),
            Coding::Utf8 => (1, [0x15, 0, 0]),
        }
    }

    /// Bytes of one character.
    fn bytes(self, character: char) -> Option<(usize, [u8; 4])> {
        let one = |byte| Some((1, [byte, 0, 0, 0]));
        match self {
            Coding::Utf8 => {
                // The control codes of the tables of one byte are private characters here.
                let character = if character == '\n' { '\u{E08A}' } else { character };
                let mut bytes = [0; 4];
                Some((character.encode_utf8(&mut bytes).len(), bytes))
            }
            _ if character == '\n' => one(0x8A),
            _ if character.is_ascii() => one(character as u8),
            Coding::Latin(part) => one(part.byte(character)?),
            Coding::Default => {
                let (len, [first, second]) = iso_6937::bytes(character)?;
                Some((len, [first, second, 0, 0]))
            }
        }
    }
}

impl Piece {
    /// The piece, or nothing at all when it is a selector only.
    fn or_nothing(self, selector: usize) -> Piece {
        if self.written <= selector { Piece { written: 0, ..self } } else { self }
    }
}

/// Writes `text` into a field of `out.len()` bytes and returns the bytes used. Cut as the module says.
pub(crate) fn encode_into(text: &str, out: &mut [u8]) -> usize {
    let coding = Coding::shortest(text);
    let whole = coding.write(text, out);
    if whole.taken == text.len() {
        return whole.written;
    }
    let room = out.len() - if out.len() < ELLIPSIS_FROM { 0 } else { ELLIPSIS.len() };
    let cut = coding.write(text, &mut out[..room]).written;
    let end = cut + out.len() - room;
    out[cut..end].copy_from_slice(&ELLIPSIS[..end - cut]);
    end
}

/// The encoded bytes of `text`, uncut.
#[cfg(test)]
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let coding = Coding::shortest(text);
    let mut bytes = vec![0; coding.size(text).unwrap_or_default()];
    coding.write(text, &mut bytes);
    bytes
}

/// The characters of `text` that are coded, with their offsets.
fn kept(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|&(_, character)| {
        let control = character.is_control() && character != '\n';
        !control && !('\u{E080}'..='\u{E09F}').contains(&character)
    })
}

/// Whether a character belongs to the one before it: combining marks, variation selectors, joiners.
fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36F}' | '\u{200D}' | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}')
}

#[cfg(test)]
pub(crate) mod decode {
    //! The way back, for tests.

    use super::{PARTS, iso_6937};

    /// The text of a field; nothing for bytes that no table has.
    pub(crate) fn text(bytes: &[u8]) -> Option<String> {
        match *bytes {
            [0x15, ref rest @ ..] => Some(std::str::from_utf8(rest).ok()?.replace('\u{E08A}', "\n")),
            [0x10, 0, number, ref rest @ ..] if (1..=15).contains(&number) => latin(&[0x10, 0, number], rest),
            [selector, ref rest @ ..] if selector < 0x20 => latin(&[selector], rest),
            _ => default(bytes),
        }
    }

    fn latin(selector: &[u8], rest: &[u8]) -> Option<String> {
        let part = PARTS.into_iter().find(|part| {
            let (len, bytes) = part.selector();
            bytes[..len] == *selector
        })?;
        rest.iter().map(|&byte| single(byte).or_else(|| part.character(byte))).collect()
    }

    fn default(bytes: &[u8]) -> Option<String> {
        let (mut text, mut rest) = (String::new(), bytes.iter());
        while let Some(&byte) = rest.next() {
            text.push(match byte {
                0xC1..=0xCF => iso_6937::accented(byte, *rest.next()?)?,
                _ => single(byte).or_else(|| iso_6937::sign(byte))?,
            });
        }
        Some(text)
    }

    fn single(byte: u8) -> Option<char> {
        match byte {
            0x8A => Some('\n'),
            0x20..=0x7E => Some(byte.into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shortest_coding_holds_the_text() {
        let table: [(&str, &[u8]); 15] = [
            ("", b""),
            ("News 24", b"News 24"),
            ("Caf\u{e9}", b"\x05Caf\xE9"),
            ("Caf\u{e9} \u{20ac}", b"\x0BCaf\xE9 \xA4"),
            ("5 \u{20ac}", b"5 \xA4"),
            ("\u{d8}l", b"\xE9l"),
            ("\u{e9}\u{e8}\u{ea}", b"\x05\xE9\xE8\xEA"),
            ("\u{e9}\u{e8}\u{20ac}", b"\x0B\xE9\xE8\xA4"),
            ("\u{11b}\u{20ac}", b"\xCFe\xA4"),
            ("\u{159}\u{165}\u{17e}\u{ed}", b"\x10\x00\x02\xF8\xBB\xBE\xED"),
            ("\u{41d}\u{43e}\u{432}", b"\x01\xBD\xDE\xD2"),
            ("\u{39d}\u{3ad}\u{3b1}", b"\x03\xCD\xDD\xE1"),
            ("\u{65e5}", b"\x15\xE6\x97\xA5"),
            ("a\nb\r\u{86}\u{7f}\u{e086}\u{e087}c", b"a\x8Abc"),
            ("\u{65e5}\n\u{e086}", b"\x15\xE6\x97\xA5\xEE\x82\x8A"),
        ];
        for (text, bytes) in table {
            assert_eq!(encode(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_field_is_cut_between_characters() {
        let cut = |text: &str, field: usize| {
            let mut out = vec![0; field];
            let written = encode_into(text, &mut out);
            out.truncate(written);
            out
        };
        assert_eq!(cut("0123456789ABCDEF", 16), b"0123456789ABCDEF");
        assert_eq!(cut("0123456789ABCDEFG", 16), b"0123456789ABC...");
        assert_eq!(cut("0123456789", 4), b"0123");
        // The accent and its letter stay together, and so do a letter and its combining mark.
        assert_eq!(cut("ab\u{11b}\u{20ac}", 3), b"ab");
        assert_eq!(cut("ab\u{11b}\u{20ac}", 4), b"ab\xCFe");
        assert_eq!(cut("a\u{65e5}\u{301}", 6), b"\x15a");
        assert_eq!(cut("\u{65e5}\u{65e5}", 3), b"");
        assert_eq!(cut("\u{65e5}\u{65e5}", 4), b"\x15\xE6\x97\xA5");
        assert_eq!(cut("\u{65e5}", 0), b"");
    }

    proptest! {
        #[test]
        fn what_is_coded_reads_back(text in "\\PC{0,40}") {
            let text: String = kept(&text).map(|(_, character)| character).collect();
            let bytes = encode(&text);
            prop_assert_eq!(decode::text(&bytes), Some(text.clone()));
            let longest = if text.is_empty() { 0 } else { text.len() + 1 };
            prop_assert!(bytes.len() <= longest, "{} bytes", bytes.len());
        }

        #[test]
        fn latin_text_reads_back(text in "[ -~\u{a0}-\u{17f}\u{400}-\u{45f}\u{384}-\u{3ce}\n]{0,30}") {
            let text: String = kept(&text).map(|(_, character)| character).collect();
            prop_assert_eq!(decode::text(&encode(&text)), Some(text));
        }

        #[test]
        fn a_cut_text_is_a_beginning(text in any::<String>(), field in 0usize..60) {
            let mut out = vec![0; field];
            let written = encode_into(&text, &mut out);
            prop_assert!(written <= field);
            let back = decode::text(&out[..written]).expect("whole characters");
            let kept: String = kept(&text).map(|(_, character)| character).collect();
            if back != kept {
                let begins = back.strip_suffix("...").unwrap_or(&back);
                prop_assert!(kept.starts_with(begins) || kept.starts_with(&back));
            }
        }
    }
}
