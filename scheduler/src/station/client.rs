//! One client's connection, from its first byte to its last.
//!
//! ```text
//! Head --bad, slow--> Sending(refusal) ---------------> Draining --> closed
//!  |-- page, picture> Relaying -------------------------^
//!  |---- a channel -> Sending(stream head) --> Viewing --> closed
//! ```
//!
//! One connection serves one request. `Draining` reads what the client still sends for a moment, because
//! closing a socket with unread bytes destroys the response on its way (RFC 9112 §9.6).

use super::head::{self, MAX_HEAD_BYTES, Request};
use super::relay::{Behind, Progress, Relay, retried};
use super::respond::Refusal;
use super::viewer::Viewer;
use mio::net::TcpStream;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// A head must be whole within this, however slowly its bytes come.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// A response that moves no byte for so long is given up.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// After the response, so long for the client to close.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
/// Bytes a client may send that nobody wants, before it is cut off.
const MAX_UNWANTED: usize = 256 * 1024;

/// What follows a response that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Close,
    Stream { channel: usize },
}

/// What a connection is doing.
#[derive(Debug)]
pub(crate) enum Stage {
    Head { bytes: Vec<u8>, until: Instant },
    Sending { bytes: Vec<u8>, sent: usize, moved_at: Instant, then: Then },
    Relaying(Box<Relay>),
    Viewing { channel: usize, viewer: Box<Viewer> },
    Draining { until: Instant },
}

impl Stage {
    /// A response of `bytes`, and what follows it.
    pub(crate) fn sending(bytes: Vec<u8>, then: Then, now: Instant) -> Stage {
        Stage::Sending { bytes, sent: 0, moved_at: now, then }
    }

    /// A refusal, and the end.
    pub(crate) fn refusing(refusal: Refusal, now: Instant) -> Stage {
        Stage::sending(refusal.response(), Then::Close, now)
    }
}

/// What the front must do after a turn.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Nothing: the sockets will tell.
    Wait,
    /// Answer this request by setting a new stage.
    Answer(Request),
    /// Begin to show this channel.
    Show { channel: usize },
    /// Give this viewer a turn.
    Turn { channel: usize },
    /// Close the connection.
    Close,
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) stage: Stage,
    unwanted: usize,
}

impl Client {
    pub(crate) fn new(socket: TcpStream, now: Instant) -> Client {
        let stage = Stage::Head { bytes: Vec::new(), until: now + HEAD_LIMIT };
        Client { socket, stage, unwanted: 0 }
    }

    /// Whose answer is on its way.
    pub(crate) fn relaying(&self) -> Option<Behind> {
        match &self.stage {
            Stage::Relaying(relay) => Some(relay.behind()),
            _ => None,
        }
    }

    fn refuse(&mut self, refusal: Refusal, now: Instant) {
        self.stage = Stage::refusing(refusal, now);
    }

    /// Moves what can be moved, until a socket is not ready or the front is needed.
    pub(crate) fn drive(&mut self, now: Instant) -> Wish {
        loop {
            match &mut self.stage {
                Stage::Head { bytes, .. } => {
                    let mut chunk = [0; 2048];
                    match retried(|| self.socket.read(&mut chunk)) {
                        Ok(None) => return Wish::Wait,
                        Ok(Some(0)) | Err(_) => return Wish::Close,
                        Ok(Some(count)) => {
                            bytes.extend_from_slice(&chunk[..count]);
                            if !chunk[..count].contains(&b'\n') && bytes.len() < MAX_HEAD_BYTES {
                                continue;
                            }
                            match head::read_head(bytes) {
                                Ok(None) => {}
                                Ok(Some(request)) => return Wish::Answer(request),
                                Err(refusal) => self.refuse(refusal, now),
                            }
                        }
                    }
                }
                Stage::Sending { bytes, sent, moved_at, then } => {
                    match retried(|| self.socket.write(&bytes[*sent..])) {
                        Ok(None) => return Wish::Wait,
                        Ok(Some(0)) | Err(_) => return Wish::Close,
                        Ok(Some(count)) => {
                            *sent += count;
                            *moved_at = now;
                            if *sent == bytes.len() {
                                match *then {
                                    Then::Close => self.finish(now),
                                    Then::Stream { channel } => return Wish::Show { channel },
                                }
                            }
                        }
                    }
                }
                Stage::Relaying(relay) => match relay.drive(&mut self.socket, now) {
                    Progress::Waiting => return Wish::Wait,
                    Progress::Done => self.finish(now),
                    Progress::NoResponse => self.refuse(Refusal::PagesFailed, now),
                    Progress::Broken => return Wish::Close,
                },
                Stage::Viewing { channel, .. } => {
                    let channel = *channel;
                    return if self.discard() { Wish::Turn { channel } } else { Wish::Close };
                }
                Stage::Draining { .. } => {
                    return if self.discard() { Wish::Wait } else { Wish::Close };
                }
            }
        }
    }

