//! Pictures over HTTP: artwork that a scan found and channels' logos, asked for as players, browsers and attackers do.
#![allow(clippy::unwrap_used)]

mod station_support;

use retrovue_scheduler::catalog::{
    Artwork, AssetResolver, Catalog, ImporterKind, LARGEST_PICTURE, SourceRecord,
};
use retrovue_scheduler::ingest::{Ingest, IngestSource, ProberCommand, Unseen};
use station_support::{Setup, TestStation, fake_air};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Does nothing here; it is what this binary runs as the stand-in for AIR.
#[test]
fn fake_air_process() {
    fake_air::process();
}

/// A response in its parts.
#[derive(Debug)]
struct Answer {
    status: String,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        let field =
            |line: &'_ str| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).is_some();
        self.head
            .lines()
            .find(|line| field(line))
            .and_then(|line| line.split_once(": "))
            .map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn answer_of(mut socket: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Answer { status: head.get(9..12).unwrap_or_default().to_owned(), body: bytes[end + 4..].to_vec(), head }
}

fn ask(station: &TestStation, method: &str, path: &str, fields: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: tv.lan:8409\r\n{fields}\r\n");
    answer_of(station.send(request.as_bytes()))
}

/// A folder with one episode, its series' poster and a catalog that knows them.
struct Library {
    dir: tempfile::TempDir,
    poster: PathBuf,
    asset: String,
    artwork: Artwork,
}

fn library(poster: &[u8]) -> Library {
    let dir = tempfile::tempdir().unwrap();
    let series = std::fs::canonicalize(dir.path()).unwrap().join("media/Größe & <Maß> %41 '東京'");
    std::fs::create_dir_all(series.join("Season 1")).unwrap();
    std::fs::write(series.join("Season 1/S01E01 - Café.mkv"), "media").unwrap();
    std::fs::write(series.join("poster.jpg"), poster).unwrap();
    let peer = r#"while IFS= read -r p; do
        printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000}}\n' "$p"; done"#;
    let prober = ProberCommand::new("/bin/bash".into(), ["-c", peer]);
    let source = IngestSource { path: dir.path().join("media"), name: None, asset_type: None };
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let report = Ingest::new(&mut catalog, prober).run(&[source], &mut Unseen).unwrap();
    assert_eq!(report.added, 1, "{report:?}");
    let snapshot = catalog.snapshot().unwrap();
    let asset = snapshot.assets().next().unwrap();
    let artwork = snapshot.lookup(&asset.id).unwrap().artwork.expect("the poster is found");
    Library { poster: series.join("poster.jpg"), asset: asset.id.clone(), artwork, dir }
}

fn station_of(library: &Library) -> TestStation {
    TestStation::start(Setup {
        data_dir: Some(library.dir.path().to_owned()),
        artwork: Some(library.artwork),
        ..Setup::default()
    })
}

const POSTER: &[u8] = b"\xFF\xD8\xFF\xE0 not a picture\r\n\r\n\0\xFE";

#[test]
fn what_the_guide_names_is_served_whole_and_once() {
    let library = library(POSTER);
    let station = station_of(&library);
    let guide = station.get("/guide.xml");
    let address =
        guide.split("<icon src=\"http://tv.lan:8409").nth(1).and_then(|rest| rest.split('"').next());
    let address = address.unwrap_or_else(|| panic!("no icon in {guide}"));
    assert_eq!(address, library.artwork.to_string());
    assert_eq!(station.channel(0)["now"]["artwork"], format!("http://tv.lan:8409{address}"));
    assert!(station.get("/").contains(&format!("<img class=\"art\" src=\"{address}\"")));

    let whole = ask(&station, "GET", address, "");
    assert_eq!((whole.status.as_str(), whole.body.as_slice()), ("200", POSTER));
    let length = POSTER.len().to_string();
    assert_eq!(whole.field("Content-Type"), Some("image/jpeg"));
    assert_eq!(whole.field("Content-Length"), Some(length.as_str()));
    assert_eq!(whole.field("X-Content-Type-Options"), Some("nosniff"));
    let (tag, modified) = (whole.field("ETag").unwrap(), whole.field("Last-Modified").unwrap());
    assert!(tag.starts_with('"') && tag.ends_with('"') && modified.ends_with(" GMT"), "{whole:?}");

    let head = ask(&station, "HEAD", address, "");
    assert_eq!((head.status.as_str(), head.body.len()), ("200", 0));
    assert_eq!((head.field("Content-Length"), head.field("ETag")), (Some(length.as_str()), Some(tag)));

    for (fields, status) in [
        (format!("If-None-Match: {tag}\r\n"), "304"),
        (format!("If-None-Match: \"other\", W/{tag}\r\n"), "304"),
        ("If-None-Match: *\r\n".to_owned(), "304"),
        ("If-None-Match: \"other\"\r\n".to_owned(), "200"),
        (format!("If-Modified-Since: {modified}\r\n"), "304"),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(), "200"),
        // The tag is the better judge (RFC 9110 §13.1.3).
        (format!("If-None-Match: \"other\"\r\nIf-Modified-Since: {modified}\r\n"), "200"),
    ] {
        let answer = ask(&station, "GET", address, &fields);
        assert_eq!(answer.status, status, "{fields:?}");
        let expect = if status == "304" { &b""[..] } else { POSTER };
        assert_eq!(answer.body, expect, "{fields:?}");
        assert_eq!(answer.field("ETag"), Some(tag));
    }

    // Before the next scan the address stands for the file as it is now.
    let longer = [POSTER, b"and more"].concat();
    std::fs::write(&library.poster, &longer).unwrap();
    let changed = ask(&station, "GET", address, &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((changed.status.as_str(), &changed.body), ("200", &longer));
    assert_ne!(changed.field("ETag"), Some(tag));
    station.stop();
}

