//! Core: everything about a station that is not a picture. The catalog and its ingest, the programming
//! language, the plan of what airs, the channels' runtime, the HTTP station and the operator's commands.
//!
//! Core owns editorial truth and never decodes, encodes, muxes or paces: those are AIR's, another process
//! (seed 000). Nothing here links a codec; media files are only ever opened by `retrovue-air`.
//!
//! ```text
//! media folders ─ ingest ─▶ catalog ─ snapshot ─┐
//!                                               ▼
//! channel YAML ─ yaml ─▶ dsl ─────────────▶ plan::Programming ─▶ air (one manager per channel) ─▶ AIR
//! station.yaml ─ yaml ─▶ config ─▶ cli          └─▶ guide        station (HTTP) ◀── MPEG-TS ──────┘
//! ```
//!
//! What airs is a pure function of catalog, files, instant and seed:
//!
//! ```
//! use retrovue_scheduler::catalog::StubAssetResolver;
//! use retrovue_scheduler::config::default_format;
//! use retrovue_scheduler::dsl::parse_channel;
//! use retrovue_scheduler::plan::{ChannelInfo, Programming, ProgrammingParts};
//! use retrovue_scheduler::yaml::Document;
//! use retrovue_timebase::UtcMs;
//! use std::path::Path;
//!
//! let assets = r#"{"assets":[{"id":"a","title":"Pilot","type":"episode","collection":"col.show",
//!     "duration_sec":1320,"uri":"/media/pilot.mp4"}],"programs":[]}"#;
//! let resolver = StubAssetResolver::parse(Path::new("assets.json"), assets)?;
//! let text = "channel: one\nschedule:\n  daily: {start: '06:00', until: '06:00', \
//!     episode_selector: {collection: col.show}}\n";
//! let (spec, _) = parse_channel(Document::parse(Path::new("one.yaml"), text)?)?;
//! let info = ChannelInfo { id: spec.id.clone(), channel_id: 1, number: 1, name: spec.name.clone() };
//! let (programming, _) = Programming::new(ProgrammingParts {
//!     format: default_format(),
//!     channels: vec![(info, spec)],
//!     resolver: &resolver,
//!     filler: None,
//!     black_uri: "/data/black.mp4".into(),
//!     seed: 42,
//! })?;
//! let block = programming.block_at("one", UtcMs(1_000_000_000_000), &Default::default())?;
//! assert_eq!(block.end_utc_ms.since(block.start_utc_ms).0, 30 * 60_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod air;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod dsl;
pub mod guide;
pub mod ingest;
#[doc(hidden)]
pub mod noise;
pub mod plan;
pub mod station;
pub mod yaml;
