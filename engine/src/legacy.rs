//! `LoadPreview` and `SwitchToLive` as blocks: the older requests in front of the same executor.
//!
//! Holds the one preview and turns a switch into a block of one segment. What a block may be is judged
//! where all blocks are judged.

use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::message;
use retrovue_proto::plan::{BlockPlan, Segment};
use retrovue_timebase::{Millis, UtcMs};

/// What comes next, as `LoadPreview` named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    segment: Segment,
}

impl Preview {
    /// P8-PLAN-001: the planned frame count is captured here, -1 as absent.
    ///
    /// # Errors
    /// PROTOCOL_ERROR without an asset, INVALID_DURATION and INVALID_OFFSET for times that are none.
    pub fn new(request: message::LoadPreview) -> Result<Preview, Failure> {
        if request.asset_uri.is_empty() {
            return Err(Failure::new(
                FailureCode::ProtocolError,
                "LoadPreview.asset_uri is missing".to_owned(),
            ));
        }
        if request.duration_ms <= 0 {
            return Err(Failure::new(
                FailureCode::InvalidDuration,
                format!("LoadPreview.duration_ms is {}; give more than 0", request.duration_ms),
            ));
        }
        if request.asset_start_offset_ms < 0 {
            return Err(Failure::new(
                FailureCode::InvalidOffset,
                format!(
                    "LoadPreview.asset_start_offset_ms is {}; give 0 or more",
                    request.asset_start_offset_ms
                ),
            ));
        }
        Ok(Preview {
            segment: Segment {
                segment_index: 0,
                asset_uri: request.asset_uri,
                asset_start_offset_ms: Millis(request.asset_start_offset_ms),
                segment_duration_ms: Millis(request.duration_ms),
                frame_count: request.frame_count.filter(|&count| count >= 0),
                metadata: Default::default(),
            },
        })
    }

    /// Asset of the preview.
    #[must_use]
    pub fn asset_uri(&self) -> &str {
        &self.segment.asset_uri
    }

    /// The block that begins with `switch`. Its id names the instant, so that a switch sent twice is
    /// DUPLICATE_BLOCK.
    #[must_use]
    pub fn block(&self, switch: &message::SwitchToLive) -> BlockPlan {
        let start = switch.start_utc_ms;
        BlockPlan {
            block_id: format!("switch-{start}"),
            channel_id: switch.channel_id,
            start_utc_ms: UtcMs(start),
            end_utc_ms: UtcMs(start.saturating_add(self.segment.segment_duration_ms.0)),
            events: vec![],
            cues: vec![],
            segments: vec![self.segment.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> message::LoadPreview {
        message::LoadPreview {
            asset_uri: "/m/a.mp4".to_owned(),
            asset_start_offset_ms: 500,
            duration_ms: 2000,
            frame_count: Some(60),
        }
    }

    /// P8-PLAN-001, INV-P8-FRAME-COUNT-PLANNING-AUTHORITY-001: the value matches Core's plan.
    #[test]
    fn the_planned_frame_count_is_captured() {
        let switch = message::SwitchToLive { channel_id: 3, start_utc_ms: 10_000, ..Default::default() };
        for (sent, captured) in [(Some(60), Some(60)), (Some(0), Some(0)), (Some(-1), None), (None, None)] {
            let preview = Preview::new(message::LoadPreview { frame_count: sent, ..request() });
            let block = preview.map(|p| p.block(&switch)).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((block.start_utc_ms, block.end_utc_ms), (UtcMs(10_000), UtcMs(12_000)));
            assert_eq!((block.channel_id, block.segments.len()), (3, 1));
            assert_eq!(block.segments[0].frame_count, captured);
        }
    }

    #[test]
    fn a_preview_that_is_none_is_refused_by_name() {
        let refused = |request| Preview::new(request).map_err(|failure| failure.code);
        let (no_asset, no_time, before) = (
            message::LoadPreview { asset_uri: String::new(), ..request() },
            message::LoadPreview { duration_ms: 0, ..request() },
            message::LoadPreview { asset_start_offset_ms: -1, ..request() },
        );
        assert_eq!(refused(no_asset), Err(FailureCode::ProtocolError));
        assert_eq!(refused(no_time), Err(FailureCode::InvalidDuration));
        assert_eq!(refused(before), Err(FailureCode::InvalidOffset));
    }
}
