//! Core: feeds blocks after the one before has started, or at random, and misfeeds where the seed says.

use crate::scenario::{Fault, MS, Misfeed, Scenario};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{Millis, UtcMs};
use std::collections::VecDeque;

/// A request that Core has in mind.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) at: i64,
    pub(crate) plan: BlockPlan,
    /// The block of the plan that Core takes for delivered once this is accepted.
    pub(crate) delivers: Option<usize>,
}

/// What Core has in mind.
#[derive(Debug)]
pub(crate) struct Core {
    /// Next block to deliver.
    pub(crate) next: usize,
    /// Blocks up to here are in `feeds` or delivered.
    planned: usize,
    pub(crate) feeds: VecDeque<Feed>,
}

impl Core {
    pub(crate) fn new(initial: usize) -> Core {
        Core { next: initial, planned: initial, feeds: VecDeque::new() }
    }

    /// Plans the delivery of the next block, from `at` on.
    pub(crate) fn plan(&mut self, scenario: &Scenario, at: i64, fence_due: i64) {
        let n = self.planned;
        let Some(block) = scenario.blocks.get(n) else { return };
        self.planned += 1;
        let mut at = at;
        let mut repeat = false;
        for fault in &scenario.faults {
            let Fault::Misfeed { block: wrong, how } = *fault else { continue };
            if wrong != n {
                continue;
            }
            match how {
                Misfeed::Late { nanos } => at = at.max(fence_due + nanos),
                Misfeed::Twice => repeat = true,
                Misfeed::Early => at = 0,
                how => {
                    if let Some(plan) = spoilt(scenario, n, how) {
                        self.feeds.push_back(Feed { at, plan, delivers: None });
                        at += 10 * MS;
                    }
                }
            }
        }
        self.feeds.push_back(Feed { at, plan: block.clone(), delivers: Some(n) });
        if repeat {
            self.feeds.push_back(Feed { at: at + 10 * MS, plan: block.clone(), delivers: None });
        }
    }
}

/// Block `n` as a broken Core would send it.
fn spoilt(scenario: &Scenario, n: usize, how: Misfeed) -> Option<BlockPlan> {
    let mut plan = scenario.blocks[n].clone();
    match how {
        Misfeed::OutOfOrder => return scenario.blocks.get(n + 1).cloned(),
        Misfeed::Stale => return scenario.blocks.first().cloned(),
        Misfeed::Apart { ms } => {
            plan.start_utc_ms = UtcMs(plan.start_utc_ms.0 + ms);
            plan.end_utc_ms = UtcMs(plan.end_utc_ms.0 + ms);
        }
        Misfeed::Sum => plan.segments[0].segment_duration_ms.0 += 1,
        Misfeed::Index => plan.segments[0].segment_index = 1,
        Misfeed::NoDuration => plan.segments[0].segment_duration_ms = Millis(0),
        Misfeed::Missing => plan.segments[0].asset_uri = "nowhere.mp4".to_owned(),
        Misfeed::Offset => {
            let told = scenario.assets[&plan.segments[0].asset_uri].told?;
            plan.segments[0].asset_start_offset_ms = told;
        }
        Misfeed::Nameless => plan.block_id.clear(),
        Misfeed::Backwards => plan.end_utc_ms = plan.start_utc_ms,
        Misfeed::Late { .. } | Misfeed::Twice | Misfeed::Early => return None,
    }
    Some(plan)
}
