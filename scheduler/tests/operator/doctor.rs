//! `retrovue doctor` finds what is wrong with an installation, fault by fault.

use super::folder::{AIR, Folder, ONE, STATION, text};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, SystemTime};

/// What is said of one thing, the gravest first.
fn said<'a>(told: &'a Value, check: &str) -> Vec<(&'a str, &'a str)> {
    let all = told["checks"].as_array().unwrap();
    let mut found: Vec<(&str, &str)> = all
        .iter()
        .filter(|c| c["check"] == check)
        .map(|c| (c["level"].as_str().unwrap(), c["said"].as_str().unwrap()))
        .collect();
    found.sort_by_key(|(level, _)| ["fail", "warn", "ok"].iter().position(|l| l == level));
    found
}

/// Holds what a run found against one line of it; every line that is not ok says what to do.
fn expect(name: &str, output: &Output, check: &str, level: &str, part: &str) {
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{name}: {e}: {}", text(&output.stderr)));
    let found = said(&told, check);
    let Some((found_level, found_said)) = found.first() else { panic!("{name}: no {check}: {told:#}") };
    assert_eq!((*found_level, found_said.contains(part)), (level, true), "{name}: {part}: {told:#}");
    let checks = told["checks"].as_array().unwrap();
    let failed = checks.iter().any(|c| c["level"] == "fail");
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{name}");
    assert_eq!(told["ok"], !failed, "{name}");
    assert!(checks.iter().all(|c| c["level"] == "ok" || c["fix"].is_string()), "{name}: {told:#}");
}

fn found(folder: &Folder, name: &str, check: &str, level: &str, part: &str) {
    expect(name, &folder.run("doctor --json"), check, level, part);
}

#[test]
fn a_sound_installation_has_nothing_wrong() {
    let folder = Folder::sound();
    let told = folder.json("doctor --json");
    let wrong: Vec<&Value> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        // How much room and how many files there are is the machine's affair.
        .filter(|c| c["level"] != "ok" && c["check"] != "disk room" && c["check"] != "open files")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for check in ["retrovue-air", "encoders", "clock", "catalog", "media folders", "guide"] {
        assert_eq!(said(&told, check)[0].0, "ok", "{check}");
    }
    // It looked, and gave out nothing.
    assert!(!folder.path("data/black.mp4").exists());
    assert_eq!(folder.run("doctor").status.code(), Some(0));
}

#[test]
fn faults_of_the_programs() {
    let folder = Folder::sound();
    for (name, script, check, part) in [
        ("another version", AIR.replace("VERSION", "0.0.1"), "retrovue-air", "is version 0.0.1"),
        ("another program", "#!/bin/sh\necho hello\n".to_owned(), "retrovue-air", "another program"),
        (
            "a library is missing",
            "#!/bin/sh\necho 'error while loading shared libraries: libavcodec.so.59' >&2\nexit 127\n"
                .to_owned(),
            "retrovue-air",
            "libavcodec.so.59",
        ),
        (
            "nothing can be encoded",
            AIR.replace("exit 0", "echo 'cannot open libx264' >&2; exit 4"),
            "encoders",
            "cannot open libx264",
        ),
    ] {
        folder.install_air(&script);
        found(&folder, name, check, "fail", part);
    }
    std::fs::remove_file(folder.path("bin/retrovue-air")).unwrap();
    found(&folder, "not installed", "retrovue-air", "fail", "cannot find retrovue-air");
}

#[test]
fn faults_of_the_machine() {
    let folder = Folder::sound();
    let long = folder.path(&"x".repeat(90));
    std::fs::create_dir(&long).unwrap();
    let output = folder.command("doctor --json").env("XDG_RUNTIME_DIR", &long).output().unwrap();
    expect("long runtime folder", &output, "runtime folder", "fail", "too long");
    for (limit, level) in [("100", "fail"), ("300", "warn")] {
        let output = folder.shell(&format!("ulimit -n {limit}; exec \"$RETROVUE\" doctor --json"));
        expect("few open files", &output, "open files", level, &format!("the hard limit is {limit}"));
    }
    let output = folder.command("doctor --json").env("TZ", "No/Where").output().unwrap();
    expect("no zone", &output, "time zones", "warn", "not known");
    // Written in the year 2100, by the clock of the file system.
    let later = SystemTime::now() + Duration::from_secs(75 * 365 * 86_400);
    std::fs::File::options()
        .write(true)
        .open(folder.path("data/catalog.sqlite"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    found(&folder, "the clock went back", "clock", "warn", "the catalog was written on 21");
}

#[test]
fn a_port_that_is_taken_by_a_station_is_no_fault() {
    let folder = Folder::sound();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    folder.write("station.yaml", &STATION.replace("port: 0", &format!("port: {port}")));
    for (answer, level, part) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", "ok", "a station is being served"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "fail", "another program"),
        ("", "fail", "another program"),
    ] {
        let serving = listener.try_clone().unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = serving.accept().unwrap();
            let mut asked = [0; 512];
            assert!(socket.read(&mut asked).unwrap() > 0);
            socket.write_all(answer.as_bytes()).unwrap();
        });
        found(&folder, answer, "port", level, part);
        server.join().unwrap();
    }
}

