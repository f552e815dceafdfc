//! Owned handles on libav's frames and packets, and the text of its error codes.
//!
//! Nothing here knows a file or a codec; the handles only make ownership visible to the compiler.

use crate::MediaError;
use ffmpeg_sys_next as ff;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};

/// A context that writes `format` to the file `path`, open and without streams; whoever takes it closes its
/// `pb` and frees it. Fails with libav's code.
pub(crate) fn output_context(path: &Path, format: &CStr) -> Result<NonNull<ff::AVFormatContext>, i32> {
    let mut url = b"file:".to_vec();
    url.extend_from_slice(path.as_os_str().as_bytes());
    let url = CString::new(url).map_err(|_| ff::AVERROR(libc::EINVAL))?;
    let mut context = ptr::null_mut();
    // SAFETY: the context pointer is writable, the names terminated; null is handled.
    let code = unsafe {
        ff::avformat_alloc_output_context2(&mut context, ptr::null(), format.as_ptr(), url.as_ptr())
    };
    let context = NonNull::new(context).ok_or(code)?;
    // SAFETY: the context is ours; avio_open2 sets pb, and where it fails the context is freed here.
    unsafe {
        let c = context.as_ptr();
        let code =
            ff::avio_open2(&mut (*c).pb, url.as_ptr(), ff::AVIO_FLAG_WRITE, ptr::null(), ptr::null_mut());
        if code < 0 {
            ff::avformat_free_context(c);
            return Err(code);
        }
    }
    Ok(context)
}

/// An owned `AVFrame`.
pub(crate) struct Frame(NonNull<ff::AVFrame>);

// SAFETY: an AVFrame has no thread affinity, and its buffers' reference counts are atomic.
unsafe impl Send for Frame {}
// SAFETY: through `&Frame` the frame is only read, or referenced with atomic counts.
unsafe impl Sync for Frame {}

impl Frame {
    pub(crate) fn new() -> Result<Frame, MediaError> {
        // SAFETY: no preconditions; null is handled.
        let frame = unsafe { ff::av_frame_alloc() };
        NonNull::new(frame).map(Frame).ok_or(MediaError::OutOfMemory { what: "a frame" })
    }

    pub(crate) fn as_ptr(&self) -> *mut ff::AVFrame {
        self.0.as_ptr()
    }

    /// The frame's fields.
    pub(crate) fn fields(&self) -> &ff::AVFrame {
        // SAFETY: the pointer is owned, non-null and initialised by av_frame_alloc; enum fields are only
        // read through `enum_value`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn fields_mut(&mut self) -> &mut ff::AVFrame {
        // SAFETY: as `fields`, and `&mut self` makes the access exclusive.
        unsafe { self.0.as_mut() }
    }

    pub(crate) fn unref(&mut self) {
        // SAFETY: the pointer is an owned frame.
        unsafe { ff::av_frame_unref(self.as_ptr()) };
    }

    /// Makes this frame another reference to `other`'s buffers; false when out of memory (then empty).
    pub(crate) fn reference(&mut self, other: &Frame) -> bool {
        self.unref();
        // SAFETY: both are owned frames and this one is unreferenced.
        other.has_buffers() && unsafe { ff::av_frame_ref(self.as_ptr(), other.as_ptr()) } >= 0
    }

    pub(crate) fn has_buffers(&self) -> bool {
        !self.fields().buf[0].is_null()
    }

    /// Presentation stamp of a picture in the stream's time base, with libav's repair of missing ones.
    pub(crate) fn video_stamp(&self) -> Option<i64> {
        let f = self.fields();
        [f.best_effort_timestamp, f.pts, f.pkt_dts].into_iter().find(|&t| t != ff::AV_NOPTS_VALUE)
    }

    /// Stamp of a frame's first sample in the stream's time base. The repaired stamp is that of the packet,
    /// before priming was cut off, and comes second.
    pub(crate) fn audio_stamp(&self) -> Option<i64> {
        let f = self.fields();
        [f.pts, f.best_effort_timestamp, f.pkt_dts].into_iter().find(|&t| t != ff::AV_NOPTS_VALUE)
    }

    /// Matrix coefficients code (ITU-T H.273 table 4).
    pub(crate) fn matrix_code(&self) -> i32 {
        enum_value(&raw const self.fields().colorspace)
    }

    /// Whether samples use the full range (libav's `AVCOL_RANGE_JPEG`).
    pub(crate) fn full_range(&self) -> bool {
        enum_value(&raw const self.fields().color_range) == ff::AVColorRange::AVCOL_RANGE_JPEG as i32
    }

    pub(crate) fn interlaced(&self) -> bool {
        self.fields().interlaced_frame != 0
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.as_ptr();
        // SAFETY: the pointer is owned and dropped once.
        unsafe { ff::av_frame_free(&mut frame) };
    }
}

