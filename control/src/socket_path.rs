//! The bound on a Unix socket's path.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket in bytes: `sun_path` has 108, one for the closing zero (unix(7)).
pub const MAX_SOCKET_PATH: usize = 107;

/// A path that does not fit a Unix socket address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the socket path {} has {length} bytes, at most {most} fit a Unix socket address; choose a shorter folder",
    path.display()
)]
pub struct PathTooLong {
    /// The path.
    pub path: PathBuf,
    /// Its bytes.
    pub length: usize,
    /// Bytes that would fit.
    pub most: usize,
}

/// Judges `path`, to which up to `spare` bytes may yet be added.
///
/// # Errors
/// The path does not fit.
pub fn check(path: &Path, spare: usize) -> Result<(), PathTooLong> {
    let (length, most) = (path.as_os_str().as_bytes().len(), MAX_SOCKET_PATH.saturating_sub(spare));
    if length > most {
        return Err(PathTooLong { path: path.to_owned(), length, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_bound_is_the_systems() {
        let dir = tempfile::tempdir().unwrap();
        let stem = dir.path().as_os_str().len() + 1;
        let fits = dir.path().join("s".repeat(MAX_SOCKET_PATH - stem));
        let longer = dir.path().join("s".repeat(MAX_SOCKET_PATH - stem + 1));
        assert_eq!(check(&fits, 0), Ok(()));
        UnixListener::bind(&fits).unwrap();
        let error = check(&longer, 0).unwrap_err();
        assert!(UnixListener::bind(&longer).is_err());
        let text = error.to_string();
        assert!(text.contains("108 bytes") && text.contains("at most 107"), "{text}");
        assert_eq!(check(&fits, 1).unwrap_err().most, 106);
    }
}
