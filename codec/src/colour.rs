//! Matrix coefficients of a source and of the house format, and the conversion from one to the other.
//!
//! The house format is BT.709 from 720 lines up and BT.601 below, limited range. Primaries and transfer
//! curves are not touched: wide-gamut and HDR sources are shown without tone mapping.

/// Which YCbCr matrix a picture uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matrix {
    /// ITU-R BT.601 (and BT.470 BG, SMPTE 170M).
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// FCC 73.682.
    Fcc,
    /// SMPTE 240M.
    Smpte240,
    /// ITU-R BT.2020, both variants.
    Bt2020,
    /// No YCbCr at all.
    Rgb,
}

/// Lines from which a picture of unknown origin counts as high definition.
const HD_LINES: u32 = 720;
/// Columns from which a picture of unknown origin counts as high definition.
const HD_COLUMNS: u32 = 1280;

impl Matrix {
    /// The matrix of the house format at this size, and of a source that does not tell.
    pub(crate) fn by_size(width: u32, height: u32) -> Matrix {
        if height >= HD_LINES || width >= HD_COLUMNS { Matrix::Bt709 } else { Matrix::Bt601 }
    }

    /// The matrix of a source by its code point (ITU-T H.273 table 4).
    pub(crate) fn of_source(code: i32, width: u32, height: u32) -> Matrix {
        match code {
            0 => Matrix::Rgb,
            1 => Matrix::Bt709,
            4 => Matrix::Fcc,
            5 | 6 => Matrix::Bt601,
            7 => Matrix::Smpte240,
            9 | 10 => Matrix::Bt2020,
            _ => Matrix::by_size(width, height),
        }
    }

    /// Code point of the matrix (ITU-T H.273 table 4).
    pub(crate) fn code(self) -> i32 {
        match self {
            Matrix::Rgb => 0,
            Matrix::Bt709 => 1,
            Matrix::Fcc => 4,
            Matrix::Bt601 => 6,
            Matrix::Smpte240 => 7,
            Matrix::Bt2020 => 9,
        }
    }

    /// Weights of red and blue in luma, in units of 1/10000.
    fn weights(self) -> Option<(i64, i64)> {
        Some(match self {
            Matrix::Bt601 => (2990, 1140),
            Matrix::Bt709 => (2126, 722),
            Matrix::Fcc => (3000, 1100),
            Matrix::Smpte240 => (2120, 870),
            Matrix::Bt2020 => (2627, 593),
            Matrix::Rgb => return None,
        })
    }
}

/// Converts limited-range YCbCr of one matrix to another, in fixed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MatrixChange {
    y_cb: i32,
    y_cr: i32,
    cb_cb: i32,
    cb_cr: i32,
    cr_cb: i32,
    cr_cr: i32,
}

/// Fraction bits of the coefficients.
const BITS: u32 = 14;

impl MatrixChange {
    /// The change from one matrix to another; `None` when there is nothing to do.
    pub(crate) fn between(from: Matrix, to: Matrix) -> Option<MatrixChange> {
        if from == to {
            return None;
        }
        let ((kr, kb), (hr, hb)) = (from.weights()?, to.weights()?);
        // All in units of 1/10000 with a common scale. With Y, Cb and Cr of the source:
        //   R = Y + 2(1-kr)Cr, B = Y + 2(1-kb)Cb, G = Y - 2kb(1-kb)/kg Cb - 2kr(1-kr)/kg Cr
        // and Y' = hr R + hg G + hb B; Y cancels out of B - Y' and R - Y'.
        const ONE: i64 = 10_000;
        let (kg, hg) = (ONE - kr - kb, ONE - hr - hb);
        let scale = |n: i128, d: i128| {
            let doubled = (n << (BITS + 1)) + d;
            doubled.div_euclid(d * 2) as i32
        };
        let wide = i128::from;
        // Luma shift per unit of Cb and Cr, over ONE^2 * kg.
        let shift_cb = wide(2 * (ONE - kb)) * (wide(hb) * wide(kg) - wide(hg) * wide(kb));
        let shift_cr = wide(2 * (ONE - kr)) * (wide(hr) * wide(kg) - wide(hg) * wide(kr));
        let unit = wide(ONE) * wide(ONE) * wide(kg);
        let own = |k: i64| wide(2 * (ONE - k)) * wide(ONE) * wide(kg);
        let divisor = |h: i64| wide(2 * (ONE - h)) * wide(ONE) * wide(kg);
        Some(MatrixChange {
            // Luma spans 219 steps, chroma 224.
            y_cb: scale(shift_cb * 219, unit * 224),
            y_cr: scale(shift_cr * 219, unit * 224),
            cb_cb: scale(own(kb) - shift_cb, divisor(hb)),
            cb_cr: scale(-shift_cr, divisor(hb)),
            cr_cb: scale(-shift_cb, divisor(hr)),
            cr_cr: scale(own(kr) - shift_cr, divisor(hr)),
        })
    }

