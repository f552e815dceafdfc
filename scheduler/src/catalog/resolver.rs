//! What planning asks of the catalog, and the immutable snapshot that answers.

use super::artwork::Artwork;
use super::asset::{AssetType, LONGEST_ASSET, natural_order};
use retrovue_timebase::Millis;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What planning must know of an asset (seed 004, Asset Resolver Contract).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssetMetadata {
    /// Identity.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// What it is for.
    pub asset_type: AssetType,
    /// The collection it stands in.
    pub collection: String,
    /// The series it is of, where that is told besides the collection.
    pub series: Option<String>,
    /// Season.
    pub season: Option<u32>,
    /// Episode.
    pub episode: Option<u32>,
    /// Year.
    pub year: Option<u32>,
    /// Rating, as written: `PG-13`.
    pub rating: Option<String>,
    /// Genres.
    pub genres: Vec<String>,
    /// What it is about, in a few sentences.
    pub plot: Option<String>,
    /// Its picture.
    pub artwork: Option<Artwork>,
    /// Tags.
    pub tags: Vec<String>,
    /// Length; always above 0 and at most [`LONGEST_ASSET`].
    pub duration: Millis,
    /// Places where an act may end, from the start of the asset; `None` where the asset has no markers.
    pub chapter_markers: Option<Vec<Millis>>,
    /// Where AIR finds it.
    pub uri: String,
}

/// A programme: a title over a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Programme {
    /// Identity.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Where its episodes are.
    pub collection: String,
}

/// Every reference of a schedule resolves through this (seed 004, Asset Resolution).
pub trait AssetResolver: Debug + Send + Sync {
    /// The asset of that id, if it can air.
    fn lookup(&self, asset_id: &str) -> Option<&Arc<AssetMetadata>>;

    /// The asset at that path or URI, if it can air.
    fn by_uri(&self, uri: &str) -> Option<&Arc<AssetMetadata>>;

    /// The assets of a collection and of those below it that can air, in airing order. `None` where there
    /// is no such collection.
    fn collection(&self, collection_id: &str) -> Option<&[Arc<AssetMetadata>]>;

    /// The programme of that id.
    fn program(&self, program_id: &str) -> Option<&Programme>;

    /// All assets of a type that can air, in order of id.
    fn of_type(&self, asset_type: AssetType) -> &[Arc<AssetMetadata>];

    /// All assets that can air, by collection and in airing order.
    fn everything(&self) -> &[Arc<AssetMetadata>];

    /// Ids of all collections, for suggestions.
    fn collection_ids(&self) -> Vec<&str>;

    /// Ids of all programmes, for suggestions.
    fn program_ids(&self) -> Vec<&str>;
}

/// The catalog at one instant, in memory, for planning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    assets: BTreeMap<String, Arc<AssetMetadata>>,
    by_uri: BTreeMap<String, Arc<AssetMetadata>>,
    collections: BTreeMap<String, Vec<Arc<AssetMetadata>>>,
    types: BTreeMap<AssetType, Vec<Arc<AssetMetadata>>>,
    everything: Vec<Arc<AssetMetadata>>,
    programmes: BTreeMap<String, Programme>,
}

impl Snapshot {
    /// Builds a snapshot. A collection holds its own assets and those of every collection below it
    /// (`col.shows` holds `col.shows.cheers`), in airing order.
    #[must_use]
    pub fn new(
        assets: impl IntoIterator<Item = AssetMetadata>,
        collections: impl IntoIterator<Item = String>,
        programmes: impl IntoIterator<Item = Programme>,
    ) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for id in collections {
            snapshot.collections.entry(id).or_default();
        }
        for asset in assets.into_iter().filter(|a| a.duration > Millis(0) && a.duration <= LONGEST_ASSET) {
            let asset = Arc::new(asset);
            snapshot.by_uri.insert(asset.uri.clone(), Arc::clone(&asset));
            snapshot.assets.insert(asset.id.clone(), asset);
        }
        for asset in snapshot.assets.values() {
            snapshot.types.entry(asset.asset_type).or_default().push(Arc::clone(asset));
            snapshot.everything.push(Arc::clone(asset));
            snapshot.collections.entry(asset.collection.clone()).or_default().push(Arc::clone(asset));
            let mut id = asset.collection.as_str();
            while let Some((above, _)) = id.rsplit_once('.') {
                if let Some(list) = snapshot.collections.get_mut(above) {
                    list.push(Arc::clone(asset));
                }
                id = above;
            }
        }
        for list in snapshot.collections.values_mut() {
            list.sort_by(|a, b| airing_order(a, b));
        }
        snapshot.everything.sort_by(|a, b| a.collection.cmp(&b.collection).then_with(|| airing_order(a, b)));
        snapshot.programmes = programmes.into_iter().map(|p| (p.id.clone(), p)).collect();
        snapshot
    }

    /// Puts assets into a collection besides the one each stands in; ids that are not here are passed over.
    pub(crate) fn include(&mut self, collection: &str, asset_ids: &[String]) {
        let list = self.collections.entry(collection.to_owned()).or_default();
        list.extend(asset_ids.iter().filter_map(|id| self.assets.get(id).cloned()));
        list.sort_by(|a, b| airing_order(a, b));
        list.dedup_by(|a, b| a.id == b.id);
    }

    /// All assets that can air, in order of id.
    pub fn assets(&self) -> impl Iterator<Item = &Arc<AssetMetadata>> {
        self.assets.values()
    }
}

impl Hash for Snapshot {
    /// Of what everything else follows from.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.assets, &self.collections, &self.programmes).hash(state);
    }
}

fn airing_order(a: &AssetMetadata, b: &AssetMetadata) -> std::cmp::Ordering {
    natural_order((a.season, a.episode, &a.uri), (b.season, b.episode, &b.uri))
}

impl AssetResolver for Snapshot {
    fn lookup(&self, asset_id: &str) -> Option<&Arc<AssetMetadata>> {
        self.assets.get(asset_id)
    }

    fn by_uri(&self, uri: &str) -> Option<&Arc<AssetMetadata>> {
        self.by_uri.get(uri)
    }

    fn collection(&self, collection_id: &str) -> Option<&[Arc<AssetMetadata>]> {
        self.collections.get(collection_id).map(Vec::as_slice)
    }

    fn program(&self, program_id: &str) -> Option<&Programme> {
        self.programmes.get(program_id)
    }

    fn of_type(&self, asset_type: AssetType) -> &[Arc<AssetMetadata>] {
        self.types.get(&asset_type).map_or(&[], Vec::as_slice)
    }

    fn everything(&self) -> &[Arc<AssetMetadata>] {
        &self.everything
    }

    fn collection_ids(&self) -> Vec<&str> {
        self.collections.keys().map(String::as_str).collect()
    }

    fn program_ids(&self) -> Vec<&str> {
        self.programmes.keys().map(String::as_str).collect()
    }
}
