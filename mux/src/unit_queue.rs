//! The bounded queue between push and poll of one stream: a byte ring with the access units' PES
//! packets behind each other, and a ring of their descriptors. All memory is taken at the start.

/// What the scheduler must know of a queued access unit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unit {
    /// Bytes of its PES packet.
    pub(crate) len: usize,
    /// Decoding time, unwrapped 90 kHz.
    pub(crate) dts: i64,
    /// Decoding can start here.
    pub(crate) random_access: bool,
}

/// First in, first out, bounded in bytes and in units.
pub(crate) struct UnitQueue {
    bytes: Box<[u8]>,
    read: usize,
    used: usize,
    units: Box<[Unit]>,
    first: usize,
    count: usize,
}

impl UnitQueue {
    pub(crate) fn new(bytes: usize, units: usize) -> UnitQueue {
        UnitQueue {
            bytes: vec![0; bytes].into_boxed_slice(),
            read: 0,
            used: 0,
            units: vec![Unit::default(); units].into_boxed_slice(),
            first: 0,
            count: 0,
        }
    }

    /// Bytes the queue holds when it is full.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.bytes.len() - self.used && self.count < self.units.len()
    }

    /// Appends a unit made of `parts`, which are `unit.len` bytes together. There must be room.
    pub(crate) fn push(&mut self, unit: Unit, parts: &[&[u8]]) {
        debug_assert!(self.has_room(unit.len));
        debug_assert_eq!(unit.len, parts.iter().map(|part| part.len()).sum::<usize>());
        for part in parts {
            let start = self.wrap(self.read + self.used);
            let until_end = part.len().min(self.bytes.len() - start);
            let (front, back) = part.split_at(until_end);
            self.bytes[start..start + front.len()].copy_from_slice(front);
            self.bytes[..back.len()].copy_from_slice(back);
            self.used += part.len();
        }
        let mut slot = self.first + self.count;
        if slot >= self.units.len() {
            slot -= self.units.len();
        }
        self.units[slot] = unit;
        self.count += 1;
    }

    /// The oldest unit.
    #[inline]
    pub(crate) fn front(&self) -> Option<Unit> {
        (self.count > 0).then(|| self.units[self.first])
    }

    /// All units, the oldest first.
    pub(crate) fn units(&self) -> impl Iterator<Item = Unit> + '_ {
        let until_end = self.count.min(self.units.len() - self.first);
        let (front, back) = (self.first..self.first + until_end, 0..self.count - until_end);
        self.units[front].iter().chain(&self.units[back]).copied()
    }

    /// Moves the next bytes into `out`, which must not be longer than what is queued.
    #[inline]
    pub(crate) fn read(&mut self, out: &mut [u8]) {
        debug_assert!(out.len() <= self.used);
        if self.read + out.len() <= self.bytes.len() {
            out.copy_from_slice(&self.bytes[self.read..self.read + out.len()]);
        } else {
            let (front, back) = out.split_at_mut(self.bytes.len() - self.read);
            front.copy_from_slice(&self.bytes[self.read..]);
            back.copy_from_slice(&self.bytes[..back.len()]);
        }
        self.read = self.wrap(self.read + out.len());
        self.used -= out.len();
    }

    /// Forgets the oldest unit, whose bytes have all been read.
    pub(crate) fn pop(&mut self) {
        debug_assert!(self.count > 0);
        self.first = if self.first + 1 == self.units.len() { 0 } else { self.first + 1 };
        self.count -= 1;
    }

    fn wrap(&self, position: usize) -> usize {
        if position >= self.bytes.len() { position - self.bytes.len() } else { position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_order_across_the_rings_end() {
        let mut queue = UnitQueue::new(10, 3);
        for round in 0u8..20 {
            let part = [round; 4];
            let unit = Unit { len: 7, dts: i64::from(round), random_access: false };
            assert!(queue.has_room(7) && !queue.has_room(11));
            queue.push(unit, &[&part, &[0xEE; 3]]);
            assert!(!queue.has_room(4));
            assert_eq!(queue.front().map(|unit| unit.dts), Some(i64::from(round)));
            let mut out = [0u8; 7];
            queue.read(&mut out[..2]);
            queue.read(&mut out[2..]);
            assert_eq!(out, [round, round, round, round, 0xEE, 0xEE, 0xEE]);
            queue.pop();
            assert!(queue.front().is_none());
        }
    }

    #[test]
    fn units_are_bounded_too() {
        let mut queue = UnitQueue::new(100, 2);
        let unit = Unit { len: 1, dts: 0, random_access: false };
        queue.push(unit, &[&[1]]);
        queue.push(unit, &[&[2]]);
        assert!(!queue.has_room(1));
        queue.read(&mut [0]);
        queue.pop();
        queue.push(Unit { dts: 5, ..unit }, &[&[3]]);
        assert_eq!(queue.units().map(|unit| unit.dts).collect::<Vec<_>>(), [0, 5]);
    }
}
