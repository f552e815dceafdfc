//! Times of day on a broadcast day, which runs from 06:00 to 06:00 (seed 004, Time Model).

use std::fmt;

/// The hour a broadcast day begins, local time (seed 004, Time Model).
pub const BROADCAST_DAY_HOUR: i64 = 6;

const DAY: i64 = 86_400;

/// A wall-clock time as seconds since 06:00 of its broadcast day, `0..=86400`; 86400 is 06:00 at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(i64);

impl WallTime {
    /// 06:00, where the day begins.
    pub const DAY_START: WallTime = WallTime(0);
    /// 06:00, where the day ends.
    pub const DAY_END: WallTime = WallTime(DAY);

    /// Reads `HH:MM` or `HH:MM:SS`. Hours 24 to 29 are those after midnight.
    #[must_use]
    pub fn read(text: &str) -> Option<WallTime> {
        let mut parts = text.split(':').map(|part| {
            let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse::<i64>().ok()).flatten()
        });
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        if parts.next().is_some() || hours > 30 || minutes > 59 || seconds > 59 {
            return None;
        }
        let clock = hours * 3600 + minutes * 60 + seconds;
        (clock <= 30 * 3600).then(|| WallTime((clock - BROADCAST_DAY_HOUR * 3600).rem_euclid(DAY)))
    }

    /// The same clock time read as an end: 06:00 is the end of the day, not its beginning.
    #[must_use]
    pub fn as_end(self) -> WallTime {
        if self.0 == 0 { WallTime::DAY_END } else { self }
    }

    /// Seconds since the day began, by the clock on the wall.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = (self.0 + BROADCAST_DAY_HOUR * 3600) % DAY;
        write!(f, "{:02}:{:02}", clock / 3600, clock / 60 % 60)?;
        if clock % 60 != 0 {
            write!(f, ":{:02}", clock % 60)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_count_from_six() {
        for (text, seconds) in [
            ("06:00", 0),
            ("20:00", 50_400),
            ("05:59:59", 86_399),
            ("00:00", 64_800),
            ("24:00", 64_800),
            ("6:30", 1800),
        ] {
            assert_eq!(WallTime::read(text).map(WallTime::seconds), Some(seconds), "{text}");
        }
        for text in
            ["", "20", "20:60", "31:00", "30:01", "2000", "20:00:00:00", "-1:00", "20:0x", "020:00", "+2:00"]
        {
            assert_eq!(WallTime::read(text), None, "{text}");
        }
        assert_eq!(WallTime::read("06:00").unwrap().as_end(), WallTime::DAY_END);
        assert_eq!(WallTime::read("30:00").unwrap().as_end(), WallTime::DAY_END);
        assert_eq!(WallTime::DAY_END.to_string(), "06:00");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(seconds in 0i64..DAY) {
            prop_assert_eq!(WallTime::read(&WallTime(seconds).to_string()), Some(WallTime(seconds)));
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,12}") {
            let _ = WallTime::read(&text);
        }
    }
}
