//! `retrovue demo --media`: a station over a folder of one's own, as a newcomer would start it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::programs::binary;
use retrovue_tests::station::Station;
use retrovue_tests::viewer::{get, page};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn three_channels_over_a_folder_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let media = dir.path().join("My Films");
    std::fs::create_dir_all(media.join("The Show")).unwrap();
    let _ = plain("S01E01 - One.mp4", 7).make(&media.join("The Show"));
    let _ = plain("S01E02 - Two.mp4", 5).make(&media.join("The Show"));
    std::fs::write(media.join("broken.mkv"), b"no film").unwrap();
    let before: Vec<_> = listing(&media);

    let data = dir.path().join("data");
    let (media_text, data_text) = (media.to_string_lossy(), data.to_string_lossy());
    let arguments = ["demo", "--media", &media_text, "--data-dir", &data_text, "--port", "0"];
    let station = Station::launch(dir.path(), &arguments);
    let list = page(&station.address, "/channels.m3u");
    let ids: Vec<&str> = list
        .lines()
        .filter_map(|line| line.rsplit_once("/channel/").map(|(_, id)| id.trim_end_matches(".ts")))
        .collect();
    assert_eq!(ids, ["order", "shuffle", "nonstop"], "{list}");
    for id in ids {
        let (head, mut viewer) = get(&station.address, &format!("/channel/{id}.ts"));
        assert!(head.starts_with("HTTP/1.1 200"), "{id}: {head}");
        let tuned = viewer.tune_in(viewer.asked.elapsed());
        assert!(tuned.first_idr < Duration::from_secs(5), "{id}: {tuned:?}");
    }
    assert_eq!(listing(&media), before, "the folder is only read");
}

fn listing(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let inner: Vec<_> = paths.iter().filter(|p| p.is_dir()).flat_map(|p| listing(p)).collect();
    paths.extend(inner);
    paths.sort();
    paths
}

#[test]
fn a_folder_without_films_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    for (media, says) in [(dir.path(), "no file in it can air"), (missing.as_path(), "cannot be read")] {
        let output = Command::new(binary("retrovue"))
            .args(["demo", "--port", "0", "--media"])
            .arg(media)
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains(says) && !errors.contains("panicked"), "{errors}");
    }
}
