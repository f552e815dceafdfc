//! The world of "The Desert Express": a train on its way, from one morning to the next night.

use super::{HEIGHT, WIDTH, opacity, round_of, swing};
use crate::dice::Dice;
use crate::easel::{Easel, Line, circle, gear, oval, polygon, rounded};
use crate::palette::{BROWN, CREAM, GREEN, INK, MUSTARD, RED, STEEL, TEAL, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// One stretch of the day.
pub(crate) struct DesertExpress {
    look: Look,
    mesas: Sprite,
    track: Sprite,
    locomotive: Sprite,
    carriage: Sprite,
    wheels: Vec<Sprite>,
    puff: Sprite,
    pole: Sprite,
    cactus: Sprite,
    bird: Sprite,
}

/// What differs from stretch to stretch.
#[derive(Clone, Copy)]
struct Look {
    sky: [u32; 4],
    sun: (f32, f32, f32, u32),
    mesa: u32,
    sand: [u32; 2],
    windows: u32,
    stars: bool,
}

/// Dawn, noon, afternoon, sunset, night.
const LOOKS: [Look; 5] = [
    Look {
        sky: [0x6C8FC4, 0xB9A9C8, 0xF1BFA5, 0xFCE3B0],
        sun: (1010.0, 372.0, 70.0, 0xFFE9A8),
        mesa: 0xB4708A,
        sand: [0xEDC08B, 0xC98B5F],
        windows: 0xFFE6A0,
        stars: false,
    },
    Look {
        sky: [0x2F86C4, 0x5FB0DA, 0x9CD6E6, 0xE8F3DC],
        sun: (300.0, 110.0, 58.0, 0xFFF3C0),
        mesa: 0xC7673F,
        sand: [0xF0CE8A, 0xD99F56],
        windows: 0xBFE3EC,
        stars: false,
    },
    Look {
        sky: [0x3C7FA8, 0x8FB9B0, 0xE2D59A, 0xF6C877],
        sun: (880.0, 190.0, 66.0, 0xFFE28A),
        mesa: 0xB5532F,
        sand: [0xE8B66B, 0xBF7A3F],
        windows: 0xE5EBD0,
        stars: false,
    },
    Look {
        sky: [0x3A1C52, 0x93315E, 0xE4593E, 0xFBB04A],
        sun: (660.0, 360.0, 112.0, 0xFFD66B),
        mesa: 0x6B2443,
        sand: [0xB5503C, 0x5F2238],
        windows: 0xFFE6A0,
        stars: false,
    },
    Look {
        sky: [0x050A1E, 0x0D1838, 0x1A2C58, 0x3A4A7A],
        sun: (230.0, 140.0, 50.0, 0xF2EED8),
        mesa: 0x141E40,
        sand: [0x2B3558, 0x10182F],
        windows: 0xFFDF8A,
        stars: true,
    },
];

/// Pixels a second at the rails.
const SPEED: f32 = 300.0;

/// Distance between two sleepers.
const SLEEPERS: f32 = 48.0;

/// Width of the mesas before they come again.
const MESA_PERIOD: f32 = 1440.0;

/// The top of the rail.
const RAIL: f32 = 566.0;

impl DesertExpress {
    /// One of the five stretches, from 0.
    pub(crate) fn new(stretch: usize) -> DesertExpress {
        let look = LOOKS[stretch % LOOKS.len()];
        DesertExpress {
            look,
            mesas: mesas(look),
            track: track(look),
            locomotive: locomotive(),
            carriage: carriage(look.windows),
            wheels: (0..8).map(|step| wheel(step as f32 / 8.0 / 6.0)).collect(),
            puff: puff(if look.stars { 0x5A668C } else { 0xFFF8EA }),
            pole: pole(blend(look.sand[1], INK, 0.55)),
            cactus: cactus(if look.stars { 0x14284A } else { blend(GREEN, look.mesa, 0.3) }),
            bird: bird(blend(look.sky[0], INK, 0.5)),
        }
    }
}

impl Scene for DesertExpress {
    fn backdrop(&self) -> Pixmap {
        let look = self.look;
        let mut easel = Easel::clear(WIDTH, HEIGHT);
        easel.bands(0.0, 450.0, &look.sky, 12);
        if look.stars {
            let mut dice = Dice::new(11);
            for _ in 0..170 {
                let size = dice.between(0.8, 2.3);
                let (x, y) = (dice.between(0.0, 1280.0), dice.between(0.0, 380.0));
                easel.path_sheer(oval(x, y, size, size), CREAM, dice.between(0.3, 1.0));
            }
        }
        let (x, y, r, colour) = look.sun;
        easel.glow(x, y, r * 2.6, colour, 0.4);
        easel.disc(x, y, r, colour);
        if look.stars {
            easel.disc(x + 22.0, y - 12.0, r * 0.86, blend(look.sky[0], look.sky[1], 0.8));
        }
        easel.bands(450.0, 720.0, &look.sand, 6);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for phase in [0.0, 0.4] {
            let x = 1340.0 - (seconds * 34.0 + 1100.0 * phase).rem_euclid(1460.0);
            stage.lay_centred(&self.bird, x, 120.0 + 70.0 * phase + 10.0 * swing(seconds, 4.0, phase), 255);
        }
        let far = (seconds * 26.0).rem_euclid(MESA_PERIOD);
        for turn in [0.0, MESA_PERIOD] {
            stage.lay(&self.mesas, (turn - far).round() as i32, 318);
        }
        for (distance, phase) in [(0.62, 0.1), (0.7, 0.55), (0.66, 0.8)] {
            let x = 1400.0 - (seconds * SPEED * 0.55 + 1700.0 * phase).rem_euclid(1700.0);
            stage.lay_centred(&self.cactus, x, 380.0 + 140.0 * distance, 255);
        }
        let along = (seconds * SPEED).rem_euclid(SLEEPERS);
        stage.lay(&self.track, -(along.round() as i32), RAIL as i32 - 4);
        self.train(stage, seconds);
        let post = 1400.0 - (seconds * SPEED * 1.25).rem_euclid(1500.0);
        stage.lay_centred(&self.pole, post, 440.0, 255);
    }
}

impl DesertExpress {
    fn train(&self, stage: &mut Stage, seconds: f32) {
        let sway = 10.0 * swing(seconds, 7.0, 0.0);
        let wheel = (seconds * SPEED / 40.0 * 8.0) as usize % self.wheels.len();
        for car in 0..3 {
            let x = 150.0 + 236.0 * car as f32 + sway;
            let bump = if round_of(seconds + 0.21 * car as f32, 0.8) < 0.08 { -2.0 } else { 0.0 };
            stage.lay_centred(&self.carriage, x, 496.0 + bump, 255);
            for at in [-76.0, -40.0, 40.0, 76.0] {
                stage.lay_centred(&self.wheels[wheel], x + at, RAIL - 17.0, 255);
            }
        }
        let x = 890.0 + sway;
        let bump = if round_of(seconds + 0.63, 0.8) < 0.08 { -2.0 } else { 0.0 };
        stage.lay_centred(&self.locomotive, x, 470.0 + bump, 255);
        for at in [-92.0, -44.0, 4.0, 60.0, 96.0] {
            stage.lay_centred(&self.wheels[wheel], x + at, RAIL - 17.0, 255);
        }
        for number in 0..7 {
            let age = round_of(seconds + 0.26 * number as f32, 1.82) / 1.82;
            let (dx, dy) = (-430.0 * age, -110.0 * age.sqrt());
            let fade = opacity((1.0 - age) * 0.85);
            stage.lay_centred(&self.puff, x + 96.0 + dx, 378.0 + dy + 8.0 * swing(age, 0.7, 0.0), fade);
        }
    }
}

fn mesas(look: Look) -> Sprite {
    let mut easel = Easel::clear(MESA_PERIOD as u32, 180);
    let far = blend(look.mesa, look.sky[3], 0.45);
    for (x, width, height) in [(90.0, 260.0, 70.0), (560.0, 340.0, 96.0), (1050.0, 220.0, 60.0)] {
        mesa(&mut easel, x, width, height, far);
    }
    for (x, width, height) in [(330.0, 190.0, 118.0), (820.0, 250.0, 132.0), (1230.0, 150.0, 150.0)] {
        mesa(&mut easel, x, width, height, look.mesa);
    }
    easel.rect(0.0, 140.0, MESA_PERIOD, 40.0, blend(look.sand[0], look.mesa, 0.2));
    easel.sprite()
}

fn mesa(easel: &mut Easel, x: f32, width: f32, height: f32, colour: u32) {
    let top = 146.0 - height;
    easel.polygon(
        &[
            (x - width * 0.5, 146.0),
            (x - width * 0.36, top + height * 0.45),
            (x - width * 0.3, top),
            (x + width * 0.26, top),
            (x + width * 0.33, top + height * 0.5),
            (x + width * 0.5, 146.0),
        ],
        colour,
    );
    easel.path_sheer(
        polygon(&[
            (x + width * 0.08, top),
            (x + width * 0.26, top),
            (x + width * 0.33, top + height * 0.5),
            (x + width * 0.5, 146.0),
            (x + width * 0.2, 146.0),
        ]),
        INK,
        0.16,
    );
}

fn track(look: Look) -> Sprite {
    let width = WIDTH as f32 + SLEEPERS;
    let mut easel = Easel::clear(width as u32, 34);
    let dark = blend(look.sand[1], INK, 0.45);
    easel.rect(0.0, 10.0, width, 24.0, blend(look.sand[1], look.sand[0], 0.3));
    for i in 0..=(width / SLEEPERS) as usize {
        easel.rect(i as f32 * SLEEPERS + 8.0, 10.0, 26.0, 13.0, blend(BROWN, dark, 0.5));
    }
    easel.rect(0.0, 4.0, width, 6.0, blend(STEEL, dark, 0.4));
    easel.sprite()
}

fn locomotive() -> Sprite {
    let mut easel = Easel::clear(280, 190);
    easel.rounded(30.0, 70.0, 196.0, 72.0, 30.0, TEAL);
    easel.rect(30.0, 92.0, 190.0, 6.0, MUSTARD);
    easel.rounded(14.0, 34.0, 92.0, 112.0, 8.0, RED);
    easel.rect(4.0, 26.0, 112.0, 13.0, INK);
    easel.rounded(30.0, 52.0, 56.0, 42.0, 6.0, 0xFFE6A0);
    easel.rect(210.0, 20.0, 26.0, 56.0, INK);
    easel.rect(202.0, 12.0, 42.0, 13.0, RED);
    easel.rounded(136.0, 48.0, 34.0, 28.0, 12.0, MUSTARD);
    easel.disc(229.0, 106.0, 17.0, INK);
    easel.disc(231.0, 106.0, 12.0, 0xFFF3C0);
    easel.rect(18.0, 138.0, 224.0, 14.0, RED);
    easel.polygon(&[(232.0, 140.0), (276.0, 176.0), (226.0, 176.0)], MUSTARD);
    easel.text(Line::centred("407", 30.0, 58.0, 126.0, CREAM));
    easel.sprite()
}

fn carriage(windows: u32) -> Sprite {
    let mut easel = Easel::clear(236, 124);
    easel.rounded(6.0, 14.0, 224.0, 92.0, 12.0, 0xA8322B);
    easel.rounded(0.0, 6.0, 236.0, 17.0, 8.0, INK);
    easel.rect(6.0, 80.0, 224.0, 8.0, MUSTARD);
    for i in 0..5 {
        easel.rounded(19.0 + 41.0 * i as f32, 34.0, 32.0, 36.0, 5.0, windows);
    }
    easel.rect(10.0, 102.0, 216.0, 10.0, INK);
    easel.rect(228.0, 94.0, 8.0, 7.0, INK);
    easel.sprite()
}

fn wheel(turn: f32) -> Sprite {
    let mut easel = Easel::clear(36, 36);
    easel.disc(18.0, 18.0, 17.5, INK);
    easel.disc(18.0, 18.0, 13.0, STEEL);
    easel.path(gear(18.0, 18.0, 12.5, 8.0, 6, turn), 0x4A5361);
    easel.disc(18.0, 18.0, 4.0, MUSTARD);
    easel.sprite()
}

fn puff(colour: u32) -> Sprite {
    let mut easel = Easel::clear(112, 84);
    for (x, y, r) in [(36.0, 50.0, 27.0), (66.0, 38.0, 31.0), (82.0, 56.0, 22.0)] {
        easel.path(circle(x, y, r), colour);
    }
    easel.sprite()
}

fn pole(colour: u32) -> Sprite {
    let mut easel = Easel::clear(110, 330);
    easel.rect(49.0, 8.0, 12.0, 322.0, colour);
    for y in [30.0, 66.0] {
        easel.rounded(4.0, y, 102.0, 9.0, 4.0, colour);
        for x in [12.0, 36.0, 74.0, 98.0] {
            easel.rounded(x - 4.0, y - 10.0, 8.0, 11.0, 3.0, STEEL);
        }
    }
    easel.sprite()
}

fn cactus(colour: u32) -> Sprite {
    let mut easel = Easel::clear(90, 130);
    easel.path(rounded(35.0, 4.0, 22.0, 126.0, 11.0), colour);
    easel.strokes(&[(46.0, 80.0), (16.0, 76.0), (14.0, 44.0)], 16.0, colour);
    easel.strokes(&[(46.0, 62.0), (76.0, 58.0), (78.0, 26.0)], 16.0, colour);
    easel.strokes(&[(46.0, 18.0), (46.0, 120.0)], 3.0, blend(colour, 0xFFFFFF, 0.2));
    easel.sprite()
}

fn bird(colour: u32) -> Sprite {
    let mut easel = Easel::clear(64, 26);
    let wing = |side: f32| -> Vec<(f32, f32)> {
        (0..=10)
            .map(|i| i as f32 / 10.0)
            .map(|p| (32.0 + side * 28.0 * p, 20.0 - 14.0 * (p * TAU / 2.6).sin()))
            .collect()
    };
    easel.strokes(&wing(-1.0), 4.0, colour);
    easel.strokes(&wing(1.0), 4.0, colour);
    easel.sprite()
}
