//! The list of everything the sample station has to show, and how each item is put together.
//!
//! Folders are collections: a series each, `adverts`, `bumpers`, `filler`, `movies`. Lengths are whole
//! even seconds at chapter marks, so that with a key frame every two seconds each mark is one.

use crate::palette::{CREAM, MUSTARD};
use crate::reel::{Part, Reel, Scene};
use crate::scenes::advert::{Hook, PackShot};
use crate::scenes::card::{Card, Ornament, Style};
use crate::scenes::clockmakers::Clockmakers;
use crate::scenes::cosmic_diner::CosmicDiner;
use crate::scenes::desert_express::DesertExpress;
use crate::scenes::harbour_patrol::HarbourPatrol;
use crate::scenes::ident::{BUMPERS, Bumper, IDENTS, Ident};
use crate::scenes::paper_moon::{OLD_HEIGHT, OLD_WIDTH, PaperMoon, SilentCard};
use crate::scenes::products::{PRODUCTS, Product};
use crate::scenes::test_card::TestCard;
use crate::scenes::{HEIGHT, WIDTH};
use crate::score::Tune;
use retrovue_timebase::FrameRate;

/// How long the pieces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As they are meant.
    Full,
    /// Every item with all of its parts, each cut to a tenth: for trying things out.
    Quick,
}

/// One file of the sample station.
pub struct Item {
    /// Path below the media folder, with `/` between its parts.
    pub path: String,
    kind: Kind,
    length: Length,
}

/// What an item is made of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Episode { series: usize, episode: usize },
    Express,
    PaperMoon,
    Advert(usize),
    Ident(usize),
    Bumper(usize),
    TestCard,
}

