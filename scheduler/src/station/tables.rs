//! The tables a new viewer needs before the first picture: PAT, PMT and SDT, as the packets they came in.
//!
//! Reads just enough of a section to know when it is whole and which PID carries the video
//! (ISO/IEC 13818-1 §2.4.4). Judges no CRC and no content: that is a checker's work.

use super::ring::PACKET_BYTES;
use retrovue_mux::ts::Packet;

/// PID of the program association table (ISO/IEC 13818-1 table 2-3).
const PAT_PID: u16 = 0x0000;
/// PID of the service description table (ETSI EN 300 468 table 1).
const SDT_PID: u16 = 0x0011;
/// Largest section of these tables, header included (ISO/IEC 13818-1 §2.4.4.4).
const MAX_SECTION: usize = 1024;
/// Packets a section of that size needs at most: a pointer field and 184-byte payloads.
const MAX_PACKETS: usize = (1 + MAX_SECTION).div_ceil(184) + 1;
/// Stream types of video elementary streams (ISO/IEC 13818-1 table 2-34): MPEG-1, MPEG-2, MPEG-4, AVC, HEVC.
const VIDEO_TYPES: [u8; 5] = [0x01, 0x02, 0x10, 0x1B, 0x24];

/// The newest whole tables of one transport stream, and what they say.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pat: Table,
    pmt: Table,
    sdt: Table,
    pmt_pid: Option<u16>,
    video_pid: Option<u16>,
}

impl Tables {
    /// Takes in a packet of the stream, in order; those of other PIDs are passed over.
    pub(crate) fn take(&mut self, packet: &Packet<'_>, bytes: &[u8; PACKET_BYTES]) {
        let pid = packet.pid().value();
        if pid == PAT_PID {
            if let Some(section) = self.pat.push(packet, bytes) {
                let found = first_program_map(section);
                if found != self.pmt_pid {
                    self.pmt = Table::default();
                    self.video_pid = None;
                    self.pmt_pid = found;
                }
            }
        } else if Some(pid) == self.pmt_pid {
            if let Some(section) = self.pmt.push(packet, bytes) {
                self.video_pid = first_video_stream(section);
            }
        } else if pid == SDT_PID {
            self.sdt.push(packet, bytes);
        }
    }

    /// True when `packet` begins a picture that decoding can start at, by its random_access_indicator
    /// on the video PID (ISO/IEC 13818-1 §2.4.3.5).
    pub(crate) fn starts_picture(&self, packet: &Packet<'_>) -> bool {
        packet.random_access_indicator() && Some(packet.pid().value()) == self.video_pid
    }

    /// Packets of PAT, PMT and, when there is one, SDT; `None` until the first two are whole.
    pub(crate) fn preface(&self) -> Option<Vec<u8>> {
        let (pat, pmt) = (self.pat.whole()?, self.pmt.whole()?);
        Some([pat, pmt, self.sdt.whole().unwrap_or(&[])].concat())
    }
}

/// One table's newest whole section in its packets, and the one being gathered.
#[derive(Debug, Default)]
struct Table {
    whole: Vec<u8>,
    gathering: Vec<u8>,
    section: Vec<u8>,
}

impl Table {
    /// The section, when `packet` completes it.
    fn push(&mut self, packet: &Packet<'_>, bytes: &[u8; PACKET_BYTES]) -> Option<&[u8]> {
        let mut payload = packet.payload();
        if packet.payload_unit_start_indicator() {
            self.gathering.clear();
            self.section.clear();
            let (pointer, rest) = payload.split_first()?;
            payload = rest.get(usize::from(*pointer)..)?;
        } else if self.gathering.is_empty() || self.gathering.len() >= MAX_PACKETS * PACKET_BYTES {
            self.gathering.clear();
            return None;
        }
        self.gathering.extend_from_slice(bytes);
        self.section.extend_from_slice(payload);
        let header = self.section.get(..3)?;
        let length = 3 + (usize::from(header[1] & 0x0F) << 8 | usize::from(header[2]));
        if length > MAX_SECTION {
            self.gathering.clear();
            return None;
        }
        if self.section.len() < length {
            return None;
        }
        std::mem::swap(&mut self.whole, &mut self.gathering);
        self.gathering.clear();
        self.section.get(..length)
    }

    fn whole(&self) -> Option<&[u8]> {
        (!self.whole.is_empty()).then_some(&self.whole)
    }
}

fn pid_of(bytes: &[u8]) -> u16 {
    u16::from(bytes[0] & 0x1F) << 8 | u16::from(bytes[1])
}

/// The program_map_PID of the first program in a PAT section (ISO/IEC 13818-1 §2.4.4.3).
fn first_program_map(section: &[u8]) -> Option<u16> {
    let entries = section.get(8..section.len().checked_sub(4)?)?;
    entries.chunks_exact(4).find(|entry| entry[..2] != [0, 0]).map(|entry| pid_of(&entry[2..]))
}

/// The PID of the first video stream in a PMT section (ISO/IEC 13818-1 §2.4.4.8).
fn first_video_stream(section: &[u8]) -> Option<u16> {
    let end = section.len().checked_sub(4)?;
    let info = section.get(10..12)?;
    let mut at = 12 + (usize::from(info[0] & 0x0F) << 8 | usize::from(info[1]));
    while let Some(entry) = section.get(at..at + 5).filter(|_| at + 5 <= end) {
        if VIDEO_TYPES.contains(&entry[0]) {
            return Some(pid_of(&entry[1..]));
        }
        at += 5 + (usize::from(entry[3] & 0x0F) << 8 | usize::from(entry[4]));
    }
    None
}
