//! The `format` of a station file: the one shape of everything the station sends.

use super::guide_on_air::GuideOnAir;
use crate::yaml::{Diagnostic, Document, Fields, Node, Report};
use retrovue_mux::si::EventCapacity;
use retrovue_mux::{CueConfig, MuxConfig, MuxRate, Pid};
use retrovue_proto::plan::HouseFormat;
use retrovue_timebase::FrameRate;

/// The house format where nothing is configured: 720p30, one IDR a second so that a viewer who tunes in
/// waits no longer than that.
#[must_use]
pub fn default_format() -> HouseFormat {
    HouseFormat {
        width: 1280,
        height: 720,
        fps_num: 30,
        fps_den: 1,
        video_bitrate_kbps: 3000,
        audio_bitrate_kbps: 128,
        gop_frames: 30,
        mux_rate_kbps: None,
        preset: String::new(),
        audio_language: String::new(),
        encoder_threads: 0,
        cues: false,
    }
}

/// Presets of x264, fastest first.
const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

pub(super) fn read_format(document: &Document, node: &Node, report: &mut Report) -> HouseFormat {
    let mut format = default_format();
    let Some(mut fields) = Fields::of(document, node, "the house format", report) else { return format };
    let mut number = |key, least, most, into: &mut u32| {
        if let Some((n, node)) = fields.number(key, least, most, report) {
            if matches!(key, "width" | "height") && n % 2 == 1 {
                let message = format!("\"{key}\" is {n}, must be even: chroma is sampled at half size");
                report.push(Diagnostic::at(document, node, message));
            }
            *into = u32::try_from(n).unwrap_or(*into);
        }
    };
    number("width", 64, 4096, &mut format.width);
    number("height", 64, 2304, &mut format.height);
    number("video_bitrate_kbps", 100, 100_000, &mut format.video_bitrate_kbps);
    number("audio_bitrate_kbps", 32, 512, &mut format.audio_bitrate_kbps);
    number("encoder_threads", 0, 16, &mut format.encoder_threads);
    let mut mux_rate = 0;
    number("mux_rate_kbps", 100, 1_000_000, &mut mux_rate);
    format.mux_rate_kbps = (mux_rate > 0).then_some(mux_rate);
    let mut gop = 0;
    number("gop_frames", 1, 600, &mut gop);
    if let Some((text, node)) = fields.text("fps", report) {
        match frame_rate(text) {
            Ok(rate) => {
                format.fps_num = u32::try_from(rate.num()).unwrap_or(format.fps_num);
                format.fps_den = u32::try_from(rate.den()).unwrap_or(format.fps_den);
            }
            Err(detail) => report.push(
                Diagnostic::at(document, node, format!("\"{text}\" is no frame rate: {detail}"))
                    .help("write 25, 30000/1001 or 29.97"),
            ),
        }
    }
    // One IDR a second where nothing is said.
    format.gop_frames = if gop > 0 { gop } else { format.fps_num.div_ceil(format.fps_den) };
    if let Some((text, node)) = fields.text("preset", report) {
        if !PRESETS.contains(&text) {
            let message = format!("\"{text}\" is no preset of the video encoder");
            report
                .push(Diagnostic::at(document, node, message).help(format!("one of {}", PRESETS.join(", "))));
        }
        text.clone_into(&mut format.preset);
    }
    if let Some((text, node)) = fields.text("audio_language", report) {
        if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_lowercase()) {
            let message = format!("\"{text}\" is no language code");
            report.push(
                Diagnostic::at(document, node, message).help("three letters of ISO 639-2: eng, deu, fra"),
            );
        }
        text.clone_into(&mut format.audio_language);
    }
    fields.finish(report);
    format
}

