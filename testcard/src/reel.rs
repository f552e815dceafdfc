//! A film: scenes in an order, with fades, chapters and the strip that names what is on.
//!
//! Pictures only, and only which picture frame `k` is; encoding is `produce`'s. Frame `k` is a function of
//! `k` alone: [`Projector`] keeps what does not change between pictures, never state of its own.

use crate::counter::{Counter, elapsed};
use crate::easel::{Easel, Line};
use crate::frame::Frame;
use crate::palette::{CREAM, NAVY, STRIPES};
use crate::sprite::Sprite;
use crate::stage::Stage;
use crate::typeface::typeface;
use retrovue_timebase::FrameRate;
use tiny_skia::Pixmap;

/// A place on the screen with something going on.
pub(crate) trait Scene {
    /// What does not move; as large as the reel's picture.
    fn backdrop(&self) -> Pixmap;

    /// What moves, `seconds` after the scene's own beginning.
    fn animate(&self, stage: &mut Stage, seconds: f32);
}

/// A stretch of a scene.
pub(crate) struct Part {
    /// Index into the reel's scenes.
    pub(crate) scene: usize,
    /// The scene's frame this part begins with.
    pub(crate) from: i64,
    /// Its length.
    pub(crate) frames: i64,
    /// Frames to come up from black, and to go down to it.
    pub(crate) fades: (i64, i64),
    /// Whether the strip with the title and the running clock is shown.
    pub(crate) strip: bool,
    /// The chapter that begins with this part.
    pub(crate) chapter: Option<String>,
}

/// All pictures of one item.
pub(crate) struct Reel {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rate: FrameRate,
    /// How each scene is made; it is made when it is first shown.
    pub(crate) scenes: Vec<Box<dyn Fn() -> Box<dyn Scene>>>,
    pub(crate) parts: Vec<Part>,
    /// What the strip says.
    pub(crate) strip: String,
    /// Whether the strip is grey, as it must be in a black and white film.
    pub(crate) grey: bool,
}

impl Reel {
    /// Length in frames.
    pub(crate) fn frames(&self) -> i64 {
        self.parts.iter().map(|part| part.frames).sum()
    }

    /// First frame and name of every chapter.
    pub(crate) fn chapters(&self) -> Vec<(i64, String)> {
        let mut start = 0;
        let mut chapters = Vec::new();
        for part in &self.parts {
            chapters.extend(part.chapter.clone().map(|title| (start, title)));
            start += part.frames;
        }
        chapters
    }

    /// The part frame `k` lies in, and how far into it.
    fn at(&self, k: i64) -> Option<(&Part, i64)> {
        let mut left = k;
        for part in &self.parts {
            if (0..part.frames).contains(&left) {
                return Some((part, left));
            }
            left -= part.frames;
        }
        None
    }
}

/// Shows a reel picture by picture.
pub(crate) struct Projector<'a> {
    reel: &'a Reel,
    stage: Stage,
    scenes: Vec<Option<Box<dyn Scene>>>,
    /// The scene whose backdrop hangs.
    hanging: Option<usize>,
    strip: Strip,
}

