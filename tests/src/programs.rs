//! The programs under test and the tools that judge them.

use rustix::process::{Pid, kill_process};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub use rustix::process::Signal;

/// Path of one of the workspace's binaries, built beside the running test.
///
/// # Panics
/// When it is not there: the tests of all packages are run together with `make test`.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let mut dir = std::env::current_exe().expect("the test has a path");
    while dir.file_name().is_some_and(|n| n == "deps" || n.to_string_lossy().starts_with("e2e")) {
        dir.pop();
    }
    if dir.is_file() {
        dir.pop();
    }
    if dir.ends_with("deps") {
        dir.pop();
    }
    let path = dir.join(name);
    assert!(path.is_file(), "{} is not built; run cargo build --workspace first", path.display());
    path
}

/// Runs a command to its end and returns its output.
///
/// # Panics
/// When it cannot be started or fails, with its standard error.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Sends `signal` to process `pid`; one that has gone is no error.
///
/// # Panics
/// When `pid` is no process id.
pub fn signal(pid: u64, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}
