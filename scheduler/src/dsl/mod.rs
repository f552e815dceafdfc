//! The programming language of seed 004: a channel's YAML into a [`ChannelSpec`], with every finding at
//! once and each at its line and column.
//!
//! Only what the text alone can tell is judged here. Whether a collection exists, and what fits where, is
//! for `plan` to say, which knows the catalog.
//!
//! Beyond the seed: `name`, `number` and `filler` for the station; `grid` (`60s`, `15m`) in place of the
//! template's grid; `until` on a block, whose slots then repeat until that time.

mod parse;
mod spec;
mod wall_time;

pub use parse::{examine_channel, parse_channel, read_channel};
pub use spec::{Block, ChannelSpec, ChannelTemplate, DayKey, DayRule, Named, Selector, SelectorMode, Slot};
pub use wall_time::{BROADCAST_DAY_HOUR, WallTime};
