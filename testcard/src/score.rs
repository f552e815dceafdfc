//! What is played: a theme for each series and film, jingles, stings, and the line-up tone.
//!
//! A handful of chords each, written out as semitones; the instruments are `synth`'s.

use crate::dice::Dice;
use crate::synth::{BASS, BELL, Instrument, Mix, ORGAN, PIANO, PLUCK, tone};

/// The sound of an item.
pub(crate) struct Tune {
    samples: Vec<[i16; 2]>,
    /// Played again and again, or once and then silence.
    repeats: bool,
}

/// A chord: its root as a semitone above C, and what stands on it.
type Chord = (f32, [f32; 4]);

const MAJOR: [f32; 4] = [0.0, 4.0, 7.0, 12.0];
const MINOR: [f32; 4] = [0.0, 3.0, 7.0, 12.0];
const SEVENTH: [f32; 4] = [0.0, 4.0, 7.0, 10.0];
const MAJOR_SEVENTH: [f32; 4] = [0.0, 4.0, 7.0, 11.0];
const MINOR_SEVENTH: [f32; 4] = [0.0, 3.0, 7.0, 10.0];

/// The C below middle C.
const LOW: f32 = 48.0;

/// Level of the line-up tone: -20 dBFS (SMPTE RP 155).
const LINE_UP_LEVEL: f32 = 0.1;

/// Pairs over which an item's sound comes up, and dies away at its end.
const FADES: (i64, i64) = (480, 7200);

/// Semitones by which the episodes of a series differ.
const KEYS: [f32; 4] = [0.0, 2.0, -3.0, 5.0];

impl Tune {
    /// The theme of a series, in the key of the episode, counted from 1.
    pub(crate) fn series(series: usize, episode: usize) -> Tune {
        let key = KEYS[(episode + KEYS.len() - 1) % KEYS.len()];
        match series {
            0 => diner(key),
            1 => harbour(key),
            _ => workshop(key),
        }
    }

    /// The film's: wheels over rail joints.
    pub(crate) fn train() -> Tune {
        let chords = [
            (4.0, MINOR),
            (7.0, MAJOR),
            (9.0, MINOR),
            (0.0, MAJOR),
            (4.0, MINOR),
            (2.0, MAJOR),
            (9.0, MINOR),
            (11.0, SEVENTH),
        ];
        let beat = 60.0 / 126.0;
        let mut mix = Mix::new(beat * 4.0 * chords.len() as f32, true);
        for (bar, &(root, chord)) in chords.iter().enumerate() {
            let start = bar as f32 * beat * 4.0;
            bass_line(&mut mix, start, beat, root, &[0.0, 7.0, 12.0, 7.0]);
            pad(&mut mix, start, beat * 4.0, root, chord, 0.13);
            for eighth in 0..8 {
                let at = start + eighth as f32 * beat / 2.0;
                mix.hit(at, 0.05, 0.25, if eighth % 4 == 0 { 1.4 } else { 0.7 }, 0.0);
            }
            for (i, step) in [0, 2, 3, 2].into_iter().enumerate() {
                let at = start + beat * (i as f32 + if i % 2 == 1 { 0.0 } else { 0.5 });
                mix.note(&PLUCK, at, beat, LOW + 12.0 + root + chord[step], 0.5, 0.3);
            }
        }
        Tune::repeated(mix)
    }

