//! `retrovue asset`: list, show, breaks.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetRecord, AssetType, Health, Measured, Play, SuggestedBreak};
use clap::Subcommand;
use retrovue_timebase::Millis;
use serde::Serialize;
use std::collections::BTreeSet;

/// Commands under `asset`.
#[derive(Debug, Subcommand)]
pub(super) enum AssetCommand {
    /// List assets
    List {
        /// Only those of this collection and below it
        #[arg(long)]
        collection: Option<String>,
        /// Only those of this type
        #[arg(long = "type", value_name = "TYPE")]
        asset_type: Option<AssetType>,
        /// Only those that cannot air
        #[arg(long)]
        bad: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Show one asset with everything known of it
    Show {
        /// Its id, or its path
        asset: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Show the breaks that are suggested in an asset, and accept some of them
    #[command(after_help = BREAKS_HELP)]
    Breaks {
        /// Its id, or its path
        asset: String,
        /// Accept these, by number, and no others: 1,3 or all or none
        #[arg(long, value_name = "NUMBERS")]
        accept: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
}

const BREAKS_HELP: &str = "Suggestions are places that are black and silent, found by `retrovue ingest --deep`. None is used unless it
is accepted here. A file with chapters of its own keeps to those.

Example:
  retrovue asset breaks asset.cosmic_diner.s01e01 --accept 1,2";

/// Most plays that `asset show` lists.
const PLAYS_SHOWN: u32 = 10;

#[derive(Serialize)]
struct AssetList {
    assets: Vec<AssetRecord>,
}

#[derive(Serialize)]
struct AssetDetails {
    #[serde(flatten)]
    asset: AssetRecord,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plays: Vec<Play>,
}

#[derive(Serialize)]
struct BreakList {
    asset: String,
    suggested_breaks: Vec<SuggestedBreak>,
}

pub(super) fn run(command: AssetCommand) -> Result<Exit, Failure> {
    match command {
        AssetCommand::List { collection, asset_type, bad, json, whereabouts } => {
            let mut assets = whereabouts.catalog()?.assets()?;
            assets.retain(|a| {
                let below = |c: &String| {
                    a.collection.strip_prefix(c.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.'))
                };
                collection.as_ref().is_none_or(below)
                    && asset_type.is_none_or(|t| t == a.asset_type)
                    && (!bad || a.health != Health::Ok)
            });
            if json { put_json(&AssetList { assets }) } else { put_lines(assets.iter().map(asset_line)) }
        }
        AssetCommand::Show { asset, json, whereabouts } => {
            let catalog = whereabouts.catalog()?;
            let asset = catalog.asset(&asset)?;
            let plays = catalog.plays(&asset.id, PLAYS_SHOWN)?;
            if json { put_json(&AssetDetails { asset, plays }) } else { put_lines(details(&asset, &plays)) }
        }
        AssetCommand::Breaks { asset, accept, json, whereabouts } => {
            let mut catalog = whereabouts.catalog()?;
            let asset = catalog.asset(&asset)?;
            let mut breaks = asset.suggested_breaks.clone();
            if let Some(numbers) = accept {
                let places = chosen(&numbers, &breaks).map_err(|m| Failure::new(Exit::Usage, m))?;
                breaks = catalog.accept_breaks(&asset.id, &places)?;
            }
            if json {
                return put_json(&BreakList { asset: asset.id, suggested_breaks: breaks });
            }
            if breaks.is_empty() {
                let why = match (&asset.measured, asset.facts.as_ref().is_some_and(|f| f.chapters.len() > 1))
                {
                    (_, true) => "none is needed: the file has chapters",
                    (None, false) => "it has not been looked for: retrovue ingest --deep",
                    (Some(_), false) => "nothing in it is black and silent far enough from its ends",
                };
                return put_lines([format!("no breaks are suggested in {}; {why}", asset.id)]);
            }
            put_lines((1..).zip(&breaks).map(|(number, b)| break_line(number, b)))
        }
    }
}

/// The places that numbers stand for.
fn chosen(numbers: &str, breaks: &[SuggestedBreak]) -> Result<BTreeSet<Millis>, String> {
    match numbers {
        "all" => Ok(breaks.iter().map(|b| b.at_ms).collect()),
        "none" => Ok(BTreeSet::new()),
        _ => numbers
            .split(',')
            .map(|number| {
                let index: Option<usize> = number.trim().parse().ok();
                let found = index.and_then(|n| breaks.get(n.checked_sub(1)?));
                found.map(|b| b.at_ms).ok_or_else(|| {
                    format!(
                        "\"{number}\" is none of the {} breaks; say all, none, or numbers like 1,3",
                        breaks.len()
                    )
                })
            })
            .collect(),
    }
}

fn break_line(number: usize, place: &SuggestedBreak) -> String {
    let used = if place.accepted { "accepted" } else { "suggested" };
    format!("{number:>3}  {:>13}  {:>6} ms  {used}", clock(place.at_ms), place.length_ms.0)
}

fn clock(Millis(ms): Millis) -> String {
    format!("{}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// Hundredths as a decimal.
fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let n = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", n / 100, n % 100)
}

fn length(asset: &AssetRecord) -> String {
    asset.facts.as_ref().and_then(|f| f.duration_ms).map_or_else(|| "-".into(), clock)
}

/// An asset on one line, with what is wrong with it.
pub(super) fn asset_line(asset: &AssetRecord) -> String {
    let trouble =
        asset.reason.as_deref().map(|r| format!("  {}: {r}", asset.health.word())).unwrap_or_default();
    format!(
        "{:<10}  {:>13}  {}  \"{}\"{trouble}",
        asset.asset_type.word(),
        length(asset),
        asset.id,
        asset.title
    )
}

fn details(asset: &AssetRecord, plays: &[Play]) -> Vec<String> {
    let mut lines = vec![
        format!("id          {}", asset.id),
        format!("title       {}", asset.title),
        format!("type        {}", asset.asset_type),
        format!("collection  {}", asset.collection),
        format!("path        {}", asset.path.display()),
        format!("health      {}", asset.health.word()),
    ];
    lines.extend(asset.reason.iter().map(|r| format!("reason      {r}")));
    if let (Some(season), Some(episode)) = (asset.season, asset.episode) {
        lines.push(format!("episode     S{season:02}E{episode:02}"));
    }
    lines.extend(asset.artwork.iter().map(|a| format!("picture     {a}")));
    lines.extend(asset.series.iter().map(|s| format!("series      {s}")));
    lines.extend(asset.year.iter().map(|y| format!("year        {y}")));
    lines.extend(asset.rating.iter().map(|r| format!("rating      {r}")));
    if !asset.genres.is_empty() {
        lines.push(format!("genres      {}", asset.genres.join(", ")));
    }
    lines.extend(asset.plot.iter().map(|plot| format!("plot        {plot}")));
    if let Some(facts) = &asset.facts {
        lines.push(format!("length      {}", length(asset)));
        lines.push(format!("container   {}", facts.container));
        lines.extend(facts.video_codec().map(|c| format!("video       {c}")));
        lines.extend(facts.audio_codec().map(|c| format!("audio       {c}")));
        for chapter in &facts.chapters {
            let title = chapter.title.as_deref().unwrap_or_default();
            lines.push(format!("chapter     {} to {}  {title}", chapter.start_ms, chapter.end_ms));
        }
    }
    lines.push(match &asset.measured {
        None => "loudness    not measured; retrovue ingest --deep".to_owned(),
        Some(Measured::Failed(why)) => format!("loudness    cannot be measured: {why}"),
        Some(Measured::Loudness(None)) => "loudness    silent".to_owned(),
        Some(Measured::Loudness(Some(l))) => format!(
            "loudness    {} LUFS, range {} LU, peak {} dBTP",
            decimal(l.integrated),
            decimal(l.loudness_range),
            decimal(l.true_peak)
        ),
    });
    lines.extend((1..).zip(&asset.suggested_breaks).map(|(n, b)| format!("break     {}", break_line(n, b))));
    for play in plays {
        lines.push(format!(
            "played      channel {} at {}, {} ms",
            play.channel_id, play.from_ms.0, play.aired_ms.0
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_are_chosen_by_number() {
        let breaks = [100, 200, 300].map(|at| SuggestedBreak {
            at_ms: Millis(at),
            length_ms: Millis(9),
            accepted: false,
        });
        let chosen = |text| chosen(text, &breaks).map(|set| set.into_iter().map(|m| m.0).collect::<Vec<_>>());
        assert_eq!(chosen("1, 3"), Ok(vec![100, 300]));
        assert_eq!((chosen("all"), chosen("none")), (Ok(vec![100, 200, 300]), Ok(vec![])));
        for wrong in ["0", "4", "x", "", "1,,2", "-1"] {
            assert!(chosen(wrong).unwrap_err().contains("of the 3 breaks"), "{wrong}");
        }
    }

    #[test]
    fn levels_are_decimals() {
        for (hundredths, text) in [(-2305, "-23.05"), (-5, "-0.05"), (0, "0.00"), (710, "7.10")] {
            assert_eq!(decimal(hundredths), text);
        }
    }
}
