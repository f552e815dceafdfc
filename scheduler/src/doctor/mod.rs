//! What is wrong with an installation, and what to do: each thing looked at is one line.
//!
//! Looks and changes nothing, but that a catalog of an earlier version is brought up to date by opening it, as by every
//! other verb. What is only judged takes what was found as an argument; finding is apart.

mod machine;
mod playing;
mod station;

use crate::config::StationConfig;
use crate::yaml::Report;
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// The station runs, and somebody may want to look.
    Warn,
    /// Something does not work.
    Fail,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: the same words in every version.
    pub check: &'static str,
    /// How grave it is.
    pub level: Level,
    /// What was found.
    pub said: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn ok(check: &'static str, said: impl Into<String>) -> Check {
        Check { check, level: Level::Ok, said: said.into(), fix: None }
    }

    fn warn(check: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { check, level: Level::Warn, said: said.into(), fix: Some(fix.into()) }
    }

    fn fail(check: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { level: Level::Fail, ..Check::warn(check, said, fix) }
    }
}

/// What is looked at.
#[derive(Debug)]
pub struct Installation {
    /// The station file, or what is wrong with it.
    pub station: Result<StationConfig, Report>,
    /// The `retrovue-air` program; beside this one or on the PATH when absent.
    pub air_program: Option<PathBuf>,
    /// What the clock says.
    pub now: Timestamp,
}

/// Looks at everything, in the order in which things are to be put right.
#[must_use]
pub fn examine(installation: &Installation) -> Vec<Check> {
    let mut checks = Vec::new();
    playing::examine(installation, &mut checks);
    machine::examine(installation, &mut checks);
    station::examine(installation, &mut checks);
    checks
}
