//! Sidecars of media files (`.nfo`), whatever wrote them.

use crate::Verdict;
use retrovue_scheduler::noise::sidecar;

/// See [`sidecar`]. Taken are those of a film, an episode or a series.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    if sidecar(data) { Verdict::Taken } else { Verdict::Refused }
}