impl<'a> Projector<'a> {
    /// A projector at rest.
    pub(crate) fn new(reel: &'a Reel) -> Projector<'a> {
        Projector {
            reel,
            stage: Stage::new(reel.width, reel.height),
            scenes: reel.scenes.iter().map(|_| None).collect(),
            hanging: None,
            strip: Strip::new(reel),
        }
    }

    /// Frame `k` and how bright it is shown: 255 as drawn, 0 black. Nothing past the end.
    pub(crate) fn picture(&mut self, k: i64) -> Option<(&Frame, u8)> {
        let (part, at) = self.reel.at(k)?;
        let make = self.reel.scenes.get(part.scene)?;
        let scene = self.scenes.get_mut(part.scene)?.get_or_insert_with(make);
        if self.hanging != Some(part.scene) {
            self.stage.hang(&scene.backdrop());
            self.hanging = Some(part.scene);
        }
        self.stage.begin();
        let rate = self.reel.rate;
        scene.animate(&mut self.stage, ((part.from + at) * rate.den()) as f32 / rate.num() as f32);
        if part.strip {
            self.strip.lay(&mut self.stage, &elapsed(rate, k), k);
        }
        Some((self.stage.picture(), level(part, at)))
    }
}

/// Brightness of frame `at` of a part.
fn level(part: &Part, at: i64) -> u8 {
    let (up, down) = part.fades;
    let left = part.frames - 1 - at;
    let rising = if at < up { at * 255 / up } else { 255 };
    let falling = if left < down { left * 255 / down } else { 255 };
    rising.min(falling).clamp(0, 255) as u8
}

/// The bar along the lower edge: what is on, the elapsed time and the frame number.
struct Strip {
    bar: Sprite,
    corner: (i32, i32),
    clock: Counter,
    baseline: i32,
    /// Right ends of the clock and of the frame number.
    ends: (i32, i32),
}

impl Strip {
    fn new(reel: &Reel) -> Strip {
        let (width, height) = (reel.width, reel.height);
        let (ground, ink, stripes) = if reel.grey {
            (0x1A1A1A, 0xE6E6E6, [0xC0C0C0, 0x9A9A9A, 0x747474, 0x4E4E4E])
        } else {
            (NAVY, CREAM, STRIPES)
        };
        // Everything is a part of the picture's height; at 720 lines the numerals are 46 pixels to the em.
        let unit = height as f32 / 720.0;
        let (bar_height, margin) = ((64.0 * unit).round(), (48.0 * unit).round());
        let bar_width = width as f32 - 2.0 * margin;
        let clock = Counter::new(46.0 * unit, ink);
        let baseline = (bar_height / 2.0 + 46.0 * unit * typeface().cap_height() / 2.0).round();
        let number = bar_width - 26.0 * unit;
        let time = number - clock.width("00000") as f32 - 44.0 * unit;

        let mut easel = Easel::clear(bar_width as u32, bar_height as u32);
        easel.rounded(0.0, 0.0, bar_width, bar_height, 14.0 * unit, ground);
        for (i, colour) in stripes.into_iter().enumerate() {
            easel.rect((24.0 + 11.0 * i as f32) * unit, 0.0, 8.0 * unit, bar_height, colour);
        }
        let left = 84.0 * unit;
        let room = time - clock.width("00:00") as f32 - 24.0 * unit - left;
        easel.text(Line::left(&reel.strip, 40.0 * unit, left, baseline - unit, ink).within(room));
        let divider = time + 20.0 * unit;
        easel.rect(divider, 14.0 * unit, 3.0 * unit, bar_height - 28.0 * unit, stripes[0]);
        let corner = (margin as i32, (height as f32 - margin - bar_height + 16.0 * unit) as i32);
        Strip {
            bar: easel.sprite(),
            corner,
            clock,
            baseline: baseline as i32,
            ends: (time as i32, number as i32),
        }
    }

    fn lay(&self, stage: &mut Stage, time: &str, k: i64) {
        let (x, y) = self.corner;
        stage.lay(&self.bar, x, y);
        self.clock.lay_to(stage, time, x + self.ends.0, y + self.baseline);
        self.clock.lay_to(stage, &format!("{k:05}"), x + self.ends.1, y + self.baseline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repertoire::{Length, repertoire};
    use std::hash::{DefaultHasher, Hash, Hasher};

    fn hash(frame: &Frame) -> u64 {
        let mut hasher = DefaultHasher::new();
        frame.planes.hash(&mut hasher);
        hasher.finish()
    }

    fn part(frames: i64, fades: (i64, i64)) -> Part {
        Part { scene: 0, from: 0, frames, fades, strip: false, chapter: None }
    }

    #[test]
    fn fades_begin_and_end_in_black() {
        let part = part(30, (10, 5));
        let levels: Vec<u8> = (0..30).map(|at| level(&part, at)).collect();
        assert_eq!((levels[0], levels[10], levels[24], levels[29]), (0, 255, 255, 0));
        assert!(levels[..10].is_sorted() && levels[24..].is_sorted_by(|a, b| a >= b));
        assert!((0..30).all(|at| level(&self::part(30, (0, 0)), at) == 255));
    }

    /// A frame shown in its turn is the frame shown by itself, on another thread, in another projector.
    #[test]
    fn every_frame_depends_on_its_number_alone() {
        for item in repertoire(Length::Quick) {
            // One of each kind; the others differ in colours only.
            if !["S01E02", "Umbrellas", "Ident 1", "Stay", "Test Card", "Express", "Paper"]
                .iter()
                .any(|kind| item.path.contains(kind))
            {
                continue;
            }
            let reel = item.reel();
            let frames = reel.frames();
            let mut in_turn = Projector::new(&reel);
            let mut shown = Vec::new();
            for k in 0..frames {
                let frame = in_turn.picture(k).expect("the reel is that long").0;
                if k % (frames / 10).max(1) == 0 {
                    shown.push((k, hash(frame)));
                }
            }
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let reel = item.reel();
                    for &(k, expected) in shown.iter().rev().step_by(3) {
                        let alone = Projector::new(&reel).picture(k).map_or(0, |(frame, _)| hash(frame));
                        assert_eq!(expected, alone, "{} frame {k}", item.path);
                    }
                });
            });
            let distinct: std::collections::HashSet<u64> = shown.iter().map(|&(_, hash)| hash).collect();
            assert!(distinct.len() > shown.len() / 3, "{} hardly moves", item.path);
            assert!(in_turn.picture(frames).is_none() && in_turn.picture(-1).is_none());
        }
    }
}