    /// The pianist of the silent pictures.
    pub(crate) fn piano() -> Tune {
        let chords = [
            (0.0, MAJOR),
            (9.0, SEVENTH),
            (2.0, SEVENTH),
            (7.0, SEVENTH),
            (0.0, MAJOR),
            (5.0, MAJOR),
            (7.0, SEVENTH),
            (0.0, MAJOR),
        ];
        let beat = 60.0 / 132.0;
        let mut mix = Mix::new(beat * 4.0 * chords.len() as f32, true);
        let mut dice = Dice::new(1927);
        for (bar, &(root, chord)) in chords.iter().enumerate() {
            let start = bar as f32 * beat * 4.0;
            for step in 0..4 {
                let at = start + step as f32 * beat;
                if step % 2 == 0 {
                    let root = LOW - 12.0 + root + if step == 2 { chord[2] } else { 0.0 };
                    mix.note(&PIANO, at, beat, root, 0.9, -0.2);
                } else {
                    for third in &chord[1..] {
                        mix.note(&PIANO, at, beat * 0.6, LOW + root + third, 0.4, 0.0);
                    }
                }
                // Ragtime: the tune leans on the half beats.
                for half in [0.0, 0.5] {
                    if dice.unit() < 0.72 {
                        let pitch = LOW + 24.0 + root + chord[(dice.unit() * 4.0) as usize % 4];
                        mix.note(&PIANO, at + half * beat, beat * 0.7, pitch, 0.55, 0.25);
                    }
                }
            }
        }
        Tune::repeated(mix)
    }

    /// The jingle of an advertisement: four bars and a flourish, once.
    pub(crate) fn jingle(index: usize) -> Tune {
        let mut dice = Dice::new(500 + index as u64);
        let beat = 60.0 / (112.0 + 7.0 * (index % 5) as f32);
        let key = [0.0, 5.0, 7.0, 2.0, -2.0][index % 5];
        let chords: [Chord; 4] = [
            [(0.0, MAJOR), (9.0, MINOR), (5.0, MAJOR), (7.0, SEVENTH)],
            [(0.0, MAJOR), (5.0, MAJOR), (0.0, MAJOR), (7.0, SEVENTH)],
        ][index % 2];
        let voice: &Instrument = [&BELL, &PLUCK, &PIANO][index % 3];
        let length = 10.0 + 2.0 * (index % 3) as f32;
        let mut mix = Mix::new(length, false);
        let bars = ((length - 2.4) / (beat * 4.0)) as usize;
        for bar in 0..bars {
            let (root, chord) = chords[bar % 4];
            let (start, root) = (bar as f32 * beat * 4.0, root + key);
            bass_line(&mut mix, start, beat, root, &[0.0, 7.0, 0.0, 7.0]);
            for step in 0..8 {
                let at = start + step as f32 * beat / 2.0;
                mix.hit(at, 0.02, 0.9, if step % 2 == 0 { 0.10 } else { 0.18 }, 0.3);
                if step % 2 == 0 || dice.unit() < 0.55 {
                    let pitch = LOW + 24.0 + root + chord[(dice.unit() * 4.0) as usize % 4];
                    mix.note(voice, at, beat * 0.8, pitch, 0.6, 0.2);
                }
            }
            pad(&mut mix, start, beat * 4.0, root, chord, 0.12);
        }
        let end = bars as f32 * beat * 4.0;
        for (i, step) in MAJOR.into_iter().enumerate() {
            mix.note(&BELL, end + 0.09 * i as f32, 1.6, LOW + 24.0 + key + step, 0.8, 0.0);
            mix.note(&ORGAN, end, 1.4, LOW + 12.0 + key + step, 0.3, 0.0);
        }
        mix.note(&BASS, end, 1.4, LOW - 12.0 + key, 1.0, 0.0);
        Tune { samples: mix.finish(), repeats: false }
    }

    /// A few notes for five seconds of the station itself.
    pub(crate) fn sting(index: usize) -> Tune {
        let figure: [f32; 5] =
            [[0.0, 7.0, 4.0, 12.0, 16.0], [0.0, 4.0, 7.0, 11.0, 14.0], [12.0, 7.0, 9.0, 4.0, 7.0]][index % 3];
        let key = [0.0, 5.0, -2.0, 3.0, 7.0, 2.0][index % 6];
        let mut mix = Mix::new(5.0, false);
        for (i, step) in figure.into_iter().enumerate() {
            mix.note(&BELL, 0.25 + 0.28 * i as f32, 2.2, LOW + 24.0 + key + step, 0.8, 0.5 - 0.25 * i as f32);
        }
        for step in MAJOR_SEVENTH {
            mix.note(&ORGAN, 1.4, 3.0, LOW + 12.0 + key + step, 0.28, 0.0);
        }
        mix.note(&BASS, 0.25, 1.0, LOW - 12.0 + key, 0.8, 0.0);
        mix.note(&BASS, 1.4, 3.0, LOW - 12.0 + key, 0.9, 0.0);
        Tune { samples: mix.finish(), repeats: false }
    }

