//! `retrovue schedule`: what is recorded, what compiles, and what is different between them.

use super::folder::{Folder, ONE, text};
use serde_json::Value;

fn changes(day: &Value) -> Vec<String> {
    let one = |change: &Value| {
        let programme = &change["programme"];
        let time = &programme["start_at"].as_str().unwrap()[11..16];
        format!("{} {time} {}", change["change"].as_str().unwrap(), programme["asset_id"].as_str().unwrap())
    };
    day["changes"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn an_edit_is_told_programme_by_programme_before_it_is_recorded() {
    let folder = Folder::sound();
    let evening = |slots: &str| {
        let text = format!(
            "channel: one\ntimezone: America/New_York\nschedule: {{daily: {{start: '20:00', slots: [{slots}]}}}}\n"
        );
        folder.write("one.chan.yaml", &text);
    };
    let episode = |n: u32| {
        format!("{{title: Show, episode_selector: {{collection: col.the_show, match: {{episode: {n}}}}}}}")
    };
    evening(&format!("{}, {}", episode(1), episode(2)));
    assert!(text(&folder.run("schedule list").stdout).contains("nothing is recorded yet"));
    let before = folder.json("schedule show one --json");
    assert!(
        before.get("revision").is_none() && before["programmes"].as_array().unwrap().len() == 2,
        "{before}"
    );

    let dry = folder.json("schedule rebuild one --days 2 --dry-run --json");
    assert_eq!((&dry["days"][0]["changed"], dry["days"].as_array().unwrap().len()), (&true.into(), 2));
    assert_eq!(folder.json("schedule list --json")["channels"][0]["revisions"], serde_json::json!([]));
    let first = folder.json("schedule rebuild --all --days 2 --json");
    assert_eq!(first["days"][0]["recorded"], 1, "{first}");
    assert_eq!(folder.json("schedule rebuild one --days 2 --json")["days"][0]["changed"], false);
    assert_eq!(folder.json("schedule show one --json")["revision"]["revision_id"], 1);

    // The first episode moves, the second goes.
    evening(&format!("{{title: Show, episode_selector: {{collection: col.filler}}}}, {}", episode(1)));
    let dry = folder.json("schedule rebuild 1 --days 1 --dry-run --json");
    assert_eq!(
        changes(&dry["days"][0]),
        [
            "added 20:00 asset.filler.clouds",
            "moved 20:30 asset.the_show.s01e01",
            "removed 20:30 asset.the_show.s01e02"
        ],
        "{dry}"
    );
    assert_eq!((&dry["days"][0]["before"], dry["days"][0].get("recorded")), (&1.into(), None));
    let said = text(&folder.run("schedule rebuild one --days 1 --dry-run").stdout);
    for part in ["3 changes since revision 1", "moved    20:30", "from 20:00", "nothing was recorded"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let recorded = folder.json("schedule rebuild one --days 1 --json")["days"][0]["recorded"].clone();
    let listed = folder.json("schedule list one --json");
    let revisions = listed["channels"][0]["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 3, "{listed}");
    let latest: Vec<&Value> = revisions.iter().filter(|r| r["latest"] == true).collect();
    assert!(latest.len() == 2 && latest.iter().any(|r| r["revision_id"] == recorded), "{listed}");
    // What was recorded first is still there.
    let old = folder.json("schedule show one --revision 1 --json");
    assert_eq!(old["programmes"], before["programmes"]);
    let nowhere = folder.run("schedule show one --revision 99");
    assert!(nowhere.status.code() == Some(1) && text(&nowhere.stderr).contains("no revision 99"));
    assert_eq!(folder.run("schedule rebuild").status.code(), Some(2));
}

#[test]
fn a_preview_has_local_times_on_both_sides_of_a_change_of_clocks() {
    let folder = Folder::sound();
    let told = folder.json("schedule preview one --from 2026-10-31 --days 2 --json");
    let days = told["days"].as_array().unwrap();
    assert_eq!(days[0]["broadcast_day"], "2026-10-31");
    // An hour more on the day the clocks go back, half an hour each.
    let counts: Vec<usize> = days.iter().map(|d| d["programmes"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [50, 48]);
    let last = days[0]["programmes"].as_array().unwrap().last().unwrap();
    assert_eq!(last["start_at"], "2026-11-01T05:30:00-05:00");
    let shown = text(&folder.run("schedule preview one --from 2026-10-31").stdout);
    assert!(
        shown.contains("one  2026-10-31  America/New_York\n  06:00  06:30   0:30:00  The Show S01E0"),
        "{shown}"
    );
    assert_eq!(folder.run("schedule preview one --days 99").status.code(), Some(2));
    folder.write("one.chan.yaml", &ONE.replace("p.the_show", "p.nix"));
    assert_eq!(folder.run("schedule preview one").status.code(), Some(3));
}
