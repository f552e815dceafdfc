//! A catalog that cannot be used: every verb that comes to it says so, says what to do, and ends with its code.

use super::folder::{Folder, text};
use std::process::Stdio;

/// Verbs that come to the catalog.
const VERBS: [&str; 21] = [
    "asset list",
    "asset show asset.the_show.s01e01",
    "asset breaks asset.the_show.s01e01",
    "catalog check",
    "catalog backup copy.sqlite",
    "channel check",
    "channel list",
    "channel show one",
    "collection list",
    "collection define col.x --type movie",
    "guide one",
    "ingest",
    "programming compile one.chan.yaml",
    "programming validate one.chan.yaml",
    "schedule explain one",
    "schedule list",
    "schedule preview one",
    "schedule rebuild --all",
    "source list",
    "source scan",
    "serve --no-scan",
];

/// Runs all verbs at once, for some wait, and holds each against code and words.
fn all_say(folder: &Folder, name: &str, code: i32, words: &[&str]) {
    let started = VERBS.map(|verb| {
        let mut command = folder.command(verb);
        (verb, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    });
    for (verb, child) in started {
        let output = child.wait_with_output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {verb}: {told}");
        assert!(words.iter().all(|word| told.contains(word)), "{name}: {verb}: {told}");
        assert!(!told.contains("panicked"), "{name}: {verb}: {told}");
    }
}

#[test]
fn damaged_strange_and_newer_catalogs_are_told_apart() {
    let folder = Folder::sound();
    folder.database().pragma_update(None, "journal_mode", "DELETE").unwrap();
    let path = folder.path("data/catalog.sqlite");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    all_say(&folder, "truncated", 3, &["catalog.sqlite is damaged", "backup"]);
    std::fs::write(&path, "nonsense ".repeat(500)).unwrap();
    all_say(&folder, "strange", 3, &["is not a RetroVue catalog", "--data-dir"]);
    std::fs::write(&path, &whole).unwrap();
    folder.database().pragma_update(None, "user_version", 99).unwrap();
    all_say(&folder, "newer", 3, &["newer version (catalog 99", "update the program"]);
    // None of them made it worse.
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(folder.json("catalog check --json")["findings"], serde_json::json!([]));
}

#[test]
fn a_catalog_that_another_process_holds_is_waited_for_and_then_told() {
    let folder = Folder::sound();
    let holder = folder.database();
    holder.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    all_say(&folder, "locked", 1, &["is in use by another process", "wait until it is done"]);
    drop(holder);
    assert_eq!(folder.json("asset list --json")["assets"].as_array().unwrap().len(), 3);
}

/// The catalog is copied to where there is little room, and more is scanned than fits. What was recorded stays sound.
fn scan_into(folder: &Folder, before: &str, limit: &str) -> (Option<i32>, String) {
    let scan = format!(
        "mkdir -p small && {before} cp data/catalog.sqlite small/ || exit 98\n\
         ({limit} exec \"$RETROVUE\" ingest --data-dir small); code=$?\n\
         \"$RETROVUE\" catalog check --data-dir small >&2 || exit 99\n\
         exit $code"
    );
    folder.write("scan.sh", &scan);
    let output = folder.shell(if before.is_empty() { "bash scan.sh" } else { "unshare -rm bash scan.sh" });
    (output.status.code(), text(&output.stderr))
}

#[test]
fn a_full_disk_is_told_and_costs_nothing_that_was_recorded() {
    let folder = Folder::sound();
    for n in 0..400 {
        folder.write(&format!("media/The Show/S02E{n:03} {}.mp4", "long name ".repeat(12)), "x");
    }
    folder.database().pragma_update(None, "journal_mode", "DELETE").unwrap();
    // A limit on the length of files, which every system has.
    let (code, told) = scan_into(&folder, "", "trap '' XFSZ; ulimit -f 200;");
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("cannot read or write") && told.contains("its disk is sound and has room"),
        "{told}"
    );
    // A small disk, where the system lets one be mounted.
    std::fs::remove_dir_all(folder.path("small")).unwrap();
    let mount = "mount -t tmpfs -o size=400k tmpfs small &&";
    if folder.shell(&format!("mkdir small && unshare -rm bash -c '{mount} true'")).status.success() {
        let (code, told) = scan_into(&folder, mount, "");
        assert_eq!(code, Some(5), "{told}");
        assert!(
            told.contains("the disk is full") && told.contains("what was recorded so far is kept"),
            "{told}"
        );
    }
}
