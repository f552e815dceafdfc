//! The station: one public port with every channel's stream, the guide and the lists behind it.
//!
//! Starts and ends the threads and knows how they hang together; the work is in the modules. It decides
//! nothing of what airs and never looks inside a picture.
//!
//! ```text
//! clients ==TCP==> front --heads judged--+--/channel/x.ts--> ring of the channel ==> viewers
//!                    |  ^                +--/art/, /logo/--> pictures (Unix socket) ==> client
//!                    |  ^                +--all else-------> pages (Unix socket) ==> client
//!          who watches  | packets of the sessions (Unix sockets)
//!                    v  |
//!                 director <==control sockets==> retrovue-air, one process a channel
//!                    |
//!                    v what airs
//!                 recorder ==> catalog
//! ```

mod client;
mod data_lock;
mod escape;
pub(crate) mod exchange;
mod front;
pub(crate) mod head;
mod home;
mod outlet;
mod pages;
mod pictures;
mod playlist;
mod relay;
pub(crate) mod renewal;
mod respond;
pub(crate) mod ring;
mod runtime_dir;
pub(crate) mod status;
#[cfg(test)]
mod stream_tests;
mod tables;
mod viewer;

use crate::air::asset_folders::AssetFolders;
use crate::air::director::{DirectorParts, ProgramDirector};
use crate::air::recorder::{Recorder, Recording};
use crate::air::schedule::Schedule;
use crate::config::GuideOnAir;
use crossbeam_channel::{Receiver, Sender};
pub use data_lock::DataLock;
use exchange::{FrontCommand, Line, Note};
use front::{Front, FrontParts, MAX_CLIENTS};
use mio::{Poll, Waker};
use pages::{PageSources, Pages};
use pictures::{PictureSources, Pictures};
use retrovue_timebase::UtcMs;
use runtime_dir::RuntimeDir;
pub(crate) use runtime_dir::runtime_folders;
use status::StationStatus;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the station needs to know besides what airs.
#[derive(Debug, Clone)]
pub struct StationOptions {
    /// The station's name, for people.
    pub name: String,
    /// Address to listen on; every address of the machine when absent.
    pub address: Option<IpAddr>,
    /// Port to listen on; 0 for any free one.
    pub port: u16,
    /// How long a channel's session stays after its last viewer.
    pub linger: Duration,
    /// The `retrovue-air` program; beside this program or in `$PATH` when absent.
    pub air_program: Option<PathBuf>,
    /// Folders and files that sessions may read; all when empty.
    pub asset_folders: AssetFolders,
    /// What the streams themselves tell of the guide; nothing when absent.
    pub guide: Option<GuideOnAir>,
    /// The catalog file in which what airs is recorded and pictures are looked up; neither is done when absent.
    pub catalog: Option<PathBuf>,
}

impl StationOptions {
    /// The options of a station called `name` on `port`, with a linger of 20 s.
    #[must_use]
    pub fn new(name: impl Into<String>, port: u16) -> StationOptions {
        StationOptions {
            name: name.into(),
            address: None,
            port,
            linger: Duration::from_secs(20),
            air_program: None,
            asset_folders: AssetFolders::default(),
            guide: None,
            catalog: None,
        }
    }
}

/// Connections that wait to be accepted: as many as are served at most. The usual 128 make the rest of a
/// rush wait a second for their next attempt.
const ACCEPT_QUEUE: i32 = 1024;

