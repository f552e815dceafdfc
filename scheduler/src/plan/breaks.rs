//! Breaks filled with spots: a day's in order, each as full as it can be, and a break again without a spot that failed.
//!
//! Pure: the same opening gives the same breaks. What no spot can fill is left open, for filler.

use super::fit::{Fitter, LONGEST_FIT, MOST_FITTED};
use super::rotation::{HOUR, Rotation};
use super::traffic::{SHORTEST_SPOT, Traffic};
use super::waiting::Waiting;
use crate::dsl::{BreakPart, SpotKind};
use jiff::civil::Date;
use retrovue_timebase::{Millis, UtcMs};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Spots looked at for one choice, the most urgent ones: far more than a break holds.
const LOOKED_AT: usize = 256;

/// A stretch of a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole spot.
    Spot {
        /// Its number in the channel's traffic.
        number: usize,
        kind: SpotKind,
        start: UtcMs,
    },
    /// Time for filler.
    Open(Millis),
}

/// A break, filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilledBreak {
    pub(crate) start: UtcMs,
    pub(crate) pieces: Vec<Piece>,
}

/// The breaks of a broadcast day, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilledDay {
    pub(crate) date: Date,
    pub(crate) end: UtcMs,
    pub(crate) breaks: Vec<FilledBreak>,
    pub(crate) opened: Rotation,
    pub(crate) closed: Rotation,
}

/// A spot's turn, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) number: usize,
    pub(crate) kind: SpotKind,
    pub(crate) start: UtcMs,
    /// Its airing before that.
    pub(crate) before: Option<UtcMs>,
    /// Spots of its kind.
    pub(crate) of: usize,
    /// Those that could not air when the break began.
    pub(crate) resting: usize,
}

/// How far one may go back for a spot, from what is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Not in this break nor in the one before.
    Neither,
    /// In the one before.
    Before,
    /// In this one, where no cooldown forbids it.
    Same,
}

/// Spots of the single parts of a break, spots that fill it, and the milliseconds left.
type Chosen = (Vec<Option<(usize, SpotKind)>>, Vec<(usize, SpotKind)>, i64);

/// Fills the breaks of one day, one after the other.
struct Filling<'t> {
    traffic: &'t Traffic,
    rotation: Rotation,
    waiting: Waiting,
    /// The kinds that fill.
    filling: Vec<SpotKind>,
    fitter: Fitter,
    /// Of each spot, [`BEFORE`], [`WITHOUT`], [`HERE`] and [`TRIED`] where they are true of it.
    marks: Vec<u8>,
    /// Of each length that spots have, how many are tried together.
    alike: Vec<i64>,
}

/// In the break before.
const BEFORE: u8 = 1;
/// This break is filled without it.
const WITHOUT: u8 = 2;
/// Chosen for this break.
const HERE: u8 = 4;
/// Tried for the rest of it.
const TRIED: u8 = 8;

/// What is looked for in a break, and how much was found.
struct Search {
    repeat: Repeat,
    /// Shortest and longest of use, in milliseconds.
    least: i64,
    most: i64,
    found: usize,
    /// Spots that are in this break already, where they may come again: behind all others, and those by turns.
    again: Option<Vec<(usize, SpotKind)>>,
}

/// One break while it is filled.
struct Break {
    start: UtcMs,
    left: i64,
    chosen: Vec<(usize, SpotKind)>,
}

impl FilledDay {
    /// Fills the breaks of a day, each a start and a length, in order.
    pub(crate) fn new(
        traffic: &Traffic,
        (date, end): (Date, UtcMs),
        opened: Rotation,
        breaks: impl Iterator<Item = (UtcMs, Millis)>,
    ) -> FilledDay {
        let rotation = opened.clone();
        let mut filling = Filling {
            traffic,
            waiting: Waiting::new(traffic, &rotation),
            filling: traffic.filling().collect(),
            rotation,
            fitter: Fitter::default(),
            marks: vec![0; traffic.spots.len()],
            alike: vec![0; traffic.lengths.len()],
        };
        let breaks = breaks.map(|(start, length)| filling.fill(start, length)).collect();
        FilledDay { date, end, breaks, opened, closed: filling.rotation }
    }

    /// The break that begins at an instant.
    pub(crate) fn at(&self, start: UtcMs) -> Option<(usize, &FilledBreak)> {
        let index = self.breaks.partition_point(|b| b.start < start);
        self.breaks.get(index).filter(|b| b.start == start).map(|b| (index, b))
    }

    /// The airings of a spot on this day.
    pub(crate) fn starts(&self, spot: usize) -> impl Iterator<Item = UtcMs> {
        let pieces = self.breaks.iter().flat_map(|filled| &filled.pieces);
        pieces.filter_map(move |piece| match piece {
            Piece::Spot { number, start, .. } if *number == spot => Some(*start),
            _ => None,
        })
    }

