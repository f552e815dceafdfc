//! Cues of a block: where each stands and what it says (SCTE 35), as plain values and as messages.
//!
//! Fields are as wide as the messages', not as those of a splice_info_section: what does not fit is judged by
//! AIR at acceptance, like everything of a plan.

use crate::message;
use crate::plan::{is_false, is_zero};
use retrovue_timebase::Millis;
use serde::{Deserialize, Serialize};

/// A cue for splicing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// Where in the block.
    #[serde(flatten)]
    pub at: CuePlace,
    /// What it says.
    #[serde(flatten)]
    pub command: CueCommand,
}

/// The frame that a splice stands before; the block's own end, one past its last frame, counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "of cue: frame or at_ms", rename_all = "snake_case")]
pub enum CuePlace {
    /// Counted from the block's first frame.
    Frame(i64),
    /// Content Time: the first frame at or after it, which is where a segment that begins then begins.
    AtMs(Millis),
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "of cue: splice_insert or time_signal", rename_all = "snake_case")]
pub enum CueCommand {
    /// Out to a break, or back.
    SpliceInsert(SpliceInsert),
    /// Something begins or ends.
    TimeSignal(TimeSignal),
}

/// splice_insert of the whole program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpliceInsert {
    /// `splice_event_id`.
    pub event_id: u32,
    /// To the break; otherwise back from it.
    pub out_of_network: bool,
    /// How long the break lasts; not told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_duration_ms: Option<Millis>,
    /// A splicer comes back by itself once the break has lasted so long.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_return: bool,
    /// `unique_program_id`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unique_program_id: u32,
    /// `avail_num`: which break of the programme, 0 when not used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub avail: u32,
    /// `avails_expected`: how many there will be, 0 when not used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub avails_expected: u32,
}

/// time_signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSignal {
    /// What begins or ends.
    pub segmentations: Vec<Segmentation>,
}

/// segmentation_descriptor of the whole program, its delivery not restricted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segmentation {
    /// `segmentation_event_id`.
    pub event_id: u32,
    /// `segmentation_type_id`.
    pub type_id: u32,
    /// How long it lasts; not told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Millis>,
    /// `segmentation_upid_type`, 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub upid_type: u32,
    /// `segmentation_upid`; in JSON two hexadecimal digits for each byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "hexadecimal")]
    pub upid: Vec<u8>,
    /// `segment_num`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub segment: u32,
    /// `segments_expected`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub segments_expected: u32,
}

mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let byte = |pair: &[char]| match *pair {
            [high, low] => Some((high.to_digit(16)? << 4 | low.to_digit(16)?) as u8),
            _ => None,
        };
        let digits: Vec<char> = text.chars().collect();
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        bytes.ok_or_else(|| D::Error::custom(format!("{text:?} is not two hexadecimal digits for each byte")))
    }
}

impl Cue {
    /// The cue of a message; nothing when it lacks its place or its command.
    pub(crate) fn new(cue: message::Cue) -> Option<Cue> {
        let at = match cue.at? {
            message::cue::At::Frame(frame) => CuePlace::Frame(frame),
            message::cue::At::AtMs(at) => CuePlace::AtMs(Millis(at)),
        };
        let command = match cue.command? {
            message::cue::Command::SpliceInsert(insert) => CueCommand::SpliceInsert(SpliceInsert {
                event_id: insert.event_id,
                out_of_network: insert.out_of_network,
                break_duration_ms: insert.break_duration_ms.map(Millis),
                auto_return: insert.auto_return,
                unique_program_id: insert.unique_program_id,
                avail: insert.avail,
                avails_expected: insert.avails_expected,
            }),
            message::cue::Command::TimeSignal(signal) => CueCommand::TimeSignal(TimeSignal {
                segmentations: signal.segmentations.into_iter().map(Segmentation::from).collect(),
            }),
        };
        Some(Cue { at, command })
    }
}

impl From<&Cue> for message::Cue {
    fn from(cue: &Cue) -> message::Cue {
        let at = match cue.at {
            CuePlace::Frame(frame) => message::cue::At::Frame(frame),
            CuePlace::AtMs(at) => message::cue::At::AtMs(at.0),
        };
        let command = match &cue.command {
            CueCommand::SpliceInsert(insert) => message::cue::Command::SpliceInsert(message::SpliceInsert {
                event_id: insert.event_id,
                out_of_network: insert.out_of_network,
                break_duration_ms: insert.break_duration_ms.map(|duration| duration.0),
                auto_return: insert.auto_return,
                unique_program_id: insert.unique_program_id,
                avail: insert.avail,
                avails_expected: insert.avails_expected,
            }),
            CueCommand::TimeSignal(signal) => message::cue::Command::TimeSignal(message::TimeSignal {
                segmentations: signal.segmentations.iter().map(message::Segmentation::from).collect(),
            }),
        };
        message::Cue { at: Some(at), command: Some(command) }
    }
}

