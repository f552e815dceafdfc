//! Made-up streams of every kind: their configuration, their units, and the decoder they are made for, all
//! of whose figures stand here anew.

use crate::elementary::{Noise, Programme, Unit, adts};
use crate::reader::{Decoder, MS};
use retrovue_mux::si::{Ac3Signalling, Av1Video, Descriptor};
use retrovue_mux::{Pid, StreamConfig};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    H264,
    Hevc,
    Av1,
    Mpeg2,
    Aac,
    Ac3(Ac3Signalling),
    EnhancedAc3(Ac3Signalling),
    Layer2,
    Teletext,
    Subtitles,
    Id3,
}

pub(crate) const KINDS: [Kind; 13] = [
    Kind::H264,
    Kind::Hevc,
    Kind::Av1,
    Kind::Mpeg2,
    Kind::Aac,
    Kind::Ac3(Ac3Signalling::Dvb),
    Kind::Ac3(Ac3Signalling::Atsc),
    Kind::EnhancedAc3(Ac3Signalling::Dvb),
    Kind::EnhancedAc3(Ac3Signalling::Atsc),
    Kind::Layer2,
    Kind::Teletext,
    Kind::Subtitles,
    Kind::Id3,
];

pub(crate) const AV1: Av1Video = Av1Video {
    seq_profile: 0,
    seq_level_idx: 8,
    high_tier: false,
    high_bitdepth: false,
    twelve_bit: false,
    monochrome: false,
    subsampling_x: true,
    subsampling_y: true,
    chroma_sample_position: 0,
    hdr_wcg_idc: 3,
    initial_presentation_delay_minus_one: None,
};

pub(crate) const PAGE: Descriptor =
    Descriptor::Teletext { language: *b"deu", teletext_type: 2, magazine: 1, page: 0x50 };

pub(crate) const SUBTITLING: Descriptor = Descriptor::Subtitling {
    language: *b"deu",
    subtitling_type: 0x10,
    composition_page: 1,
    ancillary_page: 1,
};

impl Kind {
    pub(crate) fn is_video(self) -> bool {
        matches!(self, Kind::H264 | Kind::Hevc | Kind::Av1 | Kind::Mpeg2)
    }

    pub(crate) fn is_sound(self) -> bool {
        matches!(self, Kind::Aac | Kind::Ac3(_) | Kind::EnhancedAc3(_) | Kind::Layer2)
    }
}

/// One stream; the figures it has depend on its size, 0 to 255.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Track {
    pub(crate) kind: Kind,
    pub(crate) size: u8,
    pub(crate) seed: u64,
}

/// Makes a unit of sound or teletext.
type Making = Box<dyn FnMut(&mut Noise) -> Vec<u8>>;

/// Time made up, in 90 kHz ticks.
pub(crate) const LENGTH: i64 = 130_000;

const CHOICE: [usize; 6] = [96, 128, 192, 256, 384, 448];

impl Track {
    fn kbps(&self) -> usize {
        match self.kind {
            Kind::Layer2 => CHOICE[usize::from(self.size) % 5],
            Kind::EnhancedAc3(Ac3Signalling::Atsc) => 1_024 - usize::from(self.size) * 3,
            Kind::EnhancedAc3(Ac3Signalling::Dvb) => 32 + usize::from(self.size) * 3,
            Kind::Ac3(Ac3Signalling::Dvb) if self.size > 200 => 640,
            _ => CHOICE[usize::from(self.size) % 6],
        }
    }

    fn pictures(&self) -> Programme {
        let video_bps = 1_300_000 + u64::from(self.size) * 20_000;
        Programme {
            seed: self.seed,
            rate: [(25, 1), (30_000, 1001), (50, 1)][usize::from(self.size) % 3],
            pictures: if self.size % 3 == 2 { 70 } else { 36 },
            gop: 4 + i64::from(self.size % 20),
            b_pictures: i64::from(self.size % 3),
            video_bps,
            cpb_bits: video_bps * (200 + u64::from(self.size) * 3) / 1000,
            arrivals: self.seed & 0x80 != 0,
            sound_tracks: 0,
            ..Programme::default()
        }
    }

    /// Lines of teletext in a unit, at most.
    fn lines(&self) -> usize {
        1 + usize::from(self.size) % 31
    }

    /// Rate and longest unit of subtitles and ID3.
    fn data(&self) -> (u64, usize) {
        let bps = 20_000 + u64::from(self.size) * 400;
        (bps, (bps as usize / 8) * 9 / 10 * (1 + usize::from(self.size) % 4) / 4)
    }

