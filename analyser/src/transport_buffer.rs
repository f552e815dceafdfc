//! TBn and TBsys of the T-STD (ISO/IEC 13818-1 §2.4.2.3): whole packets enter byte by byte as they arrive,
//! and leave byte by byte at Rx.

use crate::instant::{BYTE, PER_SECOND};

/// Bytes that a transport buffer holds.
pub(crate) const TB_SIZE: i64 = 512;
/// Rounding of an arrival is far under a bit; a buffer is over when a bit more than its size is in it.
pub(crate) const BIT: i64 = BYTE / 8;
/// A whole packet as a level.
const PACKET_LEVEL: i64 = 188 * BYTE;
/// No level is followed beyond this, for the arithmetic's sake.
const MOST: i64 = 16_000_000 * BYTE;

/// A transport buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransportBuffer {
    level: i64,
    at: i64,
    empty_at: Option<i64>,
    /// The most that was in it.
    pub(crate) peak: i64,
    /// Packets that found it too full.
    pub(crate) over: u64,
}

/// A packet on its way through: when its bytes leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    /// Arrival of the first and of the last byte.
    first: i64,
    last: i64,
    /// What was before it.
    ahead: i64,
    rx: i64,
    /// The level behind its last byte.
    pub(crate) level: i64,
    /// The most while it entered.
    pub(crate) peak: i64,
    pub(crate) overflow: bool,
    /// Not empty for longer than a second.
    pub(crate) stale: bool,
}

impl TransportBuffer {
    /// Forgets what is in it; its peak stays.
    pub(crate) fn reset(&mut self) {
        self.level = 0;
        self.empty_at = None;
    }

    /// A packet whose bytes arrive from `first` to `last`, evenly, while it drains at `rx` bit/s.
    #[inline]
    pub(crate) fn enter(&mut self, rx: i64, first: i64, last: i64) -> Passage {
        let rx = rx.max(1);
        let drained = rx.saturating_mul((first - self.at).max(0));
        let ahead = self.level.saturating_sub(drained).max(0);
        let last = last.max(first);
        let behind = (ahead + PACKET_LEVEL).saturating_sub(rx.saturating_mul(last - first));
        // A byte that finds it empty is alone in it.
        let level = behind.clamp(BYTE, MOST);
        let peak = level.max(ahead + BYTE);
        let empty_at = match self.empty_at {
            Some(at) if ahead > 0 => at,
            _ => first,
        };
        let stale = first - empty_at > PER_SECOND;
        self.empty_at = Some(if stale || behind <= BYTE { last } else { empty_at });
        self.level = level;
        self.at = last;
        self.peak = self.peak.max(peak);
        let overflow = peak > TB_SIZE * BYTE + BIT;
        self.over += u64::from(overflow);
        Passage { first, last, ahead, rx, level, peak, overflow, stale }
    }
}

impl Passage {
    /// When the first `bytes` of the packet have left; at least one.
    #[inline]
    pub(crate) fn left(&self, bytes: i64) -> i64 {
        let queued = self.first + (self.ahead + bytes * BYTE) / self.rx;
        let arrived = self.first + self.arrives_after(bytes) + BYTE / self.rx;
        queued.max(arrived)
    }

    /// When byte number `bytes`, from one, arrives after the first.
    fn arrives_after(&self, bytes: i64) -> i64 {
        let span = self.last - self.first;
        match span.checked_mul(bytes - 1) {
            Some(product) => product / 187,
            None => span / 187 * (bytes - 1),
        }
    }

    /// Bytes that leave at Rx because others are before them; the rest leaves as it arrives.
    pub(crate) fn queued(&self) -> i64 {
        // Bytes n with ahead + n * BYTE > rx * (n - 1) * d + BYTE, where d = span / 187.
        let span = i128::from(self.last - self.first) * i128::from(self.rx);
        let relief = span - 187 * i128::from(BYTE);
        if relief <= 0 {
            return 188;
        }
        let queued = (187 * i128::from(self.ahead) / relief) + 1;
        i64::try_from(queued).unwrap_or(188).min(188)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte, as the standard tells it: the most in the buffer, and when each byte has left.
    fn slow(rx: i64, arrivals: &[i64]) -> (i64, Vec<i64>) {
        let (mut peak, mut exits, mut free) = (0, Vec::new(), 0i128);
        for &at in arrivals {
            let at = i128::from(at) * i128::from(rx);
            free = free.max(at) + i128::from(BYTE);
            exits.push((free / i128::from(rx)) as i64);
            peak = peak.max((free - at) as i64);
        }
        (peak, exits)
    }

    #[test]
    fn same_as_byte_by_byte() {
        let cases = [
            (2_000_000, 5_000),
            (2_000_000, 27_600),
            (2_000_000, 27_649),
            (2_000_000, 60_000),
            (4_800_000, 11_000),
        ];
        for (rx, d) in cases {
            let (mut buffer, mut arrivals, mut exits) = (TransportBuffer::default(), Vec::new(), Vec::new());
            let mut at = 1_000_000i64;
            for gap in [0, 0, 0, 400_000, 7_000_000, 0, 100] {
                at += gap;
                let passage = buffer.enter(rx, at, at + 187 * d);
                arrivals.extend((0..188).map(|n| at + n * d));
                exits.extend((1..=188).map(|n| passage.left(n)));
                at += 188 * d;
            }
            let (peak, expected) = slow(rx, &arrivals);
            assert!((peak - buffer.peak).abs() <= rx, "{rx} {d}: {peak} {}", buffer.peak);
            for (n, (a, b)) in exits.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() <= 2, "{rx} {d} byte {n}: {a} {b}");
            }
        }
    }

    /// The most in the buffer in bytes after `packets` back to back, and whether it was over.
    fn burst(packets: i64, rate: i64, rx: i64) -> (i64, bool) {
        let at = |byte: i64| (i128::from(byte) * i128::from(BYTE) / i128::from(rate)) as i64;
        let mut buffer = TransportBuffer::default();
        for n in 0..packets {
            buffer.enter(rx, at(n * 188), at(n * 188 + 187));
        }
        (buffer.peak / BYTE, buffer.over > 0)
    }

    #[test]
    fn bursts() {
        // 11 Mb/s into 2 Mb/s: three packets hold 461 bytes, four 615.
        assert_eq!(burst(3, 11_000_000, 2_000_000), (461, false));
        assert_eq!(burst(4, 11_000_000, 2_000_000), (615, true));
        assert_eq!(burst(10_000, 2_000_000, 2_000_000), (1, false));
        // A thousandth over Rx gains a fifth of a byte a packet.
        assert!(!burst(2000, 2_002_000, 2_000_000).1);
        assert!(burst(3000, 2_002_000, 2_000_000).1);
        // Had packets to be whole before they leave, three of these would make 564.
        assert!(!burst(3, 3_000_000, 1_000_000).1);
    }
}
