//! Start codes (ISO/IEC 14496-10 annex B, 13818-2 §6.2.1) in a stream that comes in pieces, and the first bytes
//! behind each.

/// Bytes kept behind a start code at most: enough for a sequence parameter set.
pub(crate) const KEPT: usize = 512;

/// Finds start codes.
#[derive(Debug, Default)]
pub(crate) struct StartCodes {
    /// Zero bytes at the end of what has come, at most 3.
    zeros: u8,
    /// Where the code under way begins, its leading zero byte with it.
    at: u64,
    unit: Vec<u8>,
    /// Bytes wanted behind it; 0 when it has been told.
    want: usize,
}

impl StartCodes {
    /// Bytes were lost.
    pub(crate) fn lose(&mut self) {
        self.zeros = 0;
        self.want = 0;
        self.unit.clear();
    }

    /// Takes bytes, the first of which is number `position` of the stream. `want` tells how many bytes are
    /// wanted behind a code from the first of them; `told` gets each code's place and bytes.
    #[inline]
    pub(crate) fn push(
        &mut self,
        position: u64,
        bytes: &[u8],
        want: impl Fn(u8) -> usize,
        mut told: impl FnMut(u64, &[u8]),
    ) {
        let zeros = self.zeros;
        // A code that began before these bytes.
        let spanning = match bytes {
            [1, ..] if zeros >= 2 => Some((1, 2)),
            [0, 1, ..] if zeros >= 1 => Some((2, 1)),
            _ => None,
        };
        let mut from = 0;
        if let Some((behind, before)) = spanning {
            self.end(&mut told);
            let lead = u64::from(zeros > before);
            self.begin(position.saturating_sub(u64::from(before) + lead));
            from = behind;
        }
        loop {
            let code = find(bytes, from);
            let until = code.unwrap_or(bytes.len());
            if self.want > 0 {
                self.keep(&bytes[from..until], &want, &mut told);
            }
            let Some(code) = code else { break };
            self.end(&mut told);
            let lead = if code > 0 { bytes[code - 1] == 0 } else { zeros >= 1 };
            self.begin((position + code as u64).saturating_sub(u64::from(lead)));
            from = code + 3;
        }
        let tail = bytes.iter().rev().take(3).take_while(|&&b| b == 0).count();
        self.zeros = if tail == bytes.len() { (tail as u8 + zeros).min(3) } else { tail as u8 };
    }

    fn begin(&mut self, at: u64) {
        self.at = at;
        self.unit.clear();
        self.want = 1;
    }

    fn keep(&mut self, bytes: &[u8], want: impl Fn(u8) -> usize, told: &mut impl FnMut(u64, &[u8])) {
        let Some(&first) = self.unit.first().or(bytes.first()) else { return };
        self.want = want(first).clamp(1, KEPT);
        let missing = self.want.saturating_sub(self.unit.len()).min(bytes.len());
        self.unit.extend_from_slice(&bytes[..missing]);
        if self.unit.len() >= self.want {
            self.end(told);
        }
    }

    fn end(&mut self, told: &mut impl FnMut(u64, &[u8])) {
        if self.want > 0 && !self.unit.is_empty() {
            told(self.at, &self.unit);
        }
        self.want = 0;
    }
}

/// The first `00 00 01` from `from` on.
#[inline]
fn find(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = from;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().expect("8 bytes"));
        // Most words have no zero byte.
        if word.wrapping_sub(ONES) & !word & (ONES << 7) != 0
            && let Some(found) = find_slowly(bytes, at, at + 8)
        {
            return Some(found);
        }
        at += 8;
    }
    find_slowly(bytes, at, bytes.len())
}

fn find_slowly(bytes: &[u8], from: usize, until: usize) -> Option<usize> {
    (from..until).find(|&at| bytes[at] == 0 && bytes.get(at + 1..at + 3) == Some(&[0, 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_cut() {
        let stream = [
            &[0, 0, 0, 1, 9, 16, 0, 0, 1, 6, 5, 5, 0, 0, 0, 0, 1, 0x67, 1, 2, 3, 4][..],
            &[8; 40],
            &[0, 0, 1, 0x41, 0x9A, 0, 0, 3, 1, 0, 0, 0, 1, 9],
        ]
        .concat();
        let all = |cut: usize| {
            let (mut codes, mut told) = (StartCodes::default(), Vec::new());
            let mut position = 0;
            for piece in stream.chunks(cut) {
                codes.push(
                    position,
                    piece,
                    |first| if first == 0x67 { 4 } else { 2 },
                    |at, unit| told.push((at, unit.to_vec())),
                );
                position += piece.len() as u64;
            }
            told
        };
        let expected =
            vec![(0, vec![9, 16]), (6, vec![6, 5]), (13, vec![0x67, 1, 2, 3]), (62, vec![0x41, 0x9A])];
        for cut in 1..=stream.len() {
            assert_eq!(all(cut), expected, "pieces of {cut}");
        }
    }
}
