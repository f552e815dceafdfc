//! Other people's readers on our bytes: mpeg2ts-reader packet by packet, ffprobe and ffmpeg on a real
//! clip.

use crate::drive::{Output, mux};
use crate::elementary::{Programme, Unit};
use crate::reader;
use mpeg2ts_reader::packet::Packet;
use mpeg2ts_reader::pes::{PesContents, PesHeader, PtsDts};
use retrovue_mux::{MuxConfig, StreamConfig};
use std::path::Path;
use std::process::Command;

#[test]
fn mpeg2ts_reader_reads_the_same() {
    let programme = Programme { sound_tracks: 2, ..Programme::default() };
    let output = mux(programme.config(), &programme.units());
    let ours = reader::packets(&output);
    let mut units = reader::pes_packets(&ours).into_iter();
    for (bytes, ours) in output.bytes.chunks_exact(188).zip(&ours) {
        let theirs = Packet::try_new(bytes).expect("a sync byte");
        assert_eq!(u16::from(theirs.pid()), ours.pid);
        assert_eq!(theirs.payload_unit_start_indicator(), ours.start);
        assert_eq!(theirs.continuity_counter().count(), ours.counter);
        let field = theirs.adaptation_field();
        assert_eq!(field.as_ref().is_some_and(|field| field.random_access_indicator()), ours.random_access);
        let pcr = field.as_ref().and_then(|field| field.pcr().ok());
        assert_eq!(pcr.map(|pcr| pcr.base() as i64 * 300 + i64::from(pcr.extension())), ours.pcr);
        let payload = theirs.payload().unwrap_or_default();
        assert_eq!(payload, ours.payload);
        if reader::is_elementary(ours.pid) {
            if ours.start {
                let unit = units.next().expect("a unit for each start");
                let header = PesHeader::from_bytes(payload).expect("a PES header");
                let PesContents::Parsed(Some(contents)) = header.contents() else { panic!("no contents") };
                let (pts, dts) = match contents.pts_dts().expect("stamps") {
                    PtsDts::PtsOnly(Ok(pts)) => (pts, pts),
                    PtsDts::Both { pts: Ok(pts), dts: Ok(dts) } => (pts, dts),
                    other => panic!("{other:?}"),
                };
                assert_eq!((pts.value() as i64, dts.value() as i64), (unit.pts, unit.dts));
            }
        } else {
            let length = usize::from(payload[2] & 15) << 8 | usize::from(payload[3]);
            assert_eq!(mpeg2ts_reader::mpegts_crc::sum32(&payload[1..4 + length]), 0, "CRC-32");
        }
    }
}

