//! The program director: runs every channel's manager on real clocks, processes and sockets.
//!
//! One thread, one loop over all control connections, the front's notes and the managers' deadlines. It
//! carries out what the managers decide and brings them the news; it decides nothing about blocks and
//! touches no stream. The AIR server is started with the station, so that the first viewer need not wait
//! for it, and anew when it has died.

use super::as_run::SessionRun;
use super::asset_folders::AssetFolders;
use super::channel::{Action, ChannelManager, Input, News, Now, Phase, PidCounter, SessionId};
use super::recorder::Recording;
use super::schedule::Schedule;
use super::session_link::{Asked, Control};
use crate::config::GuideOnAir;
use crate::plan::ChannelInfo;
use crate::station::exchange::{FrontCommand, Line, MAX_SESSIONS, Note};
use crate::station::status::{ChannelStatus, StationStatus};
use crossbeam_channel::Receiver;
use mio::{Events, Poll, Token};
use retrovue_control::AirServer;
use retrovue_proto::message;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameRate, UtcMs};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Token of the front's waker.
pub(crate) const WAKER: Token = Token(0);
/// Moving bytes are looked at this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// A server that could not be started is tried again no sooner: each try may load libraries for seconds.
const SERVER_AGAIN: Duration = Duration::from_secs(5);
/// All sessions must have ended so long after the station was told to stop; then they are cut off.
const STOP_LIMIT: Duration = Duration::from_millis(1_500);
/// Notes taken in one turn.
const NOTES_A_TURN: usize = 512;

/// What the director works with.
pub(crate) struct DirectorParts {
    pub(crate) poll: Poll,
    pub(crate) notes: Receiver<Note>,
    pub(crate) front: Line<FrontCommand>,
    pub(crate) schedule: Arc<dyn Schedule>,
    pub(crate) status: Arc<StationStatus>,
    /// Name of the station, which is its provider name on the air.
    pub(crate) station: String,
    pub(crate) linger: Duration,
    pub(crate) air_program: PathBuf,
    pub(crate) runtime_dir: PathBuf,
    /// What sessions may read.
    pub(crate) asset_folders: AssetFolders,
    /// What the streams themselves tell of the guide; nothing when absent.
    pub(crate) guide: Option<GuideOnAir>,
    /// Who is told what airs.
    pub(crate) recording: Recording,
    pub(crate) clock: fn() -> UtcMs,
}

/// All channels and the AIR server.
pub(crate) struct ProgramDirector {
    parts: DirectorParts,
    channels: Vec<Channel>,
    server: Option<AirServer>,
    server_failed_at: Option<Instant>,
    began: Instant,
    progress_at: Instant,
    stop_by: Option<Instant>,
}

struct Channel {
    info: ChannelInfo,
    manager: ChannelManager,
    control: Option<Control>,
    /// What the session has sent; absent where nobody records it.
    run: Option<SessionRun>,
    /// The channel's count of bytes when its session was opened.
    bytes_before: u64,
}

impl ProgramDirector {
    pub(crate) fn new(parts: DirectorParts) -> ProgramDirector {
        let now = Instant::now();
        let channels = parts
            .schedule
            .channels()
            .iter()
            .map(|info| Channel {
                info: info.clone(),
                manager: ChannelManager::new(parts.linger),
                control: None,
                run: None,
                bytes_before: 0,
            })
            .collect();
        ProgramDirector {
            parts,
            channels,
            server: None,
            server_failed_at: None,
            began: now,
            progress_at: now + PROGRESS_EVERY,
            stop_by: None,
        }
    }

