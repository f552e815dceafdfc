//! The as-run log in the database: a row for each block and session, the segments of it, the plays that follow from
//! them, and what is on the air now. The log is only added to.

use super::as_run::{AsRun, AsRunOutcome, HistoryEntry, OpenRun, SentFrames, SentSegment};
use super::error::CatalogError;
use super::history::{insert_block, segments_of};
use super::store::Catalog;
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

impl Catalog {
    /// Records what was sent of a block, and with it its segments and plays, as the playout log has the block now.
    /// Said twice, it is recorded once.
    ///
    /// # Errors
    /// No such channel; a failing database.
    pub fn record_as_run(&mut self, channel_id: i32, run: &AsRun) -> Result<(), CatalogError> {
        self.write(|work| insert_run(work, channel_id, run))
    }

    /// Records entries in order, all of them or none.
    ///
    /// # Errors
    /// An entry of no channel; a failing database.
    pub fn record_history(&mut self, entries: &[HistoryEntry], now: UtcMs) -> Result<(), CatalogError> {
        self.write(|work| {
            entries.iter().try_for_each(|entry| match entry {
                HistoryEntry::Fed(channel, block) => insert_block(work, *channel, block),
                HistoryEntry::Began(channel, open) => insert_open(work, *channel, open, now),
                HistoryEntry::Ended(channel, run) => insert_run(work, *channel, run),
            })
        })
    }

    /// Notes that the blocks on the air are still on it.
    ///
    /// # Errors
    /// A failing database.
    pub fn note_on_air(&mut self, now: UtcMs) -> Result<(), CatalogError> {
        self.write(|work| {
            work.execute("UPDATE as_run_open SET seen_ms = ?1 WHERE seen_ms < ?1", [now.0]).map(drop)
        })
    }

    /// Closes as cut what a station that died left on the air, at the last instant it was seen there. Returns how
    /// many blocks that were.
    ///
    /// # Errors
    /// A failing database.
    pub fn close_left_on_air(&mut self) -> Result<usize, CatalogError> {
        self.write(|work| {
            let left: Vec<(i32, OpenRun, UtcMs)> = work
                .prepare(
                    "SELECT block_id, block_ms, end_ms, joined_ms, epoch_ms, rate_num, rate_den, first_frame,
                         channel_id, seen_ms FROM as_run_open ORDER BY channel_id",
                )?
                .query_map([], |row| Ok((row.get(8)?, open_run(row)?, UtcMs(row.get(9)?))))?
                .collect::<Result<_, _>>()?;
            for (channel, open, seen) in &left {
                let detail = Some(STATION_DIED.to_owned());
                insert_run(work, *channel, &open.ended(None, *seen, AsRunOutcome::Cut, detail))?;
            }
            work.execute("DELETE FROM as_run_open", [])?;
            Ok(left.len())
        })
    }

    /// What was sent on a channel in a stretch of time, in order: of what at least one frame begins in it.
    ///
    /// # Errors
    /// A failing database.
    pub fn as_run(&self, channel_id: i32, from: UtcMs, until: UtcMs) -> Result<Vec<AsRun>, CatalogError> {
        let found = self.as_run_with_segments(channel_id, from, until)?;
        Ok(found.into_iter().map(|(run, _)| run).collect())
    }

    /// The same with the segments of each. What was begun and sent nothing is in the stretch its instant is in.
    ///
    /// # Errors
    /// A failing database.
    pub fn as_run_with_segments(
        &self,
        channel_id: i32,
        from: UtcMs,
        until: UtcMs,
    ) -> Result<Vec<(AsRun, Vec<SentSegment>)>, CatalogError> {
        self.read(|db| {
            let runs: Vec<(i64, AsRun)> = db
                .prepare(
                    "SELECT as_run_id, block_id, block_ms, joined_ms, from_ms, until_ms, outcome, detail, epoch_ms,
                         rate_num, rate_den, first_frame, frames, reckoned FROM as_run
                     WHERE channel_id = ?1 AND from_ms < ?3 AND until_ms >= ?2 AND (until_ms > ?2 OR from_ms >= ?2)
                     ORDER BY from_ms, as_run_id",
                )?
                .query_map(params![channel_id, from.0, until.0], |row| Ok((row.get(0)?, run(row)?)))?
                .collect::<Result<_, _>>()?;
            // The last frame of a block may reach over its fence: it is not of the time there.
            let begins = |run: &AsRun| match run.frames {
                Some(sent) if sent.count > 0 => sent.instant(sent.end().offset(-1)) >= from,
                _ => true,
            };
            let runs = runs.into_iter().filter(|(_, run)| begins(run));
            runs.map(|(id, run)| Ok((run, sent_segments(db, id)?))).collect()
        })
    }
}

