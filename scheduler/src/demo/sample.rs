//! The sample station: three channels over media that `retrovue-testcard` draws.

use super::{ChannelFile, DemoError, local_zone, not_writable, write_station};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program that draws the sample media.
pub const TESTCARD_PROGRAM: &str = "retrovue-testcard";

/// Makes the sample media in `folder`, or keeps what is there and whole. The program is looked for beside
/// this one, then on the PATH; it shows its own progress.
///
/// # Errors
/// The program is not there or fails.
pub fn make_sample_media(folder: &Path) -> Result<(), DemoError> {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name(TESTCARD_PROGRAM));
    let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(TESTCARD_PROGRAM));
    let failed = |reason: String| DemoError::Testcard { program: program.display().to_string(), reason };
    let status = Command::new(&program)
        .arg("--out")
        .arg(folder)
        .stdin(Stdio::null())
        .status()
        .map_err(|e| failed(format!("cannot be started ({e})")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("ended with {status}"))) }
}

/// Writes the sample station over `dir/media` and returns its station file.
///
/// # Errors
/// `dir` cannot be written.
pub fn sample_station(dir: &Path) -> Result<PathBuf, DemoError> {
    fs::create_dir_all(dir).map_err(|source| not_writable(dir, source))?;
    let zone = local_zone();
    let channels = [
        ("prime", PRIME.replace("ZONE", &zone)),
        ("cinema", CINEMA.replace("ZONE", &zone)),
        ("shuffle", SHUFFLE.replace("ZONE", &zone)),
    ]
    .map(|(id, text)| ChannelFile { id: id.to_owned(), text });
    write_station(dir, STATION, &channels)
}

const STATION: &str = "\
# The sample station of `retrovue demo`. Written anew at every demo; copy it to make it yours.
station: RetroVue
media: [media]
channels: [channels/prime.yaml, channels/cinema.yaml, channels/shuffle.yaml]
data_dir: data
";

/// Two series in turn, each episode in a minute with its break at the chapter mark.
const PRIME: &str = "\
channel: prime
name: Retro Prime
number: 2
timezone: ZONE
grid: 60s
filler: [col.adverts, col.bumpers]
notes: {idea: Series in order, with adverts where the acts end}
schedule:
  daily:
    - start: \"06:00\"
      until: \"06:00\"
      slots:
        - {title: Cosmic Diner, episode_selector: {collection: col.cosmic_diner, mode: sequential}}
        - {title: Harbour Patrol, episode_selector: {collection: col.harbour_patrol, mode: sequential}}
";

/// Films without interruption; what is left of the grid comes after them.
const CINEMA: &str = "\
channel: cinema
name: Cinema Twelve
number: 12
timezone: ZONE
template: premium_movie
grid: 60s
filler: [col.bumpers, col.filler]
notes: {idea: Films without interruption}
schedule:
  daily:
    - start: \"06:00\"
      until: \"06:00\"
      slots:
        - movie_selector: {collections: [col.movies]}
";

/// Everything there is, shuffled; nothing comes again before all has aired.
const SHUFFLE: &str = "\
channel: shuffle
name: The Shuffle
number: 21
timezone: ZONE
grid: 60s
filler: [col.bumpers, col.adverts]
notes: {idea: Every series, shuffled}
schedule:
  daily:
    - start: \"06:00\"
      until: \"06:00\"
      slots:
        - {title: The Clockmakers, episode_selector: {collection: col.the_clockmakers, mode: random}}
        - {title: Harbour Patrol, episode_selector: {collection: col.harbour_patrol, mode: random}}
        - {title: Cosmic Diner, episode_selector: {collection: col.cosmic_diner, mode: random}}
";
