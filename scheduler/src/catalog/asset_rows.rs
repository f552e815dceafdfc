//! Assets as rows: how one is read, and how one is written.

use super::asset::{AssetRecord, AssetType, Chapter, Health, Loudness, Measured, ProbeFacts, SuggestedBreak};
use super::intake::{Outcome, Sighting};
use retrovue_timebase::Millis;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;
use std::path::PathBuf;

const SELECT_ASSET: &str = "SELECT a.asset_pk, asset_id, title, asset_type, collection_id, season, episode, year, \
     path, size, mtime_ns, health, reason, container, duration_ms, video_json, audio_json, series, rating, \
     m.asset_pk, m.integrated, m.loudness_range, m.true_peak, m.failure, plot, artwork, artwork_mark \
     FROM assets a LEFT JOIN measurements m ON m.asset_pk = a.asset_pk";

/// All assets, in order of id.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<AssetRecord>> {
    let mut chapters = children(db, CHAPTERS, "", [], chapter)?;
    let mut genres = children(db, GENRES, "", [], |row| row.get(1))?;
    let mut breaks = children(db, BREAKS, "", [], suggested_break)?;
    let mut statement = db.prepare(&format!("{SELECT_ASSET} ORDER BY asset_id"))?;
    let rows = statement.query_map([], |row| {
        let (pk, mut record) = asset(row)?;
        if let Some(facts) = &mut record.facts {
            facts.chapters = chapters.remove(&pk).unwrap_or_default();
        }
        record.genres = genres.remove(&pk).unwrap_or_default();
        record.suggested_breaks = breaks.remove(&pk).unwrap_or_default();
        Ok(record)
    })?;
    rows.collect()
}

/// One asset by id or path, with its key.
pub(super) fn one(db: &Connection, id_or_path: &str) -> rusqlite::Result<Option<(i64, AssetRecord)>> {
    let found = db
        .query_row(
            &format!("{SELECT_ASSET} WHERE asset_id = ?1 OR path = ?1 ORDER BY asset_id <> ?1"),
            [id_or_path],
            asset,
        )
        .optional()?;
    let Some((pk, mut record)) = found else { return Ok(None) };
    let own = "WHERE asset_pk = ?1";
    if let Some(facts) = &mut record.facts {
        facts.chapters = children(db, CHAPTERS, own, [pk], chapter)?.remove(&pk).unwrap_or_default();
    }
    record.genres = children(db, GENRES, own, [pk], |row| row.get(1))?.remove(&pk).unwrap_or_default();
    record.suggested_breaks =
        children(db, BREAKS, own, [pk], suggested_break)?.remove(&pk).unwrap_or_default();
    Ok(Some((pk, record)))
}

const CHAPTERS: (&str, &str) = ("asset_pk, start_ms, end_ms, title FROM chapters", "position");
const GENRES: (&str, &str) = ("asset_pk, genre FROM genres", "genre");
const BREAKS: (&str, &str) = ("asset_pk, at_ms, length_ms, accepted FROM suggested_breaks", "at_ms");

/// Rows that belong to assets, by asset, in their order.
fn children<T, P: rusqlite::Params>(
    db: &Connection,
    (columns, order): (&str, &str),
    which: &str,
    parameters: P,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<BTreeMap<i64, Vec<T>>> {
    let mut all: BTreeMap<i64, Vec<T>> = BTreeMap::new();
    let mut statement = db.prepare(&format!("SELECT {columns} {which} ORDER BY asset_pk, {order}"))?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        all.entry(row.get(0)?).or_default().push(read(row)?);
    }
    Ok(all)
}

fn chapter(row: &Row<'_>) -> rusqlite::Result<Chapter> {
    Ok(Chapter { start_ms: Millis(row.get(1)?), end_ms: Millis(row.get(2)?), title: row.get(3)? })
}

