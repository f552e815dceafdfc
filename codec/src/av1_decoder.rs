//! Decodes AV1 with libdav1d, handing its pictures on by reference.
//!
//! Film grain is applied: it is part of the picture (AV1 §7.18.3) and the same on every machine.

use crate::MediaError;
use crate::libav::{Frame, Packet};
use crate::libav_decoder::{Received, Sent};
use dav1d_sys as d;
use ffmpeg_sys_next as ff;
use std::mem::MaybeUninit;
use std::ptr;

/// An open dav1d decoder.
pub(crate) struct Av1Decoder {
    context: *mut d::Dav1dContext,
    /// Data dav1d has not taken yet.
    pending: d::Dav1dData,
    /// `configOBUs` of the container, sent before the first packet and after every flush.
    config: Vec<u8>,
    config_due: bool,
    ending: bool,
}

// SAFETY: a dav1d context has no thread affinity and is used by one thread at a time.
unsafe impl Send for Av1Decoder {}

/// Largest picture decoded, in pixels: 8K and some.
const MAX_PIXELS: u32 = 8192 * 8192;

/// Bytes of `av1C` before its OBUs (AV1 Codec ISO Media File Format Binding §2.3.3).
const AV1C_HEADER: usize = 4;

impl Av1Decoder {
    pub(crate) fn open(extradata: &[u8], threads: u32) -> Result<Av1Decoder, MediaError> {
        let mut settings = MaybeUninit::uninit();
        let mut context = ptr::null_mut();
        // SAFETY: the settings are filled by dav1d before being read; the context pointer is writable.
        let code = unsafe {
            d::dav1d_default_settings(settings.as_mut_ptr());
            let mut settings: d::Dav1dSettings = settings.assume_init();
            settings.n_threads = threads.clamp(1, 16) as i32;
            settings.max_frame_delay = 1;
            settings.logger.callback = ptr::null_mut();
            settings.frame_size_limit = MAX_PIXELS;
            d::dav1d_open(&mut context, &settings)
        };
        if code < 0 || context.is_null() {
            return Err(MediaError::OutOfMemory { what: "an AV1 decoder" });
        }
        let boxed = extradata.first().is_some_and(|b| b & 0x80 != 0);
        let config = if boxed { extradata.get(AV1C_HEADER..) } else { Some(extradata) };
        Ok(Av1Decoder {
            context,
            pending: blank_data(),
            config: config.unwrap_or_default().to_vec(),
            config_due: true,
            ending: false,
        })
    }

    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Sent {
        if self.pending.sz > 0
            && let Some(refused) = self.push()
        {
            return refused;
        }
        let Some(packet) = packet else {
            self.ending = true;
            return Sent::Accepted;
        };
        if std::mem::take(&mut self.config_due) && !self.config.is_empty() {
            let config = std::mem::take(&mut self.config);
            let outcome = self.load(&config, None).and_then(|()| self.push());
            self.config = config;
            // Its only use is to bring a sequence header early; the stream repeats it at key pictures.
            if outcome == Some(Sent::Full) || self.pending.sz > 0 {
                self.drop_pending();
            }
        }
        if packet.data().is_empty() {
            return Sent::Accepted;
        }
        // Frames an edit list hides are decoded and thrown away by their stamp.
        let stamp = if packet.is_discard() { None } else { packet.pts().or(packet.dts()) };
        match self.load(packet.data(), Some(stamp.unwrap_or(HIDDEN))) {
            None => Sent::Damaged("out of memory".into()),
            Some(()) => match self.push() {
                // dav1d keeps what it could not take; frames are received first.
                Some(Sent::Full) | None => Sent::Accepted,
                Some(other) => other,
            },
        }
    }

    /// Copies `data` into a dav1d buffer as the pending data.
    fn load(&mut self, data: &[u8], stamp: Option<i64>) -> Option<()> {
        self.drop_pending();
        // SAFETY: `pending` is blank; on success dav1d gives `data.len()` writable bytes.
        unsafe {
            let to = d::dav1d_data_create(&mut self.pending, data.len());
            if to.is_null() {
                return None;
            }
            ptr::copy_nonoverlapping(data.as_ptr(), to, data.len());
        }
        self.pending.m.timestamp = stamp.unwrap_or(HIDDEN);
        Some(())
    }

