//! Rewrites golden files: runs the golden tests with `RETROVUE_BLESS=1`, then shows what changed.
//!
//! A case is a folder of `golden/`; its name begins with the crate that checks it (`mux-vbr` belongs
//! to `retrovue-mux`), and the test that checks it is `golden::mux_vbr`.

use crate::repository::root;
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use std::process::Command;

/// Blesses one case, or all that exist.
pub(crate) fn run(case: Option<&str>) -> anyhow::Result<()> {
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        bail!(
            "golden files are not rewritten where CI=true; bless on your own machine and commit the result"
        );
    }
    let runs: BTreeSet<(String, String)> = match case {
        Some(case) => BTreeSet::from([test_of(case)?]),
        None => cases()?.iter().map(|case| test_of(case)).collect::<anyhow::Result<_>>()?,
    };
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    for (package, test) in runs {
        let status = Command::new(&cargo)
            .args(["test", "--package", &package, "--tests", &test])
            .env("RETROVUE_BLESS", "1")
            .current_dir(root())
            .status()
            .with_context(|| format!("cannot run {cargo}"))?;
        if !status.success() {
            bail!("{test} of {package} ended with {status}");
        }
    }
    let status = Command::new("git").args(["status", "--short", "golden"]).current_dir(root()).status()?;
    if !status.success() {
        bail!("git status ended with {status}");
    }
    println!("a commit that blesses holds the golden files and the reason, nothing else");
    Ok(())
}

/// The package and the test that check a case.
fn test_of(case: &str) -> anyhow::Result<(String, String)> {
    let tame = !case.is_empty() && case.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let Some((owner, _)) = case.split_once('-').filter(|_| tame) else {
        bail!("{case:?} names no case: a case is a folder of golden/ such as mux-vbr");
    };
    Ok((format!("retrovue-{owner}"), format!("golden::{}", case.replace('-', "_"))))
}

fn cases() -> anyhow::Result<Vec<String>> {
    let folder = root().join("golden");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::test_of;

    #[test]
    fn a_case_names_its_crate_and_test() {
        assert_eq!(test_of("mux-vbr").unwrap(), ("retrovue-mux".into(), "golden::mux_vbr".into()));
        for wrong in ["", "mux", "../mux-vbr", "mux vbr-x", "--all-x y"] {
            assert!(test_of(wrong).is_err(), "{wrong}");
        }
    }
}
