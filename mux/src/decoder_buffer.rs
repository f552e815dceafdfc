//! What of a stream's decoder buffer is taken: EB and MB of pictures, B of sound (ISO/IEC 13818-1
//! §2.4.2). An access unit is in it from its first byte until its decoding time, when it leaves whole.
//!
//! Bytes count from the moment they are sent; in truth they pass the transport buffer first. The level
//! kept here is therefore never below the one a receiver has.

/// Levels and the units that are in the buffer whole, in order.
#[derive(Debug)]
pub(crate) struct DecoderBuffer {
    size: usize,
    used: usize,
    /// Bytes and 27 MHz decoding time of units that have been sent, a ring.
    units: Box<[(usize, i64)]>,
    first: usize,
    count: usize,
    /// Of the unit being sent.
    begun: usize,
    /// Highest level so far.
    #[cfg(test)]
    peak: usize,
}

impl DecoderBuffer {
    /// A buffer of `size` bytes that holds no more than `units` access units.
    pub(crate) fn new(size: usize, units: usize) -> DecoderBuffer {
        DecoderBuffer {
            size,
            used: 0,
            units: vec![(0, 0); units.max(1)].into_boxed_slice(),
            first: 0,
            count: 0,
            begun: 0,
            #[cfg(test)]
            peak: 0,
        }
    }

    /// Whether `bytes` more certainly fit before anything else leaves.
    #[inline]
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.used + bytes <= self.size
    }

    /// Bytes that certainly fit before anything else leaves.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.size.saturating_sub(self.used)
    }

    /// Takes `bytes` of the unit being sent.
    #[inline]
    pub(crate) fn enter(&mut self, bytes: usize) {
        self.used += bytes;
        self.begun += bytes;
        #[cfg(test)]
        {
            self.peak = self.peak.max(self.used);
        }
    }

    /// The unit being sent is whole and leaves at `dts`.
    pub(crate) fn complete(&mut self, dts: i64) {
        if self.count == self.units.len() {
            self.leave();
        }
        let slot = self.slot(self.count);
        self.units[slot] = (self.begun, dts);
        self.count += 1;
        self.begun = 0;
    }

    /// When `bytes` more fit: `None` if they do now, else the decoding time of the last unit that has to
    /// leave first. Those units are taken to have left: nothing is sent before that instant. A unit
    /// larger than the whole buffer is let in alone.
    #[inline]
    pub(crate) fn room_from(&mut self, bytes: usize) -> Option<i64> {
        if self.has_room(bytes) {
            return None;
        }
        let mut from = None;
        while !self.has_room(bytes) {
            match self.leave() {
                Some(dts) => from = Some(dts),
                None => break,
            }
        }
        from
    }

    /// Where the unit `behind` the first one is.
    #[inline]
    fn slot(&self, behind: usize) -> usize {
        let slot = self.first + behind;
        if slot >= self.units.len() { slot - self.units.len() } else { slot }
    }

    fn leave(&mut self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        let (bytes, dts) = self.units[self.first];
        self.first = self.slot(1);
        self.count -= 1;
        self.used -= bytes;
        Some(dts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_when_units_are_decoded() {
        let mut buffer = DecoderBuffer::new(1000, 8);
        for dts in [100, 200, 300] {
            assert_eq!(buffer.room_from(300), None);
            buffer.enter(300);
            buffer.complete(dts);
        }
        assert_eq!(buffer.room_from(100), None);
        assert_eq!(buffer.room_from(500), Some(200), "one unit is not enough");
        buffer.enter(500);
        assert_eq!(buffer.peak, 900);
        assert_eq!(buffer.room_from(5000), Some(300), "as much as can be had");
        assert_eq!(buffer.room_from(5000), None, "the unit itself cannot leave");
    }
}
