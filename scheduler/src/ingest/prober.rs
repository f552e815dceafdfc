//! The prober's child process: one path a line in, one JSON answer a line out (`retrovue-air probe`).
//!
//! A child that dies or falls silent costs the file it was looking at and is replaced; the scan goes on.

use crate::catalog::ProbeFacts;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// A child that says nothing for this long on one file has hung.
const SILENCE: Duration = Duration::from_secs(30);

/// Longest answer read: a file of a thousand chapters stays far below.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// Deaths in a row, without a single answer since the prober was made, that mean it does not work at all.
const HOPELESS_DEATHS: u32 = 3;

/// What to run as the prober.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProberCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How long it may be silent on one file.
    pub silence: Duration,
}

/// Why a file has no probe result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeFailure {
    /// A word for machines: the prober's own, or `PROBER_CRASHED`, `PROBER_SILENT`, `PATH_REFUSED`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// The prober as a whole cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// It cannot be started.
    #[error(
        "cannot start the prober {program}: {source}; build it, or put retrovue-air beside retrovue or on the PATH"
    )]
    CannotStart {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It dies whatever it is given.
    #[error("the prober {program} dies on everything it is given ({last}); is it the right version?")]
    Hopeless {
        /// The program.
        program: PathBuf,
        /// How it ended the last time.
        last: String,
    },
}

/// A prober: starts its child at the first file and again after each loss.
#[derive(Debug)]
pub struct Prober {
    command: ProberCommand,
    child: Option<Running>,
    deaths: u32,
    has_answered: bool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    path: String,
    ok: Option<T>,
    error: Option<AnswerError>,
    /// How far it has come, in the file's time: a sign of life before the answer.
    progress_ms: Option<i64>,
}

#[derive(Deserialize)]
struct AnswerError {
    code: String,
    detail: String,
}

impl ProberCommand {
    /// `retrovue-air probe`: the program beside this one if there is one, else from the PATH.
    #[must_use]
    pub fn standard() -> ProberCommand {
        let name = "retrovue-air";
        let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name(name)).filter(|p| p.is_file());
        ProberCommand::new(beside.unwrap_or_else(|| PathBuf::from(name)), ["probe"])
    }

    /// The same program, decoding all of each file: `retrovue-air probe --deep`.
    #[must_use]
    pub fn deep(&self) -> ProberCommand {
        let mut command = self.clone();
        command.arguments.push("--deep".into());
        command
    }

    /// Another program that speaks the same lines.
    #[must_use]
    pub fn new<A: Into<OsString>>(program: PathBuf, arguments: impl IntoIterator<Item = A>) -> ProberCommand {
        let arguments = arguments.into_iter().map(Into::into).collect();
        ProberCommand { program, arguments, silence: SILENCE }
    }
}

impl Prober {
    /// A prober that will run `command`; nothing is started yet.
    #[must_use]
    pub fn new(command: ProberCommand) -> Prober {
        Prober { command, child: None, deaths: 0, has_answered: false }
    }

    /// Probes one file.
    ///
    /// # Errors
    /// The outer error: there is no working prober. The inner one: this file has no result, and why.
    pub fn probe(&mut self, path: &Path) -> Result<Result<ProbeFacts, ProbeFailure>, ProberError> {
        self.ask(path)
    }

