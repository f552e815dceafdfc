//! Names as DVB text (ETSI EN 300 468 annex A): plain ASCII stands as it is in the default table,
//! anything else is UTF-8 behind the selector byte 0x15.
//!
//! Nothing is transliterated or cut: what does not fit is refused by the configuration.

/// Selects UTF-8 (annex A, table A.3).
const UTF8_SELECTOR: u8 = 0x15;

/// The encoded bytes of `text`.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    if !text.is_ascii() {
        bytes.push(UTF8_SELECTOR);
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn ascii_is_plain_and_the_rest_is_marked_utf8() {
        for (text, bytes) in [("", &b""[..]), ("News 24", b"News 24"), ("Caf\u{e9}", b"\x15Caf\xC3\xA9")] {
            assert_eq!(encode(text), bytes, "{text}");
        }
    }
}
