//! Made-up elementary streams from a seed: pictures whose sizes keep to a VBV, with reordering, and
//! ADTS frames. The bytes are noise behind valid beginnings.

use crate::hrd::Hrd;
use retrovue_mux::si::{
    Event, EventCapacity, EventTable, LocalTimeOffset, Network, RunningStatus, TableVersions,
};
use retrovue_mux::{AccessUnit, CpbArrival, Information, MuxConfig, Pid, StreamConfig, StreamIndex};
use retrovue_timebase::{FrameIndex, FrameRate, Ticks90k};

/// splitmix64: small, and the same everywhere.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// An access unit that owns its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) stream: usize,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) random_access: bool,
    pub(crate) arrival: Option<CpbArrival>,
    pub(crate) data: Vec<u8>,
}

impl Unit {
    pub(crate) fn borrow(&self) -> AccessUnit<'_> {
        AccessUnit {
            stream: StreamIndex(self.stream),
            pts: Ticks90k(self.pts),
            dts: Ticks90k(self.dts),
            random_access: self.random_access,
            arrival: self.arrival,
            data: &self.data,
        }
    }
}

/// A programme to make up.
#[derive(Debug, Clone)]
pub(crate) struct Programme {
    pub(crate) seed: u64,
    /// First instant, 90 kHz.
    pub(crate) start: i64,
    pub(crate) rate: (i64, i64),
    pub(crate) pictures: i64,
    pub(crate) gop: i64,
    /// Pictures shown between two references: 0 to 2.
    pub(crate) b_pictures: i64,
    pub(crate) video_bps: u64,
    pub(crate) cpb_bits: u64,
    /// The pictures tell when they enter the buffer.
    pub(crate) arrivals: bool,
    pub(crate) audio_bps: u64,
    pub(crate) sound_tracks: usize,
    /// Days of events; with them NIT, EIT, TDT and TOT are sent.
    pub(crate) days: Option<u8>,
}

impl Default for Programme {
    fn default() -> Programme {
        Programme {
            seed: 1,
            start: 0,
            rate: (30, 1),
            pictures: 60,
            gop: 30,
            b_pictures: 2,
            video_bps: 4_000_000,
            cpb_bits: 2_000_000,
            arrivals: false,
            audio_bps: 192_000,
            sound_tracks: 1,
            days: None,
        }
    }
}

impl Programme {
    pub(crate) fn config(&self) -> MuxConfig {
        let mut streams = vec![StreamConfig::h264(self.video_bps, self.cpb_bits)];
        for track in 0..self.sound_tracks {
            let pid = Pid::new(0x101 + track as u16);
            streams.push(StreamConfig::aac_adts(self.audio_bps).on_pid(pid).with_language(*b"eng"));
        }
        let mut config = MuxConfig::new("Retro One", streams);
        if let Some(days) = self.days {
            config.information = Information {
                versions: TableVersions::default(),
                network: Some(Network { network_id: 0xFF01, name: "Retro".to_owned() }),
                events: Some(EventCapacity::new(days, *b"DEU")),
                time: true,
                local_times: vec![LocalTimeOffset {
                    country: *b"DEU",
                    region: 0,
                    offset_minutes: 60,
                    change: 28 * 86_400,
                    next_offset_minutes: 120,
                }],
            };
        }
        config
    }

