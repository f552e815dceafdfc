//! Real clips muxed here, judged by the checker, with which the muxer shares no code.

use crate::drive::{Output, mux};
use crate::elementary::Unit;
use crate::foreign::run;
use crate::foreign_kinds::{RATE, cut, pictures, start_codes};
use crate::hrd::Hrd;
use crate::kinds::AV1;
use crate::reader::{self, Decoder, Decoders};
use mpeg2ts_reader::packet::Packet;
use mpeg2ts_reader::pes::{PesContents, PesHeader};
use retrovue_analyser::{Analyser, Coding, Options, Report, StreamReport};
use retrovue_mux::{MuxConfig, MuxRate, StreamConfig};
use std::process::Command;

/// What came out at a variable and at the smallest constant rate, and the reports on both, in which no rule is broken.
fn checked(stream: StreamConfig, units: &[Unit]) -> [(Output, Report); 2] {
    let mut config = MuxConfig::new("Retro One", vec![stream]);
    let rates = [config.rate, MuxRate::Constant { bps: config.smallest_constant_bps() }];
    rates.map(|rate| {
        config.rate = rate;
        let output = mux(config.clone(), units);
        assert_eq!(output.events, []);
        let mut analyser = Analyser::new(Options::default());
        analyser.push(&output.bytes);
        let report = analyser.finish();
        assert_eq!(report.broken().count(), 0, "{report}");
        (output, report)
    })
}

fn told(report: &Report) -> &StreamReport {
    report.pids.iter().find_map(|pid| pid.stream.as_ref()).expect("pictures")
}

/// Pictures of x265 with the HRD that it declares, and the arrivals that follow from it: its buffer is full to nine
/// tenths at first.
#[test]
fn hevc_keeps_to_its_own_hrd() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = "log-level=error:bframes=0:keyint=25:vbv-maxrate=2000:vbv-bufsize=1000:hrd=1:aud=1:repeat-headers=1:level-idc=31:no-high-tier=1";
    let options = ["-c:v", "libx265", "-preset", "ultrafast", "-b:v", "2000k", "-x265-params", parameters];
    let bytes = pictures(folder.path(), "clip.hevc", &options);
    let at = start_codes(&bytes, |nal| nal[0] >> 1 == 35);
    let is_point = |data: &[u8]| !start_codes(data, |nal| (16..24).contains(&(nal[0] >> 1))).is_empty();
    let mut units = cut(0, &bytes, at, 3_600, is_point);
    let peaks = [false, true].map(|arrivals| {
        let mut hrd = Hrd::new(RATE, RATE / 2, RATE / 2 * 9 / 10);
        for unit in &mut units {
            unit.arrival = arrivals.then(|| hrd.arrival(unit.dts, unit.data.len()));
        }
        checked(StreamConfig::hevc(RATE, RATE / 2), &units).map(|(_, report)| {
            let stream = told(&report);
            assert_eq!((stream.coding, stream.access_units, stream.late), (Coding::Hevc, 75, 0));
            let (rx, mb, eb) = (stream.rx.unwrap(), stream.mb.unwrap(), stream.eb.unwrap());
            assert_eq!((rx, eb.limit), (RATE as i64 * 11 / 10, RATE as i64 / 16));
            (mb.peak, eb.peak)
        })
    });
    // What waits in front of the decoder's buffer is what the stream is ahead of its HRD, and no more.
    for ((waiting, full), (kept, peak)) in peaks[0].into_iter().zip(peaks[1]) {
        assert!(kept < waiting / 2 && peak <= full, "{peaks:?}");
    }
}

/// An OBU: its bytes, type and payload.
struct Obu<'a> {
    bytes: &'a [u8],
    kind: u8,
}

/// The OBUs of a low overhead bitstream (AV1 §5.2): each tells its size.
fn obus(mut stream: &[u8]) -> Vec<Obu<'_>> {
    let mut found = Vec::new();
    while let [header, ..] = stream {
        let begins = 1 + usize::from(header >> 2 & 1);
        assert_eq!(header & 0x83, 2, "an OBU with its size");
        let (mut size, mut length) = (0, begins);
        loop {
            let byte = stream[length];
            size |= usize::from(byte & 0x7F) << (7 * (length - begins));
            length += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (bytes, rest) = stream.split_at(length + size);
        found.push(Obu { bytes, kind: header >> 3 & 15 });
        stream = rest;
    }
    found
}

