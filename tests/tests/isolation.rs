//! What a session's process has given up, and what goes on as before: real processes, judged by the kernel
//! and by what they can still do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_proto::message::block_event::Kind;
use retrovue_tests::air::{Air, Session, blocks};
use retrovue_tests::clip::plain;
use retrovue_tests::plan::{START, plan, sized};
use retrovue_tests::programs::{Signal, binary, run, signal};
use retrovue_tests::stream::check_continuous;
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder `media` with a clip and a link to one in `nas`, and a clip in `private`.
struct Farm {
    dir: tempfile::TempDir,
    inside: PathBuf,
    link: PathBuf,
    outside: PathBuf,
}

fn farm() -> Farm {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["media", "nas", "private"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let inside = plain("a.mp4", 2).make(&dir.path().join("media"));
    let real = dir.path().join("nas/b.mp4");
    std::fs::copy(&inside, &real).unwrap();
    let link = dir.path().join("media/link.mp4");
    symlink(&real, &link).unwrap();
    let outside = dir.path().join("private/secret.mp4");
    std::fs::copy(&inside, &outside).unwrap();
    Farm { dir, inside, link, outside }
}

impl Farm {
    fn folders(&self) -> Vec<String> {
        ["media", "nas"].map(|name| self.dir.path().join(name).to_string_lossy().into_owned()).to_vec()
    }

    /// A session that may read `media` and `nas`.
    fn session(&self, air: &Air) -> Session {
        let mut session = air.connect();
        session.asset_folders = self.folders();
        session
    }
}

/// `(NoNewPrivs, Seccomp)` of each thread of a process, with its name.
fn threads(pid: u64) -> Vec<(String, String, String)> {
    let field = |text: &str, name: &str| -> String {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{name} in {text}")).trim().to_owned()
    };
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap())
        .map(|text| (field(&text, "Name"), field(&text, "NoNewPrivs"), field(&text, "Seccomp")))
        .collect()
}

/// What the built `confined` says it could do, and its log.
fn confined(farm: &Farm, folders: &[String]) -> (Value, String) {
    let output = run(Command::new(binary("confined"))
        .arg(&farm.inside)
        .arg(&farm.outside)
        .arg(farm.dir.path().join("media/new"))
        .args(folders));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap(), log)
}

const OF_CALLS: [&str; 12] = [
    "connect over TCP",
    "bind a UDP port",
    "listen on TCP",
    "listen on a Unix socket",
    "accept a connection",
    "connect from a thread",
    "start a program",
    "signal the parent",
    "make a file",
    "write to an allowed file",
    "remove an allowed file",
    "rename an allowed file",
];

const STILL: [&str; 5] = [
    "read an allowed file",
    "list an allowed folder",
    "start a thread",
    "write to an open socket",
    "read from an open socket",
];

#[test]
fn a_confined_process_reads_assets_and_can_do_nothing_else() {
    let farm = farm();
    let (said, log) = confined(&farm, &farm.folders());
    let tried = |what: &str| said["tried"][what].as_str().unwrap_or_else(|| panic!("{what}: {said}"));
    for what in STILL {
        assert_eq!(tried(what), "done", "{what}: {said}\n{log}");
    }
    if said["confined"]["calls"] == true {
        for what in OF_CALLS.into_iter().chain(["change a file's mode"]) {
            assert_eq!(tried(what), "permission denied", "{what}: {said}\n{log}");
        }
        assert!(farm.inside.is_file() && !farm.dir.path().join("media/new").exists());
    } else {
        assert!(log.contains("seccomp: "), "what is missing is said: {log}");
        println!("skipped: refused calls, for this kernel has no seccomp filters");
    }
    if said["confined"]["files"] == true {
        assert_eq!(tried("read a forbidden file"), "permission denied", "{said}\n{log}");
    } else {
        assert!(log.contains("landlock: "), "what is missing is said: {log}");
        println!("skipped: the forbidden file, for this kernel has no landlock");
    }
}

#[test]
fn without_folders_only_reading_is_open_and_the_log_says_so() {
    let farm = farm();
    let (said, log) = confined(&farm, &[]);
    assert_eq!(said["tried"]["read a forbidden file"], "done", "{said}");
    assert!(log.contains("the session may read all files its user may"), "{log}");
    if said["confined"]["calls"] == true {
        for what in OF_CALLS {
            assert_eq!(said["tried"][what], "permission denied", "{what}: {said}");
        }
    }
}

#[test]
fn every_thread_of_a_session_is_confined_and_the_server_is_not() {
    let farm = farm();
    let air = Air::start(farm.dir.path());
    let cuts = [(farm.inside.as_path(), 0, 2000)];
    let plan = plan((30, 1), &[&cuts, &cuts]);
    let mut session = farm.session(&air);
    assert!(threads(session.pid).iter().all(|(_, _, seccomp)| seccomp == "0"), "nothing before the start");
    session.start(&plan, START).unwrap();
    session.await_events(Kind::Completed, 1);
    let of_session = threads(session.pid);
    for name in ["fill-a", "fill-b", "encode", "air", "report"] {
        assert!(of_session.iter().any(|(thread, ..)| thread == name), "{name}: {of_session:?}");
    }
    for thread in &of_session {
        assert_eq!((thread.1.as_str(), thread.2.as_str()), ("1", "2"), "{thread:?}");
    }
    for thread in threads(air.pid()) {
        assert_eq!((thread.1.as_str(), thread.2.as_str()), ("0", "0"), "{thread:?}");
    }
    // One connection is one session: its process has given up what another would need.
    let again = session.start(&plan, START).unwrap_err();
    assert_eq!(again.code, "PROTOCOL_ERROR", "{again:?}");
    session.stop().unwrap();
}

