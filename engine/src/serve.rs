//! `retrovue-air serve`: one forked process per connection, one session per process.
//!
//! The listening process loads every codec library while it is single-threaded and never plays
//! anything; a session process begins with those pages and ends with its session.

use crate::asset::DiskAssets;
use crate::clock::Clock;
use crate::format::SessionFormat;
use crate::isolation::{self, AssetFolders};
use crate::legacy::Preview;
use crate::pipeline::{Anchor, Continuation, Output, Pipeline, SharedSession};
use crate::scheduling::Scheduling;
use crate::service::Service;
use crate::session::{Session, SessionEvent};
use retrovue_control::air_end::{AirEnd, AirInput, AirSender};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::message::{self, air_message, block_event, core_message, reply};
use retrovue_proto::plan::{BlockPlan, HouseFormat};
use retrovue_timebase::{Millis, UtcMs};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long Core may leave the output socket full before the session ends. Core drops slow viewers
/// long before; only a Core that hangs gets here.
const OUTPUT_STALL: Duration = Duration::from_secs(2);

/// A block that comes nearer to its fence is told of (seed 003 §4.6): decoding and encoding run over three
/// seconds ahead, so the encoder may have had to drain already.
const LOOKAHEAD_MARGIN: Millis = Millis(5000);

/// How long the report thread waits for news before it looks again.
const REPORT_AGAIN: Duration = Duration::from_millis(200);

/// Listens on `control` until told to stop.
///
/// # Errors
/// The socket cannot be made.
pub fn run(control: &Path, scheduling: &Scheduling) -> Result<ExitCode, retrovue_control::ControlError> {
    retrovue_codec::init();
    retrovue_codec::warm_up();
    retrovue_control::session_fork::serve(control, |stream| session_process(stream, scheduling))
}

