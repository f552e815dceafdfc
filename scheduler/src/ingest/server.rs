//! What the importers of servers share: asking over HTTP, and turning what a library lists into files of this machine.
//!
//! A scan asks the server only for words. AIR plays files, so every path it names must lead to a file here, if need be by
//! the source's map of folders. Pictures are fetched when a viewer asks for one: by the station, so that the key stays
//! with it.

use super::importer::{DescriptionMark, ListedFile, Listing};
use super::names::{slug, title_from_name};
use super::nfo::{MAX_PLOT, tidy};
use super::scan::{BadFile, IngestError};
use super::walk::changed_ns;
use crate::catalog::{
    AssetType, Description, FoundCollection, FoundPicture, ImporterKind, LARGEST_PICTURE, PictureType,
    SourceRecord,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Longest a request may take, answer and all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest that fetching a picture takes: whoever asked for it gives up not much later.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest path of a picture.
const MAX_PICTURE_PATH: usize = 1024;

/// Longest answer read: a page of items stays far below.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Items asked for at a time.
pub(super) const PAGE: usize = 500;

/// Most items taken from a server.
pub(super) const MOST_ITEMS: usize = 1_000_000;

/// Most files that are not here told one by one.
const MOST_TOLD: usize = 20;

/// A server that is asked.
#[derive(Debug)]
pub(super) struct Server {
    root: String,
    agent: ureq::Agent,
    headers: Vec<(&'static str, String)>,
}

/// A picture as a server gave it.
#[derive(Debug)]
pub(crate) struct ServerPicture {
    pub(crate) picture: PictureType,
    pub(crate) bytes: Vec<u8>,
}

/// Why a server gave no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureFailure {
    /// It does not answer.
    #[error(transparent)]
    Silent(IngestError),
    /// It answers otherwise, or there is no key to ask it with.
    #[error(transparent)]
    Refused(#[from] IngestError),
}

/// What a library says of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LibraryItem {
    /// The file's path as the server names it.
    pub(super) path: String,
    pub(super) is_episode: bool,
    pub(super) description: Description,
    /// The path of its picture at the server, with its query.
    pub(super) artwork: Option<String>,
}

impl Server {
    /// The server of a source, with its key.
    pub(super) fn of(source: &SourceRecord) -> Result<Server, IngestError> {
        let key = key_of(source)?;
        let header = match source.importer {
            ImporterKind::Plex => ("X-Plex-Token", key),
            _ => ("Authorization", format!("MediaBrowser Token=\"{key}\"")),
        };
        // Whoever it would send us on to is not to have the key.
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        let root = source.root.trim_end_matches('/').to_owned();
        Ok(Server { root, agent: config.into(), headers: vec![header] })
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> IngestError {
        IngestError::Server { root: self.root.clone(), reason: reason.into() }
    }

    /// Asks for JSON at a path of the server.
    pub(super) fn get(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<serde_json::Value, IngestError> {
        let mut request = self.agent.get(format!("{}{path}", self.root)).header("Accept", "application/json");
        for (name, value) in self.headers.iter().chain(headers) {
            request = request.header(*name, value);
        }
        let mut answer = request.call().map_err(|error| {
            self.error(format!("{error}; see whether the server runs, and whether the address is right"))
        })?;
        match answer.status().as_u16() {
            200 => {}
            401 | 403 => {
                return Err(self.error("it does not accept the key; make one on the server and name it anew"));
            }
            404 => {
                return Err(
                    self.error(format!("it knows no {path}; is the address that of the right server?"))
                );
            }
            300..=399 if answer.headers().contains_key("location") => {
                let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("?");
                let help = "where that is the server, make it the source's address";
                return Err(self.error(format!("it sends elsewhere, to {to}; {help}")));
            }
            code => return Err(self.error(format!("it answers with status {code}; see the server's log"))),
        }
        let bytes = answer
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|error| self.error(format!("its answer broke off: {error}")))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            self.error(format!(
                "its answer is not understood ({error}); is the address that of the right server?"
            ))
        })
    }
}

