//! `cargo xtask tidy`: rules of this repository that neither the compiler nor clippy knows.
//!
//! Each rule is a function from file texts and manifests to findings, tested beside it with a text
//! that keeps the rule and one that breaks it. Style that rustfmt and clippy settle is not checked.

mod contracts;
mod crates;
mod file_shape;
mod real_time;
mod rust_text;
mod wording;

use crate::repository::{self, TextFile};
use anyhow::{Context, bail};

/// Where the ids of the seed documents are listed.
const IDS: &str = "docs/contracts/ids.txt";
/// Where the ids that code or tests do not quote yet are listed.
const PENDING: &str = "docs/contracts/pending.txt";
/// Where every dependency is accounted for.
const DEPENDENCIES: &str = "docs/dependencies.md";

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// From 1; 0 where the whole file is meant.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

/// Checks everything and prints one line per finding.
pub(crate) fn run() -> anyhow::Result<()> {
    let files = repository::text_files()?;
    let dependencies = repository::dependencies()?;
    let mut findings = Vec::new();
    for file in &files {
        findings.extend(file_shape::check(file));
        findings.extend(real_time::check(file));
        findings.extend(wording::check(file));
    }
    findings.extend(contracts::check(&files, text_of(&files, IDS)?, text_of(&files, PENDING).unwrap_or("")));
    findings.extend(crates::check(&dependencies, text_of(&files, DEPENDENCIES)?));
    findings.extend(crates::check_manifests(&files));
    findings.sort();
    findings.dedup();
    for Finding { path, line, message } in &findings {
        match line {
            0 => eprintln!("{path}: {message}"),
            line => eprintln!("{path}:{line}: {message}"),
        }
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: {} files, {} dependency lines, nothing found", files.len(), dependencies.len());
    Ok(())
}

/// Rewrites the list of ids that nothing quotes yet.
pub(crate) fn rewrite_pending() -> anyhow::Result<()> {
    let files = repository::text_files()?;
    let text = contracts::pending_text(&files, text_of(&files, IDS)?);
    std::fs::write(repository::root().join(PENDING), &text)
        .with_context(|| format!("cannot write {PENDING}"))?;
    println!("{PENDING}: {} ids", text.lines().filter(|line| !line.starts_with('#')).count());
    Ok(())
}

fn text_of<'a>(files: &'a [TextFile], path: &str) -> anyhow::Result<&'a str> {
    let file = files.iter().find(|file| file.path == path).with_context(|| format!("{path} is missing"))?;
    Ok(&file.text)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: text.to_owned() }
}
