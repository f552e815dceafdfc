//! What the encoders promise: structure, order and the same bytes again.

use crate::clips::{HEIGHT, WIDTH, lag, number, numbered, open, sound};
use retrovue_codec::{
    AudioEncoder, Chapter, MediaError, Mp4Config, Mp4Writer, Picture, PictureStatus, VideoEncoder,
    VideoEncoderConfig, probe, probe_duration,
};
use retrovue_timebase::{FrameIndex, FrameRate, Millis};
use std::path::Path;
use std::process::Command;

fn config(preset: &str, threads: u32) -> VideoEncoderConfig<'_> {
    VideoEncoderConfig {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        rate: FrameRate::new(30_000, 1001).unwrap(),
        bitrate_kbps: 600,
        peak_kbps: 600,
        vbv_buffer_kbits: 600,
        declared_buffer_kbits: 600,
        gop_frames: 30,
        preset,
        threads,
    }
}

fn picture(n: usize) -> Picture {
    let mut picture = Picture::black(WIDTH as u32, HEIGHT as u32).unwrap();
    let frame = numbered(n);
    let (luma, stride) = picture.plane_mut(0).unwrap();
    for (row, line) in frame[..WIDTH * HEIGHT].chunks(WIDTH).enumerate() {
        luma[row * stride..row * stride + WIDTH].copy_from_slice(line);
    }
    picture
}

struct Unit {
    data: Vec<u8>,
    pts: i64,
    dts: i64,
    idr: bool,
}

fn encode(config: &VideoEncoderConfig<'_>, frames: std::ops::Range<i64>, forced: &[i64]) -> (Vec<Unit>, i64) {
    let mut encoder = VideoEncoder::open(config).unwrap();
    let mut units = Vec::new();
    let mut keep = |u: retrovue_codec::EncodedPicture<'_>| {
        units.push(Unit { data: u.data.to_vec(), pts: u.pts.0, dts: u.dts.0, idr: u.idr });
    };
    for k in frames {
        if let Some(u) =
            encoder.encode(&picture(k as usize % 1000), FrameIndex(k), forced.contains(&k)).unwrap()
        {
            keep(u);
        }
    }
    while let Some(u) = encoder.flush().unwrap() {
        keep(u);
    }
    (units, encoder.reorder_frames())
}

/// Types of the NAL units in a byte stream.
fn nal_types(data: &[u8]) -> Vec<u8> {
    data.windows(4).filter(|w| w[..3] == [0, 0, 1]).map(|w| w[3] & 31).collect()
}

#[test]
fn access_units_have_the_promised_structure() {
    for (preset, threads) in [("veryfast", 1), ("medium", 2), ("ultrafast", 2), ("slow", 1)] {
        let forced = [1_000_000, 1_000_007, 1_000_040, 1_000_041];
        let (units, reorder) = encode(&config(preset, threads), 1_000_000..1_000_120, &forced);
        assert_eq!(units.len(), 120);
        let mut shown: Vec<i64> = units.iter().map(|u| u.pts).collect();
        shown.sort_unstable();
        assert!(shown.iter().copied().eq(1_000_000..1_000_120), "{preset}");
        for pair in units.windows(2) {
            assert!(pair[1].dts > pair[0].dts, "{preset}");
        }
        for u in &units {
            assert!(u.dts <= u.pts && u.pts - u.dts <= reorder + 3, "{preset}: {} {}", u.pts, u.dts);
        }
        assert_eq!(units[0].dts, 1_000_000 - reorder, "{preset}");
        // IDR pictures: where forced, and 30 frames after the one before, nowhere else.
        let idr: Vec<i64> = units.iter().filter(|u| u.idr).map(|u| u.pts - 1_000_000).collect();
        assert_eq!(idr, [0, 7, 37, 40, 41, 71, 101], "{preset}");
        for u in &units {
            let types = nal_types(&u.data);
            assert_eq!(types[0], 9, "an access unit delimiter comes first");
            assert_eq!(types.contains(&7) && types.contains(&8), u.idr, "parameter sets with IDR pictures");
            assert_eq!(types.contains(&5), u.idr);
        }
        // Closed GOPs: nothing shown before an IDR picture follows it.
        let mut last_idr = i64::MIN;
        for u in &units {
            last_idr = if u.idr { u.pts } else { last_idr };
            assert!(u.pts >= last_idr, "{preset}");
        }
        let all: Vec<u8> = units.iter().flat_map(|u| u.data.clone()).collect();
        assert!(!all.windows(4).any(|w| w == b"x264"), "no version message");
    }
}

