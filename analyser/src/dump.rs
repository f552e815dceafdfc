//! A line per packet, or per PES packet and section: a stream made readable for `diff`.
//!
//! Lines hold no index and no time but the stream's own stamps, so that a packet that is added moves no other
//! line's text.

use crate::framing::{Framer, PacketSize, Sink};
use crate::packet::{NULL_PID, PACKET, Packet};
use crate::pes::PesReader;
use crate::psi::{associations, program_map};
use crate::section::{Assembler, Event, Section, crc32};
use crate::splice;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What makes a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Every packet.
    Packets,
    /// Every PES packet, section and PCR.
    Pes,
}

/// Writes a stream down. **Push all its bytes in any pieces, taking lines out as they come, then finish.**
#[derive(Debug)]
pub struct Dump {
    framer: Framer,
    writer: Writer,
}

#[derive(Debug)]
struct Writer {
    lines: Lines,
    out: String,
    pids: BTreeMap<u16, PidState>,
}

#[derive(Debug)]
enum PidState {
    Sections(Assembler),
    Pes(Box<PesState>),
}

#[derive(Debug, Default)]
struct PesState {
    reader: PesReader,
    line: String,
    bytes: usize,
    packets: u64,
    hash: u32,
}

impl Dump {
    /// A dump with nothing in it.
    #[must_use]
    pub fn new(lines: Lines) -> Dump {
        let tables = [0, 1, 0x10, 0x11, 0x12, 0x14];
        let pids = tables.map(|pid| (pid, PidState::Sections(Assembler::default()))).into();
        Dump { framer: Framer::default(), writer: Writer { lines, out: String::new(), pids } }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.framer.push(bytes, &mut self.writer);
    }

    /// Ends the stream.
    pub fn finish(&mut self) {
        let skipped = self.framer.finish(&mut self.writer);
        let pids = std::mem::take(&mut self.writer.pids);
        for (pid, state) in pids {
            if let PidState::Pes(mut state) = state {
                state.end(pid, &mut self.writer.out);
            }
        }
        if skipped > 0 {
            let _ = writeln!(self.writer.out, "skipped {skipped} bytes");
        }
    }

    /// The lines since the last time.
    #[must_use]
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.writer.out)
    }
}

impl PesState {
    /// The PES packet under way is over.
    fn end(&mut self, pid: u16, out: &mut String) {
        if self.packets > 0 {
            let _ = writeln!(
                out,
                "{pid:04x} pes{} packets={} bytes={} hash={:08x}",
                self.line, self.packets, self.bytes, self.hash
            );
        }
        (self.packets, self.bytes, self.hash) = (0, 0, u32::MAX);
        self.line.clear();
    }
}

impl Writer {
    fn line(&mut self, packet: &Packet<'_>) {
        let out = &mut self.out;
        let _ = write!(out, "{:04x} cc={:x}", packet.pid, packet.counter);
        for (set, word) in [
            (packet.error, " error"),
            (packet.scrambled, " scrambled"),
            (packet.malformed, " malformed"),
            (packet.discontinuity, " discontinuity"),
            (packet.random_access, " rai"),
            (packet.start, " start"),
        ] {
            if set {
                out.push_str(word);
            }
        }
        if let Some(pcr) = packet.pcr {
            let _ = write!(out, " pcr={pcr}");
        }
        if packet.payload_at > 4 {
            let _ = write!(out, " adaptation={}", packet.payload_at - 4);
        }
        let payload = packet.payload();
        if packet.start && payload.starts_with(&[0, 0, 1]) {
            self.out.push_str(&stamps(&mut PesReader::default(), payload));
        }
        if packet.pid == NULL_PID {
            self.out.push_str(" null");
        } else {
            let _ = write!(self.out, " payload={} hash={:08x}", payload.len(), crc32(payload));
        }
    }

