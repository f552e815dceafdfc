//! Cues of a plan in the session: judged at acceptance, and set to the PTS of their frames.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use proptest::prelude::*;
use retrovue_engine::session::{AssetFacts, Rejection, Session, TaskLookup, Timeline};
use retrovue_mux::splice::{BreakDuration, SpliceCommand, SpliceDescriptor, SpliceInfo};
use retrovue_proto::code::FailureCode;
use retrovue_proto::plan::{
    BlockPlan, Cue, CueCommand, CuePlace, Segment, Segmentation, SpliceInsert, TimeSignal,
};
use retrovue_timebase::{FrameRate, Millis, Ticks90k, UtcMs};
use std::path::PathBuf;

/// A start of no particular roundness.
const START: i64 = 1_767_312_345_678;

struct Endless;

impl AssetFacts for Endless {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        Ok((PathBuf::from(asset_uri), None))
    }
}

fn block(n: usize, start: i64, durations: &[i64], cues: Vec<Cue>) -> BlockPlan {
    let segments = durations.iter().enumerate().map(|(index, &duration)| Segment {
        segment_index: index as i32,
        asset_uri: "a.mp4".to_owned(),
        asset_start_offset_ms: Millis(0),
        segment_duration_ms: Millis(duration),
        frame_count: None,
        metadata: Default::default(),
    });
    BlockPlan {
        block_id: format!("B{n}"),
        channel_id: 1,
        start_utc_ms: UtcMs(start),
        end_utc_ms: UtcMs(start + durations.iter().sum::<i64>()),
        segments: segments.collect(),
        events: vec![],
        cues,
    }
}

fn insert() -> SpliceInsert {
    SpliceInsert {
        event_id: 7,
        out_of_network: true,
        break_duration_ms: Some(Millis(30_000)),
        auto_return: true,
        unique_program_id: 0,
        avail: 0,
        avails_expected: 0,
    }
}

fn cue(at: CuePlace) -> Cue {
    Cue { at, command: CueCommand::SpliceInsert(insert()) }
}

fn inserting(change: fn(&mut SpliceInsert)) -> Vec<Cue> {
    let mut insert = insert();
    change(&mut insert);
    vec![Cue { at: CuePlace::Frame(0), command: CueCommand::SpliceInsert(insert) }]
}

fn signalling(count: usize, change: fn(&mut Segmentation)) -> Vec<Cue> {
    let mut told = Segmentation {
        event_id: 1,
        type_id: 0x30,
        duration_ms: None,
        upid_type: 0,
        upid: vec![],
        segment: 0,
        segments_expected: 0,
    };
    change(&mut told);
    let signal = TimeSignal { segmentations: vec![told; count] };
    vec![Cue { at: CuePlace::Frame(0), command: CueCommand::TimeSignal(signal) }]
}

fn session(rate: (i64, i64)) -> Session {
    Session::new(FrameRate::new(rate.0, rate.1).unwrap()).with_cues(true)
}

