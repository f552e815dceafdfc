//! From a channel's file to its line-up: every name looked up in the catalog, every selector made a pool.

use super::judge::judge_layers;
use super::line_up::{DATE_LAYERS, LineUp, ResolvedBlock, ResolvedSlot, WEEK_LAYERS};
use super::matching::{satisfies, words};
use super::pool::{Pool, PoolParts, TurnedAway};
use super::shuffle::seed_of;
use super::traffic::{Traffic, Weighed};
use crate::catalog::{AssetMetadata, AssetResolver, AssetType};
use crate::config::FillerRef;
use crate::dsl::{
    Block, ChannelSpec, DayRule, Named, Selector, SelectorKind, SelectorMode, Slot, Sources, SpotPool,
    Subject, Test, codes,
};
use crate::yaml::{Place, Report, nearest};
use jiff::civil::{Date, Weekday, date};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Where runs count from on channels that name no `broadcast_day`; a Monday.
const DEFAULT_ANCHOR: Date = date(2024, 1, 1);

/// Assets named of those a criterion turned away.
const NAMED_AWAY: usize = 5;

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
    let mut resolving = Resolving {
        spec,
        sources: Arc::clone(&spec.sources),
        resolver,
        seed: spec.seed.unwrap_or(seed),
        report: Report::default(),
        pools: Vec::new(),
        known: HashMap::new(),
        slots: Vec::new(),
        blocks: Vec::new(),
    };
    let traffic = resolving.traffic();
    let filler = resolving.filler(station_filler, traffic.as_ref());
    let mut rules: Vec<(&DayRule, Vec<usize>)> = Vec::with_capacity(spec.schedule.len());
    for rule in &spec.schedule {
        let blocks = rule.blocks.iter().filter_map(|block| resolving.block(rule, block)).collect();
        rules.push((rule, blocks));
    }
    let Resolving { seed, mut report, mut pools, slots, blocks, .. } = resolving;
    let listed = list_airings(&mut pools);
    let mut line_up = LineUp {
        channel: spec.id.clone(),
        zone: spec.zone.clone(),
        zone_name: spec.zone_name.clone(),
        logo: spec.logo.as_ref().map(|(path, _)| path.clone()),
        template: spec.template,
        grid_ms: spec.grid.0,
        anchor: spec.broadcast_day.unwrap_or(DEFAULT_ANCHOR),
        seed,
        pools,
        listed,
        slots,
        blocks,
        dates: Default::default(),
        week: Default::default(),
        filler,
        cues: false,
        traffic,
        sources: Arc::clone(&spec.sources),
        schedule_place: spec.schedule_place,
    };
    lay_week(&mut line_up, &rules);
    for layer in 0..DATE_LAYERS {
        lay_dates(&mut line_up, &rules, layer);
    }
    judge_layers(&line_up, &mut report);
    report.sort();
    if report.has_errors() { Err(report) } else { Ok((line_up, report)) }
}

/// Numbers the assets whose airings are counted: those of selectors with a cooldown, wherever they air.
fn list_airings(pools: &mut [Pool]) -> usize {
    // One catalog hands out one record for each asset, so its address tells it, faster than its name.
    let mut numbers: HashMap<*const AssetMetadata, u32> = HashMap::new();
    for pool in pools.iter().filter(|pool| pool.cooldown_days > 0) {
        for asset in &pool.assets {
            let next = numbers.len() as u32;
            numbers.entry(Arc::as_ptr(asset)).or_insert(next);
        }
    }
    if numbers.is_empty() {
        return 0;
    }
    for pool in pools {
        pool.listed =
            pool.assets.iter().map(|a| numbers.get(&Arc::as_ptr(a)).copied().unwrap_or(u32::MAX)).collect();
    }
    numbers.len()
}

fn lay_week(line_up: &mut LineUp, rules: &[(&DayRule, Vec<usize>)]) {
    for (day, layers) in Weekday::Monday.cycle_forward().zip(&mut line_up.week) {
        for (rule, blocks) in rules.iter().filter(|(rule, _)| rule.days.holds_weekday(day)) {
            let layer = rule.days.layer() - DATE_LAYERS;
            debug_assert!(layer < WEEK_LAYERS);
            layers[layer].extend(blocks);
        }
        for layer in layers {
            layer.sort_by_key(|block| line_up.blocks[*block].start);
        }
    }
}

