//! Why something airs: the rule, the block, the slot, the selector, its pool and the place in its run, and what was
//! next but could not air.

use super::breaks::FilledDay;
use super::broadcast_day::local_text;
use super::day_plan::DayPlan;
use super::line_up::{LineUp, ResolvedBlock, clock};
use super::place::{Decision, Outcome, Witness};
use super::pool::{Pool, Refusal};
use super::programming::ChannelInfo;
use crate::dsl::SelectorMode;
use crate::yaml::Place;
use retrovue_timebase::{Millis, UtcMs};
use serde::Serialize;

/// Assets named of those that were refused.
const NAMED: usize = 10;

/// Why a channel airs what it airs at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The channel's slug.
    pub channel: String,
    /// The instant asked about, on the channel's clock.
    pub at: String,
    /// The broadcast day it belongs to.
    pub broadcast_day: String,
    /// Where what airs begins.
    pub start_at: String,
    /// Where it ends.
    pub end_at: String,
    /// What airs: `programme` or `filler`.
    pub airs: &'static str,
    /// Title for the guide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Its runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_ms: Option<Millis>,
    /// The rule it airs by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleShown>,
    /// The slot of that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotShown>,
    /// What was selected from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolShown>,
    /// The spot of a break that is on the air at the instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotShown>,
    /// What was next and did not air, and what its reason was.
    pub refused: Vec<Refused>,
    /// Rules that wanted the time and did not have it, or had nothing that fits.
    pub passed_over: Vec<String>,
    /// All of it in a few sentences.
    pub sentences: Vec<String>,
}

/// A rule of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleShown {
    /// The days it is for: `weeknights`.
    pub days: String,
    /// Where it comes among rules that want the same time: 0 has it first.
    pub precedence: usize,
    /// Where the days are named: file, line and column.
    pub days_at: String,
    /// The template it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// When its block starts.
    pub block_start: String,
    /// Until when the block repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_until: Option<String>,
    /// Where the block is written.
    pub block_at: String,
}

/// A slot of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotShown {
    /// From 1.
    pub number: usize,
    /// Of so many.
    pub of: usize,
    /// Where it is written.
    pub at: String,
    /// Its programme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Which selector.
    pub selector: &'static str,
    /// Where that is written.
    pub selector_at: String,
}

/// A pool and the place in its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolShown {
    /// What is selected from.
    pub from: String,
    /// Assets in it.
    pub size: usize,
    /// The order.
    pub mode: &'static str,
    /// The seed of shuffled orders.
    pub seed: u64,
    /// Airings since the anchor, or cards drawn.
    pub airings_before: u64,
    /// The date runs count from.
    pub anchor: String,
    /// The asset's place among the pool's, in airing order, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Days from one airing to the next.
    pub min_cooldown_days: i32,
    /// What the selector's criteria turned away.
    pub turned_away: Vec<Refused>,
}

/// A spot in a break, and why it had its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpotShown {
    /// commercial, promo, bumper or ident.
    pub kind: &'static str,
    /// The asset.
    pub asset_id: String,
    /// Its title.
    pub title: String,
    /// When it began.
    pub start_at: String,
    /// When it was planned before that, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_at: Option<String>,
    /// Spots of the kind.
    pub of: usize,
    /// Those of them that were within their cooldown or had reached a cap when the break began.
    pub resting: usize,
}

/// Assets that did not air, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The assets, or the first few of them.
    pub assets: Vec<String>,
    /// How many there are.
    pub count: usize,
    /// Why.
    pub why: String,
}

