//! A station takes up what changes while it runs.

use super::folder::{Folder, ONE, STATION};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Far more than what changed needs to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A station that runs; it is killed with its test.
struct Serving {
    child: Child,
    port: u16,
    log: Receiver<String>,
    said: String,
}

impl Serving {
    fn start(folder: &Folder, arguments: &str) -> Serving {
        let mut command = folder.command(arguments);
        command.env("RETROVUE_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 && !line.contains("/guide.xml") {}
        let port = line.split("localhost:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        Serving { child, port, log, said: String::new() }
    }

    /// Waits for a line of the log.
    fn wait_for(&mut self, part: &str) {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no {part} in:\n{}", self.said));
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(part) {
                return;
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_changes_is_taken_up_and_what_breaks_changes_nothing() {
    let folder = Folder::sound();
    let mut serving = Serving::start(&folder, "serve");
    assert!(serving.get("/guide.xml").contains("<title>The Show</title>"));

    // A series and the channel that shows it, at once: the media are scanned first.
    folder.write("media/Other/S01E01.mp4", "other");
    folder.write("one.chan.yaml", &ONE.replace("p.the_show", "p.other"));
    serving.wait_for("new programming");
    let guide = serving.get("/guide.xml");
    assert!(guide.contains("<title>Other</title>") && !guide.contains("The Show"), "{guide}");

    // What breaks is said once, and the channel goes on.
    folder.write("one.chan.yaml", &ONE.replace("p.the_show", "p.nix"));
    serving.wait_for("there is no program \"p.nix\"");
    assert!(serving.get("/guide.xml").contains("<title>Other</title>"));
    folder.write("two.chan.yaml", &ONE.replace("channel: one", "channel: two"));
    serving.wait_for("channels come and go when the station is started again");
    assert_eq!(serving.said.matches("there is no program \"p.nix\"").count(), 1, "{}", serving.said);
    assert!(serving.said.contains("goes on as it was"), "{}", serving.said);
    assert!(serving.get("/guide.xml").contains("<title>Other</title>"));

    // Doctor asks the station that runs.
    folder.write("one.chan.yaml", ONE);
    folder.write("station.yaml", &STATION.replace("port: 0", &format!("port: {}", serving.port)));
    let told: Value = serde_json::from_slice(&folder.run("doctor --json").stdout).unwrap();
    let dial = told["checks"].as_array().unwrap().iter().find(|c| c["check"] == "running station").unwrap();
    assert_eq!((&dial["level"], &dial["said"]), (&"warn".into(), &"not on it yet: two".into()), "{told:#}");
    serving.wait_for("new programming");
    assert!(serving.get("/guide.xml").contains("<title>The Show</title>"));

    // A broken station file is no reason to stop either.
    folder.write("station.yaml", "media: 7\n");
    serving.wait_for("the station goes on with what its file said before");
    assert!(serving.get("/guide.xml").contains("<title>The Show</title>"));
}

#[test]
fn without_scanning_nothing_is_watched() {
    let folder = Folder::sound();
    for (arguments, watches) in [("serve", true), ("serve --no-scan", false)] {
        let serving = Serving::start(&folder, arguments);
        let files = std::fs::read_dir(format!("/proc/{}/fd", serving.child.id())).unwrap();
        // A file may be closed before it is looked at.
        let mut files = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        assert_eq!(files.any(|to| to.to_string_lossy().contains("inotify")), watches, "{arguments}");
    }
}
