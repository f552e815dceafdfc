//! The producers and their lanes, without media: what `fill` does, in virtual time.

use crate::ledger::{Content, number};
use crate::scenario::{Fault, MS, Scenario};
use retrovue_engine::clock::MonoNs;
use retrovue_engine::pipeline::SharedSession;
use retrovue_engine::session::{ProducerStep, SegmentTask};
use retrovue_proto::code::{Failure, FailureCode};
use std::collections::VecDeque;

/// A preview producer opens its asset this many seconds of frames before the boundary.
const PREROLL_SECONDS: i64 = 5;

/// What a step of an actor came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Moved,
    /// Nothing to do before this instant.
    Until(i64),
    /// Waits for another actor.
    Blocked,
}

/// One output frame's content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) index: i64,
    pub(crate) content: Content,
    pub(crate) force_idr: bool,
}

/// What a producer hands over, in frame order.
#[derive(Debug)]
pub(crate) enum Delivery {
    Frame(Frame),
    SegmentEnd,
    Drain,
    Failed(Failure),
    Finished,
}

/// The bounded ring of one producer.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) deliveries: VecDeque<Delivery>,
    pub(crate) empties: usize,
}

impl Lane {
    pub(crate) fn new() -> Lane {
        Lane { deliveries: VecDeque::new(), empties: SharedSession::FRAMES_AHEAD }
    }
}

#[derive(Debug)]
enum State {
    Ask,
    /// The encoder is not near enough yet.
    Preview(SegmentTask),
    Opening(SegmentTask, i64),
    Need(SegmentTask, i64),
    Decoding(SegmentTask, i64, i64),
    Finished,
}

/// One producer.
#[derive(Debug)]
pub(crate) struct Fill {
    ordinal: u64,
    pub(crate) drained: bool,
    state: State,
    sending: Option<Delivery>,
    /// When it first asked for the task it waits for.
    asked: i64,
}

/// What the station must hear of a step.
#[derive(Debug)]
pub(crate) enum News {
    Produced {
        ordinal: u64,
        end: i64,
    },
    /// LOOKAHEAD_EXHAUSTED, and since when the producer has been asking.
    Exhausted {
        fence: i64,
        asked: i64,
    },
}

impl Fill {
    pub(crate) fn new(parity: u64) -> Fill {
        Fill { ordinal: parity, drained: false, state: State::Ask, sending: None, asked: i64::MAX }
    }

    pub(crate) fn is_preview(&self) -> bool {
        matches!(self.state, State::Preview(_))
    }

    pub(crate) fn step(
        &mut self,
        scenario: &Scenario,
        shared: &SharedSession,
        lane: &mut Lane,
        now: i64,
        start: i64,
        news: &mut Option<News>,
    ) -> Step {
        if shared.is_stopped() {
            self.state = State::Finished;
            self.sending = None;
            return Step::Blocked;
        }
        if let Some(delivery) = self.sending.take() {
            if lane.deliveries.len() == SharedSession::FRAMES_AHEAD + 2 {
                self.sending = Some(delivery);
                return Step::Blocked;
            }
            lane.deliveries.push_back(delivery);
            return Step::Moved;
        }
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Finished => Step::Blocked,
            State::Ask => self.ask(shared, now, news),
            State::Preview(task) => {
                let rate = scenario.rate;
                let preroll = PREROLL_SECONDS * rate.num() / rate.den();
                let ready =
                    self.ordinal == 0 || shared.is_taken(&shared.lock(), task.first_frame.offset(-preroll));
                self.state = match ready {
                    true => State::Opening(task, now + scenario.open_nanos),
                    false => State::Preview(task),
                };
                if ready { Step::Moved } else { Step::Blocked }
            }
            State::Opening(task, until) if now < until => {
                self.state = State::Opening(task, until);
                Step::Until(until)
            }
            State::Opening(task, _) => {
                let uri = task.path.to_string_lossy().into_owned();
                if scenario.vanishes(&uri).is_some_and(|at| now >= start + at) {
                    self.fail(FailureCode::AssetError, "is gone");
                } else {
                    let first = task.first_frame.0;
                    self.state = State::Need(task, first);
                }
                Step::Moved
            }
            State::Need(task, next) if next == task.end_frame.0 => {
                shared.task_produced(self.ordinal);
                *news = Some(News::Produced { ordinal: self.ordinal, end: next });
                self.ordinal += 2;
                self.sending = Some(Delivery::SegmentEnd);
                self.state = State::Ask;
                self.asked = i64::MAX;
                Step::Moved
            }
            State::Need(task, next) => {
                if lane.empties == 0 {
                    self.state = State::Need(task, next);
                    return Step::Blocked;
                }
                lane.empties -= 1;
                let until = now + scenario.decode_nanos + scenario.slow_read(next);
                self.state = State::Decoding(task, next, until);
                Step::Moved
            }
            State::Decoding(task, next, until) if now < until => {
                self.state = State::Decoding(task, next, until);
                Step::Until(until)
            }
            State::Decoding(task, next, _) => {
                let failure = scenario.faults.iter().find_map(|fault| match *fault {
                    Fault::ReadError { frame } if frame == next => Some(FailureCode::AssetError),
                    Fault::DecodeError { frame } if frame == next => Some(FailureCode::DecodeError),
                    _ => None,
                });
                if let Some(code) = failure {
                    self.fail(code, "cannot be read on");
                    return Step::Moved;
                }
                let frame = Frame {
                    index: next,
                    content: content(scenario, &task, next),
                    force_idr: next == task.first_frame.0,
                };
                self.sending = Some(Delivery::Frame(frame));
                self.state = State::Need(task, next + 1);
                Step::Moved
            }
        }
    }

    fn ask(&mut self, shared: &SharedSession, now: i64, news: &mut Option<News>) -> Step {
        self.asked = self.asked.min(now);
        match shared.next_step(self.ordinal, self.drained, Some(MonoNs(now))) {
            ProducerStep::Task(task) => {
                self.drained = false;
                self.state = State::Preview(task);
            }
            ProducerStep::Drain => {
                self.drained = true;
                self.sending = Some(Delivery::Drain);
                self.state = State::Ask;
            }
            ProducerStep::Wait { until } => {
                self.state = State::Ask;
                return until.map_or(Step::Blocked, |until| Step::Until(until.0));
            }
            ProducerStep::Exhausted { fence } => {
                *news = Some(News::Exhausted { fence: fence.0, asked: self.asked });
                self.sending = Some(Delivery::Finished);
            }
            ProducerStep::Finished => self.sending = Some(Delivery::Finished),
        }
        Step::Moved
    }

    fn fail(&mut self, code: FailureCode, what: &str) {
        self.sending = Some(Delivery::Failed(Failure::new(code, format!("the asset {what}"))));
    }
}

/// What a reader that joined at the task's in-point shows at `frame`: the asset while it lasts.
fn content(scenario: &Scenario, task: &SegmentTask, frame: i64) -> Content {
    let uri = task.path.to_string_lossy();
    let real_nanos = (scenario.assets[uri.as_ref()].real - task.in_point).0 * MS;
    let position = frame - task.segment_start.0;
    let rate = scenario.rate;
    let lasts = i128::from(position) * i128::from(rate.den()) * 1_000_000_000
        < i128::from(real_nanos) * i128::from(rate.num());
    match lasts {
        true => Content::Asset { asset: number(&uri), in_ms: task.in_point.0, position },
        false => Content::Black,
    }
}
