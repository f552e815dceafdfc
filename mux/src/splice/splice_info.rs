//! The splice_info_section and its commands (SCTE 35 §9.6, §9.7). PTS wrap to 33 bits where they are written.

use super::cue_lane::{CueError, LONGEST};
use super::splice_descriptor::SpliceDescriptor;
use crate::si::section::{Writer, seal};
use retrovue_timebase::Ticks90k;

/// What one section says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpliceInfo {
    /// What is to be done.
    pub command: SpliceCommand,
    /// What else is told of it.
    pub descriptors: Vec<SpliceDescriptor>,
}

/// A command (§9.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceCommand {
    /// splice_null: nothing, or what the descriptors say.
    Null,
    /// splice_insert: leave the network for a break, or come back.
    Insert(SpliceInsert),
    /// time_signal: the descriptors say what happens at an instant.
    TimeSignal(SpliceTime),
}

/// splice_insert (§9.7.3) of the whole program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpliceInsert {
    /// `splice_event_id`.
    pub event_id: u32,
    /// Takes an earlier cue with this id back; the other fields are not sent then.
    pub cancel: bool,
    /// Out of the network, to the break; otherwise back into it.
    pub out_of_network: bool,
    /// When.
    pub at: SpliceTime,
    /// How long the break lasts.
    pub break_duration: Option<BreakDuration>,
    /// `unique_program_id`.
    pub unique_program_id: u16,
    /// `avail_num`: which avail of the program, 0 when not used.
    pub avail: u8,
    /// `avails_expected`: how many there will be, 0 when not used.
    pub avails_expected: u8,
}

/// The instant of a splice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpliceTime {
    /// As soon as it is received.
    Immediate,
    /// With the picture of this PTS, unwrapped.
    At(Ticks90k),
}

/// break_duration (§9.8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakDuration {
    /// The splicer comes back by itself.
    pub auto_return: bool,
    /// Length in 90 kHz ticks, under 2^33.
    pub ticks: u64,
}

impl SpliceInfo {
    /// A command without descriptors.
    #[must_use]
    pub const fn new(command: SpliceCommand) -> SpliceInfo {
        SpliceInfo { command, descriptors: Vec::new() }
    }

    /// The instant it is about, if it names one.
    #[must_use]
    pub fn at(&self) -> Option<Ticks90k> {
        match &self.command {
            SpliceCommand::Insert(insert) if !insert.cancel => insert.at.pts(),
            SpliceCommand::TimeSignal(time) => time.pts(),
            _ => None,
        }
    }

    /// Judges what it says, whenever it is said.
    ///
    /// # Errors
    /// [`CueError::FieldOutOfRange`] and [`CueError::TooLong`].
    pub fn judge(&self) -> Result<(), CueError> {
        self.judge_fields()?;
        let written = self.write(&mut [0; LONGEST]);
        written.map(drop).ok_or(CueError::TooLong { largest: LONGEST })
    }

    pub(crate) fn judge_fields(&self) -> Result<(), CueError> {
        let fit = self.command.is_in_range() && self.descriptors.iter().all(SpliceDescriptor::is_in_range);
        fit.then_some(()).ok_or(CueError::FieldOutOfRange)
    }

    /// Writes the section with its CRC to the front of `out` and returns its size; nothing when it does not
    /// fit, or a descriptor is longer than 255 bytes.
    pub(crate) fn write(&self, out: &mut [u8]) -> Option<usize> {
        const CRC_SIZE: usize = 4;
        let room = out.len().checked_sub(CRC_SIZE)?;
        let mut writer = Writer::new(&mut out[..room]);
        // No section syntax, not private, sap_type not told; protocol 0, in the clear, no pts_adjustment.
        writer.put(&[TABLE_ID, 0x30, 0, 0, 0, 0, 0, 0, 0]);
        // cw_index, which means nothing in the clear.
        writer.put_u8(0xFF);
        // tier 0xFFF: for everybody.
        writer.put_u8(0xFF);
        // Behind the length stands the type of the command, which is no part of it.
        let length_at = writer.len();
        writer.put(&[0xF0, 0]);
        writer.put_u8(self.command.splice_command_type());
        let begin = writer.len();
        self.command.write(&mut writer);
        writer.patch_u8(length_at + 1, (writer.len() - begin) as u8);
        let at = writer.len();
        writer.put_u16(0);
        for descriptor in &self.descriptors {
            descriptor.write(&mut writer);
        }
        let length = u16::try_from(writer.len() - at - 2).ok()?.to_be_bytes();
        writer.patch_u8(at, length[0]);
        writer.patch_u8(at + 1, length[1]);
        if writer.overflowed() {
            return None;
        }
        let size = writer.len() + CRC_SIZE;
        seal(&mut out[..size]);
        Some(size)
    }
}

