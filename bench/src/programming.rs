//! Many channels planned for some days: their files read and resolved, programmes placed, breaks filled, and the guide
//! of all of them written. The runs are a year old, so that a year of days is counted for each.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use retrovue_scheduler::catalog::{Artwork, AssetMetadata, AssetType, PictureType, Programme, Snapshot};
use retrovue_scheduler::config::default_format;
use retrovue_scheduler::dsl::{ChannelSpec, parse_channel};
use retrovue_scheduler::guide::{Listing, xmltv};
use retrovue_scheduler::plan::{
    ChannelInfo, DEFAULT_SEED, Programming, ProgrammingParts, SingleChannel, Source,
};
use retrovue_scheduler::yaml::Document;
use retrovue_timebase::Millis;
use std::io;
use std::path::Path;

/// Series of the catalog.
const SERIES: usize = 100;
/// Episodes of each.
const EPISODES: usize = 80;
/// Films.
const FILMS: usize = 1000;
/// Spots for the breaks.
const SPOTS: usize = 300;
/// The first day planned: a year after the anchor, on a Thursday.
const FIRST: Date = date(2026, 10, 1);

/// A station's channels and catalog.
pub struct Station {
    texts: Vec<String>,
    catalog: Snapshot,
}

impl Station {
    /// So many channels over one catalog of some ten thousand assets.
    #[must_use]
    pub fn new(channels: usize) -> Station {
        Station { texts: (0..channels).map(channel).collect(), catalog: catalog() }
    }

    /// The same with the spots as adverts that take turns, and no filler.
    #[must_use]
    pub fn with_traffic(channels: usize) -> Station {
        let rotated = "traffic: {commercials: {collection: col.spots, cooldown: 30m, max_per_day: 20}}";
        let texts = (0..channels).map(|n| channel(n).replace("filler: col.spots", rotated));
        Station { texts: texts.collect(), catalog: catalog() }
    }

    /// Reads and resolves every channel, and plans and fills so many days of each. Returns blocks and segments.
    ///
    /// # Panics
    /// When a channel does not compile.
    #[must_use]
    pub fn plan(&self, days: i32) -> (usize, usize) {
        let (mut blocks, mut segments) = (0, 0);
        for (number, text) in self.texts.iter().enumerate() {
            let spec = spec(text);
            let info = info(number, &spec);
            let (channel, _) =
                SingleChannel::resolve(&spec, &self.catalog, None, DEFAULT_SEED).expect("a channel");
            for step in 0..days {
                let day = channel.day(FIRST.saturating_add(step.days())).expect("a day of the calendar");
                let schedule = day.program_schedule(Source::default());
                assert!(!schedule.program_blocks.is_empty());
                let plans = day.blocks(&info, "/black.mp4");
                blocks += plans.len();
                segments += plans.iter().map(|plan| plan.segments.len()).sum::<usize>();
            }
        }
        (blocks, segments)
    }

    /// Reads and resolves every channel.
    ///
    /// # Panics
    /// When a channel does not compile.
    #[must_use]
    pub fn programming(&self) -> Programming {
        let specs = self.texts.iter().map(|text| spec(text)).enumerate();
        let parts = ProgrammingParts {
            format: default_format(),
            channels: specs.map(|(number, spec)| (info(number, &spec), spec)).collect(),
            resolver: &self.catalog,
            filler: None,
            black_uri: "/black.mp4".to_owned(),
            seed: DEFAULT_SEED,
        };
        Programming::new(parts).expect("channels").0
    }
}

/// Plans so many days of every channel, as the guide asks for them.
///
/// # Panics
/// When a day cannot be planned.
#[must_use]
pub fn events(programming: &Programming, days: i32) -> usize {
    guides(programming, days).iter().map(|listing| listing.events.len()).sum()
}

/// Writes the guide of so many days of every channel; returns its bytes.
///
/// # Panics
/// When a day cannot be planned.
#[must_use]
pub fn guide(programming: &Programming, days: i32) -> u64 {
    let mut counted = Counted(0);
    xmltv(&guides(programming, days), Some("http://tv.lan:8409"), &mut counted)
        .expect("counting does not fail");
    counted.0
}

fn guides(programming: &Programming, days: i32) -> Vec<Listing<'_>> {
    let events = |info: &ChannelInfo| {
        let from = programming.day_bounds(&info.id, FIRST).expect("a day").0;
        programming.guide(&info.id, from, from.plus(Millis(i64::from(days) * 86_400_000))).expect("a guide")
    };
    let zone = |info: &ChannelInfo| programming.zone(&info.id).ok();
    let listing = |info| Listing { channel: info, zone: zone(info), logo: None, events: events(info) };
    programming.channels().iter().map(listing).collect()
}

