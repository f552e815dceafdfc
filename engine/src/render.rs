//! `retrovue-air render`: the whole engine on a virtual clock, as fast as it goes.
//!
//! Core's part, feeding the next block when the queue has room, is played from the plan. The first
//! plan block whose contract is broken rejects the whole plan before a byte is written.

use crate::asset::DiskAssets;
use crate::clock::{Clock, MonoNs};
use crate::format::SessionFormat;
use crate::metrics::{Metrics, Produced};
use crate::pipeline::{Anchor, Continuation, Output, Pipeline, SharedSession};
use crate::scheduling::Scheduling;
use crate::service::Service;
use crate::session::{Session, SessionEvent, TaskLookup};
use retrovue_mux::splice::SpliceInfo;
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::plan::{BlockPlan, Plan};
use retrovue_timebase::UtcMs;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a rendering ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every block played to its fence.
    Completed,
    /// A contract was broken before anything played.
    Rejected,
    /// The session failed on the way.
    Terminated,
}

/// What was rendered.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The contract's failure code, unless completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What, where and what to do, unless completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// First frame that went out, counted from the epoch.
    pub first_frame: i64,
    /// Frames that went out.
    pub frames: i64,
    /// Bytes written.
    pub bytes: u64,
    /// Blocks that went out, in order.
    pub blocks: Vec<BlockReport>,
    /// Block events in the order Core would see them.
    pub events: Vec<EventReport>,
    /// What the assets gave and what was padded, over all blocks.
    pub produced: Produced,
}

/// Frames of one block.
#[derive(Debug, Serialize)]
pub struct BlockReport {
    /// Core's name for it.
    pub block_id: String,
    /// Frames of it that went out.
    pub frames: i64,
}

/// One block event.
#[derive(Debug, Serialize)]
pub struct EventReport {
    /// `started`, `completed` or `failed`.
    pub event: &'static str,
    /// Which block.
    pub block_id: String,
    /// Frames of it that went out by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<i64>,
    /// Failure code, when failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Report {
    fn ended(outcome: Outcome, failure: Option<&Failure>) -> Report {
        Report {
            outcome,
            code: failure.map(|f| f.code.to_string()),
            detail: failure.map(|f| f.detail.clone()),
            first_frame: 0,
            frames: 0,
            bytes: 0,
            blocks: Vec::new(),
            events: Vec::new(),
            produced: Metrics::default().produced(),
        }
    }

    fn note(&mut self, event: SessionEvent) {
        let (event, block_id, frames, code) = match event {
            SessionEvent::BlockStarted { block_id } => ("started", block_id, None, None),
            SessionEvent::BlockCompleted { block_id, frames } => ("completed", block_id, Some(frames), None),
            SessionEvent::BlockFailed { block_id, frames, failure } => {
                ("failed", block_id, Some(frames), Some(failure.code.to_string()))
            }
        };
        if let Some(frames) = frames {
            self.frames += frames;
            self.blocks.push(BlockReport { block_id: block_id.clone(), frames });
        }
        self.events.push(EventReport { event, block_id, frames, code });
    }
}