    pub(crate) fn config(&self, pid: u16) -> StreamConfig {
        let (pid, bps) = (Pid::new(pid), self.kbps() as u64 * 1000);
        let pictures = self.pictures();
        let (video_bps, cpb) = (pictures.video_bps, pictures.cpb_bits);
        let config = match self.kind {
            Kind::H264 => StreamConfig::h264(video_bps, cpb),
            Kind::Hevc => StreamConfig::hevc(video_bps, cpb),
            Kind::Av1 => StreamConfig::av1(video_bps, cpb, AV1),
            Kind::Mpeg2 => StreamConfig::mpeg2_video(video_bps, cpb),
            Kind::Aac => StreamConfig::aac_adts(bps.min(192_000)),
            Kind::Ac3(signalling) => StreamConfig::ac3(signalling, bps),
            Kind::EnhancedAc3(signalling) => StreamConfig::enhanced_ac3(signalling, bps),
            Kind::Layer2 => StreamConfig::mpeg_layer_2(bps),
            Kind::Teletext => return StreamConfig::teletext(pid, self.lines(), PAGE),
            Kind::Subtitles => {
                return StreamConfig::dvb_subtitles(pid, self.data().0, self.data().1, SUBTITLING);
            }
            Kind::Id3 => return StreamConfig::id3(pid, self.data().0, self.data().1),
        };
        let config = config.on_pid(pid);
        if self.kind.is_video() {
            let (num, den) = pictures.rate;
            return config.with_units_per_second(((num + den - 1) / den) as u32);
        }
        config
    }

    /// Its decoder: ISO/IEC 13818-1 §2.4.2.3, §2.14.3.1 and §2.17.2, A/52 annex A, TS 101 154, EN 300 472 and EN 300 743
    /// §5, AV1 in MPEG-2 TS §3.7. MB is far larger at the levels such pictures have.
    pub(crate) fn decoder(&self) -> Decoder {
        let pictures = self.pictures();
        let of_sound = |buffer| Decoder { buffer, ..Decoder::AAC };
        let step = (pictures.video_bps / 64 * 64) as i64;
        let buffer = (pictures.cpb_bits / 8) as i64 + 60_000;
        match self.kind {
            Kind::H264 | Kind::Mpeg2 => Decoder::pictures(step * 6 / 5, buffer),
            Kind::Av1 | Kind::Hevc => Decoder::pictures(step * 11 / 10, buffer),
            Kind::Aac | Kind::Layer2 => Decoder::AAC,
            Kind::Ac3(Ac3Signalling::Dvb) | Kind::EnhancedAc3(Ac3Signalling::Dvb) => {
                Decoder { early: 15 * MS, ..of_sound(5_696) }
            }
            Kind::Ac3(Ac3Signalling::Atsc) => Decoder { early: 15 * MS, ..of_sound(2_592) },
            Kind::EnhancedAc3(Ac3Signalling::Atsc) => of_sound(12_896),
            Kind::Teletext => Decoder { rx: 6_750_000, buffer: 1_504, stay: 40 * MS, early: 20 * MS },
            Kind::Subtitles => Decoder { rx: 192_000, ..of_sound(24_576) },
            Kind::Id3 => {
                Decoder { rx: 1_000_000, ..of_sound((self.data().1 as i64 * 2 + 1_023) / 1_024 * 1_024) }
            }
        }
    }

    /// Its units as stream `stream`, and for sparse ones the promises between them.
    pub(crate) fn units(&self, stream: usize) -> Vec<Unit> {
        let mut noise = Noise(self.seed);
        let even = |ticks: i64, mut data: Making| {
            let mut noise = Noise(self.seed ^ 0x5EED);
            let units = (0..LENGTH / ticks).map(|n| (n * ticks, data(&mut noise)));
            units.map(|(at, data)| unit(stream, at, data)).collect::<Vec<Unit>>()
        };
        let kbps = self.kbps();
        match self.kind {
            Kind::H264 | Kind::Hevc | Kind::Av1 | Kind::Mpeg2 => {
                let mut units = self.pictures().units();
                for unit in &mut units {
                    unit.stream = stream;
                    self.begin_picture(unit);
                }
                units
            }
            Kind::Aac => {
                let average = kbps.min(192) as u64 * 1024 / 48 / 8;
                even(
                    1_920,
                    Box::new(move |noise| {
                        let size = average * 3 / 4 + noise.below(average / 2);
                        adts(noise, size as usize)
                    }),
                )
            }
            Kind::Ac3(_) => even(2_880, Box::new(move |noise| ac3(noise, kbps))),
            Kind::EnhancedAc3(_) => even(2_880, Box::new(move |noise| enhanced_ac3(noise, kbps * 4))),
            Kind::Layer2 => even(2_160, Box::new(move |noise| layer_2(noise, kbps))),
            Kind::Teletext => {
                let lines = self.lines();
                even(3_600, Box::new(move |noise| teletext(noise, lines)))
            }
            Kind::Subtitles | Kind::Id3 => {
                let (bps, longest) = self.data();
                let (mut at, mut units) = (noise.below(9_000) as i64, Vec::new());
                for n in 0..LENGTH / 9_000 {
                    units.push(unit(stream, n * 9_000, vec![]));
                }
                while at < LENGTH {
                    let size = if noise.below(3) == 0 {
                        longest
                    } else {
                        20 + noise.below(longest as u64 - 20) as usize
                    };
                    let data = if self.kind == Kind::Id3 {
                        id3(&mut noise, size)
                    } else {
                        subtitles(&mut noise, size)
                    };
                    units.push(unit(stream, at, data));
                    let passes = (size as u64 * 8 * 90_000).div_ceil(bps) as i64;
                    at += passes.max(9_000) + noise.below(20_000) as i64;
                }
                units.sort_by_key(|unit| unit.dts);
                // A promise that a unit makes too is no news.
                let taken: Vec<i64> =
                    units.iter().filter(|unit| !unit.data.is_empty()).map(|unit| unit.dts).collect();
                units.retain(|unit| !unit.data.is_empty() || !taken.contains(&unit.dts));
                units
            }
        }
    }

