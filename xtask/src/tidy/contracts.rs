//! Contract ids: code and tests quote only ids of the seed documents, and what is not quoted yet is
//! listed, so that a rule is neither invented nor forgotten.
//!
//! A CONTRACT or INV id wants the enforcing code and a test; a TEST id wants its test. LAW and P8 ids
//! are known and may be quoted.

use super::rust_text::{line_of, test_parts};
use super::{Finding, IDS, PENDING};
use crate::repository::TextFile;
use std::collections::{BTreeMap, BTreeSet};

const PREFIXES: [&str; 5] = ["CONTRACT-", "INV-", "TEST-", "LAW-", "P8-"];

const PENDING_HEAD: &str = "\
# Ids of ids.txt that are not quoted everywhere they should be, and where they are missing: `code`, where the
# rule is enforced, or `test`. Kept exact by `cargo xtask tidy`; `cargo xtask pending` rewrites it.
";

/// Where an id is quoted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Quoted {
    code: bool,
    test: bool,
}

/// Checks the quotes in `files` against the list of known ids and the list of what is pending.
pub(crate) fn check(files: &[TextFile], ids: &str, pending: &str) -> Vec<Finding> {
    let known = known(ids);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != IDS) {
        for (at, id) in quotes(&file.text) {
            if !known.contains(id) {
                let message = format!("{id} is no id of the seeds ({IDS})");
                findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
            }
        }
    }
    let entries = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| line.split_once(char::is_whitespace).unwrap_or((line, "")))
            .map(|(id, missing)| (id.to_owned(), missing.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect()
    };
    let (listed, real) = (entries(pending), entries(&pending_text(files, ids)));
    for (id, missing) in &real {
        match listed.get(id) {
            None => findings.push(Finding::new(
                PENDING,
                0,
                format!("{id} is missing in: {missing}, but not listed"),
            )),
            Some(said) if said != missing => {
                findings.push(Finding::new(
                    PENDING,
                    0,
                    format!("{id} is missing in: {missing}; listed as: {said}"),
                ));
            }
            Some(_) => {}
        }
    }
    for id in listed.keys().filter(|id| !real.contains_key(*id)) {
        findings.push(Finding::new(
            PENDING,
            0,
            format!("{id} is quoted now (or unknown): take it off the list"),
        ));
    }
    findings
}

/// The content that `pending.txt` should have.
pub(crate) fn pending_text(files: &[TextFile], ids: &str) -> String {
    let quoted = quoted(files);
    let mut text = PENDING_HEAD.to_owned();
    for id in known(ids) {
        let Quoted { code, test } = quoted.get(id).copied().unwrap_or_default();
        let wants_code = id.starts_with("CONTRACT-") || id.starts_with("INV-");
        let wants_test = wants_code || id.starts_with("TEST-");
        let missing = [("code", wants_code && !code), ("test", wants_test && !test)];
        let missing: Vec<&str> = missing.into_iter().filter(|(_, yes)| *yes).map(|(word, _)| word).collect();
        if !missing.is_empty() {
            text.push_str(&format!("{id} {}\n", missing.join(" ")));
        }
    }
    text
}

fn known(ids: &str) -> BTreeSet<&str> {
    ids.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn quoted(files: &[TextFile]) -> BTreeMap<String, Quoted> {
    let sources: Vec<&TextFile> =
        files.iter().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".proto")).collect();
    let parts: Vec<_> = sources.iter().map(|file| test_parts(&file.path, &file.text)).collect();
    let test_modules: Vec<&String> = parts.iter().flat_map(|part| &part.modules).collect();
    let mut quoted: BTreeMap<String, Quoted> = BTreeMap::new();
    for (file, part) in sources.iter().zip(&parts) {
        let bare = file.path.trim_end_matches(".rs");
        let whole = file.path.split('/').any(|folder| folder == "tests")
            || test_modules
                .iter()
                .any(|m| bare == *m || bare.strip_prefix(m.as_str()).is_some_and(|r| r.starts_with('/')));
        for (at, id) in quotes(&file.text) {
            let entry = quoted.entry(id.to_owned()).or_default();
            match whole || part.ranges.iter().any(|range| range.contains(&at)) {
                true => entry.test = true,
                false => entry.code = true,
            }
        }
    }
    quoted
}

/// Every id in a text, with its byte offset.
fn quotes(text: &str) -> Vec<(usize, &str)> {
    let in_id = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let mut found = Vec::new();
    for prefix in PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                continue;
            }
            let length = text[at..].find(|c| !in_id(c)).unwrap_or(text.len() - at);
            let id = text[at..at + length].trim_end_matches('-');
            // A bare prefix, or a word that merely begins like one (`P8-s`), is no quote.
            let more = text[at + length..].chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
            if id.len() > prefix.len() && !more {
                found.push((at, id));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    /// Ids for the tests, spelt apart: this file is no quote of anything.
    fn id(kind: &str, rest: &str) -> String {
        format!("{kind}-{rest}")
    }

    fn messages(files: &[TextFile], ids: &str, pending: &str) -> Vec<String> {
        check(files, ids, pending).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn ids_are_read_whole() {
        let (long, short) = (id("INV", "A-B-005"), id("TEST", "CT-001"));
        let text = format!("({long}): {short}.. X{short} {}- {}s INV-…", id("LAW", "A"), id("P8", "A"));
        let found: Vec<&str> = quotes(&text).into_iter().map(|(_, id)| id).collect();
        assert_eq!(found, [long.as_str(), &short, &id("LAW", "A")]);
    }

    #[test]
    fn unknown_ids_are_refused() {
        let (real, made_up) = (id("INV", "A"), id("INV", "B"));
        let source = file("a/src/x.rs", &format!("//! {real}\n//! {made_up}\n"));
        let test = file("a/tests/x.rs", &format!("// {real}\n"));
        assert_eq!(messages(std::slice::from_ref(&test), &real, &format!("{real} code")), [""; 0]);
        let found = messages(&[source, test], &real, "");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&made_up));
    }

    #[test]
    fn pending_is_exact() {
        let (rule, case) = (id("CONTRACT", "A-001"), id("TEST", "A-001"));
        let ids = format!("# head\n{case}  003\n{rule}  003\n");
        let code = file("a/src/x.rs", &format!("//! {rule}\n"));
        let unit =
            file("a/src/y.rs", &format!("//! y\n#[cfg(test)]\nmod tests {{\n    // {rule} {case}\n}}\n"));
        assert!(pending_text(&[], &ids).ends_with(&format!("{rule} code test\n{case} test\n")));
        assert_eq!(
            messages(std::slice::from_ref(&code), &ids, &format!("{rule} test\n{case} test\n")),
            [""; 0]
        );
        assert_eq!(messages(std::slice::from_ref(&code), &ids, "").len(), 2);
        assert_eq!(messages(&[code.clone(), unit.clone()], &ids, ""), [""; 0]);
        assert_eq!(messages(&[code, unit], &ids, &format!("{case} test\n")).len(), 1);
    }

    #[test]
    fn modules_for_tests_are_tests() {
        let rule = id("CONTRACT", "A-001");
        let files = [
            file(
                "a/src/x.rs",
                "//! x\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod y;\n",
            ),
            file("a/src/x_tests.rs", &format!("//! {rule}\n")),
        ];
        assert!(pending_text(&files, &rule).ends_with(&format!("{rule} code\n")));
        let files = [files[0].clone(), file("a/src/x/y/z.rs", &format!("//! {rule}\n"))];
        assert!(pending_text(&files, &rule).ends_with(&format!("{rule} code\n")));
    }
}
