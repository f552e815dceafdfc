//! The guide read back by an XML reader: whole, in the DTD's order, and right on both sides of a change of clocks.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

use jiff::Timestamp;
use jiff::civil::date;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use retrovue_scheduler::catalog::{Artwork, PictureType, StubAssetResolver};
use retrovue_scheduler::config::default_format;
use retrovue_scheduler::dsl::parse_channel;
use retrovue_scheduler::guide::{Listing, xmltv};
use retrovue_scheduler::plan::{ChannelInfo, DEFAULT_SEED, Programming, ProgrammingParts};
use retrovue_scheduler::yaml::Document;
use retrovue_timebase::Millis;
use std::collections::BTreeMap;
use std::path::Path;

/// `<!ELEMENT programme (…)>` of xmltv.dtd.
const ORDER: [&str; 24] = [
    "title",
    "sub-title",
    "desc",
    "credits",
    "date",
    "category",
    "keyword",
    "language",
    "orig-language",
    "length",
    "icon",
    "url",
    "country",
    "episode-num",
    "video",
    "audio",
    "previously-shown",
    "premiere",
    "last-chance",
    "new",
    "subtitles",
    "rating",
    "star-rating",
    "review",
];

const ASSETS: &str = r#"{"assets":[
 {"id":"a1","title":"One & only","type":"episode","collection":"col.show","season":1,"episode":1,"year":1988,"rating":"TV-PG","genres":["Comedy","Drama"],"duration_sec":1320,"uri":"1.mp4"},
 {"id":"a2","title":"Two <2>","type":"episode","collection":"col.show","season":1,"episode":2,"duration_sec":1500.5,"uri":"2.mp4"},
 {"id":"f1","title":"Alien","type":"movie","collection":"col.films","year":1979,"rating":"R","genres":["Horror"],"plot":"A crew answers a call.","duration_sec":7020,"uri":"3.mp4"}],
 "programs":[{"id":"p.show","title":"The Show","collection":"col.show"},{"id":"p.films","title":"Films","collection":"col.films"}]}"#;

/// A channel or a programme as it was read.
#[derive(Debug, Default)]
struct Read {
    attributes: BTreeMap<String, String>,
    elements: Vec<String>,
    icons: Vec<String>,
}

fn attributes(start: &BytesStart<'_>) -> BTreeMap<String, String> {
    start
        .attributes()
        .map(|a| {
            let a = a.unwrap();
            (a.key.as_ref().to_owned(), a.value.as_ref().to_owned())
        })
        .collect()
}

/// The channel and the programmes.
fn read(text: &str) -> (Read, Vec<Read>) {
    let mut reader = Reader::from_str(text);
    let (mut all, mut open): (Vec<Read>, Vec<String>) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                match (open.len(), name.as_str()) {
                    (1, _) => all.push(Read { attributes: attributes(&start), ..Read::default() }),
                    (2, _) => all.last_mut().unwrap().elements.push(name.clone()),
                    _ => {}
                }
                open.push(name);
            }
            Event::Empty(start) if open.len() == 2 => {
                let read = all.last_mut().unwrap();
                read.elements.push(start.name().as_ref().to_owned());
                read.icons.extend(attributes(&start).remove("src"));
            }
            Event::End(_) => {
                open.pop().unwrap();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty());
    let programmes = all.split_off(1);
    (all.remove(0), programmes)
}

fn instant(text: &str) -> Timestamp {
    Timestamp::strptime("%Y%m%d%H%M%S %z", text).unwrap()
}

fn programming() -> Programming {
    let resolver = StubAssetResolver::parse(Path::new("assets.json"), ASSETS).unwrap();
    let text = "channel: one\ntimezone: America/New_York\nschedule:\n  daily:\n    - {start: '06:00', until: '22:00', program: p.show}\n    - {start: '23:00', until: '05:00', slots: [{program: p.films, movie_selector: {}}, {program: p.show}]}\n";
    let (spec, _) = parse_channel(Document::parse(Path::new("one.yaml"), text).unwrap()).unwrap();
    let info = ChannelInfo { id: "one".into(), channel_id: 1, number: 1, name: "One".into() };
    Programming::new(ProgrammingParts {
        format: default_format(),
        channels: vec![(info, spec)],
        resolver: &resolver,
        filler: None,
        black_uri: "/black.mp4".into(),
        seed: DEFAULT_SEED,
    })
    .unwrap()
    .0
}

#[test]
fn it_is_whole_and_in_order_on_both_sides_of_both_changes_of_the_clocks() {
    let programming = programming();
    for (day, before, after) in [(date(2026, 3, 7), "-0500", "-0400"), (date(2026, 10, 31), "-0400", "-0500")]
    {
        let (from, _) = programming.day_bounds("one", day).unwrap();
        let to = from.plus(Millis(2 * 86_400_000));
        let mut events = programming.guide("one", from, to).unwrap();
        for (event, mark) in events.iter_mut().zip(1..).filter(|(_, mark)| mark % 2 == 0) {
            event.artwork = Some(Artwork { mark, picture: Some(PictureType::Png) });
        }
        let listing = Listing {
            channel: &programming.channels()[0],
            zone: programming.zone("one").ok(),
            logo: Some("/logo/one.png".to_owned()),
            events: events.clone(),
        };
        let mut out = Vec::new();
        // Pictures only where somebody serves them.
        xmltv(std::slice::from_ref(&listing), None, &mut out).unwrap();
        assert!(!String::from_utf8(std::mem::take(&mut out)).unwrap().contains("<icon"));
        xmltv(&[listing], Some("http://tv.lan:8409"), &mut out).unwrap();
        let (channel, programmes) = read(&String::from_utf8(out).unwrap());
        // <!ELEMENT channel (display-name+,icon*,url*)>
        assert_eq!(channel.elements, ["display-name", "display-name", "icon"]);
        assert_eq!(channel.icons, ["http://tv.lan:8409/logo/one.png"]);
        assert_eq!(programmes.len(), events.len());
        let mut offsets: Vec<&str> = Vec::new();
        let mut end = from.0;
        for (programme, event) in programmes.iter().zip(&events) {
            let (start, stop) = (&programme.attributes["start"], &programme.attributes["stop"]);
            // No gap, no overlap, and the instants of the plan.
            assert_eq!(instant(start).as_millisecond(), end, "{programme:?}");
            end = instant(stop).as_millisecond();
            assert_eq!((instant(start).as_millisecond(), end), (event.start.0, event.end.0));
            offsets.push(&start[15..]);
            let expect = event.artwork.map(|artwork| format!("http://tv.lan:8409{artwork}"));
            assert_eq!(programme.icons, expect.into_iter().collect::<Vec<_>>());
            let places: Vec<usize> = programme
                .elements
                .iter()
                .map(|name| ORDER.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}")))
                .collect();
            assert!(places.is_sorted(), "{:?}", programme.elements);
            assert_eq!(places.first(), Some(&0));
        }
        assert!(end >= to.0);
        offsets.dedup();
        assert_eq!(offsets, [before, after], "{day}");
        let told = |name: &str| programmes.iter().filter(|p| p.elements.iter().any(|e| e == name)).count();
        for name in
            ["sub-title", "desc", "date", "length", "icon", "episode-num", "previously-shown", "rating"]
        {
            assert!(told(name) > 0, "{name}");
        }
    }
}
