//! Days of a channel through muxer and checker, byte by byte: pictures and sound of a low rate, the tables of DVB,
//! events and breaks of every half hour, midnights, and the wraps of the stamps.
//!
//! Access units are made up: valid beginnings, sizes that keep to an HRD, noise behind.

use crate::writer;
use retrovue_analyser::{Analyser, Options, Report};
use retrovue_mux::si::{
    Event, EventCapacity, EventTable, LocalTimeOffset, Network, RunningStatus, TableVersions,
};
use retrovue_mux::splice::{BreakDuration, SpliceCommand, SpliceInfo, SpliceInsert, SpliceTime};
use retrovue_mux::{
    AccessUnit, CueConfig, Information, MuxConfig, MuxEvent, MuxRate, Muxer, PACKET_SIZE, Pid, Poll,
    PushError, StreamConfig, StreamIndex,
};
use retrovue_timebase::{Ticks27M, Ticks90k, UtcMs};
use std::sync::Arc;

/// 90 kHz.
const SECOND: i64 = 90_000;

/// Stamps wrap after so many ticks of 90 kHz, 26.5 hours.
const WRAP: i64 = 1 << 33;

/// A quarter of an hour before the 206th wrap since 1970.
const START: i64 = 206 * WRAP - 900 * SECOND;

/// Ticks from picture to picture: five a second, an IDR each second.
const PICTURE: i64 = SECOND / 5;
const GOP: i64 = 5;

/// Ticks of a sound frame: 1024 samples at 48 kHz.
const SOUND: i64 = 1_920;

/// The pictures' HRD in bit/s and bits: whole units of 1024 and of 256, so that a sequence parameter set says them
/// exactly.
const VIDEO_BPS: u64 = 150 * 1024;
const CPB_BITS: u64 = 300 * 256;

const AUDIO_BPS: u64 = 32_000;

/// Length of a block in ticks; in its middle is a break.
const BLOCK: i64 = 1_800 * SECOND;
const BREAK: i64 = 180 * SECOND;

/// Days of schedule.
const GUIDE_DAYS: u8 = 2;

/// Most that is handed to the checker at once.
const PACKETS: usize = 512;

/// What a run came to.
#[derive(Debug)]
pub struct LongRun {
    /// The checker's report.
    pub report: Report,
    /// Wraps of the stamps.
    pub wraps: i64,
    /// Blocks that began.
    pub blocks: i64,
    /// Access units that the muxer could not send in time by its own account.
    pub late: u64,
}

/// Mixes and checks `seconds` of the channel, at a constant rate the smallest that carries it.
///
/// # Panics
/// When the muxer refuses what it must take.
#[must_use]
pub fn run(seconds: i64, constant: bool) -> LongRun {
    let mut channel = Channel::new(constant);
    let end = START + seconds * SECOND;
    let (mut picture, mut sound) = (0, 0);
    loop {
        let (picture_at, sound_at) = (START + picture * PICTURE, START + sound * SOUND);
        if picture_at.min(sound_at) >= end {
            break;
        }
        if picture_at <= sound_at {
            channel.block(picture_at);
            channel.picture(picture, picture_at);
            picture += 1;
        } else {
            channel.sound(sound_at);
            sound += 1;
        }
    }
    channel.muxer.finish();
    channel.drain();
    let (blocks, late) = (channel.blocks, channel.late);
    LongRun { report: channel.analyser.finish(), wraps: end / WRAP - START / WRAP, blocks, late }
}

struct Channel {
    muxer: Muxer,
    analyser: Analyser,
    noise: u64,
    /// An IDR picture with its parameter sets, and another picture, each of the largest size.
    idr: Vec<u8>,
    other: Vec<u8>,
    frame: Vec<u8>,
    /// The HRD's fullness in bits.
    bucket: u64,
    blocks: i64,
    late: u64,
    events: Vec<Arc<EventTable>>,
    buffer: Vec<u8>,
    filled: usize,
}

