//! One channel by itself, for `programming validate`, `compile` and `expand`.

use super::broadcast_day::{later, local_text};
use super::day_plan::{DayPlan, LogBlock};
use super::line_up::{LineUp, resolve};
use super::program_schedule::{ProgramSchedule, Source};
use super::programming::{ChannelInfo, PlanError};
use crate::catalog::AssetResolver;
use crate::config::FillerRef;
use crate::dsl::ChannelSpec;
use crate::yaml::{Diagnostic, Document, Report};
use jiff::civil::Date;
use retrovue_proto::plan::BlockPlan;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A channel that resolved.
#[derive(Debug, Clone)]
pub struct SingleChannel {
    line_up: LineUp,
    document: Arc<Document>,
}

/// One of its days.
#[derive(Debug, Clone)]
pub struct CompiledDay {
    line_up: LineUp,
    plan: DayPlan,
    /// What was left out that day for want of room.
    pub warnings: Report,
}

impl SingleChannel {
    /// Resolves and judges a channel.
    ///
    /// # Errors
    /// Everything wrong with it. On success the report holds warnings at most.
    pub fn resolve(
        spec: &ChannelSpec,
        resolver: &dyn AssetResolver,
        filler: Option<&FillerRef>,
        seed: u64,
    ) -> Result<(SingleChannel, Report), Report> {
        let (line_up, report) = resolve(spec, resolver, filler, seed)?;
        Ok((SingleChannel { line_up, document: Arc::clone(&spec.document) }, report))
    }

    /// Compiles one broadcast day; runs are counted from the channel's anchor date.
    ///
    /// # Errors
    /// A date outside the calendar.
    pub fn day(&self, date: Date) -> Result<CompiledDay, PlanError> {
        let mut cursors = self.line_up.fresh_cursors();
        let mut at = self.line_up.run_start(date)?;
        while at < date {
            self.line_up.place_day(at, &mut cursors)?;
            at = later(at, 1)?;
        }
        let placed = self.line_up.place_day(date, &mut cursors)?;
        let mut warnings = Report::default();
        for crowded in &placed.crowded {
            let slot = &self.line_up.slots[crowded.slot];
            let when = local_text(&self.line_up.zone, crowded.start);
            let message = format!("on {date} there is no room left for this at {when}; it does not air");
            warnings.push(Diagnostic::at_place(&self.document, slot.place, message).warning());
        }
        warnings.sort();
        let plan = DayPlan::new(&self.line_up, placed);
        Ok(CompiledDay { line_up: self.line_up.clone(), plan, warnings })
    }

    /// The day `compile` means where none is given: the file's `broadcast_day`.
    #[must_use]
    pub fn anchor(&self) -> Date {
        self.line_up.anchor
    }
}

impl CompiledDay {
    /// Tier 1 of the day.
    #[must_use]
    pub fn program_schedule(&self, source: Source) -> ProgramSchedule {
        self.line_up.program_schedule(&self.plan.day, source)
    }

    /// Tier 2 of the day, breaks empty.
    #[must_use]
    pub fn log(&self) -> Vec<LogBlock> {
        self.plan.log(&self.line_up)
    }

    /// The day's blocks, breaks filled.
    #[must_use]
    pub fn blocks(&self, channel: &ChannelInfo, black_uri: &str) -> Vec<BlockPlan> {
        self.plan.blocks(&self.line_up, channel, black_uri, &BTreeSet::new())
    }
}
