//! The guide as others read it: XMLTV, written from the same plan that airs.
//!
//! Deliberately no guide of its own: every line comes from [`crate::plan::Programming::guide`].

mod xmltv;

pub use xmltv::xmltv;
