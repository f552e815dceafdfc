//! `/`: the guide as a page. Rendered here in full, styled by one sheet, no script; it asks for itself
//! again from time to time.
//!
//! Pure: HTML from the channels, their events and their figures at an instant. Times are shown in the
//! zone given, which is the machine's own. Channels and events come from files and people and are escaped.

use super::escape::Html;
use crate::plan::{ChannelInfo, GuideCategory, GuideEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrovue_timebase::{Millis, UtcMs};
use std::fmt;

/// Media type of the page.
pub(crate) const MEDIA_TYPE: &str = "text/html; charset=utf-8";

const STYLE: &str = include_str!("page.css");
/// The page asks for itself again after so many seconds.
const REFRESH_SECONDS: u32 = 30;
/// Spans the timetable can show, in milliseconds, shortest first.
const WINDOWS_MS: [i64; 7] =
    [5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 120 * MINUTE, 180 * MINUTE];
const MINUTE: i64 = 60_000;
/// Most events side by side that can still be read.
const READABLE_EVENTS: usize = 6;
/// Columns of the ruler.
const COLUMNS: i64 = 4;

/// Longest span a page can show, for the caller to ask events for.
pub(crate) const LONGEST: Millis = Millis(WINDOWS_MS[WINDOWS_MS.len() - 1]);

/// One channel as the page shows it.
pub(crate) struct Row<'a> {
    pub(crate) channel: &'a ChannelInfo,
    /// Events from the present instant on; empty when the guide cannot be given.
    pub(crate) events: Vec<GuideEvent>,
    pub(crate) viewers: u32,
    pub(crate) on_air: bool,
    /// The address of its logo.
    pub(crate) logo: Option<String>,
}

/// The page of `station` at `now`, for a client that calls it `host`.
pub(crate) fn home(station: &str, host: &str, rows: &[Row<'_>], now: UtcMs, zone: &TimeZone) -> String {
    let page = Page { station, host, rows, now, zone, window: window(rows, now) };
    page.to_string()
}

/// The longest span in which no channel has more events than can be read.
fn window(rows: &[Row<'_>], now: UtcMs) -> Millis {
    let crowded = |span: i64| {
        rows.iter().any(|row| {
            let shown = row.events.iter().filter(|event| event.start.0 < now.0 + span).count();
            shown > READABLE_EVENTS
        })
    };
    let fitting = WINDOWS_MS.iter().rev().find(|span| !crowded(**span));
    Millis(*fitting.unwrap_or(&WINDOWS_MS[0]))
}

struct Page<'a> {
    station: &'a str,
    host: &'a str,
    rows: &'a [Row<'a>],
    now: UtcMs,
    zone: &'a TimeZone,
    window: Millis,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let station = Html(self.station);
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta http-equiv=\"refresh\" content=\"{REFRESH_SECONDS}\">\
             <title>{station} – tonight and every night</title><style>{STYLE}</style></head>\n<body>\
             <header><h1>{station}</h1><div class=\"stripes\" role=\"presentation\"></div>\
             <div class=\"clock\">{}</div></header>\n<main>",
            self.time(self.now, "%H:%M:%S")
        )?;
        if self.rows.is_empty() {
            f.write_str(
                "<p class=\"empty\">This station has no channels yet: add one to its station.yaml.</p>",
            )?;
        } else {
            self.timetable(f)?;
            f.write_str("<section class=\"cards\" aria-label=\"Channels\">")?;
            for row in self.rows {
                self.card(f, row)?;
            }
            f.write_str("</section>")?;
        }
        let host = Html(self.host);
        write!(
            f,
            "</main>\n<footer>In a player: <code>http://{host}/channels.m3u</code><br>\
             <a href=\"/channels.m3u\">Channel list (M3U)</a> · <a href=\"/guide.xml\">Guide (XMLTV)</a> · \
             <a href=\"/api/channels\">Channels (JSON)</a></footer></body></html>\n"
        )
    }
}

