//! What the scheduler knows of the access units between push and poll of one stream, in order. All
//! memory is taken at the start.

use retrovue_timebase::Ticks90k;

/// An access unit that waits to leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    /// Bytes of its PES packet: of the header, of the delimiter and those its owner holds.
    pub(crate) len: usize,
    /// When its first packet should leave: the packets behind it take their time.
    pub(crate) deadline: i64,
    /// Decoding time, unwrapped 90 kHz.
    pub(crate) dts: i64,
    /// Presentation time, the same.
    pub(crate) pts: Ticks90k,
    /// Earliest departure of its first packet, buffers aside, in 27 MHz ticks.
    pub(crate) from: i64,
    /// Decoding can start here.
    pub(crate) random_access: bool,
    /// The delimiter that it lacks.
    pub(crate) delimiter: &'static [u8],
}

/// First in, first out, bounded.
pub(crate) struct UnitQueue {
    units: Box<[Unit]>,
    first: usize,
    count: usize,
}

impl UnitQueue {
    pub(crate) fn new(units: usize) -> UnitQueue {
        let empty = Unit {
            len: 0,
            deadline: 0,
            dts: 0,
            pts: Ticks90k(0),
            from: 0,
            random_access: false,
            delimiter: &[],
        };
        UnitQueue { units: vec![empty; units].into_boxed_slice(), first: 0, count: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count == self.units.len()
    }

    /// Appends a unit. There must be room.
    pub(crate) fn push(&mut self, unit: Unit) {
        debug_assert!(!self.is_full());
        let slot = self.first + self.count;
        self.units[if slot >= self.units.len() { slot - self.units.len() } else { slot }] = unit;
        self.count += 1;
    }

    /// The oldest unit.
    #[inline]
    pub(crate) fn front(&self) -> Option<&Unit> {
        (self.count > 0).then(|| &self.units[self.first])
    }

    /// Forgets the oldest unit.
    pub(crate) fn pop(&mut self) {
        debug_assert!(self.count > 0);
        self.first = if self.first + 1 == self.units.len() { 0 } else { self.first + 1 };
        self.count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_back_in_order_and_are_bounded() {
        let mut queue = UnitQueue::new(3);
        let unit = |dts| Unit {
            len: 1,
            deadline: 0,
            dts,
            pts: Ticks90k(dts),
            from: dts,
            random_access: false,
            delimiter: &[],
        };
        for round in 0..20 {
            queue.push(unit(round));
            queue.push(unit(round + 100));
            assert!(!queue.is_full());
            queue.push(unit(round + 200));
            assert!(queue.is_full());
            for expected in [round, round + 100, round + 200] {
                assert_eq!(queue.front().map(|unit| unit.dts), Some(expected));
                queue.pop();
            }
            assert!(queue.front().is_none());
        }
    }
}
