//! The responses the front gives by itself: refusals in plain words, and the head of a stream.
//!
//! Everything else is answered by the pages behind it. No value of a request is ever repeated in these
//! responses.

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadRequest(&'static str),
    NotFound,
    NoSuchChannel,
    MethodNotAllowed,
    TooSlow,
    HeadTooLarge,
    PagesFailed,
    TooManyConnections,
    TooManySessions,
    PagesTooSlow,
}

impl Refusal {
    /// Status code (RFC 9110 §15; 431: RFC 6585 §5).
    #[cfg(test)]
    pub(crate) fn status(self) -> u16 {
        self.line_and_text().0
    }

    fn line_and_text(self) -> (u16, &'static str, &'static str) {
        match self {
            Refusal::BadRequest(what) => (400, "Bad Request", what),
            Refusal::NotFound => (404, "Not Found", "there is nothing at this address; the guide is at /"),
            Refusal::NoSuchChannel => {
                (404, "Not Found", "there is no such channel; /channels.m3u lists those there are")
            }
            Refusal::MethodNotAllowed => (405, "Method Not Allowed", "only GET and HEAD are served here"),
            Refusal::TooSlow => (408, "Request Timeout", "the request did not arrive in time"),
            Refusal::HeadTooLarge => {
                (431, "Request Header Fields Too Large", "the request head is over 8 KiB or 100 fields")
            }
            Refusal::PagesFailed => (502, "Bad Gateway", "the page could not be made; try again"),
            Refusal::TooManyConnections => {
                (503, "Service Unavailable", "too many connections; try again in a moment")
            }
            Refusal::TooManySessions => {
                (503, "Service Unavailable", "too many channels are on the air; close one and try again")
            }
            Refusal::PagesTooSlow => (504, "Gateway Timeout", "the page took too long; try again"),
        }
    }

    /// The whole response.
    pub(crate) fn response(self) -> Vec<u8> {
        let (status, line, text) = self.line_and_text();
        let more = match status {
            405 => "Allow: GET, HEAD\r\n",
            503 => "Retry-After: 2\r\n",
            _ => "",
        };
        format!(
            "HTTP/1.1 {status} {line}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             {more}X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{status} {line}: {text}\n",
            status.to_string().len() + line.len() + text.len() + 4,
        )
        .into_bytes()
    }
}

/// Head of a channel's stream: no length, for it has no end.
pub(crate) const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\
    Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n\
    Connection: close\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_right() {
        for refusal in [Refusal::BadRequest("what"), Refusal::NotFound, Refusal::TooManySessions] {
            let response = String::from_utf8(refusal.response()).expect("ASCII");
            let (head, body) = response.split_once("\r\n\r\n").expect("head");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{response}");
            assert!(head.starts_with(&format!("HTTP/1.1 {} ", refusal.status())));
        }
    }
}
