//! Brings decoded audio to the house format: stereo, 48 kHz, 16 bit.
//!
//! libswresample computes inside in 32-bit integers, so the same input gives the same output on every
//! machine with the same library version. Downmixing is scaled so that it cannot clip; mono goes to both
//! sides at full level.

use crate::MediaError;
use crate::libav::{Frame, error_text};
use ffmpeg_sys_next as ff;
use retrovue_timebase::SAMPLE_RATE;
use std::ptr::{self, NonNull};

/// Converts frames of one format to interleaved stereo samples.
pub(crate) struct Resampler {
    context: NonNull<ff::SwrContext>,
    format: AudioFormat,
    /// Channels the converter puts out: mono is doubled afterwards.
    channels: usize,
    scratch: Vec<i16>,
}

// SAFETY: a resampling context has no thread affinity and is used by one thread at a time.
unsafe impl Send for Resampler {}

/// What makes two frames need the same resampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudioFormat {
    format: i32,
    pub(crate) rate: i32,
    channels: i32,
    /// Speaker mask, where the layout is a native one.
    mask: u64,
}

impl AudioFormat {
    pub(crate) fn of(frame: &Frame) -> AudioFormat {
        let f = frame.fields();
        let native = crate::libav::enum_value(&raw const f.ch_layout.order)
            == ff::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as i32;
        // SAFETY: the mask is the active member of the union in native order.
        let mask = if native { unsafe { f.ch_layout.u.mask } } else { 0 };
        AudioFormat { format: f.format, rate: f.sample_rate, channels: f.ch_layout.nb_channels, mask }
    }

    fn is_sound(self) -> bool {
        (1_000..=768_000).contains(&self.rate) && (1..=64).contains(&self.channels) && self.format >= 0
    }
}

/// Most samples converted in one call, per channel: a second of the house rate.
const MAX_BLOCK: usize = 48_000;

impl Resampler {
    pub(crate) fn new(format: AudioFormat) -> Result<Resampler, MediaError> {
        let refused = |reason: String| MediaError::Config {
            what: format!(
                "audio of {} channels at {} Hz cannot be resampled: {reason}",
                format.channels, format.rate
            ),
        };
        if !format.is_sound() {
            return Err(refused("no sensible format".into()));
        }
        // SAFETY: no preconditions; null is handled.
        let context = NonNull::new(unsafe { ff::swr_alloc() })
            .ok_or(MediaError::OutOfMemory { what: "a resampler" })?;
        let channels = if format.channels == 1 { 1 } else { 2 };
        let resampler = Resampler { context, format, channels, scratch: Vec::new() };
        let raw = context.as_ptr().cast::<libc::c_void>();
        // SAFETY: the context is ours and not yet initialised; the layouts are initialised before use, of
        // native or default order, and need no freeing; option names are terminated.
        let code = unsafe {
            let mut input: ff::AVChannelLayout = std::mem::zeroed();
            if format.mask == 0 || ff::av_channel_layout_from_mask(&mut input, format.mask) < 0 {
                ff::av_channel_layout_default(&mut input, format.channels);
            }
            if format.mask != 0 && input.nb_channels != format.channels {
                ff::av_channel_layout_default(&mut input, format.channels);
            }
            let mut output: ff::AVChannelLayout = std::mem::zeroed();
            ff::av_channel_layout_default(&mut output, channels as i32);
            let s16 = ff::AVSampleFormat::AV_SAMPLE_FMT_S16 as i64;
            let s32p = ff::AVSampleFormat::AV_SAMPLE_FMT_S32P as i64;
            ff::av_opt_set_chlayout(raw, c"in_chlayout".as_ptr(), &input, 0);
            ff::av_opt_set_chlayout(raw, c"out_chlayout".as_ptr(), &output, 0);
            for (name, value) in [
                (c"in_sample_rate", i64::from(format.rate)),
                (c"out_sample_rate", SAMPLE_RATE),
                (c"in_sample_fmt", i64::from(format.format)),
                (c"out_sample_fmt", s16),
                (c"internal_sample_fmt", s32p),
            ] {
                ff::av_opt_set_int(raw, name.as_ptr(), value, 0);
            }
            ff::swr_init(context.as_ptr())
        };
        if code < 0 { Err(refused(error_text(code))) } else { Ok(resampler) }
    }