/// `table_id` of a splice_info_section.
const TABLE_ID: u8 = 0xFC;

impl SpliceCommand {
    /// Whether every figure fits its field.
    pub(crate) fn is_in_range(&self) -> bool {
        match self {
            SpliceCommand::Insert(insert) => {
                insert.break_duration.is_none_or(|duration| duration.ticks < 1 << 33)
            }
            _ => true,
        }
    }

    const fn splice_command_type(&self) -> u8 {
        match self {
            SpliceCommand::Null => 0x00,
            SpliceCommand::Insert(_) => 0x05,
            SpliceCommand::TimeSignal(_) => 0x06,
        }
    }

    /// Writes at most twenty bytes.
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            SpliceCommand::Null => {}
            SpliceCommand::Insert(insert) => insert.write(writer),
            SpliceCommand::TimeSignal(time) => match time {
                // time_specified_flag 0; reserved ones.
                SpliceTime::Immediate => writer.put_u8(0x7F),
                SpliceTime::At(pts) => write_time(writer, pts.0.rem_euclid(1 << 33) as u64, true),
            },
        }
    }
}

impl SpliceInsert {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.put_u32(self.event_id);
        writer.put_u8(u8::from(self.cancel) << 7 | 0x7F);
        if self.cancel {
            return;
        }
        let immediate = self.at == SpliceTime::Immediate;
        // program_splice_flag 1; event_id_compliance and reserved ones.
        writer.put_u8(
            u8::from(self.out_of_network) << 7
                | 0x40
                | u8::from(self.break_duration.is_some()) << 5
                | u8::from(immediate) << 4
                | 0x0F,
        );
        if let SpliceTime::At(pts) = self.at {
            write_time(writer, pts.0.rem_euclid(1 << 33) as u64, true);
        }
        if let Some(duration) = self.break_duration {
            write_time(writer, duration.ticks, duration.auto_return);
        }
        writer.put_u16(self.unique_program_id);
        writer.put(&[self.avail, self.avails_expected]);
    }
}

impl SpliceTime {
    fn pts(self) -> Option<Ticks90k> {
        match self {
            SpliceTime::Immediate => None,
            SpliceTime::At(pts) => Some(pts),
        }
    }
}