impl Page<'_> {
    fn timetable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<section class=\"grid\" aria-label=\"Timetable\"><div class=\"row ruler\">\
             <div class=\"day\">{}</div><div class=\"times\">",
            self.time(self.now, "%A")
        )?;
        for column in 0..COLUMNS {
            let at = self.now.plus(Millis(self.window.0 * column / COLUMNS));
            write!(f, "<span>{}</span>", self.clock(at))?;
        }
        f.write_str("</div></div>")?;
        for row in self.rows {
            let channel = row.channel;
            write!(
                f,
                "\n<div class=\"row\"><a class=\"station\" href=\"/channel/{}.ts\"><span class=\"number\">{}</span>\
                 <span class=\"name\">{}</span>{}</a><div class=\"times\">",
                Html(&channel.id),
                channel.number,
                Html(&channel.name),
                Lamp(row)
            )?;
            self.events(f, row)?;
            f.write_str("</div></div>")?;
        }
        f.write_str("</section>")
    }

    fn events(&self, f: &mut fmt::Formatter<'_>, row: &Row<'_>) -> fmt::Result {
        let end = self.now.plus(self.window);
        let mut any = false;
        for event in row.events.iter().filter(|event| event.end > self.now && event.start < end) {
            any = true;
            let shown = event.end.min(end).since(event.start.max(self.now)).0.max(1);
            let on_now = event.start <= self.now;
            write!(
                f,
                "<div class=\"event{}{}\" style=\"flex-grow:{shown}\"><b>{}</b>{}",
                class_of(event.category),
                if on_now { " now" } else { "" },
                Html(&event.title),
                Subtitle(event)
            )?;
            if on_now {
                let progress = Progress(event, self.now);
                write!(f, "<div class=\"bar\"><span style=\"width:{progress}\"></span></div>")?;
                write!(f, "<time>{} – {}</time></div>", self.clock(event.start), self.clock(event.end))?;
            } else {
                write!(f, "<time>{}</time></div>", self.clock(event.start))?;
            }
        }
        if !any {
            f.write_str("<div class=\"empty\">No programme information.</div>")?;
        }
        Ok(())
    }

    fn card(&self, f: &mut fmt::Formatter<'_>, row: &Row<'_>) -> fmt::Result {
        write!(
            f,
            "\n<article class=\"card\"><h2>{}{} · {}</h2>",
            Logo(row),
            row.channel.number,
            Html(&row.channel.name)
        )?;
        let mut events = row.events.iter().filter(|event| event.end > self.now);
        if let Some(event) = events.next() {
            if let Some(artwork) = event.artwork {
                write!(f, "<img class=\"art\" src=\"{artwork}\" alt=\"\" loading=\"lazy\">")?;
            }
            write!(f, "<p><b>{}</b>{}</p>", Html(&event.title), Subtitle(event))?;
            if let Some(text) = &event.description {
                write!(f, "<p class=\"next\">{}</p>", Html(text))?;
            }
        }
        for event in events.take(3) {
            write!(f, "<p class=\"next\">{} {}</p>", self.clock(event.start), Html(&event.title))?;
        }
        write!(f, "<a class=\"watch\" href=\"/channel/{}.ts\">Watch</a></article>", Html(&row.channel.id))
    }

    /// Time of day, with seconds where programmes are shorter than the minutes could tell.
    fn clock(&self, instant: UtcMs) -> String {
        self.time(instant, if self.window.0 < 30 * MINUTE { "%H:%M:%S" } else { "%H:%M" })
    }

    fn time(&self, instant: UtcMs, format: &str) -> String {
        let Ok(stamp) = Timestamp::from_millisecond(instant.0) else { return "–".to_owned() };
        stamp.to_zoned(self.zone.clone()).strftime(format).to_string()
    }
}

fn class_of(category: GuideCategory) -> &'static str {
    match category {
        GuideCategory::Series => "",
        GuideCategory::Movie => " movie",
        GuideCategory::Interstitial => " filler",
    }
}

struct Lamp<'a>(&'a Row<'a>);

impl fmt::Display for Lamp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { viewers, on_air, .. } = self.0;
        match (on_air, viewers) {
            (true, 1) => f.write_str("<span class=\"lamp on\">1 viewer</span>"),
            (true, n) => write!(f, "<span class=\"lamp on\">{n} viewers</span>"),
            (false, _) => f.write_str("<span class=\"lamp\">tune in</span>"),
        }
    }
}

