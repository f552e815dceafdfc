//! A whole station: `retrovue serve` with its own folder, media and port.

use crate::programs::{Signal, binary, signal};
use crate::viewer::page;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running station; stopped when dropped.
pub struct Station {
    process: Child,
    /// `host:port` of its HTTP side.
    pub address: String,
}

impl Station {
    /// Starts `dir/station.yaml` on a free port and waits until it is on the air.
    ///
    /// # Panics
    /// When it ends or says no address.
    #[must_use]
    pub fn start(dir: &Path) -> Station {
        let config = dir.join("station.yaml");
        Station::launch(dir, &["serve", "--port", "0", "--config", &config.to_string_lossy()])
    }

    /// Runs `retrovue` with `arguments` and waits until it is on the air; what it logs goes to
    /// `dir/station.log`.
    ///
    /// # Panics
    /// When it ends or says no address.
    #[must_use]
    pub fn launch(dir: &Path, arguments: &[&str]) -> Station {
        let mut process = Command::new(binary("retrovue"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.join("station.log")).expect("the test folder can be written"))
            .spawn()
            .expect("retrovue starts");
        let lines = BufReader::new(process.stdout.take().expect("standard output is piped")).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("http://")
                && let Some((_, port)) = rest.trim_end_matches('/').rsplit_once(':')
                && port.chars().all(|c| c.is_ascii_digit())
            {
                return Station { process, address: format!("127.0.0.1:{port}") };
            }
        }
        let log = std::fs::read_to_string(dir.join("station.log")).unwrap_or_default();
        panic!("the station ended: {:?}\n{log}", process.wait());
    }

    /// Ends it as a loss of power would.
    pub fn kill(self) {
        signal(u64::from(self.process.id()), Signal::KILL);
    }

    /// The first channel as `/api/channels` tells it.
    ///
    /// # Panics
    /// When the page is no JSON or has no channel.
    #[must_use]
    pub fn channel(&self) -> Value {
        let page: Value = serde_json::from_str(&page(&self.address, "/api/channels")).expect("JSON");
        page["channels"][0].clone()
    }

    /// Waits until `holds` of the first channel.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn wait_for(&self, what: &str, limit: Duration, holds: impl Fn(&Value) -> bool) {
        let until = Instant::now() + limit;
        while !holds(&self.channel()) {
            assert!(Instant::now() < until, "{what} not within {limit:?}: {}", self.channel());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        signal(u64::from(self.process.id()), Signal::TERM);
        let _ = self.process.wait();
    }
}
