//! What was planned: revisions of schedules and the playout log; and when assets were on. What was sent is
//! [`super::as_run`]'s.
//!
//! Planning stays a function of the catalog's snapshot; of this it reads the last plays alone, where a rotation of spots
//! begins. Instants are milliseconds since 1970, UTC.

use super::error::CatalogError;
use super::store::Catalog;
use retrovue_timebase::{Millis, UtcMs};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use std::collections::BTreeMap;

/// A program schedule as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleRevision {
    /// Grows with every revision, over all channels.
    pub revision_id: i64,
    /// The broadcast day, `1989-10-12`.
    pub broadcast_day: String,
    /// When it was made.
    pub made_ms: UtcMs,
    /// Hash of the program schedule.
    pub hash: String,
}

/// A program schedule to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRevision {
    pub(crate) channel_id: i32,
    /// The broadcast day, `1989-10-12`.
    pub(crate) broadcast_day: String,
    pub(crate) hash: String,
    pub(crate) schedule_json: String,
}

/// A block of the playout log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaylogBlock {
    /// Its id on the control socket.
    pub block_id: String,
    /// What a guide calls it.
    pub title: String,
    /// First instant.
    pub start_ms: UtcMs,
    /// First instant after it.
    pub end_ms: UtcMs,
    /// What it plays, in order; together as long as the block.
    pub segments: Vec<PlaylogSegment>,
}

/// A segment of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaylogSegment {
    /// What it is in the programme: `act`, `filler`, `black`, or what traffic calls it; absent in what earlier
    /// versions wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The asset; absent for black.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Where in the asset it begins.
    pub offset_ms: Millis,
    /// How long it is.
    pub duration_ms: Millis,
}

/// A play of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Play {
    /// The channel.
    pub channel_id: i32,
    /// First instant of it that was sent.
    pub from_ms: UtcMs,
    /// How much of it was sent.
    pub aired_ms: Millis,
}

impl Catalog {
    /// Records a program schedule, unless it is the latest of its day already. Returns its revision.
    ///
    /// # Errors
    /// No such channel; a failing database.
    pub fn record_revision(
        &mut self,
        channel_id: i32,
        broadcast_day: &str,
        made_ms: UtcMs,
        hash: &str,
        schedule_json: &str,
    ) -> Result<i64, CatalogError> {
        let revision = NewRevision {
            channel_id,
            broadcast_day: broadcast_day.to_owned(),
            hash: hash.to_owned(),
            schedule_json: schedule_json.to_owned(),
        };
        self.write(|work| Ok(insert_revision(work, made_ms, &revision)?.0))
    }

    /// Records many program schedules at once, as [`record_revision`](Self::record_revision) does one. Returns how
    /// many of them were new.
    ///
    /// # Errors
    /// No such channel; a failing database. Then none is recorded.
    pub(crate) fn record_revisions(
        &mut self,
        made_ms: UtcMs,
        revisions: &[NewRevision],
    ) -> Result<usize, CatalogError> {
        self.write(|work| {
            let mut new = 0;
            for revision in revisions {
                new += usize::from(insert_revision(work, made_ms, revision)?.1);
            }
            Ok(new)
        })
    }

