//! The tables judged from outside: by a reader that shares no code with them, by other people's readers,
//! over an hour of departures, and by the allocator.

#![allow(clippy::unwrap_used)]

mod allocation;
mod departures;
mod events;
mod foreign;
mod hour;
mod reader;
mod replacing;
mod station;
