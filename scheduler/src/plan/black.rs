//! The built-in black asset, for time that a station without filler has nothing for.

use std::path::{Path, PathBuf};

/// One second of black and silence; see `assets/README.md`.
const BLACK: &[u8] = include_bytes!("../../assets/black.mp4");

/// Where the asset is, or will be, in a data folder.
#[must_use]
pub fn black_path(data_dir: &Path) -> PathBuf {
    std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned()).join("black.mp4")
}

/// Writes the asset into a data folder unless it is there.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_black(data_dir: &Path) -> std::io::Result<PathBuf> {
    let path = black_path(data_dir);
    if std::fs::read(&path).is_ok_and(|bytes| bytes == BLACK) {
        return Ok(path);
    }
    std::fs::create_dir_all(data_dir)?;
    // Renamed into place: a session may be reading it.
    let half = path.with_extension("mp4.part");
    std::fs::write(&half, BLACK)?;
    std::fs::rename(&half, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = write_black(&dir.path().join("new")).unwrap();
        std::fs::write(&path, "torn").unwrap();
        assert_eq!(write_black(&dir.path().join("new")).unwrap(), path);
        assert_eq!(std::fs::read(&path).unwrap(), BLACK);
    }
}
