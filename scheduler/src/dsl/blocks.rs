//! Templates and the schedule: days, the blocks under them, and the slots of those.

use super::codes;
use super::days::DayKey;
use super::grammar::{DAY_WORDS, ENTRY, SLOT, TEMPLATE};
use super::reader::Reader;
use super::selectors::Pools;
use super::spec::{Block, DayRule, Slot};
use super::wall_time::WallTime;
use crate::yaml::{Fields, Node, Place, Value, nearest};
use retrovue_timebase::Millis;

/// Most slots in one block, and blocks in one rule.
const MAX_ITEMS: usize = 10_000;

/// Most days a channel may name, dates among them.
const MAX_RULES: usize = 1000;

/// A time and where it is written.
type At = (WallTime, Place);

/// Blocks by name.
#[derive(Debug, Default)]
pub(super) struct Templates<'a>(Vec<Template<'a>>);

/// A block with a name.
#[derive(Debug)]
struct Template<'a> {
    name: &'a str,
    file: usize,
    start: Option<At>,
    until: Option<At>,
    slots: Vec<(Slot, Option<At>)>,
    /// Whether its start was given and could not be read, which has been said.
    no_start: bool,
}

impl<'a> Reader<'a, '_> {
    /// Reads the templates of one file.
    pub(super) fn templates(&mut self, node: &'a Node, pools: &Pools<'a>, templates: &mut Templates<'a>) {
        for (name, key, value) in self.named(node, "templates") {
            let Some(mut fields) = self.fields(value, &TEMPLATE) else { continue };
            let (start, until) = self.bounds(&mut fields);
            let no_start = start.is_none() && fields.has("start");
            let list = fields.need("slots", self.report, "list what airs: slots: […]");
            let _ = fields.take("notes");
            fields.finish(self.report);
            let slots = list.map(|list| self.slots(list, pools)).unwrap_or_default();
            let known = templates.0.iter().map(|t| (t.name, t.file)).find(|(known, _)| *known == name);
            if self.is_new(key, "template", known) {
                templates.0.push(Template { name, file: key.place.file, start, until, slots, no_start });
            }
        }
    }

    /// The pairs of a mapping of names to things, which is called `what`.
    pub(super) fn named(&mut self, node: &'a Node, what: &str) -> Vec<(&'a str, &'a Node, &'a Node)> {
        let Value::Mapping(pairs) = &node.value else {
            let message = format!("{what} must be a mapping from names, not {}", node.kind());
            self.error(node, codes::WRONG_KIND, message, "write each as NAME: {…}");
            return Vec::new();
        };
        let mut named = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            match key.scalar() {
                Some(name) => named.push((name, key, value)),
                None => self.error(key, codes::WRONG_KIND, "a name must be a single value", ""),
            }
        }
        named
    }

    /// Whether a name may be given. What a file says comes before what it includes; two files of which neither
    /// includes the other must not say different things.
    pub(super) fn is_new(&mut self, key: &Node, what: &str, known: Option<(&str, usize)>) -> bool {
        let Some((name, file)) = known else { return true };
        if !self.sources.includes(file, key.place.file) {
            let path = self.sources.documents()[file].path.display();
            let message = format!("there is a {what} \"{name}\" in {path} already");
            self.error(key, codes::DUPLICATE_NAME, message, "give one of them another name");
        }
        false
    }

    /// Reads the schedule of one file.
    pub(super) fn schedule(
        &mut self,
        node: &'a Node,
        templates: &Templates<'a>,
        pools: &Pools<'a>,
        grid: Millis,
        rules: &mut Vec<DayRule>,
    ) {
        let Value::Mapping(pairs) = &node.value else {
            let message = format!("the schedule must be a mapping of days to blocks, not {}", node.kind());
            self.error(node, codes::WRONG_KIND, message, "schedule: {daily: […]}");
            return;
        };
        for (key, value) in pairs {
            let word = key.scalar().unwrap_or_default();
            let Some(days) = DayKey::read(word) else {
                let help = match nearest(word, DAY_WORDS).first() {
                    Some(known) => format!("did you mean \"{known}\"?"),
                    None => format!(
                        "known: {}, a date like 2026-12-25, or dates like 2026-12-24..2026-12-26",
                        DAY_WORDS.join(", ")
                    ),
                };
                self.error(key, codes::INVALID_VALUE, format!("\"{word}\" names no days"), &help);
                continue;
            };
            let entries: Vec<&Node> = match &value.value {
                Value::Sequence(items) => items.iter().collect(),
                Value::Null => Vec::new(),
                _ => vec![value],
            };
            if entries.len() > MAX_ITEMS || rules.len() == MAX_RULES {
                let message = format!("more than {MAX_ITEMS} blocks or {MAX_RULES} days");
                self.error(key, codes::INVALID_VALUE, message, "use templates, until, and days of the week");
                return;
            }
            let mut blocks = Vec::new();
            for entry in entries {
                self.entry(entry, templates, pools, grid, &mut blocks);
            }
            rules.push(DayRule { days, place: key.place, blocks });
        }
    }

    /// One entry of a day: a template by name, a block of slots, or a single programme.
    fn entry(
        &mut self,
        node: &'a Node,
        templates: &Templates<'a>,
        pools: &Pools<'a>,
        grid: Millis,
        blocks: &mut Vec<Block>,
    ) {
        let Some(mut fields) = self.fields(node, &ENTRY) else { return };
        let used = fields.text("use", self.report);
        let template = used.and_then(|(name, place)| self.template(name, place, templates));
        let (start, until) = self.bounds(&mut fields);
        let list = fields.take("slots");
        let of_blocks = fields.has("use") || list.is_some();
        let slots = if of_blocks {
            let what = if list.is_some() { "slots of its own" } else { "the slots of a template" };
            for key in ["title", "program", "episode_selector", "movie_selector"] {
                if let Some(value) = fields.take(key) {
                    let message = format!("this block has {what}, so it cannot have a {key}");
                    self.misplaced(value, message, "put it into a slot");
                }
            }
            match (list, template) {
                (Some(list), _) => self.slots(list, pools),
                (None, Some(template)) => template.slots.clone(),
                (None, None) => Vec::new(),
            }
        } else {
            self.slot_of(&mut fields, pools, "a schedule entry")
                .map(|slot| (slot, None))
                .into_iter()
                .collect()
        };
        let _ = fields.take("notes");
        let no_start = start.is_none() && (fields.has("start") || template.is_some_and(|t| t.no_start));
        fields.finish(self.report);
        if slots.is_empty() || no_start {
            return;
        }
        let start = start.or(template.and_then(|t| t.start));
        let until = until.or(template.and_then(|t| t.until));
        let name = template.filter(|_| list.is_none()).map(|t| t.name.to_owned());
        let from = blocks.len();
        self.assemble(node.place, start, until, slots, grid, blocks);
        for block in &mut blocks[from..] {
            block.template.clone_from(&name);
        }
    }

    fn template<'t>(
        &mut self,
        name: &str,
        place: &Node,
        templates: &'t Templates<'a>,
    ) -> Option<&'t Template<'a>> {
        let found = templates.0.iter().find(|template| template.name == name);
        if found.is_none() {
            let help = match nearest(name, templates.0.iter().map(|t| t.name)).first() {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => "define it under templates".to_owned(),
            };
            self.error(place, codes::UNKNOWN_NAME, format!("there is no template \"{name}\""), &help);
        }
        found
    }

    fn bounds(&mut self, fields: &mut Fields<'a>) -> (Option<At>, Option<At>) {
        let start = self.time(fields, "start");
        let until = self.time(fields, "until").map(|(time, place)| (time.as_end(), place));
        (start, until)
    }

    fn time(&mut self, fields: &mut Fields<'a>, key: &'static str) -> Option<At> {
        let (text, node) = fields.text(key, self.report)?;
        match WallTime::read(text) {
            Some(time) => Some((time, node.place)),
            None => {
                let help =
                    "write \"HH:MM\" in quotes, 00:00 to 29:59; a broadcast day runs from 06:00 to 06:00";
                self.error(node, codes::INVALID_VALUE, format!("\"{text}\" is no time of day"), help);
                None
            }
        }
    }

    fn slots(&mut self, list: &'a Node, pools: &Pools<'a>) -> Vec<(Slot, Option<At>)> {
        let Value::Sequence(items) = &list.value else {
            let message = format!("slots must be a list, not {}", list.kind());
            self.error(list, codes::WRONG_KIND, message, "slots: [{program: p.…}, …]");
            return Vec::new();
        };
        if items.is_empty() || items.len() > MAX_ITEMS {
            let message = format!("a block needs 1 to {MAX_ITEMS} slots, not {}", items.len());
            self.error(list, codes::INVALID_VALUE, message, "slots: [{program: p.…}, …]");
            return Vec::new();
        }
        let mut slots = Vec::with_capacity(items.len());
        for item in items {
            let Some(mut fields) = self.fields(item, &SLOT) else { continue };
            let start = self.time(&mut fields, "start");
            let slot = self.slot_of(&mut fields, pools, "a slot");
            let _ = fields.take("notes");
            fields.finish(self.report);
            slots.extend(slot.map(|slot| (slot, start)));
        }
        slots
    }

    /// Makes blocks: a slot with a `start` of its own begins another one.
    fn assemble(
        &mut self,
        place: Place,
        start: Option<At>,
        until: Option<At>,
        slots: Vec<(Slot, Option<At>)>,
        grid: Millis,
        blocks: &mut Vec<Block>,
    ) {
        let first = blocks.len();
        for (slot, own_start) in slots {
            let begins = own_start.or(if blocks.len() == first { start } else { None });
            if let Some((time, at)) = begins {
                if time.seconds() * 1000 % grid.0 != 0 {
                    let message = format!("{time} is off the grid of {}", span(grid));
                    let help = "programs start on grid lines; move it, or set grid: for the channel";
                    self.error_at(at, codes::OFF_GRID, message, help);
                }
                blocks.push(Block { place: at, template: None, start: time, until: None, slots: vec![slot] });
            } else if blocks.len() == first {
                let message = "it is not said when this starts";
                self.error_at(place, codes::NO_START, message, "give a start: start: \"20:00\"");
                return;
            } else if let Some(block) = blocks.last_mut() {
                block.slots.push(slot);
            }
        }
        let (Some((time, at)), Some(block)) = (until, blocks[first..].last_mut()) else { return };
        if time <= block.start {
            let message = format!("until {time} is not after the start at {}", block.start);
            let help = "a broadcast day runs from 06:00 to 06:00; split the block at 06:00";
            self.error_at(at, codes::INVALID_VALUE, message, help);
        } else if time.seconds() * 1000 % grid.0 != 0 {
            let message = format!("{time} is off the grid of {}", span(grid));
            self.error_at(at, codes::OFF_GRID, message, "end the block on a grid line");
        } else {
            block.until = Some(time);
        }
    }
}

fn span(grid: Millis) -> String {
    let seconds = grid.0 / 1000;
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}
