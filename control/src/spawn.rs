//! Core's hold on AIR's server: found, spawned, watched, stopped. Whether and when to spawn it again is
//! Core's decision.

use crate::line_relay::{LastLine, relay};
use crate::session_fork::PARENT_VARIABLE;
use crate::socket_path::{self, PathTooLong};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// File name of AIR's program.
pub const AIR_PROGRAM: &str = "retrovue-air";

/// How long the server may take to listen: it loads every codec library first, from a slow disk too.
pub const START_LIMIT: Duration = Duration::from_secs(10);

/// How long the server may take to end after SIGTERM before SIGKILL: it gives its sessions half of it.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// How long the last words of a server that has ended may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Pause between two looks at a process that is starting or ending.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A running `retrovue-air serve`, in a process group of its own. Dropping it ends the server and every
/// session of it.
#[derive(Debug)]
pub struct AirServer {
    program: PathBuf,
    socket: PathBuf,
    child: Child,
    started: Instant,
    stderr: Stderr,
}

/// The server's and its sessions' words on their way to the log.
#[derive(Debug)]
struct Stderr {
    last_line: LastLine,
    /// Ends with the last process that holds the other end.
    relaying: JoinHandle<()>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// AIR's program is not installed.
    #[error("cannot find {AIR_PROGRAM}: looked in {looked_in}; install it beside retrovue or on the PATH")]
    NotFound {
        /// The folders.
        looked_in: String,
    },
    /// The socket's path does not fit a Unix socket address.
    #[error(transparent)]
    PathTooLong(#[from] PathTooLong),
    /// Something that is no socket lies at the socket's path.
    #[error("{} is no socket; remove it or choose another path", path.display())]
    NotASocket {
        /// What lies there.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot start {}: {source}", program.display())]
    Io {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The server ended.
    #[error("{} ended with {status}; its last words: {last_line}", program.display())]
    Exited {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// Last line of its standard error.
        last_line: String,
    },
    /// The server does not listen.
    #[error("{} does not listen on {} after {waited:?}; its last words: {last_line}", program.display(), socket.display())]
    NotListening {
        /// The program.
        program: PathBuf,
        /// The socket.
        socket: PathBuf,
        /// Time since its start.
        waited: Duration,
        /// Last line of its standard error.
        last_line: String,
    },
}

/// The program to spawn: `given` when there is one, else `retrovue-air` beside this program, else on the
/// `PATH`.
///
/// # Errors
/// It is in none of these places.
pub fn find_air(given: Option<&Path>) -> Result<PathBuf, SpawnError> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = beside.into_iter().chain(std::env::split_paths(&on_path)).collect();
    let is_program =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    folders.iter().map(|folder| folder.join(AIR_PROGRAM)).find(is_program).ok_or_else(|| {
        let looked_in: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        SpawnError::NotFound { looked_in: looked_in.join(", ") }
    })
}

impl AirServer {
    /// Spawns `program serve --control socket` and waits until it accepts connections, [`START_LIMIT`]
    /// at most. `program` is found by [`find_air`]. A stale socket is removed. Standard error of the
    /// server and its sessions goes to the log.
    ///
    /// # Errors
    /// The program cannot be found or run, the path cannot be a socket, or the server does not listen:
    /// with the last line it wrote.
    pub fn spawn(program: Option<&Path>, socket: &Path) -> Result<AirServer, SpawnError> {
        let program = find_air(program)?;
        socket_path::check(socket, 1)?;
        let (child, stderr) = launch(&program, socket)?;
        let socket = socket.to_owned();
        let mut server = AirServer { program, socket, child, started: Instant::now(), stderr };
        server.wait_ready()?;
        Ok(server)
    }

    /// True when the server accepts connections. The socket's path appears when it does: nothing connects
    /// to find out, for each connection makes a session.
    fn is_ready(&mut self) -> Result<bool, SpawnError> {
        if let Ok(Some(status)) = self.child.try_wait() {
            // Its last words may still be on their way.
            let ended = Instant::now();
            while !self.stderr.relaying.is_finished() && ended.elapsed() < LAST_WORDS {
                std::thread::sleep(LOOK_AGAIN);
            }
            return Err(SpawnError::Exited {
                program: self.program.clone(),
                status,
                last_line: self.last_words(),
            });
        }
        if fs::symlink_metadata(&self.socket).is_ok_and(|m| m.file_type().is_socket()) {
            return Ok(true);
        }
        let waited = self.started.elapsed();
        if waited < START_LIMIT {
            return Ok(false);
        }
        Err(SpawnError::NotListening {
            program: self.program.clone(),
            socket: self.socket.clone(),
            waited,
            last_line: self.last_words(),
        })
    }

    fn wait_ready(&mut self) -> Result<(), SpawnError> {
        while !self.is_ready()? {
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// How the server ended, if it did. Never waits.
    ///
    /// # Errors
    /// The system's answer.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends what is left of the server and its sessions and spawns it anew, as [`AirServer::spawn`].
    ///
    /// # Errors
    /// As [`AirServer::spawn`].
    pub fn respawn(&mut self) -> Result<(), SpawnError> {
        self.stop();
        (self.child, self.stderr) = launch(&self.program, &self.socket)?;
        self.started = Instant::now();
        self.wait_ready()
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the server listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The last line of the server's and its sessions' standard error.
    #[must_use]
    pub fn last_line(&self) -> Option<String> {
        self.stderr.last_line.get()
    }

    fn last_words(&self) -> String {
        self.stderr.last_line.get().unwrap_or_else(|| "none".to_owned())
    }

    /// SIGTERM, then SIGKILL after [`STOP_LIMIT`]; the process is reaped in any case.
    fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        // Not reaped yet: the id is still this child's.
        let _ = kill_process(pid, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        tracing::warn!("{} (pid {}) does not end, is killed", self.program.display(), self.child.id());
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for AirServer {
    fn drop(&mut self) {
        self.stop();
        let _ = remove_stale(&self.socket);
    }
}

fn launch(program: &Path, socket: &Path) -> Result<(Child, Stderr), SpawnError> {
    let failed = |source| SpawnError::Io { program: program.to_owned(), source };
    if !remove_stale(socket).map_err(failed)? {
        return Err(SpawnError::NotASocket { path: socket.to_owned() });
    }
    let mut child = Command::new(program)
        .args(["serve", "--control"])
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Core's terminal sends its signals to Core alone, and what is left can be ended as a group.
        .process_group(0)
        .env(PARENT_VARIABLE, std::process::id().to_string())
        .env("NO_COLOR", "1")
        .spawn()
        .map_err(failed)?;
    let last_line = LastLine::default();
    let stderr = child.stderr.take();
    let relaying = std::thread::Builder::new().name("air-stderr".to_owned()).spawn({
        let last_line = last_line.clone();
        move || stderr.into_iter().for_each(|stderr| relay(stderr, &last_line))
    });
    match relaying {
        Ok(relaying) => Ok((child, Stderr { last_line, relaying })),
        Err(source) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(failed(source))
        }
    }
}

/// Removes a socket that nobody can be listening on any more. False when `path` is something else.
fn remove_stale(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
