//! The station file.

use super::guide_on_air::{GuideOnAir, read_guide};
use super::house_format::{check_mux_rate, default_format, read_format};
use crate::catalog::AssetType;
use crate::dsl::{TrafficSpec, station_traffic};
use crate::ingest::IngestSource;
use crate::yaml::{Diagnostic, Document, Fields, Node, Report, Value};
use retrovue_proto::plan::HouseFormat;
use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};

/// Port where none is configured.
pub const DEFAULT_PORT: u16 = 8409;

/// How long a channel stays on the air after its last viewer where nothing is configured.
pub const DEFAULT_LINGER: Millis = Millis(20_000);

/// Longest linger accepted: a session without viewers must end some day.
const MAX_LINGER_SECONDS: u64 = 86_400;

/// Most channel files of one station.
const MAX_CHANNELS: usize = 1000;

/// A station as configured. All paths are resolved against the station file's folder.
#[derive(Debug, Clone)]
pub struct StationConfig {
    /// The file it was read from.
    pub path: PathBuf,
    /// Name shown to people.
    pub name: String,
    /// Folders to scan.
    pub media: Vec<MediaFolder>,
    /// Channel files, in order; those that a pattern stands for exist.
    pub channels: Vec<PathBuf>,
    /// The public port; 0 for any free one.
    pub port: u16,
    /// Where catalog and generated files live.
    pub data_dir: PathBuf,
    /// The one format of everything this station sends.
    pub format: HouseFormat,
    /// What the streams themselves tell of the guide; nothing when absent.
    pub guide: Option<GuideOnAir>,
    /// How long a channel stays on the air after its last viewer.
    pub linger: Millis,
    /// What fills breaks and uncovered time on channels that do not say.
    pub filler: Option<FillerRef>,
    /// What fills breaks on channels that do not say.
    pub traffic: Option<TrafficSpec>,
    /// What is wrong and does not keep the station from running: folders and files that are not there.
    pub warnings: Report,
}

/// A folder of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFolder {
    /// Where.
    pub path: PathBuf,
    /// What people call it.
    pub name: Option<String>,
    /// What all its files are for, whatever its folders are called.
    pub asset_type: Option<AssetType>,
}

/// Something that fills time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FillerRef {
    /// A collection, `col.…`.
    Collection(String),
    /// A file.
    Path(PathBuf),
}

impl FillerRef {
    /// Reads `col.…` as a collection, anything else as a path relative to `folder`.
    #[must_use]
    pub fn read(text: &str, folder: &Path) -> FillerRef {
        if text.starts_with("col.") {
            FillerRef::Collection(text.to_owned())
        } else {
            FillerRef::Path(folder.join(text))
        }
    }
}

impl StationConfig {
    /// Reads a station file.
    ///
    /// # Errors
    /// Everything wrong with it at once, each finding with its place.
    pub fn read(path: &Path) -> Result<StationConfig, Report> {
        let path = std::path::absolute(path).map_err(|e| {
            Report::from(Box::new(Diagnostic::of_file(path, format!("cannot resolve the path: {e}"))))
        })?;
        let document = Document::read(&path).map_err(|d| {
            if path.exists() {
                return Report::from(d);
            }
            let help = "name the station file with --config, or make a sample station with `retrovue demo`";
            Report::from(Box::new(
                Diagnostic::of_file(&path, format!("there is no station file {}", path.display())).help(help),
            ))
        })?;
        StationConfig::from_document(&document)
    }

    /// Judges a parsed station file.
    ///
    /// # Errors
    /// Everything wrong with it at once.
    pub fn from_document(document: &Document) -> Result<StationConfig, Report> {
        let mut report = Report::default();
        let config = read_station(document, &mut report);
        report.sort();
        match config {
            Some(config) if !report.has_errors() => Ok(StationConfig { warnings: report, ..config }),
            _ => Err(report),
        }
    }
}

