//! A channel's schedule with every name resolved: what tier 1 places on the days.

use super::pool::Pool;
use crate::catalog::{AssetMetadata, AssetResolver, AssetType};
use crate::config::FillerRef;
use crate::dsl::{Block, ChannelSpec, ChannelTemplate, Named, Selector, SelectorMode, Slot, WallTime};
use crate::yaml::{Diagnostic, Place, Report, nearest};
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use retrovue_timebase::Millis;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Where sequential runs count from on channels that name no `broadcast_day`; a Monday.
const DEFAULT_ANCHOR: Date = date(2024, 1, 1);

/// Layers of rules, from the most specific (one day of the week) to the most general (`daily`).
pub(crate) const LAYERS: usize = 3;

/// A channel ready to be placed on days.
#[derive(Debug, Clone)]
pub(crate) struct LineUp {
    pub(crate) channel: String,
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: String,
    pub(crate) template: ChannelTemplate,
    pub(crate) grid_ms: i64,
    pub(crate) anchor: Date,
    pub(crate) seed: u64,
    pub(crate) pools: Vec<Pool>,
    pub(crate) slots: Vec<ResolvedSlot>,
    /// By day of the week from Monday, then by layer; blocks by start.
    pub(crate) week: Vec<[Vec<ResolvedBlock>; LAYERS]>,
    pub(crate) filler: Vec<Arc<AssetMetadata>>,
}

/// A slot with its pool.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedSlot {
    pub(crate) pool: usize,
    /// What the guide calls it; the asset's own title where there is none.
    pub(crate) title: Option<String>,
    pub(crate) place: Place,
}

/// A block with its slots.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedBlock {
    pub(crate) start: WallTime,
    pub(crate) until: Option<WallTime>,
    pub(crate) slots: Range<usize>,
    pub(crate) place: Place,
}

/// Resolves a channel against the catalog.
///
/// # Errors
/// Every reference to nothing and everything that cannot fit, at once. On success the report holds
/// warnings at most.
pub(crate) fn resolve(
    spec: &ChannelSpec,
    resolver: &dyn AssetResolver,
    station_filler: Option<&FillerRef>,
    seed: u64,
) -> Result<(LineUp, Report), Report> {
    let mut resolving =
        Resolving { spec, resolver, seed, report: Report::default(), pools: Vec::new(), slots: Vec::new() };
    let filler = resolving.filler(station_filler);
    let mut rules = Vec::with_capacity(spec.schedule.len());
    for rule in &spec.schedule {
        let blocks: Vec<ResolvedBlock> = rule.blocks.iter().filter_map(|b| resolving.block(b)).collect();
        rules.push((rule.days, blocks));
    }
    let mut week = Vec::with_capacity(7);
    for day in Weekday::Monday.cycle_forward().take(7) {
        let mut layers: [Vec<ResolvedBlock>; LAYERS] = Default::default();
        for (days, blocks) in rules.iter().filter(|(days, _)| days.holds(day)) {
            layers[days.layer()].extend(blocks.iter().cloned());
        }
        for layer in &mut layers {
            layer.sort_by_key(|b| b.start);
            resolving.judge_layer(layer);
        }
        week.push(layers);
    }
    let Resolving { mut report, pools, slots, .. } = resolving;
    report.sort();
    if report.has_errors() {
        return Err(report);
    }
    let line_up = LineUp {
        channel: spec.id.clone(),
        zone: spec.zone.clone(),
        zone_name: spec.zone_name.clone(),
        template: spec.template,
        grid_ms: spec.grid.0,
        anchor: spec.broadcast_day.unwrap_or(DEFAULT_ANCHOR),
        seed,
        pools,
        slots,
        week,
        filler,
    };
    Ok((line_up, report))
}

struct Resolving<'a> {
    spec: &'a ChannelSpec,
    resolver: &'a dyn AssetResolver,
    seed: u64,
    report: Report,
    pools: Vec<Pool>,
    slots: Vec<ResolvedSlot>,
}

