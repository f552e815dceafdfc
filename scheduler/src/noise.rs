//! Doors for noise: parsers that are this crate's own affair, with what must hold of whatever bytes they are given.
//! The checks in `fuzz/` come in here; no program does.

use crate::ingest::names;
use crate::station::head::{MAX_HEAD_BYTES, read_head};
use crate::station::ring::{Intake, PACKET_BYTES, Ring, StreamError};
use retrovue_mux::ts::Packet;
use std::io::Read;

/// Most beginnings of a head that are tried by themselves.
const BEGINNINGS: usize = 16;

/// Reads the head of an HTTP request; true when it may be served. However much of it has come, the answer
/// is that of the whole or "not yet", and a request written anew is the same request.
///
/// # Panics
/// When that does not hold.
#[must_use]
pub fn request_head(bytes: &[u8]) -> bool {
    let whole = read_head(bytes);
    for length in (0..bytes.len()).step_by(bytes.len() / BEGINNINGS + 1) {
        match read_head(&bytes[..length]) {
            Ok(None) => assert!(length < MAX_HEAD_BYTES, "{length} bytes and no answer"),
            Ok(Some(request)) => assert_eq!(whole, Ok(Some(request)), "after {length} bytes"),
            Err(refusal) => assert!(whole.is_err(), "{refusal:?} after {length} bytes, then {whole:?}"),
        }
    }
    let Ok(Some(request)) = whole else { return false };
    let (version, host) = match &request.host {
        Some(host) => ("HTTP/1.1", format!("Host: {host}\r\n")),
        None => ("HTTP/1.0", String::new()),
    };
    let conditions: String =
        request.conditions.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let written = format!("{} {} {version}\r\n{host}{conditions}\r\n", request.method.as_str(), request.path);
    assert_eq!(read_head(written.as_bytes()), Ok(Some(request)), "{written:?}");
    true
}

/// Reads a path of folders and a file's name, `/` between them; true when it tells an episode or a year. Slugs can
/// stand in an id, titles are never empty and numbers have four digits at most.
///
/// # Panics
/// When that does not hold.
#[must_use]
pub fn file_name(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    for name in &parts {
        let slug = names::slug(name);
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '.' | '/' | '\'');
        assert!(!slug.is_empty() && slug.chars().all(plain), "{slug:?} of {name:?}");
        assert!(name.is_empty() || !names::title_from_name(name).is_empty(), "{name:?}");
        let _ = names::is_season_folder(name);
    }
    let stem = parts.pop().unwrap_or_default();
    let _ = names::type_from_folders(parts.iter().copied());
    let told = names::read_file_name(stem);
    assert!(stem.is_empty() || !told.title.is_empty(), "{stem:?}");
    assert_eq!(told.season.is_some(), told.episode.is_some());
    assert!(told.season.is_none_or(|n| n <= 9999) && told.episode.is_none_or(|n| n <= 9999));
    assert!(told.year.is_none_or(|year| (1880..=2200).contains(&year)));
    told.episode.is_some() || told.year.is_some()
}

/// Reads a stream into a channel's ring of `capacity` bytes, `piece` at a time; true when a viewer could have joined.
/// The ring holds whole packets as they came, and after bytes that are none it begins again with the next piece.
///
/// # Panics
/// When that does not hold.
#[must_use]
pub fn stream_ring(stream: &[u8], capacity: usize, piece: usize) -> bool {
    let mut ring = Ring::new(capacity);
    let (mut joined, mut source) = (false, Pieces { rest: stream, piece });
    // Where in the stream the session began, and where in the ring.
    let mut begin = (0, 0);
    loop {
        let before = ring.end();
        let filled = ring.fill_from(&mut source);
        if ring.end() == before && matches!(filled, Ok(Intake::Bytes(_))) {
            continue; // No packet is whole yet.
        }
        held(&ring, capacity);
        let new = ring.since(before.max(ring.tail()));
        let from = begin.0 + usize::try_from(before.max(ring.tail()) - begin.1).unwrap_or(0);
        let came = &stream[from..from + new.0.len() + new.1.len()];
        assert_eq!([new.0, new.1].concat(), came, "packets are kept as they came");
        joined |= joinable(&ring);
        match filled {
            Ok(Intake::Bytes(_)) => {}
            Ok(Intake::Nothing | Intake::Closed) => return joined,
            Err(StreamError::Read(error)) => panic!("{error}: the source never fails"),
            Err(StreamError::NoPacket { position, .. }) => {
                assert_eq!(position, ring.end());
                ring.end_of_session();
                held(&ring, capacity);
                assert!(ring.join_point().is_none());
                begin = (stream.len() - source.rest.len(), ring.end());
            }
        }
    }
}

/// That the ring holds whole packets and no more than it may.
fn held(ring: &Ring, capacity: usize) {
    let (tail, end, packet) = (ring.tail(), ring.end(), PACKET_BYTES as u64);
    assert!(tail <= end && end - tail <= capacity as u64, "{tail}..{end} of {capacity}");
    assert!(tail.is_multiple_of(packet) && end.is_multiple_of(packet), "{tail}..{end}");
    let (first, second) = ring.since(tail);
    assert_eq!((first.len() + second.len()) as u64, end - tail);
    assert!(first.chunks(PACKET_BYTES).chain(second.chunks(PACKET_BYTES)).all(|p| Packet::parse(p).is_ok()));
    assert!(ring.counters().iter().all(|counter| counter.pid < 0x1FFF && counter.last < 16));
}

/// Whether there is a place to join, which must be the beginning of a picture with its tables.
fn joinable(ring: &Ring) -> bool {
    let Some(join) = ring.join_point() else { return false };
    let (first, _) = ring.since(join.position);
    let picture = first.first_chunk::<PACKET_BYTES>().and_then(|bytes| Packet::parse(bytes).ok());
    assert!(picture.is_some_and(|packet| packet.random_access_indicator()), "at {}", join.position);
    assert!(!join.preface.is_empty() && join.preface.len().is_multiple_of(PACKET_BYTES));
    assert!(join.preface.chunks(PACKET_BYTES).all(|packet| Packet::parse(packet).is_ok()));
    true
}

/// Bytes that come a piece at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(buffer.len()).min(self.rest.len());
        let (now, later) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = later;
        Ok(count)
    }
}

/// Reads the bytes of a sidecar; true when it is one. What it says is bounded, on one line and in range.
///
/// # Panics
/// When that does not hold.
pub fn sidecar(bytes: &[u8]) -> bool {
    let Some(nfo) = crate::ingest::nfo::parse_nfo(bytes) else { return false };
    let texts = [&nfo.title, &nfo.series, &nfo.rating].into_iter().flatten().chain(&nfo.genres);
    for text in texts {
        assert!(
            !text.is_empty() && text.chars().count() <= 300 && !text.contains(char::is_control),
            "{text:?}"
        );
        assert_eq!(text, text.trim());
    }
    let is_file = |name: &String| !name.is_empty() && name.len() <= 4096 && !name.contains(char::is_control);
    assert!(
        nfo.artwork.as_ref().is_none_or(|name| is_file(name) && !name.contains("://")),
        "{:?}",
        nfo.artwork
    );
    assert!(nfo.genres.len() <= 20 && nfo.genres.is_sorted());
    assert!(nfo.season.is_none_or(|n| n <= 9999) && nfo.episode.is_none_or(|n| n <= 9999));
    assert!(nfo.year.is_none_or(|year| (1880..=2200).contains(&year)));
    true
}
