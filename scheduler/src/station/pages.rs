//! Everything served that is not a stream: the guide page, the channel list, the XMLTV guide, JSON.
//!
//! A tiny_http server on a Unix socket of the runtime folder. It only sees requests that the front has
//! parsed, bounded and written anew, and it reads the schedule and the figures; it changes nothing.

use super::exchange::{Line, Note};
use super::home::{self, Row};
use super::pictures::logo_address;
use super::playlist;
use super::status::StationStatus;
use crate::air::recorder::RecorderFigures;
use crate::air::schedule::Schedule;
use crate::guide;
use crate::plan::GuideEvent;
use jiff::tz::TimeZone;
use retrovue_timebase::{Millis, UtcMs};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response, Server};

/// Threads that make pages: two, so that a large guide does not keep a health check waiting.
const THREADS: usize = 2;
/// How far ahead the XMLTV guide reaches: what players show, and little enough to be made on request.
const GUIDE_AHEAD: Millis = Millis(48 * 3_600_000);
/// Longest wait for what comes next in the JSON of a channel.
const NEXT_WITHIN: Millis = Millis(6 * 3_600_000);

/// How long a page waits for a session's counts: it answers within milliseconds, or hangs.
const METRICS_PATIENCE: Duration = Duration::from_secs(1);
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What pages are made from.
pub(crate) struct PageSources {
    pub(crate) station: String,
    pub(crate) schedule: Arc<dyn Schedule>,
    pub(crate) status: Arc<StationStatus>,
    pub(crate) now: fn() -> UtcMs,
    pub(crate) director: Line<Note>,
    /// What became of the as-run log's entries, where there is one.
    pub(crate) recorder: Option<Arc<RecorderFigures>>,
}

/// The running page threads.
pub(crate) struct Pages {
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
}

/// One response.
struct Page {
    status: u16,
    media_type: &'static str,
    body: String,
}

impl Pages {
    /// Listens at `socket` and starts the threads.
    ///
    /// # Errors
    /// The socket cannot be made, or a thread cannot be started.
    pub(crate) fn start(socket: &Path, sources: PageSources) -> io::Result<Pages> {
        let listener = std::os::unix::net::UnixListener::bind(socket)?;
        let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
        let (server, sources) = (Arc::new(server), Arc::new(sources));
        let mut threads = Vec::new();
        for number in 1..=THREADS {
            let (server, sources) = (Arc::clone(&server), Arc::clone(&sources));
            let work = move || {
                while let Ok(request) = server.recv() {
                    serve(request, &sources);
                }
            };
            threads.push(std::thread::Builder::new().name(format!("pages-{number}")).spawn(work)?);
        }
        Ok(Pages { server, threads })
    }

    /// Ends the threads.
    pub(crate) fn stop(self) {
        for _ in &self.threads {
            self.server.unblock();
        }
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a page thread had panicked");
            }
        }
    }
}

