//! A stand-in for AIR: a protocol peer of its own, as a process, with one process for each session. It
//! speaks the real control protocol and writes real transport packets; its pictures are marks that tell
//! which process and which asset they came from.
//!
//! The program is this test binary again: a script starts it with the name of one test and an environment
//! that makes that test the server or a session.

use prost::Message as _;
use retrovue_mux::{AccessUnit, MuxConfig, Muxer, Pid, Poll, PushError, Resume, StreamConfig, StreamIndex};
use retrovue_proto::PROTOCOL_VERSION;
use retrovue_proto::message::{self, air_message, block_event, core_message::Request, reply};
use retrovue_timebase::Ticks90k;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SERVER: &str = "FAKE_AIR_CONTROL";
const SESSION: &str = "FAKE_AIR_SESSION";
const FRAME: Duration = Duration::from_millis(40);

/// The program, in a folder of its own.
pub struct Installed {
    pub program: PathBuf,
    pub folder: tempfile::TempDir,
}

impl Installed {
    /// Process of the newest server.
    pub fn server_pid(&self) -> i32 {
        std::fs::read_to_string(self.folder.path().join("pid")).unwrap().trim().parse().unwrap()
    }
}

/// Writes the script that is the program.
pub fn install() -> Installed {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("retrovue-air");
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\necho $$ > '{}'\nexport {SERVER}=\"$3\"\nexec '{}' --exact fake_air_process --nocapture >/dev/null\n",
        folder.path().join("pid").display(),
        exe.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Installed { program, folder }
}

/// Body of the test `fake_air_process`: does nothing unless this process is to be the stand-in.
pub fn process() {
    if std::env::var_os(SESSION).is_some() {
        let stdin: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        Session::new(UnixStream::from(stdin)).run();
        std::process::exit(0);
    }
    if let Some(socket) = std::env::var_os(SERVER) {
        serve(PathBuf::from(socket));
    }
}

fn serve(socket: PathBuf) {
    // As AIR does: the path appears when there is somebody listening.
    let nascent = socket.with_extension("nascent");
    let listener = UnixListener::bind(&nascent).unwrap();
    std::fs::rename(&nascent, &socket).unwrap();
    let mut sessions = Vec::new();
    for stream in listener.incoming() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fake_air_process", "--nocapture"])
            .env(SESSION, "1")
            .stdin(Stdio::from(OwnedFd::from(stream.unwrap())))
            .stdout(Stdio::null())
            .spawn();
        sessions.push(child.unwrap());
        sessions.retain_mut(|child| child.try_wait().unwrap().is_none());
    }
}

struct Session {
    control: UnixStream,
    received: Vec<u8>,
    output: Option<UnixStream>,
    queue: VecDeque<message::BlockPlan>,
    muxer: Option<Muxer>,
    join_utc_ms: i64,
    frame: i64,
    bytes_per_frame: usize,
    gop: i64,
    next_at: Instant,
    started: bool,
    /// The session's first frame of the block on the air.
    block_frame: i64,
}

fn utc_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

impl Session {
    fn new(control: UnixStream) -> Session {
        Session {
            control,
            received: Vec::new(),
            output: None,
            queue: VecDeque::new(),
            muxer: None,
            join_utc_ms: 0,
            frame: 0,
            bytes_per_frame: 0,
            gop: 12,
            next_at: Instant::now(),
            started: false,
            block_frame: 0,
        }
    }

    fn say(&mut self, message: air_message::Message) {
        let body = message::AirMessage { message: Some(message) }.encode_to_vec();
        let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(body);
        self.control.write_all(&frame).unwrap();
    }

    fn next_message(&mut self) -> Option<message::CoreMessage> {
        let length = u32::from_be_bytes(*self.received.first_chunk()?);
        let end = 4 + usize::try_from(length).unwrap();
        let message = message::CoreMessage::decode(self.received.get(4..end)?).unwrap();
        self.received.drain(..end);
        Some(message)
    }

    fn event(&mut self, kind: block_event::Kind, block_id: &str, failure: Option<message::Failure>) {
        self.say(air_message::Message::BlockEvent(message::BlockEvent {
            kind: kind.into(),
            block_id: block_id.to_owned(),
            frames_emitted: self.frame - self.block_frame,
            failure,
        }));
    }

    fn end(&mut self, code: &str, detail: &str) -> ! {
        let reason = message::Failure { code: code.to_owned(), detail: detail.to_owned() };
        self.say(air_message::Message::SessionEnded(message::SessionEnded {
            reason: Some(reason),
            ..Default::default()
        }));
        std::process::exit(0);
    }

