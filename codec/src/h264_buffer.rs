//! The size of the coded picture buffer that a sequence parameter set declares (ISO/IEC 14496-10 §7.3.2.1.1,
//! §E.1.2), changed in place: x264 declares the buffer that it keeps to, and a decoder may have a larger one.

/// A sequence parameter set, byte stream format, with `bits` or a little more as the size of the NAL HRD's
/// coded picture buffer. `None` where there is no such HRD, or one of several buffers.
pub(crate) fn declare(unit: &[u8], bits: u64) -> Option<Vec<u8>> {
    let start = unit.iter().position(|&byte| byte == 1)? + 1;
    let raw = without_prevention(&unit[start..]);
    let mut reader = Reader { bytes: &raw, at: 0 };
    let scale = skip_to_size(&mut reader)?;
    let before = reader.at;
    reader.exponential()?;
    let after = reader.at;
    let end = 8 * raw.len() - 1 - raw.last()?.trailing_zeros() as usize;
    let value = bits.div_ceil(1 << (4 + scale)).max(1);

    let mut writer = Writer { bytes: unit[..start].to_vec(), open: 0, count: 0, zeros: 0 };
    let copy = |writer: &mut Writer, from: usize, to: usize| {
        (from..to).for_each(|at| writer.bit(raw[at / 8] >> (7 - at % 8) & 1));
    };
    copy(&mut writer, 0, before);
    writer.exponential(value);
    copy(&mut writer, after, end);
    Some(writer.finish())
}

/// A unit without the bytes that keep start codes out (§7.4.1).
fn without_prevention(unit: &[u8]) -> Vec<u8> {
    let (mut raw, mut zeros) = (Vec::with_capacity(unit.len()), 0);
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        raw.push(byte);
    }
    raw
}

/// Reads on to `cpb_size_value_minus1`, and gives `cpb_size_scale`.
fn skip_to_size(reader: &mut Reader<'_>) -> Option<u32> {
    let (unit_type, profile) = (reader.bits(8)? & 0x1F, reader.bits(8)?);
    if unit_type != 7 {
        return None;
    }
    reader.bits(16)?;
    reader.exponential()?;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        if reader.exponential()? == 3 {
            reader.bits(1)?;
        }
        reader.exponential()?;
        reader.exponential()?;
        reader.bits(1)?;
        // Scaling lists.
        if reader.bits(1)? == 1 {
            return None;
        }
    }
    reader.exponential()?;
    match reader.exponential()? {
        0 => _ = reader.exponential()?,
        2 => {}
        _ => return None,
    }
    reader.exponential()?;
    reader.bits(1)?;
    reader.exponential()?;
    reader.exponential()?;
    if reader.bits(1)? == 0 {
        reader.bits(1)?;
    }
    reader.bits(1)?;
    if reader.bits(1)? == 1 {
        for _ in 0..4 {
            reader.exponential()?;
        }
    }
    if reader.bits(1)? == 0 {
        return None;
    }
    // The sample aspect ratio, with figures where it is not one of the table.
    if reader.bits(1)? == 1 && reader.bits(8)? == 255 {
        reader.bits(32)?;
    }
    if reader.bits(1)? == 1 {
        reader.bits(1)?;
    }
    if reader.bits(1)? == 1 {
        reader.bits(4)?;
        if reader.bits(1)? == 1 {
            reader.bits(24)?;
        }
    }
    if reader.bits(1)? == 1 {
        reader.exponential()?;
        reader.exponential()?;
    }
    if reader.bits(1)? == 1 {
        reader.bits(65)?;
    }
    if reader.bits(1)? == 0 || reader.exponential()? != 0 {
        return None;
    }
    reader.bits(4)?;
    let scale = reader.bits(4)?;
    reader.exponential()?;
    u32::try_from(scale).ok()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next `count` bits, of which the last 64 are told.
    fn bits(&mut self, count: usize) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An `ue(v)` (§9.1).
    fn exponential(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.bits(1)? == 0 {
            zeros += 1;
        }
        if zeros > 32 {
            return None;
        }
        Some((1 << zeros | self.bits(zeros)?) - 1)
    }
}

/// Writes bits, with the bytes that keep start codes out.
struct Writer {
    bytes: Vec<u8>,
    open: u8,
    count: u32,
    zeros: u32,
}

impl Writer {
    fn bit(&mut self, bit: u8) {
        self.open = self.open << 1 | bit;
        self.count += 1;
        if self.count < 8 {
            return;
        }
        if self.zeros >= 2 && self.open <= 3 {
            self.bytes.push(3);
            self.zeros = 0;
        }
        self.zeros = if self.open == 0 { self.zeros + 1 } else { 0 };
        self.bytes.push(self.open);
        (self.open, self.count) = (0, 0);
    }

    /// `value - 1` as an `ue(v)`.
    fn exponential(&mut self, value: u64) {
        let length = u64::BITS - value.leading_zeros();
        (1..length).for_each(|_| self.bit(0));
        (0..length).rev().for_each(|at| self.bit((value >> at & 1) as u8));
    }

    fn finish(mut self) -> Vec<u8> {
        self.bit(1);
        while self.count != 0 {
            self.bit(0);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video_encoder::{VideoEncoder, VideoEncoderConfig};
    use retrovue_timebase::FrameRate;

    fn sps(kbits: u32, declared_kbits: u32) -> Vec<u8> {
        let config = VideoEncoderConfig {
            width: 1280,
            height: 720,
            rate: FrameRate::new(30, 1).unwrap(),
            bitrate_kbps: 3000,
            peak_kbps: 3000,
            vbv_buffer_kbits: kbits,
            declared_buffer_kbits: declared_kbits,
            gop_frames: 60,
            preset: "veryfast",
            threads: 1,
        };
        let sets = VideoEncoder::open(&config).unwrap().parameter_sets().unwrap();
        let end = sets.windows(4).position(|w| w[..3] == [0, 0, 1] && w[3] & 0x1F == 8).unwrap();
        // A zero in front of a start code is the next unit's.
        sets[..end].strip_suffix(&[0]).unwrap_or(&sets[..end]).to_vec()
    }

    fn size(unit: &[u8]) -> u64 {
        let raw = without_prevention(&unit[4..]);
        let mut reader = Reader { bytes: &raw, at: 0 };
        let scale = skip_to_size(&mut reader).unwrap();
        (reader.exponential().unwrap() + 1) << (4 + scale)
    }

    /// x264 asked for the size itself writes the same set.
    #[test]
    fn the_declared_size_is_what_x264_would_have_written() {
        let own = sps(1500, 1500);
        assert_eq!(size(&own), 1_500_000);
        for kbits in [1501, 1690, 2048, 3000, 12_000] {
            let declared = sps(1500, kbits);
            let bits = u64::from(kbits) * 1000;
            assert!((bits..bits + 512).contains(&size(&declared)), "{} for {bits}", size(&declared));
            // Back again: nothing else was changed.
            assert_eq!(declare(&declared, 1_500_000), Some(own.clone()));
        }
        assert_eq!(sps(1500, 3000).len(), sps(3000, 3000).len());
    }

    #[test]
    fn what_has_no_such_buffer_is_left_alone() {
        assert_eq!(declare(&[], 1), None);
        assert_eq!(declare(&[0, 0, 0, 1, 0x68, 1, 2, 3], 1), None);
        let own = sps(1500, 1500);
        for cut in 0..own.len() - 6 {
            declare(&own[..cut], 1_600_000);
        }
    }
}
