//! One channel's life: runs a session while there are viewers, keeps its lookahead, and puts it back on
//! the air when a session ends.
//!
//! Pure: time comes in as an argument, work goes out as [`Action`]s. No process, socket or clock is
//! touched here, and nothing is planned: blocks are asked of a [`Planner`].
//!
//! AIR ends a session on any failure (seed 003 §5.8); resilience is here. A lost session is replaced at
//! the offset of the moment, the failed asset kept off the air for the rest of its block, on the same
//! transport stream (continuity counters go on, the seam is flagged as a discontinuity). Core's duties of
//! seed 003 §4.2 are kept here too: two blocks at the start, the next one as soon as a slot opens, always
//! contiguous.
//!
//! ```text
//! Idle --viewer--> Starting --accepted--> OnAir --last viewer leaves--> Lingering --linger--> Stopping
//!   ^                  |                    |  \<------- viewer -----------/                     |
//!   |                  +------ death -------+                                                    |
//!   |                             v                                                              |
//!   +--- no viewers --- Recovering (old session cleared away, then back-off) <-------------------+
//! ```

use super::avoid::{self, Avoided};
use super::backoff::BackOff;
pub use super::session::SessionId;
use super::session::{Feed, QUEUE_DEPTH, Session, blames_an_asset};
use crate::plan::PlanError;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::UtcMs;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Both clocks at one instant: wall time decides what airs, monotonic time decides how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock.
    pub utc: UtcMs,
    /// Monotonic time since any fixed instant.
    pub mono: Duration,
}

/// Gives the block of the channel at an instant, without the assets to avoid.
pub type Planner<'a> = &'a dyn Fn(UtcMs, &BTreeSet<String>) -> Result<BlockPlan, PlanError>;

/// Last continuity counter of one PID, as viewers have seen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidCounter {
    /// 13-bit packet identifier.
    pub pid: u16,
    /// 4-bit continuity counter of the last packet with payload.
    pub last: u8,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// So many viewers are connected now.
    Viewers(u32),
    /// News of a session. That of any session but the current one is ignored.
    Session(SessionId, News),
    /// The station closes: end the session at once and begin none again.
    Retire,
}

/// News of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It could not be opened at all.
    OpenFailed(String),
    /// Answer to the opening blocks.
    StartAnswered(Result<(), Failure>),
    /// Answer to the block fed last.
    FeedAnswered(Result<(), Failure>),
    /// A block has begun.
    BlockStarted {
        /// Its id.
        block_id: String,
    },
    /// A block has been sent to its end.
    BlockCompleted {
        /// Its id.
        block_id: String,
        /// Frames of it that left.
        frames: i64,
    },
    /// A block has failed; the end of the session follows.
    BlockFailed {
        /// Its id.
        block_id: String,
        /// Frames of it that left.
        frames: i64,
        /// Why.
        failure: Failure,
    },
    /// A block was on the air when AIR was asked to stop; the end of the session follows.
    BlockCut {
        /// Its id.
        block_id: String,
        /// Frames of it that left.
        frames: i64,
    },
    /// AIR has ended the session; `None` when it was asked to.
    Ended(Option<Failure>),
    /// The control connection is gone, with the reason.
    LinkClosed(String),
    /// Bytes of its output so far.
    Progress(u64),
    /// Its output is closed and every byte of it taken in; the counters of what viewers hold.
    OutputClosed(Vec<PidCounter>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Begin a session with two blocks, joined at `join_utc_ms`.
    Open {
        /// The new session.
        session: SessionId,
        /// The block on the air at the join, and the one after it.
        blocks: [BlockPlan; QUEUE_DEPTH],
        /// Instant of the join.
        join_utc_ms: UtcMs,
        /// Counters to go on from when viewers hold bytes of an earlier session; the seam is flagged.
        resume: Option<Vec<PidCounter>>,
    },
    /// Give the session its next block.
    Feed {
        /// The session.
        session: SessionId,
        /// The block that starts where the last one ends.
        block: BlockPlan,
    },
    /// Ask the session to stop.
    Stop {
        /// The session.
        session: SessionId,
    },
    /// Clear the session away: drop its control connection, close its output, and answer with
    /// [`News::OutputClosed`] in any case.
    Abandon {
        /// The session.
        session: SessionId,
        /// It hangs: end its process as well.
        kill: bool,
    },
}

