//! H.264 with x264, set so that the same pictures give the same bytes on every machine.
//!
//! Knows frames by number only: when they are shown and what they belong to is the caller's business.
//! Byte stream format (ISO/IEC 14496-10 Annex B), an access unit delimiter first, parameter sets at every
//! IDR picture, closed GOPs, NAL HRD with variable bit rate.

use crate::MediaError;
use crate::colour::Matrix;
use crate::cpb_arrival::CpbArrival;
use crate::h264_buffer;
use crate::h264_level::level_for;
use crate::picture::Picture;
use crate::start_up::{codec_lock, init};
use retrovue_timebase::{FrameIndex, FrameRate, Ticks27M};
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use x264_sys as x;

/// What an encoder is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoEncoderConfig<'a> {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Frames a second.
    pub rate: FrameRate,
    /// Average bit rate, in units of 1000 bits a second.
    pub bitrate_kbps: u32,
    /// Greatest bit rate, at which the hypothetical decoder's buffer fills: no less than `bitrate_kbps`.
    pub peak_kbps: u32,
    /// Size of the hypothetical decoder's buffer, in units of 1000 bits.
    pub vbv_buffer_kbits: u32,
    /// The size that is declared to decoders, no less than `vbv_buffer_kbits`, in the same unit: with room for
    /// what is delivered sooner than the hypothetical decoder takes it.
    pub declared_buffer_kbits: u32,
    /// Most frames from one IDR picture to the next.
    pub gop_frames: u32,
    /// One of x264's presets, such as `veryfast`.
    pub preset: &'a str,
    /// Encoder threads, 1 to 16. Fixed, because the bytes depend on it.
    pub threads: u32,
}

/// An H.264 encoder.
///
/// **Contract: [`encode`](VideoEncoder::encode) consecutive frames, then call
/// [`flush`](VideoEncoder::flush) until it gives `None`; nothing can be encoded afterwards.**
pub struct VideoEncoder {
    handle: NonNull<x::x264_t>,
    width: u32,
    height: u32,
    level: i32,
    reorder: i64,
    last: Option<FrameIndex>,
    flushing: bool,
    /// What stands instead of x264's sequence parameter set, where it declares another buffer.
    declared: Option<Vec<u8>>,
    /// An access unit that differs from what x264 made.
    changed: Vec<u8>,
}

// SAFETY: an x264 encoder has no thread affinity and is used by one thread at a time.
unsafe impl Send for VideoEncoder {}

/// One access unit in decoding order. Borrowed from the encoder until its next call.
#[derive(Debug, Clone, Copy)]
pub struct EncodedPicture<'a> {
    /// The access unit, byte stream format.
    pub data: &'a [u8],
    /// The frame it shows.
    pub pts: FrameIndex,
    /// Its place in decoding order on the same count: at most `pts`, strictly increasing, and negative
    /// for the first frames of a stream that began at 0.
    pub dts: FrameIndex,
    /// Whether it is an IDR picture.
    pub idr: bool,
    /// When it enters the buffer of the encoder's hypothetical decoder; `None` where the encoder did not keep to it.
    pub arrival: Option<CpbArrival>,
}

impl VideoEncoder {
    /// Opens an encoder. The profile is High.
    ///
    /// # Errors
    /// [`MediaError::Config`] with the value no H.264 stream can have.
    pub fn open(config: &VideoEncoderConfig<'_>) -> Result<VideoEncoder, MediaError> {
        VideoEncoder::open_with(config, FIRST_FULLNESS)
    }

    /// Opens an encoder whose stream goes on behind that of another with the same buffer: its first picture is removed
    /// `since` after the last bit of the other's last picture has arrived, and its own begin to arrive no sooner.
    ///
    /// # Errors
    /// As [`VideoEncoder::open`].
    pub fn open_behind(config: &VideoEncoderConfig<'_>, since: Ticks27M) -> Result<VideoEncoder, MediaError> {
        // In thousandths, rounded down.
        let bits = i128::from(since.0.max(0)) * i128::from(config.peak_kbps) * 1000 / 27_000_000;
        let fullness = bits / i128::from(config.vbv_buffer_kbits.max(1));
        VideoEncoder::open_with(config, fullness.min(1000) as u16)
    }

