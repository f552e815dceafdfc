//! Months of a channel on a virtual clock: the real manager, programming, as-run and catalog against a model of AIR
//! that does its own arithmetic and keeps its own account of what it sent.
//!
//! Unlike [`super::channel`]'s simulation it goes from event to event, so that a year takes seconds.

use super::as_run::SessionRun;
use super::channel::{Action, ChannelManager, Input, News, Now, Phase, SessionId};
use crate::catalog::{Catalog, HistoryEntry};
use crate::plan::Programming;
use crate::plan::shuffle::SplitMix;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::BlockPlan;
use retrovue_timebase::{FrameRate, Millis, UtcMs};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub(super) const LINGER: Duration = Duration::from_secs(20);
/// Bytes are told so often; the manager holds a session to be stuck after five seconds.
const PROGRESS_MS: i64 = 4_000;
/// What is on the air is marked so often.
pub(super) const MARK_MS: i64 = 10_000;
/// Entries of one transaction.
const BATCH: usize = 400;
/// About a block that was mended what was planned is noted so far: longer than the cooldown of the spots.
const NEAR_MS: i64 = 3_600_000;
const MEAN_LIFE_MS: u64 = 10 * 3_600_000;

/// First frame at or after an instant, by seed 003 §5 and not by the code under test: at 29.97.
pub(super) fn frame(epoch: UtcMs, at: UtcMs) -> i64 {
    let (span, unit) = (i128::from(at.0 - epoch.0) * 30_000, 1_001_000);
    i64::try_from((span + unit - 1).div_euclid(unit)).unwrap()
}

pub(super) fn rate() -> FrameRate {
    FrameRate::new(30_000, 1001).unwrap()
}

/// How the model's sending of a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// AIR has told the frames.
    Frames,
    /// It was killed or asked to stop, and told nothing.
    Nothing,
    /// The station died with it.
    Crash,
}

/// What AIR sent of a block, by its own account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) epoch: UtcMs,
    pub(super) first: i64,
    pub(super) count: i64,
    pub(super) told: Told,
}

#[derive(Debug)]
enum Event {
    Viewers(i64),
    News(SessionId, News),
    Progress(SessionId),
    Air(SessionId),
    Crash,
    Retire,
}

struct Air {
    id: SessionId,
    queue: VecDeque<BlockPlan>,
    epoch: UtcMs,
    join: UtcMs,
    /// First frame of the session that belongs to the block on the air.
    first: i64,
    accepted_at: i64,
    begun: bool,
    dies_at: i64,
    fails_at: Option<i64>,
    bytes: u64,
    last_post: i64,
}

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) sessions: u32,
    pub(super) deaths: u32,
    pub(super) bad_assets: u32,
    pub(super) refused: u32,
    pub(super) crashes: u32,
    pub(super) retirements: u32,
}

/// One channel and its station.
pub(super) struct World<'a> {
    pub(super) slug: String,
    pub(super) channel_id: i32,
    pub(super) station: Programming,
    pub(super) catalog: Catalog,
    /// Begins the program anew over the same catalog.
    pub(super) begin: &'a dyn Fn() -> Programming,
    pub(super) dice: SplitMix,
    pub(super) faults: bool,
    pub(super) figures: Figures,
    /// By block and join: as given to AIR last, and AIR's account.
    pub(super) fed: BTreeMap<(UtcMs, UtcMs), BlockPlan>,
    pub(super) sent: BTreeMap<(UtcMs, UtcMs), Account>,
    /// Blocks as they were planned while nothing had failed: those that were fed, and of those that were mended the
    /// neighbours too.
    pub(super) planned: BTreeMap<UtcMs, BlockPlan>,
    base: i64,
    now: i64,
    viewers: i64,
    manager: ChannelManager,
    run: Option<(SessionId, UtcMs, SessionRun)>,
    air: Option<Air>,
    events: BTreeMap<(i64, u64), Event>,
    posted: u64,
    entries: Vec<HistoryEntry>,
}

impl<'a> World<'a> {
    pub(super) fn new(
        (slug, channel_id): (&str, i32),
        (catalog, begin): (Catalog, &'a dyn Fn() -> Programming),
        (from, seed, faults): (UtcMs, u64, bool),
    ) -> World<'a> {
        // Nothing here is about a loss of power.
        catalog.set_limit("PRAGMA synchronous = OFF");
        World {
            slug: slug.to_owned(),
            channel_id,
            station: begin(),
            catalog,
            begin,
            dice: SplitMix(seed),
            faults,
            figures: Figures::default(),
            fed: BTreeMap::new(),
            sent: BTreeMap::new(),
            planned: BTreeMap::new(),
            base: from.0,
            now: from.0,
            viewers: 0,
            manager: ChannelManager::new(LINGER),
            run: None,
            air: None,
            events: BTreeMap::new(),
            posted: 0,
            entries: Vec::new(),
        }
    }

