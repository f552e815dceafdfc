//! The server at AIR's end: listens, and forks one process per connection, one session per process.
//!
//! The server plays nothing and stays single-threaded: what it loaded before serving, every session
//! has from its first instant and shares. A session's crash takes nothing else with it.
//!
//! No process outlives its parent: sessions die with the server (death signal), the server stops when
//! the process that started it ends. It watches that process by descriptor; a death signal would come
//! when the *thread* that started it ends (prctl(2), `PR_SET_PDEATHSIG`).

use crate::{ControlError, socket_path};
use fork::Fork;
use nix::sys::signal::{SigSet, SigmaskHow, Signal as Caught};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::message::{AirMessage, SessionEnded, air_message};
use retrovue_proto::wire::encode_frame;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Sessions at once. Each encodes a channel: no machine carries more, and a Core that asks for more
/// runs wild.
pub const MAX_SESSIONS: usize = 128;

/// Environment variable with the process id of the program that started the server. A server whose
/// parent is another by the time it serves has been orphaned and stops.
pub const PARENT_VARIABLE: &str = "RETROVUE_AIR_PARENT";

/// How long sessions may take to end after SIGTERM before SIGKILL.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Pause before connections are accepted again when the system has no descriptors or processes left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Added to the socket's name until it listens.
const NASCENT: &str = "~";

/// Serves `listener_path` until SIGTERM, SIGINT or the end of the parent process; a stale socket is
/// replaced. The path appears once connections are accepted.
///
/// **Returns in every session's process too**, with what `run` gave for its connection: the caller must
/// do nothing more but end the process with that code.
///
/// # Errors
/// The socket cannot be made, or the process has more than one thread.
pub fn serve(
    listener_path: &Path,
    run: impl FnOnce(UnixStream) -> ExitCode,
) -> Result<ExitCode, ControlError> {
    require_single_thread()?;
    let mut server = Server::new(listener_path)?;
    tracing::info!("pid {}: serving {}", server.pid.as_raw_nonzero(), listener_path.display());
    loop {
        match server.turn() {
            Ok(Turn::Again) => {}
            Ok(Turn::Session(stream)) => {
                // The listener and the other sessions' descriptors are the server's.
                drop(server);
                return Ok(run(stream));
            }
            Ok(Turn::Orphan) => return Ok(ExitCode::FAILURE),
            Ok(Turn::Stop(reason)) => {
                server.stop();
                tracing::info!("pid {}: has stopped: {reason}", server.pid.as_raw_nonzero());
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) => {
                server.stop();
                return Err(error);
            }
        }
    }
}

struct Server {
    listener: UnixListener,
    socket: SocketFile,
    signals: SignalFd,
    /// Signal mask of sessions.
    mask: SigSet,
    pid: Pid,
    parent: Option<OwnedFd>,
    sessions: Vec<SessionProcess>,
    accept_after: Option<Instant>,
}

/// The server's socket in the file system; goes with the server, however that ends.
struct SocketFile {
    path: PathBuf,
    /// Device and inode, to remove no other's.
    identity: (u64, u64),
    /// The process that made it: a session that drops its copy removes nothing.
    owner: Pid,
}

