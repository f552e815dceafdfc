//! `picture(j)` is the frame the rule names, in every container and codec, from every in-point.

use crate::clips::{HEIGHT, WIDTH, clip, number, numbered, open, stamps};
use retrovue_codec::{AssetReader, Picture, PictureStatus};
use retrovue_timebase::Millis;
use std::path::Path;

const FRAMES: usize = 130;

/// In-points around key pictures and off the frame grid.
const IN_POINTS: [i64; 9] = [0, 1, 33, 517, 1000, 1001, 1999, 2503, 3777];

/// Index of the frame on screen: stamp at or before `t + 1 ms`, no later one is.
fn expected(stamps: &[i64], (num, den): (i64, i64), in_point: i64, j: i64, (rn, rd): (i64, i64)) -> usize {
    let on_time = |s: &&i64| {
        // (s - s0) * num / den <= in_point / 1000 + j * rd / rn + 1 / 1000
        let stamp = i128::from(**s - stamps[0]) * i128::from(num) * 1000 * i128::from(rn);
        let now = i128::from(in_point + 1) * i128::from(rn) + i128::from(j) * i128::from(rd) * 1000;
        stamp <= now * i128::from(den)
    };
    stamps.iter().take_while(on_time).count().max(1) - 1
}

/// Stamps of a clip, and its time base.
type Stamps = (Vec<i64>, i64, i64);

fn check_from(
    reader: &mut AssetReader,
    (path, stamps): (&Path, &Stamps),
    in_point: i64,
    (rn, rd): (i64, i64),
    count: i64,
) {
    let (stamps, num, den) = (&stamps.0, stamps.1, stamps.2);
    assert_eq!(stamps.len(), FRAMES, "{path:?}");
    let mut picture = Picture::empty();
    reader.start_at(Millis(in_point)).unwrap();
    let mut before = None;
    for j in 0..count {
        match reader.picture(j, &mut picture).unwrap() {
            PictureStatus::End => {
                let step = *stamps.last().unwrap() - stamps[stamps.len() - 2];
                let end = (stamps.last().unwrap() - stamps[0] + step) * num * 1000 / den;
                let now = in_point + j * rd * 1000 / rn;
                assert!(now + 2 >= end, "{path:?} ends at {now} ms, not {end} ms");
                return;
            }
            status => {
                let n = number(&picture);
                let wanted = expected(stamps, (num, den), in_point, j, (rn, rd));
                assert_eq!(n, wanted, "{path:?} from {in_point} ms, frame {j} of {rn}/{rd}");
                let changed = before.replace(n) != Some(n);
                assert_eq!(status == PictureStatus::New, changed, "{path:?} from {in_point} ms, frame {j}");
            }
        }
    }
}

fn check(path: &Path, house: (i64, i64)) {
    let clip = (path, &stamps(path));
    // A reader of its own for each in-point, then one reader going everywhere, backwards too.
    for in_point in IN_POINTS {
        check_from(&mut open(path, house.0, house.1), clip, in_point, house, 12);
    }
    let mut reader = open(path, house.0, house.1);
    for in_point in [2503, 0, 1001, 1999, 3777, 517] {
        check_from(&mut reader, clip, in_point, house, 6);
    }
    // To the very end, where nothing may be missing.
    check_from(&mut reader, clip, 0, house, 1_000);
    check_from(&mut open(path, house.0, house.1), clip, 100, house, 1_000);
}

/// For containers that do not stamp every picture: frame `n` of 25 a second stands at `n * 40` ms.
fn check_unstamped(path: &Path) {
    for in_point in IN_POINTS {
        let mut reader = open(path, 25, 1);
        let mut picture = Picture::empty();
        reader.start_at(Millis(in_point)).unwrap();
        for j in 0..10 {
            reader.picture(j, &mut picture).unwrap();
            let wanted = (in_point + 1 + j * 40) / 40;
            assert_eq!(number(&picture) as i64, wanted, "{path:?} from {in_point} ms, frame {j}");
        }
    }
}

const SILENT: [&str; 1] = ["-an"];

fn coded(name: &str, rate: &str, codec: &[&str]) -> std::path::PathBuf {
    clip(name, FRAMES, rate, &[], &[codec, &SILENT].concat())
}

const X264: [&str; 6] = ["-c:v", "libx264", "-g", "40", "-preset", "fast"];

#[test]
fn h264_in_mp4_at_every_rate() {
    for (rate, house) in [
        ("24000/1001", (30_000, 1001)),
        ("24", (30, 1)),
        ("25", (30, 1)),
        ("30000/1001", (30_000, 1001)),
        ("30000/1001", (25, 1)),
        ("50", (30, 1)),
        ("60", (25, 1)),
    ] {
        check(&coded("x264.mp4", rate, &X264), house);
    }
}

#[test]
fn h264_in_matroska_stamped_in_milliseconds() {
    for (rate, house) in
        [("24000/1001", (60, 1)), ("30000/1001", (30_000, 1001)), ("60000/1001", (60_000, 1001))]
    {
        check(&coded("x264.mkv", rate, &X264), house);
    }
}

