//! One broadcast day as what the runtime and the guide read: items that follow one another without gap,
//! each of which becomes a block plan and a guide event.

use super::acts::{LogEntry, expand};
use super::breaks::{FilledDay, Piece};
use super::cues::cues;
use super::filler::{Reel, push};
use super::line_up::LineUp;
use super::place::{PlacedDay, Placement};
use super::rotation::Rotation;
use super::shuffle::seed_of;
use super::traffic::Traffic;
use super::{ChannelInfo, GuideCategory, GuideEvent};
use crate::catalog::AssetType;
use crate::dsl::ChannelTemplate;
use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Longest block of filler: short enough that a changed plan is taken up soon.
const MAX_FILLER_BLOCK: Millis = Millis(30 * 60_000);

/// Room for the segments of a usual block, so that they are not moved as they come.
const SEGMENTS: usize = 32;

/// A day, item by item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayPlan {
    pub(crate) day: PlacedDay,
    items: Vec<Item>,
}

/// What a day's blocks are made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct With<'a> {
    /// Assets to replace, by URI.
    pub(crate) avoid: &'a BTreeSet<String>,
    /// The day's breaks, on channels with traffic.
    pub(crate) filled: Option<&'a FilledDay>,
}

/// A stretch of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Programme(Placement),
    /// Open time, cut into blocks; `gap` is the whole of it.
    Filler {
        start: UtcMs,
        end: UtcMs,
        gap: (UtcMs, UtcMs),
    },
}

impl Item {
    fn span(&self) -> (UtcMs, UtcMs) {
        match self {
            Item::Programme(p) => (p.start, p.end()),
            Item::Filler { start, end, .. } => (*start, *end),
        }
    }
}

/// An item with its acts and empty breaks, before traffic has filled them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogBlock {
    /// The id its block plan has.
    pub block_id: String,
    /// Title for the guide; absent for filler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The programme's asset; absent for filler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Begin.
    pub start_utc_ms: UtcMs,
    /// End, exclusive.
    pub end_utc_ms: UtcMs,
    /// Acts and ad blocks in order.
    pub entries: Vec<LogEntry>,
}

impl DayPlan {
    /// Lays out a placed day.
    pub(crate) fn new(line_up: &LineUp, day: PlacedDay) -> DayPlan {
        let mut items = Vec::with_capacity(day.placements.len() * 2 + 1);
        let mut at = day.start;
        for placement in &day.placements {
            lay_filler(line_up, &day, at, placement.start, &mut items);
            items.push(Item::Programme(*placement));
            at = placement.end();
        }
        lay_filler(line_up, &day, at, day.end, &mut items);
        DayPlan { day, items }
    }

    /// The block on the air at `at`, which lies in this day.
    pub(crate) fn block_at(
        &self,
        line_up: &LineUp,
        channel: &ChannelInfo,
        black_uri: &str,
        at: UtcMs,
        with: With<'_>,
    ) -> Option<BlockPlan> {
        let index = self.items.partition_point(|item| item.span().1 <= at);
        let item = self.items.get(index).filter(|item| item.span().0 <= at)?;
        Some(self.block(line_up, channel, black_uri, item, with))
    }

    /// All blocks of the day.
    pub(crate) fn blocks(
        &self,
        line_up: &LineUp,
        channel: &ChannelInfo,
        black_uri: &str,
        with: With<'_>,
    ) -> Vec<BlockPlan> {
        self.items.iter().map(|item| self.block(line_up, channel, black_uri, item, with)).collect()
    }

    /// Fills the breaks of the day's programmes in order.
    pub(crate) fn fill(&self, line_up: &LineUp, traffic: &Traffic, opened: Rotation) -> FilledDay {
        let breaks = self.items.iter().filter(|item| matches!(item, Item::Programme(_))).flat_map(|item| {
            let mut at = item.span().0;
            let entries = entries(line_up, item).into_iter().map(move |entry| {
                let start = at;
                at = at.plus(entry.duration());
                (start, entry)
            });
            entries.filter_map(|(start, entry)| match entry {
                LogEntry::AdBlock { duration_ms, .. } => Some((start, duration_ms)),
                LogEntry::Act { .. } => None,
            })
        });
        FilledDay::new(traffic, (self.day.date, self.day.end), opened, breaks)
    }

    /// The playout log of the day with its breaks still empty.
    pub(crate) fn log(&self, line_up: &LineUp) -> Vec<LogBlock> {
        self.items
            .iter()
            .map(|item| {
                let (start, end) = item.span();
                let (title, asset_id) = match item {
                    Item::Programme(p) => {
                        let asset = line_up.asset(p.slot, p.asset);
                        (Some(line_up.title_of(p.slot, asset)), Some(asset.id.clone()))
                    }
                    Item::Filler { .. } => (None, None),
                };
                let entries = entries(line_up, item);
                let block_id = self.block_id(line_up, start);
                LogBlock { block_id, title, asset_id, start_utc_ms: start, end_utc_ms: end, entries }
            })
            .collect()
    }

    /// The programme on the air at `at`, if one is.
    pub(crate) fn programme_at(&self, at: UtcMs) -> Option<&Placement> {
        let index = self.day.placements.partition_point(|p| p.end() <= at);
        self.day.placements.get(index).filter(|p| p.start <= at)
    }

    /// The open stretch `at` lies in, where no programme is on the air.
    pub(crate) fn span_at(&self, at: UtcMs) -> (UtcMs, UtcMs) {
        let before = self.day.placements.iter().map(Placement::end).take_while(|end| *end <= at).last();
        let after = self.day.placements.iter().map(|p| p.start).find(|start| *start > at);
        (before.unwrap_or(self.day.start), after.unwrap_or(self.day.end))
    }

