//! Streams as viewers get them: tuning in, sharing, lingering, surviving the death of a session, and slow
//! viewers. Real sockets and processes; AIR is a protocol peer of the tests' own.
#![allow(clippy::unwrap_used)]

mod station_support;

use retrovue_scheduler::catalog::{AsRunOutcome, Catalog};
use retrovue_timebase::{Millis, UtcMs};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use station_support::packets::{PAT, VIDEO};
use station_support::{Setup, TestStation, fake_air};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Does nothing here; it is what this binary runs as the stand-in for AIR.
#[test]
fn fake_air_process() {
    fake_air::process();
}

fn process(pid: u64) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

#[test]
fn tuning_in_gives_tables_and_an_idr_first_and_viewers_share_a_session() {
    let station = TestStation::start(Setup::default());
    let began = Instant::now();
    let mut first = station.tune("one");
    for field in [
        "HTTP/1.1 200 OK\r\n",
        "Content-Type: video/mp2t\r\n",
        "Cache-Control: no-store\r\n",
        "Access-Control-Allow-Origin: *\r\n",
        "Connection: close\r\n",
    ] {
        assert!(first.head.contains(field), "{field} is not in {}", first.head);
    }
    assert!(!first.head.contains("Content-Length"));
    first.begins_well();
    assert!(began.elapsed() < Duration::from_millis(1500), "tuned in after {:?}", began.elapsed());
    let (pid, asset) = first.picture();
    assert!(asset == "/show.mp4" || asset == "/advert.mp4");

    std::thread::sleep(Duration::from_millis(700));
    let mut second = station.tune("one");
    second.begins_well();
    assert_eq!(second.picture().0, pid, "another session for the second viewer");
    for stream in [&mut first, &mut second] {
        for _ in 0..300 {
            let received = stream.next();
            assert!(!received.counter_leaps, "counter of {} leaps", received.pid());
        }
    }
    let json = station.channel(0);
    assert_eq!(json["viewers"], 2);
    assert_eq!(json["on_air"], true);
    assert_eq!(json["air_pid"], u64::from(pid));
    assert_eq!(json["sessions"], 1);
    station.stop();
}

