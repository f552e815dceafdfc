//! The session as the threads share it: a lock for the producers and the control side, atomics for
//! the threads that may not lock.

use super::bell::Bell;
use super::cue_ring::{CueReceiver, CueSender, cue_ring};
use super::event_ring::{EventReceiver, EventSender, event_ring};
use super::{frame_lane, unit_ring};
use crate::clock::{Clock, MonoNs};
use crate::metrics::Metrics;
use crate::service::event_table;
pub use crate::session::Anchor;
use crate::session::{ProducerStep, SegmentTask, Session};
use retrovue_mux::splice::SpliceInfo;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameIndex, UtcMs};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Longest wait of a producer before it looks at the stop flag again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What a producer does next.
#[derive(Debug)]
pub enum Next {
    /// Play this.
    Task(SegmentTask),
    /// Let the encoder drain, then ask again.
    Drain,
    /// Nothing more comes.
    Finished,
}

/// The session and what the threads tell each other about it.
pub struct SharedSession {
    session: Mutex<Session>,
    events: Mutex<EventSender>,
    /// Taken by the output when it starts.
    events_end: Mutex<Option<EventReceiver>>,
    cues: Mutex<CueSender>,
    /// The same.
    cues_end: Mutex<Option<CueReceiver>>,
    /// Told when a block was accepted, a task produced, or the session ended.
    changed: Condvar,
    /// Set once at the start.
    anchor: OnceLock<Anchor>,
    /// The clock that paces the output.
    pub clock: Clock,
    /// All threads leave at once when set.
    pub stop: Arc<AtomicBool>,
    /// One past the last frame taken by the encoder.
    taken_end: AtomicI64,
    /// One past the last frame that left.
    emitted_end: AtomicI64,
    /// What `emitted_end` must reach to be worth a ring of `report`.
    next_event_at: AtomicI64,
    /// Why the output ended, when it was a failure; the first one stands.
    failure: OnceLock<Failure>,
    /// What the threads count.
    pub metrics: Arc<Metrics>,
    /// The output has ended.
    ended: AtomicBool,
    /// Rung when a block event is due or the output ended. A block that is accepted while nothing is on
    /// the air sets no new point to ring at, so its answerer also looks now and then.
    pub report: Bell,
}

impl SharedSession {
    /// Frames that each producer decodes ahead.
    pub const FRAMES_AHEAD: usize = frame_lane::FRAMES_AHEAD;

    /// Access units that the encoder is ahead of the output.
    pub const UNITS_AHEAD: usize = unit_ring::UNITS_AHEAD;

    /// A session about to start.
    #[must_use]
    pub fn new(session: Session, clock: Clock) -> SharedSession {
        let ((events, events_end), (cues, cues_end)) = (event_ring(), cue_ring());
        SharedSession {
            session: Mutex::new(session),
            events: Mutex::new(events),
            events_end: Mutex::new(Some(events_end)),
            cues: Mutex::new(cues),
            cues_end: Mutex::new(Some(cues_end)),
            changed: Condvar::new(),
            anchor: OnceLock::new(),
            clock,
            stop: Arc::new(AtomicBool::new(false)),
            taken_end: AtomicI64::new(i64::MIN),
            emitted_end: AtomicI64::new(i64::MIN),
            next_event_at: AtomicI64::new(i64::MIN),
            failure: OnceLock::new(),
            metrics: Arc::new(Metrics::default()),
            ended: AtomicBool::new(false),
            report: Bell::default(),
        }
    }

    /// The session itself. A panic elsewhere leaves its data whole: every change is one assignment
    /// or queue operation.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the events of a block told from its start on. Called with the session held, before its producers
    /// can see the block, so that its events are at the output before its first picture.
    pub fn tell_events(&self, block: &BlockPlan) {
        if let Some(events) = event_table(block) {
            let mut sender = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            sender.send(block.start_utc_ms, events);
        }
    }

    pub(super) fn take_events_end(&self) -> EventReceiver {
        let taken = self.events_end.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A second output of a session, which there never is, is told nothing.
        taken.unwrap_or_else(|| event_ring().1)
    }

    /// Has cues sent ahead of their splices. Called like [`SharedSession::tell_events`].
    pub fn tell_cues(&self, cues: Vec<SpliceInfo>) {
        if !cues.is_empty() {
            self.cues.lock().unwrap_or_else(PoisonError::into_inner).send(cues);
        }
    }

    pub(super) fn take_cues_end(&self) -> CueReceiver {
        let taken = self.cues_end.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.unwrap_or_else(|| cue_ring().1)
    }

    /// Ties the frames to the clock; once.
    pub fn set_anchor(&self, anchor: Anchor) {
        self.anchor.get_or_init(|| anchor);
    }

    /// Instant `utc` has reached by this session's clock: Core's join instant plus what the
    /// monotonic clock has run since.
    pub fn utc_now(&self, fallback: UtcMs) -> UtcMs {
        self.anchor.get().map_or(fallback, |anchor| anchor.utc_at(self.clock.now()))
    }