    /// Opens an encoder whose buffer holds `fullness` thousandths when the first picture is removed.
    fn open_with(config: &VideoEncoderConfig<'_>, fullness: u16) -> Result<VideoEncoder, MediaError> {
        init();
        let refused = |what: String| MediaError::Config { what };
        check(config)?;
        let (level, references) = level_for(
            config.width,
            config.height,
            config.rate,
            config.peak_kbps,
            config.declared_buffer_kbits,
        )
        .ok_or_else(|| refused(format!("no H.264 level up to 5.2 holds {config:?}")))?;
        let preset = CString::new(config.preset).unwrap_or_default();
        let mut parameters = MaybeUninit::<x::x264_param_t>::uninit();
        // SAFETY: x264 fills the whole structure, also when it refuses the preset; the strings are
        // terminated or null.
        let mut p = unsafe {
            if x::x264_param_default_preset(parameters.as_mut_ptr(), preset.as_ptr(), ptr::null()) < 0 {
                return Err(refused(format!("x264 has no preset {:?}", config.preset)));
            }
            parameters.assume_init()
        };
        configure(&mut p, config, level, references as i32);
        p.rc.f_vbv_buffer_init = f32::from(fullness) / 1000.0;
        let _lock = codec_lock();
        // SAFETY: the parameters are complete; x264 copies them. The profile name is terminated.
        let handle = unsafe {
            if x::x264_param_apply_profile(&mut p, c"high".as_ptr()) < 0 {
                return Err(refused(format!("no High profile stream can be made of {config:?}")));
            }
            x::x264_encoder_open(&mut p)
        };
        let handle = NonNull::new(handle).ok_or_else(|| refused(format!("x264 refuses {config:?}")))?;
        // SAFETY: the encoder is open and fills the structure.
        unsafe { x::x264_encoder_parameters(handle.as_ptr(), &mut p) };
        let reorder = match (p.i_bframe, p.i_bframe_pyramid) {
            (0, _) => 0,
            (_, 0) => 1,
            _ => 2,
        };
        let mut encoder = VideoEncoder {
            handle,
            width: config.width,
            height: config.height,
            level: p.i_level_idc,
            reorder,
            last: None,
            flushing: false,
            declared: None,
            changed: Vec::new(),
        };
        if config.declared_buffer_kbits > config.vbv_buffer_kbits {
            let bits = u64::from(config.declared_buffer_kbits) * 1000;
            let sets = encoder
                .headers()?
                .iter()
                .find(|n| is_sps(n))
                .and_then(|n| h264_buffer::declare(payload(n), bits));
            encoder.declared =
                Some(sets.ok_or_else(|| refused("x264's parameter set has no buffer to declare".into()))?);
        }
        Ok(encoder)
    }

