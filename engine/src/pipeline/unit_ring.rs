//! Encode to air: access units, as headers in one ring and their bytes in another.
//!
//! | | headers | bytes |
//! | --- | --- | --- |
//! | element | [`Entry`] | `u8` |
//! | capacity | [`UNITS_AHEAD`] | two seconds of the session's rates, see [`ring_bytes`] |
//! | full | the encoder waits: encoding runs ahead no further | same |
//! | empty | the output waits; on the air this shows as a late frame | – |

use super::bell::Bell;
use super::frame_lane::Stopped;
use crate::metrics::Metrics;
use retrovue_timebase::{FrameIndex, Ticks90k};
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

/// Longest wait before the stop flag is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Which elementary stream a unit belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// H.264.
    Video,
    /// AAC in ADTS.
    Audio,
}

/// Header of one access unit, or the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// An access unit of `len` bytes.
    Unit {
        /// Its stream.
        stream: Stream,
        /// Presentation time on the absolute timeline, unwrapped.
        pts: Ticks90k,
        /// Decoding time on the absolute timeline, unwrapped.
        dts: Ticks90k,
        /// An IDR picture.
        random_access: bool,
        /// For pictures: every frame before this one has been emitted once this unit has left.
        emitted_end: FrameIndex,
        /// Bytes.
        len: usize,
    },
    /// Nothing follows.
    End,
}

/// Bytes a session's unit ring holds: two seconds of both rates, and never less than one large
/// picture.
#[must_use]
pub(super) fn ring_bytes(video_kbps: u32, audio_kbps: u32) -> usize {
    ((video_kbps as usize + audio_kbps as usize) * 2 * 1000 / 8).max(1 << 20)
}

/// Encoder's end.
pub(super) struct UnitSender {
    entries: Producer<Entry>,
    bytes: Producer<u8>,
    capacity: usize,
    encoder: Arc<Bell>,
    air: Arc<Bell>,
    stop: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// Output's end.
pub(super) struct UnitReceiver {
    entries: Consumer<Entry>,
    bytes: Consumer<u8>,
    encoder: Arc<Bell>,
}

/// A ring of `capacity` bytes.
#[must_use]
pub(super) fn unit_ring(
    capacity: usize,
    encoder: Arc<Bell>,
    air: Arc<Bell>,
    stop: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
) -> (UnitSender, UnitReceiver) {
    let (entries_in, entries_out) = RingBuffer::new(UNITS_AHEAD);
    let (bytes_in, bytes_out) = RingBuffer::new(capacity);
    (
        UnitSender {
            entries: entries_in,
            bytes: bytes_in,
            capacity,
            encoder: Arc::clone(&encoder),
            air,
            stop,
            metrics,
        },
        UnitReceiver { entries: entries_out, bytes: bytes_out, encoder },
    )
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
    /// Hands a unit over, waiting for room. `entry.len` is `data.len()`.
    pub(super) fn send(&mut self, entry: Entry, data: &[u8]) -> Result<(), SendError> {
        if data.len() > self.capacity {
            return Err(SendError::TooLarge { len: data.len(), capacity: self.capacity });
        }
        let mut wanted = 1;
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(SendError::Stopped);
            }
            let bytes_held = self.capacity - self.bytes.slots();
            if self.entries.slots() >= wanted
                && let Ok(mut chunk) = self.bytes.write_chunk(data.len())
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
                self.metrics.unit_bytes_ahead.see(bytes_held + data.len());
                return Ok(());
            }
            wanted = REFILL_UNITS;
            self.encoder.wait(LOOK_AGAIN);
        }
    }
}

impl UnitReceiver {
    /// The next header, its bytes in `data` (cleared first); `None` when the ring is empty.
    pub(super) fn try_receive(&mut self, data: &mut Vec<u8>) -> Option<Entry> {
        let entry = self.entries.pop().ok()?;
        data.clear();
        if let Entry::Unit { len, .. } = entry
            && let Ok(chunk) = self.bytes.read_chunk(len)
        {
            let (first, second) = chunk.as_slices();
            data.extend_from_slice(first);
            data.extend_from_slice(second);
            chunk.commit_all();
        }
        if UNITS_AHEAD - self.entries.slots() >= REFILL_UNITS {
            self.encoder.ring();
        }
        Some(entry)
    }
}
