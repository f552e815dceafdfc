//! `match`: what an asset must satisfy to be in a pool. What is read of an asset is for `plan` to say.

use super::codes;
use super::grammar::{CRITERIA, WORDS};
use super::reader::Reader;
use crate::yaml::{Fields, Node, Place, Value};
use std::fmt;

/// Most words of one criterion.
const MOST_WORDS: usize = 1000;

/// One thing an asset must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// What is looked at.
    pub subject: Subject,
    /// What it must be.
    pub test: Test,
    /// Where it stands.
    pub place: Place,
}

/// What of an asset is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// episode, movie, …
    Type,
    /// The series it is of.
    Series,
    /// Its title.
    Title,
    /// Its genres.
    Genre,
    /// Its tags.
    Tags,
    /// Its rating.
    Rating,
    /// Its year.
    Year,
    /// Its season.
    Season,
    /// Its episode.
    Episode,
    /// Its runtime, in milliseconds.
    Duration,
}

/// What a subject must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Words; upper and lower case are alike, and `*` stands for anything.
    Words {
        /// One of these must be there, if there are any.
        include: Vec<String>,
        /// None of these may be there.
        exclude: Vec<String>,
        /// All of these must be there.
        all: Vec<String>,
    },
    /// A number from the least to the most, both allowed.
    Range {
        /// The least.
        least: Option<i64>,
        /// The most.
        most: Option<i64>,
    },
}

impl Subject {
    /// All of them, in the order of the language's table.
    pub const ALL: [Subject; 10] = [
        Subject::Type,
        Subject::Series,
        Subject::Title,
        Subject::Genre,
        Subject::Tags,
        Subject::Rating,
        Subject::Year,
        Subject::Season,
        Subject::Episode,
        Subject::Duration,
    ];

    /// The key of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Subject::Type => "type",
            Subject::Series => "series",
            Subject::Title => "title",
            Subject::Genre => "genre",
            Subject::Tags => "tags",
            Subject::Rating => "rating",
            Subject::Year => "year",
            Subject::Season => "season",
            Subject::Episode => "episode",
            Subject::Duration => "duration",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Subject::Year | Subject::Season | Subject::Episode | Subject::Duration)
    }
}

impl Test {
    /// Whether words, of which an asset may have none, satisfy it.
    #[must_use]
    pub fn accepts_words<'a>(&self, words: impl Iterator<Item = &'a str> + Clone) -> bool {
        let Test::Words { include, exclude, all } = self else { return false };
        let there = |pattern: &String| words.clone().any(|word| alike(pattern, word));
        (include.is_empty() || include.iter().any(there))
            && all.iter().all(there)
            && !exclude.iter().any(there)
    }

    /// Whether a number, which an asset may lack, satisfies it.
    #[must_use]
    pub fn accepts_number(&self, number: Option<i64>) -> bool {
        let (Test::Range { least, most }, Some(number)) = (self, number) else { return false };
        least.is_none_or(|least| least <= number) && most.is_none_or(|most| number <= most)
    }
}

/// Compares without regard to case; `*` in the pattern stands for any text.
fn alike(pattern: &str, word: &str) -> bool {
    // Most words are ASCII without a star, and there are many: no text is made for them.
    if pattern.is_ascii() && word.is_ascii() && !pattern.contains('*') {
        return pattern.eq_ignore_ascii_case(word);
    }
    let (pattern, word) = (pattern.to_lowercase(), word.to_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == word };
    let Some(mut left) = word.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.subject.word())?;
        match &self.test {
            Test::Words { include, exclude, all } => {
                if !include.is_empty() {
                    write!(f, " {}", include.join(" or "))?;
                }
                if !all.is_empty() {
                    write!(f, " {}", all.join(" and "))?;
                }
                if !exclude.is_empty() {
                    write!(f, " not {}", exclude.join(" nor "))?;
                }
                Ok(())
            }
            Test::Range { least, most } => {
                let shown = |n: &Option<i64>| match n {
                    None => String::new(),
                    Some(n) if self.subject == Subject::Duration => span_text(*n),
                    Some(n) => n.to_string(),
                };
                if least == most {
                    return write!(f, " {}", shown(least));
                }
                write!(f, " {}..{}", shown(least), shown(most))
            }
        }
    }
}

