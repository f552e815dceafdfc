//! What airs when: tier 1 (programmes on the grid), tier 2 (acts and breaks), traffic (breaks filled), and
//! the immutable [`Programming`] the runtime asks.
//!
//! Everything here is a pure function of the catalog's snapshot, the channel files, a date and a seed
//! (seed 004; selection has no counters); the spots of breaks are one also of how their rotation stood where the day
//! began. It deliberately reads no clock, opens no media file and knows no viewers. Where rotations stood is kept by a
//! [`RotationBook`].
//!
//! ```text
//! ChannelSpec + AssetResolver ── resolve, judge ──▶ LineUp ── place ──▶ PlacedDay ── day_plan ──▶ blocks, guide
//!                    matching                          progress, pool      acts, breaks, filler
//! ```

mod acts;
mod black;
mod breaks;
pub(crate) mod broadcast_day;
#[cfg(test)]
mod calendar_tests;
mod catalog_book;
mod changes;
mod cues;
mod day_clock;
mod day_plan;
mod explain;
mod filler;
mod fit;
mod judge;
mod line_up;
mod matching;
mod opening;
mod place;
mod pool;
mod program_schedule;
mod programming;
#[cfg(test)]
mod programming_tests;
mod progress;
mod resolve;
mod rotation;
pub(crate) mod shuffle;
mod single;
mod traffic;
#[cfg(test)]
pub(crate) mod traffic_tests;
mod waiting;

pub use acts::LogEntry;
pub use black::{black_path, write_black};
pub use catalog_book::CatalogBook;
pub use changes::{Change, RecordedSchedule, ScheduledProgramme, changes};
pub use day_plan::LogBlock;
pub use explain::{Explanation, PoolShown, Refused, RuleShown, SlotShown, SpotShown};
pub(crate) use filler::note;
pub use opening::{ChannelFile, LeftOut, OpenError, Opened, channel_files};
pub use program_schedule::{COMPILER_VERSION, ProgramBlock, ProgramSchedule, SelectorUsed, Source};
pub use programming::{
    ChannelInfo, DEFAULT_SEED, GuideCategory, GuideEvent, PlanError, Programming, ProgrammingParts,
};
pub use rotation::{Airing, DAYS_CARRIED, MemoryBook, Opening, RotationBook};
pub use single::{CompiledDay, SingleChannel};
