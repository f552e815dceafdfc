//! Selection: which asset of a pool is the n-th to air. A pure function of the pool, the seed and n; there
//! is no counter anywhere but the airings counted from the anchor date.

use crate::catalog::AssetMetadata;
use crate::dsl::SelectorMode;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Assets of one selector with the order they come in.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// What was selected from; slots that select alike share one run.
    pub(crate) key: String,
    pub(crate) mode: SelectorMode,
    pub(crate) assets: Vec<Arc<AssetMetadata>>,
    /// Time each takes on the grid, in milliseconds.
    pub(crate) lengths: Vec<i64>,
    seed: u64,
}

/// How far a pool's run has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    /// Airings since the run began.
    count: u64,
    /// The last asset that aired.
    last: Option<usize>,
    /// The shuffle in use and its number, kept so that it need not be made again for each airing.
    deck: Option<(u64, Vec<usize>)>,
}

impl Pool {
    /// A pool of at least one asset on a grid of `grid_ms`.
    pub(crate) fn new(
        key: String,
        mode: SelectorMode,
        assets: Vec<Arc<AssetMetadata>>,
        grid_ms: i64,
        station_seed: u64,
        channel: &str,
    ) -> Pool {
        let lengths = assets.iter().map(|a| grid_length(a.duration.0, grid_ms)).collect();
        let seed = seed_of(&[&station_seed.to_string(), channel, &key]);
        Pool { key, mode, assets, lengths, seed }
    }

    /// The asset that is next.
    pub(crate) fn peek(&self, cursor: &mut Cursor) -> usize {
        let size = self.assets.len() as u64;
        match self.mode {
            SelectorMode::Sequential => (cursor.count % size) as usize,
            SelectorMode::Random => {
                let pick = self.deal(cursor);
                if Some(pick) == cursor.last && size > 1 {
                    // Something aired out of turn; the card is passed over rather than shown twice.
                    cursor.count += 1;
                    return self.deal(cursor);
                }
                pick
            }
        }
    }

    /// Counts the airing of `asset`, which [`Pool::peek`] gave.
    pub(crate) fn take(&self, cursor: &mut Cursor, asset: usize) {
        cursor.count += 1;
        cursor.last = Some(asset);
    }

    /// An asset no longer than `room_ms`, out of turn: for the end of a stretch that the next one does not
    /// fit into. Sequential runs are never taken out of turn.
    pub(crate) fn fitting(&self, cursor: &mut Cursor, room_ms: i64, at_ms: i64) -> Option<usize> {
        if self.mode == SelectorMode::Sequential {
            return None;
        }
        let fits: Vec<usize> = (0..self.assets.len()).filter(|i| self.lengths[*i] <= room_ms).collect();
        let others: Vec<usize> = fits.iter().copied().filter(|i| Some(*i) != cursor.last).collect();
        let choice = if others.is_empty() { fits } else { others };
        if choice.is_empty() {
            return None;
        }
        let mut random = SplitMix(self.seed ^ at_ms.unsigned_abs());
        let asset = choice[random.below(choice.len())];
        cursor.last = Some(asset);
        Some(asset)
    }

    fn deal(&self, cursor: &mut Cursor) -> usize {
        let size = self.assets.len() as u64;
        let (number, position) = (cursor.count / size, (cursor.count % size) as usize);
        match &cursor.deck {
            Some((known, deck)) if *known == number => deck[position],
            _ => {
                let deck = self.deck(number);
                let card = deck[position];
                cursor.deck = Some((number, deck));
                card
            }
        }
    }

    /// The n-th shuffle of the pool. Its first is never the last of the one before it.
    fn deck(&self, number: u64) -> Vec<usize> {
        let size = self.assets.len();
        if size <= 2 {
            // Two take turns for ever: any other order would show one of them twice in a row.
            return self.raw_deck(0);
        }
        let mut deck = self.raw_deck(number);
        if number > 0 && self.raw_deck(number - 1).last() == deck.first() {
            deck.swap(0, 1);
        }
        deck
    }

