//! What Core asks of AIR: the house format and block plans, as plain values.
//!
//! The JSON form of `PLAN.json` and the protobuf form carry the same fields. Unknown JSON fields are
//! ignored; a missing one is an error that names it. These types hold any values: judging them
//! against the contracts is AIR's job at acceptance, never the parser's.

pub use crate::cue::{Cue, CueCommand, CuePlace, Segmentation, SpliceInsert, TimeSignal};
pub use crate::notes::Notes;
use retrovue_timebase::{Millis, UtcMs};
use serde::{Deserialize, Serialize};

/// The fixed shape of a channel's output for the lifetime of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseFormat {
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Frame rate numerator.
    pub fps_num: u32,
    /// Frame rate denominator.
    pub fps_den: u32,
    /// Video rate in kb/s.
    pub video_bitrate_kbps: u32,
    /// Audio rate in kb/s.
    pub audio_bitrate_kbps: u32,
    /// Frames from one IDR picture to the next.
    pub gop_frames: u32,
    /// Constant rate of the transport stream in kb/s; variable when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mux_rate_kbps: Option<u32>,
    /// Preset of the video encoder; empty for the default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preset: String,
    /// ISO 639-2 code of the preferred audio track; empty for the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub audio_language: String,
    /// Threads of the video encoder; 0 for the default.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub encoder_threads: u32,
    /// The stream has a PID of cues for splicing, without which no block may have cues.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cues: bool,
}

/// One schedulable unit with absolute wall-clock fences (seed 003 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlan {
    /// Unique within a session.
    pub block_id: String,
    /// Channel this block belongs to, for correlation.
    pub channel_id: i32,
    /// Start fence.
    pub start_utc_ms: UtcMs,
    /// End fence, exclusive.
    pub end_utc_ms: UtcMs,
    /// Segments in execution order.
    pub segments: Vec<Segment>,
    /// What the event tables tell from this block's start on: the event on the air, the following one, and
    /// those of the schedule. Text for receivers; no frame depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What is cued, in the order of its frames. No frame depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<Cue>,
}

/// One event of the guide, as EN 300 468 tells events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Of its own among the events of the tables.
    pub event_id: u16,
    /// When it begins.
    pub start_utc_ms: UtcMs,
    /// How long it lasts.
    pub duration_ms: Millis,
    /// Its name.
    pub title: String,
    /// A line about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub short_text: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub long_text: String,
    /// ISO 639-2 code of the texts; empty for undetermined.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// `content_nibble_level_1` and `_2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<u8>,
    /// Least age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating_age: Option<u8>,
}

/// A stretch of one asset with its allotted Content Time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Position in the block, from 0 without gaps.
    pub segment_index: i32,
    /// Path or `file://` URI of the asset.
    pub asset_uri: String,
    /// Where in the asset the segment begins.
    pub asset_start_offset_ms: Millis,
    /// Allotted time.
    pub segment_duration_ms: Millis,
    /// Planned output frames (INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_count: Option<i64>,
    /// Core's own notes; AIR never reads them (INV-BLOCKPLAN-METADATA-IGNORED).
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub metadata: Notes,
}

/// A whole `PLAN.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Output format of the session.
    pub format: HouseFormat,
    /// Contiguous blocks, in order.
    pub blocks: Vec<BlockPlan>,
}

pub(crate) fn is_zero(n: &u32) -> bool {
    *n == 0
}

pub(crate) fn is_false(flag: &bool) -> bool {
    !flag
}
