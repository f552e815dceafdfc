//! Decodes a video stream: AV1 through dav1d (feature `dav1d`), everything else through libav.

use crate::MediaError;
use crate::demux::Stream;
use crate::libav::{Frame, Packet};
use crate::libav_decoder::{LibavDecoder, Received, Sent};
use ffmpeg_sys_next as ff;
use std::path::Path;

#[cfg(feature = "dav1d")]
use crate::av1_decoder::Av1Decoder;

/// A video decoder.
pub(crate) enum VideoDecoder {
    /// One of libav's.
    Libav(LibavDecoder),
    /// dav1d.
    #[cfg(feature = "dav1d")]
    Av1(Av1Decoder),
}

impl VideoDecoder {
    pub(crate) fn open(stream: Stream<'_>, threads: u32, path: &Path) -> Result<VideoDecoder, MediaError> {
        #[cfg(feature = "dav1d")]
        if stream.codec_id() == ff::AVCodecID::AV_CODEC_ID_AV1 {
            return Ok(VideoDecoder::Av1(Av1Decoder::open(stream.extradata(), threads)?));
        }
        LibavDecoder::open(stream, threads, path).map(VideoDecoder::Libav)
    }

    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Sent {
        match self {
            VideoDecoder::Libav(decoder) => decoder.send(packet),
            #[cfg(feature = "dav1d")]
            VideoDecoder::Av1(decoder) => decoder.send(packet),
        }
    }

    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Received {
        match self {
            VideoDecoder::Libav(decoder) => decoder.receive(frame),
            #[cfg(feature = "dav1d")]
            VideoDecoder::Av1(decoder) => decoder.receive(frame),
        }
    }

    pub(crate) fn flush(&mut self) {
        match self {
            VideoDecoder::Libav(decoder) => decoder.flush(),
            #[cfg(feature = "dav1d")]
            VideoDecoder::Av1(decoder) => decoder.flush(),
        }
    }

    pub(crate) fn skip_unreferenced(&mut self, skip: bool) {
        match self {
            VideoDecoder::Libav(decoder) => decoder.skip_unreferenced(skip),
            #[cfg(feature = "dav1d")]
            VideoDecoder::Av1(_) => {}
        }
    }
}

/// An H.264 decoder fed with an encoder's output, to touch its code before forking.
pub(crate) struct WarmUp {
    decoder: LibavDecoder,
    frame: Frame,
}

impl WarmUp {
    pub(crate) fn h264() -> Result<WarmUp, MediaError> {
        let decoder = LibavDecoder::bare(ff::AVCodecID::AV_CODEC_ID_H264)?;
        Ok(WarmUp { decoder, frame: Frame::new()? })
    }

    pub(crate) fn feed(
        &mut self,
        unit: &[u8],
        mut each: impl FnMut(&Frame) -> Result<(), MediaError>,
    ) -> Result<(), MediaError> {
        self.decoder.send(Some(&Packet::copied(unit)?));
        while self.decoder.receive(&mut self.frame) == Received::Frame {
            each(&self.frame)?;
        }
        Ok(())
    }
}
