//! Selection: which asset of a pool airs next. A pure function of the pool, its seed and what has aired since the
//! anchor date; nothing is stored anywhere.

use super::shuffle::deck;
use crate::catalog::AssetMetadata;
use crate::dsl::SelectorMode;
use std::sync::Arc;

/// The day number of what has not aired yet.
const NEVER: i32 = i32::MIN;

/// Assets of one selector with the order they come in.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// What was selected from; slots that select alike share one run.
    pub(crate) key: String,
    pub(crate) mode: SelectorMode,
    pub(crate) assets: Vec<Arc<AssetMetadata>>,
    /// Time each takes on the grid, in milliseconds.
    pub(crate) lengths: Vec<i64>,
    pub(crate) shortest: i64,
    pub(crate) longest: i64,
    /// Days from one airing of an asset to the next.
    pub(crate) cooldown_days: i32,
    /// Turns of each asset in a round.
    turns: Vec<u32>,
    /// Number of each asset in the channel's table of airings; empty where no selector has a cooldown.
    pub(crate) listed: Vec<u32>,
    seed: u64,
    /// The seed that its writer gave it.
    pub(crate) told_seed: u64,
    /// What the selector's criteria turned away, for people who ask.
    pub(crate) turned_away: Vec<TurnedAway>,
}

/// Assets that one criterion kept out of a pool.
#[derive(Debug, Clone)]
pub(crate) struct TurnedAway {
    pub(crate) criterion: String,
    pub(crate) count: usize,
    /// The first few.
    pub(crate) assets: Vec<Arc<AssetMetadata>>,
}

/// What a pool is made of.
pub(crate) struct PoolParts {
    pub(crate) key: String,
    pub(crate) mode: SelectorMode,
    /// At least one, each with its turns in a round, at least 1.
    pub(crate) assets: Vec<(Arc<AssetMetadata>, u32)>,
    pub(crate) cooldown_days: u32,
    pub(crate) seed: u64,
    pub(crate) told_seed: u64,
    pub(crate) turned_away: Vec<TurnedAway>,
}

/// How far a pool's run has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    /// Airings of a sequential run; cards drawn of a shuffled one.
    pub(crate) count: u64,
    /// The last asset that aired.
    last: Option<u32>,
    /// Cards drawn that could not air when they came, in order.
    waiting: Vec<u32>,
    /// The deck in use and its number, kept so that it need not be shuffled again for each airing.
    deck: Option<(u64, Arc<[u32]>)>,
}

/// Days on which the assets of selectors with a cooldown aired last, whichever selector aired them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Airings(Arc<Vec<i32>>);

/// Where a choice is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    /// The broadcast day, in days since 1970.
    pub(crate) day: i32,
    /// Time until something else airs, in milliseconds.
    pub(crate) room: i64,
}

/// Why an asset that was next did not air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It takes this many milliseconds of the grid.
    TooLong(i64),
    /// It was the one before.
    JustAired,
    /// It aired this many days ago.
    Cooling(i32),
}

/// What airs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) asset: usize,
    /// Days since its last airing, where that is sooner than the cooldown permits: everything else of the pool
    /// had aired later.
    pub(crate) early: Option<i32>,
}

impl Airings {
    pub(crate) fn new(assets: usize) -> Airings {
        Airings(Arc::new(vec![NEVER; assets]))
    }

    fn since(&self, number: u32, day: i32) -> Option<i32> {
        self.0.get(number as usize).filter(|aired| **aired != NEVER).map(|aired| day - aired)
    }

    fn note(&mut self, number: u32, day: i32) {
        if let Some(aired) = Arc::make_mut(&mut self.0).get_mut(number as usize) {
            *aired = day;
        }
    }
}