/// An OBU as in transport streams: a start code, and nothing that looks like one behind it.
fn with_start_code(obu: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (vec![0, 0, 1], 0);
    for &byte in obu {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The low overhead bitstream in a unit of a transport stream.
fn without_start_codes(unit: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::new(), 0);
    for (at, &byte) in unit.iter().enumerate() {
        let is_code = unit[at..].starts_with(&[0, 0, 1]) || at > 0 && unit[at - 1..].starts_with(&[0, 0, 1]);
        if is_code || at > 1 && unit[at - 2..].starts_with(&[0, 0, 1]) || zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

const TEMPORAL_DELIMITER: u8 = 2;
const SEQUENCE_HEADER: u8 = 1;

/// Three seconds of AV1: the checker finds nothing, mpeg2ts-reader takes the packets apart, and FFmpeg decodes what is in
/// them to the same pictures as the file. (FFmpeg before 6.1 knows no AV1 in transport streams itself.)
#[test]
fn real_av1_comes_out_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-b:v", "1000k", "-g", "25"];
    let bytes = pictures(folder.path(), "clip.obu", &options);
    let all = obus(&bytes);
    let units: Vec<Unit> = all
        .chunk_by(|_, next| next.kind != TEMPORAL_DELIMITER)
        .zip(0..)
        .map(|(obus, n)| Unit {
            stream: 0,
            pts: n * 3_600,
            dts: n * 3_600,
            random_access: obus.iter().any(|obu| obu.kind == SEQUENCE_HEADER),
            arrival: None,
            data: obus.iter().flat_map(|obu| with_start_code(obu.bytes)).collect(),
        })
        .collect();
    assert_eq!(units.len(), 75);
    assert!(units.iter().filter(|unit| unit.random_access).count() >= 3);
    let escaped = units.iter().filter(|unit| unit.data.windows(3).any(|bytes| bytes == [0, 0, 3])).count();
    assert!(escaped > 0, "bytes were put in");
    let pictures_of = |name: &str| {
        let arguments = ["-v", "error", "-f", "obu", "-i"];
        let mut command = Command::new("ffmpeg");
        run(command.args(arguments).arg(folder.path().join(name)).args(["-f", "framemd5", "-"]))
    };
    for (output, report) in checked(StreamConfig::av1(RATE, RATE / 2, AV1), &units) {
        // The checker has no buffers for AV1; those of the carriage's §3.7 are judged here.
        let pid = report.pids.iter().find(|pid| pid.pid == 0x100).expect("pictures");
        assert_eq!(pid.stream.as_ref().map(|stream| stream.coding), Some(Coding::Other));
        let buffer = (RATE / 16) as i64 + 60_000;
        let decoder = Decoder { early: 0, ..Decoder::pictures((RATE * 11 / 10) as i64, buffer) };
        reader::check_decoders(&output, &Decoders::from([(0x100, decoder)]));
        let again: Vec<u8> =
            payloads(&output.bytes).iter().flat_map(|unit| without_start_codes(unit)).collect();
        assert!(again == bytes, "{} bytes of {}", again.len(), bytes.len());
        std::fs::write(folder.path().join("again.obu"), again).unwrap();
        let told = pictures_of("again.obu");
        assert_eq!(told.lines().filter(|line| line.starts_with("0,")).count(), 75, "{told}");
        assert_eq!(told, pictures_of("clip.obu"));
    }
}

/// What PES packets of the pictures hold, as mpeg2ts-reader reads packets and headers.
fn payloads(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    for bytes in stream.chunks_exact(188) {
        let packet = Packet::try_new(bytes).expect("a packet");
        let Some(payload) = packet.payload().filter(|_| u16::from(packet.pid()) == 0x100) else { continue };
        if packet.payload_unit_start_indicator() {
            let header = PesHeader::from_bytes(payload).expect("a PES header");
            let PesContents::Parsed(Some(contents)) = header.contents() else { panic!("no stamps") };
            units.push(contents.payload().to_vec());
        } else if let Some(unit) = units.last_mut() {
            unit.extend_from_slice(payload);
        }
    }
    units
}
