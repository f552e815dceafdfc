//! Doors of the end-to-end tests: real media, real processes, and what a viewer sees of them.
//!
//! Clips are made with `ffmpeg` and carry their frame number in the picture and a flash with a beep
//! every second, so that a test can read back from decoded output which frame it shows and how far
//! sound and picture lie apart. Output is judged with `ffprobe` and `ffmpeg`, not with our own code.

pub mod air;
pub mod bad_sector;
pub mod clip;
pub mod levels;
pub mod plan;
pub mod preload;
pub mod programs;
pub mod station;
pub mod stream;
pub mod viewer;
pub mod viewing;
