//! MPEG-TS written from scratch: access units of pictures, sound and data in, transport packets out, each
//! with the 27 MHz instant at which it leaves.
//!
//! ```text
//!  AccessUnit ──▶ push ─▶ lane: PES header, queue ─┐
//!  AccessUnit ──▶ push ─▶ lane: PES header, queue ─┤   earliest first    packets + departures
//!  SpliceInfo ──▶ cue ──▶ sections ────────────────┤
//!                              PAT, PMT, SDT ──────┼──▶  decide ──▶ poll ──────▶ Run
//!                              PCR ────────────────┘
//! ```
//!
//! The crate does no I/O, reads no clock and takes no memory per packet or access unit. Stamps are
//! unwrapped ticks on one timeline; they wrap where they are written. The [`ts`] module reads the few
//! packet fields that others need.
//!
//! ```
//! use retrovue_mux::{AccessUnit, MuxConfig, Muxer, Poll, StreamConfig, StreamIndex};
//! use retrovue_timebase::Ticks90k;
//!
//! let streams = vec![StreamConfig::h264(4_000_000, 2_000_000)];
//! let mut muxer = Muxer::new(MuxConfig::new("Retro One", streams))?;
//! let picture = [0, 0, 0, 1, 0x65, 0x88, 0x84];
//! for k in 0..3 {
//!     let at = Ticks90k(k * 3600);
//!     let (stream, random_access) = (StreamIndex(0), k == 0);
//!     muxer.push(AccessUnit { stream, pts: at, dts: at, random_access, arrival: None, data: &picture })?;
//! }
//! muxer.finish();
//! let (mut buffer, mut stream) = ([0; 188 * 7], Vec::new());
//! loop {
//!     match muxer.poll(&mut buffer) {
//!         Poll::Packets(run) => stream.extend_from_slice(&buffer[..run.bytes()]),
//!         Poll::Finished => break,
//!         other => panic!("{other:?}"),
//!     }
//! }
//! assert_eq!(stream[..4], [0x47, 0x40, 0x00, 0x10]); // the PAT
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access_unit;
mod config;
mod decoder_buffer;
mod lane;
mod muxer;
mod pacing;
mod packet;
mod pes;
mod pid;
mod run;
pub mod si;
mod source;
pub mod splice;
mod stream_config;
mod stream_kind;
mod target_decoder;
pub mod ts;
mod unit_beginning;
mod unit_queue;
mod wire;

pub use access_unit::{AccessUnit, CpbArrival, PushError, StreamIndex, UnitHeader};
pub use config::{ConfigError, Information, MuxConfig, MuxRate, Resume};
pub use muxer::Muxer;
pub use packet::{PACKET_SIZE, PCR_MODULUS};
pub use pid::{Pid, StreamType};
pub use run::{MuxEvent, Poll, Run};
pub use source::{Bodies, Queues, UnitBytes};
pub use splice::{CueConfig, CueError};
pub use stream_config::StreamConfig;
pub use stream_kind::{AudioCoding, DataFormat, StreamKind, VideoCoding};
