//! Where the runtime gets its blocks and guide from: the one door to what is planned.
//!
//! The station's own schedule is a [`Changeover`](super::changeover::Changeover) of [`Programming`]; tests of the runtime bring small ones of their own.

use crate::plan::{ChannelInfo, GuideEvent, PlanError, ProgramSchedule, Programming};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrovue_proto::plan::{BlockPlan, HouseFormat};
use retrovue_timebase::UtcMs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What airs when, on every channel. The same question has the same answer, but where other programming was taken up in
/// between.
pub trait Schedule: Send + Sync {
    /// The station's channels, in the order of the dial.
    fn channels(&self) -> &[ChannelInfo];

    /// House format of the station.
    fn format(&self) -> &HouseFormat;

    /// The block of `channel` with `start <= instant < end`, every asset of `avoid` (by URI) replaced.
    ///
    /// # Errors
    /// An unknown channel, or an instant outside the calendar.
    fn block_at(
        &self,
        channel: &str,
        instant: UtcMs,
        avoid: &BTreeSet<String>,
    ) -> Result<BlockPlan, PlanError>;

    /// Programmes of `channel` that overlap `[from, to)`, contiguous and in order.
    ///
    /// # Errors
    /// An unknown channel, or an instant outside the calendar.
    fn guide(&self, channel: &str, from: UtcMs, to: UtcMs) -> Result<Vec<GuideEvent>, PlanError>;

    /// The broadcast day of `channel` that holds `instant`. Nothing where the schedule has no days.
    fn broadcast_day(&self, channel: &str, instant: UtcMs) -> Option<Date> {
        let _ = (channel, instant);
        None
    }

    /// The program schedule of a broadcast day of `channel`. Nothing where the schedule has none.
    fn program_schedule(&self, channel: &str, date: Date) -> Option<ProgramSchedule> {
        let _ = (channel, date);
        None
    }

    /// Another number whenever what is planned may be another.
    fn edition(&self) -> u64 {
        0
    }

    /// The file of the logo of `channel`, where it has one.
    fn logo(&self, channel: &str) -> Option<PathBuf> {
        let _ = channel;
        None
    }

    /// Time zone of `channel`, where it has one.
    fn zone(&self, channel: &str) -> Option<TimeZone> {
        let _ = channel;
        None
    }
}

impl Schedule for Programming {
    fn channels(&self) -> &[ChannelInfo] {
        Programming::channels(self)
    }

    fn format(&self) -> &HouseFormat {
        Programming::format(self)
    }

    fn block_at(
        &self,
        channel: &str,
        instant: UtcMs,
        avoid: &BTreeSet<String>,
    ) -> Result<BlockPlan, PlanError> {
        Programming::block_at(self, channel, instant, avoid)
    }

    fn guide(&self, channel: &str, from: UtcMs, to: UtcMs) -> Result<Vec<GuideEvent>, PlanError> {
        Programming::guide(self, channel, from, to)
    }

    fn broadcast_day(&self, channel: &str, instant: UtcMs) -> Option<Date> {
        self.day_of(channel, Timestamp::from_millisecond(instant.0).ok()?).ok()
    }

    fn program_schedule(&self, channel: &str, date: Date) -> Option<ProgramSchedule> {
        Programming::program_schedule(self, channel, date).ok()
    }

    fn logo(&self, channel: &str) -> Option<PathBuf> {
        Programming::logo(self, channel).map(Path::to_owned)
    }

    fn zone(&self, channel: &str) -> Option<TimeZone> {
        Programming::zone(self, channel).ok().cloned()
    }
}
