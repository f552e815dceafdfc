//! Process-wide start-up: libav's log goes to `tracing`, and codec code is touched before forking.
//!
//! Nothing here starts a thread. Opening codecs is serialised through [`codec_lock`].

use crate::{
    AudioEncoder, MediaError, Picture, VideoEncoder, VideoEncoderConfig, audio_decoder, convert, resample,
    video_decoder,
};
use ffmpeg_sys_next as ff;
use retrovue_timebase::{FrameIndex, FrameRate};
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Prepares the libraries for this process: libav's messages go to `tracing` at debug level, a line at a
/// time, instead of to standard error. Cheap and idempotent; every entry point of this crate calls it.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callback has the type libav wants, never unwinds, and stays valid for ever.
        unsafe { ff::av_log_set_callback(Some(forward_log)) };
    });
}

/// Runs a few tiny frames through the encoders, the decoders, the scaler and the resampler, so that
/// processes forked afterwards share the pages they touched. Everything is closed again and no thread is
/// left behind. Idempotent; failures only cost the sharing.
pub fn warm_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        init();
        if let Err(error) = touch() {
            tracing::debug!(%error, "warming up the codecs failed");
        }
    });
}

fn touch() -> Result<(), MediaError> {
    let rate = FrameRate::new(30, 1).map_err(|e| MediaError::Config { what: e.to_string() })?;
    let config = VideoEncoderConfig {
        width: 320,
        height: 180,
        rate,
        bitrate_kbps: 500,
        peak_kbps: 500,
        vbv_buffer_kbits: 500,
        declared_buffer_kbits: 500,
        gop_frames: 30,
        preset: "veryfast",
        threads: 1,
    };
    let mut encoder = VideoEncoder::open(&config)?;
    let mut decoder = video_decoder::WarmUp::h264()?;
    let mut converter = convert::HouseConverter::new(160, 90)?;
    let mut house = Picture::empty();
    let mut picture = Picture::black(320, 180)?;
    for k in 0..16 {
        picture.plane_mut(0)?.0.iter_mut().step_by(7).for_each(|y| *y = y.wrapping_add(40));
        if let Some(unit) = encoder.encode(&picture, FrameIndex(k), k == 0)? {
            decoder.feed(unit.data, |frame| {
                converter.convert(frame, convert::SourceShape::SQUARE, &mut house)
            })?;
        }
    }
    while encoder.flush()?.is_some() {}

    let pcm = [0i16; 2048];
    let mut encoder = AudioEncoder::open(128)?;
    let mut unit = Vec::new();
    let mut decoder = audio_decoder::WarmUp::aac()?;
    for _ in 0..6 {
        if encoder.encode(&pcm, &mut unit)? {
            decoder.feed(&unit)?;
        }
    }
    resample::warm_up()
}

/// Serialises opening and closing of codecs: two contexts opened from two threads at once have crashed
/// other stations.
pub(crate) fn codec_lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Longest libav line forwarded, in bytes; the rest is cut.
const LOG_LINE: usize = 512;

thread_local! {
    /// libav's "at the start of a line" state, so that its context prefix is printed once a line.
    static AT_LINE_START: Cell<i32> = const { Cell::new(1) };
}

#[cfg(target_arch = "x86_64")]
type VaList = *mut ff::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type VaList = ff::va_list;

/// libav's log callback. Warnings and errors of libav are about one packet of one file; what matters is
/// told by [`MediaError`], so everything goes out at debug level and costs nothing when that is off.
unsafe extern "C" fn forward_log(
    context: *mut libc::c_void,
    level: libc::c_int,
    format: *const libc::c_char,
    arguments: VaList,
) {
    if level & 0xff > ff::AV_LOG_WARNING || format.is_null() {
        return;
    }
    // A subscriber that panics must not unwind into C.
    let _ = std::panic::catch_unwind(|| {
        if !tracing::enabled!(target: "libav", tracing::Level::DEBUG) {
            return;
        }
        let mut line = [0 as libc::c_char; LOG_LINE];
        // Reentrant use within a thread is impossible: libav does not log while formatting.
        let mut prefix = AT_LINE_START.try_with(Cell::get).unwrap_or(1);
        // SAFETY: context, format and arguments are passed on as libav gave them, once; the buffer is
        // writable for the length given and always terminated.
        let text = unsafe {
            ff::av_log_format_line2(
                context,
                level,
                format,
                arguments,
                line.as_mut_ptr(),
                LOG_LINE as libc::c_int,
                &mut prefix,
            );
            CStr::from_ptr(line.as_ptr())
        };
        let _ = AT_LINE_START.try_with(|at| at.set(prefix));
        let text = text.to_string_lossy();
        tracing::debug!(target: "libav", "{}", text.trim_end());
    });
}

#[cfg(test)]
mod tests {
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }

    #[test]
    fn warming_up_succeeds_and_leaves_no_thread() {
        super::init();
        let before = threads();
        super::touch().unwrap();
        // Other tests' threads come and go; only a lasting surplus counts.
        for _ in 0..100 {
            if threads() <= before {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{} threads before, {} after", before, threads());
    }
}
