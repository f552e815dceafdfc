//! Soft instruments out of sines and filtered noise, mixed into a stretch of sound that may close on itself.
//!
//! Sound is interleaved stereo at 48 kHz. Levels are set once, when the stretch is finished.

use crate::dice::Dice;
use retrovue_timebase::SAMPLE_RATE;
use std::f32::consts::TAU;
use std::sync::OnceLock;

/// A stretch of sound being mixed.
pub(crate) struct Mix {
    left: Vec<f32>,
    right: Vec<f32>,
    /// Whether what rings past the end rings on at the beginning.
    closed: bool,
}

/// An instrument: partials (a multiple of the pitch, and how loud), attack and decay in seconds.
pub(crate) struct Instrument {
    partials: &'static [(f32, f32)],
    attack: f32,
    decay: f32,
}

/// A struck metal bar.
pub(crate) const BELL: Instrument =
    Instrument { partials: &[(1.0, 1.0), (2.76, 0.28), (5.4, 0.1)], attack: 0.004, decay: 0.9 };

/// A plucked string.
pub(crate) const PLUCK: Instrument =
    Instrument { partials: &[(1.0, 1.0), (2.0, 0.42), (3.0, 0.2), (4.0, 0.08)], attack: 0.004, decay: 0.32 };

/// An upright piano in the next room.
pub(crate) const PIANO: Instrument = Instrument {
    partials: &[(1.0, 1.0), (2.0, 0.5), (3.0, 0.26), (4.0, 0.16), (5.0, 0.08)],
    attack: 0.003,
    decay: 0.42,
};

/// A string bass.
pub(crate) const BASS: Instrument =
    Instrument { partials: &[(1.0, 1.0), (2.0, 0.36), (3.0, 0.12)], attack: 0.008, decay: 0.5 };

/// A soft organ.
pub(crate) const ORGAN: Instrument =
    Instrument { partials: &[(1.0, 1.0), (2.0, 0.3), (3.0, 0.1)], attack: 0.09, decay: 4.0 };

/// What a finished stretch is brought to: the root of its mean square, of full scale (-20 dBFS).
const LOUDNESS: f32 = 0.1;

/// No sample of a finished stretch is further from zero, of full scale (-5 dBFS).
const CEILING: f32 = 0.56;

/// Seconds in which a note that is let go falls silent.
const RELEASE: f32 = 0.06;

impl Mix {
    /// Silence of some length.
    pub(crate) fn new(seconds: f32, closed: bool) -> Mix {
        let samples = samples_in(seconds).max(1);
        Mix { left: vec![0.0; samples], right: vec![0.0; samples], closed }
    }

    /// Plays a note. `pitch` counts semitones, 69 being 440 Hz; `pan` runs from -1 (left) to 1.
    pub(crate) fn note(
        &mut self,
        instrument: &Instrument,
        start: f32,
        length: f32,
        pitch: f32,
        loud: f32,
        pan: f32,
    ) {
        let hertz = 440.0 * ((pitch - 69.0) / 12.0).exp2();
        let total = length + RELEASE;
        let (left, right) = (loud * (1.0 - pan).min(1.0), loud * (1.0 + pan).min(1.0));
        let mut voices: Vec<(Phase, f32)> = instrument
            .partials
            .iter()
            .map(|&(multiple, amount)| (Phase::new(hertz * multiple), amount))
            .collect();
        let fading = (-1.0 / (instrument.decay * SAMPLE_RATE as f32)).exp();
        let mut ringing = 1.0;
        for n in 0..samples_in(total) {
            let at = n as f32 / SAMPLE_RATE as f32;
            let rise = (at / instrument.attack).min(1.0);
            let fall = ((total - at) / RELEASE).min(1.0);
            let level = rise * fall * ringing;
            ringing *= fading;
            let mut value = 0.0;
            for (phase, amount) in &mut voices {
                value += *amount * phase.next();
            }
            self.add(start, n, value * level * left, value * level * right);
        }
    }

    /// A burst of noise: `colour` from 0 (a thud) to 1 (a hiss), dying away within `decay` seconds.
    pub(crate) fn hit(&mut self, start: f32, decay: f32, colour: f32, loud: f32, pan: f32) {
        let mut dice = Dice::new((start * 1000.0) as u64 + 5);
        let mut held = 0.0;
        for n in 0..samples_in(decay * 5.0) {
            let at = n as f32 / SAMPLE_RATE as f32;
            held += (dice.between(-1.0, 1.0) - held) * (0.04 + 0.9 * colour);
            let value = held * (-at / decay).exp() * (at / 0.002).min(1.0) * loud;
            self.add(start, n, value * (1.0 - pan).min(1.0), value * (1.0 + pan).min(1.0));
        }
    }

