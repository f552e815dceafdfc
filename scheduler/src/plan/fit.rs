//! Which of some lengths fill a time best: a subset sum by bits, exact to the millisecond and of bounded cost.
//!
//! Knows neither spots nor rules: who may be chosen, and who should be first, is said by the order it is given.

/// Longest time that is fitted exactly, in milliseconds: two minutes in steps of one millisecond are 120,000 bits a row.
pub(crate) const LONGEST_FIT: i64 = 120_000;

/// Most lengths that are tried together: two dozen of usual spots have sums for every millisecond.
pub(crate) const MOST_FITTED: usize = 24;

/// The rows of the last choice, kept so that a day's breaks take memory once.
#[derive(Debug, Default)]
pub(crate) struct Fitter {
    rows: Vec<u64>,
}

impl Fitter {
    /// Which of `lengths` together come nearest to `room` without going over it, each at most once, in their order.
    /// Of choices that come equally near, the one that has the earlier of `lengths` in it. Lengths are above 0;
    /// `room` is at most [`LONGEST_FIT`] and there are at most [`MOST_FITTED`] lengths.
    pub(crate) fn choose(&mut self, lengths: &[i64], room: i64) -> Vec<usize> {
        debug_assert!(room <= LONGEST_FIT && lengths.len() <= MOST_FITTED && lengths.iter().all(|l| *l > 0));
        let step = lengths.iter().copied().fold(0, gcd);
        if step == 0 || room < step {
            return Vec::new();
        }
        let steps = (room / step) as usize;
        let words = steps / 64 + 1;
        let lengths: Vec<usize> = lengths.iter().map(|length| (length / step) as usize).collect();
        // Row i holds the sums that the lengths from i on can make.
        self.rows.clear();
        self.rows.resize((lengths.len() + 1) * words, 0);
        self.rows[lengths.len() * words] = 1;
        for (i, length) in lengths.iter().enumerate().rev() {
            let (head, below) = self.rows.split_at_mut((i + 1) * words);
            let (row, below) = (&mut head[i * words..], &below[..words]);
            row.copy_from_slice(below);
            if *length <= steps {
                or_shifted(row, below, *length);
            }
        }
        let Some(mut left) = (0..=steps).rev().find(|sum| self.has(0, words, *sum)) else {
            return Vec::new();
        };
        let mut chosen = Vec::new();
        for (i, length) in lengths.iter().enumerate() {
            if *length <= left && self.has(i + 1, words, left - length) {
                chosen.push(i);
                left -= length;
            }
        }
        debug_assert_eq!(left, 0);
        chosen
    }

    fn has(&self, row: usize, words: usize, sum: usize) -> bool {
        self.rows[row * words + sum / 64] >> (sum % 64) & 1 == 1
    }
}

/// Sums above the room that fall into the last word are never looked at, and shifting only moves them further up.
fn or_shifted(row: &mut [u64], below: &[u64], by: usize) {
    let (words, bits) = (by / 64, by % 64);
    for (at, word) in row.iter_mut().enumerate().skip(words) {
        let from = at - words;
        *word |= below[from] << bits;
        if bits > 0 && from > 0 {
            *word |= below[from - 1] >> (64 - bits);
        }
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
            (&[30_000, 20_000, 15_000, 25_000], 40_000, &[2, 3]),
            (&[7, 5, 3], 8, &[1, 2]),
            (&[15_015, 30_030, 14_990], 30_005, &[0, 2]),
            (&[60_000], 59_999, &[]),
            (&[], 1000, &[]),
            (&[1], 0, &[]),
            (&[64, 64, 64], 128, &[0, 1]),
            (&[1, 63, 64, 65], 128, &[1, 3]),
        ] {
            assert_eq!(choose(lengths, room), expect, "{lengths:?} in {room}");
        }
    }

    proptest! {
        /// Against all subsets: as near as any, and first among the nearest.
        #[test]
        fn no_subset_is_better(lengths in proptest::collection::vec(1i64..4000, 0..11), room in 0i64..9000) {
            let chosen = choose(&lengths, room);
            let sum: i64 = chosen.iter().map(|i| lengths[*i]).sum();
            prop_assert!(sum <= room && chosen.is_sorted());
            let mut first: Option<Vec<usize>> = None;
            for set in 0u32..1 << lengths.len() {
                let set: Vec<usize> = (0..lengths.len()).filter(|i| set >> i & 1 == 1).collect();
                let other: i64 = set.iter().map(|i| lengths[*i]).sum();
                prop_assert!(other > room || other <= sum);
                // The set that has the earlier length comes before one that has not.
                let key = |set: &[usize]| (0..lengths.len()).map(|i| !set.contains(&i)).collect::<Vec<_>>();
                if other == sum && first.as_ref().is_none_or(|known| key(&set) < key(known)) {
                    first = Some(set);
                }
            }
            prop_assert_eq!(Some(chosen), first);
        }

        #[test]
        fn many_long_ones_are_fitted(lengths in proptest::collection::vec(4_000i64..61_000, MOST_FITTED), room in 60_000..=LONGEST_FIT) {
            let chosen = choose(&lengths, room);
            let sum: i64 = chosen.iter().map(|i| lengths[*i]).sum();
            // Two dozen lengths have millions of sums about a minute.
            prop_assert!(sum <= room && room - sum < 40, "{} of {}", sum, room);
        }
    }
}