impl Catalog {
    /// What was sent in breaks of a channel from one instant to another, in order: the asset, and the earliest and
    /// latest instant at which it can have been planned to begin, less than a frame apart.
    ///
    /// # Errors
    /// A failing database.
    pub(crate) fn sent_in_breaks(
        &self,
        channel_id: i32,
        from: UtcMs,
        until: UtcMs,
    ) -> Result<Vec<(String, UtcMs, UtcMs)>, CatalogError> {
        self.read(|db| {
            db.prepare(
                "SELECT asset_id, epoch_ms, rate_num, rate_den, segments.first_frame, offset_ms FROM as_run
                 JOIN as_run_segments AS segments USING (as_run_id)
                 WHERE channel_id = ?1 AND until_ms > ?2 AND from_ms < ?3 AND asset_id IS NOT NULL
                 AND kind NOT IN ('act', 'filler') ORDER BY from_ms, as_run_id, position",
            )?
            .query_map(params![channel_id, from.0, until.0], |row| {
                let rate = rate(row.get(2)?, row.get(3)?)?;
                let into = Millis(rate.nanos_floor(FrameIndex(row.get(4)?)).div_euclid(1_000_000));
                // A spot airs from its beginning: where it was joined tells when that was.
                let latest = UtcMs(row.get(1)?).plus(into - Millis(row.get(5)?));
                let earliest = latest.plus(Millis(-(1000 * rate.den() / rate.num())));
                Ok((row.get(0)?, earliest, latest))
            })?
            .collect()
        })
    }
}

/// What is told of a block that was on the air when its station died.
const STATION_DIED: &str = "the station ended without closing it; it was seen on the air until then";

fn rate(num: i64, den: i64) -> rusqlite::Result<FrameRate> {
    FrameRate::new(num, den).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Integer, Box::new(e))
    })
}

fn open_run(row: &Row<'_>) -> rusqlite::Result<OpenRun> {
    Ok(OpenRun {
        block_id: row.get(0)?,
        block_ms: UtcMs(row.get(1)?),
        end_ms: UtcMs(row.get(2)?),
        joined_ms: UtcMs(row.get(3)?),
        epoch_ms: UtcMs(row.get(4)?),
        rate: rate(row.get(5)?, row.get(6)?)?,
        first: FrameIndex(row.get(7)?),
    })
}

fn run(row: &Row<'_>) -> rusqlite::Result<AsRun> {
    let outcome: String = row.get(6)?;
    let epoch: Option<i64> = row.get(8)?;
    let frames = match epoch {
        None => None,
        Some(epoch) => Some(SentFrames {
            epoch_ms: UtcMs(epoch),
            rate: rate(row.get(9)?, row.get(10)?)?,
            first: FrameIndex(row.get(11)?),
            count: row.get(12)?,
            reckoned: row.get(13)?,
        }),
    };
    Ok(AsRun {
        block_id: row.get(1)?,
        block_ms: UtcMs(row.get(2)?),
        joined_ms: UtcMs(row.get(3)?),
        from_ms: UtcMs(row.get(4)?),
        until_ms: UtcMs(row.get(5)?),
        outcome: AsRunOutcome::from_word(&outcome),
        detail: row.get(7)?,
        frames,
    })
}

fn sent_segments(db: &Connection, as_run_id: i64) -> rusqlite::Result<Vec<SentSegment>> {
    db.prepare_cached(
        "SELECT position, kind, asset_id, offset_ms, first_frame, frames FROM as_run_segments
         WHERE as_run_id = ?1 ORDER BY position",
    )?
    .query_map([as_run_id], |row| {
        let position: u32 = row.get(0)?;
        Ok(SentSegment {
            position: position as usize,
            kind: row.get(1)?,
            asset_id: row.get(2)?,
            offset_ms: Millis(row.get(3)?),
            first: FrameIndex(row.get(4)?),
            count: row.get(5)?,
        })
    })?
    .collect()
}