impl Channel {
    fn new(constant: bool) -> Channel {
        let video = StreamConfig::h264(VIDEO_BPS, CPB_BITS).with_units_per_second(5);
        let mut config = MuxConfig::new("Long", vec![video, StreamConfig::aac_adts(AUDIO_BPS)]);
        config.cues = Some(CueConfig { heartbeat_s: Some(60), ..CueConfig::new(Pid::DEFAULT_CUES) });
        config.information = Information {
            versions: TableVersions::default(),
            network: Some(Network { network_id: 0xFF01, name: "Long".to_owned() }),
            events: Some(EventCapacity::new(GUIDE_DAYS, *b"DEU")),
            time: true,
            local_times: vec![LocalTimeOffset {
                country: *b"DEU",
                region: 0,
                offset_minutes: 60,
                change: START / SECOND + 40_000,
                next_offset_minutes: 120,
            }],
        };
        if constant {
            config.rate = MuxRate::Constant { bps: config.smallest_constant_bps() };
        }
        let mut muxer = Muxer::new(config).unwrap_or_else(|error| panic!("{error}"));
        muxer.set_utc(Ticks27M(0), UtcMs(0));
        let largest = CPB_BITS as usize / 8;
        let hrd = Some(((VIDEO_BPS / 1024) as u32, (CPB_BITS / 256) as u32));
        let video = writer::Video { hevc: false, level: 13, hrd, bytes: 0, early: 0 };
        let noisy = |n: usize| {
            let mut unit = writer::picture(n, &video);
            let mut noise = 1 + n as u64;
            unit.resize_with(largest, || below(&mut noise, 255) as u8 + 1);
            unit
        };
        Channel {
            muxer,
            analyser: Analyser::new(Options { dvb: true, plot: false }),
            noise: 7,
            idr: noisy(0),
            other: noisy(1),
            frame: writer::sound(largest),
            bucket: CPB_BITS * 9 / 10,
            blocks: 0,
            late: 0,
            events: Vec::new(),
            buffer: vec![0; PACKET_SIZE * PACKETS],
            filled: 0,
        }
    }

    /// What a block brings when units reach `at`: its events, and its break's cues five seconds before.
    fn block(&mut self, at: i64) {
        let since = (at - START).rem_euclid(BLOCK);
        if since == 0 {
            self.blocks += 1;
            let events = Arc::new(guide(at / SECOND));
            let from = Ticks90k(at).to_27m();
            if self.muxer.announce_events(from, Arc::clone(&events)).is_err() {
                panic!("events of too many blocks wait");
            }
            self.events.push(events);
            if self.events.len() > 16 {
                self.events.remove(0);
            }
        }
        for (splice, out_of_network) in [(BLOCK / 2, true), (BLOCK / 2 + BREAK, false)] {
            let ahead = 5 * SECOND;
            if since == splice - ahead {
                let duration = BreakDuration { auto_return: true, ticks: BREAK as u64 };
                let insert = SpliceInsert {
                    event_id: self.blocks as u32,
                    cancel: false,
                    out_of_network,
                    at: SpliceTime::At(Ticks90k(at + ahead)),
                    break_duration: out_of_network.then_some(duration),
                    unique_program_id: 1,
                    avail: 1,
                    avails_expected: 1,
                };
                if let Err(error) = self.muxer.cue(&SpliceInfo::new(SpliceCommand::Insert(insert))) {
                    panic!("{error}");
                }
            }
        }
    }

    /// Each reference but an IDR is decoded before the picture shown in front of it.
    fn picture(&mut self, k: i64, dts: i64) {
        let in_gop = k % GOP;
        let random_access = in_gop == 0;
        let pts = dts + PICTURE * if random_access { 1 } else { in_gop % 2 * 2 };
        let refill = VIDEO_BPS * PICTURE as u64 / SECOND as u64;
        let most = (self.bucket / 8).saturating_sub(64).max(40);
        let size = match (random_access, below(&mut self.noise, 12)) {
            (true, _) | (_, 0) => most - below(&mut self.noise, most / 3),
            (_, 1) => 40 + below(&mut self.noise, 200),
            _ => (refill / 8 / 4 + below(&mut self.noise, refill / 8)).min(most),
        };
        self.bucket = (self.bucket.saturating_sub(size * 8) + refill).min(CPB_BITS);
        let size = (size as usize).max(64);
        let unit = std::mem::take(if random_access { &mut self.idr } else { &mut self.other });
        self.push(0, (pts, dts), random_access, &unit[..size]);
        *(if random_access { &mut self.idr } else { &mut self.other }) = unit;
    }

