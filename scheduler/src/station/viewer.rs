//! One viewer's place in a channel's ring.
//!
//! A viewer gets the tables, then everything from the newest IDR on. One who is so slow that the ring
//! overtook him is moved forward to the newest IDR, on a packet boundary and with the tables again; one
//! whose socket takes nothing for long is given up. Bytes go from the ring to the socket without a copy;
//! only the rest of a packet that a socket took half of is kept aside. Knows no HTTP and no reactor.

use super::ring::{JoinPoint, PACKET_BYTES, Ring};
use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A socket that takes nothing for so long belongs to a viewer who is gone or paused: longer than any
/// player's rebuffering, and longer than what the ring could still give him.
pub(crate) const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Most bytes of one turn, so that one fast viewer far behind does not keep the others waiting.
const TURN_BYTES: usize = 512 * 1024;

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Everything there is has been taken.
    Drained,
    /// The socket is full; its next writable event goes on.
    Full,
    /// There is more to send and the socket may take it.
    More,
    /// The viewer is gone.
    Gone,
}

/// A viewer of one channel.
#[derive(Debug)]
pub(crate) struct Viewer {
    /// Next byte in the ring, always at the start of a packet; `None` until there is an IDR to start at.
    position: Option<u64>,
    /// Tables to send first, and how much of them is sent.
    preface: Arc<[u8]>,
    preface_sent: usize,
    /// Rest of a packet that the socket took half of.
    rest: [u8; PACKET_BYTES],
    rest_from: usize,
    progress_at: Instant,
    sent: u64,
    jumps: u32,
}

impl Viewer {
    /// A viewer who has seen nothing.
    pub(crate) fn new(now: Instant) -> Viewer {
        Viewer {
            position: None,
            preface: Arc::from([]),
            preface_sent: 0,
            rest: [0; PACKET_BYTES],
            rest_from: PACKET_BYTES,
            progress_at: now,
            sent: 0,
            jumps: 0,
        }
    }

    /// Bytes taken by his socket.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Times he was moved forward.
    pub(crate) fn jumps(&self) -> u32 {
        self.jumps
    }

    /// True when bytes have waited for his socket for longer than [`STALL_LIMIT`].
    pub(crate) fn has_stalled(&self, ring: &Ring, now: Instant) -> bool {
        let waiting = self.rest_from < PACKET_BYTES
            || self.preface_sent < self.preface.len()
            || self.position.is_some_and(|position| position < ring.end());
        waiting && now.saturating_duration_since(self.progress_at) >= STALL_LIMIT
    }

    /// Sends what there is and the socket takes, up to a turn's worth.
    pub(crate) fn turn(&mut self, socket: &mut impl Write, ring: &Ring, now: Instant) -> Turn {
        let mut budget = TURN_BYTES;
        loop {
            self.find_place(ring);
            let (first, second) = match self.position {
                Some(position) => ring.since(position),
                None => (&[][..], &[][..]),
            };
            let (rest, preface) = (&self.rest[self.rest_from..], &self.preface[self.preface_sent..]);
            if rest.is_empty() && preface.is_empty() && first.is_empty() {
                // Nothing waits for this socket: its patience starts anew.
                self.progress_at = now;
                return Turn::Drained;
            }
            if budget == 0 {
                return Turn::More;
            }
            let first = &first[..first.len().min(budget)];
            let second = &second[..second.len().min(budget - first.len())];
            let slices =
                [IoSlice::new(rest), IoSlice::new(preface), IoSlice::new(first), IoSlice::new(second)];
            let taken = match socket.write_vectored(&slices) {
                Ok(0) => return Turn::Gone,
                Ok(taken) => taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Full,
                Err(_) => return Turn::Gone,
            };
            self.progress_at = now;
            self.sent += taken as u64;
            budget = budget.saturating_sub(taken);
            self.advance(taken, ring);
        }
    }

    /// Accounts for `taken` bytes; keeps the rest of a packet that was cut.
    fn advance(&mut self, mut taken: usize, ring: &Ring) {
        let from_rest = taken.min(PACKET_BYTES - self.rest_from);
        self.rest_from += from_rest;
        taken -= from_rest;
        let from_preface = taken.min(self.preface.len() - self.preface_sent);
        self.preface_sent += from_preface;
        taken -= from_preface;
        if let Some(position) = self.position.as_mut().filter(|_| taken > 0) {
            let cut = *position + taken as u64;
            let into = taken % PACKET_BYTES;
            *position = cut;
            if into > 0 {
                let (packet, _) = ring.since(cut - into as u64);
                if let Some(packet) = packet.first_chunk::<PACKET_BYTES>() {
                    self.rest = *packet;
                    self.rest_from = into;
                }
                *position = cut + (PACKET_BYTES - into) as u64;
            }
        }
    }

    /// Puts a viewer without a place, or one the ring has overtaken, at the newest IDR.
    fn find_place(&mut self, ring: &Ring) {
        let overtaken = self.position.is_some_and(|position| position < ring.tail());
        if self.position.is_some() && !overtaken {
            return;
        }
        let Some(JoinPoint { position, preface }) = ring.join_point() else {
            self.position = None;
            return;
        };
        if overtaken {
            self.jumps += 1;
        }
        self.finish_preface_packet();
        self.position = Some(*position);
        self.preface = Arc::clone(preface);
        self.preface_sent = 0;
    }

    /// A table packet that is half sent must be finished before anything else.
    fn finish_preface_packet(&mut self) {
        let into = self.preface_sent % PACKET_BYTES;
        let packet = self.preface.get(self.preface_sent - into..).and_then(|rest| rest.first_chunk());
        if let (Some(packet), true) = (packet, into > 0) {
            self.rest = *packet;
            self.rest_from = into;
        }
    }
}
