//! Writes pictures and samples to an MP4 file with this crate's encoders: sample media, and assets in the
//! house format.
//!
//! The same input gives the same bytes: no creation time, no version strings. The file's edit lists hide
//! the encoders' delays, so that picture 0 and sample 0 stand at time 0. libavformat writes the boxes.

use crate::libav::{Packet, error_text, output_context};
use crate::probe::Chapter;
use crate::{AudioEncoder, EncodedPicture, MediaError, Picture, VideoEncoder, VideoEncoderConfig};
use ffmpeg_sys_next as ff;
use retrovue_timebase::{AAC_FRAME_SAMPLES, FrameIndex, SAMPLE_RATE};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

/// What an MP4 file is written from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mp4Config<'a> {
    /// The video track.
    pub video: VideoEncoderConfig<'a>,
    /// Bit rate of the AAC track in units of 1000 bits a second.
    pub audio_bitrate_kbps: u32,
    /// Language of the audio track (ISO 639-2), if it is to be tagged.
    pub language: Option<&'a str>,
    /// Chapter marks.
    pub chapters: &'a [Chapter],
}

/// Writes one MP4 file.
///
/// **Contract: [`write`](Mp4Writer::write) each picture with the samples that go with it, then
/// [`finish`](Mp4Writer::finish); a file that was not finished cannot be played.**
pub struct Mp4Writer {
    path: PathBuf,
    container: Container,
    video: VideoEncoder,
    audio: AudioEncoder,
    frames: i64,
    /// Interleaved samples short of an access unit.
    pcm: Vec<i16>,
    /// Sample pairs taken in.
    samples: i64,
    /// Access units written.
    units: i64,
    unit: Vec<u8>,
}

const VIDEO: i32 = 0;
const AUDIO: i32 = 1;

/// AudioSpecificConfig of AAC-LC, 48 kHz, stereo (ISO/IEC 14496-3 §1.6.2.1).
const AUDIO_SPECIFIC_CONFIG: [u8; 2] = [0x11, 0x90];

/// Header before each access unit of the encoder; MP4 holds them without.
const ADTS_HEADER: usize = 7;

impl Mp4Writer {
    /// Begins a file, replacing what is at `path`.
    ///
    /// # Errors
    /// [`MediaError::Config`] as the encoders', [`MediaError::Write`].
    pub fn create(path: &Path, config: &Mp4Config<'_>) -> Result<Mp4Writer, MediaError> {
        let mut video = VideoEncoder::open(&config.video)?;
        let audio = AudioEncoder::open(config.audio_bitrate_kbps)?;
        let headers = video.parameter_sets()?;
        let mut container = Container::create(path)?;
        let rate = config.video.rate;
        let frame_time = ff::AVRational { num: rate.den() as i32, den: rate.num() as i32 };
        let sample_time = ff::AVRational { num: 1, den: SAMPLE_RATE as i32 };
        container.add_stream(frame_time, &headers, |p| {
            p.codec_type = ff::AVMediaType::AVMEDIA_TYPE_VIDEO;
            p.codec_id = ff::AVCodecID::AV_CODEC_ID_H264;
            (p.width, p.height) = (config.video.width as i32, config.video.height as i32);
            p.sample_aspect_ratio = ff::AVRational { num: 1, den: 1 };
        })?;
        container.add_stream(sample_time, &AUDIO_SPECIFIC_CONFIG, |p| {
            p.codec_type = ff::AVMediaType::AVMEDIA_TYPE_AUDIO;
            p.codec_id = ff::AVCodecID::AV_CODEC_ID_AAC;
            p.sample_rate = SAMPLE_RATE as i32;
            p.frame_size = AAC_FRAME_SAMPLES as i32;
            p.initial_padding = audio.delay_samples() as i32;
            p.bit_rate = i64::from(config.audio_bitrate_kbps) * 1000;
            // SAFETY: the layout is part of the fresh parameters.
            unsafe { ff::av_channel_layout_default(&mut p.ch_layout, 2) };
        })?;
        container.tag(AUDIO, config.language)?;
        container.add_chapters(config.chapters)?;
        container.begin()?;
        Ok(Mp4Writer {
            path: path.to_path_buf(),
            container,
            video,
            audio,
            frames: 0,
            pcm: Vec::new(),
            samples: 0,
            units: 0,
            unit: Vec::new(),
        })
    }

