//! `retrovue-air` on a disk with a bad sector: reads of one part of one file fail with EIO.
//!
//! The fault is in the C library's `read`, put there by `failing_reads.c` with LD_PRELOAD; the program
//! under test is the one that ships.

use crate::programs::{binary, run};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A part of a file that cannot be read.
#[derive(Debug)]
pub struct BadSector {
    /// Stands in for `retrovue-air`, with the same arguments.
    pub program: PathBuf,
    log: PathBuf,
}

impl BadSector {
    /// Makes, in `dir`, a `retrovue-air` that cannot read the bytes `bad` of `file`.
    ///
    /// # Panics
    /// When there is no C compiler, or `dir` cannot be written.
    #[must_use]
    pub fn of(dir: &Path, file: &Path, bad: Range<u64>) -> BadSector {
        let (source, shim) = (dir.join("failing_reads.c"), dir.join("failing_reads.so"));
        std::fs::write(&source, include_str!("failing_reads.c")).expect("the test folder can be written");
        run(Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(&source).arg("-ldl"));
        let (program, log) = (dir.join("retrovue-air-on-a-bad-disk"), dir.join("failed-reads.log"));
        let script = format!(
            "#!/bin/sh\nexport FAILING_READS_FILE='{}' FAILING_READS_FROM={} FAILING_READS_TO={}\n\
             export FAILING_READS_LOG='{}' LD_PRELOAD='{}'\nexec '{}' \"$@\"\n",
            file.display(),
            bad.start,
            bad.end,
            log.display(),
            shim.display(),
            binary("retrovue-air").display(),
        );
        std::fs::write(&program, script).expect("the test folder can be written");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).expect("the script is ours");
        BadSector { program, log }
    }

    /// How many reads have failed so far.
    #[must_use]
    pub fn failed_reads(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |m| m.len())
    }
}

/// The middle tenth of `file`: neither its header nor its index.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn middle(file: &Path) -> Range<u64> {
    let length = std::fs::metadata(file).expect("the clip is there").len();
    length / 2..length * 6 / 10
}
