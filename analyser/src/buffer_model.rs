//! Sizes and rates of the T-STD's buffers per coding (ISO/IEC 13818-1 §2.4.2.3, §2.4.2.7, §2.14.3.1, §2.17.2;
//! TS 101 154 and ATSC A/53 for AC-3). What is not here is not graded.

/// The buffers of one elementary stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BufferModel {
    /// Drain of TB in bit/s.
    pub(crate) rx: i64,
    /// The multiplexing buffer of video: its bytes, and the bit/s of the leak.
    pub(crate) mb: Option<(i64, i64)>,
    /// Bytes of EB, or of B.
    pub(crate) eb: i64,
    /// Longest stay in the decoder, in seconds.
    pub(crate) delay: i64,
}

impl BufferModel {
    /// A sound buffer.
    pub(crate) fn audio(rx: i64, bytes: i64) -> BufferModel {
        BufferModel { rx, mb: None, eb: bytes, delay: 1 }
    }

    /// ADTS with that many channels.
    pub(crate) fn adts(channels: u8) -> BufferModel {
        match channels {
            0..=2 => Self::audio(2_000_000, 3584),
            3..=8 => Self::audio(5_529_600, 8976),
            9..=12 => Self::audio(8_294_400, 12804),
            _ => Self::audio(33_177_600, 51216),
        }
    }

    /// AVC of a level and `cpbBrNalFactor`. `hrd`: NAL HRD bit rate in bit/s and CPB size in bits.
    pub(crate) fn avc(level: AvcLevel, factor: i64, hrd: Option<(i64, i64)>) -> BufferModel {
        let rate = 1200 * level.max_br;
        let cpb = 1200 * level.max_cpb;
        let (bit_rate, cpb_size) = hrd.unwrap_or((factor * level.max_br, cpb));
        video(12 * bit_rate / 10, rate, cpb, cpb_size)
    }

    /// HEVC, of the level's `MaxBR` and `MaxCPB` in units of 1000 bits. `hrd` as of AVC.
    ///
    /// §2.17.2 has TB drain at `CpbBrNalFactor` / `CpbBrVclFactor` times the HRD's rate, which is 1.1.
    pub(crate) fn hevc(max_br: i64, max_cpb: i64, hrd: Option<(i64, i64)>) -> BufferModel {
        let (rate, cpb) = (1100 * max_br, 1100 * max_cpb);
        let (rx, cpb_size) = hrd.map_or((rate, cpb), |(bit_rate, size)| (11 * bit_rate / 10, size));
        video(rx, rate, cpb, cpb_size)
    }

    /// MPEG-2 video of a level. `bit_rate` in bit/s, `vbv` in bits.
    pub(crate) fn mpeg2(level: Mpeg2Level, bit_rate: i64, vbv: i64) -> BufferModel {
        let r_max = level.r_max;
        let slack = r_max / 250 + r_max / 750;
        let (mb, leak) = if level.high {
            (slack, (bit_rate * 105 / 100).clamp(1, r_max))
        } else {
            (slack + (level.vbv_max - vbv).max(0), r_max)
        };
        BufferModel { rx: 12 * r_max / 10, mb: Some((mb / 8, leak)), eb: vbv / 8, delay: 1 }
    }
}

/// MB of BSmux (4 ms), BSoh (1/750 s) and what the CPB leaves of the level's.
fn video(rx: i64, leak: i64, cpb_max: i64, cpb: i64) -> BufferModel {
    let at = leak.max(2_000_000);
    let mb = at / 250 + at / 750 + (cpb_max - cpb).max(0);
    BufferModel { rx: rx.max(1), mb: Some((mb / 8, leak)), eb: cpb / 8, delay: 10 }
}

/// Limits of an AVC level in units of 1200 bits (ISO/IEC 14496-10 table A-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AvcLevel {
    max_br: i64,
    max_cpb: i64,
}

impl AvcLevel {
    /// Of a `level_idc`, 9 for level 1b.
    pub(crate) fn of(level: u8) -> Option<AvcLevel> {
        let (max_br, max_cpb) = match level {
            10 => (64, 175),
            9 => (128, 350),
            11 => (192, 500),
            12 => (384, 1000),
            13 => (768, 2000),
            20 => (2000, 2000),
            21 | 22 => (4000, 4000),
            30 => (10_000, 10_000),
            31 => (14_000, 14_000),
            32 => (20_000, 20_000),
            40 => (20_000, 25_000),
            41 | 42 => (50_000, 62_500),
            50 => (135_000, 135_000),
            51 | 52 | 60 => (240_000, 240_000),
            61 => (480_000, 480_000),
            62 => (800_000, 800_000),
            _ => return None,
        };
        Some(AvcLevel { max_br, max_cpb })
    }
}