    /// Appends a picture and any number of interleaved stereo samples.
    ///
    /// # Errors
    /// [`MediaError::Encode`] for a picture of another size or half a sample pair, [`MediaError::Write`].
    pub fn write(&mut self, picture: &Picture, pcm: &[i16]) -> Result<(), MediaError> {
        if !pcm.len().is_multiple_of(2) {
            return Err(MediaError::Encode { reason: format!("{} audio values are no pairs", pcm.len()) });
        }
        let frame = FrameIndex(self.frames);
        self.frames += 1;
        if let Some(unit) = self.video.encode(picture, frame, false)? {
            self.container.write_picture(unit)?;
        }
        self.samples += (pcm.len() / 2) as i64;
        self.pcm.extend_from_slice(pcm);
        let values = 2 * AAC_FRAME_SAMPLES as usize;
        let whole = self.pcm.len() / values * values;
        for block in 0..whole / values {
            let block = &self.pcm[block * values..(block + 1) * values];
            if self.audio.encode(block, &mut self.unit)? {
                self.container.write_unit(
                    &self.unit,
                    &mut self.units,
                    self.audio.delay_samples(),
                    i64::MAX,
                )?;
            }
        }
        self.pcm.drain(..whole);
        Ok(())
    }

    /// Writes what the encoders still hold and the index.
    ///
    /// # Errors
    /// As [`Mp4Writer::write`].
    pub fn finish(mut self) -> Result<(), MediaError> {
        while let Some(unit) = self.video.flush()? {
            self.container.write_picture(unit)?;
        }
        let (delay, end) = (self.audio.delay_samples(), self.samples);
        if !self.pcm.is_empty() {
            self.pcm.resize(2 * AAC_FRAME_SAMPLES as usize, 0);
            if self.audio.encode(&self.pcm, &mut self.unit)? {
                self.container.write_unit(&self.unit, &mut self.units, delay, end)?;
            }
        }
        while self.audio.flush(&mut self.unit)? {
            self.container.write_unit(&self.unit, &mut self.units, delay, end)?;
        }
        self.container.end()?;
        tracing::debug!(path = %self.path.display(), frames = self.frames, samples = self.samples, "written");
        Ok(())
    }
}

/// libavformat's MP4 writer.
struct Container {
    context: NonNull<ff::AVFormatContext>,
    path: PathBuf,
    frame_time: ff::AVRational,
}

// SAFETY: a format context has no thread affinity and is used by one thread at a time.
unsafe impl Send for Container {}

impl Container {
    fn create(path: &Path) -> Result<Container, MediaError> {
        let failed = |code: i32| MediaError::Write { path: path.to_path_buf(), reason: error_text(code) };
        let mut context = output_context(path, c"mp4").map_err(failed)?;
        // SAFETY: the context is ours, and its header not yet written.
        unsafe { context.as_mut().flags |= ff::AVFMT_FLAG_BITEXACT };
        let time = ff::AVRational { num: 1, den: 1 };
        Ok(Container { context, path: path.to_path_buf(), frame_time: time })
    }

    fn failed(&self, code: i32) -> MediaError {
        MediaError::Write { path: self.path.clone(), reason: error_text(code) }
    }

