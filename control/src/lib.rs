//! Both ends of the control socket between Core and AIR, and the processes at AIR's end.
//!
//! ```text
//! Core: SessionLink ──CoreMessage──▶ Unix socket ──▶ AirEnd :AIR, one process per connection
//!          (mio)    ◀──AirMessage───            ◀── (mio) ◀── AirSender (any thread)
//! Core: AirServer ──spawns, watches, stops──▶ retrovue-air serve ──session_fork──▶ session processes
//! ```
//!
//! Nothing here decides what to play, retries a request or restarts a session: Core does.
//!
//! ```
//! use retrovue_control::air_end::{AirEnd, AirInput};
//! use retrovue_proto::message::{CoreMessage, Hello, core_message::Request};
//! use std::io::Write;
//!
//! let (mut core, air) = std::os::unix::net::UnixStream::pair()?;
//! let (mut end, _sender) = AirEnd::new(air)?;
//! let hello = Hello { protocol_version: retrovue_proto::PROTOCOL_VERSION, peer: "example".into() };
//! let mut bytes = Vec::new();
//! for (id, request) in [(1, Request::Hello(hello)), (2, Request::StopSession(Default::default()))] {
//!     retrovue_proto::wire::encode_frame(&CoreMessage { request_id: id, request: Some(request) }, &mut bytes)?;
//! }
//! core.write_all(&bytes)?;
//! // Hello is answered by the connection itself; the first request to act on is the second.
//! let AirInput::Request(request) = end.next(None)? else { panic!("no request") };
//! assert_eq!(request.request_id, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod air_end;
pub mod core_end;
mod error;
mod framed_stream;
mod line_relay;
pub mod session_fork;
pub mod socket_path;
pub mod spawn;

pub use air_end::{AirEnd, AirInput, AirSender};
pub use core_end::{LinkError, LinkEvent, SessionLink};
pub use error::ControlError;
pub use spawn::{AirServer, SpawnError};