    /// The revisions of a channel's broadcast day, the first made first.
    ///
    /// # Errors
    /// A failing database.
    pub fn revisions(
        &self,
        channel_id: i32,
        broadcast_day: &str,
    ) -> Result<Vec<ScheduleRevision>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT revision_id, broadcast_day, made_ms, hash FROM schedule_revisions
                 WHERE channel_id = ?1 AND broadcast_day = ?2 ORDER BY revision_id",
            )?
            .query_map(params![channel_id, broadcast_day], revision)?
            .collect()
        })
    }

    /// All revisions of a channel: by broadcast day, the first made first.
    ///
    /// # Errors
    /// A failing database.
    pub fn all_revisions(&self, channel_id: i32) -> Result<Vec<ScheduleRevision>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT revision_id, broadcast_day, made_ms, hash FROM schedule_revisions
                 WHERE channel_id = ?1 ORDER BY broadcast_day, revision_id",
            )?
            .query_map([channel_id], revision)?
            .collect()
        })
    }

    /// A schedule as it was recorded, in JSON: the revision named, else the latest of the day.
    ///
    /// # Errors
    /// A failing database.
    pub fn recorded_schedule(
        &self,
        channel_id: i32,
        broadcast_day: &str,
        revision_id: Option<i64>,
    ) -> Result<Option<(ScheduleRevision, String)>, CatalogError> {
        self.read(|db| {
            db.query_row(
                "SELECT revision_id, broadcast_day, made_ms, hash, schedule_json FROM schedule_revisions
                 WHERE channel_id = ?1 AND broadcast_day = ?2 AND (?3 IS NULL OR revision_id = ?3)
                 ORDER BY revision_id DESC LIMIT 1",
                params![channel_id, broadcast_day, revision_id],
                |row| Ok((revision(row)?, row.get(4)?)),
            )
            .optional()
        })
    }

    /// Writes blocks into the playout log; what was planned for their time before goes.
    ///
    /// # Errors
    /// No such channel; a failing database.
    pub fn record_playlog(&mut self, channel_id: i32, blocks: &[PlaylogBlock]) -> Result<(), CatalogError> {
        self.write(|work| blocks.iter().try_for_each(|block| insert_block(work, channel_id, block)))
    }

    /// Takes blocks that ended before an instant and were never sent out of the playout log, at most `most` of them.
    /// Returns how many went.
    ///
    /// # Errors
    /// A failing database.
    pub(crate) fn prune_playlog(&mut self, before: UtcMs, most: u32) -> Result<usize, CatalogError> {
        self.write(|work| {
            work.execute(
                "DELETE FROM playlog_blocks WHERE (channel_id, start_ms) IN (
                     SELECT channel_id, start_ms FROM playlog_blocks AS planned WHERE end_ms < ?1 AND NOT EXISTS (
                         SELECT 1 FROM as_run WHERE as_run.channel_id = planned.channel_id
                         AND as_run.block_ms = planned.start_ms) LIMIT ?2)",
                params![before.0, most],
            )
        })
    }

    /// The blocks planned for a stretch of time, in order.
    ///
    /// # Errors
    /// A failing database.
    pub fn playlog(
        &self,
        channel_id: i32,
        from: UtcMs,
        until: UtcMs,
    ) -> Result<Vec<PlaylogBlock>, CatalogError> {
        self.read(|db| {
            let mut blocks: Vec<PlaylogBlock> = db
                .prepare(
                    "SELECT block_id, title, start_ms, end_ms FROM playlog_blocks
                     WHERE channel_id = ?1 AND start_ms < ?3 AND end_ms > ?2 ORDER BY start_ms",
                )?
                .query_map(params![channel_id, from.0, until.0], |row| {
                    Ok(PlaylogBlock {
                        block_id: row.get(0)?,
                        title: row.get(1)?,
                        start_ms: UtcMs(row.get(2)?),
                        end_ms: UtcMs(row.get(3)?),
                        segments: Vec::new(),
                    })
                })?
                .collect::<Result<_, _>>()?;
            for block in &mut blocks {
                block.segments = segments_of(db, channel_id, block.start_ms)?;
            }
            Ok(blocks)
        })
    }

    /// The plays of an asset on all channels, the latest first; at most `most`.
    ///
    /// # Errors
    /// A failing database.
    pub fn plays(&self, asset_id: &str, most: u32) -> Result<Vec<Play>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT channel_id, from_ms, aired_ms FROM play_history WHERE asset_id = ?1
                 ORDER BY from_ms DESC, channel_id LIMIT ?2",
            )?
            .query_map(params![asset_id, most], |row| {
                Ok(Play {
                    channel_id: row.get(0)?,
                    from_ms: UtcMs(row.get(1)?),
                    aired_ms: Millis(row.get(2)?),
                })
            })?
            .collect()
        })
    }

    /// When each asset was last on a channel, before an instant.
    ///
    /// # Errors
    /// A failing database.
    pub fn last_plays(
        &self,
        channel_id: i32,
        before: UtcMs,
    ) -> Result<BTreeMap<String, UtcMs>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT asset_id, max(from_ms) FROM play_history WHERE channel_id = ?1 AND from_ms < ?2
                 GROUP BY asset_id",
            )?
            .query_map(params![channel_id, before.0], |row| Ok((row.get(0)?, UtcMs(row.get(1)?))))?
            .collect()
        })
    }
}

