//! The verbs by which an operator looks after a station, over real installations: sound ones, and broken ones.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

mod channels;
mod databases;
mod doctor;
mod folder;
mod renewal;
mod schedules;
mod shells;
