//! Descriptors of events, services and networks (EN 300 468 §6.2), written from borrowed texts.
//!
//! Texts are cut to what their fields hold; see [`super::dvb_text`].

use super::dvb_text::{Coding, encode_into};
use super::event::Event;
use super::section::Writer;

/// Most extended event descriptors of one event. The field allows 16; an event must fit a section.
const MOST_EXTENDED: usize = 8;

/// Bytes of a short event descriptor's two texts: 255 less the language and two lengths.
const SHORT_EVENT_TEXTS: usize = 250;

/// Bytes of an extended event descriptor's text: 255 less numbers, language and two lengths.
const EXTENDED_TEXT: usize = 249;

/// What a component_descriptor says of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentDescription {
    /// `stream_content_ext`, 0 to 15; 15 where `stream_content` says it all.
    pub stream_content_ext: u8,
    /// `stream_content`, 0 to 15: 5 is H.264, 6 HE AAC (EN 300 468 table 26).
    pub stream_content: u8,
    /// `component_type`.
    pub component_type: u8,
    /// That of the stream_identifier_descriptor in the PMT.
    pub component_tag: u8,
    /// ISO 639-2 code.
    pub language: [u8; 3],
    /// Words for it, cut to 200 bytes.
    pub text: String,
}

/// Bytes of a component_descriptor (§6.2.8) in `out`, or nothing when they do not fit.
#[must_use]
pub fn write_component(out: &mut [u8], component: &ComponentDescription) -> Option<usize> {
    let mut writer = Writer::new(out);
    writer.descriptor(0x50, |writer| {
        writer.put(&[
            component.stream_content_ext << 4 | component.stream_content & 0x0F,
            component.component_type,
            component.component_tag,
        ]);
        writer.put(&component.language);
        let mut field = [0; 200];
        let len = encode_into(&component.text, &mut field);
        writer.put(&field[..len]);
    });
    (!writer.overflowed()).then_some(writer.len())
}

/// service_descriptor (§6.2.33).
pub(crate) fn service(writer: &mut Writer<'_>, service_type: u8, provider: &str, name: &str) {
    writer.descriptor(0x48, |writer| {
        writer.put_u8(service_type);
        writer.put_text(provider, 126);
        writer.put_text(name, 126);
    });
}

/// network_name_descriptor (§6.2.28).
pub(crate) fn network_name(writer: &mut Writer<'_>, name: &str) {
    let mut field = [0; 255];
    let len = encode_into(name, &mut field);
    writer.descriptor(0x40, |writer| writer.put(&field[..len]));
}

/// service_list_descriptor (§6.2.36) of one service.
pub(crate) fn service_list(writer: &mut Writer<'_>, service_id: u16, service_type: u8) {
    writer.descriptor(0x41, |writer| {
        writer.put_u16(service_id);
        writer.put_u8(service_type);
    });
}

/// Everything an event's loop holds: short and extended event, content, parental rating.
pub(crate) fn event(writer: &mut Writer<'_>, event: &Event, country: [u8; 3]) {
    short_event(writer, event);
    extended_event(writer, event);
    if let Some(genre) = event.genre {
        // content_descriptor (§6.2.9), without user bits.
        writer.put(&[0x54, 2, genre, 0]);
    }
    if let Some(age) = event.rating_age.filter(|age| *age >= 4) {
        // parental_rating_descriptor (§6.2.30): the age less three.
        writer.put(&[0x55, 4]);
        writer.put(&country);
        writer.put_u8(age.min(18) - 3);
    }
}

/// short_event_descriptor (§6.2.37).
fn short_event(writer: &mut Writer<'_>, event: &Event) {
    writer.descriptor(0x4D, |writer| {
        writer.put(&event.language);
        let before = writer.len();
        writer.put_text(&event.title, Event::MOST_TITLE_BYTES);
        // Nothing was written when the title overflowed.
        let title = writer.len().saturating_sub(before + 1);
        writer.put_text(&event.short_text, SHORT_EVENT_TEXTS - title);
    });
}

