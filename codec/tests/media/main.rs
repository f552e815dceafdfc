//! Real files of every format people own, made by ffmpeg, against the rules the reader states.
//!
//! Clips are made once and kept under the target directory, named by what they are made of.

#![allow(clippy::unwrap_used)]

mod audio_position;
mod clips;
mod cpb_arrival;
mod damage;
mod encoders;
mod house_shape;
mod probing;
mod video_position;
