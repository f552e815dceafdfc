//! Media into the catalog: list a source, skip what has not changed, probe the rest, record.
//!
//! ```text
//!  folder ──┐
//!  Jellyfin ├▶ Importer: Listing ─▶ scan ─▶ moves ─▶ probing (children) ─▶ catalog
//!  Plex ────┘                                   measuring (children) ─────▶ catalog
//! ```
//!
//! Deliberately opens no media file itself but to read a few pieces that tell it from others: the prober is a child
//! process, and a file that takes it down is recorded with the reason while the scan goes on. Running it twice
//! changes nothing; a scan that was cut short goes on where it stopped, for what is recorded is recorded.

mod absent;
mod artwork;
#[cfg(test)]
mod artwork_tests;
mod content_mark;
mod folder;
mod importer;
mod jellyfin;
mod look;
mod measure;
mod moves;
pub(crate) mod names;
pub(crate) mod nfo;
mod plex;
mod prober;
mod probing;
mod scan;
mod server;
#[cfg(test)]
mod server_tests;
mod servers;
mod walk;
mod watch;

pub use absent::{AbsentFolder, mark_absent};
pub use measure::{MeasureReport, measure};
pub use names::{slug, title_from_name};
pub use prober::{ProbeFailure, Prober, ProberCommand, ProberError};
pub use scan::{BadFile, Ingest, IngestError, IngestReport, IngestSource, Progress, Unseen};
pub(crate) use server::{PictureFailure, ServerPicture, fetch_picture};
pub use servers::scan_servers;
pub use watch::{FolderWatch, Rested, WatchStop, WatchTimes, watch};
