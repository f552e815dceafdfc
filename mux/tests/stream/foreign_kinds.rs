//! Real clips of every kind that ffmpeg encodes, muxed here and read back by ffprobe and ffmpeg without a
//! word.

use crate::cues;
use crate::drive::{Output, drain, mux, push};
use crate::elementary::Unit;
use crate::foreign::run;
use crate::kinds::{AV1, PAGE, SUBTITLING};
use retrovue_mux::si::Ac3Signalling;
use retrovue_mux::splice::SpliceTime;
use retrovue_mux::{MuxConfig, MuxRate, Muxer, Pid, StreamConfig};
use retrovue_timebase::Ticks90k;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const RATE: u64 = 2_000_000;

/// Three seconds of moving pictures, without reordering, encoded with these options.
pub(crate) fn pictures(folder: &Path, name: &str, options: &[&str]) -> Vec<u8> {
    encode(folder, name, &["-i", "testsrc2=s=320x180:r=25:d=3"], options)
}

/// Three seconds of a tone.
fn tone(folder: &Path, name: &str, options: &[&str]) -> Vec<u8> {
    encode(folder, name, &["-i", "sine=frequency=440:r=48000:d=3", "-ac", "2"], options)
}

fn encode(folder: &Path, name: &str, source: &[&str], options: &[&str]) -> Vec<u8> {
    let file = folder.join(name);
    run(Command::new("ffmpeg").args(["-v", "error", "-f", "lavfi"]).args(source).args(options).arg(&file));
    std::fs::read(file).unwrap()
}

/// Positions of `found` start codes in a byte stream, from the zero in front where there is one.
pub(crate) fn start_codes(bytes: &[u8], found: impl Fn(&[u8]) -> bool) -> Vec<usize> {
    (0..bytes.len() - 5)
        .filter(|&at| bytes[at..at + 3] == [0, 0, 1] && found(&bytes[at + 3..]))
        .map(|at| if at > 0 && bytes[at - 1] == 0 { at - 1 } else { at })
        .collect()
}

/// A unit from each of these positions to the next, `ticks` apart.
pub(crate) fn cut(
    stream: usize,
    bytes: &[u8],
    mut at: Vec<usize>,
    ticks: i64,
    is_point: impl Fn(&[u8]) -> bool,
) -> Vec<Unit> {
    at.push(bytes.len());
    let units = at.windows(2).zip(0..).map(|(range, n)| {
        let data = bytes[range[0]..range[1]].to_vec();
        Unit { stream, pts: n * ticks, dts: n * ticks, random_access: is_point(&data), arrival: None, data }
    });
    units.collect()
}

/// Frames of sound, whose sizes their beginnings tell.
fn frames(stream: usize, bytes: &[u8], ticks: i64, size: impl Fn(&[u8]) -> usize) -> Vec<Unit> {
    let (mut at, mut begins) = (0, Vec::new());
    while at < bytes.len() {
        begins.push(at);
        at += size(&bytes[at..]);
    }
    assert_eq!(at, bytes.len(), "whole frames");
    cut(stream, bytes, begins, ticks, |_| true)
}

fn enhanced_size(frame: &[u8]) -> usize {
    ((usize::from(frame[2] & 7) << 8 | usize::from(frame[3])) + 1) * 2
}

/// Of frames of one size and rate: what is between the first two sync words.
fn even_size(sync: [u8; 2]) -> impl Fn(&[u8]) -> usize {
    move |frame| (100..frame.len()).find(|&at| frame[at..].starts_with(&sync)).unwrap_or(frame.len())
}

/// Muxes at both rates, has ffmpeg decode each without a warning, and returns what ffprobe tells.
fn read_back(folder: &Path, streams: Vec<StreamConfig>, mut units: Vec<Unit>, decodes: bool) -> String {
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    let mut config = MuxConfig::new("Retro One", streams);
    let mut told = String::new();
    for constant in [false, true] {
        if constant {
            config.rate = MuxRate::Constant { bps: config.smallest_constant_bps() };
        }
        let output = mux(config.clone(), &units);
        assert_eq!(output.events, []);
        told = told_of(folder, &output, decodes);
    }
    told
}

