//! The station's own things: its file, its data folder and catalog, its media, its channels and their guide.

use super::machine::{is_served, served_channels};
use super::{Check, Installation};
use crate::catalog::{AssetRecord, Catalog, DATABASE_FILE, Health};
use crate::config::StationConfig;
use crate::plan::{GuideCategory, Opened, Programming};
use crate::yaml::{Level, Report};
use jiff::{Timestamp, ToSpan};
use std::path::Path;

const FILE: &str = "station file";
const DATA: &str = "data folder";
const ROOM: &str = "disk room";
const CATALOG: &str = "catalog";
const MEDIA: &str = "media folders";
const ASSETS: &str = "assets";
const FILLER: &str = "filler";
const CHANNELS: &str = "channels";
const GUIDE: &str = "guide";
const DIAL: &str = "running station";

/// Less room than this for catalog and log is soon none.
const LEAST_ROOM: u64 = 64 << 20;

/// Less room than this is worth a word.
const ENOUGH_ROOM: u64 = 1 << 30;

/// Days of guide that must not be empty: today and the two after it.
const GUIDE_DAYS: i64 = 3;

/// Names told of those that something is wrong with.
const TOLD: usize = 5;

pub(super) fn examine(installation: &Installation, checks: &mut Vec<Check>) {
    let config = match &installation.station {
        Ok(config) => config,
        Err(report) => {
            checks.push(wrong_file(report));
            return;
        }
    };
    checks.push(station_file(config));
    media(config, checks);
    if !data_folder(config, checks) {
        return;
    }
    let Some(catalog) = catalog(config, checks) else { return };
    match catalog.assets() {
        Ok(list) => checks.push(judge_assets(&list)),
        Err(error) => checks.push(Check::fail(ASSETS, error.to_string(), "see `retrovue catalog check`")),
    }
    match Programming::examine(config, &catalog) {
        Ok(opened) => {
            checks.push(filler(&opened));
            checks.push(channels(&opened));
            checks.push(guide(&opened.programming, installation.now));
            if is_served(checks) {
                checks.extend(served_channels(config.port).map(|served| dial(&opened, &served)));
            }
        }
        Err(error) => checks.push(Check::fail(CHANNELS, error.to_string(), "see `retrovue catalog check`")),
    }
}

fn wrong_file(report: &Report) -> Check {
    let errors: Vec<String> =
        report.findings().iter().filter(|f| f.level() == Level::Error).map(ToString::to_string).collect();
    let fix = "docs/station-yaml.md has every key; `retrovue demo` makes a station to begin with";
    Check::fail(FILE, first_few(&errors, "; "), fix)
}

fn station_file(config: &StationConfig) -> Check {
    let said = format!("{}, \"{}\"", config.path.display(), config.name);
    // Media folders have a line of their own.
    let findings = config.warnings.findings().iter();
    let others: Vec<String> =
        findings.filter(|f| !f.message().contains("media folder")).map(ToString::to_string).collect();
    if others.is_empty() {
        return Check::ok(FILE, said);
    }
    Check::warn(FILE, first_few(&others, "; "), "put right what it names, or take it out")
}

fn media(config: &StationConfig, checks: &mut Vec<Check>) {
    let mut sound = 0;
    for folder in &config.media {
        match std::fs::read_dir(&folder.path) {
            Ok(_) => sound += 1,
            Err(error) => {
                let said = format!("{} cannot be read: {error}", folder.path.display());
                let fix =
                    "mount its drive, make it readable for this user, or take it out of the station file";
                checks.push(Check::warn(MEDIA, said, fix));
            }
        }
    }
    if sound == 0 {
        let fix = "list at least one folder that is there under media: in the station file";
        checks.push(Check::fail(MEDIA, "no media folder can be read", fix));
    } else {
        checks.push(Check::ok(MEDIA, format!("{sound} of {} can be read", config.media.len())));
    }
}

