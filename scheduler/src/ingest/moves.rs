//! Which of the files that came are files that went: moved, renamed, or changed places with each other.
//!
//! Pure: it is told marks and looks at no file.

use crate::catalog::Remembered;
use std::collections::BTreeMap;
use std::path::Path;

/// A file that is where nothing was remembered, or that is not what was remembered there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival<'a> {
    pub(super) path: &'a str,
    pub(super) mark: &'a str,
}

/// For each arrival the remembered file it is, if any. Each remembered file is used once: where several
/// have one content, the one in the same place goes first, then one of the same name, then the first by path.
pub(super) fn match_moves<'r>(
    displaced: impl IntoIterator<Item = &'r Remembered>,
    arrivals: &[Arrival<'_>],
) -> Vec<Option<&'r Remembered>> {
    let mut by_mark: BTreeMap<&str, Vec<&Remembered>> = BTreeMap::new();
    for file in displaced {
        if let Some(mark) = &file.content_mark {
            by_mark.entry(mark).or_default().push(file);
        }
    }
    for files in by_mark.values_mut() {
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let mut found = vec![None; arrivals.len()];
    let ways: [fn(&Path, &Path) -> bool; 3] =
        [|old, new| old == new, |old, new| old.file_name() == new.file_name(), |_, _| true];
    for fits in ways {
        for (place, arrival) in found.iter_mut().zip(arrivals) {
            if place.is_some() {
                continue;
            }
            let Some(files) = by_mark.get_mut(arrival.mark) else { continue };
            if let Some(at) =
                files.iter().position(|file| fits(Path::new(&file.path), Path::new(arrival.path)))
            {
                *place = Some(files.remove(at));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{AssetType, Health};

    fn remembered(pk: i64, path: &str, mark: Option<&str>) -> Remembered {
        Remembered {
            asset_pk: pk,
            source_id: 1,
            path: path.into(),
            size: 1,
            mtime_ns: 1,
            health: Health::Ok,
            collection: "col.a".into(),
            asset_type: AssetType::Episode,
            reason: None,
            has_facts: true,
            content_mark: mark.map(str::to_owned),
            description_mark: 0,
            artwork_mark: None,
            artwork_named: None,
        }
    }

    #[test]
    fn files_are_known_by_content_and_each_is_used_once() {
        type Row = (
            &'static [(i64, &'static str, &'static str)],
            &'static [(&'static str, &'static str)],
            &'static [i64],
        );
        let table: [Row; 6] = [
            // Renamed; 0 stands for new.
            (&[(1, "/a/x", "m")], &[("/a/y", "m")], &[1]),
            (&[(1, "/a/x", "m")], &[("/a/y", "n")], &[0]),
            // One went and two came.
            (&[(1, "/a/x", "m")], &[("/a/y", "m"), ("/a/z", "m")], &[1, 0]),
            // The name decides between two of one content.
            (&[(1, "/a/x", "m"), (2, "/a/y", "m")], &[("/b/y", "m"), ("/b/x", "m")], &[2, 1]),
            // Numbers moved up by one: each name now has its neighbour's content.
            (
                &[(1, "/e1", "a"), (2, "/e2", "b"), (3, "/e3", "c")],
                &[("/e2", "a"), ("/e3", "b"), ("/e4", "c")],
                &[1, 2, 3],
            ),
            // Touched, and copied elsewhere besides.
            (&[(1, "/a/x", "m")], &[("/a/w", "m"), ("/a/x", "m")], &[0, 1]),
        ];
        for (old, new, expect) in table {
            let old: Vec<_> = old.iter().map(|(pk, path, mark)| remembered(*pk, path, Some(mark))).collect();
            let new: Vec<_> = new.iter().map(|(path, mark)| Arrival { path, mark }).collect();
            let found: Vec<_> = match_moves(&old, &new).iter().map(|f| f.map_or(0, |f| f.asset_pk)).collect();
            assert_eq!(found, expect, "{old:?} {new:?}");
        }
        let unmarked = [remembered(1, "/a/x", None)];
        assert_eq!(match_moves(&unmarked, &[Arrival { path: "/a/y", mark: "" }]), [None]);
    }
}
