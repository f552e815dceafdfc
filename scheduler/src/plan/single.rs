//! One channel by itself, for `programming validate`, `compile` and `expand`.

use super::breaks::{FilledDay, Piece};
use super::broadcast_day::{later, local_text};
use super::day_plan::{DayPlan, LogBlock, With};
use super::line_up::{LineUp, clock};
use super::place::PlacedDay;
use super::program_schedule::{ProgramSchedule, Source};
use super::programming::{ChannelInfo, PlanError};
use super::progress::Progress;
use super::resolve::resolve;
use super::rotation::{Opening, Rotation};
use crate::catalog::AssetResolver;
use crate::config::FillerRef;
use crate::dsl::{ChannelSpec, codes};
use crate::yaml::{Diagnostic, Report};
use jiff::civil::Date;
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Days that are judged where a week is not enough: until a cooldown shows that it cannot be kept.
const DAYS_JUDGED: i32 = 400;

/// A week is told of where more than one such part of its breaks is open.
const OPEN_SHARE: i64 = 4;

/// Stretches of time, in order.
type Stretches = Vec<(UtcMs, UtcMs)>;

/// A channel that resolved.
#[derive(Debug)]
pub struct SingleChannel {
    line_up: Arc<LineUp>,
    progress: Mutex<Progress>,
    /// The rotation where the day after the last one compiled begins.
    closed: Mutex<Option<(Date, Rotation)>>,
}

/// One of its days.
#[derive(Debug, Clone)]
pub struct CompiledDay {
    line_up: Arc<LineUp>,
    plan: DayPlan,
    filled: Option<FilledDay>,
    /// What was left out that day for want of room, and the time that nothing covers.
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
        Ok((
            SingleChannel {
                line_up: Arc::new(line_up),
                progress: Mutex::default(),
                closed: Mutex::default(),
            },
            report,
        ))
    }

    /// The same with cues at its breaks, or without, as the station has them.
    #[must_use]
    pub fn with_cues(mut self, cues: bool) -> SingleChannel {
        if let Some(line_up) = Arc::get_mut(&mut self.line_up) {
            line_up.cues = cues;
        }
        self
    }

    /// Compiles one broadcast day; runs are counted from the channel's anchor date. The rotation of spots goes on from
    /// the day before where that was the last one compiled, and begins anew else.
    ///
    /// # Errors
    /// A date outside the calendar.
    pub fn day(&self, date: Date) -> Result<CompiledDay, PlanError> {
        let placed = self.place(date)?;
        let mut warnings = Report::default();
        for finding in self.line_up.crowded(&placed).chain(self.line_up.hurried(&placed)) {
            warnings.push(finding);
        }
        let gaps = self.line_up.gaps(&placed);
        if !gaps.is_empty() {
            warnings.push(self.line_up.gap(&format!("on {date}"), &gaps));
        }
        warnings.sort();
        let plan = DayPlan::new(&self.line_up, placed);
        let filled = self.fill(&plan)?;
        Ok(CompiledDay { plan, filled, line_up: Arc::clone(&self.line_up), warnings })
    }

    fn fill(&self, plan: &DayPlan) -> Result<Option<FilledDay>, PlanError> {
        let Some(traffic) = &self.line_up.traffic else { return Ok(None) };
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = closed.take().filter(|(date, _)| *date == plan.day.date).map(|(_, rotation)| rotation);
        let opened = match known {
            Some(rotation) => rotation.next_day(),
            None => Rotation::new(traffic, &Opening::default()),
        };
        let filled = plan.fill(&self.line_up, traffic, opened);
        *closed = Some((later(plan.day.date, 1)?, filled.closed.clone()));
        Ok(Some(filled))
    }

    /// What a week from `date` on shows: programmes without room, and time that nothing covers, told once for
    /// days that are alike. Cooldowns are followed for longer.
    ///
    /// # Errors
    /// A date outside the calendar.
    pub fn judge_week(&self, date: Date) -> Result<Report, PlanError> {
        let mut report = Report::default();
        // By what the clock on the wall shows, so that days are alike across a change.
        let mut gaps: BTreeMap<Vec<String>, (Vec<Date>, Stretches)> = BTreeMap::new();
        let cooling = self.line_up.pools.iter().any(|pool| pool.cooldown_days > 0);
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for step in 0..if cooling { DAYS_JUDGED } else { 7 } {
            let date = later(date, step)?;
            let placed = self.place(date)?;
            for (hurried, finding) in placed.hurried.iter().zip(self.line_up.hurried(&placed)) {
                if told.insert(hurried.slot) {
                    report.push(finding);
                }
            }
            if step >= 7 {
                continue;
            }
            self.line_up.crowded(&placed).for_each(|finding| report.push(finding));
            let open = self.line_up.gaps(&placed);
            if !open.is_empty() {
                let shown = open.iter().flat_map(|(from, to)| [from, to]);
                gaps.entry(shown.map(|at| self.line_up.wall(*at)).collect())
                    .or_insert_with(|| (Vec::new(), open))
                    .0
                    .push(date);
            }
        }
        self.judge_traffic(date, &mut report)?;
        for (dates, open) in gaps.into_values() {
            let when = match dates.as_slice() {
                [one] => format!("on {one}"),
                [first, .., last] if dates.len() == 7 => format!("every day from {first} to {last}"),
                several => {
                    let words: Vec<String> = several.iter().map(|d| d.strftime("%A").to_string()).collect();
                    format!("on {}", words.join(", "))
                }
            };
            report.push(self.line_up.gap(&when, &open));
        }
        report.sort();
        Ok(report)
    }

    /// What a week's breaks hold of spots, where that is too little.
    fn judge_traffic(&self, date: Date, report: &mut Report) -> Result<(), PlanError> {
        let Some(traffic) = &self.line_up.traffic else { return Ok(()) };
        let mut rotation = Rotation::new(traffic, &Opening::default());
        let (mut whole, mut open) = (0, 0);
        for step in 0..7 {
            let plan = DayPlan::new(&self.line_up, self.place(later(date, step)?)?);
            let filled = plan.fill(&self.line_up, traffic, rotation);
            for piece in filled.breaks.iter().flat_map(|filled| &filled.pieces) {
                match piece {
                    Piece::Spot { number, .. } => whole += traffic.spots[*number].length,
                    Piece::Open(time) => {
                        whole += time.0;
                        open += time.0;
                    }
                }
            }
            rotation = filled.closed.next_day();
        }
        if open * OPEN_SHARE > whole {
            let message = format!(
                "in the week from {date} the breaks last {}, and traffic has nothing for {} of it",
                clock(whole),
                clock(open)
            );
            let help = "filler or black airs then; add to the pools, or shorten cooldown and raise max_per_hour and \
                        max_per_day";
            let finding = traffic.sources.at(traffic.place, message).help(help);
            report.push(finding.code(codes::THIN_TRAFFIC).warning());
        }
        Ok(())
    }

    /// The day `compile` means where none is given: the file's `broadcast_day`.
    #[must_use]
    pub fn anchor(&self) -> Date {
        self.line_up.anchor
    }

    fn place(&self, date: Date) -> Result<PlacedDay, PlanError> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).place(&self.line_up, date)
    }
}

