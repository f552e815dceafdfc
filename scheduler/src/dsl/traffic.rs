//! `traffic`: what fills the breaks, how often each may air, and in which order they come.

use super::codes;
use super::criteria::span_ms;
use super::grammar::{BREAK_PARTS, MOST_TRAFFIC_COOLDOWN, SPOTS, TRAFFIC};
use super::include::Sources;
use super::reader::Reader;
use super::selectors::{Pools, named};
use super::spec::{Selector, SelectorKind, SelectorMode};
use crate::catalog::AssetType;
use crate::yaml::{Fields, Node, Place, Report, nearest};
use retrovue_timebase::Millis;
use std::sync::Arc;

/// Most parts of a break.
const MOST_PARTS: usize = 16;

/// What fills a channel's breaks.
#[derive(Debug, Clone)]
pub struct TrafficSpec {
    /// The files its places are in.
    pub sources: Arc<Sources>,
    /// Where it stands.
    pub place: Place,
    /// What there is to air, at most one pool for each kind; none at all where it says `none`.
    pub pools: Vec<SpotPool>,
    /// A break from its first part to its last.
    pub form: Vec<BreakPart>,
}

/// Spots of one kind.
#[derive(Debug, Clone)]
pub struct SpotPool {
    /// What they are.
    pub kind: SpotKind,
    /// Which assets, with their weights. Without collections and criteria: all of the catalog that are of the kind.
    pub selector: Selector,
    /// Time from the start of one airing of an asset to the start of its next; 0 for any.
    pub cooldown: Millis,
    /// Most airings of one asset within any hour.
    pub per_hour: Option<u32>,
    /// Most airings of one asset on a broadcast day.
    pub per_day: Option<u32>,
}

/// What airs in breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpotKind {
    /// An advert.
    Commercial,
    /// A trailer.
    Promo,
    /// What opens and closes a break.
    Bumper,
    /// The station's own mark.
    Ident,
}

/// A part of a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakPart {
    /// One spot of the kind, `bumper`.
    One(SpotKind),
    /// As many of the kind as the time holds, `commercials`. Where there are several such parts, all of their
    /// spots take turns, and each stands in its own part.
    Fill(SpotKind),
}

impl SpotKind {
    /// All of them, in the order of the language's table.
    pub const ALL: [SpotKind; 4] = [SpotKind::Commercial, SpotKind::Promo, SpotKind::Bumper, SpotKind::Ident];

    /// One of them, as a break names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SpotKind::Commercial => "commercial",
            SpotKind::Promo => "promo",
            SpotKind::Bumper => "bumper",
            SpotKind::Ident => "ident",
        }
    }

    /// The key of its pool, and the part that many of them fill.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            SpotKind::Commercial => "commercials",
            SpotKind::Promo => "promos",
            SpotKind::Bumper => "bumpers",
            SpotKind::Ident => "idents",
        }
    }

    /// What assets of the kind are in the catalog; idents are bumpers there.
    #[must_use]
    pub fn asset_type(self) -> AssetType {
        match self {
            SpotKind::Commercial => AssetType::Commercial,
            SpotKind::Promo => AssetType::Promo,
            SpotKind::Bumper | SpotKind::Ident => AssetType::Bumper,
        }
    }
}

impl BreakPart {
    /// Of which kind it is.
    #[must_use]
    pub fn kind(self) -> SpotKind {
        match self {
            BreakPart::One(kind) | BreakPart::Fill(kind) => kind,
        }
    }

    fn read(word: &str) -> Option<BreakPart> {
        if !BREAK_PARTS.contains(&word) {
            return None;
        }
        SpotKind::ALL.into_iter().find_map(|kind| match word {
            word if word == kind.word() => Some(BreakPart::One(kind)),
            word if word == kind.words() => Some(BreakPart::Fill(kind)),
            _ => None,
        })
    }
}

/// Reads `traffic` of a station file, where it stands for all channels that have none.
pub(crate) fn station_traffic(
    document: &crate::yaml::Document,
    node: &Node,
    report: &mut Report,
) -> Option<TrafficSpec> {
    let sources = Arc::new(Sources::new(document.clone()));
    Reader { sources: &sources, report }.traffic(node, &Pools::default(), &sources)
}

