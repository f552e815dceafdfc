//! Where access units begin in an elementary stream, when each is decoded, and which buffers it wants.
//!
//! A unit gets the stamp of the PES packet in which it begins. Those after the first in a PES packet follow at
//! the distance of the frame rate or of the samples; where that is not known they have no DTS.

use crate::avc::Sps;
use crate::buffer_model::{BufferModel, Mpeg2Level};
use crate::decoder_buffer::{Stamp, UnitStart};
use crate::hevc::VideoParameterSets;
use crate::instant::PER_SECOND;
use crate::nal::{KEPT, StartCodes};
use crate::sound_frame::{HEADER, SoundFrame};
use crate::stream_type::Coding;
use std::collections::VecDeque;

/// Units that may wait for a PCR: a hundred times what a tenth of a second holds.
const MOST_WAITING: usize = 1024;

/// What a payload held.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Begun {
    /// Access units found to begin.
    pub(crate) units: u8,
    /// Those of AVC without a delimiter.
    pub(crate) undelimited: u8,
}

/// Finds the access units of one elementary stream.
#[derive(Debug)]
pub(crate) struct AccessUnits {
    coding: Coding,
    /// Bytes of the elementary stream so far.
    pub(crate) position: u64,
    /// Units found and not yet handed on.
    pub(crate) starts: VecDeque<UnitStart>,
    clock: UnitClock,
    codes: StartCodes,
    video: Video,
    sound: Sound,
    /// Why there are no buffers to simulate, once that is known.
    pub(crate) unknown: Option<&'static str>,
    pub(crate) count: u64,
}

/// DTS of units, from stamps and durations.
#[derive(Debug, Default)]
struct UnitClock {
    /// The stamp of the PES packet under way, not yet taken, and the position of the packet's first byte.
    stamp: Option<(i64, u64)>,
    /// The last stamp taken, and the time since then as `units / rate` seconds.
    base: Option<i64>,
    units: u64,
    rate: u32,
    /// Bytes were lost, and no stamp was taken since.
    lost: bool,
}

impl UnitClock {
    /// The DTS of a unit that begins at a position; `duration` is the one of the unit before.
    fn next(&mut self, at: u64, duration: Option<(u64, u32)>) -> Option<Stamp> {
        if let Some((base, _)) = self.stamp.take_if(|(_, from)| at >= *from) {
            (self.base, self.units, self.lost) = (Some(base), 0, false);
            return Some(Stamp { base, plus: 0 });
        }
        let (Some(base), Some((units, rate))) = (self.base, duration) else {
            self.base = None;
            return None;
        };
        if self.units > 0 && self.rate != rate {
            self.base = None;
            return None;
        }
        self.units += units;
        self.rate = rate;
        let plus = i128::from(self.units) * i128::from(PER_SECOND) / i128::from(rate.max(1));
        Some(Stamp { base, plus: i64::try_from(plus).unwrap_or(0) })
    }
}

#[derive(Debug, Default)]
struct Video {
    /// A unit is under way, and whether a coded picture has been seen in it.
    open: bool,
    picture: bool,
    field: Option<bool>,
    sps: Option<Sps>,
    parameters: VideoParameterSets,
    model: Option<BufferModel>,
    /// MPEG-2: bit rate and VBV of the sequence header in their units, and its frame rate.
    sequence: Option<(u32, u32)>,
    rate: Option<(u32, u32)>,
    second_field: bool,
}

#[derive(Debug, Default)]
struct Sound {
    open: bool,
    header: [u8; HEADER],
    have: usize,
    /// Bytes of the frame under way that are to come.
    rest: usize,
    frame: Option<SoundFrame>,
}

impl AccessUnits {
    pub(crate) fn new(coding: Coding) -> AccessUnits {
        let unknown = match coding {
            Coding::Latm | Coding::Teletext | Coding::Subtitles | Coding::Other => {
                Some("no buffer model for this coding")
            }
            Coding::Scte35 | Coding::Sections => Some("no buffer model for sections of this kind"),
            _ => None,
        };
        AccessUnits {
            coding,
            position: 0,
            starts: VecDeque::new(),
            clock: UnitClock::default(),
            codes: StartCodes::default(),
            video: Video::default(),
            sound: Sound::default(),
            unknown,
            count: 0,
        }
    }

    /// A PES packet begins whose first unit is decoded at that stamp.
    pub(crate) fn stamp(&mut self, dts: Option<i64>) {
        self.clock.stamp = dts.map(|dts| (dts, self.position));
        if self.coding.is_audio() && self.sound.rest == 0 && self.sound.have == 0 {
            self.sound.open = true;
        }
    }

