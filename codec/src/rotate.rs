//! Turning a plane by quarter turns, for films taken with a telephone held upright.

/// A plane to read: rows `stride` bytes apart.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Copies `source`, turned clockwise by `quarters` quarter turns, to `target`, whose rows lie
/// `stride` bytes apart. What does not fit is left out.
pub(crate) fn turn(source: Source<'_>, quarters: u32, target: &mut [u8], stride: usize) {
    let (w, h) = (source.width, source.height);
    let (width, height) = if quarters % 2 == 1 { (h, w) } else { (w, h) };
    for (y, row) in target.chunks_mut(stride.max(1)).take(height).enumerate() {
        for (x, pixel) in row.iter_mut().take(width).enumerate() {
            let (sx, sy) = match quarters % 4 {
                0 => (x, y),
                1 => (y, h - 1 - x),
                2 => (w - 1 - x, h - 1 - y),
                _ => (w - 1 - y, x),
            };
            *pixel = source.data.get(sy * source.stride + sx).copied().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarter_turns_are_clockwise() {
        // 1 2 3
        // 4 5 6
        let source = Source { data: &[1, 2, 3, 0, 4, 5, 6], stride: 4, width: 3, height: 2 };
        for (quarters, expected) in [
            (0, vec![1, 2, 3, 4, 5, 6]),
            (1, vec![4, 1, 5, 2, 6, 3]),
            (2, vec![6, 5, 4, 3, 2, 1]),
            (3, vec![3, 6, 2, 5, 1, 4]),
        ] {
            let mut target = vec![0; 6];
            turn(source, quarters, &mut target, if quarters % 2 == 1 { 2 } else { 3 });
            assert_eq!(target, expected, "{quarters}");
        }
    }
}
