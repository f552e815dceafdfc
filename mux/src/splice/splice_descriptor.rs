//! Descriptors of a splice_info_section (SCTE 35 §10).

use crate::si::Registration;
use crate::si::section::Writer;

/// One descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceDescriptor {
    /// avail_descriptor (§10.3.1).
    Avail {
        /// `provider_avail_id`.
        provider_avail_id: u32,
    },
    /// segmentation_descriptor (§10.3.3).
    Segmentation(SegmentationDescriptor),
    /// Any other, as it is.
    Other {
        /// `splice_descriptor_tag`.
        tag: u8,
        /// Who defined it: `CUEI` for those of SCTE 35.
        identifier: [u8; 4],
        /// Its bytes, at most 251.
        payload: Vec<u8>,
    },
}

/// segmentation_descriptor of the whole program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentationDescriptor {
    /// `segmentation_event_id`.
    pub event_id: u32,
    /// What begins or ends; without it an earlier descriptor with this id is taken back.
    pub segmentation: Option<Segmentation>,
}

/// What a segmentation_descriptor tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segmentation {
    /// Restrictions of delivery; not restricted without.
    pub restrictions: Option<DeliveryRestrictions>,
    /// `segmentation_duration` in 90 kHz ticks, under 2^40.
    pub duration: Option<u64>,
    /// `segmentation_upid_type` (table 22): 0x08 a TI, 0x0C an MPU, 0x0E an ADS, 0 none.
    pub upid_type: u8,
    /// `segmentation_upid`, of the length its type asks for.
    pub upid: Vec<u8>,
    /// `segmentation_type_id` (table 23): 0x10 and 0x11 begin and end a programme, 0x22 and 0x23 a break, 0x30
    /// and 0x31 an advertisement of the provider, 0x34 and 0x35 a placement opportunity of the provider.
    pub type_id: u8,
    /// `segment_num`.
    pub segment: u8,
    /// `segments_expected`.
    pub segments_expected: u8,
    /// Sub-segments, which placement opportunities may have.
    pub sub_segments: Option<SubSegments>,
}

/// Who may have a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRestrictions {
    /// `web_delivery_allowed_flag`.
    pub web_delivery_allowed: bool,
    /// `no_regional_blackout_flag`.
    pub no_regional_blackout: bool,
    /// `archive_allowed_flag`.
    pub archive_allowed: bool,
    /// `device_restrictions`, 0 to 3; 3 is none.
    pub device_restrictions: u8,
}

/// `sub_segment_num` and `sub_segments_expected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubSegments {
    /// Which one.
    pub segment: u8,
    /// Of how many.
    pub expected: u8,
}

impl SpliceDescriptor {
    /// Whether every figure fits its field.
    pub(crate) fn is_in_range(&self) -> bool {
        match self {
            SpliceDescriptor::Segmentation(SegmentationDescriptor { segmentation: Some(told), .. }) => {
                told.duration.is_none_or(|ticks| ticks < 1 << 40)
                    && told.restrictions.is_none_or(|restrictions| restrictions.device_restrictions < 4)
            }
            _ => true,
        }
    }

    /// Writes tag, length, identifier and payload. A payload over 251 bytes is an overflow of `writer`.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            SpliceDescriptor::Avail { provider_avail_id } => writer.descriptor(0x00, |writer| {
                writer.put(&Registration::CUES);
                writer.put_u32(*provider_avail_id);
            }),
            SpliceDescriptor::Segmentation(descriptor) => writer.descriptor(0x02, |writer| {
                writer.put(&Registration::CUES);
                descriptor.write(writer);
            }),
            SpliceDescriptor::Other { tag, identifier, payload } => writer.descriptor(*tag, |writer| {
                writer.put(identifier);
                writer.put(payload);
            }),
        }
    }
}

impl SegmentationDescriptor {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.put_u32(self.event_id);
        let Some(told) = &self.segmentation else {
            writer.put_u8(0xFF);
            return;
        };
        writer.put_u8(0x7F);
        let delivery = match told.restrictions {
            None => 0x3F,
            Some(restrictions) => {
                u8::from(restrictions.web_delivery_allowed) << 4
                    | u8::from(restrictions.no_regional_blackout) << 3
                    | u8::from(restrictions.archive_allowed) << 2
                    | restrictions.device_restrictions & 3
            }
        };
        // program_segmentation_flag 1.
        writer.put_u8(0x80 | u8::from(told.duration.is_some()) << 6 | delivery);
        if let Some(duration) = told.duration {
            let [_, _, _, bytes @ ..] = duration.to_be_bytes();
            writer.put(&bytes);
        }
        writer.put_u8(told.upid_type);
        writer.with_length_u8(|writer| writer.put(&told.upid));
        writer.put(&[told.type_id, told.segment, told.segments_expected]);
        if let Some(sub) = told.sub_segments {
            writer.put(&[sub.segment, sub.expected]);
        }
    }
}