/// A constant rate must carry what the station sends, its guide included.
pub(super) fn check_mux_rate(
    format: &HouseFormat,
    guide: Option<GuideOnAir>,
    document: &Document,
    node: &Node,
    report: &mut Report,
) {
    let Some(kbps) = format.mux_rate_kbps else { return };
    let bits = |thousands: u32| u64::from(thousands) * 1000;
    let pictures = format.fps_num.div_ceil(format.fps_den.max(1));
    let rate = MuxRate::Constant { bps: bits(kbps) };
    let mut config = MuxConfig::house(
        "",
        bits(format.video_bitrate_kbps),
        pictures,
        bits(format.audio_bitrate_kbps),
        rate,
    );
    config.cues = format.cues.then_some(CueConfig::new(Pid::DEFAULT_CUES));
    if let Some(guide) = guide {
        config.information.events = Some(EventCapacity::new(guide.days, guide.country.unwrap_or(*b"XXX")));
        config.information.time = true;
    }
    let smallest = config.smallest_constant_bps().div_ceil(1000);
    if u64::from(kbps) < smallest {
        let message = format!("\"mux_rate_kbps\" is {kbps}: pictures, sound and tables need {smallest}");
        report.push(
            Diagnostic::at(document, node, message)
                .help("write at least that, or less for video_bitrate_kbps, or leave mux_rate_kbps out"),
        );
    }
}

/// Reads `30`, `30000/1001` or a decimal: those near a whole rate times 1000/1001 mean that ratio, for
/// `29.97` is how people write 30000/1001; others are the ratio their digits say.
fn frame_rate(text: &str) -> Result<FrameRate, String> {
    let number = |t: &str| t.trim().parse::<i64>().map_err(|_| format!("\"{t}\" is no whole number"));
    if let Some((num, den)) = text.split_once('/') {
        return FrameRate::new(number(num)?, number(den)?).map_err(|e| e.to_string());
    }
    let Some((whole, fraction)) = text.split_once('.') else {
        return FrameRate::new(number(text)?, 1).map_err(|e| e.to_string());
    };
    if fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err("it takes one to six decimals".into());
    }
    let micro = number(whole)?
        .checked_mul(1_000_000)
        .and_then(|w| number(&format!("{fraction:0<6}")).ok().and_then(|f| w.checked_add(f)))
        .ok_or("it is too large")?;
    /// How far off a rounded decimal may be, in millionths of a frame a second.
    const TOLERANCE: u64 = 5000;
    for base in [24, 30, 48, 60, 120] {
        if micro.abs_diff(base * 1_000_000_000 / 1001) <= TOLERANCE {
            return FrameRate::new(base * 1000, 1001).map_err(|e| e.to_string());
        }
    }
    if micro % 1000 != 0 {
        return Err("with more than three decimals, write it as a ratio".into());
    }
    FrameRate::new(micro / 1000, 1000).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_as_people_write_them_become_exact_ratios() {
        for (text, num, den) in [
            ("30", 30, 1),
            ("25", 25, 1),
            ("30000/1001", 30_000, 1001),
            ("60/2", 30, 1),
            ("29.97", 30_000, 1001),
            ("23.976", 24_000, 1001),
            ("23.98", 24_000, 1001),
            ("59.94", 60_000, 1001),
            ("25.0", 25, 1),
            ("12.5", 25, 2),
        ] {
            let rate = frame_rate(text).unwrap();
            assert_eq!((rate.num(), rate.den()), (num, den), "{text}");
        }
        for text in [
            "fast",
            "",
            "30/0",
            "0",
            "-5",
            "29.",
            "1e2",
            "999",
            "99999999999999999.0",
            "-9223372036854.0",
            "29.12345",
        ] {
            assert!(frame_rate(text).is_err(), "{text}");
        }
    }

    /// What AIR would refuse at every session is refused here, once.
    #[test]
    fn the_ranges_are_those_that_air_takes() {
        for (key, least, most, step) in [
            ("width", 64, 4096, 2),
            ("height", 64, 2304, 2),
            ("video_bitrate_kbps", 100, 100_000, 1),
            ("audio_bitrate_kbps", 32, 512, 1),
            ("encoder_threads", 0, 16, 1),
            ("gop_frames", 1, 600, 1),
        ] {
            let taken = |value: i64| {
                let text = format!("{key}: {value}\n");
                let document = Document::parse(std::path::Path::new("station.yaml"), &text).unwrap();
                let mut report = Report::default();
                let format = read_format(&document, &document.root, &mut report);
                (!report.has_errors()).then(|| serde_json::to_value(format).unwrap()[key].as_i64())
            };
            for value in [least, most] {
                // Zero threads is the default and stays unwritten.
                assert_eq!(taken(value).map(Option::unwrap_or_default), Some(value), "{key}");
            }
            assert_eq!((taken(least - step), taken(most + step)), (None, None), "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "[-0-9./a]{0,24}") {
            let _ = frame_rate(&text);
        }
    }
}