    /// The spot on the air at an instant, where one is.
    pub(crate) fn turn_at(&self, traffic: &Traffic, at: UtcMs) -> Option<Turn> {
        let index = self.breaks.partition_point(|b| b.start <= at).checked_sub(1)?;
        let mut rotation = self.opened.clone();
        for piece in self.breaks[..index].iter().flat_map(|b| &b.pieces) {
            if let Piece::Spot { number, start, .. } = *piece {
                rotation.note(number, &traffic.spots[number], start);
            }
        }
        let filled = &self.breaks[index];
        let (number, kind, start) = filled.pieces.iter().find_map(|piece| match *piece {
            Piece::Spot { number, kind, start } => {
                let end = start.plus(Millis(traffic.spots[number].length));
                (start <= at && at < end).then_some((number, kind, start))
            }
            Piece::Open(_) => None,
        })?;
        let before = self.starts(number).take_while(|earlier| *earlier < start).last();
        let before = before.or_else(|| self.opened.starts(number).last().map(UtcMs));
        let kinds = traffic.of_kind(kind);
        let rests = |number: usize| !rotation.may(number, &traffic.spots[number], filled.start, 0);
        let resting = kinds.iter().filter(|(number, _)| rests(*number as usize)).count();
        Some(Turn { number, kind, start, before, of: kinds.len(), resting })
    }

    /// A break with other spots in the place of those in `avoid`, by URI. No other break changes, so a spot comes only
    /// where it keeps its cooldown and its caps to both sides; where none does, the time is open. That another break
    /// was mended with it is not known here. `besides` are those that the block was mended with before.
    pub(crate) fn mended(
        &self,
        traffic: &Traffic,
        index: usize,
        avoid: &BTreeSet<String>,
        besides: &mut Vec<usize>,
    ) -> Vec<Piece> {
        let filled = &self.breaks[index];
        let near: BTreeSet<usize> = self.breaks[index.saturating_sub(1)..(index + 2).min(self.breaks.len())]
            .iter()
            .flat_map(|b| &b.pieces)
            .filter_map(|piece| match piece {
                Piece::Spot { number, .. } => Some(*number),
                Piece::Open(_) => None,
            })
            .collect();
        let mut fitter = Fitter::default();
        let mut pieces = Vec::with_capacity(filled.pieces.len() + 2);
        for piece in &filled.pieces {
            let Piece::Spot { number, kind, start } = *piece else {
                pieces.push(*piece);
                continue;
            };
            let spot = &traffic.spots[number];
            if !avoid.contains(&spot.asset.uri) {
                pieces.push(*piece);
                continue;
            }
            let mut left = spot.length;
            let end = start.plus(Millis(spot.length));
            let mut free: Vec<(Reverse<i64>, u32, usize)> = traffic
                .of_kind(kind)
                .iter()
                .map(|(number, _)| *number as usize)
                .filter(|number| {
                    let other = &traffic.spots[*number];
                    !near.contains(number)
                        && !besides.contains(number)
                        && !avoid.contains(&other.asset.uri)
                        && (SHORTEST_SPOT..=left).contains(&other.length)
                        && self.has_room_for(traffic, *number, start, end)
                })
                .map(|number| (Reverse(self.since(number, start)), traffic.spots[number].turn, number))
                .collect();
            free.sort_unstable();
            free.truncate(MOST_FITTED);
            let lengths: Vec<i64> = free.iter().map(|(_, _, n)| traffic.spots[*n].length).collect();
            let chosen = match left {
                left if left <= LONGEST_FIT => fitter.choose(&lengths, left),
                _ => free.iter().take(1).enumerate().map(|(i, _)| i).collect(),
            };
            let mut at = start;
            for choice in chosen {
                let number = free[choice].2;
                pieces.push(Piece::Spot { number, kind, start: at });
                besides.push(number);
                at = at.plus(Millis(lengths[choice]));
                left -= lengths[choice];
            }
            if left > 0 {
                pieces.push(Piece::Open(Millis(left)));
            }
        }
        pieces
    }

