//! The media folder of the sample station: made once, kept while it is whole, mended when it is not.
//!
//! A file with its final name is whole (see `produce`), so an interrupted run goes on where it stopped.
//! `.started` holds the edition a run works on, `.complete` the edition and the size of every file. One
//! run at a time: the second waits. Files that are not of the repertoire are never touched.

use crate::produce::{PARTIAL, ProduceError, produce};
use crate::repertoire::{Item, Length, repertoire};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Counts up when a picture, a sound or an encoder setting changes, so that older media are made anew.
pub const EDITION: u32 = 1;

/// The stamp of a folder that holds everything.
pub const COMPLETE: &str = ".complete";

/// The stamp of a folder that is being filled.
const STARTED: &str = ".started";

/// Held while a run works in the folder.
const LOCK: &str = ".lock";

/// What is to be made, and by how many threads.
#[derive(Debug, Clone)]
pub struct Order {
    /// The media folder; made if it is not there.
    pub folder: PathBuf,
    /// How long the pieces are.
    pub length: Length,
    /// Files made at a time, 1 to 16.
    pub threads: usize,
}

/// Who is told what goes on. Called from several threads.
pub trait Observer: Sync {
    /// Another run works in the same folder and is waited for.
    fn waiting(&self) {}
    /// So many files with so many frames in all are to be made; the others are there.
    fn begin(&self, _files: usize, _frames: u64) {}
    /// A frame was made.
    fn frame(&self) {}
    /// A file was made.
    fn file(&self, _path: &str) {}
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files made.
    pub made: usize,
    /// Files that were there.
    pub kept: usize,
    /// Size of all of them in bytes.
    pub bytes: u64,
}

/// Fills the folder.
///
/// # Errors
/// The first failure; what was made until then is kept.
pub fn fill(order: &Order, observer: &dyn Observer) -> Result<Report, ProduceError> {
    fill_with(&repertoire(order.length), order, observer)
}

/// Fills the folder with these items.
fn fill_with(items: &[Item], order: &Order, observer: &dyn Observer) -> Result<Report, ProduceError> {
    let folder = &order.folder;
    let failed = |doing, path: &Path| {
        let path = path.to_path_buf();
        move |source: io::Error| ProduceError::File { doing, path, source }
    };
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    let lock_path = folder.join(LOCK);
    let lock = File::create(&lock_path).map_err(failed("write to", &lock_path))?;
    if lock.try_lock().is_err() {
        observer.waiting();
        lock.lock().map_err(failed("lock", &lock_path))?;
    }

    let edition = edition(order.length);
    let missing: Vec<&Item> = match stamped_sizes(&folder.join(COMPLETE), &edition) {
        Some(sizes) => items.iter().filter(|i| !is_whole(folder, i, &sizes)).collect(),
        None => {
            let started = folder.join(STARTED);
            let ours = fs::read_to_string(&started).is_ok_and(|text| text.trim_end() == edition);
            let missing = items.iter().filter(|i| !ours || size_of_file(&folder.join(&i.path)).is_none());
            let missing = missing.collect();
            // Files of another edition must not be taken for ours should this run be cut short.
            if !ours {
                for item in items {
                    remove(&folder.join(&item.path))?;
                }
                remove(&folder.join(COMPLETE))?;
                fs::write(&started, format!("{edition}\n")).map_err(failed("write", &started))?;
            }
            missing
        }
    };
    let report = |made: usize| Report { made, kept: items.len() - made, bytes: total_size(folder, items) };
    if missing.is_empty() && folder.join(COMPLETE).exists() {
        return Ok(report(0));
    }
    sweep(folder, items);
    make(&missing, folder, order.threads, observer)?;
    stamp(folder, items, &edition).map_err(failed("write", &folder.join(COMPLETE)))?;
    remove(&folder.join(STARTED))?;
    Ok(report(missing.len()))
}