impl StationConfig {
    /// What a scan of this station covers: its media folders and, where that is a file, its filler, as far as they are
    /// there.
    #[must_use]
    pub fn sources(&self) -> Vec<IngestSource> {
        let folders = self.media.iter().filter(|m| m.path.is_dir()).map(|m| IngestSource {
            path: m.path.clone(),
            name: m.name.clone(),
            asset_type: m.asset_type,
        });
        let filler = self.filler.iter().filter_map(|f| match f {
            FillerRef::Path(path)
                if path.is_file() && !self.media.iter().any(|m| path.starts_with(&m.path)) =>
            {
                Some(IngestSource { path: path.clone(), name: None, asset_type: Some(AssetType::Filler) })
            }
            _ => None,
        });
        folders.chain(filler).collect()
    }
}

fn read_station(document: &Document, report: &mut Report) -> Option<StationConfig> {
    let folder = document.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut fields = Fields::of(document, &document.root, "the station file", report)?;
    let name =
        fields.text("station", report).map_or_else(|| "RetroVue".to_owned(), |(text, _)| text.to_owned());
    let media = match fields.need("media", report, "list the folders your media files are in") {
        Some(node) => read_media(document, node, &folder, report),
        None => Vec::new(),
    };
    let channels = match fields.need(
        "channels",
        report,
        "list the channels' YAML files, or a pattern like channels/*.yaml",
    ) {
        Some(node) => read_channels(document, node, &folder, report),
        None => Vec::new(),
    };
    let port = fields.number("port", 0, u64::from(u16::MAX), report);
    let port = port.and_then(|(n, _)| u16::try_from(n).ok()).unwrap_or(DEFAULT_PORT);
    let data_dir = folder.join(fields.text("data_dir", report).map_or("data", |(text, _)| text));
    let linger = fields
        .number("linger_seconds", 0, MAX_LINGER_SECONDS, report)
        .and_then(|(n, _)| i64::try_from(n).ok())
        .map_or(DEFAULT_LINGER, |n| Millis(n * 1000));
    let filler = fields.text("filler", report).map(|(text, node)| {
        let filler = FillerRef::read(text, &folder);
        if let FillerRef::Path(path) = &filler
            && !path.is_file()
        {
            report.push(
                Diagnostic::at(document, node, format!("there is no filler file {}", path.display()))
                    .help("give a media file, or a collection like col.filler")
                    .warning(),
            );
        }
        filler
    });
    let traffic = fields.take("traffic").and_then(|node| station_traffic(document, node, report));
    let guide = fields.take("guide").map(|node| read_guide(document, node, report));
    let cues = fields.flag("cues", report).unwrap_or_default();
    let format_node = fields.take("format");
    let format = format_node.map_or_else(default_format, |node| read_format(document, node, report));
    let format = HouseFormat { cues, ..format };
    if let Some(node) = format_node {
        check_mux_rate(&format, guide, document, node, report);
    }
    fields.finish(report);
    Some(StationConfig {
        path: document.path.clone(),
        name,
        media,
        channels,
        port,
        data_dir,
        format,
        guide,
        linger,
        filler,
        traffic,
        warnings: Report::default(),
    })
}

fn read_media(document: &Document, node: &Node, folder: &Path, report: &mut Report) -> Vec<MediaFolder> {
    let mut media: Vec<MediaFolder> = Vec::new();
    for item in items(node) {
        let Some((entry, place)) = read_media_entry(document, item, folder, report) else { continue };
        if !entry.path.is_dir() {
            let message = format!("there is no media folder {}", entry.path.display());
            let help =
                "check the path, which is relative to the station file, or whether its drive is mounted";
            report.push(Diagnostic::at(document, place, message).help(help).warning());
        }
        if media.iter().any(|m| m.path == entry.path) {
            report.push(Diagnostic::at(document, place, "this media folder is listed twice").warning());
        } else {
            media.push(entry);
        }
    }
    media
}

fn read_media_entry<'a>(
    document: &'a Document,
    item: &'a Node,
    folder: &Path,
    report: &mut Report,
) -> Option<(MediaFolder, &'a Node)> {
    if let Some(path) = item.scalar() {
        return Some((MediaFolder { path: folder.join(path), name: None, asset_type: None }, item));
    }
    let mut fields = Fields::of(document, item, "a media folder", report)?;
    let path = fields.need_text("path", report, "give the folder: path: /media/shows");
    let name = fields.text("name", report).map(|(text, _)| text.to_owned());
    let asset_type = fields.text("type", report).and_then(|(text, node)| {
        text.parse::<AssetType>().map_err(|e| report.push(Diagnostic::at(document, node, e))).ok()
    });
    fields.finish(report);
    let (path, place) = path?;
    Some((MediaFolder { path: folder.join(path), name, asset_type }, place))
}

