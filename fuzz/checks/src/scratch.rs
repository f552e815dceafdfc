//! Folders for parsers that read files, in memory where the system has such a place.

use std::path::Path;

/// A folder that goes away when dropped.
///
/// # Panics
/// When none can be made.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder can be made")
}
