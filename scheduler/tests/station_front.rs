//! The front against clients of every kind, and the pages behind it.
#![allow(clippy::unwrap_used)]

mod station_support;

use retrovue_scheduler::station::{Station, StationError, StationOptions};
use station_support::{Setup, TestStation, fake_air};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// Does nothing here; it is what this binary runs as the stand-in for AIR.
#[test]
fn fake_air_process() {
    fake_air::process();
}

fn status(response: &str) -> &str {
    response.get(9..12).unwrap_or(response)
}

#[test]
fn pages() {
    let station = TestStation::start(Setup { channels: 3, ..Setup::default() });
    let home = station.get("/");
    assert_eq!(status(&home), "200");
    for part in
        ["Test &lt;Station&gt;", "Channel one &amp; &lt;friends&gt;", "Show &lt;one-", "/channel/three.ts"]
    {
        assert!(home.contains(part), "{part} is not in {home}");
    }
    assert!(!home.contains("<script"));
    let list = station.get("/channels.m3u");
    assert!(list.contains("#EXTM3U url-tvg=\"http://tv.lan:8409/guide.xml\""), "{list}");
    assert!(list.contains("\nhttp://tv.lan:8409/channel/two.ts\n"), "{list}");
    let guide = station.get("/guide.xml");
    assert!(guide.contains("<channel id=\"retrovue.3\">"), "{guide}");
    assert!(guide.contains("<title>Show &lt;two-"), "{guide}");
    assert!(list.contains("tvg-id=\"retrovue.3\""), "{list}");
    assert_eq!(status(&station.get("/healthz")), "200");
    assert_eq!(status(&station.get("/metrics/two")), "503");
    assert_eq!(status(&station.get("/metrics/nine")), "404");
    let channel = station.channel(1);
    assert_eq!(channel["id"], "two");
    assert_eq!(channel["number"], 2);
    assert_eq!(channel["on_air"], false);
    assert_eq!(channel["air_pid"], serde_json::Value::Null);
    let (now, next) = (&channel["now"], &channel["next"]);
    assert_eq!(now["end_utc_ms"], next["start_utc_ms"]);
    for page in [&home, &list] {
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.to_lowercase().contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(head.to_lowercase().contains("connection: close"), "{head}");
    }
    station.stop();
}

#[test]
fn refusals() {
    let station = TestStation::start(Setup::default());
    for (request, code) in [
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("GET /channel/nine.ts HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("GET /channel/../one.ts HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("GET /channel/one HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405"),
        ("DELETE /channel/one.ts HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: \"><script>\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("\x16\x03\x01 this is TLS \r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let response = station.exchange(request.as_bytes());
        assert_eq!(status(&response), code, "{request:?} gave {response:?}");
        assert!(response.contains("Content-Type: text/plain"), "{response}");
    }
    let huge = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    assert_eq!(status(&station.exchange(huge.as_bytes())), "431");
    let many: String = (0..150).map(|n| format!("X{n}: y\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert_eq!(status(&station.exchange(many.as_bytes())), "431");
    station.stop();
}

#[test]
fn head_requests_have_no_body_and_start_nothing() {
    let station = TestStation::start(Setup::default());
    let head = station.exchange(b"HEAD /channel/one.ts HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head:?}");
    assert!(head.contains("Content-Type: video/mp2t"));
    let page = station.exchange(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n"), "{page:?}");
    assert_eq!(station.channel(0)["sessions"], 0);
    station.stop();
}

#[test]
fn what_follows_a_request_is_not_answered() {
    let station = TestStation::start(Setup::default());
    let response = station.exchange(
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /channels.m3u HTTP/1.1\r\nHost: b\r\n\r\n\x00\xFFjunk",
    );
    assert!(response.ends_with("\r\n\r\nok\n"), "{response:?}");
    assert_eq!(response.matches("HTTP/1.1").count(), 1);
    station.stop();
}

#[test]
fn half_heads_and_silent_clients_stop_nobody() {
    let station = TestStation::start(Setup::default());
    let mut slow: Vec<TcpStream> =
        (0..150).map(|_| station.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-")).collect();
    slow.extend((0..50).map(|_| TcpStream::connect(station.address).unwrap()));
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(status(&station.get("/healthz")), "200");
        for socket in slow.iter_mut().take(150) {
            socket.write_all(b"y").unwrap();
        }
    }
    let mut viewer = station.tune("one");
    viewer.begins_well();
    assert!(began.elapsed() < Duration::from_secs(2), "slowed down: {:?}", began.elapsed());
    // A head in many pieces is a head all the same.
    let mut piecemeal = TcpStream::connect(station.address).unwrap();
    piecemeal.set_nodelay(true).unwrap();
    for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" {
        piecemeal.write_all(&[*byte]).unwrap();
    }
    let mut response = String::new();
    piecemeal.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("ok\n"));
    station.stop();
}

#[test]
fn a_full_house_turns_the_next_away() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum; // Both ends of every connection are in this process.
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let station = TestStation::start(Setup::default());
    let crowd: Vec<TcpStream> = (0..1000).map_while(|_| TcpStream::connect(station.address).ok()).collect();
    if crowd.len() < 1000 {
        return; // This machine gives a test too few files to fill the house.
    }
    let by = Instant::now() + Duration::from_secs(3);
    loop {
        let mut response = String::new();
        let mut socket = TcpStream::connect(station.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        if socket.read_to_string(&mut response).is_ok() && status(&response) == "503" {
            break;
        }
        assert!(Instant::now() < by, "no 503");
    }
    drop(crowd);
    let by = Instant::now() + Duration::from_secs(3);
    loop {
        let mut response = String::new();
        let mut socket = station.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        if socket.read_to_string(&mut response).is_ok() && status(&response) == "200" {
            break;
        }
        assert!(Instant::now() < by, "no room after the crowd has left: {response}");
    }
    station.stop();
}

#[test]
fn a_port_in_use_is_said_so() {
    let station = TestStation::start(Setup::default());
    let mut options = StationOptions::new("second", station.address.port());
    options.address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let refused = Station::start(options, std::sync::Arc::new(station_support::empty_grid()));
    let Err(error) = refused else { panic!("two stations on one port") };
    assert!(matches!(error, StationError::PortInUse { port } if port == station.address.port()));
    assert!(error.to_string().contains("--port"), "{error}");
    station.stop();
}
