//! The reactor of the one public port: every client's socket and every session's output, on one thread.
//!
//! Streams are served here, from memory to socket; all else is refused here or relayed to pages and pictures, which
//! only ever see requests this thread has parsed and bounded. It waits for nobody: all sockets are
//! non-blocking, every loop is bounded, every queue has a limit. It decides nothing about sessions; the
//! director does, and hears from here who watches and which outputs have closed.

use super::client::{Client, Overdue, Stage, Then, Wish};
use super::exchange::{FrontCommand, Line, MAX_SESSIONS, Note};
use super::head::{Method, Request};
use super::outlet::{Drawn, Outlet, Output, Source};
use super::relay::{Behind, MAX_RELAYS, Relay};
use super::respond::{Refusal, STREAM_HEAD};
use super::status::StationStatus;
use super::viewer::{Turn, Viewer};
use crate::air::channel::{Phase, SessionId};
use crossbeam_channel::Receiver;
use mio::event::Event;
use mio::net::{TcpListener, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Connections at once; the process's limit of open files is raised to hold them.
pub(crate) const MAX_CLIENTS: usize = 1000;
/// Connections accepted in one turn, so that a flood of them leaves time for streams.
const ACCEPTS_A_TURN: usize = 64;
/// Commands taken in one turn.
const COMMANDS_A_TURN: usize = 64;
/// Deadlines of connections are looked at this often.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// After the system has refused a connection for want of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Token of the director's waker.
pub(crate) const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
/// Other tokens are `key * 4 + kind`, plus this.
const FIRST_KEY: usize = 4;
const CLIENT: usize = 0;
const UPSTREAM: usize = 1;
const OUTPUT: usize = 2;

/// What the front needs to know.
pub(crate) struct FrontParts {
    pub(crate) poll: Poll,
    pub(crate) listener: std::net::TcpListener,
    /// Slugs of the channels, in the order of the schedule.
    pub(crate) channels: Vec<String>,
    /// Where the pages listen.
    pub(crate) pages: PathBuf,
    /// Where the pictures listen.
    pub(crate) pictures: PathBuf,
    pub(crate) status: Arc<StationStatus>,
    pub(crate) director: Line<Note>,
    pub(crate) commands: Receiver<FrontCommand>,
}

/// The front, ready to run.
pub(crate) struct Front {
    poll: Poll,
    listener: TcpListener,
    channels: Vec<String>,
    pages: PathBuf,
    pictures: PathBuf,
    own_host: String,
    status: Arc<StationStatus>,
    director: Line<Note>,
    commands: Receiver<FrontCommand>,
    clients: Slab<Client>,
    outlets: Vec<Outlet>,
    /// Closed outputs the director's line had no room for: at most two for each session.
    untold: VecDeque<Note>,
    relays: Relays,
    /// Clients and outlets that have more to do without a socket's event.
    eager_clients: Vec<usize>,
    eager_outlets: Vec<usize>,
    accept_at: Option<Instant>,
    commands_left: bool,
    sweep_at: Instant,
    stopped: bool,
}

/// Responses that are passed on at this moment.
#[derive(Debug, Default)]
struct Relays {
    pages: usize,
    pictures: usize,
}

impl Relays {
    /// A client had one of `before` on its way, and has one of `after` now.
    fn note(&mut self, before: Option<Behind>, after: Option<Behind>) {
        for (behind, count) in [(Behind::Pages, &mut self.pages), (Behind::Pictures, &mut self.pictures)] {
            *count += usize::from(after == Some(behind));
            *count -= usize::from(before == Some(behind));
        }
    }
}

impl Front {
    /// Takes the port over.
    ///
    /// # Errors
    /// The reactor refused the listener.
    pub(crate) fn new(parts: FrontParts) -> io::Result<Front> {
        parts.listener.set_nonblocking(true)?;
        let own_host = parts.listener.local_addr()?.to_string();
        let mut listener = TcpListener::from_std(parts.listener);
        parts.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let outlets = parts.channels.iter().map(|_| Outlet::new()).collect();
        Ok(Front {
            poll: parts.poll,
            listener,
            channels: parts.channels,
            pages: parts.pages,
            pictures: parts.pictures,
            own_host,
            status: parts.status,
            director: parts.director,
            commands: parts.commands,
            clients: Slab::new(),
            outlets,
            untold: VecDeque::new(),
            relays: Relays::default(),
            eager_clients: Vec::new(),
            eager_outlets: Vec::new(),
            accept_at: None,
            commands_left: false,
            sweep_at: Instant::now() + SWEEP_EVERY,
            stopped: false,
        })
    }

    /// Serves until [`FrontCommand::Stop`].
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(512);
        while !self.stopped {
            let wait = self.wait(Instant::now());
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the front cannot wait for its sockets");
                std::thread::sleep(ACCEPT_AGAIN);
            }
            let now = Instant::now();
            for event in &events {
                self.dispatch(event, now);
            }
            self.go_on(now);
            self.take_commands(now);
            self.flush_due(now);
            self.sweep(now);
            self.tell_director();
        }
        let registry = self.poll.registry();
        for (_, client) in &mut self.clients {
            // Closing the descriptors is what counts; the reactor goes with them.
            let _ = registry.deregister(&mut client.socket);
        }
    }

    /// Time until something is due without a socket's event.
    fn wait(&self, now: Instant) -> Option<Duration> {
        if !self.eager_clients.is_empty() || !self.eager_outlets.is_empty() || self.commands_left {
            return Some(Duration::ZERO);
        }
        let idle = self.clients.is_empty() && self.untold.is_empty();
        let sweep = (!idle).then_some(self.sweep_at);
        let flush = self.outlets.iter().filter_map(Outlet::flush_at).min();
        let due = [sweep, flush, self.accept_at].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(now))
    }

    fn dispatch(&mut self, event: &Event, now: Instant) {
        match event.token() {
            WAKER => {}
            LISTENER => self.accept(now),
            Token(token) => {
                let (key, kind) = ((token - FIRST_KEY) / 4, (token - FIRST_KEY) % 4);
                match kind {
                    CLIENT | UPSTREAM => self.drive(key, now),
                    _ => self.draw(key, now),
                }
            }
        }
    }

    /// What an earlier turn left undone.
    fn go_on(&mut self, now: Instant) {
        if self.accept_at.is_some_and(|at| now >= at) {
            self.accept(now);
        }
        for key in std::mem::take(&mut self.eager_clients) {
            self.drive(key, now);
        }
        for channel in std::mem::take(&mut self.eager_outlets) {
            self.draw(channel, now);
        }
    }

    fn accept(&mut self, now: Instant) {
        self.accept_at = None;
        for _ in 0..ACCEPTS_A_TURN {
            match self.listener.accept() {
                Ok((mut socket, _)) => {
                    if self.clients.len() >= MAX_CLIENTS {
                        // One attempt: a client over the limit gets no place to wait in.
                        let _ = socket.write(&Refusal::TooManyConnections.response());
                        continue;
                    }
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    let entry = self.clients.vacant_entry();
                    let token = token(entry.key(), CLIENT);
                    let both = Interest::READABLE | Interest::WRITABLE;
                    match self.poll.registry().register(&mut socket, token, both) {
                        Ok(()) => {
                            entry.insert(Client::new(socket, now));
                        }
                        Err(error) => tracing::warn!(%error, "a connection was lost"),
                    }
                    self.status.connections.store(count(self.clients.len()), Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    self.accept_at = Some(now + ACCEPT_AGAIN);
                    return;
                }
            }
        }
        self.accept_at = Some(now);
    }

    /// Lets a client go on.
    fn drive(&mut self, key: usize, now: Instant) {
        loop {
            let Some(client) = self.clients.get_mut(key) else { return };
            let relayed = client.relaying();
            let wish = client.drive(now);
            self.relays.note(relayed, client.relaying());
            match wish {
                Wish::Wait => return,
                Wish::Close => return self.close(key),
                Wish::Answer(request) => self.answer(key, &request, now),
                Wish::Show { channel } => {
                    let viewer = Box::new(Viewer::new(now));
                    client.stage = Stage::Viewing { channel, viewer };
                    self.outlets[channel].viewers.push(key);
                    self.outlets[channel].untold = true;
                }
                Wish::Turn { channel } => return self.turn(key, channel, now),
            }
        }
    }

    fn answer(&mut self, key: usize, request: &Request, now: Instant) {
        let slug = request.path.strip_prefix("/channel/").and_then(|rest| rest.strip_suffix(".ts"));
        let outcome = match slug {
            Some(slug) => self.channel(slug).map(|channel| match request.method {
                Method::Get => Stage::sending(STREAM_HEAD.to_vec(), Then::Stream { channel }, now),
                Method::Head => Stage::sending(STREAM_HEAD.to_vec(), Then::Close, now),
            }),
            None => self.relay(key, request, now).map(|relay| Stage::Relaying(Box::new(relay))),
        };
        let stage = outcome.unwrap_or_else(|refusal| Stage::refusing(refusal, now));
        if let Some(client) = self.clients.get_mut(key) {
            client.stage = stage;
            self.relays.note(None, client.relaying());
        }
    }

    fn channel(&self, slug: &str) -> Result<usize, Refusal> {
        let channel = self.channels.iter().position(|known| known == slug).ok_or(Refusal::NoSuchChannel)?;
        let idle = self.status.channels[channel].phase() == Phase::Idle;
        if idle && self.status.busy_channels() >= MAX_SESSIONS {
            return Err(Refusal::TooManySessions);
        }
        Ok(channel)
    }

    fn relay(&self, key: usize, request: &Request, now: Instant) -> Result<Relay, Refusal> {
        let (count, socket) = match Behind::of(&request.path) {
            Behind::Pages => (self.relays.pages, &self.pages),
            Behind::Pictures => (self.relays.pictures, &self.pictures),
        };
        if count >= MAX_RELAYS {
            return Err(Refusal::TooManyConnections);
        }
        let connected = UnixStream::connect(socket).and_then(|mut upstream| {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut upstream, token(key, UPSTREAM), both)?;
            Ok(upstream)
        });
        match connected {
            Ok(upstream) => Ok(Relay::new(upstream, request, &self.own_host, now)),
            Err(error) => {
                tracing::warn!(%error, "the pages do not take a request");
                Err(Refusal::PagesFailed)
            }
        }
    }

    /// Gives one viewer a turn.
    fn turn(&mut self, key: usize, channel: usize, now: Instant) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let Stage::Viewing { viewer, .. } = &mut client.stage else { return };
        let (sent, jumps) = (viewer.sent(), viewer.jumps());
        let outcome = viewer.turn(&mut client.socket, &self.outlets[channel].ring, now);
        let status = &self.status.channels[channel];
        status.bytes_out.fetch_add(viewer.sent() - sent, Relaxed);
        status.moved.fetch_add(u64::from(viewer.jumps() - jumps), Relaxed);
        match outcome {
            Turn::Drained | Turn::Full => {}
            Turn::More => self.eager_clients.push(key),
            Turn::Gone => self.close(key),
        }
    }

    /// Takes in what a channel's output has, accepting its connection first.
    fn draw(&mut self, channel: usize, now: Instant) {
        let Some(outlet) = self.outlets.get_mut(channel) else { return };
        let Some(output) = &mut outlet.output else { return };
        if let Source::Awaited(listener) = &mut output.source {
            match connect_output(listener, self.poll.registry(), token(channel, OUTPUT)) {
                Ok(Some(stream)) => output.source = Source::Connected(stream),
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, session = output.session.0, "cannot take AIR's output");
                    return self.output_over(channel, "no connection", now);
                }
            }
        }
        let (taken, drawn) = outlet.draw(now);
        self.status.channels[channel].bytes_in.fetch_add(taken as u64, Relaxed);
        match drawn {
            Drawn::Dry => {}
            Drawn::More => self.eager_outlets.push(channel),
            Drawn::Over(reason) => self.output_over(channel, &reason, now),
        }
    }

    /// Closes a channel's output and tells the director what viewers hold.
    fn output_over(&mut self, channel: usize, reason: &str, now: Instant) {
        // Viewers first: the counters told must be those of bytes that are theirs.
        self.flush(channel, now);
        let outlet = &mut self.outlets[channel];
        let Some(session) = outlet.output.as_ref().map(|output| output.session) else { return };
        tracing::debug!(session = session.0, channel = self.channels[channel], reason, "output over");
        let counters = outlet.ring.counters();
        outlet.close_output();
        self.untold.push_back(Note::OutputClosed { channel, session, counters });
    }

    fn flush_due(&mut self, now: Instant) {
        for channel in 0..self.outlets.len() {
            if self.outlets[channel].flush_at().is_some_and(|at| now >= at) {
                self.flush(channel, now);
            }
        }
    }

    fn flush(&mut self, channel: usize, now: Instant) {
        self.outlets[channel].flushed(now);
        let mut place = 0;
        while let Some(&key) = self.outlets[channel].viewers.get(place) {
            self.turn(key, channel, now);
            // A viewer who turned out to be gone has left his place to the next.
            if self.outlets[channel].viewers.get(place) == Some(&key) {
                place += 1;
            }
        }
    }

    fn take_commands(&mut self, now: Instant) {
        self.commands_left = false;
        for _ in 0..COMMANDS_A_TURN {
            match self.commands.try_recv() {
                Ok(FrontCommand::Open { channel, session, listener }) => {
                    self.open_output(channel, session, listener, now);
                }
                Ok(FrontCommand::Close { channel, session }) => self.close_output(channel, session, now),
                Ok(FrontCommand::Stop) => {
                    self.stopped = true;
                    return;
                }
                Err(_) => return,
            }
        }
        self.commands_left = true;
    }

    fn open_output(
        &mut self,
        channel: usize,
        session: SessionId,
        listener: std::os::unix::net::UnixListener,
        now: Instant,
    ) {
        if self.outlets[channel].output.is_some() {
            self.output_over(channel, "replaced", now);
        }
        let mut listener = UnixListener::from_std(listener);
        let registered =
            self.poll.registry().register(&mut listener, token(channel, OUTPUT), Interest::READABLE);
        self.outlets[channel].output = Some(Output { session, source: Source::Awaited(listener) });
        match registered {
            // AIR may have connected before the listener came here.
            Ok(()) => self.draw(channel, now),
            Err(error) => {
                tracing::error!(%error, session = session.0, "cannot wait for AIR's output");
                self.output_over(channel, "not registered", now);
            }
        }
    }

    fn close_output(&mut self, channel: usize, session: SessionId, now: Instant) {
        let outlet = &mut self.outlets[channel];
        if outlet.output.as_ref().is_some_and(|output| output.session == session) {
            let taken = outlet.draw_last(now);
            self.status.channels[channel].bytes_in.fetch_add(taken as u64, Relaxed);
            self.output_over(channel, "closed by the director", now);
        } else {
            let counters = outlet.ring.counters();
            self.untold.push_back(Note::OutputClosed { channel, session, counters });
        }
    }

    /// Ends connections that have taken too long.
    fn sweep(&mut self, now: Instant) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now + SWEEP_EVERY;
        let keys: Vec<usize> = self.clients.iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(client) = self.clients.get_mut(key) else { continue };
            if let Stage::Viewing { channel, viewer } = &client.stage
                && viewer.has_stalled(&self.outlets[*channel].ring, now)
            {
                self.status.channels[*channel].dropped.fetch_add(1, Relaxed);
                self.close(key);
                continue;
            }
            let relayed = client.relaying();
            let overdue = client.overdue(now);
            self.relays.note(relayed, client.relaying());
            match overdue {
                Overdue::No => {}
                Overdue::Drive => self.drive(key, now),
                Overdue::Close => self.close(key),
            }
        }
    }

    fn close(&mut self, key: usize) {
        let Some(mut client) = self.clients.try_remove(key) else { return };
        let _ = self.poll.registry().deregister(&mut client.socket);
        if let Stage::Viewing { channel, .. } = &client.stage {
            self.outlets[*channel].leave(key);
        }
        self.relays.note(client.relaying(), None);
        self.status.connections.store(count(self.clients.len()), Relaxed);
    }

    /// Tells the director what it does not know; what finds no room is told later.
    fn tell_director(&mut self) {
        for (channel, outlet) in self.outlets.iter_mut().enumerate() {
            if outlet.untold {
                let viewers = count(outlet.viewers.len());
                self.status.channels[channel].viewers.store(viewers, Relaxed);
                let note = Note::Viewers { channel, count: viewers };
                outlet.untold = self.director.try_send(note).is_err();
                if outlet.untold {
                    return; // In this order only: who watches, then what has closed.
                }
            }
        }
        while let Some(note) = self.untold.pop_front() {
            if let Err(note) = self.director.try_send(note) {
                return self.untold.push_front(note);
            }
        }
    }
}

fn connect_output(
    listener: &mut UnixListener,
    registry: &Registry,
    token: Token,
) -> io::Result<Option<UnixStream>> {
    let (mut stream, _) = match listener.accept() {
        Ok(accepted) => accepted,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
        Err(error) => return Err(error),
    };
    registry.deregister(listener)?;
    registry.register(&mut stream, token, Interest::READABLE)?;
    Ok(Some(stream))
}

fn token(key: usize, kind: usize) -> Token {
    Token(FIRST_KEY + key * 4 + kind)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