/// A series: its folder, title, look, sound and episodes.
struct Series {
    slug: &'static str,
    title: &'static str,
    style: Style,
    episodes: [(&'static str, i64); 4],
}

/// The series. An episode is a name and its length in seconds: 4 of titles, two acts, 4 of end card. With an
/// advertisement and a bumper an episode fills a minute.
static SERIES: [Series; 3] = [
    Series {
        slug: "cosmic-diner",
        title: "Cosmic Diner",
        style: Style {
            ground: 0x241250,
            rays: 0x3B1D70,
            title: 0xFF8FB1,
            shadow: 0x120830,
            ornament: Ornament::Stars,
        },
        episodes: [
            ("The Moon Shake", 40),
            ("Zero-G Pancakes", 43),
            ("A Table for Saturn", 41),
            ("Last Orders at Andromeda", 45),
        ],
    },
    Series {
        slug: "harbour-patrol",
        title: "Harbour Patrol",
        style: Style {
            ground: 0x14586B,
            rays: 0x1F7486,
            title: MUSTARD,
            shadow: 0x0A2C3A,
            ornament: Ornament::Waves,
        },
        episodes: [
            ("The Missing Buoy", 41),
            ("Fog over Pier Nine", 45),
            ("Gulls at Dawn", 40),
            ("The Keeper's Lamp", 43),
        ],
    },
    Series {
        slug: "the-clockmakers",
        title: "The Clockmakers",
        style: Style {
            ground: 0x5E2E22,
            rays: 0x7A3F2B,
            title: CREAM,
            shadow: 0x2B1410,
            ornament: Ornament::Wheels,
        },
        episodes: [
            ("The Thirteenth Hour", 43),
            ("A Spring in Winter", 40),
            ("Cuckoo!", 45),
            ("Time and a Half", 41),
        ],
    },
];

const FILM_STYLE: Style =
    Style { ground: 0x7A2E1E, rays: 0x93402A, title: 0xFBE3B0, shadow: 0x3A120C, ornament: Ornament::Sun };

/// The stretches of the film's journey.
const STRETCHES: [&str; 5] = ["Dawn", "High Noon", "The Long Afternoon", "Sunset", "Night"];

/// Frames a second of everything but the old film.
const HOUSE_RATE: (i64, i64) = (30, 1);

/// Frames a second of the old film.
const OLD_RATE: (i64, i64) = (25, 1);

/// Every item, in the order of their paths.
#[must_use]
pub fn repertoire(length: Length) -> Vec<Item> {
    let item = |path: String, kind: Kind| Item { path, kind, length };
    let mut items = Vec::new();
    for (i, series) in SERIES.iter().enumerate() {
        for (j, (title, _)) in series.episodes.iter().enumerate() {
            let path = format!("{}/S01E{:02} - {title}.mp4", series.slug, j + 1);
            items.push(item(path, Kind::Episode { series: i, episode: j + 1 }));
        }
    }
    for (i, product) in PRODUCTS.iter().enumerate() {
        items.push(item(format!("adverts/{}.mp4", product.title()), Kind::Advert(i)));
    }
    for (i, (_, lines)) in BUMPERS.iter().enumerate() {
        items.push(item(format!("bumpers/{}.mp4", lines.join(" ")), Kind::Bumper(i)));
    }
    for i in 0..IDENTS.len() {
        items.push(item(format!("bumpers/Station Ident {}.mp4", i + 1), Kind::Ident(i)));
    }
    items.push(item("filler/Test Card.mp4".to_owned(), Kind::TestCard));
    items.push(item("movies/The Desert Express (1974).mp4".to_owned(), Kind::Express));
    items.push(item("movies/The Paper Moon (1927).mp4".to_owned(), Kind::PaperMoon));
    items.sort_by(|a, b| a.path.cmp(&b.path));
    items
}

impl Item {
    /// The pictures.
    pub(crate) fn reel(&self) -> Reel {
        let mut edit = match self.kind {
            Kind::Episode { series, episode } => {
                episode_edit(&SERIES[series % SERIES.len()], series, episode)
            }
            Kind::Express => express_edit(),
            Kind::PaperMoon => paper_moon_edit(),
            Kind::Advert(i) => advert_edit(i),
            Kind::Ident(i) => ident_edit(i),
            Kind::Bumper(i) => bumper_edit(i),
            Kind::TestCard => test_card_edit(),
        };
        if self.length == Length::Quick {
            for part in &mut edit.parts {
                part.frames = (part.frames / 10).max(6);
                part.fades = (part.fades.0.min(3), part.fades.1.min(3));
            }
        }
        edit
    }

    /// Length in frames.
    pub(crate) fn frames(&self) -> i64 {
        self.reel().frames()
    }

    /// How it is encoded: what moves much gets much, and the film, where everything moves, the better
    /// encoder. All of it together stays below 60 MB.
    pub(crate) fn effort(&self) -> Effort {
        let (video_kbps, preset) = match self.kind {
            Kind::Express => (620, "superfast"),
            Kind::Episode { series: 0, .. } => (415, "ultrafast"),
            Kind::Episode { series: 1, .. } => (470, "ultrafast"),
            Kind::Episode { .. } => (435, "ultrafast"),
            Kind::Advert(_) => (400, "ultrafast"),
            Kind::Ident(_) | Kind::Bumper(_) | Kind::PaperMoon => (350, "ultrafast"),
            Kind::TestCard => (250, "ultrafast"),
        };
        Effort { video_kbps, preset }
    }

    /// The sound.
    pub(crate) fn tune(&self) -> Tune {
        match self.kind {
            Kind::Episode { series, episode } => Tune::series(series, episode),
            Kind::Express => Tune::train(),
            Kind::PaperMoon => Tune::piano(),
            Kind::Advert(i) => Tune::jingle(i),
            Kind::Ident(i) => Tune::sting(i),
            Kind::Bumper(i) => Tune::sting(i + IDENTS.len()),
            Kind::TestCard => Tune::line_up_tone(),
        }
    }
}

/// What an item's pictures cost.
pub(crate) struct Effort {
    /// Average and greatest rate in kb/s.
    pub(crate) video_kbps: u32,
    /// A preset of x264.
    pub(crate) preset: &'static str,
}

/// A reel in the making.
struct Edit {
    scenes: Vec<Box<dyn Fn() -> Box<dyn Scene>>>,
    parts: Vec<Part>,
    rate: FrameRate,
}

impl Edit {
    fn new((num, den): (i64, i64)) -> Edit {
        let rate = FrameRate::new(num, den).expect("the rates of this file are rates");
        Edit { scenes: Vec::new(), parts: Vec::new(), rate }
    }

    fn scene<S: Scene + 'static>(&mut self, make: impl Fn() -> S + 'static) -> usize {
        self.scenes.push(Box::new(move || Box::new(make())));
        self.scenes.len() - 1
    }

    /// Appends a scene's next stretch of some tenths of a second.
    fn cut(&mut self, scene: usize, tenths: i64) -> &mut Part {
        let frames = tenths * self.rate.num() / (10 * self.rate.den());
        let from = self.parts.iter().filter(|part| part.scene == scene).map(|part| part.frames).sum();
        self.parts.push(Part { scene, from, frames, fades: (0, 0), strip: false, chapter: None });
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }

    fn reel(self, width: u32, height: u32, strip: &str) -> Reel {
        let strip = strip.to_owned();
        Reel { width, height, rate: self.rate, scenes: self.scenes, parts: self.parts, strip, grey: false }
    }
}

/// Titles, two acts with an end-of-part card before the break between them, and the end.
fn episode_edit(series: &'static Series, number: usize, episode: usize) -> Reel {
    let (title, seconds) = series.episodes[(episode - 1) % series.episodes.len()];
    let mut edit = Edit::new(HOUSE_RATE);
    let style = series.style;
    let card = edit.scene(move || Card::new(style, &format!("EPISODE {episode}"), series.title, title));
    let world = match number {
        0 => edit.scene(move || CosmicDiner::new(episode)),
        1 => edit.scene(move || HarbourPatrol::new(episode)),
        _ => edit.scene(move || Clockmakers::new(episode)),
    };
    let end = edit.scene(move || Card::new(style, "YOU HAVE BEEN WATCHING", "The End", series.title));
    let opening = edit.cut(card, 40);
    opening.fades = (10, 8);
    opening.chapter = Some("Part One".to_owned());
    // The break: half way, on an even second.
    let mark = seconds / 4 * 2;
    let pause = edit.scene(move || Card::new(style, series.title, "End of Part One", "Do not go away"));
    let act = edit.cut(world, (mark - 4 - 2) * 10);
    (act.fades, act.strip) = ((8, 0), true);
    edit.cut(pause, 20).fades = (0, 10);
    let act = edit.cut(world, (seconds - 4 - mark) * 10);
    (act.fades, act.strip, act.chapter) = ((8, 6), true, Some("Part Two".to_owned()));
    edit.cut(end, 40).fades = (6, 20);
    edit.reel(WIDTH, HEIGHT, &format!("{} · {title}", series.title))
}

fn express_edit() -> Reel {
    let mut edit = Edit::new(HOUSE_RATE);
    let title = edit.scene(|| {
        Card::new(FILM_STYLE, "A RETROVUE PICTURE", "The Desert Express", "Four Hundred Miles of Sand")
    });
    let opening = edit.cut(title, 60);
    (opening.fades, opening.chapter) = ((15, 12), Some("Titles".to_owned()));
    for (i, name) in STRETCHES.into_iter().enumerate() {
        let world = edit.scene(move || DesertExpress::new(i));
        let part = edit.cut(world, 276);
        (part.fades, part.strip, part.chapter) = ((15, 15), true, Some(name.to_owned()));
    }
    let end = edit.scene(|| Card::new(FILM_STYLE, "ALL CHANGE, PLEASE", "The End", "The Desert Express"));
    edit.cut(end, 60).fades = (12, 30);
    edit.reel(WIDTH, HEIGHT, "The Desert Express")
}

fn paper_moon_edit() -> Reel {
    let mut edit = Edit::new(OLD_RATE);
    let world = edit.scene(PaperMoon::new);
    let cards: [&'static [&'static str]; 4] = [
        &["The", "Paper Moon"],
        &["A night like", "any other..."],
        &["...but for", "one cat."],
        &["The End"],
    ];
    for (i, lines) in cards.into_iter().enumerate() {
        let card = edit.scene(move || SilentCard::new(lines));
        edit.cut(card, 40).fades = (10, 10);
        if i < 3 {
            let part = edit.cut(world, [120, 120, 100][i]);
            (part.fades, part.strip) = ((10, 10), true);
        }
    }
    Reel { grey: true, ..edit.reel(OLD_WIDTH, OLD_HEIGHT, "The Paper Moon") }
}