impl<'a> Reader<'a, '_> {
    /// Reads `traffic`.
    pub(super) fn traffic(
        &mut self,
        node: &'a Node,
        pools: &Pools<'a>,
        sources: &Arc<Sources>,
    ) -> Option<TrafficSpec> {
        let mut spec = TrafficSpec {
            sources: Arc::clone(sources),
            place: node.place,
            pools: Vec::new(),
            form: Vec::new(),
        };
        if node.scalar() == Some("none") {
            return Some(spec);
        }
        let mut fields = self.fields(node, &TRAFFIC)?;
        let mut named = Vec::new();
        let mut whole = true;
        for kind in SpotKind::ALL {
            let Some(value) = fields.take(kind.words()) else { continue };
            named.push((kind, value));
            match self.spots(kind, value, pools) {
                Some(pool) => spec.pools.push(pool),
                None => whole = false,
            }
        }
        let parts = fields.one_or_many("break");
        let told = !parts.is_empty();
        let _ = fields.take("notes");
        fields.finish(self.report);
        if named.is_empty() {
            let help = "name what fills the breaks: traffic: {commercials: {collection: col.adverts}}";
            self.error(node, codes::NOTHING_TO_AIR, "traffic has nothing to air", help);
            return None;
        }
        let there: Vec<SpotKind> = named.iter().map(|(kind, _)| *kind).collect();
        spec.form = if told { self.form(&parts, &there) } else { usual_form(&there) };
        if told && spec.form.len() == parts.len() {
            for (kind, value) in &named {
                if !spec.form.iter().any(|part| part.kind() == *kind) {
                    let message = format!("the break has no part for the {}, so none airs", kind.words());
                    let help = format!("write {} into the break, or take them out", kind.word());
                    let finding = self.sources.at(value.place, message).help(help);
                    self.report.push(finding.code(codes::UNUSED_SPOTS).warning());
                }
            }
        }
        whole.then_some(spec)
    }

    fn form(&mut self, parts: &[&'a Node], there: &[SpotKind]) -> Vec<BreakPart> {
        let mut form = Vec::with_capacity(parts.len());
        if let Some(extra) = parts.get(MOST_PARTS) {
            let message = format!("a break of more than {MOST_PARTS} parts");
            self.error(extra, codes::INVALID_VALUE, message, "commercials and promos stand for many");
            return form;
        }
        for node in parts {
            let Some(word) = node.scalar() else {
                let message = format!("a part of a break must be a word, not {}", node.kind());
                self.error(node, codes::WRONG_KIND, message, "break: [bumper, commercials, bumper]");
                continue;
            };
            match BreakPart::read(word) {
                Some(part) if there.contains(&part.kind()) => form.push(part),
                Some(part) => {
                    let words = part.kind().words();
                    let message = format!("the break has a {word}, and traffic has no {words}");
                    let help = format!("say where they are: {words}: {{collection: col.…}}");
                    self.error(node, codes::UNKNOWN_NAME, message, &help);
                }
                None => {
                    let help = match nearest(word, BREAK_PARTS.iter().copied()).first() {
                        Some(near) => {
                            format!("did you mean \"{near}\"? there are {}", BREAK_PARTS.join(", "))
                        }
                        None => format!("there are {}", BREAK_PARTS.join(", ")),
                    };
                    self.error(node, codes::INVALID_VALUE, format!("a break has no part \"{word}\""), &help);
                }
            }
        }
        form
    }

    /// Reads the spots of a kind: a collection by its name, or a mapping.
    fn spots(&mut self, kind: SpotKind, node: &'a Node, pools: &Pools<'a>) -> Option<SpotPool> {
        let mut selector = Selector {
            place: node.place,
            kind: SelectorKind::Episode,
            collections: Vec::new(),
            criteria: Vec::new(),
            mode: SelectorMode::Random,
            weights: Vec::new(),
            cooldown_days: 0,
            seed: None,
        };
        let free = |selector| SpotPool { kind, selector, cooldown: Millis(0), per_hour: None, per_day: None };
        if let Some(name) = node.scalar() {
            selector.collections.push(named((name, node)));
            return Some(free(selector));
        }
        let mut fields = self.fields(node, &SPOTS)?;
        let drawn = self.drawn(&mut fields, pools);
        selector.weights = self.weights(&mut fields, SelectorMode::Weighted);
        if !selector.weights.is_empty() {
            selector.mode = SelectorMode::Weighted;
        }
        let cooldown = self.cooldown(&mut fields);
        let mut most = |key| fields.whole(key, self.report).and_then(|(n, _)| u32::try_from(n).ok());
        let (per_hour, per_day) = (most("max_per_hour"), most("max_per_day"));
        let _ = fields.take("notes");
        fields.finish(self.report);
        (selector.collections, selector.criteria) = drawn?;
        Some(SpotPool { cooldown, per_hour, per_day, ..free(selector) })
    }

    fn cooldown(&mut self, fields: &mut Fields<'a>) -> Millis {
        let Some((text, node)) = fields.text("cooldown", self.report) else { return Millis(0) };
        match span_ms(text) {
            Some(ms) if ms <= MOST_TRAFFIC_COOLDOWN => Millis(ms),
            _ => {
                let help = "write 45s, 30m or 2h, at most 168h; a number alone is seconds";
                self.error(node, codes::INVALID_VALUE, format!("\"{text}\" is no cooldown"), help);
                Millis(0)
            }
        }
    }
}

/// A break of what is there: opened and closed by bumpers, with one promo and one ident after the commercials.
fn usual_form(there: &[SpotKind]) -> Vec<BreakPart> {
    let promos = if there.contains(&SpotKind::Commercial) { BreakPart::One } else { BreakPart::Fill };
    let all = [
        BreakPart::One(SpotKind::Bumper),
        BreakPart::Fill(SpotKind::Commercial),
        promos(SpotKind::Promo),
        BreakPart::One(SpotKind::Ident),
        BreakPart::One(SpotKind::Bumper),
    ];
    all.into_iter().filter(|part| there.contains(&part.kind())).collect()
}
