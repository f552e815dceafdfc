//! What shells and `man` are told.

use super::folder::{Folder, text};
use std::process::Command;

#[test]
fn completions_are_scripts_of_their_shells() {
    let folder = Folder::unscanned();
    for (shell, part) in
        [("bash", "complete -F _retrovue"), ("zsh", "#compdef retrovue"), ("fish", "complete -c retrovue")]
    {
        let script = folder.run(&format!("completions {shell}"));
        assert_eq!(script.status.code(), Some(0));
        let script = text(&script.stdout);
        assert!(script.contains(part) && script.contains("rebuild"), "{shell}");
        if shell == "bash" {
            folder.write("completions.bash", &script);
            let mut read = Command::new("bash");
            read.args(["-n", "completions.bash"]).current_dir(folder.path(""));
            assert!(read.status().unwrap().success());
        }
    }
    assert_eq!(folder.run("completions powershells").status.code(), Some(2));
}

#[test]
fn the_manual_has_a_page_for_every_verb() {
    let folder = Folder::unscanned();
    assert_eq!(folder.run("manual man").status.code(), Some(0));
    for page in ["retrovue.1", "retrovue-serve.1", "retrovue-schedule-rebuild.1"] {
        let page = std::fs::read_to_string(folder.path("man").join(page)).unwrap();
        assert!(page.starts_with(".ie") || page.contains(".TH"), "{page}");
    }
    assert_eq!(folder.run("manual station.yaml").status.code(), Some(5));
}
