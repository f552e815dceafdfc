//! Decodes AAC with the FDK library: LC, HE and HE v2, raw access units or ADTS.
//!
//! Fixed point: the same samples on every machine. What delays the output is off; priming
//! is cut by the container's stamps and skip counts, as libav's own decoder does.

use crate::MediaError;
use crate::adts::{Adts, AdtsError};
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
    /// Whether each access unit comes with a header, and the config of the last one.
    adts: bool,
    config: [u8; 2],
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
        // SAFETY: no preconditions; null is handled.
        let handle = unsafe { fdk::aacDecoder_Open(fdk::TRANSPORT_TYPE_TT_MP4_RAW, 1) };
        if handle.is_null() {
            return None;
        }
        let mut decoder = AacDecoder {
            handle,
            base,
            adts: config.is_empty(),
            config: [0; 2],
            pcm: vec![0; MAX_SAMPLES],
            ready: None,
            skip: 0,
            ended: false,
        };
        if !config.is_empty() && !decoder.configure(config) {
            return None;
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

    fn configure(&mut self, config: &[u8]) -> bool {
        let mut start = config.as_ptr().cast_mut();
        let length = config.len() as u32;
        // SAFETY: the handle is open; the library reads `length` bytes from `start`.
        let code = unsafe { fdk::aacDecoder_ConfigRaw(self.handle, &mut start, &length) };
        code == fdk::AAC_DECODER_ERROR_AAC_DEC_OK
    }

    /// The raw access unit in a packet, after the library was told of a new config in an ADTS header.
    fn unwrap_unit<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], Refusal> {
        if !self.adts {
            return Ok(data);
        }
        let adts = Adts::read(data).map_err(|error| match error {
            AdtsError::Damaged => Refusal::Damaged("no ADTS header".into()),
            AdtsError::Unusual => Refusal::Unsupported,
        })?;
        if adts.config != self.config {
            if !self.configure(&adts.config) {
                return Err(Refusal::Unsupported);
            }
            self.config = adts.config;
        }
        Ok(&data[adts.header..adts.total])
    }

    /// Decodes an access unit; the samples wait for [`AacDecoder::receive`].
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<(), Refusal> {
        let Some(packet) = packet else {
            self.ended = true;
            return Ok(());
        };
        let data = self.unwrap_unit(packet.data())?;
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
            self.clear();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    /// Encodes mono `pcm` as stereo ADTS of an object type; access units and the delay told.
    fn encode(object_type: u32, bitrate: u32, pcm: &[i16]) -> (Vec<Vec<u8>>, usize, usize) {
        let mut handle = ptr::null_mut();
        let mut units = Vec::new();
        // SAFETY: a test of our own making: the handle is open, descriptors refer to live buffers.
        unsafe {
            assert_eq!(fdk::aacEncOpen(&mut handle, 0, 2), 0);
            for (parameter, value) in [
                (fdk::AACENC_PARAM_AACENC_AOT, object_type),
                (fdk::AACENC_PARAM_AACENC_SAMPLERATE, 48_000),
                (fdk::AACENC_PARAM_AACENC_CHANNELMODE, 2),
                (fdk::AACENC_PARAM_AACENC_BITRATE, bitrate),
                (fdk::AACENC_PARAM_AACENC_TRANSMUX, 2),
            ] {
                assert_eq!(fdk::aacEncoder_SetParam(handle, parameter, value), 0);
            }
            assert_eq!(fdk::aacEncEncode(handle, ptr::null(), ptr::null(), ptr::null(), ptr::null_mut()), 0);
            let mut info = MaybeUninit::uninit();
            assert_eq!(fdk::aacEncInfo(handle, info.as_mut_ptr()), 0);
            let info: fdk::AACENC_InfoStruct = info.assume_init();
            let frame = info.frameLength as usize;
            for block in pcm.chunks_exact(frame) {
                let stereo: Vec<i16> = block.iter().flat_map(|&s| [s, s]).collect();
                let mut unit = vec![0u8; 8192];
                let (mut input, mut output) = (
                    stereo.as_ptr().cast_mut().cast::<libc::c_void>(),
                    unit.as_mut_ptr().cast::<libc::c_void>(),
                );
                let (mut ik, mut is, mut ie) = (0, stereo.len() as i32 * 2, 2);
                let (mut ok, mut os, mut oe) = (3, unit.len() as i32, 1);
                let (i, o) = (
                    fdk::AACENC_BufDesc {
                        numBufs: 1,
                        bufs: &mut input,
                        bufferIdentifiers: &mut ik,
                        bufSizes: &mut is,
                        bufElSizes: &mut ie,
                    },
                    fdk::AACENC_BufDesc {
                        numBufs: 1,
                        bufs: &mut output,
                        bufferIdentifiers: &mut ok,
                        bufSizes: &mut os,
                        bufElSizes: &mut oe,
                    },
                );
                let arguments = fdk::AACENC_InArgs { numInSamples: stereo.len() as i32, numAncBytes: 0 };
                let mut result = MaybeUninit::<fdk::AACENC_OutArgs>::zeroed();
                assert_eq!(fdk::aacEncEncode(handle, &i, &o, &arguments, result.as_mut_ptr()), 0);
                unit.truncate(result.assume_init().numOutBytes as usize);
                if !unit.is_empty() {
                    units.push(unit);
                }
            }
            fdk::aacEncClose(&mut handle);
            (units, info.nDelay as usize, frame)
        }
    }

    /// Decoded audio lags behind what was encoded by exactly the encoder's delay: the decoder adds none of
    /// its own, in any variant.
    #[test]
    fn no_variant_delays_by_more_than_its_encoder_tells() {
        let sent: Vec<i16> = (0..96_000i64)
            .map(|i| {
                let t = (i % 4_800) as f64 / 48_000.0;
                let start = 300.0 + ((i / 4_800 * 7919) % 1_500) as f64;
                ((start * t + 7_500.0 * t * t) * std::f64::consts::TAU).sin() * 9_000.0
            })
            .map(|v| v as i16)
            .collect();
        // LC, HE and HE v2.
        for (object_type, bitrate, tolerance) in [(2, 128_000, 0), (5, 64_000, 2), (29, 40_000, 8)] {
            let (units, delay, frame) = encode(object_type, bitrate, &sent);
            let base = TimeBase::new(ff::AVRational { num: 1, den: 48_000 });
            let mut decoder = AacDecoder::open(&[], base).unwrap();
            let mut heard = Vec::new();
            let mut received = Frame::new().unwrap();
            for (n, unit) in units.iter().enumerate() {
                let mut packet = Packet::copied(unit).unwrap();
                packet.fields_mut().pts = (n * frame) as i64;
                decoder.send(Some(&packet)).unwrap();
                assert_eq!(decoder.receive(&mut received).unwrap(), Received::Frame);
                let f = received.fields();
                assert_eq!((f.sample_rate, f.nb_samples as usize), (48_000, frame), "{object_type}");
                assert_eq!(received.audio_stamp(), Some((n * frame) as i64));
                // SAFETY: interleaved 16-bit stereo of the count told.
                let pcm = unsafe { std::slice::from_raw_parts(f.data[0].cast::<i16>(), frame * 2) };
                heard.extend(pcm.chunks_exact(2).map(|p| p[0]));
            }
            let score = |lag: i64| -> f64 {
                (20_000..40_000i64)
                    .map(|i| {
                        f64::from(sent[i as usize]) * f64::from(heard[(i + delay as i64 + lag) as usize])
                    })
                    .sum()
            };
            let lag = (-3_000..3_000).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap();
            assert!(lag.abs() <= tolerance, "object type {object_type}: {lag} samples late");
        }
    }

    #[test]
    fn other_variants_are_left_to_others() {
        let base = TimeBase::new(ff::AVRational { num: 1, den: 48_000 });
        // AAC Main, 48 kHz, stereo: object type 1 has prediction, which the library does not do.
        assert!(AacDecoder::open(&[0x09, 0x90], base).is_none());
        // AAC LC.
        assert!(AacDecoder::open(&[0x11, 0x90], base).is_some());
        assert!(AacDecoder::open(&[0xff; 3], base).is_none());
    }

    #[test]
    fn random_access_units_are_survived() {
        let base = TimeBase::new(ff::AVRational { num: 1, den: 48_000 });
        let mut seed = 1u32;
        for config in [&[][..], &[0x11, 0x90], &[0x13, 0x10, 0x56, 0xe5, 0x98]] {
            let mut decoder = AacDecoder::open(config, base).unwrap();
            let mut frame = Frame::new().unwrap();
            for size in 0..400 {
                let unit: Vec<u8> = (0..size)
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (seed >> 24) as u8
                    })
                    .collect();
                let _ = decoder.send(Some(&Packet::copied(&unit).unwrap()));
                decoder.receive(&mut frame).unwrap();
            }
            decoder.flush();
        }
    }
}
