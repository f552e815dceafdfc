//! Keeping the catalog's file sound: looking through all of it, and copying it while it is in use.

use super::error::CatalogError;
use super::store::Catalog;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Most findings of a check that are told.
const MOST_FINDINGS: usize = 100;

impl Catalog {
    /// Looks through the whole file: pages, indexes, references between rows, and what the tables cannot see to
    /// themselves. Returns what is wrong, at most a hundred things; nothing when it is sound.
    ///
    /// # Errors
    /// A database that cannot be read so far.
    pub fn check(&self) -> Result<Vec<String>, CatalogError> {
        let mut findings: Vec<String> = self.read(|db| {
            db.prepare(&format!("PRAGMA integrity_check({MOST_FINDINGS})"))?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        findings.retain(|line| line != "ok");
        let references: Vec<String> = self.read(|db| {
            db.prepare("PRAGMA foreign_key_check")?
                .query_map([], |row| {
                    let (table, row_id, parent): (String, Option<i64>, String) =
                        (row.get(0)?, row.get(1)?, row.get(2)?);
                    let row_id = row_id.map_or_else(String::new, |id| format!(" {id}"));
                    Ok(format!("row{row_id} of {table} names a row of {parent} that is not there"))
                })?
                .take(MOST_FINDINGS)
                .collect()
        })?;
        findings.extend(references);
        let rows: Vec<String> = self.read(|db| {
            db.prepare(
                "SELECT 'asset ' || asset_id || ' can air and has no length' FROM assets
                    WHERE health = 'ok' AND (duration_ms IS NULL OR duration_ms <= 0)
                 UNION ALL
                 SELECT 'asset ' || asset_id || ' cannot air and no reason is recorded' FROM assets
                    WHERE health <> 'ok' AND reason IS NULL
                 UNION ALL
                 SELECT 'asset ' || asset_id || ' was being moved to another path' FROM assets
                    WHERE path LIKE 'moving:%'",
            )?
            .query_map([], |row| row.get(0))?
            .take(MOST_FINDINGS)
            .collect()
        })?;
        findings.extend(rows);
        findings.truncate(MOST_FINDINGS);
        Ok(findings)
    }

    /// Writes a copy of the catalog as it is at one instant, while others read and write it. The copy is checked
    /// before it gets its name; what has that name already stays unless `overwrite`. Returns the copy's bytes.
    ///
    /// # Errors
    /// A place that cannot be written or is taken; a failing database.
    pub fn backup(&self, to: &Path, overwrite: bool) -> Result<u64, CatalogError> {
        let refused = |reason: String| CatalogError::Backup { path: to.to_owned(), reason };
        if to.exists() && !overwrite {
            return Err(refused(
                "it exists already; name another file, or write over it with --force".into(),
            ));
        }
        let same = |a: &Path, b: &Path| std::fs::canonicalize(a).ok() == std::fs::canonicalize(b).ok();
        if to.exists() && same(to, self.path()) {
            return Err(refused("it is the catalog itself; name another file".into()));
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let text = part.to_str().ok_or_else(|| refused("its path is not UTF-8; rename it".into()))?;
        let _ = std::fs::remove_file(&part);
        let copied = self.write_copy(text, &part);
        let renamed =
            copied.and_then(|bytes| std::fs::rename(&part, to).map(|()| bytes).map_err(|e| e.to_string()));
        renamed.map_err(|reason| {
            let _ = std::fs::remove_file(&part);
            refused(format!("{reason}; see whether its folder is there, can be written and has room"))
        })
    }

    fn write_copy(&self, text: &str, part: &Path) -> Result<u64, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        self.db.execute("VACUUM INTO ?1", [text]).map_err(|e| said(&e))?;
        let copy = Catalog::open_file(part).map_err(|e| said(&e))?;
        if let Some(finding) = copy.check().map_err(|e| said(&e))?.into_iter().next() {
            return Err(format!("the catalog is not sound: {finding}"));
        }
        drop(copy);
        let file = File::open(part).map_err(|e| said(&e))?;
        file.sync_all().map_err(|e| said(&e))?;
        file.metadata().map(|m| m.len()).map_err(|e| said(&e))
    }
}
