//! A stream for the checker, and the checker over it with every check and the T-STD on.

use crate::writer::{Audio, MS, Plan, SECOND, Video};
use retrovue_analyser::{Analyser, Options, Report};

/// 11.28 Mb/s with pictures of 7.6 Mb/s and sound; 71 seconds are 100 MB. Pictures hold noise, as coded ones do,
/// without two zero bytes in a row.
#[must_use]
pub fn stream(seconds: i64) -> Vec<[u8; 188]> {
    let video = Video { hevc: false, level: 40, hrd: None, bytes: 38_000, early: 300 * MS };
    // Sound must not wait behind a whole picture.
    let audio = Audio { bytes: 160, early: 80 * MS };
    let mut packets = Plan { video, audio, ..Plan::fast(seconds * SECOND) }.packets();
    let mut noise = 1u64;
    for packet in packets.iter_mut().filter(|p| p[1..3] == [1, 0] && p[3] & 0x30 == 0x10) {
        for n in 4..188 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let byte = (noise >> 56) as u8;
            packet[n] = if byte == 0 && packet[n - 1] == 0 { 1 } else { byte };
        }
    }
    packets
}

/// Checks a whole stream.
#[must_use]
pub fn check(bytes: &[u8]) -> Report {
    let mut analyser = Analyser::new(Options::default());
    bytes.chunks(1 << 18).for_each(|piece| analyser.push(piece));
    analyser.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_clean() {
        let report = check(stream(3).as_flattened());
        assert!(report.is_clean() && report.packets > 20_000, "{report}");
    }
}
