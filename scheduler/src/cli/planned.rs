//! The station's programming, for the verbs that look into it: one bad channel does not keep them from the others.

use super::{Exit, Failure, Whereabouts};
use crate::catalog::Catalog;
use crate::config::StationConfig;
use crate::plan::{ChannelInfo, LeftOut, Programming};
use crate::yaml::Report;

/// A station with the channels that can air.
pub(super) struct Planned {
    pub(super) config: StationConfig,
    pub(super) catalog: Catalog,
    pub(super) programming: Programming,
    pub(super) left_out: Vec<LeftOut>,
}

impl Planned {
    pub(super) fn open(whereabouts: &Whereabouts) -> Result<Planned, Failure> {
        let config = whereabouts.station()?;
        let mut catalog = Catalog::open(&config.data_dir)?;
        let opened = Programming::open_sound(&config, &mut catalog)?;
        Ok(Planned { config, catalog, programming: opened.programming, left_out: opened.left_out })
    }

    /// A channel by its name or its number. What is wrong with it, where it cannot air.
    pub(super) fn channel(&self, which: &str) -> Result<&ChannelInfo, Failure> {
        let channels = self.programming.channels();
        let by_number = || channels.iter().find(|c| c.number.to_string() == which);
        if let Some(found) = channels.iter().find(|c| c.id == which).or_else(by_number) {
            return Ok(found);
        }
        if let Some(left) = self.left_out.iter().find(|left| left.channel.as_deref() == Some(which)) {
            return Err(Failure::findings(Exit::Unreadable, left.findings.clone()));
        }
        if channels.is_empty() && !self.left_out.is_empty() {
            return Err(Failure::findings(Exit::Unreadable, findings_of(&self.left_out)));
        }
        let known: Vec<&str> = channels.iter().map(|c| c.id.as_str()).collect();
        let left: Vec<&str> = self.left_out.iter().filter_map(|l| l.channel.as_deref()).collect();
        let left = if left.is_empty() {
            String::new()
        } else {
            format!("; left out with errors: {}, see `retrovue channel check`", left.join(", "))
        };
        let message =
            format!("there is no channel \"{which}\" in this station; it has {}{left}", known.join(", "));
        Err(Failure::new(Exit::Failed, message))
    }
}

/// Everything that is wrong with channels that are left out.
pub(super) fn findings_of(left_out: &[LeftOut]) -> Report {
    let mut report = Report::default();
    left_out.iter().for_each(|left| report.append(left.findings.clone()));
    report
}
