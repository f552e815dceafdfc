//! What a producer does next: play, let the encoder drain, wait, or end the session at the fence of a
//! dry queue (CONTRACT-LOOK-003, CONTRACT-BLOCK-003 E1). The instant is an argument; waiting is the
//! caller's.

use super::{Anchor, SegmentTask, Session, TaskLookup};
use crate::clock::MonoNs;
use retrovue_timebase::FrameIndex;

/// How long before a fence without a block the encoder is made to let out what it holds back. It
/// covers the encoder's look-ahead at 24 frames a second with room to encode it.
const DRAIN_LEAD_NS: i64 = 900_000_000;

/// What the producer of a task does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProducerStep {
    /// Play this.
    Task(SegmentTask),
    /// Let the encoder drain, then ask again.
    Drain,
    /// Ask again when a block was accepted or the session ended, and at `until` at the latest.
    Wait {
        /// `None` where time alone changes nothing.
        until: Option<MonoNs>,
    },
    /// The fence is reached and no block follows: the session ends with LOOKAHEAD_EXHAUSTED.
    Exhausted {
        /// First frame without a block.
        fence: FrameIndex,
    },
    /// Nothing more comes.
    Finished,
}

impl Session {
    /// What the producer of `ordinal` does at `now`. `drained` says that it has let the encoder drain
    /// since its last task; `now` is `None` where deadlines of real time do not exist.
    ///
    /// Only the producer that stands at the fence has a deadline. It waits up to the fence, which is
    /// allowed, and not an instant longer.
    #[must_use]
    pub fn producer_step(&self, ordinal: u64, drained: bool, now: Option<(&Anchor, MonoNs)>) -> ProducerStep {
        let fence = match self.task(ordinal) {
            TaskLookup::Task(task) => return ProducerStep::Task(task),
            TaskLookup::Ended => return ProducerStep::Finished,
            TaskLookup::NotYet { fence } => fence,
        };
        let Some((anchor, now)) = now.filter(|_| self.is_next_unknown(ordinal)) else {
            return ProducerStep::Wait { until: None };
        };
        let due = anchor.due(fence);
        let drain_at = due.plus_nanos(-DRAIN_LEAD_NS);
        if now >= due {
            ProducerStep::Exhausted { fence }
        } else if drained {
            ProducerStep::Wait { until: Some(due) }
        } else if now >= drain_at {
            ProducerStep::Drain
        } else {
            ProducerStep::Wait { until: Some(drain_at) }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
mod tests {
    use super::*;
    use crate::session::{AssetFacts, Rejection};
    use retrovue_proto::plan::{BlockPlan, Notes, Segment};
    use retrovue_timebase::{FrameRate, Millis, UtcMs};
    use std::path::PathBuf;

    struct AnyAsset;

    impl AssetFacts for AnyAsset {
        fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
            Ok((PathBuf::from(asset_uri), None))
        }
    }

    fn block(id: &str, start: i64, end: i64) -> BlockPlan {
        let segment = Segment {
            segment_index: 0,
            asset_uri: "a.mp4".to_owned(),
            asset_start_offset_ms: Millis(0),
            segment_duration_ms: Millis(end - start),
            frame_count: None,
            metadata: Notes::default(),
        };
        BlockPlan {
            block_id: id.to_owned(),
            channel_id: 1,
            start_utc_ms: UtcMs(start),
            end_utc_ms: UtcMs(end),
            events: vec![],
            cues: vec![],
            segments: vec![segment],
        }
    }

    /// CONTRACT-LOOK-003, CONTRACT-BLOCK-003: every answer at its edge, to the nanosecond, for a block
    /// whose fence is due 10 s after the join.
    #[test]
    fn the_fence_is_waited_for_and_not_waited_past() {
        let rate = FrameRate::new(25, 1).unwrap();
        let mut session = Session::new(rate);
        session.accept(&block("A", 0, 10_000), UtcMs(0), &mut AnyAsset).unwrap();
        session.start(UtcMs(0)).unwrap();
        let anchor = Anchor { mono: MonoNs(7), utc: UtcMs(0), epoch: UtcMs(0), rate };
        let (due, drain_at) = (MonoNs(10_000_000_007), MonoNs(9_100_000_007));
        let at =
            |ordinal, drained, nanos| session.producer_step(ordinal, drained, Some((&anchor, MonoNs(nanos))));
        assert!(matches!(at(0, false, 0), ProducerStep::Task(_)));
        for (ordinal, drained, now, expected) in [
            (1, false, 0, ProducerStep::Wait { until: Some(drain_at) }),
            (1, false, drain_at.0 - 1, ProducerStep::Wait { until: Some(drain_at) }),
            (1, false, drain_at.0, ProducerStep::Drain),
            (1, true, drain_at.0, ProducerStep::Wait { until: Some(due) }),
            (1, true, due.0 - 1, ProducerStep::Wait { until: Some(due) }),
            (1, true, due.0, ProducerStep::Exhausted { fence: FrameIndex(250) }),
            (1, false, due.0, ProducerStep::Exhausted { fence: FrameIndex(250) }),
            // The other producer does not stand at the fence.
            (2, false, due.0, ProducerStep::Wait { until: None }),
        ] {
            assert_eq!(at(ordinal, drained, now), expected, "task {ordinal}, drained {drained}, at {now}");
        }
        assert_eq!(session.producer_step(1, false, None), ProducerStep::Wait { until: None });
        session.accept(&block("B", 10_000, 20_000), UtcMs(9_999), &mut AnyAsset).unwrap();
        let step = session.producer_step(1, true, Some((&anchor, due)));
        assert!(matches!(step, ProducerStep::Task(_)), "a block that came in time is played: {step:?}");
        session.terminate();
        assert_eq!(session.producer_step(0, false, Some((&anchor, due))), ProducerStep::Finished);
    }
}
