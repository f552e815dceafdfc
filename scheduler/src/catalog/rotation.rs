//! The openings of broadcast days: how the rotation of spots stood where each began.

use super::error::CatalogError;
use super::store::Catalog;
use rusqlite::{OptionalExtension, params};

/// Openings kept for each channel, the latest ones: twice as many days as one is carried over.
const KEPT: i64 = 16;

impl Catalog {
    /// Keeps the opening of a channel's broadcast day, `1989-10-12`, unless one is kept; the oldest of the channel go.
    ///
    /// # Errors
    /// No such channel; a failing database.
    pub fn keep_opening(
        &mut self,
        channel_id: i32,
        broadcast_day: &str,
        plays_json: &str,
    ) -> Result<(), CatalogError> {
        self.write(|work| {
            work.execute(
                "INSERT OR IGNORE INTO rotation_openings (channel_id, broadcast_day, plays_json) VALUES (?1, ?2, ?3)",
                params![channel_id, broadcast_day, plays_json],
            )?;
            work.execute(
                "DELETE FROM rotation_openings WHERE channel_id = ?1 AND broadcast_day <=
                   (SELECT broadcast_day FROM rotation_openings WHERE channel_id = ?1
                    ORDER BY broadcast_day DESC LIMIT 1 OFFSET ?2)",
                params![channel_id, KEPT],
            )?;
            Ok(())
        })
    }

    /// The latest opening kept of a channel for a broadcast day from one to another, both included: the day and its
    /// text. One row is read.
    ///
    /// # Errors
    /// A failing database.
    pub fn latest_opening(
        &self,
        channel_id: i32,
        from: &str,
        to: &str,
    ) -> Result<Option<(String, String)>, CatalogError> {
        self.read(|db| {
            db.query_row(
                "SELECT broadcast_day, plays_json FROM rotation_openings
                 WHERE channel_id = ?1 AND broadcast_day BETWEEN ?2 AND ?3 ORDER BY broadcast_day DESC LIMIT 1",
                params![channel_id, from, to],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_opening_of_a_day_stays_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path()).unwrap();
        let one = catalog.register_channel("one", 1, "One").unwrap().channel_id;
        let two = catalog.register_channel("two", 2, "Two").unwrap().channel_id;
        catalog.keep_opening(two, "2025-12-31", "two").unwrap();
        for day in 1..=20 {
            catalog.keep_opening(one, &format!("2026-01-{day:02}"), &format!("first {day}")).unwrap();
            catalog.keep_opening(one, &format!("2026-01-{day:02}"), "second").unwrap();
        }
        let latest = |channel, from: &str, to: &str| {
            let found = catalog.latest_opening(channel, from, to).unwrap();
            found.map(|(day, text)| format!("{day} {text}"))
        };
        assert_eq!(latest(one, "2026-01-01", "2026-01-31").as_deref(), Some("2026-01-20 first 20"));
        assert_eq!(latest(one, "2026-01-01", "2026-01-05").as_deref(), Some("2026-01-05 first 5"));
        assert_eq!(latest(one, "2026-01-01", "2026-01-04"), None, "sixteen are kept");
        assert_eq!(latest(two, "2025-12-01", "2026-01-31").as_deref(), Some("2025-12-31 two"));
        assert!(catalog.keep_opening(99, "2026-01-01", "x").is_err(), "there is no such channel");
        drop(catalog);
        let again = Catalog::open(dir.path()).unwrap();
        assert!(again.latest_opening(one, "2026-01-20", "2026-01-20").unwrap().is_some());
        assert_eq!(again.check().unwrap(), Vec::<String>::new());
    }
}
