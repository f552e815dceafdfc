//! PCR accuracy of a constant rate (TR 101 290 §5.2.2, 2.4): how far each PCR lies from the best-fitting
//! line over the byte index, in integers.
//!
//! The line is the one whose greatest distance is least (Chebyshev's): its distance is half the height of
//! the convex hull of the points. Where that is over a tick, the line is fitted to the three quarters of the
//! points that lie nearest to the line of median slope, so that it does not bend to offenders. Points come in
//! windows, so that memory is bounded.
//!
//! A variable rate has no line, since there the PCRs alone define when bytes arrive: not graded. A rate is
//! constant when three quarters of its intervals are within a hundredth of their median. Where no null packets
//! fill it, a pause moves all PCRs behind it, which a wrong PCR does not: then more than a few in a row off the
//! line make a variable rate too.

/// Points that one line is fitted to; at 25 PCRs a second, over two minutes.
pub(crate) const WINDOW: usize = 4096;
/// Wrong PCRs in a row at most, where no null packets tell a constant rate.
const WRONG_IN_A_ROW: usize = 3;
/// Points under which no rate is told.
const LEAST: usize = 4;
/// A tick of 27 MHz, rounded up: what rounding alone makes.
const TICK_PS: i64 = 37_038;
/// ±500 ns in picoseconds.
pub(crate) const LIMIT_PS: i64 = 500_000;

/// A PCR: packet index, and 27 MHz ticks without wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) packet: u64,
    pub(crate) ticks: i64,
}

/// What a window came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A constant rate.
    Constant(Fit),
    /// Not a constant rate.
    Variable,
    /// Too few points.
    Few,
}

/// The line through a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Greatest distance of a point in picoseconds.
    pub(crate) peak_ps: i64,
    /// Points out of the limit: index in the window, distance in picoseconds.
    pub(crate) out: Vec<(usize, i64)>,
    /// Distances in picoseconds of all.
    pub(crate) residuals: Vec<i64>,
}

/// Judges a window, points in order of packets; `filled` where null packets fill the rate.
pub(crate) fn judge(points: &[Point], filled: bool) -> Judgement {
    if points.len() < LEAST {
        return Judgement::Few;
    }
    let at: Vec<(i64, i64)> = points
        .iter()
        .map(|p| ((p.packet - points[0].packet).min(1 << 40) as i64, p.ticks - points[0].ticks))
        .collect();
    if !is_constant(&at) {
        return Judgement::Variable;
    }
    let all = Line::fit(&at);
    let line = if all.peak_ps() <= TICK_PS { all } else { Line::fit(&near_median(&at)) };
    let residuals: Vec<i64> = at.iter().map(|&p| line.residual_ps(p)).collect();
    let wrong = |residual: &i64| residual.abs() > LIMIT_PS;
    if !filled && residuals.split(|r| !wrong(r)).any(|run| run.len() > WRONG_IN_A_ROW) {
        return Judgement::Variable;
    }
    let out = residuals.iter().copied().enumerate().filter(|r| wrong(&r.1)).collect();
    Judgement::Constant(Fit { peak_ps: residuals.iter().map(|r| r.abs()).max().unwrap_or(0), out, residuals })
}

fn slope(a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    (b.1 - a.1, (b.0 - a.0).max(1))
}

fn by_slope(a: &(i64, i64), b: &(i64, i64)) -> std::cmp::Ordering {
    (i128::from(a.0) * i128::from(b.1)).cmp(&(i128::from(b.0) * i128::from(a.1)))
}

fn is_constant(at: &[(i64, i64)]) -> bool {
    let mut slopes: Vec<(i64, i64)> = at.windows(2).map(|pair| slope(pair[0], pair[1])).collect();
    slopes.sort_unstable_by(by_slope);
    let middle = slopes[slopes.len() / 2];
    let near = slopes
        .iter()
        .filter(|s| {
            let (a, b) = (i128::from(s.0) * i128::from(middle.1), i128::from(middle.0) * i128::from(s.1));
            (a - b).abs() * 100 <= b.abs()
        })
        .count();
    near * 4 >= slopes.len() * 3
}

/// The three quarters of the points that are nearest to the line with the median slope and offset.
fn near_median(at: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let half = at.len() / 2;
    let mut slopes: Vec<(i64, i64)> = (0..at.len() - half).map(|n| slope(at[n], at[n + half])).collect();
    slopes.sort_unstable_by(by_slope);
    let (rise, run) = slopes[slopes.len() / 2];
    let height = |p: &(i64, i64)| i128::from(p.1) * i128::from(run) - i128::from(p.0) * i128::from(rise);
    let mut heights: Vec<i128> = at.iter().map(height).collect();
    heights.sort_unstable();
    let middle = heights[heights.len() / 2];
    let distance = |p: &(i64, i64)| (height(p) - middle).abs();
    let mut distances: Vec<i128> = at.iter().map(distance).collect();
    distances.sort_unstable();
    let most = distances[(distances.len() * 3).div_ceil(4) - 1];
    at.iter().copied().filter(|p| distance(p) <= most).collect()
}