impl From<message::Segmentation> for Segmentation {
    fn from(told: message::Segmentation) -> Segmentation {
        Segmentation {
            event_id: told.event_id,
            type_id: told.type_id,
            duration_ms: told.duration_ms.map(Millis),
            upid_type: told.upid_type,
            upid: told.upid,
            segment: told.segment,
            segments_expected: told.segments_expected,
        }
    }
}

impl From<&Segmentation> for message::Segmentation {
    fn from(told: &Segmentation) -> message::Segmentation {
        message::Segmentation {
            event_id: told.event_id,
            type_id: told.type_id,
            duration_ms: told.duration_ms.map(|duration| duration.0),
            upid_type: told.upid_type,
            upid: told.upid.clone(),
            segment: told.segment,
            segments_expected: told.segments_expected,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    pub(crate) fn any_cue() -> impl Strategy<Value = Cue> {
        let at = prop_oneof![
            any::<i64>().prop_map(CuePlace::Frame),
            any::<i64>().prop_map(|ms| CuePlace::AtMs(Millis(ms)))
        ];
        let insert = any::<(u32, bool, Option<i64>, bool, [u32; 3])>().prop_map(
            |(
                event_id,
                out_of_network,
                duration,
                auto_return,
                [unique_program_id, avail, avails_expected],
            )| {
                CueCommand::SpliceInsert(SpliceInsert {
                    event_id,
                    out_of_network,
                    break_duration_ms: duration.map(Millis),
                    auto_return,
                    unique_program_id,
                    avail,
                    avails_expected,
                })
            },
        );
        let segmentation = any::<([u32; 5], Option<i64>, Vec<u8>)>().prop_map(
            |([event_id, type_id, upid_type, segment, segments_expected], duration, upid)| Segmentation {
                event_id,
                type_id,
                duration_ms: duration.map(Millis),
                upid_type,
                upid,
                segment,
                segments_expected,
            },
        );
        let signal = prop::collection::vec(segmentation, 0..3)
            .prop_map(|segmentations| CueCommand::TimeSignal(TimeSignal { segmentations }));
        (at, prop_oneof![insert, signal]).prop_map(|(at, command)| Cue { at, command })
    }

    #[test]
    fn a_cue_is_written_as_people_write_it() {
        let text = json!([
            {"frame": 90, "splice_insert": {"event_id": 7, "out_of_network": true, "break_duration_ms": 30_000,
                                            "auto_return": true}},
            {"at_ms": 33_000, "time_signal": {"segmentations": [{"event_id": 8, "type_id": 0x31, "upid_type": 3,
                                                                 "upid": "4142ff00"}]}},
        ]);
        let cues: Vec<Cue> = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(cues[0].at, CuePlace::Frame(90));
        let CueCommand::TimeSignal(signal) = &cues[1].command else { panic!("{:?}", cues[1]) };
        assert_eq!(signal.segmentations[0].upid, b"AB\xFF\0");
        assert_eq!(serde_json::to_value(cues).unwrap(), text);
    }

    #[test]
    fn what_a_cue_lacks_is_named() {
        let insert = json!({"event_id": 7, "out_of_network": true});
        let upid = |upid| json!({"at_ms": 0, "time_signal": {"segmentations": [{"event_id": 1, "type_id": 1, "upid": upid}]}});
        for (cue, named) in [
            (json!({"splice_insert": insert}), "frame or at_ms"),
            (json!({"frame": 0}), "splice_insert or time_signal"),
            (json!({"frame": 0, "splice_insert": {"event_id": 7}}), "`out_of_network`"),
            (upid("4"), "hexadecimal"),
            (upid("4g"), "hexadecimal"),
            (upid("+4"), "hexadecimal"),
        ] {
            let error = serde_json::from_value::<Cue>(cue.clone()).unwrap_err().to_string();
            assert!(error.contains(named), "{cue}: {error}");
        }
        let message = message::Cue { at: Some(message::cue::At::Frame(0)), command: None };
        assert_eq!((Cue::new(message), Cue::new(message::Cue::default())), (None, None));
    }

    proptest! {
        #[test]
        fn cues_round_trip_through_messages_and_json(cue in any_cue()) {
            prop_assert_eq!(Cue::new(message::Cue::from(&cue)), Some(cue.clone()));
            let text = serde_json::to_string(&cue).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cue>(&text).unwrap(), cue);
        }
    }
}
