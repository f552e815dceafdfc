//! An installation in a folder of its own: both programs, a station file, a channel, media and a catalog. The prober
//! is a stand-in that takes every file for 22 minutes of film.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Stands for AIR's program. What is called broken is no media.
pub(crate) const AIR: &str = r#"#!/bin/bash
case "$1" in
  --version) echo "retrovue-air VERSION";;
  render) exit 0;;
  probe) while IFS= read -r p; do case "$p" in
    *broken*) printf '{"path":"%s","error":{"code":"NOT_MEDIA","detail":"not media"}}\n' "$p";;
    *) printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1320000,"video":{"codec":"h264"},"audio":[],"chapters":[]}}\n' "$p";;
  esac; done;;
esac
"#;

pub(crate) const STATION: &str = "station: T\nmedia: [media]\nchannels: ['*.chan.yaml']\nport: 0\n";

/// Round the clock, so that nothing is open.
pub(crate) const ONE: &str = "channel: one\nname: One\ntimezone: America/New_York\nschedule:\n  daily: {start: '06:00', until: '06:00', program: p.the_show}\n";

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A sound installation, scanned.
    pub(crate) fn sound() -> Folder {
        let folder = Folder::unscanned();
        let report = folder.json("ingest --json");
        assert_eq!(report["added"], 3, "{report}");
        folder
    }

    /// The same before its first scan.
    pub(crate) fn unscanned() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write("station.yaml", STATION);
        folder.write("one.chan.yaml", ONE);
        for name in ["The Show/S01E01.mp4", "The Show/S01E02.mp4", "filler/Clouds.mp4"] {
            folder.write(&format!("media/{name}"), name);
        }
        folder.install_air(AIR);
        let bin = folder.path("bin/retrovue");
        if std::fs::hard_link(env!("CARGO_BIN_EXE_retrovue"), &bin).is_err() {
            folder.install(Path::new(env!("CARGO_BIN_EXE_retrovue")), &bin);
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Puts a program of this text in the place of AIR's.
    pub(crate) fn install_air(&self, script: &str) {
        self.write("air.sh", &script.replace("VERSION", env!("CARGO_PKG_VERSION")));
        std::fs::create_dir_all(self.path("bin")).unwrap();
        self.install(&self.path("air.sh"), &self.path("bin/retrovue-air"));
    }

    /// Another process writes programs: one that this process had open for writing while another test forks could not
    /// be started (ETXTBSY).
    fn install(&self, from: &Path, to: &Path) {
        assert!(Command::new("install").args(["-m", "755"]).args([from, to]).status().unwrap().success());
    }

    /// A command line in the folder. `retrovue-air` is beside the program, and nowhere else.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(self.path("bin/retrovue"));
        command.args(arguments.split_whitespace());
        self.set_up(&mut command);
        command
    }

    /// A shell's command line in the folder; `$RETROVUE` is the program.
    pub(crate) fn shell(&self, script: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("RETROVUE", self.path("bin/retrovue"));
        self.set_up(&mut command);
        command.output().unwrap()
    }

    fn set_up(&self, command: &mut Command) {
        command
            .current_dir(self.0.path())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("TZ", "UTC")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("TMPDIR")
            .env_remove("RETROVUE_LOG")
            .stdin(Stdio::null());
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The JSON of a command that ends well.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The catalog's own database, for what no verb does.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("data/catalog.sqlite")).unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
