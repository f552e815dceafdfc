//! Cues: when their sections leave, that nothing else suffers, and that polls do not matter.

use crate::drive::{Output, drain, mux, push};
use crate::elementary::{Noise, Programme, Unit};
use crate::kinds::KINDS;
use crate::mixtures::mixture;
use crate::reader::{self, CUES, MS};
use proptest::prelude::*;
use retrovue_mux::splice::{
    BreakDuration, Segmentation, SegmentationDescriptor, SpliceCommand, SpliceDescriptor, SpliceInfo,
    SpliceInsert, SpliceTime,
};
use retrovue_mux::{
    CueConfig, CueError, MuxConfig, MuxRate, Muxer, PACKET_SIZE, Pid, Poll, PushError, StreamIndex,
};
use retrovue_timebase::{Ticks27M, Ticks90k};

/// A cue, and the position among the units before which it is given.
pub(crate) struct Given {
    pub(crate) before: usize,
    pub(crate) info: SpliceInfo,
}

pub(crate) fn out(event_id: u32, at: SpliceTime) -> SpliceInfo {
    SpliceInfo::new(SpliceCommand::Insert(SpliceInsert {
        event_id,
        cancel: false,
        out_of_network: true,
        at,
        break_duration: Some(BreakDuration { auto_return: true, ticks: 30 * 90_000 }),
        unique_program_id: 1,
        avail: 1,
        avails_expected: 1,
    }))
}

/// A time_signal with so many segments that its section takes several packets.
pub(crate) fn long(at: i64) -> SpliceInfo {
    let segment = |n: u8| {
        SpliceDescriptor::Segmentation(SegmentationDescriptor {
            event_id: u32::from(n),
            segmentation: Some(Segmentation {
                restrictions: None,
                duration: Some(90_000),
                upid_type: 0x0C,
                upid: vec![n; 60],
                type_id: 0x30,
                segment: n,
                segments_expected: 9,
                sub_segments: None,
            }),
        })
    };
    SpliceInfo {
        command: SpliceCommand::TimeSignal(SpliceTime::At(Ticks90k(at))),
        descriptors: (0..9).map(segment).collect(),
    }
}

pub(crate) fn with_cues(mut config: MuxConfig, heartbeat_s: Option<u32>) -> MuxConfig {
    config.cues = Some(CueConfig { heartbeat_s, ..CueConfig::new(Pid::new(CUES)) });
    config
}

/// Muxes with cues; with a seed, polling now and then.
pub(crate) fn mux_cues(config: MuxConfig, units: &[Unit], given: &[Given], seed: Option<u64>) -> Output {
    let mut muxer = Muxer::new(config).expect("a valid configuration");
    let (mut output, mut noise) = (Output::default(), Noise(seed.unwrap_or(0)));
    let mut poll = |muxer: &mut Muxer, output: &mut Output| {
        if seed.is_some() && noise.below(2) == 0 {
            for _ in 0..noise.below(80) {
                let mut buffer = vec![0; PACKET_SIZE * (1 + noise.below(9) as usize)];
                match muxer.poll(&mut buffer) {
                    Poll::Packets(run) => {
                        output.bytes.extend_from_slice(&buffer[..run.bytes()]);
                        output.departures.extend((0..run.packets()).map(|index| run.departure(index).0));
                    }
                    Poll::Event(event) => output.events.push(event),
                    _ => break,
                }
            }
        }
    };
    for (n, unit) in units.iter().enumerate() {
        for given in given.iter().filter(|given| given.before == n) {
            muxer.cue(&given.info).expect("a good cue");
            poll(&mut muxer, &mut output);
        }
        push(&mut muxer, unit, &mut output);
        poll(&mut muxer, &mut output);
    }
    muxer.finish();
    drain(&mut muxer, &mut [0; PACKET_SIZE * 7], &mut output);
    output
}

/// Seven seconds of pictures and sound.
fn programme() -> Programme {
    Programme { pictures: 210, ..Programme::default() }
}

fn at_constant_rate(mut config: MuxConfig) -> (MuxConfig, u64) {
    config.streams[0].units_per_second = 30;
    let bps = config.smallest_constant_bps();
    config.rate = MuxRate::Constant { bps };
    (config, bps)
}

fn sections(output: &Output) -> Vec<(i64, i64, Vec<u8>)> {
    reader::sections(&reader::packets(output), CUES)
}

