//! A small writer of constant-rate streams, made to be broken: everything that is sent is a list of items that
//! a test may change before they are packed, and packets that it may change after.

/// 27 MHz.
pub(crate) const SECOND: i64 = 27_000_000;
pub(crate) const MS: i64 = 27_000;
/// 188 bytes in 3600 ticks: 11.28 Mb/s.
pub(crate) const FAST: i64 = 3_600;
/// 188 bytes in 2 ms: 752 kb/s.
pub(crate) const SLOW: i64 = 54_000;

pub(crate) const VIDEO: u16 = 0x100;
pub(crate) const AUDIO: u16 = 0x101;
pub(crate) const SPLICE: u16 = 0x102;
pub(crate) const PMT: u16 = 0x1000;
/// The second program: sound, with its PCRs in packets of their own, an hour apart from the first one's.
pub(crate) const PCR_2: u16 = 0x200;
pub(crate) const AUDIO_2: u16 = 0x201;
pub(crate) const PMT_2: u16 = 0x1001;
pub(crate) const AWAY_2: i64 = 3_600 * SECOND;

pub(crate) type Packet = [u8; 188];

/// What is sent in one packet, as soon as there is room from `at` on.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) at: i64,
    pub(crate) pid: u16,
    pub(crate) start: bool,
    pub(crate) payload: Vec<u8>,
    /// What the PCR is ahead of the time of sending, if there is one.
    pub(crate) pcr: Option<i64>,
    pub(crate) random_access: bool,
    pub(crate) discontinuity: bool,
    /// Which access unit of its PID, from 0.
    pub(crate) unit: usize,
}

impl Item {
    pub(crate) fn new(at: i64, pid: u16, payload: &[u8]) -> Item {
        let payload = payload.to_vec();
        Item {
            at,
            pid,
            start: false,
            payload,
            pcr: None,
            random_access: false,
            discontinuity: false,
            unit: 0,
        }
    }
}

