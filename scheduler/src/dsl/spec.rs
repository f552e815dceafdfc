//! What a channel file says, as values.

use super::criteria::Criterion;
use super::{DayKey, Sources, TrafficSpec, WallTime};
use crate::config::FillerRef;
use crate::yaml::Place;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_timebase::Millis;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A channel as its file describes it.
#[derive(Debug, Clone)]
pub struct ChannelSpec {
    /// The file and those it includes, for diagnostics.
    pub sources: Arc<Sources>,
    /// Slug: lower-case letters, digits, `_` and `-`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Number on the dial, if the file gives one.
    pub number: Option<u32>,
    /// The file of its logo, and where the channel file names it.
    pub logo: Option<(PathBuf, Place)>,
    /// `broadcast_day`: the day sequential runs count from, and the day `compile` means by default.
    pub broadcast_day: Option<Date>,
    /// Name of the time zone.
    pub zone_name: String,
    /// The time zone.
    pub zone: TimeZone,
    /// What the channel is modelled on.
    pub template: ChannelTemplate,
    /// Programmes start on multiples of this and take whole multiples of it; divides an hour.
    pub grid: Millis,
    /// A seed of its own, in place of the station's.
    pub seed: Option<u64>,
    /// What fills breaks and uncovered time; empty for the station's.
    pub filler: Vec<(FillerRef, Place)>,
    /// What fills breaks before filler does; the station's where there is none.
    pub traffic: Option<TrafficSpec>,
    /// What airs on which days.
    pub schedule: Vec<DayRule>,
    /// Where `schedule` stands in the channel file.
    pub schedule_place: Place,
}

/// A channel template (seed 004, Channel Templates).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelTemplate {
    /// A 30-minute grid, breaks between acts.
    NetworkTelevision,
    /// A 15-minute grid, nothing inside a film, what is left of its slot filled after it.
    PremiumMovie,
}

impl ChannelTemplate {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ChannelTemplate::NetworkTelevision => "network_television",
            ChannelTemplate::PremiumMovie => "premium_movie",
        }
    }

    /// The template's grid.
    #[must_use]
    pub fn grid(self) -> Millis {
        match self {
            ChannelTemplate::NetworkTelevision => Millis(30 * 60_000),
            ChannelTemplate::PremiumMovie => Millis(15 * 60_000),
        }
    }
}

/// What airs on some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRule {
    /// Which days.
    pub days: DayKey,
    /// Where the days are named.
    pub place: Place,
    /// The blocks, in the order written.
    pub blocks: Vec<Block>,
}

/// Slots one after the other from a time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where the schedule asks for it.
    pub place: Place,
    /// The template it is of.
    pub template: Option<String>,
    /// When the first slot starts.
    pub start: WallTime,
    /// The slots repeat until this time; without it each airs once.
    pub until: Option<WallTime>,
    /// What airs.
    pub slots: Vec<Slot>,
}

/// One programme of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Where it stands.
    pub place: Place,
    /// A title for the guide.
    pub title: Option<String>,
    /// The programme.
    pub program: Option<Named>,
    /// Which of its assets.
    pub selector: Selector,
}

/// A name in the text, to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it is written.
    pub place: Place,
}

/// How an asset is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Where it stands; the slot where there is none.
    pub place: Place,
    /// Which of the two selectors.
    pub kind: SelectorKind,
    /// What is selected from. Where it is empty: the program's collection, else, with criteria, all assets
    /// of the selector's kind.
    pub collections: Vec<Named>,
    /// What an asset must satisfy besides.
    pub criteria: Vec<Criterion>,
    /// The order.
    pub mode: SelectorMode,
    /// Turns in a round, by asset or collection; for `weighted`.
    pub weights: Vec<(Named, u32)>,
    /// Days from one airing of an asset to the next.
    pub cooldown_days: u32,
    /// A seed of its own.
    pub seed: Option<u64>,
}

/// The two selectors of seed 004.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectorKind {
    /// `episode_selector`, and what a slot without any means.
    Episode,
    /// `movie_selector`.
    Movie,
}

impl SelectorKind {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SelectorKind::Episode => "episode_selector",
            SelectorKind::Movie => "movie_selector",
        }
    }
}

/// The order assets come in (seed 004, Selector Semantics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectorMode {
    /// One after the other, from the first again after the last.
    Sequential,
    /// Shuffled; none comes again before all have aired.
    Random,
    /// Shuffled; each comes as often as its weight in a round.
    Weighted,
}

impl SelectorMode {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SelectorMode::Sequential => "sequential",
            SelectorMode::Random => "random",
            SelectorMode::Weighted => "weighted",
        }
    }
}

impl fmt::Display for SelectorMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