    /// A viewer watches from an instant on, for so long.
    pub(super) fn watch(&mut self, from: UtcMs, length: Millis) {
        self.post(from.0, Event::Viewers(1));
        self.post(from.0 + length.0, Event::Viewers(-1));
    }

    /// The station ends at an instant and begins again: killed, or in good order.
    pub(super) fn restart(&mut self, at: UtcMs, killed: bool) {
        self.post(at.0, if killed { Event::Crash } else { Event::Retire });
    }

    /// Runs to an instant; what was recorded until then is in the catalog.
    pub(super) fn run(&mut self, until: UtcMs) {
        loop {
            let due = self.manager.deadline(self.clock());
            let due = due.map(|due| self.base + i64::try_from(due.as_millis()).unwrap());
            let event = self.events.first_key_value().map(|(key, _)| key.0);
            let Some(next) = due.into_iter().chain(event).min().filter(|next| *next < until.0) else { break };
            self.now = self.now.max(next);
            if event == Some(next) {
                let (_, event) = self.events.pop_first().unwrap();
                self.happens(event);
            } else {
                let (now, station) = (self.clock(), self.station.clone());
                let slug = self.slug.clone();
                self.manager.tick(now, &|at, avoid| station.block_at(&slug, at, avoid));
                self.carry_out();
            }
        }
        self.now = until.0;
        self.flush();
    }

    fn clock(&self) -> Now {
        let mono = Duration::from_millis((self.now - self.base).unsigned_abs());
        Now { utc: UtcMs(self.now), mono }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice.below(usize::try_from(bound).unwrap()) as u64
    }

    fn one_in(&mut self, odds: u64) -> bool {
        self.faults && self.below(odds) == 0
    }

