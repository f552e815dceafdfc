//! Where a source picture goes on the house picture so that it keeps its shape.

/// The rectangle a source picture fills on the house picture; all values even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Placement {
    /// Largest centred rectangle on a `house` of square pixels with the shape of a `source` whose pixels
    /// have the shape `aspect` (width to height).
    pub(crate) fn fit(source: (u32, u32), aspect: (u32, u32), house: (u32, u32)) -> Placement {
        let aspect = sane(aspect);
        let wide = u128::from(source.0.max(1)) * u128::from(aspect.0);
        let high = u128::from(source.1.max(1)) * u128::from(aspect.1);
        let (w, h) = (u128::from(house.0), u128::from(house.1));
        let (width, height) = if wide * h >= high * w {
            (house.0, nearest_even(w * high, wide, house.1))
        } else {
            (nearest_even(h * wide, high, house.0), house.1)
        };
        Placement { x: (house.0 - width) / 4 * 2, y: (house.1 - height) / 4 * 2, width, height }
    }

    /// Whether the house picture is filled.
    pub(crate) fn fills(self, house: (u32, u32)) -> bool {
        (self.width, self.height) == house
    }
}

/// Pixel shapes beyond this are damage, not art.
const MAX_ASPECT: u32 = 10;

fn sane((num, den): (u32, u32)) -> (u32, u32) {
    let ok = num > 0 && den > 0 && num / den < MAX_ASPECT && den / num < MAX_ASPECT;
    if ok { (num, den) } else { (1, 1) }
}

fn nearest_even(num: u128, den: u128, limit: u32) -> u32 {
    let halves = (num + den) / (den * 2);
    u32::try_from(halves * 2).unwrap_or(limit).clamp(2, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pictures_keep_their_shape() {
        let hd = (1280, 720);
        for (source, aspect, expected) in [
            ((1920, 1080), (1, 1), (0, 0, 1280, 720)),
            ((1280, 720), (1, 1), (0, 0, 1280, 720)),
            // PAL wide screen and 4:3.
            ((720, 576), (64, 45), (0, 0, 1280, 720)),
            ((720, 576), (16, 15), (160, 0, 960, 720)),
            ((640, 480), (1, 1), (160, 0, 960, 720)),
            // CinemaScope.
            ((1920, 800), (1, 1), (0, 92, 1280, 534)),
            // A telephone held upright.
            ((1080, 1920), (1, 1), (436, 0, 406, 720)),
            ((853, 480), (1, 1), (0, 0, 1280, 720)),
            // Damage.
            ((1280, 720), (0, 0), (0, 0, 1280, 720)),
            ((1280, 720), (1, 4000), (0, 0, 1280, 720)),
        ] {
            let p = Placement::fit(source, aspect, hd);
            assert_eq!((p.x, p.y, p.width, p.height), expected, "{source:?} {aspect:?}");
        }
    }

    proptest! {
        #[test]
        fn the_rectangle_lies_on_the_house_picture(
            sw in 1u32..20_000, sh in 1u32..20_000, an in 0u32..5000, ad in 0u32..5000,
            hw in 1u32..2000, hh in 1u32..2000,
        ) {
            let house = (hw * 2, hh * 2);
            let p = Placement::fit((sw, sh), (an, ad), house);
            prop_assert!(p.width >= 2 && p.height >= 2);
            prop_assert!(p.x + p.width <= house.0 && p.y + p.height <= house.1);
            prop_assert!([p.x, p.y, p.width, p.height].iter().all(|n| n % 2 == 0));
        }
    }
}
