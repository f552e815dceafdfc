//! `cargo xtask tidy`: rules of this repository that neither the compiler nor clippy knows.
//!
//! Each rule is a function from file texts and manifests to findings, tested beside it with a text
//! that keeps the rule and one that breaks it. Style that rustfmt and clippy settle is not checked.

mod contracts;
mod crates;
mod file_shape;
mod item;
mod matrix;
mod real_time;
mod rust_text;
mod wording;

use crate::repository::{self, TextFile};
use anyhow::{Context, bail};

/// Where the ids of the seed documents are listed.
const IDS: &str = "docs/contracts/ids.txt";
/// Where the seed's contracts and their tests are listed.
const PAIRS: &str = "docs/contracts/pairs.txt";
/// Where the seed's frozen and forbidden items are listed.
const GOVERNANCE: &str = "docs/contracts/governance.txt";
/// What says of each id where it is enforced and tested.
const MATRIX: &str = "docs/contracts/matrix.md";
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
    let lists = lists(&files)?;
    findings.extend(contracts::check(&files, lists));
    if text_of(&files, MATRIX).ok() != Some(&matrix::text(&files, lists)) {
        findings.push(Finding::new(
            MATRIX,
            0,
            "differs from what code and tests quote: `cargo xtask matrix` writes it",
        ));
    }
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

/// Rewrites the traceability matrix.
pub(crate) fn rewrite_matrix() -> anyhow::Result<()> {
    let files = repository::text_files()?;
    let text = matrix::text(&files, lists(&files)?);
    std::fs::write(repository::root().join(MATRIX), &text)
        .with_context(|| format!("cannot write {MATRIX}"))?;
    println!("{MATRIX}: {} lines", text.lines().count());
    Ok(())
}

fn lists(files: &[TextFile]) -> anyhow::Result<contracts::Lists<'_>> {
    Ok(contracts::Lists {
        ids: text_of(files, IDS)?,
        pairs: text_of(files, PAIRS)?,
        governance: text_of(files, GOVERNANCE)?,
    })
}

fn text_of<'a>(files: &'a [TextFile], path: &str) -> anyhow::Result<&'a str> {
    let file = files.iter().find(|file| file.path == path).with_context(|| format!("{path} is missing"))?;
    Ok(&file.text)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: text.to_owned() }
}