/// Whether it can be used.
fn data_folder(config: &StationConfig, checks: &mut Vec<Check>) -> bool {
    let folder = &config.data_dir;
    if !folder.exists() {
        let fix = "`retrovue serve` and `retrovue ingest` make it";
        checks.push(Check::warn(DATA, format!("{} is not there yet", folder.display()), fix));
        return false;
    }
    let probe = folder.join(format!(".retrovue-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        let fix = "make it writable for this user, or name another with data_dir: or --data-dir";
        checks.push(Check::fail(DATA, format!("cannot write into {}: {error}", folder.display()), fix));
        return false;
    }
    checks.push(Check::ok(DATA, folder.display().to_string()));
    if let Ok(room) = rustix::fs::statvfs(folder) {
        checks.push(judge_room(folder, room.f_bavail.saturating_mul(room.f_frsize)));
    }
    true
}

fn judge_room(folder: &Path, free: u64) -> Check {
    let said = format!("{} MiB free below {}", free >> 20, folder.display());
    let fix = "make room on that disk, or move the data folder";
    match free {
        0..LEAST_ROOM => Check::fail(ROOM, said, fix),
        LEAST_ROOM..ENOUGH_ROOM => Check::warn(ROOM, said, fix),
        _ => Check::ok(ROOM, said),
    }
}

fn catalog(config: &StationConfig, checks: &mut Vec<Check>) -> Option<Catalog> {
    let path = config.data_dir.join(DATABASE_FILE);
    if !path.is_file() {
        let fix = "scan the media: retrovue ingest";
        checks.push(Check::warn(CATALOG, format!("there is none yet in {}", config.data_dir.display()), fix));
        return None;
    }
    let opened = Catalog::open_file(&path).and_then(|catalog| {
        let findings = catalog.check()?;
        Ok((catalog, findings))
    });
    match opened {
        Ok((catalog, findings)) if findings.is_empty() => {
            checks.push(Check::ok(CATALOG, format!("{} is sound", path.display())));
            Some(catalog)
        }
        Ok((_, findings)) => {
            let said = format!("{} is not sound: {}", path.display(), first_few(&findings, "; "));
            let fix = "put a backup in its place, or move it away and scan the media again";
            checks.push(Check::fail(CATALOG, said, fix));
            None
        }
        // Its message says what to do.
        Err(error) => {
            let said = error.to_string();
            let (said, fix) = said.split_once("; ").unwrap_or((&said, "see `retrovue catalog check`"));
            checks.push(Check::fail(CATALOG, said, fix));
            None
        }
    }
}

fn judge_assets(list: &[AssetRecord]) -> Check {
    let count = |health| list.iter().filter(|a| a.health == health).count();
    let (sound, bad, missing) = (count(Health::Ok), count(Health::Bad), count(Health::Missing));
    let said = format!("{sound} can air, {bad} cannot be played, {missing} are missing");
    if sound == 0 {
        let fix =
            "scan the media: retrovue ingest; `retrovue asset list --bad` says what is wrong with a file";
        return Check::fail(ASSETS, said, fix);
    }
    if bad + missing > 0 {
        return Check::warn(ASSETS, said, "`retrovue asset list --bad` lists them with their reasons");
    }
    Check::ok(ASSETS, said)
}

fn filler(opened: &Opened) -> Check {
    let fix = "put short films into a folder called filler, or name what fills time with filler: in the station file";
    if let Some(finding) = &opened.filler {
        return Check::warn(FILLER, finding.to_string(), fix);
    }
    let channels = opened.programming.channels();
    let none: Vec<String> = channels
        .iter()
        .filter(|c| opened.programming.filler_assets(&c.id).is_ok_and(|count| count == 0))
        .map(|c| c.id.clone())
        .collect();
    if none.is_empty() {
        return Check::ok(FILLER, "every channel has something for its breaks");
    }
    let said = format!("breaks and open time are black on {}", first_few(&none, ", "));
    Check::warn(FILLER, said, fix)
}

fn channels(opened: &Opened) -> Check {
    let fix = "`retrovue channel check` says what is wrong, with line and column";
    let sound = opened.programming.channels().len();
    if !opened.left_out.is_empty() {
        let names: Vec<String> = opened
            .left_out
            .iter()
            .map(|left| {
                let errors = left.findings.findings().iter().filter(|f| f.level() == Level::Error).count();
                let file = || left.path.display().to_string();
                format!("{} ({errors} errors)", left.channel.clone().unwrap_or_else(file))
            })
            .collect();
        let said = format!("{sound} can air; left out: {}", first_few(&names, ", "));
        return Check::fail(CHANNELS, said, fix);
    }
    if sound == 0 {
        let fix = "list their files under channels: in the station file";
        return Check::fail(CHANNELS, "there are none", fix);
    }
    match opened.warnings.findings().len() {
        0 => Check::ok(CHANNELS, format!("{sound} can air")),
        count => Check::warn(CHANNELS, format!("{sound} can air, with {count} findings"), fix),
    }
}

/// A running station takes up everything but another set of channels.
fn dial(opened: &Opened, served: &[String]) -> Check {
    let known = opened.left_out.iter().filter_map(|left| left.channel.as_ref());
    let ids: Vec<&String> = opened.programming.channels().iter().map(|channel| &channel.id).collect();
    let told = opened.left_out.iter().all(|left| left.channel.is_some());
    let came: Vec<String> = ids.iter().filter(|id| !served.contains(id)).map(ToString::to_string).collect();
    let all: Vec<&String> = ids.iter().copied().chain(known).collect();
    // A file that does not even tell its channel may be any's.
    let went: Vec<String> = served.iter().filter(|id| told && !all.contains(id)).cloned().collect();
    if came.is_empty() && went.is_empty() {
        return Check::ok(DIAL, format!("it has the {} channels of the station file", served.len()));
    }
    let lists = [("not on it yet: ", came), ("still on it: ", went)];
    let said: Vec<String> = lists
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(what, list)| format!("{what}{}", first_few(list, ", ")))
        .collect();
    Check::warn(DIAL, said.join("; "), "channels come and go when it is started again: `retrovue serve`")
}

