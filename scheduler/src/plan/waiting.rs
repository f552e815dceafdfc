//! Spots in the order of how long they wait: what a break is filled from, looked at no further than it needs.
//!
//! Spots of one kind and one weight stand in a line, the one that waits longest in front; who airs goes to its end. Of
//! several lines the more urgent front is the next.

use super::rotation::Rotation;
use super::traffic::Traffic;
use crate::dsl::SpotKind;
use retrovue_timebase::UtcMs;
use std::cmp::Reverse;

/// Places of spots in lines, which are the same all day: a spot has one for each kind it is of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Place by place, in the order of the spots' numbers.
    number: Vec<u32>,
    line: Vec<u32>,
    /// The first place of each spot, and behind the last one's the end.
    first: Vec<u32>,
    lines: Vec<(SpotKind, u32)>,
}

impl Places {
    /// Of so many spots, from each kind's with their weights.
    pub(crate) fn new(spots: usize, members: &[Vec<(u32, u32)>; SpotKind::ALL.len()]) -> Places {
        let mut lines: Vec<(SpotKind, u32)> = Vec::new();
        let mut places: Vec<(u32, u32)> = Vec::new();
        for kind in SpotKind::ALL {
            for (number, weight) in &members[kind as usize] {
                let line = lines.iter().position(|line| *line == (kind, *weight)).unwrap_or_else(|| {
                    lines.push((kind, *weight));
                    lines.len() - 1
                });
                places.push((*number, line as u32));
            }
        }
        places.sort_unstable();
        let first =
            (0..=spots as u32).map(|spot| places.partition_point(|(number, _)| *number < spot) as u32);
        let first = first.collect();
        let (number, line) = places.into_iter().unzip();
        Places { number, line, first, lines }
    }
}

/// The lines as they stand.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Behind and in front of each place. Behind the places of spots, each line has one of its own: its end is in front
    /// of it and its front behind.
    next: Vec<u32>,
    previous: Vec<u32>,
    /// Where one is in each line while looking.
    at: Vec<u32>,
    /// The lines that are looked at.
    asked: Vec<bool>,
}

impl Waiting {
    /// How the lines stand where a rotation has come to: those that never aired first, by their turns, then by the last
    /// airing.
    pub(crate) fn new(traffic: &Traffic, rotation: &Rotation) -> Waiting {
        let places = &traffic.places;
        let spots = places.number.len();
        let mut order: Vec<u32> = (0..spots as u32).collect();
        order.sort_unstable_by_key(|place| {
            let number = places.number[*place as usize];
            (rotation.last(number as usize), traffic.spots[number as usize].turn, *place)
        });
        let ends = spots as u32..(spots + places.lines.len()) as u32;
        let own: Vec<u32> = (0..spots as u32).chain(ends).collect();
        let lines = places.lines.len();
        let mut waiting =
            Waiting { next: own.clone(), previous: own, at: vec![0; lines], asked: vec![false; lines] };
        for place in order {
            waiting.append(spots as u32 + places.line[place as usize], place);
        }
        waiting
    }

    fn append(&mut self, end: u32, place: u32) {
        let last = self.previous[end as usize];
        self.next[last as usize] = place;
        self.previous[place as usize] = last;
        self.next[place as usize] = end;
        self.previous[end as usize] = place;
    }

    /// A spot has aired, after all others.
    pub(crate) fn aired(&mut self, traffic: &Traffic, number: usize) {
        let places = &traffic.places;
        for place in places.first[number]..places.first[number + 1] {
            let (before, behind) = (self.previous[place as usize], self.next[place as usize]);
            self.next[before as usize] = behind;
            self.previous[behind as usize] = before;
            self.append(places.number.len() as u32 + places.line[place as usize], place);
        }
    }

    /// Begins at the fronts of the lines of some kinds.
    pub(crate) fn look(&mut self, traffic: &Traffic, kinds: &[SpotKind]) {
        let places = &traffic.places;
        for (line, (kind, _)) in places.lines.iter().enumerate() {
            let end = places.number.len() + line;
            self.asked[line] = kinds.contains(kind);
            self.at[line] = if self.asked[line] { self.next[end] } else { end as u32 };
        }
    }