#[test]
fn h264_open_gop_in_transport_stream() {
    let codec = [&X264[..], &["-x264-params", "open-gop=1:bframes=3:b-pyramid=normal"]].concat();
    check(&coded("open.ts", "25", &codec), (30, 1));
    check(&coded("open.mp4", "25", &codec), (25, 1));
}

#[test]
fn hevc_in_matroska() {
    let codec = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=40:log-level=none"];
    check(&coded("x265.mkv", "30000/1001", &codec), (30_000, 1001));
}

#[test]
fn mpeg2_in_transport_and_program_stream() {
    let codec = ["-c:v", "mpeg2video", "-q:v", "4", "-g", "15", "-bf", "2"];
    check(&coded("mpeg2.ts", "25", &codec), (25, 1));
    check_unstamped(&coded("mpeg2.mpg", "25", &codec));
}

#[test]
fn vp9_in_webm() {
    let codec = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k", "-g", "40"];
    check(&coded("vp9.webm", "30", &codec), (30_000, 1001));
}

#[test]
fn vp8_in_webm() {
    let codec = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k", "-g", "40"];
    check(&coded("vp8.webm", "24", &codec), (30, 1));
}

#[test]
fn av1_in_matroska_and_mp4() {
    let codec = ["-c:v", "libsvtav1", "-preset", "12", "-g", "40"];
    check(&coded("av1.mkv", "24000/1001", &codec), (30, 1));
    check(&coded("av1.mp4", "25", &codec), (25, 1));
}

#[test]
fn mpeg4_in_mov_and_prores() {
    check(&coded("mpeg4.mov", "25", &["-c:v", "mpeg4", "-q:v", "4", "-g", "30", "-bf", "2"]), (30, 1));
    check(&coded("prores.mov", "24", &["-c:v", "prores_ks", "-profile:v", "0"]), (30, 1));
}

#[test]
fn mpeg4_in_avi() {
    check_unstamped(&coded("mpeg4.avi", "25", &["-c:v", "mpeg4", "-q:v", "4", "-g", "30"]));
    check_unstamped(&coded("xvid.avi", "25", &["-c:v", "mpeg4", "-q:v", "4", "-g", "30", "-bf", "2"]));
}

#[test]
fn variable_frame_rate() {
    let codec =
        [
            &[
                "-vf",
                "settb=1/1000,setpts='(N+0.4*mod(N,3)+15*floor(N/50))/30/TB'",
                "-fps_mode",
                "passthrough",
            ][..],
            // The last frame has a length too: without one ffmpeg 7 writes a file that ends before it.
            &["-enc_time_base", "1:1000", "-bsf:v", "setts=pts=PTS:dts=DTS:duration=0.033/TB"],
            &X264,
        ]
        .concat();
    check(&coded("vfr.mkv", "30", &codec), (30, 1));
    check(&coded("vfr.mp4", "30", &codec), (30_000, 1001));
}

#[test]
fn past_the_end_is_the_end() {
    let path = coded("x264.mp4", "25", &X264);
    let mut picture = Picture::empty();
    for in_point in [5_200, 5_201, 60_000, 100_000_000_000] {
        let mut reader = open(&path, 25, 1);
        reader.start_at(Millis(in_point)).unwrap();
        assert_eq!(reader.picture(0, &mut picture).unwrap(), PictureStatus::End, "{in_point}");
        assert!(picture.is_empty());
        assert_eq!(reader.audio(&mut [0; 64]).unwrap(), 0);
        // And back again.
        reader.start_at(Millis(1_000)).unwrap();
        assert_eq!(reader.picture(0, &mut picture).unwrap(), PictureStatus::New);
        assert_eq!(number(&picture), 25);
        picture = Picture::empty();
    }
}

#[test]
fn a_house_size_frame_is_passed_on_untouched() {
    let path = coded("lossless.mkv", "25", &["-c:v", "ffv1"]);
    let mut reader = open(&path, 25, 1);
    let mut picture = Picture::empty();
    reader.start_at(Millis(400)).unwrap();
    for j in 0..5 {
        reader.picture(j, &mut picture).unwrap();
        let wanted = numbered(10 + j as usize);
        let (luma, stride) = picture.plane(0);
        for (row, line) in wanted[..WIDTH * HEIGHT].chunks(WIDTH).enumerate() {
            assert_eq!(&luma[row * stride..row * stride + WIDTH], line, "frame {j}, row {row}");
        }
    }
    let first = picture.plane(0).0.as_ptr();
    let mut again = Picture::empty();
    assert_eq!(reader.picture(4, &mut again).unwrap(), PictureStatus::Same);
    assert_eq!(again.plane(0).0.as_ptr(), first, "the same planes, not a copy");
}

#[test]
fn two_readers_on_two_threads() {
    let path = coded("x264.mp4", "25", &X264);
    let other = coded("x264.mkv", "24000/1001", &X264);
    std::thread::scope(|scope| {
        for path in [&path, &other, &path, &other] {
            scope.spawn(move || {
                let stamps = stamps(path);
                for in_point in [0, 1001, 2503] {
                    check_from(&mut open(path, 30, 1), (path, &stamps), in_point, (30, 1), 20);
                }
            });
        }
    });
}
