//! Media folders into the catalog: scan, recognise names, probe, record.
//!
//! Deliberately opens no media file itself: the prober is a child process, and a file that takes it down
//! is recorded with the reason while the scan goes on. Running it twice changes nothing; a scan that was
//! cut short goes on where it stopped, for what is recorded is recorded.

pub(crate) mod names;
mod prober;
mod scan;
mod walk;

pub use names::{slug, title_from_name};
pub use prober::{ProbeFailure, Prober, ProberCommand, ProberError};
pub use scan::{Ingest, IngestError, IngestReport, IngestSource, Progress};