#[test]
fn nothing_but_pictures_of_the_catalog_is_served() {
    let library = library(POSTER);
    let station = station_of(&library);
    let poster = library.poster.to_str().unwrap();
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let encoded = encode(&library.asset);
    assert!(!library.asset.is_ascii(), "{}", library.asset);
    let paths = [
        "/art/".to_owned(),
        "/art/0000000000000000.jpg".to_owned(),
        format!("/art{}", encode(poster)),
        "/art/etc/passwd".to_owned(),
        format!("/art/{encoded}"),
        format!("/art/{}", encoded.replace('%', "%25")),
        "/art/../../../../etc/passwd".to_owned(),
        "/art/..%2f..%2fetc%2fpasswd".to_owned(),
        "/art//etc/passwd".to_owned(),
        "/logo/../art/x.jpg".to_owned(),
        "/logo//etc/passwd".to_owned(),
        "/logo/one.jpg".to_owned(),
        "/logo/nine.jpg".to_owned(),
        "/logo/".to_owned(),
        "/art".to_owned(),
    ];
    for path in &paths {
        let answer = ask(&station, "GET", path, "");
        assert_eq!(answer.status, "404", "{path}");
        assert!(answer.field("Content-Type").unwrap().starts_with("text/plain"), "{path}: {answer:?}");
        assert!(!answer.text().contains("root:") && !answer.text().contains(poster), "{path}: {answer:?}");
    }
    assert_eq!(ask(&station, "POST", &library.artwork.to_string(), "").status, "405");

    // The file has become something else since the scan.
    let address = library.artwork.to_string();
    let says = |why: &str| {
        let answer = ask(&station, "GET", &address, "");
        assert_eq!(answer.status, "404", "{why}");
        assert!(answer.text().contains(why), "{answer:?}");
    };
    let replaced = |make: &dyn Fn(&Path)| {
        std::fs::remove_file(&library.poster).unwrap();
        make(&library.poster);
    };
    replaced(&|path| File::create(path).unwrap().set_len(20 << 20).unwrap());
    says("larger than 16 MiB");
    replaced(&|path| {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap()
    });
    says("not there or cannot be read");
    // A link makes a picture of anything, by its name.
    replaced(&|path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap());
    says("is no JPEG, PNG or WebP picture");
    std::fs::remove_file(&library.poster).unwrap();
    says("not there or cannot be read");
    std::fs::create_dir(&library.poster).unwrap();
    says("not there or cannot be read");
    std::fs::remove_dir(&library.poster).unwrap();
    std::fs::write(&library.poster, POSTER).unwrap();
    assert_eq!(ask(&station, "GET", &address, "").body, POSTER);
    station.stop();

    let bare = TestStation::start(Setup::default());
    assert_eq!(ask(&bare, "GET", &address, "").status, "404");
    bare.stop();
}

