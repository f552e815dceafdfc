//! One PID of the carousel: the section under way on it, its counter, and when the next may begin.
//!
//! A section is copied when it begins, so that what replaces its table meanwhile does not tear it.

use super::repetition::BETWEEN_SECTIONS;
use super::section::write_packet;
use crate::packet::{Counter, PACKET_SIZE};
use crate::pid::Pid;

/// A PID that carries sections.
#[derive(Debug)]
pub(crate) struct PidLane {
    pub(crate) pid: Pid,
    pub(crate) counter: Counter,
    section: Vec<u8>,
    /// Bytes of the section under way.
    len: usize,
    /// Bytes of it that were sent; as many as `len` when none is under way.
    sent: usize,
    /// Earliest begin of another section.
    free_from: i64,
}

impl PidLane {
    pub(crate) fn new(pid: Pid, counter: Counter, longest_section: usize) -> PidLane {
        PidLane { pid, counter, section: vec![0; longest_section], len: 0, sent: 0, free_from: i64::MIN }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.sent < self.len
    }

    pub(crate) fn free_from(&self) -> i64 {
        self.free_from
    }

    /// Takes the section that `copy` writes, returning its size.
    pub(crate) fn begin(&mut self, copy: impl FnOnce(&mut [u8]) -> usize) {
        self.len = copy(&mut self.section).min(self.section.len());
        self.sent = 0;
    }

    /// Writes the next packet of the section under way.
    pub(crate) fn write(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        self.sent = write_packet(packet, self.pid, &mut self.counter, &self.section[..self.len], self.sent);
        self.free_from = at + BETWEEN_SECTIONS;
    }
}
