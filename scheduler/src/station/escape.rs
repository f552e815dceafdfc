//! Text made harmless for where it goes: HTML, a playlist's attribute, a playlist's line.
//!
//! Titles and names come from files and from people; all of them pass through here.

use std::fmt::{self, Write};

/// Text for HTML content or a quoted attribute.
pub(crate) struct Html<'a>(pub(crate) &'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Text for one line of an M3U playlist; double quotes, which end attributes and have no escape, become
/// single ones.
pub(crate) struct M3u<'a>(pub(crate) &'a str);

impl fmt::Display for M3u<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_char('\'')?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let nasty = "<b a=\"x\">'&\n\u{1b}é";
        assert_eq!(Html(nasty).to_string(), "&lt;b a=&quot;x&quot;&gt;&#39;&amp;  é");
        assert_eq!(M3u(nasty).to_string(), "<b a='x'>'&  é");
    }
}
