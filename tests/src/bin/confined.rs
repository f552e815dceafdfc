//! `confined ALLOWED FORBIDDEN NEW [FOLDER…]`: confines itself as a session does, to the folders if there
//! are any, then tries what a session never does. Prints one JSON object: what could be confined, and for
//! each attempt `"done"` or the system's refusal.

use retrovue_engine::isolation::{AssetFolders, confine};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [allowed, forbidden, new, folders @ ..] = &arguments[..] else {
        eprintln!("usage: confined ALLOWED FORBIDDEN NEW [FOLDER…]");
        std::process::exit(2);
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    // Opened before, as a session's output is: they go on.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port before");
    listener.set_nonblocking(true).expect("accepting need not wait");
    let address = listener.local_addr().expect("the port has a number");
    let (mut near, mut far) = UnixStream::pair().expect("a pair of sockets");
    let parent = std::os::unix::process::parent_id();

    let confinement = confine(&AssetFolders::new(folders));

    let mut tried = Map::new();
    let mut note = |what: &str, outcome: std::io::Result<()>| {
        let text = outcome.map_or_else(|e| e.kind().to_string(), |()| "done".to_owned());
        tried.insert(what.to_owned(), Value::from(text));
    };
    note("connect over TCP", TcpStream::connect(address).map(drop));
    note("bind a UDP port", UdpSocket::bind("127.0.0.1:0").map(drop));
    note("listen on TCP", TcpListener::bind("127.0.0.1:0").map(drop));
    note("listen on a Unix socket", UnixListener::bind(Path::new(new).with_extension("sock")).map(drop));
    note("accept a connection", listener.accept().map(drop));
    note("start a program", Command::new("/bin/true").status().map(drop));
    note("make a file", std::fs::File::create(new).map(drop));
    note("write to an allowed file", std::fs::OpenOptions::new().write(true).open(allowed).map(drop));
    note("remove an allowed file", std::fs::remove_file(allowed));
    note("rename an allowed file", std::fs::rename(allowed, new));
    note("change a file's mode", {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(allowed, std::fs::Permissions::from_mode(0o777))
    });
    let parent = i32::try_from(parent).ok().and_then(rustix::process::Pid::from_raw);
    note("signal the parent", {
        let pid = parent.expect("a parent");
        rustix::process::test_kill_process(pid).map_err(std::io::Error::from)
    });
    note("read an allowed file", std::fs::read(allowed).map(drop));
    note("list an allowed folder", {
        let folder = Path::new(allowed).parent().unwrap_or(Path::new("/"));
        std::fs::read_dir(folder).map(drop)
    });
    note("read a forbidden file", std::fs::read(forbidden).map(drop));
    note("start a thread", {
        let thread = std::thread::Builder::new().name("more".to_owned()).spawn(|| {});
        thread.map(|thread| thread.join().expect("the thread ends"))
    });
    note("connect from a thread", {
        let thread = std::thread::spawn(move || TcpStream::connect(address).map(drop));
        thread.join().expect("the thread ends")
    });
    note("write to an open socket", near.write_all(b"x"));
    note("read from an open socket", far.read_exact(&mut [0]));
    let confined = json!({"files": confinement.files, "calls": confinement.calls});
    println!("{}", json!({"confined": confined, "tried": tried}));
}
