//! The guide as others read it: XMLTV, and the events inside the stream, from the same plan that airs.
//!
//! Deliberately no guide of its own: every line comes from [`crate::plan::Programming::guide`].

mod events;
mod xmltv;

pub use events::{events, local_time};
pub use xmltv::{Listing, xmltv};