/// Why a station cannot run.
#[derive(Debug, thiserror::Error)]
pub enum StationError {
    /// Another program has the port.
    #[error(
        "port {port} is in use by another program; stop it, or choose another port with --port N \
         (make demo PORT=N)"
    )]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// Another station uses the data folder.
    #[error(
        "another station{} runs on {}; stop it, or give this one a folder of its own: data_dir in station.yaml, \
         --data-dir of a demo",
        holder.map_or_else(String::new, |holder| format!(", process {holder},")),
        path.display()
    )]
    DataInUse {
        /// The data folder.
        path: PathBuf,
        /// The other one's process, where it is known.
        holder: Option<u32>,
    },
    /// The port cannot be had for another reason.
    #[error("cannot listen on {address}: {source}; choose another port with --port N")]
    Bind {
        /// Address and port asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// No place for the internal sockets.
    #[error("cannot make a folder for the station's sockets in {}: {source}; set TMPDIR to a writable folder with a short name", path.display())]
    RuntimeFolder {
        /// Where it was tried.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refused a thread, a reactor or a socket.
    #[error("cannot start the station's {part}: {source}")]
    Start {
        /// Which part.
        part: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// AIR's program is not installed.
    #[error(transparent)]
    NoAir(#[from] retrovue_control::SpawnError),
    /// A part of the station ended by itself, which is a fault of the program.
    #[error("the station's {part} stopped unexpectedly; the log above says why")]
    PartEnded {
        /// Which part.
        part: &'static str,
    },
}

/// Serves `schedule` until SIGINT or SIGTERM, then stops all sessions and returns.
///
/// # Errors
/// The station cannot start, or a part of it failed.
pub fn run(options: StationOptions, schedule: Arc<dyn Schedule>) -> Result<(), StationError> {
    let start = |source| StationError::Start { part: "signal handling", source };
    let mut signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])
            .map_err(start)?;
    let station = Station::start(options, schedule)?;
    station.announce();
    let handle = signals.handle();
    let endings = station.endings_sender.clone();
    let thread = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            // The first signal stops the station; a second one while it stops changes nothing.
            if let Some(signal) = signals.forever().next() {
                tracing::info!(signal, "stopping");
                let _ = endings.try_send(Ending::Asked);
            }
        })
        .map_err(start)?;
    let ending = station.endings.recv().unwrap_or(Ending::Asked);
    handle.close();
    station.stop();
    if thread.join().is_err() {
        tracing::error!("the signal thread had panicked");
    }
    match ending {
        Ending::Asked => Ok(()),
        Ending::Part(part) => Err(StationError::PartEnded { part }),
    }
}

/// Why the station is to end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Asked,
    Part(&'static str),
}

/// A running station.
pub struct Station {
    name: String,
    address: SocketAddr,
    channels: Vec<(String, String)>,
    director: Line<Note>,
    front: Line<FrontCommand>,
    threads: Vec<(&'static str, JoinHandle<()>)>,
    pages: Pages,
    pictures: Pictures,
    recorder: Option<Recorder>,
    endings: Receiver<Ending>,
    endings_sender: Sender<Ending>,
    // Last, for the sockets in it are the threads'.
    _runtime_dir: RuntimeDir,
}

impl Station {
    /// Binds the port and starts the threads; returns when clients are served.
    ///
    /// # Errors
    /// AIR's program, the port, the runtime folder or a thread cannot be had.
    pub fn start(options: StationOptions, schedule: Arc<dyn Schedule>) -> Result<Station, StationError> {
        let part = |part| move |source| StationError::Start { part, source };
        let listener = listen(options.address, options.port)?;
        let address = listener.local_addr().map_err(part("port"))?;
        let air_program = retrovue_control::spawn::find_air(options.air_program.as_deref())?;
        allow_many_files();
        let runtime_dir = RuntimeDir::create()
            .map_err(|source| StationError::RuntimeFolder { path: std::env::temp_dir(), source })?;
        let status = Arc::new(StationStatus::new(schedule.channels().len()));

        let front_poll = Poll::new().map_err(part("front"))?;
        let waker = Waker::new(front_poll.registry(), front::WAKER).map_err(part("front"))?;
        let (front, commands) = exchange::to_front(waker);
        let director_poll = Poll::new().map_err(part("director"))?;
        let waker = Waker::new(director_poll.registry(), crate::air::director::WAKER);
        let (director, notes) = exchange::to_director(waker.map_err(part("director"))?);

        let pictures_socket = runtime_dir.path().join("pictures");
        let sources = PictureSources {
            catalog: options.catalog.clone(),
            schedule: Arc::downgrade(&schedule),
            silent: Default::default(),
        };
        let pictures = Pictures::start(&pictures_socket, sources).map_err(part("pictures"))?;
        let (recorder, recording) = match options.catalog {
            None => (None, Recording::default()),
            Some(path) => {
                let (recorder, recording) =
                    Recorder::start(path, Arc::clone(&schedule), wall_clock).map_err(part("recorder"))?;
                (Some(recorder), recording)
            }
        };
        let pages_socket = runtime_dir.path().join("pages");
        let sources = PageSources {
            station: options.name.clone(),
            schedule: Arc::clone(&schedule),
            status: Arc::clone(&status),
            now: wall_clock,
            director: director.clone(),
            recorder: recording.figures(),
        };
        let pages = Pages::start(&pages_socket, sources).map_err(part("pages"))?;
        let reactor = Front::new(FrontParts {
            poll: front_poll,
            listener,
            channels: schedule.channels().iter().map(|channel| channel.id.clone()).collect(),
            pages: pages_socket,
            pictures: pictures_socket,
            status: Arc::clone(&status),
            director: director.clone(),
            commands,
        })
        .map_err(part("front"))?;
        let channels =
            schedule.channels().iter().map(|channel| (channel.id.clone(), channel.name.clone())).collect();
        let conductor = ProgramDirector::new(DirectorParts {
            poll: director_poll,
            notes,
            front: front.clone(),
            schedule,
            status,
            station: options.name.clone(),
            linger: options.linger,
            air_program,
            runtime_dir: runtime_dir.path().to_owned(),
            asset_folders: options.asset_folders,
            guide: options.guide,
            recording,
            clock: wall_clock,
        });

        let (endings_sender, endings) = crossbeam_channel::bounded(8);
        let threads = vec![
            ("front", thread("front", &endings_sender, move || reactor.run()).map_err(part("front"))?),
            (
                "director",
                thread("director", &endings_sender, move || conductor.run()).map_err(part("director"))?,
            ),
        ];
        let name = options.name;
        Ok(Station {
            name,
            address,
            channels,
            director,
            front,
            threads,
            pages,
            pictures,
            recorder,
            endings,
            endings_sender,
            _runtime_dir: runtime_dir,
        })
    }