impl SocketFile {
    fn remove(&self) {
        let is_this = |m: fs::Metadata| (m.dev(), m.ino()) == self.identity;
        if self.owner == rustix::process::getpid() && fs::symlink_metadata(&self.path).is_ok_and(is_this) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

struct SessionProcess {
    pid: Pid,
    /// Readable once the process has ended (pidfd_open(2)).
    process: OwnedFd,
}

enum Turn {
    Again,
    /// This is a session's process.
    Session(UnixStream),
    /// This is a session's process and the server has gone.
    Orphan,
    Stop(&'static str),
}

impl Server {
    fn new(path: &Path) -> Result<Server, ControlError> {
        let parent = watch_parent()?;
        let mut caught = SigSet::empty();
        caught.add(Caught::SIGTERM);
        caught.add(Caught::SIGINT);
        let signals_wanted = || "watch for signals";
        let mask =
            caught.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(ControlError::io(signals_wanted()))?;
        let signals = SignalFd::with_flags(&caught, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(ControlError::io(signals_wanted()))?;
        let (listener, socket) = listen(path)?;
        Ok(Server {
            listener,
            pid: socket.owner,
            socket,
            signals,
            mask,
            parent,
            sessions: Vec::new(),
            accept_after: None,
        })
    }

    /// Waits for one thing to do and does it.
    fn turn(&mut self) -> Result<Turn, ControlError> {
        let ready = self.wait()?;
        if ready.signal {
            while let Ok(Some(_)) = self.signals.read_signal() {}
            return Ok(Turn::Stop("told to by a signal"));
        }
        if ready.parent {
            return Ok(Turn::Stop("the process that started it has ended"));
        }
        if ready.session {
            self.reap();
        }
        if ready.connection {
            return self.accept();
        }
        Ok(Turn::Again)
    }

    fn wait(&mut self) -> Result<Ready, ControlError> {
        self.accept_after = self.accept_after.filter(|instant| *instant > Instant::now());
        let timeout = self.accept_after.map(|instant| instant.saturating_duration_since(Instant::now()));
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(3 + self.sessions.len());
        fds.push(PollFd::new(&self.signals, PollFlags::IN));
        let parent_at = self.parent.as_ref().map(|parent| {
            fds.push(PollFd::new(parent, PollFlags::IN));
            fds.len() - 1
        });
        let listener_at = self.accept_after.is_none().then(|| {
            fds.push(PollFd::new(&self.listener, PollFlags::IN));
            fds.len() - 1
        });
        let sessions_from = fds.len();
        fds.extend(self.sessions.iter().map(|session| PollFd::new(&session.process, PollFlags::IN)));
        let timeout = timeout.map(timespec);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(ControlError::io("wait for connections")(error)),
        }
        let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready {
            signal: is_ready(0),
            parent: parent_at.is_some_and(is_ready),
            connection: listener_at.is_some_and(is_ready),
            session: (sessions_from..fds.len()).any(is_ready),
        })
    }

    fn accept(&mut self) -> Result<Turn, ControlError> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                // A client that went away is no news; anything else does not pass by asking again at once.
                let passing =
                    [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted, io::ErrorKind::ConnectionAborted];
                if !passing.contains(&error.kind()) {
                    tracing::warn!("cannot accept a connection: {error}");
                    self.accept_after = Instant::now().checked_add(ACCEPT_PAUSE);
                }
                return Ok(Turn::Again);
            }
        };
        if self.sessions.len() >= MAX_SESSIONS {
            refuse(stream, format!("{MAX_SESSIONS} sessions run already; stop one first"));
            return Ok(Turn::Again);
        }
        require_single_thread()?;
        match fork::fork() {
            Err(error) => {
                refuse(stream, format!("cannot start a session process: {error}"));
                self.accept_after = Instant::now().checked_add(ACCEPT_PAUSE);
                Ok(Turn::Again)
            }
            Ok(Fork::Child) => Ok(self.become_session(stream)),
            Ok(Fork::Parent(raw)) => {
                if let Some(pid) = Pid::from_raw(raw) {
                    self.adopt(pid);
                }
                Ok(Turn::Again)
            }
        }
    }

    /// In the server: watches over a new session.
    fn adopt(&mut self, pid: Pid) {
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => {
                self.sessions.push(SessionProcess { pid, process });
                tracing::info!("session {}: begins, {} now run", pid.as_raw_nonzero(), self.sessions.len());
            }
            Err(error) => {
                // A session that cannot be watched would leave a zombie.
                tracing::warn!("session {}: cannot watch it, ends: {error}", pid.as_raw_nonzero());
                let _ = rustix::process::kill_process(pid, Signal::KILL);
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            }
        }
    }

    /// In the new process: what a session must not share with the server.
    fn become_session(&self, stream: UnixStream) -> Turn {
        let dies_with_server = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        // The server may have ended before the line above.
        if dies_with_server.is_err() || rustix::process::getppid() != Some(self.pid) {
            return Turn::Orphan;
        }
        if self.mask.thread_set_mask().is_err() {
            return Turn::Orphan;
        }
        // For `ps`; of no consequence when it fails.
        let _ = rustix::thread::set_name(c"air-session");
        Turn::Session(stream)
    }

    /// Takes leave of the sessions that have ended.
    fn reap(&mut self) {
        self.sessions.retain(|session| {
            let pid = session.pid.as_raw_nonzero();
            match rustix::process::waitpid(Some(session.pid), WaitOptions::NOHANG) {
                Ok(None) | Err(rustix::io::Errno::INTR) => return true,
                Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
                    (Some(0), _) => tracing::info!("session {pid}: ended"),
                    (Some(code), _) => tracing::warn!("session {pid}: ended with exit code {code}"),
                    (None, signal) => {
                        tracing::warn!("session {pid}: killed by signal {}", signal.unwrap_or(0))
                    }
                },
                Err(error) => tracing::warn!("session {pid}: lost: {error}"),
            }
            false
        });
    }

    /// Removes the socket and ends every session, before the first word of it: the log's reader may be
    /// gone, and loggers have panicked on that.
    fn stop(&mut self) {
        self.socket.remove();
        for session in &self.sessions {
            let _ = rustix::process::pidfd_send_signal(&session.process, Signal::TERM);
        }
        let deadline = Instant::now().checked_add(STOP_GRACE);
        while !self.sessions.is_empty() {
            let left = deadline.map_or(Duration::ZERO, |d| d.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            let mut fds: Vec<PollFd<'_>> = self
                .sessions
                .iter()
                .map(|s| PollFd::from_borrowed_fd(s.process.as_fd(), PollFlags::IN))
                .collect();
            let _ = poll(&mut fds, Some(&timespec(left)));
            self.reap();
        }
        for session in self.sessions.drain(..) {
            tracing::warn!("session {}: does not end, is killed", session.pid.as_raw_nonzero());
            let _ = rustix::process::pidfd_send_signal(&session.process, Signal::KILL);
            let _ = rustix::process::waitpid(Some(session.pid), WaitOptions::empty());
        }
    }
}

