//! When sections of cues leave, and why a cue is refused.
//!
//! A section leaves ahead of its splice by a set time, or as early as can be promised: at the instant that
//! nothing which was pushed before the cue can have reached. So it does not matter when output was polled.

use super::splice_info::{SpliceCommand, SpliceInfo};
use crate::config::{ConfigError, Resume};
use crate::pacing::MS;
use crate::packet::{Counter, PACKET_SIZE};
use crate::pid::{Pid, StreamType};
use crate::si::section::write_packet;
use crate::si::{Descriptor, ProgramStream};
use retrovue_timebase::{Ticks27M, Ticks90k};

/// Least time from packet to packet of cues: they take 30 kbit/s at most, and their transport buffer of
/// 512 bytes, which drains at 1 Mb/s like that of other sections, is empty long before.
pub(crate) const CUE_INTERVAL: i64 = 50 * MS;

/// How long after it may leave a packet should have left.
const SLACK: i64 = 10 * MS;

/// Longest section of a cue in bytes: seven packets.
pub(super) const LONGEST: usize = 1_024;

/// Most cues that wait.
const MOST_WAITING: usize = 32;

/// Cues of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CueConfig {
    /// PID of their sections.
    pub pid: Pid,
    /// How long before its splice a section leaves where there is time, up to a minute. SCTE 35 §9.2 asks for
    /// four seconds.
    pub ahead: Ticks27M,
    /// Seconds without a section after which a splice_null is sent, 1 to 3600; none without.
    pub heartbeat_s: Option<u32>,
}

/// Why a cue was refused. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CueError {
    /// The program has none.
    #[error("the program has no cues: configure them when the muxer is made")]
    NotConfigured,
    /// Every stream was ended.
    #[error("every stream was ended: give cues before")]
    Ended,
    /// What was pushed already may have left after the splice.
    #[error("a splice at PTS {pts} is too late: sections can leave from PTS {earliest} on; cue it earlier")]
    TooLate {
        /// Instant of the splice.
        pts: Ticks90k,
        /// Earliest departure of a section, in the same ticks.
        earliest: Ticks90k,
    },
    /// A time beyond what the arithmetic holds.
    #[error("PTS {pts} is beyond 2^53 ticks")]
    PtsOutOfRange {
        /// The offending time.
        pts: Ticks90k,
    },
    /// A duration or a flag that does not fit its field.
    #[error("a duration or device_restrictions does not fit its field: 33 bits, 40 of a segment, 2 bits")]
    FieldOutOfRange,
    /// Too much to say.
    #[error("the section is longer than {largest} bytes or a descriptor than 255: leave descriptors out")]
    TooLong {
        /// Longest section.
        largest: usize,
    },
    /// No room now.
    #[error("{waiting} cues wait already: poll first")]
    Full {
        /// Cues that wait.
        waiting: usize,
    },
}

impl CueConfig {
    /// Cues on `pid`, four seconds ahead, without a heartbeat.
    #[must_use]
    pub const fn new(pid: Pid) -> CueConfig {
        CueConfig { pid, ahead: Ticks27M(4_000 * MS), heartbeat_s: None }
    }

    pub(crate) fn program_stream(&self) -> ProgramStream {
        // 1: all commands.
        let descriptors = vec![Descriptor::CueIdentifier { cue_stream_type: 1 }];
        ProgramStream { stream_type: StreamType::SCTE_35, pid: self.pid, descriptors }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let figures = [
            ("ticks ahead", self.ahead.0, 0, 60_000 * MS),
            ("seconds between heartbeats", i64::from(self.heartbeat_s.unwrap_or(1)), 1, 3_600),
        ];
        for (what, value, smallest, largest) in figures {
            if value < smallest || value > largest {
                return Err(ConfigError::Cues { what, value, smallest, largest });
            }
        }
        Ok(())
    }
}

/// Sections that wait, by the instant they may leave from, and the one under way.
#[derive(Debug)]
pub(crate) struct CueLane {
    config: CueConfig,
    pub(crate) counter: Counter,
    waiting: Vec<Waiting>,
    section: [u8; LONGEST],
    len: usize,
    sent: usize,
    /// Earliest departure of the next packet.
    free_from: i64,
    /// When the last section left whole.
    last: i64,
}

#[derive(Debug, Clone)]
struct Waiting {
    from: i64,
    len: usize,
    section: [u8; LONGEST],
}

impl CueLane {
    pub(crate) fn new(config: CueConfig, resume: Option<&Resume>) -> CueLane {
        CueLane {
            config,
            counter: Resume::counter(resume, config.pid),
            waiting: Vec::with_capacity(MOST_WAITING),
            section: [0; LONGEST],
            len: 0,
            sent: 0,
            free_from: i64::MIN,
            last: i64::MIN,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.config.pid
    }

    /// Takes a cue. `certain` is the instant up to which packets may have left. Returns from when on the
    /// section may leave.
    pub(crate) fn push(&mut self, info: &SpliceInfo, certain: i64) -> Result<Ticks27M, CueError> {
        info.judge_fields()?;
        let from = match info.at() {
            None => certain,
            Some(pts) if pts.0.unsigned_abs() > 1 << 53 => return Err(CueError::PtsOutOfRange { pts }),
            Some(pts) if pts.0 * 300 < certain => {
                return Err(CueError::TooLate { pts, earliest: Ticks90k(certain.div_euclid(300) + 1) });
            }
            Some(pts) => (pts.0 * 300 - self.config.ahead.0).max(certain),
        };
        if self.waiting.len() == MOST_WAITING {
            return Err(CueError::Full { waiting: MOST_WAITING });
        }
        let mut waiting = Waiting { from, len: 0, section: [0; LONGEST] };
        waiting.len = info.write(&mut waiting.section).ok_or(CueError::TooLong { largest: LONGEST })?;
        let place = self.waiting.partition_point(|other| other.from <= from);
        self.waiting.insert(place, waiting);
        Ok(Ticks27M(from))
    }

    /// From when on the next packet may leave, and when it should have.
    pub(crate) fn next(&self) -> Option<(i64, i64)> {
        let from = if self.sent < self.len {
            self.free_from
        } else {
            let cue = self.waiting.first().map(|waiting| waiting.from);
            let heartbeat = self.heartbeat();
            cue.into_iter().chain(heartbeat).min()?.max(self.free_from)
        };
        Some((from, from.saturating_add(SLACK)))
    }

    fn heartbeat(&self) -> Option<i64> {
        self.config.heartbeat_s.map(|seconds| self.last.saturating_add(i64::from(seconds) * 1_000 * MS))
    }

    /// Writes the next packet, which departs at `at`.
    pub(crate) fn write(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        if self.sent == self.len {
            self.begin();
        }
        self.sent =
            write_packet(packet, self.config.pid, &mut self.counter, &self.section[..self.len], self.sent);
        self.free_from = at + CUE_INTERVAL;
        if self.sent == self.len {
            self.last = at;
        }
    }

    /// Takes the section that is due: a cue before a heartbeat that is due at the same time.
    fn begin(&mut self) {
        self.sent = 0;
        let heartbeat = self.heartbeat().unwrap_or(i64::MAX);
        match self.waiting.first() {
            Some(waiting) if waiting.from <= heartbeat => {
                (self.len, self.section) = (waiting.len, waiting.section);
                self.waiting.remove(0);
            }
            _ => {
                let null = SpliceInfo::new(SpliceCommand::Null);
                self.len = null.write(&mut self.section).unwrap_or_default();
            }
        }
    }
}
