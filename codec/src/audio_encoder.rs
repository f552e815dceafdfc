//! AAC-LC in ADTS (ISO/IEC 14496-3 §1.A.3), 48 kHz stereo, 1024 samples to an access unit.
//!
//! With the FDK library (feature `fdk-aac`): fixed point, the same bytes on every machine. Without it,
//! libav's encoder: floating point, the same bytes on one machine only.

use crate::MediaError;
use crate::start_up::{codec_lock, init};

#[cfg(feature = "fdk-aac")]
use fdk_encoder as backend;
#[cfg(not(feature = "fdk-aac"))]
use libav_encoder as backend;

/// An AAC encoder.
///
/// **Contract: [`encode`](AudioEncoder::encode) 1024 sample pairs at a time, then call
/// [`flush`](AudioEncoder::flush) until it gives `false`. Access unit `n` holds sample pairs from
/// `n * 1024 - delay_samples()` on.**
pub struct AudioEncoder {
    backend: backend::Backend,
    flushing: bool,
}

/// Values in one call: 1024 sample pairs.
const VALUES: usize = 2 * retrovue_timebase::AAC_FRAME_SAMPLES as usize;

/// Largest access unit: 6144 bits a channel (ISO/IEC 14496-3 §4.5.3.2) and the ADTS header.
const MAX_UNIT: usize = 2 * 6144 / 8 + 7;

impl AudioEncoder {
    /// Opens an encoder. Bit rate in units of 1000 bits a second, 32 to 512.
    ///
    /// # Errors
    /// [`MediaError::Config`] for another bit rate.
    pub fn open(bitrate_kbps: u32) -> Result<AudioEncoder, MediaError> {
        init();
        if !(32..=512).contains(&bitrate_kbps) {
            return Err(MediaError::Config {
                what: format!("an audio bit rate of {bitrate_kbps} kbit/s is outside 32 to 512"),
            });
        }
        let _lock = codec_lock();
        Ok(AudioEncoder { backend: backend::Backend::open(bitrate_kbps)?, flushing: false })
    }

    /// Sample pairs by which decoded audio lags behind what went in: the first access unit begins that
    /// long before the first sample.
    #[must_use]
    pub fn delay_samples(&self) -> i64 {
        self.backend.delay()
    }

    /// Encodes 1024 interleaved sample pairs. True when an access unit was written to `out`, which is
    /// cleared first and keeps its capacity.
    ///
    /// # Errors
    /// [`MediaError::Encode`] for another number of samples, or after a flush.
    pub fn encode(&mut self, pcm: &[i16], out: &mut Vec<u8>) -> Result<bool, MediaError> {
        if pcm.len() != VALUES || self.flushing {
            return Err(MediaError::Encode {
                reason: format!(
                    "{} audio values given where {VALUES} belong, flushing: {}",
                    pcm.len(),
                    self.flushing
                ),
            });
        }
        self.write(Some(pcm), out)
    }

    /// Writes the next access unit still inside; false when there is none left.
    ///
    /// # Errors
    /// [`MediaError::Encode`] when the encoder fails.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<bool, MediaError> {
        self.flushing = true;
        self.write(None, out)
    }

    fn write(&mut self, pcm: Option<&[i16]>, out: &mut Vec<u8>) -> Result<bool, MediaError> {
        out.clear();
        out.resize(MAX_UNIT, 0);
        let written = self.backend.encode(pcm, out);
        out.truncate(*written.as_ref().unwrap_or(&0));
        written.map(|n| n > 0)
    }
}

#[cfg(feature = "fdk-aac")]
mod fdk_encoder {
    use crate::MediaError;
    use fdk_aac_sys as fdk;
    use std::mem::MaybeUninit;
    use std::ptr;

    pub(super) struct Backend {
        handle: fdk::HANDLE_AACENCODER,
        delay: i64,
    }

    // SAFETY: the handle has no thread affinity and is used by one thread at a time.
    unsafe impl Send for Backend {}