impl Resolving<'_> {
    fn error(&mut self, place: Place, message: String, help: String) {
        self.report.push(Diagnostic::at_place(&self.spec.document, place, message).help(help));
    }

    fn warning(&mut self, place: Place, message: String, help: &str) {
        self.report.push(Diagnostic::at_place(&self.spec.document, place, message).help(help).warning());
    }

    fn block(&mut self, block: &Block) -> Option<ResolvedBlock> {
        let first = self.slots.len();
        for slot in &block.slots {
            let pool = self.pool(slot)?;
            let title = match &slot.program {
                Some(named) => self.resolver.program(&named.name).map(|p| p.title.clone()),
                None => slot.title.clone(),
            };
            self.slots.push(ResolvedSlot { pool, title, place: slot.place });
        }
        Some(ResolvedBlock {
            start: block.start,
            until: block.until,
            slots: first..self.slots.len(),
            place: block.place,
        })
    }

    fn pool(&mut self, slot: &Slot) -> Option<usize> {
        let programme = match &slot.program {
            None => None,
            Some(named) => match self.resolver.program(&named.name) {
                Some(programme) => Some(programme.clone()),
                None => {
                    let near = near_names(&named.name, self.resolver.program_ids());
                    let message = format!("there is no program \"{}\" in the catalog", named.name);
                    self.error(named.place, message, near);
                    // The selector is judged all the same, so that everything is said at once.
                    self.selector(&slot.selector, None, slot.place);
                    return None;
                }
            },
        };
        let from = programme.map(|p| Named {
            name: p.collection,
            place: slot.program.as_ref().map_or(slot.place, |n| n.place),
        });
        let (key, mode, assets) = self.selector(&slot.selector, from, slot.place)?;
        if let Some(index) = self.pools.iter().position(|p| p.key == key && p.mode == mode) {
            return Some(index);
        }
        self.pools.push(Pool::new(key, mode, assets, self.spec.grid.0, self.seed, &self.spec.id));
        Some(self.pools.len() - 1)
    }

    fn selector(
        &mut self,
        selector: &Selector,
        programme_collection: Option<Named>,
        place: Place,
    ) -> Option<(String, SelectorMode, Vec<Arc<AssetMetadata>>)> {
        match selector {
            Selector::Episodes { collection, mode } => {
                let named = collection.clone().or(programme_collection)?;
                let assets = self.collection(&named)?.to_vec();
                if assets.is_empty() {
                    let message = format!("the collection \"{}\" holds nothing that can air", named.name);
                    self.error(
                        named.place,
                        message,
                        "ingest its files; `retrovue asset list` shows their health".into(),
                    );
                    return None;
                }
                Some((named.name, *mode, assets))
            }
            Selector::Movies { collections, include, exclude, min_duration, max_duration } => {
                let mut assets: Vec<Arc<AssetMetadata>> = Vec::new();
                let mut complete = true;
                for named in collections {
                    match self.collection(named) {
                        None => complete = false,
                        Some(list) => {
                            for asset in list {
                                if !assets.iter().any(|a| a.id == asset.id) {
                                    assets.push(asset);
                                }
                            }
                        }
                    }
                }
                let rated = |list: &[String], a: &AssetMetadata| {
                    a.rating.as_ref().is_some_and(|r| list.iter().any(|l| l == r))
                };
                assets.retain(|a| {
                    (include.is_empty() || rated(include, a))
                        && !rated(exclude, a)
                        && min_duration.is_none_or(|least| a.duration >= least)
                        && max_duration.is_none_or(|most| a.duration <= most)
                });
                if complete && assets.is_empty() {
                    let message = "nothing in these collections satisfies this selector".to_owned();
                    self.error(place, message, "widen its rating or duration, or add collections".into());
                }
                let names: Vec<&str> = collections.iter().map(|c| c.name.as_str()).collect();
                let limit = |l: &Option<Millis>| l.map_or_else(String::new, |m| m.0.to_string());
                let key = format!(
                    "{} +{} -{} {}..{}",
                    names.join(" "),
                    include.join(","),
                    exclude.join(","),
                    limit(min_duration),
                    limit(max_duration)
                );
                (complete && !assets.is_empty()).then_some((key, SelectorMode::Random, assets))
            }
        }
    }

    fn collection(&mut self, named: &Named) -> Option<Vec<Arc<AssetMetadata>>> {
        match self.resolver.collection(&named.name) {
            Some(list) => Some(list.to_vec()),
            None => {
                let near = near_names(&named.name, self.resolver.collection_ids());
                self.error(
                    named.place,
                    format!("there is no collection \"{}\" in the catalog", named.name),
                    near,
                );
                None
            }
        }
    }

    /// What fills time on this channel: its own choice, else the station's, else every asset whose type is
    /// filler.
    fn filler(&mut self, station: Option<&FillerRef>) -> Vec<Arc<AssetMetadata>> {
        let mut filler: Vec<Arc<AssetMetadata>> = Vec::new();
        for (reference, place) in &self.spec.filler {
            let found = match reference {
                FillerRef::Collection(name) => {
                    self.collection(&Named { name: name.clone(), place: *place }).unwrap_or_default()
                }
                FillerRef::Path(path) => match by_path(self.resolver, path) {
                    Some(asset) => vec![asset],
                    None => {
                        let message = format!("the filler {} is not in the catalog", path.display());
                        self.error(
                            *place,
                            message,
                            "put it into a media folder of the station and ingest it".into(),
                        );
                        continue;
                    }
                },
            };
            filler.extend(found);
        }
        if self.spec.filler.is_empty() {
            filler = match station {
                Some(FillerRef::Collection(name)) => {
                    self.resolver.collection(name).unwrap_or_default().to_vec()
                }
                Some(FillerRef::Path(path)) => by_path(self.resolver, path).into_iter().collect(),
                None => Vec::new(),
            };
        }
        if filler.is_empty() {
            filler = self.resolver.of_type(AssetType::Filler);
        }
        filler
    }

    /// Finds what cannot fit on any day, and what may not on some.
    fn judge_layer(&mut self, layer: &[ResolvedBlock]) {
        for (index, block) in layer.iter().enumerate() {
            let next = layer.get(index + 1).map(|b| b.start);
            if let Some(next) = next
                && next == block.start
            {
                let message = format!("another block starts at {next} on the same day");
                self.error(block.place, message, "give one of them another time, or another day".into());
                continue;
            }
            let room_end = next.unwrap_or(WallTime::DAY_END);
            if let Some(until) = block.until
                && until > room_end
            {
                let message =
                    format!("this block runs until {until}, over the one that starts at {room_end}");
                self.error(block.place, message, format!("end it by {room_end}"));
                continue;
            }
            let end = block.until.unwrap_or(room_end);
            let room = (end.seconds() - block.start.seconds()) * 1000;
            self.judge_room(block, room, end);
        }
    }

    fn judge_room(&mut self, block: &ResolvedBlock, room: i64, end: WallTime) {
        let (mut least, mut most) = (0, 0);
        for index in block.slots.clone() {
            let (place, pool) = (self.slots[index].place, self.slots[index].pool);
            let lengths = &self.pools[pool].lengths;
            let shortest = lengths.iter().copied().min().unwrap_or(0);
            let longest = lengths.iter().copied().max().unwrap_or(0);
            let cycling = block.until.is_some();
            if shortest > room || (!cycling && least + shortest > room) {
                let message = format!(
                    "the shortest programme here takes {} of the grid and there is room for {} until {end}",
                    clock(shortest),
                    clock((room - if cycling { 0 } else { least }).max(0)),
                );
                self.error(
                    place,
                    message,
                    "move the next block, drop a slot, or choose shorter programmes".into(),
                );
                return;
            }
            if longest > room || (!cycling && most + longest > room) {
                let message = format!(
                    "some programmes here are too long to end by {end}: the longest takes {}",
                    clock(longest)
                );
                self.warning(place, message, "where one does not fit, another or filler takes its time");
                return;
            }
            (least, most) = (least + shortest, most + longest);
        }
    }
}

pub(super) fn by_path(resolver: &dyn AssetResolver, path: &Path) -> Option<Arc<AssetMetadata>> {
    let canonical = std::fs::canonicalize(path).ok();
    let found = canonical.as_deref().and_then(Path::to_str).and_then(|p| resolver.by_uri(p));
    found.or_else(|| path.to_str().and_then(|p| resolver.by_uri(p))).cloned()
}

pub(super) fn near_names(wrong: &str, known: Vec<&str>) -> String {
    let near = nearest(wrong, known.iter().copied());
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    /// More names than this are not read.
    const SHOWN: usize = 8;
    match known.len() {
        0 => "the catalog is empty; ingest the media first".to_owned(),
        n if n <= SHOWN => format!("the catalog has {}", known.join(", ")),
        n => format!("the catalog has {n}: {}, …", known[..SHOWN].join(", ")),
    }
}

/// A span as `h:mm:ss`.
pub(crate) fn clock(ms: i64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
