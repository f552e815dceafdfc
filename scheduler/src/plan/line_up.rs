//! A channel's schedule with every name resolved: what tier 1 places on the days.

use super::pool::{Airings, Cursor, Pool};
use super::traffic::Traffic;
use crate::catalog::AssetMetadata;
use crate::dsl::{ChannelTemplate, DayKey, SelectorKind, Sources, WallTime};
use crate::yaml::Place;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Layers of rules of the week: one day, kinds of days, `daily`. Those of dates come before them.
pub(crate) const WEEK_LAYERS: usize = 3;

/// Layers of rules of dates: one date, ranges of dates.
pub(crate) const DATE_LAYERS: usize = DayKey::LAYERS - WEEK_LAYERS;

/// A channel ready to be placed on days.
#[derive(Debug, Clone)]
pub(crate) struct LineUp {
    pub(crate) channel: String,
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: String,
    pub(crate) logo: Option<PathBuf>,
    pub(crate) template: ChannelTemplate,
    pub(crate) grid_ms: i64,
    pub(crate) anchor: Date,
    /// The station's seed; selectors may have their own.
    pub(crate) seed: u64,
    pub(crate) pools: Vec<Pool>,
    /// Assets of selectors with a cooldown: length of the table of airings.
    pub(crate) listed: usize,
    pub(crate) slots: Vec<ResolvedSlot>,
    pub(crate) blocks: Vec<ResolvedBlock>,
    /// By layer, from the most specific; the blocks from each date on until the next, by start.
    pub(crate) dates: [BTreeMap<Date, Vec<usize>>; DATE_LAYERS],
    /// By day of the week from Monday, then by layer; blocks by start.
    pub(crate) week: [[Vec<usize>; WEEK_LAYERS]; 7],
    /// None of it is a spot of the traffic.
    pub(crate) filler: Vec<Arc<AssetMetadata>>,
    /// Breaks are cued.
    pub(crate) cues: bool,
    pub(crate) traffic: Option<Traffic>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) schedule_place: Place,
}

/// A slot with its pool.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedSlot {
    pub(crate) pool: usize,
    /// What the guide calls it; the asset's own title where there is none.
    pub(crate) title: Option<String>,
    pub(crate) program: Option<String>,
    pub(crate) kind: SelectorKind,
    pub(crate) place: Place,
    pub(crate) selector_place: Place,
}

/// A block with its slots.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedBlock {
    pub(crate) days: DayKey,
    pub(crate) days_place: Place,
    pub(crate) template: Option<String>,
    pub(crate) start: WallTime,
    pub(crate) until: Option<WallTime>,
    pub(crate) slots: Range<usize>,
    pub(crate) place: Place,
}

/// How far the runs of a channel have come.
#[derive(Debug, Clone)]
pub(crate) struct Cursors {
    pub(crate) pools: Vec<Cursor>,
    pub(crate) airings: Airings,
}

impl LineUp {
    /// Cursors of runs that begin.
    pub(crate) fn fresh_cursors(&self) -> Cursors {
        Cursors { pools: vec![Cursor::default(); self.pools.len()], airings: Airings::new(self.listed) }
    }

    /// The blocks of a date, layer by layer, from the most specific.
    pub(crate) fn layers(&self, date: Date) -> impl Iterator<Item = &[usize]> {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let dated = self.dates.iter().map(move |layer| {
            layer.range(..=date).next_back().map_or(&[][..], |(_, blocks)| blocks.as_slice())
        });
        dated.chain(self.week[weekday].iter().map(Vec::as_slice))
    }

    pub(crate) fn asset(&self, slot: usize, asset: usize) -> &Arc<AssetMetadata> {
        &self.pools[self.slots[slot].pool].assets[asset]
    }

    pub(crate) fn title_of(&self, slot: usize, asset: &AssetMetadata) -> String {
        self.slots[slot].title.clone().unwrap_or_else(|| asset.title.clone())
    }
}

impl Cursors {
    /// The same without what can be worked out again, for keeping.
    pub(crate) fn slim(&self) -> Cursors {
        Cursors { pools: self.pools.iter().map(Cursor::slim).collect(), airings: self.airings.clone() }
    }
}

/// A span as `h:mm:ss`.
pub(crate) fn clock(ms: i64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
