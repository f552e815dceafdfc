//! Plans for `retrovue-air render`, and its answers.

use crate::programs::binary;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Start of the first block in every plan made here.
pub const START: i64 = 1_700_000_000_000;

/// A segment: asset, offset and duration in milliseconds.
pub type Cut<'a> = (&'a Path, i64, i64);

/// A plan of contiguous blocks from [`START`], at 640 × 360 and `rate`.
#[must_use]
pub fn plan(rate: (i64, i64), blocks: &[&[Cut<'_>]]) -> Value {
    let mut at = START;
    let blocks: Vec<Value> = blocks
        .iter()
        .enumerate()
        .map(|(n, cuts)| {
            let start = at;
            at += cuts.iter().map(|cut| cut.2).sum::<i64>();
            let segments: Vec<Value> = cuts
                .iter()
                .enumerate()
                .map(|(i, (path, offset, duration))| {
                    json!({"segment_index": i, "asset_uri": path, "asset_start_offset_ms": offset,
                           "segment_duration_ms": duration})
                })
                .collect();
            json!({"block_id": format!("B{n}"), "channel_id": 1, "start_utc_ms": start, "end_utc_ms": at,
                   "segments": segments})
        })
        .collect();
    json!({
        "format": {"width": 640, "height": 360, "fps_num": rate.0, "fps_den": rate.1,
                   "video_bitrate_kbps": 1500, "audio_bitrate_kbps": 128, "gop_frames": 30},
        "blocks": blocks,
    })
}

/// `plan` with pictures of another size, at a quarter of the bit rate: for tests of many frames.
#[must_use]
pub fn sized(mut plan: Value, (width, height): (usize, usize)) -> Value {
    plan["format"]["width"] = json!(width);
    plan["format"]["height"] = json!(height);
    plan["format"]["video_bitrate_kbps"] = json!(375);
    plan
}

/// What a rendering answered.
#[derive(Debug)]
pub struct Rendered {
    /// Exit code.
    pub exit: i32,
    /// The JSON on standard output; null when there was none.
    pub report: Value,
    /// Standard error.
    pub errors: String,
    /// The stream.
    pub path: PathBuf,
}

/// Renders `plan` into `dir/name`.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn render(dir: &Path, name: &str, plan: &Value, join: Option<i64>) -> Rendered {
    render_by(&binary("retrovue-air"), dir, name, plan, join)
}

/// Renders `plan` into `dir/name` with `program` in the place of `retrovue-air`.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn render_by(program: &Path, dir: &Path, name: &str, plan: &Value, join: Option<i64>) -> Rendered {
    let plan_path = dir.join(format!("{name}.json"));
    std::fs::write(&plan_path, plan.to_string()).expect("the test folder can be written");
    let path = dir.join(name);
    let mut command = Command::new(program);
    command.arg("render").arg("--plan").arg(&plan_path).arg("--out").arg(&path).arg("--json");
    if let Some(join) = join {
        command.arg("--join-utc-ms").arg(join.to_string());
    }
    let output = command.stdin(Stdio::null()).output().expect("retrovue-air starts");
    Rendered {
        exit: output.status.code().unwrap_or(-1),
        report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        path,
    }
}
