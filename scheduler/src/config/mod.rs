//! `station.yaml`: which media, which channels, in which format, on which port.
//!
//! Reads and judges the file, resolves its paths against the file's own folder, and stops there: nothing
//! is scanned, opened or bound here.

mod guide_on_air;
mod house_format;
mod station;

pub use guide_on_air::GuideOnAir;
pub use house_format::default_format;
pub use station::{DEFAULT_LINGER, DEFAULT_PORT, FillerRef, MediaFolder, StationConfig};
