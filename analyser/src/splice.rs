//! What a splice_info_section says (SCTE 35 §9.6 to §9.8, §10.3.3), for a line of a dump. PTS have the section's
//! `pts_adjustment` in them. Nothing of it is judged.

use crate::bits::Bits;
use crate::instant::STAMP_MODULUS;
use crate::section::Section;
use std::fmt::Write;

/// `table_id` of a splice_info_section.
pub(crate) const TABLE_ID: u8 = 0xFC;

/// Its command and segmentation descriptors, each word behind a space; as far as it is whole and in the clear.
pub(crate) fn text(section: Section<'_>) -> String {
    let mut text = String::new();
    let body = section.0.get(3..section.0.len().saturating_sub(4)).unwrap_or(&[]);
    let _ = read(body, &mut text);
    text
}

fn read(body: &[u8], text: &mut String) -> Option<()> {
    let mut bits = Bits::new(body);
    bits.skip(8)?;
    if bits.bit()? {
        text.push_str(" encrypted");
        return None;
    }
    bits.skip(6)?;
    let adjustment = ticks(&mut bits)?;
    bits.skip(8 + 12)?;
    let length = bits.u(12)? as usize;
    let kind = bits.u(8)?;
    match kind {
        0x00 => text.push_str(" splice_null"),
        0x05 => insert(&mut bits, adjustment, text)?,
        0x06 => {
            text.push_str(" time_signal");
            splice_time(&mut bits, adjustment, text)?;
        }
        _ => {
            let _ = write!(text, " splice_command={kind:02x}");
        }
    }
    // A length of ones is not told, and then it takes a reader that knows the command.
    if length != 0xFFF {
        descriptors(body.get(11 + length..)?, text)?;
    }
    Some(())
}

fn insert(bits: &mut Bits<'_>, adjustment: u64, text: &mut String) -> Option<()> {
    let _ = write!(text, " splice_insert event={}", bits.u(32)?);
    let cancel = bits.bit()?;
    bits.skip(7)?;
    if cancel {
        text.push_str(" cancel");
        return Some(());
    }
    let (out, program, has_duration, immediate) = (bits.bit()?, bits.bit()?, bits.bit()?, bits.bit()?);
    bits.skip(4)?;
    text.push_str(if out { " out" } else { " in" });
    if program && !immediate {
        splice_time(bits, adjustment, text)?;
    }
    if immediate {
        text.push_str(" immediate");
    }
    if !program {
        for _ in 0..bits.u(8)? {
            let _ = write!(text, " component={:02x}", bits.u(8)?);
            if !immediate {
                splice_time(bits, adjustment, text)?;
            }
        }
    }
    if has_duration {
        let auto_return = bits.bit()?;
        bits.skip(6)?;
        let _ = write!(text, " duration={}{}", ticks(bits)?, if auto_return { " auto_return" } else { "" });
    }
    let _ = write!(text, " program={} avail={}/{}", bits.u(16)?, bits.u(8)?, bits.u(8)?);
    Some(())
}

fn splice_time(bits: &mut Bits<'_>, adjustment: u64, text: &mut String) -> Option<()> {
    if !bits.bit()? {
        bits.skip(7)?;
        text.push_str(" immediate");
        return Some(());
    }
    bits.skip(6)?;
    let _ = write!(text, " pts={}", (ticks(bits)? + adjustment) % STAMP_MODULUS as u64);
    Some(())
}

/// 33 bits.
fn ticks(bits: &mut Bits<'_>) -> Option<u64> {
    Some(u64::from(bits.bit()?) << 32 | u64::from(bits.u(32)?))
}

fn descriptors(rest: &[u8], text: &mut String) -> Option<()> {
    let (length, rest) = rest.split_first_chunk()?;
    let mut rest = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    while let [tag, length, tail @ ..] = rest {
        let (payload, behind) = tail.split_at_checked(usize::from(*length))?;
        if let (0x02, Some(told)) = (*tag, payload.strip_prefix(b"CUEI")) {
            segmentation(told, text)?;
        } else {
            let _ = write!(text, " descriptor={tag:02x}");
        }
        rest = behind;
    }
    Some(())
}

fn segmentation(told: &[u8], text: &mut String) -> Option<()> {
    let mut bits = Bits::new(told);
    let _ = write!(text, " segmentation event={}", bits.u(32)?);
    let cancel = bits.bit()?;
    bits.skip(7)?;
    if cancel {
        text.push_str(" cancel");
        return Some(());
    }
    let (program, has_duration) = (bits.bit()?, bits.bit()?);
    bits.skip(6)?;
    if !program {
        let components = bits.u(8)?;
        bits.skip(components as usize * 48)?;
    }
    let duration =
        if has_duration { Some(u64::from(bits.u(8)?) << 32 | u64::from(bits.u(32)?)) } else { None };
    let (upid_type, upid_length) = (bits.u(8)?, bits.u(8)?);
    let upid: String =
        (0..upid_length).map(|_| Some(format!("{:02x}", bits.u(8)?))).collect::<Option<_>>()?;
    let _ = write!(text, " type={:02x}", bits.u(8)?);
    if let Some(duration) = duration {
        let _ = write!(text, " duration={duration}");
    }
    if upid_length > 0 {
        let _ = write!(text, " upid={upid_type:02x}:{upid}");
    }
    let _ = write!(text, " segment={}/{}", bits.u(8)?, bits.u(8)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or_default();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    /// SCTE 35 2019 §14.1 and §14.2: the samples of the standard.
    #[test]
    fn samples_of_the_standard() {
        let time_signal = "fc3034000000000000fffff00506fe72bd0050001e021c435545494800008e7fcf0001a599b00808\
                           000000002ca0a18a3402009ac9d17e";
        assert_eq!(
            text(Section(&section(time_signal))),
            " time_signal pts=1924989008 segmentation event=1207959694 type=34 duration=27630000 \
             upid=08:000000002ca0a18a segment=2/0"
        );
        let insert = "fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a000843554549\
                      0000013562dba30a";
        assert_eq!(
            text(Section(&section(insert))),
            " splice_insert event=1207959695 out pts=1936310318 duration=5426421 auto_return program=0 \
             avail=0/0 descriptor=00"
        );
    }

    #[test]
    fn what_is_cut_short_is_told_as_far_as_it_is_whole() {
        let whole = section(
            "fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a0008435545490000013562dba30a",
        );
        for len in 3..whole.len() {
            let told = text(Section(&whole[..len]));
            assert!(text(Section(&whole)).starts_with(&told), "{told}");
        }
    }
}
