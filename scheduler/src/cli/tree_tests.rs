//! The command line as a whole: every verb says what it is, teaches by an example that works, prints JSON where it
//! prints, and is in the reference.

use super::{Exit, command};
use clap::Command;

/// Verbs without `--json`: the first two stay and serve, and what the others print has a form of its own.
const WITHOUT_JSON: [&str; 6] = ["demo", "serve", "programming schema", "ts dump", "completions", "manual"];

/// Every verb with its path, those of verbs included.
fn verbs(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let below =
            if path.is_empty() { sub.get_name().to_owned() } else { format!("{path} {}", sub.get_name()) };
        verbs(sub, &below, found);
        found.push((below, sub.clone()));
    }
}

fn all() -> Vec<(String, Command)> {
    let mut found = Vec::new();
    verbs(&command(), "", &mut found);
    found
}

#[test]
fn the_tree_is_sound() {
    command().debug_assert();
}

#[test]
fn every_verb_says_what_it_is_and_teaches_by_an_example_that_works() {
    let all = all();
    assert!(all.len() > 30, "{}", all.len());
    for (path, mut verb) in all {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "{path} does not say what it is");
        for argument in verb.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
            assert!(argument.get_help().is_some(), "{path}: {} does not say what it is", argument.get_id());
        }
        let help = verb.render_long_help().to_string();
        let beginning = format!("retrovue {path}");
        let examples: Vec<&str> =
            help.lines().map(str::trim).filter(|line| line.starts_with(&beginning)).collect();
        assert!(!examples.is_empty(), "{path} has no example; give it one in cli/examples.rs\n{help}");
        for example in examples {
            // What is said of it stands behind some room.
            let line = example.split("   ").next().unwrap_or(example);
            let parsed = command().try_get_matches_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }
}

#[test]
fn what_prints_prints_json() {
    let mut without: Vec<String> = all()
        .into_iter()
        .filter(|(_, verb)| !verb.has_subcommands())
        .filter(|(_, verb)| !verb.get_arguments().any(|a| a.get_long() == Some("json")))
        .map(|(path, _)| path)
        .collect();
    without.sort_by_key(|path| WITHOUT_JSON.iter().position(|known| known == path));
    assert_eq!(without, WITHOUT_JSON);
}

#[test]
fn the_reference_has_every_verb_and_every_exit_code() {
    let reference = include_str!("../../../docs/command-line.md");
    let mut expected = Vec::new();
    for (path, verb) in all().into_iter().filter(|(_, verb)| !verb.has_subcommands()) {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        expected.push(format!("| `retrovue {path}` | {about} |"));
    }
    let verbs = expected.len();
    expected.extend(Exit::ALL.iter().map(|exit| format!("| {} | {} |", *exit as u8, exit.meaning())));
    let lines: Vec<&str> = reference.lines().collect();
    let missing: Vec<&String> = expected.iter().filter(|line| !lines.contains(&line.as_str())).collect();
    assert!(missing.is_empty(), "docs/command-line.md lacks {missing:#?}");
    let told = lines.iter().filter(|line| line.starts_with("| `retrovue ")).count();
    assert_eq!(told, verbs, "docs/command-line.md has verbs that are not");
}
