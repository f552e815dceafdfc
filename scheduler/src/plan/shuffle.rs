//! Chance that is fixed by names: seeds, a generator, shuffles. The same on every machine and in every version.

use sha2::{Digest, Sha256};

/// A seed out of names.
pub(crate) fn seed_of(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and its output is fixed by its definition, which that of a
/// library's default generator is not.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// The `number`-th deck of cards: each of `turns` as often as it says, shuffled, the copies of one spread over the
/// deck. Where every number of turns is 1 it is a plain shuffle.
pub(crate) fn deck(seed: u64, number: u64, turns: &[u32]) -> Vec<u32> {
    let mut random = SplitMix(seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
    if turns.iter().all(|n| *n == 1) {
        let mut deck: Vec<u32> = (0..turns.len() as u32).collect();
        random.shuffle(&mut deck);
        return deck;
    }
    // Copy j of n lies somewhere in the j-th n-th of the deck.
    let mut cards: Vec<(u64, u32)> = Vec::with_capacity(turns.iter().map(|n| *n as usize).sum());
    for (card, n) in (0u32..).zip(turns) {
        for copy in 0..u64::from(*n) {
            let within = random.next() >> 32;
            cards.push((((copy << 32) + within) / u64::from(*n), card));
        }
    }
    cards.sort_unstable();
    cards.into_iter().map(|(_, card)| card).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_deck_holds_each_card_as_often_as_its_turns(
            turns in proptest::collection::vec(1u32..9, 1..20), seed in any::<u64>(), number in 0u64..50,
        ) {
            let deck = deck(seed, number, &turns);
            for (card, n) in turns.iter().enumerate() {
                prop_assert_eq!(deck.iter().filter(|c| **c as usize == card).count(), *n as usize);
            }
        }

        /// Of a card that has most of the turns no half of the deck has much more than half.
        #[test]
        fn copies_are_spread(heavy in 4u32..40, light in 4usize..40, seed in any::<u64>()) {
            let mut turns = vec![1; light];
            turns.push(heavy);
            let deck = deck(seed, 3, &turns);
            let first = deck[..deck.len() / 2].iter().filter(|c| **c as usize == light).count();
            // The light cards fall where they may, so the middle of the deck is not the middle of the heavy ones.
            let shift = light;
            prop_assert!(first + shift >= heavy as usize / 2 && first <= heavy as usize / 2 + shift + 1);
        }
    }
}
