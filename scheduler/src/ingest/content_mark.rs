//! A mark that tells a file's content: the same for a file that was moved, renamed or touched.
//!
//! Not all of a film is read: its length with three pieces of it tell it from any other. A file that was altered in
//! between and kept its length has the same mark; what then counts is that its time of change is another.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of each of the three pieces.
const PIECE: u64 = 64 * 1024;

/// The mark of a file: length, beginning, middle and end, as 32 hexadecimal digits.
pub(super) fn content_mark(path: &Path) -> std::io::Result<String> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(size.to_le_bytes());
    let mut piece = vec![0; usize::try_from(PIECE.min(size)).unwrap_or(0)];
    for at in [0, (size / 2).saturating_sub(PIECE / 2), size.saturating_sub(PIECE)] {
        let mut done = 0;
        while done < piece.len() {
            let count = file.read_at(&mut piece[done..], at + done as u64)?;
            if count == 0 {
                break;
            }
            done += count;
        }
        hash.update(&piece[..done]);
    }
    let digest = hash.finalize();
    Ok(digest[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_and_the_length_count() {
        let dir = tempfile::tempdir().unwrap();
        let mark = |bytes: &[u8]| {
            let path = dir.path().join("file");
            std::fs::write(&path, bytes).unwrap();
            content_mark(&path).unwrap()
        };
        let whole = vec![7_u8; 1_000_000];
        let altered = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] = 8;
            bytes
        };
        let marks = [
            whole.clone(),
            altered(0),
            altered(500_000),
            altered(999_999),
            whole[1..].to_vec(),
            vec![],
            vec![7],
        ]
        .map(|bytes| mark(&bytes));
        let distinct: std::collections::BTreeSet<_> = marks.iter().collect();
        assert_eq!(distinct.len(), marks.len(), "{marks:?}");
        assert_eq!(mark(&whole), marks[0]);
        assert!(marks[0].len() == 32 && content_mark(&dir.path().join("none")).is_err());
    }
}
