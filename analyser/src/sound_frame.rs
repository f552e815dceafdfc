//! Frame headers of sound: ADTS (ISO/IEC 14496-3 §1.A.3.2), MPEG audio (ISO/IEC 11172-3 §2.4.1.3), AC-3 and
//! E-AC-3 (ETSI TS 102 366 §4.3, annex E).

use crate::buffer_model::BufferModel;
use crate::stream_type::Coding;

/// Header bytes that tell a frame's length.
pub(crate) const HEADER: usize = 7;

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoundFrame {
    /// Bytes, the header with them.
    pub(crate) length: usize,
    pub(crate) samples: u32,
    pub(crate) rate: u32,
    /// Belongs to the access unit before it (a substream).
    pub(crate) goes_on: bool,
    pub(crate) model: BufferModel,
}

impl SoundFrame {
    /// Reads a header; None if it is none.
    pub(crate) fn read(coding: Coding, b: &[u8; HEADER]) -> Option<SoundFrame> {
        match coding {
            Coding::Adts => adts(b),
            Coding::MpegAudio => mpeg_audio(b),
            Coding::Ac3Dvb | Coding::Eac3Dvb => ac3(b, BufferModel::audio(2_000_000, 5696)),
            Coding::Ac3Atsc => ac3(b, BufferModel::audio(2_000_000, 2592)),
            Coding::Eac3Atsc => ac3(b, BufferModel::audio(2_000_000, 12_896)),
            _ => None,
        }
        .filter(|frame| frame.length >= HEADER && frame.rate > 0)
    }
}

fn adts(b: &[u8; HEADER]) -> Option<SoundFrame> {
    const RATES: [u32; 13] =
        [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
    if b[0] != 0xFF || b[1] & 0xF6 != 0xF0 {
        return None;
    }
    let rate = *RATES.get(usize::from(b[2] >> 2 & 15))?;
    let configuration = (b[2] & 1) << 2 | b[3] >> 6;
    let channels = if configuration == 7 { 8 } else { configuration };
    let length = usize::from(b[3] & 3) << 11 | usize::from(b[4]) << 3 | usize::from(b[5] >> 5);
    let blocks = u32::from(b[6] & 3) + 1;
    Some(SoundFrame {
        length,
        samples: 1024 * blocks,
        rate,
        goes_on: false,
        model: BufferModel::adts(channels),
    })
}

fn mpeg_audio(b: &[u8; HEADER]) -> Option<SoundFrame> {
    const KBITS: [[u32; 15]; 5] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    if b[0] != 0xFF || b[1] & 0xE0 != 0xE0 {
        return None;
    }
    let (version, layer) = (b[1] >> 3 & 3, 4 - u32::from(b[1] >> 1 & 3));
    let shift = match version {
        3 => 0,
        2 => 1,
        0 => 2,
        _ => return None,
    };
    let rate = *[44100u32, 48000, 32000].get(usize::from(b[2] >> 2 & 3))? >> shift;
    let row = match (shift, layer) {
        (_, 4) => return None,
        (0, layer) => layer as usize - 1,
        (_, 1) => 3,
        _ => 4,
    };
    let bits = *KBITS[row].get(usize::from(b[2] >> 4))? * 1000;
    let padding = u32::from(b[2] >> 1 & 1);
    let samples = match layer {
        1 => 384,
        3 if shift > 0 => 576,
        _ => 1152,
    };
    let length =
        if layer == 1 { (12 * bits / rate + padding) * 4 } else { samples / 8 * bits / rate + padding };
    Some(SoundFrame {
        length: length as usize,
        samples,
        rate,
        goes_on: false,
        model: BufferModel::audio(2_000_000, 3584),
    })
}

fn ac3(b: &[u8; HEADER], model: BufferModel) -> Option<SoundFrame> {
    const KBITS: [u32; 19] =
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
    if b[..2] != [0x0B, 0x77] {
        return None;
    }
    let identification = b[5] >> 3;
    if identification <= 10 {
        let kbits = *KBITS.get(usize::from(b[4] & 0x3F) / 2)?;
        let (rate, words) = match b[4] >> 6 {
            0 => (48000, kbits * 2),
            1 => (44100, kbits * 1536 * 1000 / 16 / 44100 + u32::from(b[4] & 1)),
            2 => (32000, kbits * 3),
            _ => return None,
        };
        let rate = rate >> identification.saturating_sub(8);
        return Some(SoundFrame { length: words as usize * 2, samples: 1536, rate, goes_on: false, model });
    }
    if identification > 16 {
        return None;
    }
    let length = 2 * (usize::from(b[2] & 7) << 8 | usize::from(b[3])) + 2;
    let (code, second) = (b[4] >> 6, usize::from(b[4] >> 4 & 3));
    let (rate, blocks) = if code == 3 {
        (*[24000u32, 22050, 16000].get(second)?, 6)
    } else {
        ([48000, 44100, 32000][usize::from(code)], [1, 2, 3, 6][second])
    };
    let (kind, substream) = (b[2] >> 6, b[2] >> 3 & 7);
    let goes_on = kind == 1 || substream != 0;
    Some(SoundFrame { length, samples: 256 * blocks, rate, goes_on, model })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let read = |coding, b: [u8; HEADER]| {
            SoundFrame::read(coding, &b).map(|f| (f.length, f.samples, f.rate, f.goes_on))
        };
        // 48 kHz stereo, 371 bytes.
        assert_eq!(
            read(Coding::Adts, [0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC]),
            Some((371, 1024, 48000, false))
        );
        // Layer II, 192 kbit/s, 48 kHz; layer III, 128 kbit/s, 44.1 kHz, padded.
        assert_eq!(read(Coding::MpegAudio, [0xFF, 0xFD, 0xA4, 0, 0, 0, 0]), Some((576, 1152, 48000, false)));
        assert_eq!(read(Coding::MpegAudio, [0xFF, 0xFB, 0x92, 0, 0, 0, 0]), Some((418, 1152, 44100, false)));
        // 192 kbit/s at 48 kHz.
        assert_eq!(read(Coding::Ac3Dvb, [0x0B, 0x77, 0, 0, 20, 0x40, 0]), Some((768, 1536, 48000, false)));
        // 44.1 kHz, 32 kbit/s: 69 words, and one more.
        assert_eq!(read(Coding::Ac3Dvb, [0x0B, 0x77, 0, 0, 0x41, 0x40, 0]), Some((140, 1536, 44100, false)));
        // 512 bytes of six blocks; a dependent substream.
        assert_eq!(
            read(Coding::Eac3Dvb, [0x0B, 0x77, 0, 0xFF, 0x30, 0x80, 0]),
            Some((512, 1536, 48000, false))
        );
        assert_eq!(
            read(Coding::Eac3Dvb, [0x0B, 0x77, 0x40, 0xFF, 0x30, 0x80, 0]),
            Some((512, 1536, 48000, true))
        );
        assert_eq!(read(Coding::Adts, [0; 7]), None);
    }
}