    fn run(mut self) {
        loop {
            let wait = self.next_at.saturating_duration_since(Instant::now());
            let wait = if self.muxer.is_some() { wait } else { Duration::from_secs(10) };
            self.control.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
            let mut bytes = [0; 4096];
            match self.control.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    self.received.extend_from_slice(&bytes[..count]);
                    while let Some(message) = self.next_message() {
                        self.answer(message);
                    }
                }
                Err(_) if self.muxer.is_some() => {}
                Err(_) => return,
            }
            if self.muxer.is_some() && Instant::now() >= self.next_at {
                self.next_at += FRAME;
                self.picture();
            }
        }
    }

    fn answer(&mut self, message: message::CoreMessage) {
        let mut outcome = reply::Outcome::Accepted(message::Accepted {});
        let mut stop = false;
        match message.request.unwrap() {
            Request::Hello(hello) => {
                assert_eq!(hello.protocol_version, PROTOCOL_VERSION);
                outcome = reply::Outcome::Hello(message::HelloReply {
                    protocol_version: PROTOCOL_VERSION,
                    peer: "fake".to_owned(),
                    pid: std::process::id(),
                });
            }
            Request::AttachStream(attach) => {
                self.output = Some(UnixStream::connect(attach.socket_path).unwrap());
            }
            Request::StartBlockPlanSession(start) => self.start(start),
            Request::FeedBlockPlan(feed) => {
                let block = feed.block.unwrap();
                let tail = self.queue.back().unwrap().end_utc_ms;
                if self.queue.len() >= 2 || block.start_utc_ms != tail {
                    let code = if self.queue.len() >= 2 { "QUEUE_FULL" } else { "BLOCK_NOT_CONTIGUOUS" };
                    outcome = reply::Outcome::Rejected(message::Failure {
                        code: code.to_owned(),
                        detail: String::new(),
                    });
                } else {
                    self.queue.push_back(block);
                }
            }
            Request::StopSession(_) => stop = true,
            Request::GetMetrics(_) => {
                let openmetrics = "air_fake_total 1\n# EOF\n".to_owned();
                outcome = reply::Outcome::Metrics(message::Metrics { openmetrics });
            }
            Request::LoadPreview(_) | Request::SwitchToLive(_) => panic!("Core plays blocks"),
        }
        let reply = message::Reply { request_id: message.request_id, outcome: Some(outcome) };
        self.say(air_message::Message::Reply(reply));
        if stop {
            self.end("", "");
        }
    }

    fn start(&mut self, start: message::StartBlockPlanSession) {
        let format = start.format.unwrap();
        let bits = u64::from(format.video_bitrate_kbps) * 1000;
        let mut config =
            MuxConfig::new(&start.service.unwrap().service_name, vec![StreamConfig::h264(bits * 2, bits)]);
        config.resume = start.resume.map(|resume| Resume {
            discontinuity: resume.discontinuity,
            counters: resume
                .continuity
                .iter()
                .map(|pid| {
                    (Pid::new(u16::try_from(pid.pid).unwrap()), u8::try_from(pid.last_counter).unwrap())
                })
                .collect(),
        });
        assert_eq!(start.blocks.len(), 2);
        assert_eq!(start.blocks[0].end_utc_ms, start.blocks[1].start_utc_ms);
        assert!(start.blocks[0].start_utc_ms <= start.join_utc_ms);
        self.join_utc_ms = start.join_utc_ms;
        self.queue = start.blocks.into();
        self.bytes_per_frame = usize::try_from(bits / 8 / 25).unwrap();
        self.gop = i64::from(format.gop_frames);
        self.muxer = Some(Muxer::new(config).unwrap());
        self.next_at = Instant::now();
    }

    /// One frame, on time; a block's end and a rotten asset are noticed here.
    fn picture(&mut self) {
        let now = utc_ms();
        if !self.started {
            self.started = true;
            let id = self.queue[0].block_id.clone();
            self.event(block_event::Kind::Started, &id, None);
        }
        if now >= self.queue[0].end_utc_ms {
            let done = self.queue.pop_front().unwrap();
            self.event(block_event::Kind::Completed, &done.block_id, None);
            self.block_frame = self.frame;
            match self.queue.front().map(|block| block.block_id.clone()) {
                Some(id) => self.event(block_event::Kind::Started, &id, None),
                None => self.end("LOOKAHEAD_EXHAUSTED", "no block at the fence"),
            }
        }
        let block = self.queue[0].clone();
        let mut at = block.start_utc_ms;
        let segment = block.segments.iter().find(|segment| {
            at += segment.segment_duration_ms;
            now < at
        });
        let asset = segment.unwrap().asset_uri.clone();
        if asset.contains("rotten") {
            let failure = message::Failure {
                code: "DECODE_ERROR".to_owned(),
                detail: format!("block {}", block.block_id),
            };
            self.event(block_event::Kind::Failed, &block.block_id, Some(failure));
            self.end("DECODE_ERROR", "a block failed");
        }
        let random_access = self.frame % self.gop == 0;
        let mark = format!("pid={} asset={asset};", std::process::id());
        let mut data = vec![0, 0, 0, 1, if random_access { 0x65 } else { 0x41 }];
        data.extend_from_slice(mark.as_bytes());
        data.resize(self.bytes_per_frame.max(data.len()), 0xAA);
        let dts = Ticks90k(self.join_utc_ms * 90 + self.frame * 3600);
        self.frame += 1;
        loop {
            let stream = StreamIndex(0);
            let unit = AccessUnit { stream, pts: dts, dts, random_access, arrival: None, data: &data };
            match self.muxer.as_mut().unwrap().push(unit) {
                Ok(()) => break,
                Err(PushError::Full { .. }) => self.write(),
                Err(error) => panic!("{error}"),
            }
        }
        self.write();
    }

    fn write(&mut self) {
        let mut buffer = vec![0; 188 * 64];
        while let Poll::Packets(run) = self.muxer.as_mut().unwrap().poll(&mut buffer) {
            let output = self.output.as_mut().unwrap();
            if output.write_all(&buffer[..run.bytes()]).is_err() {
                std::process::exit(0);
            }
        }
    }
}