fn told_of(folder: &Path, output: &Output, decodes: bool) -> String {
    let file: PathBuf = folder.join("out.ts");
    std::fs::write(&file, &output.bytes).unwrap();
    if decodes {
        let arguments = ["-v", "warning", "-xerror", "-i"];
        run(Command::new("ffmpeg").args(arguments).arg(&file).args(["-map", "0", "-f", "null", "-"]));
    }
    let entries = "stream=codec_name,id,nb_read_packets:stream_tags=language";
    let arguments = ["-v", "warning", "-count_packets", "-show_entries", entries, "-of", "flat"];
    run(Command::new("ffprobe").args(arguments).arg(&file))
}

fn expect(told: &str, expected: &[(usize, &str, usize)]) {
    for (stream, codec, packets) in expected {
        for line in [
            format!("streams.stream.{stream}.codec_name=\"{codec}\""),
            format!("streams.stream.{stream}.nb_read_packets=\"{packets}\""),
        ] {
            assert!(told.contains(&line), "{line} in {told}");
        }
    }
}

#[test]
fn hevc_with_layer_ii() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = "x265-params=log-level=error:bframes=0:keyint=25:vbv-maxrate=2000:vbv-bufsize=1000:aud=1:repeat-headers=1";
    let (_, parameters) = parameters.split_once('=').unwrap();
    let options = ["-c:v", "libx265", "-preset", "ultrafast", "-b:v", "1500k", "-x265-params", parameters];
    let bytes = pictures(folder.path(), "clip.hevc", &options);
    // Cut at delimiters. A point holds an IRAP picture of type 16 to 23.
    let at = start_codes(&bytes, |nal| nal[0] >> 1 == 35);
    let is_point = |data: &[u8]| !start_codes(data, |nal| (16..24).contains(&(nal[0] >> 1))).is_empty();
    let mut units = cut(0, &bytes, at, 3_600, is_point);
    assert_eq!(units.len(), 75);
    assert!(units.iter().filter(|unit| unit.random_access).count() >= 3);
    // Every other without its delimiter, which the muxer puts back.
    units.iter_mut().step_by(2).for_each(|unit| drop(unit.data.drain(..7)));
    let sound = tone(folder.path(), "clip.mp2", &["-c:a", "mp2", "-b:a", "192k"]);
    let frames = frames(1, &sound, 2_160, even_size([0xFF, 0xFD]));
    let count = frames.len();
    units.extend(frames);
    let streams =
        vec![StreamConfig::hevc(RATE, RATE / 2), StreamConfig::mpeg_layer_2(192_000).with_language(*b"deu")];
    let told = read_back(folder.path(), streams, units, true);
    expect(&told, &[(0, "hevc", 75), (1, "mp2", count)]);
    assert!(told.contains("language=\"deu\""));
}

#[test]
fn mpeg2_video_with_ac3_of_both_signallings() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        ["-c:v", "mpeg2video", "-b:v", "1500k", "-maxrate", "2000k", "-bufsize", "1000k", "-g", "25"];
    let bytes = pictures(folder.path(), "clip.m2v", &options);
    // A unit begins with the sequence header or the picture that no header stands before.
    let (mut at, mut is_open) = (Vec::new(), false);
    for position in start_codes(&bytes, |code| matches!(code[0], 0xB3 | 0xB8 | 0x00)) {
        let zero = usize::from(bytes[position + 2] == 0);
        if !is_open {
            at.push(position);
        }
        is_open = bytes[position + 3 + zero] != 0x00;
    }
    let mut units = cut(0, &bytes, at, 3_600, |data| data[..5].contains(&0xB3));
    assert_eq!(units.len(), 75);
    let sound = tone(folder.path(), "clip.ac3", &["-c:a", "ac3", "-b:a", "448k"]);
    let (european, american) = (frames(1, &sound, 2_880, |_| 1_792), frames(2, &sound, 2_880, |_| 1_792));
    let count = european.len();
    units.extend(european.into_iter().chain(american));
    let streams = vec![
        StreamConfig::mpeg2_video(RATE, RATE / 2),
        StreamConfig::ac3(Ac3Signalling::Dvb, 448_000).with_language(*b"deu"),
        StreamConfig::ac3(Ac3Signalling::Atsc, 448_000).on_pid(Pid::new(0x102)),
    ];
    let told = read_back(folder.path(), streams, units, true);
    expect(&told, &[(0, "mpeg2video", 75), (1, "ac3", count), (2, "ac3", count)]);
}

