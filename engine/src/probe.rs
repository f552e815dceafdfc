//! `retrovue-air probe`: what media files hold, for Core's ingest, which links no decoder itself.
//!
//! One path a line on standard input, one JSON object a line on standard output, in the same order.
//! A file that crashes a demuxer takes this process down and nothing else; Core starts another.

use retrovue_codec::{MediaError, MediaInfo};
use serde::Serialize;
use std::io::{BufRead, Write};
use std::path::Path;

/// Longest line read: the system's longest path with room to spare.
const MAX_LINE: u64 = 64 * 1024;

#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<'a> {
    Ok(Found<'a>),
    Error { code: &'static str, detail: String },
}

#[derive(Serialize)]
struct Found<'a> {
    container: &'a str,
    duration_ms: Option<i64>,
    video: &'a Option<retrovue_codec::VideoInfo>,
    audio: &'a [retrovue_codec::AudioInfo],
    chapters: Vec<FoundChapter<'a>>,
}

#[derive(Serialize)]
struct FoundChapter<'a> {
    start_ms: i64,
    end_ms: i64,
    title: Option<&'a str>,
}

/// Answers until `input` ends.
///
/// # Errors
/// Reading or writing the pipes.
pub fn run(input: impl BufRead, output: impl Write) -> std::io::Result<()> {
    answer_lines(input, output, |path, output| match retrovue_codec::probe(Path::new(path)) {
        Ok(info) => answer(output, path, Ok(&info)),
        Err(error) => answer(output, path, Err((code(&error), error.to_string()))),
    })
}

/// Hands each line that is a path to `look`, which writes the answer, until `input` ends.
pub(crate) fn answer_lines<W: Write>(
    mut input: impl BufRead,
    mut output: W,
    mut look: impl FnMut(&str, &mut W) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let Ok(path) = std::str::from_utf8(&line) else {
            let lossy = String::from_utf8_lossy(&line).into_owned();
            answer(
                &mut output,
                &lossy,
                Err(("PATH_NOT_UTF8", "the path is not UTF-8; rename the file".into())),
            )?;
            continue;
        };
        look(path, &mut output)?;
    }
}

pub(crate) fn answer(
    output: &mut impl Write,
    path: &str,
    found: Result<&MediaInfo, (&'static str, String)>,
) -> std::io::Result<()> {
    let outcome = match found {
        Ok(info) => Outcome::Ok(Found {
            container: &info.container,
            duration_ms: info.duration.map(|d| d.0),
            video: &info.video,
            audio: &info.audio,
            chapters: info
                .chapters
                .iter()
                .map(|c| FoundChapter { start_ms: c.start.0, end_ms: c.end.0, title: c.title.as_deref() })
                .collect(),
        }),
        Err((code, detail)) => Outcome::Error { code, detail },
    };
    write_line(output, &Answer { path, outcome })
}

pub(crate) fn write_line(output: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// The word for machines of a file that cannot be read.
pub(crate) fn code(error: &MediaError) -> &'static str {
    match error {
        MediaError::NotFound { .. } => "NOT_FOUND",
        MediaError::Unreadable { .. } => "UNREADABLE",
        MediaError::NotMedia { .. } => "NOT_MEDIA",
        MediaError::NoStreams { .. } => "NO_STREAMS",
        MediaError::UnsupportedCodec { .. } => "UNSUPPORTED_CODEC",
        _ => "DAMAGED",
    }
}