fn suggested_break(row: &Row<'_>) -> rusqlite::Result<SuggestedBreak> {
    Ok(SuggestedBreak {
        at_ms: Millis(row.get(1)?),
        length_ms: Millis(row.get(2)?),
        accepted: row.get::<_, i64>(3)? != 0,
    })
}

fn asset(row: &Row<'_>) -> rusqlite::Result<(i64, AssetRecord)> {
    let health: String = row.get(11)?;
    let container: Option<String> = row.get(13)?;
    let json = |index| -> rusqlite::Result<Option<serde_json::Value>> {
        let text: Option<String> = row.get(index)?;
        Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
    };
    let facts = match container {
        None => None,
        Some(container) => Some(ProbeFacts {
            container,
            duration_ms: row.get::<_, Option<i64>>(14)?.map(Millis),
            video: json(15)?,
            audio: match json(16)? {
                Some(serde_json::Value::Array(tracks)) => tracks,
                _ => Vec::new(),
            },
            chapters: Vec::new(),
        }),
    };
    let record = AssetRecord {
        id: row.get(1)?,
        title: row.get(2)?,
        asset_type: type_of(row, 3)?,
        collection: row.get(4)?,
        series: row.get(17)?,
        season: row.get(5)?,
        episode: row.get(6)?,
        year: row.get(7)?,
        rating: row.get(18)?,
        genres: Vec::new(),
        plot: row.get(24)?,
        artwork: row.get(25)?,
        artwork_mark: row.get(26)?,
        path: PathBuf::from(row.get::<_, String>(8)?),
        size: row.get::<_, i64>(9)?.unsigned_abs(),
        mtime_ns: row.get(10)?,
        health: Health::from_word(&health),
        reason: row.get(12)?,
        facts,
        measured: measured(row)?,
        suggested_breaks: Vec::new(),
    };
    Ok((row.get(0)?, record))
}

fn measured(row: &Row<'_>) -> rusqlite::Result<Option<Measured>> {
    if row.get::<_, Option<i64>>(19)?.is_none() {
        return Ok(None);
    }
    if let Some(failure) = row.get(23)? {
        return Ok(Some(Measured::Failed(failure)));
    }
    let levels: (Option<i64>, Option<i64>, Option<i64>) = (row.get(20)?, row.get(21)?, row.get(22)?);
    Ok(Some(Measured::Loudness(match levels {
        (Some(integrated), Some(loudness_range), Some(true_peak)) => {
            Some(Loudness { integrated, loudness_range, true_peak })
        }
        _ => None,
    })))
}

pub(super) fn type_of(row: &Row<'_>, column: usize) -> rusqlite::Result<AssetType> {
    let word: String = row.get(column)?;
    word.parse().map_err(|e: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into())
    })
}

