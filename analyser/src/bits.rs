//! Bits of a NAL unit's payload: fixed and Exp-Golomb codes (ISO/IEC 14496-10 §7.2, §9.1), with the
//! emulation prevention bytes taken out.

/// A reader of bits, most significant first.
#[derive(Debug, Clone)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit != 0)
    }

    /// `u(count)`, at most 32 bits.
    pub(crate) fn u(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// `ue(v)`.
    pub(crate) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.u(zeros)?;
        Some((1u32 << zeros) - 1 + rest)
    }

    /// `se(v)`.
    pub(crate) fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let half = i32::try_from(code / 2 + code % 2).ok()?;
        Some(if code % 2 == 1 { half } else { -half })
    }

    /// What the usability information of AVC and HEVC alike begins with: shape of the samples, overscan, colours and
    /// where the chroma stands (ISO/IEC 14496-10 and 23008-2, §E.2.1).
    pub(crate) fn skip_display(&mut self) -> Option<()> {
        if self.bit()? && self.u(8)? == 255 {
            self.skip(32)?;
        }
        if self.bit()? {
            self.skip(1)?;
        }
        if self.bit()? {
            self.skip(4)?;
            if self.bit()? {
                self.skip(24)?;
            }
        }
        if self.bit()? {
            self.ue()?;
            self.ue()?;
        }
        Some(())
    }
}

/// The raw byte sequence payload: `nal` without its emulation prevention bytes.
pub(crate) fn without_emulation(nal: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        raw.push(byte);
    }
    raw
}

/// Writes bits, for parameter sets made by hand.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct BitWriter(Vec<bool>);

#[cfg(test)]
impl BitWriter {
    pub(crate) fn u(&mut self, count: u32, value: u32) -> &mut Self {
        self.0.extend((0..count).rev().map(|n| value >> n & 1 != 0));
        self
    }

    pub(crate) fn ue(&mut self, value: u32) -> &mut Self {
        let bits = (value + 1).ilog2();
        self.u(bits, 0).u(bits + 1, value + 1)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|c| (0..8).fold(0, |n, i| n << 1 | u8::from(c.get(i) == Some(&true)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([bits.ue(), bits.ue(), bits.ue(), bits.ue()], [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!((bits.se(), bits.bit()), (Some(-2), Some(false)));
        assert_eq!(Bits::new(&[0; 8]).ue(), None);
        assert_eq!(without_emulation(&[1, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [1, 0, 0, 1, 0, 0, 0, 0]);
    }
}
