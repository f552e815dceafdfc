//! AIR's standard error, line by line, into Core's log.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest line kept, in bytes; the rest of a longer one is dropped.
pub(crate) const MAX_LINE: usize = 2048;

/// The last line that came, for error messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastLine(Arc<Mutex<Option<String>>>);

impl LastLine {
    pub(crate) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.to_owned());
    }
}

/// Reads `source` to its end and logs each line at the level it names.
pub(crate) fn relay(mut source: impl Read, last: &LastLine) {
    let mut chunk = [0u8; 4096];
    let mut cutter = LineCutter::default();
    loop {
        match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => cutter.feed(chunk.get(..count).unwrap_or_default(), |line| log(line, last)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    cutter.finish(|line| log(line, last));
}

fn log(line: &str, last: &LastLine) {
    let (level, text) = level_of(line);
    last.set(text);
    match level {
        tracing::Level::ERROR => tracing::error!(target: "retrovue_air", "{text}"),
        tracing::Level::WARN => tracing::warn!(target: "retrovue_air", "{text}"),
        tracing::Level::DEBUG => tracing::debug!(target: "retrovue_air", "{text}"),
        tracing::Level::TRACE => tracing::trace!(target: "retrovue_air", "{text}"),
        _ => tracing::info!(target: "retrovue_air", "{text}"),
    }
}

/// Level and text of a line written as `TIME LEVEL text`; any other is a warning: a panic, or a
/// library's own words.
fn level_of(line: &str) -> (tracing::Level, &str) {
    let mut words = line.splitn(2, ' ');
    let (Some(_time), Some(rest)) = (words.next(), words.next()) else {
        return (tracing::Level::WARN, line);
    };
    let rest = rest.trim_start();
    for level in [
        tracing::Level::ERROR,
        tracing::Level::WARN,
        tracing::Level::INFO,
        tracing::Level::DEBUG,
        tracing::Level::TRACE,
    ] {
        if let Some(text) = rest.strip_prefix(level.as_str()).and_then(|text| text.strip_prefix(' ')) {
            return (level, text);
        }
    }
    (tracing::Level::WARN, line)
}

#[derive(Default)]
struct LineCutter {
    line: Vec<u8>,
}

impl LineCutter {
    fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        if let Some(first) = pieces.next() {
            self.add(first);
        }
        for piece in pieces {
            self.finish(&mut each);
            self.add(piece);
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn finish(&mut self, mut each: impl FnMut(&str)) {
        let text = String::from_utf8_lossy(&self.line);
        if !text.trim().is_empty() {
            each(text.trim_end());
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], chunk: usize) -> Vec<String> {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        for piece in input.chunks(chunk) {
            cutter.feed(piece, |line| lines.push(line.to_owned()));
        }
        cutter.finish(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn lines_are_cut_alike_however_they_come() {
        let text = b"one\ntwo\r\n\n  \nthr\xffee\nlast";
        for chunk in 1..=text.len() {
            assert_eq!(lines(text, chunk), ["one", "two", "thr\u{fffd}ee", "last"], "in pieces of {chunk}");
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut endless = vec![b'x'; 3 * MAX_LINE];
        endless.extend(b"\nnext");
        for chunk in [1, 1000, endless.len()] {
            let lines = lines(&endless, chunk);
            assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, 4]);
        }
    }

    #[test]
    fn levels_are_those_of_the_line() {
        for (line, level, text) in [
            ("2026-01-01T00:00:00.0Z  INFO serving", tracing::Level::INFO, "serving"),
            ("2026-01-01T00:00:00.0Z ERROR a: b", tracing::Level::ERROR, "a: b"),
            ("thread 'main' panicked at", tracing::Level::WARN, "thread 'main' panicked at"),
            ("T INFORMAL x", tracing::Level::WARN, "T INFORMAL x"),
            ("word", tracing::Level::WARN, "word"),
        ] {
            assert_eq!(level_of(line), (level, text), "{line}");
        }
    }

    #[test]
    fn the_last_line_is_kept() {
        let last = LastLine::default();
        assert_eq!(last.get(), None);
        relay(&b"T  INFO first\nT ERROR second\n\n"[..], &last);
        assert_eq!(last.get().as_deref(), Some("second"));
    }
}
