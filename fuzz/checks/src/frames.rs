//! Frames of the control socket, in both directions and in any pieces.
//!
//! The first byte tells the direction and how the rest is cut.

use crate::Verdict;
use prost::Message;
use retrovue_proto::code::Failure;
use retrovue_proto::message::core_message::Request;
use retrovue_proto::message::{self, AirMessage, CoreMessage, air_message, reply};
use retrovue_proto::plan::{BlockPlan, HouseFormat};
use retrovue_proto::wire::{FrameDecoder, WireError, encode_frame};

/// However a stream is cut, the same messages and the same end come out; each message survives being encoded
/// again, and so does each plan in it.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let Some((&first, stream)) = data.split_first() else { return Verdict::Refused };
    if first & 1 == 0 {
        let messages = agreed::<CoreMessage>(stream, first);
        messages.iter().for_each(plans);
        taken(&messages)
    } else {
        let messages = agreed::<AirMessage>(stream, first);
        messages.iter().for_each(failures);
        taken(&messages)
    }
}

fn taken<M>(messages: &[M]) -> Verdict {
    if messages.is_empty() { Verdict::Refused } else { Verdict::Taken }
}

/// The messages of a stream.
fn agreed<M: Message + Default + PartialEq + std::fmt::Debug>(stream: &[u8], first: u8) -> Vec<M> {
    let (whole, end) = decode::<M>(&[stream]);
    let size = usize::from(first >> 1) + 1;
    let pieces: Vec<&[u8]> = stream.chunks(size).collect();
    assert_eq!(decode::<M>(&pieces), (whole, end.clone()), "in pieces of {size}");
    let (whole, _) = decode::<M>(&[stream]);
    let mut again = Vec::new();
    for message in &whole {
        encode_frame(message, &mut again).expect("what came in a frame fits into one");
    }
    let (back, end) = decode::<M>(&[again.as_slice()]);
    assert_eq!((&back, end), (&whole, Ok(())));
    let mut twice = Vec::new();
    for message in &back {
        encode_frame(message, &mut twice).expect("what came in a frame fits into one");
    }
    assert_eq!(twice, again);
    whole
}

fn decode<M: Message + Default>(pieces: &[&[u8]]) -> (Vec<M>, Result<(), WireError>) {
    let (mut decoder, mut messages) = (FrameDecoder::new(), Vec::new());
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.feed_message(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.finish(), Err(error.clone()), "an error stays");
                    return (messages, Err(error));
                }
            }
        }
        assert!(piece.is_empty(), "a decoder that waits has taken everything");
    }
    (messages, decoder.finish())
}

fn plans(message: &CoreMessage) {
    let (format, blocks) = match &message.request {
        Some(Request::StartBlockPlanSession(start)) => (start.format.as_ref(), start.blocks.as_slice()),
        Some(Request::FeedBlockPlan(feed)) => (None, feed.block.as_slice()),
        Some(Request::SwitchToLive(switch)) => (switch.format.as_ref(), &[][..]),
        _ => (None, &[][..]),
    };
    if let Some(format) = format
        && let Ok(plain) = HouseFormat::try_from(format.clone())
    {
        assert_eq!(&message::HouseFormat::from(&plain), format);
    }
    for block in blocks {
        let Ok(plain) = BlockPlan::try_from(block.clone()) else { continue };
        let sent = message::BlockPlan::from(&plain);
        let back = BlockPlan::try_from(sent.clone()).expect("what was a plan is one");
        // Notes are any JSON; numbers among them may be rounded once, by whoever reads them.
        assert_eq!(without_notes(back), without_notes(plain));
        assert_eq!(sent.segments.len(), block.segments.len());
    }
}

fn without_notes(mut plan: BlockPlan) -> BlockPlan {
    plan.segments.iter_mut().for_each(|segment| segment.metadata = Default::default());
    plan
}

fn failures(message: &AirMessage) {
    let failure = match &message.message {
        Some(air_message::Message::Reply(reply)) => match &reply.outcome {
            Some(reply::Outcome::Rejected(failure)) => Some(failure),
            _ => None,
        },
        Some(air_message::Message::BlockEvent(event)) => event.failure.as_ref(),
        Some(air_message::Message::SessionEnded(ended)) => ended.reason.as_ref(),
        None => None,
    };
    if let Some(failure) = failure {
        let plain = Failure::from(failure.clone());
        assert_eq!(&message::Failure::from(plain), failure, "codes of newer peers are kept");
    }
}
