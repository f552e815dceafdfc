//! The programming language of seed 004: a channel's YAML into a [`ChannelSpec`], with every finding at
//! once and each at its file, line and column.
//!
//! Only what the text alone can tell is judged here. Whether a collection exists, and what fits where, is
//! for `plan` to say, which knows the catalog.
//!
//! ```text
//! file ── include ──▶ Sources ── channel, blocks, selectors, criteria ──▶ ChannelSpec
//!                                        grammar (tables) ── schema ──▶ docs/channel.schema.json
//! ```

mod blocks;
mod channel;
pub mod codes;
mod criteria;
mod days;
mod grammar;
mod include;
mod reader;
mod schema;
mod selectors;
mod spec;
#[cfg(test)]
mod tests;
mod traffic;
mod wall_time;

pub use criteria::{Criterion, Subject, Test};
pub use days::DayKey;
pub use include::{ReadDocument, Sources};
pub use reader::{examine_channel, examine_channel_with, parse_channel, read_channel};
pub use schema::channel_schema;
pub use spec::{
    Block, ChannelSpec, ChannelTemplate, DayRule, Named, Selector, SelectorKind, SelectorMode, Slot,
};
pub(crate) use traffic::station_traffic;
pub use traffic::{BreakPart, SpotKind, SpotPool, TrafficSpec};
pub use wall_time::{BROADCAST_DAY_HOUR, WallTime};
