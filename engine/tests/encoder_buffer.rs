//! Encoders one behind the other, as a session opens them when its next block comes late, at the rates and buffers of a
//! house format: pictures keep to the encoders' one buffer from x264 to the decoder of the T-STD.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_analyser::{Analyser, Options, Report};
use retrovue_codec::{AudioEncoder, Picture, VideoEncoder};
use retrovue_engine::format::SessionFormat;
use retrovue_mux::{AccessUnit, CpbArrival, MuxRate, Muxer, Poll, PushError, StreamIndex};
use retrovue_proto::plan::HouseFormat;
use retrovue_timebase::{FrameIndex, Ticks27M, Ticks90k};

/// 90 kHz ticks of a frame.
const FRAME: i64 = 3_600;

/// Frames that an encoder gets before the next takes its place, and all of them.
const TURN: i64 = 90;
const FRAMES: i64 = 450;

fn format() -> SessionFormat {
    let format = HouseFormat {
        width: 320,
        height: 180,
        fps_num: 25,
        fps_den: 1,
        video_bitrate_kbps: 800,
        audio_bitrate_kbps: 64,
        gop_frames: 50,
        mux_rate_kbps: None,
        preset: String::new(),
        audio_language: String::new(),
        encoder_threads: 0,
        cues: false,
    };
    SessionFormat::new(&format).unwrap()
}

struct Unit {
    stream: StreamIndex,
    pts: Ticks90k,
    dts: Ticks90k,
    random_access: bool,
    arrival: Option<CpbArrival>,
    data: Vec<u8>,
}

/// Noise, which takes all that the buffer has, and a still picture now and then.
fn picture(n: i64) -> Picture {
    let mut picture = Picture::black(320, 180).unwrap();
    if n % 200 >= 40 {
        let mut noise = n as u64;
        for byte in picture.plane_mut(0).unwrap().0 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = 16 + ((noise >> 56) * 200 / 256) as u8;
        }
    }
    picture
}

/// The pictures of encoders that follow one another, each opened by `open`, which is told since when the last picture's
/// last bit is there.
fn pictures(open: impl Fn(&SessionFormat, Option<Ticks27M>) -> VideoEncoder) -> Vec<Unit> {
    let format = format();
    let (mut units, mut since) = (Vec::new(), None);
    for turn in 0..FRAMES / TURN {
        let mut encoder = open(&format, since);
        let first = turn * TURN;
        let mut frames = first..first + TURN;
        loop {
            let unit = match frames.next() {
                Some(k) => match encoder.encode(&picture(k), FrameIndex(k), k == first).unwrap() {
                    Some(unit) => unit,
                    None => continue,
                },
                None => match encoder.flush().unwrap() {
                    Some(unit) => unit,
                    None => break,
                },
            };
            let (dts, arrival) = (Ticks90k(unit.dts.0 * FRAME), unit.arrival.expect("the buffer is kept to"));
            since = Some(arrival.final_before + Ticks90k(FRAME).to_27m());
            units.push(Unit {
                stream: StreamIndex(0),
                pts: Ticks90k(unit.pts.0 * FRAME),
                dts,
                random_access: unit.idr,
                arrival: Some(CpbArrival {
                    initial: dts.to_27m() - arrival.initial_before,
                    complete: dts.to_27m() - arrival.final_before,
                }),
                data: unit.data.to_vec(),
            });
        }
    }
    units
}

fn sound() -> Vec<Unit> {
    let mut encoder = AudioEncoder::open(64).unwrap();
    let (mut units, mut data) = (Vec::new(), Vec::new());
    for n in 0..FRAMES * FRAME / 1_920 {
        let pcm: Vec<i16> = (0..2_048).map(|k| (n * k * 97 % 6_000 - 3_000) as i16).collect();
        if encoder.encode(&pcm, &mut data).unwrap() {
            let at = Ticks90k(units.len() as i64 * 1_920);
            units.push(Unit {
                stream: StreamIndex(1),
                pts: at,
                dts: at,
                random_access: false,
                arrival: None,
                data: data.clone(),
            });
        }
    }
    units
}

/// The checker's report on what is muxed at a rate, and the pictures that were late.
fn muxed(units: &[Unit], rate: MuxRate) -> (Report, usize) {
    let mut config = format().multiplex("One");
    config.rate = rate;
    let mut muxer = Muxer::new(config).unwrap();
    let (mut analyser, mut late) = (Analyser::new(Options::default()), 0);
    let mut drain = |muxer: &mut Muxer| {
        let mut buffer = [0; 188 * 32];
        loop {
            match muxer.poll(&mut buffer) {
                Poll::Packets(run) => analyser.push(&buffer[..run.bytes()]),
                Poll::Event(_) => late += 1,
                _ => return,
            }
        }
    };
    for Unit { stream, pts, dts, random_access, arrival, data } in units {
        let (stream, random_access, arrival) = (*stream, *random_access, *arrival);
        loop {
            let unit = AccessUnit { stream, pts: *pts, dts: *dts, random_access, arrival, data };
            match muxer.push(unit) {
                Ok(()) => break,
                Err(PushError::Full { .. }) => drain(&mut muxer),
                Err(error) => panic!("{error}"),
            }
        }
    }
    muxer.finish();
    drain(&mut muxer);
    (analyser.finish(), late)
}

/// Pictures that begin to arrive before the one in front of them is there.
fn overlaps(pictures: &[Unit]) -> usize {
    let arrivals = pictures.iter().filter_map(|unit| unit.arrival).collect::<Vec<_>>();
    arrivals.windows(2).filter(|pair| pair[1].initial.0 + 2 < pair[0].complete.0).count()
}

#[test]
fn a_further_encoder_breaks_no_buffer() {
    let mut units = pictures(|format, since| match since {
        Some(since) => VideoEncoder::open_behind(&format.video(), since).unwrap(),
        None => VideoEncoder::open(&format.video()).unwrap(),
    });
    assert_eq!(overlaps(&units), 0);
    assert_eq!(units.len() as i64, FRAMES);
    units.extend(sound());
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    let smallest = format().multiplex("One").smallest_constant_bps();
    for rate in [MuxRate::Variable { peak_bps: None }, MuxRate::Constant { bps: smallest }] {
        let (report, late) = muxed(&units, rate);
        assert_eq!((report.broken().count(), late), (0, 0), "{rate:?}: {report}");
        let video = report.pids.iter().find_map(|pid| pid.stream.as_ref()).unwrap();
        assert_eq!((video.access_units as i64, video.late), (FRAMES, 0));
    }
}

/// Each with a buffer of its own claims time in which the pictures before still arrive.
#[test]
fn encoders_that_do_not_know_of_one_another_overlap() {
    let units = pictures(|format, _| VideoEncoder::open(&format.video()).unwrap());
    assert!(overlaps(&units) > 0);
}