/// Where a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No viewers, no session.
    Idle,
    /// A session is being opened.
    Starting,
    /// On the air, with viewers.
    OnAir,
    /// On the air without viewers, for a while.
    Lingering,
    /// Asked to stop.
    Stopping,
    /// Between a lost session and the next.
    Recovering,
}

/// Wait for the control connection's last words once the output has closed: they name the failure.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// A session that has run so long was well: the next failure is a first one.
const HEALTHY: Duration = Duration::from_secs(10);
/// First bytes must come within this; opening an asset on a sleeping disk takes seconds.
const START_LIMIT: Duration = Duration::from_secs(10);
/// An open session whose output stands still for so long hangs.
const STALL_LIMIT: Duration = Duration::from_secs(5);
/// From StopSession to the end.
const STOP_LIMIT: Duration = Duration::from_secs(1);
/// From Abandon to the closed output; the answer comes from our own process, so this is a backstop.
const CLEAR_LIMIT: Duration = Duration::from_secs(2);
/// Before another try when AIR's queue is full or the planner fails.
const FEED_AGAIN: Duration = Duration::from_millis(500);
/// When no event tells of a block's start, Core's own schedule does, so long after the fence.
const EVENT_GRACE_MS: i64 = 1_000;
/// A block that starts so far from its fence has left wall time: the session is replaced.
const DRIFT_LIMIT_MS: i64 = 5_000;
/// Plans tried for one block before the session is replaced.
const FEED_TRIES: u32 = 4;
/// Restarts in a row that need no wait because each has learnt of another bad asset.
const LEARNING_RESTARTS: u32 = 8;

#[derive(Debug)]
enum State {
    Idle,
    BackOff { until: Duration },
    Live { session: Session, linger_until: Option<Duration> },
    Stopping { session: SessionId, until: Duration, output_closed: bool },
    Clearing { session: SessionId, until: Duration, wait: Duration },
}

/// Decides for one channel.
///
/// **Contract: give one input to [`handle`](Self::handle) (or call [`tick`](Self::tick) when
/// [`deadline`](Self::deadline) has come), then carry out [`next_action`](Self::next_action) until it
/// returns `None`; then ask for the deadline anew.**
#[derive(Debug)]
pub struct ChannelManager {
    linger: Duration,
    state: State,
    viewers: u32,
    retired: bool,
    last_session: u64,
    backoff: BackOff,
    learning: u32,
    avoided: Avoided,
    /// Counters of what viewers hold of earlier sessions; `None` when they hold nothing.
    held: Option<Vec<PidCounter>>,
    /// Asset on the air at an unexplained death, the first suspicion against it.
    suspect: Option<String>,
    actions: VecDeque<Action>,
}

impl ChannelManager {
    /// An idle channel that keeps a session for `linger` after its last viewer.
    #[must_use]
    pub fn new(linger: Duration) -> ChannelManager {
        ChannelManager {
            linger,
            state: State::Idle,
            viewers: 0,
            retired: false,
            last_session: 0,
            backoff: BackOff::default(),
            learning: 0,
            avoided: Avoided::default(),
            held: None,
            suspect: None,
            actions: VecDeque::new(),
        }
    }

