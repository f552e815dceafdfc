//! Frames on the control socket: a 4-byte big-endian length, then one message of that many bytes.
//!
//! Pure: bytes in, messages out. What a message means is the session's matter; when to close a
//! connection after an error is its owner's.

use prost::Message;

/// Longest message. A block of a broadcast day with an advert every ten seconds is under half of it,
/// and a session's start carries two blocks.
pub const MAX_FRAME_BYTES: usize = 4 << 20;

/// Bytes of the length before each message.
const LENGTH_BYTES: usize = 4;

/// First allocation, whatever length a frame announces: the rest follows as bytes really come.
const FIRST_CAPACITY: usize = 4096;

/// What can be wrong with bytes from the socket, or with a message for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A frame announced, or a message to be sent has, more bytes than any may have.
    #[error(
        "a frame of {length} bytes, more than the {MAX_FRAME_BYTES} allowed; the peer does not speak this protocol, or a block is too large"
    )]
    TooLong {
        /// The announced length.
        length: usize,
    },
    /// The bytes of a frame are no message of the expected type.
    #[error("a frame of {length} bytes is no {expected}: {fault}")]
    Malformed {
        /// Bytes in the frame.
        length: usize,
        /// Short name of the expected message.
        expected: &'static str,
        /// The parser's words.
        fault: String,
    },
    /// The connection ended within a frame.
    #[error("the connection ended {have} bytes into a frame of {want}")]
    Truncated {
        /// Bytes that came, the length's four included.
        have: usize,
        /// Bytes expected, the length's four included; 4 while the length itself is incomplete.
        want: usize,
    },
}

/// Appends `message` as one frame to `out`.
///
/// # Errors
/// [`WireError::TooLong`]; `out` is then unchanged.
pub fn encode_frame<M: Message>(message: &M, out: &mut Vec<u8>) -> Result<(), WireError> {
    let length = message.encoded_len();
    let prefix = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME_BYTES);
    let Some(prefix) = prefix else {
        return Err(WireError::TooLong { length });
    };
    out.reserve(LENGTH_BYTES + length);
    out.extend_from_slice(&prefix.to_be_bytes());
    message.encode_raw(out);
    Ok(())
}

/// Cuts a stream of bytes, in whatever pieces it comes, into frames.
///
/// **Feed it until the input is empty; it gives one frame a call and holds at most one.** After an
/// error the stream has no known frame boundary any more: every further call repeats the error.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    /// The unfinished frame: the length's bytes, then the message's.
    frame: Vec<u8>,
    /// The frame was handed out and makes room at the next call.
    handed_out: bool,
    failed: Option<WireError>,
}

impl FrameDecoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> FrameDecoder {
        FrameDecoder::default()
    }

    /// Takes bytes from the front of `input` up to the end of one frame. Gives that frame's message
    /// bytes, or `None` when `input` is used up and the frame is not complete.
    ///
    /// # Errors
    /// [`WireError::TooLong`], before a byte of such a message is kept.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.handed_out {
            self.frame.clear();
            self.handed_out = false;
        }
        self.take(input, LENGTH_BYTES);
        let Some(length) = self.length() else {
            return Ok(None);
        };
        if length > MAX_FRAME_BYTES {
            let error = WireError::TooLong { length };
            self.failed = Some(error.clone());
            return Err(error);
        }
        let want = LENGTH_BYTES + length;
        self.take(input, want);
        if self.frame.len() < want {
            return Ok(None);
        }
        self.handed_out = true;
        Ok(self.frame.get(LENGTH_BYTES..))
    }

    /// As [`FrameDecoder::feed`], with the message decoded.
    ///
    /// # Errors
    /// [`WireError::TooLong`], [`WireError::Malformed`].
    pub fn feed_message<M: Message + Default>(&mut self, input: &mut &[u8]) -> Result<Option<M>, WireError> {
        let result = match self.feed(input)? {
            None => return Ok(None),
            Some(frame) => M::decode(frame).map_err(|fault| WireError::Malformed {
                length: frame.len(),
                expected: short_name::<M>(),
                fault: fault.to_string(),
            }),
        };
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result.map(Some)
    }

    /// Judges the end of the stream.
    ///
    /// # Errors
    /// [`WireError::Truncated`] within a frame; an earlier error again.
    pub fn finish(&self) -> Result<(), WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.frame.is_empty() || self.handed_out {
            return Ok(());
        }
        let want = LENGTH_BYTES + self.length().unwrap_or(0);
        Err(WireError::Truncated { have: self.frame.len(), want })
    }

    /// The announced length, once its four bytes are there.
    fn length(&self) -> Option<usize> {
        let bytes = self.frame.first_chunk::<LENGTH_BYTES>()?;
        Some(usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX))
    }

    /// Moves bytes from `input` until the frame has `want` of them.
    fn take(&mut self, input: &mut &[u8], want: usize) {
        let count = want.saturating_sub(self.frame.len()).min(input.len());
        let (taken, rest) = input.split_at(count);
        if self.frame.capacity() == 0 {
            self.frame.reserve(FIRST_CAPACITY);
        }
        self.frame.extend_from_slice(taken);
        *input = rest;
        debug_assert!(self.frame.len() <= LENGTH_BYTES + MAX_FRAME_BYTES);
    }
}

