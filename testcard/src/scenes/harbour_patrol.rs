//! The world of "Harbour Patrol": a launch, a lighthouse and a low sun over the water.

use super::{HEIGHT, WIDTH, opacity, round_of, swing};
use crate::dice::Dice;
use crate::easel::{Easel, Line, arc, circle, open, oval, polygon, rounded, slice};
use crate::palette::{CREAM, INK, MUSTARD, NAVY, ORANGE, RED, STEEL, TEAL, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// One watch in the harbour.
pub(crate) struct HarbourPatrol {
    look: Look,
    swells: Vec<Swell>,
    launch: Sprite,
    beams: Vec<Sprite>,
    lamp: Sprite,
    gulls: [Sprite; 2],
    glints: Vec<(Sprite, f32, f32, f32)>,
    buoy: Sprite,
    cloud: Sprite,
}

/// A row of waves that is moved along.
struct Swell {
    sprite: Sprite,
    y: f32,
    /// Pixels a second; negative to the left.
    speed: f32,
    period: f32,
}

/// What differs from episode to episode.
#[derive(Clone, Copy)]
struct Look {
    sky: [u32; 4],
    sun: (f32, f32, u32),
    sea: [u32; 2],
    cloud: u32,
    land: u32,
}

/// Looks by episode, from the first: sunset, fog, morning, night.
const LOOKS: [Look; 4] = [
    Look {
        sky: [0x2E2A5A, 0x8A3B63, 0xE2703A, 0xF7C266],
        sun: (830.0, 150.0, 0xFFE08A),
        sea: [0xC8653F, 0x2A3A66],
        cloud: 0xF3A768,
        land: 0x3A2547,
    },
    Look {
        sky: [0x7E98A6, 0x9DB4BB, 0xBFCFCE, 0xDCE3DA],
        sun: (860.0, 105.0, 0xF4F1E2),
        sea: [0x8FA9AE, 0x3E5F6E],
        cloud: 0xE6ECE6,
        land: 0x4B6470,
    },
    Look {
        sky: [0x3E8FC0, 0x6FB6D6, 0xA9D9E2, 0xFBEBC6],
        sun: (790.0, 120.0, 0xFFD25E),
        sea: [0x59B6B6, 0x14586B],
        cloud: 0xFFF7E4,
        land: 0x2F6B5A,
    },
    Look {
        sky: [0x070D22, 0x0F1C3F, 0x1B3159, 0x32507A],
        sun: (880.0, 92.0, 0xF1EEDC),
        sea: [0x2C4A73, 0x0A1630],
        cloud: 0x2A426B,
        land: 0x050A18,
    },
];

/// Where the sky ends.
const HORIZON: f32 = 420.0;

/// The lantern of the lighthouse.
const LANTERN: (f32, f32) = (205.0, 168.0);

/// Directions in which the beam is drawn.
const BEAMS: usize = 24;

/// Seconds for a turn of the beam.
const BEAM_TURN: f32 = 6.0;

impl HarbourPatrol {
    /// The watch of an episode, counted from 1.
    pub(crate) fn new(episode: usize) -> HarbourPatrol {
        let look = LOOKS[(episode + LOOKS.len() - 1) % LOOKS.len()];
        let rows = 5;
        let swells = (0..rows)
            .map(|row| {
                let depth = row as f32 / (rows - 1) as f32;
                let colour = blend(look.sea[0], look.sea[1], depth);
                let (period, height) = (64.0 + 28.0 * row as f32, 12.0 + 7.0 * depth);
                Swell {
                    sprite: swell(period, height, colour, blend(colour, 0xFFFFFF, 0.25)),
                    y: row_top(row),
                    speed: if row % 2 == 0 { 22.0 } else { -34.0 } * (0.6 + depth),
                    period,
                }
            })
            .collect();
        let mut dice = Dice::new(90 + episode as u64);
        let glints = (0..12)
            .map(|_| {
                let (width, at) = (dice.between(30.0, 130.0), dice.unit());
                let x = look.sun.0 + dice.between(-90.0, 90.0) * (0.5 + at);
                (glint(width, look.sun.2), x, HORIZON + 12.0 + 120.0 * at, dice.unit())
            })
            .collect();
        HarbourPatrol {
            look,
            swells,
            launch: launch(),
            beams: (0..BEAMS).map(beam).collect(),
            lamp: lamp(),
            gulls: [gull(-1.0), gull(1.0)],
            glints,
            buoy: buoy(),
            cloud: cloud(look.cloud),
        }
    }

    fn lay_swell(&self, stage: &mut Stage, row: usize, seconds: f32) {
        let swell = &self.swells[row];
        let x = (seconds * swell.speed).rem_euclid(swell.period) - swell.period;
        let y = swell.y + 3.0 * swing(seconds, 3.1, row as f32 * 0.23);
        stage.lay(&swell.sprite, x.round() as i32, y.round() as i32);
    }
}

impl Scene for HarbourPatrol {
    fn backdrop(&self) -> Pixmap {
        let look = self.look;
        let mut easel = Easel::clear(WIDTH, HEIGHT);
        easel.bands(0.0, HORIZON, &look.sky, 12);
        let (x, r, colour) = look.sun;
        let night = look.sky[0] < 0x101010 || look.land == 0x050A18;
        if night {
            let mut dice = Dice::new(3);
            for _ in 0..120 {
                let size = dice.between(0.8, 2.0);
                let (x, y) = (dice.between(0.0, 1280.0), dice.between(0.0, 330.0));
                easel.path_sheer(oval(x, y, size, size), CREAM, dice.between(0.3, 0.9));
            }
            easel.glow(x, 170.0, r * 2.2, colour, 0.3);
            easel.disc(x, 170.0, r, colour);
            for (dx, dy, size) in [(-30.0, -20.0, 17.0), (24.0, 22.0, 24.0), (36.0, -34.0, 10.0)] {
                easel.disc(x + dx, 170.0 + dy, size, blend(colour, NAVY, 0.12));
            }
        } else {
            // A low sun, cut into slices that thin out upwards.
            let centre = HORIZON - 40.0;
            easel.glow(x, centre, r * 2.0, colour, 0.35);
            easel.path(slice(x, centre, r, -1.0, -0.12), colour);
            for i in 0..4 {
                let top = -0.06 + 0.11 * i as f32;
                easel.path(slice(x, centre, r, top, top + 0.075 - 0.012 * i as f32), colour);
            }
        }
        far_shore(&mut easel, look);
        easel.bands(HORIZON, 720.0, &look.sea, 9);
        headland(&mut easel, look);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for (i, (y, speed)) in [(70.0, 9.0), (150.0, -6.0), (235.0, 12.0)].into_iter().enumerate() {
            let x = (seconds * speed + 520.0 * i as f32).rem_euclid(1660.0) - 190.0;
            stage.lay_centred(&self.cloud, x, y, 210);
        }
        // Two beams, half a turn apart, each seen edge-on twice a turn.
        for half in [0, BEAMS / 2] {
            let step = (seconds / BEAM_TURN * BEAMS as f32) as usize + half;
            let sprite = &self.beams[step % BEAMS];
            stage.lay_centred(sprite, LANTERN.0, LANTERN.1, 150);
        }
        stage.lay_centred(&self.lamp, LANTERN.0, LANTERN.1, opacity(0.65 + 0.35 * swing(seconds, 3.0, 0.0)));
        for (sprite, x, y, phase) in &self.glints {
            stage.lay_centred(sprite, *x, *y, opacity(0.25 + 0.55 * swing(seconds, 1.9, *phase)));
        }
        self.lay_swell(stage, 0, seconds);
        let bob = 4.0 * swing(seconds, 2.1, 0.3);
        stage.lay_centred(&self.buoy, 1075.0 + 6.0 * swing(seconds, 4.3, 0.0), 440.0 + bob, 255);
        self.lay_swell(stage, 1, seconds);
        self.lay_swell(stage, 2, seconds);
        let pass = round_of(seconds + 9.0, 26.0) / 26.0;
        let heave = 7.0 * swing(seconds, 2.7, 0.0);
        stage.lay_centred(&self.launch, -220.0 + 1720.0 * pass, 458.0 + heave, 255);
        self.lay_swell(stage, 3, seconds);
        self.lay_swell(stage, 4, seconds);
        for (i, phase) in [0.0, 0.31, 0.55].into_iter().enumerate() {
            let x = (seconds * (46.0 + 9.0 * i as f32) + 480.0 * phase * 3.0).rem_euclid(1440.0) - 80.0;
            let y = 120.0 + 60.0 * i as f32 + 22.0 * swing(seconds, 5.0, phase);
            let flap = usize::from(swing(seconds, 0.9, phase) > 0.0);
            stage.lay_centred(&self.gulls[flap], x, y, 255);
        }
    }
}

fn row_top(row: usize) -> f32 {
    [430.0, 458.0, 492.0, 534.0, 584.0][row.min(4)]
}

/// Waves over the whole width and a period more, deep enough to cover the next row's top.
fn swell(period: f32, height: f32, colour: u32, crest: u32) -> Sprite {
    let width = WIDTH as f32 + 2.0 * period;
    let mut easel = Easel::clear(width as u32, 76);
    let line = |lift: f32| -> Vec<(f32, f32)> {
        (0..=(width / 6.0) as usize)
            .map(|i| {
                let x = i as f32 * 6.0;
                // Pointed crests, round troughs.
                (x, lift + height - height * (1.0 - (x / period * TAU / 2.0).sin().abs()).powf(1.4))
            })
            .collect()
    };
    let mut body = line(4.0);
    body.extend([(width, 76.0), (0.0, 76.0)]);
    easel.polygon(&body, colour);
    easel.stroke(open(&line(5.0)), 3.0, crest);
    easel.sprite()
}

fn far_shore(easel: &mut Easel, look: Look) {
    let shore = blend(look.sky[3], look.land, 0.5);
    easel.polygon(
        &[(540.0, 420.0), (610.0, 392.0), (690.0, 402.0), (760.0, 380.0), (880.0, 404.0), (960.0, 420.0)],
        shore,
    );
    for (x, height) in [
        (1010.0, 46.0),
        (1040.0, 74.0),
        (1076.0, 38.0),
        (1110.0, 90.0),
        (1150.0, 58.0),
        (1186.0, 80.0),
        (1226.0, 44.0),
    ] {
        easel.rect(x, 420.0 - height, 34.0, height, blend(look.sky[3], look.land, 0.62));
        easel.rect(x + 9.0, 428.0 - height, 6.0, 8.0, blend(look.sky[3], MUSTARD, 0.5));
        easel.rect(x + 20.0, 444.0 - height, 6.0, 8.0, blend(look.sky[3], MUSTARD, 0.5));
    }
    easel.strokes(
        &[(1127.0, 330.0), (1127.0, 286.0), (1206.0, 286.0), (1206.0, 306.0)],
        5.0,
        blend(look.sky[3], look.land, 0.62),
    );
}

fn headland(easel: &mut Easel, look: Look) {
    easel.polygon(
        &[
            (0.0, 356.0),
            (70.0, 340.0),
            (150.0, 352.0),
            (260.0, 350.0),
            (330.0, 392.0),
            (372.0, 424.0),
            (430.0, 452.0),
            (0.0, 470.0),
        ],
        look.land,
    );
    // Tower, gallery, lantern.
    easel.polygon(&[(176.0, 354.0), (234.0, 354.0), (224.0, 190.0), (186.0, 190.0)], CREAM);
    for (top, bottom) in [(215.0, 247.0), (283.0, 318.0)] {
        let half = |y: f32| 19.0 + 10.0 * (y - 190.0) / 164.0;
        let (a, b) = (half(top), half(bottom));
        easel.polygon(&[(205.0 - a, top), (205.0 + a, top), (205.0 + b, bottom), (205.0 - b, bottom)], RED);
    }
    easel.path_sheer(polygon(&[(205.0, 354.0), (234.0, 354.0), (224.0, 190.0), (205.0, 190.0)]), INK, 0.16);
    easel.rect(178.0, 184.0, 54.0, 8.0, INK);
    easel.rect(190.0, 152.0, 30.0, 32.0, 0xFFF3C4);
    easel.path(slice(205.0, 152.0, 21.0, -1.0, 0.0), RED);
    easel.rect(203.0, 118.0, 4.0, 16.0, INK);
    easel.rounded(196.0, 326.0, 18.0, 28.0, 8.0, INK);
    easel.rect(60.0, 306.0, 74.0, 42.0, CREAM);
    easel.polygon(&[(52.0, 308.0), (97.0, 276.0), (142.0, 308.0)], RED);
    easel.rect(84.0, 322.0, 14.0, 16.0, MUSTARD);
}

fn launch() -> Sprite {
    let mut easel = Easel::clear(330, 190);
    easel.strokes(&[(176.0, 74.0), (176.0, 12.0)], 5.0, INK);
    easel.strokes(&[(150.0, 34.0), (202.0, 34.0)], 4.0, INK);
    easel.polygon(&[(178.0, 12.0), (220.0, 21.0), (178.0, 30.0)], RED);
    easel.polygon(&[(112.0, 128.0), (128.0, 72.0), (214.0, 72.0), (238.0, 128.0)], CREAM);
    for (x, width) in [(136.0, 28.0), (172.0, 44.0)] {
        easel.rounded(x, 82.0, width, 26.0, 4.0, TEAL);
        easel.path_sheer(
            polygon(&[(x + 4.0, 104.0), (x + 16.0, 84.0), (x + 22.0, 84.0), (x + 10.0, 104.0)]),
            0xFFFFFF,
            0.5,
        );
    }
    easel.rect(120.0, 66.0, 102.0, 9.0, RED);
    easel.polygon(&[(66.0, 126.0), (70.0, 92.0), (104.0, 92.0), (108.0, 126.0)], ORANGE);
    easel.rect(66.0, 92.0, 40.0, 9.0, INK);
    easel.polygon(&[(14.0, 122.0), (318.0, 114.0), (276.0, 178.0), (44.0, 178.0)], NAVY);
    easel.polygon(&[(14.0, 122.0), (318.0, 114.0), (311.0, 126.0), (18.0, 133.0)], CREAM);
    easel.polygon(&[(36.0, 164.0), (286.0, 164.0), (276.0, 178.0), (44.0, 178.0)], RED);
    easel.text(Line::centred("PATROL", 34.0, 166.0, 159.0, CREAM).spaced(0.12));
    for x in [60.0, 250.0] {
        easel.ring(x, 140.0, 9.0, 5.0, MUSTARD);
    }
    easel.sprite()
}

/// The beam in one of its directions: long when seen from the side, short and bright towards the viewer.
fn beam(step: usize) -> Sprite {
    let angle = step as f32 / BEAMS as f32 * TAU;
    let (reach, spread) = (angle.cos() * 560.0, 16.0 + 40.0 * angle.sin().abs());
    let mut easel = Easel::clear(1140, 150);
    for layer in 0..5 {
        let part = 1.0 - layer as f32 * 0.17;
        let end = spread * part;
        easel.path_sheer(
            polygon(&[
                (570.0, 71.0),
                (570.0 + reach * part, 75.0 - end),
                (570.0 + reach * part, 75.0 + end),
                (570.0, 79.0),
            ]),
            0xFFF3C4,
            0.12,
        );
    }
    easel.sprite()
}

fn lamp() -> Sprite {
    let mut easel = Easel::clear(150, 150);
    easel.glow(75.0, 75.0, 74.0, 0xFFF3C4, 0.9);
    easel.sprite()
}

fn gull(side: f32) -> Sprite {
    let mut easel = Easel::clear(74, 44);
    let lift = 22.0 - 12.0 * side;
    easel.strokes(
        &[(4.0, lift), (20.0, 22.0 - 4.0 * side), (37.0, 24.0), (54.0, 22.0 - 4.0 * side), (70.0, lift)],
        5.0,
        0xFFFFFF,
    );
    easel.oval(37.0, 25.0, 11.0, 5.0, 0xFFFFFF);
    easel.polygon(&[(47.0, 23.0), (56.0, 25.0), (47.0, 27.0)], ORANGE);
    easel.sprite()
}

fn glint(width: f32, colour: u32) -> Sprite {
    let mut easel = Easel::clear(width as u32, 6);
    easel.path_sheer(rounded(0.0, 0.0, width, 5.0, 2.5), colour, 0.9);
    easel.sprite()
}

fn buoy() -> Sprite {
    let mut easel = Easel::clear(60, 96);
    easel.polygon(&[(16.0, 66.0), (26.0, 18.0), (34.0, 18.0), (44.0, 66.0)], RED);
    easel.polygon(&[(20.0, 48.0), (23.0, 34.0), (37.0, 34.0), (40.0, 48.0)], CREAM);
    easel.disc(30.0, 13.0, 8.0, MUSTARD);
    easel.rounded(6.0, 64.0, 48.0, 22.0, 10.0, RED);
    easel.stroke(arc(30.0, 70.0, 20.0, 8.0, 0.05, 0.45), 3.0, STEEL);
    easel.sprite()
}

fn cloud(colour: u32) -> Sprite {
    let mut easel = Easel::clear(260, 70);
    for (x, y, r) in [(70.0, 44.0, 24.0), (120.0, 34.0, 32.0), (172.0, 42.0, 26.0)] {
        easel.path(circle(x, y, r), colour);
    }
    easel.rounded(20.0, 42.0, 220.0, 26.0, 13.0, colour);
    easel.sprite()
}
