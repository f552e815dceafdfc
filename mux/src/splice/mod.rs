//! Cues for splicing (SCTE 35): what they say, their sections, and when those leave.
//!
//! ```text
//!  SpliceInfo ──▶ splice_info_section ──▶ CueLane ──▶ packets by deadline, among the streams
//!                  splice_descriptor         ▲
//!                                        heartbeat
//! ```
//!
//! When to break and for how long is the caller's to know. Sections are neither encrypted nor split into
//! components: a splice is of the whole program.

mod cue_lane;
mod splice_descriptor;
mod splice_info;

pub(crate) use cue_lane::{CUE_INTERVAL, CueLane};
pub use cue_lane::{CueConfig, CueError};
pub use splice_descriptor::{
    DeliveryRestrictions, Segmentation, SegmentationDescriptor, SpliceDescriptor, SubSegments,
};
pub use splice_info::{BreakDuration, SpliceCommand, SpliceInfo, SpliceInsert, SpliceTime};
