//! What can go wrong at AIR's end.

use crate::socket_path::PathTooLong;
use retrovue_proto::wire::WireError;
use std::io;
use std::path::PathBuf;

/// A fault of AIR's end of a connection, or of its server.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Core's bytes are no frames, or ended within one.
    #[error("Core's bytes are no control protocol: {0}")]
    Wire(#[from] WireError),
    /// Core sent what the protocol does not allow at that point.
    #[error("Core broke the control protocol: {0}")]
    Protocol(String),
    /// Core speaks another version.
    #[error(
        "Core speaks control protocol version {core}, this AIR speaks {air}; install both from one build"
    )]
    VersionMismatch {
        /// Core's version.
        core: u32,
        /// This program's version.
        air: u32,
    },
    /// The socket's path does not fit a Unix socket address.
    #[error(transparent)]
    PathTooLong(#[from] PathTooLong),
    /// Another server listens there.
    #[error("{} has a server already; stop it or choose another socket", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else lies where the socket should.
    #[error("{} is no socket; remove it or choose another path", path.display())]
    NotASocket {
        /// What lies there.
        path: PathBuf,
    },
    /// A process with several threads must not fork.
    #[error(
        "the server has {threads} threads and must have one to fork sessions; start no thread before serving"
    )]
    NotSingleThreaded {
        /// Threads counted.
        threads: usize,
    },
    /// The system refused.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was attempted, in words.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ControlError {
    /// For `map_err`: the system refused to do `what`.
    pub(crate) fn io<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> ControlError {
        let what = what.into();
        move |error| ControlError::Io { what, source: error.into() }
    }
}