#[derive(Default)]
struct Ready {
    signal: bool,
    parent: bool,
    connection: bool,
    session: bool,
}

/// Tells the client why it gets no session; the connection closes with `stream`.
fn refuse(mut stream: UnixStream, detail: String) {
    tracing::warn!("a connection is refused: {detail}");
    let failure = Failure::new(FailureCode::InternalError, detail);
    let ended = SessionEnded { reason: Some(failure.into()), ..Default::default() };
    let message = AirMessage { message: Some(air_message::Message::SessionEnded(ended)) };
    let mut bytes = Vec::new();
    // An empty socket takes a short message at once; a client that is gone needs none.
    if encode_frame(&message, &mut bytes).is_ok() && stream.set_nonblocking(true).is_ok() {
        let _ = stream.write_all(&bytes);
    }
}

/// Binds under a nascent name and renames once connections are accepted: a path that is there can be
/// connected to. Only the owner can.
fn listen(path: &Path) -> Result<(UnixListener, SocketFile), ControlError> {
    socket_path::check(path, NASCENT.len())?;
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ControlError::NotASocket { path: path.to_owned() });
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(ControlError::InUse { path: path.to_owned() });
        }
        _ => {}
    }
    let mut nascent = OsString::from(path);
    nascent.push(NASCENT);
    let what = || format!("listen on {}", path.display());
    match fs::remove_file(&nascent) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ControlError::io(what())(error)),
        _ => {}
    }
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(&nascent);
    rustix::process::umask(before);
    let listener = listener.map_err(ControlError::io(what()))?;
    listener.set_nonblocking(true).map_err(ControlError::io(what()))?;
    let metadata = fs::symlink_metadata(&nascent).map_err(ControlError::io(what()))?;
    fs::rename(&nascent, path).map_err(ControlError::io(what()))?;
    let identity = (metadata.dev(), metadata.ino());
    Ok((listener, SocketFile { path: path.to_owned(), identity, owner: rustix::process::getpid() }))
}

/// A descriptor that tells when the parent process has ended; `None` when it cannot be seen from here.
fn watch_parent() -> Result<Option<OwnedFd>, ControlError> {
    let parent = rustix::process::getppid();
    let expected = std::env::var(PARENT_VARIABLE).ok().and_then(|text| text.parse::<i32>().ok());
    if let Some(expected) = expected
        && parent.map(Pid::as_raw_pid) != Some(expected)
    {
        let source = io::Error::other(format!("process {expected}, which started it, has ended"));
        return Err(ControlError::Io { what: "serve".to_owned(), source });
    }
    let Some(parent) = parent else {
        return Ok(None);
    };
    rustix::process::pidfd_open(parent, PidfdFlags::empty())
        .map(Some)
        .map_err(ControlError::io("watch the parent process"))
}

/// `fork` copies one thread only: locks that others hold would stay locked for ever.
fn require_single_thread() -> Result<(), ControlError> {
    let tasks = fs::read_dir("/proc/self/task").map_err(ControlError::io("count the server's threads"))?;
    match tasks.count() {
        1 => Ok(()),
        threads => Err(ControlError::NotSingleThreaded { threads }),
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}
