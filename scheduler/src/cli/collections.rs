//! `retrovue collection`: folders' collections, and those defined by what their assets are.

use super::assets::asset_line;
use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetRecord, AssetResolver, AssetType, Catalog, CollectionMatch, CollectionRecord};
use clap::{Args, Subcommand};
use retrovue_timebase::Millis;
use serde::Serialize;

const DEFINE_HELP: &str = "Examples:
  retrovue collection define col.westerns --title Westerns --genre western --type movie
  retrovue collection define col.late_night --type movie --rating R --from-year 1970 --to-year 1989
  retrovue collection define col.shorts --collection col.cartoons --most 12m

Of an option that is said several times one must hold, and every option must. Schedules name the collection
itself, or the programme over it: col.westerns is p.westerns. What is in it is looked up anew whenever a
station plans, so films that come later are in it too.";

/// Commands under `collection`.
#[derive(Debug, Subcommand)]
pub(super) enum CollectionCommand {
    /// List collections and how many assets are in each
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Show a collection and what is in it, in the order it airs
    Show {
        /// Its id, such as col.westerns
        collection: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Define a collection by what its assets are, or define it anew
    #[command(after_help = DEFINE_HELP)]
    Define(Box<DefineArgs>),
    /// Take back the definition of a collection; its assets stay
    Remove {
        /// Its id
        collection: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
}

/// Arguments of `collection define`.
#[derive(Debug, Args)]
pub(super) struct DefineArgs {
    /// Its id: col. and a name of letters, digits and _
    collection: String,
    /// Its title in guides [default: its name]
    #[arg(long)]
    title: Option<String>,
    /// Of this type: episode, movie, filler, commercial, promo or bumper
    #[arg(long = "type", value_name = "TYPE")]
    asset_type: Vec<AssetType>,
    /// Of this genre
    #[arg(long)]
    genre: Vec<String>,
    /// Of this rating
    #[arg(long)]
    rating: Vec<String>,
    /// Of this series
    #[arg(long)]
    series: Vec<String>,
    /// In this collection or below it
    #[arg(long = "in", alias = "collection", value_name = "COLLECTION")]
    within: Vec<String>,
    /// With this in the title
    #[arg(long, value_name = "TEXT")]
    title_has: Option<String>,
    /// Of this year or later
    #[arg(long, value_name = "YEAR")]
    from_year: Option<u32>,
    /// Of this year or earlier
    #[arg(long, value_name = "YEAR")]
    to_year: Option<u32>,
    /// This long or longer: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", value_parser = length)]
    least: Option<Millis>,
    /// This long or shorter
    #[arg(long, value_name = "TIME", value_parser = length)]
    most: Option<Millis>,
    /// Print the collection as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct CollectionList {
    collections: Vec<CollectionRecord>,
}

#[derive(Serialize)]
struct CollectionContents {
    #[serde(flatten)]
    collection: CollectionRecord,
    contents: Vec<AssetRecord>,
}

pub(super) fn run(command: CollectionCommand) -> Result<Exit, Failure> {
    match command {
        CollectionCommand::List { json, whereabouts } => {
            let collections = whereabouts.catalog()?.collection_records()?;
            if json {
                put_json(&CollectionList { collections })
            } else {
                put_lines(collections.iter().map(line))
            }
        }
        CollectionCommand::Show { collection, json, whereabouts } => {
            let catalog = whereabouts.catalog()?;
            let shown = contents(&catalog, &collection)?;
            if json {
                return put_json(&shown);
            }
            put_lines(std::iter::once(line(&shown.collection)).chain(shown.contents.iter().map(asset_line)))
        }
        CollectionCommand::Define(args) => define(*args),
        CollectionCommand::Remove { collection, json, whereabouts } => {
            whereabouts.catalog()?.remove_collection(&collection)?;
            if json {
                return put_json(&serde_json::json!({ "removed": collection }));
            }
            put_lines([format!("{collection} is defined no longer")])
        }
    }
}

fn define(args: DefineArgs) -> Result<Exit, Failure> {
    let wanted = CollectionMatch {
        asset_type: args.asset_type,
        genre: args.genre,
        rating: args.rating,
        series: args.series,
        collection: args.within,
        title: args.title_has,
        from_year: args.from_year,
        to_year: args.to_year,
        least_ms: args.least,
        most_ms: args.most,
    };
    let name = args.collection.rsplit('.').next().unwrap_or(&args.collection);
    let title = args.title.unwrap_or_else(|| crate::ingest::title_from_name(name));
    let mut catalog = args.whereabouts.catalog()?;
    catalog.define_collection(&args.collection, &title, &wanted)?;
    let shown = catalog.collection_record(&args.collection)?;
    if args.json { put_json(&shown) } else { put_lines([line(&shown)]) }
}

/// In airing order, as a channel takes them.
fn contents(catalog: &Catalog, id: &str) -> Result<CollectionContents, Failure> {
    let collection = catalog.collection_record(id)?;
    let snapshot = catalog.snapshot()?;
    let mut records: std::collections::BTreeMap<String, AssetRecord> =
        catalog.assets()?.into_iter().map(|a| (a.id.clone(), a)).collect();
    let listed = snapshot.collection(id).unwrap_or_default();
    let contents = listed.iter().filter_map(|a| records.remove(&a.id)).collect();
    Ok(CollectionContents { collection, contents })
}

fn line(collection: &CollectionRecord) -> String {
    let by = if collection.wanted.is_some() { "by match" } else { "folder" };
    format!("{:>6}  {by:<8}  {}  \"{}\"", collection.assets, collection.id, collection.title)
}

/// A length with its unit.
fn length(text: &str) -> Result<Millis, String> {
    let wrong = || format!("\"{text}\" is no length; write it like 90s, 20m or 2h");
    let unit = match text.chars().last() {
        Some('s') => 1000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        _ => return Err(wrong()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(unit).filter(|ms| *ms >= 0).map(Millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units() {
        for (text, ms) in [("90s", Some(90_000)), ("20m", Some(1_200_000)), ("2h", Some(7_200_000))] {
            assert_eq!(length(text).ok(), ms.map(Millis), "{text}");
        }
        for text in ["", "20", "m", "-1m", "1.5h", "é", "99999999999999999h"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
