//! Which picture is whose, and that scans follow what becomes of pictures.

use super::artwork::named_picture;
use super::folder::FolderImporter;
use super::importer::Importer;
use super::prober::ProberCommand;
use super::scan::{Ingest, IngestReport, IngestSource, Unseen};
use crate::catalog::{ArtworkPlace, AssetType, Catalog, LARGEST_PICTURE, PictureType};
use std::fs::File;
use std::path::{Path, PathBuf};

const PEER: &str = r#"while IFS= read -r p; do
    printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1000}}\n' "$p"; done"#;

fn library(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let media = std::fs::canonicalize(dir.path()).unwrap().join("media");
    for file in files {
        let path = media.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    (dir, media)
}

/// The picture of `media` among `files`, below their folder.
fn picture_of(media: &str, files: &[&str]) -> Option<String> {
    let (_dir, root) = library(files);
    let mut importer = FolderImporter { top: root.clone(), root: root.clone(), asset_type: None };
    let listing = importer.list().unwrap();
    let path = root.join(media);
    let file =
        listing.files.into_iter().find(|file| Path::new(&file.path) == path).expect("the file is listed");
    let picture = file.artwork?;
    Some(Path::new(&picture.path).strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
}

#[test]
fn names_tell_whose_a_picture_is() {
    let episode = "Show/Season 1/S01E02 - Pie.mkv";
    let of_series = ["Show/poster.jpg", "Show/folder.jpg", "Show/fanart.jpg", "folder.jpg"];
    let of_season =
        ["Show/season01-poster.jpg", "Show/season02-poster.jpg", "Show/season-specials-poster.jpg"];
    let film = "Movies/Alien (1979)/Alien (1979).mkv";
    type Row<'a> = (&'a str, Vec<&'a str>, Option<&'a str>);
    let table: Vec<Row<'_>> = vec![
        (episode, vec![], None),
        (episode, of_series.to_vec(), Some("Show/poster.jpg")),
        (episode, vec!["Show/folder.png"], Some("Show/folder.png")),
        (episode, [&of_series[..], &of_season].concat(), Some("Show/season01-poster.jpg")),
        (
            episode,
            [&of_season[..], &["Show/Season 1/folder.webp"]].concat(),
            Some("Show/Season 1/folder.webp"),
        ),
        (
            episode,
            vec!["Show/Season 1/poster.jpg", "Show/Season 1/S01E02 - Pie-thumb.jpg"],
            Some("Show/Season 1/S01E02 - Pie-thumb.jpg"),
        ),
        (
            episode,
            vec!["Show/Season 1/S01E02 - Pie.JPEG", "Show/Season 1/S01E02 - Pie.png"],
            Some("Show/Season 1/S01E02 - Pie.JPEG"),
        ),
        (episode, vec!["Show/Season 1/S01E03 - Tea.jpg", "Show/Season 1/S01E02 - Pie.bmp"], None),
        (
            "Show/Specials/Outtakes.mkv",
            [&of_series[..], &of_season].concat(),
            Some("Show/season-specials-poster.jpg"),
        ),
        ("Show/Season 2/x.mkv", [&of_series[..], &of_season].concat(), Some("Show/season02-poster.jpg")),
        ("Show/S02E01.mkv", [&of_series[..], &of_season].concat(), Some("Show/season02-poster.jpg")),
        // The folder of a series is told by its sidecar where there is one.
        ("Show/Extras/y.mkv", vec!["Show/poster.jpg"], None),
        ("Show/Extras/y.mkv", vec!["Show/poster.jpg", "Show/tvshow.nfo"], Some("Show/poster.jpg")),
        ("S01E01.mkv", vec!["Poster.JPG"], Some("Poster.JPG")),
        (
            film,
            vec!["Movies/Alien (1979)/poster.jpg", "Movies/Alien (1979)/folder.jpg"],
            Some("Movies/Alien (1979)/poster.jpg"),
        ),
        (
            film,
            vec!["Movies/Alien (1979)/movie.png", "Movies/Alien (1979)/cover.png"],
            Some("Movies/Alien (1979)/cover.png"),
        ),
        (
            film,
            vec!["Movies/Alien (1979)/poster.jpg", "Movies/Alien (1979)/Alien (1979)-trailer.mkv"],
            Some("Movies/Alien (1979)/poster.jpg"),
        ),
        (
            film,
            vec!["Movies/Alien (1979)/alien (1979)-POSTER.jpg", "Movies/Alien (1979)/poster.jpg"],
            Some("Movies/Alien (1979)/alien (1979)-POSTER.jpg"),
        ),
        (
            film,
            vec![
                "Movies/Alien (1979)/Alien (1979)-thumb.jpg",
                "Movies/Alien (1979)/Alien (1979)-poster.webp",
            ],
            Some("Movies/Alien (1979)/Alien (1979)-poster.webp"),
        ),
        (film, vec!["Movies/poster.jpg", "Movies/Alien (1979)/fanart.jpg"], None),
        // Nobody's where there are several.
        ("Movies/Alien.mkv", vec!["Movies/Aliens.mkv", "Movies/folder.jpg"], None),
        (
            "Movies/Alien.mkv",
            vec!["Movies/Alien 3.mkv", "Movies/folder.jpg", "Movies/Alien.jpg"],
            Some("Movies/Alien.jpg"),
        ),
        (
            "Adverts/soap.mp4",
            vec!["Adverts/soda.mp4", "Adverts/soap.jpg", "Adverts/poster.jpg"],
            Some("Adverts/soap.jpg"),
        ),
        // Tiles for seeking, and what is hidden.
        ("Movies/Alien.mkv", vec!["Movies/Alien.trickplay/Alien.jpg", "Movies/.Alien.jpg"], None),
    ];
    for (media, pictures, expect) in table {
        let files = [&[media][..], &pictures].concat();
        assert_eq!(picture_of(media, &files).as_deref(), expect, "{media} among {pictures:?}");
    }
}

