//! The segment information firewall (seed 003 §5.9) and the forbidden extensions (§8.3), read off the
//! protocol itself: what has no message and no field cannot be said.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_proto::code::FailureCode;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Fields by message, as `name: type`; values by enum.
struct Protocol(BTreeMap<String, Vec<(String, String)>>);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Protocol {
    fn read() -> Protocol {
        let files = protox::compile(["control.proto"], [repository().join("proto")]).unwrap();
        let mut kinds = BTreeMap::new();
        let mut messages: Vec<_> = files.file.iter().flat_map(|file| &file.message_type).collect();
        while let Some(message) = messages.pop() {
            messages.extend(&message.nested_type);
            let fields = message.field.iter().map(|field| {
                let of = field.type_name().rsplit('.').next().unwrap_or_default().to_owned();
                (field.name().to_owned(), of)
            });
            kinds.insert(message.name().to_owned(), fields.collect());
            for values in &message.enum_type {
                let names = values.value.iter().map(|value| (value.name().to_owned(), String::new()));
                kinds.insert(values.name().to_owned(), names.collect());
            }
        }
        assert!(
            files.file.iter().all(|f| f.service.is_empty() && f.enum_type.is_empty()),
            "all is a message"
        );
        Protocol(kinds)
    }

    fn fields(&self, message: &str) -> BTreeSet<&str> {
        self.0[message].iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Every message and enum that can occur within `root`, itself included.
    fn within(&self, root: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![root];
        while let Some(name) = open.pop() {
            if let Some((name, fields)) = self.0.get_key_value(name)
                && found.insert(name.as_str())
            {
                open.extend(fields.iter().map(|(_, of)| of.as_str()));
            }
        }
        found
    }

    /// Every name within `root`: messages, fields, enum values.
    fn words(&self, root: &str) -> BTreeSet<String> {
        let kinds = self.within(root);
        let fields = kinds.iter().flat_map(|kind| self.fields(kind));
        kinds.iter().copied().chain(fields).map(str::to_lowercase).collect()
    }
}

fn set<'a>(words: &[&'a str]) -> BTreeSet<&'a str> {
    words.iter().copied().collect()
}

/// CONTRACT-SEG-002 F1, CONTRACT-SEG-003 F2, CONTRACT-SEG-004 F3, CONTRACT-SEG-005 F4: AIR can say that a
/// block was accepted or refused, that it started, completed or failed, and that the session has ended; it
/// has no message, no field and no value for anything about a segment.
#[test]
fn air_has_no_word_for_a_segment() {
    let protocol = Protocol::read();
    let said = protocol.within("AirMessage");
    let kinds = [
        "Accepted",
        "AirMessage",
        "BlockEvent",
        "Failure",
        "HelloReply",
        "Kind",
        "Metrics",
        "Reply",
        "SessionEnded",
    ];
    assert_eq!(said, set(&kinds));
    assert_eq!(protocol.fields("AirMessage"), set(&["reply", "block_event", "session_ended"]));
    assert_eq!(protocol.fields("BlockEvent"), set(&["kind", "block_id", "frames_emitted", "failure"]));
    assert_eq!(protocol.fields("Kind"), set(&["KIND_UNSPECIFIED", "STARTED", "COMPLETED", "FAILED"]));
    assert_eq!(protocol.fields("Failure"), set(&["code", "detail"]));
    // Where a block was cut, how much of the block left: the last word of BlockEvent, for one that did not end.
    assert_eq!(protocol.fields("SessionEnded"), set(&["reason", "block_id", "frames_emitted"]));
    // Text for people about the session as a whole, only when asked for (seed 003 §8.2.3).
    assert_eq!(protocol.fields("Metrics"), set(&["openmetrics"]));
    for word in protocol.words("AirMessage") {
        for banned in ["segment", "index", "transition", "underrun", "overrun", "pad", "trunc", "progress"] {
            assert!(!word.contains(banned), "{word} tells of a segment");
        }
    }
}

/// Failure codes are block-level: the two that have the word judge a plan before it plays, and none names
/// one segment (seed 003 §8.2.2).
#[test]
fn failure_codes_name_no_segment() {
    let named: Vec<&str> =
        FailureCode::KNOWN.iter().map(FailureCode::as_str).filter(|code| code.contains("SEGMENT")).collect();
    assert_eq!(named, ["SEGMENT_DURATION_MISMATCH", "INVALID_SEGMENT_INDEX"]);
    assert!(FailureCode::KNOWN.iter().all(|code| !code.as_str().contains(|c: char| c.is_ascii_digit())));
}

