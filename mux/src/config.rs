//! What a muxer is made from, and why a configuration is refused. Everything that could make a later
//! step fail (a section too long for its packet, a rate too low for its streams) is refused here.

use crate::pacing::{self, StreamPace};
use crate::packet::Counter;
use crate::pid::{Pid, StreamType};
use crate::si::{
    Descriptor, EventCapacity, LocalTimeOffset, Network, Program, ProgramStream, ServiceDescription,
    SiConfig, SiError, TableVersions,
};
use retrovue_timebase::Ticks27M;

/// Configuration of one single-program transport stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuxConfig {
    /// Program number (DVB: service id), not 0.
    pub program_number: u16,
    /// Identifies this multiplex in PAT and SDT.
    pub transport_stream_id: u16,
    /// DVB original network id, in SDT. 0xFF01 to 0xFFFF are free for private use.
    pub original_network_id: u16,
    /// PID of the program map table.
    pub pmt_pid: Pid,
    /// Name of the channel, at most 64 bytes as DVB text.
    pub service_name: String,
    /// Name of its provider, at most 64 bytes as DVB text.
    pub provider_name: String,
    /// The elementary streams, 1 to 8. The PCR goes with the first video stream, or with the first
    /// stream when there is no video.
    pub streams: Vec<StreamConfig>,
    /// What else the tables tell.
    pub information: Information,
    /// Rate of the whole stream.
    pub rate: MuxRate,
    /// What an earlier session of the same channel left behind.
    pub resume: Option<Resume>,
}

/// Service information beyond PAT, PMT and SDT, and the versions the tables begin with. Without any of
/// it, as [`Information::default`] is, only those three are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Information {
    /// First versions of the tables: those of the session before, see [`crate::Muxer::versions`].
    pub versions: TableVersions,
    /// What the NIT tells; no NIT without.
    pub network: Option<Network>,
    /// Room for events; no EIT without. They come by [`crate::Muxer::replace_events`].
    pub events: Option<EventCapacity>,
    /// Whether TDT is sent, once [`crate::Muxer::set_utc`] has told the time.
    pub time: bool,
    /// Local times, at most 19, which TOT tells beside TDT.
    pub local_times: Vec<LocalTimeOffset>,
}

/// One elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// PID of its packets.
    pub pid: Pid,
    /// Code point in the program map table.
    pub stream_type: StreamType,
    /// What it holds and how fast.
    pub kind: StreamKind,
    /// ISO 639-2 code, lower case.
    pub language: Option<[u8; 3]>,
    /// Most access units in a second, 1 to 240: what headers and stuffing take follows from it.
    pub units_per_second: u32,
    /// What else the program map tells of it: language and maximum bit rate come of themselves.
    pub descriptors: Vec<Descriptor>,
}

/// What a stream holds, with the figures its buffers are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Pictures.
    Video {
        /// Peak rate the encoder keeps to (its VBV or HRD rate), in bit/s: 100,000 to 240,000,000.
        max_bitrate_bps: u64,
        /// Size of the encoder's VBV or HRD buffer in bits, at most five seconds at that rate. It
        /// decides how long before its DTS an access unit leaves.
        cpb_bits: u64,
    },
    /// Sound, at most two channels.
    Audio {
        /// Nominal rate in bit/s: 8,000 to 512,000.
        bitrate_bps: u64,
    },
}

/// How the rate of the whole transport stream is governed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MuxRate {
    /// No null packets. Packets are never closer together than at `peak_bps`.
    Variable {
        /// Peak rate in bit/s; the smallest that carries every stream at its own peak when absent.
        peak_bps: Option<u64>,
    },
    /// Exactly this rate, filled up with null packets.
    Constant {
        /// Rate in bit/s.
        bps: u64,
    },
}

/// Continues an earlier session of the same channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    /// Whether the first packet of each PID carries `discontinuity_indicator`: the time base or the
    /// counters do not follow from what a receiver saw last.
    pub discontinuity: bool,
    /// Last continuity counter sent on each PID, as [`crate::Muxer::counters`] reports them. PIDs
    /// this session does not use are ignored.
    pub counters: Vec<(Pid, u8)>,
}