    pub(crate) fn format(&self) -> AudioFormat {
        self.format
    }

    /// Converts `frame` from its sample `skip` on, or what is left inside when there is none, and appends
    /// interleaved stereo to `out`.
    pub(crate) fn convert(
        &mut self,
        frame: Option<(&Frame, usize)>,
        out: &mut Vec<i16>,
    ) -> Result<(), MediaError> {
        let mut planes = [ptr::null::<u8>(); 64];
        let mut count = 0;
        if let Some((frame, skip)) = frame {
            count = (frame.fields().nb_samples.max(0) as usize).saturating_sub(skip);
            if count == 0 {
                return Ok(());
            }
            self.point(frame, skip, &mut planes);
        }
        let mut input = frame.map_or(ptr::null_mut(), |_| planes.as_mut_ptr());
        loop {
            // SAFETY: the context is initialised.
            let room =
                unsafe { ff::swr_get_out_samples(self.context.as_ptr(), count as i32) }.max(0) as usize;
            let room = room.clamp(64, MAX_BLOCK);
            self.scratch.resize(room * self.channels, 0);
            let mut target = self.scratch.as_mut_ptr().cast::<u8>();
            // SAFETY: the input planes hold `count` samples in the format the context was made for, or the
            // input is null; the target has room for `room` samples. What does not fit is kept inside.
            let made = unsafe {
                ff::swr_convert(self.context.as_ptr(), &raw mut target, room as i32, input, count as i32)
            };
            if made < 0 {
                return Err(MediaError::Config { what: format!("resampling failed: {}", error_text(made)) });
            }
            let made = made as usize;
            let block = &self.scratch[..made * self.channels];
            if self.channels == 1 {
                out.extend(block.iter().flat_map(|&s| [s, s]));
            } else {
                out.extend_from_slice(block);
            }
            if made < room {
                return Ok(());
            }
            // The block was full: fetch what is left inside, without marking the end of the input.
            if frame.is_some() {
                input = planes.as_mut_ptr();
            }
            count = 0;
        }
    }

    fn point(&self, frame: &Frame, skip: usize, planes: &mut [*const u8; 64]) {
        let f = frame.fields();
        let channels = self.format.channels as usize;
        let (mut line, mut packed) = (0, false);
        // SAFETY: the format came from the decoder; both calls only look it up. It is passed on as the
        // integer that it is.
        unsafe {
            let name = sample_format(f.format);
            if let Some(format) = name {
                line = ff::av_get_bytes_per_sample(format) as usize;
                packed = ff::av_sample_fmt_is_planar(format) == 0;
            }
        }
        let used = if packed { 1 } else { channels };
        let step = if packed { line * channels } else { line };
        for (channel, plane) in planes.iter_mut().take(used).enumerate() {
            // SAFETY: extended_data has a pointer for every plane, each `nb_samples` samples long, and
            // `skip` is below that.
            *plane = unsafe { (*f.extended_data.add(channel)).add(skip * step) };
        }
    }
}

fn sample_format(value: i32) -> Option<ff::AVSampleFormat> {
    use ff::AVSampleFormat as S;
    [
        S::AV_SAMPLE_FMT_U8,
        S::AV_SAMPLE_FMT_S16,
        S::AV_SAMPLE_FMT_S32,
        S::AV_SAMPLE_FMT_FLT,
        S::AV_SAMPLE_FMT_DBL,
        S::AV_SAMPLE_FMT_U8P,
        S::AV_SAMPLE_FMT_S16P,
        S::AV_SAMPLE_FMT_S32P,
        S::AV_SAMPLE_FMT_FLTP,
        S::AV_SAMPLE_FMT_DBLP,
        S::AV_SAMPLE_FMT_S64,
        S::AV_SAMPLE_FMT_S64P,
    ]
    .into_iter()
    .find(|&s| s as i32 == value)
}

impl Drop for Resampler {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the context is owned and dropped once.
        unsafe { ff::swr_free(&mut context) };
    }
}

/// Touches the resampler's code before forking.
pub(crate) fn warm_up() -> Result<(), MediaError> {
    let format = AudioFormat {
        format: ff::AVSampleFormat::AV_SAMPLE_FMT_S16 as i32,
        rate: 44_100,
        channels: 2,
        mask: 3,
    };
    Resampler::new(format)?.convert(None, &mut Vec::new())
}
