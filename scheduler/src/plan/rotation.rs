//! When each spot of a channel was planned last: what makes the least recently aired the next, and keeps cooldowns and
//! caps from break to break and from day to day.
//!
//! Pure: a day's rotation follows from the day's opening. Where openings are kept is for a [`RotationBook`] to know.

use super::traffic::{Spot, Traffic};
use jiff::civil::Date;
use retrovue_timebase::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// The window of `max_per_hour`, in milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;

/// Openings remembered for each channel by a book in memory.
const KEPT_IN_MEMORY: usize = 32;

/// Days back from which an opening is carried forward to the day asked for: one day more than the longest cooldown.
pub const DAYS_CARRIED: i32 = 8;

/// How the rotation of a channel stands where a broadcast day begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// By asset id: starts in UTC milliseconds, the latest last. The latest is there for every asset that was ever
    /// planned; earlier ones where they count for a cap.
    pub plays: BTreeMap<String, Vec<i64>>,
}

/// An airing of a spot by the log of what was sent, which has frames: it was planned to begin from the one instant to
/// the other, less than a frame apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Airing {
    /// Not before.
    pub earliest: UtcMs,
    /// Not after.
    pub latest: UtcMs,
}

/// Where the openings of broadcast days are kept, so that a day's breaks are the same after a restart.
pub trait RotationBook: Debug + Send + Sync {
    /// The latest opening kept for a day of `from..=to`.
    fn latest(&self, channel_id: i32, from: Date, to: Date) -> Option<(Date, Opening)>;

    /// What is known of earlier airings where no opening is kept: empty where nothing is.
    fn history(&self, channel_id: i32, before: UtcMs) -> Opening;

    /// What was sent in breaks from one instant to another, by asset id and in order. Nothing where no log is kept.
    fn aired(&self, channel_id: i32, from: UtcMs, until: UtcMs) -> BTreeMap<String, Vec<Airing>> {
        let _ = (channel_id, from, until);
        BTreeMap::new()
    }

    /// Keeps the opening of a day, unless one is kept. Must not wait for a disk.
    fn keep(&self, channel_id: i32, date: Date, opening: &Opening);
}

/// A book that lasts as long as the program.
#[derive(Debug, Default)]
pub struct MemoryBook {
    kept: Mutex<BTreeMap<i32, BTreeMap<Date, Opening>>>,
}

impl RotationBook for MemoryBook {
    fn latest(&self, channel_id: i32, from: Date, to: Date) -> Option<(Date, Opening)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&channel_id)?.range(from..=to).next_back().map(|(date, opening)| (*date, opening.clone()))
    }

    fn history(&self, _: i32, _: UtcMs) -> Opening {
        Opening::default()
    }

    fn keep(&self, channel_id: i32, date: Date, opening: &Opening) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let days = kept.entry(channel_id).or_default();
        days.entry(date).or_insert_with(|| opening.clone());
        if days.len() > KEPT_IN_MEMORY {
            days.pop_first();
        }
    }
}

/// How far the rotation has come, by the spots' numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rotation {
    plays: Vec<Plays>,
    /// What was sent, of spots with a cooldown.
    aired: BTreeMap<usize, Vec<Airing>>,
}

/// Airings of one spot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Plays {
    last: Option<i64>,
    /// Starts within the last hour, in order; only of spots that have a cap by the hour.
    hour: Vec<i64>,
    today: u32,
}

impl Rotation {
    /// The rotation where a day begins.
    pub(crate) fn new(traffic: &Traffic, opening: &Opening) -> Rotation {
        let plays = traffic.spots.iter().map(|spot| {
            let Some(starts) = opening.plays.get(&spot.asset.id) else { return Plays::default() };
            let hour = if spot.per_hour < u32::MAX { starts.clone() } else { Vec::new() };
            Plays { last: starts.last().copied(), hour, today: 0 }
        });
        Rotation { plays: plays.collect(), aired: BTreeMap::new() }
    }

    /// The same where the next day begins: as [`Rotation::new`] has it of [`Rotation::opening`].
    pub(crate) fn next_day(mut self) -> Rotation {
        self.plays.iter_mut().for_each(|plays| plays.today = 0);
        self.aired.clear();
        self
    }

    /// The same with what was sent, by asset id: an earlier plan may have aired other spots than this one has.
    pub(crate) fn with_aired(
        mut self,
        traffic: &Traffic,
        mut aired: BTreeMap<String, Vec<Airing>>,
    ) -> Rotation {
        let cooled = traffic.spots.iter().enumerate().filter(|(_, spot)| spot.cooldown > 0);
        self.aired = cooled.filter_map(|(n, spot)| Some((n, aired.remove(&spot.asset.id)?))).collect();
        self
    }

