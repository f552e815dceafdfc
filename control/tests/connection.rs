//! Both ends of a control connection over real sockets, in one process.

#![allow(clippy::unwrap_used)]

use mio::{Events, Poll, Token};
use proptest::prelude::*;
use retrovue_control::air_end::{AirEnd, AirInput, AirSender, SEND_QUEUE, SendError};
use retrovue_control::core_end::{LinkError, LinkEvent, MAX_EVENTS, SessionLink};
use retrovue_control::{ControlError, socket_path};
use retrovue_proto::PROTOCOL_VERSION;
use retrovue_proto::message::{
    Accepted, AirMessage, AttachStream, BlockEvent, CoreMessage, Failure, Hello, Reply, StopSession,
    air_message, core_message::Request, reply,
};
use retrovue_proto::wire::{FrameDecoder, MAX_FRAME_BYTES, WireError, encode_frame};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

const SOON: Option<Duration> = Some(Duration::from_secs(5));

fn hello(version: u32) -> Request {
    Request::Hello(Hello { protocol_version: version, peer: "a test".into() })
}

fn stop() -> Request {
    Request::StopSession(StopSession {})
}

fn event(block_id: &str) -> AirMessage {
    let event = BlockEvent { block_id: block_id.into(), ..Default::default() };
    AirMessage { message: Some(air_message::Message::BlockEvent(event)) }
}

fn accepted(request_id: u64) -> AirMessage {
    let outcome = Some(reply::Outcome::Accepted(Accepted {}));
    AirMessage { message: Some(air_message::Message::Reply(Reply { request_id, outcome })) }
}

/// Core as a plain blocking socket.
struct PlainCore {
    socket: UnixStream,
    decoder: FrameDecoder,
    unread: Vec<u8>,
}

impl PlainCore {
    fn send(&mut self, request_id: u64, request: Request) {
        let mut bytes = Vec::new();
        encode_frame(&CoreMessage { request_id, request: Some(request) }, &mut bytes).unwrap();
        self.socket.write_all(&bytes).unwrap();
    }