    /// Surf over the whole stretch: noise that swells and falls every `period` seconds, which should
    /// divide the stretch.
    pub(crate) fn surf(&mut self, period: f32, loud: f32) {
        let mut dice = Dice::new(77);
        let (mut left, mut right) = (0.0f32, 0.0f32);
        for n in 0..self.left.len() {
            let at = n as f32 / SAMPLE_RATE as f32 / period;
            let swell = 0.55 - 0.45 * sine(at + 0.25);
            left += (dice.between(-1.0, 1.0) - left) * 0.045;
            right += (dice.between(-1.0, 1.0) - right) * 0.045;
            self.add(0.0, n, left * swell * loud, right * swell * loud);
        }
    }

    /// Brings the stretch to the common loudness and turns it into samples, a pair each.
    pub(crate) fn finish(self) -> Vec<[i16; 2]> {
        let both = || self.left.iter().chain(&self.right);
        let square: f64 = both().map(|&v| f64::from(v) * f64::from(v)).sum();
        let root = (square / (2.0 * self.left.len() as f64)).sqrt() as f32;
        let peak = both().fold(0.0f32, |peak, v| peak.max(v.abs()));
        let gain = if peak > 0.0 { (LOUDNESS / root).min(CEILING / peak) } else { 0.0 };
        let sample = |v: f32| (v * gain * 32767.0).round() as i16;
        self.left.iter().zip(&self.right).map(|(&l, &r)| [sample(l), sample(r)]).collect()
    }

    fn add(&mut self, start: f32, n: usize, left: f32, right: f32) {
        let at = samples_in(start) + n;
        let at = if self.closed { at % self.left.len() } else { at };
        if let (Some(l), Some(r)) = (self.left.get_mut(at), self.right.get_mut(at)) {
            *l += left;
            *r += right;
        }
    }
}

/// A sine of full scale that repeats within one stretch: 1 kHz is 48 samples exactly.
pub(crate) fn tone(amplitude: f32) -> Vec<[i16; 2]> {
    (0..48)
        .map(|n| {
            let value = (sine(n as f32 / 48.0) * amplitude * 32767.0).round() as i16;
            [value, value]
        })
        .collect()
}

fn samples_in(seconds: f32) -> usize {
    (f64::from(seconds.max(0.0)) * SAMPLE_RATE as f64).round() as usize
}

/// A running sine. Its angle is a whole number of 2^32nds of a turn, which wraps by itself.
struct Phase {
    angle: u32,
    step: u32,
}

impl Phase {
    fn new(hertz: f32) -> Phase {
        let turn = f64::from(u32::MAX) + 1.0;
        Phase { angle: 0, step: (f64::from(hertz) / SAMPLE_RATE as f64 * turn) as u32 }
    }

    fn next(&mut self) -> f32 {
        let value = sine_of(self.angle);
        self.angle = self.angle.wrapping_add(self.step);
        value
    }
}

/// Sine of an angle in turns.
fn sine(turns: f32) -> f32 {
    sine_of((f64::from(turns - turns.floor()) * (f64::from(u32::MAX) + 1.0)) as u32)
}

/// Sine of an angle in 2^32nds of a turn, from a table.
fn sine_of(angle: u32) -> f32 {
    /// As many steps as 12 bits count.
    const STEPS: usize = 4096;
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..=STEPS).map(|i| (i as f32 / STEPS as f32 * TAU).sin()).collect());
    let index = (angle >> 20) as usize;
    let part = (angle & 0xF_FFFF) as f32 / 1_048_576.0;
    table[index] + (table[index + 1] - table[index]) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_is_a_kilohertz_at_its_level() {
        let tone = tone(0.1);
        let peak = tone.iter().map(|pair| pair[0]).max().unwrap();
        assert_eq!(peak, 3277);
        assert_eq!(tone.len() as i64, SAMPLE_RATE / 1000);
        let crossings = tone.windows(2).filter(|w| w[0][0] < 0 && w[1][0] >= 0).count();
        assert!(crossings <= 1, "one period: {crossings}");
        assert!(tone.iter().all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_closed_stretch_rings_on_at_its_beginning() {
        let begins = |closed| {
            let mut mix = Mix::new(1.0, closed);
            mix.note(&BELL, 0.9, 0.5, 69.0, 1.0, 0.0);
            mix.finish()[..1000].iter().any(|pair| pair[0] != 0)
        };
        assert!(begins(true) && !begins(false));
    }

    #[test]
    fn silence_stays_silent_and_nothing_clips() {
        assert!(Mix::new(0.1, true).finish().iter().all(|pair| *pair == [0, 0]));
        let mut loud = Mix::new(1.0, true);
        for pitch in 40..90 {
            loud.note(&PIANO, 0.0, 1.0, pitch as f32, 9.0, 0.3);
        }
        let ceiling = (CEILING * 32768.0) as i16;
        assert!(loud.finish().iter().flatten().all(|v| v.abs() <= ceiling));
    }
}
