//! When a coded picture enters the buffer of its encoder's hypothetical reference decoder, the CPB
//! (ISO/IEC 14496-10 §C.1.1).
//!
//! x264 tells it in seconds as floating point; here it becomes integers, once. It is told from the picture's own removal
//! backwards, so that nothing adds up however long a stream lasts.

use retrovue_timebase::Ticks27M;
use x264_sys as x;

/// Longest stay in the buffer (ISO/IEC 13818-1 §2.14.3.1), in seconds: what lies further back is no arrival.
const LONGEST_STAY: f64 = 10.0;

/// Ticks in a second.
const SYSTEM_CLOCK: f64 = 27_000_000.0;

/// Arrival of a picture in the buffer that its encoder keeps to, however large a one the stream declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpbArrival {
    /// From the arrival of its first bit to its removal, the instant of its DTS.
    pub initial_before: Ticks27M,
    /// From the arrival of its last bit to its removal. Not negative, and no more than `initial_before`.
    pub final_before: Ticks27M,
}

impl CpbArrival {
    /// Of what x264 tells, rounded to the nearest tick. `None` where it says that it did not keep to its buffer: a
    /// picture that is not there whole when it is to be removed has no arrival that could be kept to.
    pub(crate) fn of(timing: &x::x264_hrd_t) -> Option<CpbArrival> {
        let removal = timing.cpb_removal_time;
        let (initial, last) =
            (removal - timing.cpb_initial_arrival_time, removal - timing.cpb_final_arrival_time);
        let ticks = |seconds: f64| Ticks27M((seconds * SYSTEM_CLOCK).round() as i64);
        let (initial_before, final_before) = (ticks(initial), ticks(last));
        let is_kept = initial <= LONGEST_STAY && final_before.0 >= 0 && final_before <= initial_before;
        is_kept.then_some(CpbArrival { initial_before, final_before })
    }
}