impl<'a> Reader<'a, '_> {
    /// Reads `match`.
    pub(super) fn criteria(&mut self, node: &'a Node, criteria: &mut Vec<Criterion>) {
        let Some(mut fields) = self.fields(node, &CRITERIA) else { return };
        for subject in Subject::ALL {
            let Some(value) = fields.take(subject.word()) else { continue };
            let criterion =
                if subject.is_number() { self.range(subject, value) } else { self.words(subject, value) };
            criteria.extend(criterion);
        }
        fields.finish(self.report);
    }

    /// Reads `rating`, `min_duration_sec` and `max_duration_sec`, which seed 004 has beside the collections.
    pub(super) fn limits(&mut self, fields: &mut Fields<'a>, criteria: &mut Vec<Criterion>) {
        if let Some(node) = fields.take("rating") {
            criteria.extend(self.words(Subject::Rating, node));
        }
        let least = fields.whole("min_duration_sec", self.report);
        let most = fields.whole("max_duration_sec", self.report);
        let Some((_, node)) = least.or(most) else { return };
        let ms = |found: Option<(u64, &Node)>| found.and_then(|(n, _)| i64::try_from(n * 1000).ok());
        let (least, most) = (ms(least), ms(most));
        if let (Some(low), Some(high)) = (least, most)
            && low > high
        {
            let message = "min_duration_sec is more than max_duration_sec: nothing satisfies both";
            self.error(node, codes::INVALID_VALUE, message, "exchange them");
            return;
        }
        let test = Test::Range { least, most };
        criteria.push(Criterion { subject: Subject::Duration, test, place: node.place });
    }

    fn words(&mut self, subject: Subject, node: &'a Node) -> Option<Criterion> {
        let test = match &node.value {
            Value::Mapping(_) => {
                let mut fields = self.fields(node, &WORDS)?;
                let mut list = |key| fields.one_or_many(key);
                let (include, exclude, all) = (list("include"), list("exclude"), list("all"));
                fields.finish(self.report);
                Test::Words {
                    include: self.word_list(subject, &include),
                    exclude: self.word_list(subject, &exclude),
                    all: self.word_list(subject, &all),
                }
            }
            Value::Sequence(items) => {
                let items: Vec<&Node> = items.iter().collect();
                let include = self.word_list(subject, &items);
                Test::Words { include, exclude: Vec::new(), all: Vec::new() }
            }
            _ => {
                let include = self.word_list(subject, &[node]);
                Test::Words { include, exclude: Vec::new(), all: Vec::new() }
            }
        };
        Some(Criterion { subject, test, place: node.place })
    }

    fn word_list(&mut self, subject: Subject, items: &[&Node]) -> Vec<String> {
        if let Some(extra) = items.get(MOST_WORDS) {
            let message = format!("more than {MOST_WORDS} words for {}", subject.word());
            self.error(extra, codes::INVALID_VALUE, message, "use * for several words at once");
            return Vec::new();
        }
        let mut words = Vec::with_capacity(items.len());
        for item in items {
            match item.scalar() {
                Some(word) => words.push(word.to_owned()),
                None => {
                    let message = format!("a {} must be a word, not {}", subject.word(), item.kind());
                    self.error(item, codes::WRONG_KIND, message, "");
                }
            }
        }
        words
    }

    /// Reads `5`, `5..9`, `5..` or `..9`.
    fn range(&mut self, subject: Subject, node: &Node) -> Option<Criterion> {
        let help = match subject {
            Subject::Duration => "write 20m..30m, 90m.., ..2h; s, m and h, and a number alone is seconds",
            Subject::Year => "write 1984, 1980..1989, 1980.. or ..1989",
            _ => "write 3, 1..4, 2.. or ..4",
        };
        let Some(text) = node.scalar() else {
            let message = format!("{} must be a number or a range, not {}", subject.word(), node.kind());
            self.error(node, codes::WRONG_KIND, message, help);
            return None;
        };
        let read = |part: &str| match subject {
            Subject::Duration => span_ms(part),
            _ => part.parse::<i64>().ok().filter(|n| (0..=9999).contains(n)),
        };
        let range = match text.split_once("..") {
            None => read(text.trim()).map(|n| (Some(n), Some(n))),
            Some((low, high)) => {
                let end = |part: &str| match part.trim() {
                    "" => Some(None),
                    part => read(part).map(Some),
                };
                end(low).zip(end(high)).filter(|ends| *ends != (None, None))
            }
        };
        let Some((least, most)) = range else {
            let message = format!("\"{text}\" is no {} nor a range of them", subject.word());
            self.error(node, codes::INVALID_VALUE, message, help);
            return None;
        };
        if let (Some(low), Some(high)) = (least, most)
            && low > high
        {
            let message = format!("the range \"{text}\" ends before it begins");
            self.error(node, codes::INVALID_VALUE, message, "write the lower end first");
            return None;
        }
        Some(Criterion { subject, test: Test::Range { least, most }, place: node.place })
    }
}

/// `90`, `90s`, `20m` or `2h` in milliseconds.
pub(super) fn span_ms(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// The same, written.
fn span_text(ms: i64) -> String {
    match ms {
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms => format!("{}s", ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_criterion_of_the_table_is_read() {
        let subjects: Vec<&str> = Subject::ALL.iter().map(|s| s.word()).collect();
        assert_eq!(CRITERIA.names().collect::<Vec<_>>(), subjects);
    }

    #[test]
    fn words_are_compared_without_case_and_stars_stand_for_anything() {
        for (pattern, word, expect) in [
            ("PG-13", "pg-13", true),
            ("PG", "PG-13", false),
            ("PG*", "PG-13", true),
            ("*noir*", "Neo-Noir film", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*bc", "abcbd", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(alike(pattern, word), expect, "{pattern} {word}");
        }
    }

    #[test]
    fn what_an_asset_lacks_satisfies_only_exclusion() {
        let words = |include: &[&str], exclude: &[&str], all: &[&str]| {
            let list = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect();
            Test::Words { include: list(include), exclude: list(exclude), all: list(all) }
        };
        let judged = |test: Test, has: &[&str]| test.accepts_words(has.iter().copied());
        assert!(!judged(words(&["a"], &[], &[]), &[]));
        assert!(judged(words(&[], &["a"], &[]), &[]));
        assert!(judged(words(&["a", "b"], &["c"], &["d"]), &["D", "b"]));
        assert!(!judged(words(&["a", "b"], &["c"], &["d"]), &["d", "b", "C"]));
        let range = Test::Range { least: Some(3), most: None };
        assert!(
            range.accepts_number(Some(3)) && !range.accepts_number(Some(2)) && !range.accepts_number(None)
        );
    }
}