/// Bytes, counted.
struct Counted(u64);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn spec(text: &str) -> ChannelSpec {
    let document = Document::parse(Path::new("channel.yaml"), text).expect("YAML");
    parse_channel(document).expect("a channel").0
}

fn info(number: usize, spec: &ChannelSpec) -> ChannelInfo {
    let number = number as u32 + 1;
    ChannelInfo { id: spec.id.clone(), channel_id: number as i32, number, name: spec.name.clone() }
}

/// A day of series, an evening of three, a film of the pool at weekends, music of the night.
fn channel(number: usize) -> String {
    let zone = ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "UTC"][number % 4];
    let p = |n: usize| format!("p.s{}", (number * 7 + n) % SERIES);
    format!(
        "channel: c{number}
timezone: {zone}
broadcast_day: 2025-10-01
filler: col.spots
pools:
  evening:
    collections: [col.films]
    match: {{year: 1960..1999, duration: ..150m, rating: [PG, PG-13]}}
templates:
  prime:
    start: '20:00'
    slots:
      - program: {}
      - {{program: {}, episode_selector: {{mode: random}}}}
      - program: {}
      - program: {}
schedule:
  daily:
    - start: '06:00'
      until: '20:00'
      slots: [{{program: {}}}, {{program: {}}}, {{program: {}, episode_selector: {{mode: random}}}}]
    - {{start: '24:00', until: '06:00', program: {}}}
  weekdays: {{use: prime}}
  weekends:
    start: '20:00'
    slots:
      - movie_selector: {{pool: evening, min_cooldown_days: 60}}
      - movie_selector: {{collections: [col.films], match: {{genre: horror}}, min_cooldown_days: 30}}
",
        p(0),
        p(1),
        p(2),
        p(3),
        p(4),
        p(5),
        p(6),
        p(7),
    )
}

fn catalog() -> Snapshot {
    let asset = |id: String, collection: String, asset_type, seconds: i64| AssetMetadata {
        title: format!("Title of {id}"),
        uri: format!("/media/{collection}/{id}.mp4"),
        id: format!("asset.{id}"),
        asset_type,
        collection,
        series: None,
        season: None,
        episode: None,
        year: None,
        rating: None,
        genres: Vec::new(),
        plot: None,
        artwork: Some(Artwork { mark: seconds, picture: Some(PictureType::Jpeg) }),
        tags: Vec::new(),
        duration: Millis(seconds * 1000 + 40),
        chapter_markers: None,
    };
    let mut assets = Vec::new();
    let mut programmes = Vec::new();
    for series in 0..SERIES {
        let collection = format!("col.s{series}");
        for episode in 0..EPISODES {
            let hour = (series % 3 == 2) as i64;
            let seconds = 1300 + (episode as i64 * 37) % 120 + hour * 1260;
            let id = format!("s{series}.e{episode:03}");
            let mut one = asset(id, collection.clone(), AssetType::Episode, seconds);
            (one.season, one.episode) = (Some(episode as u32 / 20 + 1), Some(episode as u32 % 20 + 1));
            one.chapter_markers = Some([400, 800, 1200].map(|s| Millis(s * 1000)).to_vec());
            assets.push(one);
        }
        let (id, title) = (format!("p.s{series}"), format!("Series {series}"));
        programmes.push(Programme { id, title, collection });
    }
    for film in 0..FILMS {
        let seconds = 4800 + (film as i64 * 613) % 4200;
        let mut one = asset(format!("film{film}"), "col.films".to_owned(), AssetType::Movie, seconds);
        one.year = Some(1930 + film as u32 % 90);
        one.rating = Some(["G", "PG", "PG-13", "R"][film % 4].to_owned());
        one.genres = vec![["drama", "comedy", "horror", "western", "noir"][film % 5].to_owned()];
        assets.push(one);
    }
    for spot in 0..SPOTS {
        let seconds = [15, 30, 30, 60][spot % 4];
        assets.push(asset(format!("spot{spot}"), "col.spots".to_owned(), AssetType::Commercial, seconds));
    }
    Snapshot::new(assets, [], programmes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_channels_are_planned_and_shown() {
        let station = Station::new(4);
        let (blocks, segments) = station.plan(3);
        assert!(blocks > 4 * 3 * 24 && segments > blocks * 4, "{blocks} blocks, {segments} segments");
        let programming = station.programming();
        assert!(events(&programming, 3) > 4 * 3 * 20);
        assert!(guide(&programming, 3) > 50_000);
        let (as_many, spots) = Station::with_traffic(4).plan(3);
        assert!(as_many == blocks && spots > blocks * 4, "{spots} segments of {as_many} blocks");
    }
}