    /// Where clients are served; the real port when any was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the sessions, then the front and the pages.
    pub fn stop(self) {
        self.director.send(Note::Stop);
        for (name, thread) in self.threads.into_iter().rev() {
            // The director first: sessions end while the front still takes in their last packets.
            if name == "front" {
                self.front.send(FrontCommand::Stop);
            }
            if thread.join().is_err() {
                tracing::error!(thread = name, "a thread had panicked");
            }
        }
        self.pages.stop();
        self.pictures.stop();
        // The director has gone, and with it the last who tells the recorder anything.
        if let Some(recorder) = self.recorder {
            recorder.join();
        }
    }

    /// Prints the addresses of everything to standard output.
    fn announce(&self) {
        let host = match self.address.ip() {
            ip if ip.is_unspecified() => format!("localhost:{}", self.address.port()),
            _ => self.address.to_string(),
        };
        let mut text = format!(
            "{} is on the air\n  guide     http://{host}/\n  channels  http://{host}/channels.m3u\n  \
             XMLTV     http://{host}/guide.xml\n",
            self.name
        );
        for (id, name) in &self.channels {
            text.push_str(&format!("  {name:<24} http://{host}/channel/{id}.ts\n"));
        }
        // Nobody reads it when standard output is closed; the station runs on.
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn thread(
    name: &'static str,
    endings: &Sender<Ending>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    struct Tell(Sender<Ending>, &'static str);
    impl Drop for Tell {
        fn drop(&mut self) {
            // Full means that the end is known already.
            let _ = self.0.try_send(Ending::Part(self.1));
        }
    }
    let tell = Tell(endings.clone(), name);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _tell = tell;
        work();
    })
}

fn listen(address: Option<IpAddr>, port: u16) -> Result<TcpListener, StationError> {
    let any = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    let addresses = address.map_or(any.to_vec(), |address| vec![address]);
    let mut failure = None;
    for ip in addresses {
        let address = SocketAddr::new(ip, port);
        match TcpListener::bind(address) {
            Ok(listener) => {
                // Listening again only widens the queue.
                rustix::net::listen(&listener, ACCEPT_QUEUE)
                    .map_err(|error| StationError::Bind { address, source: error.into() })?;
                return Ok(listener);
            }
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(StationError::PortInUse { port });
            }
            // A machine without IPv6 refuses the first address and serves the second.
            Err(source) => failure = Some(StationError::Bind { address, source }),
        }
    }
    let nowhere = || StationError::Start { part: "port", source: io::Error::other("no address given") };
    Err(failure.unwrap_or_else(nowhere))
}

/// Open files of a full house: a socket for each viewer, some for each session, and the station's own.
pub(crate) const FILES_NEEDED: u64 = (MAX_CLIENTS + 4 * exchange::MAX_SESSIONS + 256) as u64;

/// Raises the limit of open files towards what a full house needs; a lower hard limit is kept, and the
/// front then refuses connections earlier.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let needed = FILES_NEEDED;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, needed, "cannot raise the limit of open files");
        }
    }
}

/// Wall time.
pub(crate) fn wall_clock() -> UtcMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
