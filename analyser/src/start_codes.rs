//! Start codes 00 00 01 in a byte stream that comes in pieces (ISO/IEC 14496-10 annex B, 13818-2 §6.2.1).

/// Longest parameter set kept; the rest of a longer one is not needed.
const LONGEST_KEPT: usize = 1024;
/// Bytes looked at together for a zero.
const LANE: usize = 32;

/// A start code and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its first byte, a `zero_byte` before it with it.
    pub(crate) at: u64,
    /// The first bytes behind it.
    pub(crate) head: [u8; 3],
}

/// Finds start codes.
#[derive(Debug, Default)]
pub(crate) struct StartCodes {
    zeros: u64,
    /// Bytes still wanted of the newest start code's head.
    wanted: usize,
    head_size: usize,
    found: Option<Start>,
    kept: Vec<u8>,
    keeping: bool,
}

/// What the finder is told of a start code.
pub(crate) enum Keep {
    /// The bytes behind it are of no interest.
    No,
    /// They are wanted until the next start code that is not kept with them.
    Yes,
    /// The bytes go on belonging to what is kept.
    GoOn,
}

impl StartCodes {
    /// A finder that tells `head_size` bytes behind each start code, at most three.
    pub(crate) fn new(head_size: usize) -> StartCodes {
        StartCodes { head_size, ..StartCodes::default() }
    }

    /// Forgets what it was in the middle of.
    pub(crate) fn lose(&mut self) {
        *self = StartCodes::new(self.head_size);
    }

    /// Looks through `data`, whose first byte is at `position`. `found` hears of each start code and, when
    /// one ends that was kept, its bytes behind the start code.
    #[inline]
    pub(crate) fn push(&mut self, data: &[u8], position: u64, mut found: impl FnMut(Heard<'_>) -> Keep) {
        let mut at = 0;
        while at < data.len() {
            if self.zeros == 0 && self.wanted == 0 {
                let next = at + quiet(&data[at..]);
                self.keep(&data[at..next]);
                at = next;
                if at == data.len() {
                    return;
                }
            }
            self.byte(data[at], position + at as u64, &mut found);
            at += 1;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.keeping {
            let room = LONGEST_KEPT - self.kept.len();
            self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn byte(&mut self, byte: u8, at: u64, found: &mut impl FnMut(Heard<'_>) -> Keep) {
        self.keep(&[byte]);
        if self.wanted > 0
            && let Some(start) = &mut self.found
        {
            start.head[self.head_size - self.wanted] = byte;
            self.wanted -= 1;
            if self.wanted == 0 {
                let start = *start;
                self.heard(start, found);
            }
        }
        if byte == 0 {
            self.zeros += 1;
            return;
        }
        if byte == 1 && self.zeros >= 2 {
            if self.wanted > 0
                && let Some(start) = self.found
            {
                // Another start code so soon: what has been read of the head is all there is.
                self.heard(start, found);
            }
            self.found = Some(Start { at: at - self.zeros.min(3), head: [0; 3] });
            self.wanted = self.head_size;
        }
        self.zeros = 0;
    }

    fn heard(&mut self, start: Start, found: &mut impl FnMut(Heard<'_>) -> Keep) {
        match found(Heard::Start(start)) {
            Keep::GoOn => {}
            keep => {
                if self.keeping {
                    found(Heard::Kept(&self.kept));
                    self.keeping = false;
                    self.kept.clear();
                }
                if matches!(keep, Keep::Yes) {
                    self.kept.extend_from_slice(&start.head[..self.head_size]);
                    self.keeping = true;
                }
            }
        }
    }
}

/// What the finder tells.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    Start(Start),
    /// Bytes that were to be kept, perhaps with the next start code's at their end.
    Kept(&'a [u8]),
}

/// How many bytes come before the first zero.
#[inline]
fn quiet(data: &[u8]) -> usize {
    let mut at = 0;
    for lane in data.chunks_exact(LANE) {
        if lane.iter().fold(false, |zero, &b| zero | (b == 0)) {
            break;
        }
        at += LANE;
    }
    at + data[at..].iter().position(|&b| b == 0).unwrap_or(data.len() - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(data: &[u8], cut: usize) -> (Vec<(u64, u8)>, Vec<Vec<u8>>) {
        let (mut codes, mut position) = (StartCodes::new(2), 100);
        let (mut got, mut kept) = (Vec::new(), Vec::new());
        for piece in data.chunks(cut) {
            codes.push(piece, position, |heard| match heard {
                Heard::Start(start) => {
                    got.push((start.at, start.head[0]));
                    if start.head[0] == 7 { Keep::Yes } else { Keep::No }
                }
                Heard::Kept(bytes) => {
                    kept.push(bytes.to_vec());
                    Keep::No
                }
            });
            position += piece.len() as u64;
        }
        (got, kept)
    }

    #[test]
    fn codes_in_any_pieces() {
        let mut data = vec![0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 7, 5, 6, 0, 0, 3, 1, 0, 0, 0, 0, 1, 8, 4];
        data.extend([0x55; 100]);
        data.extend([0, 0, 1, 0x65, 1, 2]);
        let (whole, kept) = starts(&data, 1000);
        assert_eq!(whole, [(100, 9), (106, 7), (117, 8), (223, 0x65)]);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].starts_with(&[7, 5, 6, 0, 0, 3, 1, 0]), "{kept:?}");
        for cut in 1..40 {
            assert_eq!(starts(&data, cut), (whole.clone(), kept.clone()), "{cut}");
        }
    }

    #[test]
    fn noise() {
        let data: Vec<u8> = (0..5000u32).map(|n| (n * n >> 3) as u8 & 1).collect();
        for cut in [1, 3, 33, 5000] {
            assert_eq!(starts(&data, cut), starts(&data, 7));
        }
    }
}
