//! The language as its documents have it: the JSON Schema that is committed, the examples that are shown, and what is
//! said of wrong ones. `RETROVUE_BLESS=1` rewrites schema and findings.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

use retrovue_scheduler::dsl::{channel_schema, codes};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SCHEMA: &str = "docs/channel.schema.json";
const LANGUAGE: &str = "docs/programming.md";
const ERRORS: &str = "docs/programming-errors.md";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// Compares a committed file with what it should be, or writes it where that is asked for.
#[track_caller]
fn committed(path: &str, expect: &str) {
    if std::env::var_os("RETROVUE_BLESS").is_some() && std::env::var_os("CI").is_none() {
        std::fs::write(repository().join(path), expect).unwrap();
    }
    assert_eq!(
        read(path),
        expect,
        "{path} is out of date: RETROVUE_BLESS=1 cargo test -p retrovue-scheduler --test programming_language"
    );
}

/// Fenced blocks of a language, with the offset of each one's end.
fn fenced<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| &rest[..rest.find("```").unwrap()]).collect()
}

#[test]
fn the_committed_schema_is_what_the_readers_know() {
    committed(SCHEMA, &format!("{}\n", serde_json::to_string_pretty(&channel_schema()).unwrap()));
}

/// A judge of values by the committed schema.
fn judge() -> impl Fn(&str) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("channel.json", serde_json::from_str(&read(SCHEMA)).unwrap()).unwrap();
    let index = compiler.compile("channel.json", &mut schemas).unwrap();
    move |text| {
        let value: Value = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
        schemas.validate(&value, index).map_err(|e| e.to_string())
    }
}

#[test]
fn documented_examples_satisfy_the_schema() {
    let judge = judge();
    let text = read(LANGUAGE);
    let examples: Vec<&str> = fenced(&text, "yaml").into_iter().filter(|e| e.contains("channel:")).collect();
    assert!(examples.len() >= 2, "{examples:?}");
    for example in examples {
        judge(example).unwrap_or_else(|e| panic!("{example}\n{e}"));
    }
}

#[test]
fn the_schema_finds_what_an_editor_should_mark() {
    let judge = judge();
    let whole = "channel: a\nschedule:\n  daily: {start: '20:00', movie_selector: {match: {year: 1980..1989, duration: ..2h}}}\n  2026-12-24..2026-12-26: {use: x}\n  monday:\n";
    assert_eq!(judge(whole), Ok(()));
    for (from, to) in [
        ("channel: a", "channel: A!"),
        ("channel: a", "chanel: a"),
        ("schedule:", "shedule:"),
        ("'20:00'", "'20:99'"),
        ("daily", "dayly"),
        ("movie_selector", "film_selector"),
        ("1980..1989", "eighties"),
        ("2026-12-24..", "2026-12-24..."),
        ("year", "yaer"),
    ] {
        assert!(judge(&whole.replace(from, to)).is_err(), "{to} passes");
    }
}

/// A section of the document of errors.
struct Section<'a> {
    code: &'a str,
    /// The text up to its findings.
    told: &'a str,
    files: Vec<(&'a str, &'a str)>,
}

fn sections(text: &str) -> (&str, Vec<Section<'_>>) {
    let first = text.find("\n## ").unwrap();
    let sections = text[first..].split("\n## ").skip(1).map(|section| {
        let (code, _) = section.split_once('\n').unwrap();
        let (told, _) = section.split_once("\n```text\n").unwrap_or((section, ""));
        let files = fenced(section, "yaml").into_iter().map(|block| {
            let (name, _) = block.split_once('\n').unwrap();
            (name.trim_start_matches("# "), block)
        });
        Section { code, told: told.trim_end(), files: files.collect() }
    });
    (text[..first].trim_end(), sections.collect())
}

/// What `validate` says of the files of a section.
fn said(assets: &str, section: &Section<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("assets.json"), assets).unwrap();
    for (name, text) in &section.files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_retrovue"))
        .args(["programming", "validate", "channel.yaml", "--catalog", "assets.json"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_code_has_an_example_and_says_what_the_document_shows() {
    let text = read(ERRORS);
    let (head, sections) = sections(&text);
    let assets = fenced(head, "json")[0];
    let mut whole = head.to_owned();
    let mut shown = BTreeSet::new();
    for section in &sections {
        let said = said(assets, section);
        assert!(said.contains(&format!("[{}]", section.code)), "{}: {said}", section.code);
        assert!(said.contains("help: ") || said.starts_with("note"), "what to do is not told: {said}");
        shown.insert(section.code);
        whole.push_str(&format!("\n\n## {}\n\n```text\n{}\n```", section.told, said.trim_end()));
    }
    committed(ERRORS, &format!("{whole}\n"));
    // That no file is there has no text to show.
    let expect: BTreeSet<&str> = codes::ALL.into_iter().filter(|code| *code != codes::UNREADABLE).collect();
    assert_eq!(shown, expect);
}