/// What a stream is made of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) length: i64,
    /// Ticks of one packet.
    pub(crate) slot: i64,
    pub(crate) video: Video,
    pub(crate) audio: Audio,
    pub(crate) tables: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Video {
    /// HEVC of level 3.1 in the place of AVC.
    pub(crate) hevc: bool,
    pub(crate) level: u32,
    /// NAL HRD: bit rate in units of 1024 bit/s, CPB size in units of 256 bits.
    pub(crate) hrd: Option<(u32, u32)>,
    pub(crate) bytes: usize,
    /// How long before its DTS a unit is sent.
    pub(crate) early: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Audio {
    pub(crate) bytes: usize,
    pub(crate) early: i64,
}

/// Picture 0 and sound frame 0 are decoded here.
pub(crate) const BASE: i64 = SECOND / 2;
pub(crate) const PICTURE: i64 = 40 * MS;
/// 1024 samples at 48 kHz.
pub(crate) const FRAME: i64 = 1024 * SECOND / 48_000;

impl Plan {
    /// Everything at 11.28 Mb/s.
    pub(crate) fn fast(length: i64) -> Plan {
        Plan {
            length,
            slot: FAST,
            video: Video { hevc: false, level: 31, hrd: Some((3906, 15_625)), bytes: 500, early: 30 * MS },
            audio: Audio { bytes: 100, early: 20 * MS },
            tables: true,
        }
    }

    /// Everything at 752 kb/s, for what takes long.
    pub(crate) fn slow(length: i64) -> Plan {
        let plan = Plan::fast(length);
        Plan {
            slot: SLOW,
            video: Video { bytes: 300, early: 120 * MS, ..plan.video.clone() },
            audio: Audio { early: 60 * MS, ..plan.audio.clone() },
            ..plan
        }
    }

    /// What is to be sent, in order of time for each PID.
    pub(crate) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let every = |period: i64, first: i64| {
            (0..).map(move |n| first + n * period).take_while(|&at| at < self.length)
        };
        for at in every(100 * MS, 0) {
            items.push(section(at, 0, &pat()));
            items.push(section(
                at + MS,
                PMT,
                &pmt(
                    1,
                    VIDEO,
                    &[(if self.video.hevc { 0x24 } else { 0x1B }, VIDEO), (0x0F, AUDIO), (0x86, SPLICE)],
                ),
            ));
            items.push(section(at + 2 * MS, PMT_2, &pmt(2, PCR_2, &[(0x0F, AUDIO_2)])));
        }
        if self.tables {
            items.extend(
                every(4_500 * MS, 31 * MS)
                    .map(|at| section(at, 0x10, &long(0x40, 1, 0, &[0xF0, 0, 0xF0, 0]))),
            );
            items.extend(
                every(900 * MS, 51 * MS).map(|at| section(at, 0x11, &long(0x42, 1, 0, &[0, 1, 0xFF]))),
            );
            for (number, first) in [(0, 71), (1, 111)] {
                items.extend(
                    every(900 * MS, first * MS)
                        .map(|at| section(at, 0x12, &long(0x4E, 1, number, &[0, 1, 0, 1, 1, 0x4E]))),
                );
            }
            items.extend(
                every(9_000 * MS, 91 * MS).map(|at| section(at, 0x14, &[0x70, 0x70, 5, 0xE0, 0, 0, 0, 0])),
            );
        }
        items.extend(every(300 * MS, 13 * MS).map(|at| section(at, SPLICE, &splice())));
        let late = self.length - 10 * MS;
        for n in 0.. {
            let dts = BASE + n as i64 * PICTURE;
            if dts - self.video.early >= late {
                break;
            }
            let unit = picture(n, &self.video);
            let pes = pes(0xE0, false, dts + PICTURE, Some(dts), &unit);
            items.extend(packets(dts - self.video.early, VIDEO, n, &pes, n % 25 == 0));
        }
        items
            .extend(every(PICTURE, 5 * MS).map(|at| Item { pcr: Some(AWAY_2), ..Item::new(at, PCR_2, &[]) }));
        // Until the first picture the video PID only tells the time.
        let first = BASE - self.video.early;
        items.extend(
            every(PICTURE, 3 * MS)
                .take_while(|at| *at < first - MS)
                .map(|at| Item { pcr: Some(0), ..Item::new(at, VIDEO, &[]) }),
        );
        for (pid, away) in [(AUDIO, 0), (AUDIO_2, AWAY_2)] {
            for n in 0.. {
                let dts = BASE + n as i64 * FRAME;
                if dts - self.audio.early >= late {
                    break;
                }
                let pes = pes(0xC0, true, dts + away, None, &sound(self.audio.bytes));
                items.extend(packets(dts - self.audio.early, pid, n, &pes, false));
            }
        }
        items
    }

    /// Packs items into packets of the constant rate; null packets where nothing is due.
    pub(crate) fn pack(&self, mut items: Vec<Item>) -> Vec<Packet> {
        items.sort_by_key(|item| item.at);
        let mut counters = std::collections::BTreeMap::<u16, u8>::new();
        let mut waiting = items.into_iter().peekable();
        (0..self.length / self.slot)
            .map(|n| {
                let now = n * self.slot;
                let Some(item) = waiting.next_if(|item| item.at <= now) else { return null() };
                let counter = counters.entry(item.pid).or_insert(15);
                if !item.payload.is_empty() {
                    *counter = (*counter + 1) & 15;
                }
                packet(&item, *counter, now + self.slot * 10 / 188)
            })
            .collect()
    }

    /// The clean stream.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        self.pack(self.items())
    }
}

