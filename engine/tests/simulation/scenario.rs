//! What one seed draws: the plan, the assets, how fast everything is, and what goes wrong.

use crate::chance::Chance;
use retrovue_mux::StreamConfig;
use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::{FrameRate, Millis, UtcMs};
use std::collections::BTreeMap;

/// Nanoseconds in a millisecond.
pub(crate) const MS: i64 = 1_000_000;

const RATES: [(i64, i64); 6] = [(24_000, 1001), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001)];

/// What goes wrong in a session; instants are nanoseconds after the join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Decoding this output frame takes so long.
    SlowRead { frame: i64, nanos: i64 },
    /// Encoding this output frame takes so long.
    SlowEncode { frame: i64, nanos: i64 },
    /// Reading fails at this output frame.
    ReadError { frame: i64 },
    /// Decoding fails at this output frame.
    DecodeError { frame: i64 },
    /// An asset goes away.
    Vanish { asset: usize, at: i64 },
    /// Core misfeeds its block of this number.
    Misfeed { block: usize, how: Misfeed },
    /// Nobody reads the output for a while; beyond the limit the session ends.
    OutputFull { from: i64, until: i64 },
    /// The reader of the output closes it.
    OutputClosed { at: i64 },
    /// Core stops the session.
    Stop { at: i64 },
    /// Core stops the session when it is seen in this state.
    StopIn { state: StopIn },
}

/// How Core misfeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfeed {
    /// Around or after the fence, by so many nanoseconds.
    Late {
        nanos: i64,
    },
    Twice,
    /// The block after it comes first.
    OutOfOrder,
    /// A block that is over comes first.
    Stale,
    /// Starts so many milliseconds off.
    Apart {
        ms: i64,
    },
    /// Durations do not add up.
    Sum,
    /// Segment indices have a gap.
    Index,
    /// A segment lasts nothing.
    NoDuration,
    /// An asset that never was.
    Missing,
    /// An offset behind the asset's end.
    Offset,
    Nameless,
    /// Ends before it starts.
    Backwards,
    /// Without waiting for a slot.
    Early,
}

/// States in which a session is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopIn {
    /// Joined early, nothing has left.
    BeforeFirstFrame,
    /// A producer has drained the encoder and waits at the fence.
    Drained,
    /// A producer waits for the encoder before it opens its asset.
    Preview,
    /// The output waits for its reader.
    Writing,
    /// A failure is known, what came before it still leaves.
    Failing,
    /// Over already.
    Ended,
}

pub(crate) const STOP_STATES: [StopIn; 6] = [
    StopIn::BeforeFirstFrame,
    StopIn::Drained,
    StopIn::Preview,
    StopIn::Writing,
    StopIn::Failing,
    StopIn::Ended,
];

/// An asset: what its container says, and what is really there.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) told: Option<Millis>,
    pub(crate) real: Millis,
}

/// Everything drawn.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    /// Up to which instant the machine has been up, and in which order its threads come along.
    pub(crate) machine_seed: u64,
    pub(crate) rate: FrameRate,
    /// Join relative to the first block's start, in milliseconds.
    pub(crate) join: UtcMs,
    pub(crate) blocks: Vec<BlockPlan>,
    /// Blocks the session starts with.
    pub(crate) initial: usize,
    /// Core feeds every so often whether there is room or not, instead of after a block's start.
    pub(crate) poll_feed: Option<i64>,
    /// Core waits at most so long after a block has started.
    pub(crate) feed_margin: i64,
    pub(crate) assets: BTreeMap<String, Asset>,
    pub(crate) decode_nanos: i64,
    pub(crate) open_nanos: i64,
    pub(crate) encode_nanos: i64,
    pub(crate) look_ahead: usize,
    pub(crate) b_pictures: usize,
    pub(crate) gop: i64,
    pub(crate) audio_delay: i64,
    pub(crate) video_bps: u64,
    /// The smallest constant rate that carries the session, in place of a variable one.
    pub(crate) constant_rate: bool,
    pub(crate) socket_bytes: usize,
    pub(crate) report_nanos: i64,
    pub(crate) faults: Vec<Fault>,
}

