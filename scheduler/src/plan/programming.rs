//! The station's programming: blocks and guide for every channel and any instant.

use super::breaks::FilledDay;
use super::broadcast_day::{bounds, day_of, later};
use super::day_plan::{DayPlan, With};
use super::explain::Explanation;
use super::line_up::LineUp;
use super::program_schedule::{COMPILER_VERSION, ProgramSchedule, Source};
use super::progress::Progress;
use super::resolve::resolve;
use super::rotation::{DAYS_CARRIED, MemoryBook, Rotation, RotationBook};
use crate::catalog::{Artwork, AssetResolver};
use crate::config::FillerRef;
use crate::dsl::ChannelSpec;
use crate::yaml::Report;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_proto::plan::{BlockPlan, HouseFormat};
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The seed where none is given.
pub const DEFAULT_SEED: u64 = 42;

/// Days kept laid out per channel: a week of guide and the days about now.
const DAYS_KEPT: usize = 10;

/// Filled days kept per channel: the one on the air and its neighbours.
const FILLED_KEPT: usize = 3;

/// Most days one guide may ask for.
const MAX_GUIDE_DAYS: i64 = 31;

/// Everything the runtime needs to know of what airs: an immutable snapshot, cheap to clone, pure in the
/// instant asked. Laid-out days are remembered inside, a bounded number of them.
#[derive(Debug, Clone)]
pub struct Programming {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    infos: Vec<ChannelInfo>,
    channels: Vec<Channel>,
    by_id: HashMap<String, usize>,
    format: HouseFormat,
    black_uri: String,
    book: Arc<dyn RotationBook>,
}

#[derive(Debug)]
struct Channel {
    line_up: LineUp,
    memory: Mutex<Memory>,
}

/// What was worked out already; losing it costs time, never an answer.
#[derive(Debug, Default)]
struct Memory {
    progress: Progress,
    days: VecDeque<Arc<DayPlan>>,
    filled: VecDeque<Arc<FilledDay>>,
}

/// What [`Programming`] is made of.
#[derive(Debug)]
pub struct ProgrammingParts<'a> {
    /// House format of the station.
    pub format: HouseFormat,
    /// The channels in the order of the configuration.
    pub channels: Vec<(ChannelInfo, ChannelSpec)>,
    /// The catalog.
    pub resolver: &'a dyn AssetResolver,
    /// What fills time on channels that do not say.
    pub filler: Option<FillerRef>,
    /// Path of the built-in black asset.
    pub black_uri: String,
    /// Seed of all selections.
    pub seed: u64,
}

/// A channel as viewers and the runtime know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelInfo {
    /// The slug in URLs.
    pub id: String,
    /// Stable integer identity, never reused.
    pub channel_id: i32,
    /// Number on the dial.
    pub number: u32,
    /// Name shown to people.
    pub name: String,
}

impl ChannelInfo {
    /// The channel's id in guides and playlists (`tvg-id`, XMLTV): made of the identity that is never
    /// reused, so that a guide cannot end up with another channel's programmes.
    #[must_use]
    pub fn guide_id(&self) -> String {
        format!("retrovue.{}", self.channel_id)
    }
}

/// What kind of thing a guide event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GuideCategory {
    /// An episode of a series.
    Series,
    /// A film.
    Movie,
    /// Time between programmes.
    Interstitial,
}

/// One line of the guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuideEvent {
    /// Begin.
    #[serde(rename = "start_utc_ms")]
    pub start: UtcMs,
    /// End, exclusive.
    #[serde(rename = "end_utc_ms")]
    pub end: UtcMs,
    /// Title of the programme; the channel's name between programmes.
    pub title: String,
    /// Title of the episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Season number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<u32>,
    /// Episode number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode: Option<u32>,
    /// A sentence for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of thing it is.
    pub category: GuideCategory,
    /// Genres, in order of name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genres: Vec<String>,
    /// Year it was made or first shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// Rating, as written: `PG-13`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// How long the programme is by itself, without breaks.
    #[serde(rename = "runtime_ms", skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Millis>,
    /// Its picture, or that of its series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artwork: Option<Artwork>,
}

