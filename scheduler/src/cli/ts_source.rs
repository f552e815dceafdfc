//! Where a transport stream is read from: a file, standard input, or a GET over HTTP/1.1 with its chunks taken
//! apart (RFC 9112 §7.1). No TLS, no redirects.

use super::{Exit, Failure};
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Stdin, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest head of an answer.
const HEAD: usize = 16 * 1024;
/// How long a read may wait before the reader looks around.
const GLANCE: Duration = Duration::from_millis(200);
/// How long the answer's head may take: a channel may have to start.
const ANSWER: Duration = Duration::from_secs(30);

/// A stream's bytes.
pub(super) enum Source {
    File(File),
    Input(Stdin),
    Http(Body<TcpStream>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Source::File(file) => file.read(buffer),
            Source::Input(input) => input.read(buffer),
            Source::Http(body) => body.read(buffer),
        }
    }
}

/// Opens a file, `-`, or an address that begins with `http://`.
pub(super) fn open(name: &str) -> std::result::Result<Source, Failure> {
    let opened = match name.strip_prefix("http://") {
        Some(address) => get(address).map(Source::Http),
        None if name == "-" => Ok(Source::Input(std::io::stdin())),
        None => File::open(name).map(Source::File),
    };
    opened.map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))
}

fn get(address: &str) -> Result<Body<TcpStream>> {
    let (host, path) = match address.find('/') {
        Some(at) => address.split_at(at),
        None => (address, "/"),
    };
    let with_port = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut socket = TcpStream::connect(with_port)?;
    socket.set_read_timeout(Some(ANSWER))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n")?;
    let body = Body::of(socket)?;
    body.reader.get_ref().set_read_timeout(Some(GLANCE))?;
    Ok(body)
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body<R> {
    reader: BufReader<R>,
    left: Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Until the connection closes.
    Unknown,
    Bytes(u64),
    /// In this chunk.
    Chunk(u64),
    /// A chunk's size comes next: what is known of it, and where in the line.
    Size(u64, Line),
    End,
}

/// Where in a chunk's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The end of the chunk before.
    Before,
    Digits(u8),
    Extension,
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, what.into())
}

impl<R: Read> Body<R> {
    /// Reads an answer's head.
    fn of(stream: R) -> Result<Body<R>> {
        let mut reader = BufReader::with_capacity(1 << 16, stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            reader.read_exact(&mut byte)?;
            head.push(byte[0]);
            if head.len() > HEAD {
                return Err(wrong("the answer's head is too long"));
            }
        }
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut fields);
        answer.parse(&head).map_err(|error| wrong(format!("no HTTP answer: {error}")))?;
        match answer.code {
            Some(200) => {}
            code => return Err(wrong(format!("the server answers {}", code.unwrap_or(0)))),
        }
        let field = |name: &str| {
            answer
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .and_then(|field| std::str::from_utf8(field.value).ok())
        };
        let chunked = field("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
        let left = if chunked {
            Left::Size(0, Line::Digits(0))
        } else {
            let length = field("content-length").and_then(|value| value.trim().parse().ok());
            length.map_or(Left::Unknown, Left::Bytes)
        };
        Ok(Body { reader, left })
    }

    /// One byte of what stands between chunks.
    fn between_chunks(&mut self, size: u64, line: Line) -> Result<()> {
        let mut byte = [0];
        if self.reader.read(&mut byte)? == 0 {
            self.left = Left::End;
            return Ok(());
        }
        self.left = match (line, byte[0]) {
            (Line::Before, b'\r') => Left::Size(0, Line::Before),
            (Line::Before, b'\n') => Left::Size(0, Line::Digits(0)),
            (Line::Digits(1..) | Line::Extension, b'\n') if size == 0 => Left::End,
            (Line::Digits(1..) | Line::Extension, b'\n') => Left::Chunk(size),
            (Line::Digits(count @ 0..15), digit) if digit.is_ascii_hexdigit() => {
                let value = (digit as char).to_digit(16).unwrap_or(0);
                Left::Size(size << 4 | u64::from(value), Line::Digits(count + 1))
            }
            (Line::Digits(1..), b'\r' | b';' | b' ') | (Line::Extension, _) => {
                Left::Size(size, Line::Extension)
            }
            _ => return Err(wrong("a chunk's size is wrong")),
        };
        Ok(())
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Left::Size(size, line) = self.left {
            self.between_chunks(size, line)?;
        }
        let most = match self.left {
            Left::Unknown => u64::MAX,
            Left::Bytes(left) | Left::Chunk(left) => left,
            Left::Size(..) | Left::End => 0,
        };
        if most == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let held = self.reader.fill_buf()?;
        let count = held.len().min(buffer.len()).min(usize::try_from(most).unwrap_or(usize::MAX));
        buffer[..count].copy_from_slice(&held[..count]);
        self.reader.consume(count);
        let count_64 = count as u64;
        self.left = match self.left {
            Left::Bytes(left) => Left::Bytes(left - count_64),
            Left::Chunk(left) if left == count_64 => Left::Size(0, Line::Before),
            Left::Chunk(left) => Left::Chunk(left - count_64),
            other => other,
        };
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one length; in pieces of two every other read gives nothing.
    struct Slow<'a>(&'a [u8], usize, bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            self.2 = !self.2;
            if self.2 && self.1 == 2 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn body(answer: &str, piece: usize) -> Result<String> {
        let mut body = Body::of(Slow(answer.as_bytes(), piece, true))?;
        let (mut out, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => return String::from_utf8(out).map_err(|error| wrong(error.to_string())),
                Ok(count) => out.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    #[test]
    fn bodies() {
        let cases = [
            ("HTTP/1.1 200 OK\r\n\r\nall of it", "all of it"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more", "hello"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00B;a=b\r\n, big world\r\n0\r\n\r\n",
                "hello, big world",
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "hel"),
        ];
        for (answer, expected) in cases {
            for piece in [1, 3, 5, 1000] {
                assert_eq!(body(answer, piece).expect("a body"), expected, "pieces of {piece}");
            }
        }
        // Between two chunks a read may come back empty-handed.
        let (head, rest) = cases[2].0.split_at(cases[2].0.find("5\r\n").expect("a chunk"));
        let mut slow = Body::of(Slow(head.as_bytes(), 1000, false)).expect("a head");
        slow.reader = BufReader::with_capacity(2, Slow(rest.as_bytes(), 2, false));
        let (mut out, mut buffer) = (Vec::<u8>::new(), [0; 7]);
        loop {
            match slow.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => out.extend(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        assert_eq!(out, cases[2].1.as_bytes());
    }

    #[test]
    fn refused() {
        for answer in [
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        ] {
            assert!(body(answer, 1000).is_err(), "{answer:?}");
        }
    }
}