/// Rounded up, as a stream's configuration wants it.
pub(crate) fn pictures_per_second(rate: FrameRate) -> u32 {
    ((rate.num() + rate.den() - 1) / rate.den()) as u32
}

fn smallest_video_bps(rate: FrameRate) -> u64 {
    StreamConfig::h264(0, 0).with_units_per_second(pictures_per_second(rate)).smallest_bitrate_bps()
}

impl Scenario {
    pub(crate) fn draw(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed);
        let (num, den) = chance.pick(&RATES);
        let Ok(rate) = FrameRate::new(num, den) else { panic!("a rate of the table") };
        let assets = draw_assets(&mut chance);
        // Any instant of this century, often near a wrap of the 33-bit stamps.
        let wrap_ms = (1_i64 << 33) / 90;
        let start = match chance.one_in(4) {
            true => wrap_ms * chance.within(10_000, 20_000) - chance.within(0, 9_000),
            false => chance.within(0, 4_000_000_000_000),
        };
        let blocks = draw_blocks(&mut chance, start, &assets);
        let first = &blocks[0];
        let first_ms = first.end_utc_ms.since(first.start_utc_ms).0;
        let join = match chance.within(0, 30) {
            0..=9 => start - chance.within(0, 1500),
            10..=18 => start,
            // Over at this very instant.
            19 => start + first_ms,
            _ => start + chance.within(0, first_ms),
        };
        let length_ms = blocks[blocks.len() - 1].end_utc_ms.0 - join;
        let frames = length_ms * rate.num() / (rate.den() * 1000) + 1;
        let mut scenario = Scenario {
            seed,
            machine_seed: seed ^ 0x5EED,
            rate,
            join: UtcMs(join),
            initial: if chance.one_in(4) { 1 } else { 2 },
            poll_feed: chance.one_in(3).then(|| chance.within(5, 400) * MS),
            feed_margin: chance.within(1, 400) * MS,
            assets,
            decode_nanos: chance.within(0, 6) * MS,
            open_nanos: chance.within(0, 60) * MS,
            encode_nanos: chance.within(0, 8) * MS,
            look_ahead: chance.within(0, 20) as usize,
            b_pictures: chance.within(0, 4) as usize,
            gop: chance.within(1, 60),
            audio_delay: chance.pick(&[0, 1024, 2048]),
            video_bps: (chance.within(600, 1500) as u64 * 1000).max(smallest_video_bps(rate)),
            constant_rate: chance.one_in(3),
            socket_bytes: chance.within(1, 300) as usize * 1024,
            report_nanos: chance.within(1, 200) * MS,
            faults: Vec::new(),
            blocks,
        };
        // Few seeds have none, most have several.
        for _ in 0..chance.within(0, 6) {
            let fault = draw_fault(&mut chance, &scenario, frames, length_ms * MS);
            scenario.faults.push(fault);
        }
        scenario
    }

    /// Time that decoding and encoding `frame` takes beyond the ordinary, and how reading it fails.
    pub(crate) fn slow_read(&self, frame: i64) -> i64 {
        self.faults
            .iter()
            .map(|f| match *f {
                Fault::SlowRead { frame: at, nanos } if at == frame => nanos,
                _ => 0,
            })
            .sum()
    }

    pub(crate) fn slow_encode(&self, frame: i64) -> i64 {
        self.faults
            .iter()
            .map(|f| match *f {
                Fault::SlowEncode { frame: at, nanos } if at == frame => nanos,
                _ => 0,
            })
            .sum()
    }

    /// Nanoseconds after the join at which `asset` goes away.
    pub(crate) fn vanishes(&self, asset: &str) -> Option<i64> {
        let mut at = self.faults.iter().filter_map(|f| match *f {
            Fault::Vanish { asset: n, at } if name(n) == asset => Some(at),
            _ => None,
        });
        let first = at.next()?;
        Some(at.fold(first, i64::min))
    }
}

const ASSETS: usize = 5;

