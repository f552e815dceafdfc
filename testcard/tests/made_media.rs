//! The files as another reader sees them: whole, of the right length, the same every time.

use retrovue_testcard::{Item, Length, produce, repertoire};
use std::fs;
use std::path::Path;
use std::process::Command;

fn item(name: &str) -> Item {
    repertoire(Length::Quick).into_iter().find(|item| item.path.contains(name)).expect("an item of that name")
}

fn ffprobe(path: &Path) -> serde_json::Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-count_frames", "-show_chapters", "-show_entries"])
        .arg("format=duration:stream=codec_type,codec_name,width,height,avg_frame_rate,nb_read_frames,duration,channels,sample_rate")
        .arg(path)
        .output()
        .expect("ffprobe is installed for the tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON of ffprobe")
}

#[test]
fn an_episode_decodes_whole_with_its_chapters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("episode.mp4");
    let mut frames = 0;
    produce(&item("Gulls at Dawn"), &path, || frames += 1).unwrap();
    let probe = ffprobe(&path);
    let video = &probe["streams"][0];
    assert_eq!(
        (&video["codec_name"], &video["width"], &video["height"]),
        (&"h264".into(), &1280.into(), &720.into())
    );
    assert_eq!(
        (&video["avg_frame_rate"], &video["nb_read_frames"]),
        (&"30/1".into(), &frames.to_string().into())
    );
    let audio = &probe["streams"][1];
    assert_eq!(
        (&audio["codec_name"], &audio["sample_rate"], &audio["channels"]),
        (&"aac".into(), &"48000".into(), &2.into())
    );
    let seconds: f64 = probe["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!((seconds - f64::from(frames) / 30.0).abs() < 0.001, "{seconds} s for {frames} frames");
    let titles: Vec<&str> =
        probe["chapters"].as_array().unwrap().iter().filter_map(|c| c["tags"]["title"].as_str()).collect();
    assert_eq!(titles, ["Part One", "Part Two"]);
}

#[test]
fn the_old_film_keeps_its_shape_and_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    let mut frames = 0;
    produce(&item("Paper Moon"), &path, || frames += 1).unwrap();
    let video = &ffprobe(&path)["streams"][0];
    assert_eq!(
        (&video["width"], &video["height"], &video["avg_frame_rate"]),
        (&640.into(), &480.into(), &"25/1".into())
    );
    assert_eq!(video["nb_read_frames"], frames.to_string());
}

#[test]
fn the_same_item_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["a.mp4", "b.mp4"].map(|name| {
        let path = folder.path().join(name);
        produce(&item("Stay tuned"), &path, || {}).unwrap();
        fs::read(path).unwrap()
    });
    assert!(made[0] == made[1]);
}

#[test]
fn a_failure_names_the_file_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no such folder/x.mp4");
    let error = produce(&item("Stay tuned"), &path, || {}).unwrap_err();
    assert!(error.to_string().contains("x.mp4"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