fn guide(programming: &Programming, now: Timestamp) -> Check {
    let mut empty = Vec::new();
    for channel in programming.channels() {
        let is_empty = |step: i64| -> Option<Option<String>> {
            let first = programming.day_of(&channel.id, now).ok()?;
            let day = first.checked_add(step.days()).ok()?;
            let (from, to) = programming.day_bounds(&channel.id, day).ok()?;
            let events = programming.guide(&channel.id, from, to).ok()?;
            let airs = events.iter().any(|event| event.category != GuideCategory::Interstitial);
            Some((!airs).then(|| format!("{} on {day}", channel.id)))
        };
        empty.extend((0..GUIDE_DAYS).filter_map(|step| is_empty(step).flatten()));
    }
    if empty.is_empty() {
        return Check::ok(GUIDE, format!("every channel has programmes for {GUIDE_DAYS} days"));
    }
    let said = format!("nothing is scheduled for {}", first_few(&empty, ", "));
    Check::warn(GUIDE, said, "`retrovue schedule explain CHANNEL` says why; see docs/programming.md")
}

fn first_few(all: &[String], between: &str) -> String {
    let mut text = all.iter().take(TOLD).cloned().collect::<Vec<_>>().join(between);
    if all.len() > TOLD {
        text.push_str(&format!("{between}and {} more", all.len() - TOLD));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor;

    #[test]
    fn room_is_judged_by_what_a_catalog_needs() {
        for (free, level) in [
            (0, doctor::Level::Fail),
            (LEAST_ROOM - 1, doctor::Level::Fail),
            (LEAST_ROOM, doctor::Level::Warn),
            (ENOUGH_ROOM, doctor::Level::Ok),
            (u64::MAX, doctor::Level::Ok),
        ] {
            assert_eq!(judge_room(Path::new("/x"), free).level, level, "{free}");
        }
    }

    #[test]
    fn many_are_told_by_their_first() {
        let all: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(first_few(&all[..2], ", "), "1, 2");
        assert_eq!(first_few(&all, ", "), "1, 2, 3, 4, 5, and 2 more");
    }
}