    fn sections(&mut self, packet: &Packet<'_>) -> Vec<String> {
        let Some(PidState::Sections(assembler)) = self.pids.get_mut(&packet.pid) else { return Vec::new() };
        let (mut lines, mut maps) = (Vec::new(), Vec::new());
        assembler.push(packet.start, packet.payload(), |event| match event {
            Event::Begins => {}
            Event::Malformed => lines.push("section malformed".into()),
            Event::Complete(section) => {
                lines.push(section_line(section));
                match section.table_id() {
                    0 if packet.pid == 0 => {
                        maps.extend(associations(section).filter(|a| a.program != 0).map(|a| (a.pid, false)));
                    }
                    2 => {
                        let map = program_map(section);
                        let streams = map.iter().flat_map(|map| &map.streams);
                        maps.extend(streams.map(|s| (s.pid, !s.coding.is_sections())));
                    }
                    _ => {}
                }
            }
        });
        for (pid, pes) in maps {
            self.pids.entry(pid).or_insert_with(|| {
                if pes { PidState::Pes(Box::default()) } else { PidState::Sections(Assembler::default()) }
            });
        }
        lines
    }

    fn pes(&mut self, packet: &Packet<'_>) {
        let Some(PidState::Pes(state)) = self.pids.get_mut(&packet.pid) else { return };
        if packet.start {
            state.end(packet.pid, &mut self.out);
        }
        let payload = packet.payload();
        let stamps = if packet.start {
            state.reader = PesReader::default();
            stamps(&mut state.reader, payload)
        } else {
            stamps_of(state.reader.push(false, payload).head)
        };
        if packet.start && packet.random_access {
            state.line.push_str(" rai");
        }
        state.line.push_str(&stamps);
        state.packets += 1;
        state.bytes += payload.len();
        // Chained, so that the hash is of the bytes in their order.
        state.hash = state.hash.rotate_left(5) ^ crc32(payload);
    }
}

fn stamps(reader: &mut PesReader, payload: &[u8]) -> String {
    let id = payload.get(3).map_or(String::new(), |id| format!(" id={id:02x}"));
    let length = payload
        .get(4..6)
        .map_or(String::new(), |b| format!(" length={}", usize::from(b[0]) << 8 | usize::from(b[1])));
    id + &length + &stamps_of(reader.push(true, payload).head)
}

fn stamps_of(header: Option<crate::pes::Head>) -> String {
    let mut text = String::new();
    if let Some(header) = header {
        if let Some(pts) = header.pts {
            let _ = write!(text, " pts={pts}");
        }
        if let Some(dts) = header.dts.filter(|dts| Some(*dts) != header.pts) {
            let _ = write!(text, " dts={dts}");
        }
    }
    text
}

fn section_line(section: Section<'_>) -> String {
    let mut text = format!("section table={:02x} bytes={}", section.table_id(), section.0.len());
    if section.is_long() {
        let _ = write!(
            text,
            " extension={} version={} number={} {}",
            section.extension(),
            section.version(),
            section.number(),
            if section.is_current() { "current" } else { "next" }
        );
    }
    if section.table_id() == splice::TABLE_ID {
        text.push_str(&splice::text(section));
    }
    if section.has_crc() && crc32(section.0) != 0 {
        text.push_str(" crc-error");
    }
    let _ = write!(text, " hash={:08x}", crc32(&section.0[..section.0.len().saturating_sub(4)]));
    text
}

impl Sink for Writer {
    fn locked(&mut self, size: PacketSize, offset: u64) {
        let _ = writeln!(self.out, "sync: packets of {} bytes from byte {offset}", size.stride());
    }

    fn packet(&mut self, bytes: &[u8; PACKET], _: u64, sync: bool) {
        let packet = Packet::read(bytes);
        if self.lines == Lines::Packets {
            self.line(&packet);
            if !sync {
                self.out.push_str(" no-sync-byte");
            }
            for section in self.sections(&packet) {
                let _ = write!(self.out, " [{section}]");
            }
            self.out.push('\n');
            return;
        }
        if let Some(pcr) = packet.pcr {
            let flag = if packet.discontinuity { " discontinuity" } else { "" };
            let _ = writeln!(self.out, "{:04x} pcr={pcr}{flag}", packet.pid);
        }
        if !packet.has_payload || packet.scrambled || packet.error {
            return;
        }
        for section in self.sections(&packet) {
            let _ = writeln!(self.out, "{:04x} {section}", packet.pid);
        }
        self.pes(&packet);
    }

    fn lost(&mut self, offset: u64) {
        let _ = writeln!(self.out, "sync lost at byte {offset}");
    }
}
