//! Program-specific and service information: the tables, their descriptors and texts, and the carousel
//! that says when each of their packets is due (ISO/IEC 13818-1 §2.4.4, ETSI EN 300 468).
//!
//! ```text
//!  Program, ServiceDescription, EventTable ──▶ tables ──▶ sections ──▶ Carousel ──▶ Due, packets
//!                                                dvb_text, descriptor      ▲
//!                                                              announce, UTC
//! ```
//!
//! ```
//! use retrovue_mux::si::{Carousel, Program, SiConfig};
//! use retrovue_mux::Pid;
//!
//! let program = Program { pcr_pid: Pid::NULL, descriptors: vec![], streams: vec![] };
//! let mut carousel = Carousel::new(SiConfig::new("Retro One", program), None)?;
//! let (mut packet, mut at) = ([0; 188], 0);
//! for _ in 0..3 {
//!     let due = carousel.next();
//!     at = due.from.max(at + 10_000);
//!     carousel.write(due.table, &mut packet, at);
//! }
//! assert_eq!(packet[..4], [0x47, 0x40, 0x11, 0x10]); // the SDT, behind PAT and PMT
//! # Ok::<(), retrovue_mux::si::SiError>(())
//! ```
//!
//! What is on, when, and in which words comes from the caller; nothing here knows a schedule or a time zone.

mod carousel;
mod config;
mod crc;
mod descriptor;
pub(crate) mod dvb_text;
mod eit;
mod event;
mod event_descriptor;
mod iso_6937;
mod iso_8859;
mod nit;
mod pid_lane;
mod psi;
mod repetition;
mod sdt;
mod section;
mod section_store;
mod system_buffer;
mod time;

pub use carousel::{Carousel, Due, Replaced, TableHandle};
pub use config::{EventCapacity, Network, ServiceDescription, SiConfig, SiError, TableVersions};
pub use descriptor::{Ac3Signalling, Av1Video, Descriptor, HevcVideo, Registration};
pub use event::{Event, EventTable, RunningStatus};
pub use event_descriptor::{ComponentDescription, write_component};
pub use psi::{Program, ProgramStream};
pub use time::LocalTimeOffset;
