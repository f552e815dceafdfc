//! When pictures enter the encoder's buffer, against the formulas of ISO/IEC 14496-10 §C.1.1 with the delays that
//! the stream itself tells, as FFmpeg reads them.

use retrovue_codec::{CpbArrival, EncodedPicture, Picture, VideoEncoder, VideoEncoderConfig};
use retrovue_timebase::{FrameIndex, FrameRate, Ticks27M};
use std::process::Command;

const SIZE: (u32, u32) = (320, 180);
/// Ticks of a frame at 30000/1001.
const FRAME: i64 = 900_900;
const RATE: i64 = 640_000;
const BUFFER: i64 = 320_000;
/// Rounding: of x264's seconds, of the delays in 90 kHz and of what is compared.
const TOLERANCE: i64 = 2;

fn config(declared_buffer_kbits: u32) -> VideoEncoderConfig<'static> {
    VideoEncoderConfig {
        width: SIZE.0,
        height: SIZE.1,
        rate: FrameRate::new(30_000, 1001).unwrap(),
        bitrate_kbps: 500,
        peak_kbps: (RATE / 1000) as u32,
        vbv_buffer_kbits: (BUFFER / 1000) as u32,
        declared_buffer_kbits,
        gop_frames: 40,
        preset: "veryfast",
        threads: 1,
    }
}

/// Black, in which the buffer fills up; noise, which empties it; something between.
fn picture(n: i64) -> Picture {
    let mut picture = Picture::black(SIZE.0, SIZE.1).unwrap();
    let strength = match n % 150 {
        0..60 => return picture,
        60..100 => 255,
        _ => 12,
    };
    let mut noise = n as u64;
    for plane in 0..3 {
        for byte in picture.plane_mut(plane).unwrap().0 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = 16 + ((noise >> 56) * strength / 300) as u8;
        }
    }
    picture
}

struct Unit {
    data: Vec<u8>,
    dts: i64,
    idr: bool,
    arrival: Option<CpbArrival>,
}

fn keep(units: &mut Vec<Unit>, unit: EncodedPicture<'_>) {
    units.push(Unit { data: unit.data.to_vec(), dts: unit.dts.0, idr: unit.idr, arrival: unit.arrival });
}

fn encode(mut encoder: VideoEncoder, frames: std::ops::Range<i64>) -> Vec<Unit> {
    let mut units = Vec::new();
    for k in frames {
        if let Some(unit) = encoder.encode(&picture(k), FrameIndex(k), k % 150 == 70).unwrap() {
            keep(&mut units, unit);
        }
    }
    while let Some(unit) = encoder.flush().unwrap() {
        keep(&mut units, unit);
    }
    units
}

/// What FFmpeg reads of each picture: `cpb_removal_delay`, and at the first of a buffering period
/// `initial_cpb_removal_delay` and its offset.
fn told(units: &[Unit]) -> Vec<(i64, Option<(i64, i64)>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.h264");
    std::fs::write(&path, units.iter().flat_map(|unit| unit.data.clone()).collect::<Vec<u8>>()).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-i"])
        .arg(&path)
        .args(["-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"])
        .output()
        .unwrap();
    let trace = String::from_utf8_lossy(&output.stderr).into_owned();
    let (mut pictures, mut delay, mut offset) = (Vec::new(), None, None);
    // What stands before the first buffering period is a reading ahead.
    for line in trace.lines().skip_while(|line| !line.ends_with("Buffering Period")) {
        let value = || line.rsplit(" = ").next().and_then(|value| value.trim().parse::<i64>().ok());
        if line.contains(" initial_cpb_removal_delay[0] ") {
            delay = value();
        } else if line.contains(" initial_cpb_removal_delay_offset[0] ") {
            offset = value();
        } else if line.contains(" cpb_removal_delay ") {
            pictures.push((value().unwrap(), delay.take().zip(offset.take())));
        }
    }
    pictures
}

fn is_near(one: i64, other: i64) -> bool {
    (one - other).abs() <= TOLERANCE
}

