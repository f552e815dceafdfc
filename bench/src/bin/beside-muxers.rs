//! One clip through this muxer, FFmpeg's and, where it is installed, GStreamer's, each judged by the same
//! checker: intervals and error of the PCR, peaks of the T-STD's buffers, and how many packets broke them.
//!
//! ```text
//! cargo run --release --package retrovue-bench --bin beside-muxers [CLIP [RATE [BUFFER]]]
//! ```
//!
//! Without `CLIP` ffmpeg makes 20 seconds of 720p30 with an HRD of 4 Mb/s and 4 Mbit and AAC of 192 kb/s.
//! `RATE` and `BUFFER` are a clip's own HRD in bit/s and bits.

use retrovue_analyser::{Analyser, BufferReport, Options, Report, Verdict};
use retrovue_mux::{
    AccessUnit, MuxConfig, MuxRate, Muxer, PACKET_SIZE, Poll, PushError, StreamConfig, StreamIndex,
};
use retrovue_timebase::Ticks90k;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a clip's pictures keep to.
#[derive(Clone, Copy)]
struct Hrd {
    bps: u64,
    cpb_bits: u64,
}

/// Rate of the clip's sound.
const AUDIO_BPS: u64 = 192_000;

/// Begin of the timeline in 90 kHz ticks: decoding begins before presentation.
const ORIGIN: i64 = 10 * 90_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let given = arguments.next().map(PathBuf::from);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let hrd = Hrd { bps: number(4_000_000)?, cpb_bits: number(4_000_000)? };
    let dir = std::env::temp_dir().join(format!("beside-muxers-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let shown = compare(&dir, given.as_deref(), hrd);
    std::fs::remove_dir_all(&dir)?;
    shown
}

fn compare(dir: &Path, given: Option<&Path>, hrd: Hrd) -> Result<()> {
    let clip = dir.join("clip.mp4");
    match given {
        Some(path) => {
            run(ffmpeg(Some(path)).args(["-c", "copy", "-video_track_timescale", "90000"]).arg(&clip))?
        }
        None => make(&clip, hrd)?,
    }
    let units = units(dir, &clip)?;
    let mut config = config(hrd);
    let smallest = config.smallest_constant_bps();
    let eight = (hrd.bps + AUDIO_BPS) * 108 / 100;
    println!("constant rates: smallest accepted {smallest} bit/s, 8 % over the streams {eight} bit/s\n");
    println!(
        "| muxer | PCR interval max | PCR error | video TB | video MB | video EB | audio TB | audio B | TBsys | violations |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    show("this muxer, variable rate", &mux(config.clone(), &units)?)?;
    for bps in [smallest, eight] {
        config.rate = MuxRate::Constant { bps };
        show(&format!("this muxer, {bps} bit/s"), &mux(config.clone(), &units)?)?;
    }
    let variable = dir.join("ffmpeg.ts");
    run(ffmpeg(Some(&clip)).args(["-c", "copy", "-f", "mpegts"]).arg(&variable))?;
    show("FFmpeg, variable rate", &std::fs::read(variable)?)?;
    for bps in [eight, 5_000_000] {
        let constant = dir.join("ffmpeg-cbr.ts");
        let rate = bps.to_string();
        run(ffmpeg(Some(&clip)).args(["-c", "copy", "-muxrate", &rate, "-f", "mpegts"]).arg(&constant))?;
        show(&format!("FFmpeg, {bps} bit/s"), &std::fs::read(constant)?)?;
    }
    let theirs = dir.join("gstreamer.ts");
    let pipeline = format!(
        "filesrc location={} ! qtdemux name=d d.video_0 ! queue ! h264parse ! m. d.audio_0 ! queue ! aacparse ! m. mpegtsmux name=m bitrate=5000000 ! filesink location={}",
        clip.display(),
        theirs.display()
    );
    let gstreamer = Command::new("gst-launch-1.0").arg("-q").args(pipeline.split(' ')).status();
    if gstreamer.is_ok_and(|status| status.success()) {
        show("GStreamer, 5000000 bit/s", &std::fs::read(theirs)?)?;
    }
    Ok(())
}

fn ffmpeg(input: Option<&Path>) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).stdin(Stdio::null());
    if let Some(path) = input {
        command.arg("-i").arg(path);
    }
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

fn make(clip: &Path, hrd: Hrd) -> Result<()> {
    let (rate, buffer) = (hrd.bps / 1000, hrd.cpb_bits / 1000);
    let hrd = format!("nal-hrd=vbr:vbv-maxrate={rate}:vbv-bufsize={buffer}:keyint=30");
    run(ffmpeg(None)
        .args(["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=20,noise=alls=12:allf=t"])
        .args(["-f", "lavfi", "-i", "sine=f=440:r=48000:d=20"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-b:v", &format!("{rate}k"), "-x264-params", &hrd])
        .args(["-pix_fmt", "yuv420p", "-video_track_timescale", "90000", "-c:a", "aac", "-ac", "2"])
        .args(["-b:a", "192k"])
        .arg(clip))
}

/// An access unit of the clip.
struct Unit {
    stream: usize,
    pts: i64,
    dts: i64,
    key: bool,
    data: Vec<u8>,
}

/// The clip's access units in the order of their DTS, delimited and in ADTS.
fn units(dir: &Path, clip: &Path) -> Result<Vec<Unit>> {
    let (pictures, sound) = (dir.join("clip.h264"), dir.join("clip.aac"));
    run(ffmpeg(Some(clip))
        .args([
            "-map",
            "0:v",
            "-c",
            "copy",
            "-bsf:v",
            "h264_mp4toannexb,h264_metadata=aud=insert",
            "-f",
            "h264",
        ])
        .arg(&pictures))?;
    run(ffmpeg(Some(clip)).args(["-map", "0:a", "-c", "copy", "-f", "adts"]).arg(&sound))?;
    let pictures = pieces(std::fs::read(pictures)?, |bytes, at| {
        bytes[at..].starts_with(&[0, 0, 0, 1, 9]) || (at == 0 && bytes.starts_with(&[0, 0, 1, 9]))
    });
    let sound = std::fs::read(sound)?;
    let mut frames = Vec::new();
    let mut at = 0;
    while at + 7 <= sound.len() {
        let length = usize::from(sound[at + 3] & 3) << 11
            | usize::from(sound[at + 4]) << 3
            | usize::from(sound[at + 5]) >> 5;
        frames.push(sound.get(at..at + length).ok_or("the last ADTS frame is cut off")?.to_vec());
        at += length.max(7);
    }
    let mut units = Vec::new();
    for (stream, name, ticks, data) in [(0, "v", 90_000, pictures), (1, "a", 48_000, frames)] {
        let stamps = stamps(clip, name, ticks)?;
        if stamps.len() != data.len() {
            return Err(format!("{} stamps for {} units of {name}", stamps.len(), data.len()).into());
        }
        units.extend(stamps.into_iter().zip(data).map(|((pts, dts, key), data)| Unit {
            stream,
            pts: pts + ORIGIN,
            dts: dts + ORIGIN,
            key,
            data,
        }));
    }
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    Ok(units)
}

/// Cuts `bytes` before every place that `begins` a piece.
fn pieces(bytes: Vec<u8>, begins: impl Fn(&[u8], usize) -> bool) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = (0..bytes.len()).filter(|&at| begins(&bytes, at)).collect();
    places.push(bytes.len());
    places.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

/// PTS, DTS in 90 kHz and key flag of each packet.
fn stamps(clip: &Path, stream: &str, time_base: i64) -> Result<Vec<(i64, i64, bool)>> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_entries",
            "packet=pts,dts,flags",
            "-of",
            "csv=p=0",
        ])
        .arg(clip)
        .output()?;
    let scale = |text: &str| -> Result<i64> { Ok(text.parse::<i64>()? * 90_000 / time_base) };
    String::from_utf8(output.stdout)?
        .lines()
        // Side data of a packet has lines of its own, without a stamp.
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let [pts, dts, flags, ..] = fields[..] else {
                return Err(format!("{line:?} from ffprobe").into());
            };
            Ok((scale(pts)?, scale(dts)?, flags.contains('K')))
        })
        .collect()
}