    /// Guide events of the day, contiguous: one for each programme and one for each open stretch.
    pub(crate) fn guide(&self, line_up: &LineUp, channel: &ChannelInfo) -> Vec<GuideEvent> {
        let mut events: Vec<GuideEvent> = Vec::with_capacity(self.items.len());
        for item in &self.items {
            match item {
                Item::Programme(placement) => events.push(programme_event(line_up, placement)),
                Item::Filler { gap, .. } => {
                    if events.last().is_none_or(|e| e.start != gap.0) {
                        let (name, kind) = (channel.name.clone(), GuideCategory::Interstitial);
                        events.push(GuideEvent::plain(gap.0, gap.1, name, kind));
                    }
                }
            }
        }
        events
    }

    fn block(
        &self,
        line_up: &LineUp,
        channel: &ChannelInfo,
        black_uri: &str,
        item: &Item,
        With { avoid, filled }: With<'_>,
    ) -> BlockPlan {
        let (start, end) = item.span();
        let block_id = self.block_id(line_up, start);
        let seed = || seed_of(&[&line_up.seed.to_string(), "traffic", &block_id]);
        let mut reel = Reel::new(&line_up.filler, black_uri, avoid, seed);
        let mut segments: Vec<Segment> = Vec::with_capacity(SEGMENTS);
        let entries = entries(line_up, item);
        let cued = line_up.cues && matches!(item, Item::Programme(_));
        let cues = if cued { cues(start, &entries) } else { Vec::new() };
        let mut mended: Vec<usize> = Vec::new();
        let mut at = start;
        for entry in entries {
            let spots = line_up.traffic.as_ref().zip(filled).and_then(|(traffic, day)| {
                let (index, filled) = day.at(at).filter(|_| matches!(entry, LogEntry::AdBlock { .. }))?;
                let failed = |piece: &Piece| match piece {
                    Piece::Spot { number, .. } => avoid.contains(&traffic.spots[*number].asset.uri),
                    Piece::Open(_) => false,
                };
                let pieces = match !avoid.is_empty() && filled.pieces.iter().any(failed) {
                    true => Cow::Owned(day.mended(traffic, index, avoid, &mut mended)),
                    false => Cow::Borrowed(filled.pieces.as_slice()),
                };
                Some((traffic, pieces))
            });
            at = at.plus(entry.duration());
            if let Some((traffic, pieces)) = spots {
                for piece in pieces.iter() {
                    match *piece {
                        Piece::Open(time) => reel.fill_rest(time, &mut segments),
                        Piece::Spot { number, kind, .. } => {
                            let asset = &traffic.spots[number].asset;
                            let (uri, id) = (&asset.uri, Some(asset.id.as_str()));
                            push(&mut segments, uri, Millis(0), asset.duration, kind.word(), id);
                        }
                    }
                }
                continue;
            }
            match (entry, item) {
                (LogEntry::Act { asset_start_ms, duration_ms, .. }, Item::Programme(p)) => {
                    let asset = line_up.asset(p.slot, p.asset);
                    if avoid.contains(&asset.uri) {
                        reel.fill(duration_ms, &mut segments);
                    } else {
                        push(&mut segments, &asset.uri, asset_start_ms, duration_ms, "act", Some(&asset.id));
                    }
                }
                (entry, _) => reel.fill(entry.duration(), &mut segments),
            }
        }
        BlockPlan {
            block_id,
            channel_id: channel.channel_id,
            start_utc_ms: start,
            end_utc_ms: end,
            segments,
            events: vec![],
            cues,
        }
    }

    /// Channel, broadcast day and start: the same for the same plan, and no other block's.
    fn block_id(&self, line_up: &LineUp, start: UtcMs) -> String {
        format!("{}/{}/{}", line_up.channel, self.day.date, start.0)
    }
}

fn entries(line_up: &LineUp, item: &Item) -> Vec<LogEntry> {
    match item {
        Item::Programme(p) => {
            let asset = line_up.asset(p.slot, p.asset);
            expand(asset, p.length, line_up.template)
        }
        Item::Filler { start, end, .. } => {
            vec![LogEntry::AdBlock { ad_block: 1, duration_ms: end.since(*start) }]
        }
    }
}

/// Cuts open time at the grid lines that are whole multiples of the longest filler block from the day's
/// start.
fn lay_filler(line_up: &LineUp, day: &PlacedDay, from: UtcMs, to: UtcMs, items: &mut Vec<Item>) {
    let step = (MAX_FILLER_BLOCK.0 / line_up.grid_ms).max(1) * line_up.grid_ms.min(MAX_FILLER_BLOCK.0);
    let mut at = from;
    while at < to {
        let since = at.since(day.start).0;
        let next = day.start.plus(Millis((since / step + 1) * step));
        let end = next.min(to);
        items.push(Item::Filler { start: at, end, gap: (from, to) });
        at = end;
    }
}

fn programme_event(line_up: &LineUp, placement: &Placement) -> GuideEvent {
    let asset = line_up.asset(placement.slot, placement.asset);
    let title = line_up.title_of(placement.slot, asset);
    let film = asset.asset_type == AssetType::Movie || line_up.template == ChannelTemplate::PremiumMovie;
    GuideEvent {
        start: placement.start,
        end: placement.end(),
        subtitle: (asset.title != title).then(|| asset.title.clone()),
        title,
        season: asset.season,
        episode: asset.episode,
        description: asset.plot.clone(),
        category: if film { GuideCategory::Movie } else { GuideCategory::Series },
        genres: asset.genres.clone(),
        year: asset.year,
        rating: asset.rating.clone(),
        runtime: Some(asset.duration),
        artwork: asset.artwork,
    }
}
