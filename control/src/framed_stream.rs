//! A non-blocking Unix socket that speaks frames, with bounded memory both ways.
//!
//! **Call `receive` until it gives `Pending` before waiting for readiness again**: mio reports edges.

use mio::net::UnixStream;
use prost::Message;
use retrovue_proto::wire::{FrameDecoder, WireError, encode_frame};
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// Bytes read at once; the usual message is far shorter.
const CHUNK: usize = 16 * 1024;

/// A socket with the frames on their way in and out.
#[derive(Debug)]
pub(crate) struct FramedStream {
    stream: UnixStream,
    decoder: FrameDecoder,
    chunk: Box<[u8]>,
    /// Bytes of `chunk` not yet given to the decoder.
    unread: std::ops::Range<usize>,
    /// The peer will send nothing more.
    ended: bool,
    outgoing: Vec<u8>,
    written: usize,
    /// Outgoing bytes past which no further message is taken.
    limit: usize,
}

/// What `receive` found.
#[derive(Debug)]
pub(crate) enum Received<M> {
    /// A whole message.
    Message(M),
    /// Nothing until the socket is ready again.
    Pending,
    /// The peer closed between two frames.
    End,
}

/// The outgoing bytes are at their limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) queued: usize,
}

impl FramedStream {
    /// Takes messages until `limit` bytes wait to be written; one message may go past it.
    pub(crate) fn new(stream: UnixStream, limit: usize) -> FramedStream {
        FramedStream {
            stream,
            decoder: FrameDecoder::new(),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            unread: 0..0,
            ended: false,
            outgoing: Vec::new(),
            written: 0,
            limit,
        }
    }

    pub(crate) fn socket(&mut self) -> &mut UnixStream {
        &mut self.stream
    }

    /// The next message. A peer that was killed counts as one that closed.
    pub(crate) fn receive<M: Message + Default>(&mut self) -> Result<Received<M>, WireError> {
        loop {
            let mut bytes = &self.chunk[self.unread.clone()];
            let message = self.decoder.feed_message(&mut bytes);
            self.unread.start = self.unread.end - bytes.len();
            if let Some(message) = message? {
                return Ok(Received::Message(message));
            }
            if self.ended {
                return self.decoder.finish().map(|()| Received::End);
            }
            match self.stream.read(&mut self.chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self.unread = 0..count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Pending),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.ended = true,
            }
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn queued(&self) -> usize {
        self.outgoing.len() - self.written
    }

    /// True while another message is taken.
    pub(crate) fn has_room(&self) -> bool {
        self.queued() < self.limit
    }

    /// Takes a message for writing.
    pub(crate) fn queue<M: Message>(&mut self, message: &M) -> Result<Result<(), Full>, WireError> {
        if !self.has_room() {
            return Ok(Err(Full { queued: self.queued() }));
        }
        encode_frame(message, &mut self.outgoing).map(Ok)
    }

    /// Writes what the socket takes. When the peer is gone the rest is dropped: `receive` tells.
    pub(crate) fn flush(&mut self) {
        while self.queued() > 0 {
            match self.stream.write(&self.outgoing[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.written = self.outgoing.len(),
            }
        }
        // What was written makes room once it is worth the move, and at the end.
        if self.written == self.outgoing.len() || self.written >= self.limit {
            self.outgoing.drain(..self.written);
            self.written = 0;
        }
    }

    /// Closes both directions.
    pub(crate) fn shut(&mut self) {
        self.ended = true;
        // A peer that closed first has done it already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
