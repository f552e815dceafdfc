//! Decodes AAC with the FDK library: LC, HE and HE v2, raw access units or ADTS.
//!
//! Fixed point: the same samples on every machine. What delays the output is off; priming
//! is cut by the container's stamps and skip counts, as libav's own decoder does.

use crate::MediaError;
use crate::libav::{Frame, Packet};
use crate::libav_decoder::Received;
use crate::stamp::TimeBase;
use fdk_aac_sys as fdk;
use ffmpeg_sys_next as ff;
use std::ptr;

/// An open FDK decoder.
pub(crate) struct AacDecoder {
    handle: fdk::HANDLE_AACDECODER,
    base: TimeBase,
    /// Samples of the last access unit, interleaved.
    pcm: Vec<i16>,
    ready: Option<Decoded>,
    /// Samples still to be dropped at the start.
    skip: usize,
    ended: bool,
}

#[derive(Clone, Copy)]
struct Decoded {
    pts: Option<i64>,
    rate: i32,
    channels: usize,
    /// First and last sample wanted.
    from: usize,
    until: usize,
}

/// Why an access unit gave no samples.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The library does not do this variant of AAC.
    Unsupported,
    /// The access unit is damaged.
    Damaged(String),
}

// SAFETY: the handle has no thread affinity and is used by one thread at a time.
unsafe impl Send for AacDecoder {}

/// Most samples of one access unit: 8 channels of 2048.
const MAX_SAMPLES: usize = 8 * 2048;

impl AacDecoder {
    /// A decoder for raw access units described by `config` (an AudioSpecificConfig), or for ADTS where
    /// that is empty. `None` when the library does not do this variant.
    pub(crate) fn open(config: &[u8], base: TimeBase) -> Option<AacDecoder> {
        let transport =
            if config.is_empty() { fdk::TRANSPORT_TYPE_TT_MP4_ADTS } else { fdk::TRANSPORT_TYPE_TT_MP4_RAW };
        // SAFETY: no preconditions; null is handled.
        let handle = unsafe { fdk::aacDecoder_Open(transport, 1) };
        if handle.is_null() {
            return None;
        }
        let decoder =
            AacDecoder { handle, base, pcm: vec![0; MAX_SAMPLES], ready: None, skip: 0, ended: false };
        if !config.is_empty() {
            let mut start = config.as_ptr().cast_mut();
            let length = config.len() as u32;
            // SAFETY: the handle is open; the library reads `length` bytes from `start`.
            let code = unsafe { fdk::aacDecoder_ConfigRaw(handle, &mut start, &length) };
            if code != fdk::AAC_DECODER_ERROR_AAC_DEC_OK {
                return None;
            }
        }
        for (parameter, value) in [
            (fdk::AACDEC_PARAM_AAC_PCM_LIMITER_ENABLE, 0),
            // Concealment by noise; the interpolating one delays by an access unit.
            (fdk::AACDEC_PARAM_AAC_CONCEAL_METHOD, 1),
        ] {
            // SAFETY: the handle is open.
            unsafe { fdk::aacDecoder_SetParam(handle, parameter, value) };
        }
        Some(decoder)
    }

    /// Decodes an access unit; the samples wait for [`AacDecoder::receive`].
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<(), Refusal> {
        let Some(packet) = packet else {
            self.ended = true;
            return Ok(());
        };
        let data = packet.data();
        let mut start = data.as_ptr().cast_mut();
        let length = data.len() as u32;
        let mut left = length;
        // SAFETY: the handle is open; the library copies at most `length` bytes from `start` and writes
        // at most the length given to `pcm`.
        let code = unsafe {
            let filled = fdk::aacDecoder_Fill(self.handle, &mut start, &length, &mut left);
            if filled != fdk::AAC_DECODER_ERROR_AAC_DEC_OK {
                filled
            } else {
                fdk::aacDecoder_DecodeFrame(self.handle, self.pcm.as_mut_ptr(), MAX_SAMPLES as i32, 0)
            }
        };
        let (skip_start, skip_end) = packet.skip_samples();
        self.skip = self.skip.saturating_add(skip_start as usize);
        if UNSUPPORTED.contains(&code) {
            return Err(Refusal::Unsupported);
        }
        // Errors of this range leave concealed samples, which beat a hole.
        let concealed = (fdk::AAC_DECODER_ERROR_aac_dec_decode_error_start
            ..=fdk::AAC_DECODER_ERROR_aac_dec_decode_error_end)
            .contains(&code);
        if code != fdk::AAC_DECODER_ERROR_AAC_DEC_OK && !concealed {
            if left > 0 || code == fdk::AAC_DECODER_ERROR_AAC_DEC_TRANSPORT_SYNC_ERROR {
                self.clear();
            }
            return Err(Refusal::Damaged(format!("AAC decoder error {code:#06x}")));
        }
        // SAFETY: the handle is open; the library's own structure lives as long.
        let info = unsafe { &*fdk::aacDecoder_GetStreamInfo(self.handle) };
        let (samples, channels) = (info.frameSize.max(0) as usize, info.numChannels.max(0) as usize);
        if samples == 0 || channels == 0 || samples * channels > MAX_SAMPLES || info.sampleRate <= 0 {
            return Err(Refusal::Damaged("AAC access unit without samples".into()));
        }
        let from = self.skip.min(samples);
        self.skip -= from;
        let until = samples.saturating_sub(skip_end as usize).max(from);
        let pts = packet.pts().or(packet.dts());
        self.ready = (until > from && !packet.is_discard()).then_some(Decoded {
            pts: pts.map(|pts| pts.saturating_add(self.base.sample_ticks(from as i64, info.sampleRate))),
            rate: info.sampleRate,
            channels,
            from,
            until,
        });
        Ok(())
    }

