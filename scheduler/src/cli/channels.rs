//! `retrovue channel list`.

use super::output::{put_json, put_lines};
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{Catalog, ChannelRecord};
use crate::plan::Programming;
use clap::Subcommand;
use serde::Serialize;

/// Commands under `channel`.
#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// List the station's channels; without a station file, all the catalog has ever known
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whereabouts: Whereabouts,
    },
}

#[derive(Serialize)]
struct ChannelList {
    channels: Vec<ChannelRecord>,
}

pub(super) fn run(command: ChannelCommand) -> Result<Exit, Failure> {
    let ChannelCommand::List { json, whereabouts } = command;
    let channels = match whereabouts.station_if_any()? {
        Some(config) => {
            let mut catalog = Catalog::open(&config.data_dir)?;
            let (programming, _) = Programming::open(&config, &mut catalog)?;
            let record = |c: &crate::plan::ChannelInfo| ChannelRecord {
                id: c.id.clone(),
                channel_id: c.channel_id,
                number: c.number,
                name: c.name.clone(),
            };
            programming.channels().iter().map(record).collect()
        }
        None => whereabouts.catalog()?.channels()?,
    };
    if json {
        return put_json(&ChannelList { channels });
    }
    put_lines(channels.iter().map(|c| format!("{:>5}  {:<20}  {}", c.number, c.id, c.name)))
}
