//! From the tree of a channel file to a [`ChannelSpec`].

use super::spec::{
    Block, ChannelSpec, ChannelTemplate, DayKey, DayRule, Named, Selector, SelectorMode, Slot,
};
use super::wall_time::WallTime;
use crate::config::FillerRef;
use crate::yaml::{Diagnostic, Document, Fields, Node, Place, Report, Value, nearest};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_timebase::Millis;
use std::path::Path;
use std::sync::Arc;

/// Shortest grid: a programme block a second would drown the guide.
const MIN_GRID_SECONDS: i64 = 10;

/// Most slots in one block, and blocks in one rule.
const MAX_ITEMS: usize = 10_000;

/// Reads and parses a channel file.
///
/// # Errors
/// Everything wrong with it at once. On success the report holds warnings at most.
pub fn read_channel(path: &Path) -> Result<(ChannelSpec, Report), Report> {
    let document = Document::read(path)?;
    parse_channel(document)
}

/// Parses a channel document.
///
/// # Errors
/// Everything wrong with it at once. On success the report holds warnings at most.
pub fn parse_channel(document: Document) -> Result<(ChannelSpec, Report), Report> {
    match examine_channel(document) {
        (Some(spec), report) if !report.has_errors() => Ok((spec, report)),
        (_, report) => Err(report),
    }
}

/// Parses what can be parsed. With errors in the report, the channel is good for finding more of them
/// (names that lead nowhere) and for nothing else.
#[must_use]
pub fn examine_channel(document: Document) -> (Option<ChannelSpec>, Report) {
    let document = Arc::new(document);
    let mut report = Report::default();
    let spec = Parser { document: &document, report: &mut report }.channel(&document);
    report.sort();
    (spec, report)
}

struct Parser<'a, 'r> {
    document: &'a Document,
    report: &'r mut Report,
}

