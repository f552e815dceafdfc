//! Crates: which of ours may depend on which, that each foreign one is accounted for, and that each
//! manifest takes the workspace's lints.

use super::{DEPENDENCIES, Finding};
use crate::repository::{Dependency, TextFile};
use std::collections::BTreeSet;

/// Dependencies that are refused, tests included, and why.
const REFUSED: &[(&str, &[&str], &str)] = &[
    ("retrovue-timebase", &["retrovue-*"], "the time base stands below everything"),
    (
        "retrovue-proto",
        &["retrovue-mux", "retrovue-codec", "retrovue-engine", "retrovue-control", "retrovue-scheduler"],
        "the protocol knows neither end",
    ),
    (
        "retrovue-mux",
        &["mio", "rustix", "libc", "retrovue-proto", "retrovue-codec", "retrovue-engine"],
        "the muxer does no I/O and knows no plan",
    ),
    (
        "retrovue-analyser",
        &["retrovue-*", "mio", "rustix", "libc"],
        "the checker does no I/O and shares no code with what it judges",
    ),
    (
        "retrovue-codec",
        &["retrovue-proto", "retrovue-mux", "retrovue-engine", "retrovue-scheduler"],
        "a codec does not know what a block is",
    ),
    ("retrovue-engine", &["retrovue-scheduler", "rusqlite"], "AIR knows no schedule"),
    (
        "retrovue-control",
        &["retrovue-engine", "retrovue-scheduler", "retrovue-codec", "retrovue-mux"],
        "the control socket decides nothing",
    ),
    (
        "retrovue-scheduler",
        &["retrovue-engine", "retrovue-codec", "retrovue-testcard"],
        "Core touches no frame",
    ),
];

/// The crate that calls C; libFuzzer is C++, and drives programs that are no part of the station.
const FOREIGN_CODE: [&str; 2] = ["retrovue-codec", "retrovue-fuzz"];

/// Checks dependency lines against the rules and against the table of reasons.
pub(crate) fn check(dependencies: &[Dependency], table: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let told = told(table);
    for Dependency { of, on, .. } in dependencies {
        let manifest = format!("{}/Cargo.toml", of.strip_prefix("retrovue-").unwrap_or(of));
        for (_, names, why) in REFUSED.iter().filter(|(name, ..)| name == of) {
            if names
                .iter()
                .any(|name| name == on || name.strip_suffix('*').is_some_and(|start| on.starts_with(start)))
            {
                findings.push(Finding::new(&manifest, 0, format!("{of} must not depend on {on}: {why}")));
            }
        }
        if on.ends_with("-sys") && !FOREIGN_CODE.contains(&of.as_str()) {
            findings.push(Finding::new(
                &manifest,
                0,
                format!("{on}: only {} calls foreign code", FOREIGN_CODE[0]),
            ));
        }
        if !on.starts_with("retrovue-") && !told.contains(on.as_str()) {
            findings.push(Finding::new(&manifest, 0, format!("{on} has no line in {DEPENDENCIES}")));
        }
    }
    let used: BTreeSet<&str> = dependencies.iter().map(|line| line.on.as_str()).collect();
    for name in told.iter().filter(|name| !used.contains(*name)) {
        findings.push(Finding::new(DEPENDENCIES, 0, format!("{name} is told of, but no manifest names it")));
    }
    findings
}

/// Checks that every member takes the workspace's lints, `unsafe_code = "forbid"` among them.
pub(crate) fn check_manifests(files: &[TextFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml") && file.path != "codec/Cargo.toml")
        .filter(|file| !file.text.contains("[lints]\nworkspace = true\n"))
        .map(|file| Finding::new(&file.path, 0, "does not take the workspace's lints"))
        .collect()
}

/// The crates that the table tells of: the first cell of each row, names set off by commas, each the first
/// word of its part (`nix (signal)` tells of `nix`).
fn told(table: &str) -> BTreeSet<&str> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split(','))
        .filter_map(|part| part.split_whitespace().next())
        .map(|name| name.trim_matches('`'))
        .filter(|name| *name != "crate" && !name.starts_with("---"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn messages(lines: &[(&str, &str)], table: &str) -> Vec<String> {
        let lines: Vec<Dependency> = lines
            .iter()
            .map(|(of, on)| Dependency { of: (*of).into(), on: (*on).into(), for_tests: false })
            .collect();
        check(&lines, table).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn directions() {
        let fine = [("retrovue-engine", "retrovue-codec"), ("retrovue-scheduler", "retrovue-control")];
        assert_eq!(messages(&fine, ""), [""; 0]);
        for (of, on) in [
            ("retrovue-scheduler", "retrovue-codec"),
            ("retrovue-engine", "retrovue-scheduler"),
            ("retrovue-timebase", "retrovue-mux"),
        ] {
            let found = messages(&[(of, on)], "");
            assert!(found.len() == 1 && found[0].contains("must not depend"), "{found:?}");
        }
        assert_eq!(messages(&[("retrovue-mux", "mio")], "| mio | x |\n").len(), 1);
    }

    #[test]
    fn foreign_code() {
        let table = "| x264-sys | video |\n";
        assert_eq!(messages(&[("retrovue-codec", "x264-sys")], table), [""; 0]);
        assert_eq!(messages(&[("retrovue-engine", "x264-sys")], table).len(), 1);
    }

    #[test]
    fn reasons() {
        let table = "| crate | why |\n| --- | --- |\n| `serde`, serde_json (tests) | JSON |\n";
        let lines = [("xtask", "serde"), ("xtask", "serde_json")];
        assert_eq!(messages(&lines, table), [""; 0]);
        assert!(messages(&lines, "")[0].contains("no line"));
        assert!(messages(&lines[..1], table)[0].contains("no manifest"));
    }

    #[test]
    fn lints() {
        let good = file("mux/Cargo.toml", "[lints]\nworkspace = true\n");
        let bad = file("mux/Cargo.toml", "[package]\n");
        assert_eq!(check_manifests(&[good, file("codec/Cargo.toml", "")]).len(), 0);
        assert_eq!(check_manifests(&[bad]).len(), 1);
    }
}
