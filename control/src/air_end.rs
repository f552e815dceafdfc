//! AIR's end of a control connection: requests in, replies and events out.
//!
//! Answers Hello and judges frames, versions and request ids; what a request means is the session's
//! matter. One connection is one session.

use crate::ControlError;
use crate::framed_stream::{FramedStream, Received};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use mio::{Events, Interest, Poll, Token, Waker};
use retrovue_proto::PROTOCOL_VERSION;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::message::{
    AirMessage, CoreMessage, Hello, HelloReply, Reply, SessionEnded, air_message, core_message, reply,
};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages that may wait for the connection's thread. A block has two events and lasts seconds at
/// least: a Core that far behind hangs.
pub const SEND_QUEUE: usize = 64;

/// Bytes that may wait for Core to read them before messages stay in the queue.
const OUTGOING: usize = 64 * 1024;

/// How long the last words of a broken connection may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// AIR's end of a connection, for one thread.
///
/// **Call [`AirEnd::next`] over and over: it also writes what [`AirSender`]s sent.**
#[derive(Debug)]
pub struct AirEnd {
    poll: Poll,
    events: Events,
    stream: FramedStream,
    queue: Receiver<AirMessage>,
    /// Kept so that the senders' waker outlives no poll.
    _waker: Arc<Waker>,
    last_request: Option<u64>,
    closed: bool,
}

/// What `next` found.
// Held one at a time and for a moment: its size costs less than a box for each request.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq)]
pub enum AirInput {
    /// A request other than Hello. Its kind may be `None`: one this build does not know.
    Request(CoreMessage),
    /// Core closed the connection, or was killed.
    Closed,
    /// Nothing came in time.
    Timeout,
}

/// Sends messages to Core from any thread; never waits.
#[derive(Debug, Clone)]
pub struct AirSender {
    queue: Sender<AirMessage>,
    waker: Arc<Waker>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SendError {
    /// [`SEND_QUEUE`] messages wait already: Core does not read. The message comes back.
    #[error("{SEND_QUEUE} messages wait for Core to read them; this one is not sent")]
    Full(Box<AirMessage>),
    /// The connection is gone.
    #[error("the control connection is closed")]
    Closed,
}

impl AirSender {
    /// Hands `message` to the connection's thread.
    ///
    /// # Errors
    /// The queue is full, or the connection is gone.
    pub fn try_send(&self, message: AirMessage) -> Result<(), SendError> {
        self.queue.try_send(message).map_err(|error| match error {
            TrySendError::Full(message) => SendError::Full(Box::new(message)),
            TrySendError::Disconnected(_) => SendError::Closed,
        })?;
        // A waker that fails leaves the message for the thread's next turn.
        let _ = self.waker.wake();
        Ok(())
    }
}

impl AirEnd {
    /// Takes over a connected socket; gives the end and a sender for it.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn new(stream: UnixStream) -> io::Result<(AirEnd, AirSender)> {
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::UnixStream::from_std(stream);
        let poll = Poll::new()?;
        poll.registry().register(&mut stream, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, queue) = crossbeam_channel::bounded(SEND_QUEUE);
        let end = AirEnd {
            poll,
            events: Events::with_capacity(4),
            stream: FramedStream::new(stream, OUTGOING),
            queue,
            _waker: Arc::clone(&waker),
            last_request: None,
            closed: false,
        };
        Ok((end, AirSender { queue: sender, waker }))
    }

