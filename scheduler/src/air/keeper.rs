//! What the recorder keeps besides what airs: revisions of the schedule for the days ahead, and the age of the
//! playout log.
//!
//! A broadcast day is recorded once for each edition of the schedule; the catalog then makes a revision of it only where
//! it differs from the last. The work comes in small steps, so that what airs is recorded between them.

use super::schedule::Schedule;
use crate::catalog::{Catalog, CatalogError, NewRevision};
use jiff::civil::Date;
use retrovue_timebase::{Millis, UtcMs};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Broadcast days that are recorded: today and the next three.
const DAYS: i64 = 4;
/// Looked for new days this often.
const EVERY: Millis = Millis(3_600_000);
/// Days of channels that one step lays out and one transaction holds.
const STEP: usize = 32;
/// Blocks that were never sent leave the playout log after this.
const PLAYLOG_AGE: Millis = Millis(30 * 86_400_000);
/// Blocks that one step takes out.
const PRUNE: u32 = 2_000;
const DAY: Millis = Millis(86_400_000);

/// What is still to be kept.
pub(crate) struct Keeper {
    schedule: Arc<dyn Schedule>,
    /// Channels, by place, and days ahead that this round has still to look at.
    round: Vec<(usize, i64)>,
    prune: bool,
    next_round: UtcMs,
    /// What this run has recorded, by place of the channel.
    kept: BTreeSet<(usize, Date)>,
    /// The edition of the schedule that is of.
    edition: u64,
}

impl Keeper {
    pub(crate) fn new(schedule: Arc<dyn Schedule>) -> Keeper {
        Keeper {
            edition: schedule.edition(),
            schedule,
            round: Vec::new(),
            prune: false,
            next_round: UtcMs(i64::MIN),
            kept: BTreeSet::new(),
        }
    }

    /// True when [`step`](Self::step) has something to do.
    pub(crate) fn is_due(&self, now: UtcMs) -> bool {
        self.prune || !self.round.is_empty() || now >= self.next_round || self.is_replaced()
    }

    fn is_replaced(&self) -> bool {
        self.schedule.edition() != self.edition
    }

    /// Does a little of what is due.
    ///
    /// # Errors
    /// A failing database; the same is done again then.
    pub(crate) fn step(&mut self, now: UtcMs, catalog: &mut Catalog) -> Result<(), CatalogError> {
        if self.is_replaced() {
            self.edition = self.schedule.edition();
            self.kept.clear();
            self.begin_round(now);
        } else if self.round.is_empty() && !self.prune {
            self.begin_round(now);
        }
        let from = self.round.len().saturating_sub(STEP);
        let mut revisions = Vec::new();
        let mut days = Vec::new();
        for (channel, ahead) in self.round.iter().skip(from).rev() {
            if let Some((date, revision)) = self.revision(*channel, now.plus(Millis(ahead * DAY.0))) {
                days.push((*channel, date));
                revisions.push(revision);
            }
        }
        if !revisions.is_empty() {
            match catalog.record_revisions(now, &revisions) {
                // One channel that the catalog does not know must not keep the others from it.
                Err(error) if error.is_of_a_row() => {
                    tracing::warn!(%error, "schedules are not recorded");
                }
                outcome => {
                    let new = outcome?;
                    tracing::debug!(new, of = revisions.len(), "revisions of schedules");
                }
            }
        }
        self.kept.extend(days);
        self.round.truncate(from);
        if self.round.is_empty() && self.prune {
            self.prune = catalog.prune_playlog(UtcMs(now.0 - PLAYLOG_AGE.0), PRUNE)? == PRUNE as usize;
        }
        Ok(())
    }

    fn begin_round(&mut self, now: UtcMs) {
        let channels = self.schedule.channels();
        // Today of every channel first: steps take from the end.
        self.round = (0..DAYS).flat_map(|ahead| (0..channels.len()).map(move |c| (c, ahead))).rev().collect();
        self.prune = true;
        self.next_round = now.plus(EVERY);
        // Days that are over are not asked for again.
        let most = channels.len().saturating_mul(DAYS as usize * 4);
        if self.kept.len() > most {
            self.kept.clear();
        }
    }

    /// The day of a channel that holds `at`, unless this run has recorded it; nothing where the schedule has no days
    /// or cannot tell.
    fn revision(&self, channel: usize, at: UtcMs) -> Option<(Date, NewRevision)> {
        let info = self.schedule.channels().get(channel)?;
        let date = self.schedule.broadcast_day(&info.id, at)?;
        if self.kept.contains(&(channel, date)) {
            return None;
        }
        let schedule = self.schedule.program_schedule(&info.id, date)?;
        let schedule_json = serde_json::to_string(&schedule).ok()?;
        let (broadcast_day, hash) = (schedule.broadcast_day, schedule.hash);
        Some((date, NewRevision { channel_id: info.channel_id, broadcast_day, hash, schedule_json }))
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
pub(super) mod tests;
