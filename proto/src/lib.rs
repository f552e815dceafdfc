//! What Core and AIR say to each other: the plan as plain values, the messages of the control socket
//! and their frames. Does no I/O.
//!
//! ```text
//! plan values ⇄ convert ⇄ message types ⇄ wire frames ⇄ (a socket, elsewhere)
//! ```
//!
//! ```
//! use retrovue_proto::{message::CoreMessage, wire};
//! let sent = CoreMessage { request_id: 7, request: None };
//! let mut bytes = Vec::new();
//! wire::encode_frame(&sent, &mut bytes)?;
//! let (mut decoder, mut rest) = (wire::FrameDecoder::new(), bytes.as_slice());
//! assert_eq!(decoder.feed_message(&mut rest)?, Some(sent));
//! # Ok::<(), wire::WireError>(())
//! ```

pub mod code;
mod convert;
mod cue;
pub mod message;
mod notes;
pub mod plan;
pub mod wire;

pub use convert::PlanFieldError;

/// Version of the protocol; peers of different versions refuse each other.
pub const PROTOCOL_VERSION: u32 = 1;