    /// Encodes a picture as `frame`, which follows the frame before. The first frame and one with
    /// `force_idr` become IDR pictures. Gives an access unit of an earlier frame, once the encoder has
    /// seen enough.
    ///
    /// # Errors
    /// [`MediaError::Encode`] for a picture of another size, a frame out of order, or after a flush.
    pub fn encode(
        &mut self,
        picture: &Picture,
        frame: FrameIndex,
        force_idr: bool,
    ) -> Result<Option<EncodedPicture<'_>>, MediaError> {
        if (picture.width(), picture.height()) != (self.width, self.height) {
            return Err(MediaError::Encode {
                reason: format!(
                    "a picture of {}x{} in a stream of {}x{}",
                    picture.width(),
                    picture.height(),
                    self.width,
                    self.height
                ),
            });
        }
        if self.flushing || self.last.is_some_and(|last| frame.frames_since(last) != 1) {
            return Err(MediaError::Encode {
                reason: format!("frame {frame} after frame {:?}, flushing: {}", self.last, self.flushing),
            });
        }
        self.last = Some(frame);
        let mut input = MaybeUninit::uninit();
        // SAFETY: x264 fills the structure.
        let mut input: x::x264_picture_t = unsafe {
            x::x264_picture_init(input.as_mut_ptr());
            input.assume_init()
        };
        input.i_pts = frame.0;
        input.i_type = if force_idr { x::X264_TYPE_IDR as i32 } else { x::X264_TYPE_AUTO as i32 };
        input.img.i_csp = x::X264_CSP_I420 as i32;
        input.img.i_plane = 3;
        for plane in 0..3 {
            let (data, stride) = picture.plane(plane);
            input.img.plane[plane] = data.as_ptr().cast_mut();
            input.img.i_stride[plane] = stride as i32;
        }
        self.run(&mut input)
    }

    /// Gives the next access unit still inside, or `None` when there is none left.
    ///
    /// # Errors
    /// [`MediaError::Encode`] when x264 fails.
    pub fn flush(&mut self) -> Result<Option<EncodedPicture<'_>>, MediaError> {
        self.flushing = true;
        // SAFETY: the encoder is open.
        while unsafe { x::x264_encoder_delayed_frames(self.handle.as_ptr()) } > 0 {
            let (nals, info) = self.step(ptr::null_mut())?;
            if !nals.is_empty() {
                return self.finish(nals, info).map(Some);
            }
        }
        Ok(None)
    }

    /// How many frames a picture may be shown after others that follow it in decoding order: the largest
    /// `pts - dts` of a frame shown at once.
    #[must_use]
    pub fn reorder_frames(&self) -> i64 {
        self.reorder
    }

    /// `level_idc` of the stream: 31 for level 3.1.
    #[must_use]
    pub fn level_idc(&self) -> i32 {
        self.level
    }

    /// Frames that go in before the first access unit comes out, at most.
    #[must_use]
    pub fn delay_frames(&self) -> i64 {
        // SAFETY: the encoder is open.
        i64::from(unsafe { x::x264_encoder_maximum_delayed_frames(self.handle.as_ptr()) })
    }

    /// The parameter sets, byte stream format: what a container keeps apart from the stream.
    ///
    /// # Errors
    /// [`MediaError::Encode`] when x264 fails.
    pub fn parameter_sets(&mut self) -> Result<Vec<u8>, MediaError> {
        let units = self.headers()?;
        let wanted = |n: &&x::x264_nal_t| is_sps(n) || n.i_type == x::nal_unit_type_e_NAL_PPS as i32;
        Ok(units.iter().filter(wanted).flat_map(|n| self.told(n)).copied().collect())
    }

    /// x264's own parameter sets and messages; they live until its next call.
    fn headers(&mut self) -> Result<&'static [x::x264_nal_t], MediaError> {
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        // SAFETY: the encoder is open; on success `nals` points to `count` units valid until its next call.
        unsafe {
            if x::x264_encoder_headers(self.handle.as_ptr(), &mut nals, &mut count) < 0 {
                return Err(MediaError::Encode { reason: "x264 gave no parameter sets".into() });
            }
            Ok(std::slice::from_raw_parts(nals, count.max(0) as usize))
        }
    }

    /// A unit as it goes into the stream.
    fn told<'n>(&'n self, nal: &'n x::x264_nal_t) -> &'n [u8] {
        match &self.declared {
            Some(declared) if is_sps(nal) => declared,
            _ => payload(nal),
        }
    }

    fn run(&mut self, input: &mut x::x264_picture_t) -> Result<Option<EncodedPicture<'_>>, MediaError> {
        let (nals, info) = self.step(input)?;
        if nals.is_empty() {
            return Ok(None);
        }
        self.finish(nals, info).map(Some)
    }

    /// One call of x264. The units live until the next call, which `&mut self` keeps from happening while
    /// an `EncodedPicture` made of them is borrowed.
    fn step(
        &mut self,
        input: *mut x::x264_picture_t,
    ) -> Result<(&'static [x::x264_nal_t], Info), MediaError> {
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        let mut output = MaybeUninit::uninit();
        // SAFETY: the encoder is open; the input is null or complete, its planes readable for the size the
        // encoder was opened with. x264 fills the output when it gives units. `finish` binds the units to
        // the borrow of `self`.
        unsafe {
            x::x264_picture_init(output.as_mut_ptr());
            let size = x::x264_encoder_encode(
                self.handle.as_ptr(),
                &mut nals,
                &mut count,
                input,
                output.as_mut_ptr(),
            );
            if size < 0 {
                return Err(MediaError::Encode { reason: "x264 failed to encode a frame".into() });
            }
            let output = output.assume_init();
            let info = Info {
                pts: output.i_pts,
                dts: output.i_dts,
                idr: output.i_type == x::X264_TYPE_IDR as i32,
                arrival: CpbArrival::of(&output.hrd_timing),
            };
            if size == 0 || nals.is_null() {
                return Ok((&[], info));
            }
            Ok((std::slice::from_raw_parts(nals, count.max(0) as usize), info))
        }
    }

    /// Makes an access unit of x264's units, which it lays out one after another in memory.
    fn finish(
        &mut self,
        nals: &'static [x::x264_nal_t],
        info: Info,
    ) -> Result<EncodedPicture<'_>, MediaError> {
        let total: usize = nals.iter().map(|n| payload(n).len()).sum();
        let differs = |n| is_version_message(n) || (self.declared.is_some() && is_sps(n));
        let data = if nals.iter().any(differs) {
            // Without the message with x264's version and options, once in a stream, which would make the bytes
            // depend on the build.
            let mut changed = std::mem::take(&mut self.changed);
            changed.clear();
            for nal in nals.iter().filter(|n| !is_version_message(n)) {
                changed.extend_from_slice(self.told(nal));
            }
            self.changed = changed;
            &self.changed
        } else {
            // SAFETY: x264 documents that the payloads of all units are sequential in memory; they live
            // until its next call, which needs the `&mut self` this borrow holds.
            unsafe { std::slice::from_raw_parts(nals[0].p_payload, total) }
        };
        let Info { pts, dts, idr, arrival } = info;
        Ok(EncodedPicture { data, pts: FrameIndex(pts), dts: FrameIndex(dts), idr, arrival })
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        let _lock = codec_lock();
        // SAFETY: the encoder is owned and dropped once.
        unsafe { x::x264_encoder_close(self.handle.as_ptr()) };
    }
}

