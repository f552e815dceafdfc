//! Slots, the selectors in them, and the pools that selectors name.

use super::codes;
use super::criteria::Criterion;
use super::grammar::{EPISODE_SELECTOR, MOST_WEIGHT, MOVIE_SELECTOR, POOL};
use super::reader::Reader;
use super::spec::{Named, Selector, SelectorKind, SelectorMode, Slot};
use crate::yaml::{Fields, Node, Value, nearest};

/// Most collections of one selector.
const MOST_COLLECTIONS: usize = 1000;

/// Pools by name.
#[derive(Debug, Default)]
pub(super) struct Pools<'a>(Vec<Pool<'a>>);

/// Assets by name.
#[derive(Debug)]
struct Pool<'a> {
    name: &'a str,
    file: usize,
    collections: Vec<Named>,
    criteria: Vec<Criterion>,
}

impl<'a> Reader<'a, '_> {
    /// Reads the pools of one file.
    pub(super) fn pools(&mut self, node: &'a Node, pools: &mut Pools<'a>) {
        for (name, key, value) in self.named(node, "pools") {
            let Some(mut fields) = self.fields(value, &POOL) else { continue };
            let (collections, criteria) = self.source(&mut fields);
            let _ = fields.take("notes");
            fields.finish(self.report);
            if collections.is_empty() && criteria.is_empty() {
                let message = format!("the pool \"{name}\" does not say what is in it");
                self.error(key, codes::NOTHING_TO_AIR, message, "give it collections, a match, or both");
            }
            let known = pools.0.iter().map(|p| (p.name, p.file)).find(|(known, _)| *known == name);
            if self.is_new(key, "pool", known) {
                pools.0.push(Pool { name, file: key.place.file, collections, criteria });
            }
        }
    }

    /// What a slot, or an entry that is one, says of its programme.
    pub(super) fn slot_of(
        &mut self,
        fields: &mut Fields<'a>,
        pools: &Pools<'a>,
        what: &'static str,
    ) -> Option<Slot> {
        let place = fields.place();
        let title = fields.text("title", self.report).map(|(text, _)| text.to_owned());
        let program = fields.text("program", self.report).map(named);
        let episodes = fields.take("episode_selector");
        let movies = fields.take("movie_selector");
        let selector = match (episodes, movies) {
            (Some(_), Some(node)) => {
                let message = format!("{what} cannot have both an episode_selector and a movie_selector");
                self.misplaced(node, message, "keep one of them, or make two slots");
                return None;
            }
            (Some(node), None) => self.selector(node, SelectorKind::Episode, pools)?,
            (None, Some(node)) => self.selector(node, SelectorKind::Movie, pools)?,
            (None, None) => Selector {
                place,
                kind: SelectorKind::Episode,
                collections: Vec::new(),
                criteria: Vec::new(),
                mode: SelectorMode::Sequential,
                weights: Vec::new(),
                cooldown_days: 0,
                seed: None,
            },
        };
        let told = episodes.or(movies).is_some_and(names_source);
        if program.is_none() && !told {
            let (place, message) = match movies {
                Some(node) => {
                    (node.place, "a movie_selector needs collections, a pool or a match".to_owned())
                }
                None => (place, format!("{what} does not say what airs")),
            };
            let help = "give a program, or a selector with a collection, a pool or a match";
            self.error_at(place, codes::NOTHING_TO_AIR, message, help);
            return None;
        }
        Some(Slot { place, title, program, selector })
    }

    fn selector(&mut self, node: &'a Node, kind: SelectorKind, pools: &Pools<'a>) -> Option<Selector> {
        let shape = match kind {
            SelectorKind::Episode => &EPISODE_SELECTOR,
            SelectorKind::Movie => &MOVIE_SELECTOR,
        };
        let mut fields = self.fields(node, shape)?;
        let drawn = self.drawn(&mut fields, pools);
        let mode = match fields.word("mode", self.report) {
            Some(("sequential", _)) => SelectorMode::Sequential,
            Some(("weighted", _)) => SelectorMode::Weighted,
            Some(_) => SelectorMode::Random,
            None if fields.has("weights") => SelectorMode::Weighted,
            None if kind == SelectorKind::Movie => SelectorMode::Random,
            None => SelectorMode::Sequential,
        };
        let weights = self.weights(&mut fields, mode);
        let cooldown = fields.whole("min_cooldown_days", self.report);
        if let (Some((1.., node)), SelectorMode::Sequential) = (cooldown, mode) {
            let message = "a sequential run keeps its order, so it cannot keep a cooldown";
            self.misplaced(node, message.to_owned(), "take it out, or use mode: random");
        }
        let cooldown_days = cooldown.and_then(|(days, _)| u32::try_from(days).ok()).unwrap_or(0);
        let seed = fields.whole("seed", self.report).map(|(seed, _)| seed);
        fields.finish(self.report);
        let (collections, criteria) = drawn?;
        let place = node.place;
        Some(Selector { place, kind, collections, criteria, mode, weights, cooldown_days, seed })
    }

    /// What a selector selects from: a pool by name, narrowed by what it says itself. Nothing where there is no such
    /// pool.
    pub(super) fn drawn(
        &mut self,
        fields: &mut Fields<'a>,
        pools: &Pools<'a>,
    ) -> Option<(Vec<Named>, Vec<Criterion>)> {
        let (mut collections, mut criteria) = (Vec::new(), Vec::new());
        let mut known = true;
        if let Some((name, place)) = fields.text("pool", self.report) {
            match pools.0.iter().find(|pool| pool.name == name) {
                Some(pool) => {
                    collections.clone_from(&pool.collections);
                    criteria.clone_from(&pool.criteria);
                }
                None => {
                    self.no_pool(name, place, pools);
                    known = false;
                }
            }
        }
        collections.extend(fields.text("collection", self.report).map(named));
        let (more, narrower) = self.source(fields);
        collections.extend(more);
        criteria.extend(narrower);
        known.then_some((collections, criteria))
    }

    fn no_pool(&mut self, name: &str, place: &Node, pools: &Pools<'a>) {
        let help = match nearest(name, pools.0.iter().map(|pool| pool.name)).first() {
            Some(known) => format!("did you mean \"{known}\"?"),
            None => "define it under pools".to_owned(),
        };
        self.error(place, codes::UNKNOWN_NAME, format!("there is no pool \"{name}\""), &help);
    }

    /// Collections and criteria: what pools and selectors have in common.
    fn source(&mut self, fields: &mut Fields<'a>) -> (Vec<Named>, Vec<Criterion>) {
        let mut collections = Vec::new();
        for item in fields.one_or_many("collections") {
            if collections.len() == MOST_COLLECTIONS {
                let message = format!("more than {MOST_COLLECTIONS} collections");
                self.error(item, codes::INVALID_VALUE, message, "name the collection above them");
                break;
            }
            match item.scalar() {
                Some(name) => collections.push(named((name, item))),
                None => {
                    let message = format!("a collection must be a name, not {}", item.kind());
                    self.error(item, codes::WRONG_KIND, message, "collections: [col.movies]");
                }
            }
        }
        let mut criteria = Vec::new();
        if let Some(node) = fields.take("match") {
            self.criteria(node, &mut criteria);
        }
        self.limits(fields, &mut criteria);
        (collections, criteria)
    }

    pub(super) fn weights(&mut self, fields: &mut Fields<'a>, mode: SelectorMode) -> Vec<(Named, u32)> {
        let Some(node) = fields.take("weights") else { return Vec::new() };
        if mode != SelectorMode::Weighted {
            let message = format!("weights have no meaning in the mode \"{mode}\"");
            self.misplaced(node, message, "write mode: weighted, or take the weights out");
        }
        let mut weights = Vec::new();
        for (name, key, value) in self.named(node, "weights") {
            let weight = value.scalar().and_then(|text| text.parse::<u32>().ok());
            match weight.filter(|w| u64::from(*w) <= MOST_WEIGHT) {
                Some(weight) => weights.push((named((name, key)), weight)),
                None => {
                    let message = format!("a weight must be a whole number from 0 to {MOST_WEIGHT}");
                    self.error(value, codes::INVALID_VALUE, message, "2 airs twice as often as 1, 0 never");
                }
            }
        }
        weights
    }
}

/// Whether a selector says what it selects from; whether it says it rightly is found elsewhere.
fn names_source(selector: &Node) -> bool {
    const KEYS: [&str; 7] =
        ["collection", "collections", "pool", "match", "rating", "min_duration_sec", "max_duration_sec"];
    let Value::Mapping(pairs) = &selector.value else { return false };
    pairs
        .iter()
        .any(|(key, value)| value.value != Value::Null && key.scalar().is_some_and(|key| KEYS.contains(&key)))
}

pub(super) fn named((name, node): (&str, &Node)) -> Named {
    Named { name: name.to_owned(), place: node.place }
}