/// Core can open, feed, ask for counts and stop, and nothing else: no seek, pause, speed or adjustment (LAW-CT-SINGLE-WRITER,
/// INV-P8-005), no change or replacement of an accepted block (CONTRACT-BLOCK-001 F5), no segment-level
/// request.
#[test]
fn core_can_open_feed_and_stop_and_nothing_else() {
    let protocol = Protocol::read();
    let requests = [
        "hello",
        "attach_stream",
        "start_block_plan_session",
        "feed_block_plan",
        "stop_session",
        "get_metrics",
        "load_preview",
        "switch_to_live",
        "request_id",
    ];
    assert_eq!(protocol.fields("CoreMessage"), set(&requests));
    assert_eq!(protocol.fields("FeedBlockPlan"), set(&["block"]));
    assert_eq!(protocol.fields("StopSession"), set(&[]));
    assert_eq!(protocol.fields("GetMetrics"), set(&[]));
    // The older pair feeds blocks as well: what comes next, and the fence at which it begins.
    let preview = ["asset_uri", "asset_start_offset_ms", "duration_ms", "frame_count"];
    assert_eq!(protocol.fields("LoadPreview"), set(&preview));
    let switch = ["channel_id", "start_utc_ms", "format", "join_utc_ms", "service"];
    assert_eq!(protocol.fields("SwitchToLive"), set(&switch));
    let start = ["format", "blocks", "join_utc_ms", "service", "resume", "asset_folders"];
    assert_eq!(protocol.fields("StartBlockPlanSession"), set(&start));
    // Events are text for receivers: what they say moves no frame (see the tests of `render`).
    let block = ["block_id", "channel_id", "start_utc_ms", "end_utc_ms", "segments", "events", "cues"];
    assert_eq!(protocol.fields("BlockPlan"), set(&block));
    // Cues announce to others what the plan holds anyway, and move no frame either (see the tests of `cues`).
    assert_eq!(protocol.fields("Cue"), set(&["frame", "at_ms", "splice_insert", "time_signal"]));
    let segment = [
        "segment_index",
        "asset_uri",
        "asset_start_offset_ms",
        "segment_duration_ms",
        "frame_count",
        "metadata",
    ];
    assert_eq!(protocol.fields("Segment"), set(&segment));
}

/// Each forbidden extension (seed 003 §8.3) by the words it would need, in either direction. The three that
/// need no word on the wire are held elsewhere: see the table of docs/contracts/matrix.md.
#[test]
fn no_forbidden_extension_has_a_word() {
    let protocol = Protocol::read();
    let mut words = protocol.words("CoreMessage");
    words.extend(protocol.words("AirMessage"));
    // The command of SCTE 35 by its name: AIR sends it to whoever splices behind it, and inserts nothing itself.
    for word in ["spliceinsert", "splice_insert"] {
        assert!(words.remove(word), "{word}");
    }
    for (extension, banned) in [
        (
            "dynamic ad insertion",
            &["insert", "viewer", "bid", "decision", "ad_break", "ad_slot", "ad_pod", "advert", "creative"][..],
        ),
        (
            "mid-block mutation",
            &["mutate", "update", "replace", "modify", "amend", "patch", "remove", "edit"],
        ),
        ("segment skipping", &["skip", "next_segment", "jump"]),
        (
            "correction of Content Time",
            &["adjust", "correct", "drift", "ntp", "sync", "epoch", "content_time"],
        ),
        ("playback speed", &["speed", "tempo", "playback_rate", "slow", "fast"]),
        ("wall-clock transitions", &["transition", "switch_at", "wall"]),
        ("filler", &["filler", "slate", "substitut", "fallback", "alternate", "backup"]),
        ("waiting for late blocks", &["wait", "grace", "timeout", "patience", "extend"]),
        ("asset retry", &["retry", "retries", "attempt", "recover"]),
        (
            "segment-level calls",
            &["start_segment", "segment_start", "segment_event", "segment_end", "progress"],
        ),
        ("branching on the content type", &["content_type", "is_ad", "kind_of_content", "promo", "priority"]),
        ("timing by Core", &["pause", "resume_at", "seek", "skip_to", "hold", "freeze", "position"]),
    ] {
        for word in &words {
            for banned in banned {
                assert!(!word.contains(banned), "{word}: {extension} is forbidden");
            }
        }
    }
}

/// INV-BLOCKPLAN-METADATA-IGNORED and INV-BLOCKPLAN-TYPE-BLIND: AIR's code has no expression that reads a
/// segment's metadata, and no word for a content type.
#[test]
fn air_reads_no_metadata() {
    let mut folders = ["engine/src", "codec/src", "mux/src"].map(|f| repository().join(f)).to_vec();
    let mut sources = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            sources += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            for banned in
                ["content_type", "segment.metadata", "plan.metadata", "block.metadata", ".metadata.get"]
            {
                assert!(!text.contains(banned), "{} has {banned}", path.display());
            }
        }
    }
    assert!(sources > 40, "{sources} files read");
}
