//! The sample station's media, drawn and encoded on the spot: a test card, three short series, two films,
//! advertisements, bumpers and idents.
//!
//! ```text
//!  repertoire ─▶ Item ─┬▶ reel: scenes ─▶ sprites on a stage ─▶ 4:2:0 pictures ─┐
//!                      └▶ score: instruments ─▶ 48 kHz stereo ──────────────────┴▶ MP4 (codec) ─▶ folder
//! ```
//!
//! Nothing is needed but one embedded typeface; every picture is a function of its number, and the same
//! edition gives the same files. The station does not depend on this crate: it plays whatever media it is
//! given.
//!
//! ```
//! use retrovue_testcard::{Length, repertoire};
//!
//! let items = repertoire(Length::Full);
//! assert!(items.iter().any(|item| item.path == "filler/Test Card.mp4"));
//! ```

mod counter;
mod dice;
mod easel;
mod folder;
mod frame;
mod palette;
mod produce;
mod reel;
mod repertoire;
mod scenes;
mod score;
mod sprite;
mod stage;
mod synth;
mod typeface;

pub use folder::{COMPLETE, EDITION, Observer, Order, Report, fill, is_complete};
pub use produce::{ProduceError, produce};
pub use repertoire::{Item, Length, repertoire};
