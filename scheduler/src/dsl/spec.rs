//! What a channel file says, as values.

use super::WallTime;
use crate::config::FillerRef;
use crate::yaml::{Document, Place};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use retrovue_timebase::Millis;
use std::fmt;
use std::sync::Arc;

/// A channel as its file describes it.
#[derive(Debug, Clone)]
pub struct ChannelSpec {
    /// The file, for diagnostics.
    pub document: Arc<Document>,
    /// Slug: lower-case letters, digits, `_` and `-`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Number on the dial, if the file gives one.
    pub number: Option<u32>,
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
    /// What fills breaks and uncovered time; empty for the station's.
    pub filler: Vec<(FillerRef, Place)>,
    /// What airs on which days.
    pub schedule: Vec<DayRule>,
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
    /// The template's grid.
    #[must_use]
    pub fn grid(self) -> Millis {
        match self {
            ChannelTemplate::NetworkTelevision => Millis(30 * 60_000),
            ChannelTemplate::PremiumMovie => Millis(15 * 60_000),
        }
    }
}

/// The days a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKey {
    /// Every day.
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// Monday to Friday; the word for evening blocks.
    Weeknights,
    /// Saturday and Sunday.
    Weekends,
    /// One day of the week.
    On(Weekday),
}

impl DayKey {
    /// The words of the language.
    pub const WORDS: [&'static str; 11] = [
        "daily",
        "weekdays",
        "weeknights",
        "weekends",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];

    /// Reads a word of the language.
    #[must_use]
    pub fn read(word: &str) -> Option<DayKey> {
        Some(match word {
            "daily" => DayKey::Daily,
            "weekdays" => DayKey::Weekdays,
            "weeknights" => DayKey::Weeknights,
            "weekends" => DayKey::Weekends,
            "monday" => DayKey::On(Weekday::Monday),
            "tuesday" => DayKey::On(Weekday::Tuesday),
            "wednesday" => DayKey::On(Weekday::Wednesday),
            "thursday" => DayKey::On(Weekday::Thursday),
            "friday" => DayKey::On(Weekday::Friday),
            "saturday" => DayKey::On(Weekday::Saturday),
            "sunday" => DayKey::On(Weekday::Sunday),
            _ => return None,
        })
    }

    /// Whether a day of the week is among them.
    #[must_use]
    pub fn holds(self, day: Weekday) -> bool {
        let weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        match self {
            DayKey::Daily => true,
            DayKey::Weekdays | DayKey::Weeknights => !weekend,
            DayKey::Weekends => weekend,
            DayKey::On(one) => one == day,
        }
    }

    /// 0 for the most specific: where two rules want the same time, the lower number has it.
    #[must_use]
    pub fn layer(self) -> usize {
        match self {
            DayKey::On(_) => 0,
            DayKey::Weekdays | DayKey::Weeknights | DayKey::Weekends => 1,
            DayKey::Daily => 2,
        }
    }
}

/// What airs on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRule {
    /// Which days.
    pub days: DayKey,
    /// The blocks, in the order written.
    pub blocks: Vec<Block>,
}

/// Slots one after the other from a time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where the schedule asks for it.
    pub place: Place,
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
pub enum Selector {
    /// From one collection; the programme's where none is named.
    Episodes {
        /// The collection.
        collection: Option<Named>,
        /// The order.
        mode: SelectorMode,
    },
    /// From several collections, at random among those that satisfy every limit.
    Movies {
        /// The collections.
        collections: Vec<Named>,
        /// Ratings accepted; empty for any.
        include: Vec<String>,
        /// Ratings refused.
        exclude: Vec<String>,
        /// Shortest film.
        min_duration: Option<Millis>,
        /// Longest film.
        max_duration: Option<Millis>,
    },
}

/// The order episodes come in (seed 004, Selector Semantics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectorMode {
    /// One after the other, from the first again after the last.
    Sequential,
    /// Shuffled; none comes again before all have aired.
    Random,
}

impl SelectorMode {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SelectorMode::Sequential => "sequential",
            SelectorMode::Random => "random",
        }
    }
}

impl fmt::Display for SelectorMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
