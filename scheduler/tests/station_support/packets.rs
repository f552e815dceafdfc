//! A viewer: reads the response head, then whole packets, and keeps count of their counters.

use retrovue_mux::ts::Packet;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;

pub const PAT: u16 = 0;
pub const SDT: u16 = 0x11;
pub const PMT: u16 = 0x1000;
pub const VIDEO: u16 = 0x100;

/// One packet as received.
pub struct Received {
    pub bytes: [u8; 188],
    /// The counter does not follow from the last of its PID.
    pub counter_leaps: bool,
}

impl Received {
    pub fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).unwrap()
    }
    pub fn pid(&self) -> u16 {
        self.packet().pid().value()
    }
    /// `pid=N asset=URI` of the stand-in, when a picture begins here.
    pub fn mark(&self) -> Option<(u32, String)> {
        let text = String::from_utf8_lossy(self.packet().payload()).into_owned();
        let mark = &text[text.find("pid=")?..];
        let mut parts = mark.trim_end_matches('\0').split(['=', ' ', ';']);
        let pid = parts.nth(1)?.parse().ok()?;
        Some((pid, parts.nth(1)?.to_owned()))
    }
}

pub struct Stream {
    pub socket: TcpStream,
    pub head: String,
    counters: BTreeMap<u16, u8>,
}

impl Stream {
    pub fn new(mut socket: TcpStream) -> Stream {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        Stream { socket, head: String::from_utf8(head).unwrap(), counters: BTreeMap::new() }
    }

    /// The next packet; panics when it does not start with a sync byte or none comes in time.
    pub fn next(&mut self) -> Received {
        let mut bytes = [0; 188];
        self.socket.read_exact(&mut bytes).unwrap();
        let packet = Packet::parse(&bytes).unwrap();
        let (pid, counter) = (packet.pid().value(), packet.continuity_counter());
        let mut counter_leaps = false;
        if packet.has_payload() {
            let last = self.counters.insert(pid, counter);
            counter_leaps = last.is_some_and(|last| (last + 1) & 0x0F != counter);
        }
        Received { bytes, counter_leaps }
    }

    /// Packets until one pleases; panics after far too many.
    pub fn until(&mut self, mut pleases: impl FnMut(&Received) -> bool) -> Received {
        for _ in 0..2_000_000 {
            let received = self.next();
            if pleases(&received) {
                return received;
            }
        }
        panic!("no such packet");
    }

    /// The next packet that begins a marked picture.
    pub fn picture(&mut self) -> (u32, String) {
        self.until(|received| received.mark().is_some()).mark().unwrap()
    }

    /// Checks that the stream begins as a viewer needs it: PAT, PMT, SDT, then an IDR.
    pub fn begins_well(&mut self) {
        let first: Vec<Received> = (0..4).map(|_| self.next()).collect();
        let pids: Vec<u16> = first.iter().map(Received::pid).collect();
        assert_eq!(pids, [PAT, PMT, SDT, VIDEO]);
        assert!(first[3].packet().random_access_indicator(), "the first picture is no IDR");
        assert!(first[3].packet().payload_unit_start_indicator());
    }
}
