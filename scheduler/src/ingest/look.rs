//! Looking into one file: its sidecars, its picture, its mark, the probe. Runs in the workers of a scan.

use super::artwork::{Pictures, named_picture};
use super::content_mark::content_mark;
use super::nfo::{NfoKind, read_nfo};
use super::prober::{Prober, ProberError};
use super::scan::{BadFile, Task};
use super::walk::changed_ns;
use crate::catalog::{LONGEST_ASSET, Outcome, ProbeFacts, Sighting};
use retrovue_timebase::Millis;
use std::path::Path;

/// Looks into a file. Nothing is told of one that is being written: its turn comes when that is over.
pub(super) fn look(
    prober: &mut Prober,
    task: &Task,
    pictures: &Pictures,
) -> Result<(Option<Sighting>, Vec<BadFile>), ProberError> {
    let mut file = task.file.clone();
    let path = Path::new(&task.file.path);
    let mut warnings = Vec::new();
    let mut artwork_named = None;
    for sidecar in &task.file.sidecars {
        match read_nfo(sidecar) {
            Ok(Some(nfo)) => {
                if let (true, Some(asset_type)) = (file.type_is_guess, nfo.asset_type()) {
                    file.asset_type = asset_type;
                }
                // A series' picture is found by its name; its sidecar names that of no episode.
                if let (true, Some(text)) = (nfo.kind != Some(NfoKind::Series), &nfo.artwork) {
                    artwork_named = named_picture(sidecar, text);
                }
                nfo.apply(&mut file.description);
            }
            Ok(None) => {
                let reason = "it describes no film, episode or series; it is passed over".to_owned();
                warnings.push(BadFile { path: sidecar.clone(), reason });
            }
            Err(error) => warnings.push(BadFile { path: sidecar.clone(), reason: error.to_string() }),
        }
    }
    let mark = if task.as_before && task.known { None } else { content_mark(path).ok() };
    let outcome = if task.as_before {
        Outcome::AsBefore
    } else if file.size == 0 {
        Outcome::Unplayable("the file is empty; copy it again".to_owned())
    } else {
        match prober.probe(path)? {
            Ok(facts) => playable(facts),
            Err(failure) => Outcome::Unplayable(format!("{}: {}", failure.code, failure.detail)),
        }
    };
    let still = std::fs::metadata(path).map(|m| (m.len(), changed_ns(&m)));
    if still.is_ok_and(|now| now != (file.size, file.mtime_ns)) {
        return Ok((None, warnings));
    }
    let sighting = Sighting {
        path: file.path,
        collection: file.collection,
        asset_slug: file.asset_slug,
        asset_type: file.asset_type,
        description: file.description,
        description_mark: file.description_mark,
        size: file.size,
        mtime_ns: file.mtime_ns,
        content_mark: mark,
        artwork: pictures.choose(artwork_named.as_deref(), file.artwork.as_ref()),
        artwork_named,
        outcome,
    };
    Ok((Some(sighting), warnings))
}

fn playable(facts: ProbeFacts) -> Outcome {
    Outcome::Unplayable(match facts.duration_ms {
        Some(d) if d > LONGEST_ASSET => {
            format!("its length is {d}, longer than {LONGEST_ASSET}; the file is damaged, remux it")
        }
        Some(d) if d > Millis(0) => return Outcome::Probed(facts),
        Some(d) => format!("its length is {d}; the file is damaged or holds no time"),
        None => "its length is unknown, so it cannot be scheduled; remux it".to_owned(),
    })
}
