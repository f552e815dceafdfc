//! What the benches measure, as plain functions, so that an ordinary test run also runs each once and
//! they cannot rot. Measuring itself is done in `benches/`.

pub mod long_run;
pub mod muxing;
pub mod programming;