impl LineUp {
    fn crowded(&self, day: &PlacedDay) -> impl Iterator<Item = Diagnostic> {
        day.crowded.iter().map(|crowded| {
            let when = local_text(&self.zone, crowded.start);
            let message =
                format!("on {} there is no room left for this at {when}; it does not air", day.date);
            let help = "end what comes before it sooner, or start it later";
            let place = self.slots[crowded.slot].place;
            self.sources.at(place, message).help(help).code(codes::NO_ROOM).warning()
        })
    }

    fn hurried(&self, day: &PlacedDay) -> impl Iterator<Item = Diagnostic> {
        day.hurried.iter().map(|hurried| {
            let slot = &self.slots[hurried.slot];
            let pool = &self.pools[slot.pool];
            let message = format!(
                "the cooldown of {} days cannot be kept: on {} all {} of the pool have aired within it, and \"{}\" \
                 airs again after {} days",
                pool.cooldown_days,
                day.date,
                pool.assets.len(),
                pool.assets[hurried.asset].title,
                hurried.days,
            );
            let help = "add collections, widen the selector, or shorten min_cooldown_days";
            self.sources.at(slot.selector_place, message).help(help).code(codes::COOLDOWN).warning()
        })
    }

    /// Time of a day that nothing covers.
    fn gaps(&self, day: &PlacedDay) -> Stretches {
        let mut gaps = Vec::new();
        let mut at = day.start;
        for placed in &day.placements {
            if placed.start > at {
                gaps.push((at, placed.start));
            }
            at = placed.end();
        }
        if at < day.end {
            gaps.push((at, day.end));
        }
        gaps
    }

    fn gap(&self, when: &str, gaps: &[(UtcMs, UtcMs)]) -> Diagnostic {
        /// More stretches than this are not read.
        const SHOWN: usize = 6;
        let mut shown: Vec<String> = gaps
            .iter()
            .take(SHOWN)
            .map(|(from, to)| format!("from {} to {}", self.wall(*from), self.wall(*to)))
            .collect();
        if gaps.len() > SHOWN {
            shown.push(format!("in {} more stretches", gaps.len() - SHOWN));
        }
        let whole: i64 = gaps.iter().map(|(from, to)| to.since(*from).0).sum();
        let message = format!("{when} nothing is scheduled {}, {} in all", shown.join(", "), clock(whole));
        let help = "filler airs then; cover it with a block that has until, or leave it so";
        self.sources.at(self.schedule_place, message).help(help).code(codes::GAP).warning()
    }

    fn wall(&self, at: UtcMs) -> String {
        let text = local_text(&self.zone, at);
        let time = text.get(11..19).unwrap_or(&text);
        time.strip_suffix(":00").unwrap_or(time).to_owned()
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
        let with = With { avoid: &BTreeSet::new(), filled: self.filled.as_ref() };
        self.plan.blocks(&self.line_up, channel, black_uri, with)
    }

    /// Whether spots fill the day's breaks.
    #[must_use]
    pub fn has_traffic(&self) -> bool {
        self.filled.is_some()
    }
}
