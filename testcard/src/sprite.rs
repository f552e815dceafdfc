//! A drawing made ready to be laid on frames at any whole pixel: planes with their own transparency.
//!
//! Colour is sampled at half the resolution, so where a sprite lies decides which of its pixels share a
//! colour sample: there are four cases (even or odd across, even or odd down), each prepared when it is
//! first needed. What is transparent all round is cut off, and each row knows where its ink begins and
//! ends, because most of a drawing's rectangle is empty.

use std::cell::OnceCell;
use std::ops::Range;
use tiny_skia::Pixmap;

/// A drawing as planes multiplied by their alpha.
pub(crate) struct Sprite {
    /// Size of the drawing, with its transparent border.
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Where the ink's rectangle begins in the drawing.
    pub(crate) inset: (i32, i32),
    pub(crate) luma: Layer<1>,
    chroma: [OnceCell<Layer<2>>; 4],
    pixels: Vec<[i32; 4]>,
}

/// `N` planes of one resolution with the alpha they share.
pub(crate) struct Layer<const N: usize> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: [Vec<u8>; N],
    pub(crate) alpha: Vec<u8>,
    /// Where each row's ink lies.
    pub(crate) ink: Vec<Range<usize>>,
}

impl Sprite {
    /// The planes of a drawing.
    pub(crate) fn from_drawing(drawing: &Pixmap) -> Sprite {
        let (width, height) = (drawing.width() as usize, drawing.height() as usize);
        let inked = |x: usize, y: usize| drawing.pixels()[y * width + x].alpha() > 0;
        let rows = (0..height).filter(|&y| (0..width).any(|x| inked(x, y)));
        let (top, bottom) = bounds(rows);
        let columns = (0..width).filter(|&x| (top..bottom).any(|y| inked(x, y)));
        let (left, right) = bounds(columns);
        let mut pixels = Vec::with_capacity((right - left) * (bottom - top));
        for y in top..bottom {
            let row = &drawing.pixels()[y * width + left..y * width + right];
            pixels.extend(row.iter().map(|p| [p.red(), p.green(), p.blue(), p.alpha()].map(i32::from)));
        }
        let luma = Layer::new(
            right - left,
            bottom - top,
            [pixels.iter().map(|&p| luma(p)).collect()],
            pixels.iter().map(|p| p[3] as u8).collect(),
        );
        Sprite { width, height, inset: (left as i32, top as i32), luma, chroma: Default::default(), pixels }
    }

    /// The colour planes, Cb and Cr, for ink whose corner lies at `x`, `y`.
    pub(crate) fn chroma_for(&self, x: i32, y: i32) -> &Layer<2> {
        let (x, y) = (x.rem_euclid(2) as usize, y.rem_euclid(2) as usize);
        self.chroma[x + 2 * y].get_or_init(|| self.chroma_phase(x, y))
    }

    fn chroma_phase(&self, x: usize, y: usize) -> Layer<2> {
        let (width, height) = (self.luma.width, self.luma.height);
        let (across, down) = ((width + x).div_ceil(2), (height + y).div_ceil(2));
        let mut sums = vec![[0; 4]; across * down];
        for (row, line) in self.pixels.chunks_exact(width.max(1)).enumerate() {
            let into = &mut sums[(row + y) / 2 * across..][..across];
            for (column, pixel) in line.iter().enumerate() {
                for (sum, part) in into[(column + x) / 2].iter_mut().zip(pixel) {
                    *sum += part;
                }
            }
        }
        let cb = sums.iter().map(|[r, g, b, a]| quarter(-6596 * r - 22188 * g + 28784 * b + 32896 * a));
        let cr = sums.iter().map(|[r, g, b, a]| quarter(28784 * r - 26145 * g - 2639 * b + 32896 * a));
        let alpha = sums.iter().map(|sum| ((sum[3] + 2) / 4) as u8).collect();
        Layer::new(across, down, [cb.collect(), cr.collect()], alpha)
    }
}

impl<const N: usize> Layer<N> {
    fn new(width: usize, height: usize, planes: [Vec<u8>; N], alpha: Vec<u8>) -> Layer<N> {
        let ink = alpha
            .chunks_exact(width.max(1))
            .map(|row| {
                let (from, to) = bounds(row.iter().enumerate().filter(|&(_, &a)| a > 0).map(|(i, _)| i));
                from..to
            })
            .collect();
        Layer { width, height, planes, alpha, ink }
    }
}

/// From the first to just past the last of some rising numbers; nothing for none.
fn bounds(mut numbers: impl Iterator<Item = usize>) -> (usize, usize) {
    match numbers.next() {
        Some(first) => (first, numbers.last().unwrap_or(first) + 1),
        None => (0, 0),
    }
}

/// Y of BT.709 in 16 to 235, in 65536ths: 0.18259 R + 0.61423 G + 0.06201 B + 16.
fn luma([r, g, b, a]: [i32; 4]) -> u8 {
    // 16 / 255 of the alpha: the black level is multiplied by the alpha like everything else.
    ((11966 * r + 40254 * g + 4064 * b + 4112 * a + 32768) >> 16).clamp(0, 255) as u8
}

/// The mean of four samples that are in 65536ths.
fn quarter(sum: i32) -> u8 {
    ((sum + (1 << 17)) >> 18).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::easel::Easel;
    use crate::palette;

    #[test]
    fn every_phase_covers_the_sprite() {
        let sprite = Sprite::from_drawing(&Easel::filled(5, 3, palette::RED).finish());
        for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1), (-1, -3)] {
            let phase = sprite.chroma_for(x, y);
            assert_eq!((phase.width, phase.height), (3, 2), "at {x}, {y}");
            // The alpha of the colour samples adds up to the sprite's area, whatever the phase.
            let total: u32 = phase.alpha.iter().map(|&a| u32::from(a)).sum();
            assert!(total.abs_diff(15 * 255 / 4) < 8, "at {x}, {y}: {total}");
        }
    }

    #[test]
    fn empty_borders_are_cut_off_and_rows_know_their_ink() {
        let mut easel = Easel::clear(40, 30);
        easel.rect(10.0, 8.0, 6.0, 4.0, palette::RED);
        let sprite = Sprite::from_drawing(&easel.finish());
        assert_eq!((sprite.width, sprite.height, sprite.inset), (40, 30, (10, 8)));
        assert_eq!((sprite.luma.width, sprite.luma.height), (6, 4));
        assert!(sprite.luma.ink.iter().all(|ink| *ink == (0..6)));
        let nothing = Sprite::from_drawing(&Easel::clear(5, 5).finish());
        assert_eq!(nothing.luma.ink.len(), 0);
        assert_eq!(nothing.chroma_for(0, 0).alpha.len(), 0);
    }
}
