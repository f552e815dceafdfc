//! One elementary stream inside the muxer: its queue, its continuity, and the instant from which its
//! next packet may leave. Lanes know nothing of each other.

use crate::access_unit::{AccessUnit, PushError, is_adts_frame, missing_delimiter};
use crate::config::{StreamConfig, StreamKind};
use crate::pacing;
use crate::packet::{BODY_SIZE, Counter};
use crate::pes::{self, PesHeader};
use crate::pid::Pid;
use crate::unit_queue::{Unit, UnitQueue};
use retrovue_timebase::Ticks90k;

/// Longest pause of a stream, and longest distance of two streams' beginnings, in 90 kHz ticks. It
/// bounds the PCR and PSI packets that fill a pause.
const LONGEST_GAP: i64 = 10 * 90_000;

/// Largest magnitude of a time stamp: its 27 MHz instant and every sum below stay within `i64`.
const LARGEST_STAMP: u64 = 1 << 53;

/// How much media beyond the difference of leads a queue holds: what a caller may push before it polls.
const QUEUED_MS: u64 = 1_000;

pub(crate) struct Lane {
    pub(crate) pid: Pid,
    pub(crate) counter: Counter,
    pub(crate) is_video: bool,
    stream_id: u8,
    /// An access unit may start to leave this long before its DTS.
    lead: i64,
    /// Least ticks from packet to packet, no less than the transport buffer takes to drain one.
    least_spacing: i64,
    /// Time the packets of an access unit are spread over where it is short enough.
    spread: i64,
    /// Ticks from packet to packet within the front unit.
    pub(crate) spacing: i64,
    /// Earliest departure of the next packet as far as its transport buffer goes.
    pub(crate) ready: i64,
    /// Bytes of the front unit still to leave; 0 before its first packet.
    pub(crate) left: usize,
    pub(crate) queue: UnitQueue,
    last_dts: Option<i64>,
    pub(crate) ended: bool,
}

/// What a lane can say about its next packet.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    /// It may leave from this instant on.
    Packet { from: i64, unit: Unit },
    /// Not known yet, but certainly not before this instant.
    Unknown { not_before: i64 },
    /// There will be none.
    Never,
}

/// Whether a random access point is about to leave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointAhead {
    Near,
    Clear,
    /// What was pushed does not tell.
    Unknown,
}

impl Lane {
    /// A lane whose queue also holds what piles up while streams with a longer lead catch up.
    pub(crate) fn new(
        config: &StreamConfig,
        index_of_kind: u8,
        pace_bps: u64,
        longest_lead: i64,
        counter: Counter,
    ) -> Lane {
        let lead = pacing::stream_lead(config.kind);
        let queued_ms = ((longest_lead - lead) / pacing::MS) as u64 + QUEUED_MS;
        let (is_video, stream_id, bps, cpb_bits, units_per_second) = match config.kind {
            StreamKind::Video { max_bitrate_bps, cpb_bits } => {
                (true, pes::STREAM_ID_VIDEO, max_bitrate_bps, cpb_bits, 240)
            }
            // AAC at 96 kHz.
            StreamKind::Audio { bitrate_bps } => (false, pes::STREAM_ID_AUDIO, bitrate_bps, 0, 94),
        };
        // A quarter as much again for headers and for units above the average; the constant for what exceeds
        // small rates and buffers (a first picture without rate control).
        let bytes =
            (bps * queued_ms / 1000 + cpb_bits) / 8 * 5 / 4 + if is_video { 1 << 20 } else { 1 << 16 };
        let spacing = pacing::packet_spacing(pace_bps);
        Lane {
            pid: config.pid,
            counter,
            is_video,
            stream_id: stream_id + index_of_kind,
            lead,
            least_spacing: spacing,
            spread: if is_video { 0 } else { pacing::AUDIO_SPREAD },
            spacing,
            ready: i64::MIN / 2,
            left: 0,
            queue: UnitQueue::new(bytes as usize, (queued_ms * units_per_second / 1000) as usize + 1),
            last_dts: None,
            ended: false,
        }
    }

    /// DTS of the last unit taken.
    pub(crate) fn last_dts(&self) -> Option<i64> {
        self.last_dts
    }

    /// When the next packet may leave, other streams and the wire aside.
    #[inline]
    pub(crate) fn next(&self) -> Next {
        match self.queue.front() {
            Some(unit) if self.left > 0 => Next::Packet { from: self.ready, unit },
            Some(unit) => Next::Packet { from: self.ready.max(unit.dts * 300 - self.lead), unit },
            None if self.ended => Next::Never,
            None => {
                let not_before = self.last_dts.map_or(i64::MIN, |dts| (dts + 1) * 300 - self.lead);
                Next::Unknown { not_before: not_before.max(self.ready) }
            }
        }
    }

