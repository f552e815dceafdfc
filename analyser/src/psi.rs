//! The program association and program map tables (ISO/IEC 13818-1 §2.4.4.3, §2.4.4.8): what they say,
//! not how often they come.

use crate::section::Section;
use crate::stream_type::Coding;

/// A program that the PAT names; number 0 is the network PID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Association {
    pub(crate) program: u16,
    pub(crate) pid: u16,
}

/// The programs of a PAT section.
pub(crate) fn associations(section: Section<'_>) -> impl Iterator<Item = Association> + '_ {
    section
        .body()
        .chunks_exact(4)
        .map(|b| Association { program: u16::from(b[0]) << 8 | u16::from(b[1]), pid: pid(b[2], b[3]) })
}

/// A program map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProgramMap {
    pub(crate) pcr_pid: u16,
    pub(crate) streams: Vec<Mapped>,
    /// PIDs of entitlement messages.
    pub(crate) ca_pids: Vec<u16>,
}

/// An elementary stream of a program map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) pid: u16,
    pub(crate) stream_type: u8,
    pub(crate) coding: Coding,
}

/// Reads a PMT section; None if its lengths do not fit.
pub(crate) fn program_map(section: Section<'_>) -> Option<ProgramMap> {
    let body = section.body();
    let head = body.get(..4)?;
    let mut map = ProgramMap { pcr_pid: pid(head[0], head[1]), streams: Vec::new(), ca_pids: Vec::new() };
    let (info, mut rest) = body[4..].split_at_checked(length(head[2], head[3]))?;
    map.ca_pids.extend(ca_pids(info));
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_checked(5)?;
        let (info, tail) = tail.split_at_checked(length(head[3], head[4]))?;
        map.ca_pids.extend(ca_pids(info));
        map.streams.push(Mapped {
            pid: pid(head[1], head[2]),
            stream_type: head[0],
            coding: Coding::of(head[0], descriptors(info)),
        });
        rest = tail;
    }
    Some(map)
}

/// Tags and contents of descriptors, as far as their lengths fit.
pub(crate) fn descriptors(mut info: &[u8]) -> impl Iterator<Item = (u8, &[u8])> + Clone {
    std::iter::from_fn(move || {
        let (head, rest) = info.split_at_checked(2)?;
        let (content, rest) = rest.split_at_checked(usize::from(head[1]))?;
        info = rest;
        Some((head[0], content))
    })
}

/// The PIDs that CA descriptors name.
pub(crate) fn ca_pids(info: &[u8]) -> impl Iterator<Item = u16> + '_ {
    descriptors(info)
        .filter(|(tag, content)| *tag == 9 && content.len() >= 4)
        .map(|(_, content)| pid(content[2], content[3]))
}

fn pid(high: u8, low: u8) -> u16 {
    u16::from(high & 0x1F) << 8 | u16::from(low)
}

fn length(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}