#[test]
fn a_cue_that_is_none_is_refused_by_block_and_place_and_leaves_no_trace() {
    let at = |places: &[CuePlace]| places.iter().copied().map(cue).collect::<Vec<_>>();
    let (frame, ms) = (CuePlace::Frame, |ms| CuePlace::AtMs(Millis(ms)));
    // Two seconds of 30 frames.
    for (cues, says) in [
        (at(&[frame(61)]), "cue 0: frame 61 is outside the block's 0 to 60"),
        (at(&[frame(0), frame(-1)]), "cue 1: frame -1 is outside"),
        (at(&[frame(i64::MAX)]), "is outside"),
        (at(&[frame(i64::MIN)]), "is outside"),
        (at(&[ms(2001)]), "at_ms 2001 is outside the block's 0 to 2000"),
        (at(&[ms(-1)]), "at_ms -1 is outside"),
        (at(&[ms(i64::MAX)]), "is outside"),
        (at(&[frame(31), ms(1000)]), "cue 1: frame 30 is before frame 31 of the cue before"),
        (at(&[frame(0); 1001]), "1001 cues are more than 1000"),
        (inserting(|insert| insert.break_duration_ms = Some(Millis(-1))), "break_duration_ms is -1"),
        (inserting(|insert| insert.break_duration_ms = Some(Millis(i64::MAX))), "break_duration_ms is 9223"),
        (
            inserting(|insert| insert.break_duration_ms = Some(Millis(95_443_718))),
            "does not fit its field: 33 bits",
        ),
        (inserting(|insert| insert.break_duration_ms = None), "auto_return needs break_duration_ms"),
        (
            inserting(|insert| insert.unique_program_id = 65_536),
            "unique_program_id 65536 does not fit its 16 bits",
        ),
        (inserting(|insert| insert.avail = 256), "avail 256 does not fit its 8 bits"),
        (inserting(|insert| insert.avails_expected = 256), "avails_expected 256"),
        (signalling(1, |told| told.type_id = 256), "type_id 256"),
        (signalling(1, |told| told.upid_type = 256), "upid_type 256"),
        (signalling(1, |told| told.segment = 256), "segment 256"),
        (signalling(1, |told| told.segments_expected = 256), "segments_expected 256"),
        (signalling(1, |told| told.duration_ms = Some(Millis(1 << 40))), "40 of a segment"),
        (signalling(1, |told| told.upid = vec![0; 256]), "a descriptor than 255"),
        (signalling(60, |_| ()), "longer than 1024 bytes"),
    ] {
        let mut session = session((30, 1));
        let plan = block(0, START, &[2000], cues);
        let refused = session.accept(&plan, UtcMs(START), &mut Endless).unwrap_err();
        assert_eq!(refused.code, FailureCode::ProtocolError);
        assert!(
            refused.detail.starts_with("block B0, cue") && refused.detail.contains(says),
            "{}: {says}",
            refused.detail
        );
        assert!(session.epoch().is_none() && session.has_room() && session.take_cues().is_empty());
    }
    let plan = block(0, START, &[2000], at(&[frame(0)]));
    let mut without = session((30, 1)).with_cues(false);
    let refused = without.accept(&plan, UtcMs(START), &mut Endless).unwrap_err();
    assert!(refused.detail.contains("set format.cues"), "{}", refused.detail);
}

#[test]
fn what_a_cue_says_is_what_is_sent() {
    let mut cues = vec![cue(CuePlace::Frame(0))];
    cues.extend(inserting(|insert| {
        (insert.out_of_network, insert.auto_return, insert.break_duration_ms) = (false, false, None);
        (insert.unique_program_id, insert.avail, insert.avails_expected) = (65_535, 2, 3);
    }));
    cues.extend(signalling(2, |told| {
        (told.duration_ms, told.upid_type, told.upid) = (Some(Millis(10)), 3, b"ABCD".to_vec());
        (told.segment, told.segments_expected) = (4, 5);
    }));
    // The block's end is a place to come back at.
    cues.push(cue(CuePlace::Frame(60)));
    cues.push(cue(CuePlace::AtMs(Millis(2000))));
    let mut session = session((30, 1));
    session.accept(&block(0, START, &[2000], cues), UtcMs(START), &mut Endless).unwrap();
    let told = session.take_cues();
    let at = Ticks90k(START * 90);
    assert!(told[..3].iter().all(|info| info.at() == Some(at)), "{told:?}");
    assert!(told[3..].iter().all(|info| info.at() == Some(at + Ticks90k(180_000))), "{told:?}");
    let SpliceCommand::Insert(out) = &told[0].command else { panic!("{told:?}") };
    assert_eq!((out.event_id, out.out_of_network, out.cancel), (7, true, false));
    assert_eq!(out.break_duration, Some(BreakDuration { auto_return: true, ticks: 2_700_000 }));
    let SpliceCommand::Insert(back) = &told[1].command else { panic!("{told:?}") };
    assert_eq!((back.out_of_network, back.break_duration), (false, None));
    assert_eq!((back.unique_program_id, back.avail, back.avails_expected), (65_535, 2, 3));
    let [SpliceDescriptor::Segmentation(told), _] = &told[2].descriptors[..] else { panic!("{told:?}") };
    let what = told.segmentation.as_ref().unwrap();
    assert_eq!((told.event_id, what.type_id, what.duration), (1, 0x30, Some(900)));
    assert_eq!(
        (what.upid_type, what.upid.as_slice(), what.segment, what.segments_expected),
        (3, &b"ABCD"[..], 4, 5)
    );
    assert_eq!(session.take_cues(), []);
}

