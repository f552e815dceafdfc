//! A histogram of durations that one thread fills and any thread reads, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of each doubling: a value is told to within an eighth of itself.
const PER_OCTAVE: u64 = 8;

/// Doublings above the first eight values: up to 2^32 µs, over an hour.
const OCTAVES: u64 = 29;

const BUCKETS: usize = ((OCTAVES + 1) * PER_OCTAVE) as usize;

/// Counts of durations in microseconds: exact below 8, then eight buckets a doubling. What is above the
/// last bucket counts there.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    largest: AtomicU64,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            largest: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts a duration in nanoseconds; a negative one is 0.
    pub fn record_nanos(&self, nanos: i64) {
        let micros = u64::try_from(nanos / 1000).unwrap_or(0);
        if let Some(count) = self.counts.get(bucket(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.largest.fetch_max(micros, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Sum of all durations in microseconds.
    #[must_use]
    pub fn sum_micros(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// The longest duration in microseconds.
    #[must_use]
    pub fn largest_micros(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    /// Microseconds that at least `per_100_000` of each 100,000 durations do not exceed, to within an
    /// eighth and never above the longest; 0 when there are none.
    #[must_use]
    pub fn quantile_micros(&self, per_100_000: u64) -> u64 {
        let wanted = (self.count() * per_100_000).div_ceil(100_000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count.load(Ordering::Relaxed);
            if seen >= wanted {
                return last_of(index).min(self.largest_micros());
            }
        }
        0
    }
}

fn bucket(micros: u64) -> usize {
    let octave = micros.max(1).ilog2().saturating_sub(2);
    if octave == 0 {
        return micros as usize;
    }
    let within = (micros >> (octave - 1)) - PER_OCTAVE;
    ((u64::from(octave) * PER_OCTAVE + within) as usize).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn last_of(index: usize) -> u64 {
    let (octave, within) = (index as u64 / PER_OCTAVE, index as u64 % PER_OCTAVE);
    if octave == 0 { within } else { ((PER_OCTAVE + within + 1) << (octave - 1)) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for micros in (0..5000).chain((5000..1 << 31).step_by(99_991)) {
            let index = bucket(micros);
            assert!(micros <= last_of(index), "{micros} in {index}");
            assert!(index == 0 || micros > last_of(index - 1), "{micros} in {index}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_told_within_an_eighth() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile_micros(50_000), 0);
        for micros in 1..=1000 {
            histogram.record_nanos(micros * 1000 + 999);
        }
        histogram.record_nanos(-5);
        for (per_100_000, exact) in [(50_000, 500), (99_000, 990), (99_900, 999), (100_000, 1000)] {
            let told = histogram.quantile_micros(per_100_000);
            assert!((exact..=exact * 9 / 8).contains(&told), "{per_100_000}: {told}");
        }
        assert_eq!(
            (histogram.count(), histogram.largest_micros(), histogram.sum_micros()),
            (1001, 1000, 500_500)
        );
    }
}