    /// The next request, after at most `timeout`; `None` waits for ever. Messages of the senders leave
    /// meanwhile.
    ///
    /// # Errors
    /// Core broke the protocol. It has been told, and the connection is closed: every further call
    /// gives [`AirInput::Closed`].
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<AirInput, ControlError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if self.closed {
                return Ok(AirInput::Closed);
            }
            self.write_queued();
            match self.stream.receive::<CoreMessage>() {
                Ok(Received::Message(message)) => {
                    if let Some(request) = self.admit(message)? {
                        return Ok(AirInput::Request(request));
                    }
                }
                Ok(Received::End) => {
                    self.closed = true;
                    return Ok(AirInput::Closed);
                }
                Err(fault) => {
                    let failure = Failure::new(FailureCode::ProtocolError, fault.to_string());
                    let ended = SessionEnded { reason: Some(failure.into()), ..Default::default() };
                    self.farewell(air_message::Message::SessionEnded(ended));
                    return Err(fault.into());
                }
                Ok(Received::Pending) => {
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    if left == Some(Duration::ZERO) {
                        return Ok(AirInput::Timeout);
                    }
                    self.wait(left)?;
                }
            }
        }
    }

    /// Moves the senders' messages on as far as Core reads.
    fn write_queued(&mut self) {
        loop {
            while self.stream.has_room()
                && let Ok(message) = self.queue.try_recv()
            {
                if let Err(fault) = self.stream.queue(&message) {
                    tracing::error!("a message to Core is lost: {fault}");
                }
            }
            self.stream.flush();
            if !self.stream.has_room() || self.queue.is_empty() {
                return;
            }
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<(), ControlError> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(ControlError::io("wait for the control connection")(error))
            }
            _ => Ok(()),
        }
    }

    /// Judges a message's place in the conversation; Hello is answered here.
    fn admit(&mut self, message: CoreMessage) -> Result<Option<CoreMessage>, ControlError> {
        let id = message.request_id;
        let first = self.last_request.is_none();
        if let Some(last) = self.last_request
            && id <= last
        {
            let fault = format!("request_id {id} came after {last}; ids must increase within a connection");
            return Err(self.refuse(id, fault));
        }
        self.last_request = Some(id);
        match message.request {
            Some(core_message::Request::Hello(hello)) if first => self.greet(id, &hello).map(|()| None),
            Some(core_message::Request::Hello(_)) => {
                Err(self.refuse(id, "a second Hello; a connection is one session".to_owned()))
            }
            _ if first => {
                let fault = format!("request {id} came before Hello; Hello must be the first message");
                Err(self.refuse(id, fault))
            }
            _ => Ok(Some(message)),
        }
    }

    fn greet(&mut self, id: u64, hello: &Hello) -> Result<(), ControlError> {
        let (core, air) = (hello.protocol_version, PROTOCOL_VERSION);
        if core != air {
            let error = ControlError::VersionMismatch { core, air };
            let failure = Failure::new(FailureCode::VersionMismatch, error.to_string());
            self.farewell(reply(id, reply::Outcome::Rejected(failure.into())));
            return Err(error);
        }
        tracing::debug!("Core is {}", hello.peer);
        let answer = HelloReply {
            protocol_version: air,
            peer: concat!("retrovue-air ", env!("CARGO_PKG_VERSION")).to_owned(),
            pid: std::process::id(),
        };
        let message = reply(id, reply::Outcome::Hello(answer));
        // The first message of an empty stream has room and is short.
        let _ = self.stream.queue(&AirMessage { message: Some(message) });
        Ok(())
    }

    fn refuse(&mut self, id: u64, fault: String) -> ControlError {
        let failure = Failure::new(FailureCode::ProtocolError, fault.clone());
        self.farewell(reply(id, reply::Outcome::Rejected(failure.into())));
        ControlError::Protocol(fault)
    }

    /// Sends what is queued and `message`, within [`FAREWELL`], and closes.
    fn farewell(&mut self, message: air_message::Message) {
        self.closed = true;
        let Some(deadline) = Instant::now().checked_add(FAREWELL) else {
            return self.stream.shut();
        };
        let mut message = Some(AirMessage { message: Some(message) });
        loop {
            self.write_queued();
            if let Some(last) = message.take_if(|_| self.stream.has_room()) {
                let _ = self.stream.queue(&last);
                self.stream.flush();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if (message.is_none() && self.stream.queued() == 0) || left.is_zero() {
                break;
            }
            if self.wait(Some(left)).is_err() {
                break;
            }
        }
        self.stream.shut();
    }
}

fn reply(request_id: u64, outcome: reply::Outcome) -> air_message::Message {
    air_message::Message::Reply(Reply { request_id, outcome: Some(outcome) })
}
