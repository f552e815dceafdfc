//! What decoding a whole file told: loudness, and places that are black and silent.

use super::asset::{Health, Measured, SuggestedBreak};
use super::error::CatalogError;
use super::store::Catalog;
use retrovue_timebase::Millis;
use rusqlite::params;
use std::collections::BTreeSet;
use std::path::PathBuf;

impl Catalog {
    /// Assets that can air and have not been measured, at or below a folder where one is named: id and path.
    pub(crate) fn unmeasured(&self) -> Result<Vec<(String, PathBuf)>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT asset_id, path FROM assets a WHERE health = ?1
                    AND NOT EXISTS (SELECT 1 FROM measurements m WHERE m.asset_pk = a.asset_pk) ORDER BY path",
            )?
            .query_map([Health::Ok.word()], |row| {
                Ok((row.get(0)?, PathBuf::from(row.get::<_, String>(1)?)))
            })?
            .collect()
        })
    }

    /// Records what was measured of an asset, with the breaks it suggests: `(middle, length)` each. What was
    /// accepted before stays accepted where it is suggested again.
    pub(crate) fn record_measurement(
        &mut self,
        asset_id: &str,
        measured: &Measured,
        breaks: &[(Millis, Millis)],
    ) -> Result<(), CatalogError> {
        let (pk, before) = self.keyed_asset(asset_id)?;
        let accepted: BTreeSet<Millis> =
            before.suggested_breaks.iter().filter(|b| b.accepted).map(|b| b.at_ms).collect();
        let (levels, failure) = match measured {
            Measured::Loudness(levels) => (*levels, None),
            Measured::Failed(why) => (None, Some(why)),
        };
        self.write(|work| {
            work.execute(
                "INSERT OR REPLACE INTO measurements (asset_pk, integrated, loudness_range, true_peak, failure)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    pk,
                    levels.map(|l| l.integrated),
                    levels.map(|l| l.loudness_range),
                    levels.map(|l| l.true_peak),
                    failure
                ],
            )?;
            work.execute("DELETE FROM suggested_breaks WHERE asset_pk = ?1", [pk])?;
            for (at, length) in breaks {
                work.execute(
                    "INSERT INTO suggested_breaks (asset_pk, at_ms, length_ms, accepted) VALUES (?1, ?2, ?3, ?4)",
                    params![pk, at.0, length.0, accepted.contains(at)],
                )?;
            }
            Ok(())
        })
    }

    /// Accepts the suggested breaks at these places, and no others; returns them all.
    ///
    /// # Errors
    /// No such asset; a place where nothing is suggested; a failing database.
    pub fn accept_breaks(
        &mut self,
        asset_id: &str,
        places: &BTreeSet<Millis>,
    ) -> Result<Vec<SuggestedBreak>, CatalogError> {
        let (pk, asset) = self.keyed_asset(asset_id)?;
        if let Some(wrong) = places.iter().find(|p| !asset.suggested_breaks.iter().any(|b| b.at_ms == **p)) {
            let what = format!(
                "nothing is suggested at {wrong} of {}; `retrovue asset breaks {}` shows what is",
                asset.id, asset.id
            );
            return Err(CatalogError::Refused { what });
        }
        self.write(|work| {
            work.execute("UPDATE suggested_breaks SET accepted = 0 WHERE asset_pk = ?1", [pk])?;
            for at in places {
                work.execute(
                    "UPDATE suggested_breaks SET accepted = 1 WHERE asset_pk = ?1 AND at_ms = ?2",
                    params![pk, at.0],
                )?;
            }
            Ok(())
        })?;
        Ok(self.asset(asset_id)?.suggested_breaks)
    }
}
