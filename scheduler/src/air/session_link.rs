//! One session's control connection: requests out, and replies and events turned into the manager's news.
//!
//! Knows the messages of the control protocol; takes no decision on them.

use super::channel::{News, SessionId};
use crossbeam_channel::Sender;
use mio::{Registry, Token};
use retrovue_control::{LinkEvent, SessionLink};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::message::{self, air_message, block_event, core_message, reply};
use std::collections::VecDeque;
use std::path::Path;

/// What a request was, to know what its reply is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Hello,
    Attach,
    Start,
    Feed,
    Stop,
    Metrics,
}

/// Requests without a reply yet at most: the three of the opening, one feed, one stop, and as many again.
const MAX_UNANSWERED: usize = 10;
/// People who may wait for one session's counts at once.
const MAX_CURIOUS: usize = 4;

/// The control connection of one session.
pub(crate) struct Control {
    session: SessionId,
    link: SessionLink,
    unanswered: Vec<(u64, Asked)>,
    /// Who asked for the counts, in the order of the requests.
    curious: VecDeque<Sender<String>>,
    pid: Option<u32>,
    closed: bool,
}

impl Control {
    /// Connects to the AIR server at `socket`; the connection is the session.
    pub(crate) fn connect(
        session: SessionId,
        socket: &Path,
        registry: &Registry,
        token: Token,
    ) -> Result<Control, String> {
        let mut link = SessionLink::connect(socket)
            .map_err(|error| format!("cannot reach the AIR server at {}: {error}", socket.display()))?;
        link.register(registry, token).map_err(|error| format!("cannot watch the connection: {error}"))?;
        Ok(Control {
            session,
            link,
            unanswered: Vec::new(),
            curious: VecDeque::new(),
            pid: None,
            closed: false,
        })
    }

    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// Process of the session, once it has said so.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, asked: Asked, request: core_message::Request) -> Result<(), String> {
        if self.unanswered.len() >= MAX_UNANSWERED {
            return Err(format!("{MAX_UNANSWERED} requests are without a reply"));
        }
        let id = self.link.request(request).map_err(|error| format!("cannot send a request: {error}"))?;
        self.unanswered.push((id, asked));
        Ok(())
    }

    /// Has the session's counts sent to `answer`: the text as AIR wrote it, for people alone. The session
    /// firewall holds because nothing here reads it. Without room nobody is answered.
    pub(crate) fn ask_metrics(&mut self, answer: Sender<String>) {
        let request = core_message::Request::GetMetrics(message::GetMetrics {});
        if self.curious.len() < MAX_CURIOUS && self.ask(Asked::Metrics, request).is_ok() {
            self.curious.push_back(answer);
        }
    }

    /// Takes in what has come.
    pub(crate) fn listen(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        match self.link.on_ready() {
            Ok(events) => {
                for event in events {
                    match event {
                        LinkEvent::Message(message) => self.hear(message, &mut news),
                        LinkEvent::Closed => {
                            self.closed = true;
                            news.push(News::LinkClosed("its process ended".to_owned()));
                        }
                    }
                }
            }
            Err(error) => news.push(News::LinkClosed(error.to_string())),
        }
        news
    }

    fn hear(&mut self, message: message::AirMessage, news: &mut Vec<News>) {
        match message.message {
            Some(air_message::Message::Reply(reply)) => self.hear_reply(reply, news),
            Some(air_message::Message::BlockEvent(event)) => news.extend(block_news(event)),
            Some(air_message::Message::SessionEnded(ended)) => {
                if let (Some(block_id), Some(frames)) = (ended.block_id, ended.frames_emitted) {
                    news.push(News::BlockCut { block_id, frames });
                }
                let reason = ended.reason.map(Failure::from);
                news.push(News::Ended(reason.filter(|reason| !reason.code.as_str().is_empty())));
            }
            None => {}
        }
    }

    fn hear_reply(&mut self, reply: message::Reply, news: &mut Vec<News>) {
        let Some(place) = self.unanswered.iter().position(|(id, _)| *id == reply.request_id) else {
            tracing::warn!(session = self.session.0, request = reply.request_id, "reply to no request");
            return;
        };
        let (_, asked) = self.unanswered.remove(place);
        if asked == Asked::Metrics {
            let answer = self.curious.pop_front();
            if let (Some(answer), Some(reply::Outcome::Metrics(metrics))) = (answer, reply.outcome) {
                // Who asked may have gone.
                let _ = answer.try_send(metrics.openmetrics);
            }
            return;
        }
        let outcome = match reply.outcome {
            Some(reply::Outcome::Hello(hello)) => {
                self.pid = Some(hello.pid).filter(|pid| *pid > 0);
                Ok(())
            }
            Some(reply::Outcome::Accepted(_) | reply::Outcome::Metrics(_)) => Ok(()),
            Some(reply::Outcome::Rejected(failure)) => Err(Failure::from(failure)),
            None => Err(Failure::new(FailureCode::ProtocolError, "a reply without an outcome".to_owned())),
        };
        match (asked, outcome) {
            (Asked::Hello | Asked::Attach | Asked::Stop | Asked::Metrics, Ok(())) => {}
            // A refusal of any step of the opening is one of the opening; later ones are ignored then.
            (Asked::Hello | Asked::Attach, Err(failure)) => news.push(News::StartAnswered(Err(failure))),
            (Asked::Start, outcome) => news.push(News::StartAnswered(outcome)),
            (Asked::Feed, outcome) => news.push(News::FeedAnswered(outcome)),
            (Asked::Stop | Asked::Metrics, Err(failure)) => news.push(News::LinkClosed(failure.to_string())),
        }
    }

    /// Ends the connection, which ends the session's process; `kill` makes sure of one that hangs.
    pub(crate) fn end(mut self, kill: bool, registry: &Registry) {
        // While the connection is open the process lives, so its id cannot have gone to another.
        if kill && !self.closed {
            let pid = self.pid.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
            if let Some(pid) = pid
                && let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::KILL)
            {
                tracing::warn!(session = self.session.0, %error, "cannot end a hung session");
            }
        }
        if let Err(error) = self.link.deregister(registry) {
            tracing::debug!(session = self.session.0, %error, "a connection was not registered");
        }
    }
}

fn block_news(event: message::BlockEvent) -> Option<News> {
    let kind = event.kind();
    let message::BlockEvent { block_id, frames_emitted: frames, failure, .. } = event;
    match kind {
        block_event::Kind::Started => Some(News::BlockStarted { block_id }),
        block_event::Kind::Failed => {
            let unnamed = || Failure::new(FailureCode::InternalError, "a block failed".to_owned());
            let failure = failure.map_or_else(unnamed, Failure::from);
            Some(News::BlockFailed { block_id, frames, failure })
        }
        block_event::Kind::Completed => Some(News::BlockCompleted { block_id, frames }),
        block_event::Kind::Unspecified => None,
    }
}