    /// The response is out: no more from this side.
    fn finish(&mut self, now: Instant) {
        // A peer that is gone already makes this fail, and the next read tells.
        let _ = self.socket.shutdown(Shutdown::Write);
        self.stage = Stage::Draining { until: now + DRAIN_LIMIT };
    }

    /// Reads what nobody wants. False when the client has closed or sends too much of it.
    fn discard(&mut self) -> bool {
        let mut chunk = [0; 4096];
        loop {
            match retried(|| self.socket.read(&mut chunk)) {
                Ok(None) => return true,
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(count)) => {
                    self.unwanted += count;
                    if self.unwanted > MAX_UNWANTED {
                        return false;
                    }
                }
            }
        }
    }

    /// Ends what has taken too long; true when the connection is to be driven or closed now.
    pub(crate) fn overdue(&mut self, now: Instant) -> Overdue {
        match &self.stage {
            Stage::Head { bytes, until } if now >= *until => {
                if bytes.is_empty() {
                    return Overdue::Close; // Connected and said nothing: there is nothing to answer.
                }
                self.refuse(Refusal::TooSlow, now);
                Overdue::Drive
            }
            Stage::Relaying(relay) if relay.has_stalled(now) => {
                if relay.has_begun() {
                    return Overdue::Close;
                }
                self.refuse(Refusal::PagesTooSlow, now);
                Overdue::Drive
            }
            Stage::Sending { moved_at, .. } if now.saturating_duration_since(*moved_at) >= SEND_LIMIT => {
                Overdue::Close
            }
            Stage::Draining { until } if now >= *until => Overdue::Close,
            _ => Overdue::No,
        }
    }
}

/// Whether a connection has taken too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    No,
    Drive,
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    fn pair() -> (std::net::TcpStream, Client, Instant) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let now = Instant::now();
        (peer, Client::new(TcpStream::from_std(socket), now), now)
    }

    #[test]
    fn half_a_head_is_refused_with_408_when_its_time_is_up() {
        let (mut peer, mut client, now) = pair();
        peer.write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
        let arrived = Instant::now() + Duration::from_secs(2);
        while matches!(&client.stage, Stage::Head { bytes, .. } if bytes.is_empty()) {
            assert!(Instant::now() < arrived, "the bytes do not arrive");
            assert!(matches!(client.drive(now), Wish::Wait));
        }
        assert_eq!(client.overdue(now + HEAD_LIMIT - Duration::from_millis(1)), Overdue::No);
        assert_eq!(client.overdue(now + HEAD_LIMIT), Overdue::Drive);
        assert!(matches!(client.drive(now + HEAD_LIMIT), Wish::Wait));
        let mut response = [0; 12];
        peer.read_exact(&mut response).unwrap();
        assert_eq!(&response, b"HTTP/1.1 408");
        // It is not kept for long after that.
        assert_eq!(client.overdue(now + HEAD_LIMIT + DRAIN_LIMIT), Overdue::Close);
    }

    #[test]
    fn silence_is_closed_without_an_answer() {
        let (_peer, mut client, now) = pair();
        assert_eq!(client.overdue(now + HEAD_LIMIT), Overdue::Close);
    }

    #[test]
    fn a_response_nobody_takes_is_given_up() {
        let (_peer, mut client, now) = pair();
        client.stage = Stage::sending(vec![0; 64 << 20], Then::Close, now);
        assert!(matches!(client.drive(now), Wish::Wait));
        assert_eq!(client.overdue(now + SEND_LIMIT), Overdue::Close);
    }
}