/// Fetches a picture of a source's server, by the path that a scan was told.
///
/// # Errors
/// No key, a server that does not answer in time, an answer that is no picture or too large.
pub(crate) fn fetch_picture(source: &SourceRecord, path: &str) -> Result<ServerPicture, PictureFailure> {
    let server = Server::of(source)?;
    let request = server.agent.get(format!("{}{path}", server.root)).header("Accept", "image/jpeg,image/png");
    let (name, key) = &server.headers[0];
    let answered = request.header(*name, key).config().timeout_global(Some(PICTURE_TIMEOUT)).build().call();
    let mut answer = answered.map_err(|error| PictureFailure::Silent(server.error(error.to_string())))?;
    if answer.status().as_u16() != 200 {
        let status = answer.status().as_u16();
        return Err(server.error(format!("it answers with status {status} for a picture")).into());
    }
    let body = answer.body_mut().with_config().limit(LARGEST_PICTURE).read_to_vec();
    let bytes =
        body.map_err(|error| server.error(format!("its picture broke off or is too large: {error}")))?;
    match PictureType::of_beginning(&bytes) {
        Some(picture) => Ok(ServerPicture { picture, bytes }),
        None => Err(server.error("what it gives for a picture is none").into()),
    }
}

/// The path of a picture at a server, if it is one: what is put behind the server's address must stay there.
pub(super) fn picture_path(path: String) -> Option<String> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-?=&:,%+".contains(&byte);
    (path.starts_with('/') && path.len() <= MAX_PICTURE_PATH && path.bytes().all(harmless)).then_some(path)
}

/// The key of a source: from the environment or a file, never from the catalog.
pub(super) fn key_of(source: &SourceRecord) -> Result<String, IngestError> {
    let error = |reason: String| IngestError::Server { root: source.root.clone(), reason };
    let Some(credential) = &source.credential else {
        return Err(error("no key is named for it; add it again with --key-env or --key-file".into()));
    };
    let text = match credential.split_once(':') {
        Some(("env", name)) => std::env::var(name)
            .map_err(|_| error(format!("its key is not in the environment; set {name}")))?,
        Some(("file", path)) => std::fs::read_to_string(path)
            .map_err(|e| error(format!("its key cannot be read from {path}: {e}")))?,
        _ => return Err(error(format!("\"{credential}\" names no place of a key; add the source again"))),
    };
    let key = text.trim();
    if key.is_empty() || key.chars().any(|c| c.is_control() || c == '"') {
        return Err(error(format!("what {credential} holds is no key")));
    }
    Ok(key.to_owned())
}