const RATES: [(i64, i64); 5] = [(30, 1), (25, 1), (30_000, 1001), (24_000, 1001), (60_000, 1001)];

proptest! {
    /// At any rate and wherever the block begins on the frames' grid: a cue at the Content Time of a segment has
    /// the PTS of that segment's first frame, and one at a frame's index that frame's.
    #[test]
    fn a_splice_stands_at_its_frame(
        rate in 0usize..5,
        before in 1i64..100_000,
        durations in prop::collection::vec(1i64..60_000, 1..6),
        frame in any::<prop::sample::Index>(),
    ) {
        let (rate, mut session) = (FrameRate::new(RATES[rate].0, RATES[rate].1).unwrap(), session(RATES[rate]));
        session.accept(&block(0, START, &[before], vec![]), UtcMs(START), &mut Endless).unwrap();
        let mut at = 0;
        let starts: Vec<Cue> = durations
            .iter()
            .map(|duration| {
                let cue = cue(CuePlace::AtMs(Millis(at)));
                at += duration;
                cue
            })
            .collect();
        let plan = block(1, START + before, &durations, starts);
        session.accept(&plan, UtcMs(START), &mut Endless).unwrap();
        let first = session.start(UtcMs(START)).unwrap();
        prop_assert_eq!(first.0, 0);
        let told: Vec<Option<Ticks90k>> = session.take_cues().iter().map(SpliceInfo::at).collect();
        let timeline = Timeline::new(UtcMs(START), rate);
        let mut tasks = Vec::new();
        while let TaskLookup::Task(task) = session.task(tasks.len() as u64) {
            tasks.push(task);
        }
        // Segments without a frame have no task; their cues stand where the next begins.
        let starts: Vec<Ticks90k> = tasks.iter().map(|task| timeline.frame(task.first_frame)).collect();
        let end = timeline.frame(tasks.last().unwrap().end_frame);
        for pts in &told {
            prop_assert!(starts.contains(&pts.unwrap()) || *pts == Some(end), "{:?} of {:?}", told, starts);
        }
        prop_assert_eq!(told[0].unwrap(), timeline.frame(rate.frame_at_or_after(UtcMs(START), UtcMs(START + before))));

        let mut session = Session::new(rate).with_cues(true);
        session.accept(&block(0, START, &[before], vec![]), UtcMs(START), &mut Endless).unwrap();
        let start = rate.frame_at_or_after(UtcMs(START), UtcMs(START + before));
        let frames = rate.frame_at_or_after(UtcMs(START), plan.end_utc_ms).frames_since(start);
        let frame = frame.index(frames as usize + 1) as i64;
        let plan = BlockPlan { cues: vec![cue(CuePlace::Frame(frame))], ..plan };
        session.accept(&plan, UtcMs(START), &mut Endless).unwrap();
        let pts = session.take_cues()[0].at();
        // floor(k * 90000 * den / num), by the schoolbook.
        let ticks = (i128::from((start.0 + frame) * rate.den()) * 90_000 / i128::from(rate.num())) as i64;
        prop_assert_eq!(pts, Some(Ticks90k(START * 90 + ticks)));
    }
}
