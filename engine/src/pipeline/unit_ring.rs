//! Encode to air: access units, as headers in one ring and their bytes in another for each stream.
//!
//! | | headers | bytes |
//! | --- | --- | --- |
//! | element | [`Entry`] | `u8` |
//! | capacity | [`UNITS_AHEAD`] | [`SECONDS_AHEAD`] of the stream's rate, see [`UnitRing::new`] |
//! | full | the encoder waits: encoding runs ahead no further | same |
//! | empty | the output waits; on the air this shows as a late frame | – |
//!
//! Headers are taken as soon as the multiplexer has room for them; the bytes stay until their packets
//! leave and are copied straight into those.

use super::bell::Bell;
use super::frame_lane::Stopped;
use crate::metrics::Metrics;
use retrovue_mux::{Bodies, StreamIndex, UnitBytes, UnitHeader};
use retrovue_timebase::FrameIndex;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Access units between encoder and output: 30 pictures and 47 audio units make a second, so this
/// is a little more than one.
pub(super) const UNITS_AHEAD: usize = 96;

/// Free slots at which an encoder that found the ring full goes on. It then encodes several pictures
/// in a row, while its tables and reference pictures are in the processor's caches, and wakes a
/// seventh as often as for each unit by itself.
const REFILL_UNITS: usize = UNITS_AHEAD / 4;

/// The same for bytes, as a share of the ring: one in so many.
const REFILL_SHARE: usize = 4;

/// Longest wait before the stop flag is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How much of a stream's bytes the ring holds: what the encoder may be ahead, and what the
/// multiplexer holds until its decoding time.
const SECONDS_AHEAD: usize = 3;

/// The streams of a session, as the multiplexer counts them.
pub(super) const VIDEO: StreamIndex = StreamIndex(0);
/// See [`VIDEO`].
pub(super) const AUDIO: StreamIndex = StreamIndex(1);

/// Header of one access unit, or the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// An access unit.
    Unit {
        /// Stamps on the absolute timeline, unwrapped.
        header: UnitHeader,
        /// For pictures: every frame before this one has been emitted once this unit has left.
        emitted_end: FrameIndex,
    },
    /// Nothing follows.
    End,
}

/// Encoder's end.
pub(super) struct UnitSender {
    entries: Producer<Entry>,
    bytes: [Producer<u8>; 2],
    encoder: Arc<Bell>,
    air: Arc<Bell>,
    stop: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// Output's end: the headers.
pub(super) struct UnitReceiver {
    entries: Consumer<Entry>,
    encoder: Arc<Bell>,
}

/// Output's end: the bytes, which the multiplexer takes.
pub(super) struct UnitStore {
    bytes: [Consumer<u8>; 2],
    /// Bytes taken of each since the encoder was told.
    freed: [usize; 2],
    encoder: Arc<Bell>,
}

/// Both ends of a ring.
pub(super) struct UnitRing {
    pub(super) sender: UnitSender,
    pub(super) receiver: UnitReceiver,
    pub(super) store: UnitStore,
}

impl UnitRing {
    /// A ring for streams of these rates, and never for less than one large picture.
    pub(super) fn new(
        video_kbps: u32,
        audio_kbps: u32,
        encoder: Arc<Bell>,
        air: Arc<Bell>,
        stop: Arc<AtomicBool>,
        metrics: Arc<Metrics>,
    ) -> UnitRing {
        let (entries_in, entries_out) = RingBuffer::new(UNITS_AHEAD);
        let bytes = |kbps: u32| kbps as usize * SECONDS_AHEAD * 1000 / 8;
        let (video_in, video_out) = RingBuffer::new(bytes(video_kbps).max(1 << 20));
        let (audio_in, audio_out) = RingBuffer::new(bytes(audio_kbps).max(1 << 16));
        UnitRing {
            sender: UnitSender {
                entries: entries_in,
                bytes: [video_in, audio_in],
                encoder: Arc::clone(&encoder),
                air,
                stop,
                metrics,
            },
            receiver: UnitReceiver { entries: entries_out, encoder: Arc::clone(&encoder) },
            store: UnitStore { bytes: [video_out, audio_out], freed: [0; 2], encoder },
        }
    }
}

/// A unit larger than the whole ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendError {
    /// The session was stopped.
    Stopped,
    /// The unit can never fit.
    TooLarge {
        /// Its bytes.
        len: usize,
        /// The ring's.
        capacity: usize,
    },
}

impl From<Stopped> for SendError {
    fn from(_: Stopped) -> SendError {
        SendError::Stopped
    }
}

impl UnitSender {
    /// Hands a unit over, waiting for room. `data` is what its header tells of; nothing with the end.
    pub(super) fn send(&mut self, entry: Entry, data: &[u8]) -> Result<(), SendError> {
        let stream = match entry {
            Entry::Unit { header, .. } => header.stream.0,
            Entry::End => VIDEO.0,
        };
        let capacity = self.bytes[stream].buffer().capacity();
        if data.len() > capacity {
            return Err(SendError::TooLarge { len: data.len(), capacity });
        }
        let (mut slots_wanted, mut bytes_wanted) = (1, data.len());
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(SendError::Stopped);
            }
            let free = self.bytes[stream].slots();
            if self.entries.slots() >= slots_wanted
                && free >= bytes_wanted
                && let Ok(mut chunk) = self.bytes[stream].write_chunk(data.len())
            {
                let (first, second) = chunk.as_mut_slices();
                let (head, tail) = data.split_at(first.len());
                first.copy_from_slice(head);
                second.copy_from_slice(tail);
                chunk.commit_all();
                // The bytes are in place before the header that announces them.
                if self.entries.push(entry).is_err() {
                    unreachable!("a slot was free and this is the only producer");
                }
                self.air.ring();
                self.metrics.units_ahead.see(UNITS_AHEAD - self.entries.slots());
                self.metrics.unit_bytes_ahead.see(capacity - free + data.len());
                return Ok(());
            }
            (slots_wanted, bytes_wanted) = (REFILL_UNITS, data.len().max(capacity / REFILL_SHARE));
            self.encoder.wait(LOOK_AGAIN);
        }
    }
}

impl UnitReceiver {
    /// The next header; `None` when the ring is empty.
    pub(super) fn try_receive(&mut self) -> Option<Entry> {
        let entry = self.entries.pop().ok()?;
        if UNITS_AHEAD - self.entries.slots() >= REFILL_UNITS {
            self.encoder.ring();
        }
        Some(entry)
    }
}

impl UnitBytes for UnitStore {
    fn take(&mut self, stream: StreamIndex, bodies: &mut Bodies<'_>) {
        let ring = &mut self.bytes[stream.0];
        let wanted = bodies.remaining();
        // Always there: the bytes of a unit are in place before its header.
        let Ok(chunk) = ring.read_chunk(wanted) else { return };
        let (first, second) = chunk.as_slices();
        bodies.put(first);
        bodies.put(second);
        chunk.commit_all();
        self.freed[stream.0] += wanted;
        if self.freed[stream.0] >= ring.buffer().capacity() / REFILL_SHARE {
            self.freed[stream.0] = 0;
            self.encoder.ring();
        }
    }
}