    /// Receives the samples of the last access unit.
    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Result<Received, MediaError> {
        let Some(decoded) = self.ready.take() else {
            return Ok(if self.ended { Received::End } else { Received::Hungry });
        };
        let Some(&layout) = LAYOUTS.get(decoded.channels).filter(|&&mask| mask != 0) else {
            return Ok(Received::Damaged(format!("AAC with {} channels", decoded.channels)));
        };
        frame.unref();
        let f = frame.fields_mut();
        f.format = ff::AVSampleFormat::AV_SAMPLE_FMT_S16 as i32;
        f.sample_rate = decoded.rate;
        f.nb_samples = (decoded.until - decoded.from) as i32;
        let pts = decoded.pts.unwrap_or(ff::AV_NOPTS_VALUE);
        (f.pts, f.best_effort_timestamp) = (pts, pts);
        let pcm = &self.pcm[decoded.from * decoded.channels..decoded.until * decoded.channels];
        // SAFETY: format, rate, layout and count are set as av_frame_get_buffer wants them; it then gives
        // `nb_samples * channels` interleaved samples, which is the length of `pcm`.
        unsafe {
            ff::av_channel_layout_from_mask(&mut (*frame.as_ptr()).ch_layout, layout);
            if ff::av_frame_get_buffer(frame.as_ptr(), 0) < 0 {
                return Err(MediaError::OutOfMemory { what: "an audio frame" });
            }
            ptr::copy_nonoverlapping(pcm.as_ptr(), frame.fields().data[0].cast::<i16>(), pcm.len());
        }
        Ok(Received::Frame)
    }

    pub(crate) fn flush(&mut self) {
        self.clear();
        self.ready = None;
        self.skip = 0;
        self.ended = false;
    }

    /// Forgets buffered bytes and the overlap of the last access unit.
    fn clear(&mut self) {
        // SAFETY: the handle is open.
        unsafe {
            fdk::aacDecoder_SetParam(self.handle, fdk::AACDEC_PARAM_AAC_TPDEC_CLEAR_BUFFER, 1);
            let flags = fdk::AACDEC_CLRHIST | fdk::AACDEC_INTR;
            // With nothing to decode this only resets the history.
            fdk::aacDecoder_DecodeFrame(self.handle, self.pcm.as_mut_ptr(), MAX_SAMPLES as i32, flags);
        }
    }
}

impl Drop for AacDecoder {
    fn drop(&mut self) {
        // SAFETY: the handle is owned and dropped once.
        unsafe { fdk::aacDecoder_Close(self.handle) };
    }
}

const UNSUPPORTED: [fdk::AAC_DECODER_ERROR; 9] = [
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_AOT,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_FORMAT,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_ER_FORMAT,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_EPCONFIG,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_MULTILAYER,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_CHANNELCONFIG,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_SAMPLINGRATE,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_PREDICTION,
    fdk::AAC_DECODER_ERROR_AAC_DEC_UNSUPPORTED_GAIN_CONTROL_DATA,
];

/// Speaker masks by channel count, in the order the library gives (that of WAV files).
const LAYOUTS: [u64; 9] = [0, 0x4, 0x3, 0x7, 0x107, 0x37, 0x3f, 0x13f, 0x63f];