fn insert_open(work: &Transaction<'_>, channel_id: i32, open: &OpenRun, now: UtcMs) -> rusqlite::Result<()> {
    work.prepare_cached(
        "INSERT OR REPLACE INTO as_run_open (channel_id, block_ms, end_ms, joined_ms, block_id, epoch_ms, rate_num,
             rate_den, first_frame, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        channel_id,
        open.block_ms.0,
        open.end_ms.0,
        open.joined_ms.0,
        open.block_id,
        open.epoch_ms.0,
        open.rate.num(),
        open.rate.den(),
        open.first.0,
        now.0
    ])?;
    Ok(())
}

fn insert_run(work: &Transaction<'_>, channel_id: i32, run: &AsRun) -> rusqlite::Result<()> {
    work.prepare_cached(
        "DELETE FROM as_run_open WHERE channel_id = ?1 AND block_ms = ?2 AND joined_ms = ?3",
    )?
    .execute(params![channel_id, run.block_ms.0, run.joined_ms.0])?;
    let sent_until: Option<i64> = work
        .prepare_cached("SELECT max(until_ms) FROM as_run WHERE channel_id = ?1")?
        .query_row([channel_id], |row| row.get(0))?;
    let run = match sent_until {
        Some(sent_until) => run.clone().after(UtcMs(sent_until)),
        None => run.clone(),
    };
    let id: Option<i64> = work
        .prepare_cached(
            "INSERT INTO as_run (channel_id, block_ms, joined_ms, from_ms, until_ms, block_id, outcome, detail,
                 epoch_ms, rate_num, rate_den, first_frame, frames, reckoned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (channel_id, block_ms, joined_ms) DO NOTHING RETURNING as_run_id",
        )?
        .query_row(
            params![
                channel_id,
                run.block_ms.0,
                run.joined_ms.0,
                run.from_ms.0,
                run.until_ms.0,
                run.block_id,
                run.outcome.word(),
                run.detail,
                run.frames.map(|f| f.epoch_ms.0),
                run.frames.map(|f| f.rate.num()),
                run.frames.map(|f| f.rate.den()),
                run.frames.map(|f| f.first.0),
                run.frames.map(|f| f.count),
                run.frames.is_some_and(|f| f.reckoned),
            ],
            |row| row.get(0),
        )
        .optional()?;
    let (Some(id), Some(frames)) = (id, run.frames) else { return Ok(()) };
    let segments = run.segments(&segments_of(work, channel_id, run.block_ms)?);
    let mut insert = work.prepare_cached(
        "INSERT INTO as_run_segments (as_run_id, position, kind, asset_id, offset_ms, first_frame, frames)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for segment in &segments {
        insert.execute(params![
            id,
            u32::try_from(segment.position).unwrap_or(u32::MAX),
            segment.kind,
            segment.asset_id,
            segment.offset_ms.0,
            segment.first.0,
            segment.count
        ])?;
    }
    insert_plays(work, channel_id, &frames, &segments)
}

/// An asset that is in the block several times, as an episode between breaks is, is one play: it began with the
/// first segment of it that was sent.
fn insert_plays(
    work: &Transaction<'_>,
    channel_id: i32,
    frames: &SentFrames,
    segments: &[SentSegment],
) -> rusqlite::Result<()> {
    let mut plays: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for segment in segments {
        let from = frames.instant(segment.first);
        let until = frames.instant(segment.first.offset(segment.count));
        if let Some(asset) = &segment.asset_id {
            plays.entry(asset).or_insert((from.0, 0)).1 += until.since(from).0;
        }
    }
    let mut insert = work.prepare_cached(
        "INSERT OR IGNORE INTO play_history (channel_id, asset_id, from_ms, aired_ms) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (asset, (from, aired)) in plays {
        insert.execute(params![channel_id, asset, from, aired])?;
    }
    Ok(())
}
