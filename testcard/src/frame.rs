//! A picture as the encoder wants it: 8-bit 4:2:0, limited range, with the two ways to put pixels in it.
//!
//! Colours are converted by the matrix of ITU-R BT.709. Nothing here knows what is drawn.

use crate::sprite::{Layer, Sprite};
use tiny_skia::Pixmap;

/// A rectangle of whole pixels inside a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
}

/// Three planes; both sides of the picture are even.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: [Vec<u8>; 3],
}

impl Frame {
    /// Broadcast black.
    pub(crate) fn black(width: u32, height: u32) -> Frame {
        let (width, height) = (width as usize & !1, height as usize & !1);
        let chroma = width / 2 * (height / 2);
        Frame { width, height, planes: [vec![16; width * height], vec![128; chroma], vec![128; chroma]] }
    }

    /// The drawing laid on black.
    pub(crate) fn from_drawing(drawing: &Pixmap) -> Frame {
        let mut frame = Frame::black(drawing.width(), drawing.height());
        frame.lay(&Sprite::from_drawing(drawing), 0, 0, 255);
        frame
    }

    /// Lays a sprite with its top left corner at `x`, `y`, which may lie outside; `opacity` 255 is the
    /// sprite as it was drawn. Returns what was touched.
    pub(crate) fn lay(&mut self, sprite: &Sprite, x: i32, y: i32, opacity: u8) -> Option<Area> {
        let (x, y) = (x.saturating_add(sprite.inset.0), y.saturating_add(sprite.inset.1));
        let area = self.clip(x, y, sprite.luma.width, sprite.luma.height)?;
        if opacity == 0 {
            return None;
        }
        let (width, height) = (self.width, self.height);
        let [luma, chroma @ ..] = &mut self.planes;
        lay_layer([luma], (width, height), &sprite.luma, (x, y), opacity);
        let corner = (x.div_euclid(2), y.div_euclid(2));
        lay_layer(chroma.each_mut(), (width / 2, height / 2), sprite.chroma_for(x, y), corner, opacity);
        Some(area)
    }

    /// Copies an area from a frame of the same size, with the chroma samples it touches.
    pub(crate) fn restore(&mut self, from: &Frame, area: Area) {
        for row in area.top..area.bottom {
            let span = row * self.width + area.left..row * self.width + area.right;
            self.planes[0][span.clone()].copy_from_slice(&from.planes[0][span]);
        }
        let half = self.width / 2;
        for row in area.top / 2..area.bottom.div_ceil(2) {
            let span = row * half + area.left / 2..row * half + area.right.div_ceil(2);
            for plane in [1, 2] {
                self.planes[plane][span.clone()].copy_from_slice(&from.planes[plane][span.clone()]);
            }
        }
    }

    fn clip(&self, x: i32, y: i32, width: usize, height: usize) -> Option<Area> {
        let inside = |at: i32, len: usize, limit: usize| {
            let from = i64::from(at).clamp(0, limit as i64) as usize;
            let to = (i64::from(at) + len as i64).clamp(0, limit as i64) as usize;
            (from, to)
        };
        let (left, right) = inside(x, width, self.width);
        let (top, bottom) = inside(y, height, self.height);
        (left < right && top < bottom).then_some(Area { left, top, right, bottom })
    }
}

/// Lays `N` planes on planes of `width` by `height`.
fn lay_layer<const N: usize>(
    mut under: [&mut Vec<u8>; N],
    (width, height): (usize, usize),
    layer: &Layer<N>,
    (x, y): (i32, i32),
    opacity: u8,
) {
    for (row, ink) in layer.ink.iter().enumerate() {
        let line = i64::from(y) + row as i64;
        if !(0..height as i64).contains(&line) {
            continue;
        }
        // The part of the row's ink that is inside.
        let inside = |at: usize| (i64::from(x) + at as i64).clamp(0, width as i64);
        let (left, right) = (inside(ink.start), inside(ink.end));
        if left >= right {
            continue;
        }
        let to = line as usize * width + left as usize;
        let from = row * layer.width + (left - i64::from(x)) as usize;
        let run = (right - left) as usize;
        let alpha = &layer.alpha[from..from + run];
        for (under, over) in under.iter_mut().zip(&layer.planes) {
            blend_row(&mut under[to..to + run], &over[from..from + run], alpha, opacity);
        }
    }
}

/// `under = over + under * (1 - alpha)`, the colours of `over` being multiplied by their alpha already.
fn blend_row(under: &mut [u8], over: &[u8], alpha: &[u8], opacity: u8) {
    let pixels = under.iter_mut().zip(over.iter().zip(alpha));
    if opacity == 255 {
        for (under, (&over, &alpha)) in pixels {
            *under = over.saturating_add(scale(*under, 255 - alpha));
        }
    } else {
        for (under, (&over, &alpha)) in pixels {
            *under = scale(over, opacity).saturating_add(scale(*under, 255 - scale(alpha, opacity)));
        }
    }
}

/// `value * part / 255`, rounded.
fn scale(value: u8, part: u8) -> u8 {
    let product = u16::from(value) * u16::from(part) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::easel::Easel;
    use crate::palette;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_range_are_black_and_white() {
        for (colour, expected) in [(0x000000, [16, 128, 128]), (0xFFFFFF, [235, 128, 128])] {
            let frame = Frame::from_drawing(&Easel::filled(8, 6, colour).finish());
            for (plane, value) in frame.planes.iter().zip(expected) {
                assert!(plane.iter().all(|&v| v == value), "{colour:06x}: {plane:?}");
            }
        }
    }

    #[test]
    fn primaries_follow_bt_709() {
        for (colour, expected) in
            [(0xFF0000, [63, 102, 240]), (0x00FF00, [173, 42, 26]), (0x0000FF, [32, 240, 118])]
        {
            let frame = Frame::from_drawing(&Easel::filled(4, 4, colour).finish());
            let got = [frame.planes[0][0], frame.planes[1][0], frame.planes[2][0]];
            for (got, want) in got.into_iter().zip(expected) {
                assert!(got.abs_diff(want) <= 1, "{colour:06x}: {got} for {want}");
            }
        }
    }

    #[test]
    fn transparent_leaves_what_was_there() {
        let mut frame = Frame::from_drawing(&Easel::filled(16, 16, palette::TEAL).finish());
        let before = frame.clone();
        frame.lay(&Sprite::from_drawing(&Easel::clear(9, 9).finish()), 3, 3, 255);
        assert!(frame == before);
    }

    proptest! {
        #[test]
        fn anything_laid_anywhere_is_undone_by_restoring_its_area(
            w in 1u32..40, h in 1u32..40, x in -50i32..50, y in -50i32..50, opacity in 0u8..=255,
        ) {
            let base = Frame::from_drawing(&Easel::filled(32, 24, palette::TEAL).finish());
            let mut live = base.clone();
            let sprite = Sprite::from_drawing(&Easel::filled(w, h, palette::RED).finish());
            if let Some(area) = live.lay(&sprite, x, y, opacity) {
                live.restore(&base, area);
            }
            prop_assert!(live == base);
        }
    }
}
