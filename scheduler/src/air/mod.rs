//! The runtime of the channels: who runs, with which blocks, and what happens when a session ends.
//!
//! [`channel`] decides (pure, on a clock given by the caller), [`director`] carries out (processes,
//! sockets, timers). Nothing here touches viewers' sockets or transport stream bytes: that is
//! [`crate::station`]. Nothing here plans: blocks come from a [`schedule::Schedule`].
//!
//! ```text
//! viewers (front) --Viewers--> ChannelManager --Open/Feed/Stop--> director --control socket--> AIR
//!                                    ^                                |
//!                                    +---- replies, events, deaths ---+
//!                                                                     |
//!                            catalog <--recorder <--queue-- SessionRun (as-run of each session)
//! ```

pub mod as_run;
pub mod asset_folders;
mod avoid;
mod backoff;
pub mod changeover;
pub mod channel;
pub mod director;
mod journal;
mod keeper;
pub mod reconcile;
pub(crate) mod recorder;
pub mod schedule;
mod session;
mod session_link;
#[cfg(test)]
mod year_simulation;
#[cfg(test)]
mod year_tests;