    /// Bytes were lost.
    pub(crate) fn lose(&mut self) {
        self.codes.lose();
        self.clock = UnitClock { lost: true, ..UnitClock::default() };
        self.sound = Sound::default();
    }

    /// Takes bytes of the elementary stream.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Begun {
        let position = self.position;
        self.position += bytes.len() as u64;
        if self.unknown.is_some() {
            return Begun::default();
        }
        let begun = match self.coding {
            Coding::Avc | Coding::Hevc | Coding::Mpeg2Video => self.push_video(position, bytes),
            _ => self.push_sound(position, bytes),
        };
        if self.starts.len() > MOST_WAITING {
            self.unknown = Some("too many access units between two PCRs");
        }
        begun
    }

    fn push_video(&mut self, position: u64, bytes: &[u8]) -> Begun {
        let mut begun = Begun::default();
        let (video, clock, starts, unknown) =
            (&mut self.video, &mut self.clock, &mut self.starts, &mut self.unknown);
        let count = &mut self.count;
        let coding = self.coding;
        let interlaced = video.sps.is_some_and(|sps| !sps.frames_only);
        let want = move |first: u8| match coding {
            Coding::Avc => match first & 31 {
                7 => 400,
                1 | 2 | 5 if interlaced => 16,
                _ => 2,
            },
            Coding::Hevc => {
                if matches!(first >> 1 & 63, 32 | 33) {
                    KEPT
                } else {
                    3
                }
            }
            _ => match first {
                0xB3 => 9,
                0xB5 => 7,
                _ => 1,
            },
        };
        self.codes.push(position, bytes, want, |at, unit| {
            let found = match coding {
                Coding::Avc => video.avc(unit),
                Coding::Hevc => video.hevc(unit),
                _ => video.mpeg2(unit),
            };
            if let Some(delimited) = found.begins {
                let dts = clock.next(at, video.duration(coding));
                video.field = None;
                *count += 1;
                if dts.is_some() || !clock.lost {
                    starts.push_back(UnitStart { at, dts, model: video.model });
                    begun.units = begun.units.saturating_add(1);
                }
                begun.undelimited += u8::from(coding == Coding::Avc && !delimited);
            }
            if let Some(model) = found.model {
                match model {
                    Ok(model) => {
                        video.model = Some(model);
                        if let Some(start) = starts.back_mut() {
                            start.model = Some(model);
                        }
                    }
                    Err(why) => *unknown = Some(why),
                }
            }
        });
        begun
    }

    fn push_sound(&mut self, position: u64, mut bytes: &[u8]) -> Begun {
        let mut begun = Begun::default();
        let end = position + bytes.len() as u64;
        let sound = &mut self.sound;
        while sound.open && !bytes.is_empty() {
            if sound.rest > 0 {
                let part = sound.rest.min(bytes.len());
                sound.rest -= part;
                bytes = &bytes[part..];
                continue;
            }
            let part = (HEADER - sound.have).min(bytes.len());
            sound.header[sound.have..sound.have + part].copy_from_slice(&bytes[..part]);
            sound.have += part;
            bytes = &bytes[part..];
            if sound.have < HEADER {
                break;
            }
            let Some(frame) = SoundFrame::read(self.coding, &sound.header) else {
                // No frame here: look one byte further.
                sound.header.copy_within(1.., 0);
                sound.have -= 1;
                continue;
            };
            sound.have = 0;
            sound.rest = frame.length - HEADER;
            if !frame.goes_on {
                let at = end - bytes.len() as u64 - HEADER as u64;
                let duration = sound.frame.map(|before| (u64::from(before.samples), before.rate));
                let dts = self.clock.next(at, duration);
                sound.frame = Some(frame);
                self.count += 1;
                if dts.is_some() || !self.clock.lost {
                    self.starts.push_back(UnitStart { at, dts, model: Some(frame.model) });
                    begun.units = begun.units.saturating_add(1);
                }
            }
        }
        begun
    }
}

/// What a start code meant.
#[derive(Default)]
struct Meaning {
    /// A unit begins here, with its delimiter or without.
    begins: Option<bool>,
    /// The buffers from here on, or why they are not known.
    model: Option<Result<BufferModel, &'static str>>,
}