#[test]
fn arrivals_are_those_of_the_standards_formulas() {
    let units = encode(VideoEncoder::open(&config(320)).unwrap(), 1_000_000..1_000_450);
    let told = told(&units);
    assert_eq!(told.len(), units.len());
    let (mut period_begin, mut delays) = (0, (0, 0));
    let mut complete = i64::MIN;
    let (mut paused, mut nearly_empty, mut periods) = (0, 0, 0);
    for (n, (unit, &(removal_delay, period))) in units.iter().zip(&told).enumerate() {
        // Equations C-7 and C-8; a clock tick is half a frame.
        let removal = match n {
            0 => unit.dts * FRAME,
            _ => period_begin + removal_delay * FRAME / 2,
        };
        assert_eq!(removal, unit.dts * FRAME, "picture {n} is removed at its DTS");
        assert_eq!(period.is_some(), unit.idr);
        if let Some(period) = period {
            (delays, period_begin, periods) = (period, removal, periods + 1);
        }
        // C.1.1: a buffering period begins to arrive without regard to the offset.
        let (delay, offset) = delays;
        let wait = 300 * if unit.idr { delay } else { delay + offset };
        let initial = complete.max(removal - wait);
        let arrival = unit.arrival.expect("the buffer was kept to");
        assert!(is_near(removal - arrival.initial_before.0, initial), "picture {n}: {arrival:?}, {initial}");
        // C-6. x264 counts its version message too, which the first unit is without.
        let sent = arrival.initial_before.0 - arrival.final_before.0;
        let bits = 8 * unit.data.len() as i64;
        match n {
            0 => assert!(sent > bits * 27_000_000 / RATE),
            _ => assert!(is_near(sent, bits * 27_000_000 / RATE), "picture {n}: {arrival:?}, {bits} bits"),
        }
        paused += u32::from(n > 0 && initial > complete + TOLERANCE);
        let full = BUFFER * 27_000_000 / RATE;
        nearly_empty += u32::from(arrival.final_before.0 < full / 5);
        complete = removal - arrival.final_before.0;
    }
    assert!(paused > 50, "{paused} pauses: the buffer is full in black");
    assert!(nearly_empty > 5, "{nearly_empty} pictures arrive hardly before their removal");
    assert!(periods > 10);
}

/// A larger buffer told to decoders is not the one that the encoder keeps to.
#[test]
fn a_larger_declared_buffer_changes_no_arrival() {
    let arrivals = |declared| {
        let units = encode(VideoEncoder::open(&config(declared)).unwrap(), 0..120);
        units.iter().map(|unit| unit.arrival).collect::<Vec<_>>()
    };
    assert_eq!(arrivals(320), arrivals(480));
}

/// Encoders one behind the other keep to one buffer: nothing arrives while the pictures before it do.
#[test]
fn a_further_encoder_goes_on_with_the_buffer() {
    for (end, is_emptier) in [(50, false), (95, true)] {
        let first = encode(VideoEncoder::open(&config(320)).unwrap(), 0..end);
        let last = first.last().unwrap();
        let since = Ticks27M(FRAME + last.arrival.unwrap().final_before.0);
        let next = encode(VideoEncoder::open_behind(&config(320), since).unwrap(), end..end + 60);
        assert_eq!(next[0].dts, last.dts + 1);
        let begins = next[0].arrival.unwrap().initial_before;
        assert!(begins <= since, "{begins} after {since}");
        // Full at most, in thousandths of the buffer and 90 kHz.
        let full = BUFFER * 27_000_000 / RATE;
        assert!(begins.0 + full / 1000 + 300 >= since.0.min(full), "{begins} after {since}");
        let fresh = encode(VideoEncoder::open(&config(320)).unwrap(), end..end + 1);
        assert_eq!(begins < fresh[0].arrival.unwrap().initial_before, is_emptier, "{begins}");
        assert!(next.iter().all(|unit| unit.arrival.is_some()));
    }
}