impl Resume {
    /// The counter a PID begins with.
    pub(crate) fn counter(resume: Option<&Resume>, pid: Pid) -> Counter {
        let last = resume.and_then(|resume| resume.counters.iter().find(|(known, _)| *known == pid));
        Counter::new(last.map(|&(_, last)| last), resume.is_some_and(|resume| resume.discontinuity))
    }
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No stream, or more than [`MuxConfig::MAX_STREAMS`].
    #[error("a program has 1 to {} streams, not {count}: leave streams out", MuxConfig::MAX_STREAMS)]
    StreamCount {
        /// Streams configured.
        count: usize,
    },
    /// Something that the tables cannot tell.
    #[error(transparent)]
    Information(#[from] SiError),
    /// A stream type that is not carried yet, or does not go with its kind.
    #[error(
        "stream type {stream_type:#04x} on PID {pid} is not carried: video must be H.264 (0x1b), audio AAC in ADTS (0x0f)"
    )]
    StreamType {
        /// PID of the stream.
        pid: Pid,
        /// The offending code point.
        stream_type: u8,
    },
    /// A language that is no ISO 639-2 code.
    #[error("language {language:?} on PID {pid} is no ISO 639-2 code: three letters a to z")]
    Language {
        /// PID of the stream.
        pid: Pid,
        /// The offending code.
        language: [u8; 3],
    },
    /// A rate out of range.
    #[error("bit rate {bps} on PID {pid} is outside {smallest} to {largest} bit/s")]
    Bitrate {
        /// PID of the stream.
        pid: Pid,
        /// The offending rate.
        bps: u64,
        /// Smallest accepted.
        smallest: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// A decoder buffer of nothing or of more than five seconds.
    #[error("decoder buffer of {cpb_bits} bits on PID {pid} is outside 1 to {largest} bits at its rate")]
    CpbSize {
        /// PID of the stream.
        pid: Pid,
        /// The offending size.
        cpb_bits: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// The multiplex cannot carry its streams.
    #[error("peak rate of {peak_bps} bit/s is too low: the streams need at least {smallest} bit/s")]
    RateTooLow {
        /// The offending rate.
        peak_bps: u64,
        /// Smallest that works.
        smallest: u64,
    },
    /// The multiplex cannot carry its streams at a constant rate.
    #[error(
        "a constant rate of {bps} bit/s is too low: the streams need {smallest} bit/s, or lower rates of their own"
    )]
    ConstantRateTooLow {
        /// The offending rate.
        bps: u64,
        /// Smallest that surely works.
        smallest: u64,
    },
    /// Headers and stuffing of so many access units do not pass the stream's transport buffer.
    #[error(
        "{bps} bit/s on PID {pid} is too low for {units_per_second} access units a second: use at least {smallest} bit/s"
    )]
    StreamRateTooLow {
        /// PID of the stream.
        pid: Pid,
        /// The offending rate.
        bps: u64,
        /// Access units it is for.
        units_per_second: u32,
        /// Smallest that works.
        smallest: u64,
    },
    /// No access units, or more than any format has.
    #[error(
        "{units_per_second} access units a second on PID {pid} is outside 1 to {}",
        StreamConfig::MAX_UNITS_PER_SECOND
    )]
    UnitsPerSecond {
        /// PID of the stream.
        pid: Pid,
        /// The offending value.
        units_per_second: u32,
    },
    /// The multiplex rate is beyond what the arithmetic was shown for.
    #[error("peak rate of {peak_bps} bit/s is over {largest} bit/s")]
    RateTooHigh {
        /// The offending rate.
        peak_bps: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// A name with a control character, which DVB text gives other meanings.
    #[error("name {name:?} contains a control character: take it out")]
    NameControl {
        /// The offending name.
        name: String,
    },
    /// A counter that does not fit four bits.
    #[error("continuity counter {counter} of PID {pid} is over 15")]
    Counter {
        /// PID of the counter.
        pid: Pid,
        /// The offending value.
        counter: u8,
    },
}

impl MuxConfig {
    /// Most elementary streams of a program.
    pub const MAX_STREAMS: usize = 8;

