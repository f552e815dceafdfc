//! Sidecars: the `.nfo` files that Kodi, Jellyfin and many tools write beside films, episodes and series.
//!
//! XML, and often not quite: several roots in a row, addresses of web pages before or behind, old encodings. What can
//! be read counts; the rest is passed over. Entities that a document defines are not expanded, and nothing is
//! fetched.

use crate::catalog::{AssetType, Description};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::path::Path;

/// Longest sidecar read; a series' with all its actors stays far below.
const MAX_BYTES: u64 = 1 << 20;

/// Most characters of a title or a name that are kept.
const MAX_TEXT: usize = 300;

/// Most characters of a plot that are kept: a guide shows less.
pub(super) const MAX_PLOT: usize = 1000;

/// Longest path (Linux, `PATH_MAX`).
const MAX_PATH: usize = 4096;

/// Most genres that are kept.
const MAX_GENRES: usize = 20;

/// What a sidecar says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Nfo {
    pub(crate) kind: Option<NfoKind>,
    pub(crate) title: Option<String>,
    pub(crate) series: Option<String>,
    pub(crate) season: Option<u32>,
    pub(crate) episode: Option<u32>,
    pub(crate) year: Option<u32>,
    pub(crate) rating: Option<String>,
    pub(crate) genres: Vec<String>,
    pub(crate) plot: Option<String>,
    /// The first picture it names, as written: a file, as far as that can be told.
    pub(crate) artwork: Option<String>,
}

/// What a sidecar is about: the name of its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NfoKind {
    /// `movie`
    Movie,
    /// `episodedetails`
    Episode,
    /// `tvshow`
    Series,
}

impl Nfo {
    /// What its file is for, where it says.
    pub(crate) fn asset_type(&self) -> Option<AssetType> {
        match self.kind? {
            NfoKind::Movie => Some(AssetType::Movie),
            NfoKind::Episode => Some(AssetType::Episode),
            NfoKind::Series => None,
        }
    }

    /// Puts what it says in the place of what names tell. A series' sidecar does not name its episodes.
    pub(crate) fn apply(self, to: &mut Description) {
        if !self.genres.is_empty() {
            to.genres = self.genres;
        }
        to.rating = self.rating.or(to.rating.take());
        if self.kind == Some(NfoKind::Series) {
            to.series = self.title.or(to.series.take());
            return;
        }
        to.series = self.series.or(to.series.take());
        if let Some(title) = self.title {
            to.title = title;
        }
        if self.season.is_some() && self.episode.is_some() {
            (to.season, to.episode) = (self.season, self.episode);
        }
        to.year = self.year.or(to.year);
        to.plot = self.plot.or(to.plot.take());
    }
}

/// Reads a sidecar; `None` where it is none.
pub(super) fn read_nfo(path: &Path) -> std::io::Result<Option<Nfo>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(parse_nfo(&bytes))
}

