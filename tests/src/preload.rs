//! Small C libraries that the dynamic linker loads before a program under test, to watch or to disturb
//! what it asks of the system.

use crate::programs::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `tests/src/NAME.c` into a shared library in `dir`, for `LD_PRELOAD`.
///
/// # Panics
/// When the C compiler refuses.
#[must_use]
pub fn library(dir: &Path, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name).with_extension("c");
    let library = dir.join(name).with_extension("so");
    run(Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl"));
    library
}
