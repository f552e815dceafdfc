//! `retrovue asset list` and `retrovue asset show`.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{AssetRecord, AssetType, Health};
use clap::Subcommand;
use retrovue_timebase::Millis;
use serde::Serialize;

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
}

#[derive(Serialize)]
struct AssetList {
    assets: Vec<AssetRecord>,
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
            if json { put_json(&AssetList { assets }) } else { put_lines(assets.iter().map(line)) }
        }
        AssetCommand::Show { asset, json, whereabouts } => {
            let asset = whereabouts.catalog()?.asset(&asset)?;
            if json { put_json(&asset) } else { put_lines(details(&asset)) }
        }
    }
}

fn length(asset: &AssetRecord) -> String {
    let Some(Millis(ms)) = asset.facts.as_ref().and_then(|f| f.duration_ms) else { return "-".into() };
    format!("{}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn line(asset: &AssetRecord) -> String {
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

fn details(asset: &AssetRecord) -> Vec<String> {
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
    lines
}