#[test]
fn last_viewer_leaves_and_the_session_ends_after_the_linger() {
    let station = TestStation::start(Setup::default());
    let mut viewer = station.tune("one");
    let pid = viewer.picture().0;
    drop(viewer);
    station.wait_for(0, "the viewer's leave", |json| json["viewers"] == 0);
    // Back within the linger: the same session.
    let mut viewer = station.tune("one");
    viewer.begins_well();
    assert_eq!(viewer.picture().0, pid);
    drop(viewer);
    station.wait_for(0, "the end", |json| json["phase"] == "idle");
    assert_eq!(station.channel(0)["air_pid"], serde_json::Value::Null);
    let gone = Instant::now() + Duration::from_secs(1);
    // The stand-in collects its dead when the next one comes, so a zombie counts as ended.
    while test_kill_process(process(pid.into())).is_ok() && !is_zombie(pid) {
        assert!(Instant::now() < gone, "the process of the session lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
    // And the channel comes back as good as new.
    let mut viewer = station.tune("one");
    viewer.begins_well();
    assert_ne!(viewer.picture().0, pid);
    station.stop();
}

fn is_zombie(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

#[test]
fn a_killed_session_is_replaced_on_the_same_connections() {
    let station = TestStation::start(Setup::default());
    let mut viewers = [station.tune("one"), station.tune("one")];
    let pid = viewers[0].picture().0;
    viewers[1].picture();
    std::thread::sleep(Duration::from_millis(300));
    let killed = Instant::now();
    kill_process(process(pid.into()), Signal::KILL).unwrap();
    for viewer in &mut viewers {
        // Every packet PID by PID either follows the one before or says that it does not.
        let mut new_pid = None;
        let mut idr_after_seam = false;
        while new_pid.is_none() {
            let received = viewer.next();
            let packet = received.packet();
            assert!(
                !received.counter_leaps || packet.discontinuity_indicator(),
                "counter of {} leaps without a flag",
                received.pid()
            );
            idr_after_seam |= received.pid() == VIDEO && packet.discontinuity_indicator();
            new_pid = received.mark().map(|mark| mark.0).filter(|new| *new != pid);
        }
        assert!(idr_after_seam, "the seam is not flagged on the video");
    }
    assert!(killed.elapsed() < Duration::from_millis(1000), "back after {:?}", killed.elapsed());
    println!("from kill to the next picture at both viewers: {:?}", killed.elapsed());
    assert_eq!(station.channel(0)["sessions"], 2);
    assert_eq!(station.channel(0)["viewers"], 2);
    station.stop();
}

#[test]
fn an_asset_that_fails_is_replaced_for_the_rest_of_its_block() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = Some(dir.path().to_owned());
    let station =
        TestStation::start(Setup { show: "/rotten.mp4", block_ms: 400_000, data_dir, ..Setup::default() });
    let mut viewer = station.tune("one");
    let (_, asset) = viewer.picture();
    // Three quarters of the block are the rotten show, one quarter the advert.
    assert!(asset == "/filler.mp4" || asset == "/advert.mp4", "{asset}");
    let sessions = station.channel(0)["sessions"].as_u64().unwrap();
    assert_eq!(sessions, if asset == "/filler.mp4" { 2 } else { 1 });
    assert_eq!(station.channel(0)["on_air"], true);
    // Some frames' time comes.
    let until = Instant::now() + Duration::from_millis(120);
    while Instant::now() < until {
        viewer.picture();
    }
    station.stop();
    // The log has the failed one and the one in its place, the playout log what was sent at last.
    let catalog = Catalog::open(dir.path()).unwrap();
    let runs = catalog.as_run_with_segments(1, UtcMs(0), UtcMs(i64::MAX)).unwrap();
    let outcomes: Vec<AsRunOutcome> = runs.iter().map(|(run, _)| run.outcome).collect();
    let failed = (sessions == 2).then_some(AsRunOutcome::Failed);
    assert_eq!(outcomes, failed.into_iter().chain([AsRunOutcome::Cut]).collect::<Vec<_>>());
    let (cut, segments) = &runs[runs.len() - 1];
    assert_eq!(cut.detail, None, "the station was stopped in good order");
    assert_eq!(segments[0].asset_id.as_deref(), Some(asset.as_str()));
    let log = catalog.playlog(1, cut.from_ms, cut.from_ms.plus(Millis(1))).unwrap();
    let show = if sessions == 2 { "/filler.mp4" } else { "/rotten.mp4" };
    assert_eq!(log[0].segments[0].asset_id.as_deref(), Some(show));
    assert!(log[0].title.starts_with("Show"), "{}", log[0].title);
}

#[test]
fn blocks_follow_each_other_without_a_new_session() {
    let station = TestStation::start(Setup { block_ms: 400, ..Setup::default() });
    let mut viewer = station.tune("one");
    let pid = viewer.picture().0;
    let until = Instant::now() + Duration::from_millis(1_800);
    let mut assets = std::collections::BTreeSet::new();
    while Instant::now() < until {
        let (now, asset) = viewer.picture();
        assert_eq!(now, pid);
        assets.insert(asset);
    }
    assert_eq!(assets.len(), 2, "show and advert took turns: {assets:?}");
    assert_eq!(station.channel(0)["sessions"], 1);
    station.stop();
}

#[test]
fn a_dead_server_is_replaced() {
    let station = TestStation::start(Setup::default());
    let mut viewer = station.tune("one");
    let pid = viewer.picture().0;
    let server = station.air.server_pid();
    kill_process(Pid::from_raw(server).unwrap(), Signal::KILL).unwrap();
    kill_process(process(pid.into()), Signal::KILL).unwrap();
    let next = viewer.until(|received| received.mark().is_some_and(|mark| mark.0 != pid));
    assert_ne!(next.mark().unwrap().0, pid);
    assert_ne!(station.air.server_pid(), server);
    station.stop();
}

#[test]
fn a_slow_viewer_is_moved_forward_and_stalls_nobody() {
    // 10 MB/s: the ring is overtaken in less than a second.
    let station = TestStation::start(Setup { kbps: 80_000, ..Setup::default() });
    let mut fast = station.tune("one");
    fast.begins_well();
    let slow = TcpStream::connect(station.address).unwrap();
    rustix::net::sockopt::set_socket_recv_buffer_size(&slow, 32 * 1024).unwrap();
    (&slow).write_all(b"GET /channel/one.ts HTTP/1.1\r\nHost: tv\r\n\r\n").unwrap();
    let mut slow = station_support::packets::Stream::new(slow);
    slow.begins_well();

    let began = Instant::now();
    let mut longest = Duration::ZERO;
    let mut bytes = 0u64;
    let mut last = Instant::now();
    while began.elapsed() < Duration::from_millis(2_200) {
        let received = fast.next();
        assert!(!received.counter_leaps, "the fast viewer lost a packet");
        bytes += 188;
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    assert!(bytes > 12_000_000, "only {bytes} bytes in 2.2 s");
    assert!(longest < Duration::from_millis(500), "the fast viewer waited {longest:?}");

    // The slow one wakes up: what he gets is whole packets throughout, then the tables and an IDR.
    slow.socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let leap = slow.until(|received| received.counter_leaps);
    assert_eq!(leap.pid(), PAT, "after the leap comes something else than the PAT");
    let video = slow.until(|received| received.pid() == VIDEO);
    assert!(video.packet().random_access_indicator(), "after the leap comes no IDR");
    station.stop();
}

#[test]
fn two_hundred_viewers_at_once() {
    let station = TestStation::start(Setup { channels: 3, ..Setup::default() });
    let began = Instant::now();
    let sockets: Vec<TcpStream> = (0..200)
        .map(|n| {
            let channel = ["one", "two", "three"][n % 3];
            station.send(format!("GET /channel/{channel}.ts HTTP/1.1\r\nHost: tv\r\n\r\n").as_bytes())
        })
        .collect();
    let mut streams: Vec<_> = sockets.into_iter().map(station_support::packets::Stream::new).collect();
    for stream in &mut streams {
        stream.begins_well();
    }
    println!("200 viewers on three channels have a picture after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4));
    for stream in &mut streams {
        for _ in 0..50 {
            assert!(!stream.next().counter_leaps);
        }
    }
    let viewers: u64 = (0..3).map(|n| station.channel(n)["viewers"].as_u64().unwrap()).sum();
    assert_eq!(viewers, 200);
    drop(streams);
    station.wait_for(2, "an empty house", |json| json["viewers"] == 0 && json["phase"] == "idle");
    station.stop();
}

#[test]
fn stopping_takes_less_than_two_seconds_and_leaves_nothing() {
    let station = TestStation::start(Setup::default());
    let mut viewer = station.tune("one");
    let pid = viewer.picture().0;
    let began = Instant::now();
    station.stop();
    assert!(began.elapsed() < Duration::from_secs(2), "stopped after {:?}", began.elapsed());
    let mut rest = Vec::new();
    // The connection ends; how (FIN or RST) depends on what was under way.
    let _ = viewer.socket.read_to_end(&mut rest);
    assert!(test_kill_process(process(pid.into())).is_err() || is_zombie(pid));
}
