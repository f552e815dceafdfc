//! XMLTV (xmltv.dtd of the XMLTV project): what Plex, Jellyfin, Kodi and the rest read.
//!
//! Only what is known is told: no pictures are named but those a station serves, and nothing is called new.

use crate::plan::{ChannelInfo, GuideCategory, GuideEvent};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use retrovue_timebase::UtcMs;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::{Result, Write};

/// A channel with what is on it.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    /// The channel.
    pub channel: &'a ChannelInfo,
    /// The zone its times are told in; UTC when absent.
    pub zone: Option<&'a TimeZone>,
    /// Where a station serves its logo: `/logo/one.png`.
    pub logo: Option<String>,
    /// Its programmes, in order.
    pub events: Vec<GuideEvent>,
}

/// Writes the guide of channels. Times are on the channel's clock, each with the offset that clock has then, so that no
/// reader has to guess a zone or a summer time. Pictures are named where they can be fetched, at the station that readers
/// call `base` (`http://tv.lan:8409`); without it none is.
///
/// # Errors
/// A writer that fails.
pub fn xmltv(listings: &[Listing<'_>], base: Option<&str>, out: impl Write) -> Result<()> {
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("tv").with_attribute(("generator-info-name", "RetroVue")).write_inner_content(
        |writer| {
            // All channels come before all programmes (xmltv.dtd).
            for listing in listings {
                write_channel(writer, listing, base)?;
            }
            listings.iter().try_for_each(|listing| write_listing(writer, listing, base))
        },
    )?;
    writer.get_mut().write_all(b"\n")
}

fn write_channel<W: Write>(writer: &mut Writer<W>, listing: &Listing<'_>, base: Option<&str>) -> Result<()> {
    let channel = listing.channel;
    writer
        .create_element("channel")
        .with_attribute(("id", channel.guide_id().as_str()))
        .write_inner_content(|writer| {
            text(writer, "display-name", &[], &channel.name)?;
            text(writer, "display-name", &[], &channel.number.to_string())?;
            icon(writer, base, listing.logo.as_ref())
        })?;
    Ok(())
}

fn write_listing<W: Write>(writer: &mut Writer<W>, listing: &Listing<'_>, base: Option<&str>) -> Result<()> {
    let id = listing.channel.guide_id();
    // A programme mostly begins where the one before it ends.
    let mut before = (UtcMs(i64::MIN), String::new());
    for event in &listing.events {
        let start = if before.0 == event.start { before.1 } else { time(listing.zone, event.start) };
        let stop = time(listing.zone, event.end);
        writer
            .create_element("programme")
            .with_attribute(("start", start.as_str()))
            .with_attribute(("stop", stop.as_str()))
            .with_attribute(("channel", id.as_str()))
            .write_inner_content(|writer| write_programme(writer, event, &start, base))?;
        before = (event.end, stop);
    }
    Ok(())
}

/// The address of a picture, where there is one and a station to fetch it from.
fn icon<W: Write>(writer: &mut Writer<W>, base: Option<&str>, path: Option<&impl Display>) -> Result<()> {
    if let (Some(base), Some(path)) = (base, path) {
        let source = format!("{base}{path}");
        writer.create_element("icon").with_attribute(("src", source.as_str())).write_empty()?;
    }
    Ok(())
}

/// What is in a programme, in the DTD's order of elements. `start` is its begin as the guide tells it.
fn write_programme<W: Write>(
    writer: &mut Writer<W>,
    event: &GuideEvent,
    start: &str,
    base: Option<&str>,
) -> Result<()> {
    text(writer, "title", &[], &event.title)?;
    if let Some(subtitle) = &event.subtitle {
        text(writer, "sub-title", &[], subtitle)?;
    }
    if let Some(description) = &event.description {
        text(writer, "desc", &[], description)?;
    }
    let year = event.year.map(|year| year.to_string());
    if let Some(year) = &year {
        text(writer, "date", &[], year)?;
    }
    let kind = match event.category {
        GuideCategory::Series => Some("series"),
        GuideCategory::Movie => Some("movie"),
        GuideCategory::Interstitial => None,
    };
    if let Some(kind) = kind {
        text(writer, "category", &[("lang", "en")], kind)?;
    }
    // In whatever language they were written.
    for genre in event.genres.iter().filter(|g| kind.is_none_or(|kind| !g.eq_ignore_ascii_case(kind))) {
        text(writer, "category", &[], genre)?;
    }
    if let Some(runtime) = event.runtime {
        let seconds = runtime.0.saturating_add(500) / 1000;
        text(writer, "length", &[("units", "seconds")], &seconds.to_string())?;
    }
    icon(writer, base, event.artwork.as_ref())?;
    episode_numbers(writer, event.season, event.episode)?;
    // What was made in a year gone by was shown somewhere before; of this year's nobody knows.
    if let (Some(made), Some(year)) = (event.year, &year)
        && start.get(..4).and_then(|now| now.parse().ok()).is_some_and(|now: u32| made < now)
    {
        writer.create_element("previously-shown").with_attribute(("start", year.as_str())).write_empty()?;
    }
    if let Some(rating) = &event.rating {
        let mut element = writer.create_element("rating");
        if let Some(system) = system_of(rating) {
            element = element.with_attribute(("system", system));
        }
        element.write_inner_content(|writer| text(writer, "value", &[], rating))?;
    }
    Ok(())
}

/// `onscreen` for people, `xmltv_ns` for programs: that counts from 0, and has no number for specials, which are
/// season 0.
fn episode_numbers<W: Write>(
    writer: &mut Writer<W>,
    season: Option<u32>,
    episode: Option<u32>,
) -> Result<()> {
    let Some(episode) = episode else { return Ok(()) };
    let onscreen = match season {
        Some(season) => format!("S{season:02}E{episode:02}"),
        None => format!("E{episode:02}"),
    };
    text(writer, "episode-num", &[("system", "onscreen")], &onscreen)?;
    let number = match (season.map(|s| s.checked_sub(1)), episode.checked_sub(1)) {
        (Some(Some(season)), Some(episode)) => format!("{season}.{episode}."),
        (None, Some(episode)) => format!(".{episode}."),
        _ => return Ok(()),
    };
    text(writer, "episode-num", &[("system", "xmltv_ns")], &number)
}

/// Whose rating it is, where its form tells.
fn system_of(rating: &str) -> Option<&'static str> {
    let upper = rating.to_ascii_uppercase();
    match upper.as_str() {
        "G" | "PG" | "PG-13" | "R" | "NC-17" => Some("MPAA"),
        "TV-Y" | "TV-Y7" | "TV-Y7-FV" | "TV-G" | "TV-PG" | "TV-14" | "TV-MA" => Some("VCHIP"),
        _ if upper.starts_with("FSK") => Some("FSK"),
        _ => None,
    }
}