    impl Backend {
        pub(super) fn open(bitrate_kbps: u32) -> Result<Backend, MediaError> {
            let mut handle = ptr::null_mut();
            // SAFETY: the handle is writable; modules by default, two channels.
            let code = unsafe { fdk::aacEncOpen(&mut handle, 0, 2) };
            if code != fdk::AACENC_ERROR_AACENC_OK || handle.is_null() {
                return Err(MediaError::OutOfMemory { what: "an AAC encoder" });
            }
            let mut backend = Backend { handle, delay: 0 };
            for (parameter, value) in [
                (fdk::AACENC_PARAM_AACENC_AOT, fdk::AUDIO_OBJECT_TYPE_AOT_AAC_LC as u32),
                (fdk::AACENC_PARAM_AACENC_SAMPLERATE, 48_000),
                (fdk::AACENC_PARAM_AACENC_CHANNELMODE, 2),
                (fdk::AACENC_PARAM_AACENC_BITRATE, bitrate_kbps * 1000),
                (fdk::AACENC_PARAM_AACENC_TRANSMUX, fdk::TRANSPORT_TYPE_TT_MP4_ADTS as u32),
                // Better quality for some more work.
                (fdk::AACENC_PARAM_AACENC_AFTERBURNER, 1),
            ] {
                // SAFETY: the handle is open.
                let code = unsafe { fdk::aacEncoder_SetParam(backend.handle, parameter, value) };
                if code != fdk::AACENC_ERROR_AACENC_OK {
                    return Err(MediaError::Config {
                        what: format!("the AAC encoder refuses {value} for parameter {parameter:#x}"),
                    });
                }
            }
            let mut info = MaybeUninit::uninit();
            // SAFETY: the handle is open; the call without buffers applies the parameters, and aacEncInfo
            // fills the structure when it succeeds.
            let delay = unsafe {
                let mut code =
                    fdk::aacEncEncode(backend.handle, ptr::null(), ptr::null(), ptr::null(), ptr::null_mut());
                if code == fdk::AACENC_ERROR_AACENC_OK {
                    code = fdk::aacEncInfo(backend.handle, info.as_mut_ptr());
                }
                if code != fdk::AACENC_ERROR_AACENC_OK {
                    return Err(MediaError::Config {
                        what: format!("the AAC encoder refuses {bitrate_kbps} kbit/s (code {code:#x})"),
                    });
                }
                let info: fdk::AACENC_InfoStruct = info.assume_init();
                i64::from(info.nDelay)
            };
            backend.delay = delay;
            Ok(backend)
        }

        pub(super) fn delay(&self) -> i64 {
            self.delay
        }

        pub(super) fn encode(&mut self, pcm: Option<&[i16]>, out: &mut [u8]) -> Result<usize, MediaError> {
            let mut input = pcm.map_or(ptr::null_mut(), |p| p.as_ptr().cast_mut().cast::<libc::c_void>());
            let (mut in_kind, mut in_size, mut in_each) =
                (fdk::AACENC_BufferIdentifier_IN_AUDIO_DATA as i32, pcm.map_or(0, |p| p.len() as i32 * 2), 2);
            let mut output = out.as_mut_ptr().cast::<libc::c_void>();
            let (mut out_kind, mut out_size, mut out_each) =
                (fdk::AACENC_BufferIdentifier_OUT_BITSTREAM_DATA as i32, out.len() as i32, 1);
            let input = fdk::AACENC_BufDesc {
                numBufs: 1,
                bufs: &mut input,
                bufferIdentifiers: &mut in_kind,
                bufSizes: &mut in_size,
                bufElSizes: &mut in_each,
            };
            let output = fdk::AACENC_BufDesc {
                numBufs: 1,
                bufs: &mut output,
                bufferIdentifiers: &mut out_kind,
                bufSizes: &mut out_size,
                bufElSizes: &mut out_each,
            };
            // -1 marks the end of the input.
            let arguments =
                fdk::AACENC_InArgs { numInSamples: pcm.map_or(-1, |p| p.len() as i32), numAncBytes: 0 };
            let mut result = MaybeUninit::zeroed();
            // SAFETY: the handle is open; both descriptors refer to live buffers of the sizes told, of
            // which the input is only read; the result is plain data, zero from the start.
            let (code, result) = unsafe {
                let code = fdk::aacEncEncode(self.handle, &input, &output, &arguments, result.as_mut_ptr());
                let result: fdk::AACENC_OutArgs = result.assume_init();
                (code, result)
            };
            match code {
                fdk::AACENC_ERROR_AACENC_OK => Ok(result.numOutBytes.max(0) as usize),
                fdk::AACENC_ERROR_AACENC_ENCODE_EOF => Ok(0),
                code => Err(MediaError::Encode { reason: format!("AAC encoder error {code:#x}") }),
            }
        }
    }

    impl Drop for Backend {
        fn drop(&mut self) {
            // SAFETY: the handle is owned and dropped once.
            unsafe { fdk::aacEncClose(&mut self.handle) };
        }
    }
}

#[cfg(not(feature = "fdk-aac"))]
mod libav_encoder {
    use crate::MediaError;
    use crate::libav::{Frame, Packet, error_text};
    use ffmpeg_sys_next as ff;
    use std::ptr::{self, NonNull};

    pub(super) struct Backend {
        context: NonNull<ff::AVCodecContext>,
        frame: Frame,
        packet: Packet,
        count: i64,
        ended: bool,
    }

    // SAFETY: a codec context has no thread affinity and is used by one thread at a time.
    unsafe impl Send for Backend {}

