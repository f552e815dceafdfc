//! Streams that FFmpeg makes: what is read of them is what FFmpeg put in, and what it is known to do wrong is
//! found.

use crate::check_with;
use retrovue_analyser::{Coding, Dump, Lines, Options, Report, Rule, Verdict};
use std::process::Command;

/// Five seconds of a moving picture at 25 frames a second, and a tone.
fn made(arguments: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made.ts");
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25,noise=alls=20:allf=t"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "5", "-ac", "2"])
        .args(arguments.split_whitespace())
        .args(["-f", "mpegts"])
        .arg(&file)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success());
    std::fs::read(file).expect("a file")
}

fn report(stream: &[u8]) -> Report {
    let report = check_with(stream, Options { plot: true, ..Options::default() });
    let syntax = [
        Rule::SyncLoss,
        Rule::SyncByte,
        Rule::Pat,
        Rule::Continuity,
        Rule::Pmt,
        Rule::PidMissing,
        Rule::TransportError,
        Rule::Crc,
        Rule::PcrRepetition,
        Rule::PcrDiscontinuity,
        Rule::Pts,
        Rule::Unreferenced,
        Rule::Sdt,
        Rule::DtsOrder,
        Rule::PtsBeforeDts,
        Rule::RandomAccessPcr,
        Rule::PesLength,
        Rule::PesUnbounded,
        Rule::PesSyntax,
        Rule::PacketSyntax,
        Rule::SectionSyntax,
    ];
    for rule in syntax {
        assert_eq!(report.rule(rule).verdict, Verdict::Pass, "{report}");
    }
    report
}

/// Coding, access units and drain of TB of the graded streams.
fn streams(report: &Report) -> Vec<(Coding, u64, i64)> {
    let streams = report.pids.iter().filter_map(|pid| pid.stream.as_ref());
    streams.map(|s| (s.coding, s.access_units, s.rx.unwrap_or_else(|| panic!("{report}")))).collect()
}

#[test]
fn constant_rate() {
    let stream = made(
        "-c:v libx264 -preset ultrafast -profile:v main -level 3.1 -b:v 1M -maxrate 1M -bufsize 1M \
         -x264-params nal-hrd=cbr:aud=1 -c:a aac -muxrate 1500k",
    );
    let report = report(&stream);
    assert_eq!((report.bit_rate, report.clocks[0].rate), (1_500_000, "constant"));
    assert!(report.null_packets > 0);
    // 125 pictures; 5 s of 1024 samples are 234.4 frames, and one of the encoder's delay.
    assert_eq!(streams(&report), [(Coding::Avc, 125, 1_200_000), (Coding::Adts, 236, 2_000_000)]);
    // It rounds PCRs down to a tick and pays no heed to buffers.
    assert!(report.clocks[0].accuracy_ps.expect("a constant rate") <= 37_038);
    assert_eq!(report.rule(Rule::PcrAccuracy).verdict, Verdict::Pass);
    assert_eq!(report.rule(Rule::Delimiter).verdict, Verdict::Pass);
    assert_eq!(report.rule(Rule::TbOverflow).verdict, Verdict::Fail);
    let svg = report.svg().expect("a plot");
    assert_eq!(svg.matches("peak").count(), 6, "two panels of the clock, and two of each stream");
}

#[test]
fn variable_rate() {
    let stream = made("-c:v libx264 -preset ultrafast -b:v 1M -c:a libmp3lame");
    let report = report(&stream);
    assert_eq!(report.clocks[0].rate, "variable");
    assert_eq!(report.rule(Rule::PcrAccuracy).verdict, Verdict::NotGraded);
    assert!(report.rule(Rule::PcrAccuracy).why.as_ref().expect("why").contains("variable rate"));
    // 5 s of 1152 samples are 208.3 frames.
    let found = streams(&report);
    assert_eq!((found[0].0, found[0].1), (Coding::Avc, 125));
    assert!(found[1].0 == Coding::MpegAudio && (209..=211).contains(&found[1].1), "{found:?}");
}

#[test]
fn other_codings() {
    let report_1 = report(&made("-c:v mpeg2video -b:v 1M -maxrate 1M -bufsize 1M -c:a mp2 -muxrate 2M"));
    assert_eq!(
        streams(&report_1),
        [(Coding::Mpeg2Video, 125, 18_000_000), (Coding::MpegAudio, 209, 2_000_000)]
    );
    // 5 s of 1536 samples are 156.25 frames.
    let report_2 = report(&made("-c:v mpeg2video -b:v 1M -c:a ac3"));
    assert_eq!(streams(&report_2)[1], (Coding::Ac3Atsc, 157, 2_000_000));
    let report_3 = report(&made("-c:v mpeg2video -b:v 1M -c:a eac3"));
    assert_eq!(streams(&report_3)[1].0, Coding::Eac3Atsc);
    let report_4 = report(&made("-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a aac"));
    assert_eq!((streams(&report_4)[0].0, streams(&report_4)[0].1), (Coding::Hevc, 125));
}

/// What x265 declares, and without it the limits of the level that it chose.
#[test]
fn hevc_with_and_without_hrd() {
    let make = |hrd: &str| {
        let parameters =
            format!("vbv-maxrate=1000:vbv-bufsize=500:level-idc=31:no-high-tier=1:log-level=none{hrd}");
        let arguments = format!("-c:v libx265 -preset ultrafast -b:v 800k -x265-params {parameters} -an");
        report(&made(&arguments))
    };
    let figures = |report: &Report| {
        let stream = report.pids.iter().find_map(|pid| pid.stream.as_ref()).expect("pictures");
        assert_eq!((stream.coding, stream.access_units), (Coding::Hevc, 125), "{report}");
        (stream.rx.expect("a drain"), stream.eb.expect("EB").limit)
    };
    assert_eq!(figures(&make(":hrd=1")), (1_100_000, 62_500));
    assert_eq!(figures(&make("")), (11_000_000, 1_375_000));
}

/// FFprobe counts packets and stamps as the dump does.
#[test]
fn dump() {
    let stream = made("-c:v libx264 -preset ultrafast -b:v 1M -c:a aac");
    let dump = |lines| {
        let mut dump = Dump::new(lines);
        stream.chunks(3001).for_each(|piece| dump.push(piece));
        dump.finish();
        dump.take()
    };
    let packets = dump(Lines::Packets);
    // One line says where sync is.
    assert_eq!(packets.lines().count(), stream.len() / 188 + 1);
    let pes = dump(Lines::Pes);
    let video = pes.lines().filter(|line| line.starts_with("0100 pes"));
    assert_eq!(video.clone().count(), 125);
    assert!(video.clone().all(|line| line.contains(" pts=") && line.contains(" hash=")), "{pes}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("again.ts");
    std::fs::write(&file, &stream).expect("a file");
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts", "-of", "csv=p=0"])
        .arg(&file)
        .output()
        .expect("ffprobe is installed");
    let told = String::from_utf8(told.stdout).expect("text");
    let ours: Vec<&str> = video.filter_map(|line| line.split(" pts=").nth(1)?.split(' ').next()).collect();
    let theirs: Vec<&str> =
        told.lines().map(|line| line.trim_end_matches(',')).filter(|l| !l.is_empty()).collect();
    assert_eq!(ours, theirs);
}