fn advert_edit(index: usize) -> Reel {
    let product: &'static Product = &PRODUCTS[index % PRODUCTS.len()];
    let mut edit = Edit::new(HOUSE_RATE);
    let hook = edit.scene(move || Hook::new(product));
    let pack = edit.scene(move || PackShot::new(product));
    // 10, 12 and 14 seconds in turn.
    edit.cut(hook, 30).fades = (4, 0);
    edit.cut(pack, 70 + 20 * (index as i64 % 3)).fades = (0, 6);
    edit.reel(WIDTH, HEIGHT, &product.title())
}

fn ident_edit(index: usize) -> Reel {
    let (ground, motto) = IDENTS[index % IDENTS.len()];
    let mut edit = Edit::new(HOUSE_RATE);
    let scene = edit.scene(move || Ident::new(ground, motto));
    edit.cut(scene, 50).fades = (6, 10);
    edit.reel(WIDTH, HEIGHT, "RetroVue")
}

fn bumper_edit(index: usize) -> Reel {
    let (ground, lines) = BUMPERS[index % BUMPERS.len()];
    let mut edit = Edit::new(HOUSE_RATE);
    let scene = edit.scene(move || Bumper::new(ground, lines));
    edit.cut(scene, 50).fades = (4, 10);
    edit.reel(WIDTH, HEIGHT, &lines.join(" "))
}

