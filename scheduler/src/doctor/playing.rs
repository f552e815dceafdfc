//! Whether AIR's program is there, is of this version, finds its libraries, and plays.

use super::{Check, Installation};
use crate::config::default_format;
use crate::plan::write_black;
use retrovue_control::spawn::find_air;
use retrovue_proto::plan::HouseFormat;
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PROGRAM: &str = "retrovue-air";
const ENCODERS: &str = "encoders";

/// How long AIR's program may take to tell its version: it loads every codec library first, from a slow disk too.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// How long it may take to play a second of black.
const PLAY_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn examine(installation: &Installation, checks: &mut Vec<Check>) {
    let program = match find_air(installation.air_program.as_deref()) {
        Ok(program) => program,
        Err(error) => {
            let fix = "build it with `make build`, and install it beside retrovue or on the PATH";
            checks.push(Check::fail(PROGRAM, error.to_string(), fix));
            return;
        }
    };
    let told = run(Command::new(&program).arg("--version"), VERSION_LIMIT);
    let (check, starts) = judge_version(&program, &told, env!("CARGO_PKG_VERSION"));
    checks.push(check);
    if starts {
        let format = installation.station.as_ref().map_or_else(|_| default_format(), |c| c.format.clone());
        checks.push(play(&program, &format));
    }
}

/// What its answer to `--version` says; whether it starts at all.
fn judge_version(program: &Path, told: &Result<Output, String>, own: &str) -> (Check, bool) {
    let shown = program.display();
    let fix = "build both programs anew with `make build`; `make deps` installs the libraries";
    let output = match told {
        Ok(output) => output,
        Err(reason) => {
            return (Check::fail(PROGRAM, format!("{shown} does not start: {reason}"), fix), false);
        }
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
        return (
            Check::fail(PROGRAM, format!("{shown} does not start ({}): {last}", output.status), fix),
            false,
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [name, version] if *name == PROGRAM && *version == own => {
            (Check::ok(PROGRAM, format!("{shown}, {version}")), true)
        }
        [name, version] if *name == PROGRAM => {
            let said = format!("{shown} is version {version}, retrovue is {own}");
            (Check::fail(PROGRAM, said, "install both programs of one version"), true)
        }
        _ => {
            let said = format!("{shown} does not tell its version; it is another program");
            (Check::fail(PROGRAM, said, "put the one of this version in its place"), false)
        }
    }
}

/// Plays a second of black in the house format: reading, decoding, both encoders and the muxer.
fn play(program: &Path, format: &HouseFormat) -> Check {
    let folder = std::env::temp_dir().join(format!("retrovue-doctor-{}", std::process::id()));
    let played = play_in(&folder, program, format);
    let _ = std::fs::remove_dir_all(&folder);
    match played {
        Ok(()) => {
            let size = format!("{} × {}", format.width, format.height);
            Check::ok(ENCODERS, format!("a second of black was played at {size}"))
        }
        Err(reason) => {
            let fix = "see `format` in the station file; `make deps` installs the libraries, `make build` builds for them";
            Check::fail(ENCODERS, format!("a second of black cannot be played: {reason}"), fix)
        }
    }
}

fn play_in(folder: &Path, program: &Path, format: &HouseFormat) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let black: PathBuf = write_black(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let plan = serde_json::json!({
        "format": format,
        "blocks": [{
            "block_id": "doctor", "channel_id": 1, "start_utc_ms": 0, "end_utc_ms": 1000,
            "segments": [{"segment_index": 0, "asset_uri": black, "asset_start_offset_ms": 0,
                "segment_duration_ms": 1000}],
        }],
    });
    let plan_file = folder.join("plan.json");
    std::fs::write(&plan_file, plan.to_string()).map_err(|e| format!("{}: {e}", plan_file.display()))?;
    let mut command = Command::new(program);
    command.arg("render").arg("--plan").arg(&plan_file).arg("--out").arg(folder.join("black.ts"));
    let output = run(&mut command, PLAY_LIMIT)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    Err(format!("{} ended with {}: {last}", program.display(), output.status))
}

/// Runs a program to its end, or ends it when it takes too long.
fn run(command: &mut Command, limit: Duration) -> Result<Output, String> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (send, ended) = crossbeam_channel::bounded(1);
    let waiting = std::thread::spawn(move || drop(send.send(child.wait_with_output())));
    match ended.recv_timeout(limit) {
        Ok(output) => {
            let _ = waiting.join();
            output.map_err(|e| e.to_string())
        }
        Err(_) => {
            if let Some(pid) = pid {
                let _ = kill_process(pid, Signal::KILL);
            }
            Err(format!("it did not end within {} s", limit.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn versions_and_failures_to_start_are_told_apart() {
        let output = |code: i32, out: &str, err: &str| {
            let status = ExitStatus::from_raw(code << 8);
            Ok(Output { status, stdout: out.into(), stderr: err.into() })
        };
        let missing =
            "air: error while loading shared libraries: libavcodec.so.59: cannot open shared object file";
        for (told, level, part, starts) in [
            (output(0, "retrovue-air 1.2.3\n", ""), Level::Ok, "1.2.3", true),
            (output(0, "retrovue-air 1.2.2\n", ""), Level::Fail, "is version 1.2.2", true),
            (output(0, "BusyBox v1\n", ""), Level::Fail, "another program", false),
            (output(127, "", missing), Level::Fail, "libavcodec.so.59", false),
            (Err("Exec format error".into()), Level::Fail, "Exec format error", false),
        ] {
            let (check, started) = judge_version(Path::new("/opt/air"), &told, "1.2.3");
            assert_eq!((check.level, started), (level, starts), "{check:?}");
            assert!(check.said.contains(part), "{check:?}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let said = run(Command::new("sleep").arg("1000"), Duration::from_millis(1)).unwrap_err();
        assert!(said.contains("did not end"), "{said}");
        assert_eq!(run(&mut Command::new("true"), VERSION_LIMIT).unwrap().status.code(), Some(0));
    }
}