    /// Where the channel stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Idle => Phase::Idle,
            State::BackOff { .. } | State::Clearing { .. } => Phase::Recovering,
            State::Live { session, .. } if !session.accepted => Phase::Starting,
            State::Live { linger_until: Some(_), .. } => Phase::Lingering,
            State::Live { .. } => Phase::OnAir,
            State::Stopping { .. } => Phase::Stopping,
        }
    }

    /// The session that runs or is being cleared away.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match &self.state {
            State::Idle | State::BackOff { .. } => None,
            State::Live { session, .. } => Some(session.id),
            State::Stopping { session, .. } | State::Clearing { session, .. } => Some(*session),
        }
    }

    /// The next thing to do, in order.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`tick`](Self::tick) is due, in monotonic time; `None` when only an input can move the channel.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<Duration> {
        match &self.state {
            State::Idle => None,
            State::BackOff { until } | State::Stopping { until, .. } | State::Clearing { until, .. } => {
                Some(*until)
            }
            State::Live { session, linger_until } => {
                let mut due = session.bytes_moved_at + stall_limit(session);
                due = due.min(linger_until.unwrap_or(due));
                if let Some(closed) = session.output_closed_at {
                    due = due.min(closed + LAST_WORDS);
                }
                if let Feed::Again(at) = session.feed {
                    due = due.min(at);
                }
                if let Some(fence) = silent_fence(session) {
                    let ms = u64::try_from(fence.since(now.utc).0).unwrap_or(0);
                    due = due.min(now.mono + Duration::from_millis(ms));
                }
                Some(due)
            }
        }
    }

    /// Takes in what has happened.
    pub fn handle(&mut self, input: Input, now: Now, planner: Planner<'_>) {
        match input {
            Input::Viewers(_) if self.retired => {}
            Input::Viewers(count) => self.viewers_are(count, now, planner),
            Input::Retire => {
                self.retired = true;
                self.viewers_are(0, now, planner);
                if let State::Live { linger_until, .. } = &mut self.state {
                    *linger_until = Some(now.mono);
                }
                self.tick(now, planner);
            }
            Input::Session(id, news) if self.session() == Some(id) => self.session_news(news, now, planner),
            Input::Session(..) => {}
        }
        self.feed_if_wanted(now, planner);
    }

    /// Does what has come due by `now`; harmless when nothing has.
    pub fn tick(&mut self, now: Now, planner: Planner<'_>) {
        match &mut self.state {
            State::Idle => {}
            State::BackOff { until } if now.mono >= *until => self.start(now, planner),
            State::BackOff { .. } => {}
            State::Stopping { session, until, output_closed } if now.mono >= *until => {
                let (session, output_closed) = (*session, *output_closed);
                self.abandon(session, true, output_closed, Duration::ZERO, now, planner);
            }
            State::Stopping { .. } => {}
            State::Clearing { until, wait, .. } if now.mono >= *until => {
                let wait = *wait;
                self.cleared(wait, now, planner);
            }
            State::Clearing { .. } => {}
            State::Live { .. } => self.tick_live(now, planner),
        }
        self.feed_if_wanted(now, planner);
    }

    fn viewers_are(&mut self, count: u32, now: Now, planner: Planner<'_>) {
        self.viewers = count;
        if count == 0 {
            self.held = None;
        }
        match &mut self.state {
            State::Idle if count > 0 => self.start(now, planner),
            State::BackOff { .. } if count == 0 => self.state = State::Idle,
            State::Live { linger_until, .. } if count > 0 => *linger_until = None,
            State::Live { linger_until, .. } => {
                linger_until.get_or_insert(now.mono + self.linger);
            }
            _ => {}
        }
    }

    fn session_news(&mut self, news: News, now: Now, planner: Planner<'_>) {
        if let News::OutputClosed(counters) = &news
            && self.viewers > 0
        {
            self.held = Some(counters.clone());
        }
        match &mut self.state {
            State::Idle | State::BackOff { .. } => {}
            State::Live { .. } => self.live_news(news, now, planner),
            State::Stopping { session, output_closed, .. } => match news {
                News::OutputClosed(_) => *output_closed = true,
                News::Ended(_) | News::LinkClosed(_) | News::OpenFailed(_) => {
                    let (session, closed) = (*session, *output_closed);
                    self.abandon(session, false, closed, Duration::ZERO, now, planner);
                }
                _ => {}
            },
            State::Clearing { wait, .. } => {
                if let News::OutputClosed(_) = news {
                    let wait = *wait;
                    self.cleared(wait, now, planner);
                }
            }
        }
    }

    fn live_news(&mut self, news: News, now: Now, planner: Planner<'_>) {
        let State::Live { session, .. } = &mut self.state else { return };
        match news {
            News::OpenFailed(reason) => self.dies(Death::Unexplained(reason), false, now, planner),
            News::StartAnswered(Ok(())) => session.accepted = true,
            News::StartAnswered(Err(failure)) => {
                self.dies(Death::Refused(failure), false, now, planner);
            }
            News::FeedAnswered(Ok(())) => {
                session.feed = Feed::Quiet;
                session.feed_tries = 0;
            }
            News::FeedAnswered(Err(failure)) => self.feed_refused(failure, now, planner),
            News::BlockStarted { block_id } => {
                let first = session.blocks.front().is_some_and(|block| block.block_id == block_id);
                if !session.started(&block_id) || first {
                    return;
                }
                let late = session.blocks.front().map_or(0, |block| now.utc.since(block.start_utc_ms).0);
                if late.abs() > DRIFT_LIMIT_MS {
                    let reason = format!("block {block_id} started {late} ms after its fence");
                    self.dies(Death::Drifted(reason), false, now, planner);
                }
            }
            // The next block's beginning says all that a channel needs of this one's end.
            News::BlockCompleted { .. } | News::BlockCut { .. } => {}
            News::BlockFailed { failure, .. } => session.failure = Some(failure),
            News::Ended(failure) => {
                let failure = failure.or(session.failure.take());
                let death = failure.map_or_else(
                    || Death::Unexplained("ended without being asked".to_owned()),
                    Death::Failed,
                );
                self.dies(death, false, now, planner);
            }
            News::LinkClosed(reason) => {
                let death = session.failure.take().map_or(Death::Unexplained(reason), Death::Failed);
                self.dies(death, false, now, planner);
            }
            News::Progress(bytes) => {
                if bytes != session.bytes {
                    session.bytes = bytes;
                    session.bytes_moved_at = now.mono;
                    if now.mono.saturating_sub(session.opened_at) >= HEALTHY {
                        self.backoff.reset();
                        self.learning = 0;
                        self.suspect = None;
                    }
                }
            }
            News::OutputClosed(_) => session.output_closed_at = Some(now.mono),
        }
    }

    fn tick_live(&mut self, now: Now, planner: Planner<'_>) {
        let State::Live { session, linger_until } = &mut self.state else { return };
        if session.output_closed_at.is_some_and(|closed| now.mono >= closed + LAST_WORDS) {
            let death = session
                .failure
                .take()
                .map_or_else(|| Death::Unexplained("its output closed".to_owned()), Death::Failed);
            return self.dies(death, true, now, planner);
        }
        if now.mono >= session.bytes_moved_at + stall_limit(session) {
            let still = now.mono.saturating_sub(session.bytes_moved_at).as_millis();
            let reason = format!("no byte of output for {still} ms");
            return self.dies(Death::Unexplained(reason), true, now, planner);
        }
        if linger_until.is_some_and(|until| now.mono >= until) {
            let session_id = session.id;
            let output_closed = session.output_closed_at.is_some();
            self.actions.push_back(Action::Stop { session: session_id });
            self.state = State::Stopping { session: session_id, until: now.mono + STOP_LIMIT, output_closed };
            return;
        }
        if let Feed::Again(at) = session.feed
            && now.mono >= at
        {
            session.feed = Feed::Quiet;
        }
        if silent_fence(session).is_some_and(|fence| now.utc >= fence) {
            session.blocks.pop_front();
        }
    }

    /// Plans at `now` and opens a session; on failure waits for the next try.
    fn start(&mut self, now: Now, planner: Planner<'_>) {
        self.avoided.prune(now.utc);
        match self.opening_blocks(now.utc, planner) {
            Ok(blocks) => {
                self.last_session += 1;
                let session = SessionId(self.last_session);
                let resume = self.held.clone();
                self.actions.push_back(Action::Open {
                    session,
                    blocks: blocks.clone(),
                    join_utc_ms: now.utc,
                    resume,
                });
                let linger_until = (self.viewers == 0).then(|| now.mono + self.linger);
                self.state = State::Live { session: Session::new(session, blocks, now.mono), linger_until };
            }
            Err(error) => {
                let wait = self.backoff.next_wait().max(FEED_AGAIN);
                tracing::error!(%error, wait_ms = wait.as_millis(), "no plan to start with");
                self.state = State::BackOff { until: now.mono + wait };
            }
        }
    }

    /// INV-BLOCKPLAN-FRESHNESS: the first block holds the present instant.
    fn opening_blocks(&self, now: UtcMs, planner: Planner<'_>) -> Result<[BlockPlan; 2], PlanFault> {
        let first = planner(now, &self.avoided.at(now))?;
        if first.start_utc_ms > now || first.end_utc_ms <= now {
            return Err(PlanFault::NotOnAir { block_id: first.block_id, instant: now });
        }
        let second = self.block_from(first.end_utc_ms, planner)?;
        Ok([first, second])
    }

    /// CONTRACT-LOOK-002: the block starts where the last one ends.
    fn block_from(&self, start: UtcMs, planner: Planner<'_>) -> Result<BlockPlan, PlanFault> {
        let block = planner(start, &self.avoided.at(start))?;
        if block.start_utc_ms != start || block.end_utc_ms <= start {
            return Err(PlanFault::NotContiguous { block_id: block.block_id, start });
        }
        Ok(block)
    }

    /// CONTRACT-LOOK-001, Core's side: a third block is never sent; an open slot is filled at once, so
    /// that the margin is a whole block.
    fn feed_if_wanted(&mut self, now: Now, planner: Planner<'_>) {
        let State::Live { session, .. } = &self.state else { return };
        let (true, Some(start)) = (session.wants_block(), session.next_start()) else { return };
        let planned = self.block_from(start, planner);
        let State::Live { session, .. } = &mut self.state else { return };
        match planned {
            Ok(block) => {
                session.blocks.push_back(block.clone());
                session.feed = Feed::Sent;
                session.feed_tries += 1;
                self.actions.push_back(Action::Feed { session: session.id, block });
            }
            Err(error) => {
                tracing::error!(%error, "no plan for the next block");
                session.feed = Feed::Again(now.mono + FEED_AGAIN);
            }
        }
    }

    fn feed_refused(&mut self, failure: Failure, now: Now, planner: Planner<'_>) {
        let State::Live { session, .. } = &mut self.state else { return };
        if session.feed != Feed::Sent {
            return;
        }
        let refused = session.blocks.pop_back();
        if failure.code == FailureCode::QueueFull {
            // By Core's own schedule the fence has passed, by AIR's it has not: AIR is right.
            session.feed_tries = 0;
            session.feed = Feed::Again(now.mono + FEED_AGAIN);
            return;
        }
        if blames_an_asset(&failure)
            && session.feed_tries < FEED_TRIES
            && let Some(block) = refused
        {
            tracing::warn!(%failure, block = block.block_id, "block refused, planned anew");
            session.feed = Feed::Quiet;
            blame_named(&mut self.avoided, std::iter::once(&block), &failure.detail);
            return;
        }
        self.dies(Death::Refused(failure), false, now, planner);
    }

    /// The live session is lost: learn from it, clear it away, and come back unless nobody watches.
    fn dies(&mut self, death: Death, kill: bool, now: Now, planner: Planner<'_>) {
        let State::Live { session, .. } = std::mem::replace(&mut self.state, State::Idle) else { return };
        let lived = now.mono.saturating_sub(session.opened_at);
        if lived >= HEALTHY {
            self.backoff.reset();
            self.learning = 0;
        }
        let learnt = self.learn(&death, &session, now);
        let wait = if learnt && self.learning < LEARNING_RESTARTS {
            self.learning += 1;
            Duration::ZERO
        } else {
            self.backoff.next_wait()
        };
        tracing::warn!(
            session = session.id.0,
            lived_ms = lived.as_millis(),
            viewers = self.viewers,
            failures = self.backoff.failures(),
            wait_ms = wait.as_millis(),
            "session lost: {death}"
        );
        self.abandon(session.id, kill, session.output_closed_at.is_some(), wait, now, planner);
    }

    /// Puts the culprit on the avoid list. True when that is news, so that the next plan differs.
    fn learn(&mut self, death: &Death, session: &Session, now: Now) -> bool {
        match death {
            Death::Refused(failure) if blames_an_asset(failure) => {
                blame_named(&mut self.avoided, session.blocks.iter(), &failure.detail)
            }
            // AIR plays out what it has of the block, so the asset that failed is due about now: at a
            // boundary the last frame before it has just left.
            Death::Failed(failure) if blames_an_asset(failure) => {
                self.blame_on_air(session, Now { utc: now.utc.plus(OVER_THE_BOUNDARY), ..now })
            }
            // A decoder that crashes takes its process along and says nothing: the second time the same
            // asset is on the air at such a death, it is held to be the cause.
            Death::Unexplained(_) => {
                let asset = on_air(session, now).map(|(_, asset)| asset.to_owned());
                if asset.is_some() && self.suspect == asset {
                    self.suspect = None;
                    return self.blame_on_air(session, now);
                }
                self.suspect = asset;
                false
            }
            Death::Refused(_) | Death::Failed(_) | Death::Drifted(_) => false,
        }
    }

    fn blame_on_air(&mut self, session: &Session, now: Now) -> bool {
        on_air(session, now).is_some_and(|(block, asset)| self.avoided.add(asset, block.end_utc_ms))
    }

    fn abandon(
        &mut self,
        session: SessionId,
        kill: bool,
        output_closed: bool,
        wait: Duration,
        now: Now,
        planner: Planner<'_>,
    ) {
        self.actions.push_back(Action::Abandon { session, kill });
        if output_closed {
            self.cleared(wait, now, planner);
        } else {
            self.state = State::Clearing { session, until: now.mono + CLEAR_LIMIT, wait };
        }
    }

    /// Nothing of the old session is left.
    fn cleared(&mut self, wait: Duration, now: Now, planner: Planner<'_>) {
        if self.viewers == 0 {
            self.backoff.reset();
            self.learning = 0;
            self.state = State::Idle;
        } else if wait.is_zero() {
            self.start(now, planner);
        } else {
            self.state = State::BackOff { until: now.mono + wait };
        }
    }
}

