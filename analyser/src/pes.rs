//! PES packets (ISO/IEC 13818-1 §2.4.3.6, §2.4.3.7) out of a PID's payloads: header, stamps and length.

/// Longest header: nine bytes and `PES_header_data_length`.
const LONGEST: usize = 9 + 255;

/// What a payload brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pes {
    /// Bytes of this payload that are header.
    pub(crate) header: usize,
    /// Bytes behind the header that belong to the elementary stream.
    pub(crate) data: usize,
    /// A header ended in this payload, with this.
    pub(crate) head: Option<Head>,
    pub(crate) fault: Option<Fault>,
}

/// A PES header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stream_id: u8,
    /// `PES_packet_length`.
    pub(crate) length: u16,
    pub(crate) pts: Option<i64>,
    pub(crate) dts: Option<i64>,
}

/// What is wrong with a PES packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No start code, or a header that contradicts itself.
    Header,
    /// Fewer bytes than the length says, by so many.
    Short(i64),
    /// Bytes beyond the length.
    Long,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing is known of the bytes until a PES packet begins.
    #[default]
    Waiting,
    Header,
    /// Bytes left of a PES packet with a length.
    Bounded(usize),
    Unbounded,
    /// Behind the end; whether that has been said.
    Past(bool),
}

/// Puts PES packets together without keeping their payload.
#[derive(Debug, Default)]
pub(crate) struct PesReader {
    state: State,
    header: Vec<u8>,
}

impl PesReader {
    /// Bytes were lost: the PES packet's length can no longer be judged.
    pub(crate) fn lose(&mut self) {
        self.state = match self.state {
            State::Bounded(_) | State::Unbounded => State::Unbounded,
            _ => State::Waiting,
        };
    }

    /// Takes a packet's payload; `start` is its `payload_unit_start_indicator`.
    #[inline]
    pub(crate) fn push(&mut self, start: bool, payload: &[u8]) -> Pes {
        let mut pes = Pes::default();
        if start {
            if let State::Bounded(left) = self.state
                && left > 0
            {
                pes.fault = Some(Fault::Short(left as i64));
            }
            self.state = State::Header;
            self.header.clear();
        }
        if matches!(self.state, State::Header) {
            self.header(payload, &mut pes);
        }
        let rest = payload.len() - pes.header;
        match &mut self.state {
            State::Bounded(left) => {
                pes.data = rest.min(*left);
                *left -= pes.data;
                if rest > pes.data {
                    pes.fault = Some(Fault::Long);
                    self.state = State::Past(true);
                } else if *left == 0 {
                    self.state = State::Past(false);
                }
            }
            State::Unbounded => pes.data = rest,
            State::Past(said) => {
                if rest > 0 && !*said {
                    pes.fault = Some(Fault::Long);
                    *said = true;
                }
            }
            State::Waiting | State::Header => {}
        }
        pes
    }

    fn header(&mut self, payload: &[u8], pes: &mut Pes) {
        let held = self.header.len();
        let more = payload.len().min(LONGEST - held);
        self.header.extend_from_slice(&payload[..more]);
        let h = &self.header;
        let need = match h.len() {
            0..=5 => 6,
            _ if !has_flags(h[3]) => 6,
            6..=8 => 9,
            _ => 9 + usize::from(h[8]),
        };
        let begun = [0, 0, 1];
        if h[..h.len().min(3)] != begun[..h.len().min(3)] {
            pes.fault = Some(Fault::Header);
            self.state = State::Waiting;
            return;
        }
        if h.len() < need {
            pes.header = payload.len();
            return;
        }
        pes.header = need.saturating_sub(held);
        let h = &h[..need];
        let length = u16::from(h[4]) << 8 | u16::from(h[5]);
        let mut head = Head { stream_id: h[3], length, pts: None, dts: None };
        let mut fine = true;
        if has_flags(h[3]) {
            fine = h[6] & 0xC0 == 0x80;
            let stamp = |at: usize| h.get(at..at + 5).and_then(stamp);
            match h[7] >> 6 {
                2 => head.pts = stamp(9),
                3 => (head.pts, head.dts) = (stamp(9), stamp(14)),
                1 => fine = false,
                _ => {}
            }
            let told = [0, 0, 1, 2][usize::from(h[7] >> 6)];
            fine &= usize::from(head.pts.is_some()) + usize::from(head.dts.is_some()) == told;
            fine &= length == 0 || usize::from(length) >= need - 6;
        }
        if !fine {
            pes.fault = Some(Fault::Header);
        }
        self.state = if length == 0 {
            State::Unbounded
        } else {
            State::Bounded((usize::from(length) + 6).saturating_sub(need))
        };
        pes.head = Some(head);
    }
}

/// Whether a stream id's packets have flags and stamps (table 2-21).
fn has_flags(stream_id: u8) -> bool {
    !matches!(stream_id, 0xBC | 0xBE | 0xBF | 0xF0 | 0xF1 | 0xF2 | 0xF8 | 0xFF)
}

/// A stamp of 33 bits; None if a marker bit is not set.
fn stamp(b: &[u8]) -> Option<i64> {
    (b[0] & b[2] & b[4] & 1 == 1).then(|| {
        i64::from(b[0] >> 1 & 7) << 30
            | i64::from(b[1]) << 22
            | i64::from(b[2] >> 1) << 15
            | i64::from(b[3]) << 7
            | i64::from(b[4] >> 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 19] =
        [0, 0, 1, 0xE0, 0, 17, 0x84, 0xC0, 10, 0x31, 0, 1, 0x0F, 0xA1, 0x11, 0, 1, 7, 0x09];

    #[test]
    fn header_in_pieces() {
        let bytes: Vec<u8> = HEADER.iter().copied().chain([1, 2, 3, 4]).collect();
        let whole = PesReader::default().push(true, &bytes);
        assert_eq!((whole.header, whole.data, whole.fault), (19, 4, None));
        let head = whole.head.expect("a header");
        assert_eq!((head.pts, head.dts), (Some(2000), Some(900)));
        for cut in 1..bytes.len() {
            let mut reader = PesReader::default();
            let (a, b) = (reader.push(true, &bytes[..cut]), reader.push(false, &bytes[cut..]));
            assert_eq!((a.header + b.header, a.data + b.data), (19, 4), "{cut}");
            assert_eq!(a.head.or(b.head), Some(head));
        }
    }

    #[test]
    fn lengths() {
        let mut reader = PesReader::default();
        reader.push(true, &HEADER);
        assert_eq!(reader.push(false, &[0; 3]).fault, None);
        assert_eq!(reader.push(true, &HEADER).fault, Some(Fault::Short(1)));
        assert_eq!(reader.push(false, &[0; 5]).fault, Some(Fault::Long));
        assert_eq!(reader.push(false, &[0; 5]), Pes::default());
        reader.push(true, &HEADER);
        reader.lose();
        assert_eq!(reader.push(true, &HEADER).fault, None);
    }

    #[test]
    fn faults() {
        assert_eq!(PesReader::default().push(true, &[0, 0, 2, 9]).fault, Some(Fault::Header));
        let mut unmarked = HEADER;
        unmarked[11] = 0;
        assert_eq!(PesReader::default().push(true, &unmarked).fault, Some(Fault::Header));
    }
}