    /// Its access units in the order an encoder would hand them over.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let mut units = self.pictures();
        for track in 1..=self.sound_tracks {
            units.extend(self.sound(track));
        }
        units.sort_by_key(|unit| (unit.dts, unit.stream));
        units
    }

    fn pictures(&self) -> Vec<Unit> {
        let rate = FrameRate::new(self.rate.0, self.rate.1).unwrap();
        let mut noise = Noise(self.seed);
        let delay = i64::from(self.b_pictures > 0);
        // A leaky bucket in bits, refilled by the peak rate between pictures.
        let mut bucket = self.cpb_bits * 9 / 10;
        let refill = self.video_bps * self.rate.1 as u64 / self.rate.0 as u64;
        let mut hrd = Hrd::new(self.video_bps, self.cpb_bits, bucket);
        let mut units = Vec::new();
        for k in 0..self.pictures {
            let random_access = k % self.gop == 0;
            let most = (bucket / 8).saturating_sub(64).max(40);
            let size = match (random_access, noise.below(12)) {
                (true, _) | (_, 0) => most - noise.below(most / 3),
                (_, 1) => 40 + noise.below(200),
                _ => (refill / 8 / 4 + noise.below(refill / 8 * 5 / 4)).min(most),
            };
            bucket = (bucket.saturating_sub(size * 8) + refill).min(self.cpb_bits);
            let shown = self.shown(k) + delay;
            let tick = |frame| self.start + rate.ticks_90k_floor(FrameIndex(frame)).0;
            let (dts, data) = (tick(k), picture(&mut noise, size as usize, random_access));
            let arrival = self.arrivals.then(|| hrd.arrival(dts, data.len()));
            units.push(Unit { stream: 0, pts: tick(shown), dts, random_access, arrival, data });
        }
        units
    }

    /// Position in which coded picture `k` is shown: each reference is coded before the pictures in front of it.
    fn shown(&self, k: i64) -> i64 {
        let b = self.b_pictures;
        if b == 0 || k % self.gop == 0 {
            return k;
        }
        let (in_gop, gop_start) = (k % self.gop, k / self.gop * self.gop);
        let length = self.gop.min(self.pictures - gop_start) - 1;
        let (group, place) = ((in_gop - 1) / (b + 1), (in_gop - 1) % (b + 1));
        let size = (b + 1).min(length - group * (b + 1));
        let first = gop_start + 1 + group * (b + 1);
        // B-pictures are shown one picture late at most, so one picture of delay serves two as well
        // when the second of them is a reference; keep the order valid by rotating the group by one.
        if place == 0 && size > 1 {
            first + 1
        } else if place == 1 {
            first
        } else {
            first + place
        }
    }

    fn sound(&self, track: usize) -> Vec<Unit> {
        let rate = FrameRate::new(self.rate.0, self.rate.1).unwrap();
        let end = rate.ticks_90k_floor(FrameIndex(self.pictures)).0;
        let mut noise = Noise(self.seed ^ 0xA0D10 ^ track as u64);
        let average = self.audio_bps * 1024 / 48_000 / 8;
        (0..end / 1920)
            .map(|n| {
                let size = average * 3 / 4 + noise.below(average / 2);
                let at = self.start + n * 1920;
                Unit {
                    stream: track,
                    pts: at,
                    dts: at,
                    random_access: true,
                    arrival: None,
                    data: adts(&mut noise, size as usize),
                }
            })
            .collect()
    }
}

/// A picture of `size` bytes, with its delimiter; parameter sets are left to the imagination.
pub(crate) fn picture(noise: &mut Noise, size: usize, random_access: bool) -> Vec<u8> {
    let mut data = vec![0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, if random_access { 0x65 } else { 0x41 }];
    while data.len() < size {
        data.push(noise.next() as u8 | 1);
    }
    data
}

/// An ADTS frame of `size` bytes, header included.
pub(crate) fn adts(noise: &mut Noise, size: usize) -> Vec<u8> {
    let mut data =
        vec![0xFF, 0xF1, 0x4C, 0x80 | (size >> 11) as u8, (size >> 3) as u8, (size << 5) as u8 | 0x1F, 0xFC];
    while data.len() < size {
        data.push(noise.next() as u8);
    }
    data
}

/// Events of half an hour for `days` from 1970-01-01 on, some with much to say.
pub(crate) fn events(days: u8) -> EventTable {
    let schedule: Vec<Event> = (0..u16::from(days.max(1)) * 48)
        .map(|n| Event {
            id: n,
            start: i64::from(n) * 1800,
            duration_s: 1800,
            title: format!("Programme {n}"),
            short_text: "A night out".to_owned(),
            long_text: "More is said of it. ".repeat(usize::from(n % 4) * 20),
            language: *b"eng",
            genre: Some(0x10),
            rating_age: None,
            running: RunningStatus::Undefined,
        })
        .collect();
    EventTable::new(0, Some(schedule[1].clone()), Some(schedule[3].clone()), schedule)
}
