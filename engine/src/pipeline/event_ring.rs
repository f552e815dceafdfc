//! Control to air: what the event tables tell from a block's start on.
//!
//! A ring of [`BLOCKS_AHEAD`] elements; one for each block that was accepted with events. When it is full the
//! events of a further block are left out, which the session's two-block queue does not let happen. The
//! sender keeps a reference to each table until it was surely replaced, so that `air` frees no memory.

use retrovue_mux::si::EventTable;
use retrovue_timebase::UtcMs;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::Arc;

/// More than the blocks that a session holds, and than the muxer keeps waiting.
const BLOCKS_AHEAD: usize = 8;

/// Tables that may still be in use: in the ring, waiting in the muxer, and the one on the air.
const KEPT: usize = 2 * BLOCKS_AHEAD + 1;

type Told = (UtcMs, Arc<EventTable>);

/// Control's end.
pub(super) struct EventSender {
    ring: Producer<Told>,
    told_before: bool,
    kept: VecDeque<Arc<EventTable>>,
}

/// Output's end.
pub(super) struct EventReceiver {
    ring: Consumer<Told>,
}

pub(super) fn event_ring() -> (EventSender, EventReceiver) {
    let (producer, consumer) = RingBuffer::new(BLOCKS_AHEAD);
    (
        EventSender { ring: producer, told_before: false, kept: VecDeque::with_capacity(KEPT) },
        EventReceiver { ring: consumer },
    )
}

impl EventSender {
    /// Has `events` told from `start` on, and the first of a session at once: packets leave before their
    /// pictures are shown.
    pub(super) fn send(&mut self, start: UtcMs, events: EventTable) {
        let start = if std::mem::replace(&mut self.told_before, true) { start } else { UtcMs(0) };
        let events = Arc::new(events);
        if self.ring.push((start, Arc::clone(&events))).is_err() {
            tracing::warn!("the events of the block at {start} are not told: too many wait");
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(events);
    }
}

impl EventReceiver {
    /// The next table; `None` when there is none yet.
    pub(super) fn try_receive(&mut self) -> Option<Told> {
        self.ring.pop().ok()
    }
}
