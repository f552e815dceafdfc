//! What the repository holds: its text files as git sees them, and its crates as cargo sees them.
//!
//! Reads only; files that git ignores do not exist here.

use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::Command;

/// One text file, by its path from the root with forward slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One dependency line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dependency {
    /// The crate that has the line.
    pub(crate) of: String,
    /// The crate it names.
    pub(crate) on: String,
    /// For tests and benches only.
    pub(crate) for_tests: bool,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Inputs of parsers: whatever they look like, they are not written for people.
const CORPORA: &str = "fuzz/corpus/";

/// The workspace's manifest, and that of the programs for libFuzzer, which stand apart from it.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// Every text file that is committed or would be, but for the corpora.
pub(crate) fn text_files() -> anyhow::Result<Vec<TextFile>> {
    let listing =
        output(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty() && !path.starts_with(CORPORA)) {
        // Listed but deleted in the work tree, or no text: neither is our business.
        let Ok(bytes) = std::fs::read(root().join(path)) else { continue };
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            files.push(TextFile { path: path.to_owned(), text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    if files.is_empty() {
        bail!("git lists no file below {}", root().display());
    }
    Ok(files)
}

/// Every dependency line of every manifest.
pub(crate) fn dependencies() -> anyhow::Result<Vec<Dependency>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut packages = Vec::new();
    for manifest in MANIFESTS {
        let arguments =
            ["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest];
        let text = output(Command::new(&cargo).args(arguments))?;
        let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata is no JSON")?;
        packages.extend(
            metadata.get("packages").and_then(serde_json::Value::as_array).cloned().unwrap_or_default(),
        );
    }
    let list = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    let string = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let mut found = Vec::new();
    for package in packages {
        for line in list(&package, "dependencies") {
            found.push(Dependency {
                of: string(&package, "name"),
                on: string(&line, "name"),
                for_tests: string(&line, "kind") == "dev",
            });
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Standard output of a command that must succeed, run in the root.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let done = command.current_dir(root()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !done.status.success() {
        bail!("{command:?} ended with {}:\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    }
    String::from_utf8(done.stdout).with_context(|| format!("{command:?} printed no UTF-8"))
}