    /// A program of `streams` called `service_name`, variable rate, new session, with this station's
    /// usual identifiers.
    #[must_use]
    pub fn new(service_name: &str, streams: Vec<StreamConfig>) -> MuxConfig {
        MuxConfig {
            program_number: 1,
            transport_stream_id: 1,
            original_network_id: 0xFF01,
            pmt_pid: Pid::DEFAULT_PMT,
            service_name: service_name.to_owned(),
            provider_name: "RetroVue".to_owned(),
            streams,
            information: Information::default(),
            rate: MuxRate::Variable { peak_bps: None },
            resume: None,
        }
    }

    /// A program of pictures at up to `video_bps` and stereo sound, as a station sends it. The decoder's
    /// buffer holds half a second of pictures: an IDR may borrow so much, and the delay stays under the
    /// second that ISO/IEC 13818-1 §2.7.9 allows. Their peak is never so low that headers and stuffing of so
    /// many pictures a second could not pass a receiver's transport buffer.
    #[must_use]
    pub fn house(
        service_name: &str,
        video_bps: u64,
        pictures_per_second: u32,
        audio_bps: u64,
        rate: MuxRate,
    ) -> MuxConfig {
        let video = StreamConfig::h264(0, 0).with_units_per_second(pictures_per_second);
        let peak_bps = video_bps.max(video.smallest_bitrate_bps().next_multiple_of(1000));
        let kind = StreamKind::Video { max_bitrate_bps: peak_bps, cpb_bits: peak_bps / 2 };
        let streams = vec![StreamConfig { kind, ..video }, StreamConfig::aac_adts(audio_bps)];
        MuxConfig { rate, ..MuxConfig::new(service_name, streams) }
    }

    /// Longest time by which a packet leaves before its access unit's DTS. The first packet of a
    /// session leaves this long before the first DTS, when the first stream is video.
    ///
    /// # Errors
    /// As [`crate::Muxer::new`].
    pub fn lead(&self) -> Result<Ticks27M, ConfigError> {
        self.validate()?;
        let lead = self.streams.iter().map(|stream| StreamPace::new(self, stream).lead).max();
        Ok(Ticks27M(lead.unwrap_or_default()))
    }

    /// Position in `streams` of the stream that carries the PCR.
    pub(crate) fn pcr_stream(&self) -> usize {
        let video = |stream: &StreamConfig| matches!(stream.kind, StreamKind::Video { .. });
        self.streams.iter().position(video).unwrap_or(0)
    }

    /// What the tables are made from.
    pub(crate) fn tables(&self) -> SiConfig {
        let information = &self.information;
        SiConfig {
            transport_stream_id: self.transport_stream_id,
            original_network_id: self.original_network_id,
            program_number: self.program_number,
            pmt_pid: self.pmt_pid,
            program: Program {
                pcr_pid: self.streams.get(self.pcr_stream()).map_or(Pid::NULL, |stream| stream.pid),
                descriptors: vec![],
                streams: self.streams.iter().map(StreamConfig::program_stream).collect(),
            },
            service: Some(ServiceDescription {
                service_type: TELEVISION,
                provider_name: self.provider_name.clone(),
                service_name: self.service_name.clone(),
            }),
            network: information.network.clone(),
            events: information.events,
            time: information.time,
            local_times: information.local_times.clone(),
            versions: information.versions,
        }
    }

    /// Peak rate in bit/s, given or derived.
    pub(crate) fn peak_bps(&self) -> u64 {
        match self.rate {
            MuxRate::Variable { peak_bps } => peak_bps.unwrap_or_else(|| pacing::smallest_peak_bps(self)),
            MuxRate::Constant { bps } => bps,
        }
    }

    /// Smallest constant rate in bit/s that surely carries these streams.
    #[must_use]
    pub fn smallest_constant_bps(&self) -> u64 {
        pacing::smallest_constant_bps(self)
    }

    fn validate_rate(&self) -> Result<(), ConfigError> {
        match self.rate {
            MuxRate::Variable { .. } => {
                let (peak_bps, smallest) = (self.peak_bps(), pacing::smallest_peak_bps(self));
                if peak_bps < smallest {
                    return Err(ConfigError::RateTooLow { peak_bps, smallest });
                }
            }
            MuxRate::Constant { bps } => {
                let smallest = self.smallest_constant_bps();
                if bps < smallest {
                    return Err(ConfigError::ConstantRateTooLow { bps, smallest });
                }
            }
        }
        let (peak_bps, largest) = (self.peak_bps(), pacing::LARGEST_PEAK_BPS);
        if peak_bps > largest {
            return Err(ConfigError::RateTooHigh { peak_bps, largest });
        }
        Ok(())
    }

