//! Core's end of a control connection: one [`SessionLink`] per session, many in one mio loop.
//!
//! Frames, request ids and bounds; what to ask, which reply belongs to what and what it means is Core's
//! matter. Hello, too, is a request: AIR accepts no other first.

use crate::framed_stream::{FramedStream, Full, Received};
use crate::socket_path::{self, PathTooLong};
use mio::{Interest, Registry, Token};
use retrovue_proto::message::{AirMessage, CoreMessage, core_message};
use retrovue_proto::wire::{MAX_FRAME_BYTES, WireError};
use std::io;
use std::path::{Path, PathBuf};

/// Events given out at once: one session that talks much does not hold up the others of the loop.
pub const MAX_EVENTS: usize = 32;

/// Bytes that may wait for AIR to read them before requests are refused; one request may go past it.
const OUTGOING: usize = MAX_FRAME_BYTES;

const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Core's end of one session's connection.
///
/// **Register it, then call [`SessionLink::on_ready`] at each of its mio events.** Events that exceed
/// [`MAX_EVENTS`] bring a mio event of their own.
#[derive(Debug)]
pub struct SessionLink {
    stream: FramedStream,
    registered: Option<(Registry, Token)>,
    last_id: u64,
    fault: Option<LinkError>,
    closed: bool,
}

/// What came from AIR.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// A reply, a block event, or the session's end. Its kind may be `None`: one this build does not know.
    Message(AirMessage),
    /// The session's process closed the connection, or was killed. The last event.
    Closed,
}

/// A fault of a connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No server listens there, or its backlog is full.
    #[error("cannot connect to AIR at {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The socket's path does not fit a Unix socket address.
    #[error(transparent)]
    PathTooLong(#[from] PathTooLong),
    /// AIR's bytes are no frames, or ended within one; or a request is longer than a frame may be.
    #[error("control connection to AIR: {0}")]
    Wire(#[from] WireError),
    /// AIR does not read. The request was not sent.
    #[error("AIR leaves {queued} bytes of the control connection unread; the request was not sent")]
    Full {
        /// Bytes that wait to be written.
        queued: usize,
    },
    /// The connection left its mio loop.
    #[error("cannot watch the control connection: {0}")]
    Watch(io::Error),
    /// The connection is closed.
    #[error("the control connection to AIR is closed")]
    Closed,
}

impl SessionLink {
    /// Connects to AIR's server, which makes a session process of it. Does not wait for that process:
    /// requests may follow at once, Hello first.
    ///
    /// # Errors
    /// No server listens at `path`, its backlog is full, or the path is too long.
    pub fn connect(path: &Path) -> Result<SessionLink, LinkError> {
        socket_path::check(path, 0)?;
        let stream = mio::net::UnixStream::connect(path)
            .map_err(|source| LinkError::Connect { path: path.to_owned(), source })?;
        let stream = FramedStream::new(stream, OUTGOING);
        Ok(SessionLink { stream, registered: None, last_id: 0, fault: None, closed: false })
    }

    /// Registers the connection with a mio loop, for reading and writing.
    ///
    /// # Errors
    /// The system's answer.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.stream.socket(), token, INTEREST)?;
        self.registered = Some((registry.try_clone()?, token));
        Ok(())
    }

    /// Takes the connection out of its mio loop.
    ///
    /// # Errors
    /// The system's answer.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registered = None;
        registry.deregister(self.stream.socket())
    }

    /// Sends a request; gives the id that its reply will carry. Ids count from 1.
    ///
    /// # Errors
    /// AIR does not read, the request is too long, or the connection is closed. The first two leave the
    /// connection as it was.
    pub fn request(&mut self, request: core_message::Request) -> Result<u64, LinkError> {
        if self.closed {
            return Err(LinkError::Closed);
        }
        let request_id = self.last_id + 1;
        let message = CoreMessage { request_id, request: Some(request) };
        if let Err(Full { queued }) = self.stream.queue(&message)? {
            return Err(LinkError::Full { queued });
        }
        self.last_id = request_id;
        self.stream.flush();
        Ok(request_id)
    }

    /// Reads and writes what the socket allows. Gives at most [`MAX_EVENTS`] events, oldest first; none
    /// when nothing came.
    ///
    /// # Errors
    /// AIR's bytes are no protocol; the events before them come first. The connection is then closed.
    pub fn on_ready(&mut self) -> Result<Vec<LinkEvent>, LinkError> {
        let mut events = Vec::new();
        self.stream.flush();
        while !self.closed && self.fault.is_none() && events.len() < MAX_EVENTS {
            match self.stream.receive() {
                Ok(Received::Message(message)) => events.push(LinkEvent::Message(message)),
                Ok(Received::Pending) => return Ok(events),
                Ok(Received::End) => {
                    self.closed = true;
                    events.push(LinkEvent::Closed);
                }
                Err(fault) => self.fault = Some(fault.into()),
            }
        }
        if events.is_empty()
            && let Some(fault) = self.fault.take()
        {
            self.closed = true;
            self.stream.shut();
            return Err(fault);
        }
        if !self.closed {
            self.come_again();
        }
        Ok(events)
    }

    /// True while bytes of requests wait for AIR to read them; they leave in [`SessionLink::on_ready`].
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.stream.queued() > 0
    }

    /// Makes mio report the socket once more: it reports edges, and this one was not used up.
    fn come_again(&mut self) {
        if let Some((registry, token)) = &self.registered
            && let Err(error) = registry.reregister(self.stream.socket(), *token, INTEREST)
        {
            self.fault.get_or_insert(LinkError::Watch(error));
        }
    }
}
