//! What the machine gives a station: files, a folder for sockets, a clock, time zones, a port.

use super::{Check, Installation};
use crate::station::{FILES_NEEDED, runtime_folders};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrovue_control::socket_path;
use rustix::process::{Resource, getrlimit};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FILES: &str = "open files";
const SOCKETS: &str = "runtime folder";
const CLOCK: &str = "clock";
const ZONES: &str = "time zones";
const PORT: &str = "port";
const SERVED: &str = "a station is being served on";

/// Fewer open files than this are not enough for the programs by themselves.
const LEAST_FILES: u64 = 128;

/// Bytes of the longest name below the runtime folder's parent: `/retrovue-4194304-99/out-999-4294967295`.
const LONGEST_SOCKET: usize = 40;

/// A clock before this, 2025-01-01, is older than the program.
const OLDEST: i64 = 1_735_689_600;

/// A clock after this, 2100-01-01, is not set.
const LATEST: i64 = 4_102_444_800;

/// How far ahead of the clock the catalog may have been written: another machine's clock.
const CATALOG_AHEAD: i64 = 86_400;

/// Longest list of channels read: a thousand of them stay far below.
const LONGEST_LISTING: u64 = 4 << 20;

/// How long whoever has the port may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

pub(super) fn examine(installation: &Installation, checks: &mut Vec<Check>) {
    checks.push(judge_files(getrlimit(Resource::Nofile).maximum));
    checks.push(judge_sockets(&runtime_folders(), is_writable));
    let catalog = installation.station.as_ref().ok().map(|c| c.data_dir.join(crate::catalog::DATABASE_FILE));
    let written = catalog.and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
    let written = written.and_then(|at| Timestamp::try_from(at).ok());
    checks.push(judge_clock(installation.now, written));
    checks.push(zones());
    if let Ok(config) = &installation.station {
        checks.push(port(config.port));
    }
}

fn judge_files(hard_limit: Option<u64>) -> Check {
    let fix = "raise it: LimitNOFILE= in the service's unit, or `ulimit -Hn`";
    match hard_limit {
        Some(limit) if limit < LEAST_FILES => {
            Check::fail(FILES, format!("the hard limit is {limit}, a station needs {FILES_NEEDED}"), fix)
        }
        Some(limit) if limit < FILES_NEEDED => Check::warn(
            FILES,
            format!("the hard limit is {limit}; a full house of viewers needs {FILES_NEEDED}"),
            fix,
        ),
        Some(limit) => Check::ok(FILES, format!("up to {limit}")),
        None => Check::ok(FILES, "no limit"),
    }
}

/// The first folder that can be written is the one that is taken.
fn judge_sockets(folders: &[PathBuf], writable: impl Fn(&Path) -> bool) -> Check {
    let fix = "set XDG_RUNTIME_DIR or TMPDIR to a folder that is there, can be written and has a short name";
    let Some(folder) = folders.iter().find(|folder| writable(folder)) else {
        let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        return Check::fail(SOCKETS, format!("no sockets can be made in {}", names.join(" or ")), fix);
    };
    match socket_path::check(folder, LONGEST_SOCKET) {
        Ok(()) => Check::ok(SOCKETS, folder.display().to_string()),
        Err(error) => {
            let said = format!(
                "{} is too long for sockets in it: {} bytes, at most {}",
                folder.display(),
                error.length,
                error.most
            );
            Check::fail(SOCKETS, said, fix)
        }
    }
}

fn judge_clock(now: Timestamp, catalog_written: Option<Timestamp>) -> Check {
    let fix = "set the clock, and let it be kept by NTP (timedatectl set-ntp true)";
    let shown = now.strftime("%Y-%m-%d %H:%M:%S UTC");
    if !(OLDEST..LATEST).contains(&now.as_second()) {
        return Check::fail(CLOCK, format!("it is set to {shown}; what airs depends on it"), fix);
    }
    match catalog_written.filter(|at| at.as_second() > now.as_second() + CATALOG_AHEAD) {
        Some(at) => {
            let written = at.strftime("%Y-%m-%d");
            Check::warn(CLOCK, format!("it is set to {shown}, and the catalog was written on {written}"), fix)
        }
        None => Check::ok(CLOCK, shown.to_string()),
    }
}