    /// A kilohertz at -20 dBFS.
    pub(crate) fn line_up_tone() -> Tune {
        Tune { samples: tone(LINE_UP_LEVEL), repeats: true }
    }

    /// The interleaved samples from pair `from` on, of an item of `total` pairs.
    pub(crate) fn play(&self, from: i64, total: i64, out: &mut [i16]) {
        let length = self.samples.len().max(1) as i64;
        for (n, pair) in (from..).zip(out.chunks_exact_mut(2)) {
            let at = if self.repeats { n.rem_euclid(length) } else { n };
            let sample = self.samples.get(at as usize).copied().unwrap_or_default();
            let (rise, fall) = ((n + 1).clamp(0, FADES.0), (total - 1 - n).clamp(0, FADES.1));
            for (to, value) in pair.iter_mut().zip(sample) {
                *to = (i64::from(value) * rise / FADES.0 * fall / FADES.1) as i16;
            }
        }
    }

    fn repeated(mix: Mix) -> Tune {
        Tune { samples: mix.finish(), repeats: true }
    }
}

fn diner(key: f32) -> Tune {
    let chords = [(0.0, MAJOR_SEVENTH), (9.0, MINOR_SEVENTH), (2.0, MINOR_SEVENTH), (7.0, SEVENTH)];
    let beat = 60.0 / 104.0;
    let mut mix = Mix::new(beat * 4.0 * chords.len() as f32 * 2.0, true);
    let mut dice = Dice::new(61);
    for bar in 0..chords.len() * 2 {
        let (root, chord) = chords[bar % chords.len()];
        let (start, root) = (bar as f32 * beat * 4.0, root + key);
        bass_line(&mut mix, start, beat, root, &[0.0, chord[1], chord[2], chord[1]]);
        pad(&mut mix, start, beat * 4.0, root, chord, 0.16);
        for step in 0..4 {
            let at = start + step as f32 * beat;
            mix.hit(at, 0.03, 0.9, 0.12, -0.3);
            // The second half of a beat comes late: swing.
            mix.hit(at + beat * 0.66, 0.02, 0.95, 0.07, -0.3);
            if dice.unit() < 0.7 {
                let pitch = LOW + 24.0 + root + chord[(dice.unit() * 4.0) as usize % 4];
                mix.note(
                    &BELL,
                    at + if dice.unit() < 0.4 { beat * 0.66 } else { 0.0 },
                    beat,
                    pitch,
                    0.55,
                    0.35,
                );
            }
        }
    }
    Tune::repeated(mix)
}

fn harbour(key: f32) -> Tune {
    let chords = [(5.0, MAJOR), (2.0, MINOR), (10.0, MAJOR), (0.0, MAJOR)];
    let beat = 60.0 / 80.0;
    let length = beat * 4.0 * chords.len() as f32;
    let mut mix = Mix::new(length, true);
    for (bar, &(root, chord)) in chords.iter().enumerate() {
        let (start, root) = (bar as f32 * beat * 4.0, root + key - 5.0);
        bass_line(&mut mix, start, beat * 2.0, root, &[0.0, 7.0]);
        pad(&mut mix, start, beat * 4.0, root, chord, 0.22);
        for (i, step) in [0, 1, 2, 3, 2, 1, 2, 1].into_iter().enumerate() {
            mix.note(&PLUCK, start + i as f32 * beat / 2.0, beat, LOW + 12.0 + root + chord[step], 0.42, 0.3);
        }
        if bar % 2 == 0 {
            mix.note(&BELL, start + beat * 3.0, beat * 2.0, LOW + 31.0 + key, 0.28, -0.5);
        }
    }
    mix.surf(length / 2.0, 1.5);
    Tune::repeated(mix)
}

