//! Cards that stand between moving pictures: a title, the end of a part, the end.

use super::{HEIGHT, WIDTH, ease, opacity};
use crate::easel::{Easel, Line, gear, open, star};
use crate::palette::{CREAM, INK, STRIPES, blend};
use crate::reel::Scene;
use crate::sprite::Sprite;
use crate::stage::Stage;
use std::f32::consts::TAU;
use tiny_skia::Pixmap;

/// A card in the colours of its series.
pub(crate) struct Card {
    style: Style,
    /// Small, above.
    kicker: String,
    /// Large.
    title: String,
    /// Below the title; comes up after it.
    caption: Sprite,
}

/// Colours and ornament of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) ground: u32,
    pub(crate) rays: u32,
    pub(crate) title: u32,
    pub(crate) shadow: u32,
    pub(crate) ornament: Ornament,
}

/// What is drawn round a card's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ornament {
    /// Stars of four points.
    Stars,
    /// Waves along the lower edge.
    Waves,
    /// Wheels in the corners.
    Wheels,
    /// A low sun and the station's stripes.
    Sun,
}

/// Width that titles are kept within.
const TITLE_ROOM: f32 = 1080.0;

impl Card {
    /// A card with a small line, a large one and a caption that appears after a moment.
    pub(crate) fn new(style: Style, kicker: &str, title: &str, caption: &str) -> Card {
        let mut easel = Easel::clear(WIDTH, 110);
        let line = Line::centred(caption, 62.0, 640.0, 72.0, CREAM).within(TITLE_ROOM);
        easel.text_with_shadow(line, 4.0, blend(style.ground, INK, 0.6));
        Card { style, kicker: kicker.to_owned(), title: title.to_owned(), caption: easel.sprite() }
    }
}

impl Scene for Card {
    fn backdrop(&self) -> Pixmap {
        let style = self.style;
        let mut easel = Easel::filled(WIDTH, HEIGHT, style.ground);
        easel.rays(640.0, 380.0, 18, style.rays, 0.55);
        ornament(&mut easel, style);
        let kicker = Line::centred(&self.kicker, 40.0, 640.0, 226.0, blend(style.title, CREAM, 0.6));
        easel.text(kicker.spaced(0.16).within(TITLE_ROOM));
        let title = Line::centred(&self.title, 150.0, 640.0, 390.0, style.title).within(TITLE_ROOM);
        easel.text_with_shadow(title, 9.0, style.shadow);
        for (i, colour) in STRIPES.into_iter().enumerate() {
            easel.rounded(440.0, 428.0 + 11.0 * i as f32, 400.0, 8.0, 4.0, colour);
        }
        easel.finish()
    }

    fn animate(&self, stage: &mut Stage, seconds: f32) {
        let come = ease(seconds, 0.5, 0.7);
        stage.lay_sheer(&self.caption, 0, 486 + (26.0 * (1.0 - come)) as i32, opacity(come));
    }
}

fn ornament(easel: &mut Easel, style: Style) {
    let light = blend(style.rays, CREAM, 0.35);
    match style.ornament {
        Ornament::Stars => {
            for (x, y, size) in [
                (130.0, 140.0, 54.0),
                (232.0, 84.0, 24.0),
                (1136.0, 176.0, 40.0),
                (1060.0, 92.0, 62.0),
                (150.0, 610.0, 34.0),
                (1120.0, 600.0, 48.0),
                (1208.0, 522.0, 22.0),
                (76.0, 470.0, 20.0),
            ] {
                easel.path(star(x, y, size, size * 0.2, 4, 0.0), light);
            }
        }
        Ornament::Waves => {
            for row in 0..3 {
                let y = 612.0 + 36.0 * row as f32;
                let line: Vec<(f32, f32)> = (0..=128)
                    .map(|i| i as f32 * 10.0)
                    .map(|x| (x, y - 20.0 * ((x + 40.0 * row as f32) / 130.0 * TAU / 2.0).sin().abs()))
                    .collect();
                let mut body = line.clone();
                body.extend([(1280.0, 720.0), (0.0, 720.0)]);
                easel.polygon(&body, blend(style.rays, style.ground, 0.3 * row as f32));
                easel.stroke(open(&line), 5.0, light);
            }
        }
        Ornament::Wheels => {
            for (x, y, radius, teeth) in [
                (60.0, 90.0, 150.0, 18),
                (1240.0, 640.0, 190.0, 22),
                (1190.0, 70.0, 90.0, 12),
                (70.0, 660.0, 110.0, 14),
            ] {
                easel.path(gear(x, y, radius, radius * 0.14, teeth, 0.01), style.rays);
                easel.ring(x, y, radius * 0.62, 10.0, light);
                easel.disc(x, y, radius * 0.2, style.ground);
            }
        }
        Ornament::Sun => {
            easel.disc(640.0, 790.0, 122.0, light);
            for (i, colour) in STRIPES.into_iter().rev().enumerate() {
                easel.ring(640.0, 790.0, 144.0 + 26.0 * i as f32, 18.0, colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_comes_up_and_stays() {
        let style =
            Style { ground: 0x102030, rays: 0x203040, title: CREAM, shadow: INK, ornament: Ornament::Waves };
        let card = Card::new(style, "EPISODE 1", "Harbour Patrol", "The Missing Buoy");
        let mut stage = Stage::new(WIDTH, HEIGHT);
        stage.hang(&card.backdrop());
        let empty = stage.picture().clone();
        let mut at = |seconds| {
            stage.begin();
            card.animate(&mut stage, seconds);
            stage.picture().clone()
        };
        assert!(at(0.2) == empty);
        assert!(at(0.9) != empty);
        assert!(at(2.0) == at(3.0));
    }
}
