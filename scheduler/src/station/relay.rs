//! One request passed on to the pages or the pictures, one response passed back.
//!
//! Their servers see a request of our own making, with a few fields, over a Unix socket; its response
//! is taken in as fast as it comes, up to a bound, so that a slow client keeps none of its few threads.

use super::head::Request;
use super::pictures::is_picture;
use mio::net::UnixStream;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// Relays to the pages at once, and as many to the pictures, so that neither keeps the other waiting: each keeps a
/// socket and up to `MAX_BUFFERED` bytes.
pub(crate) const MAX_RELAYS: usize = 32;
/// Largest part of a response held for a slow client: a guide of many channels and days.
const MAX_BUFFERED: usize = 2 * 1024 * 1024;
/// A relay that moves no byte for so long is given up.
pub(crate) const STALL_LIMIT: Duration = Duration::from_secs(10);
/// Longest that a picture takes, however steadily it is taken: a large one keeps a thread that reads it.
const PICTURE_LIMIT: Duration = Duration::from_secs(60);

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Pages,
    Pictures,
}

impl Behind {
    /// Who answers a request for `path`.
    pub(crate) fn of(path: &str) -> Behind {
        if is_picture(path) { Behind::Pictures } else { Behind::Pages }
    }
}

/// Where a relay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for one of its sockets.
    Waiting,
    /// The response is passed on in full.
    Done,
    /// The pages gave nothing; the client has had no byte.
    NoResponse,
    /// The client is gone, or the response broke off.
    Broken,
}

/// A request on its way to the pages and the response on its way back.
#[derive(Debug)]
pub(crate) struct Relay {
    behind: Behind,
    began: Instant,
    upstream: UnixStream,
    request: Vec<u8>,
    request_sent: usize,
    response: Vec<u8>,
    response_sent: usize,
    /// Bytes the client has had in all.
    passed: u64,
    upstream_over: bool,
    /// The response's status line is whole, and the field that ends the connection stands after it.
    marked: bool,
    progress_at: Instant,
}

/// Put after the status line: the pages' server keeps this field to itself, and a client must know that
/// its next request needs a connection of its own.
const LAST_RESPONSE: &[u8] = b"Connection: close\r\n";

impl Relay {
    /// Begins to pass `request` on; `host` names the station where the client did not.
    pub(crate) fn new(upstream: UnixStream, request: &Request, host: &str, now: Instant) -> Relay {
        let host = request.host.as_deref().unwrap_or(host);
        let conditions: String =
            request.conditions.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let bytes = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n{conditions}Connection: close\r\n\r\n",
            request.method.as_str(),
            request.path
        );
        Relay {
            behind: Behind::of(&request.path),
            began: now,
            upstream,
            request: bytes.into_bytes(),
            request_sent: 0,
            response: Vec::new(),
            response_sent: 0,
            passed: 0,
            upstream_over: false,
            marked: false,
            progress_at: now,
        }
    }

    /// Who answers.
    pub(crate) fn behind(&self) -> Behind {
        self.behind
    }

    /// True when nothing has moved for [`STALL_LIMIT`], or a picture takes longer than it may.
    pub(crate) fn has_stalled(&self, now: Instant) -> bool {
        let is_long =
            self.behind == Behind::Pictures && now.saturating_duration_since(self.began) >= PICTURE_LIMIT;
        is_long || now.saturating_duration_since(self.progress_at) >= STALL_LIMIT
    }

    /// True when the client has had part of a response already.
    pub(crate) fn has_begun(&self) -> bool {
        self.passed > 0
    }

    /// Moves what can be moved.
    pub(crate) fn drive(&mut self, client: &mut impl Write, now: Instant) -> Progress {
        loop {
            let moved = match self.step(client) {
                Ok(moved) => moved,
                Err(progress) => return progress,
            };
            if moved > 0 {
                self.progress_at = now;
                continue;
            }
            let all_passed = !self.marked || self.response_sent == self.response.len();
            return match (self.upstream_over && all_passed, self.passed > 0) {
                (true, true) => Progress::Done,
                (true, false) => Progress::NoResponse,
                (false, _) => Progress::Waiting,
            };
        }
    }

    fn step(&mut self, client: &mut impl Write) -> Result<usize, Progress> {
        let mut moved = 0;
        if self.request_sent < self.request.len() {
            match retried(|| self.upstream.write(&self.request[self.request_sent..])) {
                Ok(Some(count)) => {
                    self.request_sent += count;
                    moved += count;
                }
                Ok(None) => {}
                Err(_) => self.upstream_over = true,
            }
        }
        if self.response_sent == self.response.len() {
            self.response.clear();
            self.response_sent = 0;
        }
        if !self.upstream_over && self.response.len() < MAX_BUFFERED {
            let mut chunk = [0; 16 * 1024];
            match retried(|| self.upstream.read(&mut chunk)) {
                Ok(Some(0)) | Err(_) => self.upstream_over = true,
                Ok(Some(count)) => {
                    self.response.extend_from_slice(&chunk[..count]);
                    moved += count;
                    self.mark();
                }
                Ok(None) => {}
            }
        }
        if self.marked && self.response_sent < self.response.len() {
            match retried(|| client.write(&self.response[self.response_sent..])) {
                Ok(Some(0)) | Err(_) => return Err(Progress::Broken),
                Ok(Some(count)) => {
                    self.response_sent += count;
                    self.passed += count as u64;
                    moved += count;
                }
                Ok(None) => {}
            }
        }
        Ok(moved)
    }

    fn mark(&mut self) {
        if !self.marked
            && let Some(end) = self.response.windows(2).position(|pair| pair == b"\r\n")
        {
            self.response.splice(end + 2..end + 2, LAST_RESPONSE.iter().copied());
            self.marked = true;
        }
    }
}

/// The outcome of a call that may not be ready (`None`), with interruptions repeated.
pub(crate) fn retried(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::Method;
    use super::*;

    #[test]
    fn a_page_may_take_as_long_as_it_moves_and_a_picture_a_minute() {
        for (path, is_bounded) in
            [("/guide.xml", false), ("/art/00000000000000ff.jpg", true), ("/logo/one", true)]
        {
            let (near, mut far) = UnixStream::pair().unwrap();
            let conditions = vec![("If-None-Match", "\"a\"".to_owned())];
            let request = Request { method: Method::Get, path: path.to_owned(), host: None, conditions };
            let began = Instant::now();
            let mut relay = Relay::new(near, &request, "tv", began);
            let mut client = Vec::new();
            far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let mut at = began;
            while at + STALL_LIMIT / 2 < began + PICTURE_LIMIT {
                assert!(!relay.has_stalled(at), "{path}");
                assert_eq!(relay.drive(&mut client, at), Progress::Waiting, "{path}");
                far.write_all(b"x").unwrap();
                at += STALL_LIMIT / 2;
            }
            relay.drive(&mut client, at);
            assert_eq!(relay.has_stalled(began + PICTURE_LIMIT), is_bounded, "{path}");
            let mut asked = [0; 256];
            let length = far.read(&mut asked).unwrap();
            let expect = format!(
                "GET {path} HTTP/1.1\r\nHost: tv\r\nIf-None-Match: \"a\"\r\nConnection: close\r\n\r\n"
            );
            assert_eq!(std::str::from_utf8(&asked[..length]).unwrap(), expect);
        }
    }
}
