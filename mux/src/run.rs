//! Packets that leave by one rule of distances, and what else a poll can find.

use crate::access_unit::StreamIndex;
use crate::packet::PACKET_SIZE;
use crate::wire::Spacing;
use retrovue_timebase::{Ticks27M, Ticks90k};

/// What [`crate::Muxer::poll`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Poll {
    /// Packets were written to the front of the buffer.
    Packets(Run),
    /// Something went wrong with what was pushed; output goes on.
    Event(MuxEvent),
    /// Nothing can leave before this stream is pushed to, or ended.
    NeedInput {
        /// The stream that is waited for.
        stream: StreamIndex,
    },
    /// The buffer has no room for a packet of [`PACKET_SIZE`] bytes.
    OutputTooSmall,
    /// Every stream has ended and everything has left.
    Finished,
}

/// A run of packets and their departures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub(crate) packets: usize,
    pub(crate) first: i64,
    pub(crate) spacing: Spacing,
}

impl Run {
    /// One packet.
    pub(crate) fn single(at: i64) -> Run {
        Run { packets: 1, first: at, spacing: Spacing::Own { ready: at, interval: 0, step: 0 } }
    }

    /// Number of packets, at least 1.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Bytes written: [`PACKET_SIZE`] for each packet.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.packets * PACKET_SIZE
    }

    /// Departure of packet `index`, counted from 0 within the run.
    #[must_use]
    pub fn departure(&self, index: usize) -> Ticks27M {
        Ticks27M(self.spacing.departure(self.first, index))
    }

    /// Departure of the first packet.
    #[must_use]
    pub fn first(&self) -> Ticks27M {
        Ticks27M(self.first)
    }

    /// Departure of the last packet.
    #[must_use]
    pub fn last(&self) -> Ticks27M {
        self.departure(self.packets - 1)
    }
}

/// Something a caller should count and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MuxEvent {
    /// The last packet of an access unit left so late that a receiver may not have it at its DTS: the
    /// stream exceeds the rate or the decoder buffer it was configured with.
    AccessUnitLate {
        /// Its stream.
        stream: StreamIndex,
        /// Its decoding time.
        dts: Ticks90k,
        /// Departure of its last packet.
        complete: Ticks27M,
    },
}
