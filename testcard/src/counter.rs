//! Running numerals: the elapsed time and the frame number that change with every picture.
//!
//! Numerals are drawn once and stand in cells of one width, so that a running clock does not tremble.

use crate::easel::{Easel, Line};
use crate::sprite::Sprite;
use crate::stage::Stage;
use crate::typeface::typeface;
use retrovue_timebase::FrameRate;

/// The numerals of one size and colour.
pub(crate) struct Counter {
    numerals: Vec<Sprite>,
    colon: Sprite,
    cell: i32,
    colon_cell: i32,
    /// From the top of a sprite to the baseline.
    baseline: i32,
}

impl Counter {
    /// Numerals of `size` pixels to the em.
    pub(crate) fn new(size: f32, colour: u32) -> Counter {
        let widest = ('0'..='9').map(|c| typeface().width(&c.to_string(), size, 0.0)).fold(0.0, f32::max);
        let cell = widest.ceil() as i32 + 1;
        let colon_cell = (size * 0.3).ceil() as i32;
        let baseline = (size * typeface().cap_height()).ceil() + 3.0;
        let draw = |text: String, width: i32| {
            let mut easel = Easel::clear(width as u32, baseline as u32 + 4);
            easel.text(Line::centred(&text, size, width as f32 / 2.0, baseline, colour));
            easel.sprite()
        };
        Counter {
            numerals: ('0'..='9').map(|c| draw(c.to_string(), cell)).collect(),
            colon: draw(":".to_owned(), colon_cell),
            cell,
            colon_cell,
            baseline: baseline as i32,
        }
    }

    /// Width of a text of digits and colons in pixels.
    pub(crate) fn width(&self, text: &str) -> i32 {
        text.chars().map(|c| if c == ':' { self.colon_cell } else { self.cell }).sum()
    }

    /// Lays digits and colons from `x` on the baseline `y`; other letters leave an empty cell.
    pub(crate) fn lay(&self, stage: &mut Stage, text: &str, mut x: i32, y: i32) {
        for letter in text.chars() {
            if letter == ':' {
                stage.lay(&self.colon, x, y - self.baseline);
                x += self.colon_cell;
            } else {
                if let Some(sprite) = letter.to_digit(10).and_then(|d| self.numerals.get(d as usize)) {
                    stage.lay(sprite, x, y - self.baseline);
                }
                x += self.cell;
            }
        }
    }

    /// Lays a text so that it ends at `x`.
    pub(crate) fn lay_to(&self, stage: &mut Stage, text: &str, x: i32, y: i32) {
        self.lay(stage, text, x - self.width(text), y);
    }

    /// Lays a text with its middle at `x`.
    pub(crate) fn lay_centred(&self, stage: &mut Stage, text: &str, x: i32, y: i32) {
        self.lay(stage, text, x - self.width(text) / 2, y);
    }
}

/// Whole minutes and seconds that have passed when frame `k` is shown.
pub(crate) fn elapsed(rate: FrameRate, k: i64) -> String {
    let seconds = k.max(0) * rate.den() / rate.num();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_changes_with_the_first_frame_of_a_second() {
        let thirty = FrameRate::new(30, 1).unwrap();
        for (k, text) in [(0, "00:00"), (29, "00:00"), (30, "00:01"), (1799, "00:59"), (1800, "01:00")] {
            assert_eq!(elapsed(thirty, k), text, "frame {k}");
        }
        let film = FrameRate::new(24_000, 1001).unwrap();
        assert_eq!((elapsed(film, 23), elapsed(film, 24)), ("00:00".to_owned(), "00:01".to_owned()));
    }

    #[test]
    fn numerals_stand_in_equal_cells() {
        let counter = Counter::new(60.0, crate::palette::CREAM);
        assert_eq!(counter.width("11:11"), counter.width("00:00"));
        assert_eq!(counter.width("1"), counter.width("8"));
    }
}