    /// Whether a spot may air somewhere from `start` to `end` with all its other airings staying where they are.
    fn has_room_for(&self, traffic: &Traffic, number: usize, start: UtcMs, end: UtcMs) -> bool {
        let spot = &traffic.spots[number];
        // What airs on the next day is not known here.
        let ahead = if spot.per_hour < u32::MAX { spot.cooldown.max(HOUR) } else { spot.cooldown };
        let (mut today, mut near) = (0, 0);
        let earlier = self.opened.starts(number).map(UtcMs);
        for (at, counts) in self.starts(number).map(|at| (at, true)).chain(earlier.map(|at| (at, false))) {
            if at.0 > start.0 - spot.cooldown && at.0 < end.0 + spot.cooldown {
                return false;
            }
            today += u32::from(counts);
            near += u32::from(at.0 > start.0 - HOUR && at.0 < end.0 + HOUR);
        }
        today < spot.per_day && near < spot.per_hour && (ahead == 0 || end.0 + ahead <= self.end.0)
    }

    /// Milliseconds from a spot's last airing before an instant.
    fn since(&self, number: usize, at: UtcMs) -> i64 {
        let before = self.starts(number).take_while(|start| *start <= at).last().map(|start| start.0);
        before.or_else(|| self.opened.starts(number).last()).map_or(i64::MAX, |start| at.0 - start)
    }
}

