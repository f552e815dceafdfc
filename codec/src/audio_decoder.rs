//! Decodes an audio stream: AAC through the FDK library (feature `fdk-aac`), everything else, and the
//! variants of AAC the FDK library refuses, through libav.

use crate::MediaError;
use crate::demux::Stream;
use crate::libav::{Frame, Packet};
use crate::libav_decoder::{LibavDecoder, Received, Sent};
use std::path::Path;

#[cfg(feature = "fdk-aac")]
use crate::aac_decoder::{AacDecoder, Refusal};

/// An audio decoder.
pub(crate) enum AudioDecoder {
    /// One of libav's.
    Libav(LibavDecoder),
    /// The FDK library's.
    #[cfg(feature = "fdk-aac")]
    Aac(AacDecoder),
}

impl AudioDecoder {
    pub(crate) fn open(stream: Stream<'_>, path: &Path) -> Result<AudioDecoder, MediaError> {
        #[cfg(feature = "fdk-aac")]
        if stream.codec_id() == ffmpeg_sys_next::AVCodecID::AV_CODEC_ID_AAC
            && let Some(decoder) = AacDecoder::open(stream.extradata(), stream.time_base())
        {
            return Ok(AudioDecoder::Aac(decoder));
        }
        AudioDecoder::open_libav(stream, path)
    }

    fn open_libav(stream: Stream<'_>, path: &Path) -> Result<AudioDecoder, MediaError> {
        LibavDecoder::open(stream, 1, path).map(AudioDecoder::Libav)
    }

    /// Sends a packet of `stream`, or its end.
    pub(crate) fn send(
        &mut self,
        packet: Option<&Packet>,
        stream: Stream<'_>,
        path: &Path,
    ) -> Result<Sent, MediaError> {
        #[cfg(feature = "fdk-aac")]
        if let AudioDecoder::Aac(decoder) = self {
            return match decoder.send(packet) {
                Ok(()) => Ok(Sent::Accepted),
                Err(Refusal::Damaged(reason)) => Ok(Sent::Damaged(reason)),
                Err(Refusal::Unsupported) => {
                    tracing::debug!(path = %path.display(), "an AAC variant for libav");
                    *self = AudioDecoder::open_libav(stream, path)?;
                    self.send(packet, stream, path)
                }
            };
        }
        #[cfg(not(feature = "fdk-aac"))]
        let _ = (stream, path);
        match self {
            AudioDecoder::Libav(decoder) => Ok(decoder.send(packet)),
            #[cfg(feature = "fdk-aac")]
            AudioDecoder::Aac(_) => Ok(Sent::Accepted),
        }
    }

    pub(crate) fn receive(&mut self, frame: &mut Frame) -> Result<Received, MediaError> {
        match self {
            AudioDecoder::Libav(decoder) => Ok(decoder.receive(frame)),
            #[cfg(feature = "fdk-aac")]
            AudioDecoder::Aac(decoder) => decoder.receive(frame),
        }
    }

    pub(crate) fn flush(&mut self) {
        match self {
            AudioDecoder::Libav(decoder) => decoder.flush(),
            #[cfg(feature = "fdk-aac")]
            AudioDecoder::Aac(decoder) => decoder.flush(),
        }
    }
}

/// An AAC decoder fed with an encoder's ADTS output, to touch its code before forking.
pub(crate) struct WarmUp {
    decoder: AudioWarmUp,
    frame: Frame,
}

#[cfg(feature = "fdk-aac")]
type AudioWarmUp = AacDecoder;
#[cfg(not(feature = "fdk-aac"))]
type AudioWarmUp = LibavDecoder;

impl WarmUp {
    pub(crate) fn aac() -> Result<WarmUp, MediaError> {
        #[cfg(feature = "fdk-aac")]
        let decoder = AacDecoder::open(
            &[],
            crate::stamp::TimeBase::new(ffmpeg_sys_next::AVRational { num: 1, den: 48_000 }),
        )
        .ok_or(MediaError::OutOfMemory { what: "an AAC decoder" })?;
        #[cfg(not(feature = "fdk-aac"))]
        let decoder = LibavDecoder::bare(ffmpeg_sys_next::AVCodecID::AV_CODEC_ID_AAC)?;
        Ok(WarmUp { decoder, frame: Frame::new()? })
    }

    pub(crate) fn feed(&mut self, unit: &[u8]) -> Result<(), MediaError> {
        let packet = Packet::copied(unit)?;
        #[cfg(feature = "fdk-aac")]
        {
            let _ = self.decoder.send(Some(&packet));
            self.decoder.receive(&mut self.frame)?;
        }
        #[cfg(not(feature = "fdk-aac"))]
        {
            self.decoder.send(Some(&packet));
            self.decoder.receive(&mut self.frame);
        }
        Ok(())
    }
}
