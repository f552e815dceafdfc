//! Brings a decoded frame into the house format: size, pixel shape, bars, turn, bit depth, range, matrix.
//!
//! A frame that is of the house format already is passed on by reference. Scaling is libswscale's bicubic
//! with accurate rounding and its bit-exact paths, which give the same picture on every machine with the
//! same library version.

use crate::MediaError;
use crate::colour::{Matrix, MatrixChange};
use crate::letterbox::Placement;
use crate::libav::{Frame, error_text};
use crate::picture::{Picture, PicturePool};
use crate::rotate::{Source, turn};
use ffmpeg_sys_next as ff;
use std::ffi::CStr;
use std::ptr::{self, NonNull};

/// Converts frames of one source to house pictures.
pub(crate) struct HouseConverter {
    width: u32,
    height: u32,
    pool: PicturePool,
    scaler: Option<Scaler>,
    /// The scaled but not yet turned picture.
    upright: Option<Picture>,
}

/// What the container says of a picture's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceShape {
    /// Width to height of a pixel; `None` leaves it to the decoder.
    pub(crate) pixel: Option<(u32, u32)>,
    /// Clockwise quarter turns for display.
    pub(crate) quarter_turns: u32,
}

impl SourceShape {
    /// Square pixels, upright.
    pub(crate) const SQUARE: SourceShape = SourceShape { pixel: Some((1, 1)), quarter_turns: 0 };
}

impl HouseConverter {
    pub(crate) fn new(width: u32, height: u32) -> Result<HouseConverter, MediaError> {
        let pool = PicturePool::new(width, height)?;
        Ok(HouseConverter { width, height, pool, scaler: None, upright: None })
    }

    /// Converts `frame` into `out`, which becomes another reference to `frame`'s planes where nothing is
    /// to be done.
    pub(crate) fn convert(
        &mut self,
        frame: &Frame,
        shape: SourceShape,
        out: &mut Picture,
    ) -> Result<(), MediaError> {
        let f = frame.fields();
        let (w, h) = (f.width.unsigned_abs(), f.height.unsigned_abs());
        let own = f.sample_aspect_ratio;
        let own = if own.num > 0 && own.den > 0 { (own.num as u32, own.den as u32) } else { (1, 1) };
        let pixel = shape.pixel.unwrap_or(own);
        let full_range = frame.full_range() || is_full_range_format(f.format);
        let house = Matrix::by_size(self.width, self.height);
        let matrix = match is_rgb(f.format) {
            true => Matrix::Rgb,
            false => Matrix::of_source(frame.matrix_code(), w, h),
        };
        // An identity matrix on YCbCr planes is a mistake of the file's.
        let matrix = if matrix == Matrix::Rgb && !is_rgb(f.format) { house } else { matrix };
        let change = MatrixChange::between(matrix, house);
        let turned = shape.quarter_turns % 4;
        let sideways = turned % 2 == 1;
        let swap = |(a, b): (u32, u32)| if sideways { (b, a) } else { (a, b) };
        let place = Placement::fit(swap((w, h)), swap(pixel), (self.width, self.height));

        let as_is = (w, h) == (self.width, self.height)
            && place.fills((self.width, self.height))
            && turned == 0
            && !full_range
            && change.is_none();
        if as_is && out.adopt(frame) {
            return Ok(());
        }

        let wanted = ScalerKey {
            source: (f.width, f.height),
            format: f.format,
            full_range,
            matrix: if matrix == Matrix::Rgb { house } else { matrix },
            target: swap((place.width, place.height)),
        };
        let scaler = match &mut self.scaler {
            Some(scaler) if scaler.key == wanted => scaler,
            slot => slot.insert(Scaler::new(wanted)?),
        };
        let mut picture = self.pool.picture()?;
        if turned == 0 {
            scaler.scale(frame, &picture, (place.x, place.y))?;
        } else {
            let upright = match &mut self.upright {
                Some(p) if (p.width(), p.height()) == wanted.target => p,
                slot => slot.insert(Picture::allocate(wanted.target.0, wanted.target.1)?),
            };
            scaler.scale(frame, upright, (0, 0))?;
            turn_onto(upright, turned, &mut picture, place)?;
        }
        if let Some(change) = change {
            change_matrix(&mut picture, change, place)?;
        }
        draw_bars(&mut picture, place)?;
        out.share(&picture);
        Ok(())
    }
}

