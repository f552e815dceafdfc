//! The head of a request, read with limits and judged before anything else sees it.
//!
//! What leaves here is a method of two, a path of harmless bytes, a host of harmless bytes and the conditions of RFC
//! 9110 §13.1 by which a client asks whether what it has is still good; every other field of the request is dropped,
//! so nothing of a client's making can reach what stands behind the front (request smuggling and header injection
//! start with what is passed on). Requests have no body.
//! Follows RFC 9112 §2 to §5; does no I/O.

use super::respond::Refusal;

/// Most bytes of a request line and all its fields: what browsers and players send is under 2 KiB.
pub(crate) const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Most fields of a head.
const MAX_FIELDS: usize = 100;
/// Longest path served.
const MAX_PATH_BYTES: usize = 1024;
/// Fields that are passed on: conditions, which only ever save sending something again.
const CONDITIONS: [&str; 2] = ["If-None-Match", "If-Modified-Since"];
/// Longest condition passed on: a tag of ours, or a date. A request without its condition is answered in full.
const MAX_CONDITION_BYTES: usize = 256;
/// Longest name (RFC 1035 §2.3.4) with a port.
const MAX_HOST_BYTES: usize = 255 + 6;

/// The methods served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
        }
    }
}

/// A request that may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Absolute path, without query; visible ASCII without `%`, quotes, angle brackets or backslash.
    pub(crate) path: String,
    /// The client's name for this station, `host` or `host:port`; absent in HTTP/1.0.
    pub(crate) host: Option<String>,
    /// Name and value, visible ASCII and spaces; each name once.
    pub(crate) conditions: Vec<(&'static str, String)>,
}

/// Reads the head at the front of `bytes`; `None` while it is unfinished. Bytes after it are ignored:
/// one connection is one request.
///
/// # Errors
/// The response to give instead.
pub(crate) fn read_head(bytes: &[u8]) -> Result<Option<Request>, Refusal> {
    let window = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(window) {
        Ok(httparse::Status::Complete(_)) => judge(&head).map(Some),
        Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD_BYTES => Err(Refusal::HeadTooLarge),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Refusal::HeadTooLarge),
        Err(_) => Err(Refusal::BadRequest("the request head is not HTTP/1.1")),
    }
}