    /// Tells the session what has left since the last call and, once the output has ended, why it
    /// failed; its events are then up to date. Gives the session and whether the output has ended.
    pub fn settle(&self) -> (MutexGuard<'_, Session>, bool) {
        // Ended is read first: frames emitted before it are then seen below.
        let ended = self.has_ended();
        let mut session = self.lock();
        if let Some(end) = self.emitted_end() {
            session.on_emitted(end);
        }
        let next = session.next_event_at().map_or(i64::MAX, |frame| frame.0);
        self.next_event_at.store(next, Ordering::Release);
        if ended && let Some(failure) = self.failure() {
            session.fail(failure.clone());
        }
        (session, ended)
    }

    /// Wakes producers that wait for a block.
    pub fn blocks_changed(&self) {
        self.changed.notify_all();
    }

    /// Ends everything at once.
    pub fn stop_now(&self) {
        self.stop.store(true, Ordering::Release);
        self.changed.notify_all();
        self.report.ring();
    }

    /// True once everything was told to end at once.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Records why the session fails; the first reason stands.
    pub fn set_failure(&self, failure: Failure) {
        self.failure.get_or_init(|| failure);
    }

    /// Why the session failed.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// The next task for the producer of `ordinal`, waiting for its block.
    pub fn next_task(&self, ordinal: u64, drained: bool) -> Next {
        let mut session = self.lock();
        loop {
            let now = (!self.clock.is_virtual()).then(|| self.clock.now());
            let until = match self.step_of(&mut session, ordinal, drained, now) {
                ProducerStep::Task(task) => return Next::Task(task),
                ProducerStep::Drain => return Next::Drain,
                ProducerStep::Exhausted { .. } | ProducerStep::Finished => return Next::Finished,
                ProducerStep::Wait { until } => until,
            };
            let limit = until.zip(now).map_or(LOOK_AGAIN, |(until, now)| now.until(until).min(LOOK_AGAIN));
            session = self.changed.wait_timeout(session, limit).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What the producer of `ordinal` does at `now`, without waiting; see [`Session::producer_step`].
    /// Where that is the end of a dry queue, the session ends with LOOKAHEAD_EXHAUSTED at the fence.
    pub fn next_step(&self, ordinal: u64, drained: bool, now: Option<MonoNs>) -> ProducerStep {
        self.step_of(&mut self.lock(), ordinal, drained, now)
    }

    fn step_of(
        &self,
        session: &mut Session,
        ordinal: u64,
        drained: bool,
        now: Option<MonoNs>,
    ) -> ProducerStep {
        if self.is_stopped() {
            return ProducerStep::Finished;
        }
        let step = session.producer_step(ordinal, drained, self.anchor.get().zip(now));
        if let ProducerStep::Exhausted { fence } = step {
            self.set_failure(Failure::new(
                FailureCode::LookaheadExhausted,
                format!("no block was pending at the fence at frame {fence}; feed blocks earlier"),
            ));
            // What was accepted still plays: the other producer may be late with tasks before the fence.
            session.close();
            self.changed.notify_all();
        }
        step
    }

    /// Waits until the encoder has taken every frame before `frame`, or the stop flag is set. A
    /// preview producer opens its asset only then, so that one decoder is alive most of the time.
    pub fn wait_taken(&self, frame: FrameIndex) {
        let mut session = self.lock();
        while !self.is_taken(&session, frame) {
            session =
                self.changed.wait_timeout(session, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// True when nobody needs to wait any longer for the encoder to take the frames before `frame`.
    pub fn is_taken(&self, session: &Session, frame: FrameIndex) -> bool {
        self.taken_end.load(Ordering::Acquire) >= frame.0 || self.is_stopped() || session.is_terminated()
    }

    /// The producer of `ordinal` is done with it.
    pub fn task_produced(&self, ordinal: u64) {
        self.lock().task_produced(ordinal);
        self.changed.notify_all();
        self.report.ring();
    }

    /// The encoder has taken every frame before `end`.
    pub fn frames_taken(&self, end: FrameIndex) {
        self.taken_end.store(end.0, Ordering::Release);
    }

    /// Every frame before `end` has left.
    pub fn frames_emitted(&self, end: FrameIndex) {
        self.emitted_end.fetch_max(end.0, Ordering::AcqRel);
        if end.0 >= self.next_event_at.load(Ordering::Acquire) {
            self.report.ring();
        }
    }

    /// How many frames have left.
    pub fn frames_emitted_since_join(&self) -> u64 {
        let first = self.lock().first_frame();
        self.emitted_end().map_or(0, |end| u64::try_from(end.frames_since(first)).unwrap_or(0))
    }

    /// One past the last frame that left.
    pub fn emitted_end(&self) -> Option<FrameIndex> {
        let end = self.emitted_end.load(Ordering::Acquire);
        (end != i64::MIN).then_some(FrameIndex(end))
    }

    /// The output has written its last byte.
    pub fn output_ended(&self) {
        self.ended.store(true, Ordering::Release);
        self.report.ring();
    }

    /// True once the output has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