fn zones() -> Check {
    if let Err(error) = TimeZone::get("America/New_York") {
        return Check::fail(
            ZONES,
            format!("there is no time zone data: {error}"),
            "install the package tzdata",
        );
    }
    match TimeZone::try_system() {
        Ok(zone) => {
            Check::ok(ZONES, format!("here it is {}", zone.iana_name().unwrap_or("a zone without a name")))
        }
        Err(_) => {
            let said = "the machine's own zone is not known; the guide page shows times in UTC";
            Check::warn(ZONES, said, "set it: timedatectl set-timezone Europe/Berlin, or TZ=Europe/Berlin")
        }
    }
}

fn port(port: u16) -> Check {
    if port == 0 {
        return Check::ok(PORT, "any that is free");
    }
    for ip in [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)] {
        match TcpListener::bind((ip, port)) {
            Ok(_) => return Check::ok(PORT, format!("{port} is free")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return taken(port),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let fix = "choose one above 1023: port: in the station file, or --port N";
                return Check::fail(PORT, format!("{port} may not be used: {error}"), fix);
            }
            // A machine without IPv6 refuses the first and takes the second.
            Err(_) => {}
        }
    }
    Check::fail(PORT, format!("cannot listen on {port}"), "choose another: port: in the station file")
}

fn taken(port: u16) -> Check {
    if answers_as_a_station(port) {
        return Check::ok(PORT, format!("{SERVED} {port}"));
    }
    let fix = "stop that program, or choose another: port: in the station file, or --port N";
    Check::fail(PORT, format!("{port} is in use by another program"), fix)
}

/// Whether the station's port was found to be a station's.
pub(super) fn is_served(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.check == PORT && check.said.starts_with(SERVED))
}

/// Ids of the channels of the station that is being served on a port; nothing where none answers.
pub(super) fn served_channels(port: u16) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Listing {
        channels: Vec<Listed>,
    }
    #[derive(serde::Deserialize)]
    struct Listed {
        id: String,
    }
    let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER)).proxy(None).build();
    let agent: ureq::Agent = config.into();
    let mut answer = agent.get(format!("http://127.0.0.1:{port}/api/channels")).call().ok()?;
    let body = answer.body_mut().with_config().limit(LONGEST_LISTING).read_to_string().ok()?;
    let listing: Listing = serde_json::from_str(&body).ok()?;
    Some(listing.channels.into_iter().map(|channel| channel.id).collect())
}

/// Whether `/healthz` answers as ours does.
fn answers_as_a_station(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut socket =
            TcpStream::connect_timeout(&SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port), ANSWER)?;
        socket.set_read_timeout(Some(ANSWER))?;
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok\n"))
}

/// Whether a folder can be made in it.
fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!("retrovue-doctor-{}-probe", std::process::id()));
    let made = std::fs::create_dir(&probe).is_ok();
    made && std::fs::remove_dir(&probe).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn limits_of_open_files() {
        for (limit, level) in [
            (Some(100), Level::Fail),
            (Some(LEAST_FILES), Level::Warn),
            (Some(FILES_NEEDED - 1), Level::Warn),
            (Some(FILES_NEEDED), Level::Ok),
            (None, Level::Ok),
        ] {
            assert_eq!(judge_files(limit).level, level, "{limit:?}");
        }
    }

    #[test]
    fn the_folder_of_sockets_is_there_and_short() {
        let short = PathBuf::from("/run/user/1000");
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(80)));
        let folders = [short.clone(), long.clone()];
        assert_eq!(judge_sockets(&folders, |_| true).level, Level::Ok);
        let taken = judge_sockets(&folders, |folder| folder == long);
        assert!(taken.level == Level::Fail && taken.said.contains("85 bytes, at most 67"), "{taken:?}");
        let none = judge_sockets(&folders, |_| false);
        assert!(none.level == Level::Fail && none.said.contains("/run/user/1000 or /tmp/x"), "{none:?}");
    }

    #[test]
    fn clocks_that_cannot_be_right() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (now, written, level) in [
            ("1970-01-01T00:00:07Z", None, Level::Fail),
            ("2101-01-01T00:00:00Z", None, Level::Fail),
            ("2026-11-21T12:00:00Z", None, Level::Ok),
            ("2026-11-21T12:00:00Z", Some("2026-11-22T11:00:00Z"), Level::Ok),
            ("2026-11-21T12:00:00Z", Some("2027-02-01T00:00:00Z"), Level::Warn),
        ] {
            assert_eq!(judge_clock(at(now), written.map(at)).level, level, "{now} {written:?}");
        }
    }
}
