//! What airs when: tier 1 (programmes on the grid), tier 2 (acts and breaks), traffic (breaks filled), and
//! the immutable [`Programming`] the runtime asks.
//!
//! Everything here is a pure function of the catalog's snapshot, the channel files, a date and a seed
//! (seed 004; selection has no counters). It deliberately reads no clock, opens no media file and knows no
//! viewers.
//!
//! ```text
//! ChannelSpec + AssetResolver ── resolve, judge ──▶ LineUp ── place ──▶ PlacedDay ── day_plan ──▶ blocks, guide
//!                    matching                          progress, pool          acts, traffic
//! ```

mod acts;
mod black;
mod broadcast_day;
#[cfg(test)]
mod calendar_tests;
mod changes;
mod day_clock;
mod day_plan;
mod explain;
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
mod shuffle;
mod single;
mod traffic;

pub use acts::LogEntry;
pub use black::{black_path, write_black};
pub use changes::{Change, RecordedSchedule, ScheduledProgramme, changes};
pub use day_plan::LogBlock;
pub use explain::{Explanation, PoolShown, Refused, RuleShown, SlotShown};
pub use opening::{ChannelFile, LeftOut, OpenError, Opened, channel_files};
pub use program_schedule::{COMPILER_VERSION, ProgramBlock, ProgramSchedule, SelectorUsed, Source};
pub use programming::{
    ChannelInfo, DEFAULT_SEED, GuideCategory, GuideEvent, PlanError, Programming, ProgrammingParts,
};
pub use single::{CompiledDay, SingleChannel};