    fn add_stream(
        &mut self,
        time_base: ff::AVRational,
        extradata: &[u8],
        fill: impl FnOnce(&mut ff::AVCodecParameters),
    ) -> Result<(), MediaError> {
        const NO_MEMORY: MediaError = MediaError::OutOfMemory { what: "a track" };
        // SAFETY: the context is ours and its header not yet written; the stream belongs to it. The
        // extradata is allocated with the padding libav wants, zeroed, and belongs to the stream.
        unsafe {
            let stream =
                ff::avformat_new_stream(self.context.as_ptr(), ptr::null()).as_mut().ok_or(NO_MEMORY)?;
            stream.time_base = time_base;
            let parameters = &mut *stream.codecpar;
            fill(parameters);
            let data =
                ff::av_mallocz(extradata.len() + ff::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if data.is_null() {
                return Err(NO_MEMORY);
            }
            ptr::copy_nonoverlapping(extradata.as_ptr(), data, extradata.len());
            parameters.extradata = data;
            parameters.extradata_size = extradata.len() as i32;
            if parameters.codec_type == ff::AVMediaType::AVMEDIA_TYPE_VIDEO {
                self.frame_time = time_base;
                stream.avg_frame_rate = ff::AVRational { num: time_base.den, den: time_base.num };
                stream.sample_aspect_ratio = parameters.sample_aspect_ratio;
            }
        }
        Ok(())
    }

    fn tag(&mut self, stream: i32, language: Option<&str>) -> Result<(), MediaError> {
        let Some(language) = language else { return Ok(()) };
        let value = CString::new(language).unwrap_or_default();
        // SAFETY: the stream exists; libav copies both strings.
        unsafe {
            let stream = *self.context.as_ref().streams.add(stream as usize);
            ff::av_dict_set(&mut (*stream).metadata, c"language".as_ptr(), value.as_ptr(), 0);
        }
        Ok(())
    }

    fn add_chapters(&mut self, chapters: &[Chapter]) -> Result<(), MediaError> {
        const NO_MEMORY: MediaError = MediaError::OutOfMemory { what: "chapters" };
        if chapters.is_empty() {
            return Ok(());
        }
        // SAFETY: list and chapters are allocated with libav's allocator, as it frees them with the
        // context; the count grows only with chapters that are complete.
        unsafe {
            let context = self.context.as_mut();
            context.chapters = ff::av_calloc(chapters.len(), size_of::<*mut ff::AVChapter>()).cast();
            if context.chapters.is_null() {
                return Err(NO_MEMORY);
            }
            for (i, chapter) in chapters.iter().enumerate() {
                let raw = ff::av_mallocz(size_of::<ff::AVChapter>()).cast::<ff::AVChapter>();
                let Some(to) = raw.as_mut() else { return Err(NO_MEMORY) };
                to.id = i as i64;
                to.time_base = ff::AVRational { num: 1, den: 1000 };
                (to.start, to.end) = (chapter.start.0, chapter.end.0);
                if let Some(title) = &chapter.title {
                    let title = CString::new(title.replace('\0', "")).unwrap_or_default();
                    ff::av_dict_set(&mut to.metadata, c"title".as_ptr(), title.as_ptr(), 0);
                }
                *context.chapters.add(i) = raw;
                context.nb_chapters += 1;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), MediaError> {
        // SAFETY: the context has its streams and an open pb.
        let code = unsafe { ff::avformat_write_header(self.context.as_ptr(), ptr::null_mut()) };
        if code < 0 { Err(self.failed(code)) } else { Ok(()) }
    }

    fn write_picture(&mut self, unit: EncodedPicture<'_>) -> Result<(), MediaError> {
        let packet = Packet::copied(unit.data)?;
        self.write(packet, VIDEO, (unit.pts.0, unit.dts.0, 1), unit.idr, self.frame_time)
    }

    /// Writes access unit number `*units` and counts it, unless it lies past sample pair `end`.
    fn write_unit(&mut self, unit: &[u8], units: &mut i64, delay: i64, end: i64) -> Result<(), MediaError> {
        let at = *units * AAC_FRAME_SAMPLES - delay;
        *units += 1;
        if at >= end {
            return Ok(());
        }
        let packet = Packet::copied(unit.get(ADTS_HEADER..).unwrap_or_default())?;
        let lasts = AAC_FRAME_SAMPLES.min(end.saturating_sub(at));
        let time = ff::AVRational { num: 1, den: SAMPLE_RATE as i32 };
        self.write(packet, AUDIO, (at, at, lasts), true, time)
    }

    fn write(
        &mut self,
        mut packet: Packet,
        stream: i32,
        (pts, dts, lasts): (i64, i64, i64),
        key: bool,
        time: ff::AVRational,
    ) -> Result<(), MediaError> {
        let p = packet.fields_mut();
        (p.pts, p.dts, p.duration, p.stream_index) = (pts, dts, lasts, stream);
        p.flags = if key { ff::AV_PKT_FLAG_KEY } else { 0 };
        // SAFETY: the header is written, the stream exists, the packet is ours and its data owned by it.
        let code = unsafe {
            let base = (**self.context.as_ref().streams.add(stream as usize)).time_base;
            ff::av_packet_rescale_ts(packet.as_ptr(), time, base);
            ff::av_interleaved_write_frame(self.context.as_ptr(), packet.as_ptr())
        };
        if code < 0 { Err(self.failed(code)) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), MediaError> {
        // SAFETY: the header was written; the trailer is written once.
        let code = unsafe { ff::av_write_trailer(self.context.as_ptr()) };
        // SAFETY: pb is open; closing flushes it and sets it null.
        let closed = unsafe { ff::avio_closep(&mut self.context.as_mut().pb) };
        match code.min(closed) {
            code if code < 0 => Err(self.failed(code)),
            _ => Ok(()),
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: the context is owned and dropped once. A file begun and not finished is closed without an index.
        unsafe {
            ff::avio_closep(&mut self.context.as_mut().pb);
            ff::avformat_free_context(self.context.as_ptr());
        }
    }
}
