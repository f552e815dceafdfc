//! What names tell: slugs, season and episode, titles, years, and what a folder is for.

use crate::catalog::AssetType;

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FileName {
    pub(crate) title: String,
    pub(crate) season: Option<u32>,
    pub(crate) episode: Option<u32>,
    pub(crate) year: Option<u32>,
}

/// Lower-case letters and digits, everything else as single underscores: `Bob's Burgers (2011)` becomes
/// `bobs_burgers_2011`. Never empty.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() {
            // A letter may become several characters, marks among them.
            out.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        } else if !matches!(c, '\'' | '’') && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let trimmed = out.trim_end_matches('_');
    if trimmed.is_empty() { "unnamed".to_owned() } else { trimmed.to_owned() }
}

/// A name for people out of a file's or folder's: `the_clock.makers` becomes `the clock makers`; names
/// that have spaces keep their dots.
#[must_use]
pub fn title_from_name(name: &str) -> String {
    let spaced: String = if name.contains(' ') {
        name.replace('_', " ")
    } else {
        name.chars().map(|c| if matches!(c, '_' | '.') { ' ' } else { c }).collect()
    };
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let joined = words.join(" ");
    let text = joined.trim_matches(|c: char| matches!(c, '-' | '–' | '.' | ' '));
    if text.is_empty() { name.to_owned() } else { text.to_owned() }
}

/// Reads the name of a media file, without its extension.
pub(crate) fn read_file_name(stem: &str) -> FileName {
    let year = find_year(stem);
    match find_episode(stem) {
        Some(tag) => {
            let after = title_from_name(&stem[tag.end..]);
            let before = title_from_name(&stem[..tag.start]);
            let has_words = stem[tag.end..].chars().any(char::is_alphanumeric);
            let title = match (has_words, stem[..tag.start].chars().any(char::is_alphanumeric)) {
                (true, _) => after,
                (false, true) => before,
                (false, false) => format!("Episode {}", tag.episode),
            };
            FileName { title, season: Some(tag.season), episode: Some(tag.episode), year }
        }
        None => FileName { title: title_from_name(without_year(stem)), year, ..FileName::default() },
    }
}

struct EpisodeTag {
    season: u32,
    episode: u32,
    start: usize,
    end: usize,
}

/// Finds `S01E02`, `s1e2`, `S01.E02` or `1x02`, standing apart from other letters and digits.
fn find_episode(stem: &str) -> Option<EpisodeTag> {
    let bytes = stem.as_bytes();
    let apart = |at: usize| at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
    (0..bytes.len()).filter(|at| apart(*at)).find_map(|start| {
        let marked = bytes[start].eq_ignore_ascii_case(&b's');
        let season_at = if marked { start + 1 } else { start };
        let (season, mut at) = digits(bytes, season_at, 1, if marked { 4 } else { 2 })?;
        if marked {
            while bytes.get(at).is_some_and(|b| matches!(b, b'.' | b' ' | b'_' | b'-')) {
                at += 1;
            }
        }
        let mark = if marked { b'e' } else { b'x' };
        if !bytes.get(at)?.eq_ignore_ascii_case(&mark) {
            return None;
        }
        let (episode, end) = digits(bytes, at + 1, if marked { 1 } else { 2 }, 4)?;
        // A double episode, `S01E01-E02` or `S01E01E02`, is known by its first number.
        let end = skip_further_episodes(bytes, end, marked);
        if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        Some(EpisodeTag { season, episode, start, end })
    })
}

fn skip_further_episodes(bytes: &[u8], mut end: usize, marked: bool) -> usize {
    if !marked {
        return end;
    }
    loop {
        let at = if bytes.get(end) == Some(&b'-') { end + 1 } else { end };
        let further = bytes.get(at).filter(|b| b.eq_ignore_ascii_case(&b'e'));
        match further.and_then(|_| digits(bytes, at + 1, 1, 4)) {
            Some((_, next)) => end = next,
            None => return end,
        }
    }
}

/// A number of `least` to `most` digits at `at`, and where it ends.
fn digits(bytes: &[u8], at: usize, least: usize, most: usize) -> Option<(u32, usize)> {
    let count = bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(least..=most).contains(&count) {
        return None;
    }
    let value = bytes[at..at + count].iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    Some((value, at + count))
}

/// Finds `(1979)` or `[1979]`.
fn find_year(stem: &str) -> Option<u32> {
    let bytes = stem.as_bytes();
    (0..bytes.len()).filter(|at| matches!(bytes[*at], b'(' | b'[')).find_map(|at| {
        let (year, end) = digits(bytes, at + 1, 4, 4)?;
        (matches!(bytes.get(end), Some(b')' | b']')) && (1880..=2200).contains(&year)).then_some(year)
    })
}

