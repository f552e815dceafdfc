//! The schedule of a running station: one immutable [`Programming`] is followed by another without a seam.
//!
//! Knows up to which instant blocks were given out, and finds the instant from which the new programming can go on. It
//! reads no file and plans nothing: what is new is brought to [`Changeover::take`]. The station's channels, their names
//! and numbers and its house format are those it began with.

use super::schedule::Schedule;
use crate::plan::{ChannelInfo, GuideEvent, PlanError, ProgramSchedule, Programming};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_proto::plan::{BlockPlan, HouseFormat};
use retrovue_timebase::{Millis, UtcMs};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far ahead a common boundary is looked for: the longest broadcast day, whose end is one.
const FARTHEST: Millis = Millis(25 * 3_600_000);

/// Blocks looked at for it.
const MOST_BLOCKS: usize = 512;

/// A schedule whose programming can be replaced while channels are on the air.
///
/// **Contract: a block that was given out stays. The first block of the new programming begins where the last one given
/// out ends, or at a later boundary that old and new have in common; whatever is asked of before that instant is
/// answered by the old programming, from it on by the new one. A channel that the new programming lacks keeps the one
/// it has.**
#[derive(Debug)]
pub struct Changeover {
    channels: Vec<ChannelInfo>,
    format: HouseFormat,
    by_id: HashMap<String, usize>,
    slots: Vec<Mutex<Slot>>,
    newest: Mutex<Programming>,
    edition: AtomicU64,
}

/// What airs on one channel.
#[derive(Debug)]
struct Slot {
    /// Where the last of the blocks given out ends.
    given_until: UtcMs,
    lines: Lines,
}

#[derive(Debug, Clone)]
struct Lines {
    /// What was given out and is not over, each until when, in order: at most as many as blocks are ahead of the present.
    before: Vec<(Programming, UtcMs)>,
    programming: Programming,
}

impl Lines {
    fn at(&self, instant: UtcMs) -> &Programming {
        self.before.iter().find(|(_, until)| instant < *until).map_or(&self.programming, |(old, _)| old)
    }
}

/// What became of a channel's new programming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It airs from this instant on.
    From(UtcMs),
    /// There is none for the channel, which keeps what it has.
    Kept,
    /// It cannot follow within a day, or not be planned; the channel keeps what it has.
    PutOff,
}

impl Changeover {
    /// A schedule that begins with this programming.
    #[must_use]
    pub fn new(programming: &Programming) -> Changeover {
        let channels = programming.channels().to_vec();
        let slot = |_: &ChannelInfo| {
            let lines = Lines { before: Vec::new(), programming: programming.clone() };
            Mutex::new(Slot { given_until: UtcMs(i64::MIN), lines })
        };
        Changeover {
            by_id: channels.iter().enumerate().map(|(index, info)| (info.id.clone(), index)).collect(),
            slots: channels.iter().map(slot).collect(),
            format: programming.format().clone(),
            newest: Mutex::new(programming.clone()),
            edition: AtomicU64::new(0),
            channels,
        }
    }

    /// Lets the new programming follow on every channel that it has; what became of each, in the order of the dial.
    pub fn take(&self, new: &Programming, now: UtcMs) -> Vec<Taken> {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
        let taken = self
            .channels
            .iter()
            .zip(&self.slots)
            .map(|(info, slot)| take_one(&info.id, slot, new, now))
            .collect();
        self.edition.fetch_add(1, Relaxed);
        taken
    }

