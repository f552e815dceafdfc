//! One idea a file: length, name, opening, and line ends.

use super::Finding;
use crate::repository::TextFile;

/// Past this a file holds two ideas.
const MOST_LINES: usize = 800;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// Checks one file of any kind.
pub(crate) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = line_ends(file);
    if file.path.ends_with(".rs") {
        findings.extend(length(file));
        findings.extend(name(file));
        findings.extend(opening(file));
    }
    findings
}

fn length(file: &TextFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > MOST_LINES).then(|| {
        Finding::new(&file.path, 0, format!("{lines} lines, more than {MOST_LINES}: split it by its ideas"))
    })
}

fn name(file: &TextFile) -> Option<Finding> {
    let word = file.path.trim_end_matches(".rs").split('/').find(|part| EMPTY_NAMES.contains(part))?;
    Some(Finding::new(&file.path, 0, format!("{word:?} says nothing: name the idea in the field's words")))
}

fn opening(file: &TextFile) -> Option<Finding> {
    let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    (!first.is_some_and(|line| line.starts_with("//! "))).then(|| {
        Finding::new(&file.path, 1, "does not open with `//!`: say what it is and what it does not do")
    })
}

fn line_ends(file: &TextFile) -> Vec<Finding> {
    // Texts of licences stay as their authors published them.
    if file.path.rsplit('/').next().is_some_and(|name| name.starts_with("LICENSE") || name.starts_with("OFL"))
    {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = file
        .text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| line.ends_with([' ', '\t', '\r']))
        .map(|(number, _)| Finding::new(&file.path, number + 1, "white space at the end of the line"))
        .collect();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(Finding::new(&file.path, 0, "no line feed at the end"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[track_caller]
    fn found(path: &str, text: &str, words: &[&str]) {
        let messages: Vec<String> = check(&file(path, text)).into_iter().map(|f| f.message).collect();
        assert_eq!(messages.len(), words.len(), "{messages:?}");
        for (message, word) in messages.iter().zip(words) {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn long_files() {
        found("a/src/pat.rs", &format!("//! PAT.\n{}", "\n".repeat(MOST_LINES - 1)), &[]);
        found("a/src/pat.rs", &format!("//! PAT.\n{}", "\n".repeat(MOST_LINES)), &["801 lines"]);
        found("a/dump.txt", &"x\n".repeat(MOST_LINES + 1), &[]);
    }

    #[test]
    fn empty_names() {
        found("a/src/utility_bill.rs", "//! Bills.\n", &[]);
        found("a/src/util.rs", "//! Things.\n", &["util"]);
        found("a/src/helpers/x.rs", "//! Things.\n", &["helpers"]);
        found("docs/common.md", "x\n", &[]);
    }

    #[test]
    fn openings() {
        found("a/src/pat.rs", "#![allow(x)]\n//! PAT.\n", &[]);
        found("a/src/pat.rs", "use x;\n", &["open"]);
        found("a/src/pat.rs", "", &["open"]);
    }

    #[test]
    fn ends_of_lines() {
        found("a.md", "x\n", &[]);
        found("a.md", "x \ny\t\nz", &["white space", "white space", "line feed"]);
        found("LICENSE", "x \n", &[]);
    }
}
