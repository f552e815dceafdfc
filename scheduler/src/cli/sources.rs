//! `retrovue source`: where media come from.

use super::ingest::summary;
use super::output::{put_json, put_lines};
use super::progress::Bar;
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetType, Catalog, ImporterKind, PathMap, SourceRecord};
use crate::ingest::{Ingest, IngestReport, ProberCommand};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::Path;

const ADD_HELP: &str = "Examples:
  retrovue source add /srv/media
  retrovue source add /srv/adverts --type commercial
  retrovue source add http://nas:8096 --importer jellyfin --key-env JELLYFIN_KEY --map /media=/mnt/media
  retrovue source add http://nas:32400 --importer plex --key-file plex.key --name Plex

Adding says where media are; `retrovue source scan` looks. The folders of a station file need not be added.
A server is only asked what it has: the files must be on this machine, or mounted. Where they have other
paths here, say so with --map SERVER=HERE. The key is an API key (Jellyfin) or a token (Plex); it is read at
every scan from where you say and is never stored.";

/// Commands under `source`.
#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// Add a folder or a server's library, or change how one is read
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// List the sources
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Forget a source and its assets; no file is touched, and what was aired stays on record
    Remove {
        /// Its number, name, folder or address
        source: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
    /// Look through sources for what is new, changed, moved or gone
    Scan {
        /// Their numbers, names, folders or addresses; all when none is named
        sources: Vec<String>,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
}

/// Arguments of `source add`.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// A folder, or a server's address such as http://nas:8096
    root: String,
    /// What lists its files: files, jellyfin or plex [default: files]
    #[arg(long, value_name = "KIND")]
    importer: Option<ImporterKind>,
    /// What to call it; a server's collections are named after it
    #[arg(long)]
    name: Option<String>,
    /// What all its files are for, whatever folders or server say
    #[arg(long = "type", value_name = "TYPE")]
    asset_type: Option<AssetType>,
    /// The environment variable that holds the server's key
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// The file that holds the server's key
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// A folder as the server names it, and where it is here; may be said several times
    #[arg(long = "map", value_name = "SERVER=HERE")]
    maps: Vec<String>,
    /// Print the source as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

#[derive(Serialize)]
struct SourceList {
    sources: Vec<SourceRecord>,
}

pub(super) fn run(command: SourceCommand) -> Result<Exit, Failure> {
    match command {
        SourceCommand::Add(args) => add(args),
        SourceCommand::List { json, whereabouts } => {
            let sources = whereabouts.catalog()?.sources()?;
            if json { put_json(&SourceList { sources }) } else { put_lines(sources.iter().map(line)) }
        }
        SourceCommand::Remove { source, json, whereabouts } => {
            let mut catalog = whereabouts.catalog()?;
            let source = catalog.source(&source)?;
            let forgotten = catalog.remove_source(source.id)?;
            if json {
                return put_json(&serde_json::json!({ "removed": source.root, "assets": forgotten }));
            }
            put_lines([format!("forgot {} and its {forgotten} assets", source.root)])
        }
        SourceCommand::Scan { sources, json, whereabouts } => {
            let mut catalog = whereabouts.catalog()?;
            let wanted = if sources.is_empty() {
                catalog.sources()?
            } else {
                sources.iter().map(|s| catalog.source(s)).collect::<Result<_, _>>()?
            };
            let report = scan(&mut catalog, &wanted)?;
            if json { put_json(&report) } else { put_lines(summary(&report)) }
        }
    }
}

fn scan(catalog: &mut Catalog, sources: &[SourceRecord]) -> Result<IngestReport, Failure> {
    let mut all = IngestReport::default();
    for source in sources {
        let mut ingest = Ingest::new(catalog, ProberCommand::standard());
        all.add(ingest.run_source(source, &mut Bar::new())?);
    }
    Ok(all)
}

fn add(args: AddArgs) -> Result<Exit, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let is_address = args.root.starts_with("http://") || args.root.starts_with("https://");
    let importer = args.importer.unwrap_or(ImporterKind::Files);
    let credential = match (args.key_env, args.key_file) {
        (Some(name), _) => Some(format!("env:{name}")),
        (None, Some(file)) => {
            let path = std::path::absolute(&file).map_err(|e| usage(format!("the key file {file}: {e}")))?;
            Some(format!("file:{}", path.display()))
        }
        (None, None) => None,
    };
    let path_map = args.maps.iter().map(|m| read_map(m).map_err(usage)).collect::<Result<Vec<_>, _>>()?;
    let root = match (importer, is_address) {
        (ImporterKind::Files, true) => {
            let message =
                format!("{} is a server; say with --importer whether it is jellyfin or plex", args.root);
            return Err(usage(message));
        }
        (ImporterKind::Files, false) => {
            if credential.is_some() || !path_map.is_empty() {
                return Err(usage("--key-env, --key-file and --map are for servers, not for folders".into()));
            }
            let real = std::fs::canonicalize(&args.root).ok().filter(|path| path.is_dir());
            let Some(text) = real.as_deref().and_then(Path::to_str) else {
                let message = format!("{} is no folder that can be read; check the path", args.root);
                return Err(Failure::new(Exit::Failed, message));
            };
            text.to_owned()
        }
        (_, false) => {
            return Err(usage(format!("{} is no address; write it like http://nas:8096", args.root)));
        }
        (_, true) if credential.is_none() => {
            return Err(usage("a server wants a key; say with --key-env or --key-file where it is".into()));
        }
        (_, true) => args.root.trim_end_matches('/').to_owned(),
    };
    let source = SourceRecord {
        id: 0,
        root,
        name: args.name,
        importer,
        asset_type: args.asset_type,
        credential,
        path_map,
        assets: 0,
    };
    let mut catalog = Catalog::open(&args.whereabouts.data_dir()?)?;
    let id = catalog.put_source(&source)?;
    let source = catalog.source(&id.to_string())?;
    if args.json {
        return put_json(&source);
    }
    put_lines([line(&source), format!("now scan it: retrovue source scan {id}")])
}

fn read_map(text: &str) -> Result<PathMap, String> {
    let Some((server, here)) = text.split_once('=').filter(|(s, h)| !s.is_empty() && h.starts_with('/'))
    else {
        return Err(format!(
            "\"{text}\" is no map; write SERVER=HERE with a full path, like /media=/mnt/media"
        ));
    };
    Ok(PathMap { server: server.to_owned(), here: here.to_owned() })
}

fn line(source: &SourceRecord) -> String {
    let name = source.name.as_deref().map(|n| format!("  \"{n}\"")).unwrap_or_default();
    let fixed = source.asset_type.map(|t| format!("  all {t}")).unwrap_or_default();
    format!(
        "{:>3}  {:<8}  {:>6} assets  {}{name}{fixed}",
        source.id,
        source.importer.word(),
        source.assets,
        source.root
    )
}