    /// The channel files in use, with those they include.
    #[must_use]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        self.channels.iter().flat_map(|info| self.files_of(&info.id)).collect()
    }

    /// The file in use of one channel, with those it includes; none of an unknown channel.
    #[must_use]
    pub fn files_of(&self, channel: &str) -> BTreeSet<PathBuf> {
        let lines = self.lines(channel);
        lines.map_or_else(|_| BTreeSet::new(), |l| l.programming.files(channel).into_iter().collect())
    }

    /// The programming that was brought last; the next one goes on with its rotation.
    #[must_use]
    pub fn newest(&self) -> Programming {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn slot(&self, channel: &str) -> Result<&Mutex<Slot>, PlanError> {
        let unknown = || PlanError::UnknownChannel { channel: channel.to_owned() };
        self.by_id.get(channel).map(|index| &self.slots[*index]).ok_or_else(unknown)
    }

    fn lines(&self, channel: &str) -> Result<Lines, PlanError> {
        Ok(lock(self.slot(channel)?).lines.clone())
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    // A panic while planning changes nothing that was given out.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_one(channel: &str, slot: &Mutex<Slot>, new: &Programming, now: UtcMs) -> Taken {
    if !new.channels().iter().any(|info| info.id == channel) {
        return Taken::Kept;
    }
    // Laying out a first day counts runs from their beginning; the director should not wait for it behind the lock.
    let warm = now.max(lock(slot).given_until);
    if [now, warm].iter().any(|at| new.block_at(channel, *at, &BTreeSet::new()).is_err()) {
        return Taken::PutOff;
    }
    let mut slot = lock(slot);
    let given_until = slot.given_until;
    if given_until <= now {
        // Nobody holds a block of it.
        slot.lines = Lines { before: Vec::new(), programming: new.clone() };
        return Taken::From(now);
    }
    // What was to follow and was given to nobody is forgotten.
    let old = slot.lines.at(UtcMs(given_until.0 - 1)).clone();
    match meeting(&old, new, channel, given_until) {
        Ok(Some(from)) => {
            slot.lines.before.retain(|(_, until)| now < *until && *until < given_until);
            slot.lines.before.push((old, from));
            slot.lines.programming = new.clone();
            Taken::From(from)
        }
        Ok(None) | Err(_) => Taken::PutOff,
    }
}

/// The first instant from `from` on, a boundary of the old programming, at which a block begins in both.
fn meeting(
    old: &Programming,
    new: &Programming,
    channel: &str,
    from: UtcMs,
) -> Result<Option<UtcMs>, PlanError> {
    let nothing = BTreeSet::new();
    let mut at = from;
    for _ in 0..MOST_BLOCKS {
        if at > from.plus(FARTHEST) {
            break;
        }
        let next = new.block_at(channel, at, &nothing)?;
        if next.start_utc_ms == at {
            return Ok(Some(at));
        }
        let beside = old.block_at(channel, next.end_utc_ms, &nothing)?;
        let meets = beside.start_utc_ms == next.end_utc_ms;
        at = if meets { beside.start_utc_ms } else { beside.end_utc_ms };
    }
    Ok(None)
}

impl Schedule for Changeover {
    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn format(&self) -> &HouseFormat {
        &self.format
    }

    fn block_at(
        &self,
        channel: &str,
        instant: UtcMs,
        avoid: &BTreeSet<String>,
    ) -> Result<BlockPlan, PlanError> {
        // Held until the block is noted: no change can come between.
        let mut slot = lock(self.slot(channel)?);
        let block = slot.lines.at(instant).block_at(channel, instant, avoid)?;
        slot.given_until = slot.given_until.max(block.end_utc_ms);
        Ok(block)
    }

    fn guide(&self, channel: &str, from: UtcMs, to: UtcMs) -> Result<Vec<GuideEvent>, PlanError> {
        let lines = self.lines(channel)?;
        let mut events: Vec<GuideEvent> = Vec::new();
        let mut at = from;
        let whole = UtcMs(i64::MAX);
        for (programming, until) in lines.before.iter().chain([&(lines.programming, whole)]) {
            if at >= *until || at >= to {
                continue;
            }
            let mut part = programming.guide(channel, at, to.min(*until))?;
            // Open time is one event and several blocks: it may be cut.
            for event in &mut part {
                let start = if at == from { event.start } else { event.start.max(at) };
                (event.start, event.end) = (start, event.end.min(*until));
            }
            events.append(&mut part);
            at = *until;
        }
        Ok(events)
    }

    fn broadcast_day(&self, channel: &str, instant: UtcMs) -> Option<Date> {
        let at = Timestamp::from_millisecond(instant.0).ok()?;
        self.lines(channel).ok()?.at(instant).day_of(channel, at).ok()
    }

    fn program_schedule(&self, channel: &str, date: Date) -> Option<ProgramSchedule> {
        self.lines(channel).ok()?.programming.program_schedule(channel, date).ok()
    }

    fn edition(&self) -> u64 {
        self.edition.load(Relaxed)
    }

    fn logo(&self, channel: &str) -> Option<PathBuf> {
        self.lines(channel).ok()?.programming.logo(channel).map(Path::to_owned)
    }

    fn zone(&self, channel: &str) -> Option<TimeZone> {
        self.lines(channel).ok()?.programming.zone(channel).ok().cloned()
    }
}

#[cfg(test)]
#[path = "changeover_tests.rs"]
mod tests;
