//! Advertisements: a question in large words, then the thing itself.
//!
//! Two scenes that every product shares; what a product looks like is in `products`.

use super::products::Product;
use super::{HEIGHT, WIDTH, ease, opacity, round_of, spring, swing};
use crate::dice::Dice;
use crate::easel::{Easel, Line, star};
use crate::palette::{CREAM, INK, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use tiny_skia::Pixmap;

/// Words that come in one after another.
pub(crate) struct Hook {
    ground: u32,
    accent: u32,
    words: Vec<Sprite>,
}

/// The product, its name, and why one cannot do without it.
pub(crate) struct PackShot {
    product: &'static Product,
    pack: Sprite,
    badge: [Sprite; 3],
    promise: Sprite,
    bit: Sprite,
    bits: Vec<(f32, f32, f32)>,
}

/// Distance between the lines of a hook.
const LEADING: f32 = 158.0;

impl Hook {
    /// The opening of a product's advertisement.
    pub(crate) fn new(product: &Product) -> Hook {
        let words = product
            .hook
            .iter()
            .map(|word| {
                let mut easel = Easel::clear(WIDTH, 200);
                let line = Line::centred(word, 150.0, 640.0, 138.0, product.lettering).within(1140.0);
                easel.text_with_shadow(line, 8.0, blend(product.accent, INK, 0.65));
                easel.sprite()
            })
            .collect();
        Hook { ground: product.accent, accent: product.ground, words }
    }
}

impl Scene for Hook {
    fn backdrop(&self) -> Pixmap {
        let mut easel = Easel::filled(WIDTH, HEIGHT, self.ground);
        let spot = blend(self.ground, self.accent, 0.28);
        // Dots in a raster that grow towards the lower right, as print has them.
        for row in 0..12 {
            for column in 0..21 {
                let (x, y) = (column as f32 * 64.0 + 32.0 * (row % 2) as f32, row as f32 * 64.0);
                easel.disc(x, y, 4.0 + 15.0 * (x / 1280.0 + y / 720.0) / 2.0, spot);
            }
        }
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        let first = 360.0 - LEADING * self.words.len() as f32 / 2.0 - 24.0;
        for (i, word) in self.words.iter().enumerate() {
            let start = 0.15 + 0.65 * i as f32;
            if seconds >= start {
                let side = if i % 2 == 0 { -1.0 } else { 1.0 };
                let x = side * 1280.0 * (1.0 - spring(seconds, start, 0.5));
                stage.lay(word, x as i32, (first + LEADING * i as f32) as i32);
            }
        }
    }
}

impl PackShot {
    /// The second half of a product's advertisement.
    pub(crate) fn new(product: &'static Product) -> PackShot {
        let mut pack = Easel::clear(460, 500);
        (product.draw)(&mut pack);
        let mut promise = Easel::clear(WIDTH, 112);
        promise.rect(0.0, 0.0, WIDTH as f32, 112.0, blend(product.accent, INK, 0.15));
        promise.text(Line::centred(product.promise, 60.0, 640.0, 76.0, CREAM).within(1180.0));
        let mut bit = Easel::clear(34, 34);
        (product.bit)(&mut bit);
        let mut dice = Dice::new(product.name.len() as u64 * 31 + u64::from(product.ground));
        let bits =
            (0..11).map(|_| (dice.between(620.0, 1240.0), dice.between(60.0, 170.0), dice.unit())).collect();
        PackShot {
            product,
            pack: pack.sprite(),
            badge: [0.94, 1.0, 1.06].map(|scale| badge(product, scale)),
            promise: promise.sprite(),
            bit: bit.sprite(),
            bits,
        }
    }
}

impl Scene for PackShot {
    fn backdrop(&self) -> Pixmap {
        let product = self.product;
        let mut easel = Easel::filled(WIDTH, HEIGHT, product.ground);
        easel.rays(900.0, 330.0, 22, blend(product.ground, 0xFFFFFF, 0.3), 0.6);
        easel.glow(900.0, 330.0, 330.0, 0xFFFFFF, 0.35);
        easel.oval(900.0, 566.0, 190.0, 20.0, blend(product.ground, INK, 0.35));
        let shadow = blend(product.ground, INK, 0.65);
        for (i, line) in product.name.split('\n').enumerate() {
            let y = 240.0 + 128.0 * i as f32;
            let line = Line::left(line, 132.0, 72.0, y, product.lettering).within(580.0);
            easel.text_with_shadow(line, 8.0, shadow);
        }
        let below = 330.0 + 128.0 * product.name.matches('\n').count() as f32;
        easel.rounded(72.0, below - 52.0, 300.0, 10.0, 5.0, product.accent);
        let words = if product.dark { product.lettering } else { shadow };
        easel.text(Line::left(product.what, 46.0, 72.0, below + 16.0, words).within(600.0));
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        for &(x, speed, phase) in &self.bits {
            let y = 620.0 - round_of(seconds * speed + phase * 700.0, 700.0);
            stage.lay_centred(&self.bit, x + 18.0 * swing(seconds, 2.2, phase), y, 215);
        }
        let fall = spring(seconds, 0.1, 0.7);
        let hop = if seconds > 1.0 { 14.0 * swing(seconds - 1.0, 2.0, 0.0).abs() } else { 0.0 };
        stage.lay_centred(&self.pack, 900.0, -280.0 + 600.0 * fall - hop, 255);
        if seconds > 1.6 {
            let size = [1, 2, 1, 0][(seconds * 5.0) as usize % 4];
            stage.lay_centred(&self.badge[size], 1148.0, 140.0, opacity(ease(seconds, 1.6, 0.3)));
        }
        let rise = ease(seconds, 2.6, 0.5);
        stage.lay(&self.promise, 0, 720 - (112.0 * rise) as i32);
    }
}

fn badge(product: &Product, scale: f32) -> Sprite {
    let mut easel = Easel::clear(240, 240);
    easel.place(120.0, 120.0, -0.03, scale);
    easel.path(star(5.0, 6.0, 108.0, 92.0, 18, 0.0), blend(product.ground, INK, 0.5));
    easel.path(star(0.0, 0.0, 108.0, 92.0, 18, 0.0), product.accent);
    easel.ring(0.0, 0.0, 82.0, 4.0, CREAM);
    easel.text(Line::centred(product.badge, 68.0, 0.0, 22.0, CREAM).within(144.0));
    easel.unplace();
    easel.sprite()
}
