//! Control to air: the cues of accepted blocks.
//!
//! A ring of [`BLOCKS_AHEAD`] elements, one for each block that has cues. They are handed on when their splices
//! come near, so that the muxer need not hold those of hours. When ring and receiver are full the cues of a
//! further block are left out, which takes more than a dozen blocks with cues within seconds. The sender keeps a
//! reference to each list until it was surely used, so that `air` frees no memory.

use retrovue_mux::splice::SpliceInfo;
use retrovue_timebase::Ticks90k;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::Arc;

/// More than the blocks that a session holds.
const BLOCKS_AHEAD: usize = 8;

/// Lists that may still be in use: in the ring, and with the receiver.
const KEPT: usize = 2 * BLOCKS_AHEAD;

type Cues = Arc<[SpliceInfo]>;

/// Control's end.
pub(super) struct CueSender {
    ring: Producer<Cues>,
    kept: VecDeque<Cues>,
}

/// Output's end.
pub(super) struct CueReceiver {
    ring: Consumer<Cues>,
    /// Oldest first, each with how many of it have been handed on.
    held: VecDeque<(Cues, usize)>,
}

pub(super) fn cue_ring() -> (CueSender, CueReceiver) {
    let (producer, consumer) = RingBuffer::new(BLOCKS_AHEAD);
    (
        CueSender { ring: producer, kept: VecDeque::with_capacity(KEPT) },
        CueReceiver { ring: consumer, held: VecDeque::with_capacity(BLOCKS_AHEAD) },
    )
}

impl CueSender {
    /// Sends the cues of a block, in the order of their splices.
    pub(super) fn send(&mut self, cues: Vec<SpliceInfo>) {
        let cues = Cues::from(cues);
        if self.ring.push(Arc::clone(&cues)).is_err() {
            tracing::warn!("{} cues of a block are not sent: those of too many blocks wait", cues.len());
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(cues);
    }
}

impl CueReceiver {
    /// The next cue, when its splice lies before `end`. It stays the next until [`CueReceiver::taken`].
    pub(super) fn next_before(&mut self, end: Ticks90k) -> Option<&SpliceInfo> {
        while self.held.len() < BLOCKS_AHEAD
            && let Ok(cues) = self.ring.pop()
        {
            self.held.push_back((cues, 0));
        }
        let (cues, used) = self.held.front()?;
        cues.get(*used).filter(|cue| cue.at().is_none_or(|at| at < end))
    }

    /// The next cue was handed on.
    pub(super) fn taken(&mut self) {
        let Some((cues, used)) = self.held.front_mut() else { return };
        *used += 1;
        if *used >= cues.len() {
            self.held.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrovue_mux::splice::{SpliceCommand, SpliceTime};

    fn cue(at: i64) -> SpliceInfo {
        SpliceInfo::new(SpliceCommand::TimeSignal(SpliceTime::At(Ticks90k(at))))
    }

    #[test]
    fn cues_come_when_they_are_near_and_in_order() {
        let (mut sender, mut receiver) = cue_ring();
        sender.send(vec![cue(10), cue(20)]);
        sender.send(vec![cue(20), cue(30)]);
        let mut near = |end: i64| {
            let mut taken = Vec::new();
            while let Some(at) = receiver.next_before(Ticks90k(end)).and_then(SpliceInfo::at) {
                taken.push(at.0);
                receiver.taken();
            }
            taken
        };
        assert_eq!((near(10), near(11), near(21), near(31)), (vec![], vec![10], vec![20, 20], vec![30]));
    }

    /// Cues may wait in ring and receiver; the sender drops no list before the receiver has.
    #[test]
    fn the_receiver_never_holds_the_last_reference() {
        let (mut sender, mut receiver) = cue_ring();
        for n in 0..1_000 {
            sender.send(vec![cue(n)]);
            let end = Ticks90k(n / 3);
            while receiver.next_before(end).is_some() {
                receiver.taken();
            }
            assert!(receiver.held.iter().all(|(cues, _)| Arc::strong_count(cues) == 2), "{n}");
        }
        assert!(receiver.held.len() == BLOCKS_AHEAD && sender.kept.len() == KEPT);
    }
}
