//! What was planned and what was sent: revisions of schedules, the playout log, as-run, and plays.
//!
//! Planning stays a function of the catalog's snapshot; none of this is read by it. Instants are milliseconds since
//! 1970, UTC.

use super::error::CatalogError;
use super::store::Catalog;
use retrovue_timebase::{Millis, UtcMs};
use rusqlite::{OptionalExtension, Row, Transaction, params};
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
    /// The asset; absent for black.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Where in the asset it begins.
    pub offset_ms: Millis,
    /// How long it is.
    pub duration_ms: Millis,
}

/// How the sending of a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AsRunOutcome {
    /// It was sent to its end.
    Completed,
    /// The last viewer left, or the session was ended in good order.
    Cut,
    /// The session failed.
    Failed,
}

/// What was sent of a block by one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsRun {
    /// The block.
    pub block_id: String,
    /// The block's first instant as planned.
    pub block_ms: UtcMs,
    /// First instant sent: later than the block's where a viewer joined in its middle.
    pub from_ms: UtcMs,
    /// First instant not sent.
    pub until_ms: UtcMs,
    /// How it ended.
    pub outcome: AsRunOutcome,
    /// Why, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
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

impl AsRunOutcome {
    fn word(self) -> &'static str {
        match self {
            AsRunOutcome::Completed => "completed",
            AsRunOutcome::Cut => "cut",
            AsRunOutcome::Failed => "failed",
        }
    }

    fn from_word(word: &str) -> AsRunOutcome {
        match word {
            "completed" => AsRunOutcome::Completed,
            "cut" => AsRunOutcome::Cut,
            _ => AsRunOutcome::Failed,
        }
    }
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
        self.write(|work| {
            let latest: Option<(i64, String)> = work
                .query_row(
                    "SELECT revision_id, hash FROM schedule_revisions WHERE channel_id = ?1 AND broadcast_day = ?2
                     ORDER BY revision_id DESC LIMIT 1",
                    params![channel_id, broadcast_day],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if let Some((revision, known)) = latest
                && known == hash
            {
                return Ok(revision);
            }
            work.query_row(
                "INSERT INTO schedule_revisions (channel_id, broadcast_day, made_ms, hash, schedule_json)
                 VALUES (?1, ?2, ?3, ?4, ?5) RETURNING revision_id",
                params![channel_id, broadcast_day, made_ms.0, hash, schedule_json],
                |row| row.get(0),
            )
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
        self.write(|work| {
            for block in blocks {
                work.execute(
                    "DELETE FROM playlog_blocks WHERE channel_id = ?1 AND start_ms < ?3 AND end_ms > ?2",
                    params![channel_id, block.start_ms.0, block.end_ms.0],
                )?;
                work.execute(
                    "INSERT INTO playlog_blocks (channel_id, start_ms, end_ms, block_id, title)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![channel_id, block.start_ms.0, block.end_ms.0, block.block_id, block.title],
                )?;
                for (position, segment) in (0_i64..).zip(&block.segments) {
                    work.execute(
                        "INSERT INTO playlog_segments (channel_id, block_ms, position, asset_id, offset_ms, duration_ms)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        params![
                            channel_id,
                            block.start_ms.0,
                            position,
                            segment.asset_id,
                            segment.offset_ms.0,
                            segment.duration_ms.0
                        ],
                    )?;
                }
            }
            Ok(())
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
            let mut segments = db.prepare(SEGMENTS)?;
            for block in &mut blocks {
                block.segments = segments
                    .query_map(params![channel_id, block.start_ms.0], segment)?
                    .collect::<Result<_, _>>()?;
            }
            Ok(blocks)
        })
    }

    /// Records what was sent of a block, and with it the plays of the assets that the playout log has in it. Said
    /// twice, it is recorded once.
    ///
    /// # Errors
    /// No such channel; a failing database.
    pub fn record_as_run(&mut self, channel_id: i32, run: &AsRun) -> Result<(), CatalogError> {
        self.write(|work| {
            let added = work.execute(
                "INSERT OR IGNORE INTO as_run (channel_id, block_ms, from_ms, until_ms, block_id, outcome, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    channel_id,
                    run.block_ms.0,
                    run.from_ms.0,
                    run.until_ms.0,
                    run.block_id,
                    run.outcome.word(),
                    run.detail
                ],
            )?;
            if added == 0 { Ok(()) } else { record_plays(work, channel_id, run) }
        })
    }

    /// What was sent on a channel in a stretch of time, in order.
    ///
    /// # Errors
    /// A failing database.
    pub fn as_run(&self, channel_id: i32, from: UtcMs, until: UtcMs) -> Result<Vec<AsRun>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT block_id, block_ms, from_ms, until_ms, outcome, detail FROM as_run
                 WHERE channel_id = ?1 AND from_ms < ?3 AND until_ms > ?2 ORDER BY from_ms",
            )?
            .query_map(params![channel_id, from.0, until.0], |row| {
                let outcome: String = row.get(4)?;
                Ok(AsRun {
                    block_id: row.get(0)?,
                    block_ms: UtcMs(row.get(1)?),
                    from_ms: UtcMs(row.get(2)?),
                    until_ms: UtcMs(row.get(3)?),
                    outcome: AsRunOutcome::from_word(&outcome),
                    detail: row.get(5)?,
                })
            })?
            .collect()
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

const SEGMENTS: &str = "SELECT asset_id, offset_ms, duration_ms FROM playlog_segments \
     WHERE channel_id = ?1 AND block_ms = ?2 ORDER BY position";

fn segment(row: &Row<'_>) -> rusqlite::Result<PlaylogSegment> {
    Ok(PlaylogSegment {
        asset_id: row.get(0)?,
        offset_ms: Millis(row.get(1)?),
        duration_ms: Millis(row.get(2)?),
    })
}

/// An asset that is in the block several times, as an episode between breaks is, is one play: it began with the
/// first segment of it that was sent.
fn record_plays(work: &Transaction<'_>, channel_id: i32, run: &AsRun) -> rusqlite::Result<()> {
    let segments: Vec<PlaylogSegment> = work
        .prepare(SEGMENTS)?
        .query_map(params![channel_id, run.block_ms.0], segment)?
        .collect::<Result<_, _>>()?;
    let mut plays: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut start = run.block_ms.0;
    for segment in segments {
        let end = start.saturating_add(segment.duration_ms.0);
        let (from, until) = (start.max(run.from_ms.0), end.min(run.until_ms.0));
        if let Some(asset) = segment.asset_id.filter(|_| from < until) {
            plays.entry(asset).or_insert((from, 0)).1 += until - from;
        }
        start = end;
    }
    for (asset, (from, aired)) in plays {
        work.execute(
            "INSERT OR IGNORE INTO play_history (channel_id, asset_id, from_ms, aired_ms) VALUES (?1, ?2, ?3, ?4)",
            params![channel_id, asset, from, aired],
        )?;
    }
    Ok(())
}