/// `MaxBR` and `MaxCPB` of an HEVC level (ISO/IEC 23008-2 tables A.8, A.9), by `general_level_idc`.
pub(crate) fn hevc_level(level: u8, high_tier: bool) -> Option<(i64, i64)> {
    let (main, high) = match level {
        30 => ((128, 350), None),
        60 => ((1500, 1500), None),
        63 => ((3000, 3000), None),
        90 => ((6000, 6000), None),
        93 => ((10_000, 10_000), None),
        120 => ((12_000, 12_000), Some(30_000)),
        123 => ((20_000, 20_000), Some(50_000)),
        150 => ((25_000, 25_000), Some(100_000)),
        153 => ((40_000, 40_000), Some(160_000)),
        156 | 180 => ((60_000, 60_000), Some(240_000)),
        183 => ((120_000, 120_000), Some(480_000)),
        186 => ((240_000, 240_000), Some(800_000)),
        _ => return None,
    };
    if high_tier { high.map(|rate| (rate, rate)) } else { Some(main) }
}

/// Limits of an MPEG-2 level (ISO/IEC 13818-2 tables 8-13, 8-14), simple, main and high profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mpeg2Level {
    r_max: i64,
    vbv_max: i64,
    high: bool,
}

impl Mpeg2Level {
    /// Of a `profile_and_level_indication`.
    pub(crate) fn of(profile_and_level: u8) -> Option<Mpeg2Level> {
        let (r_max, vbv_max, high) = match profile_and_level {
            0x4A => (4_000_000, 475_136, false),
            0x48 | 0x58 => (15_000_000, 1_835_008, false),
            0x46 => (60_000_000, 7_340_032, true),
            0x44 => (80_000_000, 9_781_248, true),
            0x18 => (20_000_000, 2_441_216, false),
            0x16 => (80_000_000, 9_781_248, true),
            0x14 => (100_000_000, 12_222_464, true),
            _ => return None,
        };
        Some(Mpeg2Level { r_max, vbv_max, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avc_table() {
        for (level, rbx, main, high, eb) in [
            (30, 12_000_000, 14_400_000, 18_000_000, 1_500_000),
            (31, 16_800_000, 20_160_000, 25_200_000, 2_100_000),
            (32, 24_000_000, 28_800_000, 36_000_000, 3_000_000),
            (40, 24_000_000, 28_800_000, 36_000_000, 3_750_000),
            (41, 60_000_000, 72_000_000, 90_000_000, 9_375_000),
            (50, 162_000_000, 194_400_000, 243_000_000, 20_250_000),
            (52, 288_000_000, 345_600_000, 432_000_000, 36_000_000),
        ] {
            let limits = AvcLevel::of(level).expect("a level");
            let model = BufferModel::avc(limits, 1200, None);
            assert_eq!((model.rx, model.mb.map(|m| m.1), model.eb), (main, Some(rbx), eb), "{level}");
            assert_eq!(BufferModel::avc(limits, 1500, None).rx, high, "{level}");
        }
        // BSmux 67,200 and BSoh 22,400 bits at 16.8 Mb/s, and the rest of the level's CPB.
        let model = BufferModel::avc(AvcLevel::of(31).expect("a level"), 1500, Some((4_000_000, 4_000_000)));
        let mb = (67_200 + 22_400 + 12_800_000) / 8;
        let expected = BufferModel { rx: 4_800_000, mb: Some((mb, 16_800_000)), eb: 500_000, delay: 10 };
        assert_eq!(model, expected);
        assert_eq!(AvcLevel::of(33), None);
    }

    #[test]
    fn others() {
        assert_eq!(BufferModel::adts(6), BufferModel::audio(5_529_600, 8976));
        assert_eq!(hevc_level(120, true), Some((30_000, 30_000)));
        assert_eq!((hevc_level(93, false), hevc_level(93, true)), (Some((10_000, 10_000)), None));
        // BSmux and BSoh are 44,000 and 14,666 bits at 11 Mb/s.
        let with_hrd = BufferModel::hevc(10_000, 10_000, Some((2_000_000, 1_000_000)));
        let mb = (44_000 + 14_666 + 10_000_000) / 8;
        let expected = BufferModel { rx: 2_200_000, mb: Some((mb, 11_000_000)), eb: 125_000, delay: 10 };
        assert_eq!(with_hrd, expected);
        let without = BufferModel::hevc(10_000, 10_000, None);
        assert_eq!((without.rx, without.eb), (11_000_000, 1_375_000));
        let main = BufferModel::mpeg2(Mpeg2Level::of(0x48).expect("main level"), 6_000_000, 1_835_008);
        let expected = BufferModel { rx: 18_000_000, mb: Some((10_000, 15_000_000)), eb: 229_376, delay: 1 };
        assert_eq!(main, expected);
    }
}