/// A template or a schedule entry: what it gives of a block.
struct BlockFields<'a> {
    start: Option<(WallTime, &'a Node)>,
    until: Option<(WallTime, &'a Node)>,
    slots: Option<&'a Node>,
}

impl<'a> Parser<'a, '_> {
    fn channel(&mut self, shared: &Arc<Document>) -> Option<ChannelSpec> {
        let mut fields = Fields::of(self.document, &self.document.root, "the channel file", self.report)?;
        let id = fields
            .need_text("channel", self.report, "give the channel a short name: channel: retro_prime")
            .map(|(text, node)| {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
                if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
                    self.error(
                        node,
                        format!("\"{text}\" is no channel name"),
                        "1 to 64 of a-z, 0-9, _ and -",
                    );
                }
                text.to_owned()
            });
        let name = fields.text("name", self.report).map(|(text, _)| text.to_owned());
        let number = fields.number("number", 1, 99_999, self.report).and_then(|(n, _)| u32::try_from(n).ok());
        let broadcast_day = fields.text("broadcast_day", self.report).and_then(|(text, node)| {
            let day = text.parse::<Date>().ok().filter(|d| (1900..=9000).contains(&d.year()));
            if day.is_none() {
                self.error(node, format!("\"{text}\" is no date"), "write YYYY-MM-DD");
            }
            day
        });
        let (zone_name, zone) = match fields.text("timezone", self.report) {
            None => ("UTC".to_owned(), TimeZone::UTC),
            Some((text, node)) => (text.to_owned(), self.zone(text, node)),
        };
        let template = match fields.text("template", self.report) {
            None | Some(("network_television", _)) => ChannelTemplate::NetworkTelevision,
            Some(("premium_movie", _)) => ChannelTemplate::PremiumMovie,
            Some((text, node)) => {
                let known = "templates: network_television, premium_movie";
                self.error(node, format!("there is no channel template \"{text}\""), known);
                ChannelTemplate::NetworkTelevision
            }
        };
        let grid = fields.text("grid", self.report).and_then(|(text, node)| self.grid(text, node));
        let grid = grid.unwrap_or(template.grid());
        let folder = self.document.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut filler = Vec::new();
        for node in fields.one_or_many("filler") {
            match node.scalar() {
                Some(text) => filler.push((FillerRef::read(text, &folder), node.place)),
                None => self.error(
                    node,
                    format!("filler must be a collection or a file, not {}", node.kind()),
                    "",
                ),
            }
        }
        let templates = self.templates(fields.take("templates"));
        let schedule_node = fields.need("schedule", self.report, "say what airs: schedule: {daily: …}");
        let schedule = schedule_node.map(|node| self.schedule(node, &templates, grid)).unwrap_or_default();
        let _ = fields.take("notes");
        for key in ["analytics", "sponsorships"] {
            if let Some(node) = fields.take(key) {
                let message = format!("\"{key}\" is reserved for later and has no effect");
                self.report.push(Diagnostic::at(self.document, node, message).warning());
            }
        }
        fields.finish(self.report);
        let id = id?;
        let name = name.unwrap_or_else(|| crate::ingest::title_from_name(&id));
        Some(ChannelSpec {
            document: Arc::clone(shared),
            id,
            name,
            number,
            broadcast_day,
            zone_name,
            zone,
            template,
            grid,
            filler,
            schedule,
        })
    }

    fn error(&mut self, node: &Node, message: String, help: &str) {
        let diagnostic = Diagnostic::at(self.document, node, message);
        self.report.push(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }

    fn zone(&mut self, text: &str, node: &Node) -> TimeZone {
        TimeZone::get(text).unwrap_or_else(|_| {
            let names: Vec<String> = jiff::tz::db().available().map(|n| n.as_str().to_owned()).collect();
            let near = nearest(text, names.iter().map(String::as_str));
            let help = match near.first() {
                Some(name) => format!("did you mean {name}?"),
                None => "use a name like America/New_York or Europe/Berlin".to_owned(),
            };
            self.error(node, format!("there is no time zone \"{text}\""), &help);
            TimeZone::UTC
        })
    }

    /// Reads `60s`, `15m` or `1h`. It must divide an hour, so that the grid keeps to the wall clock when
    /// the clocks change.
    fn grid(&mut self, text: &str, node: &Node) -> Option<Millis> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit = match unit.trim() {
            "s" => Some(1),
            "m" | "min" => Some(60),
            "h" => Some(3600),
            _ => None,
        };
        let seconds = digits.parse::<i64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
        match seconds {
            Some(s) if (MIN_GRID_SECONDS..=3600).contains(&s) && 3600 % s == 0 => Some(Millis(s * 1000)),
            _ => {
                let help = "10s, 60s, 5m, 15m, 30m or 1h: 10 seconds to an hour, dividing an hour";
                self.error(node, format!("\"{text}\" is no grid"), help);
                None
            }
        }
    }

    fn templates(&mut self, node: Option<&'a Node>) -> Vec<(&'a str, BlockFields<'a>)> {
        let Some(node) = node else { return Vec::new() };
        let Value::Mapping(pairs) = &node.value else {
            self.error(
                node,
                format!("templates must be a mapping of names to blocks, not {}", node.kind()),
                "",
            );
            return Vec::new();
        };
        let mut templates = Vec::new();
        for (key, value) in pairs {
            let Some(name) = key.scalar() else { continue };
            if let Some(mut fields) = Fields::of(self.document, value, "a template", self.report) {
                let block = self.block_fields(&mut fields);
                fields.finish(self.report);
                if block.slots.is_none() {
                    self.error(
                        key,
                        format!("the template \"{name}\" has no slots"),
                        "list what airs: slots: […]",
                    );
                }
                templates.push((name, block));
            }
        }
        templates
    }

    fn block_fields(&mut self, fields: &mut Fields<'a>) -> BlockFields<'a> {
        let start = self.time(fields, "start");
        let until = self.time(fields, "until").map(|(time, node)| (time.as_end(), node));
        BlockFields { start, until, slots: fields.take("slots") }
    }

    fn time(&mut self, fields: &mut Fields<'a>, key: &'static str) -> Option<(WallTime, &'a Node)> {
        let (text, node) = fields.text(key, self.report)?;
        match WallTime::read(text) {
            Some(time) => Some((time, node)),
            None => {
                let help =
                    "write \"HH:MM\" in quotes, 00:00 to 29:59; a broadcast day runs from 06:00 to 06:00";
                self.error(node, format!("\"{text}\" is no time of day"), help);
                None
            }
        }
    }

    fn schedule(
        &mut self,
        node: &'a Node,
        templates: &[(&'a str, BlockFields<'a>)],
        grid: Millis,
    ) -> Vec<DayRule> {
        let Value::Mapping(pairs) = &node.value else {
            self.error(
                node,
                format!("the schedule must be a mapping of days to blocks, not {}", node.kind()),
                "",
            );
            return Vec::new();
        };
        let mut rules = Vec::new();
        for (key, value) in pairs {
            let word = key.scalar().unwrap_or_default();
            let Some(days) = DayKey::read(word) else {
                let near = nearest(word, DayKey::WORDS);
                let help = match near.first() {
                    Some(known) => format!("did you mean \"{known}\"?"),
                    None => format!("known: {}", DayKey::WORDS.join(", ")),
                };
                self.error(key, format!("\"{word}\" names no days"), &help);
                continue;
            };
            let entries: Vec<&Node> = match &value.value {
                Value::Sequence(items) => items.iter().collect(),
                Value::Null => Vec::new(),
                _ => vec![value],
            };
            if entries.len() > MAX_ITEMS {
                self.error(value, format!("more than {MAX_ITEMS} blocks"), "use templates and until");
                continue;
            }
            let mut blocks = Vec::new();
            for entry in entries {
                self.entry(entry, templates, grid, &mut blocks);
            }
            rules.push(DayRule { days, blocks });
        }
        rules
    }

    /// One entry of a day: a template by name, a block of slots, or a single programme.
    fn entry(
        &mut self,
        node: &'a Node,
        templates: &[(&'a str, BlockFields<'a>)],
        grid: Millis,
        blocks: &mut Vec<Block>,
    ) {
        let Some(mut fields) = Fields::of(self.document, node, "a schedule entry", self.report) else {
            return;
        };
        let template = fields.text("use", self.report).and_then(|(name, place)| {
            let found = templates.iter().find(|(known, _)| *known == name).map(|(_, block)| block);
            if found.is_none() {
                let near = nearest(name, templates.iter().map(|(known, _)| *known));
                let help = match near.first() {
                    Some(known) => format!("did you mean \"{known}\"?"),
                    None => "define it under templates".to_owned(),
                };
                self.error(place, format!("there is no template \"{name}\""), &help);
            }
            found
        });
        let uses_template = fields.take("use").is_some();
        let own = self.block_fields(&mut fields);
        let slots_node = own.slots.or(template.and_then(|t| t.slots));
        let mut slots = Vec::new();
        if own.slots.is_none() && !uses_template {
            let start = own.start;
            match self.slot(fields, "a schedule entry") {
                Some(slot) => slots.push((slot, start)),
                None => return,
            }
        } else {
            fields.finish(self.report);
            if uses_template && template.is_none() {
                return;
            }
            let Some(list) = slots_node else { return };
            let Value::Sequence(items) = &list.value else {
                self.error(list, format!("slots must be a list, not {}", list.kind()), "");
                return;
            };
            if items.is_empty() || items.len() > MAX_ITEMS {
                self.error(list, format!("a block needs 1 to {MAX_ITEMS} slots, not {}", items.len()), "");
                return;
            }
            for item in items {
                let Some(mut fields) = Fields::of(self.document, item, "a slot", self.report) else {
                    continue;
                };
                let start = self.time(&mut fields, "start");
                if let Some(slot) = self.slot(fields, "a slot") {
                    slots.push((slot, start));
                }
            }
        }
        let start = own.start.or(template.and_then(|t| t.start));
        let until = own.until.or(template.and_then(|t| t.until));
        self.assemble(node.place, start, until, slots, grid, blocks);
    }

    /// Makes blocks: a slot with a `start` of its own begins another one.
    fn assemble(
        &mut self,
        place: Place,
        start: Option<(WallTime, &'a Node)>,
        until: Option<(WallTime, &'a Node)>,
        slots: Vec<(Slot, Option<(WallTime, &'a Node)>)>,
        grid: Millis,
        blocks: &mut Vec<Block>,
    ) {
        let first = blocks.len();
        for (slot, own_start) in slots {
            let begins = own_start.or(if blocks.len() == first { start } else { None });
            if let Some((time, node)) = begins {
                if time.seconds() * 1000 % grid.0 != 0 {
                    let message = format!("{time} is off the grid of {}", span(grid));
                    self.error(
                        node,
                        message,
                        "programmes start on grid lines; move it, or set grid: for the channel",
                    );
                }
                blocks.push(Block { place: node.place, start: time, until: None, slots: vec![slot] });
            } else if blocks.len() == first {
                let message = "it is not said when this starts";
                let help = "give a start: start: \"20:00\"";
                self.report.push(Diagnostic::at_place(self.document, place, message).help(help));
                return;
            } else if let Some(block) = blocks.last_mut() {
                block.slots.push(slot);
            }
        }
        if let (Some((time, node)), Some(block)) = (until, blocks.get_mut(first..).and_then(|b| b.last_mut()))
        {
            if time <= block.start {
                let message = format!("until {time} is not after the start at {}", block.start);
                self.error(
                    node,
                    message,
                    "a broadcast day runs from 06:00 to 06:00; split the block at 06:00",
                );
            } else if time.seconds() * 1000 % grid.0 != 0 {
                self.error(
                    node,
                    format!("{time} is off the grid of {}", span(grid)),
                    "end the block on a grid line",
                );
            } else {
                block.until = Some(time);
            }
        }
    }

    fn slot(&mut self, mut fields: Fields<'a>, what: &'static str) -> Option<Slot> {
        let place = fields.place();
        let title = fields.text("title", self.report).map(|(text, _)| text.to_owned());
        let program = fields
            .text("program", self.report)
            .map(|(name, node)| Named { name: name.to_owned(), place: node.place });
        let episodes = fields.take("episode_selector");
        let movies = fields.take("movie_selector");
        fields.finish(self.report);
        let selector = match (episodes, movies) {
            (Some(_), Some(node)) => {
                self.error(
                    node,
                    format!("{what} cannot have both an episode_selector and a movie_selector"),
                    "",
                );
                return None;
            }
            (Some(node), None) => self.episode_selector(node)?,
            (None, Some(node)) => self.movie_selector(node)?,
            (None, None) => Selector::Episodes { collection: None, mode: SelectorMode::Sequential },
        };
        if program.is_none() && matches!(selector, Selector::Episodes { collection: None, .. }) {
            let message = format!("{what} does not say what airs");
            let help = "give a program, an episode_selector with a collection, or a movie_selector";
            self.report.push(Diagnostic::at_place(self.document, place, message).help(help));
            return None;
        }
        Some(Slot { place, title, program, selector })
    }

    fn episode_selector(&mut self, node: &'a Node) -> Option<Selector> {
        let mut fields = Fields::of(self.document, node, "an episode_selector", self.report)?;
        let collection = fields
            .text("collection", self.report)
            .map(|(name, node)| Named { name: name.to_owned(), place: node.place });
        let mode = match fields.text("mode", self.report) {
            None | Some(("sequential", _)) => SelectorMode::Sequential,
            Some(("random", _)) => SelectorMode::Random,
            Some(("weighted", node)) => {
                self.error(
                    node,
                    "the mode \"weighted\" is not supported yet".to_owned(),
                    "use sequential or random",
                );
                SelectorMode::Random
            }
            Some((text, node)) => {
                self.error(node, format!("there is no mode \"{text}\""), "modes: sequential, random");
                SelectorMode::Sequential
            }
        };
        fields.not_yet(&["seed", "weights", "min_cooldown_days", "season", "seasons"], self.report);
        fields.finish(self.report);
        Some(Selector::Episodes { collection, mode })
    }

    fn movie_selector(&mut self, node: &'a Node) -> Option<Selector> {
        let mut fields = Fields::of(self.document, node, "a movie_selector", self.report)?;
        let mut collections = Vec::new();
        for item in fields.one_or_many("collections").into_iter().chain(fields.take("collection")) {
            match item.scalar() {
                Some(name) => collections.push(Named { name: name.to_owned(), place: item.place }),
                None => self.error(item, format!("a collection must be a name, not {}", item.kind()), ""),
            }
        }
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        if let Some(rating) = fields.take("rating")
            && let Some(mut rating) = Fields::of(self.document, rating, "rating", self.report)
        {
            for (key, list) in [("include", &mut include), ("exclude", &mut exclude)] {
                list.extend(
                    rating.one_or_many(key).into_iter().filter_map(|n| n.scalar().map(str::to_owned)),
                );
            }
            rating.finish(self.report);
        }
        const TEN_DAYS: u64 = 10 * 86_400;
        let mut seconds = |key| {
            let found = fields.number(key, 1, TEN_DAYS, self.report);
            found.and_then(|(n, _)| i64::try_from(n).ok()).map(|n| Millis(n * 1000))
        };
        let (min_duration, max_duration) = (seconds("min_duration_sec"), seconds("max_duration_sec"));
        if let Some((_, node)) = fields.number("min_cooldown_days", 0, 36_500, self.report) {
            let message = "min_cooldown_days is not kept yet: a film comes again when all others of its pool have aired";
            self.report.push(Diagnostic::at(self.document, node, message).warning());
        }
        fields.not_yet(&["mode", "genres", "decades", "weights", "seed"], self.report);
        fields.finish(self.report);
        if collections.is_empty() {
            self.error(node, "a movie_selector needs collections".to_owned(), "collections: [col.movies]");
            return None;
        }
        Some(Selector::Movies { collections, include, exclude, min_duration, max_duration })
    }
}

fn span(grid: Millis) -> String {
    let seconds = grid.0 / 1000;
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Weekday;
    use proptest::prelude::*;

    pub(super) const SITCOMS: &str = r#"channel: retro_prime
broadcast_day: 1989-10-12
timezone: America/New_York
notes:
  vibe: "Water-cooler Thursday"

templates:
  weeknight_sitcom_block:
    start: "20:00"
    slots:
      - title: "Cosby Show"
        program: p.coz_s3
        episode_selector:
          collection: col.cozby_show_s3
          mode: sequential
      - title: "Cheers"
        program: p.cheers_s6
        episode_selector:
          collection: col.cheers_s6
          mode: random

schedule:
  weeknights:
    use: weeknight_sitcom_block
"#;

    const MOVIES: &str = r#"channel: retro_movies
broadcast_day: 1989-10-14
timezone: America/New_York
template: premium_movie

schedule:
  saturday:
    - start: "20:00"
      movie_selector:
        collections:
          - col.movies.blockbusters_70s_90s
          - col.movies.family_adventure
        rating:
          include: [PG, PG-13]
        min_cooldown_days: 21
        max_duration_sec: 7200
"#;

    fn parse(text: &str) -> Result<(ChannelSpec, Report), Report> {
        parse_channel(Document::parse(Path::new("x.yaml"), text).map_err(Report::from)?)
    }

    #[test]
    fn the_sitcom_block_of_seed_004_is_read() {
        let (spec, report) = parse(SITCOMS).unwrap();
        assert!(report.findings().is_empty(), "{report}");
        assert_eq!(
            (spec.id.as_str(), spec.name.as_str(), spec.grid),
            ("retro_prime", "retro prime", Millis(1_800_000))
        );
        assert_eq!(spec.broadcast_day.unwrap().to_string(), "1989-10-12");
        let block = &spec.schedule[0].blocks[0];
        assert_eq!(
            (block.start, block.until, block.slots.len()),
            (WallTime::read("20:00").unwrap(), None, 2)
        );
        assert!(matches!(&block.slots[1].selector, Selector::Episodes { mode: SelectorMode::Random, .. }));
    }

    #[test]
    fn the_movie_night_of_seed_004_is_read_with_a_warning_for_the_cooldown() {
        let (spec, report) = parse(MOVIES).unwrap();
        assert_eq!((spec.template, spec.grid), (ChannelTemplate::PremiumMovie, Millis(900_000)));
        assert_eq!(report.findings().len(), 1);
        assert!(report.to_string().contains("min_cooldown_days is not kept yet"));
        let Selector::Movies { collections, include, max_duration, .. } =
            &spec.schedule[0].blocks[0].slots[0].selector
        else {
            panic!()
        };
        assert_eq!((collections.len(), include.len(), *max_duration), (2, 2, Some(Millis(7_200_000))));
    }

    #[test]
    fn blocks_repeat_until_a_time_and_slots_may_start_blocks() {
        let (spec, _) = parse(
            "channel: a\ngrid: 60s\nschedule:\n  daily:\n    - start: '06:00'\n      until: '06:00'\n      slots:\n        - {program: p.a}\n        - {program: p.b, start: '12:01'}\n        - {program: p.c}\n",
        )
        .unwrap();
        let blocks = &spec.schedule[0].blocks;
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].until, blocks[0].slots.len()), (None, 1));
        assert_eq!((blocks[1].until, blocks[1].slots.len()), (Some(WallTime::DAY_END), 2));
    }

    #[test]
    fn each_fault_is_found_at_its_place_with_what_to_do() {
        let head = "channel: a\nschedule:\n";
        let table: [(&str, usize, usize, &str); 16] = [
            ("channel: A!\nschedule: {daily: []}\n", 1, 10, "no channel name"),
            ("chanel: a\nschedule: {daily: []}\n", 1, 1, "did you mean \"channel\""),
            ("channel: a\n", 1, 1, "needs the key \"schedule\""),
            ("channel: a\ntimezone: America/New_Yrok\nschedule: {daily: []}\n", 2, 11, "America/New_York"),
            ("channel: a\ngrid: 7m\nschedule: {daily: []}\n", 2, 7, "dividing an hour"),
            ("channel: a\nbroadcast_day: 1989-13-01\nschedule: {daily: []}\n", 2, 16, "no date"),
            ("channel: a\ntemplate: cable\nschedule: {daily: []}\n", 2, 11, "premium_movie"),
            ("channel: a\nschedule:\n  mondays: []\n", 3, 3, "did you mean \"monday\""),
            ("channel: a\nschedule:\n  daily: {use: nix}\n", 3, 16, "no template \"nix\""),
            (
                "channel: a\nschedule:\n  daily: {start: '20:07', program: p.x}\n",
                3,
                18,
                "off the grid of 30 min",
            ),
            ("channel: a\nschedule:\n  daily: {start: '25:99', program: p.x}\n", 3, 18, "no time of day"),
            ("channel: a\nschedule:\n  daily: {program: p.x}\n", 3, 10, "when this starts"),
            ("channel: a\nschedule:\n  daily: {start: '20:00', title: X}\n", 3, 10, "what airs"),
            (
                "channel: a\nschedule:\n  daily: {start: '20:00', until: '19:00', program: p.x}\n",
                3,
                34,
                "not after",
            ),
            (
                "channel: a\nschedule:\n  daily: {start: '20:00', program: p, episode_selector: {mode: weighted}}\n",
                3,
                64,
                "not supported yet",
            ),
            (
                "channel: a\nschedule:\n  daily: {start: '20:00', programm: p.x}\n",
                3,
                27,
                "did you mean \"program\"",
            ),
        ];
        assert!(parse(&format!("{head}  daily: []\n")).is_ok());
        for (text, line, column, part) in table {
            let report = parse(text).unwrap_err();
            let found = report.findings().iter().any(|d| {
                (d.place().line, d.place().column) == (line, column) && d.to_string().contains(part)
            });
            assert!(found, "{text}\n{report}");
        }
    }

    #[test]
    fn days_of_the_week_belong_to_their_words() {
        let table = [("daily", 7), ("weekdays", 5), ("weeknights", 5), ("weekends", 2), ("sunday", 1)];
        for (word, count) in table {
            let key = DayKey::read(word).unwrap();
            let days = Weekday::Monday.cycle_forward().take(7).filter(|d| key.holds(*d)).count();
            assert_eq!(days, count, "{word}");
        }
    }

    proptest! {
        #[test]
        fn mutated_channels_never_panic(at in 0usize..700, with in any::<char>(), which in any::<bool>()) {
            let mut text = if which { SITCOMS.to_owned() } else { MOVIES.to_owned() };
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            text.insert(at, with);
            let _ = parse(&text);
        }

        #[test]
        fn shortened_channels_never_panic(keep in 0usize..700, drop in 0usize..40) {
            let mut text = SITCOMS.to_owned();
            let keep = keep.min(text.len());
            let end = (keep + drop).min(text.len());
            text.replace_range(keep..end, "");
            let _ = parse(&text);
        }
    }
}
