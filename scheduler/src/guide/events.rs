//! The guide inside the stream: what the event tables of a channel tell (EN 300 468), which AIR writes down.

use crate::plan::{GuideCategory, GuideEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrovue_proto::message::LocalTime;
use retrovue_proto::plan::Event;
use retrovue_timebase::{Millis, UtcMs};

/// `content_nibble_level_1` and `_2` of a film (EN 300 468 table 28): movie or drama, general.
const MOVIE: u8 = 0x10;

/// Most characters told of what an event is about: they fit one descriptor.
const LONGEST_TEXT: usize = 200;

/// Events as the tables tell them: the first is on the air, the second follows.
#[must_use]
pub fn events(listing: &[GuideEvent]) -> Vec<Event> {
    listing.iter().map(event).collect()
}

fn event(line: &GuideEvent) -> Event {
    // Programmes of a channel begin ten seconds apart at least: different for over a week.
    let event_id = line.start.0.div_euclid(10_000).rem_euclid(1 << 16) as u16;
    let numbered = match (line.season, line.episode) {
        (Some(season), Some(episode)) => format!("S{season:02}E{episode:02}"),
        _ => String::new(),
    };
    let parts = [numbered.as_str(), line.subtitle.as_deref().unwrap_or_default()];
    let short_text = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    Event {
        event_id,
        start_utc_ms: line.start,
        duration_ms: line.end.since(line.start),
        title: line.title.clone(),
        short_text,
        long_text: line.description.as_deref().map(shortened).unwrap_or_default(),
        language: String::new(),
        genre: (line.category == GuideCategory::Movie).then_some(MOVIE),
        rating_age: None,
    }
}

/// The beginning of a text, to the end of a word: tables repeat all the time, and a week of plots in full would take
/// more of the stream than pictures can spare.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) else { return text.to_owned() };
    let cut = &text[..end];
    let whole = cut.rfind(' ').map_or(cut, |space| &cut[..space]);
    format!("{}…", whole.trim_end_matches([',', '.', ' ']))
}

/// Local time of `zone` in a country, at `now` and after the next change of its clocks. Nothing for an
/// instant outside the calendar.
#[must_use]
pub fn local_time(zone: &TimeZone, country: [u8; 3], now: UtcMs) -> Option<LocalTime> {
    let instant = Timestamp::from_millisecond(now.0).ok()?;
    let minutes = |offset: jiff::tz::Offset| offset.seconds() / 60;
    let offset_minutes = minutes(zone.to_offset(instant));
    let change = zone.following(instant).next();
    // A zone without changes tells one to the same time, a year ahead.
    let (change_utc_ms, next_offset_minutes) = match change {
        Some(change) => (change.timestamp().as_millisecond(), minutes(change.offset())),
        None => (now.0.saturating_add(Millis(365 * 86_400_000).0), offset_minutes),
    };
    let country = String::from_utf8_lossy(&country).into_owned();
    Some(LocalTime { country, offset_minutes, change_utc_ms, next_offset_minutes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: i64, end: i64, category: GuideCategory) -> GuideEvent {
        GuideEvent {
            subtitle: Some("The Pie".to_owned()),
            season: Some(1),
            episode: Some(2),
            ..GuideEvent::plain(UtcMs(start), UtcMs(end), "Cosmic Diner".to_owned(), category)
        }
    }

    #[test]
    fn a_line_of_the_guide_is_an_event() {
        let told = events(&[line(1_800_000, 3_600_000, GuideCategory::Series)]);
        let expected = Event {
            event_id: 180,
            start_utc_ms: UtcMs(1_800_000),
            duration_ms: Millis(1_800_000),
            title: "Cosmic Diner".to_owned(),
            short_text: "S01E02 The Pie".to_owned(),
            long_text: String::new(),
            language: String::new(),
            genre: None,
            rating_age: None,
        };
        assert_eq!(told, [expected]);
        assert_eq!(events(&[line(0, 1, GuideCategory::Movie)])[0].genre, Some(0x10));
        let told = |plot: &str| {
            let plot = Some(plot.to_owned());
            events(&[GuideEvent { description: plot, ..line(0, 1, GuideCategory::Movie) }])[0]
                .long_text
                .clone()
        };
        assert_eq!(told("A crew answers a call."), "A crew answers a call.");
        let long = told(&"wörter ".repeat(40));
        assert!(long.ends_with("wörter…") && long.chars().count() <= LONGEST_TEXT, "{long}");
    }

    #[test]
    fn clocks_change_when_the_zone_says() {
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        // 2026-01-01; summer time begins on 29 March at 01:00 UTC.
        let told = local_time(&berlin, *b"DEU", UtcMs(1_767_225_600_000)).expect("within the calendar");
        let expected = LocalTime {
            country: "DEU".to_owned(),
            offset_minutes: 60,
            change_utc_ms: 1_774_746_000_000,
            next_offset_minutes: 120,
        };
        assert_eq!(told, expected);
        let utc = local_time(&TimeZone::UTC, *b"XXX", UtcMs(0)).expect("within the calendar");
        assert_eq!((utc.offset_minutes, utc.next_offset_minutes), (0, 0));
    }
}
