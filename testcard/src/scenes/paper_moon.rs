//! The world of "The Paper Moon": a silent picture in black and white, of the old shape.
//!
//! Laid out for 640x480, which a station of another shape has to show with bars at the sides.

use super::{opacity, round_of, swing};
use crate::dice::Dice;
use crate::easel::{Easel, Line, arc, circle, oval, rounded, star};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use tiny_skia::Pixmap;

/// Width of the picture.
pub(crate) const OLD_WIDTH: u32 = 640;

/// Height of the picture.
pub(crate) const OLD_HEIGHT: u32 = 480;

/// The stage of a small theatre, with a moon on strings.
pub(crate) struct PaperMoon {
    moon: Sprite,
    stars: Vec<Sprite>,
    cloud: Sprite,
    cat: Sprite,
    wear: Wear,
}

/// A card with words on it, between two pictures.
pub(crate) struct SilentCard {
    lines: Vec<String>,
    wear: Wear,
}

/// What the years have done to the film: a scratch and some dust.
struct Wear {
    scratch: Sprite,
    dust: Sprite,
}

/// Where the stars hang, their string's length and their size.
const STARS: [(f32, f32, f32); 7] = [
    (90.0, 120.0, 22.0),
    (150.0, 210.0, 16.0),
    (214.0, 90.0, 13.0),
    (430.0, 84.0, 15.0),
    (486.0, 180.0, 24.0),
    (545.0, 118.0, 17.0),
    (590.0, 236.0, 13.0),
];

impl PaperMoon {
    /// The theatre.
    pub(crate) fn new() -> PaperMoon {
        PaperMoon {
            moon: moon(),
            stars: STARS.iter().map(|&(_, length, size)| hanging_star(length, size)).collect(),
            cloud: cloud(),
            cat: cat(),
            wear: Wear::new(),
        }
    }
}

impl Scene for PaperMoon {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::clear(OLD_WIDTH, OLD_HEIGHT);
        easel.bands(0.0, 480.0, &[0x1A1A1A, 0x3C3C3C, 0x5E5E5E], 10);
        easel.glow(320.0, 230.0, 260.0, 0xFFFFFF, 0.18);
        for (x, height) in [
            (0.0, 90.0),
            (64.0, 130.0),
            (150.0, 74.0),
            (210.0, 108.0),
            (296.0, 66.0),
            (372.0, 118.0),
            (452.0, 84.0),
            (520.0, 140.0),
            (590.0, 96.0),
        ] {
            easel.rect(x, 420.0 - height, 74.0, height, 0x161616);
            easel.polygon(
                &[(x - 6.0, 420.0 - height), (x + 37.0, 390.0 - height), (x + 80.0, 420.0 - height)],
                0x0E0E0E,
            );
            easel.rect(x + 16.0, 440.0 - height, 13.0, 17.0, 0xD8D8D8);
            easel.rect(x + 44.0, 440.0 - height, 13.0, 17.0, 0x4A4A4A);
        }
        easel.rect(0.0, 416.0, 640.0, 64.0, 0x3A3A3A);
        // Curtains on both sides, with their folds.
        for side in 0..2 {
            for fold in 0..3 {
                let width = 26.0;
                let x = if side == 0 { fold as f32 * width } else { 614.0 - fold as f32 * width };
                let shade = [0x2A2A2A, 0x454545, 0x333333][fold];
                easel.path(rounded(x - 2.0, -20.0, width + 4.0, 476.0 - 30.0 * fold as f32, 12.0), shade);
            }
        }
        for i in 0..8 {
            easel.path(oval(40.0 + 80.0 * i as f32, 0.0, 48.0, 34.0), 0x4C4C4C);
            easel.stroke(arc(40.0 + 80.0 * i as f32, 0.0, 48.0, 34.0, 0.04, 0.46), 4.0, 0x8C8C8C);
        }
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for (i, (sprite, &(x, _, _))) in self.stars.iter().zip(&STARS).enumerate() {
            let sway = 7.0 * swing(seconds, 3.4 + 0.3 * i as f32, i as f32 * 0.17);
            stage.lay(sprite, (x + sway) as i32 - (sprite.width / 2) as i32, 0);
        }
        let x = 320.0 + 26.0 * swing(seconds, 6.0, 0.0);
        let y = 150.0 + 8.0 * swing(seconds, 2.9, 0.1);
        stage.lay_centred(&self.moon, x, y, 255);
        for (speed, y, phase) in [(18.0, 250.0, 0.0), (-13.0, 300.0, 330.0)] {
            let at = (seconds * speed + phase).rem_euclid(860.0) - 110.0;
            stage.lay_centred(&self.cloud, at, y, 225);
        }
        let walk = round_of(seconds, 14.0) * 62.0 - 90.0;
        stage.lay_centred(&self.cat, walk, 392.0 - 4.0 * swing(seconds, 0.5, 0.0).abs(), 255);
        self.wear.lay(stage, seconds);
    }
}

impl SilentCard {
    /// A card of a few short lines.
    pub(crate) fn new(lines: &[&str]) -> SilentCard {
        SilentCard { lines: lines.iter().map(|&line| line.to_owned()).collect(), wear: Wear::new() }
    }
}

