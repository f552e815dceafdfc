//! Core's side of `retrovue-air serve`, over its real socket, with everything AIR says written down.
//!
//! ```text
//! Air ──spawns──▶ retrovue-air serve ◀──control── Session ──▶ messages, each with its arrival
//!                        └──output socket──▶ Viewer (a thread) ──▶ bytes, with their arrivals
//! ```

use crate::programs::binary;
use mio::{Events, Poll, Token};
use retrovue_control::core_end::{LinkEvent, SessionLink};
use retrovue_control::spawn::AirServer;
use retrovue_proto::PROTOCOL_VERSION;
use retrovue_proto::message::{
    AirMessage, AttachStream, BlockEvent, BlockPlan, Failure, FeedBlockPlan, GetMetrics, Hello, LoadPreview,
    Reply, ServiceNames, SessionEnded, StartBlockPlanSession, StopSession, SwitchToLive,
    air_message::Message, block_event::Kind, core_message::Request, reply::Outcome,
};
use retrovue_proto::plan::Plan;
use serde_json::Value;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for anything AIR is to say; far beyond what it needs, so that only a fault meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running AIR server; stopped when dropped.
pub struct Air {
    server: AirServer,
    dir: PathBuf,
    sessions: std::cell::Cell<u32>,
}

impl Air {
    /// Starts the built `retrovue-air` with its socket in `dir`.
    ///
    /// # Panics
    /// When it does not listen.
    #[must_use]
    pub fn start(dir: &Path) -> Air {
        Air::start_program(dir, &binary("retrovue-air"))
    }

    /// Starts `program` in its place.
    ///
    /// # Panics
    /// When it does not listen.
    #[must_use]
    pub fn start_program(dir: &Path, program: &Path) -> Air {
        let server = AirServer::spawn(Some(program), &dir.join("air.sock")).expect("retrovue-air listens");
        Air { server, dir: dir.to_owned(), sessions: std::cell::Cell::new(0) }
    }

    /// The server's process.
    #[must_use]
    pub fn pid(&self) -> u64 {
        self.server.pid().into()
    }

    /// A connection of its own, greeted, with a viewer on its output.
    ///
    /// # Panics
    /// When AIR refuses.
    #[must_use]
    pub fn connect(&self) -> Session {
        let number = self.sessions.replace(self.sessions.get() + 1);
        let output = self.dir.join(format!("output-{number}.sock"));
        let listener = UnixListener::bind(&output).expect("the test folder can be written");
        let viewer = std::thread::spawn(move || watch(&listener));
        let mut link = SessionLink::connect(self.server.socket()).expect("the server listens");
        let poll = Poll::new().expect("the system has descriptors");
        link.register(poll.registry(), Token(0)).expect("the socket can be watched");
        let mut session = Session {
            link,
            poll,
            heard: Vec::new(),
            closed: false,
            viewer: Some(viewer),
            pid: 0,
            asset_folders: Vec::new(),
        };
        let hello = Hello { protocol_version: PROTOCOL_VERSION, peer: "tests".to_owned() };
        let Outcome::Hello(greeting) = session.ask(Request::Hello(hello)) else { panic!("no greeting") };
        session.pid = greeting.pid.into();
        let attach = AttachStream { socket_path: output.to_string_lossy().into_owned() };
        assert_eq!(session.request(Request::AttachStream(attach)), Ok(()));
        session
    }
}

/// A message from AIR.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When it came.
    pub at: Instant,
    /// What it says.
    pub message: Message,
}

/// The bytes of a session.
#[derive(Debug, Default)]
pub struct Viewed {
    /// All of them.
    pub bytes: Vec<u8>,
    /// After each read: when, and how many bytes had come by then.
    pub arrivals: Vec<(Instant, usize)>,
}

fn watch(listener: &UnixListener) -> Viewed {
    let mut viewed = Viewed::default();
    let Ok((mut stream, _)) = listener.accept() else { return viewed };
    let mut chunk = vec![0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        viewed.bytes.extend_from_slice(&chunk[..count]);
        viewed.arrivals.push((Instant::now(), viewed.bytes.len()));
    }
    viewed
}

/// One connection to AIR.
pub struct Session {
    link: SessionLink,
    poll: Poll,
    /// Every message so far, oldest first.
    pub heard: Vec<Heard>,
    closed: bool,
    viewer: Option<JoinHandle<Viewed>>,
    /// The session's own process.
    pub pid: u64,
    /// What the session is told that it may read; all when empty.
    pub asset_folders: Vec<String>,
}

impl Session {
    /// Reads once, waiting for `patience` at most. False when nothing came.
    fn listen(&mut self, patience: Duration) -> bool {
        let mut events = Events::with_capacity(4);
        if self.closed || self.poll.poll(&mut events, Some(patience)).is_err() || events.is_empty() {
            return false;
        }
        let at = Instant::now();
        for event in self.link.on_ready().expect("AIR keeps the protocol") {
            match event {
                LinkEvent::Message(AirMessage { message: Some(message) }) => {
                    self.heard.push(Heard { at, message });
                }
                LinkEvent::Message(other) => panic!("a message without a kind: {other:?}"),
                LinkEvent::Closed => self.closed = true,
            }
        }
        true
    }

