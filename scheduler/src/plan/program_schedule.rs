//! Tier 1 as JSON: `program-schedule.v2`, exactly as seed 004 shows it.

use super::broadcast_day::local_text;
use super::line_up::{LineUp, clock};
use super::place::PlacedDay;
use retrovue_timebase::Millis;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Version of the schedule compiler, which the output names.
pub const COMPILER_VERSION: &str = "2.0.0";

/// A compiled broadcast day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgramSchedule {
    /// Always `program-schedule.v2`.
    pub version: &'static str,
    /// The channel's slug.
    pub channel_id: String,
    /// The date.
    pub broadcast_day: String,
    /// Name of the zone.
    pub timezone: String,
    /// What it was compiled from.
    pub source: Source,
    /// Programmes, without breaks.
    pub program_blocks: Vec<ProgramBlock>,
    /// `sha256:` of everything above but `source`, as compact JSON: the same schedule has the same hash
    /// wherever its file lies.
    pub hash: String,
}

/// What a schedule was compiled from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The channel file.
    pub dsl_path: String,
    /// The commit it is in, where it is in a repository.
    pub git_commit: Option<String>,
    /// Version of the compiler.
    pub compiler_version: &'static str,
}

/// A programme at its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgramBlock {
    /// Title for the guide.
    pub title: String,
    /// The asset.
    pub asset_id: String,
    /// Begin, on the channel's clock, with its offset.
    pub start_at: String,
    /// Time on the grid, in seconds.
    pub slot_duration_sec: serde_json::Number,
    /// Runtime, in seconds.
    pub episode_duration_sec: serde_json::Number,
    /// The collection it was selected from.
    pub collection: String,
    /// How it was selected.
    pub selector: SelectorUsed,
}

/// How an asset was selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectorUsed {
    /// `sequential`, `random` or `weighted`.
    pub mode: &'static str,
    /// The seed.
    pub seed: u64,
}

impl LineUp {
    /// A placed day as `program-schedule.v2`.
    pub(crate) fn program_schedule(&self, day: &PlacedDay, source: Source) -> ProgramSchedule {
        let program_blocks = day
            .placements
            .iter()
            .map(|placed| {
                let slot = &self.slots[placed.slot];
                let pool = &self.pools[slot.pool];
                let asset = &pool.assets[placed.asset];
                ProgramBlock {
                    title: self.title_of(placed.slot, asset),
                    asset_id: asset.id.clone(),
                    start_at: local_text(&self.zone, placed.start),
                    slot_duration_sec: seconds(placed.length),
                    episode_duration_sec: seconds(asset.duration),
                    collection: asset.collection.clone(),
                    selector: SelectorUsed { mode: pool.mode.word(), seed: pool.told_seed },
                }
            })
            .collect();
        let mut schedule = ProgramSchedule {
            version: "program-schedule.v2",
            channel_id: self.channel.clone(),
            broadcast_day: day.date.to_string(),
            timezone: self.zone_name.clone(),
            source,
            program_blocks,
            hash: String::new(),
        };
        schedule.hash = hash_of(&schedule);
        schedule
    }
}

impl ProgramSchedule {
    /// A line for each programme, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |b: &ProgramBlock| {
            let ms = |n: &serde_json::Number| n.as_i64().map_or_else(|| n.to_string(), |s| clock(s * 1000));
            format!(
                "{}  {:>8}  {}  ({}, {})",
                b.start_at.get(11..19).unwrap_or(&b.start_at),
                ms(&b.slot_duration_sec),
                b.title,
                b.asset_id,
                ms(&b.episode_duration_sec)
            )
        };
        self.program_blocks.iter().map(line).collect()
    }
}

/// What is hashed: keys in order of name, so that the text does not depend on the order of declaration elsewhere.
#[derive(Serialize)]
struct Hashed<'a> {
    broadcast_day: &'a str,
    channel_id: &'a str,
    program_blocks: Vec<HashedBlock<'a>>,
    timezone: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct HashedBlock<'a> {
    asset_id: &'a str,
    collection: &'a str,
    episode_duration_sec: &'a serde_json::Number,
    selector: &'a SelectorUsed,
    slot_duration_sec: &'a serde_json::Number,
    start_at: &'a str,
    title: &'a str,
}

fn hash_of(schedule: &ProgramSchedule) -> String {
    let hashed = Hashed {
        broadcast_day: &schedule.broadcast_day,
        channel_id: &schedule.channel_id,
        program_blocks: schedule.program_blocks.iter().map(hashed_block).collect(),
        timezone: &schedule.timezone,
        version: schedule.version,
    };
    let text = serde_json::to_vec(&hashed).unwrap_or_default();
    let mut hash = "sha256:".to_owned();
    for byte in Sha256::digest(&text) {
        hash.push(char::from(HEX[usize::from(byte >> 4)]));
        hash.push(char::from(HEX[usize::from(byte & 15)]));
    }
    hash
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hashed_block(block: &ProgramBlock) -> HashedBlock<'_> {
    HashedBlock {
        asset_id: &block.asset_id,
        collection: &block.collection,
        episode_duration_sec: &block.episode_duration_sec,
        selector: &block.selector,
        slot_duration_sec: &block.slot_duration_sec,
        start_at: &block.start_at,
        title: &block.title,
    }
}

/// Milliseconds as a decimal number of seconds, from its digits.
fn seconds(ms: Millis) -> serde_json::Number {
    if ms.0 % 1000 == 0 {
        return serde_json::Number::from(ms.0 / 1000);
    }
    let text = format!("{}.{:03}", ms.0 / 1000, ms.0 % 1000);
    text.trim_end_matches('0').parse().unwrap_or_else(|_| serde_json::Number::from(ms.0 / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash is of the document as it is printed, less `source` and `hash`, keys in order.
    #[test]
    fn whoever_has_the_document_can_repeat_the_hash() {
        let block = ProgramBlock {
            title: "É \"x\"".into(),
            asset_id: "a".into(),
            start_at: "1989-10-12T20:00:00-04:00".into(),
            slot_duration_sec: seconds(Millis(1_800_000)),
            episode_duration_sec: seconds(Millis(1_320_250)),
            collection: "c".into(),
            selector: SelectorUsed { mode: "random", seed: u64::MAX },
        };
        let schedule = ProgramSchedule {
            version: "program-schedule.v2",
            channel_id: "ch".into(),
            broadcast_day: "1989-10-12".into(),
            timezone: "UTC".into(),
            source: Source::default(),
            program_blocks: vec![block],
            hash: String::new(),
        };
        let mut printed = serde_json::to_value(&schedule).unwrap();
        for key in ["source", "hash"] {
            assert!(printed.as_object_mut().unwrap().remove(key).is_some());
        }
        let digest = Sha256::digest(printed.to_string().as_bytes());
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash_of(&schedule), format!("sha256:{hex}"));
    }
}