/// Reads the bytes of a sidecar; `None` where there is no film, episode or series in them.
pub(crate) fn parse_nfo(bytes: &[u8]) -> Option<Nfo> {
    let text = decode(bytes);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut nfo = Nfo::default();
    // Elements that are open, from the root on; only their names near the root are of use.
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut is_picture = false;
    // Whatever is wrong further on, what was read before stands.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_ascii_lowercase();
                if open.is_empty() && nfo.kind.is_none() {
                    nfo.kind = kind_of(&name);
                }
                if name == "thumb" {
                    is_picture = shows_it(&start);
                }
                open.push(name);
                value.clear();
            }
            Event::Text(text) => value.push_str(&text),
            Event::CData(data) => value.push_str(&data),
            Event::GeneralRef(reference) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    value.push(c);
                } else {
                    value.push(match reference.as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => ' ',
                    });
                }
            }
            Event::End(_) => {
                let name = open.pop();
                if let ([_root], Some(name), Some(kind)) = (open.as_slice(), name, nfo.kind) {
                    match name.as_str() {
                        "thumb" if is_picture => nfo.artwork = nfo.artwork.take().or_else(|| picture(&value)),
                        name => take(&mut nfo, kind, name, &value),
                    }
                }
                value.clear();
                // A file of several episodes is known by its first.
                if open.is_empty() && nfo.kind.is_some() {
                    break;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    nfo.kind.map(|_| nfo)
}

/// Whether a `thumb` is a picture of the thing as a whole: not a banner, a logo or a background.
fn shows_it(thumb: &BytesStart<'_>) -> bool {
    match thumb.try_get_attribute("aspect") {
        Ok(Some(aspect)) => matches!(&*aspect.value, "poster" | "thumb" | "landscape" | ""),
        _ => true,
    }
}

/// The name of a file. Addresses are not fetched, so they name nothing.
fn picture(value: &str) -> Option<String> {
    let name = value.trim();
    let is_file = !name.is_empty() && name.len() <= MAX_PATH && !name.contains("://");
    (is_file && !name.contains(char::is_control)).then(|| name.to_owned())
}

fn kind_of(root: &str) -> Option<NfoKind> {
    match root {
        "movie" => Some(NfoKind::Movie),
        "episodedetails" => Some(NfoKind::Episode),
        "tvshow" => Some(NfoKind::Series),
        _ => None,
    }
}

fn take(nfo: &mut Nfo, kind: NfoKind, name: &str, value: &str) {
    let text = tidy(value, MAX_TEXT);
    if text.is_empty() {
        return;
    }
    match name {
        "title" => nfo.title = nfo.title.take().or(Some(text)),
        "showtitle" if kind == NfoKind::Episode => nfo.series = Some(text),
        "season" if kind == NfoKind::Episode => nfo.season = number(&text, 9999),
        "episode" if kind == NfoKind::Episode => nfo.episode = number(&text, 9999),
        "year" => nfo.year = year(&text).or(nfo.year),
        "premiered" | "aired" | "releasedate" => nfo.year = nfo.year.or_else(|| year(&text)),
        // The longer of the two, where there are both.
        "plot" => nfo.plot = Some(tidy(value, MAX_PLOT)),
        "outline" => nfo.plot = nfo.plot.take().or_else(|| Some(tidy(value, MAX_PLOT))),
        "mpaa" => nfo.rating = rating(&text),
        "genre" => {
            for genre in text.split(" / ").map(str::trim).filter(|g| !g.is_empty()) {
                if nfo.genres.len() < MAX_GENRES && !nfo.genres.iter().any(|g| g == genre) {
                    nfo.genres.push(genre.to_owned());
                    nfo.genres.sort();
                }
            }
        }
        _ => {}
    }
}

/// One line of bounded length without control characters.
pub(super) fn tidy(value: &str, most: usize) -> String {
    let spaced: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(most).collect();
    short.trim_end().to_owned()
}

fn number(text: &str, most: u32) -> Option<u32> {
    text.parse().ok().filter(|n| *n <= most)
}

/// The year of `1989` or `1989-10-12`.
fn year(text: &str) -> Option<u32> {
    let digits = text.split('-').next()?;
    number(digits, 2200).filter(|year| *year >= 1880)
}

/// `PG-13` out of `Rated PG-13 for violence`, `US:PG-13` or `US:PG-13 / DE:12`.
pub(super) fn rating(text: &str) -> Option<String> {
    let first = text.split(" / ").next().unwrap_or(text).trim();
    let country =
        first.split_once(':').filter(|(c, _)| c.chars().all(|c| c.is_ascii_alphabetic() || c == ' '));
    let bare = country.map_or(first, |(_, rest)| rest.trim());
    let unrated = bare.get(..6).filter(|w| w.eq_ignore_ascii_case("rated ")).map(|_| &bare[6..]);
    let word = unrated.map_or(bare, |rest| rest.split_whitespace().next().unwrap_or(rest)).trim();
    (!word.is_empty()).then(|| word.to_owned())
}

/// The text of a sidecar: UTF-8 or UTF-16 with a mark, else UTF-8 where it is that, else Latin-1.
fn decode(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], pair: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|p| pair([p[0], p[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPISODE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!-- written by a tool -->
<episodedetails>
  <title>Tom &amp; Jerry&#39;s Night</title><showtitle>The Show</showtitle>
  <ratings><rating name="imdb"><value>7.1</value></rating></ratings>
  <outline>Short.</outline><plot>A cat &amp;
   a mouse.</plot>
  <season>2</season><episode>7</episode><aired>1989-10-12</aired><mpaa>US:TV-14</mpaa>
  <genre>Comedy / Family</genre><genre>Animation</genre>
  <actor><name>Somebody</name><title>not this one</title></actor>
</episodedetails>
<episodedetails><title>The second of two</title><season>2</season><episode>8</episode></episodedetails>
https://www.example.org/title/1"#;

    #[test]
    fn episodes_films_and_series_are_read() {
        let episode = parse_nfo(EPISODE.as_bytes()).unwrap();
        let expect = Nfo {
            kind: Some(NfoKind::Episode),
            title: Some("Tom & Jerry's Night".into()),
            series: Some("The Show".into()),
            season: Some(2),
            episode: Some(7),
            year: Some(1989),
            rating: Some("TV-14".into()),
            genres: ["Animation", "Comedy", "Family"].map(str::to_owned).to_vec(),
            plot: Some("A cat & a mouse.".into()),
            artwork: None,
        };
        assert_eq!(episode, expect);
        let mut told = Description { title: "S02E07".into(), year: Some(1990), ..Description::default() };
        episode.apply(&mut told);
        assert_eq!(
            (told.title.as_str(), told.season, told.year, told.plot.as_deref()),
            ("Tom & Jerry's Night", Some(2), Some(1989), Some("A cat & a mouse."))
        );

        let film = parse_nfo("<movie><title><![CDATA[Älien]]></title><year>1979</year><mpaa>Rated R for terror</mpaa><premiered>1980-01-01</premiered></movie>".as_bytes()).unwrap();
        assert_eq!(
            (film.title.as_deref(), film.year, film.rating.as_deref()),
            (Some("Älien"), Some(1979), Some("R"))
        );
        assert_eq!(film.asset_type(), Some(AssetType::Movie));

        let series =
            parse_nfo(b"<tvshow><title>The Show</title><genre>Western</genre><season>-1</season></tvshow>")
                .unwrap();
        let mut told = Description { title: "Pilot".into(), season: Some(1), ..Description::default() };
        series.apply(&mut told);
        assert_eq!(
            (told.title.as_str(), told.series.as_deref(), told.season),
            ("Pilot", Some("The Show"), Some(1))
        );
        assert_eq!(told.genres, ["Western"]);
    }

    #[test]
    fn of_pictures_only_files_that_show_the_thing_are_named() {
        for (elements, expect) in [
            ("<thumb>pie.jpg</thumb>", Some("pie.jpg")),
            (
                "<thumb aspect=\"poster\" preview=\"\"> art/pie &amp; tea.png\n</thumb>",
                Some("art/pie & tea.png"),
            ),
            (
                "<thumb aspect=\"banner\">b.jpg</thumb><thumb>https://x.org/a.jpg</thumb><thumb>c.jpg</thumb>",
                Some("c.jpg"),
            ),
            ("<thumb>first.jpg</thumb><thumb>second.jpg</thumb>", Some("first.jpg")),
            ("<actor><thumb>face.jpg</thumb></actor><fanart><thumb>f.jpg</thumb></fanart>", None),
            ("<thumb>image://video@x/</thumb><thumb/><thumb></thumb>", None),
        ] {
            let nfo = parse_nfo(format!("<movie>{elements}</movie>").as_bytes()).unwrap();
            assert_eq!(nfo.artwork.as_deref(), expect, "{elements}");
        }
    }

    #[test]
    fn old_encodings_and_damage_do_little_harm() {
        let latin = b"<movie><title>K\xF6ln</title></movie>";
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("<movie><title>K\u{f6}ln</title></movie>".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for bytes in [&latin[..], &utf16] {
            assert_eq!(parse_nfo(bytes).unwrap().title.as_deref(), Some("Köln"));
        }
        let cut = parse_nfo(b"<movie><title>Whole</title><plot>cut of").unwrap();
        assert_eq!(cut.title.as_deref(), Some("Whole"));
        for nothing in ["", "https://www.example.org/1", "<html><title>x</title></html>", "<artist/>"] {
            assert_eq!(parse_nfo(nothing.as_bytes()), None, "{nothing:?}");
        }
        let bomb =
            "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><movie><title>x&b;y</title></movie>";
        assert_eq!(parse_nfo(bomb.as_bytes()).unwrap().title.as_deref(), Some("x y"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            crate::noise::sidecar(&bytes);
        }

        #[test]
        fn near_sidecars_are_read_within_bounds(text in "(<(movie|episodedetails|tvshow|title|season|year|mpaa|genre)>|</(movie|title|year|mpaa)>|[a-zé:/&;#0-9 -]{0,6}){0,24}") {
            crate::noise::sidecar(text.as_bytes());
        }
    }
}
