//! Whole sessions on a virtual clock, drawn from seeds, with faults: the real session, its acceptance and
//! its decisions, the real bounds and the real multiplexer, between models of Core, producers, encoder
//! and output. A failing seed says what was drawn and the command that repeats it.

mod chance;
mod encoder;
mod feed;
mod ledger;
mod output;
mod producer;
mod scenario;
mod station;
mod thirty_days;
mod wire;

use retrovue_timebase::FrameIndex;
use scenario::Scenario;
use station::Ending;
use std::collections::BTreeMap;

/// Seeds of the ordinary suite.
const SEEDS: std::ops::Range<u64> = 0..2000;

/// Says how to repeat a seed when its run panics.
struct Announce<'a>(&'a Scenario);

impl Drop for Announce<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Scenario { seed, rate, join, faults, .. } = self.0;
            eprintln!("\nseed {seed}: {rate} frames a second, joined at {join}, faults {faults:#?}");
            eprintln!(
                "repeat: RETROVUE_SEED={seed} cargo test -p retrovue-engine --test simulation -- --nocapture\n"
            );
        }
    }
}

/// A session and the one that replaces it when it fails.
fn run(seed: u64) -> Vec<Ending> {
    let scenario = Scenario::draw(seed);
    let _announce = Announce(&scenario);
    let Some(first) = station::run(&scenario, BTreeMap::new()) else { return Vec::new() };
    let mut endings = vec![first];
    if endings[0].code.is_some()
        && let Some(second) = station::replacement(&scenario, endings[0].at)
        && let Some(ending) = station::run(&second, endings[0].counters.clone())
    {
        endings.push(ending);
    }
    endings
}

fn seeds() -> std::ops::Range<u64> {
    let number = |text: &str| -> u64 {
        text.trim().parse().unwrap_or_else(|_| panic!("{text:?} is no seed: write a number"))
    };
    if let Ok(seed) = std::env::var("RETROVUE_SEED") {
        let seed = number(&seed);
        return seed..seed + 1;
    }
    let Ok(range) = std::env::var("RETROVUE_SEEDS") else { return SEEDS };
    let Some((from, to)) = range.split_once("..") else {
        panic!("RETROVUE_SEEDS is {range:?}: write from..to")
    };
    number(from)..number(to)
}

/// INV-P8-TIMELINE-MONOTONIC, CONTRACT-BLOCK-002, CONTRACT-BLOCK-003, CONTRACT-SEG-003, CONTRACT-SEG-004,
/// CONTRACT-SEG-005, CONTRACT-LOOK-001, CONTRACT-LOOK-002, CONTRACT-LOOK-003: no seed breaks any.
#[test]
fn seeds_break_no_contract() {
    let seeds = seeds();
    let whole = seeds == SEEDS;
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    for seed in seeds {
        for (n, ending) in run(seed).into_iter().enumerate() {
            let mut count = |what: String| *tally.entry(what).or_default() += 1;
            count(format!("session {n}"));
            count(format!("ended {:?}", ending.code));
            if ending.code.is_none() {
                count(format!("stopped in {:?}", ending.stopped_in));
            }
            for code in &ending.rejections {
                count(format!("refused {code}"));
            }
            if ending.wrapped {
                count("stamps wrapped".to_owned());
            }
            if ending.drains > 0 {
                count("drained".to_owned());
            }
            *tally.entry("frames".to_owned()).or_default() += (ending.emitted - ending.first) as u64;
            *tally.entry("packets".to_owned()).or_default() += ending.packets;
        }
    }
    eprintln!("{tally:#?}");
    if whole {
        // Seeds that never come where something can break show nothing.
        for wanted in WANTED {
            let seen: u64 = tally.iter().filter(|(what, _)| what.contains(wanted)).map(|(_, n)| n).sum();
            assert!(seen >= 10, "{wanted} came {seen} times in all seeds");
        }
    }
}

/// What the seeds of the ordinary suite must have come across.
const WANTED: [&str; 27] = [
    "session 1",
    "drained",
    "stamps wrapped",
    "ended None",
    "ended Some(AssetError)",
    "ended Some(DecodeError)",
    "ended Some(LookaheadExhausted)",
    "ended Some(OutputClosed)",
    "ended Some(OutputStalled)",
    "refused ASSET_MISSING",
    "refused BLOCK_NOT_CONTIGUOUS",
    "refused DUPLICATE_BLOCK",
    "refused INVALID_BLOCK_TIMING",
    "refused INVALID_DURATION",
    "refused INVALID_OFFSET",
    "refused INVALID_SEGMENT_INDEX",
    "refused PROTOCOL_ERROR",
    "refused QUEUE_FULL",
    "refused SEGMENT_DURATION_MISMATCH",
    "refused SESSION_TERMINATED",
    "refused STALE_BLOCK_FROM_CORE",
    "stopped in Some(BeforeFirstFrame)",
    "stopped in Some(Drained)",
    "stopped in Some(Ended)",
    "stopped in Some(Failing)",
    "stopped in Some(Preview)",
    "stopped in Some(Writing)",
];

/// TEST-DET-001, TEST-DET-002: a seed is the same session every time, packet for packet.
#[test]
fn a_seed_is_one_session() {
    for seed in [0, 7, 396] {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

/// TEST-DET-003: on a machine that has been up for another time, whose clock reads otherwise, and with
/// every actor at another pace, the same frames and bytes leave. Wall time reaches a session as the
/// instant of the join and in no other way, so no step of a wall clock can.
#[test]
fn the_pace_of_the_machine_changes_no_byte() {
    let mut compared = 0;
    for seed in 0..200 {
        let mut scenario = Scenario::draw(seed);
        scenario.faults.clear();
        // Blocks are there in time at any pace.
        scenario.initial = 2;
        scenario.poll_feed = Some(20_000_000);
        let _announce = Announce(&scenario);
        let mut other = scenario.clone();
        other.decode_nanos = 1_000_000;
        other.open_nanos = 0;
        other.encode_nanos = 0;
        other.report_nanos = 1_000_000;
        other.machine_seed = !scenario.machine_seed;
        let (one, two) = (station::run(&scenario, BTreeMap::new()), station::run(&other, BTreeMap::new()));
        let (Some(one), Some(two)) = (one, two) else { continue };
        // A drain in mid-session is a new encoder, and depends on when the next block came.
        if (one.drains, two.drains) != (1, 1) {
            continue;
        }
        compared += 1;
        // Nothing hampers it, so nothing is late. At the last fence the multiplexer waits for the frame
        // that does not come: what was due since the last DTS, a frame or two earlier, leaves at the fence.
        let late = one.latest.max(two.latest);
        assert!(late <= scenario.rate.nanos_floor(FrameIndex(2)) + 10_000_000, "seed {seed}: {late} ns late");
        assert_eq!((one.first, one.emitted, one.hash), (two.first, two.emitted, two.hash), "seed {seed}");
        assert_eq!(one.events, two.events, "seed {seed}");
    }
    assert!(compared > 20, "only {compared} sessions compared");
}
