//! Channels: identities that last.

use super::asset::ChannelRecord;
use super::error::CatalogError;
use super::store::Catalog;
use crate::yaml::nearest;
use rusqlite::{OptionalExtension, params};

impl Catalog {
    /// Gives a channel its lasting identity, or finds the one it has; number and name are brought up to date.
    ///
    /// # Errors
    /// A failing database.
    pub fn register_channel(
        &mut self,
        slug: &str,
        number: u32,
        name: &str,
    ) -> Result<ChannelRecord, CatalogError> {
        self.write(|work| {
            // An upsert would burn an identity at every start: AUTOINCREMENT counts failed inserts.
            let known: Option<i32> = work
                .query_row("SELECT channel_id FROM channels WHERE slug = ?1", [slug], |row| row.get(0))
                .optional()?;
            let channel_id = match known {
                Some(id) => {
                    work.execute(
                        "UPDATE channels SET number = ?2, name = ?3 WHERE channel_id = ?1",
                        params![id, number, name],
                    )?;
                    id
                }
                None => work.query_row(
                    "INSERT INTO channels (slug, number, name) VALUES (?1, ?2, ?3) RETURNING channel_id",
                    params![slug, number, name],
                    |row| row.get(0),
                )?,
            };
            Ok(ChannelRecord { id: slug.to_owned(), channel_id, number, name: name.to_owned() })
        })
    }

    /// All channels that ever had an identity here, by number.
    ///
    /// # Errors
    /// A failing database.
    pub fn channels(&self) -> Result<Vec<ChannelRecord>, CatalogError> {
        self.read(|db| {
            db.prepare("SELECT slug, channel_id, number, name FROM channels ORDER BY number, slug")?
                .query_map([], |row| {
                    Ok(ChannelRecord {
                        id: row.get(0)?,
                        channel_id: row.get(1)?,
                        number: row.get(2)?,
                        name: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    /// The identity of a channel, by its slug.
    ///
    /// # Errors
    /// No such channel, with near slugs; a failing database.
    pub fn channel(&self, slug: &str) -> Result<ChannelRecord, CatalogError> {
        let all = self.channels()?;
        if let Some(found) = all.iter().find(|c| c.id == slug) {
            return Ok(found.clone());
        }
        let near = nearest(slug, all.iter().map(|c| c.id.as_str()));
        let near = near.into_iter().map(str::to_owned).collect();
        Err(CatalogError::NoSuch { kind: "channel", id: slug.to_owned(), near })
    }
}