fn config(hrd: Hrd) -> MuxConfig {
    let video = StreamConfig::h264(hrd.bps, hrd.cpb_bits).with_units_per_second(30);
    MuxConfig::new("Beside", vec![video, StreamConfig::aac_adts(AUDIO_BPS)])
}

fn mux(config: MuxConfig, units: &[Unit]) -> Result<Vec<u8>> {
    let mut muxer = Muxer::new(config)?;
    let mut bytes = Vec::new();
    for unit in units {
        let (pts, dts) = (Ticks90k(unit.pts), Ticks90k(unit.dts));
        let unit = AccessUnit {
            stream: StreamIndex(unit.stream),
            pts,
            dts,
            random_access: unit.stream == 0 && unit.key,
            arrival: None,
            data: &unit.data,
        };
        while let Err(error) = muxer.push(unit) {
            if !matches!(error, PushError::Full { .. }) {
                return Err(error.into());
            }
            drain(&mut muxer, &mut bytes)?;
        }
    }
    muxer.finish();
    drain(&mut muxer, &mut bytes)?;
    Ok(bytes)
}

fn drain(muxer: &mut Muxer, bytes: &mut Vec<u8>) -> Result<()> {
    let mut buffer = [0; PACKET_SIZE * 64];
    loop {
        match muxer.poll(&mut buffer) {
            Poll::Packets(run) => bytes.extend_from_slice(&buffer[..run.bytes()]),
            Poll::Event(event) => return Err(format!("{event:?}").into()),
            _ => return Ok(()),
        }
    }
}