fn workshop(key: f32) -> Tune {
    let chords = [(7.0, MAJOR), (4.0, MINOR), (0.0, MAJOR), (2.0, SEVENTH)];
    // Half a second to the beat: the pendulum's second is two of them.
    let beat = 0.5;
    let mut mix = Mix::new(beat * 4.0 * chords.len() as f32 * 2.0, true);
    for bar in 0..chords.len() * 2 {
        let (root, chord) = chords[bar % chords.len()];
        let (start, root) = (bar as f32 * beat * 4.0, root + key - 7.0);
        for step in 0..4 {
            let at = start + step as f32 * beat;
            if step % 2 == 0 {
                let tick = (step / 2 + bar * 2) % 2;
                mix.hit(
                    at,
                    0.008,
                    if tick == 0 { 0.95 } else { 0.6 },
                    0.8,
                    if tick == 0 { -0.5 } else { 0.5 },
                );
            }
            let first = if bar >= chords.len() { [3, 1, 2, 1] } else { [0, 2, 1, 2] }[step];
            mix.note(&PLUCK, at, beat * 0.7, LOW + 12.0 + root + chord[first], 0.6, -0.2);
            mix.note(
                &PLUCK,
                at + beat / 2.0,
                beat * 0.5,
                LOW + 24.0 + root + chord[(first + 1) % 4],
                0.34,
                0.3,
            );
        }
        bass_line(&mut mix, start, beat * 2.0, root, &[0.0, 7.0]);
        mix.note(&BELL, start, beat * 3.0, LOW + 24.0 + root + chord[2], 0.25, 0.4);
    }
    Tune::repeated(mix)
}

fn bass_line(mix: &mut Mix, start: f32, beat: f32, root: f32, steps: &[f32]) {
    for (i, step) in steps.iter().enumerate() {
        mix.note(&BASS, start + i as f32 * beat, beat * 0.9, LOW - 12.0 + root + step, 0.8, 0.0);
    }
}

fn pad(mix: &mut Mix, start: f32, length: f32, root: f32, chord: [f32; 4], loud: f32) {
    for (i, step) in chord.into_iter().enumerate() {
        mix.note(&ORGAN, start, length, LOW + 12.0 + root + step, loud, 0.2 * (i as f32 - 1.5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrovue_timebase::SAMPLE_RATE;

    fn level(samples: &[i16]) -> f64 {
        let square: f64 = samples.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        20.0 * ((square / samples.len() as f64).sqrt() / 32768.0).log10()
    }

    #[test]
    fn every_tune_is_heard_and_none_is_loud() {
        let mut tunes = vec![Tune::train(), Tune::piano()];
        tunes.extend((0..3).flat_map(|series| (1..=4).map(move |episode| Tune::series(series, episode))));
        tunes.extend((0..9).map(Tune::jingle));
        tunes.extend((0..6).map(Tune::sting));
        for (i, tune) in tunes.iter().enumerate() {
            let all: Vec<i16> = tune.samples.iter().flatten().copied().collect();
            assert!((-30.0..-18.0).contains(&level(&all)), "tune {i}: {} dBFS", level(&all));
            let loudest = all.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
            assert!(loudest < 20_000, "tune {i}: {loudest}");
        }
    }

    #[test]
    fn the_line_up_tone_has_its_level() {
        let mut samples = vec![0; 2 * SAMPLE_RATE as usize];
        Tune::line_up_tone().play(48_000, 480_000, &mut samples);
        // A sine's mean square is 3 dB below its peak.
        assert!((level(&samples) + 23.01).abs() < 0.05, "{}", level(&samples));
    }

    #[test]
    fn sound_begins_and_ends_in_silence_and_joins_without_seam() {
        let tune = Tune::series(1, 1);
        let total = 1_000_000;
        let mut whole = vec![0; 2 * 2000];
        tune.play(500_000, total, &mut whole);
        let (mut first, mut second) = (vec![0; 2 * 700], vec![0; 2 * 1300]);
        tune.play(500_000, total, &mut first);
        tune.play(500_700, total, &mut second);
        assert_eq!([first, second].concat(), whole);
        let mut end = [1; 2];
        tune.play(total - 1, total, &mut end);
        assert_eq!(end, [0, 0]);
    }
}
