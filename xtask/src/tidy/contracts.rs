//! Contract ids: code and tests quote only ids of the seed documents, and every one of them, so that a rule
//! is neither invented nor forgotten.
//!
//! A CONTRACT or INV id wants the enforcing code and a test; a TEST id wants a test whose name begins with
//! it; LAW and P8 ids want to be quoted at all. Each pair of the seed's traceability matrix wants a test
//! whose comment names both, and each frozen or forbidden item the tests it is listed with.

use super::item::{Items, Owner};
use super::rust_text::{line_of, test_parts};
use super::{Finding, GOVERNANCE, IDS, PAIRS};
use crate::repository::TextFile;
use std::collections::{BTreeMap, BTreeSet};

const PREFIXES: [&str; 5] = ["CONTRACT-", "INV-", "TEST-", "LAW-", "P8-"];

/// The lists that people keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists<'a> {
    /// Every id, where it comes from and what it says.
    pub(crate) ids: &'a str,
    /// Contracts and their tests.
    pub(crate) pairs: &'a str,
    /// Frozen and forbidden items and their tests.
    pub(crate) governance: &'a str,
}

/// A place where an id is quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) owner: Owner,
}

/// Where an id is quoted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) code: BTreeSet<Place>,
    /// In tests: functions that run as such, not the modules around them.
    pub(crate) tests: BTreeSet<Place>,
}

/// Lines of a list, without comments.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

/// Checks the quotes in `files` against the lists.
pub(crate) fn check(files: &[TextFile], lists: Lists<'_>) -> Vec<Finding> {
    let known: BTreeSet<&str> =
        entries(lists.ids).filter_map(|line| line.split_whitespace().next()).collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != IDS) {
        for (at, id) in quotes(&file.text) {
            if !known.contains(id) {
                let message = format!("{id} is no id of the seeds ({IDS})");
                findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
            }
        }
    }
    let quoted = quoted(files);
    for id in &known {
        if let Some(missing) = missing(id, quoted.get(*id)) {
            findings.push(Finding::new(IDS, 0, format!("{id}: {missing}")));
        }
    }
    findings.extend(check_pairs(files, lists.pairs));
    let tests: BTreeSet<String> = tests(files).into_iter().map(|(name, _)| name).collect();
    for line in entries(lists.governance) {
        let [_, _, item, names] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            findings.push(Finding::new(GOVERNANCE, 0, format!("not four cells: {line}")));
            continue;
        };
        if names.is_empty() {
            findings.push(Finding::new(GOVERNANCE, 0, format!("{item} has no test")));
        }
        for name in names.split_whitespace().filter(|name| !tests.contains(*name)) {
            findings.push(Finding::new(GOVERNANCE, 0, format!("{item}: there is no test {name}")));
        }
    }
    findings
}

/// What an id lacks.
fn missing(id: &str, quoted: Option<&Quoted>) -> Option<String> {
    let nothing = Quoted::default();
    let quoted = quoted.unwrap_or(&nothing);
    if id.starts_with("TEST-") {
        let begins = id.to_lowercase().replace('-', "_");
        let named = |place: &Place| matches!(&place.owner, Owner::Test(name) if name.starts_with(&begins));
        return (!quoted.tests.iter().any(named)).then(|| format!("no test {begins}_… quotes it"));
    }
    let rule = id.starts_with("CONTRACT-") || id.starts_with("INV-");
    match (quoted.code.is_empty(), quoted.tests.is_empty()) {
        (true, true) => Some("quoted nowhere".to_owned()),
        (true, false) if rule => Some("not quoted where it is enforced".to_owned()),
        (false, true) if rule => Some("no test quotes it".to_owned()),
        _ => None,
    }
}

fn check_pairs(files: &[TextFile], pairs: &str) -> Vec<Finding> {
    let comments = tests(files);
    let mut findings = Vec::new();
    for (contract, test) in pairs_of(pairs) {
        let begins = test.to_lowercase().replace('-', "_");
        let names_both = |(name, comment): &(String, String)| {
            let ids: BTreeSet<&str> = quotes(comment).into_iter().map(|(_, id)| id).collect();
            name.starts_with(&begins) && ids.contains(contract) && ids.contains(test)
        };
        if !comments.iter().any(names_both) {
            let message = format!("no test {begins}_… names {test} and {contract} in its comment");
            findings.push(Finding::new(PAIRS, 0, message));
        }
    }
    findings
}

/// Every contract with each of its tests.
pub(crate) fn pairs_of(pairs: &str) -> impl Iterator<Item = (&str, &str)> {
    entries(pairs).flat_map(|line| {
        let (contract, tests) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        tests.split_whitespace().map(move |test| (contract, test))
    })
}

