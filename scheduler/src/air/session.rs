//! What Core knows of one playout session: its two-block queue as Core fed it, and its signs of life.
//!
//! Bookkeeping only; the decisions are [`super::channel`]'s. Mirrors AIR's queue of seed 003 §4.1: the
//! executing block, then the pending one.

use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::UtcMs;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Blocks AIR holds at most: executing and pending (seed 003 §4.3 rule 1).
pub(crate) const QUEUE_DEPTH: usize = 2;

/// One session of one channel. Ids of a channel rise and are never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// True when the fault lies in an asset, so that keeping it off the air can mend the channel.
pub(crate) fn blames_an_asset(failure: &Failure) -> bool {
    matches!(
        failure.code,
        FailureCode::AssetMissing
            | FailureCode::AssetError
            | FailureCode::DecodeError
            | FailureCode::InvalidOffset
            | FailureCode::OffsetExceedsAsset
    )
}

/// Where the delivery of the next block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// Nothing on its way.
    Quiet,
    /// A block was sent and AIR has not answered.
    Sent,
    /// AIR or the planner could not take or give one; again at this monotonic instant.
    Again(Duration),
}

/// A running session as Core sees it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Executing, then pending; the answerless last one of a feed included.
    pub(crate) blocks: VecDeque<BlockPlan>,
    /// AIR has accepted the two opening blocks.
    pub(crate) accepted: bool,
    pub(crate) feed: Feed,
    /// Plans tried for the block being fed.
    pub(crate) feed_tries: u32,
    pub(crate) opened_at: Duration,
    /// Bytes of its output seen so far, and when the figure last moved.
    pub(crate) bytes: u64,
    pub(crate) bytes_moved_at: Duration,
    /// When its output closed, if it did.
    pub(crate) output_closed_at: Option<Duration>,
    /// What a failed block reported.
    pub(crate) failure: Option<Failure>,
}

impl Session {
    pub(crate) fn new(id: SessionId, blocks: [BlockPlan; QUEUE_DEPTH], now: Duration) -> Session {
        Session {
            id,
            blocks: VecDeque::from(blocks),
            accepted: false,
            feed: Feed::Quiet,
            feed_tries: 0,
            opened_at: now,
            bytes: 0,
            bytes_moved_at: now,
            output_closed_at: None,
            failure: None,
        }
    }

    /// AIR has started `block_id`: earlier blocks have left its queue. False when Core does not know it.
    pub(crate) fn started(&mut self, block_id: &str) -> bool {
        let Some(place) = self.blocks.iter().position(|block| block.block_id == block_id) else {
            return false;
        };
        self.blocks.drain(..place);
        true
    }

    /// Where the next block must start (CONTRACT-LOOK-002).
    pub(crate) fn next_start(&self) -> Option<UtcMs> {
        self.blocks.back().map(|block| block.end_utc_ms)
    }

    /// True when AIR's queue has room and nothing is on its way.
    pub(crate) fn wants_block(&self) -> bool {
        self.accepted && self.blocks.len() < QUEUE_DEPTH && self.feed == Feed::Quiet
    }

    /// The block on the air at `instant` by its fences.
    pub(crate) fn block_at(&self, instant: UtcMs) -> Option<&BlockPlan> {
        self.blocks.iter().find(|block| block.start_utc_ms <= instant && instant < block.end_utc_ms)
    }
}