    /// Refuses whatever a muxer could not keep to.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.streams.is_empty() || self.streams.len() > MuxConfig::MAX_STREAMS {
            return Err(ConfigError::StreamCount { count: self.streams.len() });
        }
        let tables = self.tables();
        tables.validate()?;
        self.streams.iter().try_for_each(StreamConfig::validate)?;
        for name in [&self.service_name, &self.provider_name] {
            validate_name(name)?;
        }
        self.validate_rate()?;
        let counters = self.resume.iter().flat_map(|resume| &resume.counters);
        for &(pid, counter) in counters {
            if counter > 15 {
                return Err(ConfigError::Counter { pid, counter });
            }
        }
        Ok(())
    }
}

/// `service_type` of a digital television service (EN 300 468 table 89).
const TELEVISION: u8 = 0x01;

impl StreamConfig {
    /// H.264 on the usual video PID, up to 60 pictures a second; figures as [`StreamKind::Video`] defines them.
    #[must_use]
    pub const fn h264(max_bitrate_bps: u64, cpb_bits: u64) -> StreamConfig {
        StreamConfig {
            pid: Pid::DEFAULT_VIDEO,
            stream_type: StreamType::H264,
            kind: StreamKind::Video { max_bitrate_bps, cpb_bits },
            language: None,
            units_per_second: 60,
            descriptors: Vec::new(),
        }
    }

    /// Stereo AAC in ADTS at 48 kHz on the usual audio PID.
    #[must_use]
    pub const fn aac_adts(bitrate_bps: u64) -> StreamConfig {
        StreamConfig {
            pid: Pid::DEFAULT_AUDIO,
            stream_type: StreamType::AAC_ADTS,
            kind: StreamKind::Audio { bitrate_bps },
            language: None,
            units_per_second: 47,
            descriptors: Vec::new(),
        }
    }

    /// The same stream on another PID.
    #[must_use]
    pub fn on_pid(mut self, pid: Pid) -> StreamConfig {
        self.pid = pid;
        self
    }

    /// The same stream, marked with its ISO 639-2 language.
    #[must_use]
    pub fn with_language(mut self, language: [u8; 3]) -> StreamConfig {
        self.language = Some(language);
        self
    }

    /// The same stream with a further descriptor in the program map.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: Descriptor) -> StreamConfig {
        self.descriptors.push(descriptor);
        self
    }

    /// What the program map tells of the stream.
    pub(crate) fn program_stream(&self) -> ProgramStream {
        let mut descriptors = self.descriptors.clone();
        descriptors.extend(self.language.map(|language| Descriptor::Language { language, audio_type: 0 }));
        descriptors.push(Descriptor::MaximumBitrate { bps: pacing::packets_bps(self) });
        ProgramStream { stream_type: self.stream_type, pid: self.pid, descriptors }
    }

    /// Most access units a stream may have in a second.
    pub const MAX_UNITS_PER_SECOND: u32 = 240;

    /// The same stream with at most so many access units a second.
    #[must_use]
    pub fn with_units_per_second(mut self, units_per_second: u32) -> StreamConfig {
        self.units_per_second = units_per_second;
        self
    }

    /// Smallest rate in bit/s at which so many access units a second pass the stream's transport buffer.
    #[must_use]
    pub fn smallest_bitrate_bps(&self) -> u64 {
        pacing::smallest_stream_bps(self)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let (pid, units_per_second) = (self.pid, self.units_per_second);
        if !(1..=StreamConfig::MAX_UNITS_PER_SECOND).contains(&units_per_second) {
            return Err(ConfigError::UnitsPerSecond { pid, units_per_second });
        }
        let (bps, smallest, largest, expected) = match self.kind {
            StreamKind::Video { max_bitrate_bps, .. } => {
                (max_bitrate_bps, 100_000, 240_000_000, StreamType::H264)
            }
            StreamKind::Audio { bitrate_bps } => (bitrate_bps, 8_000, 512_000, StreamType::AAC_ADTS),
        };
        if self.stream_type != expected {
            return Err(ConfigError::StreamType { pid, stream_type: self.stream_type.0 });
        }
        if bps < smallest || bps > largest {
            return Err(ConfigError::Bitrate { pid, bps, smallest, largest });
        }
        if let StreamKind::Video { max_bitrate_bps, cpb_bits } = self.kind {
            let largest = max_bitrate_bps * pacing::LONGEST_CPB_SECONDS;
            if cpb_bits == 0 || cpb_bits > largest {
                return Err(ConfigError::CpbSize { pid, cpb_bits, largest });
            }
        }
        let smallest = self.smallest_bitrate_bps();
        if bps < smallest {
            return Err(ConfigError::StreamRateTooLow { pid, bps, units_per_second, smallest });
        }
        match self.language {
            Some(language) if !language.iter().all(u8::is_ascii_lowercase) => {
                Err(ConfigError::Language { pid, language })
            }
            _ => Ok(()),
        }
    }
}