impl Pool {
    /// A pool of at least one asset on a grid of `grid_ms`.
    pub(crate) fn new(parts: PoolParts, grid_ms: i64) -> Pool {
        let (assets, turns): (Vec<_>, Vec<_>) = parts.assets.into_iter().unzip();
        let lengths: Vec<i64> = assets.iter().map(|a| grid_length(a.duration.0, grid_ms)).collect();
        Pool {
            shortest: lengths.iter().copied().min().unwrap_or(0),
            longest: lengths.iter().copied().max().unwrap_or(0),
            key: parts.key,
            mode: parts.mode,
            assets,
            lengths,
            cooldown_days: i32::try_from(parts.cooldown_days).unwrap_or(i32::MAX),
            turns,
            listed: Vec::new(),
            seed: parts.seed,
            told_seed: parts.told_seed,
            turned_away: parts.turned_away,
        }
    }

    /// The asset that is next and can air. Of a sequential run only the next one can; of a shuffled one those that
    /// cannot wait for the first occasion where they can. Asked again without [`Pool::take`], the answer is the same.
    pub(crate) fn choose(
        &self,
        cursor: &mut Cursor,
        airings: &Airings,
        on: Occasion,
        mut refused: Option<&mut Vec<(usize, Refusal)>>,
    ) -> Option<Choice> {
        if self.mode == SelectorMode::Sequential {
            let next = (cursor.count % self.assets.len() as u64) as usize;
            if self.lengths[next] <= on.room {
                return Some(Choice { asset: next, early: None });
            }
            if let Some(list) = refused {
                list.push((next, Refusal::TooLong(self.lengths[next])));
            }
            return None;
        }
        if self.shortest > on.room {
            if let Some(list) = refused {
                list.extend((0..self.assets.len()).map(|i| (i, Refusal::TooLong(self.lengths[i]))));
            }
            return None;
        }
        let mut eligible = |card: u32| match self.refusal(cursor.last, airings, on, card as usize) {
            None => true,
            Some(refusal) => {
                if let Some(list) = refused.as_deref_mut() {
                    list.push((card as usize, refusal));
                }
                false
            }
        };
        if let Some(card) = cursor.waiting.iter().copied().find(|card| eligible(*card)) {
            return Some(Choice { asset: card as usize, early: None });
        }
        let card = self.card(&mut cursor.deck, cursor.count);
        if eligible(card) {
            cursor.count += 1;
            cursor.waiting.push(card);
            return Some(Choice { asset: card as usize, early: None });
        }
        let last = cursor.last;
        let none = (0..self.assets.len()).all(|asset| self.refusal(last, airings, on, asset).is_some());
        if none {
            return self.soonest(last, airings, on);
        }
        let mut held = vec![0u32; self.assets.len()];
        cursor.waiting.iter().for_each(|card| held[*card as usize] += 1);
        // Whatever can air is in every deck, so it comes before the end of the next one.
        loop {
            let card = self.card(&mut cursor.deck, cursor.count);
            cursor.count += 1;
            let can = eligible(card);
            // No more than a round of anything waits, or what can never air would pile up.
            if can || held[card as usize] < self.turns[card as usize] {
                held[card as usize] += 1;
                cursor.waiting.push(card);
            }
            if can {
                return Some(Choice { asset: card as usize, early: None });
            }
        }
    }

    /// Counts the airing of `asset`, which [`Pool::choose`] gave.
    pub(crate) fn take(&self, cursor: &mut Cursor, airings: &mut Airings, asset: usize, day: i32) {
        if self.mode == SelectorMode::Sequential {
            cursor.count += 1;
        } else if let Some(at) = cursor.waiting.iter().position(|card| *card as usize == asset) {
            cursor.waiting.remove(at);
        }
        cursor.last = Some(asset as u32);
        if let Some(number) = self.listed.get(asset) {
            airings.note(*number, day);
        }
    }

    fn refusal(&self, last: Option<u32>, airings: &Airings, on: Occasion, asset: usize) -> Option<Refusal> {
        if self.lengths[asset] > on.room {
            return Some(Refusal::TooLong(self.lengths[asset]));
        }
        if self.cooldown_days > 0
            && let Some(days) = self.listed.get(asset).and_then(|number| airings.since(*number, on.day))
            && days < self.cooldown_days
        {
            return Some(Refusal::Cooling(days));
        }
        (last == Some(asset as u32) && self.assets.len() > 1).then_some(Refusal::JustAired)
    }

