//! Paths of media files, to what they tell of season, title and purpose.

use crate::Verdict;
use retrovue_scheduler::noise::file_name;

/// See [`file_name`]. Taken are names with an episode or a year.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    if file_name(&String::from_utf8_lossy(data)) { Verdict::Taken } else { Verdict::Refused }
}
