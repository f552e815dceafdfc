//! The days a rule is for: words of the week, dates, and ranges of dates.

use super::grammar::DAY_WORDS;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use std::fmt;

/// Years a file may name.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=9000;

/// The days a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKey {
    /// Every day.
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// Monday to Friday; the word for evening blocks.
    Weeknights,
    /// Saturday and Sunday.
    Weekends,
    /// One day of the week.
    On(Weekday),
    /// From one date to another, both among them.
    Dates(Date, Date),
}

impl DayKey {
    /// Number of layers: where two rules want the same time, the one of the lower layer has it.
    pub const LAYERS: usize = 5;

    /// Reads a key of the language: a word, `2026-12-25`, or `2026-12-24..2026-12-26`.
    #[must_use]
    pub fn read(word: &str) -> Option<DayKey> {
        Some(match word {
            "daily" => DayKey::Daily,
            "weekdays" => DayKey::Weekdays,
            "weeknights" => DayKey::Weeknights,
            "weekends" => DayKey::Weekends,
            "monday" => DayKey::On(Weekday::Monday),
            "tuesday" => DayKey::On(Weekday::Tuesday),
            "wednesday" => DayKey::On(Weekday::Wednesday),
            "thursday" => DayKey::On(Weekday::Thursday),
            "friday" => DayKey::On(Weekday::Friday),
            "saturday" => DayKey::On(Weekday::Saturday),
            "sunday" => DayKey::On(Weekday::Sunday),
            dates => {
                let (first, last) = dates.split_once("..").unwrap_or((dates, dates));
                let (first, last) = (read_date(first.trim())?, read_date(last.trim())?);
                (first <= last).then_some(DayKey::Dates(first, last))?
            }
        })
    }

    /// Whether a date is among them.
    #[must_use]
    pub fn holds(self, date: Date) -> bool {
        match self {
            DayKey::Dates(first, last) => (first..=last).contains(&date),
            _ => self.holds_weekday(date.weekday()),
        }
    }

    /// Whether a day of the week is among them; dates are of none.
    #[must_use]
    pub fn holds_weekday(self, day: Weekday) -> bool {
        let weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        match self {
            DayKey::Daily => true,
            DayKey::Weekdays | DayKey::Weeknights => !weekend,
            DayKey::Weekends => weekend,
            DayKey::On(one) => one == day,
            DayKey::Dates(..) => false,
        }
    }

    /// 0 for the most specific, a date by itself: where two rules want the same time, the lower number has it.
    #[must_use]
    pub fn layer(self) -> usize {
        match self {
            DayKey::Dates(first, last) if first == last => 0,
            DayKey::Dates(..) => 1,
            DayKey::On(_) => 2,
            DayKey::Weekdays | DayKey::Weeknights | DayKey::Weekends => 3,
            DayKey::Daily => 4,
        }
    }

    /// The dates of a dated rule: the first, and the one after the last.
    #[must_use]
    pub(crate) fn dates(self) -> Option<(Date, Date)> {
        match self {
            DayKey::Dates(first, last) => Some((first, last.checked_add(1.days()).ok()?)),
            _ => None,
        }
    }
}

/// Reads `YYYY-MM-DD`.
pub(super) fn read_date(text: &str) -> Option<Date> {
    // The parser also takes times and other forms of ISO 8601, which would be passed over in silence.
    text.parse::<Date>().ok().filter(|date| date.to_string() == text && YEARS.contains(&date.year()))
}

impl fmt::Display for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DayKey::Dates(first, last) if first == last => write!(f, "{first}"),
            DayKey::Dates(first, last) => write!(f, "{first}..{last}"),
            known => f.write_str(
                DAY_WORDS.into_iter().find(|word| DayKey::read(word) == Some(*known)).unwrap_or_default(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_of_the_week_belong_to_their_words() {
        let table = [("daily", 7), ("weekdays", 5), ("weeknights", 5), ("weekends", 2), ("sunday", 1)];
        for (word, count) in table {
            let key = DayKey::read(word).unwrap();
            let days = Weekday::Monday.cycle_forward().take(7).filter(|d| key.holds_weekday(*d)).count();
            assert_eq!((days, key.to_string().as_str()), (count, word));
        }
        assert!(DAY_WORDS.iter().all(|word| DayKey::read(word).is_some()));
    }

    #[test]
    fn dates_come_before_days_of_the_week_and_one_before_several() {
        let layer = |text| DayKey::read(text).map(DayKey::layer);
        let order = ["2026-12-25", "2026-12-24..2026-12-26", "friday", "weekdays", "daily"];
        assert_eq!(order.map(layer), [Some(0), Some(1), Some(2), Some(3), Some(4)]);
        let range = DayKey::read("2026-12-24 .. 2026-12-26").unwrap();
        let held: Vec<bool> = (23..28).map(|day| range.holds(date(2026, 12, day))).collect();
        assert_eq!(held, [false, true, true, true, false]);
        for wrong in
            ["2026-12-32", "2026-12-26..2026-12-24", "2026-W52-5", "20261225", "..", "2026-12-25T06:00"]
        {
            assert_eq!(DayKey::read(wrong), None, "{wrong}");
        }
    }
}
