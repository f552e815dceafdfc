//! Words that must not stand in a folder: `unsafe` outside `codec/`, floats in time code, clocks and
//! sockets in the pure parts, and paths of one person's machine anywhere.

use super::Finding;
use super::rust_text::{code_only, line_of, test_parts, word_offsets};
use crate::repository::TextFile;

/// Words forbidden in the code, not the tests, of a folder, and why.
struct Ban {
    folder: &'static str,
    /// The one file of the folder that may.
    but: Option<&'static str>,
    words: &'static [&'static str],
    why: &'static str,
}

const CLOCKS: &[&str] = &["Instant", "SystemTime", "clock_gettime"];
const OUTSIDE: &[&str] = &["std::net", "std::fs", "std::thread", "std::process", "std::os::unix::net"];

const BANS: &[Ban] = &[
    Ban { folder: "timebase/src/", but: None, words: &["f32", "f64"], why: "time is integers" },
    Ban { folder: "timebase/src/", but: None, words: CLOCKS, why: "the time base reads no clock" },
    Ban { folder: "mux/src/", but: None, words: &["f32", "f64"], why: "stamps are integers" },
    Ban { folder: "mux/src/", but: None, words: CLOCKS, why: "the muxer reads no clock" },
    Ban { folder: "mux/src/", but: None, words: OUTSIDE, why: "the muxer does no I/O" },
    Ban {
        folder: "analyser/src/",
        but: None,
        words: &["f32", "f64"],
        why: "instants and levels are integers",
    },
    Ban { folder: "analyser/src/", but: None, words: CLOCKS, why: "the checker reads no clock" },
    Ban { folder: "analyser/src/", but: None, words: OUTSIDE, why: "the checker does no I/O" },
    Ban { folder: "proto/src/", but: None, words: CLOCKS, why: "the protocol reads no clock" },
    Ban { folder: "proto/src/", but: None, words: OUTSIDE, why: "the protocol does no I/O" },
    Ban {
        folder: "engine/src/",
        but: Some("engine/src/clock.rs"),
        words: CLOCKS,
        why: "wall time is Core's, and `Clock` alone reads the monotonic one",
    },
    Ban {
        folder: "engine/src/session/",
        but: None,
        words: CLOCKS,
        why: "the session takes its instants as arguments",
    },
    Ban { folder: "engine/src/session/", but: None, words: OUTSIDE, why: "the session does no I/O" },
    Ban { folder: "engine/src/session/", but: None, words: &["f32", "f64"], why: "frames are integers" },
    Ban {
        folder: "scheduler/src/plan/",
        but: None,
        words: CLOCKS,
        why: "planning is pure in the instant asked",
    },
    Ban { folder: "scheduler/src/dsl/", but: None, words: CLOCKS, why: "compiling is pure" },
    Ban {
        folder: "scheduler/src/air/channel.rs",
        but: None,
        words: CLOCKS,
        why: "the channel takes `now` as an argument",
    },
];

/// Beginnings of paths that exist on one machine only. Spelt apart, or this file would break its rule.
const PRIVATE_PATHS: [&str; 4] =
    [concat!("/", "home/"), concat!("/", "work/"), concat!("/", "root/"), concat!("/", "tmp/brief")];

/// Checks one file.
pub(crate) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = private_paths(file);
    if file.path.ends_with(".rs") {
        let code = code_only(&file.text);
        findings.extend(unsafe_code(file, &code));
        findings.extend(bans(file, &code));
    }
    findings
}

fn unsafe_code(file: &TextFile, code: &str) -> Vec<Finding> {
    if file.path.starts_with("codec/") {
        return Vec::new();
    }
    word_offsets(code, "unsafe")
        .into_iter()
        .map(|at| Finding::new(&file.path, line_of(code, at), "`unsafe` outside codec/"))
        .collect()
}

fn bans(file: &TextFile, code: &str) -> Vec<Finding> {
    let tests = test_parts(&file.path, &file.text).ranges;
    let mut findings = Vec::new();
    for ban in BANS
        .iter()
        .filter(|ban| file.path.starts_with(ban.folder) && ban.but.is_none_or(|but| file.path != but))
    {
        for word in ban.words {
            for at in word_offsets(code, word) {
                if !tests.iter().any(|range| range.contains(&at)) {
                    let message = format!("`{word}` in {}: {}", ban.folder, ban.why);
                    findings.push(Finding::new(&file.path, line_of(code, at), message));
                }
            }
        }
    }
    findings
}

fn private_paths(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in PRIVATE_PATHS {
        for (at, _) in file.text.match_indices(path) {
            let before = file.text[..at].chars().next_back();
            // `https://host/home/` and `~/work/` are other things.
            if !before.is_some_and(|c| c.is_alphanumeric() || "._-~/}>".contains(c)) {
                let message = format!("{path} is a path of one machine");
                findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[track_caller]
    fn lines(path: &str, text: &str, expected: &[usize]) {
        let found: Vec<usize> = check(&file(path, text)).into_iter().map(|f| f.line).collect();
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn unsafe_stays_in_codec() {
        lines("codec/src/x.rs", "unsafe { f() }\n", &[]);
        lines("mux/src/x.rs", "// unsafe\nconst A: &str = \"unsafe\";\n#![forbid(unsafe_code)]\n", &[]);
        lines("mux/src/x.rs", "fn f() {\n    unsafe { g() }\n}\n", &[2]);
    }

    #[test]
    fn pure_folders() {
        lines("timebase/src/x.rs", "fn f(x: f64) {}\n", &[1]);
        lines("engine/src/x.rs", "fn f(x: f64) {}\nuse std::time::Instant;\n", &[2]);
        lines("engine/src/pipeline/x.rs", "rustix::time::clock_gettime(id);\n", &[1]);
        lines("engine/src/clock.rs", "use std::time::Instant;\n", &[]);
        lines("mux/src/x.rs", "use std::time::Instant;\nuse std::net::TcpStream;\n", &[1, 2]);
        lines("mux/src/x.rs", "/// Not an Instant.\nfn f() {}\n", &[]);
        lines("mux/src/x.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", &[]);
        lines("mux/tests/x.rs", "use std::fs;\n", &[]);
        lines("engine/src/session/x.rs", "use std::fs;\n", &[1]);
        lines("scheduler/src/air/channel.rs", "SystemTime::now()\n", &[1]);
    }

    #[test]
    fn paths_of_one_machine() {
        let (mine, job) = (PRIVATE_PATHS[0], PRIVATE_PATHS[1]);
        lines("README.md", "see /srv/media and https://example.org/home/x and ~/work/x\n", &[]);
        lines("README.md", &format!("see {mine}me\nand `{job}x`\n"), &[1, 2]);
    }
}