    fn raw_deck(&self, number: u64) -> Vec<usize> {
        let mut random = SplitMix(self.seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
        let mut deck: Vec<usize> = (0..self.assets.len()).collect();
        random.shuffle(&mut deck);
        deck
    }
}

impl Cursor {
    /// The same without the memoised shuffle, for keeping.
    pub(crate) fn slim(&self) -> Cursor {
        Cursor { deck: None, ..*self }
    }
}

/// Time a programme takes on the grid: its runtime rounded up (seed 004, Program Block Concept).
pub(crate) fn grid_length(duration_ms: i64, grid_ms: i64) -> i64 {
    (duration_ms.max(1) + grid_ms - 1) / grid_ms * grid_ms
}

/// A seed out of names; the same on every machine and in every version.
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::AssetType;
    use proptest::prelude::*;
    use retrovue_timebase::Millis;

    pub(crate) fn asset(id: &str, collection: &str, seconds: i64) -> AssetMetadata {
        AssetMetadata {
            id: id.into(),
            title: id.into(),
            asset_type: AssetType::Episode,
            collection: collection.into(),
            season: None,
            episode: None,
            year: None,
            rating: None,
            duration: Millis(seconds * 1000),
            chapter_markers: None,
            uri: format!("/m/{id}.mp4"),
        }
    }

    fn pool(size: usize, mode: SelectorMode, seed: u64) -> Pool {
        let assets = (0..size).map(|i| Arc::new(asset(&format!("a{i}"), "col.x", 60))).collect();
        Pool::new("col.x".into(), mode, assets, 60_000, seed, "ch")
    }

    fn run(pool: &Pool, count: usize) -> Vec<usize> {
        let mut cursor = Cursor::default();
        (0..count)
            .map(|_| {
                let asset = pool.peek(&mut cursor);
                pool.take(&mut cursor, asset);
                asset
            })
            .collect()
    }

    #[test]
    fn runtimes_grow_to_the_next_grid_line() {
        let minute = 60_000;
        for (runtime, grid, slot) in [(22, 30, 30), (30, 30, 30), (31, 30, 60), (60, 30, 60), (121, 15, 135)]
        {
            assert_eq!(grid_length(runtime * minute, grid * minute), slot * minute, "{runtime}");
        }
    }

    #[test]
    fn sequential_runs_through_and_begins_again() {
        assert_eq!(run(&pool(3, SelectorMode::Sequential, 1), 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    /// A change of the generator or the seeding would reshuffle every station: it must be seen.
    #[test]
    fn shuffles_are_fixed_by_seed_channel_and_pool() {
        assert_eq!(run(&pool(5, SelectorMode::Random, 42), 10), SHUFFLE_42);
        assert_ne!(run(&pool(5, SelectorMode::Random, 43), 10), SHUFFLE_42);
    }
    const SHUFFLE_42: [usize; 10] = [2, 0, 4, 1, 3, 2, 3, 4, 0, 1];

    proptest! {
        #[test]
        fn random_shows_all_before_any_again_and_never_twice_in_a_row(size in 1usize..12, seed in any::<u64>()) {
            let shown = run(&pool(size, SelectorMode::Random, seed), size * 6);
            for round in shown.chunks(size) {
                let mut sorted = round.to_vec();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..size).collect::<Vec<_>>());
            }
            if size > 1 {
                prop_assert!(shown.windows(2).all(|w| w[0] != w[1]), "{:?}", shown);
            }
        }

        #[test]
        fn what_is_taken_out_of_turn_fits(size in 1usize..8, room in 0i64..300_000, seed in any::<u64>()) {
            let pool = pool(size, SelectorMode::Random, seed);
            match pool.fitting(&mut Cursor::default(), room, 5) {
                Some(asset) => prop_assert!(pool.lengths[asset] <= room),
                None => prop_assert!(room < 60_000),
            }
        }
    }
}