/// Runs a program that must succeed without a word on its error output, and returns its output. That the
/// reader decodes no ID3 and no cues itself is no word of ours.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program is installed");
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<&str> =
        words.lines().filter(|line| !NOT_DECODED.iter().any(|start| line.starts_with(start))).collect();
    assert!(output.status.success() && words.is_empty(), "{command:?}: {words:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// AV_CODEC_ID_TIMED_ID3 and AV_CODEC_ID_SCTE_35.
const NOT_DECODED: [&str; 2] = ["Unsupported codec with id 98313 ", "Unsupported codec with id 98305 "];

const RATE: u64 = 2_000_000;

/// Six seconds of a moving test picture with B-pictures and a tone, as elementary streams with the
/// stamps ffprobe reports for them.
fn real_clip(folder: &Path) -> Vec<Unit> {
    // Encoded once for the bytes and once for the stamps: one thread makes the same pictures twice.
    let encode = |name: &str| {
        let file = folder.join(name);
        run(Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=6"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-threads", "1"])
            .args(["-x264-params", "nal-hrd=vbr:vbv-maxrate=2000:vbv-bufsize=1000:bitrate=1800:aud=1"])
            .args(["-video_track_timescale", "90000"])
            .arg(&file));
        file
    };
    let (source, h264) = (encode("clip.mp4"), encode("clip.h264"));
    let aac = folder.join("clip.aac");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:r=48000:d=6", "-ac", "2"])
        .args(["-c:a", "aac", "-b:a", "160k"])
        .arg(&aac));
    let stamps = run(Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts,dts,flags",
            "-of",
            "csv=p=0",
        ])
        .arg(&source));

    let pictures = std::fs::read(&h264).unwrap();
    let starts: Vec<usize> = (0..pictures.len() - 5)
        .filter(|&at| pictures[at..at + 4] == [0, 0, 0, 1] && pictures[at + 4] & 0x1F == 9)
        .chain([pictures.len()])
        .collect();
    let mut units: Vec<Unit> = starts
        .windows(2)
        .zip(stamps.lines())
        .map(|(range, line)| {
            let mut fields = line.split(',');
            let mut number = || fields.next().and_then(|field| field.parse::<i64>().ok()).expect("a stamp");
            let (pts, dts) = (number(), number());
            let data = pictures[range[0]..range[1]].to_vec();
            Unit { stream: 0, pts, dts, random_access: line.contains('K'), arrival: None, data }
        })
        .collect();
    assert_eq!(units.len(), 180);
    let sound = std::fs::read(&aac).unwrap();
    let (mut at, mut n) = (0, 0);
    while at < sound.len() {
        let frame = &sound[at..];
        let size = usize::from(frame[3] & 3) << 11 | usize::from(frame[4]) << 3 | usize::from(frame[5]) >> 5;
        let stamp = n * 1920;
        let data = frame[..size].to_vec();
        units.push(Unit { stream: 1, pts: stamp, dts: stamp, random_access: true, arrival: None, data });
        (at, n) = (at + size, n + 1);
    }
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    units
}

#[test]
fn a_real_clip_plays_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let units = real_clip(folder.path());
    let streams =
        vec![StreamConfig::h264(RATE, RATE / 2), StreamConfig::aac_adts(160_000).with_language(*b"eng")];
    let output: Output = mux(MuxConfig::new("Caf\u{e9} Eins", streams), &units);
    assert_eq!(output.events, []);
    let buffer = (RATE / 8) as i64;
    let figures = reader::check(&output, (RATE * 6 / 5) as i64, buffer);
    println!("departures: {figures:?}");
    println!("interpolated: {:?}", reader::check_interpolated(&output, (RATE * 6 / 5) as i64, buffer));

    let file = folder.path().join("out.ts");
    std::fs::write(&file, &output.bytes).unwrap();
    run(Command::new("ffmpeg").args(["-v", "warning", "-xerror", "-i"]).arg(&file).args(["-f", "null", "-"]));
    let stamps = run(Command::new("ffprobe")
        .args(["-v", "warning", "-show_entries", "packet=stream_index,pts,dts", "-of", "csv=p=0"])
        .arg(&file));
    for stream in 0..2 {
        let mut theirs: Vec<(i64, i64)> = stamps
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(',').map(|field| field.parse::<i64>());
                let (index, pts, dts) = (fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?);
                (index == stream).then_some((pts, dts))
            })
            .collect();
        theirs.sort_unstable_by_key(|&(_, dts)| dts);
        let ours = units.iter().filter(|unit| unit.stream == stream as usize);
        // ffprobe unwraps a stream that begins before zero by starting one wrap up.
        let offset = if theirs[0].1 > 1 << 32 { 1 << 33 } else { 0 };
        let ours: Vec<(i64, i64)> = ours.map(|unit| (unit.pts + offset, unit.dts + offset)).collect();
        assert_eq!(theirs, ours, "stream {stream}");
    }
    let described = run(Command::new("ffprobe")
        .args([
            "-v",
            "warning",
            "-show_entries",
            "program_tags:stream=codec_name,id:stream_tags=language",
            "-of",
            "flat",
        ])
        .arg(&file));
    for expected in [
        "service_name=\"Caf\u{e9} Eins\"",
        "service_provider=\"RetroVue\"",
        "codec_name=\"h264\"",
        "codec_name=\"aac\"",
        "language=\"eng\"",
    ] {
        assert!(described.contains(expected), "{expected} in {described}");
    }
}