fn read_channels(document: &Document, node: &Node, folder: &Path, report: &mut Report) -> Vec<PathBuf> {
    let mut channels: Vec<PathBuf> = Vec::new();
    for item in items(node) {
        let Some(text) = item.scalar() else {
            let message = format!("a channel must be the path of a YAML file, not {}", item.kind());
            report.push(Diagnostic::at(document, item, message));
            continue;
        };
        let pattern = folder.join(text);
        let found = if text.contains(['*', '?', '[']) { expand(&pattern) } else { Ok(vec![pattern.clone()]) };
        match found {
            Err(detail) => {
                report.push(Diagnostic::at(document, item, format!("bad pattern \"{text}\": {detail}")))
            }
            Ok(paths) => {
                if !paths.iter().any(|p| p.is_file()) {
                    let message = format!("there is no channel file {}", pattern.display());
                    let help = "check the path or pattern; it is relative to the station file";
                    report.push(Diagnostic::at(document, item, message).help(help).warning());
                }
                // A file that is named and not there is a channel that cannot air.
                for path in paths.into_iter().filter(|p| *p == pattern || p.is_file()) {
                    if !channels.contains(&path) {
                        channels.push(path);
                    }
                }
            }
        }
    }
    if channels.len() > MAX_CHANNELS {
        let message = format!("{} channels are more than {MAX_CHANNELS}", channels.len());
        report.push(Diagnostic::at(document, node, message).help("split the station"));
    }
    channels
}

fn expand(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let text = pattern.to_str().ok_or("it is not UTF-8")?;
    // Sorted by name, so that channels keep their order.
    let mut paths: Vec<PathBuf> =
        glob::glob(text).map_err(|e| e.to_string())?.filter_map(Result::ok).collect();
    paths.sort();
    Ok(paths)
}