#[test]
fn the_same_pictures_give_the_same_bytes() {
    for threads in [1, 2] {
        let runs: Vec<Vec<u8>> = (0..2)
            .map(|_| {
                encode(&config("veryfast", threads), 0..90, &[50])
                    .0
                    .into_iter()
                    .flat_map(|u| u.data)
                    .collect()
            })
            .collect();
        assert!(runs[0] == runs[1], "{threads} threads");
    }
}

#[test]
fn somebody_elses_decoder_reads_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.h264");
    let (units, _) = encode(&config("veryfast", 2), 0..60, &[]);
    std::fs::write(&path, units.iter().flat_map(|u| u.data.clone()).collect::<Vec<u8>>()).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-of", "csv=p=0", "-show_entries"])
        .arg("stream=profile,level,width,height,color_range,color_space,nb_read_frames")
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.trim(), "High,320,180,13,tv,smpte170m,60");
}

#[test]
fn impossible_encoders_are_refused_with_the_value() {
    let good = config("veryfast", 1);
    for (bad, named) in [
        (VideoEncoderConfig { width: 321, ..good.clone() }, "321"),
        (VideoEncoderConfig { height: 0, ..good.clone() }, "height: 0"),
        (VideoEncoderConfig { preset: "warp", ..good.clone() }, "warp"),
        (VideoEncoderConfig { preset: "a\0b", ..good.clone() }, "a\\0b"),
        (VideoEncoderConfig { bitrate_kbps: 0, ..good.clone() }, "bitrate_kbps: 0"),
        (VideoEncoderConfig { bitrate_kbps: 900_000, ..good.clone() }, "900000"),
        (VideoEncoderConfig { peak_kbps: 599, ..good.clone() }, "peak_kbps: 599"),
        (VideoEncoderConfig { threads: 0, ..good.clone() }, "threads: 0"),
        (VideoEncoderConfig { gop_frames: 0, ..good.clone() }, "gop_frames: 0"),
    ] {
        let error = VideoEncoder::open(&bad).err().expect(named);
        assert!(matches!(error, MediaError::Config { .. }));
        assert!(error.to_string().contains(named), "{error}");
    }
    let mut encoder = VideoEncoder::open(&good).unwrap();
    let small = Picture::black(16, 16).unwrap();
    assert!(matches!(encoder.encode(&small, FrameIndex(0), false), Err(MediaError::Encode { .. })));
    encoder.encode(&picture(0), FrameIndex(5), false).unwrap();
    for wrong in [5, 4, 7] {
        assert!(encoder.encode(&picture(0), FrameIndex(wrong), false).is_err());
    }
    encoder.encode(&picture(0), FrameIndex(6), false).unwrap();
    for bad in [0, 31, 513] {
        assert!(matches!(AudioEncoder::open(bad), Err(MediaError::Config { .. })));
    }
    let mut audio = AudioEncoder::open(128).unwrap();
    assert!(audio.encode(&[0; 2046], &mut Vec::new()).is_err());
}

fn encode_audio(pcm: &[i16]) -> (Vec<Vec<u8>>, i64) {
    let mut encoder = AudioEncoder::open(192).unwrap();
    let (mut units, mut unit) = (Vec::new(), Vec::new());
    for block in pcm.chunks_exact(2048) {
        if encoder.encode(block, &mut unit).unwrap() {
            units.push(unit.clone());
        }
    }
    while encoder.flush(&mut unit).unwrap() {
        units.push(unit.clone());
    }
    (units, encoder.delay_samples())
}

#[test]
fn audio_units_are_adts_and_repeatable() {
    let pcm: Vec<i16> = sound(48_000, 2.0).iter().flat_map(|&s| [s, s]).collect();
    let (units, delay) = encode_audio(&pcm);
    assert!((1_024..=4_096).contains(&delay), "{delay}");
    for unit in &units {
        assert_eq!((unit[0], unit[1] & 0xf0), (0xff, 0xf0));
        let length = usize::from(unit[3] & 3) << 11 | usize::from(unit[4]) << 3 | usize::from(unit[5]) >> 5;
        assert_eq!(length, unit.len());
        // AAC-LC, 48 kHz, two channels.
        assert_eq!((unit[2] >> 6, unit[2] >> 2 & 15, (unit[2] & 1) << 2 | unit[3] >> 6), (1, 3, 2));
    }
    let blocks = (pcm.len() / 2048) as i64;
    assert!(units.len() as i64 * 1024 >= blocks * 1024 + delay, "all that went in comes out");
    assert!(encode_audio(&pcm) == (units, delay));
}

