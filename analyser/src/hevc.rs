//! Parameter sets of HEVC (ISO/IEC 23008-2 §7.3.2.1, §7.3.2.2, annex E): tier, level and the HRD. Nothing else is kept.

use crate::bits::{Bits, without_emulation};
use crate::buffer_model::{BufferModel, hevc_level};

/// Bit rate in bit/s and CPB size in bits.
pub(crate) type Hrd = (i64, i64);

/// Sub-layers that a stream has at most (§7.4.3.1), less one.
const MOST_SUB_LAYERS: u32 = 6;

/// Pictures in either half of a reference picture set (§7.4.8), at most.
const MOST_REFERENCES: u32 = 16;

/// The HRD of video parameter sets, by their number.
#[derive(Debug, Default)]
pub(crate) struct VideoParameterSets([Option<Hrd>; 16]);

impl VideoParameterSets {
    /// Reads a NAL unit of type 32, its header with it.
    pub(crate) fn read(&mut self, nal: &[u8]) {
        let raw = without_emulation(nal.get(2..).unwrap_or_default());
        let Some(number) = raw.first().map(|first| first >> 4) else { return };
        self.0[usize::from(number)] = video_hrd(&mut Bits::new(&raw));
    }

    /// The buffers that a sequence parameter set asks for, a NAL unit of type 33 with its header; `None` for a level that
    /// is not known. The HRD is that of the set itself, or else of the video parameter set that it refers to; where
    /// there is none, or it cannot be read, the level's limits stand in its place.
    pub(crate) fn model(&self, sequence: &[u8]) -> Option<BufferModel> {
        let raw = without_emulation(sequence.get(2..)?);
        let (&tier, &level) = (raw.get(1)?, raw.get(12)?);
        let (max_br, max_cpb) = hevc_level(level, tier & 0x20 != 0)?;
        let of_video = || self.0[usize::from(raw[0] >> 4)];
        let hrd = sequence_hrd(&mut Bits::new(&raw)).flatten().or_else(of_video);
        Some(BufferModel::hevc(max_br, max_cpb, hrd))
    }
}

/// The HRD of the first operation point of a video parameter set.
fn video_hrd(b: &mut Bits<'_>) -> Option<Hrd> {
    b.skip(12)?;
    let sub_layers = sub_layers(b)?;
    b.skip(17)?;
    skip_profile_tier_level(b, sub_layers)?;
    skip_ordering(b, sub_layers)?;
    let layers = b.u(6)? as usize + 1;
    let further_sets = b.ue()?.min(1023) as usize;
    b.skip(further_sets * layers)?;
    if !b.bit()? {
        return None;
    }
    b.skip(64)?;
    if b.bit()? {
        b.ue()?;
    }
    if b.ue()? == 0 {
        return None;
    }
    b.ue()?;
    hrd(b, sub_layers)?
}

/// The HRD of a sequence parameter set: the outer `None` where it cannot be read.
fn sequence_hrd(b: &mut Bits<'_>) -> Option<Option<Hrd>> {
    b.skip(4)?;
    let sub_layers = sub_layers(b)?;
    b.skip(1)?;
    skip_profile_tier_level(b, sub_layers)?;
    b.ue()?;
    if b.ue()? == 3 {
        b.skip(1)?;
    }
    skip_ue(b, 2)?;
    if b.bit()? {
        skip_ue(b, 4)?;
    }
    skip_ue(b, 2)?;
    let order_bits = b.ue()?.min(12) as usize + 4;
    skip_ordering(b, sub_layers)?;
    skip_ue(b, 6)?;
    if b.bit()? && b.bit()? {
        skip_scaling_lists(b)?;
    }
    b.skip(2)?;
    if b.bit()? {
        b.skip(8)?;
        skip_ue(b, 2)?;
        b.skip(1)?;
    }
    skip_reference_sets(b)?;
    if b.bit()? {
        let long_term = b.ue()?.min(32) as usize;
        b.skip(long_term * (order_bits + 1))?;
    }
    b.skip(2)?;
    if b.bit()? { vui_hrd(b, sub_layers) } else { Some(None) }
}

/// What the usability information ends in, as far as it is wanted (§E.2.1).
fn vui_hrd(b: &mut Bits<'_>, sub_layers: u32) -> Option<Option<Hrd>> {
    b.skip_display()?;
    b.skip(3)?;
    if b.bit()? {
        skip_ue(b, 4)?;
    }
    if !b.bit()? {
        return Some(None);
    }
    b.skip(64)?;
    if b.bit()? {
        b.ue()?;
    }
    if b.bit()? { hrd(b, sub_layers) } else { Some(None) }
}