#[derive(Clone, Copy)]
struct Info {
    pts: i64,
    dts: i64,
    idr: bool,
    arrival: Option<CpbArrival>,
}

/// How full the buffer of a first encoder is when its first picture is removed, in thousandths. A receiver waits for a
/// full buffer before later pictures too; with less at first the picture that somebody waits for would only come later.
const FIRST_FULLNESS: u16 = 1000;

/// x264's presets. Checked here because x264 complains to standard error.
const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

fn check(config: &VideoEncoderConfig<'_>) -> Result<(), MediaError> {
    let side = |n: u32| (16..=8192).contains(&n) && n.is_multiple_of(2);
    let complaint = if !side(config.width) || !side(config.height) {
        "both sides must be even and 16 to 8192"
    } else if !(1..=16).contains(&config.threads) {
        "threads must be 1 to 16"
    } else if !PRESETS.contains(&config.preset) {
        "the preset must be one of x264's, ultrafast to placebo"
    } else if !(1..=240_000).contains(&config.bitrate_kbps)
        || !(config.bitrate_kbps..=240_000).contains(&config.peak_kbps)
        || !(1..=config.declared_buffer_kbits).contains(&config.vbv_buffer_kbits)
    {
        "the bit rate must be 1 to 240000 kbit/s, the buffer at least 1 kbit and the declared one no smaller"
    } else if !(1..=3_600).contains(&config.gop_frames) {
        "a GOP must have 1 to 3600 frames"
    } else {
        return Ok(());
    };
    Err(MediaError::Config { what: format!("{config:?}: {complaint}") })
}

