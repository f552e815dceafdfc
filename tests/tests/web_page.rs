//! The home page in a real browser: Chromium without a screen, as Debian has it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::clip::plain;
use retrovue_tests::programs::run;
use retrovue_tests::station::Station;
use retrovue_tests::viewer::page;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_browser_shows_channels_events_and_artwork() {
    let Some(browser) = Browser::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let media = dir.path().join("media");
    let show = media.join("The Show");
    std::fs::create_dir_all(&show).unwrap();
    let _ = plain("S01E01 - <i>Tom & Jerry.mp4", 40).make(&show);
    magenta(&show.join("poster.png"));
    let (media_text, data) = (media.to_string_lossy(), dir.path().join("data"));
    let arguments = ["demo", "--media", &media_text, "--data-dir", &data.to_string_lossy(), "--port", "0"];
    let station = Station::launch(dir.path(), &arguments);
    let address = format!("http://{}/", station.address);
    assert!(page(&station.address, "/guide.xml").contains("<icon"), "the poster is known");

    let document = browser.document(&address);
    assert_eq!(document.matches("class=\"card\"").count(), 3, "{document}");
    assert_eq!(document.matches("class=\"row\"").count(), 3, "{document}");
    // A title is no markup, whatever it looks like.
    assert!(document.contains("&lt;i&gt;Tom &amp; Jerry") && !document.contains("<i>Tom"), "{document}");

    for (width, height) in [(1_280, 900), (390, 1_600)] {
        let picture = browser.picture(&address, (width, height), dir.path());
        assert_eq!(picture.len(), width * height * 3);
        let pixels = || picture.chunks_exact(3);
        // The style's night behind it all, and the poster on each card, drawn from what the station serves.
        let nights = pixels().filter(|p| p[0] < 64 && p[1] < 64 && p[2] > p[0]).count();
        assert!(nights > width * height / 4, "{nights} of {width}x{height}");
        let posters = pixels().filter(|p| p[0] > 190 && p[1] < 60 && p[2] > 190).count();
        assert!(posters > 3 * 2_000, "{posters} pixels of the poster at {width}x{height}");
        // Nothing is cut off at the right: the margin there is as dark as the one at the left.
        let bright_in = |column: usize| {
            let rows = (0..height).map(|y| &picture[(y * width + column) * 3..][..3]);
            rows.filter(|p| p.iter().any(|&value| value > 160)).count()
        };
        assert_eq!((bright_in(1), bright_in(width - 2)), (0, 0), "{width} wide");
    }
}

/// A picture of one colour that the page has nowhere else.
fn magenta(path: &Path) {
    let path = path.to_string_lossy();
    let color = ["-v", "error", "-f", "lavfi", "-i", "color=magenta:s=200x300:d=1", "-frames:v", "1"];
    run(Command::new("ffmpeg").args(color).arg(&*path));
}

/// Debian's Chromium with a profile of its own.
struct Browser {
    profile: tempfile::TempDir,
}

impl Browser {
    /// None, and a line that says so, where there is no such package: Ubuntu has it as a snap only.
    fn find() -> Option<Browser> {
        let version = Command::new("chromium").arg("--version").stdin(Stdio::null()).output();
        if version.is_ok_and(|output| output.status.success()) {
            return Some(Browser { profile: tempfile::tempdir().unwrap() });
        }
        eprintln!("no chromium here: the page is not looked at");
        None
    }

    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--no-first-run", "--force-device-scale-factor=1"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        output.stdout
    }

    /// What the browser made of the page's text.
    fn document(&self, address: &str) -> String {
        String::from_utf8(self.run(&["--dump-dom", address])).unwrap()
    }

    /// The page as it is seen, three bytes a pixel.
    fn picture(&self, address: &str, (width, height): (usize, usize), dir: &Path) -> Vec<u8> {
        let path = dir.join(format!("page-{width}.png"));
        let (screenshot, size) =
            (format!("--screenshot={}", path.display()), format!("--window-size={width},{height}"));
        self.run(&[&screenshot, &size, address]);
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&path)
            .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
        decoded.stdout
    }
}
