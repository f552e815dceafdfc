//! One session from its first block to its end, with everybody around it, on virtual time: every
//! step of every actor in an order that the seed draws, and the contracts judged after each.

use crate::chance::Chance;
use crate::encoder::{Encoder, Unit};
use crate::feed::{Core, Feed};
use crate::ledger::Ledger;
use crate::output::Output;
use crate::producer::{Fill, Lane, News, Step};
use crate::scenario::{Fault, MS, Scenario, StopIn};
use retrovue_engine::clock::{Clock, MonoNs};
use retrovue_engine::pipeline::SharedSession;
use retrovue_engine::session::{Anchor, AssetFacts, Rejection, Session, SessionEvent};
use retrovue_mux::Pid;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameIndex, Millis, UtcMs};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

/// Steps after which a session runs in circles.
const MOST_STEPS: u64 = 5_000_000;

/// The assets as they are now.
struct Shelf<'a> {
    scenario: &'a Scenario,
    gone: &'a BTreeSet<String>,
}

impl AssetFacts for Shelf<'_> {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        match self.scenario.assets.get(asset_uri).filter(|_| !self.gone.contains(asset_uri)) {
            Some(asset) => Ok((PathBuf::from(asset_uri), asset.told)),
            None => Err(Failure::new(FailureCode::AssetMissing, format!("{asset_uri} is not there"))),
        }
    }
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why; `None` where Core stopped it.
    pub(crate) code: Option<FailureCode>,
    pub(crate) stopped_in: Option<StopIn>,
    pub(crate) first: i64,
    pub(crate) emitted: i64,
    pub(crate) events: Vec<SessionEvent>,
    pub(crate) rejections: Vec<FailureCode>,
    pub(crate) hash: u64,
    pub(crate) packets: u64,
    pub(crate) wrapped: bool,
    /// Times that a producer had the encoder drained.
    pub(crate) drains: u32,
    /// Most by which a packet left after its instant, in nanoseconds.
    pub(crate) latest: i64,
    pub(crate) counters: BTreeMap<Pid, u8>,
    /// Instant of the end, UTC.
    pub(crate) at: UtcMs,
}

struct Station<'a> {
    scenario: &'a Scenario,
    chance: Chance,
    now: i64,
    start: i64,
    shared: SharedSession,
    anchor: Anchor,
    ledger: Ledger,
    core: Core,
    fills: [Fill; 2],
    lanes: [Lane; 2],
    encoder: Encoder,
    ring: VecDeque<Unit>,
    output: Output,
    report_at: i64,
    /// Core has heard of the end, or has asked for it.
    over: bool,
    stopped: Option<i64>,
    ending: Ending,
    /// Most that has been seen to leave.
    emitted: i64,
    exhausted: bool,
}

/// Runs `scenario`, whose blocks are those from the join on. `before` holds the counters of the session
/// that it replaces.
pub(crate) fn run(scenario: &Scenario, before: BTreeMap<Pid, u8>) -> Option<Ending> {
    let mut chance = Chance::new(scenario.machine_seed);
    let start = chance.within(0, 1_000_000_000_000);
    let mut session = Session::new(scenario.rate);
    let mut ledger = Ledger::new(scenario.rate, scenario.assets.clone());
    let gone = BTreeSet::new();
    for plan in &scenario.blocks[..scenario.initial] {
        let broken = ledger.broken(plan, scenario.join, &gone);
        let answer = session.accept(plan, scenario.join, &mut Shelf { scenario, gone: &gone });
        judge_answer(plan, &broken, answer.as_ref().err());
        // A start with a refused block never becomes a session.
        answer.ok()?;
        ledger.accepted(plan);
    }
    let first = ledger.start(scenario.join);
    assert_eq!(session.start(scenario.join), Ok(FrameIndex(first)), "CONTRACT-JOIN-002");
    assert_eq!(session.epoch(), ledger.epoch(), "INV-P8-005");
    let epoch = scenario.blocks[0].start_utc_ms;
    let anchor = Anchor { mono: MonoNs(start), utc: scenario.join, epoch, rate: scenario.rate };
    let shared = SharedSession::new(session, Clock::stepping());
    shared.set_anchor(anchor);
    shared.clock.wait_until(MonoNs(start));
    let station = Station {
        scenario,
        chance,
        now: start,
        start,
        shared,
        anchor,
        ledger,
        core: Core::new(scenario.initial),
        fills: [Fill::new(0), Fill::new(1)],
        lanes: [Lane::new(), Lane::new()],
        encoder: Encoder::new(scenario, epoch, first),
        ring: VecDeque::new(),
        output: Output::new(scenario, anchor, first, before, start),
        report_at: start,
        over: false,
        stopped: None,
        ending: Ending {
            code: None,
            stopped_in: None,
            first,
            emitted: first,
            events: Vec::new(),
            rejections: Vec::new(),
            hash: 0,
            packets: 0,
            wrapped: false,
            drains: 0,
            latest: 0,
            counters: BTreeMap::new(),
            at: scenario.join,
        },
        emitted: first,
        exhausted: false,
    };
    Some(station.run())
}