    /// Converts two rows of luma and the row of chroma they share, in place.
    pub(crate) fn apply(self, upper: &mut [u8], lower: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        const HALF: i32 = 1 << (BITS - 1);
        let pairs = upper.chunks_exact_mut(2).zip(lower.chunks_exact_mut(2));
        for ((upper, lower), (cb, cr)) in pairs.zip(cb.iter_mut().zip(cr.iter_mut())) {
            let (u, v) = (i32::from(*cb) - 128, i32::from(*cr) - 128);
            let shift = (self.y_cb * u + self.y_cr * v + HALF) >> BITS;
            for y in upper.iter_mut().chain(lower) {
                *y = (i32::from(*y) + shift).clamp(0, 255) as u8;
            }
            *cb = (((self.cb_cb * u + self.cb_cr * v + HALF) >> BITS) + 128).clamp(0, 255) as u8;
            *cr = (((self.cr_cb * u + self.cr_cr * v + HALF) >> BITS) + 128).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(from: Matrix, to: Matrix, (y, cb, cr): (u8, u8, u8)) -> (u8, u8, u8) {
        let change = MatrixChange::between(from, to).unwrap();
        let (mut upper, mut lower, mut cb, mut cr) = ([y; 2], [y; 2], [cb], [cr]);
        change.apply(&mut upper, &mut lower, &mut cb, &mut cr);
        assert_eq!(upper, lower);
        (upper[0], cb[0], cr[0])
    }

    #[test]
    fn colour_bars_convert_to_the_published_codes() {
        // 75 % bars as tabulated for BT.601 and BT.709.
        for (sd, hd) in [
            ((180, 128, 128), (180, 128, 128)),
            ((162, 44, 142), (168, 44, 136)),
            ((131, 156, 44), (145, 147, 44)),
            ((112, 72, 58), (133, 63, 52)),
            ((84, 184, 198), (63, 193, 204)),
            ((65, 100, 212), (51, 109, 212)),
            ((35, 212, 114), (28, 212, 120)),
            ((16, 128, 128), (16, 128, 128)),
        ] {
            let close = |a: (u8, u8, u8), b: (u8, u8, u8)| {
                a.0.abs_diff(b.0) <= 1 && a.1.abs_diff(b.1) <= 1 && a.2.abs_diff(b.2) <= 1
            };
            let up = convert(Matrix::Bt601, Matrix::Bt709, sd);
            assert!(close(up, hd), "{sd:?} to {up:?}, not {hd:?}");
            let down = convert(Matrix::Bt709, Matrix::Bt601, hd);
            assert!(close(down, sd), "{hd:?} to {down:?}, not {sd:?}");
        }
    }

    #[test]
    fn grey_stays_grey() {
        for to in [Matrix::Bt601, Matrix::Bt709] {
            for y in 0..=255 {
                assert_eq!(convert(Matrix::Bt2020, to, (y, 128, 128)), (y, 128, 128));
            }
        }
    }

    #[test]
    fn nothing_is_done_where_nothing_is_to_do() {
        assert_eq!(MatrixChange::between(Matrix::Bt709, Matrix::Bt709), None);
        assert_eq!(MatrixChange::between(Matrix::Rgb, Matrix::Bt709), None);
        assert_eq!(Matrix::of_source(2, 720, 576), Matrix::Bt601);
        assert_eq!(Matrix::of_source(2, 1920, 800), Matrix::Bt709);
    }
}
