//! What is different between two program schedules of a broadcast day, programme by programme.

use super::ProgramBlock;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A programme as a recorded schedule has it: what of `program-schedule.v2` tells it from others.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct ScheduledProgramme {
    /// Begin, on the channel's clock, with its offset.
    pub start_at: String,
    /// Title for the guide.
    pub title: String,
    /// The asset.
    pub asset_id: String,
    /// Time on the grid, in seconds.
    pub slot_duration_sec: serde_json::Number,
}

/// A schedule's programmes, read from its JSON.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RecordedSchedule {
    /// In order.
    pub program_blocks: Vec<ScheduledProgramme>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Change {
    /// It airs now and did not.
    Added {
        /// What airs.
        programme: ScheduledProgramme,
    },
    /// It aired and does not now.
    Removed {
        /// What aired.
        programme: ScheduledProgramme,
    },
    /// It airs at another time.
    Moved {
        /// When it aired.
        from: String,
        /// What airs, at its new time.
        programme: ScheduledProgramme,
    },
    /// The same asset at the same time has another title or another length of slot.
    Changed {
        /// As it was.
        was: ScheduledProgramme,
        /// As it is.
        programme: ScheduledProgramme,
    },
}

impl From<&ProgramBlock> for ScheduledProgramme {
    fn from(block: &ProgramBlock) -> ScheduledProgramme {
        ScheduledProgramme {
            start_at: block.start_at.clone(),
            title: block.title.clone(),
            asset_id: block.asset_id.clone(),
            slot_duration_sec: block.slot_duration_sec.clone(),
        }
    }
}

impl Change {
    /// When it counts: where the programme is, or was.
    fn at(&self) -> &str {
        match self {
            Change::Added { programme }
            | Change::Removed { programme }
            | Change::Moved { programme, .. }
            | Change::Changed { programme, .. } => &programme.start_at,
        }
    }
}

/// What is different in `new`, in order of time. An asset that leaves one time and comes at another has moved; where it
/// does so several times, the first goes with the first.
#[must_use]
pub fn changes(old: &[ScheduledProgramme], new: &[ScheduledProgramme]) -> Vec<Change> {
    let mut was: BTreeMap<(&str, &str), VecDeque<&ScheduledProgramme>> = BTreeMap::new();
    for programme in old {
        was.entry((&programme.start_at, &programme.asset_id)).or_default().push_back(programme);
    }
    let (mut found, mut arrived) = (Vec::new(), Vec::new());
    for programme in new {
        let key = (programme.start_at.as_str(), programme.asset_id.as_str());
        match was.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(before) if before == programme => {}
            Some(before) => found.push(Change::Changed { was: before.clone(), programme: programme.clone() }),
            None => arrived.push(programme),
        }
    }
    let mut left: Vec<&ScheduledProgramme> = was.into_values().flatten().collect();
    left.sort_by(|a, b| a.start_at.cmp(&b.start_at));
    for programme in arrived {
        match left.iter().position(|before| before.asset_id == programme.asset_id) {
            Some(place) => {
                let from = left.remove(place).start_at.clone();
                found.push(Change::Moved { from, programme: programme.clone() });
            }
            None => found.push(Change::Added { programme: programme.clone() }),
        }
    }
    found.extend(left.into_iter().map(|programme| Change::Removed { programme: programme.clone() }));
    found.sort_by(|a, b| a.at().cmp(b.at()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(programmes: &[(&str, &str, u32)]) -> Vec<ScheduledProgramme> {
        let one = |(time, asset, seconds): &(&str, &str, u32)| ScheduledProgramme {
            start_at: format!("2026-11-21T{time}:00-05:00"),
            title: "T".into(),
            asset_id: (*asset).into(),
            slot_duration_sec: (*seconds).into(),
        };
        programmes.iter().map(one).collect()
    }

    /// Each change as a word, its time and asset.
    fn told(old: &[(&str, &str, u32)], new: &[(&str, &str, u32)]) -> Vec<String> {
        changes(&day(old), &day(new))
            .iter()
            .map(|change| {
                let time = change.at()[11..16].to_owned();
                match change {
                    Change::Added { programme } => format!("+{time} {}", programme.asset_id),
                    Change::Removed { programme } => format!("-{time} {}", programme.asset_id),
                    Change::Moved { from, programme } => {
                        format!("{}>{time} {}", &from[11..16], programme.asset_id)
                    }
                    Change::Changed { was, .. } => format!("~{time} {}", was.slot_duration_sec),
                }
            })
            .collect()
    }

    #[test]
    fn programmes_come_go_move_and_change() {
        let old = [("20:00", "a", 1800), ("20:30", "b", 1800), ("21:00", "c", 1800), ("21:30", "a", 1800)];
        type Row<'a> = (&'a [(&'a str, &'a str, u32)], &'a [&'a str]);
        let table: [Row<'_>; 6] = [
            (&old, &[]),
            (&old[..3], &["-21:30 a"]),
            (
                &[("20:00", "a", 1800), ("20:30", "c", 1800), ("21:00", "b", 1800), ("21:30", "a", 1800)],
                &["21:00>20:30 c", "20:30>21:00 b"],
            ),
            (
                &[("20:00", "a", 3600), ("21:00", "c", 1800), ("21:30", "a", 1800)],
                &["~20:00 1800", "-20:30 b"],
            ),
            (
                &[("20:00", "d", 1800), ("20:30", "b", 1800), ("21:00", "c", 1800), ("21:30", "d", 1800)],
                &["+20:00 d", "-20:00 a", "+21:30 d", "-21:30 a"],
            ),
            (&[], &["-20:00 a", "-20:30 b", "-21:00 c", "-21:30 a"]),
        ];
        for (new, expect) in table {
            assert_eq!(told(&old, new), expect, "{new:?}");
        }
        assert_eq!(told(&[], &old[..1]), ["+20:00 a"]);
    }
}