fn text<W: Write>(
    writer: &mut Writer<W>,
    name: &str,
    attributes: &[(&str, &str)],
    content: &str,
) -> Result<()> {
    // XML 1.0 §2.2 has no place for control characters, escaped or not; file names may hold them.
    let may_stand = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => !c.is_control(),
    };
    let clean = match content.chars().all(may_stand) {
        true => Cow::Borrowed(content),
        false => Cow::Owned(content.chars().filter(|c| may_stand(*c)).collect()),
    };
    writer
        .create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_text_content(BytesText::new(&clean))?;
    Ok(())
}

/// `20261121060000 -0500`.
fn time(zone: Option<&TimeZone>, at: UtcMs) -> String {
    let Ok(instant) = Timestamp::from_millisecond(at.0) else { return String::new() };
    let offset = zone.map_or(Offset::UTC, |zone| zone.to_offset(instant));
    let wall = offset.to_datetime(instant);
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02} {sign}{:02}{:02}",
        wall.year(),
        wall.month(),
        wall.day(),
        wall.hour(),
        wall.minute(),
        wall.second(),
        minutes.abs() / 60,
        minutes.abs() % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrovue_timebase::Millis;

    fn event(title: &str, season: Option<u32>, episode: Option<u32>, category: GuideCategory) -> GuideEvent {
        GuideEvent {
            subtitle: Some("Pie & \u{1}Coffee".into()),
            season,
            episode,
            ..GuideEvent::plain(UtcMs(1_792_548_000_000), UtcMs(1_792_549_800_000), title.into(), category)
        }
    }

    fn written(zone: Option<&TimeZone>, events: Vec<GuideEvent>) -> String {
        let channel = ChannelInfo { id: "a".into(), channel_id: 7, number: 3, name: "<A> & \"B\"".into() };
        let mut out = Vec::new();
        xmltv(&[Listing { channel: &channel, zone, logo: None, events }], None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_escaped_times_have_offsets_and_numbers_count_from_nought() {
        let text = written(
            None,
            vec![
                event("Diner", Some(1), Some(2), GuideCategory::Series),
                event("Special", Some(0), Some(1), GuideCategory::Series),
                event("Serial", None, Some(5), GuideCategory::Series),
                event("Break", None, None, GuideCategory::Interstitial),
            ],
        );
        for part in [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<channel id=\"retrovue.7\">",
            "<display-name>&lt;A&gt; &amp; &quot;B&quot;</display-name>",
            "start=\"20261021020000 +0000\" stop=\"20261021023000 +0000\" channel=\"retrovue.7\"",
            "<sub-title>Pie &amp; Coffee</sub-title>",
            "<episode-num system=\"onscreen\">S01E02</episode-num>",
            "<episode-num system=\"xmltv_ns\">0.1.</episode-num>",
            "<episode-num system=\"onscreen\">S00E01</episode-num>",
            "<episode-num system=\"onscreen\">E05</episode-num>",
            "<episode-num system=\"xmltv_ns\">.4.</episode-num>",
            "<category lang=\"en\">series</category>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("xmltv_ns").count(), 2);
        assert_eq!(text.matches("<category").count(), 3);
    }

    #[test]
    fn what_is_known_of_a_film_is_told_and_nothing_else() {
        let film = |year, rating: Option<&str>| GuideEvent {
            year,
            rating: rating.map(str::to_owned),
            genres: vec!["Horror".into(), "Movie".into()],
            runtime: Some(Millis(7_020_600)),
            description: Some("A crew answers a call.".into()),
            ..event("Alien", None, None, GuideCategory::Movie)
        };
        let text = written(None, vec![film(Some(1979), Some("R"))]);
        for part in [
            "<desc>A crew answers a call.</desc>",
            "<date>1979</date>",
            "<category lang=\"en\">movie</category>",
            "<category>Horror</category>",
            "<length units=\"seconds\">7021</length>",
            "<previously-shown start=\"1979\"/>",
            "<rating system=\"MPAA\">",
            "<value>R</value>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("Movie") && !text.contains("<icon") && !text.contains("<new"), "{text}");
        // Made in the year it airs, it may be its first time; a rating of nobody known has no system.
        let text = written(None, vec![film(Some(2026), Some("12A"))]);
        assert!(!text.contains("previously-shown") && text.contains("<rating>"), "{text}");
        let bare = written(None, vec![film(None, None)]);
        assert!(!bare.contains("<date>") && !bare.contains("<rating"), "{bare}");
    }

    #[test]
    fn ratings_tell_their_system_by_their_form() {
        for (rating, system) in [
            ("PG-13", Some("MPAA")),
            ("tv-14", Some("VCHIP")),
            ("FSK 12", Some("FSK")),
            ("12A", None),
            ("U", None),
        ] {
            assert_eq!(system_of(rating), system, "{rating}");
        }
    }

    #[test]
    fn times_have_the_offset_of_their_zone_at_that_time() {
        for (zone, at, expect) in [
            ("America/New_York", "2026-11-01T05:59:59Z", "20261101015959 -0400"),
            ("America/New_York", "2026-11-01T06:00:00Z", "20261101010000 -0500"),
            ("America/New_York", "2026-03-08T07:00:00Z", "20260308030000 -0400"),
            ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "20260101054500 +0545"),
            ("America/St_Johns", "2026-01-01T00:00:00Z", "20251231203000 -0330"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(time(Some(&zone), UtcMs(at.as_millisecond())), expect);
        }
    }
}
