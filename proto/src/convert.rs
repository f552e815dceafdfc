//! Plain plan values to messages and back.
//!
//! Refuses only what the plain form cannot mean: a field without which nothing can be named, and a
//! frame rate that is none. Everything else is judged by AIR at acceptance, with the contract's codes.

use crate::code::{Failure, FailureCode};
use crate::message;
use crate::plan::{BlockPlan, Cue, Event, HouseFormat, Segment};
use retrovue_timebase::{FrameRate, FrameRateError, Millis, UtcMs};

/// A field that makes a message no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFieldError {
    /// A required field is absent, which on the wire is the same as empty.
    #[error("{field} is missing")]
    Missing {
        /// Path of the field within its message, for example `segments[2].asset_uri`.
        field: String,
    },
    /// The two terms of the frame rate make none.
    #[error("fps_num/fps_den: {0}")]
    FrameRate(FrameRateError),
}

impl From<PlanFieldError> for Failure {
    fn from(error: PlanFieldError) -> Failure {
        let code = match error {
            PlanFieldError::Missing { .. } => FailureCode::ProtocolError,
            PlanFieldError::FrameRate(_) => FailureCode::InvalidFormat,
        };
        Failure::new(code, error.to_string())
    }
}

impl From<Failure> for message::Failure {
    fn from(failure: Failure) -> message::Failure {
        message::Failure { code: failure.code.to_string(), detail: failure.detail }
    }
}

impl From<message::Failure> for Failure {
    fn from(failure: message::Failure) -> Failure {
        Failure { code: FailureCode::from(failure.code.as_str()), detail: failure.detail }
    }
}

impl From<&HouseFormat> for message::HouseFormat {
    fn from(format: &HouseFormat) -> message::HouseFormat {
        message::HouseFormat {
            width: format.width,
            height: format.height,
            fps_num: format.fps_num,
            fps_den: format.fps_den,
            video_bitrate_kbps: format.video_bitrate_kbps,
            audio_bitrate_kbps: format.audio_bitrate_kbps,
            gop_frames: format.gop_frames,
            mux_rate_kbps: format.mux_rate_kbps,
            preset: format.preset.clone(),
            audio_language: format.audio_language.clone(),
            encoder_threads: format.encoder_threads,
            cues: format.cues,
        }
    }
}

impl TryFrom<message::HouseFormat> for HouseFormat {
    type Error = PlanFieldError;

    fn try_from(format: message::HouseFormat) -> Result<HouseFormat, PlanFieldError> {
        FrameRate::new(format.fps_num.into(), format.fps_den.into()).map_err(PlanFieldError::FrameRate)?;
        Ok(HouseFormat {
            width: format.width,
            height: format.height,
            fps_num: format.fps_num,
            fps_den: format.fps_den,
            video_bitrate_kbps: format.video_bitrate_kbps,
            audio_bitrate_kbps: format.audio_bitrate_kbps,
            gop_frames: format.gop_frames,
            mux_rate_kbps: format.mux_rate_kbps,
            preset: format.preset,
            audio_language: format.audio_language,
            encoder_threads: format.encoder_threads,
            cues: format.cues,
        })
    }
}

impl From<&BlockPlan> for message::BlockPlan {
    fn from(block: &BlockPlan) -> message::BlockPlan {
        message::BlockPlan {
            block_id: block.block_id.clone(),
            channel_id: block.channel_id,
            start_utc_ms: block.start_utc_ms.0,
            end_utc_ms: block.end_utc_ms.0,
            segments: block.segments.iter().map(message::Segment::from).collect(),
            events: block.events.iter().map(message::Event::from).collect(),
            cues: block.cues.iter().map(message::Cue::from).collect(),
        }
    }
}

impl From<&Event> for message::Event {
    fn from(event: &Event) -> message::Event {
        message::Event {
            event_id: u32::from(event.event_id),
            start_utc_ms: event.start_utc_ms.0,
            duration_ms: event.duration_ms.0,
            title: event.title.clone(),
            short_text: event.short_text.clone(),
            long_text: event.long_text.clone(),
            language: event.language.clone(),
            genre: event.genre.map(u32::from),
            rating_age: event.rating_age.map(u32::from),
        }
    }
}

