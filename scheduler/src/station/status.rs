//! What the station's threads let each other see: plain counters, one writer each.
//!
//! For pages and for the director's watch on moving bytes; nothing is decided on a figure that two threads
//! write.

use crate::air::channel::Phase;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Figures of one channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelStatus {
    /// Connected viewers (written by the front).
    pub(crate) viewers: AtomicU32,
    /// Bytes taken in from AIR (front).
    pub(crate) bytes_in: AtomicU64,
    /// Bytes given to viewers (front).
    pub(crate) bytes_out: AtomicU64,
    /// Slow viewers moved forward (front).
    pub(crate) moved: AtomicU64,
    /// Viewers given up because their socket took nothing (front).
    pub(crate) dropped: AtomicU64,
    /// Sessions opened (director).
    pub(crate) sessions: AtomicU64,
    /// Process of the running session, 0 when there is none (director).
    pub(crate) air_pid: AtomicU32,
    phase: AtomicU8,
}

impl ChannelStatus {
    /// Where the channel stands (written by the director).
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Where the channel stands.
    pub(crate) fn phase(&self) -> Phase {
        let code = self.phase.load(Relaxed);
        let all = [
            Phase::Idle,
            Phase::Starting,
            Phase::OnAir,
            Phase::Lingering,
            Phase::Stopping,
            Phase::Recovering,
        ];
        all.into_iter().find(|phase| *phase as u8 == code).unwrap_or(Phase::Idle)
    }

    /// True when a session's packets are flowing.
    pub(crate) fn is_on_air(&self) -> bool {
        matches!(self.phase(), Phase::OnAir | Phase::Lingering)
    }
}

/// Figures of the station, channels in the order of the schedule.
#[derive(Debug)]
pub(crate) struct StationStatus {
    pub(crate) channels: Vec<ChannelStatus>,
    /// Connections of clients (front).
    pub(crate) connections: AtomicU32,
}

impl StationStatus {
    pub(crate) fn new(channels: usize) -> StationStatus {
        StationStatus {
            channels: (0..channels).map(|_| ChannelStatus::default()).collect(),
            connections: AtomicU32::new(0),
        }
    }

    /// Channels that hold a session or are about to.
    pub(crate) fn busy_channels(&self) -> usize {
        self.channels.iter().filter(|channel| channel.phase() != Phase::Idle).count()
    }
}