/// The files of this machine that a library's items are.
pub(super) fn listing(source: &SourceRecord, items: Vec<LibraryItem>) -> Listing {
    let name = source.name.as_deref().unwrap_or(source.importer.word());
    let base = slug(name);
    let mut listing = Listing::default();
    let mut collections = BTreeMap::new();
    let mut add = |dotted: &str, title: &str, programme_title: &str| {
        let id = format!("col.{dotted}");
        collections.entry(id.clone()).or_insert_with(|| FoundCollection {
            id,
            title: title.to_owned(),
            programme: format!("p.{dotted}"),
            programme_title: programme_title.to_owned(),
        });
    };
    let mut absent = Vec::new();
    for item in items {
        let path = here(source, &item.path);
        let stamp = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file);
        let Some(metadata) = stamp.filter(|_| !path.contains(['\n', '\r']) && Path::new(&path).is_absolute())
        else {
            absent.push(path);
            continue;
        };
        let told = item.description;
        let asset_type = source.asset_type.unwrap_or(match item.is_episode {
            true => AssetType::Episode,
            false => AssetType::Movie,
        });
        add(&base, name, name);
        let (dotted, own) = match (&told.series, item.is_episode) {
            (Some(series), true) => {
                let of_series = format!("{base}.{}", slug(series));
                add(&of_series, series, series);
                match told.season {
                    Some(season) => {
                        let of_season = format!("{of_series}.season_{season}");
                        add(&of_season, &format!("Season {season}"), series);
                        let episode =
                            told.episode.map_or_else(String::new, |e| format!("s{season:02}e{e:02}_"));
                        (of_season, format!("{episode}{}", slug(&told.title)))
                    }
                    None => (of_series, slug(&told.title)),
                }
            }
            _ => {
                let of_films = format!("{base}.movies");
                add(&of_films, "Movies", "Movies");
                let year = told.year.map_or_else(String::new, |year| format!("_{year}"));
                (of_films, format!("{}{year}", slug(&told.title)))
            }
        };
        let collection = format!("col.{dotted}");
        let mut mark =
            DescriptionMark::new().text(&path).text(&collection).text(asset_type.word()).text(&told.title);
        for text in told.series.iter().chain(&told.rating).chain(&told.plot).chain(&told.genres) {
            mark = mark.text(text);
        }
        for number in [told.season, told.episode, told.year] {
            mark = mark.number(number.map_or(u64::MAX, u64::from));
        }
        listing.files.push(ListedFile {
            size: metadata.len(),
            mtime_ns: changed_ns(&metadata),
            path,
            collection,
            asset_slug: format!("asset.{dotted}.{own}"),
            asset_type,
            type_is_guess: false,
            description: told,
            sidecars: Vec::new(),
            artwork: item.artwork.map(|path| {
                let path = format!("{}{path}", source.root.trim_end_matches('/'));
                FoundPicture { mark: DescriptionMark::new().text(&path).value(), path }
            }),
            description_mark: mark.value(),
        });
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.files.dedup_by(|a, b| a.path == b.path);
    listing.collections = collections.into_values().collect();
    listing.not_here = told_absent(source, absent);
    listing
}

/// Where a server's path is on this machine: the longest beginning that is mapped decides.
fn here(source: &SourceRecord, path: &str) -> String {
    let below = |beginning: &str| {
        let beginning = beginning.trim_end_matches(['/', '\\']);
        path.strip_prefix(beginning).filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
    };
    let longest = source
        .path_map
        .iter()
        .filter_map(|map| Some((below(&map.server)?, map)))
        .min_by_key(|(rest, _)| rest.len());
    match longest {
        // A server on Windows has the other strokes.
        Some((rest, map)) => format!("{}{}", map.here.trim_end_matches('/'), rest.replace('\\', "/")),
        None => path.to_owned(),
    }
}

fn told_absent(source: &SourceRecord, absent: Vec<String>) -> Vec<BadFile> {
    let count = absent.len();
    let mut told: Vec<BadFile> = absent
        .into_iter()
        .take(MOST_TOLD)
        .map(|path| BadFile {
            path: path.into(),
            reason: "the server lists it, and it is no file here; mount it, or say with --map where it is"
                .into(),
        })
        .collect();
    if count > MOST_TOLD {
        let reason = format!("{} more files that it lists are not here", count - MOST_TOLD);
        told.push(BadFile { path: source.root.clone().into(), reason });
    }
    told
}

/// One line of bounded length, as a title may be stored; `None` where nothing is left of it.
pub(super) fn line(value: &serde_json::Value) -> Option<String> {
    let text = value.as_str()?;
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line: String = title_words(&spaced).chars().take(300).collect();
    (!line.is_empty()).then_some(line)
}

/// What something is about, on one line of bounded length.
pub(super) fn plot(value: &serde_json::Value) -> Option<String> {
    let line = tidy(value.as_str()?, MAX_PLOT);
    (!line.is_empty()).then_some(line)
}

fn title_words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number within bounds.
pub(super) fn number(value: &serde_json::Value, most: u32) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= most)
}

/// A title out of a path, where a server has none.
pub(super) fn title_of(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    title_from_name(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}