/// Cuts the calendar where a dated rule begins or ends, and gathers the blocks of each stretch.
fn lay_dates(line_up: &mut LineUp, rules: &[(&DayRule, Vec<usize>)], layer: usize) {
    let dated: Vec<(Date, Date, &Vec<usize>)> = rules
        .iter()
        .filter(|(rule, _)| rule.days.layer() == layer)
        .filter_map(|(rule, blocks)| rule.days.dates().map(|(from, to)| (from, to, blocks)))
        .collect();
    let cuts: BTreeSet<Date> = dated.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    for cut in cuts {
        let mut blocks: Vec<usize> = dated
            .iter()
            .filter(|(from, to, _)| (*from..*to).contains(&cut))
            .flat_map(|(_, _, blocks)| blocks.iter().copied())
            .collect();
        blocks.sort_by_key(|block| line_up.blocks[*block].start);
        line_up.dates[layer].insert(cut, blocks);
    }
}

struct Resolving<'a> {
    spec: &'a ChannelSpec,
    /// The files that places are in: the channel's, or the station's where its traffic is read.
    sources: Arc<Sources>,
    resolver: &'a dyn AssetResolver,
    seed: u64,
    report: Report,
    pools: Vec<Pool>,
    known: HashMap<String, usize>,
    slots: Vec<ResolvedSlot>,
    blocks: Vec<ResolvedBlock>,
}

