//! Thirty days on the air without codecs: every frame through the session, and the multiplexer wherever
//! the 33-bit stamps wrap, which they do every 26.5 hours. Multiplexing all of it would be a quarter of a
//! billion packets; one stretch goes from wrap to wrap without a break.

use crate::chance::Chance;
use crate::wire::Wire;
use retrovue_engine::session::{AssetFacts, Rejection, Session, SessionEvent, TaskLookup};
use retrovue_mux::{
    AccessUnit, MuxConfig, Muxer, PACKET_SIZE, Pid, Poll, PushError, Resume, StreamConfig, StreamIndex,
};
use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::{AAC_FRAME_SAMPLES, FrameIndex, FrameRate, Millis, Ticks90k, UtcMs};
use std::collections::BTreeMap;
use std::path::PathBuf;

const DAY_MS: i64 = 86_400_000;

/// A start of no particular roundness.
const EPOCH: UtcMs = UtcMs(1_767_312_345_678);

/// Where 33-bit stamps wrap, in milliseconds, rounded up.
const WRAP_MS: i64 = ((1_i64 << 33) + 89) / 90;

/// Multiplexed on either side of a wrap.
const AROUND_MS: i64 = 10_000;

struct Endless;

impl AssetFacts for Endless {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        Ok((PathBuf::from(asset_uri), None))
    }
}

/// Half hours, and now and then an odd length, in segments of odd lengths.
fn block(chance: &mut Chance, n: usize, start: UtcMs, most: i64) -> BlockPlan {
    let length = if chance.one_in(3) { chance.within(1, 7_200_000) } else { 1_800_000 }.min(most);
    let mut left = length;
    let mut segments = Vec::new();
    while left > 0 {
        let duration = if segments.len() == 7 { left } else { chance.within(1, 900_000).min(left) };
        left -= duration;
        segments.push(Segment {
            segment_index: segments.len() as i32,
            asset_uri: "a.mp4".to_owned(),
            asset_start_offset_ms: Millis(0),
            segment_duration_ms: Millis(duration),
            frame_count: None,
            metadata: Default::default(),
        });
    }
    BlockPlan {
        block_id: format!("block{n}"),
        channel_id: 1,
        start_utc_ms: start,
        end_utc_ms: start.plus(Millis(length)),
        events: vec![],
        cues: vec![],
        segments,
    }
}

/// Frames before `instant`, `ceil((t - epoch) * num / (den * 1000))`, by the schoolbook.
fn frames_before(rate: FrameRate, instant: UtcMs) -> i64 {
    let span = i128::from(instant.0 - EPOCH.0) * i128::from(rate.num());
    let unit = i128::from(rate.den()) * 1000;
    (span / unit + i128::from(span % unit != 0)) as i64
}

/// INV-P8-TIMELINE-MONOTONIC, CONTRACT-BLOCK-002, CONTRACT-LOOK-001: every frame of thirty days belongs to
/// one task, in order, and every block is told of with its exact count.
fn play(rate: FrameRate) {
    let end = UtcMs(EPOCH.0 + 30 * DAY_MS);
    let mut chance = Chance::new(30);
    let mut session = Session::new(rate);
    let (mut at, mut blocks, mut ordinal, mut begun) = (EPOCH, 0_usize, 0_u64, false);
    let mut expected: Vec<(UtcMs, UtcMs)> = Vec::new();
    let (mut next, mut completed, mut started, mut frames_told) = (0_i64, 0_usize, 0_usize, 0_i64);
    loop {
        while session.has_room() && at < end {
            let plan = block(&mut chance, blocks, at, end.since(at).0);
            session.accept(&plan, at.plus(Millis(-60_000)), &mut Endless).unwrap_or_else(|e| panic!("{e}"));
            expected.push((plan.start_utc_ms, plan.end_utc_ms));
            (at, blocks) = (plan.end_utc_ms, blocks + 1);
        }
        if !begun {
            assert_eq!(session.start(EPOCH), Ok(FrameIndex(0)));
            begun = true;
        }
        let TaskLookup::Task(task) = session.task(ordinal) else { break };
        assert_eq!(task.first_frame.0, next, "tasks meet");
        while next < task.end_frame.0 {
            // A frame at a time where something happens, else as a busy reporter sees it.
            next = (next + chance.pick(&[1, 1, 30, 900])).min(task.end_frame.0);
            session.on_emitted(FrameIndex(next));
        }
        for event in session.take_events() {
            match event {
                SessionEvent::BlockStarted { .. } => started += 1,
                SessionEvent::BlockCompleted { block_id, frames } => {
                    assert_eq!(block_id, format!("block{completed}"));
                    let (from, to) = expected[completed];
                    assert_eq!(frames, frames_before(rate, to) - frames_before(rate, from), "{block_id}");
                    completed += 1;
                    frames_told += frames;
                }
                SessionEvent::BlockFailed { failure, .. } => panic!("{failure}"),
            }
        }
        session.task_produced(ordinal);
        ordinal += 1;
    }
    assert_eq!((next, frames_told), (frames_before(rate, end), frames_before(rate, end)), "{rate}");
    assert!(completed > 800 && completed == started, "{completed} of {started} blocks");
}