impl GuideEvent {
    /// An event of which nothing is known but its time, title and kind.
    #[must_use]
    pub fn plain(start: UtcMs, end: UtcMs, title: String, category: GuideCategory) -> GuideEvent {
        GuideEvent {
            start,
            end,
            title,
            subtitle: None,
            season: None,
            episode: None,
            description: None,
            category,
            genres: Vec::new(),
            year: None,
            rating: None,
            runtime: None,
            artwork: None,
        }
    }
}

/// Why no plan can be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No such channel.
    #[error("there is no channel \"{channel}\" in this station")]
    UnknownChannel {
        /// The slug asked for.
        channel: String,
    },
    /// The instant lies outside what the calendar holds.
    #[error("{date} lies outside the years that can be planned, 1900 to 9000")]
    OutOfCalendar {
        /// The date or instant.
        date: String,
    },
    /// A guide that is too long to be built at once.
    #[error("a guide of {days} days is longer than {MAX_GUIDE_DAYS}; ask for less")]
    GuideTooLong {
        /// Days asked for.
        days: i64,
    },
}

impl Programming {
    /// Resolves and judges all channels.
    ///
    /// # Errors
    /// Everything wrong in all of them. On success the report holds warnings at most.
    pub fn new(parts: ProgrammingParts<'_>) -> Result<(Programming, Report), Report> {
        let (programming, mut report, refused) = Programming::judged(parts);
        if refused.is_empty() {
            return Ok((programming, report));
        }
        refused.into_iter().for_each(|(_, findings)| report.append(findings));
        report.sort();
        Err(report)
    }

    /// The same with the channels that can air, the warnings about them, and what is wrong with the others, by their
    /// places in the parts.
    pub(super) fn judged(parts: ProgrammingParts<'_>) -> (Programming, Report, Vec<(usize, Report)>) {
        let (mut report, mut refused) = (Report::default(), Vec::new());
        let mut infos = Vec::with_capacity(parts.channels.len());
        let mut channels = Vec::with_capacity(parts.channels.len());
        for (place, (info, spec)) in parts.channels.into_iter().enumerate() {
            match resolve(&spec, parts.resolver, parts.filler.as_ref(), parts.seed) {
                Ok((mut line_up, warnings)) => {
                    line_up.cues = parts.format.cues;
                    report.append(warnings);
                    infos.push(info);
                    channels.push(Channel { line_up, memory: Mutex::default() });
                }
                Err(findings) => refused.push((place, findings)),
            }
        }
        // What the station's own traffic lacks is found for every channel, and said once.
        report.sort();
        let by_id = infos.iter().enumerate().rev().map(|(index, info)| (info.id.clone(), index)).collect();
        let book = Arc::new(MemoryBook::default());
        let inner = Inner { infos, channels, by_id, format: parts.format, black_uri: parts.black_uri, book };
        (Programming { inner: Arc::new(inner) }, report, refused)
    }