/// `hrd_parameters( 1, sub_layers )` (§E.2.2): the NAL HRD of the highest sub-layer, of the last of several alternatives,
/// which has the highest rate. `Some(None)` where there is a VCL HRD only.
fn hrd(b: &mut Bits<'_>, sub_layers: u32) -> Option<Option<Hrd>> {
    let (nal, vcl) = (b.bit()?, b.bit()?);
    let (mut by_parts, mut rate_scale, mut size_scale) = (false, 0, 0);
    if nal || vcl {
        by_parts = b.bit()?;
        if by_parts {
            b.skip(19)?;
        }
        (rate_scale, size_scale) = (b.u(4)?, b.u(4)?);
        if by_parts {
            b.skip(4)?;
        }
        b.skip(15)?;
    }
    let mut last = None;
    for _ in 0..=sub_layers {
        let is_fixed = b.bit()? || b.bit()?;
        let is_low_delay = if is_fixed {
            b.ue()?;
            false
        } else {
            b.bit()?
        };
        let alternatives = if is_low_delay { 0 } else { b.ue()?.min(31) };
        for is_nal in [nal, vcl].iter().enumerate().filter(|(_, is_there)| **is_there).map(|(n, _)| n == 0) {
            for _ in 0..=alternatives {
                let (rate, size) = (i64::from(b.ue()?) + 1, i64::from(b.ue()?) + 1);
                if by_parts {
                    skip_ue(b, 2)?;
                }
                b.skip(1)?;
                if is_nal {
                    let figures = (rate << (6 + rate_scale), size << (4 + size_scale));
                    last = Some((figures.0.min(1 << 33), figures.1.min(1 << 33)));
                }
            }
        }
    }
    Some(last)
}

fn sub_layers(b: &mut Bits<'_>) -> Option<u32> {
    b.u(3).filter(|&sub_layers| sub_layers <= MOST_SUB_LAYERS)
}

fn skip_ue(b: &mut Bits<'_>, count: usize) -> Option<()> {
    (0..count).try_for_each(|_| b.ue().map(drop))
}

/// `profile_tier_level( 1, sub_layers )` (§7.3.3).
fn skip_profile_tier_level(b: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    b.skip(96)?;
    if sub_layers == 0 {
        return Some(());
    }
    let mut bits = 0;
    for layer in 0..8 {
        let (profile, level) = (b.bit()?, b.bit()?);
        if layer < sub_layers {
            bits += if profile { 88 } else { 0 } + if level { 8 } else { 0 };
        }
    }
    b.skip(bits)
}

/// How pictures are ordered in each sub-layer, or in the highest alone.
fn skip_ordering(b: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    let told = if b.bit()? { sub_layers as usize + 1 } else { 1 };
    skip_ue(b, 3 * told)
}

/// `scaling_list_data( )` (§7.3.4).
fn skip_scaling_lists(b: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !b.bit()? {
                b.ue()?;
                continue;
            }
            let dc = usize::from(size > 1);
            for _ in 0..dc + 64.min(1 << (4 + 2 * size)) {
                b.se()?;
            }
        }
    }
    Some(())
}