struct Logo<'a>(&'a Row<'a>);

impl fmt::Display for Logo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(address) = &self.0.logo else { return Ok(()) };
        write!(f, "<img class=\"logo\" src=\"{}\" alt=\"\">", Html(address))
    }
}

struct Subtitle<'a>(&'a GuideEvent);

impl fmt::Display for Subtitle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = match (self.0.season, self.0.episode) {
            (Some(season), Some(episode)) => format!("S{season:02}E{episode:02}"),
            (None, Some(episode)) => format!("E{episode:02}"),
            _ => String::new(),
        };
        let subtitle = self.0.subtitle.as_deref().unwrap_or_default();
        if number.is_empty() && subtitle.is_empty() {
            return Ok(());
        }
        let space = if number.is_empty() || subtitle.is_empty() { "" } else { " " };
        f.write_str(" <i>")?;
        f.write_str(&number)?;
        f.write_str(space)?;
        write!(f, "{}</i>", Html(subtitle))
    }
}

/// How much of an event is over, as a CSS percentage with one decimal, in integers.
struct Progress<'a>(&'a GuideEvent, UtcMs);

impl fmt::Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.end.since(self.0.start).0.max(1);
        let per_mille = (self.1.since(self.0.start).0.clamp(0, length)) * 1000 / length;
        write!(f, "{}.{}%", per_mille / 10, per_mille % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Artwork, PictureType};

    const NOW: UtcMs = UtcMs(1_700_000_000_000);

    fn channel() -> ChannelInfo {
        ChannelInfo { id: "one".to_owned(), channel_id: 1, number: 2, name: "<One> & only".to_owned() }
    }

    const ARTWORK: Artwork = Artwork { mark: 77, picture: Some(PictureType::Jpeg) };

    fn events(length_ms: i64, count: i64) -> Vec<GuideEvent> {
        (0..count)
            .map(|n| {
                let at = |n: i64| NOW.plus(Millis(n * length_ms - length_ms / 4));
                GuideEvent {
                    subtitle: Some("\"Pilot\"".to_owned()),
                    season: Some(1),
                    episode: Some(3),
                    artwork: (n == 0).then_some(ARTWORK),
                    ..GuideEvent::plain(at(n), at(n + 1), format!("Show <{n}>"), GuideCategory::Series)
                }
            })
            .collect()
    }

    fn page(events: Vec<GuideEvent>) -> String {
        let channel = channel();
        let row =
            Row { channel: &channel, events, viewers: 1, on_air: true, logo: Some("/logo/one.png".into()) };
        home("Retro <Vue>", "tv.lan:8409", &[row], NOW, &TimeZone::UTC)
    }

    #[test]
    fn shows_what_is_on_and_escapes_it() {
        let html = page(events(30 * MINUTE, 8));
        for part in [
            "<h1>Retro &lt;Vue&gt;</h1>",
            "&lt;One&gt; &amp; only",
            "Show &lt;0&gt;",
            "S01E03 &quot;Pilot&quot;",
            "width:25.0%",
            "<time>22:05 – 22:35</time>",
            "1 viewer<",
            "href=\"/channel/one.ts\"",
            "http://tv.lan:8409/channels.m3u",
            "src=\"/art/000000000000004d.jpg\" alt",
            "src=\"/logo/one.png\" alt",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert_eq!(html.matches("<img").count(), 2, "only of what is on now");
        assert!(!html.contains("<script"));
        assert!(!html.contains("Show <"));
    }

    #[test]
    fn the_window_fits_the_programmes() {
        let channel = channel();
        for (length, minutes) in [(30 * MINUTE, 120), (60 * MINUTE, 180), (MINUTE, 5), (2 * MINUTE, 10)] {
            let row =
                Row { channel: &channel, events: events(length, 200), viewers: 0, on_air: false, logo: None };
            assert_eq!(window(&[row], NOW), Millis(minutes * MINUTE), "events of {length} ms");
        }
    }

    #[test]
    fn no_channels_and_no_events_still_make_a_page() {
        assert!(home("x", "h", &[], NOW, &TimeZone::UTC).contains("no channels yet"));
        assert!(page(Vec::new()).contains("No programme information"));
    }
}
