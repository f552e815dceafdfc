//! An asset as the catalog knows it.

use retrovue_timebase::Millis;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest asset that can air. A file that claims more is damaged: nothing as long fits into a broadcast
/// day, and the grid is reckoned with its length.
pub const LONGEST_ASSET: Millis = Millis(10 * 86_400_000);

/// What an asset is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetType {
    /// Part of a series.
    Episode,
    /// A film.
    Movie,
    /// Time filler, looped.
    Filler,
    /// An advert.
    Commercial,
    /// A trailer for something else on the station.
    Promo,
    /// A station ident or a sting.
    Bumper,
}

impl AssetType {
    /// All types, in the order of the documentation.
    pub const ALL: [AssetType; 6] = [
        AssetType::Episode,
        AssetType::Movie,
        AssetType::Filler,
        AssetType::Commercial,
        AssetType::Promo,
        AssetType::Bumper,
    ];

    /// The word used in files, the database and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AssetType::Episode => "episode",
            AssetType::Movie => "movie",
            AssetType::Filler => "filler",
            AssetType::Commercial => "commercial",
            AssetType::Promo => "promo",
            AssetType::Bumper => "bumper",
        }
    }
}

impl fmt::Display for AssetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for AssetType {
    type Err = String;

    fn from_str(text: &str) -> Result<AssetType, String> {
        AssetType::ALL.into_iter().find(|t| t.word() == text).ok_or_else(|| {
            format!("\"{text}\" is no asset type; known: episode, movie, filler, commercial, promo, bumper")
        })
    }
}

/// Whether an asset can air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It can.
    Ok,
    /// The file is there and cannot be played; the reason is recorded.
    Bad,
    /// The file was there once.
    Missing,
}

impl Health {
    /// The word used in the database and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Bad => "bad",
            Health::Missing => "missing",
        }
    }

    pub(super) fn from_word(word: &str) -> Health {
        match word {
            "ok" => Health::Ok,
            "missing" => Health::Missing,
            _ => Health::Bad,
        }
    }
}

/// A chapter of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// First instant, from the start of the file.
    pub start_ms: Millis,
    /// One past its last instant.
    pub end_ms: Millis,
    /// What the file calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What the probe found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFacts {
    /// Name of the container.
    pub container: String,
    /// Length, where the container tells.
    pub duration_ms: Option<Millis>,
    /// The video track, as the probe describes it.
    #[serde(default)]
    pub video: Option<serde_json::Value>,
    /// The audio tracks, as the probe describes them.
    #[serde(default)]
    pub audio: Vec<serde_json::Value>,
    /// Chapters in order.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
}

impl ProbeFacts {
    /// Name of the video codec.
    #[must_use]
    pub fn video_codec(&self) -> Option<&str> {
        self.video.as_ref().and_then(|v| v.get("codec")).and_then(|c| c.as_str())
    }

    /// Name of the first audio track's codec.
    #[must_use]
    pub fn audio_codec(&self) -> Option<&str> {
        self.audio.first().and_then(|a| a.get("codec")).and_then(|c| c.as_str())
    }
}

/// An asset with everything the catalog holds of it; the form of `asset show --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetRecord {
    /// Lasting identity, `asset.<collection>.<name>` as it was first found; it stays when the file is moved.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// What it is for.
    #[serde(rename = "type")]
    pub asset_type: AssetType,
    /// The collection it was found in.
    pub collection: String,
    /// The series it is of, as a sidecar or a server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Season.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<u32>,
    /// Episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode: Option<u32>,
    /// Year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// Rating, as written: `PG-13`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// Genres, in order of name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genres: Vec<String>,
    /// What it is about, in a few sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plot: Option<String>,
    /// Its picture: a file, or an address at the server that lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artwork: Option<String>,
    /// By what the picture is called where it is served.
    #[serde(skip)]
    pub artwork_mark: Option<i64>,
    /// Absolute path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Time of last change, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Whether it can air.
    pub health: Health,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the probe found, where it could read the file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub facts: Option<ProbeFacts>,
    /// What decoding the whole file told, where that was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Places that are black and silent, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggested_breaks: Vec<SuggestedBreak>,
}

/// Loudness after EBU R 128, in hundredths: integers, for they are compared and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness in hundredths of LUFS.
    pub integrated: i64,
    /// Loudness range in hundredths of LU.
    pub loudness_range: i64,
    /// True peak in hundredths of dBTP.
    pub true_peak: i64,
}

/// How measuring a file by decoding all of it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Measured {
    /// Its loudness; absent where it has no sound, or none above the threshold of measuring.
    Loudness(Option<Loudness>),
    /// Why it could not be measured.
    Failed(String),
}

/// A place that is black and silent, where an act may end if somebody accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SuggestedBreak {
    /// The middle of it, from the start of the file.
    pub at_ms: Millis,
    /// How long it is black and silent.
    pub length_ms: Millis,
    /// Whether it is used.
    pub accepted: bool,
}

/// What is told of a file by its name and folders, its sidecars, or the server that lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Description {
    pub(crate) title: String,
    pub(crate) series: Option<String>,
    pub(crate) season: Option<u32>,
    pub(crate) episode: Option<u32>,
    pub(crate) year: Option<u32>,
    pub(crate) rating: Option<String>,
    pub(crate) genres: Vec<String>,
    pub(crate) plot: Option<String>,
}

/// A channel's lasting identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRecord {
    /// The slug in URLs.
    pub id: String,
    /// Stable integer identity, never reused.
    pub channel_id: i32,
    /// Number on the dial.
    pub number: u32,
    /// Name for people.
    pub name: String,
}

/// The order episodes air in: season, episode, then names with their numbers read as numbers.
#[must_use]
pub fn natural_order(a: (Option<u32>, Option<u32>, &str), b: (Option<u32>, Option<u32>, &str)) -> Ordering {
    // Files without a number come after those with one.
    let key = |n: Option<u32>| (n.is_none(), n);
    (key(a.0), key(a.1)).cmp(&(key(b.0), key(b.1))).then_with(|| natural_text(a.2, b.2))
}

/// Compares text with every run of digits read as a number: `Part 2` before `Part 10`.
fn natural_text(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(l), Some(r)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        if l.is_ascii_digit() && r.is_ascii_digit() {
            let (ln, lrest) = split_digits(left);
            let (rn, rrest) = split_digits(right);
            let (lv, rv) = (ln.trim_start_matches('0'), rn.trim_start_matches('0'));
            let order = lv.len().cmp(&rv.len()).then_with(|| lv.cmp(rv));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (lrest, rrest);
        } else {
            let order = l.to_lowercase().cmp(r.to_lowercase());
            if order != Ordering::Equal {
                return order;
            }
            left = &left[l.len_utf8()..];
            right = &right[r.len_utf8()..];
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_air_by_season_episode_and_natural_name() {
        let mut list = [
            (None, None, "Part 10.mp4"),
            (Some(2), Some(1), "a"),
            (Some(1), Some(10), "a"),
            (Some(1), Some(2), "z"),
            (None, None, "part 2.mp4"),
            (None, None, "Part 02.mp4"),
        ];
        list.sort_by(|a, b| natural_order(*a, *b));
        let names: Vec<_> = list.iter().map(|x| (x.0, x.1, x.2)).collect();
        assert_eq!(
            names,
            [
                (Some(1), Some(2), "z"),
                (Some(1), Some(10), "a"),
                (Some(2), Some(1), "a"),
                (None, None, "Part 02.mp4"),
                (None, None, "part 2.mp4"),
                (None, None, "Part 10.mp4"),
            ]
        );
    }
}
