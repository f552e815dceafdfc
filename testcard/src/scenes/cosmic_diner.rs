//! The world of "Cosmic Diner": a roadside restaurant on an asteroid, under a planet with rings.

use super::{HEIGHT, WIDTH, opacity, round_of, swing};
use crate::dice::Dice;
use crate::easel::{Easel, Line, arc, oval, polygon, rounded, slice};
use crate::palette::{CREAM, GREEN, INK, MINT, MUSTARD, ORANGE, PINK, PLUM, RED, STEEL, TEAL, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// One evening at the diner.
pub(crate) struct CosmicDiner {
    look: Look,
    neon: Sprite,
    halo: Sprite,
    twinkle: Sprite,
    saucer: Sprite,
    comet: Sprite,
    burger: Sprite,
    shake: Sprite,
    pancakes: Sprite,
    guest: Sprite,
    stars: Vec<(i32, i32, f32)>,
}

/// What differs from episode to episode.
#[derive(Clone, Copy)]
struct Look {
    sky: [u32; 4],
    planet: (f32, f32, f32),
    bands: [u32; 3],
    guest: u32,
}

/// Looks by episode, from the first.
const LOOKS: [Look; 4] = [
    Look {
        sky: [0x0D0B2B, 0x241250, 0x4E1E6B, 0x93346F],
        planet: (1010.0, 215.0, 128.0),
        bands: [ORANGE, MUSTARD, RED],
        guest: GREEN,
    },
    Look {
        sky: [0x04172B, 0x0A2F4D, 0x125A6B, 0x2E8B86],
        planet: (1040.0, 190.0, 100.0),
        bands: [PINK, CREAM, PLUM],
        guest: PINK,
    },
    Look {
        sky: [0x1B0A1E, 0x44122F, 0x83243A, 0xCF5A36],
        planet: (930.0, 230.0, 165.0),
        bands: [MUSTARD, CREAM, ORANGE],
        guest: MUSTARD,
    },
    Look {
        sky: [0x050A1C, 0x101B40, 0x24336B, 0x5A4C93],
        planet: (1060.0, 225.0, 118.0),
        bands: [TEAL, MINT, 0x14586B],
        guest: ORANGE,
    },
];

/// Where the sign hangs.
const SIGN: (f32, f32) = (600.0, 330.0);

impl CosmicDiner {
    /// The evening of an episode, counted from 1.
    pub(crate) fn new(episode: usize) -> CosmicDiner {
        let look = LOOKS[(episode + LOOKS.len() - 1) % LOOKS.len()];
        let mut dice = Dice::new(40 + episode as u64);
        let stars = (0..14)
            .map(|_| (dice.between(30.0, 1250.0) as i32, dice.between(20.0, 300.0) as i32, dice.unit()))
            .collect();
        CosmicDiner {
            look,
            neon: neon(),
            halo: glow(330, PINK, 0.5),
            twinkle: twinkle(),
            saucer: saucer(),
            comet: comet(),
            burger: burger(),
            shake: shake(),
            pancakes: pancakes(),
            guest: guest(look.guest),
            stars,
        }
    }

    fn planet(&self, easel: &mut Easel) {
        let (x, y, r) = self.look.planet;
        let [body, light, dark] = self.look.bands;
        easel.glow(x, y, r * 1.9, body, 0.35);
        easel.stroke(arc_turned(x, y, r, 0.5, 1.0), r * 0.13, blend(light, INK, 0.35));
        easel.disc(x, y, r, body);
        for (from, to, colour) in
            [(-0.72, -0.5, light), (-0.3, -0.05, dark), (0.1, 0.24, light), (0.42, 0.7, dark)]
        {
            easel.path(slice(x, y, r, from, to), colour);
        }
        // The night side: the disc less a disc that is shifted towards the light.
        let shadow: Vec<(f32, f32)> = (0..=40)
            .map(|i| TAU * (-0.22 + 0.5 * i as f32 / 40.0))
            .map(|a| (x + r * a.cos(), y + r * a.sin()))
            .chain((0..=40).rev().map(|i| {
                let a = TAU * (-0.22 + 0.5 * i as f32 / 40.0);
                let inward = r * (1.0 - 0.55 * (i as f32 / 40.0 * TAU / 2.0).sin());
                (x + inward * a.cos(), y + inward * a.sin())
            }))
            .collect();
        easel.path_sheer(polygon(&shadow), INK, 0.38);
        easel.stroke(arc_turned(x, y, r, 0.0, 0.5), r * 0.13, light);
        easel.stroke(arc_turned(x, y, r * 1.14, 0.0, 0.5), r * 0.05, blend(light, INK, 0.2));
    }
}

impl Scene for CosmicDiner {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::clear(WIDTH, HEIGHT);
        easel.bands(0.0, 640.0, &self.look.sky, 14);
        let mut dice = Dice::new(7);
        for _ in 0..210 {
            let (x, y) = (dice.between(0.0, 1280.0), dice.between(0.0, 520.0));
            let colour = if dice.unit() < 0.25 { MUSTARD } else { CREAM };
            let size = dice.between(0.8, 2.4);
            easel.path_sheer(oval(x, y, size, size), colour, dice.between(0.35, 1.0));
        }
        self.planet(&mut easel);
        easel.disc(190.0, 150.0, 46.0, 0xD9D2E3);
        for (x, y, r) in [(175.0, 138.0, 10.0), (205.0, 165.0, 13.0), (196.0, 128.0, 6.0)] {
            easel.disc(x, y, r, 0xB9B0CC);
        }
        ground(&mut easel);
        building(&mut easel);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for &(x, y, phase) in &self.stars {
            stage.lay_sheer(&self.twinkle, x, y, opacity(swing(seconds, 2.6, phase)));
        }
        let flight = round_of(seconds + 4.0, 11.0) / 3.0;
        if flight < 1.0 {
            stage.lay(&self.comet, (1400.0 - 1700.0 * flight) as i32, (20.0 + 260.0 * flight) as i32);
        }
        // The tube stutters now and then, as they do.
        let moment = round_of(seconds, 7.0);
        let lit = !(4.0..4.1).contains(&moment) && !(4.2..4.26).contains(&moment);
        if lit {
            let breath = 0.75 + 0.25 * swing(seconds, 2.0, 0.0);
            stage.lay_centred(&self.halo, SIGN.0, SIGN.1, opacity(breath));
            stage.lay_centred(&self.neon, SIGN.0, SIGN.1, 255);
        }
        let x = 560.0 + 190.0 * swing(seconds, 13.0, 0.0);
        stage.lay_centred(&self.guest, x, 576.0 - 9.0 * swing(seconds, 1.1, 0.0).abs(), 255);
        for (sprite, phase) in [(&self.burger, 0.0), (&self.shake, 0.333), (&self.pancakes, 0.667)] {
            let x = 620.0 + 500.0 * swing(seconds, 16.0, phase);
            let y = 160.0 + 40.0 * swing(seconds, 16.0, phase + 0.25) + 12.0 * swing(seconds, 2.3, phase);
            stage.lay_centred(sprite, x, y, 255);
        }
        let pass = round_of(seconds, 9.0) / 9.0;
        let bob = 26.0 * swing(seconds, 1.7, 0.0);
        stage.lay_centred(&self.saucer, -120.0 + 1520.0 * pass, 130.0 + 60.0 * pass + bob, 255);
    }
}