    fn ms(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs())).unwrap()
    }

    fn post(&mut self, at: i64, event: Event) {
        self.posted += 1;
        self.events.insert((at, self.posted), event);
    }

    /// News of a session come in order, a little late.
    fn tell(&mut self, id: SessionId, news: News) {
        let late = self.ms(2) * self.ms(40);
        let mut at = self.now + late;
        if let Some(air) = self.air.as_mut().filter(|air| air.id == id) {
            at = at.max(air.last_post);
            air.last_post = at;
        }
        self.post(at, Event::News(id, news));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Viewers(more) => {
                self.viewers += more;
                self.input(Input::Viewers(u32::try_from(self.viewers).unwrap()));
            }
            Event::News(id, news) => self.news(id, news),
            Event::Progress(id) => {
                let Some(air) = self.air.as_mut().filter(|air| air.id == id) else { return };
                air.bytes += 1;
                let bytes = air.bytes;
                self.news(id, News::Progress(bytes));
                self.post(self.now + PROGRESS_MS, Event::Progress(id));
            }
            Event::Air(id) if self.air.as_ref().is_some_and(|air| air.id == id) => self.air_wakes(),
            Event::Air(_) => {}
            Event::Crash => {
                self.figures.crashes += 1;
                self.account(Told::Crash);
                self.flush();
                // The marks go on while it lives.
                self.catalog.note_on_air(UtcMs(self.now - self.now.rem_euclid(MARK_MS))).unwrap();
                self.begin_anew();
                self.catalog.close_left_on_air().unwrap();
            }
            Event::Retire => {
                self.figures.retirements += 1;
                self.input(Input::Retire);
                while self.manager.phase() != Phase::Idle {
                    let at = self.events.iter().find(|(_, event)| matches!(event, Event::News(..)));
                    let key = *at.expect("a session that is asked to end says so").0;
                    self.now = self.now.max(key.0);
                    let event = self.events.remove(&key).unwrap();
                    self.happens(event);
                }
                self.flush();
                self.begin_anew();
                assert_eq!(self.catalog.close_left_on_air().unwrap(), 0, "it ended in good order");
            }
        }
    }

    fn begin_anew(&mut self) {
        (self.air, self.run) = (None, None);
        self.events.retain(|_, event| matches!(event, Event::Viewers(_) | Event::Crash | Event::Retire));
        self.manager = ChannelManager::new(LINGER);
        self.station = (self.begin)();
        // Whoever watched asks again.
        let back = self.ms(3_000);
        self.post(self.now + back, Event::Viewers(0));
    }

    fn flush(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.catalog.record_history(&entries, UtcMs(self.now)).unwrap();
    }

    fn record(&mut self, entries: impl IntoIterator<Item = HistoryEntry>) {
        self.entries.extend(entries);
        if self.entries.len() >= BATCH {
            self.flush();
        }
    }

    fn news(&mut self, id: SessionId, news: News) {
        let now = UtcMs(self.now);
        if let Some((_, _, run)) = self.run.as_mut().filter(|(session, ..)| *session == id) {
            let entries = run.heard(&news, now);
            self.record(entries);
        }
        self.input(Input::Session(id, news));
    }

    fn input(&mut self, input: Input) {
        let (now, station, slug) = (self.clock(), self.station.clone(), self.slug.clone());
        self.manager.handle(input, now, &|at, avoid| station.block_at(&slug, at, avoid));
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(action) = self.manager.next_action() {
            match action {
                Action::Open { session, blocks, join_utc_ms, .. } => self.open(session, blocks, join_utc_ms),
                Action::Feed { session, block } => self.feed(session, block),
                Action::Stop { session } => {
                    if let Some((_, _, run)) = &mut self.run {
                        run.stop_asked();
                    }
                    self.account(Told::Nothing);
                    self.tell(session, News::Ended(None));
                    self.air = None;
                    self.tell(session, News::OutputClosed(Vec::new()));
                }
                Action::Abandon { session, .. } => {
                    self.account(Told::Nothing);
                    self.air = None;
                    if let Some((_, _, mut run)) = self.run.take() {
                        let entries = run.given_up(UtcMs(self.now));
                        self.record(entries);
                    }
                    self.post(self.now, Event::News(session, News::OutputClosed(Vec::new())));
                }
            }
        }
    }

    fn open(&mut self, session: SessionId, blocks: [BlockPlan; 2], join: UtcMs) {
        assert!(self.air.is_none(), "two sessions of one channel");
        self.figures.sessions += 1;
        let epoch = blocks[0].start_utc_ms;
        let mut run = SessionRun::new(self.channel_id, rate(), epoch, join);
        let entries: Vec<_> = blocks.iter().map(|block| run.fed(block, self.title(block))).collect();
        self.record(entries);
        self.run = Some((session, join, run));
        for block in &blocks {
            self.fed.insert((block.start_utc_ms, join), block.clone());
            self.note_planned(block);
        }
        let accepted_at = self.now + 20 + self.ms(300);
        let mut dies_at = i64::MAX;
        if self.faults {
            let life = self.below(2 * MEAN_LIFE_MS);
            dies_at = self.now + i64::try_from(life).unwrap();
            // Now and then with the last frame of a block.
            if self.one_in(3) {
                let fence = blocks[0].end_utc_ms.0 + self.ms(4) * 1_800_000;
                dies_at = fence.max(accepted_at + 1);
            }
        }
        let first = frame(epoch, join).max(0);
        let mut air = Air {
            id: session,
            queue: VecDeque::from(blocks),
            epoch,
            join,
            first,
            accepted_at,
            begun: false,
            dies_at,
            fails_at: None,
            bytes: 0,
            last_post: accepted_at,
        };
        self.next_fault(&mut air);
        self.air = Some(air);
        self.post(accepted_at, Event::News(session, News::StartAnswered(Ok(()))));
        self.post(accepted_at, Event::Air(session));
        self.post(accepted_at, Event::Progress(session));
    }

    fn feed(&mut self, session: SessionId, block: BlockPlan) {
        let title = self.title(&block);
        let (_, join, run) = self.run.as_mut().expect("a session that is fed has been opened");
        let entry = run.fed(&block, title);
        self.fed.insert((block.start_utc_ms, *join), block.clone());
        self.record([entry]);
        self.note_planned(&block);
        let refuse = self.one_in(60);
        let Some(air) = self.air.as_mut().filter(|air| air.id == session) else { return };
        let answer = if air.queue.len() >= 2 {
            Err(Failure::new(FailureCode::QueueFull, String::new()))
        } else if refuse {
            self.figures.refused += 1;
            Err(Failure::new(
                FailureCode::AssetMissing,
                block.segments[block.segments.len() / 2].asset_uri.clone(),
            ))
        } else {
            assert_eq!(air.queue.back().map(|last| last.end_utc_ms), Some(block.start_utc_ms));
            air.queue.push_back(block);
            Ok(())
        };
        self.tell(session, News::FeedAnswered(answer));
    }

    /// Notes what was planned now: the openings of days long gone are not kept.
    fn note_planned(&mut self, block: &BlockPlan) {
        let planned = |at| self.station.block_at(&self.slug, at, &BTreeSet::new()).unwrap();
        let plain = planned(block.start_utc_ms);
        let (mut at, until) = match plain == *block {
            true => (block.start_utc_ms, block.end_utc_ms),
            false => (block.start_utc_ms.plus(Millis(-NEAR_MS)), block.end_utc_ms.plus(Millis(NEAR_MS))),
        };
        while at < until {
            let one = planned(at);
            at = one.end_utc_ms;
            self.planned.insert(one.start_utc_ms, one);
        }
    }

    /// As the director names a block: what the guide has there.
    fn title(&self, block: &BlockPlan) -> String {
        self.station.guide(&self.slug, block.start_utc_ms, block.end_utc_ms).unwrap()[0].title.clone()
    }

    /// An asset of the block that is to begin may fail.
    fn next_fault(&mut self, air: &mut Air) {
        air.fails_at = None;
        if !self.one_in(25) {
            return;
        }
        let block = &air.queue[0];
        let bad = self.below(block.segments.len() as u64);
        let before = block.segments.iter().take(usize::try_from(bad).unwrap());
        let at = block.start_utc_ms.0 + before.map(|s| s.segment_duration_ms.0).sum::<i64>();
        // What was played before the join cannot fail.
        air.fails_at = (at > air.join.0.max(air.accepted_at)).then_some(at);
    }

    /// AIR's own account of the block on the air, when it ends.
    fn account(&mut self, told: Told) {
        let Some(air) = self.air.as_ref().filter(|air| air.begun) else { return };
        let block = &air.queue[0];
        let fence = frame(air.epoch, block.end_utc_ms);
        let count = (frame(air.epoch, UtcMs(self.now)).min(fence) - air.first).max(0);
        let account = Account { epoch: air.epoch, first: air.first, count, told };
        self.sent.insert((block.start_utc_ms, air.join), account);
    }

    fn air_wakes(&mut self) {
        let Some(mut air) = self.air.take() else { return };
        let (id, block) = (air.id, air.queue[0].clone());
        let block_id = block.block_id.clone();
        if !air.begun {
            air.begun = true;
            self.air = Some(air);
            self.tell(id, News::BlockStarted { block_id });
        } else if self.now >= air.fails_at.unwrap_or(i64::MAX) {
            self.figures.bad_assets += 1;
            let frames = frame(air.epoch, UtcMs(air.fails_at.unwrap())) - air.first;
            let account = Account { epoch: air.epoch, first: air.first, count: frames, told: Told::Frames };
            self.sent.insert((block.start_utc_ms, air.join), account);
            let failure = Failure::new(FailureCode::DecodeError, "a picture cannot be decoded".to_owned());
            self.air = Some(air);
            self.tell(id, News::BlockFailed { block_id, frames, failure: failure.clone() });
            self.tell(id, News::Ended(Some(failure)));
            self.tell(id, News::OutputClosed(Vec::new()));
            self.air = None;
            return;
        } else if self.now >= block.end_utc_ms.0 {
            let fence = frame(air.epoch, block.end_utc_ms);
            let frames = (fence - air.first).max(0);
            let account = Account { epoch: air.epoch, first: air.first, count: frames, told: Told::Frames };
            self.sent.insert((block.start_utc_ms, air.join), account);
            air.first = air.first.max(fence);
            air.queue.pop_front();
            let next = air.queue.front().expect("Core feeds in time").block_id.clone();
            self.next_fault(&mut air);
            self.air = Some(air);
            self.tell(id, News::BlockCompleted { block_id, frames });
            self.tell(id, News::BlockStarted { block_id: next });
        } else if self.now >= air.dies_at {
            self.figures.deaths += 1;
            self.air = Some(air);
            self.account(Told::Nothing);
            self.tell(id, News::LinkClosed("its process ended".to_owned()));
            self.tell(id, News::OutputClosed(Vec::new()));
            self.air = None;
            return;
        } else {
            self.air = Some(air);
        }
        let air = self.air.as_ref().unwrap();
        let wake = air.queue[0].end_utc_ms.0.min(air.dies_at).min(air.fails_at.unwrap_or(i64::MAX));
        self.post(wake.max(self.now), Event::Air(id));
    }
}