/// Records a file that is new or changed.
pub(super) fn record(work: &Transaction<'_>, source_id: i64, seen: &Sighting) -> rusqlite::Result<()> {
    let known: Option<(i64, Option<String>)> = work
        .prepare_cached("SELECT asset_pk, content_mark FROM assets WHERE path = ?1")?
        .query_row([&seen.path], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (pk, mark) = match known {
        Some(known) => known,
        None => {
            let asset_id = free_id(work, &seen.asset_slug)?;
            let insert = "INSERT INTO assets (asset_id, source_id, collection_id, path, size, mtime_ns, asset_type, \
                 title, health) VALUES (?1, ?2, ?3, ?4, 0, 0, 'episode', '', 'bad') RETURNING asset_pk";
            let pk = work
                .prepare_cached(insert)?
                .query_row(params![asset_id, source_id, seen.collection, seen.path], |row| row.get(0))?;
            (pk, None)
        }
    };
    let told = &seen.description;
    work.prepare_cached(
        "UPDATE assets SET source_id = ?2, collection_id = ?3, size = ?4, mtime_ns = ?5, asset_type = ?6, title = ?7,
            series = ?8, season = ?9, episode = ?10, year = ?11, rating = ?12, description_mark = ?13,
            content_mark = coalesce(?14, content_mark), plot = ?15, artwork = ?16, artwork_mark = ?17,
            artwork_named = ?18
         WHERE asset_pk = ?1",
    )?
    .execute(params![
        pk,
        source_id,
        seen.collection,
        i64::try_from(seen.size).unwrap_or(i64::MAX),
        seen.mtime_ns,
        seen.asset_type.word(),
        told.title,
        told.series,
        told.season,
        told.episode,
        told.year,
        told.rating,
        seen.description_mark,
        seen.content_mark,
        told.plot,
        seen.artwork.as_ref().map(|picture| picture.path.as_str()),
        seen.artwork.as_ref().map(|picture| picture.mark),
        seen.artwork_named,
    ])?;
    work.prepare_cached("DELETE FROM genres WHERE asset_pk = ?1")?.execute([pk])?;
    for genre in &told.genres {
        work.prepare_cached("INSERT OR IGNORE INTO genres (asset_pk, genre) VALUES (?1, ?2)")?
            .execute(params![pk, genre])?;
    }
    match &seen.outcome {
        Outcome::Probed(facts) => record_probe(work, pk, Some(facts), None)?,
        Outcome::Unplayable(reason) => record_probe(work, pk, None, Some(reason))?,
        Outcome::AsBefore => {
            work.prepare_cached("UPDATE assets SET health = 'ok', reason = NULL WHERE asset_pk = ?1")?
                .execute([pk])?;
        }
    }
    let is_other =
        !matches!(seen.outcome, Outcome::AsBefore) && (mark.is_none() || mark != seen.content_mark);
    if is_other {
        // What was measured belongs to what the file was.
        work.prepare_cached("DELETE FROM measurements WHERE asset_pk = ?1")?.execute([pk])?;
        work.prepare_cached("DELETE FROM suggested_breaks WHERE asset_pk = ?1")?.execute([pk])?;
    }
    Ok(())
}

fn record_probe(
    work: &Transaction<'_>,
    pk: i64,
    facts: Option<&ProbeFacts>,
    reason: Option<&str>,
) -> rusqlite::Result<()> {
    let json = |value: &serde_json::Value| value.to_string();
    let health = if facts.is_some() { Health::Ok } else { Health::Bad };
    work.prepare_cached(
        "UPDATE assets SET health = ?2, reason = ?3, container = ?4, duration_ms = ?5, video_json = ?6, audio_json = ?7
         WHERE asset_pk = ?1",
    )?
    .execute(params![
        pk,
        health.word(),
        reason,
        facts.map(|f| f.container.as_str()),
        facts.and_then(|f| f.duration_ms).map(|d| d.0),
        facts.and_then(|f| f.video.as_ref()).map(json),
        facts.map(|f| serde_json::Value::Array(f.audio.clone())).as_ref().map(json),
    ])?;
    work.prepare_cached("DELETE FROM chapters WHERE asset_pk = ?1")?.execute([pk])?;
    for (position, chapter) in facts.iter().flat_map(|f| f.chapters.iter()).enumerate() {
        work.prepare_cached(
            "INSERT INTO chapters (asset_pk, position, start_ms, end_ms, title) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            pk,
            i64::try_from(position).unwrap_or(i64::MAX),
            chapter.start_ms.0,
            chapter.end_ms.0,
            chapter.title
        ])?;
    }
    Ok(())
}

/// The id itself where it is free, else with the lowest free number behind it.
fn free_id(work: &Transaction<'_>, wanted: &str) -> rusqlite::Result<String> {
    let mut id = wanted.to_owned();
    let mut number = 2;
    let mut taken = work.prepare_cached("SELECT 1 FROM assets WHERE asset_id = ?1")?;
    while taken.exists([&id])? {
        id = format!("{wanted}_{number}");
        number += 1;
    }
    Ok(id)
}
