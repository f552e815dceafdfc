//! The sections that repeat, and when each is due.

use crate::config::{MuxConfig, Resume};
use crate::pacing;
use crate::packet::{self, Adaptation, BODY_SIZE, Counter, PACKET_SIZE};
use crate::pid::Pid;
use crate::section::{self, Section};

pub(crate) struct Tables {
    pat: Table,
    pmt: Table,
    sdt: Table,
    /// A PAT went out and its PMT must follow.
    pmt_due: bool,
    /// The last PAT that was sent for a random access point.
    announced: i64,
}

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableId {
    Pat,
    Pmt,
    Sdt,
}

/// The table that leaves next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) table: TableId,
    pub(crate) from: i64,
    pub(crate) deadline: i64,
}

struct Table {
    pid: Pid,
    section: Section,
    counter: Counter,
    last: Option<i64>,
}

impl Tables {
    pub(crate) fn new(config: &MuxConfig, pcr_pid: Pid) -> Tables {
        let table = |pid, section| {
            let counter = Resume::counter(config.resume.as_ref(), pid);
            Table { pid, section, counter, last: None }
        };
        Tables {
            pat: table(Pid::PAT, section::pat(config)),
            pmt: table(config.pmt_pid, section::pmt(config, pcr_pid)),
            sdt: table(Pid::SDT, section::sdt(config)),
            pmt_due: false,
            announced: i64::MIN / 2,
        }
    }

    /// What leaves next. The first PAT and SDT are due at `start`.
    #[inline]
    pub(crate) fn next(&self, start: i64) -> Due {
        if self.pmt_due {
            return Due { table: TableId::Pmt, from: i64::MIN, deadline: i64::MIN };
        }
        let pat = self.pat.last.map_or(start, |last| last + pacing::PSI_INTERVAL);
        // The SDT keeps a distance from PAT and PMT as if it shared their buffer.
        let after_psi = self.pmt.last.map_or(i64::MAX, |last| last + pacing::system_spacing());
        let sdt = self.sdt.last.map_or(start, |last| last + pacing::SDT_INTERVAL).max(after_psi);
        let (table, from) = if sdt < pat { (TableId::Sdt, sdt) } else { (TableId::Pat, pat) };
        Due { table, from, deadline: from + pacing::SECTION_GRACE }
    }

    /// Whether each has been sent.
    pub(crate) fn are_out(&self) -> bool {
        self.sdt.last.is_some() && !self.pmt_due
    }

    /// Whether PAT and PMT must come before a random access point that would leave at `at`: they do
    /// unless they have just been, or points are so dense that the tables would take the pictures' rate.
    #[inline]
    pub(crate) fn announce(&self, at: i64) -> bool {
        self.pat.last.is_none_or(|last| last + pacing::SECTION_DISTANCE <= at)
            && self.announced + pacing::ANNOUNCE_DISTANCE <= at
    }

    /// The PAT about to be sent is for a random access point.
    pub(crate) fn note_announced(&mut self, at: i64) {
        self.announced = at;
    }

    pub(crate) fn write(&mut self, table: TableId, packet: &mut [u8; PACKET_SIZE], at: i64) {
        self.pmt_due = table == TableId::Pat;
        match table {
            TableId::Pat => self.pat.write(packet, at),
            TableId::Pmt => self.pmt.write(packet, at),
            TableId::Sdt => self.sdt.write(packet, at),
        }
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = (Pid, Counter)> {
        [&self.pat, &self.pmt, &self.sdt].map(|table| (table.pid, table.counter)).into_iter()
    }
}

impl Table {
    fn write(&mut self, packet: &mut [u8; PACKET_SIZE], at: i64) {
        let adaptation =
            Adaptation { discontinuity: self.counter.take_discontinuity(), ..Adaptation::default() };
        // A section is followed by stuffing bytes behind it, not by an adaptation field in front (§2.4.4).
        let payload = BODY_SIZE - adaptation.size();
        let counter = self.counter.advance();
        let body = packet::write_with_payload(packet, self.pid, true, counter, adaptation, payload);
        let (section, stuffing) = body.split_at_mut(self.section.payload().len());
        section.copy_from_slice(self.section.payload());
        stuffing.fill(0xFF);
        self.last = Some(at);
    }
}
