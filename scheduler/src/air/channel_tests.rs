//! The channel manager case by case.

use super::*;
use retrovue_proto::plan::{Notes, Segment};
use retrovue_timebase::Millis;

const LINGER: Duration = Duration::from_secs(20);
const BLOCK_MS: i64 = 60_000;

/// Blocks of a minute: forty seconds of show, twenty of advert. `-` and the avoided assets tell plans apart.
fn plan(instant: UtcMs, avoid: &BTreeSet<String>) -> Result<BlockPlan, PlanError> {
    let number = instant.0.div_euclid(BLOCK_MS);
    let segment = |index: i32, uri: String, ms: i64| Segment {
        segment_index: index,
        asset_uri: if avoid.contains(&uri) { "/filler.mp4".to_owned() } else { uri },
        asset_start_offset_ms: Millis(0),
        segment_duration_ms: Millis(ms),
        frame_count: None,
        metadata: Notes::default(),
    };
    Ok(BlockPlan {
        block_id: format!("b{number}"),
        channel_id: 7,
        start_utc_ms: UtcMs(number * BLOCK_MS),
        end_utc_ms: UtcMs((number + 1) * BLOCK_MS),
        events: vec![],
        cues: vec![],
        segments: vec![
            segment(0, format!("/show{number}.mp4"), 40_000),
            segment(1, format!("/advert{number}.mp4"), 20_000),
        ],
    })
}

struct Channel {
    manager: ChannelManager,
    ms: u64,
}

/// 10 s into block 1000.
const T0: i64 = 1_000 * BLOCK_MS + 10_000;

impl Channel {
    fn watched() -> (Channel, SessionId) {
        let mut channel = Channel { manager: ChannelManager::new(LINGER), ms: 0 };
        let actions = channel.viewers(1);
        let [Action::Open { session, .. }] = &actions[..] else { panic!("{actions:?}") };
        let session = *session;
        assert!(channel.news(session, News::StartAnswered(Ok(()))).is_empty());
        (channel, session)
    }
    fn now(&self) -> Now {
        Now { utc: UtcMs(T0 + self.ms as i64), mono: Duration::from_millis(self.ms) }
    }
    fn drain(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.manager.next_action()).collect()
    }
    fn viewers(&mut self, count: u32) -> Vec<Action> {
        self.manager.handle(Input::Viewers(count), self.now(), &plan);
        self.drain()
    }
    fn news(&mut self, session: SessionId, news: News) -> Vec<Action> {
        self.manager.handle(Input::Session(session, news), self.now(), &plan);
        self.drain()
    }
    /// Lets `ms` go by, deadlines kept; the session, if any, keeps sending.
    fn pass(&mut self, ms: u64, alive: Option<SessionId>) -> Vec<Action> {
        let mut actions = Vec::new();
        for _ in 0..ms / 10 {
            self.ms += 10;
            if let Some(session) = alive
                && self.ms.is_multiple_of(1000)
            {
                actions.extend(self.news(session, News::Progress(self.ms)));
            }
            if self.manager.deadline(self.now()).is_some_and(|due| due <= self.now().mono) {
                self.manager.tick(self.now(), &plan);
                actions.extend(self.drain());
            }
        }
        actions
    }
}

fn fault(code: &str, detail: &str) -> Failure {
    Failure::new(FailureCode::from(code), detail.to_owned())
}

fn started(number: i64) -> News {
    News::BlockStarted { block_id: format!("b{number}") }
}

