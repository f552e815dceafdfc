//! A viewer on a raw TCP connection: asks for a channel and follows its packets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An open HTTP connection to a channel, past its response head.
pub struct Viewer {
    socket: TcpStream,
    /// Body bytes read and not yet taken.
    pending: Vec<u8>,
    /// When the request was sent.
    pub asked: Instant,
}

/// What happened on the wire when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TuneIn {
    /// Request to response head.
    pub head: Duration,
    /// Request to first packet.
    pub first_packet: Duration,
    /// Request to the last byte of the first IDR picture.
    pub first_idr: Duration,
}

/// Asks `address` for `path` and returns status line, headers and the connection.
///
/// # Panics
/// When the server cannot be reached or sends no head within ten seconds.
#[must_use]
pub fn get(address: &str, path: &str) -> (String, Viewer) {
    let asked = Instant::now();
    let mut socket = TcpStream::connect(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket takes a time-out");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("request sent");
    let mut data = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let n = socket.read(&mut chunk).expect("a response within ten seconds");
        assert!(n > 0, "the server closed without a head: {:?}", String::from_utf8_lossy(&data));
        data.extend_from_slice(&chunk[..n]);
        if let Some(end) = data.windows(4).position(|w| w == b"\r\n\r\n") {
            let body = data.split_off(end + 4);
            let head = String::from_utf8_lossy(&data).into_owned();
            return (head, Viewer { socket, pending: body, asked });
        }
    }
}

/// The whole body of a page.
///
/// # Panics
/// As [`get`], and when the status is not 200.
#[must_use]
pub fn page(address: &str, path: &str) -> String {
    let (head, mut viewer) = get(address, path);
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    viewer.socket.read_to_end(&mut viewer.pending).expect("the page ends");
    let text = String::from_utf8_lossy(&viewer.pending).into_owned();
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { unchunk(&text) } else { text }
}

fn unchunk(body: &str) -> String {
    let (mut rest, mut text) = (body, String::new());
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || tail.len() < size {
            break;
        }
        text.push_str(&tail[..size]);
        rest = tail[size..].trim_start_matches("\r\n");
    }
    text
}

impl Viewer {
    /// Reads for `span` and returns what came.
    ///
    /// # Panics
    /// When the connection ends or fails.
    #[must_use]
    pub fn watch(&mut self, span: Duration) -> Vec<u8> {
        let until = Instant::now() + span;
        let mut data = std::mem::take(&mut self.pending);
        let mut chunk = vec![0; 64 * 1024];
        while Instant::now() < until {
            let n = self.socket.read(&mut chunk).expect("bytes within ten seconds");
            assert!(n > 0, "the channel closed the connection");
            data.extend_from_slice(&chunk[..n]);
        }
        data
    }

    /// Reads up to the first complete IDR picture.
    ///
    /// # Panics
    /// When the connection ends first, or what comes is no transport stream.
    #[must_use]
    pub fn tune_in(&mut self, head: Duration) -> TuneIn {
        let mut first_packet = None;
        let mut idr_begun = false;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            while self.pending.len() >= 188 {
                let packet: Vec<u8> = self.pending.drain(..188).collect();
                assert_eq!(packet[0], 0x47, "sync byte");
                first_packet.get_or_insert_with(|| self.asked.elapsed());
                let starts = packet[1] & 0x40 != 0;
                let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
                let random_access = packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x40 != 0;
                if pid == VIDEO_PID && starts {
                    if idr_begun {
                        return TuneIn {
                            head,
                            first_packet: first_packet.unwrap_or_default(),
                            first_idr: self.asked.elapsed(),
                        };
                    }
                    idr_begun = random_access;
                }
            }
            let n = self.socket.read(&mut chunk).expect("bytes within ten seconds");
            assert!(n > 0, "the channel closed the connection");
            self.pending.extend_from_slice(&chunk[..n]);
        }
    }
}

/// PID of the picture in every stream of ours.
const VIDEO_PID: u16 = 0x100;
