//! Judges any MPEG transport stream: TR 101 290, the buffers of ISO/IEC 13818-1's T-STD, and syntax.
//!
//! ```text
//!  bytes ─▶ framing ─▶ inspector ─▶ tables, pes ─▶ access_unit
//!                          │                           │
//!                        clock (waits for the next PCR)┘
//!                          ▼
//!                        timing ─▶ transport_buffer, decoder_buffer, system_buffer ─▶ report
//! ```
//!
//! It does no I/O, reads no clock, takes bytes in any pieces, and its memory is bounded whatever they are. It
//! shares no code with the muxer it also judges.
//!
//! Arrival is told by the PCRs of a packet's program, evenly between two of them, in integers. What cannot be
//! judged is told as not graded, with the reason; it never passes.
//!
//! ```
//! use retrovue_analyser::{Analyser, Options, Rule, Verdict};
//!
//! let mut analyser = Analyser::new(Options::default());
//! let mut packet = [0xFF; 188];
//! packet[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
//! analyser.push(&packet.repeat(10));
//! let report = analyser.finish();
//! assert_eq!(report.null_packets, 10);
//! assert_eq!(report.rule(Rule::Pat).verdict, Verdict::Fail);
//! ```

mod access_unit;
mod avc;
mod bits;
mod buffer_model;
mod clock;
mod decoder_buffer;
mod dump;
mod framing;
mod hevc;
mod inspector;
mod instant;
mod nal;
mod packet;
mod pcr_accuracy;
mod pes;
mod plot;
mod psi;
mod report;
mod rule;
mod section;
mod sound_frame;
mod splice;
mod stream_type;
mod system_buffer;
mod tables;
mod text;
mod timing;
mod trace;
mod transport_buffer;

pub use dump::{Dump, Lines};
pub use framing::PacketSize;
pub use report::{
    BufferReport, ClockReport, PidReport, ProgramReport, Report, RuleReport, StreamReport, Verdict,
};
pub use rule::{Occurrence, Rule};
pub use stream_type::Coding;

/// What to judge by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Demand the tables of DVB: NIT, SDT, EIT and TDT.
    pub dvb: bool,
    /// Keep what a plot is drawn from.
    pub plot: bool,
}

/// Judges a stream. **Push all its bytes in any pieces, then finish.**
#[derive(Debug)]
pub struct Analyser {
    options: Options,
    framer: framing::Framer,
    inspector: inspector::Inspector,
    bytes: u64,
}

impl Analyser {
    /// An analyser that has seen nothing.
    #[must_use]
    pub fn new(options: Options) -> Analyser {
        Analyser {
            options,
            framer: framing::Framer::default(),
            inspector: inspector::Inspector::new(options.plot),
            bytes: 0,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.framer.push(bytes, &mut self.inspector);
    }

    /// Ends the stream and says what it came to.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let skipped = self.framer.finish(&mut self.inspector);
        self.inspector.end();
        Report::new(&mut self.inspector, self.bytes, skipped, self.options.dvb)
    }
}