#[test]
fn enhanced_ac3_of_both_signallings() {
    let folder = tempfile::tempdir().unwrap();
    let sound = tone(folder.path(), "clip.eac3", &["-c:a", "eac3", "-b:a", "384k"]);
    let (european, american) =
        (frames(0, &sound, 2_880, enhanced_size), frames(1, &sound, 2_880, enhanced_size));
    let count = european.len();
    let units = european.into_iter().chain(american).collect();
    let streams = vec![
        StreamConfig::enhanced_ac3(Ac3Signalling::Dvb, 384_000),
        StreamConfig::enhanced_ac3(Ac3Signalling::Atsc, 384_000).on_pid(Pid::new(0x102)),
    ];
    let told = read_back(folder.path(), streams, units, true);
    expect(&told, &[(0, "eac3", count), (1, "eac3", count)]);
}

/// Subtitles of ffmpeg's encoder, taken from its own transport stream; teletext, ID3 and cues as they are
/// made up, which ffprobe names.
#[test]
fn subtitles_teletext_id3_and_cues() {
    let folder = tempfile::tempdir().unwrap();
    let sound = tone(folder.path(), "clip.ac3", &["-c:a", "ac3", "-b:a", "192k"]);
    let mut units = frames(0, &sound, 2_880, |_| 768);
    let count = units.len();
    let fields = dvb_subtitles(folder.path());
    assert!(fields.len() >= 2, "{} PES packets", fields.len());
    let longest = fields.iter().map(|(_, data)| data.len()).max().unwrap();
    let captions = fields.len();
    units.extend(fields.into_iter().map(|(at, data)| Unit {
        stream: 1,
        pts: at,
        dts: at,
        random_access: true,
        arrival: None,
        data,
    }));
    let kind = |kind| crate::kinds::Track { kind, size: 3, seed: 1 };
    let teletext = kind(crate::kinds::Kind::Teletext);
    units.extend(teletext.units(2));
    units.extend((0..3).map(|n| {
        // A tag with a TXXX frame: "a" and "b".
        let frame = b"TXXX\x00\x00\x00\x04\x00\x00\x03a\x00b";
        let mut data = b"ID3\x04\x00\x00\x00\x00\x00\x0E".to_vec();
        data.extend_from_slice(frame);
        Unit { stream: 3, pts: n * 90_000, dts: n * 90_000, random_access: true, arrival: None, data }
    }));
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    let streams = vec![
        StreamConfig::ac3(Ac3Signalling::Dvb, 192_000),
        StreamConfig::dvb_subtitles(Pid::new(0x102), 150_000, longest, SUBTITLING),
        StreamConfig::teletext(Pid::new(0x103), 3, PAGE),
        StreamConfig::id3(Pid::new(0x104), 20_000, 500),
    ];
    let mut config = cues::with_cues(MuxConfig::new("Retro One", streams), Some(1));
    config.streams[2] = teletext.config(0x103);
    let mut muxer = Muxer::new(config).unwrap();
    muxer.cue(&cues::out(1, SpliceTime::At(Ticks90k(500_000)))).unwrap();
    let mut output = Output::default();
    for unit in &units {
        push(&mut muxer, unit, &mut output);
    }
    muxer.finish();
    drain(&mut muxer, &mut [0; 188 * 7], &mut output);
    assert_eq!(output.events, []);
    let told = told_of(folder.path(), &output, false);
    let teletext = units.iter().filter(|unit| unit.stream == 2).count();
    expect(
        &told,
        &[
            (0, "ac3", count),
            (1, "dvb_subtitle", captions),
            (2, "dvb_teletext", teletext),
            (3, "timed_id3", 3),
        ],
    );
    assert!(told.contains("streams.stream.4.codec_name=\"scte_35\""), "{told}");
}

