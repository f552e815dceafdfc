//! The last seconds of a channel's transport stream, in whole packets, for all its viewers at once.
//!
//! Bytes are read from AIR's socket straight into the ring and written to viewers' sockets straight out
//! of it. The ring knows where decoding can start (the newest IDR and the tables before it) and the last
//! continuity counter of every PID. It knows no viewer, waits for nobody and overwrites its oldest bytes:
//! whoever is slower than that has to jump. Owned by the front's thread alone.

use super::tables::Tables;
use crate::air::channel::PidCounter;
use retrovue_mux::ts::{Packet, PacketError};
use std::io::{self, Read};
use std::sync::Arc;

/// Size of a transport packet (ISO/IEC 13818-1 §2.4.3.2).
pub(crate) const PACKET_BYTES: usize = 188;

/// Size of a channel's ring: 8 MiB in whole packets, which is 8 s of an 8 Mb/s channel and longer than any
/// GOP with the time a viewer on a poor line needs to catch up; pages never written cost no memory.
pub(crate) const RING_BYTES: usize = 44_620 * PACKET_BYTES;

/// Most bytes of one read, so that channels take turns.
const READ_BYTES: usize = 64 * 1024;

/// Where a new viewer starts.
#[derive(Debug, Clone)]
pub(crate) struct JoinPoint {
    /// Position of the packet that begins an IDR picture.
    pub(crate) position: u64,
    /// PAT, PMT and SDT as they stood just before it, so that their counters go on in the stream.
    pub(crate) preface: Arc<[u8]>,
}

/// The stream is not made of packets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("no transport packet at byte {position} of the output: {fault}")]
    NoPacket { position: u64, fault: PacketError },
    #[error("cannot read the output: {0}")]
    Read(#[source] io::Error),
}

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intake {
    Bytes(usize),
    Nothing,
    Closed,
}

/// A ring of whole packets. Positions count bytes since the channel was made and never wrap.
pub(crate) struct Ring {
    bytes: Vec<u8>,
    capacity: usize,
    /// Oldest byte held; a multiple of the packet size.
    tail: u64,
    /// End of the last whole packet; a multiple of the packet size.
    end: u64,
    /// Bytes of an unfinished packet after `end`.
    partial: usize,
    tables: Tables,
    join: Option<JoinPoint>,
    /// Last continuity counter by PID; `NO_COUNTER` where none was seen.
    counters: Box<[u8; 0x2000]>,
}

const NO_COUNTER: u8 = 0xFF;
/// PID of null packets, whose counters mean nothing (ISO/IEC 13818-1 §2.4.3.3).
const NULL_PID: u16 = 0x1FFF;

impl Ring {
    /// An empty ring of `capacity` bytes, rounded down to whole packets; takes memory when first filled.
    pub(crate) fn new(capacity: usize) -> Ring {
        Ring {
            bytes: Vec::new(),
            capacity: (capacity / PACKET_BYTES).max(1) * PACKET_BYTES,
            tail: 0,
            end: 0,
            partial: 0,
            tables: Tables::default(),
            join: None,
            counters: Box::new([NO_COUNTER; 0x2000]),
        }
    }

    /// Oldest position that can still be read.
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// Position after the newest whole packet.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Where a viewer can start now, if anywhere.
    pub(crate) fn join_point(&self) -> Option<&JoinPoint> {
        self.join.as_ref().filter(|join| join.position >= self.tail)
    }

    /// Everything from `position` to the end, in at most two pieces; empty outside `tail..=end`.
    pub(crate) fn since(&self, position: u64) -> (&[u8], &[u8]) {
        if position < self.tail || position >= self.end {
            return (&[], &[]);
        }
        let length = (self.end - position) as usize;
        let start = (position % self.capacity as u64) as usize;
        let first = length.min(self.capacity - start);
        (&self.bytes[start..start + first], &self.bytes[..length - first])
    }

    /// Reads once from `source` and publishes the packets that are whole.
    ///
    /// # Errors
    /// The read failed, or the stream lost its sync bytes; the session must be given up.
    pub(crate) fn fill_from(&mut self, source: &mut impl Read) -> Result<Intake, StreamError> {
        if self.bytes.is_empty() {
            self.bytes = vec![0; self.capacity];
        }
        let write = self.end + self.partial as u64;
        let start = (write % self.capacity as u64) as usize;
        let room = READ_BYTES.min(self.capacity - start);
        let count = loop {
            match source.read(&mut self.bytes[start..start + room]) {
                Ok(0) => return Ok(Intake::Closed),
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Intake::Nothing),
                Err(error) => return Err(StreamError::Read(error)),
            }
        };
        self.partial += count;
        let packet = PACKET_BYTES as u64;
        let oldest = (write + count as u64).saturating_sub(self.capacity as u64);
        self.tail = self.tail.max(oldest.div_ceil(packet) * packet);
        while self.partial >= PACKET_BYTES {
            self.publish()?;
        }
        Ok(Intake::Bytes(count))
    }

    fn publish(&mut self) -> Result<(), StreamError> {
        let start = (self.end % self.capacity as u64) as usize;
        let Some(bytes) = self.bytes[start..].first_chunk::<PACKET_BYTES>() else {
            return Ok(()); // Cannot be: the capacity is whole packets and `end` lies on one.
        };
        let packet =
            Packet::parse(bytes).map_err(|fault| StreamError::NoPacket { position: self.end, fault })?;
        let pid = packet.pid().value();
        if packet.has_payload() && pid != NULL_PID {
            self.counters[usize::from(pid)] = packet.continuity_counter();
        }
        self.tables.take(&packet, bytes);
        if self.tables.starts_picture(&packet)
            && let Some(preface) = self.tables.preface()
        {
            self.join = Some(JoinPoint { position: self.end, preface: preface.into() });
        }
        self.end += PACKET_BYTES as u64;
        self.partial -= PACKET_BYTES;
        Ok(())
    }

    /// A session's output is over: its unfinished packet goes, and nobody joins in what it left.
    pub(crate) fn end_of_session(&mut self) {
        self.partial = 0;
        self.join = None;
        self.tables = Tables::default();
    }

    /// Last continuity counters, by rising PID.
    pub(crate) fn counters(&self) -> Vec<PidCounter> {
        (0u16..)
            .zip(self.counters.iter())
            .filter(|(_, last)| **last != NO_COUNTER)
            .map(|(pid, last)| PidCounter { pid, last: *last })
            .collect()
    }

    /// Nobody watches and nothing comes: gives the memory back and forgets the stream.
    pub(crate) fn release(&mut self) {
        self.end_of_session();
        self.bytes = Vec::new();
        self.tail = self.end;
        self.counters.fill(NO_COUNTER);
    }
}
