//! One picture of the house format: 8-bit 4:2:0 planar, limited range, reference-counted planes.
//!
//! A picture may be another reference to a decoder's buffer; drawing on a shared one copies it first.

use crate::MediaError;
use crate::libav::Frame;
use ffmpeg_sys_next as ff;

/// A house-format picture. Cheap to [share](Picture::share); free to move between threads.
pub struct Picture {
    frame: Frame,
}

impl Picture {
    /// A picture without planes, to be filled by `AssetReader::picture` or [`Picture::share`].
    ///
    /// # Panics
    /// When the system cannot give the few hundred bytes of a frame header.
    #[must_use]
    pub fn empty() -> Picture {
        match Frame::new() {
            Ok(frame) => Picture { frame },
            Err(error) => panic!("{error}"),
        }
    }

    /// A picture of its own, all zero. Both sides even, 2 to 8192.
    ///
    /// # Errors
    /// [`MediaError::Config`] for a size no house format has, [`MediaError::OutOfMemory`].
    pub fn allocate(width: u32, height: u32) -> Result<Picture, MediaError> {
        let layout = PlaneLayout::new(width, height)?;
        // SAFETY: no preconditions; null is handled by `from_buffer`.
        let buffer = unsafe { ff::av_buffer_allocz(layout.size) };
        Picture::from_buffer(buffer, layout)
    }

    /// Broadcast black: Y 16, Cb 128, Cr 128.
    ///
    /// # Errors
    /// As [`Picture::allocate`].
    pub fn black(width: u32, height: u32) -> Result<Picture, MediaError> {
        let mut picture = Picture::allocate(width, height)?;
        for (plane, value) in [(0, 16), (1, 128), (2, 128)] {
            picture.plane_mut(plane)?.0.fill(value);
        }
        Ok(picture)
    }

    /// Makes this picture another reference to the planes of `other`; nothing is copied. Empty when
    /// `other` is.
    pub fn share(&mut self, other: &Picture) {
        self.frame.reference(&other.frame);
    }

    /// Whether there are no planes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.frame.has_buffers()
    }

    /// Width in pixels; 0 when empty.
    #[must_use]
    pub fn width(&self) -> u32 {
        u32::try_from(self.frame.fields().width).unwrap_or(0)
    }

    /// Height in pixels; 0 when empty.
    #[must_use]
    pub fn height(&self) -> u32 {
        u32::try_from(self.frame.fields().height).unwrap_or(0)
    }

    /// Plane 0 (Y), 1 (Cb) or 2 (Cr) and its stride in bytes: row `r` begins at `r * stride`, and the
    /// slice ends with the last pixel of the last row. Empty for an empty picture or another index.
    #[must_use]
    pub fn plane(&self, index: usize) -> (&[u8], usize) {
        match self.plane_extent(index) {
            // SAFETY: `plane_extent` gives a pointer into a buffer this picture references, and a length
            // within it; nobody writes to a buffer that is shared (see `plane_mut`).
            Some((data, len, stride)) => (unsafe { std::slice::from_raw_parts(data, len) }, stride),
            None => (&[], 0),
        }
    }

    /// As [`Picture::plane`], for drawing. Copies the picture first when its planes are shared.
    ///
    /// # Errors
    /// [`MediaError::OutOfMemory`] when a copy is needed and there is no memory for it.
    pub fn plane_mut(&mut self, index: usize) -> Result<(&mut [u8], usize), MediaError> {
        if self.frame.has_buffers() {
            // SAFETY: the frame is owned; on success its buffers have no other reference.
            if unsafe { ff::av_frame_make_writable(self.frame.as_ptr()) } < 0 {
                return Err(MediaError::OutOfMemory { what: "a picture" });
            }
        }
        Ok(match self.plane_extent(index) {
            // SAFETY: as in `plane`, and the buffers were just made exclusive to this picture.
            Some((data, len, stride)) => (unsafe { std::slice::from_raw_parts_mut(data, len) }, stride),
            None => (&mut [], 0),
        })
    }

    fn plane_extent(&self, index: usize) -> Option<(*mut u8, usize, usize)> {
        if index > 2 || self.is_empty() {
            return None;
        }
        let shift = u32::from(index > 0);
        let (width, height) = ((self.width() >> shift) as usize, (self.height() >> shift) as usize);
        let f = self.frame.fields();
        let stride = usize::try_from(f.linesize[index]).ok().filter(|&s| s >= width && height > 0)?;
        Some((f.data[index], stride * (height - 1) + width, stride))
    }

    /// Whether a decoded frame may be a picture as it stands: 8-bit 4:2:0 planar, even sides, rows
    /// downward.
    pub(crate) fn fits(frame: &Frame) -> bool {
        let f = frame.fields();
        let planar = [
            ff::AVPixelFormat::AV_PIX_FMT_YUV420P as i32,
            // The same bytes; whether the range is full is told by the caller.
            ff::AVPixelFormat::AV_PIX_FMT_YUVJ420P as i32,
        ]
        .contains(&f.format);
        planar
            && f.width > 0
            && f.height > 0
            && f.width % 2 == 0
            && f.height % 2 == 0
            && f.linesize[0] >= f.width
            && f.linesize[1] >= f.width / 2
            && f.linesize[2] >= f.width / 2
            && frame.has_buffers()
    }

    /// Makes this picture a reference to a decoded frame that [fits](Picture::fits); false otherwise.
    pub(crate) fn adopt(&mut self, frame: &Frame) -> bool {
        Picture::fits(frame) && self.frame.reference(frame)
    }

    /// The frame, for libav's calls that read or fill planes of a picture nobody shares.
    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }

    fn from_buffer(buffer: *mut ff::AVBufferRef, layout: PlaneLayout) -> Result<Picture, MediaError> {
        if buffer.is_null() {
            return Err(MediaError::OutOfMemory { what: "a picture" });
        }
        let mut picture = Picture { frame: Frame::new()? };
        let f = picture.frame.fields_mut();
        f.buf[0] = buffer;
        f.format = ff::AVPixelFormat::AV_PIX_FMT_YUV420P as i32;
        f.width = layout.width as i32;
        f.height = layout.height as i32;
        for (plane, (offset, stride)) in layout.planes.into_iter().enumerate() {
            // SAFETY: the buffer holds `layout.size` bytes, and each plane lies within it.
            f.data[plane] = unsafe { (*buffer).data.add(offset) };
            f.linesize[plane] = stride as i32;
        }
        Ok(picture)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width(), self.height())
    }
}