/// The reference picture sets of a sequence (§7.3.7, §7.4.8): what one takes depends on the pictures in the one before.
fn skip_reference_sets(b: &mut Bits<'_>) -> Option<()> {
    // Distances to the pictures before and behind.
    let (mut before, mut behind): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for set in 0..b.ue()?.min(64) {
        if set > 0 && b.bit()? {
            let is_negative = b.bit()?;
            let step = i64::from(b.ue()?) + 1;
            let step = if is_negative { -step } else { step };
            let known = || before.iter().chain(&behind).copied();
            let mut taken = Vec::new();
            // Each picture of the set before, and last the picture that the distances were from.
            for distance in known().chain([0]) {
                if b.bit()? || b.bit()? {
                    taken.push(distance + step);
                }
            }
            before = taken.iter().copied().filter(|&distance| distance < 0).collect();
            behind = taken.iter().copied().filter(|&distance| distance > 0).collect();
            before.sort_unstable_by_key(|distance| -distance);
            behind.sort_unstable();
        } else {
            let (earlier, later) = (b.ue()?, b.ue()?);
            if earlier > MOST_REFERENCES || later > MOST_REFERENCES {
                return None;
            }
            let half = |b: &mut Bits<'_>, count: u32, sign: i64| {
                let mut at = 0;
                let distances = (0..count).map(|_| {
                    at += sign * (i64::from(b.ue()?) + 1);
                    b.skip(1)?;
                    Some(at)
                });
                distances.collect::<Option<Vec<i64>>>()
            };
            before = half(b, earlier, -1)?;
            behind = half(b, later, 1)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;

    /// Main profile, main tier, level 3.1.
    fn profile_tier_level(w: &mut BitWriter, sub_layers: u32) {
        w.u(2, 0).u(1, 0).u(5, 1).u(32, 0x6000_0000).u(32, 0x9000_0000).u(16, 0).u(8, 93);
        if sub_layers > 0 {
            for layer in 0..8 {
                w.u(2, if layer < sub_layers { 3 } else { 0 });
            }
            for _ in 0..sub_layers {
                w.u(32, 1).u(32, 2).u(24, 3).u(8, 90);
            }
        }
    }

    /// An HRD whose sub-layers differ, the highest of 2 Mb/s and 1 Mbit; `parts` for decoding units too.
    fn hrd_parameters(w: &mut BitWriter, sub_layers: u32, (nal, vcl, parts): (bool, bool, bool)) {
        w.u(1, nal.into()).u(1, vcl.into());
        if nal || vcl {
            w.u(1, parts.into());
            if parts {
                w.u(19, 0x5_5555);
            }
            w.u(4, 2).u(4, 4);
            if parts {
                w.u(4, 9);
            }
            w.u(15, 0x7FFF);
        }
        for layer in 0..=sub_layers {
            // A fixed rate in general, with two alternatives; within the sequence; none, with low delay; none.
            let alternatives = match layer {
                0 => {
                    w.u(1, 1).ue(0).ue(1);
                    2
                }
                1 => {
                    w.u(2, 1).ue(3).ue(0);
                    1
                }
                2 => {
                    w.u(2, 0).u(1, 1);
                    1
                }
                _ => {
                    w.u(2, 0).u(1, 0).ue(0);
                    1
                }
            };
            for (is_there, bps, bits) in [(nal, 2_000_128, 1_000_192), (vcl, 700_160, 500_224)] {
                for alternative in (0..if is_there { alternatives } else { 0 }).rev() {
                    // Lower sub-layers and other alternatives have less.
                    let less = 256 * (sub_layers - layer + alternative);
                    w.ue(bps / 256 - 1 - less).ue(bits / 256 - 1 - less);
                    if parts {
                        w.ue(7).ue(8);
                    }
                    w.u(1, 0);
                }
            }
        }
    }

    type Told = Option<(u32, (bool, bool, bool))>;

    /// A sequence parameter set with all that may stand in front of the HRD, or none of it.
    fn sequence(full: bool, sub_layers: u32, told: Told) -> Vec<u8> {
        let mut w = BitWriter::default();
        let flag = u32::from(full);
        w.u(16, 0x4201).u(4, 5).u(3, sub_layers).u(1, 1);
        profile_tier_level(&mut w, sub_layers);
        w.ue(0).ue(if full { 3 } else { 1 });
        if full {
            w.u(1, 0);
        }
        w.ue(1280).ue(720).u(1, flag);
        if full {
            w.ue(0).ue(1).ue(2).ue(3);
        }
        w.ue(0).ue(0).ue(4).u(1, flag);
        for _ in 0..if full { sub_layers + 1 } else { 1 } {
            w.ue(4).ue(2).ue(5);
        }
        w.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0).u(1, flag);
        if full {
            // Scaling lists: a reference, then coefficients of each size.
            w.u(1, 1);
            for size in 0..4 {
                for matrix in 0..if size == 3 { 2 } else { 6 } {
                    if matrix == 1 {
                        w.u(1, 0).ue(0);
                        continue;
                    }
                    w.u(1, 1);
                    for n in 0..[16, 64, 65, 65][size] {
                        w.ue(n % 5);
                    }
                }
            }
        }
        w.u(2, 0).u(1, flag);
        if full {
            w.u(8, 0x77).ue(0).ue(2).u(1, 0);
        }
        if full {
            // -1, -3 | 2; of it by -1: -1-1, (2-1), -1 alone taken; of that by 2, one falls onto the picture itself.
            w.ue(4).ue(2).ue(1).ue(0).u(1, 1).ue(1).u(1, 1).ue(1).u(1, 0);
            w.u(1, 1).u(1, 1).ue(0).u(1, 1).u(2, 0).u(2, 1).u(1, 1);
            w.u(1, 1).u(1, 0).ue(1).u(1, 1).u(1, 1).u(1, 1).u(1, 1);
            w.u(1, 1).u(1, 0).ue(0).u(1, 1).u(2, 0).u(1, 1).u(1, 1);
        } else {
            w.ue(0);
        }
        w.u(1, flag);
        if full {
            w.ue(2).u(8, 1).u(1, 1).u(8, 2).u(1, 0);
        }
        w.u(2, 3).u(1, told.is_some().into());
        if let Some((layers, kinds)) = told {
            w.u(1, flag);
            if full {
                w.u(8, 255).u(32, 0x0010_0010);
            }
            w.u(1, flag);
            if full {
                w.u(1, 0);
            }
            w.u(1, flag);
            if full {
                w.u(4, 0xA).u(1, 1).u(24, 0x01_0101);
            }
            w.u(1, flag);
            if full {
                w.ue(0).ue(1);
            }
            w.u(3, 0).u(1, flag);
            if full {
                w.ue(0).ue(1).ue(0).ue(1);
            }
            w.u(1, 1).u(32, 1).u(32, 25).u(1, flag);
            if full {
                w.ue(0);
            }
            w.u(1, 1);
            hrd_parameters(&mut w, layers, kinds);
        }
        w.u(8, 0x80);
        w.bytes()
    }

    fn video(number: u32, sub_layers: u32, kinds: (bool, bool, bool)) -> Vec<u8> {
        let mut w = BitWriter::default();
        w.u(16, 0x4001).u(4, number).u(2, 3).u(6, 0).u(3, sub_layers).u(1, 1).u(16, 0xFFFF);
        profile_tier_level(&mut w, sub_layers);
        w.u(1, 0).ue(4).ue(2).ue(5).u(6, 1).ue(2).u(4, 0x9);
        w.u(1, 1).u(32, 1).u(32, 25).u(1, 1).ue(0).ue(1).ue(0);
        hrd_parameters(&mut w, sub_layers, kinds);
        w.u(8, 0x80);
        w.bytes()
    }

    fn escaped(nal: &[u8]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for &byte in nal {
            if byte < 4 && out.ends_with(&[0, 0]) {
                out.push(3);
            }
            out.push(byte);
        }
        out
    }

    /// Drain and EB of a sequence on its own.
    fn figures(sets: &VideoParameterSets, nal: &[u8]) -> (i64, i64) {
        let model = sets.model(&escaped(nal)).expect("a level");
        (model.rx, model.eb)
    }

    const DECLARED: (i64, i64) = (2_000_128 * 11 / 10, 125_024);
    const OF_LEVEL: (i64, i64) = (11_000_000, 1_375_000);

    #[test]
    fn the_hrd_is_found_behind_whatever_stands_in_front() {
        let sets = VideoParameterSets::default();
        for full in [false, true] {
            for layers in [0, 1, 2, 3, 6] {
                for parts in [false, true] {
                    for vcl in [false, true] {
                        let nal = sequence(full, layers, Some((layers, (true, vcl, parts))));
                        assert_eq!(figures(&sets, &nal), DECLARED, "{full} {layers} {parts} {vcl}");
                    }
                }
                // A VCL HRD is none of the byte stream's.
                let nal = sequence(full, layers, Some((layers, (false, true, false))));
                assert_eq!(figures(&sets, &nal), OF_LEVEL);
                let nal = sequence(full, layers, Some((layers, (false, false, false))));
                assert_eq!(figures(&sets, &nal), OF_LEVEL);
                assert_eq!(figures(&sets, &sequence(full, layers, None)), OF_LEVEL);
            }
        }
    }

    /// That of the video parameter set counts where the sequence has none, and only if it is the one referred to.
    #[test]
    fn the_video_parameter_set_stands_in() {
        for layers in [0, 2] {
            let mut sets = VideoParameterSets::default();
            sets.read(&escaped(&video(4, layers, (true, false, false))));
            assert_eq!(figures(&sets, &sequence(true, layers, None)), OF_LEVEL);
            sets.read(&escaped(&video(5, layers, (true, true, true))));
            assert_eq!(figures(&sets, &sequence(true, layers, None)), DECLARED);
            let mut smaller = VideoParameterSets::default();
            smaller.0[5] = Some((1_000, 8_000));
            let own = sequence(true, layers, Some((layers, (true, false, false))));
            assert_eq!(figures(&smaller, &own), DECLARED);
            assert_eq!(figures(&smaller, &sequence(false, layers, None)), (1_100, 1_000));
            // A later one without takes it back.
            sets.read(&escaped(&video(5, layers, (false, true, false))));
            assert_eq!(figures(&sets, &sequence(true, layers, None)), OF_LEVEL);
        }
    }

    #[test]
    fn noise_and_short() {
        let (whole, of_video) =
            (sequence(true, 3, Some((3, (true, true, true)))), video(5, 2, (true, true, true)));
        let mut sets = VideoParameterSets::default();
        for length in 0..whole.len() {
            let _ = sets.model(&whole[..length]);
            sets.read(&of_video[..length.min(of_video.len())]);
            for byte in [0x00, 0x55, 0xFF] {
                let noise = [&whole[..length], &vec![byte; 200][..]].concat();
                let _ = sets.model(&noise);
                sets.read(&noise);
            }
        }
        assert!(sets.model(&whole[..14]).is_none());
        assert_eq!(sets.model(&whole[..16]).map(|model| model.rx), Some(OF_LEVEL.0));
    }
}
