//! Sections of one or more tables one behind the other, in memory taken once.

use super::section;
use std::ops::Range;

/// Where sections stand until they are sent or replaced.
#[derive(Debug)]
pub(crate) struct SectionStore {
    bytes: Vec<u8>,
    spans: Vec<Range<usize>>,
}

impl SectionStore {
    /// Room for `bytes` and `sections`.
    pub(crate) fn new(bytes: usize, sections: usize) -> SectionStore {
        SectionStore { bytes: vec![0; bytes], spans: Vec::with_capacity(sections) }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
    }

    /// Bytes that are free.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.used()
    }

    fn used(&self) -> usize {
        self.spans.last().map_or(0, |span| span.end)
    }

    pub(crate) fn section(&self, index: usize) -> &[u8] {
        self.spans.get(index).map_or(&[], |span| &self.bytes[span.clone()])
    }

    pub(crate) fn section_mut(&mut self, index: usize) -> &mut [u8] {
        self.spans.get(index).map_or(&mut [], |span| &mut self.bytes[span.clone()])
    }

    /// Appends the section that `write` puts into at most `longest` bytes; false when it did not fit.
    pub(crate) fn push(&mut self, longest: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let (begin, room) = (self.used(), self.room().min(longest));
        if self.spans.len() == self.spans.capacity() {
            return false;
        }
        let Some(size) = write(&mut self.bytes[begin..begin + room]) else { return false };
        self.spans.push(begin..begin + size);
        true
    }

    /// Takes the last section away.
    pub(crate) fn pop(&mut self) {
        self.spans.pop();
    }

    /// `version_number` of the first section of `table_id`.
    pub(crate) fn version(&self, table_id: u8) -> Option<u8> {
        let index = self.sections_of(table_id).start;
        (index < self.len()).then(|| section::version(self.section(index)))
    }

    /// Steps the version of every table that differs from what `earlier` holds of it. Both were sealed with
    /// the version of `earlier`.
    pub(crate) fn step_versions(&mut self, earlier: &SectionStore) {
        let mut next = 0;
        while next < self.len() {
            let table_id = self.section(next)[0];
            let (now, before) = (self.sections_of(table_id), earlier.sections_of(table_id));
            next = now.end;
            let same = now.len() == before.len()
                && now.clone().zip(before.clone()).all(|(a, b)| self.section(a) == earlier.section(b));
            if !same && !before.is_empty() {
                let version = section::next_version(section::version(earlier.section(before.start)));
                now.for_each(|index| section::set_version(self.section_mut(index), version));
            }
        }
    }

    /// The sections of a table stand one behind the other.
    fn sections_of(&self, table_id: u8) -> Range<usize> {
        let is_other = |index: &usize| self.section(*index)[0] != table_id;
        let first = (0..self.len()).find(|index| !is_other(index)).unwrap_or(self.len());
        let end = (first..self.len()).find(is_other).unwrap_or(self.len());
        first..end
    }
}
