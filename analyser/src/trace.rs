//! Values over time for plots, in a bounded number of columns whatever the length: when columns run out, two
//! become one.

/// Columns kept at most; after halving there are half as many.
const MOST: usize = 4096;
/// Width of a column at first, in parts of ticks: a millisecond.
const FIRST_WIDTH: i64 = crate::instant::PER_SECOND / 1000;

/// Smallest and largest value of each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    origin: Option<i64>,
    width: i64,
    columns: Vec<Option<(i64, i64)>>,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { origin: None, width: FIRST_WIDTH, columns: Vec::new() }
    }
}

impl Trace {
    /// Adds a value at an instant; instants before the first count as the first's.
    pub(crate) fn add(&mut self, at: i64, value: i64) {
        let since = at.saturating_sub(*self.origin.get_or_insert(at)).max(0);
        let mut column = since / self.width;
        while column >= MOST as i64 {
            self.halve();
            column = since / self.width;
        }
        let column = column as usize;
        if column >= self.columns.len() {
            self.columns.resize(column + 1, None);
        }
        let slot = &mut self.columns[column];
        *slot = Some(slot.map_or((value, value), |(least, most)| (least.min(value), most.max(value))));
    }

    fn halve(&mut self) {
        self.width = self.width.saturating_mul(2);
        self.columns = self
            .columns
            .chunks(2)
            .map(|pair| pair.iter().flatten().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
            .collect();
    }

    /// Instant of a column's beginning, and its smallest and largest value.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
        let origin = self.origin.unwrap_or(0);
        self.columns
            .iter()
            .enumerate()
            .filter_map(move |(n, c)| c.map(|(least, most)| (origin + n as i64 * self.width, least, most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::PER_SECOND as SECOND;

    const MS: i64 = SECOND / 1000;

    #[test]
    fn columns_stay_few_and_keep_extremes() {
        let mut trace = Trace::default();
        for n in 0..100_000 {
            trace.add(5 * SECOND + n * MS, if n == 77_777 { 1000 } else { n % 10 });
        }
        let columns: Vec<_> = trace.columns().collect();
        assert!((MOST / 2..=MOST).contains(&columns.len()), "{}", columns.len());
        assert_eq!(columns[0].0, 5 * SECOND);
        assert_eq!(columns.iter().map(|c| c.2).max(), Some(1000));
        assert!(columns.iter().all(|c| c.1 <= 9));
    }
}
