//! Heads of HTTP requests, whole and as far as they have come.

use crate::Verdict;
use retrovue_scheduler::noise::request_head;

/// See [`request_head`].
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    if request_head(data) { Verdict::Taken } else { Verdict::Refused }
}