pub(crate) fn null() -> Packet {
    let mut packet = [0xFF; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
    packet
}

fn packet(item: &Item, counter: u8, pcr: i64) -> Packet {
    let mut out = [0xFF; 188];
    let room = 184 - item.payload.len();
    let control = match (room, item.payload.is_empty()) {
        (_, true) => 0x20,
        (0, false) => 0x10,
        (_, false) => 0x30,
    };
    let start = u8::from(item.start) << 6;
    out[..4].copy_from_slice(&[0x47, start | (item.pid >> 8) as u8, item.pid as u8, control | counter]);
    if room > 0 {
        out[4] = room as u8 - 1;
    }
    if room > 1 {
        out[5] = u8::from(item.discontinuity) << 7
            | u8::from(item.random_access) << 6
            | u8::from(item.pcr.is_some()) << 4;
    }
    if let Some(away) = item.pcr {
        out[6..12].copy_from_slice(&pcr_field(pcr + away));
    }
    out[188 - item.payload.len()..].copy_from_slice(&item.payload);
    out
}

/// `program_clock_reference` of 27 MHz ticks.
pub(crate) fn pcr_field(ticks: i64) -> [u8; 6] {
    let (base, extension) = ((ticks / 300) & ((1 << 33) - 1), ticks % 300);
    let value = (base as u64) << 15 | 0x7E00 | extension as u64;
    value.to_be_bytes()[2..].try_into().expect("6 bytes")
}

/// A PES packet's transport packets; a picture's first one has a PCR.
pub(crate) fn packets(at: i64, pid: u16, unit: usize, pes: &[u8], random_access: bool) -> Vec<Item> {
    let pcr = (pid == VIDEO).then_some(0);
    let first = pes.len().min(if pcr.is_some() { 176 } else { 184 });
    let mut items = vec![Item { start: true, pcr, random_access, unit, ..Item::new(at, pid, &pes[..first]) }];
    items.extend(pes[first..].chunks(184).map(|part| Item { unit, ..Item::new(at, pid, part) }));
    items
}

pub(crate) fn pes(stream_id: u8, bounded: bool, pts: i64, dts: Option<i64>, unit: &[u8]) -> Vec<u8> {
    let stamp = |mark: u8, ticks: i64| {
        let t = (ticks / 300) as u64;
        [
            mark << 4 | (t >> 29) as u8 & 14 | 1,
            (t >> 22) as u8,
            (t >> 14) as u8 | 1,
            (t >> 7) as u8,
            (t << 1) as u8 | 1,
        ]
    };
    let mut head = match dts {
        None => [&[0x84, 0x80, 5][..], &stamp(2, pts)].concat(),
        Some(dts) => [&[0x84, 0xC0, 10][..], &stamp(3, pts), &stamp(1, dts)].concat(),
    };
    head.extend(unit);
    let length = if bounded { head.len() as u16 } else { 0 };
    [&[0, 0, 1, stream_id][..], &length.to_be_bytes(), &head].concat()
}

/// An ADTS frame of that many bytes: 48 kHz, two channels.
pub(crate) fn sound(bytes: usize) -> Vec<u8> {
    let n = bytes as u16;
    let mut frame =
        vec![0xFF, 0xF1, 0x4C, 0x80 | (n >> 11) as u8, (n >> 3) as u8, (n << 5) as u8 | 0x1F, 0xFC];
    frame.resize(bytes, 0x55);
    frame
}

/// A picture of that many bytes at least; every 25th is an IDR with parameter sets.
pub(crate) fn picture(n: usize, video: &Video) -> Vec<u8> {
    if video.hevc {
        return hevc_picture(n, video);
    }
    let mut unit = vec![0, 0, 0, 1, 9, 0xF0];
    if n.is_multiple_of(25) {
        unit.extend([0, 0, 0, 1]);
        unit.extend(parameters(video));
        unit.extend([0, 0, 0, 1, 0x68, 0xCE, 0x38, 0x80]);
        unit.extend([0, 0, 1, 0x65, 0x88]);
    } else {
        unit.extend([0, 0, 1, 0x41, 0x9A]);
    }
    unit.resize(unit.len().max(video.bytes), 0x55);
    unit
}

/// A sequence parameter set of Main profile: 320 by 240, 25 frames a second.
fn parameters(video: &Video) -> Vec<u8> {
    let mut w = Bits(Vec::new());
    w.u(8, 0x67).u(8, 77).u(8, 0).u(8, video.level).ue(0).ue(0).ue(2).ue(1).u(1, 0).ue(19).ue(14);
    w.u(1, 1).u(1, 1).u(1, 0).u(1, 1);
    w.u(4, 0).u(1, 1).u(32, 1).u(32, 50).u(1, 1);
    match video.hrd {
        Some((rate, size)) => w.u(1, 1).ue(0).u(4, 4).u(4, 4).ue(rate - 1).ue(size - 1).u(1, 1).u(20, 0),
        None => w.u(1, 0),
    };
    w.u(1, 0).u(1, 0).u(1, 0).u(1, 1);
    w.nal()
}

/// The same of HEVC.
fn hevc_picture(n: usize, video: &Video) -> Vec<u8> {
    let mut unit = vec![0, 0, 0, 1, 0x46, 1, 0x50];
    if n.is_multiple_of(25) {
        unit.extend([0, 0, 0, 1]);
        unit.extend(hevc_parameters(video));
        unit.extend([0, 0, 1, 0x26, 1, 0x80]);
    } else {
        unit.extend([0, 0, 1, 0x02, 1, 0x80]);
    }
    unit.resize(unit.len().max(video.bytes), 0x55);
    unit
}

/// A sequence parameter set of Main profile, main tier, level 3.1: 320 by 240, 25 frames a second.
fn hevc_parameters(video: &Video) -> Vec<u8> {
    let mut w = Bits(Vec::new());
    w.u(16, 0x4201).u(8, 1).u(8, 1).u(32, 0x6000_0000).u(32, 0x9000_0000).u(16, 0).u(8, 93);
    w.ue(0).ue(1).ue(320).ue(240).u(1, 0).ue(0).ue(0).ue(4).u(1, 1).ue(1).ue(0).ue(0);
    w.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0).u(4, 0).ue(0).u(3, 0).u(1, 1);
    w.u(8, 0).u(1, 1).u(32, 1).u(32, 25).u(1, 0);
    match video.hrd {
        Some((rate, size)) => {
            w.u(1, 1).u(2, 2).u(1, 0).u(4, 4).u(4, 4).u(15, 0).u(1, 1).ue(0).ue(0);
            w.ue(rate - 1).ue(size - 1).u(1, 0)
        }
        None => w.u(1, 0),
    };
    w.u(2, 0).u(1, 1);
    w.nal()
}