    /// Offers the pending data; `None` when dav1d took it all.
    fn push(&mut self) -> Option<Sent> {
        // SAFETY: the context is open and `pending` holds data of ours, of which dav1d takes ownership.
        let code = unsafe { d::dav1d_send_data(self.context, &mut self.pending) };
        if code == d::DAV1D_ERR_AGAIN {
            return Some(Sent::Full);
        }
        if code < 0 {
            self.drop_pending();
            return Some(Sent::Damaged(format!("AV1 decoder error {code}")));
        }
        (self.pending.sz > 0).then_some(Sent::Full)
    }

    fn drop_pending(&mut self) {
        if self.pending.sz > 0 || !self.pending.ref_.is_null() {
            // SAFETY: `pending` holds data of ours that dav1d has not taken.
            unsafe { d::dav1d_data_unref(&mut self.pending) };
        }
        self.pending = blank_data();
    }

    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Received {
        loop {
            if self.pending.sz > 0
                && let Some(Sent::Damaged(reason)) = self.push()
            {
                return Received::Damaged(reason);
            }
            let mut picture = Box::new(blank_picture());
            // SAFETY: the context is open and the picture blank.
            let code = unsafe { d::dav1d_get_picture(self.context, &mut *picture) };
            if code == d::DAV1D_ERR_AGAIN {
                if self.pending.sz > 0 {
                    continue;
                }
                return if self.ending { Received::End } else { Received::Hungry };
            }
            if code < 0 {
                return Received::Damaged(format!("AV1 decoder error {code}"));
            }
            if picture.m.timestamp == HIDDEN {
                // SAFETY: the picture is ours.
                unsafe { d::dav1d_picture_unref(&mut *picture) };
                continue;
            }
            return match adopt(picture, frame) {
                Ok(()) => Received::Frame,
                Err(reason) => Received::Damaged(reason),
            };
        }
    }

    pub(crate) fn flush(&mut self) {
        self.drop_pending();
        // SAFETY: the context is open.
        unsafe { d::dav1d_flush(self.context) };
        self.config_due = true;
        self.ending = false;
    }
}

impl Drop for Av1Decoder {
    fn drop(&mut self) {
        self.drop_pending();
        // SAFETY: the context is owned and dropped once; pictures handed on hold references of their own.
        unsafe { d::dav1d_close(&mut self.context) };
    }
}

/// Stamp of pictures that are not to be shown; dav1d's own mark for "no stamp".
const HIDDEN: i64 = i64::MIN;

fn blank_data() -> d::Dav1dData {
    // SAFETY: a plain C structure for which all zero is the documented blank state.
    unsafe { std::mem::zeroed() }
}

fn blank_picture() -> d::Dav1dPicture {
    // SAFETY: as `blank_data`.
    unsafe { std::mem::zeroed() }
}

