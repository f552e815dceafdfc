//! Pictures of assets: which file is whose, and by what name a station serves it.
//!
//! A picture is called by a mark of its path, size and time of change, never by its path: whoever asks for one over the
//! network can only name what the catalog holds, a picture that many episodes share is fetched once, and one that
//! changes gets another address, so that nobody keeps showing the old one. Pictures of a server's library are named by
//! their address there, without its key. Nothing here opens a picture.

use super::error::CatalogError;
use super::sources::SourceRecord;
use super::store::Catalog;
use rusqlite::OptionalExtension;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest picture that is taken and served, in bytes: posters stay far below, and a scan must not make a station hand
/// out somebody's photographs in full.
pub const LARGEST_PICTURE: u64 = 16 << 20;

/// Where a station serves pictures: before the name.
pub const ARTWORK_FOLDER: &str = "/art/";

/// What kind of picture a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PictureType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl PictureType {
    /// The extensions of pictures, the preferred first.
    pub const EXTENSIONS: [(&str, PictureType); 4] = [
        ("jpg", PictureType::Jpeg),
        ("jpeg", PictureType::Jpeg),
        ("png", PictureType::Png),
        ("webp", PictureType::WebP),
    ];

    /// The type of a file by its extension, in whatever case; nothing where it is no picture.
    #[must_use]
    pub fn of(path: &Path) -> Option<PictureType> {
        let extension = path.extension()?.to_str()?;
        let known = |(known, _): &&(&str, PictureType)| extension.eq_ignore_ascii_case(known);
        PictureType::EXTENSIONS.iter().find(known).map(|(_, picture)| *picture)
    }

    /// The type of a picture by its first bytes; nothing where they are those of something else. A link or a name can
    /// make a picture of any file: this tells what may be handed out.
    #[must_use]
    pub fn of_beginning(bytes: &[u8]) -> Option<PictureType> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(PictureType::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(PictureType::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(PictureType::WebP),
            _ => None,
        }
    }

    /// Its media type (RFC 2046, RFC 9649).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            PictureType::Jpeg => "image/jpeg",
            PictureType::Png => "image/png",
            PictureType::WebP => "image/webp",
        }
    }

    /// The extension in addresses, without the dot: some players go by it.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            PictureType::Jpeg => "jpg",
            PictureType::Png => "png",
            PictureType::WebP => "webp",
        }
    }
}

/// A picture as a guide names it. Written out it is the address at which a station serves it:
/// `/art/00c0ffee00c0ffee.jpg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Artwork {
    /// Tells the picture and its state.
    pub mark: i64,
    /// What it is, where its name tells.
    pub picture: Option<PictureType>,
}

impl fmt::Display for Artwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ARTWORK_FOLDER}{:016x}", self.mark.cast_unsigned())?;
        self.picture.map_or(Ok(()), |picture| write!(f, ".{}", picture.extension()))
    }
}

impl Serialize for Artwork {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A picture that a scan chose for an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundPicture {
    /// Absolute, UTF-8; or its address at a server.
    pub(crate) path: String,
    /// Changes with path, size and time of change.
    pub(crate) mark: i64,
}

/// Where a picture is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtworkPlace {
    /// A file of this machine.
    File(PathBuf),
    /// A server whose library is a source.
    Server {
        /// The source.
        source: SourceRecord,
        /// The path at the server, with its query.
        path: String,
    },
}

/// The mark in the last part of an address, with an extension or without: sixteen hexadecimal digits.
#[must_use]
pub fn mark_of_address(name: &str) -> Option<i64> {
    let digits = name.split_once('.').map_or(name, |(digits, _)| digits);
    let is_mark = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let value = u64::from_str_radix(digits, 16).ok().filter(|_| is_mark)?;
    Some(value.cast_signed())
}

impl Catalog {
    /// Where the picture with this mark is; nothing where no asset has it, or no longer.
    ///
    /// # Errors
    /// A failing database.
    pub fn artwork(&self, mark: i64) -> Result<Option<ArtworkPlace>, CatalogError> {
        let found: Option<(String, i64)> = self.read(|db| {
            db.prepare_cached("SELECT artwork, source_id FROM assets WHERE artwork_mark = ?1 LIMIT 1")?
                .query_row([mark], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        let Some((place, source_id)) = found else { return Ok(None) };
        if place.starts_with('/') {
            return Ok(Some(ArtworkPlace::File(place.into())));
        }
        let source = self.sources()?.into_iter().find(|source| source.id == source_id);
        Ok(source.and_then(|source| {
            let path = place.strip_prefix(source.root.trim_end_matches('/'))?.to_owned();
            path.starts_with('/').then_some(ArtworkPlace::Server { source, path })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_back_and_nothing_else_is_one() {
        for mark in [0, 1, i64::MIN, i64::MAX, -1, 0x00C0_FFEE] {
            assert_eq!(Artwork { mark, picture: None }.to_string().len(), ARTWORK_FOLDER.len() + 16);
            let address = Artwork { mark, picture: Some(PictureType::WebP) }.to_string();
            let name = address.strip_prefix(ARTWORK_FOLDER).unwrap();
            assert!(name.ends_with(".webp") && name.is_ascii(), "{address}");
            assert_eq!(mark_of_address(name), Some(mark), "{address}");
            assert_eq!(mark_of_address(&name[..16]), Some(mark), "{address}");
        }
        for none in [
            "",
            ".jpg",
            "1",
            "00000000000000001",
            "+00000000000000f",
            "000000000000000g.jpg",
            "../etc/passwd",
        ] {
            assert_eq!(mark_of_address(none), None, "{none:?}");
        }
    }

    #[test]
    fn pictures_are_told_by_their_extensions() {
        for (name, expect) in [
            ("a.jpg", Some("image/jpeg")),
            ("a.JPEG", Some("image/jpeg")),
            ("a.b.Png", Some("image/png")),
            ("a.webp", Some("image/webp")),
            ("a.svg", None),
            ("jpg", None),
            (".jpg", None),
        ] {
            assert_eq!(PictureType::of(Path::new(name)).map(PictureType::media_type), expect, "{name}");
        }
        for (bytes, expect) in [
            (&b"\xFF\xD8\xFF\xE0\0\x10JFIF"[..], Some(PictureType::Jpeg)),
            (b"\x89PNG\r\n\x1A\n\0\0\0\x0D", Some(PictureType::Png)),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some(PictureType::WebP)),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"root:x:0:0:", None),
            (b"<svg xmlns=", None),
            (b"\xFF\xD8", None),
            (b"", None),
        ] {
            assert_eq!(PictureType::of_beginning(bytes), expect, "{bytes:?}");
        }
    }
}
