//! Results on standard output; a reader that has gone away (`| head`) is no error.

use super::{Exit, Failure};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints text as it is.
pub(super) fn put(text: &str) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("cannot write the result: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}

/// Prints lines.
pub(super) fn put_lines(lines: impl IntoIterator<Item = String>) -> Result<Exit, Failure> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    put(&text)
}

/// Prints a value as JSON.
pub(super) fn put_json(value: &impl Serialize) -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::new(Exit::Failed, format!("cannot write the result as JSON: {e}")))?;
    put(&format!("{text}\n"))
}
