//! What the threads that may not wait ask of the system once they are warm: nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::plan::plan;
use retrovue_tests::preload;
use retrovue_tests::programs::{binary, run};
use std::process::Command;

/// Three minutes of a channel over seven seams: between the first tenth of the output and its last,
/// `encode` and `air` allocate nothing, counted at the C library, codecs included. `air` locks nothing;
/// `encode` only the mutex that x264 takes once a picture, which no other thread ever holds.
#[test]
fn encode_and_air_allocate_nothing_once_warm() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain("soak.mp4", 30).make(dir.path());
    let block = [
        (path.as_path(), 0, 20_000),
        (path.as_path(), 5_000, 25_000),
        (path.as_path(), 0, 25_000),
        (path.as_path(), 1_003, 30_000),
    ];
    let plan = plan((30, 1), &[block.as_slice(); 2]);
    std::fs::write(dir.path().join("plan.json"), plan.to_string()).unwrap();
    let counts = dir.path().join("counts");
    run(Command::new(binary("retrovue-air"))
        .args(["render", "--plan"])
        .arg(dir.path().join("plan.json"))
        .arg("--out")
        .arg(dir.path().join("out.ts"))
        .env("LD_PRELOAD", preload::library(dir.path(), "count_allocations"))
        .env("RETROVUE_COUNTS", &counts));
    let rows: Vec<Vec<i64>> = std::fs::read_to_string(counts)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').map(|n| n.parse().unwrap()).collect())
        .collect();
    let whole = rows.last().unwrap()[0];
    let at = |tenths: i64| rows.iter().find(|row| row[0] * 10 >= whole * tenths).unwrap();
    let (warm, late) = (at(1), at(9));
    assert!(late[0] - warm[0] > whole / 2, "{rows:?}");
    assert!(warm[1] > 0 && warm[2] > 0, "both threads were seen, while they warmed up: {warm:?}");
    assert_eq!(late[1..3], warm[1..3], "allocations of encode and air, late and warm");
    assert!(late[3] - warm[3] <= 200 * 30, "more than one lock a picture: {warm:?} {late:?}");
    assert_eq!(late[4], 0, "air locked something");
}
