//! Transport packets, one by one and through a channel's ring.
//!
//! The first byte tells the ring's size and the second how the stream comes in.

use crate::Verdict;
use retrovue_mux::PACKET_SIZE;
use retrovue_mux::ts::Packet;
use retrovue_scheduler::noise::stream_ring;

/// Every packet can be read to its last field, and see [`stream_ring`]. Taken are streams that a viewer could join.
///
/// # Panics
/// When that does not hold.
pub fn check(data: &[u8]) -> Verdict {
    let [size, piece, stream @ ..] = data else { return Verdict::Refused };
    stream.chunks(PACKET_SIZE).for_each(fields);
    let capacity = (usize::from(*size) + 1) * PACKET_SIZE;
    if stream_ring(stream, capacity, usize::from(*piece) * 5 + 1) { Verdict::Taken } else { Verdict::Refused }
}

fn fields(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    assert!(packet.pid().value() < 0x2000 && packet.continuity_counter() < 16);
    let _ = (packet.transport_error_indicator(), packet.payload_unit_start_indicator());
    let _ = (packet.random_access_indicator(), packet.discontinuity_indicator());
    let pcr = packet.adaptation_field().and_then(|field| field.pcr());
    assert!(pcr.is_none_or(|pcr| pcr.0 >= 0 && pcr.0 < (1 << 33) * 300 + 212));
    assert!(packet.payload().len() <= 184 && packet.has_payload() != packet.payload().is_empty());
}
