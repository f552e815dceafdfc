//! The muxer judged from outside: by a reader that shares no code with it, by other people's readers,
//! by golden bytes, and by the allocator.

#![allow(clippy::unwrap_used)]

mod allocation;
mod checked;
mod cues;
mod drive;
mod elementary;
mod foreign;
mod foreign_kinds;
mod golden;
mod hrd;
mod hrd_limit;
mod kinds;
mod mixtures;
mod properties;
mod reader;
mod reader_controls;
mod refusals;
mod resume;
