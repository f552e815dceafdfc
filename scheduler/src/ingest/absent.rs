//! Folders that are not there: moved away, or on a drive that is not mounted. Their assets cannot air until a scan
//! finds them again; nothing else of them is forgotten.

use crate::catalog::{Catalog, CatalogError, Health};
use std::path::PathBuf;

/// A source's folder that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentFolder {
    /// The folder.
    pub root: PathBuf,
    /// How many of its assets were not known to be missing until now.
    pub assets: usize,
}

/// Marks the assets of sources whose folders are not there as missing.
///
/// # Errors
/// A failing catalog.
pub fn mark_absent(catalog: &mut Catalog) -> Result<Vec<AbsentFolder>, CatalogError> {
    let mut roots = catalog.folder_roots()?;
    roots.retain(|(_, root, _)| !root.exists());
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let remembered = catalog.remembered()?;
    let mut absent = Vec::with_capacity(roots.len());
    for (source_id, root, _) in roots {
        let of_it = |k: &&crate::catalog::Remembered| {
            k.source_id == source_id && k.health != Health::Missing && k.path.starts_with('/')
        };
        let gone: Vec<String> = remembered.values().filter(of_it).map(|k| k.path.clone()).collect();
        catalog.mark_missing(&gone)?;
        absent.push(AbsentFolder { root, assets: gone.len() });
    }
    Ok(absent)
}