fn judge(head: &httparse::Request<'_, '_>) -> Result<Request, Refusal> {
    let method = match head.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => return Err(Refusal::MethodNotAllowed),
    };
    let mut host = None;
    let mut conditions: Vec<(&'static str, String)> = Vec::new();
    for field in head.headers.iter() {
        let name = field.name;
        if name.eq_ignore_ascii_case("host") {
            let value = std::str::from_utf8(field.value).ok().filter(|value| is_host(value));
            let value = value.ok_or(Refusal::BadRequest("the Host field is not a host name"))?;
            if host.replace(value.to_owned()).is_some() {
                return Err(Refusal::BadRequest("there is more than one Host field"));
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding")
            || (name.eq_ignore_ascii_case("content-length") && field.value != b"0")
        {
            return Err(Refusal::BadRequest("requests with a body are not served here"));
        } else if let Some(known) = CONDITIONS.iter().find(|known| name.eq_ignore_ascii_case(known))
            && let Some(value) = condition(field.value)
            && conditions.iter().all(|(name, _)| name != known)
        {
            conditions.push((known, value));
        }
    }
    // RFC 9112 §3.2: a request of HTTP/1.1 without Host is answered with 400.
    if host.is_none() && head.version == Some(1) {
        return Err(Refusal::BadRequest("the Host field is missing"));
    }
    let path = path_of(head.path.unwrap_or_default())?;
    Ok(Request { method, path, host, conditions })
}

/// The value of a condition, where it can be passed on.
fn condition(value: &[u8]) -> Option<String> {
    let harmless = |byte: &u8| (b' '..=b'~').contains(byte);
    let is_one = !value.is_empty() && value.len() <= MAX_CONDITION_BYTES && value.iter().all(harmless);
    String::from_utf8(value.to_vec()).ok().filter(|_| is_one)
}

/// The path of a request target in origin form or absolute form (RFC 9112 §3.2), without its query.
fn path_of(target: &str) -> Result<String, Refusal> {
    let bad = Refusal::BadRequest("the request target is not a path of this station");
    let origin = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    };
    let path = origin.split(['?', '#']).next().unwrap_or_default();
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-+,@=:".contains(&byte);
    if !path.starts_with('/') || path.len() > MAX_PATH_BYTES {
        return Err(bad);
    }
    if !path.bytes().all(harmless) || path.split('/').any(|part| part == "..") {
        // Nothing of that shape exists: the answer to `/a%20b` or `/../etc` is that it is not there.
        return Err(Refusal::NotFound);
    }
    Ok(path.to_owned())
}

/// A host name, IPv4 address or bracketed IPv6 address, with or without a port.
fn is_host(value: &str) -> bool {
    if value.is_empty() || value.len() > MAX_HOST_BYTES {
        return false;
    }
    let (name, port) = match value.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                let inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
                if address.is_empty() || !address.bytes().all(inside) {
                    return false;
                }
                ("ipv6", port)
            }
            None => return false,
        },
        None => match value.find(':') {
            Some(colon) => value.split_at(colon),
            None => (value, ""),
        },
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !name.is_empty()
        && name.bytes().all(named)
        && (port.is_empty()
            || port.strip_prefix(':').is_some_and(|digits| {
                digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
            }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(head: &str) -> Result<Option<Request>, Refusal> {
        read_head(head.as_bytes())
    }

    #[test]
    fn good_heads() {
        for (head, method, path, host) in [
            ("GET / HTTP/1.1\r\nHost: tv:8409\r\n\r\n", Method::Get, "/", Some("tv:8409")),
            (
                "HEAD /channel/one.ts HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
                Method::Head,
                "/channel/one.ts",
                Some("[::1]:80"),
            ),
            ("GET /guide.xml?days=3 HTTP/1.0\r\n\r\n", Method::Get, "/guide.xml", None),
            (
                "GET http://tv/a HTTP/1.1\r\nHost: tv\r\nContent-Length: 0\r\n\r\nleftover",
                Method::Get,
                "/a",
                Some("tv"),
            ),
            ("GET http://tv HTTP/1.1\nHost: tv\n\n", Method::Get, "/", Some("tv")),
        ] {
            let request = get(head).unwrap().unwrap();
            assert_eq!(
                (request.method, request.path.as_str(), request.host.as_deref()),
                (method, path, host)
            );
        }
    }

    #[test]
    fn bad_heads() {
        for (head, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET relative HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
            ("GET /%2e%2e/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
            ("\u{16}\u{3}\u{1}\u{2}", 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ] {
            let refusal = get(head).expect_err(head);
            assert_eq!(refusal.status(), status, "{head:?}");
        }
    }

    #[test]
    fn conditions_are_passed_on_once_and_only_if_they_are_harmless() {
        let long = format!("\"{}\"", "x".repeat(MAX_CONDITION_BYTES));
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)]);
        let table: [Row<'_>; 6] = [
            ("if-none-match: \"a-1\", W/\"b\"\r\n", &[("If-None-Match", "\"a-1\", W/\"b\"")]),
            (
                "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nIF-NONE-MATCH: *\r\n",
                &[("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), ("If-None-Match", "*")],
            ),
            ("If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n", &[("If-None-Match", "\"a\"")]),
            ("If-None-Match: \"\u{e9}\"\r\nIf-Match: \"a\"\r\nCookie: a=b\r\n", &[]),
            ("If-None-Match:\r\nIf-Range: \"a\"\r\n", &[]),
            (&format!("If-None-Match: {long}\r\n"), &[]),
        ];
        for (fields, expect) in table {
            let request = get(&format!("GET / HTTP/1.1\r\nHost: tv\r\n{fields}\r\n")).unwrap().unwrap();
            let told: Vec<(&str, &str)> = request.conditions.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!(told, expect, "{fields:?}");
        }
    }

    #[test]
    fn limits() {
        let many: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
        assert_eq!(get(&many).expect_err("fields").status(), 431);
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(MAX_HEAD_BYTES));
        assert_eq!(get(&long).expect_err("bytes").status(), 431);
        assert_eq!(get(&long[..4000]), Ok(None));
        let path = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(MAX_PATH_BYTES));
        assert_eq!(get(&path).expect_err("path").status(), 400);
    }

    proptest! {
        /// Any bytes are refused, unfinished, or a request whose parts are harmless.
        #[test]
        fn any_bytes(noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..40, flip: u8) {
            let mut head = b"GET /channel/one.ts HTTP/1.1\r\nHost: tv.lan:8409\r\n\r\n".to_vec();
            head[at] ^= flip;
            for bytes in [&noise, &head] {
                if let Ok(Some(request)) = read_head(bytes) {
                    prop_assert!(request.path.starts_with('/'));
                    prop_assert!(request.path.bytes().all(|b| b.is_ascii_graphic() && b != b'%' && b != b'<'));
                    prop_assert!(request.host.is_none_or(|host| is_host(&host)));
                    prop_assert!(request.conditions.iter().all(|(_, v)| condition(v.as_bytes()).is_some()));
                }
            }
        }
    }
}
