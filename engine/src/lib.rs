//! AIR: executes block plans as one continuous MPEG-TS, frame by frame.
//!
//! ```text
//! BlockPlans ─▶ session (which asset position is frame k?) ─▶ fill ─▶ encode ─▶ mux + pace ─▶ bytes
//! ```
//!
//! [`session`] is pure. [`pipeline`] moves frames between threads and paces the output by
//! [`clock`]. [`render`] runs both on a virtual clock, [`serve`] on the monotonic one behind the
//! control socket; [`metrics`] counts what happens. Nothing here knows a schedule, a zone or what kind of content a
//! segment is; the words of the guide pass through [`service`] unread.

pub mod asset;
pub mod clock;
pub mod format;
pub mod isolation;
pub mod legacy;
pub mod metrics;
pub mod pipeline;
pub mod probe;
pub mod render;
pub mod scheduling;
pub mod serve;
pub mod service;
pub mod session;