/// Whether the folder holds everything of this edition. Reads the stamp and the sizes only.
#[must_use]
pub fn is_complete(folder: &Path, length: Length) -> bool {
    holds(folder, &repertoire(length), length)
}

fn holds(folder: &Path, items: &[Item], length: Length) -> bool {
    let sizes = stamped_sizes(&folder.join(COMPLETE), &edition(length));
    sizes.is_some_and(|sizes| items.iter().all(|item| is_whole(folder, item, &sizes)))
}

fn edition(length: Length) -> String {
    let length = match length {
        Length::Full => "full",
        Length::Quick => "quick",
    };
    format!("retrovue-testcard edition {EDITION} {length}")
}

/// The sizes of a stamp of this edition, by path.
fn stamped_sizes(stamp: &Path, edition: &str) -> Option<Vec<(String, u64)>> {
    let text = fs::read_to_string(stamp).ok()?;
    let mut lines = text.lines();
    if lines.next() != Some(edition) {
        return None;
    }
    lines
        .map(|line| {
            let (size, path) = line.split_once('\t')?;
            Some((path.to_owned(), size.parse().ok()?))
        })
        .collect()
}

fn is_whole(folder: &Path, item: &Item, sizes: &[(String, u64)]) -> bool {
    let size = size_of_file(&folder.join(&item.path));
    size.is_some() && sizes.iter().find(|(path, _)| *path == item.path).map(|&(_, size)| size) == size
}