    /// Asks about one file, of whatever the program was started to tell.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        path: &Path,
    ) -> Result<Result<T, ProbeFailure>, ProberError> {
        let refuse =
            |detail: &str| Ok(Err(ProbeFailure { code: "PATH_REFUSED".into(), detail: detail.to_owned() }));
        let Some(text) = path.to_str() else {
            return refuse("the file's name is not UTF-8; rename it");
        };
        if text.contains(['\n', '\r']) {
            return refuse("the file's name holds a line break; rename it");
        }
        let mut running = match self.child.take() {
            Some(running) => running,
            None => self.start()?,
        };
        let asked = writeln!(running.stdin, "{text}").and_then(|()| running.stdin.flush());
        let mut heard = match asked {
            Ok(()) => running.answers.recv_timeout(self.command.silence),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        let mut furthest = -1;
        while let Ok(line) = &heard {
            let sign = serde_json::from_str::<Answer<T>>(line).ok().filter(|a| a.path == text);
            // One that gets nowhere has hung as one that is silent has.
            let Some(at) = sign.and_then(|a| a.progress_ms).filter(|at| *at > furthest) else { break };
            furthest = at;
            heard = running.answers.recv_timeout(self.command.silence);
        }
        match heard {
            Ok(line) => match serde_json::from_str::<Answer<T>>(&line) {
                Ok(Answer { path, ok: None, error: None, .. }) if path == text => {
                    running.end();
                    self.lost("PROBER_CONFUSED", "an answer without a result".into())
                }
                Ok(answer) if answer.path == text => {
                    self.child = Some(running);
                    self.has_answered = true;
                    self.deaths = 0;
                    let refused = answer.error.map(|e| ProbeFailure { code: e.code, detail: e.detail });
                    Ok(match (answer.ok, refused) {
                        (Some(told), _) => Ok(told),
                        (None, refused) => Err(refused.unwrap_or_default()),
                    })
                }
                Ok(answer) => {
                    let how = format!("it answered for {} instead", answer.path);
                    running.end();
                    self.lost("PROBER_CONFUSED", how)
                }
                Err(error) => {
                    running.end();
                    self.lost("PROBER_CONFUSED", format!("its answer is not understood: {error}"))
                }
            },
            Err(RecvTimeoutError::Timeout) => {
                running.end();
                let how =
                    format!("the prober said nothing for {} s and was ended", self.command.silence.as_secs());
                self.lost("PROBER_SILENT", how)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let how = running.end();
                self.lost("PROBER_CRASHED", format!("the prober died on this file ({how})"))
            }
        }
    }

    fn lost<T>(&mut self, code: &str, how: String) -> Result<Result<T, ProbeFailure>, ProberError> {
        self.deaths += 1;
        if !self.has_answered && self.deaths >= HOPELESS_DEATHS {
            return Err(ProberError::Hopeless { program: self.command.program.clone(), last: how });
        }
        Ok(Err(ProbeFailure { code: code.to_owned(), detail: how }))
    }

    fn start(&self) -> Result<Running, ProberError> {
        let fail = |source| ProberError::CannotStart { program: self.command.program.clone(), source };
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fail)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(fail(std::io::Error::other("its pipes are missing")));
        };
        // One question is open at a time, so one answer is all that can be waiting.
        let (send, answers) = bounded(1);
        std::thread::Builder::new()
            .name("probe-read".into())
            .spawn(move || {
                let mut reader = BufReader::new(stdout);
                loop {
                    let mut line = String::new();
                    match reader.by_ref().take(MAX_ANSWER).read_line(&mut line) {
                        Ok(n) if n > 0 => {
                            if send.send(line).is_err() {
                                return;
                            }
                        }
                        _ => return,
                    }
                }
            })
            .map_err(fail)?;
        Ok(Running { child, stdin, answers })
    }
}

impl Running {
    /// Ends the child for certain and says how it went.
    fn end(mut self) -> String {
        // Killing one that is dead already is no error, and its own status is the one that is reported.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if let Some(running) = self.child.take() {
            running.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that speaks the real lines: dies on "crash", sleeps on "hang", answers nonsense on "junk".
    const PEER: &str = r#"
while IFS= read -r p; do
  case "$p" in
    *crash*) kill -SEGV $$ ;;
    *hang*) sleep 30 ;;
    *stuck*) for i in 1 2 3 4 5; do printf '{"path":"%s","progress_ms":7}\n' "$p"; done; sleep 30 ;;
    *slow*) for i in 1 2 3 4 5; do printf '{"path":"%s","progress_ms":%s}\n' "$p" $i; done
      printf '{"path":"%s","ok":{"container":"slow","duration_ms":1000}}\n' "$p" ;;
    *junk*) echo 'not json' ;;
    *bad*) printf '{"path":"%s","error":{"code":"DAMAGED","detail":"no moov"}}\n' "$p" ;;
    *) printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000,"video":{"codec":"h264","width":2},"audio":[],"chapters":[]}}\n' "$p" ;;
  esac
done"#;

    fn prober(script: &str, silence_ms: u64) -> Prober {
        let mut command = ProberCommand::new("/bin/bash".into(), ["-c", script]);
        command.silence = Duration::from_millis(silence_ms);
        Prober::new(command)
    }

    #[test]
    fn a_lost_child_costs_one_file() {
        let mut prober = prober(PEER, 500);
        let mut code = |name: &str| match prober.probe(Path::new(name)).unwrap() {
            Ok(facts) => facts.container,
            Err(failure) => failure.code,
        };
        assert_eq!(code("/m/a.mp4"), "mp4");
        assert_eq!(code("/m/crash.mp4"), "PROBER_CRASHED");
        assert_eq!(code("/m/b.mp4"), "mp4");
        assert_eq!(code("/m/hang.mp4"), "PROBER_SILENT");
        assert_eq!(code("/m/junk.mp4"), "PROBER_CONFUSED");
        assert_eq!(code("/m/bad.mp4"), "DAMAGED");
        assert_eq!(code("/m/slow.mp4"), "slow");
        assert_eq!(code("/m/stuck.mp4"), "PROBER_CONFUSED");
        assert_eq!(code("/m/a\nb.mp4"), "PATH_REFUSED");
        assert_eq!(code("/m/c.mp4"), "mp4");
    }

    #[test]
    fn a_prober_that_only_dies_ends_the_scan_with_its_name() {
        let mut prober = prober("exit 7", 5000);
        assert!(prober.probe(Path::new("/a")).unwrap().is_err());
        assert!(prober.probe(Path::new("/b")).unwrap().is_err());
        let error = prober.probe(Path::new("/c")).unwrap_err().to_string();
        assert!(error.contains("/bin/bash") && error.contains("exit status: 7"), "{error}");
        let mut absent = Prober::new(ProberCommand::new("/no/such/prober".into(), ["probe"]));
        assert!(matches!(absent.probe(Path::new("/a")), Err(ProberError::CannotStart { .. })));
    }
}