/// Counts what passes.
struct Counted<W> {
    inner: W,
    bytes: Arc<std::sync::atomic::AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(data)?;
        self.bytes.fetch_add(written as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Renders `plan` joined at `join`, or at its first block's start. Relative assets lie under `base`.
/// `sink` is asked for only when the plan stands.
///
/// # Errors
/// Opening `sink`; everything else is in the report.
pub fn render<W: Write + Send + 'static>(
    plan: &Plan,
    base: PathBuf,
    join: Option<UtcMs>,
    sink: impl FnOnce() -> std::io::Result<W>,
) -> std::io::Result<Report> {
    let rejected = |failure: &Failure| Ok(Report::ended(Outcome::Rejected, Some(failure)));
    let format = match SessionFormat::new(&plan.format) {
        Ok(format) => format,
        Err(failure) => return rejected(&failure),
    };
    let Some(first_block) = plan.blocks.first() else {
        let failure =
            Failure::new(FailureCode::NoSession, "the plan has no blocks; give it at least one".into());
        return rejected(&failure);
    };
    let join = join.unwrap_or(first_block.start_utc_ms);
    let mut assets = DiskAssets::new(base);
    let cues = match judge_all(&plan.blocks, join, &format, &mut assets) {
        Ok(cues) => cues,
        Err(failure) => return rejected(&failure),
    };

    let mut session = Session::new(format.shape.rate).with_cues(format.cues);
    let mut waiting = plan.blocks.iter();
    let mut accepted: Vec<&BlockPlan> = Vec::new();
    let begun = feed(&mut session, &mut waiting, join, &mut assets, |block| accepted.push(block))
        .and_then(|()| session.start(join));
    let (first, epoch) = match (begun, session.epoch()) {
        (Ok(first), Some(epoch)) => (first, epoch),
        (Err(failure), _) => return rejected(&failure),
        (Ok(_), None) => return Ok(Report::ended(Outcome::Rejected, None)),
    };
    let shared = Arc::new(SharedSession::new(session, Clock::stepping()));
    let anchor = Anchor { mono: MonoNs(0), utc: join, epoch, rate: format.shape.rate };
    shared.set_anchor(anchor);
    accepted.into_iter().for_each(|block| shared.tell_events(block));
    // All of the plan at once: when a block is fed depends on the threads, and what is sent must not.
    shared.tell_cues(cues);

    let bytes = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let output = Output {
        sink: Counted { inner: sink()?, bytes: Arc::clone(&bytes) },
        service: Service::of_plan(&plan.blocks, join),
        continuation: Continuation::default(),
    };
    let pipeline = match Pipeline::start(&shared, &format, anchor, first, output, Scheduling::default()) {
        Ok(pipeline) => pipeline,
        Err(failure) => return rejected(&failure),
    };
    let mut report = Report::ended(Outcome::Completed, None);
    report.first_frame = first.0;
    shared.report.answer();
    loop {
        let (mut session, ended) = shared.settle();
        for event in session.take_events() {
            report.note(event);
        }
        if ended {
            break;
        }
        if let Err(failure) =
            feed(&mut session, &mut waiting, join, &mut assets, |block| shared.tell_events(block))
        {
            shared.set_failure(failure);
            session.close();
        }
        session.take_cues();
        if waiting.as_slice().is_empty() {
            session.close();
        }
        drop(session);
        shared.blocks_changed();
        shared.report.wait(Duration::from_millis(20));
    }
    pipeline.join();
    report.produced = shared.metrics.produced();
    report.bytes = bytes.load(std::sync::atomic::Ordering::Relaxed);
    if let Some(failure) = shared.failure() {
        report.outcome = Outcome::Terminated;
        report.code = Some(failure.code.to_string());
        report.detail = Some(failure.detail.clone());
    }
    Ok(report)
}

/// Feeds blocks while there is room, telling `accepted` each.
fn feed<'a>(
    session: &mut Session,
    waiting: &mut std::slice::Iter<'a, BlockPlan>,
    receipt: UtcMs,
    assets: &mut DiskAssets,
    mut accepted: impl FnMut(&'a BlockPlan),
) -> Result<(), Failure> {
    while session.has_room()
        && let Some(block) = waiting.next()
    {
        session.accept(block, receipt, assets)?;
        accepted(block);
    }
    Ok(())
}

/// Judges every block in sequence, as a session of its own would see them, and gives all their cues.
fn judge_all(
    blocks: &[BlockPlan],
    join: UtcMs,
    format: &SessionFormat,
    assets: &mut DiskAssets,
) -> Result<Vec<SpliceInfo>, Failure> {
    let mut session = Session::new(format.shape.rate).with_cues(format.cues);
    let mut ordinal = 0;
    for (n, block) in blocks.iter().enumerate() {
        session.accept(block, join, assets)?;
        if n == 0 {
            session.start(join)?;
        }
        // As if everything were produced: the next block finds room.
        while let TaskLookup::Task(_) = session.task(ordinal) {
            session.task_produced(ordinal);
            ordinal += 1;
        }
    }
    Ok(session.take_cues())
}