#[test]
fn faults_of_the_station_file_and_its_folders() {
    type Fault = (&'static str, fn(&Folder), &'static str, &'static str, &'static str);
    let faults: [Fault; 12] = [
        (
            "no station file",
            |f| std::fs::remove_file(f.path("station.yaml")).unwrap(),
            "station file",
            "fail",
            "no station file",
        ),
        (
            "a wrong key",
            |f| f.write("station.yaml", &STATION.replace("port", "prot")),
            "station file",
            "fail",
            "prot",
        ),
        (
            "a channel file that is named and not there",
            |f| f.write("station.yaml", &STATION.replace("['*.chan.yaml']", "[one.chan.yaml, two.yaml]")),
            "channels",
            "fail",
            "1 can air; left out:",
        ),
        (
            "a media folder that is not there",
            |f| f.write("station.yaml", &STATION.replace("[media]", "[media, gone]")),
            "media folders",
            "warn",
            "gone cannot be read",
        ),
        (
            "none of them",
            |f| std::fs::rename(f.path("media"), f.path("moved")).unwrap(),
            "media folders",
            "fail",
            "no media folder can be read",
        ),
        (
            "a data folder that is a file",
            |f| f.write("station.yaml", &format!("{STATION}data_dir: one.chan.yaml\n")),
            "data folder",
            "fail",
            "cannot write into",
        ),
        (
            "a channel with an error",
            |f| {
                f.write(
                    "two.chan.yaml",
                    &ONE.replace("channel: one", "channel: two").replace("p.the_show", "p.nix"),
                )
            },
            "channels",
            "fail",
            "1 can air; left out: two (1 errors)",
        ),
        (
            "a channel without programmes",
            |f| f.write("two.chan.yaml", "channel: two\nschedule: {daily: []}\n"),
            "guide",
            "warn",
            "nothing is scheduled for two on",
        ),
        (
            "a file that cannot be played",
            |f| {
                f.write("media/The Show/broken.mp4", "x");
                f.json("ingest --json");
            },
            "assets",
            "warn",
            "3 can air, 1 cannot be played, 0 are missing",
        ),
        (
            "a file that is gone",
            |f| {
                std::fs::remove_file(f.path("media/The Show/S01E02.mp4")).unwrap();
                f.json("ingest --json");
            },
            "assets",
            "warn",
            "2 can air, 0 cannot be played, 1 are missing",
        ),
        (
            "no filler",
            |f| {
                std::fs::remove_dir_all(f.path("media/filler")).unwrap();
                f.json("ingest --json");
            },
            "filler",
            "warn",
            "black on one",
        ),
        (
            "a filler of the station that leads nowhere",
            |f| f.write("station.yaml", &format!("{STATION}filler: col.nix\n")),
            "filler",
            "warn",
            "no collection \"col.nix\"",
        ),
    ];
    for (name, break_it, check, level, part) in faults {
        let folder = Folder::sound();
        break_it(&folder);
        found(&folder, name, check, level, part);
    }
}

#[test]
fn faults_of_the_catalog() {
    let folder = Folder::unscanned();
    found(&folder, "no data folder", "data folder", "warn", "not there yet");
    std::fs::create_dir(folder.path("data")).unwrap();
    found(&folder, "no catalog", "catalog", "warn", "none yet");
    type Fault = (&'static str, fn(&Folder), &'static str);
    let faults: [Fault; 4] = [
        ("a newer one", |f| f.database().pragma_update(None, "user_version", 99).unwrap(), "newer version"),
        (
            "rows that contradict themselves",
            |f| assert_eq!(f.database().execute("UPDATE assets SET duration_ms = NULL", []).unwrap(), 3),
            "has no length",
        ),
        (
            "no database",
            |f| f.write("data/catalog.sqlite", &"nonsense ".repeat(500)),
            "not a RetroVue catalog",
        ),
        (
            "a piece of one",
            |f| {
                f.database().pragma_update(None, "journal_mode", "DELETE").unwrap();
                let path = f.path("data/catalog.sqlite");
                let whole = std::fs::read(&path).unwrap();
                std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
            },
            "damaged",
        ),
    ];
    for (name, break_it, part) in faults {
        let folder = Folder::sound();
        break_it(&folder);
        found(&folder, name, "catalog", "fail", part);
    }
}
