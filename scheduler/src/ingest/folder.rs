//! The importer of folders: walks them, and reads names.

use super::artwork::{Kind, Pictures, Standing};
use super::importer::{DescriptionMark, Importer, ListedFile, Listing};
use super::names::{
    is_season_folder, read_file_name, season_of_folder, slug, title_from_name, type_from_folders,
};
use super::scan::{BadFile, IngestError};
use super::walk::{FoundFile, Walk, beside, walk};
use crate::catalog::{AssetType, Description, FoundCollection};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A folder, or a part of one.
#[derive(Debug)]
pub(super) struct FolderImporter {
    /// The folder that collections are named from.
    pub(super) root: PathBuf,
    /// What is walked: the root, or what lies in it.
    pub(super) top: PathBuf,
    /// What all files are for, if that is fixed.
    pub(super) asset_type: Option<AssetType>,
}

impl Importer for FolderImporter {
    fn list(&mut self) -> Result<Listing, IngestError> {
        let mut found = walk(&self.top);
        let siblings = self.take_pictures_above_top(&mut found.pictures);
        let found = found;
        let above = self.sidecars_above_top();
        let media = found.files.iter().map(|file| file.path.as_path());
        let films = match found.pictures.is_empty() {
            true => HashSet::new(),
            false => film_folders(media.chain(siblings.iter().map(PathBuf::as_path))),
        };
        let mut listing = Listing::default();
        let mut collections = BTreeMap::new();
        for file in &found.files {
            match file.path.to_str().filter(|p| !p.contains(['\n', '\r'])) {
                Some(path) => {
                    listing.files.push(self.describe(file, path, &found, &films, &above, &mut collections));
                }
                None => {
                    let reason = "its name holds a line break or is not UTF-8; rename it".to_owned();
                    listing.refused.push(BadFile { path: file.path.clone(), reason });
                }
            }
        }
        listing.collections = collections.into_values().collect();
        listing.unreadable =
            found.unreadable.into_iter().map(|(path, reason)| BadFile { path, reason }).collect();
        listing.pictures = found.pictures;
        Ok(listing)
    }
}