fn arc_turned(x: f32, y: f32, r: f32, from: f32, to: f32) -> Option<tiny_skia::Path> {
    let tilt = tiny_skia::Transform::from_rotate_at(-16.0, x, y);
    arc(x, y, r * 1.75, r * 0.42, from, to)?.transform(tilt)
}

fn ground(easel: &mut Easel) {
    for (base, height, length, colour) in
        [(548.0, 26.0, 410.0, 0x3A2A55), (575.0, 16.0, 300.0, 0x55406E), (604.0, 10.0, 520.0, 0x6F5788)]
    {
        let mut points = vec![(0.0, 720.0)];
        points.extend((0..=64).map(|i| {
            let x = i as f32 * 20.0;
            (x, base + height * (x / length * TAU).sin() + height * 0.4 * (x / length * TAU * 2.3).cos())
        }));
        points.push((1280.0, 720.0));
        easel.polygon(&points, colour);
    }
    for (x, y, across) in
        [(120.0, 600.0, 60.0), (1090.0, 606.0, 84.0), (1010.0, 575.0, 34.0), (250.0, 650.0, 44.0)]
    {
        easel.oval(x, y, across, across * 0.3, 0x463562);
        easel.stroke(arc(x, y, across, across * 0.3, 0.02, 0.48), 4.0, 0x8A74A3);
    }
}

