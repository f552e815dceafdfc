//! What the front and the director tell each other, over bounded channels that wake the other's loop.
//!
//! The front never waits for the director: what does not fit stays in the front's own bounded state and is
//! told again later (a viewer count is a state, not an event). The director may wait for the front, which
//! always takes in.

use crate::air::channel::{PidCounter, SessionId};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use mio::Waker;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

/// Most sessions, thus channels on the air, at once: far beyond what one machine encodes; it bounds
/// processes, sockets and rings.
pub(crate) const MAX_SESSIONS: usize = 64;

/// Messages on their way to the director: two for each session that can end and a count for each channel,
/// with room for several rounds.
const TO_DIRECTOR: usize = 512;
/// Messages on their way to the front: an opening and a closing for each session, twice.
const TO_FRONT: usize = 4 * MAX_SESSIONS;
/// The director's patience with the front, which takes microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// From the director to the front.
#[derive(Debug)]
pub(crate) enum FrontCommand {
    /// A session of `channel` will connect to `listener` and write its packets there.
    Open { channel: usize, session: SessionId, listener: UnixListener },
    /// The session is over: take in what lies in its socket, close it, and say [`Note::OutputClosed`].
    Close { channel: usize, session: SessionId },
    /// Close everything and end.
    Stop,
}

/// To the director.
#[derive(Debug)]
pub(crate) enum Note {
    /// So many viewers are connected to `channel`.
    Viewers { channel: usize, count: u32 },
    /// The output of `session` is closed and all of it taken in.
    OutputClosed { channel: usize, session: SessionId, counters: Vec<PidCounter> },
    /// Somebody asks for the counts of `channel`'s session; no answer comes where it has none.
    Metrics { channel: usize, answer: Sender<String> },
    /// Stop all sessions and end.
    Stop,
}

/// One end of a bounded channel into another thread's loop.
#[derive(Debug)]
pub(crate) struct Line<T> {
    sender: Sender<T>,
    waker: Arc<Waker>,
}

impl<T> Clone for Line<T> {
    fn clone(&self) -> Line<T> {
        Line { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}

impl<T> Line<T> {
    fn new(capacity: usize, waker: Waker) -> (Line<T>, Receiver<T>) {
        let (sender, receiver) = crossbeam_channel::bounded(capacity);
        (Line { sender, waker: Arc::new(waker) }, receiver)
    }

    /// Sends without waiting; gives the message back when the line is full. A thread that has ended takes
    /// everything and needs nothing.
    pub(crate) fn try_send(&self, message: T) -> Result<(), T> {
        let outcome = match self.sender.try_send(message) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(message)) => Err(message),
        };
        self.wake();
        outcome
    }

    /// Sends, waiting a bounded time for room. False when the other thread is gone or stuck.
    pub(crate) fn send(&self, message: T) -> bool {
        let sent = self.sender.send_timeout(message, PATIENCE).is_ok();
        self.wake();
        sent
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake the other thread");
        }
    }
}

/// A line into the director's loop.
pub(crate) fn to_director(waker: Waker) -> (Line<Note>, Receiver<Note>) {
    Line::new(TO_DIRECTOR, waker)
}

/// A line into the front's loop.
pub(crate) fn to_front(waker: Waker) -> (Line<FrontCommand>, Receiver<FrontCommand>) {
    Line::new(TO_FRONT, waker)
}