    /// Puts what pictures of the kind begin with in the place of H.264's delimiter and slice.
    fn begin_picture(&self, unit: &mut Unit) {
        let point = unit.random_access;
        let begin: &[u8] = match (self.kind, point) {
            (Kind::Hevc, true) => &[0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 1, 0x26, 1],
            (Kind::Hevc, false) => &[0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 1, 0x02, 1],
            (Kind::Av1, true) => &[0, 0, 1, 0x12, 0, 0, 0, 1, 0x0A, 11, 7, 7],
            (Kind::Av1, false) => &[0, 0, 1, 0x12, 0, 0, 0, 1, 0x32, 11, 7, 7],
            (Kind::Mpeg2, true) => &[0, 0, 1, 0xB3, 0x2D, 2, 0x40],
            (Kind::Mpeg2, false) => &[0, 0, 1, 0x00, 0x01, 0x57],
            _ => &[],
        };
        unit.data[..begin.len()].copy_from_slice(begin);
    }
}

fn unit(stream: usize, at: i64, data: Vec<u8>) -> Unit {
    Unit { stream, pts: at, dts: at, random_access: true, arrival: None, data }
}

fn filled(noise: &mut Noise, mut data: Vec<u8>, size: usize) -> Vec<u8> {
    while data.len() < size {
        data.push(noise.next() as u8 | 1);
    }
    data
}

/// An AC-3 frame at 48 kHz.
pub(crate) fn ac3(noise: &mut Noise, kbps: usize) -> Vec<u8> {
    const KBPS: [usize; 19] =
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
    let code = KBPS.iter().position(|&known| known == kbps).expect("a rate of AC-3") as u8 * 2;
    filled(noise, vec![0x0B, 0x77, 0x12, 0x34, code, 8 << 3], kbps * 4)
}

/// An enhanced AC-3 frame of `size` bytes, which is even.
pub(crate) fn enhanced_ac3(noise: &mut Noise, size: usize) -> Vec<u8> {
    let words = size / 2 - 1;
    filled(noise, vec![0x0B, 0x77, (words >> 8) as u8, words as u8, 0x34, 16 << 3], size)
}

/// A layer II frame at 48 kHz.
pub(crate) fn layer_2(noise: &mut Noise, kbps: usize) -> Vec<u8> {
    const KBPS: [usize; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    let index = KBPS.iter().position(|&known| known == kbps).expect("a rate of layer II") as u8;
    filled(noise, vec![0xFF, 0xFD, index << 4 | 0x04], kbps * 3)
}

/// A PES data field of up to `lines` lines, filled up with stuffing units.
fn teletext(noise: &mut Noise, lines: usize) -> Vec<u8> {
    let lines = 1 + noise.below(lines as u64) as usize;
    let mut data = vec![0x10];
    for line in 0..lines / 4 * 4 + 3 {
        let id = if line < lines { 0x02 } else { 0xFF };
        data.extend([id, 0x2C]);
        let size = data.len() + 44;
        data = filled(noise, data, size);
    }
    data
}

fn subtitles(noise: &mut Noise, size: usize) -> Vec<u8> {
    let mut data = filled(noise, vec![0x20, 0x00, 0x0F, 0x10, 0, 1], size - 1);
    data.push(0xFF);
    data
}

fn id3(noise: &mut Noise, size: usize) -> Vec<u8> {
    filled(noise, b"ID3\x04\x00\x00".to_vec(), size)
}