/// Numbers too large for their fields are cut to these: an event is text for people, no reason to refuse a block.
impl From<message::Event> for Event {
    fn from(event: message::Event) -> Event {
        Event {
            event_id: event.event_id as u16,
            start_utc_ms: UtcMs(event.start_utc_ms),
            duration_ms: Millis(event.duration_ms),
            title: event.title,
            short_text: event.short_text,
            long_text: event.long_text,
            language: event.language,
            genre: event.genre.map(|genre| genre as u8),
            rating_age: event.rating_age.map(|age| u8::try_from(age).unwrap_or(u8::MAX)),
        }
    }
}

impl TryFrom<message::BlockPlan> for BlockPlan {
    type Error = PlanFieldError;

    fn try_from(block: message::BlockPlan) -> Result<BlockPlan, PlanFieldError> {
        require(&block.block_id, || "block_id".to_owned())?;
        let segments = block.segments.into_iter().enumerate().map(|(place, segment)| {
            require(&segment.asset_uri, || format!("segments[{place}].asset_uri"))?;
            Ok(Segment {
                segment_index: segment.segment_index,
                asset_uri: segment.asset_uri,
                asset_start_offset_ms: Millis(segment.asset_start_offset_ms),
                segment_duration_ms: Millis(segment.segment_duration_ms),
                frame_count: planned(segment.frame_count),
                metadata: segment
                    .metadata
                    .into_iter()
                    .map(|(key, text)| (key.into(), value_of(text)))
                    .collect(),
            })
        });
        let cues = block.cues.into_iter().enumerate().map(|(place, cue)| {
            Cue::new(cue)
                .ok_or_else(|| PlanFieldError::Missing { field: format!("cues[{place}]'s at or command") })
        });
        Ok(BlockPlan {
            block_id: block.block_id,
            channel_id: block.channel_id,
            start_utc_ms: UtcMs(block.start_utc_ms),
            end_utc_ms: UtcMs(block.end_utc_ms),
            segments: segments.collect::<Result<_, _>>()?,
            events: block.events.into_iter().map(Event::from).collect(),
            cues: cues.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Segment> for message::Segment {
    fn from(segment: &Segment) -> message::Segment {
        message::Segment {
            segment_index: segment.segment_index,
            asset_uri: segment.asset_uri.clone(),
            asset_start_offset_ms: segment.asset_start_offset_ms.0,
            segment_duration_ms: segment.segment_duration_ms.0,
            frame_count: planned(segment.frame_count),
            metadata: segment
                .metadata
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
        }
    }
}

/// -1 stands for absent (INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001).
fn planned(frame_count: Option<i64>) -> Option<i64> {
    frame_count.filter(|&count| count >= 0)
}

fn require(text: &str, field: impl FnOnce() -> String) -> Result<(), PlanFieldError> {
    if text.is_empty() { Err(PlanFieldError::Missing { field: field() }) } else { Ok(()) }
}

/// Metadata travels as JSON text; what is none is a plain string.
fn value_of(text: String) -> serde_json::Value {
    serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::tests::any_cue;
    use proptest::prelude::*;
    use serde_json::json;

    fn format() -> message::HouseFormat {
        message::HouseFormat { fps_num: 30_000, fps_den: 1001, width: 640, ..Default::default() }
    }

    #[test]
    fn rates_that_are_none_are_refused_with_both_terms() {
        for (num, den) in [(0, 1), (30, 0), (0, 0), (1, 2), (241, 1), (u32::MAX, u32::MAX)] {
            let refused =
                HouseFormat::try_from(message::HouseFormat { fps_num: num, fps_den: den, ..format() });
            let expected = FrameRateError { num: num.into(), den: den.into() };
            assert_eq!(refused, Err(PlanFieldError::FrameRate(expected)));
        }
        let error = HouseFormat::try_from(message::HouseFormat { fps_den: 0, ..format() }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("fps_den") && text.contains("30000/0"), "{text}");
        assert_eq!(Failure::from(error).code, FailureCode::InvalidFormat);
    }

    #[test]
    fn formats_round_trip() {
        for mux_rate_kbps in [None, Some(0), Some(8000)] {
            let sent = message::HouseFormat {
                height: 360,
                video_bitrate_kbps: 1500,
                audio_bitrate_kbps: 128,
                gop_frames: 60,
                mux_rate_kbps,
                preset: "fast".into(),
                audio_language: "eng".into(),
                encoder_threads: 2,
                cues: mux_rate_kbps.is_some(),
                ..format()
            };
            let plain = HouseFormat::try_from(sent.clone()).unwrap();
            assert_eq!(message::HouseFormat::from(&plain), sent);
        }
    }

    #[test]
    fn what_nothing_can_be_named_without_is_named_when_missing() {
        let segment = |uri: &str| message::Segment { asset_uri: uri.into(), ..Default::default() };
        let block =
            |id: &str, segments| message::BlockPlan { block_id: id.into(), segments, ..Default::default() };
        let missing = |block: message::BlockPlan| BlockPlan::try_from(block).unwrap_err().to_string();
        assert_eq!(missing(block("", vec![])), "block_id is missing");
        assert_eq!(
            missing(block("b", vec![segment("/a.mp4"), segment("")])),
            "segments[1].asset_uri is missing"
        );
        // No segments at all is AIR's to judge.
        assert!(BlockPlan::try_from(block("b", vec![])).is_ok());
    }

    #[test]
    fn a_negative_frame_count_is_absent_both_ways() {
        for (count, expected) in [(None, None), (Some(-1), None), (Some(i64::MIN), None), (Some(0), Some(0))]
        {
            let segment =
                message::Segment { asset_uri: "a".into(), frame_count: count, ..Default::default() };
            let block =
                message::BlockPlan { block_id: "b".into(), segments: vec![segment], ..Default::default() };
            let mut plain = BlockPlan::try_from(block).unwrap();
            assert_eq!(plain.segments[0].frame_count, expected);
            plain.segments[0].frame_count = count;
            assert_eq!(message::BlockPlan::from(&plain).segments[0].frame_count, expected);
        }
    }

    #[test]
    fn metadata_of_other_peers_may_be_plain_text() {
        for (text, value) in [("an advert", json!("an advert")), ("7", json!(7)), ("\"7\"", json!("7"))] {
            assert_eq!(value_of(text.to_owned()), value);
        }
    }

    #[test]
    fn failures_cross_the_wire_whole() {
        let failure = Failure::new(FailureCode::QueueFull, "block b3: two blocks are queued".into());
        let sent = message::Failure::from(failure.clone());
        assert_eq!((sent.code.as_str(), sent.detail.as_str()), ("QUEUE_FULL", failure.detail.as_str()));
        assert_eq!(Failure::from(sent), failure);
        assert_eq!(failure.to_string(), "QUEUE_FULL: block b3: two blocks are queued");
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let texts = (".{0,40}", ".{0,40}", ".{0,40}", "[a-z]{0,3}");
        (any::<(u16, i64, i64)>(), texts, any::<(Option<u8>, Option<u8>)>()).prop_map(
            |((event_id, start, duration), (title, short_text, long_text, language), (genre, rating_age))| {
                let (start_utc_ms, duration_ms) = (UtcMs(start), Millis(duration));
                Event {
                    event_id,
                    start_utc_ms,
                    duration_ms,
                    title,
                    short_text,
                    long_text,
                    language,
                    genre,
                    rating_age,
                }
            },
        )
    }

    fn any_segment() -> impl Strategy<Value = Segment> {
        let value = prop_oneof![
            any::<String>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            Just(json!({"break": [1, 2, null]})),
        ];
        let metadata = prop::collection::btree_map(any::<String>(), value, 0..3);
        let count = prop::option::of(0..=i64::MAX);
        (any::<i32>(), ".{1,40}", any::<i64>(), any::<i64>(), count, metadata).prop_map(
            |(segment_index, asset_uri, offset, duration, frame_count, metadata)| Segment {
                segment_index,
                asset_uri,
                asset_start_offset_ms: Millis(offset),
                segment_duration_ms: Millis(duration),
                frame_count,
                metadata: metadata.into_iter().map(|(key, value)| (key.into(), value)).collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn blocks_round_trip_through_bytes(
            block_id in ".{1,40}",
            (channel_id, start, end) in any::<(i32, i64, i64)>(),
            segments in prop::collection::vec(any_segment(), 0..4),
            events in prop::collection::vec(any_event(), 0..3),
            cues in prop::collection::vec(any_cue(), 0..3),
        ) {
            use prost::Message;
            let (start_utc_ms, end_utc_ms) = (UtcMs(start), UtcMs(end));
            let block = BlockPlan { block_id, channel_id, start_utc_ms, end_utc_ms, segments, events, cues };
            let bytes = message::BlockPlan::from(&block).encode_to_vec();
            let back = message::BlockPlan::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(BlockPlan::try_from(back).unwrap(), block);
        }
    }
}