    /// Whether a spot was sent so shortly before a break that it may not air in it. Of what this plan itself has aired
    /// it never is.
    pub(crate) fn rests(&self, number: usize, spot: &Spot, at: UtcMs) -> bool {
        let aired = self.aired.get(&number).map_or(&[][..], Vec::as_slice);
        aired.iter().any(|airing| airing.latest < at && at.0 - airing.earliest.0 < spot.cooldown)
    }

    /// The opening of the day that begins where this stands.
    pub(crate) fn opening(&self, traffic: &Traffic) -> Opening {
        let plays = traffic.spots.iter().zip(&self.plays).filter_map(|(spot, plays)| {
            let last = plays.last?;
            let starts = if plays.hour.is_empty() { vec![last] } else { plays.hour.clone() };
            Some((spot.asset.id.clone(), starts))
        });
        Opening { plays: plays.collect() }
    }

    /// The spot's last start in UTC milliseconds; nothing where it never aired.
    pub(crate) fn last(&self, number: usize) -> Option<i64> {
        self.plays[number].last
    }

    /// Milliseconds since the spot's last start; nothing where it never aired.
    pub(crate) fn since(&self, number: usize, at: UtcMs) -> Option<i64> {
        self.plays[number].last.map(|last| at.0.saturating_sub(last))
    }

    /// Whether a spot may air at an instant that no airing noted comes after, `besides` more times than were noted.
    pub(crate) fn may(&self, number: usize, spot: &Spot, at: UtcMs, besides: u32) -> bool {
        let plays = &self.plays[number];
        let cool = self.since(number, at).is_none_or(|since| since >= spot.cooldown);
        let within = plays.hour.iter().filter(|start| **start > at.0.saturating_sub(HOUR)).count() as u32;
        cool && plays.today.saturating_add(besides) < spot.per_day && within + besides < spot.per_hour
    }

    /// Starts that still count for the cap by the hour, and the last.
    pub(crate) fn starts(&self, number: usize) -> impl Iterator<Item = i64> {
        let plays = &self.plays[number];
        plays.hour.iter().copied().chain(plays.last)
    }

    /// Notes an airing.
    pub(crate) fn note(&mut self, number: usize, spot: &Spot, at: UtcMs) {
        let plays = &mut self.plays[number];
        plays.last = Some(at.0);
        plays.today = plays.today.saturating_add(1);
        if spot.per_hour < u32::MAX {
            plays.hour.retain(|start| *start > at.0.saturating_sub(HOUR));
            plays.hour.push(at.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::traffic::tests::traffic_of;
    use jiff::civil::date;

    #[test]
    fn cooldowns_and_caps_are_counted_from_start_to_start() {
        let traffic = traffic_of(
            "commercials: {collection: c, cooldown: 30m, max_per_hour: 2, max_per_day: 3}",
            &[("c", &[30])],
        );
        let spot = &traffic.spots[0];
        let mut rotation = Rotation::new(&traffic, &Opening::default());
        let minute = |n: i64| UtcMs(1_000_000_000_000 + n * 60_000);
        assert!(rotation.may(0, spot, minute(0), 0));
        rotation.note(0, spot, minute(0));
        assert!(!rotation.may(0, spot, minute(29), 0) && rotation.may(0, spot, minute(30), 0));
        assert!(!rotation.may(0, spot, minute(30), 1), "one more in the same break is the third in the hour");
        rotation.note(0, spot, minute(30));
        assert!(!rotation.may(0, spot, minute(59), 0), "two in the hour");
        // Carried over a night the caps by the hour and the cooldown go on, and the day's begins anew.
        let opened = Rotation::new(&traffic, &rotation.opening(&traffic));
        assert!(!opened.may(0, spot, minute(59), 0));
        assert_eq!(opened, rotation.clone().next_day());
        for mut rotation in [opened, rotation] {
            assert!(rotation.may(0, spot, minute(60), 0));
            rotation.note(0, spot, minute(60));
            let today = rotation.plays[0].today;
            assert_eq!(rotation.may(0, spot, minute(500), 0), today < 3, "{today}");
        }
    }

    #[test]
    fn an_opening_reads_back_and_the_first_one_kept_stays() {
        let opening = |at| Opening { plays: BTreeMap::from([("a".to_owned(), vec![at, at + 1])]) };
        let json = serde_json::to_string(&opening(5)).unwrap();
        assert_eq!(serde_json::from_str::<Opening>(&json).unwrap(), opening(5));
        let book = MemoryBook::default();
        let day = |n: i8| date(2026, 3, n);
        book.keep(1, day(3), &opening(3));
        book.keep(1, day(5), &opening(5));
        book.keep(1, day(5), &opening(6));
        book.keep(2, day(6), &opening(7));
        assert_eq!(book.latest(1, day(1), day(9)), Some((day(5), opening(5))));
        assert_eq!(book.latest(1, day(1), day(4)), Some((day(3), opening(3))));
        assert_eq!(book.latest(1, day(6), day(9)), None);
    }
}
