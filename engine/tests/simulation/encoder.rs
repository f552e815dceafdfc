//! The encoder, without codecs: what `encode` does, with made-up access units. Pictures are held back
//! for the look-ahead, reordered in closed groups, and sized by a leaky bucket as a VBV asks for.

use crate::chance::Chance;
use crate::ledger::Content;
use crate::producer::{Delivery, Frame, Lane, Step};
use crate::scenario::Scenario;
use retrovue_engine::pipeline::SharedSession;
use retrovue_mux::CpbArrival;
use retrovue_timebase::{AAC_FRAME_SAMPLES, FrameIndex, FrameRate, Ticks27M, Ticks90k, UtcMs};
use std::collections::VecDeque;

/// One access unit, or the end.
#[derive(Debug, Clone)]
pub(crate) enum Unit {
    Video {
        pts: Ticks90k,
        dts: Ticks90k,
        idr: bool,
        arrival: Option<CpbArrival>,
        emitted_end: FrameIndex,
        data: Vec<u8>,
    },
    Audio {
        pts: Ticks90k,
        data: Vec<u8>,
    },
    End,
}

/// Bytes of a made-up sound unit.
const AUDIO_BYTES: usize = 60;

#[derive(Debug)]
pub(crate) struct Encoder {
    rate: FrameRate,
    epoch: UtcMs,
    first: i64,
    live: usize,
    busy_until: i64,
    /// Frame given back to its lane once its units are sent.
    owed: Option<usize>,
    /// Held back by the look-ahead, with the choice to make an IDR of it.
    held: VecDeque<(Frame, bool)>,
    /// Pictures coded so far.
    coded: i64,
    since_idr: Option<i64>,
    samples: i64,
    audio_units: i64,
    bucket: u64,
    /// When the last bit has arrived in the encoder's own buffer.
    complete: Option<i64>,
    chance: Chance,
    sending: VecDeque<Unit>,
    ended: bool,
}

impl Encoder {
    pub(crate) fn new(scenario: &Scenario, epoch: UtcMs, first: i64) -> Encoder {
        Encoder {
            rate: scenario.rate,
            epoch,
            first,
            live: 0,
            busy_until: i64::MIN,
            owed: None,
            held: VecDeque::new(),
            coded: 0,
            since_idr: None,
            samples: 0,
            audio_units: 0,
            bucket: scenario.video_bps / 2 * 9 / 10,
            complete: None,
            chance: Chance::new(scenario.seed ^ 0xC0DE),
            sending: VecDeque::new(),
            ended: false,
        }
    }

    pub(crate) fn step(
        &mut self,
        scenario: &Scenario,
        shared: &SharedSession,
        lanes: &mut [Lane; 2],
        ring: &mut VecDeque<Unit>,
        now: i64,
    ) -> Step {
        if shared.is_stopped() {
            return Step::Blocked;
        }
        if now < self.busy_until {
            return Step::Until(self.busy_until);
        }
        if !self.sending.is_empty() {
            let room = SharedSession::UNITS_AHEAD - ring.len();
            if room == 0 {
                return Step::Blocked;
            }
            let count = room.min(self.sending.len());
            ring.extend(self.sending.drain(..count));
            return Step::Moved;
        }
        if let Some(lane) = self.owed.take() {
            lanes[lane].empties += 1;
        }
        if self.ended {
            return Step::Blocked;
        }
        let Some(delivery) = lanes[self.live].deliveries.pop_front() else { return Step::Blocked };
        match delivery {
            Delivery::Frame(frame) => {
                self.busy_until = now + scenario.encode_nanos + scenario.slow_encode(frame.index);
                self.frame(scenario, frame);
                shared.frames_taken(FrameIndex(frame.index + 1));
                self.owed = Some(self.live);
            }
            Delivery::SegmentEnd => self.live = 1 - self.live,
            Delivery::Drain => self.drain(scenario),
            Delivery::Failed(failure) => {
                shared.set_failure(failure);
                self.finish(scenario);
            }
            Delivery::Finished => self.finish(scenario),
        }
        Step::Moved
    }

    fn frame(&mut self, scenario: &Scenario, frame: Frame) {
        let k = FrameIndex(frame.index);
        self.samples += self.rate.first_sample(k.offset(1)).samples_since(self.rate.first_sample(k));
        while self.samples >= AAC_FRAME_SAMPLES {
            self.samples -= AAC_FRAME_SAMPLES;
            self.audio(scenario);
        }
        let idr = frame.force_idr || self.since_idr.is_none_or(|since| since >= scenario.gop);
        self.since_idr = Some(if idr { 1 } else { self.since_idr.unwrap_or(0) + 1 });
        self.held.push_back((frame, idr));
        while self.held.len() > scenario.look_ahead + scenario.b_pictures {
            self.group(scenario);
        }
    }

