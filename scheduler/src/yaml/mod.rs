//! YAML with places: every key and value of a document with its line, column and bytes, and the
//! diagnostics that point at them.
//!
//! Deliberately knows nothing of stations or schedules, and stops at the tree: what a key means is for
//! `config` and `dsl` to say. This is the only module that knows serde-saphyr.

mod diagnostic;
mod fields;
mod shape;
mod tree;

pub(crate) use diagnostic::INVALID;
pub use diagnostic::{Diagnostic, Level, Report, nearest};
pub(crate) use fields::{Fields, MISSING_KEY, UNKNOWN_KEY, WRONG_KIND};
pub use shape::{Form, Key, Shape};
pub use tree::{Document, Node, Place, Value};