/// Muxes frames `from..to` at full rate, each of one packet, and reads them back.
fn mux(rate: FrameRate, from: i64, to: i64, before: BTreeMap<Pid, u8>) -> Wire {
    let streams = vec![StreamConfig::h264(1_000_000, 500_000), StreamConfig::aac_adts(32_000)];
    let mut config = MuxConfig::new("Simulation", streams);
    let counters: Vec<(Pid, u8)> = before.iter().map(|(&pid, &last)| (pid, last)).collect();
    config.resume = (!counters.is_empty()).then_some(Resume { discontinuity: true, counters });
    let mut muxer = Muxer::new(config).unwrap_or_else(|e| panic!("{e}"));
    let mut wire = Wire::new((rate, EPOCH, from), 0, 0, before);
    let stamp = |ticks: Ticks90k| EPOCH.ticks_90k() + ticks;
    let first_sample = rate.first_sample(FrameIndex(from));
    let sound = [0xFF, 0xF1, 0x4C, 0x80, 1, 0x1F, 0xFC, 0];
    let mut sounds = 0;
    for frame in from..to {
        let mut picture = [0x55; 40];
        let idr = (frame - from) % 30 == 0;
        picture[..10].copy_from_slice(&[0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, if idr { 0x65 } else { 0x41 }]);
        picture[10..18].copy_from_slice(&frame.to_be_bytes());
        let at = stamp(rate.ticks_90k_floor(FrameIndex(frame)));
        let unit = AccessUnit {
            stream: StreamIndex(0),
            pts: at,
            dts: at,
            random_access: idr,
            arrival: None,
            data: &picture,
        };
        push(&mut muxer, &mut wire, unit);
        let end = rate.first_sample(FrameIndex(frame + 1)).samples_since(first_sample);
        while sounds * AAC_FRAME_SAMPLES < end {
            let at = stamp(first_sample.offset(sounds * AAC_FRAME_SAMPLES).ticks_90k_floor());
            let unit = AccessUnit {
                stream: StreamIndex(1),
                pts: at,
                dts: at,
                random_access: false,
                arrival: None,
                data: &sound,
            };
            push(&mut muxer, &mut wire, unit);
            sounds += 1;
        }
    }
    muxer.finish();
    drain(&mut muxer, &mut wire);
    wire.ended(to);
    wire
}

fn push(muxer: &mut Muxer, wire: &mut Wire, unit: AccessUnit<'_>) {
    loop {
        match muxer.push(unit) {
            Ok(()) => return,
            Err(PushError::Full { .. }) => drain(muxer, wire),
            Err(error) => panic!("{error}"),
        }
    }
}

fn drain(muxer: &mut Muxer, wire: &mut Wire) {
    let mut packet = [0; PACKET_SIZE];
    loop {
        match muxer.poll(&mut packet) {
            Poll::Packets(run) => wire.read(&packet, run.first().0, None),
            Poll::NeedInput { .. } | Poll::Finished => return,
            Poll::Event(event) => panic!("{event:?}"),
            Poll::OutputTooSmall => panic!("the buffer holds a packet"),
        }
    }
}

/// Instants of the wraps within thirty days.
fn wraps() -> Vec<i64> {
    let first = EPOCH.0 / WRAP_MS + 1;
    (first..)
        .map(|n| (i128::from(n) << 33) as i64 / 90)
        .take_while(|&ms| ms < EPOCH.0 + 30 * DAY_MS)
        .collect()
}

fn cross_every_wrap(rate: FrameRate) {
    let wraps = wraps();
    assert!(wraps.len() >= 27, "{} wraps", wraps.len());
    let mut counters = BTreeMap::new();
    for wrap in wraps {
        let from = frames_before(rate, UtcMs(wrap - AROUND_MS));
        let wire = mux(rate, from, frames_before(rate, UtcMs(wrap + AROUND_MS)), counters);
        assert!(wire.wrapped, "no wrap at {wrap}");
        counters = wire.counters();
    }
}

fn rate(num: i64, den: i64) -> FrameRate {
    FrameRate::new(num, den).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn thirty_days_at_30000_1001_have_every_frame_once() {
    play(rate(30_000, 1001));
}

#[test]
fn thirty_days_at_25_have_every_frame_once() {
    play(rate(25, 1));
}

#[test]
fn every_wrap_of_thirty_days_is_crossed_cleanly() {
    cross_every_wrap(rate(30_000, 1001));
    cross_every_wrap(rate(25, 1));
}

/// One multiplexer from before a wrap until after the next, without a break.
#[test]
fn wrap_to_wrap_without_a_break() {
    let wraps = wraps();
    let rate = rate(30_000, 1001);
    let from = frames_before(rate, UtcMs(wraps[0] - AROUND_MS));
    assert!(mux(rate, from, frames_before(rate, UtcMs(wraps[1] + AROUND_MS)), BTreeMap::new()).wrapped);
}
