//! Sequence parameter sets of AVC (ISO/IEC 14496-10 §7.3.2.1, annex E): level, NAL HRD, timing, and what is
//! needed to tell a field.

use crate::bits::{Bits, without_emulation};
use crate::buffer_model::{AvcLevel, BufferModel};

/// What a sequence parameter set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sps {
    /// The T-STD's buffers; None for a level that is not known.
    pub(crate) model: Option<BufferModel>,
    /// Duration of a field in seconds as a ratio.
    pub(crate) field: Option<(u32, u32)>,
    pub(crate) frames_only: bool,
    frame_num_bits: u32,
    colour_planes: bool,
}

impl Sps {
    /// Reads a NAL unit of type 7, its header byte with it.
    pub(crate) fn read(nal: &[u8]) -> Option<Sps> {
        let raw = without_emulation(nal.get(1..)?);
        let mut b = Bits::new(&raw);
        let profile = b.u(8)?;
        let constraints = b.u(8)?;
        let level = b.u(8)? as u8;
        b.ue()?;
        let high =
            matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135);
        let mut colour_planes = false;
        if high {
            let chroma = b.ue()?;
            if chroma == 3 {
                colour_planes = b.bit()?;
            }
            b.ue()?;
            b.ue()?;
            b.skip(1)?;
            if b.bit()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if b.bit()? {
                        skip_scaling_list(&mut b, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_num_bits = b.ue()?.min(12) + 4;
        match b.ue()? {
            0 => {
                b.ue()?;
            }
            1 => {
                b.skip(1)?;
                b.se()?;
                b.se()?;
                for _ in 0..b.ue()?.min(255) {
                    b.se()?;
                }
            }
            _ => {}
        }
        b.ue()?;
        b.skip(1)?;
        b.ue()?;
        b.ue()?;
        let frames_only = b.bit()?;
        if !frames_only {
            b.skip(1)?;
        }
        b.skip(1)?;
        if b.bit()? {
            for _ in 0..4 {
                b.ue()?;
            }
        }
        let (field, hrd) = if b.bit()? { vui(&mut b)? } else { (None, None) };
        // Level 1b is level_idc 11 with constraint_set3_flag in the profiles without an own code for it.
        let level = if level == 11 && constraints & 0x10 != 0 && !high { 9 } else { level };
        let factor = match profile {
            100 => 1500,
            110 => 3600,
            122 | 244 | 44 => 4800,
            _ => 1200,
        };
        let model = AvcLevel::of(level).map(|level| BufferModel::avc(level, factor, hrd));
        Some(Sps { model, field, frames_only, frame_num_bits, colour_planes })
    }

    /// Whether a slice, from its NAL header byte on, is of a field.
    pub(crate) fn is_field(&self, slice: &[u8]) -> Option<bool> {
        if self.frames_only {
            return Some(false);
        }
        let raw = without_emulation(slice.get(1..)?);
        let mut b = Bits::new(&raw);
        b.ue()?;
        b.ue()?;
        b.ue()?;
        if self.colour_planes {
            b.skip(2)?;
        }
        b.u(self.frame_num_bits)?;
        b.bit()
    }
}

type Timing = (Option<(u32, u32)>, Option<(i64, i64)>);

fn vui(b: &mut Bits<'_>) -> Option<Timing> {
    b.skip_display()?;
    let mut field = None;
    if b.bit()? {
        let (tick, scale) = (b.u(32)?, b.u(32)?);
        b.skip(1)?;
        field = (tick > 0 && scale > 0).then_some((tick, scale));
    }
    let hrd = if b.bit()? { Some(hrd(b)?) } else { None };
    Some((field, hrd))
}

/// Bit rate and CPB size in bits of the last alternative, which has the highest rate.
fn hrd(b: &mut Bits<'_>) -> Option<(i64, i64)> {
    let count = b.ue()?.min(31);
    let (rate_scale, size_scale) = (b.u(4)?, b.u(4)?);
    let mut last = (0, 0);
    for _ in 0..=count {
        let (rate, size) = (i64::from(b.ue()?) + 1, i64::from(b.ue()?) + 1);
        last = ((rate << (6 + rate_scale)).min(1 << 33), (size << (4 + size_scale)).min(1 << 33));
        b.skip(1)?;
    }
    Some(last)
}

fn skip_scaling_list(b: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(b.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;

    /// Main profile, level 3.1, 1280x720, 30 frames a second, with NAL HRD of 4 Mb/s and 4 Mbit.
    fn sps(frames_only: bool) -> Vec<u8> {
        let mut w = BitWriter::default();
        w.u(8, 0x67).u(8, 77).u(8, 0).u(8, 31).ue(0).ue(0).ue(2).ue(1).u(1, 0).ue(79).ue(44);
        w.u(1, frames_only.into());
        if !frames_only {
            w.u(1, 0);
        }
        w.u(1, 1).u(1, 0).u(1, 1);
        w.u(4, 0).u(1, 1).u(32, 1).u(32, 60).u(1, 1);
        w.u(1, 1).ue(0).u(4, 4).u(4, 4).ue(4_000_000 / 1024 - 1).ue(4_000_000 / 256 - 1).u(1, 0).u(20, 0);
        w.u(8, 0x80);
        w.bytes()
    }

    #[test]
    fn parameter_sets() {
        let read = Sps::read(&sps(true)).expect("a parameter set");
        let model = read.model.expect("a level");
        assert_eq!((model.rx, model.eb), (4_000_000 / 1024 * 1024 * 12 / 10, 500_000));
        assert_eq!((read.field, read.frames_only), (Some((1, 60)), true));
        let fields = Sps::read(&sps(false)).expect("a parameter set");
        // first_mb 0, slice_type 5, parameter set 0, frame_num 7 of 4 bits, field_pic_flag.
        let slice =
            |field| BitWriter::default().u(8, 0x41).ue(0).ue(5).ue(0).u(4, 7).u(1, field).u(16, 1).bytes();
        assert_eq!((fields.is_field(&slice(1)), fields.is_field(&slice(0))), (Some(true), Some(false)));
        assert_eq!(read.is_field(&slice(1)), Some(false));
    }

    #[test]
    fn noise_and_short() {
        for length in 0..40 {
            let _ = Sps::read(&vec![0x67; length]);
            let _ = Sps::read(&vec![0xFF; length]);
            assert_eq!(Sps::read(&sps(true)[..length.min(20)]), None);
        }
    }
}
