//! The private folder of a running station's Unix sockets, removed with it.
//!
//! In `$XDG_RUNTIME_DIR` or the temporary folder, mode 0700, with a short name: a socket's path may have
//! 107 bytes (unix(7)).

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Names tried before giving up: others' leftovers are in the way at most.
const ATTEMPTS: u32 = 100;

/// Where it is tried, in this order.
pub(crate) fn runtime_folders() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    runtime.into_iter().chain([std::env::temp_dir()]).collect()
}

/// A folder that exists as long as this value.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// Makes a new folder.
    pub(crate) fn create() -> io::Result<RuntimeDir> {
        let mut last = io::Error::other("no folder to try");
        for parent in runtime_folders() {
            match RuntimeDir::create_in(&parent) {
                Ok(made) => return Ok(made),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn create_in(parent: &Path) -> io::Result<RuntimeDir> {
        let mut last = io::Error::other("no attempt made");
        for attempt in 0..ATTEMPTS {
            let path = parent.join(format!("retrovue-{}-{attempt}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(RuntimeDir { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the folder of sockets");
        }
    }
}