impl Resolving<'_> {
    fn error(&mut self, place: Place, code: &'static str, message: String, help: String) {
        self.report.push(self.sources.at(place, message).help(help).code(code));
    }

    fn block(&mut self, rule: &DayRule, block: &Block) -> Option<usize> {
        let first = self.slots.len();
        let mut whole = true;
        for slot in &block.slots {
            match self.pool(slot) {
                Some(pool) => {
                    let title = match &slot.program {
                        Some(named) => self.resolver.program(&named.name).map(|p| p.title.clone()),
                        None => slot.title.clone(),
                    };
                    self.slots.push(ResolvedSlot {
                        pool,
                        title,
                        program: slot.program.as_ref().map(|named| named.name.clone()),
                        kind: slot.selector.kind,
                        place: slot.place,
                        selector_place: slot.selector.place,
                    });
                }
                None => whole = false,
            }
        }
        if !whole {
            return None;
        }
        self.blocks.push(ResolvedBlock {
            days: rule.days,
            days_place: rule.place,
            template: block.template.clone(),
            start: block.start,
            until: block.until,
            slots: first..self.slots.len(),
            place: block.place,
        });
        Some(self.blocks.len() - 1)
    }

    fn pool(&mut self, slot: &Slot) -> Option<usize> {
        let selector = &slot.selector;
        let programme = match &slot.program {
            None => None,
            Some(named) => match self.resolver.program(&named.name) {
                Some(programme) => Some(Named { name: programme.collection.clone(), place: named.place }),
                None => {
                    let near = near_names(&named.name, self.resolver.program_ids());
                    let message = format!("there is no program \"{}\" in the catalog", named.name);
                    self.error(named.place, codes::UNRESOLVED, message, near);
                    // The selector is judged all the same, so that everything is said at once.
                    for named in &selector.collections {
                        self.collection(named);
                    }
                    return None;
                }
            },
        };
        let from: Vec<Named> = match (selector.collections.is_empty(), programme) {
            (true, Some(programme)) => vec![programme],
            _ => selector.collections.clone(),
        };
        let key = key_of(selector, &from);
        let identity = format!("{key} {} {}", selector.mode, selector.cooldown_days);
        if let Some(known) = self.known.get(&identity) {
            return Some(*known);
        }
        let mut turned_away = Vec::new();
        let kind = match selector.kind {
            SelectorKind::Episode => AssetType::Episode,
            SelectorKind::Movie => AssetType::Movie,
        };
        let assets = self.assets(selector, kind, &from, &mut turned_away)?;
        let told_seed = selector.seed.unwrap_or(self.seed);
        let parts = PoolParts {
            mode: selector.mode,
            assets: self.weighed(selector, assets)?,
            cooldown_days: selector.cooldown_days,
            seed: seed_of(&[&told_seed.to_string(), &self.spec.id, &key]),
            told_seed,
            turned_away,
            key,
        };
        self.pools.push(Pool::new(parts, self.spec.grid.0));
        self.known.insert(identity, self.pools.len() - 1);
        Some(self.pools.len() - 1)
    }

    /// The spots of each pool of the channel's traffic.
    fn traffic(&mut self) -> Option<Traffic> {
        let spec = self.spec.traffic.as_ref().filter(|traffic| !traffic.pools.is_empty())?;
        let own = std::mem::replace(&mut self.sources, Arc::clone(&spec.sources));
        let mut pools: Vec<(&SpotPool, Weighed)> = Vec::with_capacity(spec.pools.len());
        for pool in &spec.pools {
            let (selector, kind) = (&pool.selector, pool.kind.asset_type());
            let assets = self.assets(selector, kind, &selector.collections, &mut Vec::new());
            if let Some(weighed) = assets.and_then(|assets| self.weighed(selector, assets)) {
                pools.push((pool, weighed));
            }
        }
        self.sources = own;
        (pools.len() == spec.pools.len()).then(|| {
            let written = (spec.place, Arc::clone(&spec.sources));
            Traffic::new(&pools, spec.form.clone(), written, (&self.spec.id, self.seed))
        })
    }

    /// The assets a selector selects from; where it names nothing, those of `kind`.
    fn assets(
        &mut self,
        selector: &Selector,
        kind: AssetType,
        from: &[Named],
        turned_away: &mut Vec<TurnedAway>,
    ) -> Option<Vec<Arc<AssetMetadata>>> {
        let mut assets: Vec<Arc<AssetMetadata>> = Vec::new();
        let mut complete = true;
        match from {
            [] => assets = self.all_of(selector, kind),
            [one] => match self.collection(one) {
                Some(list) => assets = list,
                None => complete = false,
            },
            many => {
                let mut seen: BTreeSet<String> = BTreeSet::new();
                for named in many {
                    match self.collection(named) {
                        Some(list) => assets.extend(list.into_iter().filter(|a| seen.insert(a.id.clone()))),
                        None => complete = false,
                    }
                }
            }
        }
        if !complete {
            return None;
        }
        if let ([one], true) = (from, assets.is_empty()) {
            let message = format!("the collection \"{}\" holds nothing that can air", one.name);
            let help = "ingest its files; `retrovue asset list` shows their health".to_owned();
            self.error(one.place, codes::EMPTY_POOL, message, help);
            return None;
        }
        for criterion in &selector.criteria {
            let mut away: Vec<Arc<AssetMetadata>> = Vec::new();
            let mut count = 0;
            assets.retain(|asset| {
                let stays = satisfies(asset, criterion);
                if !stays {
                    count += 1;
                    if away.len() < NAMED_AWAY {
                        away.push(Arc::clone(asset));
                    }
                }
                stays
            });
            if count > 0 {
                turned_away.push(TurnedAway { criterion: criterion.to_string(), count, assets: away });
            }
        }
        if assets.is_empty() {
            let counts: Vec<String> = turned_away
                .iter()
                .map(|away| format!("\"{}\" turns {} away", away.criterion, away.count))
                .collect();
            let message = if counts.is_empty() {
                "there is nothing in the catalog for this selector".to_owned()
            } else {
                format!("nothing satisfies this selector: {}", counts.join(", then "))
            };
            let help = self
                .words_meant(selector)
                .unwrap_or_else(|| "widen its rating, duration or match, or add collections".to_owned());
            self.error(selector.place, codes::EMPTY_POOL, message, help);
            return None;
        }
        Some(assets)
    }

    /// Everything of the selector's kind, for selectors that name no collection.
    fn all_of(&mut self, selector: &Selector, kind: AssetType) -> Vec<Arc<AssetMetadata>> {
        let typed = selector.criteria.iter().any(|c| c.subject == Subject::Type);
        let all = self.resolver.everything();
        all.iter().filter(|asset| typed || asset.asset_type == kind).cloned().collect()
    }

    /// "Did you mean" for words that no asset of the catalog has.
    fn words_meant(&mut self, selector: &Selector) -> Option<String> {
        for criterion in &selector.criteria {
            let Test::Words { include, all, .. } = &criterion.test else { continue };
            let there: BTreeSet<String> = self
                .resolver
                .everything()
                .iter()
                .flat_map(|asset| words(asset, criterion.subject).collect::<Vec<_>>())
                .map(str::to_owned)
                .collect();
            for word in include.iter().chain(all).filter(|word| !word.contains('*')) {
                if there.iter().any(|known| known.to_lowercase() == word.to_lowercase()) {
                    continue;
                }
                let what = criterion.subject.word();
                if there.is_empty() {
                    return Some(format!("no asset of the catalog has a {what}"));
                }
                let near = nearest(word, there.iter().map(String::as_str));
                return Some(match near.first() {
                    Some(near) => format!("did you mean the {what} \"{near}\"?"),
                    None => format!("the catalog has no {what} \"{word}\""),
                });
            }
        }
        None
    }

    /// Assets with their turns in a round: what names them most exactly has its way.
    fn weighed(&mut self, selector: &Selector, assets: Vec<Arc<AssetMetadata>>) -> Option<Weighed> {
        if selector.mode != SelectorMode::Weighted {
            return Some(assets.into_iter().map(|asset| (asset, 1)).collect());
        }
        let by_name: BTreeMap<&str, u32> =
            selector.weights.iter().map(|(named, weight)| (named.name.as_str(), *weight)).collect();
        for (named, _) in &selector.weights {
            let within = |asset: &Arc<AssetMetadata>| {
                asset.id == named.name || is_within(&asset.collection, &named.name)
            };
            if !assets.iter().any(within) {
                let known: BTreeSet<&str> =
                    assets.iter().flat_map(|asset| [asset.id.as_str(), asset.collection.as_str()]).collect();
                let help = near_names(&named.name, known.into_iter().collect());
                let message =
                    format!("\"{}\" is neither an asset nor a collection of this selector", named.name);
                self.error(named.place, codes::UNRESOLVED, message, help);
            }
        }
        let weight = |asset: &AssetMetadata| {
            if let Some(weight) = by_name.get(asset.id.as_str()) {
                return *weight;
            }
            let mut collection = asset.collection.as_str();
            loop {
                match (by_name.get(collection), collection.rsplit_once('.')) {
                    (Some(weight), _) => return *weight,
                    (None, Some((above, _))) => collection = above,
                    (None, None) => return 1,
                }
            }
        };
        let weighed: Vec<(Arc<AssetMetadata>, u32)> = assets
            .into_iter()
            .map(|asset| {
                let n = weight(&asset);
                (asset, n)
            })
            .filter(|(_, n)| *n > 0)
            .collect();
        if weighed.is_empty() {
            let message = "every weight is 0, so nothing airs".to_owned();
            self.error(selector.place, codes::EMPTY_POOL, message, "give something a weight".to_owned());
            return None;
        }
        Some(weighed)
    }

    fn collection(&mut self, named: &Named) -> Option<Vec<Arc<AssetMetadata>>> {
        match self.resolver.collection(&named.name) {
            Some(list) => Some(list.to_vec()),
            None => {
                let near = near_names(&named.name, self.resolver.collection_ids());
                let message = format!("there is no collection \"{}\" in the catalog", named.name);
                self.error(named.place, codes::UNRESOLVED, message, near);
                None
            }
        }
    }

    /// What fills time on this channel: its own choice, else the station's, else every asset whose type is
    /// filler. What traffic airs is no filler: it would come within its cooldown.
    fn filler(&mut self, station: Option<&FillerRef>, traffic: Option<&Traffic>) -> Vec<Arc<AssetMetadata>> {
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
                        let help = "put it into a media folder of the station and ingest it".to_owned();
                        self.error(*place, codes::UNRESOLVED, message, help);
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
            filler = self.resolver.of_type(AssetType::Filler).to_vec();
        }
        let Some(traffic) = traffic else { return filler };
        let any = !filler.is_empty();
        filler.retain(|asset| !traffic.holds(asset));
        if let (true, true, Some((_, place))) = (any, filler.is_empty(), self.spec.filler.first()) {
            let message = "all of this filler airs in the breaks of traffic, so black takes what is left";
            let help = "name other assets for the time that is nobody's, a clock or a test card";
            let finding = self.spec.sources.at(*place, message).help(help);
            self.report.push(finding.code(codes::EMPTY_POOL).warning());
        }
        filler
    }
}

/// What a selector selects from, as text: the same for selectors that select alike.
fn key_of(selector: &Selector, from: &[Named]) -> String {
    let mut parts: Vec<String> = from.iter().map(|named| named.name.clone()).collect();
    if from.is_empty() {
        parts.push(selector.kind.word().to_owned());
    }
    parts.extend(selector.criteria.iter().map(|criterion| format!("[{criterion}]")));
    parts.extend(selector.weights.iter().map(|(named, weight)| format!("{}:{weight}", named.name)));
    parts.extend(selector.seed.map(|seed| format!("seed {seed}")));
    parts.join(" ")
}

fn is_within(collection: &str, above: &str) -> bool {
    collection.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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
