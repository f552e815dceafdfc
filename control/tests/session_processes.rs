//! The server and its session processes, as real processes over real sockets.
//!
//! This program is also the server under test (`serve --control SOCKET`, as `retrovue-air` is called) and
//! a Core that can be killed (`core SOCKET`): `session_fork` needs a single-threaded process, which no
//! test harness is.

#![allow(clippy::unwrap_used)]

use libtest_mimic::{Arguments, Trial};
use mio::{Events, Poll, Token};
use retrovue_control::air_end::{AirEnd, AirInput};
use retrovue_control::core_end::{LinkEvent, SessionLink};
use retrovue_control::session_fork::{self, MAX_SESSIONS, PARENT_VARIABLE};
use retrovue_control::spawn::find_air;
use retrovue_control::{AirServer, SpawnError};
use retrovue_proto::PROTOCOL_VERSION;
use retrovue_proto::message::{
    Accepted, AirMessage, AttachStream, Hello, Reply, SessionEnded, StopSession, air_message,
    core_message::Request, reply,
};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything; all of it happens within milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(8);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[1..] {
        ["serve", "--control", socket] => toy_server(Path::new(socket)),
        ["core", socket] => toy_core(Path::new(socket)),
        ["find"] => {
            println!("{}", find_air(None).unwrap_err());
            ExitCode::SUCCESS
        }
        _ => {
            let tests: &[(&str, fn())] = &[
                ("a_session_begins_with_the_connection_and_ends_with_it", begins_and_ends),
                ("sessions_are_processes_and_one_killed_leaves_the_other", one_killed),
                ("a_server_killed_takes_its_sessions_along_and_can_be_spawned_again", server_killed),
                ("dropping_the_server_ends_all_and_removes_the_socket", dropped),
                ("a_core_killed_takes_the_server_and_its_sessions_along", core_killed),
                ("a_hundred_sessions_in_a_row_leave_nothing_behind", a_hundred),
                ("a_session_that_fails_or_panics_hurts_no_other", failing_sessions),
                ("sessions_at_once_are_bounded_and_the_next_is_told", bounded),
                ("a_session_inherits_no_other_descriptors", descriptors),
                ("a_server_with_threads_refuses_to_serve", threads),
                ("a_server_that_fails_is_told_with_its_last_words", failing_server),
                ("a_stale_socket_is_replaced_and_nothing_else_is", sockets),
                ("a_server_whose_starter_is_gone_does_not_serve", orphan),
                ("a_program_that_is_not_installed_is_told", not_installed),
            ];
            let trials = tests.iter().map(|(name, test)| {
                let test = *test;
                Trial::test(*name, move || {
                    test();
                    Ok(())
                })
            });
            libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
        }
    }
}

// ---- the processes under test ----

fn toy_server(socket: &Path) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    match std::env::var("TOY").as_deref() {
        Ok("threads") => drop(std::thread::spawn(|| std::thread::sleep(PATIENCE))),
        Ok("fails") => {
            tracing::error!("no codec can be loaded");
            return ExitCode::from(7);
        }
        _ => {}
    }
    session_fork::serve(socket, toy_session).unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

/// A session that accepts everything; AttachStream carries orders.
fn toy_session(stream: UnixStream) -> ExitCode {
    let (mut end, sender) = AirEnd::new(stream).unwrap();
    loop {
        let request = match end.next(None) {
            Ok(AirInput::Request(request)) => request,
            _ => return ExitCode::SUCCESS,
        };
        match &request.request {
            Some(Request::AttachStream(attach)) => match attach.socket_path.as_str() {
                "fail" => return ExitCode::from(3),
                "panic" => panic!("told to"),
                "hang" => std::thread::sleep(10 * PATIENCE),
                _ => {}
            },
            Some(Request::StopSession(_)) => {
                let ended = air_message::Message::SessionEnded(SessionEnded::default());
                sender.try_send(AirMessage { message: Some(ended) }).unwrap();
            }
            _ => {}
        }
        let outcome = Some(reply::Outcome::Accepted(Accepted {}));
        let reply = air_message::Message::Reply(Reply { request_id: request.request_id, outcome });
        sender.try_send(AirMessage { message: Some(reply) }).unwrap();
    }
}