    fn sound(&mut self, at: i64) {
        let average = AUDIO_BPS * 1024 / 48_000 / 8;
        let size = (average * 3 / 4 + below(&mut self.noise, average / 2)) as usize;
        let mut frame = std::mem::take(&mut self.frame);
        frame[3] = 0x80 | (size >> 11) as u8;
        frame[4] = (size >> 3) as u8;
        frame[5] = (size << 5) as u8 | 0x1F;
        self.push(1, (at, at), false, &frame[..size]);
        self.frame = frame;
    }

    fn push(&mut self, stream: usize, (pts, dts): (i64, i64), random_access: bool, data: &[u8]) {
        let (pts, dts) = (Ticks90k(pts), Ticks90k(dts));
        let unit = AccessUnit { stream: StreamIndex(stream), pts, dts, random_access, arrival: None, data };
        loop {
            match self.muxer.push(unit) {
                Ok(()) => break,
                Err(PushError::Full { .. }) => self.drain(),
                Err(error) => panic!("{error}"),
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.muxer.poll(&mut self.buffer[self.filled..]) {
                Poll::Packets(run) => self.filled += run.bytes(),
                Poll::OutputTooSmall => self.check(),
                Poll::NeedInput { .. } => return,
                Poll::Finished => return self.check(),
                Poll::Event(MuxEvent::AccessUnitLate { .. }) => self.late += 1,
                Poll::Event(event) => panic!("{event:?}"),
            }
        }
    }

    fn check(&mut self) {
        self.analyser.push(&self.buffer[..self.filled]);
        self.filled = 0;
    }
}

/// Events of half an hour from the block at `now` on, in seconds since 1970.
fn guide(now: i64) -> EventTable {
    const HALF_HOUR: i64 = 1_800;
    let event = |n: i64| Event {
        id: ((now / HALF_HOUR + n) % 60_000) as u16,
        start: now + n * HALF_HOUR,
        duration_s: HALF_HOUR as u32,
        title: format!("Programme {}", now / HALF_HOUR + n),
        short_text: "A night out".to_owned(),
        long_text: "More is said of it. ".repeat((n % 4) as usize * 5),
        language: *b"eng",
        genre: Some(0x10),
        rating_age: Some(12),
        running: if n == 0 { RunningStatus::Running } else { RunningStatus::NotRunning },
    };
    EventTable::new(now, Some(event(0)), Some(event(1)), (0..48).map(event).collect())
}

/// splitmix64, cut to less than `bound`.
fn below(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) % bound.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrovue_analyser::{Rule, Verdict};

    /// Stamps wrap at its begin and 26.5 hours later, which is its end.
    fn a_day_from_wrap_to_wrap(constant: bool) {
        let LongRun { report, wraps, blocks, late } = run(27 * 3_600, constant);
        assert!(report.is_clean(), "{report}");
        assert_eq!((wraps, blocks, late), (2, 54, 0));
        for rule in &report.rules {
            // No conditional access, and a variable rate has no line that its PCRs could lie off.
            let ungraded = rule.rule == Rule::Cat || rule.rule == Rule::PcrAccuracy && !constant;
            let expected = if ungraded { Verdict::NotGraded } else { Verdict::Pass };
            assert_eq!(rule.verdict, expected, "{}\n{report}", rule.title);
        }
    }

    #[test]
    fn a_day_at_a_variable_rate_breaks_no_rule() {
        a_day_from_wrap_to_wrap(false);
    }

    #[test]
    fn a_day_at_a_constant_rate_breaks_no_rule() {
        a_day_from_wrap_to_wrap(true);
    }
}