/// Reads a C enum as the integer it is: streams may carry code points the header does not list, which
/// must never be materialised as a Rust enum.
pub(crate) fn enum_value<T>(place: *const T) -> i32 {
    const { assert!(size_of::<T>() == size_of::<i32>()) };
    // SAFETY: callers pass a pointer derived from a live reference, to a C enum of the size of an int.
    unsafe { place.cast::<i32>().read() }
}

/// An owned `AVPacket`.
pub(crate) struct Packet(NonNull<ff::AVPacket>);

// SAFETY: an AVPacket has no thread affinity, and its buffer's reference count is atomic.
unsafe impl Send for Packet {}

impl Packet {
    pub(crate) fn new() -> Result<Packet, MediaError> {
        // SAFETY: no preconditions; null is handled.
        let packet = unsafe { ff::av_packet_alloc() };
        NonNull::new(packet).map(Packet).ok_or(MediaError::OutOfMemory { what: "a packet" })
    }

    /// A packet holding a copy of `data`.
    pub(crate) fn copied(data: &[u8]) -> Result<Packet, MediaError> {
        let packet = Packet::new()?;
        let size = i32::try_from(data.len()).map_err(|_| MediaError::OutOfMemory { what: "a packet" })?;
        // SAFETY: the packet is owned and blank; on success its data has `size` writable bytes.
        unsafe {
            if ff::av_new_packet(packet.as_ptr(), size) < 0 {
                return Err(MediaError::OutOfMemory { what: "a packet" });
            }
            std::ptr::copy_nonoverlapping(data.as_ptr(), (*packet.as_ptr()).data, data.len());
        }
        Ok(packet)
    }

    pub(crate) fn as_ptr(&self) -> *mut ff::AVPacket {
        self.0.as_ptr()
    }

    pub(crate) fn fields(&self) -> &ff::AVPacket {
        // SAFETY: the pointer is owned, non-null and initialised.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn fields_mut(&mut self) -> &mut ff::AVPacket {
        // SAFETY: as `fields`, and `&mut self` makes the access exclusive.
        unsafe { self.0.as_mut() }
    }

    pub(crate) fn data(&self) -> &[u8] {
        let f = self.fields();
        match usize::try_from(f.size) {
            // SAFETY: libav keeps `size` readable bytes at `data`, and the packet is borrowed meanwhile.
            Ok(len) if !f.data.is_null() => unsafe { std::slice::from_raw_parts(f.data, len) },
            _ => &[],
        }
    }

    pub(crate) fn pts(&self) -> Option<i64> {
        Some(self.fields().pts).filter(|&t| t != ff::AV_NOPTS_VALUE)
    }

    pub(crate) fn dts(&self) -> Option<i64> {
        Some(self.fields().dts).filter(|&t| t != ff::AV_NOPTS_VALUE)
    }

    pub(crate) fn is_key(&self) -> bool {
        self.fields().flags & ff::AV_PKT_FLAG_KEY != 0
    }

    pub(crate) fn is_discard(&self) -> bool {
        self.fields().flags & ff::AV_PKT_FLAG_DISCARD != 0
    }

    /// Samples to drop from the start and the end of what this packet decodes to
    /// (`AV_PKT_DATA_SKIP_SAMPLES`: two little-endian 32-bit counts first).
    #[cfg(feature = "fdk-aac")]
    pub(crate) fn skip_samples(&self) -> (u32, u32) {
        let mut size = 0;
        let kind = ff::AVPacketSideDataType::AV_PKT_DATA_SKIP_SAMPLES;
        // SAFETY: the packet is owned; the returned pointer is checked together with its size, and points
        // to bytes owned by the packet.
        let bytes = unsafe {
            let data = ff::av_packet_get_side_data(self.as_ptr(), kind, &mut size);
            if data.is_null() || size < 8 {
                return (0, 0);
            }
            std::slice::from_raw_parts(data, 8)
        };
        let word = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        (word(0), word(4))
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.as_ptr();
        // SAFETY: the pointer is owned and dropped once.
        unsafe { ff::av_packet_free(&mut packet) };
    }
}

/// libav's text for one of its negative codes.
pub(crate) fn error_text(code: i32) -> String {
    let mut text = [0 as libc::c_char; 128];
    // SAFETY: the buffer is writable for the length given; av_strerror always terminates it.
    let text = unsafe {
        ff::av_strerror(code, text.as_mut_ptr(), text.len());
        CStr::from_ptr(text.as_ptr())
    };
    text.to_string_lossy().to_lowercase()
}

/// Name of a codec as libav writes it.
pub(crate) fn codec_name(id: ff::AVCodecID) -> String {
    // SAFETY: returns a static, terminated string for every value.
    unsafe { CStr::from_ptr(ff::avcodec_get_name(id)) }.to_string_lossy().into_owned()
}