/// Spawns a server, opens a session, tells their process ids and waits to be killed.
fn toy_core(socket: &Path) -> ExitCode {
    let server = AirServer::spawn(Some(&this_program()), socket).unwrap();
    let session = Session::open(&server);
    println!("{} {}", server.pid(), session.pid);
    std::io::stdout().flush().unwrap();
    std::thread::sleep(10 * PATIENCE);
    ExitCode::SUCCESS
}

// ---- Core's side of the tests ----

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("air")
    }

    fn server(&self) -> AirServer {
        AirServer::spawn(Some(&this_program()), &self.socket()).unwrap()
    }

    /// A program that runs this one in another way.
    fn program(&self, toy: &str) -> PathBuf {
        let path = self.dir.path().join(toy);
        let script = format!("#!/bin/sh\nTOY={toy} exec '{}' \"$@\"\n", this_program().display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

struct Session {
    link: SessionLink,
    poll: Poll,
    pid: i32,
    heard: Vec<LinkEvent>,
}

impl Session {
    fn connect(server: &AirServer) -> Session {
        let poll = Poll::new().unwrap();
        let mut link = SessionLink::connect(server.socket()).unwrap();
        link.register(poll.registry(), Token(0)).unwrap();
        Session { link, poll, pid: 0, heard: Vec::new() }
    }

    /// Connects and says Hello.
    fn open(server: &AirServer) -> Session {
        let mut session = Session::connect(server);
        let hello = Hello { protocol_version: PROTOCOL_VERSION, peer: "a test".into() };
        session.link.request(Request::Hello(hello)).unwrap();
        let LinkEvent::Message(AirMessage { message: Some(air_message::Message::Reply(reply)) }) =
            session.next()
        else {
            panic!("no reply to Hello")
        };
        let Some(reply::Outcome::Hello(hello)) = reply.outcome else { panic!("{reply:?}") };
        session.pid = i32::try_from(hello.pid).unwrap();
        session
    }

    fn next(&mut self) -> LinkEvent {
        let (mut events, began) = (Events::with_capacity(4), Instant::now());
        while self.heard.is_empty() {
            assert!(began.elapsed() < PATIENCE, "AIR says nothing");
            self.poll.poll(&mut events, Some(PATIENCE)).unwrap();
            self.heard = self.link.on_ready().unwrap();
        }
        self.heard.remove(0)
    }

    fn order(&mut self, order: &str) -> u64 {
        self.link.request(Request::AttachStream(AttachStream { socket_path: order.into() })).unwrap()
    }

    fn answers(&mut self) -> bool {
        let id = self.order("answer");
        let LinkEvent::Message(AirMessage { message: Some(air_message::Message::Reply(reply)) }) =
            self.next()
        else {
            return false;
        };
        reply.request_id == id
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not so in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// State letter of a process, `None` when there is none.
fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn children(server: &AirServer) -> Vec<i32> {
    let pid = server.pid();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn descriptors_of(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn server_pid(server: &AirServer) -> i32 {
    i32::try_from(server.pid()).unwrap()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

// ---- the tests ----

fn begins_and_ends() {
    let place = Place::new();
    let mut server = place.server();
    let mode = fs::metadata(place.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Being ready made no session.
    assert_eq!(children(&server), Vec::<i32>::new());
    let mut session = Session::open(&server);
    assert_eq!(children(&server), [session.pid]);
    let name = fs::read_to_string(format!("/proc/{}/comm", session.pid)).unwrap();
    assert_eq!(name.trim(), "air-session");
    assert!(session.answers());
    let stop = session.link.request(Request::StopSession(StopSession {})).unwrap();
    let ended = air_message::Message::SessionEnded(SessionEnded::default());
    assert_eq!(session.next(), LinkEvent::Message(AirMessage { message: Some(ended) }));
    let LinkEvent::Message(AirMessage { message: Some(air_message::Message::Reply(reply)) }) = session.next()
    else {
        panic!("no reply")
    };
    assert_eq!(reply.request_id, stop);
    drop(session);
    wait_until("no session is left, not even a zombie", || children(&server).is_empty());
    assert_eq!(server.try_wait().unwrap(), None);
}

fn one_killed() {
    let place = Place::new();
    let server = place.server();
    let (mut one, mut other) = (Session::open(&server), Session::open(&server));
    assert_ne!(one.pid, other.pid);
    assert_ne!(one.pid, server_pid(&server));
    kill(one.pid);
    assert_eq!(one.next(), LinkEvent::Closed);
    assert!(other.answers());
    wait_until("the killed session is reaped", || children(&server) == [other.pid]);
    let last = || server.last_line().unwrap_or_default();
    wait_until("the log tells", || last().contains(&format!("session {}: killed by signal 9", one.pid)));
    assert!(Session::open(&server).answers());
}

fn server_killed() {
    let place = Place::new();
    let mut server = place.server();
    let mut sessions = [Session::open(&server), Session::open(&server)];
    let pid = server_pid(&server);
    kill(pid);
    for session in &mut sessions {
        assert_eq!(session.next(), LinkEvent::Closed);
        wait_until("the session has ended", || !is_alive(session.pid));
    }
    wait_until("the end is noticed", || server.try_wait().unwrap().is_some());
    // The killed server left its socket behind.
    assert!(place.socket().exists());
    server.respawn().unwrap();
    assert_ne!(server_pid(&server), pid);
    assert!(Session::open(&server).answers());
    // A running server too is ended first.
    let running = server_pid(&server);
    server.respawn().unwrap();
    assert!(!is_alive(running));
    assert!(Session::open(&server).answers());
}

fn dropped() {
    let place = Place::new();
    let server = place.server();
    let mut sessions = [Session::open(&server), Session::open(&server)];
    sessions[1].order("hang");
    let pid = server_pid(&server);
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < PATIENCE / 2, "took {:?}", began.elapsed());
    // Reaped, and its sessions with it.
    assert_eq!(state(pid), None);
    for session in &mut sessions {
        assert!(!is_alive(session.pid));
        assert_eq!(session.next(), LinkEvent::Closed);
    }
    assert!(!place.socket().exists());
}

fn core_killed() {
    let place = Place::new();
    let mut core =
        Command::new(this_program()).arg("core").arg(place.socket()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(core.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_alive(*pid)), "{line}");
    core.kill().unwrap();
    core.wait().unwrap();
    for pid in pids {
        wait_until("it has ended", || !is_alive(pid));
    }
    wait_until("the socket is removed", || !place.socket().exists());
}

fn a_hundred() {
    let place = Place::new();
    let server = place.server();
    let before = descriptors_of(server_pid(&server));
    let mut first = Session::open(&server);
    let mut pids = std::collections::BTreeSet::from([first.pid]);
    for _ in 0..100 {
        let mut session = Session::open(&server);
        assert!(session.answers());
        pids.insert(session.pid);
    }
    assert_eq!(pids.len(), 101);
    wait_until("only the first is left", || children(&server) == [first.pid]);
    assert!(first.answers());
    drop(first);
    wait_until("none is left", || children(&server).is_empty());
    wait_until("no descriptor is left", || descriptors_of(server_pid(&server)) == before);
}

fn failing_sessions() {
    let place = Place::new();
    let mut server = place.server();
    let mut other = Session::open(&server);
    for (order, code) in [("fail", 3), ("panic", 101)] {
        let mut session = Session::open(&server);
        session.order(order);
        assert_eq!(session.next(), LinkEvent::Closed);
        let words = format!("session {}: ended with exit code {code}", session.pid);
        wait_until("the log tells", || server.last_line().unwrap_or_default().contains(&words));
        assert!(other.answers());
    }
    assert_eq!(server.try_wait().unwrap(), None);
}

fn bounded() {
    let place = Place::new();
    let server = place.server();
    let mut sessions: Vec<Session> = (0..MAX_SESSIONS).map(|_| Session::connect(&server)).collect();
    wait_until("all begin", || children(&server).len() == MAX_SESSIONS);
    let mut surplus = Session::connect(&server);
    let LinkEvent::Message(AirMessage { message: Some(air_message::Message::SessionEnded(ended)) }) =
        surplus.next()
    else {
        panic!("no refusal")
    };
    let failure = ended.reason.unwrap();
    assert_eq!(failure.code, "INTERNAL_ERROR");
    assert!(failure.detail.contains(&MAX_SESSIONS.to_string()), "{}", failure.detail);
    assert_eq!(surplus.next(), LinkEvent::Closed);
    assert_eq!(children(&server).len(), MAX_SESSIONS);
    // One that ends makes room.
    sessions.pop();
    wait_until("it ends", || children(&server).len() < MAX_SESSIONS);
    assert!(Session::open(&server).answers());
}

fn descriptors() {
    let place = Place::new();
    let server = place.server();
    let sessions: Vec<Session> = (0..8).map(|_| Session::open(&server)).collect();
    for session in &sessions {
        let folder = format!("/proc/{}/fd", session.pid);
        let all: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().display().to_string())
            .collect();
        // Of sockets the connection alone, and nothing of what the server waits on but this session's own.
        let count = |kind: &str| all.iter().filter(|link| link.contains(kind)).count();
        assert_eq!((count("socket:"), count("[eventpoll]"), count("[eventfd]")), (1, 1, 1), "{all:?}");
        assert_eq!((count("[pidfd]"), count("[signalfd]")), (0, 0), "{all:?}");
    }
}

fn threads() {
    let place = Place::new();
    let error = AirServer::spawn(Some(&place.program("threads")), &place.socket()).unwrap_err();
    let SpawnError::Exited { last_line, .. } = &error else { panic!("{error}") };
    assert!(last_line.contains("the server has 2 threads"), "{last_line}");
}

fn failing_server() {
    let place = Place::new();
    let error = AirServer::spawn(Some(&place.program("fails")), &place.socket()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("exit status: 7") && text.contains("no codec can be loaded"), "{text}");
    let absent = place.dir.path().join("absent");
    let error = AirServer::spawn(Some(&absent), &place.socket()).unwrap_err();
    assert!(matches!(error, SpawnError::Io { .. }) && error.to_string().contains("absent"), "{error}");
    let long = place.dir.path().join("s".repeat(107));
    let error = AirServer::spawn(Some(&this_program()), &long).unwrap_err();
    assert!(matches!(error, SpawnError::PathTooLong(_)), "{error}");
}

fn sockets() {
    let place = Place::new();
    let serve = || {
        let mut command = Command::new(this_program());
        command.args(["serve", "--control"]).arg(place.socket()).stderr(Stdio::piped());
        command
    };
    // Left by a killed server: bound, and nobody listens.
    drop(UnixListener::bind(place.socket()).unwrap());
    let server = place.server();
    assert!(Session::open(&server).answers());
    // A second server does not take over the first one's socket.
    let output = serve().output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("has a server already"), "{words}");
    assert!(Session::open(&server).answers());
    drop(server);
    // By hand, too, a stale one is replaced.
    drop(UnixListener::bind(place.socket()).unwrap());
    let mut child = serve().spawn().unwrap();
    wait_until("it serves", || UnixStream::connect(place.socket()).is_ok());
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!place.socket().exists());
    // Somebody's file is nobody's socket.
    fs::write(place.socket(), "a letter").unwrap();
    let error = AirServer::spawn(Some(&this_program()), &place.socket()).unwrap_err();
    assert!(matches!(error, SpawnError::NotASocket { .. }), "{error}");
    let output = serve().output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no socket"));
    assert_eq!(fs::read_to_string(place.socket()).unwrap(), "a letter");
}

fn orphan() {
    let place = Place::new();
    let output = Command::new(this_program())
        .args(["serve", "--control"])
        .arg(place.socket())
        .env(PARENT_VARIABLE, "1")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("process 1, which started it, has ended"), "{words}");
    assert!(!place.socket().exists());
}

fn not_installed() {
    let output =
        Command::new(this_program()).arg("find").env("PATH", "/absent/bin:/absent/sbin").output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let beside = this_program().parent().unwrap().display().to_string();
    for part in ["retrovue-air", &beside, "/absent/bin, /absent/sbin", "install it"] {
        assert!(words.contains(part), "{words}");
    }
}