#[test]
fn clients_that_take_no_picture_hold_up_no_page() {
    let library = library(POSTER);
    let mut large: Vec<u8> =
        (0..usize::try_from(LARGEST_PICTURE).unwrap()).map(|n| (n % 251) as u8).collect();
    large[..POSTER.len()].copy_from_slice(POSTER);
    std::fs::write(&library.poster, &large).unwrap();
    let station = station_of(&library);
    let address = library.artwork.to_string();
    let request = format!("GET {address} HTTP/1.1\r\nHost: tv\r\n\r\n");
    let slow: Vec<TcpStream> = (0..80).map(|_| station.send(request.as_bytes())).collect();
    for page in ["/", "/guide.xml", "/healthz", "/channels.m3u"] {
        assert_eq!(ask(&station, "GET", page, "").status, "200", "{page}");
    }
    let mut viewer = station.tune("one");
    viewer.begins_well();
    drop(slow);
    let by = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = ask(&station, "GET", &address, "");
        if answer.status == "200" {
            assert!(answer.body == large, "{} bytes came", answer.body.len());
            break;
        }
        assert_eq!((answer.status.as_str(), answer.field("Retry-After")), ("503", Some("2")));
        assert!(Instant::now() < by, "no picture after the others have gone");
    }
    station.stop();
}

#[test]
fn logos_are_named_by_the_lists_and_served() {
    let dir = tempfile::tempdir().unwrap();
    let logo = dir.path().join("Logo.PNG");
    // Its type is told by what it is, not by its name.
    std::fs::write(&logo, POSTER).unwrap();
    let station = TestStation::start(Setup { channels: 2, logo: Some(logo.clone()), ..Setup::default() });
    let list = station.get("/channels.m3u");
    assert_eq!(list.matches("tvg-logo=\"http://tv.lan:8409/logo/one.png\"").count(), 1, "{list}");
    assert_eq!(list.matches("tvg-logo").count(), 1, "{list}");
    let guide = station.get("/guide.xml");
    assert_eq!(guide.matches("<icon src=\"http://tv.lan:8409/logo/one.png\"/>").count(), 1, "{guide}");
    assert_eq!(station.channel(0)["logo"], "http://tv.lan:8409/logo/one.png");
    assert_eq!(station.channel(1)["logo"], serde_json::Value::Null);
    for path in ["/logo/one.png", "/logo/one"] {
        let answer = ask(&station, "GET", path, "");
        assert_eq!((answer.status.as_str(), answer.body.as_slice()), ("200", POSTER), "{path}");
        assert_eq!(answer.field("Content-Type"), Some("image/jpeg"));
    }
    assert_eq!(ask(&station, "GET", "/logo/two.png", "").status, "404");
    std::fs::remove_file(logo).unwrap();
    assert_eq!(ask(&station, "GET", "/logo/one.png", "").status, "404");
    station.stop();
}

