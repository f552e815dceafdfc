//! A drawing made ready to be laid on frames at any whole pixel: planes with their own transparency.
//!
//! Colour is sampled at half the resolution, so where a sprite lies decides which of its pixels share a
//! colour sample: there are four cases (even or odd across, even or odd down), prepared once.

use tiny_skia::Pixmap;

/// A drawing as planes multiplied by their alpha.
pub(crate) struct Sprite {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) luma: Vec<u8>,
    pub(crate) alpha: Vec<u8>,
    chroma: [ChromaPhase; 4],
}

/// The colour of a sprite for one case of where it lies.
pub(crate) struct ChromaPhase {
    pub(crate) width: usize,
    pub(crate) cb: Vec<u8>,
    pub(crate) cr: Vec<u8>,
    pub(crate) alpha: Vec<u8>,
}

impl Sprite {
    /// The planes of a drawing.
    pub(crate) fn from_drawing(drawing: &Pixmap) -> Sprite {
        let (width, height) = (drawing.width() as usize, drawing.height() as usize);
        let pixels: Vec<[i32; 4]> = drawing
            .pixels()
            .iter()
            .map(|p| [p.red(), p.green(), p.blue(), p.alpha()].map(i32::from))
            .collect();
        Sprite {
            width,
            height,
            luma: pixels.iter().map(|&p| luma(p)).collect(),
            alpha: pixels.iter().map(|p| p[3] as u8).collect(),
            chroma: [(0, 0), (1, 0), (0, 1), (1, 1)]
                .map(|(x, y)| ChromaPhase::new(&pixels, width, height, x, y)),
        }
    }

    /// The colour planes for a sprite whose corner lies at `x`, `y`.
    pub(crate) fn chroma_for(&self, x: i32, y: i32) -> &ChromaPhase {
        &self.chroma[(x.rem_euclid(2) + 2 * y.rem_euclid(2)) as usize]
    }
}

impl ChromaPhase {
    fn new(pixels: &[[i32; 4]], width: usize, height: usize, x: usize, y: usize) -> ChromaPhase {
        let (across, down) = ((width + x).div_ceil(2), (height + y).div_ceil(2));
        let mut phase = ChromaPhase { width: across, cb: Vec::new(), cr: Vec::new(), alpha: Vec::new() };
        for row in 0..down {
            for column in 0..across {
                let mut sum = [0; 4];
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    // Left of or above the sprite the subtraction fails: transparent.
                    let at = (2 * column + dx).checked_sub(x).zip((2 * row + dy).checked_sub(y));
                    if let Some((px, py)) = at.filter(|&(px, py)| px < width && py < height) {
                        for (sum, part) in sum.iter_mut().zip(pixels[py * width + px]) {
                            *sum += part;
                        }
                    }
                }
                let [r, g, b, a] = sum;
                phase.cb.push(quarter(-6596 * r - 22188 * g + 28784 * b + 32896 * a));
                phase.cr.push(quarter(28784 * r - 26145 * g - 2639 * b + 32896 * a));
                phase.alpha.push(((a + 2) / 4) as u8);
            }
        }
        phase
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
        for (x, y, across, down) in [(0, 0, 3, 2), (1, 0, 3, 2), (0, 1, 3, 2), (1, 1, 3, 2), (-1, -3, 3, 2)] {
            let phase = sprite.chroma_for(x, y);
            assert_eq!((phase.width, phase.alpha.len()), (across, across * down), "at {x}, {y}");
            // The alpha of the colour samples adds up to the sprite's area, whatever the phase.
            let total: u32 = phase.alpha.iter().map(|&a| u32::from(a)).sum();
            assert!(total.abs_diff(15 * 255 / 4) < 8, "at {x}, {y}: {total}");
        }
    }
}