fn size_of_file(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

fn total_size(folder: &Path, items: &[Item]) -> u64 {
    items.iter().filter_map(|item| size_of_file(&folder.join(&item.path))).sum()
}

fn remove(path: &Path) -> Result<(), ProduceError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ProduceError::File { doing: "remove", path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}

/// Takes away what an interrupted run left half made.
fn sweep(folder: &Path, items: &[Item]) {
    for item in items {
        let partial = crate::produce::partial_path(&folder.join(&item.path));
        debug_assert!(partial.extension().is_some_and(|e| e == PARTIAL));
        // One that cannot be taken away is written over.
        let _ = fs::remove_file(partial);
    }
}

fn make(items: &[&Item], folder: &Path, threads: usize, observer: &dyn Observer) -> Result<(), ProduceError> {
    for item in items {
        let path = folder.join(&item.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|source| ProduceError::File {
            doing: "make the folder",
            path: parent.to_path_buf(),
            source,
        })?;
    }
    let mut queue: Vec<(i64, &Item)> = items.iter().map(|&item| (item.frames(), item)).collect();
    observer.begin(queue.len(), queue.iter().map(|&(frames, _)| frames.max(0) as u64).sum());
    // The longest first: the last to finish is then a short one.
    queue.sort_by_key(|&(frames, _)| -frames);
    let queue: Mutex<VecDeque<&Item>> = Mutex::new(queue.into_iter().map(|(_, item)| item).collect());
    let stop = AtomicBool::new(false);
    let next = || {
        // A thread that panicked took its item with it; the rest of the queue is sound.
        let mut queue = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        queue.pop_front().filter(|_| !stop.load(Ordering::Relaxed))
    };
    let work = || -> Result<(), ProduceError> {
        while let Some(item) = next() {
            let made = produce(item, &folder.join(&item.path), || observer.frame());
            made.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            observer.file(&item.path);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, 16)).map(|_| scope.spawn(work)).collect();
        let mut result = Ok(());
        for worker in workers {
            match worker.join() {
                Ok(done) => result = result.and(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}

fn stamp(folder: &Path, items: &[Item], edition: &str) -> io::Result<()> {
    let partial = folder.join(format!("{COMPLETE}.{PARTIAL}"));
    let mut file = File::create(&partial)?;
    writeln!(file, "{edition}")?;
    for item in items {
        let size = fs::metadata(folder.join(&item.path))?.len();
        writeln!(file, "{size}\t{}", item.path)?;
    }
    file.sync_all()?;
    fs::rename(partial, folder.join(COMPLETE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_another_edition_or_a_torn_one_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join(COMPLETE);
        assert!(stamped_sizes(&stamp, &edition(Length::Full)).is_none());
        for text in ["", "retrovue-testcard edition 0 full\n", "\u{0}\u{1}"] {
            fs::write(&stamp, text).unwrap();
            assert!(stamped_sizes(&stamp, &edition(Length::Full)).is_none(), "{text:?}");
        }
        fs::write(&stamp, format!("{}\n12\ta/b.mp4\nx\tc.mp4\n", edition(Length::Full))).unwrap();
        assert!(stamped_sizes(&stamp, &edition(Length::Full)).is_none());
        fs::write(&stamp, format!("{}\n12\ta/b.mp4\n", edition(Length::Full))).unwrap();
        assert_eq!(stamped_sizes(&stamp, &edition(Length::Full)), Some(vec![("a/b.mp4".to_owned(), 12)]));
        assert!(stamped_sizes(&stamp, &edition(Length::Quick)).is_none());
        assert!(!is_complete(folder.path(), Length::Full), "the stamp names too few files");
    }
    struct Quiet;
    impl Observer for Quiet {}

    /// Three short items stand for all.
    fn some() -> Vec<Item> {
        let names = ["Stay tuned", "Ident 1", "Coming up next"];
        let chosen = |item: &Item| names.iter().any(|name| item.path.contains(name));
        repertoire(Length::Quick).into_iter().filter(chosen).collect()
    }

    /// A whole run, a second one that keeps everything, and runs that mend what was broken.
    #[test]
    fn a_folder_is_filled_once_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("media");
        let order = Order { folder: out.clone(), length: Length::Quick, threads: 2 };
        let (bumpers, items) = (out.join("bumpers"), some());
        let run = || fill_with(&items, &order, &Quiet).unwrap();
        fs::create_dir_all(&bumpers).unwrap();
        fs::write(bumpers.join(".Stay tuned.mp4.part"), "half").unwrap();
        fs::write(bumpers.join("mine.mp4"), "not ours").unwrap();
        // A file of some other edition is not taken for ours.
        fs::write(bumpers.join("Stay tuned.mp4"), "older").unwrap();

        let first = run();
        assert_eq!((first.made, first.kept), (3, 0));
        assert!(holds(&out, &items, Length::Quick) && !holds(&out, &items, Length::Full));
        assert!(!bumpers.join(".Stay tuned.mp4.part").exists());
        assert_eq!(fs::read_to_string(bumpers.join("mine.mp4")).unwrap(), "not ours");
        let modified = |item: &Item| fs::metadata(out.join(&item.path)).unwrap().modified().unwrap();
        let before: Vec<_> = items.iter().map(modified).collect();
        assert_eq!((run().made, run().kept), (0, 3));
        assert!(items.iter().map(modified).eq(before));

        // One gone, one cut short.
        fs::remove_file(bumpers.join("Stay tuned.mp4")).unwrap();
        fs::write(bumpers.join("Coming up next.mp4"), "short").unwrap();
        assert!(!holds(&out, &items, Length::Quick));
        assert_eq!(run().made, 2);
        // As an interrupted run leaves it: begun, some made, no stamp.
        fs::remove_file(out.join(COMPLETE)).unwrap();
        fs::write(out.join(STARTED), edition(Length::Quick)).unwrap();
        fs::remove_file(bumpers.join("Station Ident 1.mp4")).unwrap();
        assert_eq!(run().made, 1);
        assert!(holds(&out, &items, Length::Quick) && !out.join(STARTED).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let order = Order { folder: file.join("media"), length: Length::Quick, threads: 1 };
        let error = fill_with(&some(), &order, &Quiet).unwrap_err();
        assert!(error.to_string().contains("file/media"), "{error}");
    }
}
