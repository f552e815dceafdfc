//! What `probe` tells about real files, and what both probes say about files that are none.

use crate::clips::{clip, generated, shape, turned, wav};
use retrovue_codec::{AssetReader, MediaError, MediaErrorKind, probe, probe_duration};
use retrovue_timebase::Millis;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[test]
fn tracks_and_chapters_are_described() {
    let sound = wav(48_000, 6, 2.0);
    let folder = tempfile::tempdir().unwrap();
    let metadata = folder.path().join("chapters.txt");
    std::fs::write(
        &metadata,
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\ntitle=Teaser\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=2000\n",
    )
    .unwrap();
    let path = folder.path().join("full.mkv");
    let status = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=s=720x576:r=25:d=2",
            "-i",
            sound.to_str().unwrap(),
        ])
        .args(["-i", metadata.to_str().unwrap(), "-map", "0:v", "-map", "1:a", "-map", "1:a"])
        .args(["-map_chapters", "2", "-vf", "setsar=16/15,format=yuv420p", "-c:v", "libx264"])
        .args(["-c:a:0", "ac3", "-c:a:1", "aac", "-ac:a:1", "2", "-metadata:s:a:1", "language=fre"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    let info = probe(&path).unwrap();
    assert!(info.container.contains("matroska"));
    // Matroska keeps the length of the longest packet run, priming included.
    assert!((2_000..=2_050).contains(&info.duration.unwrap().0), "{:?}", info.duration);
    let video = info.video.as_ref().unwrap();
    assert_eq!((video.codec.as_str(), video.width, video.height), ("h264", 720, 576));
    assert_eq!((video.sample_aspect, video.frame_rate), ((16, 15), Some((25, 1))));
    assert_eq!((video.interlaced, video.rotation, video.bits_per_sample), (false, 0, Some(8)));
    assert_eq!(info.audio.len(), 2);
    assert_eq!((info.audio[0].codec.as_str(), info.audio[0].channels), ("ac3", 6));
    assert_eq!((info.audio[1].codec.as_str(), info.audio[1].sample_rate), ("aac", 48_000));
    assert_eq!(info.audio[1].language.as_deref(), Some("fre"));
    assert_eq!(info.chapters.len(), 2);
    assert_eq!((info.chapters[0].end, info.chapters[0].title.as_deref()), (Millis(800), Some("Teaser")));
    assert_eq!((info.chapters[1].start, info.chapters[1].title.as_deref()), (Millis(800), None));
    let json = serde_json::to_value(&info).unwrap();
    assert_eq!(json["video"]["sample_aspect"], serde_json::json!([16, 15]));
    assert_eq!(json["chapters"][0]["end"], 800);
}

#[test]
fn lengths_are_told_quickly_and_rightly() {
    let sound = wav(48_000, 2, 6.0);
    let input = ["-i", sound.to_str().unwrap()];
    let video = ["-c:v", "libx264", "-g", "25", "-preset", "ultrafast"];
    for (path, length) in [
        (clip("length.mp4", 50, "25", &[], &video), 2_000),
        (clip("length.mkv", 50, "25", &[], &video), 2_000),
        (clip("length.ts", 50, "25", &[], &video), 2_000),
        (clip("length.avi", 50, "25", &[], &["-c:v", "mpeg4"]), 2_000),
        (clip("length.mp4", 50, "30000/1001", &[], &video), 1_668),
        (generated("length.flac", &input), 6_000),
        (sound.clone(), 6_000),
        (generated("length.mp3", &[&input[..], &["-b:a", "128k"]].concat()), 6_024),
    ] {
        let found = probe_duration(&path).unwrap().unwrap().0;
        // FFmpeg 7 takes the last picture of a transport stream for a field.
        assert!((length - 20..=length + 45).contains(&found), "{path:?}: {found}");
        let described = probe(&path).unwrap().duration.unwrap().0;
        assert!(described.abs_diff(found) <= 20, "{path:?}: {described} and {found}");
    }
}

#[test]
fn interlaced_and_turned_tracks_are_told() {
    let fields = clip(
        "fields.ts",
        60,
        "25",
        &[],
        &[
            "-vf",
            "setfield=tff",
            "-c:v",
            "mpeg2video",
            "-flags",
            "+ildct+ilme",
            "-q:v",
            "3",
            "-g",
            "12",
            "-bf",
            "2",
        ],
    );
    assert!(probe(&fields).unwrap().video.unwrap().interlaced);
    let plain = clip("plain.mp4", 50, "25", &[], &["-c:v", "libx264", "-g", "25"]);
    let turned = turned(&plain, 180);
    assert_eq!(probe(&turned).unwrap().video.unwrap().rotation, 180);
}

#[test]
fn cover_art_is_no_video() {
    let sound = wav(48_000, 2, 6.0);
    let cover = generated("cover.png", &["-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1"]);
    for (name, codec) in [("cover.mp3", "libmp3lame"), ("cover.flac", "flac"), ("cover.m4a", "aac")] {
        let path = generated(
            name,
            &[
                "-i",
                sound.to_str().unwrap(),
                "-i",
                cover.to_str().unwrap(),
                "-map",
                "0:a",
                "-map",
                "1:v",
                "-c:a",
                codec,
                "-c:v",
                "copy",
                "-disposition:v",
                "attached_pic",
            ],
        );
        let info = probe(&path).unwrap();
        assert!(info.video.is_none(), "{name}");
        assert_eq!(info.audio.len(), 1);
        let mut reader = AssetReader::open(&path, &shape(25, 1)).unwrap();
        reader.start_at(Millis(1_000)).unwrap();
        assert_eq!(reader.audio(&mut [0; 2_000]).unwrap(), 1_000, "{name}");
    }
}

/// Both probes and the reader refuse alike.
fn refused(path: &Path) -> MediaError {
    let error = probe(path).expect_err("no media");
    assert_eq!(probe_duration(path).expect_err("no media").kind(), error.kind(), "{path:?}");
    let opened = AssetReader::open(path, &shape(25, 1)).err().expect("no media");
    assert_eq!(opened.kind(), error.kind(), "{path:?}: {opened} / {error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    error
}

#[test]
fn what_is_no_media_is_refused_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    assert!(matches!(refused(Path::new("/no/such/film.mp4")), MediaError::NotFound { .. }));
    assert!(matches!(refused(&folder.path().join("gone.mkv")), MediaError::NotFound { .. }));
    assert_eq!(refused(&folder.path().join("gone.mkv")).kind(), MediaErrorKind::Missing);
    assert!(matches!(refused(folder.path()), MediaError::Unreadable { .. }));
    assert!(matches!(refused(Path::new("/dev/null")), MediaError::Unreadable { .. }));
    assert!(matches!(refused(&file("empty.mp4", b"")), MediaError::NotMedia { .. }));
    let text = "The quick brown fox jumps over the lazy dog.\n".repeat(200);
    assert!(matches!(refused(&file("notes.txt", text.as_bytes())), MediaError::NotMedia { .. }));
    assert!(matches!(refused(&file("notes.mp4", text.as_bytes())), MediaError::NotMedia { .. }));
    assert!(matches!(refused(&file("zero.mkv", &[0; 5_000])), MediaError::NotMedia { .. }));
    // Neither pictures nor playlists are media, least of all ones that point elsewhere.
    let list = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    assert!(matches!(refused(&file("list.m3u8", list)), MediaError::NotMedia { .. }));
    assert!(matches!(
        refused(&file("list.ffconcat", b"ffconcat version 1.0\nfile a.mp4\n")),
        MediaError::NotMedia { .. }
    ));
    let cover = generated("cover.png", &["-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1"]);
    assert!(matches!(refused(&cover), MediaError::NotMedia { .. }));
    // Subtitles alone.
    let subtitles = file("lines.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n");
    let silent = generated("subtitles.mkv", &["-i", subtitles.to_str().unwrap(), "-c:s", "srt"]);
    assert!(matches!(refused(&silent), MediaError::NoStreams { .. }));
    // A name that looks like an address is still a file.
    assert!(matches!(refused(Path::new("http://localhost/film.mp4")), MediaError::NotFound { .. }));
}

#[test]
fn an_unreadable_file_is_refused_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.mp4");
    std::fs::write(&path, b"x").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        // The superuser reads everything.
        return;
    }
    assert!(matches!(refused(&path), MediaError::Unreadable { .. }));
}