fn validate_name(name: &str) -> Result<(), ConfigError> {
    if name.chars().any(char::is_control) {
        return Err(ConfigError::NameControl { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> MuxConfig {
        MuxConfig::new("One", vec![StreamConfig::h264(4_000_000, 4_000_000), StreamConfig::aac_adts(192_000)])
    }

    #[test]
    fn each_fault_is_refused_by_its_name() {
        type Fault = (fn(&mut MuxConfig), &'static str);
        let faults: [Fault; 14] = [
            (|c| c.streams.clear(), "1 to 8 streams, not 0"),
            (|c| c.program_number = 0, "program_number must not be 0"),
            (|c| c.information.versions.pmt = 32, "version 32"),
            (|c| c.pmt_pid = Pid::SDT, "PID 0x0011 cannot be assigned"),
            (|c| c.pmt_pid = Pid::DEFAULT_AUDIO, "PID 0x0101 is used twice"),
            (|c| c.streams[0].stream_type = StreamType::HEVC, "stream type 0x24 on PID 0x0100"),
            (|c| c.streams[1].language = Some(*b"EN "), "PID 0x0101 is no ISO 639-2 code"),
            (|c| c.streams[1].kind = StreamKind::Audio { bitrate_bps: 1 }, "bit rate 1 on PID 0x0101"),
            (
                |c| c.streams[0].kind = StreamKind::Video { max_bitrate_bps: 1_000_000, cpb_bits: 5_000_001 },
                "5000001 bits on PID 0x0100 is outside 1 to 5000000",
            ),
            (|c| c.rate = MuxRate::Variable { peak_bps: Some(7_799_999) }, "at least 7800000 bit/s"),
            (|c| c.rate = MuxRate::Variable { peak_bps: Some(u64::MAX) }, "is over"),
            (|c| c.service_name = "x".repeat(65), "takes 65 bytes"),
            (|c| c.provider_name = "a\nb".to_owned(), "control character"),
            (
                |c| {
                    c.resume = Some(Resume { discontinuity: true, counters: vec![(Pid::PAT, 16)] });
                },
                "continuity counter 16 of PID 0x0000",
            ),
        ];
        for (spoil, message) in faults {
            let mut config = config();
            spoil(&mut config);
            let error = config.validate().expect_err(message).to_string();
            assert!(error.contains(message), "{error:?} lacks {message:?}");
        }
        assert_eq!(config().validate(), Ok(()));
    }

    #[test]
    fn the_largest_configuration_makes_a_muxer() {
        let stream =
            |n: u16| StreamConfig::aac_adts(64_000).on_pid(Pid::new(0x200 + n)).with_language(*b"deu");
        let mut config = MuxConfig::new(&"\u{20ac}".repeat(21), (0..8).map(stream).collect());
        config.provider_name = "p".repeat(64);
        assert!(crate::Muxer::new(config.clone()).is_ok());
        let other = || Descriptor::Other { tag: 0xF0, payload: vec![0; 200] };
        config.streams.iter_mut().for_each(|stream| stream.descriptors.push(other()));
        let refused = crate::Muxer::new(config).map(drop).expect_err("a map of 1,700 bytes").to_string();
        assert!(refused.contains("longer than 1024 bytes"), "{refused}");
    }
}
