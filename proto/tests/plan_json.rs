//! `PLAN.json`: parses, ignores what it does not know, names what is missing, round trips.

use proptest::prelude::*;
use retrovue_proto::plan::Plan;
use retrovue_timebase::{Millis, UtcMs};
use serde_json::{Value, json};

fn plan() -> Value {
    json!({
        "format": {
            "width": 1280, "height": 720, "fps_num": 30000, "fps_den": 1001,
            "video_bitrate_kbps": 3000, "audio_bitrate_kbps": 160, "gop_frames": 60
        },
        "blocks": [{
            "block_id": "b1", "channel_id": 3,
            "start_utc_ms": 1_767_225_600_000_i64, "end_utc_ms": 1_767_225_630_000_i64,
            "segments": [
                {"segment_index": 0, "asset_uri": "show.mp4", "asset_start_offset_ms": 5000,
                 "segment_duration_ms": 20000, "frame_count": 600, "metadata": {"title": "A show", "act": 1}},
                {"segment_index": 1, "asset_uri": "file:///ads/ad.mkv", "asset_start_offset_ms": 0,
                 "segment_duration_ms": 10000}
            ]
        }]
    })
}

fn parse(value: &Value) -> Result<Plan, serde_json::Error> {
    serde_json::from_str(&value.to_string())
}

#[test]
fn a_plan_parses() {
    let plan = parse(&plan()).unwrap();
    assert_eq!((plan.format.fps_num, plan.format.fps_den, plan.format.mux_rate_kbps), (30000, 1001, None));
    assert_eq!((plan.format.preset.as_str(), plan.format.encoder_threads), ("", 0));
    let block = &plan.blocks[0];
    assert_eq!(block.start_utc_ms, UtcMs(1_767_225_600_000));
    assert_eq!(block.end_utc_ms.since(block.start_utc_ms), Millis(30_000));
    let [first, second] = &block.segments[..] else { panic!("{:?}", block.segments) };
    assert_eq!((first.frame_count, first.asset_start_offset_ms), (Some(600), Millis(5000)));
    assert_eq!(first.metadata["act"], json!(1));
    assert_eq!((second.frame_count, second.metadata.is_empty()), (None, true));
}

/// Visits every object of the plan that has fixed fields (so not the metadata).
fn each_object(value: &mut Value, visit: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if key != "metadata" {
                    each_object(value, visit);
                }
            }
            visit(map);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, visit)),
        _ => {}
    }
}

#[test]
fn unknown_fields_are_ignored_everywhere() {
    let mut value = plan();
    let mut objects = 0;
    each_object(&mut value, &mut |map| {
        map.insert("of_a_later_version".to_owned(), json!({"deep": [1]}));
        objects += 1;
    });
    assert_eq!(objects, 5);
    assert_eq!(parse(&value).unwrap(), parse(&plan()).unwrap());
}

#[test]
fn a_missing_field_is_named() {
    let required: [(&str, &[&str]); 4] = [
        ("", &["format", "blocks"]),
        (
            "/format",
            &[
                "width",
                "height",
                "fps_num",
                "fps_den",
                "video_bitrate_kbps",
                "audio_bitrate_kbps",
                "gop_frames",
            ],
        ),
        ("/blocks/0", &["block_id", "channel_id", "start_utc_ms", "end_utc_ms", "segments"]),
        (
            "/blocks/0/segments/1",
            &["segment_index", "asset_uri", "asset_start_offset_ms", "segment_duration_ms"],
        ),
    ];
    for (place, fields) in required {
        for field in fields {
            let mut value = plan();
            value.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(*field).unwrap();
            let text = parse(&value).unwrap_err().to_string();
            assert!(text.contains(&format!("`{field}`")), "{place}: {text}");
        }
    }
}

#[test]
fn a_plan_round_trips_and_leaves_out_what_is_not_set() {
    let first = parse(&plan()).unwrap();
    let text = serde_json::to_value(&first).unwrap();
    assert_eq!(text, plan());
    assert_eq!(parse(&text).unwrap(), first);
}

proptest! {
    #[test]
    fn mutated_text_never_panics(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = plan().to_string().into_bytes();
        for (place, value) in mutations {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let _ = serde_json::from_slice::<Plan>(&bytes);
        let _ = serde_json::from_slice::<Plan>(&bytes[..cut.index(bytes.len())]);
    }
}