/// Where the planes of a picture of our own lie in its one buffer.
#[derive(Clone, Copy)]
struct PlaneLayout {
    width: u32,
    height: u32,
    planes: [(usize, usize); 3],
    size: usize,
}

/// Rows begin on cache lines, which is also the widest vector the libraries use.
const ROW_ALIGNMENT: usize = 64;

/// Largest side of a house format: level 6 of H.264 holds no more.
const MAX_SIDE: u32 = 8192;

impl PlaneLayout {
    fn new(width: u32, height: u32) -> Result<PlaneLayout, MediaError> {
        let side = |n: u32| (2..=MAX_SIDE).contains(&n) && n.is_multiple_of(2);
        if !side(width) || !side(height) {
            return Err(MediaError::Config {
                what: format!(
                    "a picture of {width}x{height} cannot be made: both sides must be even and 2 to {MAX_SIDE}"
                ),
            });
        }
        let (w, h) = (width as usize, height as usize);
        let luma = w.next_multiple_of(ROW_ALIGNMENT);
        let chroma = (w / 2).next_multiple_of(ROW_ALIGNMENT);
        let (cb, cr) = (luma * h, luma * h + chroma * h / 2);
        let end = cr + chroma * h / 2;
        // The scaler may write up to a vector past a row's end: the last row needs room for it too.
        Ok(PlaneLayout {
            width,
            height,
            planes: [(0, luma), (cb, chroma), (cr, chroma)],
            size: end + ROW_ALIGNMENT,
        })
    }
}

/// Pictures of one size whose memory is used again when the last reference goes.
pub(crate) struct PicturePool {
    pool: *mut ff::AVBufferPool,
    layout: PlaneLayout,
}

// SAFETY: libav's buffer pools are thread-safe.
unsafe impl Send for PicturePool {}

impl PicturePool {
    pub(crate) fn new(width: u32, height: u32) -> Result<PicturePool, MediaError> {
        let layout = PlaneLayout::new(width, height)?;
        // SAFETY: the allocator is libav's own zeroing one.
        let pool = unsafe { ff::av_buffer_pool_init(layout.size, Some(ff::av_buffer_allocz)) };
        if pool.is_null() {
            return Err(MediaError::OutOfMemory { what: "a picture pool" });
        }
        Ok(PicturePool { pool, layout })
    }

    /// A picture nobody else references; its content is undefined but initialised.
    pub(crate) fn picture(&self) -> Result<Picture, MediaError> {
        // SAFETY: the pool lives; null is handled by `from_buffer`.
        Picture::from_buffer(unsafe { ff::av_buffer_pool_get(self.pool) }, self.layout)
    }
}

impl Drop for PicturePool {
    fn drop(&mut self) {
        // SAFETY: the pool is owned; libav frees it when the last of its buffers comes home.
        unsafe { ff::av_buffer_pool_uninit(&mut self.pool) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_broadcast_black() {
        let picture = Picture::black(34, 18).unwrap();
        for (plane, width, rows, value) in [(0, 34, 18, 16), (1, 17, 9, 128), (2, 17, 9, 128)] {
            let (data, stride) = picture.plane(plane);
            assert_eq!(data.len(), stride * (rows - 1) + width);
            assert!(data.iter().all(|&b| b == value), "plane {plane}");
        }
    }

    #[test]
    fn sharing_copies_nothing_and_drawing_on_a_share_copies() {
        let black = Picture::black(16, 16).unwrap();
        let mut other = Picture::empty();
        assert!(other.is_empty() && other.plane(0).0.is_empty());
        other.share(&black);
        assert_eq!(other.plane(0).0.as_ptr(), black.plane(0).0.as_ptr());
        other.plane_mut(0).unwrap().0.fill(235);
        assert!(black.plane(0).0.iter().all(|&b| b == 16));
        assert_eq!(other.plane(0).0[0], 235);
        other.share(&Picture::empty());
        assert!(other.is_empty());
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (w, h) in [(0, 16), (16, 0), (15, 16), (16, 15), (8194, 16), (u32::MAX, 2)] {
            assert!(matches!(Picture::allocate(w, h), Err(MediaError::Config { .. })), "{w}x{h}");
        }
    }

    #[test]
    fn a_pool_uses_its_memory_again() {
        let pool = PicturePool::new(32, 32).unwrap();
        let first = pool.picture().unwrap();
        let address = first.plane(0).0.as_ptr();
        drop(first);
        assert_eq!(pool.picture().unwrap().plane(0).0.as_ptr(), address);
    }
}
