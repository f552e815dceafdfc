//! A stretch of a channel's history: which channel, from when to when, in which zone its clock is read.

use super::schedule::read_instant;
use super::{Exit, Failure, Whereabouts};
use crate::catalog::{Catalog, ChannelRecord};
use crate::dsl::examine_channel;
use crate::plan::broadcast_day::{bounds, day_of};
use crate::yaml::Document;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_timebase::UtcMs;

/// The options that say which stretch.
#[derive(Debug, Args)]
pub(super) struct StretchArgs {
    /// The channel, by name or number
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// From when: 2026-12-24T20:15 on the channel's clock, or 2026-12-24T20:15:00Z
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// Until when, exclusive [default: the end of the broadcast day it is now]
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// The broadcast day, 06:00 to 06:00 [default: the one it is now]
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "to"])]
    day: Option<Date>,
    #[command(flatten)]
    whereabouts: Whereabouts,
}

/// A stretch of one channel.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) catalog: Catalog,
    pub(super) channel: ChannelRecord,
    pub(super) zone: TimeZone,
    pub(super) from: UtcMs,
    pub(super) until: UtcMs,
}

impl StretchArgs {
    /// Opens the catalog and finds the channel; its zone is the one in its file, UTC where there is none.
    pub(super) fn open(&self) -> Result<Stretch, Failure> {
        let catalog = self.whereabouts.catalog()?;
        let by_number = || Ok(catalog.channels()?.into_iter().find(|c| c.number.to_string() == self.channel));
        let channel = match catalog.channel(&self.channel) {
            Ok(channel) => channel,
            Err(unknown) => by_number().and_then(|found| found.ok_or(unknown))?,
        };
        let zone = self.zone(&channel.id)?;
        let today = day_of(&zone, UtcMs(Timestamp::now().as_millisecond()))?;
        let (from, until) = match self.day {
            Some(day) => bounds(&zone, day)?,
            None => {
                let (begin, end) = bounds(&zone, today)?;
                let at = |text: &Option<String>| text.as_ref().map(|text| instant(text, &zone)).transpose();
                let until = at(&self.to)?.unwrap_or(end);
                let from = match at(&self.from)? {
                    Some(from) => from,
                    None if until > begin => begin,
                    // An end before today: the whole of the day it is in.
                    None => bounds(&zone, day_of(&zone, UtcMs(until.0 - 1))?)?.0,
                };
                (from, until)
            }
        };
        if from >= until {
            return Err(Failure::new(Exit::Usage, "--from is not before --to"));
        }
        Ok(Stretch { catalog, channel, zone, from, until })
    }

    fn zone(&self, channel: &str) -> Result<TimeZone, Failure> {
        let Some(config) = self.whereabouts.station_if_any()? else { return Ok(TimeZone::UTC) };
        let found = config.channels.iter().find_map(|path| {
            let (spec, _) = examine_channel(Document::read(path).ok()?);
            spec.filter(|spec| spec.id == channel)
        });
        Ok(found.map_or(TimeZone::UTC, |spec| spec.zone))
    }
}

impl Stretch {
    /// The instant on the channel's clock, with its offset: `2026-12-24T20:15:00.033-05:00`.
    pub(super) fn local(&self, at: UtcMs) -> String {
        match Timestamp::from_millisecond(at.0) {
            Ok(t) => t.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            Err(_) => at.to_string(),
        }
    }

    /// Date and time on the channel's clock, for people.
    pub(super) fn clock(&self, at: UtcMs) -> String {
        self.local(at).get(..23).unwrap_or_default().replace('T', " ")
    }

    /// Name of the zone.
    pub(super) fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// An instant as the options have it.
    pub(super) fn instant(&self, text: &str) -> Result<UtcMs, Failure> {
        instant(text, &self.zone)
    }
}

fn instant(text: &str, zone: &TimeZone) -> Result<UtcMs, Failure> {
    let at = read_instant(text, zone).ok_or_else(|| {
        let message = format!("\"{text}\" is no instant; write 2026-12-24T20:15, or 2026-12-24T20:15:00Z");
        Failure::new(Exit::Usage, message)
    })?;
    Ok(UtcMs(at.as_millisecond()))
}