/// Name and comment of every test.
fn tests(files: &[TextFile]) -> Vec<(String, String)> {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    sources
        .flat_map(|file| {
            let items = Items::of(&file.path, &file.text);
            items.tests().map(|(name, comment)| (name.to_owned(), comment.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// Every id that is quoted in code or tests, and where.
pub(crate) fn quoted(files: &[TextFile]) -> BTreeMap<String, Quoted> {
    let sources: Vec<&TextFile> =
        files.iter().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".proto")).collect();
    let parts: Vec<_> = sources.iter().map(|file| test_parts(&file.path, &file.text)).collect();
    let test_modules: Vec<&String> = parts.iter().flat_map(|part| &part.modules).collect();
    let mut quoted: BTreeMap<String, Quoted> = BTreeMap::new();
    for (file, part) in sources.iter().zip(&parts) {
        let found = quotes(&file.text);
        if found.is_empty() {
            continue;
        }
        let bare = file.path.trim_end_matches(".rs");
        let whole = file.path.split('/').any(|folder| folder == "tests")
            || test_modules
                .iter()
                .any(|m| bare == *m || bare.strip_prefix(m.as_str()).is_some_and(|r| r.starts_with('/')));
        let items = Items::of(&file.path, &file.text);
        for (at, id) in found {
            let place = Place { path: file.path.clone(), owner: items.owner(at) };
            let entry = quoted.entry(id.to_owned()).or_default();
            if !whole && !part.ranges.iter().any(|range| range.contains(&at)) {
                entry.code.insert(place);
            } else if matches!(place.owner, Owner::Test(_)) {
                entry.tests.insert(place);
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

    fn messages(files: &[TextFile], ids: &str) -> Vec<String> {
        let lists = Lists { ids, pairs: "", governance: "" };
        check(files, lists).into_iter().map(|f| f.message).collect()
    }

    fn test_file(comment: &str, name: &str) -> TextFile {
        file("a/tests/x.rs", &format!("//! x\n/// {comment}\n#[test]\nfn {name}() {{}}\n"))
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
        let found = messages(&[source, test_file(&real, "holds")], &real);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&made_up));
    }

    #[test]
    fn rules_want_code_and_a_test() {
        let rule = id("CONTRACT", "A-001");
        let code = file("a/src/x.rs", &format!("//! {rule}\n"));
        let test = test_file(&rule, "holds");
        assert_eq!(messages(&[code.clone(), test.clone()], &rule), [""; 0]);
        assert!(messages(std::slice::from_ref(&code), &rule)[0].contains("no test quotes"));
        assert!(messages(&[test], &rule)[0].contains("where it is enforced"));
        assert!(messages(&[], &rule)[0].contains("nowhere"));
        // The head of a test file, or a function that is no test, shows nothing.
        let head = file("a/tests/x.rs", &format!("//! {rule}\nfn f() {{\n    // {rule}\n}}\n"));
        assert_eq!(messages(&[code, head], &rule).len(), 1);
    }

    #[test]
    fn tests_bear_their_ids() {
        let case = id("TEST", "A-001");
        assert_eq!(messages(&[test_file(&case, "test_a_001_holds")], &case), [""; 0]);
        assert!(messages(&[test_file(&case, "holds")], &case)[0].contains("test_a_001_"));
        assert_eq!(messages(&[test_file("", "test_a_001_holds")], &case).len(), 1);
    }

    #[test]
    fn pairs_are_named_in_one_comment() {
        let (rule, case) = (id("CONTRACT", "A-001"), id("TEST", "A-001"));
        let pairs = format!("# head\n{rule}  {case}\n");
        let found = |comment: &str| check_pairs(&[test_file(comment, "test_a_001_x")], &pairs).len();
        assert_eq!((found(&format!("{case} ({rule})")), found(&case), found(&rule)), (0, 1, 1));
    }

    #[test]
    fn governed_items_have_tests() {
        let found = |governance: &str| {
            check(&[test_file("x", "holds")], Lists { ids: "", pairs: "", governance }).len()
        };
        assert_eq!(found("frozen | §1 | a rule | holds\n"), 0);
        assert_eq!(found("frozen | §1 | a rule | holds breaks\n"), 1);
        assert_eq!(found("frozen | §1 | a rule |\n"), 1);
        assert_eq!(found("frozen | a rule\n"), 1);
    }

    #[test]
    fn modules_for_tests_are_tests() {
        let rule = id("CONTRACT", "A-001");
        let declares = "//! x\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod y;\n";
        for path in ["a/src/x_tests.rs", "a/src/x/y/z.rs"] {
            let test = file(path, &format!("/// {rule}\n#[test]\nfn holds() {{}}\n"));
            let found = quoted(&[file("a/src/x.rs", declares), test]);
            assert_eq!((found[&rule].code.len(), found[&rule].tests.len()), (0, 1), "{path}");
        }
    }
}