fn test_card_edit() -> Reel {
    let mut edit = Edit::new(HOUSE_RATE);
    let rate = edit.rate;
    let scene = edit.scene(move || TestCard::new(rate));
    edit.cut(scene, 300);
    edit.reel(WIDTH, HEIGHT, "Test Card")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::easel::Line;
    use crate::typeface::typeface;
    use std::collections::BTreeMap;

    #[test]
    fn the_list_is_complete_and_its_names_are_unique() {
        let items = repertoire(Length::Full);
        let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &items {
            let (folder, name) = item.path.split_once('/').unwrap();
            assert!(name.ends_with(".mp4") && !name.contains('/'), "{}", item.path);
            assert!(!name.starts_with('.') && name.is_ascii(), "{}", item.path);
            *folders.entry(folder).or_default() += 1;
        }
        let expected = [
            ("adverts", 9),
            ("bumpers", 6),
            ("cosmic-diner", 4),
            ("filler", 1),
            ("harbour-patrol", 4),
            ("movies", 2),
            ("the-clockmakers", 4),
        ];
        assert_eq!(folders, BTreeMap::from(expected));
        assert!(items.windows(2).all(|pair| pair[0].path < pair[1].path));
    }

    #[test]
    fn lengths_and_chapter_marks() {
        for item in repertoire(Length::Full) {
            let reel = item.reel();
            let seconds = reel.frames() * reel.rate.den() / reel.rate.num();
            let (least, most) = match item.path.split('/').next().unwrap() {
                "adverts" => (10, 14),
                "bumpers" => (5, 5),
                "filler" => (30, 30),
                "movies" => (50, 150),
                _ => (40, 45),
            };
            assert!((least..=most).contains(&seconds), "{}: {seconds} s", item.path);
            assert_eq!(reel.frames() * reel.rate.den() % reel.rate.num(), 0, "{}", item.path);
            let chapters = reel.chapters();
            if item.path.contains("S01E") {
                // A break stands half way, on a key frame.
                assert_eq!(chapters.len(), 2, "{}", item.path);
                assert_eq!(chapters[1].0 % 60, 0, "{}", item.path);
                assert!((chapters[1].0 - reel.frames() / 2).abs() <= 60, "{}", item.path);
            }
        }
    }

    #[test]
    fn quick_items_have_the_same_parts() {
        for (full, quick) in repertoire(Length::Full).iter().zip(repertoire(Length::Quick)) {
            assert_eq!(full.path, quick.path);
            let (full, quick) = (full.reel(), quick.reel());
            assert_eq!(full.parts.len(), quick.parts.len());
            assert!(quick.frames() * 5 < full.frames());
            assert!(quick.chapters().windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn every_word_can_be_set_and_titles_keep_their_size() {
        let mut words: Vec<String> = Vec::new();
        for series in &SERIES {
            // Shrinking to under three quarters would make a title look like a caption.
            let title = Line::centred(series.title, 150.0, 0.0, 0.0, 0).within(1080.0).set().0;
            assert!(title > 112.0, "{} is set in {title}", series.title);
            for (episode, _) in series.episodes {
                let caption = Line::centred(episode, 62.0, 0.0, 0.0, 0).within(1080.0).set().0;
                assert!(caption > 55.0, "{episode} is set in {caption}");
                let strip = format!("{} · {episode}", series.title);
                let size = Line::left(&strip, 40.0, 0.0, 0.0, 0).within(700.0).set().0;
                assert!(size > 34.0, "{strip} is set in {size}");
                words.push(strip);
            }
        }
        for product in &PRODUCTS {
            words.extend(product.hook.iter().map(|&w| w.to_owned()));
            words.extend([
                product.title(),
                product.what.to_owned(),
                product.promise.to_owned(),
                product.badge.to_owned(),
            ]);
            let promise = Line::centred(product.promise, 60.0, 0.0, 0.0, 0).within(1180.0).set().0;
            assert!(promise > 45.0, "{} is set in {promise}", product.promise);
            for line in product.name.split('\n') {
                let size = Line::left(line, 132.0, 0.0, 0.0, 0).within(580.0).set().0;
                assert!(size > 80.0, "{line} is set in {size}");
            }
        }
        words.extend(BUMPERS.iter().flat_map(|(_, lines)| lines.iter().map(|&l| l.to_owned())));
        words.extend(IDENTS.iter().map(|(_, motto)| (*motto).to_owned()));
        for text in words {
            assert!(typeface().knows(&text), "no letters for {text:?}");
        }
    }
}