    /// The kinds that a spot is of, of those that are looked at.
    pub(crate) fn asked<'t>(
        &'t self,
        traffic: &'t Traffic,
        number: usize,
    ) -> impl DoubleEndedIterator<Item = SpotKind> + 't {
        let places = &traffic.places;
        let lines = (places.first[number]..places.first[number + 1])
            .map(|place| places.line[place as usize] as usize);
        lines.filter(|line| self.asked[*line]).map(|line| places.lines[line].0)
    }

    /// The next spot one looks at, by the time since its last airing times its weight at an instant, and of those that
    /// never aired by turn.
    pub(crate) fn next(
        &mut self,
        traffic: &Traffic,
        rotation: &Rotation,
        at: UtcMs,
    ) -> Option<(usize, SpotKind)> {
        let places = &traffic.places;
        let spots = places.number.len() as u32;
        let mut fronts = self.at.iter().enumerate().filter(|(_, place)| **place < spots);
        let mut best = fronts.next()?.0;
        let mut others = fronts.map(|(line, _)| line).peekable();
        if others.peek().is_some() {
            let urgency = |line: usize| {
                let number = places.number[self.at[line] as usize] as usize;
                let (kind, weight) = places.lines[line];
                let since = rotation.since(number, at).map_or(u64::MAX, |since| {
                    since.unsigned_abs().saturating_mul(u64::from(weight)).clamp(1, u64::MAX - 1)
                });
                (Reverse(since), traffic.spots[number].turn, number, kind)
            };
            let mut first = urgency(best);
            for line in others {
                let other = urgency(line);
                if other < first {
                    (best, first) = (line, other);
                }
            }
        }
        let place = self.at[best] as usize;
        self.at[best] = self.next[place];
        Some((places.number[place] as usize, places.lines[best].0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rotation::Opening;
    use crate::plan::traffic::tests::traffic_of;
    use proptest::prelude::*;
    use retrovue_timebase::Millis;

    /// All spots of some kinds, each looked at, in the order of their urgency.
    fn sorted(
        traffic: &Traffic,
        rotation: &Rotation,
        kinds: &[SpotKind],
        at: UtcMs,
    ) -> Vec<(usize, SpotKind)> {
        let mut all = Vec::new();
        for kind in kinds {
            for (number, weight) in traffic.of_kind(*kind) {
                let number = *number as usize;
                let since = rotation.since(number, at).map(|since| since.max(1) as u64 * u64::from(*weight));
                let turn = traffic.spots[number].turn;
                all.push((Reverse(since.unwrap_or(u64::MAX)), turn, number, *kind));
            }
        }
        all.sort_unstable();
        all.into_iter().map(|(_, _, number, kind)| (number, kind)).collect()
    }

    proptest! {
        /// Whatever has aired before and since: the lines give the order that sorting gives, with a spot of two kinds
        /// and with weights.
        #[test]
        fn the_lines_give_the_order_that_sorting_gives(
            weights in prop::array::uniform3(1u32..6),
            before in prop::collection::vec((0usize..20, 1i64..1_000), 0..30),
            airs in prop::collection::vec((0usize..20, 1i64..100), 0..60),
            promos_alone: bool,
        ) {
            let [spots, promos, one] = weights;
            let text = format!(
                "commercials: {{collection: c, weights: {{c: {spots}, c.03: {one}}}}}, \
                 promos: {{collections: [p, c], weights: {{p: {promos}}}}}"
            );
            let traffic = traffic_of(&text, &[("c", &[30; 12]), ("p", &[20; 6])]);
            let count = traffic.spots.len();
            let mut opening = Opening::default();
            for (number, at) in before {
                opening.plays.insert(traffic.spots[number % count].asset.id.clone(), vec![at]);
            }
            let mut rotation = Rotation::new(&traffic, &opening);
            let mut waiting = Waiting::new(&traffic, &rotation);
            let kinds: &[SpotKind] =
                if promos_alone { &[SpotKind::Promo] } else { &[SpotKind::Commercial, SpotKind::Promo] };
            let mut at = UtcMs(2_000);
            for (number, later) in airs {
                at = at.plus(Millis(later));
                waiting.look(&traffic, kinds);
                let given: Vec<_> = std::iter::from_fn(|| waiting.next(&traffic, &rotation, at)).collect();
                prop_assert_eq!(given, sorted(&traffic, &rotation, kinds, at));
                rotation.note(number % count, &traffic.spots[number % count], at);
                waiting.aired(&traffic, number % count);
            }
        }
    }
}
