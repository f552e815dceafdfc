//! Reads departed packets back, and judges their repetition, their spacing and the buffer they fill.
//! Shares no code with the carousel: figures are written here anew, from the standards.

use std::collections::HashMap;

pub(crate) const MS: i64 = 27_000;

#[derive(Clone)]
pub(crate) struct Departed {
    pub(crate) at: i64,
    pub(crate) packet: [u8; 188],
}

/// A section and when its first and last packet departed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) pid: u16,
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Section {
    pub(crate) fn table_id(&self) -> u8 {
        self.bytes[0]
    }

    fn is_long(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    pub(crate) fn number(&self) -> u8 {
        if self.is_long() { self.bytes[6] } else { 0 }
    }

    pub(crate) fn version(&self) -> u8 {
        self.bytes[5] >> 1 & 31
    }
}

/// What is wrong with a stream of packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Continuity { pid: u16 },
    Torn { pid: u16 },
    Crc { pid: u16, table_id: u8 },
    TooClose { pid: u16, ticks: i64 },
    TooRare { table_id: u8, number: u8, ticks: i64 },
    BufferOver { at: i64 },
}

/// Reads packet by packet; nothing is kept of what is read.
#[derive(Default)]
pub(crate) struct Reader {
    counters: HashMap<u16, u8>,
    open: HashMap<u16, Section>,
    ends: HashMap<u16, i64>,
    seen: HashMap<(u8, u8), i64>,
    /// 27ths of bits in TBsys, and when.
    fill: (i64, i64),
    pub(crate) faults: Vec<Fault>,
}

impl Reader {
    pub(crate) fn read(&mut self, departed: &Departed) -> Option<Section> {
        let (packet, at) = (&departed.packet, departed.at);
        assert_eq!(packet[0], 0x47);
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        let drained = (self.fill.0 - (at - self.fill.1)).max(0);
        self.fill = (drained + 188 * 8 * 27, at);
        if self.fill.0 > 512 * 8 * 27 {
            self.faults.push(Fault::BufferOver { at });
        }
        let counter = packet[3] & 15;
        if self.counters.insert(pid, counter).is_some_and(|last| (last + 1) & 15 != counter) {
            self.faults.push(Fault::Continuity { pid });
        }
        let skipped = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
        let mut payload = &packet[4 + skipped..];
        if packet[1] & 0x40 != 0 {
            assert_eq!(payload[0], 0, "sections begin behind their pointer field");
            payload = &payload[1..];
            let section = Section { pid, begin: at, end: at, bytes: vec![] };
            if self.open.insert(pid, section).is_some() {
                self.faults.push(Fault::Torn { pid });
            }
            if let Some(end) = self.ends.get(&pid)
                && at - end < 26 * MS
            {
                self.faults.push(Fault::TooClose { pid, ticks: at - end });
            }
        }
        let Some(mut section) = self.open.remove(&pid) else {
            self.faults.push(Fault::Torn { pid });
            return None;
        };
        section.bytes.extend_from_slice(payload);
        let length = 3 + (usize::from(section.bytes[1] & 15) << 8 | usize::from(section.bytes[2]));
        if section.bytes.len() < length {
            self.open.insert(pid, section);
            return None;
        }
        assert!(section.bytes[length..].iter().all(|&byte| byte == 0xFF), "stuffing");
        section.bytes.truncate(length);
        section.end = at;
        self.ends.insert(pid, at);
        let table_id = section.table_id();
        if table_id != 0x70 && mpeg2ts_reader::mpegts_crc::sum32(&section.bytes) != 0 {
            self.faults.push(Fault::Crc { pid, table_id });
        }
        let key = (table_id, section.number());
        if let Some(last) = self.seen.insert(key, section.begin) {
            self.judge(key, section.begin - last);
        }
        Some(section)
    }

    /// At the end, also what did not come again.
    pub(crate) fn finish(&mut self, at: i64) {
        for (key, last) in self.seen.clone() {
            self.judge(key, at - last);
        }
    }

    fn judge(&mut self, (table_id, number): (u8, u8), ticks: i64) {
        let limit = match (table_id, number) {
            (0x00 | 0x02, _) => 100 * MS,
            (0x42 | 0x4E, _) => 2_000 * MS,
            (0x40, _) | (0x50, 0..64) => 10_000 * MS,
            _ => 30_000 * MS,
        };
        if ticks > limit {
            self.faults.push(Fault::TooRare { table_id, number, ticks });
        }
    }

    /// The kinds of tables and sections seen.
    pub(crate) fn kinds(&self) -> usize {
        self.seen.len()
    }
}

/// The sections of packets in which nothing may be wrong.
pub(crate) fn sections(departed: &[Departed]) -> Vec<Section> {
    let mut reader = Reader::default();
    let sections = departed.iter().filter_map(|departed| reader.read(departed)).collect();
    assert_eq!(reader.faults, []);
    sections
}

/// UTC seconds of an instant in MJD and BCD, for the years until 2038.
pub(crate) fn utc(bytes: &[u8]) -> i64 {
    let digits = |byte: u8| i64::from(byte >> 4) * 10 + i64::from(byte & 15);
    let mjd = i64::from(bytes[0]) << 8 | i64::from(bytes[1]);
    (mjd - 40_587) * 86_400 + digits(bytes[2]) * 3600 + digits(bytes[3]) * 60 + digits(bytes[4])
}

/// An event as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadEvent {
    pub(crate) id: u16,
    pub(crate) start: i64,
    pub(crate) descriptors: Vec<(u8, Vec<u8>)>,
}

/// The events of an EIT section.
pub(crate) fn events(section: &Section) -> Vec<ReadEvent> {
    let (mut rest, mut events) = (&section.bytes[14..section.bytes.len() - 4], vec![]);
    while !rest.is_empty() {
        let length = usize::from(rest[10] & 15) << 8 | usize::from(rest[11]);
        let (mut inner, mut descriptors) = (&rest[12..12 + length], vec![]);
        while let [tag, length, behind @ ..] = inner {
            let (body, next) = behind.split_at(usize::from(*length));
            descriptors.push((*tag, body.to_vec()));
            inner = next;
        }
        assert!(inner.is_empty());
        events.push(ReadEvent {
            id: u16::from(rest[0]) << 8 | u16::from(rest[1]),
            start: utc(&rest[2..7]),
            descriptors,
        });
        rest = &rest[12 + length..];
    }
    events
}