fn items(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::Sequence(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        _ => vec![node],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("media/films")).unwrap();
        std::fs::create_dir_all(dir.path().join("channels")).unwrap();
        for name in ["b.yaml", "a.yaml"] {
            std::fs::write(dir.path().join("channels").join(name), "channel: x\n").unwrap();
        }
        dir
    }

    fn read(dir: &Path, text: &str) -> Result<StationConfig, Report> {
        let path = dir.join("station.yaml");
        std::fs::write(&path, text).unwrap();
        StationConfig::read(&path)
    }

    #[test]
    fn a_whole_station_is_read() {
        let dir = folder();
        let text = "station: Channel Five\nmedia:\n  - media\n  - {path: media/films, name: Films, type: movie}\n\
            channels: [channels/*.yaml]\nport: 9000\ndata_dir: var\nlinger_seconds: 5\nfiller: col.filler\n\
            format: {width: 640, height: 360, fps: 29.97, gop_frames: 15, preset: superfast}\n";
        let config = read(dir.path(), text).unwrap();
        assert_eq!((config.name.as_str(), config.port, config.linger), ("Channel Five", 9000, Millis(5000)));
        assert_eq!(config.media[1].asset_type, Some(AssetType::Movie));
        let names: Vec<_> = config.channels.iter().map(|c| c.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.yaml", "b.yaml"]);
        assert_eq!((config.format.fps_num, config.format.fps_den), (30_000, 1001));
        assert_eq!((config.format.width, config.format.gop_frames), (640, 15));
        assert_eq!(config.data_dir, dir.path().join("var"));
        assert_eq!(config.filler, Some(FillerRef::Collection("col.filler".into())));
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_its_place() {
        let dir = folder();
        let text = "sation: X\nmedia:\n  - nowhere\nchannels:\n  - channels/*.yml\nport: 99999\nformat:\n  fps: fast\n  widht: 3\nfiller: none.mp4\n";
        let report = read(dir.path(), text).unwrap_err();
        let lines: Vec<(usize, usize)> =
            report.findings().iter().map(|d| (d.place().line, d.place().column)).collect();
        assert_eq!(lines, [(1, 1), (3, 5), (5, 5), (6, 7), (8, 8), (9, 3), (10, 9)]);
        let shown = report.render(false);
        for part in
            ["did you mean \"station\"", "did you mean \"width\"", "nowhere", "from 0 to 65535", "none.mp4"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn the_guide_on_the_air_and_a_constant_rate_are_judged_together() {
        let dir = folder();
        let station = |rest: &str| format!("media: [media]\nchannels: [channels/a.yaml]\n{rest}");
        let text = station("guide: {days: 3, country: DEU}\nformat: {mux_rate_kbps: 3800}\n");
        let config = read(dir.path(), &text).unwrap();
        assert_eq!(config.guide, Some(GuideOnAir { days: 3, country: Some(*b"DEU") }));
        assert_eq!(read(dir.path(), &station("guide: {}\n")).unwrap().guide, Some(GuideOnAir::default()));
        assert_eq!(read(dir.path(), &station("")).unwrap().guide, None);
        assert_eq!(config.format.mux_rate_kbps, Some(3800));
        for (rest, message) in [
            ("guide: {days: 3, country: de}\n", "\"de\" is no country code"),
            ("guide: {days: 8}\n", "from 0 to 7"),
            ("format: {mux_rate_kbps: 3128}\n", "\"mux_rate_kbps\" is 3128: pictures, sound and tables need"),
        ] {
            let shown = read(dir.path(), &station(rest)).unwrap_err().render(false);
            assert!(shown.contains(message), "{message}: {shown}");
        }
    }

    #[test]
    fn cues_are_of_the_format_and_have_their_share_of_a_constant_rate() {
        let dir = folder();
        let station = |rest: &str| format!("media: [media]\nchannels: [channels/a.yaml]\n{rest}");
        let cues = |rest: &str| read(dir.path(), &station(rest)).map(|config| config.format.cues);
        assert_eq!(
            (cues("").unwrap(), cues("cues: false\n").unwrap(), cues("cues: true\n").unwrap()),
            (false, false, true)
        );
        let shown = cues("cues: yes\n").unwrap_err().render(false);
        assert!(shown.contains("\"cues\" must be true or false, not \"yes\""), "{shown}");
        let least = |rest: &str| {
            let rate = |kbps: u32| format!("{rest}format: {{mux_rate_kbps: {kbps}}}\n");
            (3_000..5_000).find(|&kbps| cues(&rate(kbps)).is_ok()).unwrap()
        };
        assert!((30..60).contains(&(least("cues: true\n") - least(""))), "21 packets of 1504 bits a second");
    }

    #[test]
    fn what_is_not_there_is_a_warning_and_is_not_scanned() {
        let dir = folder();
        let text = "media: [media, gone]\nchannels: [channels/a.yaml, channels/gone.yaml, '*.none']\nfiller: gone.mp4\n";
        let config = read(dir.path(), text).unwrap();
        let lines: Vec<(usize, bool)> = config
            .warnings
            .findings()
            .iter()
            .map(|d| (d.place().line, d.level() == crate::yaml::Level::Warning))
            .collect();
        assert_eq!(lines, [(1, true), (2, true), (2, true), (3, true)]);
        let scanned: Vec<PathBuf> = config.sources().into_iter().map(|s| s.path).collect();
        assert_eq!(scanned, [dir.path().join("media")]);
        let channels: Vec<_> = config.channels.iter().map(|c| c.file_name().unwrap()).collect();
        assert_eq!(channels, ["a.yaml", "gone.yaml"]);
        assert_eq!(config.media.len(), 2);
    }

    #[test]
    fn a_missing_station_file_says_what_to_do() {
        let report = StationConfig::read(Path::new("/no/such/station.yaml")).unwrap_err();
        assert!(report.to_string().contains("--config"), "{report}");
    }

    proptest! {
        #[test]
        fn mutated_stations_never_panic(at in 0usize..120, with in any::<char>()) {
            let mut text = "station: X\nmedia: [/tmp]\nchannels:\n  - /tmp/*.nope\nport: 1\nformat: {fps: 30000/1001, width: 640}\n".to_owned();
            let at = at.min(text.len());
            text.insert(at, with);
            if let Ok(document) = Document::parse(Path::new("station.yaml"), &text) {
                let _ = StationConfig::from_document(&document);
            }
        }
    }
}
