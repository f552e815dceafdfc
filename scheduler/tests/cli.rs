//! The `retrovue` program as an operator meets it: results, findings, exit codes.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ASSETS: &str = r#"{"assets":[
  {"id":"asset.show.1","title":"One","type":"episode","collection":"col.show","season":1,"episode":1,"duration_sec":1320,"chapter_markers_sec":[300,700,1100],"uri":"one.mp4"},
  {"id":"asset.show.2","title":"Two","type":"episode","collection":"col.show","season":1,"episode":2,"duration_sec":1320,"uri":"two.mp4"},
  {"id":"asset.filler","title":"Filler","type":"filler","collection":"col.filler","duration_sec":60,"uri":"filler.mp4"}],
 "programs":[{"id":"p.show","title":"The Show","collection":"col.show"}]}"#;

const CHANNEL: &str = "channel: one\nbroadcast_day: 1989-10-12\ntimezone: America/New_York\nschedule:\n  weeknights:\n    start: '20:00'\n    slots:\n      - program: p.show\n      - {program: p.show, episode_selector: {mode: random}}\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Folder(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs a command line in the folder, with the prober below on the PATH.
    fn run(&self, arguments: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new(env!("CARGO_BIN_EXE_retrovue"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", self.path().join("bin").display()))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command line with `input` on its standard input.
    fn feed(&self, arguments: &str, input: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_retrovue"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn json(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A peer that answers the prober's lines out of ffprobe, for where `retrovue-air` is not built yet.
    fn with_prober(self) -> Folder {
        use std::os::unix::fs::PermissionsExt;
        let script = "#!/bin/bash\nwhile IFS= read -r p; do\n  d=$(ffprobe -v error -show_entries format=duration -of csv=p=0 \"$p\" 2>/dev/null)\n  if [ -n \"$d\" ]; then ms=$(printf '%.0f' \"${d}e3\"); printf '{\"path\":\"%s\",\"ok\":{\"container\":\"mp4\",\"duration_ms\":%s,\"video\":{\"codec\":\"h264\"},\"audio\":[],\"chapters\":[]}}\\n' \"$p\" \"$ms\"\n  else printf '{\"path\":\"%s\",\"error\":{\"code\":\"NOT_MEDIA\",\"detail\":\"not media\"}}\\n' \"$p\"; fi\ndone\n";
        let bin = self.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let program = bin.join("retrovue-air");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn film(path: &Path, seconds: u32) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10", "-t", &seconds.to_string()])
        .args(["-c:v", "libx264", "-preset", "ultrafast"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn compile_prints_program_schedule_v2_and_is_repeatable() {
    let folder = Folder::new(&[("one.yaml", CHANNEL), ("assets.json", ASSETS)]);
    let first = folder.json("programming compile one.yaml --catalog assets.json --json");
    assert_eq!(first["version"], "program-schedule.v2");
    assert_eq!(first["program_blocks"][0]["start_at"], "1989-10-12T20:00:00-04:00");
    assert_eq!(first["program_blocks"][0]["asset_id"], "asset.show.1");
    assert_eq!(first["program_blocks"][0]["selector"], serde_json::json!({"mode": "sequential", "seed": 42}));
    assert_eq!(first["source"]["compiler_version"], "2.0.0");
    assert_eq!(folder.json("programming compile one.yaml --catalog assets.json --json"), first);
    let seeded = folder.json("programming compile one.yaml --catalog assets.json --seed 7 --json");
    assert_eq!(seeded["program_blocks"][0]["selector"]["seed"], 7);
    let day = folder.json("programming compile one.yaml --catalog assets.json --day 1989-10-13 --json");
    assert_eq!(day["program_blocks"][0]["asset_id"], "asset.show.2");
    let weekend = folder.json("programming compile one.yaml --catalog assets.json --day 1989-10-14 --json");
    assert_eq!(weekend["program_blocks"], serde_json::json!([]));
}

#[test]
fn expand_prints_acts_and_a_plan_that_air_reads() {
    let folder = Folder::new(&[("one.yaml", CHANNEL), ("assets.json", ASSETS)]);
    let log = folder.json("programming expand one.yaml --catalog assets.json --json");
    let show = log["log"].as_array().unwrap().iter().find(|b| b["asset_id"] == "asset.show.1").unwrap();
    let lengths: Vec<i64> =
        show["entries"].as_array().unwrap().iter().map(|e| e["duration_ms"].as_i64().unwrap()).collect();
    assert_eq!(lengths, [300_000, 160_000, 400_000, 160_000, 400_000, 160_000, 220_000]);
    let plan: retrovue_proto::plan::Plan = serde_json::from_value(log).unwrap();
    let whole: i64 = plan.blocks.iter().map(|b| b.end_utc_ms.since(b.start_utc_ms).0).sum();
    assert_eq!(whole, 86_400_000);
    assert!(plan.blocks.windows(2).all(|w| w[0].end_utc_ms == w[1].start_utc_ms));
}

#[test]
fn expand_prints_the_cues_of_a_station_that_has_them() {
    let station = "media: [.]\nchannels: [one.yaml]\ncues: true\n";
    let folder = Folder::new(&[("one.yaml", CHANNEL), ("assets.json", ASSETS), ("cued.yaml", station)]);
    let expand = "programming expand one.yaml --catalog assets.json";
    let plain = text(&folder.run(expand).stdout);
    assert!(plain.contains("ad block 1") && !plain.contains("cue"), "{plain}");
    let cued = text(&folder.run(&format!("{expand} --config cued.yaml")).stdout);
    let lines: Vec<&str> = cued.lines().map(str::trim).collect();
    let first = lines.iter().position(|line| line.starts_with("cue out")).unwrap();
    assert!(lines[first].starts_with("cue out     300000 ms in, event "), "{cued}");
    assert!(lines[first + 1].starts_with("ad block 1"), "{cued}");
    assert!(lines[first + 2].starts_with("cue in      460000 ms in, event "), "{cued}");
    assert_eq!(lines[first].split("event").last(), lines[first + 2].split("event").last());
    let log = folder.json(&format!("{expand} --config cued.yaml --json"));
    let cues = |log: &Value| -> usize {
        let blocks = log["blocks"].as_array().unwrap();
        blocks.iter().map(|block| block["cues"].as_array().map_or(0, Vec::len)).sum()
    };
    assert_eq!(cues(&log), cued.matches("cue ").count());
    assert_eq!(cues(&folder.json(&format!("{expand} --json"))), 0);
}

#[test]
fn expand_shows_what_traffic_chose_for_each_break_and_the_lengths_sum_up() {
    let spots: String = [("ads.0", "commercial", 30), ("ads.1", "commercial", 60), ("ads.2", "commercial", 25), ("ads.3", "commercial", 45)]
        .iter()
        .map(|(id, kind, seconds)| {
            format!("{{\"id\":\"asset.{id}\",\"title\":\"{id}\",\"type\":\"{kind}\",\"collection\":\"col.ads\",\"duration_sec\":{seconds},\"uri\":\"{id}.mp4\"}},")
        })
        .collect();
    let assets = ASSETS.replacen("{\"assets\":[", &format!("{{\"assets\":[{spots}"), 1);
    let channel = format!("{CHANNEL}traffic: {{commercials: col.ads}}\n");
    let folder = Folder::new(&[("one.yaml", &channel), ("assets.json", &assets)]);
    let output = folder.run("programming expand one.yaml --catalog assets.json");
    let shown = text(&output.stdout);
    let first = shown.lines().skip_while(|line| !line.contains("ad block 1  160000")).skip(1);
    let spots: Vec<&str> = first.take_while(|line| line.starts_with("            ")).collect();
    let lengths: Vec<i64> = spots
        .iter()
        .map(|line| line.split_whitespace().nth(1).unwrap().trim_end_matches("ms").parse().unwrap())
        .collect();
    assert_eq!(lengths.iter().sum::<i64>(), 160_000, "{shown}");
    assert!(
        spots.iter().filter(|line| line.contains("commercial") && line.contains("asset.ads.")).count() == 4,
        "{shown}"
    );
}

#[test]
fn validate_says_everything_and_ends_with_its_codes() {
    let wrong = CHANNEL.replace("p.show\n", "p.shw\n").replace("'20:00'", "'20:10'");
    let folder = Folder::new(&[("one.yaml", CHANNEL), ("wrong.yaml", &wrong), ("assets.json", ASSETS)]);
    let good = folder.run("programming validate one.yaml --catalog assets.json");
    assert_eq!(good.status.code(), Some(0));
    let gaps = "nothing is scheduled from 06:00 to 20:00, from 21:00 to 06:00, 23:00:00 in all";
    assert!(text(&good.stderr).contains(gaps), "{}", text(&good.stderr));
    let strict = folder.run("programming validate one.yaml --catalog assets.json --strict");
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict.stderr).contains("error[gap]"), "{}", text(&strict.stderr));
    assert_eq!(
        folder.run("programming compile one.yaml --catalog assets.json --strict").status.code(),
        Some(1)
    );
    let output = folder.run("programming validate wrong.yaml --catalog assets.json --json");
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["ok"], false);
    let lines: Vec<u64> =
        found["findings"].as_array().unwrap().iter().map(|f| f["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [6, 8], "{found}");
    let first = serde_json::json!({"file": "wrong.yaml", "line": 6, "column": 12, "end": {"line": 6, "column": 19},
        "severity": "error", "code": "off-grid", "message": "20:10 is off the grid of 30 min",
        "remedy": "programs start on grid lines; move it, or set grid: for the channel"});
    assert_eq!(found["findings"][0], first);
    let shown = text(&folder.run("programming validate wrong.yaml --catalog assets.json").stderr);
    for part in ["wrong.yaml:8:18", "^^^^^", "did you mean p.show?", "off the grid of 30 min"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for (arguments, code) in [
        ("programming validate nix.yaml", 3),
        ("programming compile one.yaml", 3),
        ("programming compile wrong.yaml --catalog assets.json", 1),
        ("programming compile one.yaml --catalog nix.json", 3),
        ("programming compile one.yaml --catalog one.yaml", 3),
        ("programming compile one.yaml --catalog assets.json --day someday", 2),
        ("serve", 3),
        ("frobnicate", 2),
        ("asset list", 3),
        ("ingest nowhere", 1),
        ("ingest . --data-dir one.yaml", 5),
        ("--version", 0),
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {}", text(&output.stderr));
        assert!(code == 0 || (output.stdout.is_empty() && !output.stderr.is_empty()), "{arguments}");
    }
}

#[test]
fn an_editor_feeds_what_it_has_and_the_horizon_is_compiled_at_once() {
    let shared = "templates: {evening: {start: '20:00', slots: [{program: p.show}]}}\n";
    let folder = Folder::new(&[("one.yaml", CHANNEL), ("assets.json", ASSETS)]);
    std::fs::create_dir(folder.path().join("channels")).unwrap();
    std::fs::write(folder.path().join("channels/shared.yaml"), shared).unwrap();
    let unsaved = "channel: one\ninclude: shared.yaml\nschedule:\n  daily: {use: evenign}\n";
    let line = "programming validate - --stdin-path channels/one.yaml --catalog assets.json --json";
    let found: Value = serde_json::from_slice(&folder.feed(line, unsaved).stdout).unwrap();
    let finding = &found["findings"][0];
    assert_eq!((&finding["file"], &finding["line"]), (&"channels/one.yaml".into(), &4.into()), "{found}");
    assert_eq!(finding["remedy"], "did you mean \"evening\"?");
    let compiled = folder.feed("programming compile - --catalog assets.json --json", CHANNEL);
    assert_eq!(compiled.status.code(), Some(0), "{}", text(&compiled.stderr));
    let days = folder.json("programming compile one.yaml --catalog assets.json --days 4 --json");
    let shown: Vec<(&str, usize)> = days
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (day["broadcast_day"].as_str().unwrap(), day["program_blocks"].as_array().unwrap().len()))
        .collect();
    assert_eq!(shown, [("1989-10-12", 2), ("1989-10-13", 2), ("1989-10-14", 0), ("1989-10-15", 0)]);
    let schema = folder.json("programming schema");
    assert_eq!(schema["required"], serde_json::json!(["channel", "schedule"]));
}

#[test]
fn media_become_assets_channels_and_a_guide() {
    let station = "station: T\nmedia: [media]\nchannels: [one.yaml]\n";
    let channel = "channel: one\nname: One\ngrid: 10s\nschedule:\n  daily: {start: '06:00', until: '06:00', program: p.the_show}\n";
    let folder = Folder::new(&[("station.yaml", station), ("one.yaml", channel)]).with_prober();
    let show: PathBuf = folder.path().join("media/The Show");
    std::fs::create_dir_all(&show).unwrap();
    film(&show.join("S01E01 - First.mp4"), 3);
    film(&show.join("S01E02 - Second.mp4"), 2);
    std::fs::write(show.join("broken.mp4"), "not media").unwrap();
    let report = folder.json("ingest --json");
    assert_eq!((&report["added"], report["bad"].as_array().unwrap().len()), (&Value::from(2), 1), "{report}");
    assert_eq!(folder.json("ingest --json")["unchanged"], 3);
    let assets = folder.json("asset list --json");
    assert_eq!(assets["assets"].as_array().unwrap().len(), 3);
    let one = folder.json("asset show asset.the_show.s01e01_first --json");
    assert_eq!((&one["title"], &one["season"], &one["health"]), (&"First".into(), &1.into(), &"ok".into()));
    assert_eq!(folder.run("asset show asset.the_show.s01e01_frist").status.code(), Some(1));
    assert_eq!(folder.json("channel list --json")["channels"][0]["channel_id"], 1);
    let guide = folder.json("guide one --day 2026-01-01 --json");
    let events = guide["events"].as_array().unwrap();
    assert_eq!(events.len(), 8640);
    assert_eq!(
        (&events[0]["title"], &events[0]["start_at"]),
        (&"The Show".into(), &"2026-01-01T06:00:00+00:00".into())
    );
    let why = folder.json("schedule explain one --at 2026-01-01T06:00:10 --json");
    assert_eq!((&why["airs"], &why["title"]), (&"programme".into(), &"The Show".into()), "{why}");
    assert_eq!(why["rule"]["days"], "daily");
    assert!(why["rule"]["block_at"].as_str().unwrap().ends_with("one.yaml:5:18"), "{why}");
    let said = text(&folder.run("schedule explain one --at 2026-01-01T06:00:10").stdout);
    assert!(said.contains("It goes through col.the_show in order: 6315841 aired since 2024-01-01"), "{said}");
    assert_eq!(folder.run("schedule explain one --at yesterday").status.code(), Some(2));
    let nowhere = folder.run("guide nix");
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("it has one"));
}

#[test]
fn sources_collections_breaks_and_the_catalog_have_their_verbs() {
    let folder = Folder::new(&[]).with_prober();
    for name in ["media/The Show/S01E01 - First.mp4", "media/Films/Alien (1979).mp4"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        film(&path, 2);
    }
    let nfo = "<movie><title>Alien</title><genre>Horror</genre><mpaa>R</mpaa></movie>";
    std::fs::write(folder.path().join("media/Films/Alien (1979).nfo"), nfo).unwrap();
    let source = folder.json("source add media --name Mine --json");
    assert_eq!(
        (&source["id"], &source["importer"], &source["assets"]),
        (&1.into(), &"files".into(), &0.into())
    );
    assert_eq!(folder.json("source scan Mine --json")["added"], 2);
    assert_eq!(folder.json("sources list --json")["sources"][0]["assets"], 2);

    let defined = folder.json("collection define col.scary --genre horror --rating R --json");
    assert_eq!((&defined["assets"], &defined["title"]), (&1.into(), &"scary".into()));
    let shown = folder.json("collection show col.scary --json");
    assert_eq!(shown["contents"][0]["id"], "asset.films.alien_1979");
    assert!(folder.json("collection list --json")["collections"].as_array().unwrap().len() >= 3);

    let breaks = folder.json("asset breaks asset.films.alien_1979 --json");
    assert_eq!(breaks["suggested_breaks"], serde_json::json!([]));
    assert!(text(&folder.run("asset breaks asset.films.alien_1979").stdout).contains("ingest --deep"));

    assert_eq!(folder.json("catalog path --json")["exists"], true);
    assert_eq!(folder.json("catalog check --json")["findings"], serde_json::json!([]));
    folder.json("catalog backup copy.sqlite --json");
    for (arguments, code, said) in [
        ("catalog backup copy.sqlite", 5, "--force"),
        ("source add nowhere", 1, "no folder"),
        ("source add http://nas:8096", 2, "--importer"),
        ("source add http://nas:8096 --importer jellyfin", 2, "--key-env"),
        ("source add http://nas --importer plex --key-env K --map nonsense", 2, "SERVER=HERE"),
        ("source remove Mime", 1, "did you mean Mine"),
        ("collection define col.films --genre x", 1, "folder's collection"),
        ("collection show col.scarry", 1, "did you mean col.scary"),
        ("asset breaks asset.films.alien_1979 --accept 1", 2, "none of the 0 breaks"),
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments}: {}", text(&output.stderr));
    }

    // Damaged: said by whatever comes to it, with its place and what to do, and the backup puts it right.
    let catalog = folder.path().join("data/catalog.sqlite");
    let whole = std::fs::read(&catalog).unwrap();
    std::fs::write(&catalog, &whole[..whole.len() / 3]).unwrap();
    for arguments in ["asset list", "catalog check"] {
        let output = folder.run(arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments}: {told}");
        assert!(told.contains("catalog.sqlite is damaged") && told.contains("backup"), "{told}");
    }
    std::fs::copy(folder.path().join("copy.sqlite"), &catalog).unwrap();
    assert_eq!(folder.json("asset list --json")["assets"].as_array().unwrap().len(), 2);
    assert_eq!(folder.json("source remove Mine --json")["assets"], 2);
    assert_eq!(folder.json("asset list --json")["assets"].as_array().unwrap().len(), 0);
}

#[test]
fn a_scan_that_is_killed_goes_on_where_it_stopped() {
    let folder = Folder::new(&[]);
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    for n in 0..300 {
        std::fs::write(media.join(format!("{n:03}.mp4")), format!("{n}")).unwrap();
    }
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    // At the two hundredth file it answers no more.
    let script = "#!/bin/bash\nwhile IFS= read -r p; do case \"$p\" in *200.mp4) if [ -n \"$STOP\" ]; then read -r p; exit; fi;; esac\nprintf '{\"path\":\"%s\",\"ok\":{\"container\":\"mp4\",\"duration_ms\":1000}}\\n' \"$p\"; done\n";
    let text = folder.path().join("script");
    std::fs::write(&text, script).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    // The prober beside the program is taken before any other. Another process writes both: one that this one
    // had open for writing while another test forks could not be started (ETXTBSY).
    let retrovue = bin.join("retrovue");
    let install = |from: &std::path::Path, to: &std::path::Path| {
        assert!(Command::new("install").args(["-m", "755"]).args([from, to]).status().unwrap().success());
    };
    install(&text, &bin.join("retrovue-air"));
    install(std::path::Path::new(env!("CARGO_BIN_EXE_retrovue")), &retrovue);
    let mut scan = Command::new(&retrovue)
        .args(["ingest", "media"])
        .current_dir(folder.path())
        .env("PATH", &path)
        .env("STOP", "yes")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Three batches of 64 come before that file, and are recorded whatever the other workers do.
    let recorded = || match folder.run("asset list --json") {
        listed if listed.status.success() => {
            let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
            listed["assets"].as_array().unwrap().len()
        }
        _ => 0,
    };
    assert!((0..10_000).any(|_| recorded() == 192), "{} were recorded", recorded());
    scan.kill().unwrap();
    scan.wait().unwrap();
    assert_eq!(folder.json("catalog check --json")["findings"], serde_json::json!([]));
    let recorded = recorded();
    assert_eq!(recorded, 192);
    let again = Command::new(&retrovue)
        .args(["ingest", "media", "--json"])
        .current_dir(folder.path())
        .env("PATH", &path)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["unchanged"], recorded);
    assert_eq!(report["added"], 300 - recorded);
    assert_eq!(folder.json("asset list --json")["assets"].as_array().unwrap().len(), 300);
}