#[test]
fn a_sidecar_names_files_beside_itself() {
    let sidecar = Path::new("/m/Show/Season 1/e.nfo");
    for (text, expect) in [
        ("e.jpg", Some("/m/Show/Season 1/e.jpg")),
        ("./art/../e.PNG", Some("/m/Show/Season 1/e.PNG")),
        ("../poster.webp", Some("/m/Show/poster.webp")),
        ("/srv/art/e.jpg", Some("/srv/art/e.jpg")),
        ("../../../../../e.jpg", Some("/e.jpg")),
        ("https://image.example.org/e.jpg", None),
        ("/etc/passwd", None),
        ("..", None),
    ] {
        assert_eq!(named_picture(sidecar, text).as_deref(), expect, "{text}");
    }
}

/// A catalog, and scans of its media.
struct Scans {
    _dir: tempfile::TempDir,
    media: PathBuf,
    catalog: Catalog,
}

impl Scans {
    fn new(files: &[&str]) -> Scans {
        let (dir, media) = library(files);
        let catalog = Catalog::open(dir.path()).unwrap();
        Scans { _dir: dir, media, catalog }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.media.join(name), text).unwrap();
    }

    fn with(&mut self, command: ProberCommand, part: &str) -> IngestReport {
        let path = self.media.join(part);
        let path = if part.is_empty() { self.media.clone() } else { path };
        let source = IngestSource { path, name: None, asset_type: None };
        Ingest::new(&mut self.catalog, command).run(&[source], &mut Unseen).unwrap()
    }

    fn first(&mut self) -> IngestReport {
        self.with(ProberCommand::new("/bin/bash".into(), ["-c", PEER]), "")
    }

    /// Scans a part again, without a prober; how many were updated and unchanged.
    fn again(&mut self, part: &str) -> (usize, usize) {
        let report = self.with(ProberCommand::new("/no/such/prober".into(), ["probe"]), part);
        assert_eq!((report.added, report.missing), (0, 0), "{report:?}");
        (report.updated, report.unchanged)
    }

    fn picture(&self, asset: &str) -> Option<(PathBuf, i64)> {
        let asset = self.catalog.asset(asset).unwrap();
        let (path, mark) = asset.artwork.map(PathBuf::from).zip(asset.artwork_mark)?;
        let place = self.catalog.artwork(mark).unwrap();
        assert_eq!(place, Some(ArtworkPlace::File(path.clone())), "it is found by its mark");
        Some((path.strip_prefix(&self.media).unwrap().to_owned(), mark))
    }

    fn path(&self, asset: &str) -> Option<String> {
        self.picture(asset).map(|(path, _)| path.to_str().unwrap().to_owned())
    }
}

const PIE: &str = "asset.show.season_1.s01e02";

#[test]
fn a_rescan_takes_up_pictures_that_come_change_and_go_and_probes_nothing() {
    let mut scans = Scans::new(&["Show/Season 1/S01E02.mkv", "Show/Season 1/S01E03.mkv", "Other/x.mkv"]);
    scans.first();
    assert_eq!((scans.path(PIE), scans.again("")), (None, (0, 3)));

    scans.write("Show/poster.jpg", "a poster");
    assert_eq!(scans.again(""), (2, 1));
    let (path, mark) = scans.picture(PIE).unwrap();
    assert_eq!(path, Path::new("Show/poster.jpg"));
    assert_eq!(scans.again(""), (0, 3));
    let snapshot = scans.catalog.snapshot().unwrap();
    let told = crate::catalog::AssetResolver::lookup(&snapshot, PIE).unwrap().artwork.unwrap();
    assert_eq!((told.mark, told.picture), (mark, Some(PictureType::Jpeg)));

    scans.write("Show/poster.jpg", "another poster");
    assert_eq!(scans.again(""), (2, 1));
    let (path, changed) = scans.picture(PIE).unwrap();
    assert!(path == Path::new("Show/poster.jpg") && changed != mark);
    assert_eq!(scans.catalog.artwork(mark).unwrap(), None, "the old one is forgotten");

    scans.write("Show/Season 1/S01E02-thumb.png", "a still");
    assert_eq!(scans.again(""), (1, 2));
    assert_eq!(scans.path(PIE).as_deref(), Some("Show/Season 1/S01E02-thumb.png"));
    // Parts of the source see what lies above and beside them.
    assert_eq!((scans.again("Show/Season 1"), scans.again("Show/Season 1/S01E03.mkv")), ((0, 2), (0, 1)));

    std::fs::remove_file(scans.media.join("Show/Season 1/S01E02-thumb.png")).unwrap();
    std::fs::remove_file(scans.media.join("Show/poster.jpg")).unwrap();
    assert_eq!((scans.again(""), scans.path(PIE)), ((2, 1), None));
    assert_eq!(scans.catalog.check().unwrap(), Vec::<String>::new());
}