fn revision(row: &Row<'_>) -> rusqlite::Result<ScheduleRevision> {
    Ok(ScheduleRevision {
        revision_id: row.get(0)?,
        broadcast_day: row.get(1)?,
        made_ms: UtcMs(row.get(2)?),
        hash: row.get(3)?,
    })
}

const SEGMENTS: &str = "SELECT kind, asset_id, offset_ms, duration_ms FROM playlog_segments \
     WHERE channel_id = ?1 AND block_ms = ?2 ORDER BY position";

fn segment(row: &Row<'_>) -> rusqlite::Result<PlaylogSegment> {
    Ok(PlaylogSegment {
        kind: row.get(0)?,
        asset_id: row.get(1)?,
        offset_ms: Millis(row.get(2)?),
        duration_ms: Millis(row.get(3)?),
    })
}

/// The segments of the block that begins at an instant, in order; none where there is no such block.
pub(super) fn segments_of(
    db: &Connection,
    channel_id: i32,
    block_ms: UtcMs,
) -> rusqlite::Result<Vec<PlaylogSegment>> {
    db.prepare_cached(SEGMENTS)?.query_map(params![channel_id, block_ms.0], segment)?.collect()
}

fn insert_revision(
    work: &Transaction<'_>,
    made_ms: UtcMs,
    new: &NewRevision,
) -> rusqlite::Result<(i64, bool)> {
    let latest: Option<(i64, String)> = work
        .prepare_cached(
            "SELECT revision_id, hash FROM schedule_revisions WHERE channel_id = ?1 AND broadcast_day = ?2
             ORDER BY revision_id DESC LIMIT 1",
        )?
        .query_row(params![new.channel_id, new.broadcast_day], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((revision, known)) = latest
        && known == new.hash
    {
        return Ok((revision, false));
    }
    let revision = work
        .prepare_cached(
            "INSERT INTO schedule_revisions (channel_id, broadcast_day, made_ms, hash, schedule_json)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING revision_id",
        )?
        .query_row(
            params![new.channel_id, new.broadcast_day, made_ms.0, new.hash, new.schedule_json],
            |row| row.get(0),
        )?;
    Ok((revision, true))
}

/// Writes a block into the playout log; what was planned for its time before goes.
pub(super) fn insert_block(
    work: &Transaction<'_>,
    channel_id: i32,
    block: &PlaylogBlock,
) -> rusqlite::Result<()> {
    work.prepare_cached(
        "DELETE FROM playlog_blocks WHERE channel_id = ?1 AND start_ms < ?3 AND end_ms > ?2",
    )?
    .execute(params![channel_id, block.start_ms.0, block.end_ms.0])?;
    work.prepare_cached(
        "INSERT INTO playlog_blocks (channel_id, start_ms, end_ms, block_id, title) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![channel_id, block.start_ms.0, block.end_ms.0, block.block_id, block.title])?;
    let mut insert = work.prepare_cached(
        "INSERT INTO playlog_segments (channel_id, block_ms, position, kind, asset_id, offset_ms, duration_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, segment) in (0_i64..).zip(&block.segments) {
        insert.execute(params![
            channel_id,
            block.start_ms.0,
            position,
            segment.kind,
            segment.asset_id,
            segment.offset_ms.0,
            segment.duration_ms.0
        ])?;
    }
    Ok(())
}