/// CONTRACT-BLOCK-001: accepted where nothing is broken, else refused for something that is.
fn judge_answer(plan: &BlockPlan, broken: &[FailureCode], refused: Option<&Rejection>) {
    let id = &plan.block_id;
    match refused {
        None => assert!(broken.is_empty(), "block {id} was accepted in spite of {broken:?}"),
        Some(failure) => {
            assert!(broken.contains(&failure.code), "block {id}, {broken:?}, refused: {failure}")
        }
    }
}

impl Station<'_> {
    fn run(mut self) -> Ending {
        let mut steps = 0;
        while !(self.over && self.shared.has_ended()) {
            steps += 1;
            assert!(steps < MOST_STEPS, "the session runs in circles at {}", self.now - self.start);
            let from = self.chance.within(0, 6);
            let (mut moved, mut next) = (false, i64::MAX);
            for actor in (0..6).map(|n| (from + n) % 6) {
                match self.step(actor) {
                    Step::Moved => moved = true,
                    Step::Until(at) => next = next.min(at),
                    Step::Blocked => {}
                }
                self.check();
            }
            if !moved {
                assert!(next > self.now && next < i64::MAX, "everybody waits for everybody");
                self.now = next;
                self.shared.clock.wait_until(MonoNs(next));
            }
        }
        self.end()
    }

    fn step(&mut self, actor: i64) -> Step {
        match actor {
            0 => self.core_step(),
            1 => self.report_step(),
            2 => self.encoder.step(self.scenario, &self.shared, &mut self.lanes, &mut self.ring, self.now),
            3 => self.output.step(&self.shared, &mut self.ring, &self.ledger, self.now),
            producer => {
                let which = producer as usize - 4;
                let mut news = None;
                let drained = self.fills[which].drained;
                let step = self.fills[which].step(
                    self.scenario,
                    &self.shared,
                    &mut self.lanes[which],
                    self.now,
                    self.start,
                    &mut news,
                );
                self.ending.drains += u32::from(!drained && self.fills[which].drained);
                match news {
                    Some(News::Produced { ordinal, end }) => self.ledger.task_produced(ordinal, end),
                    Some(News::Exhausted { fence, asked }) => self.check_exhausted(fence, asked),
                    None => {}
                }
                step
            }
        }
    }

    /// CONTRACT-LOOK-003, CONTRACT-BLOCK-003: at the fence of the last block accepted and not an instant
    /// earlier; nor later, unless the producer had not come that far.
    fn check_exhausted(&mut self, fence: i64, asked: i64) {
        assert!(!self.exhausted, "exhausted twice");
        self.exhausted = true;
        assert_eq!(fence, self.ledger.fence(), "a block was pending");
        let due = self.anchor.due(FrameIndex(fence)).0;
        assert_eq!(self.now, due.max(asked), "LOOKAHEAD_EXHAUSTED, fence due at {due}");
        assert!(!self.shared.lock().has_room(), "no block is taken any more");
    }

    fn gone(&self) -> BTreeSet<String> {
        let since = self.now - self.start;
        let names = self.scenario.assets.keys();
        names.filter(|name| self.scenario.vanishes(name).is_some_and(|at| since >= at)).cloned().collect()
    }

    fn state(&self) -> Option<StopIn> {
        let shared = &self.shared;
        Some(match () {
            () if shared.has_ended() => StopIn::Ended,
            () if self.output.is_writing() => StopIn::Writing,
            () if shared.failure().is_some() => StopIn::Failing,
            () if self.fills.iter().any(|f| f.drained) => StopIn::Drained,
            () if self.fills.iter().any(Fill::is_preview) => StopIn::Preview,
            () if shared.emitted_end().is_none() => StopIn::BeforeFirstFrame,
            () => return None,
        })
    }

    fn core_step(&mut self) -> Step {
        let state = self.state();
        let mut next = i64::MAX;
        if self.stopped.is_none() {
            for fault in &self.scenario.faults {
                let stop = match *fault {
                    Fault::Stop { at } => {
                        next = next.min((self.start + at).max(self.now));
                        self.now >= self.start + at
                    }
                    Fault::StopIn { state: wanted } => state == Some(wanted),
                    _ => false,
                };
                if stop {
                    self.stopped = Some(self.output.wire.pictures);
                    self.ending.stopped_in = state;
                    self.shared.stop_now();
                    self.over = true;
                    return Step::Moved;
                }
            }
        }
        if self.over {
            return Step::Blocked;
        }
        if let Some(every) = self.scenario.poll_feed
            && self.core.feeds.is_empty()
            && self.core.next < self.scenario.blocks.len()
        {
            let fence = self.anchor.due(FrameIndex(self.ledger.fence())).0;
            self.core.plan(self.scenario, self.now + every, fence);
        }
        if let Some(feed) = self.core.feeds.pop_front() {
            if self.now >= feed.at {
                self.feed(feed);
                return Step::Moved;
            }
            next = next.min(feed.at);
            self.core.feeds.push_front(feed);
        }
        if next == i64::MAX { Step::Blocked } else { Step::Until(next) }
    }

    fn feed(&mut self, feed: Feed) {
        let plan = &feed.plan;
        let receipt = self.shared.utc_now(plan.start_utc_ms);
        let since = (self.now - self.start).div_euclid(MS);
        assert_eq!(receipt.0, self.scenario.join.0 + since, "time since the join");
        let gone = self.gone();
        let mut session = self.shared.lock();
        let broken = match session.is_terminated() || self.exhausted {
            true => vec![FailureCode::SessionTerminated],
            false => self.ledger.broken(plan, receipt, &gone),
        };
        let room = (session.has_room(), session.queued());
        let answer = session.accept(plan, receipt, &mut Shelf { scenario: self.scenario, gone: &gone });
        judge_answer(plan, &broken, answer.as_ref().err());
        match answer {
            Ok(()) => {
                drop(session);
                self.ledger.accepted(plan);
                assert!(self.ledger.unproduced() <= 2, "CONTRACT-LOOK-001: more than two blocks are queued");
                self.shared.blocks_changed();
                if let Some(n) = feed.delivers {
                    self.core.next = n + 1;
                }
            }
            Err(failure) => {
                assert_eq!((session.has_room(), session.queued()), room, "a refusal changes nothing");
                drop(session);
                // Only a full queue is worth another try.
                let again = failure.code == FailureCode::QueueFull && feed.delivers.is_some();
                self.ending.rejections.push(failure.code);
                if again {
                    let at = self.now + self.chance.within(1, 200) * MS;
                    self.core.feeds.push_front(Feed { at, ..feed });
                }
            }
        }
    }

    fn report_step(&mut self) -> Step {
        if self.over {
            return Step::Blocked;
        }
        if self.now < self.report_at && !self.shared.has_ended() {
            return Step::Until(self.report_at);
        }
        self.report_at = self.now + self.chance.within(1, self.scenario.report_nanos);
        let (mut session, ended) = self.shared.settle();
        let events: Vec<SessionEvent> = session.take_events().collect();
        drop(session);
        let emitted = self.shared.emitted_end().map_or(self.ending.first, |end| end.0);
        for event in events {
            self.ledger.event(&event, emitted);
            if let SessionEvent::BlockStarted { block_id } = &event
                && self.scenario.poll_feed.is_none()
                && self.scenario.blocks.get(self.core.next - 1).is_some_and(|b| b.block_id == *block_id)
            {
                let at = self.now + self.chance.within(0, self.scenario.feed_margin);
                let fence = self.anchor.due(FrameIndex(self.ledger.fence())).0;
                self.core.plan(self.scenario, at, fence);
            }
            self.ending.events.push(event);
        }
        self.over = ended;
        Step::Moved
    }

    /// After every step.
    fn check(&mut self) {
        for lane in &self.lanes {
            assert!(lane.empties <= SharedSession::FRAMES_AHEAD);
            assert!(lane.deliveries.len() <= SharedSession::FRAMES_AHEAD + 2);
        }
        assert!(self.ring.len() <= SharedSession::UNITS_AHEAD);
        let emitted = self.shared.emitted_end().map_or(self.ending.first, |end| end.0);
        assert!(emitted >= self.emitted, "INV-P8-TIMELINE-MONOTONIC: {emitted} after {}", self.emitted);
        self.emitted = emitted;
        assert!(emitted <= self.ledger.fence(), "a frame past the last fence has left");
        if let Some(pictures) = self.stopped {
            assert_eq!(self.output.wire.pictures, pictures, "a stopped session emits");
        }
    }

    fn end(mut self) -> Ending {
        let failure = self.shared.failure().cloned();
        if self.stopped.is_none() {
            let Some(failure) = &failure else { panic!("the session ended without a reason") };
            self.check_reason(failure);
            self.ledger.ended(self.emitted);
            let mut session = self.shared.lock();
            assert!(session.is_terminated() && !session.has_room(), "the session is over");
            assert_eq!(session.queued(), 0, "all slots are cleared");
            // TEST-LOOK-004: what comes later is refused, whatever it is.
            for plan in self.scenario.blocks.iter().rev().take(2) {
                let gone = BTreeSet::new();
                let late = session.accept(
                    plan,
                    self.scenario.join,
                    &mut Shelf { scenario: self.scenario, gone: &gone },
                );
                assert_eq!(late.err().map(|f| f.code), Some(FailureCode::SessionTerminated), "a late block");
            }
            assert_eq!(session.take_events().count(), 0, "events after the end");
            assert_eq!(session.task(0), retrovue_engine::session::TaskLookup::Ended, "the queue is cleared");
            self.ending.code = Some(failure.code.clone());
        }
        assert_eq!(self.output.late_units, 0, "access units too late for their decoding time");
        self.ending.emitted = self.emitted;
        self.ending.latest = self.output.latest;
        self.ending.hash = self.output.wire.hash;
        self.ending.packets = self.output.wire.packets;
        self.ending.wrapped = self.output.wire.wrapped;
        self.ending.counters = self.output.wire.counters();
        self.ending.at = self.shared.utc_now(self.scenario.join);
        self.ending
    }

    /// The session's reason is one that the faults explain, and as many frames left as it leaves.
    fn check_reason(&self, failure: &Failure) {
        let fence = self.ledger.fence();
        let faults = &self.scenario.faults;
        let has = |is: &dyn Fn(&Fault) -> bool| faults.iter().any(is);
        let output_failed = self.shared.is_stopped();
        match failure.code {
            FailureCode::LookaheadExhausted => {
                assert!(self.exhausted, "exhausted without a producer at the fence");
                // A late producer may fail after the other has come to the fence.
                let end = self.emitted;
                let failed_later = end < fence
                    && (has(
                        &|f| matches!(*f, Fault::ReadError { frame } | Fault::DecodeError { frame } if frame == end),
                    ) || has(&|f| matches!(f, Fault::Vanish { .. })));
                if !output_failed {
                    self.output.wire.ended(end);
                    assert!(end == fence || failed_later, "{end} frames have left, the fence is {fence}");
                }
            }
            FailureCode::AssetError | FailureCode::DecodeError => {
                let end = self.emitted;
                if !output_failed {
                    self.output.wire.ended(end);
                }
                assert!(end < fence, "a failure past the last fence");
                let at = |frame: i64| output_failed || frame == end;
                let explained = match failure.code {
                    FailureCode::AssetError => has(&|f| {
                        matches!(*f, Fault::ReadError { frame } if at(frame))
                            || matches!(f, Fault::Vanish { .. })
                    }),
                    _ => has(&|f| matches!(*f, Fault::DecodeError { frame } if at(frame))),
                };
                assert!(explained, "{failure} at frame {end} without a fault there");
            }
            FailureCode::OutputClosed => assert!(has(&|f| matches!(f, Fault::OutputClosed { .. }))),
            FailureCode::OutputStalled => assert!(has(&|f| matches!(f, Fault::OutputFull { .. }))),
            _ => panic!("{failure} is no reason for a session to end"),
        }
    }
}

/// The same plan joined anew at `at`, with the faults of the plan gone: the session that replaces a
/// failed one. `None` where nothing is left to play.
pub(crate) fn replacement(scenario: &Scenario, at: UtcMs) -> Option<Scenario> {
    let skip = scenario.blocks.iter().position(|b| b.end_utc_ms > at)?;
    let blocks = scenario.blocks[skip..].to_vec();
    let faults = Vec::new();
    let initial = scenario.initial.min(blocks.len());
    Some(Scenario { join: at, blocks, initial, faults, seed: scenario.seed ^ 1, ..scenario.clone() })
}