    /// Codes the next IDR, or the next reference and the pictures shown before it.
    fn group(&mut self, scenario: &Scenario) {
        let size = match self.held.front() {
            None => return,
            Some((_, true)) => 1,
            Some(_) => self.held.iter().take(scenario.b_pictures + 1).take_while(|(_, idr)| !idr).count(),
        };
        let mut group: Vec<(Frame, bool)> = self.held.drain(..size).collect();
        group.rotate_right(1);
        for (frame, idr) in group {
            let decoded = FrameIndex(self.first + self.coded - i64::from(scenario.b_pictures > 0));
            self.coded += 1;
            let full = self.bucket;
            let data = self.picture(scenario, &frame, idr);
            let dts = self.stamp(decoded);
            let arrival = self.arrival(scenario, dts, full, data.len());
            self.sending.push_back(Unit::Video {
                pts: self.stamp(FrameIndex(frame.index)),
                dts,
                idr,
                arrival: scenario.seed.is_multiple_of(2).then_some(arrival),
                emitted_end: FrameIndex(self.first + self.coded),
                data,
            });
        }
    }

    /// When a picture of `bytes` enters the encoder's own buffer, which holds `full` bits when it is the first one
    /// (ISO/IEC 14496-10 §C.1.1).
    fn arrival(&mut self, scenario: &Scenario, dts: Ticks90k, full: u64, bytes: usize) -> CpbArrival {
        let ticks = |bits: u64| (bits * 27_000_000).div_ceil(scenario.video_bps) as i64;
        let removal = dts.to_27m().0;
        let initial = match self.complete {
            None => removal - ticks(full),
            Some(before) => before.max(removal - ticks(scenario.video_bps / 2)).min(removal),
        };
        let complete = (initial + ticks(8 * bytes as u64)).min(removal);
        self.complete = Some(complete);
        CpbArrival { initial: Ticks27M(initial), complete: Ticks27M(complete) }
    }

    fn stamp(&self, frame: FrameIndex) -> Ticks90k {
        self.epoch.ticks_90k() + self.rate.ticks_90k_floor(frame)
    }

    /// The bytes say what the picture shows, so that it can be judged on the wire.
    fn picture(&mut self, scenario: &Scenario, frame: &Frame, idr: bool) -> Vec<u8> {
        let refill = scenario.video_bps * self.rate.den() as u64 / self.rate.num() as u64;
        let most = (self.bucket / 8).saturating_sub(64).max(60) as i64;
        // Mostly small, for speed; now and then as large as the bucket has room for.
        let size = match (idr, self.chance.one_in(16)) {
            (true, true) => most - self.chance.within(0, most / 3),
            (true, false) => self.chance.within(200, 2000).min(most),
            (false, true) => self.chance.within(60, (refill / 6) as i64).min(most),
            (false, false) => self.chance.within(60, 300).min(most),
        };
        self.bucket = (self.bucket.saturating_sub(size as u64 * 8) + refill).min(scenario.video_bps / 2);
        let mut data = vec![0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, if idr { 0x65 } else { 0x41 }];
        data.extend(frame.index.to_be_bytes());
        let (asset, in_ms, position) = match frame.content {
            Content::Asset { asset, in_ms, position } => (asset, in_ms, position),
            Content::Black => (u32::MAX, 0, 0),
        };
        data.extend(asset.to_be_bytes());
        data.extend(in_ms.to_be_bytes());
        data.extend(position.to_be_bytes());
        data.resize(data.len().max(size.max(0) as usize), 0xAA);
        data
    }

    fn audio(&mut self, scenario: &Scenario) {
        let sample = self.rate.first_sample(FrameIndex(self.first)).offset(-scenario.audio_delay);
        let pts = sample.offset(self.audio_units * AAC_FRAME_SAMPLES).ticks_90k_floor();
        self.audio_units += 1;
        let mut data =
            vec![0xFF, 0xF1, 0x4C, 0x80, (AUDIO_BYTES >> 3) as u8, (AUDIO_BYTES << 5) as u8 | 0x1F, 0xFC];
        data.resize(AUDIO_BYTES, 0x55);
        self.sending.push_back(Unit::Audio { pts: self.epoch.ticks_90k() + pts, data });
    }

    fn drain(&mut self, scenario: &Scenario) {
        while !self.held.is_empty() {
            self.group(scenario);
        }
        self.since_idr = None;
    }

    fn finish(&mut self, scenario: &Scenario) {
        self.drain(scenario);
        let rest = i64::from(self.samples > 0) + scenario.audio_delay / AAC_FRAME_SAMPLES;
        for _ in 0..rest {
            self.audio(scenario);
        }
        self.sending.push_back(Unit::End);
        self.ended = true;
    }
}
