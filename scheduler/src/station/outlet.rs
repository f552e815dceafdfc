//! A channel's place in the front: its ring, the sockets of its session's output, and who watches.
//!
//! Takes bytes in and hands them out; starts and ends no session. A viewer's socket is passed in by the
//! front for each turn.

use super::ring::{Intake, RING_BYTES, Ring};
use crate::air::channel::SessionId;
use mio::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

/// Bytes taken in are handed to viewers in batches this far apart: it spares a system call for each packet
/// and viewer and adds less delay than half a frame.
const FLUSH_EVERY: Duration = Duration::from_millis(15);
/// Most bytes taken from one output in a turn.
const TURN_BYTES: usize = 1024 * 1024;
/// Most bytes taken in after a session's end: what a socket's buffers can hold, with room to spare.
const LAST_BYTES: usize = 8 * 1024 * 1024;

/// Where a session's bytes come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// AIR has not connected yet.
    Awaited(UnixListener),
    /// AIR writes here.
    Connected(UnixStream),
}

/// The output of the running session.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) session: SessionId,
    pub(crate) source: Source,
}

/// State of the output after a turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// Nothing more for now.
    Dry,
    /// There may be more; take another turn.
    More,
    /// It is over, as the text says.
    Over(String),
}

/// One channel in the front.
pub(crate) struct Outlet {
    pub(crate) ring: Ring,
    pub(crate) output: Option<Output>,
    /// Keys of the clients who watch.
    pub(crate) viewers: Vec<usize>,
    /// The director has not been told of the present number of viewers.
    pub(crate) untold: bool,
    flush_at: Option<Instant>,
    flushed_at: Option<Instant>,
}

impl Outlet {
    pub(crate) fn new() -> Outlet {
        Outlet {
            ring: Ring::new(RING_BYTES),
            output: None,
            viewers: Vec::new(),
            untold: false,
            flush_at: None,
            flushed_at: None,
        }
    }

    /// Takes in what the output has, a turn's worth at most. Returns the bytes and what is left.
    pub(crate) fn draw(&mut self, now: Instant) -> (usize, Drawn) {
        self.draw_up_to(TURN_BYTES, now)
    }

    /// Takes in what still lies in the socket of a session that is over.
    pub(crate) fn draw_last(&mut self, now: Instant) -> usize {
        self.draw_up_to(LAST_BYTES, now).0
    }

    fn draw_up_to(&mut self, limit: usize, now: Instant) -> (usize, Drawn) {
        let Some(Output { source: Source::Connected(stream), .. }) = &mut self.output else {
            return (0, Drawn::Dry);
        };
        let before = self.ring.end();
        let mut taken = 0;
        let drawn = loop {
            if taken >= limit {
                break Drawn::More;
            }
            match self.ring.fill_from(stream) {
                Ok(Intake::Bytes(count)) => taken += count,
                Ok(Intake::Nothing) => break Drawn::Dry,
                Ok(Intake::Closed) => break Drawn::Over("closed by AIR".to_owned()),
                Err(error) => break Drawn::Over(error.to_string()),
            }
        };
        if self.ring.end() > before && !self.viewers.is_empty() && self.flush_at.is_none() {
            self.flush_at = Some(self.flushed_at.map_or(now, |last| now.max(last + FLUSH_EVERY)));
        }
        (taken, drawn)
    }

    /// When viewers are due their next batch.
    pub(crate) fn flush_at(&self) -> Option<Instant> {
        self.flush_at
    }

    /// The batch is being handed out.
    pub(crate) fn flushed(&mut self, now: Instant) {
        self.flush_at = None;
        self.flushed_at = Some(now);
    }

    /// Ends the output: drops its sockets and the stream's open ends.
    pub(crate) fn close_output(&mut self) {
        self.output = None;
        self.ring.end_of_session();
        self.release_if_unused();
    }

    /// Removes a viewer.
    pub(crate) fn leave(&mut self, client: usize) {
        self.viewers.retain(|viewer| *viewer != client);
        self.untold = true;
        self.release_if_unused();
    }

    fn release_if_unused(&mut self) {
        if self.output.is_none() && self.viewers.is_empty() {
            self.ring.release();
        }
    }
}