/// One session, from the first frame of the connection to its end.
fn session_process(stream: UnixStream, scheduling: &Scheduling) -> ExitCode {
    scheduling.pin();
    let (mut end, sender) = match AirEnd::new(stream) {
        Ok(ends) => ends,
        Err(error) => {
            tracing::error!("control connection: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut desk = Desk {
        sender,
        output: None,
        running: None,
        preview: None,
        confined: false,
        scheduling: scheduling.clone(),
    };
    let code = loop {
        match end.next(None) {
            Ok(AirInput::Request(request)) => desk.answer(request),
            Ok(AirInput::Timeout) => {}
            // Core went away: nobody is left to play for.
            Ok(AirInput::Closed) => break ExitCode::SUCCESS,
            Err(error) => {
                tracing::warn!("control connection: {error}");
                break ExitCode::FAILURE;
            }
        }
    };
    desk.stop();
    code
}

/// What Core has asked for so far.
struct Desk {
    sender: AirSender,
    output: Option<UnixStream>,
    running: Option<Running>,
    /// Loaded, not yet switched to.
    preview: Option<Preview>,
    /// The process has given up what only a new session needs.
    confined: bool,
    scheduling: Scheduling,
}

struct Running {
    shared: Arc<SharedSession>,
    assets: DiskAssets,
    report: JoinHandle<()>,
}

type Answer = Result<(), Failure>;

impl Desk {
    fn answer(&mut self, request: message::CoreMessage) {
        let id = request.request_id;
        let answer = match request.request {
            Some(core_message::Request::AttachStream(attach)) => self.attach(&attach.socket_path),
            Some(core_message::Request::StartBlockPlanSession(start)) => self.start(start),
            Some(core_message::Request::FeedBlockPlan(feed)) => self.feed(feed),
            Some(core_message::Request::LoadPreview(preview)) => self.load_preview(preview),
            Some(core_message::Request::SwitchToLive(switch)) => self.switch_to_live(switch),
            Some(core_message::Request::GetMetrics(_)) => return self.tell_metrics(id),
            Some(core_message::Request::StopSession(_)) => {
                let ended = self.stop();
                self.send(air_message::Message::SessionEnded(ended));
                Ok(())
            }
            // Hello is answered by the connection itself.
            Some(core_message::Request::Hello(_)) | None => {
                Err(Failure::new(FailureCode::ProtocolError, "a request without a known kind".into()))
            }
        };
        let outcome = match answer {
            Ok(()) => reply::Outcome::Accepted(message::Accepted {}),
            Err(failure) => {
                // Seed 003 §3.2: a refusal is Core's fault and worth a line here.
                tracing::warn!("{}: {}", failure.code, failure.detail);
                reply::Outcome::Rejected(failure.into())
            }
        };
        self.reply(id, outcome);
    }

    fn reply(&self, id: u64, outcome: reply::Outcome) {
        self.send(air_message::Message::Reply(message::Reply { request_id: id, outcome: Some(outcome) }));
    }

    fn tell_metrics(&self, id: u64) {
        let outcome = match &self.running {
            Some(running) => {
                let emitted = running.shared.frames_emitted_since_join();
                let openmetrics = running.shared.metrics.openmetrics(emitted);
                reply::Outcome::Metrics(message::Metrics { openmetrics })
            }
            None => reply::Outcome::Rejected(no_session().into()),
        };
        self.reply(id, outcome);
    }

    fn send(&self, message: air_message::Message) {
        send(&self.sender, message);
    }

    fn attach(&mut self, socket_path: &str) -> Answer {
        self.require_first_session()?;
        let closed = |e: std::io::Error| {
            Failure::new(FailureCode::OutputClosed, format!("cannot write to {socket_path}: {e}"))
        };
        let stream = UnixStream::connect(socket_path).map_err(closed)?;
        stream.set_write_timeout(Some(OUTPUT_STALL)).map_err(closed)?;
        self.output = Some(stream);
        Ok(())
    }

    fn start(&mut self, start: message::StartBlockPlanSession) -> Answer {
        self.require_first_session()?;
        let clock = Clock::real();
        let mono = clock.now();
        let Some(format) = start.format else {
            return Err(missing("StartBlockPlanSession.format"));
        };
        let format = SessionFormat::new(&HouseFormat::try_from(format)?)?;
        let join = UtcMs(start.join_utc_ms);
        let folders = AssetFolders::new(&start.asset_folders);
        let mut assets = DiskAssets::within(PathBuf::from("/"), folders);
        let mut session = Session::new(format.shape.rate).with_cues(format.cues);
        let blocks: Vec<BlockPlan> =
            start.blocks.into_iter().map(BlockPlan::try_from).collect::<Result<_, _>>().map_err(invalid)?;
        for block in &blocks {
            session.accept(block, join, &mut assets)?;
        }
        let first = session.start(join)?;
        let Some(epoch) = session.epoch() else {
            return Err(missing("StartBlockPlanSession.blocks"));
        };
        let Some(sink) = self.output.take() else {
            return Err(Failure::new(
                FailureCode::ProtocolError,
                "no output; send AttachStream before StartBlockPlanSession".into(),
            ));
        };
        let anchor = Anchor { mono, utc: join, epoch, rate: format.shape.rate };
        let cues = session.take_cues();
        let shared = Arc::new(SharedSession::new(session, clock));
        shared.set_anchor(anchor);
        shared.tell_cues(cues);
        blocks.iter().for_each(|block| shared.tell_events(block));
        let resume = start.resume.unwrap_or_default();
        let output = Output {
            sink: WholeWrites(sink),
            service: Service::new(start.service.unwrap_or_default(), join)?,
            continuation: Continuation {
                discontinuity: resume.discontinuity,
                counters: resume
                    .continuity
                    .iter()
                    .filter_map(|c| {
                        Some((u16::try_from(c.pid).ok()?, u8::try_from(c.last_counter).ok()? & 15))
                    })
                    .collect(),
            },
        };
        // Threads inherit it, so before there are any.
        isolation::confine(assets.folders());
        self.confined = true;
        let pipeline = Pipeline::start(&shared, &format, anchor, first, output, self.scheduling.clone())?;
        let (on_report, sender) = (Arc::clone(&shared), self.sender.clone());
        let report = std::thread::Builder::new()
            .name("report".to_owned())
            .spawn(move || report(&on_report, &sender, pipeline))
            .map_err(|e| {
                shared.stop_now();
                Failure::new(FailureCode::InternalError, format!("cannot start thread report: {e}"))
            })?;
        self.running = Some(Running { shared, assets, report });
        Ok(())
    }

    /// One connection is one session, and a session's process cannot begin another.
    fn require_first_session(&self) -> Answer {
        if self.confined {
            return Err(Failure::new(
                FailureCode::ProtocolError,
                "this connection has its session; one connection is one session, open another".into(),
            ));
        }
        Ok(())
    }

    fn feed(&mut self, feed: message::FeedBlockPlan) -> Answer {
        let Some(running) = &mut self.running else {
            return Err(no_session());
        };
        let block = feed.block.ok_or_else(|| missing("FeedBlockPlan.block"))?;
        let block = BlockPlan::try_from(block).map_err(invalid)?;
        let receipt = running.shared.utc_now(block.start_utc_ms);
        // Looking at the disk may take a while; the producers must not wait for it.
        for segment in &block.segments {
            crate::session::AssetFacts::facts(&mut running.assets, &segment.asset_uri)?;
        }
        let mut session = running.shared.lock();
        session.accept(&block, receipt, &mut running.assets)?;
        running.shared.tell_events(&block);
        running.shared.tell_cues(session.take_cues());
        drop(session);
        running.shared.blocks_changed();
        let left = block.start_utc_ms.since(receipt);
        if left < LOOKAHEAD_MARGIN {
            tracing::warn!(
                "block {} came {} ms before its fence; feed it {} ms before, or its first frames may be late",
                block.block_id,
                left.0,
                LOOKAHEAD_MARGIN.0
            );
        }
        Ok(())
    }

    fn load_preview(&mut self, request: message::LoadPreview) -> Answer {
        let preview = Preview::new(request)?;
        // Named now rather than at the switch, when it would be too late for another.
        let mut at_first = DiskAssets::new(PathBuf::from("/"));
        let assets = self.running.as_mut().map_or(&mut at_first, |running| &mut running.assets);
        crate::session::AssetFacts::facts(assets, preview.asset_uri())?;
        self.preview = Some(preview);
        Ok(())
    }

    fn switch_to_live(&mut self, switch: message::SwitchToLive) -> Answer {
        let Some(preview) = &self.preview else {
            return Err(Failure::new(
                FailureCode::ProtocolError,
                "no preview is loaded; send LoadPreview before SwitchToLive".into(),
            ));
        };
        let block = message::BlockPlan::from(&preview.block(&switch));
        if self.running.is_some() {
            self.feed(message::FeedBlockPlan { block: Some(block) })?;
        } else {
            self.start(message::StartBlockPlanSession {
                format: switch.format,
                blocks: vec![block],
                join_utc_ms: switch.join_utc_ms,
                service: switch.service,
                resume: None,
                asset_folders: Vec::new(),
            })?;
        }
        // A refused switch keeps its preview.
        self.preview = None;
        Ok(())
    }

    /// Ends what plays and gives what it was in the middle of. With the report thread the output has ended, so no
    /// frame leaves any more.
    fn stop(&mut self) -> message::SessionEnded {
        let mut ended = message::SessionEnded::default();
        if let Some(running) = self.running.take() {
            running.shared.stop_now();
            if running.report.join().is_err() {
                tracing::error!("the report thread panicked");
            }
            if let Some((block_id, frames)) = running.shared.lock().on_air() {
                (ended.block_id, ended.frames_emitted) = (Some(block_id.to_owned()), Some(frames));
            }
        }
        ended
    }
}

/// Tells Core what became of the blocks, until the output has ended.
fn report(shared: &SharedSession, sender: &AirSender, pipeline: Pipeline) {
    shared.report.answer();
    let mut ended = tell_of_blocks(shared, sender);
    while !ended && !shared.is_stopped() {
        shared.report.wait(REPORT_AGAIN);
        ended = tell_of_blocks(shared, sender);
    }
    let mut playing = Some(pipeline);
    if !ended {
        // Stopped: frames leave until the threads have ended.
        playing.take().into_iter().for_each(Pipeline::join);
        tell_of_blocks(shared, sender);
    }
    if let Some(failure) = shared.failure() {
        if failure.code == FailureCode::LookaheadExhausted {
            tracing::error!("[FENCE-FATAL] LOOKAHEAD_EXHAUSTED: {}", failure.detail);
        } else {
            tracing::error!("{}: {}", failure.code, failure.detail);
        }
        let reason = Some(for_core(failure.clone()).into());
        let ended = message::SessionEnded { reason, ..Default::default() };
        send(sender, air_message::Message::SessionEnded(ended));
    }
    playing.into_iter().for_each(Pipeline::join);
}

/// Tells what became of blocks since the last call; true when the output has ended.
fn tell_of_blocks(shared: &SharedSession, sender: &AirSender) -> bool {
    let (mut session, ended) = shared.settle();
    let events: Vec<SessionEvent> = session.take_events().collect();
    drop(session);
    for event in events {
        send(sender, air_message::Message::BlockEvent(block_event_message(event)));
    }
    ended
}

/// What Core hears of a failure. Which asset it was would tell the segment (seed 003 §5.9); the log has it.
fn for_core(failure: Failure) -> Failure {
    match failure.code {
        FailureCode::AssetError | FailureCode::DecodeError => Failure::new(
            failure.code,
            "an asset of the block could not be played; the log of retrovue-air says which and why".into(),
        ),
        _ => failure,
    }
}

fn send(sender: &AirSender, message: air_message::Message) {
    if let Err(error) = sender.try_send(message::AirMessage { message: Some(message) }) {
        tracing::warn!("Core does not read its events: {error}");
    }
}

fn block_event_message(event: SessionEvent) -> message::BlockEvent {
    let (kind, block_id, frames_emitted, failure) = match event {
        SessionEvent::BlockStarted { block_id } => (block_event::Kind::Started, block_id, 0, None),
        SessionEvent::BlockCompleted { block_id, frames } => {
            (block_event::Kind::Completed, block_id, frames, None)
        }
        SessionEvent::BlockFailed { block_id, frames, failure } => {
            (block_event::Kind::Failed, block_id, frames, Some(for_core(failure).into()))
        }
    };
    message::BlockEvent { kind: kind.into(), block_id, frames_emitted, failure }
}

fn no_session() -> Failure {
    Failure::new(FailureCode::NoSession, "no session is running; start one first".into())
}

fn missing(field: &str) -> Failure {
    Failure::new(FailureCode::ProtocolError, format!("{field} is missing"))
}

fn invalid(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureCode::ProtocolError, error.to_string())
}

/// A socket that is never written to in part: what is left after a time-out is an error.
struct WholeWrites(UnixStream);

impl Write for WholeWrites {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(data)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
