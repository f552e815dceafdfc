//! What the benches measure, as plain functions, so that an ordinary test run also runs each once and
//! they cannot rot. Measuring itself is done in `benches/`.

pub mod checking;
pub mod long_run;
pub mod muxing;
pub mod programming;
pub mod tables;

#[path = "../../analyser/tests/stream/writer.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "written for tests; not all of it is needed here")]
mod writer;