impl Explanation {
    pub(crate) fn new(
        line_up: &LineUp,
        info: &ChannelInfo,
        at: UtcMs,
        plan: DayPlan,
        witness: &Witness,
    ) -> Explanation {
        let local = |at| local_text(&line_up.zone, at);
        let placed = plan.programme_at(at).copied();
        let (start, end) = match &placed {
            Some(placement) => (placement.start, placement.end()),
            None => plan.span_at(at),
        };
        let of = |decision: &&Decision| match decision.outcome {
            Outcome::Airs { end, .. } => decision.start <= at && at < end,
            _ => false,
        };
        let decision = placed.and_then(|_| witness.decisions.iter().find(of));
        let mut explanation = Explanation {
            channel: info.id.clone(),
            at: local(at),
            broadcast_day: plan.day.date.to_string(),
            start_at: local(start),
            end_at: local(end),
            airs: "filler",
            title: None,
            asset_id: None,
            runtime_ms: None,
            rule: None,
            slot: None,
            pool: None,
            spot: None,
            refused: Vec::new(),
            passed_over: passed_over(line_up, witness, at, end),
            sentences: Vec::new(),
        };
        if let Some(decision) = decision {
            explanation.programme(line_up, decision);
        } else {
            explanation.sentences.push(format!(
                "From {} to {} no rule has a program, so filler airs.",
                explanation.start_at, explanation.end_at
            ));
        }
        explanation
    }

    /// The same with the spot on the air, where the instant is in a break that traffic fills.
    pub(crate) fn with_spot(
        mut self,
        line_up: &LineUp,
        filled: Option<&FilledDay>,
        at: UtcMs,
    ) -> Explanation {
        let Some((traffic, day)) = line_up.traffic.as_ref().zip(filled) else { return self };
        let Some(turn) = day.turn_at(traffic, at) else { return self };
        let local = |at| local_text(&line_up.zone, at);
        let asset = &traffic.spots[turn.number].asset;
        let shown = SpotShown {
            kind: turn.kind.word(),
            asset_id: asset.id.clone(),
            title: asset.title.clone(),
            start_at: local(turn.start),
            before_at: turn.before.map(local),
            of: turn.of,
            resting: turn.resting,
        };
        let before = match &shown.before_at {
            Some(before) => format!("was planned last at {before}"),
            None => "was not planned before".to_owned(),
        };
        self.sentences.push(format!(
            "In the break, since {}, the {} \"{}\" ({}) has its turn: it {before}; {} of the {} {} were resting.",
            shown.start_at,
            shown.kind,
            shown.title,
            shown.asset_id,
            shown.resting,
            shown.of,
            turn.kind.words(),
        ));
        self.spot = Some(shown);
        self
    }

    fn programme(&mut self, line_up: &LineUp, decision: &Decision) {
        let Outcome::Airs { asset, early, .. } = decision.outcome else { return };
        let block = &line_up.blocks[decision.block];
        let slot = &line_up.slots[decision.slot];
        let pool = &line_up.pools[slot.pool];
        let chosen = &pool.assets[asset];
        self.airs = "programme";
        self.title = Some(line_up.title_of(decision.slot, chosen));
        self.asset_id = Some(chosen.id.clone());
        self.runtime_ms = Some(chosen.duration);
        let rule = rule(line_up, block);
        let number = decision.slot - block.slots.start + 1;
        self.slot = Some(SlotShown {
            number,
            of: block.slots.len(),
            at: written(line_up, slot.place),
            program: slot.program.clone(),
            selector: slot.kind.word(),
            selector_at: written(line_up, slot.selector_place),
        });
        let turned_away = pool.turned_away.iter().map(|away| Refused {
            assets: away.assets.iter().map(|asset| asset.id.clone()).collect(),
            count: away.count,
            why: format!("it is not of the selector's \"{}\"", away.criterion),
        });
        let shown = PoolShown {
            from: pool.key.clone(),
            size: pool.assets.len(),
            mode: pool.mode.word(),
            seed: pool.told_seed,
            airings_before: decision.count,
            anchor: line_up.anchor.to_string(),
            position: Some(asset + 1),
            min_cooldown_days: pool.cooldown_days,
            turned_away: turned_away.collect(),
        };
        self.refused = refused(pool, decision);
        self.sentences.push(format!(
            "The rule for {} ({}) has a block from {} ({}), and this is its slot {number} of {}.",
            rule.days,
            rule.days_at,
            rule.block_start,
            rule.block_at,
            block.slots.len(),
        ));
        let size = pool.assets.len();
        self.sentences.push(match pool.mode {
            SelectorMode::Sequential => format!(
                "It goes through {} in order: {} aired since {}, so number {} of {size} is next.",
                pool.key,
                decision.count,
                line_up.anchor,
                asset + 1,
            ),
            mode => format!(
                "It draws from {}, {size} assets, {mode} by the seed {}; {} were drawn since {}.",
                pool.key, pool.told_seed, decision.count, line_up.anchor,
            ),
        });
        for refused in &self.refused {
            self.sentences.push(format!("Not {}: {}.", refused.assets.join(", "), refused.why));
        }
        if let Some(days) = early {
            self.sentences.push(format!(
                "It aired {days} days ago; the cooldown of {} days could not be kept, for nothing else of the pool \
                 aired longer ago.",
                pool.cooldown_days
            ));
        }
        self.rule = Some(rule);
        self.pool = Some(shown);
    }
}

