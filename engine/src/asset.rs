//! Asset URIs to paths, and the facts acceptance asks of the disk.

use crate::isolation::AssetFolders;
use crate::session::{AssetFacts, Rejection};
use retrovue_codec::MediaError;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::Millis;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most assets remembered; one full block's worth of adverts many times over.
const MAX_REMEMBERED: usize = 4096;

/// Path named by an asset URI: a plain path or `file://`, relative ones taken from `base`.
///
/// # Errors
/// A sentence saying what is wrong with the URI.
pub fn resolve(uri: &str, base: &Path) -> Result<PathBuf, String> {
    if uri.is_empty() {
        return Err("asset_uri is empty".to_owned());
    }
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Ok(base.join(uri));
    };
    if scheme != "file" {
        return Err(format!("asset_uri {uri}: scheme {scheme} is not supported, use a path or file://"));
    }
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(format!("asset_uri {uri}: file:// needs an absolute path (file:///…)"));
    }
    Ok(PathBuf::from(percent_decode(path).ok_or_else(|| format!("asset_uri {uri}: bad percent escape"))?))
}

/// RFC 3986 §2.1, on bytes: file names need not be UTF-8.
fn percent_decode(text: &str) -> Option<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    Some(std::ffi::OsString::from_vec(bytes))
}

/// Facts from the disk, each asset looked at once.
#[derive(Debug)]
pub struct DiskAssets {
    base: PathBuf,
    folders: AssetFolders,
    durations: BTreeMap<PathBuf, Option<Millis>>,
}

impl DiskAssets {
    /// Assets with relative paths lie under `base`.
    #[must_use]
    pub fn new(base: PathBuf) -> DiskAssets {
        DiskAssets::within(base, AssetFolders::everything())
    }

    /// The same, with every asset outside `folders` refused as ASSET_MISSING.
    #[must_use]
    pub fn within(base: PathBuf, folders: AssetFolders) -> DiskAssets {
        DiskAssets { base, folders, durations: BTreeMap::new() }
    }

    /// Where assets may lie.
    #[must_use]
    pub fn folders(&self) -> &AssetFolders {
        &self.folders
    }
}

impl AssetFacts for DiskAssets {
    fn facts(&mut self, asset_uri: &str) -> Result<(PathBuf, Option<Millis>), Rejection> {
        let path = resolve(asset_uri, &self.base)
            .map_err(|detail| Failure::new(FailureCode::AssetMissing, detail))?;
        if let Some(&duration) = self.durations.get(&path) {
            // A known asset may have vanished since.
            if path.is_file() {
                return Ok((path, duration));
            }
        }
        // Before anything of it is read.
        self.folders.admit(&path).map_err(|detail| Failure::new(FailureCode::AssetMissing, detail))?;
        let duration = retrovue_codec::probe_duration(&path).map_err(|e| rejection(&e))?;
        if self.durations.len() >= MAX_REMEMBERED {
            self.durations.clear();
        }
        self.durations.insert(path.clone(), duration);
        Ok((path, duration))
    }
}

/// A media error at acceptance.
fn rejection(error: &MediaError) -> Rejection {
    let code = match error {
        MediaError::NotFound { .. } | MediaError::Unreadable { .. } => FailureCode::AssetMissing,
        _ => FailureCode::AssetError,
    };
    Failure::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_paths() {
        let base = Path::new("/plans");
        for (uri, path) in [
            ("a.mp4", "/plans/a.mp4"),
            ("/m/a.mp4", "/m/a.mp4"),
            ("file:///m/a%20b.mp4", "/m/a b.mp4"),
            ("file://localhost/m/a.mp4", "/m/a.mp4"),
            ("50%.mp4", "/plans/50%.mp4"),
        ] {
            assert_eq!(resolve(uri, base), Ok(PathBuf::from(path)), "{uri}");
        }
        for uri in ["", "http://x/a.mp4", "file://a.mp4", "file:///a%2", "file:///a%zz"] {
            assert!(resolve(uri, base).is_err(), "{uri}");
        }
    }
}
