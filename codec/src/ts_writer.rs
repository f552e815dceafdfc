//! libavformat's transport-stream writer on access units in memory: what the benches measure the muxer
//! against. Nothing of the station writes with it.

use crate::MediaError;
use crate::libav::{Packet, error_text, output_context};
use ffmpeg_sys_next as ff;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

/// Writes H.264 and AAC access units with libavformat.
pub struct TsWriter {
    context: NonNull<ff::AVFormatContext>,
    path: PathBuf,
    packet: Packet,
}

// SAFETY: a format context has no thread affinity and is used by one thread at a time.
unsafe impl Send for TsWriter {}

impl TsWriter {
    /// The stream of pictures, by its number.
    pub const VIDEO: i32 = 0;
    /// The stream of sound.
    pub const AUDIO: i32 = 1;

    /// Begins a stream of 90 kHz stamps at `path`, at a constant rate of `mux_bps` bit/s where it is given.
    ///
    /// # Errors
    /// [`MediaError::Write`] with libavformat's reason.
    pub fn create(path: &Path, mux_bps: Option<u32>) -> Result<TsWriter, MediaError> {
        let failed = |code: i32| MediaError::Write { path: path.to_path_buf(), reason: error_text(code) };
        let context = output_context(path, c"mpegts").map_err(failed)?;
        let writer = TsWriter { context, path: path.to_path_buf(), packet: Packet::new()? };
        // SAFETY: the context is ours and its header not yet written; streams and pb belong to it, and
        // `drop` closes and frees them. The dictionary is freed by the library's own call.
        let code = unsafe {
            let c = context.as_ptr();
            (*c).flush_packets = 0;
            (*c).max_delay = 700_000;
            for (kind, codec) in [
                (ff::AVMediaType::AVMEDIA_TYPE_VIDEO, ff::AVCodecID::AV_CODEC_ID_H264),
                (ff::AVMediaType::AVMEDIA_TYPE_AUDIO, ff::AVCodecID::AV_CODEC_ID_AAC),
            ] {
                let Some(stream) = ff::avformat_new_stream(c, ptr::null()).as_mut() else {
                    return Err(MediaError::OutOfMemory { what: "a track" });
                };
                stream.time_base = ff::AVRational { num: 1, den: 90_000 };
                (*stream.codecpar).codec_type = kind;
                (*stream.codecpar).codec_id = codec;
                (*stream.codecpar).sample_rate = 48_000;
                (*stream.codecpar).frame_size = 1024;
            }
            let mut options = ptr::null_mut();
            if let Some(bps) = mux_bps {
                ff::av_dict_set_int(&mut options, c"muxrate".as_ptr(), i64::from(bps), 0);
            }
            let code = ff::avformat_write_header(c, &mut options);
            ff::av_dict_free(&mut options);
            if code < 0 {
                // No header, no trailer: `drop` writes one where pb is open.
                ff::avio_closep(&mut (*c).pb);
            }
            code
        };
        if code < 0 { Err(failed(code)) } else { Ok(writer) }
    }

    /// Writes an access unit, in Annex B or ADTS; units come in the order of their DTS.
    ///
    /// # Errors
    /// [`MediaError::Write`].
    pub fn write(
        &mut self,
        stream: i32,
        (pts, dts): (i64, i64),
        key: bool,
        data: &[u8],
    ) -> Result<(), MediaError> {
        let p = self.packet.fields_mut();
        (p.pts, p.dts, p.duration, p.stream_index) = (pts, dts, 0, stream);
        p.flags = if key { ff::AV_PKT_FLAG_KEY } else { 0 };
        // The library reads the bytes within the call and keeps no reference to a packet without a buffer.
        p.data = data.as_ptr().cast_mut();
        p.size = i32::try_from(data.len()).map_err(|_| MediaError::OutOfMemory { what: "a packet" })?;
        // SAFETY: the header is written, the stream exists, the bytes outlive the call.
        let code = unsafe { ff::av_write_frame(self.context.as_ptr(), self.packet.as_ptr()) };
        let p = self.packet.fields_mut();
        (p.data, p.size) = (ptr::null_mut(), 0);
        if code < 0 {
            return Err(MediaError::Write { path: self.path.clone(), reason: error_text(code) });
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        // SAFETY: the context is ours and its pb open.
        let position = unsafe { ff::avio_seek(self.context.as_ref().pb, 0, libc::SEEK_CUR) };
        u64::try_from(position).unwrap_or(0)
    }
}

impl Drop for TsWriter {
    fn drop(&mut self) {
        // SAFETY: the context is owned and dropped once; closing flushes pb. Without a trailer the library keeps
        // what the streams hold, which freeing the context does not need.
        unsafe {
            if !self.context.as_ref().pb.is_null() {
                ff::av_write_trailer(self.context.as_ptr());
            }
            ff::avio_closep(&mut self.context.as_mut().pb);
            ff::avformat_free_context(self.context.as_ptr());
        }
    }
}