    /// What aired longest ago among all that fit: where the cooldown cannot be kept, or only one fits.
    fn soonest(&self, last: Option<u32>, airings: &Airings, on: Occasion) -> Option<Choice> {
        let since = |asset: usize| self.listed.get(asset).and_then(|n| airings.since(*n, on.day));
        let fits = (0..self.assets.len()).filter(|asset| self.lengths[*asset] <= on.room);
        // `None`, never aired, counts as longest ago.
        let asset = fits.min_by_key(|asset| {
            (last == Some(*asset as u32), since(*asset).map_or(i64::MIN, |days| -i64::from(days)), *asset)
        })?;
        let early = since(asset).filter(|days| *days < self.cooldown_days);
        Some(Choice { asset, early })
    }

    fn card(&self, memo: &mut Option<(u64, Arc<[u32]>)>, count: u64) -> u32 {
        let size = match self.mode {
            SelectorMode::Weighted => self.turns.iter().map(|n| u64::from(*n)).sum(),
            _ => self.turns.len() as u64,
        };
        let (number, position) = (count / size, (count % size) as usize);
        match memo {
            Some((known, cards)) if *known == number => cards[position],
            _ => {
                let cards: Arc<[u32]> = deck(self.seed, number, &self.turns).into();
                let card = cards[position];
                *memo = Some((number, cards));
                card
            }
        }
    }
}

impl Cursor {
    /// The same without the memoised shuffle, for keeping.
    pub(crate) fn slim(&self) -> Cursor {
        Cursor { deck: None, waiting: self.waiting.clone(), ..*self }
    }
}

