//! The station between programmes: its mark, and the announcements before and after a break.

use super::{HEIGHT, WIDTH, ease, opacity, spring, swing};
use crate::easel::{Easel, Line};
use crate::palette::{CREAM, INK, MINT, MUSTARD, NAVY, ORANGE, PLUM, RED, STRIPES, TEAL, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use tiny_skia::Pixmap;

/// The station's name dropping in letter by letter over a sunrise of stripes.
pub(crate) struct Ident {
    ground: [u32; 2],
    letters: Vec<(Sprite, i32)>,
    arches: Vec<Sprite>,
    motto: Sprite,
}

/// Words that slide in on stripes.
pub(crate) struct Bumper {
    ground: u32,
    stripes: Vec<Sprite>,
    lines: Vec<Sprite>,
    spark: Sprite,
}

/// The station's name.
const NAME: &str = "RetroVue";

/// Size of the name in pixels to the em.
const NAME_SIZE: f32 = 176.0;

impl Ident {
    /// An ident on a ground of two colours, with its motto.
    pub(crate) fn new(ground: [u32; 2], motto: &str) -> Ident {
        // Every letter is cut from the whole word, so that the kerning is the word's.
        let full = Line::centred(NAME, NAME_SIZE, 640.0, 0.0, CREAM);
        let (_, start, _) = full.set();
        let mut letters = Vec::new();
        for (index, letter) in NAME.char_indices() {
            let before = Line { text: &NAME[..index], ..full }.set().2;
            let with = Line { text: &NAME[..index + letter.len_utf8()], ..full }.set().2;
            let own = Line { text: &NAME[index..index + letter.len_utf8()], ..full }.set().2;
            let left = start + before.max(with - own);
            let mut easel = Easel::clear(own.ceil() as u32 + 40, 230);
            let line = Line::left(&NAME[index..index + letter.len_utf8()], NAME_SIZE, 16.0, 160.0, CREAM);
            easel.text_with_shadow(line, 9.0, blend(ground[1], INK, 0.55));
            letters.push((easel.sprite(), left as i32 - 16));
        }
        let arches = STRIPES
            .into_iter()
            .enumerate()
            .map(|(i, colour)| {
                let radius = 360.0 - 62.0 * i as f32;
                let mut easel = Easel::clear(radius as u32 * 2, radius as u32);
                easel.disc(radius, radius, radius, colour);
                easel.sprite()
            })
            .collect();
        let mut easel = Easel::clear(WIDTH, 90);
        let line = Line::centred(motto, 54.0, 640.0, 58.0, CREAM).spaced(0.06).within(1120.0);
        easel.text_outlined(line, 4.0, blend(ground[1], INK, 0.6));
        Ident { ground, letters, arches, motto: easel.sprite() }
    }
}

impl Scene for Ident {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::clear(WIDTH, HEIGHT);
        easel.bands(0.0, 720.0, &self.ground, 9);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for (i, arch) in self.arches.iter().enumerate() {
            let rise = ease(seconds, 0.15 * i as f32, 0.9);
            let height = arch.height as f32;
            let y = 720.0 - (height - 60.0) * rise + 4.0 * swing(seconds, 2.4, i as f32 * 0.12) * rise;
            stage.lay(arch, 640 - (arch.width / 2) as i32, y as i32);
        }
        for (i, (letter, x)) in self.letters.iter().enumerate() {
            let start = 0.7 + 0.12 * i as f32;
            if seconds >= start {
                let drop = spring(seconds, start, 0.55);
                stage.lay(letter, *x, (-260.0 + 420.0 * drop) as i32);
            }
        }
        stage.lay_sheer(&self.motto, 0, 330, opacity(ease(seconds, 2.1, 0.7)));
    }
}

impl Bumper {
    /// An announcement of one or two lines.
    pub(crate) fn new(ground: u32, lines: &[&str]) -> Bumper {
        let stripes = STRIPES
            .into_iter()
            .map(|colour| {
                let mut easel = Easel::clear(WIDTH + 200, 30);
                easel.rounded(0.0, 0.0, WIDTH as f32 + 200.0, 30.0, 15.0, colour);
                easel.sprite()
            })
            .collect();
        let size = if lines.len() > 1 { 116.0 } else { 132.0 };
        let lines = lines
            .iter()
            .map(|text| {
                let mut easel = Easel::clear(WIDTH, 170);
                let line = Line::centred(text, size, 640.0, 118.0, CREAM).within(1120.0);
                easel.text_with_shadow(line, 7.0, blend(ground, INK, 0.6));
                easel.sprite()
            })
            .collect();
        let mut spark = Easel::clear(84, 84);
        spark.path(crate::easel::star(42.0, 42.0, 42.0, 12.0, 8, 0.0), MUSTARD);
        Bumper { ground, stripes, lines, spark: spark.sprite() }
    }
}

impl Scene for Bumper {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::filled(WIDTH, HEIGHT, self.ground);
        easel.rays(640.0, 300.0, 20, blend(self.ground, 0xFFFFFF, 0.12), 0.6);
        easel.text(Line::centred(NAME, 46.0, 640.0, 84.0, blend(self.ground, CREAM, 0.65)).spaced(0.1));
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for (i, stripe) in self.stripes.iter().enumerate() {
            let slide = ease(seconds, 0.1 * i as f32, 0.8);
            let x = if i % 2 == 0 { -1500.0 + 1400.0 * slide } else { 1300.0 - 1400.0 * slide };
            stage.lay(stripe, x as i32, 520 + 36 * i as i32);
        }
        let first = 290.0 - 68.0 * self.lines.len() as f32;
        for (i, line) in self.lines.iter().enumerate() {
            let come = spring(seconds, 0.35 + 0.25 * i as f32, 0.6);
            stage.lay(line, 0, (-180.0 + (180.0 + first + 136.0 * i as f32) * come) as i32);
        }
        for (x, phase) in [(150.0, 0.0), (1130.0, 0.5)] {
            let glow = 0.55 + 0.45 * swing(seconds, 1.4, phase);
            stage.lay_centred(&self.spark, x, 130.0, opacity(glow * ease(seconds, 0.8, 0.5)));
        }
    }
}

/// The idents of the station: ground and motto.
pub(crate) const IDENTS: [([u32; 2], &str); 2] =
    [([NAVY, 0x2B5C84], "ALL DAY, EVERY DAY"), ([TEAL, MINT], "THE PICTURE IS ALWAYS ON")];

/// The announcements: ground and lines.
pub(crate) const BUMPERS: [(u32, &[&str]); 4] = [
    (PLUM, &["We'll be", "right back"]),
    (TEAL, &["And now,", "back to the show"]),
    (RED, &["Stay tuned"]),
    (ORANGE, &["Coming up", "next"]),
];
