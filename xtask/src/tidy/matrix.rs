//! The traceability matrix (seed 003 §7.6) as a document: each id, what it says, the code that enforces it
//! and the tests that show it. Written from what code and tests quote; names, no lines, so that it changes
//! only when they do.

use super::contracts::{Lists, Place, Quoted, entries, pairs_of, quoted};
use super::item::Owner;
use crate::repository::TextFile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const HEAD: &str = "\
# Contracts: where they are enforced and tested

Written by `cargo xtask matrix` from the ids that code and tests quote; `cargo xtask tidy` fails when it is out of
date. The ids are those of [ids.txt](ids.txt), what contract has which test is in [pairs.txt](pairs.txt), what is frozen
or forbidden in [governance.txt](governance.txt).
";

/// The document's text.
pub(crate) fn text(files: &[TextFile], lists: Lists<'_>) -> String {
    let quoted = quoted(files);
    let mut out = HEAD.to_owned();
    table_of_contracts(&mut out, lists.pairs, &quoted);
    out.push_str("\n## Every id\n");
    for line in entries(lists.ids) {
        // Columns: id, seed, section or nothing, what it says.
        let (id, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (place, says) = rest.trim_start().split_once("  ").unwrap_or((rest, ""));
        let _ = writeln!(out, "\n### {id}\n\n{} (seed {}).\n", says.trim(), place.trim());
        let nothing = Quoted::default();
        let quoted = quoted.get(id).unwrap_or(&nothing);
        places(&mut out, "Code", &quoted.code);
        places(&mut out, "Tests", &quoted.tests);
    }
    governance(&mut out, lists.governance, files);
    out
}

/// Which tests each contract has, with the functions that bear their names.
fn table_of_contracts(out: &mut String, pairs: &str, quoted: &BTreeMap<String, Quoted>) {
    out.push_str("\n## Contracts and their tests\n\n| contract | test | functions |\n| --- | --- | --- |\n");
    for (contract, test) in pairs_of(pairs) {
        let begins = test.to_lowercase().replace('-', "_");
        let names: BTreeSet<String> = quoted
            .get(test)
            .into_iter()
            .flat_map(|quoted| &quoted.tests)
            .filter_map(|place| match &place.owner {
                Owner::Test(name) if name.starts_with(&begins) => Some(format!("`{name}`")),
                _ => None,
            })
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        let _ = writeln!(out, "| {contract} | {test} | {} |", names.join(", "));
    }
}

/// One line a file, its items behind it.
fn places(out: &mut String, heading: &str, places: &BTreeSet<Place>) {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Place { path, owner } in places {
        let items = by_file.entry(path).or_default();
        match owner {
            Owner::Module => {}
            Owner::Item(name) | Owner::Test(name) => items.push(format!("`{name}`")),
        }
    }
    for (path, items) in by_file {
        let items = if items.is_empty() { "the module".to_owned() } else { items.join(", ") };
        let _ = writeln!(out, "- {heading}: `{path}`: {items}");
    }
}

fn governance(out: &mut String, governance: &str, files: &[TextFile]) {
    for (kind, heading) in [("frozen", "Frozen (seed 003 §8.1)"), ("forbidden", "Forbidden (seed 003 §8.3)")]
    {
        let _ = write!(out, "\n## {heading}\n\n| section | item | tests |\n| --- | --- | --- |\n");
        for line in entries(governance) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            if let [of, section, item, names] = cells[..]
                && of == kind
            {
                let names: Vec<String> = names.split_whitespace().map(|name| place_of(name, files)).collect();
                let _ = writeln!(out, "| {section} | {item} | {} |", names.join(", "));
            }
        }
    }
}

/// A test's name with the file it is in.
fn place_of(name: &str, files: &[TextFile]) -> String {
    let mark = format!("fn {name}(");
    let path = files.iter().find(|file| file.path.ends_with(".rs") && file.text.contains(&mark));
    path.map_or_else(|| format!("`{name}`"), |file| format!("`{name}` in `{}`", file.path))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn each_id_has_its_code_and_tests() {
        // Spelt apart: this file is no quote of anything.
        let (rule, case) = (["CONTRACT", "A-001"].join("-"), ["TEST", "A-001"].join("-"));
        let files = [
            file("a/src/x.rs", &format!("//! x\n/// {rule}\nfn enforce() {{}}\n")),
            file("a/src/y.rs", &format!("//! y: {rule}\n")),
            file("a/tests/x.rs", &format!("/// {case} ({rule})\n#[test]\nfn test_a_001_holds() {{}}\n")),
        ];
        let ids = format!("{case}  003 §2   Shows it\n{rule}  003 §1   Says it\n");
        let lists = Lists {
            ids: &ids,
            pairs: &format!("{rule} {case}\n"),
            governance: "frozen | §8 | a rule | test_a_001_holds\n",
        };
        let text = text(&files, lists);
        for line in [
            format!("| {rule} | {case} | `test_a_001_holds` |"),
            "Says it (seed 003 §1).".to_owned(),
            "- Code: `a/src/x.rs`: `enforce`".to_owned(),
            "- Code: `a/src/y.rs`: the module".to_owned(),
            "- Tests: `a/tests/x.rs`: `test_a_001_holds`".to_owned(),
            "| §8 | a rule | `test_a_001_holds` in `a/tests/x.rs` |".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
