//! Safe handles on the codecs: demuxing, decoding and conversion of assets to the house format, and
//! encoding of it.
//!
//! ```text
//!  media file ─▶ demux ─▶ packet_feed ─┬▶ video_decoder ─▶ deinterlace ─▶ convert ─▶ Picture
//!                                      └▶ audio_decoder ─▶ resample ─▶ interleaved samples
//!  Picture ─▶ VideoEncoder ─▶ H.264 access units        samples ─▶ AudioEncoder ─▶ AAC access units
//! ```
//!
//! The only crate that calls C: libav (demuxing, decoding, scaling, deinterlacing, resampling, MP4
//! writing), dav1d, x264 and fdk-aac. It knows files, stamps and frame numbers; it knows no block,
//! segment, schedule or clock.
//!
//! # What is repeatable
//!
//! | part | same bytes on one machine | on every machine, same library versions |
//! | --- | --- | --- |
//! | H.264, HEVC, MPEG-2, MPEG-4, VP8, VP9, AV1, FLAC, PCM, MP2, MP3, AC-3, AAC (FDK) decoding | yes | yes: exact or fixed point |
//! | Opus, Vorbis, E-AC-3, DTS decoding | yes | no: floating point |
//! | scaling, matrix change, bars, turning | yes | yes: bit-exact paths, integers |
//! | deinterlacing | yes | yes: integers |
//! | resampling and downmixing | yes | yes within an architecture: integers, with tables computed in floating point |
//! | H.264 encoding | yes | yes for a thread count: `cpu_independent` |
//! | AAC encoding (FDK) | yes | yes: fixed point |
//! | AAC encoding and decoding (libav, without feature `fdk-aac`) | yes | no: floating point |
//!
//! # Example
//! ```
//! use retrovue_codec::{AudioEncoder, Picture, VideoEncoder, VideoEncoderConfig};
//! use retrovue_timebase::{FrameIndex, FrameRate};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut encoder = VideoEncoder::open(&VideoEncoderConfig {
//!     width: 320,
//!     height: 180,
//!     rate: FrameRate::new(25, 1)?,
//!     bitrate_kbps: 400,
//!     peak_kbps: 400,
//!     vbv_buffer_kbits: 400,
//!     declared_buffer_kbits: 400,
//!     gop_frames: 25,
//!     preset: "veryfast",
//!     threads: 1,
//! })?;
//! let black = Picture::black(320, 180)?;
//! let mut units = 0;
//! for k in 0..50 {
//!     units += usize::from(encoder.encode(&black, FrameIndex(k), false)?.is_some());
//! }
//! while encoder.flush()?.is_some() {
//!     units += 1;
//! }
//! assert_eq!(units, 50);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "fdk-aac")]
mod aac_decoder;
#[cfg(feature = "fdk-aac")]
mod adts;
mod asset_reader;
mod audio_decoder;
mod audio_encoder;
mod audio_track;
#[cfg(feature = "dav1d")]
mod av1_decoder;
mod colour;
mod convert;
mod cpb_arrival;
mod deinterlace;
mod demux;
mod error;
mod h264_buffer;
mod h264_level;
mod language;
mod letterbox;
mod libav;
mod libav_decoder;
mod mp4_writer;
mod packet_feed;
mod picture;
mod probe;
mod resample;
mod rotate;
mod stamp;
mod start_up;
#[cfg(feature = "libav-ts-writer")]
mod ts_writer;
mod video_decoder;
mod video_encoder;
mod video_track;

pub use asset_reader::{AssetReader, OutputShape, ReaderOptions};
pub use audio_encoder::AudioEncoder;
pub use cpb_arrival::CpbArrival;
pub use error::{MediaError, MediaErrorKind};
pub use mp4_writer::{Mp4Config, Mp4Writer};
pub use picture::Picture;
pub use probe::{AudioInfo, Chapter, MediaInfo, VideoInfo, probe, probe_duration};
pub use start_up::{init, warm_up};
#[cfg(feature = "libav-ts-writer")]
pub use ts_writer::TsWriter;
pub use video_encoder::{EncodedPicture, VideoEncoder, VideoEncoderConfig};
pub use video_track::PictureStatus;