#[test]
fn what_a_sidecar_names_goes_first_and_is_followed_without_reading_it_again() {
    let mut scans = Scans::new(&["Show/S01E01.mkv", "Show/S01E01.jpg", "art/far.txt"]);
    scans.write(
        "Show/S01E01.nfo",
        "<episodedetails><title>x</title><thumb>../art/pie.png</thumb></episodedetails>",
    );
    scans.first();
    let asset = "asset.show.s01e01";
    assert_eq!(scans.path(asset).as_deref(), Some("Show/S01E01.jpg"));
    scans.write("art/pie.png", "a pie");
    // Scanned with the rest of the source and without it.
    assert_eq!((scans.again("Show"), scans.path(asset).as_deref()), ((1, 0), Some("art/pie.png")));
    assert_eq!((scans.again(""), scans.again("Show")), ((0, 1), (0, 1)));
    std::fs::remove_file(scans.media.join("art/pie.png")).unwrap();
    assert_eq!((scans.again(""), scans.path(asset).as_deref()), ((1, 0), Some("Show/S01E01.jpg")));
    // What lies outside the source is not taken, whoever names it.
    let outside = scans.media.join("../secret.jpg");
    std::fs::write(&outside, "a secret").unwrap();
    scans.write(
        "Show/S01E01.nfo",
        "<episodedetails><title>x</title><thumb>../../secret.jpg</thumb></episodedetails>",
    );
    assert_eq!((scans.again("Show"), scans.path(asset).as_deref()), ((1, 0), Some("Show/S01E01.jpg")));
    // A series' sidecar names no episode's picture.
    scans.write("Show/S01E01.nfo", "<episodedetails><title>x</title></episodedetails>");
    scans.write("Show/tvshow.nfo", "<tvshow><title>x</title><thumb>S01E01.nfo.jpg</thumb></tvshow>");
    scans.write("Show/S01E01.nfo.jpg", "?");
    assert_eq!((scans.again(""), scans.path(asset).as_deref()), ((1, 0), Some("Show/S01E01.jpg")));
}

#[test]
fn a_film_scanned_by_itself_keeps_the_picture_of_its_folder() {
    let mut scans = Scans::new(&[
        "Movies/Alien/Alien.mkv",
        "Movies/Alien/poster.jpg",
        "Movies/Dune/Dune.mkv",
        "Movies/Dune/Dune 2.mkv",
        "Movies/Dune/poster.jpg",
    ]);
    scans.first();
    let (alien, dune) = ("asset.movies.alien.alien", "asset.movies.dune.dune");
    assert_eq!((scans.path(alien).as_deref(), scans.path(dune)), (Some("Movies/Alien/poster.jpg"), None));
    for part in ["Movies/Alien", "Movies/Alien/Alien.mkv", "Movies/Dune/Dune.mkv"] {
        assert_eq!(scans.again(part).0, 0, "{part}");
    }
    let film = scans.catalog.asset(alien).unwrap();
    assert_eq!(film.asset_type, AssetType::Movie);
}

#[test]
fn pictures_too_large_to_serve_are_passed_over() {
    let mut scans = Scans::new(&["Movies/a.mkv", "Movies/a-thumb.jpg"]);
    for (name, size) in [("a-poster.jpg", LARGEST_PICTURE + 1), ("a-poster.png", 0)] {
        File::create(scans.media.join("Movies").join(name)).unwrap().set_len(size).unwrap();
    }
    scans.first();
    assert_eq!(scans.path("asset.movies.a").as_deref(), Some("Movies/a-thumb.jpg"));
    File::create(scans.media.join("Movies/a-poster.jpg")).unwrap().set_len(LARGEST_PICTURE).unwrap();
    assert_eq!(scans.again(""), (1, 0));
    assert_eq!(scans.path("asset.movies.a").as_deref(), Some("Movies/a-poster.jpg"));
}