    /// The next message; `None` once the connection is closed.
    fn receive(&mut self) -> Option<air_message::Message> {
        loop {
            let mut rest = self.unread.as_slice();
            let message = self.decoder.feed_message::<AirMessage>(&mut rest).unwrap();
            self.unread = rest.to_vec();
            if let Some(message) = message {
                return message.message;
            }
            let mut chunk = [0; 4096];
            match self.socket.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => self.unread.extend(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(self.decoder.finish(), Ok(()));
        None
    }
}

fn connection() -> (PlainCore, AirEnd, AirSender) {
    let (socket, air) = UnixStream::pair().unwrap();
    socket.set_read_timeout(SOON).unwrap();
    let (end, sender) = AirEnd::new(air).unwrap();
    (PlainCore { socket, decoder: FrameDecoder::new(), unread: Vec::new() }, end, sender)
}

fn greeted() -> (PlainCore, AirEnd, AirSender) {
    let (mut core, mut end, sender) = connection();
    core.send(1, hello(PROTOCOL_VERSION));
    assert_eq!(end.next(Some(Duration::from_millis(1))).unwrap(), AirInput::Timeout);
    assert!(matches!(core.receive(), Some(air_message::Message::Reply(_))));
    (core, end, sender)
}

fn failure_of(message: Option<air_message::Message>) -> Failure {
    match message {
        Some(air_message::Message::Reply(Reply {
            outcome: Some(reply::Outcome::Rejected(failure)), ..
        })) => failure,
        Some(air_message::Message::SessionEnded(ended)) => ended.reason.unwrap(),
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn hello_is_answered_and_requests_are_handed_on() {
    let (mut core, mut end, _sender) = connection();
    core.send(1, hello(PROTOCOL_VERSION));
    core.send(2, stop());
    let AirInput::Request(request) = end.next(SOON).unwrap() else { panic!("no request") };
    assert_eq!(request, CoreMessage { request_id: 2, request: Some(stop()) });
    // The answer leaves with the next turn, not with Core's next word.
    assert_eq!(end.next(Some(Duration::ZERO)).unwrap(), AirInput::Timeout);
    let Some(air_message::Message::Reply(Reply { request_id: 1, outcome })) = core.receive() else {
        panic!("no reply to Hello")
    };
    let Some(reply::Outcome::Hello(answer)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.protocol_version, answer.pid), (PROTOCOL_VERSION, std::process::id()));
    assert!(answer.peer.starts_with("retrovue-air "), "{}", answer.peer);
    drop(core);
    assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
    assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
}

#[test]
fn versions_that_differ_are_refused_with_both() {
    for version in [0, PROTOCOL_VERSION + 1, u32::MAX] {
        let (mut core, mut end, _sender) = connection();
        core.send(1, hello(version));
        let error = end.next(SOON).unwrap_err();
        assert!(
            matches!(error, ControlError::VersionMismatch { core, air: PROTOCOL_VERSION } if core == version)
        );
        let failure = failure_of(core.receive());
        assert_eq!(failure.code, "VERSION_MISMATCH");
        let both = [format!("version {version},"), format!("speaks {PROTOCOL_VERSION};")];
        assert!(both.iter().all(|part| failure.detail.contains(part)), "{}", failure.detail);
        assert_eq!(core.receive(), None);
        assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
    }
}

#[test]
fn a_conversation_out_of_order_is_refused_and_closed() {
    let now = || hello(PROTOCOL_VERSION);
    let cases: [(Vec<(u64, Request)>, &str); 5] = [
        (vec![(1, stop())], "before Hello"),
        (vec![(1, now()), (2, now())], "second Hello"),
        (vec![(1, now()), (1, stop())], "request_id 1 came after 1"),
        (vec![(7, now()), (9, stop()), (8, stop())], "request_id 8 came after 9"),
        (vec![(5, now()), (0, stop())], "request_id 0 came after 5"),
    ];
    for (messages, fault) in cases {
        let (mut core, mut end, _sender) = connection();
        for (id, request) in messages {
            core.send(id, request);
        }
        let error = loop {
            match end.next(SOON) {
                Ok(AirInput::Request(_)) => {}
                Ok(other) => panic!("{fault}: {other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(&error, ControlError::Protocol(text) if text.contains(fault)), "{error}");
        let last = std::iter::from_fn(|| core.receive()).last();
        let failure = failure_of(last);
        assert_eq!(failure.code, "PROTOCOL_ERROR");
        assert!(failure.detail.contains(fault), "{}", failure.detail);
        assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
    }
}

#[test]
fn bytes_that_are_no_frames_end_the_session_with_the_fault() {
    let no_message = [0, 0, 0, 2, 0x12, 100];
    let cases: [(&[u8], &str); 3] = [
        (&no_message, "2 bytes is no CoreMessage"),
        (b"GET / HTTP/1.1\r\n", "a frame of 1195725856 bytes"),
        (&[0xff; 64], "a frame of 4294967295 bytes"),
    ];
    for (bytes, fault) in cases {
        let (mut core, mut end, _sender) = greeted();
        core.socket.write_all(bytes).unwrap();
        let error = end.next(SOON).unwrap_err();
        assert!(matches!(error, ControlError::Wire(_)), "{error}");
        let failure = failure_of(core.receive());
        assert_eq!(failure.code, "PROTOCOL_ERROR");
        assert!(failure.detail.contains(fault), "{}", failure.detail);
        assert_eq!(core.receive(), None);
        assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
    }
}

#[test]
fn half_a_frame_and_a_close_is_told_from_a_close() {
    let (mut core, mut end, _sender) = greeted();
    core.socket.write_all(&[0, 0, 0, 9, 8, 2]).unwrap();
    assert_eq!(end.next(Some(Duration::from_millis(1))).unwrap(), AirInput::Timeout);
    core.socket.shutdown(Shutdown::Write).unwrap();
    let error = end.next(SOON).unwrap_err();
    assert!(matches!(error, ControlError::Wire(WireError::Truncated { have: 6, want: 13 })), "{error}");
    assert_eq!(failure_of(core.receive()).code, "PROTOCOL_ERROR");
    assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
}

#[test]
fn a_request_of_an_unknown_kind_is_handed_on() {
    let (mut core, mut end, _sender) = greeted();
    core.socket.write_all(&[0, 0, 0, 6, 0x08, 2, 0xa2, 0x06, 1, b'?']).unwrap();
    assert_eq!(end.next(SOON).unwrap(), AirInput::Request(CoreMessage { request_id: 2, request: None }));
}

#[test]
fn a_timeout_is_kept() {
    let (_core, mut end, _sender) = greeted();
    for span in [Duration::ZERO, Duration::from_millis(30)] {
        let began = Instant::now();
        assert_eq!(end.next(Some(span)).unwrap(), AirInput::Timeout);
        assert!(began.elapsed() >= span);
    }
}

#[test]
fn a_message_from_another_thread_leaves_while_the_end_waits() {
    let (mut core, mut end, sender) = greeted();
    let waiting = std::thread::spawn(move || end.next(SOON).unwrap());
    // Wherever the thread stands by now, in its wait or before it, the message must leave.
    for n in 0..50 {
        sender.try_send(event(&n.to_string())).unwrap();
        assert_eq!(core.receive(), event(&n.to_string()).message);
    }
    drop(core);
    assert_eq!(waiting.join().unwrap(), AirInput::Closed);
    assert_eq!(sender.try_send(event("late")), Err(SendError::Closed));
}

#[test]
fn a_core_that_does_not_read_fills_bounded_queues_and_loses_nothing() {
    let (mut core, mut end, sender) = greeted();
    let id = |n: usize| format!("{n:05}{}", "x".repeat(1000));
    let mut sent = 0;
    let refused = loop {
        match sender.try_send(event(&id(sent))) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        // What the queue, the outgoing bytes and the socket's own buffer hold at most.
        assert!(sent < 2000, "unbounded");
        if sent % 10 == 0 {
            let began = Instant::now();
            assert_eq!(end.next(Some(Duration::ZERO)).unwrap(), AirInput::Timeout);
            assert!(began.elapsed() < Duration::from_millis(500), "the full socket held up the end");
        }
    };
    assert_eq!(refused, SendError::Full(Box::new(event(&id(sent)))));
    assert!(sent > SEND_QUEUE);
    let pumping = std::thread::spawn(move || (end.next(SOON).unwrap(), end));
    for n in 0..sent {
        assert_eq!(core.receive(), event(&id(n)).message, "event {n}");
    }
    sender.try_send(event("there is room again")).unwrap();
    assert_eq!(core.receive(), event("there is room again").message);
    drop(core);
    assert_eq!(pumping.join().unwrap().0, AirInput::Closed);
}

#[test]
fn last_words_to_a_core_that_does_not_read_take_bounded_time() {
    let (mut core, mut end, sender) = greeted();
    while sender.try_send(event(&"x".repeat(4000))).is_ok() {
        end.next(Some(Duration::ZERO)).unwrap();
    }
    core.socket.write_all(&[0xff; 4]).unwrap();
    let began = Instant::now();
    assert!(matches!(end.next(SOON), Err(ControlError::Wire(_))));
    assert!(began.elapsed() < Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn junk_ends_a_connection_or_waits_for_more(
        mut bytes in prop::collection::vec(any::<u8>(), 0..600),
        framed: bool,
    ) {
        if framed {
            let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes.splice(0..0, length);
        }
        let (mut core, mut end, _sender) = greeted();
        core.socket.write_all(&bytes).unwrap();
        core.socket.shutdown(Shutdown::Write).unwrap();
        for _ in 0..=bytes.len() {
            match end.next(SOON) {
                Ok(AirInput::Request(_)) => {}
                Ok(AirInput::Timeout) => panic!("hangs"),
                Ok(AirInput::Closed) | Err(_) => break,
            }
        }
        prop_assert_eq!(end.next(SOON).unwrap(), AirInput::Closed);
    }
}

/// A place where AIR listens.
struct Place {
    listener: UnixListener,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("air");
    Place { listener: UnixListener::bind(&path).unwrap(), path, _dir: dir }
}

/// Turns of the loop until `done`, each with the events of link `n`.
fn turn(
    poll: &mut Poll,
    links: &mut [SessionLink],
    mut heard: impl FnMut(usize, Result<Vec<LinkEvent>, LinkError>) -> bool,
) {
    let (mut events, began) = (Events::with_capacity(64), Instant::now());
    loop {
        poll.poll(&mut events, Some(Duration::from_secs(1))).unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "nothing more came");
        for event in &events {
            let Token(n) = event.token();
            let result = links[n].on_ready();
            if heard(n, result) {
                return;
            }
        }
    }
}

fn link(place: &Place, poll: &Poll, n: usize) -> (SessionLink, UnixStream) {
    let mut link = SessionLink::connect(&place.path).unwrap();
    link.register(poll.registry(), Token(n)).unwrap();
    (link, place.listener.accept().unwrap().0)
}

#[test]
fn many_links_share_one_loop() {
    const LINKS: usize = 8;
    let (place, mut poll) = (place(), Poll::new().unwrap());
    let mut links = Vec::new();
    let mut sessions = Vec::new();
    for n in 0..LINKS {
        let (mut link, socket) = link(&place, &poll, n);
        assert_eq!(link.request(hello(PROTOCOL_VERSION)).unwrap(), 1);
        assert_eq!(
            link.request(Request::AttachStream(AttachStream { socket_path: n.to_string() })).unwrap(),
            2
        );
        links.push(link);
        sessions.push(std::thread::spawn(move || {
            let (mut end, sender) = AirEnd::new(socket).unwrap();
            while let AirInput::Request(request) = end.next(SOON).unwrap() {
                let Some(Request::AttachStream(attach)) = request.request else { panic!("{request:?}") };
                sender.try_send(event(&attach.socket_path)).unwrap();
                sender.try_send(accepted(request.request_id)).unwrap();
            }
        }));
    }
    let mut heard: Vec<Vec<AirMessage>> = vec![Vec::new(); LINKS];
    turn(&mut poll, &mut links, |n, events| {
        for event in events.unwrap() {
            let LinkEvent::Message(message) = event else { panic!("{event:?}") };
            heard[n].push(message);
        }
        heard.iter().all(|messages| messages.len() >= 3)
    });
    for (n, messages) in heard.iter().enumerate() {
        assert!(matches!(&messages[0].message, Some(air_message::Message::Reply(r)) if r.request_id == 1));
        assert_eq!(messages[1..], [event(&n.to_string()), accepted(2)]);
    }
    drop(links);
    for session in sessions {
        session.join().unwrap();
    }
}

#[test]
fn a_burst_is_given_out_in_bounded_turns_without_a_further_word() {
    let (place, mut poll) = (place(), Poll::new().unwrap());
    let (link, mut air) = link(&place, &poll, 0);
    let mut bytes = Vec::new();
    let count = 3 * MAX_EVENTS + 5;
    for n in 0..count {
        encode_frame(&event(&n.to_string()), &mut bytes).unwrap();
    }
    air.write_all(&bytes).unwrap();
    drop(air);
    let (mut heard, mut turns) = (Vec::new(), 0);
    turn(&mut poll, &mut [link], |_, events| {
        let events = events.unwrap();
        assert!(events.len() <= MAX_EVENTS);
        turns += 1;
        heard.extend(events);
        heard.last() == Some(&LinkEvent::Closed)
    });
    let expected = (0..count).map(|n| LinkEvent::Message(event(&n.to_string()))).chain([LinkEvent::Closed]);
    assert_eq!(heard, expected.collect::<Vec<_>>());
    assert!(turns >= 4);
}

#[test]
fn what_came_before_a_fault_is_heard_before_it() {
    for (junk, expected) in [
        (&[0, 0, 0, 1, 0xff][..], "is no AirMessage"),
        (&[0x47, 0, 0, 0], "a frame of"),
        (&[0, 0, 0], "ended 3 bytes into a frame"),
    ] {
        let (place, mut poll) = (place(), Poll::new().unwrap());
        let (link, mut air) = link(&place, &poll, 0);
        let mut bytes = Vec::new();
        encode_frame(&event("good"), &mut bytes).unwrap();
        bytes.extend(junk);
        air.write_all(&bytes).unwrap();
        drop(air);
        let (mut good, mut links) = (0, [link]);
        turn(&mut poll, &mut links, |_, result| match result {
            Ok(events) => {
                good += events.iter().filter(|e| **e == LinkEvent::Message(event("good"))).count();
                false
            }
            Err(error) => {
                assert!(error.to_string().contains(expected), "{error}");
                true
            }
        });
        assert_eq!(good, 1);
        assert!(matches!(links[0].request(stop()), Err(LinkError::Closed)));
        assert!(links[0].on_ready().unwrap().is_empty());
    }
}

#[test]
fn a_session_that_does_not_read_makes_requests_fail_and_nothing_pile_up() {
    let (place, poll) = (place(), Poll::new().unwrap());
    let (mut link, mut air) = link(&place, &poll, 0);
    let attach = || Request::AttachStream(AttachStream { socket_path: "x".repeat(500_000) });
    let mut sent = 0u64;
    let queued = loop {
        match link.request(attach()) {
            Ok(id) => {
                sent += 1;
                assert_eq!(id, sent);
                assert!(sent < 100, "unbounded");
            }
            Err(LinkError::Full { queued }) => break queued,
            Err(other) => panic!("{other}"),
        }
    };
    assert!((MAX_FRAME_BYTES..MAX_FRAME_BYTES + 500_100).contains(&queued), "{queued}");
    // Once it reads again, everything arrives whole and in order, and requests are taken again.
    let reader = std::thread::spawn(move || {
        let (mut decoder, mut chunk, mut ids) = (FrameDecoder::new(), vec![0; 1 << 16], Vec::new());
        loop {
            let count = air.read(&mut chunk).unwrap();
            let mut rest = &chunk[..count];
            while let Some(message) = decoder.feed_message::<CoreMessage>(&mut rest).unwrap() {
                ids.push(message.request_id);
            }
            if count == 0 {
                return ids;
            }
        }
    });
    let began = Instant::now();
    while let Err(error) = link.request(stop()) {
        assert!(
            matches!(error, LinkError::Full { .. }) && began.elapsed() < Duration::from_secs(5),
            "{error}"
        );
        assert!(link.on_ready().unwrap().is_empty());
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut poll = poll;
    let mut events = Events::with_capacity(4);
    while link.has_unsent() {
        poll.poll(&mut events, SOON).unwrap();
        assert!(link.on_ready().unwrap().is_empty());
    }
    drop(link);
    assert_eq!(reader.join().unwrap(), (1..=sent + 1).collect::<Vec<_>>());
}

#[test]
fn a_request_longer_than_a_frame_is_refused_and_the_link_stays() {
    let (place, poll) = (place(), Poll::new().unwrap());
    let (mut link, _air) = link(&place, &poll, 0);
    let long = Request::AttachStream(AttachStream { socket_path: "x".repeat(MAX_FRAME_BYTES) });
    assert!(matches!(link.request(long), Err(LinkError::Wire(WireError::TooLong { .. }))));
    assert_eq!(link.request(stop()).unwrap(), 1);
}

#[test]
fn where_no_server_listens_is_told() {
    let place = place();
    let Place { listener, path, _dir } = place;
    drop(listener);
    let refused = SessionLink::connect(&path).unwrap_err();
    assert!(
        matches!(refused, LinkError::Connect { .. }) && refused.to_string().contains("/air"),
        "{refused}"
    );
    let long = path.with_file_name("s".repeat(socket_path::MAX_SOCKET_PATH));
    assert!(matches!(SessionLink::connect(&long), Err(LinkError::PathTooLong(_))));
}
