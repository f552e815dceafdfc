//! Catalog files that are damaged, foreign, or of another version.

use crate::{Verdict, scratch};
use retrovue_scheduler::catalog::{Catalog, CatalogError, DATABASE_FILE};

/// A file is opened and read, or refused with a reason that names it.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let folder = scratch::folder();
    let path = folder.path().join(DATABASE_FILE);
    std::fs::write(&path, data).expect("the scratch folder can be written");
    let told = |error: &CatalogError| assert!(error.to_string().contains(DATABASE_FILE), "{error}");
    let mut catalog = match Catalog::open(folder.path()) {
        Ok(catalog) => catalog,
        Err(error) => {
            told(&error);
            return Verdict::Refused;
        }
    };
    let mut sound = true;
    let mut note = |outcome: Result<(), CatalogError>| {
        outcome.inspect_err(told).unwrap_or_else(|_| sound = false);
    };
    // In whatever order: a damaged index gives another, and SQLite does not look.
    note(catalog.assets().map(drop));
    note(catalog.asset_paths().map(drop));
    note(catalog.snapshot().map(drop));
    note(catalog.collections().map(drop));
    note(catalog.channels().map(drop));
    note(catalog.register_channel("one", 1, "One").map(|channel| assert_eq!(channel.id, "one")));
    if sound { Verdict::Taken } else { Verdict::Refused }
}
