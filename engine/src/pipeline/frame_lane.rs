//! Fill to encode: decoded frames in house format, one lane per producer.
//!
//! | | |
//! | --- | --- |
//! | element | [`Delivery`]; frames are boxed and go home through a return ring |
//! | capacity | [`FRAMES_AHEAD`] frames; the return ring holds all of them |
//! | full | the producer waits: decoding runs ahead no further |
//! | empty | the encoder waits; on the air this shows as a late frame |

use super::bell::Bell;
use crate::metrics::Metrics;
use retrovue_codec::Picture;
use retrovue_proto::code::Failure;
use retrovue_timebase::FrameIndex;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Frames a producer decodes ahead: over a quarter of a second at 30 frames a second, enough to ride
/// out a slow read, at 1.4 MB each in 720p.
pub(super) const FRAMES_AHEAD: usize = 4;

/// Frames at home that wake a producer which has none left to fill: it then decodes several in a row.
const REFILL_FRAMES: usize = FRAMES_AHEAD / 2;

/// Longest wait before the stop flag is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One output frame's content.
pub(super) struct Frame {
    /// Which output frame.
    pub index: FrameIndex,
    /// House-format picture.
    pub picture: Picture,
    /// Interleaved stereo samples of exactly this frame's span; capacity is kept.
    pub pcm: Vec<i16>,
    /// An IDR picture must stand here.
    pub force_idr: bool,
}

/// What a producer hands over, in frame order.
pub(super) enum Delivery {
    /// The next frame.
    Frame(Box<Frame>),
    /// The segment is complete; the next one comes down the other lane.
    SegmentEnd,
    /// No block follows yet: let out what the encoder holds back, and go on with this lane.
    Drain,
    /// The segment cannot go on (CONTRACT-SEG-005).
    Failed(Box<Failure>),
    /// The session's last frame has been delivered.
    Finished,
}

/// Producer's end.
pub(super) struct LaneSender {
    deliveries: Producer<Delivery>,
    empties: Consumer<Box<Frame>>,
    encoder: Arc<Bell>,
    fill: Arc<Bell>,
    stop: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    /// Which of the two lanes this is.
    parity: usize,
}

/// Encoder's end.
pub(super) struct LaneReceiver {
    deliveries: Consumer<Delivery>,
    empties: Producer<Box<Frame>>,
    encoder: Arc<Bell>,
    fill: Arc<Bell>,
    stop: Arc<AtomicBool>,
}

/// The session was stopped while waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// Lane 0 or 1 with its frames allocated; `max_samples` is the most sample pairs any frame holds.
#[must_use]
pub(super) fn lane(
    parity: usize,
    max_samples: usize,
    encoder: Arc<Bell>,
    stop: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
) -> (LaneSender, LaneReceiver) {
    let fill = Arc::new(Bell::default());
    // Two slots beyond the frames, for the markers at a segment's end.
    let (deliveries_in, deliveries_out) = RingBuffer::new(FRAMES_AHEAD + 2);
    let (mut empties_in, empties_out) = RingBuffer::new(FRAMES_AHEAD);
    for _ in 0..FRAMES_AHEAD {
        let frame = Box::new(Frame {
            index: FrameIndex(0),
            picture: Picture::empty(),
            pcm: Vec::with_capacity(max_samples * 2),
            force_idr: false,
        });
        if empties_in.push(frame).is_err() {
            unreachable!("the return ring holds every frame of the lane");
        }
    }
    (
        LaneSender {
            deliveries: deliveries_in,
            empties: empties_out,
            encoder: Arc::clone(&encoder),
            fill: Arc::clone(&fill),
            stop: Arc::clone(&stop),
            metrics,
            parity,
        },
        LaneReceiver { deliveries: deliveries_out, empties: empties_in, encoder, fill, stop },
    )
}

impl LaneSender {
    /// Marks the calling thread as this lane's producer.
    pub(super) fn answer(&self) {
        self.fill.answer();
    }

    /// True when all threads were told to leave, or the encoder has left: after a failure on the other lane
    /// nobody takes this one's frames any more.
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.deliveries.is_abandoned()
    }

    /// A frame to fill, when one is home.
    pub(super) fn empty_frame(&mut self) -> Result<Box<Frame>, Stopped> {
        loop {
            if self.is_over() {
                return Err(Stopped);
            }
            if let Ok(frame) = self.empties.pop() {
                return Ok(frame);
            }
            self.fill.wait(LOOK_AGAIN);
        }
    }

    /// Hands `delivery` over, waiting for room.
    pub(super) fn send(&mut self, mut delivery: Delivery) -> Result<(), Stopped> {
        loop {
            if self.is_over() {
                return Err(Stopped);
            }
            match self.deliveries.push(delivery) {
                Ok(()) => {
                    self.encoder.ring();
                    let held = FRAMES_AHEAD + 2 - self.deliveries.slots();
                    if let Some(water) = self.metrics.frames_ahead.get(self.parity) {
                        water.see(held.min(FRAMES_AHEAD));
                    }
                    return Ok(());
                }
                Err(rtrb::PushError::Full(back)) => delivery = back,
            }
            self.fill.wait(LOOK_AGAIN);
        }
    }
}

impl LaneReceiver {
    /// The next delivery, waiting for it.
    pub(super) fn receive(&mut self) -> Result<Delivery, Stopped> {
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(Stopped);
            }
            if let Ok(delivery) = self.deliveries.pop() {
                if !matches!(delivery, Delivery::Frame(_)) {
                    self.fill.ring();
                }
                return Ok(delivery);
            }
            self.encoder.wait(LOOK_AGAIN);
        }
    }

    /// Sends a used frame home.
    pub(super) fn give_back(&mut self, frame: Box<Frame>) {
        // Never full: it has room for every frame of the lane.
        if self.empties.push(frame).is_ok() && FRAMES_AHEAD - self.empties.slots() >= REFILL_FRAMES {
            self.fill.ring();
        }
    }
}