/// Time a programme takes on the grid: its runtime rounded up (seed 004, Program Block Concept).
pub(crate) fn grid_length(duration_ms: i64, grid_ms: i64) -> i64 {
    (duration_ms.max(1) + grid_ms - 1) / grid_ms * grid_ms
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::AssetType;
    use crate::plan::shuffle::seed_of;
    use proptest::prelude::*;
    use retrovue_timebase::Millis;

    pub(crate) fn asset(id: &str, collection: &str, seconds: i64) -> AssetMetadata {
        AssetMetadata {
            id: id.into(),
            title: id.into(),
            asset_type: AssetType::Episode,
            collection: collection.into(),
            series: None,
            season: None,
            episode: None,
            year: None,
            rating: None,
            genres: Vec::new(),
            plot: None,
            artwork: None,
            tags: Vec::new(),
            duration: Millis(seconds * 1000),
            chapter_markers: None,
            uri: format!("/m/{id}.mp4"),
        }
    }

    fn pool_of(turns: &[u32], mode: SelectorMode, seed: u64, cooldown_days: u32) -> Pool {
        let assets = turns
            .iter()
            .enumerate()
            .map(|(i, n)| (Arc::new(asset(&format!("a{i}"), "col.x", 60 * (i as i64 + 1))), *n));
        let key = "col.x".to_owned();
        let seed = seed_of(&[&seed.to_string(), "ch", &key]);
        let assets = assets.collect();
        let parts =
            PoolParts { key, mode, assets, cooldown_days, seed, told_seed: 1, turned_away: Vec::new() };
        let mut pool = Pool::new(parts, 60_000);
        pool.listed = (0..turns.len() as u32).collect();
        pool
    }

    fn pool(size: usize, mode: SelectorMode, seed: u64) -> Pool {
        pool_of(&vec![1; size], mode, seed, 0)
    }

    /// One airing a day, with room for everything.
    fn run(pool: &Pool, count: usize) -> Vec<usize> {
        runs(pool, count, |_| i64::MAX).into_iter().filter_map(|c| c.map(|c| c.asset)).collect()
    }

    fn runs(pool: &Pool, count: usize, room: impl Fn(usize) -> i64) -> Vec<Option<Choice>> {
        let (mut cursor, mut airings) = (Cursor::default(), Airings::new(pool.assets.len()));
        (0..count)
            .map(|n| {
                let on = Occasion { day: n as i32, room: room(n) };
                let choice = pool.choose(&mut cursor, &airings, on, None);
                assert_eq!(pool.choose(&mut cursor, &airings, on, None), choice, "asked twice");
                if let Some(choice) = choice {
                    pool.take(&mut cursor, &mut airings, choice.asset, on.day);
                }
                choice
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

    #[test]
    fn what_cannot_keep_its_cooldown_comes_as_late_as_it_can_and_says_so() {
        let choices = runs(&pool_of(&[1; 4], SelectorMode::Random, 3, 10), 40, |_| i64::MAX);
        for (n, choice) in choices.iter().enumerate() {
            let early = choice.unwrap().early;
            assert_eq!(early, if n < 4 { None } else { Some(4) }, "airing {n}");
        }
    }

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
        fn weights_are_kept_over_rounds_and_none_airs_twice_in_a_row(
            turns in proptest::collection::vec(1u32..5, 3..9), seed in any::<u64>(),
        ) {
            let pool = pool_of(&turns, SelectorMode::Weighted, seed, 0);
            let round: usize = turns.iter().map(|n| *n as usize).sum();
            let shown = run(&pool, round * 20);
            let heaviest = turns.iter().copied().max().unwrap_or(1) as usize;
            prop_assert!(shown.windows(2).all(|w| w[0] != w[1]), "{:?}", shown);
            // What has more than half of the turns cannot have them all without airing twice in a row.
            prop_assume!(heaviest * 2 <= round);
            for (asset, n) in turns.iter().enumerate() {
                let count = shown.iter().filter(|a| **a == asset).count();
                prop_assert!(count.abs_diff(*n as usize * 20) <= *n as usize, "{} of {}", count, n);
            }
        }

        #[test]
        fn a_cooldown_that_can_be_kept_is_kept(size in 2usize..40, share in 1usize..100, seed in any::<u64>()) {
            let days = (size * share / 100).max(1);
            let pool = pool_of(&vec![1; size], SelectorMode::Random, seed, days as u32);
            let shown: Vec<usize> = runs(&pool, size * 12, |_| i64::MAX)
                .into_iter()
                .map(|c| c.filter(|c| c.early.is_none()).map(|c| c.asset))
                .collect::<Option<_>>()
                .expect("nothing comes early");
            for (n, asset) in shown.iter().enumerate() {
                let before = shown[..n].iter().rposition(|a| a == asset);
                prop_assert!(before.is_none_or(|b| n - b >= days), "{} of {} within {}", asset, size, days);
            }
        }

        /// Whatever room there is, what airs fits, something airs where anything fits, and what had to wait comes.
        #[test]
        fn what_does_not_fit_waits(size in 2usize..9, seed in any::<u64>(), small in 1i64..5, every in 2usize..5) {
            let pool = pool(size, SelectorMode::Random, seed);
            let room = |n: usize| if n.is_multiple_of(every) { i64::MAX } else { small * 60_000 };
            let shown = runs(&pool, size * every * 12, room);
            for (n, choice) in shown.iter().enumerate() {
                let asset = choice.expect("the first is a minute long").asset;
                prop_assert!(pool.lengths[asset] <= room(n));
            }
            for asset in 0..size {
                prop_assert!(shown.iter().flatten().any(|c| c.asset == asset), "{} never airs", asset);
            }
        }

        #[test]
        fn a_sequential_run_waits_for_room(size in 1usize..8, rooms in proptest::collection::vec(0i64..10, 0..40)) {
            let shown = runs(&pool(size, SelectorMode::Sequential, 1), rooms.len(), |n| rooms[n] * 60_000);
            let aired: Vec<usize> = shown.into_iter().flatten().map(|c| c.asset).collect();
            prop_assert!(aired.iter().enumerate().all(|(n, asset)| *asset == n % size), "{:?}", aired);
        }
    }
}
