//! The test card: geometry, colour bars, a grey scale, a clock that runs and a box that moves.
//!
//! After the cards of the fifties; its bars are the 75 % bars of ITU-R BT.471.

use super::{HEIGHT, WIDTH, round_of};
use crate::counter::{Counter, elapsed};
use crate::easel::{Easel, Line, arc};
use crate::palette::{CREAM, INK, MUSTARD, NAVY, RED, STRIPES};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use retrovue_timebase::FrameRate;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// The card.
pub(crate) struct TestCard {
    rate: FrameRate,
    clock: Counter,
    frames: Counter,
    /// Goes round the circle once a minute.
    dot: Sprite,
    marker: Sprite,
}

/// Bars at 75 %: grey, yellow, cyan, green, magenta, red, blue.
const BARS: [u32; 7] = [0xBFBFBF, 0xBFBF00, 0x00BFBF, 0x00BF00, 0xBF00BF, 0xBF0000, 0x0000BF];

/// Steps of the grey scale.
const GREYS: usize = 8;

impl TestCard {
    /// The card for a picture rate, which its frame number counts.
    pub(crate) fn new(rate: FrameRate) -> TestCard {
        let mut marker = Easel::clear(40, 22);
        marker.rounded(0.0, 0.0, 40.0, 22.0, 6.0, RED);
        let mut dot = Easel::clear(24, 24);
        dot.disc(12.0, 12.0, 11.0, MUSTARD);
        TestCard {
            rate,
            clock: Counter::new(150.0, CREAM),
            frames: Counter::new(58.0, MUSTARD),
            dot: dot.sprite(),
            marker: marker.sprite(),
        }
    }
}

impl Scene for TestCard {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::filled(WIDTH, HEIGHT, 0x55616B);
        for column in 0..=16 {
            easel.rect(column as f32 * 80.0 - 1.0, 0.0, 2.0, 720.0, 0xC9D1D6);
        }
        for row in 0..=9 {
            easel.rect(0.0, row as f32 * 80.0 - 1.0, 1280.0, 2.0, 0xC9D1D6);
        }
        castellations(&mut easel);
        for (x, y) in [(160.0, 160.0), (1120.0, 160.0), (160.0, 560.0), (1120.0, 560.0)] {
            easel.ring(x, y, 78.0, 5.0, CREAM);
            easel.ring(x, y, 52.0, 3.0, CREAM);
            easel.rect(x - 24.0, y - 1.5, 48.0, 3.0, CREAM);
            easel.rect(x - 1.5, y - 24.0, 3.0, 48.0, CREAM);
        }
        easel.disc(640.0, 360.0, 322.0, CREAM);
        easel.disc(640.0, 360.0, 314.0, NAVY);
        easel.rect(368.0, 210.0, 544.0, 6.0, CREAM);
        easel.text(Line::centred("RetroVue", 84.0, 640.0, 162.0, CREAM));
        easel.text(Line::centred("TEST CARD", 30.0, 640.0, 196.0, MUSTARD).spaced(0.2));
        for (i, colour) in BARS.into_iter().enumerate() {
            easel.rect(402.0 + 68.0 * i as f32, 406.0, 68.0, 92.0, colour);
        }
        for step in 0..GREYS {
            let level = (step * 255 / (GREYS - 1)) as u32;
            easel.rect(402.0 + 59.5 * step as f32, 498.0, 60.0, 46.0, level * 0x010101);
        }
        for (i, colour) in STRIPES.into_iter().enumerate() {
            easel.stroke(
                arc(640.0, 360.0, 300.0 - 16.0 * i as f32, 300.0 - 16.0 * i as f32, 0.145, 0.355),
                11.0,
                colour,
            );
        }
        easel.rounded(440.0, 556.0, 400.0, 64.0, 16.0, INK);
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        // The scene begins with the film, so its seconds are the film's; the nearest frame undoes the
        // division that made them.
        let k = (f64::from(seconds) * self.rate.num() as f64 / self.rate.den() as f64).round() as i64;
        let (sin, cos) = (seconds / 60.0 * TAU).sin_cos();
        stage.lay_centred(&self.dot, 640.0 + 303.0 * sin, 360.0 - 303.0 * cos, 255);
        self.clock.lay_centred(stage, &elapsed(self.rate, k), 640, 356);
        self.frames.lay_centred(stage, &format!("{k:05}"), 640, 610);
        // Once from edge to edge in four seconds: uneven delivery shows as a limp.
        let x = 1280.0 * round_of(seconds, 4.0) / 4.0;
        stage.lay_centred(&self.marker, x, 700.0, 255);
    }
}

/// The edge that shows how much of the picture a set cuts off.
fn castellations(easel: &mut Easel) {
    for column in 0..16 {
        let colour = if column % 2 == 0 { CREAM } else { INK };
        easel.rect(column as f32 * 80.0, 0.0, 80.0, 18.0, colour);
        easel.rect(column as f32 * 80.0, 690.0, 80.0, 30.0, if column % 2 == 0 { INK } else { CREAM });
    }
    for row in 0..9 {
        let colour = if row % 2 == 0 { INK } else { CREAM };
        easel.rect(0.0, row as f32 * 80.0, 18.0, 80.0, colour);
        easel.rect(1262.0, row as f32 * 80.0, 18.0, 80.0, colour);
    }
}