struct Bits(Vec<bool>);

impl Bits {
    /// The bytes, with those that keep start codes out.
    fn nal(&self) -> Vec<u8> {
        let bytes =
            self.0.chunks(8).map(|c| (0..8).fold(0, |n, i| n << 1 | u8::from(c.get(i) == Some(&true))));
        let mut nal = Vec::new();
        for byte in bytes {
            if byte < 4 && nal.ends_with(&[0, 0]) {
                nal.push(3);
            }
            nal.push(byte);
        }
        nal
    }

    fn u(&mut self, count: u32, value: u32) -> &mut Bits {
        self.0.extend((0..count).rev().map(|n| value >> n & 1 != 0));
        self
    }

    fn ue(&mut self, value: u32) -> &mut Bits {
        let bits = (value + 1).ilog2();
        self.u(bits, 0).u(bits + 1, value + 1)
    }
}

/// A packet with one section.
pub(crate) fn section(at: i64, pid: u16, section: &[u8]) -> Item {
    let mut payload = [&[0], section].concat();
    payload.resize(184, 0xFF);
    Item { start: true, ..Item::new(at, pid, &payload) }
}

/// A section with the long header and its CRC.
pub(crate) fn long(table: u8, extension: u16, number: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 9) as u16;
    let mut out = vec![table, 0xB0 | (length >> 8) as u8, length as u8];
    out.extend(extension.to_be_bytes());
    out.extend([0xC1, number, number.max(u8::from(table == 0x4E))]);
    out.extend(body);
    with_crc(out)
}

pub(crate) fn with_crc(mut out: Vec<u8>) -> Vec<u8> {
    let crc = out.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).rev().fold(crc, |crc, bit| {
            let carry = crc >> 31 ^ u32::from(byte >> bit & 1);
            (crc << 1) ^ (carry * 0x04C1_1DB7)
        })
    });
    out.extend(crc.to_be_bytes());
    out
}

pub(crate) fn pat() -> Vec<u8> {
    let entry =
        |number: u16, pid: u16| [(number >> 8) as u8, number as u8, 0xE0 | (pid >> 8) as u8, pid as u8];
    long(0, 1, 0, &[entry(1, PMT), entry(2, PMT_2)].concat())
}

pub(crate) fn pmt(number: u16, pcr: u16, streams: &[(u8, u16)]) -> Vec<u8> {
    let mut body = vec![0xE0 | (pcr >> 8) as u8, pcr as u8, 0xF0, 0];
    for &(stream_type, pid) in streams {
        body.extend([stream_type, 0xE0 | (pid >> 8) as u8, pid as u8, 0xF0, 0]);
    }
    long(2, number, 0, &body)
}

/// A splice information section with splice_null.
fn splice() -> Vec<u8> {
    with_crc(vec![0xFC, 0x30, 17, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xF0, 0, 0, 0, 0])
}