    /// Runs until [`Note::Stop`] and the end of all sessions.
    pub(crate) fn run(mut self) {
        self.keep_server();
        let mut events = Events::with_capacity(MAX_SESSIONS * 2);
        loop {
            let wait = self.wait(Instant::now());
            if let Err(error) = self.parts.poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the director cannot wait for its sockets");
                std::thread::sleep(Duration::from_millis(100));
            }
            for event in &events {
                if event.token() != WAKER {
                    self.listen_to(event.token().0 - 1);
                }
            }
            self.take_notes();
            self.tick();
            for (channel, status) in self.channels.iter().zip(&self.parts.status.channels) {
                show(channel, status);
            }
            let idle = self.channels.iter().all(|channel| channel.manager.phase() == Phase::Idle);
            if let Some(by) = self.stop_by
                && (idle || Instant::now() >= by)
            {
                (0..self.channels.len()).for_each(|index| self.end_run(index));
                return;
            }
        }
    }

    fn now(&self) -> Now {
        Now { utc: (self.parts.clock)(), mono: self.began.elapsed() }
    }

    fn wait(&self, instant: Instant) -> Duration {
        let now = self.now();
        let live = self.channels.iter().any(|channel| channel.control.is_some());
        let deadlines = self.channels.iter().filter_map(|channel| channel.manager.deadline(now));
        let due = deadlines.min().map(|due| due.saturating_sub(now.mono));
        let progress = live.then(|| self.progress_at.saturating_duration_since(instant));
        let stop = self.stop_by.map(|by| by.saturating_duration_since(instant));
        // Once a second without anything to do: a server that died is noticed and started anew.
        [due, progress, stop].into_iter().flatten().min().unwrap_or(PROGRESS_EVERY).min(PROGRESS_EVERY)
    }

    /// Hears what a session's control connection has to say.
    fn listen_to(&mut self, index: usize) {
        let Some(channel) = self.channels.get_mut(index) else { return };
        let Some(control) = &mut channel.control else { return };
        let session = control.session();
        let news = control.listen();
        if let Some(pid) = control.pid() {
            self.parts.status.channels[index].air_pid.store(pid, Relaxed);
        }
        let now = (self.parts.clock)();
        if let Some(run) = &mut channel.run {
            for entry in news.iter().flat_map(|news| run.heard(news, now)) {
                self.parts.recording.tell(entry);
            }
        }
        for news in news {
            self.tell(index, Input::Session(session, news));
        }
    }

    fn take_notes(&mut self) {
        for _ in 0..NOTES_A_TURN {
            match self.parts.notes.try_recv() {
                Ok(Note::Viewers { channel, count }) => self.tell(channel, Input::Viewers(count)),
                Ok(Note::OutputClosed { channel, session, counters }) => {
                    self.tell(channel, Input::Session(session, News::OutputClosed(counters)));
                }
                Ok(Note::Metrics { channel, answer }) => {
                    let control = self.channels.get_mut(channel).and_then(|c| c.control.as_mut());
                    if let Some(control) = control {
                        control.ask_metrics(answer);
                    }
                }
                Ok(Note::Stop) => {
                    self.stop_by.get_or_insert_with(|| Instant::now() + STOP_LIMIT);
                    for index in 0..self.channels.len() {
                        self.tell(index, Input::Retire);
                    }
                }
                Err(_) => return,
            }
        }
    }

    fn tick(&mut self) {
        let instant = Instant::now();
        if instant >= self.progress_at {
            self.progress_at = instant + PROGRESS_EVERY;
            self.watch_progress();
            if self.stop_by.is_none() {
                self.keep_server();
            }
        }
        let now = self.now();
        for index in 0..self.channels.len() {
            if self.channels[index].manager.deadline(now).is_some_and(|due| due <= now.mono) {
                self.with_manager(index, |manager, now, planner| manager.tick(now, planner));
                self.carry_out(index);
            }
        }
    }

    fn watch_progress(&mut self) {
        for index in 0..self.channels.len() {
            let channel = &self.channels[index];
            if let Some(control) = &channel.control {
                let session = control.session();
                let bytes = self.parts.status.channels[index].bytes_in.load(Relaxed);
                let bytes = bytes.saturating_sub(channel.bytes_before);
                self.tell(index, Input::Session(session, News::Progress(bytes)));
            }
        }
    }

    fn tell(&mut self, index: usize, input: Input) {
        if index >= self.channels.len() {
            return;
        }
        self.with_manager(index, |manager, now, planner| manager.handle(input, now, planner));
        self.carry_out(index);
    }

    fn with_manager(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut ChannelManager, Now, super::channel::Planner<'_>),
    ) {
        let now = self.now();
        let channel = &mut self.channels[index];
        let (schedule, slug) = (&self.parts.schedule, &channel.info.id);
        act(&mut channel.manager, now, &|instant, avoid| schedule.block_at(slug, instant, avoid));
    }

    /// Does what the manager wants, and tells it at once what went wrong.
    fn carry_out(&mut self, index: usize) {
        while let Some(action) = self.channels[index].manager.next_action() {
            let (session, outcome) = match action {
                Action::Open { session, blocks, join_utc_ms, resume } => {
                    (session, self.open(index, session, &blocks, join_utc_ms, resume))
                }
                Action::Feed { session, block } => {
                    let feed = message::FeedBlockPlan { block: Some(self.with_events(index, &block)) };
                    let request = message::core_message::Request::FeedBlockPlan(feed);
                    let asked = self.ask(index, Asked::Feed, request).map_err(News::LinkClosed);
                    if asked.is_ok() {
                        self.record_fed(index, &block);
                    }
                    (session, asked)
                }
                Action::Stop { session } => {
                    if let Some(run) = &mut self.channels[index].run {
                        run.stop_asked();
                    }
                    let request = message::core_message::Request::StopSession(message::StopSession {});
                    (session, self.ask(index, Asked::Stop, request).map_err(News::LinkClosed))
                }
                Action::Abandon { session, kill } => (session, self.abandon(index, session, kill)),
            };
            if let Err(news) = outcome {
                let input = Input::Session(session, news);
                self.with_manager(index, |manager, now, planner| manager.handle(input, now, planner));
            }
        }
    }

    /// The block with what the guide tells from its start on. Whatever the guide cannot say is left out:
    /// no block is kept off the air for it.
    fn with_events(&self, index: usize, block: &BlockPlan) -> message::BlockPlan {
        let Some(guide) = self.parts.guide else { return block.into() };
        let days = i64::from(guide.days).max(1);
        let from = block.start_utc_ms;
        let to = UtcMs(from.0.saturating_add(days * 86_400_000));
        let listing = self.parts.schedule.guide(&self.channels[index].info.id, from, to).unwrap_or_default();
        // Present and following alone where no schedule is told.
        let most = if guide.days == 0 { listing.len().min(2) } else { listing.len() };
        let events = crate::guide::events(&listing[..most]).iter().map(Into::into).collect();
        message::BlockPlan { events, ..block.into() }
    }

    fn guide_of(&self, index: usize, now: UtcMs) -> Option<message::EventGuide> {
        let GuideOnAir { days, country } = self.parts.guide?;
        let zone = self.parts.schedule.zone(&self.channels[index].info.id);
        let local_time =
            zone.zip(country).and_then(|(zone, country)| crate::guide::local_time(&zone, country, now));
        Some(message::EventGuide {
            schedule_days: u32::from(days),
            country: country.map(|code| String::from_utf8_lossy(&code).into_owned()).unwrap_or_default(),
            local_times: local_time.into_iter().collect(),
        })
    }

    fn ask(
        &mut self,
        index: usize,
        asked: Asked,
        request: message::core_message::Request,
    ) -> Result<(), String> {
        match &mut self.channels[index].control {
            Some(control) => control.ask(asked, request),
            None => Err("there is no connection".to_owned()),
        }
    }

    fn open(
        &mut self,
        index: usize,
        session: SessionId,
        blocks: &[retrovue_proto::plan::BlockPlan; 2],
        join: UtcMs,
        resume: Option<Vec<PidCounter>>,
    ) -> Result<(), News> {
        let status = &self.parts.status.channels[index];
        self.channels[index].bytes_before = status.bytes_in.load(Relaxed);
        status.sessions.fetch_add(1, Relaxed);
        self.try_open(index, session, blocks, join, resume).map_err(News::OpenFailed)
    }

    fn try_open(
        &mut self,
        index: usize,
        session: SessionId,
        blocks: &[retrovue_proto::plan::BlockPlan; 2],
        join: UtcMs,
        resume: Option<Vec<PidCounter>>,
    ) -> Result<(), String> {
        if self.channels.iter().filter(|channel| channel.control.is_some()).count() >= MAX_SESSIONS {
            return Err(format!("{MAX_SESSIONS} channels are on the air already, which is the most"));
        }
        self.ensure_server()?;
        let Some(server) = &self.server else { return Err("there is no AIR server".to_owned()) };
        let output = self.output_path(index, session);
        let listener = UnixListener::bind(&output)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| format!("cannot listen on {}: {error}", output.display()))?;
        let first_block = blocks[0].block_id.clone();
        let guide = self.guide_of(index, join);
        let plans = blocks;
        let blocks = blocks.iter().map(|block| self.with_events(index, block)).collect();
        if !self.parts.front.send(FrontCommand::Open { channel: index, session, listener }) {
            return Err("the front does not answer".to_owned());
        }
        let token = Token(index + 1);
        let mut control = Control::connect(session, server.socket(), self.parts.poll.registry(), token)?;
        let channel = &mut self.channels[index];
        use message::core_message::Request;
        control.ask(
            Asked::Hello,
            Request::Hello(message::Hello {
                protocol_version: retrovue_proto::PROTOCOL_VERSION,
                peer: concat!("retrovue ", env!("CARGO_PKG_VERSION")).to_owned(),
            }),
        )?;
        let socket_path = output.to_str().ok_or("the runtime folder's name is not UTF-8")?.to_owned();
        control.ask(Asked::Attach, Request::AttachStream(message::AttachStream { socket_path }))?;
        let resume = resume.map(|counters| message::Resume {
            discontinuity: true,
            continuity: counters
                .iter()
                .map(|counter| message::PidContinuity {
                    pid: u32::from(counter.pid),
                    last_counter: u32::from(counter.last),
                })
                .collect(),
        });
        control.ask(
            Asked::Start,
            Request::StartBlockPlanSession(message::StartBlockPlanSession {
                format: Some(self.parts.schedule.format().into()),
                blocks,
                join_utc_ms: join.0,
                service: Some(message::ServiceNames {
                    service_name: channel.info.name.clone(),
                    provider_name: self.parts.station.clone(),
                    guide,
                }),
                resume,
                asset_folders: self.parts.asset_folders.list(),
            }),
        )?;
        tracing::info!(channel = channel.info.id, session = session.0, block = first_block, "tuning in");
        channel.control = Some(control);
        self.begin_run(index, plans, join);
        Ok(())
    }

    /// From here on what the session sends is recorded.
    fn begin_run(&mut self, index: usize, plans: &[BlockPlan; 2], join: UtcMs) {
        let format = self.parts.schedule.format();
        let rate = FrameRate::new(i64::from(format.fps_num), i64::from(format.fps_den));
        // AIR refuses a session without a frame rate.
        let (true, Ok(rate)) = (self.parts.recording.is_on(), rate) else { return };
        let channel = &mut self.channels[index];
        channel.run = Some(SessionRun::new(channel.info.channel_id, rate, plans[0].start_utc_ms, join));
        plans.iter().for_each(|plan| self.record_fed(index, plan));
    }

    /// The playout log gets a block when AIR does.
    fn record_fed(&mut self, index: usize, plan: &BlockPlan) {
        let channel = &mut self.channels[index];
        let Some(run) = &mut channel.run else { return };
        let listing = self.parts.schedule.guide(&channel.info.id, plan.start_utc_ms, plan.end_utc_ms);
        let title = listing.unwrap_or_default().into_iter().next().map(|event| event.title);
        let entry = run.fed(plan, title.unwrap_or_else(|| channel.info.name.clone()));
        self.parts.recording.tell(entry);
    }

    /// Nothing more is heard of the session.
    fn end_run(&mut self, index: usize) {
        if let Some(mut run) = self.channels[index].run.take() {
            let entries = run.given_up((self.parts.clock)());
            entries.into_iter().for_each(|entry| self.parts.recording.tell(entry));
        }
    }

    fn abandon(&mut self, index: usize, session: SessionId, kill: bool) -> Result<(), News> {
        self.parts.status.channels[index].air_pid.store(0, Relaxed);
        self.end_run(index);
        let control = self.channels[index].control.take();
        if let Some(control) = control {
            control.end(kill, self.parts.poll.registry());
        }
        let output = self.output_path(index, session);
        if let Err(error) = std::fs::remove_file(&output)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %output.display(), %error, "cannot remove a socket");
        }
        if self.parts.front.send(FrontCommand::Close { channel: index, session }) {
            return Ok(());
        }
        Err(News::OutputClosed(Vec::new()))
    }

    fn output_path(&self, index: usize, session: SessionId) -> PathBuf {
        self.parts.runtime_dir.join(format!("out-{index}-{session}"))
    }

    /// Has the AIR server ready for the next viewer, and says so once when it cannot be had.
    fn keep_server(&mut self) {
        let tried = self.server_failed_at.is_none_or(|at| at.elapsed() >= SERVER_AGAIN);
        if tried && let Err(error) = self.ensure_server() {
            tracing::error!("{error}");
        }
    }

    /// Starts the AIR server unless it runs.
    fn ensure_server(&mut self) -> Result<(), String> {
        if let Some(server) = &mut self.server {
            match server.try_wait() {
                Ok(None) => return Ok(()),
                Ok(Some(status)) => tracing::warn!("the AIR server ended ({status}); starting it anew"),
                Err(error) => tracing::warn!("the AIR server cannot be watched ({error}); starting it anew"),
            }
            self.server = None;
        }
        if self.server_failed_at.is_some_and(|at| at.elapsed() < SERVER_AGAIN) {
            return Err("the AIR server could not be started; the log above says why".to_owned());
        }
        let socket = self.parts.runtime_dir.join("air");
        match AirServer::spawn(Some(&self.parts.air_program), &socket) {
            Ok(server) => {
                self.server = Some(server);
                self.server_failed_at = None;
                Ok(())
            }
            Err(error) => {
                self.server_failed_at = Some(Instant::now());
                Err(format!("cannot start the AIR server: {error}"))
            }
        }
    }
}

fn show(channel: &Channel, status: &ChannelStatus) {
    status.set_phase(channel.manager.phase());
}