/// A caption of 32 by 8 dots of one colour at `at`, or none, as segments of presentation graphics.
fn graphics(at: u32, is_shown: bool) -> Vec<u8> {
    let line = [0x00, 0x80 | 32, 0x01, 0x00, 0x00];
    let object = [&[0, 0, 0, 0xC0, 0, 0, 44, 0, 32, 0, 8][..], &line.repeat(8)].concat();
    let mut composition = vec![2, 0xD0, 2, 0x40, 0x10, 0, 0, 0x80, 0, 0, u8::from(is_shown)];
    if is_shown {
        composition.extend([0, 0, 0, 0, 0, 64, 0, 64]);
    }
    let mut segments = vec![(0x16, composition), (0x17, vec![1, 0, 0, 64, 0, 64, 0, 32, 0, 8])];
    if is_shown {
        segments.extend([(0x14, vec![0, 0, 1, 0xEB, 0x80, 0x80, 0xFF]), (0x15, object)]);
    }
    segments.push((0x80, vec![]));
    let mut bytes = Vec::new();
    for (kind, data) in segments {
        bytes.extend(b"PG");
        bytes.extend(at.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.push(kind);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

/// PES data fields as ffmpeg encodes three captions, half a second apart.
fn dvb_subtitles(folder: &Path) -> Vec<(i64, Vec<u8>)> {
    let (graphic, source) = (folder.join("captions.sup"), folder.join("captions.ts"));
    let captions = (0..3)
        .flat_map(|n| [graphics(45_000 + n * 60_000, true), graphics(75_000 + n * 60_000, false)].concat());
    std::fs::write(&graphic, captions.collect::<Vec<u8>>()).unwrap();
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&graphic)
        .args(["-c:s", "dvbsub", "-muxdelay", "0", "-muxpreload", "0"])
        .arg(&source));
    let mut fields = Vec::new();
    let bytes = std::fs::read(&source).unwrap();
    let mut open: Option<Vec<u8>> = None;
    let close = |pes: Option<Vec<u8>>, fields: &mut Vec<(i64, Vec<u8>)>| {
        let Some(pes) = pes else { return };
        let size = usize::from(pes[4]) << 8 | usize::from(pes[5]);
        let header = 9 + usize::from(pes[8]);
        fields.push((9_000 + fields.len() as i64 * 45_000, pes[header..6 + size].to_vec()));
    };
    for packet in bytes.chunks_exact(188).filter(|p| p[1] & 0x1F == 1 && p[2] == 0) {
        let body = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        if packet[1] & 0x40 != 0 {
            close(open.take(), &mut fields);
            open = Some(Vec::new());
        }
        open.as_mut().unwrap().extend_from_slice(&packet[body..]);
    }
    close(open, &mut fields);
    fields
}

/// AV1 in start codes: the map tells of it, and another reader's packets are whole. (The reader here knows no
/// AV1 in transport streams.)
#[test]
fn av1_is_announced() {
    let config = MuxConfig::new("Retro One", vec![StreamConfig::av1(RATE, RATE / 2, AV1)]);
    let track = crate::kinds::Track { kind: crate::kinds::Kind::Av1, size: 3, seed: 1 };
    let output = mux(config, &track.units(0));
    let seen = crate::reader::packets(&output);
    let map = crate::reader::sections(&seen, 0x1000).remove(0).2;
    let expected =
        [&[0x06, 0xE1, 0, 0xF0, 17, 5, 4][..], b"AV01", &[0x80, 4, 0x81, 0x08, 0x0C, 0xC0]].concat();
    assert!(map.windows(expected.len()).any(|bytes| bytes == expected), "{map:x?}");
    let points: Vec<_> = seen.iter().filter(|packet| packet.random_access).collect();
    assert!(points.len() > 1 && points.iter().all(|packet| packet.priority));
    assert!(crate::reader::pes_packets(&seen).iter().all(|pes| pes.stream_id == 0xBD));
}