    impl Backend {
        pub(super) fn open(bitrate_kbps: u32) -> Result<Backend, MediaError> {
            // SAFETY: no preconditions; null is handled.
            let codec = unsafe { ff::avcodec_find_encoder(ff::AVCodecID::AV_CODEC_ID_AAC) };
            // SAFETY: the codec is null or static; null is handled.
            let context = NonNull::new(unsafe { ff::avcodec_alloc_context3(codec) })
                .filter(|_| !codec.is_null())
                .ok_or(MediaError::Config { what: "libav lacks an AAC encoder".into() })?;
            let backend =
                Backend { context, frame: Frame::new()?, packet: Packet::new()?, count: 0, ended: false };
            // SAFETY: the context is fresh and ours; the frame is set up as av_frame_get_buffer wants it.
            let code = unsafe {
                let c = context.as_ptr();
                (*c).sample_fmt = ff::AVSampleFormat::AV_SAMPLE_FMT_FLTP;
                (*c).sample_rate = 48_000;
                (*c).bit_rate = i64::from(bitrate_kbps) * 1000;
                (*c).time_base = ff::AVRational { num: 1, den: 48_000 };
                (*c).flags |= ff::AV_CODEC_FLAG_BITEXACT as i32;
                (*c).thread_count = 1;
                ff::av_channel_layout_default(&mut (*c).ch_layout, 2);
                let f = backend.frame.as_ptr();
                (*f).format = ff::AVSampleFormat::AV_SAMPLE_FMT_FLTP as i32;
                (*f).sample_rate = 48_000;
                (*f).nb_samples = 1024;
                ff::av_channel_layout_default(&mut (*f).ch_layout, 2);
                let code = ff::avcodec_open2(c, codec, ptr::null_mut());
                if code < 0 { code } else { ff::av_frame_get_buffer(f, 0) }
            };
            if code < 0 {
                return Err(MediaError::Config {
                    what: format!("the AAC encoder refuses {bitrate_kbps} kbit/s: {}", error_text(code)),
                });
            }
            Ok(backend)
        }

        pub(super) fn delay(&self) -> i64 {
            // SAFETY: the context is open.
            i64::from(unsafe { self.context.as_ref().initial_padding })
        }

        pub(super) fn encode(&mut self, pcm: Option<&[i16]>, out: &mut [u8]) -> Result<usize, MediaError> {
            let failed = |code: i32| MediaError::Encode { reason: format!("AAC: {}", error_text(code)) };
            if let Some(pcm) = pcm {
                // SAFETY: the frame is ours and gets buffers of its own if the encoder still holds them;
                // each plane has 1024 floats.
                let (left, right) = unsafe {
                    let f = self.frame.as_ptr();
                    let code = ff::av_frame_make_writable(f);
                    if code < 0 {
                        return Err(failed(code));
                    }
                    (*f).pts = self.count;
                    (
                        std::slice::from_raw_parts_mut((*f).data[0].cast::<f32>(), 1024),
                        std::slice::from_raw_parts_mut((*f).data[1].cast::<f32>(), 1024),
                    )
                };
                self.count += 1024;
                for (pair, (l, r)) in pcm.chunks_exact(2).zip(left.iter_mut().zip(right)) {
                    (*l, *r) = (f32::from(pair[0]) / 32_768.0, f32::from(pair[1]) / 32_768.0);
                }
            }
            let end = pcm.is_none() && !std::mem::replace(&mut self.ended, pcm.is_none());
            // SAFETY: the context is open; the frame is ours or null for the end; the packet is ours.
            let code = unsafe {
                if pcm.is_some() || end {
                    let raw = if pcm.is_some() { self.frame.as_ptr() } else { ptr::null_mut() };
                    let code = ff::avcodec_send_frame(self.context.as_ptr(), raw);
                    if code < 0 {
                        return Err(failed(code));
                    }
                }
                ff::avcodec_receive_packet(self.context.as_ptr(), self.packet.as_ptr())
            };
            if code == ff::AVERROR(libc::EAGAIN) || code == ff::AVERROR_EOF {
                return Ok(0);
            }
            if code < 0 {
                return Err(failed(code));
            }
            let unit = self.packet.data();
            let total = unit.len() + 7;
            let Some(space) = out.get_mut(..total) else {
                return Err(MediaError::Encode { reason: format!("an AAC access unit of {total} bytes") });
            };
            space[..7].copy_from_slice(&adts_header(total));
            space[7..].copy_from_slice(unit);
            Ok(total)
        }
    }

    /// Header of an AAC-LC, 48 kHz, stereo access unit of `total` bytes (ISO/IEC 14496-3 §1.A.2.2).
    fn adts_header(total: usize) -> [u8; 7] {
        let n = total as u32;
        [
            0xff,
            0xf1,
            // Profile LC, sampling_frequency_index 3, channel configuration 2.
            0x40 | 3 << 2,
            0x80 | (n >> 11 & 3) as u8,
            (n >> 3) as u8,
            ((n & 7) << 5) as u8 | 0x1f,
            0xfc,
        ]
    }

    impl Drop for Backend {
        fn drop(&mut self) {
            let mut context = self.context.as_ptr();
            // SAFETY: the context is owned and dropped once.
            unsafe { ff::avcodec_free_context(&mut context) };
        }
    }
}
