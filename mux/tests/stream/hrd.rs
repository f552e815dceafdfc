//! The hypothetical reference decoder of an encoder that makes pictures up (ISO/IEC 14496-10 §C.1.1): when each enters
//! its buffer.

use retrovue_mux::CpbArrival;
use retrovue_timebase::Ticks27M;

#[derive(Debug, Clone)]
pub(crate) struct Hrd {
    bps: u64,
    cpb_bits: u64,
    /// What is in the buffer when the first picture is removed.
    first_bits: u64,
    complete: Option<i64>,
}

impl Hrd {
    pub(crate) fn new(bps: u64, cpb_bits: u64, first_bits: u64) -> Hrd {
        Hrd { bps, cpb_bits, first_bits, complete: None }
    }

    /// The arrival of the next picture, so long and removed at `dts` (90 kHz).
    pub(crate) fn arrival(&mut self, dts: i64, bytes: usize) -> CpbArrival {
        let ticks = |bits: u64| (u128::from(bits) * 27_000_000).div_ceil(u128::from(self.bps)) as i64;
        let removal = dts * 300;
        let initial = match self.complete {
            None => removal - ticks(self.first_bits),
            Some(before) => before.max(removal - ticks(self.cpb_bits)).min(removal),
        };
        // The smallest pictures are made even where there is no room for them.
        let complete = (initial + ticks(8 * bytes as u64)).min(removal);
        self.complete = Some(complete);
        CpbArrival { initial: Ticks27M(initial), complete: Ticks27M(complete) }
    }
}
