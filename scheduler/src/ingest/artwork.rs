//! Artwork: which of the pictures in a folder is whose, by the names that Kodi, Jellyfin and Plex users give them.
//!
//! Works on what a walk has listed: no picture is opened, and no file is asked for by itself. Names are compared without
//! regard to case. What a sidecar names goes first, then what is told by names; see docs/library.md.

use super::importer::DescriptionMark;
use super::walk::{MAX_FILES, changed_ns};
use crate::catalog::{FoundPicture, LARGEST_PICTURE, PictureType};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// Endings of a file's own pictures, the preferred first.
const OWN: [&str; 3] = ["-poster", "-thumb", ""];

/// Names of the picture of a film that is alone in its folder.
const OF_FILM: [&str; 4] = ["poster", "folder", "cover", "movie"];

/// Names of the picture of a series or a season in its folder.
const OF_SERIES: [&str; 3] = ["poster", "folder", "cover"];

/// The pictures of a source.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// By folder, then by name without extension in lower case: the preferred extension first.
    folders: HashMap<String, HashMap<String, Vec<FoundPicture>>>,
    count: usize,
    /// The folder of the source and the part of it that was listed, where that is not all of it.
    part: Option<(PathBuf, PathBuf)>,
}

/// Where a media file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing<'a> {
    /// Its folder.
    pub(super) folder: &'a str,
    /// Its name without extension.
    pub(super) stem: &'a str,
    /// What it is one of.
    pub(super) kind: Kind<'a>,
}

/// What a file is one of, as far as artwork goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// An episode of the series that has this folder.
    Episode {
        /// The series' folder.
        series: &'a str,
        /// Its season; 0 for specials.
        season: Option<u32>,
    },
    /// Something else: with a folder of its own, or not.
    Film {
        /// Whether nothing else is in its folder.
        alone: bool,
    },
}

impl Pictures {
    /// Takes in a file, if it is a picture that can be served.
    pub(super) fn take(&mut self, path: &Path, size: u64, mtime_ns: i64) {
        let Some(picture) = found(path, size, mtime_ns).filter(|_| self.count < MAX_FILES) else { return };
        let (Some((folder, _)), Some(stem)) =
            (picture.path.rsplit_once('/'), path.file_stem().and_then(|stem| stem.to_str()))
        else {
            return;
        };
        let of_folder = match self.folders.get_mut(folder) {
            Some(known) => known,
            None => self.folders.entry(folder.to_owned()).or_default(),
        };
        let alike = of_folder.entry(stem.to_lowercase()).or_default();
        alike.push(picture);
        alike.sort_by(|a, b| (rank(&a.path), &a.path).cmp(&(rank(&b.path), &b.path)));
        self.count += 1;
    }

    /// Says that only `top` was listed of `root`.
    pub(super) fn of_part(&mut self, root: &Path, top: &Path) {
        self.part = Some((root.to_owned(), top.to_owned()));
    }

    /// True when there are none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// The picture of a file: the one its sidecar names, if that is there, else the one found beside it.
    pub(super) fn choose(&self, named: Option<&str>, beside: Option<&FoundPicture>) -> Option<FoundPicture> {
        named.and_then(|path| self.at(path)).or_else(|| beside.cloned())
    }

    /// The picture that names give a file: its own, else its season's, else its series'; or its folder's, where it has
    /// that to itself.
    pub(super) fn beside(&self, file: &Standing<'_>) -> Option<&FoundPicture> {
        if self.is_empty() {
            return None;
        }
        self.own(file).or_else(|| match file.kind {
            Kind::Film { alone } => alone.then(|| self.any(file.folder, &OF_FILM)).flatten(),
            Kind::Episode { series, season } => {
                let in_season_folder = (series != file.folder).then(|| self.any(file.folder, &OF_SERIES));
                in_season_folder
                    .flatten()
                    .or_else(|| self.of_season(series, season?))
                    .or_else(|| self.any(series, &OF_SERIES))
            }
        })
    }

    fn own(&self, file: &Standing<'_>) -> Option<&FoundPicture> {
        let names = self.folders.get(file.folder)?;
        let mut name = file.stem.to_lowercase();
        let length = name.len();
        OWN.iter().find_map(|ending| {
            name.truncate(length);
            name.push_str(ending);
            names.get(&name)?.first()
        })
    }

    fn of_season(&self, series: &str, season: u32) -> Option<&FoundPicture> {
        let names = self.folders.get(series)?;
        let specials = (season == 0).then(|| names.get("season-specials-poster")).flatten();
        specials.or_else(|| names.get(&format!("season{season:02}-poster")))?.first()
    }

    fn any(&self, folder: &str, stems: &[&str]) -> Option<&FoundPicture> {
        let names = self.folders.get(folder)?;
        stems.iter().find_map(|stem| names.get(*stem)?.first())
    }

    /// The picture at a path, if it was listed. What lies in a part of the source that was not listed is asked for.
    fn at(&self, path: &str) -> Option<FoundPicture> {
        let (folder, _) = path.rsplit_once('/')?;
        let stem = Path::new(path).file_stem()?.to_str()?.to_lowercase();
        let alike = self.folders.get(folder).and_then(|names| names.get(&stem));
        if let Some(listed) = alike.and_then(|alike| alike.iter().find(|picture| picture.path == path)) {
            return Some(listed.clone());
        }
        let path = Path::new(path);
        let (root, top) = self.part.as_ref()?;
        if !path.starts_with(root) || path.starts_with(top) {
            return None;
        }
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        found(path, metadata.len(), changed_ns(&metadata))
    }
}

/// The picture that a sidecar names, as a path; nothing where that is no file of this machine or no picture.
pub(super) fn named_picture(sidecar: &Path, text: &str) -> Option<String> {
    if text.contains("://") {
        return None;
    }
    let mut path = PathBuf::new();
    for part in sidecar.parent()?.join(text).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    PictureType::of(&path)?;
    path.into_os_string().into_string().ok()
}

fn found(path: &Path, size: u64, mtime_ns: i64) -> Option<FoundPicture> {
    PictureType::of(path)?;
    let path = path.to_str().filter(|_| (1..=LARGEST_PICTURE).contains(&size))?.to_owned();
    let mark = DescriptionMark::new().text(&path).number(size).number(mtime_ns.cast_unsigned()).value();
    Some(FoundPicture { path, mark })
}

fn rank(path: &str) -> usize {
    let is_it = |(known, _): &(&str, PictureType)| {
        path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(known))
    };
    PictureType::EXTENSIONS.iter().position(is_it).unwrap_or(PictureType::EXTENSIONS.len())
}