    /// The same with the channels' lasting identities, in order. Nothing has been asked of it yet.
    pub(super) fn with_identities(mut self, identities: &[i32]) -> Programming {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            for (info, identity) in inner.infos.iter_mut().zip(identities) {
                info.channel_id = *identity;
            }
        }
        self
    }

    /// The same with another book for the rotation of spots. Without, what was asked is remembered as long as the
    /// value lives. Nothing has been asked of it yet.
    #[must_use]
    pub fn with_book(mut self, book: Arc<dyn RotationBook>) -> Programming {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.book = book;
        }
        self
    }

    /// The same with the book of an earlier one, where that has one that lasts.
    pub(super) fn with_book_of(self, earlier: &Programming) -> Programming {
        self.with_book(earlier.book())
    }

    /// The book of the rotation.
    pub(super) fn book(&self) -> Arc<dyn RotationBook> {
        Arc::clone(&self.inner.book)
    }

    /// The channel's file and those it includes; none of an unknown channel.
    #[must_use]
    pub fn files(&self, channel: &str) -> Vec<PathBuf> {
        let sources = self.find(channel).map(|(_, channel)| &channel.line_up.sources);
        sources.map_or_else(|_| Vec::new(), |s| s.documents().iter().map(|d| d.path.clone()).collect())
    }

    /// Whether any channel has traffic.
    #[must_use]
    pub fn has_traffic(&self) -> bool {
        self.inner.channels.iter().any(|channel| channel.line_up.traffic.is_some())
    }

    /// The station's channels, in the order of the configuration.
    #[must_use]
    pub fn channels(&self) -> &[ChannelInfo] {
        &self.inner.infos
    }

    /// House format of the station.
    #[must_use]
    pub fn format(&self) -> &HouseFormat {
        &self.inner.format
    }

    /// The time zone of a channel.
    ///
    /// # Errors
    /// An unknown channel.
    pub fn zone(&self, channel: &str) -> Result<&TimeZone, PlanError> {
        Ok(&self.find(channel)?.1.line_up.zone)
    }

    /// The file of a channel's logo; nothing where its file names none, or there is no such channel.
    #[must_use]
    pub fn logo(&self, channel: &str) -> Option<&Path> {
        self.find(channel).ok()?.1.line_up.logo.as_deref()
    }

    /// How many assets a channel has for its breaks and open time; black where it has none.
    ///
    /// # Errors
    /// An unknown channel.
    pub fn filler_assets(&self, channel: &str) -> Result<usize, PlanError> {
        Ok(self.find(channel)?.1.line_up.filler.len())
    }

    /// The broadcast day of a channel at an instant.
    ///
    /// # Errors
    /// An unknown channel, or an instant outside the calendar.
    pub fn day_of(&self, channel: &str, at: Timestamp) -> Result<Date, PlanError> {
        day_of(&self.find(channel)?.1.line_up.zone, UtcMs(at.as_millisecond()))
    }

    /// First and last instant of a channel's broadcast day, the last exclusive.
    ///
    /// # Errors
    /// An unknown channel, or a date outside the calendar.
    pub fn day_bounds(&self, channel: &str, date: Date) -> Result<(UtcMs, UtcMs), PlanError> {
        bounds(&self.find(channel)?.1.line_up.zone, date)
    }

    /// The block on the air at `instant` (start <= instant < end). Every asset in `avoid` (by URI) is
    /// replaced by filler or black.
    ///
    /// # Errors
    /// An unknown channel, or an instant outside the calendar.
    pub fn block_at(
        &self,
        channel: &str,
        instant: UtcMs,
        avoid: &BTreeSet<String>,
    ) -> Result<BlockPlan, PlanError> {
        let (info, channel) = self.find(channel)?;
        let date = day_of(&channel.line_up.zone, instant)?;
        let day = channel.day(date)?;
        let filled = channel.filled(info, date, &*self.inner.book, true)?;
        let with = With { avoid, filled: filled.as_deref() };
        day.block_at(&channel.line_up, info, &self.inner.black_uri, instant, with)
            .ok_or_else(|| PlanError::OutOfCalendar { date: instant.to_string() })
    }

    /// Programmes that overlap `[from, to)`, whole, in order and without gaps; breaks inside them and the
    /// blocks of filler between them do not show.
    ///
    /// # Errors
    /// An unknown channel, an instant outside the calendar, more than a month.
    pub fn guide(&self, channel: &str, from: UtcMs, to: UtcMs) -> Result<Vec<GuideEvent>, PlanError> {
        let (info, channel) = self.find(channel)?;
        let days = to.since(from).0 / 86_400_000;
        if days > MAX_GUIDE_DAYS {
            return Err(PlanError::GuideTooLong { days });
        }
        let mut events = Vec::new();
        let mut date = day_of(&channel.line_up.zone, from)?;
        loop {
            let day = channel.day(date)?;
            if day.day.start >= to {
                return Ok(events);
            }
            let todays = day.guide(&channel.line_up, info);
            events.extend(todays.into_iter().filter(|e| e.end > from && e.start < to));
            date = later(date, 1)?;
        }
    }

    /// Tier 1 of a channel's broadcast day.
    ///
    /// # Errors
    /// An unknown channel, or a date outside the calendar.
    pub fn program_schedule(&self, channel: &str, date: Date) -> Result<ProgramSchedule, PlanError> {
        let (_, channel) = self.find(channel)?;
        let file = &channel.line_up.sources.channel_file().path;
        let source = Source {
            dsl_path: file.to_string_lossy().into_owned(),
            git_commit: None,
            compiler_version: COMPILER_VERSION,
        };
        Ok(channel.line_up.program_schedule(&channel.day(date)?.day, source))
    }

    /// Why the channel airs what it airs at an instant.
    ///
    /// # Errors
    /// An unknown channel, or an instant outside the calendar.
    pub fn explain(&self, channel: &str, at: UtcMs) -> Result<Explanation, PlanError> {
        let (info, channel) = self.find(channel)?;
        let date = day_of(&channel.line_up.zone, at)?;
        let (placed, witness) = {
            let mut memory = channel.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.progress.witness(&channel.line_up, date)?
        };
        let filled = channel.filled(info, date, &*self.inner.book, false)?;
        let plan = DayPlan::new(&channel.line_up, placed);
        Ok(Explanation::new(&channel.line_up, info, at, plan, &witness).with_spot(
            &channel.line_up,
            filled.as_deref(),
            at,
        ))
    }

    fn find(&self, id: &str) -> Result<(&ChannelInfo, &Channel), PlanError> {
        let found = self.inner.by_id.get(id).map(|at| (&self.inner.infos[*at], &self.inner.channels[*at]));
        found.ok_or_else(|| PlanError::UnknownChannel { channel: id.to_owned() })
    }
}

