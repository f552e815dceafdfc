//! Pictures over HTTP: artwork at `/art/`, channels' logos at `/logo/`.
//!
//! A tiny_http server like that of the pages, with threads of its own, for it reads the drives that media are on: one
//! that sleeps or does not answer holds up pictures and nothing else. **No path ever comes from a request**: it names a
//! mark, which the catalog turns into a file, or a channel, whose own file names its logo. Whatever the file is called, it
//! is sent only if it begins as a picture does, for a link may lead anywhere. None is decoded. Those of a server's
//! library are fetched from it here, so that its key never leaves the station. Conditional requests follow RFC 9110 §13.1.

use crate::air::schedule::Schedule;
use crate::catalog::{
    ARTWORK_FOLDER, ArtworkPlace, Catalog, LARGEST_PICTURE, PictureType, SourceRecord, mark_of_address,
};
use crate::ingest::{PictureFailure, ServerPicture, fetch_picture};
use crossbeam_channel::{Receiver, Sender};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

/// Where logos are served.
pub(crate) const LOGO_FOLDER: &str = "/logo/";

/// Threads that read pictures: a drive takes a few requests at a time, and a viewer's page asks for six.
const THREADS: usize = 4;

/// Bytes that tell what a file is.
const BEGINNING: usize = 12;

/// How long the station's end waits for a picture that is being sent.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// How long a server that did not answer is left in peace.
const SILENCE: Duration = Duration::from_secs(30);

/// A client may show a picture so long without asking again: one that changes has another address in the guide.
const ARTWORK_CACHE: &str = "max-age=86400";

/// A logo keeps its address, so it is asked for whether it changed.
const LOGO_CACHE: &str = "max-age=300";

/// Where pictures come from.
pub(crate) struct PictureSources {
    /// The catalog's file, where there is one.
    pub(crate) catalog: Option<PathBuf>,
    /// What is planned, held only while it is asked.
    pub(crate) schedule: Weak<dyn Schedule>,
    /// Servers that did not answer, by source, and until when they are left in peace.
    pub(crate) silent: Mutex<BTreeMap<i64, Instant>>,
}

impl PictureSources {
    /// A picture from a server. One that does not answer is not asked again for a while: a page full of its pictures would
    /// keep all threads waiting.
    fn fetch(&self, source: &SourceRecord, path: &str) -> Result<ServerPicture, Refused> {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent().get(&source.id).is_some_and(|until| Instant::now() < *until) {
            return Err(NO_SERVER);
        }
        fetch_picture(source, path).map_err(|error| {
            tracing::warn!(%error, "no picture");
            if matches!(error, PictureFailure::Silent(_)) {
                silent().insert(source.id, Instant::now() + SILENCE);
            }
            NO_SERVER
        })
    }
}

/// The running threads.
pub(crate) struct Pictures {
    server: Arc<Server>,
    ended: Receiver<()>,
}

impl Pictures {
    /// Listens at `socket` and starts the threads.
    ///
    /// # Errors
    /// The socket cannot be made, or a thread cannot be started.
    pub(crate) fn start(socket: &Path, sources: PictureSources) -> io::Result<Pictures> {
        let listener = std::os::unix::net::UnixListener::bind(socket)?;
        let server = Arc::new(Server::from_listener(listener, None).map_err(io::Error::other)?);
        let sources = Arc::new(sources);
        let (running, ended) = crossbeam_channel::bounded::<()>(0);
        for number in 1..=THREADS {
            let (server, sources) = (Arc::clone(&server), Arc::clone(&sources));
            let running: Sender<()> = running.clone();
            let work = move || {
                let _running = running;
                let mut catalog = None;
                while let Ok(request) = server.recv() {
                    serve(request, &sources, &mut catalog);
                }
            };
            std::thread::Builder::new().name(format!("pictures-{number}")).spawn(work)?;
        }
        Ok(Pictures { server, ended })
    }

    /// Ends the threads. One that waits for a drive is left behind.
    pub(crate) fn stop(self) {
        (0..THREADS).for_each(|_| self.server.unblock());
        let _ = self.ended.recv_timeout(END_PATIENCE);
    }
}

/// Where a channel's logo is served; nothing where the file is no picture.
pub(crate) fn logo_address(channel: &str, file: &Path) -> Option<String> {
    Some(format!("{LOGO_FOLDER}{channel}.{}", PictureType::of(file)?.extension()))
}

/// Whether a path is one of a picture.
pub(crate) fn is_picture(path: &str) -> bool {
    path.starts_with(ARTWORK_FOLDER) || path.starts_with(LOGO_FOLDER)
}

/// A picture that may be sent.
struct Opened {
    body: Body,
    size: u64,
    media_type: &'static str,
    /// Changes with the picture.
    etag: String,
    /// Time of the last change as HTTP writes it.
    modified: Option<String>,
}

enum Body {
    File(File),
    Bytes(Cursor<Vec<u8>>),
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Body::File(file) => file.read(buffer),
            Body::Bytes(bytes) => bytes.read(buffer),
        }
    }
}

