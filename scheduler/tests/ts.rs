//! `retrovue ts` as an operator meets it: verdicts, exit codes, and a stream over HTTP.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

#[path = "../../analyser/tests/stream/writer.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod writer;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

/// Two seconds without a fault.
fn clean() -> Vec<u8> {
    writer::Plan::fast(2 * writer::SECOND).packets().concat()
}

fn retrovue(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_retrovue"))
        .arg("ts")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = clean();
    let mut bad = good.clone();
    bad[188 * 5000] = 0;
    let cases = [
        (file("good.ts", &good), 0, "no rule broken"),
        (file("bad.ts", &bad), 1, "packet 5000 at byte 940000"),
        (file("text.ts", &[b'a'; 5000]), 2, "no transport stream"),
        (folder.path().join("none.ts").to_str().unwrap().to_owned(), 2, "cannot read"),
    ];
    for (path, code, says) in &cases {
        let output = retrovue(&["check", path], &[]);
        assert_eq!(output.status.code(), Some(*code), "{path}: {}", text(&output.stderr));
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains(says), "{said}");
    }
    let strict = retrovue(&["check", "-", "--dvb"], &good);
    assert_eq!(strict.status.code(), Some(0), "{}", text(&strict.stdout));
}

#[test]
fn json_and_plot() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("plot.svg");
    let output = retrovue(&["check", "-", "--json", "--plot", svg.to_str().unwrap()], &clean());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["format"], 1);
    assert_eq!(report["packets"], 15_000);
    let rules = report["rules"].as_array().unwrap();
    let of = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap();
    assert_eq!(of("2.4")["verdict"], "pass");
    assert_eq!(of("2.6")["verdict"], "not_graded");
    let pids = report["pids"].as_array().unwrap();
    let video = pids.iter().find(|pid| pid["pid"] == writer::VIDEO).unwrap();
    assert_eq!((&video["coding"], &video["tb"]["limit"]), (&Value::from("avc"), &Value::from(512)));
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"));
}

#[test]
fn over_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/channel/one.ts", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        for piece in clean().chunks(10_000) {
            write!(socket, "{:x}\r\n", piece.len()).unwrap();
            socket.write_all(piece).unwrap();
            socket.write_all(b"\r\n").unwrap();
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
        text(&request)
    });
    let output = retrovue(&["check", &address], &[]);
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /channel/one.ts HTTP/1.1\r\n"), "{request}");
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).starts_with("15000 packets of 188 bytes"));
}

/// A live stream does not end: `--seconds` ends the reading.
#[test]
fn live_for_a_second() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        socket.write_all(&clean()).unwrap();
        // Nothing more comes; the other side goes.
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    });
    let output = retrovue(&["check", &address, "--seconds", "1"], &[]);
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn dumps() {
    let good = clean();
    let packets = retrovue(&["dump", "-"], &good);
    assert_eq!(text(&packets.stdout).lines().count(), 15_001);
    assert_eq!(retrovue(&["dump", "-"], &good).stdout, packets.stdout);
    // A packet more moves no other line.
    let more = [&good[..188 * 5000], &good[..188], &good[188 * 5000..]].concat();
    let longer = text(&retrovue(&["dump", "-"], &more).stdout);
    assert_eq!(longer.lines().count(), 15_002);
    let pes = text(&retrovue(&["dump", "-", "--pes"], &good).stdout);
    assert!(pes.lines().any(|line| line.starts_with("0101 pes id=c0 length=108 pts=45000 ")), "{pes}");
    assert!(pes.lines().any(|line| line.starts_with("0000 section table=00 ")), "{pes}");
}