fn building(easel: &mut Easel) {
    easel.glow(600.0, 500.0, 420.0, MUSTARD, 0.22);
    // Legs of the sign, then the car of the diner with its bands of chrome.
    for x in [430.0, 770.0] {
        easel.rect(x - 6.0, 330.0, 12.0, 110.0, STEEL);
    }
    easel.shaded(rounded(270.0, 425.0, 660.0, 170.0, 46.0), 425.0, 595.0, 0xE9EEF2, 0x7F8C9B);
    easel.rect(270.0, 452.0, 660.0, 10.0, RED);
    easel.rect(270.0, 544.0, 660.0, 22.0, RED);
    easel.rect(270.0, 552.0, 660.0, 6.0, CREAM);
    for i in 0..7 {
        let x = 312.0 + 82.0 * i as f32;
        if i == 5 {
            easel.rounded(x, 470.0, 62.0, 122.0, 8.0, TEAL);
            easel.rounded(x + 9.0, 480.0, 44.0, 56.0, 6.0, 0xFFE7A3);
            easel.disc(x + 50.0, 553.0, 5.0, MUSTARD);
        } else {
            easel.rounded(x - 4.0, 466.0, 76.0, 72.0, 10.0, 0x5C6877);
            easel.shaded(rounded(x, 470.0, 68.0, 64.0, 8.0), 470.0, 534.0, 0xFFF1C0, 0xFFC861);
        }
    }
    easel.rect(290.0, 592.0, 620.0, 10.0, 0x4A4460);
    easel.rounded(370.0, 285.0, 460.0, 92.0, 20.0, 0x2B1338);
    easel.stroke(rounded(370.0, 285.0, 460.0, 92.0, 20.0), 5.0, STEEL);
    easel.text(Line::centred("COSMIC DINER", 66.0, SIGN.0, SIGN.1 + 23.0, 0x5A2C55).within(420.0));
}

fn neon() -> Sprite {
    let mut easel = Easel::clear(460, 92);
    let line = Line::centred("COSMIC DINER", 66.0, 230.0, 68.0, 0xFFE3EE).within(420.0);
    easel.text_outlined(line, 3.5, PINK);
    easel.stroke(rounded(9.0, 9.0, 442.0, 74.0, 15.0), 4.0, MINT);
    easel.sprite()
}

fn glow(radius: u32, colour: u32, alpha: f32) -> Sprite {
    let mut easel = Easel::clear(radius * 2, radius);
    // A flat halo: the circle is drawn squeezed to half its height.
    let r = radius as f32;
    for step in 0..10 {
        let part = 1.0 - step as f32 / 10.0;
        easel.path_sheer(oval(r, r / 2.0, r * part, r / 2.0 * part), colour, alpha * 0.09);
    }
    easel.sprite()
}

fn twinkle() -> Sprite {
    let mut easel = Easel::clear(26, 26);
    easel.path(crate::easel::star(13.0, 13.0, 13.0, 2.4, 4, 0.0), 0xFFFFFF);
    easel.sprite()
}

fn saucer() -> Sprite {
    let mut easel = Easel::clear(190, 100);
    easel.path(slice(95.0, 52.0, 42.0, -1.0, 0.0), 0xBFE8E4);
    easel.path_sheer(slice(84.0, 44.0, 22.0, -1.0, 0.0), 0xFFFFFF, 0.5);
    easel.shaded(oval(95.0, 60.0, 92.0, 22.0), 38.0, 82.0, 0xDDE5EC, 0x6F7D8F);
    easel.oval(95.0, 54.0, 60.0, 9.0, 0x8896A6);
    for (i, colour) in [MUSTARD, PINK, MINT, PINK, MUSTARD].into_iter().enumerate() {
        easel.disc(31.0 + 32.0 * i as f32, 66.0 + [-4.0, 2.0, 4.0, 2.0, -4.0][i], 6.0, colour);
    }
    easel.sprite()
}