/// Makes `frame` the owner of a dav1d picture.
fn adopt(mut picture: Box<d::Dav1dPicture>, frame: &mut Frame) -> Result<(), String> {
    let parameters = &picture.p;
    // SAFETY: every picture dav1d gives refers to its sequence header.
    let sequence = unsafe { &*picture.seq_hdr };
    let rgb = sequence.mtrx == d::DAV1D_MC_IDENTITY;
    let Some(format) = pixel_format(parameters.layout, parameters.bpc, rgb) else {
        let reason = format!("AV1 pixel layout {} at {} bits", parameters.layout, parameters.bpc);
        // SAFETY: the picture is ours.
        unsafe { d::dav1d_picture_unref(&mut *picture) };
        return Err(reason);
    };
    frame.unref();
    let f = frame.fields_mut();
    f.format = format as i32;
    (f.width, f.height) = (parameters.w, parameters.h);
    (f.pts, f.best_effort_timestamp) = (picture.m.timestamp, picture.m.timestamp);
    // dav1d orders identity-matrix planes as libav's GBRP does: G, B, R.
    for plane in 0..3 {
        f.data[plane] = picture.data[plane].cast();
        f.linesize[plane] = picture.stride[usize::from(plane > 0)] as i32;
    }
    if parameters.layout == d::DAV1D_PIXEL_LAYOUT_I400 {
        for plane in 1..3 {
            f.data[plane] = ptr::null_mut();
            f.linesize[plane] = 0;
        }
    }
    // SAFETY: the places are C enums of the size of an int, and are only ever read as integers.
    unsafe {
        (&raw mut f.colorspace).cast::<i32>().write(sequence.mtrx as i32);
        let range = if sequence.color_range != 0 { 2 } else { 1 };
        (&raw mut f.color_range).cast::<i32>().write(range);
    }
    let (data, size) = (f.data[0], f.linesize[0].unsigned_abs() as usize * f.height.unsigned_abs() as usize);
    let owner = Box::into_raw(picture);
    // SAFETY: the buffer keeps the boxed picture, and frees it once, with the last reference. Read-only:
    // dav1d may still predict from it.
    let buffer =
        unsafe { ff::av_buffer_create(data, size, Some(release), owner.cast(), ff::AV_BUFFER_FLAG_READONLY) };
    if buffer.is_null() {
        // SAFETY: the pointer came from Box::into_raw above and nobody else took it.
        unsafe { release(owner.cast(), ptr::null_mut()) };
        frame.unref();
        return Err("out of memory".into());
    }
    frame.fields_mut().buf[0] = buffer;
    Ok(())
}

unsafe extern "C" fn release(owner: *mut libc::c_void, _data: *mut u8) {
    // SAFETY: libav calls this once, with the pointer given to av_buffer_create.
    unsafe {
        let mut picture = Box::from_raw(owner.cast::<d::Dav1dPicture>());
        d::dav1d_picture_unref(&mut *picture);
    }
}

fn pixel_format(layout: d::Dav1dPixelLayout, bits: i32, rgb: bool) -> Option<ff::AVPixelFormat> {
    use ff::AVPixelFormat as P;
    Some(match (layout, bits, rgb) {
        (d::DAV1D_PIXEL_LAYOUT_I400, 8, _) => P::AV_PIX_FMT_GRAY8,
        (d::DAV1D_PIXEL_LAYOUT_I400, 10, _) => P::AV_PIX_FMT_GRAY10LE,
        (d::DAV1D_PIXEL_LAYOUT_I400, 12, _) => P::AV_PIX_FMT_GRAY12LE,
        (d::DAV1D_PIXEL_LAYOUT_I420, 8, _) => P::AV_PIX_FMT_YUV420P,
        (d::DAV1D_PIXEL_LAYOUT_I420, 10, _) => P::AV_PIX_FMT_YUV420P10LE,
        (d::DAV1D_PIXEL_LAYOUT_I420, 12, _) => P::AV_PIX_FMT_YUV420P12LE,
        (d::DAV1D_PIXEL_LAYOUT_I422, 8, _) => P::AV_PIX_FMT_YUV422P,
        (d::DAV1D_PIXEL_LAYOUT_I422, 10, _) => P::AV_PIX_FMT_YUV422P10LE,
        (d::DAV1D_PIXEL_LAYOUT_I422, 12, _) => P::AV_PIX_FMT_YUV422P12LE,
        (d::DAV1D_PIXEL_LAYOUT_I444, 8, false) => P::AV_PIX_FMT_YUV444P,
        (d::DAV1D_PIXEL_LAYOUT_I444, 10, false) => P::AV_PIX_FMT_YUV444P10LE,
        (d::DAV1D_PIXEL_LAYOUT_I444, 12, false) => P::AV_PIX_FMT_YUV444P12LE,
        (d::DAV1D_PIXEL_LAYOUT_I444, 8, true) => P::AV_PIX_FMT_GBRP,
        (d::DAV1D_PIXEL_LAYOUT_I444, 10, true) => P::AV_PIX_FMT_GBRP10LE,
        (d::DAV1D_PIXEL_LAYOUT_I444, 12, true) => P::AV_PIX_FMT_GBRP12LE,
        _ => return None,
    })
}
