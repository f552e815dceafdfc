//! Which of some lengths fill a time best: a subset sum by bits, exact to the millisecond and of bounded cost.
//!
//! Knows neither spots nor rules: who may be chosen, and who should be first, is said by the order it is given.

/// Longest time that is fitted exactly, in milliseconds: two minutes in steps of one millisecond are 120,000 bits a row.
pub(crate) const LONGEST_FIT: i64 = 120_000;

/// Most lengths that are tried together: two dozen of usual spots have sums for every millisecond.
pub(crate) const MOST_FITTED: usize = 24;

/// A sum this much short of the best is as good, in milliseconds: three frames of black between spots show nothing, and
/// without it a spot whose length is a frame more than a round number would seldom have its turn.
const AS_GOOD: i64 = 100;

/// How much worse a sum may be for the first of the lengths to be in it, in milliseconds. It has waited longest.
const FOR_THE_FIRST: i64 = 500;

/// The rows of the last choice, kept so that a day's breaks take memory once.
#[derive(Debug, Default)]
pub(crate) struct Fitter {
    rows: Vec<u64>,
}

impl Fitter {
    /// Which of `lengths` together come nearest to `room` without going over it, each at most once, in their order:
    /// with the first, unless that is more than half a second worse than without; and of choices that come within three
    /// frames of the nearest, the one that has the earlier of `lengths` in it. Lengths are above 0; `room` is at most
    /// [`LONGEST_FIT`] and there are at most [`MOST_FITTED`] lengths.
    pub(crate) fn choose(&mut self, lengths: &[i64], room: i64) -> Vec<usize> {
        debug_assert!(room <= LONGEST_FIT && lengths.len() <= MOST_FITTED && lengths.iter().all(|l| *l > 0));
        let step = lengths.iter().copied().fold(0, gcd);
        if step == 0 || room < step {
            return Vec::new();
        }
        let steps = (room / step) as usize;
        let words = steps / 64 + 1;
        let lengths: Vec<usize> = lengths.iter().map(|length| (length / step) as usize).collect();
        // Row i holds the sums that the lengths from i on can make. What an earlier choice left is written over.
        let needed = (lengths.len() + 1) * words;
        if self.rows.len() < needed {
            self.rows.resize(needed, 0);
        }
        let last = &mut self.rows[needed - words..needed];
        last.fill(0);
        last[0] = 1;
        for (i, length) in lengths.iter().enumerate().rev() {
            let (head, below) = self.rows.split_at_mut((i + 1) * words);
            add_length(&mut head[i * words..], &below[..words], *length);
        }
        let in_steps = |ms: i64| (ms / step) as usize;
        let best = self.most(0, words, 0, steps).unwrap_or(0);
        let rest = steps.checked_sub(lengths[0]).and_then(|room| self.most(1, words, 0, room));
        let with_first = rest.map(|sum| sum + lengths[0]).filter(|sum| sum + in_steps(FOR_THE_FIRST) >= best);
        let mut most = with_first.unwrap_or(best);
        let mut least = most.saturating_sub(in_steps(AS_GOOD));
        let mut chosen = Vec::new();
        for (i, length) in lengths.iter().enumerate() {
            let forced = i == 0 && with_first.is_some();
            let Some(above) = most.checked_sub(*length) else { continue };
            let below = least.saturating_sub(*length);
            if forced || self.most(i + 1, words, below, above).is_some() {
                chosen.push(i);
                (least, most) = (below, above);
            }
        }
        debug_assert_eq!(least, 0);
        chosen
    }

    /// The largest sum of a row from one to another, both included.
    fn most(&self, row: usize, words: usize, from: usize, to: usize) -> Option<usize> {
        let row = &self.rows[row * words..(row + 1) * words];
        let mut sums = row[to / 64] & u64::MAX >> (63 - to % 64);
        for word in (from / 64..=to / 64).rev() {
            if sums != 0 {
                let sum = word * 64 + 63 - sums.leading_zeros() as usize;
                return (sum >= from).then_some(sum);
            }
            sums = row[word.saturating_sub(1)];
        }
        None
    }
}