    /// Whether a random access point begins to leave within [`pacing::SECTION_DISTANCE`] after `at`, as
    /// far as this lane's own pace tells. The answer does not depend on what else was pushed already.
    pub(crate) fn point_ahead(&self, at: i64) -> PointAhead {
        let limit = at + pacing::SECTION_DISTANCE;
        let sending = |bytes: usize| bytes.div_ceil(BODY_SIZE) as i64 * self.spacing;
        let mut free = self.ready.max(at) + sending(self.left);
        for unit in self.queue.units().skip(usize::from(self.left > 0)) {
            let start = free.max(unit.dts * 300 - self.lead);
            if start >= limit {
                return PointAhead::Clear;
            }
            if unit.random_access {
                return PointAhead::Near;
            }
            free = start + sending(unit.len);
        }
        let not_before = self.last_dts.map_or(i64::MIN, |dts| (dts + 1) * 300 - self.lead);
        if self.ended || free.max(not_before) >= limit { PointAhead::Clear } else { PointAhead::Unknown }
    }

    /// Accounts for a packet sent at `at` that could have left from `from` on. One that waited for the
    /// wire may be followed early by one, never by more: two packets fit the transport buffer.
    #[inline]
    pub(crate) fn sent(&mut self, from: i64, at: i64) {
        self.ready = (from + self.spacing).max(at);
    }

    /// Checks and queues an access unit. `latest` is the latest DTS of any stream.
    pub(crate) fn push(&mut self, unit: &AccessUnit<'_>, latest: Option<i64>) -> Result<(), PushError> {
        let AccessUnit { stream, pts, dts, data, .. } = *unit;
        if self.ended {
            return Err(PushError::Ended { stream, dts });
        }
        if dts.0.unsigned_abs() > LARGEST_STAMP {
            return Err(PushError::DtsOutOfRange { stream, dts });
        }
        if let Some(previous) = self.last_dts.filter(|&previous| dts.0 <= previous) {
            return Err(PushError::DtsNotIncreasing { stream, dts, previous: Ticks90k(previous) });
        }
        if let Some(previous) = self.last_dts.or(latest).filter(|&last| (dts.0 - last).abs() > LONGEST_GAP) {
            return Err(PushError::DtsGap { stream, dts, previous: Ticks90k(previous) });
        }
        if pts < dts || pts.0 > dts.0 + LONGEST_GAP {
            return Err(PushError::PtsOutOfRange { stream, pts, dts });
        }
        let delimiter = if self.is_video {
            if self.last_dts.is_none() && !unit.random_access {
                return Err(PushError::NoRandomAccess { stream, dts });
            }
            missing_delimiter(data).ok_or(PushError::NotAnnexB { stream, dts })?
        } else if is_adts_frame(data) {
            &[]
        } else {
            return Err(PushError::NotAdts { stream, dts, bytes: data.len() });
        };
        let largest = self.queue.capacity() - pes::MAX_HEADER - delimiter.len();
        if data.len() > largest {
            return Err(PushError::TooLarge { stream, dts, bytes: data.len(), largest });
        }
        let header = PesHeader::new(self.stream_id, pts, dts, delimiter.len() + data.len());
        let parts = [header.bytes(), delimiter, data];
        let len = parts.iter().map(|part| part.len()).sum();
        if !self.queue.has_room(len) {
            return Err(PushError::Full { stream });
        }
        let random_access = self.is_video && unit.random_access;
        self.queue.push(Unit { len, dts: dts.0, random_access }, &parts);
        self.last_dts = Some(dts.0);
        Ok(())
    }

    /// Begins the front unit, which is `len` bytes. Sound is spread, so that pictures on either side of
    /// it are never many packets in a row: a receiver that takes the rate between two PCRs for constant
    /// would see those arrive faster than they left.
    pub(crate) fn begin(&mut self, len: usize) {
        self.left = len;
        let packets = (len / BODY_SIZE + 1) as i64;
        self.spacing = self.least_spacing.max(self.spread / packets);
    }

    /// Moves the front unit's next bytes into `out`; true when they were its last.
    #[inline]
    pub(crate) fn read(&mut self, out: &mut [u8]) -> bool {
        debug_assert!(out.len() <= BODY_SIZE);
        self.queue.read(out);
        self.left -= out.len();
        if self.left == 0 {
            self.queue.pop();
        }
        self.left == 0
    }
}
