//! `retrovue playlog list` and `show`: what AIR was given.

use super::output::{put_json, put_lines};
use super::stretch::{Stretch, StretchArgs};
use super::{Exit, Failure};
use crate::catalog::PlaylogBlock;
use clap::{Args, Subcommand};
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;

pub(super) const PLAYLOG_HELP: &str =
    "A block is in the playout log once AIR has been given it. Fields: docs/as-run.md";

/// Commands under `playlog`.
#[derive(Debug, Subcommand)]
pub(super) enum PlaylogCommand {
    /// List the blocks that were given to AIR
    List(ListArgs),
    /// Show blocks with their segments
    Show(ShowArgs),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    stretch: StretchArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    stretch: StretchArgs,
    /// Only the block that holds this instant
    #[arg(long, value_name = "INSTANT", conflicts_with_all = ["from", "to", "day"])]
    at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Playlog {
    version: &'static str,
    channel: String,
    channel_id: i32,
    timezone: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
struct Block {
    block_id: String,
    title: String,
    start_at: String,
    start_utc_ms: UtcMs,
    end_at: String,
    end_utc_ms: UtcMs,
    segments: Vec<Segment>,
}

#[derive(Serialize)]
struct Segment {
    segment: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<String>,
    asset_from_ms: Millis,
    duration_ms: Millis,
    start_at: String,
    start_utc_ms: UtcMs,
}

pub(super) fn run(command: PlaylogCommand) -> Result<Exit, Failure> {
    let (args, at, json, with_segments) = match command {
        PlaylogCommand::List(args) => (args.stretch, None, args.json, false),
        PlaylogCommand::Show(args) => (args.stretch, args.at, args.json, true),
    };
    let stretch = args.open()?;
    let (from, until) = match &at {
        None => (stretch.from, stretch.until),
        Some(text) => {
            let at = stretch.instant(text)?;
            (at, at.plus(Millis(1)))
        }
    };
    let found = stretch.catalog.playlog(stretch.channel.channel_id, from, until)?;
    if found.is_empty() && at.is_some() {
        let when = stretch.local(from);
        let message = format!("{} has no block at {when} in its playout log", stretch.channel.id);
        return Err(Failure::new(Exit::Failed, message));
    }
    let blocks: Vec<Block> = found.into_iter().map(|found| block(&stretch, found)).collect();
    if json {
        return put_json(&Playlog {
            version: "playlog.v1",
            channel: stretch.channel.id.clone(),
            channel_id: stretch.channel.channel_id,
            timezone: stretch.zone_name(),
            blocks,
        });
    }
    put_lines(blocks.iter().flat_map(|block| {
        let (start, end) = (stretch.clock(block.start_utc_ms), stretch.clock(block.end_utc_ms));
        let end = end.get(11..).unwrap_or_default();
        let heading = format!("{start}  {end}  {:>3} segments  {}", block.segments.len(), block.title);
        let segments = block.segments.iter().filter(|_| with_segments).map(|segment| {
            let start = stretch.clock(segment.start_utc_ms);
            let (start, kind) = (start.get(11..).unwrap_or_default(), segment.kind.as_deref());
            let asset = segment.asset_id.as_deref().unwrap_or_default();
            let (kind, from) = (kind.unwrap_or("segment"), segment.asset_from_ms);
            format!(
                "           {start}  {kind:<8}  {:>10} from {from}  {asset}",
                segment.duration_ms.to_string()
            )
        });
        std::iter::once(heading).chain(segments).collect::<Vec<_>>()
    }))
}

fn block(stretch: &Stretch, found: PlaylogBlock) -> Block {
    let mut at = found.start_ms;
    let segments = found.segments.into_iter().enumerate().map(|(index, segment)| {
        let start = at;
        at = at.plus(segment.duration_ms);
        Segment {
            segment: index,
            kind: segment.kind,
            asset_id: segment.asset_id,
            asset_from_ms: segment.offset_ms,
            duration_ms: segment.duration_ms,
            start_at: stretch.local(start),
            start_utc_ms: start,
        }
    });
    let segments = segments.collect();
    Block {
        block_id: found.block_id,
        title: found.title,
        start_at: stretch.local(found.start_ms),
        start_utc_ms: found.start_ms,
        end_at: stretch.local(found.end_ms),
        end_utc_ms: found.end_ms,
        segments,
    }
}
