//! TBsys and Bsys of one program in the T-STD (ISO/IEC 13818-1 §2.4.2.3, §2.4.2.6): its PAT, CAT and PMT.

use crate::instant::{BYTE, whole_bytes};
use crate::rule::{Findings, Place, Rule};
use crate::transport_buffer::{BIT, TransportBuffer};

/// Drain of TBsys in bit/s.
const RX_SYS: i64 = 1_000_000;
/// Bytes that Bsys holds.
pub(crate) const BSYS_SIZE: i64 = 1536;

/// The buffers of a program's system information.
#[derive(Debug, Default)]
pub(crate) struct SystemBuffer {
    pub(crate) tb: TransportBuffer,
    level: i64,
    at: i64,
    pub(crate) peak: i64,
    /// Packets that found Bsys too full.
    pub(crate) over: u64,
    pub(crate) packets: u64,
}

/// Rsys in bit/s of a transport rate in bit/s: 80 kb/s, or one part in 500.
pub(crate) fn r_sys(transport_rate: i64) -> i64 {
    (transport_rate / 500).max(80_000)
}

impl SystemBuffer {
    pub(crate) fn reset(&mut self) {
        self.tb.reset();
        self.level = 0;
    }

    /// A packet of which the last `payload` bytes go on to Bsys.
    pub(crate) fn packet(
        &mut self,
        first: i64,
        last: i64,
        payload: i64,
        r_sys: i64,
        findings: &mut Findings,
        place: Place,
    ) {
        self.packets += 1;
        let passage = self.tb.enter(RX_SYS, first, last);
        if passage.overflow {
            findings.measure(Rule::SystemOverflow, place, "TBsys", whole_bytes(passage.peak), 512, "bytes");
        }
        if passage.stale {
            findings.note(Rule::EmptyBuffer, place, "TBsys not empty for a second");
        }
        if payload <= 0 {
            return;
        }
        let (begin, end) = (passage.left(189 - payload), passage.left(188));
        let before = (self.level - r_sys.saturating_mul((begin - self.at).max(0))).max(0);
        self.level = (before + payload * BYTE - r_sys.saturating_mul((end - begin).max(0))).max(0);
        self.at = end;
        self.peak = self.peak.max(self.level);
        if self.level > BSYS_SIZE * BYTE + BIT {
            self.over += 1;
            findings.measure(
                Rule::SystemOverflow,
                place,
                "Bsys",
                whole_bytes(self.level),
                BSYS_SIZE,
                "bytes",
            );
        }
    }
}