/// The delay the encoder tells is the delay another decoder hears.
#[test]
fn the_audio_delay_is_as_told() {
    let sent = sound(48_000, 2.0);
    let pcm: Vec<i16> = sent.iter().flat_map(|&s| [s, s]).collect();
    let (units, delay) = encode_audio(&pcm);
    let folder = tempfile::tempdir().unwrap();
    let (aac, raw) = (folder.path().join("a.aac"), folder.path().join("a.raw"));
    std::fs::write(&aac, units.concat()).unwrap();
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-i", aac.to_str().unwrap(), "-f", "s16le", "-ac", "1"])
        .arg(&raw)
        .status()
        .unwrap();
    assert!(status.success());
    let heard: Vec<i16> =
        std::fs::read(&raw).unwrap().chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    assert_eq!(lag(&heard[24_000 + delay as usize..], &sent[24_000..40_000], 3_000), 0);
}

fn write_mp4(path: &Path) {
    let chapters = [
        Chapter { start: Millis(0), end: Millis(1_500), title: Some("One".into()) },
        Chapter { start: Millis(1_500), end: Millis(4_004), title: Some("Two".into()) },
    ];
    let mut writer = Mp4Writer::create(
        path,
        &Mp4Config {
            video: config("veryfast", 2),
            audio_bitrate_kbps: 192,
            language: Some("eng"),
            chapters: &chapters,
        },
    )
    .unwrap();
    let sound = sound(48_000, 5.0);
    let rate = FrameRate::new(30_000, 1001).unwrap();
    for n in 0..120 {
        let from = rate.first_sample(FrameIndex(n)).0 as usize;
        let until = rate.first_sample(FrameIndex(n + 1)).0 as usize;
        let pcm: Vec<i16> = sound[from..until].iter().flat_map(|&s| [s, s]).collect();
        writer.write(&picture(n as usize), &pcm).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_written_mp4_reads_back_in_place_and_is_repeatable() {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
    write_mp4(&path);
    write_mp4(&again);
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "the same bytes");

    let info = probe(&path).unwrap();
    let video = info.video.unwrap();
    assert_eq!((video.codec.as_str(), video.frame_rate), ("h264", Some((30_000, 1001))));
    assert_eq!(info.audio[0].language.as_deref(), Some("eng"));
    assert_eq!(info.chapters.len(), 2);
    assert_eq!((info.chapters[1].start, info.chapters[1].title.as_deref()), (Millis(1_500), Some("Two")));
    assert_eq!(info.duration, Some(Millis(4_004)));
    assert_eq!(probe_duration(&path).unwrap(), Some(Millis(4_004)));

    let mut reader = open(&path, 30_000, 1001);
    let sent = sound(48_000, 5.0);
    let mut shown = Picture::empty();
    for in_point in [0, 1_500, 2_002] {
        reader.start_at(Millis(in_point)).unwrap();
        let mut pcm = vec![0; 28_800];
        assert_eq!(reader.audio(&mut pcm).unwrap(), 14_400);
        let left: Vec<i16> = pcm.chunks_exact(2).map(|p| p[0]).collect();
        assert!(lag(&left, &sent[in_point as usize * 48..][..12_000], 1_500).abs() <= 1, "{in_point}");
        assert_eq!(reader.picture(0, &mut shown).unwrap(), PictureStatus::New);
        assert_eq!(number(&shown) as i64, (in_point + 1) * 30 / 1001);
    }
    reader.start_at(Millis(0)).unwrap();
    for j in 0..120 {
        reader.picture(j, &mut shown).unwrap();
        assert_eq!(number(&shown) as i64, j);
    }
    assert_eq!(reader.picture(120, &mut shown).unwrap(), PictureStatus::End);
    let mut rest = vec![0; 500_000];
    // To the end of the last access unit.
    let heard = reader.audio(&mut rest).unwrap();
    assert!((192_192..192_192 + 1_024).contains(&heard), "{heard}");
}

#[test]
fn an_mp4_that_cannot_be_written_says_so() {
    let path = Path::new("/proc/nothing/here.mp4");
    let config =
        Mp4Config { video: config("veryfast", 1), audio_bitrate_kbps: 128, language: None, chapters: &[] };
    let error = Mp4Writer::create(path, &config).err().unwrap();
    assert!(matches!(error, MediaError::Write { .. }), "{error}");
}