fn show(name: &str, bytes: &[u8]) -> Result<()> {
    let mut analyser = Analyser::new(Options::default());
    analyser.push(bytes);
    let report = analyser.finish();
    let row = row(&report).ok_or("a stream without program, picture or sound")?;
    let failed: Vec<String> = report
        .rules
        .iter()
        .filter(|rule| rule.verdict == Verdict::Fail)
        .map(|rule| format!("{} ×{}", rule.id, rule.count))
        .collect();
    let failed = if failed.is_empty() { "none".to_owned() } else { failed.join(", ") };
    println!("| {name} | {row} | {failed} |");
    Ok(())
}

fn row(report: &Report) -> Option<String> {
    let clock = report.clocks.first()?;
    let stream = |is_video: bool| {
        let streams = report.pids.iter().filter_map(|pid| pid.stream.as_ref());
        streams.into_iter().find(|stream| (stream.stream_type == 0x1B) == is_video)
    };
    let (video, sound, program) = (stream(true)?, stream(false)?, report.programs.first()?);
    let error = clock
        .accuracy_ps
        .map_or("not graded".to_owned(), |ps| format!("{}.{} ns", ps / 1000, ps % 1000 / 100));
    Some(format!(
        "{}.{} ms | {error} | {} | {} | {} | {} | {} | {}",
        clock.longest_interval_us / 1000,
        clock.longest_interval_us % 1000 / 100,
        peak(video.tb.as_ref()),
        peak(video.mb.as_ref()),
        peak(video.eb.as_ref()),
        peak(sound.tb.as_ref()),
        peak(sound.eb.as_ref()),
        peak(Some(&program.tb_sys)),
    ))
}

fn peak(buffer: Option<&BufferReport>) -> String {
    buffer.map_or("–".to_owned(), |buffer| match buffer.violations {
        0 => format!("{} of {}", buffer.peak, buffer.limit),
        over => format!("**{}** of {}, over {over} times", buffer.peak, buffer.limit),
    })
}