fn comet() -> Sprite {
    let mut easel = Easel::clear(240, 60);
    for step in 0..8 {
        let end = 240.0 - 22.0 * step as f32;
        easel.path_sheer(polygon(&[(16.0, 38.0), (end, 4.0), (20.0, 54.0)]), CREAM, 0.09);
    }
    easel.glow(20.0, 46.0, 14.0, CREAM, 1.0);
    easel.disc(20.0, 46.0, 6.0, 0xFFFFFF);
    easel.sprite()
}

fn burger() -> Sprite {
    let mut easel = Easel::clear(124, 96);
    easel.path(slice(62.0, 48.0, 46.0, -1.0, -0.08), 0xD9913F);
    for (x, y) in [(40.0, 22.0), (58.0, 14.0), (76.0, 20.0), (50.0, 31.0), (88.0, 33.0), (68.0, 30.0)] {
        easel.oval(x, y, 4.0, 2.4, CREAM);
    }
    let leaf: Vec<(f32, f32)> =
        (0..=16).map(|i| (10.0 + 6.5 * i as f32, if i % 2 == 0 { 46.0 } else { 54.0 })).collect();
    easel.strokes(&leaf, 9.0, GREEN);
    easel.rounded(12.0, 54.0, 100.0, 16.0, 8.0, 0x6B3420);
    easel.polygon(
        &[(16.0, 52.0), (108.0, 52.0), (92.0, 64.0), (76.0, 54.0), (58.0, 66.0), (40.0, 54.0)],
        MUSTARD,
    );
    easel.rounded(16.0, 69.0, 92.0, 21.0, 11.0, 0xC77F33);
    easel.sprite()
}

fn shake() -> Sprite {
    let mut easel = Easel::clear(90, 140);
    easel.strokes(&[(52.0, 60.0), (66.0, 6.0)], 7.0, RED);
    easel.polygon(&[(14.0, 48.0), (76.0, 48.0), (64.0, 118.0), (26.0, 118.0)], PINK);
    easel.polygon(&[(14.0, 48.0), (30.0, 48.0), (34.0, 118.0), (26.0, 118.0)], 0xF9A9C3);
    easel.disc(28.0, 44.0, 17.0, CREAM);
    easel.disc(60.0, 44.0, 17.0, CREAM);
    easel.disc(44.0, 34.0, 19.0, CREAM);
    easel.disc(40.0, 17.0, 8.0, RED);
    easel.rounded(38.0, 116.0, 12.0, 10.0, 2.0, STEEL);
    easel.oval(45.0, 130.0, 26.0, 6.0, STEEL);
    easel.sprite()
}

fn pancakes() -> Sprite {
    let mut easel = Easel::clear(140, 86);
    easel.oval(70.0, 72.0, 68.0, 12.0, 0xDDE5EC);
    for i in 0..3 {
        let y = 62.0 - 13.0 * i as f32;
        easel.oval(70.0, y + 4.0, 50.0, 12.0, 0xA9652A);
        easel.oval(70.0, y, 50.0, 12.0, 0xE3A857);
    }
    easel.oval(70.0, 34.0, 34.0, 7.0, 0x8A4A1C);
    easel.polygon(&[(100.0, 36.0), (106.0, 36.0), (104.0, 62.0), (100.0, 58.0)], 0x8A4A1C);
    easel.rounded(58.0, 20.0, 24.0, 14.0, 3.0, 0xFFE08A);
    easel.sprite()
}

fn guest(colour: u32) -> Sprite {
    let mut easel = Easel::clear(60, 70);
    easel.strokes(&[(20.0, 22.0), (13.0, 6.0)], 3.5, colour);
    easel.strokes(&[(40.0, 22.0), (47.0, 6.0)], 3.5, colour);
    easel.disc(13.0, 6.0, 5.0, CREAM);
    easel.disc(47.0, 6.0, 5.0, CREAM);
    easel.oval(30.0, 40.0, 25.0, 24.0, colour);
    for x in [20.0, 40.0] {
        easel.disc(x, 35.0, 8.0, 0xFFFFFF);
        easel.disc(x + 1.0, 36.0, 4.0, INK);
    }
    easel.stroke(arc(30.0, 46.0, 10.0, 7.0, 0.05, 0.45), 3.0, INK);
    easel.sprite()
}
