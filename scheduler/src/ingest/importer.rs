//! What every importer gives a scan: the files of a source, with what is told of them elsewhere than in them.
//!
//! An importer probes nothing and writes nothing.

use super::artwork::Pictures;
use super::scan::{BadFile, IngestError};
use crate::catalog::{AssetType, Description, FoundCollection, FoundPicture};
use std::path::PathBuf;

/// Lists the files of one source.
pub(super) trait Importer {
    /// All that there is, in order of path.
    ///
    /// # Errors
    /// The source cannot be listed at all: then nothing of it counts as gone.
    fn list(&mut self) -> Result<Listing, IngestError>;
}

/// What a source holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<ListedFile>,
    /// The collections that the files stand in, and those above.
    pub(super) collections: Vec<FoundCollection>,
    /// Files that are there and can never be assets, with the reason.
    pub(super) refused: Vec<BadFile>,
    /// Files that are listed, and not to be found here: they count as gone.
    pub(super) not_here: Vec<BadFile>,
    /// What could not be looked at: nothing at or below these paths counts as gone.
    pub(super) unreadable: Vec<BadFile>,
    /// Pictures that files may be shown by.
    pub(super) pictures: Pictures,
}

/// A file of a source.
#[derive(Debug, Clone)]
pub(super) struct ListedFile {
    /// Absolute, UTF-8, without line breaks.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    pub(super) collection: String,
    /// The id it gets if it is new and that one is free.
    pub(super) asset_slug: String,
    pub(super) asset_type: AssetType,
    /// Whether a sidecar may say that it is something else.
    pub(super) type_is_guess: bool,
    pub(super) description: Description,
    /// Sidecars that say more when they are read: the first is the series', the last the file's own.
    pub(super) sidecars: Vec<PathBuf>,
    /// The picture that names give it, unless a sidecar names another.
    pub(super) artwork: Option<FoundPicture>,
    /// Changes with anything above but size, time and picture, and with the sidecars.
    pub(super) description_mark: i64,
}

/// Grows when what is read from names and sidecars grows, so that files that did not change are described anew.
const DESCRIBED: u64 = 3;

/// A mark of what it is fed: FNV-1a, for telling change, not for telling friend from foe.
#[derive(Debug, Clone, Copy)]
pub(super) struct DescriptionMark(u64);

impl DescriptionMark {
    pub(super) fn new() -> DescriptionMark {
        DescriptionMark(0xCBF2_9CE4_8422_2325).number(DESCRIBED)
    }

    pub(super) fn number(self, number: u64) -> DescriptionMark {
        self.bytes(&number.to_le_bytes())
    }

    pub(super) fn text(self, text: &str) -> DescriptionMark {
        self.bytes(text.as_bytes()).number(text.len() as u64)
    }

    pub(super) fn value(self) -> i64 {
        self.0.cast_signed()
    }

    fn bytes(self, bytes: &[u8]) -> DescriptionMark {
        DescriptionMark(bytes.iter().fold(self.0, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01B3)))
    }
}