#[test]
fn a_cue_leaves_four_seconds_ahead_or_as_soon_as_it_may() {
    let units = programme().units();
    let given = [
        Given { before: 3, info: out(1, SpliceTime::At(Ticks90k(6 * 90_000))) },
        Given { before: 3, info: out(2, SpliceTime::At(Ticks90k(5 * 90_000))) },
        // Units of a DTS up to 2.5 s have been pushed: a second and a half is all there is.
        Given {
            before: units.iter().position(|unit| unit.dts >= 225_000).unwrap(),
            info: out(3, SpliceTime::At(Ticks90k(4 * 90_000))),
        },
        Given {
            before: units.iter().position(|unit| unit.dts >= 270_000).unwrap(),
            info: out(4, SpliceTime::Immediate),
        },
    ];
    for constant in [false, true] {
        let mut config = with_cues(programme().config(), None);
        if constant {
            config = at_constant_rate(config).0;
        }
        let output = mux_cues(config, &units, &given, None);
        assert_eq!(output.events, []);
        let sections = sections(&output);
        let ids: Vec<u8> = sections.iter().map(|(_, _, bytes)| bytes[17]).collect();
        assert_eq!(ids, [2, 1, 3, 4]);
        // 1 s, and 2 s, at most 10 ms later.
        for (index, instant) in [(0, 1_000), (1, 2_000)] {
            let late = sections[index].0 - instant * MS;
            assert!((0..10 * MS).contains(&late), "section {index} is {late} ticks late");
        }
        for (index, instant) in [(2, 2_500 * MS), (3, 3_000 * MS)] {
            let after = sections[index].0 - instant;
            assert!((-40 * MS..10 * MS).contains(&after), "section {index}: {after}");
        }
    }
}

/// A null section each second at most, none while others leave.
#[test]
fn a_heartbeat_beats_where_nothing_is_said() {
    let units = programme().units();
    let given = [Given { before: 0, info: out(1, SpliceTime::At(Ticks90k(586_800))) }];
    let output = mux_cues(with_cues(programme().config(), Some(1)), &units, &given, None);
    let sections = sections(&output);
    // The first at once, the cue 2.52 s after zero.
    let kinds: Vec<u8> = sections.iter().map(|(_, _, bytes)| bytes[13]).collect();
    assert_eq!(kinds.iter().filter(|&&kind| kind == 5).count(), 1, "{kinds:?}");
    assert!(kinds.len() >= 7 && kinds[0] == 0);
    for pair in sections.windows(2) {
        let distance = pair[1].0 - pair[0].0;
        let is_cue = pair[1].2[13] == 5;
        assert!(is_cue || (1_000 * MS..1_010 * MS).contains(&distance), "{distance} ticks");
    }
}

#[test]
fn a_long_section_takes_its_time() {
    let units = programme().units();
    let given = [Given { before: 0, info: long(6 * 90_000) }];
    let (config, bps) = at_constant_rate(with_cues(programme().config(), None));
    let output = mux_cues(config, &units, &given, None);
    let (begin, end, bytes) = sections(&output).remove(0);
    assert!(bytes.len() > 736 && mpeg2ts_reader::mpegts_crc::sum32(&bytes) == 0);
    assert!(
        begin >= 2_000 * MS && end - begin >= 4 * 50 * MS && end - begin < 5 * 60 * MS,
        "{}",
        end - begin
    );
    reader::check_constant(&output, bps, 4_800_000, 300_000);
}

#[test]
fn what_cannot_be_cued_is_refused_by_its_name() {
    let refused = |config: MuxConfig, pushed: i64, end: bool, info: &SpliceInfo| {
        let mut muxer = Muxer::new(config).unwrap();
        for unit in programme().units().iter().filter(|unit| unit.dts <= pushed) {
            push(&mut muxer, unit, &mut Output::default());
        }
        if end {
            muxer.finish();
        }
        muxer.cue(info).expect_err("a refusal")
    };
    let (plain, cued) = (programme().config(), with_cues(programme().config(), None));
    let at = |pts| out(1, SpliceTime::At(Ticks90k(pts)));
    assert_eq!(refused(plain, 0, false, &at(0)), CueError::NotConfigured);
    assert_eq!(refused(cued.clone(), 0, true, &at(0)), CueError::Ended);
    let late = refused(cued.clone(), 450_000, false, &at(300_000));
    assert!(matches!(late, CueError::TooLate { pts: Ticks90k(300_000), .. }), "{late}");
    assert!(late.to_string().contains("cue it earlier"));
    assert!(matches!(refused(cued.clone(), 0, false, &at(1 << 60)), CueError::PtsOutOfRange { .. }));
    let mut long = long(900_000);
    long.descriptors.extend(long.descriptors.clone());
    assert_eq!(refused(cued.clone(), 0, false, &long), CueError::TooLong { largest: 1024 });
    let mut endless = at(900_000);
    if let SpliceCommand::Insert(insert) = &mut endless.command {
        insert.break_duration = Some(BreakDuration { auto_return: true, ticks: 1 << 33 });
    }
    assert_eq!(refused(cued.clone(), 0, false, &endless), CueError::FieldOutOfRange);
    let mut muxer = Muxer::new(cued).unwrap();
    let full = (0..100).find_map(|_| muxer.cue(&at(900_000)).err());
    assert_eq!(full, Some(CueError::Full { waiting: 32 }));
}

/// The instant that is promised is that of the departure, where nothing stands before it.
#[test]
fn the_promised_instant_is_kept() {
    let mut muxer = Muxer::new(with_cues(programme().config(), None)).unwrap();
    let mut output = Output::default();
    let units = programme().units();
    let promised = muxer.cue(&out(1, SpliceTime::At(Ticks90k(540_000)))).unwrap();
    assert_eq!(promised, Ticks27M(2_000 * MS));
    for unit in &units {
        push(&mut muxer, unit, &mut output);
    }
    muxer.end_stream(StreamIndex(0));
    muxer.finish();
    drain(&mut muxer, &mut [0; PACKET_SIZE * 7], &mut output);
    let late = sections(&output)[0].0 - promised.0;
    assert!((0..10 * MS).contains(&late), "{late}");
}