/// extended_event_descriptors (§6.2.15) without items; each piece of the text has its own selector.
fn extended_event(writer: &mut Writer<'_>, event: &Event) {
    let (first, mut rest, mut count) = (writer.len(), event.long_text.as_str(), 0u8);
    let coding = Coding::shortest(rest);
    while !rest.is_empty() && usize::from(count) < MOST_EXTENDED {
        let mut field = [0; EXTENDED_TEXT];
        let written = if usize::from(count) + 1 < MOST_EXTENDED {
            let piece = coding.write(rest, &mut field);
            // A single character with more marks than fit.
            if piece.taken == 0 {
                break;
            }
            rest = &rest[piece.taken..];
            piece.written
        } else {
            let written = encode_into(rest, &mut field);
            rest = "";
            written
        };
        if written == 0 {
            continue;
        }
        writer.descriptor(0x4E, |writer| {
            writer.put_u8(count << 4);
            writer.put(&event.language);
            writer.put(&[0, written as u8]);
            writer.put(&field[..written]);
        });
        count += 1;
    }
    if writer.overflowed() {
        return;
    }
    let (mut at, last) = (first, count.saturating_sub(1));
    for number in 0..count {
        let length = usize::from(writer.written()[at + 1]);
        writer.patch_u8(at + 2, number << 4 | last);
        at += 2 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::super::dvb_text::decode;
    use super::super::event::RunningStatus;
    use super::*;

    fn news() -> Event {
        Event {
            id: 1,
            start: 0,
            duration_s: 60,
            title: "News".to_owned(),
            short_text: "Today".to_owned(),
            long_text: String::new(),
            language: *b"eng",
            genre: Some(0x20),
            rating_age: Some(12),
            running: RunningStatus::Running,
        }
    }

    fn bytes(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = [0; 4096];
        let mut writer = Writer::new(&mut out);
        write(&mut writer);
        assert!(!writer.overflowed());
        writer.written().to_vec()
    }

    #[test]
    fn an_event_has_its_bytes() {
        let expected = b"\x4D\x0Eeng\x04News\x05Today\x54\x02\x20\x00\x55\x04DEU\x09";
        assert_eq!(bytes(|writer| event(writer, &news(), *b"DEU")), expected);
        let long = Event { long_text: "Caf\u{e9}".to_owned(), genre: None, rating_age: Some(3), ..news() };
        let expected = b"\x4D\x0Eeng\x04News\x05Today\x4E\x0B\x00eng\x00\x05\x05Caf\xE9";
        assert_eq!(bytes(|writer| event(writer, &long, *b"DEU")), expected);
    }

    #[test]
    fn ages_beyond_the_field_are_told_as_its_last() {
        for (age, rating) in [(4, 1), (18, 15), (21, 15), (255, 15)] {
            let event_of_age = Event { rating_age: Some(age), ..news() };
            assert_eq!(bytes(|writer| event(writer, &event_of_age, *b"DEU")).last(), Some(&rating));
        }
    }

    #[test]
    fn services_and_networks_have_their_bytes() {
        let service = bytes(|writer| service(writer, 1, "Retro", "One"));
        assert_eq!(service, b"\x48\x0B\x01\x05Retro\x03One");
        assert_eq!(bytes(|writer| network_name(writer, "Net")), b"\x40\x03Net");
        assert_eq!(bytes(|writer| service_list(writer, 0x0102, 1)), [0x41, 3, 1, 2, 1]);
        let component = ComponentDescription {
            stream_content_ext: 15,
            stream_content: 5,
            component_type: 0x0B,
            component_tag: 1,
            language: *b"eng",
            text: "HD".to_owned(),
        };
        let mut out = [0; 10];
        assert_eq!(write_component(&mut out, &component), Some(10));
        assert_eq!(out, *b"\x50\x08\xF5\x0B\x01engHD");
        assert_eq!(write_component(&mut out[..9], &component), None);
    }

    #[test]
    fn a_long_text_is_split_between_characters_and_cut_at_its_end() {
        for (text, whole) in [("\u{41d}\u{43e} ".repeat(300), true), ("\u{65e5}".repeat(3000), false)] {
            let long = Event { long_text: text.clone(), ..news() };
            let bytes = bytes(|writer| extended_event(writer, &long));
            let (mut rest, mut back, mut numbers) = (&bytes[..], String::new(), vec![]);
            while let [0x4E, length, body @ ..] = rest {
                let (body, next) = body.split_at(usize::from(*length));
                assert_eq!((&body[1..4], body[4], usize::from(body[5])), (&b"eng"[..], 0, body.len() - 6));
                back += &decode::text(&body[6..]).expect("whole characters");
                numbers.push(body[0]);
                rest = next;
            }
            assert!(rest.is_empty());
            let last = numbers.len() as u8 - 1;
            let expected: Vec<u8> = (0..=last).map(|number| number << 4 | last).collect();
            assert_eq!(numbers, expected);
            assert_eq!(back == text, whole);
            assert!(text.starts_with(back.trim_end_matches('.')));
            assert_eq!(back.ends_with("..."), !whole);
        }
    }

    #[test]
    fn texts_of_any_length_fit_their_descriptor() {
        for (title, text) in [(0, 0), (100, 150), (101, 151), (5000, 5000), (0, 5000)] {
            let event = Event { title: "t".repeat(title), short_text: "s".repeat(text), ..news() };
            let bytes = bytes(|writer| short_event(writer, &event));
            assert_eq!(usize::from(bytes[1]), bytes.len() - 2);
            let title = title.min(Event::MOST_TITLE_BYTES);
            assert_eq!(usize::from(bytes[5]), title);
            assert_eq!(usize::from(bytes[6 + title]), text.min(250 - title));
        }
    }
}