    /// Listens until `wanted` is found in what has been heard.
    fn await_heard<T>(&mut self, what: &str, wanted: impl Fn(&[Heard]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = wanted(&self.heard) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !self.closed, "AIR did not say {what}: {:?}", self.heard);
            self.listen(left);
        }
    }

    /// Sends a request and waits for its reply.
    fn ask(&mut self, request: Request) -> Outcome {
        let id = self.link.request(request).expect("the connection takes the request");
        self.await_heard("a reply", |heard| {
            heard.iter().find_map(|heard| match &heard.message {
                Message::Reply(Reply { request_id, outcome }) if *request_id == id => outcome.clone(),
                _ => None,
            })
        })
    }

    fn request(&mut self, request: Request) -> Result<(), Failure> {
        match self.ask(request) {
            Outcome::Accepted(_) => Ok(()),
            Outcome::Rejected(failure) => Err(failure),
            other => panic!("no answer to a request: {other:?}"),
        }
    }

    /// Starts a session with the first two blocks of `plan` at most, joined at `join`, in UTC milliseconds.
    ///
    /// # Errors
    /// AIR's refusal.
    ///
    /// # Panics
    /// When `plan` is no plan.
    pub fn start(&mut self, plan: &Value, join: i64) -> Result<(), Failure> {
        let blocks = blocks(plan);
        let plan: Plan = serde_json::from_value(plan.clone()).expect("a plan");
        let names = ServiceNames {
            service_name: "RetroVue".into(),
            provider_name: "RetroVue".into(),
            ..Default::default()
        };
        self.request(Request::StartBlockPlanSession(StartBlockPlanSession {
            format: Some((&plan.format).into()),
            blocks: blocks.into_iter().take(2).collect(),
            join_utc_ms: join,
            service: Some(names),
            resume: None,
            asset_folders: self.asset_folders.clone(),
        }))
    }

    /// Feeds one block.
    ///
    /// # Errors
    /// AIR's refusal.
    pub fn feed(&mut self, block: BlockPlan) -> Result<(), Failure> {
        self.request(Request::FeedBlockPlan(FeedBlockPlan { block: Some(block) }))
    }

    /// Names what comes next, as the older requests do.
    ///
    /// # Errors
    /// AIR's refusal.
    pub fn load_preview(&mut self, preview: LoadPreview) -> Result<(), Failure> {
        self.request(Request::LoadPreview(preview))
    }

    /// Makes the preview the next block.
    ///
    /// # Errors
    /// AIR's refusal.
    pub fn switch_to_live(&mut self, switch: SwitchToLive) -> Result<(), Failure> {
        self.request(Request::SwitchToLive(switch))
    }

    /// One of the session's counts, by its line's beginning.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn count(&mut self, name: &str) -> f64 {
        let Outcome::Metrics(metrics) = self.ask(Request::GetMetrics(GetMetrics {})) else {
            panic!("no counts");
        };
        let line = metrics.openmetrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {metrics:?}"))
    }

    /// Starts `plan` and feeds each further block as soon as the one two before it is complete, until AIR
    /// has none left and ends. Gives how the session ended.
    ///
    /// # Panics
    /// When AIR refuses a block.
    pub fn play(&mut self, plan: &Value, join: i64) -> SessionEnded {
        assert_eq!(self.start(plan, join), Ok(()));
        for (done, block) in blocks(plan).into_iter().skip(2).enumerate() {
            self.await_events(Kind::Completed, done + 1);
            assert_eq!(self.feed(block), Ok(()));
        }
        self.await_end()
    }

    /// Waits for `count` block events of `kind`.
    pub fn await_events(&mut self, kind: Kind, count: usize) {
        self.await_heard("enough block events", |heard| {
            let said = heard.iter().filter(|heard| event_of(heard).is_some_and(|e| e.kind() == kind)).count();
            (said >= count).then_some(())
        });
    }

    /// Waits until AIR says that the session has ended.
    pub fn await_end(&mut self) -> SessionEnded {
        self.await_heard("that the session has ended", |heard| {
            heard.iter().find_map(|heard| match &heard.message {
                Message::SessionEnded(ended) => Some(ended.clone()),
                _ => None,
            })
        })
    }

    /// Asks AIR to end the session.
    ///
    /// # Errors
    /// AIR's refusal.
    pub fn stop(&mut self) -> Result<(), Failure> {
        self.request(Request::StopSession(StopSession {}))
    }

    /// Every block event so far.
    #[must_use]
    pub fn events(&self) -> Vec<BlockEvent> {
        self.heard.iter().filter_map(|heard| event_of(heard).cloned()).collect()
    }

    /// Every block event so far, in short: `started B0`, `completed B0 90`, `failed B0 12 ASSET_ERROR`.
    #[must_use]
    pub fn event_lines(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| match (event.kind(), &event.failure) {
                (Kind::Started, None) => format!("started {}", event.block_id),
                (Kind::Completed, None) => format!("completed {} {}", event.block_id, event.frames_emitted),
                (Kind::Failed, Some(why)) => {
                    format!("failed {} {} {}", event.block_id, event.frames_emitted, why.code)
                }
                _ => format!("unexpected {event:?}"),
            })
            .collect()
    }

    /// Closes the connection and gives what the viewer got.
    ///
    /// # Panics
    /// When the viewer's thread failed.
    #[must_use]
    pub fn viewed(mut self) -> Viewed {
        let viewer = self.viewer.take().expect("one viewer");
        drop(self);
        viewer.join().expect("the viewer watches")
    }
}

fn event_of(heard: &Heard) -> Option<&BlockEvent> {
    match &heard.message {
        Message::BlockEvent(event) => Some(event),
        _ => None,
    }
}

/// The blocks of a JSON plan as they go over the wire.
///
/// # Panics
/// When `plan` is no plan.
#[must_use]
pub fn blocks(plan: &Value) -> Vec<BlockPlan> {
    let plan: Plan = serde_json::from_value(plan.clone()).expect("a plan");
    plan.blocks.iter().map(BlockPlan::from).collect()
}