fn turn_onto(
    upright: &Picture,
    quarters: u32,
    picture: &mut Picture,
    place: Placement,
) -> Result<(), MediaError> {
    for plane in 0..3 {
        let shift = u32::from(plane > 0);
        let (data, stride) = upright.plane(plane);
        let (width, height) = ((upright.width() >> shift) as usize, (upright.height() >> shift) as usize);
        let (target, target_stride) = picture.plane_mut(plane)?;
        let at = (place.y >> shift) as usize * target_stride + (place.x >> shift) as usize;
        turn(Source { data, stride, width, height }, quarters, &mut target[at..], target_stride);
    }
    Ok(())
}

fn change_matrix(picture: &mut Picture, change: MatrixChange, place: Placement) -> Result<(), MediaError> {
    // Rows are copied out and in again: three planes cannot be borrowed mutably at once.
    let (width, half) = (place.width as usize, place.width as usize / 2);
    let (mut cb, mut cr) = (vec![0; half], vec![0; half]);
    for row in 0..place.height as usize / 2 {
        let (x, y) = (place.x as usize / 2, place.y as usize / 2 + row);
        let span = |stride: usize| y * stride + x..y * stride + x + half;
        for (plane, line) in [(1, &mut cb), (2, &mut cr)] {
            let (data, stride) = picture.plane(plane);
            line.copy_from_slice(&data[span(stride)]);
        }
        let (luma, stride) = picture.plane_mut(0)?;
        let (above, below) = luma.split_at_mut((2 * y + 1) * stride);
        let from = place.x as usize;
        let upper = &mut above[2 * y * stride + from..2 * y * stride + from + width];
        change.apply(upper, &mut below[from..from + width], &mut cb, &mut cr);
        for (plane, line) in [(1, &cb), (2, &cr)] {
            let (data, stride) = picture.plane_mut(plane)?;
            data[span(stride)].copy_from_slice(line);
        }
    }
    Ok(())
}

