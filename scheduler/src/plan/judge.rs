//! What cannot be placed on any day, and what may not on some: blocks that want the same time, runtimes longer
//! than their slots (seed 004, Validation).

use super::line_up::{LineUp, ResolvedBlock, clock};
use crate::dsl::{SelectorMode, WallTime, codes};
use crate::yaml::{Place, Report};

/// Judges the blocks of every day of the week and every stretch of dates, layer by layer.
pub(crate) fn judge_layers(line_up: &LineUp, report: &mut Report) {
    let mut judge = Judge { line_up, report };
    for layer in line_up.week.iter().flatten() {
        judge.layer(layer);
    }
    for layer in line_up.dates.iter().flat_map(|stretches| stretches.values()) {
        judge.layer(layer);
    }
}

struct Judge<'a> {
    line_up: &'a LineUp,
    report: &'a mut Report,
}

impl Judge<'_> {
    fn error(&mut self, place: Place, code: &'static str, message: String, help: &str) {
        self.report.push(self.line_up.sources.at(place, message).help(help).code(code));
    }

    fn layer(&mut self, layer: &[usize]) {
        for (index, block) in layer.iter().enumerate() {
            let block = &self.line_up.blocks[*block];
            let next = layer.get(index + 1).map(|next| self.line_up.blocks[*next].start);
            if next == Some(block.start) {
                let message = format!("another block starts at {} on the same day", block.start);
                let help = "give one of them another time, or another day";
                self.error(block.place, codes::OVERLAP, message, help);
                continue;
            }
            let room_end = next.unwrap_or(WallTime::DAY_END);
            if let Some(until) = block.until
                && until > room_end
            {
                let message =
                    format!("this block runs until {until}, over the one that starts at {room_end}");
                self.error(block.place, codes::OVERLAP, message, &format!("end it by {room_end}"));
                continue;
            }
            let end = block.until.unwrap_or(room_end);
            self.room(block, (end.seconds() - block.start.seconds()) * 1000, end);
        }
    }

    /// Whether a block's programmes fit into the time until something else begins.
    fn room(&mut self, block: &ResolvedBlock, room: i64, end: WallTime) {
        let cycling = block.until.is_some();
        let (mut least, mut most) = (0, 0);
        for index in block.slots.clone() {
            let slot = &self.line_up.slots[index];
            let pool = &self.line_up.pools[slot.pool];
            let (shortest, longest) = (pool.shortest, pool.longest);
            let left = room - if cycling { 0 } else { least };
            if shortest > left {
                let what = match pool.assets.as_slice() {
                    [one] => format!("\"{}\" takes", one.title),
                    _ => "the shortest program here takes".to_owned(),
                };
                let message = format!(
                    "{what} {} of the grid and there is room for {} until {end}",
                    clock(shortest),
                    clock(left.max(0)),
                );
                let help = "move the next block, drop a slot, or choose shorter programs";
                self.error(slot.place, codes::TOO_LONG, message, help);
                return;
            }
            if pool.mode == SelectorMode::Sequential && longest > left {
                // A run that waits for room that never comes would stand still for ever.
                let asset = pool.lengths.iter().position(|length| *length == longest).unwrap_or(0);
                let message = format!(
                    "\"{}\" takes {} of the grid and there is room for {} until {end}",
                    pool.assets[asset].title,
                    clock(longest),
                    clock(left),
                );
                let help = "move the next block, or narrow the selector with match: {duration: ..…}";
                self.error(slot.place, codes::TOO_LONG, message, help);
                return;
            }
            if longest > room || (!cycling && most + longest > room) {
                let message = format!(
                    "some programs here are too long to end by {end}: the longest takes {}",
                    clock(longest)
                );
                let help = "where one does not fit, another or filler takes its time";
                let finding = self.line_up.sources.at(slot.place, message).help(help);
                self.report.push(finding.code(codes::MAY_NOT_FIT).warning());
                return;
            }
            (least, most) = (least + shortest, most + longest);
        }
    }
}
