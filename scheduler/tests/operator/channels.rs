//! `retrovue channel`, and what a channel with errors costs the others: nothing.

use super::folder::{Folder, ONE, STATION, text};
use std::process::Stdio;

const BAD: &str = "channel: two\nnumber: 7\nschedule: {daily: {start: '06:00', program: p.nix}}\n";

#[test]
fn they_are_listed_shown_and_checked() {
    let folder = Folder::sound();
    let films = "channel: films\nname: Films\nnumber: 9\ntemplate: premium_movie\nfiller: col.filler\nschedule: {weekends: {start: '20:00', program: p.the_show}}\n";
    folder.write("three.chan.yaml", films);
    folder.write("two.chan.yaml", BAD);
    let listed = folder.json("channel list --json");
    let shown: Vec<String> = listed["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {} {}", c["id"], c["number"], c["timezone"], c["template"]))
        .collect();
    assert_eq!(
        shown,
        ["\"one\" 1 \"America/New_York\" \"network_television\"", "\"films\" 9 \"UTC\" \"premium_movie\""]
    );
    assert_eq!(listed["channels"][1]["filler"], serde_json::json!(["col.filler"]));
    assert_eq!(
        (&listed["left_out"][0]["channel"], listed["left_out"].as_array().unwrap().len()),
        (&"two".into(), 1)
    );
    assert!(text(&folder.run("channel list").stdout).contains("left out with 1 findings"));

    let by_number = folder.json("channel show 9 --json");
    assert_eq!(by_number, folder.json("channel show films --json"));
    assert_eq!((&by_number["path"], &by_number["grid_ms"]), (&"/channel/films.ts".into(), &900_000.into()));
    assert_eq!(by_number["days"][0]["days"], "weekends");
    let nowhere = folder.run("channel show nix");
    assert!(nowhere.status.code() == Some(1) && text(&nowhere.stderr).contains("it has one, films"));
    // One that cannot air says why.
    let left_out = folder.run("guide two");
    assert!(left_out.status.code() == Some(3) && text(&left_out.stderr).contains("p.nix"));

    let checked = folder.run("channel check --json");
    assert_eq!(checked.status.code(), Some(1));
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let ok: Vec<&serde_json::Value> =
        checked["channels"].as_array().unwrap().iter().map(|c| &c["ok"]).collect();
    assert_eq!(ok, [true, true, false]);
    assert_eq!(checked["channels"][2]["findings"][0]["code"], "unresolved");
    for (line, code) in [
        ("channel check one", 0),
        ("channel check films", 0),
        ("channel check films --strict", 1),
        ("channel check nix", 1),
    ] {
        assert_eq!(folder.run(line).status.code(), Some(code), "{line}");
    }
}

/// Starts a station as far as its first address, or as far as it refuses; what it said, and how it ended then.
fn serve(folder: &Folder, arguments: &str) -> (String, String, Option<i32>) {
    use std::io::{BufRead, BufReader, Read};
    let mut child = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while out.read_line(&mut first).unwrap() > 0 && !first.contains("XMLTV") {}
    let serving = !first.is_empty();
    if serving {
        // The channels' addresses come last, in one write.
        let mut rest = [0; 4096];
        let count = out.read(&mut rest).unwrap();
        first.push_str(&text(&rest[..count]));
        child.kill().unwrap();
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let ended = child.wait().unwrap();
    (first, said, if serving { None } else { ended.code() })
}

#[test]
fn a_station_airs_its_sound_channels_and_refuses_when_it_has_none_or_is_strict() {
    let folder = Folder::sound();
    folder.write("two.chan.yaml", BAD);
    folder.write("station.yaml", &STATION.replace("[media]", "[media, gone]"));
    let (addresses, said, ended) = serve(&folder, "serve");
    assert_eq!(ended, None, "{said}");
    assert!(addresses.contains("/channel/one.ts") && !addresses.contains("two.ts"), "{addresses}");
    for part in ["there is no media folder", "p.nix", "the channel is left out", "two.chan.yaml"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, said, ended) = serve(&folder, "serve --strict");
    assert!(ended == Some(3) && said.contains("there is no media folder"), "{said}");
    folder.write("station.yaml", STATION);
    let (_, said, ended) = serve(&folder, "serve --strict");
    assert!(ended == Some(3) && said.contains("p.nix"), "{said}");
    std::fs::remove_file(folder.path("one.chan.yaml")).unwrap();
    let (_, said, ended) = serve(&folder, "serve");
    assert!(ended == Some(3) && said.contains("p.nix"), "{said}");
}

#[test]
fn assets_of_a_folder_that_is_not_there_are_missing_until_it_is_back() {
    let folder = Folder::sound();
    folder.write("media2/Other/S01E01.mp4", "other");
    folder.write("station.yaml", &STATION.replace("[media]", "[media, media2]"));
    folder.write("one.chan.yaml", &ONE.replace("p.the_show", "p.other"));
    assert_eq!(folder.json("ingest --json")["added"], 1);
    let health = || folder.json("asset show asset.other.s01e01 --json")["health"].clone();
    assert_eq!(health(), "ok");
    std::fs::rename(folder.path("media2"), folder.path("away")).unwrap();
    let scan = folder.run("ingest");
    assert_eq!(scan.status.code(), Some(0));
    assert!(text(&scan.stderr).contains("its 1 assets are missing"), "{}", text(&scan.stderr));
    assert_eq!(health(), "missing");
    std::fs::rename(folder.path("away"), folder.path("media2")).unwrap();
    folder.json("ingest --json");
    assert_eq!(health(), "ok");
    // A station that does not scan does not plan with them either.
    folder.write("station.yaml", &STATION.replace("[media]", "[media, media2]"));
    std::fs::rename(folder.path("media2"), folder.path("away")).unwrap();
    let (_, said, _) = serve(&folder, "serve --no-scan");
    assert!(said.contains("its 1 assets are missing"), "{said}");
    assert_eq!(health(), "missing");
}
