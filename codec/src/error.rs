//! What can go wrong with a media file, an encoder or a configuration.
//!
//! Every message says what failed, where and what to do about it. The engine maps errors to block-level
//! codes by [`MediaErrorKind`] and never by text.

use retrovue_timebase::Millis;
use std::path::{Path, PathBuf};

/// A failure of this crate, with the offending path or value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// Nothing lies at the path.
    #[error("{}: no such file; check the path and that its disk is mounted", path.display())]
    NotFound {
        /// The path asked for.
        path: PathBuf,
    },
    /// Something lies at the path, but it cannot be opened.
    #[error("{}: cannot be opened ({reason}); check its permissions and that it is a regular file", path.display())]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is in no supported container format.
    #[error("{}: not a media file this station can read ({reason}); replace it or convert it to MP4 or MKV", path.display())]
    NotMedia {
        /// The path asked for.
        path: PathBuf,
        /// What the demuxer said.
        reason: String,
    },
    /// A container without video or audio.
    #[error("{}: holds neither a video nor an audio track; take it out of the library", path.display())]
    NoStreams {
        /// The path asked for.
        path: PathBuf,
    },
    /// No decoder for a track.
    #[error("{}: no decoder for codec {codec}; convert the file to H.264 and AAC", path.display())]
    UnsupportedCodec {
        /// The path asked for.
        path: PathBuf,
        /// Name of the codec.
        codec: String,
    },
    /// A track yields nothing decodable, or far too little.
    #[error("{}: cannot be decoded ({reason}); the file is damaged, replace it", path.display())]
    Decode {
        /// The path being played.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The in-point could not be reached.
    #[error("{}: cannot seek to {at} ({reason}); remux the file so that it has an index", path.display())]
    Seek {
        /// The path being played.
        path: PathBuf,
        /// The asset time asked for.
        at: Millis,
        /// What the demuxer said.
        reason: String,
    },
    /// The file could not be read on.
    #[error("{}: reading failed ({reason}); check the disk or the network mount", path.display())]
    Read {
        /// The path being played.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file could not be written.
    #[error("{}: writing failed ({reason}); check free space and permissions", path.display())]
    Write {
        /// The path being written.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A parameter no encoder, picture or filter can be made with.
    #[error("{what}; correct the configuration")]
    Config {
        /// The parameter and its offending value.
        what: String,
    },
    /// An encoder refused its input.
    #[error("encoding failed: {reason}")]
    Encode {
        /// What the encoder said.
        reason: String,
    },
    /// The system gave no memory.
    #[error("out of memory allocating {what}; run fewer channels or a smaller house format")]
    OutOfMemory {
        /// What it was for.
        what: &'static str,
    },
}

/// The classes of failure that lead to different actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaErrorKind {
    /// The asset does not exist.
    Missing,
    /// The asset exists and cannot be opened or read, or is no media file.
    Unreadable,
    /// The asset's content cannot be decoded.
    Decode,
    /// The in-point cannot be reached.
    Seek,
    /// A parameter is wrong.
    Config,
    /// Encoding or writing failed.
    Output,
}

impl MediaError {
    /// The class of this failure.
    #[must_use]
    pub const fn kind(&self) -> MediaErrorKind {
        match self {
            MediaError::NotFound { .. } => MediaErrorKind::Missing,
            MediaError::Unreadable { .. }
            | MediaError::NotMedia { .. }
            | MediaError::NoStreams { .. }
            | MediaError::Read { .. } => MediaErrorKind::Unreadable,
            MediaError::UnsupportedCodec { .. } | MediaError::Decode { .. } => MediaErrorKind::Decode,
            MediaError::Seek { .. } => MediaErrorKind::Seek,
            MediaError::Config { .. } => MediaErrorKind::Config,
            MediaError::Encode { .. } | MediaError::Write { .. } | MediaError::OutOfMemory { .. } => {
                MediaErrorKind::Output
            }
        }
    }

    pub(crate) fn decode(path: &Path, reason: impl Into<String>) -> MediaError {
        MediaError::Decode { path: path.to_path_buf(), reason: reason.into() }
    }

    pub(crate) fn read(path: &Path, reason: impl Into<String>) -> MediaError {
        MediaError::Read { path: path.to_path_buf(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_names_the_place_and_a_way_out() {
        let path = PathBuf::from("/films/a.mkv");
        for error in [
            MediaError::NotFound { path: path.clone() },
            MediaError::NoStreams { path: path.clone() },
            MediaError::decode(&path, "no picture"),
            MediaError::read(&path, "input/output error"),
            MediaError::Seek { path: path.clone(), at: Millis(10), reason: "x".into() },
        ] {
            let text = error.to_string();
            assert!(text.starts_with("/films/a.mkv: ") && text.contains("; "), "{text}");
        }
    }
}