fn configure(p: &mut x::x264_param_t, config: &VideoEncoderConfig<'_>, level: i32, references: i32) {
    // Repeatable on every machine.
    p.b_cpu_independent = 1;
    p.b_deterministic = 1;
    p.i_threads = config.threads as i32;
    p.b_sliced_threads = 0;
    if config.threads == 1 {
        // No lookahead thread either.
        p.i_sync_lookahead = 0;
        p.i_lookahead_threads = 1;
    }
    p.i_log_level = -1;

    (p.i_width, p.i_height) = (config.width as i32, config.height as i32);
    p.i_csp = x::X264_CSP_I420 as i32;
    p.i_level_idc = level;
    p.i_frame_reference = p.i_frame_reference.min(references);
    (p.i_fps_num, p.i_fps_den) = (config.rate.num() as u32, config.rate.den() as u32);
    // One tick a frame: stamps in and out are frame numbers.
    (p.i_timebase_num, p.i_timebase_den) = (config.rate.den() as u32, config.rate.num() as u32);
    p.b_vfr_input = 0;

    // IDR pictures come where the caller wants them and every `gop_frames`, nowhere else.
    p.i_keyint_max = config.gop_frames as i32;
    p.i_keyint_min = 1;
    p.i_scenecut_threshold = 0;
    p.b_open_gop = 0;
    p.b_intra_refresh = 0;

    p.rc.i_rc_method = x::X264_RC_ABR as i32;
    p.rc.i_bitrate = config.bitrate_kbps as i32;
    p.rc.i_vbv_max_bitrate = config.peak_kbps as i32;
    p.rc.i_vbv_buffer_size = config.vbv_buffer_kbits as i32;
    p.i_nal_hrd = x::X264_NAL_HRD_VBR as i32;

    p.b_annexb = 1;
    p.b_aud = 1;
    p.b_repeat_headers = 1;
    p.vui.b_fullrange = 0;
    let matrix = Matrix::by_size(config.width, config.height);
    // ITU-T H.273: primaries, transfer characteristics, matrix.
    (p.vui.i_colorprim, p.vui.i_transfer, p.vui.i_colmatrix) = match (matrix, config.height) {
        (Matrix::Bt709, _) => (1, 1, 1),
        (_, 576) => (5, 6, 5),
        _ => (6, 6, 6),
    };
    (p.vui.i_sar_width, p.vui.i_sar_height) = (1, 1);
}

fn payload(nal: &x::x264_nal_t) -> &[u8] {
    // SAFETY: x264 keeps `i_payload` bytes at `p_payload` until its next call, for which the encoder must
    // be borrowed anew.
    unsafe { std::slice::from_raw_parts(nal.p_payload, nal.i_payload.max(0) as usize) }
}

fn is_sps(nal: &x::x264_nal_t) -> bool {
    nal.i_type == x::nal_unit_type_e_NAL_SPS as i32
}

/// Whether a unit is the user data message (ISO/IEC 14496-10 §D.1.7, payload type 5) x264 signs with.
fn is_version_message(nal: &x::x264_nal_t) -> bool {
    if nal.i_type != x::nal_unit_type_e_NAL_SEI as i32 {
        return false;
    }
    let unit = payload(nal);
    let start = unit.iter().position(|&b| b == 1).map_or(unit.len(), |i| i + 1);
    unit.get(start + 1) == Some(&5)
}
