//! What is held of every parser, whatever bytes it is given: no panic, and of what it accepts the things that the
//! code behind it relies on. Each check is shared by a libFuzzer program in `fuzz/fuzz_targets` and by the replay
//! of `fuzz/corpus` in the ordinary suite.
//!
//! ```
//! use retrovue_fuzz_checks::{Verdict, head};
//! assert_eq!(head::check(b"GET / HTTP/1.0\r\n\r\n"), Verdict::Taken);
//! assert_eq!(head::check(b"\x16\x03\x01"), Verdict::Refused);
//! ```

pub mod catalog;
pub mod channel;
pub mod frames;
pub mod head;
pub mod media;
pub mod names;
pub mod packets;
pub mod plan;
mod scratch;
pub mod sidecar;
pub mod station;

/// What became of the bytes. A corpus holds some of both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Something was made of them, and it is as it must be.
    Taken,
    /// The parser refused them.
    Refused,
}

/// Feeds one parser.
pub type Check = fn(&[u8]) -> Verdict;

/// All checks, by the names of their corpora and libFuzzer programs.
pub const CHECKS: &[(&str, Check)] = &[
    ("catalog", catalog::check),
    ("channel", channel::check),
    ("frames", frames::check),
    ("head", head::check),
    ("media", media::check),
    ("names", names::check),
    ("packets", packets::check),
    ("plan", plan::check),
    ("sidecar", sidecar::check),
    ("station", station::check),
];
