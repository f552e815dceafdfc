//! What the station owns: sources, collections, assets with what the probe found, programmes, and the
//! channels' lasting identities, in one SQLite file.
//!
//! Holds editorial truth only; nothing measured while playing is written here (seed 000, truth ownership).
//! It deliberately neither scans folders (that is `ingest`) nor decides what airs (that is `plan`).
//! Planning reads a [`Snapshot`], never the database.

mod asset;
mod error;
mod resolver;
mod schema;
mod store;
mod stub;

pub use asset::{
    AssetRecord, AssetType, ChannelRecord, Chapter, Health, LONGEST_ASSET, ProbeFacts, natural_order,
};
pub use error::CatalogError;
pub use resolver::{AssetMetadata, AssetResolver, Programme, Snapshot};
pub(crate) use store::Sighting;
pub use store::{Catalog, DATABASE_FILE};
pub use stub::{StubAssetResolver, StubError};
