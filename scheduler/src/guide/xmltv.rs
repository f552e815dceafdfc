//! XMLTV (xmltv.dtd of the XMLTV project): what Plex, Jellyfin, Kodi and the rest read.

use crate::plan::{ChannelInfo, GuideCategory, GuideEvent};
use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use retrovue_timebase::UtcMs;
use std::io::Write;

/// Writes the guide of channels, each with its events in order. Times are UTC and say so, so that no
/// reader has to guess a zone or a summer time.
///
/// # Errors
/// A writer that fails.
pub fn xmltv(channels: &[(&ChannelInfo, Vec<GuideEvent>)], out: impl Write) -> std::io::Result<()> {
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("tv").with_attribute(("generator-info-name", "RetroVue")).write_inner_content(
        |writer| {
            // All channels come before all programmes (xmltv.dtd).
            for (channel, _) in channels {
                write_channel(writer, channel)?;
            }
            for (channel, events) in channels {
                events.iter().try_for_each(|event| write_programme(writer, channel, event))?;
            }
            Ok(())
        },
    )?;
    writer.get_mut().write_all(b"\n")
}

fn write_channel<W: Write>(writer: &mut Writer<W>, channel: &ChannelInfo) -> std::io::Result<()> {
    writer
        .create_element("channel")
        .with_attribute(("id", channel.guide_id().as_str()))
        .write_inner_content(|writer| {
            text(writer, "display-name", &[], &channel.name)?;
            text(writer, "display-name", &[], &channel.number.to_string())
        })?;
    Ok(())
}

fn write_programme<W: Write>(
    writer: &mut Writer<W>,
    channel: &ChannelInfo,
    event: &GuideEvent,
) -> std::io::Result<()> {
    writer
        .create_element("programme")
        .with_attribute(("start", time(event.start).as_str()))
        .with_attribute(("stop", time(event.end).as_str()))
        .with_attribute(("channel", channel.guide_id().as_str()))
        .write_inner_content(|writer| {
            // The order of elements is the DTD's.
            text(writer, "title", &[], &event.title)?;
            if let Some(subtitle) = &event.subtitle {
                text(writer, "sub-title", &[], subtitle)?;
            }
            if let Some(description) = &event.description {
                text(writer, "desc", &[], description)?;
            }
            let category = match event.category {
                GuideCategory::Series => Some("series"),
                GuideCategory::Movie => Some("movie"),
                GuideCategory::Interstitial => None,
            };
            if let Some(category) = category {
                text(writer, "category", &[("lang", "en")], category)?;
            }
            if let (Some(season), Some(episode)) = (event.season, event.episode) {
                let onscreen = format!("S{season:02}E{episode:02}");
                text(writer, "episode-num", &[("system", "onscreen")], &onscreen)?;
                // Counted from 0; specials, season 0, have no number in this system.
                if let (Some(s), Some(e)) = (season.checked_sub(1), episode.checked_sub(1)) {
                    text(writer, "episode-num", &[("system", "xmltv_ns")], &format!("{s}.{e}."))?;
                }
            }
            Ok(())
        })?;
    Ok(())
}

fn text<W: Write>(
    writer: &mut Writer<W>,
    name: &str,
    attributes: &[(&str, &str)],
    content: &str,
) -> std::io::Result<()> {
    // XML 1.0 §2.2 has no place for control characters, escaped or not; file names may hold them.
    let clean: String = content
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect();
    writer
        .create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_text_content(BytesText::new(&clean))?;
    Ok(())
}

/// `20261121020000 +0000`.
fn time(at: UtcMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(t) => t.strftime("%Y%m%d%H%M%S +0000").to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(title: &str, season: Option<u32>, episode: Option<u32>, category: GuideCategory) -> GuideEvent {
        GuideEvent {
            start: UtcMs(1_792_548_000_000),
            end: UtcMs(1_792_549_800_000),
            title: title.into(),
            subtitle: Some("Pie & \u{1}Coffee".into()),
            season,
            episode,
            description: None,
            category,
        }
    }

    #[test]
    fn names_are_escaped_times_have_offsets_and_numbers_count_from_nought() {
        let channel = ChannelInfo { id: "a".into(), channel_id: 7, number: 3, name: "<A> & \"B\"".into() };
        let events = vec![
            event("Diner", Some(1), Some(2), GuideCategory::Series),
            event("Special", Some(0), Some(1), GuideCategory::Series),
            event("Break", None, None, GuideCategory::Interstitial),
        ];
        let mut out = Vec::new();
        xmltv(&[(&channel, events)], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<channel id=\"retrovue.7\">",
            "<display-name>&lt;A&gt; &amp; &quot;B&quot;</display-name>",
            "start=\"20261021020000 +0000\" stop=\"20261021023000 +0000\" channel=\"retrovue.7\"",
            "<sub-title>Pie &amp; Coffee</sub-title>",
            "<episode-num system=\"onscreen\">S01E02</episode-num>",
            "<episode-num system=\"xmltv_ns\">0.1.</episode-num>",
            "<episode-num system=\"onscreen\">S00E01</episode-num>",
            "<category lang=\"en\">series</category>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("xmltv_ns").count(), 1);
        assert_eq!(text.matches("<category").count(), 2);
    }
}