impl Channel {
    /// The filled breaks of a date, on channels with traffic. The day's opening is the one kept; else it is carried
    /// forward from one kept a few days back, or made of what is known of earlier airings.
    fn filled(
        &self,
        info: &ChannelInfo,
        date: Date,
        book: &dyn RotationBook,
        keep: bool,
    ) -> Result<Option<Arc<FilledDay>>, PlanError> {
        let Some(traffic) = &self.line_up.traffic else { return Ok(None) };
        let known = |date| {
            let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.filled.iter().find(|day: &&Arc<FilledDay>| day.date == date).map(Arc::clone)
        };
        if let Some(day) = known(date) {
            return Ok(Some(day));
        }
        // Two that ask at once work out the same.
        let earliest = later(date, -DAYS_CARRIED).unwrap_or(date);
        let kept = book.latest(info.channel_id, earliest, date);
        let (mut at, mut opening, mut new) = match kept {
            Some((at, opening)) => (at, opening, false),
            None => (date, book.history(info.channel_id, bounds(&self.line_up.zone, date)?.0), true),
        };
        loop {
            let opened = Rotation::new(traffic, &opening);
            if keep && new {
                // Of the history only what is a spot.
                book.keep(info.channel_id, at, &opened.opening(traffic));
            }
            let (start, end) = bounds(&self.line_up.zone, at)?;
            let longest = traffic.spots.iter().map(|spot| spot.cooldown).max().unwrap_or(0);
            let opened = match longest {
                0 => opened,
                longest => {
                    let since = UtcMs(start.0.saturating_sub(longest));
                    opened.with_aired(traffic, book.aired(info.channel_id, since, end))
                }
            };
            let filled = Arc::new(self.day(at)?.fill(&self.line_up, traffic, opened));
            if at == date {
                let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
                if memory.filled.len() == FILLED_KEPT {
                    memory.filled.pop_front();
                }
                // What is only explained may come of another opening later.
                if keep {
                    memory.filled.push_back(Arc::clone(&filled));
                }
                return Ok(Some(filled));
            }
            opening = filled.closed.opening(traffic);
            at = later(at, 1)?;
            new = true;
        }
    }

    fn day(&self, date: Date) -> Result<Arc<DayPlan>, PlanError> {
        // A panic while planning leaves at worst a day unremembered.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(day) = memory.days.iter().find(|d| d.day.date == date) {
            return Ok(Arc::clone(day));
        }
        let placed = memory.progress.place(&self.line_up, date)?;
        let day = Arc::new(DayPlan::new(&self.line_up, placed));
        if memory.days.len() == DAYS_KEPT {
            memory.days.pop_front();
        }
        memory.days.push_back(Arc::clone(&day));
        Ok(day)
    }
}
