//! A transport stream as ffprobe reads it.

use crate::programs::run;
use std::path::Path;
use std::process::Command;

/// One packet of an elementary stream, times in 90 kHz ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time.
    pub pts: i64,
    /// Decoding time.
    pub dts: i64,
    /// A key frame.
    pub key: bool,
}

/// Packets of one stream (`v:0`, `a:0`) in file order.
#[must_use]
pub fn packets(path: &Path, stream: &str) -> Vec<Packet> {
    let output = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream])
        .args(["-show_entries", "packet=pts,dts,flags", "-of", "csv=p=0"])
        .arg(path));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(',');
            let pts = fields.next()?.parse().ok()?;
            let dts = fields.next()?.parse().ok()?;
            Some(Packet { pts, dts, key: fields.next()?.contains('K') })
        })
        .collect()
}

/// Checks what a player needs of a whole stream: ffmpeg decodes it without a word, decoding times
/// rise, every picture follows the one before by exactly one frame and every audio unit by exactly
/// 1024 samples. Returns the number of pictures.
///
/// # Panics
/// With what is wrong.
pub fn check_continuous(path: &Path, frame_ticks: i64) -> usize {
    let decoded = run(Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(path)
        .args(["-map", "0", "-c", "copy", "-f", "null", "-"]));
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "", "ffmpeg complains about {}", path.display());
    let decoded = run(Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(path)
        .args(["-map", "0", "-f", "null", "-"]));
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "", "ffmpeg complains about {}", path.display());

    let video = packets(path, "v:0");
    for pair in video.windows(2) {
        assert!(pair[1].dts > pair[0].dts, "video DTS {pair:?}");
    }
    // A viewer leaves anywhere: of the pictures shown after the last one decoded some have not come.
    let decoded = video.last().map_or(0, |p| p.dts);
    let mut pts: Vec<i64> = video.iter().map(|p| p.pts).filter(|&pts| pts <= decoded).collect();
    pts.sort_unstable();
    for pair in pts.windows(2) {
        assert_eq!(pair[1] - pair[0], frame_ticks, "video PTS step at {}", pair[0]);
    }
    let audio = packets(path, "a:0");
    for pair in audio.windows(2) {
        assert_eq!(pair[1].pts - pair[0].pts, 1920, "audio PTS step at {}", pair[0].pts);
    }
    assert!(!audio.is_empty(), "no audio");
    video.len()
}
