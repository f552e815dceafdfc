//! The importer of Plex libraries: `GET /library/sections`, then pages of each section's films or episodes.
//!
//! Written after Plex Media Server's API description (library, MediaContainer). The key is an account's token.

use super::importer::{Importer, Listing};
use super::nfo::rating;
use super::scan::IngestError;
use super::server::{
    LibraryItem, MOST_ITEMS, PAGE, Server, line, listing, number, picture_path, plot, title_of,
};
use crate::catalog::{Description, SourceRecord};
use serde_json::Value;

/// The numbers of Plex's types.
const MOVIE: u32 = 1;
const EPISODE: u32 = 4;

/// A Plex Media Server.
#[derive(Debug)]
pub(super) struct PlexImporter {
    source: SourceRecord,
    server: Server,
}

impl PlexImporter {
    pub(super) fn new(source: &SourceRecord) -> Result<PlexImporter, IngestError> {
        Ok(PlexImporter { source: source.clone(), server: Server::of(source)? })
    }

    fn section(&self, key: &str, kind: u32, items: &mut Vec<LibraryItem>) -> Result<(), IngestError> {
        let mut start = 0;
        while start < MOST_ITEMS {
            let page_headers =
                [("X-Plex-Container-Start", start.to_string()), ("X-Plex-Container-Size", PAGE.to_string())];
            let answer =
                self.server.get(&format!("/library/sections/{key}/all?type={kind}"), &page_headers)?;
            let container = &answer["MediaContainer"];
            if !container.is_object() {
                return Err(self
                    .server
                    .error("its answer has no MediaContainer; is it a Plex Media Server?"));
            }
            let page = container["Metadata"].as_array().map_or(&[][..], Vec::as_slice);
            items.extend(page.iter().filter_map(item));
            start += page.len();
            let total = container["totalSize"].as_u64().and_then(|n| usize::try_from(n).ok());
            if page.is_empty() || total.is_none_or(|total| start >= total) {
                break;
            }
        }
        Ok(())
    }
}

impl Importer for PlexImporter {
    fn list(&mut self) -> Result<Listing, IngestError> {
        let answer = self.server.get("/library/sections", &[])?;
        let container = &answer["MediaContainer"];
        if !container.is_object() {
            return Err(self.server.error("its answer has no MediaContainer; is it a Plex Media Server?"));
        }
        let mut items = Vec::new();
        for section in container["Directory"].as_array().into_iter().flatten() {
            let kind = match section["type"].as_str() {
                Some("movie") => MOVIE,
                Some("show") => EPISODE,
                _ => continue,
            };
            let Some(key) = section["key"].as_str().filter(|k| k.bytes().all(|b| b.is_ascii_alphanumeric()))
            else {
                continue;
            };
            self.section(key, kind, &mut items)?;
        }
        Ok(listing(&self.source, items))
    }
}

/// A film or an episode, by its first file.
fn item(value: &Value) -> Option<LibraryItem> {
    let path = value["Media"][0]["Part"][0]["file"].as_str()?.to_owned();
    let is_episode = value["type"] == "episode";
    let genres = value["Genre"].as_array().into_iter().flatten().filter_map(|genre| line(&genre["tag"]));
    let description = Description {
        title: line(&value["title"]).unwrap_or_else(|| title_of(&path)),
        series: line(&value["grandparentTitle"]).filter(|_| is_episode),
        season: number(&value["parentIndex"], 9999).filter(|_| is_episode),
        episode: number(&value["index"], 9999).filter(|_| is_episode),
        year: number(&value["year"], 2200),
        rating: line(&value["contentRating"]).and_then(|text| rating(&text.replace('/', ":"))),
        genres: genres.collect(),
        plot: plot(&value["summary"]),
    };
    // Its own picture, else its series'. The address changes with the picture.
    let thumb = |key: &str| value[key].as_str().map(str::to_owned).and_then(picture_path);
    let artwork = thumb("thumb").or_else(|| thumb("grandparentThumb"));
    Some(LibraryItem { path, is_episode, description, artwork })
}