fn rule(line_up: &LineUp, block: &ResolvedBlock) -> RuleShown {
    RuleShown {
        days: block.days.to_string(),
        precedence: block.days.layer(),
        days_at: written(line_up, block.days_place),
        template: block.template.clone(),
        block_start: block.start.to_string(),
        block_until: block.until.map(|until| until.to_string()),
        block_at: written(line_up, block.place),
    }
}

/// Rules that came by this time and have nothing on the air in it.
fn passed_over(line_up: &LineUp, witness: &Witness, at: UtcMs, end: UtcMs) -> Vec<String> {
    let mut lines = Vec::new();
    for decision in &witness.decisions {
        let block = &line_up.blocks[decision.block];
        let slot = decision.slot - block.slots.start + 1;
        let who = format!(
            "{} from {} ({}), slot {slot}",
            block.days,
            block.start,
            written(line_up, line_up.slots[decision.slot].place)
        );
        match decision.outcome {
            Outcome::GivesWay { asset, end } if decision.start <= at && at < end => {
                let title = &line_up.asset(decision.slot, asset).title;
                lines.push(format!("{who}: \"{title}\" gave way to a more specific rule and waits"));
            }
            Outcome::NothingFits
                if decision.start <= at && at.0 < decision.start.0 + decision.room.max(1) && at < end =>
            {
                lines.push(format!("{who}: nothing fits into {}", clock(decision.room)));
            }
            _ => {}
        }
    }
    lines.truncate(NAMED);
    lines
}

fn refused(pool: &Pool, decision: &Decision) -> Vec<Refused> {
    let mut refused: Vec<Refused> = Vec::new();
    for (asset, refusal) in &decision.refused {
        let why = match refusal {
            Refusal::TooLong(length) => {
                format!("it takes {} and there is room for {}", clock(*length), clock(decision.room))
            }
            Refusal::JustAired => "it was the one before".to_owned(),
            Refusal::Cooling(days) => {
                format!("it aired {days} days ago, and the cooldown is {} days", pool.cooldown_days)
            }
        };
        let id = pool.assets[*asset].id.clone();
        match refused.iter_mut().find(|other| other.why == why) {
            Some(other) if other.assets.contains(&id) => {}
            Some(other) => {
                other.count += 1;
                if other.assets.len() < NAMED {
                    other.assets.push(id);
                }
            }
            None => refused.push(Refused { assets: vec![id], count: 1, why }),
        }
    }
    refused
}

/// A place as `file:line:column`.
fn written(line_up: &LineUp, place: Place) -> String {
    let path = line_up.sources.document(place).path.display();
    format!("{path}:{}:{}", place.line, place.column)
}
