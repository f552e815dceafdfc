//! The folders that AIR's sessions may read: those the station names, and where links in them lead.
//!
//! Made when the media have been scanned: a session starts within milliseconds and cannot wait for a
//! walk through a library.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Most entries of a list. Each is opened anew at every session's start.
pub const MAX_FOLDERS: usize = 64;

/// Folders this near to the root are not widened to the one above: that would be nearly everything.
const SHALLOWEST: usize = 2;

/// The list as it is now, for all who start sessions. An empty one stands for everything.
#[derive(Debug, Clone, Default)]
pub struct AssetFolders(Arc<RwLock<Vec<String>>>);

impl AssetFolders {
    /// A list to begin with.
    #[must_use]
    pub fn new(list: Vec<String>) -> AssetFolders {
        AssetFolders(Arc::new(RwLock::new(list)))
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sessions that start from now on have this one; those on the air keep theirs.
    pub fn replace(&self, list: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = list;
    }
}

/// What a session may read: `named` folders and files, and the real folder of each of `assets` that lies
/// outside them, as symbolic links do. Written as asset URIs are.
///
/// More than [`MAX_FOLDERS`] are joined in the folders above them; where that does not help the list is `/`.
#[must_use]
pub fn asset_folders(
    named: impl IntoIterator<Item = PathBuf>,
    assets: impl IntoIterator<Item = PathBuf>,
) -> Vec<String> {
    // One that is not there now may be mounted later.
    let mut folders: BTreeSet<PathBuf> =
        named.into_iter().map(|path| path.canonicalize().unwrap_or(path)).collect();
    cut(&mut folders);
    let mut real = RealPaths::default();
    let mut outside: BTreeSet<PathBuf> = assets
        .into_iter()
        .filter_map(|path| real.of(&path))
        .filter(|file| !folders.iter().any(|folder| file.starts_with(folder)))
        .filter_map(|file| file.parent().map(Path::to_owned))
        .collect();
    cut(&mut outside);
    let room = MAX_FOLDERS.saturating_sub(folders.len());
    while outside.len() > room {
        let deepest = outside.iter().map(|path| path.iter().count()).max().unwrap_or(0);
        // The root itself is one component more.
        if deepest <= SHALLOWEST + 1 {
            break;
        }
        let widen = |path: PathBuf| match path.parent() {
            Some(parent) if path.iter().count() == deepest => parent.to_owned(),
            _ => path,
        };
        outside = outside.into_iter().map(widen).collect();
        cut(&mut outside);
    }
    folders.append(&mut outside);
    cut(&mut folders);
    if folders.len() > MAX_FOLDERS {
        tracing::warn!(
            "the media lie in {} folders and playout can be given {MAX_FOLDERS}; it may read every file its \
             user may. List the folders that hold them under media:",
            folders.len()
        );
        return vec!["/".to_owned()];
    }
    folders.iter().map(|path| uri(path)).collect()
}

/// Takes out what lies in another of the folders.
fn cut(folders: &mut BTreeSet<PathBuf>) {
    // In order of path a folder comes before what is in it.
    let mut last: Option<PathBuf> = None;
    folders.retain(|path| {
        let kept = last.as_ref().is_none_or(|above| !path.starts_with(above));
        if kept {
            last = Some(path.clone());
        }
        kept
    });
}

/// Real paths of files. A folder's own is looked up once, so a library costs one look at each file.
#[derive(Default)]
struct RealPaths {
    folders: BTreeMap<PathBuf, Option<PathBuf>>,
}

impl RealPaths {
    fn of(&mut self, path: &Path) -> Option<PathBuf> {
        if path.symlink_metadata().ok()?.is_symlink() {
            return path.canonicalize().ok();
        }
        let (folder, name) = (path.parent()?, path.file_name()?);
        let real = match self.folders.get(folder) {
            Some(known) => known.clone(),
            None => {
                let real = folder.canonicalize().ok();
                self.folders.insert(folder.to_owned(), real.clone());
                real
            }
        };
        Some(real?.join(name))
    }
}

/// A path as it is, or with percent escapes where that would be read otherwise or is not UTF-8.
fn uri(path: &Path) -> String {
    if let Some(text) = path.to_str().filter(|text| !text.contains("://")) {
        return text.to_owned();
    }
    let mut text = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn made(dir: &Path, files: impl IntoIterator<Item = String>) -> Vec<PathBuf> {
        let files: Vec<PathBuf> = files.into_iter().map(|name| dir.join(name)).collect();
        for file in &files {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "x").unwrap();
        }
        files
    }

    fn names(dir: &Path, list: &[String]) -> Vec<String> {
        list.iter().map(|uri| uri.strip_prefix(dir.to_str().unwrap()).unwrap_or(uri).to_owned()).collect()
    }

    #[test]
    fn links_lead_to_their_real_folders_and_what_is_below_another_goes() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let inside = made(&top, ["media/a/1.mp4".into(), "media/2.mp4".into(), "idents/3.mp4".into()]);
        made(
            &top,
            ["nas/x/4.mp4".into(), "nas/x/deep/5.mp4".into(), "disk/6.mp4".into(), "med/7.mp4".into()],
        );
        for (to, link) in [
            ("nas/x/4.mp4", "media/four.mp4"),
            ("nas/x/deep/5.mp4", "media/five.mp4"),
            ("disk", "media/disk"),
            ("med/7.mp4", "media/seven.mp4"),
            ("media/2.mp4", "media/again.mp4"),
            ("nowhere", "media/dead.mp4"),
        ] {
            symlink(top.join(to), top.join(link)).unwrap();
        }
        let linked =
            ["four.mp4", "five.mp4", "disk/6.mp4", "seven.mp4", "again.mp4", "dead.mp4", "never.mp4"];
        let assets = inside.into_iter().chain(linked.map(|name| top.join("media").join(name)));
        let named = ["media", "media/a", "media/../idents/3.mp4", "later"].map(|name| top.join(name));
        let list = asset_folders(named, assets);
        assert_eq!(names(&top, &list), ["/disk", "/idents/3.mp4", "/later", "/med", "/media", "/nas/x"]);
    }

    #[test]
    fn a_file_that_is_named_gives_no_other_file_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let files = made(&top, ["black.mp4".into(), "secret.mp4".into(), "media/a.mp4".into()]);
        let named = [files[0].clone(), top.join("media")];
        let list = asset_folders(named, [files[0].clone(), files[2].clone()]);
        assert_eq!(names(&top, &list), ["/black.mp4", "/media"]);
    }

    #[test]
    fn too_many_folders_are_joined_in_the_one_above_them() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let films = made(&top, (0..=MAX_FOLDERS).map(|n| format!("nas/films/{n}/film.mp4")));
        std::fs::create_dir(top.join("media")).unwrap();
        let links = films.iter().enumerate().map(|(n, film)| {
            let link = top.join(format!("media/{n}.mp4"));
            symlink(film, &link).unwrap();
            link
        });
        let list = asset_folders([top.join("media")], links.collect::<Vec<_>>());
        assert_eq!(names(&top, &list), ["/media", "/nas/films"]);
        let named = (0..=MAX_FOLDERS).map(|n| top.join(format!("m{n}")));
        assert_eq!(asset_folders(named, []), ["/"], "what the station names cannot be joined");
    }

    #[test]
    fn odd_paths_are_escaped() {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"/m/\xff a".to_vec()));
        assert_eq!(
            asset_folders([path, PathBuf::from("/n://x")], []),
            ["file:///m/%FF%20a", "file:///n%3A//x"]
        );
    }
}