/// Makes `row` of `below` and the same with a length added to each sum. Sums above the room that fall into the last word
/// are never looked at, and shifting only moves them further up.
fn add_length(row: &mut [u64], below: &[u64], length: usize) {
    let (words, bits) = (length / 64, length % 64);
    let whole = words.min(row.len());
    row[..whole].copy_from_slice(&below[..whole]);
    let Some((first, rest)) = row[whole..].split_first_mut() else { return };
    *first = below[whole] | below[0] << bits;
    let shifted = below.iter().zip(&below[1..]).map(|(low, high)| match bits {
        0 => *high,
        bits => high << bits | low >> (64 - bits),
    });
    for ((word, old), new) in rest.iter_mut().zip(&below[whole + 1..]).zip(shifted) {
        *word = old | new;
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choose(lengths: &[i64], room: i64) -> Vec<usize> {
        Fitter::default().choose(lengths, room)
    }

    #[test]
    fn the_nearest_sum_is_found_and_the_earlier_are_preferred() {
        for (lengths, room, expect) in [
            (&[30_000, 15_000, 20_000, 10_000][..], 40_000, &[0, 3][..]),
            // Ten seconds short with the first, and none without.
            (&[30_000, 20_000, 15_000, 25_000], 40_000, &[2, 3]),
            (&[39_500, 20_000, 15_000, 25_000], 40_000, &[0]),
            (&[6900, 5000, 3000], 8100, &[1, 2]),
            (&[15_015, 30_030, 14_990], 30_005, &[0, 2]),
            // A frame does not keep a spot from its turn.
            (&[10_000, 29_970, 20_000, 30_000], 60_000, &[0, 1, 2]),
            (&[60_000], 59_999, &[]),
            (&[], 1000, &[]),
            (&[1], 0, &[]),
            (&[6400, 6400, 6400], 12_800, &[0, 1]),
            (&[100_000, 6000, 6400, 6800], 12_800, &[1, 3]),
        ] {
            assert_eq!(choose(lengths, room), expect, "{lengths:?} in {room}");
        }
    }

    proptest! {
        /// Against all subsets: nearest with the first or without, and first of those as good.
        #[test]
        fn no_subset_is_better(lengths in proptest::collection::vec(1i64..40_000, 0..10), room in 0i64..90_000) {
            let sets = (0u32..1 << lengths.len()).map(|set| {
                let set: Vec<usize> = (0..lengths.len()).filter(|i| set >> i & 1 == 1).collect();
                let sum: i64 = set.iter().map(|i| lengths[*i]).sum();
                (sum, set)
            });
            let sets: Vec<(i64, Vec<usize>)> = sets.filter(|(sum, _)| *sum <= room).collect();
            let best = sets.iter().map(|(sum, _)| *sum).max().unwrap();
            let first = sets.iter().filter(|(_, set)| set.first() == Some(&0)).map(|(sum, _)| *sum).max();
            let most = first.filter(|sum| sum + FOR_THE_FIRST >= best);
            // The set that has the earlier length comes before one that has not.
            let key = |set: &[usize]| (0..lengths.len()).map(|i| !set.contains(&i)).collect::<Vec<_>>();
            let nearest = most.unwrap_or(best);
            let as_good = sets.iter().filter(|(sum, _)| (nearest - AS_GOOD..=nearest).contains(sum));
            let expect = as_good.map(|(_, set)| set).min_by_key(|set| key(set)).unwrap();
            prop_assert_eq!(&choose(&lengths, room), expect);
        }

        /// Two dozen lengths are too many for all subsets: none that is filled one after the other, from anywhere on,
        /// is better.
        #[test]
        fn many_long_ones_are_fitted(lengths in proptest::collection::vec(4_000i64..61_000, MOST_FITTED), room in 60_000..=LONGEST_FIT) {
            let sum: i64 = choose(&lengths, room).iter().map(|i| lengths[*i]).sum();
            let greedy = (0..lengths.len()).map(|from| {
                let turned = lengths[from..].iter().chain(&lengths[..from]);
                turned.fold(0, |sum, length| if sum + length <= room { sum + length } else { sum })
            });
            let best = greedy.max().unwrap_or(0);
            prop_assert!(sum <= room && sum + FOR_THE_FIRST + AS_GOOD >= best, "{} and {} of {}", sum, best, room);
        }
    }
}