/// A line: `ticks = (rise * packet + doubled / 2) / run`.
struct Line {
    slope: (i64, i64),
    /// Twice the offset, and twice the greatest distance, in ticks times `run`.
    doubled: i128,
    height: i128,
}

impl Line {
    fn fit(at: &[(i64, i64)]) -> Line {
        let (lower, upper) = (hull(at, 1), hull(at, -1));
        let best = lower
            .windows(2)
            .chain(upper.windows(2))
            .map(|edge| {
                let slope = slope(edge[0], edge[1]);
                let height = |p: &(i64, i64)| {
                    i128::from(p.1) * i128::from(slope.1) - i128::from(p.0) * i128::from(slope.0)
                };
                // Over a convex hull's chain the height has one extreme, but chains are short.
                let most = upper.iter().map(height).max().unwrap_or(0);
                let least = lower.iter().map(height).min().unwrap_or(0);
                Line { slope, doubled: most + least, height: most - least }
            })
            .min_by(|a, b| (a.height * i128::from(b.slope.1)).cmp(&(b.height * i128::from(a.slope.1))));
        best.unwrap_or(Line { slope: (0, 1), doubled: 0, height: 0 })
    }

    fn peak_ps(&self) -> i64 {
        // height / 2 / run ticks of 1,000,000 / 27 ps.
        let below = 54 * i128::from(self.slope.1);
        i64::try_from((self.height * 1_000_000 + below - 1) / below).unwrap_or(i64::MAX)
    }

    fn residual_ps(&self, p: (i64, i64)) -> i64 {
        let (rise, run) = (i128::from(self.slope.0), i128::from(self.slope.1));
        let doubled = 2 * (i128::from(p.1) * run - i128::from(p.0) * rise) - self.doubled;
        let scaled = doubled * 1_000_000;
        let away = scaled.signum() * (54 * run - 1);
        i64::try_from((scaled + away) / (54 * run)).unwrap_or(i64::MAX)
    }
}

/// One chain of the convex hull: the lower for `side` 1, the upper for -1.
fn hull(at: &[(i64, i64)], side: i128) -> Vec<(i64, i64)> {
    let mut chain: Vec<(i64, i64)> = Vec::new();
    for &p in at {
        while let [.., a, b] = chain[..] {
            let cross =
                i128::from(b.0 - a.0) * i128::from(p.1 - a.1) - i128::from(b.1 - a.1) * i128::from(p.0 - a.0);
            if cross * side > 0 {
                break;
            }
            chain.pop();
        }
        chain.push(p);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PCRs every 40 packets at a rate of 5 Mb/s, rounded down to a tick.
    fn constant(count: u64) -> Vec<Point> {
        (0..count)
            .map(|n| Point { packet: n * 40, ticks: (n as i64 * 40 * 188 * 8 * 27 / 5) + 1_000_000 })
            .collect()
    }

    fn fit(points: &[Point]) -> Fit {
        match judge(points, false) {
            Judgement::Constant(fit) => fit,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rounding_alone() {
        let fit = fit(&constant(WINDOW as u64));
        assert!(fit.out.is_empty() && fit.peak_ps <= 37_038 / 2 + 1, "{}", fit.peak_ps);
        // 324,864 ticks in 40 packets exactly: no residual at all.
        let exact: Vec<Point> =
            (0..100).map(|n| Point { packet: n * 40, ticks: n as i64 * 324_864 }).collect();
        assert_eq!(super::tests::fit(&exact).peak_ps, 0);
    }

    #[test]
    fn one_off_by_40_us() {
        let mut points = constant(200);
        points[77].ticks += 40 * 27;
        let fit = fit(&points);
        assert_eq!(fit.out.len(), 1);
        assert_eq!(fit.out[0].0, 77);
        assert!((fit.out[0].1 - 40_000_000).abs() < 40_000, "{:?}", fit.out);
    }

    #[test]
    fn just_over_and_under() {
        for (ticks, out) in [(13, 0), (14, 1), (-13, 0), (-14, 1)] {
            let mut points: Vec<Point> =
                (0..300).map(|n| Point { packet: n * 40, ticks: n as i64 * 324_864 }).collect();
            points[150].ticks += ticks;
            assert_eq!(fit(&points).out.len(), out, "{ticks}");
        }
    }

    #[test]
    fn variable_and_few() {
        let points: Vec<Point> =
            (0..100).map(|n| Point { packet: n * 40 + n * n, ticks: n as i64 * 1_000_000 }).collect();
        assert_eq!(judge(&points, true), Judgement::Variable);
        assert_eq!(judge(&constant(3), true), Judgement::Few);
    }

    #[test]
    fn pauses() {
        let mut points = constant(200);
        for at in [60, 100, 140, 195] {
            points[at..].iter_mut().for_each(|point| point.ticks += 30_000);
        }
        assert_eq!(judge(&points, false), Judgement::Variable);
        assert!(matches!(judge(&points, true), Judgement::Constant(_)));
    }
}