impl Filling<'_> {
    /// Spots that an earlier plan has aired shortly before are found only when they were chosen, and the break is
    /// filled without them: as long as the plan stays as it was, nothing is chosen in another way for having aired.
    fn fill(&mut self, start: UtcMs, length: Millis) -> FilledBreak {
        loop {
            let (ones, chosen, left) = self.choose(start, length);
            let mut some_rest = false;
            for (number, _) in ones.iter().flatten().chain(&chosen) {
                self.marks[*number] &= !HERE;
                if self.rotation.rests(*number, &self.traffic.spots[*number], start) {
                    self.marks[*number] |= WITHOUT;
                    some_rest = true;
                }
            }
            if !some_rest {
                return self.arrange(start, &ones, &chosen, left);
            }
        }
    }

    /// Spots for a break: for the parts that are one each, those that fill, and the milliseconds left.
    fn choose(&mut self, start: UtcMs, length: Millis) -> Chosen {
        let mut this = Break { start, left: length.0, chosen: Vec::new() };
        let ones = self.ones(&mut this);
        let singles = this.chosen.len();
        for repeat in [Repeat::Neither, Repeat::Before, Repeat::Same] {
            while self.traffic.lengths.first().is_some_and(|least| *least <= this.left)
                && self.round(&mut this, repeat)
            {}
        }
        let chosen = this.chosen.split_off(singles);
        (ones, chosen, this.left)
    }

    /// Chooses for the parts that are one spot each. Where others fill, they have half of the break at most, so that
    /// a short one is not bumpers alone.
    fn ones(&mut self, this: &mut Break) -> Vec<Option<(usize, SpotKind)>> {
        let traffic = self.traffic;
        let fills = self.filling.iter().any(|kind| !traffic.of_kind(*kind).is_empty());
        let spared = if fills { this.left / 2 } else { 0 };
        let one = |part: &BreakPart| -> Option<(usize, SpotKind)> {
            let BreakPart::One(kind) = *part else { return None };
            for repeat in [Repeat::Neither, Repeat::Before, Repeat::Same] {
                self.waiting.look(traffic, &[kind]);
                let mut search = Search::new(repeat, 1, this.left - spared);
                if let Some((number, kind)) = self.next(this, &mut search) {
                    self.take(this, number, kind);
                    return Some((number, kind));
                }
            }
            None
        };
        traffic.form.iter().map(one).collect()
    }

    /// Fills what is left with spots that were not chosen before, the most urgent while there is much left, then those
    /// that fill the rest best. False where none fits.
    fn round(&mut self, this: &mut Break, repeat: Repeat) -> bool {
        let traffic = self.traffic;
        let from = this.chosen.len();
        self.waiting.look(traffic, &self.filling);
        let mut search = Search::new(repeat, SHORTEST_SPOT, this.left);
        let length = |number: usize| traffic.spots[number].length;
        while this.left > LONGEST_FIT
            && let Some((number, kind)) = self.next(this, &mut search)
        {
            if length(number) <= this.left && !this.has(from, number) {
                self.take(this, number, kind);
            }
        }
        let mut fitted = [(0, SpotKind::Commercial); MOST_FITTED];
        let mut lengths = [0; MOST_FITTED];
        let mut count = 0;
        // Lengths of which there are not yet as many as the rest holds.
        let mut wanted = traffic.lengths.partition_point(|length| *length <= this.left);
        while count < MOST_FITTED
            && wanted > 0
            && let Some((number, kind)) = self.next(this, &mut search)
        {
            let length = length(number);
            let alike = &mut self.alike[traffic.spots[number].length_place];
            // More of one length than the rest holds are of no use, and would keep out other lengths.
            let of_use = length * (*alike + 1) <= this.left;
            if of_use && self.marks[number] & TRIED == 0 && !this.has(from, number) {
                (fitted[count], lengths[count]) = ((number, kind), length);
                count += 1;
                *alike += 1;
                self.marks[number] |= TRIED;
                wanted -= usize::from(length * (*alike + 1) > this.left);
            }
        }
        for (number, _) in &fitted[..count] {
            self.marks[*number] &= !TRIED;
            self.alike[traffic.spots[*number].length_place] = 0;
        }
        if this.left <= LONGEST_FIT {
            for choice in self.fitter.choose(&lengths[..count], this.left) {
                self.take(this, fitted[choice].0, fitted[choice].1);
            }
        }
        this.chosen.len() > from
    }

    /// The next spot that may air now and is of use, the most urgent first: those that never aired, then by the time
    /// since their last airing times their weight.
    fn next(&mut self, this: &Break, search: &mut Search) -> Option<(usize, SpotKind)> {
        while search.found < LOOKED_AT && search.again.is_none() {
            let Some((number, kind)) = self.waiting.next(self.traffic, &self.rotation, this.start) else {
                search.again = Some(self.again(this, search));
                break;
            };
            let unwanted = HERE | WITHOUT | if search.repeat == Repeat::Neither { BEFORE } else { 0 };
            if self.marks[number] & unwanted == 0 && self.is_of_use(this, search, number, 0) {
                search.found += 1;
                return Some((number, kind));
            }
        }
        search.again.as_mut()?.pop()
    }

    fn take(&mut self, this: &mut Break, number: usize, kind: SpotKind) {
        this.left -= self.traffic.spots[number].length;
        this.chosen.push((number, kind));
        self.marks[number] |= HERE;
    }

    /// Spots that are in a break already and may come once more, the one to come first last.
    fn again(&self, this: &Break, search: &Search) -> Vec<(usize, SpotKind)> {
        if search.repeat != Repeat::Same {
            return Vec::new();
        }
        let times = |number: usize| this.chosen.iter().filter(|(other, _)| *other == number).count() as u32;
        let mut again: Vec<(usize, SpotKind)> = Vec::new();
        for (number, _) in this.chosen.iter().rev() {
            let is_free = self.traffic.spots[*number].cooldown == 0;
            let is_new = again.iter().all(|(other, _)| other != number);
            let is_left_out = self.marks[*number] & WITHOUT != 0;
            if is_free && is_new && !is_left_out && self.is_of_use(this, search, *number, times(*number)) {
                again.extend(self.waiting.asked(self.traffic, *number).rev().map(|kind| (*number, kind)));
            }
        }
        again
    }

    /// Whether a spot that is in a break `used` times fits what is looked for and may air.
    fn is_of_use(&self, this: &Break, search: &Search, number: usize, used: u32) -> bool {
        let spot = &self.traffic.spots[number];
        (search.least..=search.most).contains(&spot.length)
            && self.rotation.may(number, spot, this.start, used)
    }

    /// Puts what was chosen into the order of the form; what is left open comes after the last part that fills.
    fn arrange(
        &mut self,
        start: UtcMs,
        ones: &[Option<(usize, SpotKind)>],
        chosen: &[(usize, SpotKind)],
        left: i64,
    ) -> FilledBreak {
        let form = &self.traffic.form;
        let last = form.iter().rposition(|part| matches!(part, BreakPart::Fill(_)));
        let last = last.unwrap_or(form.len().saturating_sub(1));
        let mut pieces = Vec::with_capacity(chosen.len() + form.len() + 1);
        let mut at = start;
        // What was before and left out counts for this break no more.
        self.marks.fill(0);
        for (place, part) in form.iter().enumerate() {
            let again = form[..place].contains(part);
            let of_part = |(_, kind): &&(usize, SpotKind)| !again && *part == BreakPart::Fill(*kind);
            for (number, kind) in ones[place].iter().chain(chosen.iter().filter(of_part)) {
                let spot = &self.traffic.spots[*number];
                pieces.push(Piece::Spot { number: *number, kind: *kind, start: at });
                self.rotation.note(*number, spot, at);
                self.waiting.aired(self.traffic, *number);
                self.marks[*number] |= BEFORE;
                at = at.plus(Millis(spot.length));
            }
            if place == last && left > 0 {
                pieces.push(Piece::Open(Millis(left)));
                at = at.plus(Millis(left));
            }
        }
        FilledBreak { start, pieces }
    }
}

impl Search {
    fn new(repeat: Repeat, least: i64, most: i64) -> Search {
        Search { repeat, least, most, found: 0, again: None }
    }
}

impl Break {
    /// Whether a spot was chosen from the `from`-th choice on.
    fn has(&self, from: usize, number: usize) -> bool {
        self.chosen[from..].iter().any(|(other, _)| *other == number)
    }
}