#[test]
fn first_viewer_opens_a_session_at_now_with_two_blocks() {
    let mut channel = Channel { manager: ChannelManager::new(LINGER), ms: 0 };
    let actions = channel.viewers(1);
    let [Action::Open { blocks, join_utc_ms, resume, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!((blocks[0].block_id.as_str(), blocks[1].block_id.as_str()), ("b1000", "b1001"));
    assert_eq!(*join_utc_ms, UtcMs(T0));
    assert_eq!(*resume, None);
    assert_eq!(channel.manager.phase(), Phase::Starting);
    assert!(channel.viewers(2).is_empty(), "the second viewer shares it");
}

#[test]
fn next_block_is_fed_when_a_slot_opens() {
    let (mut channel, session) = Channel::watched();
    assert!(channel.news(session, started(1000)).is_empty(), "both slots are taken");
    channel.pass(50_000, Some(session));
    let actions = channel.news(session, started(1001));
    let [Action::Feed { block, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(block.block_id, "b1002");
    assert!(channel.news(session, started(1001)).is_empty(), "told twice, fed once");
}

#[test]
fn lookahead_is_kept_by_cores_own_schedule_when_no_event_comes() {
    let (mut channel, session) = Channel::watched();
    let actions = channel.pass(52_000, Some(session));
    let [Action::Feed { block, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(block.block_id, "b1002");
    // AIR is behind: the queue is still full, and a little later it is not.
    assert!(channel.news(session, News::FeedAnswered(Err(fault("QUEUE_FULL", "")))).is_empty());
    let again = channel.pass(1_000, Some(session));
    assert_eq!(again, actions);
}

#[test]
fn last_viewer_leaves_linger_then_stop() {
    let (mut channel, session) = Channel::watched();
    channel.viewers(0);
    assert_eq!(channel.manager.phase(), Phase::Lingering);
    assert!(channel.pass(19_900, Some(session)).is_empty());
    assert_eq!(channel.pass(200, Some(session)), [Action::Stop { session }]);
    assert_eq!(channel.manager.phase(), Phase::Stopping);
    let actions = channel.news(session, News::Ended(None));
    assert_eq!(actions, [Action::Abandon { session, kill: false }]);
    assert!(channel.news(session, News::OutputClosed(vec![])).is_empty());
    assert_eq!(channel.manager.phase(), Phase::Idle);
    assert_eq!(channel.manager.deadline(channel.now()), None);
}

#[test]
fn viewer_back_within_the_linger_finds_the_session_running() {
    let (mut channel, session) = Channel::watched();
    channel.viewers(0);
    channel.pass(10_000, Some(session));
    assert!(channel.viewers(1).is_empty());
    assert_eq!(channel.manager.phase(), Phase::OnAir);
    assert!(channel.pass(30_000, Some(session)).is_empty());
}

#[test]
fn a_session_that_will_not_stop_is_killed() {
    let (mut channel, session) = Channel::watched();
    channel.viewers(0);
    channel.pass(20_000, Some(session));
    let actions = channel.pass(1_500, None);
    assert_eq!(actions, [Action::Abandon { session, kill: true }]);
}

#[test]
fn viewer_while_stopping_waits_for_the_end_then_gets_a_new_session() {
    let (mut channel, session) = Channel::watched();
    channel.viewers(0);
    channel.pass(20_000, Some(session));
    assert!(channel.viewers(1).is_empty(), "never two sessions");
    channel.news(session, News::OutputClosed(vec![PidCounter { pid: 256, last: 3 }]));
    let actions = channel.news(session, News::Ended(None));
    let [Action::Abandon { .. }, Action::Open { resume, .. }] = &actions[..] else { panic!("{actions:?}") };
    // He joined before the old output closed, so he holds bytes of it.
    assert_eq!(*resume, Some(vec![PidCounter { pid: 256, last: 3 }]));
}

#[test]
fn dead_process_restarts_at_once_at_the_new_offset_and_resumes_counters() {
    let (mut channel, session) = Channel::watched();
    channel.pass(5_000, Some(session));
    let actions = channel.news(session, News::LinkClosed("killed".to_owned()));
    assert_eq!(actions, [Action::Abandon { session, kill: false }]);
    assert_eq!(channel.manager.phase(), Phase::Recovering);
    let held = vec![PidCounter { pid: 256, last: 15 }];
    let actions = channel.news(session, News::OutputClosed(held.clone()));
    let [Action::Open { session: next, join_utc_ms, resume, blocks }] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert!(*next > session);
    assert_eq!(*join_utc_ms, UtcMs(T0 + 5_000));
    assert_eq!(*resume, Some(held));
    assert_eq!(blocks[0].segments[0].asset_uri, "/show1000.mp4", "nobody blames the show yet");
}

#[test]
fn asset_that_failed_is_avoided_to_the_end_of_its_block() {
    let (mut channel, session) = Channel::watched();
    channel.news(session, News::OutputClosed(vec![]));
    let actions = channel.news(session, News::Ended(Some(fault("DECODE_ERROR", "block b1000 failed"))));
    let [_, Action::Open { blocks, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(blocks[0].segments[0].asset_uri, "/filler.mp4");
    assert_eq!(blocks[0].segments[1].asset_uri, "/advert1000.mp4");
    assert_eq!(blocks[1].segments[0].asset_uri, "/show1001.mp4");
}

/// AIR ends with the last frame before an asset that cannot be opened, a moment before the boundary.
#[test]
fn failure_at_a_boundary_blames_what_would_have_come() {
    for (ms, spared) in [(29_800, 1), (29_950, 0)] {
        let (mut channel, session) = Channel::watched();
        channel.pass(ms, Some(session));
        channel.news(session, News::OutputClosed(vec![]));
        let actions = channel.news(session, News::Ended(Some(fault("ASSET_ERROR", "an asset of the block"))));
        let [_, Action::Open { blocks, .. }] = &actions[..] else { panic!("{actions:?}") };
        let assets = ["/show1000.mp4", "/advert1000.mp4"];
        assert_eq!(blocks[0].segments[spared].asset_uri, assets[spared], "{ms} ms");
        assert_eq!(blocks[0].segments[1 - spared].asset_uri, "/filler.mp4", "{ms} ms");
    }
}

#[test]
fn last_words_after_the_output_closed_still_name_the_failure() {
    let (mut channel, session) = Channel::watched();
    assert!(channel.news(session, News::OutputClosed(vec![])).is_empty());
    assert!(channel.pass(50, None).is_empty());
    let actions = channel.news(session, News::Ended(Some(fault("DECODE_ERROR", ""))));
    assert!(matches!(&actions[..], [_, Action::Open { blocks, .. }]
        if blocks[0].segments[0].asset_uri == "/filler.mp4"));
}

#[test]
fn closed_output_without_a_word_is_a_death() {
    let (mut channel, session) = Channel::watched();
    channel.news(session, News::OutputClosed(vec![]));
    let actions = channel.pass(150, None);
    assert!(matches!(actions[..], [Action::Abandon { kill: true, .. }, Action::Open { .. }]), "{actions:?}");
}

#[test]
fn second_crash_on_the_same_asset_blames_it() {
    let (mut channel, mut session) = Channel::watched();
    for round in 0..2 {
        channel.news(session, News::OutputClosed(vec![]));
        let actions = channel.news(session, News::LinkClosed("signal 11".to_owned()));
        let [_, Action::Open { blocks, session: next, .. }] = &actions[..] else { panic!("{actions:?}") };
        let show = &blocks[0].segments[0].asset_uri;
        assert_eq!(show == "/filler.mp4", round == 1, "round {round}: {show}");
        session = *next;
        channel.news(session, News::StartAnswered(Ok(())));
    }
}

#[test]
fn stale_blocks_are_planned_anew_at_once() {
    let mut channel = Channel { manager: ChannelManager::new(LINGER), ms: 0 };
    let actions = channel.viewers(1);
    let [Action::Open { session, .. }] = actions[..] else { panic!("{actions:?}") };
    channel.ms += 50_000;
    channel.news(session, News::StartAnswered(Err(fault("STALE_BLOCK_FROM_CORE", "ended 3 ms ago"))));
    let actions = channel.news(session, News::OutputClosed(vec![]));
    let [Action::Open { blocks, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(blocks[0].block_id, "b1001");
}

#[test]
fn refused_feed_is_planned_without_the_missing_asset() {
    let (mut channel, session) = Channel::watched();
    channel.pass(50_000, Some(session));
    channel.news(session, started(1001));
    let refusal = fault("ASSET_MISSING", "/advert1002.mp4: no such file");
    let actions = channel.news(session, News::FeedAnswered(Err(refusal)));
    let [Action::Feed { block, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(block.block_id, "b1002");
    assert_eq!(block.segments[0].asset_uri, "/show1002.mp4");
    assert_eq!(block.segments[1].asset_uri, "/filler.mp4");
}

#[test]
fn failures_without_a_cure_back_off() {
    let (mut channel, mut session) = Channel::watched();
    let mut waits = Vec::new();
    for _ in 0..5 {
        let died = channel.ms;
        channel.news(session, News::OutputClosed(vec![]));
        let mut actions = channel.news(session, News::Ended(Some(fault("ENCODER_ERROR", ""))));
        actions.extend(channel.pass(if actions.len() > 1 { 0 } else { 6_000 }, None));
        let Some(Action::Open { session: next, join_utc_ms, .. }) =
            actions.iter().find(|action| matches!(action, Action::Open { .. }))
        else {
            panic!("{actions:?}")
        };
        waits.push(join_utc_ms.0 - T0 - died as i64);
        session = *next;
    }
    assert_eq!(waits, [0, 250, 1_000, 5_000, 5_000]);
}

#[test]
fn hung_session_is_killed_and_replaced() {
    let (mut channel, session) = Channel::watched();
    channel.pass(3_000, Some(session));
    let actions = channel.pass(6_000, None);
    assert_eq!(actions, [Action::Abandon { session, kill: true }]);
    let actions = channel.news(session, News::OutputClosed(vec![]));
    assert!(matches!(actions[..], [Action::Open { .. }]));
}

#[test]
fn death_without_viewers_is_not_mended() {
    let (mut channel, session) = Channel::watched();
    channel.viewers(0);
    channel.news(session, News::LinkClosed("killed".to_owned()));
    assert!(channel.news(session, News::OutputClosed(vec![])).is_empty());
    assert_eq!(channel.manager.phase(), Phase::Idle);
}

#[test]
fn news_of_old_sessions_is_ignored() {
    let (mut channel, session) = Channel::watched();
    channel.news(session, News::OutputClosed(vec![]));
    channel.news(session, News::LinkClosed("killed".to_owned()));
    let current = channel.manager.session();
    for news in [News::Ended(None), News::LinkClosed(String::new()), News::OutputClosed(vec![])] {
        assert!(channel.news(session, news).is_empty());
    }
    assert_eq!(channel.manager.session(), current);
}

#[test]
fn planner_that_fails_is_asked_again() {
    let mut manager = ChannelManager::new(LINGER);
    let broken =
        |_: UtcMs, _: &BTreeSet<String>| Err(PlanError::UnknownChannel { channel: "gone".to_owned() });
    let now = Now { utc: UtcMs(T0), mono: Duration::ZERO };
    manager.handle(Input::Viewers(1), now, &broken);
    assert_eq!(manager.next_action(), None);
    assert_eq!(manager.phase(), Phase::Recovering);
    let later = Now { utc: UtcMs(T0 + 500), mono: Duration::from_millis(500) };
    assert_eq!(manager.deadline(now), Some(later.mono));
    manager.tick(later, &plan);
    assert!(matches!(manager.next_action(), Some(Action::Open { .. })));
}

#[test]
fn retired_channel_stops_at_once_and_starts_no_more() {
    let (mut channel, session) = Channel::watched();
    channel.manager.handle(Input::Retire, channel.now(), &plan);
    assert_eq!(channel.drain(), [Action::Stop { session }]);
    channel.news(session, News::OutputClosed(vec![]));
    assert_eq!(channel.news(session, News::Ended(None)), [Action::Abandon { session, kill: false }]);
    assert_eq!(channel.manager.phase(), Phase::Idle);
    assert!(channel.viewers(3).is_empty());
}
