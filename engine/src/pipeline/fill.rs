//! A producer: decodes its segments into house-format frames, one lane's worth ahead.
//!
//! Two producers take the tasks in turn. The one that is not on the air has its next segment opened,
//! seeked and its first frames decoded before the boundary, so a seam is the encoder reading from
//! the other lane. Everything here is counted in frames; no clock is read.

use super::frame_lane::{Delivery, LaneSender, Stopped};
use super::shared_session::{Next, SharedSession};
use crate::metrics::Metrics;
use crate::session::SegmentTask;
use retrovue_codec::{AssetReader, MediaError, OutputShape, Picture, PictureStatus};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::FrameIndex;

/// A preview producer opens its asset this many seconds of frames before the boundary.
const PREROLL_SECONDS: i64 = 5;

/// Runs one producer until the session ends. `parity` is 0 for the one that begins.
pub(super) fn run(
    session: &SharedSession,
    mut lane: LaneSender,
    shape: &OutputShape,
    black: &Picture,
    parity: u64,
) {
    lane.answer();
    let mut ordinal = parity;
    let mut drained = false;
    loop {
        let sent = match session.next_task(ordinal, drained) {
            Next::Finished => {
                let _ = lane.send(Delivery::Finished);
                return;
            }
            Next::Drain => {
                drained = true;
                lane.send(Delivery::Drain)
            }
            Next::Task(task) => {
                drained = false;
                let preroll = PREROLL_SECONDS * shape.rate.num() / shape.rate.den();
                if ordinal > 0 {
                    session.wait_taken(task.first_frame.offset(-preroll));
                }
                let played = play(&task, &mut lane, shape, black, &session.metrics);
                if matches!(played, Ok(())) {
                    session.task_produced(ordinal);
                    ordinal += 2;
                }
                match played {
                    Ok(()) => lane.send(Delivery::SegmentEnd),
                    Err(PlayError::Stopped) => Err(Stopped),
                    // INV-BLOCKPLAN-NO-SEGMENT-RECOVERY: no second try, no next segment, no filler.
                    Err(PlayError::Media(failure)) => {
                        let _ = lane.send(Delivery::Failed(failure));
                        return;
                    }
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

enum PlayError {
    Stopped,
    Media(Box<Failure>),
}

impl From<Stopped> for PlayError {
    fn from(_: Stopped) -> PlayError {
        PlayError::Stopped
    }
}

impl From<MediaError> for PlayError {
    /// CONTRACT-SEG-005: any segment failure is a block-level failure, without the segment's index.
    fn from(error: MediaError) -> PlayError {
        let code = match error {
            MediaError::Decode { .. } => FailureCode::DecodeError,
            _ => FailureCode::AssetError,
        };
        PlayError::Media(Box::new(Failure::new(code, error.to_string())))
    }
}

/// Delivers every frame of `task`: content while the asset lasts, then black and silence up to the
/// boundary (CONTRACT-SEG-003, INV-BLOCKPLAN-SEGMENT-PAD-TO-CT), and nothing past it
/// (CONTRACT-SEG-004, INV-BLOCKPLAN-SEGMENT-TRUNCATE). Each track is padded by itself. Only frame indices
/// decide, no clock (INV-FRAME-003).
fn play(
    task: &SegmentTask,
    lane: &mut LaneSender,
    shape: &OutputShape,
    black: &Picture,
    metrics: &Metrics,
) -> Result<(), PlayError> {
    let rate = shape.rate;
    let origin = task.segment_start;
    let origin_sample = rate.first_sample(origin);
    let first_sample = rate.first_sample(task.first_frame).samples_since(origin_sample);
    let mut reader = AssetReader::open(&task.path, shape)?;
    reader.join_at(task.in_point, task.first_frame.frames_since(origin), first_sample)?;
    let mut frames_delivered: u64 = 0;
    let (mut video_ended, mut audio_ended) = (false, false);
    for index in task.first_frame.0..task.end_frame.0 {
        let index = FrameIndex(index);
        let mut frame = lane.empty_frame()?;
        if !video_ended {
            let status = reader.picture(index.frames_since(origin), &mut frame.picture)?;
            video_ended = status == PictureStatus::End;
        }
        if video_ended {
            frame.picture.share(black);
        }
        let pairs = rate.first_sample(index.offset(1)).samples_since(rate.first_sample(index));
        frame.pcm.clear();
        frame.pcm.resize(usize::try_from(pairs).unwrap_or(0) * 2, 0);
        if !audio_ended {
            let wanted = frame.pcm.len() / 2;
            audio_ended = reader.audio(&mut frame.pcm)? < wanted;
        }
        // INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001 (P8-PLAN-001): delivered content is counted at every emit.
        frames_delivered += u64::from(!(video_ended && audio_ended));
        frame.index = index;
        // A seam is a cut: an IDR there costs no more than the scene change would.
        frame.force_idr = index == task.first_frame;
        lane.send(Delivery::Frame(frame))?;
    }
    // P8-PLAN-002: planned and delivered side by side; a deficit has been padded above.
    let frames = u64::try_from(task.end_frame.frames_since(task.first_frame)).unwrap_or(0);
    metrics.segment_produced(frames, frames_delivered, task.planned_frames_left());
    tracing::debug!(
        asset = %task.path.display(),
        first = task.first_frame.0,
        end = task.end_frame.0,
        planned = task.planned_frames_left(),
        delivered = frames_delivered,
        "segment produced"
    );
    Ok(())
}
