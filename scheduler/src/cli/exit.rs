//! How a command ends: the exit codes, and failures with theirs.

use crate::catalog::{CatalogError, StubError};
use crate::ingest::IngestError;
use crate::plan::{OpenError, PlanError};
use crate::yaml::Report;
use std::io::IsTerminal;
use std::process::ExitCode;

/// The exit codes of `retrovue`, which `--help` and `docs/command-line.md` document. A code once given keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It failed, or a check found errors.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The station's files or the catalog cannot be read or are wrong.
    Unreadable = 3,
    /// The port is in use.
    PortInUse = 4,
    /// The data folder cannot be written.
    NotWritable = 5,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Exit; 6] =
        [Exit::Done, Exit::Failed, Exit::Usage, Exit::Unreadable, Exit::PortInUse, Exit::NotWritable];

    /// What it means, in a line.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Failed => "it failed, or the check found errors",
            Exit::Usage => "the command line is wrong",
            Exit::Unreadable => "the station's files or the catalog cannot be read or are wrong",
            Exit::PortInUse => "the port is in use",
            Exit::NotWritable => "the data folder cannot be written",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A command that failed, and with which code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: What,
}

#[derive(Debug)]
enum What {
    Message(String),
    Findings(Report),
    /// It has been said already, as the command's result.
    Said,
}

impl Failure {
    /// A failure with one message: what, where and what to do.
    pub fn new(exit: Exit, message: impl ToString) -> Failure {
        Failure { exit, what: What::Message(message.to_string()) }
    }

    /// A failure whose message is the command's result.
    #[must_use]
    pub fn said(exit: Exit) -> Failure {
        Failure { exit, what: What::Said }
    }

    /// Findings about files.
    #[must_use]
    pub fn findings(exit: Exit, report: Report) -> Failure {
        Failure { exit, what: What::Findings(report) }
    }

    /// The code it ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Says on standard error what failed.
    pub fn print(&self) {
        match &self.what {
            What::Message(message) => eprintln!("error: {message}"),
            What::Findings(report) => print_findings(report),
            What::Said => {}
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.what {
            What::Message(message) => f.write_str(message),
            What::Findings(report) => report.fmt(f),
            What::Said => f.write_str("failed"),
        }
    }
}

impl std::error::Error for Failure {}

/// Findings with their carets on standard error, in colour on a terminal.
pub(super) fn print_findings(report: &Report) {
    if !report.findings().is_empty() {
        eprintln!("{}", report.render(std::io::stderr().is_terminal()));
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        let exit = match &error {
            e if e.is_not_writable() => Exit::NotWritable,
            CatalogError::NotADatabase { .. } | CatalogError::Damaged { .. } | CatalogError::Newer { .. } => {
                Exit::Unreadable
            }
            _ => Exit::Failed,
        };
        Failure::new(exit, error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::Findings(report) => Failure::findings(Exit::Unreadable, report),
            OpenError::Catalog(error) => error.into(),
            error @ OpenError::Black { .. } => Failure::new(Exit::NotWritable, error),
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Failure {
        match error {
            IngestError::Catalog(error) => error.into(),
            error => Failure::new(Exit::Failed, error),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Failure {
        Failure::new(Exit::Failed, error)
    }
}

impl From<StubError> for Failure {
    fn from(error: StubError) -> Failure {
        Failure::new(Exit::Unreadable, error)
    }
}