/// A flag, six reserved ones and 33 bits.
fn write_time(writer: &mut Writer<'_>, ticks: u64, flag: bool) {
    let [.., a, b, c, d, e] = ticks.to_be_bytes();
    writer.put(&[u8::from(flag) << 7 | 0x7E | a & 1, b, c, d, e]);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::splice_descriptor::{
        DeliveryRestrictions, Segmentation, SegmentationDescriptor, SpliceDescriptor, SubSegments,
    };
    use super::*;
    use proptest::prelude::*;

    /// Base64 of RFC 4648.
    fn base64(text: &str) -> Vec<u8> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |c: u8| ALPHABET.iter().position(|&letter| letter == c).expect("a digit") as u32;
        let mut bytes = Vec::new();
        for group in text.trim_end_matches('=').as_bytes().chunks(4) {
            let value = group.iter().fold(0, |value, &c| value << 6 | digit(c)) << (6 * (4 - group.len()));
            bytes.extend_from_slice(&value.to_be_bytes()[1..group.len()]);
        }
        bytes
    }

    fn written(info: &SpliceInfo) -> Vec<u8> {
        let mut out = [0xAA; 1024];
        let size = info.write(&mut out).expect("room");
        out[..size].to_vec()
    }

    fn placement_start() -> SegmentationDescriptor {
        SegmentationDescriptor {
            event_id: 0x4800_008E,
            segmentation: Some(Segmentation {
                restrictions: Some(DeliveryRestrictions {
                    web_delivery_allowed: false,
                    no_regional_blackout: true,
                    archive_allowed: true,
                    device_restrictions: 3,
                }),
                duration: Some(0x01A5_99B0),
                upid_type: 8,
                upid: vec![0, 0, 0, 0, 0x2C, 0xA0, 0xA1, 0x8A],
                type_id: 0x34,
                segment: 2,
                segments_expected: 0,
                sub_segments: None,
            }),
        }
    }

    /// The examples of SCTE 35 §14 (time_signal of a placement opportunity, splice_insert), and splice_null by hand.
    #[test]
    fn sections_are_those_of_the_standards_examples() {
        let time_signal = SpliceInfo {
            command: SpliceCommand::TimeSignal(SpliceTime::At(Ticks90k(0x72BD_0050))),
            descriptors: vec![SpliceDescriptor::Segmentation(placement_start())],
        };
        assert_eq!(
            written(&time_signal),
            base64("/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==")
        );
        let insert = SpliceInfo {
            command: SpliceCommand::Insert(SpliceInsert {
                event_id: 0x4800_008F,
                cancel: false,
                out_of_network: true,
                at: SpliceTime::At(Ticks90k(0x7369_C02E)),
                break_duration: Some(BreakDuration { auto_return: true, ticks: 0x0052_CCF5 }),
                unique_program_id: 0,
                avail: 0,
                avails_expected: 0,
            }),
            descriptors: vec![SpliceDescriptor::Avail { provider_avail_id: 0x0000_0135 }],
        };
        assert_eq!(
            written(&insert),
            base64("/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=")
        );
        let null = written(&SpliceInfo::new(SpliceCommand::Null));
        let by_hand = [0xFC, 0x30, 17, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xF0, 0, 0, 0, 0];
        assert_eq!(null, [&by_hand[..], &0x761D_D3B6_u32.to_be_bytes()].concat());
    }

    #[test]
    fn an_immediate_return_a_cancel_and_sub_segments_by_hand() {
        let insert = SpliceInsert {
            event_id: 7,
            cancel: false,
            out_of_network: false,
            at: SpliceTime::Immediate,
            break_duration: None,
            unique_program_id: 0x0102,
            avail: 1,
            avails_expected: 2,
        };
        let body = |info: &SpliceInfo| written(info)[11..].to_vec();
        let info = SpliceInfo::new(SpliceCommand::Insert(insert));
        let bytes = body(&info);
        assert_eq!(bytes[..bytes.len() - 4], [0xF0, 10, 5, 0, 0, 0, 7, 0x7F, 0x5F, 1, 2, 1, 2, 0, 0]);
        let info = SpliceInfo::new(SpliceCommand::Insert(SpliceInsert { cancel: true, ..insert }));
        let bytes = body(&info);
        assert_eq!(bytes[..bytes.len() - 4], [0xF0, 5, 5, 0, 0, 0, 7, 0xFF, 0, 0]);
        let segmentation = Segmentation {
            restrictions: None,
            duration: None,
            upid_type: 0,
            upid: vec![],
            type_id: 0x34,
            segment: 1,
            segments_expected: 1,
            sub_segments: Some(SubSegments { segment: 2, expected: 3 }),
        };
        let info = SpliceInfo {
            command: SpliceCommand::TimeSignal(SpliceTime::Immediate),
            descriptors: vec![
                SpliceDescriptor::Segmentation(SegmentationDescriptor {
                    event_id: 9,
                    segmentation: Some(segmentation),
                }),
                SpliceDescriptor::Segmentation(SegmentationDescriptor { event_id: 9, segmentation: None }),
                SpliceDescriptor::Other { tag: 1, identifier: *b"CUEI", payload: vec![0xF5] },
            ],
        };
        let bytes = body(&info);
        let mut expected = vec![0xF0, 1, 6, 0x7F, 0, 37, 2, 17];
        expected.extend(b"CUEI\x00\x00\x00\x09\x7F\xBF\x00\x00\x34\x01\x01\x02\x03");
        expected.extend(b"\x02\x09CUEI\x00\x00\x00\x09\xFF");
        expected.extend(b"\x01\x05CUEI\xF5");
        assert_eq!(bytes[..bytes.len() - 4], expected);
    }

    #[test]
    fn instants_wrap_where_they_are_written() {
        for (pts, bytes) in [
            ((1 << 33) - 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (1 << 33, [0xFE, 0, 0, 0, 0]),
            (-1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        ] {
            let info = SpliceInfo::new(SpliceCommand::TimeSignal(SpliceTime::At(Ticks90k(pts))));
            assert_eq!(written(&info)[14..19], bytes);
        }
    }

    proptest! {
        /// A section has its length and CRC, or does not fit.
        #[test]
        fn a_section_fits_or_is_refused(size in 0usize..400, count in 0usize..8) {
            let other = SpliceDescriptor::Other { tag: 0xF0, identifier: *b"TEST", payload: vec![5; size] };
            let info = SpliceInfo { command: SpliceCommand::Null, descriptors: vec![other; count] };
            let mut out = [0; 1024];
            let expected = 20 + count * (size + 6);
            let fits = expected <= 1024 && (size + 4 <= 255 || count == 0);
            let size = info.write(&mut out);
            prop_assert_eq!(size, fits.then_some(expected));
            if let Some(size) = size {
                prop_assert_eq!(usize::from(out[1] & 15) << 8 | usize::from(out[2]), size - 3);
                prop_assert_eq!(crate::si::crc::crc32_mpeg2(&out[..size]), 0);
            }
        }
    }
}