#[test]
fn a_session_plays_what_it_was_given_and_refuses_what_lies_outside() {
    let farm = farm();
    let air = Air::start(farm.dir.path());
    let (inside, link) = ([(farm.inside.as_path(), 0, 2000)], [(farm.link.as_path(), 0, 2000)]);
    let outside = [(farm.outside.as_path(), 0, 2000)];
    let whole = plan((30, 1), &[&inside, &link, &outside]);
    let after = blocks(&plan((30, 1), &[&inside, &link, &inside])).remove(2);
    let mut session = farm.session(&air);
    session.start(&whole, START).unwrap();
    session.await_events(Kind::Completed, 1);
    let refused = session.feed(blocks(&whole).remove(2)).unwrap_err();
    assert_eq!(refused.code, "ASSET_MISSING", "{refused:?}");
    for part in [&*farm.outside.to_string_lossy(), "outside the folders given to this session"] {
        assert!(refused.detail.contains(part), "{refused:?}");
    }
    assert_eq!(session.feed(after), Ok(()), "the session goes on");
    assert_eq!(session.await_end().reason.unwrap().code, "LOOKAHEAD_EXHAUSTED");
    assert_eq!(session.event_lines().iter().filter(|line| line.ends_with(" 60")).count(), 3);
    let path = farm.dir.path().join("seen.ts");
    std::fs::write(&path, session.viewed().bytes).unwrap();
    assert_eq!(check_continuous(&path, 3000), 180);

    // A session's first blocks are judged alike, and the link's real folder must be among those given.
    for (blocks, folders) in
        [([&inside, &outside], farm.folders()), ([&inside, &link], farm.folders()[..1].to_vec())]
    {
        let mut session = air.connect();
        session.asset_folders = folders;
        let refused = session.start(&plan((30, 1), &[blocks[0], blocks[1]]), START).unwrap_err();
        assert_eq!(refused.code, "ASSET_MISSING", "{refused:?}");
        assert!(refused.detail.contains("outside the folders given to this session"), "{refused:?}");
    }
}

#[test]
fn a_session_that_crashes_takes_only_itself() {
    let farm = farm();
    let air = Air::start(farm.dir.path());
    let cuts = [(farm.inside.as_path(), 0, 2000)];
    let plan = sized(plan((30, 1), &[&cuts, &cuts]), (320, 180));
    let (mut crashes, mut stays) = (farm.session(&air), farm.session(&air));
    crashes.start(&plan, START).unwrap();
    stays.start(&plan, START).unwrap();
    crashes.await_events(Kind::Started, 1);
    signal(crashes.pid, Signal::SEGV);
    let cut_off = crashes.viewed();
    assert!(!cut_off.bytes.is_empty());
    stays.await_events(Kind::Completed, 2);
    assert_eq!(stays.event_lines(), ["started B0", "completed B0 60", "started B1", "completed B1 60"]);
    assert_ne!(air.connect().pid, stays.pid, "the server takes new sessions");
}

/// A whole station: Core gives its media folders and where links in them lead, and its filler.
#[test]
fn a_station_names_the_real_folders_of_its_links() {
    let farm = farm();
    let dir: &Path = farm.dir.path();
    std::fs::remove_file(&farm.inside).unwrap();
    std::fs::create_dir(dir.join("media/show")).unwrap();
    std::fs::rename(&farm.link, dir.join("media/show/S01E01.mp4")).unwrap();
    let config = "station: Test\nmedia: [media]\nchannels: [one.yaml]\ndata_dir: data\nlinger_seconds: 1\n\
        format: {width: 320, height: 180, fps: 30, video_bitrate_kbps: 500, gop_frames: 30}\n";
    std::fs::write(dir.join("station.yaml"), config).unwrap();
    let channel = "channel: one\ngrid: 20s\ntemplate: premium_movie\nschedule:\n  \
        daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.show, mode: sequential}}\n";
    std::fs::write(dir.join("one.yaml"), channel).unwrap();
    let station = retrovue_tests::station::Station::start(dir);
    let (head, mut viewer) = retrovue_tests::viewer::get(&station.address, "/channel/one.ts");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let _ = viewer.tune_in(std::time::Duration::ZERO);
    let pid = station.channel()["air_pid"].as_u64().unwrap();
    for thread in threads(pid) {
        assert_eq!((thread.1.as_str(), thread.2.as_str()), ("1", "2"), "{thread:?}");
    }
    let log = std::fs::read_to_string(dir.join("station.log")).unwrap();
    assert!(!log.contains("no asset folders were given"), "Core gave its list: {log}");
    assert!(!log.contains("outside the folders"), "{log}");
}
