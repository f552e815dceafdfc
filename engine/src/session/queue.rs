//! The two-slot queue (CONTRACT-LOOK-001): slot 0 executes, slot 1 is pending.

use super::fence::FencedBlock;
use retrovue_timebase::UtcMs;

/// At most two contiguous blocks, in execution order.
#[derive(Debug, Default)]
pub struct BlockQueue {
    slots: [Option<FencedBlock>; 2],
    /// End of the last block accepted, kept when its slot has been promoted away.
    tail_end: Option<UtcMs>,
}

impl BlockQueue {
    /// Two empty slots.
    #[must_use]
    pub fn new() -> BlockQueue {
        BlockQueue::default()
    }

    /// Slot 0.
    #[must_use]
    pub fn executing(&self) -> Option<&FencedBlock> {
        self.slots[0].as_ref()
    }

    /// Slot 1.
    #[must_use]
    pub fn pending(&self) -> Option<&FencedBlock> {
        self.slots[1].as_ref()
    }

    /// The last block in the queue.
    #[must_use]
    pub fn tail(&self) -> Option<&FencedBlock> {
        self.pending().or(self.executing())
    }

    /// Instant at which the next block must start (CONTRACT-LOOK-002); any when none was queued.
    #[must_use]
    pub fn tail_end(&self) -> Option<UtcMs> {
        self.tail_end
    }

    /// Both slots are taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.slots.iter().all(Option::is_some)
    }

    /// Queued blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = &FencedBlock> {
        self.slots.iter().flatten()
    }

    /// Queues a block in the first free slot; the caller has judged that there is one.
    pub(super) fn push(&mut self, block: FencedBlock) {
        debug_assert!(!self.is_full(), "judged before");
        self.tail_end = Some(block.end_utc);
        if let Some(slot) = self.slots.iter_mut().find(|s| s.is_none()) {
            *slot = Some(block);
        }
    }

    /// Slot 0 is complete: slot 1 takes its place.
    pub(super) fn promote(&mut self) {
        self.slots[0] = self.slots[1].take();
    }

    pub(super) fn clear(&mut self) {
        self.slots = [None, None];
    }
}