fn given(units: usize) -> impl Strategy<Value = Vec<(usize, Option<i64>, bool)>> {
    prop::collection::vec((0..units, prop::option::of(170_000i64..800_000), any::<bool>()), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// With any cues, at the smallest constant rate and at a variable one: no stream's contract is broken, all
    /// units come out, and polls make no difference.
    #[test]
    fn cues_take_nothing_from_the_streams(
        kinds in prop::collection::vec((0usize..13, any::<u8>(), any::<u64>()), 0..5),
        given in given(60),
        heartbeat in prop::option::of(1u32..3),
        seed: u64,
    ) {
        let first = crate::kinds::Track { kind: KINDS[seed as usize % 4], size: seed as u8, seed };
        let others = kinds.iter().map(|&(kind, size, seed)| crate::kinds::Track { kind: KINDS[kind], size, seed });
        let tracks: Vec<_> = std::iter::once(first).chain(others).collect();
        let mut mixture = mixture(&tracks);
        mixture.config = with_cues(mixture.config, heartbeat);
        let given: Vec<Given> = given.into_iter().map(|(before, at, is_long)| {
            let time = at.map_or(SpliceTime::Immediate, |at| SpliceTime::At(Ticks90k(at)));
            let info = if is_long { long(at.unwrap_or(200_000)) } else { out(7, time) };
            Given { before, info }
        }).collect();
        let (constant, bps) = mixture.constant();
        let output = mux_cues(constant.clone(), &mixture.units, &given, None);
        prop_assert_eq!(&output.events, &[]);
        reader::check_constant_decoders(&output, bps, &mixture.decoders);
        prop_assert!(output == mux_cues(constant, &mixture.units, &given, Some(seed)), "constant");
        let output = mux_cues(mixture.config.clone(), &mixture.units, &given, None);
        prop_assert_eq!(&output.events, &[]);
        reader::check_decoders(&output, &mixture.decoders);
        prop_assert!(output == mux_cues(mixture.config.clone(), &mixture.units, &given, Some(seed)), "variable");
    }
}

/// At a variable rate a cue leaves between the others' packets: each of those leaves when it would without.
#[test]
fn a_cue_moves_no_other_packet() {
    let units = programme().units();
    let given: Vec<Given> = (0..40)
        .map(|n| Given {
            before: n * 9,
            info: out(n as u32, SpliceTime::At(Ticks90k(450_000 + 7_777 * n as i64))),
        })
        .collect();
    let others = |given: &[Given]| -> Vec<(i64, Vec<u8>)> {
        let output = mux_cues(with_cues(programme().config(), Some(1)), &units, given, None);
        let (packets, _) = output.bytes.as_chunks::<PACKET_SIZE>();
        let of_others = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) != CUES;
        let timed = output.departures.iter().zip(packets);
        timed
            .filter(|(_, packet)| of_others(&packet[..]))
            .map(|(at, packet)| (*at, packet.to_vec()))
            .collect()
    };
    let (with, without) = (others(&given), others(&[]));
    assert_eq!(with.len(), without.len());
    let moved = with.iter().zip(&without).filter(|(with, without)| with != without).count();
    assert_eq!(moved, 0, "of {} packets", with.len());
}

/// Pictures at twice their rate run seconds late and fill their queue; that makes room by polling all the
/// same.
#[test]
fn a_stream_far_behind_goes_on_where_there_are_cues() {
    let slow = Programme { sound_tracks: 0, cpb_bits: 400_000, ..programme() };
    let fast = Programme { video_bps: slow.video_bps * 2, cpb_bits: 4_000_000, ..slow.clone() };
    let (config, _) = at_constant_rate(with_cues(slow.config(), Some(1)));
    let mut muxer = Muxer::new(config).unwrap();
    let (mut buffer, mut full) = ([0; PACKET_SIZE * 64], 0);
    for unit in fast.units() {
        while let Err(error) = muxer.push(unit.borrow()) {
            assert!(matches!(error, PushError::Full { .. }), "{error}");
            assert!(!matches!(muxer.poll(&mut buffer), Poll::NeedInput { .. }), "full, and asks for more");
            full += 1;
        }
    }
    assert!(full > 100, "full {full} times");
}

/// Without a cue and a heartbeat only the map tells of them.
#[test]
fn no_cue_no_packet() {
    let output = mux(with_cues(programme().config(), None), &programme().units());
    assert!(sections(&output).is_empty());
    let map = &reader::sections(&reader::packets(&output), 0x1000)[0].2;
    assert!(map.windows(6).any(|bytes| bytes == b"\x05\x04CUEI"));
    assert!(map.windows(8).any(|bytes| bytes == [0x86, 0xE1, 0xF0, 0xF0, 3, 0x8A, 1, 1]));
}
