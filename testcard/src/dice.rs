//! Repeatable chance for drawings and tunes: the same seed always throws the same numbers.
//!
//! A linear congruential generator (the constants of Knuth's MMIX); for pictures, not for secrets.

/// A row of throws.
pub(crate) struct Dice(u64);

impl Dice {
    /// The row of one seed.
    pub(crate) fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        // Near seeds begin alike; a few throws part them.
        for _ in 0..4 {
            dice.bits();
        }
        dice
    }

    /// The next number, from 0 to just below 1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.bits() as f32 / (1u32 << 24) as f32
    }

    /// The next number between two others.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// 24 bits: what an `f32` holds exactly.
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_repeat_spread_and_stay_in_range() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (0..1000).map(|_| dice.unit()).collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        let mean = throws(7).iter().sum::<f32>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert!(throws(9).iter().all(|t| (0.0..1.0).contains(t)));
    }
}