/// The instant by which AIR must have told of the pending block's start.
fn silent_fence(session: &Session) -> Option<UtcMs> {
    let full = session.accepted && session.blocks.len() == QUEUE_DEPTH && session.feed == Feed::Quiet;
    let executing = session.blocks.front().filter(|_| full)?;
    Some(executing.end_utc_ms.plus(retrovue_timebase::Millis(EVENT_GRACE_MS)))
}

/// Two frames and what packets leave before their instant.
const OVER_THE_BOUNDARY: retrovue_timebase::Millis = retrovue_timebase::Millis(100);

fn stall_limit(session: &Session) -> Duration {
    if session.bytes == 0 { START_LIMIT } else { STALL_LIMIT }
}

fn on_air(session: &Session, now: Now) -> Option<(&BlockPlan, &str)> {
    let block = session.block_at(now.utc)?;
    Some((block, avoid::segment_at(block, now.utc)?.asset_uri.as_str()))
}

/// Avoids the assets that `detail` names; all of the blocks' assets when it names none, so that the
/// next plan differs in any case. True when any is news.
fn blame_named<'a>(
    avoided: &mut Avoided,
    blocks: impl Iterator<Item = &'a BlockPlan> + Clone,
    detail: &str,
) -> bool {
    let mut news = false;
    let mut found = false;
    for block in blocks.clone() {
        for asset in avoid::named_in(block, detail) {
            found = true;
            news |= avoided.add(asset, block.end_utc_ms);
        }
    }
    if !found {
        for block in blocks {
            for segment in &block.segments {
                news |= avoided.add(&segment.asset_uri, block.end_utc_ms);
            }
        }
    }
    news
}

/// How a session was lost.
#[derive(Debug, thiserror::Error)]
enum Death {
    #[error("refused, {0}")]
    Refused(Failure),
    #[error("failed, {0}")]
    Failed(Failure),
    #[error("{0}")]
    Unexplained(String),
    #[error("{0}")]
    Drifted(String),
}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
enum PlanFault {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the plan gives block {block_id} for {instant}, which it does not hold")]
    NotOnAir { block_id: String, instant: UtcMs },
    #[error("the plan gives block {block_id} where one from {start} is due")]
    NotContiguous { block_id: String, start: UtcMs },
}

#[cfg(test)]
#[path = "channel_simulation.rs"]
mod simulation;
#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
