//! Walking a media folder: which files are there, and which folders could not be read.
//!
//! Hidden entries are passed over, and folders of pictures for seeking. Symbolic links are followed; a folder that
//! was entered already, by whatever path, is not entered again, so loops end.

use super::artwork::Pictures;
use crate::catalog::PictureType;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most files of one scan; a library of a million files is beyond any this is meant for.
pub(crate) const MAX_FILES: usize = 1_000_000;

/// Deepest nesting entered.
const MAX_DEPTH: usize = 64;

/// Extensions of files taken for media, lower case.
const MEDIA_EXTENSIONS: &[&str] = &[
    "3g2", "3gp", "asf", "avi", "divx", "f4v", "flv", "m2t", "m2ts", "m2v", "m4v", "mkv", "mov", "mp4",
    "mpeg", "mpg", "mts", "mxf", "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv",
];

/// A media file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundFile {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files in order of path.
    pub(crate) files: Vec<FoundFile>,
    /// Sidecars (`.nfo`), by path, with size and time of change.
    pub(crate) sidecars: BTreeMap<PathBuf, (u64, i64)>,
    /// Pictures.
    pub(super) pictures: Pictures,
    /// Folders and files that could not be looked at, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

/// Walks everything at or below `top`, which may be a single file.
pub(crate) fn walk(top: &Path) -> Walk {
    let mut found = Walk::default();
    let mut entered = BTreeSet::new();
    let mut waiting = vec![(top.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                found.unreadable.push((path, reason(&error)));
                continue;
            }
        };
        if metadata.is_file() {
            if depth == 0 || is_media(&path) {
                if found.files.len() == MAX_FILES {
                    found
                        .unreadable
                        .push((path, format!("more than {MAX_FILES} files; the rest is left out")));
                    break;
                }
                let mtime_ns = changed_ns(&metadata);
                found.files.push(FoundFile { path, size: metadata.len(), mtime_ns });
            } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("nfo"))
                && found.sidecars.len() < MAX_FILES
            {
                found.sidecars.insert(path, (metadata.len(), changed_ns(&metadata)));
            } else {
                found.pictures.take(&path, metadata.len(), changed_ns(&metadata));
            }
        } else if metadata.is_dir() && entered.insert((metadata.dev(), metadata.ino())) {
            if depth == MAX_DEPTH {
                found.unreadable.push((path, format!("nested deeper than {MAX_DEPTH} folders")));
                continue;
            }
            match std::fs::read_dir(&path) {
                Ok(entries) => {
                    for entry in entries {
                        match entry {
                            Ok(entry) if is_passed_over(&entry.path()) => {}
                            Ok(entry) => waiting.push((entry.path(), depth + 1)),
                            Err(error) => found.unreadable.push((path.clone(), reason(&error))),
                        }
                    }
                }
                Err(error) => found.unreadable.push((path, reason(&error))),
            }
        }
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.unreadable.sort();
    found
}

/// Time of last change, in nanoseconds since the Unix epoch.
pub(crate) fn changed_ns(metadata: &std::fs::Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}

/// Takes in the pictures of one folder, and tells what media files it has. One that cannot be read has nothing.
pub(super) fn beside(folder: &Path, pictures: &mut Pictures) -> Vec<PathBuf> {
    let mut media = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_passed_over(&path) {
            continue;
        }
        if is_media(&path) {
            media.push(path);
        } else if PictureType::of(&path).is_some()
            && let Ok(metadata) = std::fs::metadata(&path)
            && metadata.is_file()
        {
            pictures.take(&path, metadata.len(), changed_ns(&metadata));
        }
    }
    media
}

/// What is hidden, and the folders in which Jellyfin keeps thousands of pictures for seeking.
fn is_passed_over(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    is_hidden || path.extension().is_some_and(|extension| extension == "trickplay")
}

fn is_media(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    MEDIA_EXTENSIONS.binary_search(&extension.as_str()).is_ok()
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; make it readable for this user".to_owned()
        }
        std::io::ErrorKind::NotFound => "not found; the link or the path leads nowhere".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn hidden_foreign_and_looping_entries_do_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        for folder in ["a/b", ".hidden", "c"] {
            std::fs::create_dir_all(top.join(folder)).unwrap();
        }
        for file in ["a/1.MP4", "a/b/2.mkv", ".hidden/3.mp4", "a/.4.mp4", "a/cover.jpg", "noext"] {
            std::fs::write(top.join(file), "x").unwrap();
        }
        symlink(top, top.join("a/b/loop")).unwrap();
        symlink(top.join("nowhere"), top.join("c/dead.mp4")).unwrap();
        symlink(top.join("a/1.MP4"), top.join("c/link.mp4")).unwrap();
        let found = walk(top);
        let names: Vec<_> =
            found.files.iter().map(|f| f.path.strip_prefix(top).unwrap().to_owned()).collect();
        assert_eq!(names, ["a/1.MP4", "a/b/2.mkv", "c/link.mp4"].map(PathBuf::from));
        assert_eq!(found.unreadable.len(), 1);
        assert!(found.unreadable[0].0.ends_with("c/dead.mp4"));
    }

    #[test]
    fn the_extension_table_is_sorted_for_its_search() {
        assert!(MEDIA_EXTENSIONS.is_sorted());
    }
}