/// `CoreMessage` of `retrovue_proto::message::CoreMessage`.
fn short_name<M>() -> &'static str {
    let name = std::any::type_name::<M>();
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{AirMessage, CoreMessage, FeedBlockPlan, Hello, StopSession, core_message::Request};
    use proptest::prelude::*;

    fn hello(id: u64, peer: &str) -> CoreMessage {
        let hello = Hello { protocol_version: 1, peer: peer.to_owned() };
        CoreMessage { request_id: id, request: Some(Request::Hello(hello)) }
    }

    fn frames(messages: &[CoreMessage]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            encode_frame(message, &mut bytes).unwrap();
        }
        bytes
    }

    /// Everything a decoder makes of `pieces`, and how it judges the end.
    fn decode_all<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<CoreMessage>, Result<(), WireError>) {
        let (mut decoder, mut messages) = (FrameDecoder::new(), Vec::new());
        for mut piece in pieces {
            loop {
                match decoder.feed_message(&mut piece) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Err(error)),
                }
            }
            assert!(piece.is_empty());
        }
        (messages, decoder.finish())
    }

    #[test]
    fn the_frame_is_a_big_endian_length_and_the_message() {
        let stop = CoreMessage { request_id: 7, request: Some(Request::StopSession(StopSession {})) };
        assert_eq!(frames(&[stop]), [0, 0, 0, 4, 0x08, 7, 0x32, 0]);
        // An empty message is a frame of no bytes.
        assert_eq!(frames(&[CoreMessage::default()]), [0, 0, 0, 0]);
        assert_eq!(decode_all([&[0u8, 0, 0, 0][..]]), (vec![CoreMessage::default()], Ok(())));
    }

    #[test]
    fn every_two_piece_chunking_and_every_truncation() {
        let messages = [hello(1, "core"), CoreMessage::default(), hello(300, &"x".repeat(300))];
        let bytes = frames(&messages);
        let ends: Vec<usize> = (1..=3).map(|n| frames(&messages[..n]).len()).collect();
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(decode_all([head, tail]), (messages.to_vec(), Ok(())), "cut at {cut}");
            let (_, end) = decode_all([head]);
            assert_eq!(end.is_ok(), cut == 0 || ends.contains(&cut), "ended at {cut}");
        }
        assert_eq!(decode_all(bytes.chunks(1)), (messages.to_vec(), Ok(())));
        assert_eq!(decode_all([&bytes[..2]]).1, Err(WireError::Truncated { have: 2, want: 4 }));
        assert_eq!(decode_all([&bytes[..5]]).1, Err(WireError::Truncated { have: 5, want: ends[0] }));
    }

    #[test]
    fn an_oversized_length_is_refused_before_anything_is_kept() {
        let most = u32::try_from(MAX_FRAME_BYTES).unwrap();
        for announced in [most + 1, 0x4745_5420, u32::MAX] {
            let length = announced as usize;
            let mut decoder = FrameDecoder::new();
            let mut bytes = announced.to_be_bytes().to_vec();
            bytes.resize(100_000, 0);
            let mut input = bytes.as_slice();
            assert_eq!(decoder.feed(&mut input), Err(WireError::TooLong { length }));
            assert!(decoder.frame.capacity() <= FIRST_CAPACITY);
            // The stream has no boundary any more.
            assert_eq!(decoder.feed(&mut [0u8; 4].as_slice()), Err(WireError::TooLong { length }));
            assert_eq!(decoder.finish(), Err(WireError::TooLong { length }));
        }
        // The longest is accepted, and nothing is reserved on its word alone.
        let mut decoder = FrameDecoder::new();
        assert_eq!(decoder.feed(&mut most.to_be_bytes().as_slice()), Ok(None));
        assert!(decoder.frame.capacity() <= FIRST_CAPACITY);
    }

    #[test]
    fn the_longest_message_passes_and_one_more_byte_does_not() {
        let overhead = hello(1, &"x".repeat(3_000_000)).encoded_len() - 3_000_000;
        let longest = hello(1, &"x".repeat(MAX_FRAME_BYTES - overhead));
        assert_eq!(longest.encoded_len(), MAX_FRAME_BYTES);
        let bytes = frames(std::slice::from_ref(&longest));
        assert_eq!(decode_all(bytes.chunks(60_000)), (vec![longest], Ok(())));
        let longer = hello(1, &"x".repeat(MAX_FRAME_BYTES - overhead + 1));
        let mut out = vec![1, 2, 3];
        let refused = encode_frame(&longer, &mut out);
        assert_eq!(refused, Err(WireError::TooLong { length: MAX_FRAME_BYTES + 1 }));
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn a_malformed_message_is_named() {
        // Field 2 announced as 100 bytes, none follow.
        let (_, end) = decode_all([&[0u8, 0, 0, 2, 0x12, 100][..]]);
        let Err(WireError::Malformed { length: 2, expected: "CoreMessage", fault }) = end else {
            panic!("{end:?}");
        };
        assert!(!fault.is_empty());
        // A string that is no UTF-8.
        let bytes = [0, 0, 0, 5, 0x12, 3, 0x12, 1, 0xff];
        assert!(matches!(decode_all([&bytes[..]]).1, Err(WireError::Malformed { .. })));
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let mut bytes = frames(&[hello(4, "core")]);
        bytes.extend([0xa2, 0x06, 1, b'?']); // field 100, one byte
        bytes[3] += 4;
        assert_eq!(decode_all([&bytes[..]]), (vec![hello(4, "core")], Ok(())));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_messages(
            peers in prop::collection::vec("[a-z]{0,400}", 0..6),
            cuts in prop::collection::vec(1usize..700, 1..20),
        ) {
            let messages: Vec<CoreMessage> = (1..).zip(&peers).map(|(id, peer)| hello(id, peer)).collect();
            let bytes = frames(&messages);
            let (mut rest, mut pieces) = (bytes.as_slice(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            prop_assert_eq!(decode_all(pieces), (messages, Ok(())));
        }

        #[test]
        fn random_bytes_never_panic_or_pile_up(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = decode_all(bytes.chunks(7));
            let mut decoder = FrameDecoder::new();
            let mut input = bytes.as_slice();
            while let Ok(Some(_)) = decoder.feed_message::<AirMessage>(&mut input) {}
            prop_assert!(decoder.frame.len() <= bytes.len());
        }

        #[test]
        fn mutated_frames_never_panic(
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            dropped in any::<prop::sample::Index>(),
        ) {
            let feed = FeedBlockPlan { block: Some(Default::default()) };
            let feed = CoreMessage { request_id: 2, request: Some(Request::FeedBlockPlan(feed)) };
            let mut bytes = frames(&[hello(1, "core 0.1.0"), feed, hello(3, "again")]);
            for (place, value) in mutations {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            bytes.remove(dropped.index(bytes.len()));
            let whole = decode_all([&bytes[..]]);
            // However it is cut, the verdict is the same.
            prop_assert_eq!(decode_all(bytes.chunks(3)), whole);
        }
    }
}
