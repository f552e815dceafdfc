//! The level of an H.264 stream from its size, rate and buffer (ISO/IEC 14496-10 table A-1).

use retrovue_timebase::FrameRate;

/// One row of the table: level_idc as x264 writes it, MaxMBPS, MaxFS, MaxDpbMbs, MaxBR and MaxCPB in
/// units of 1000 bits (a second) for the Main profile.
struct Level {
    idc: i32,
    macroblocks_per_second: i64,
    frame_size: i64,
    buffer_macroblocks: i64,
    bitrate: i64,
    buffer_bits: i64,
}

const fn row(idc: i32, mbps: i64, fs: i64, dpb: i64, br: i64, cpb: i64) -> Level {
    Level {
        idc,
        macroblocks_per_second: mbps,
        frame_size: fs,
        buffer_macroblocks: dpb,
        bitrate: br,
        buffer_bits: cpb,
    }
}

/// Table A-1 from level 1 to 5.2.
const TABLE: [Level; 16] = [
    row(10, 1_485, 99, 396, 64, 175),
    row(11, 3_000, 396, 900, 192, 500),
    row(12, 6_000, 396, 2_376, 384, 1_000),
    row(13, 11_880, 396, 2_376, 768, 2_000),
    row(20, 11_880, 396, 2_376, 2_000, 2_000),
    row(21, 19_800, 792, 4_752, 4_000, 4_000),
    row(22, 20_250, 1_620, 8_100, 4_000, 4_000),
    row(30, 40_500, 1_620, 8_100, 10_000, 10_000),
    row(31, 108_000, 3_600, 18_000, 14_000, 14_000),
    row(32, 216_000, 5_120, 20_480, 20_000, 20_000),
    row(40, 245_760, 8_192, 32_768, 20_000, 25_000),
    row(41, 245_760, 8_192, 32_768, 50_000, 62_500),
    row(42, 522_240, 8_704, 34_816, 50_000, 62_500),
    row(50, 589_824, 22_080, 110_400, 135_000, 135_000),
    row(51, 983_040, 36_864, 184_320, 240_000, 240_000),
    row(52, 2_073_600, 36_864, 184_320, 240_000, 240_000),
];

/// The lowest level that holds a stream, and the most reference frames it allows. Bit rate and buffer in
/// units of 1000 bits (a second). `None` when no level up to 5.2 does.
pub(crate) fn level_for(
    width: u32,
    height: u32,
    rate: FrameRate,
    bitrate_kbps: u32,
    buffer_kbits: u32,
) -> Option<(i32, i64)> {
    let (columns, rows) = (i64::from(width.div_ceil(16)), i64::from(height.div_ceil(16)));
    let frame = columns * rows;
    let per_second = (frame * rate.num() + rate.den() - 1) / rate.den();
    let level = TABLE.iter().find(|l| {
        frame <= l.frame_size
            && columns * columns <= l.frame_size * 8
            && rows * rows <= l.frame_size * 8
            && per_second <= l.macroblocks_per_second
            && i64::from(bitrate_kbps) <= l.bitrate
            && i64::from(buffer_kbits) <= l.buffer_bits
    })?;
    Some((level.idc, (level.buffer_macroblocks / frame).clamp(1, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_formats_get_their_usual_levels() {
        for ((w, h), (num, den), kbps, level) in [
            ((1280, 720), (30, 1), 3_000, 31),
            ((1280, 720), (60, 1), 5_000, 32),
            ((1920, 1080), (30, 1), 6_000, 40),
            ((1920, 1080), (30_000, 1001), 22_000, 41),
            ((1920, 1080), (60, 1), 9_000, 42),
            ((720, 576), (25, 1), 2_000, 30),
            ((720, 480), (30_000, 1001), 2_000, 30),
            ((640, 360), (30, 1), 1_000, 30),
            ((3840, 2160), (30, 1), 20_000, 51),
        ] {
            let rate = FrameRate::new(num, den).unwrap();
            assert_eq!(level_for(w, h, rate, kbps, kbps).unwrap().0, level, "{w}x{h} {rate} {kbps}");
        }
        let rate = FrameRate::new(120, 1).unwrap();
        assert_eq!(level_for(7680, 4320, rate, 1, 1), None);
    }

    #[test]
    fn references_stay_within_the_decoded_picture_buffer() {
        let rate = FrameRate::new(30, 1).unwrap();
        assert_eq!(level_for(1920, 1080, rate, 6_000, 6_000), Some((40, 4)));
        assert_eq!(level_for(1280, 720, rate, 3_000, 3_000), Some((31, 5)));
    }
}