fn name(asset: usize) -> String {
    format!("asset{asset}.mp4")
}

fn draw_assets(chance: &mut Chance) -> BTreeMap<String, Asset> {
    (0..ASSETS)
        .map(|n| {
            let told = chance.within(20, 20_000);
            // Many are shorter than they say, some longer.
            let real = match chance.within(0, 3) {
                0 => told,
                1 => chance.within(0, told),
                _ => told + chance.within(0, 1000),
            };
            let told = (!chance.one_in(6)).then_some(Millis(told));
            (name(n), Asset { told, real: Millis(real) })
        })
        .collect()
}

fn draw_blocks(chance: &mut Chance, start: i64, assets: &BTreeMap<String, Asset>) -> Vec<BlockPlan> {
    let names: Vec<&String> = assets.keys().collect();
    let mut at = start;
    (0..chance.within(3, 8))
        .map(|n| {
            let segments: Vec<Segment> = (0..chance.within(1, 5))
                .map(|index| {
                    let asset = chance.pick(&names);
                    let offset = assets[asset].told.map_or(0, |told| chance.within(0, told.0));
                    // Whole seconds, odd lengths, and less than a frame.
                    let duration = match chance.within(0, 8) {
                        0 => chance.within(1, 120),
                        1 | 2 => 1000 * chance.within(1, 4),
                        _ => chance.within(200, 2500),
                    };
                    Segment {
                        segment_index: index as i32,
                        asset_uri: asset.clone(),
                        asset_start_offset_ms: Millis(offset),
                        segment_duration_ms: Millis(duration),
                        frame_count: None,
                        metadata: Default::default(),
                    }
                })
                .collect();
            let length: i64 = segments.iter().map(|s| s.segment_duration_ms.0).sum();
            let block = BlockPlan {
                block_id: format!("block{n}"),
                channel_id: 1,
                start_utc_ms: UtcMs(at),
                end_utc_ms: UtcMs(at + length),
                events: vec![],
                cues: vec![],
                segments,
            };
            at += length;
            block
        })
        .collect()
}

fn draw_fault(chance: &mut Chance, scenario: &Scenario, frames: i64, nanos: i64) -> Fault {
    let first = scenario.join.since(scenario.blocks[0].start_utc_ms).0.max(0) * scenario.rate.num()
        / (scenario.rate.den() * 1000);
    let frame = first + chance.within(0, frames);
    let at = chance.within(0, nanos);
    match chance.within(0, 22) {
        0..=2 => Fault::SlowRead { frame, nanos: chance.within(50, 3000) * MS },
        3 | 4 => Fault::SlowEncode { frame, nanos: chance.within(50, 2000) * MS },
        5 => Fault::ReadError { frame },
        6 => Fault::DecodeError { frame },
        7 => Fault::Vanish { asset: chance.within(0, ASSETS as i64) as usize, at },
        8..=14 => {
            let block = chance.within(0, scenario.blocks.len() as i64) as usize;
            let how = match chance.within(0, 14) {
                0 | 1 => Misfeed::Late { nanos: chance.within(-50, 1500) * MS },
                2 => Misfeed::Twice,
                3 => Misfeed::OutOfOrder,
                4 => Misfeed::Stale,
                5 => Misfeed::Apart { ms: chance.pick(&[-1000, -1, 1, 40]) },
                6 => Misfeed::Sum,
                7 => Misfeed::Index,
                8 => Misfeed::NoDuration,
                9 => Misfeed::Missing,
                10 => Misfeed::Offset,
                11 => Misfeed::Nameless,
                12 => Misfeed::Backwards,
                _ => Misfeed::Early,
            };
            Fault::Misfeed { block, how }
        }
        15 | 16 => Fault::OutputFull { from: at, until: at + chance.within(20, 1800) * MS },
        17 => Fault::OutputFull { from: at, until: at + chance.within(2500, 9000) * MS },
        18 => Fault::OutputClosed { at },
        19 => Fault::Stop { at },
        _ => Fault::StopIn { state: chance.pick(&STOP_STATES) },
    }
}
