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

/// Two series in turn, each episode in a minute with its break at the chapter mark, where adverts take turns.
const PRIME: &str = "\
channel: prime
name: Retro Prime
number: 2
timezone: ZONE
grid: 60s
filler: [col.filler]
traffic:
  commercials: {collection: col.adverts, cooldown: 6m}
  bumpers: col.bumpers
  break: [commercials, bumper]
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
filler: [col.filler]
traffic:
  commercials: {collection: col.adverts, cooldown: 4m}
  bumpers: col.bumpers
  break: [bumper, commercials]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::config::StationConfig;
    use crate::ingest::{Ingest, ProberCommand, Unseen};
    use crate::plan::Programming;
    use retrovue_timebase::UtcMs;
    use std::collections::BTreeSet;

    /// Says of every file how long what `retrovue-testcard` makes of that name is.
    const PEER: &str = r#"n=0; while IFS= read -r p; do c='[]'; n=$((n+1)); case "$p" in
        *adverts*) l=$((10000 + n % 5 * 1000));; *bumpers*) l=5000;; *filler*) l=30000;; *movies*) l=100000;;
        *) l=42000; c='[{"start_ms":0,"end_ms":21000},{"start_ms":21000,"end_ms":42000}]';; esac
        printf '{"path":"%s","ok":{"container":"mp4","duration_ms":%s,"video":null,"audio":[],"chapters":%s}}\n' "$p" "$l" "$c"; done"#;

    #[test]
    fn adverts_take_turns_in_the_breaks_of_the_sample_and_films_have_none() {
        let dir = tempfile::tempdir().unwrap();
        let station = sample_station(dir.path()).unwrap();
        let folders = [("adverts", 9), ("bumpers", 6), ("filler", 1), ("movies", 2)].into_iter().chain([
            ("cosmic-diner", 4),
            ("harbour-patrol", 4),
            ("the-clockmakers", 4),
        ]);
        for (folder, count) in folders {
            let folder = dir.path().join("media").join(folder);
            fs::create_dir_all(&folder).unwrap();
            for n in 1..=count {
                fs::write(folder.join(format!("S01E{n:02}.mp4")), format!("{n}")).unwrap();
            }
        }
        let config = StationConfig::read(&station).unwrap();
        let mut catalog = Catalog::open(&config.data_dir).unwrap();
        let command = ProberCommand::new("/bin/bash".into(), ["-c", PEER]);
        Ingest::new(&mut catalog, command).run(&config.sources(), &mut Unseen).unwrap();
        let (programming, findings) = Programming::open(&config, &mut catalog).unwrap();
        assert!(findings.findings().is_empty(), "{findings}");
        let mut spots: Vec<String> = Vec::new();
        for minute in 0..9 {
            let at = UtcMs(1_767_268_800_000 + minute * 60_000);
            for channel in ["prime", "shuffle", "cinema"] {
                let block = programming.block_at(channel, at, &BTreeSet::new()).unwrap();
                let is_spot = |s: &&retrovue_proto::plan::Segment| s.asset_uri.contains("/adverts/");
                let uris: Vec<_> =
                    block.segments.iter().filter(is_spot).map(|s| s.asset_uri.clone()).collect();
                assert_eq!(uris.is_empty(), channel == "cinema", "{channel}: {block:#?}");
                if channel == "prime" {
                    spots.extend(uris);
                }
            }
        }
        assert_eq!(spots.len(), 9, "one in each break");
        let rests = |window: &[String]| window.iter().collect::<BTreeSet<_>>().len() == window.len();
        assert!(spots.windows(6).all(rests), "each rests for six minutes: {spots:?}");
    }
}
