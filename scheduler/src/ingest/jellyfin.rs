//! The importer of Jellyfin libraries: `GET /Items`, pages of films and episodes with their paths.
//!
//! Written after Jellyfin's API description (ItemsController, BaseItemDto). The key is an API key of the server's
//! dashboard.

use super::importer::{Importer, Listing};
use super::nfo::rating;
use super::scan::IngestError;
use super::server::{
    LibraryItem, MOST_ITEMS, PAGE, Server, line, listing, number, picture_path, plot, title_of,
};
use crate::catalog::{Description, SourceRecord};
use serde_json::Value;

/// Width that pictures are asked for in, in pixels: what a guide shows at most.
const PICTURE_WIDTH: u32 = 800;

/// A Jellyfin server.
#[derive(Debug)]
pub(super) struct JellyfinImporter {
    source: SourceRecord,
    server: Server,
}

impl JellyfinImporter {
    pub(super) fn new(source: &SourceRecord) -> Result<JellyfinImporter, IngestError> {
        Ok(JellyfinImporter { source: source.clone(), server: Server::of(source)? })
    }
}

impl Importer for JellyfinImporter {
    fn list(&mut self) -> Result<Listing, IngestError> {
        let mut items = Vec::new();
        let mut start = 0;
        while start < MOST_ITEMS {
            let path = format!(
                "/Items?Recursive=true&IncludeItemTypes=Movie,Episode,Video&Fields=Path,Genres,Overview&EnableImageTypes=Primary\
                 &ImageTypeLimit=1&EnableUserData=false&SortBy=SortName&StartIndex={start}&Limit={PAGE}"
            );
            let answer = self.server.get(&path, &[])?;
            let Some(page) = answer["Items"].as_array() else {
                return Err(self.server.error("its answer has no Items; is it a Jellyfin server?"));
            };
            items.extend(page.iter().filter_map(item));
            start += page.len();
            let total = answer["TotalRecordCount"].as_u64().and_then(|n| usize::try_from(n).ok());
            if page.is_empty() || total.is_none_or(|total| start >= total) {
                break;
            }
        }
        Ok(listing(&self.source, items))
    }
}

/// A film or an episode that has a file; an episode that is only known to exist has none.
fn item(value: &Value) -> Option<LibraryItem> {
    let path = value["Path"].as_str()?.to_owned();
    let is_episode = value["Type"] == "Episode";
    let genres = value["Genres"].as_array().into_iter().flatten().filter_map(line);
    let description = Description {
        title: line(&value["Name"]).unwrap_or_else(|| title_of(&path)),
        series: line(&value["SeriesName"]).filter(|_| is_episode),
        season: number(&value["ParentIndexNumber"], 9999).filter(|_| is_episode),
        episode: number(&value["IndexNumber"], 9999).filter(|_| is_episode),
        year: number(&value["ProductionYear"], 2200),
        rating: line(&value["OfficialRating"]).and_then(|text| rating(&text)),
        genres: genres.collect(),
        plot: plot(&value["Overview"]),
    };
    Some(LibraryItem { path, is_episode, description, artwork: artwork(value) })
}

/// Its own picture, else its series'. The tag changes with the picture.
fn artwork(value: &Value) -> Option<String> {
    let primary = |id: &Value, tag: &Value| {
        let (id, tag) = (id.as_str()?, tag.as_str()?);
        picture_path(format!("/Items/{id}/Images/Primary?maxWidth={PICTURE_WIDTH}&tag={tag}"))
    };
    primary(&value["Id"], &value["ImageTags"]["Primary"])
        .or_else(|| primary(&value["SeriesId"], &value["SeriesPrimaryImageTag"]))
}