impl Video {
    /// Duration of the unit under way, as units of a rate.
    fn duration(&self, coding: Coding) -> Option<(u64, u32)> {
        match coding {
            Coding::Avc => {
                let (tick, scale) = self.sps?.field?;
                Some((u64::from(tick) * if self.field? { 1 } else { 2 }, scale))
            }
            Coding::Mpeg2Video => self.rate.map(|(tick, scale)| (u64::from(tick), scale)),
            _ => None,
        }
    }

    fn begin(&mut self, delimited: bool) -> Option<bool> {
        self.open = true;
        self.picture = false;
        Some(delimited)
    }

    fn avc(&mut self, unit: &[u8]) -> Meaning {
        let mut meaning = Meaning::default();
        let kind = unit[0] & 31;
        let first_slice = matches!(kind, 1 | 2 | 5) && unit.get(1).is_some_and(|b| b & 0x80 != 0);
        let leads = matches!(kind, 6..=8 | 14..=18) || first_slice;
        if kind == 9 {
            meaning.begins = self.begin(true);
        } else if leads && (self.picture || !self.open) {
            meaning.begins = self.begin(false);
        }
        match kind {
            1 | 2 | 5 => {
                self.picture = true;
                if first_slice && let Some(sps) = &self.sps {
                    self.field = sps.is_field(unit);
                }
            }
            7 => {
                let sps = Sps::read(unit);
                let model = sps.and_then(|sps| sps.model);
                self.sps = sps;
                meaning.model = Some(model.ok_or("the sequence parameter set names no known level"));
            }
            _ => {}
        }
        meaning
    }

    fn hevc(&mut self, unit: &[u8]) -> Meaning {
        let mut meaning = Meaning::default();
        let kind = unit[0] >> 1 & 63;
        let first_slice = kind < 32 && unit.get(2).is_some_and(|b| b & 0x80 != 0);
        let leads = matches!(kind, 32..=35 | 39 | 41..=44 | 48..=55) || first_slice;
        if leads && (self.picture || !self.open) {
            meaning.begins = self.begin(true);
        }
        self.picture |= kind < 32;
        match kind {
            32 => self.parameters.read(unit),
            33 => {
                let model = self.parameters.model(unit);
                meaning.model = Some(model.ok_or("the sequence parameter set names no known level"));
            }
            _ => {}
        }
        meaning
    }

    fn mpeg2(&mut self, unit: &[u8]) -> Meaning {
        const RATES: [(u32, u32); 9] = [
            (0, 0),
            (1001, 24000),
            (1, 24),
            (1, 25),
            (1001, 30000),
            (1, 30),
            (1, 50),
            (1001, 60000),
            (1, 60),
        ];
        let mut meaning = Meaning::default();
        match *unit {
            [0x00, ..] => {
                if self.picture && self.second_field {
                    self.second_field = false;
                } else {
                    if self.picture || !self.open {
                        meaning.begins = self.begin(true);
                    }
                    self.field = None;
                }
                self.picture = true;
            }
            [0xB3 | 0xB8, ..] if self.picture || !self.open => {
                self.second_field = false;
                meaning.begins = self.begin(true);
            }
            _ => {}
        }
        match *unit {
            [0xB3, _, _, _, rate, a, b, c, d] => {
                let bits = u32::from(a) << 10 | u32::from(b) << 2 | u32::from(c >> 6);
                self.sequence = Some((bits, u32::from(c & 31) << 5 | u32::from(d >> 3)));
                self.rate = RATES.get(usize::from(rate & 15)).copied().filter(|r| r.1 > 0);
            }
            [0xB3, ..] => {}
            [0xB5, a, b, c, d, e, ..] if a >> 4 == 1 => {
                let level = Mpeg2Level::of(a << 4 | b >> 4);
                let (bits, vbv) = self.sequence.unwrap_or((0, 0));
                let bits = i64::from(bits) + (i64::from(c & 0x1F) << 25) + (i64::from(d >> 1) << 18);
                let vbv = i64::from(vbv) + (i64::from(e) << 10);
                meaning.model = Some(
                    level
                        .map(|level| BufferModel::mpeg2(level, bits * 400, vbv * 16 * 1024))
                        .ok_or("no buffer sizes for this profile and level"),
                );
            }
            [0xB5, a, _, c, d, ..] if a >> 4 == 8 => {
                // A frame in two fields is one unit of two pictures.
                self.second_field = matches!(c & 3, 1 | 2) && self.field != Some(true);
                self.field = Some(self.second_field);
                if d & 0x02 != 0 {
                    self.rate = None;
                }
            }
            _ => {}
        }
        meaning
    }
}