impl FolderImporter {
    /// What path and name say of a file; `collections` gains those the file stands in.
    fn describe(
        &self,
        file: &FoundFile,
        path: &str,
        found: &Walk,
        films: &HashSet<&Path>,
        above: &BTreeMap<PathBuf, (u64, i64)>,
        collections: &mut BTreeMap<String, FoundCollection>,
    ) -> ListedFile {
        let root_name =
            self.root.file_name().map_or_else(|| "media".into(), |n| n.to_string_lossy().into_owned());
        let below = file.path.strip_prefix(&self.root).unwrap_or(&file.path);
        let folders: Vec<String> = below
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let named: &[String] = if folders.is_empty() { std::slice::from_ref(&root_name) } else { &folders };
        let mut dotted = String::new();
        let mut series = title_from_name(&named[0]);
        for folder in named {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(&slug(folder));
            let title = title_from_name(folder);
            if !is_season_folder(folder) {
                series.clone_from(&title);
            }
            let id = format!("col.{dotted}");
            collections.entry(id.clone()).or_insert_with(|| FoundCollection {
                id,
                title,
                programme: format!("p.{dotted}"),
                programme_title: series.clone(),
            });
        }
        let names: Vec<&str> =
            std::iter::once(root_name.as_str()).chain(folders.iter().map(String::as_str)).collect();
        let told = type_from_folders(names.into_iter());
        let asset_type = self.asset_type.or(told).unwrap_or(AssetType::Episode);
        let stem = file.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let name = read_file_name(&stem);
        let is_episode = asset_type == AssetType::Episode && !folders.is_empty();
        let collection = format!("col.{dotted}");
        let mut mark = DescriptionMark::new().text(path).text(&collection).text(asset_type.word());
        let sidecars = self.sidecars_of(&file.path, found, above);
        for (sidecar, (size, changed)) in &sidecars {
            mark = mark.text(&sidecar.to_string_lossy()).number(*size).number(changed.cast_unsigned());
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let kind = match asset_type {
            AssetType::Episode => {
                let of_folder = folders.last().and_then(|folder| season_of_folder(folder));
                let told = sidecars.first().map(|(sidecar, _)| sidecar.as_path());
                let told = told.filter(|s| s.file_name().is_some_and(|name| name == "tvshow.nfo"));
                let series = match (told.and_then(Path::parent).and_then(Path::to_str), of_folder) {
                    (Some(told), _) => told,
                    (None, Some(_)) => folder.rsplit_once('/').map_or(folder, |(above, _)| above),
                    (None, None) => folder,
                };
                Kind::Episode { series, season: name.season.or(of_folder) }
            }
            _ => Kind::Film { alone: films.contains(Path::new(folder)) },
        };
        let artwork = found.pictures.beside(&Standing { folder, stem: &stem, kind }).cloned();
        ListedFile {
            path: path.to_owned(),
            size: file.size,
            mtime_ns: file.mtime_ns,
            asset_slug: format!("asset.{dotted}.{}", slug(&stem)),
            collection,
            asset_type,
            type_is_guess: self.asset_type.is_none() && told.is_none(),
            description: Description {
                title: name.title,
                series: is_episode.then_some(series),
                season: name.season,
                episode: name.episode,
                year: name.year,
                ..Description::default()
            },
            artwork,
            sidecars: sidecars.into_iter().map(|(path, _)| path).collect(),
            description_mark: mark.value(),
        }
    }

    /// A file's sidecars: the nearest `tvshow.nfo` at or above it, then its own, or its folder's `movie.nfo`.
    fn sidecars_of(
        &self,
        path: &Path,
        found: &Walk,
        above: &BTreeMap<PathBuf, (u64, i64)>,
    ) -> Vec<(PathBuf, (u64, i64))> {
        if found.sidecars.is_empty() && above.is_empty() {
            return Vec::new();
        }
        let look = |path: PathBuf| {
            let stamp = found.sidecars.get(&path).or_else(|| above.get(&path)).copied();
            stamp.map(|stamp| (path, stamp))
        };
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let series = folders.map(|folder| folder.join("tvshow.nfo")).find_map(look);
        let own = look(path.with_extension("nfo")).or_else(|| look(path.with_file_name("movie.nfo")));
        series.into_iter().chain(own).collect()
    }

    /// Takes in the pictures in the folders above, which a walk of a part of the root does not meet; of a file that is
    /// walked by itself also those beside it. Returns the media beside that file.
    fn take_pictures_above_top(&self, pictures: &mut Pictures) -> Vec<PathBuf> {
        if self.top == self.root {
            return Vec::new();
        }
        pictures.of_part(&self.root, &self.top);
        let folders = self.top.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let mut media: Vec<Vec<PathBuf>> = folders.map(|folder| beside(folder, pictures)).collect();
        if self.top.is_file() && !media.is_empty() { media.swap_remove(0) } else { Vec::new() }
    }

    /// Sidecars that a walk of a part of the root does not meet.
    fn sidecars_above_top(&self) -> BTreeMap<PathBuf, (u64, i64)> {
        let folders = self.top.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let own = self
            .top
            .is_file()
            .then(|| [self.top.with_extension("nfo"), self.top.with_file_name("movie.nfo")]);
        folders
            .map(|folder| folder.join("tvshow.nfo"))
            .chain(own.into_iter().flatten())
            .filter_map(|path| {
                let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
                Some((path, (metadata.len(), super::walk::changed_ns(&metadata))))
            })
            .collect()
    }
}

/// The folders that hold one film: all media in them have its name, as `NAME-trailer` and `NAME.part2` do.
fn film_folders<'a>(media: impl Iterator<Item = &'a Path> + Clone) -> HashSet<&'a Path> {
    let parts = media.filter_map(|path| Some((path.parent()?, path.file_stem()?.to_str()?)));
    let mut shortest: HashMap<&Path, &str> = HashMap::new();
    for (folder, stem) in parts.clone() {
        let known = shortest.entry(folder).or_insert(stem);
        if stem.len() < known.len() {
            *known = stem;
        }
    }
    for (folder, stem) in parts {
        let belongs = |film: &&str| {
            stem.strip_prefix(*film).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        };
        if shortest.get(folder).is_some_and(|film| !belongs(film)) {
            shortest.remove(folder);
        }
    }
    shortest.into_keys().collect()
}
