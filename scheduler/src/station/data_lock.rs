//! One station at a time on a data folder: two would each write its own account of what aired, and take turns in breaks
//! that neither knows of.

use super::StationError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file that a running station holds a lock on; it holds the number of its process.
const LOCK_FILE: &str = "station.lock";

/// How long a lock is asked for: what a station that was killed had just forked holds it until it is another program.
const PATIENCE: Duration = Duration::from_millis(500);

/// Pause between two tries.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// The lock of a data folder, as long as this value. The system takes it back however the process ends.
#[derive(Debug)]
pub struct DataLock {
    _file: Option<File>,
}

impl DataLock {
    /// Takes the lock. On a file system without locks there is none, and a warning.
    ///
    /// # Errors
    /// Another station runs on the folder.
    pub fn take(data_dir: &Path) -> Result<DataLock, StationError> {
        let path = data_dir.join(LOCK_FILE);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let unlocked = |error: &dyn std::fmt::Display| {
            tracing::warn!(path = %path.display(), %error, "see to it that no second station uses this folder");
            Ok(DataLock { _file: None })
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => return unlocked(&error),
        };
        let asked = Instant::now();
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(ASK_AGAIN);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim().parse().ok();
                return Err(StationError::DataInUse { path: data_dir.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return unlocked(&error),
        }
        let told = file.set_len(0).and_then(|()| file.rewind());
        if let Err(error) = told.and_then(|()| writeln!(file, "{}", std::process::id())) {
            tracing::debug!(%error, "the lock does not tell whose it is");
        }
        Ok(DataLock { _file: Some(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_station_is_refused_by_the_first_ones_number_until_that_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataLock::take(dir.path()).unwrap();
        let refused = DataLock::take(dir.path()).unwrap_err().to_string();
        let holder = format!("process {}", std::process::id());
        assert!(refused.contains(&holder) && refused.contains(dir.path().to_str().unwrap()), "{refused}");
        drop(first);
        std::fs::write(dir.path().join(LOCK_FILE), "left behind by a much longer text\n").unwrap();
        let again = DataLock::take(dir.path()).unwrap();
        let told = std::fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap();
        assert_eq!(told, format!("{}\n", std::process::id()));
        drop(again);
    }

    #[test]
    fn a_lock_that_is_given_up_in_a_moment_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataLock::take(dir.path()).unwrap();
        let ending = std::thread::spawn(move || {
            std::thread::sleep(4 * ASK_AGAIN);
            drop(first);
        });
        DataLock::take(dir.path()).unwrap();
        ending.join().unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_locked_is_used_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(LOCK_FILE)).unwrap();
        assert!(DataLock::take(dir.path()).unwrap()._file.is_none());
    }
}
