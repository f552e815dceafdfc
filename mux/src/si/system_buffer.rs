//! The transport buffer of system information, TBsys: 512 bytes that drain at 1 Mb/s
//! (ISO/IEC 13818-1 §2.4.2.3), here shared by every PID of the carousel, which is the harder case.
//!
//! A packet counts whole from the instant it departs. A byte drains in 216 ticks of 27 MHz, so that
//! fill is counted in ticks and never rounded.

use crate::packet::PACKET_SIZE;

/// Ticks in which one byte drains.
const TICKS_PER_BYTE: i64 = 216;

const PACKET_TICKS: i64 = PACKET_SIZE as i64 * TICKS_PER_BYTE;

const SIZE_TICKS: i64 = 512 * TICKS_PER_BYTE;

/// How full the buffer is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemBuffer {
    /// When it will be empty.
    empty_at: i64,
}

impl SystemBuffer {
    pub(crate) const EMPTY: SystemBuffer = SystemBuffer { empty_at: i64::MIN };

    /// From when on a packet fits.
    pub(crate) fn fits_from(self) -> i64 {
        self.empty_at.saturating_sub(SIZE_TICKS - PACKET_TICKS)
    }

    /// From when on a packet leaves room for another behind it: tables that are not urgent wait for this, so
    /// that PAT and PMT never do for long. The packets of a long section are twice as far apart as they
    /// need be, for receivers that take the rate between two PCRs for constant.
    pub(crate) fn empty_from(self) -> i64 {
        self.empty_at.saturating_add(PACKET_TICKS)
    }

    /// A packet departs.
    pub(crate) fn add(&mut self, at: i64) {
        self.empty_at = self.empty_at.max(at) + PACKET_TICKS;
        debug_assert!(self.empty_at - at <= SIZE_TICKS, "TBsys overflows at {at}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_packets_fit_and_the_third_waits() {
        let mut buffer = SystemBuffer::EMPTY;
        assert_eq!(buffer.fits_from(), i64::MIN);
        buffer.add(1_000);
        assert_eq!((buffer.fits_from(), buffer.empty_from()), (1_000 + 40_608 - 69_984, 82_216));
        buffer.add(1_000);
        // 564 bytes less 512 drain in 11,232 ticks.
        assert_eq!(buffer.fits_from(), 1_000 + 11_232);
        assert_eq!(buffer.empty_from(), 1_000 + 81_216 + 40_608);
    }
}
