//! Codes of findings: the words by which programs tell them apart. They stay as they are once given.

use crate::yaml;

/// The file cannot be read.
pub const UNREADABLE: &str = "unreadable";
/// It is not YAML.
pub const NOT_YAML: &str = "not-yaml";
/// A key nobody reads.
pub const UNKNOWN_KEY: &str = yaml::UNKNOWN_KEY;
/// A key that must be there.
pub const MISSING_KEY: &str = yaml::MISSING_KEY;
/// A list where a mapping belongs, or the like.
pub const WRONG_KIND: &str = yaml::WRONG_KIND;
/// A value that is none of those that may stand there.
pub const INVALID_VALUE: &str = yaml::INVALID;
/// Keys that cannot stand together.
pub const CONFLICT: &str = "conflict";
/// A template, pool or program that is nowhere.
pub const UNKNOWN_NAME: &str = "unknown-name";
/// One name for two things.
pub const DUPLICATE_NAME: &str = "duplicate-name";
/// A file that includes itself.
pub const INCLUDE_CYCLE: &str = "include-cycle";
/// Files that cannot be included.
pub const INCLUDE: &str = "include";
/// A time between the lines of the grid.
pub const OFF_GRID: &str = "off-grid";
/// A block without a beginning.
pub const NO_START: &str = "no-start";
/// A slot that does not say what airs.
pub const NOTHING_TO_AIR: &str = "nothing-to-air";
/// A reference to nothing in the catalog.
pub const UNRESOLVED: &str = "unresolved";
/// A selector that nothing satisfies.
pub const EMPTY_POOL: &str = "empty-pool";
/// Two blocks that want the same time.
pub const OVERLAP: &str = "overlap";
/// A runtime longer than its slot.
pub const TOO_LONG: &str = "too-long";
/// Some of a selector's assets are longer than their slot.
pub const MAY_NOT_FIT: &str = "may-not-fit";
/// A program that has no room on a day.
pub const NO_ROOM: &str = "no-room";
/// Time that nothing covers.
pub const GAP: &str = "gap";
/// A cooldown that the pool is too small for.
pub const COOLDOWN: &str = "cooldown";
/// Spots that no break has a part for.
pub const UNUSED_SPOTS: &str = "unused-spots";
/// Breaks that traffic has too little for.
pub const THIN_TRAFFIC: &str = "thin-traffic";
/// A key that is reserved.
pub const RESERVED: &str = "reserved";

/// All of them.
pub const ALL: [&str; 25] = [
    UNREADABLE,
    NOT_YAML,
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_KIND,
    INVALID_VALUE,
    CONFLICT,
    UNKNOWN_NAME,
    DUPLICATE_NAME,
    INCLUDE_CYCLE,
    INCLUDE,
    OFF_GRID,
    NO_START,
    NOTHING_TO_AIR,
    UNRESOLVED,
    EMPTY_POOL,
    OVERLAP,
    TOO_LONG,
    MAY_NOT_FIT,
    NO_ROOM,
    GAP,
    COOLDOWN,
    UNUSED_SPOTS,
    THIN_TRAFFIC,
    RESERVED,
];
