//! The top of a channel file, and of the files it includes.

use super::blocks::Templates;
use super::codes;
use super::days::read_date;
use super::grammar::{CHANNEL, SHARED};
use super::include::Sources;
use super::reader::Reader;
use super::selectors::Pools;
use super::spec::{ChannelSpec, ChannelTemplate, DayRule};
use super::traffic::TrafficSpec;
use crate::catalog::PictureType;
use crate::config::FillerRef;
use crate::yaml::{Fields, Node, Place, nearest};
use jiff::tz::TimeZone;
use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shortest grid: a programme block a second would drown the guide.
const MIN_GRID_SECONDS: i64 = 10;

impl<'a> Reader<'a, '_> {
    /// The channel file and what it includes.
    pub(super) fn channel(&mut self, shared: &Arc<Sources>) -> Option<ChannelSpec> {
        let document = self.sources.channel_file();
        let mut fields = self.fields(&document.root, &CHANNEL)?;
        let id = fields
            .need_text("channel", self.report, "give the channel a short name: channel: retro_prime")
            .map(|(text, node)| self.id(text, node));
        let name = fields.text("name", self.report).map(|(text, _)| text.to_owned());
        let number = fields.whole("number", self.report).and_then(|(n, _)| u32::try_from(n).ok());
        let folder = document.path.parent().unwrap_or(Path::new("")).to_owned();
        let logo = fields.text("logo", self.report).and_then(|(text, node)| self.logo(text, node, &folder));
        let broadcast_day = fields.text("broadcast_day", self.report).and_then(|(text, node)| {
            let day = read_date(text);
            if day.is_none() {
                let message = format!("\"{text}\" is no date");
                self.error(node, codes::INVALID_VALUE, message, "write YYYY-MM-DD, from 1900 to 9000");
            }
            day
        });
        let (zone_name, zone) = match fields.text("timezone", self.report) {
            None => ("UTC".to_owned(), TimeZone::UTC),
            Some((text, node)) => (text.to_owned(), self.zone(text, node)),
        };
        let template = match fields.word("template", self.report) {
            Some(("premium_movie", _)) => ChannelTemplate::PremiumMovie,
            _ => ChannelTemplate::NetworkTelevision,
        };
        let grid = fields.text("grid", self.report).and_then(|(text, node)| self.grid(text, node));
        let grid = grid.unwrap_or(template.grid());
        let seed = fields.whole("seed", self.report).map(|(seed, _)| seed);
        let mut filler = Vec::new();
        for node in fields.one_or_many("filler") {
            match node.scalar() {
                Some(text) => filler.push((FillerRef::read(text, &folder), node.place)),
                None => {
                    let message = format!("filler must be a collection or a file, not {}", node.kind());
                    self.error(node, codes::WRONG_KIND, message, "filler: col.filler");
                }
            }
        }
        let schedule_node = fields.need("schedule", self.report, "say what airs: schedule: {daily: …}");
        let mut parts = Parts::default();
        self.shared_keys(&mut fields, &mut parts);
        fields.finish(self.report);
        parts.schedules.extend(schedule_node);
        let schedule_place = schedule_node.map_or(document.root.place, |node| node.place);
        for included in self.sources.documents().iter().skip(1) {
            let Some(mut fields) = self.fields(&included.root, &SHARED) else { continue };
            self.shared_keys(&mut fields, &mut parts);
            parts.schedules.extend(fields.take("schedule"));
            fields.finish(self.report);
        }
        let (schedule, traffic) = self.parts(&parts, grid, shared);
        let id = id?;
        let name = name.unwrap_or_else(|| crate::ingest::title_from_name(&id));
        Some(ChannelSpec {
            sources: Arc::clone(shared),
            id,
            name,
            number,
            logo,
            broadcast_day,
            zone_name,
            zone,
            template,
            grid,
            seed,
            filler,
            traffic,
            schedule,
            schedule_place,
        })
    }

    fn parts(
        &mut self,
        parts: &Parts<'a>,
        grid: Millis,
        shared: &Arc<Sources>,
    ) -> (Vec<DayRule>, Option<TrafficSpec>) {
        let mut pools = Pools::default();
        for node in &parts.pools {
            self.pools(node, &mut pools);
        }
        let mut templates = Templates::default();
        for node in &parts.templates {
            self.templates(node, &pools, &mut templates);
        }
        let mut traffic: Option<TrafficSpec> = None;
        let mut first: Option<usize> = None;
        for node in &parts.traffic {
            if self.is_new(node, "section", first.map(|file| ("traffic", file))) {
                traffic = self.traffic(node, &pools, shared);
                first = Some(node.place.file);
            }
        }
        let mut rules = Vec::new();
        for node in &parts.schedules {
            self.schedule(node, &templates, &pools, grid, &mut rules);
        }
        (rules, traffic)
    }

    /// Keys that channel files and included files have in common.
    fn shared_keys(&mut self, fields: &mut Fields<'a>, parts: &mut Parts<'a>) {
        // Followed already, when the files were read.
        let _ = fields.take("include");
        let _ = fields.take("notes");
        parts.pools.extend(fields.take("pools"));
        parts.templates.extend(fields.take("templates"));
        parts.traffic.extend(fields.take("traffic"));
        for key in ["analytics", "sponsorships"] {
            if let Some(node) = fields.take(key) {
                let message = format!("\"{key}\" is reserved for later and has no effect");
                self.report.push(self.sources.at(node.place, message).code(codes::RESERVED).note());
            }
        }
    }

    fn id(&mut self, text: &str, node: &Node) -> String {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            let message = format!("\"{text}\" is no channel name");
            self.error(node, codes::INVALID_VALUE, message, "1 to 64 of a-z, 0-9, _ and -");
        }
        text.to_owned()
    }

    fn logo(&mut self, text: &str, node: &Node, folder: &Path) -> Option<(PathBuf, Place)> {
        if PictureType::of(Path::new(text)).is_none() {
            let message = format!("\"{text}\" is no picture that can be served");
            self.error(node, codes::INVALID_VALUE, message, "a file that ends in .jpg, .jpeg, .png or .webp");
            return None;
        }
        Some((folder.join(text), node.place))
    }

    fn zone(&mut self, text: &str, node: &Node) -> TimeZone {
        TimeZone::get(text).unwrap_or_else(|_| {
            let names: Vec<String> = jiff::tz::db().available().map(|n| n.as_str().to_owned()).collect();
            let near = nearest(text, names.iter().map(String::as_str));
            let help = match near.first() {
                Some(name) => format!("did you mean {name}?"),
                None => "use a name like America/New_York or Europe/Berlin".to_owned(),
            };
            self.error(node, codes::INVALID_VALUE, format!("there is no time zone \"{text}\""), &help);
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
                self.error(node, codes::INVALID_VALUE, format!("\"{text}\" is no grid"), help);
                None
            }
        }
    }
}

/// What the files give together, the channel file first.
#[derive(Default)]
struct Parts<'a> {
    pools: Vec<&'a Node>,
    templates: Vec<&'a Node>,
    traffic: Vec<&'a Node>,
    schedules: Vec<&'a Node>,
}