/// Why there is no picture: a status and what is said.
type Refused = (u16, &'static str);

const NO_SUCH: Refused = (404, "there is no picture at this address; /guide.xml names those there are\n");
const NO_LOGO: Refused = (404, "there is no such channel, or it has no logo: in its file, logo: FILE\n");
const NO_FILE: Refused = (404, "the picture's file is not there or cannot be read; scan the media again\n");
const NO_PICTURE: Refused = (404, "the file is no JPEG, PNG or WebP picture; put one in its place\n");
const TOO_LARGE: Refused = (404, "the picture is larger than 16 MiB and is not served; make it smaller\n");
const NO_CATALOG: Refused = (503, "the catalog cannot be read; the station's log says why\n");
const NO_SERVER: Refused =
    (502, "the server that has the picture does not give it; the station's log says why\n");
const NO_METHOD: Refused = (405, "only GET and HEAD are served here\n");

fn serve(request: Request, sources: &PictureSources, catalog: &mut Option<Catalog>) {
    let found = match request.method() {
        Method::Get | Method::Head => find(&request, sources, catalog),
        _ => Err(NO_METHOD),
    };
    let cache = if request.url().starts_with(LOGO_FOLDER) { LOGO_CACHE } else { ARTWORK_CACHE };
    let sent = match found {
        Ok(opened) => {
            let mut fields = vec![
                ("Content-Type", opened.media_type.to_owned()),
                ("Cache-Control", cache.to_owned()),
                ("ETag", opened.etag.clone()),
            ];
            fields.extend(opened.modified.clone().map(|modified| ("Last-Modified", modified)));
            let has_it = has_it_already(&request, &opened.etag, opened.modified.as_deref());
            let status = if has_it { 304 } else { 200 };
            let length = usize::try_from(opened.size).ok();
            // No more than was told, should it grow meanwhile.
            let body = opened.body.take(opened.size);
            request.respond(response(status, fields, body, length))
        }
        Err((status, text)) => {
            let fields = vec![
                ("Content-Type", "text/plain; charset=utf-8".to_owned()),
                ("Cache-Control", "no-cache".to_owned()),
            ];
            request.respond(response(status, fields, Cursor::new(text), Some(text.len())))
        }
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "a picture was not taken");
    }
}

fn response<R: Read>(
    status: u16,
    fields: Vec<(&str, String)>,
    body: R,
    length: Option<usize>,
) -> Response<R> {
    let safe = [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'")];
    let fields = fields.into_iter().chain(safe.map(|(name, value)| (name, value.to_owned())));
    let fields = fields.filter_map(|(name, value)| Header::from_bytes(name, value).ok()).collect();
    // Whole, with its length: players do not take pictures in chunks.
    Response::new(StatusCode(status), fields, body, length, None).with_chunked_threshold(usize::MAX)
}

/// The picture that is asked for.
fn find(
    request: &Request,
    sources: &PictureSources,
    catalog: &mut Option<Catalog>,
) -> Result<Opened, Refused> {
    let path = request.url();
    if let Some(name) = path.strip_prefix(LOGO_FOLDER) {
        let channel = name.split('.').next().unwrap_or_default();
        let schedule = sources.schedule.upgrade();
        return open(&schedule.and_then(|schedule| schedule.logo(channel)).ok_or(NO_LOGO)?);
    }
    let mark = path.strip_prefix(ARTWORK_FOLDER).and_then(mark_of_address).ok_or(NO_SUCH)?;
    let failed = |error| {
        tracing::warn!(%error, "a picture cannot be looked up");
        NO_CATALOG
    };
    let known = match catalog {
        Some(known) => known,
        None => {
            catalog.insert(Catalog::open_file(sources.catalog.as_deref().ok_or(NO_SUCH)?).map_err(failed)?)
        }
    };
    match known.artwork(mark).map_err(failed)?.ok_or(NO_SUCH)? {
        ArtworkPlace::File(file) => open(&file),
        ArtworkPlace::Server { source, path } => {
            // The mark changes with the picture, so nobody need be asked whether it did.
            let etag = format!("\"{:x}\"", mark.cast_unsigned());
            let (media_type, bytes) = match has_it_already(request, &etag, None) {
                true => ("image/jpeg", Vec::new()),
                false => {
                    let ServerPicture { picture, bytes } = sources.fetch(&source, &path)?;
                    (picture.media_type(), bytes)
                }
            };
            let size = bytes.len() as u64;
            Ok(Opened { body: Body::Bytes(Cursor::new(bytes)), size, media_type, etag, modified: None })
        }
    }
}

fn open(path: &Path) -> Result<Opened, Refused> {
    let gone = |error: io::Error| {
        tracing::debug!(path = %path.display(), %error, "no picture");
        NO_FILE
    };
    // A pipe by that name would be waited for.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(gone)?;
    let metadata = file.metadata().map_err(gone)?;
    if !metadata.is_file() {
        return Err(NO_FILE);
    }
    if metadata.len() > LARGEST_PICTURE {
        return Err(TOO_LARGE);
    }
    let mut beginning = [0; BEGINNING];
    let length = file.read_at(&mut beginning, 0).map_err(gone)?;
    let picture = PictureType::of_beginning(&beginning[..length]).ok_or(NO_PICTURE)?;
    let changed = Timestamp::new(metadata.mtime(), 0).ok();
    let modified = changed.and_then(|at| DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok());
    let etag = format!("\"{:x}-{:x}-{:x}\"", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    let media_type = picture.media_type();
    Ok(Opened { body: Body::File(file), size: metadata.len(), media_type, etag, modified })
}

/// Whether the client says that it has this very picture (RFC 9110 §13.1.2, §13.1.3). A time is compared as it was told,
/// for a file that is put back has an earlier one.
fn has_it_already(request: &Request, etag: &str, modified: Option<&str>) -> bool {
    let field = |name: &'static str| {
        let found = request.headers().iter().find(|field| field.field.equiv(name));
        found.map(|field| field.value.as_str())
    };
    if let Some(tags) = field("If-None-Match") {
        let bare = |tag: &str| tag.trim().trim_start_matches("W/") == etag;
        return tags.trim() == "*" || tags.split(',').any(bare);
    }
    field("If-Modified-Since").is_some_and(|since| Some(since) == modified)
}