fn without_year(stem: &str) -> &str {
    match (find_year(stem), stem.find(['(', '['])) {
        (Some(_), Some(at)) if stem[..at].chars().any(char::is_alphanumeric) => &stem[..at],
        _ => stem,
    }
}

/// What the folders say a file is for, if they do; the one nearest to the file wins. `folders` run from the root down.
pub(crate) fn type_from_folders<'a>(folders: impl DoubleEndedIterator<Item = &'a str>) -> Option<AssetType> {
    folders.rev().find_map(type_from_folder)
}

fn type_from_folder(name: &str) -> Option<AssetType> {
    match slug(name).as_str() {
        "ad" | "ads" | "advert" | "adverts" | "advertisements" | "commercial" | "commercials" => {
            Some(AssetType::Commercial)
        }
        "filler" | "fillers" => Some(AssetType::Filler),
        "bumper" | "bumpers" | "ident" | "idents" => Some(AssetType::Bumper),
        "promo" | "promos" | "trailer" | "trailers" => Some(AssetType::Promo),
        "movie" | "movies" | "film" | "films" => Some(AssetType::Movie),
        "series" | "shows" | "tv" => Some(AssetType::Episode),
        _ => None,
    }
}

/// Whether a folder is one season of the series above it, which lends it its title.
pub(crate) fn is_season_folder(name: &str) -> bool {
    season_of_folder(name).is_some()
}

/// The season that a folder is; 0 for specials.
pub(crate) fn season_of_folder(name: &str) -> Option<u32> {
    let slug = slug(name);
    if slug == "specials" {
        return Some(0);
    }
    ["season", "series", "staffel", "saison", "s"].iter().find_map(|word| {
        let digits = slug.strip_prefix(word)?.trim_start_matches('_');
        let is_number = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn file_names_tell_season_episode_title_and_year() {
        type Row = (&'static str, &'static str, Option<(u32, u32)>, Option<u32>);
        let table: [Row; 13] = [
            ("S01E02 - The Long Shift", "The Long Shift", Some((1, 2)), None),
            ("Cosmic.Diner.s1e10.Pie_Night", "Pie Night", Some((1, 10)), None),
            ("Cheers 6x03 Little Sister", "Little Sister", Some((6, 3)), None),
            ("S02E05", "Episode 5", Some((2, 5)), None),
            ("Taxi - S02E05", "Taxi", Some((2, 5)), None),
            ("S01E01-E02 - Pilot", "Pilot", Some((1, 1)), None),
            ("s01e01e02 Pilot", "Pilot", Some((1, 1)), None),
            ("Alien (1979)", "Alien", None, Some(1979)),
            ("Clip 1920x1080", "Clip 1920x1080", None, None),
            ("this1x02that", "this1x02that", None, None),
            ("the_clock.makers", "the clock makers", None, None),
            ("Mr. Bean", "Mr. Bean", None, None),
            ("...", "...", None, None),
        ];
        for (stem, title, tag, year) in table {
            let found = read_file_name(stem);
            assert_eq!(found.title, title, "{stem}");
            assert_eq!(found.season.zip(found.episode), tag, "{stem}");
            assert_eq!(found.year, year, "{stem}");
        }
    }

    #[test]
    fn slugs_are_plain_and_never_empty() {
        for (name, expect) in [
            ("Bob's Burgers (2011)", "bobs_burgers_2011"),
            ("  --", "unnamed"),
            ("Tatort Köln", "tatort_köln"),
            ("A.B", "a_b"),
            // In lower case it is an i and a combining dot.
            ("İzmir", "izmir"),
        ] {
            assert_eq!(slug(name), expect);
        }
    }

    #[test]
    fn folders_tell_what_files_are_for_and_the_nearest_wins() {
        let table = [
            (vec!["Media", "Adverts"], Some(AssetType::Commercial)),
            (vec!["Movies", "Trailers"], Some(AssetType::Promo)),
            (vec!["films"], Some(AssetType::Movie)),
            (vec!["Cheers", "Season 1"], None),
        ];
        for (folders, expect) in table {
            assert_eq!(type_from_folders(folders.iter().copied()), expect, "{folders:?}");
        }
        assert!(is_season_folder("Season 01") && is_season_folder("s2") && is_season_folder("Specials"));
        assert!(!is_season_folder("Seinfeld") && !is_season_folder("Season"));
    }

    proptest! {
        #[test]
        fn any_name_is_read(stem in "\\PC{0,40}") {
            let _ = read_file_name(&stem);
            let slug = slug(&stem);
            prop_assert!(!slug.is_empty() && slug.chars().all(|c| c.is_alphanumeric() || c == '_'), "{slug:?}");
        }

        #[test]
        fn names_near_the_grammar_are_read(stem in "[sSeExX0-9 .()\\[\\]\\-é]{0,16}") {
            let _ = read_file_name(&stem);
        }
    }
}
