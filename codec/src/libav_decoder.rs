//! A libav decoder of one stream: packets in, frames out.
//!
//! Which packets, and what becomes of the frames, is decided elsewhere. Repeatable settings are asked for
//! throughout: bit-exact transforms, and the fixed-point decoders where libav has them.

use crate::MediaError;
use crate::demux::Stream;
use crate::libav::{Frame, Packet, codec_name, error_text};
use crate::start_up::codec_lock;
use ffmpeg_sys_next as ff;
use std::ffi::CStr;
use std::path::Path;
use std::ptr::{self, NonNull};

/// An open decoder.
pub(crate) struct LibavDecoder {
    context: NonNull<ff::AVCodecContext>,
}

// SAFETY: a codec context has no thread affinity and is used by one thread at a time.
unsafe impl Send for LibavDecoder {}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Taken.
    Accepted,
    /// Frames must be received first; send it again.
    Full,
    /// Refused as damaged; it is used up.
    Damaged(String),
}

/// What a decoder had to give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A frame.
    Frame,
    /// Nothing until another packet is sent.
    Hungry,
    /// Nothing more: the stream ended.
    End,
    /// An error that used up a packet.
    Damaged(String),
}

impl LibavDecoder {
    pub(crate) fn open(stream: Stream<'_>, threads: u32, path: &Path) -> Result<LibavDecoder, MediaError> {
        let id = stream.codec_id();
        let codec = find_decoder(id);
        if codec.is_null() {
            return Err(MediaError::UnsupportedCodec { path: path.to_path_buf(), codec: codec_name(id) });
        }
        let decoder = LibavDecoder::allocate(codec)?;
        // SAFETY: the context is fresh and ours; the stream's parameters live while the stream does.
        let code = unsafe {
            let context = decoder.context.as_ptr();
            (*context).pkt_timebase = stream.fields().time_base;
            let copied = ff::avcodec_parameters_to_context(context, stream.parameters());
            (*context).thread_count = threads.clamp(1, 16) as i32;
            if copied < 0 { copied } else { decoder.start(codec) }
        };
        if code < 0 {
            return Err(MediaError::UnsupportedCodec {
                path: path.to_path_buf(),
                codec: format!("{} ({})", codec_name(id), error_text(code)),
            });
        }
        Ok(decoder)
    }

    /// A decoder that is told everything by the stream itself.
    pub(crate) fn bare(id: ff::AVCodecID) -> Result<LibavDecoder, MediaError> {
        let codec = find_decoder(id);
        if codec.is_null() {
            return Err(MediaError::Config { what: format!("libav lacks a decoder for {}", codec_name(id)) });
        }
        let decoder = LibavDecoder::allocate(codec)?;
        let code = decoder.start(codec);
        if code < 0 {
            return Err(MediaError::Config { what: format!("{}: {}", codec_name(id), error_text(code)) });
        }
        Ok(decoder)
    }

    fn allocate(codec: *const ff::AVCodec) -> Result<LibavDecoder, MediaError> {
        // SAFETY: the codec is one of libav's static ones; null is handled.
        let context = NonNull::new(unsafe { ff::avcodec_alloc_context3(codec) })
            .ok_or(MediaError::OutOfMemory { what: "a decoder" })?;
        // SAFETY: the context is fresh and ours.
        unsafe {
            (*context.as_ptr()).flags |= ff::AV_CODEC_FLAG_BITEXACT as i32;
            (*context.as_ptr()).max_pixels = MAX_PIXELS;
        }
        Ok(LibavDecoder { context })
    }

    fn start(&self, codec: *const ff::AVCodec) -> i32 {
        let _lock = codec_lock();
        // SAFETY: the context is ours and not yet open.
        unsafe { ff::avcodec_open2(self.context.as_ptr(), codec, ptr::null_mut()) }
    }

    /// Sends a packet, or the end of the stream.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Sent {
        let raw = packet.map_or(ptr::null(), |p| p.as_ptr().cast_const());
        // SAFETY: the context is open; the packet is null or alive and only read.
        match unsafe { ff::avcodec_send_packet(self.context.as_ptr(), raw) } {
            code if code == ff::AVERROR(libc::EAGAIN) => Sent::Full,
            code if code < 0 && code != ff::AVERROR_EOF => Sent::Damaged(error_text(code)),
            _ => Sent::Accepted,
        }
    }

    /// Receives a frame into `frame`.
    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Received {
        // SAFETY: the context is open; the frame is ours and unreferenced by the call first.
        match unsafe { ff::avcodec_receive_frame(self.context.as_ptr(), frame.as_ptr()) } {
            code if code == ff::AVERROR(libc::EAGAIN) => Received::Hungry,
            ff::AVERROR_EOF => Received::End,
            code if code < 0 => Received::Damaged(error_text(code)),
            _ => Received::Frame,
        }
    }

    /// Forgets all content, for going on elsewhere in the stream.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open and exclusively borrowed.
        unsafe { ff::avcodec_flush_buffers(self.context.as_ptr()) };
    }

    /// Whether pictures no other picture refers to may be left out.
    pub(crate) fn skip_unreferenced(&mut self, skip: bool) {
        let discard = if skip { ff::AVDiscard::AVDISCARD_NONREF } else { ff::AVDiscard::AVDISCARD_DEFAULT };
        // SAFETY: the context is open and exclusively borrowed; libav reads the field at each packet.
        unsafe { self.context.as_mut().skip_frame = discard };
    }
}

impl Drop for LibavDecoder {
    fn drop(&mut self) {
        let _lock = codec_lock();
        let mut context = self.context.as_ptr();
        // SAFETY: the context is owned and dropped once.
        unsafe { ff::avcodec_free_context(&mut context) };
    }
}

/// Largest picture decoded, in pixels: 8K and some.
const MAX_PIXELS: i64 = 8192 * 8192;

fn find_decoder(id: ff::AVCodecID) -> *const ff::AVCodec {
    // Fixed point gives the same samples on every machine, floating point does not.
    let fixed: Option<&CStr> = match id {
        ff::AVCodecID::AV_CODEC_ID_AC3 => Some(c"ac3_fixed"),
        ff::AVCodecID::AV_CODEC_ID_MP3 => Some(c"mp3"),
        ff::AVCodecID::AV_CODEC_ID_MP2 => Some(c"mp2"),
        _ => None,
    };
    if let Some(name) = fixed {
        // SAFETY: the name is terminated; null is handled.
        let codec = unsafe { ff::avcodec_find_decoder_by_name(name.as_ptr()) };
        if !codec.is_null() {
            return codec;
        }
    }
    // SAFETY: no preconditions; null is handled by the callers.
    unsafe { ff::avcodec_find_decoder(id) }
}