fn serve(request: Request, sources: &PageSources) {
    let host = request.headers().iter().find(|field| field.field.equiv("Host"));
    let host = host.map_or_else(|| "localhost".to_owned(), |field| field.value.as_str().to_owned());
    let page = match request.method() {
        Method::Get | Method::Head => answer(request.url(), &host, sources),
        _ => plain(405, "only GET and HEAD are served here\n"),
    };
    let mut response = Response::from_string(page.body).with_status_code(page.status);
    for (name, value) in [
        ("Content-Type", page.media_type),
        ("Cache-Control", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"),
    ] {
        if let Ok(field) = Header::from_bytes(name, value) {
            response.add_header(field);
        }
    }
    if let Err(error) = request.respond(response) {
        tracing::debug!(%error, "a page was not taken");
    }
}

fn answer(path: &str, host: &str, sources: &PageSources) -> Page {
    let now = (sources.now)();
    match path {
        "/" => Page { status: 200, media_type: home::MEDIA_TYPE, body: home_page(host, sources, now) },
        "/channels.m3u" => {
            let channels = sources.schedule.channels().iter().map(|info| (info, logo(sources, &info.id)));
            let body = playlist::playlist(&sources.station, channels, host);
            Page { status: 200, media_type: playlist::MEDIA_TYPE, body }
        }
        "/guide.xml" => xmltv(host, sources, now),
        "/api/channels" => {
            Page { status: 200, media_type: "application/json", body: channels_json(host, sources, now) }
        }
        "/healthz" => plain(200, "ok\n"),
        _ if path.starts_with("/metrics/") => session_metrics(&path["/metrics/".len()..], sources),
        _ => plain(404, "there is nothing at this address; the guide is at /\n"),
    }
}

/// The counts of a channel's session, as AIR tells them. Asking costs a session a message; nothing is
/// counted, and no page waits, for channels that are not on the air.
fn session_metrics(id: &str, sources: &PageSources) -> Page {
    let Some(channel) = sources.schedule.channels().iter().position(|channel| channel.id == id) else {
        return plain(404, "there is no such channel; /api/channels lists them\n");
    };
    let (answer, told) = crossbeam_channel::bounded(1);
    // A note that finds no room is dropped, and its answer with it.
    let _ = sources.director.try_send(Note::Metrics { channel, answer });
    match told.recv_timeout(METRICS_PATIENCE) {
        Ok(body) => Page { status: 200, media_type: OPENMETRICS, body },
        _ => plain(503, "the channel is not on the air: it has counts while somebody watches\n"),
    }
}

fn plain(status: u16, text: &str) -> Page {
    Page { status, media_type: "text/plain; charset=utf-8", body: text.to_owned() }
}

/// Events from `now` on; none when the guide cannot be given, which is logged.
fn events(sources: &PageSources, channel: &str, now: UtcMs, span: Millis) -> Vec<GuideEvent> {
    sources.schedule.guide(channel, now, now.plus(span)).unwrap_or_else(|error| {
        tracing::warn!(channel, %error, "no guide");
        Vec::new()
    })
}

/// The address of a channel's logo.
fn logo(sources: &PageSources, channel: &str) -> Option<String> {
    sources.schedule.logo(channel).and_then(|file| logo_address(channel, &file))
}

fn home_page(host: &str, sources: &PageSources, now: UtcMs) -> String {
    let rows: Vec<Row<'_>> = sources
        .schedule
        .channels()
        .iter()
        .zip(&sources.status.channels)
        .map(|(channel, status)| Row {
            channel,
            events: events(sources, &channel.id, now, home::LONGEST),
            viewers: status.viewers.load(Relaxed),
            on_air: status.is_on_air(),
            logo: logo(sources, &channel.id),
        })
        .collect();
    home::home(&sources.station, host, &rows, now, &TimeZone::system())
}

fn channels_json(host: &str, sources: &PageSources, now: UtcMs) -> String {
    let event = |event: &GuideEvent| {
        serde_json::json!({
            "title": event.title,
            "subtitle": event.subtitle,
            "season": event.season,
            "episode": event.episode,
            "start_utc_ms": event.start.0,
            "end_utc_ms": event.end.0,
            "artwork": event.artwork.map(|artwork| format!("http://{host}{artwork}")),
        })
    };
    let channels: Vec<serde_json::Value> = sources
        .schedule
        .channels()
        .iter()
        .zip(&sources.status.channels)
        .map(|(channel, status)| {
            let events = events(sources, &channel.id, now, NEXT_WITHIN);
            let pid = status.air_pid.load(Relaxed);
            serde_json::json!({
                "id": channel.id,
                "number": channel.number,
                "name": channel.name,
                "guide_id": channel.guide_id(),
                "logo": logo(sources, &channel.id).map(|logo| format!("http://{host}{logo}")),
                "now": events.first().map(event),
                "next": events.get(1).map(event),
                "viewers": status.viewers.load(Relaxed),
                "on_air": status.is_on_air(),
                "phase": format!("{:?}", status.phase()).to_lowercase(),
                "air_pid": (pid != 0).then_some(pid),
                "sessions": status.sessions.load(Relaxed),
                "bytes_in": status.bytes_in.load(Relaxed),
                "bytes_out": status.bytes_out.load(Relaxed),
                "url": format!("http://{host}/channel/{}.ts", channel.id),
            })
        })
        .collect();
    let as_run = sources.recorder.as_ref().map(|figures| {
        serde_json::json!({
            "recorded": figures.recorded.load(Relaxed),
            "waiting": figures.waiting.load(Relaxed),
            "lost": figures.lost.load(Relaxed),
            "failing": figures.failing.load(Relaxed),
        })
    });
    format!("{}\n", serde_json::json!({ "channels": channels, "as_run": as_run }))
}

/// The XMLTV guide of every channel; a channel whose guide cannot be given has no programmes in it.
fn xmltv(host: &str, sources: &PageSources, now: UtcMs) -> Page {
    let channels = sources.schedule.channels();
    let zones: Vec<_> = channels.iter().map(|channel| sources.schedule.zone(&channel.id)).collect();
    let channels: Vec<_> = channels
        .iter()
        .zip(&zones)
        .map(|(channel, zone)| guide::Listing {
            channel,
            zone: zone.as_ref(),
            logo: logo(sources, &channel.id),
            events: events(sources, &channel.id, now, GUIDE_AHEAD),
        })
        .collect();
    let mut bytes = Vec::new();
    let written = guide::xmltv(&channels, Some(&format!("http://{host}")), &mut bytes)
        .map_err(|error| error.to_string());
    match written.and_then(|()| String::from_utf8(bytes).map_err(|error| error.to_string())) {
        Ok(body) => Page { status: 200, media_type: "application/xml; charset=utf-8", body },
        Err(error) => {
            tracing::error!(error, "cannot write the guide");
            plain(500, "the guide could not be written; the station's log says why\n")
        }
    }
}