/// Paints everything outside the rectangle black. Done after scaling, which may write past a row's end.
fn draw_bars(picture: &mut Picture, place: Placement) -> Result<(), MediaError> {
    if place.fills((picture.width(), picture.height())) {
        return Ok(());
    }
    for (plane, value) in [(0, 16), (1, 128), (2, 128)] {
        let shift = u32::from(plane > 0);
        let (width, left) = ((picture.width() >> shift) as usize, (place.x >> shift) as usize);
        let right = left + (place.width >> shift) as usize;
        let (top, bottom) = ((place.y >> shift) as usize, ((place.y + place.height) >> shift) as usize);
        let (data, stride) = picture.plane_mut(plane)?;
        for (y, row) in data.chunks_mut(stride).enumerate() {
            if y < top || y >= bottom {
                row[..width].fill(value);
            } else {
                row[..left].fill(value);
                row[right..width].fill(value);
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ScalerKey {
    source: (i32, i32),
    format: i32,
    full_range: bool,
    /// The matrix of source and target: a change between two is made apart, on the scaled picture.
    matrix: Matrix,
    target: (u32, u32),
}

struct Scaler {
    context: NonNull<ff::SwsContext>,
    key: ScalerKey,
}

// SAFETY: a scaling context has no thread affinity and is used by one thread at a time.
unsafe impl Send for Scaler {}

impl Scaler {
    fn new(key: ScalerKey) -> Result<Scaler, MediaError> {
        // SAFETY: no preconditions; null is handled.
        let context = NonNull::new(unsafe { ff::sws_alloc_context() })
            .ok_or(MediaError::OutOfMemory { what: "a scaler" })?;
        let scaler = Scaler { context, key };
        let flags = ff::SWS_BICUBIC | ff::SWS_ACCURATE_RND | ff::SWS_BITEXACT;
        let options: [(&CStr, i64); 9] = [
            (c"srcw", i64::from(key.source.0)),
            (c"srch", i64::from(key.source.1)),
            (c"src_format", i64::from(key.format)),
            (c"dstw", i64::from(key.target.0)),
            (c"dsth", i64::from(key.target.1)),
            (c"dst_format", ff::AVPixelFormat::AV_PIX_FMT_YUV420P as i64),
            (c"sws_flags", i64::from(flags)),
            // Told before the start: told later, deep formats are taken for limited range.
            (c"src_range", i64::from(key.full_range)),
            (c"dst_range", 0),
        ];
        // SAFETY: the context is ours and not yet initialised; option names are terminated. The
        // coefficient tables are libswscale's static ones.
        let code = unsafe {
            for (name, value) in options {
                ff::av_opt_set_int(context.as_ptr().cast(), name.as_ptr(), value, 0);
            }
            let code = ff::sws_init_context(context.as_ptr(), ptr::null_mut(), ptr::null_mut());
            if code >= 0 {
                let table = ff::sws_getCoefficients(key.matrix.code());
                let (range, one) = (i32::from(key.full_range), 1 << 16);
                ff::sws_setColorspaceDetails(context.as_ptr(), table, range, table, 0, 0, one, one);
            }
            code
        };
        if code < 0 {
            let (w, h) = key.source;
            return Err(MediaError::Config {
                what: format!(
                    "a {w}x{h} source of pixel format {} cannot be scaled: {}",
                    key.format,
                    error_text(code)
                ),
            });
        }
        Ok(scaler)
    }

    /// Scales `frame` onto `picture`, its upper left corner at `(x, y)`; `picture` must be nobody else's.
    fn scale(&mut self, frame: &Frame, picture: &Picture, (x, y): (u32, u32)) -> Result<(), MediaError> {
        let f = frame.fields();
        debug_assert_eq!(((f.width, f.height), f.format), (self.key.source, self.key.format));
        debug_assert!(x + self.key.target.0 <= picture.width() && y + self.key.target.1 <= picture.height());
        let to = picture.frame().fields();
        let mut planes = [ptr::null_mut(); 4];
        let mut strides = [0; 4];
        for plane in 0..3 {
            let shift = u32::from(plane > 0);
            strides[plane] = to.linesize[plane];
            let offset = (y >> shift) as usize * strides[plane] as usize + (x >> shift) as usize;
            // SAFETY: the corner lies within the plane.
            planes[plane] = unsafe { to.data[plane].add(offset) };
        }
        // SAFETY: the source planes are the frame's own, of the size and format the context was made for;
        // the target rectangle lies within the picture, whose buffer has room for a vector past its end.
        let rows = unsafe {
            ff::sws_scale(
                self.context.as_ptr(),
                f.data.as_ptr().cast(),
                f.linesize.as_ptr(),
                0,
                f.height,
                planes.as_ptr(),
                strides.as_ptr(),
            )
        };
        if rows < 0 {
            return Err(MediaError::Config { what: format!("scaling failed: {}", error_text(rows)) });
        }
        Ok(())
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: the context is owned and dropped once.
        unsafe { ff::sws_freeContext(self.context.as_ptr()) };
    }
}

/// The old formats whose very name says full range.
fn is_full_range_format(format: i32) -> bool {
    use ff::AVPixelFormat as P;
    [
        P::AV_PIX_FMT_YUVJ420P,
        P::AV_PIX_FMT_YUVJ422P,
        P::AV_PIX_FMT_YUVJ444P,
        P::AV_PIX_FMT_YUVJ440P,
        P::AV_PIX_FMT_YUVJ411P,
    ]
    .iter()
    .any(|&p| p as i32 == format)
}

fn is_rgb(format: i32) -> bool {
    let mut descriptor = ptr::null();
    loop {
        // SAFETY: null starts the walk, any descriptor continues it, null ends it.
        descriptor = unsafe { ff::av_pix_fmt_desc_next(descriptor) };
        // SAFETY: null, or a static descriptor.
        let Some(fields) = (unsafe { descriptor.as_ref() }) else { return false };
        // SAFETY: the descriptor came from the library.
        if unsafe { ff::av_pix_fmt_desc_get_id(descriptor) } as i32 == format {
            let rgb = (ff::AV_PIX_FMT_FLAG_RGB | ff::AV_PIX_FMT_FLAG_PAL) as u64;
            return fields.flags & rgb != 0;
        }
    }
}
