//! The cues of a block: judged at acceptance, and set to the PTS of the frames they stand before.

use super::{FencedBlock, Rejection, Timeline};
use retrovue_mux::splice::{
    BreakDuration, Segmentation, SegmentationDescriptor, SpliceCommand, SpliceDescriptor, SpliceInfo,
    SpliceInsert, SpliceTime,
};
use retrovue_proto::code::FailureCode;
use retrovue_proto::plan::{self, BlockPlan, CueCommand, CuePlace};
use retrovue_timebase::{FrameIndex, FrameRate, Millis, UtcMs};

/// Most cues of one block: both ends of a break every six minutes of the longest block.
const MAX_CUES: usize = 1_000;

/// Ticks of 90 kHz in a millisecond.
const TICKS_PER_MS: u64 = 90;

/// Judges the cues of `plan`, whose boundaries are those of `block`, in a session that began at `epoch`.
pub(super) fn judge(
    plan: &BlockPlan,
    block: &FencedBlock,
    (epoch, rate): (UtcMs, FrameRate),
    takes_cues: bool,
) -> Result<Vec<SpliceInfo>, Rejection> {
    let count = plan.cues.len();
    let refuse = |place: usize, what: String| {
        Err(Rejection::new(
            FailureCode::ProtocolError,
            format!("block {}, cue {place}: {what}", plan.block_id),
        ))
    };
    if count > 0 && !takes_cues {
        return refuse(0, "the session has no PID of cues; set format.cues when it starts".into());
    }
    if count > MAX_CUES {
        return refuse(MAX_CUES, format!("{count} cues are more than {MAX_CUES}; cut the block"));
    }
    let timeline = Timeline::new(epoch, rate);
    let (frames, length) =
        (block.end_frame.frames_since(block.start_frame), block.end_utc.since(block.start_utc));
    let mut before = block.start_frame;
    let mut cues = Vec::with_capacity(count);
    for (place, cue) in plan.cues.iter().enumerate() {
        let frame = match cue.at {
            CuePlace::Frame(frame) if (0..=frames).contains(&frame) => block.start_frame.offset(frame),
            CuePlace::Frame(frame) => {
                return refuse(place, format!("frame {frame} is outside the block's 0 to {frames}, its end"));
            }
            CuePlace::AtMs(at) if (Millis(0)..=length).contains(&at) => {
                rate.frame_at_or_after(epoch, block.start_utc.plus(at))
            }
            CuePlace::AtMs(at) => {
                return refuse(
                    place,
                    format!("at_ms {} is outside the block's 0 to {}, its end", at.0, length.0),
                );
            }
        };
        if frame < before {
            let of_block = |frame: FrameIndex| frame.frames_since(block.start_frame);
            return refuse(
                place,
                format!(
                    "frame {} is before frame {} of the cue before; put them in order",
                    of_block(frame),
                    of_block(before)
                ),
            );
        }
        before = frame;
        let info = match splice_info(&cue.command, SpliceTime::At(timeline.frame(frame))) {
            Ok(info) => info,
            Err(what) => return refuse(place, what),
        };
        if let Err(error) = info.judge() {
            return refuse(place, error.to_string());
        }
        cues.push(info);
    }
    Ok(cues)
}

fn splice_info(command: &CueCommand, at: SpliceTime) -> Result<SpliceInfo, String> {
    match command {
        CueCommand::SpliceInsert(insert) => {
            let ticks =
                insert.break_duration_ms.map(|duration| ticks("break_duration_ms", duration)).transpose()?;
            if insert.auto_return && ticks.is_none() {
                return Err("auto_return needs break_duration_ms".into());
            }
            Ok(SpliceInfo::new(SpliceCommand::Insert(SpliceInsert {
                event_id: insert.event_id,
                cancel: false,
                out_of_network: insert.out_of_network,
                at,
                break_duration: ticks.map(|ticks| BreakDuration { auto_return: insert.auto_return, ticks }),
                unique_program_id: fits("unique_program_id", insert.unique_program_id)?,
                avail: fits("avail", insert.avail)?,
                avails_expected: fits("avails_expected", insert.avails_expected)?,
            })))
        }
        CueCommand::TimeSignal(signal) => {
            let descriptors = signal.segmentations.iter().map(segmentation).collect::<Result<_, _>>()?;
            Ok(SpliceInfo { command: SpliceCommand::TimeSignal(at), descriptors })
        }
    }
}

fn segmentation(told: &plan::Segmentation) -> Result<SpliceDescriptor, String> {
    Ok(SpliceDescriptor::Segmentation(SegmentationDescriptor {
        event_id: told.event_id,
        segmentation: Some(Segmentation {
            restrictions: None,
            duration: told.duration_ms.map(|duration| ticks("duration_ms", duration)).transpose()?,
            upid_type: fits("upid_type", told.upid_type)?,
            upid: told.upid.clone(),
            type_id: fits("type_id", told.type_id)?,
            segment: fits("segment", told.segment)?,
            segments_expected: fits("segments_expected", told.segments_expected)?,
            sub_segments: None,
        }),
    }))
}

fn fits<T: TryFrom<u32>>(field: &str, value: u32) -> Result<T, String> {
    T::try_from(value).map_err(|_| format!("{field} {value} does not fit its {} bits", size_of::<T>() * 8))
}

fn ticks(field: &str, duration: Millis) -> Result<u64, String> {
    let ticks = u64::try_from(duration.0).ok().and_then(|ms| ms.checked_mul(TICKS_PER_MS));
    ticks.ok_or_else(|| format!("{field} is {}, must be 0 or more and fit its field", duration.0))
}
