//! The world of "The Clockmakers": a workshop wall of wheels, a great dial, and a bird on the hour.

use super::{HEIGHT, WIDTH, round_of, spring, swing};
use crate::easel::{Easel, Line, gear, oval, polygon, rounded, slice, star};
use crate::palette::{BROWN, CREAM, GREEN, INK, MINT, MUSTARD, ORANGE, PLUM, RED, SKY, STEEL, TEAL, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// One day in the workshop.
pub(crate) struct Clockmakers {
    look: Look,
    wheels: Vec<Wheel>,
    second_hands: Vec<Sprite>,
    minute_hands: Vec<Sprite>,
    pendulum: Vec<Sprite>,
    bird: Sprite,
    doors: Sprite,
    mouse: Sprite,
}

/// A wheel, drawn at several turns within one tooth.
struct Wheel {
    turns: Vec<Sprite>,
    x: f32,
    y: f32,
    /// Teeth a second; negative turns the other way.
    speed: f32,
}

/// What differs from episode to episode.
#[derive(Clone, Copy)]
struct Look {
    wall: [u32; 2],
    dial: u32,
    rim: u32,
    bird: u32,
    minutes: f32,
}

/// Looks by episode, from the first.
const LOOKS: [Look; 4] = [
    Look { wall: [0x7A3F2B, 0x5E2E22], dial: CREAM, rim: MUSTARD, bird: SKY, minutes: 56.0 },
    Look { wall: [0x35606B, 0x274A57], dial: 0xF2F5EE, rim: STEEL, bird: RED, minutes: 14.0 },
    Look { wall: [0x7B7F3A, 0x5D6430], dial: CREAM, rim: ORANGE, bird: MUSTARD, minutes: 29.0 },
    Look { wall: [0x5A3358, 0x452643], dial: 0xF9E3D0, rim: MUSTARD, bird: GREEN, minutes: 42.0 },
];

/// Middle and radius of the dial.
const DIAL: (f32, f32, f32) = (640.0, 268.0, 190.0);

/// Where the pendulum hangs.
const PIVOT: (f32, f32) = (1082.0, 236.0);

/// Drawn turns within one tooth.
const TOOTH_STEPS: usize = 10;

/// Drawn positions of the pendulum from side to side.
const PENDULUM_STEPS: usize = 41;

impl Clockmakers {
    /// The day of an episode, counted from 1.
    pub(crate) fn new(episode: usize) -> Clockmakers {
        let look = LOOKS[(episode + LOOKS.len() - 1) % LOOKS.len()];
        let brass = blend(look.rim, 0xFFFFFF, 0.05);
        let wheels = vec![
            wheel(190.0, 300.0, 128.0, 20, 2.5, brass),
            wheel(352.0, 470.0, 84.0, 13, -2.5, blend(look.rim, BROWN, 0.35)),
            wheel(110.0, 508.0, 62.0, 10, -2.5, blend(STEEL, BROWN, 0.15)),
        ];
        Clockmakers {
            look,
            wheels,
            second_hands: (0..60).map(|s| second_hand(s as f32 / 60.0)).collect(),
            minute_hands: (0..4).map(|m| hands(look.minutes + m as f32)).collect(),
            pendulum: (0..PENDULUM_STEPS).map(pendulum).collect(),
            bird: bird(look.bird),
            doors: doors(),
            mouse: mouse(),
        }
    }
}

impl Scene for Clockmakers {
    fn backdrop(&self) -> Pixmap {
        let look = self.look;
        let mut easel = Easel::filled(WIDTH, HEIGHT, look.wall[0]);
        // Wallpaper: stripes with a small diamond.
        for column in 0..16 {
            let x = column as f32 * 80.0;
            easel.rect(x, 0.0, 40.0, 600.0, look.wall[1]);
            for row in 0..6 {
                let y = 60.0 + row as f32 * 110.0 + if column % 2 == 0 { 0.0 } else { 55.0 };
                easel.path(star(x + 60.0, y, 11.0, 5.0, 4, 0.0), blend(look.wall[0], CREAM, 0.22));
            }
        }
        easel.rect(0.0, 556.0, 1280.0, 164.0, BROWN);
        easel.rect(0.0, 556.0, 1280.0, 10.0, blend(BROWN, MUSTARD, 0.35));
        for x in [0.0, 322.0, 640.0, 966.0] {
            easel.rect(x, 566.0, 3.0, 154.0, blend(BROWN, INK, 0.4));
        }
        dial(&mut easel, look);
        case(&mut easel);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for wheel in &self.wheels {
            let step = (seconds * wheel.speed * TOOTH_STEPS as f32).rem_euclid(TOOTH_STEPS as f32) as usize;
            stage.lay_centred(&wheel.turns[step % TOOTH_STEPS], wheel.x, wheel.y, 255);
        }
        // The bird comes out four times a minute, bows, and goes back behind its doors.
        let call = round_of(seconds + 9.0, 15.0);
        let out = spring(call, 0.0, 0.4) * (1.0 - spring(call, 3.0, 0.4));
        if call < 3.6 {
            let bow = 6.0 * swing(call, 0.75, 0.0).abs();
            stage.lay_centred(&self.bird, PIVOT.0 - 46.0 * out, 152.0 + bow, 255);
        } else {
            stage.lay_centred(&self.doors, PIVOT.0, 150.0, 255);
        }
        let place = (swing(seconds, 2.0, 0.0) + 1.0) / 2.0 * (PENDULUM_STEPS - 1) as f32;
        stage.lay_centred(
            &self.pendulum[(place.round() as usize).min(PENDULUM_STEPS - 1)],
            PIVOT.0,
            380.0,
            255,
        );
        let minute = (seconds / 15.0) as usize % self.minute_hands.len();
        stage.lay_centred(&self.minute_hands[minute], DIAL.0, DIAL.1, 255);
        // A second hand ticks: it stands, and jumps with a little spring.
        let second = seconds.floor();
        let jump = if seconds - second < 0.07 { -1 } else { 0 };
        let at = (second as i64 + jump).rem_euclid(60) as usize;
        stage.lay_centred(&self.second_hands[at], DIAL.0, DIAL.1, 255);
        let run = round_of(seconds + 3.0, 12.0);
        if run < 5.0 {
            let hop = 5.0 * swing(run, 0.34, 0.0).abs();
            stage.lay_centred(&self.mouse, -60.0 + 280.0 * run, 534.0 - hop, 255);
        }
    }
}

fn wheel(x: f32, y: f32, radius: f32, teeth: usize, speed: f32, colour: u32) -> Wheel {
    let turns = (0..TOOTH_STEPS)
        .map(|step| {
            let turn = step as f32 / (TOOTH_STEPS * teeth) as f32;
            let side = radius * 2.0 + 8.0;
            let c = side / 2.0;
            let mut easel = Easel::clear(side as u32, side as u32);
            easel.path(gear(c, c, radius, radius * 0.13, teeth, turn), colour);
            easel.ring(c, c, radius * 0.72, 3.0, blend(colour, INK, 0.35));
            // No spokes: a turn of one tooth would show them jumping back.
            easel.disc(c, c, radius * 0.52, blend(colour, INK, 0.55));
            easel.disc(c, c, radius * 0.44, blend(colour, 0xFFFFFF, 0.12));
            easel.disc(c, c, radius * 0.13, blend(colour, INK, 0.6));
            easel.disc(c, c, radius * 0.06, CREAM);
            easel.sprite()
        })
        .collect();
    Wheel { turns, x, y, speed }
}

fn dial(easel: &mut Easel, look: Look) {
    let (x, y, r) = DIAL;
    easel.path_sheer(oval(x + 10.0, y + 14.0, r + 26.0, r + 26.0), INK, 0.4);
    easel.shaded(
        oval(x, y, r + 26.0, r + 26.0),
        y - r,
        y + r,
        blend(look.rim, 0xFFFFFF, 0.35),
        blend(look.rim, INK, 0.25),
    );
    easel.disc(x, y, r + 8.0, blend(look.rim, INK, 0.45));
    easel.disc(x, y, r, look.dial);
    easel.ring(x, y, r * 0.94, 2.5, BROWN);
    for minute in 0..60 {
        let angle = minute as f32 / 60.0 * TAU;
        let (long, width) = if minute % 5 == 0 { (0.085, 6.0) } else { (0.04, 2.5) };
        let at = |part: f32| (x + r * part * angle.sin(), y - r * part * angle.cos());
        easel.strokes(&[at(0.93), at(0.93 - long)], width, BROWN);
    }
    for hour in 1..=12 {
        let angle = hour as f32 / 12.0 * TAU;
        let (nx, ny) = (x + r * 0.71 * angle.sin(), y - r * 0.71 * angle.cos());
        easel.text(Line::centred(&hour.to_string(), 44.0, nx, ny + 14.0, BROWN));
    }
    easel.text(Line::centred("CLOCKMAKERS", 21.0, x, y + 68.0, PLUM).spaced(0.08));
    easel.text(Line::centred("& DAUGHTERS", 15.0, x, y + 90.0, PLUM).spaced(0.12));
}

/// The tall case on the right, with the bird's house on top.
fn case(easel: &mut Easel) {
    let (x, _) = PIVOT;
    let wood = 0x8A5230;
    easel.path_sheer(rounded(x - 118.0, 92.0, 260.0, 470.0, 14.0), INK, 0.3);
    easel.rounded(x - 126.0, 210.0, 252.0, 352.0, 12.0, wood);
    easel.rounded(x - 102.0, 228.0, 204.0, 316.0, 10.0, blend(wood, INK, 0.55));
    easel.rect(x - 104.0, 112.0, 208.0, 106.0, wood);
    easel.polygon(&[(x - 138.0, 120.0), (x, 40.0), (x + 138.0, 120.0)], 0x6B3A22);
    easel.polygon(&[(x - 108.0, 112.0), (x, 52.0), (x + 108.0, 112.0)], blend(0x6B3A22, MUSTARD, 0.25));
    easel.path(star(x, 90.0, 17.0, 8.0, 8, 0.0), MUSTARD);
    easel.path(slice(x, 184.0, 62.0, -1.0, 0.0), INK);
    easel.rect(x - 62.0, 180.0, 124.0, 20.0, INK);
    easel.rect(x - 126.0, 200.0, 252.0, 14.0, 0x6B3A22);
}

fn doors() -> Sprite {
    let mut easel = Easel::clear(130, 100);
    easel.path(slice(65.0, 84.0, 62.0, -1.0, 0.0), 0xB5713F);
    easel.rect(3.0, 80.0, 124.0, 20.0, 0xB5713F);
    easel.rect(63.5, 22.0, 3.0, 78.0, INK);
    easel.disc(53.0, 70.0, 5.0, MUSTARD);
    easel.disc(77.0, 70.0, 5.0, MUSTARD);
    easel.sprite()
}

fn bird(colour: u32) -> Sprite {
    let mut easel = Easel::clear(150, 90);
    easel.rect(70.0, 62.0, 80.0, 7.0, STEEL);
    easel.oval(66.0, 52.0, 36.0, 24.0, colour);
    easel.polygon(&[(92.0, 44.0), (128.0, 30.0), (116.0, 58.0)], blend(colour, INK, 0.3));
    easel.disc(42.0, 32.0, 21.0, colour);
    easel.polygon(&[(26.0, 26.0), (2.0, 20.0), (25.0, 33.0)], MUSTARD);
    easel.polygon(&[(25.0, 34.0), (4.0, 42.0), (28.0, 41.0)], ORANGE);
    easel.disc(38.0, 28.0, 6.5, 0xFFFFFF);
    easel.disc(36.5, 28.0, 3.2, INK);
    easel.polygon(&[(58.0, 48.0), (92.0, 46.0), (74.0, 66.0)], blend(colour, 0xFFFFFF, 0.35));
    easel.sprite()
}

fn pendulum(step: usize) -> Sprite {
    // A swing of a sixteenth of a turn to each side.
    let angle = (step as f32 / (PENDULUM_STEPS - 1) as f32 - 0.5) * TAU / 16.0;
    let (x, y) = (100.0 + 240.0 * angle.sin(), 14.0 + 240.0 * angle.cos());
    let mut easel = Easel::clear(200, 300);
    easel.strokes(&[(100.0, 14.0), (x, y)], 7.0, MUSTARD);
    easel.disc(x, y, 38.0, blend(MUSTARD, INK, 0.3));
    easel.disc(x, y, 34.0, MUSTARD);
    easel.disc(x - 6.0, y - 6.0, 22.0, blend(MUSTARD, 0xFFFFFF, 0.35));
    easel.disc(100.0, 14.0, 9.0, STEEL);
    easel.sprite()
}

fn hand(easel: &mut Easel, centre: f32, turn: f32, length: f32, width: f32, colour: u32) {
    let (sin, cos) = (turn * TAU).sin_cos();
    let at =
        |along: f32, across: f32| (centre + along * sin + across * cos, centre - along * cos + across * sin);
    easel.path(
        polygon(&[
            at(-length * 0.16, width * 0.5),
            at(length * 0.7, width),
            at(length, 0.0),
            at(length * 0.7, -width),
            at(-length * 0.16, -width * 0.5),
        ]),
        colour,
    );
}

fn hands(minutes: f32) -> Sprite {
    let mut easel = Easel::clear(360, 360);
    hand(&mut easel, 180.0, (10.0 + minutes / 60.0) / 12.0, 98.0, 10.0, INK);
    hand(&mut easel, 180.0, minutes / 60.0, 150.0, 8.0, INK);
    easel.disc(180.0, 180.0, 15.0, INK);
    easel.sprite()
}

fn second_hand(turn: f32) -> Sprite {
    let mut easel = Easel::clear(360, 360);
    hand(&mut easel, 180.0, turn, 164.0, 3.0, RED);
    easel.disc(180.0, 180.0, 9.0, RED);
    easel.disc(180.0, 180.0, 3.5, CREAM);
    easel.sprite()
}

fn mouse() -> Sprite {
    let mut easel = Easel::clear(110, 50);
    easel.strokes(&[(2.0, 30.0), (14.0, 38.0), (30.0, 36.0)], 4.0, 0xD9A0A0);
    easel.oval(58.0, 34.0, 32.0, 15.0, MINT);
    easel.disc(86.0, 28.0, 13.0, MINT);
    easel.disc(80.0, 14.0, 9.0, blend(MINT, TEAL, 0.3));
    easel.disc(90.0, 25.0, 2.8, INK);
    easel.disc(100.0, 31.0, 3.2, 0xD9A0A0);
    easel.sprite()
}
