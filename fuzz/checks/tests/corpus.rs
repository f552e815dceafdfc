//! Every input in `fuzz/corpus`, replayed: seeds, and what libFuzzer found worth keeping.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_fuzz_checks::{CHECKS, Check, Verdict};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Longest input: libFuzzer is at its best with small ones.
const MAX_INPUT: u64 = 20_000;
/// Most bytes of all corpora together.
const MAX_ALL: u64 = 1_000_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(fuzz().join("corpus").join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Replays one corpus: no input panics, and the inputs are of both kinds.
#[track_caller]
fn replay(name: &str) {
    let check: Check = CHECKS.iter().find(|(known, _)| *known == name).unwrap().1;
    let mut verdicts = BTreeSet::new();
    for path in inputs(name) {
        let data = std::fs::read(&path).unwrap();
        match catch_unwind(AssertUnwindSafe(|| check(&data))) {
            Ok(verdict) => verdicts.insert(verdict),
            Err(_) => panic!("{} makes {name} panic", path.display()),
        };
    }
    assert_eq!(verdicts, BTreeSet::from([Verdict::Taken, Verdict::Refused]), "{name}");
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        /// Each check has its corpus, its libFuzzer program and its test here, and there are no others.
        #[test]
        fn each_check_has_corpus_and_target() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(CHECKS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), replayed);
            for (folder, end) in [("corpus", ""), ("fuzz_targets", ".rs")] {
                let found: BTreeSet<String> = std::fs::read_dir(fuzz().join(folder))
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
                assert_eq!(found, replayed.iter().map(|name| format!("{name}{end}")).collect(), "{folder}");
            }
            let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
            assert!(replayed.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))));
        }
    };
}

replays!(catalog channel frames head media names packets plan station);

#[test]
fn corpora_stay_small() {
    let sizes = CHECKS.iter().flat_map(|(name, _)| inputs(name)).map(|path| {
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size <= MAX_INPUT, "{} is {size} bytes long", path.display());
        size
    });
    assert!(sizes.sum::<u64>() <= MAX_ALL);
}