impl Scene for SilentCard {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::filled(OLD_WIDTH, OLD_HEIGHT, 0x121212);
        easel.stroke(rounded(34.0, 30.0, 572.0, 420.0, 26.0), 5.0, 0xC8C8C8);
        easel.stroke(rounded(46.0, 42.0, 548.0, 396.0, 18.0), 2.0, 0x8A8A8A);
        for (x, y) in [(34.0, 30.0), (606.0, 30.0), (34.0, 450.0), (606.0, 450.0)] {
            easel.disc(x, y, 22.0, 0x121212);
            easel.path(star(x, y, 19.0, 8.0, 8, 0.0), 0xC8C8C8);
        }
        let step = 74.0;
        let first = 240.0 - step * (self.lines.len() as f32 - 1.0) / 2.0 + 18.0;
        for (i, line) in self.lines.iter().enumerate() {
            easel.text(Line::centred(line, 58.0, 320.0, first + step * i as f32, 0xECECEC).within(500.0));
        }
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        self.wear.lay(stage, seconds);
    }
}

impl Wear {
    fn new() -> Wear {
        let mut scratch = Easel::clear(2, OLD_HEIGHT);
        scratch.rect(0.0, 0.0, 1.4, OLD_HEIGHT as f32, 0xE8E8E8);
        let mut dust = Easel::clear(12, 9);
        dust.strokes(&[(2.0, 6.0), (6.0, 2.0), (10.0, 4.0)], 2.0, 0xF0F0F0);
        Wear { scratch: scratch.sprite(), dust: dust.sprite() }
    }

    fn lay(&self, stage: &mut Stage, seconds: f32) {
        // A new throw twelve times a second, the same for the same instant.
        let mut dice = Dice::new((seconds * 12.0) as u64);
        if dice.unit() < 0.16 {
            let x = dice.between(60.0, 580.0) as i32;
            stage.lay_sheer(&self.scratch, x, 0, 70);
        }
        for _ in 0..2 {
            let (x, y) = (dice.between(20.0, 620.0) as i32, dice.between(20.0, 460.0) as i32);
            stage.lay_sheer(&self.dust, x, y, opacity(dice.between(0.2, 0.7)));
        }
    }
}

fn moon() -> Sprite {
    let mut easel = Easel::clear(240, 330);
    easel.strokes(&[(118.0, 0.0), (118.0, 90.0)], 2.0, 0x9A9A9A);
    easel.glow(120.0, 200.0, 118.0, 0xFFFFFF, 0.35);
    // A crescent: round the outer circle between its crossings with a smaller one, and back along that.
    let turn = std::f32::consts::TAU;
    let outer = (0..=48)
        .map(|i| turn * (0.1328 + 0.7344 * i as f32 / 48.0))
        .map(|a| (120.0 + 96.0 * a.cos(), 200.0 + 96.0 * a.sin()));
    let inner = (0..=48)
        .rev()
        .map(|i| turn * (0.2053 + 0.5894 * i as f32 / 48.0))
        .map(|a| (164.0 + 74.0 * a.cos(), 200.0 + 74.0 * a.sin()));
    easel.polygon(&outer.chain(inner).collect::<Vec<_>>(), 0xEFEFEF);
    easel.path(circle(66.0, 178.0, 7.0), 0x222222);
    easel.stroke(arc(64.0, 160.0, 13.0, 8.0, 0.55, 0.95), 3.0, 0x222222);
    easel.stroke(arc(76.0, 222.0, 22.0, 15.0, 0.08, 0.42), 4.0, 0x222222);
    easel.path(oval(48.0, 212.0, 10.0, 6.0), 0xC4C4C4);
    easel.sprite()
}

fn hanging_star(length: f32, size: f32) -> Sprite {
    let mut easel = Easel::clear(size as u32 * 2 + 4, (length + size * 2.0) as u32);
    let x = size + 2.0;
    easel.strokes(&[(x, 0.0), (x, length)], 1.6, 0x8A8A8A);
    easel.path(star(x, length + size * 0.8, size, size * 0.45, 5, 0.0), 0xDEDEDE);
    easel.sprite()
}

fn cloud() -> Sprite {
    let mut easel = Easel::clear(190, 64);
    for (x, y, r) in [(50.0, 40.0, 22.0), (90.0, 30.0, 28.0), (132.0, 40.0, 22.0)] {
        easel.path(circle(x, y, r), 0xB0B0B0);
    }
    easel.rounded(18.0, 38.0, 154.0, 24.0, 12.0, 0xB0B0B0);
    easel.stroke(arc(90.0, 34.0, 22.0, 18.0, 0.55, 0.9), 3.0, 0xE0E0E0);
    easel.sprite()
}

fn cat() -> Sprite {
    let mut easel = Easel::clear(100, 64);
    let black = 0x050505;
    easel.strokes(&[(20.0, 36.0), (8.0, 24.0), (12.0, 8.0)], 6.0, black);
    easel.oval(48.0, 38.0, 32.0, 14.0, black);
    for x in [26.0, 38.0, 60.0, 72.0] {
        easel.rect(x - 3.0, 40.0, 7.0, 24.0, black);
    }
    easel.disc(80.0, 26.0, 14.0, black);
    easel.polygon(&[(68.0, 20.0), (70.0, 2.0), (80.0, 14.0)], black);
    easel.polygon(&[(80.0, 14.0), (92.0, 2.0), (92.0, 20.0)], black);
    easel.disc(84.0, 25.0, 3.0, 0xF0F0F0);
    easel.sprite()
}
