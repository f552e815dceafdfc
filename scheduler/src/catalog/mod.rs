//! What the station owns: sources, collections, assets with what the probe found, programmes, the channels' lasting
//! identities, and what was planned and sent, in one SQLite file.
//!
//! Holds editorial truth and history; nothing measured while playing is written here but what was sent, as as-run
//! (seed 000, truth ownership). It deliberately neither scans folders (that is `ingest`) nor decides what airs (that
//! is `plan`). Planning reads a [`Snapshot`], and of the database only where the rotation of spots stood.

mod artwork;
mod as_run;
mod as_run_rows;
mod asset;
mod asset_rows;
mod assets;
mod channels;
mod collections;
#[cfg(test)]
mod crash_tests;
mod error;
mod history;
mod intake;
mod measurements;
mod resolver;
mod rotation;
mod schema;
mod sources;
mod store;
#[cfg(test)]
mod store_tests;
mod stub;
mod upkeep;

pub(crate) use artwork::FoundPicture;
pub use artwork::{ARTWORK_FOLDER, Artwork, ArtworkPlace, LARGEST_PICTURE, PictureType, mark_of_address};
pub use as_run::{AsRun, AsRunOutcome, HistoryEntry, OpenRun, SentFrames, SentSegment};
pub(crate) use asset::Description;
pub use asset::{
    AssetRecord, AssetType, ChannelRecord, Chapter, Health, LONGEST_ASSET, Loudness, Measured, ProbeFacts,
    SuggestedBreak, natural_order,
};
pub use collections::{CollectionMatch, CollectionRecord};
pub use error::CatalogError;
pub(crate) use history::NewRevision;
pub use history::{Play, PlaylogBlock, PlaylogSegment, ScheduleRevision};
pub(crate) use intake::{FoundCollection, Move, Outcome, Remembered, Sighting};
pub use resolver::{AssetMetadata, AssetResolver, Programme, Snapshot};
pub use sources::{ImporterKind, PathMap, SourceRecord};
pub use store::{Catalog, DATABASE_FILE};
pub use stub::{StubAssetResolver, StubError};
