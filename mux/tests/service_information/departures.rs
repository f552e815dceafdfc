//! A muxer in small: lets a carousel's packets depart on a grid of slots, and keeps what departed.

use crate::reader::Departed;
use retrovue_mux::si::Carousel;

/// Ticks of a packet at 1.5 Mb/s: slower than any real multiplex, so that slots are coarse.
pub(crate) const SLOT: i64 = 27_072;

/// When a slot is given to a packet that may leave but need not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Always.
    Eager,
    /// Only once its deadline is there.
    Lazy,
    /// Now and then, by a generator with this seed.
    Random(u64),
}

pub(crate) struct Slots {
    pub(crate) at: i64,
    manner: Manner,
}

impl Slots {
    pub(crate) fn new(at: i64, manner: Manner) -> Slots {
        Slots { at, manner }
    }

    /// Runs until `end`; `each` may act on the carousel before every slot.
    pub(crate) fn run(
        &mut self,
        carousel: &mut Carousel,
        end: i64,
        mut each: impl FnMut(&mut Carousel, i64),
        mut departed: impl FnMut(Departed),
    ) {
        while self.at < end {
            each(carousel, self.at);
            let due = carousel.next_at(self.at);
            assert!(due.from <= due.deadline, "{due:?}");
            if due.from <= self.at && (due.deadline <= self.at || self.takes()) {
                let mut packet = [0; 188];
                carousel.write(due.table, &mut packet, self.at);
                assert_eq!(u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]), due.pid.value());
                departed(Departed { at: self.at, packet });
            }
            self.at += SLOT;
        }
    }

    fn takes(&mut self) -> bool {
        match &mut self.manner {
            Manner::Eager => true,
            Manner::Lazy => false,
            Manner::Random(state) => {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (*state >> 33).is_multiple_of(4)
            }
        }
    }
}

/// What departs of `carousel` in `ticks` from 0 on.
pub(crate) fn departures(carousel: &mut Carousel, from: i64, ticks: i64) -> Vec<Departed> {
    let mut all = Vec::new();
    Slots::new(from, Manner::Eager).run(carousel, from + ticks, |_, _| {}, |departed| all.push(departed));
    all
}