/// A Plex server with one film, whose picture is what the test says: status and bytes.
struct PlexStand {
    server: Arc<tiny_http::Server>,
    picture: Arc<Mutex<(u16, Vec<u8>)>>,
    fetched: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl PlexStand {
    fn new(film: &Path) -> PlexStand {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
        let picture = Arc::new(Mutex::new((200, POSTER.to_vec())));
        let fetched = Arc::new(AtomicUsize::new(0));
        let (serving, given, count) = (Arc::clone(&server), Arc::clone(&picture), Arc::clone(&fetched));
        let film = film.to_str().unwrap().to_owned();
        let thread = std::thread::spawn(move || {
            for request in serving.incoming_requests() {
                let key = request.headers().iter().find(|field| field.field.equiv("X-Plex-Token"));
                let known = key.is_some_and(|field| field.value.as_str() == "s3cret");
                let listed = |body: serde_json::Value| {
                    let bytes = serde_json::json!({ "MediaContainer": body }).to_string().into_bytes();
                    (200, "application/json", bytes)
                };
                let (status, media_type, bytes) = match request.url() {
                    _ if !known => (401, "text/html", Vec::new()),
                    "/library/sections" => {
                        listed(serde_json::json!({"Directory": [{"key": "1", "type": "movie"}]}))
                    }
                    "/library/metadata/1/thumb/2" => {
                        count.fetch_add(1, Relaxed);
                        let (status, bytes) = given.lock().unwrap().clone();
                        (status, "image/x-whatever", bytes)
                    }
                    _ => listed(
                        serde_json::json!({"totalSize": 1, "Metadata": [{"type": "movie", "title": "Alien",
                        "thumb": "/library/metadata/1/thumb/2", "Media": [{"Part": [{"file": film}]}]}]}),
                    ),
                };
                let length = Some(bytes.len());
                let fields = [("Content-Type", media_type), ("Location", "/library/sections")]
                    .map(|(name, value)| tiny_http::Header::from_bytes(name, value).unwrap());
                let body = std::io::Cursor::new(bytes);
                let status = tiny_http::StatusCode(status);
                let _ =
                    request.respond(tiny_http::Response::new(status, fields.to_vec(), body, length, None));
            }
        });
        PlexStand { server, picture, fetched, thread: Some(thread) }
    }

    fn gives(&self, status: u16, bytes: &[u8]) {
        *self.picture.lock().unwrap() = (status, bytes.to_vec());
    }
}

impl Drop for PlexStand {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn pictures_of_a_server_come_through_the_station_and_its_key_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let film = dir.path().join("alien.mkv");
    std::fs::write(&film, "media").unwrap();
    std::fs::write(dir.path().join("key"), "s3cret\n").unwrap();
    let plex = PlexStand::new(&film);
    let mut catalog = Catalog::open(dir.path()).unwrap();
    let source = SourceRecord {
        id: 0,
        root: format!("http://{}/", plex.server.server_addr().to_ip().unwrap()),
        name: Some("Plex".into()),
        importer: ImporterKind::Plex,
        asset_type: None,
        credential: Some(format!("file:{}", dir.path().join("key").display())),
        path_map: Vec::new(),
        assets: 0,
    };
    catalog.put_source(&source).unwrap();
    let peer = "while IFS= read -r p; do printf '{\"path\":\"%s\",\"ok\":{\"container\":\"mp4\",\"duration_ms\":1000}}\\n' \"$p\"; done";
    let prober = ProberCommand::new("/bin/bash".into(), ["-c", peer]);
    let source = catalog.source("Plex").unwrap();
    let report = Ingest::new(&mut catalog, prober).run_source(&source, &mut Unseen).unwrap();
    assert_eq!(report.added, 1, "{report:?}");
    let artwork = catalog.snapshot().unwrap().assets().next().unwrap().artwork.expect("a picture");
    let library = Library { poster: film, asset: String::new(), artwork, dir };
    let station = station_of(&library);
    let address = artwork.to_string();
    assert!(station.get("/guide.xml").contains(&format!("<icon src=\"http://tv.lan:8409{address}\"/>")));

    let answer = ask(&station, "GET", &address, "");
    assert_eq!((answer.status.as_str(), answer.body.as_slice()), ("200", POSTER));
    assert_eq!(answer.field("Content-Type"), Some("image/jpeg"));
    assert!(!answer.head.contains("s3cret") && !answer.head.contains("127.0.0.1"), "{answer:?}");
    let tag = format!("If-None-Match: {}\r\n", answer.field("ETag").unwrap());
    // The mark tells that it is the same: the server is not asked.
    assert_eq!(ask(&station, "GET", &address, &tag).status, "304");
    assert_eq!(plex.fetched.load(Relaxed), 1);

    let large = [POSTER, &vec![0; usize::try_from(LARGEST_PICTURE).unwrap()]].concat();
    for (status, bytes) in [
        (200, &b"<html>sign in</html>"[..]),
        (200, b"<svg/>"),
        (200, b""),
        (404, POSTER),
        // Whoever it sends us on to would get the key.
        (302, POSTER),
        (200, &large),
    ] {
        plex.gives(status, bytes);
        let answer = ask(&station, "GET", &address, "");
        assert_eq!(answer.status, "502", "{status}, {} bytes: {answer:?}", bytes.len());
        assert!(!answer.text().contains("s3cret") && answer.text().len() < 200, "{answer:?}");
    }
    plex.gives(200, b"RIFF\x24\0\0\0WEBPVP8 ");
    assert_eq!(ask(&station, "GET", &address, "").field("Content-Type"), Some("image/webp"));
    let fetched = plex.fetched.load(Relaxed);
    assert_eq!(fetched, 8, "each was asked for once");
    let place = plex.server.server_addr().to_ip().unwrap();
    drop(plex);
    assert_eq!(ask(&station, "GET", &address, "").status, "502");
    // It is left in peace for a while: threads that wait for it would keep other pictures waiting.
    let back = TcpListener::bind(place).unwrap();
    back.set_nonblocking(true).unwrap();
    assert_eq!(ask(&station, "GET", &address, "").status, "502");
    assert_eq!(back.accept().map_err(|error| error.kind()).unwrap_err(), ErrorKind::WouldBlock);
    station.stop();
}
