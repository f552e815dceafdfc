//! Jellyfin and Plex, against a server that answers in the shape their API descriptions give.

use super::scan::{Ingest, IngestError, IngestReport, Unseen};
use super::{ProberCommand, server};
use crate::catalog::{
    ArtworkPlace, AssetResolver, AssetType, Catalog, Health, ImporterKind, PathMap, SourceRecord,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const PEER: &str = r#"while IFS= read -r p; do
    printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000}}\n' "$p"; done"#;

/// A request as it came: path with query, and headers by lower-case name.
struct Request {
    url: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.url.split_once('?')?.1.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

/// Status and body; where it sends elsewhere the body is the address.
type Answer = Box<dyn Fn(&Request) -> (u16, String) + Send>;

/// A server on this machine that ends with its test.
struct Stand {
    server: Arc<tiny_http::Server>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Stand {
    fn new(answer: Answer) -> Stand {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
        let serving = Arc::clone(&server);
        let thread = std::thread::spawn(move || {
            for request in serving.incoming_requests() {
                let headers = request.headers().iter();
                let asked = Request {
                    url: request.url().to_owned(),
                    headers: headers
                        .map(|h| {
                            (h.field.as_str().as_str().to_ascii_lowercase(), h.value.as_str().to_owned())
                        })
                        .collect(),
                };
                let (status, body) = answer(&asked);
                let mut response = tiny_http::Response::from_string(body.clone()).with_status_code(status);
                if (300..400).contains(&status) {
                    response.add_header(tiny_http::Header::from_bytes("Location", body).unwrap());
                }
                let _ = request.respond(response);
            }
        });
        Stand { server, thread: Some(thread) }
    }

    fn root(&self) -> String {
        format!("http://{}/", self.server.server_addr().to_ip().unwrap())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A station's folder, with media where the server's map leads.
struct Place {
    dir: tempfile::TempDir,
    catalog: Catalog,
}

impl Place {
    fn new(files: &[&str]) -> Place {
        let dir = tempfile::tempdir().unwrap();
        for (length, file) in (1..).zip(files) {
            let path = dir.path().join("mnt").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![b'x'; length]).unwrap();
        }
        std::fs::write(dir.path().join("key"), "s3cret\n").unwrap();
        let catalog = Catalog::open(dir.path()).unwrap();
        Place { dir, catalog }
    }

    fn source(&mut self, importer: ImporterKind, root: &str, server_folder: &str) -> SourceRecord {
        let source = SourceRecord {
            id: 0,
            root: root.to_owned(),
            name: Some("Home Library".into()),
            importer,
            asset_type: None,
            credential: Some(format!("file:{}", self.dir.path().join("key").display())),
            path_map: vec![PathMap {
                server: server_folder.to_owned(),
                here: self.dir.path().join("mnt").to_str().unwrap().to_owned(),
            }],
            assets: 0,
        };
        self.catalog.put_source(&source).unwrap();
        self.catalog.source("Home Library").unwrap()
    }

    fn scan(&mut self, source: &SourceRecord) -> Result<IngestReport, IngestError> {
        let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
        Ingest::new(&mut self.catalog, command).run_source(source, &mut Unseen)
    }
}

fn episode(number: usize) -> Value {
    json!({
        "Name": format!("Part {number}"), "ServerId": "a", "Id": format!("{number:032x}"), "Type": "Episode",
        "SeriesName": "Cosmic Diner", "SeasonName": "Season 1", "ParentIndexNumber": 1, "IndexNumber": number,
        "ProductionYear": 1989, "OfficialRating": "US:TV-PG", "Genres": ["Comedy", "Western"],
        "Overview": "A pie\r\nis late.",
        "Path": format!("/media/Cosmic Diner/{number}.mp4"), "RunTimeTicks": 13_200_000_000_i64,
        "LocationType": "FileSystem", "MediaType": "Video", "Container": "mp4", "VideoType": "VideoFile"
    })
}

/// `/Items` of a Jellyfin server over these items, `most` to a page.
fn jellyfin(items: Arc<Mutex<Vec<Value>>>, most: usize) -> Answer {
    Box::new(move |asked| {
        if asked.header("authorization") != Some("MediaBrowser Token=\"s3cret\"") {
            return (401, String::new());
        }
        if !asked.url.starts_with("/Items?") || asked.query("Recursive") != Some("true") {
            return (404, String::new());
        }
        assert!(asked.query("Fields").is_some_and(|f| f.split(',').any(|f| f == "Path")));
        let items = items.lock().unwrap();
        let start: usize = asked.query("StartIndex").unwrap().parse().unwrap();
        let limit: usize = asked.query("Limit").unwrap().parse().unwrap();
        let page: Vec<&Value> = items.iter().skip(start).take(limit.min(most)).collect();
        (200, json!({"Items": page, "TotalRecordCount": items.len(), "StartIndex": start}).to_string())
    })
}

#[test]
fn a_jellyfin_library_becomes_assets_and_follows_its_changes() {
    let mut place =
        Place::new(&["Cosmic Diner/1.mp4", "Cosmic Diner/2.mp4", "Cosmic Diner/3.mp4", "Films/a.mkv"]);
    let film = json!({
        "Name": "Alien", "Id": "b", "Type": "Movie", "ProductionYear": 1979, "OfficialRating": "R",
        "Genres": ["Horror"], "Path": "/media/Films/a.mkv", "LocationType": "FileSystem", "MediaType": "Video"
    });
    // One episode is only known to exist, and one file is not on this machine.
    let virtual_episode = json!({"Name": "Lost", "Id": "c", "Type": "Episode", "LocationType": "Virtual"});
    let items = vec![episode(1), episode(2), virtual_episode, film, episode(3), episode(9)];
    let items = Arc::new(Mutex::new(items));
    let stand = Stand::new(jellyfin(Arc::clone(&items), 2));
    let source = place.source(ImporterKind::Jellyfin, &stand.root(), "/media");
    let report = place.scan(&source).unwrap();
    assert_eq!((report.scanned, report.added, report.warnings.len()), (4, 4, 1), "{report:?}");
    assert!(report.warnings[0].reason.contains("--map") && report.warnings[0].path.ends_with("9.mp4"));
    let part = place.catalog.asset("asset.home_library.cosmic_diner.season_1.s01e02_part_2").unwrap();
    assert_eq!((part.series.as_deref(), part.season, part.episode), (Some("Cosmic Diner"), Some(1), Some(2)));
    assert_eq!((part.year, part.rating.as_deref(), part.genres.len()), (Some(1989), Some("TV-PG"), 2));
    assert_eq!(part.plot.as_deref(), Some("A pie is late."));
    let snapshot = place.catalog.snapshot().unwrap();
    assert_eq!(snapshot.collection("col.home_library.cosmic_diner").unwrap().len(), 3);
    assert_eq!(snapshot.program("p.home_library.cosmic_diner.season_1").unwrap().title, "Cosmic Diner");
    let alien = snapshot.lookup("asset.home_library.movies.alien_1979").unwrap();
    assert_eq!((alien.asset_type, alien.rating.as_deref()), (AssetType::Movie, Some("R")));

    let report = place.scan(&source).unwrap();
    assert_eq!((report.unchanged, report.added, report.updated), (4, 0, 0));
    {
        let mut items = items.lock().unwrap();
        items[0]["Name"] = "Pilot".into();
        items.remove(4);
    }
    let report = place.scan(&source).unwrap();
    assert_eq!((report.unchanged, report.updated, report.missing), (2, 1, 1));
    let first = place.catalog.asset("asset.home_library.cosmic_diner.season_1.s01e01_part_1").unwrap();
    assert_eq!(first.title, "Pilot");
    assert_eq!(first.health, Health::Ok);
}

#[test]
fn pictures_are_addresses_without_the_key_and_change_with_their_tags() {
    let mut place = Place::new(&["Cosmic Diner/1.mp4", "Cosmic Diner/2.mp4", "Cosmic Diner/3.mp4"]);
    let mut own = episode(1);
    own["ImageTags"] = json!({"Primary": "0a1b", "Thumb": "ffff"});
    let mut of_series = episode(2);
    of_series["ImageTags"] = json!({});
    (of_series["SeriesId"], of_series["SeriesPrimaryImageTag"]) = (json!("77"), json!("5e5e"));
    let mut astray = episode(3);
    (astray["Id"], astray["ImageTags"]) = (json!("x@evil.example/ "), json!({"Primary": "1"}));
    let items = Arc::new(Mutex::new(vec![own, of_series, astray]));
    let stand = Stand::new(jellyfin(Arc::clone(&items), 9));
    let source = place.source(ImporterKind::Jellyfin, &stand.root(), "/media");
    assert_eq!(place.scan(&source).unwrap().added, 3);
    let at = |place: &Place, number: usize| {
        let id = format!("asset.home_library.cosmic_diner.season_1.s01e0{number}_part_{number}");
        let asset = place.catalog.asset(&id).unwrap();
        let picture = place.catalog.artwork(asset.artwork_mark?).unwrap();
        let Some(ArtworkPlace::Server { source: from, path }) = picture else { panic!("{picture:?}") };
        assert_eq!(from.id, source.id);
        assert!(!asset.artwork.unwrap().contains("s3cret") && !path.contains("s3cret"));
        Some(path)
    };
    let first = "/Items/00000000000000000000000000000001/Images/Primary?maxWidth=800&tag=";
    assert_eq!(at(&place, 1), Some(format!("{first}0a1b")));
    assert_eq!(at(&place, 2).as_deref(), Some("/Items/77/Images/Primary?maxWidth=800&tag=5e5e"));
    assert_eq!(at(&place, 3), None);
    assert_eq!(place.scan(&source).unwrap().unchanged, 3);
    items.lock().unwrap()[0]["ImageTags"]["Primary"] = json!("0a1c");
    assert_eq!(place.scan(&source).unwrap().updated, 1);
    assert_eq!(at(&place, 1), Some(format!("{first}0a1c")));
}

#[test]
fn a_file_that_a_folder_has_is_left_to_it() {
    let mut place = Place::new(&["Cosmic Diner/1.mp4"]);
    let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
    let folder = super::IngestSource { path: place.dir.path().join("mnt"), name: None, asset_type: None };
    Ingest::new(&mut place.catalog, command).run(&[folder], &mut Unseen).unwrap();
    let before = place.catalog.assets().unwrap();
    let stand = Stand::new(jellyfin(Arc::new(Mutex::new(vec![episode(1)])), 100));
    let source = place.source(ImporterKind::Jellyfin, &stand.root(), "/media/");
    let report = place.scan(&source).unwrap();
    assert_eq!((report.elsewhere, report.added, report.missing), (1, 0, 0));
    assert_eq!(place.catalog.assets().unwrap(), before);
}

#[test]
fn a_plex_library_becomes_assets() {
    let mut place = Place::new(&["tv/one.mkv", "films/alien.mkv"]);
    let stand = Stand::new(Box::new(|asked| {
        if asked.header("x-plex-token") != Some("s3cret") {
            return (401, "<html>Unauthorized</html>".into());
        }
        assert_eq!(asked.header("accept"), Some("application/json"));
        let start = asked.header("x-plex-container-start").unwrap_or("0");
        let container = match (asked.url.as_str(), start) {
            ("/library/sections", _) => json!({"size": 3, "Directory": [
                {"key": "1", "type": "movie", "title": "Films", "Location": [{"id": 1, "path": "D:\\films"}]},
                {"key": "2", "type": "show", "title": "TV"},
                {"key": "3", "type": "artist", "title": "Music"}]}),
            ("/library/sections/1/all?type=1", "0") => {
                json!({"size": 1, "totalSize": 1, "offset": 0, "Metadata": [
                {"ratingKey": "10", "type": "movie", "title": "Alien", "year": 1979, "contentRating": "gb/18",
                 "Genre": [{"tag": "Horror"}], "summary": "A call.", "thumb": "/library/metadata/10/thumb/1690000000", "Media": [{"id": 1, "Part": [{"id": 1, "file": "D:\\films\\alien.mkv"}]}]}]})
            }
            ("/library/sections/2/all?type=4", "0") => {
                json!({"size": 1, "totalSize": 2, "offset": 0, "Metadata": [
                {"ratingKey": "20", "type": "episode", "title": "One", "grandparentTitle": "The Show",
                 "thumb": "https://elsewhere.example/x.jpg", "grandparentThumb": "/library/metadata/2/thumb/5",
                 "parentIndex": 2, "index": 5, "year": 1991, "contentRating": "TV-14",
                 "Media": [{"Part": [{"file": "D:\\tv\\one.mkv"}]}]}]})
            }
            ("/library/sections/2/all?type=4", "1") => {
                json!({"size": 1, "totalSize": 2, "offset": 1, "Metadata": [
                {"ratingKey": "21", "type": "episode", "title": "No file", "Media": []}]})
            }
            other => panic!("asked for {other:?}"),
        };
        (200, json!({"MediaContainer": container}).to_string())
    }));
    let source = place.source(ImporterKind::Plex, &stand.root(), "D:\\");
    let report = place.scan(&source).unwrap();
    assert_eq!((report.scanned, report.added, report.warnings.len()), (2, 2, 0), "{report:?}");
    let one = place.catalog.asset("asset.home_library.the_show.season_2.s02e05_one").unwrap();
    assert_eq!(
        (one.year, one.rating.as_deref(), one.asset_type),
        (Some(1991), Some("TV-14"), AssetType::Episode)
    );
    let alien = place.catalog.asset("asset.home_library.movies.alien_1979").unwrap();
    assert_eq!((alien.rating.as_deref(), alien.genres.as_slice()), (Some("18"), &["Horror".to_owned()][..]));
    assert_eq!(alien.plot.as_deref(), Some("A call."));
    let root = stand.root();
    assert_eq!(alien.artwork, Some(format!("{root}library/metadata/10/thumb/1690000000")));
    assert_eq!(one.artwork, Some(format!("{root}library/metadata/2/thumb/5")));
}

#[test]
fn servers_that_do_not_answer_as_they_should_are_named_and_nothing_is_marked_gone() {
    let mut place = Place::new(&["Cosmic Diner/1.mp4"]);
    let answers: Arc<Mutex<Option<(u16, String)>>> = Arc::default();
    let good = jellyfin(Arc::new(Mutex::new(vec![episode(1)])), 100);
    let said = Arc::clone(&answers);
    let stand =
        Stand::new(Box::new(move |asked| said.lock().unwrap().clone().unwrap_or_else(|| good(asked))));
    let source = place.source(ImporterKind::Jellyfin, &stand.root(), "/media");
    assert_eq!(place.scan(&source).unwrap().added, 1);
    for (status, body, why) in [
        (401, "", "does not accept the key"),
        (404, "", "right server"),
        (503, "", "status 503"),
        (200, "<html>", "not understood"),
        (200, "{}", "no Items"),
    ] {
        *answers.lock().unwrap() = Some((status, body.to_owned()));
        let error = place.scan(&source).unwrap_err().to_string();
        assert!(
            error.contains(why) && error.contains(&source.root.trim_end_matches('/').to_owned()),
            "{error}"
        );
    }
    let root = source.root.clone();
    drop(stand);
    let gone = place.scan(&SourceRecord { root, ..source.clone() }).unwrap_err().to_string();
    assert!(gone.contains("see whether the server runs"), "{gone}");
    for (credential, why) in [
        (None, "--key-env"),
        (Some("env:RETROVUE_NO_SUCH_KEY"), "set RETROVUE_NO_SUCH_KEY"),
        (Some("file:/no/key"), "/no/key"),
    ] {
        let source = SourceRecord { credential: credential.map(str::to_owned), ..source.clone() };
        let error = server::key_of(&source).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(place.catalog.assets().unwrap()[0].health, Health::Ok);
}

/// Whoever a server sends us on to is not to have its key.
#[test]
fn a_server_that_sends_elsewhere_is_told_of_and_its_key_stays() {
    let asked = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&asked);
    let other = Stand::new(Box::new(move |_| {
        *seen.lock().unwrap() += 1;
        (200, "{}".to_owned())
    }));
    let elsewhere = other.root();
    for status in [301, 302, 307, 308] {
        let to = elsewhere.clone();
        let stand = Stand::new(Box::new(move |_| (status, to.clone())));
        for importer in [ImporterKind::Plex, ImporterKind::Jellyfin] {
            let mut place = Place::new(&["Cosmic Diner/1.mp4"]);
            let source = place.source(importer, &stand.root(), "/media");
            let error = place.scan(&source).unwrap_err().to_string();
            assert!(error.contains(&format!("sends elsewhere, to {elsewhere}")), "{error}");
        }
    }
    assert_eq!(*asked.lock().unwrap(), 0);
}

#[test]
fn all_servers_are_asked_and_one_that_is_away_is_told_of() {
    let mut place = Place::new(&["Cosmic Diner/1.mp4"]);
    // A port that was free a moment ago: nobody listens there.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = format!("http://{gone}");
    place.source(ImporterKind::Plex, &dead, "/media");
    let stand = Stand::new(jellyfin(Arc::new(Mutex::new(vec![episode(1)])), 100));
    place.source(ImporterKind::Jellyfin, &stand.root(), "/media");
    let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
    for added in [1, 0] {
        let report = super::scan_servers(&mut place.catalog, &command, &mut Unseen).unwrap();
        assert_eq!((report.scanned, report.added, report.missing), (1, added, 0), "{report:?}");
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert_eq!(warning.path.to_str(), Some(dead.as_str()));
    }
}
